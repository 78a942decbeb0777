/* What real incidents turned on, each as a small fleet through the library's door: the update is
 * held, the segment said is exactly who was struck, and as many hosts are counted as were. The
 * fleet is made with the trigger in it, so the truth is known. Where two updates cannot be told
 * apart, or one harms only beside another, see test_blame.c, too. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/analysis.h"
#include "common/random_stream.h"

#define START (INT64_C(1114200000) * INSTANT_SECOND) /* 2005-04-22T20:00:00Z */
#define MINUTES 240                                  /* of a scenario that does not say */
#define HOSTS 1500                                   /* likewise */
#define NEVER INT32_MAX
#define SEED 7
#define WITHDRAWN_AT 130
#define MENDED 200
#define COUNT_WITHIN 0.12 /* of the hosts struck; a host off at the time is struck later */
#define UPDATES 3
#define BAD "pattern/1"
static const char *const update_ids[UPDATES] = {BAD, "pattern/2", "pattern/3"};

/* A host says these, in the order of their names; one that has no such driver says none. */
enum {
    ARCH,
    DRIVER,
    ENGINE,
    LOCALE,
    OS,
    PATCH,
    POLICY,
    PRODUCT_LINE,
    REGION,
    SERIAL,
    SITE,
    ATTRIBUTES
};
static const char *const names[ATTRIBUTES] = {"arch",   "driver", "engine", "locale",
                                              "os",     "patch",  "policy", "product_line",
                                              "region", "serial", "site"};
static const char *const values[ATTRIBUTES][4] = {
    [ARCH] = {"x86", "x64"},
    [DRIVER] = {"afw 4.1", "afw 5.0"},
    [ENGINE] = {"7.100", "7.500", "7.510"},
    [LOCALE] = {"en-US", "ja-JP", "de-DE", "fr-FR"},
    [OS] = {"Windows 2000", "Windows XP"},
    [PATCH] = {"without KB885835", "with KB885835"},
    [POLICY] = {"archives skipped", "archives scanned"},
    [PRODUCT_LINE] = {"OfficeScan", "VirusBuster"},
    [REGION] = {"AMER", "JP"}};
static const uint32_t counts[ATTRIBUTES] = {2, 2, 3, 4, 2, 2, 2, 2, 2, 0, 0};
#define SITES 300 /* of a few hosts each */

struct host {
    uint32_t number;
    uint32_t values[ATTRIBUTES];
    bool has_driver;
    int installs[UPDATES]; /* minutes, or NEVER */
    int again;             /* the first update once more */
    int struck_from, struck_until;
    int on_from, on_until;
};

/* Who is struck, by what the host is. */
typedef bool trigger(const struct host *host);

static bool everybody(const struct host *host)
{
    (void)host;
    return true;
}

static bool is_engine_on_xp(const struct host *host)
{
    return host->values[ENGINE] == 2 && host->values[OS] == 1;
}

static bool is_two_engines(const struct host *host)
{
    return host->values[ENGINE] != 0;
}

static bool is_patched_japanese(const struct host *host)
{
    return host->values[LOCALE] == 1 && host->values[PATCH] == 1;
}

static bool is_64_bit(const struct host *host)
{
    return host->values[ARCH] == 1;
}

static bool scans_archives(const struct host *host)
{
    return host->values[POLICY] == 1;
}

static bool has_driver(const struct host *host)
{
    return host->has_driver;
}

static bool has_new_driver(const struct host *host)
{
    return host->has_driver && host->values[DRIVER] == 1;
}

enum harm {
    PINS,
    SLOWS,   /* twenty points of processor more */
    SILENCES /* before the host can say anything else */
};

/* Who installs what, and when. */
enum rollout {
    ALONE,
    THREE_AT_ONCE,  /* each on its own, the first is bad */
    INTERACTION,    /* bad with the second only */
    BUNDLE,         /* the second always with it */
    FOR_78_MINUTES, /* out from minute 90 on for 78 minutes, whoever is on then takes it */
    WITHDRAWN,      /* released again, mended */
    TWICE,          /* half of the hosts install it once more within the half hour */
    TO_HALF         /* the other half waits */
};

