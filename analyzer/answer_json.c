/* How do the answers read for a program? One JSON document, the same bytes for the same answers:
 * keys in the order of answer.h, compact, so that its hash can serve as an ETag and the live path
 * and the file path can be compared with cmp(1).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "analyzer/cost_json.h"
#include "analyzer/json_value.h"

static json_t *count_value(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *finish(json_t *value, bool complete)
{
    if (!complete) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static json_t *affected_value(const struct affected_count *affected)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "confirmed", count_value(affected->confirmed), &complete);
    json_value_set(object, "probable", count_value(affected->probable), &complete);
    json_value_set(object, "estimated", json_value_range(affected->estimated), &complete);
    json_value_set(object, "all", json_value_range(affected->all), &complete);
    return finish(object, complete);
}

static json_t *degrees_value(const struct impact_extent *extent)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "any", json_value_range(extent->degrees[DEGREE_ANY]), &complete);
    json_value_set(object, "over_a_tenth", json_value_range(extent->degrees[DEGREE_TENTH]),
                   &complete);
    json_value_set(object, "over_half", json_value_range(extent->degrees[DEGREE_HALF]), &complete);
    return finish(object, complete);
}

static json_t *tiers_value(const struct impact_extent *extent)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < extent->tier_count; i++) {
        const struct impact_tier *tier = &extent->tiers[i];
        const char *kind = tier->kind == CUSTOMER_CORPORATE ? "corporate" : "consumer";
        json_t *object = json_object();
        json_value_set(object, "kind", json_value_text(kind), &complete);
        json_value_set(object, "tier", json_value_text(tier->tier), &complete);
        json_value_set(object, "customers", json_value_range(tier->customers), &complete);
        json_value_append(array, object, &complete);
    }
    return finish(array, complete);
}

static json_t *partners_value(const struct impact_extent *extent)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < extent->partner_count; i++) {
        const struct impact_partner *partner = &extent->partners[i];
        json_t *object = json_object();
        json_value_set(object, "partner", json_value_text(partner->partner), &complete);
        json_value_set(object, "customers", count_value(partner->customers), &complete);
        json_value_set(object, "hosts", count_value(partner->hosts), &complete);
        json_value_append(array, object, &complete);
    }
    return finish(array, complete);
}

static json_t *silence_value(const struct impact_silence *silence)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "hosts", count_value(silence->hosts), &complete);
    json_value_set(object, "expected", json_value_number(silence->expected), &complete);
    json_value_set(object, "if_none", json_value_number(silence->if_none), &complete);
    json_value_set(object, "if_half", json_value_number(silence->if_half), &complete);
    json_value_set(object, "if_all", json_value_number(silence->if_all), &complete);
    return finish(object, complete);
}

static json_t *segment_value(const struct update_answer *update)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < update->segment_count; i++) {
        const struct segment_conjunction *conjunction = &update->segment[i];
        json_t *object = json_object();
        for (size_t j = 0; j < conjunction->term_count; j++) {
            const struct segment_term *term = &conjunction->terms[j];
            json_value_set(object, term->attribute, json_value_text(term->value), &complete);
        }
        json_value_append(array, object, &complete);
    }
    return finish(array, complete);
}

static json_t *forecast_value(const struct impact_forecast *forecast)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "may_turn", json_value_range(forecast->may_turn), &complete);
    json_value_set(object, "hosts_an_hour", json_value_number(forecast->hosts_an_hour), &complete);
    json_value_set(object, "hosts_without", json_value_number(forecast->hosts_without), &complete);
    json_value_set(object, "next_hour", json_value_range(forecast->next_hour), &complete);
    json_value_set(object, "four_hours", json_value_range(forecast->four_hours), &complete);
    json_value_set(object, "spared_an_hour_ago", json_value_range(forecast->an_hour_ago),
                   &complete);
    return finish(object, complete);
}

static json_t *impact_value(const struct update_answer *update)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < update->impact_count; i++) {
        const struct impact_cell *cell = &update->impact[i];
        json_t *object = json_object();
        json_value_set(object, "region", json_value_text(cell->region), &complete);
        json_value_set(object, "product_line", json_value_text(cell->product_line), &complete);
        json_value_set(object, "hosts", affected_value(&cell->hosts), &complete);
        json_value_set(object, "customers", affected_value(&cell->customers), &complete);
        json_value_append(array, object, &complete);
    }
    return finish(array, complete);
}

static json_t *outreach_value(const struct update_answer *update)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < update->outreach_count && i < ANSWER_OUTREACH_LIMIT; i++) {
        const struct outreach_entry *entry = &update->outreach[i];
        json_t *object = json_object();
        json_value_set(object, "customer_id", json_value_text(entry->customer_id), &complete);
        json_value_set(object, "name", json_value_text(entry->name), &complete);
        json_value_set(object, "region", json_value_text(entry->region), &complete);
        json_value_set(object, "rank", json_integer(entry->rank), &complete);
        json_value_set(object, "score", json_value_number(entry->score), &complete);
        json_value_set(object, "hosts_affected", count_value(entry->hosts_affected), &complete);
        json_value_set(object, "reachable_now", json_boolean(entry->reachable_now), &complete);
        json_value_set(object, "reasons", json_value_texts(entry->reasons, entry->reason_count),
                       &complete);
        json_value_append(array, object, &complete);
    }
    return finish(array, complete);
}

static json_t *recovery_value(const struct update_answer *update)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < update->recovery_count; i++) {
        const struct recovery_point *point = &update->recovery[i];
        json_t *object = json_object();
        json_value_set(object, "at", json_value_instant(point->at), &complete);
        json_value_set(object, "harmed", count_value(point->harmed), &complete);
        json_value_set(object, "still_affected", count_value(point->still_affected), &complete);
        json_value_append(array, object, &complete);
    }
    return finish(array, complete);
}

static json_t *counts_value(const struct update_answer *update, size_t ring, bool distressed)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < update->course_count; i++) {
        const struct course_point *point = &update->course[i];
        json_value_append(array,
                          count_value(distressed ? point->distressed[ring] : point->hosts[ring]),
                          &complete);
    }
    return finish(array, complete);
}

/* Column by column, as a chart takes it and as it packs best. */
static json_t *course_value(const struct update_answer *update)
{
    bool complete = true;
    json_t *at = json_array();
    json_t *evidence = json_array();
    json_t *rings = json_array();
    for (size_t i = 0; i < update->course_count; i++) {
        json_value_append(at, json_value_instant(update->course[i].at), &complete);
        json_value_append(evidence, json_value_number(update->course[i].log10_e_value), &complete);
    }
    for (size_t ring = 0; ring < update->ring_count; ring++) {
        json_t *object = json_object();
        json_value_set(object, "ring", json_value_text(update->rings[ring]), &complete);
        json_value_set(object, "hosts", counts_value(update, ring, false), &complete);
        json_value_set(object, "distressed", counts_value(update, ring, true), &complete);
        json_value_append(rings, object, &complete);
    }
    json_t *object = json_object();
    json_value_set(object, "at", at, &complete);
    json_value_set(object, "log10_e_value", evidence, &complete);
    json_value_set(object, "rings", rings, &complete);
    return finish(object, complete);
}

