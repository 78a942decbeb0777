/* All SQL of the collector.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_STATEMENTS_H
#define EPICENTER_COLLECTOR_STATEMENTS_H

/* Every wait inside a transaction is bounded here, so that a collector that stops in the middle of
 * one does not hold what it inserted for ever. */
#define STATEMENT_BEGIN "begin"
#define STATEMENT_COMMIT "commit"
/* Once a connection. */
#define STATEMENT_SET_TIMEOUTS                                                                     \
    "set lock_timeout = '4s'; set idle_in_transaction_session_timeout = '10s'"
#define STATEMENT_ROLLBACK "rollback"

/* $1: array of {"segment_id", "attributes"}, by segment_id: two transactions that insert the same
 * segments in the same order wait for each other instead of deadlocking. */
#define STATEMENT_ADD_SEGMENTS                                                                     \
    "insert into segment (segment_id, attributes) "                                                \
    "select segment_id, attributes "                                                               \
    "from jsonb_to_recordset($1::jsonb) as s(segment_id uuid, attributes jsonb) "                  \
    "order by segment_id on conflict do nothing"

/* $1: array of {"host_id", "customer_id", "name"}, likewise. */
#define STATEMENT_ADD_HOST_NAMES                                                                   \
    "insert into host_name (host_id, customer_id, name) "                                          \
    "select host_id, customer_id, name "                                                           \
    "from jsonb_to_recordset($1::jsonb) as h(host_id uuid, customer_id text, name text) "          \
    "order by host_id on conflict do nothing"

/* $1 collector, $2 row count, $3 earliest and $4 latest receive time. */
#define STATEMENT_ADD_LOAD                                                                         \
    "insert into report_load (collector, row_count, received_from, received_until) "               \
    "values ($1, $2, $3, $4) returning load_id, pg_current_xact_id()"

/* $1 load_id, $2 collector, $3 its transaction. Is the load there, and how does the transaction
 * stand? A server in recovery cannot say. Fails for a transaction that has not begun here. */
#define STATEMENT_RESOLVE_LOAD                                                                     \
    "select exists (select from report_load where load_id = $1 and collector = $2), "              \
    "case when pg_is_in_recovery() then 'in progress' else pg_xact_status($3::xid8) end"

#define STATEMENT_COPY_REPORTS                                                                     \
    "copy report (load_id, host_id, customer_id, segment_id, observed_at, received_at, "           \
    "interval_s, busy, peak, product_busy) from stdin (format binary)"

/* The same for a few rows in less time than a COPY takes to begin. $1 load, then arrays in the
 * order of the columns. */
#define STATEMENT_INSERT_REPORTS                                                                   \
    "insert into report (load_id, host_id, customer_id, segment_id, observed_at, received_at, "    \
    "interval_s, busy, peak, product_busy) select $1::bigint, * from unnest($2::uuid[], "          \
    "$3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::double precision[], "       \
    "$8::double precision[], $9::double precision[], $10::double precision[])"

#define STATEMENT_INSERT_UPDATES                                                                   \
    "insert into report_update (load_id, host_id, customer_id, segment_id, observed_at, "          \
    "received_at, update_id, outcome, happened_at) select $1::bigint, * from unnest($2::uuid[], "  \
    "$3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::smallint[], "   \
    "$9::timestamptz[])"

#define STATEMENT_COPY_UPDATES                                                                     \
    "copy report_update (load_id, host_id, customer_id, segment_id, observed_at, received_at, "    \
    "update_id, outcome, happened_at) from stdin (format binary)"

#define STATEMENT_COPY_REJECTED                                                                    \
    "copy rejected_report (source, customer_id, line, detail, excerpt) "                           \
    "from stdin (format binary)"

/* $1: array of {"n", "customer_id", "key", "fingerprint", "answer"}: by key, so that transactions
 * wait for each other instead of deadlocking, and of two with one key the first counts. A row for
 * each key that was not there. */
#define STATEMENT_CLAIM_KEYS                                                                       \
    "insert into idempotency_key (customer_id, key, fingerprint, answer) "                         \
    "select customer_id, key, decode(fingerprint, 'hex'), answer "                                 \
    "from jsonb_to_recordset($1::jsonb) "                                                          \
    "as k(n integer, customer_id text, key text, fingerprint text, answer text) "                  \
    "order by customer_id, key, n on conflict do nothing returning customer_id, key"

/* $1 likewise. */
#define STATEMENT_READ_KEYS                                                                        \
    "select distinct i.customer_id, i.key, encode(i.fingerprint, 'hex'), i.answer "                \
    "from idempotency_key i join jsonb_to_recordset($1::jsonb) "                                   \
    "as k(customer_id text, key text) on i.customer_id = k.customer_id and i.key = k.key"

/* $1: how many at most. */
#define STATEMENT_TRIM_KEYS "select trim_idempotency_keys($1)"

/* $1: how many to keep. */
#define STATEMENT_TRIM_REJECTED "select trim_rejected_reports($1)"

/* $1 SHA-256 of the secret, $2 customer, $3 hours, $4 uses. */
#define STATEMENT_ADD_SECRET                                                                       \
    "insert into enrolment_secret (secret_hash, customer_id, expires_at, uses_left) "              \
    "values ($1, $2, clock_timestamp() + make_interval(secs => 3600 * $3::double precision), $4)"

/* $1 SHA-256 of the secret. One row when it is good, and then one use less. */
#define STATEMENT_USE_SECRET                                                                       \
    "update enrolment_secret set uses_left = uses_left - 1 "                                       \
    "where secret_hash = $1 and expires_at > clock_timestamp() and uses_left > 0 "                 \
    "returning customer_id"

/* $1 customer, $2 scope, $3 host. */
#define STATEMENT_REVOKE                                                                           \
    "insert into token_revocation (customer_id, scope, host_id, issued_before) "                   \
    "values ($1, $2, $3, clock_timestamp()) "                                                      \
    "on conflict (customer_id, scope, host_id) do update "                                         \
    "set issued_before = excluded.issued_before, revoked_at = excluded.revoked_at"

/* $1: for how many seconds a token is good; what is older needs no revocation. */
#define STATEMENT_READ_REVOCATIONS                                                                 \
    "select customer_id, scope, host_id, (extract(epoch from issued_before) * 1000000)::bigint "   \
    "from token_revocation "                                                                       \
    "where issued_before > now() - make_interval(secs => $1::double precision)"

/* $1: array of events, times in microseconds since 1970; by key, as other collectors write them in
 * the same order. */
#define STATEMENT_ADD_EVENTS                                                                       \
    "insert into access_event as old (event, customer_id, host_id, address, detail, occurrences, " \
    "first_at, last_at) "                                                                          \
    "select event, customer_id, host_id, address, detail, occurrences, "                           \
    "to_timestamp(first_us / 1e6), to_timestamp(last_us / 1e6) "                                   \
    "from jsonb_to_recordset($1::jsonb) as e(event text, customer_id text, host_id uuid, "         \
    "address text, detail text, occurrences bigint, first_us bigint, last_us bigint) "             \
    "order by event, customer_id, host_id "                                                        \
    "on conflict (event, customer_id, host_id) do update set address = excluded.address, "         \
    "detail = excluded.detail, occurrences = old.occurrences + excluded.occurrences, "             \
    "last_at = excluded.last_at"

/* $1: how many to keep. */
#define STATEMENT_TRIM_EVENTS "select trim_access_events($1)"

#endif
