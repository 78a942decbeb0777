/* Which tokens were revoked? See revocations.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "collector/revocations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "collector/statements.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/uuid.h"

struct revocation {
    char customer_id[REPORT_TEXT_LIMIT + 1];
    char scope; /* 'c'ustomer, 'g'ateway or 'h'ost */
    struct uuid host_id;
    instant_us issued_before;
};

static int compare(const void *left, const void *right)
{
    const struct revocation *a = left;
    const struct revocation *b = right;
    int order = strcmp(a->customer_id, b->customer_id);
    if (order == 0) {
        order = (a->scope > b->scope) - (a->scope < b->scope);
    }
    return order != 0 ? order : uuid_compare(&a->host_id, &b->host_id);
}

static bool read_row(const PGresult *result, int row, struct revocation *revocation)
{
    const char *customer_id = PQgetvalue(result, row, 0);
    size_t length = strlen(customer_id);
    if (length >= sizeof revocation->customer_id ||
        !uuid_parse(PQgetvalue(result, row, 2), &revocation->host_id)) {
        return false; /* no token is like that */
    }
    memcpy(revocation->customer_id, customer_id, length + 1);
    revocation->scope = PQgetvalue(result, row, 1)[0];
    revocation->issued_before = strtoll(PQgetvalue(result, row, 3), NULL, 10);
    return true;
}

bool revocations_read(struct database *database, instant_us lifetime, struct revocations *list,
                      struct failure *failure)
{
    PGresult *result = NULL;
    char seconds[24];
    const char *const parameters[] = {seconds};
    (void)snprintf(seconds, sizeof seconds, "%" PRId64, lifetime / INSTANT_SECOND);
    if (!database_run(database, STATEMENT_READ_REVOCATIONS, 1, parameters, &result, failure)) {
        return false;
    }
    size_t rows = (size_t)PQntuples(result);
    list->count = 0;
    list->rows = calloc(rows + 1, sizeof *list->rows);
    for (size_t i = 0; list->rows != NULL && i < rows; i++) {
        list->count += read_row(result, (int)i, &list->rows[list->count]);
    }
    PQclear(result);
    if (list->rows == NULL) {
        return failure_memory(failure, "reading revocations");
    }
    qsort(list->rows, list->count, sizeof *list->rows, compare);
    return true;
}

void revocations_free(struct revocations *list)
{
    free(list->rows);
    *list = (struct revocations){0};
}

static bool holds(const struct revocations *list, const struct token *token, char scope,
                  const struct uuid *host_id)
{
    struct revocation sought = {.scope = scope, .host_id = *host_id};
    memcpy(sought.customer_id, token->customer_id, sizeof sought.customer_id);
    const struct revocation *found =
        bsearch(&sought, list->rows, list->count, sizeof sought, compare);
    return found != NULL && token->issued_at < found->issued_before;
}

bool revocations_hold(const struct revocations *list, const struct token *token)
{
    static const struct uuid none = {{0}};
    if (list->count == 0) {
        return false;
    }
    return holds(list, token, 'c', &none) ||
           (token->kind == TOKEN_GATEWAY && holds(list, token, 'g', &none)) ||
           (token->kind == TOKEN_HOST && holds(list, token, 'h', &token->host_id));
}
