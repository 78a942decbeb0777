/* The collector's doors, as hosts meet them: given a collector on a fresh database, when somebody
 * posts, then the answer is right and the rows are there. The oracle of what was stored is psql's
 * own view of the tables; of what an answer must be, the design, section 3, and RFC 9457.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <jansson.h>
#include <sodium.h>
#include <zlib.h>
#include <zstd.h>

#include "common/buffer.h"
#include "common/instant.h"
#include "tests/integration/collector_bench.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"

static struct collector_bench bench;

/* What `select … from report where host_id = …` would be for the host named so by customer acme. */
#define OF_NAME(name)                                                                              \
    " where host_id = (select host_id from host_name where customer_id = 'acme' and name = '" name \
    "')"

static int64_t number(const char *sql)
{
    return private_cluster_number(bench.cluster, sql);
}

static void assert_text(const char *sql, const char *expected)
{
    assert_string_equal(private_cluster_text(bench.cluster, sql), expected);
}

static void assert_post(const char *path, const char *type, const char *authorization,
                        const char *body, const char *expected)
{
    struct http_answer answer;
    if (collector_bench_post(&bench, path, type, authorization, body, &answer) != 200) {
        fail_msg("%u %s%s", answer.status, answer.trouble, answer.body.data);
    }
    assert_string_equal(answer.body.data, expected);
    http_answer_free(&answer);
}

static void refuse(const char *path, const char *type, const char *authorization, const char *body,
                   unsigned status, const char *detail)
{
    struct http_answer answer;
    (void)collector_bench_post(&bench, path, type, authorization, body, &answer);
    collector_bench_expect_problem(&answer, status, detail);
    http_answer_free(&answer);
}

/* ---- Enrolment ---- */

static void make_secret(const char *customer, const char *uses, char secret[TOKEN_SECRET_SIZE])
{
    const char *owner = private_cluster_conninfo(bench.cluster, PRIVATE_CLUSTER_OWNER);
    struct process *process =
        process_run((const char *const[]){COLLECTOR_PROGRAM, "enrol-secret", "--database", owner,
                                          "--customer", customer, "--uses", uses, NULL},
                    0);
    const char *text = process_output(process);
    (void)snprintf(secret, TOKEN_SECRET_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
    process_free(process);
}

static void a_host_enrols_and_then_writes_itself_alone(void **state)
{
    (void)state;
    char secret[TOKEN_SECRET_SIZE];
    char body[256];
    char authorization[TOKEN_TEXT_SIZE + 24];
    struct http_answer answer;
    make_secret("acme", "1", secret);
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"host_id\":\"pc-01\"}", secret);
    assert_int_equal(collector_bench_post(&bench, "/v1/enrol", JSON_TYPE, NULL, body, &answer),
                     200);
    json_t *enrolled = json_loads(answer.body.data, 0, NULL);
    const char *token = json_string_value(json_object_get(enrolled, "token"));
    assert_non_null(token);
    assert_non_null(json_string_value(json_object_get(enrolled, "host_id")));
    (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
    json_decref(enrolled);
    http_answer_free(&answer);

    refuse("/v1/enrol", JSON_TYPE, NULL, body, 403, "secret: unknown, expired or used up");
    assert_post("/v1/reports", JSON_TYPE, authorization,
                collector_bench_report(&bench, "pc-01", 0.25), "{\"accepted\":1,\"rejected\":[]}");
    assert_int_equal(number("select count(*) from report" OF_NAME("pc-01")), 1);
    refuse("/v1/reports", JSON_TYPE, authorization, collector_bench_report(&bench, "pc-02", 0.25),
           403, "host_id: this token writes host ");
    assert_int_equal(number("select count(*) from host_name where name = 'pc-02'"), 0);
}

static void enrolment_is_refused_in_words(void **state)
{
    (void)state;
    refuse("/v1/enrol", JSON_TYPE, NULL, "{\"secret\":\"eps_x\",\"host_id\":\"h\"}", 403,
           "secret: unknown, expired or used up");
    refuse("/v1/enrol", JSON_TYPE, NULL, "{\"secret\":\"eps_x\"}", 400, "host_id: missing");
    refuse("/v1/enrol", JSON_TYPE, NULL, "{\"host_id\":\"h\"}", 400, "secret: missing");
    refuse("/v1/enrol", JSON_TYPE, NULL, "[", 400, "not JSON");
    char secret[TOKEN_SECRET_SIZE];
    char body[256];
    make_secret("late", "1", secret);
    private_cluster_run(bench.cluster, "update enrolment_secret set expires_at = now() - '1 s'"
                                       "::interval where customer_id = 'late'");
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"host_id\":\"h\"}", secret);
    refuse("/v1/enrol", JSON_TYPE, NULL, body, 403, "secret: unknown, expired or used up");
}

