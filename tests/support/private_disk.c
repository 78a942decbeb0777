/* A small disk in memory; see private_disk.h. The hard thing is the ordinary user, who may mount in
 * a user and mount namespace of their own, where the kernel allows it; nobody else sees that disk,
 * and it goes with the last process of the test. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/private_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#define PIECE_BYTES (INT64_C(8) << 20)
#define PATH_SIZE 160

static bool write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
    if (file >= 0) {
        (void)close(file);
    }
    return written;
}

/* The same user and group as outside, and whatever is begun in it may mount. */
static void enter_namespace(void)
{
    char users[48];
    char groups[48];
    (void)snprintf(users, sizeof users, "%u %u 1", geteuid(), geteuid());
    (void)snprintf(groups, sizeof groups, "%u %u 1", getegid(), getegid());
    bool entered =
        unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/uid_map", users) &&
        write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/gid_map", groups);
    (void)entered; /* the mount shows it */
}

static bool mount_at(const char *directory, size_t size_mb)
{
    char options[48];
    (void)snprintf(options, sizeof options, "size=%zum,mode=0700", size_mb);
    return mount("tmpfs", directory, "tmpfs", 0, options) == 0;
}

const char *private_disk_refused(void)
{
    char directory[] = "/tmp/epicenter-disk-XXXXXX";
    static char why[128];
    if (mkdtemp(directory) == NULL) {
        return "cannot make a directory in /tmp";
    }
    bool mounted = mount_at(directory, 1);
    if (!mounted && geteuid() != 0) {
        enter_namespace();
        mounted = mount_at(directory, 1);
    }
    (void)snprintf(why, sizeof why, "mounting a disk was refused: %s", strerror(errno));
    if (mounted) {
        private_disk_unmount(directory);
    }
    (void)rmdir(directory);
    return mounted ? NULL : why;
}

void private_disk_mount(const char *directory, size_t size_mb)
{
    const struct passwd *user = getpwnam("postgres");
    assert_int_equal(mkdir(directory, 0700), 0);
    if (!mount_at(directory, size_mb) ||
        (geteuid() == 0 && (user == NULL || chown(directory, user->pw_uid, user->pw_gid) != 0))) {
        fail_msg("cannot make a disk: %s", strerror(errno));
    }
}

void private_disk_unmount(const char *directory)
{
    (void)umount2(directory, MNT_DETACH);
}

static const char *filler_of(const char *directory, char path[static PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "%s/filler", directory);
    return path;
}

static int64_t free_bytes(const char *directory)
{
    struct statvfs disk;
    assert_int_equal(statvfs(directory, &disk), 0);
    return (int64_t)(disk.f_bavail * disk.f_frsize);
}

void private_disk_fill(const char *directory, int64_t left_bytes)
{
    char path[PATH_SIZE];
    int file = open(filler_of(directory, path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    off_t filled = 0;
    assert_true(file >= 0);
    /* In pieces, since one that finds too little room takes none, and the server goes on writing.
     */
    for (int64_t over; (over = free_bytes(directory) - left_bytes) > 0;) {
        off_t piece = over < PIECE_BYTES ? over : PIECE_BYTES;
        int refused = posix_fallocate(file, filled, piece);
        assert_true(refused == 0 || refused == ENOSPC);
        filled += refused == 0 ? piece : 0;
    }
    (void)close(file);
}

void private_disk_empty(const char *directory)
{
    char path[PATH_SIZE];
    (void)unlink(filler_of(directory, path));
}
