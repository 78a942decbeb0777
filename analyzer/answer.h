/* What the analyzer answers: plain values, filled by the stations and written out by three mouths
 * (JSON for the API and --json, text for the terminal, rows for the database).
 *
 * All pointers belong to the analysis that gave them and are valid until it is advanced.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANSWER_H
#define EPICENTER_ANALYZER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/registry.h"
#include "common/buffer.h"
#include "common/instant.h"
#include "common/uuid.h"

struct cost_basis;
struct cost_parameters;
struct cost_draws;

struct range {
    double low;
    double likely;
    double high;
};

/* A host is new until two healthy reports, and again after it comes back from silence. */
enum host_state { HOST_NEW, HOST_HEALTHY, HOST_PINNED, HOST_ELEVATED, HOST_SILENT };

/* "new", "healthy", "pinned", "elevated", "silent". */
const char *host_state_name(enum host_state state);

enum verdict { VERDICT_HOLD, VERDICT_SUSPECT, VERDICT_INSUFFICIENT_DATA, VERDICT_CLEAR };

/* "HOLD", "SUSPECT", "INSUFFICIENT_DATA", "CLEAR". */
const char *verdict_name(enum verdict verdict);

/* A conjunction: every named attribute has its value. */
struct segment_term {
    const char *attribute;
    const char *value;
};
struct segment_conjunction {
    const struct segment_term *terms;
    size_t term_count; /* 0: the whole fleet */
};

/* Affected hosts or customers. Confirmed and probable are observed counts less what the control
 * leads one to expect; estimated is what the seats that do not report add. */
struct affected_count {
    uint64_t confirmed;
    uint64_t probable;
    struct range estimated;
    struct range all; /* of the three together, less coincidence: 5, 50 and 95 % */
};

/* A customer is affected in degrees: in any seat, in more than a tenth of them, in more than half.
 */
enum impact_degree { DEGREE_ANY, DEGREE_TENTH, DEGREE_HALF };
#define IMPACT_DEGREES 3

struct impact_tier {
    const char *tier; /* NULL: none known */
    enum customer_kind kind;
    struct range customers;
};

/* Customers and hosts of one channel partner that show something, coincidences included. */
struct impact_partner {
    const char *partner;
    uint32_t customers;
    uint64_t hosts;
};

/* Hosts of the segment that fell silent since the update was out without having told that they have
 * it; as many of them as the control leads one to expect; and how many hosts would be affected in
 * all, were none, half or all of that silence the update's doing. */
struct impact_silence {
    uint64_t hosts;
    double expected;
    double if_none, if_half, if_all;
};

/* Hosts that are harmed from here on, those that do not report included. */
struct impact_forecast {
    struct range may_turn;              /* that have the update and do not show anything yet */
    double hosts_an_hour;               /* of the segment, that get it at the present pace */
    double hosts_without;               /* of the segment, that do not have it yet */
    struct range next_hour, four_hours; /* harmed by what is installed from now on: what a
                                           withdrawal now spares */
    struct range an_hour_ago;           /* what it would have spared within the same four hours */
};

/* How far it goes, beyond region and product line. */
struct impact_extent {
    struct range degrees[IMPACT_DEGREES]; /* customers */
    const struct impact_tier *tiers;      /* customers by kind and tier */
    size_t tier_count;
    const struct impact_partner *partners; /* the largest, most customers first */
    size_t partner_count;
    struct impact_silence silence;
    struct impact_forecast forecast;
};

struct impact_cell {
    const char *region;       /* the customer's, or what its hosts say where it is not registered */
    const char *product_line; /* of the hosts */
    struct affected_count hosts;
    struct affected_count customers;
};

/* Of the draws; P90: it is at or below it with 90 % probability. All NAN: not known. */
struct cost_figure {
    double p10, p50, p90, mean;
};

struct cost_part {
    const char *name; /* kind of cost, region or product line; NULL: unknown */
    struct cost_figure figure;
};

/* The desk of one region: what the promised service needs, and what happens with those who are
 * there. The latter are NAN without staffing. */
struct cost_queue {
    const char *region;
    struct cost_figure agents_needed;  /* at work at once, for 80 % answered within 20 s */
    struct cost_figure agents_missing; /* in the worst hour of the day */
    struct cost_figure short_hours;    /* hours of the day with too few */
    struct cost_figure overtime_hours; /* agent-hours missing over the whole incident */
    struct cost_figure wait_s;         /* mean wait of all callers, answered or not */
    struct cost_figure abandoned;      /* share of attempts given up */
};

struct cost_estimate {
    const char *currency;       /* ISO 4217 */
    double p10, p50, p90, mean; /* of the vendor's cost, in major units */
    double p5, p95;             /* nine times in ten it is between them */
    uint64_t seed;
    struct cost_driver {
        const char *parameter;
        double swing; /* P50 with the parameter at its high less P50 with it at its low */
        double at_low, at_high;
    } drivers[3];                      /* the three with the largest swing; parameter NULL where
                                          there are fewer */
    const struct cost_driver *tornado; /* every parameter that matters, the largest swing first */
    size_t tornado_count;

