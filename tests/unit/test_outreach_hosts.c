/* The hosts of the customers in the queue, against a count that asks every host for itself; the
 * limits, that the first of the queue get theirs before the others.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "analyzer/outreach_hosts.h"
#include "common/random_stream.h"
#include "common/report.h"

#define UPDATE 1 /* not the first, so that those of another are there to be left out */
#define RELEASED 1000

static struct failure failure;

/* A fleet in which some hosts are noted under the update and some fell silent unheard. */
struct stage {
    struct segments segments;
    struct fleet fleet;
    struct impact impact;
    struct exposure exposure;
    struct impact_census census;
    struct arena arena;
    uint32_t firsts[UPDATE + 1];
    struct exposure_update updates[UPDATE + 1];
    const char **customers;
    size_t customer_count;
    bool *counts_unheard;
};

static void make_segments(struct stage *stage)
{
    static const char *const systems[] = {"Windows 2000", "Windows XP"};
    for (uint32_t i = 0; i < 2; i++) {
        struct report_attribute attributes[] = {{"os", systems[i]}, {"product_line", "OfficeScan"}};
        struct uuid id = report_segment_id(attributes, 2);
        uint32_t number;
        assert_true(segments_intern(&stage->segments, &id, attributes, 2, &number, &failure));
        assert_int_equal(number, i);
    }
}

static void stage_open(struct stage *stage, uint32_t hosts, uint32_t customers)
{
    *stage = (struct stage){.customer_count = customers};
    make_segments(stage);
    stage->customers = arena_allocate(&stage->arena, customers * sizeof *stage->customers);
    for (uint32_t i = 0; i < customers; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "c-%04u", i);
        stage->customers[i] = arena_copy_text(&stage->arena, id, strlen(id));
    }
    for (uint32_t i = 0; i <= UPDATE; i++) {
        stage->firsts[i] = IMPACT_NONE;
        stage->updates[i].first_seen = RELEASED;
    }
    stage->impact.first = stage->firsts;
    stage->impact.update_count = UPDATE + 1;
    stage->impact.records = calloc(2 * (size_t)hosts, sizeof *stage->impact.records);
    stage->exposure.updates = stage->updates;
    stage->exposure.installs = calloc(2 * (size_t)hosts, sizeof *stage->exposure.installs);
    assert_non_null(stage->impact.records);
    assert_non_null(stage->exposure.installs);
}

static uint32_t add_host(struct stage *stage, uint32_t customer, enum host_state state)
{
    uint32_t host = FLEET_NONE;
    uint32_t number = stage->fleet.count;
    struct uuid id = uuid_from_name("host", &number, sizeof number);
    assert_true(fleet_add(&stage->fleet, &id, customer, &host, &failure));
    stage->fleet.hosts[host].segment = number % 2;
    stage->fleet.hosts[host].state = (uint8_t)state;
    stage->fleet.hosts[host].last_seen = RELEASED + 500;
    stage->fleet.hosts[host].installs = EXPOSURE_NONE;
    return host;
}

static void note(struct stage *stage, uint32_t host, uint32_t update, fleet_second began, bool back)
{
    uint32_t install = (uint32_t)stage->impact.record_count;
    stage->exposure.installs[install] =
        (struct exposure_install){.host = host,
                                  .next = stage->fleet.hosts[host].installs,
                                  .update = update,
                                  .affected = install,
                                  .installed = began - 60};
    stage->fleet.hosts[host].installs = install;
    stage->impact.records[stage->impact.record_count] =
        (struct impact_record){.host = host,
                               .segment = stage->fleet.hosts[host].segment,
                               .next = stage->firsts[update],
                               .began = began,
                               .recovered = began + 600,
                               .still_affected = !back};
    stage->firsts[update] = stage->impact.record_count++;
}

