/* The same work on several processors at once: parts that share nothing they write.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_PARALLEL_H
#define EPICENTER_ANALYZER_PARALLEL_H

#define PARALLEL_PARTS_MOST 64U

/* How many parts at once make sense here: processors, at most PARALLEL_PARTS_MOST. */
unsigned parallel_processors(void);

/* Calls work(context, 0) … work(context, parts - 1), each in a thread of its own, the first in this
 * one, and returns when all have. Where no thread can be had the part is done here: slower, and
 * right. */
void parallel_run(unsigned parts, void (*work)(void *context, unsigned part), void *context);

#endif
