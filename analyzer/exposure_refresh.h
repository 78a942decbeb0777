/* What a host is counted by, and when that changes by itself; for the files of exposure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_EXPOSURE_REFRESH_H
#define EPICENTER_ANALYZER_EXPOSURE_REFRESH_H

#include <stdint.h>

#include "analyzer/exposure.h"
#include "analyzer/exposure_part.h"
#include "common/failure.h"

/* The mask of the cell a healthy host belongs in. */
uint64_t exposure_host_mask(const struct exposure *exposure, const struct fleet_host *host);

/* The minute in which a healthy host is next longer healthy by a class; INT32_MAX: never. */
int32_t exposure_settles_at(const struct exposure *exposure, const struct fleet_host *host);

/* Makes room for the blocks of all hosts there may be. */
MUST_CHECK bool exposure_reach_blocks(struct exposure *exposure, const struct fleet *fleet,
                                      struct failure *failure);

/* The host's stratum, or EXPOSURE_NONE where it has not been made. */
uint32_t exposure_stratum_of(const struct exposure *exposure, const struct fleet_host *host);

/* Puts the installation into the class of its age and down for the end of that. */
MUST_CHECK bool exposure_age(struct exposure_part *part, uint32_t install, struct failure *failure);

/* Gives back what the parts have not used of the records they were given, and have freed. */
MUST_CHECK bool exposure_join_records(struct exposure_parts *parts, struct failure *failure);

#endif
