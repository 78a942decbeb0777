/* Sharing the cost out over groups of customers, against counts made by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/cost_strata.h"
#include "analyzer/impact_estimate.h"

static struct failure failure;
static struct registry *registry;
static struct cost_population population;
static struct arena arena;

static void add(const char *id, enum customer_kind kind, const char *region, const char *tier,
                const char *product_line, uint32_t seats)
{
    struct registry_customer customer = {.customer_id = id,
                                         .name = id,
                                         .kind = kind,
                                         .region = region,
                                         .country = "JP",
                                         .time_zone = "UTC",
                                         .tier = tier};
    assert_true(registry_add_customer(registry, &customer, &failure));
    assert_true(product_line == NULL ||
                registry_add_seats(registry, id, product_line, seats, &failure));
}

/* 60 consumers in Japan, 30 in Taiwan; companies: 4 premium and 6 basic in Japan, of which the
 * premium ones have a second product line. */
static int set_up(void **state)
{
    (void)state;
    assert_true(registry_new(&registry, &failure));
    char id[32];
    for (int i = 0; i < 90; i++) {
        snprintf(id, sizeof id, "consumer %d", i);
        add(id, CUSTOMER_CONSUMER, i < 60 ? "Japan" : "Taiwan", "basic", "VirusBuster", 1);
    }
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof id, "company %d", i);
        add(id, CUSTOMER_CORPORATE, "Japan", i < 4 ? "premium" : "basic", "OfficeScan", 100);
        assert_true(i >= 4 || registry_add_seats(registry, id, "ServerProtect", 7, &failure));
    }
    assert_true(cost_population_count(&population, registry, &failure));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cost_population_free(&population);
    arena_free(&arena);
    registry_free(registry);
    return 0;
}

static const struct cost_stratum *find(const struct cost_basis *basis, enum customer_kind kind,
                                       const char *region, const char *tier)
{
    for (size_t i = 0; i < basis->stratum_count; i++) {
        const struct cost_stratum *one = &basis->strata[i];
        if (one->kind == kind && strcmp(one->region, region) == 0 && strcmp(one->tier, tier) == 0) {
            return one;
        }
    }
    fail_msg("there is no stratum of %s, %s", region, tier);
    return NULL;
}

static double customers_of(bool by_line, const char *product_line)
{
    double sum = 0;
    for (size_t i = 0; i < population.count; i++) {
        const struct cost_group *group = &population.groups[i];
        bool same = group->product_line == NULL
                        ? product_line == NULL
                        : product_line != NULL && strcmp(group->product_line, product_line) == 0;
        sum += group->by_line == by_line && same ? group->customers : 0;
    }
    return sum;
}

static void everybody_is_counted_once_and_once_a_product_line(void **state)
{
    (void)state;
    assert_true(customers_of(false, "VirusBuster") == 90);
    assert_true(customers_of(false, "OfficeScan") == 6);
    assert_true(customers_of(false, NULL) == 4); /* two product lines */
    assert_true(customers_of(true, "VirusBuster") == 90);
    assert_true(customers_of(true, "OfficeScan") == 10);
    assert_true(customers_of(true, "ServerProtect") == 4);
    /* Counting again forgets what was counted before. */
    assert_true(cost_population_count(&population, registry, &failure));
    assert_true(customers_of(true, "OfficeScan") == 10);
}

static struct outreach_candidate candidate(const char *id, uint64_t confirmed, uint64_t probable)
{
    return (struct outreach_candidate){.customer_id = id,
                                       .customer = registry_customer(registry, id),
                                       .region = "Korea",
                                       .hosts_confirmed = confirmed,
                                       .hosts_probable = probable};
}

static const double *draws_between(double low, double high)
{
    double *draws = arena_allocate(&arena, IMPACT_DRAWS * sizeof *draws);
    assert_non_null(draws);
    for (size_t i = 0; i < IMPACT_DRAWS; i++) {
        draws[i] = low + (high - low) * (double)i / (IMPACT_DRAWS - 1);
    }
    return draws;
}

static void the_affected_are_shared_out_as_they_were_seen(void **state)
{
    (void)state;
    const struct outreach_candidate candidates[] = {
        candidate("consumer 1", 1, 0),  candidate("consumer 2", 0, 1),
        candidate("consumer 61", 1, 0), candidate("a stranger", 1, 0),
        candidate("company 1", 30, 0),  candidate("company 5", 6, 4)};
    struct impact_answer impact = {.consumers = draws_between(4, 9),
                                   .corporates = draws_between(2, 3),
                                   .corporate_hosts = draws_between(36, 60),
                                   .candidates = candidates,
                                   .candidate_count = 6};
    struct cost_basis basis;
    assert_true(cost_strata_make(&impact, NULL, &population, &arena, &basis, &failure));
    const struct cost_stratum *japan = find(&basis, CUSTOMER_CONSUMER, "Japan", "basic");
    assert_true(japan->customer_share == 0.5 && japan->host_share == 0.5);
    assert_true(japan->customers_all == 60);
    assert_string_equal(japan->product_line, "VirusBuster");
    const struct cost_stratum *premium = find(&basis, CUSTOMER_CORPORATE, "Japan", "premium");
    assert_true(premium->customer_share == 0.5 && premium->host_share == 0.75);
    assert_true(premium->customers_all == 4 && premium->hosts_all == 428);
    const struct cost_stratum *basic = find(&basis, CUSTOMER_CORPORATE, "Japan", "basic");
    assert_true(basic->host_share == 0.25 && basic->hosts_all == 600);
    assert_string_equal(basic->product_line, "OfficeScan");
    assert_null(premium->product_line); /* it has two */

    /* Nobody is lost: the shares of a kind add up, and all strata together draw what was given. */
    double shares = 0;
    for (size_t i = 0; i < basis.stratum_count; i++) {
        shares += basis.strata[i].kind == CUSTOMER_CONSUMER ? basis.strata[i].customer_share : 0;
    }
    assert_true(fabs(shares - 1) < 1e-12);
    for (size_t i = 0; i < basis.draw_count; i++) {
        assert_true(japan->customer_draws[i] >= 4 && japan->customer_draws[i] <= 9);
        assert_true(premium->customer_draws[i] >= 2 && premium->customer_draws[i] <= 3);
        assert_true(premium->host_draws[i] >= 36 && premium->host_draws[i] <= 60);
    }
    /* The stranger has a stratum of what its hosts say. */
    size_t strangers = 0;
    for (size_t i = 0; i < basis.stratum_count; i++) {
        strangers += basis.strata[i].tier == NULL && strcmp(basis.strata[i].region, "Korea") == 0;
    }
    assert_int_equal(strangers, 1);
}

static void an_update_of_one_product_line_concerns_its_customers(void **state)
{
    (void)state;
    const struct outreach_candidate candidates[] = {candidate("company 1", 3, 0)};
    struct impact_answer impact = {.consumers = draws_between(0, 0),
                                   .corporates = draws_between(1, 1),
                                   .corporate_hosts = draws_between(3, 3),
                                   .candidates = candidates,
                                   .candidate_count = 1};
    struct cost_basis basis;
    assert_true(cost_strata_make(&impact, "ServerProtect", &population, &arena, &basis, &failure));
    double all = 0;
    for (size_t i = 0; i < basis.stratum_count; i++) {
        all += basis.strata[i].customers_all;
        assert_string_equal(basis.strata[i].product_line, "ServerProtect");
    }
    assert_true(all == 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everybody_is_counted_once_and_once_a_product_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_affected_are_shared_out_as_they_were_seen, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_update_of_one_product_line_concerns_its_customers,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
