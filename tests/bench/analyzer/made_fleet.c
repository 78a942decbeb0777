/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/analyzer/made_fleet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash_index.h"

#define HOSTS_A_CUSTOMER 100
#define ATTRIBUTES 4

struct made_segment {
    struct uuid id;
    char texts[ATTRIBUTES][16];
    struct report_attribute attributes[ATTRIBUTES];
};

static void *room(size_t count, size_t size)
{
    void *made = calloc(count, size);
    if (made == NULL) {
        (void)fputs("bench: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return made;
}

/* Five systems, four product lines, ten regions, and rings for the rest. */
static void make_segment(struct made_segment *segment, uint32_t number)
{
    static const char *const names[ATTRIBUTES] = {"os", "product_line", "region", "ring"};
    const uint32_t ranks[ATTRIBUTES] = {number % 5, number / 5 % 4, number / 20 % 10, number / 200};
    for (int i = 0; i < ATTRIBUTES; i++) {
        (void)snprintf(segment->texts[i], sizeof segment->texts[i], "value-%u", ranks[i]);
        segment->attributes[i] =
            (struct report_attribute){.name = names[i], .value = segment->texts[i]};
    }
    segment->id = report_segment_id(segment->attributes, ATTRIBUTES);
}

void made_fleet_open(struct made_fleet *fleet)
{
    fleet->customers = fleet->hosts / HOSTS_A_CUSTOMER + 1;
    fleet->customer_ids = room(fleet->customers, sizeof *fleet->customer_ids);
    for (uint32_t i = 0; i < fleet->customers; i++) {
        (void)snprintf(fleet->customer_ids[i], sizeof fleet->customer_ids[i], "c-%u", i);
    }
    fleet->made_segments = room(fleet->segments, sizeof *fleet->made_segments);
    for (uint32_t i = 0; i < fleet->segments; i++) {
        make_segment(&fleet->made_segments[i], i);
    }
    fleet->update_ids = room(fleet->updates, sizeof *fleet->update_ids);
    fleet->by_update = room(fleet->updates, sizeof *fleet->by_update);
    for (uint32_t i = 0; i < fleet->updates; i++) {
        (void)snprintf(fleet->update_ids[i], sizeof fleet->update_ids[i], "pattern/%u", i);
    }
}

void made_fleet_close(struct made_fleet *fleet)
{
    free(fleet->customer_ids);
    free(fleet->made_segments);
    free(fleet->update_ids);
    free(fleet->by_update);
}

size_t made_fleet_count(const struct made_fleet *fleet, uint32_t first, uint32_t step)
{
    return first < fleet->hosts ? (fleet->hosts - first - 1) / step + 1 : 0;
}

/* Idle to half busy; one report in 400 begins a quarter of an hour at the top. rival.mjs has the
 * same formula. */
static double busy_of(uint64_t host, uint64_t round)
{
    uint64_t stretch = (host * 7919 + round / 3 * 104729) % 10007;
    return stretch < 75 ? 0.99 : (double)((host * 31 + round * 1009) % 5003) / 10006;
}

static int install_minute(const struct made_fleet *fleet, uint32_t host)
{
    uint32_t cohort = host % MADE_INTERVAL_MINUTES;
    uint32_t rounds = (uint32_t)fleet->install_minutes / MADE_INTERVAL_MINUTES;
    return (int)(cohort + MADE_INTERVAL_MINUTES * (host / 11 % rounds));
}

static bool installs(const struct made_fleet *fleet, uint32_t host, int minute)
{
    return fleet->host_share != 0 && fleet->updates != 0 &&
           host / MADE_INTERVAL_MINUTES % fleet->host_share == 0 &&
           install_minute(fleet, host) == minute;
}

void made_fleet_reports(const struct made_fleet *fleet, int minute, uint32_t first, uint32_t step,
                        struct report *reports)
{
    instant_us start = MADE_STARTED_AT + minute * INSTANT_MINUTE;
    for (uint32_t i = 0; i < fleet->updates; i++) {
        fleet->by_update[i] =
            (struct report_update){.id = fleet->update_ids[i],
                                   .outcome = UPDATE_INSTALLED,
                                   .at = start - (instant_us)(i % 60) * INSTANT_SECOND};
    }
    size_t count = made_fleet_count(fleet, first, step);
    for (size_t i = 0; i < count; i++) {
        uint32_t host = first + (uint32_t)i * step;
        const struct made_segment *segment = &fleet->made_segments[host / 3 % fleet->segments];
        uint64_t halves[2] = {hash_number(host), hash_number(host ^ UINT64_C(0x5bd1e995) << 32)};
        bool updated = installs(fleet, host, minute);
        struct report *report = &reports[i];
        *report = (struct report){.customer_id = fleet->customer_ids[host / HOSTS_A_CUSTOMER],
                                  .received_at = start + (instant_us)(host % 59) * INSTANT_SECOND,
                                  .has_host = true,
                                  .segment_id = segment->id,
                                  .attributes = segment->attributes,
                                  .attribute_count = ATTRIBUTES,
                                  .updates =
                                      updated ? &fleet->by_update[host / 7 % fleet->updates] : NULL,
                                  .update_count = updated ? 1 : 0,
                                  .has_cpu = true,
                                  .interval_s = MADE_INTERVAL_MINUTES * 60,
                                  .busy = busy_of(host, (uint64_t)minute / MADE_INTERVAL_MINUTES),
                                  .peak = NAN,
                                  .product_busy = NAN};
        memcpy(&report->host_id, halves, sizeof report->host_id);
        report->observed_at = report->received_at - INSTANT_SECOND;
    }
}
