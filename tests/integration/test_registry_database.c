/* The registry in PostgreSQL: imported from CSV, read back, all or nothing. The server itself,
 * asked as the owner, is the oracle; the program's side runs as its own role.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/cost.h"
#include "analyzer/cost_database.h"
#include "analyzer/registry.h"
#include "analyzer/registry_csv.h"
#include "analyzer/registry_database.h"
#include "analyzer/registry_import.h"
#include "common/database.h"
#include "common/instant.h"
#include "common/time_zone.h"
#include "tests/support/private_cluster.h"

#define CUSTOMER_HEADER                                                                            \
    "customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,currency,"         \
    "renewal_on\n"
#define SEAT_HEADER "customer_id,product_line,seats\n"
#define UPDATE_HEADER "update_id,product_line,released_at,withdrawn_at\n"

static struct private_cluster *cluster;
static struct database *database;

static int start(void **state)
{
    (void)state;
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    struct failure failure;
    return database_open(private_cluster_conninfo(cluster, "epicenter_analyzer"), "test", 0,
                         &database, &failure)
               ? 0
               : -1;
}

static int stop(void **state)
{
    (void)state;
    database_close(database);
    private_cluster_remove(cluster);
    return 0;
}

static int empty_tables(void **state)
{
    (void)state;
    private_cluster_run(cluster,
                        "truncate customer, customer_contact, seat, update_release, cost_parameter,"
                        " staffing, compensation, exchange_rate, region, product_line");
    return 0;
}

static const char *written(const char *content)
{
    const char *path = private_cluster_path(cluster, "import.csv");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static bool import_path(enum registry_kind kind, const char *path, size_t *count,
                        struct failure *failure)
{
    struct registry_import_counts counts;
    const struct registry_source source = {.csv.path = path};
    bool done = registry_import(database, kind, &source, false, &counts, failure);
    *count = counts.added + counts.changed + counts.unchanged;
    return done;
}

static void import(enum registry_kind kind, const char *content, size_t expected)
{
    size_t count = 0;
    struct failure failure = {0};
    if (!import_path(kind, written(content), &count, &failure)) {
        fail_msg("%s", failure.message);
    }
    assert_int_equal(count, expected);
}

static void assert_refused(enum registry_kind kind, const char *content, const char *says)
{
    size_t count = 0;
    struct failure failure = {0};
    assert_false(import_path(kind, written(content), &count, &failure));
    assert_int_equal(failure.code, FAILURE_INVALID);
    if (strstr(failure.message, says) == NULL) {
        fail_msg("\"%s\" does not say: %s", failure.message, says);
    }
    /* The connection is good for the next thing, in no transaction. */
    assert_true(database_ping(database, &failure));
    /* Outside a transaction there is nothing to save. */
    assert_false(database_run(database, "savepoint left_open", 0, NULL, NULL, &failure));
}

static struct registry *loaded(void)
{
    struct registry *registry = NULL;
    struct failure failure = {0};
    if (!registry_new(&registry, &failure) || !registry_load(registry, database, &failure)) {
        fail_msg("%s", failure.message);
    }
    return registry;
}

static const char two_customers[] = CUSTOMER_HEADER
    "c-1,\"Example, Trading\",corporate,JP,JP,Asia/Tokyo,premium,Partner One,9223372036854775807,"
    "JPY,2005-09-30\n"
    "c-2,\xe6\x9d\xb1\xe4\xba\xac,consumer,EU,DE,Europe/Berlin,standard,,,,\n";

static void customers_arrive_in_their_columns(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    assert_string_equal(private_cluster_text(cluster, "select c::text from customer c"
                                                      " where customer_id = 'c-1'"),
                        "(c-1,\"Example, Trading\",corporate,JP,JP,Asia/Tokyo,premium,"
                        "\"Partner One\",9223372036854775807,JPY,2005-09-30,,)");
    assert_string_equal(
        private_cluster_text(cluster, "select c::text from customer c"
                                      " where customer_id = 'c-2'"),
        "(c-2,\xe6\x9d\xb1\xe4\xba\xac,consumer,EU,DE,Europe/Berlin,standard,,0,,,,)");
}