/* ---- What is stored ---- */

static void a_report_is_stored_as_it_was_sent(void **state)
{
    (void)state;
    static const char host[] = "6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b";
    char body[1024];
    /* received_at is a sender's to say only in a replay. */
    (void)snprintf(body, sizeof body,
                   "{\"host_id\":\"%s\",\"observed_at\":\"%s\",\"customer_id\":\"acme\","
                   "\"received_at\":\"2005-04-22T22:35:10Z\",\"unheard_of\":[1],"
                   "\"host\":{\"product_line\":\"OfficeScan\",\"os\":\"Windows XP\","
                   "\"attributes\":{\"engine\":\"7.510\"}},"
                   "\"updates\":[{\"id\":\"pattern/2.594.00\",\"outcome\":\"rolled_back\","
                   "\"at\":1114209221000}],"
                   "\"cpu\":{\"interval_s\":300,\"busy\":0.98,\"peak\":1.0,\"product_busy\":0.95}}",
                   host, bench.now);
    assert_post("/v1/reports", JSON_TYPE, bench.gateway, body, "{\"accepted\":1,\"rejected\":[]}");
    assert_text("select r.customer_id || ' ' || interval_s || ' ' || busy || ' ' || peak || ' ' || "
                "product_busy || ' ' || row_count || ' ' || "
                "(abs(extract(epoch from now() - r.received_at)) < 300) || ' ' || "
                "(r.received_at between l.received_from and l.received_until) "
                "from report r join report_load l using (load_id) "
                "where host_id = '6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b'",
                "acme 300 0.98 1 0.95 1 true true");
    assert_text("select attributes from report join segment using (segment_id) "
                "where host_id = '6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b'",
                "{\"os\": \"Windows XP\", \"engine\": \"7.510\", \"product_line\": "
                "\"OfficeScan\"}");
    assert_text("select update_id || ' ' || outcome || ' ' || happened_at at time zone 'UTC' "
                "from report_update where host_id = '6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b'",
                "pattern/2.594.00 2 2005-04-22 22:33:41");
    assert_int_equal(number("select count(*) from host_name "
                            "where host_id = '6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b'"),
                     0);
}

static void the_same_name_at_two_customers_is_two_hosts(void **state)
{
    (void)state;
    char other[TOKEN_TEXT_SIZE + 24];
    collector_bench_token(&bench, (const char *const[]){"--gateway", "--customer", "other", NULL},
                          other);
    const char *report = collector_bench_report(&bench, "twin", 0.5);
    assert_post("/v1/reports", JSON_TYPE, bench.gateway, report,
                "{\"accepted\":1,\"rejected\":[]}");
    assert_post("/v1/reports", JSON_TYPE, other, report, "{\"accepted\":1,\"rejected\":[]}");
    assert_int_equal(number("select count(distinct host_id) from host_name where name = 'twin'"),
                     2);
    assert_text("select string_agg(customer_id, ' ' order by customer_id) from report join "
                "host_name using (host_id, customer_id) where name = 'twin'",
                "acme other");
}

