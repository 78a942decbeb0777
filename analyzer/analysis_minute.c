/* Closing minutes: each minute's reports go through the stations in one fixed order.
 *
 * The order within a minute matters for the statistics: installations first, then the risk sets are
 * as they are counted, then CPU figures and silence bring onsets, and only when evidence has seen
 * both do the hosts that changed state leave or enter the risk sets. So whether a host is counted
 * as exposed never depends on whether it turns distressed in that minute.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_customer.h"
#include "analyzer/analysis_order.h"
#include "analyzer/analysis_state.h"

/* ---- Onsets ---- */

struct onset {
    uint32_t customer, host;
    enum exposure_sign sign;
    uint64_t lot; /* of a customer's onsets, the lowest lot is the one that counts as evidence */
};

static int compare_onsets(const void *left, const void *right)
{
    const struct onset *a = left;
    const struct onset *b = right;
    if (a->customer != b->customer) {
        return a->customer < b->customer ? -1 : 1;
    }
    return (a->lot > b->lot) - (a->lot < b->lot);
}

/* Tells exposure of the minute's onsets, thinned to one a customer: the hosts of one customer fall
 * together, and evidence of their number would be evidence of a power cut. */
static bool note_onsets(struct analysis *analysis, int32_t minute, struct failure *failure)
{
    struct fleet *fleet = &analysis->fleet;
    struct onset *onsets = malloc((fleet->event_count + 1) * sizeof *onsets);
    if (onsets == NULL) {
        return failure_memory(failure, "noting onsets");
    }
    size_t count = 0;
    for (size_t i = 0; i < fleet->event_count; i++) {
        const struct fleet_event *event = &fleet->events[i];
        if (event->from != HOST_HEALTHY) {
            continue;
        }
        struct fleet_host *host = &fleet->hosts[event->host];
        if (host->risk_cell == FLEET_NONE || host->onset_noted) {
            continue; /* healthy only since this minute, or for the second time within it */
        }
        host->onset_noted = true;
        uint64_t lot = hash_number(hash_bytes(&fleet->ids[event->host], sizeof *fleet->ids) ^
                                   (uint64_t)minute);
        onsets[count++] = (struct onset){.customer = host->customer,
                                         .host = event->host,
                                         .sign = event->to == HOST_SILENT ? SIGN_SILENT : SIGN_SEEN,
                                         .lot = lot};
    }
    qsort(onsets, count, sizeof *onsets, compare_onsets);
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || onsets[i].customer != onsets[i - 1].customer;
        struct fleet_host *host = &fleet->hosts[onsets[i].host];
        exposure_note_onset(&analysis->exposure, host, onsets[i].sign, first);
        host->onset_noted = false;
    }
    free(onsets);
    return true;
}

static bool end_risk_sets(struct analysis *analysis, struct failure *failure)
{
    analysis_find_spoilt(analysis);
    exposure_note_told(&analysis->exposure, &analysis->fleet);
    return exposure_end_minute(&analysis->exposure, failure);
}

/* Hosts whose state has changed are counted anew, and what that says of their installations is
 * noted. */
static bool settle_events(struct analysis *analysis, int32_t minute, struct failure *failure)
{
    struct fleet *fleet = &analysis->fleet;
    bool done = exposure_refresh_changed(&analysis->exposure, fleet, failure);
    for (size_t i = 0; done && i < fleet->event_count; i++) {
        const struct fleet_event *event = &fleet->events[i];
        done = !event->tells ||
               impact_take(&analysis->impact, &analysis->exposure, fleet, event, minute, failure);
    }
    fleet_clear_events(fleet);
    return done;
}

/* Updates without a control are compared with the past, which learns from the minute only after. */
static bool take_alone(struct analysis *analysis, int32_t minute, struct failure *failure)
{
    const struct exposure *exposure = &analysis->exposure;
    double factors[SIGN_COUNT];
    for (enum exposure_sign sign = SIGN_SEEN; sign < SIGN_COUNT; sign++) {
        factors[sign] =
            exposure->alone_count > 0 ? history_factor(&analysis->history, minute, sign) : INFINITY;
    }
    for (size_t i = 0; i < exposure->alone_count; i++) {
        if (!lattice_take_alone(&analysis->lattice, exposure, &analysis->segments,
                                &exposure->alone[i], factors, failure)) {
            return false;
        }
    }
    history_take(&analysis->history, minute, &exposure->quiet_minute);
    return true;
}

bool analysis_close_minute(struct analysis *analysis, struct open_minute *open,
                           struct failure *failure)
{
    bool done =
        exposure_begin_minute(&analysis->exposure, &analysis->fleet, open->minute, failure) &&
        customer_sizes_reach(analysis, failure) &&
        analysis_reach((void **)&analysis->segment_kinds, &analysis->segment_kinds_count,
                       analysis->met.count, sizeof *analysis->segment_kinds, failure) &&
        analysis_take_reports(analysis, open, failure) &&
        fleet_end_minute(&analysis->fleet, open->minute, failure) &&
        note_onsets(analysis, open->minute, failure) && end_risk_sets(analysis, failure) &&
        lattice_take(&analysis->lattice, &analysis->exposure, &analysis->segments, failure) &&
        take_alone(analysis, open->minute, failure) &&
        lattice_end_minute(&analysis->lattice, &analysis->exposure, &analysis->segments, failure) &&
        settle_events(analysis, open->minute, failure) && analysis_decide(analysis, failure);
    analysis->quiet_minutes = open->report_count == 0 ? analysis->quiet_minutes + 1 : 0;
    return done;
}
