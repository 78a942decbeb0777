/* The commands of the program, one file each. Each takes its own arguments (argv[0] is its name as
 * shown in messages) and returns the exit status.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_COMMAND_H
#define EPICENTER_COLLECTOR_COMMAND_H

#include "common/failure.h"

int command_serve(int argc, char **argv);
int command_enrol_secret(int argc, char **argv);
int command_token(int argc, char **argv);
int command_revoke(int argc, char **argv);

/* Says on standard error what failed; returns the exit status for it, 1. */
int command_failed(const char *command, const struct failure *failure);

#endif
