/* Sums in US dollars; see exchange_rate.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/exchange_rate.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SOURCE                                                                                     \
    "No published source: a rounded rate of recent years, so that yen are not taken for dollars. " \
    "Set your own."
#define DATED "2026-11-23"

static const struct {
    const char *currency;
    double usd;
} defaults[] = {
    {"AUD", 0.66},  {"BRL", 0.19},    {"CAD", 0.73}, {"CHF", 1.1},   {"CNY", 0.14},
    {"DKK", 0.15},  {"EUR", 1.1},     {"GBP", 1.3},  {"HKD", 0.13},  {"INR", 0.012},
    {"JPY", 0.007}, {"KRW", 0.00075}, {"MXN", 0.06}, {"NOK", 0.095}, {"NZD", 0.6},
    {"PLN", 0.25},  {"SEK", 0.095},   {"SGD", 0.75}, {"TWD", 0.031}, {"USD", 1},
};

void exchange_rates_default(struct exchange_rates *rates)
{
    memset(rates, 0, sizeof *rates);
    rates->count = sizeof defaults / sizeof *defaults;
    for (size_t i = 0; i < rates->count; i++) {
        struct exchange_rate *item = &rates->items[i];
        item->usd = defaults[i].usd;
        snprintf(item->currency, sizeof item->currency, "%s", defaults[i].currency);
        snprintf(item->source, sizeof item->source, "%s", SOURCE);
        snprintf(item->dated, sizeof item->dated, "%s", DATED);
    }
}

static size_t find(const struct exchange_rates *rates, const char *currency)
{
    size_t at = 0;
    while (at < rates->count && strcmp(rates->items[at].currency, currency) != 0) {
        at++;
    }
    return at;
}

bool exchange_rates_set(struct exchange_rates *rates, const struct exchange_rate *rate,
                        struct failure *failure)
{
    if (strlen(rate->currency) != 3 || strspn(rate->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        return failure_set(failure, FAILURE_INVALID,
                           "currency: \"%s\" is not three letters such as JPY", rate->currency);
    }
    if (!isfinite(rate->usd) || rate->usd <= 0) {
        return failure_set(failure, FAILURE_INVALID, "usd: %s must be worth more than nothing",
                           rate->currency);
    }
    if (strcmp(rate->currency, "USD") == 0 && rate->usd != 1) {
        return failure_set(failure, FAILURE_INVALID, "usd: a dollar is worth a dollar, not %g",
                           rate->usd);
    }
    size_t at = find(rates, rate->currency);
    if (at == EXCHANGE_RATE_LIMIT) {
        return failure_set(failure, FAILURE_INVALID, "currency: there are %d rates already",
                           EXCHANGE_RATE_LIMIT);
    }
    rates->items[at] = *rate;
    rates->count += at == rates->count;
    return true;
}

/* ISO 4217's exceptions from two digits, each list in one string. */
static int minor_digits(const char *currency)
{
    static const char none[] =
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
    static const char three[] = "BHD IQD JOD KWD LYD OMR TND";
    return strstr(none, currency) != NULL ? 0 : strstr(three, currency) != NULL ? 3 : 2;
}

double exchange_rates_usd(const struct exchange_rates *rates, int64_t minor_units,
                          const char *currency)
{
    size_t at = currency != NULL ? find(rates, currency) : rates->count;
    if (at == rates->count) {
        return (double)minor_units / 100;
    }
    return (double)minor_units * rates->items[at].usd / pow(10, minor_digits(currency));
}
