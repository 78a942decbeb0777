/* What fleet is simulated, over which hours, and what happens to it: a scenario file, read whole.
 *
 * A scenario is a small JSON document (see scenarios/). Every member is required unless said
 * otherwise below, unknown members are refused, and any member may be accompanied by "note" and
 * "source" for the reader. Lists of shares must add up to 1.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_SCENARIO_H
#define EPICENTER_FLEETSIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/failure.h"
#include "common/instant.h"
#include "tests/fleetsim/scenario_json.h"

/* A host keeps which updates it has in one 32-bit set; a calendar of a few hours needs far fewer.
 */
#define SCENARIO_UPDATES_LIMIT 32
/* A customer's product lines are kept in an 8-bit set. */
#define SCENARIO_LINES_LIMIT 8
/* The packed key of a segment has 8 bits for each choice (population.c). */
#define SCENARIO_CHOICES_LIMIT 255

/* What a host says of itself, in the order of its report. */
enum host_attribute {
    ATTRIBUTE_PRODUCT_LINE,
    ATTRIBUTE_PRODUCT_VERSION,
    ATTRIBUTE_OS,
    ATTRIBUTE_OS_VERSION,
    ATTRIBUTE_REGION,
    ATTRIBUTE_RING, /* the last of those that are members of "host"; the rest are "attributes" */
    ATTRIBUTE_ENGINE,
    ATTRIBUTE_LOCALE,
    ATTRIBUTE_ARCH,
    ATTRIBUTE_COUNT
};
const char *host_attribute_name(enum host_attribute attribute);

/* A value drawn by its share: the first i with uniform < cumulative[i]. */
struct choice {
    const char **values;
    double *cumulative; /* the last is 1 */
    size_t count;
};
size_t choice_draw(const struct choice *choice, double uniform);

/* Attribute is one of some values, for each of some attributes. */
struct condition_term {
    enum host_attribute attribute;
    const char **values;
    size_t value_count;
};
struct condition {
    struct condition_term *terms; /* none: everything matches */
    size_t term_count;
};
/* `values` has ATTRIBUTE_COUNT texts. */
bool condition_matches(const struct condition *condition, const char *const *values);

enum { KIND_CONSUMER, KIND_CORPORATE, KIND_COUNT };
/* "consumer", "corporate". */
extern const char *const kind_names[KIND_COUNT];

enum { DAY_WEEKDAY, DAY_SATURDAY, DAY_SUNDAY, DAY_COUNT };

/* When machines of a sort are on and how busy people keep them, by local time. */
struct machine {
    const char *name;
    double turnover_per_hour;     /* how often a machine's owner thinks again whether it is on */
    double on[DAY_COUNT][24];     /* share of machines that are on, at the full hour */
    double rhythm[DAY_COUNT][24]; /* factor on the host's base level */
    struct bounds base_busy;      /* level a host is drawn from */
};

struct country {
    const char *country; /* ISO 3166-1 alpha-2 */
    const char *time_zone;
    size_t zone; /* index of it in the scenario's time_zones */
    const char *locale;
    const char *currency;
    double yearly_value[KIND_COUNT]; /* of one seat, minor units of the currency */
};

struct region {
    const char *region;
    struct choice country_choice;
    struct country *countries; /* one for each of country_choice */
    const char **partners;
    size_t partner_count;
    const char **name_first; /* corporate names are put together from these */
    size_t name_first_count;
    const char **name_second;
    size_t name_second_count;
};

struct tier {
    const char *tier;
    double from_seats; /* ascending; the first is 0 */
};

struct kind {
    double share;         /* of customers */
    struct choice seats;  /* seats a customer has, as text of a whole number; count 0: lognormal */
    double seats_median;  /* of the lognormal … */
    double seats_sigma;   /* … its standard deviation in log seats … */
    double seats_cap;     /* … and the largest customer, as a share of the fleet */
    double partner_share; /* of customers that a partner supports */
    double line_share[SCENARIO_LINES_LIMIT]; /* of a customer's seats; adds up to 1 */
    struct tier *tiers;
    size_t tier_count;
};

struct product_line {
    const char *product_line;
    size_t machine;
    struct choice versions;
    struct choice systems;    /* os, with … */
    const char **os_versions; /* … the os_version of each */
    struct choice engines;
};

/* How well the fleet is seen. */
struct telemetry {
    double coverage;      /* share of seats that report */
    double concentration; /* a customer's coverage is beta with this a + b */
    double interval_s;
    struct bounds latency_s; /* mean beyond the least, and the most */
    double lost_share;
    double wrong_clock_share; /* hosts whose clock is off by one of: */
    struct bounds clock_ahead_s;
    struct bounds clock_behind_s;
    double clock_ahead_share; /* of the wrong ones */
};

/* What an ordinary processor does. */
struct ordinary {
    double noise;       /* standard deviation as a share of the level */
    double burst_share; /* of reports with a burst on top */
    struct bounds burst_busy;
    double scans_per_hour;
    struct bounds scan_s;
    struct bounds scan_busy;
    double boot_s;           /* a machine is this long busy with starting … */
    struct bounds boot_busy; /* … at this level */
    double poll_s;           /* hosts ask for updates this often, each at its own phase */
    struct bounds install_s; /* from asking to having installed */
};

/* What a faulty update does to a host that installs it. */
struct fault {
    struct condition *strikes; /* any of these */
    size_t strike_count;
    double untouched_share;
    struct bounds delay_s; /* from install, or from a later start of the machine, to harm */
    struct bounds pinned_busy;
    double slowed_share; /* of the struck; the others are pinned */
    struct bounds slowed_busy;
    double lock_up_share;    /* of the pinned; they stop reporting … */
    struct bounds lock_up_s; /* … this long after harm began */
    double reboot_share;     /* of the struck whose user restarts the machine … */
    struct bounds reboot_s;  /* … this long after harm began … */
    struct bounds reboot_takes_s;
    double reboot_worse_share; /* … and it never comes back; otherwise it is harmed again */
    struct bounds recovery_s;  /* from installing the cure to being well */
};

struct update {
    const char *id;
    const char *series; /* of one series a host takes only the newest that is out */
    struct condition targets;
    instant_us released_at;
    instant_us withdrawn_at; /* INSTANT_NONE: never; "withdrawn_at" may be missing */
    double adoption;         /* share of hosts asking for updates that take it */
    double already;          /* of those, the share that has it when the span begins */
    bool faulty;             /* "fault" may be missing */
    struct fault fault;
    uint32_t cures; /* set of updates (bit by index) whose harm it ends; "cures" may be missing */
};

struct scenario {
    struct arena arena; /* owns all of it */
    const char *name;
    const char *title;
    instant_us from, until;
    double hosts; /* default number of reporting hosts */
    struct telemetry telemetry;
    struct ordinary ordinary;
    struct choice rings;
    struct choice archs;
    double same_within_customer; /* corporate customers whose seats of a line run one version and
                                    engine; otherwise each seat has its own */
    struct machine *machines;
    size_t machine_count;
    struct choice region_choice;
    struct region *regions;
    const char **time_zones; /* each once */
    size_t time_zone_count;
    struct kind kinds[KIND_COUNT];
    struct product_line *lines;
    size_t line_count;
    struct update *updates; /* in order of release */
    size_t update_count;
};

/* Reads and checks a scenario file. Errors name the file and the path in it. */
MUST_CHECK bool scenario_load(const char *path, struct scenario *scenario, struct failure *failure);
void scenario_free(struct scenario *scenario);

#endif
