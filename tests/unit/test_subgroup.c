/* Planted subgroups are found exactly: cells are made with a known trigger and Poisson noise.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/subgroup.h"
#include "common/random_stream.h"

/* Every combination of these is a segment. */
static const char *const product_lines[] = {"OfficeScan", "VirusBuster", "ServerProtect"};
static const char *const systems[][2] = {
    {"Windows XP", "SP2"}, {"Windows XP", "SP1"}, {"Windows 2000", "SP4"}, {"Windows 2003", "SP2"}};
static const char *const engines[] = {"7.100", "7.500", "7.510"};
static const char *const regions[] = {"JP", "AMER"};

enum { CELLS = 3 * 4 * 3 * 2 };

struct plant {
    const char *name;
    bool (*struck)(const char *product_line, const char *os, const char *version,
                   const char *engine, const char *region);
    double rate; /* excess onsets a host-minute */
    const char *words;
    size_t conjunctions;
};

static bool everybody(const char *p, const char *o, const char *v, const char *e, const char *r)
{
    (void)p, (void)o, (void)v, (void)e, (void)r;
    return true;
}

static bool incident_of_2005(const char *p, const char *o, const char *v, const char *e,
                             const char *r)
{
    (void)r;
    return strcmp(p, "ServerProtect") != 0 && strcmp(o, "Windows XP") == 0 &&
           strcmp(v, "SP2") == 0 && strcmp(e, "7.100") != 0;
}

static bool one_version(const char *p, const char *o, const char *v, const char *e, const char *r)
{
    (void)p, (void)e, (void)r;
    return strcmp(o, "Windows XP") == 0 && strcmp(v, "SP2") == 0;
}

static bool one_engine_in_one_region(const char *p, const char *o, const char *v, const char *e,
                                     const char *r)
{
    (void)p, (void)o, (void)v;
    return strcmp(e, "7.500") == 0 && strcmp(r, "AMER") == 0;
}

static double poisson(struct random_stream *random, double mean)
{
    double limit = exp(-mean);
    double product = 1;
    int count = -1;
    do {
        product *= random_uniform(random);
        count++;
    } while (product > limit);
    return count;
}

static void make(const struct plant *plant, uint64_t seed, struct segments *segments,
                 struct subgroup_cell cells[CELLS])
{
    struct random_stream random = random_stream_new(seed, 0);
    struct failure failure;
    size_t count = 0;
    for (size_t p = 0; p < 3; p++) {
        for (size_t s = 0; s < 4; s++) {
            for (size_t e = 0; e < 3; e++) {
                for (size_t r = 0; r < 2; r++) {
                    struct report_attribute attributes[] = {{"engine", engines[e]},
                                                            {"os", systems[s][0]},
                                                            {"os_version", systems[s][1]},
                                                            {"product_line", product_lines[p]},
                                                            {"region", regions[r]}};
                    struct uuid id = report_segment_id(attributes, 5);
                    struct subgroup_cell *cell = &cells[count];
                    assert_true(
                        segments_intern(segments, &id, attributes, 5, &cell->segment, &failure));
                    cell->exposed_minutes = 2000 + (double)random_below(&random, 20000);
                    cell->expected = cell->exposed_minutes * 0.0005;
                    double excess = plant->struck(product_lines[p], systems[s][0], systems[s][1],
                                                  engines[e], regions[r])
                                        ? cell->exposed_minutes * plant->rate
                                        : 0;
                    cell->onsets = poisson(&random, cell->expected + excess);
                    count++;
                }
            }
        }
    }
}

static void check(const struct plant *plant, uint64_t seed)
{
    static struct subgroup_cell cells[CELLS];
    struct segments segments = {0};
    struct arena arena = {0};
    struct subgroup subgroup;
    struct failure failure;
    const struct segment_conjunction *conjunctions;
    size_t count;
    const char *words;
    make(plant, seed, &segments, cells);
    assert_true(subgroup_find(&segments, cells, CELLS, &subgroup, &failure));
    assert_true(subgroup_describe(&subgroup, &segments, cells, CELLS, &arena, &conjunctions, &count,
                                  &words, &failure));
    assert_string_equal(words, plant->words);
    assert_int_equal(count, plant->conjunctions);
    for (size_t i = 0; i < CELLS; i++) {
        const char *named[5];
        const char *names[] = {"product_line", "os", "os_version", "engine", "region"};
        for (size_t a = 0; a < 5; a++) {
            named[a] = segment_attribute_text(&segments, cells[i].segment, names[a]);
        }
        bool struck = plant->struck(named[0], named[1], named[2], named[3], named[4]);
        assert_int_equal(subgroup_contains(&subgroup, &segments, cells[i].segment), struck);
    }
    subgroup_free(&subgroup);
    arena_free(&arena);
    segments_free(&segments);
}

