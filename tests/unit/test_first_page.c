/* Does a page's first content say what is to be said, to each only what they may know, and can a
 * name in the data become markup? Oracle: the texts worked out by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/first_page.h"

static const struct outreach_entry call = {.customer_id = "c1",
                                           .name = "Smith & <script>alert(1)</script>",
                                           .region = "JP",
                                           .rank = 1,
                                           .reasons = {"premium"},
                                           .reason_count = 1};

static struct update_answer update_of(const char *id, enum verdict verdict)
{
    return (struct update_answer){.id = id,
                                  .verdict = verdict,
                                  .sentence = "It harms hosts.",
                                  .action = "Withdraw it.",
                                  .customers_total = {.confirmed = 1200, .probable = 34},
                                  .rate_ratio = {.low = 30, .likely = 41, .high = 50},
                                  .cost = {.currency = "JPY", .p10 = 1e6, .p90 = 2e6},
                                  .outreach = &call,
                                  .outreach_count = 1};
}

static char *written(const struct update_answer *updates, size_t count, enum first_page page,
                     struct buffer *out)
{
    struct answers answers = {.updates = updates, .update_count = count};
    struct failure failure;
    first_page_write(&answers, page, out);
    assert_true(buffer_check(out, &failure));
    return out->data;
}

static void speaks_of_the_gravest_first(void **state)
{
    (void)state;
    struct update_answer updates[] = {update_of("a/1", VERDICT_CLEAR),
                                      update_of("b/2", VERDICT_HOLD)};
    struct buffer out = {0};
    const char *text = written(updates, 2, FIRST_OPERATIONS, &out);
    assert_non_null(strstr(text, "<section class=\"headline hold\""));
    assert_non_null(strstr(text, "<h1 id=\"verdict\">It harms hosts.</h1>"));
    assert_non_null(strstr(text, ">1,234<"));
    assert_non_null(strstr(text, "<th scope=\"row\">a/1</th>"));
    assert_non_null(strstr(text, "Smith &amp; &lt;script&gt;"));
    assert_null(strstr(text, "<script"));
    buffer_free(&out);
}

static void tells_executives_no_names(void **state)
{
    (void)state;
    struct update_answer update = update_of("b/2", VERDICT_HOLD);
    struct buffer executives = {0};
    struct buffer support = {0};
    assert_null(strstr(written(&update, 1, FIRST_EXECUTIVES, &executives), "Smith"));
    assert_non_null(strstr(written(&update, 1, FIRST_SUPPORT, &support), "Smith"));
    buffer_free(&executives);
    buffer_free(&support);
}

static void sums_up_what_is_not_on_hold(void **state)
{
    (void)state;
    struct update_answer updates[] = {update_of("a/1", VERDICT_CLEAR),
                                      update_of("b/2", VERDICT_CLEAR),
                                      update_of("c/3", VERDICT_INSUFFICIENT_DATA)};
    struct buffer clear = {0};
    struct buffer undecided = {0};
    struct buffer nothing = {0};
    assert_non_null(strstr(written(updates, 2, FIRST_OPERATIONS, &clear),
                           "All 2 updates in flight are clear."));
    assert_non_null(strstr(written(updates, 3, FIRST_OPERATIONS, &undecided),
                           "Nothing on hold. 1 update has not enough data yet, 2 clear."));
    (void)written(updates, 0, FIRST_OPERATIONS, &nothing);
    assert_int_equal(nothing.length, 0);
    buffer_free(&clear);
    buffer_free(&undecided);
    buffer_free(&nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(speaks_of_the_gravest_first),
                                       cmocka_unit_test(tells_executives_no_names),
                                       cmocka_unit_test(sums_up_what_is_not_on_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