    const struct cost_part *lines, *regions, *product_lines; /* each adds up to the cost */
    size_t line_count, region_count, product_line_count;
    struct cost_figure further_hour; /* what one more hour before withdrawal adds */

    /* Beside the cost, never in it. */
    struct cost_figure deferred_revenue, revenue_at_risk, customers_loss;

    struct cost_figure callers, contacts, phone, written, attempts;
    const struct cost_queue *queues; /* by region */
    size_t queue_count;
};

/* The document is polled every few seconds; a hundred calls are an hour's work of a large desk. */
#define ANSWER_OUTREACH_LIMIT 100
/* Whom support may take and export: 2,500 hours of calls. Reasons are worded for each of them every
 * minute, at ten times as many for a tenth of a second. */
#define ANSWER_OUTREACH_DEPTH 10000

/* What a score is made of: (outage + churn) x waiting x tier x reach / minutes. */
struct outreach_parts {
    double outage;  /* of the customer's hosts while it is not called, USD */
    double churn;   /* of the contract, USD */
    double waiting; /* 1 at the onset, 2 after a working day */
    double tier;
    double criticality; /* what a stop of its hosts means to it: 1 where that is not known */
    double reach;       /* chance to reach somebody now, of that within the customer's hours */
    double minutes;     /* of an agent */
};

struct outreach_entry {
    const char *customer_id;
    const char *name; /* the id where the customer is not registered */
    const char *region;
    uint32_t rank; /* from 1 */
    double score;  /* expected loss avoided per agent-minute */
    struct outreach_parts parts;
    uint64_t hosts_affected;
    bool reachable_now;
    bool recovered; /* all its hosts, for an hour or more: it needs no call */
    const char *reasons[8];
    size_t reason_count;
    const char *partner, *time_zone; /* NULL: none, not known */
    uint64_t hosts_reporting;        /* hosts of the customer ever seen */
    uint32_t customer_number;        /* the fleet's */
    size_t first_host, host_count;   /* of the update's list of hosts */
};

/* A host of a customer in the queue that the update hit, or that fell silent. */
struct outreach_host {
    struct uuid host_id;
    uint32_t segment, system; /* its number; index in the list's systems, or UINT32_MAX */
    enum host_state state;
    bool still_affected;
    instant_us installed_at; /* INSTANT_NONE: it has not told */
    instant_us onset_at;     /* when the distress began */
    instant_us recovered_at; /* INSTANT_NONE while it is still affected */
    instant_us last_seen_at;
};
struct outreach_system {
    const char *product_line, *os, *os_version; /* NULL: not said */
};
struct outreach_host_list {
    struct outreach_host *hosts; /* by customer, in the order of the queue */
    size_t count;
    const struct outreach_system *systems;
    size_t system_count;
};

/* How many hosts had been harmed by then, of the segment, and how many still were. */
struct recovery_point {
    instant_us at;
    uint64_t harmed, still_affected;
};
#define ANSWER_RECOVERY_LIMIT 48 /* points; a curve on a page has no room for more */

/* The state at the end of a minute; see course.h. By ring, in the order of `rings`. */
#define ANSWER_RINGS 6 /* rings drawn: more lines than that are not told apart */
struct course_point {
    instant_us at;
    double log10_e_value;
    uint64_t hosts[ANSWER_RINGS];      /* that have or had it */
    uint64_t distressed[ANSWER_RINGS]; /* of them, onsets in the risk window, so far */
};

/* What the rate ratio is told from: onsets of exposed hosts that had their like to be compared
 * with, at most one a customer a minute, inside the segment where one is named; and as many as they
 * would have had at the rate of those. The one divided by the other is the ratio's likely value. */
struct compared_onsets {
    uint64_t onsets;
    double expected; /* NAN while there is no ratio */
};

/* The same of the exposed hosts that share one value: what the verdict compares, and nothing else.
 * A plain sum over exposed hosts and the others would lay at an update's door the harm of whatever
 * came along with it, and the difference between kinds of hosts that took it sooner or later. */
#define ANSWER_CONTRASTS 16 /* rows; further down there is next to nothing to compare */
struct contrast_row {
    const char *attribute, *value;
    const char *within;     /* the value it is read within ("Windows XP" of "SP2"), or NULL */
    uint64_t exposed_hosts; /* compared or not */
    struct range rate_ratio;
    struct compared_onsets compared;
};

struct update_answer {
    const char *id;
    const char *product_line; /* NULL where not registered */
    instant_us released_at;   /* INSTANT_NONE where not registered */
    instant_us withdrawn_at;  /* INSTANT_NONE while it is out */
    instant_us first_seen_at; /* first installation reported, by the server's clock */

