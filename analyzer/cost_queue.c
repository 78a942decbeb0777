/* A desk's day; see cost_queue.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/cost_queue.h"

#include <math.h>

#include "analyzer/cost.h"
#include "analyzer/erlang.h"

#define FIRST_LOAD 0.1
#define LOADS_A_DECADE 4.0
#define FIRST_TIME_S 60.0
#define TIME_STEP 3.0

void cost_needs_make(struct cost_needs *needs)
{
    for (int l = 0; l < COST_NEEDS_LOADS; l++) {
        double load = FIRST_LOAD * pow(10, l / LOADS_A_DECADE);
        for (int t = 0; t < COST_NEEDS_TIMES; t++) {
            double handle_s = FIRST_TIME_S * pow(TIME_STEP, t);
            struct erlang_pool pool = {load * 3600 / handle_s, handle_s, INFINITY, 0};
            double agents = erlang_agents_needed(&pool, COST_SERVICE_LEVEL, COST_SERVICE_WITHIN_S);
            needs->spare[l][t] = (agents - load) / sqrt(load);
        }
    }
}

/* Cell and place within it, held at the table's edges. */
static double place(double position, int count, int *cell)
{
    double held = position < 0 ? 0 : position > count - 1 ? count - 1 : position;
    *cell = (int)held < count - 1 ? (int)held : count - 2;
    return held - *cell;
}

double cost_needs_agents(const struct cost_needs *needs, double load, double handle_s)
{
    int l;
    int t;
    if (!(load > 0) || !(handle_s > 0)) {
        return 0;
    }
    double x = place(log10(load / FIRST_LOAD) * LOADS_A_DECADE, COST_NEEDS_LOADS, &l);
    double y = place(log(handle_s / FIRST_TIME_S) / log(TIME_STEP), COST_NEEDS_TIMES, &t);
    const double *low = &needs->spare[l][t];
    const double *high = &needs->spare[l + 1][t];
    double spare =
        (1 - x) * ((1 - y) * low[0] + y * low[1]) + x * ((1 - y) * high[0] + y * high[1]);
    return load + spare * sqrt(load);
}

struct cost_day cost_day_of(const struct cost_desk *desk)
{
    struct cost_day day = {.count = 0};
    for (int hour = 0; desk != NULL && hour < 24; hour++) {
        size_t at = 0;
        while (at < day.count && day.shifts[at].agents != desk->agents[hour]) {
            at++;
        }
        day.shifts[at].agents = desk->agents[hour];
        day.shifts[at].hours++;
        day.count += at == day.count;
    }
    return day;
}

struct cost_shortage cost_day_shortage(const struct cost_day *day, double needed)
{
    struct cost_shortage shortage = {0};
    for (size_t i = 0; i < day->count; i++) {
        double missing = needed - day->shifts[i].agents;
        if (missing > 0) {
            shortage.missing = missing > shortage.missing ? missing : shortage.missing;
            shortage.hours += day->shifts[i].hours;
            shortage.share += missing * day->shifts[i].hours / 24;
        }
    }
    return shortage;
}

/* Callers who give up and try again are calls again: calls = contacts / (1 - redial x lost), with
 * the share lost depending on the calls. Found by going there from no loss at all; each step adds
 * what the last one's redials lost, so the steps shrink at least by the redial share. */
static struct erlang_service serve_shift(const struct cost_calls *calls, uint32_t agents,
                                         double *attempts)
{
    struct erlang_pool pool = {calls->contacts_per_hour, calls->handle_s, calls->patience_s,
                               agents};
    struct erlang_service service = erlang_serve(&pool, COST_SERVICE_WITHIN_S);
    *attempts = 1;
    for (int step = 0; step < 40; step++) {
        double next = 1 / (1 - calls->redial_share * service.abandoned);
        if (next - *attempts < 1e-3 * next) {
            break;
        }
        *attempts = next;
        pool.calls_per_hour = calls->contacts_per_hour * next;
        service = erlang_serve(&pool, COST_SERVICE_WITHIN_S);
    }
    return service;
}

struct cost_day_service cost_day_serve(const struct cost_day *day, const struct cost_calls *calls)
{
    struct cost_day_service sum = {0};
    for (size_t i = 0; i < day->count; i++) {
        double attempts;
        struct erlang_service service = serve_shift(calls, day->shifts[i].agents, &attempts);
        double weight = attempts * day->shifts[i].hours / 24;
        sum.attempts += weight;
        sum.wait_s += weight * service.wait_s;
        sum.abandoned += weight * service.abandoned;
    }
    if (sum.attempts > 0) {
        sum.wait_s /= sum.attempts;
        sum.abandoned /= sum.attempts;
    }
    return sum;
}
