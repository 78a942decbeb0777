/* The people to call at a customer. Nobody reads them but through the database's own function,
 * which writes down who, for which incident and why (sql/0013_contacts.sql); until then they are
 * masked.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_CONTACT_H
#define EPICENTER_ANALYZER_CONTACT_H

#include <stddef.h>

#include "analyzer/role.h"
#include "common/buffer.h"
#include "common/database.h"
#include "common/failure.h"

/* Adds or replaces the rows of a CSV file (customer_id,position,name,task,phone,email), all or
 * none. */
MUST_CHECK bool contact_import(struct database *database, const char *path, size_t *count,
                               struct failure *failure);

/* {"customer_id","opened":false,"contacts":[{"position","task","name","phone","email"}]}, masked.
 */
MUST_CHECK bool contact_mask(struct database *database, const char *customer_id, struct buffer *out,
                             struct failure *failure);

struct contact_reason {
    const char *update_id; /* the incident */
    const char *reason;    /* 3 to 500 characters */
};

/* The same in clear, "opened":true; it is written down. NOT_FOUND where there are none. */
MUST_CHECK bool contact_open(struct database *database, const char *customer_id,
                             const struct identity *identity, const struct contact_reason *reason,
                             struct buffer *out, struct failure *failure);

/* Whether the log of openings is whole: numbered without a gap, each row's hash that of its fields
 * and of the row before. *count and *last (hexadecimal) say where it ends; comparing them with what
 * was noted earlier shows whether its end was cut off. */
#define CONTACT_HASH_SIZE 65
MUST_CHECK bool contact_verify(struct database *database, size_t *count,
                               char last[CONTACT_HASH_SIZE], struct failure *failure);

#endif
