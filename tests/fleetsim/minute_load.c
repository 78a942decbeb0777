/* Bodies of one simulated minute; see minute_load.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/minute_load.h"

#include <stdlib.h>

#include <zlib.h>

/* zlib's own value for "write a gzip header", added to the window bits. */
#define GZIP_WINDOW_BITS (15 + 16)
#define GZIP_MEMORY_LEVEL 8

static bool compress_body(const struct buffer *plain, struct buffer *body, struct failure *failure)
{
    z_stream stream = {0};
    /* Level 1: the load is to be on the collector, not here. */
    if (deflateInit2(&stream, 1, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return failure_memory(failure, "compressing a batch");
    }
    unsigned char chunk[64 * 1024];
    int result = Z_OK;
    stream.next_in = (unsigned char *)plain->data;
    stream.avail_in = (unsigned)plain->length;
    while (result == Z_OK) {
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        result = deflate(&stream, Z_FINISH);
        buffer_append(body, chunk, sizeof chunk - stream.avail_out);
    }
    deflateEnd(&stream);
    if (result != Z_STREAM_END) {
        return failure_set(failure, FAILURE_SYSTEM, "zlib cannot compress a batch");
    }
    return buffer_check(body, failure);
}

static bool make_room(struct minute_load *load, size_t batches, struct failure *failure)
{
    if (batches <= load->batch_capacity) {
        return true;
    }
    struct batch *larger = realloc(load->batches, batches * sizeof *larger);
    if (larger == NULL) {
        return failure_memory(failure, "writing out a minute's reports");
    }
    for (size_t i = load->batch_capacity; i < batches; i++) {
        larger[i] = (struct batch){.count = 0};
    }
    load->batches = larger;
    load->batch_capacity = batches;
    return true;
}

static bool fill_batch(struct report_text *report_text, struct minute_load *load,
                       struct batch *batch, bool gzip, struct failure *failure)
{
    struct buffer *text = gzip ? &load->plain : &batch->body;
    buffer_clear(&batch->body);
    buffer_clear(text);
    for (size_t i = 0; i < batch->count; i++) {
        report_text_append(report_text, &load->reports.items[batch->first + i], text);
    }
    return buffer_check(text, failure) && (!gzip || compress_body(text, &batch->body, failure));
}

bool minute_load_next(struct simulation *simulation, struct report_text *report_text,
                      size_t batch_reports, bool gzip, struct minute_load *load, bool *more,
                      struct failure *failure)
{
    load->batch_count = 0;
    if (!simulation_next(simulation, &load->reports, more, failure)) {
        return false;
    }
    load->until = simulation->at;
    load->done = simulation_done(simulation);
    size_t batches = (load->reports.count + batch_reports - 1) / batch_reports;
    if (!make_room(load, batches, failure)) {
        return false;
    }
    for (size_t first = 0; first < load->reports.count; first += batch_reports) {
        struct batch *batch = &load->batches[load->batch_count++];
        size_t left = load->reports.count - first;
        batch->first = first;
        batch->count = left < batch_reports ? left : batch_reports;
        if (!fill_batch(report_text, load, batch, gzip, failure)) {
            return false;
        }
    }
    return true;
}

void minute_load_free(struct minute_load *load)
{
    for (size_t i = 0; i < load->batch_capacity; i++) {
        buffer_free(&load->batches[i].body);
    }
    free(load->batches);
    buffer_free(&load->plain);
    observation_list_free(&load->reports);
    *load = (struct minute_load){0};
}
