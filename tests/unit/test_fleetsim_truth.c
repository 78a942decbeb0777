/* The truth agrees with the reports: everything that truth.json and struck.csv say of reporting
 * hosts is counted again here, from reports.ndjson alone where that can show it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "common/csv.h"
#include "common/failure.h"
#include "common/instant.h"

#define SCENARIO "tests/fleetsim/scenarios/2005-pattern-2.594.00.json"
#define FAULTY "pattern/2.594.00"
#define HOSTS 1500

/* What is gathered of a host from its reports. */
struct seen_host {
    char *region;
    char *product_line;
    bool matches;            /* the published condition of the incident */
    instant_us installed_at; /* by its clock; INSTANT_NONE: never */
    instant_us installed_received_at;
    struct seen_report {
        instant_us observed_at;
        double busy;
    } * reports;
    size_t count, capacity;
};

static char directory[] = "/tmp/fleetsim-truth-XXXXXX";
static json_t *host_numbers; /* host_id -> index */
static struct seen_host *hosts;
static size_t host_count;
static size_t line_count;
static instant_us first_received_at, last_received_at;
static json_t *truth;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static instant_us time_of(const char *text)
{
    instant_us at;
    struct failure failure;
    assert_true(instant_parse(text, &at, &failure));
    return at;
}

static bool is_one_of(const char *text, const char *first, const char *second)
{
    return strcmp(text, first) == 0 || strcmp(text, second) == 0;
}

/* Scan engine 7.50 or later on Windows XP SP2, OfficeScan and VirusBuster. */
static bool matches_incident(const json_t *host)
{
    const json_t *attributes = json_object_get(host, "attributes");
    return is_one_of(text_of(host, "product_line"), "OfficeScan", "VirusBuster") &&
           strcmp(text_of(host, "os"), "Windows XP") == 0 &&
           strcmp(text_of(host, "os_version"), "SP2") == 0 &&
           is_one_of(text_of(attributes, "engine"), "7.500", "7.510");
}

static struct seen_host *host_of(const json_t *report)
{
    const char *id = text_of(report, "host_id");
    const json_t *known = json_object_get(host_numbers, id);
    if (known != NULL) {
        return &hosts[json_integer_value(known)];
    }
    assert_true(host_count < HOSTS);
    const json_t *host = json_object_get(report, "host");
    assert_int_equal(json_object_set_new(host_numbers, id, json_integer((json_int_t)host_count)),
                     0);
    hosts[host_count] = (struct seen_host){.region = strdup(text_of(host, "region")),
                                           .product_line = strdup(text_of(host, "product_line")),
                                           .matches = matches_incident(host),
                                           .installed_at = INSTANT_NONE};
    return &hosts[host_count++];
}

static void read_report(const json_t *report)
{
    struct seen_host *host = host_of(report);
    instant_us received_at = time_of(text_of(report, "received_at"));
    first_received_at = line_count == 0 ? received_at : first_received_at;
    last_received_at = received_at;
    line_count++;
    const json_t *updates = json_object_get(report, "updates");
    for (size_t u = 0; u < json_array_size(updates); u++) {
        const json_t *update = json_array_get(updates, u);
        if (strcmp(text_of(update, "id"), FAULTY) == 0) {
            assert_true(host->installed_at == INSTANT_NONE);
            host->installed_at = time_of(text_of(update, "at"));
            host->installed_received_at = received_at;
        }
    }
    if (host->count == host->capacity) {
        host->capacity = host->capacity * 2 + 16;
        host->reports = realloc(host->reports, host->capacity * sizeof *host->reports);
        assert_non_null(host->reports);
    }
    const json_t *cpu = json_object_get(report, "cpu");
    host->reports[host->count++] =
        (struct seen_report){.observed_at = time_of(text_of(report, "observed_at")),
                             .busy = json_real_value(json_object_get(cpu, "busy"))};
}

static int compare_reports(const void *left, const void *right)
{
    const struct seen_report *a = left;
    const struct seen_report *b = right;
    return a->observed_at < b->observed_at ? -1 : a->observed_at > b->observed_at;
}

