/* The whole library on small made-up fleets: the answers are a function of the reports alone, the
 * planted truth comes out, and quiet rollouts stay quiet.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/analysis.h"
#include "analyzer/live.h"
#include "common/arena.h"
#include "common/random_stream.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */
#define MINUTES 150
#define YEARS_LATER (START + INT64_C(20) * 365 * INSTANT_DAY)
#define INTERVAL_MINUTES 2

/* A made-up rollout: hosts of two systems install an update at random minutes; on the struck system
 * it pins all but every tenth host from five minutes later on. */
struct rollout {
    uint64_t seed;
    uint32_t hosts;
    bool harmful;
    bool all_at_once;    /* every host installs in the hundredth minute or the next */
    double off_per_hour; /* how often a machine is switched off, for half an hour on average */
};

struct made {
    struct report *reports;
    size_t count, capacity;
    struct arena arena;
    uint32_t struck;
};

static const struct report_attribute struck_system[] = {{"os", "Windows XP"},
                                                        {"os_version", "SP2"},
                                                        {"product_line", "OfficeScan"},
                                                        {"region", "JP"},
                                                        {"ring", "broad"}};
static const struct report_attribute spared_system[] = {{"os", "Windows 2000"},
                                                        {"os_version", "SP4"},
                                                        {"product_line", "OfficeScan"},
                                                        {"region", "JP"},
                                                        {"ring", "broad"}};

static void add(struct made *made, const struct report *report)
{
    if (made->count == made->capacity) {
        made->capacity = made->capacity == 0 ? 4096 : made->capacity * 2;
        made->reports = realloc(made->reports, made->capacity * sizeof *made->reports);
        assert_non_null(made->reports);
    }
    made->reports[made->count++] = *report;
}

static void make_host(const struct rollout *rollout, uint32_t number, struct made *made)
{
    struct random_stream random = random_stream_new(rollout->seed, number);
    bool xp = number % 2 == 0;
    bool struck = rollout->harmful && xp && number % 20 != 0;
    int install = 40 + (int)random_below(&random, 80);
    int phase = (int)random_below(&random, INTERVAL_MINUTES);
    install = rollout->all_at_once ? 100 : install;
    char id[32];
    snprintf(id, sizeof id, "C%05u", number);
    struct report report = {.host_id = uuid_from_name("test", &number, sizeof number),
                            .customer_id = arena_copy_text(&made->arena, id, strlen(id)),
                            .has_host = true,
                            .attributes = xp ? struck_system : spared_system,
                            .attribute_count = 5,
                            .has_cpu = true,
                            .interval_s = 60 * INTERVAL_MINUTES,
                            .peak = NAN,
                            .product_busy = NAN};
    report.segment_id = report_segment_id(report.attributes, 5);
    made->struck += struck;
    double off_at = rollout->off_per_hour > 0
                        ? random_exponential(&random, 60 / rollout->off_per_hour)
                        : INFINITY;
    double on_at = off_at + random_exponential(&random, 30);
    for (int minute = phase; minute < MINUTES; minute += INTERVAL_MINUTES) {
        if (minute >= off_at && minute < on_at) {
            install += minute == install || minute == install - 1 ? INTERVAL_MINUTES : 0;
            continue;
        }
        if (minute >= on_at) {
            off_at = minute + random_exponential(&random, 60 / rollout->off_per_hour);
            on_at = off_at + random_exponential(&random, 30);
        }
        bool scanning = random_below(&random, 200) == 0;
        report.observed_at = START + minute * INSTANT_MINUTE +
                             (instant_us)random_below(&random, 50) * INSTANT_SECOND;
        report.received_at = report.observed_at + INSTANT_SECOND;
        bool harmed = struck && minute >= install + 5;
        report.busy = harmed || scanning ? 0.99 : 0.05 + 0.1 * random_uniform(&random);
        struct report_update *update = NULL;
        if (minute >= install && minute < install + INTERVAL_MINUTES) {
            update = arena_allocate(&made->arena, sizeof *update);
            assert_non_null(update);
            *update = (struct report_update){
                .id = "pattern/1", .outcome = UPDATE_INSTALLED, .at = report.observed_at};
        }
        report.updates = update;
        report.update_count = update != NULL;
        add(made, &report);
    }
}

