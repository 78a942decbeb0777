/* Every SQL statement of the analyzer program, parameters and columns said beside it. Instants go
 * in as RFC 3339 text and come out as microseconds since the epoch.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_STATEMENTS_H
#define EPICENTER_ANALYZER_STATEMENTS_H

/* ---- follow: what has been loaded ---- */

#define STATEMENT_MICROSECONDS(expression) "(extract(epoch from " expression ") * 1000000)::bigint"

#define STATEMENT_LOAD_COLUMNS                                                                         \
    "l.load_id, l.row_count, " STATEMENT_MICROSECONDS(                                                 \
        "l.received_from") ", " STATEMENT_MICROSECONDS("l.received_until") ","                         \
                                                                           " " STATEMENT_MICROSECONDS( \
                                                                               "l.loaded_at")

/* $1 horizon in microseconds -> first load within it, newest load, start of the horizon in
 * microseconds; all null while there is no load. */
#define STATEMENT_HORIZON                                                                          \
    "with newest as (select max(received_until) as until, max(load_id) as load_id"                 \
    "                from report_load),"                                                           \
    "     start as (select until - $1::bigint * interval '1 microsecond' as at from newest)"       \
    " select (select min(load_id) from report_load, start where received_until >= start.at),"      \
    "        newest.load_id, " STATEMENT_MICROSECONDS("start.at") " from newest, start"

/* $1 load id -> until when it was received, and until when the newest, in microseconds; null: it is
 * not there. */
#define STATEMENT_RESUME                                                                           \
    "select (select " STATEMENT_MICROSECONDS(                                                      \
        "received_until") " from report_load where load_id = $1::bigint), "                        \
                          "(select " STATEMENT_MICROSECONDS(                                       \
                              "max(received_until)") " from report_load)"

/* $1 load id, $2 how many at most -> the loads after it. */
#define STATEMENT_LOADS_AFTER                                                                      \
    "select " STATEMENT_LOAD_COLUMNS " from report_load l"                                         \
    " where l.load_id > $1::bigint order by l.load_id limit $2::bigint"

/* $1 array of load ids -> the database's clock, and those that are there by now; one row with
 * nulls when none is. */
#define STATEMENT_LOADS_MISSING                                                                    \
    "select " STATEMENT_MICROSECONDS(                                                              \
        "c.now") ", " STATEMENT_LOAD_COLUMNS " from (select clock_timestamp() as now) c"           \
                 " left join report_load l on l.load_id = any($1::bigint[]) order by l.load_id"

/* COPY takes no parameters, so what bounds it is set first, by a statement that does.
 * $1 first load, $2 last load, $3 and $4 first and last receive time, by which the
 * executor uses the BRIN index and prunes partitions. The planner is kept from a
 * parallel scan of the whole table, which it prefers while a table that fills fast has no
 * statistics yet. */
#define STATEMENT_COPY_BOUNDS                                                                      \
    "select set_config('enable_seqscan', 'off', false),"                                           \
    " set_config('max_parallel_workers_per_gather', '0', false),"                                  \
    " set_config('epicenter.first_load', $1, false),"                                              \
    " set_config('epicenter.last_load', $2, false),"                                               \
    " set_config('epicenter.received_from', $3, false),"                                           \
    " set_config('epicenter.received_until', $4, false)"

/* Each bound is a subquery so that it is read once; as a plain call it would be read for every row,
 * which doubles the time of the whole copy (measured). */
#define STATEMENT_COPY_CONDITION                                                                   \
    " where load_id >= (select current_setting('epicenter.first_load')::bigint)"                   \
    " and load_id <= (select current_setting('epicenter.last_load')::bigint)"                      \
    " and received_at >= (select current_setting('epicenter.received_from')::timestamptz)"         \
    " and received_at <= (select current_setting('epicenter.received_until')::timestamptz)"

#define STATEMENT_COPY_REPORTS                                                                     \
    "copy (select load_id, host_id, customer_id, segment_id, observed_at, received_at,"            \
    " interval_s, busy, peak, product_busy from report" STATEMENT_COPY_CONDITION                   \
    ") to stdout (format binary)"

#define STATEMENT_COPY_UPDATES                                                                     \
    "copy (select load_id, host_id, customer_id, segment_id, observed_at, received_at,"            \
    " update_id, outcome, happened_at from report_update" STATEMENT_COPY_CONDITION                 \
    ") to stdout (format binary)"

