/* Check, place, hear; see analysis_place.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_place.h"

#include <stdlib.h>

#include "analyzer/analysis_customer.h"

void place_part_free(struct place_part *part)
{
    free(part->moves);
    free(part->late);
    free(part->kinds);
    free(part->is_noted);
    *part = (struct place_part){0};
}

/* ---- Check ---- */

static bool is_learned(const struct analysis *analysis, uint32_t met)
{
    return analysis->segment_kinds[met].settled == analysis->segments.left_out_count + 1;
}

static bool waits_for_slot(const struct analysis *analysis, const struct open_minute *open,
                           const struct pending_report *pending)
{
    for (uint32_t i = 0; i < pending->update_count; i++) {
        const struct pending_update *update = &open->updates[pending->first_update + i];
        if (update->outcome == UPDATE_INSTALLED &&
            analysis->exposure.updates[update->update].slot == EXPOSURE_NONE) {
            return true;
        }
    }
    return false;
}

enum place_need place_check(struct analysis *analysis, const struct open_minute *open,
                            uint32_t number, const struct host_reports *told)
{
    const struct fleet_host *host = &analysis->fleet.hosts[number];
    bool changes = customer_size_class(analysis, host->customer) != host->size_class;
    for (size_t i = 0; i < told->count; i++) {
        const struct pending_report *pending = told->reports[i];
        changes |= pending->customer != host->customer || pending->update_count > 0;
        if (pending->segment != SEGMENT_NONE) {
            if (!is_learned(analysis, pending->segment)) {
                return PLACE_LATER;
            }
            changes |= analysis->segment_kinds[pending->segment].kind != host->segment;
        }
        if (pending->update_count > 0 && waits_for_slot(analysis, open, pending)) {
            return PLACE_LATER;
        }
    }
    return changes ? PLACE_NOW : PLACE_NOT;
}

/* ---- Note ---- */

static bool note_kind(struct place_part *part, uint32_t met)
{
    if (part->is_noted == NULL) {
        part->is_noted = calloc((size_t)part->analysis->met.count + 1, sizeof *part->is_noted);
        if (part->is_noted == NULL) {
            return failure_memory(&part->failure, "learning a kind of host");
        }
    }
    if (part->is_noted[met]) {
        return true;
    }
    if (!analysis_make_room((void **)&part->kinds, part->kind_count, &part->kind_capacity,
                            sizeof *part->kinds, &part->failure)) {
        return false;
    }
    part->is_noted[met] = true;
    part->kinds[part->kind_count++] = met;
    return true;
}

bool place_note_wants(struct place_part *part, uint32_t number, const struct host_reports *told)
{
    const struct analysis *analysis = part->analysis;
    struct fleet_host host =
        number == FLEET_NONE ? fleet_new_host(0) : analysis->fleet.hosts[number];
    for (size_t i = 0; i < told->count; i++) {
        const struct pending_report *pending = told->reports[i];
        if (pending->segment != SEGMENT_NONE && !is_learned(analysis, pending->segment) &&
            !note_kind(part, pending->segment)) {
            return false;
        }
        fleet_note_delay(&host, pending->reading.observed_at, pending->reading.received_at);
        for (uint32_t u = 0; u < pending->update_count; u++) {
            const struct pending_update *update = &part->open->updates[pending->first_update + u];
            if (update->outcome == UPDATE_INSTALLED &&
                !exposure_want(part->exposed, &host, update->update,
                               fleet_correct(&host, update->at, pending->reading.received_at),
                               &part->failure)) {
                return false;
            }
        }
    }
    return true;
}

bool place_note_move(struct place_part *part, uint32_t customer, int32_t change)
{
    if (!analysis_make_room((void **)&part->moves, part->move_count, &part->move_capacity,
                            sizeof *part->moves, &part->failure)) {
        return false;
    }
    part->moves[part->move_count++] =
        (struct customer_move){.customer = customer, .change = change};
    return true;
}

/* ---- Place ---- */

static bool take_install(struct place_part *part, uint32_t host, uint32_t update,
                         fleet_second installed)
{
    struct analysis *analysis = part->analysis;
    uint32_t install;
    if (!exposure_install(part->exposed, host, update, installed, &install, &part->failure)) {
        return false;
    }
    struct impact_late_install late;
    if (install == EXPOSURE_NONE ||
        !impact_hold_late(&analysis->exposure, &analysis->fleet, install, &late)) {
        return true;
    }
    if (!analysis_make_room((void **)&part->late, part->late_count, &part->late_capacity,
                            sizeof *part->late, &part->failure)) {
        return false;
    }
    part->late[part->late_count++] = late;
    return true;
}

