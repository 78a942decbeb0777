/* The run, minute by minute; see simulation.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/simulation.h"

bool simulation_new(const struct scenario *scenario, const struct simulation_options *options,
                    struct simulation *simulation, struct failure *failure)
{
    *simulation = (struct simulation){.scenario = scenario,
                                      .options = *options,
                                      .at = scenario->from,
                                      .first_received_at = INSTANT_NONE,
                                      .last_received_at = INSTANT_NONE};
    struct simulation_options *cut = &simulation->options;
    if (cut->from == INSTANT_NONE || cut->from < scenario->from) {
        cut->from = scenario->from;
    }
    if (cut->until == INSTANT_NONE || cut->until > scenario->until) {
        cut->until = scenario->until;
    }
    if (cut->hosts == 0) {
        cut->hosts = (size_t)scenario->hosts;
    }
    if (!population_build(scenario, cut->hosts, cut->seed, &simulation->population, failure)) {
        return false;
    }
    if (!behaviour_new(scenario, &simulation->population, &simulation->behaviour, failure)) {
        population_free(&simulation->population);
        return false;
    }
    return true;
}

void simulation_free(struct simulation *simulation)
{
    behaviour_free(simulation->behaviour);
    population_free(&simulation->population);
    observation_list_free(&simulation->later);
    *simulation = (struct simulation){0};
}

/* Keeps what was received within the cut. */
static void cut_minute(const struct simulation *simulation, struct observation_list *reports)
{
    size_t kept = 0;
    for (size_t i = 0; i < reports->count; i++) {
        instant_us received_at = reports->items[i].received_at;
        if (received_at >= simulation->options.from && received_at < simulation->options.until) {
            reports->items[kept++] = reports->items[i];
        }
    }
    reports->count = kept;
}

bool simulation_next(struct simulation *simulation, struct observation_list *reports, bool *more,
                     struct failure *failure)
{
    reports->count = 0;
    *more = simulation->at < simulation->options.until;
    if (!*more) {
        return true;
    }
    instant_us until = simulation->at + INSTANT_MINUTE;
    if (until > simulation->options.until) {
        until = simulation->options.until;
    }
    /* What was left over is received in this minute; the lists change places. */
    struct observation_list arrived = simulation->later;
    simulation->later = *reports;
    *reports = arrived;
    if (!behaviour_advance(simulation->behaviour, until, reports, &simulation->later, failure)) {
        return false;
    }
    cut_minute(simulation, reports);
    observation_list_sort(reports);
    simulation->at = until;
    if (reports->count > 0) {
        if (simulation->reports == 0) {
            simulation->first_received_at = reports->items[0].received_at;
        }
        simulation->last_received_at = reports->items[reports->count - 1].received_at;
        simulation->reports += reports->count;
    }
    if (until == simulation->options.until) {
        behaviour_finish(simulation->behaviour, until);
    }
    return true;
}

double simulation_done(const struct simulation *simulation)
{
    instant_us from = simulation->options.from;
    instant_us until = simulation->options.until;
    if (simulation->at <= from || until <= from) {
        return 0;
    }
    return (double)(simulation->at - from) / (double)(until - from);
}
