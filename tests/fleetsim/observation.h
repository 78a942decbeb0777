/* Reports before they are written out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_OBSERVATION_H
#define EPICENTER_FLEETSIM_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/instant.h"

/* One report. */
struct observation {
    instant_us received_at;
    instant_us observed_at; /* by the host's clock */
    instant_us updates_at;  /* when `updates` were installed, by the host's clock */
    uint32_t seat;
    uint32_t updates; /* set of updates installed just now */
    uint16_t busy;    /* ten-thousandths, see processor.h */
    uint16_t peak;
    uint16_t product_busy;
};
struct observation_list {
    struct observation *items;
    size_t count;
    size_t capacity;
};
/* False when memory is out. */
bool observation_list_append(struct observation_list *list, const struct observation *observation);
/* By (received_at, seat, observed_at). */
void observation_list_sort(struct observation_list *list);
void observation_list_free(struct observation_list *list);

#endif
