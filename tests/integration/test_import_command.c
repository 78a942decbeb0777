/* Does `analyzer import` recognise each kind of file, say what is wrong with it, write nothing on a
 * dry run and all of it otherwise? The real program on a real PostgreSQL; the tables as the owner
 * reads them are the oracle.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/private_cluster.h"
#include "tests/support/process.h"

static struct private_cluster *cluster;

static const char *written(const char *content)
{
    const char *path = private_cluster_path(cluster, "import.csv");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* Free what is returned. */
static struct process *run(const char *content, bool dry_run, int status)
{
    const char *path = written(content);
    const char *arguments[] = {ANALYZER_PROGRAM,
                               "import",
                               path,
                               "--database",
                               private_cluster_conninfo(cluster, "epicenter_analyzer"),
                               dry_run ? "--dry-run" : NULL,
                               NULL};
    return process_run(arguments, status);
}

/* In an order in which each finds what it refers to. */
static const struct {
    const char *table; /* and which of its rows are the file's */
    const char *content;
    const char *dry_run, *imported; /* on standard output */
    int64_t rows;
} files[] = {
    {"region", "region\nJP\nEMEA\nJP\n",
     "2 new, 0 changed, 0 unchanged, 0 refused; nothing was written.\n",
     "2 new, 0 changed, 0 unchanged.\n", 2},
    {"product_line", "product_line\nMail\nEndpoint\n",
     "2 new, 0 changed, 0 unchanged, 0 refused; nothing was written.\n",
     "2 new, 0 changed, 0 unchanged.\n", 2},
    {"customer",
     "customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,currency,"
     "renewal_on\nacme,Acme,corporate,JP,JP,Asia/Tokyo,premium,,1000,JPY,\n",
     "1 new, 0 changed, 0 unchanged, 0 refused; nothing was written.\n",
     "1 new, 0 changed, 0 unchanged.\n", 1},
    {"seat", "customer_id,product_line,seats\nacme,Mail,5\nacme,Endpoint,7\n",
     "2 new, 0 changed, 0 unchanged, 0 refused; nothing was written.\n",
     "2 new, 0 changed, 0 unchanged.\n", 2},
    {"update_release",
     "update_id,product_line,released_at,withdrawn_at\npattern/1,Mail,2026-11-23T00:00:00Z,\n",
     "1 new, 0 changed, 0 unchanged, 0 refused; nothing was written.\n",
     "1 new, 0 changed, 0 unchanged.\n", 1},
    {"customer_contact", "customer_id,position,name,task,phone,email\nacme,1,Kai,,+81 3,\n",
     "1 row of contacts good; nothing was written.\n", "1 row of contacts imported.\n", 1},
    {"cost_parameter where source = 'ours'",
     "name,region,tier,product_line,low,likely,high,unit,source,dated\n"
     "handle_time,,,,5,6,7,,ours,2026-11-01\nhandel_time,,,,5,6,7,,ours,2026-11-01\n",
     "1 row of cost-parameters good; nothing was written.\n",
     "1 row of cost-parameters imported.\n", 1},
    {"staffing", "region,hour,agents\nJP,0,40\nJP,25,40\n",
     "1 row of staffing good; nothing was written.\n", "1 row of staffing imported.\n", 24},
    {"compensation",
     "name,region,tier,product_line,kind,recipients,form,low,likely,high,source,dated\n"
     "a month,JP,,,consumer,eligible,free_months,1,1,1,the board,2026-11-01\n",
     "1 row of compensation good; nothing was written.\n", "1 row of compensation imported.\n", 1},
    {"exchange_rate where source = 'ours'",
     "currency,usd,source,dated\nEUR,1.2,ours,2026-11-01\neuro,1,ours,2026-11-01\n",
     "1 row of exchange-rates good; nothing was written.\n", "1 row of exchange-rates imported.\n",
     1},
};
#define FILES (sizeof files / sizeof *files)

static int64_t rows_of(size_t file)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "select count(*) from %s", files[file].table);
    return private_cluster_number(cluster, sql);
}

static void every_kind_is_recognised_tried_and_imported(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        struct process *tried = run(files[i].content, true, 0);
        assert_string_equal(process_output(tried), files[i].dry_run);
        process_free(tried);
        assert_int_equal(rows_of(i), 0);
        struct process *imported = run(files[i].content, false, 0);
        assert_string_equal(process_output(imported), files[i].imported);
        process_free(imported);
        assert_int_equal(rows_of(i), files[i].rows);
    }
    assert_int_equal(private_cluster_number(cluster, "select (usd * 10)::int from exchange_rate"
                                                     " where currency = 'EUR'"),
                     12);
}

static void what_is_wrong_is_said_by_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        int status; /* of a dry run */
        const char *says;
    } cases[] = {
        {"customer_id,product_line,seats\nacme,Mail,many\n", 0,
         "import.csv line 2, seats: \"many\" is not a whole number from 0"},
        {"customer_id,product_line,seats\nnobody,Mail,5\n", 0, "import.csv line 2, customer_id"},
        {"update_id,product_line,released_at,withdrawn_at\npattern/2,Mail,yesterday,\n", 0,
         "import.csv line 2, released_at: \"yesterday\""},
        {"customer_id,position,name,task,phone,email\nacme,first,Kai,,,\n", 1,
         "import.csv line 2, position: \"first\" is not a number from 1 to 20"},
        {"name,region,tier,product_line,low,likely,high,unit,source,dated\n"
         "handle_time,,,,five,6,7,,ours,2026-11-01\n",
         0, "import.csv line 2, low: \"five\" is not a number; left out"},
        {"region,hour,agents\nJP,25,40\n", 0, "import.csv line 2, hour 25: hours are 0 to 23"},
        {"currency,usd,source,dated\nEUR,0,ours,2026-11-01\n", 0,
         "import.csv line 2, usd: EUR must be worth more than nothing; left out"},
        {"currency,usd,source,dated\nEUR,1,ours,soon\n", 0,
         "import.csv line 2, dated: \"soon\" is not a date such as 2005-09-30; left out"},
        {"customer_id,name,kind,region,country,time_zone,tier,partner,contract_value,currency,"
         "renewal_on\nbolt,Bolt,corporate,JPN,JP,Asia/Tokyo,premium,,,,\n",
         0, "import.csv line 2, region: there is no region \"JPN\""},
        {"update_id,product_line,released_at,withdrawn_at\npattern/2,Mial,,\n", 0,
         "import.csv line 2, product_line: there is no product line \"Mial\""},
        {"region\n\"\"\n", 0, "import.csv line 2, region: \"\" must not be empty"},
        {"colour,size\nred,5\n", 1, "import.csv line 1: the header is that of nothing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct process *tried = run(cases[i].content, true, cases[i].status);
        if (strstr(process_log(tried), cases[i].says) == NULL) {
            fail_msg("\"%s\" is not in: %s", cases[i].says, process_log(tried));
        }
        process_free(tried);
    }
}

static int start(void **state)
{
    (void)state;
    cluster = private_cluster_start(&(struct private_cluster_options){.without_fsync = true});
    private_cluster_migrate(cluster);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    private_cluster_remove(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_recognised_tried_and_imported),
        cmocka_unit_test(what_is_wrong_is_said_by_line_and_column),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
