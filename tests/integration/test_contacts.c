/* Are people's names and numbers seen by those alone who say why, and for no longer than needed? A
 * real analyzer on a real PostgreSQL. Oracles: the tables as their owner reads them, PostgreSQL's
 * own permissions, and rows that are changed behind the program's back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/database.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

#define SESSION "epn_0000000000000000000000000000000000000000000"
#define COOKIE "Cookie: __Host-epicenter=" SESSION
#define GOOD "{\"update\":\"pattern/1\",\"reason\":\"Calls after the incident, ticket 4711\"}"

static struct private_cluster *cluster;
static struct serving analyzer;

static struct http_answer ask(const char *path, const char *body)
{
    char url[256];
    struct http_answer answer = {0};
    (void)snprintf(url, sizeof url, "%s%s", analyzer.url, path);
    http_client_ask(
        NULL,
        &(struct http_ask){.url = url,
                           .body = body,
                           .headers =
                               (const char *[]){COOKIE, "Content-Type: application/json", NULL}},
        &answer);
    return answer;
}

static void assert_answer(const char *path, const char *body, unsigned status, const char *text)
{
    struct http_answer answer = ask(path, body);
    if (answer.status != status || (text != NULL && strcmp(answer.body.data, text) != 0)) {
        fail_msg("%s: %u %s", path, answer.status, answer.body.data);
    }
    http_answer_free(&answer);
}

static void command(const char *arguments, int status, const char *said)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "'%s' %s --database '%s'", ANALYZER_PROGRAM, arguments,
                   private_cluster_conninfo(cluster, "epicenter_analyzer"));
    struct process *process = process_run((const char *[]){"/bin/sh", "-c", line, NULL}, status);
    const char *found = status == 0 ? process_output(process) : process_log(process);
    if (strstr(found, said) == NULL) {
        fail_msg("%s says: %s", arguments, found);
    }
    process_free(process);
}

static int64_t openings(void)
{
    return private_cluster_number(cluster, "select count(*) from contact_opening");
}

/* ---- Opening ---- */

static void contacts_are_masked_until_somebody_says_why(void **state)
{
    (void)state;
    assert_answer("/v1/contacts/acme", NULL, 200,
                  "{\"customer_id\":\"acme\",\"opened\":false,\"contacts\":["
                  "{\"position\":1,\"task\":\"IT\",\"name\":\"Ü…\",\"phone\":\"… 42\","
                  "\"email\":\"u…@…\"},"
                  "{\"position\":2,\"task\":\"\",\"name\":\"K…\",\"phone\":\"\",\"email\":\"\"}]}");
    static const struct {
        const char *path, *body;
        unsigned status;
    } refused[] = {
        {"/v1/contacts/acme/open", "{\"update\":\"pattern/1\"}", 400},
        {"/v1/contacts/acme/open", "{\"update\":\"pattern/1\",\"reason\":\"ab\"}", 400},
        {"/v1/contacts/acme/open", "{\"reason\":\"because\"}", 400},
        {"/v1/contacts/acme/open", "[]", 400},
        {"/v1/contacts/nobody/open", GOOD, 404},
        {"/v1/contacts/acme", "{}", 405},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct http_answer answer = ask(refused[i].path, refused[i].body);
        if (answer.status != refused[i].status && !(i == 5 && answer.status == 404)) {
            fail_msg("case %zu: %u", i, answer.status);
        }
        http_answer_free(&answer);
    }
    assert_int_equal(openings(), 0);
    assert_answer("/v1/contacts/acme/open", GOOD, 200,
                  "{\"customer_id\":\"acme\",\"opened\":true,\"contacts\":["
                  "{\"position\":1,\"task\":\"IT\",\"name\":\"Ünal, Ute\",\"phone\":\"+81 3 5550 "
                  "0142\",\"email\":\"ute@acme.example\"},"
                  "{\"position\":2,\"task\":\"\",\"name\":\"Kato\",\"phone\":\"\",\"email\":"
                  "\"\"}]}");
    assert_string_equal(
        private_cluster_text(cluster, "select opened_by || '|' || role || '|' || update_id || '|'"
                                      " || customer_id || '|' || reason from contact_opening"),
        "Änn|support|pattern/1|acme|Calls after the incident, ticket 4711");
    /* Masked again for the next. */
    struct http_answer answer = ask("/v1/contacts/acme", NULL);
    char value[HTTP_HEADER_VALUE_SIZE];
    assert_null(strstr(answer.body.data, "Kato"));
    assert_string_equal(http_answer_header(&answer, "Cache-Control", value), "no-store");
    http_answer_free(&answer);
}

