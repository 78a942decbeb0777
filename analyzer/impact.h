/* Whom did the update hit? Affected hosts and customers by region and product line.
 *
 * Every host that turned distressed while an update could be behind it is noted under that update;
 * so are, in ordinary times, hosts whose user started a long scan or switched off. So a count is
 * the noted hosts inside the update's segment less those that the control leads one to expect
 * there: the onset rate of the unexposed hosts of the same region and product line in the same
 * minutes, times the host-minutes at risk of the exposed hosts that are not noted. Of those only,
 * because a host that the update was about to bring down anyway adds nothing by being switched off
 * first (Abbott 1925 has the same correction for poisons).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_IMPACT_H
#define EPICENTER_ANALYZER_IMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/carry.h"
#include "analyzer/exposure.h"
#include "analyzer/fleet.h"
#include "analyzer/impact_census.h"
#include "analyzer/impact_estimate.h"
#include "analyzer/outreach.h"
#include "analyzer/segment.h"
#include "analyzer/subgroup.h"
#include "common/arena.h"
#include "common/failure.h"

#define IMPACT_NONE UINT32_MAX

struct impact_record {
    uint32_t host;
    uint32_t segment;              /* as it was when the distress began */
    uint32_t next;                 /* of the same update */
    fleet_second began, recovered; /* recovered: the last time, while not still affected */
    uint16_t minutes_at_risk;      /* counted as exposed before it showed; 0 when it never was */
    uint8_t sign;                  /* enum exposure_sign; silence turns to seen once it is seen */
    uint8_t still_affected;
};

struct impact {
    struct impact_record *records;
    uint32_t record_count, record_capacity;
    uint32_t *first; /* by update: newest record, or IMPACT_NONE */
    uint32_t update_count;
};

/* A zeroed struct impact is empty. */
void impact_free(struct impact *impact);

/* Takes one change of a host's state in `minute`: notes the harm under each update an installation
 * of which can be behind it, turns what was known only by silence into seen, or marks recovery.
 * Silence found when the host counts as exposed no longer is not noted: nor is it in the time at
 * risk. */
MUST_CHECK bool impact_take(struct impact *impact, struct exposure *exposure,
                            const struct fleet *fleet, const struct fleet_event *event,
                            int32_t minute, struct failure *failure);

/* An installation that was heard of only after the host's distress began. */
struct impact_late_install {
    uint32_t install, host, segment;
    fleet_second began;
    size_t told; /* which of them it was */
};

/* Whether the installation, just heard of, is one. Then fills *late, and holds the installation
 * until it is taken. */
bool impact_hold_late(struct exposure *exposure, const struct fleet *fleet, uint32_t install,
                      struct impact_late_install *late);

/* Notes the harm under each of them, in the order of hosts, whatever order hosts come in; a host's
 * own come in the order they were told. */
MUST_CHECK bool impact_take_late(struct impact *impact, struct exposure *exposure,
                                 const struct fleet *fleet, struct impact_late_install *late,
                                 size_t count, struct failure *failure);

/* Restored into an empty ledger. */
void impact_carry(struct carry *carry, struct impact *impact);

/* The customers of the fleet: their ids by the fleet's customer number, and which of them report.
 */
struct impact_customers {
    const char *const *ids;
    size_t count;
    const struct impact_census *census; /* of this fleet, these customers and their registry */
};

struct impact_answer {
    const struct impact_cell *cells; /* by region, then product line */
    size_t cell_count;
    struct affected_count hosts, customers;
    struct impact_extent extent;
    /* What cost is drawn from: IMPACT_DRAWS of each, see impact_estimate.h. */
    const double *consumers, *corporates, *corporate_hosts;
    const struct outreach_candidate *candidates; /* one an affected customer, in no order */
    size_t candidate_count;
    const bool *counts_unheard; /* by the census' place: hosts that fell silent are counted there */
};

/* Counts the update's harm inside the subgroup and estimates what does not report. Everything is
 * allocated in `arena`. */
MUST_CHECK bool impact_count(const struct impact *impact, const struct exposure *exposure,
                             const struct fleet *fleet, const struct segments *segments,
                             const struct subgroup *subgroup, uint32_t update,
                             const struct impact_customers *customers,
                             const struct impact_drawing *drawing, struct arena *arena,
                             struct impact_answer *answer, struct failure *failure);

/* True when the host, which is silent, fell so after the update was out and never told that it has
 * it. */
bool impact_is_unheard(const struct exposure *exposure, const struct fleet_host *host,
                       uint32_t update);

/* Onsets per host-minute of the update's control, `onsets` in `minutes`, drawn towards those of the
 * fleet's quiet times with the weight of a few onsets: where kinds of hosts are so many that each
 * host is alone of its own, tallies hardly have a control. */
double impact_pooled_rate(const struct exposure *exposure, enum exposure_sign sign, double onsets,
                          double minutes);

/* Hosts expected to turn distressed without the update, in one tally, by sign: the control's rate
 * of the stratum drawn towards `pooled` (onsets per host-minute) with the weight of a few onsets.
 */
double impact_expected(const struct exposure_tally *tally, enum exposure_sign sign,
                       double pooled_rate);

#endif