static int compare_received(const void *left, const void *right)
{
    const struct report *a = left;
    const struct report *b = right;
    return (a->received_at > b->received_at) - (a->received_at < b->received_at);
}

static struct made make(const struct rollout *rollout)
{
    struct made made = {0};
    for (uint32_t i = 0; i < rollout->hosts; i++) {
        make_host(rollout, i, &made);
    }
    qsort(made.reports, made.count, sizeof *made.reports, compare_received);
    return made;
}

static void made_free(struct made *made)
{
    free(made->reports);
    arena_free(&made->arena);
}

static struct cost_parameters parameters;

static struct analysis *start(double alpha)
{
    struct analysis_options options = {.alpha = alpha, .seed = 1};
    struct analysis *analysis;
    struct failure failure;
    cost_parameters_default(&parameters);
    assert_true(analysis_new(&options, NULL, &parameters, &analysis, &failure));
    return analysis;
}

static void give(struct analysis *analysis, const struct report *report)
{
    struct failure failure;
    assert_true(analysis_add(analysis, report, &failure));
}

static void advance(struct analysis *analysis, instant_us before)
{
    struct failure failure;
    assert_true(analysis_advance(analysis, before, &failure));
}

static char *document(struct analysis *analysis)
{
    const struct answers *answers;
    struct buffer out = {0};
    struct failure failure;
    assert_true(analysis_answers(analysis, &answers, &failure));
    assert_true(answer_write_json(answers, &out, &failure));
    return out.data;
}

static const instant_us end = START + MINUTES * INSTANT_MINUTE;

/* In order, advancing after every report, as a database tail does at its slowest. */
static char *one_by_one(const struct made *made)
{
    struct analysis *analysis = start(0.001);
    for (size_t i = 0; i < made->count; i++) {
        give(analysis, &made->reports[i]);
        advance(analysis, made->reports[i].received_at - ANALYSIS_LATENESS);
    }
    advance(analysis, end);
    char *text = document(analysis);
    analysis_free(analysis);
    return text;
}

/* Everything first, shuffled, then one advance: a restart that replays the horizon. */
static char *all_at_once(const struct made *made, uint64_t seed)
{
    struct random_stream random = random_stream_new(seed, 0);
    size_t *order = calloc(made->count, sizeof *order);
    assert_non_null(order);
    for (size_t i = 0; i < made->count; i++) {
        size_t j = (size_t)random_below(&random, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    struct analysis *analysis = start(0.001);
    for (size_t i = 0; i < made->count; i++) {
        give(analysis, &made->reports[order[i]]);
    }
    advance(analysis, end);
    free(order);
    char *text = document(analysis);
    analysis_free(analysis);
    return text;
}

/* CPU and updates of a report as two, as the report tables hold them. */
static char *in_two_parts(const struct made *made)
{
    struct analysis *analysis = start(0.001);
    for (size_t i = 0; i < made->count; i++) {
        struct report cpu = made->reports[i];
        struct report updates = made->reports[i];
        cpu.update_count = 0;
        updates.has_cpu = false;
        if (updates.update_count > 0) {
            give(analysis, &updates);
        }
        give(analysis, &cpu);
    }
    advance(analysis, end);
    char *text = document(analysis);
    analysis_free(analysis);
    return text;
}

static void the_answers_are_a_function_of_the_reports(void **state)
{
    (void)state;
    struct rollout rollout = {.seed = 5, .hosts = 600, .harmful = true};
    struct made made = make(&rollout);
    char *expected = one_by_one(&made);
    assert_non_null(strstr(expected, "\"HOLD\""));
    for (uint64_t seed = 1; seed <= 3; seed++) {
        char *shuffled = all_at_once(&made, seed);
        assert_string_equal(shuffled, expected);
        free(shuffled);
    }
    char *parts = in_two_parts(&made);
    assert_string_equal(parts, expected);
    free(parts);
    free(expected);
    made_free(&made);
}

static void duplicates_change_only_their_count(void **state)
{
    (void)state;
    struct rollout rollout = {.seed = 6, .hosts = 300, .harmful = true};
    struct made made = make(&rollout);
    struct analysis *twice = start(0.001);
    struct analysis *once = start(0.001);
    for (size_t i = 0; i < made.count; i++) {
        give(once, &made.reports[i]);
        give(twice, &made.reports[i]);
        give(twice, &made.reports[i]);
    }
    advance(once, end);
    advance(twice, end);
    char *expected = document(once);
    char *doubled = document(twice);
    assert_string_equal(strstr(doubled, "\"updates\""), strstr(expected, "\"updates\""));
    free(expected);
    free(doubled);
    analysis_free(once);
    analysis_free(twice);
    made_free(&made);
}

static void the_planted_harm_is_found_and_counted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct rollout rollout = {.seed = seed, .hosts = 1000, .harmful = true};
        struct made made = make(&rollout);
        struct analysis *analysis = start(0.001);
        const struct answers *answers;
        struct failure failure;
        for (size_t i = 0; i < made.count; i++) {
            give(analysis, &made.reports[i]);
        }
        advance(analysis, end);
        assert_true(analysis_answers(analysis, &answers, &failure));
        assert_int_equal(answers->update_count, 1);
        const struct update_answer *update = &answers->updates[0];
        assert_int_equal(update->verdict, VERDICT_HOLD);
        assert_string_equal(update->segment_text, "Windows XP"); /* says it all: the shortest */
        /* One host a customer; hosts that install in the last minutes are not harmed by the end. */
        double counted =
            (double)(update->customers_total.confirmed + update->customers_total.probable);
        assert_true(fabs(counted / made.struck - 1) < 0.05);
        assert_int_equal(update->impact_count, 1);
        assert_string_equal(update->impact[0].region, "JP");
        assert_true(update->rate_ratio.low > 10);
        /* Within ten minutes of the first installations, at minute 40. */
        assert_true(fabs(update->onset.likely - (double)(START + 45 * INSTANT_MINUTE)) <
                    10.0 * INSTANT_MINUTE);
        analysis_free(analysis);
        made_free(&made);
    }
}

