/* Is a contract in another currency worth what it is worth? Oracles: worked by hand from a rate,
 * and ISO 4217's minor units. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/exchange_rate.h"

static struct exchange_rates rates;

static bool set(const char *currency, double usd, struct failure *failure)
{
    struct exchange_rate rate = {.usd = usd, .source = "a test", .dated = "2026-11-23"};
    memcpy(rate.currency, currency, strlen(currency) + 1);
    return exchange_rates_set(&rates, &rate, failure);
}

static void minor_units_are_those_of_the_currency(void **state)
{
    (void)state;
    static const struct {
        const char *currency; /* NULL: not said */
        int64_t minor_units;
        double usd;
    } cases[] = {
        {"USD", 12345, 123.45}, {"EUR", 10000, 125},   {"JPY", 10000, 100},
        {"KWD", 10000, 32.5}, /* a thousand fils to the dinar */
        {"XXX", 12345, 123.45}, {NULL, 12345, 123.45}, {"JPY", 0, 0},
    };
    exchange_rates_default(&rates);
    assert_true(set("EUR", 1.25, NULL) && set("JPY", 0.01, NULL) && set("KWD", 3.25, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_float_equal(exchange_rates_usd(&rates, cases[i].minor_units, cases[i].currency),
                           cases[i].usd, 1e-9);
    }
}

static void a_rate_replaces_the_one_before(void **state)
{
    (void)state;
    exchange_rates_default(&rates);
    size_t count = rates.count;
    assert_true(set("EUR", 2, NULL));
    assert_int_equal(rates.count, count);
    assert_true(set("KWD", 3.25, NULL));
    assert_int_equal(rates.count, count + 1);
    assert_float_equal(exchange_rates_usd(&rates, 100, "EUR"), 2, 1e-9);
}

static void every_default_is_a_good_rate_with_a_source(void **state)
{
    (void)state;
    static struct exchange_rates again;
    exchange_rates_default(&rates);
    for (size_t i = 0; i < rates.count; i++) {
        assert_true(exchange_rates_set(&again, &rates.items[i], NULL));
        assert_true(strlen(rates.items[i].source) > 0 && strlen(rates.items[i].dated) == 10);
    }
    assert_int_equal(again.count, rates.count); /* none twice */
}

static void what_is_no_rate_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *currency;
        double usd;
        const char *why;
    } cases[] = {
        {"eu", 1, "currency: \"eu\" is not three letters such as JPY"},
        {"eur", 1, "currency: \"eur\" is not three letters such as JPY"},
        {"EUR", 0, "usd: EUR must be worth more than nothing"},
        {"EUR", -1, "usd: EUR must be worth more than nothing"},
        {"USD", 2, "usd: a dollar is worth a dollar, not 2"},
    };
    exchange_rates_default(&rates);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure failure;
        assert_false(set(cases[i].currency, cases[i].usd, &failure));
        assert_string_equal(failure.message, cases[i].why);
    }
    assert_float_equal(exchange_rates_usd(&rates, 100, "USD"), 1, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minor_units_are_those_of_the_currency),
        cmocka_unit_test(a_rate_replaces_the_one_before),
        cmocka_unit_test(every_default_is_a_good_rate_with_a_source),
        cmocka_unit_test(what_is_no_rate_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
