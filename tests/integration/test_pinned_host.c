/* Does the whole job work on a real machine? collectd reports, an update is reported by the
 * machine's own token, stress-ng then takes every processor, and the API must come to show this
 * machine pinned after that update.
 *
 * Oracle: stress-ng, which we did not write, and the definition of pinned: 95 % busy or more over
 * at least two minutes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/instant.h"
#include "tests/integration/processor_time.h"
#include "tests/integration/real_host.h"
#include "tests/support/process.h"

#define UPDATE "pattern/2.594.00"

/* Asks once a second until the host is in the state, at most `limit_s`. */
static json_t *wait_for_state(const struct real_host *host, const char *wanted, int limit_s)
{
    char seen[32] = "unknown";
    for (int second = 0; second < limit_s; second++) {
        json_t *view = real_host_ask(host);
        if (view != NULL) {
            const char *state = real_host_text(view, "state");
            if (strcmp(state, wanted) == 0) {
                return view;
            }
            if (strcmp(state, seen) != 0) {
                print_message("after %d s: %s\n", second, state);
                (void)snprintf(seen, sizeof seen, "%s", state);
            }
        }
        json_decref(view);
        (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    fail_msg("after %d s this machine is not %s but %s", limit_s, wanted, seen);
    return NULL;
}

/* What else this machine does must not pin it before the update does: ten seconds less than half
 * busy, waited for three minutes. */
static void wait_for_calm(void)
{
    double busy = 1;
    for (int tries = 0; tries < 18; tries++) {
        struct processor_time *kernel = processor_time_start();
        assert_non_null(kernel);
        (void)nanosleep(&(struct timespec){.tv_sec = 10}, NULL);
        processor_time_stop(kernel);
        instant_us now = instant_now();
        bool known =
            processor_time_busy(kernel, now - 9 * INSTANT_SECOND, now - INSTANT_SECOND / 2, &busy);
        processor_time_free(kernel);
        if (known && busy < 0.5) {
            return;
        }
    }
    fail_msg("this machine is %.0f %% busy with other work: nothing could be told from pinning it",
             busy * 100);
}

static const json_t *find_update(const json_t *view)
{
    size_t index;
    json_t *update;
    json_array_foreach(json_object_get(view, "updates"), index, update)
    {
        if (strcmp(real_host_text(update, "id"), UPDATE) == 0) {
            return update;
        }
    }
    return NULL;
}

static void report_update(const struct real_host *host)
{
    char now[INSTANT_TEXT_SIZE];
    char report[512];
    instant_format(instant_now(), now);
    (void)snprintf(report, sizeof report,
                   "{\"host_id\":\"%s\",\"observed_at\":\"%s\",\"updates\":[{\"id\":\"%s\","
                   "\"outcome\":\"installed\",\"at\":\"%s\"}]}",
                   REAL_HOST_NAME, now, UPDATE, now);
    real_host_report(host, report);
}

static void a_pinned_machine_shows_with_its_update(void **state)
{
    (void)state;
    struct real_host host;
    real_host_start(&host);

    /* Two reports under 95 % make a host healthy; seen when the minute has closed. */
    json_t *healthy = wait_for_state(&host, "healthy", 150);
    assert_null(find_update(healthy));
    json_decref(healthy);

    wait_for_calm();
    report_update(&host);
    struct process *load =
        process_start((const char *[]){"stress-ng", "--cpu", "0", "--quiet", NULL});
    /* Two minutes of load, a minute to close, the analyzer's lateness, and as much again. */
    json_t *pinned = wait_for_state(&host, "pinned", 300);
    process_signal(load, SIGINT);
    (void)process_wait(load, 30);
    process_free(load);

    const json_t *update = find_update(pinned);
    assert_non_null(update);
    assert_true(json_is_true(json_object_get(update, "exposed")));
    /* Pinned after the update, not before: RFC 3339 in UTC sorts as text. */
    assert_true(
        strcmp(real_host_text(update, "installed_at"), real_host_text(pinned, "state_since")) <= 0);
    assert_true(json_number_value(json_object_get(pinned, "last_busy")) >= 0.95);
    json_decref(pinned);
    real_host_stop(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_pinned_machine_shows_with_its_update)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
