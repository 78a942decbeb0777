/* What would another analyzer say of what is in the database? See report_database.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report_database.h"

#include <pthread.h>

#include "analyzer/follow.h"
#include "analyzer/text_layout.h"

#define PROGRESS_INTERVAL (INSTANT_SECOND / 5)

static void show_progress(const struct follow *follow, FILE *messages, instant_us *shown_at)
{
    instant_us now = instant_now();
    if (now - *shown_at < PROGRESS_INTERVAL) {
        return;
    }
    struct follow_counts counts = follow_counts(follow);
    char reports[TEXT_NUMBER_SIZE];
    fprintf(messages, "\r\033[K%3u %%  %s reports", counts.percent,
            text_count(counts.reports, reports));
    fflush(messages);
    *shown_at = now;
}

bool report_database_read(struct database *database, struct analysis *analysis, instant_us horizon,
                          FILE *messages, bool progress, uint64_t *reports, struct failure *failure)
{
    pthread_rwlock_t alone = PTHREAD_RWLOCK_INITIALIZER; /* no other thread knows the analysis */
    struct follow *follow;
    instant_us shown_at = 0;
    bool idle;
    if (!follow_new(analysis, &alone, horizon, &follow, failure)) {
        return false;
    }
    bool good = true;
    do {
        good = follow_step(follow, database, &idle, failure) &&
               (follow_known_before(follow) == INSTANT_NONE ||
                analysis_advance(analysis, follow_known_before(follow), failure));
        if (good && progress) {
            show_progress(follow, messages, &shown_at);
        }
    } while (good && !follow_has_caught_up(follow));
    if (progress) {
        fputs("\r\033[K", messages);
    }
    *reports = follow_counts(follow).reports;
    follow_free(follow);
    return good;
}
