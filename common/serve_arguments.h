/* What both programs' `serve` commands are told in the same words: where the database is, where to
 * listen, how to log, and where to write the port.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_SERVE_ARGUMENTS_H
#define EPICENTER_COMMON_SERVE_ARGUMENTS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/failure.h"

struct serve_arguments {
    const char *conninfo;  /* any libpq connection string; "" for libpq's own defaults */
    char address[64];      /* numeric, without the brackets of IPv6 */
    uint16_t port;         /* 0: any free one */
    const char *port_file; /* NULL: none */
};

/* --database, --listen, --log-format and --port-file, as an argp child: the parent gives a struct
 * serve_arguments, filled with its defaults, in state->child_inputs when it sees ARGP_KEY_INIT.
 * --log-format takes effect at once. */
extern const struct argp serve_arguments_argp;

/* Writes the bound port to the file once the server listens; whoever waits for the file sees all
 * of it or nothing. True when no file was asked for. */
MUST_CHECK bool serve_arguments_write_port(const struct serve_arguments *arguments, uint16_t port,
                                           struct failure *failure);

#endif
