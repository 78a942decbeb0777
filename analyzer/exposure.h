/* Who is at risk, and of what? For each minute, how many healthy hosts there are in each stratum
 * with each set of updates in their risk window, and which of them turned distressed.
 *
 * A host is exposed to an update from when its installation is heard of through the risk window,
 * and for two of its intervals more: distress is found so long after it began, and what is found
 * then began in the window. Counted with the control it would hide harm, the more the longer harm
 * lasts. Its mask holds two bits for each update being followed: 0 not exposed, else how long ago
 * that was. Time since installation is in the mask because harm comes early: two hosts that both
 * have update A are only alike, for judging update B, when they got A about equally long ago. A
 * host that boots takes all that is waiting at once, so without it every update that shares an hour
 * with a bad one would look bad. For the same reason the mask says how long ago the host turned
 * healthy: who has just been switched on is unlike who has been on since morning.
 *
 * A host that has just been heard of cannot be found silent for another three intervals, and
 * whoever reports an installation has just been heard of. Counting those minutes as time exposed
 * would make every update look wholesome (immortal time; Suissa 2008). Who is found silent fell
 * silent when last heard of, so for silence a host counts as what it was then: fresh in its
 * exposure it still counts as unexposed, and having just turned healthy it is not at risk at all.
 *
 * What a host is shows when it reports or should: once in an interval. But who tells of an
 * installation reports in that very minute, and an exposure that begins with it would show at once
 * what takes others an interval: every update would look harmful, the more so the younger its
 * exposures are (inspection paradox; Feller II, I.4). So who tells of an installation is not at
 * risk of being seen distressed in that minute: what it shows then is not the update's doing yet.
 * Its patience later, when those are found silent who have not been heard since, it stands for as
 * many hosts as its interval has minutes: that minute shows of it what an interval does of others.
 *
 * A class lasts as long as the host's interval made it when the host entered it. At risk in a
 * minute is who was HEALTHY at its beginning, exposed to what is heard of in it and before; the
 * first step out of HEALTHY in it is the onset. Of a customer's onsets one counts as evidence,
 * drawn by lot.
 *
 * The stratum is the host's segment and the size class (log2) of its customer, both as of the
 * minute of the host's last report, the customer's size as it was when that began; where strata are
 * so thin (under 100 at risk) that exposed hosts find no control, those of one parent help each
 * other out. Who is fresh stands beside the unexposed of its kind; where there are none it is left
 * out. Hosts are counted only while healthy: `at_risk` of a cell equals the number of HEALTHY hosts
 * that refer to it.
 *
 * Updates that the same hosts install at the same time have nobody to tell them apart: they are a
 * bundle, compared together with hosts that have none of them, and the comparison stands to the
 * account of each. To an update that at least 20 hosts at risk are exposed to belong, for the
 * minute, those with which it shares 95 in 100 of its hosts and of theirs. Hosts that have only
 * some of a bundle, or can show only some of it, are left out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_H
#define EPICENTER_ANALYZER_EXPOSURE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/carry.h"
#include "analyzer/fleet.h"
#include "analyzer/segment.h"
#include "analyzer/wheel.h"
#include "common/failure.h"
#include "common/hash_index.h"

#define EXPOSURE_NONE UINT32_MAX

/* Updates followed at a time: two bits each in a 64-bit mask, less one pair for how long ago the
 * host turned healthy. One more waits until nobody is in the risk window of some other. */
#define EXPOSURE_SLOTS 31
#define EXPOSURE_ARRIVAL_SLOT 31

/* The class of an exposure, or of having turned healthy, too young for silence to be found. */
#define EXPOSURE_FRESH 1

/* Members of a bundle beside the update itself that are remembered. */
#define EXPOSURE_MATES 7

/* Onsets are counted apart by what shows them. */
enum exposure_sign { SIGN_SEEN = 0 /* pinned or elevated */, SIGN_SILENT = 1, SIGN_COUNT = 2 };

struct exposure_mate {
    uint32_t update;
    bool together; /* still so when both were last seen */
};

struct exposure_update {
    uint32_t slot;        /* EXPOSURE_NONE while it is not followed */
    uint32_t first_tally; /* list of its tallies, newest first */
    uint64_t installed, failed, rolled_back;
    uint64_t exposed_now;                       /* hosts exposed, healthy or not */
    fleet_second first_seen;                    /* first installation heard of, server's clock */
    struct exposure_mate mates[EXPOSURE_MATES]; /* it is or was in a bundle with them */
    uint32_t mate_count;
};

