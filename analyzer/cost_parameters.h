/* What does the cost estimate stand on? Ranges with a source each, the staffing of the support
 * desks, and what is given to customers afterwards. All of it is data: from the defaults, the
 * database, CSV files or the command line.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_PARAMETERS_H
#define EPICENTER_ANALYZER_COST_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/exchange_rate.h"
#include "common/failure.h"

/* All sums are in it; other currencies are converted before they come in. */
#define COST_CURRENCY "USD"

enum cost_name {
    CONTACT_RATE_CONSUMER,
    CONTACT_RATE_CORPORATE,
    CONTACT_RATE_HOST,
    BYSTANDER_RATE,
    REPEAT_CONTACTS,
    ATTEMPTS_PER_CALLER,
    REDIAL_SHARE,
    WRITTEN_SHARE,
    HANDLE_TIME,
    WRITTEN_TIME,
    COST_PER_MINUTE,
    CONTACT_HOURS,
    PATIENCE,
    OVERTIME_PREMIUM,
    REMEDIATION_RATE,
    REMEDIATION_TIME,
    VISIT_RATE,
    VISIT_COST,
    CLAIM_RATE,
    REIMBURSEMENT,
    PARTNER_SHARE,
    PARTNER_CONTACT_COST,
    NOTICE_COST,
    MONTHLY_PRICE_CONSUMER,
    MONTHLY_PRICE_HOST,
    CHURN_RATE,
    DOWN_HOURS,
    HOST_HOUR_CONSUMER,
    HOST_HOUR_CORPORATE,
    COST_NAME_COUNT
};

/* Of which customers something holds; an empty text is all. */
struct cost_scope {
    char region[64];
    char tier[64];
    char product_line[64];
};

/* PERT with shape 4 (Vose): beta on [low, high] with a = 1 + 4(likely-low)/(high-low) and
 * b = 1 + 4(high-likely)/(high-low), so the mean is (low + 4 likely + high) / 6. */
struct cost_parameter {
    char name[48];
    struct cost_scope scope;
    struct range range;
    char unit[64];
    char source[256];
    char dated[11]; /* YYYY-MM-DD */
};

/* What a compensation is paid on, and in what. */
enum cost_recipients {
    RECIPIENTS_ELIGIBLE, /* every customer of the scope, hit or not */
    RECIPIENTS_AFFECTED,
    RECIPIENTS_CLAIMING /* affected times claim_rate */
};
enum cost_form {
    FORM_FREE_MONTHS, /* amount months times the monthly price: deferred revenue */
    FORM_CREDIT,      /* amount times the monthly price, given back: cost */
    FORM_FIXED        /* amount in COST_CURRENCY each: cost */
};

struct cost_scheme {
    char name[48];
    struct cost_scope scope;
    bool consumers, corporates;
    enum cost_recipients recipients;
    enum cost_form form;
    struct range amount;
    char source[256];
    char dated[11];
};

/* Agents at work, after shrinkage, by hour of the day in UTC. */
struct cost_desk {
    char region[64];
    uint32_t agents[24];
};

#define COST_PARAMETER_LIMIT 256 /* every name for half a dozen scopes */
#define COST_SCHEME_LIMIT 16
#define COST_DESK_LIMIT 64

/* The first COST_NAME_COUNT items are the rows for all customers, in the order of the names. */
struct cost_parameters {
    struct cost_parameter items[COST_PARAMETER_LIMIT];
    size_t count;
    struct cost_scheme schemes[COST_SCHEME_LIMIT];
    size_t scheme_count;
    struct cost_desk desks[COST_DESK_LIMIT];
    size_t desk_count;
    struct exchange_rates rates;
};

/* The defaults, each with its source; ranges without a public source say so and are wide. No
 * scheme, no desk. */
void cost_parameters_default(struct cost_parameters *parameters);

/* Replaces the row of that name and scope, or adds it; an empty unit is the name's usual one.
 * FAILURE_INVALID for an unknown name, a range that is not low <= likely <= high, all finite and
 * not negative, a share over 1, or when the table is full; nothing is changed then. */
MUST_CHECK bool cost_parameters_set(struct cost_parameters *parameters,
                                    const struct cost_parameter *parameter,
                                    struct failure *failure);

/* Likewise by name. */
MUST_CHECK bool cost_parameters_set_scheme(struct cost_parameters *parameters,
                                           const struct cost_scheme *scheme,
                                           struct failure *failure);

/* Sets one hour of a region's desk. */
MUST_CHECK bool cost_parameters_set_agents(struct cost_parameters *parameters, const char *region,
                                           uint32_t hour, uint32_t agents, struct failure *failure);

/* Whether what holds for `scope` holds there; NULL texts are unknown and match only "all". */
bool cost_scope_covers(const struct cost_scope *scope, const char *region, const char *tier,
                       const char *product_line);

/* The row that holds there: the one whose scope names the most; of two, the one that names the
 * region, then the product line. An index into items. */
size_t cost_parameters_find(const struct cost_parameters *parameters, enum cost_name name,
                            const char *region, const char *tier, const char *product_line);

/* NULL where there is none. */
const struct cost_desk *cost_parameters_desk(const struct cost_parameters *parameters,
                                             const char *region);

/* "eligible", "affected", "claiming"; "free_months", "credit", "fixed". False for any other. */
bool cost_recipients_parse(const char *text, enum cost_recipients *recipients);
bool cost_form_parse(const char *text, enum cost_form *form);

#endif
