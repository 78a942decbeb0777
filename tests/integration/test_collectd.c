/* Do the figures of a program we did not write arrive, and are they right? Debian's collectd
 * reports this machine's processors for twenty seconds, the second half of them under a load of
 * the test's own, and every report is compared with what the kernel says of the same second.
 *
 * Oracle: /proc/stat, read by the test itself (processor_time.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/instant.h"
#include "tests/integration/processor_time.h"
#include "tests/integration/real_host.h"
#include "tests/support/private_cluster.h"
#include "tests/support/process.h"

#define QUIET_S 10
#define LOADED_S 10

/* collectd stamps a sample when its reading thread wakes, and under load reads the counters up to
 * a fifth of a second later; so the second it speaks of may lie that far off. */
#define SHIFT_LIMIT (INSTANT_SECOND / 5)
#define SHIFT_STEP (INSTANT_SECOND / 50)
/* Two processors have 200 clock ticks in a second, so each end of a second is good to half a
 * percent, and so is the reading interpolated beside it. */
#define TOLERANCE 0.03
/* The mean over all seconds has only two ends, each off by at most SHIFT_LIMIT of about 18 s. */
#define MEAN_TOLERANCE 0.03

static void pause_s(int seconds)
{
    struct timespec pause = {.tv_sec = seconds};
    assert_int_equal(nanosleep(&pause, NULL), 0);
}

/* How far the report is from the nearest second the kernel knows. */
static double error_of(const struct processor_time *kernel, instant_us observed_at, double busy)
{
    double least = INFINITY;
    for (instant_us shift = -SHIFT_LIMIT; shift <= SHIFT_LIMIT; shift += SHIFT_STEP) {
        double truth;
        if (processor_time_busy(kernel, observed_at + shift - INSTANT_SECOND, observed_at + shift,
                                &truth)) {
            least = fmin(least, fabs(truth - busy));
        }
    }
    return least;
}

struct observed {
    size_t count;
    instant_us at[256];
    double busy[256];
};

/* The reports wholly within the readings; collectd's first sample is left out, since it has
 * nothing to compare its counters with. */
static void read_reports(struct real_host *host, instant_us from, instant_us until,
                         struct observed *observed)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "select string_agg((extract(epoch from observed_at) * 1000000)::bigint || ' ' "
                   "|| busy, ' ' order by observed_at) from (select distinct observed_at, busy "
                   "from report where busy is not null and interval_s = 1) r "
                   "where (extract(epoch from observed_at) * 1000000) between %lld and %lld",
                   (long long)from, (long long)until);
    char *rest = strdup(private_cluster_text(host->cluster, sql));
    assert_non_null(rest);
    char *cursor = rest;
    while (*cursor != '\0' && observed->count < 256) {
        observed->at[observed->count] = strtoll(cursor, &cursor, 10);
        observed->busy[observed->count] = strtod(cursor, &cursor);
        observed->count++;
    }
    free(rest);
}

static void compare(const struct processor_time *kernel, const struct observed *observed)
{
    size_t right = 0;
    double sum = 0;
    for (size_t i = 0; i < observed->count; i++) {
        double error = error_of(kernel, observed->at[i], observed->busy[i]);
        right += error <= TOLERANCE;
        sum += observed->busy[i];
        print_message("second %zu: collectd said %.3f, off by %.3f\n", i, observed->busy[i], error);
    }
    /* A stalled second of the machine may spoil a report; more than one in ten is a fault. */
    assert_true(right * 10 >= observed->count * 9);

    double truth = 0;
    assert_true(processor_time_busy(kernel, observed->at[0] - INSTANT_SECOND,
                                    observed->at[observed->count - 1], &truth));
    double mean = sum / (double)observed->count;
    print_message("mean of %zu reports %.4f, by the kernel %.4f\n", observed->count, mean, truth);
    assert_true(fabs(mean - truth) <= MEAN_TOLERANCE);
}

/* Waits until the analyzer has closed a minute with this machine in it: at most the rest of the
 * minute, its lateness and a few seconds. */
static json_t *wait_for_host(const struct real_host *host)
{
    for (int tries = 0; tries < 150; tries++) {
        json_t *view = real_host_ask(host);
        if (view != NULL && json_is_number(json_object_get(view, "last_busy"))) {
            return view;
        }
        json_decref(view);
        pause_s(1);
    }
    fail_msg("the analyzer does not know this machine: %s", process_log(host->analyzer.process));
    return NULL;
}

static void figures_of_collectd_are_the_kernels(void **state)
{
    (void)state;
    struct real_host host;
    real_host_start(&host);
    struct processor_time *kernel = processor_time_start();
    assert_non_null(kernel);

    pause_s(3); /* collectd's first sample, and a reading before every second compared */
    instant_us from = instant_now();
    pause_s(QUIET_S);
    struct process *load =
        process_start((const char *[]){"/bin/sh", "-c", "while :; do :; done", NULL});
    pause_s(LOADED_S);
    process_free(load);
    instant_us until = instant_now();
    /* collectd sends when 4 kB are full, which takes it some twenty samples. */
    process_signal(host.collectd, SIGTERM);
    assert_int_equal(process_wait(host.collectd, 30), 0);
    processor_time_stop(kernel);

    struct observed observed = {0};
    read_reports(&host, from, until - INSTANT_SECOND, &observed);
    /* Twenty seconds, give and take an end and a stall. */
    assert_in_range(observed.count, 15, 21);
    compare(kernel, &observed);

    json_t *view = wait_for_host(&host);
    assert_string_equal(real_host_text(view, "customer_id"), REAL_HOST_CUSTOMER);
    const json_t *attributes = json_object_get(view, "attributes");
    assert_string_equal(real_host_text(attributes, "product_line"), "Endpoint");
    assert_string_equal(real_host_text(attributes, "os"), "Debian");
    double last = json_number_value(json_object_get(view, "last_busy"));
    char sql[256];
    (void)snprintf(sql, sizeof sql, "select count(*) from report where abs(busy - %.6f) < 0.0001",
                   last);
    assert_true(private_cluster_number(host.cluster, sql) > 0);
    json_decref(view);

    assert_int_equal(private_cluster_number(host.cluster, "select count(*) from rejected_report"),
                     0);
    processor_time_free(kernel);
    real_host_stop(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_of_collectd_are_the_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
