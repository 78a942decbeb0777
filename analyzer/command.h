/* The commands of the program, one file each. Each takes its own arguments (argv[0] is its name as
 * shown in messages) and returns the exit status.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_COMMAND_H
#define EPICENTER_ANALYZER_COMMAND_H

#include <stdint.h>

#include "analyzer/analysis.h"
#include "common/failure.h"

int command_serve(int argc, char **argv);
int command_analyze(int argc, char **argv);
int command_verdict(int argc, char **argv);
int command_watch(int argc, char **argv);
int command_summary(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_import(int argc, char **argv);
int command_webhook(int argc, char **argv);
int command_what_if(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_account(int argc, char **argv);
int command_key(int argc, char **argv);

/* The analysis as both `serve` and `analyze` run it, so that they answer alike: defaults, `alpha`,
 * the risk window (0: the default), and one seed for good, so that the same reports give the same
 * figures. */
struct analysis_options command_analysis_options(double alpha, instant_us risk_window);

/* Reads "0.001": more than 0, at most 0.1. */
MUST_CHECK bool command_parse_alpha(const char *text, double *alpha, struct failure *failure);

/* Reads minutes, 5 to 2880. */
MUST_CHECK bool command_parse_risk_window(const char *text, instant_us *risk_window,
                                          struct failure *failure);

/* Reads hours, up to 720. */
MUST_CHECK bool command_parse_horizon(const char *text, instant_us *horizon,
                                      struct failure *failure);

/* Says on standard error what failed; returns `status`. */
int command_failed(const char *command, const struct failure *failure, int status);

#endif