static void what_a_file_does_not_know_stays(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS,
           "customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,currency,"
           "renewal_on,language,criticality\n"
           "c-1,N,corporate,JP,JP,Asia/Tokyo,premium,,,,,ja,critical\n",
           1);
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    struct registry *registry = loaded();
    assert_string_equal(registry_customer(registry, "c-1")->language, "ja");
    assert_int_equal(registry_customer(registry, "c-1")->criticality, CRITICALITY_CRITICAL);
    assert_null(registry_customer(registry, "c-2")->language);
    assert_int_equal(registry_customer(registry, "c-2")->criticality, CRITICALITY_UNKNOWN);
    registry_free(registry);
}

static void the_registry_reads_what_was_imported(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    import(REGISTRY_SEATS, SEAT_HEADER "c-1,OfficeScan,2147483647\nc-1,ServerProtect,3\n", 2);
    import(REGISTRY_UPDATES,
           UPDATE_HEADER "pattern/2.594.00,,2005-04-23T07:33:00.123456+09:00,2005-04-23T00:02:00Z\n"
                         "engine/7.510,OfficeScan,,\n",
           2);
    struct registry *registry = loaded();
    const struct registry_customer *first = registry_customer(registry, "c-1");
    assert_string_equal(first->name, "Example, Trading");
    assert_int_equal(first->kind, CUSTOMER_CORPORATE);
    assert_int_equal(time_zone_offset_s(first->zone, 0), 32400);
    assert_string_equal(first->tier, "premium");
    assert_string_equal(first->partner, "Partner One");
    assert_true(first->contract_value == INT64_MAX);
    assert_string_equal(first->renewal_on, "2005-09-30");
    assert_int_equal(first->seat_count, 2);
    assert_true(registry_total_seats(first) == UINT64_C(2147483650));
    const struct registry_customer *second = registry_customer(registry, "c-2");
    assert_int_equal(second->kind, CUSTOMER_CONSUMER);
    assert_null(second->partner);
    assert_null(second->currency);
    assert_null(second->renewal_on);
    assert_null(registry_customer_at(registry, 2));
    const struct registry_update *pattern = registry_update(registry, "pattern/2.594.00");
    assert_null(pattern->product_line);
    assert_true(pattern->released_at == 1114209180 * INSTANT_SECOND + 123456);
    assert_true(pattern->withdrawn_at == 1114214520 * INSTANT_SECOND);
    const struct registry_update *engine = registry_update(registry, "engine/7.510");
    assert_string_equal(engine->product_line, "OfficeScan");
    assert_true(engine->released_at == INSTANT_NONE);
    assert_true(engine->withdrawn_at == INSTANT_NONE);
    registry_free(registry);
}

struct told {
    size_t refused;
    char last[256];
};

static void note_refused(void *context, const char *why)
{
    struct told *told = context;
    told->refused++;
    (void)snprintf(told->last, sizeof told->last, "%s", why);
}

static struct registry_import_counts run_import(enum registry_kind kind, const char *content,
                                                bool dry_run, struct told *told)
{
    struct registry_import_counts counts;
    struct failure failure = {0};
    const struct registry_source source = {
        .csv.path = written(content), .refused = dry_run ? note_refused : NULL, .context = told};
    if (!registry_import(database, kind, &source, dry_run, &counts, &failure)) {
        fail_msg("%s", failure.message);
    }
    return counts;
}

static void assert_counts(struct registry_import_counts counts, size_t added, size_t changed,
                          size_t unchanged)
{
    assert_int_equal(counts.added, added);
    assert_int_equal(counts.changed, changed);
    assert_int_equal(counts.unchanged, unchanged);
}

