/* The table by segment against sums by hand. Every onset has a minute of its own, so that the most
 * likely ratio is that of plain rates, and what is expected of the exposed hosts of a stratum is
 * its control's onsets, by how many times as many hosts are exposed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/analysis_state.h"

/* The likely ratio lies between two points of a grid by a parabola. */
#define INTERPOLATED 0.005

enum { UPDATE = 0, STRATA = 3, EXPOSED_HOSTS = 500 };
enum stratum { SERVERS, LAPTOPS, SPARE_LAPTOPS };

static const char *const said[STRATA][2] = {
    {"server", "here"}, {"laptop", "here"}, {"laptop", "elsewhere"}};

struct world {
    struct analysis analysis;
    struct exposure_stratum strata[STRATA];
    struct exposure_tally tallies[STRATA];
    struct exposure_update update;
    struct update_state state;
    struct arena arena;
    struct update_answer answer;
};

/* Nobody of the last stratum has the update; it is there so that sites differ. */
static void build(struct world *world)
{
    static const char *const names[] = {"kind", "site"};
    struct analysis *analysis = &world->analysis;
    struct failure failure;
    memset(world, 0, sizeof *world);
    for (uint32_t s = 0; s < STRATA; s++) {
        struct report_attribute attributes[] = {{names[0], said[s][0]}, {names[1], said[s][1]}};
        struct uuid id = report_segment_id(attributes, 2);
        uint32_t number;
        assert_true(segments_intern(&analysis->segments, &id, attributes, 2, &number, &failure));
        assert_int_equal(number, s);
        world->strata[s].segment = s;
        world->tallies[s] = (struct exposure_tally){
            .stratum = s, .next = s + 1, .exposed_hosts = s == SPARE_LAPTOPS ? 0 : EXPOSED_HOSTS};
    }
    world->tallies[STRATA - 1].next = EXPOSURE_NONE;
    analysis->options.alpha = 0.001;
    analysis->options.margin = 1.5;
    analysis->exposure.strata = world->strata;
    analysis->exposure.tallies = world->tallies;
    analysis->exposure.updates = &world->update;
    analysis->exposure.update_count = 1;
    analysis->states = &world->state;
    analysis->state_count = 1;
}

static void tear_down(struct world *world)
{
    lattice_free(&world->analysis.lattice);
    segments_free(&world->analysis.segments);
    arena_free(&world->arena);
}

/* So many hosts on either side, and so many minutes with one onset on either. */
struct compared_hosts {
    uint32_t exposed, control;
    unsigned exposed_onsets, control_onsets;
};

static void compare(struct world *world, uint32_t stratum, const struct compared_hosts *hosts,
                    bool shared)
{
    struct exposure *exposure = &world->analysis.exposure;
    struct failure failure;
    for (unsigned i = 0; i < hosts->exposed_onsets + hosts->control_onsets; i++) {
        bool struck = i < hosts->exposed_onsets;
        struct exposure_member member = {
            .stratum = stratum, .tally = stratum, .at_risk = hosts->exposed, .onsets = struck};
        struct exposure_contrast contrast = {.update = UPDATE,
                                             .sign = i % 3 == 0 ? SIGN_SILENT : SIGN_SEEN,
                                             .shared = shared,
                                             .exposed_at_risk = hosts->exposed,
                                             .control_at_risk = hosts->control,
                                             .onsets = 1,
                                             .exposed_onsets = struck,
                                             .member_count = 1};
        exposure->members = &member;
        exposure->contrasts = &contrast;
        exposure->contrast_count = 1;
        assert_true(
            lattice_take(&world->analysis.lattice, exposure, &world->analysis.segments, &failure));
    }
}

/* Stores the lattice and goes on with the stored one. */
static void start_again(struct lattice *lattice)
{
    struct buffer stored = {0};
    struct carry into = {.into = &stored};
    struct failure failure;
    lattice_carry(&into, lattice);
    assert_true(carry_check(&into, &failure));
    lattice_free(lattice);
    struct carry from = {.from = stored.data, .left = stored.length};
    lattice_carry(&from, lattice);
    assert_true(carry_check(&from, &failure));
    buffer_free(&stored);
}

/* Answers as the verdict is decided, by the whole fleet, after a restart. */
static void answer(struct world *world, bool suspected)
{
    struct analysis *analysis = &world->analysis;
    struct failure failure;
    start_again(&analysis->lattice);
    world->answer = (struct update_answer){.id = "pattern/1"};
    world->state.decided.rate_ratio =
        lattice_read(&analysis->lattice.updates[UPDATE], &analysis->segments,
                     analysis->options.alpha, analysis->options.margin)
            .rate_ratio;
    analysis_tell_ratio(analysis, UPDATE, &world->answer);
    assert_true(
        analysis_contrast(analysis, UPDATE, suspected, &world->arena, &world->answer, &failure));
}

static const struct contrast_row *row_of(const struct world *world, const char *value)
{
    for (size_t i = 0; i < world->answer.contrast_count; i++) {
        if (strcmp(world->answer.contrasts[i].value, value) == 0) {
            return &world->answer.contrasts[i];
        }
    }
    fail_msg("no row for %s", value);
    return NULL;
}

static void assert_row(const struct world *world, const char *value, unsigned onsets,
                       double expected)
{
    const struct contrast_row *row = row_of(world, value);
    assert_int_equal(row->compared.onsets, onsets);
    assert_true(fabs(row->compared.expected / expected - 1) < INTERPOLATED);
    assert_true(fabs(row->rate_ratio.likely * row->compared.expected / onsets - 1) < 1e-9);
    assert_true(row->rate_ratio.low < onsets / expected &&
                row->rate_ratio.high > onsets / expected);
}

