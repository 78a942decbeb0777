/* Who gets through which door? A real analyzer on a real PostgreSQL. Oracles: the tables of this
 * file, written from what each role is for; what the database holds; a session's life in hours, for
 * which its rows are aged rather than waited for.
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

#include "analyzer/api.h"
#include "common/database.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/http_client.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"
#include "tests/support/serving.h"

#define PASSWORD "correct horse battery"
#define FORM "Content-Type: application/x-www-form-urlencoded"
#define JSON "Content-Type: application/json"
#define OUTREACH "/v1/updates/" SAMPLE_UPDATE "/outreach"

static struct private_cluster *cluster;
static struct serving analyzer;
static char *invited; /* the path of the first admin's link */

static const char *proxy_socket(void)
{
    static const char *path;
    path = path != NULL ? path : private_cluster_path(cluster, "proxy");
    return path;
}

static struct serving start_analyzer(void)
{
    return serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer",
                         (const char *[]){"--proxy-socket", proxy_socket(), NULL});
}

/* ---- Asking ---- */

struct asking {
    const char *method, *path, *body;
    const char *headers[4]; /* NULL: no more */
    const char *cookie;     /* a session's id; NULL: none */
    bool by_proxy;          /* through its socket */
};

static struct http_answer ask(const struct asking *asking)
{
    char url[512];
    char cookie[256];
    const char *headers[6] = {0};
    size_t count = 0;
    struct http_answer answer = {0};
    for (size_t i = 0; i < 4 && asking->headers[i] != NULL; i++) {
        headers[count++] = asking->headers[i];
    }
    if (asking->cookie != NULL) {
        (void)snprintf(cookie, sizeof cookie, "Cookie: theme=dark; __Host-epicenter=%s",
                       asking->cookie);
        headers[count] = cookie;
    }
    (void)snprintf(url, sizeof url, "%s%s", analyzer.url, asking->path);
    http_client_ask(NULL,
                    &(struct http_ask){.method = asking->method,
                                       .url = url,
                                       .unix_socket = asking->by_proxy ? proxy_socket() : NULL,
                                       .body = asking->body,
                                       .headers = headers},
                    &answer);
    return answer;
}

static unsigned status_of(const struct asking *asking)
{
    struct http_answer answer = ask(asking);
    unsigned status = answer.status;
    http_answer_free(&answer);
    return status;
}

static unsigned get_status(const char *path, const char *cookie)
{
    return status_of(&(struct asking){.path = path, .cookie = cookie});
}

/* The new session of an answer that lets in; fails where there is none. */
static void take_session(struct http_answer *answer, char session[64])
{
    char value[HTTP_HEADER_VALUE_SIZE];
    static const char name[] = "__Host-epicenter=";
    if (answer->status != 303) {
        fail_msg("%u: %s", answer->status, answer->body.data);
    }
    assert_non_null(http_answer_header(answer, "Set-Cookie", value));
    assert_int_equal(strncmp(value, name, strlen(name)), 0);
    size_t length = strcspn(value + strlen(name), ";");
    assert_int_equal(length, 47);
    (void)snprintf(session, 64, "%.*s", (int)length, value + strlen(name));
    assert_string_equal(value + strlen(name) + length,
                        "; Path=/; Secure; HttpOnly; SameSite=Strict");
    http_answer_free(answer);
}

static struct http_answer send_password(const char *name, const char *password, const char *cookie)
{
    char body[256];
    (void)snprintf(body, sizeof body, "name=%s&password=%s", name, password);
    return ask(
        &(struct asking){.path = "/sign-in", .body = body, .headers = {FORM}, .cookie = cookie});
}

static void sign_in(const char *name, char session[64])
{
    struct http_answer answer = send_password(name, "correct+horse%20battery", NULL);
    take_session(&answer, session);
}

static void command(const char *arguments)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "printf '%%s\\n' '%s' | '%s' %s --database '%s'", PASSWORD,
                   ANALYZER_PROGRAM, arguments,
                   private_cluster_conninfo(cluster, "epicenter_analyzer"));
    process_free(process_run((const char *[]){"/bin/sh", "-c", line, NULL}, 0));
}

