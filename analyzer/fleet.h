/* How is each host? What every host last said, its own CPU baseline, and whether it is distressed.
 *
 *            two healthy reports                  busy >= 0.95 over two reports and two minutes
 *     NEW ------------------------> HEALTHY ----------------------------------------> PINNED
 *      ^                              |  ^  \                                            |
 *      |                              |  |   \--- 15-minute mean far over baseline --> ELEVATED
 *      | any report                   |  |                                               |
 *      |                              |  +----------- two calm reports -------------------+
 *   SILENT <---- no report for 3 of its intervals and 5 minutes, from any state --------- +
 *
 * Far over its baseline is 20 points and 4 deviations for two reports, or 12 points and 4
 * deviations of the mean for six. The baseline is the exponentially weighted mean and variance, of
 * 64 reports' memory, of calm reports: those from HEALTHY while the mean is not raised, and the
 * first six from NEW; before there are six it says nothing. The 15-minute mean is an exponential
 * one of 450 seconds; it and the reports it has been raised for are begun anew after silence and
 * recovery. A report is calm that is below the top and not by itself 20 points and 4 deviations
 * over the baseline; pinned goes before calm, from any state. ELEVATED lasts while the mean is 12
 * points and 4 of its deviations over the baseline, however calm the reports; a run of calm ones
 * begins it anew. An onset is a step out of HEALTHY into distress; a recovery is a step into
 * HEALTHY.
 *
 * Time is the server's: a host's own clock only orders its own reports and dates its installations,
 * corrected by its smallest measured delay. A report that is not newer by that clock than all
 * before says only that the host is there. Silence is found at the end of a minute.
 *
 * One cache line a host: a report touches nearly all of it, so an array of structs costs one miss
 * where a structure of arrays would cost a dozen.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_FLEET_H
#define EPICENTER_ANALYZER_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/carry.h"
#include "common/failure.h"
#include "common/hash_index.h"
#include "common/instant.h"
#include "common/uuid.h"

/* Seconds since 2000-01-01T00:00:00Z: half the size of an instant, good to 2068. */
typedef int32_t fleet_second;
#define FLEET_EPOCH (INT64_C(946684800) * INSTANT_SECOND)
instant_us fleet_instant_of(fleet_second second);

/* Rounded down, clamped to the range. Here, as others below, because it is asked for each report of
 * millions. */
static inline fleet_second fleet_second_of(instant_us instant)
{
    int64_t since = instant - FLEET_EPOCH;
    int64_t second = since / INSTANT_SECOND - (since % INSTANT_SECOND < 0);
    if (second < INT32_MIN / 2) {
        return INT32_MIN / 2;
    }
    return second > INT32_MAX / 2 * 2 ? INT32_MAX / 2 * 2 : (fleet_second)second;
}

#define FLEET_NONE UINT32_MAX

/* Deadlines are kept by blocks of so many hosts, of the first of them that is due, and all of a
 * block are looked at when it comes: a deadline for each would weigh as much as what it is about,
 * and hosts that were added together mostly report together. */
#define FLEET_BLOCK 64U

struct fleet_host {
    instant_us last_observed_at; /* by the host's clock; orders its reports */
    uint32_t segment;            /* SEGMENT_NONE until it says */
    uint32_t customer;           /* the caller's number */
    fleet_second last_seen;      /* server's clock */
    fleet_second since;          /* when the distress began, or it was heard to be healthy or new */
    fleet_second high_since;     /* start of the present run of reports at the top */
    int32_t delay_s;             /* smallest of received - observed: clock error and latency */
    uint32_t risk_cell;          /* exposure's: where it is counted, FLEET_NONE while not at risk */
    uint32_t installs;           /* exposure's: its newest installation, or FLEET_NONE */
    float baseline_mean;         /* busy fraction while healthy … */
    float baseline_variance;
    float recent; /* … and over about the last 15 minutes */
    uint16_t interval_s;
    uint16_t busy;          /* of the last report, in 1/10000 */
    uint8_t state;          /* enum host_state */
    uint8_t high_streak;    /* consecutive reports at the top, saturating */
    uint8_t raised_score;   /* consecutive reports with the mean over baseline, by how far */
    uint8_t calm_streak;    /* consecutive reports that are neither */
    uint8_t baseline_count; /* reports in the baseline, saturating */
    uint8_t size_class;     /* exposure's: log2 of the customer's hosts */
    uint8_t has_cpu;
    bool onset_noted : 1; /* it has had an onset in the minute being closed */
    bool has_told : 1;    /* exposure's: of an installation, in the minute being closed */
};

/* Hosts are found by one index for each first byte of their ids. */
#define FLEET_SHARDS 256

struct fleet_event {
    uint32_t host;
    fleet_second began; /* when the state now entered began */
    uint8_t from, to;   /* enum host_state */
    bool tells;         /* exposure's: it may tell of harm by what its host has installed */
};

