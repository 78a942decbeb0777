/* Who is compared with whom, by looking through all hosts for every minute; see twin.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/hash_index.h"

enum { THIN_HOSTS = 100, BUNDLE_HOSTS = 20 };
#define BUNDLE_SHARE 0.95

/* ---- The reports in the order taken ---- */

static int compare_told(const void *left, const void *right)
{
    const struct twin_told *a = left;
    const struct twin_told *b = right;
    if (a->minute != b->minute) {
        return a->minute < b->minute ? -1 : 1;
    }
    int order = memcmp(&a->report->host_id, &b->report->host_id, sizeof a->report->host_id);
    if (order != 0) {
        return order;
    }
    if (a->report->observed_at != b->report->observed_at) {
        return a->report->observed_at < b->report->observed_at ? -1 : 1;
    }
    if (a->report->has_cpu != b->report->has_cpu) {
        return a->report->has_cpu ? -1 : 1;
    }
    if (a->report->received_at != b->report->received_at) {
        return a->report->received_at < b->report->received_at ? -1 : 1;
    }
    if (a->report->has_cpu && a->report->busy != b->report->busy) {
        return a->report->busy < b->report->busy ? -1 : 1;
    }
    return (a->arrival > b->arrival) - (a->arrival < b->arrival);
}

static size_t find_host(const struct twin *twin, const struct uuid *id)
{
    for (size_t i = 0; i < twin->host_count; i++) {
        if (memcmp(&twin->hosts[i], id, sizeof *id) == 0) {
            return i;
        }
    }
    return TWIN_NONE;
}

size_t twin_update(const struct twin *twin, const char *id)
{
    for (size_t i = 0; i < twin->update_count; i++) {
        if (strcmp(twin->updates[i], id) == 0) {
            return i;
        }
    }
    return TWIN_NONE;
}

size_t twin_segment(const struct twin *twin, const struct report_attribute *attributes,
                    size_t count)
{
    for (size_t i = 0; i < twin->segment_count; i++) {
        const struct twin_segment *segment = &twin->segments[i];
        bool same = segment->attribute_count == count;
        for (size_t a = 0; same && a < count; a++) {
            same = strcmp(segment->attributes[a].name, attributes[a].name) == 0 &&
                   strcmp(segment->attributes[a].value, attributes[a].value) == 0;
        }
        if (same) {
            return i;
        }
    }
    return TWIN_NONE;
}

/* By product line, system, region and ring. */
static size_t coarse_attributes(const struct twin_segment *segment,
                                struct report_attribute coarse[REPORT_ATTRIBUTES_LIMIT])
{
    static const char *const names[] = {"product_line", "os", "region", "ring"};
    size_t count = 0;
    for (size_t a = 0; a < segment->attribute_count; a++) {
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            if (strcmp(segment->attributes[a].name, names[n]) == 0) {
                coarse[count++] = segment->attributes[a];
            }
        }
    }
    return count;
}

static size_t learn_segment(struct twin *twin, const struct report_attribute *attributes,
                            size_t count)
{
    size_t number = twin_segment(twin, attributes, count);
    if (number == TWIN_NONE) {
        struct report_attribute *copy = calloc(count + 1, sizeof *copy);
        assert_non_null(copy);
        assert_true(twin->segment_count < TWIN_SEGMENTS);
        memcpy(copy, attributes, count * sizeof *copy);
        number = twin->segment_count++;
        twin->segments[number] =
            (struct twin_segment){.attributes = copy, .attribute_count = count, .parent = number};
    }
    return number;
}

static void learn_names(struct twin *twin, const struct report *report)
{
    for (size_t i = 0; i < report->update_count; i++) {
        if (twin_update(twin, report->updates[i].id) == TWIN_NONE) {
            assert_true(twin->update_count < TWIN_UPDATES);
            twin->updates[twin->update_count++] = report->updates[i].id;
        }
    }
    if (report->has_host) {
        size_t number = learn_segment(twin, report->attributes, report->attribute_count);
        struct report_attribute coarse[REPORT_ATTRIBUTES_LIMIT];
        size_t count = coarse_attributes(&twin->segments[number], coarse);
        if (count > 0) {
            twin->segments[number].parent = learn_segment(twin, coarse, count);
        }
    }
}

/* floor(log2) of the customer's registered seats, or of its hosts when the minute began: those
 * whose last report before it names it. */
