/* The answers as the API gives them, made once and never changed: any number of threads may read
 * one while the next is being made.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_SNAPSHOT_H
#define EPICENTER_ANALYZER_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/advice.h"
#include "analyzer/answer.h"
#include "analyzer/first_page.h"
#include "analyzer/kept_text.h"
#include "common/arena.h"
#include "common/buffer.h"
#include "common/failure.h"
#include "common/instant.h"

/* A change of verdict with what the answers said of it then. */
struct change_record {
    char *update_id;
    instant_us decided_at;
    enum verdict verdict, previous;
    double log10_e_value;
    struct range rate_ratio;
    char *sentence;     /* may be NULL */
    char *reasons_json; /* an array of texts */
};

struct snapshot {
    atomic_uint references;
    instant_us as_of;           /* INSTANT_NONE before the first minute */
    int64_t parameters_version; /* of the registry and the cost's parameters */
    struct fleet_answer fleet;
    size_t verdict_counts[VERDICT_CLEAR + 1];
    struct kept_text document; /* GET /v1/updates; its name is the snapshot's id */
    struct buffer first_pages[FIRST_PAGES];
    struct kept_text table;   /* the same as CSV */
    struct buffer beginning;  /* of the document, up to its first update */
    struct kept_text changes; /* GET /v1/changes */
    struct snapshot_change {
        char *key;              /* no other change has it */
        struct buffer document; /* the element of "changes" */
    } * change_elements;
    size_t change_count;
    struct snapshot_update {
        const char *id;
        bool decided;              /* HOLD or CLEAR */
        struct kept_text document; /* GET /v1/updates/{id}, and the element of "updates" */
        struct kept_text verdict;  /* GET /v1/updates/{id}/verdict, and so on */
        struct kept_text impact, impact_table;
        struct kept_text cost, cost_table;
        struct kept_text course;
        const struct outreach_entry *outreach; /* by rank, as in the answers */
        size_t outreach_count, outreach_total;
        struct outreach_host_list hosts;
        struct advice advice; /* while nobody has written one */
    } * updates;
    size_t update_count;
    const struct answers *answers; /* a copy: for those who reckon with them or word them anew */
    struct cost_draws *cost_draws; /* theirs, held */
    struct arena arena;            /* of the answers and the advice */
};

/* Made with one reference. Of the changes the newest SNAPSHOT_CHANGES are told, oldest first. */
#define SNAPSHOT_CHANGES 1000
MUST_CHECK bool snapshot_new(const struct answers *answers, const struct change_record *changes,
                             size_t change_count, struct snapshot **snapshot,
                             struct failure *failure);

#define SNAPSHOT_CHANGES_BEGINNING "{\"changes\":["
#define SNAPSHOT_CHANGES_END "]}"

/* Packs what pages poll. Apart from making it, which holds the analysis still. */
MUST_CHECK bool snapshot_pack(struct snapshot *snapshot, struct failure *failure);

struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); /* NULL is fine */

/* NULL when the snapshot does not have it. */
const struct snapshot_update *snapshot_find(const struct snapshot *snapshot, const char *update_id);

#endif
