/* A PostgreSQL of the test's own: a fresh cluster in a directory under /tmp, on a Unix socket in
 * that directory and nowhere else, with the database "epicenter". As root it runs as the user
 * postgres. Safe beside any number of others; gone when the test program ends, however it ends.
 *
 * A helper that cannot do its work fails the test (cmocka's fail_msg) and shows the server's log.
 *
 *   struct private_cluster *cluster = private_cluster_start(NULL);
 *   private_cluster_migrate(cluster);
 *   … private_cluster_conninfo(cluster, "epicenter_collector") …
 *   private_cluster_remove(cluster);
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_SUPPORT_PRIVATE_CLUSTER_H
#define EPICENTER_TESTS_SUPPORT_PRIVATE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct private_cluster;

/* The superuser, who owns the schema. */
#define PRIVATE_CLUSTER_OWNER "epicenter"

struct private_cluster_options {
    bool without_fsync;          /* faster; never where the test is about losing nothing */
    const char *const *settings; /* NULL-terminated "name=value"; NULL: none */
    size_t disk_mb; /* a disk of its own, of so much (private_disk.h); 0: that of /tmp */
};

/* Makes a cluster and starts it. NULL options: durable, no settings. */
struct private_cluster *private_cluster_start(const struct private_cluster_options *options);

/* Applies the migrations in "sql", which ctest finds from the source directory. */
void private_cluster_migrate(struct private_cluster *cluster);

/* How `role` connects; good until the cluster is removed. */
const char *private_cluster_conninfo(struct private_cluster *cluster, const char *role);

/* A path in the cluster's directory for a file of the test; good until the cluster is removed. */
const char *private_cluster_path(struct private_cluster *cluster, const char *name);

/* The first field of the first row as a number, or as text (good until the next call; "" for NULL
 * and for no row). Asked as the owner. */
int64_t private_cluster_number(struct private_cluster *cluster, const char *sql);
const char *private_cluster_text(struct private_cluster *cluster, const char *sql);

/* Runs statements as the owner. */
void private_cluster_run(struct private_cluster *cluster, const char *sql);

/* Stops the server: politely (it breaks off what is under way and writes a checkpoint) or as
 * pg_ctl stop -m immediate does, which is a crash. */
void private_cluster_stop(struct private_cluster *cluster, bool immediately);

/* Starts a stopped server again, and waits until it answers. */
void private_cluster_resume(struct private_cluster *cluster);

/* A crash and the recovery after it. */
void private_cluster_restart_immediately(struct private_cluster *cluster);

/* The same without a word: every process of the server is killed at once. */
void private_cluster_kill(struct private_cluster *cluster);

/* Kills the session of a role, if there is one, so that the server starts itself again. */
void private_cluster_kill_session(struct private_cluster *cluster, const char *role);

/* Stops every process of the server as they are, or lets them go on. */
void private_cluster_freeze(struct private_cluster *cluster, bool frozen);

/* Fills its disk but for `left_kb`, or with a negative number frees it again and starts the server
 * where that has given up. */
void private_cluster_fill_disk(struct private_cluster *cluster, int64_t left_kb);

/* Starts it again as a standby without a primary: it reads, and writes from pg_promote() on. */
void private_cluster_stand_by(struct private_cluster *cluster);

/* NULL is nothing. */
void private_cluster_remove(struct private_cluster *cluster);

#endif
