/* Lists of reports; see observation.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/observation.h"

#include <stdlib.h>

bool observation_list_append(struct observation_list *list, const struct observation *observation)
{
    if (list->count == list->capacity) {
        size_t larger = list->capacity > 0 ? list->capacity * 2 : 4096;
        struct observation *items = realloc(list->items, larger * sizeof *items);
        if (items == NULL) {
            return false;
        }
        list->items = items;
        list->capacity = larger;
    }
    list->items[list->count++] = *observation;
    return true;
}

static int compare_observations(const void *left, const void *right)
{
    const struct observation *a = left;
    const struct observation *b = right;
    if (a->received_at != b->received_at) {
        return a->received_at < b->received_at ? -1 : 1;
    }
    if (a->seat != b->seat) {
        return a->seat < b->seat ? -1 : 1;
    }
    /* Two reports of one host that arrive together: the earlier measured comes first. */
    return a->observed_at < b->observed_at ? -1 : a->observed_at > b->observed_at;
}

void observation_list_sort(struct observation_list *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, compare_observations);
    }
}

void observation_list_free(struct observation_list *list)
{
    free(list->items);
    *list = (struct observation_list){0};
}
