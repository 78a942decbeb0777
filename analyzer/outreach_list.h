/* The queue and the cases as one list: whom to call, who is at it, how far the regions are. Pure.
 *
 * First stand those whom `agent` holds, in the order they were taken: the list moves with the
 * incident, but not under the customer an agent has on the phone. Then the queue by rank, whoever
 * holds them; at the end those who have left it and are held. In pages, the first are on the first
 * page and the last on the last, besides its limit: they are as many as there are agents.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_OUTREACH_LIST_H
#define EPICENTER_ANALYZER_OUTREACH_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/outreach_case.h"
#include "common/arena.h"
#include "common/buffer.h"
#include "common/failure.h"

/* What is asked for. */
struct outreach_filter {
    const char *agent;            /* NULL: nobody's own stand first */
    const char *region;           /* NULL: all */
    bool reachable;               /* only those who can be called now */
    bool states[OUTREACH_STATES]; /* which; none of them is all of them */
    int64_t after;                /* only whose rank is beyond; or OUTREACH_FROM_START */
    size_t limit;                 /* of those with a rank who are not the agent's own */
};

#define OUTREACH_FROM_START (-1)

#define OUTREACH_LIMIT_DEFAULT 100

/* "new,taken" into filter->states; FAILURE_INVALID names a state that is none. */
MUST_CHECK bool outreach_filter_states(struct outreach_filter *filter, const char *names,
                                       struct failure *failure);

struct outreach_place {
    const struct outreach_entry *entry; /* NULL: no longer in the queue */
    const struct outreach_case *one;    /* NULL: new, nobody has come near it */
};

/* One line of the progress. */
struct outreach_progress {
    const char *region;
    size_t customers;
    size_t by_state[OUTREACH_STATES];
};

struct outreach_list {
    struct outreach_place *places;      /* the page that the filter asks for */
    size_t count, matching;             /* of so many that match, on whatever page */
    uint32_t next;                      /* the rank after which the next page begins; 0: none */
    struct outreach_progress *progress; /* of the whole queue, by region */
    size_t region_count;
};

/* `cases` are in the order of their ids (strcmp). Everything is allocated in `arena` or borrowed.
 */
MUST_CHECK bool outreach_list_make(const struct outreach_entry *entries, size_t entry_count,
                                   const struct outreach_case *cases, size_t case_count,
                                   const struct outreach_filter *filter, struct arena *arena,
                                   struct outreach_list *list, struct failure *failure);

/* {"update","total","matching","customers":[…],"progress":[…]}. `total`: customers to contact. */
MUST_CHECK bool outreach_list_json(const struct outreach_list *list, const char *update_id,
                                   size_t total, struct buffer *out, struct failure *failure);

/* One element of "customers". */
MUST_CHECK bool outreach_place_json(const struct outreach_place *place, struct buffer *out,
                                    struct failure *failure);

/* The same as a table; no cell can run in a spreadsheet. */
MUST_CHECK bool outreach_list_csv(const struct outreach_list *list, struct buffer *out,
                                  struct failure *failure);

#endif
