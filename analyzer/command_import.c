/* Put what the vendor knows of customers, seats, updates and costs into the database.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/contact.h"
#include "analyzer/cost_csv.h"
#include "analyzer/cost_database.h"
#include "analyzer/registry_import.h"
#include "common/csv.h"
#include "common/database.h"

/* A dry run reads and checks all there is, and leaves the database as it was. */
typedef bool (*importer)(struct database *database, const char *path, bool dry_run, size_t *count,
                         struct failure *failure);

/* What stands on several rows that must fit each other is read whole, then stored. */
typedef bool (*cost_reader)(struct cost_parameters *parameters, const char *path, FILE *messages,
                            struct cost_csv_counts *counts, struct failure *failure);

static bool import_cost(struct database *database, cost_reader read, const char *path, bool dry_run,
                        size_t *count, struct failure *failure)
{
    struct cost_csv_counts counts;
    struct cost_parameters *parameters = malloc(sizeof *parameters);
    if (parameters == NULL) {
        return failure_memory(failure, "importing");
    }
    cost_parameters_default(parameters);
    bool done = read(parameters, path, stderr, &counts, failure) &&
                (dry_run || cost_database_store(database, parameters, failure));
    *count = done ? counts.taken : 0;
    if (done && counts.refused > 0) {
        fprintf(stderr, "%zu of %zu rows were left out.\n", counts.refused,
                counts.refused + counts.taken);
    }
    free(parameters);
    return done;
}

static bool import_parameters(struct database *database, const char *path, bool dry_run,
                              size_t *count, struct failure *failure)
{
    return import_cost(database, cost_csv_read_parameters, path, dry_run, count, failure);
}

static bool import_staffing(struct database *database, const char *path, bool dry_run,
                            size_t *count, struct failure *failure)
{
    return import_cost(database, cost_csv_read_staffing, path, dry_run, count, failure);
}

static bool import_compensation(struct database *database, const char *path, bool dry_run,
                                size_t *count, struct failure *failure)
{
    return import_cost(database, cost_csv_read_compensation, path, dry_run, count, failure);
}

static bool import_rates(struct database *database, const char *path, bool dry_run, size_t *count,
                         struct failure *failure)
{
    return import_cost(database, cost_csv_read_exchange_rates, path, dry_run, count, failure);
}

/* ---- Contacts ---- */

static bool import_contacts(struct database *database, const char *path, bool dry_run,
                            size_t *count, struct failure *failure)
{
    bool good = database_run(database, "begin", 0, NULL, NULL, failure) &&
                contact_import(database, path, count, failure);
    struct failure ignored;
    bool ended = database_run(database, good && !dry_run ? "commit" : "rollback", 0, NULL, NULL,
                              good ? failure : &ignored);
    return good && ended;
}

/* ---- Customers, seats and updates ---- */

/* How much of what is refused a person reads. */
#define REFUSALS_TOLD 20

struct telling {
    size_t refused;
    bool terminal;
};

static void tell_refused(void *context, const char *why)
{
    struct telling *telling = context;
    if (telling->refused++ < REFUSALS_TOLD) {
        fprintf(stderr, "refused: %s\n", why);
    }
}

static void tell_progress(void *context, size_t rows)
{
    const struct telling *telling = context;
    if (telling->terminal) {
        fprintf(stderr, "\r%zu rows read", rows);
    }
}

static bool import_registry(struct database *database, enum registry_kind kind, const char *path,
                            bool dry_run, struct failure *failure)
{
    struct registry_import_counts counts;
    struct telling telling = {.terminal = isatty(STDERR_FILENO) == 1};
    const struct registry_source source = {.csv.path = path,
                                           .refused = dry_run ? tell_refused : NULL,
                                           .progress = tell_progress,
                                           .context = &telling};
    bool done = registry_import(database, kind, &source, dry_run, &counts, failure);
    if (telling.terminal) {
        fprintf(stderr, "\r\x1b[K");
    }
    if (!done) {
        return false;
    }
    printf("%zu new, %zu changed, %zu unchanged", counts.added, counts.changed, counts.unchanged);
    if (dry_run) {
        printf(", %zu refused; nothing was written", telling.refused);
    }
    printf(".\n");
    return true;
}

/* ---- Which ---- */

#define MARKS_MOST 4

