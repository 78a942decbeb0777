/* Counting side by side: what each thread counts apart of who is at risk, and how it is put
 * together.
 *
 * A part reads what all have counted so far, writes what is of its own hosts alone, and notes the
 * rest. Nobody's host is another part's. What nobody had before, strata, cells and tallies, is made
 * when parts are joined, in the order of what they are and not of who came first. So the answers
 * are the same for any number of parts and in whatever order hosts come.
 *
 *   open -> (let install) -> install, roll back, recount, each part by itself -> join -> free
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_PART_H
#define EPICENTER_ANALYZER_EXPOSURE_PART_H

#include <stdint.h>

#include "analyzer/exposure.h"
#include "analyzer/parallel.h"
#include "common/failure.h"
#include "common/hash_index.h"

/* Where a host is counted that has been counted in a cell nobody was in before. */
#define EXPOSURE_PENDING (UINT32_MAX - 1)

/* A cell nobody was counted in before. */
struct exposure_fresh_cell {
    uint64_t mask;
    uint32_t segment;
    uint8_t size_class;
    uint32_t entered; /* hosts */
    uint32_t cell;    /* what it has become, once the parts are joined */
};

struct exposure_part {
    struct exposure *exposure;
    struct fleet *fleet;
    struct exposure_part_cell {
        int32_t moved;    /* hosts that entered less those that left */
        uint32_t towards; /* 1 + where one went from here: mostly where the next goes, too; or 0 */
    } * cells;            /* as many as there were before */
    struct exposure_fresh_cell *fresh;
    uint32_t fresh_count, fresh_capacity;
    struct hash_index by_key; /* of the fresh cells */
    struct exposure_settler {
        uint32_t host, fresh;
    } * settlers; /* hosts that have gone to fresh cells */
    uint32_t settler_count, settler_capacity;
    struct exposure_mover {
        uint32_t from, host; /* the stratum it has left for another */
    } * movers;
    uint32_t mover_count, mover_capacity;
    struct exposure_part_update {
        uint32_t installed, failed, rolled_back;
        int32_t exposed;
        fleet_second first_seen; /* where is_seen */
        bool is_seen, is_wanted;
    } * updates;           /* as many as are known */
    uint32_t *tally_hosts; /* by tally: hosts newly exposed */
    struct exposure_newcomer {
        uint32_t update, host, stratum;
    } * newcomers; /* hosts newly exposed of strata without a tally */
    uint32_t newcomer_count, newcomer_capacity;
    uint32_t *wanted; /* updates to be followed, in the order they were met */
    uint32_t wanted_count, wanted_capacity;
    uint32_t next_record, records_end; /* for its installations: see record_number */
    uint32_t *freed;                   /* records of no more use */
    uint32_t freed_count, freed_capacity;
    struct wheel ageing;
    uint32_t *told; /* hosts; see struct exposure */
    uint32_t told_count, told_capacity;
    uint32_t *awaited;
    uint32_t awaited_count, awaited_capacity;
};

struct exposure_parts {
    struct exposure *exposure;
    struct fleet *fleet;
    uint32_t records; /* for installations, given to the parts */
    unsigned count;
    struct exposure_part part[PARALLEL_PARTS_MOST];
};

/* Opens `count` parts, one for each thread that is to count. To be freed in any case. */
MUST_CHECK bool exposure_open_parts(struct exposure_parts *parts, struct exposure *exposure,
                                    struct fleet *fleet, unsigned count, struct failure *failure);

/* Lets part `i` take up to most[i] installations. */
MUST_CHECK bool exposure_let_install(struct exposure_parts *parts, const uint32_t *most,
                                     struct failure *failure);

/* Counts the host where its state, segment, size class and installations now put it. */
MUST_CHECK bool exposure_recount(struct exposure_part *part, uint32_t host,
                                 struct failure *failure);

/* The same for a host that is counted already, as one longer healthy by a class; the caller sees to
 * its next time. */
MUST_CHECK bool exposure_settle(struct exposure_part *part, uint32_t host, uint8_t arrival_class,
                                struct failure *failure);

/* The update was heard of, at the server's time `received`. */
void exposure_see(struct exposure_part *part, uint32_t update, fleet_second received);

/* The host reported the update installed (server's time `installed`), in the minute being closed.
 * What exposes is the newest of an update's installations by date, if it is heard of within the
 * window. The same installation told again is ignored: one within 5 minutes of another that is
 * remembered (in its window, or one of the host's last four), and any told while the host is
 * exposed to the update already. Sets *install to its record, or EXPOSURE_NONE when ignored. The
 * host is to be recounted after. */
MUST_CHECK bool exposure_install(struct exposure_part *part, uint32_t host, uint32_t update,
                                 fleet_second installed, uint32_t *install,
                                 struct failure *failure);

/* The host took the update back: its exposure ends, whenever it was installed, until it is
 * installed anew. Told again it is ignored, where the installation is remembered. The host is to be
 * recounted after. */
void exposure_roll_back(struct exposure_part *part, uint32_t number, uint32_t update);

/* Notes that the host is to be exposed to the update by an installation at `installed`; nothing
 * where that is too long ago. Updates wanted by any part are followed from exposure_follow on, as
 * far as there are slots. An installation of an update that is not followed is remembered and
 * exposes nobody. */
MUST_CHECK bool exposure_want(struct exposure_part *part, const struct fleet_host *host,
                              uint32_t update, fleet_second installed, struct failure *failure);
void exposure_follow(struct exposure_parts *parts);

/* Puts together what the parts have counted. They are then to be freed. */
MUST_CHECK bool exposure_join_parts(struct exposure_parts *parts, struct failure *failure);
void exposure_free_parts(struct exposure_parts *parts);

#endif
