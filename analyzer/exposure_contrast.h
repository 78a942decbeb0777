/* Compares the exposed hosts of the minute with their like, update by update and bundle by bundle.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_CONTRAST_H
#define EPICENTER_ANALYZER_EXPOSURE_CONTRAST_H

#include <stdint.h>

#include "analyzer/exposure.h"
#include "common/failure.h"

/* Fills the minute's contrasts from the cells and each stratum's `minute`. `bundles`: for each slot
 * the bits of its bundle, itself included. */
MUST_CHECK bool exposure_contrast(struct exposure *exposure, const uint64_t bundles[EXPOSURE_SLOTS],
                                  struct failure *failure);

#endif
