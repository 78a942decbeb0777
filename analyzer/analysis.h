/* The pure library's door: reports in by function call, answers out as values. No clock, no
 * socket, no database: the database tail (follow.c), a file of reports (report_file.c) and tests
 * are mouths on it.
 *
 * Time is the server's receive time of the reports, in whole minutes. analysis_add may be called
 * in any order; analysis_advance says "every report received before this instant has been added",
 * closes the minutes that ended by then, and takes each minute's reports in a fixed order. So the
 * answers are a pure function of the reports: batching, restarts and the order of arrival within
 * ANALYSIS_LATENESS do not show.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_H
#define EPICENTER_ANALYZER_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/carry.h"
#include "analyzer/cost.h"
#include "analyzer/registry.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/uuid.h"

struct analysis;

/* A mouth advances to the newest receive time it has seen less this: collectors commit within
 * seconds of receipt, and one that takes longer has its request answered 503. */
#define ANALYSIS_LATENESS (10 * INSTANT_SECOND)

struct analysis_options {
    double alpha;           /* chance of a false HOLD a rollout; 0: 0.001 */
    instant_us risk_window; /* how long after installation a host counts as exposed; 0: 60 min */
    double margin;          /* rate ratio below which harm is not worth a hold; 0: 1.5 */
    uint64_t seed;          /* of the Monte Carlo draws */
    unsigned threads;       /* to close a minute with; 0: one a processor. Changes no answer */
};

/* `registry` and `parameters` are borrowed and must outlive the analysis; both may gain entries
 * meanwhile. */
MUST_CHECK bool analysis_new(const struct analysis_options *options,
                             const struct registry *registry,
                             const struct cost_parameters *parameters, struct analysis **analysis,
                             struct failure *failure);
void analysis_free(struct analysis *analysis);

/* Copies what it needs of the report. A report received before the last closed minute is counted
 * as late and taken into the oldest open one. Attributes are read only the first time a segment_id
 * is met. */
MUST_CHECK bool analysis_add(struct analysis *analysis, const struct report *report,
                             struct failure *failure);

MUST_CHECK bool analysis_advance(struct analysis *analysis, instant_us received_before,
                                 struct failure *failure);

/* The answers as of the last closed minute; computed on the first call after an advance. Pointers
 * in them are valid until the next advance. */
MUST_CHECK bool analysis_answers(struct analysis *analysis, const struct answers **answers,
                                 struct failure *failure);
/* The registry or the cost's parameters have changed: the next answers are made with them. */
void analysis_answer_again(struct analysis *analysis);

/* The change of any verdict since the last call, in event time, oldest first; for the log of
 * verdicts. Verdicts are decided at the end of every minute. Sets *change to NULL when there is
 * none left; the pointer is valid until the next call or advance. */
struct verdict_change {
    const char *update_id;
    instant_us decided_at;
    enum verdict verdict;
    enum verdict previous; /* VERDICT_INSUFFICIENT_DATA before the first */
    double log10_e_value;
    struct range rate_ratio;
};
void analysis_next_change(struct analysis *analysis, const struct verdict_change **change);

/* Carries all that the analysis has taken in over to another run, waiting reports and changes not
 * yet told included. Stored between two calls of the above; nothing of the analysis is changed.
 * Restored into one that has taken in nothing and has the same options, which then answers and goes
 * on as the one that was stored would; where carry_check fails it still has taken in nothing. What
 * comes from the registry and the parameters is looked up anew. */
void analysis_carry(struct carry *carry, struct analysis *analysis);

/* What is known of one host. False when it has never been seen. Answers change nothing that this
 * reads: the two may go on at once. */
struct host_view {
    enum host_state state;
    instant_us state_since;  /* when the distress began, or the host turned healthy */
    instant_us last_seen_at; /* server's clock */
    double interval_s;
    double last_busy, baseline_busy; /* fractions; NAN before the first */
    const char *customer_id;
    struct segment_conjunction attributes;
    struct host_update {
        const char *id;
        instant_us installed_at; /* by the server's clock */
        bool exposed;            /* still in the risk window */
    } updates[4];                /* the latest, newest first */
    size_t update_count;
};
bool analysis_host(const struct analysis *analysis, const struct uuid *host_id,
                   struct host_view *view);

#endif
