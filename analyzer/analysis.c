/* Closing minutes: each minute's reports go through the stations in one fixed order.
 *
 * The order within a minute matters for the statistics: installations first, then the risk sets are
 * as they are counted, then CPU figures and silence bring onsets, and only when evidence has seen
 * both do the hosts that changed state leave or enter the risk sets. So whether a host is counted
 * as exposed never depends on whether it turns distressed in that minute.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis_state.h"

#define ALPHA_DEFAULT 0.001
#define RISK_WINDOW_DEFAULT (60 * INSTANT_MINUTE)
#define MARGIN_DEFAULT 1.5

bool analysis_new(const struct analysis_options *options, const struct registry *registry,
                  const struct cost_parameters *parameters, struct analysis **analysis,
                  struct failure *failure)
{
    struct analysis *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting an analysis");
    }
    made->options = *options;
    if (made->options.alpha == 0) {
        made->options.alpha = ALPHA_DEFAULT;
    }
    if (made->options.risk_window == 0) {
        made->options.risk_window = RISK_WINDOW_DEFAULT;
    }
    if (made->options.margin == 0) {
        made->options.margin = MARGIN_DEFAULT;
    }
    made->met.keeps_all = true;
    made->registry = registry;
    made->parameters = parameters;
    exposure_init(&made->exposure, (int32_t)(made->options.risk_window / INSTANT_MINUTE),
                  &made->segments);
    *analysis = made;
    return true;
}

static void name_list_free(struct name_list *list)
{
    free(list->texts);
    hash_index_free(&list->by_text);
}

static void open_minute_free(struct open_minute *open)
{
    free(open->reports);
    free(open->updates);
}

void analysis_free(struct analysis *analysis)
{
    if (analysis == NULL) {
        return;
    }
    arena_free(&analysis->names_arena);
    name_list_free(&analysis->customers);
    name_list_free(&analysis->updates);
    free(analysis->customer_hosts);
    segments_free(&analysis->met);
    segments_free(&analysis->segments);
    for (size_t i = 0; i < analysis->open_count; i++) {
        open_minute_free(&analysis->open[i]);
    }
    free(analysis->open);
    fleet_free(&analysis->fleet);
    exposure_free(&analysis->exposure);
    lattice_free(&analysis->lattice);
    impact_free(&analysis->impact);
    free(analysis->states);
    free(analysis->changes);
    arena_free(&analysis->answer_arena);
    free(analysis);
}

/* ---- Taking reports in ---- */

struct name_key {
    const struct name_list *list;
    const char *text;
};

static bool same_name(const void *context, uint32_t item)
{
    const struct name_key *key = context;
    return strcmp(key->list->texts[item], key->text) == 0;
}

static bool intern(struct analysis *analysis, struct name_list *list, const char *text,
                   uint32_t *number, struct failure *failure)
{
    size_t length = strlen(text);
    struct name_key key = {.list = list, .text = text};
    uint64_t hash = hash_bytes(text, length);
    *number = hash_index_find(&list->by_text, hash, same_name, &key);
    if (*number != HASH_INDEX_NONE) {
        return true;
    }
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 256 : list->capacity * 2;
        const char **texts = realloc(list->texts, capacity * sizeof *texts);
        if (texts == NULL) {
            return failure_memory(failure, "learning a name");
        }
        list->texts = texts;
        list->capacity = capacity;
    }
    const char *copy = arena_copy_text(&analysis->names_arena, text, length);
    if (copy == NULL || !hash_index_add(&list->by_text, hash, list->count, failure)) {
        return failure_memory(failure, "learning a name");
    }
    list->texts[list->count] = copy;
    *number = list->count++;
    return true;
}

/* NULL when memory is out. */
static struct open_minute *find_open(struct analysis *analysis, int32_t minute,
                                     struct failure *failure)
{
    size_t at = analysis->open_count;
    while (at > 0 && analysis->open[at - 1].minute > minute) {
        at--;
    }
    if (at > 0 && analysis->open[at - 1].minute == minute) {
        return &analysis->open[at - 1];
    }
    if (analysis->open_count == analysis->open_capacity) {
        size_t capacity = analysis->open_capacity == 0 ? 16 : analysis->open_capacity * 2;
        struct open_minute *open = realloc(analysis->open, capacity * sizeof *open);
        if (open == NULL) {
            failure_memory(failure, "taking a report");
            return NULL;
        }
        analysis->open = open;
        analysis->open_capacity = capacity;
    }
    memmove(&analysis->open[at + 1], &analysis->open[at],
            (analysis->open_count - at) * sizeof *analysis->open);
    analysis->open_count++;
    analysis->open[at] = (struct open_minute){.minute = minute};
    return &analysis->open[at];
}

