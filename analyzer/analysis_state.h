/* What an analysis is made of; shared by analysis.c, which takes reports in, analysis_minute.c,
 * which closes minutes, analysis_decide.c, which decides, and analysis_answer.c, which answers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ANALYSIS_STATE_H
#define EPICENTER_ANALYZER_ANALYSIS_STATE_H

#include <stdint.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "analyzer/cost_strata.h"
#include "analyzer/course.h"
#include "analyzer/exposure.h"
#include "analyzer/fleet.h"
#include "analyzer/history.h"
#include "analyzer/impact.h"
#include "analyzer/impact_census.h"
#include "analyzer/lattice.h"
#include "analyzer/parallel.h"
#include "analyzer/segment.h"
#include "analyzer/subgroup.h"
#include "analyzer/verdict.h"
#include "common/arena.h"
#include "common/hash_index.h"

/* Texts by number, in the order they were first met. */
struct name_list {
    const char **texts;
    uint32_t count, capacity;
    uint32_t last; /* number asked for last: reports often come customer by customer */
    struct hash_index by_text;
};

/* A report, waiting for its minute to close. */
struct pending_report {
    struct uuid host_id;
    uint32_t customer;
    uint32_t segment; /* number in `met`, or SEGMENT_NONE */
    struct fleet_reading reading;
    uint32_t first_update; /* in the minute's updates */
    uint8_t update_count;
};
_Static_assert(sizeof(struct pending_report) == 64, "a waiting report is as large as a cache line");
_Static_assert(REPORT_UPDATES_LIMIT <= UINT8_MAX, "the updates of a report can be counted");

struct pending_update {
    uint32_t update;
    enum update_outcome outcome;
    instant_us at;
};

/* The waiting reports of a minute lie in heaps by the first byte of the host's id, ids being random
 * or hashes: a heap of each fits the processor's cache where the whole does not. */
#define PENDING_HEAPS FLEET_SHARDS

struct pending_heap {
    struct pending_report *reports;
    uint32_t count, capacity;
    uint32_t update_count; /* that its reports tell of */
};

struct open_minute {
    int32_t minute;
    struct pending_heap heaps[PENDING_HEAPS];
    struct pending_report *slab; /* in large pages: a share for each heap, until it outgrows it */
    uint32_t slab_share;         /* reports */
    size_t report_count;
    struct pending_update *updates;
    size_t update_count, update_capacity;
};

struct update_state {
    struct verdict_case decided;
    double clear_gain; /* see lattice_reading */
    bool by_past;      /* likewise */
    enum verdict told; /* the last verdict in the list of changes */
    fleet_second decided_at;
    uint64_t installed_before; /* a minute ago */
    instant_us renewed_at;     /* the release it was begun anew for, or INSTANT_NONE */
    double pace;               /* installations a minute, over about the last ten */
};

struct customer_size {
    _Atomic uint64_t known; /* see customer_registered_class */
    uint32_t hosts;         /* that it had when the minute being closed began */
};

/* A segment by its number in `met`, as `segments` has it. */
struct segment_kind {
    uint32_t kind;
    uint32_t settled; /* 1 + how many attributes were left out when it was looked up */
};

struct analysis {
    struct analysis_options options;
    const struct registry *registry;
    const struct cost_parameters *parameters;

    struct arena names_arena;
    struct name_list customers, updates;
    struct customer_size *customer_sizes; /* by customer number */
    uint32_t customer_sizes_count;
    uint64_t seat_changes; /* of the registry, plus one, as of the minute being closed; 0: none */
    struct segment_kind *segment_kinds; /* by number in `met` */
    uint32_t segment_kinds_count;
    struct segments met;      /* in the order of arrival: texts only */
    struct segments segments; /* in the order of the closed minutes: what the stations number by */

