/* Risk sets against a brute-force twin: plain lists of hosts and installations, looked through anew
 * for every minute.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/exposure.h"
#include "analyzer/segment.h"
#include "common/random_stream.h"

enum { HOSTS = 120, UPDATES = 5, MINUTES = 150, WINDOW = 60, SEGMENTS = 3, INSTALLS = 8 };
#define FIRST_MINUTE 2790000

/* The twin: what is true of each host, and nothing counted up. */
struct twin_host {
    bool healthy;
    uint32_t segment;
    struct {
        uint32_t update;
        int32_t minute;
    } installs[INSTALLS];
    size_t install_count;
};

/* 0 not exposed, else 1 to 3 by age: the header's table, written out again. */
static int twin_age(const struct twin_host *host, uint32_t update, int32_t now)
{
    int age_class = 0;
    int32_t newest = INT32_MIN;
    for (size_t i = 0; i < host->install_count; i++) {
        if (host->installs[i].update == update && host->installs[i].minute > newest) {
            newest = host->installs[i].minute;
            int32_t age = now - newest;
            age_class = age >= WINDOW ? 0 : age < 10 ? 1 : age < 20 ? 2 : 3;
        }
    }
    return age_class;
}

/* Alike for judging `update`: same segment, same age class of every other update. */
static bool twin_alike(const struct twin_host *a, const struct twin_host *b, uint32_t update,
                       int32_t now)
{
    bool alike = a->segment == b->segment;
    for (uint32_t u = 0; u < UPDATES; u++) {
        alike &= u == update || twin_age(a, u, now) == twin_age(b, u, now);
    }
    return alike;
}

/* The sums over all contrasts of one update in one minute, which do not depend on their order. */
struct contrast_sums {
    uint64_t contrasts, exposed, control, onsets, exposed_onsets;
};

/* Every unexposed host stands for a contrast with those alike; the first of its kind counts. */
static struct contrast_sums twin_contrasts(const struct twin_host *hosts, const bool *onset,
                                           uint32_t update, int32_t now)
{
    struct contrast_sums sums = {0};
    for (uint32_t i = 0; i < HOSTS; i++) {
        if (!hosts[i].healthy || twin_age(&hosts[i], update, now) != 0) {
            continue;
        }
        bool first = true;
        struct contrast_sums one = {0};
        for (uint32_t j = 0; j < HOSTS; j++) {
            if (!hosts[j].healthy || !twin_alike(&hosts[i], &hosts[j], update, now)) {
                continue;
            }
            bool exposed = twin_age(&hosts[j], update, now) != 0;
            first &= exposed || j >= i;
            one.exposed += exposed;
            one.control += !exposed;
            one.onsets += onset[j];
            one.exposed_onsets += exposed && onset[j];
        }
        if (first && one.exposed > 0 && one.onsets > 0) {
            sums.contrasts++;
            sums.exposed += one.exposed;
            sums.control += one.control;
            sums.onsets += one.onsets;
            sums.exposed_onsets += one.exposed_onsets;
        }
    }
    return sums;
}

struct world {
    struct fleet fleet;
    struct exposure exposure;
    struct twin_host twins[HOSTS];
    struct random_stream random;
};

static void build(struct world *world, uint64_t seed)
{
    struct failure failure;
    *world = (struct world){.random = random_stream_new(seed, 0)};
    exposure_init(&world->exposure, WINDOW);
    assert_true(exposure_know_update(&world->exposure, UPDATES - 1, &failure));
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct uuid id = {{(uint8_t)i, 1}};
        uint32_t host;
        assert_true(fleet_add(&world->fleet, &id, i, &host, &failure));
        world->fleet.hosts[i].segment = i % SEGMENTS;
        world->fleet.hosts[i].state = HOST_HEALTHY;
        world->twins[i] = (struct twin_host){.healthy = true, .segment = i % SEGMENTS};
        assert_true(exposure_refresh(&world->exposure, &world->fleet, i, &failure));
    }
}

static void tear_down(struct world *world)
{
    exposure_free(&world->exposure);
    fleet_free(&world->fleet);
}

static void install_some(struct world *world, int32_t now)
{
    struct failure failure;
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct twin_host *twin = &world->twins[i];
        if (random_below(&world->random, 25) != 0 || twin->install_count == INSTALLS) {
            continue;
        }
        uint32_t update = (uint32_t)random_below(&world->random, UPDATES);
        int32_t minute = now - (int32_t)random_below(&world->random, 15);
        bool again = false;
        for (size_t k = 0; k < twin->install_count; k++) {
            again |=
                twin->installs[k].update == update && abs(twin->installs[k].minute - minute) < 20;
        }
        if (again) {
            continue; /* retold installations have a test of their own */
        }
        uint32_t install;
        assert_true(exposure_install(&world->exposure, &world->fleet, i, update, minute * 60, now,
                                     &install, &failure));
        assert_int_not_equal(install, EXPOSURE_NONE);
        /* An older installation told later does not renew the exposure the twin gives by the
         * newest; so only tell it in order. */
        twin->installs[twin->install_count].update = update;
        twin->installs[twin->install_count++].minute = minute;
    }
}

