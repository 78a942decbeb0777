/* The ledger of acknowledged reports; see ledger.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"

bool ledger_open(const char *directory, struct ledger *ledger, struct failure *failure)
{
    *ledger = (struct ledger){0};
    return output_open(directory, "ledger", &ledger->file, failure);
}

bool ledger_append(struct ledger *ledger, const struct ledger_record *records, size_t count,
                   struct failure *failure)
{
    ledger->acknowledged += count;
    ledger->batches++;
    return output_write(&ledger->file, records, count * sizeof *records, failure);
}

bool ledger_close(struct ledger *ledger, const char *directory, double seconds, bool complete,
                  struct failure *failure)
{
    if (!output_close(&ledger->file, failure)) {
        return false;
    }
    struct buffer text = {0};
    buffer_append_format(&text,
                         "{\"acknowledged\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"resent\":%" PRIu64
                         ",\"seconds\":%.3f,\"complete\":%s}\n",
                         ledger->acknowledged, ledger->batches, ledger->resent, seconds,
                         complete ? "true" : "false");
    bool good = output_text(directory, "ledger.json", &text, failure);
    buffer_free(&text);
    return good;
}

static bool read_records(FILE *stream, const char *path, struct ledger_record **records,
                         size_t *count, struct failure *failure)
{
    if (fseek(stream, 0, SEEK_END) != 0 || ftell(stream) < 0) {
        return failure_set(failure, FAILURE_SYSTEM, "%s: %s", path, strerror(errno));
    }
    size_t size = (size_t)ftell(stream);
    rewind(stream);
    if (size % sizeof **records != 0) {
        return failure_set(failure, FAILURE_INVALID, "%s: ends in half a record", path);
    }
    *count = size / sizeof **records;
    *records = malloc(size > 0 ? size : 1);
    if (*records == NULL) {
        return failure_memory(failure, "reading the ledger");
    }
    if (fread(*records, sizeof **records, *count, stream) != *count) {
        free(*records);
        return failure_set(failure, FAILURE_SYSTEM, "%s: cannot be read to its end", path);
    }
    return true;
}

bool ledger_read(const char *directory, struct ledger_record **records, size_t *count,
                 struct failure *failure)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/ledger", directory);
    FILE *stream = fopen(path, "rbe");
    if (stream == NULL) {
        return failure_set(failure, FAILURE_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    bool good = read_records(stream, path, records, count, failure);
    (void)!fclose(stream);
    return good;
}