static struct outreach_entry *list(struct stage *stage, size_t queued,
                                   struct outreach_host_list *hosts)
{
    static const struct subgroup whole_fleet = {0};
    struct outreach_entry *entries =
        arena_allocate(&stage->arena, queued * sizeof(struct outreach_entry));
    assert_true(impact_census_take(&stage->census, &stage->fleet, &stage->segments,
                                   stage->customers, stage->customer_count, NULL, 1, &failure));
    stage->counts_unheard = arena_allocate(&stage->arena, stage->census.place_count);
    memset(stage->counts_unheard, 1, stage->census.place_count);
    const struct outreach_hosts_source source = {.impact = &stage->impact,
                                                 .exposure = &stage->exposure,
                                                 .fleet = &stage->fleet,
                                                 .segments = &stage->segments,
                                                 .subgroup = &whole_fleet,
                                                 .census = &stage->census,
                                                 .counts_unheard = stage->counts_unheard,
                                                 .customer_count = stage->customer_count,
                                                 .update = UPDATE};
    for (uint32_t i = 0; i < queued; i++) { /* the last customer first */
        uint32_t number = (uint32_t)stage->customer_count - 1 - i;
        entries[i] = (struct outreach_entry){.customer_id = stage->customers[number],
                                             .name = stage->customers[number],
                                             .customer_number = number,
                                             .hosts_reporting = 7};
    }
    assert_true(outreach_hosts_list(&source, entries, queued, &stage->arena, hosts, &failure));
    return entries;
}

static void stage_close(struct stage *stage)
{
    impact_census_free(&stage->census);
    segments_free(&stage->segments);
    fleet_free(&stage->fleet);
    arena_free(&stage->arena);
    free(stage->impact.records);
    free(stage->exposure.installs);
}

/* ---- Whose hosts they are ---- */

#define HOSTS 4000
#define CUSTOMERS 50
#define QUEUED 40

/* What was made of each host, to be asked one by one. */
struct made {
    bool noted, back, unheard;
    fleet_second began;
};

static void make_random(struct stage *stage, struct made *made)
{
    struct random_stream random = random_stream_new(20050422, 0);
    for (uint32_t i = 0; i < HOSTS; i++) {
        uint64_t what = random_below(&random, 8);
        enum host_state state = what < 3 ? HOST_PINNED : what < 5 ? HOST_SILENT : HOST_HEALTHY;
        uint32_t host = add_host(stage, (uint32_t)random_below(&random, CUSTOMERS), state);
        made[i] = (struct made){.noted = what == 0 || what == 1 || what == 3 || what == 5,
                                .back = what == 5,
                                .unheard = what == 4,
                                .began = RELEASED + (fleet_second)random_below(&random, 300)};
        if (what == 6) { /* silent since before the release, were it silent at all */
            stage->fleet.hosts[host].last_seen = 1;
        }
        if (random_below(&random, 3) == 0) {
            note(stage, host, UPDATE - 1, made[i].began, false);
        }
        if (made[i].noted) {
            note(stage, host, UPDATE, made[i].began, made[i].back);
        }
    }
}

static void check_order(const struct outreach_host *before, const struct outreach_host *host)
{
    assert_true(before->still_affected >= host->still_affected);
    if (before->still_affected == host->still_affected) {
        assert_true(before->onset_at <= host->onset_at);
    }
}

static void every_customer_has_its_own_and_no_others(void **state)
{
    (void)state;
    static struct stage stage;
    static struct made made[HOSTS];
    struct outreach_host_list hosts;
    stage_open(&stage, HOSTS, CUSTOMERS);
    make_random(&stage, made);
    const struct outreach_entry *entries = list(&stage, QUEUED, &hosts);
    size_t total = 0;
    for (size_t i = 0; i < QUEUED; i++) {
        size_t expected = 0;
        for (uint32_t host = 0; host < HOSTS; host++) {
            bool hit = made[host].noted || made[host].unheard;
            expected += hit && stage.fleet.hosts[host].customer == entries[i].customer_number;
        }
        assert_int_equal(entries[i].host_count, expected);
        total += expected;
        for (size_t h = 0; h < entries[i].host_count; h++) {
            const struct outreach_host *one = &hosts.hosts[entries[i].first_host + h];
            uint32_t number = fleet_find(&stage.fleet, &one->host_id);
            assert_int_equal(stage.fleet.hosts[number].customer, entries[i].customer_number);
            assert_true(one->still_affected == !made[number].back);
            assert_true((one->installed_at == INSTANT_NONE) == made[number].unheard);
            assert_true(made[number].unheard ||
                        one->onset_at == fleet_instant_of(made[number].began));
            assert_string_equal(hosts.systems[one->system].os,
                                number % 2 == 0 ? "Windows 2000" : "Windows XP");
            assert_null(hosts.systems[one->system].os_version);
            if (h > 0) {
                check_order(one - 1, one);
            }
        }
    }
    assert_true(total > 1000);
    assert_int_equal(hosts.count, total);
    stage_close(&stage);
}