struct scenario {
    const char *name;
    trigger *trigger;
    const char *segment;   /* as said */
    double share;          /* of those, struck */
    double scans_per_hour; /* that pin a host for a quarter of an hour; 0: 0.1 */
    double by_chance; /* four deviations of how many fall silent by themselves, where many do */
    enum harm harm;
    enum rollout rollout;
    uint32_t hosts;                /* 0: 1500 */
    int delay;                     /* minutes from installation; 0: 3 */
    int window, minutes, interval; /* 0: 60, 240, 2 */
    bool says_serial, says_site;
    bool uncounted; /* hosts fall silent by themselves more than once: how many are hit is lost */
};

static int between(struct random_stream *random, int from, int until)
{
    return from + (int)random_below(random, (uint64_t)(until - from));
}

static void draw_installs(struct random_stream *random, enum rollout rollout, struct host *host)
{
    for (int u = 0; u < UPDATES; u++) {
        host->installs[u] = rollout == THREE_AT_ONCE || u == 0 ? between(random, 60, 180) : NEVER;
    }
    host->again = NEVER;
    if (rollout == BUNDLE) {
        host->installs[1] = host->installs[0];
    } else if (rollout == INTERACTION) {
        /* One in four gets the one, one in four the other, half both, within minutes. */
        uint64_t kind = random_below(random, 4);
        host->installs[1] = kind != 1 ? host->installs[0] + between(random, 0, 5) : NEVER;
        host->installs[0] = kind != 0 ? host->installs[0] : NEVER;
    } else if (rollout == FOR_78_MINUTES) {
        /* One in three is switched on in the course of the day, one in three off; hosts ask for
         * updates once an hour. */
        host->on_from = random_below(random, 3) == 0 ? between(random, 0, 230) : 0;
        host->on_until = random_below(random, 3) == 0 ? between(random, 60, MINUTES) : MINUTES;
        int asks = (host->on_from > 90 ? host->on_from : 90) + between(random, 0, 60);
        host->installs[0] = asks < 90 + 78 && asks < host->on_until ? asks : NEVER;
    } else if (rollout == TWICE && random_below(random, 2) == 0) {
        host->again = host->installs[0] + between(random, 6, 30);
    } else if (rollout == TO_HALF && random_below(random, 2) == 0) {
        host->installs[0] = NEVER;
    } else if (rollout == WITHDRAWN) {
        host->installs[0] = between(random, 60, WITHDRAWN_AT);
        host->again = between(random, MENDED, MENDED + 30);
    }
}

static struct host draw_host(const struct scenario *scenario, uint32_t number,
                             struct random_stream *random)
{
    struct host host = {
        .number = number, .struck_from = NEVER, .struck_until = NEVER, .on_until = NEVER};
    for (int a = 0; a < SERIAL; a++) {
        host.values[a] = (uint32_t)random_below(random, counts[a]);
    }
    host.has_driver = random_below(random, 4) == 0;
    draw_installs(random, scenario->rollout, &host);
    bool takes = host.installs[0] != NEVER &&
                 (scenario->rollout != INTERACTION || host.installs[1] != NEVER);
    if (scenario->trigger(&host) && takes && random_uniform(random) < scenario->share) {
        host.struck_from =
            host.installs[0] + (scenario->delay == 0 ? 3 : scenario->delay) + between(random, 0, 5);
        host.struck_until = scenario->rollout == WITHDRAWN ? between(random, 150, 180) : NEVER;
    }
    return host;
}

/* What a host says of itself. */
struct said {
    struct report_attribute attributes[ATTRIBUTES];
    size_t count;
    char serial[16], site[16], customer[16];
};

static void say(const struct scenario *scenario, const struct host *host, struct said *said)
{
    said->count = 0;
    snprintf(said->serial, sizeof said->serial, "S%06u", host->number);
    snprintf(said->site, sizeof said->site, "site %u", host->number % SITES);
    snprintf(said->customer, sizeof said->customer, "C%05u", host->number / 4);
    for (int a = 0; a < SERIAL; a++) {
        if (a != DRIVER || host->has_driver) {
            said->attributes[said->count++] =
                (struct report_attribute){names[a], values[a][host->values[a]]};
        }
    }
    if (scenario->says_serial) {
        said->attributes[said->count++] = (struct report_attribute){names[SERIAL], said->serial};
    }
    if (scenario->says_site) {
        said->attributes[said->count++] = (struct report_attribute){names[SITE], said->site};
    }
}