/* Not even the analyzer's own connection reads them another way, or writes the log itself. */
static void there_is_no_other_way(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "select name from customer_contact",
        "insert into contact_opening select * from contact_opening",
        "update contact_opening set reason = 'none'",
        "delete from contact_opening",
        "truncate contact_opening",
        "delete from customer_contact"};
    static const char *const roles[] = {"epicenter_analyzer", "epicenter_viewer",
                                        "epicenter_collector"};
    for (size_t i = 0; i < 3; i++) {
        struct database *database;
        struct failure failure;
        assert_true(database_open(private_cluster_conninfo(cluster, roles[i]), "test", 0, &database,
                                  &failure));
        for (size_t j = 0; j < sizeof statements / sizeof *statements; j++) {
            assert_false(database_run(database, statements[j], 0, NULL, NULL, &failure));
            assert_non_null(strstr(failure.message, "permission denied"));
        }
        database_close(database);
    }
}

/* ---- The log ---- */

static void run_behind(const char *sql)
{
    char all[512];
    (void)snprintf(all, sizeof all,
                   "alter table contact_opening disable trigger append_only; %s;"
                   " alter table contact_opening enable trigger append_only",
                   sql);
    private_cluster_run(cluster, all);
}

static void what_is_changed_in_the_log_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_answer("/v1/contacts/acme/open", GOOD, 200, NULL);
    }
    command("audit verify", 0, "5 openings, all as they were written; the last hash is ");
    command("audit list", 0, "Änn opened acme for pattern/1: Calls after the incident");
    static const struct {
        const char *change, *undo;
    } cases[] = {
        {"update contact_opening set reason = 'Calls' where opening_id = 3",
         "update contact_opening set reason = o.reason from kept o"
         " where o.opening_id = contact_opening.opening_id"},
        {"update contact_opening set opened_at = opened_at + interval '1 us' where opening_id = 1",
         "update contact_opening set opened_at = opened_at - interval '1 us' where opening_id = 1"},
        {"delete from contact_opening where opening_id = 2",
         "insert into contact_opening select * from kept where opening_id = 2"},
        {"delete from contact_opening where opening_id = 1",
         "insert into contact_opening select * from kept where opening_id = 1"},
        /* What stands on either side of a border may not move over it. */
        {"update contact_opening set opened_by = 'Än', role = 'nsupport' where opening_id = 4",
         "update contact_opening set opened_by = 'Änn', role = 'support' where opening_id = 4"},
        {"insert into contact_opening select 6, opened_at, opened_by, role, update_id, customer_id,"
         " reason, hash, hash from contact_opening where opening_id = 5",
         "delete from contact_opening where opening_id = 6"},
    };
    private_cluster_run(cluster, "create table kept as select * from contact_opening");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_behind(cases[i].change);
        command("audit verify", 1, "the log is not as it was written: at opening ");
        run_behind(cases[i].undo);
        command("audit verify", 0, "5 openings");
    }
    private_cluster_run(cluster, "drop table kept");
}

/* ---- Retention ---- */

/* Starts the analyzer anew, as it cleans up at its start, and waits until it is through. NULL: as
 * long as it keeps them when nobody says. */
static void clean_up(const char *reports, const char *contacts)
{
    const char *arguments[5] = {NULL};
    size_t count = 0;
    if (reports != NULL) {
        arguments[count++] = "--keep-reports";
        arguments[count++] = reports;
    }
    if (contacts != NULL) {
        arguments[count++] = "--keep-contacts";
        arguments[count++] = contacts;
    }
    assert_int_equal(serving_stop(&analyzer), 0);
    analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", arguments);
    process_wait_for_log(analyzer.process, "following the database");
}

static int64_t contacts_of(const char *customer)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql,
                   "select count(*) from customer_contact where customer_id = '%s'", customer);
    return private_cluster_number(cluster, sql);
}

