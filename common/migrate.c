/* Applies the numbered files of sql/; see migrate.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/log.h"

/* Any number of ours, the same in every program. */
static const char lock[] = "select pg_advisory_lock(7236310498723)";
static const char unlock[] = "select pg_advisory_unlock(7236310498723)";
static const char make_table[] =
    "create table if not exists schema_migration ("
    "  version integer primary key, name text not null, checksum text not null,"
    "  applied_at timestamptz not null default clock_timestamp());"
    "comment on table schema_migration is 'Migrations applied, by migrate.';"
    "comment on column schema_migration.version is 'Number at the start of the file name.';"
    "comment on column schema_migration.name is 'File name.';"
    "comment on column schema_migration.checksum is 'BLAKE2b-256 of the file as applied.';"
    "comment on column schema_migration.applied_at is 'When it was applied.';";
static const char find_migration[] = "select checksum from schema_migration where version = $1";
static const char insert_migration[] =
    "insert into schema_migration (version, name, checksum) values ($1, $2, $3)";

#define CHECKSUM_BYTES 32
#define CHECKSUM_SIZE (2 * CHECKSUM_BYTES + 1)

/* NNNN_name.sql */
static int is_migration(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t length = strlen(name);
    return strspn(name, "0123456789") == 4 && name[4] == '_' && length > 9 &&
           strcmp(name + length - 4, ".sql") == 0;
}

static bool read_file(const char *path, struct buffer *text, struct failure *failure)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return failure_set(failure, FAILURE_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
    }
    char chunk[4096];
    size_t size;
    while ((size = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buffer_append(text, chunk, size);
    }
    bool bad = ferror(file) != 0;
    fclose(file);
    if (bad) {
        return failure_set(failure, FAILURE_SYSTEM, "cannot read %s", path);
    }
    return buffer_check(text, failure);
}

static bool apply(struct database *database, const char *name, const char *sql,
                  const char *const values[3], struct failure *failure)
{
    bool done = database_run(database, "begin", 0, NULL, NULL, failure) &&
                database_run_script(database, sql, failure) &&
                database_run(database, insert_migration, 3, values, NULL, failure) &&
                database_run(database, "commit", 0, NULL, NULL, failure);
    if (!done) {
        struct failure ignored;
        bool rolled_back = database_run(database, "rollback", 0, NULL, NULL, &ignored);
        (void)rolled_back; /* the first failure is the one to tell */
        return failure_prefix(failure, "%s: ", name);
    }
    log_info("applied a migration", log_text("file", name));
    return true;
}

static bool consider(struct database *database, const char *directory, const char *name,
                     size_t *applied, struct failure *failure)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    struct buffer sql = {0};
    PGresult *known = NULL;
    bool done = read_file(path, &sql, failure);
    if (done) {
        unsigned char hash[CHECKSUM_BYTES];
        char checksum[CHECKSUM_SIZE];
        char version[5];
        crypto_generichash(hash, sizeof hash, (const unsigned char *)sql.data, sql.length, NULL, 0);
        sodium_bin2hex(checksum, sizeof checksum, hash, sizeof hash);
        snprintf(version, sizeof version, "%.4s", name);
        const char *values[] = {version, name, checksum};
        done = database_run(database, find_migration, 1, values, &known, failure);
        if (done && PQntuples(known) == 0) {
            done = apply(database, name, sql.data, values, failure);
            *applied += done;
        } else if (done && strcmp(PQgetvalue(known, 0, 0), checksum) != 0) {
            done = failure_set(failure, FAILURE_CONFLICT,
                               "%s was changed after it was applied; put the change in a new "
                               "migration",
                               path);
        }
    }
    PQclear(known);
    buffer_free(&sql);
    return done;
}

bool migrate(struct database *database, const char *directory, size_t *applied,
             struct failure *failure)
{
    struct dirent **names;
    int count = scandir(directory, &names, is_migration, alphasort);
    if (count < 0) {
        return failure_set(failure, FAILURE_NOT_FOUND, "cannot read the directory %s: %s",
                           directory, strerror(errno));
    }
    size_t applied_now = 0;
    bool done = count > 0 ||
                failure_set(failure, FAILURE_NOT_FOUND, "there are no migrations in %s", directory);
    done = done && database_run(database, lock, 0, NULL, NULL, failure);
    if (done) {
        done = database_run_script(database, make_table, failure);
        for (int i = 0; done && i < count; i++) {
            done = consider(database, directory, names[i]->d_name, &applied_now, failure);
        }
        struct failure ignored;
        bool unlocked = database_run(database, unlock, 0, NULL, NULL, &ignored);
        (void)unlocked; /* the lock goes with the connection */
    }
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    if (applied != NULL) {
        *applied = applied_now;
    }
    return done;
}
