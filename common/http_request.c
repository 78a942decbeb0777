/* What does a request say? What handlers see of it: method, path, headers, query, body, and where
 * it came from. SPDX-License-Identifier: Apache-2.0 */
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "common/arena.h"
#include "common/buffer.h"
#include "common/http_deadlines.h"
#include "common/http_exchange.h"
#include "common/http_server.h"
#include "common/http_tls.h"

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

const char *http_request_rest(const struct http_request *request)
{
    return request->rest;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static const struct sockaddr *client_address(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info != NULL ? info->client_addr : NULL;
}

size_t http_request_network(const struct http_request *request, uint8_t bytes[HTTP_NETWORK_SIZE])
{
    const struct sockaddr *address = client_address(request);
    if (address != NULL && address->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return 4;
    }
    if (address != NULL && address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
               HTTP_NETWORK_SIZE);
        return HTTP_NETWORK_SIZE;
    }
    return 0;
}

const char *http_request_address(const struct http_request *request, char text[HTTP_ADDRESS_SIZE])
{
    const struct sockaddr *address = client_address(request);
    text[0] = '\0';
    if (address != NULL && (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
        socklen_t size = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                        : sizeof(struct sockaddr_in);
        if (getnameinfo(address, size, text, HTTP_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) != 0) {
            text[0] = '\0';
        }
    }
    return text;
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_request_peer_name(const struct http_request *request, size_t index)
{
    void **findings = http_deadlines_findings(request->connection);
    if (request->server->tls == NULL || findings == NULL) {
        return NULL;
    }
    if (*findings == NULL) {
        *findings = http_tls_read_peer(request->connection);
    }
    const struct http_tls_peer *peer = *findings;
    return peer != NULL && index < peer->count ? peer->names[index] : NULL;
}

struct query_visit {
    http_query_visitor visitor;
    void *context;
};

static enum MHD_Result visit_query(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void)kind;
    const struct query_visit *visit = context;
    visit->visitor(visit->context, name, value != NULL ? value : "");
    return MHD_YES;
}

void http_request_each_query(const struct http_request *request, http_query_visitor visitor,
                             void *context)
{
    struct query_visit visit = {.visitor = visitor, .context = context};
    (void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, visit_query,
                                    &visit);
}

void *http_request_note(struct http_request *request, size_t size)
{
    if (request->note == NULL) {
        request->note = arena_allocate(&request->arena, size);
    }
    return request->note;
}

const struct buffer *http_request_body(const struct http_request *request)
{
    return &request->body;
}

void http_request_keep_body(struct http_request *request)
{
    request->body_kept = true;
}
