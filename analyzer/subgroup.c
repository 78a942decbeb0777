/* Peeling and pasting attribute values; see subgroup.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/subgroup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A value with at most this share of the subgroup's excess rate, by its upper bound, is unharmed; a
 * value above twice it is harmed. A share of hosts for whom the trigger is absent (no matching
 * file, not online) lowers a whole value's rate by less than that. */
#define UNHARMED_SHARE 0.25

struct sums {
    double minutes, onsets, expected;
};

static double excess_rate(const struct sums *sums)
{
    return sums->minutes > 0 ? (sums->onsets - sums->expected) / sums->minutes : 0;
}

/* Upper bound, about 97.5 %, of the excess rate: Poisson by the square root, which is exact enough
 * from 0 on (Freeman-Tukey). */
static double excess_rate_high(const struct sums *sums)
{
    double high = pow(sqrt(sums->onsets + 1) + 1, 2);
    return sums->minutes > 0 ? (high - sums->expected) / sums->minutes : INFINITY;
}

static double excess_rate_low(const struct sums *sums)
{
    double root = sqrt(sums->onsets) - 1;
    double low = root > 0 ? root * root : 0;
    return sums->minutes > 0 ? (low - sums->expected) / sums->minutes : 0;
}

void subgroup_free(struct subgroup *subgroup)
{
    free(subgroup->standing);
    *subgroup = (struct subgroup){0};
}

static bool allows(const struct subgroup *subgroup, const struct segment *segment,
                   uint32_t attribute)
{
    uint32_t value = segment->values[attribute];
    if (!subgroup->constrained[attribute]) {
        return true;
    }
    return value != SEGMENT_NO_VALUE && value < subgroup->value_count &&
           subgroup->standing[value] != SUBGROUP_OUTSIDE;
}

/* Inside by all attributes but `except` (REPORT_ATTRIBUTES_LIMIT: by all). */
static bool contains_but(const struct subgroup *subgroup, const struct segments *segments,
                         uint32_t number, uint32_t except)
{
    if (number == SEGMENT_NONE) {
        for (uint32_t a = 0; a < REPORT_ATTRIBUTES_LIMIT; a++) {
            if (subgroup->constrained[a] && a != except) {
                return false;
            }
        }
        return true;
    }
    const struct segment *segment = &segments->items[number];
    for (uint32_t a = 0; a < segments->attribute_count; a++) {
        if (a != except && !allows(subgroup, segment, a)) {
            return false;
        }
    }
    return true;
}

bool subgroup_contains(const struct subgroup *subgroup, const struct segments *segments,
                       uint32_t segment)
{
    return contains_but(subgroup, segments, segment, REPORT_ATTRIBUTES_LIMIT);
}

struct search {
    const struct segments *segments;
    const struct subgroup_cell *cells;
    size_t count;
    struct sums *values; /* by value number: scratch */
};

/* Sums of the cells inside by all attributes but `except`, in total and by value of `except`. */
static struct sums sum_values(const struct search *search, const struct subgroup *subgroup,
                              uint32_t except)
{
    memset(search->values, 0, (search->segments->value_count + 1) * sizeof *search->values);
    struct sums total = {0};
    for (size_t i = 0; i < search->count; i++) {
        const struct subgroup_cell *cell = &search->cells[i];
        if (!contains_but(subgroup, search->segments, cell->segment, except)) {
            continue;
        }
        total.minutes += cell->exposed_minutes;
        total.onsets += cell->onsets;
        total.expected += cell->expected;
        if (except == REPORT_ATTRIBUTES_LIMIT || cell->segment == SEGMENT_NONE) {
            continue;
        }
        uint32_t value = search->segments->items[cell->segment].values[except];
        if (value != SEGMENT_NO_VALUE) {
            search->values[value].minutes += cell->exposed_minutes;
            search->values[value].onsets += cell->onsets;
            search->values[value].expected += cell->expected;
        }
    }
    return total;
}

/* Host-minutes of the values of `attribute` still inside that show no harm; takes them away when
 * `peel`. */
static double unharmed_minutes(const struct search *search, struct subgroup *subgroup,
                               uint32_t attribute, double rate, bool peel)
{
    sum_values(search, subgroup, attribute);
    double minutes = 0;
    for (uint32_t v = 0; v < search->segments->value_count; v++) {
        if (search->segments->values[v].attribute != attribute ||
            subgroup->standing[v] == SUBGROUP_OUTSIDE ||
            excess_rate_high(&search->values[v]) >= UNHARMED_SHARE * rate) {
            continue;
        }
        minutes += search->values[v].minutes;
        if (peel) {
            subgroup->standing[v] = SUBGROUP_OUTSIDE;
            subgroup->constrained[attribute] = true;
        }
    }
    return minutes;
}

/* Takes away the unharmed values of the attribute where they are most; false when there are none.
 */
