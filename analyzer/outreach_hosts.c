/* The hosts behind the queue; see outreach_hosts.h. The hard thing is that there may be millions of
 * them: they are passed over twice, to count and to fill, and only those that are kept are written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/outreach_hosts.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyzer/json_value.h"
#include "common/uuid.h"

/* ---- Which hosts ---- */

struct listing {
    const struct outreach_hosts_source *source;
    struct outreach_entry *entries;
    bool *inside;     /* by segment */
    uint32_t *places; /* 1 + index of the entry, by customer number */
    size_t *left;     /* by entry: how many more it may have */
    struct outreach_host_list *list;
};

/* Either may be there: the record of a host that was noted, or none of one that was not heard of.
 */
typedef void (*hit_visitor)(struct listing *listing, size_t entry, uint32_t host,
                            const struct impact_record *record);

static void visit(struct listing *listing, uint32_t number, uint32_t segment,
                  const struct impact_record *record, hit_visitor visitor)
{
    const struct fleet_host *host = &listing->source->fleet->hosts[number];
    if (segment < listing->source->segments->count && listing->inside[segment] &&
        listing->places[host->customer] > 0) {
        visitor(listing, listing->places[host->customer] - 1, number, record);
    }
}

static void visit_all(struct listing *listing, hit_visitor visitor)
{
    const struct outreach_hosts_source *source = listing->source;
    const struct impact *impact = source->impact;
    uint32_t first =
        source->update < impact->update_count ? impact->first[source->update] : IMPACT_NONE;
    for (uint32_t i = first; i != IMPACT_NONE; i = impact->records[i].next) {
        const struct impact_record *record = &impact->records[i];
        visit(listing, record->host, record->segment, record, visitor);
    }
    for (size_t i = 0; i < source->census->silent_count; i++) {
        uint32_t number = source->census->silent[i];
        const struct fleet_host *host = &source->fleet->hosts[number];
        if (impact_is_unheard(source->exposure, host, source->update) &&
            source->counts_unheard[impact_census_place(source->census, host->customer,
                                                       host->segment)]) {
            visit(listing, number, host->segment, NULL, visitor);
        }
    }
}

static void count_hit(struct listing *listing, size_t entry, uint32_t host,
                      const struct impact_record *record)
{
    (void)host;
    (void)record;
    listing->left[entry]++;
}

static instant_us installed_at(const struct outreach_hosts_source *source, uint32_t install)
{
    while (install != EXPOSURE_NONE &&
           source->exposure->installs[install].update != source->update) {
        install = source->exposure->installs[install].next;
    }
    return install == EXPOSURE_NONE
               ? INSTANT_NONE
               : fleet_instant_of(source->exposure->installs[install].installed);
}

static void fill_hit(struct listing *listing, size_t entry, uint32_t number,
                     const struct impact_record *record)
{
    const struct outreach_hosts_source *source = listing->source;
    const struct fleet_host *host = &source->fleet->hosts[number];
    struct outreach_entry *owner = &listing->entries[entry];
    if (listing->left[entry] == 0) {
        return;
    }
    listing->left[entry]--;
    bool still = record == NULL || record->still_affected;
    listing->list->hosts[owner->first_host + owner->host_count++] = (struct outreach_host){
        .host_id = source->fleet->ids[number],
        .segment = host->segment,
        .state = (enum host_state)host->state,
        .still_affected = still,
        .installed_at = installed_at(source, host->installs),
        .onset_at = fleet_instant_of(record == NULL ? host->last_seen : record->began),
        .recovered_at = still ? INSTANT_NONE : fleet_instant_of(record->recovered),
        .last_seen_at = fleet_instant_of(host->last_seen)};
}

/* ---- In which order ---- */

static int compare_hosts(const void *left, const void *right)
{
    const struct outreach_host *a = left;
    const struct outreach_host *b = right;
    if (a->still_affected != b->still_affected) {
        return a->still_affected ? -1 : 1;
    }
    if (a->onset_at != b->onset_at) {
        return a->onset_at < b->onset_at ? -1 : 1;
    }
    return memcmp(&a->host_id, &b->host_id, sizeof a->host_id);
}

/* ---- All together ---- */

/* Gives room to the entries in the order of the queue; how much in all. */
static size_t give_room(struct listing *listing, size_t count)
{
    size_t given = 0;
    for (size_t i = 0; i < count; i++) {
        size_t most = OUTREACH_HOSTS_MOST - given;
        most = most < OUTREACH_HOSTS_EACH ? most : OUTREACH_HOSTS_EACH;
        listing->left[i] = listing->left[i] < most ? listing->left[i] : most;
        listing->entries[i].first_host = given;
        given += listing->left[i];
    }
    return given;
}

