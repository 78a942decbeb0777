/* A brute-force twin of the analyzer from reports to evidence: plain, slow, obviously right. It
 * works on the raw reports alone and shares no code with the analyzer, only its words. For a minute
 * it goes through every host's reports from the first on, then through all hosts for every
 * comparison; nothing is counted up from minute to minute but the sums that evidence is.
 *
 * The definitions are those of analyzer/fleet.h, exposure.h, evidence.h and lattice.h, written out
 * once more. What it leaves out: attributes that name hosts (fleets are too small for one), more
 * updates in flight than are followed, hosts that change how often they report, installations that
 * are forgotten, the comparison with the past, and what the lattice opens on the way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_TESTS_TWIN_H
#define EPICENTER_TESTS_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "common/report.h"

/* As many as the tests need; going over one fails the test. */
#define TWIN_HOSTS 320
#define TWIN_MINUTES 400
#define TWIN_UPDATES 12
#define TWIN_SEGMENTS 64
#define TWIN_VALUES 64
#define TWIN_INSTALLS 32
#define TWIN_CONTRASTS 512
#define TWIN_STRATA 256

#define TWIN_NONE SIZE_MAX
#define TWIN_SIGNS 2 /* seen (pinned or elevated), silent */
#define TWIN_POINTS 41

/* One report and the minute it is taken in: that of its receipt, or a later one when it came late.
 * Minutes are counted from 2000-01-01T00:00Z. */
struct twin_told {
    const struct report *report;
    int32_t minute;
    size_t arrival;      /* in which order they came */
    size_t host;         /* the twin's: its number … */
    unsigned size_class; /* … and its customer's size, this report counted */
};

/* A kind of host, as some report tells it. */
struct twin_segment {
    const struct report_attribute *attributes;
    size_t attribute_count;
    size_t
        parent; /* by product line, system, region and ring; itself where that is all or nothing */
};

struct twin {
    struct twin_told *told; /* in the order taken */
    size_t count;
    uint32_t (*seats)(const char *customer_id); /* registered; 0 where none are */
    struct uuid hosts[TWIN_HOSTS];
    size_t *reports_of[TWIN_HOSTS]; /* places in `told`, in order */
    size_t report_counts[TWIN_HOSTS];
    size_t host_count;
    const char *updates[TWIN_UPDATES];
    size_t update_count;
    struct twin_segment segments[TWIN_SEGMENTS];
    size_t segment_count;
};

/* Sorts `told`, which is borrowed, as the reports it points to are. */
void twin_init(struct twin *twin, struct twin_told *told, size_t count,
               uint32_t (*seats)(const char *customer_id));
void twin_free(struct twin *twin);

size_t twin_update(const struct twin *twin, const char *id); /* TWIN_NONE: never told of */
size_t twin_segment(const struct twin *twin, const struct report_attribute *attributes,
                    size_t count);

/* ---- One host (twin_host.c) ---- */

struct twin_install {
    size_t update;
    int64_t installed;     /* second, by the server's clock */
    int32_t heard, undone; /* minutes; INT32_MAX: it was not rolled back */
    bool in_time;          /* heard of within the risk window */
};

struct twin_host {
    bool known;
    enum host_state before, state; /* at the beginning of the minute, and at its end */
    int64_t since_before, since;   /* seconds */
    int64_t last_seen;
    const char *customer;
    size_t segment; /* TWIN_NONE until it says */
    unsigned size_class;
    struct twin_install installs[TWIN_INSTALLS];
    size_t install_count;
    unsigned failed[TWIN_UPDATES], rolled_back[TWIN_UPDATES]; /* how often */
    uint8_t ages[TWIN_UPDATES]; /* age class of the exposure to each update */
    uint8_t settled,
        settled_after;   /* age class of having turned healthy: of `before`, of `state` */
    bool tells, awaited; /* of an installation that exposes it: now, or its patience ago */
    unsigned interval_minutes;
    int onset;   /* its sign, or -1 */
    bool counts; /* it is the one of its customer */
};