/* The path of a fresh link. */
static void make_link(const char *arguments, char path[128])
{
    char line[1024];
    (void)snprintf(line, sizeof line, "'%s' account link %s --database '%s'", ANALYZER_PROGRAM,
                   arguments, private_cluster_conninfo(cluster, "epicenter_analyzer"));
    struct process *process = process_run((const char *[]){"/bin/sh", "-c", line, NULL}, 0);
    const char *at = strstr(process_output(process), "/sign-in?link=");
    assert_non_null(at);
    (void)snprintf(path, 128, "%.*s", (int)strcspn(at, "\n"), at);
    process_free(process);
}

static void add_session(const char *name, const char *role, char id[64])
{
    char sql[512];
    static unsigned made;
    (void)snprintf(id, 64, "epn_%043u", made++);
    (void)snprintf(sql, sizeof sql,
                   "insert into session (session_hash, name, role)"
                   " values (sha256('%s'), '%s', '%s')",
                   id, name, role);
    private_cluster_run(cluster, sql);
}

/* Waits until `cookie` gets `status`: what others write counts within two seconds. */
static void wait_for_status(const char *path, const char *cookie, unsigned status)
{
    for (int tenths = 0; tenths < 300; tenths++) {
        if (get_status(path, cookie) == status) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    fail_msg("%s is not answered %u", path, status);
}

/* ---- Every door and every role ---- */

/* + goes through; - may not (403); 0 nobody known (401); > is sent to sign in (303). Columns:
 * nobody, viewer, operations, executive, support, admin; keys: read, operate, support, metrics. */
static const struct row {
    const char *method, *path, *suffix; /* of the door */
    const char *asked;                  /* a path of it */
    const char *outcome;
} matrix[] = {
    {"GET", "/v1/updates", "", "/v1/updates",
     "0+++++"
     "+++--"},
    {"GET", "/v1/updates/*", "", "/v1/updates/" SAMPLE_UPDATE,
     "0+++++"
     "+++--"},
    {"GET", "/v1/updates/*", "", "/v1/updates/" SAMPLE_UPDATE "/verdict",
     "0+++++"
     "+++--"},
    {"GET", "/v1/updates/*", "/outreach", OUTREACH,
     "0-+-++"
     "-++--"},
    {"GET", "/v1/updates/*", "/hosts", OUTREACH "/c-001/hosts",
     "0-+-++"
     "-++--"},
    {"GET", "/v1/updates/*", "/advice", "/v1/updates/" SAMPLE_UPDATE "/advice",
     "0-+-++"
     "-++--"},
    {"PUT", "/v1/updates/*", "/advice", "/v1/updates/" SAMPLE_UPDATE "/advice",
     "0-+-++"
     "-++--"},
    {"POST", "/v1/updates/*", "", OUTREACH "/take",
     "0---++"
     "--+--"},
    {"POST", "/v1/updates/*", "", OUTREACH "/c-001/outcome",
     "0---++"
     "--+--"},
    {"POST", "/v1/updates/*", "", OUTREACH "/c-001/release",
     "0---++"
     "--+--"},
    {"GET", "/v1/contacts/*", "", "/v1/contacts/c-001",
     "0---+-"
     "-----"},
    {"POST", "/v1/contacts/*", "/open", "/v1/contacts/c-001/open",
     "0---+-"
     "-----"},
    {"GET", "/v1/hosts/*", "", "/v1/hosts/pc-01?customer_id=c-000",
     "0-+-++"
     "-++--"},
    {"GET", "/v1/snapshots/*", "", "/v1/snapshots/0123456789ab",
     "0+++++"
     "+++--"},
    {"GET", "/v1/changes", "", "/v1/changes",
     "0+++++"
     "+++--"},
    {"GET", "/v1/summary", "", "/v1/summary",
     "0+++++"
     "+++--"},
    {"GET", "/v1/what-if", "", "/v1/what-if",
     "0+++++"
     "+++--"},
    {"GET", "/v1/me", "", "/v1/me",
     "0+++++"
     "+++--"},
    {"GET", "/", "", "/",
     ">+++++"
     "+++--"},
    {"GET", "/executives", "", "/executives",
     ">+++++"
     "+++--"},
    {"GET", "/support", "", "/support",
     ">-+-++"
     "-++--"},
    {"GET", "/metrics", "", "/metrics",
     "0----+"
     "---+-"},
    {"GET", "/v1/openapi.json", "", "/v1/openapi.json",
     "++++++"
     "+++++"},
    {"GET", "/healthz", "", "/healthz",
     "++++++"
     "+++++"},
    {"GET", "/readyz", "", "/readyz",
     "++++++"
     "+++++"},
    {"GET", "/assets/*", "", "/assets/none",
     "++++++"
     "+++++"},
    {"GET", "/sign-in", "", "/sign-in",
     "++++++"
     "+++++"},
    {"POST", "/sign-in", "", "/sign-in",
     "++++++"
     "+++++"},
    {"POST", "/v1/registry/*", "", "/v1/registry/customers",
     "0----+"
     "----+"},
};

static const char *const people[] = {"viewer", "operations", "executive", "support", "admin"};
#define SCOPES 5
static const char *const scopes[SCOPES] = {"read", "operate", "support", "metrics", "registry"};

static char outcome_of(const struct row *row, const char *cookie, const char *key)
{
    char value[HTTP_HEADER_VALUE_SIZE];
    struct asking asking = {.method = row->method, .path = row->asked, .cookie = cookie};
    /* Through a proxy, so that /metrics does not take us for this machine's own. */
    asking.headers[0] = "X-Forwarded-For: 192.0.2.1";
    bool reads = strcmp(row->method, "GET") == 0;
    asking.headers[1] = reads ? "Accept: */*" : JSON;
    asking.headers[2] = key;
    asking.body = reads ? NULL : "{}";
    struct http_answer answer = ask(&asking);
    unsigned status = answer.status;
    const char *location = http_answer_header(&answer, "Location", value);
    char outcome = '+';
    if (status == 401) {
        outcome = '0';
    } else if (status == 403) {
        outcome = '-';
    } else if (location != NULL && strncmp(location, "/sign-in", 8) == 0) {
        outcome = '>';
    } else if (status == 0 || status == 503) {
        outcome = '!';
    }
    if (outcome == '0') {
        assert_non_null(http_answer_header(&answer, "WWW-Authenticate", value));
        assert_non_null(strstr(http_answer_header(&answer, "Content-Type", value), "problem"));
    }
    http_answer_free(&answer);
    return outcome;
}

static void every_door_is_for_those_it_is_for(void **state)
{
    (void)state;
    char sessions[5][64];
    char keys[SCOPES][96];
    for (size_t i = 0; i < 5; i++) {
        add_session(people[i], people[i], sessions[i]);
    }
    for (size_t i = 0; i < SCOPES; i++) {
        char sql[256];
        (void)snprintf(keys[i], sizeof keys[i], "Authorization: Bearer epk_%043zu", i);
        (void)snprintf(sql, sizeof sql,
                       "insert into api_key (name, key_hash, scope)"
                       " values ('%s', sha256('epk_%043zu'), '%s')",
                       scopes[i], i, scopes[i]);
        private_cluster_run(cluster, sql);
    }
    for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++) {
        const struct row *row = &matrix[i];
        char found[6 + SCOPES + 1] = {outcome_of(row, NULL, NULL)};
        for (size_t j = 0; j < 5; j++) {
            found[1 + j] = outcome_of(row, sessions[j], NULL);
        }
        for (size_t j = 0; j < SCOPES; j++) {
            found[6 + j] = outcome_of(row, NULL, keys[j]);
        }
        if (strcmp(found, row->outcome) != 0) {
            fail_msg("%s %s: %s instead of %s", row->method, row->asked, found, row->outcome);
        }
    }
    private_cluster_run(cluster, "delete from session; delete from api_key");
}

