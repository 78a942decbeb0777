/* Risk sets against a brute-force twin: plain lists of hosts and installations, looked through anew
 * for every minute.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/exposure.h"
#include "analyzer/exposure_cells.h"
#include "analyzer/exposure_part.h"
#include "analyzer/exposure_refresh.h"
#include "analyzer/segment.h"
#include "common/random_stream.h"

enum { HOSTS = 120, UPDATES = 5, MINUTES = 150, WINDOW = 60, SEGMENTS = 3, INSTALLS = 8 };
#define FIRST_MINUTE 2790000

/* The twin: what is true of each host, and nothing counted up. */
struct twin_host {
    bool healthy;
    unsigned stands_for[SIGN_COUNT]; /* so many hosts, this minute */
    int32_t healthy_since;
    uint32_t segment;
    struct {
        uint32_t update;
        int32_t heard;
    } installs[INSTALLS];
    size_t install_count;
};

/* 0 long ago, else 1 to 3 by age: the header's table for a host that reports every five minutes and
 * so is found silent after fifteen, written out again. */
static int twin_class(int32_t age)
{
    return age >= WINDOW + 10 ? 0 : age < 15 ? 1 : age < 30 ? 2 : 3;
}

static int twin_age(const struct twin_host *host, uint32_t update, int32_t now)
{
    int age_class = 0;
    for (size_t i = 0; i < host->install_count; i++) {
        if (host->installs[i].update == update) {
            age_class = twin_class(now - host->installs[i].heard); /* told in order */
        }
    }
    return age_class;
}

/* Alike for judging `update`: same segment, same age class of every other update, and about equally
 * long healthy. */
static bool twin_alike(const struct twin_host *a, const struct twin_host *b, uint32_t update,
                       int32_t now)
{
    bool alike = a->segment == b->segment &&
                 twin_class(now - a->healthy_since) == twin_class(now - b->healthy_since);
    for (uint32_t u = 0; u < UPDATES; u++) {
        alike &= u == update || twin_age(a, u, now) == twin_age(b, u, now);
    }
    return alike;
}

/* The sums over all contrasts of one update in one minute, which do not depend on their order. */
struct contrast_sums {
    uint64_t contrasts, exposed, control, unexposed, onsets, exposed_onsets;
};

/* Every unexposed host stands for a contrast with those alike; the first of its kind counts. */
static struct contrast_sums twin_contrasts(const struct twin_host *hosts, const int *onset,
                                           uint32_t update, int sign, int32_t now)
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
            int age = twin_age(&hosts[j], update, now);
            bool exposed = age > 1 || (age == 1 && sign == SIGN_SEEN); /* fresh: not to silence */
            unsigned count = hosts[j].stands_for[sign];
            bool turned = onset[j] == sign && count > 0;
            first &= age != 0 || j >= i;
            one.exposed += exposed ? count : 0;
            one.control += exposed ? 0 : count;
            one.unexposed += age == 0 ? count : 0;
            one.onsets += turned;
            one.exposed_onsets += exposed && turned;
        }
        if (first && one.exposed > 0 && one.unexposed > 0 && one.onsets > 0) {
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

/* ---- One host at a time ---- */

static struct exposure_part *open_part(struct exposure *exposure, struct fleet *fleet,
                                       struct exposure_parts *parts)
{
    struct failure failure;
    const uint32_t installs = 1;
    *parts = (struct exposure_parts){0};
    assert_true(exposure_open_parts(parts, exposure, fleet, 1, &failure));
    assert_true(exposure_let_install(parts, &installs, &failure));
    return &parts->part[0];
}

static void close_part(struct exposure_parts *parts, uint32_t host)
{
    struct failure failure;
    assert_true(exposure_recount(&parts->part[0], host, &failure));
    assert_true(exposure_join_parts(parts, &failure));
    exposure_free_parts(parts);
}

static void recount(struct exposure *exposure, struct fleet *fleet, uint32_t host)
{
    static struct exposure_parts parts;
    (void)open_part(exposure, fleet, &parts);
    close_part(&parts, host);
}

/* The installation's record, or EXPOSURE_NONE. */
static uint32_t install(struct exposure *exposure, struct fleet *fleet, uint32_t host,
                        uint32_t update, fleet_second installed)
{
    static struct exposure_parts parts;
    struct failure failure;
    uint32_t record;
    struct exposure_part *part = open_part(exposure, fleet, &parts);
    assert_true(exposure_want(part, &fleet->hosts[host], update, installed, &failure));
    exposure_follow(&parts);
    assert_true(exposure_install(part, host, update, installed, &record, &failure));
    close_part(&parts, host);
    return record;
}

static void roll_back(struct exposure *exposure, struct fleet *fleet, uint32_t host,
                      uint32_t update)
{
    static struct exposure_parts parts;
    exposure_roll_back(open_part(exposure, fleet, &parts), host, update);
    close_part(&parts, host);
}

/* ---- Worlds ---- */

static void build(struct world *world, uint64_t seed)
{
    struct failure failure;
    *world = (struct world){.random = random_stream_new(seed, 0)};
    exposure_init(&world->exposure, WINDOW, NULL);
    assert_true(exposure_begin_minute(&world->exposure, &world->fleet, FIRST_MINUTE - 1, &failure));
    assert_true(exposure_know_update(&world->exposure, UPDATES - 1, &failure));
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct uuid id = {{(uint8_t)i, 1}};
        uint32_t host;
        assert_true(fleet_add(&world->fleet, &id, i, &host, &failure));
        world->fleet.hosts[i].segment = i % SEGMENTS;
        world->fleet.hosts[i].state = HOST_HEALTHY;
        world->fleet.hosts[i].since = (FIRST_MINUTE - 200) * 60;
        world->twins[i] = (struct twin_host){
            .healthy = true, .healthy_since = FIRST_MINUTE - 200, .segment = i % SEGMENTS};
        recount(&world->exposure, &world->fleet, i);
    }
}