/* One as it was, one changed, one new, one named twice, two refused. */
static const char mixed_customers[] = CUSTOMER_HEADER
    "c-1,\"Example, Trading\",corporate,JP,JP,Asia/Tokyo,premium,Partner One,9223372036854775807,"
    "JPY,2005-09-30\n"
    "c-3,N,company,JP,JP,Asia/Tokyo,a,,,,\n"
    "c-2,Other,consumer,EU,DE,Europe/Berlin,standard,,,,\n"
    "c-4,First,consumer,EU,DE,Europe/Berlin,standard,,,,\n"
    "c-4,Second,consumer,EU,DE,Europe/Berlin,standard,,,,\n"
    "c-5,N,consumer,JP,JP,Asia/Tokio,a,,,,\n";

static void a_dry_run_says_what_would_be_and_writes_nothing(void **state)
{
    (void)state;
    struct told told = {0};
    assert_counts(run_import(REGISTRY_CUSTOMERS, two_customers, true, &told), 2, 0, 0);
    assert_counts(run_import(REGISTRY_CUSTOMERS, two_customers, false, NULL), 2, 0, 0);
    assert_counts(run_import(REGISTRY_CUSTOMERS, two_customers, true, &told), 0, 0, 2);
    assert_int_equal(told.refused, 0);
    assert_counts(run_import(REGISTRY_CUSTOMERS, mixed_customers, true, &told), 1, 1, 1);
    assert_int_equal(told.refused, 2);
    assert_non_null(strstr(told.last, "line 7, time_zone: \"Asia/Tokio\""));
    assert_int_equal(private_cluster_number(cluster, "select count(*) from customer"), 2);
    assert_refused(REGISTRY_CUSTOMERS, mixed_customers, "line 3, kind: ");

    told = (struct told){0};
    static const char seats[] =
        SEAT_HEADER "c-1,OfficeScan,5\nstranger,OfficeScan,5\nc-1,ServerProtect,x\nother,A,1\n";
    assert_counts(run_import(REGISTRY_SEATS, seats, true, &told), 1, 0, 0);
    assert_int_equal(told.refused, 3);
    assert_non_null(strstr(told.last, "line 5, customer_id: there is no customer \"other\""));
    assert_refused(REGISTRY_SEATS, SEAT_HEADER "stranger,OfficeScan,5\n", "line 2, customer_id: ");
    assert_int_equal(private_cluster_number(cluster, "select count(*) from seat"), 0);
}

static void what_is_written_is_counted(void **state)
{
    (void)state;
    assert_counts(run_import(REGISTRY_CUSTOMERS, two_customers, false, NULL), 2, 0, 0);
    /* Rows that are as they were are not written again: the same row version stands. */
    int64_t row = private_cluster_number(
        cluster, "select xmin::text::bigint from customer where customer_id = 'c-1'");
    assert_counts(run_import(REGISTRY_CUSTOMERS, two_customers, false, NULL), 0, 0, 2);
    assert_int_equal(
        private_cluster_number(cluster,
                               "select xmin::text::bigint from customer where customer_id = 'c-1'"),
        row);
    assert_counts(run_import(REGISTRY_SEATS, SEAT_HEADER "c-1,A,1\nc-1,B,2\n", false, NULL), 2, 0,
                  0);
    assert_counts(
        run_import(REGISTRY_SEATS, SEAT_HEADER "c-1,A,1\nc-1,B,3\nc-2,A,1\n", false, NULL), 1, 1,
        1);
    assert_counts(run_import(REGISTRY_UPDATES, UPDATE_HEADER "a,,,\nb,X,,\n", false, NULL), 2, 0,
                  0);
    assert_counts(run_import(REGISTRY_UPDATES,
                             UPDATE_HEADER "a,,2005-04-23T00:00:00Z,\nb,X,,\nc,,,\n", false, NULL),
                  1, 1, 1);
}

