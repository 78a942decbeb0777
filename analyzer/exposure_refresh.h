/* Where is each host counted? One by one, or many at once by threads side by side, which count
 * apart and put together what they counted in one order: the same to the last cell. For the files
 * of exposure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_REFRESH_H
#define EPICENTER_ANALYZER_EXPOSURE_REFRESH_H

#include <stdint.h>

#include "analyzer/exposure.h"
#include "common/failure.h"

/* The stratum of the host, made where it is new. */
MUST_CHECK bool exposure_stratum_of(struct exposure *exposure, const struct fleet_host *host,
                                    uint32_t *number, struct failure *failure);

/* Counts anew who is longer healthy by a class since this minute. */
MUST_CHECK bool exposure_settle(struct exposure *exposure, struct fleet *fleet,
                                struct failure *failure);

#endif
