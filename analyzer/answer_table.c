/* How many customers and hosts did the update hit, by region and product line? A table for a
 * terminal. The hard thing is the width: long tables are cut to their largest rows with the rest
 * added up, and where customers and hosts do not fit side by side they stand one under the other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/answer_table.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* With everything else at its longest the summary then fills 60 lines, side by side or not. */
#define ROWS_SHOWN 10
#define ROWS_SHOWN_STACKED 6
#define FIGURES 6 /* customers, then hosts: confirmed, probable, in all each */

struct table_row {
    const char *region;
    const char *product_line;
    char figures[FIGURES][2 * TEXT_NUMBER_SIZE];
};

struct table {
    struct table_row rows[ROWS_SHOWN + 2]; /* the largest cells, the others added up, the total */
    size_t row_count;
    char others[48];
    const char *const *heads; /* one of the two sets */
    size_t region_width, product_width, figure_width[FIGURES];
};

/* In full where there is room, else shortened as the line below the table explains. */
static const char *const full_heads[3] = {"confirmed", "probable", "in all"};
static const char *const short_heads[3] = {"conf.", "prob.", "in all"};

static void fill_range(struct range range, char text[2 * TEXT_NUMBER_SIZE])
{
    char low[TEXT_NUMBER_SIZE];
    char high[TEXT_NUMBER_SIZE];
    if (!isfinite(range.low) || !isfinite(range.high) || range.high < 0.5) {
        snprintf(text, 2 * (size_t)TEXT_NUMBER_SIZE, "\xe2\x80\x93");
        return;
    }
    text_count((uint64_t)llround(fmax(range.low, 0)), low);
    text_count((uint64_t)llround(range.high), high);
    snprintf(text, 2 * (size_t)TEXT_NUMBER_SIZE, strcmp(low, high) == 0 ? "%s" : "%s\xe2\x80\x93%s",
             low, high);
}

static void add_row(struct table *table, const char *region, const char *product_line,
                    const struct affected_count *customers, const struct affected_count *hosts)
{
    struct table_row *row = &table->rows[table->row_count++];
    row->region = region != NULL ? region : "";
    row->product_line = product_line != NULL ? product_line : "";
    const struct affected_count *groups[] = {customers, hosts};
    for (size_t i = 0; i < 2; i++) {
        text_count(groups[i]->confirmed, row->figures[3 * i]);
        text_count(groups[i]->probable, row->figures[3 * i + 1]);
        fill_range(groups[i]->all, row->figures[3 * i + 2]);
    }
    size_t region_width = text_width(row->region);
    size_t product_width = text_width(row->product_line);
    table->region_width = region_width > table->region_width ? region_width : table->region_width;
    table->product_width =
        product_width > table->product_width ? product_width : table->product_width;
    for (size_t i = 0; i < FIGURES; i++) {
        size_t width = text_width(row->figures[i]);
        table->figure_width[i] = width > table->figure_width[i] ? width : table->figure_width[i];
    }
}

static void add_counts(struct affected_count *sum, const struct affected_count *part)
{
    sum->confirmed += part->confirmed;
    sum->probable += part->probable;
    /* Wider than need be: they are not all low at once. */
    sum->all.low += part->all.low;
    sum->all.high += part->all.high;
}

/* How many cells have more affected customers, or as many and come earlier. */
static size_t cell_rank(const struct update_answer *update, size_t index)
{
    size_t rank = 0;
    const struct affected_count *own = &update->impact[index].customers;
    for (size_t i = 0; i < update->impact_count; i++) {
        const struct affected_count *other = &update->impact[i].customers;
        uint64_t own_sum = own->confirmed + own->probable;
        uint64_t other_sum = other->confirmed + other->probable;
        rank += other_sum > own_sum || (other_sum == own_sum && i < index) ? 1 : 0;
    }
    return rank;
}

static void fill_table(struct table *table, const struct update_answer *update, size_t limit,
                       const char *const heads[3])
{
    struct affected_count customers = {0};
    struct affected_count hosts = {0};
    size_t others = 0;
    size_t shown = update->impact_count > limit ? limit - 1 : limit;

    *table = (struct table){
        .heads = heads, .region_width = strlen("Region"), .product_width = strlen("Product line")};
    for (size_t i = 0; i < FIGURES; i++) {
        table->figure_width[i] = strlen(heads[i % 3]);
    }
    for (size_t i = 0; i < update->impact_count; i++) {
        const struct impact_cell *cell = &update->impact[i];
        if (cell_rank(update, i) < shown) {
            add_row(table, cell->region, cell->product_line, &cell->customers, &cell->hosts);
        } else {
            add_counts(&customers, &cell->customers);
            add_counts(&hosts, &cell->hosts);
            others++;
        }
    }
    if (others > 0) {
        snprintf(table->others, sizeof table->others, "%zu others", others);
        add_row(table, table->others, "", &customers, &hosts);
    }
    add_row(table, "Total", "", &update->customers_total, &update->hosts_total);
}