/* $1 array of segment ids -> id, attributes as JSON. */
#define STATEMENT_SEGMENTS                                                                         \
    "select segment_id, attributes from segment where segment_id = any($1::uuid[])"

/* Keeps the BRIN indexes on load_id good for the copies above. */
#define STATEMENT_SUMMARIZE_LOADS "select summarize_report_loads()"

/* ---- state_keeper: what is known, stored ---- */

/* Readers keep seeing the state that is being replaced; another writer waits. */
#define STATEMENT_STATE_BEGIN                                                                      \
    "begin; lock table stored_state in share row exclusive mode; delete from stored_state"
#define STATEMENT_STATE_STORE "copy stored_state (part, as_of, bytes) from stdin (format binary)"
#define STATEMENT_STATE_READ                                                                       \
    "copy (select bytes from stored_state order by part) to stdout (format binary)"

/* ---- leadership: who writes ---- */

/* -> whether this connection has the lock of the analyzer that writes; the number is "Epicentr" in
 * ASCII. A machine that vanishes must not keep it: its connection counts as lost after some 20 s.
 */
#define STATEMENT_LEAD                                                                             \
    "select pg_try_advisory_lock(5003615061633037426), set_config('tcp_keepalives_idle', '10', "   \
    "false), set_config('tcp_keepalives_interval', '3', false),"                                   \
    " set_config('tcp_keepalives_count', '3', false)"

/* ---- publish: what has been answered ---- */

/* $1 update, $2 decided at, $3 verdict, $4 log10 of the e-value, $5 … $7 rate ratio, $8 reasons; $9
 * and $10 what receivers of either form are sent, null: nothing. Receivers are told of a change
 * when it is written first, so a restart tells nobody twice. */
#define STATEMENT_VERDICT_CHANGE                                                                   \
    "with changed as (insert into verdict_change (update_id, decided_at, verdict, log10_e_value,"  \
    " rate_ratio_low, rate_ratio_likely, rate_ratio_high, reasons)"                                \
    " values ($1, $2::timestamptz, $3, $4::double precision, $5::double precision,"                \
    " $6::double precision, $7::double precision, $8::jsonb) on conflict do nothing"               \
    " returning update_id, decided_at),"                                                           \
    " told as (select webhook_id, case form when 'standard' then $9::text else $10::text end"      \
    " as payload from webhook where gone_at is null)"                                              \
    " insert into webhook_message (webhook_id, update_id, decided_at, payload)"                    \
    " select webhook_id, update_id, decided_at, payload from changed, told"                        \
    " where payload is not null on conflict do nothing"

/* $1 as of, $2 document. */
#define STATEMENT_ANSWER                                                                           \
    "insert into answer (one, as_of, document) values (true, $1::timestamptz, $2::jsonb)"          \
    " on conflict (one) do update set as_of = excluded.as_of, document = excluded.document"

/* $1 id, $2 as of, $3 version of the parameters, $4 document. */
#define STATEMENT_SNAPSHOT_KEEP                                                                    \
    "insert into snapshot (snapshot_id, as_of, parameters_version, document)"                      \
    " values ($1, $2::timestamptz, $3::bigint, $4) on conflict do nothing"

/* $1 the beginning of an id. -> id, document. */
#define STATEMENT_SNAPSHOT_READ                                                                    \
    "select snapshot_id, document from snapshot where snapshot_id >= $1 and snapshot_id ^@ $1"     \
    " order by snapshot_id limit 1"

/* ---- webhook: who is told ---- */

/* $1 url, $2 form, $3 secret. */
#define STATEMENT_WEBHOOK_ADD                                                                      \
    "insert into webhook (url, form, secret) values ($1, $2, $3) returning webhook_id"

/* -> id, form, url, messages delivered, waiting and given up, last error, whether it is gone. */
#define STATEMENT_WEBHOOK_LIST                                                                     \
    "select w.webhook_id, w.form, w.url, count(m.delivered_at), count(m.due_at),"                  \
    " count(*) filter (where m.due_at is null and m.delivered_at is null"                          \
    "                  and m.message_id is not null),"                                             \
    " (array_agg(m.last_error order by m.made_at desc)"                                            \
    "  filter (where m.last_error is not null))[1], w.gone_at is not null"                         \
    " from webhook w left join webhook_message m using (webhook_id)"                               \
    " group by w.webhook_id order by w.webhook_id"

/* $1 id -> the id, when there was such a receiver. */
#define STATEMENT_WEBHOOK_REMOVE "delete from webhook where webhook_id = $1::bigint returning 1"

