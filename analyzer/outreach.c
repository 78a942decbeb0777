/* Expected loss avoided per agent-minute; see outreach.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/outreach.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/partner.h"
#include "common/buffer.h"

/* What an hour of one host's outage costs its owner, in USD: a consumer's evening, an office
 * worker's hour. Only the proportion matters to the order. */
#define HOST_HOUR_CONSUMER 5.0
#define HOST_HOUR_CORPORATE 30.0
/* A call now rather than in the usual order brings a customer back this much sooner. */
#define HOURS_SOONER 4.0

/* Premium contracts promise an answer first, and leave over it. */
#define TIER_PREMIUM 3.0
#define TIER_STANDARD 1.0
#define TIER_BASIC 0.5

/* Where a stopped host stops a ward or a cash desk, an hour is worth more than an office worker's:
 * cash desks and wards of published incidents lost a few times an office's hour, and somebody may
 * come to harm. Where it is a reading room's, half. */
#define CRITICALITY_WEIGHTS                                                                        \
    {                                                                                              \
        [CRITICALITY_UNKNOWN] = 1, [CRITICALITY_LOW] = 0.5, [CRITICALITY_NORMAL] = 1,              \
        [CRITICALITY_HIGH] = 2, [CRITICALITY_CRITICAL] = 4                                         \
    }

/* Chance of losing the contract when every host was hit and nobody called: gross retention fell by
 * under half a point over whole customer bases after published incidents; the hit ones are more. */
#define CHURN_CHANCE 0.05
/* A renewal within a quarter is decided with the incident in mind: one due today doubles the churn
 * weight, one a quarter off adds nothing. */
#define RENEWAL_DAYS 90
#define RENEWAL_ADDS 1.0

/* A customer whose hosts are all back is owed an apology, not a rescue. */
#define RECOVERED_WEIGHT 0.1

/* Outside the customer's hours a call reaches nobody nine times in ten. */
#define UNREACHABLE 0.1

/* Minutes on the phone: the talk, and a little more for every host it takes through the workaround,
 * up to the point where the customer's own people do it. */
#define CALL_MINUTES 15.0
#define HOST_MINUTES 2.0
#define HOSTS_WALKED_THROUGH 10.0
/* A partner is called once for all its customers; each of them adds what it takes to name it and
 * say what is special. The partner's own people do the rest. */
#define PARTNER_MINUTES_EACH 1.0

/* What does not work for a whole day costs more by the hour than what just stopped: orders lapse,
 * patience ends. Twice as much after a working day, and no more than that. */
#define WAITING_HOURS 8.0

struct judged {
    const struct outreach_candidate *candidate;
    struct outreach_parts parts;
    double score;
    uint64_t hosts;
    uint32_t partner_customers; /* affected, of the same partner; 0: none */
    bool reachable;
};

static double tier_weight(const struct registry_customer *customer)
{
    if (customer == NULL || customer->tier == NULL) {
        return TIER_STANDARD;
    }
    if (strcasecmp(customer->tier, "premium") == 0) {
        return TIER_PREMIUM;
    }
    return strcasecmp(customer->tier, "basic") == 0 ? TIER_BASIC : TIER_STANDARD;
}

static double criticality_weight(const struct registry_customer *customer)
{
    static const double weights[CRITICALITIES] = CRITICALITY_WEIGHTS;
    return weights[customer == NULL ? CRITICALITY_UNKNOWN : customer->criticality];
}

static int64_t local_us(const struct registry_customer *customer, instant_us now)
{
    const struct time_zone *zone = customer == NULL ? NULL : customer->zone;
    return now + time_zone_offset_s(zone, now) * INSTANT_SECOND;
}

/* Companies 09:00 to 18:00 on working days, consumers 09:00 to 21:00 any day. */
static bool is_reachable(const struct registry_customer *customer, instant_us now)
{
    int64_t local = local_us(customer, now);
    int64_t day = local / INSTANT_DAY;
    int64_t hour = (local - day * INSTANT_DAY) / INSTANT_HOUR;
    int64_t weekday = (day + 3) % 7; /* 1970-01-01 was a Thursday; 0 is Monday */
    if (customer != NULL && customer->kind == CUSTOMER_CONSUMER) {
        return hour >= 9 && hour < 21;
    }
    return weekday < 5 && hour >= 9 && hour < 18;
}