/* Read at the end of every minute, at alpha 0.05: of 120 harmless rollouts 6 may be held; 12 is the
 * 99.3 % quantile of a binomial at its limit. */
/* The course ends where the answer is, never turns back, and has few points however long it lasts;
 * the table by system parts the hosts that were harmed from those that were not. */
static void the_course_leads_to_the_answer(void **state)
{
    (void)state;
    struct rollout rollout = {.hosts = 1200, .harmful = true, .seed = 7};
    struct made made = make(&rollout);
    struct analysis *analysis = start(0.001);
    for (size_t i = 0; i < made.count; i++) {
        give(analysis, &made.reports[i]);
    }
    advance(analysis, end);
    const struct answers *answers;
    struct failure failure;
    assert_true(analysis_answers(analysis, &answers, &failure));
    const struct update_answer *update = &answers->updates[0];
    assert_in_range(update->course_count, 10, 130);
    const struct course_point *last = &update->course[update->course_count - 1];
    assert_true(last->at == answers->as_of);
    assert_true(fabs(last->log10_e_value - update->log10_e_value) < 1e-4 * update->log10_e_value);
    uint64_t distressed = 0;
    int rows = 0;
    for (size_t ring = 0; ring < update->ring_count; ring++) {
        distressed += last->distressed[ring];
        for (size_t i = 1; i < update->course_count; i++) {
            assert_true(update->course[i].at > update->course[i - 1].at);
            assert_true(update->course[i].hosts[ring] >= update->course[i - 1].hosts[ring]);
        }
    }
    assert_true(distressed == update->exposed_onsets);
    for (size_t i = 0; i < update->contrast_count; i++) {
        const struct contrast_row *row = &update->contrasts[i];
        if (strcmp(row->value, "SP2") == 0) {
            assert_true(row->rate_ratio.low > 5);
            assert_true((double)row->compared.onsets > 20 * row->compared.expected);
        } else if (strcmp(row->value, "SP4") == 0) {
            assert_true(row->rate_ratio.low < 1 && row->rate_ratio.high > 1);
            assert_true((double)row->compared.onsets < 2 * row->compared.expected);
        }
        rows += strcmp(row->attribute, "os_version") == 0;
    }
    assert_int_equal(rows, 2);
    analysis_free(analysis);
    made_free(&made);
}