/* $1 receivers that are being told something now -> for each other one the message longest due:
 * receiver, message, url, form, secret, payload. One at a time spares a receiver that is slow;
 * one it refuses does not hold up the next. */
#define STATEMENT_WEBHOOK_DUE                                                                      \
    "select distinct on (m.webhook_id) m.webhook_id, m.message_id, w.url, w.form, w.secret,"       \
    " m.payload from webhook_message m join webhook w using (webhook_id)"                          \
    " where m.due_at <= now() and m.webhook_id <> all($1::bigint[])"                               \
    " order by m.webhook_id, m.due_at, m.made_at"

/* $1 message. */
#define STATEMENT_WEBHOOK_DELIVERED                                                                \
    "update webhook_message set attempts = attempts + 1, due_at = null, delivered_at = now(),"     \
    " last_error = null where message_id = $1"

/* $1 message, $2 why, $3 pauses in seconds after the first, second, … attempt; after the last one
 * of them the message is given up. */
#define STATEMENT_WEBHOOK_FAILED                                                                   \
    "update webhook_message set attempts = attempts + 1, last_error = $2,"                         \
    " due_at = now() + ($3::double precision[])[attempts + 1] * interval '1 second'"               \
    " where message_id = $1"

/* $1 receiver, $2 why: nothing is sent to it any more. */
#define STATEMENT_WEBHOOK_GONE                                                                     \
    "with gone as (update webhook set gone_at = now() where webhook_id = $1::bigint)"              \
    " update webhook_message set due_at = null, last_error = $2"                                   \
    " where webhook_id = $1::bigint and due_at is not null"

/* ---- outreach_case: who calls whom ---- */

#define STATEMENT_CASE_COLUMNS                                                                     \
    "c.customer_id, c.state, c.holder, " STATEMENT_MICROSECONDS(                                   \
        "c.held_until") ","                                                                        \
                        " c.note, " STATEMENT_MICROSECONDS("c.since") ", c.version"

/* Nobody has come near it, or whoever took it let the hold run out. */
#define STATEMENT_CASE_IS_OPEN                                                                     \
    "(c.state = 'new' or (c.held_until <= now() and c.returns_to = 'new'))"

/* $1 update, $2 customers in the order to call them: gives the first hundred that are open a row to
 * lock. In the order of their ids, so that two who do this at once wait and do not deadlock. */
#define STATEMENT_CASES_OPEN                                                                       \
    "insert into outreach_case (update_id, customer_id, changed_by)"                               \
    " select $1, head.id, 'epicenter' from"                                                        \
    "  (select q.id, c.customer_id is null as missing"                                             \
    "   from unnest($2::text[]) with ordinality q(id, place)"                                      \
    "   left join outreach_case c on c.update_id = $1 and c.customer_id = q.id"                    \
    "   where c.customer_id is null or " STATEMENT_CASE_IS_OPEN                                    \
    "   order by q.place limit 100) head"                                                          \
    " where head.missing order by head.id on conflict do nothing"

/* $1 update, $2 customers in order, $3 agent, $4 seconds to hold it -> the case taken. */
#define STATEMENT_CASE_TAKE_NEXT                                                                   \
    "with next as (select c.customer_id from outreach_case c"                                      \
    "  join unnest($2::text[]) with ordinality q(id, place) on q.id = c.customer_id"               \
    "  where c.update_id = $1 and " STATEMENT_CASE_IS_OPEN                                         \
    "  order by q.place limit 1 for update of c skip locked)"                                      \
    " update outreach_case c set state = 'taken', returns_to = 'new', holder = $3,"                \
    " held_until = now() + $4::double precision * interval '1 second', since = now(),"             \
    " version = c.version + 1, changed_by = $3"                                                    \
    " from next where c.update_id = $1 and c.customer_id = next.customer_id"                       \
    " returning " STATEMENT_CASE_COLUMNS

/* $1 update, $2 customer, $3 agent, $4 seconds -> the case, when nobody else holds it. Whoever has
 * it already holds it longer. */
