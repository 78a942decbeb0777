/* May this request go through? See door.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/door.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/sign_in_page.h"
#include "common/buffer.h"
#include "common/utf8.h"

#define PROXY_NAME_BYTES                                                                           \
    80 /* as of an account, roughly; the rest of IDENTITY_NAME_SIZE is not ours */

struct doors {
    const struct door *table;
    size_t count;
    void *context;
    struct access *access;
    bool behind_proxy;
    struct http_route *routes; /* one for each method and path */
    size_t route_count;
};

struct note {
    bool known;
    struct identity identity;
};

const struct identity *door_identity(struct http_request *request)
{
    const struct note *note = http_request_note(request, sizeof *note);
    return note != NULL && note->known ? &note->identity : NULL;
}

/* ---- Which door ---- */

static bool takes_method(const struct door *door, const char *method)
{
    return strcmp(door->method, method) == 0 ||
           (strcmp(door->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static bool takes_path(const struct door *door, const char *path)
{
    size_t length = strlen(door->path);
    if (door->path[length - 1] != '*') {
        return strcmp(door->path, path) == 0;
    }
    size_t all = strlen(path);
    size_t tail = strlen(door->suffix);
    return strncmp(door->path, path, length - 1) == 0 && all - (length - 1) >= tail &&
           strcmp(path + all - tail, door->suffix) == 0;
}

static const struct door *find_door(const struct doors *doors, const struct http_request *request)
{
    for (size_t i = 0; i < doors->count; i++) {
        if (takes_method(&doors->table[i], http_request_method(request)) &&
            takes_path(&doors->table[i], http_request_path(request))) {
            return &doors->table[i];
        }
    }
    return NULL;
}

/* ---- Judging ---- */

/* Characters that stand for themselves in the value of a query. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~/", c) != NULL;
}

static void append_value(struct buffer *url, const char *text)
{
    for (; *text != '\0'; text++) {
        if (is_plain(*text)) {
            buffer_append(url, text, 1);
        } else {
            buffer_append_format(url, "%%%02X", (unsigned char)*text);
        }
    }
}

struct query_text {
    struct buffer text; /* "?name=value&…" */
};

static void add_query(void *context, const char *name, const char *value)
{
    struct query_text *query = context;
    buffer_append_text(&query->text, query->text.length == 0 ? "?" : "&");
    append_value(&query->text, name);
    buffer_append_text(&query->text, "=");
    append_value(&query->text, value);
}

static void send_to_sign_in(struct http_request *request)
{
    struct query_text query = {0};
    struct buffer location = {0};
    const char *path = http_request_path(request);
    http_request_each_query(request, add_query, &query);
    buffer_append_text(&location, "/sign-in");
    if (strcmp(path, "/") != 0 || query.text.length > 0) {
        buffer_append_text(&location, "?next=");
        append_value(&location, path);
        append_value(&location, query.text.data != NULL ? query.text.data : "");
    }
    http_respond_header(request, "Location", location.data != NULL ? location.data : "/sign-in");
    http_respond(request, 303, NULL, NULL);
    buffer_free(&location);
    buffer_free(&query.text);
}

static void refuse_nobody(const struct door *door, struct http_request *request)
{
    if (door->kind == DOOR_PAGE && http_request_header(request, "Authorization") == NULL) {
        send_to_sign_in(request);
        return;
    }
    http_respond_header(request, "WWW-Authenticate", "Bearer realm=\"epicenter\"");
    http_respond_problem(request, 401,
                         "sign in at /sign-in, or send a key as Authorization: Bearer epk_… "
                         "(analyzer key add makes one)");
}

/* As access_decided has it; NULL identity: nobody. */
static void decide(void *context, struct http_request *request, const struct identity *identity)
{
    struct doors *doors = context;
    const struct door *door = find_door(doors, request);
    if (identity == NULL) {
        refuse_nobody(door, request);
        return;
    }
    if ((door->roles & ROLE_BIT(identity->role)) == 0 ||
        (door->kind == DOOR_PERSON && identity->is_program)) {
        if (door->kind == DOOR_PAGE) {
            sign_in_page_not_yours(request, identity);
        } else {
            http_respond_problem(request, 403, "%s is not allowed to do this", identity->name);
        }
        return;
    }
    struct note *note = http_request_note(request, sizeof *note);
    if (note == NULL) {
        http_respond_problem(request, 503, "out of memory");
        return;
    }
    *note = (struct note){.known = true, .identity = *identity};
    door->handler(doors->context, request);
}

/* This machine itself, and no proxy on it that speaks for others. */
static bool is_this_machine(const struct http_request *request)
{
    char address[HTTP_ADDRESS_SIZE];
    (void)http_request_address(request, address);
    return (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0) &&
           http_request_header(request, "X-Forwarded-For") == NULL &&
           http_request_header(request, "Forwarded") == NULL;
}

/* Whom the proxy names. A key that is sent goes before. */
static bool is_named_by_proxy(const struct doors *doors, const struct http_request *request,
                              struct identity *identity)
{
    const char *name = http_request_header(request, "Remote-User");
    const char *groups = http_request_header(request, "Remote-Groups");
    *identity = (struct identity){.role = ROLE_VIEWER};
    if (!doors->behind_proxy || name == NULL || groups == NULL || *name == '\0' ||
        strlen(name) > PROXY_NAME_BYTES || !utf8_is_valid(name, strlen(name)) ||
        http_request_header(request, "Authorization") != NULL ||
        !role_of_groups(groups, &identity->role)) {
        return false;
    }
    memcpy(identity->name, name, strlen(name) + 1);
    return true;
}

static void enter(void *context, struct http_request *request)
{
    struct doors *doors = context;
    const struct door *door = find_door(doors, request);
    struct identity identity;
    if (door == NULL) { /* a star without what must stand for it */
        http_respond_problem(request, 404, "nothing is served at this path");
        return;
    }
    if (strcmp(door->method, "GET") != 0 && access_is_cross_site(request)) {
        http_respond_problem(request, 403, "this was sent by a page of another site");
        return;
    }
    if (door->roles == 0 || (door->kind == DOOR_MACHINE && is_this_machine(request))) {
        door->handler(doors->context, request);
        return;
    }
    if (is_named_by_proxy(doors, request, &identity)) {
        decide(doors, request, &identity);
        return;
    }
    switch (access_find(doors->access, request, &identity)) {
    case ACCESS_NOBODY:
        refuse_nobody(door, request);
        break;
    case ACCESS_KNOWN:
        decide(doors, request, &identity);
        break;
    case ACCESS_UNSURE:
        access_ask(doors->access, request, decide, doors);
        break;
    }
}

/* ---- The routes ---- */

static void add_route(struct doors *doors, const struct door *door)
{
    for (size_t i = 0; i < doors->route_count; i++) {
        struct http_route *route = &doors->routes[i];
        if (strcmp(route->method, door->method) == 0 && strcmp(route->path, door->path) == 0) {
            route->body_limit =
                route->body_limit > door->body_limit ? route->body_limit : door->body_limit;
            return;
        }
    }
    doors->routes[doors->route_count++] = (struct http_route){.method = door->method,
                                                              .path = door->path,
                                                              .body_limit = door->body_limit,
                                                              .handler = enter};
}

bool doors_new(const struct door *table, size_t count, void *context, struct access *access,
               bool behind_proxy, struct doors **doors, struct failure *failure)
{
    struct doors *made = calloc(1, sizeof *made);
    if (made == NULL || (made->routes = calloc(count, sizeof *made->routes)) == NULL) {
        free(made);
        return failure_memory(failure, "starting to serve");
    }
    made->table = table;
    made->count = count;
    made->context = context;
    made->access = access;
    made->behind_proxy = behind_proxy;
    for (size_t i = 0; i < count; i++) {
        add_route(made, &table[i]);
    }
    *doors = made;
    return true;
}

void doors_free(struct doors *doors)
{
    if (doors != NULL) {
        free(doors->routes);
    }
    free(doors);
}

const struct http_route *doors_routes(const struct doors *doors, size_t *count)
{
    *count = doors->route_count;
    return doors->routes;
}