static void tear_down(struct world *world)
{
    exposure_free(&world->exposure);
    fleet_free(&world->fleet);
}

static void install_some(struct world *world, int32_t now)
{
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct twin_host *twin = &world->twins[i];
        if (random_below(&world->random, 25) != 0 || twin->install_count == INSTALLS) {
            continue;
        }
        uint32_t update = (uint32_t)random_below(&world->random, UPDATES);
        int32_t minute = now - (int32_t)random_below(&world->random, 15);
        bool again = twin_age(twin, update, now) != 0;
        for (size_t k = 0; k < twin->install_count; k++) {
            again |= twin->installs[k].update == update && abs(twin->installs[k].heard - now) < 20;
        }
        if (again) {
            continue; /* retold installations have a test of their own */
        }
        assert_int_not_equal(install(&world->exposure, &world->fleet, i, update, minute * 60),
                             EXPOSURE_NONE);
        twin->installs[twin->install_count].update = update;
        twin->installs[twin->install_count++].heard = now;
    }
}

static void compare_minute(struct world *world, const int *onset, int32_t now)
{
    for (uint32_t each = 0; each < UPDATES * SIGN_COUNT; each++) {
        uint32_t update = each / SIGN_COUNT;
        enum exposure_sign sign = (enum exposure_sign)(each % SIGN_COUNT);
        struct contrast_sums sums = {0};
        for (size_t i = 0; i < world->exposure.contrast_count; i++) {
            const struct exposure_contrast *contrast = &world->exposure.contrasts[i];
            if (contrast->update == update && contrast->sign == sign && !contrast->shared) {
                sums.contrasts++;
                sums.exposed += contrast->exposed_at_risk;
                sums.control += contrast->control_at_risk;
                sums.onsets += contrast->onsets;
                sums.exposed_onsets += contrast->exposed_onsets;
            }
        }
        struct contrast_sums twin = twin_contrasts(world->twins, onset, update, (int)sign, now);
        assert_int_equal(sums.contrasts, twin.contrasts);
        assert_int_equal(sums.exposed, twin.exposed);
        assert_int_equal(sums.control, twin.control);
        assert_int_equal(sums.onsets, twin.onsets);
        assert_int_equal(sums.exposed_onsets, twin.exposed_onsets);
    }
}