/* Whether the renewal is within RENEWAL_DAYS, and in how many days, by the customer's calendar. */
static bool renews_soon(const struct registry_customer *customer, instant_us now, int64_t *days)
{
    if (customer == NULL || customer->renewal_on == NULL) {
        return false;
    }
    char midnight[INSTANT_TEXT_SIZE];
    instant_us renewal;
    snprintf(midnight, sizeof midnight, "%.10sT00:00:00Z", customer->renewal_on);
    if (!instant_parse(midnight, &renewal, NULL)) {
        return false;
    }
    *days = renewal / INSTANT_DAY - local_us(customer, now) / INSTANT_DAY;
    return *days >= 0 && *days <= RENEWAL_DAYS;
}

static double share_hit(const struct outreach_candidate *candidate)
{
    uint64_t hit = candidate->hosts_confirmed + candidate->hosts_probable;
    return candidate->hosts_reporting > hit ? (double)hit / (double)candidate->hosts_reporting : 1;
}

/* Back for an hour, so that nobody is called needlessly, nor forgotten over a minute's respite. */
static bool has_recovered(const struct outreach_candidate *candidate, instant_us now)
{
    return candidate->hosts_still_affected == 0 && candidate->last_recovered_at > 0 &&
           now - candidate->last_recovered_at >= INSTANT_HOUR;
}

static double hours_since_onset(const struct outreach_candidate *candidate, instant_us now)
{
    return candidate->first_onset_at > 0 && candidate->first_onset_at < now
               ? (double)(now - candidate->first_onset_at) / INSTANT_HOUR
               : 0;
}

static double churn_usd(const struct outreach_candidate *candidate,
                        const struct outreach_moment *moment)
{
    const struct registry_customer *customer = candidate->customer;
    double contract = customer == NULL ? 0
                                       : exchange_rates_usd(moment->rates, customer->contract_value,
                                                            customer->currency);
    double churn = contract * share_hit(candidate) * CHURN_CHANCE;
    int64_t days;
    if (renews_soon(customer, moment->now, &days)) {
        churn *= 1 + RENEWAL_ADDS * (double)(RENEWAL_DAYS - days) / RENEWAL_DAYS;
    }
    return candidate->hosts_still_affected == 0 ? churn * RECOVERED_WEIGHT : churn;
}

static double call_minutes(const struct outreach_candidate *candidate, uint32_t partner_customers)
{
    if (partner_customers > 1) {
        return CALL_MINUTES / partner_customers + PARTNER_MINUTES_EACH;
    }
    return CALL_MINUTES +
           HOST_MINUTES * fmin((double)candidate->hosts_still_affected, HOSTS_WALKED_THROUGH);
}

static struct judged judge(const struct outreach_candidate *candidate, uint32_t partner_customers,
                           const struct outreach_moment *moment)
{
    const struct registry_customer *customer = candidate->customer;
    instant_us now = moment->now;
    bool corporate = customer == NULL || customer->kind == CUSTOMER_CORPORATE;
    bool reachable = is_reachable(customer, now);
    struct outreach_parts parts = {
        .outage = (double)candidate->hosts_still_affected *
                  (corporate ? HOST_HOUR_CORPORATE : HOST_HOUR_CONSUMER) * HOURS_SOONER,
        .churn = churn_usd(candidate, moment),
        .waiting = 1 + fmin(hours_since_onset(candidate, now) / WAITING_HOURS, 1),
        .tier = tier_weight(customer),
        .criticality = criticality_weight(customer),
        .reach = reachable ? 1 : UNREACHABLE,
        .minutes = call_minutes(candidate, partner_customers)};
    return (struct judged){.candidate = candidate,
                           .parts = parts,
                           .score = (parts.outage + parts.churn) * parts.waiting * parts.tier *
                                    parts.criticality * parts.reach / parts.minutes,
                           .hosts = candidate->hosts_confirmed + candidate->hosts_probable,
                           .partner_customers = partner_customers,
                           .reachable = reachable};
}

/* ---- The order ---- */

/* As little as a place is decided by: a million of them are sorted. */
struct ranked {
    double score;
    uint64_t hosts;
    const struct outreach_candidate *candidate;
};

