/* Can two agents work one list over HTTP? A real analyzer on a real PostgreSQL with the sample
 * fleet, in which sixty customers are harmed. Oracles: what the other agent is told, and the tables
 * as the owner reads them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/buffer.h"
#include "common/database.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

#define OUTREACH "/v1/updates/" SAMPLE_UPDATE "/outreach"

static struct private_cluster *cluster;
static struct serving analyzer;

/* Programs with keys may work at the desk, too: each agent here is one. */
static char *key_of(const char *agent, char key[48])
{
    (void)snprintf(key, 48, "epk_%s", agent);
    memset(key + strlen(key), '-', 47 - strlen(key));
    key[47] = '\0';
    return key;
}

static void add_key(const char *agent, const char *scope)
{
    char key[48];
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "insert into api_key (name, key_hash, scope)"
                   " values ('%s', sha256('%s'), '%s')",
                   agent, key_of(agent, key), scope);
    private_cluster_run(cluster, sql);
}

static void add_agent(const char *agent)
{
    add_key(agent, "support");
}

static struct http_answer ask_as(const char *agent, const char *path, const char *body,
                                 const char *header)
{
    char url[512];
    char key[48];
    char bearer[96];
    struct http_answer answer = {0};
    const char *headers[] = {bearer, header, NULL};
    (void)snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", key_of(agent, key));
    (void)snprintf(url, sizeof url, "%s%s", analyzer.url, path);
    http_client_ask(NULL, &(struct http_ask){.url = url, .body = body, .headers = headers},
                    &answer);
    return answer;
}

static struct http_answer ask(const char *path, const char *header)
{
    return ask_as("ann", path, NULL, header);
}

static json_t *json_of(struct http_answer *answer, unsigned status)
{
    if (answer->status != status) {
        fail_msg("%u instead of %u: %s", answer->status, status, answer->body.data);
    }
    json_t *document = json_loads(answer->body.data, 0, NULL);
    assert_non_null(document);
    http_answer_free(answer);
    return document;
}

static json_t *get_as(const char *agent, const char *path)
{
    struct http_answer answer = ask_as(agent, path, NULL, NULL);
    return json_of(&answer, 200);
}

static json_t *get(const char *path)
{
    return get_as("eve", path); /* who holds nobody: whom one holds is always listed */
}

