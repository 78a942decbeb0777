/* libpq behind struct failure, on a real server: what goes in by binary COPY comes out as psql has
 * it, and back; errors say what they are; a lost connection is made anew; migrations are applied
 * once. The oracle of the wire forms is PostgreSQL itself, by its text output.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "common/buffer.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/migrate.h"
#include "common/uuid.h"
#include "tests/support/private_cluster.h"

static struct private_cluster *cluster;
static struct database *database;

static struct database *connect_anew(int statement_timeout_ms)
{
    struct database *made = NULL;
    struct failure failure = {0};
    if (!database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test program",
                       statement_timeout_ms, &made, &failure)) {
        fail_msg("%s", failure.message);
    }
    return made;
}

static void run_script(const char *sql)
{
    struct failure failure = {0};
    if (!database_run_script(database, sql, &failure)) {
        fail_msg("%s", failure.message);
    }
}

static void refused(const char *sql, enum failure_code code, const char *message)
{
    struct failure failure = {0};
    if (database_run(database, sql, 0, NULL, NULL, &failure)) {
        fail_msg("taken: %s", sql);
    }
    if (failure.code != code || strstr(failure.message, message) == NULL) {
        fail_msg("code %d, \"%s\"", (int)failure.code, failure.message);
    }
    assert_null(strchr(failure.message, '\n'));
}

/* ---- COPY ---- */

#define TABLE                                                                                      \
    "create table if not exists everything (small int2, middle int4, large int8, fraction "        \
    "float8, "                                                                                     \
    "truth bool, words text, raw bytea, id uuid, at timestamptz); truncate everything"
#define ALL_OUT "copy (select * from everything order by small) to stdout (format binary)"

/* 2005-04-22 22:35:10.000001 UTC, by `date -u -d … +%s` */
#define AT (INT64_C(1114209310) * INSTANT_SECOND + 1)

static void write_rows(struct buffer *rows)
{
    struct uuid id;
    assert_true(uuid_parse("6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b", &id));
    copy_begin(rows);
    copy_row(rows, 9);
    copy_int16(rows, INT16_MIN);
    copy_int32(rows, INT32_MIN);
    copy_int64(rows, INT64_MIN);
    copy_double(rows, -0.1);
    copy_bool(rows, true);
    copy_text(rows, "日本, \t\"quoted\"\n");
    copy_bytes(rows, "\0\xff", 2);
    copy_uuid(rows, &id);
    copy_instant(rows, AT);
    copy_row(rows, 9);
    copy_int16(rows, INT16_MAX);
    copy_int32(rows, INT32_MAX);
    copy_int64(rows, INT64_MAX);
    copy_double(rows, NAN);
    copy_bool(rows, false);
    copy_text(rows, "");
    copy_bytes(rows, "", 0);
    copy_null(rows);
    copy_instant(rows, 0);
    copy_end(rows);
}

struct seen {
    size_t rows;
};

static bool check_first(const struct copy_field *fields, struct failure *failure)
{
    int16_t small;
    int32_t middle;
    int64_t large;
    double fraction;
    struct uuid id;
    struct uuid expected;
    instant_us at;
    assert_true(copy_read_int16(fields[0], &small, failure));
    assert_true(copy_read_int32(fields[1], &middle, failure));
    assert_true(copy_read_int64(fields[2], &large, failure));
    assert_true(copy_read_double(fields[3], &fraction, failure));
    assert_true(copy_read_uuid(fields[7], &id, failure));
    assert_true(copy_read_instant(fields[8], &at, failure));
    assert_true(uuid_parse("6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b", &expected));
    assert_true(small == INT16_MIN && middle == INT32_MIN && large == INT64_MIN);
    assert_true(fraction == -0.1);
    assert_int_equal(uuid_compare(&id, &expected), 0);
    assert_true(at == AT);
    /* A field of another length is refused, not read beyond. */
    assert_false(copy_read_int64(fields[0], &large, failure));
    assert_int_equal(failure->code, FAILURE_SYSTEM);
    assert_false(copy_read_uuid(fields[2], &id, failure));
    return true;
}

