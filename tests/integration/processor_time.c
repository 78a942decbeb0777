/* See the header. The one hard thing: readings and questions fall on different instants, so both
 * ends of a span are interpolated between the two readings around them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/processor_time.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/instant.h"

#define READINGS_LIMIT 6000 /* ten minutes; a test that takes longer has failed */
#define READING_EVERY_NS 100000000L

struct reading {
    instant_us at;
    double idle, total; /* clock ticks since boot, all processors */
};

struct processor_time {
    struct reading readings[READINGS_LIMIT];
    size_t count;
    atomic_bool stopping;
    pthread_t thread;
};

/* proc(5): user nice system idle iowait irq softirq steal; guest time is within user's. */
static bool read_once(struct reading *reading)
{
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) {
        return false;
    }
    char line[512];
    bool read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    reading->at = instant_now();
    reading->total = 0;
    if (!read || line[0] != 'c') {
        return false;
    }
    char *rest = line + 3; /* "cpu" */
    for (int field = 0; field < 8; field++) {
        double ticks = strtod(rest, &rest);
        reading->total += ticks;
        if (field == 3) {
            reading->idle = ticks;
        }
    }
    return reading->total > 0;
}

static void *read_on(void *context)
{
    struct processor_time *readings = context;
    while (!atomic_load(&readings->stopping) && readings->count < READINGS_LIMIT) {
        if (read_once(&readings->readings[readings->count])) {
            readings->count++;
        }
        struct timespec pause = {.tv_nsec = READING_EVERY_NS};
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

struct processor_time *processor_time_start(void)
{
    struct processor_time *readings = calloc(1, sizeof *readings);
    if (readings != NULL && pthread_create(&readings->thread, NULL, read_on, readings) != 0) {
        free(readings);
        readings = NULL;
    }
    return readings;
}

void processor_time_stop(struct processor_time *readings)
{
    if (!atomic_exchange(&readings->stopping, true)) {
        (void)pthread_join(readings->thread, NULL);
    }
}

void processor_time_free(struct processor_time *readings)
{
    if (readings != NULL) {
        processor_time_stop(readings);
        free(readings);
    }
}

static bool reading_at(const struct processor_time *readings, instant_us at, struct reading *found)
{
    for (size_t i = 1; i < readings->count; i++) {
        const struct reading *before = &readings->readings[i - 1];
        const struct reading *after = &readings->readings[i];
        if (before->at <= at && at <= after->at && before->at < after->at) {
            double share = (double)(at - before->at) / (double)(after->at - before->at);
            found->at = at;
            found->idle = before->idle + share * (after->idle - before->idle);
            found->total = before->total + share * (after->total - before->total);
            return true;
        }
    }
    return false;
}

bool processor_time_busy(const struct processor_time *readings, instant_us from, instant_us until,
                         double *busy)
{
    struct reading first;
    struct reading last;
    if (!reading_at(readings, from, &first) || !reading_at(readings, until, &last) ||
        last.total <= first.total) {
        return false;
    }
    *busy = 1 - (last.idle - first.idle) / (last.total - first.total);
    return true;
}