static bool take_updates(struct place_part *part, uint32_t number,
                         const struct pending_report *pending)
{
    const struct fleet_host *host = &part->analysis->fleet.hosts[number];
    for (uint32_t i = 0; i < pending->update_count; i++) {
        const struct pending_update *update = &part->open->updates[pending->first_update + i];
        switch (update->outcome) {
        case UPDATE_INSTALLED:
            exposure_see(part->exposed, update->update,
                         fleet_second_of(pending->reading.received_at));
            if (!take_install(part, number, update->update,
                              fleet_correct(host, update->at, pending->reading.received_at))) {
                return false;
            }
            break;
        case UPDATE_FAILED:
            part->exposed->updates[update->update].failed++;
            break;
        case UPDATE_ROLLED_BACK:
            exposure_roll_back(part->exposed, number, update->update);
            break;
        }
    }
    return true;
}

/* Whether a report is one before it once more: it is counted once. */
static bool is_told_again(const struct place_part *part, const struct host_reports *told,
                          size_t which)
{
    const struct pending_report *report = told->reports[which];
    const struct pending_update *updates = &part->open->updates[report->first_update];
    for (size_t i = which; i > 0; i--) {
        const struct pending_report *before = told->reports[i - 1];
        if (before->reading.observed_at != report->reading.observed_at) {
            break;
        }
        bool same = before->update_count == report->update_count;
        for (uint32_t u = 0; same && u < report->update_count; u++) {
            const struct pending_update *update = &part->open->updates[before->first_update + u];
            same = update->update == updates[u].update && update->at == updates[u].at &&
                   update->outcome == updates[u].outcome;
        }
        if (same) {
            return true;
        }
    }
    return false;
}

static bool take_kind(struct place_part *part, struct fleet_host *host,
                      const struct host_reports *told)
{
    struct analysis *analysis = part->analysis;
    uint32_t customer = host->customer;
    for (size_t i = 0; i < told->count; i++) {
        const struct pending_report *pending = told->reports[i];
        customer = pending->customer;
        if (pending->segment != SEGMENT_NONE) {
            host->segment = analysis->segment_kinds[pending->segment].kind;
        }
    }
    if (customer != host->customer &&
        (!place_note_move(part, host->customer, -1) || !place_note_move(part, customer, 1))) {
        return false;
    }
    host->customer = customer;
    host->size_class = customer_size_class(analysis, customer);
    return true;
}

bool place_host(struct place_part *part, uint32_t number, const struct host_reports *told)
{
    struct fleet_host *host = &part->analysis->fleet.hosts[number];
    if (!take_kind(part, host, told)) {
        return false;
    }
    for (size_t i = 0; i < told->count; i++) {
        const struct pending_report *pending = told->reports[i];
        /* What one report says of the host's clock dates the next one's installations. */
        fleet_note_delay(host, pending->reading.observed_at, pending->reading.received_at);
        if (pending->update_count > 0 && !is_told_again(part, told, i) &&
            !take_updates(part, number, pending)) {
            return false;
        }
    }
    return exposure_recount(part->exposed, number, &part->failure);
}

/* ---- Hear ---- */

bool place_hear(struct place_part *part, uint32_t host, const struct host_reports *told)
{
    for (size_t i = 0; i < told->count; i++) {
        const struct fleet_reading *reading = &told->reports[i]->reading;
        if (!fleet_hear_calm(&part->heard, host, reading) &&
            !fleet_hear(&part->heard, host, reading, &part->failure)) {
            return false;
        }
    }
    return true;
}

/* ---- What was noted ---- */

/* Where an attribute is left out on the way, those learned before are learned again when they are
 * next told of in another minute: in this one they may be on another part's list, or may not. */
bool place_learn_kinds(struct place_part *part, uint32_t left_out, struct failure *failure)
{
    struct analysis *analysis = part->analysis;
    for (size_t i = 0; i < part->kind_count; i++) {
        if (analysis->segment_kinds[part->kinds[i]].settled > left_out) {
            continue; /* from another part */
        }
        const struct segment *as_met = &analysis->met.items[part->kinds[i]];
        struct segment_kind *learned = &analysis->segment_kinds[part->kinds[i]];
        if (!segments_intern(&analysis->segments, &as_met->id, as_met->attributes,
                             as_met->attribute_count, &learned->kind, failure)) {
            return false;
        }
        learned->settled = analysis->segments.left_out_count + 1;
    }
    return true;
}

void place_take_moves(struct place_part *part)
{
    for (size_t i = 0; i < part->move_count; i++) {
        part->analysis->customer_sizes[part->moves[i].customer].hosts +=
            (uint32_t)part->moves[i].change; /* modulo 2^32 */
    }
}