static bool peel(const struct search *search, struct subgroup *subgroup)
{
    struct sums inside = sum_values(search, subgroup, REPORT_ATTRIBUTES_LIMIT);
    double rate = excess_rate(&inside);
    if (rate <= 0) {
        return false;
    }
    uint32_t best = REPORT_ATTRIBUTES_LIMIT;
    double most = 0;
    for (uint32_t a = 0; a < search->segments->attribute_count; a++) {
        double minutes = unharmed_minutes(search, subgroup, a, rate, false);
        /* On a tie the coarser attribute says it in fewer words. */
        bool coarser = best != REPORT_ATTRIBUTES_LIMIT && minutes == most &&
                       search->segments->attributes[best].parent != NULL &&
                       search->segments->attributes[a].parent == NULL;
        if (minutes > most || coarser) {
            most = minutes;
            best = a;
        }
    }
    if (best == REPORT_ATTRIBUTES_LIMIT) {
        return false;
    }
    unharmed_minutes(search, subgroup, best, rate, true);
    return true;
}

/* Judges every value of a constrained attribute within the final subgroup; drops the constraint
 * when it keeps out nobody who is shown unharmed. */
static void settle(const struct search *search, struct subgroup *subgroup, uint32_t attribute)
{
    struct sums inside = sum_values(search, subgroup, REPORT_ATTRIBUTES_LIMIT);
    double rate = excess_rate(&inside);
    sum_values(search, subgroup, attribute);
    bool keeps_out = false;
    for (uint32_t v = 0; v < search->segments->value_count; v++) {
        if (search->segments->values[v].attribute != attribute) {
            continue;
        }
        const struct sums *sums = &search->values[v];
        if (sums->minutes > 0 && excess_rate_high(sums) < UNHARMED_SHARE * rate) {
            subgroup->standing[v] = SUBGROUP_OUTSIDE;
            keeps_out = true;
        } else if (sums->minutes > 0 && excess_rate_low(sums) > 0 &&
                   excess_rate(sums) > 2 * UNHARMED_SHARE * rate) {
            subgroup->standing[v] = SUBGROUP_INSIDE;
        } else if (subgroup->standing[v] != SUBGROUP_OUTSIDE) {
            subgroup->standing[v] = SUBGROUP_UNJUDGED;
        }
    }
    if (!keeps_out) {
        subgroup->constrained[attribute] = false;
        for (uint32_t v = 0; v < search->segments->value_count; v++) {
            if (search->segments->values[v].attribute == attribute) {
                subgroup->standing[v] = SUBGROUP_UNJUDGED;
            }
        }
    }
}

bool subgroup_find(const struct segments *segments, const struct subgroup_cell *cells, size_t count,
                   struct subgroup *subgroup, struct failure *failure)
{
    *subgroup = (struct subgroup){.value_count = segments->value_count};
    subgroup->standing = calloc(segments->value_count + 1, sizeof *subgroup->standing);
    struct search search = {.segments = segments, .cells = cells, .count = count};
    search.values = calloc(segments->value_count + 1, sizeof *search.values);
    if (subgroup->standing == NULL || search.values == NULL) {
        free(search.values);
        subgroup_free(subgroup);
        return failure_memory(failure, "looking for the segment");
    }
    while (peel(&search, subgroup)) {
    }
    /* Coarse attributes last: where os_version keeps out all that os does, os is redundant. */
    for (int coarse = 0; coarse < 2; coarse++) {
        for (uint32_t a = segments->attribute_count; a-- > 0;) {
            bool has_parent = segments->attributes[a].parent != NULL;
            if (subgroup->constrained[a] && has_parent == (coarse == 0)) {
                settle(&search, subgroup, a);
            }
        }
    }
    free(search.values);
    return true;
}

/* ---- In words ---- */

/* The conjunction of one cell's values in the constrained attributes, each within its parent,
 * sorted as the attributes are named to people. */
static bool cell_conjunction(const struct subgroup *subgroup, const struct segments *segments,
                             uint32_t number, struct arena *arena,
                             struct segment_conjunction *conjunction, struct failure *failure)
{
    const struct segment *segment = &segments->items[number];
    struct segment_term *terms =
        arena_allocate(arena, (2 * (size_t)REPORT_ATTRIBUTES_LIMIT) * sizeof *terms);
    if (terms == NULL) {
        return failure_memory(failure, "naming the segment");
    }
    size_t count = 0;
    /* The segment's own attributes are sorted by name; a parent ("os", "product_line") is added
     * where only its child is constrained. */
    for (size_t i = 0; i < segment->attribute_count; i++) {
        const struct report_attribute *said = &segment->attributes[i];
        bool named = false;
        for (uint32_t a = 0; a < segments->attribute_count; a++) {
            const struct segment_attribute *attribute = &segments->attributes[a];
            named |= subgroup->constrained[a] &&
                     (strcmp(attribute->name, said->name) == 0 ||
                      (attribute->parent != NULL && strcmp(attribute->parent, said->name) == 0));
        }
        if (named) {
            terms[count++] = (struct segment_term){.attribute = said->name, .value = said->value};
        }
    }
    *conjunction = (struct segment_conjunction){.terms = terms, .term_count = count};
    return true;
}

