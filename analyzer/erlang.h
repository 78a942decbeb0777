/* How long do callers wait, how many give up, and how many agents does a promise need? Erlang B, C
 * and A for one pool of agents in a steady hour.
 *
 * Erlang C (Erlang 1917) has callers who wait for ever: right for "how many agents are needed",
 * without an answer when there is more work than agents. Erlang A (Palm 1946; Mandelbaum and
 * Zeltyn, "Service engineering in action: the Palm/Erlang-A queue", 2007) has callers who give up
 * after an exponential patience, and holds at any load.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ERLANG_H
#define EPICENTER_ANALYZER_ERLANG_H

#include <stdint.h>

struct erlang_pool {
    double calls_per_hour;
    double handle_s;   /* mean time an agent is bound by a call, after-call work included */
    double patience_s; /* mean time until a waiting caller gives up; INFINITY: nobody does */
    uint32_t agents;   /* at work, after shrinkage */
};

/* All 0 to 1 but the times. Without patience's end and with the load at or over the number of
 * agents the queue grows without end: waits 1, within 0, wait_s INFINITY. */
struct erlang_service {
    double waits;     /* share of callers not answered at once */
    double abandoned; /* share that gives up */
    double within;    /* share of all callers answered within the time asked about */
    double wait_s;    /* mean time to an answer or to giving up, of all callers */
    double occupancy; /* share of the agents' time on calls */
};

/* Mean number of busy agents if all were answered: the offered load, in erlangs. */
double erlang_load(const struct erlang_pool *pool);

/* The share blocked where nobody can wait; load > 0. Below 1e-300 it is 0. */
double erlang_blocked(double load, uint32_t agents);

/* `within_s`: the time the service level asks about. */
struct erlang_service erlang_serve(const struct erlang_pool *pool, double within_s);

/* The fewest agents by which at least `share` (below 1) of callers are answered within `within_s`,
 * `pool->agents` ignored. */
uint32_t erlang_agents_needed(const struct erlang_pool *pool, double share, double within_s);

#endif
