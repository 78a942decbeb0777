/* Whom to call, who is at it, how far the regions are; see outreach_list.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/outreach_list.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/json_value.h"
#include "common/csv.h"
#include "common/instant.h"

bool outreach_filter_states(struct outreach_filter *filter, const char *names,
                            struct failure *failure)
{
    while (*names != '\0') {
        char name[32];
        enum outreach_state state;
        size_t length = strcspn(names, ",");
        size_t kept = length < sizeof name - 1 ? length : sizeof name - 1;
        memcpy(name, names, kept);
        name[kept] = '\0';
        if (!outreach_state_parse(name, &state, failure)) {
            return false;
        }
        filter->states[state] = true;
        names += length + (names[length] == ',' ? 1 : 0);
    }
    return true;
}

static enum outreach_state state_of(const struct outreach_place *place)
{
    enum outreach_state state = place->one != NULL ? place->one->state : OUTREACH_NEW;
    bool waits = state == OUTREACH_NEW || state == OUTREACH_MESSAGE_LEFT;
    return waits && place->entry != NULL && place->entry->recovered ? OUTREACH_RECOVERED : state;
}

static bool all_states(const struct outreach_filter *filter)
{
    for (size_t i = 0; i < OUTREACH_STATES; i++) {
        if (filter->states[i]) {
            return false;
        }
    }
    return true;
}

static bool is_own(const struct outreach_filter *filter, const struct outreach_place *place)
{
    return filter->agent != NULL && place->one != NULL && place->one->holder != NULL &&
           strcmp(place->one->holder, filter->agent) == 0;
}

/* Whoever has somebody on the phone sees them, whatever else is looked for. */
static bool matches(const struct outreach_filter *filter, const struct outreach_place *place)
{
    if (is_own(filter, place)) {
        return true;
    }
    if (!all_states(filter) && !filter->states[state_of(place)]) {
        return false;
    }
    if (place->entry == NULL) {
        return filter->region == NULL && !filter->reachable && place->one != NULL &&
               place->one->holder != NULL;
    }
    return (filter->region == NULL || strcmp(place->entry->region, filter->region) == 0) &&
           (!filter->reachable || place->entry->reachable_now);
}

/* ---- Bringing the two together ---- */

static int compare_id(const void *key, const void *element)
{
    const struct outreach_case *one = element;
    return strcmp(key, one->customer_id);
}

static void count_progress(struct outreach_list *list, const struct outreach_place *place)
{
    size_t at = 0;
    while (at < list->region_count &&
           strcmp(list->progress[at].region, place->entry->region) != 0) {
        at++;
    }
    if (at == list->region_count) {
        list->progress[list->region_count++] =
            (struct outreach_progress){.region = place->entry->region};
    }
    list->progress[at].customers++;
    list->progress[at].by_state[state_of(place)]++;
}

static int compare_region(const void *left, const void *right)
{
    const struct outreach_progress *a = left;
    const struct outreach_progress *b = right;
    return strcmp(a->region, b->region);
}

static int compare_since(const void *left, const void *right)
{
    const struct outreach_place *a = left;
    const struct outreach_place *b = right;
    if (a->one->since != b->one->since) {
        return a->one->since < b->one->since ? -1 : 1;
    }
    return strcmp(a->one->customer_id, b->one->customer_id);
}

/* Every place there is: the queue by rank, then the cases that are not in it. */
static size_t join(const struct outreach_entry *entries, size_t entry_count,
                   const struct outreach_case *cases, size_t case_count, bool *in_queue,
                   struct outreach_place *all)
{
    size_t count = 0;
    for (size_t i = 0; i < entry_count; i++) {
        const struct outreach_case *one =
            case_count == 0
                ? NULL
                : bsearch(entries[i].customer_id, cases, case_count, sizeof *cases, compare_id);
        if (one != NULL) {
            in_queue[one - cases] = true;
        }
        all[count++] = (struct outreach_place){.entry = &entries[i], .one = one};
    }
    for (size_t i = 0; i < case_count; i++) {
        if (!in_queue[i]) {
            all[count++] = (struct outreach_place){.one = &cases[i]};
        }
    }
    return count;
}

