/* The progress line; see progress.h. It goes to standard error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Faster than twice a second cannot be read; a log wants far fewer lines. */
#define TERMINAL_INTERVAL_S 0.5
#define LOG_INTERVAL_S 10.0

double progress_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void progress_start(struct progress *progress, const struct time_zone *zone)
{
    *progress = (struct progress){
        .terminal = isatty(STDERR_FILENO) == 1, .started_s = progress_clock_s(), .zone = zone};
    progress->shown_s = progress->started_s;
}

static void draw(struct progress *progress, instant_us at, uint64_t reports, double done)
{
    double elapsed = progress->shown_s - progress->started_s;
    instant_us local = at + time_zone_offset_s(progress->zone, at) * INSTANT_SECOND;
    int64_t minutes = local % INSTANT_DAY / INSTANT_MINUTE;
    fprintf(stderr, "%s%02d:%02d  %11" PRIu64 " reports  %8.0f/s  %5.1f %%%s",
            progress->terminal ? "\r" : "", (int)(minutes / 60), (int)(minutes % 60), reports,
            elapsed > 0 ? (double)reports / elapsed : 0, done * 100,
            progress->terminal ? "" : "\n");
    progress->drawn = true;
}

void progress_show(struct progress *progress, instant_us at, uint64_t reports, double done)
{
    double now_s = progress_clock_s();
    if (now_s - progress->shown_s >= (progress->terminal ? TERMINAL_INTERVAL_S : LOG_INTERVAL_S)) {
        progress->shown_s = now_s;
        draw(progress, at, reports, done);
    }
}

void progress_end(struct progress *progress, instant_us at, uint64_t reports, double done)
{
    progress->shown_s = progress_clock_s();
    if (progress->terminal || !progress->drawn) {
        draw(progress, at, reports, done);
    }
    if (progress->terminal) {
        fputc('\n', stderr);
    }
}
