/* A small disk in memory for a test that fills it.
 *
 * A helper that cannot do its work fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_SUPPORT_PRIVATE_DISK_H
#define EPICENTER_TESTS_SUPPORT_PRIVATE_DISK_H

#include <stddef.h>
#include <stdint.h>

/* Whether we may mount disks; NULL, or why not. To be asked before a private cluster with a disk is
 * started, and while there is only one thread: it gets an ordinary user the right to. */
const char *private_disk_refused(void);

/* Makes `directory`, which does not exist yet, as a disk that PostgreSQL may write to. */
void private_disk_mount(const char *directory, size_t size_mb);
void private_disk_unmount(const char *directory);

/* Fills it until only so much is free, whoever else is writing there; and frees that again. */
void private_disk_fill(const char *directory, int64_t left_bytes);
void private_disk_empty(const char *directory);

#endif
