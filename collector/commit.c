/* How do thousands of requests share a few transactions? See commit.h. Nothing is timed: a
 * committer that is free takes what is there, so that groups are small and quick when little comes
 * and large when much does.
 *
 * The hard thing is one bad batch in a group. A failure that is not the database's absence is
 * answered by trying every batch alone, so that it costs only itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/commit.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "collector/load.h"
#include "common/arena.h"
#include "common/instant.h"
#include "common/log.h"

/* While one waits for the disk, the other encodes; a third gains nothing on two cores. */
#define COMMITTERS 2
/* The second joins when so much waits: fewer rows are better off in the next group of the first,
 * since a transaction costs as much as some hundred rows. */
#define JOIN_ROWS 2000
/* Or when a group has taken so long, ten times what one does: its commit stalls, and nobody else
 * shall wait for it. */
#define JOIN_AFTER_S 0.05
/* Rows of one transaction: 10 MB of COPY, a few hundred milliseconds. */
#define GROUP_ROWS 50000
/* Rows that may wait: two groups for each committer, at about 1 KB of memory a row; and the memory
 * itself, since a row may be sixty times that. */
#define QUEUE_ROWS 200000
#define QUEUE_BYTES ((size_t)256 * 1024 * 1024)
/* A transaction of fewer rows, where they are large: its COPY is about as much once more. */
#define GROUP_BYTES (QUEUE_BYTES / 4)
/* After so long without a commit what comes is refused: what waits now is answered late as it is,
 * and hosts give up after 10 s. */
#define STUCK_S 8.0
#define HEARTBEAT_S 10.0
#define TRIM_S 60.0
/* How often an idle committer looks for the database: when it was there, and when it was away. */
#define LOOK_S 2.0
#define LOOK_AGAIN_S 0.5

struct committer {
    struct commit *commit;
    struct load_writer *writer;
    pthread_t thread;
    bool keeps_house; /* heartbeats, trimming, looking for the database */
};

struct commit {
    bool heartbeats;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t arrived;
    struct batch *first, **last;
    size_t queued_rows, queued_bytes;
    size_t waiting;    /* batches submitted and not yet answered */
    size_t committing; /* committers that are at a group */
    double
        group_at_s; /* when they were none last: as old as the oldest group under way, or older */
    bool dozing;    /* the other one may wait for longer than JOIN_AFTER_S */
    bool stopping;
    bool away;            /* the database did not answer when last asked */
    double progress_at_s; /* last commit, or when the first of the waiting batches came */
    double load_at_s, looked_at_s, trimmed_at_s;
    bool rejected_since_trim;
    struct commit_status counts;
    size_t committer_count; /* started */
    struct committer committers[COMMITTERS];
};

static double clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A batch of nothing but rejections still is something to write. */
static size_t batch_rows(const struct batch *batch)
{
    return batch->output.report_count + 1;
}

/* ---- Taking and answering ---- */

/* For one more committer; the lock is held. */
static bool has_work(const struct commit *commit)
{
    return commit->first != NULL && (commit->committing == 0 || commit->queued_rows >= JOIN_ROWS ||
                                     clock_s() - commit->group_at_s >= JOIN_AFTER_S);
}

/* Takes up to GROUP_ROWS rows, but one batch at least. The lock is held. */
static struct batch *take_group(struct commit *commit)
{
    struct batch *group = commit->first;
    size_t rows = 0;
    size_t bytes = 0;
    struct batch **link = &commit->first;
    while (*link != NULL &&
           (rows == 0 || (rows + batch_rows(*link) <= GROUP_ROWS && bytes < GROUP_BYTES))) {
        rows += batch_rows(*link);
        bytes += arena_size(&(*link)->output.arena);
        link = &(*link)->next;
    }
    commit->first = *link;
    if (commit->first == NULL) {
        commit->last = &commit->first;
    }
    *link = NULL;
    commit->queued_rows -= rows;
    commit->queued_bytes -= bytes;
    return group;
}

/* Beyond those that are kept, all are taken to be like the last: one mistake, over and over. */
static void count_rejections(struct commit_status *counts, const struct decode_output *output)
{
    enum failure_code code = FAILURE_INVALID;
    for (size_t i = 0; i < output->rejection_count; i++) {
        code = i < DECODE_REJECTIONS_KEPT ? output->rejections[i].code : code;
        if (code == FAILURE_FORBIDDEN) {
            counts->forbidden++;
        } else {
            counts->invalid++;
        }
    }
}

static void count_load(struct commit_status *counts, size_t reports)
{
    counts->loads++;
    for (size_t i = 0; i < COMMIT_LOAD_SIZES; i++) {
        counts->loads_up_to[i] += reports <= commit_load_sizes[i];
    }
}

static void count_batch(struct commit *commit, const struct batch *batch)
{
    struct commit_status *counts = &commit->counts;
    counts->batches++;
    if (!batch_is_first(batch)) {
        counts->repeated_batches++;
        return;
    }
    counts->reports += batch->output.report_count;
    count_rejections(counts, &batch->output);
    for (size_t i = 0; i < batch->output.report_count; i++) {
        counts->updates += batch->output.reports[i].update_count;
    }
    commit->rejected_since_trim |= batch->output.rejection_count > 0;
}

