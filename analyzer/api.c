/* What may a reader ask, and what is the answer? Everything comes from the last snapshot, except
 * the two things that are asked for one at a time: a host, and a summary set to the reader's width.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/api.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/access.h"
#include "analyzer/advice_desk.h"
#include "analyzer/analysis.h"
#include "analyzer/answer.h"
#include "analyzer/api_answer.h"
#include "analyzer/api_metrics.h"
#include "analyzer/api_updates.h"
#include "analyzer/aside.h"
#include "analyzer/contact_desk.h"
#include "analyzer/cost_what_if.h"
#include "analyzer/door.h"
#include "analyzer/first_page.h"
#include "analyzer/gate.h"
#include "analyzer/json_value.h"
#include "analyzer/outreach_desk.h"
#include "analyzer/pages.h"
#include "analyzer/registry_desk.h"
#include "analyzer/role.h"
#include "analyzer/sign_in_page.h"
#include "analyzer/snapshot.h"
#include "analyzer/snapshot_desk.h"
#include "common/buffer.h"
#include "common/uuid.h"

#define JSON_TYPE API_JSON_TYPE
#define COLUMNS_DEFAULT 80

struct api {
    struct live *live;
    struct gate *gate;
    struct aside *aside;
    struct outreach_desk *desk;
    struct contact_desk *contacts;
    struct advice_desk *advice;
    struct registry_desk *registry;
    struct snapshot_desk *snapshots;
    struct access *access;
    struct doors *doors;
    struct http_server *server;
    struct doors *proxy_doors; /* NULL: no proxy */
    struct http_server *proxy_server;
};

static struct live *live_of(void *context)
{
    const struct api *api = context;
    return api->live;
}

static void serve_updates(void *context, struct http_request *request)
{
    api_updates_list(live_of(context), request);
}

static void serve_update(void *context, struct http_request *request)
{
    const struct api *api = context;
    api_updates_at_gate(api->live, api->gate, request);
}

static void serve_changes(void *context, struct http_request *request)
{
    api_updates_changes(live_of(context), request);
}

static void serve_outreach(void *context, struct http_request *request)
{
    struct api *api = context;
    outreach_desk_list(api->desk, request);
}

static void serve_outreach_hosts(void *context, struct http_request *request)
{
    struct api *api = context;
    outreach_desk_hosts(api->desk, request);
}

static void change_outreach(void *context, struct http_request *request)
{
    struct api *api = context;
    outreach_desk_change(api->desk, request);
}

static void serve_advice(void *context, struct http_request *request)
{
    struct api *api = context;
    advice_desk_read(api->advice, request);
}

static void write_advice(void *context, struct http_request *request)
{
    struct api *api = context;
    advice_desk_write(api->advice, request);
}

static void mask_contacts(void *context, struct http_request *request)
{
    struct api *api = context;
    contact_desk_mask(api->contacts, request);
}

static void import_registry(void *context, struct http_request *request)
{
    struct api *api = context;
    registry_desk_import(api->registry, request);
}

static void serve_snapshot(void *context, struct http_request *request)
{
    struct api *api = context;
    snapshot_desk_read(api->snapshots, request);
}

static void open_contacts(void *context, struct http_request *request)
{
    struct api *api = context;
    contact_desk_open(api->contacts, request);
}

/* ---- One host ---- */

static json_t *host_attributes(const struct segment_conjunction *attributes, bool *complete)
{
    json_t *object = json_object();
    for (size_t i = 0; i < attributes->term_count; i++) {
        json_value_set(object, attributes->terms[i].attribute,
                       json_value_text(attributes->terms[i].value), complete);
    }
    return object;
}

static json_t *host_updates(const struct host_view *view, bool *complete)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->update_count; i++) {
        const struct host_update *update = &view->updates[i];
        json_t *object = json_object();
        json_value_set(object, "id", json_value_text(update->id), complete);
        json_value_set(object, "installed_at", json_value_instant(update->installed_at), complete);
        json_value_set(object, "exposed", json_boolean(update->exposed), complete);
        json_value_append(array, object, complete);
    }
    return array;
}