#define STATEMENT_CASE_TAKE                                                                        \
    "insert into outreach_case as c (update_id, customer_id, state, holder, held_until,"           \
    " changed_by) values ($1, $2, 'taken', $3,"                                                    \
    " now() + $4::double precision * interval '1 second', $3)"                                     \
    " on conflict (update_id, customer_id) do update set state = 'taken',"                         \
    " returns_to = case c.state when 'taken' then c.returns_to else c.state end,"                  \
    " holder = $3, held_until = excluded.held_until, since = now(), version = c.version + 1,"      \
    " changed_by = $3"                                                                             \
    " where c.held_until is null or c.held_until <= now() or c.holder = $3"                        \
    " returning " STATEMENT_CASE_COLUMNS

/* $1 update, $2 customer, $3 agent who holds it, $4 state, $5 note -> the case. */
#define STATEMENT_CASE_OUTCOME                                                                     \
    "update outreach_case c set state = $4, returns_to = $4, holder = null, held_until = null,"    \
    " note = $5, since = now(), version = c.version + 1, changed_by = $3"                          \
    " where c.update_id = $1 and c.customer_id = $2 and c.holder = $3 and c.held_until > now()"    \
    " returning " STATEMENT_CASE_COLUMNS

/* $1 update, $2 customer, $3 agent who holds it -> the case, as it was before. */
#define STATEMENT_CASE_RELEASE                                                                     \
    "update outreach_case c set state = c.returns_to, holder = null, held_until = null,"           \
    " since = now(), version = c.version + 1, changed_by = $3"                                     \
    " where c.update_id = $1 and c.customer_id = $2 and c.holder = $3"                             \
    " returning " STATEMENT_CASE_COLUMNS

/* $1 update, $2 customer, null: all of them -> the cases as they are now, in the order of strcmp.
 */
#define STATEMENT_CASES                                                                            \
    "select " STATEMENT_CASE_COLUMNS " from outreach c"                                            \
    " where c.update_id = $1 and ($2::text is null or c.customer_id = $2)"                         \
    " order by c.customer_id collate \"C\""

/* ---- advice: what support says ---- */

#define STATEMENT_ADVICE_COLUMNS                                                                   \
    "version, explanation, workaround, written_by, " STATEMENT_MICROSECONDS("written_at")

/* $1 update -> the newest version, where there is one. */
#define STATEMENT_ADVICE                                                                           \
    "select " STATEMENT_ADVICE_COLUMNS                                                             \
    " from update_advice where update_id = $1 order by version desc limit 1"

/* $1 update, $2 the version that was read, $3 explanation, $4 workaround, $5 who -> the version
 * written; no row when there is a newer one. */
#define STATEMENT_ADVICE_WRITE                                                                     \
    "insert into update_advice (update_id, version, explanation, workaround, written_by)"          \
    " select $1, $2::bigint + 1, $3, $4, $5 where $2::bigint ="                                    \
    "  coalesce((select max(version) from update_advice where update_id = $1), 0)"                 \
    " on conflict do nothing returning " STATEMENT_ADVICE_COLUMNS

/* ---- access: who may come in ---- */

/* A browser is signed in for 12 hours at most, and until it has been silent for 30 minutes. */
#define STATEMENT_SESSION_ENDS "s.created_at + interval '12 hours'"
#define STATEMENT_SESSION_IDLE_ENDS "s.last_seen_at + interval '30 minutes'"

/* -> hash in hexadecimal, name, role, and of a session (null for a key) the microseconds left to
 * it in any case, those left to it if it is silent, and how long it may be silent. */
