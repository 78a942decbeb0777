/* How likely is it that a segment on trial is the one harmed? Shared by subgroup_climb.c, which
 * looks for the likeliest, and subgroup.c, which judges what was found; see subgroup.h.
 *
 * Inside, the update adds onsets at one rate a host-minute for each sign to those the control leads
 * one to expect; outside it adds none. Onsets of a cell are negative binomial, as rates of kinds of
 * hosts differ by more than we know; without such dispersion, Poisson. From the log likelihood goes
 * what it costs to say the segment, in nats.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SUBGROUP_TRIAL_H
#define EPICENTER_ANALYZER_SUBGROUP_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/segment.h"
#include "analyzer/subgroup.h"
#include "common/report.h"

#define SUBGROUP_STARTS 3

/* By sign. */
struct subgroup_sums {
    double minutes[SUBGROUP_SIGNS], onsets[SUBGROUP_SIGNS], expected[SUBGROUP_SIGNS];
};

/* One value of an attribute, or the hosts that do not say it, among the hosts that are inside by
 * all other attributes. */
struct subgroup_part {
    struct subgroup_sums sums;
    double gain; /* in log likelihood, by its being inside, at the rates on trial */
    uint32_t value;
};

struct subgroup_trial {
    uint32_t held[REPORT_ATTRIBUTES_LIMIT]; /* attributes that are held to some values */
    uint32_t held_count;
    double cost[REPORT_ATTRIBUTES_LIMIT]; /* by attribute, of saying so; 0 where it is not held */
    bool *kept;                           /* by value number, where the attribute is held */
    double rates[SUBGROUP_SIGNS];         /* excess onsets a host-minute inside, by sign */
    double score;                         /* log likelihood over no harm, less the costs */
};

/* Two values of different attributes, or one twice, that are likely by themselves. */
struct subgroup_start {
    uint32_t values[2];
    double score;
};

struct subgroup_search {
    const struct segments *segments;
    const struct subgroup_cell *cells;
    size_t count;
    double unseen[SUBGROUP_SIGNS]; /* onsets a host-minute that the control may not have shown */
    double dispersion;             /* squared coefficient of variation of the rates of cells */
    struct subgroup_part *parts;   /* attribute a's from first[a] on … */
    uint32_t first[REPORT_ATTRIBUTES_LIMIT + 1];          /* … to before first[a + 1] */
    uint32_t *part_of;                                    /* by value number: its place in parts */
    struct subgroup_part unsaid[REPORT_ATTRIBUTES_LIMIT]; /* the hosts that do not say it */
    bool is_unsaid[REPORT_ATTRIBUTES_LIMIT];              /* there are any */
    uint32_t dividing;                                    /* attributes that divide the hosts */
    struct subgroup_start starts[SUBGROUP_STARTS];        /* likeliest first */
};

void subgroup_sums_add(struct subgroup_sums *sums, const struct subgroup_cell *cell);

/* Log likelihood of an excess at its own rates over none, all that was summed up as one. */
double subgroup_own_gain(const struct subgroup_search *search, const struct subgroup_sums *sums);

bool subgroup_is_empty(const struct subgroup_sums *sums);

/* Lists the parts: the values that any cell has. The arrays are there, for all values. */
void subgroup_list(struct subgroup_search *search);

/* Whether the attribute divides the hosts. */
bool subgroup_divides(const struct subgroup_search *search, uint32_t attribute);

/* What it costs to say that an attribute is held to `kept` of its values: which attribute, and
 * which values are inside, or outside where those are fewer. */
double subgroup_cost(const struct subgroup_search *search, uint32_t attribute, uint32_t kept);

/* Lists what is held by the costs, fits the rates to the hosts inside, and scores. */
void subgroup_fit(const struct subgroup_search *search, struct subgroup_trial *trial);

/* The likeliest of a few dispersions, given the segment. */
double subgroup_dispersion(const struct subgroup_search *search,
                           const struct subgroup_trial *trial);

/* Fills in the parts of all attributes, each among the hosts inside by all others, at `times` the
 * rates of the trial. */
void subgroup_weigh(struct subgroup_search *search, const struct subgroup_trial *trial,
                    double times);

#endif
