/* What the vendor knows of its customers and updates: customers.csv, seats.csv, updates.csv,
 * contacts.csv.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_REGISTRY_FILES_H
#define EPICENTER_FLEETSIM_REGISTRY_FILES_H

#include "common/failure.h"
#include "tests/fleetsim/population.h"
#include "tests/fleetsim/scenario.h"

/* Writes the four files into `directory`, which must be there. */
MUST_CHECK bool registry_files_write(const struct scenario *scenario,
                                     const struct population *population, const char *directory,
                                     struct failure *failure);

#endif