static json_t *post(const char *agent, const char *path, unsigned status, const char *body)
{
    struct http_answer answer = ask_as(agent, path, body, "Content-Type: application/json");
    return json_of(&answer, status);
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void path_of(const json_t *customer, const char *verb, char path[256])
{
    (void)snprintf(path, 256, OUTREACH "/%s/%s", text(customer, "customer_id"), verb);
}

/* ---- The list ---- */

static void the_list_is_the_analyzers_queue(void **state)
{
    (void)state;
    json_t *list = get(OUTREACH "?limit=1000");
    json_t *update = get("/v1/updates/" SAMPLE_UPDATE);
    const json_t *customers = json_object_get(list, "customers");
    const json_t *queue = json_object_get(update, "outreach");
    assert_int_equal(number(list, "total"), number(update, "outreach_total"));
    assert_int_equal(json_array_size(customers), json_array_size(queue));
    for (size_t i = 0; i < json_array_size(queue); i++) {
        const json_t *customer = json_array_get(customers, i);
        assert_string_equal(text(customer, "customer_id"),
                            text(json_array_get(queue, i), "customer_id"));
        assert_string_equal(text(customer, "state"), "new");
    }
    const json_t *region = json_array_get(json_object_get(list, "progress"), 0);
    assert_int_equal(number(region, "customers"), number(region, "new"));
    json_decref(update);
    json_decref(list);
}

/* Asked for a while: answers follow a change within seconds. */
static bool first_is_named(const char *name)
{
    for (int i = 0; i < 300; i++) {
        json_t *list = get(OUTREACH);
        bool named =
            strcmp(text(json_array_get(json_object_get(list, "customers"), 0), "name"), name) == 0;
        json_decref(list);
        if (named) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return false;
}

static void a_running_analyzer_sees_what_is_registered_and_what_is_deleted(void **state)
{
    (void)state;
    char sql[512];
    json_t *list = get(OUTREACH);
    const json_t *first = json_array_get(json_object_get(list, "customers"), 0);
    (void)snprintf(sql, sizeof sql,
                   "insert into customer (customer_id, name, kind, region, country, time_zone,"
                   " tier, language, criticality) values ('%s', 'Renamed', 'corporate', 'JP', 'JP',"
                   " 'Asia/Tokyo', 'premium', 'ja', 'critical') on conflict (customer_id)"
                   " do update set name = 'Renamed', tier = 'premium', criticality = 'critical'",
                   text(first, "customer_id"));
    private_cluster_run(cluster, sql);
    assert_true(first_is_named("Renamed"));
    (void)snprintf(sql, sizeof sql, "delete from customer where customer_id = '%s'",
                   text(first, "customer_id"));
    private_cluster_run(cluster, sql);
    bool gone = false;
    for (int i = 0; !gone && i < 300; i++) {
        json_t *now = get(OUTREACH "?limit=1000");
        const json_t *customers = json_object_get(now, "customers");
        gone = true;
        for (size_t c = 0; c < json_array_size(customers); c++) {
            gone = gone && strcmp(text(json_array_get(customers, c), "name"), "Renamed") != 0;
        }
        json_decref(now);
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    assert_true(gone);
    json_decref(list);
}

static json_t *post_csv(const char *agent, const char *path, unsigned status, const char *csv)
{
    struct http_answer answer = ask_as(agent, path, csv, "Content-Type: text/csv");
    return json_of(&answer, status);
}

static void the_registry_is_imported_by_its_own_key_only(void **state)
{
    (void)state;
    static const char customers[] =
        "customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,currency,"
        "renewal_on\nby-api,N,corporate,JP,JP,Asia/Tokyo,a,,,,\n";
    static const char bad[] = "customer_id,product_line,seats\nby-api,A,many\n";
    json_t *dry = post_csv("crm", "/v1/registry/customers?dry_run=1", 200, customers);
    assert_int_equal(number(dry, "new"), 1);
    assert_true(json_is_true(json_object_get(dry, "dry_run")));
    json_t *done = post_csv("crm", "/v1/registry/customers", 200, customers);
    assert_int_equal(number(done, "new"), 1);
    json_t *again = post_csv("crm", "/v1/registry/customers", 200, customers);
    assert_int_equal(number(again, "unchanged"), 1);
    json_t *refused = post_csv("crm", "/v1/registry/seats", 400, bad);
    assert_string_equal(text(refused, "detail"),
                        "seats.csv line 2, seats: \"many\" is not a whole number from 0");
    json_t *counted = post_csv("crm", "/v1/registry/seats?dry_run=1", 200, bad);
    assert_int_equal(number(counted, "refused"), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(counted, "refusals"), 0)),
                        "seats.csv line 2, seats: \"many\" is not a whole number from 0");
    json_decref(post_csv("ann", "/v1/registry/customers", 403, customers));
    json_decref(post_csv("crm", "/v1/registry/agents", 404, customers));
    json_decref(post("crm", "/v1/registry/customers", 415, "{}"));
    assert_int_equal(private_cluster_number(cluster, "select count(*) from customer"
                                                     " where customer_id = 'by-api'"),
                     1);
    json_decref(counted);
    json_decref(refused);
    json_decref(again);
    json_decref(done);
    json_decref(dry);
}

/* Given two customers an agent holds, when the incident moves under them again and again, then they
 * stay where the agent has them, first and in the order they were taken, and the others follow the
 * analyzer's order. */
static void the_list_moves_but_not_under_whom_one_holds(void **state)
{
    (void)state;
    char body[128];
    char sql[512];
    char held[2][32];
    json_t *before = get(OUTREACH "?limit=1000");
    const json_t *customers = json_object_get(before, "customers");
    const size_t taken[] = {6, 2}; /* not in the order of the queue */
    for (size_t i = 0; i < 2; i++) {
        const json_t *customer = json_array_get(customers, taken[i]);
        (void)snprintf(held[i], sizeof held[i], "%s", text(customer, "customer_id"));
        (void)snprintf(body, sizeof body, "{\"customer\":\"%s\"}", held[i]);
        json_decref(post("ann", OUTREACH "/take", 200, body));
    }
    for (size_t move = 0; move < 3; move++) {
        const char *riser = text(json_array_get(customers, 20 + move), "customer_id");
        char name[32];
        (void)snprintf(name, sizeof name, "Riser %zu", move);
        (void)snprintf(sql, sizeof sql,
                       "insert into customer (customer_id, name, kind, region, country, time_zone,"
                       " tier, criticality, contract_value, currency) values ('%s', '%s',"
                       " 'corporate', 'JP', 'JP', 'Asia/Tokyo', 'premium', 'critical', %zu, 'USD')",
                       riser, name, (move + 1) * 100000000);
        private_cluster_run(cluster, sql);
        assert_true(first_is_named(name));
        json_t *anns = get_as("ann", OUTREACH "?limit=1000");
        const json_t *now = json_object_get(anns, "customers");
        assert_int_equal(json_array_size(now), json_array_size(customers));
        for (size_t i = 0; i < 2; i++) {
            assert_string_equal(text(json_array_get(now, i), "customer_id"), held[i]);
        }
        assert_string_equal(text(json_array_get(now, 2), "customer_id"), riser);
        for (size_t i = 3; i < json_array_size(now); i++) {
            assert_true(number(json_array_get(now, i), "rank") >
                        number(json_array_get(now, i - 1), "rank"));
        }
        json_decref(anns);
    }
    private_cluster_run(cluster, "delete from customer where name like 'Riser%'");
    json_decref(before);
}

static void the_list_narrows(void **state)
{
    (void)state;
    json_t *taken = post("ann", OUTREACH "/take", 200, "{}");
    json_t *only = get(OUTREACH "?state=taken");
    assert_int_equal(number(only, "matching"), 1);
    assert_string_equal(text(json_array_get(json_object_get(only, "customers"), 0), "customer_id"),
                        text(taken, "customer_id"));
    json_t *none = get(OUTREACH "?region=nowhere");
    assert_int_equal(number(none, "matching"), 0);
    json_t *some = get(OUTREACH "?state=new,fixed&limit=5");
    assert_int_equal(json_array_size(json_object_get(some, "customers")), 5);
    assert_int_equal(number(some, "matching"), number(some, "total") - 1);
    json_decref(post("ann", OUTREACH "?state=", 404, "{}"));
    json_decref(some);
    json_decref(none);
    json_decref(only);
    json_decref(taken);
    struct http_answer answer = ask(OUTREACH "?state=asleep", NULL);
    json_decref(json_of(&answer, 400));
}

/* ---- Two agents ---- */

static void what_one_takes_the_other_does_not(void **state)
{
    (void)state;
    char path[256];
    char body[256];
    json_t *anns = post("ann", OUTREACH "/take", 200, "{}");
    json_t *bobs = post("bob", OUTREACH "/take", 200, "{}");
    assert_int_equal(number(anns, "rank"), 1);
    assert_int_equal(number(bobs, "rank"), 2);
    assert_string_equal(text(anns, "state"), "taken");
    assert_string_equal(text(anns, "holder"), "key ann");

    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\"}", text(anns, "customer_id"));
    json_t *refused = post("bob", OUTREACH "/take", 409, body);
    assert_non_null(strstr(text(refused, "detail"), "ann has taken"));
    path_of(anns, "outcome", path);
    json_decref(post("bob", path, 409, "{\"state\":\"fixed\"}"));
    json_decref(post("ann", path, 400, "{\"state\":\"taken\"}"));

    /* Each sees the own one first. */
    json_t *list = get_as("bob", OUTREACH);
    assert_string_equal(text(json_array_get(json_object_get(list, "customers"), 0), "customer_id"),
                        text(bobs, "customer_id"));

    json_t *done = post("ann", path, 200, "{\"state\":\"reached\",\"note\":\"=1+1\"}");
    assert_string_equal(text(done, "state"), "reached");
    assert_true(json_is_null(json_object_get(done, "holder")));
    path_of(bobs, "release", path);
    json_t *released = post("bob", path, 200, "{}");
    assert_string_equal(text(released, "state"), "new");
    assert_int_equal(private_cluster_number(cluster, "select count(*) from outreach_log where "
                                                     "changed_by in ('key ann', 'key bob')"),
                     4);
    json_decref(released);
    json_decref(done);
    json_decref(list);
    json_decref(refused);
    json_decref(bobs);
    json_decref(anns);
}

