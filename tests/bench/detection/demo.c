/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/detection/demo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/support/process.h"

#define SCENARIO "tests/fleetsim/scenarios/2005-pattern-2.594.00.json"
#define HOSTS "20000"
#define BAD "pattern/2.594.00"
#define SEGMENT "OfficeScan or VirusBuster, Windows XP SP2, engine 7.500 or 7.510"

static bool is_right(const json_t *update)
{
    const char *id = json_string_value(json_object_get(update, "id"));
    const char *verdict = json_string_value(json_object_get(update, "verdict"));
    const char *segment = json_string_value(json_object_get(update, "segment_text"));
    if (strcmp(id, BAD) != 0) {
        return strcmp(verdict, "HOLD") != 0 && strcmp(verdict, "SUSPECT") != 0;
    }
    return strcmp(verdict, "HOLD") == 0 && segment != NULL && strcmp(segment, SEGMENT) == 0;
}

static bool is_document_right(const char *text)
{
    json_t *document = json_loads(text, 0, NULL);
    const json_t *updates = json_object_get(document, "updates");
    bool right = json_array_size(updates) > 1;
    for (size_t i = 0; i < json_array_size(updates); i++) {
        right = right && is_right(json_array_get(updates, i));
    }
    json_decref(document);
    return right;
}

bool demo_is_right(uint64_t seed)
{
    char folder[] = "/tmp/epicenter-bench-XXXXXX";
    char number[24];
    char paths[4][64];
    static const char *const files[4] = {"reports.ndjson", "customers.csv", "seats.csv",
                                         "updates.csv"};
    if (mkdtemp(folder) == NULL) {
        fail_msg("cannot make a folder");
    }
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
    for (int i = 0; i < 4; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", folder, files[i]);
    }
    process_free(process_run((const char *[]){FLEETSIM_PROGRAM, "write", SCENARIO, "--hosts", HOSTS,
                                              "--seed", number, "--out", folder, NULL},
                             0));
    struct process *analyzer =
        process_run((const char *[]){ANALYZER_PROGRAM, "analyze", paths[0], "--customers", paths[1],
                                     "--seats", paths[2], "--updates", paths[3], "--json", NULL},
                    0);
    bool right = is_document_right(process_output(analyzer));
    process_free(analyzer);
    process_free(process_run((const char *[]){"rm", "-rf", folder, NULL}, 0));
    return right;
}
