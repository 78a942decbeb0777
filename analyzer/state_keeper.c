/* Where was I? See state_keeper.h.
 *
 * The hard thing is to take a hundred megabytes that change all the time without holding anything
 * up for long: copying them within memory takes a tenth of a second for a million hosts, and all
 * that takes longer, packing and sending, is done by another thread on a connection of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/state_keeper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/statements.h"
#include "analyzer/stored_state.h"
#include "common/buffer.h"
#include "common/log.h"

/* In one row; a row must fit the server's memory several times over. */
#define PART_BYTES ((size_t)4 << 20)

/* One part is written in a fraction of a second; a server that takes longer hangs. */
#define STATEMENT_TIMEOUT_MS 20000

#define PROGRESS_INTERVAL (5 * INSTANT_SECOND)

struct state_keeper {
    const char *conninfo;
    struct stored_state_build build;
    bool writing; /* there is a thread to be joined */
    pthread_t thread;
    atomic_bool written; /* … which has done its work */
    struct buffer plain; /* the thread's until then */
    instant_us as_of;
    int64_t held_ms;    /* how long the follower stood still for it */
    size_t usual_bytes; /* of the last state */
};

bool state_keeper_new(const char *conninfo, struct state_keeper **keeper, struct failure *failure)
{
    struct state_keeper *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to keep states");
    }
    made->conninfo = conninfo;
    atomic_init(&made->written, false);
    if (!stored_state_this_build(&made->build, failure)) {
        free(made);
        return false;
    }
    *keeper = made;
    return true;
}

static void finish_writing(struct state_keeper *keeper)
{
    if (keeper->writing) {
        pthread_join(keeper->thread, NULL);
        keeper->writing = false;
    }
}

void state_keeper_free(struct state_keeper *keeper)
{
    if (keeper != NULL) {
        finish_writing(keeper);
        free(keeper);
    }
}

static int64_t milliseconds_since(instant_us began)
{
    return (instant_now() - began) / (INSTANT_SECOND / 1000);
}

/* ---- Writing ---- */

static bool send_part(struct database *database, int32_t part, instant_us as_of, const char *bytes,
                      size_t length, struct failure *failure)
{
    struct buffer rows = {0};
    copy_begin(&rows);
    copy_row(&rows, 3);
    copy_int32(&rows, part);
    copy_instant(&rows, as_of);
    copy_bytes(&rows, bytes, length);
    copy_end(&rows);
    bool good = database_copy_in(database, STATEMENT_STATE_STORE, &rows, failure);
    buffer_free(&rows);
    return good;
}

/* In one transaction. Were the connection lost on the way, another would find the parts of the
 * state before still there, and fail; where there was none it leaves what the seal refuses. */
static bool send_state(struct database *database, const struct buffer *packed, instant_us as_of,
                       struct failure *failure)
{
    bool in_doubt;
    bool good = database_run_script(database, STATEMENT_STATE_BEGIN, failure);
    int32_t part = 0;
    for (size_t sent = 0; good && sent < packed->length; sent += PART_BYTES) {
        size_t left = packed->length - sent;
        good = send_part(database, part++, as_of, packed->data + sent,
                         left < PART_BYTES ? left : PART_BYTES, failure);
    }
    return good && database_commit(database, &in_doubt, failure);
}

static void *write_state(void *context)
{
    struct state_keeper *keeper = context;
    struct failure failure;
    struct database *database = NULL;
    struct buffer packed = {0};
    instant_us began = instant_now();
    size_t length = keeper->plain.length;
    bool good = stored_state_pack(&keeper->plain, &keeper->build, &packed, &failure);
    buffer_free(&keeper->plain);
    good = good &&
           database_open(keeper->conninfo, "epicenter analyzer, storing its state",
                         STATEMENT_TIMEOUT_MS, &database, &failure) &&
           send_state(database, &packed, keeper->as_of, &failure);
    if (good) {
        log_info("the state is stored", log_number("bytes", (int64_t)length),
                 log_number("packed_bytes", (int64_t)packed.length),
                 log_number("held_milliseconds", keeper->held_ms),
                 log_number("milliseconds", milliseconds_since(began)));
    } else {
        log_warning("the state could not be stored; the one before is kept",
                    log_text("reason", failure.message));
    }
    database_close(database);
    buffer_free(&packed);
    atomic_store(&keeper->written, true);
    return NULL;
}

/* Room for as much as the last state took and a little more, so that it is not moved as it grows.
 * In small pages: large ones are four times as fast when the kernel has some, and six times as slow
 * when it must make them. */