struct exposure_install {
    uint32_t host;
    uint32_t next;     /* the host's installation before this one */
    uint32_t update;   /* EXPOSURE_NONE: the record is of no use now */
    uint32_t affected; /* impact's record of the harm, or EXPOSURE_NONE */
    fleet_second installed;
    uint16_t heard_after_min; /* minutes from installation to the minute it was heard of in */
    uint8_t age_class;        /* 0: no longer exposed; 1, 2, 3: see exposure_age.h */
    bool taken_back : 1;
    bool is_due : 1; /* put down in the wheel: its record is not to be used for another */
};

/* Host-minutes at risk, and thinned onsets in them, while no update was in its window. */
struct exposure_quiet {
    double minutes[SIGN_COUNT], onsets[SIGN_COUNT];
};

/* Of the minute being closed. */
struct exposure_stratum_minute {
    uint64_t slots; /* bit 2 i for slot i: somebody has its update */
    uint32_t at_risk;
    bool has_onsets; /* thinned ones */
};

struct exposure_stratum {
    uint32_t segment;
    uint8_t size_class;
    uint32_t first_cell;
    uint32_t masked_at_risk;     /* healthy hosts with any update in its window */
    struct exposure_quiet quiet; /* a host that goes to another stratum takes its share along */
    uint32_t first_child, next_child; /* the strata of which it is the parent; of its own parent */
    struct exposure_stratum_minute minute;
};

/* While a comparison is made: the hosts of other cells that are like this cell's but for it. */
struct exposure_match {
    uint32_t exposed_at_risk, exposed_onsets;
    uint32_t control_at_risk, control_onsets; /* exposed too recently to tell */
};

struct exposure_cell {
    uint64_t mask;
    uint32_t stratum;
    uint32_t next; /* of the same stratum */
    uint32_t at_risk;
    uint32_t told;    /* hosts of them that tell of an installation in this minute … */
    uint32_t awaited; /* … and as many more as those stand for that did their patience ago */
    uint32_t thinned[SIGN_COUNT]; /* this minute's onsets, at most one a customer in all */
    uint32_t onsets[SIGN_COUNT];  /* this minute's onsets, all */
    struct exposure_match match;
};

/* What has come of one update in one stratum, over the minutes in which any host of the stratum was
 * exposed to it; `control` are the hosts of the stratum that were not, in those same minutes. */
struct exposure_tally {
    uint32_t update, stratum;
    uint32_t next; /* of the same update */
    uint32_t exposed_hosts;
    double exposed_minutes[SIGN_COUNT], control_minutes[SIGN_COUNT]; /* host-minutes at risk */
    uint32_t exposed_onsets[SIGN_COUNT], control_onsets[SIGN_COUNT];
};

/* One minute's comparison, as evidence wants it: hosts of one stratum whose masks differ in the one
 * update, or in its bundle; where strata are thin, hosts of strata with one parent. Onsets are of
 * one sign and thinned: at most one a customer a minute. */
struct exposure_contrast {
    uint32_t update;
    enum exposure_sign sign;
    bool shared;      /* with the rest of its bundle */
    uint64_t company; /* other updates in their window on both sides: bit 2 i for slot i */
    uint32_t exposed_at_risk, control_at_risk;
    uint32_t onsets, exposed_onsets;
    uint32_t first_member, member_count; /* where the exposed are from */
};

/* The exposed hosts of one stratum in a contrast. */
struct exposure_member {
    uint32_t stratum, tally;
    uint32_t at_risk, onsets;
};

/* While a comparison is made: exposed hosts of a thin stratum that found no control there; the
 * first of its mask carries the controls other strata have for it. */
struct exposure_leftover {
    uint64_t mask; /* without the update */
    uint32_t stratum;
    uint32_t at_risk, onsets;
    uint32_t control_at_risk, control_onsets;
};

/* An update that has left next to nobody to compare its hosts with: this minute's thinned onsets
 * among them, and as many as their strata's quiet times would have had. */
struct exposure_alone {
    uint32_t update;
    uint32_t onsets[SIGN_COUNT];
    double expected[SIGN_COUNT];
    uint32_t first_member, member_count; /* where they are from */
};

/* Of the same, those of one stratum. */
struct exposure_alone_member {
    uint32_t stratum;
    uint32_t onsets[SIGN_COUNT];
    double expected[SIGN_COUNT];
};