static bool grow(void **array, size_t count, size_t *capacity, size_t size, struct failure *failure)
{
    if (count < *capacity) {
        return true;
    }
    size_t grown = *capacity == 0 ? 256 : *capacity * 2;
    void *moved = realloc(*array, grown * size);
    if (moved == NULL) {
        return failure_memory(failure, "taking a report");
    }
    *array = moved;
    *capacity = grown;
    return true;
}

static bool add_updates(struct analysis *analysis, struct open_minute *open,
                        const struct report *report, struct failure *failure)
{
    for (size_t i = 0; i < report->update_count; i++) {
        if (!grow((void **)&open->updates, open->update_count, &open->update_capacity,
                  sizeof *open->updates, failure)) {
            return false;
        }
        struct pending_update *update = &open->updates[open->update_count];
        *update = (struct pending_update){.outcome = report->updates[i].outcome,
                                          .at = report->updates[i].at};
        if (!intern(analysis, &analysis->updates, report->updates[i].id, &update->update,
                    failure) ||
            !exposure_know_update(&analysis->exposure, update->update, failure)) {
            return false;
        }
        open->update_count++;
    }
    return true;
}

bool analysis_add(struct analysis *analysis, const struct report *report, struct failure *failure)
{
    int32_t minute = fleet_second_of(report->received_at) / 60;
    if (analysis->started && minute < analysis->next_minute) {
        analysis->late_reports++;
        minute = analysis->next_minute;
    }
    struct open_minute *open = find_open(analysis, minute, failure);
    if (open == NULL || !grow((void **)&open->reports, open->report_count, &open->report_capacity,
                              sizeof *open->reports, failure)) {
        return false;
    }
    struct pending_report *pending = &open->reports[open->report_count];
    /* grow has made it: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    *pending = (struct pending_report){.host_id = report->host_id,
                                       .segment = SEGMENT_NONE,
                                       .observed_at = report->observed_at,
                                       .received_at = report->received_at,
                                       .interval_s = report->interval_s,
                                       .busy = report->busy,
                                       .has_cpu = report->has_cpu && !isnan(report->busy),
                                       .first_update = (uint32_t)open->update_count,
                                       .update_count = (uint32_t)report->update_count};
    if (!intern(analysis, &analysis->customers, report->customer_id, &pending->customer, failure) ||
        (report->has_host &&
         !segments_intern(&analysis->met, &report->segment_id, report->attributes,
                          report->attribute_count, &pending->segment, failure)) ||
        !add_updates(analysis, open, report, failure)) {
        return false;
    }
    open->report_count++;
    return true;
}

/* ---- Closing a minute ---- */

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

/* ---- Verdicts ---- */

static bool reach_states(struct analysis *analysis, struct failure *failure)
{
    uint32_t known = analysis->exposure.update_count;
    if (known <= analysis->state_count) {
        return true;
    }
    struct update_state *states = realloc(analysis->states, known * sizeof *states);
    if (states == NULL) {
        return failure_memory(failure, "deciding");
    }
    for (uint32_t i = analysis->state_count; i < known; i++) {
        states[i] = (struct update_state){
            .decided = {.update = i,
                        .rate_ratio = {.low = 0, .likely = NAN, .high = INFINITY},
                        .verdict = VERDICT_INSUFFICIENT_DATA}};
    }
    analysis->states = states;
    analysis->state_count = known;
    return true;
}

static bool note_change(struct analysis *analysis, uint32_t update, enum verdict previous,
                        struct failure *failure)
{
    struct update_state *state = &analysis->states[update];
    state->decided_at = (analysis->next_minute + 1) * 60;
    if (!grow((void **)&analysis->changes, analysis->change_count, &analysis->change_capacity,
              sizeof *analysis->changes, failure)) {
        return false;
    }
    /* Kept in the order of update ids within a minute, whatever order they were first met in. */
    size_t at = analysis->change_count++;
    struct verdict_change change = {.update_id = analysis->updates.texts[update],
                                    .decided_at = fleet_instant_of(state->decided_at),
                                    .verdict = state->decided.verdict,
                                    .previous = previous,
                                    .log10_e_value = verdict_log_e(&state->decided) / M_LN10,
                                    .rate_ratio = state->decided.rate_ratio};
    while (at > analysis->changes_read &&
           analysis->changes[at - 1].decided_at == change.decided_at &&
           strcmp(analysis->changes[at - 1].update_id, change.update_id) > 0) {
        analysis->changes[at] = analysis->changes[at - 1];
        at--;
    }
    analysis->changes[at] = change;
    return true;
}

/* The interval holds at every moment, so what has once been shut out stays out; where that leaves
 * nothing the ratio has changed, and only the present interval speaks of it. */
static struct range narrower(struct range before, struct range now)
{
    struct range both = {.low = now.low > before.low ? now.low : before.low,
                         .likely = now.likely,
                         .high = now.high < before.high ? now.high : before.high};
    bool apart = both.low > both.high || now.likely < both.low || now.likely > both.high;
    return apart ? now : both;
}

static void measure_update(struct analysis *analysis, uint32_t number)
{
    struct update_state *state = &analysis->states[number];
    uint64_t installed = analysis->exposure.updates[number].installed;
    state->pace += ((double)(installed - state->installed_before) - state->pace) / 10;
    state->installed_before = installed;
    if (number >= analysis->lattice.update_count || !analysis->lattice.updates[number].touched) {
        return;
    }
    struct lattice_update *update = &analysis->lattice.updates[number];
    update->touched = false;
    struct lattice_reading reading = lattice_read(
        update, &analysis->segments, analysis->options.alpha, analysis->options.margin);
    struct verdict_case *decided = &state->decided;
    decided->log_e = reading.log_e;
    decided->own_log_e = reading.own_log_e;
    decided->fleet_log_e = reading.fleet_log_e;
    decided->own_low = reading.own_low;
    decided->bundle_low = reading.bundle_low;
    decided->rate_ratio = narrower(decided->rate_ratio, reading.rate_ratio);
    state->clear_gain = reading.clear_gain;
    state->by_past = reading.by_past;
}

static bool decide(struct analysis *analysis, struct failure *failure)
{
    if (!reach_states(analysis, failure)) {
        return false;
    }
    struct verdict_case *cases = malloc((analysis->state_count + 1) * sizeof *cases);
    if (cases == NULL) {
        return failure_memory(failure, "deciding");
    }
    /* Only updates some closed minute has seen: what waits in an open one is not known yet. */
    size_t count = 0;
    for (uint32_t i = 0; i < analysis->state_count; i++) {
        measure_update(analysis, i);
        if (analysis->exposure.updates[i].installed > 0) {
            cases[count] = analysis->states[i].decided;
            cases[count].mates = analysis->exposure.updates[i].mates;
            cases[count++].mate_count = analysis->exposure.updates[i].mate_count;
        }
    }
    bool done =
        verdict_decide(cases, count, analysis->options.alpha, analysis->options.margin, failure);
    count = 0;
    for (uint32_t i = 0; done && i < analysis->state_count; i++) {
        if (analysis->exposure.updates[i].installed == 0) {
            continue;
        }
        enum verdict previous = analysis->states[i].decided.verdict;
        analysis->states[i].decided = cases[count++];
        done = analysis->states[i].decided.verdict == previous ||
               note_change(analysis, i, previous, failure);
    }
    free(cases);
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
        if (!lattice_take_alone(&analysis->lattice, &exposure->alone[i], factors, failure)) {
            return false;
        }
    }
    history_take(&analysis->history, minute, &exposure->quiet_minute);
    return true;
}

