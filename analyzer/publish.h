/* Answers out: advances the analysis, tells each change of verdict (log, API, table verdict_change)
 * and keeps the newest answers where the API and the table `answer` have them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_PUBLISH_H
#define EPICENTER_ANALYZER_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/carry.h"
#include "analyzer/live.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"

struct publisher;

MUST_CHECK bool publisher_new(struct live *live, struct publisher **publisher,
                              struct failure *failure);
void publisher_free(struct publisher *publisher);

/* How far the analysis has been advanced and what changes have been told. Restored into one that
 * has published nothing; publish_forget makes it so again. */
void publish_carry(struct carry *carry, struct publisher *publisher);
void publish_forget(struct publisher *publisher);

/* Advances the analysis to `known_before` (INSTANT_NONE: not at all), minute by minute, so that
 * what is told of a change is what was known in that minute, however much came at once.
 * `first_received` is where the first minute may lie. */
MUST_CHECK bool publish_advance(struct publisher *publisher, instant_us first_received,
                                instant_us known_before, struct failure *failure);

/* Which version of the registry and the cost's parameters the answers stand on from now on. */
void publish_set_parameters_version(struct publisher *publisher, int64_t version);

/* The registry or the cost's parameters have changed: the present answers are to be made again. */
void publish_again(struct publisher *publisher);

/* Where the analysis has been advanced to; INSTANT_NONE before the first time. */
instant_us publish_advanced_to(const struct publisher *publisher);

/* How many calls have moved the analysis or asked for its answers again. */
uint64_t publish_advances(const struct publisher *publisher);

/* True when something has been advanced that publish_answers has not told yet. */
bool publish_is_due(const struct publisher *publisher);

/* Makes the snapshot of the present answers and hands it to the API. */
MUST_CHECK bool publish_answers(struct publisher *publisher, struct failure *failure);

/* Writes what is new since it last succeeded: changes of verdict, the answers
 * and, while an update is held or suspected, the snapshot to keep. */
MUST_CHECK bool publish_write(struct publisher *publisher, struct database *database,
                              struct failure *failure);

#endif
