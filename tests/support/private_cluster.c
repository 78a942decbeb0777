/* A PostgreSQL of the test's own; see private_cluster.h. The server is started as a child rather
 * than by pg_ctl, so that it dies with the test and its crash is one signal away. Two things are
 * hard: root, which PostgreSQL refuses, so that as root everything of the server belongs to the
 * user postgres; and a test that is killed, after which somebody else must clear up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/private_cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "common/arena.h"
#include "common/database.h"
#include "common/failure.h"
#include "common/migrate.h"
#include "tests/support/private_disk.h"
#include "tests/support/process.h"

#define DATABASE "epicenter"
#define MADE_WITHIN_S 60
/* Recovery of what a test writes takes a second; a busy machine makes it many. */
#define ANSWERS_WITHIN_S 60
#define ENDS_WITHIN_MS 10000
#define SETTINGS_LIMIT 16
#define LOOK_MS 20
/* Of one server: its own workers and the connections of a test. */
#define CHILDREN_LIMIT 256

struct private_cluster {
    char directory[64];
    char binaries[128];
    struct process *server; /* NULL while it is stopped */
    struct arena arena;     /* paths, connection strings, settings */
    const char *settings[SETTINGS_LIMIT];
    size_t setting_count;
    char *text;   /* the last answer of private_cluster_text */
    int guardian; /* a pipe that nothing is written to; closed when we end */
};

/* ---- Going away ---- */

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    (void)remove(path);
    return 0;
}

static void remove_directory(const char *directory)
{
    char disk[128];
    (void)snprintf(disk, sizeof disk, "%s/data", directory);
    private_disk_unmount(disk); /* most have none */
    (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void pause_briefly(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
}

/* Waits for the end of the test program, whatever ends it, and for that of the server, which the
 * kernel ends with it; then removes the directory. */
static void guard(const struct private_cluster *cluster, int alive)
{
    char lock[sizeof cluster->directory + sizeof "/data/postmaster.pid"];
    char nothing;
    int empty = open("/dev/null", O_RDWR);
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        (void)dup2(empty, file); /* ctest waits for whoever holds its pipes */
    }
    while (read(alive, &nothing, 1) < 0 && errno == EINTR) {
    }
    (void)snprintf(lock, sizeof lock, "%s/data/postmaster.pid", cluster->directory);
    for (int left_ms = ENDS_WITHIN_MS; left_ms > 0 && access(lock, F_OK) == 0; left_ms -= LOOK_MS) {
        pause_briefly();
    }
    remove_directory(cluster->directory);
}

/* A process of init's, so that ctest, which kills a test that takes too long with all its children,
 * does not find it. */
static void start_guardian(struct private_cluster *cluster)
{
    int alive[2];
    if (pipe2(alive, O_CLOEXEC) != 0) {
        fail_msg("cannot make a pipe: %s", strerror(errno));
    }
    pid_t child = fork();
    if (child == 0) {
        (void)close(alive[1]);
        if (setsid() >= 0 && fork() == 0) {
            guard(cluster, alive[0]);
        }
        _exit(0);
    }
    (void)close(alive[0]);
    cluster->guardian = alive[1];
    if (child < 0 || waitpid(child, NULL, 0) != child) {
        fail_msg("cannot fork: %s", strerror(errno));
    }
}

/* ---- Making ---- */

static const char *format(struct private_cluster *cluster, const char *pattern, ...)
    PRINTF_LIKE(2, 3);

static const char *format(struct private_cluster *cluster, const char *pattern, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, pattern);
    int length = vsnprintf(text, sizeof text, pattern, arguments);
    va_end(arguments);
    assert_in_range(length, 0, sizeof text - 1);
    char *copy = arena_copy_text(&cluster->arena, text, (size_t)length);
    assert_non_null(copy);
    return copy;
}

/* The newest PostgreSQL installed, as Debian lays it out; otherwise whatever is in PATH. */
static void find_binaries(struct private_cluster *cluster)
{
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0) {
        const char *newest = found.gl_pathv[found.gl_pathc - 1];
        (void)snprintf(cluster->binaries, sizeof cluster->binaries, "%.*s",
                       (int)(strlen(newest) - strlen("initdb")), newest);
        globfree(&found);
    }
}

static void make_directory(struct private_cluster *cluster)
{
    /* Short and open to every user, whatever TMPDIR says: a socket's path has 107 bytes. */
    (void)snprintf(cluster->directory, sizeof cluster->directory, "/tmp/epicenter-test-XXXXXX");
    if (mkdtemp(cluster->directory) == NULL) {
        fail_msg("cannot make a directory in /tmp: %s", strerror(errno));
    }
    start_guardian(cluster);
    if (geteuid() == 0) {
        const struct passwd *user = getpwnam("postgres");
        if (user == NULL || chown(cluster->directory, user->pw_uid, user->pw_gid) != 0) {
            fail_msg("cannot give %s to the user postgres", cluster->directory);
        }
    }
}