static void what_is_deleted_goes(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    import(REGISTRY_SEATS, SEAT_HEADER "c-1,OfficeScan,7\nc-1,ServerProtect,3\nc-2,OfficeScan,1\n",
           3);
    import(REGISTRY_UPDATES, UPDATE_HEADER "a,,,\nb,OfficeScan,,\n", 2);
    struct registry *registry = loaded();
    const struct registry_customer *first = registry_customer(registry, "c-1");
    const struct registry_customer *second = registry_customer(registry, "c-2");
    assert_int_equal(first->seat_count, 2);
    uint64_t changes = registry_seat_changes(registry);
    struct failure failure = {0};
    /* The same again changes nothing. */
    assert_true(registry_load(registry, database, &failure));
    assert_true(registry_seat_changes(registry) == changes);
    assert_ptr_equal(registry_customer(registry, "c-1"), first);

    private_cluster_run(cluster, "delete from seat where product_line = 'OfficeScan'");
    private_cluster_run(cluster, "delete from update_release where update_id = 'a'");
    assert_true(registry_load(registry, database, &failure));
    assert_int_equal(first->seat_count, 1);
    assert_string_equal(first->seats[0].product_line, "ServerProtect");
    assert_int_equal(second->seat_count, 0);
    assert_true(registry_seat_changes(registry) > changes);
    assert_null(registry_update(registry, "a"));
    assert_ptr_equal(registry_update_at(registry, 0), registry_update(registry, "b"));
    assert_null(registry_update_at(registry, 1));

    private_cluster_run(cluster, "delete from customer where customer_id = 'c-1'");
    assert_true(registry_load(registry, database, &failure));
    assert_null(registry_customer(registry, "c-1"));
    assert_ptr_equal(registry_customer_at(registry, 0), second);
    assert_ptr_equal(registry_customer(registry, "c-2"), second);
    assert_null(registry_customer_at(registry, 1));
    /* Whoever still looks at the dropped one sees it as it was. */
    assert_string_equal(first->name, "Example, Trading");

    import(REGISTRY_CUSTOMERS, two_customers, 2);
    assert_true(registry_load(registry, database, &failure));
    assert_non_null(registry_customer(registry, "c-1"));
    registry_free(registry);
}

static int64_t version(void)
{
    int64_t version = 0;
    struct failure failure = {0};
    if (!registry_read_version(database, &version, &failure)) {
        fail_msg("%s", failure.message);
    }
    return version;
}

static void every_change_counts_up(void **state)
{
    (void)state;
    static const char *const changes[] = {
        ("insert into customer (customer_id, name, kind, region, country, time_zone, tier)"
         " values ('c', 'N', 'consumer', 'JP', 'JP', 'Asia/Tokyo', 'a')"),
        "update customer set name = 'M'",
        "insert into seat values ('c', 'OfficeScan', 1)",
        "delete from seat",
        "delete from customer",
        "insert into update_release (update_id) values ('u')",
        "truncate update_release",
        "insert into staffing values ('JP', 9, 5)",
        "update cost_parameter set low = low",
        "delete from compensation",
    };
    int64_t before = version();
    assert_true(before > 0);
    assert_true(version() == before);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        private_cluster_run(cluster, changes[i]);
        int64_t after = version();
        if (after <= before) {
            fail_msg("not counted: %s", changes[i]);
        }
        before = after;
    }
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    assert_true(version() > before);
}

