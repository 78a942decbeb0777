/* The registry: what is added is found, a replaced entry keeps its place, pointers stay good while
 * it grows. The oracle of the large cases is a plain array.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/registry.h"
#include "common/instant.h"
#include "common/random_stream.h"

static struct registry *registry;

static int start(void **state)
{
    (void)state;
    return registry_new(&registry, NULL) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    registry_free(registry);
    return 0;
}

static struct registry_customer tokyo(const char *customer_id)
{
    return (struct registry_customer){.customer_id = customer_id,
                                      .name = "Example Trading",
                                      .kind = CUSTOMER_CORPORATE,
                                      .region = "JP",
                                      .country = "JP",
                                      .time_zone = "Asia/Tokyo",
                                      .tier = "premium",
                                      .partner = "Partner One",
                                      .contract_value = 1200000,
                                      .currency = "JPY",
                                      .renewal_on = "2005-09-30"};
}

static void add(const struct registry_customer *customer)
{
    struct failure failure = {0};
    if (!registry_add_customer(registry, customer, &failure)) {
        fail_msg("%s", failure.message);
    }
}

static void a_customer_is_found_as_it_was_added(void **state)
{
    (void)state;
    /* From memory that changes afterwards: everything must have been copied. */
    char id[] = "c-1";
    char name[] = "Example Trading";
    char zone[] = "Asia/Tokyo";
    struct registry_customer customer = tokyo(id);
    customer.name = name;
    customer.time_zone = zone;
    add(&customer);
    memset(id, 'x', sizeof id - 1);
    memset(name, 'x', sizeof name - 1);
    memset(zone, 'x', sizeof zone - 1);

    const struct registry_customer *found = registry_customer(registry, "c-1");
    assert_non_null(found);
    assert_string_equal(found->customer_id, "c-1");
    assert_string_equal(found->name, "Example Trading");
    assert_int_equal(found->kind, CUSTOMER_CORPORATE);
    assert_string_equal(found->region, "JP");
    assert_string_equal(found->country, "JP");
    assert_string_equal(found->time_zone, "Asia/Tokyo");
    assert_int_equal(time_zone_offset_s(found->zone, 0), 9 * 3600);
    assert_string_equal(found->tier, "premium");
    assert_string_equal(found->partner, "Partner One");
    assert_true(found->contract_value == 1200000);
    assert_string_equal(found->currency, "JPY");
    assert_string_equal(found->renewal_on, "2005-09-30");
    assert_int_equal(found->seat_count, 0);
    assert_null(registry_customer(registry, "c-2"));
    assert_null(registry_customer(registry, "C-1"));
    assert_null(registry_customer(registry, ""));
}

static void what_may_be_missing_stays_missing(void **state)
{
    (void)state;
    struct registry_customer customer = {.customer_id = "c-1", .name = "n", .region = "r"};
    add(&customer);
    const struct registry_customer *found = registry_customer(registry, "c-1");
    assert_null(found->partner);
    assert_null(found->currency);
    assert_null(found->renewal_on);
    assert_null(found->time_zone);
    assert_null(found->zone);
    assert_true(found->contract_value == 0);
}

static void adding_again_replaces_and_keeps_place_and_seats(void **state)
{
    (void)state;
    struct registry_customer customer = tokyo("c-1");
    struct registry_customer other = tokyo("c-2");
    add(&customer);
    add(&other);
    assert_true(registry_add_seats(registry, "c-1", "OfficeScan", 50, NULL));
    const struct registry_customer *before = registry_customer(registry, "c-1");
    customer.tier = "basic";
    customer.time_zone = "Europe/Berlin";
    customer.partner = NULL;
    add(&customer);
    const struct registry_customer *after = registry_customer(registry, "c-1");
    assert_ptr_equal(before, after);
    assert_string_equal(after->tier, "basic");
    assert_int_equal(time_zone_offset_s(after->zone, 0), 3600);
    assert_null(after->partner);
    assert_true(registry_total_seats(after) == 50);
    assert_ptr_equal(registry_customer_at(registry, 0), after);
    assert_string_equal(registry_customer_at(registry, 1)->customer_id, "c-2");
    assert_null(registry_customer_at(registry, 2));
}

static void each_field_alone_is_a_change(void **state)
{
    (void)state;
    /* A row that is the same as before is passed over: a change of any one field must not be. */
    struct registry_customer base = tokyo("c-1");
    struct registry_customer changed[10];
    for (size_t i = 0; i < 10; i++) {
        changed[i] = base;
    }
    changed[0].name = "Other";
    changed[1].kind = CUSTOMER_CONSUMER;
    changed[2].region = "TW";
    changed[3].country = "TW";
    changed[4].time_zone = "Asia/Taipei";
    changed[5].tier = "basic";
    changed[6].partner = NULL;
    changed[7].contract_value = 1;
    changed[8].currency = "TWD";
    changed[9].renewal_on = "2006-09-30";
    for (size_t i = 0; i < 10; i++) {
        add(&base);
        add(&changed[i]);
        const struct registry_customer *found = registry_customer(registry, "c-1");
        assert_string_equal(found->name, changed[i].name);
        assert_int_equal(found->kind, changed[i].kind);
        assert_string_equal(found->region, changed[i].region);
        assert_string_equal(found->country, changed[i].country);
        assert_string_equal(found->time_zone, changed[i].time_zone);
        assert_string_equal(found->tier, changed[i].tier);
        assert_true((found->partner == NULL) == (changed[i].partner == NULL));
        assert_true(found->contract_value == changed[i].contract_value);
        assert_string_equal(found->currency, changed[i].currency);
        assert_string_equal(found->renewal_on, changed[i].renewal_on);
    }
}

