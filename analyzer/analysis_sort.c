/* Sorting keys of sixteen bytes and moving each report once; see analysis_sort.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/analysis_sort.h"

#include <stdlib.h>
#include <string.h>

#include "common/uuid.h"

/* A report while its heap is sorted. */
struct sort_key {
    uint64_t prefix; /* of the host's id, as a number that sorts like it */
    const struct pending_report *report;
};

bool sort_room_make(struct sort_room *room, size_t most, struct failure *failure)
{
    size_t count = most + 1;
    *room = (struct sort_room){
        .keys = malloc(count * sizeof *room->keys),
        .spare = malloc(count * sizeof *room->spare),
        .reports = aligned_alloc(sizeof *room->reports, count * sizeof *room->reports)};
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

static int compare_keys(const void *left, const void *right)
{
    const struct sort_key *a = left;
    const struct sort_key *b = right;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): both have been filled */
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    return compare_reports(a->report, b->report);
}

/* Few enough for the simplest sort, which is then the fastest. */
#define FEW 24

static void sort_few(struct sort_key *keys, size_t count)
{
    if (count > FEW) {
        qsort(keys, count, sizeof *keys, compare_keys);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct sort_key moving = keys[i];
        size_t at = i;
        for (; at > 0 && compare_keys(&moving, &keys[at - 1]) < 0; at--) {
            keys[at] = keys[at - 1];
        }
        keys[at] = moving;
    }
}

/* Host ids are random, or hashes, so their next bits leave one or two reports to compare. */
#define SORT_BITS_MOST 11

void sort_heap(const struct sort_room *room, struct pending_heap *heap)
{
    struct sort_key *keys = room->keys;
    struct sort_key *spare = room->spare;
    uint32_t next[(1U << SORT_BITS_MOST) + 1];
    unsigned bits = 0;
    while (bits < SORT_BITS_MOST && heap->count >> bits > 1) {
        bits++;
    }
    memset(next, 0, (((size_t)1 << bits) + 1) * sizeof *next);
    for (uint32_t i = 0; i < heap->count; i++) {
        uint64_t prefix = analysis_id_prefix(&heap->reports[i].host_id);
        spare[i] = (struct sort_key){.prefix = prefix, .report = &heap->reports[i]};
        /* The heap has used up the first eight bits. */
        next[(prefix << 8 >> 1 >> (63 - bits)) + 1]++;
    }
    for (uint32_t i = 0; i < 1U << bits; i++) {
        next[i + 1] += next[i];
    }
    for (uint32_t i = 0; i < heap->count; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): it has been filled */
        keys[next[spare[i].prefix << 8 >> 1 >> (63 - bits)]++] = spare[i];
    }
    for (uint32_t i = 0, first = 0; i < 1U << bits; first = next[i++]) {
        sort_few(keys + first, next[i] - first);
    }
    for (uint32_t i = 0; i < heap->count; i++) {
        /* It has been filled: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        room->reports[i] = *keys[i].report;
    }
    if (heap->count > 0) {
        memcpy(heap->reports, room->reports, heap->count * sizeof *heap->reports);
    }
}