/* Leaves the page that is asked for of all the places that match, `own` of them the agent's. */
static void cut_page(struct outreach_list *list, size_t own, const struct outreach_filter *filter)
{
    size_t first = 0;
    size_t end = own;
    if (filter->after != OUTREACH_FROM_START) {
        while (end < list->matching && list->places[end].entry != NULL &&
               list->places[end].entry->rank <= filter->after) {
            end++;
        }
        first = end;
    }
    for (size_t left = filter->limit;
         left > 0 && end < list->matching && list->places[end].entry != NULL; left--) {
        end++;
    }
    if (end < list->matching && list->places[end].entry != NULL) {
        list->next = list->places[end - 1].entry->rank;
    } else {
        end = list->matching;
    }
    list->places += first;
    list->count = end - first;
}

bool outreach_list_make(const struct outreach_entry *entries, size_t entry_count,
                        const struct outreach_case *cases, size_t case_count,
                        const struct outreach_filter *filter, struct arena *arena,
                        struct outreach_list *list, struct failure *failure)
{
    size_t most = entry_count + case_count + 1;
    struct outreach_place *all = arena_allocate(arena, most * sizeof *all);
    bool *in_queue = arena_allocate(arena, (case_count + 1) * sizeof *in_queue);
    *list =
        (struct outreach_list){.places = arena_allocate(arena, most * sizeof *list->places),
                               .progress = arena_allocate(arena, most * sizeof *list->progress)};
    if (all == NULL || in_queue == NULL || list->places == NULL || list->progress == NULL) {
        return failure_memory(failure, "listing the outreach");
    }
    size_t count = join(entries, entry_count, cases, case_count, in_queue, all);
    for (size_t i = 0; i < count; i++) {
        if (all[i].entry != NULL) {
            count_progress(list, &all[i]);
        }
        if (is_own(filter, &all[i])) {
            list->places[list->matching++] = all[i];
        }
    }
    size_t own = list->matching;
    qsort(list->places, own, sizeof *list->places, compare_since);
    for (size_t i = 0; i < count; i++) {
        if (!is_own(filter, &all[i]) && matches(filter, &all[i])) {
            list->places[list->matching++] = all[i];
        }
    }
    qsort(list->progress, list->region_count, sizeof *list->progress, compare_region);
    cut_page(list, own, filter);
    return true;
}

/* ---- Written out ---- */

static json_t *parts_value(const struct outreach_parts *parts, bool *complete)
{
    json_t *object = json_object();
    json_value_set(object, "outage", json_value_number(parts->outage), complete);
    json_value_set(object, "churn", json_value_number(parts->churn), complete);
    json_value_set(object, "waiting", json_value_number(parts->waiting), complete);
    json_value_set(object, "tier", json_value_number(parts->tier), complete);
    json_value_set(object, "criticality", json_value_number(parts->criticality), complete);
    json_value_set(object, "reach", json_value_number(parts->reach), complete);
    json_value_set(object, "minutes", json_value_number(parts->minutes), complete);
    return object;
}

/* One of the two always is there. */
static const char *customer_of(const struct outreach_place *place)
{
    return place->entry != NULL ? place->entry->customer_id : place->one->customer_id;
}

static json_t *place_value(const struct outreach_place *place, bool *complete)
{
    const struct outreach_entry *entry = place->entry;
    const struct outreach_case *one = place->one;
    const char *id = customer_of(place);
    json_t *object = json_object();
    json_value_set(object, "customer_id", json_value_text(id), complete);
    json_value_set(object, "name", json_value_text(entry != NULL ? entry->name : id), complete);
    json_value_set(object, "region", json_value_text(entry != NULL ? entry->region : NULL),
                   complete);
    json_value_set(object, "rank", entry != NULL ? json_integer(entry->rank) : json_null(),
                   complete);
    json_value_set(object, "score", entry != NULL ? json_value_number(entry->score) : json_null(),
                   complete);
    json_value_set(object, "parts",
                   entry != NULL ? parts_value(&entry->parts, complete) : json_null(), complete);
    json_value_set(object, "hosts_affected",
                   json_integer(entry != NULL ? (json_int_t)entry->hosts_affected : 0), complete);
    json_value_set(object, "reachable_now", json_boolean(entry != NULL && entry->reachable_now),
                   complete);
    json_value_set(object, "reasons",
                   json_value_texts(entry != NULL ? entry->reasons : NULL,
                                    entry != NULL ? entry->reason_count : 0),
                   complete);
    json_value_set(object, "state", json_value_text(outreach_state_name(state_of(place))),
                   complete);
    json_value_set(object, "since", json_value_instant(one != NULL ? one->since : INSTANT_NONE),
                   complete);
    json_value_set(object, "holder", json_value_text(one != NULL ? one->holder : NULL), complete);
    json_value_set(object, "held_until",
                   json_value_instant(one != NULL ? one->held_until : INSTANT_NONE), complete);
    json_value_set(object, "note", json_value_text(one != NULL ? one->note : ""), complete);
    json_value_set(object, "version", json_integer(one != NULL ? one->version : 0), complete);
    return object;
}