static void a_bad_line_costs_only_itself(void **state)
{
    (void)state;
    struct buffer body = {0};
    buffer_append_format(&body, "%s\n", collector_bench_report(&bench, "lines-1", 0.5));
    buffer_append_format(&body, "%s\n", collector_bench_report(&bench, "lines-2", 1.4));
    buffer_append_text(&body, "\n{\"host_id\":\n");
    buffer_append_format(&body, "%s", collector_bench_report(&bench, "lines-5", 0.5));
    assert_post("/v1/reports", NDJSON_TYPE, bench.gateway, body.data,
                "{\"accepted\":2,\"rejected\":["
                "{\"line\":2,\"detail\":\"cpu.busy: 1.4 is not between 0 and 1\"},"
                "{\"line\":4,\"detail\":\"not JSON: unexpected token at byte 11\"}]}");
    assert_int_equal(number("select count(*) from report join host_name using (host_id) "
                            "where name like 'lines-%'"),
                     2);
    assert_text("select string_agg(line || ' ' || source || ' ' || customer_id || ' ' || detail "
                "|| ' ' || left(excerpt, 11), '; ' order by line) from rejected_report "
                "where excerpt like '%lines-2%' or excerpt like '{\"host_id\":'",
                "2 /v1/reports acme cpu.busy: 1.4 is not between 0 and 1 {\"host_id\":; "
                "4 /v1/reports acme not JSON: unexpected token at byte 11 {\"host_id\":");
    buffer_free(&body);
}

static void a_thousand_lines_are_one_load(void **state)
{
    (void)state;
    struct buffer body = {0};
    char name[32];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "thousand-%d", i);
        buffer_append_format(&body, "%s\r\n", collector_bench_report(&bench, name, 0.5));
    }
    assert_post("/v1/reports", NDJSON_TYPE, bench.gateway, body.data,
                "{\"accepted\":1000,\"rejected\":[]}");
    assert_text("select count(*) || ' ' || count(distinct load_id) || ' ' || "
                "count(distinct host_id) from report join host_name using (host_id) "
                "where name like 'thousand-%'",
                "1000 1 1000");
    buffer_free(&body);
}

/* ---- Encodings ---- */

static void gzip(const char *text, size_t length, struct buffer *packed)
{
    z_stream stream = {0};
    /* 16 more bits of window: gzip's frame rather than zlib's */
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY),
                     Z_OK);
    size_t bound = deflateBound(&stream, length);
    packed->data = calloc(1, bound + 1);
    assert_non_null(packed->data);
    packed->capacity = bound + 1;
    stream.next_in = (Bytef *)text;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)packed->data;
    stream.avail_out = (uInt)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed->length = stream.total_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
}

static void post_encoded(const char *encoding, const char *type, const struct buffer *packed,
                         struct http_answer *answer)
{
    char url[128];
    char header[64];
    (void)snprintf(url, sizeof url, "%s/v1/reports", bench.collector.url);
    (void)snprintf(header, sizeof header, "Content-Encoding: %s", encoding);
    const char *const headers[] = {type, bench.gateway, header, NULL};
    http_client_ask(
        NULL,
        &(struct http_ask){
            .url = url, .headers = headers, .body = packed->data, .body_length = packed->length},
        answer);
}

