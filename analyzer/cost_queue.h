/* What happens at a support desk while the contacts of an incident come in? The agents it would
 * take (Erlang C), and the wait, the lost callers and their redials with those who are there
 * (Erlang A), over a day of hourly staffing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COST_QUEUE_H
#define EPICENTER_ANALYZER_COST_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/cost_parameters.h"

/* Agents needed for the promised service, tabled once: the search takes 20 us a time, and the Monte
 * Carlo asks a hundred thousand times. What is tabled is (agents - load) / sqrt(load), which moves
 * slowly with both (Halfin and Whitt 1981). */
#define COST_NEEDS_LOADS 29 /* 0.1 to 1e6 erlangs, four a decade */
#define COST_NEEDS_TIMES 6  /* handling 1 to 243 minutes, each three times the last */
struct cost_needs {
    double spare[COST_NEEDS_LOADS][COST_NEEDS_TIMES];
};

void cost_needs_make(struct cost_needs *needs);

/* To within an agent, or 0.5 % where that is more; a fraction is a share of the hour. */
double cost_needs_agents(const struct cost_needs *needs, double load, double handle_s);

/* The hours of a day, grouped by how many are at work. */
struct cost_day {
    struct cost_shift {
        uint32_t agents, hours;
    } shifts[24];
    size_t count; /* 0: staffing not known */
};

struct cost_day cost_day_of(const struct cost_desk *desk); /* NULL gives one not known */

/* What `needed` agents round the clock are short of. */
struct cost_shortage {
    double missing; /* in the worst hour */
    double hours;   /* of the day with too few */
    double share;   /* agent-hours missing per hour of the incident */
};
struct cost_shortage cost_day_shortage(const struct cost_day *day, double needed);

struct cost_calls {
    double contacts_per_hour; /* first attempts and repeats that have to be answered */
    double handle_s, patience_s;
    double redial_share; /* of those who give up, who try again */
};

struct cost_day_service {
    double wait_s, abandoned; /* over all attempts of the day */
    double attempts;          /* per contact */
};
struct cost_day_service cost_day_serve(const struct cost_day *day, const struct cost_calls *calls);

#endif
