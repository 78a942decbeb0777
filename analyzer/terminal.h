/* The terminal on standard output: how wide, and whether colour is wanted.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_TERMINAL_H
#define EPICENTER_ANALYZER_TERMINAL_H

#include <stdbool.h>

/* Columns of the terminal; where there is none, what COLUMNS says, or 80. */
unsigned terminal_columns(void);

/* True on a terminal, unless NO_COLOR is set (no-color.org). */
bool terminal_takes_colour(void);

#endif
