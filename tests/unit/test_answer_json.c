/* The JSON of the answers. Oracles: the design's list of keys, and jansson reading back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "common/buffer.h"
#include "tests/unit/sample_answers.h"

static json_t *document_of(const struct answers *answers)
{
    struct buffer text = {0};
    struct failure failure;
    assert_true(answer_write_json(answers, &text, &failure));
    json_error_t error;
    json_t *document = json_loads(text.data, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(document);
    buffer_free(&text);
    return document;
}

/* The keys of `object` in the order written, separated by spaces. */
static void assert_keys(json_t *object, const char *expected)
{
    struct buffer keys = {0};
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        buffer_append_format(&keys, "%s%s", keys.length > 0 ? " " : "", key);
    }
    assert_string_equal(keys.data, expected);
    buffer_free(&keys);
}

static void has_the_keys_of_the_design(void **state)
{
    (void)state;
    struct answers answers = sample_answers();
    json_t *document = document_of(&answers);
    json_t *update = json_array_get(json_object_get(document, "updates"), 0);

    assert_keys(document, "as_of alpha fleet updates");
    assert_keys(json_object_get(document, "fleet"),
                "hosts reporting pinned elevated silent customers unregistered_customers reports "
                "duplicate_reports late_reports skewed_hosts attributes_left_out");
    assert_keys(
        update,
        "id product_line released_at withdrawn_at first_seen_at verdict decided_at "
        "sentence action reasons control e_value log10_e_value rate_ratio compared onset ended "
        "recovery bundle "
        "only_with segment "
        "segment_text installed_hosts failed_hosts rolled_back_hosts exposed_now "
        "exposed_onsets impact hosts_total customers_total degrees tiers partners "
        "silence forecast cost outreach outreach_total");
    assert_keys(json_object_get(update, "rate_ratio"), "low likely high");
    assert_keys(json_object_get(update, "compared"), "onsets expected");
    assert_keys(json_object_get(update, "onset"), "low likely high");
    assert_keys(
        json_object_get(update, "cost"),
        "currency p10 p50 p90 mean p5 p95 seed drivers tornado by_kind by_region by_product_line "
        "further_hour deferred_revenue revenue_at_risk customers_loss callers contacts "
        "phone_contacts written_contacts attempts desks");
    json_t *cell = json_array_get(json_object_get(update, "impact"), 2);
    assert_keys(cell, "region product_line hosts customers");
    assert_keys(json_object_get(cell, "customers"), "confirmed probable estimated all");
    assert_keys(json_object_get(json_object_get(cell, "customers"), "estimated"),
                "low likely high");
    assert_keys(json_array_get(json_object_get(update, "outreach"), 0),
                "customer_id name region rank score hosts_affected reachable_now reasons");
    json_decref(document);
}

static void reads_back_as_written(void **state)
{
    (void)state;
    struct answers answers = sample_answers();
    json_t *document = document_of(&answers);
    const char *id;
    const char *onset;
    const char *engine;
    const char *seed;
    const char *name;
    double low;
    json_int_t confirmed;
    json_int_t hosts;
    assert_int_equal(
        json_unpack(document,
                    "{s:[{s:s, s:{s:f}, s:{s:s}, s:[{s:s}], s:[{}, {}, {s:{s:I}}], s:{s:s},"
                    " s:[{s:s, s:I}]}]}",
                    "updates", "id", &id, "rate_ratio", "low", &low, "onset", "likely", &onset,
                    "segment", "engine", &engine, "impact", "customers", "confirmed", &confirmed,
                    "cost", "seed", &seed, "outreach", "name", &name, "hosts_affected", &hosts),
        0);
    assert_string_equal(id, "pattern/2.594.00");
    assert_true(fabs(low - 9.04) < 1e-12);
    assert_string_equal(onset, "2005-04-22T22:39:00Z");
    assert_string_equal(engine, "7.510");
    assert_int_equal(confirmed, 652);
    assert_string_equal(seed, "18446744073709551615");
    assert_string_equal(name, answers.updates[0].outreach[0].name);
    assert_int_equal(hosts, 1841);
    json_decref(document);
}

/* RFC 8259 has no word for what is not finite. */
static void says_null_for_what_is_not_a_number(void **state)
{
    (void)state;
    struct answers answers = sample_answers();
    json_t *document = document_of(&answers);
    json_t *updates = json_object_get(document, "updates");
    json_t *held = json_array_get(updates, 0);
    json_t *undecided = json_array_get(updates, 1);

    assert_true(json_is_null(json_object_get(json_object_get(held, "rate_ratio"), "high")));
    assert_true(json_is_null(json_object_get(held, "product_line")));
    assert_true(json_real_value(json_object_get(held, "e_value")) == 1e300);
    assert_true(json_is_null(json_object_get(undecided, "log10_e_value")));
    assert_true(json_real_value(json_object_get(undecided, "e_value")) == 0);
    assert_true(json_is_null(json_object_get(json_object_get(undecided, "onset"), "low")));
    assert_true(json_is_null(json_object_get(undecided, "released_at")));
    assert_true(json_is_null(json_object_get(undecided, "control")));
    assert_true(json_is_null(json_object_get(json_object_get(undecided, "cost"), "p50")));
    assert_int_equal(json_array_size(json_object_get(undecided, "segment")), 0);

    struct answers empty = {.as_of = INSTANT_NONE};
    json_t *nothing = document_of(&empty);
    assert_true(json_is_null(json_object_get(nothing, "as_of")));
    json_decref(nothing);
    json_decref(document);
}

static void same_answers_give_same_bytes(void **state)
{
    (void)state;
    struct answers answers = sample_answers();
    struct buffer first = {0};
    struct buffer second = {0};
    struct failure failure;
    assert_true(answer_write_json(&answers, &first, &failure));
    assert_true(answer_write_json(&answers, &second, &failure));
    assert_string_equal(first.data, second.data);
    assert_null(strchr(first.data, '\n'));

    /* One update alone is the element of the list, to the byte. */
    struct buffer alone = {0};
    assert_true(answer_write_update_json(&answers.updates[1], &alone, &failure));
    assert_non_null(strstr(first.data, alone.data));
    buffer_free(&alone);
    buffer_free(&first);
    buffer_free(&second);
}

static void a_name_that_is_not_utf8_costs_only_its_bad_bytes(void **state)
{
    (void)state;
    /* "Café" in Latin-1, an overlong slash, a surrogate: RFC 3629 allows none of them. */
    static const struct outreach_entry call = {
        .customer_id = "c", .name = "Caf\xe9 \xc0\xaf \xed\xa0\x80.", .rank = 1};
    struct update_answer update = {.id = "u", .outreach = &call, .outreach_count = 1};
    struct buffer text = {0};
    struct failure failure;
    assert_true(answer_write_update_json(&update, &text, &failure));
    assert_non_null(strstr(text.data, "\"Caf\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
                                      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.\""));
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_keys_of_the_design),
        cmocka_unit_test(reads_back_as_written),
        cmocka_unit_test(says_null_for_what_is_not_a_number),
        cmocka_unit_test(same_answers_give_same_bytes),
        cmocka_unit_test(a_name_that_is_not_utf8_costs_only_its_bad_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
