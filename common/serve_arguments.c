/* SPDX-License-Identifier: Apache-2.0 */
#include "common/serve_arguments.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* argp numbers a parent's and its children's keys apart by themselves, as far as they are not
 * letters; these begin where no parent's enum does. */
enum { KEY_LOG_FORMAT = 512, KEY_PORT_FILE };

static const struct argp_option options[] = {
    {"database", 'd', "CONNINFO", 0, "where PostgreSQL is", 0},
    {"listen", 'l', "ADDRESS:PORT", 0, "where to listen; port 0 is any free one", 0},
    {"log-format", KEY_LOG_FORMAT, "text|json", 0, "default text", 0},
    {"port-file", KEY_PORT_FILE, "FILE", 0, "write the port here once it listens", 0},
    {0}};

/* "127.0.0.1:8421", "[::1]:8421". */
static bool parse_listen(struct serve_arguments *arguments, const char *text)
{
    const char *colon = strrchr(text, ':');
    char *end;
    if (colon == NULL || colon == text) {
        return false;
    }
    long port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port < 0 || port > UINT16_MAX) {
        return false;
    }
    size_t length = (size_t)(colon - text);
    if (text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof arguments->address) {
        return false;
    }
    memcpy(arguments->address, text, length);
    arguments->address[length] = '\0';
    arguments->port = (uint16_t)port;
    return true;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct serve_arguments *arguments = state->input;
    switch (key) {
    case 'd':
        arguments->conninfo = argument;
        return 0;
    case 'l':
        if (!parse_listen(arguments, argument)) {
            argp_error(state, "--listen takes ADDRESS:PORT, not \"%s\"", argument);
        }
        return 0;
    case KEY_LOG_FORMAT:
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0) {
            argp_error(state, "--log-format is text or json");
        }
        log_use_json(strcmp(argument, "json") == 0);
        return 0;
    case KEY_PORT_FILE:
        arguments->port_file = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp serve_arguments_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

bool serve_arguments_write_port(const struct serve_arguments *arguments, uint16_t port,
                                struct failure *failure)
{
    const char *path = arguments->port_file;
    char beside[PATH_MAX];
    if (path == NULL) {
        return true;
    }
    int length = snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = length > 0 && (size_t)length < sizeof beside ? fopen(beside, "we") : NULL;
    bool good = file != NULL && fprintf(file, "%u\n", (unsigned)port) > 0;
    if (file != NULL && fclose(file) != 0) {
        good = false;
    }
    return (good && rename(beside, path) == 0) ||
           failure_set(failure, FAILURE_SYSTEM, "%s cannot be written: %s", path, strerror(errno));
}