static void a_table_cannot_run_in_a_spreadsheet(void **state)
{
    (void)state;
    char path[256];
    char value[HTTP_HEADER_VALUE_SIZE];
    json_t *taken = post("ann", OUTREACH "/take", 200, "{}");
    path_of(taken, "outcome", path);
    json_decref(post("ann", path, 200, "{\"state\":\"reached\",\"note\":\"=1+1, \\\"x\\\"\"}"));
    json_decref(taken);
    struct http_answer named = ask(OUTREACH "?format=csv", NULL);
    struct http_answer accepted = ask(OUTREACH, "Accept: text/csv");
    assert_int_equal(named.status, 200);
    assert_string_equal(named.body.data, accepted.body.data);
    assert_string_equal(http_answer_header(&named, "Content-Type", value),
                        "text/csv; charset=utf-8");
    assert_non_null(http_answer_header(&named, "Content-Disposition", value));
    assert_int_equal(strncmp(named.body.data, "rank,customer_id,", 17), 0);
    assert_non_null(strstr(named.body.data, ",\"'=1+1, \"\"x\"\"\","));
    assert_null(strstr(named.body.data, ",=1"));
    http_answer_free(&accepted);
    http_answer_free(&named);
}

/* The score is what its parts make: (outage + churn) x waiting x tier x criticality x reach /
 * minutes; reckoned here from the table's own cells. */