static unsigned size_class_at(const struct twin *twin, size_t at)
{
    const char *customer = twin->told[at].report->customer_id;
    uint64_t size = twin->seats(customer);
    if (size == 0) {
        bool seen[TWIN_HOSTS] = {false};
        for (size_t i = at; i-- > 0;) {
            const struct twin_told *told = &twin->told[i];
            if (told->minute == twin->told[at].minute) {
                continue;
            }
            size += !seen[told->host] && strcmp(told->report->customer_id, customer) == 0;
            seen[told->host] = true;
        }
    }
    unsigned class = 0;
    while (size >> class > 1) {
        class ++;
    }
    return class;
}

void twin_init(struct twin *twin, struct twin_told *told, size_t count,
               uint32_t (*seats)(const char *customer_id))
{
    *twin = (struct twin){.told = told, .count = count, .seats = seats};
    qsort(told, count, sizeof *told, compare_told);
    for (size_t i = 0; i < count; i++) {
        size_t host = find_host(twin, &told[i].report->host_id);
        if (host == TWIN_NONE) {
            assert_true(twin->host_count < TWIN_HOSTS);
            host = twin->host_count++;
            twin->hosts[host] = told[i].report->host_id;
            twin->reports_of[host] = calloc(count, sizeof **twin->reports_of);
            assert_non_null(twin->reports_of[host]);
        }
        twin->reports_of[host][twin->report_counts[host]++] = i;
        learn_names(twin, told[i].report);
        told[i].host = host;
        told[i].size_class = size_class_at(twin, i);
    }
}

void twin_free(struct twin *twin)
{
    for (size_t i = 0; i < twin->host_count; i++) {
        free(twin->reports_of[i]);
    }
    for (size_t i = 0; i < twin->segment_count; i++) {
        free((void *)twin->segments[i].attributes);
    }
    *twin = (struct twin){0};
}

/* ---- Onsets ---- */

/* Of a customer's hosts one counts, drawn by lot: the lowest hash of host and minute. */
static void thin_onsets(const struct twin *twin, struct twin_minute *minute)
{
    uint64_t lots[TWIN_HOSTS];
    for (size_t i = 0; i < twin->host_count; i++) {
        lots[i] = hash_number(hash_bytes(&twin->hosts[i], sizeof twin->hosts[i]) ^
                              (uint64_t)minute->minute);
    }
    for (size_t i = 0; i < twin->host_count; i++) {
        struct twin_host *host = &minute->hosts[i];
        host->counts = host->onset >= 0;
        for (size_t j = 0; host->counts && j < twin->host_count; j++) {
            const struct twin_host *other = &minute->hosts[j];
            host->counts = other->onset < 0 || strcmp(other->customer, host->customer) != 0 ||
                           lots[j] >= lots[i];
        }
    }
}

/* ---- Bundles ---- */

static bool at_risk(const struct twin_host *host)
{
    return host->known && host->before == HOST_HEALTHY;
}

static size_t exposed_to_both(const struct twin *twin, const struct twin_minute *minute, size_t a,
                              size_t b)
{
    size_t count = 0;
    for (size_t i = 0; i < twin->host_count; i++) {
        const struct twin_host *host = &minute->hosts[i];
        count += at_risk(host) && host->ages[a] != 0 && host->ages[b] != 0;
    }
    return count;
}

static void find_bundles(const struct twin *twin, struct twin_minute *minute)
{
    for (size_t a = 0; a < twin->update_count; a++) {
        size_t hosts_of_a = exposed_to_both(twin, minute, a, a);
        minute->judged[a] = hosts_of_a >= BUNDLE_HOSTS;
        for (size_t b = 0; b < twin->update_count; b++) {
            size_t hosts_of_b = exposed_to_both(twin, minute, b, b);
            size_t most = hosts_of_a > hosts_of_b ? hosts_of_a : hosts_of_b;
            double both = (double)exposed_to_both(twin, minute, a, b);
            minute->is_bundle[a][b] =
                a == b || (minute->judged[a] && both >= BUNDLE_SHARE * (double)most);
        }
    }
}

/* ---- Contrasts ---- */

/* One comparison: an update, or its bundle, by one sign. */
struct comparison {
    const struct twin *twin;
    const struct twin_minute *minute;
    size_t update;
    int sign;
    bool bits[TWIN_UPDATES]; /* what is compared */
    uint32_t spoilt;
};

enum role { OUT, EXPOSED, FRESH /* exposed too recently to tell */, UNEXPOSED };

bool twin_shows(const struct twin_host *host, size_t update, int sign)
{
    return host->ages[update] > 1 || (host->ages[update] == 1 && sign == 0);
}