#define STATEMENT_ACCESS                                                                                                     \
    "select encode(s.session_hash, 'hex'), s.name, coalesce(a.role, "                                                        \
    "s.role), " STATEMENT_MICROSECONDS(                                                                                      \
        STATEMENT_SESSION_ENDS                                                                                               \
        " - now()") ", " STATEMENT_MICROSECONDS(STATEMENT_SESSION_IDLE_ENDS                                                  \
                                                " - now()") ", " STATEMENT_MICROSECONDS("interval"                           \
                                                                                        " '30 "                              \
                                                                                        "minutes"                            \
                                                                                        "'") " fr"                           \
                                                                                             "om "                           \
                                                                                             "ses"                           \
                                                                                             "sio"                           \
                                                                                             "n "                            \
                                                                                             "s "                            \
                                                                                             "lef"                           \
                                                                                             "t "                            \
                                                                                             "joi"                           \
                                                                                             "n "                            \
                                                                                             "acc"                           \
                                                                                             "oun"                           \
                                                                                             "t "                            \
                                                                                             "a "                            \
                                                                                             "on "                           \
                                                                                             "a."                            \
                                                                                             "nam"                           \
                                                                                             "e "                            \
                                                                                             "= "                            \
                                                                                             "s."                            \
                                                                                             "acc"                           \
                                                                                             "oun"                           \
                                                                                             "t"                             \
                                                                                             " wh"                           \
                                                                                             "ere"                           \
                                                                                             " " STATEMENT_SESSION_ENDS      \
                                                                                             " > "                           \
                                                                                             "now"                           \
                                                                                             "() "                           \
                                                                                             "and"                           \
                                                                                             " " STATEMENT_SESSION_IDLE_ENDS \
                                                                                             " > "                           \
                                                                                             "now"                           \
                                                                                             "()"                            \
                                                                                             " an"                           \
                                                                                             "d "                            \
                                                                                             "a."                            \
                                                                                             "dis"                           \
                                                                                             "abl"                           \
                                                                                             "ed_"                           \
                                                                                             "at "                           \
                                                                                             "is "                           \
                                                                                             "nul"                           \
                                                                                             "l"                             \
                                                                                             " un"                           \
                                                                                             "ion"                           \
                                                                                             " al"                           \
                                                                                             "l "                            \
                                                                                             "sel"                           \
                                                                                             "ect"                           \
                                                                                             " en"                           \
                                                                                             "cod"                           \
                                                                                             "e("                            \
                                                                                             "key"                           \
                                                                                             "_ha"                           \
                                                                                             "sh,"                           \
                                                                                             " '"                            \
                                                                                             "hex"                           \
                                                                                             "'),"                           \
                                                                                             " na"                           \
                                                                                             "me,"                           \
                                                                                             " sc"                           \
                                                                                             "ope"                           \
                                                                                             ", "                            \
                                                                                             "nul"                           \
                                                                                             "l, "                           \
                                                                                             "nul"                           \
                                                                                             "l, "                           \
                                                                                             "nul"                           \
                                                                                             "l "                            \
                                                                                             "fro"                           \
                                                                                             "m "                            \
                                                                                             "api"                           \
                                                                                             "_ke"                           \
                                                                                             "y"                             \
                                                                                             " wh"                           \
                                                                                             "ere"                           \
                                                                                             " re"                           \
                                                                                             "vok"                           \
                                                                                             "ed_"                           \
                                                                                             "at "                           \
                                                                                             "is "                           \
                                                                                             "nul"                           \
                                                                                             "l"

/* $1 array of hashes in hexadecimal: sessions heard of just now. */
#define STATEMENT_SESSION_HEARD                                                                    \
    "update session set last_seen_at = now()"                                                      \
    " where session_hash in (select decode(h, 'hex') from unnest($1::text[]) h)"

/* $1 name -> the password's hash. */
#define STATEMENT_ACCOUNT_PASSWORD                                                                 \
    "select password_hash from account where name = $1 and disabled_at is null"

/* $1 hash of the new session, $2 account, $3 hash of the session the browser had -> role. */
#define STATEMENT_SESSION_ADD                                                                      \
    "with gone as (delete from session where session_hash = decode($3, 'hex'))"                    \
    " insert into session (session_hash, account, name, role)"                                     \
    " select decode($1, 'hex'), name, name, role from account"                                     \
    " where name = $2 and disabled_at is null returning role"

/* $1 hash of the new session, $2 of the link, $3 of the session the browser had -> role; no row
 * where the link was used or has run out. */
#define STATEMENT_LINK_USE                                                                         \
    "with used as (update sign_in_link set used_at = now() where link_hash = decode($2, 'hex')"    \
    "  and used_at is null and expires_at > now() returning name, role),"                          \
    " gone as (delete from session where session_hash = decode($3, 'hex'))"                        \
    " insert into session (session_hash, name, role)"                                              \
    " select decode($1, 'hex'), name, role from used returning role"

/* $1 hash of the session. */
#define STATEMENT_SESSION_END "delete from session where session_hash = decode($1, 'hex')"

/* $1 hash of the link, $2 name, $3 role. */
#define STATEMENT_LINK_ADD                                                                         \
    "insert into sign_in_link (link_hash, name, role) values (decode($1, 'hex'), $2, $3)"

/* $1 hash of a link -> it was added, since nobody has an account who could let others in. */
#define STATEMENT_LINK_FIRST                                                                       \
    "insert into sign_in_link (link_hash, name, role) select decode($1, 'hex'), 'first admin',"    \
    " 'admin' where not exists (select from account where role = 'admin' and disabled_at is null)" \
    " returning 1"

