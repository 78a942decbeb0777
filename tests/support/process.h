/* A program under test: started with arguments, watched, signalled, waited for.
 *
 * A helper that cannot do its work fails the test (cmocka's fail_msg) and shows what the program
 * wrote on standard error. Whatever a test leaves running is killed when the test program ends,
 * however it ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_SUPPORT_PROCESS_H
#define EPICENTER_TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process;

/* Starts arguments[0] (a path, or a name in PATH) with the NULL-terminated arguments, standard
 * input empty. Call from the main thread: the program is killed when the thread that started it
 * ends. */
struct process *process_start(const char *const *arguments);

/* The same as the user postgres when we are root; PostgreSQL's own programs refuse to run as root.
 * `end_signal` is what it gets when we die. */
struct process *process_start_postgres(const char *const *arguments, int end_signal);

/* Runs a program to its end, at most 60 s, and fails the test unless its exit status is `status`.
 * Free it after looking at its output. */
struct process *process_run(const char *const *arguments, int status);

/* Waits up to 30 s until the program has written its port there, and returns it. */
uint16_t process_wait_for_port(struct process *process, const char *port_file);

/* Waits up to 30 s until standard error holds `text`. */
void process_wait_for_log(struct process *process, const char *text);

pid_t process_id(const struct process *process);
bool process_is_running(struct process *process);
void process_signal(struct process *process, int signal_number);

/* Waits up to `seconds` for the end. The exit status, or 128 and the number of the signal that
 * ended it, as a shell has it. */
int process_wait(struct process *process, int seconds);

/* What it has written so far; the text is the process's and good until the next call of the same
 * function. */
const char *process_output(struct process *process); /* standard output */
const char *process_log(struct process *process);    /* standard error */

/* Kills it where it still runs. NULL is nothing. */
void process_free(struct process *process);

#endif