static enum role role_of(const struct comparison *comparison, const struct twin_host *host)
{
    size_t members = 0;
    size_t present = 0;
    size_t shown = 0;
    /* Just turned healthy it cannot be found silent: not at risk of that. */
    if (!at_risk(host) || (comparison->sign == 1 && host->settled == 1)) {
        return OUT;
    }
    for (size_t u = 0; u < comparison->twin->update_count; u++) {
        if (comparison->bits[u]) {
            members++;
            present += host->ages[u] != 0;
            shown += twin_shows(host, u, comparison->sign);
        } else if (host->ages[u] != 0 && (comparison->spoilt >> u & 1) != 0) {
            return OUT;
        }
    }
    if (present == 0) {
        return UNEXPOSED;
    }
    return shown == members ? EXPOSED : shown == 0 ? FRESH : OUT;
}

/* Who tells of an installation does so for certain, and is left out in that minute; its patience
 * later it stands for as many hosts as its interval has minutes. */
static unsigned stands_for(const struct comparison *comparison, const struct twin_host *host)
{
    return comparison->sign == 0 ? !host->tells : host->awaited ? host->interval_minutes : 1;
}

/* The same other updates with the same age classes, the same time since turning healthy. */
static bool alike(const struct comparison *comparison, const struct twin_host *a,
                  const struct twin_host *b)
{
    bool same = a->settled == b->settled;
    for (size_t u = 0; same && u < comparison->twin->update_count; u++) {
        same = comparison->bits[u] || a->ages[u] == b->ages[u];
    }
    return same;
}

static size_t parent_of(const struct twin *twin, size_t segment)
{
    return segment == TWIN_NONE ? TWIN_NONE : twin->segments[segment].parent;
}

/* Those alike in one stratum. */
struct side {
    unsigned hosts[UNEXPOSED + 1], onsets[UNEXPOSED + 1]; /* by role */
    bool is_thin;
};

static struct side count_side(const struct comparison *comparison, const struct twin_host *model,
                              size_t segment)
{
    struct side side = {0};
    size_t healthy = 0;
    for (size_t i = 0; i < comparison->twin->host_count; i++) {
        const struct twin_host *host = &comparison->minute->hosts[i];
        if (!at_risk(host) || host->segment != segment || host->size_class != model->size_class) {
            continue;
        }
        healthy++;
        if (alike(comparison, host, model)) {
            enum role role = role_of(comparison, host);
            side.hosts[role] += stands_for(comparison, host);
            side.onsets[role] +=
                host->counts && host->onset == comparison->sign && stands_for(comparison, host) > 0;
        }
    }
    side.is_thin = healthy < THIN_HOSTS;
    return side;
}

static void add_side(struct twin_contrast *contrast, const struct side *side, size_t segment)
{
    if (side->hosts[EXPOSED] > 0) {
        contrast->members[contrast->member_count++] = (struct twin_member){
            .segment = segment, .at_risk = side->hosts[EXPOSED], .onsets = side->onsets[EXPOSED]};
    }
    contrast->exposed += side->hosts[EXPOSED];
    contrast->exposed_onsets += side->onsets[EXPOSED];
    contrast->onsets += side->onsets[EXPOSED];
    if (side->hosts[UNEXPOSED] > 0) { /* the fresh only stand beside somebody unexposed */
        contrast->control += side->hosts[UNEXPOSED] + side->hosts[FRESH];
        contrast->onsets += side->onsets[UNEXPOSED] + side->onsets[FRESH];
    }
}

static void keep_contrast(struct twin_minute *minute, const struct twin_contrast *contrast)
{
    if (contrast->exposed > 0 && contrast->control > 0 && contrast->onsets > 0) {
        assert_true(minute->contrast_count < TWIN_CONTRASTS);
        minute->contrasts[minute->contrast_count++] = *contrast;
    }
}

/* Compares all that are like `model`: within each stratum of the parent, and then what that left
 * over of thin strata, exposed without a control and controls without exposed, together. */
static void compare_alike(const struct comparison *comparison, const struct twin_host *model,
                          const struct twin_contrast *form, struct twin_minute *result)
{
    const struct twin *twin = comparison->twin;
    struct twin_contrast pooled = *form;
    pooled.pooled = true;
    for (size_t s = 0; s <= twin->segment_count; s++) {
        size_t segment = s == twin->segment_count ? TWIN_NONE : s;
        if (parent_of(twin, segment) != parent_of(twin, model->segment)) {
            continue;
        }
        struct side side = count_side(comparison, model, segment);
        if (side.hosts[EXPOSED] > 0 && side.hosts[UNEXPOSED] > 0) {
            struct twin_contrast within = *form;
            add_side(&within, &side, segment);
            keep_contrast(result, &within);
        } else if (side.is_thin) {
            add_side(&pooled, &side, segment);
        }
    }
    keep_contrast(result, &pooled);
}