static void compressed_reports_are_reports(void **state)
{
    (void)state;
    struct buffer plain = {0};
    struct buffer packed = {0};
    struct http_answer answer;
    buffer_append_format(&plain, "%s\n", collector_bench_report(&bench, "packed-1", 0.5));
    buffer_append_format(&plain, "%s\n", collector_bench_report(&bench, "packed-2", 0.5));
    gzip(plain.data, plain.length, &packed);
    post_encoded("gzip", NDJSON_TYPE, &packed, &answer);
    assert_string_equal(answer.body.data, "{\"accepted\":2,\"rejected\":[]}");
    http_answer_free(&answer);

    packed.length -= 9; /* without its check sum and the end of its data */
    post_encoded("gzip", NDJSON_TYPE, &packed, &answer);
    collector_bench_expect_problem(&answer, 400, "not one whole gzip member");
    http_answer_free(&answer);
    post_encoded("br", NDJSON_TYPE, &packed, &answer);
    collector_bench_expect_problem(&answer, 415, "Content-Encoding: \"br\" is not gzip or zstd");
    http_answer_free(&answer);

    char zstd[1024];
    size_t size = ZSTD_compress(zstd, sizeof zstd, plain.data, plain.length, 3);
    assert_false(ZSTD_isError(size));
    post_encoded("zstd", NDJSON_TYPE, &(struct buffer){.data = zstd, .length = size}, &answer);
    assert_string_equal(answer.body.data, "{\"accepted\":2,\"rejected\":[]}");
    http_answer_free(&answer);
    buffer_free(&packed);
    buffer_free(&plain);
}

static void a_bomb_is_refused(void **state)
{
    (void)state;
    size_t length = (size_t)32 * 1024 * 1024;
    char *zeros = calloc(1, length);
    struct buffer packed = {0};
    struct http_answer answer;
    assert_non_null(zeros);
    gzip(zeros, length, &packed);
    post_encoded("gzip", NDJSON_TYPE, &packed, &answer);
    collector_bench_expect_problem(&answer, 413, "the body inflates to more than");
    http_answer_free(&answer);
    buffer_free(&packed);
    free(zeros);
}

/* ---- Refusals ---- */

static void who_is_not_known_is_told_how_to_be(void **state)
{
    (void)state;
    struct http_answer answer;
    char value[HTTP_HEADER_VALUE_SIZE];
    const char *report = collector_bench_report(&bench, "unknown", 0.5);
    assert_int_equal(collector_bench_post(&bench, "/v1/reports", JSON_TYPE, NULL, report, &answer),
                     401);
    collector_bench_expect_problem(&answer, 401, "send the token");
    assert_non_null(http_answer_header(&answer, "WWW-Authenticate", value));
    assert_non_null(strstr(value, "Bearer"));
    http_answer_free(&answer);

    char wrong[sizeof bench.gateway];
    memcpy(wrong, bench.gateway, sizeof wrong);
    char *last = wrong + strlen(wrong) - 6;
    *last = *last == 'A' ? 'B' : 'A';
    refuse("/v1/reports", JSON_TYPE, wrong, report, 401, "the token is not one of ours");
    refuse("/v1/reports", JSON_TYPE, "Authorization: Bearer", report, 401, "not one of ours");
    refuse("/v1/reports", JSON_TYPE, "Authorization: Digest x", report, 401, "not one of ours");
    refuse("/v1/collectd", JSON_TYPE, NULL, "[]", 401, "send the token");
    assert_int_equal(number("select count(*) from host_name where name = 'unknown'"), 0);
}