static void make_room(struct buffer *plain, size_t usual_bytes)
{
    size_t capacity = usual_bytes + usual_bytes / 8;
    plain->data = capacity > 0 ? malloc(capacity) : NULL;
    if (plain->data != NULL) {
        plain->capacity = capacity;
    }
}

static bool copy_state(struct state_keeper *keeper, const struct state_parts *parts,
                       struct failure *failure)
{
    struct carry carry = {.into = &keeper->plain};
    make_room(&keeper->plain, keeper->usual_bytes);
    keeper->as_of = publish_advanced_to(parts->publisher);
    follow_carry(&carry, parts->follow);
    publish_carry(&carry, parts->publisher);
    analysis_carry(&carry, live_share(parts->live));
    live_unlock(parts->live);
    keeper->usual_bytes = keeper->plain.length;
    return carry_check(&carry, failure);
}

void state_keeper_store(struct state_keeper *keeper, const struct state_parts *parts, bool insists)
{
    struct failure failure;
    if (keeper->writing && !insists && !atomic_load(&keeper->written)) {
        return;
    }
    finish_writing(keeper);
    instant_us began = instant_now();
    bool good = copy_state(keeper, parts, &failure);
    keeper->held_ms = milliseconds_since(began);
    atomic_store(&keeper->written, false);
    int status = good ? pthread_create(&keeper->thread, NULL, write_state, keeper) : 0;
    if (status != 0) {
        good = failure_set(&failure, FAILURE_SYSTEM, "a thread cannot be started: %s",
                           strerror(status));
    }
    keeper->writing = good;
    if (!good) {
        buffer_free(&keeper->plain);
        log_warning("the state could not be stored; the one before is kept",
                    log_text("reason", failure.message));
    }
}

/* ---- Going on ---- */

struct reading {
    struct buffer packed;
    instant_us progress_told_at;
};

static bool take_part(void *context, const struct copy_field *fields, size_t count,
                      struct failure *failure)
{
    struct reading *reading = context;
    if (count != 1) {
        return failure_set(failure, FAILURE_SYSTEM, "a part of a state has one column");
    }
    buffer_append(&reading->packed, fields[0].bytes, fields[0].length);
    instant_us now = instant_now();
    if (now - reading->progress_told_at >= PROGRESS_INTERVAL) {
        reading->progress_told_at = now;
        log_info("reading the stored state", log_number("bytes", (int64_t)reading->packed.length));
    }
    return buffer_check(&reading->packed, failure);
}

static bool restore(const struct buffer *plain, struct database *database,
                    const struct state_parts *parts, struct failure *failure)
{
    struct carry carry = {.from = plain->data, .left = plain->length};
    follow_carry(&carry, parts->follow);
    if (!carry.failed && !follow_resume(parts->follow, database, failure)) {
        follow_forget(parts->follow);
        return false;
    }
    publish_carry(&carry, parts->publisher);
    analysis_carry(&carry, live_lock(parts->live));
    live_unlock(parts->live);
    if (carry_check(&carry, failure)) {
        return true;
    }
    follow_forget(parts->follow);
    publish_forget(parts->publisher);
    return false;
}

/* Sets *found when there is a state. */
static bool read_state(struct state_keeper *keeper, struct database *database, struct buffer *plain,
                       bool *found, struct failure *failure)
{
    struct reading reading = {.progress_told_at = instant_now()};
    bool good = database_copy_out(database, STATEMENT_STATE_READ, take_part, &reading, failure);
    *found = good && reading.packed.length > 0;
    good =
        good && (!*found || stored_state_unpack(&reading.packed, &keeper->build, plain, failure));
    buffer_free(&reading.packed);
    return good;
}

bool state_keeper_resume(struct state_keeper *keeper, struct database *database,
                         const struct state_parts *parts, struct failure *failure)
{
    instant_us began = instant_now();
    struct failure why = {.code = FAILURE_NONE};
    struct buffer plain = {0};
    bool found = false;
    bool good = read_state(keeper, database, &plain, &found, &why) &&
                (!found || restore(&plain, database, parts, &why));
    size_t length = plain.length;
    keeper->usual_bytes = length;
    buffer_free(&plain);
    if (good && found) {
        char as_of[INSTANT_TEXT_SIZE];
        log_info("going on from the stored state",
                 log_text("as_of", instant_format(publish_advanced_to(parts->publisher), as_of)),
                 log_number("bytes", (int64_t)length),
                 log_number("milliseconds", milliseconds_since(began)));
    } else if (good) {
        log_info("no state is stored: the reports of the horizon are read");
    } else if (why.code == FAILURE_UNAVAILABLE) {
        *failure = why;
        return false;
    } else {
        log_warning("the stored state is of no use: the reports of the horizon are read",
                    log_text("reason", why.message));
    }
    return true;
}