static bool close_minute(struct analysis *analysis, struct open_minute *open,
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
        settle_events(analysis, open->minute, failure) && decide(analysis, failure);
    analysis->quiet_minutes = open->report_count == 0 ? analysis->quiet_minutes + 1 : 0;
    return done;
}

/* After this many minutes without a report everybody is silent and no update is in its window, so
 * closing more of them changes nothing: five of the longest intervals, and the window. */
static int32_t quiet_limit(const struct analysis *analysis)
{
    return 5 * UINT16_MAX / 60 + analysis->exposure.window_minutes + 60;
}

static void drop_changes_read(struct analysis *analysis)
{
    if (analysis->changes_read > 0) {
        analysis->change_count -= analysis->changes_read;
        memmove(analysis->changes, analysis->changes + analysis->changes_read,
                analysis->change_count * sizeof *analysis->changes);
        analysis->changes_read = 0;
    }
}

bool analysis_advance(struct analysis *analysis, instant_us received_before,
                      struct failure *failure)
{
    int32_t until = fleet_second_of(received_before) / 60; /* minutes before this one have ended */
    if (!analysis->started) {
        if (analysis->open_count == 0 || analysis->open[0].minute >= until) {
            return true;
        }
        analysis->started = true;
        analysis->next_minute = analysis->open[0].minute;
    }
    if (analysis->next_minute >= until) {
        return true;
    }
    drop_changes_read(analysis);
    analysis->answered = false;
    while (analysis->next_minute < until) {
        bool waiting = analysis->open_count > 0;
        if (waiting && analysis->open[0].minute == analysis->next_minute) {
            struct open_minute open = analysis->open[0];
            analysis->open_count--;
            memmove(analysis->open, analysis->open + 1,
                    analysis->open_count * sizeof *analysis->open);
            bool closed = close_minute(analysis, &open, failure);
            open_minute_free(&open);
            if (!closed) {
                return false;
            }
        } else if (analysis->quiet_minutes < quiet_limit(analysis)) {
            struct open_minute empty = {.minute = analysis->next_minute};
            if (!close_minute(analysis, &empty, failure)) {
                return false;
            }
        } else {
            int32_t next =
                waiting && analysis->open[0].minute < until ? analysis->open[0].minute : until;
            analysis->next_minute = next - 1;
        }
        analysis->next_minute++;
    }
    return true;
}