/* A door that is added must be judged here, too. Signing out has a test of its own. */
static void no_door_is_left_out(void **state)
{
    (void)state;
    size_t count;
    const struct door *doors = api_doors(&count);
    for (size_t i = 0; i < count; i++) {
        bool found = strcmp(doors[i].path, "/sign-out") == 0;
        for (size_t j = 0; j < sizeof matrix / sizeof *matrix; j++) {
            found |= strcmp(doors[i].method, matrix[j].method) == 0 &&
                     strcmp(doors[i].path, matrix[j].path) == 0 &&
                     strcmp(doors[i].suffix, matrix[j].suffix) == 0;
        }
        if (!found) {
            fail_msg("%s %s%s is not in the matrix", doors[i].method, doors[i].path,
                     doors[i].suffix);
        }
    }
}

static void the_metrics_are_this_machines_own(void **state)
{
    (void)state;
    assert_int_equal(get_status("/metrics", NULL), 200);
}

/* ---- Passwords ---- */

static void a_password_lets_in(void **state)
{
    (void)state;
    char session[64];
    sign_in("ann", session);
    struct http_answer answer = ask(&(struct asking){.path = "/v1/me", .cookie = session});
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body.data, "{\"name\":\"ann\",\"role\":\"support\"}");
    http_answer_free(&answer);
    assert_int_equal(private_cluster_number(cluster,
                                            "select count(*) from account where password_hash"
                                            " like '$argon2id$v=19$m=65536,t=2,p=1$%'"),
                     4);
    assert_int_equal(
        private_cluster_number(cluster, "select count(*) from session where account = 'ann'"), 1);
    /* Her page, or the one she came for; never another site. */
    static const struct {
        const char *next, *location;
    } cases[] = {{"", "/support"},
                 {"&next=%2Fexecutives%3Fregion%3DJP", "/executives?region=JP"},
                 {"&next=%2F%2Fevil.example", "/support"},
                 {"&next=%2F%5Cevil.example", "/support"},
                 {"&next=https%3A%2F%2Fevil.example", "/support"},
                 {"&next=%2Fx%0D%0ASet-Cookie%3A%20a%3Db", "/support"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];
        char value[HTTP_HEADER_VALUE_SIZE];
        (void)snprintf(body, sizeof body, "name=ann&password=correct+horse+battery%s",
                       cases[i].next);
        answer = ask(&(struct asking){.path = "/sign-in", .body = body, .headers = {FORM}});
        assert_int_equal(answer.status, 303);
        assert_string_equal(http_answer_header(&answer, "Location", value), cases[i].location);
        http_answer_free(&answer);
    }
}