static void change_health(struct world *world, uint32_t host, bool healthy, int32_t now)
{
    if (healthy && !world->twins[host].healthy) {
        world->fleet.hosts[host].since = now * 60;
        world->twins[host].healthy_since = now;
    }
    world->fleet.hosts[host].state = healthy ? HOST_HEALTHY : HOST_PINNED;
    world->twins[host].healthy = healthy;
    recount(&world->exposure, &world->fleet, host);
}

/* Who tells of an installation is left out of what is seen in that minute; a quarter of an hour
 * later it stands for as many hosts as there are minutes between reports. */
static void note_standing(struct twin_host *host, int32_t now)
{
    host->stands_for[SIGN_SEEN] = host->stands_for[SIGN_SILENT] = 1;
    for (size_t i = 0; i < host->install_count; i++) {
        bool last = true;
        for (size_t later = i + 1; later < host->install_count; later++) {
            last &= host->installs[later].update != host->installs[i].update;
        }
        if (host->installs[i].heard == now) {
            host->stands_for[SIGN_SEEN] = 0;
        } else if (last && now - host->installs[i].heard == 15) {
            host->stands_for[SIGN_SILENT] = 5;
        }
    }
}

static void risk_sets_equal_the_twin(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        static struct world world;
        struct failure failure;
        build(&world, seed);
        for (int32_t now = FIRST_MINUTE; now < FIRST_MINUTE + MINUTES; now++) {
            int onset[HOSTS];
            assert_true(exposure_begin_minute(&world.exposure, &world.fleet, now, &failure));
            install_some(&world, now);
            for (uint32_t i = 0; i < HOSTS; i++) {
                onset[i] = -1;
                note_standing(&world.twins[i], now);
                if (world.twins[i].healthy && random_below(&world.random, 20) == 0) {
                    /* Nobody is found silent who could not be. */
                    bool fresh = twin_class(now - world.twins[i].healthy_since) == 1;
                    for (uint32_t u = 0; u < UPDATES; u++) {
                        fresh |= twin_age(&world.twins[i], u, now) == 1;
                    }
                    onset[i] = fresh ? SIGN_SEEN : (int)random_below(&world.random, SIGN_COUNT);
                    exposure_note_onset(&world.exposure, &world.fleet.hosts[i],
                                        (enum exposure_sign)onset[i], true);
                }
            }
            exposure_note_told(&world.exposure, &world.fleet);
            assert_true(exposure_end_minute(&world.exposure, &failure));
            compare_minute(&world, onset, now);
            for (uint32_t i = 0; i < HOSTS; i++) {
                if (onset[i] >= 0) {
                    change_health(&world, i, false, now);
                } else if (!world.twins[i].healthy && random_below(&world.random, 6) == 0) {
                    change_health(&world, i, true, now);
                }
            }
        }
        tear_down(&world);
    }
}

/* The same installations on every host, then a host that separates them. */
static void updates_that_always_come_together_are_a_bundle(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    build(&world, 5);
    int32_t now = FIRST_MINUTE;
    assert_true(exposure_begin_minute(&world.exposure, &world.fleet, now, &failure));
    for (uint32_t i = 0; i < 30; i++) {
        for (uint32_t update = 1; update <= 2; update++) {
            (void)install(&world.exposure, &world.fleet, i, update, now * 60);
        }
    }
    /* In that minute itself who tells of them is left out. */
    exposure_note_told(&world.exposure, &world.fleet);
    assert_true(exposure_end_minute(&world.exposure, &failure));
    assert_int_equal(world.exposure.contrast_count, 0);
    assert_true(exposure_begin_minute(&world.exposure, &world.fleet, now + 1, &failure));
    exposure_note_onset(&world.exposure, &world.fleet.hosts[0], SIGN_SEEN, true);
    assert_true(exposure_end_minute(&world.exposure, &failure));
    /* Ten exposed and thirty others in the first host's segment; to the account of each. */
    assert_int_equal(world.exposure.contrast_count, 2);
    for (uint32_t k = 0; k < 2; k++) {
        const struct exposure_contrast *contrast = &world.exposure.contrasts[k];
        assert_true(contrast->shared && contrast->update == k + 1);
        assert_int_equal(contrast->exposed_at_risk, 10);
        assert_int_equal(contrast->control_at_risk, 30);
        assert_int_equal(contrast->exposed_onsets, 1);
        assert_int_equal(world.exposure.updates[k + 1].mate_count, 1);
        assert_int_equal(world.exposure.updates[k + 1].mates[0].update, 2 - k);
        assert_true(world.exposure.updates[k + 1].mates[0].together);
    }
    for (uint32_t i = 30; i < 60; i++) {
        (void)install(&world.exposure, &world.fleet, i, 1, now * 60);
    }
    assert_true(exposure_end_minute(&world.exposure, &failure));
    assert_false(world.exposure.updates[1].mates[0].together);
    assert_false(world.exposure.updates[2].mates[0].together);
    tear_down(&world);
}