static void the_table_says_what_a_score_is_made_of(void **state)
{
    (void)state;
    struct http_answer table = ask(OUTREACH "?format=csv", NULL);
    assert_int_equal(table.status, 200);
    const char *line = strstr(table.body.data, "\r\n");
    const char *heading = ",reasons,outage_usd,churn_usd,waiting,tier,criticality,reach,minutes";
    assert_int_equal(strncmp(line - strlen(heading), heading, strlen(heading)), 0);
    size_t lines = 0;
    for (line += 2; *line != '\0'; lines++) {
        const char *end = strstr(line, "\r\n");
        const char *cell = line;
        for (int i = 0; i < 5; i++) { /* names of the sample fleet hold no comma */
            cell = strchr(cell, ',') + 1;
        }
        double score = strtod(cell, NULL);
        double part[7];
        cell = end;
        for (int i = 6; i >= 0; i--) {
            for (cell--; *cell != ','; cell--) {
            }
            part[i] = strtod(cell + 1, NULL);
        }
        double made = (part[0] + part[1]) * part[2] * part[3] * part[4] * part[5] / part[6];
        assert_true(score > 0 && fabs(made / score - 1) < 1e-4);
        line = end + 2;
    }
    assert_true(lines > 10);
    http_answer_free(&table);
}

/* ---- The hosts of a customer ---- */

/* The sample fleet's: one host a customer, that took the update in minute 20 and is pinned from
 * minute 25 on. */
static void a_customer_has_its_hosts(void **state)
{
    (void)state;
    char sql[256];
    char path[256];
    json_t *list = get(OUTREACH "?limit=1000");
    const json_t *customers = json_object_get(list, "customers");
    for (size_t i = 0; i < json_array_size(customers); i++) {
        const json_t *customer = json_array_get(customers, i);
        path_of(customer, "hosts", path);
        json_t *given = get(path);
        const json_t *host = json_array_get(json_object_get(given, "hosts"), 0);
        assert_int_equal(json_array_size(json_object_get(given, "hosts")), 1);
        assert_int_equal(number(given, "hosts_affected"), number(customer, "hosts_affected"));
        assert_int_equal(number(given, "hosts_reporting"), 1);
        (void)snprintf(sql, sizeof sql,
                       "select count(distinct customer_id) from report where host_id = '%s'"
                       " and customer_id = '%s'",
                       text(host, "host_id"), text(customer, "customer_id"));
        assert_int_equal(private_cluster_number(cluster, sql), 1);
        assert_string_equal(text(host, "state"), "pinned");
        assert_string_equal(text(host, "os"), "Windows XP");
        assert_true(json_is_null(json_object_get(host, "recovered_at")));
        /* By the text: one that is later in time is later in the alphabet. */
        assert_true(strcmp(text(host, "installed_at"), "2005-04-22T22:19:50") > 0);
        assert_true(strcmp(text(host, "installed_at"), "2005-04-22T22:21:00") < 0);
        assert_true(strcmp(text(host, "onset_at"), "2005-04-22T22:24:00") > 0);
        assert_true(strcmp(text(host, "onset_at"), "2005-04-22T22:27:00") < 0);
        json_decref(given);
    }
    json_decref(list);
}

