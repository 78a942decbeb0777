/* A fixed threshold on the share of hosts that are pinned; Mann-Whitney on the processor of hosts
 * with and without the update, every five minutes, as a judge of canaries does; the logrank test of
 * a fixed horizon, at looks of five minutes. A Bonferroni correction of the last is a threshold on
 * the same score; the bench shows that one, and those with which it is wrong as often as others.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/detection/rivals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PINNED 0.95
#define FRESH_MINUTES 5 /* older readings no longer count */

const char *const rival_names[RIVAL_COUNT] = {"fixed threshold on the pinned share",
                                              "Mann-Whitney on CPU every 5 min",
                                              "fixed-horizon logrank"};

struct seen {
    double busy;
    int at;
    bool exposed;
};

static int by_busy(const void *left, const void *right)
{
    double a = ((const struct seen *)left)->busy;
    double b = ((const struct seen *)right)->busy;
    return (a > b) - (a < b);
}

static double mann_whitney(const struct seen *hosts, size_t host_count, int at)
{
    struct seen fresh[MADE_HOSTS];
    size_t count = 0;
    double exposed = 0;
    for (size_t h = 0; h < host_count; h++) {
        if (hosts[h].at > at - FRESH_MINUTES) {
            exposed += hosts[h].exposed ? 1 : 0;
            fresh[count++] = hosts[h];
        }
    }
    double others = (double)count - exposed;
    if (exposed < 5 || others < 5) {
        return 0;
    }
    qsort(fresh, count, sizeof *fresh, by_busy);
    double ranks = 0;
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && fresh[end].busy <= fresh[i].busy) {
            end++;
        }
        for (size_t k = i; k < end; k++) {
            ranks += fresh[k].exposed ? 0.5 * (double)(i + end + 1) : 0;
        }
        i = end;
    }
    double excess = ranks - exposed * (exposed + 1) / 2 - exposed * others / 2;
    return excess / sqrt(exposed * others * ((double)count + 1) / 12);
}

struct logrank {
    double excess, variance;
};

/* Takes the minute's readings in: who was pinned anew, of those who could be. */
static void take_minute(const struct made_rollout *rollout, int at, struct seen *hosts,
                        struct logrank *logrank)
{
    uint32_t host_count = rollout->host_count;
    double at_risk[2] = {0, 0};
    double onsets[2] = {0, 0};
    for (uint32_t h = 0; h < host_count; h++) {
        double busy = made_reading(&rollout->hosts[h], h, at);
        bool was_well = hosts[h].at > at - FRESH_MINUTES && hosts[h].busy < PINNED;
        at_risk[hosts[h].exposed] += was_well ? 1 : 0;
        if (busy < 0) {
            continue;
        }
        onsets[hosts[h].exposed] += was_well && busy >= PINNED ? 1 : 0;
        hosts[h] =
            (struct seen){.busy = busy, .at = at, .exposed = rollout->hosts[h].installs[0] <= at};
    }
    double all = at_risk[0] + at_risk[1];
    double events = onsets[0] + onsets[1];
    if (all > 1 && events > 0) {
        double share = at_risk[1] / all;
        logrank->excess += onsets[1] - events * share;
        logrank->variance += events * share * (1 - share) * (all - events) / (all - 1);
    }
}

static double pinned_share(const struct seen *hosts, size_t host_count, int at)
{
    double fresh = 0;
    double pinned = 0;
    for (size_t h = 0; h < host_count; h++) {
        if (hosts[h].at > at - FRESH_MINUTES) {
            fresh++;
            pinned += hosts[h].busy >= PINNED ? 1 : 0;
        }
    }
    return fresh > 0 ? pinned / fresh : 0;
}

void rivals_score(const struct made_rollout *rollout, struct rival_scores *scores)
{
    struct seen hosts[MADE_HOSTS];
    size_t host_count = rollout->host_count;
    struct logrank logrank = {0, 0};
    float highest[RIVAL_COUNT] = {0};
    for (size_t h = 0; h < host_count; h++) {
        hosts[h] = (struct seen){.at = -FRESH_MINUTES};
    }
    for (int at = 1; at <= MADE_MINUTES; at++) {
        take_minute(rollout, at, hosts, &logrank);
        double now[RIVAL_COUNT] = {at > FRESH_MINUTES ? pinned_share(hosts, host_count, at) : 0, 0,
                                   0};
        if (at % RIVAL_LOOK_MINUTES == 0) {
            now[RIVAL_MANN_WHITNEY] = mann_whitney(hosts, host_count, at);
            now[RIVAL_LOGRANK] = logrank.variance > 0 ? logrank.excess / sqrt(logrank.variance) : 0;
        }
        for (int r = 0; r < RIVAL_COUNT; r++) {
            highest[r] = fmaxf(highest[r], (float)now[r]);
            scores->highest[r][at - 1] = highest[r];
        }
    }
}
