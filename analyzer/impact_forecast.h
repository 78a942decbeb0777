/* How far will it go? Hosts that have the update and may still turn, hosts that will still get it
 * at the present pace, and what a withdrawal spares.
 *
 * The chance to turn by a time after installation is the product-limit estimate (Kaplan and Meier
 * 1958) over the installations inside the segment, less the control's rate. What turned lately may
 * not have shown yet, so the youngest installations are left out of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_IMPACT_FORECAST_H
#define EPICENTER_ANALYZER_IMPACT_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/exposure.h"
#include "analyzer/fleet.h"
#include "analyzer/impact.h"
#include "analyzer/segment.h"
#include "analyzer/subgroup.h"
#include "common/failure.h"

struct impact_outlook {
    int32_t now;           /* minute */
    double control_rate;   /* onsets a host-minute without the update */
    double without;        /* hosts of the segment that report and do not have it yet */
    struct range affected; /* so far, hosts in all: scales what is forecast */
    bool withdrawn;
};

MUST_CHECK bool impact_forecast(const struct impact *impact, const struct exposure *exposure,
                                const struct fleet *fleet, const struct segments *segments,
                                const struct subgroup *subgroup, uint32_t update,
                                const struct impact_outlook *outlook,
                                struct impact_forecast *forecast, struct failure *failure);

#endif