static double busy_at(const struct scenario *scenario, const struct host *host, int minute,
                      bool scanning, struct random_stream *random)
{
    bool struck = minute >= host->struck_from && minute < host->struck_until;
    if (scanning || (struck && scenario->harm == PINS)) {
        return 0.99;
    }
    double busy = 0.05 + 0.1 * random_uniform(random);
    return busy + (struck && scenario->harm == SLOWS ? 0.20 : 0);
}

static void report_host(struct analysis *analysis, const struct scenario *scenario,
                        const struct host *host, struct random_stream *random)
{
    struct said said;
    struct failure failure;
    struct report_update updates[UPDATES + 1];
    say(scenario, host, &said);
    int interval = scenario->interval == 0 ? 2 : scenario->interval;
    int minutes = scenario->minutes == 0 ? MINUTES : scenario->minutes;
    struct report report = {.host_id = uuid_from_name("test", &host->number, sizeof host->number),
                            .customer_id = said.customer,
                            .has_host = true,
                            .attributes = said.attributes,
                            .attribute_count = said.count,
                            .segment_id = report_segment_id(said.attributes, said.count),
                            .has_cpu = true,
                            .interval_s = 60 * interval,
                            .peak = NAN,
                            .product_busy = NAN,
                            .updates = updates};
    double scans = scenario->scans_per_hour == 0 ? 0.1 : scenario->scans_per_hour;
    double scan_at = random_exponential(random, 60 / scans);
    double off_at = random_exponential(random, 400);
    double on_at = off_at + random_exponential(random, 30);
    int told = -1; /* up to when installations have been told */
    for (int m = (int)(host->number % (uint32_t)interval); m < minutes; m += interval) {
        if (m >= on_at) {
            off_at = m + random_exponential(random, 400);
            on_at = off_at + random_exponential(random, 30);
        }
        bool scanning = m >= scan_at;
        scan_at = m >= scan_at + 15 ? m + random_exponential(random, 60 / scans) : scan_at;
        bool dead = scenario->harm == SILENCES && m >= host->struck_from;
        if (m >= off_at || m < host->on_from || m >= host->on_until || dead) {
            continue;
        }
        report.observed_at = START + m * INSTANT_MINUTE + 20 * INSTANT_SECOND;
        report.received_at = report.observed_at + INSTANT_SECOND;
        report.busy = busy_at(scenario, host, m, scanning, random);
        report.update_count = 0;
        for (int u = 0; u <= UPDATES; u++) {
            int at = u < UPDATES ? host->installs[u] : host->again;
            if (at > told && at <= m) {
                updates[report.update_count++] =
                    (struct report_update){.id = update_ids[u % UPDATES],
                                           .outcome = UPDATE_INSTALLED,
                                           .at = START + at * INSTANT_MINUTE};
            }
        }
        told = m;
        assert_true(analysis_add(analysis, &report, &failure));
    }
}

/* A registry that knows other updates, and of the bad one no more than that it was withdrawn and
 * is out again where that is what the scenario is about. */
static struct registry *make_registry(const struct scenario *scenario)
{
    struct registry *registry;
    struct failure failure;
    struct registry_update update = {.update_id = "pattern/0",
                                     .product_line = "OfficeScan",
                                     .released_at = START,
                                     .withdrawn_at = INSTANT_NONE};
    assert_true(registry_new(&registry, &failure));
    if (scenario->rollout == WITHDRAWN) {
        update.update_id = BAD;
        update.withdrawn_at = START + WITHDRAWN_AT * INSTANT_MINUTE;
        update.released_at = START + MENDED * INSTANT_MINUTE;
    }
    assert_true(registry_add_update(registry, &update, &failure));
    return registry;
}

static const struct update_answer *find_answer(const struct answers *answers, const char *id)
{
    for (size_t i = 0; i < answers->update_count; i++) {
        if (strcmp(answers->updates[i].id, id) == 0) {
            return &answers->updates[i];
        }
    }
    fail_msg("no answer for %s", id);
    return NULL;
}

