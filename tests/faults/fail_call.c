/* Makes the n-th allocation, write or call of libpq of a program fail; see fail_call.h. For tests,
 * by LD_PRELOAD; parameters are named as in the headers. The hard thing is that finding the real
 * functions allocates; so allocations go to the C library by its own names for them.
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

void *calloc(size_t nmemb, size_t size)
{
    if (fails(FAIL_MEMORY)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    if (size > 0 && fails(FAIL_MEMORY)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(ptr, size);
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

ssize_t write(int fd, const void *buf, size_t n)
{
    REAL(write)
    if (!is_eventfd(fd) && fails(FAIL_WRITE)) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, buf, n);
}

/* A connection that could not be written to is gone: nothing comes from it either. libpq counts on
 * that, and waits for the server's last words. */
static ssize_t fail_connection(int connection)
{
    (void)shutdown(connection, SHUT_RDWR);
    errno = ECONNRESET;
    return -1;
}

ssize_t writev(int fd, const struct iovec *iovec, int count)
{
    REAL(writev)
    if (fails(FAIL_WRITE)) {
        return fail_connection(fd);
    }
    return real(fd, iovec, count);
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    REAL(send)
    if (fails(FAIL_WRITE)) {
        return fail_connection(fd);
    }
    return real(fd, buf, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg)
    if (fails(FAIL_WRITE)) {
        return fail_connection(fd);
    }
    return real(fd, message, flags);
}

ssize_t sendfile(int out_fd, int in_fd, off_t *offset, size_t count)
{
    REAL(sendfile)
    if (fails(FAIL_WRITE)) {
        return fail_connection(out_fd);
    }
    return real(out_fd, in_fd, offset, count);
}

PGconn *PQconnectdbParams(const char *const *keywords, const char *const *values, int expand_dbname)
{
    REAL(PQconnectdbParams)
    return fails(FAIL_LIBPQ) ? NULL : real(keywords, values, expand_dbname);
}

int PQsetnonblocking(PGconn *conn, int arg)
{
    REAL(PQsetnonblocking)
    return fails(FAIL_LIBPQ) ? -1 : real(conn, arg);
}

int PQsendQuery(PGconn *conn, const char *query)
{
    REAL(PQsendQuery)
    return fails(FAIL_LIBPQ) ? 0 : real(conn, query);
}

int PQsendQueryParams(PGconn *conn, const char *command, int nParams, const Oid *paramTypes,
                      const char *const *paramValues, const int *paramLengths,
                      const int *paramFormats, int resultFormat)
{
    REAL(PQsendQueryParams)
    return fails(FAIL_LIBPQ) ? 0
                             : real(conn, command, nParams, paramTypes, paramValues, paramLengths,
                                    paramFormats, resultFormat);
}

int PQflush(PGconn *conn)
{
    REAL(PQflush)
    return fails(FAIL_LIBPQ) ? -1 : real(conn);
}

int PQconsumeInput(PGconn *conn)
{
    REAL(PQconsumeInput)
    return fails(FAIL_LIBPQ) ? 0 : real(conn);
}

PGresult *PQgetResult(PGconn *conn)
{
    REAL(PQgetResult)
    return fails(FAIL_LIBPQ) ? NULL : real(conn);
}

int PQputCopyData(PGconn *conn, const char *buffer, int nbytes)
{
    REAL(PQputCopyData)
    return fails(FAIL_LIBPQ) ? -1 : real(conn, buffer, nbytes);
}

int PQputCopyEnd(PGconn *conn, const char *errormsg)
{
    REAL(PQputCopyEnd)
    return fails(FAIL_LIBPQ) ? -1 : real(conn, errormsg);
}

int PQsendPrepare(PGconn *conn, const char *stmtName, const char *query, int nParams,
                  const Oid *paramTypes)
{
    REAL(PQsendPrepare)
    return fails(FAIL_LIBPQ) ? 0 : real(conn, stmtName, query, nParams, paramTypes);
}

int PQsendQueryPrepared(PGconn *conn, const char *stmtName, int nParams,
                        const char *const *paramValues, const int *paramLengths,
                        const int *paramFormats, int resultFormat)
{
    REAL(PQsendQueryPrepared)
    return fails(FAIL_LIBPQ) ? 0
                             : real(conn, stmtName, nParams, paramValues, paramLengths,
                                    paramFormats, resultFormat);
}

int PQenterPipelineMode(PGconn *conn)
{
    REAL(PQenterPipelineMode)
    return fails(FAIL_LIBPQ) ? 0 : real(conn);
}

int PQpipelineSync(PGconn *conn)
{
    REAL(PQpipelineSync)
    return fails(FAIL_LIBPQ) ? 0 : real(conn);
}

int PQexitPipelineMode(PGconn *conn)
{
    REAL(PQexitPipelineMode)
    return fails(FAIL_LIBPQ) ? 0 : real(conn);
}
