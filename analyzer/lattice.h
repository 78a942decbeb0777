/* Which update, and on which part of the fleet? The evidence of each update over a lattice of
 * subgroups: the whole fleet, every single attribute value, and conjunctions of two or three.
 *
 * The e-value of an update is a weighted average of e-values, and averaging is where a search
 * would cheat: a subgroup picked because of its onsets must not be paid for those onsets. So every
 * part of the average is either there from the start with a weight fixed by its rank and by what
 * values were known then, or it is opened in some minute, for whatever reason, with a stake taken
 * from capital set aside, and counts only what comes after that minute. Either way the average has
 * mean 1 at all times under no effect, whatever the data made us look at (betting on what looks
 * promising: Shafer 2021; Waudby-Smith and Ramdas 2024).
 *
 * What an update is compared by itself and what it shares with the rest of its bundle are two
 * accounts, with a lattice each: the same hosts are in both, so their sums must not be added. The
 * bundle has 1/16 of the capital; where it is compared before the update by itself ever was, it
 * takes over half of it, as nothing of the other half has been staked yet.
 *
 * The weights of an account: 6/14 the whole fleet, 1/14 the whole fleet from later minutes on, for
 * harm that begins when thousands of hosts have already been spared, 4/14 single values, 3/14
 * conjunctions; beside the accounts 1/16 for the comparison with the past. What is not used counts
 * as an e-value of 1. Each part is itself an average over what shows the harm: half both signs
 * together, a quarter each of them alone, as a pinned host is rare news and a switched-off one is
 * not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_LATTICE_H
#define EPICENTER_ANALYZER_LATTICE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/carry.h"
#include "analyzer/evidence.h"
#include "analyzer/exposure.h"
#include "analyzer/segment.h"
#include "common/failure.h"

/* Values in a conjunction at most: the incidents on record turned on three facts at most beside
 * the update itself. */
#define LATTICE_TERMS 3
/* Conjunctions opened for one update at most; the last has 1/300 of their capital. */
#define LATTICE_CONJUNCTIONS 16
/* Fresh starts for the whole fleet; see lattice_end_minute. */
#define LATTICE_STARTS 6

/* Onsets, thinned, among exposed hosts; as many as no effect leads one to expect, and their
 * variance then: the logrank statistic's parts. */
struct lattice_count {
    double observed, expected, variance;
};

struct lattice_part {
    struct evidence_sum signs[SIGN_COUNT];
    struct lattice_count count;
};

struct lattice_conjunction {
    uint32_t values[LATTICE_TERMS]; /* value numbers of segments, ascending */
    uint32_t term_count;
    struct lattice_part part; /* since it was opened */
};

/* The same where another update is present in its window too. */
struct lattice_company {
    uint32_t update; /* EXPOSURE_NONE: nobody yet */
    struct lattice_count count;
};

/* Comparisons of one kind, of the whole fleet and of its subgroups. */
struct lattice_account {
    struct lattice_part fleet;
    struct lattice_part *values; /* by value number of segments */
    uint32_t value_count;
    uint32_t known_count; /* values there were when it was begun */
    struct lattice_part starts[LATTICE_STARTS];
    uint32_t start_count;
    struct lattice_conjunction conjunctions[LATTICE_CONJUNCTIONS];
    uint32_t conjunction_count;
    int32_t first_minute; /* of any comparison */
    bool begun;
};

struct lattice_update {
    struct lattice_account own;
    struct lattice_account *shared; /* with its mates; NULL: nothing yet */
    struct lattice_part *early;     /* by value: what it shared before it was compared by itself */
    uint32_t early_count;
    struct lattice_part alone;  /* against the past … */
    struct lattice_count *past; /* … by value: without a variance */
    uint32_t past_count;
    struct lattice_company company[EXPOSURE_SLOTS]; /* in no order; one an update */
    bool has_alone;
    bool shared_first; /* its bundle was compared before it was by itself */
    bool touched;      /* the owner clears it when it has looked */
};

struct lattice_tally {
    struct evidence_sum sum; /* both signs */
    struct lattice_count count;
};

/* The exposed hosts of a contrast that are in some part. */
struct lattice_side {
    uint32_t at_risk, onsets;
};

struct lattice {
    struct lattice_update *updates; /* by update number */
    uint32_t update_count;
    struct lattice_tally *tallies; /* by tally number of exposure */
    uint32_t tally_count;
    struct lattice_side *sides; /* by value number: scratch, all zero between contrasts */
    uint32_t side_count;
};

/* A zeroed struct lattice is empty. */
void lattice_free(struct lattice *lattice);

/* Takes the minute's contrasts. A value's part, or a conjunction's, compares those of the exposed
 * hosts that have it with all of the contrast's controls. */
MUST_CHECK bool lattice_take(struct lattice *lattice, const struct exposure *exposure,
                             const struct segments *segments, struct failure *failure);

/* Takes a minute without controls: exposed hosts' onsets against the past. `factors` are history's
 * for the minute, by sign. */
MUST_CHECK bool lattice_take_alone(struct lattice *lattice, const struct exposure *exposure,
                                   const struct segments *segments,
                                   const struct exposure_alone *alone,
                                   const double factors[SIGN_COUNT], struct failure *failure);

void lattice_add_count(struct lattice_count *sum, const struct lattice_count *count);

/* Begins anew with one update, its tallies included. */
void lattice_forget(struct lattice *lattice, const struct exposure *exposure, uint32_t number);

/* Opens, for later minutes, what the data so far make worth looking at: conjunctions of values
 * with a striking excess, and the fleet anew half an hour after the first comparison and at each
 * doubling. */
MUST_CHECK bool lattice_end_minute(struct lattice *lattice, const struct exposure *exposure,
                                   const struct segments *segments, struct failure *failure);

/* What the lattice says of one update. `own` leaves out the bundle. */
struct lattice_reading {
    double log_e, own_log_e; /* natural logarithms */
    double fleet_log_e;      /* of the whole fleet alone, unweighted */
    double own_low;          /* lower bound of the largest rate ratio of any part; 0: below 1 … */
    double bundle_low;       /* … the bundle's included; neither is sought beyond the margin */
    bool by_past;            /* most of the evidence is from the comparison with the past */
    struct range rate_ratio; /* of the whole fleet, at 1 - alpha; by_past: against it */
    double clear_gain;       /* log likelihood of the likely ratio over that of `margin` */
};
struct lattice_reading lattice_read(const struct lattice_update *update,
                                    const struct segments *segments, double alpha, double margin);

/* What the comparisons of the update's exposed hosts of one value add up to: by itself, and where
 * `with_bundle` what it shared before that, as the tallies have it. */
struct lattice_tally lattice_read_value(const struct lattice_update *update, uint32_t value,
                                        bool with_bundle);

/* The same of the comparison with the past. */
struct lattice_tally lattice_read_past(const struct lattice_update *update, uint32_t value);

/* The update raises the rate by half or more on hosts that do not have the other, beyond two
 * standard errors. */
bool lattice_harms_without(const struct lattice_update *update, uint32_t other);

/* The update without which this one shows no excess though it had every occasion to, or
 * EXPOSURE_NONE. */
uint32_t lattice_only_with(const struct lattice_update *update);

/* Between two minutes; restored into an empty lattice. */
void lattice_carry(struct carry *carry, struct lattice *lattice);

#endif