static bool write_host(const struct uuid *host_id, const struct host_view *view, struct buffer *out,
                       struct failure *failure)
{
    bool complete = true;
    char id[UUID_TEXT_SIZE];
    json_t *object = json_object();
    json_value_set(object, "host_id", json_value_text(uuid_format(host_id, id)), &complete);
    json_value_set(object, "customer_id", json_value_text(view->customer_id), &complete);
    json_value_set(object, "state", json_value_text(host_state_name(view->state)), &complete);
    json_value_set(object, "state_since", json_value_instant(view->state_since), &complete);
    json_value_set(object, "last_seen_at", json_value_instant(view->last_seen_at), &complete);
    json_value_set(object, "interval_s", json_value_number(view->interval_s), &complete);
    json_value_set(object, "last_busy", json_value_number(view->last_busy), &complete);
    json_value_set(object, "baseline_busy", json_value_number(view->baseline_busy), &complete);
    json_value_set(object, "attributes", host_attributes(&view->attributes, &complete), &complete);
    json_value_set(object, "updates", host_updates(view, &complete), &complete);
    return json_value_write(object, complete, out, failure);
}

static void answer_host(void *context, struct http_request *request)
{
    struct live *live = live_of(context);
    const char *name = http_request_rest(request);
    const char *customer_id = http_request_query(request, "customer_id");
    struct uuid host_id;
    if (!uuid_parse(name, &host_id)) {
        if (customer_id == NULL || *name == '\0') {
            http_respond_problem(request, 400,
                                 "a host is named by its UUID, or by the name it reports with "
                                 "?customer_id= beside it");
            return;
        }
        host_id = uuid_from_name(customer_id, name, strlen(name));
    }
    struct host_view view;
    struct buffer body = {0};
    struct failure failure;
    const struct analysis *analysis = live_share(live);
    bool found = analysis_host(analysis, &host_id, &view);
    bool good = !found || write_host(&host_id, &view, &body, &failure);
    live_unlock(live);
    if (!good) {
        http_respond_failure(request, &failure);
    } else if (!found) {
        http_respond_problem(request, 404, "no report of this host has been read");
    } else {
        api_respond(request, live, INSTANT_NONE, JSON_TYPE, &body);
    }
    buffer_free(&body);
}

static void serve_host(void *context, struct http_request *request)
{
    const struct api *api = context;
    aside_put(api->aside, answer_host, context, request);
}

/* ---- The summary ---- */

static void serve_summary(void *context, struct http_request *request)
{
    struct live *live = live_of(context);
    const char *colour = http_request_query(request, "colour");
    unsigned long columns = api_query_number(request, "columns", COLUMNS_DEFAULT);
    unsigned long calls = api_query_number(request, "calls", ANSWER_CALLS);
    struct buffer text = {0};
    struct failure failure;
    struct snapshot *snapshot = api_hold_snapshot(request, live);
    if (snapshot == NULL) {
        return;
    }
    answer_write_text(snapshot->answers, columns < 1000 ? (unsigned)columns : 1000,
                      colour != NULL && strcmp(colour, "1") == 0, calls, &text);
    if (buffer_check(&text, &failure)) {
        api_respond(request, live, snapshot->as_of, "text/plain; charset=utf-8", &text);
    } else {
        http_respond_failure(request, &failure);
    }
    buffer_free(&text);
    snapshot_release(snapshot);
}

/* ---- What if ---- */

static void answer_what_if(void *context, struct http_request *request)
{
    struct live *live = live_of(context);
    const char *update_id = http_request_query(request, "update");
    const char *settings = http_request_query(request, "set");
    struct buffer body = {0};
    struct failure failure;
    if (update_id == NULL || settings == NULL) {
        http_respond_problem(request, 400,
                             "what if: ?update= and &set=name=low,likely,high are needed");
        return;
    }
    struct snapshot *snapshot = api_hold_snapshot(request, live);
    if (snapshot == NULL) {
        return;
    }
    if (cost_what_if(snapshot->answers, update_id, settings, &body, &failure)) {
        api_respond(request, live, snapshot->as_of, JSON_TYPE, &body);
    } else {
        http_respond_failure(request, &failure);
    }
    buffer_free(&body);
    snapshot_release(snapshot);
}