static bool see(void *context, const struct copy_field *fields, size_t count,
                struct failure *failure)
{
    struct seen *seen = context;
    assert_int_equal(count, 9);
    if (seen->rows++ == 0) {
        return check_first(fields, failure);
    }
    double fraction;
    struct uuid id;
    assert_null(fields[3].bytes); /* NaN went in as NULL */
    assert_null(fields[7].bytes);
    assert_false(copy_read_double(fields[3], &fraction, failure));
    assert_false(copy_read_uuid(fields[7], &id, failure));
    assert_non_null(fields[5].bytes); /* and an empty text did not */
    assert_int_equal(fields[5].length, 0);
    return true;
}

static void what_goes_in_by_copy_comes_out(void **state)
{
    (void)state;
    struct buffer rows = {0};
    struct failure failure = {0};
    struct seen seen = {0};
    run_script(TABLE);
    write_rows(&rows);
    assert_true(
        database_copy_in(database, "copy everything from stdin (format binary)", &rows, &failure));
    assert_string_equal(
        private_cluster_text(cluster, "set timezone = 'UTC'; select everything::text from "
                                      "everything order by small limit 1"),
        "(-32768,-2147483648,-9223372036854775808,-0.1,t,\"日本, \t\"\"quoted\"\"\n\","
        "\"\\\\x00ff\",6f1d2c3a-5b7e-4f10-9a2b-0c1d2e3f4a5b,\"2005-04-22 22:35:10.000001+00\")");
    assert_string_equal(
        private_cluster_text(cluster, "set timezone = 'UTC'; select everything::text from "
                                      "everything order by small desc limit 1"),
        "(32767,2147483647,9223372036854775807,,f,\"\",\"\\\\x\",,\"1970-01-01 00:00:00+00\")");
    assert_true(database_copy_out(database, ALL_OUT, see, &seen, &failure));
    assert_int_equal(seen.rows, 2);
    buffer_free(&rows);
}

static bool stop_at_once(void *context, const struct copy_field *fields, size_t count,
                         struct failure *failure)
{
    (void)fields;
    (void)count;
    ++*(int *)context;
    return failure_set(failure, FAILURE_CONFLICT, "enough");
}

static void a_copy_that_is_broken_off_leaves_the_connection_usable(void **state)
{
    (void)state;
    struct failure failure = {0};
    int called = 0;
    static const char many[] = "copy (select generate_series(1, 100000)) to stdout (format binary)";
    assert_false(database_copy_out(database, many, stop_at_once, &called, &failure));
    assert_int_equal(failure.code, FAILURE_CONFLICT);
    assert_string_equal(failure.message, "enough");
    assert_int_equal(called, 1);
    assert_true(database_ping(database, &failure));

    struct buffer damaged = {0};
    run_script(TABLE);
    write_rows(&damaged);
    damaged.data[20] = 3; /* half of the number of fields */
    assert_false(database_copy_in(database, "copy everything from stdin (format binary)", &damaged,
                                  &failure));
    assert_int_equal(failure.code, FAILURE_SYSTEM);
    assert_true(database_ping(database, &failure));
    assert_int_equal(private_cluster_number(cluster, "select count(*) from everything"), 0);
    buffer_free(&damaged);
}

static bool count_row(void *context, const struct copy_field *fields, size_t count,
                      struct failure *failure)
{
    (void)count;
    int32_t value = 0;
    assert_true(copy_read_int32(fields[0], &value, failure));
    *(int64_t *)context += value;
    return true;
}

static void a_large_copy_goes_through_in_both_directions(void **state)
{
    (void)state;
    struct buffer rows = {0};
    struct failure failure = {0};
    int64_t sum = 0;
    run_script("create table if not exists large (value int4, filler text); truncate large");
    copy_begin(&rows);
    for (int32_t i = 1; i <= 100000; i++) { /* over several pieces of a megabyte */
        copy_row(&rows, 2);
        copy_int32(&rows, i);
        copy_text(&rows, "twenty-four bytes of it.");
    }
    copy_end(&rows);
    assert_true(
        database_copy_in(database, "copy large from stdin (format binary)", &rows, &failure));
    assert_true(database_copy_out(database, "copy large to stdout (format binary)", count_row, &sum,
                                  &failure));
    assert_true(sum == INT64_C(100000) * 100001 / 2);
    buffer_free(&rows);
}