    struct open_minute *open; /* by minute */
    size_t open_count, open_capacity;
    struct open_minute spare; /* what the last minute closed has left for the next */
    size_t usual_count;       /* reports of the last minute closed: what the next may bring */
    bool started;
    int32_t first_minute; /* that had a report */
    int32_t next_minute;  /* first not closed */
    int32_t quiet_minutes;
    uint64_t late_reports;

    struct fleet fleet;
    struct exposure exposure;
    struct history history;
    struct lattice lattice;
    struct course course;
    struct impact impact;
    struct update_state *states; /* by update number */
    uint32_t state_count;

    struct verdict_change *changes;
    size_t change_count, change_capacity, changes_read;

    struct cost_population population; /* of the registry, for the cost; counted hourly */
    instant_us population_counted_at;
    struct cost_draws *cost_draws; /* NULL until something costs */

    struct impact_census census;                     /* only while the answers are filled in */
    struct arena answer_arenas[PARALLEL_PARTS_MOST]; /* by thread */
    struct answers answers;
    bool answered;
};

/* The first bytes of an id as a number that sorts like it. */
static inline uint64_t analysis_id_prefix(const struct uuid *id)
{
    uint64_t prefix;
    memcpy(&prefix, id, sizeof prefix);
    return __builtin_bswap64(prefix);
}

/* The number of a name; a new one is copied. */
MUST_CHECK bool analysis_intern(struct analysis *analysis, struct name_list *list, const char *text,
                                uint32_t *number, struct failure *failure);

/* Makes room for one more element of `size` bytes in an array. */
MUST_CHECK bool analysis_make_room(void **array, size_t count, size_t *capacity, size_t size,
                                   struct failure *failure);

/* Makes an array at least `known` elements of `size` bytes long; new ones are zeroed. */
MUST_CHECK bool analysis_reach(void **array, uint32_t *count, uint32_t known, size_t size,
                               struct failure *failure);

/* Frees what is kept from minute to minute for the reports of the next. */
void analysis_free_spare(struct analysis *analysis);

/* Takes the minute's reports through the stations up to the verdicts. */
MUST_CHECK bool analysis_close_minute(struct analysis *analysis, struct open_minute *open,
                                      struct failure *failure);
MUST_CHECK bool analysis_decide(struct analysis *analysis, struct failure *failure);

/* Which updates spoil the comparison of which others, by what was known before this minute: who is
 * compared is never chosen by what is then seen. To be called when the minute's installations are
 * placed, as one may have taken another's slot. */
void analysis_find_spoilt(struct analysis *analysis);

/* The onsets a ratio is told from: `count` is what its comparisons counted. */
struct compared_onsets analysis_compared(struct range ratio, const struct lattice_count *count);

/* Fills in the rate ratio the verdict was decided by, of the whole fleet or against the past, and
 * the onsets compared for it; then that of a subgroup, where anything is told there: the first is
 * left otherwise, as the past has no subgroups. */
void analysis_tell_ratio(const struct analysis *analysis, uint32_t update,
                         struct update_answer *answer);
void analysis_tell_ratio_inside(const struct analysis *analysis, uint32_t update,
                                const struct subgroup *subgroup, struct update_answer *answer);

/* Fills in the table by segment: each value's share of the comparisons the rate ratio is told from.
 * `suspected`: what its bundle shared is told of the update, too, as inside a subgroup. */
MUST_CHECK bool analysis_contrast(const struct analysis *analysis, uint32_t update, bool suspected,
                                  struct arena *arena, struct update_answer *answer,
                                  struct failure *failure);

/* Dates the update's harm inside the subgroup, where `expected` onsets would have been without it:
 * onset, end and recovery. */
MUST_CHECK bool analysis_date(const struct analysis *analysis, uint32_t update,
                              const struct subgroup *subgroup, double expected, struct arena *arena,
                              struct update_answer *answer, struct failure *failure);

/* Fills `answers` from the state as of the last closed minute. */
MUST_CHECK bool analysis_fill_answers(struct analysis *analysis, struct failure *failure);

#endif
