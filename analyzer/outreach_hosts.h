/* Which hosts of a customer were hit, and how are they now? For every customer of the queue its
 * hosts among those that impact counts: noted as harmed inside the segment, or silent since the
 * update was out without having told that they have it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_OUTREACH_HOSTS_H
#define EPICENTER_ANALYZER_OUTREACH_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/exposure.h"
#include "analyzer/fleet.h"
#include "analyzer/impact.h"
#include "analyzer/impact_census.h"
#include "analyzer/segment.h"
#include "analyzer/subgroup.h"
#include "common/arena.h"
#include "common/failure.h"

/* Of one customer: beyond it, what is wrong is no longer a matter of single hosts. */
#define OUTREACH_HOSTS_EACH 1000
/* In all, for the first of the queue: 12 MB in each snapshot. */
#define OUTREACH_HOSTS_MOST 200000

struct outreach_hosts_source {
    const struct impact *impact;
    const struct exposure *exposure;
    const struct fleet *fleet;
    const struct segments *segments;
    const struct subgroup *subgroup;
    const struct impact_census *census;
    const bool *counts_unheard; /* impact's */
    size_t customer_count;      /* of the fleet */
    uint32_t update;
};

/* Lists the hosts of `entries`, which are by rank, and says in each which are its own: first those
 * still affected, then by onset and id. Where there are too many the newest onsets are kept.
 * Everything is allocated in `arena`; texts are the segments' own. */
MUST_CHECK bool outreach_hosts_list(const struct outreach_hosts_source *source,
                                    struct outreach_entry *entries, size_t count,
                                    struct arena *arena, struct outreach_host_list *list,
                                    struct failure *failure);

/* {"update","customer_id","name","partner","time_zone","hosts_affected","hosts_reporting","hosts"}
 * with `count` hosts from `first` on. */
MUST_CHECK bool outreach_hosts_json(const struct outreach_entry *entry,
                                    const struct outreach_host_list *list, const char *update_id,
                                    size_t first, size_t count, struct buffer *out,
                                    struct failure *failure);

#endif
