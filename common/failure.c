/* Fills failures; see failure.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool failure_set(struct failure *failure, enum failure_code code, const char *format, ...)
{
    if (failure == NULL) {
        return false;
    }
    failure->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->message, sizeof failure->message, format, arguments);
    va_end(arguments);
    return false;
}

bool failure_prefix(struct failure *failure, const char *format, ...)
{
    if (failure == NULL) {
        return false;
    }
    char joined[sizeof failure->message];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(joined, sizeof joined, format, arguments);
    va_end(arguments);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used < sizeof joined) {
        snprintf(joined + used, sizeof joined - used, "%s", failure->message);
    }
    memcpy(failure->message, joined, sizeof joined);
    return false;
}

bool failure_memory(struct failure *failure, const char *doing)
{
    return failure_set(failure, FAILURE_MEMORY, "out of memory while %s", doing);
}
