/* Makes the n-th allocation, write or call of libpq of a program fail; see fail_call.h. For tests,
 * by LD_PRELOAD. The hard thing is that finding the real functions allocates; so allocations go to
 * the C library by its own names for them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/fail_call.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <libpq-fe.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): glibc's. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct fail_call *control; /* NULL: nothing fails */

__attribute__((constructor)) static void open_control(void)
{
    const char *path = getenv(FAIL_CALL_FILE);
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        control = mapped != MAP_FAILED ? mapped : NULL;
        (void)close(file);
    }
}

static bool fails(enum fail_call_kind kind)
{
    if (control == NULL || atomic_load(&control->kind) != (int)kind ||
        atomic_fetch_sub(&control->left, 1) != 1) {
        return false;
    }
    atomic_store(&control->fired, 1);
    return true;
}

/* ---- Memory ---- */

void *malloc(size_t size)
{
    if (fails(FAIL_MEMORY)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (fails(FAIL_MEMORY)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    if (size > 0 && fails(FAIL_MEMORY)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(memory, size);
}

/* ---- The rest: the real function is looked up once ---- */

static void find(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof found); /* C knows no cast from one to the other */
}

#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (real == NULL) {                                                                            \
        find(#name, &real);                                                                        \
    }

/* Threads wake each other by eventfds, whose counter has always room. */
static bool is_eventfd(int file)
{
    char path[32];
    char target[32] = "";
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return readlink(path, target, sizeof target - 1) > 0 &&
           strcmp(target, "anon_inode:[eventfd]") == 0;
}

ssize_t write(int file, const void *bytes, size_t length)
{
    REAL(write)
    if (!is_eventfd(file) && fails(FAIL_WRITE)) {
        errno = ENOSPC;
        return -1;
    }
    return real(file, bytes, length);
}

ssize_t writev(int file, const struct iovec *pieces, int count)
{
    REAL(writev)
    if (fails(FAIL_WRITE)) {
        errno = EPIPE;
        return -1;
    }
    return real(file, pieces, count);
}

ssize_t send(int socket, const void *bytes, size_t length, int flags)
{
    REAL(send)
    if (fails(FAIL_WRITE)) {
        errno = ECONNRESET;
        return -1;
    }
    return real(socket, bytes, length, flags);
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags)
{
    REAL(sendmsg)
    if (fails(FAIL_WRITE)) {
        errno = ECONNRESET;
        return -1;
    }
    return real(socket, message, flags);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t count)
{
    REAL(sendfile)
    if (fails(FAIL_WRITE)) {
        errno = EIO;
        return -1;
    }
    return real(to, from, offset, count);
}

PGconn *PQconnectdbParams(const char *const *names, const char *const *values, int expand)
{
    REAL(PQconnectdbParams)
    return fails(FAIL_LIBPQ) ? NULL : real(names, values, expand);
}

int PQsetnonblocking(PGconn *connection, int on)
{
    REAL(PQsetnonblocking)
    return fails(FAIL_LIBPQ) ? -1 : real(connection, on);
}

int PQsendQuery(PGconn *connection, const char *sql)
{
    REAL(PQsendQuery)
    return fails(FAIL_LIBPQ) ? 0 : real(connection, sql);
}

int PQsendQueryParams(PGconn *connection, const char *sql, int count, const Oid *types,
                      const char *const *values, const int *lengths, const int *formats, int format)
{
    REAL(PQsendQueryParams)
    return fails(FAIL_LIBPQ)
               ? 0
               : real(connection, sql, count, types, values, lengths, formats, format);
}

int PQflush(PGconn *connection)
{
    REAL(PQflush)
    return fails(FAIL_LIBPQ) ? -1 : real(connection);
}

int PQconsumeInput(PGconn *connection)
{
    REAL(PQconsumeInput)
    return fails(FAIL_LIBPQ) ? 0 : real(connection);
}

PGresult *PQgetResult(PGconn *connection)
{
    REAL(PQgetResult)
    return fails(FAIL_LIBPQ) ? NULL : real(connection);
}

int PQputCopyData(PGconn *connection, const char *bytes, int length)
{
    REAL(PQputCopyData)
    return fails(FAIL_LIBPQ) ? -1 : real(connection, bytes, length);
}

int PQputCopyEnd(PGconn *connection, const char *trouble)
{
    REAL(PQputCopyEnd)
    return fails(FAIL_LIBPQ) ? -1 : real(connection, trouble);
}