static int compare_conjunctions(const void *left, const void *right)
{
    const struct segment_conjunction *a = left;
    const struct segment_conjunction *b = right;
    for (size_t i = 0; i < a->term_count && i < b->term_count; i++) {
        int order = strcmp(a->terms[i].attribute, b->terms[i].attribute);
        order = order != 0 ? order : strcmp(a->terms[i].value, b->terms[i].value);
        if (order != 0) {
            return order;
        }
    }
    return (a->term_count > b->term_count) - (a->term_count < b->term_count);
}

static bool all_named_inside(const struct subgroup *subgroup, const struct segments *segments,
                             uint32_t number)
{
    if (number == SEGMENT_NONE) {
        return false;
    }
    for (uint32_t a = 0; a < segments->attribute_count; a++) {
        uint32_t value = segments->items[number].values[a];
        if (subgroup->constrained[a] &&
            (value == SEGMENT_NO_VALUE || value >= subgroup->value_count ||
             subgroup->standing[value] != SUBGROUP_INSIDE)) {
            return false;
        }
    }
    return true;
}

/* Appends "A or B", the distinct values of one term over all conjunctions. */
static void append_alternatives(struct buffer *words, const struct segment_conjunction *all,
                                size_t count, const char *attribute)
{
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; t < all[i].term_count; t++) {
            const struct segment_term *term = &all[i].terms[t];
            bool seen = strcmp(term->attribute, attribute) != 0;
            for (size_t j = 0; j < i && !seen; j++) {
                for (size_t u = 0; u < all[j].term_count; u++) {
                    seen |= strcmp(all[j].terms[u].attribute, attribute) == 0 &&
                            strcmp(all[j].terms[u].value, term->value) == 0;
                }
            }
            if (!seen) {
                buffer_append_format(words, "%s%s", written++ > 0 ? " or " : "", term->value);
            }
        }
    }
}

/* "OfficeScan or VirusBuster, Windows XP SP2, engine 7.500 or 7.510". */
static void append_words(struct buffer *words, const struct segment_conjunction *all, size_t count)
{
    static const char *const in_order[] = {"product_line", "product_version", "os", "os_version"};
    static const char *const before[] = {"", " ", "", " "};
    const struct segment_conjunction *first = &all[0];
    for (size_t k = 0; k < sizeof in_order / sizeof *in_order; k++) {
        for (size_t t = 0; t < first->term_count; t++) {
            if (strcmp(first->terms[t].attribute, in_order[k]) == 0) {
                buffer_append_text(words, words->length == 0 ? "" : *before[k] ? before[k] : ", ");
                append_alternatives(words, all, count, in_order[k]);
            }
        }
    }
    for (size_t t = 0; t < first->term_count; t++) {
        const char *name = first->terms[t].attribute;
        bool said = false;
        for (size_t k = 0; k < sizeof in_order / sizeof *in_order; k++) {
            said |= strcmp(name, in_order[k]) == 0;
        }
        if (!said) {
            buffer_append_format(words, "%s%s ", words->length == 0 ? "" : ", ", name);
            append_alternatives(words, all, count, name);
        }
    }
}

static size_t without_repeats(struct segment_conjunction *all, size_t count)
{
    qsort(all, count, sizeof *all, compare_conjunctions);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_conjunctions(&all[kept - 1], &all[i]) != 0) {
            all[kept++] = all[i];
        }
    }
    return kept;
}

bool subgroup_describe(const struct subgroup *subgroup, const struct segments *segments,
                       const struct subgroup_cell *cells, size_t count, struct arena *arena,
                       const struct segment_conjunction **conjunctions, size_t *conjunction_count,
                       const char **text, struct failure *failure)
{
    *conjunction_count = 0;
    *conjunctions = NULL;
    *text = "the whole fleet";
    bool constrained = false;
    for (uint32_t a = 0; a < segments->attribute_count; a++) {
        constrained |= subgroup->constrained[a];
    }
    if (!constrained) {
        return true;
    }
    struct segment_conjunction *all = arena_allocate(arena, (count + 1) * sizeof *all);
    if (all == NULL) {
        return failure_memory(failure, "naming the segment");
    }
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (cells[i].onsets > cells[i].expected &&
            all_named_inside(subgroup, segments, cells[i].segment) &&
            !cell_conjunction(subgroup, segments, cells[i].segment, arena, &all[found++],
                              failure)) {
            return false;
        }
    }
    found = without_repeats(all, found);
    if (found == 0) {
        return true;
    }
    struct buffer words = {0};
    append_words(&words, all, found);
    *text = words.failed ? NULL : arena_copy_text(arena, words.data, words.length);
    buffer_free(&words);
    if (*text == NULL) {
        return failure_memory(failure, "naming the segment");
    }
    *conjunctions = all;
    *conjunction_count = found;
    return true;
}
