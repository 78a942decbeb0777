/* Whom to call first: pairs of customers that differ in one thing, in the order a support manager
 * would put them; the hours of the day by the customer's own clock, over changes of daylight
 * saving. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/outreach.h"
#include "common/random_stream.h"

/* A Wednesday: 11:00 in Tokyo, 04:00 in Berlin, 22:00 on Tuesday in New York. */
#define WEDNESDAY "2005-04-27T02:00:00Z"

static struct arena arena;
static struct time_zone *tokyo, *berlin, *new_york;

static int load_zones(void **state)
{
    (void)state;
    return time_zone_load("Asia/Tokyo", &tokyo, NULL) &&
                   time_zone_load("Europe/Berlin", &berlin, NULL) &&
                   time_zone_load("America/New_York", &new_york, NULL)
               ? 0
               : -1;
}

static int free_zones(void **state)
{
    (void)state;
    time_zone_free(tokyo);
    time_zone_free(berlin);
    time_zone_free(new_york);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static instant_us at(const char *text)
{
    instant_us instant;
    assert_true(instant_parse(text, &instant, NULL));
    return instant;
}

static struct outreach_moment moment_at(const char *now)
{
    static struct exchange_rates rates;
    exchange_rates_default(&rates);
    return (struct outreach_moment){.now = at(now), .rates = &rates};
}

static const struct outreach_entry *ordered(const struct outreach_candidate *candidates,
                                            size_t count, const char *now)
{
    struct outreach_entry *entries = NULL;
    struct failure failure = {0};
    const struct outreach_moment moment = moment_at(now);
    if (!outreach_order(candidates, count, count, &moment, &arena, &entries, &failure)) {
        fail_msg("%s", failure.message);
    }
    return entries;
}

/* A company in Tokyo with half of its forty hosts hit and ten still down. */
static struct registry_customer company(void)
{
    return (struct registry_customer){.customer_id = "c",
                                      .name = "Example Trading",
                                      .kind = CUSTOMER_CORPORATE,
                                      .region = "JP",
                                      .country = "JP",
                                      .time_zone = "Asia/Tokyo",
                                      .zone = tokyo,
                                      .tier = "standard",
                                      .contract_value = 10000000,
                                      .currency = "JPY"};
}

static struct outreach_candidate half_hit(const struct registry_customer *customer)
{
    return (struct outreach_candidate){.customer_id = "c",
                                       .customer = customer,
                                       .region = "JP",
                                       .hosts_confirmed = 15,
                                       .hosts_probable = 5,
                                       .hosts_still_affected = 10,
                                       .hosts_reporting = 40};
}

static bool has_reason(const struct outreach_entry *entry, const char *reason)
{
    for (size_t i = 0; i < entry->reason_count; i++) {
        if (strcmp(entry->reasons[i], reason) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- The order ---- */

struct pair {
    const char *what;
    struct registry_customer first_customer, second_customer;
    struct outreach_candidate first, second;
};

/* The first comes before the second, whichever stands first in the list. */
static void assert_before(struct pair *pair)
{
    /* Ids against the expected order, so that a tie would show. */
    pair->first.customer_id = "z";
    pair->second.customer_id = "a";
    for (int turn = 0; turn < 2; turn++) {
        struct outreach_candidate both[] = {turn == 0 ? pair->first : pair->second,
                                            turn == 0 ? pair->second : pair->first};
        const struct outreach_entry *entries = ordered(both, 2, WEDNESDAY);
        if (strcmp(entries[0].customer_id, "z") != 0) {
            fail_msg("%s: %g before %g", pair->what, entries[0].score, entries[1].score);
        }
        assert_true(entries[0].score > entries[1].score);
        assert_int_equal(entries[0].rank, 1);
        assert_int_equal(entries[1].rank, 2);
    }
}

static struct pair equals(const char *what)
{
    return (struct pair){.what = what,
                         .first_customer = company(),
                         .second_customer = company(),
                         .first = half_hit(NULL),
                         .second = half_hit(NULL)};
}

#define BEFORE(what, change)                                                                       \
    do {                                                                                           \
        struct pair pair = equals(what);                                                           \
        pair.first.customer = &pair.first_customer;                                                \
        pair.second.customer = &pair.second_customer;                                              \
        change;                                                                                    \
        assert_before(&pair);                                                                      \
    } while (0)

static void of_two_the_worse_off_comes_first(void **state)
{
    (void)state;
    BEFORE("premium before standard", pair.first_customer.tier = "premium");
    BEFORE("in any spelling", pair.first_customer.tier = "Premium");
    BEFORE("standard before basic", pair.second_customer.tier = "basic");
    BEFORE("an unknown tier is standard", pair.first_customer.tier = "business";
           pair.second_customer.tier = "basic");
    BEFORE("premium before an unknown tier", pair.first_customer.tier = "premium";
           pair.second_customer.tier = "business");
    BEFORE("a hospital before an office", pair.first_customer.criticality = CRITICALITY_CRITICAL;
           pair.second_customer.criticality = CRITICALITY_HIGH);
    BEFORE("high before unknown", pair.first_customer.criticality = CRITICALITY_HIGH);
    BEFORE("unknown before low", pair.second_customer.criticality = CRITICALITY_LOW);
    BEFORE("more hosts down", pair.first.hosts_still_affected = 11);
    BEFORE("some down before all back", pair.first.hosts_still_affected = 1;
           pair.second.hosts_still_affected = 0);
    BEFORE("larger share hit", pair.first.hosts_reporting = 30);
    BEFORE("larger contract", pair.first_customer.contract_value = 20000000);
    BEFORE("contract known before unknown", pair.second_customer.contract_value = 0);
    BEFORE("100,000 dollars before 100,000 yen", pair.first_customer.currency = "USD";
           pair.first_customer.contract_value = 10000000;
           pair.second_customer.contract_value = 100000);
    BEFORE("1,000,000 yen before 1,000 dollars", pair.first_customer.contract_value = 1000000;
           pair.second_customer.currency = "USD"; pair.second_customer.contract_value = 100000);
    BEFORE("9,000 dollars before 1,000,000 yen", pair.first_customer.currency = "USD";
           pair.first_customer.contract_value = 900000;
           pair.second_customer.contract_value = 1000000);
    BEFORE("renewal soon before none", pair.first_customer.renewal_on = "2005-05-20");
    BEFORE("sooner renewal", pair.first_customer.renewal_on = "2005-05-20";
           pair.second_customer.renewal_on = "2005-06-20");
    BEFORE("renewal today", pair.first_customer.renewal_on = "2005-04-27";
           pair.second_customer.renewal_on = "2005-04-28");
    BEFORE("renewal ahead before just renewed", pair.first_customer.renewal_on = "2005-04-28";
           pair.second_customer.renewal_on = "2005-04-26");
    BEFORE("reachable before asleep", pair.second_customer.zone = berlin);
    BEFORE("company before consumer", pair.second_customer.kind = CUSTOMER_CONSUMER);
    BEFORE("registered before a stranger, all else alike", pair.second.customer = NULL);
}

static void a_short_call_comes_before_a_long_one_of_equal_loss(void **state)
{
    (void)state;
    /* The c-mu rule: no contract, so the loss goes with the hosts down; one host a customer, ten
     * times over, is more minutes on the phone than ten hosts of one customer. */
    struct registry_customer customer = company();
    customer.contract_value = 0;
    struct outreach_candidate ten = half_hit(&customer);
    struct outreach_candidate one = half_hit(&customer);
    one.hosts_confirmed = 1;
    one.hosts_probable = 0;
    one.hosts_still_affected = 1;
    struct outreach_candidate both[] = {one, ten};
    const struct outreach_entry *entries = ordered(both, 2, WEDNESDAY);
    assert_int_equal(entries[0].hosts_affected, 20);
    /* Ten times the loss in less than ten times the minutes. */
    assert_true(entries[0].score > entries[1].score);
    assert_true(entries[0].score < 10 * entries[1].score);
}

static void ties_go_by_hosts_then_id(void **state)
{
    (void)state;
    /* All recovered and no contract: every score is 0. */
    struct outreach_candidate candidates[5];
    static const char *const ids[] = {"b", "a", "d", "c", "e"};
    static const uint64_t hosts[] = {2, 2, 9, 2, 3};
    for (size_t i = 0; i < 5; i++) {
        candidates[i] = (struct outreach_candidate){.customer_id = ids[i],
                                                    .region = "JP",
                                                    .hosts_confirmed = hosts[i],
                                                    .hosts_reporting = 10};
    }
    const struct outreach_entry *entries = ordered(candidates, 5, WEDNESDAY);
    static const char *const expected[] = {"d", "e", "a", "b", "c"};
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(entries[i].customer_id, expected[i]);
        assert_int_equal(entries[i].rank, i + 1);
        assert_true(entries[i].score == 0);
    }
}

/* The rule said once more, in another way: the loss of the outage and of the contract, times what
 * makes it worse, over the minutes. Order by picking the best of the rest, each time. */
static double twin_score(const struct outreach_candidate *all, size_t count, size_t which)
{
    const struct outreach_candidate *one = &all[which];
    const struct registry_customer *customer = one->customer;
    double hit = (double)(one->hosts_confirmed + one->hosts_probable);
    double down = (double)one->hosts_still_affected;
    double renewal_days = (double)(customer->renewal_on[9] - '0') + 3; /* of 30 April to 9 May */
    double churn = (double)customer->contract_value / 100 * (hit / (double)one->hosts_reporting) *
                   0.05 * (1 + (90 - renewal_days) / 90);
    double loss = down * 4 * (customer->kind == CUSTOMER_CORPORATE ? 30 : 5) +
                  (down > 0 ? churn : churn / 10);
    double hours = (double)(at("2005-04-27T02:00:00Z") - one->first_onset_at) / 3600e6;
    loss *= hours > 8 ? 2 : 1 + hours / 8;
    loss *= strcmp(customer->tier, "premium") == 0 ? 3
            : strcmp(customer->tier, "basic") == 0 ? 0.5
                                                   : 1;
    static const double criticality[] = {1, 0.5, 1, 2, 4};
    loss *= criticality[customer->criticality];
    loss *= customer->zone == tokyo ? 1 : 0.1;
    double siblings = 0;
    for (size_t i = 0; customer->partner != NULL && i < count; i++) {
        const char *other = all[i].customer->partner;
        siblings += other != NULL && strcmp(other, customer->partner) == 0;
    }
    return loss / (siblings > 1 ? 15 / siblings + 1 : 15 + 2 * (down < 10 ? down : 10));
}

#define TWINS 300

/* Customers of few distinct kinds, so that ties happen. */
static void draw_customers(struct random_stream *random, char ids[TWINS][8],
                           struct registry_customer *customers,
                           struct outreach_candidate *candidates)
{
    static const char *const tiers[] = {"premium", "standard", "basic"};
    static const char *const partners[] = {NULL, NULL, "P1", "P2", "P3"};
    static const char *const renewals[] = {"2005-05-01", "2005-05-04", "2005-05-09"};
    for (size_t i = 0; i < TWINS; i++) {
        snprintf(ids[i], sizeof ids[i], "c%zu", (i * 7919) % TWINS);
        customers[i] = company();
        customers[i].kind = random_below(random, 3) == 0 ? CUSTOMER_CONSUMER : CUSTOMER_CORPORATE;
        customers[i].zone = random_below(random, 2) == 0 ? tokyo : berlin;
        customers[i].tier = tiers[random_below(random, 3)];
        customers[i].partner = partners[random_below(random, 5)];
        customers[i].currency = "USD";
        customers[i].contract_value = (int64_t)random_below(random, 3) * 1000000;
        customers[i].renewal_on = renewals[random_below(random, 3)];
        customers[i].criticality = (enum criticality)random_below(random, CRITICALITIES);
        uint64_t hit = 1 + random_below(random, 20);
        candidates[i] = (struct outreach_candidate){
            .customer_id = ids[i],
            .customer = &customers[i],
            .region = "JP",
            .hosts_confirmed = hit,
            .hosts_still_affected = random_below(random, hit + 1),
            .hosts_reporting = hit + random_below(random, 3) * 10,
            .first_onset_at =
                at(WEDNESDAY) - (instant_us)random_below(random, 3) * 5 * INSTANT_HOUR};
    }
}

static void the_order_is_that_of_a_twin(void **state)
{
    (void)state;
    static char ids[TWINS][8];
    static struct registry_customer customers[TWINS];
    static struct outreach_candidate candidates[TWINS];
    struct random_stream random = random_stream_new(20050423, 5);
    for (int round = 0; round < 20; round++) {
        draw_customers(&random, ids, customers, candidates);
        const struct outreach_entry *entries = ordered(candidates, TWINS, WEDNESDAY);
        bool given[TWINS] = {false};
        for (size_t place = 0; place < TWINS; place++) {
            size_t taken = TWINS;
            for (size_t i = 0; i < TWINS; i++) {
                taken = candidates[i].customer_id == entries[place].customer_id ? i : taken;
            }
            assert_true(taken < TWINS && !given[taken]);
            given[taken] = true;
            double score = twin_score(candidates, TWINS, taken);
            assert_true(fabs(entries[place].score - score) <= 1e-9 * (1 + score));
            /* Nobody who is still to come is worth more. */
            for (size_t i = 0; i < TWINS; i++) {
                if (!given[i]) {
                    assert_true(twin_score(candidates, TWINS, i) <= score * (1 + 1e-9));
                }
            }
            const struct outreach_parts *parts = &entries[place].parts;
            double product = (parts->outage + parts->churn) * parts->waiting * parts->tier *
                             parts->criticality * parts->reach / parts->minutes;
            assert_true(fabs(entries[place].score - product) <= 1e-12 * (1 + product));
        }
        arena_free(&arena);
    }
}

static void the_list_ends_at_its_limit(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static struct outreach_candidate candidates[COUNT];
    static char ids[COUNT][8];
    struct random_stream random = random_stream_new(9, 1);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(ids[i], sizeof ids[i], "c%zu", i);
        candidates[i] =
            (struct outreach_candidate){.customer_id = ids[i],
                                        .region = "JP",
                                        .hosts_confirmed = 1 + random_below(&random, 100),
                                        .hosts_still_affected = random_below(&random, 50),
                                        .hosts_reporting = 100};
    }
    const struct outreach_entry *all = ordered(candidates, COUNT, WEDNESDAY);
    for (size_t i = 1; i < COUNT; i++) {
        bool in_order = all[i - 1].score > all[i].score ||
                        (all[i - 1].score == all[i].score &&
                         (all[i - 1].hosts_affected > all[i].hosts_affected ||
                          (all[i - 1].hosts_affected == all[i].hosts_affected &&
                           strcmp(all[i - 1].customer_id, all[i].customer_id) < 0)));
        assert_true(in_order);
    }
    struct outreach_entry *few;
    const struct outreach_moment moment = moment_at(WEDNESDAY);
    assert_true(outreach_order(candidates, COUNT, 10, &moment, &arena, &few, NULL));
    for (size_t i = 0; i < 10; i++) {
        assert_string_equal(few[i].customer_id, all[i].customer_id);
    }
    assert_true(outreach_order(NULL, 0, 10, &moment, &arena, &few, NULL));
    assert_non_null(few);
}

/* ---- Reasons ---- */

static void reasons_are_short_sentences(void **state)
{
    (void)state;
    struct registry_customer customer = company();
    customer.tier = "premium";
    customer.partner = "Partner One";
    customer.renewal_on = "2005-05-20";
    struct outreach_candidate candidate = half_hit(&customer);
    candidate.hosts_confirmed = 212;
    candidate.hosts_probable = 0;
    candidate.hosts_still_affected = 198;
    candidate.hosts_reporting = 240;
    const struct outreach_entry *entry = ordered(&candidate, 1, WEDNESDAY);
    assert_string_equal(entry->name, "Example Trading");
    assert_string_equal(entry->region, "JP");
    assert_int_equal(entry->hosts_affected, 212);
    assert_true(entry->reachable_now);
    static const char *const expected[] = {"212 of 240 hosts hit, 198 still down", "Premium tier",
                                           "renewal in 23 days", "call the partner Partner One",
                                           "reachable now: 11:00 in Asia/Tokyo"};
    assert_int_equal(entry->reason_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(entry->reasons[i], expected[i]);
    }
}

static void what_cannot_wait_and_the_language_are_said(void **state)
{
    (void)state;
    struct registry_customer customer = company();
    customer.language = "ja";
    customer.criticality = CRITICALITY_CRITICAL;
    struct outreach_candidate candidate = half_hit(&customer);
    const struct outreach_entry *entry = ordered(&candidate, 1, WEDNESDAY);
    assert_true(has_reason(entry, "its work cannot wait"));
    assert_true(has_reason(entry, "speaks ja"));
    assert_true(entry->parts.criticality == 4);
    /* The partner speaks it already. */
    customer.partner = "Partner One";
    customer.criticality = CRITICALITY_HIGH;
    entry = ordered(&candidate, 1, WEDNESDAY);
    assert_true(has_reason(entry, "its work can hardly wait"));
    assert_false(has_reason(entry, "speaks ja"));
    customer.criticality = CRITICALITY_LOW;
    assert_int_equal(ordered(&candidate, 1, WEDNESDAY)->reason_count, 3);
}

static void hosts_are_put_in_words(void **state)
{
    (void)state;
    static const struct {
        uint64_t confirmed, probable, still, reporting;
        const char *reason;
    } cases[] = {
        {1, 0, 1, 1, "its only host hit, still down"},
        {0, 1, 1, 1, "its only host hit, still down"},
        {1, 0, 0, 1, "its only host hit, all recovered"},
        {1, 0, 1, 3, "1 of 3 hosts hit, still down"},
        {2, 1, 1, 3, "3 of 3 hosts hit, 1 still down"},
        {2, 1, 0, 30, "3 of 30 hosts hit, all recovered"},
        /* Never more hit than there are. */
        {5, 1, 6, 4, "6 of 6 hosts hit, 6 still down"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct registry_customer customer = company();
        struct outreach_candidate candidate = {.customer_id = "c",
                                               .customer = &customer,
                                               .region = "JP",
                                               .hosts_confirmed = cases[i].confirmed,
                                               .hosts_probable = cases[i].probable,
                                               .hosts_still_affected = cases[i].still,
                                               .hosts_reporting = cases[i].reporting};
        assert_string_equal(ordered(&candidate, 1, WEDNESDAY)->reasons[0], cases[i].reason);
    }
}

static void renewals_are_counted_by_the_customers_calendar(void **state)
{
    (void)state;
    static const struct {
        const char *now, *renewal_on, *reason; /* NULL: none about a renewal */
    } cases[] = {
        {WEDNESDAY, "2005-04-27", "renewal today"},
        {WEDNESDAY, "2005-04-28", "renewal in 1 day"},
        {WEDNESDAY, "2005-05-07", "renewal in 10 days"},
        {WEDNESDAY, "2005-07-26", "renewal in 90 days"},
        {WEDNESDAY, "2005-07-27", NULL},
        {WEDNESDAY, "2005-04-26", NULL},
        /* 00:30 on the 28th in Tokyo, still the 27th in UTC. */
        {"2005-04-27T15:30:00Z", "2005-04-28", "renewal today"},
        {"2005-04-27T15:30:00Z", "2005-04-27", NULL},
        {WEDNESDAY, NULL, NULL},
        {WEDNESDAY, "soon", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct registry_customer customer = company();
        customer.renewal_on = cases[i].renewal_on;
        struct outreach_candidate candidate = half_hit(&customer);
        const struct outreach_entry *entry = ordered(&candidate, 1, cases[i].now);
        if (cases[i].reason == NULL) {
            assert_int_equal(entry->reason_count, 2);
        } else if (!has_reason(entry, cases[i].reason)) {
            fail_msg("case %zu: %s", i, entry->reasons[1]);
        }
    }
}

static void a_stranger_is_judged_without_a_clock(void **state)
{
    (void)state;
    struct outreach_candidate candidate = half_hit(NULL);
    candidate.customer_id = "unknown-7";
    const struct outreach_entry *entry = ordered(&candidate, 1, "2005-04-27T12:34:00Z");
    assert_string_equal(entry->name, "unknown-7");
    assert_int_equal(entry->reason_count, 2);
    assert_string_equal(entry->reasons[1], "12:34 UTC, its own time is not known");
    /* A customer with nothing but an id does not crash anything. */
    struct registry_customer bare = {.customer_id = "bare", .name = "bare"};
    candidate.customer = &bare;
    entry = ordered(&candidate, 1, "2005-04-27T12:34:00Z");
    assert_string_equal(entry->reasons[1], "12:34 UTC, its own time is not known");
}

/* ---- Hours ---- */

static void hours_are_the_customers_own(void **state)
{
    (void)state;
    enum { TOKYO, BERLIN, NEW_YORK };
    static const struct {
        const char *now;
        int zone;
        enum customer_kind kind;
        bool reachable;
        const char *reason;
    } cases[] = {
        /* Companies, Monday to Friday, 09:00 to 18:00. */
        {"2005-04-26T23:59:59Z", TOKYO, CUSTOMER_CORPORATE, false,
         "outside its hours: 08:59 in Asia/Tokyo"},
        {"2005-04-27T00:00:00Z", TOKYO, CUSTOMER_CORPORATE, true,
         "reachable now: 09:00 in Asia/Tokyo"},
        {"2005-04-27T08:59:59Z", TOKYO, CUSTOMER_CORPORATE, true,
         "reachable now: 17:59 in Asia/Tokyo"},
        {"2005-04-27T09:00:00Z", TOKYO, CUSTOMER_CORPORATE, false,
         "outside its hours: 18:00 in Asia/Tokyo"},
        /* The Saturday of the incident, on which it is still Friday afternoon in New York. */
        {"2005-04-23T03:00:00Z", TOKYO, CUSTOMER_CORPORATE, false,
         "outside its hours: 12:00 in Asia/Tokyo"},
        {"2005-04-22T21:59:00Z", NEW_YORK, CUSTOMER_CORPORATE, true,
         "reachable now: 17:59 in America/New_York"},
        {"2005-04-22T22:33:00Z", NEW_YORK, CUSTOMER_CORPORATE, false,
         "outside its hours: 18:33 in America/New_York"},
        {"2005-04-24T03:00:00Z", TOKYO, CUSTOMER_CORPORATE, false,
         "outside its hours: 12:00 in Asia/Tokyo"},
        {"2005-04-25T03:00:00Z", TOKYO, CUSTOMER_CORPORATE, true,
         "reachable now: 12:00 in Asia/Tokyo"},
        /* Consumers, every day, 09:00 to 21:00. */
        {"2005-04-23T11:59:00Z", TOKYO, CUSTOMER_CONSUMER, true,
         "reachable now: 20:59 in Asia/Tokyo"},
        {"2005-04-24T12:00:00Z", TOKYO, CUSTOMER_CONSUMER, false,
         "outside its hours: 21:00 in Asia/Tokyo"},
        {"2005-04-23T23:59:00Z", TOKYO, CUSTOMER_CONSUMER, false,
         "outside its hours: 08:59 in Asia/Tokyo"},
        /* Berlin on the Fridays before and after its clocks went forward, and back. */
        {"2005-03-25T07:30:00Z", BERLIN, CUSTOMER_CORPORATE, false,
         "outside its hours: 08:30 in Europe/Berlin"},
        {"2005-04-01T07:30:00Z", BERLIN, CUSTOMER_CORPORATE, true,
         "reachable now: 09:30 in Europe/Berlin"},
        {"2005-10-28T07:30:00Z", BERLIN, CUSTOMER_CORPORATE, true,
         "reachable now: 09:30 in Europe/Berlin"},
        {"2005-11-04T07:30:00Z", BERLIN, CUSTOMER_CORPORATE, false,
         "outside its hours: 08:30 in Europe/Berlin"},
        /* On the very Sunday: 20:30 in winter time an hour later than in summer time. */
        {"2005-10-30T19:30:00Z", BERLIN, CUSTOMER_CONSUMER, true,
         "reachable now: 20:30 in Europe/Berlin"},
        {"2005-10-29T19:30:00Z", BERLIN, CUSTOMER_CONSUMER, false,
         "outside its hours: 21:30 in Europe/Berlin"},
        {"2005-03-27T07:00:00Z", BERLIN, CUSTOMER_CONSUMER, true,
         "reachable now: 09:00 in Europe/Berlin"},
        {"2005-03-26T07:00:00Z", BERLIN, CUSTOMER_CONSUMER, false,
         "outside its hours: 08:00 in Europe/Berlin"},
    };
    static const char *const names[] = {"Asia/Tokyo", "Europe/Berlin", "America/New_York"};
    const struct time_zone *zones[] = {tokyo, berlin, new_york};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct registry_customer customer = company();
        customer.kind = cases[i].kind;
        customer.zone = zones[cases[i].zone];
        customer.time_zone = names[cases[i].zone];
        struct outreach_candidate candidate = half_hit(&customer);
        const struct outreach_entry *entry = ordered(&candidate, 1, cases[i].now);
        assert_string_equal(entry->reasons[entry->reason_count - 1], cases[i].reason);
        assert_int_equal(entry->reachable_now, cases[i].reachable);
    }
}

static void out_of_hours_weighs_a_tenth(void **state)
{
    (void)state;
    struct registry_customer customer = company();
    struct outreach_candidate candidate = half_hit(&customer);
    double awake = ordered(&candidate, 1, WEDNESDAY)->score;
    double asleep = ordered(&candidate, 1, "2005-04-27T15:00:00Z")->score;
    assert_true(asleep > 0.0999 * awake && asleep < 0.1001 * awake);
}

static void who_is_back_for_an_hour_needs_no_call(void **state)
{
    (void)state;
    static const struct {
        uint64_t still_affected;
        int minutes; /* since the last host came back; -1: none has */
        bool recovered;
    } cases[] = {{0, 60, true}, {0, 59, false}, {1, 600, false}, {0, -1, false}};
    struct registry_customer customer = company();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outreach_candidate one = half_hit(&customer);
        one.hosts_still_affected = cases[i].still_affected;
        one.last_recovered_at =
            cases[i].minutes < 0 ? INSTANT_NONE : at(WEDNESDAY) - cases[i].minutes * INSTANT_MINUTE;
        assert_true(ordered(&one, 1, WEDNESDAY)->recovered == cases[i].recovered);
    }
}

#define ORDER_TEST(test) cmocka_unit_test_teardown(test, free_arena)

/* Forty customers of one partner, each no better than the one that must be called by itself. */
static void one_call_to_a_partner_beats_forty_calls(void **state)
{
    (void)state;
    struct registry_customer alone = company();
    struct registry_customer partners = company();
    struct outreach_candidate all[41];
    char ids[40][8];
    partners.partner = "Integrator";
    all[0] = half_hit(&alone);
    all[0].customer_id = "alone";
    for (size_t i = 0; i < 40; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "p%02u", (unsigned)i % 100);
        all[i + 1] = half_hit(&partners);
        all[i + 1].customer_id = ids[i];
    }
    const struct outreach_entry *entries = ordered(all, 41, WEDNESDAY);
    assert_string_equal(entries[40].customer_id, "alone");
    assert_true(has_reason(&entries[0], "call the partner Integrator: one call for 40 customers"));
    /* Forty of them take less than two customers called alone. */
    assert_true(40 * entries[0].parts.minutes < 2 * entries[40].parts.minutes);
}

static void a_score_is_the_product_of_its_parts(void **state)
{
    (void)state;
    struct registry_customer customer = company();
    struct outreach_candidate one = half_hit(&customer);
    one.first_onset_at = at(WEDNESDAY) - 4 * INSTANT_HOUR;
    const struct outreach_entry *entry = ordered(&one, 1, WEDNESDAY);
    const struct outreach_parts *parts = &entry->parts;
    /* Ten hosts, 30 USD an hour, four hours; 15 minutes and two for each host; half a day down. */
    assert_true(parts->outage == 1200);
    assert_true(parts->minutes == 35);
    assert_true(parts->waiting == 1.5);
    assert_true(has_reason(entry, "down for 4 h"));
    double product = (parts->outage + parts->churn) * parts->waiting * parts->tier * parts->reach /
                     parts->minutes;
    assert_true(entry->score > product * (1 - 1e-12) && entry->score < product * (1 + 1e-12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ORDER_TEST(one_call_to_a_partner_beats_forty_calls),
        ORDER_TEST(a_score_is_the_product_of_its_parts),
        ORDER_TEST(of_two_the_worse_off_comes_first),
        ORDER_TEST(a_short_call_comes_before_a_long_one_of_equal_loss),
        ORDER_TEST(ties_go_by_hosts_then_id),
        ORDER_TEST(the_order_is_that_of_a_twin),
        ORDER_TEST(what_cannot_wait_and_the_language_are_said),
        ORDER_TEST(the_list_ends_at_its_limit),
        ORDER_TEST(reasons_are_short_sentences),
        ORDER_TEST(hosts_are_put_in_words),
        ORDER_TEST(renewals_are_counted_by_the_customers_calendar),
        ORDER_TEST(a_stranger_is_judged_without_a_clock),
        ORDER_TEST(hours_are_the_customers_own),
        ORDER_TEST(out_of_hours_weighs_a_tenth),
        ORDER_TEST(who_is_back_for_an_hour_needs_no_call),
    };
    return cmocka_run_group_tests(tests, load_zones, free_zones);
}
