/* Sorting keys of eight bytes: the beginning of a host's id, and where its report is; see
 * analysis_sort.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/uuid.h"

/* So many reports ahead a line is asked for; see analysis_order.c. */
#define AHEAD 16

/* How a heap's keys are read: the lowest bits are the place of the report, the others those of the
 * host's id that follow its first byte, which all of a heap have in common. */
struct key_form {
    const struct analysis *analysis;
    const struct open_minute *open;
    const struct pending_report *reports;
    unsigned place_bits;
};

bool sort_room_make(struct sort_room *room, size_t most, struct failure *failure)
{
    *room = (struct sort_room){.keys = malloc((most + 1) * sizeof *room->keys),
                               .spare = malloc((most + 1) * sizeof *room->spare),
                               .reports = malloc((most + 1) * sizeof(void *))};
    return (room->keys != NULL && room->spare != NULL && room->reports != NULL) ||
           failure_memory(failure, "ordering reports");
}

void sort_room_free(struct sort_room *room)
{
    free(room->keys);
    free(room->spare);
    free(room->reports);
    *room = (struct sort_room){0};
}

static uint64_t place_of(const struct key_form *form, uint64_t key)
{
    return key & (((uint64_t)1 << form->place_bits) - 1);
}

static int compare_updates(const struct key_form *form, const struct pending_report *left,
                           const struct pending_report *right)
{
    if (left->update_count != right->update_count) {
        return left->update_count < right->update_count ? -1 : 1;
    }
    const char *const *texts = form->analysis->updates.texts;
    for (uint32_t i = 0; i < left->update_count; i++) {
        const struct pending_update *a = &form->open->updates[left->first_update + i];
        const struct pending_update *b = &form->open->updates[right->first_update + i];
        if (a->update != b->update) {
            return strcmp(texts[a->update], texts[b->update]);
        }
        if (a->at != b->at || a->outcome != b->outcome) {
            return a->at < b->at || (a->at == b->at && a->outcome < b->outcome) ? -1 : 1;
        }
    }
    return 0;
}

/* Of what a host said at one instant and was received at one. By what it says, as numbers are given
 * in the order of arrival. */
static bool content_is_before(const struct key_form *form, const struct pending_report *left,
                              const struct pending_report *right)
{
    const struct analysis *analysis = form->analysis;
    if (left->reading.interval_s != right->reading.interval_s) {
        return left->reading.interval_s < right->reading.interval_s;
    }
    if (left->customer != right->customer) {
        return strcmp(analysis->customers.texts[left->customer],
                      analysis->customers.texts[right->customer]) < 0;
    }
    if (left->segment != right->segment) {
        return left->segment == SEGMENT_NONE ||
               (right->segment != SEGMENT_NONE &&
                uuid_compare(&analysis->met.items[left->segment].id,
                             &analysis->met.items[right->segment].id) < 0);
    }
    return compare_updates(form, left, right) < 0;
}

static bool report_is_before(const struct key_form *form, const struct pending_report *left,
                             const struct pending_report *right)
{
    int order = memcmp(&left->host_id, &right->host_id, sizeof left->host_id);
    if (order != 0) {
        return order < 0;
    }
    const struct fleet_reading *a = &left->reading;
    const struct fleet_reading *b = &right->reading;
    if (a->observed_at != b->observed_at) {
        return a->observed_at < b->observed_at;
    }
    if (isnan(a->busy) != isnan(b->busy)) {
        return isnan(b->busy); /* as fleet_hear wants it */
    }
    if (a->received_at != b->received_at) {
        return a->received_at < b->received_at;
    }
    if (a->busy != b->busy && !isnan(a->busy)) {
        return a->busy < b->busy;
    }
    return content_is_before(form, left, right);
}

static bool is_before(const struct key_form *form, uint64_t a, uint64_t b)
{
    if (a >> form->place_bits != b >> form->place_bits) {
        return a < b;
    }
    return report_is_before(form, &form->reports[place_of(form, a)],
                            &form->reports[place_of(form, b)]);
}

/* Carries larger keys past smaller ones, which puts most keys right that are out of order by one,
 * and does it without a branch, of which one in four would be guessed wrong. */
static void carry_larger(uint64_t *keys, size_t count)
{
    if (count == 0) {
        return;
    }
    uint64_t carried = keys[0];
    for (size_t i = 1; i < count; i++) {
        uint64_t key = keys[i];
        keys[i - 1] = key < carried ? key : carried;
        carried = key < carried ? carried : key;
    }
    keys[count - 1] = carried;
}

/* Sorts keys of which no more than `alike` in a row are out of order. Few, as they mostly are, need
 * no more than moving one past another; many are brought nearly in order by longer steps first
 * (Shell 1959): ids that are neither random nor hashes may all begin alike. */
#define FEW 24

static void sort_keys(const struct key_form *form, uint64_t *keys, size_t count, size_t alike)
{
    size_t gap = alike <= FEW ? 1 : count * 5 / 11;
    while (gap > 0) {
        for (size_t i = gap; i < count; i++) {
            uint64_t moving = keys[i];
            size_t at = i;
            for (; at >= gap && is_before(form, moving, keys[at - gap]); at -= gap) {
                keys[at] = keys[at - gap];
            }
            keys[at] = moving;
        }
        /* Five elevenths (Gonnet and Baeza-Yates 1991), and at last one. */
        gap = gap == 1 ? 0 : gap <= 4 ? 1 : gap * 5 / 11;
    }
}

/* Keys are laid out by the next bits of their ids, which are random, or hashes: one or two
 * places for each leave one key in four behind its neighbour. At most so many bits that the counts
 * stay in the fastest cache: 32 KiB. */
#define SORT_BITS_MOST 13

/* 1 or more, to number so many. */
static unsigned bits_for(uint32_t count)
{
    return count <= 2 ? 1 : 32 - (unsigned)__builtin_clz(count - 1);
}

void sort_heap(const struct sort_room *room, const struct analysis *analysis,
               const struct open_minute *open, unsigned number)
{
    const struct pending_heap *heap = &open->heaps[number];
    uint32_t next[(1U << SORT_BITS_MOST) + 1];
    const struct key_form form = {.analysis = analysis,
                                  .open = open,
                                  .reports = heap->reports,
                                  .place_bits = bits_for(heap->count)};
    unsigned bits =
        bits_for(heap->count < 1U << SORT_BITS_MOST ? heap->count : 1U << SORT_BITS_MOST);
    memset(next, 0, (((size_t)1 << bits) + 1) * sizeof *next);
    for (uint32_t i = 0; i < heap->count; i++) {
        __builtin_prefetch(&heap->reports[i + AHEAD < heap->count ? i + AHEAD : i]);
        uint64_t after = analysis_id_prefix(&heap->reports[i].host_id) << 8;
        room->spare[i] = (after >> form.place_bits << form.place_bits) | i;
        next[(after >> (64 - bits)) + 1]++;
    }
    uint32_t most = 0;
    for (uint32_t i = 0; i < 1U << bits; i++) {
        most = next[i + 1] > most ? next[i + 1] : most;
        next[i + 1] += next[i];
    }
    for (uint32_t i = 0; i < heap->count; i++) {
        room->keys[next[room->spare[i] >> (64 - bits)]++] = room->spare[i];
    }
    carry_larger(room->keys, heap->count);
    sort_keys(&form, room->keys, heap->count, most);
    for (uint32_t i = 0; i < heap->count; i++) {
        room->reports[i] = &heap->reports[place_of(&form, room->keys[i])];
    }
}