/* Servers have four times the trouble of laptops and took the update sooner. By plain sums exposed
 * hosts have 65 onsets on 400 and the others 35 on 400, nearly twice the rate and beyond the
 * margin; of either kind the update changes nothing. */
static void kinds_that_differ_are_not_harm(void **state)
{
    (void)state;
    static const struct compared_hosts servers = {300, 100, 60, 20};
    static const struct compared_hosts laptops = {100, 300, 5, 15};
    double crude = (60.0 + 5) / (300 + 100) / ((20.0 + 15) / (100 + 300));
    struct world world;
    build(&world);
    compare(&world, SERVERS, &servers, false);
    compare(&world, LAPTOPS, &laptops, false);
    answer(&world, false);
    assert_true(crude > 1.8);
    assert_int_equal(world.answer.contrast_count, 3);
    assert_row(&world, "server", 60, 60);
    assert_row(&world, "laptop", 5, 5);
    assert_row(&world, "here", 65, 65);
    assert_string_equal(world.answer.contrasts[0].value, "here"); /* most onsets first */
    assert_string_equal(world.answer.contrasts[2].value, "laptop");
    assert_int_equal(row_of(&world, "laptop")->exposed_hosts, EXPOSED_HOSTS);
    tear_down(&world);
}

/* All who have it are at one site: its row is what the verdict is decided by, to the last digit;
 * and the onsets of the kinds add up to it. */
static void the_whole_is_the_verdicts(void **state)
{
    (void)state;
    static const struct compared_hosts servers = {120, 80, 40, 7};
    static const struct compared_hosts laptops = {60, 150, 4, 11};
    struct world world;
    build(&world);
    compare(&world, SERVERS, &servers, false);
    compare(&world, LAPTOPS, &laptops, false);
    answer(&world, false);
    assert_row(&world, "server", 40, 7.0 * 120 / 80);
    assert_row(&world, "laptop", 4, 11.0 * 60 / 150);
    const struct contrast_row *whole = row_of(&world, "here");
    assert_int_equal(whole->compared.onsets, 44);
    assert_int_equal(whole->compared.onsets, world.answer.compared.onsets);
    assert_true(fabs(whole->compared.expected / world.answer.compared.expected - 1) < 1e-12);
    assert_true(fabs(whole->rate_ratio.low / world.answer.rate_ratio.low - 1) < 1e-12);
    assert_true(fabs(whole->rate_ratio.high / world.answer.rate_ratio.high - 1) < 1e-12);
    tear_down(&world);
}

/* What a bundle shares is told of a suspected update until something tells it apart, and of no
 * other: it may be its mate's doing. */
static void a_bundle_is_told_of_who_is_suspected(void **state)
{
    (void)state;
    static const struct compared_hosts together = {100, 100, 40, 10};
    static const struct compared_hosts apart = {100, 200, 6, 12};
    struct world world;
    build(&world);
    compare(&world, SERVERS, &together, true);
    answer(&world, true);
    assert_row(&world, "server", 40, 10);
    answer(&world, false);
    assert_int_equal(row_of(&world, "server")->compared.onsets, 0);
    assert_true(isnan(row_of(&world, "server")->compared.expected));
    compare(&world, SERVERS, &apart, false);
    compare(&world, SERVERS, &together, true);
    answer(&world, false);
    assert_row(&world, "server", 6, 6);
    answer(&world, true);
    assert_int_equal(row_of(&world, "server")->compared.onsets, 40 + 6);
    assert_true(isnan(row_of(&world, "laptop")->compared.expected));
    lattice_forget(&world.analysis.lattice, &world.analysis.exposure, UPDATE);
    answer(&world, true);
    assert_int_equal(row_of(&world, "server")->compared.onsets, 0);
    tear_down(&world);
}

/* Nobody is left to compare with, in two minutes: against the past, which leads one to expect half
 * as much again of what is seen and twice as much silence. A ratio below 1 is told as it is. */
static void where_the_past_decides_it_is_told_of_the_past(void **state)
{
    (void)state;
    static const double factors[SIGN_COUNT] = {1.5, 2};
    static struct exposure_alone_member members[] = {
        {.stratum = SERVERS, .onsets = {30, 10}, .expected = {2, 1}},
        {.stratum = LAPTOPS, .onsets = {1, 0}, .expected = {1, 0.25}}};
    static const struct exposure_alone alone = {
        .update = UPDATE, .onsets = {31, 10}, .expected = {3, 1.25}, .member_count = 2};
    struct world world;
    struct failure failure;
    build(&world);
    struct exposure *exposure = &world.analysis.exposure;
    exposure->alone_members = members;
    for (int minute = 0; minute < 2; minute++) {
        assert_true(lattice_take_alone(&world.analysis.lattice, exposure, &world.analysis.segments,
                                       &alone, factors, &failure));
    }
    world.state.by_past = true;
    answer(&world, true);
    assert_row(&world, "server", 80, 10);
    assert_row(&world, "here", 82, 14);
    const struct contrast_row *laptops = row_of(&world, "laptop");
    assert_int_equal(laptops->compared.onsets, 2);
    assert_true(fabs(laptops->compared.expected - 4) < 1e-12);
    assert_true(fabs(laptops->rate_ratio.likely - 0.5) < 1e-12);
    assert_int_equal(world.answer.compared.onsets, 82);
    assert_true(fabs(world.answer.compared.expected / 14 - 1) < INTERPOLATED);
    tear_down(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_that_differ_are_not_harm),
        cmocka_unit_test(the_whole_is_the_verdicts),
        cmocka_unit_test(a_bundle_is_told_of_who_is_suspected),
        cmocka_unit_test(where_the_past_decides_it_is_told_of_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