static json_t *progress_value(const struct outreach_progress *progress, bool *complete)
{
    json_t *object = json_object();
    json_value_set(object, "region", json_value_text(progress->region), complete);
    json_value_set(object, "customers", json_integer((json_int_t)progress->customers), complete);
    for (size_t i = 0; i < OUTREACH_STATES; i++) {
        json_value_set(object, outreach_state_name((enum outreach_state)i),
                       json_integer((json_int_t)progress->by_state[i]), complete);
    }
    return object;
}

bool outreach_list_json(const struct outreach_list *list, const char *update_id, size_t total,
                        struct buffer *out, struct failure *failure)
{
    bool complete = true;
    json_t *document = json_object();
    json_t *customers = json_array();
    json_t *progress = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_value_append(customers, place_value(&list->places[i], &complete), &complete);
    }
    for (size_t i = 0; i < list->region_count; i++) {
        json_value_append(progress, progress_value(&list->progress[i], &complete), &complete);
    }
    json_value_set(document, "update", json_value_text(update_id), &complete);
    json_value_set(document, "total", json_integer((json_int_t)total), &complete);
    json_value_set(document, "matching", json_integer((json_int_t)list->matching), &complete);
    json_value_set(document, "customers", customers, &complete);
    json_value_set(document, "progress", progress, &complete);
    return json_value_write(document, complete, out, failure);
}

bool outreach_place_json(const struct outreach_place *place, struct buffer *out,
                         struct failure *failure)
{
    bool complete = true;
    json_t *object = place_value(place, &complete);
    return json_value_write(object, complete, out, failure);
}

/* In the order of the heading; empty where the customer has left the queue. */
static void append_parts(const struct outreach_parts *parts, struct buffer *out)
{
    static const struct outreach_parts none = {0};
    const struct outreach_parts *from = parts != NULL ? parts : &none;
    const double numbers[] = {from->outage,      from->churn, from->waiting, from->tier,
                              from->criticality, from->reach, from->minutes};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        buffer_append_text(out, ",");
        if (parts != NULL) {
            buffer_append_six_digits(out, numbers[i]);
        }
    }
}

static void append_place(const struct outreach_place *place, struct buffer *out)
{
    const struct outreach_entry *entry = place->entry;
    const struct outreach_case *one = place->one;
    const char *id = customer_of(place);
    char since[INSTANT_TEXT_SIZE] = "";
    if (one != NULL) {
        instant_format(one->since, since);
    }
    if (entry != NULL) {
        buffer_append_format(out, "%u", (unsigned)entry->rank);
    }
    const char *texts[] = {id, entry != NULL ? entry->name : id,
                           entry != NULL ? entry->region : ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buffer_append_text(out, ",");
        csv_append_cell(out, texts[i]);
    }
    buffer_append_format(out, ",%llu,",
                         (unsigned long long)(entry != NULL ? entry->hosts_affected : 0));
    buffer_append_six_digits(out, entry != NULL ? entry->score : 0);
    buffer_append_text(out, entry != NULL && entry->reachable_now ? ",yes" : ",no");
    struct buffer reasons = {0};
    for (size_t i = 0; entry != NULL && i < entry->reason_count; i++) {
        buffer_append_text(&reasons, i > 0 ? "; " : "");
        buffer_append_text(&reasons, entry->reasons[i]);
    }
    const char *rest[] = {outreach_state_name(state_of(place)), since,
                          one != NULL && one->holder != NULL ? one->holder : "",
                          one != NULL ? one->note : "", reasons.data != NULL ? reasons.data : ""};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        buffer_append_text(out, ",");
        csv_append_cell(out, rest[i]);
    }
    out->failed = out->failed || reasons.failed;
    buffer_free(&reasons);
    append_parts(entry != NULL ? &entry->parts : NULL, out);
    buffer_append_text(out, "\r\n");
}

bool outreach_list_csv(const struct outreach_list *list, struct buffer *out,
                       struct failure *failure)
{
    buffer_append_text(out, "rank,customer_id,name,region,hosts_affected,score,reachable_now,state,"
                            "since,holder,note,reasons,outage_usd,churn_usd,waiting,tier,"
                            "criticality,reach,minutes\r\n");
    for (size_t i = 0; i < list->count; i++) {
        append_place(&list->places[i], out);
    }
    return buffer_check(out, failure);
}
