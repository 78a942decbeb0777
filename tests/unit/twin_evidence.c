/* The evidence of contrasts, by the definition of Fisher's noncentral hypergeometric distribution:
 * every outcome's weight as a product of binomial coefficients, in long double; see twin.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "twin.h"

static long double theta_at(int point)
{
    return powl(2, (point - 12) / 4.0L);
}

static long double choose(unsigned n, unsigned k)
{
    long double product = k <= n;
    for (unsigned i = 0; i < k && k <= n; i++) {
        product = product * (n - i) / (i + 1);
    }
    return product;
}

/* The probability that x of the onsets are among the exposed. */
static long double fisher(unsigned exposed, unsigned control, unsigned onsets, unsigned x,
                          long double theta)
{
    long double sum = 0;
    for (unsigned j = 0; j <= onsets; j++) {
        sum += choose(exposed, j) * choose(control, onsets - j) * powl(theta, j);
    }
    return choose(exposed, x) * choose(control, onsets - x) * powl(theta, x) / sum;
}

/* Some of a contrast's exposed hosts against all its controls. */
static void add(struct twin_part *part, const struct twin_contrast *contrast, unsigned exposed,
                unsigned x)
{
    unsigned onsets = contrast->onsets - contrast->exposed_onsets + x;
    if (exposed == 0) {
        return;
    }
    for (int k = 0; k < TWIN_POINTS; k++) {
        part->log_ratio[contrast->sign][k] +=
            logl(fisher(exposed, contrast->control, onsets, x, theta_at(k)) /
                 fisher(exposed, contrast->control, onsets, x, 1));
    }
    double all = (double)exposed + contrast->control;
    double share = exposed / all;
    part->observed += x;
    part->expected += onsets * share;
    part->variance += onsets * share * (1 - share) * (all > 1 ? (all - onsets) / (all - 1) : 0);
}

static bool same_text(const char *left, const char *right)
{
    return (left == NULL) == (right == NULL) && (left == NULL || strcmp(left, right) == 0);
}

size_t twin_evidence_value(struct twin_evidence *evidence, const char *name, const char *parent,
                           const char *text)
{
    for (size_t v = 0; v < evidence->value_count; v++) {
        const struct twin_value *value = &evidence->values[v];
        if (strcmp(value->name, name) == 0 && strcmp(value->text, text) == 0 &&
            same_text(value->parent, parent)) {
            return v;
        }
    }
    assert_true(evidence->value_count < TWIN_VALUES);
    evidence->values[evidence->value_count] =
        (struct twin_value){.name = name, .parent = parent, .text = text};
    return evidence->value_count++;
}

/* A version is read within its product. */
static const char *parent_value(const struct twin_segment *segment, const char *name)
{
    const char *within = strcmp(name, "os_version") == 0        ? "os"
                         : strcmp(name, "product_version") == 0 ? "product_line"
                                                                : "";
    for (size_t a = 0; a < segment->attribute_count; a++) {
        if (strcmp(segment->attributes[a].name, within) == 0) {
            return segment->attributes[a].value;
        }
    }
    return NULL;
}

static bool has_value(struct twin_evidence *evidence, const struct twin *twin, size_t segment,
                      size_t value)
{
    for (size_t a = 0; segment != TWIN_NONE && a < twin->segments[segment].attribute_count; a++) {
        const struct report_attribute *said = &twin->segments[segment].attributes[a];
        const char *parent = parent_value(&twin->segments[segment], said->name);
        if (twin_evidence_value(evidence, said->name, parent, said->value) == value) {
            return true;
        }
    }
    return false;
}

static void learn_values(struct twin_evidence *evidence, const struct twin *twin)
{
    for (size_t s = 0; s < twin->segment_count; s++) {
        (void)has_value(evidence, twin, s, TWIN_NONE);
    }
}

/* How many of the onsets are among the exposed, on average. */
static long double fisher_mean(const struct twin_contrast *contrast, long double theta)
{
    long double mean = 0;
    for (unsigned x = 1; x <= contrast->onsets; x++) {
        mean += x * fisher(contrast->exposed, contrast->control, contrast->onsets, x, theta);
    }
    return mean;
}

/* Of a contrast's onsets those of the member, and of those of its controls as many as it has of the
 * exposed hosts. */
static double part_of(const struct twin_contrast *contrast, const struct twin_member *member)
{
    double controls = (double)(contrast->onsets - contrast->exposed_onsets) * member->at_risk;
    return contrast->onsets == 0
               ? 0
               : (member->onsets + controls / contrast->exposed) / contrast->onsets;
}

/* A share of a contrast's exposed hosts, with their onsets. */
static void add_compared(struct twin_compared *sum, const struct twin_compared *contrast,
                         double share, unsigned onsets)
{
    sum->onsets += onsets;
    sum->unmoved += share * contrast->unmoved;
    for (int k = 0; k < TWIN_POINTS; k++) {
        sum->without[k] += share * contrast->without[k];
    }
}