static void importing_again_replaces_by_id(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    import(REGISTRY_SEATS, SEAT_HEADER "c-1,OfficeScan,10\n", 1);
    import(REGISTRY_UPDATES, UPDATE_HEADER "u,OfficeScan,2005-04-22T00:00:00Z,\n", 1);
    struct registry *registry = loaded();

    import(REGISTRY_CUSTOMERS,
           CUSTOMER_HEADER "c-1,New,consumer,TW,TW,Asia/Taipei,basic,,5,TWD,2006-01-31\n"
                           "c-3,Third,consumer,TW,TW,Asia/Taipei,basic,,,,\n",
           2);
    import(REGISTRY_SEATS, SEAT_HEADER "c-1,OfficeScan,20\nc-3,VirusBuster,1\n", 2);
    import(REGISTRY_UPDATES, UPDATE_HEADER "u,,2005-04-22T00:00:00Z,2005-04-23T00:00:00Z\n", 1);
    assert_int_equal(private_cluster_number(cluster, "select count(*) from customer"), 3);
    assert_string_equal(private_cluster_text(cluster, "select c::text from customer c"
                                                      " where customer_id = 'c-1'"),
                        "(c-1,New,consumer,TW,TW,Asia/Taipei,basic,,5,TWD,2006-01-31,,)");
    assert_int_equal(private_cluster_number(cluster, "select sum(seats) from seat"), 21);
    assert_string_equal(private_cluster_text(cluster, "select product_line is null and"
                                                      " withdrawn_at = '2005-04-23T00:00:00Z'"
                                                      " from update_release"),
                        "t");
    /* A registry in use takes the change over, and its pointers stay good. */
    const struct registry_customer *customer = registry_customer(registry, "c-1");
    struct failure failure;
    assert_true(registry_load(registry, database, &failure));
    assert_ptr_equal(registry_customer(registry, "c-1"), customer);
    assert_string_equal(customer->name, "New");
    assert_true(registry_total_seats(customer) == 20);
    assert_non_null(registry_customer(registry, "c-3"));
    registry_free(registry);
}

static void of_rows_with_one_id_the_last_counts_as_in_a_file(void **state)
{
    (void)state;
    struct buffer content = {0};
    buffer_append_text(&content, CUSTOMER_HEADER);
    for (int i = 0; i < 500; i++) {
        buffer_append_format(&content, "c-%d,Name %d,consumer,JP,JP,Asia/Tokyo,basic,,%d,,\n",
                             i % 7, i, i);
    }
    import(REGISTRY_CUSTOMERS, content.data, 7);
    struct registry *from_file = NULL;
    struct failure failure;
    assert_true(registry_new(&from_file, &failure));
    assert_true(
        registry_read_customers(from_file, private_cluster_path(cluster, "import.csv"), &failure));
    struct registry *from_table = loaded();
    for (int i = 0; i < 7; i++) {
        char id[8];
        snprintf(id, sizeof id, "c-%d", i);
        const struct registry_customer *left = registry_customer(from_file, id);
        const struct registry_customer *right = registry_customer(from_table, id);
        assert_true(left->contract_value >= 493);
        assert_true(left->contract_value == right->contract_value);
        assert_string_equal(left->name, right->name);
    }
    registry_free(from_file);
    registry_free(from_table);
    buffer_free(&content);
    import(REGISTRY_SEATS, SEAT_HEADER "c-1,A,1\nc-1,A,3\nc-1,A,2\n", 1);
    assert_int_equal(private_cluster_number(cluster, "select seats from seat"), 2);
    import(REGISTRY_UPDATES, UPDATE_HEADER "u,First,,\nu,Second,,\n", 1);
    assert_string_equal(private_cluster_text(cluster, "select product_line from update_release"),
                        "Second");
}

static void a_bad_row_leaves_the_tables_as_they_were(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    assert_refused(REGISTRY_CUSTOMERS,
                   CUSTOMER_HEADER "c-1,Changed,consumer,JP,JP,Asia/Tokyo,a,,,,\n"
                                   "c-9,N,company,JP,JP,Asia/Tokyo,a,,,,\n",
                   "line 3, kind: \"company\"");
    assert_string_equal(
        private_cluster_text(cluster, "select name from customer where customer_id = 'c-1'"),
        "Example, Trading");
    assert_refused(REGISTRY_SEATS,
                   SEAT_HEADER "c-1,OfficeScan,1\n\nc-8,OfficeScan,1\nc-9,OfficeScan,1\n",
                   "line 4, customer_id: there is no customer \"c-8\"");
    assert_refused(REGISTRY_SEATS, SEAT_HEADER "c-1,OfficeScan,-1\n", "line 2, seats");
    assert_int_equal(private_cluster_number(cluster, "select count(*) from seat"), 0);
    assert_refused(REGISTRY_UPDATES, UPDATE_HEADER "u,,,\nv,,never,\n", "line 3, released_at");
    assert_int_equal(private_cluster_number(cluster, "select count(*) from update_release"), 0);
    /* And the next good file goes in. */
    import(REGISTRY_SEATS, SEAT_HEADER "c-1,OfficeScan,1\n", 1);
}