/* $1 name, $2 the password's hash, $3 role. */
#define STATEMENT_ACCOUNT_ADD "insert into account (name, password_hash, role) values ($1, $2, $3)"

/* $1 name, $2 the password's hash -> the account is there; its sessions end, and it is in use again
 * if it was not. */
#define STATEMENT_ACCOUNT_SET_PASSWORD                                                             \
    "with ended as (delete from session where account = $1)"                                       \
    " update account set password_hash = $2, disabled_at = null where name = $1 returning 1"

/* $1 name -> the account is there; its sessions end. */
#define STATEMENT_ACCOUNT_DISABLE                                                                  \
    "with ended as (delete from session where account = $1)"                                       \
    " update account set disabled_at = coalesce(disabled_at, now()) where name = $1 returning 1"

/* -> name, role, sessions, whether it is disabled. */
#define STATEMENT_ACCOUNT_LIST                                                                     \
    "select a.name, a.role, (select count(*) from session s where s.account = a.name "             \
    "and " STATEMENT_SESSION_ENDS " > now() and " STATEMENT_SESSION_IDLE_ENDS " > now()),"         \
    " a.disabled_at is not null from account a order by a.name"

/* $1 name, $2 the key's hash, $3 scope. A name may be given again once its key is revoked. */
#define STATEMENT_KEY_ADD                                                                          \
    "insert into api_key as k (name, key_hash, scope) values ($1, decode($2, 'hex'), $3)"          \
    " on conflict (name) do update set key_hash = excluded.key_hash, scope = excluded.scope,"      \
    " added_at = now(), revoked_at = null where k.revoked_at is not null returning 1"

/* $1 name -> the key is there. */
#define STATEMENT_KEY_REVOKE                                                                       \
    "update api_key set revoked_at = coalesce(revoked_at, now()) where name = $1 returning 1"

/* -> name, scope, when added, whether it is revoked. */
#define STATEMENT_KEY_LIST                                                                         \
    "select name, scope, to_char(added_at at time zone 'UTC', 'YYYY-MM-DD'),"                      \
    " revoked_at is not null from api_key order by name"

/* ---- contact: whom to call ---- */

/* $1 array of objects. */
#define STATEMENT_CONTACT_IMPORT "select import_contacts($1::jsonb)"

/* $1 customer -> position, task, name, phone, email, masked. */
#define STATEMENT_CONTACT_MASKED                                                                   \
    "select position, task, name, phone, email from masked_contact where customer_id = $1"         \
    " order by position"

/* $1 update, $2 customer, $3 who, $4 in which role, $5 why -> the same in clear. */
#define STATEMENT_CONTACT_OPEN                                                                     \
    "select position, task, name, phone, email from open_contact($1, $2, $3, $4, $5)"              \
    " order by position"

/* -> the log in order: id, microseconds, who, role, update, customer, reason, the hash before and
 * the row's own in hexadecimal. */
#define STATEMENT_CONTACT_OPENINGS                                                                 \
    "select opening_id, " STATEMENT_MICROSECONDS(                                                  \
        "opened_at") ", opened_by, role, update_id,"                                               \
                     " customer_id, reason, encode(previous_hash, 'hex'), encode(hash, 'hex')"     \
                     " from contact_opening order by opening_id"

/* -> id, when, who, customer, update, reason. */
#define STATEMENT_CONTACT_OPENINGS_SHOWN                                                           \
    "select opening_id, to_char(opened_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"'),"      \
    " opened_by, customer_id, update_id, reason from contact_opening order by opening_id"

/* ---- maintenance ---- */

/* Three days ahead: a week-end without the analyzer still finds its partitions. $1 days kept. */
#define STATEMENT_MAINTAIN_PARTITIONS "select maintain_report_partitions(3, $1::integer)"

/* $1 days kept after the last incident closed. */
#define STATEMENT_TRIM_CONTACTS "select trim_contacts($1::integer)"

/* $1 days that snapshots are kept. */
#define STATEMENT_TRIM_SNAPSHOTS                                                                   \
    "delete from snapshot where made_at < now() - make_interval(days => $1::integer)"

/* Sessions that have ended, and links that nobody can ask about any more. */
#define STATEMENT_TRIM_ACCESS                                                                      \
    "with links as (delete from sign_in_link where expires_at < now() - interval '30 days')"       \
    " delete from session s where " STATEMENT_SESSION_ENDS " < now()"                              \
    " or " STATEMENT_SESSION_IDLE_ENDS " < now()"

#endif