static int compare(const void *left, const void *right)
{
    const struct ranked *a = left;
    const struct ranked *b = right;
    if (a->score != b->score) {
        return a->score > b->score ? -1 : 1;
    }
    if (a->hosts != b->hosts) {
        return a->hosts > b->hosts ? -1 : 1;
    }
    return strcmp(a->candidate->customer_id, b->candidate->customer_id);
}

/* Lets the place at the top of a heap with the last in order on top sink to where it belongs. */
static void sink(struct ranked *heap, size_t count, size_t at)
{
    for (;;) {
        size_t last = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            last = compare(&heap[child], &heap[last]) > 0 ? child : last;
        }
        if (last == at) {
            return;
        }
        struct ranked moved = heap[at];
        heap[at] = heap[last];
        heap[last] = moved;
        at = last;
    }
}

/* The first `limit` of `count`, in order, at the front: those that are not listed are only compared
 * with the last that is. */
static void order_first(struct ranked *all, size_t count, size_t limit)
{
    for (size_t i = limit / 2; i > 0; i--) {
        sink(all, limit, i - 1);
    }
    for (size_t i = limit; limit > 0 && i < count; i++) {
        if (compare(&all[i], &all[0]) < 0) {
            all[0] = all[i];
            sink(all, limit, 0);
        }
    }
    qsort(all, limit, sizeof *all, compare);
}

/* ---- Reasons ---- */

static bool add_reason(struct outreach_entry *entry, struct buffer *words, struct arena *arena,
                       struct failure *failure)
{
    const char *reason = words->failed ? NULL : arena_copy_text(arena, words->data, words->length);
    buffer_clear(words);
    if (reason == NULL) {
        return failure_memory(failure, "ordering the outreach");
    }
    entry->reasons[entry->reason_count++] = reason;
    return true;
}

static void say_hosts(const struct judged *judged, instant_us now, struct buffer *words)
{
    (void)now;
    const struct outreach_candidate *candidate = judged->candidate;
    if (candidate->hosts_reporting == 1 && judged->hosts == 1) {
        buffer_append_text(words, "its only host hit");
    } else {
        buffer_append_format(words, "%llu of %llu hosts hit", (unsigned long long)judged->hosts,
                             (unsigned long long)(candidate->hosts_reporting > judged->hosts
                                                      ? candidate->hosts_reporting
                                                      : judged->hosts));
    }
    if (candidate->hosts_still_affected == 0) {
        buffer_append_text(words, ", all recovered");
    } else if (judged->hosts > 1) {
        buffer_append_format(words, ", %llu still down",
                             (unsigned long long)candidate->hosts_still_affected);
    } else {
        buffer_append_text(words, ", still down");
    }
}

static void say_reachable(const struct judged *judged, instant_us now, struct buffer *words)
{
    const struct registry_customer *customer = judged->candidate->customer;
    char local[INSTANT_TEXT_SIZE];
    instant_format(local_us(customer, now), local);
    if (customer == NULL || customer->zone == NULL) {
        buffer_append_format(words, "%.5s UTC, its own time is not known", local + 11);
        return;
    }
    buffer_append_format(words, "%s: %.5s in %s",
                         judged->reachable ? "reachable now" : "outside its hours", local + 11,
                         customer->time_zone);
}

/* ---- What there is to say, in this order; an empty reason is none ---- */

static void say_tier(const struct judged *judged, instant_us now, struct buffer *words)
{
    (void)now;
    if (tier_weight(judged->candidate->customer) > TIER_STANDARD) {
        buffer_append_text(words, "Premium tier");
    }
}

static void say_criticality(const struct judged *judged, instant_us now, struct buffer *words)
{
    (void)now;
    if (judged->parts.criticality > 1) {
        bool most = judged->candidate->customer->criticality == CRITICALITY_CRITICAL;
        buffer_append_text(words, most ? "its work cannot wait" : "its work can hardly wait");
    }
}

static void say_renewal(const struct judged *judged, instant_us now, struct buffer *words)
{
    int64_t days;
    if (!renews_soon(judged->candidate->customer, now, &days)) {
        return;
    }
    if (days == 0) {
        buffer_append_text(words, "renewal today");
    } else {
        buffer_append_format(words, "renewal in %d day%s", (int)days, days == 1 ? "" : "s");
    }
}

