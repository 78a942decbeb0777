/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/leadership.h"

#include <string.h>

#include "analyzer/statements.h"

#define ASK_INTERVAL INSTANT_SECOND

bool leadership_seek(struct leadership *leadership, struct database *database, instant_us now,
                     struct failure *failure)
{
    PGresult *result = NULL;
    if (leadership->connection != database_connections(database)) {
        *leadership = (struct leadership){0};
    }
    if (leadership->held || now - leadership->asked_at < ASK_INTERVAL) {
        return true;
    }
    leadership->asked_at = now;
    if (!database_run(database, STATEMENT_LEAD, 0, NULL, &result, failure)) {
        return false;
    }
    leadership->held = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    leadership->connection = database_connections(database);
    PQclear(result);
    return true;
}
