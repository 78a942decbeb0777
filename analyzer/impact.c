/* The ledger of harm: what is noted when a host changes state; see impact.h. Counting it up is in
 * impact_count.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/impact.h"

#include <stdlib.h>

#include "analyzer/exposure_age.h"

/* Of an installation: harm is to be noted under it, and it is not to be forgotten until then. */
#define IMPACT_HELD (EXPOSURE_NONE - 1)

void impact_free(struct impact *impact)
{
    free(impact->records);
    free(impact->first);
    *impact = (struct impact){0};
}

static bool know_update(struct impact *impact, uint32_t update, struct failure *failure)
{
    if (update < impact->update_count) {
        return true;
    }
    uint32_t count = update + 16;
    uint32_t *first = realloc(impact->first, count * sizeof *first);
    if (first == NULL) {
        return failure_memory(failure, "noting harm");
    }
    for (uint32_t i = impact->update_count; i < count; i++) {
        first[i] = IMPACT_NONE;
    }
    impact->first = first;
    impact->update_count = count;
    return true;
}

static bool note(struct impact *impact, struct exposure_install *install, uint32_t segment,
                 fleet_second began, int32_t minutes_at_risk, enum exposure_sign sign,
                 struct failure *failure)
{
    if (impact->record_count == impact->record_capacity) {
        uint32_t capacity = impact->record_capacity == 0 ? 1024 : impact->record_capacity * 2;
        struct impact_record *records = realloc(impact->records, capacity * sizeof *records);
        if (records == NULL) {
            return failure_memory(failure, "noting harm");
        }
        impact->records = records;
        impact->record_capacity = capacity;
    }
    if (!know_update(impact, install->update, failure)) {
        return false;
    }
    install->affected = impact->record_count++;
    /* There is room: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    impact->records[install->affected] = (struct impact_record){
        .host = install->host,
        .segment = segment,
        .next = impact->first[install->update],
        .began = began,
        .minutes_at_risk = (uint16_t)(minutes_at_risk < 0            ? 0
                                      : minutes_at_risk > UINT16_MAX ? UINT16_MAX
                                                                     : minutes_at_risk),
        .sign = (uint8_t)sign,
        .still_affected = 1};
    impact->first[install->update] = install->affected;
    return true;
}

/* Whether the installation can be behind distress found in `minute`. Silence shows long after it
 * began: once the host counts as exposed no longer, the control has it. */
static bool can_be_behind(const struct exposure *exposure, const struct fleet_host *host,
                          const struct exposure_install *install, const struct fleet_event *event,
                          int32_t minute)
{
    int32_t age = minute - install->installed / 60 - install->heard_after_min;
    return exposure_covers(exposure, host, install->installed, event->began) &&
           (event->to != HOST_SILENT || age_class_of(exposure, host, age) != 0);
}

/* What has been noted of the host under the update, or NULL: who installs it more than once is one
 * host all the same. */
static struct impact_record *find_noted(struct impact *impact, const struct exposure *exposure,
                                        const struct fleet_host *host, uint32_t update)
{
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        const struct exposure_install *install = &exposure->installs[i];
        if (install->update == update && install->affected < IMPACT_HELD) {
            return &impact->records[install->affected];
        }
    }
    return NULL;
}

/* It shows the harm that was noted, still or again. */
static void show_again(struct impact_record *record, enum exposure_sign sign)
{
    record->still_affected = 1;
    record->sign = sign == SIGN_SEEN ? SIGN_SEEN : record->sign;
}

bool impact_take(struct impact *impact, struct exposure *exposure, const struct fleet *fleet,
                 const struct fleet_event *event, int32_t minute, struct failure *failure)
{
    const struct fleet_host *host = &fleet->hosts[event->host];
    bool distressed =
        event->to == HOST_PINNED || event->to == HOST_ELEVATED || event->to == HOST_SILENT;
    enum exposure_sign sign = event->to == HOST_SILENT ? SIGN_SILENT : SIGN_SEEN;
    for (uint32_t i = host->installs; i != EXPOSURE_NONE; i = exposure->installs[i].next) {
        struct exposure_install *install = &exposure->installs[i];
        if (install->affected != EXPOSURE_NONE) {
            struct impact_record *record = &impact->records[install->affected];
            if (event->to == HOST_HEALTHY) {
                record->recovered = record->still_affected ? event->began : record->recovered;
                record->still_affected = 0;
            } else if (distressed && (record->still_affected ||
                                      can_be_behind(exposure, host, install, event, minute))) {
                show_again(record, sign);
            }
        } else if (distressed && can_be_behind(exposure, host, install, event, minute)) {
            struct impact_record *noted = find_noted(impact, exposure, host, install->update);
            if (noted != NULL) {
                show_again(noted, sign);
                continue;
            }
            int32_t waited = minute - install->installed / 60;
            int32_t window = exposure_window_minutes(exposure, host);
            int32_t at_risk = event->from != HOST_HEALTHY ? 0 : waited < window ? waited : window;
            if (!note(impact, install, host->segment, event->began, at_risk, sign, failure)) {
                return false;
            }
        }
    }
    return true;
}

bool impact_hold_late(struct exposure *exposure, const struct fleet *fleet, uint32_t number,
                      struct impact_late_install *late)
{
    struct exposure_install *install = &exposure->installs[number];
    const struct fleet_host *host = &fleet->hosts[install->host];
    *late = (struct impact_late_install){
        .install = number, .host = install->host, .segment = host->segment, .began = host->since};
    bool distressed = host->state == HOST_PINNED || host->state == HOST_ELEVATED;
    if (!distressed || !exposure_covers(exposure, host, install->installed, host->since)) {
        return false;
    }
    install->affected = IMPACT_HELD;
    return true;
}

static int compare_late(const void *left, const void *right)
{
    const struct impact_late_install *a = left;
    const struct impact_late_install *b = right;
    if (a->host != b->host) {
        return a->host < b->host ? -1 : 1;
    }
    return (a->told > b->told) - (a->told < b->told);
}

bool impact_take_late(struct impact *impact, struct exposure *exposure, const struct fleet *fleet,
                      struct impact_late_install *late, size_t count, struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        late[i].told = i;
    }
    qsort(late, count, sizeof *late, compare_late);
    for (size_t i = 0; i < count; i++) {
        struct exposure_install *install = &exposure->installs[late[i].install];
        struct impact_record *noted =
            find_noted(impact, exposure, &fleet->hosts[late[i].host], install->update);
        if (noted != NULL) {
            install->affected = EXPOSURE_NONE;
            show_again(noted, SIGN_SEEN);
            continue;
        }
        if (!note(impact, install, late[i].segment, late[i].began, 0, SIGN_SEEN, failure)) {
            return false;
        }
    }
    return true;
}

_Static_assert(sizeof(struct impact) == 32, "a field more or less: carry it below, or say why not");

void impact_carry(struct carry *carry, struct impact *impact)
{
    carry_array(carry, (void **)&impact->records, &impact->record_count, &impact->record_capacity,
                sizeof *impact->records);
    carry_array(carry, (void **)&impact->first, &impact->update_count, NULL, sizeof *impact->first);
}