static void each_mistake_has_its_status(void **state)
{
    (void)state;
    char ahead[INSTANT_TEXT_SIZE];
    char behind[INSTANT_TEXT_SIZE];
    char future[256];
    char past[256];
    (void)instant_format(instant_now() + 11 * INSTANT_MINUTE, ahead);
    (void)instant_format(instant_now() - 7 * INSTANT_DAY - INSTANT_MINUTE, behind);
    static const char pattern[] = "{\"host_id\":\"h\",\"observed_at\":\"%s\","
                                  "\"cpu\":{\"interval_s\":60,\"busy\":0.5}}";
    (void)snprintf(future, sizeof future, pattern, ahead);
    (void)snprintf(past, sizeof past, pattern, behind);
    char replay[TOKEN_TEXT_SIZE + 24];
    collector_bench_token(&bench, (const char *const[]){"--replay", NULL}, replay);
    const char *good = collector_bench_report(&bench, "h", 0.5);
    const struct {
        const char *type, *authorization, *body;
        unsigned status;
        const char *detail;
    } cases[] = {
        {JSON_TYPE, bench.gateway, "{\"host_id\":", 400, "not JSON"},
        {JSON_TYPE, bench.gateway, "", 400, "the body is empty"},
        {NDJSON_TYPE, bench.gateway, "\n\n", 400, "the body is empty"},
        {JSON_TYPE, bench.gateway, "{\"host_id\":7}", 400, "host_id: a number is not text"},
        {JSON_TYPE, bench.gateway, future, 400, "more than 10 minutes ahead"},
        {JSON_TYPE, bench.gateway, past, 400, "more than 7 days behind"},
        {JSON_TYPE, bench.gateway, collector_bench_report(&bench, "h", 1.4), 400,
         "cpu.busy: 1.4 is not between 0 and 1"},
        {JSON_TYPE, bench.gateway,
         "{\"host_id\":\"h\",\"customer_id\":\"other\",\"observed_at\":0}", 403,
         "customer_id: this token writes for customer acme, not other"},
        {NDJSON_TYPE, bench.gateway,
         "{\"host_id\":\"h\",\"customer_id\":\"other\"}\n{\"host_id\":\"h\",\"customer_id\":\"b\"}",
         403, "line 1: customer_id"},
        {NDJSON_TYPE, bench.gateway, "{\"host_id\":\"h\",\"customer_id\":\"other\"}\n{}", 400,
         "line 2: host_id: missing"},
        {"Content-Type: text/plain", bench.gateway, good, 415, "Content-Type"},
        {"Content-Type: application/jsonp", bench.gateway, good, 415, "Content-Type"},
        {JSON_TYPE, replay, good, 403, "without --replay"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refuse("/v1/reports", cases[i].type, cases[i].authorization, cases[i].body, cases[i].status,
               cases[i].detail);
    }
    refuse("/v1/collectd", JSON_TYPE, bench.gateway, "{}", 400, "sends an array");
    refuse("/v1/nothing", JSON_TYPE, bench.gateway, good, 404, "");
}

static void too_much_is_too_much(void **state)
{
    (void)state;
    size_t length = (size_t)9 * 1024 * 1024;
    char *body = malloc(length + 1);
    assert_non_null(body);
    memset(body, ' ', length);
    body[length] = '\0';
    refuse("/v1/reports", NDJSON_TYPE, bench.gateway, body, 413, "over the limit of 8388608");
    body[(size_t)65 * 1024] = '\0';
    refuse("/v1/reports", JSON_TYPE, bench.gateway, body, 413, "over the limit of 65536");
    free(body);
    struct http_answer answer;
    char value[HTTP_HEADER_VALUE_SIZE];
    assert_int_equal(collector_bench_get(&bench, "/v1/reports", &answer), 405);
    assert_string_equal(http_answer_header(&answer, "Allow", value), "POST");
    http_answer_free(&answer);
}

static void a_stranger_s_body_is_not_read(void **state)
{
    (void)state;
    /* Of 8 MB that are announced and never come, and of chunks without an end. */
    static const char *const frames[] = {"Content-Length: 8000000", "Transfer-Encoding: chunked"};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        char text[256];
        struct buffer received = {0};
        int connection = http_raw_connect(bench.collector.port);
        int length = snprintf(text, sizeof text,
                              "POST /v1/reports HTTP/1.1\r\nHost: h\r\n"
                              "Content-Type: application/x-ndjson\r\n%s\r\n\r\n",
                              frames[i]);
        http_raw_send(connection, text, (size_t)length);
        assert_true(http_raw_receive(connection, 10000, &received));
        assert_memory_equal(received.data, "HTTP/1.1 401 ", 13);
        http_raw_close(connection);
        buffer_free(&received);
    }
    /* A small one is read away, so that the connection stays of use. */
    struct http_client *client = http_client_new();
    char url[128];
    (void)snprintf(url, sizeof url, "%s/v1/reports", bench.collector.url);
    for (int i = 0; i < 3; i++) {
        const char *const headers[] = {JSON_TYPE, i == 2 ? bench.gateway : NULL, NULL};
        struct http_answer answer;
        http_client_ask(client,
                        &(struct http_ask){.url = url,
                                           .headers = headers,
                                           .body = collector_bench_report(&bench, "known", 0.5)},
                        &answer);
        assert_int_equal(answer.status, i == 2 ? 200 : 401);
        http_answer_free(&answer);
    }
    http_client_free(client);
}

