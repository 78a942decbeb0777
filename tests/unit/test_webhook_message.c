/* Does a receiver get what it can check and understand? Oracles: the example of the Standard
 * Webhooks libraries (secret, id, time and body below), signed by Python's hmac; the alert objects
 * that Alertmanager's OpenAPI file (v2) describes. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "analyzer/webhook_message.h"

#define DECIDED_AT (INT64_C(1114210080) * INSTANT_SECOND) /* 2005-04-22T22:48:00Z */

static struct change_record change(enum verdict previous, enum verdict verdict)
{
    return (struct change_record){
        .update_id = (char *)(uintptr_t) "pattern/2.594.00",
        .decided_at = DECIDED_AT,
        .verdict = verdict,
        .previous = previous,
        .log10_e_value = 13.5,
        .rate_ratio = {1.72, 3.37, INFINITY},
        .sentence = (char *)(uintptr_t) "It \"harms\" hosts.",
        .reasons_json = (char *)(uintptr_t) "[\"one\",\"two\"]",
    };
}

static void the_signature_is_the_standards(void **state)
{
    (void)state;
    char signature[WEBHOOK_SIGNATURE_SIZE];
    struct failure failure;
    assert_true(webhook_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                             "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}",
                             signature, &failure));
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void what_is_no_secret_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                        "whsec_not base64"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char signature[WEBHOOK_SIGNATURE_SIZE];
        struct failure failure;
        assert_false(webhook_sign(texts[i], "msg_1", 1, "{}", signature, &failure));
        assert_int_equal(failure.code, FAILURE_INVALID);
    }
}

static void secrets_are_new_and_sign(void **state)
{
    (void)state;
    char first[WEBHOOK_SECRET_SIZE];
    char second[WEBHOOK_SECRET_SIZE];
    char signatures[2][WEBHOOK_SIGNATURE_SIZE];
    struct failure failure;
    webhook_secret_new(first);
    webhook_secret_new(second);
    assert_int_equal(strlen(first), strlen("whsec_") + 32);
    assert_string_not_equal(first, second);
    assert_true(webhook_sign(first, "msg_1", 1, "{}", signatures[0], &failure));
    assert_true(webhook_sign(second, "msg_1", 1, "{}", signatures[1], &failure));
    assert_string_not_equal(signatures[0], signatures[1]);
}

static void a_message_says_what_changed(void **state)
{
    (void)state;
    struct change_record record = change(VERDICT_SUSPECT, VERDICT_HOLD);
    struct buffer payload = {0};
    struct failure failure;
    assert_true(webhook_message_standard(&record, &payload, &failure));
    json_t *expected = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:s, s:s, s:f, s:{s:f, s:f, s:n}, s:s, s:[s, s]}}", "type",
        "verdict.changed", "timestamp", "2005-04-22T22:48:00Z", "data", "update",
        "pattern/2.594.00", "verdict", "HOLD", "previous", "SUSPECT", "decided_at",
        "2005-04-22T22:48:00Z", "log10_e_value", 13.5, "rate_ratio", "low", 1.72, "likely", 3.37,
        "high", "sentence", "It \"harms\" hosts.", "reasons", "one", "two");
    json_t *actual = json_loads(payload.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(expected);
    assert_true(json_equal(actual, expected));
    json_decref(actual);
    json_decref(expected);
    buffer_free(&payload);
}

static json_t *alert_of(enum verdict previous, enum verdict verdict)
{
    struct change_record record = change(previous, verdict);
    struct buffer payload = {0};
    struct failure failure;
    assert_true(webhook_message_alertmanager(&record, &payload, &failure));
    json_t *alerts = payload.length > 0 ? json_loads(payload.data, 0, NULL) : NULL;
    buffer_free(&payload);
    if (alerts == NULL) {
        return NULL;
    }
    assert_int_equal(json_array_size(alerts), 1);
    json_t *alert = json_incref(json_array_get(alerts, 0));
    json_decref(alerts);
    return alert;
}

static void a_hold_raises_an_alert_and_its_end_ends_the_same(void **state)
{
    (void)state;
    static const enum verdict others[] = {VERDICT_SUSPECT, VERDICT_CLEAR,
                                          VERDICT_INSUFFICIENT_DATA};
    json_t *raised = alert_of(VERDICT_SUSPECT, VERDICT_HOLD);
    assert_string_equal(json_string_value(json_object_get(raised, "startsAt")),
                        "2005-04-22T22:48:00Z");
    assert_true(
        strcmp(json_string_value(json_object_get(raised, "endsAt")), "2005-05-22T00:00:00Z") > 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        json_t *ended = alert_of(VERDICT_HOLD, others[i]);
        assert_true(
            json_equal(json_object_get(ended, "labels"), json_object_get(raised, "labels")));
        assert_string_equal(json_string_value(json_object_get(ended, "endsAt")),
                            "2005-04-22T22:48:00Z");
        json_decref(ended);
        for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
            assert_null(alert_of(others[k], others[i]));
        }
    }
    json_decref(raised);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signature_is_the_standards),
        cmocka_unit_test(what_is_no_secret_is_refused),
        cmocka_unit_test(secrets_are_new_and_sign),
        cmocka_unit_test(a_message_says_what_changed),
        cmocka_unit_test(a_hold_raises_an_alert_and_its_end_ends_the_same),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