    enum verdict verdict;
    instant_us decided_at; /* end of the minute that brought this verdict */
    const char *sentence;  /* the verdict in one sentence */
    const char *action;    /* what to do about it, one sentence */
    const char *reasons[6];
    size_t reason_count;
    const char *control; /* what the exposed hosts were compared with */

    double log10_e_value;
    struct range rate_ratio; /* confidence sequence at 1 - alpha; high may be INFINITY */
    struct compared_onsets compared;
    struct range onset; /* instants in microseconds; all NAN while there is nothing to date */
    struct range ended; /* likewise the end of new harm; NAN while it may go on */
    const struct recovery_point *recovery; /* from the onset to now */
    size_t recovery_count;

    const char *const *rings;
    size_t ring_count;
    const struct course_point *course; /* from the first installation to now */
    size_t course_count;
    const struct contrast_row *contrasts; /* most onsets first */
    size_t contrast_count;

    const char *const *bundle; /* ids of the updates it cannot be told from; beside its own */
    size_t bundle_count;
    const char *only_with; /* id of the update without which it does no harm, or NULL */

    const struct segment_conjunction *segment;
    size_t segment_count;
    const char *segment_text; /* the same in words */

    uint64_t installed_hosts, failed_hosts, rolled_back_hosts;
    uint64_t exposed_now;    /* hosts in the risk window */
    uint64_t exposed_onsets; /* among all exposed hosts so far, all kinds, compared or not */

    const struct impact_cell *impact; /* by region, then product line */
    size_t impact_count;
    struct affected_count hosts_total,
        customers_total; /* a customer in two product lines counts once */
    struct impact_extent extent;

    struct cost_estimate cost;
    const struct cost_basis *cost_basis;   /* what it was reckoned from; NULL where it was not */
    const struct outreach_entry *outreach; /* by rank; the first ANSWER_OUTREACH_DEPTH */
    size_t outreach_count;
    size_t outreach_total;           /* customers to contact, listed or not */
    struct outreach_host_list hosts; /* of those in the queue */
};

struct fleet_answer {
    uint64_t hosts;     /* ever seen within the horizon */
    uint64_t reporting; /* not silent */
    uint64_t pinned, elevated, silent;
    uint64_t customers;
    uint64_t unregistered_customers;
    uint64_t reports, duplicate_reports, late_reports, skewed_hosts;
    const char *const *left_out; /* attributes that name hosts and are not compared by */
    size_t left_out_count;
};

struct answers {
    instant_us as_of; /* end of the last minute taken in; INSTANT_NONE before the first */
    double alpha;
    struct fleet_answer fleet;
    const struct update_answer *updates; /* HOLD first, then by evidence */
    size_t update_count;
    const struct cost_parameters *cost_parameters; /* that the costs stand on */
    struct cost_draws *cost_draws;                 /* of them; NULL while nothing has cost */
};

/* Appends the document of GET /v1/updates: one JSON object, keys as in the fields above, times in
 * RFC 3339, `segment` a list of objects of attribute to value, `e_value` capped at 1e300 beside
 * `log10_e_value`, the 64-bit seed as text, ranges as {"low","likely","high"} with null for what is
 * not a number. The same answers give the same bytes. */
MUST_CHECK bool answer_write_json(const struct answers *answers, struct buffer *out,
                                  struct failure *failure);

/* The same for one update: the element of "updates". */
MUST_CHECK bool answer_write_update_json(const struct update_answer *update, struct buffer *out,
                                         struct failure *failure);

/* The document in parts: up to its first update; then the updates with commas between; this. */
MUST_CHECK bool answer_write_beginning_json(const struct answers *answers, struct buffer *out,
                                            struct failure *failure);
#define ANSWER_JSON_END "]}"

/* {"update","as_of"} with the impact and its totals, with the cost, or with the course and what was
 * exposed against control. */
MUST_CHECK bool answer_write_impact_json(const struct update_answer *update, instant_us as_of,
                                         struct buffer *out, struct failure *failure);
MUST_CHECK bool answer_write_cost_json(const struct update_answer *update, instant_us as_of,
                                       struct buffer *out, struct failure *failure);
MUST_CHECK bool answer_write_course_json(const struct update_answer *update, instant_us as_of,
                                         struct buffer *out, struct failure *failure);

#define ANSWER_CALLS 10 /* where nobody says how many */

/* The summary a person reads in a terminal: verdict, segment, since when, evidence, affected by
 * region and product line, cost, first customers to call. `columns` is the width to keep within, 60
 * to 120; `colour` allows ANSI colours; `calls` is how many customers to list. */
void answer_write_text(const struct answers *answers, unsigned columns, bool colour, size_t calls,
                       struct buffer *out);

#endif