static const struct kind {
    const char *name;
    const char *marks[MARKS_MOST]; /* columns that no other kind has all of */
    importer import;               /* NULL: of the registry */
    enum registry_kind registry_kind;
} kinds[] = {
    {"customers", {"customer_id", "name", "kind", "time_zone"}, NULL, REGISTRY_CUSTOMERS},
    {"seats", {"customer_id", "product_line", "seats"}, NULL, REGISTRY_SEATS},
    {"updates", {"update_id", "released_at", "withdrawn_at"}, NULL, REGISTRY_UPDATES},
    {"contacts", {"customer_id", "position", "phone"}, import_contacts, 0},
    {"cost-parameters", {"name", "low", "likely", "unit"}, import_parameters, 0},
    {"staffing", {"region", "hour", "agents"}, import_staffing, 0},
    {"compensation", {"name", "recipients", "form"}, import_compensation, 0},
    {"exchange-rates", {"currency", "usd", "source"}, import_rates, 0},
    /* Last: others have these columns, too. */
    {"regions", {"region"}, NULL, REGISTRY_REGIONS},
    {"product-lines", {"product_line"}, NULL, REGISTRY_PRODUCT_LINES},
};

struct arguments {
    const char *conninfo;
    const char *what; /* NULL: its header says */
    const char *path;
    bool dry_run;
};

static const char doc[] =
    "Adds or replaces rows by id from a CSV file, whose header says what it holds (of a pipe, WHAT "
    "must); all of it or, when a row is bad, "
    "nothing. A running analyzer takes them in at once.\v"
    "  customers  customer_id,name,kind,region,country,time_zone,tier,\n"
    "             partner,contract_value,currency,renewal_on[,language,criticality]\n"
    "  seats      customer_id,product_line,seats\n"
    "  updates    update_id,product_line,released_at,withdrawn_at\n"
    "  contacts   customer_id,position,name,task,phone,email\n"
    "  cost-parameters  name,region,tier,product_line,low,likely,high,unit,source,dated\n"
    "  staffing         region,hour,agents\n"
    "  compensation     name,region,tier,product_line,kind,recipients,form,low,likely,high,\n"
    "                   source,dated\n"
    "  exchange-rates   currency,usd,source,dated\n"
    "  regions          region\n"
    "  product-lines    product_line\n\n"
    "kind is consumer or corporate; contract_value a year's, in minor units of currency; times are "
    "RFC 3339. Import customers before their seats and contacts. Of cost-parameters, staffing, "
    "compensation "
    "and exchange-rates a bad row costs only itself; hours are UTC; an empty region, tier or "
    "product "
    "line is all. Once regions or product lines are listed, customers, seats and updates of others "
    "are refused.";

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is (any libpq connection string)", 0},
    {"dry-run", 'n', NULL, 0,
     "say what is refused and, of the registry, what would be new, changed and unchanged; write "
     "nothing",
     0},
    {0}};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static bool has_marks(const struct kind *kind, const char *path, struct failure *failure)
{
    size_t count = 0;
    struct csv_reader *reader;
    while (count < MARKS_MOST && kind->marks[count] != NULL) {
        count++;
    }
    if (!csv_open(path, kind->marks, count, &reader, failure)) {
        return false;
    }
    csv_close(reader);
    return true;
}

static bool recognise(const char *path, const struct kind **kind, struct failure *failure)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (has_marks(&kinds[i], path, failure)) {
            *kind = &kinds[i];
            return true;
        }
        if (failure->code != FAILURE_INVALID) {
            return false;
        }
    }
    return failure_set(failure, FAILURE_INVALID,
                       "%s line 1: the header is that of nothing that can be imported; say what it "
                       "is and what is missing will be named",
                       path);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): argp's type. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case 'n':
        arguments->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1) {
            argp_error(state, "one file at a time");
        }
        arguments->what = arguments->path; /* of two the first says what the second is */
        arguments->path = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL) {
            argp_error(state, "from which file?");
        }
        if (arguments->what != NULL && find_kind(arguments->what) == NULL) {
            argp_error(state, "there is nothing to import called \"%s\"", arguments->what);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool import_kind(struct database *database, const struct kind *kind,
                        const struct arguments *arguments, struct failure *failure)
{
    size_t count;
    if (kind->import == NULL) {
        return import_registry(database, kind->registry_kind, arguments->path, arguments->dry_run,
                               failure);
    }
    if (!kind->import(database, arguments->path, arguments->dry_run, &count, failure)) {
        return false;
    }
    printf("%zu row%s of %s %s.\n", count, count == 1 ? "" : "s", kind->name,
           arguments->dry_run ? "good; nothing was written" : "imported");
    return true;
}

int command_import(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "[WHAT] FILE", doc, NULL, NULL, NULL};
    struct arguments arguments = {.conninfo = ""};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    int status = 0;
    struct database *database = NULL;
    struct failure failure;
    const struct kind *kind = arguments.what != NULL ? find_kind(arguments.what) : NULL;
    if ((kind == NULL && !recognise(arguments.path, &kind, &failure)) ||
        !database_open(arguments.conninfo, "epicenter analyzer import", 0, &database, &failure) ||
        !import_kind(database, kind, &arguments, &failure)) {
        status = command_failed(argv[0], &failure, 1);
    }
    database_close(database);
    return status;
}
