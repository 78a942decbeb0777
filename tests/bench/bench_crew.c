/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_crew.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEMBERS_MOST 64

struct shared {
    atomic_size_t next, done;
    _Alignas(64) unsigned char results[];
};

static struct shared *shared_of(void *results)
{
    return (struct shared *)(void *)((unsigned char *)results - offsetof(struct shared, results));
}

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void work(struct shared *shared, size_t count, size_t size, bench_crew_task *task,
                 const void *context)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    size_t index;
    while ((index = atomic_fetch_add(&shared->next, 1)) < count) {
        task(index, shared->results + index * size, context);
        atomic_fetch_add(&shared->done, 1);
    }
    _exit(EXIT_SUCCESS);
}

void *bench_crew_run(struct bench_table *table, const char *what, size_t count, size_t size,
                     bench_crew_task *task, const void *context)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long members = processors < 1 ? 1 : processors > MEMBERS_MOST ? MEMBERS_MOST : processors;
    struct shared *shared = mmap(NULL, sizeof *shared + count * size, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        die("bench: sharing memory");
    }
    (void)fflush(NULL);
    for (long m = 0; m < members; m++) {
        pid_t child = fork();
        if (child < 0) {
            die("bench: starting a process");
        }
        if (child == 0) {
            work(shared, count, size, task, context);
        }
    }
    while (members > 0) {
        const struct timespec moment = {.tv_nsec = 200000000};
        int status = 0;
        pid_t ended = waitpid(-1, &status, WNOHANG);
        if (ended > 0) {
            members--;
            if (status != 0) {
                (void)fprintf(stderr, "bench: a simulation failed\n");
                exit(EXIT_FAILURE);
            }
            continue;
        }
        bench_table_progress(table, what, atomic_load(&shared->done), count);
        (void)nanosleep(&moment, NULL);
    }
    return shared->results;
}

void bench_crew_free(void *results, size_t count, size_t size)
{
    struct shared *shared = shared_of(results);
    (void)munmap(shared, sizeof *shared + count * size);
}
