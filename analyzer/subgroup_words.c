/* The segment in words; see subgroup.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/subgroup.h"
#include "common/buffer.h"

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
