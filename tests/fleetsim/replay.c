/* Sending the fleet's reports; see replay.h.
 *
 * Two threads: one simulates and writes out a minute while the other sends the one before. They
 * hand two loads to and fro under one lock.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/replay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/time_zone.h"
#include "tests/fleetsim/ledger.h"
#include "tests/fleetsim/minute_load.h"
#include "tests/fleetsim/processor.h"
#include "tests/fleetsim/progress.h"

/* One being written out, one being sent; a third would only make the fleet run further ahead. */
#define LOAD_COUNT 2

enum load_state { LOAD_EMPTY, LOAD_FULL };

struct replay {
    struct simulation *simulation;
    const struct replay_options *options;
    struct report_text *report_text;
    struct sender *sender;
    struct ledger ledger;
    struct progress progress;
    struct ledger_record *records; /* room for one batch */
    const struct minute_load *sending;
    double done_before; /* share of the run when the minute being sent began */

    struct minute_load loads[LOAD_COUNT];
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    enum load_state states[LOAD_COUNT];
    bool over;                         /* no minute comes after those that are full */
    bool stopped;                      /* the sender has given up */
    struct failure generation_failure; /* FAILURE_NONE: none */
};

/* ---- The thread that simulates ---- */

static bool wait_for(struct replay *replay, size_t load, enum load_state state)
{
    pthread_mutex_lock(&replay->lock);
    while (replay->states[load] != state && !replay->stopped &&
           !(replay->over && state == LOAD_FULL)) {
        pthread_cond_wait(&replay->changed, &replay->lock);
    }
    bool reached = replay->states[load] == state && !replay->stopped;
    pthread_mutex_unlock(&replay->lock);
    return reached;
}

static void set_state(struct replay *replay, size_t load, enum load_state state)
{
    pthread_mutex_lock(&replay->lock);
    replay->states[load] = state;
    pthread_cond_broadcast(&replay->changed);
    pthread_mutex_unlock(&replay->lock);
}

static void *generate(void *context)
{
    struct replay *replay = context;
    struct failure failure = {.code = FAILURE_NONE};
    bool more = true;
    for (size_t load = 0; wait_for(replay, load, LOAD_EMPTY); load = (load + 1) % LOAD_COUNT) {
        if (!minute_load_next(replay->simulation, replay->report_text,
                              replay->options->batch_reports, replay->options->sender.gzip,
                              &replay->loads[load], &more, &failure) ||
            !more) {
            break;
        }
        set_state(replay, load, LOAD_FULL);
    }
    pthread_mutex_lock(&replay->lock);
    replay->over = true;
    replay->generation_failure = failure;
    pthread_cond_broadcast(&replay->changed);
    pthread_mutex_unlock(&replay->lock);
    return NULL;
}

/* ---- The thread that sends ---- */

static bool note_acknowledged(void *context, const struct batch *batch, struct failure *failure)
{
    struct replay *replay = context;
    for (size_t i = 0; i < batch->count; i++) {
        const struct observation *observation = &replay->sending->reports.items[batch->first + i];
        replay->records[i] = (struct ledger_record){
            .host_id = replay->simulation->population.seats[observation->seat].host_id,
            .observed_at = observation->observed_at,
            .busy = observation->busy / (double)READING_ONE};
    }
    return ledger_append(&replay->ledger, replay->records, batch->count, failure);
}

static void show_progress(void *context)
{
    struct replay *replay = context;
    progress_show(&replay->progress, replay->sending->until, replay->ledger.acknowledged,
                  replay->done_before);
}

static bool send_minutes(struct replay *replay, struct failure *failure)
{
    for (size_t load = 0; wait_for(replay, load, LOAD_FULL); load = (load + 1) % LOAD_COUNT) {
        replay->sending = &replay->loads[load];
        if (!sender_send(replay->sender, replay->sending->batches, replay->sending->batch_count,
                         note_acknowledged, show_progress, replay, failure)) {
            return false;
        }
        replay->done_before = replay->sending->done;
        set_state(replay, load, LOAD_EMPTY);
    }
    return true;
}

static bool run_threads(struct replay *replay, struct failure *failure)
{
    pthread_t generator;
    if (pthread_create(&generator, NULL, generate, replay) != 0) {
        return failure_set(failure, FAILURE_SYSTEM, "cannot start a thread");
    }
    bool good = send_minutes(replay, failure);
    pthread_mutex_lock(&replay->lock);
    replay->stopped = true;
    pthread_cond_broadcast(&replay->changed);
    pthread_mutex_unlock(&replay->lock);
    (void)pthread_join(generator, NULL);
    if (good && replay->generation_failure.code != FAILURE_NONE) {
        *failure = replay->generation_failure;
        good = false;
    }
    return good;
}

/* Simulates and sends, with everything prepared but the ledger. */
static bool run_with_ledger(struct replay *replay, const char *directory,
                            const struct time_zone *zone, struct replay_result *result,
                            struct failure *failure)
{
    if (!ledger_open(directory, &replay->ledger, failure)) {
        return false;
    }
    progress_start(&replay->progress, zone);
    double started_s = progress_clock_s();
    bool good = run_threads(replay, failure);
    result->seconds = progress_clock_s() - started_s;
    if (replay->sending != NULL) {
        progress_end(&replay->progress, replay->sending->until, replay->ledger.acknowledged,
                     replay->done_before);
    }
    replay->ledger.resent = sender_resent(replay->sender);
    result->acknowledged = replay->ledger.acknowledged;
    result->resent = replay->ledger.resent;
    /* The first trouble is the one to tell of. */
    bool closed =
        ledger_close(&replay->ledger, directory, result->seconds, good, good ? failure : NULL);
    return good && closed;
}

bool replay_run(struct simulation *simulation, const struct replay_options *options,
                const char *directory, struct replay_result *result, struct failure *failure)
{
    struct replay replay = {.simulation = simulation, .options = options};
    struct time_zone *zone = NULL;
    bool good = false;
    *result = (struct replay_result){0};
    pthread_mutex_init(&replay.lock, NULL);
    pthread_cond_init(&replay.changed, NULL);
    replay.records = calloc(options->batch_reports, sizeof *replay.records);
    if (replay.records == NULL) {
        (void)failure_memory(failure, "preparing the replay");
        goto done;
    }
    /* Times are shown as they are in the first country of the scenario. */
    if (!time_zone_load(simulation->scenario->regions[0].countries[0].time_zone, &zone, failure) ||
        !report_text_new(simulation->scenario, &simulation->population, &replay.report_text,
                         failure) ||
        !sender_new(&options->sender, &replay.sender, failure)) {
        goto done;
    }
    good = run_with_ledger(&replay, directory, zone, result, failure);
done:
    sender_free(replay.sender);
    report_text_free(replay.report_text);
    time_zone_free(zone);
    for (size_t i = 0; i < LOAD_COUNT; i++) {
        minute_load_free(&replay.loads[i]);
    }
    free(replay.records);
    pthread_cond_destroy(&replay.changed);
    pthread_mutex_destroy(&replay.lock);
    return good;
}