/* ---- What to say ---- */

#define ADVICE "/v1/updates/" SAMPLE_UPDATE "/advice"

static json_t *put_advice(const char *agent, unsigned status, const char *body)
{
    char url[512];
    char key[48];
    char bearer[96];
    struct http_answer answer = {0};
    const char *headers[] = {bearer, "Content-Type: application/json", NULL};
    (void)snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", key_of(agent, key));
    (void)snprintf(url, sizeof url, "%s" ADVICE, analyzer.url);
    http_client_ask(
        NULL, &(struct http_ask){.method = "PUT", .url = url, .body = body, .headers = headers},
        &answer);
    return json_of(&answer, status);
}

static void what_to_say_is_written_once_and_overwritten_by_nobody_who_has_not_read_it(void **state)
{
    (void)state;
    json_t *said = get(ADVICE);
    assert_int_equal(number(said, "version"), 0);
    assert_non_null(strstr(text(said, "explanation"), SAMPLE_UPDATE));
    assert_true(json_is_null(json_object_get(said, "written_by")));
    json_decref(said);
    json_t *anns = put_advice("ann", 200,
                              "{\"explanation\":\"It hangs.\",\"version\":0,"
                              "\"workaround\":\"1. Roll back.\\n2. Restart. \\u00fc\"}");
    assert_int_equal(number(anns, "version"), 1);
    assert_string_equal(text(anns, "written_by"), "key ann");
    json_t *refused = put_advice(
        "bob", 409, "{\"explanation\":\"It is slow.\",\"version\":0,\"workaround\":\"\"}");
    assert_non_null(strstr(text(refused, "detail"), "key ann has written version 1"));
    json_t *read = get_as("bob", ADVICE);
    assert_true(json_equal(read, anns));
    assert_string_equal(text(read, "workaround"), "1. Roll back.\n2. Restart. \u00fc");
    json_t *bobs = put_advice(
        "bob", 200, "{\"explanation\":\"It is slow.\",\"version\":1,\"workaround\":\"\"}");
    assert_int_equal(number(bobs, "version"), 2);
    assert_int_equal(private_cluster_number(cluster, "select count(*) from update_advice"), 2);
    json_decref(bobs);
    json_decref(read);
    json_decref(refused);
    json_decref(anns);
}