static void serve_what_if(void *context, struct http_request *request)
{
    const struct api *api = context;
    aside_put(api->aside, answer_what_if, context, request);
}

/* ---- Health ---- */

static void serve_health(void *context, struct http_request *request)
{
    (void)context;
    static const char alive[] = "{\"status\":\"alive\"}";
    http_respond_static(request, 200, JSON_TYPE, alive, sizeof alive - 1);
}

static void serve_readiness(void *context, struct http_request *request)
{
    struct live_status status = live_status(live_of(context));
    static const char ready[] = "{\"status\":\"ready\"}";
    static const char standby[] = "{\"status\":\"standby\"}";
    http_respond_header(request, "Cache-Control", "no-store");
    if (!status.database_up) {
        http_respond_problem(request, 503, "the database is away: %s",
                             status.trouble[0] != '\0' ? status.trouble : "not connected yet");
    } else if (!status.horizon_replayed) {
        http_respond_problem(request, 503,
                             "reading what has been reported so far: %llu reports read, %u %%",
                             (unsigned long long)status.followed.reports, status.followed.percent);
    } else if (!status.leads) {
        http_respond_static(request, 200, JSON_TYPE, standby, sizeof standby - 1);
    } else {
        http_respond_static(request, 200, JSON_TYPE, ready, sizeof ready - 1);
    }
}

static void serve_metrics(void *context, struct http_request *request)
{
    struct live *live = live_of(context);
    struct live_status status = live_status(live);
    struct snapshot *snapshot = live_snapshot(live);
    struct buffer text = {0};
    struct failure failure;
    api_metrics_write(&status, snapshot, &text);
    snapshot_release(snapshot);
    if (buffer_check(&text, &failure)) {
        http_respond(request, 200, API_METRICS_TYPE, &text);
    } else {
        buffer_free(&text);
        http_respond_failure(request, &failure);
    }
}

/* ---- The pages ---- */

/* The page's file with its first content in its place; as it is while there are no answers. */
static bool fill_page(const struct page_file *page, const struct buffer *first, struct buffer *out)
{
    const char *bytes = (const char *)page->bytes;
    const char *place = memmem(bytes, page->length, FIRST_PAGE_PLACE, strlen(FIRST_PAGE_PLACE));
    if (place == NULL || first->length == 0) {
        return false;
    }
    const char *rest = place + strlen(FIRST_PAGE_PLACE);
    buffer_append(out, bytes, (size_t)(place - bytes));
    buffer_append(out, first->data, first->length);
    buffer_append(out, rest, page->length - (size_t)(rest - bytes));
    return true;
}

static void serve_page(struct api *api, struct http_request *request, enum first_page which)
{
    struct snapshot *snapshot = live_snapshot(api->live);
    const struct page_file *page = pages_page(http_request_path(request));
    struct buffer body = {0};
    struct failure failure;
    bool filled =
        snapshot != NULL && page != NULL && fill_page(page, &snapshot->first_pages[which], &body);
    if (filled && buffer_check(&body, &failure)) {
        api_respond(request, api->live, snapshot->as_of, page->content_type, &body);
    } else {
        pages_serve(api, request);
    }
    buffer_free(&body);
    snapshot_release(snapshot);
}

static void serve_operations(void *context, struct http_request *request)
{
    serve_page(context, request, FIRST_OPERATIONS);
}

static void serve_executives(void *context, struct http_request *request)
{
    serve_page(context, request, FIRST_EXECUTIVES);
}

static void serve_support(void *context, struct http_request *request)
{
    serve_page(context, request, FIRST_SUPPORT);
}

/* ---- Who is asking ---- */