static void an_unknown_zone_names_the_customer(void **state)
{
    (void)state;
    static const char *const zones[] = {"Mars/Olympus_Mons", "../../etc/passwd", ""};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        struct failure failure = {0};
        struct registry_customer customer = tokyo("c-9");
        customer.time_zone = zones[i];
        assert_false(registry_add_customer(registry, &customer, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
        assert_non_null(strstr(failure.message, "customer c-9"));
        assert_false(registry_add_customer(registry, &customer, NULL));
        assert_null(registry_customer(registry, "c-9"));
    }
    struct registry_customer good = tokyo("c-9");
    add(&good);
    assert_non_null(registry_customer(registry, "c-9"));
}

static void seats_add_up_over_product_lines(void **state)
{
    (void)state;
    struct failure failure = {0};
    struct registry_customer customer = tokyo("c-1");
    add(&customer);
    assert_true(registry_add_seats(registry, "c-1", "OfficeScan", 200, &failure));
    assert_true(registry_add_seats(registry, "c-1", "ServerProtect", 30, &failure));
    assert_true(registry_add_seats(registry, "c-1", "VirusBuster", 0, &failure));
    const struct registry_customer *found = registry_customer(registry, "c-1");
    assert_int_equal(found->seat_count, 3);
    assert_string_equal(found->seats[1].product_line, "ServerProtect");
    assert_true(registry_total_seats(found) == 230);
    /* The same line again replaces. */
    assert_true(registry_add_seats(registry, "c-1", "OfficeScan", UINT32_MAX, &failure));
    assert_int_equal(found->seat_count, 3);
    assert_true(registry_total_seats(found) == (uint64_t)UINT32_MAX + 30);

    assert_false(registry_add_seats(registry, "c-2", "OfficeScan", 1, &failure));
    assert_int_equal(failure.code, FAILURE_INVALID);
    assert_non_null(strstr(failure.message, "c-2"));
}

static void updates_are_found_and_replaced(void **state)
{
    (void)state;
    struct registry_update update = {.update_id = "pattern/2.594.00",
                                     .product_line = NULL,
                                     .released_at = 1114209180 * INSTANT_SECOND,
                                     .withdrawn_at = INSTANT_NONE};
    struct registry_update other = {.update_id = "engine/7.510",
                                    .product_line = "OfficeScan",
                                    .released_at = INSTANT_NONE,
                                    .withdrawn_at = INSTANT_NONE};
    assert_true(registry_add_update(registry, &update, NULL));
    assert_true(registry_add_update(registry, &other, NULL));
    update.withdrawn_at = 1114214520 * INSTANT_SECOND;
    update.product_line = "VirusBuster";
    assert_true(registry_add_update(registry, &update, NULL));
    const struct registry_update *found = registry_update(registry, "pattern/2.594.00");
    assert_true(found->released_at == 1114209180 * INSTANT_SECOND);
    assert_true(found->withdrawn_at == 1114214520 * INSTANT_SECOND);
    assert_string_equal(found->product_line, "VirusBuster");
    assert_ptr_equal(registry_update_at(registry, 0), found);
    assert_string_equal(registry_update_at(registry, 1)->update_id, "engine/7.510");
    assert_null(registry_update_at(registry, 2));
    assert_null(registry_update(registry, "pattern/2.594"));
}

static void many_customers_are_all_found_where_they_were(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    static const struct registry_customer *places[COUNT];
    static uint32_t seats[COUNT];
    char id[24];
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "customer-%u", i);
        struct registry_customer customer = tokyo(id);
        customer.contract_value = i;
        add(&customer);
        places[i] = registry_customer(registry, id);
    }
    struct random_stream random = random_stream_new(7, 1);
    for (int round = 0; round < COUNT; round++) {
        uint32_t i = (uint32_t)random_below(&random, COUNT);
        seats[i] = (uint32_t)random_below(&random, 1000);
        snprintf(id, sizeof id, "customer-%u", i);
        assert_true(registry_add_seats(registry, id, "VirusBuster", seats[i], NULL));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "customer-%u", i);
        const struct registry_customer *found = registry_customer(registry, id);
        assert_ptr_equal(found, places[i]);
        assert_ptr_equal(found, registry_customer_at(registry, i));
        assert_true(found->contract_value == i);
        assert_true(registry_total_seats(found) == seats[i]);
    }
    assert_null(registry_customer_at(registry, COUNT));
    assert_null(registry_customer(registry, "customer-50000"));
}

static void an_empty_registry_has_nothing(void **state)
{
    (void)state;
    assert_null(registry_customer(registry, "c-1"));
    assert_null(registry_update(registry, "pattern/2.594.00"));
    assert_null(registry_customer_at(registry, 0));
    assert_null(registry_update_at(registry, 0));
    registry_free(NULL);
}

#define REGISTRY_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(a_customer_is_found_as_it_was_added),
        REGISTRY_TEST(what_may_be_missing_stays_missing),
        REGISTRY_TEST(adding_again_replaces_and_keeps_place_and_seats),
        REGISTRY_TEST(each_field_alone_is_a_change),
        REGISTRY_TEST(an_unknown_zone_names_the_customer),
        REGISTRY_TEST(seats_add_up_over_product_lines),
        REGISTRY_TEST(updates_are_found_and_replaced),
        REGISTRY_TEST(many_customers_are_all_found_where_they_were),
        REGISTRY_TEST(an_empty_registry_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