static json_t *compared_value(const struct compared_onsets *compared)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "onsets", count_value(compared->onsets), &complete);
    json_value_set(object, "expected", json_value_number(compared->expected), &complete);
    return finish(object, complete);
}

static json_t *contrasts_value(const struct update_answer *update)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < update->contrast_count; i++) {
        const struct contrast_row *row = &update->contrasts[i];
        json_t *object = json_object();
        json_value_set(object, "attribute", json_value_text(row->attribute), &complete);
        json_value_set(object, "within", json_value_text(row->within), &complete);
        json_value_set(object, "value", json_value_text(row->value), &complete);
        json_value_set(object, "exposed_hosts", count_value(row->exposed_hosts), &complete);
        json_value_set(object, "rate_ratio", json_value_range(row->rate_ratio), &complete);
        json_value_set(object, "compared", compared_value(&row->compared), &complete);
        json_value_append(array, object, &complete);
    }
    return finish(array, complete);
}

static void set_verdict(json_t *object, const struct update_answer *update, bool *complete)
{
    json_value_set(object, "id", json_value_text(update->id), complete);
    json_value_set(object, "product_line", json_value_text(update->product_line), complete);
    json_value_set(object, "released_at", json_value_instant(update->released_at), complete);
    json_value_set(object, "withdrawn_at", json_value_instant(update->withdrawn_at), complete);
    json_value_set(object, "first_seen_at", json_value_instant(update->first_seen_at), complete);
    json_value_set(object, "verdict", json_value_text(verdict_name(update->verdict)), complete);
    json_value_set(object, "decided_at", json_value_instant(update->decided_at), complete);
    json_value_set(object, "sentence", json_value_text(update->sentence), complete);
    json_value_set(object, "action", json_value_text(update->action), complete);
    json_value_set(object, "reasons", json_value_texts(update->reasons, update->reason_count),
                   complete);
    json_value_set(object, "control", json_value_text(update->control), complete);
    json_value_set(object, "e_value", json_value_e_value(update->log10_e_value), complete);
    json_value_set(object, "log10_e_value", json_value_number(update->log10_e_value), complete);
    json_value_set(object, "rate_ratio", json_value_range(update->rate_ratio), complete);
    json_value_set(object, "compared", compared_value(&update->compared), complete);
    json_value_set(object, "onset", json_value_instant_range(update->onset), complete);
    json_value_set(object, "ended", json_value_instant_range(update->ended), complete);
    json_value_set(object, "recovery", recovery_value(update), complete);
}

