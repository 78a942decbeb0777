/* What a client takes, by its Accept-Encoding.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_HTTP_ACCEPT_H
#define EPICENTER_COMMON_HTTP_ACCEPT_H

#include <stdbool.h>

/* Whether `accepted` (the header; NULL: none) names gzip and does not refuse it. */
bool http_takes_gzip(const char *accepted);

#endif
