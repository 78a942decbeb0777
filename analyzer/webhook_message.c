/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/webhook_message.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "analyzer/json_value.h"

#define SECRET_PREFIX "whsec_"
#define SECRET_BYTES 24
#define SECRET_BYTES_MOST 64 /* what the specification lets others bring */

/* Alertmanager ends by itself an alert that is not sent again; a hold stands until it is lifted. */
#define ALERT_LASTS (30 * INSTANT_DAY)

bool webhook_message_standard(const struct change_record *change, struct buffer *payload,
                              struct failure *failure)
{
    bool complete = true;
    json_t *ratio = json_object();
    json_value_set(ratio, "low", json_value_number(change->rate_ratio.low), &complete);
    json_value_set(ratio, "likely", json_value_number(change->rate_ratio.likely), &complete);
    json_value_set(ratio, "high", json_value_number(change->rate_ratio.high), &complete);

    json_t *data = json_object();
    json_value_set(data, "update", json_value_text(change->update_id), &complete);
    json_value_set(data, "verdict", json_value_text(verdict_name(change->verdict)), &complete);
    json_value_set(data, "previous", json_value_text(verdict_name(change->previous)), &complete);
    json_value_set(data, "decided_at", json_value_instant(change->decided_at), &complete);
    json_value_set(data, "log10_e_value", json_value_number(change->log10_e_value), &complete);
    json_value_set(data, "rate_ratio", ratio, &complete);
    json_value_set(data, "sentence", json_value_text(change->sentence), &complete);
    json_value_set(data, "reasons", json_loads(change->reasons_json, 0, NULL), &complete);

    json_t *message = json_object();
    json_value_set(message, "type", json_value_text("verdict.changed"), &complete);
    json_value_set(message, "timestamp", json_value_instant(change->decided_at), &complete);
    json_value_set(message, "data", data, &complete);
    return json_value_write(message, complete, payload, failure);
}

bool webhook_message_alertmanager(const struct change_record *change, struct buffer *payload,
                                  struct failure *failure)
{
    bool raises = change->verdict == VERDICT_HOLD;
    if (!raises && change->previous != VERDICT_HOLD) {
        return true;
    }
    /* The labels are the alert's identity: what ends it must carry the same. */
    bool complete = true;
    json_t *labels = json_object();
    json_value_set(labels, "alertname", json_value_text("EpicenterUpdateHold"), &complete);
    json_value_set(labels, "update", json_value_text(change->update_id), &complete);
    json_value_set(labels, "severity", json_value_text("critical"), &complete);

    json_t *annotations = json_object();
    json_value_set(annotations, "summary",
                   json_value_text(change->sentence != NULL ? change->sentence : change->update_id),
                   &complete);

    json_t *alert = json_object();
    json_value_set(alert, "labels", labels, &complete);
    json_value_set(alert, "annotations", annotations, &complete);
    if (raises) {
        json_value_set(alert, "startsAt", json_value_instant(change->decided_at), &complete);
    }
    json_value_set(alert, "endsAt",
                   json_value_instant(change->decided_at + (raises ? ALERT_LASTS : 0)), &complete);

    json_t *alerts = json_array();
    json_value_append(alerts, alert, &complete);
    return json_value_write(alerts, complete, payload, failure);
}

void webhook_secret_new(char secret[WEBHOOK_SECRET_SIZE])
{
    unsigned char bytes[SECRET_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    memcpy(secret, SECRET_PREFIX, sizeof SECRET_PREFIX);
    sodium_bin2base64(secret + strlen(SECRET_PREFIX), WEBHOOK_SECRET_SIZE - strlen(SECRET_PREFIX),
                      bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(bytes, sizeof bytes);
}

bool webhook_sign(const char *secret, const char *message_id, int64_t timestamp_s,
                  const char *payload, char signature[WEBHOOK_SIGNATURE_SIZE],
                  struct failure *failure)
{
    unsigned char key[SECRET_BYTES_MOST];
    size_t key_length = 0;
    const size_t prefix = strlen(SECRET_PREFIX);
    if (strncmp(secret, SECRET_PREFIX, prefix) != 0 ||
        sodium_base642bin(key, sizeof key, secret + prefix, strlen(secret + prefix), NULL,
                          &key_length, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        key_length == 0) {
        return failure_set(failure, FAILURE_INVALID,
                           "the secret of a webhook is whsec_ and base64, as it was printed");
    }
    char head[256];
    int head_length = snprintf(head, sizeof head, "%s.%lld.", message_id, (long long)timestamp_s);
    if (head_length < 0 || (size_t)head_length >= sizeof head) {
        return failure_set(failure, FAILURE_INVALID, "the id of a message is too long");
    }
    crypto_auth_hmacsha256_state state;
    unsigned char code[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, key, key_length);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)head,
                                  (unsigned long long)head_length);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)payload, strlen(payload));
    crypto_auth_hmacsha256_final(&state, code);
    sodium_memzero(key, sizeof key);
    (void)snprintf(signature, WEBHOOK_SIGNATURE_SIZE, "v1,");
    sodium_bin2base64(signature + 3, WEBHOOK_SIGNATURE_SIZE - 3, code, sizeof code,
                      sodium_base64_VARIANT_ORIGINAL);
    return true;
}