/* Once there is a list, what it lacks is refused; what came before it stays. */
static void what_no_list_has_is_refused(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    import(REGISTRY_REGIONS, "region\nJP\nJP\n", 1);
    assert_refused(REGISTRY_CUSTOMERS, two_customers, "region: there is no region \"EU\"");
    import(REGISTRY_REGIONS, "region\nJP\nEU\n", 2);
    import(REGISTRY_CUSTOMERS, two_customers, 2);
    import(REGISTRY_SEATS, SEAT_HEADER "c-1,OfficeScna,1\n", 1);
    import(REGISTRY_PRODUCT_LINES, "product_line\nOfficeScan\n", 1);
    struct told told = {0};
    assert_counts(run_import(REGISTRY_SEATS,
                             SEAT_HEADER "c-1,OfficeScna,2\nc-1,OfficeScan,2\nc-0,Mail,1\n", true,
                             &told),
                  1, 0, 0);
    assert_int_equal(told.refused, 3); /* the last for its customer and its product line */
    assert_non_null(strstr(told.last, "line 4, product_line: there is no product line \"Mail\""));
    assert_refused(REGISTRY_UPDATES, UPDATE_HEADER "u,,,\nv,OfficeScna,,\n",
                   "line 3, product_line: there is no product line \"OfficeScna\"");
    import(REGISTRY_UPDATES, UPDATE_HEADER "u,,,\nv,OfficeScan,,\n", 2);
    assert_int_equal(private_cluster_number(cluster, "select count(*) from seat"), 1);
}

static void text_is_text_and_never_sql(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS,
           CUSTOMER_HEADER "\"c'); drop table seat; --\",\"Robert'); drop table customer;--\","
                           "consumer,\\N,$1,Asia/Tokyo,%s,,,,\n",
           1);
    struct registry *registry = loaded();
    const struct registry_customer *customer =
        registry_customer(registry, "c'); drop table seat; --");
    assert_string_equal(customer->name, "Robert'); drop table customer;--");
    assert_string_equal(customer->region, "\\N");
    assert_string_equal(customer->country, "$1");
    registry_free(registry);
}

static void a_header_alone_imports_nothing(void **state)
{
    (void)state;
    import(REGISTRY_CUSTOMERS, CUSTOMER_HEADER, 0);
    import(REGISTRY_SEATS, SEAT_HEADER, 0);
    import(REGISTRY_UPDATES, UPDATE_HEADER, 0);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    size_t count;
    struct failure failure;
    assert_false(import_path(REGISTRY_CUSTOMERS, "/nowhere/customers.csv", &count, &failure));
    assert_int_equal(failure.code, FAILURE_NOT_FOUND);
    assert_non_null(strstr(failure.message, "/nowhere/customers.csv"));
}

static void many_customers_go_in_and_come_out(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct buffer customers = {0};
    struct buffer seats = {0};
    buffer_append_text(&customers, CUSTOMER_HEADER);
    buffer_append_text(&seats, SEAT_HEADER);
    for (int i = 0; i < COUNT; i++) {
        buffer_append_format(&customers, "c-%d,Customer %d,consumer,JP,JP,Asia/Tokyo,a,,%d,JPY,\n",
                             i, i, i);
        buffer_append_format(&seats, "c-%d,VirusBuster,%d\n", i, i);
    }
    import(REGISTRY_CUSTOMERS, customers.data, COUNT);
    import(REGISTRY_SEATS, seats.data, COUNT);
    struct registry *registry = loaded();
    for (int i = 0; i < COUNT; i++) {
        char id[16];
        snprintf(id, sizeof id, "c-%d", i);
        const struct registry_customer *customer = registry_customer(registry, id);
        assert_non_null(customer);
        assert_true(customer->contract_value == i);
        assert_true(registry_total_seats(customer) == (uint64_t)i);
    }
    registry_free(registry);
    buffer_free(&customers);
    buffer_free(&seats);
}