/* ---- collectd ---- */

static void collectd_is_taken_unchanged(void **state)
{
    (void)state;
    char body[512];
    double now_s = (double)instant_now() / 1e6;
    /* The shape of tests/fixtures/collectd/cpu_active.json, at this time. */
    (void)snprintf(body, sizeof body,
                   "[{\"values\":[37.5],\"dstypes\":[\"gauge\"],\"dsnames\":[\"value\"],"
                   "\"time\":%.3f,\"interval\":1.000,\"host\":\"collectd-1\",\"plugin\":\"cpu\","
                   "\"plugin_instance\":\"\",\"type\":\"percent\",\"type_instance\":\"active\"}]",
                   now_s);
    assert_post("/v1/collectd?os=Debian%2012&product_line=OfficeScan", JSON_TYPE, bench.gateway,
                body, "{\"accepted\":1,\"rejected\":[]}");
    assert_text("select busy || ' ' || interval_s || ' ' || attributes::text from report "
                "join segment using (segment_id)" OF_NAME("collectd-1"),
                "0.375 1 {\"os\": \"Debian 12\", \"product_line\": \"OfficeScan\"}");
}

static void the_password_of_basic_is_a_token(void **state)
{
    (void)state;
    char basic[2 * TOKEN_TEXT_SIZE];
    char userinfo[TOKEN_TEXT_SIZE + 8];
    int length = snprintf(userinfo, sizeof userinfo, "any:%s", strrchr(bench.gateway, ' ') + 1);
    size_t used = (size_t)snprintf(basic, sizeof basic, "Authorization: Basic ");
    (void)sodium_bin2base64(basic + used, sizeof basic - used, (unsigned char *)userinfo,
                            (size_t)length, sodium_base64_VARIANT_ORIGINAL);
    assert_post("/v1/collectd", JSON_TYPE, basic, "[]", "{\"accepted\":0,\"rejected\":[]}");
}

/* ---- How it is ---- */

/* The value of a metric as it stands before the space, labels and all; -1 where there is none.
 * Fails on a line that neither OpenMetrics 1.0 nor the text format knows. */
static double read_metric(const char *text, const char *metric)
{
    double value = -1;
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (line[0] == '#') {
            continue;
        }
        const char *after = line + strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
        if (*after == '{') {
            after = strchr(after, '}') + 1;
        }
        char *end;
        double said = strtod(after + 1, &end);
        if (after == line || *after != ' ' || *end != '\n') {
            fail_msg("not a line of metrics: %.*s", (int)strcspn(line, "\n"), line);
        }
        if ((size_t)(after - line) == strlen(metric) &&
            strncmp(line, metric, strlen(metric)) == 0) {
            value = said;
        }
    }
    return value;
}

static void ask_metrics(const char *accept, const char *type, struct http_answer *answer)
{
    char url[128];
    char value[HTTP_HEADER_VALUE_SIZE];
    const char *const headers[] = {accept, NULL};
    (void)snprintf(url, sizeof url, "%s/metrics", bench.collector.url);
    http_client_ask(NULL, &(struct http_ask){.url = url, .headers = headers}, answer);
    assert_int_equal(answer->status, 200);
    assert_string_equal(http_answer_header(answer, "Content-Type", value), type);
    size_t length = answer->body.length;
    assert_true(length > 6 && strcmp(answer->body.data + length - 6, "# EOF\n") == 0);
}

#define METRIC(name) "epicenter_collector_" name

