/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/ingest/reports.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "common/instant.h"

static void die(const char *what)
{
    (void)fprintf(stderr, "bench: %s: memory is out\n", what);
    exit(EXIT_FAILURE);
}

/* SplitMix64 (Steele, Lea, Flood 2014): ids that look like any other UUID. */
static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

struct sample reports_sample(size_t index, size_t hosts)
{
    static const char *const regions[] = {"JP", "APAC", "EMEA", "AMER"};
    static const char *const rings[] = {"canary", "early", "broad", "broad"};
    uint64_t host = index % hosts;
    uint64_t first = mix(host);
    uint64_t second = mix(first);
    /* Within what the collector takes: the rounds of a host a minute apart, in the last days. */
    instant_us round = (instant_us)(index / hosts);
    struct sample sample = {.at = instant_now() - INSTANT_SECOND - round * INSTANT_MINUTE,
                            .product_line = host % 3 == 0 ? "OfficeScan" : "VirusBuster",
                            .region = regions[host % 4],
                            .ring = rings[host / 4 % 4],
                            .engine = (unsigned)(host % 5),
                            .busy = (unsigned)(first % 90 + 5),
                            .peak = (unsigned)(second % 10),
                            .installed = index % 20 == 0};
    (void)snprintf(sample.host_id, sizeof sample.host_id,
                   "%08" PRIx32 "-%04" PRIx32 "-4%03" PRIx32 "-8%03" PRIx32 "-%012" PRIx64,
                   (uint32_t)first, (uint32_t)(first >> 32) & 0xFFFF,
                   (uint32_t)(first >> 48) & 0xFFF, (uint32_t)second & 0xFFF, second >> 16);
    return sample;
}

void reports_append(struct buffer *out, size_t index, size_t hosts)
{
    char at[INSTANT_TEXT_SIZE];
    struct sample sample = reports_sample(index, hosts);
    (void)instant_format(sample.at, at);
    buffer_append_format(
        out,
        "{\"host_id\":\"%s\",\"observed_at\":\"%s\",\"host\":{\"product_line\":\"%s\","
        "\"product_version\":\"6.5\",\"os\":\"Windows "
        "XP\",\"os_version\":\"SP2\",\"region\":\"%s\","
        "\"ring\":\"%s\",\"attributes\":{\"engine\":\"7.%u10\",\"locale\":\"ja-JP\"}},",
        sample.host_id, at, sample.product_line, sample.region, sample.ring, sample.engine);
    if (sample.installed) {
        buffer_append_format(out,
                             "\"updates\":[{\"id\":\"pattern/2.594.00\",\"outcome\":\"installed\","
                             "\"at\":\"%s\"}],",
                             at);
    }
    buffer_append_format(out, "\"cpu\":{\"interval_s\":60,\"busy\":0.%02u,\"peak\":0.9%u}}",
                         sample.busy, sample.peak);
}

static void pack(const struct buffer *plain, struct buffer *packed)
{
    z_stream stream = {0};
    uLong most = compressBound((uLong)plain->length) + 64;
    unsigned char *bytes = malloc(most);
    /* 15 bits of window and 16 for gzip's frame; level 6 is what agents use. */
    if (bytes == NULL ||
        deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        die("compressing");
    }
    stream.next_in = (unsigned char *)plain->data;
    stream.avail_in = (uInt)plain->length;
    stream.next_out = bytes;
    stream.avail_out = (uInt)most;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        die("compressing");
    }
    buffer_append(packed, bytes, stream.total_out);
    (void)deflateEnd(&stream);
    free(bytes);
}

static void make_request(struct requests *requests, size_t index, size_t hosts, bool gzip,
                         const char *authorization)
{
    struct buffer body = {0};
    struct buffer packed = {0};
    struct buffer whole = {0};
    for (size_t i = 0; i < requests->reports; i++) {
        reports_append(&body, index * requests->reports + i, hosts);
        if (requests->reports > 1) {
            buffer_append_text(&body, "\n");
        }
    }
    if (gzip) {
        pack(&body, &packed);
    }
    const struct buffer *sent = gzip ? &packed : &body;
    buffer_append_format(&whole,
                         "POST /v1/reports HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
                         "Content-Type: %s\r\n%sContent-Length: %zu\r\n\r\n",
                         authorization,
                         requests->reports > 1 ? "application/x-ndjson" : "application/json",
                         gzip ? "Content-Encoding: gzip\r\n" : "", sent->length);
    buffer_append(&whole, sent->data, sent->length);
    if (body.failed || packed.failed || whole.failed) {
        die("making requests");
    }
    requests->body_bytes += (double)sent->length / (double)requests->count;
    requests->requests[index] = (struct load_request){whole.data, whole.length};
    buffer_free(&body);
    buffer_free(&packed);
}

struct requests requests_new(size_t count, size_t reports, size_t hosts, bool gzip,
                             const char *authorization)
{
    struct requests requests = {
        .requests = calloc(count, sizeof *requests.requests), .count = count, .reports = reports};
    if (requests.requests == NULL) {
        die("making requests");
    }
    for (size_t i = 0; i < count; i++) {
        make_request(&requests, i, hosts, gzip, authorization);
    }
    return requests;
}

void requests_free(struct requests *requests)
{
    for (size_t i = 0; i < requests->count; i++) {
        free((void *)(uintptr_t)requests->requests[i].bytes);
    }
    free(requests->requests);
    *requests = (struct requests){0};
}
