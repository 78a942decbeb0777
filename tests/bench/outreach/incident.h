/* What does an order of calling cost? An incident made up with a fixed seed: customers with hosts
 * that are down, what an hour of that costs each, and whether it leaves over it. A desk of agents
 * calls them in one order or another; the loss until everybody is called or has helped himself is
 * what the order cost.
 *
 * What the order is not told: costs an hour scatter fivefold around what outreach.c takes them for,
 * calls last longer or shorter, hosts recover by themselves, patience ends sooner or later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_OUTREACH_INCIDENT_H
#define EPICENTER_TESTS_BENCH_OUTREACH_INCIDENT_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/outreach.h"

enum policy { POLICY_OURS, POLICY_SEATS, POLICY_TIER, POLICY_FIRST_COME };
#define POLICIES (POLICY_FIRST_COME + 1)

struct incident;

/* `count` customers as outreach_order gets them, and the truth about them. */
struct incident *incident_new(uint64_t seed, size_t count);
void incident_free(struct incident *incident);
const struct outreach_candidate *incident_candidates(const struct incident *incident);
instant_us incident_began_at(const struct incident *incident);

/* The loss in USD when `agents` call in that order for two days. */
double incident_loss(const struct incident *incident, enum policy policy, size_t agents);

#endif
