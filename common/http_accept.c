/* Does the client take gzip? The hard thing is that "gzip;q=0" is a refusal (RFC 9110, 12.5.3).
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/http_accept.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* True for one element of Accept-Encoding, "gzip" or "gzip;q=0.5", that is gzip and not refused. */
static bool element_takes_gzip(const char *element, size_t length)
{
    static const char coding[] = "gzip";
    const size_t coding_length = sizeof(coding) - 1;
    if (length < coding_length || strncasecmp(element, coding, coding_length) != 0) {
        return false;
    }
    const char *rest = element + coding_length;
    const char *end = element + length;
    rest += strspn(rest, " \t");
    if (rest >= end) {
        return true;
    }
    if (*rest != ';') {
        return false; /* another coding that only begins like it */
    }
    rest += 1;
    rest += strspn(rest, " \t");
    if (rest + 2 > end || strncasecmp(rest, "q=", 2) != 0) {
        return false; /* not a weight: RFC 9110 knows no other parameter */
    }
    return strtod(rest + 2, NULL) > 0;
}

bool http_takes_gzip(const char *accepted)
{
    while (accepted != NULL && *accepted != '\0') {
        accepted += strspn(accepted, " \t,");
        const size_t length = strcspn(accepted, ",");
        if (element_takes_gzip(accepted, length)) {
            return true;
        }
        accepted += length;
    }
    return false;
}
