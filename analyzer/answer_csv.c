/* How do the answers look as tables? See answer_csv.h. The one hard thing is what a spreadsheet
 * does with a cell, which csv_append_cell knows; numbers are ours and need no such care.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/answer_csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>

#include "common/csv.h"
#include "common/instant.h"

#define LINE_END "\r\n"

static void add_text(struct buffer *out, const char *text)
{
    buffer_append_text(out, ",");
    csv_append_cell(out, text != NULL ? text : "");
}

static void add_instant(struct buffer *out, instant_us at)
{
    char text[INSTANT_TEXT_SIZE] = "";
    add_text(out, at != INSTANT_NONE ? instant_format(at, text) : "");
}

static void add_number(struct buffer *out, double number)
{
    if (isfinite(number)) {
        buffer_append_format(out, ",%.12g", number);
    } else {
        buffer_append_text(out, ",");
    }
}

static void add_count(struct buffer *out, uint64_t count)
{
    buffer_append_format(out, ",%" PRIu64, count);
}

static void add_range(struct buffer *out, struct range range)
{
    add_number(out, range.low);
    add_number(out, range.likely);
    add_number(out, range.high);
}

static void add_instant_likely(struct buffer *out, struct range range_us)
{
    add_instant(out, isfinite(range_us.likely) ? (instant_us)range_us.likely : INSTANT_NONE);
}

#define AFFECTED_COLUMNS(of)                                                                       \
    of "_confirmed," of "_probable," of "_estimated_low," of "_estimated_likely," of               \
       "_estimated_high," of "_low," of "_likely," of "_high"

static void add_affected(struct buffer *out, const struct affected_count *affected)
{
    add_count(out, affected->confirmed);
    add_count(out, affected->probable);
    add_range(out, affected->estimated);
    add_range(out, affected->all);
}

static void add_update(struct buffer *out, const struct update_answer *update)
{
    csv_append_cell(out, update->id);
    add_text(out, verdict_name(update->verdict));
    add_text(out, update->product_line);
    add_instant(out, update->released_at);
    add_instant(out, update->withdrawn_at);
    add_instant(out, update->decided_at);
    add_instant_likely(out, update->onset);
    add_text(out, update->segment_text);
    add_number(out, update->log10_e_value);
    add_range(out, update->rate_ratio);
    add_count(out, update->installed_hosts);
    add_count(out, update->exposed_now);
    add_affected(out, &update->customers_total);
    add_affected(out, &update->hosts_total);
    add_text(out, update->cost.currency);
    add_number(out, update->cost.p10);
    add_number(out, update->cost.p50);
    add_number(out, update->cost.p90);
    add_text(out, update->sentence);
    add_text(out, update->action);
    buffer_append_text(out, LINE_END);
}

bool answer_csv_updates(const struct answers *answers, struct buffer *out, struct failure *failure)
{
    buffer_append_text(out,
                       "update,verdict,product_line,released_at,withdrawn_at,decided_at,onset,"
                       "segment,log10_e_value,rate_ratio_low,rate_ratio_likely,"
                       "rate_ratio_high,installed_hosts,exposed_now," AFFECTED_COLUMNS(
                           "customers") "," AFFECTED_COLUMNS("hosts") ",currency,cost_p10,"
                                                                      "cost_p50,cost_p90,"
                                                                      "sentence,action" LINE_END);
    for (size_t i = 0; i < answers->update_count; i++) {
        add_update(out, &answers->updates[i]);
    }
    return buffer_check(out, failure);
}

bool answer_csv_impact(const struct update_answer *update, struct buffer *out,
                       struct failure *failure)
{
    buffer_append_text(out, "region,product_line," AFFECTED_COLUMNS(
                                "customers") "," AFFECTED_COLUMNS("hosts") LINE_END);
    for (size_t i = 0; i < update->impact_count; i++) {
        const struct impact_cell *cell = &update->impact[i];
        csv_append_cell(out, cell->region);
        add_text(out, cell->product_line);
        add_affected(out, &cell->customers);
        add_affected(out, &cell->hosts);
        buffer_append_text(out, LINE_END);
    }
    return buffer_check(out, failure);
}

static void add_figure(struct buffer *out, const char *part, const char *name, const char *unit,
                       const struct cost_figure *figure)
{
    buffer_append_text(out, part);
    add_text(out, name);
    add_text(out, unit);
    add_number(out, figure->p10);
    add_number(out, figure->p50);
    add_number(out, figure->p90);
    add_number(out, figure->mean);
    buffer_append_text(out, LINE_END);
}

static void add_parts(struct buffer *out, const char *part, const struct cost_part *parts,
                      size_t count, const char *currency)
{
    for (size_t i = 0; i < count; i++) {
        add_figure(out, part, parts[i].name, currency, &parts[i].figure);
    }
}

bool answer_csv_cost(const struct update_answer *update, struct buffer *out,
                     struct failure *failure)
{
    const struct cost_estimate *cost = &update->cost;
    const struct cost_figure whole = {
        .p10 = cost->p10, .p50 = cost->p50, .p90 = cost->p90, .mean = cost->mean};
    const struct {
        const char *name, *unit;
        const struct cost_figure *figure;
    } beside[] = {{"further_hour", cost->currency, &cost->further_hour},
                  {"deferred_revenue", cost->currency, &cost->deferred_revenue},
                  {"revenue_at_risk", cost->currency, &cost->revenue_at_risk},
                  {"customers_loss", cost->currency, &cost->customers_loss},
                  {"callers", "customers", &cost->callers},
                  {"contacts", "contacts", &cost->contacts},
                  {"phone_contacts", "contacts", &cost->phone},
                  {"written_contacts", "contacts", &cost->written},
                  {"attempts", "attempts", &cost->attempts}};
    buffer_append_text(out, "part,name,unit,p10,p50,p90,mean" LINE_END);
    add_figure(out, "whole", "", cost->currency, &whole);
    add_parts(out, "kind", cost->lines, cost->line_count, cost->currency);
    add_parts(out, "region", cost->regions, cost->region_count, cost->currency);
    add_parts(out, "product_line", cost->product_lines, cost->product_line_count, cost->currency);
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        add_figure(out, "beside", beside[i].name, beside[i].unit, beside[i].figure);
    }
    return buffer_check(out, failure);
}