static void harmless_rollouts_are_not_held(void **state)
{
    (void)state;
    int held = 0;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        struct rollout rollout = {.seed = 1000 + seed, .hosts = 150};
        struct made made = make(&rollout);
        struct analysis *analysis = start(0.05);
        const struct verdict_change *change;
        bool ever = false;
        for (size_t i = 0; i < made.count; i++) {
            give(analysis, &made.reports[i]);
        }
        advance(analysis, end);
        for (analysis_next_change(analysis, &change); change != NULL;
             analysis_next_change(analysis, &change)) {
            ever |= change->verdict == VERDICT_HOLD;
        }
        held += ever;
        analysis_free(analysis);
        made_free(&made);
    }
    assert_in_range(held, 0, 12);
}

/* A harmless update on machines that are switched off at random, told of by a host that is then on:
 * the time in which nobody can be found silent must not speak for the update. Over fifty rollouts
 * the geometric mean of the rate ratio is 1 to within three of its standard errors, 0.09. */
static void silence_has_no_immortal_time(void **state)
{
    (void)state;
    double log_ratio = 0;
    int rollouts = 50;
    for (int run = 0; run < rollouts; run++) {
        struct rollout rollout = {.seed = 5000 + (uint64_t)run, .hosts = 400, .off_per_hour = 0.3};
        struct made made = make(&rollout);
        struct analysis *analysis = start(0.05);
        const struct answers *answers;
        struct failure failure;
        for (size_t i = 0; i < made.count; i++) {
            give(analysis, &made.reports[i]);
        }
        advance(analysis, end);
        assert_true(analysis_answers(analysis, &answers, &failure));
        log_ratio += log(answers->updates[0].rate_ratio.likely) / rollouts;
        analysis_free(analysis);
        made_free(&made);
    }
    assert_true(fabs(log_ratio) < 0.09);
}

/* Half of the fleet is struck; its two systems add up to the verdict's comparison. */
static void the_table_is_of_the_past(const struct update_answer *update)
{
    uint64_t onsets = 0;
    double expected = 0;
    for (size_t i = 0; i < update->contrast_count; i++) {
        const struct contrast_row *row = &update->contrasts[i];
        if (strcmp(row->attribute, "os") == 0) {
            bool struck = strcmp(row->value, "Windows XP") == 0;
            assert_true(struck ? row->rate_ratio.low > 1.5 : row->rate_ratio.low <= 1);
            onsets += row->compared.onsets;
            expected += row->compared.expected;
        }
    }
    assert_true(onsets == update->compared.onsets);
    assert_true(fabs(expected / update->compared.expected - 1) < 0.01);
}

/* Everybody updated within two minutes: nobody is left to compare with but the past, and the
 * verdict says so. Without harm it is never held, at alpha 0.05 in any of 60 rollouts: what the
 * past leads one to expect is raised, so far fewer than one in twenty come to it. */
static void the_past_is_the_control_of_last_resort(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 70; seed++) {
        struct rollout rollout = {.seed = 9000 + seed,
                                  .hosts = 300,
                                  .harmful = seed > 60,
                                  .all_at_once = true,
                                  .off_per_hour = 0.2};
        struct made made = make(&rollout);
        struct analysis *analysis = start(rollout.harmful ? 0.001 : 0.05);
        const struct answers *answers;
        struct failure failure;
        for (size_t i = 0; i < made.count; i++) {
            give(analysis, &made.reports[i]);
        }
        advance(analysis, end);
        assert_true(analysis_answers(analysis, &answers, &failure));
        const struct update_answer *update = &answers->updates[0];
        if (rollout.harmful) {
            assert_int_equal(update->verdict, VERDICT_HOLD);
            assert_non_null(strstr(update->control, "own past"));
            assert_string_equal(update->segment_text, "Windows XP");
            assert_true(update->rate_ratio.low > 1.5);
            double told = (double)update->compared.onsets / update->compared.expected;
            assert_true(fabs(told / update->rate_ratio.likely - 1) < 1e-9);
            the_table_is_of_the_past(update);
        } else {
            assert_int_not_equal(update->verdict, VERDICT_HOLD);
        }
        analysis_free(analysis);
        made_free(&made);
    }
}

