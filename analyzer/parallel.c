/* Threads for one piece of work at a time: to start one takes some 20 microseconds, and there is
 * work for milliseconds; see parallel.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/parallel.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

struct parallel_part {
    void (*work)(void *context, unsigned part);
    void *context;
    pthread_t thread;
    unsigned part;
    bool started;
};

unsigned parallel_processors(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors < 1) {
        return 1;
    }
    return processors > (long)PARALLEL_PARTS_MOST ? PARALLEL_PARTS_MOST : (unsigned)processors;
}

static void *run_part(void *context)
{
    struct parallel_part *part = context;
    part->work(part->context, part->part);
    return NULL;
}

void parallel_run(unsigned parts, void (*work)(void *context, unsigned part), void *context)
{
    struct parallel_part running[PARALLEL_PARTS_MOST];
    for (unsigned i = 1; i < parts; i++) {
        running[i] = (struct parallel_part){.work = work, .context = context, .part = i};
        running[i].started = pthread_create(&running[i].thread, NULL, run_part, &running[i]) == 0;
    }
    work(context, 0);
    for (unsigned i = 1; i < parts; i++) {
        if (running[i].started) {
            (void)pthread_join(running[i].thread, NULL);
        } else {
            work(context, i);
        }
    }
}