static void say_waiting(const struct judged *judged, instant_us now, struct buffer *words)
{
    double hours = hours_since_onset(judged->candidate, now);
    if (hours >= 1 && judged->candidate->hosts_still_affected > 0) {
        buffer_append_format(words, "down for %.0f h", floor(hours));
    }
}

static void say_partner(const struct judged *judged, instant_us now, struct buffer *words)
{
    (void)now;
    const char *partner = partner_of(judged->candidate);
    if (partner == NULL) {
        return;
    }
    buffer_append_format(words, "call the partner %s", partner);
    if (judged->partner_customers > 1) {
        buffer_append_format(words, ": one call for %u customers",
                             (unsigned)judged->partner_customers);
    }
}

/* Where a partner is called, it speaks it already. */
static void say_language(const struct judged *judged, instant_us now, struct buffer *words)
{
    (void)now;
    const struct registry_customer *customer = judged->candidate->customer;
    if (customer != NULL && customer->language != NULL && customer->partner == NULL) {
        buffer_append_format(words, "speaks %s", customer->language);
    }
}

static bool give_reasons(const struct judged *judged, instant_us now, struct arena *arena,
                         struct outreach_entry *entry, struct failure *failure)
{
    static void (*const says[])(const struct judged *judged, instant_us now,
                                struct buffer *words) = {
        say_hosts,   say_tier,    say_criticality, say_renewal,
        say_waiting, say_partner, say_language,    say_reachable};
    static_assert(sizeof says / sizeof *says == sizeof entry->reasons / sizeof *entry->reasons,
                  "room for each");
    bool done = true;
    struct buffer words = {0};
    for (size_t i = 0; done && i < sizeof says / sizeof *says; i++) {
        says[i](judged, now, &words);
        done = (words.length == 0 && !words.failed) || add_reason(entry, &words, arena, failure);
    }
    buffer_free(&words);
    return done;
}

static bool fill_entry(const struct judged *judged, uint32_t rank, instant_us now,
                       struct arena *arena, struct outreach_entry *entry, struct failure *failure)
{
    const struct outreach_candidate *candidate = judged->candidate;
    const struct registry_customer *customer = candidate->customer;
    *entry =
        (struct outreach_entry){.customer_id = candidate->customer_id,
                                .name = customer == NULL ? candidate->customer_id : customer->name,
                                .region = candidate->region,
                                .rank = rank,
                                .score = judged->score,
                                .parts = judged->parts,
                                .hosts_affected = judged->hosts,
                                .reachable_now = judged->reachable,
                                .recovered = has_recovered(candidate, now),
                                .partner = partner_of(candidate),
                                .time_zone = customer == NULL ? NULL : customer->time_zone,
                                .hosts_reporting = candidate->hosts_reporting,
                                .customer_number = candidate->number};
    return give_reasons(judged, now, arena, entry, failure);
}

static struct judged judge_among(const struct outreach_candidate *candidate,
                                 const struct partners *partners,
                                 const struct outreach_moment *moment)
{
    const struct impact_partner *partner = partners_find(partners, candidate);
    return judge(candidate, partner == NULL ? 0 : partner->customers, moment);
}

bool outreach_order(const struct outreach_candidate *candidates, size_t count, size_t limit,
                    const struct outreach_moment *moment, struct arena *arena,
                    struct outreach_entry **entries, struct failure *failure)
{
    struct ranked *ranked = malloc((count + 1) * sizeof *ranked);
    size_t listed = count < limit ? count : limit;
    struct outreach_entry *filled = arena_allocate(arena, (listed + 1) * sizeof *filled);
    if (ranked == NULL || filled == NULL) {
        free(ranked);
        return failure_memory(failure, "ordering the outreach");
    }
    struct partners partners = {0};
    bool done = partners_count(candidates, count, &partners, failure);
    for (size_t i = 0; done && i < count; i++) {
        struct judged judged = judge_among(&candidates[i], &partners, moment);
        ranked[i] = (struct ranked){
            .score = judged.score, .hosts = judged.hosts, .candidate = &candidates[i]};
    }
    if (done) {
        order_first(ranked, count, listed);
    }
    for (size_t i = 0; done && i < listed; i++) {
        struct judged judged = judge_among(ranked[i].candidate, &partners, moment);
        done = fill_entry(&judged, (uint32_t)i + 1, moment->now, arena, &filled[i], failure);
    }
    partners_free(&partners);
    free(ranked);
    *entries = filled;
    return done;
}
