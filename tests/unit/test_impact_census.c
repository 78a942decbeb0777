/* Who reports, by region and product line, against a count that asks every host for every place,
 * for one thread and several. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/impact_census.h"
#include "common/random_stream.h"
#include "common/report.h"

#define HOSTS 20000
#define CUSTOMERS 700
#define SEGMENTS 24

static const char *const regions[] = {"Japan", "Taiwan", "Europe", NULL};
static const char *const lines[] = {"VirusBuster", "OfficeScan", "ServerProtect", NULL};

static struct failure failure;
static struct segments segments;
static struct fleet fleet;
static struct registry *registry;
static char ids[CUSTOMERS][16];
static const char *customers[CUSTOMERS];

static const char *or_unknown(const char *text)
{
    return text != NULL ? text : "unknown";
}

static const char *region_of_segment(uint32_t segment)
{
    return segment == SEGMENT_NONE ? "unknown" : or_unknown(regions[segment % 4]);
}

static const char *line_of_segment(uint32_t segment)
{
    return segment == SEGMENT_NONE ? "unknown" : or_unknown(lines[segment / 4 % 4]);
}

static void make_segments(void)
{
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        struct report_attribute attributes[3];
        size_t count = 0;
        char ring[16];
        (void)snprintf(ring, sizeof ring, "ring %u", i / 16);
        if (lines[i / 4 % 4] != NULL) {
            attributes[count++] =
                (struct report_attribute){.name = "product_line", .value = lines[i / 4 % 4]};
        }
        if (regions[i % 4] != NULL) {
            attributes[count++] =
                (struct report_attribute){.name = "region", .value = regions[i % 4]};
        }
        attributes[count++] = (struct report_attribute){.name = "ring", .value = ring};
        struct uuid id = report_segment_id(attributes, count);
        uint32_t number;
        assert_true(segments_intern(&segments, &id, attributes, count, &number, &failure));
        assert_int_equal(number, i);
    }
}

/* One in three is not registered; some say no seats, some a line that no host of theirs has. */
static void make_registry(void)
{
    assert_true(registry_new(&registry, &failure));
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "c-%u", i);
        customers[i] = ids[i];
        struct registry_customer customer = {
            .customer_id = ids[i], .name = ids[i], .region = regions[i % 3], .tier = "basic"};
        if (i % 3 == 2) {
            continue;
        }
        assert_true(registry_add_customer(registry, &customer, &failure));
        for (uint32_t line = 0; line < i % 4 && line < 3; line++) {
            assert_true(registry_add_seats(registry, ids[i], lines[line], i + line, &failure));
        }
    }
}

static void make_fleet(void)
{
    struct random_stream random = random_stream_new(77, 0);
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct uuid id = {{0}};
        memcpy(&id, &i, sizeof i);
        uint32_t host;
        uint32_t customer = (uint32_t)random_below(&random, CUSTOMERS);
        assert_true(fleet_add(&fleet, &id, customer / 2, &host, &failure)); /* half have none */
        fleet.hosts[host].segment =
            i % 11 == 0 ? SEGMENT_NONE : (uint32_t)random_below(&random, SEGMENTS);
    }
}

static int set_up(void **state)
{
    (void)state;
    make_segments();
    make_registry();
    make_fleet();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    segments_free(&segments);
    fleet_free(&fleet);
    registry_free(registry);
    return 0;
}

static const char *region_of_host(const struct fleet_host *host)
{
    const struct registry_customer *known = registry_customer(registry, customers[host->customer]);
    return known != NULL ? or_unknown(known->region) : region_of_segment(host->segment);
}

/* The plain way: every host is asked whether it is meant. */
static uint32_t count_plainly(uint32_t customer, const char *region, const char *line)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fleet.count; i++) {
        const struct fleet_host *host = &fleet.hosts[i];
        count += host->customer == customer && strcmp(region_of_host(host), region) == 0 &&
                 strcmp(line_of_segment(host->segment), line) == 0;
    }
    return count;
}

static void check(unsigned threads)
{
    struct impact_census census;
    assert_true(impact_census_take(&census, &fleet, &segments, customers, CUSTOMERS, registry,
                                   threads, &failure));
    assert_int_equal(census.place_count, 16);
    uint32_t of_customer[CUSTOMERS] = {0};
    uint64_t of_segment[SEGMENTS + 1] = {0};
    for (uint32_t i = 0; i < fleet.count; i++) {
        const struct fleet_host *host = &fleet.hosts[i];
        size_t place = impact_census_place(&census, host->customer, host->segment);
        assert_string_equal(impact_census_region(&census, place), region_of_host(host));
        assert_string_equal(impact_census_line(&census, place), line_of_segment(host->segment));
        of_customer[host->customer]++;
        of_segment[host->segment == SEGMENT_NONE ? SEGMENTS : host->segment]++;
    }
    assert_memory_equal(of_customer, census.customer_hosts, sizeof of_customer);
    for (uint32_t segment = 0; segment <= SEGMENTS; segment++) {
        assert_int_equal(census.segments[segment].hosts, of_segment[segment]);
        assert_int_equal(census.segments[segment].distressed, 0);
    }
    for (uint32_t customer = 0; customer < CUSTOMERS; customer += 13) {
        for (size_t place = 0; place < census.place_count; place++) {
            assert_int_equal(impact_census_hosts(&census, customer, place),
                             count_plainly(customer, impact_census_region(&census, place),
                                           impact_census_line(&census, place)));
        }
    }
    impact_census_free(&census);
}

static void counts_are_those_of_the_plain_way(void **state)
{
    (void)state;
    check(1);
    check(3);
    check(64);
}

static void without_a_registry_hosts_say_where_they_are(void **state)
{
    (void)state;
    struct impact_census census;
    assert_true(
        impact_census_take(&census, &fleet, &segments, customers, CUSTOMERS, NULL, 2, &failure));
    for (uint32_t segment = 0; segment < SEGMENTS; segment++) {
        size_t place = impact_census_place(&census, 5, segment);
        assert_int_equal(place, impact_census_place(&census, FLEET_NONE, segment));
        assert_string_equal(impact_census_region(&census, place), region_of_segment(segment));
    }
    impact_census_free(&census);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_the_plain_way),
        cmocka_unit_test(without_a_registry_hosts_say_where_they_are),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