static void serve_me(void *context, struct http_request *request)
{
    (void)context;
    const struct identity *identity = door_identity(request);
    bool complete = true;
    struct buffer body = {0};
    struct failure failure;
    json_t *object = json_object();
    json_value_set(object, "name", json_value_text(identity->name), &complete);
    json_value_set(object, "role", json_value_text(role_name(identity->role)), &complete);
    if (json_value_write(object, complete, &body, &failure)) {
        http_respond(request, 200, JSON_TYPE, &body);
    } else {
        buffer_free(&body);
        http_respond_failure(request, &failure);
    }
}

static void serve_sign_in(void *context, struct http_request *request)
{
    const struct api *api = context;
    access_serve_sign_in(api->access, request);
}

static void take_sign_in(void *context, struct http_request *request)
{
    const struct api *api = context;
    access_take_sign_in(api->access, request);
}

static void take_sign_out(void *context, struct http_request *request)
{
    const struct api *api = context;
    access_take_sign_out(api->access, request);
}

/* ---- The doors ---- */

#define EVERYBODY 0U
#define DESK (ROLE_BIT(ROLE_SUPPORT) | ROLE_BIT(ROLE_ADMIN))
#define DESK_AND_OPERATIONS (DESK | ROLE_BIT(ROLE_OPERATIONS))
#define MEASURES (ROLE_BIT(ROLE_METRICS) | ROLE_BIT(ROLE_ADMIN))

static const struct door table[] = {
    {"GET", "/v1/updates", "", 0, serve_updates, ROLES_PEOPLE, DOOR_API},
    {"GET", "/v1/updates/*", "/outreach", 0, serve_outreach, DESK_AND_OPERATIONS, DOOR_API},
    {"GET", "/v1/updates/*", "/hosts", 0, serve_outreach_hosts, DESK_AND_OPERATIONS, DOOR_API},
    {"GET", "/v1/updates/*", "/advice", 0, serve_advice, DESK_AND_OPERATIONS, DOOR_API},
    {"PUT", "/v1/updates/*", "/advice", ADVICE_BODY_LIMIT, write_advice, DESK_AND_OPERATIONS,
     DOOR_API},
    {"GET", "/v1/updates/*", "", 0, serve_update, ROLES_PEOPLE, DOOR_API},
    {"POST", "/v1/updates/*", "", OUTREACH_BODY_LIMIT, change_outreach, DESK, DOOR_API},
    {"GET", "/v1/contacts/*", "", 0, mask_contacts, ROLE_BIT(ROLE_SUPPORT), DOOR_PERSON},
    {"POST", "/v1/contacts/*", "/open", CONTACT_BODY_LIMIT, open_contacts, ROLE_BIT(ROLE_SUPPORT),
     DOOR_PERSON},
    {"POST", "/v1/registry/*", "", REGISTRY_BODY_LIMIT, import_registry,
     ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_REGISTRY), DOOR_API},
    {"GET", "/v1/hosts/*", "", 0, serve_host, DESK_AND_OPERATIONS, DOOR_API},
    {"GET", "/v1/snapshots/*", "", 0, serve_snapshot, ROLES_PEOPLE, DOOR_API},
    {"GET", "/v1/changes", "", 0, serve_changes, ROLES_PEOPLE, DOOR_API},
    {"GET", "/v1/summary", "", 0, serve_summary, ROLES_PEOPLE, DOOR_API},
    {"GET", "/v1/what-if", "", 0, serve_what_if, ROLES_PEOPLE, DOOR_API},
    {"GET", "/v1/me", "", 0, serve_me, ROLES_PEOPLE, DOOR_API},
    {"GET", "/v1/openapi.json", "", 0, pages_serve, EVERYBODY, DOOR_API},
    {"GET", "/", "", 0, serve_operations, ROLES_PEOPLE, DOOR_PAGE},
    {"GET", "/executives", "", 0, serve_executives, ROLES_PEOPLE, DOOR_PAGE},
    {"GET", "/support", "", 0, serve_support, DESK_AND_OPERATIONS, DOOR_PAGE},
    {"GET", "/metrics", "", 0, serve_metrics, MEASURES, DOOR_MACHINE},
    {"GET", "/healthz", "", 0, serve_health, EVERYBODY, DOOR_API},
    {"GET", "/readyz", "", 0, serve_readiness, EVERYBODY, DOOR_API},
    {"GET", "/assets/*", "", 0, pages_serve_asset, EVERYBODY, DOOR_API},
    {"GET", "/sign-in", "", 0, serve_sign_in, EVERYBODY, DOOR_PAGE},
    {"POST", "/sign-in", "", SIGN_IN_BODY_LIMIT, take_sign_in, EVERYBODY, DOOR_PAGE},
    {"POST", "/sign-out", "", SIGN_IN_BODY_LIMIT, take_sign_out, EVERYBODY, DOOR_PAGE},
};