static void expect_text(const struct scenario *scenario, const char *what, const char *text,
                        const char *expected)
{
    if (text == NULL || strcmp(text, expected) != 0) {
        fail_msg("%s: the %s is \"%s\", not \"%s\"", scenario->name, what, text == NULL ? "" : text,
                 expected);
    }
}

/* Whether the others in flight are told apart, or named where they cannot be. */
static void check_company(const struct scenario *scenario, const struct answers *answers,
                          const struct update_answer *bad)
{
    if (scenario->rollout == THREE_AT_ONCE) {
        assert_int_not_equal(find_answer(answers, update_ids[1])->verdict, VERDICT_HOLD);
        assert_int_not_equal(find_answer(answers, update_ids[2])->verdict, VERDICT_HOLD);
    }
    if (scenario->rollout == INTERACTION) {
        expect_text(scenario, "other it takes", bad->only_with, update_ids[1]);
    }
    assert_int_equal(bad->bundle_count, scenario->rollout == BUNDLE ? 1 : 0);
    if (scenario->rollout == BUNDLE) {
        expect_text(scenario, "bundle", bad->bundle[0], update_ids[1]);
    }
    assert_int_equal(answers->fleet.left_out_count, scenario->says_serial ? 1 : 0);
    if (scenario->says_serial) {
        expect_text(scenario, "attribute left out", answers->fleet.left_out[0], names[SERIAL]);
    }
}

static void check_count(const struct scenario *scenario, const struct update_answer *bad,
                        uint32_t struck)
{
    double counted = bad->hosts_total.all.likely;
    double within = COUNT_WITHIN * struck + scenario->by_chance;
    if (!scenario->uncounted && fabs(counted - struck) > within) {
        fail_msg("%s: %.0f hosts counted of %u", scenario->name, counted, struck);
    }
}

static void check(const struct scenario *scenario, const struct answers *answers, uint32_t struck)
{
    const struct update_answer *bad = find_answer(answers, BAD);
    if (bad->verdict != VERDICT_HOLD) {
        fail_msg("%s: verdict %d at 10^%.1f", scenario->name, bad->verdict, bad->log10_e_value);
    }
    expect_text(scenario, "segment", bad->segment_text, scenario->segment);
    check_company(scenario, answers, bad);
    check_count(scenario, bad, struck);
    /* Nobody registered it, but for the one that is withdrawn. */
    assert_true((bad->product_line == NULL) == (scenario->rollout != WITHDRAWN));
}

/* How many hosts are struck while they are on. */
static uint32_t report_fleet(struct analysis *analysis, const struct scenario *scenario)
{
    uint32_t struck = 0;
    uint32_t hosts = scenario->hosts == 0 ? HOSTS : scenario->hosts;
    for (uint32_t i = 0; i < hosts; i++) {
        struct random_stream random = random_stream_new(SEED, i);
        struct host host = draw_host(scenario, i, &random);
        report_host(analysis, scenario, &host, &random);
        struck += host.struck_from < host.on_until;
    }
    return struck;
}

static void play(const struct scenario *scenario)
{
    struct analysis_options options = {
        .alpha = 0.001, .seed = 1, .risk_window = scenario->window * INSTANT_MINUTE};
    struct cost_parameters parameters;
    struct analysis *analysis;
    const struct answers *answers;
    struct failure failure;
    struct registry *registry = make_registry(scenario);
    int minutes = scenario->minutes == 0 ? MINUTES : scenario->minutes;
    cost_parameters_default(&parameters);
    assert_true(analysis_new(&options, registry, &parameters, &analysis, &failure));
    uint32_t struck = report_fleet(analysis, scenario);
    bool mended = scenario->rollout == WITHDRAWN;
    int judged = mended ? MENDED - 5 : minutes;
    assert_true(analysis_advance(analysis, START + judged * INSTANT_MINUTE, &failure));
    assert_true(analysis_answers(analysis, &answers, &failure));
    check(scenario, answers, struck);
    if (mended) {
        assert_true(analysis_advance(analysis, START + minutes * INSTANT_MINUTE, &failure));
        assert_true(analysis_answers(analysis, &answers, &failure));
        assert_int_not_equal(find_answer(answers, BAD)->verdict, VERDICT_HOLD);
    }
    analysis_free(analysis);
    registry_free(registry);
}

