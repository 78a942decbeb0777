/* Whom do the hosts belong to, and what has been released? Customers, seats and updates, in
 * memory. Pure: the mouths that fill it from CSV files and from the database are registry_csv.c
 * and registry_database.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_REGISTRY_H
#define EPICENTER_ANALYZER_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/instant.h"
#include "common/time_zone.h"

struct registry;

enum customer_kind { CUSTOMER_CONSUMER, CUSTOMER_CORPORATE };
#define CUSTOMER_KINDS 2

/* What a stop of its hosts means to a customer: a hospital's ward or a cash desk is not a reading
 * room. */
enum criticality {
    CRITICALITY_UNKNOWN, /* taken for normal */
    CRITICALITY_LOW,
    CRITICALITY_NORMAL,
    CRITICALITY_HIGH,
    CRITICALITY_CRITICAL
};
#define CRITICALITIES 5
/* As files have it: low, normal, high, critical; "" when unknown. */
const char *criticality_name(enum criticality criticality);
/* False for any other word. */
bool criticality_parse(const char *name, enum criticality *criticality);

struct registry_seat {
    const char *product_line;
    uint32_t seats;
};

struct registry_customer {
    const char *customer_id;
    const char *name;
    enum customer_kind kind;
    enum criticality criticality;
    const char *region;
    const char *country;
    const char *time_zone;        /* IANA name */
    const struct time_zone *zone; /* owned by the registry; NULL is UTC */
    const char *tier;
    const char *partner;    /* NULL: supported by us */
    int64_t contract_value; /* a year, minor units of currency; 0 when unknown */
    const char *currency;   /* ISO 4217, NULL when unknown */
    const char *renewal_on; /* "YYYY-MM-DD", NULL when unknown */
    const char *language;   /* BCP 47, such as ja or pt-BR; NULL when unknown */
    const struct registry_seat *seats;
    size_t seat_count;
};

struct registry_update {
    const char *update_id;
    const char *product_line; /* NULL: several or unknown */
    instant_us released_at;   /* INSTANT_NONE: unknown */
    instant_us withdrawn_at;  /* INSTANT_NONE: it is out */
};

MUST_CHECK bool registry_new(struct registry **registry, struct failure *failure);
void registry_free(struct registry *registry);

/* Adds or replaces by id. Everything is copied; `zone` and `seats` of the argument are ignored (the
 * zone is loaded from its name, an unknown one is FAILURE_INVALID and names the customer). */
MUST_CHECK bool registry_add_customer(struct registry *registry,
                                      const struct registry_customer *customer,
                                      struct failure *failure);
/* FAILURE_INVALID when the customer is not there. */
MUST_CHECK bool registry_add_seats(struct registry *registry, const char *customer_id,
                                   const char *product_line, uint32_t seats,
                                   struct failure *failure);
MUST_CHECK bool registry_add_update(struct registry *registry, const struct registry_update *update,
                                    struct failure *failure);

/* Replaces all seats of a customer. FAILURE_INVALID when the customer is not there. */
MUST_CHECK bool registry_set_seats(struct registry *registry, const char *customer_id,
                                   const struct registry_seat *seats, size_t count,
                                   struct failure *failure);

/* A reading of everything there is: what is added between the two stays, and registry_end drops
 * customers, seats and updates that were not named again (seats by registry_set_seats). Without
 * registry_end nothing is dropped. */
void registry_begin(struct registry *registry);
MUST_CHECK bool registry_end(struct registry *registry, struct failure *failure);

/* NULL when unknown. Pointers stay valid until the registry is freed, but what they point to
 * changes when the same id is replaced. */
const struct registry_customer *registry_customer(const struct registry *registry,
                                                  const char *customer_id);
const struct registry_update *registry_update(const struct registry *registry,
                                              const char *update_id);

/* True from when an update that was withdrawn is out again: registered with a release after the
 * withdrawal. */
bool registry_released_again(const struct registry_update *update, instant_us now);

/* Walk in order of addition, `index` from 0; NULL past the end. */
const struct registry_customer *registry_customer_at(const struct registry *registry, size_t index);
const struct registry_update *registry_update_at(const struct registry *registry, size_t index);

/* All seats of a customer, over its product lines. */
uint64_t registry_total_seats(const struct registry_customer *customer);

/* How often a customer's seats have changed: while it is the same, so are they all. */
uint64_t registry_seat_changes(const struct registry *registry);

#endif