/* The attributes of the segments that occur, each once. */
static bool name_systems(struct listing *listing, struct arena *arena, struct failure *failure)
{
    const struct segments *segments = listing->source->segments;
    struct outreach_host_list *list = listing->list;
    struct outreach_system *systems =
        arena_allocate(arena, (segments->count + 1) * sizeof *systems);
    uint32_t *numbers = calloc(segments->count + 1, sizeof *numbers); /* 1 + index, by segment */
    if (systems == NULL || numbers == NULL) {
        free(numbers);
        return failure_memory(failure, "listing the hosts of customers");
    }
    for (size_t i = 0; i < list->count; i++) {
        uint32_t segment = list->hosts[i].segment;
        if (segment < segments->count && numbers[segment] == 0) {
            systems[list->system_count] = (struct outreach_system){
                .product_line = segment_attribute_text(segments, segment, "product_line"),
                .os = segment_attribute_text(segments, segment, "os"),
                .os_version = segment_attribute_text(segments, segment, "os_version")};
            numbers[segment] = (uint32_t)++list->system_count;
        }
        list->hosts[i].system = segment < segments->count ? numbers[segment] - 1 : UINT32_MAX;
    }
    free(numbers);
    list->systems = systems;
    return true;
}

static bool fill(struct listing *listing, size_t count, struct arena *arena,
                 struct failure *failure)
{
    const struct outreach_hosts_source *source = listing->source;
    for (uint32_t i = 0; i < source->segments->count; i++) {
        listing->inside[i] = subgroup_contains(source->subgroup, source->segments, i);
    }
    for (size_t i = 0; i < count; i++) {
        listing->places[listing->entries[i].customer_number] = (uint32_t)i + 1;
    }
    visit_all(listing, count_hit);
    listing->list->count = give_room(listing, count);
    listing->list->hosts =
        arena_allocate(arena, (listing->list->count + 1) * sizeof *listing->list->hosts);
    if (listing->list->hosts == NULL) {
        return failure_memory(failure, "listing the hosts of customers");
    }
    visit_all(listing, fill_hit);
    for (size_t i = 0; i < count; i++) {
        const struct outreach_entry *entry = &listing->entries[i];
        qsort(&listing->list->hosts[entry->first_host], entry->host_count,
              sizeof *listing->list->hosts, compare_hosts);
    }
    return name_systems(listing, arena, failure);
}

bool outreach_hosts_list(const struct outreach_hosts_source *source, struct outreach_entry *entries,
                         size_t count, struct arena *arena, struct outreach_host_list *list,
                         struct failure *failure)
{
    *list = (struct outreach_host_list){0};
    struct listing listing = {.source = source,
                              .entries = entries,
                              .inside = calloc(source->segments->count + 1, sizeof(bool)),
                              .places = calloc(source->customer_count + 1, sizeof(uint32_t)),
                              .left = calloc(count + 1, sizeof(size_t)),
                              .list = list};
    bool done = listing.inside != NULL && listing.places != NULL && listing.left != NULL
                    ? fill(&listing, count, arena, failure)
                    : failure_memory(failure, "listing the hosts of customers");
    free(listing.inside);
    free(listing.places);
    free(listing.left);
    return done;
}

/* ---- Written out ---- */

/* One that is heard again is not back before it has been healthy for two reports. */
static const char *state_name(const struct outreach_host *host)
{
    if (!host->still_affected) {
        return "recovered";
    }
    return host->state == HOST_NEW || host->state == HOST_HEALTHY ? "returning"
                                                                  : host_state_name(host->state);
}

static json_t *host_value(const struct outreach_host *host, const struct outreach_host_list *list,
                          bool *complete)
{
    static const struct outreach_system unknown = {0};
    const struct outreach_system *system =
        host->system < list->system_count ? &list->systems[host->system] : &unknown;
    char id[UUID_TEXT_SIZE];
    json_t *object = json_object();
    json_value_set(object, "host_id", json_value_text(uuid_format(&host->host_id, id)), complete);
    json_value_set(object, "product_line", json_value_text(system->product_line), complete);
    json_value_set(object, "os", json_value_text(system->os), complete);
    json_value_set(object, "os_version", json_value_text(system->os_version), complete);
    json_value_set(object, "state", json_value_text(state_name(host)), complete);
    json_value_set(object, "installed_at", json_value_instant(host->installed_at), complete);
    json_value_set(object, "onset_at", json_value_instant(host->onset_at), complete);
    json_value_set(object, "recovered_at", json_value_instant(host->recovered_at), complete);
    json_value_set(object, "last_seen_at", json_value_instant(host->last_seen_at), complete);
    return object;
}

bool outreach_hosts_json(const struct outreach_entry *entry, const struct outreach_host_list *list,
                         const char *update_id, size_t first, size_t count, struct buffer *out,
                         struct failure *failure)
{
    bool complete = true;
    json_t *object = json_object();
    json_t *hosts = json_array();
    for (size_t i = first; i < first + count && i < entry->host_count; i++) {
        json_value_append(hosts, host_value(&list->hosts[entry->first_host + i], list, &complete),
                          &complete);
    }
    json_value_set(object, "update", json_value_text(update_id), &complete);
    json_value_set(object, "customer_id", json_value_text(entry->customer_id), &complete);
    json_value_set(object, "name", json_value_text(entry->name), &complete);
    json_value_set(object, "partner", json_value_text(entry->partner), &complete);
    json_value_set(object, "time_zone", json_value_text(entry->time_zone), &complete);
    json_value_set(object, "hosts_affected", json_integer((json_int_t)entry->hosts_affected),
                   &complete);
    json_value_set(object, "hosts_reporting", json_integer((json_int_t)entry->hosts_reporting),
                   &complete);
    json_value_set(object, "hosts", hosts, &complete);
    return json_value_write(object, complete, out, failure);
}
