/* Does every panel of the Grafana dashboards have something to show? Each panel's query is run as
 * epicenter_viewer, with Grafana's macro filled in, on a database that a real analyzer has answered
 * into. Oracle: PostgreSQL, which takes the query or not, and rows that are there.
 * SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/buffer.h"
#include "common/database.h"
#include "tests/integration/sample_fleet.h"
#include "tests/support/private_cluster.h"
#include "tests/support/serving.h"

/* $__timeFilter(column) is a condition on the dashboard's period; here all time is in it. */
static void fill_macros(const char *sql, struct buffer *filled)
{
    static const char macro[] = "$__timeFilter(";
    for (const char *at = strstr(sql, macro); at != NULL; at = strstr(sql, macro)) {
        const char *end = strchr(at, ')');
        assert_non_null(end);
        buffer_append(filled, sql, (size_t)(at - sql));
        buffer_append_text(filled, "(");
        buffer_append(filled, at + strlen(macro), (size_t)(end - at) - strlen(macro));
        buffer_append_text(filled, " is not null)");
        sql = end + 1;
    }
    buffer_append_text(filled, sql);
    assert_null(strstr(filled->data, "$__"));
}

static void assert_panel_has_rows(struct database *viewer, const char *path, json_t *panel)
{
    const char *title = json_string_value(json_object_get(panel, "title"));
    json_t *target = json_array_get(json_object_get(panel, "targets"), 0);
    const char *sql = json_string_value(json_object_get(target, "rawSql"));
    struct buffer filled = {0};
    struct failure failure;
    PGresult *result = NULL;
    assert_non_null(title);
    assert_non_null(sql);
    fill_macros(sql, &filled);
    if (!database_run(viewer, filled.data, 0, NULL, &result, &failure)) {
        fail_msg("%s, \"%s\": %s", path, title, failure.message);
    }
    if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0)) {
        fail_msg("%s, \"%s\" shows nothing", path, title);
    }
    PQclear(result);
    buffer_free(&filled);
}

static void every_panel_has_rows(void **state)
{
    (void)state;
    struct private_cluster *cluster =
        private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    struct database *owner;
    struct database *viewer;
    struct failure failure;
    private_cluster_migrate(cluster);
    assert_true(database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                              &owner, &failure));
    sample_fleet_store_minutes(owner, 0, SAMPLE_MINUTES);
    database_close(owner);
    struct serving analyzer = serving_start(ANALYZER_PROGRAM, cluster, "epicenter_analyzer", NULL);
    for (int i = 0;
         i < 300 && private_cluster_number(cluster, "select count(*) from outreach_now") == 0;
         i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }

    assert_true(database_open(private_cluster_conninfo(cluster, "epicenter_viewer"), "test", 0,
                              &viewer, &failure));
    glob_t files;
    assert_int_equal(glob("dashboards/grafana/dashboards/*.json", 0, NULL, &files), 0);
    assert_int_equal(files.gl_pathc, 3);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *dashboard = json_load_file(files.gl_pathv[i], JSON_REJECT_DUPLICATES, NULL);
        json_t *panels = json_object_get(dashboard, "panels");
        assert_true(json_array_size(panels) > 0);
        size_t index;
        json_t *panel;
        json_array_foreach(panels, index, panel)
        {
            assert_panel_has_rows(viewer, files.gl_pathv[i], panel);
        }
        json_decref(dashboard);
    }
    globfree(&files);
    database_close(viewer);
    assert_int_equal(serving_stop(&analyzer), 0);
    private_cluster_remove(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_panel_has_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
