/* Quotas against an exact bucket for each key, and who shares an identity.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "collector/identity.h"
#include "collector/quota.h"
#include "common/random_stream.h"

#define KEYS 50
#define SECOND INT64_C(1000000)

static struct quota *make(double rate, double burst, size_t keys)
{
    struct quota *quota = NULL;
    struct failure failure;
    assert_true(quota_new(rate, burst, keys, &quota, &failure));
    return quota;
}

/* A bucket as it is drawn in books: a level that rises with time, and one less for each. */
static void each_key_has_a_bucket_of_its_own(void **state)
{
    (void)state;
    static const struct {
        double rate, burst;
    } cases[] = {{1, 10}, {0.1, 3}, {50, 5}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        /* Places are drawn by lot anew in each run: with 1,024 sets of four it takes half a million
         * runs until five keys meet in one, and with 128 sets it would take a hundred. */
        struct quota *quota = make(cases[c].rate, cases[c].burst, (size_t)KEYS * 64);
        struct random_stream random = random_stream_new(7, c);
        double level[KEYS];
        int64_t seen[KEYS] = {0};
        int64_t now = 5 * SECOND;
        size_t taken = 0;
        size_t refused = 0;
        for (size_t k = 0; k < KEYS; k++) {
            level[k] = cases[c].burst;
        }
        for (int i = 0; i < 100000; i++) {
            size_t k = (size_t)random_below(&random, KEYS);
            now += (int64_t)(random_uniform(&random) * 2e6 / cases[c].rate / KEYS);
            level[k] += (double)(now - seen[k]) * 1e-6 * cases[c].rate;
            level[k] = level[k] < cases[c].burst ? level[k] : cases[c].burst;
            seen[k] = now;
            double margin = level[k] - 1;
            bool allowed = quota_take(quota, &k, sizeof k, now);
            if (margin > 1e-3 || margin < -1e-3) { /* microseconds are rounded */
                assert_int_equal(allowed, margin > 0);
            }
            level[k] -= allowed;
            taken += allowed;
            refused += !allowed;
        }
        assert_true(taken > 1000 && refused > 1000);
        quota_free(quota);
    }
}

/* Ten times as many keys as there is room for: nobody is refused for another's requests. */
static void too_many_keys_cost_nobody_his_own(void **state)
{
    (void)state;
    struct quota *quota = make(1, 2, 256);
    for (uint64_t key = 1; key <= 2560; key++) {
        assert_true(quota_take(quota, &key, sizeof key, SECOND));
        assert_true(quota_take(quota, &key, sizeof key, SECOND));
        assert_false(quota_take(quota, &key, sizeof key, SECOND));
    }
    quota_free(quota);
}

static void a_rate_of_zero_is_no_limit(void **state)
{
    (void)state;
    struct quota *quota = make(0, 0, 10);
    assert_null(quota);
    for (int i = 0; i < 1000; i++) {
        assert_true(quota_take(quota, "k", 1, 0));
    }
    quota_free(quota);
}

/* `path` is an address a letter, a character a minute; a blank is a minute without anything. */
static unsigned count_conflicts(struct identity_watch *watch, const char *host, const char *path,
                                uint32_t step_s)
{
    unsigned conflicts = 0;
    uint32_t now = 1000000;
    for (const char *at = path; *at != '\0'; at++, now += step_s) {
        conflicts += *at != ' ' && identity_seen(watch, host, strlen(host), at, 1, now);
    }
    return conflicts;
}

static void two_in_turns_are_a_conflict_and_a_traveller_is_not(void **state)
{
    (void)state;
    struct identity_watch *watch = NULL;
    struct failure failure;
    assert_true(identity_watch_new(&watch, &failure));
    static const struct {
        const char *host, *path;
        uint32_t step_s;
        unsigned conflicts;
    } cases[] = {
        {"still", "aaaaaaaaaaaaaaaaaaaa", 30, 0},
        {"moves", "aaaabbbbcccc", 30, 0},
        {"returns", "aabbaabbaa", 30, 0}, /* three turns */
        {"two", "ababab", 30, 1},         /* the fourth */
        {"two on", "ababababab", 30, 5},
        {"pairs", "aabbaabbaabbaabb", 30, 3},
        {"slow", "abababababab", 240, 0}, /* two in ten minutes */
        {"many places", "abcdefghijklmnop", 30, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned conflicts = count_conflicts(watch, cases[i].host, cases[i].path, cases[i].step_s);
        if (conflicts != cases[i].conflicts) {
            fail_msg("%s: %u conflicts, not %u", cases[i].host, conflicts, cases[i].conflicts);
        }
    }
    identity_watch_free(watch);
}

static int start(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_a_bucket_of_its_own),
        cmocka_unit_test(too_many_keys_cost_nobody_his_own),
        cmocka_unit_test(a_rate_of_zero_is_no_limit),
        cmocka_unit_test(two_in_turns_are_a_conflict_and_a_traveller_is_not),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