static json_t *update_value(const struct update_answer *update)
{
    bool complete = true;
    json_t *object = json_object();
    set_verdict(object, update, &complete);
    json_value_set(object, "bundle", json_value_texts(update->bundle, update->bundle_count),
                   &complete);
    json_value_set(object, "only_with", json_value_text(update->only_with), &complete);
    json_value_set(object, "segment", segment_value(update), &complete);
    json_value_set(object, "segment_text", json_value_text(update->segment_text), &complete);
    json_value_set(object, "installed_hosts", count_value(update->installed_hosts), &complete);
    json_value_set(object, "failed_hosts", count_value(update->failed_hosts), &complete);
    json_value_set(object, "rolled_back_hosts", count_value(update->rolled_back_hosts), &complete);
    json_value_set(object, "exposed_now", count_value(update->exposed_now), &complete);
    json_value_set(object, "exposed_onsets", count_value(update->exposed_onsets), &complete);
    json_value_set(object, "impact", impact_value(update), &complete);
    json_value_set(object, "hosts_total", affected_value(&update->hosts_total), &complete);
    json_value_set(object, "customers_total", affected_value(&update->customers_total), &complete);
    json_value_set(object, "degrees", degrees_value(&update->extent), &complete);
    json_value_set(object, "tiers", tiers_value(&update->extent), &complete);
    json_value_set(object, "partners", partners_value(&update->extent), &complete);
    json_value_set(object, "silence", silence_value(&update->extent.silence), &complete);
    json_value_set(object, "forecast", forecast_value(&update->extent.forecast), &complete);
    json_value_set(object, "cost", cost_json_value(&update->cost), &complete);
    json_value_set(object, "outreach", outreach_value(update), &complete);
    json_value_set(object, "outreach_total", count_value(update->outreach_total), &complete);
    return finish(object, complete);
}

static json_t *fleet_value(const struct fleet_answer *fleet)
{
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"hosts", fleet->hosts},
        {"reporting", fleet->reporting},
        {"pinned", fleet->pinned},
        {"elevated", fleet->elevated},
        {"silent", fleet->silent},
        {"customers", fleet->customers},
        {"unregistered_customers", fleet->unregistered_customers},
        {"reports", fleet->reports},
        {"duplicate_reports", fleet->duplicate_reports},
        {"late_reports", fleet->late_reports},
        {"skewed_hosts", fleet->skewed_hosts},
    };
    bool complete = true;
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        json_value_set(object, counts[i].name, count_value(counts[i].count), &complete);
    }
    json_value_set(object, "attributes_left_out",
                   json_value_texts(fleet->left_out, fleet->left_out_count), &complete);
    return finish(object, complete);
}

bool answer_write_beginning_json(const struct answers *answers, struct buffer *out,
                                 struct failure *failure)
{
    bool complete = true;
    json_t *document = json_object();
    json_value_set(document, "as_of", json_value_instant(answers->as_of), &complete);
    json_value_set(document, "alpha", json_value_number(answers->alpha), &complete);
    json_value_set(document, "fleet", fleet_value(&answers->fleet), &complete);
    if (!json_value_write(document, complete, out, failure)) {
        return false;
    }
    out->data[--out->length] = '\0'; /* the brace that ends it: it goes on */
    buffer_append_text(out, ",\"updates\":[");
    return buffer_check(out, failure);
}

bool answer_write_json(const struct answers *answers, struct buffer *out, struct failure *failure)
{
    bool good = answer_write_beginning_json(answers, out, failure);
    for (size_t i = 0; good && i < answers->update_count; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        good = answer_write_update_json(&answers->updates[i], out, failure);
    }
    buffer_append_text(out, ANSWER_JSON_END);
    return good && buffer_check(out, failure);
}

bool answer_write_update_json(const struct update_answer *update, struct buffer *out,
                              struct failure *failure)
{
    json_t *value = update_value(update);
    return json_value_write(value, value != NULL, out, failure);
}

bool answer_write_impact_json(const struct update_answer *update, instant_us as_of,
                              struct buffer *out, struct failure *failure)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "update", json_value_text(update->id), &complete);
    json_value_set(object, "as_of", json_value_instant(as_of), &complete);
    json_value_set(object, "impact", impact_value(update), &complete);
    json_value_set(object, "hosts_total", affected_value(&update->hosts_total), &complete);
    json_value_set(object, "customers_total", affected_value(&update->customers_total), &complete);
    return json_value_write(object, complete, out, failure);
}

bool answer_write_cost_json(const struct update_answer *update, instant_us as_of,
                            struct buffer *out, struct failure *failure)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "update", json_value_text(update->id), &complete);
    json_value_set(object, "as_of", json_value_instant(as_of), &complete);
    json_value_set(object, "cost", cost_json_value(&update->cost), &complete);
    return json_value_write(object, complete, out, failure);
}

bool answer_write_course_json(const struct update_answer *update, instant_us as_of,
                              struct buffer *out, struct failure *failure)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "update", json_value_text(update->id), &complete);
    json_value_set(object, "as_of", json_value_instant(as_of), &complete);
    json_value_set(object, "course", course_value(update), &complete);
    json_value_set(object, "contrasts", contrasts_value(update), &complete);
    return json_value_write(object, complete, out, failure);
}