struct exposure {
    int32_t window_minutes;
    int32_t minute;                  /* the one being closed */
    const struct segments *segments; /* whose parents strata are grouped by; NULL: each by itself */
    struct exposure_update *updates;
    uint32_t update_count, update_capacity;
    uint32_t slots[EXPOSURE_SLOTS]; /* the update in each, or EXPOSURE_NONE */
    /* By slot: mask bits of other updates known to do harm, with this one or without. It is
     * compared among hosts that have none of them: their harm is so great that the very minute of
     * installing them, which often is that of installing this one, would tell hosts apart. */
    uint64_t spoilt[EXPOSURE_SLOTS];
    struct exposure_install *installs;
    uint32_t install_count, install_capacity;
    uint32_t *free_installs; /* records of no more use, to be used again from the end */
    uint32_t free_install_count, free_install_capacity;
    struct exposure_stratum *strata;
    uint32_t stratum_count, stratum_capacity;
    struct exposure_cell *cells;
    uint32_t cell_count, cell_capacity, free_cell;
    struct exposure_tally *tallies;
    uint32_t tally_count, tally_capacity;
    struct exposure_contrast *contrasts; /* of the minute being closed */
    uint32_t contrast_count, contrast_capacity;
    struct exposure_member *members; /* of the contrasts */
    uint32_t member_count, member_capacity;
    struct exposure_leftover *leftovers;
    uint32_t leftover_count, leftover_capacity;
    struct exposure_alone alone[EXPOSURE_SLOTS]; /* of the minute being closed */
    size_t alone_count;
    struct exposure_alone_member *alone_members;
    uint32_t alone_member_count, alone_member_capacity;
    struct exposure_quiet quiet_minute; /* of the minute being closed, all strata */
    struct exposure_quiet quiet;        /* of all before it */
    struct hash_index by_stratum, by_cell, by_tally;
    uint32_t *told; /* hosts that tell of an installation in this minute, one by one of these … */
    uint32_t told_count, told_capacity;
    uint32_t *awaited; /* … and that did their patience ago */
    uint32_t awaited_count, awaited_capacity;
    struct wheel ageing;        /* of installations */
    _Atomic int32_t *settle_at; /* by block of hosts: none is longer healthy by a class before */
    uint32_t block_count;
    unsigned threads; /* set by the owner: to count many hosts with; 0: one */
};

/* Starts empty. `window_minutes` from 1. `segments` is borrowed. */
void exposure_init(struct exposure *exposure, int32_t window_minutes,
                   const struct segments *segments);
void exposure_free(struct exposure *exposure);

/* Makes updates 0 … `update` known. */
MUST_CHECK bool exposure_know_update(struct exposure *exposure, uint32_t update,
                                     struct failure *failure);

/* Begins anew with one update: what came of it so far is forgotten, who has it is not. */
void exposure_forget(struct exposure *exposure, uint32_t update);

/* Opens `minute`: ages the installations and hosts due in it. */
MUST_CHECK bool exposure_begin_minute(struct exposure *exposure, struct fleet *fleet,
                                      int32_t minute, struct failure *failure);

/* Counts hosts whose state has changed where it now puts them: those of the fleet's events. Notes
 * which events may tell of harm by what the host has installed; all but very few do not. */
MUST_CHECK bool exposure_refresh_changed(struct exposure *exposure, struct fleet *fleet,
                                         struct failure *failure);

/* Notes an onset in the cell the host is still counted in; `thinned`: it is the one of its customer
 * this minute. */
void exposure_note_onset(struct exposure *exposure, const struct fleet_host *host,
                         enum exposure_sign sign, bool thinned);

/* Counts the hosts that told of an installation in the minute, or their patience ago. Before it is
 * ended, after its onsets are noted. */
void exposure_note_told(struct exposure *exposure, struct fleet *fleet);

/* Ends the minute: adds its host-minutes and onsets to the tallies and makes the contrasts. */
MUST_CHECK bool exposure_end_minute(struct exposure *exposure, struct failure *failure);

/* True when an installation at `installed` can be behind a distress of the host that began at
 * `began`. Figures cover a whole interval, so distress may seem to begin up to one before its
 * cause. */
bool exposure_covers(const struct exposure *exposure, const struct fleet_host *host,
                     fleet_second installed, fleet_second began);

/* The host's risk window: the common one, or for a host that reports rarely as long as it takes to
 * find it silent and two intervals. */
int32_t exposure_window_minutes(const struct exposure *exposure, const struct fleet_host *host);

/* Between two minutes; restored into one that is as exposure_init left it. */
void exposure_carry(struct carry *carry, struct exposure *exposure);

#endif
