/* What work costs: processor seconds and memory of processes, by the kernel's account in /proc.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_COST_H
#define EPICENTER_TESTS_BENCH_COST_H

#include <sys/types.h>

/* User and system time of the process and of its children, those that ended and were waited for
 * included. */
double cost_cpu_s(pid_t process);

/* The most memory it ever had resident, in bytes. */
double cost_peak_bytes(pid_t process);

#endif