static void make_cluster(struct private_cluster *cluster)
{
    const char *const arguments[] = {format(cluster, "%sinitdb", cluster->binaries),
                                     "-D",
                                     private_cluster_path(cluster, "data"),
                                     "-U",
                                     PRIVATE_CLUSTER_OWNER,
                                     "-A",
                                     "trust",
                                     "-E",
                                     "UTF8",
                                     "--locale=C.UTF-8",
                                     "--no-sync",
                                     NULL};
    struct process *initdb = process_start_postgres(arguments, SIGKILL);
    if (process_wait(initdb, MADE_WITHIN_S) != 0) {
        fail_msg("initdb failed:\n%s%s", process_output(initdb), process_log(initdb));
    }
    process_free(initdb);
}

static void add_setting(struct private_cluster *cluster, const char *setting)
{
    assert_true(cluster->setting_count < SETTINGS_LIMIT);
    cluster->settings[cluster->setting_count++] = format(cluster, "%s", setting);
}

struct private_cluster *private_cluster_start(const struct private_cluster_options *options)
{
    struct private_cluster *cluster = calloc(1, sizeof *cluster);
    assert_non_null(cluster);
    find_binaries(cluster);
    make_directory(cluster);
    if (options != NULL && options->disk_mb > 0) {
        private_disk_mount(private_cluster_path(cluster, "data"), options->disk_mb);
    }
    make_cluster(cluster);
    add_setting(cluster, "listen_addresses=");
    add_setting(cluster, format(cluster, "unix_socket_directories=%s", cluster->directory));
    /* Several clusters at once share a small machine. */
    add_setting(cluster, "shared_buffers=32MB");
    if (options != NULL && options->without_fsync) {
        add_setting(cluster, "fsync=off");
    }
    for (size_t i = 0; options != NULL && options->settings != NULL && options->settings[i] != NULL;
         i++) {
        add_setting(cluster, options->settings[i]);
    }
    private_cluster_resume(cluster);
    const char *const arguments[] = {format(cluster, "%screatedb", cluster->binaries),
                                     "-h",
                                     cluster->directory,
                                     "-U",
                                     PRIVATE_CLUSTER_OWNER,
                                     DATABASE,
                                     NULL};
    process_free(process_run(arguments, 0));
    return cluster;
}

void private_cluster_migrate(struct private_cluster *cluster)
{
    struct database *database = NULL;
    struct failure failure = {0};
    if (!database_open(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER), "test", 0,
                       &database, &failure) ||
        !migrate(database, "sql", NULL, &failure)) {
        fail_msg("cannot migrate: %s", failure.message);
    }
    database_close(database);
}

/* ---- Starting and stopping ---- */

/* False when the server has ended instead. */
static bool answers_in_time(struct private_cluster *cluster)
{
    const char *conninfo = format(cluster, "host=%s user=%s dbname=template1", cluster->directory,
                                  PRIVATE_CLUSTER_OWNER);
    for (int left_ms = ANSWERS_WITHIN_S * 1000; left_ms > 0; left_ms -= LOOK_MS) {
        if (PQping(conninfo) == PQPING_OK) {
            return true;
        }
        if (!process_is_running(cluster->server)) {
            return false;
        }
        pause_briefly();
    }
    return false;
}

static void wait_until_it_answers(struct private_cluster *cluster)
{
    if (!answers_in_time(cluster)) {
        fail_msg("PostgreSQL does not answer:\n%s", process_log(cluster->server));
    }
}

void private_cluster_resume(struct private_cluster *cluster)
{
    const char *arguments[4 + 2 * SETTINGS_LIMIT] = {
        format(cluster, "%spostgres", cluster->binaries), "-D",
        private_cluster_path(cluster, "data")};
    size_t count = 3;
    for (size_t i = 0; i < cluster->setting_count; i++) {
        arguments[count++] = "-c";
        arguments[count++] = cluster->settings[i];
    }
    assert_null(cluster->server);
    cluster->server = process_start_postgres(arguments, SIGQUIT);
    /* A session of a server that was killed lives a moment longer, and with it the shared memory
     * that the next server refuses to start beside. */
    for (int left_ms = ANSWERS_WITHIN_S * 1000;
         left_ms > 0 && !answers_in_time(cluster) && !process_is_running(cluster->server) &&
         strstr(process_log(cluster->server), "is still in use") != NULL;
         left_ms -= LOOK_MS) {
        process_free(cluster->server);
        pause_briefly();
        cluster->server = process_start_postgres(arguments, SIGQUIT);
    }
    wait_until_it_answers(cluster);
}

void private_cluster_stop(struct private_cluster *cluster, bool immediately)
{
    assert_non_null(cluster->server);
    process_signal(cluster->server, immediately ? SIGQUIT : SIGINT);
    (void)process_wait(cluster->server, ANSWERS_WITHIN_S);
    process_free(cluster->server);
    cluster->server = NULL;
}

void private_cluster_restart_immediately(struct private_cluster *cluster)
{
    private_cluster_stop(cluster, true);
    private_cluster_resume(cluster);
}

