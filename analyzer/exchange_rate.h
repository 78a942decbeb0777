/* What is a sum in another currency worth in US dollars? Contracts are in the customers' own
 * currencies; the order of calling compares them. Rates are data with a source each, and do not
 * change within a snapshot.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXCHANGE_RATE_H
#define EPICENTER_ANALYZER_EXCHANGE_RATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

struct exchange_rate {
    char currency[4]; /* ISO 4217, such as "JPY" */
    double usd;       /* that one of it (not of its minor units) is worth */
    char source[256];
    char dated[11]; /* YYYY-MM-DD */
};

#define EXCHANGE_RATE_LIMIT 200 /* ISO 4217 has fewer */

struct exchange_rates {
    struct exchange_rate items[EXCHANGE_RATE_LIMIT];
    size_t count;
};

/* Rounded rates of recent years for the currencies contracts are most often in. */
void exchange_rates_default(struct exchange_rates *rates);

/* Adds or replaces one. INVALID where the currency is not three capital letters, the rate not
 * positive, or the dollar not worth a dollar. */
MUST_CHECK bool exchange_rates_set(struct exchange_rates *rates, const struct exchange_rate *rate,
                                   struct failure *failure);

/* `minor_units` are cents, or whatever ISO 4217 divides the currency into; a yen is not divided. A
 * currency without a rate, or NULL, is taken for the dollar. */
double exchange_rates_usd(const struct exchange_rates *rates, int64_t minor_units,
                          const char *currency);

#endif
