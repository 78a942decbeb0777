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

#include "analyzer/analysis_state.h"

/* ---- Who is where ---- */

static int compare_reports(const void *left, const void *right)
{
    const struct pending_report *a = left;
    const struct pending_report *b = right;
    int order = memcmp(&a->host_id, &b->host_id, sizeof a->host_id);
    if (order != 0) {
        return order;
    }
    if (a->observed_at != b->observed_at) {
        return a->observed_at < b->observed_at ? -1 : 1;
    }
    if (a->has_cpu != b->has_cpu) {
        return a->has_cpu ? -1 : 1; /* as fleet_hear wants it */
    }
    if (a->received_at != b->received_at) {
        return a->received_at < b->received_at ? -1 : 1;
    }
    return (a->busy > b->busy) - (a->busy < b->busy);
}

static uint8_t size_class_of(uint64_t hosts)
{
    return hosts <= 1 ? 0 : (uint8_t)(63 - __builtin_clzll(hosts));
}

static bool count_customer_host(struct analysis *analysis, uint32_t customer,
                                struct failure *failure)
{
    if (customer >= analysis->customer_hosts_count) {
        uint32_t count = customer + customer / 2 + 256;
        uint32_t *hosts = realloc(analysis->customer_hosts, count * sizeof *hosts);
        if (hosts == NULL) {
            return failure_memory(failure, "counting a customer's hosts");
        }
        memset(hosts + analysis->customer_hosts_count, 0,
               (count - analysis->customer_hosts_count) * sizeof *hosts);
        analysis->customer_hosts = hosts;
        analysis->customer_hosts_count = count;
    }
    analysis->customer_hosts[customer]++;
    return true;
}

/* Seats where they are registered, as they stay the same while hosts come and go. */
static uint8_t customer_size_class(const struct analysis *analysis, uint32_t customer)
{
    const struct registry_customer *known =
        analysis->registry == NULL
            ? NULL
            : registry_customer(analysis->registry, analysis->customers.texts[customer]);
    uint64_t seats = known == NULL ? 0 : registry_total_seats(known);
    return size_class_of(seats > 0 ? seats : analysis->customer_hosts[customer]);
}

static bool place_host(struct analysis *analysis, const struct pending_report *pending,
                       uint32_t *number, struct failure *failure)
{
    struct fleet *fleet = &analysis->fleet;
    *number = fleet_find(fleet, &pending->host_id);
    if (*number == FLEET_NONE &&
        (!fleet_add(fleet, &pending->host_id, pending->customer, number, failure) ||
         !count_customer_host(analysis, pending->customer, failure))) {
        return false;
    }
    struct fleet_host *host = &fleet->hosts[*number];
    if (host->customer != pending->customer) {
        analysis->customer_hosts[host->customer]--;
        host->customer = pending->customer;
        if (!count_customer_host(analysis, pending->customer, failure)) {
            return false;
        }
    }
    uint32_t segment = host->segment;
    if (pending->segment != SEGMENT_NONE) {
        const struct segment *met = &analysis->met.items[pending->segment];
        if (!segments_intern(&analysis->segments, &met->id, met->attributes, met->attribute_count,
                             &segment, failure)) {
            return false;
        }
    }
    uint8_t size_class = customer_size_class(analysis, host->customer);
    if (segment == host->segment && size_class == host->size_class) {
        return true;
    }
    host->segment = segment;
    host->size_class = size_class;
    return exposure_refresh(&analysis->exposure, fleet, *number, failure);
}

static bool take_updates(struct analysis *analysis, const struct open_minute *open,
                         const struct pending_report *pending, uint32_t host,
                         struct failure *failure)
{
    struct exposure *exposure = &analysis->exposure;
    fleet_second received = fleet_second_of(pending->received_at);
    for (uint32_t i = 0; i < pending->update_count; i++) {
        const struct pending_update *update = &open->updates[pending->first_update + i];
        struct exposure_update *known = &exposure->updates[update->update];
        uint32_t install = EXPOSURE_NONE;
        fleet_second installed =
            fleet_correct(&analysis->fleet.hosts[host], update->at, pending->received_at);
        switch (update->outcome) {
        case UPDATE_INSTALLED:
            known->first_seen = received < known->first_seen ? received : known->first_seen;
            if (!exposure_install(exposure, &analysis->fleet, host, update->update, installed,
                                  open->minute, &install, failure) ||
                (install != EXPOSURE_NONE &&
                 !impact_take_late_install(&analysis->impact, exposure, &analysis->fleet, install,
                                           failure))) {
                return false;
            }
            break;
        case UPDATE_FAILED:
            known->failed++;
            break;
        case UPDATE_ROLLED_BACK:
            if (!exposure_roll_back(exposure, &analysis->fleet, host, update->update, failure)) {
                return false;
            }
            break;
        }
    }
    return true;
}

