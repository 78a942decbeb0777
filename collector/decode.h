/* From bytes on the wire to reports: one decoder a format, all producing struct report.
 *
 * A bad line costs only itself: it is returned as a rejection that names the line and the field.
 * Decoders are pure: no clock, no database; time comes in with the input.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COLLECTOR_DECODE_H
#define EPICENTER_COLLECTOR_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/failure.h"
#include "common/instant.h"
#include "common/report.h"
#include "common/token.h"

/* What the sender may do and when the bytes came. */
struct decode_input {
    const char *bytes; /* decompressed; NUL-terminated beyond `length` */
    size_t length;
    bool one_report;           /* a single JSON document rather than one a line */
    const struct token *token; /* who sends; NULL: whoever the body says (a file of reports) */
    bool replay;               /* take customer_id and received_at from the body, and demand them */
    instant_us received_at;    /* used unless replay */
    /* Attributes the sender's URL gives for formats that carry none (collectd). */
    const struct report_attribute *attributes;
    size_t attribute_count;
};

struct decode_rejection {
    size_t line;            /* from 1 */
    enum failure_code code; /* FAILURE_INVALID or FAILURE_FORBIDDEN */
    const char *detail;     /* one sentence, naming the field */
    const char *excerpt;    /* the first bytes of the line, valid UTF-8, at most 256 bytes */
};

/* Rejections kept of one body; a sender with more makes one mistake over and over. */
#define DECODE_REJECTIONS_KEPT 100

/* Everything lives in the arena; free the arena and it is all gone. */
struct decode_output {
    struct arena arena;
    struct report *reports;
    size_t report_count;
    struct decode_rejection *rejections;
    size_t rejection_count; /* all of them, though only the first so many are kept */
};

/* How many of them there are to read. */
static inline size_t decode_rejections_kept(const struct decode_output *output)
{
    return output->rejection_count < DECODE_REJECTIONS_KEPT ? output->rejection_count
                                                            : DECODE_REJECTIONS_KEPT;
}

/* False only when memory is out; a body that holds nothing acceptable is zero reports and at least
 * one rejection. The output must be zeroed before and freed by decode_output_free after, also on
 * false. */
typedef bool (*decoder)(const struct decode_input *input, struct decode_output *output,
                        struct failure *failure);

/* The native format: JSON, or NDJSON (design, section 3). */
MUST_CHECK bool decode_report(const struct decode_input *input, struct decode_output *output,
                              struct failure *failure);

/* collectd's write_http JSON (values and notifications). Busy is 1 - idle where the states come
 * apart, `active` where collectd adds them up; a sample split over two requests is judged by the
 * part that says it (percent-idle or percent-active) alone. A body of other plugins' values only is
 * neither a report nor a rejection. */
MUST_CHECK bool decode_collectd(const struct decode_input *input, struct decode_output *output,
                                struct failure *failure);

void decode_output_free(struct decode_output *output);

#endif