/* The host as of `minute`, from its first report on. */
void twin_host_at(const struct twin *twin, size_t number, int32_t minute, struct twin_host *host);

/* ---- All hosts in one minute (twin.c) ---- */

struct twin_member {
    size_t segment;
    unsigned at_risk, onsets;
};

struct twin_contrast {
    size_t update;
    int sign;
    bool shared, pooled; /* with its bundle; over the strata of one parent */
    unsigned size_class;
    uint32_t company; /* bit u: update u is present on both sides */
    unsigned exposed, control, onsets, exposed_onsets;
    struct twin_member members[TWIN_SEGMENTS]; /* where the exposed are from */
    size_t member_count;
};

/* One stratum and update: host-minutes and onsets of this minute. */
struct twin_count {
    double exposed_minutes[TWIN_SIGNS], control_minutes[TWIN_SIGNS];
    unsigned exposed_onsets[TWIN_SIGNS], control_onsets[TWIN_SIGNS];
};

struct twin_minute {
    int32_t minute;
    struct twin_host hosts[TWIN_HOSTS];
    bool is_bundle[TWIN_UPDATES][TWIN_UPDATES]; /* the second is in the bundle of the first … */
    bool judged[TWIN_UPDATES];                  /* … which has hosts enough to say */
    struct twin_contrast contrasts[TWIN_CONTRASTS];
    size_t contrast_count;
};

/* `spoilt`: for each update those known to do harm beside it, as bits. */
void twin_minute_at(const struct twin *twin, int32_t minute, const uint32_t spoilt[TWIN_UPDATES],
                    struct twin_minute *result);

/* Whether the host is exposed to the update so that the sign can tell of it. */
bool twin_shows(const struct twin_host *host, size_t update, int sign);

/* What the minute adds to one update in one stratum; false where nobody is exposed. */
bool twin_count_stratum(const struct twin *twin, const struct twin_minute *minute, size_t update,
                        size_t segment, unsigned size_class, struct twin_count *count);

/* ---- Sums (twin_evidence.c) ---- */

struct twin_part {
    long double log_ratio[TWIN_SIGNS][TWIN_POINTS]; /* against a rate ratio of 1 */
    double observed, expected, variance;
};

struct twin_value {
    const char *name, *parent, *text; /* parent: the value it is read within, or NULL */
};

/* The exposed of all contrasts, or those of one segment: their onsets; as many as no effect leads
 * to expect; and by grid point, were that the rate ratio, as many as they would have had without
 * the update: the mean of Fisher's distribution, by the ratio. */
struct twin_compared {
    double onsets, unmoved;
    long double without[TWIN_POINTS];
};

struct twin_evidence {
    struct twin_value values[TWIN_VALUES];
    size_t value_count;
    struct {
        struct twin_part fleet, bundle;
        struct twin_part values[TWIN_VALUES];
        struct twin_part early[TWIN_VALUES]; /* of its bundle, until it is compared by itself */
        struct twin_part company[TWIN_UPDATES];
        struct twin_compared compared;
        /* A bundle's too, until the update is first compared by itself; last, of hosts that tell
         * nothing of themselves. */
        struct twin_compared compared_in[TWIN_SEGMENTS + 1];
        bool by_itself;
    } updates[TWIN_UPDATES];
};

void twin_evidence_take(struct twin_evidence *evidence, const struct twin *twin,
                        const struct twin_minute *minute);

size_t twin_evidence_value(struct twin_evidence *evidence, const char *name, const char *parent,
                           const char *text);

/* Natural logarithm of the mean of the ratios over the grid above 1. */
double twin_log_e(const long double log_ratio[TWIN_POINTS]);

/* For the next minute: held updates that do harm without another spoil the comparison of that. */
void twin_spoilt(const struct twin_evidence *evidence, const struct twin *twin,
                 const bool held[TWIN_UPDATES], uint32_t spoilt[TWIN_UPDATES]);

#endif