static const struct scenario scenarios[] = {
    {.name = "an engine on one system",
     .trigger = is_engine_on_xp,
     .share = 0.5,
     .segment = "Windows XP, engine 7.510"},
    {.name = "two engines of three",
     .trigger = is_two_engines,
     .share = 0.5,
     .segment = "engine 7.500 or 7.510"},
    {.name = "one locale with one patch",
     .trigger = is_patched_japanese,
     .share = 0.5,
     .segment = "locale ja-JP, patch with KB885835"},
    {.name = "64 bit only", .trigger = is_64_bit, .share = 0.5, .segment = "arch x64"},
    {.name = "a policy switch",
     .trigger = scans_archives,
     .share = 0.3,
     .segment = "policy archives scanned"},
    {.name = "a driver of somebody else's",
     .trigger = has_driver,
     .share = 0.5,
     .segment = "driver afw 4.1 or afw 5.0"},
    {.name = "one version of that driver",
     .trigger = has_new_driver,
     .share = 0.5,
     .segment = "driver afw 5.0"},
    {.name = "only who was on in 78 minutes",
     .trigger = everybody,
     .share = 0.5,
     .segment = "the whole fleet",
     .rollout = FOR_78_MINUTES},
    {.name = "a slowdown that pins nobody",
     .trigger = scans_archives,
     .share = 0.5,
     .segment = "policy archives scanned",
     .harm = SLOWS},
    {.name = "silent before a word",
     .trigger = is_64_bit,
     .share = 0.5,
     .segment = "arch x64",
     .harm = SILENCES},
    {.name = "an hour after",
     .trigger = is_64_bit,
     .share = 0.5,
     .segment = "arch x64",
     .rollout = TO_HALF,
     .delay = 60,
     .window = 120,
     .minutes = 300},
    {.name = "a day after",
     .trigger = is_64_bit,
     .share = 0.8,
     .segment = "arch x64",
     .rollout = TO_HALF,
     .delay = 1440,
     .window = 1560,
     .minutes = 1740,
     .interval = 10,
     .scans_per_hour = 0.02,
     .uncounted = true},
    {.name = "one in a thousand",
     .trigger = everybody,
     .share = 0.001,
     .segment = "the whole fleet",
     .rollout = TO_HALF,
     .hosts = 40000,
     .scans_per_hour = 0.00005,
     .interval = 10,
     .by_chance = 138},
    {.name = "one in fifty of one kind",
     .trigger = is_64_bit,
     .share = 0.02,
     .segment = "arch x64",
     .rollout = TO_HALF,
     .hosts = 12000,
     .scans_per_hour = 0.0005,
     .interval = 5,
     .by_chance = 70},
    {.name = "one of three at once",
     .trigger = is_engine_on_xp,
     .share = 0.5,
     .segment = "Windows XP, engine 7.510",
     .rollout = THREE_AT_ONCE,
     .hosts = 2000},
    {.name = "an interaction of two",
     .trigger = is_64_bit,
     .share = 0.7,
     .segment = "arch x64",
     .rollout = INTERACTION},
    {.name = "a bundle",
     .trigger = is_64_bit,
     .share = 0.5,
     .segment = "arch x64",
     .rollout = BUNDLE},
    {.name = "withdrawn and mended",
     .trigger = is_64_bit,
     .share = 0.7,
     .segment = "arch x64",
     .rollout = WITHDRAWN},
    {.name = "installed twice by half",
     .trigger = is_64_bit,
     .share = 0.5,
     .segment = "arch x64",
     .rollout = TWICE,
     .delay = 10},
    {.name = "hosts that say their serial number",
     .trigger = is_64_bit,
     .share = 0.5,
     .segment = "arch x64",
     .says_serial = true},
    {.name = "so many kinds that each host is alone of its own",
     .trigger = is_engine_on_xp,
     .share = 0.5,
     .segment = "Windows XP, engine 7.510",
     .says_site = true},
};

static void every_trigger_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        play(&scenarios[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_trigger_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