/* Two builds of one product: all hosts of one have the update, none of the other. Thin as they are
 * they are compared with each other; a region apart they are not. */
static void thin_strata_are_compared_within_their_parent(void **state)
{
    (void)state;
    struct segments segments = {0};
    struct exposure exposure;
    struct fleet fleet = {0};
    struct failure failure;
    uint32_t segment[3];
    static const char *const said[3][2] = {{"1", "JP"}, {"2", "JP"}, {"3", "EMEA"}};
    for (uint32_t s = 0; s < 3; s++) {
        struct report_attribute attributes[] = {
            {"build", said[s][0]}, {"product_line", "Endpoint"}, {"region", said[s][1]}};
        struct uuid id = report_segment_id(attributes, 3);
        assert_true(segments_intern(&segments, &id, attributes, 3, &segment[s], &failure));
    }
    exposure_init(&exposure, WINDOW, &segments);
    assert_true(exposure_know_update(&exposure, 0, &failure));
    assert_true(exposure_begin_minute(&exposure, &fleet, FIRST_MINUTE, &failure));
    for (uint32_t i = 0; i < 60; i++) {
        struct uuid id = {{(uint8_t)i, 1}};
        uint32_t host;
        assert_true(fleet_add(&fleet, &id, i, &host, &failure));
        fleet.hosts[i].segment = segment[i % 3];
        fleet.hosts[i].state = HOST_HEALTHY;
        recount(&exposure, &fleet, i);
        if (i % 3 == 0) {
            (void)install(&exposure, &fleet, i, 0, FIRST_MINUTE * 60);
        }
    }
    exposure_note_told(&exposure, &fleet);
    assert_true(exposure_end_minute(&exposure, &failure));
    assert_true(exposure_begin_minute(&exposure, &fleet, FIRST_MINUTE + 1, &failure));
    exposure_note_onset(&exposure, &fleet.hosts[0], SIGN_SEEN, true);
    exposure_note_onset(&exposure, &fleet.hosts[1], SIGN_SEEN, true);
    exposure_note_onset(&exposure, &fleet.hosts[2], SIGN_SEEN, true);
    assert_true(exposure_end_minute(&exposure, &failure));
    assert_int_equal(exposure.contrast_count, 1);
    const struct exposure_contrast *contrast = &exposure.contrasts[0];
    assert_int_equal(contrast->exposed_at_risk, 20);
    assert_int_equal(contrast->control_at_risk, 20);
    assert_int_equal(contrast->onsets, 2);
    assert_int_equal(contrast->exposed_onsets, 1);
    assert_int_equal(contrast->member_count, 1);
    const struct exposure_member *member = &exposure.members[contrast->first_member];
    assert_int_equal(exposure.strata[member->stratum].segment, segment[0]);
    exposure_free(&exposure);
    fleet_free(&fleet);
    segments_free(&segments);
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
        change_health(&world, (uint32_t)random_below(&world.random, HOSTS), now % 2 == 0, now);
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

static void expect_quiet(const struct exposure *exposure, uint32_t segment, double minutes,
                         double onsets)
{
    uint32_t stratum = exposure_look_up_stratum(exposure, segment, 0);
    assert_int_not_equal(stratum, EXPOSURE_NONE);
    assert_true(fabs(exposure->strata[stratum].quiet.minutes[SIGN_SEEN] - minutes) < 1e-9);
    assert_true(fabs(exposure->strata[stratum].quiet.onsets[SIGN_SEEN] - onsets) < 1e-9);
}

/* Forty hosts of a kind have a quiet minute with eight onsets; the update makes another kind of ten
 * of them, which nobody was before. A quarter of the past is theirs. */
static void hosts_take_their_past_along(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    build(&world, 3);
    assert_true(exposure_begin_minute(&world.exposure, &world.fleet, FIRST_MINUTE, &failure));
    for (uint32_t i = 0; i < 8 * SEGMENTS; i += SEGMENTS) {
        exposure_note_onset(&world.exposure, &world.fleet.hosts[i], SIGN_SEEN, true);
    }
    assert_true(exposure_end_minute(&world.exposure, &failure));
    expect_quiet(&world.exposure, 0, 40, 8);
    assert_true(exposure_begin_minute(&world.exposure, &world.fleet, FIRST_MINUTE + 1, &failure));
    for (uint32_t i = 0; i < 10 * SEGMENTS; i += SEGMENTS) {
        world.fleet.hosts[i].segment = SEGMENTS;
        (void)install(&world.exposure, &world.fleet, i, 0, (FIRST_MINUTE + 1) * 60);
    }
    expect_quiet(&world.exposure, 0, 30, 6);
    expect_quiet(&world.exposure, SEGMENTS, 10, 2);
    tear_down(&world);
}

static void the_same_installation_told_again_counts_once(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    build(&world, 3);
    int32_t at = FIRST_MINUTE * 60;
    assert_true(exposure_begin_minute(&world.exposure, &world.fleet, FIRST_MINUTE, &failure));
    assert_int_not_equal(install(&world.exposure, &world.fleet, 0, 2, at), EXPOSURE_NONE);
    assert_true(exposure_begin_minute(&world.exposure, &world.fleet, FIRST_MINUTE + 3, &failure));
    assert_int_equal(install(&world.exposure, &world.fleet, 0, 2, at + 4), EXPOSURE_NONE);
    assert_int_equal(world.exposure.updates[2].installed, 1);
    assert_int_equal(world.exposure.updates[2].exposed_now, 1);
    roll_back(&world.exposure, &world.fleet, 0, 2);
    assert_int_equal(world.exposure.updates[2].exposed_now, 0);
    assert_int_equal(world.exposure.updates[2].rolled_back, 1);
    tear_down(&world);
}

/* An agent that tells with each report, as of now, what it has: one installation while it exposes,
 * which ends when that of whoever tells once does. */
static void what_is_told_in_every_report_is_installed_once(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    build(&world, 3);
    const struct fleet_host *hosts = world.fleet.hosts;
    for (int32_t now = FIRST_MINUTE; now < FIRST_MINUTE + WINDOW; now++) {
        assert_true(exposure_begin_minute(&world.exposure, &world.fleet, now, &failure));
        if (now == FIRST_MINUTE) {
            (void)install(&world.exposure, &world.fleet, 1, 2, now * 60);
        }
        if ((now - FIRST_MINUTE) % 5 == 0) {
            uint32_t record = install(&world.exposure, &world.fleet, 0, 2, now * 60);
            assert_int_equal(record != EXPOSURE_NONE, now == FIRST_MINUTE);
        }
        assert_int_not_equal(exposure_host_mask(&world.exposure, &hosts[0]), 0);
        assert_int_equal(exposure_host_mask(&world.exposure, &hosts[0]),
                         exposure_host_mask(&world.exposure, &hosts[1]));
    }
    assert_int_equal(world.exposure.updates[2].installed, 2);
    tear_down(&world);
}

/* More updates than slots: the one too many is counted, and followed once a slot is free. */
static void one_update_too_many_waits(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    build(&world, 3);
    assert_true(exposure_know_update(&world.exposure, EXPOSURE_SLOTS + 1, &failure));
    assert_true(exposure_begin_minute(&world.exposure, &world.fleet, FIRST_MINUTE, &failure));
    for (uint32_t u = 0; u <= EXPOSURE_SLOTS; u++) {
        (void)install(&world.exposure, &world.fleet, u, u, FIRST_MINUTE * 60);
    }
    assert_int_equal(world.exposure.updates[EXPOSURE_SLOTS].slot, EXPOSURE_NONE);
    assert_int_equal(world.exposure.updates[EXPOSURE_SLOTS].installed, 1);
    for (int32_t now = FIRST_MINUTE + 1; now <= FIRST_MINUTE + WINDOW + 10; now++) {
        assert_true(exposure_begin_minute(&world.exposure, &world.fleet, now, &failure));
    }
    (void)install(&world.exposure, &world.fleet, 50, EXPOSURE_SLOTS,
                  (FIRST_MINUTE + WINDOW + 10) * 60);
    assert_int_not_equal(world.exposure.updates[EXPOSURE_SLOTS].slot, EXPOSURE_NONE);
    tear_down(&world);
}

/* Records given to a part and not used look like no update's installation. */
static void only_what_was_installed_is_an_installation(void **state)
{
    (void)state;
    static struct world world;
    struct failure failure;
    build(&world, 3);
    assert_true(exposure_begin_minute(&world.exposure, &world.fleet, FIRST_MINUTE, &failure));
    (void)install(&world.exposure, &world.fleet, 7, 0, FIRST_MINUTE * 60);
    (void)install(&world.exposure, &world.fleet, 8, 0, FIRST_MINUTE * 60);
    (void)install(&world.exposure, &world.fleet, 8, 0, FIRST_MINUTE * 60); /* told again */
    roll_back(&world.exposure, &world.fleet, 7, 0);
    int found = 0;
    for (uint32_t i = 0; i < world.exposure.install_count; i++) {
        found += world.exposure.installs[i].update == 0;
    }
    assert_int_equal(found, 2);
    tear_down(&world);
}

static void begin_minutes(struct world *world, int32_t first, int32_t last)
{
    struct failure failure;
    for (int32_t now = first; now <= last; now++) {
        assert_true(exposure_begin_minute(&world->exposure, &world->fleet, now, &failure));
    }
}

/* A host that used to report every half hour and now does every five minutes: an installation of
 * old is over by what it does now, and down for the ninetieth minute by what it did then. */
static void a_record_that_is_due_is_nobody_elses(void **state)
{
    (void)state;
    static struct world world;
    build(&world, 3);
    begin_minutes(&world, FIRST_MINUTE, FIRST_MINUTE);
    world.fleet.hosts[0].interval_s = 1800;
    uint32_t record = install(&world.exposure, &world.fleet, 0, 1, FIRST_MINUTE * 60);
    world.fleet.hosts[0].interval_s = 300;
    roll_back(&world.exposure, &world.fleet, 0, 1);
    begin_minutes(&world, FIRST_MINUTE + 1, FIRST_MINUTE + 80);
    for (uint32_t update = 2; update < 7; update++) {
        (void)install(&world.exposure, &world.fleet, 0, update % UPDATES,
                      (FIRST_MINUTE + 80 - 6 * (int32_t)update) * 60);
    }
    assert_int_equal(world.exposure.installs[record].installed, FIRST_MINUTE * 60);
    begin_minutes(&world, FIRST_MINUTE + 81, FIRST_MINUTE + 90);
    roll_back(&world.exposure, &world.fleet, 0, 2); /* or it would be told again */
    (void)install(&world.exposure, &world.fleet, 0, 2, (FIRST_MINUTE + 90) * 60);
    assert_int_equal(world.exposure.installs[record].update, EXPOSURE_NONE);
    tear_down(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(risk_sets_equal_the_twin),
        cmocka_unit_test(updates_that_always_come_together_are_a_bundle),
        cmocka_unit_test(thin_strata_are_compared_within_their_parent),
        cmocka_unit_test(every_healthy_host_is_counted_once),
        cmocka_unit_test(hosts_take_their_past_along),
        cmocka_unit_test(the_same_installation_told_again_counts_once),
        cmocka_unit_test(what_is_told_in_every_report_is_installed_once),
        cmocka_unit_test(one_update_too_many_waits),
        cmocka_unit_test(only_what_was_installed_is_an_installation),
        cmocka_unit_test(a_record_that_is_due_is_nobody_elses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