/* Installations and attributes: what decides where a host is counted. */
static bool place_reports(struct analysis *analysis, const struct open_minute *open,
                          struct failure *failure)
{
    for (size_t i = 0; i < open->report_count; i++) {
        uint32_t host;
        const struct pending_report *pending = &open->reports[i];
        if (!place_host(analysis, pending, &host, failure)) {
            return false;
        }
        struct fleet_host *heard = &analysis->fleet.hosts[host];
        int64_t delay_s = (pending->received_at - pending->observed_at) / INSTANT_SECOND;
        if (delay_s < heard->delay_s) {
            heard->delay_s = (int32_t)(delay_s < INT32_MIN ? INT32_MIN : delay_s);
        }
        if (!take_updates(analysis, open, pending, host, failure)) {
            return false;
        }
    }
    return true;
}

static bool hear_reports(struct analysis *analysis, const struct open_minute *open,
                         struct failure *failure)
{
    for (size_t i = 0; i < open->report_count; i++) {
        const struct pending_report *pending = &open->reports[i];
        struct fleet_reading reading = {.observed_at = pending->observed_at,
                                        .received_at = pending->received_at,
                                        .has_cpu = pending->has_cpu,
                                        .interval_s = pending->interval_s,
                                        .busy = pending->busy};
        uint32_t host = fleet_find(&analysis->fleet, &pending->host_id);
        if (!fleet_hear(&analysis->fleet, host, &reading, failure)) {
            return false;
        }
    }
    return true;
}

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
        struct fleet_host *host = &fleet->hosts[event->host];
        bool at_risk = event->from == HOST_HEALTHY && host->risk_cell != FLEET_NONE;
        if (!at_risk || host->onset_noted) {
            continue; /* healthy only since this minute, or for the second time within it */
        }
        host->onset_noted = 1;
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
        exposure_note_onset(&analysis->exposure, &fleet->hosts[onsets[i].host], onsets[i].sign,
                            first);
    }
    free(onsets);
    return true;
}

static bool settle_events(struct analysis *analysis, int32_t minute, struct failure *failure)
{
    struct fleet *fleet = &analysis->fleet;
    for (size_t i = 0; i < fleet->event_count; i++) {
        const struct fleet_event *event = &fleet->events[i];
        fleet->hosts[event->host].onset_noted = 0;
        if (!impact_take(&analysis->impact, &analysis->exposure, fleet, event, minute, failure) ||
            !exposure_refresh(&analysis->exposure, fleet, event->host, failure)) {
            return false;
        }
    }
    fleet_clear_events(fleet);
    return true;
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
        if (!lattice_take_alone(&analysis->lattice, &exposure->alone[i], factors, failure)) {
            return false;
        }
    }
    history_take(&analysis->history, minute, &exposure->quiet_minute);
    return true;
}

bool analysis_close_minute(struct analysis *analysis, struct open_minute *open,
                           struct failure *failure)
{
    if (open->report_count > 1) {
        qsort(open->reports, open->report_count, sizeof *open->reports, compare_reports);
    }
    bool done =
        exposure_begin_minute(&analysis->exposure, &analysis->fleet, open->minute, failure) &&
        place_reports(analysis, open, failure) && hear_reports(analysis, open, failure) &&
        fleet_end_minute(&analysis->fleet, open->minute, failure) &&
        note_onsets(analysis, open->minute, failure) &&
        exposure_end_minute(&analysis->exposure, failure) &&
        lattice_take(&analysis->lattice, &analysis->exposure, &analysis->segments, failure) &&
        take_alone(analysis, open->minute, failure) &&
        lattice_end_minute(&analysis->lattice, &analysis->exposure, &analysis->segments, failure) &&
        settle_events(analysis, open->minute, failure) && analysis_decide(analysis, failure);
    analysis->quiet_minutes = open->report_count == 0 ? analysis->quiet_minutes + 1 : 0;
    return done;
}
