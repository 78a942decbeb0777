/* Programs under test; see process.h. The hard thing is to leave nothing running: a test may fail
 * half-way through (cmocka jumps out of it), abort, or be killed by ctest. So every program asks
 * the kernel to be killed with its parent, and what is still listed is killed at exit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Sanitizers and a busy machine make programs ten times slower than usual; a test that waits this
 * long has failed anyway. */
#define PATIENCE_S 30
#define RUN_PATIENCE_S 60
/* How long a program is let end by itself before it is killed. */
#define LAST_WORDS_S 10
#define LOOK_MS 5

struct process {
    pid_t id;
    const char *name; /* its path, for messages */
    int output, log;  /* memory files behind its standard output and error */
    char *output_text, *log_text;
    bool ended;
    int status;     /* as waitpid has it, once it has ended */
    int end_signal; /* what ends it when nobody waits any more */
    struct process *next;
};

static struct process *running; /* every process not yet freed */

static void end_all(void)
{
    for (struct process *process = running; process != NULL; process = process->next) {
        if (!process->ended) {
            (void)kill(process->id, process->end_signal);
            (void)waitpid(process->id, NULL, 0);
        }
    }
}

/* ---- Starting ---- */

/* In the child, between fork and exec: only async-signal-safe calls from here on. */
static void become(const struct process *process, const struct passwd *user)
{
    if (user != NULL &&
        (setgroups(0, NULL) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
         setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)) {
        _exit(126);
    }
    /* After the change of user, which forgets it. */
    if (prctl(PR_SET_PDEATHSIG, process->end_signal) != 0) {
        _exit(126);
    }
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(process->output, STDOUT_FILENO) < 0 || dup2(process->log, STDERR_FILENO) < 0) {
        _exit(126);
    }
    /* The user postgres may not be allowed to stand where we do. */
    if (user != NULL && chdir("/") != 0) {
        _exit(126);
    }
}

static struct process *start(const char *const *arguments, const struct passwd *user,
                             int end_signal)
{
    struct process *process = calloc(1, sizeof *process);
    assert_non_null(process);
    process->name = arguments[0];
    process->end_signal = end_signal;
    process->output = memfd_create("output", MFD_CLOEXEC);
    process->log = memfd_create("log", MFD_CLOEXEC);
    if (process->output < 0 || process->log < 0) {
        fail_msg("cannot make a memory file: %s", strerror(errno));
    }
    if (running == NULL) {
        (void)atexit(end_all);
    }
    pid_t parent = getpid();
    process->id = fork();
    if (process->id == 0) {
        become(process, user);
        if (getppid() != parent) {
            _exit(126); /* we died before the kernel was asked */
        }
        (void)execvp(arguments[0], (char *const *)arguments);
        dprintf(STDERR_FILENO, "cannot start %s: %s\n", arguments[0], strerror(errno));
        _exit(127);
    }
    if (process->id < 0) {
        fail_msg("cannot fork: %s", strerror(errno));
    }
    process->next = running;
    running = process;
    return process;
}

struct process *process_start(const char *const *arguments)
{
    return start(arguments, NULL, SIGKILL);
}

struct process *process_start_postgres(const char *const *arguments, int end_signal)
{
    const struct passwd *user = NULL;
    if (geteuid() == 0) {
        user = getpwnam("postgres");
        if (user == NULL) {
            fail_msg("there is no user postgres to run PostgreSQL as");
        }
    }
    return start(arguments, user, end_signal);
}

struct process *process_run(const char *const *arguments, int status)
{
    struct process *process = process_start(arguments);
    int ended_with = process_wait(process, RUN_PATIENCE_S);
    if (ended_with != status) {
        fail_msg("%s ended with %d, not %d:\n%s%s", process->name, ended_with, status,
                 process_output(process), process_log(process));
    }
    return process;
}

/* ---- Watching ---- */

static void pause_briefly(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
}

static double clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

pid_t process_id(const struct process *process)
{
    return process->id;
}

bool process_is_running(struct process *process)
{
    if (!process->ended && waitpid(process->id, &process->status, WNOHANG) == process->id) {
        process->ended = true;
    }
    return !process->ended;
}

/* `is_running` was asked before what is waited for was looked for: it may be a program's last word.
 */
static void fail_if_over(struct process *process, bool is_running, double until_s,
                         const char *waited_for)
{
    if (!is_running || clock_s() > until_s) {
        fail_msg("%s %s before %s:\n%s", process->name, is_running ? "took too long" : "ended",
                 waited_for, process_log(process));
    }
}

uint16_t process_wait_for_port(struct process *process, const char *port_file)
{
    double until_s = clock_s() + PATIENCE_S;
    for (;;) {
        bool is_running = process_is_running(process);
        FILE *file = fopen(port_file, "re");
        char line[16] = "";
        bool whole =
            file != NULL && fgets(line, sizeof line, file) != NULL && strchr(line, '\n') != NULL;
        if (file != NULL) {
            (void)fclose(file);
        }
        if (whole) {
            return (uint16_t)strtoul(line, NULL, 10);
        }
        fail_if_over(process, is_running, until_s, "it listened");
        pause_briefly();
    }
}

void process_wait_for_log(struct process *process, const char *text)
{
    double until_s = clock_s() + PATIENCE_S;
    for (;;) {
        bool is_running = process_is_running(process);
        if (strstr(process_log(process), text) != NULL) {
            return;
        }
        fail_if_over(process, is_running, until_s, text);
        pause_briefly();
    }
}

void process_signal(struct process *process, int signal_number)
{
    if (process_is_running(process) && kill(process->id, signal_number) != 0) {
        fail_msg("cannot signal %s: %s", process->name, strerror(errno));
    }
}

int process_wait(struct process *process, int seconds)
{
    double until_s = clock_s() + seconds;
    while (process_is_running(process)) {
        if (clock_s() > until_s) {
            fail_msg("%s did not end within %d s:\n%s", process->name, seconds,
                     process_log(process));
        }
        pause_briefly();
    }
    return WIFEXITED(process->status) ? WEXITSTATUS(process->status)
                                      : 128 + WTERMSIG(process->status);
}

/* ---- What it wrote ---- */

static const char *read_whole(int file, char **text)
{
    struct stat about;
    free(*text);
    *text = NULL;
    /* Not by seeking: the position is the program's, too. */
    if (fstat(file, &about) != 0) {
        fail_msg("cannot read what a program wrote: %s", strerror(errno));
    }
    *text = calloc(1, (size_t)about.st_size + 1);
    assert_non_null(*text);
    if (pread(file, *text, (size_t)about.st_size, 0) < 0) {
        fail_msg("cannot read what a program wrote: %s", strerror(errno));
    }
    return *text;
}

const char *process_output(struct process *process)
{
    return read_whole(process->output, &process->output_text);
}

const char *process_log(struct process *process)
{
    return read_whole(process->log, &process->log_text);
}

void process_free(struct process *process)
{
    if (process == NULL) {
        return;
    }
    double until_s = clock_s() + LAST_WORDS_S;
    process_signal(process, process->end_signal);
    while (process_is_running(process) && clock_s() < until_s) {
        pause_briefly();
    }
    if (!process->ended) {
        (void)kill(process->id, SIGKILL);
        (void)waitpid(process->id, &process->status, 0);
    }
    for (struct process **link = &running; *link != NULL; link = &(*link)->next) {
        if (*link == process) {
            *link = process->next;
            break;
        }
    }
    (void)close(process->output);
    (void)close(process->log);
    free(process->output_text);
    free(process->log_text);
    free(process);
}
