/* Who is at risk, and of what? For each minute, how many healthy hosts there are in each stratum
 * with each set of updates in their risk window, and which of them turned distressed.
 *
 * A host is exposed to an update from its installation through the risk window. Its mask holds two
 * bits for each update being followed: 0 not exposed, else how long ago it was installed. Time
 * since installation is in the mask because harm comes early: two hosts that both have update A
 * are only alike, for judging update B, when they got A about equally long ago. A host that boots
 * takes all that is waiting at once, so without it every update that shares an hour with a bad
 * one would look bad.
 *
 * The stratum is the host's segment and the size class (log2) of its customer. Hosts are counted
 * only while healthy: `at_risk` of a cell equals the number of HEALTHY hosts that refer to it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_H
#define EPICENTER_ANALYZER_EXPOSURE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/fleet.h"
#include "analyzer/wheel.h"
#include "common/failure.h"
#include "common/hash_index.h"

#define EXPOSURE_NONE UINT32_MAX

/* Updates followed at a time: two bits each in a 64-bit mask. One more waits until nobody is in
 * the risk window of some other. */
#define EXPOSURE_SLOTS 32

/* Onsets are counted apart by what shows them. */
enum exposure_sign { SIGN_SEEN = 0 /* pinned or elevated */, SIGN_SILENT = 1, SIGN_COUNT = 2 };

struct exposure_update {
    uint32_t slot;        /* EXPOSURE_NONE while it is not followed */
    uint32_t first_tally; /* list of its tallies, newest first */
    uint64_t installed, failed, rolled_back;
    uint64_t exposed_now;    /* hosts in its risk window, healthy or not */
    fleet_second first_seen; /* first installation heard of, server's clock */
};

struct exposure_install {
    uint32_t host;
    uint32_t next; /* the host's installation before this one */
    uint32_t update;
    uint32_t affected; /* impact's record of the harm, or EXPOSURE_NONE */
    fleet_second installed;
    uint8_t age_class; /* 0: out of the risk window; 1, 2, 3: see exposure_age_class */
};

struct exposure_stratum {
    uint32_t segment;
    uint8_t size_class;
    uint32_t first_cell;
    uint32_t masked_at_risk; /* healthy hosts with any update in its window */
};

struct exposure_cell {
    uint64_t mask;
    uint32_t stratum;
    uint32_t next; /* of the same stratum */
    uint32_t at_risk;
    uint32_t thinned;            /* this minute's onsets, at most one a customer */
    uint32_t onsets[SIGN_COUNT]; /* this minute's onsets, all */
};

/* What has come of one update in one stratum, over the minutes in which any host of the stratum was
 * exposed to it; `control` are the hosts of the stratum that were not, in those same minutes. */
struct exposure_tally {
    uint32_t update, stratum;
    uint32_t next; /* of the same update */
    uint32_t exposed_hosts;
    double exposed_minutes, control_minutes; /* host-minutes at risk */
    uint32_t exposed_onsets[SIGN_COUNT], control_onsets[SIGN_COUNT];
};

/* One minute's comparison, as evidence wants it: hosts of one stratum whose masks differ in the one
 * update. Onsets are thinned: at most one a customer a minute. */
struct exposure_contrast {
    uint32_t update, stratum, tally;
    uint32_t exposed_at_risk, control_at_risk;
    uint32_t onsets, exposed_onsets;
};

struct exposure {
    int32_t window_minutes;
    struct exposure_update *updates;
    uint32_t update_count, update_capacity;
    uint32_t slots[EXPOSURE_SLOTS]; /* the update in each, or EXPOSURE_NONE */
    struct exposure_install *installs;
    uint32_t install_count, install_capacity, free_install;
    struct exposure_stratum *strata;
    uint32_t stratum_count, stratum_capacity;
    struct exposure_cell *cells;
    uint32_t cell_count, cell_capacity, free_cell;
    struct exposure_tally *tallies;
    uint32_t tally_count, tally_capacity;
    struct exposure_contrast *contrasts; /* of the minute being closed */
    size_t contrast_count, contrast_capacity;
    struct hash_index by_stratum, by_cell, by_tally;
    struct wheel ageing;
};

/* Starts empty. `window_minutes` from 1. */
void exposure_init(struct exposure *exposure, int32_t window_minutes);
void exposure_free(struct exposure *exposure);

/* Makes updates 0 … `update` known. */
MUST_CHECK bool exposure_know_update(struct exposure *exposure, uint32_t update,
                                     struct failure *failure);

/* The host reported the update installed (server's time `installed`, heard of in `minute`). The
 * same installation told again is ignored. Sets *install to its record, or EXPOSURE_NONE when
 * ignored. */
MUST_CHECK bool exposure_install(struct exposure *exposure, struct fleet *fleet, uint32_t host,
                                 uint32_t update, fleet_second installed, int32_t minute,
                                 uint32_t *install, struct failure *failure);

/* The host took the update back: its exposure ends. */
MUST_CHECK bool exposure_roll_back(struct exposure *exposure, struct fleet *fleet, uint32_t host,
                                   uint32_t update, struct failure *failure);

/* Ages the installations due in `minute`. */
MUST_CHECK bool exposure_begin_minute(struct exposure *exposure, struct fleet *fleet,
                                      int32_t minute, struct failure *failure);

/* Counts the host where its state, segment, size class and installations now put it. */
MUST_CHECK bool exposure_refresh(struct exposure *exposure, struct fleet *fleet, uint32_t host,
                                 struct failure *failure);

/* Notes an onset in the cell the host is still counted in; `thinned`: it is the one of its customer
 * this minute. */
void exposure_note_onset(struct exposure *exposure, const struct fleet_host *host,
                         enum exposure_sign sign, bool thinned);

/* Ends the minute: adds its host-minutes and onsets to the tallies and makes the contrasts. */
MUST_CHECK bool exposure_end_minute(struct exposure *exposure, struct failure *failure);

/* True when an installation at `installed` can be behind a distress that began at `began`, given
 * that reports come every interval_s. */
bool exposure_covers(const struct exposure *exposure, fleet_second installed, fleet_second began,
                     uint16_t interval_s);

/* 1: up to 10 minutes ago, 2: up to 20, 3: up to the window, 0: beyond. */
uint8_t exposure_age_class(const struct exposure *exposure, int32_t age_minutes);

#endif