static void metrics_count_what_the_tables_hold(void **state)
{
    (void)state;
    static const struct {
        const char *metric, *sql;
    } cases[] = {
        {METRIC("reports_committed_total"), "select count(*) from report"},
        {METRIC("updates_committed_total"), "select count(*) from report_update"},
        {METRIC("reports_rejected_total{reason=\"forbidden\"}"),
         "select count(*) from rejected_report where detail like '%this token writes%'"},
        {METRIC("reports_rejected_total{reason=\"invalid\"}"),
         "select count(*) from rejected_report where detail not like '%this token writes%'"},
        {METRIC("load_reports_count"), "select count(*) from report_load where row_count > 0"},
        {METRIC("load_reports_sum"), "select sum(row_count) from report_load"},
        {METRIC("load_reports_bucket{le=\"1\"}"),
         "select count(*) from report_load where row_count = 1"},
        {METRIC("load_reports_bucket{le=\"1000\"}"),
         "select count(*) from report_load where row_count between 1 and 1000"},
        {METRIC("database_up"), "select 1"},
        {METRIC("queued_reports"), "select 0"},
    };
    struct http_answer answer;
    ask_metrics("Accept: text/plain", "text/plain; version=0.0.4; charset=utf-8", &answer);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double said = read_metric(answer.body.data, cases[i].metric);
        int64_t there = number(cases[i].sql);
        if (said != (double)there) {
            fail_msg("%s is %g, not %lld", cases[i].metric, said, (long long)there);
        }
    }
    assert_true(read_metric(answer.body.data, METRIC("requests_total{status=\"413\"}")) >= 1);
    assert_non_null(
        strstr(answer.body.data, "# TYPE " METRIC("reports_committed_total") " counter\n"));
    http_answer_free(&answer);

    ask_metrics("Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
                "application/openmetrics-text; version=1.0.0; charset=utf-8", &answer);
    assert_non_null(strstr(answer.body.data, "# TYPE " METRIC("reports_committed") " counter\n"));
    assert_true(read_metric(answer.body.data, METRIC("database_up")) == 1);
    http_answer_free(&answer);
}

static void it_says_that_it_is_well(void **state)
{
    (void)state;
    static const char *const paths[] = {"/healthz", "/readyz"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_answer answer;
        char value[HTTP_HEADER_VALUE_SIZE];
        assert_int_equal(collector_bench_get(&bench, paths[i], &answer), 200);
        assert_string_equal(http_answer_header(&answer, "X-Content-Type-Options", value),
                            "nosniff");
        assert_string_equal(http_answer_header(&answer, "Cache-Control", value), "no-store");
        assert_non_null(http_answer_header(&answer, "Content-Security-Policy", value));
        http_answer_free(&answer);
    }
}

static int start(void **state)
{
    (void)state;
    collector_bench_start(&bench, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(serving_stop(&bench.collector), 0);
    collector_bench_stop(&bench);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_that_it_is_well),
        cmocka_unit_test(a_host_enrols_and_then_writes_itself_alone),
        cmocka_unit_test(enrolment_is_refused_in_words),
        cmocka_unit_test(a_report_is_stored_as_it_was_sent),
        cmocka_unit_test(the_same_name_at_two_customers_is_two_hosts),
        cmocka_unit_test(a_bad_line_costs_only_itself),
        cmocka_unit_test(a_thousand_lines_are_one_load),
        cmocka_unit_test(compressed_reports_are_reports),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(who_is_not_known_is_told_how_to_be),
        cmocka_unit_test(each_mistake_has_its_status),
        cmocka_unit_test(too_much_is_too_much),
        cmocka_unit_test(a_stranger_s_body_is_not_read),
        cmocka_unit_test(collectd_is_taken_unchanged),
        cmocka_unit_test(the_password_of_basic_is_a_token),
        cmocka_unit_test(metrics_count_what_the_tables_hold),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, start, stop);
}
