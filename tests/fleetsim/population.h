/* Who owns which seats: customers and their hosts, drawn from a scenario and a seed.
 *
 * Seats that do not report are there too: an update strikes them all the same, and only the
 * registry of seats knows of them. Customers are drawn until the wanted number of seats reports.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_POPULATION_H
#define EPICENTER_FLEETSIM_POPULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/uuid.h"
#include "tests/fleetsim/scenario.h"

/* What a stream of random numbers is for; the stream's number is this plus a running number. */
#define STREAM_CUSTOMER (UINT64_C(1) << 56)
#define STREAM_SEAT (UINT64_C(2) << 56)
#define STREAM_BEHAVIOUR (UINT64_C(3) << 56)
#define STREAM_ADOPTION (UINT64_C(4) << 56)
#define STREAM_MATCHING_FILE (UINT64_C(5) << 56)

/* One combination of what hosts say of themselves. */
struct fleet_segment {
    const char *values[ATTRIBUTE_COUNT];
    uint8_t line;
    uint32_t targeted; /* updates offered to it, bit by index */
    uint32_t struck;   /* updates whose fault strikes it */
};

#define PARTNER_NONE UINT16_MAX

struct fleet_customer {
    uint32_t first_seat;
    uint32_t seat_count;
    uint8_t kind;
    uint8_t region;
    uint8_t country; /* index within the region */
    uint8_t tier;
    uint16_t partner; /* index within the region, or PARTNER_NONE */
    uint16_t name_first;
    uint16_t name_second;
    uint16_t renewal_days; /* after the span begins */
};

struct fleet_seat {
    struct uuid host_id;
    uint32_t customer;
    uint32_t segment;
    uint16_t rhythm; /* time zone and sort of machine, see power.h */
    bool reports;
    int32_t clock_offset_ms; /* what the host's clock is ahead */
    float base_busy;
};

struct population {
    uint64_t seed;
    struct fleet_segment *segments;
    size_t segment_count, segment_capacity;
    struct fleet_customer *customers;
    size_t customer_count, customer_capacity;
    struct fleet_seat *seats; /* of a customer together */
    size_t seat_count, seat_capacity;
    size_t reporting_count;
};

/* Room for a customer's id and its NUL. */
#define CUSTOMER_ID_SIZE 16
/* "C0000123". Returns `text`. */
char *customer_id_format(uint32_t customer, char text[CUSTOMER_ID_SIZE]);

/* Draws the fleet. The scenario must outlive it. */
MUST_CHECK bool population_build(const struct scenario *scenario, size_t reporting_hosts,
                                 uint64_t seed, struct population *population,
                                 struct failure *failure);
void population_free(struct population *population);

#endif