struct fleet {
    struct fleet_host *hosts;
    struct uuid *ids;
    uint32_t count, capacity;
    struct hash_index *by_id;   /* FLEET_SHARDS of them; NULL before the first host */
    _Atomic int32_t *silent_at; /* by block: no host of it is found silent before this minute */
    struct fleet_event *events; /* of the minute being closed, in the order they happened */
    size_t event_count, event_capacity;
    uint64_t in_state[HOST_SILENT + 1];
    uint64_t reports, duplicate_reports, out_of_order_reports;
    double weighed_interval_s; /* the interval last heard of, hosts mostly having one in common … */
    float weight;              /* … and what a report then weighs in the recent mean */
};

/* What one report says of the host itself. */
struct fleet_reading {
    instant_us observed_at;
    instant_us received_at;
    double interval_s;
    double busy; /* NAN: it does not say */
};

/* A zeroed struct fleet is empty. */
void fleet_free(struct fleet *fleet);

/* The host's number, or FLEET_NONE. */
uint32_t fleet_find(const struct fleet *fleet, const struct uuid *id);

/* The same for several at once, in the order of their ids, which is much faster in a large fleet:
 * hosts that were added in that order stand together, so the next is likely the one after the last.
 * `last` is the last one found, FLEET_NONE to begin with. */
#define FLEET_FIND_MOST 32
void fleet_find_in_order(const struct fleet *fleet, const struct uuid *const *ids, size_t count,
                         uint32_t *last, uint32_t *hosts);

/* A host that nobody has heard of yet. */
struct fleet_host fleet_new_host(uint32_t customer);

/* Adds a host that is not there, NEW, not yet seen. */
MUST_CHECK bool fleet_add(struct fleet *fleet, const struct uuid *id, uint32_t customer,
                          uint32_t *host, struct failure *failure);

/* The same for many hosts: makes room for `more`, puts them at the numbers from `count` on, in any
 * order and by threads side by side as long as no two put hosts of one shard, and takes the `count`
 * of them in. */
MUST_CHECK bool fleet_make_room(struct fleet *fleet, uint32_t more, struct failure *failure);
MUST_CHECK bool fleet_put(struct fleet *fleet, uint32_t host, const struct uuid *id,
                          uint32_t customer, struct failure *failure);
void fleet_take_put(struct fleet *fleet, uint32_t count);

/* What the index of ids weighs. */
size_t fleet_index_bytes(const struct fleet *fleet);

/* What a report says of its host's clock; hearing it notes that as well. */
static inline void fleet_note_delay(struct fleet_host *host, instant_us observed_at,
                                    instant_us received_at)
{
    int64_t delay_s = (received_at - observed_at) / INSTANT_SECOND;
    if (delay_s < host->delay_s) {
        host->delay_s = (int32_t)(delay_s < INT32_MIN ? INT32_MIN : delay_s);
    }
}

/* Takes one report; may append events. Reports of one host come ordered by observed_at, and of two
 * at one instant the one with CPU first. */
MUST_CHECK bool fleet_hear(struct fleet *fleet, uint32_t host, const struct fleet_reading *reading,
                           struct failure *failure);

/* The same, and true, for nearly every report there is: that of a healthy host, not the first after
 * a pause, which leaves it healthy, in time, as often as ever, and with a mean that is not raised.
 * For any other it does nothing and returns false. */
bool fleet_hear_calm(struct fleet *fleet, uint32_t host, const struct fleet_reading *reading);

/* For hearing several hosts at once: a part shares the hosts and ids and notes apart what
 * fleet_hear and fleet_hear_calm, which alone it is good for, would note in the fleet. Joined in
 * the order in which one thread would have heard them, the fleet is as if one had. No two parts
 * hear one host. fleet_join frees the part; it takes nothing from it unless `take`. */
struct fleet fleet_part(const struct fleet *fleet);
MUST_CHECK bool fleet_join(struct fleet *fleet, struct fleet *part, bool take,
                           struct failure *failure);

/* Ends `minute` (fleet_second / 60): turns silent whoever should have reported by its end. */
MUST_CHECK bool fleet_end_minute(struct fleet *fleet, int32_t minute, struct failure *failure);

/* How long after its last report a host is found silent: three of its intervals, and five minutes.
 */
#define FLEET_SILENT_INTERVALS 3
#define FLEET_SILENT_SECONDS 300
static inline int32_t fleet_patience_s(const struct fleet_host *host)
{
    int32_t patience = FLEET_SILENT_INTERVALS * host->interval_s;
    return patience > FLEET_SILENT_SECONDS ? patience : FLEET_SILENT_SECONDS;
}

/* Forgets the events. */
void fleet_clear_events(struct fleet *fleet);

/* An instant by the host's clock, by the server's: corrected by the host's measured delay, and
 * never later than `received_at`. */
fleet_second fleet_correct(const struct fleet_host *host, instant_us by_host,
                           instant_us received_at);

/* Between two minutes; restored into an empty fleet. */
void fleet_carry(struct carry *carry, struct fleet *fleet);

#endif