/* ---- Limits ---- */

static void of_one_customer_the_newest_thousand_are_kept(void **state)
{
    (void)state;
    static struct stage stage;
    struct outreach_host_list hosts;
    stage_open(&stage, OUTREACH_HOSTS_EACH + 200, 2);
    for (uint32_t i = 0; i < OUTREACH_HOSTS_EACH + 200; i++) {
        note(&stage, add_host(&stage, 1, HOST_PINNED), UPDATE, RELEASED + (fleet_second)i, false);
    }
    const struct outreach_entry *entries = list(&stage, 2, &hosts);
    assert_int_equal(entries[0].host_count, OUTREACH_HOSTS_EACH);
    assert_int_equal(entries[1].host_count, 0);
    assert_true(hosts.hosts[0].onset_at == fleet_instant_of(RELEASED + 200));
    stage_close(&stage);
}

static void the_first_of_the_queue_get_room_before_the_others(void **state)
{
    (void)state;
    static struct stage stage;
    struct outreach_host_list hosts;
    const uint32_t each = OUTREACH_HOSTS_EACH - 1;
    const uint32_t customers = OUTREACH_HOSTS_MOST / each + 2;
    stage_open(&stage, each * customers, customers);
    for (uint32_t i = 0; i < each * customers; i++) {
        note(&stage, add_host(&stage, i % customers, HOST_PINNED), UPDATE, RELEASED, false);
    }
    const struct outreach_entry *entries = list(&stage, customers, &hosts);
    assert_int_equal(hosts.count, OUTREACH_HOSTS_MOST);
    for (uint32_t i = 0; i < customers - 2; i++) {
        assert_int_equal(entries[i].host_count, each);
    }
    assert_int_equal(entries[customers - 2].host_count, OUTREACH_HOSTS_MOST % each);
    assert_int_equal(entries[customers - 1].host_count, 0);
    stage_close(&stage);
}

/* ---- Written out ---- */

static void a_page_of_them_is_written_out(void **state)
{
    (void)state;
    static struct stage stage;
    struct outreach_host_list hosts;
    struct buffer text = {0};
    stage_open(&stage, 4, 1);
    note(&stage, add_host(&stage, 0, HOST_PINNED), UPDATE, RELEASED, false);
    note(&stage, add_host(&stage, 0, HOST_HEALTHY), UPDATE, RELEASED, true);
    note(&stage, add_host(&stage, 0, HOST_NEW), UPDATE, RELEASED + 1, false);
    (void)add_host(&stage, 0, HOST_SILENT);
    const struct outreach_entry *entry = list(&stage, 1, &hosts);
    static const char *const states[] = {"pinned", "returning", "silent", "recovered"};
    for (size_t first = 0; first < 4; first += 2) {
        buffer_clear(&text);
        assert_true(outreach_hosts_json(entry, &hosts, "u/1", first, 2, &text, &failure));
        json_t *page = json_loads(text.data, 0, NULL);
        assert_int_equal(json_array_size(json_object_get(page, "hosts")), 2);
        assert_true(json_is_null(json_object_get(page, "partner")));
        assert_int_equal(json_integer_value(json_object_get(page, "hosts_reporting")), 7);
        for (size_t i = 0; i < 2; i++) {
            const json_t *host = json_array_get(json_object_get(page, "hosts"), i);
            assert_string_equal(json_string_value(json_object_get(host, "state")),
                                states[first + i]);
            assert_true(json_is_null(json_object_get(host, "recovered_at")) == (first + i < 3));
        }
        json_decref(page);
    }
    buffer_free(&text);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_customer_has_its_own_and_no_others),
        cmocka_unit_test(of_one_customer_the_newest_thousand_are_kept),
        cmocka_unit_test(the_first_of_the_queue_get_room_before_the_others),
        cmocka_unit_test(a_page_of_them_is_written_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