static void planted_subgroups_are_found(void **state)
{
    (void)state;
    static const struct plant plants[] = {
        {"2005", incident_of_2005, 0.01,
         "OfficeScan or VirusBuster, Windows XP SP2, engine 7.500 or 7.510", 4},
        {"everybody", everybody, 0.005, "the whole fleet", 0},
        {"one version of one system", one_version, 0.006, "Windows XP SP2", 1},
        {"two attributes", one_engine_in_one_region, 0.008, "engine 7.500, region AMER", 1},
    };
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        for (uint64_t seed = 1; seed <= 25; seed++) {
            check(&plants[i], seed);
        }
    }
}

static bool nobody(const char *p, const char *o, const char *v, const char *e, const char *r)
{
    (void)p, (void)o, (void)v, (void)e, (void)r;
    return false;
}

/* Nothing to find: a subgroup may or may not be constrained by noise, but it never fails. */
static void noise_alone_is_survived(void **state)
{
    (void)state;
    static const struct plant plant = {"nobody", nobody, 0, "", 0};
    for (uint64_t seed = 1; seed <= 25; seed++) {
        static struct subgroup_cell cells[CELLS];
        struct segments segments = {0};
        struct subgroup subgroup;
        struct failure failure;
        make(&plant, seed, &segments, cells);
        assert_true(subgroup_find(&segments, cells, CELLS, &subgroup, &failure));
        subgroup_free(&subgroup);
        segments_free(&segments);
    }
}

static void a_version_is_read_within_its_system(void **state)
{
    (void)state;
    struct segments segments = {0};
    struct failure failure;
    struct report_attribute xp[] = {{"os", "Windows XP"}, {"os_version", "SP2"}};
    struct report_attribute server[] = {{"os", "Windows 2003"}, {"os_version", "SP2"}};
    struct uuid xp_id = report_segment_id(xp, 2);
    struct uuid server_id = report_segment_id(server, 2);
    uint32_t first;
    uint32_t second;
    assert_true(segments_intern(&segments, &xp_id, xp, 2, &first, &failure));
    assert_true(segments_intern(&segments, &server_id, server, 2, &second, &failure));
    assert_int_equal(segments.attribute_count, 2);
    assert_int_equal(segments.value_count, 4); /* two systems, two service packs 2 */
    uint32_t again;
    assert_true(segments_intern(&segments, &xp_id, NULL, 0, &again, &failure));
    assert_int_equal(again, first);
    segments_free(&segments);
}

/* Hosts that say their serial number, and one of 150 builds that goes with four systems. */
static void a_name_of_hosts_is_left_out(void **state)
{
    (void)state;
    struct segments segments = {0};
    struct segments all = {.keeps_all = true};
    struct failure failure;
    uint32_t number = 0;
    for (uint32_t i = 0; i < 1200; i++) {
        char serial[16];
        char build[16];
        char system[16];
        snprintf(serial, sizeof serial, "S%u", i);
        snprintf(build, sizeof build, "B%u", i % 150);
        snprintf(system, sizeof system, "OS %u", i / 150 % 4);
        struct report_attribute said[] = {{"build", build}, {"os", system}, {"serial", serial}};
        struct uuid id = report_segment_id(said, 3);
        assert_true(segments_intern(&segments, &id, said, 3, &number, &failure));
        assert_true(segments_intern(&all, &id, said, 3, &number, &failure));
        assert_int_equal(number, i);
    }
    for (uint32_t a = 0; a < segments.attribute_count; a++) {
        assert_int_equal(segments.attributes[a].left_out,
                         strcmp(segments.attributes[a].name, "serial") == 0);
        assert_false(all.attributes[a].left_out);
    }
    /* The first host of all, heard again, is now of the same kind as one with another serial. */
    struct report_attribute first[] = {{"build", "B0"}, {"os", "OS 0"}, {"serial", "S0"}};
    struct report_attribute other[] = {{"build", "B0"}, {"os", "OS 0"}, {"serial", "new"}};
    struct uuid first_id = report_segment_id(first, 3);
    struct uuid other_id = report_segment_id(other, 3);
    uint32_t first_kind;
    uint32_t other_kind;
    assert_true(segments_intern(&segments, &first_id, first, 3, &first_kind, &failure));
    assert_true(segments_intern(&segments, &other_id, other, 3, &other_kind, &failure));
    assert_int_equal(first_kind, other_kind);
    assert_null(segment_attribute_text(&segments, first_kind, "serial"));
    assert_string_equal(segment_attribute_text(&segments, first_kind, "build"), "B0");
    segments_free(&segments);
    segments_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_subgroups_are_found),
        cmocka_unit_test(noise_alone_is_survived),
        cmocka_unit_test(a_name_of_hosts_is_left_out),
        cmocka_unit_test(a_version_is_read_within_its_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
