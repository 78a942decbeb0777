/* Was it committed after all? See resolve.h.
 *
 * The hard thing is that "not there" is no answer while the server still works on it: the session
 * whose connection broke may be waiting for the disk in the middle of its COMMIT. So the load's row
 * says yes, and only the status of its transaction says no. After a failover the new server may
 * have given the transaction's number to another; that is why its status alone never says yes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/resolve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "collector/statements.h"
#include "common/failure.h"
#include "common/log.h"

#define GIVE_UP_MS 10000
/* A server that restarts is asked this often; each time costs a connection. */
#define PAUSE_MS 50
/* "committed" beside a row that is not there: the row was looked for just before the COMMIT. Looked
 * for again it is there, or the number is another transaction's. */
#define LOOKS_AFTER_COMMIT 2

enum verdict { UNKNOWN, COMMITTED, ENDED, NOT_COMMITTED };

static int64_t clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum verdict ask(struct database *database, const struct resolve_load *load)
{
    char id[24];
    (void)snprintf(id, sizeof id, "%" PRId64, load->load_id);
    const char *const parameters[] = {id, load->collector, load->transaction};
    PGresult *result = NULL;
    struct failure failure = {0};
    if (!database_run(database, STATEMENT_RESOLVE_LOAD, 3, parameters, &result, &failure)) {
        /* Other than away: the server knows of no such transaction. */
        return failure.code == FAILURE_UNAVAILABLE ? UNKNOWN : NOT_COMMITTED;
    }
    const char *status = PQgetvalue(result, 0, 1);
    enum verdict verdict = strcmp(PQgetvalue(result, 0, 0), "t") == 0 ? COMMITTED
                           : strcmp(status, "in progress") == 0       ? UNKNOWN
                           : strcmp(status, "committed") == 0         ? ENDED
                                                                      : NOT_COMMITTED;
    PQclear(result);
    return verdict;
}

bool resolve_is_committed(struct database *database, const struct resolve_load *load)
{
    static const char *const said[] = {"could not learn", "it is there", "it is not there",
                                       "it is not there"};
    int64_t until_ms = clock_ms() + GIVE_UP_MS;
    enum verdict verdict = UNKNOWN;
    int looks_left = LOOKS_AFTER_COMMIT;
    while (looks_left > 0 && clock_ms() < until_ms) {
        verdict = ask(database, load);
        if (verdict == COMMITTED || verdict == NOT_COMMITTED) {
            break;
        }
        looks_left -= verdict == ENDED;
        const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    log_warning("lost the answer to COMMIT and asked for the load",
                log_number("load_id", load->load_id), log_text("found", said[verdict]));
    return verdict == COMMITTED;
}