static bool same_group(const struct twin *twin, const struct twin_host *a,
                       const struct twin_host *b)
{
    return a->size_class == b->size_class &&
           parent_of(twin, a->segment) == parent_of(twin, b->segment);
}

/* Without an onset there is nothing to tell. */
static bool group_has_onset(const struct comparison *comparison, const struct twin_host *host)
{
    bool any = false;
    for (size_t i = 0; !any && i < comparison->twin->host_count; i++) {
        const struct twin_host *other = &comparison->minute->hosts[i];
        any = other->counts && other->onset == comparison->sign &&
              same_group(comparison->twin, host, other);
    }
    return any;
}

/* Every kind of exposed host is compared once: when the first of it comes up. */
static void compare_all(const struct comparison *comparison, struct twin_minute *result)
{
    const struct twin *twin = comparison->twin;
    for (size_t i = 0; i < twin->host_count; i++) {
        const struct twin_host *host = &comparison->minute->hosts[i];
        bool first = role_of(comparison, host) == EXPOSED && group_has_onset(comparison, host);
        for (size_t j = 0; first && j < i; j++) {
            const struct twin_host *before = &comparison->minute->hosts[j];
            first = role_of(comparison, before) != EXPOSED || !same_group(twin, host, before) ||
                    !alike(comparison, host, before);
        }
        if (!first) {
            continue;
        }
        struct twin_contrast form = {
            .update = comparison->update, .sign = comparison->sign, .size_class = host->size_class};
        for (size_t u = 0; u < twin->update_count; u++) {
            form.shared |= u != comparison->update && comparison->bits[u];
            form.company |= !comparison->bits[u] && host->ages[u] != 0 ? UINT32_C(1) << u : 0;
        }
        compare_alike(comparison, host, &form, result);
    }
}

void twin_minute_at(const struct twin *twin, int32_t minute, const uint32_t spoilt[TWIN_UPDATES],
                    struct twin_minute *result)
{
    result->minute = minute;
    result->contrast_count = 0;
    for (size_t i = 0; i < twin->host_count; i++) {
        twin_host_at(twin, i, minute, &result->hosts[i]);
    }
    thin_onsets(twin, result);
    find_bundles(twin, result);
    for (size_t update = 0; update < twin->update_count; update++) {
        for (int sign = 0; sign < TWIN_SIGNS; sign++) {
            struct comparison comparison = {.twin = twin,
                                            .minute = result,
                                            .update = update,
                                            .sign = sign,
                                            .spoilt = spoilt[update]};
            comparison.bits[update] = true;
            compare_all(&comparison, result);
            size_t mates = 0;
            for (size_t other = 0; other < twin->update_count; other++) {
                comparison.bits[other] = result->is_bundle[update][other];
                mates += result->is_bundle[update][other];
            }
            if (mates > 1) {
                compare_all(&comparison, result);
            }
        }
    }
}

/* ---- Host-minutes ---- */

bool twin_count_stratum(const struct twin *twin, const struct twin_minute *minute, size_t update,
                        size_t segment, unsigned size_class, struct twin_count *count)
{
    bool anybody = false;
    bool unexposed[TWIN_SIGNS] = {false};
    *count = (struct twin_count){0};
    for (size_t i = 0; i < twin->host_count; i++) {
        const struct twin_host *host = &minute->hosts[i];
        if (!at_risk(host) || host->segment != segment || host->size_class != size_class) {
            continue;
        }
        anybody |= host->ages[update] != 0;
        for (int sign = 0; sign < TWIN_SIGNS; sign++) {
            bool counted = sign == 0 || host->settled != 1;
            bool exposed = twin_shows(host, update, sign);
            unexposed[sign] |= counted && host->ages[update] == 0;
            count->exposed_minutes[sign] += counted && exposed;
            count->control_minutes[sign] += counted && !exposed;
            count->exposed_onsets[sign] += counted && exposed && host->onset == sign;
            count->control_onsets[sign] += counted && !exposed && host->onset == sign;
        }
    }
    /* Who is fresh is no control where nobody else is. */
    for (int sign = 0; sign < TWIN_SIGNS; sign++) {
        count->control_minutes[sign] *= unexposed[sign];
        count->control_onsets[sign] *= unexposed[sign];
    }
    return anybody;
}