/* Notes how a group went, and calls `done` of each of its batches. */
static void answer_group(struct commit *commit, struct batch *group, double began_s,
                         const struct failure *failure)
{
    double now = clock_s();
    size_t reports = 0;
    (void)pthread_mutex_lock(&commit->lock);
    for (const struct batch *batch = group; batch != NULL; batch = batch->next) {
        commit->waiting--;
        if (failure == NULL) {
            count_batch(commit, batch);
        } else {
            commit->counts.failed_batches++;
        }
        reports += batch_is_first(batch) ? batch->output.report_count : 0;
    }
    if (failure == NULL) {
        commit->progress_at_s = now;
        commit->counts.commit_s += now - began_s;
        commit->away = false;
        if (reports > 0) {
            commit->load_at_s = now;
            count_load(&commit->counts, reports);
        }
    }
    (void)pthread_mutex_unlock(&commit->lock);
    while (group != NULL) {
        struct batch *next = group->next;
        group->done(group, failure);
        group = next;
    }
}

static void set_away(struct commit *commit, bool away, const struct failure *failure)
{
    (void)pthread_mutex_lock(&commit->lock);
    bool changed = commit->away != away;
    commit->away = away;
    (void)pthread_mutex_unlock(&commit->lock);
    if (changed && away) {
        log_warning("the database is away; refusing reports until it is back",
                    log_text("reason", failure->message));
    } else if (changed) {
        log_info("the database answers");
    }
}

/* A statement that was too slow is a failure of the moment; only a ping that fails is an absence.
 */
static void judge_absence(struct committer *committer, const struct failure *failure)
{
    struct failure ping;
    bool answers = failure->code != FAILURE_UNAVAILABLE || load_ping(committer->writer, &ping);
    set_away(committer->commit, !answers, failure);
}

static void commit_group(struct committer *committer, struct batch *group)
{
    struct failure failure = {0};
    double began_s = clock_s();
    if (load_write(committer->writer, group, &failure)) {
        answer_group(committer->commit, group, began_s, NULL);
        return;
    }
    if (failure.code == FAILURE_UNAVAILABLE || group->next == NULL) {
        if (failure.code != FAILURE_UNAVAILABLE) {
            log_error("could not store a batch", log_text("reason", failure.message));
        }
        answer_group(committer->commit, group, began_s, &failure);
        judge_absence(committer, &failure);
        return;
    }
    while (group != NULL) {
        struct batch *next = group->next;
        group->next = NULL;
        commit_group(committer, group);
        group = next;
    }
}

/* ---- Between groups ---- */

/* A connection that was cut while it was idle fails once, and the next ping makes another: only a
 * database that does not take that either is away. */
static void look_for_database(struct committer *committer)
{
    struct failure failure = {0};
    bool answers = load_ping(committer->writer, &failure);
    if (!answers) {
        answers = load_ping(committer->writer, &failure);
    }
    set_away(committer->commit, !answers, &failure);
}

static void write_heartbeat(struct committer *committer)
{
    struct failure failure = {0};
    if (!load_write_heartbeat(committer->writer, instant_now(), &failure)) {
        log_warning("could not write a heartbeat", log_text("reason", failure.message));
        judge_absence(committer, &failure);
    }
}

static void trim(struct committer *committer, bool rejected)
{
    struct failure failure = {0};
    if (rejected && !load_trim_rejected(committer->writer, &failure)) {
        log_warning("could not trim the refused reports", log_text("reason", failure.message));
    }
    if (!load_trim_keys(committer->writer, &failure)) {
        log_warning("could not forget old Idempotency-Keys", log_text("reason", failure.message));
    }
}

static void keep_house(struct committer *committer)
{
    struct commit *commit = committer->commit;
    double now = clock_s();
    (void)pthread_mutex_lock(&commit->lock);
    bool look = now - commit->looked_at_s >= (commit->away ? LOOK_AGAIN_S : LOOK_S);
    commit->looked_at_s = look ? now : commit->looked_at_s;
    (void)pthread_mutex_unlock(&commit->lock);
    if (look) {
        look_for_database(committer);
    }
    (void)pthread_mutex_lock(&commit->lock);
    bool beat = commit->heartbeats && !commit->away && now - commit->load_at_s >= HEARTBEAT_S;
    bool tidy = !commit->away && now - commit->trimmed_at_s >= TRIM_S;
    bool rejected = commit->rejected_since_trim;
    commit->load_at_s = beat ? now : commit->load_at_s;
    commit->trimmed_at_s = tidy ? now : commit->trimmed_at_s;
    commit->rejected_since_trim = rejected && !tidy;
    (void)pthread_mutex_unlock(&commit->lock);
    if (beat) {
        write_heartbeat(committer);
    }
    if (tidy) {
        trim(committer, rejected);
    }
}

/* Waits for batches, for a group that stalls, or for the next look at the house; the lock is held.
 */