/* A session's id that was planted in a browser is worth nothing after somebody signed in there. */
static void signing_in_changes_the_id(void **state)
{
    (void)state;
    char planted[64];
    char first[64];
    char second[64];
    add_session("mallory", "viewer", planted);
    wait_for_status("/v1/me", planted, 200);
    struct http_answer answer = send_password("ann", "correct+horse+battery", planted);
    take_session(&answer, first);
    assert_string_not_equal(first, planted);
    assert_int_equal(get_status("/v1/me", planted), 401);
    answer = send_password("ann", "correct+horse+battery", first);
    take_session(&answer, second);
    assert_string_not_equal(second, first);
    assert_int_equal(get_status("/v1/me", first), 401);
    assert_int_equal(get_status("/v1/me", second), 200);
}

static void guessing_ends_soon(void **state)
{
    (void)state;
    char value[HTTP_HEADER_VALUE_SIZE];
    char session[64];
    for (int i = 0; i < 5; i++) {
        struct http_answer answer = send_password("bob", "wrong+horse+battery", NULL);
        assert_int_equal(answer.status, 403);
        assert_null(http_answer_header(&answer, "Set-Cookie", value));
        assert_non_null(strstr(answer.body.data, "Name and password do not match."));
        http_answer_free(&answer);
    }
    struct http_answer answer = send_password("bob", "correct+horse+battery", NULL);
    assert_int_equal(answer.status, 429);
    assert_in_range(strtol(http_answer_header(&answer, "Retry-After", value), NULL, 10), 14 * 60,
                    15 * 60);
    http_answer_free(&answer);
    /* Names nobody has are counted alike, and tell nothing. */
    for (int i = 0; i < 6; i++) {
        answer = send_password("nobody", "correct+horse+battery", NULL);
        assert_int_equal(answer.status, i < 5 ? 403 : 429);
        http_answer_free(&answer);
    }
    sign_in("ann", session);
}

static void what_is_no_form_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
    } cases[] = {{JSON, "{\"name\":\"ann\",\"password\":\"" PASSWORD "\"}"},
                 {FORM, "name=ann"},
                 {FORM, "password=x"},
                 {FORM, "name=ann%00&password=x"},
                 {FORM, "link=epl_short"},
                 {FORM, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(status_of(&(struct asking){.method = "POST",
                                                    .path = "/sign-in",
                                                    .body = cases[i].body,
                                                    .headers = {cases[i].type}}),
                         400);
    }
    struct http_answer answer = ask(&(struct asking){
        .path = "/sign-in", .body = "name=%3Cb%3E%22&password=x", .headers = {FORM}});
    assert_int_equal(answer.status, 403);
    assert_non_null(strstr(answer.body.data, "value=\"&lt;b&gt;&quot;\""));
    assert_null(strstr(answer.body.data, "<b>"));
    http_answer_free(&answer);
}