static void contacts_go_when_the_incident_is_long_over(void **state)
{
    (void)state;
    /* acme was called 29 days ago, bolt 31, both for an update that is withdrawn; cog 31 days ago
     * for one that is still held; dyn never; elm as bolt, but its contact is new. */
    private_cluster_run(
        cluster,
        "alter table contact_opening disable trigger append_only; delete from contact_opening;"
        "insert into contact_opening select n, now() - d * interval '1 day', 'a', 'support', u, c,"
        " 'because', '', '' from (values (1, 29, 'pattern/1', 'acme'), (2, 31, 'pattern/2', "
        "'bolt'),"
        "  (3, 31, 'pattern/3', 'cog'), (4, 31, 'pattern/2', 'elm')) v (n, d, u, c);"
        "insert into update_release (update_id, withdrawn_at) values"
        " ('pattern/1', now() - interval '60 days'), ('pattern/2', now() - interval '60 days');"
        "insert into verdict_change (update_id, decided_at, verdict, log10_e_value, reasons)"
        " select 'pattern/' || n, now() - interval '61 days', 'HOLD', 4, '[]'"
        "  from generate_series(1, 3) n;"
        "update customer_contact set added_at = now() - interval '90 days'"
        " where customer_id <> 'elm'");
    clean_up(NULL, NULL);
    assert_int_equal(contacts_of("acme"), 2);
    assert_int_equal(contacts_of("bolt"), 0);
    assert_int_equal(contacts_of("cog"), 1);
    assert_int_equal(contacts_of("dyn"), 1);
    assert_int_equal(contacts_of("elm"), 1);
    clean_up("30", "28");
    assert_int_equal(contacts_of("acme"), 0);
    assert_int_equal(contacts_of("cog"), 1);
    /* So do sessions that have ended, and old links; the rest stays. */
    private_cluster_run(
        cluster, "insert into session (session_hash, name, role, created_at, last_seen_at) values"
                 " ('a', 'x', 'viewer', now() - interval '13 hours', now()),"
                 " ('b', 'x', 'viewer', now(), now() - interval '31 minutes');"
                 "insert into sign_in_link (link_hash, name, role, expires_at) values"
                 " ('a', 'x', 'viewer', now() - interval '31 days'),"
                 " ('b', 'x', 'viewer', now() - interval '29 days')");
    clean_up("30", "28");
    assert_int_equal(private_cluster_number(cluster, "select count(*) from session"), 1);
    assert_int_equal(
        private_cluster_number(cluster, "select count(*) from sign_in_link where name = 'x'"), 1);
    /* Who looked is known for longer. */
    assert_int_equal(openings(), 4);
}

static void raw_reports_go_when_they_are_old(void **state)
{
    (void)state;
    for (int days = 1; days <= 40; days++) {
        char sql[512];
        (void)snprintf(sql, sizeof sql,
                       "do $$ begin execute format('create table report_%%s partition of report for"
                       " values from (%%L) to (%%L)', to_char(current_date - %d, 'YYYYMMDD'),"
                       " (current_date - %d)::timestamp at time zone 'UTC',"
                       " (current_date - %d)::timestamp at time zone 'UTC'); end $$",
                       days, days, days - 1);
        private_cluster_run(cluster, sql);
    }
    static const char oldest[] =
        "select current_date - min(to_date(right(relname, 8), 'YYYYMMDD')) from pg_class"
        " where relname ~ '^report_[0-9]{8}$'";
    clean_up("31", NULL);
    assert_int_equal(private_cluster_number(cluster, oldest), 31);
    clean_up(NULL, NULL);
    assert_int_equal(private_cluster_number(cluster, oldest), 30);
    clean_up("7", NULL);
    assert_int_equal(private_cluster_number(cluster, oldest), 7);
}

/* ---- Start and end ---- */

static int start(void **state)
{
    (void)state;
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    private_cluster_run(
        cluster, "insert into customer (customer_id, name, kind, region, country, time_zone, tier)"
                 " select c, c, 'corporate', 'JP', 'JP', 'Asia/Tokyo', 'gold'"
                 "  from unnest('{acme,bolt,cog,dyn,elm}'::text[]) c;"
                 "insert into session (session_hash, name, role)"
                 " values (sha256('" SESSION "'), 'Änn', 'support')");
    const char *path = private_cluster_path(cluster, "contacts.csv");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs("customer_id,position,name,task,phone,email\n"
                "acme,1,Nobody,,,\n"
                "acme,2,Kato,,,\n"
                "acme,1,\"Ünal, Ute\",IT,+81 3 5550 0142,ute@acme.example\n"
                "bolt,1,B,,,\ncog,1,C,,,\ndyn,1,D,,,\nelm,1,E,,,\n",
                file);
    assert_int_equal(fclose(file), 0);
    char import[256];
    (void)snprintf(import, sizeof import, "import contacts '%s'", path);
    command(import, 0, "7 rows of contacts imported.");
    analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    int status = serving_stop(&analyzer);
    private_cluster_remove(cluster);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contacts_are_masked_until_somebody_says_why),
        cmocka_unit_test(there_is_no_other_way),
        cmocka_unit_test(what_is_changed_in_the_log_is_found),
        cmocka_unit_test(contacts_go_when_the_incident_is_long_over),
        cmocka_unit_test(raw_reports_go_when_they_are_old),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