static void read_reports(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s/reports.ndjson", directory);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stream) > 0) {
        json_t *report = json_loads(line, 0, NULL);
        assert_non_null(report);
        read_report(report);
        json_decref(report);
    }
    free(line);
    fclose(stream);
    /* They stand in the order received; late ones must be put where they belong. */
    for (size_t h = 0; h < host_count; h++) {
        if (hosts[h].reports != NULL) {
            qsort(hosts[h].reports, hosts[h].count, sizeof *hosts[h].reports, compare_reports);
        }
    }
}

static int write_fleet(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        execl(FLEETSIM_PROGRAM, "fleetsim", "write", SCENARIO, "--out", directory, "--hosts",
              "1500", "--seed", "4", (char *)NULL);
        _exit(127);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0) {
        return -1;
    }
    char path[256];
    snprintf(path, sizeof path, "%s/truth.json", directory);
    truth = json_load_file(path, 0, NULL);
    hosts = calloc(HOSTS, sizeof *hosts);
    host_numbers = json_object();
    if (truth == NULL || hosts == NULL || host_numbers == NULL) {
        return -1;
    }
    read_reports();
    return 0;
}

static int remove_fleet(void **state)
{
    (void)state;
    static const char *const names[] = {"customers.csv", "seats.csv",  "updates.csv",
                                        "contacts.csv",  "truth.json", "struck.csv",
                                        "reports.ndjson"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
    for (size_t h = 0; h < host_count; h++) {
        free(hosts[h].region);
        free(hosts[h].product_line);
        free(hosts[h].reports);
    }
    free(hosts);
    json_decref(host_numbers);
    json_decref(truth);
    return 0;
}

static const json_t *true_damage(void)
{
    const json_t *updates = json_object_get(truth, "updates");
    for (size_t u = 0; u < json_array_size(updates); u++) {
        const json_t *update = json_array_get(updates, u);
        if (strcmp(text_of(update, "id"), FAULTY) == 0) {
            return update;
        }
    }
    return NULL;
}

static json_int_t number_of(const json_t *object, const char *name, const char *member)
{
    const json_t *number = json_object_get(json_object_get(object, name), member);
    assert_true(json_is_integer(number));
    return json_integer_value(number);
}

static void reports_are_as_many_as_the_truth_says(void **state)
{
    (void)state;
    assert_int_equal(json_integer_value(json_object_get(truth, "reports")), line_count);
    assert_int_equal(number_of(truth, "hosts", "reporting"), HOSTS);
    assert_true(time_of(text_of(truth, "first_received_at")) == first_received_at);
    assert_true(time_of(text_of(truth, "last_received_at")) == last_received_at);
    size_t installed = 0;
    for (size_t h = 0; h < host_count; h++) {
        installed += hosts[h].installed_at != INSTANT_NONE;
    }
    assert_int_equal(json_integer_value(json_object_get(true_damage(), "installed_hosts")),
                     installed);
}

/* One row of struck.csv against the reports of its host; whether two in a row were pinned. */
static bool check_struck(const char *const *cells)
{
    const json_t *known = json_object_get(host_numbers, cells[1]);
    assert_non_null(known);
    const struct seen_host *host = &hosts[json_integer_value(known)];
    assert_true(host->matches);
    assert_string_equal(host->region, cells[2]);
    assert_string_equal(host->product_line, cells[3]);
    assert_true(host->installed_at != INSTANT_NONE);
    instant_us installed_at = time_of(cells[4]);
    instant_us harmed_at = time_of(cells[5]);
    /* The scenario's delays: latency of 20 s at most, harm from 20 s to 6 min after install, or
     * later where the machine was switched off in between. */
    assert_true(host->installed_received_at > installed_at);
    assert_true(host->installed_received_at <= installed_at + 20 * INSTANT_SECOND);
    assert_true(harmed_at >= installed_at + 20 * INSTANT_SECOND);
    instant_us clock_offset = host->installed_at - installed_at;
    bool pinned_before = false;
    for (size_t r = 0; r < host->count; r++) {
        bool harmed = host->reports[r].observed_at - clock_offset >= harmed_at;
        bool pinned = harmed && host->reports[r].busy >= 0.95;
        if (pinned && pinned_before) {
            return true;
        }
        pinned_before = pinned;
    }
    return false;
}

static void struck_hosts_show_it_in_their_reports(void **state)
{
    (void)state;
    static const char *const columns[] = {"customer_id",  "host_id",      "region",
                                          "product_line", "installed_at", "harmed_at"};
    char path[256];
    snprintf(path, sizeof path, "%s/struck.csv", directory);
    struct csv_reader *reader;
    struct failure failure;
    assert_true(csv_open(path, columns, 6, &reader, &failure));
    size_t struck = 0;
    size_t pinned = 0;
    bool end = false;
    for (;;) {
        const char *cells[6];
        assert_true(csv_next(reader, cells, &end, &failure));
        if (end) {
            break;
        }
        struck++;
        pinned += check_struck(cells);
    }
    csv_close(reader);
    assert_true(struck > 50);
    assert_int_equal(number_of(true_damage(), "hosts", "reporting"), struck);
    assert_int_equal(number_of(true_damage(), "hosts", "pinned"), pinned);
    /* The share untouched is 8 %; all other hosts that match and installed it are struck, but for
     * the few that were switched off in time. Bounds of a binomial with some 130 hosts. */
    size_t matching = 0;
    for (size_t h = 0; h < host_count; h++) {
        matching += hosts[h].matches && hosts[h].installed_at != INSTANT_NONE;
    }
    double untouched = 1 - (double)struck / (double)matching;
    assert_true(untouched > 0.01 && untouched < 0.2);
}

/* Customers and hosts by region and product line, from struck.csv again. */
static void cells_add_up(void **state)
{
    (void)state;
    static const char *const columns[] = {"customer_id", "region", "product_line"};
    char path[256];
    snprintf(path, sizeof path, "%s/struck.csv", directory);
    struct csv_reader *reader;
    struct failure failure;
    assert_true(csv_open(path, columns, 3, &reader, &failure));
    json_t *customers = json_object(); /* of the fleet, and by cell */
    json_t *counts = json_object();    /* "region/line": [hosts, customers] */
    bool end = false;
    const char *cells[3];
    for (;;) {
        assert_true(csv_next(reader, cells, &end, &failure));
        if (end) {
            break;
        }
        char cell[128];
        char member[256];
        snprintf(cell, sizeof cell, "%s/%s", cells[1], cells[2]);
        snprintf(member, sizeof member, "%s/%s", cell, cells[0]);
        bool is_new = json_object_get(customers, member) == NULL;
        json_object_set_new(customers, member, json_true());
        json_int_t host_tally =
            json_integer_value(json_array_get(json_object_get(counts, cell), 0));
        json_int_t customer_tally =
            json_integer_value(json_array_get(json_object_get(counts, cell), 1));
        json_object_set_new(counts, cell,
                            json_pack("[I, I]", host_tally + 1, customer_tally + is_new));
    }
    csv_close(reader);
    size_t found = 0;
    const json_t *true_cells = json_object_get(true_damage(), "cells");
    for (size_t c = 0; c < json_array_size(true_cells); c++) {
        const json_t *true_cell = json_array_get(true_cells, c);
        char cell[128];
        snprintf(cell, sizeof cell, "%s/%s", text_of(true_cell, "region"),
                 text_of(true_cell, "product_line"));
        const json_t *tally = json_object_get(counts, cell);
        found += tally != NULL;
        assert_int_equal(number_of(true_cell, "hosts", "reporting"),
                         json_integer_value(json_array_get(tally, 0)));
        assert_int_equal(number_of(true_cell, "customers", "reporting"),
                         json_integer_value(json_array_get(tally, 1)));
        assert_true(number_of(true_cell, "hosts", "all") >=
                    number_of(true_cell, "hosts", "reporting"));
        assert_true(number_of(true_cell, "hosts", "reporting") >=
                    number_of(true_cell, "hosts", "seen"));
    }
    assert_int_equal(found, json_object_size(counts));
    json_decref(customers);
    json_decref(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_as_many_as_the_truth_says),
        cmocka_unit_test(struck_hosts_show_it_in_their_reports),
        cmocka_unit_test(cells_add_up),
    };
    return cmocka_run_group_tests(tests, write_fleet, remove_fleet);
}