/* ---- The end of a session ---- */

static void signing_out_ends_it(void **state)
{
    (void)state;
    char session[64];
    char value[HTTP_HEADER_VALUE_SIZE];
    sign_in("ann", session);
    struct http_answer answer =
        ask(&(struct asking){.method = "POST", .path = "/sign-out", .body = "", .cookie = session});
    assert_int_equal(answer.status, 303);
    assert_non_null(strstr(http_answer_header(&answer, "Set-Cookie", value), "Max-Age=0"));
    assert_string_equal(http_answer_header(&answer, "Location", value), "/sign-in");
    http_answer_free(&answer);
    assert_int_equal(get_status("/v1/me", session), 401);
}

static void silence_ends_it_and_so_do_twelve_hours(void **state)
{
    (void)state;
    static const struct {
        const char *aged;
        unsigned status;
    } cases[] = {
        {"last_seen_at = now() - interval '29 minutes'", 200},
        {"last_seen_at = now() - interval '31 minutes'", 401},
        {"created_at = now() - interval '11 hours 59 minutes'", 200},
        {"created_at = now() - interval '12 hours 1 minute'", 401},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char session[64];
        char sql[256];
        sign_in("ann", session);
        (void)snprintf(sql, sizeof sql, "update session set %s where session_hash = sha256('%s')",
                       cases[i].aged, session);
        private_cluster_run(cluster, sql);
        wait_for_status("/v1/me", session, cases[i].status);
        if (i == 0) { /* and having been heard of, it lasts */
            for (int tenths = 0;
                 private_cluster_number(cluster,
                                        "select count(*) from session where account = 'ann'"
                                        " and last_seen_at < now() - interval '1 minute'") > 0;
                 tenths++) {
                assert_true(tenths < 300);
                nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
                assert_int_equal(get_status("/v1/me", session), 200);
            }
        }
        private_cluster_run(cluster, "delete from session");
    }
}

static void whoever_is_disabled_or_revoked_is_out(void **state)
{
    (void)state;
    char session[64];
    sign_in("carol", session);
    assert_int_equal(get_status("/v1/me", session), 200);
    command("account disable carol");
    wait_for_status("/v1/me", session, 401);
    struct http_answer answer = send_password("carol", "correct+horse+battery", NULL);
    assert_int_equal(answer.status, 403);
    http_answer_free(&answer);
    command("account password carol");
    sign_in("carol", session);

    command("key add pipeline");
    private_cluster_run(cluster, "update api_key set key_hash = sha256('" SERVING_KEY "')");
    struct asking asking = {.path = "/v1/me", .headers = {SERVING_KEY_HEADER}};
    assert_int_equal(status_of(&asking), 200);
    command("key revoke pipeline");
    for (int tenths = 0; status_of(&asking) != 401; tenths++) {
        assert_true(tenths < 300);
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
}

/* ---- Links ---- */

static void a_link_is_good_once(void **state)
{
    (void)state;
    char path[128];
    char session[64];
    make_link("dora --role executive", path);
    /* Looked at ahead, or from another site, it is not used up. */
    assert_int_equal(status_of(&(struct asking){.method = "HEAD", .path = path}), 200);
    assert_int_equal(
        status_of(&(struct asking){.path = path, .headers = {"Sec-Purpose: prefetch"}}), 200);
    struct http_answer answer =
        ask(&(struct asking){.path = path, .headers = {"Sec-Fetch-Site: cross-site"}});
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body.data, "<input type=\"hidden\" name=\"link\""));
    http_answer_free(&answer);

    answer = ask(&(struct asking){.path = path, .headers = {"Sec-Fetch-Site: none"}});
    take_session(&answer, session);
    answer = ask(&(struct asking){.path = "/v1/me", .cookie = session});
    assert_string_equal(answer.body.data, "{\"name\":\"dora\",\"role\":\"executive\"}");
    http_answer_free(&answer);
    assert_int_equal(get_status(path, NULL), 403);

    make_link("--role viewer", path);
    private_cluster_run(cluster,
                        "update sign_in_link set expires_at = now() where name = 'viewer'");
    assert_int_equal(get_status(path, NULL), 403);

    char body[128];
    make_link("--role viewer", path);
    (void)snprintf(body, sizeof body, "%s", strchr(path, '?') + 1);
    answer = ask(&(struct asking){.path = "/sign-in", .body = body, .headers = {FORM}});
    take_session(&answer, session);
}