/* ---- Reading ---- */

bool analysis_answers(struct analysis *analysis, const struct answers **answers,
                      struct failure *failure)
{
    if (!analysis->answered) {
        arena_free(&analysis->answer_arena);
        analysis->answer_arena = (struct arena){0};
        if (!analysis_fill_answers(analysis, failure)) {
            return false;
        }
        analysis->answered = true;
    }
    *answers = &analysis->answers;
    return true;
}

void analysis_next_change(struct analysis *analysis, const struct verdict_change **change)
{
    *change = analysis->changes_read < analysis->change_count
                  ? &analysis->changes[analysis->changes_read++]
                  : NULL;
}

static void view_updates(const struct analysis *analysis, const struct fleet_host *host,
                         struct host_view *view)
{
    size_t most = sizeof view->updates / sizeof *view->updates;
    for (uint32_t i = host->installs; i != EXPOSURE_NONE && view->update_count < most;
         i = analysis->exposure.installs[i].next) {
        const struct exposure_install *install = &analysis->exposure.installs[i];
        view->updates[view->update_count++] =
            (struct host_update){.id = analysis->updates.texts[install->update],
                                 .installed_at = fleet_instant_of(install->installed),
                                 .exposed = install->age_class != 0};
    }
}

bool analysis_host(struct analysis *analysis, const struct uuid *host_id, struct host_view *view)
{
    uint32_t number = fleet_find(&analysis->fleet, host_id);
    if (number == FLEET_NONE) {
        return false;
    }
    const struct fleet_host *host = &analysis->fleet.hosts[number];
    *view = (struct host_view){.state = (enum host_state)host->state,
                               .state_since = fleet_instant_of(host->since),
                               .last_seen_at = fleet_instant_of(host->last_seen),
                               .interval_s = host->interval_s,
                               .last_busy = host->has_cpu ? host->busy / 10000.0 : NAN,
                               .baseline_busy =
                                   host->baseline_count > 0 ? (double)host->baseline_mean : NAN,
                               .customer_id = analysis->customers.texts[host->customer]};
    if (host->segment != SEGMENT_NONE) {
        const struct segment *segment = &analysis->segments.items[host->segment];
        /* Both structs are a name and a value, in this order. */
        _Static_assert(sizeof(struct segment_term) == sizeof(struct report_attribute),
                       "a term is an attribute");
        view->attributes =
            (struct segment_conjunction){.terms = (const struct segment_term *)segment->attributes,
                                         .term_count = segment->attribute_count};
    }
    view_updates(analysis, host, view);
    return true;
}

const char *host_state_name(enum host_state state)
{
    static const char *const names[] = {"new", "healthy", "pinned", "elevated", "silent"};
    return names[state];
}
