/* What a receiver is sent when a verdict changes, and how it knows that we sent it.
 *
 * Two forms: a message signed as Standard Webhooks 1.0 (standardwebhooks.com), and an array of one
 * alert as Alertmanager's POST /api/v2/alerts takes it, for those whose pager hangs there already.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_WEBHOOK_MESSAGE_H
#define EPICENTER_ANALYZER_WEBHOOK_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/snapshot.h"
#include "common/buffer.h"
#include "common/failure.h"

/* {"type": "verdict.changed", "timestamp", "data": {"update", "verdict", "previous", "decided_at",
 * "log10_e_value", "rate_ratio", "sentence", "reasons"}}. Appended. */
MUST_CHECK bool webhook_message_standard(const struct change_record *change, struct buffer *payload,
                                         struct failure *failure);

/* HOLD raises the alert EpicenterUpdateHold of that update; a later verdict that is not HOLD ends
 * it. Whatever neither raises nor ends one appends nothing. */
MUST_CHECK bool webhook_message_alertmanager(const struct change_record *change,
                                             struct buffer *payload, struct failure *failure);

#define WEBHOOK_SECRET_SIZE 40    /* "whsec_" and 24 bytes in base64, with its NUL */
#define WEBHOOK_SIGNATURE_SIZE 48 /* "v1," and 32 bytes in base64, with its NUL */

void webhook_secret_new(char secret[WEBHOOK_SECRET_SIZE]);

/* HMAC-SHA256 over "id.timestamp.payload" with the secret's bytes, as the header
 * webhook-signature carries it. FAILURE_INVALID: not a secret. */
MUST_CHECK bool webhook_sign(const char *secret, const char *message_id, int64_t timestamp_s,
                             const char *payload, char signature[WEBHOOK_SIGNATURE_SIZE],
                             struct failure *failure);

#endif