static void take_compared(struct twin_evidence *evidence, const struct twin_contrast *contrast)
{
    struct twin_compared whole = {.unmoved = (double)fisher_mean(contrast, 1)};
    for (int k = 0; k < TWIN_POINTS; k++) {
        whole.without[k] = fisher_mean(contrast, theta_at(k)) / theta_at(k);
    }
    bool *by_itself = &evidence->updates[contrast->update].by_itself;
    if (!contrast->shared) {
        *by_itself = true;
        add_compared(&evidence->updates[contrast->update].compared, &whole, 1,
                     contrast->exposed_onsets);
    }
    for (size_t m = 0; m < contrast->member_count && (!contrast->shared || !*by_itself); m++) {
        const struct twin_member *member = &contrast->members[m];
        size_t segment = member->segment == TWIN_NONE ? TWIN_SEGMENTS : member->segment;
        add_compared(&evidence->updates[contrast->update].compared_in[segment], &whole,
                     part_of(contrast, member), member->onsets);
    }
}

/* Those of its exposed hosts that have a value against all its controls. */
static void add_to_values(struct twin_evidence *evidence, const struct twin *twin,
                          const struct twin_contrast *contrast,
                          struct twin_part values[TWIN_VALUES])
{
    for (size_t v = 0; v < evidence->value_count; v++) {
        unsigned exposed = 0;
        unsigned x = 0;
        for (size_t m = 0; m < contrast->member_count; m++) {
            if (has_value(evidence, twin, contrast->members[m].segment, v)) {
                exposed += contrast->members[m].at_risk;
                x += contrast->members[m].onsets;
            }
        }
        add(&values[v], contrast, exposed, x);
    }
}

static void take_contrast(struct twin_evidence *evidence, const struct twin *twin,
                          const struct twin_contrast *contrast)
{
    unsigned exposed = contrast->exposed;
    unsigned x = contrast->exposed_onsets;
    if (contrast->shared) {
        add(&evidence->updates[contrast->update].bundle, contrast, exposed, x);
        if (!evidence->updates[contrast->update].by_itself) {
            add_to_values(evidence, twin, contrast, evidence->updates[contrast->update].early);
        }
        return;
    }
    add(&evidence->updates[contrast->update].fleet, contrast, exposed, x);
    for (size_t u = 0; u < twin->update_count; u++) {
        if ((contrast->company >> u & 1) != 0) {
            add(&evidence->updates[contrast->update].company[u], contrast, exposed, x);
        }
    }
    add_to_values(evidence, twin, contrast, evidence->updates[contrast->update].values);
}

void twin_evidence_take(struct twin_evidence *evidence, const struct twin *twin,
                        const struct twin_minute *minute)
{
    learn_values(evidence, twin);
    for (int shared = 0; shared <= 1; shared++) {
        for (size_t i = 0; i < minute->contrast_count; i++) {
            if (minute->contrasts[i].shared == (shared != 0)) {
                take_contrast(evidence, twin, &minute->contrasts[i]);
                take_compared(evidence, &minute->contrasts[i]);
            }
        }
    }
}

double twin_log_e(const long double log_ratio[TWIN_POINTS])
{
    long double sum = 0;
    long double weights = 0;
    for (int k = 13; k < TWIN_POINTS; k++) {
        long double weight =
            1 / (1 + (long double)((k - 21) * (k - 21)) / 25); /* most at 2^(9/4) */
        sum += weight * expl(log_ratio[k]);
        weights += weight;
    }
    return (double)logl(sum / weights);
}

/* Apart from the other's company the rate is raised by half, beyond two standard errors. */
static bool harms_without(const struct twin_evidence *evidence, size_t update, size_t other)
{
    const struct twin_part *all = &evidence->updates[update].fleet;
    const struct twin_part *with = &evidence->updates[update].company[other];
    double variance = all->variance - with->variance;
    double excess = (all->observed - with->observed) - (all->expected - with->expected);
    return variance > 0 && exp(excess / variance - 2 / sqrt(variance)) > 1.5;
}

void twin_spoilt(const struct twin_evidence *evidence, const struct twin *twin,
                 const bool held[TWIN_UPDATES], uint32_t spoilt[TWIN_UPDATES])
{
    memset(spoilt, 0, TWIN_UPDATES * sizeof *spoilt);
    for (size_t update = 0; update < twin->update_count; update++) {
        for (size_t other = 0; held[update] && other < twin->update_count; other++) {
            if (other != update && harms_without(evidence, update, other)) {
                spoilt[other] |= UINT32_C(1) << update;
            }
        }
    }
}