/* ---- Statements ---- */

static void parameters_are_values_and_never_sql(void **state)
{
    (void)state;
    PGresult *result = NULL;
    struct failure failure = {0};
    const char *const parameters[] = {"'; drop table everything; --", NULL};
    run_script(TABLE);
    assert_true(database_run(database, "select $1::text, $2::text is null", 2, parameters, &result,
                             &failure));
    assert_string_equal(PQgetvalue(result, 0, 0), parameters[0]);
    assert_string_equal(PQgetvalue(result, 0, 1), "t");
    PQclear(result);
    assert_int_equal(private_cluster_number(cluster, "select count(*) from everything"), 0);
}

static void errors_say_what_they_are(void **state)
{
    (void)state;
    refused("select nonsense", FAILURE_SYSTEM, "column \"nonsense\" does not exist (42703)");
    run_script("create table if not exists one (value int primary key);"
               "truncate one; insert into one values (1)");
    refused("insert into one values (1)", FAILURE_CONFLICT, "(23505)");
    struct failure failure = {0};
    struct database *hasty = connect_anew(50);
    assert_false(database_run(hasty, "select pg_sleep(10)", 0, NULL, NULL, &failure));
    assert_int_equal(failure.code, FAILURE_UNAVAILABLE);
    assert_non_null(strstr(failure.message, "57014"));
    /* The connection is still good: a ping may be too slow for it, too, but is not lost. */
    while (!database_ping(hasty, &failure)) {
        assert_non_null(strstr(failure.message, "57014"));
    }
    database_close(hasty);
}

static void a_lost_connection_fails_once_and_is_made_anew(void **state)
{
    (void)state;
    struct failure failure = {0};
    run_script("begin; create table never (value int)");
    private_cluster_run(cluster, "select pg_terminate_backend(pid) from pg_stat_activity "
                                 "where application_name = 'test program'");
    assert_false(database_ping(database, &failure));
    assert_int_equal(failure.code, FAILURE_UNAVAILABLE);
    assert_true(database_ping(database, &failure));
    assert_string_equal(
        private_cluster_text(cluster, "select coalesce(to_regclass('never')::text, 'gone')"),
        "gone");

    private_cluster_stop(cluster, true);
    assert_false(database_ping(database, &failure));
    assert_false(database_ping(database, &failure));
    assert_int_equal(failure.code, FAILURE_UNAVAILABLE);
    assert_non_null(strstr(failure.message, "cannot connect to the database"));
    private_cluster_resume(cluster);
    assert_true(database_ping(database, &failure));
}

/* ---- Migrations ---- */