/* ---- Cost parameters ---- */

static void defaults_are_written_once_and_edits_kept(void **state)
{
    (void)state;
    struct failure failure = {0};
    struct cost_parameters defaults;
    struct cost_parameters parameters;
    cost_parameters_default(&defaults);
    cost_parameters_default(&parameters);
    struct database *owner;
    assert_true(database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                              &owner, &failure));
    assert_true(cost_database_store_defaults(owner, &failure));
    assert_int_equal(private_cluster_number(cluster, "select count(*) from cost_parameter"),
                     defaults.count);
    assert_true(cost_database_load(&parameters, database, &failure));
    for (size_t i = 0; i < defaults.count; i++) {
        assert_string_equal(parameters.items[i].name, defaults.items[i].name);
        assert_true(parameters.items[i].range.low == defaults.items[i].range.low);
        assert_true(parameters.items[i].range.likely == defaults.items[i].range.likely);
        assert_true(parameters.items[i].range.high == defaults.items[i].range.high);
        assert_string_equal(parameters.items[i].unit, defaults.items[i].unit);
        assert_string_equal(parameters.items[i].source, defaults.items[i].source);
        assert_string_equal(parameters.items[i].dated, defaults.items[i].dated);
    }
    private_cluster_run(cluster, "update cost_parameter set low = 1, likely = 2, high = 3.3,"
                                 " source = 'our own desk', dated = '2026-11-01'"
                                 " where name = 'handle_time'");
    assert_true(cost_database_store_defaults(owner, &failure));
    assert_true(cost_database_load(&parameters, database, &failure));
    for (size_t i = 0; i < parameters.count; i++) {
        bool edited = strcmp(parameters.items[i].name, "handle_time") == 0;
        assert_true((parameters.items[i].range.high == 3.3) == edited);
        assert_true((strcmp(parameters.items[i].source, "our own desk") == 0) == edited);
    }
    database_close(owner);
}

static void
missing_parameters_have_their_defaults_and_unknown_ones_cost_only_themselves(void **state)
{
    (void)state;
    struct failure failure = {0};
    struct cost_parameters parameters;
    struct cost_parameters defaults;
    cost_parameters_default(&parameters);
    cost_parameters_default(&defaults);
    assert_true(cost_database_load(&parameters, database, &failure));
    for (size_t i = 0; i < defaults.count; i++) {
        assert_true(parameters.items[i].range.likely == defaults.items[i].range.likely);
    }
    private_cluster_run(cluster,
                        "insert into cost_parameter values"
                        " ('handel_time', 1, 2, 3, 'minutes', 'a slip', '2026-11-01', ''),"
                        " ('handle_time', 1, 2, 3, 'minutes', 'ours', '2026-11-01', ''),"
                        " ('handle_time', 4, 5, 6, 'minutes', 'Japan', '2026-11-01', 'JP')");
    assert_true(cost_database_load(&parameters, database, &failure));
    assert_int_equal(parameters.count, defaults.count + 1);
    assert_true(parameters.items[HANDLE_TIME].range.likely == 2);
    size_t japan = cost_parameters_find(&parameters, HANDLE_TIME, "JP", NULL, NULL);
    assert_true(parameters.items[japan].range.likely == 5);
}