static void the_first_admin_is_invited(void **state)
{
    (void)state;
    char session[64];
    struct http_answer answer = ask(&(struct asking){.path = invited});
    take_session(&answer, session);
    assert_int_equal(get_status(invited, NULL), 403); /* once */
    answer = ask(&(struct asking){.path = "/v1/me", .cookie = session});
    assert_string_equal(answer.body.data, "{\"name\":\"first admin\",\"role\":\"admin\"}");
    http_answer_free(&answer);

    assert_int_equal(serving_stop(&analyzer), 0);
    analyzer = start_analyzer();
    process_wait_for_log(analyzer.process, "/sign-in?link=");
    command("account add root --role admin");
    assert_int_equal(serving_stop(&analyzer), 0);
    analyzer = start_analyzer();
    wait_for_status("/v1/me", session, 200); /* it survives, and the thread has been around */
    wait_for_status("/readyz", NULL, 200);
    assert_null(strstr(process_log(analyzer.process), "/sign-in?link="));
}

/* ---- Other sites, and other trouble ---- */

static void other_sites_cannot_post(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool refused;
    } cases[] = {{"Sec-Fetch-Site: cross-site", true},   {"Sec-Fetch-Site: same-site", true},
                 {"Origin: https://evil.example", true}, {"Origin: null", true},
                 {"Sec-Fetch-Site: same-origin", false}, {"Sec-Fetch-Site: none", false}};
    static const char *const paths[] = {OUTREACH "/take", "/sign-in", "/sign-out"};
    char session[64];
    char own[96];
    for (size_t j = 0; j < sizeof paths / sizeof *paths; j++) {
        sign_in("ann", session);
        const char *type = j == 0 ? JSON : FORM;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            unsigned status = status_of(&(struct asking){.path = paths[j],
                                                         .body = "{}",
                                                         .headers = {type, cases[i].header},
                                                         .cookie = session});
            assert_int_equal(status == 403, cases[i].refused);
            assert_int_not_equal(status, 0);
        }
    }
    sign_in("ann", session);
    (void)snprintf(own, sizeof own, "Origin: %s", analyzer.url);
    assert_int_not_equal(
        status_of(&(struct asking){
            .path = OUTREACH "/take", .body = "{}", .headers = {JSON, own}, .cookie = session}),
        403);
}