static size_t figures_width(const struct table *table, size_t from, size_t until)
{
    size_t width = 0;
    for (size_t i = from; i < until; i++) {
        width += 2 + table->figure_width[i] + (i == 3 && from == 0 ? 2 : 0);
    }
    return width;
}

static void put_rule(const struct text_page *page, size_t width)
{
    text_paint(page, TEXT_DIM);
    text_put(page, "  ");
    for (size_t i = 0; i < width; i++) {
        text_put(page, "\xe2\x94\x80");
    }
    text_paint(page, TEXT_PLAIN);
    text_put(page, "\n");
}

static void put_row(const struct text_page *page, const struct table *table,
                    const struct table_row *row, size_t from, size_t until)
{
    text_put(page, "  ");
    text_append_fitted(page->out, row->region, table->region_width, TEXT_LEFT);
    text_put(page, "  ");
    text_append_fitted(page->out, row->product_line, table->product_width, TEXT_LEFT);
    for (size_t i = from; i < until; i++) {
        text_put(page, i == 3 && from == 0 ? "    " : "  ");
        text_append_fitted(page->out, row->figures[i], table->figure_width[i], TEXT_RIGHT);
    }
    text_put(page, "\n");
}

/* The table with the figures from … until-1. */
static void put_table(const struct text_page *page, const struct table *table, size_t from,
                      size_t until)
{
    struct table_row heads = {.region = "Region", .product_line = "Product line"};
    size_t width =
        table->region_width + 2 + table->product_width + figures_width(table, from, until);
    for (size_t i = 0; i < FIGURES; i++) {
        snprintf(heads.figures[i], sizeof heads.figures[i], "%s", table->heads[i % 3]);
    }
    text_paint(page, TEXT_DIM);
    text_append_spaces(page->out, 4 + table->region_width + table->product_width);
    for (size_t group = from / 3; group < until / 3; group++) {
        text_put(page, group == 1 && from == 0 ? "  " : "");
        text_append_fitted(page->out, group == 0 ? "customers" : "hosts",
                           figures_width(table, 3 * group, 3 * group + 3) -
                               (group == 0 || from != 0 ? 0 : 2) +
                               (group == 1 && from == 0 ? 2 : 0),
                           TEXT_RIGHT);
    }
    text_put(page, "\n");
    put_row(page, table, &heads, from, until);
    text_paint(page, TEXT_PLAIN);
    put_rule(page, width);
    for (size_t i = 0; i + 1 < table->row_count; i++) {
        put_row(page, table, &table->rows[i], from, until);
    }
    put_rule(page, width);
    text_paint(page, TEXT_BOLD);
    put_row(page, table, &table->rows[table->row_count - 1], from, until);
    text_paint(page, TEXT_PLAIN);
}

/* Takes columns from the names until the wider half of the table fits. */
static void narrow_names(struct table *table, size_t columns)
{
    size_t customers = figures_width(table, 0, 3);
    size_t hosts = figures_width(table, 3, 6);
    size_t figures = customers > hosts ? customers : hosts;
    while (4 + table->region_width + table->product_width + figures > columns &&
           table->region_width + table->product_width > 2) {
        if (table->region_width > table->product_width) {
            table->region_width--;
        } else {
            table->product_width--;
        }
    }
}

static bool fits_side_by_side(const struct table *table, size_t columns)
{
    return 4 + table->region_width + table->product_width + figures_width(table, 0, FIGURES) <=
           columns;
}

void answer_table_put(const struct text_page *page, const struct update_answer *update)
{
    struct table table;
    fill_table(&table, update, ROWS_SHOWN, full_heads);
    if (!fits_side_by_side(&table, page->columns)) {
        fill_table(&table, update, ROWS_SHOWN, short_heads);
    }
    if (fits_side_by_side(&table, page->columns)) {
        put_table(page, &table, 0, FIGURES);
    } else {
        fill_table(&table, update, ROWS_SHOWN_STACKED, full_heads);
        narrow_names(&table, page->columns);
        put_table(page, &table, 0, 3);
        put_table(page, &table, 3, 6);
    }
    text_paint(page, TEXT_DIM);
    text_put(page, "  ");
    text_append_wrapped(page->out,
                        "confirmed: seen pinned or slowed; probable: fell silent; in all: nine "
                        "times in ten, those that do not report included",
                        2, 2, page->columns);
    text_paint(page, TEXT_PLAIN);
}