const struct door *api_doors(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}

/* ---- Start and end ---- */

/* Where a person on this machine finds us; 0.0.0.0 and :: are not to be typed. */
static void invite_first(struct api *api, const char *address)
{
    char url[128];
    bool six = strchr(address, ':') != NULL;
    const char *host = strcmp(address, "0.0.0.0") == 0 ? "127.0.0.1"
                       : strcmp(address, "::") == 0    ? "::1"
                                                       : address;
    (void)snprintf(url, sizeof url, six ? "http://[%s]:%u" : "http://%s:%u", host,
                   http_server_port(api->server));
    access_invite_first(api->access, url);
}

static bool serve_doors(struct api *api, const struct http_server_options *options,
                        struct doors **doors, struct http_server **server, struct failure *failure)
{
    size_t count;
    bool behind_proxy = options->address[0] == '/';
    if (!doors_new(table, sizeof table / sizeof *table, api, api->access, behind_proxy, doors,
                   failure)) {
        return false;
    }
    const struct http_route *routes = doors_routes(*doors, &count);
    return http_server_start(options, routes, count, *doors, server, failure);
}

static bool start_parts(struct api *api, const struct api_options *options, struct failure *failure)
{
    /* Two threads: a slow reader on one connection group leaves the other to answer. */
    const struct http_server_options open = {
        .address = options->address, .port = options->port, .threads = 2};
    const struct http_server_options proxy = {.address = options->proxy_socket, .threads = 1};
    return gate_new(api->live, api_updates_one, &api->gate, failure) &&
           aside_new(&api->aside, failure) &&
           outreach_desk_new(options->conninfo, api->live, &api->desk, failure) &&
           contact_desk_new(options->conninfo, &api->contacts, failure) &&
           advice_desk_new(options->conninfo, api->live, &api->advice, failure) &&
           registry_desk_new(options->conninfo, &api->registry, failure) &&
           snapshot_desk_new(options->conninfo, api->live, &api->snapshots, failure) &&
           access_new(options->conninfo, &api->access, failure) &&
           serve_doors(api, &open, &api->doors, &api->server, failure) &&
           (options->proxy_socket == NULL ||
            serve_doors(api, &proxy, &api->proxy_doors, &api->proxy_server, failure));
}

bool api_start(const struct api_options *options, struct live *live, struct api **api,
               struct failure *failure)
{
    struct api *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return failure_memory(failure, "starting to serve");
    }
    made->live = live;
    if (!start_parts(made, options, failure)) {
        api_stop(made);
        return false;
    }
    invite_first(made, options->address);
    *api = made;
    return true;
}

uint16_t api_port(const struct api *api)
{
    return http_server_port(api->server);
}

/* Nobody new comes in; then whoever waits is answered, in the order in which one hands over to the
 * next. */
void api_stop(struct api *api)
{
    struct http_server *const servers[] = {api->proxy_server, api->server};
    for (size_t i = 0; i < 2; i++) {
        if (servers[i] != NULL) {
            http_server_quiesce(servers[i]);
        }
    }
    access_free(api->access);
    outreach_desk_free(api->desk);
    contact_desk_free(api->contacts);
    advice_desk_free(api->advice);
    registry_desk_free(api->registry);
    snapshot_desk_free(api->snapshots);
    aside_free(api->aside);
    gate_free(api->gate);
    for (size_t i = 0; i < 2; i++) {
        http_server_stop(servers[i]);
    }
    doors_free(api->proxy_doors);
    doors_free(api->doors);
    free(api);
}