static void wait_for_work(struct commit *commit)
{
    bool doze = commit->committing == 0;
    double until_s = clock_s() + (doze ? LOOK_AGAIN_S : JOIN_AFTER_S);
    struct timespec until = {.tv_sec = (time_t)until_s};
    until.tv_nsec = (long)((until_s - (double)until.tv_sec) * 1e9);
    commit->dozing |= doze;
    (void)pthread_cond_timedwait(&commit->arrived, &commit->lock, &until);
}

/* Takes a group where there is one to take; the lock is held. */
static struct batch *begin_group(struct commit *commit)
{
    if (!has_work(commit)) {
        return NULL;
    }
    if (commit->committing++ == 0) {
        commit->group_at_s = clock_s();
    }
    if (commit->dozing) {
        commit->dozing = false;
        (void)pthread_cond_signal(&commit->arrived);
    }
    return take_group(commit);
}

static void *run_committer(void *argument)
{
    struct committer *committer = argument;
    struct commit *commit = committer->commit;
    for (;;) {
        if (committer->keeps_house) {
            keep_house(committer);
        }
        (void)pthread_mutex_lock(&commit->lock);
        if (!has_work(commit) && !(commit->stopping && commit->first == NULL)) {
            wait_for_work(commit);
        }
        bool ended = commit->first == NULL && commit->stopping;
        struct batch *group = begin_group(commit);
        (void)pthread_mutex_unlock(&commit->lock);
        if (group != NULL) {
            commit_group(committer, group);
            (void)pthread_mutex_lock(&commit->lock);
            commit->committing--;
            (void)pthread_mutex_unlock(&commit->lock);
        }
        if (ended) {
            return NULL;
        }
    }
}

/* ---- The outside ---- */

static bool start_committer(struct commit *commit, const char *conninfo, struct failure *failure)
{
    struct committer *committer = &commit->committers[commit->committer_count];
    committer->commit = commit;
    committer->keeps_house = commit->committer_count == 0;
    if (!load_writer_new(conninfo, &committer->writer, failure)) {
        return false;
    }
    if (pthread_create(&committer->thread, NULL, run_committer, committer) != 0) {
        load_writer_free(committer->writer);
        return failure_set(failure, FAILURE_SYSTEM, "cannot start a committer thread");
    }
    commit->committer_count++;
    return true;
}

bool commit_start(const struct commit_options *options, struct commit **commit,
                  struct failure *failure)
{
    struct commit *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to commit");
    }
    made->heartbeats = options->heartbeats;
    made->last = &made->first;
    made->away = true; /* until it has answered */
    made->load_at_s = clock_s();
    made->trimmed_at_s = made->load_at_s;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&made->arrived, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&made->lock, NULL);
    for (int i = 0; i < COMMITTERS; i++) {
        if (!start_committer(made, options->conninfo, failure)) {
            commit_stop(made);
            return false;
        }
    }
    *commit = made;
    return true;
}

bool commit_submit(struct commit *commit, struct batch *batch, struct failure *failure)
{
    const char *refusal = NULL;
    size_t rows = batch_rows(batch);
    size_t bytes = arena_size(&batch->output.arena);
    double now = clock_s();
    batch->next = NULL;
    (void)pthread_mutex_lock(&commit->lock);
    if (commit->stopping) {
        refusal = "the collector is stopping";
    } else if (commit->away) {
        refusal = "the database is away";
    } else if (commit->waiting > 0 && now - commit->progress_at_s > STUCK_S) {
        refusal = "the database takes too long";
    } else if (commit->queued_rows > 0 && (commit->queued_rows + rows > QUEUE_ROWS ||
                                           commit->queued_bytes + bytes > QUEUE_BYTES)) {
        refusal = "the queue of reports is full";
    } else {
        if (commit->waiting == 0) {
            commit->progress_at_s = now;
        }
        commit->waiting++;
        commit->queued_rows += rows;
        commit->queued_bytes += bytes;
        *commit->last = batch;
        commit->last = &batch->next;
        if (has_work(commit)) {
            (void)pthread_cond_signal(&commit->arrived);
        }
    }
    (void)pthread_mutex_unlock(&commit->lock);
    return refusal == NULL || failure_set(failure, FAILURE_UNAVAILABLE, "%s", refusal);
}

void commit_stop(struct commit *commit)
{
    if (commit == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&commit->lock);
    commit->stopping = true;
    (void)pthread_cond_broadcast(&commit->arrived);
    (void)pthread_mutex_unlock(&commit->lock);
    for (size_t i = 0; i < commit->committer_count; i++) {
        (void)pthread_join(commit->committers[i].thread, NULL);
        load_writer_free(commit->committers[i].writer);
    }
    (void)pthread_cond_destroy(&commit->arrived);
    (void)pthread_mutex_destroy(&commit->lock);
    free(commit);
}

void commit_read_status(struct commit *commit, struct commit_status *status)
{
    double now = clock_s();
    (void)pthread_mutex_lock(&commit->lock);
    *status = commit->counts;
    status->database_answers = !commit->away;
    status->stuck_s = commit->waiting > 0 ? now - commit->progress_at_s : 0;
    status->queued_rows = commit->queued_rows;
    (void)pthread_mutex_unlock(&commit->lock);
}