static void a_host_can_be_looked_up(void **state)
{
    (void)state;
    struct rollout rollout = {.seed = 9, .hosts = 40, .harmful = true};
    struct made made = make(&rollout);
    struct analysis *analysis = start(0.001);
    struct host_view view;
    uint32_t struck = 2;
    struct uuid id = uuid_from_name("test", &struck, sizeof struck);
    assert_false(analysis_host(analysis, &id, &view));
    for (size_t i = 0; i < made.count; i++) {
        give(analysis, &made.reports[i]);
    }
    advance(analysis, end);
    assert_true(analysis_host(analysis, &id, &view));
    assert_int_equal(view.state, HOST_PINNED);
    assert_string_equal(view.customer_id, "C00002");
    assert_int_equal(view.update_count, 1);
    assert_string_equal(view.updates[0].id, "pattern/1");
    assert_true(fabs(view.last_busy - 0.99) < 1e-4);
    analysis_free(analysis);
    made_free(&made);
}

#define LOOKED_UP 200

struct looking {
    struct live *live;
    size_t pinned;
};

static void *look_up(void *context)
{
    struct looking *looking = context;
    for (uint32_t i = 0; i < 20 * LOOKED_UP; i++) {
        uint32_t number = i % LOOKED_UP;
        struct uuid id = uuid_from_name("test", &number, sizeof number);
        struct host_view view;
        const struct analysis *analysis = live_share(looking->live);
        looking->pinned += analysis_host(analysis, &id, &view) && view.state == HOST_PINNED;
        live_unlock(looking->live);
    }
    return NULL;
}

/* Answers take seconds in a large fleet. Were a look-up kept waiting this would never end, and
 * ThreadSanitizer would see whether the two touch the same things. */
static void a_host_is_looked_up_while_answers_are_made(void **state)
{
    (void)state;
    struct rollout rollout = {.seed = 9, .hosts = LOOKED_UP, .harmful = true};
    struct made made = make(&rollout);
    struct analysis *analysis = start(0.001);
    struct looking looking = {.pinned = 0};
    const struct answers *answers;
    struct failure failure;
    pthread_t thread;
    for (size_t i = 0; i < made.count; i++) {
        give(analysis, &made.reports[i]);
    }
    advance(analysis, end);
    assert_true(live_new(analysis, &looking.live, &failure));
    analysis = live_share(looking.live);
    assert_int_equal(pthread_create(&thread, NULL, look_up, &looking), 0);
    assert_true(analysis_answers(analysis, &answers, &failure));
    assert_int_equal(pthread_join(thread, NULL), 0);
    live_unlock(looking.live);
    assert_true(looking.pinned >= 20 * (size_t)made.struck);
    live_free(looking.live);
    analysis_free(analysis);
    made_free(&made);
}

/* Years without a report: closed in no time, and everybody silent. */
static void a_long_silence_is_skipped(void **state)
{
    (void)state;
    struct rollout rollout = {.seed = 3, .hosts = 20};
    struct made made = make(&rollout);
    struct analysis *analysis = start(0.001);
    const struct answers *answers;
    struct failure failure;
    for (size_t i = 0; i < made.count; i++) {
        give(analysis, &made.reports[i]);
    }
    advance(analysis, YEARS_LATER);
    assert_true(analysis_answers(analysis, &answers, &failure));
    assert_int_equal(answers->fleet.silent, 20);
    assert_true(answers->as_of == YEARS_LATER);
    analysis_free(analysis);
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answers_are_a_function_of_the_reports),
        cmocka_unit_test(duplicates_change_only_their_count),
        cmocka_unit_test(the_planted_harm_is_found_and_counted),
        cmocka_unit_test(the_course_leads_to_the_answer),
        cmocka_unit_test(harmless_rollouts_are_not_held),
        cmocka_unit_test(silence_has_no_immortal_time),
        cmocka_unit_test(the_past_is_the_control_of_last_resort),
        cmocka_unit_test(a_host_can_be_looked_up),
        cmocka_unit_test(a_host_is_looked_up_while_answers_are_made),
        cmocka_unit_test(a_long_silence_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