/* What a proxy says counts where only a proxy can be, and nowhere else. */
static void a_proxy_is_believed_on_its_socket_alone(void **state)
{
    (void)state;
    static const struct {
        const char *user, *groups;
        unsigned status;
        const char *body;
    } cases[] = {
        {"Remote-User: Zoë", "Remote-Groups: staff,epicenter-support", 200,
         "{\"name\":\"Zoë\",\"role\":\"support\"}"},
        {"Remote-User: Zoë", "Remote-Groups: epicenter-admin, epicenter-viewer", 200,
         "{\"name\":\"Zoë\",\"role\":\"admin\"}"},
        {"Remote-User: Zoë", "Remote-Groups: epicenter-metrics,epicenter-,support", 401, NULL},
        {"Remote-User:", "Remote-Groups: epicenter-admin", 401, NULL},
        {"Remote-User: \xff", "Remote-Groups: epicenter-admin", 401, NULL},
        {"Accept: */*", "Remote-Groups: epicenter-admin", 401, NULL},
        {"Remote-User: Zoë", "Accept: */*", 401, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asking asking = {
            .path = "/v1/me", .headers = {cases[i].user, cases[i].groups}, .by_proxy = true};
        struct http_answer answer = ask(&asking);
        assert_int_equal(answer.status, cases[i].status);
        if (cases[i].body != NULL) {
            assert_string_equal(answer.body.data, cases[i].body);
        }
        http_answer_free(&answer);
        asking.by_proxy = false;
        assert_int_equal(status_of(&asking), 401);
    }
    /* Sessions are good there, too; other sites are not; /metrics is asked for by somebody. */
    char session[64];
    sign_in("ann", session);
    assert_int_equal(
        status_of(&(struct asking){.path = "/v1/me", .cookie = session, .by_proxy = true}), 200);
    struct asking posting = {.path = OUTREACH "/take",
                             .body = "{\"customer\":\"nobody\"}",
                             .headers = {JSON, cases[0].user, cases[0].groups},
                             .by_proxy = true};
    assert_int_equal(status_of(&posting), 404);
    posting.headers[3] = "Sec-Fetch-Site: cross-site";
    assert_int_equal(status_of(&posting), 403);
    assert_int_equal(status_of(&(struct asking){.path = "/metrics", .by_proxy = true}), 401);
}

static void pages_trust_nothing(void **state)
{
    (void)state;
    static const char *const parts[] = {"default-src 'none'", "script-src 'self'",
                                        "frame-ancestors 'none'", "form-action 'self'",
                                        "require-trusted-types-for 'script'"};
    static const char *const paths[] = {"/", "/support", "/sign-in", "/v1/me"};
    char session[64];
    sign_in("ann", session);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char value[HTTP_HEADER_VALUE_SIZE];
        struct http_answer answer = ask(&(struct asking){.path = paths[i], .cookie = session});
        assert_int_equal(answer.status, 200);
        assert_non_null(http_answer_header(&answer, "Content-Security-Policy", value));
        for (size_t j = 0; j < sizeof parts / sizeof *parts; j++) {
            assert_non_null(strstr(value, parts[j]));
        }
        assert_null(strstr(value, "unsafe"));
        http_answer_free(&answer);
    }
}

static void whoever_is_in_stays_while_the_database_is_away(void **state)
{
    (void)state;
    char session[64];
    sign_in("ann", session);
    private_cluster_stop(cluster, false);
    assert_int_equal(get_status("/v1/me", session), 200);
    assert_int_equal(get_status("/v1/me", "epn_strangerstrangerstrangerstrangerstrangerstr"), 503);
    assert_int_equal(get_status("/v1/me", "nonsense"), 401);
    struct http_answer answer = send_password("ann", "correct+horse+battery", NULL);
    assert_int_equal(answer.status, 503);
    http_answer_free(&answer);
    private_cluster_resume(cluster);
    wait_for_status("/v1/me", "epn_strangerstrangerstrangerstrangerstrangerstr", 401);
    assert_int_equal(get_status("/v1/me", session), 200);
}

/* ---- Start and end ---- */

static int start(void **state)
{
    (void)state;
    struct database *database;
    struct failure failure;
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    if (!database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                       &database, &failure)) {
        return -1;
    }
    sample_fleet_store_minutes(database, 0, SAMPLE_MINUTES);
    database_close(database);
    command("account add ann --role support");
    command("account add bob --role viewer");
    command("account add carol --role operations");
    command("account add eve --role viewer");
    analyzer = start_analyzer();
    process_wait_for_log(analyzer.process, "/sign-in?link=");
    const char *link = strstr(process_log(analyzer.process), "/sign-in?link=");
    invited = strndup(link, strcspn(link, "\n"));
    wait_for_status("/readyz", NULL, 200);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    int status = serving_stop(&analyzer);
    private_cluster_remove(cluster);
    free(invited);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_door_is_for_those_it_is_for),
        cmocka_unit_test(no_door_is_left_out),
        cmocka_unit_test(the_metrics_are_this_machines_own),
        cmocka_unit_test(a_password_lets_in),
        cmocka_unit_test(signing_in_changes_the_id),
        cmocka_unit_test(guessing_ends_soon),
        cmocka_unit_test(what_is_no_form_is_refused),
        cmocka_unit_test(signing_out_ends_it),
        cmocka_unit_test(silence_ends_it_and_so_do_twelve_hours),
        cmocka_unit_test(whoever_is_disabled_or_revoked_is_out),
        cmocka_unit_test(a_link_is_good_once),
        cmocka_unit_test(the_first_admin_is_invited),
        cmocka_unit_test(other_sites_cannot_post),
        cmocka_unit_test(a_proxy_is_believed_on_its_socket_alone),
        cmocka_unit_test(pages_trust_nothing),
        cmocka_unit_test(whoever_is_in_stays_while_the_database_is_away),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