/* What is read from CSV, stored and loaded is what was read. */
static void imported_rows_come_back(void **state)
{
    (void)state;
    struct failure failure = {0};
    struct cost_parameters parameters;
    struct cost_parameters back;
    cost_parameters_default(&parameters);
    struct cost_parameter row = {.name = "contact_rate_corporate",
                                 .scope = {.region = "JP", .tier = "premium"},
                                 .range = {0.5, 0.75, 1.25},
                                 .unit = "calls",
                                 .source = "our own desk; 2004's incident",
                                 .dated = "2026-11-01"};
    struct cost_scheme scheme = {.name = "a month for Japan",
                                 .scope = {.region = "JP"},
                                 .consumers = true,
                                 .recipients = RECIPIENTS_ELIGIBLE,
                                 .form = FORM_FREE_MONTHS,
                                 .amount = {1, 1, 2},
                                 .source = "the board",
                                 .dated = "2005-04-28"};
    assert_true(cost_parameters_set(&parameters, &row, &failure));
    assert_true(cost_parameters_set_scheme(&parameters, &scheme, &failure));
    struct exchange_rate dinar = {"KWD", 3.25, "the bank's", "2026-11-01"};
    assert_true(exchange_rates_set(&parameters.rates, &dinar, &failure));
    for (uint32_t hour = 0; hour < 24; hour++) {
        assert_true(cost_parameters_set_agents(&parameters, "JP", hour, hour * 3, &failure));
    }
    assert_true(cost_database_store(database, &parameters, &failure));
    assert_true(cost_database_store(database, &parameters, &failure)); /* replaces */
    assert_int_equal(private_cluster_number(cluster, "select count(*) from cost_parameter"), 1);
    assert_true(cost_database_load(&back, database, &failure));
    assert_int_equal(back.count, parameters.count);
    for (size_t i = 0; i < back.count; i++) {
        assert_string_equal(back.items[i].name, parameters.items[i].name);
        assert_string_equal(back.items[i].scope.tier, parameters.items[i].scope.tier);
        assert_true(back.items[i].range.high == parameters.items[i].range.high);
    }
    assert_int_equal(back.desk_count, 1);
    assert_memory_equal(back.desks[0].agents, parameters.desks[0].agents,
                        sizeof back.desks[0].agents);
    assert_int_equal(back.scheme_count, 1);
    assert_string_equal(back.schemes[0].name, scheme.name);
    assert_true(back.schemes[0].consumers && !back.schemes[0].corporates);
    assert_true(back.schemes[0].amount.high == 2);
    assert_int_equal(private_cluster_number(cluster, "select count(*) from exchange_rate"), 1);
    assert_int_equal(back.rates.count, parameters.rates.count);
    assert_memory_equal(&back.rates.items[back.rates.count - 1], &dinar, sizeof dinar);
}

#define TABLE_TEST(test) cmocka_unit_test_setup(test, empty_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TABLE_TEST(customers_arrive_in_their_columns),
        TABLE_TEST(what_a_file_does_not_know_stays),
        TABLE_TEST(the_registry_reads_what_was_imported),
        TABLE_TEST(a_dry_run_says_what_would_be_and_writes_nothing),
        TABLE_TEST(what_is_written_is_counted),
        TABLE_TEST(what_is_deleted_goes),
        TABLE_TEST(every_change_counts_up),
        TABLE_TEST(importing_again_replaces_by_id),
        TABLE_TEST(of_rows_with_one_id_the_last_counts_as_in_a_file),
        TABLE_TEST(a_bad_row_leaves_the_tables_as_they_were),
        TABLE_TEST(what_no_list_has_is_refused),
        TABLE_TEST(text_is_text_and_never_sql),
        TABLE_TEST(a_header_alone_imports_nothing),
        TABLE_TEST(a_missing_file_is_named),
        TABLE_TEST(many_customers_go_in_and_come_out),
        TABLE_TEST(defaults_are_written_once_and_edits_kept),
        TABLE_TEST(missing_parameters_have_their_defaults_and_unknown_ones_cost_only_themselves),
        TABLE_TEST(imported_rows_come_back),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