/* ---- Worse than stopping ---- */

/* The server's children, by the parent that /proc tells; returns how many. */
static size_t find_children(const struct private_cluster *cluster, pid_t children[CHILDREN_LIMIT])
{
    size_t count = 0;
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (struct dirent *entry; count < CHILDREN_LIMIT && (entry = readdir(processes)) != NULL;) {
        char path[300];
        char line[512];
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = fopen(path, "re");
        const char *after =
            file != NULL && fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
        /* ") S 123": its state and its parent. */
        if (after != NULL && strlen(after) > 4 &&
            strtol(after + 4, NULL, 10) == process_id(cluster->server)) {
            children[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    (void)closedir(processes);
    return count;
}

static void signal_all(struct private_cluster *cluster, int signal_number)
{
    pid_t children[CHILDREN_LIMIT];
    process_signal(cluster->server, signal_number); /* first, so that it makes no new ones */
    size_t count = find_children(cluster, children);
    for (size_t i = 0; i < count; i++) {
        (void)kill(children[i], signal_number);
    }
}

void private_cluster_kill(struct private_cluster *cluster)
{
    pid_t children[CHILDREN_LIMIT];
    process_signal(cluster->server, SIGSTOP);
    size_t count = find_children(cluster, children);
    for (size_t i = 0; i < count; i++) {
        (void)kill(children[i], SIGKILL);
    }
    process_signal(cluster->server, SIGKILL);
    (void)process_wait(cluster->server, ANSWERS_WITHIN_S);
    process_free(cluster->server);
    cluster->server = NULL;
    private_cluster_resume(cluster);
}

void private_cluster_kill_session(struct private_cluster *cluster, const char *role)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql,
                   "select coalesce(max(pid), 0) from pg_stat_activity where usename = '%s'", role);
    pid_t session = (pid_t)private_cluster_number(cluster, sql);
    if (session > 0) {
        (void)kill(session, SIGKILL);
        while (kill(session, 0) == 0) { /* until the server has noticed */
            pause_briefly();
        }
        wait_until_it_answers(cluster);
    }
}

void private_cluster_freeze(struct private_cluster *cluster, bool frozen)
{
    signal_all(cluster, frozen ? SIGSTOP : SIGCONT);
}

void private_cluster_fill_disk(struct private_cluster *cluster, int64_t left_kb)
{
    const char *disk = private_cluster_path(cluster, "data");
    if (left_kb >= 0) {
        private_disk_fill(disk, left_kb * 1024);
        return;
    }
    private_disk_empty(disk);
    if (!process_is_running(cluster->server)) {
        process_free(cluster->server);
        cluster->server = NULL;
        private_cluster_resume(cluster);
        return;
    }
    wait_until_it_answers(cluster);
}

void private_cluster_stand_by(struct private_cluster *cluster)
{
    private_cluster_stop(cluster, false);
    const char *const arguments[] = {"touch", private_cluster_path(cluster, "data/standby.signal"),
                                     NULL};
    struct process *touch = process_start_postgres(arguments, SIGKILL);
    assert_int_equal(process_wait(touch, ENDS_WITHIN_MS / 1000), 0);
    process_free(touch);
    private_cluster_resume(cluster);
}

void private_cluster_remove(struct private_cluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    if (cluster->server != NULL) {
        private_cluster_stop(cluster, true);
    }
    remove_directory(cluster->directory);
    (void)close(cluster->guardian);
    arena_free(&cluster->arena);
    free(cluster->text);
    free(cluster);
}

/* ---- Asking ---- */

const char *private_cluster_conninfo(struct private_cluster *cluster, const char *role)
{
    return format(cluster, "host=%s user=%s dbname=" DATABASE, cluster->directory, role);
}

const char *private_cluster_path(struct private_cluster *cluster, const char *name)
{
    return format(cluster, "%s/%s", cluster->directory, name);
}

const char *private_cluster_text(struct private_cluster *cluster, const char *sql)
{
    PGconn *connection = PQconnectdb(private_cluster_conninfo(cluster, PRIVATE_CLUSTER_OWNER));
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    char trouble[256] = "";
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        (void)snprintf(trouble, sizeof trouble, "%s", PQerrorMessage(connection));
    }
    free(cluster->text);
    cluster->text = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(connection);
    if (trouble[0] != '\0') {
        fail_msg("cannot ask the database: %s\n%s", trouble, sql);
    }
    assert_non_null(cluster->text);
    return cluster->text;
}

int64_t private_cluster_number(struct private_cluster *cluster, const char *sql)
{
    const char *text = private_cluster_text(cluster, sql);
    char *end;
    long long number = strtoll(text, &end, 10);
    if (end == text) {
        fail_msg("\"%s\" is not a number\n%s", text, sql);
    }
    return number;
}

void private_cluster_run(struct private_cluster *cluster, const char *sql)
{
    (void)private_cluster_text(cluster, sql);
}