static void write_migration(const char *directory, const char *name, const char *sql)
{
    char file[512];
    (void)snprintf(file, sizeof file, "%s/%s", directory, name);
    FILE *stream = fopen(file, "we");
    assert_non_null(stream);
    assert_true(fputs(sql, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
}

static void migrations_are_applied_once_and_in_order(void **state)
{
    (void)state;
    struct failure failure = {0};
    size_t applied = 99;
    const char *directory = private_cluster_path(cluster, "migrations");
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_false(migrate(database, directory, &applied, &failure));
    assert_int_equal(failure.code, FAILURE_NOT_FOUND);
    write_migration(directory, "0002_second.sql", "insert into first values (2);");
    write_migration(directory, "0001_first.sql", "create table first (value int);");
    write_migration(directory, "citus.sql", "nonsense");
    write_migration(directory, "0003_third.sql~", "nonsense");
    assert_true(migrate(database, directory, &applied, &failure));
    assert_int_equal(applied, 2);
    assert_true(migrate(database, directory, &applied, &failure));
    assert_int_equal(applied, 0);

    /* One that fails takes back what it did, and leaves the ones before. */
    write_migration(directory, "0003_third.sql", "insert into first values (3); nonsense;");
    assert_false(migrate(database, directory, &applied, &failure));
    assert_memory_equal(failure.message, "0003_third.sql: ", 16);
    assert_int_equal(private_cluster_number(cluster, "select count(*) from first"), 1);
    write_migration(directory, "0003_third.sql", "insert into first values (3);");
    assert_true(migrate(database, directory, &applied, &failure));
    assert_int_equal(applied, 1);

    write_migration(directory, "0001_first.sql", "create table first (value bigint);");
    assert_false(migrate(database, directory, &applied, &failure));
    assert_int_equal(failure.code, FAILURE_CONFLICT);
    assert_non_null(strstr(failure.message, "0001_first.sql was changed after it was applied"));
    run_script("drop table first; drop table schema_migration");
}

static void *migrate_beside_others(void *argument)
{
    struct database *own = connect_anew(0);
    struct failure failure = {0};
    size_t *applied = argument;
    if (!migrate(own, "sql", applied, &failure)) {
        *applied = SIZE_MAX;
    }
    database_close(own);
    return NULL;
}

static void programs_that_migrate_at_once_wait_for_each_other(void **state)
{
    (void)state;
    pthread_t threads[4];
    size_t applied[4] = {0};
    size_t all = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, migrate_beside_others, &applied[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(applied[i] != SIZE_MAX);
        all += applied[i];
    }
    assert_int_equal(all, private_cluster_number(cluster, "select count(*) from schema_migration"));
}

static void every_table_and_column_is_explained(void **state)
{
    (void)state;
    /* After the migrations above. Partitions are explained by their parents. */
    assert_string_equal(
        private_cluster_text(
            cluster,
            "select coalesce(string_agg(c.relname || coalesce('.' || a.attname, ''), ' '), '') "
            "from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 "
            "and not a.attisdropped "
            "where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') "
            "and not c.relispartition and c.relname not in ('everything', 'large', 'one') "
            "and (obj_description(c.oid, 'pg_class') is null "
            "or col_description(c.oid, a.attnum) is null)"),
        "");
}

static void each_role_may_do_its_work_and_no_more(void **state)
{
    (void)state;
    static const struct {
        const char *role, *table, *privilege;
        bool may;
    } cases[] = {
        {"epicenter_collector", "report", "insert", true},
        {"epicenter_collector", "report", "select", false},
        {"epicenter_collector", "customer", "select", false},
        {"epicenter_collector", "report_load", "select", true},
        {"epicenter_collector", "enrolment_secret", "insert", false},
        {"epicenter_analyzer", "report", "select", true},
        {"epicenter_analyzer", "report", "insert", false},
        {"epicenter_analyzer", "enrolment_secret", "select", false},
        {"epicenter_analyzer", "stored_state", "insert", true},
        {"epicenter_analyzer", "stored_state", "update", false},
        {"epicenter_collector", "stored_state", "select", false},
        {"epicenter_viewer", "stored_state", "select", false},
        {"epicenter_viewer", "report", "select", false},
        {"epicenter_viewer", "customer", "select", false},
        {"epicenter_viewer", "affected", "select", true},
        {"epicenter_viewer", "answer", "update", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        (void)snprintf(sql, sizeof sql, "select has_table_privilege('%s', '%s', '%s')",
                       cases[i].role, cases[i].table, cases[i].privilege);
        if (strcmp(private_cluster_text(cluster, sql), cases[i].may ? "t" : "f") != 0) {
            fail_msg("%s %s %s %s", cases[i].role, cases[i].may ? "may not" : "may",
                     cases[i].privilege, cases[i].table);
        }
    }
}

static int start(void **state)
{
    (void)state;
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    database = connect_anew(0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    database_close(database);
    private_cluster_remove(cluster);
    return 0;
}

int main(void)
{
    /* The last three in this order: the schema is there once it has been migrated. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_by_copy_comes_out),
        cmocka_unit_test(a_copy_that_is_broken_off_leaves_the_connection_usable),
        cmocka_unit_test(a_large_copy_goes_through_in_both_directions),
        cmocka_unit_test(parameters_are_values_and_never_sql),
        cmocka_unit_test(errors_say_what_they_are),
        cmocka_unit_test(a_lost_connection_fails_once_and_is_made_anew),
        cmocka_unit_test(migrations_are_applied_once_and_in_order),
        cmocka_unit_test(programs_that_migrate_at_once_wait_for_each_other),
        cmocka_unit_test(every_table_and_column_is_explained),
        cmocka_unit_test(each_role_may_do_its_work_and_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