static void what_to_say_is_plain_text_and_no_book(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"explanation\":\"a\",\"workaround\":\"\"}",
        "{\"explanation\":\" \\n\",\"workaround\":\"\",\"version\":0}",
        "{\"explanation\":\"a\",\"workaround\":\"\",\"version\":-1}",
        "{\"explanation\":\"a\",\"workaround\":\"\",\"version\":\"0\"}",
        "{\"explanation\":\"a\\u001b[2J\",\"workaround\":\"\",\"version\":0}",
        "{\"explanation\":\"a\",\"workaround\":[],\"version\":0}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_decref(put_advice("ann", 400, bad[i]));
    }
    /* Characters are counted, not bytes: 1000 of two bytes are taken, one more is not. */
    for (size_t count = 1000; count <= 1001; count++) {
        struct buffer body = {0};
        buffer_append_text(&body, "{\"version\":0,\"workaround\":\"\",\"explanation\":\"");
        for (size_t i = 0; i < count; i++) {
            buffer_append_text(&body, "\u00e9");
        }
        buffer_append_text(&body, "\"}");
        json_decref(put_advice("ann", count == 1000 ? 200 : 400, body.data));
        buffer_free(&body);
    }
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
        unsigned status;
    } cases[] = {
        {OUTREACH "/take", "[]", 400},
        {OUTREACH "/take", "{", 400},
        {OUTREACH "/take", "{\"customer\":\"nobody\"}", 404},
        {"/v1/updates/none/outreach/take", "{}", 404},
        {"/v1/updates/outreach/take", "{}", 404},
        {OUTREACH "/x/withdraw", "{}", 404},
        {OUTREACH "/x/release", "{}", 409},
        {OUTREACH "/a/b/release", "{}", 409},
        {OUTREACH "/x/outcome", "{}", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_decref(post("ann", cases[i].path, cases[i].status, cases[i].body));
    }
    struct http_answer answer = ask_as("ann", OUTREACH "/take", "{}", "Content-Type: text/plain");
    json_decref(json_of(&answer, 415));
    answer = ask("/v1/updates/none/outreach", NULL);
    json_decref(json_of(&answer, 404));
    answer = ask(OUTREACH "?limit=0", NULL);
    json_decref(json_of(&answer, 400));
}

static void nothing_is_taken_while_the_database_is_away(void **state)
{
    (void)state;
    private_cluster_stop(cluster, false);
    json_decref(post("ann", OUTREACH "/take", 503, "{}"));
    struct http_answer alive = ask("/healthz", NULL);
    assert_int_equal(alive.status, 200);
    http_answer_free(&alive);
    private_cluster_resume(cluster);
    json_decref(post("ann", OUTREACH "/take", 200, "{}"));
}

/* ---- The stage ---- */

static int empty(void **state)
{
    (void)state;
    private_cluster_run(cluster, "alter table outreach_log disable trigger append_only;"
                                 "truncate outreach_case, outreach_log;"
                                 "alter table outreach_log enable trigger append_only;"
                                 "alter table update_advice disable trigger append_only;"
                                 "truncate update_advice;"
                                 "alter table update_advice enable trigger append_only");
    return 0;
}

static int start(void **state)
{
    (void)state;
    struct database *database;
    struct failure failure;
    char until[INSTANT_TEXT_SIZE];
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    serving_give_key(cluster);
    add_key("crm", "registry");
    add_agent("ann");
    add_agent("bob");
    add_agent("eve");
    if (!database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                       &database, &failure)) {
        return -1;
    }
    sample_fleet_store_minutes(database, 0, SAMPLE_MINUTES);
    database_close(database);
    analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
    instant_format(SAMPLE_STARTED_AT + (SAMPLE_MINUTES - 1) * INSTANT_MINUTE, until);
    const char *arguments[] = {ANALYZER_PROGRAM, "summary", "--url", analyzer.url,
                               "--until",        until,     NULL};
    process_free(process_run(arguments, 0));
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
        cmocka_unit_test_setup(the_list_is_the_analyzers_queue, empty),
        cmocka_unit_test_setup(the_list_narrows, empty),
        cmocka_unit_test_setup(what_one_takes_the_other_does_not, empty),
        cmocka_unit_test_setup(a_table_cannot_run_in_a_spreadsheet, empty),
        cmocka_unit_test_setup(the_table_says_what_a_score_is_made_of, empty),
        cmocka_unit_test_setup(a_customer_has_its_hosts, empty),
        cmocka_unit_test_setup(
            what_to_say_is_written_once_and_overwritten_by_nobody_who_has_not_read_it, empty),
        cmocka_unit_test_setup(what_to_say_is_plain_text_and_no_book, empty),
        cmocka_unit_test_setup(what_is_wrong_is_said, empty),
        cmocka_unit_test_setup(nothing_is_taken_while_the_database_is_away, empty),
        cmocka_unit_test_setup(the_registry_is_imported_by_its_own_key_only, empty),
        cmocka_unit_test_setup(the_list_moves_but_not_under_whom_one_holds, empty),
        cmocka_unit_test_setup(a_running_analyzer_sees_what_is_registered_and_what_is_deleted,
                               empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
