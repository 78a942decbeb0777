/* The incident of 2005 as the demo replays it, from other seeds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_BENCH_DETECTION_DEMO_H
#define EPICENTER_TESTS_BENCH_DETECTION_DEMO_H

#include <stdbool.h>
#include <stdint.h>

/* Simulates the fleet, analyses it, and says whether all is as it was: the one bad update held, its
 * segment exactly right, no other held or suspected. */
bool demo_is_right(uint64_t seed);

#endif