static void compare_minute(struct world *world, const bool *onset, int32_t now)
{
    for (uint32_t update = 0; update < UPDATES; update++) {
        struct contrast_sums sums = {0};
        for (size_t i = 0; i < world->exposure.contrast_count; i++) {
            const struct exposure_contrast *contrast = &world->exposure.contrasts[i];
            if (contrast->update == update) {
                sums.contrasts++;
                sums.exposed += contrast->exposed_at_risk;
                sums.control += contrast->control_at_risk;
                sums.onsets += contrast->onsets;
                sums.exposed_onsets += contrast->exposed_onsets;
            }
        }
        struct contrast_sums twin = twin_contrasts(world->twins, onset, update, now);
        assert_int_equal(sums.contrasts, twin.contrasts);
        assert_int_equal(sums.exposed, twin.exposed);
        assert_int_equal(sums.control, twin.control);
        assert_int_equal(sums.onsets, twin.onsets);
        assert_int_equal(sums.exposed_onsets, twin.exposed_onsets);
    }
}

static void change_health(struct world *world, uint32_t host, bool healthy)
{
    struct failure failure;
    world->fleet.hosts[host].state = healthy ? HOST_HEALTHY : HOST_PINNED;
    world->twins[host].healthy = healthy;
    assert_true(exposure_refresh(&world->exposure, &world->fleet, host, &failure));
}

static void risk_sets_equal_the_twin(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        static struct world world;
        struct failure failure;
        build(&world, seed);
        for (int32_t now = FIRST_MINUTE; now < FIRST_MINUTE + MINUTES; now++) {
            bool onset[HOSTS] = {false};
            assert_true(exposure_begin_minute(&world.exposure, &world.fleet, now, &failure));
            install_some(&world, now);
            for (uint32_t i = 0; i < HOSTS; i++) {
                if (world.twins[i].healthy && random_below(&world.random, 20) == 0) {
                    onset[i] = true;
                    exposure_note_onset(&world.exposure, &world.fleet.hosts[i], SIGN_SEEN, true);
                }
            }
            assert_true(exposure_end_minute(&world.exposure, &failure));
            compare_minute(&world, onset, now);
            for (uint32_t i = 0; i < HOSTS; i++) {
                if (onset[i]) {
                    change_health(&world, i, false);
                } else if (!world.twins[i].healthy && random_below(&world.random, 6) == 0) {
                    change_health(&world, i, true);
                }
            }
        }
        tear_down(&world);
    }
}

/* at_risk adds up to the healthy hosts, always. */
static void every_healthy_host_is_counted_once(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    build(&world, 11);
    for (int32_t now = FIRST_MINUTE; now < FIRST_MINUTE + 90; now++) {
        assert_true(exposure_begin_minute(&world.exposure, &world.fleet, now, &failure));
        install_some(&world, now);
        change_health(&world, (uint32_t)random_below(&world.random, HOSTS), now % 2 == 0);
        assert_true(exposure_end_minute(&world.exposure, &failure));
        uint32_t counted = 0;
        uint32_t healthy = 0;
        for (uint32_t s = 0; s < world.exposure.stratum_count; s++) {
            for (uint32_t c = world.exposure.strata[s].first_cell; c != EXPOSURE_NONE;
                 c = world.exposure.cells[c].next) {
                counted += world.exposure.cells[c].at_risk;
            }
        }
        for (uint32_t i = 0; i < HOSTS; i++) {
            healthy += world.twins[i].healthy;
        }
        assert_int_equal(counted, healthy);
    }
    tear_down(&world);
}

static void the_same_installation_told_again_counts_once(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    uint32_t install;
    build(&world, 3);
    int32_t at = FIRST_MINUTE * 60;
    assert_true(exposure_install(&world.exposure, &world.fleet, 0, 2, at, FIRST_MINUTE, &install,
                                 &failure));
    assert_int_not_equal(install, EXPOSURE_NONE);
    assert_true(exposure_install(&world.exposure, &world.fleet, 0, 2, at + 4, FIRST_MINUTE + 3,
                                 &install, &failure));
    assert_int_equal(install, EXPOSURE_NONE);
    assert_int_equal(world.exposure.updates[2].installed, 1);
    assert_int_equal(world.exposure.updates[2].exposed_now, 1);
    assert_true(exposure_roll_back(&world.exposure, &world.fleet, 0, 2, &failure));
    assert_int_equal(world.exposure.updates[2].exposed_now, 0);
    assert_int_equal(world.exposure.updates[2].rolled_back, 1);
    tear_down(&world);
}

/* More updates than slots: the one too many is counted, and followed once a slot is free. */
static void one_update_too_many_waits(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    uint32_t install;
    build(&world, 3);
    assert_true(exposure_know_update(&world.exposure, EXPOSURE_SLOTS + 1, &failure));
    for (uint32_t u = 0; u <= EXPOSURE_SLOTS; u++) {
        assert_true(exposure_install(&world.exposure, &world.fleet, u, u, FIRST_MINUTE * 60,
                                     FIRST_MINUTE, &install, &failure));
    }
    assert_int_equal(world.exposure.updates[EXPOSURE_SLOTS].slot, EXPOSURE_NONE);
    assert_int_equal(world.exposure.updates[EXPOSURE_SLOTS].installed, 1);
    for (int32_t now = FIRST_MINUTE; now <= FIRST_MINUTE + WINDOW; now++) {
        assert_true(exposure_begin_minute(&world.exposure, &world.fleet, now, &failure));
    }
    assert_true(exposure_install(&world.exposure, &world.fleet, 50, EXPOSURE_SLOTS,
                                 (FIRST_MINUTE + WINDOW) * 60, FIRST_MINUTE + WINDOW, &install,
                                 &failure));
    assert_int_not_equal(world.exposure.updates[EXPOSURE_SLOTS].slot, EXPOSURE_NONE);
    tear_down(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(risk_sets_equal_the_twin),
        cmocka_unit_test(every_healthy_host_is_counted_once),
        cmocka_unit_test(the_same_installation_told_again_counts_once),
        cmocka_unit_test(one_update_too_many_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
