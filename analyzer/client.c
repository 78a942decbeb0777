/* What does the running analyzer say? libcurl, with the few headers that matter picked out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <jansson.h>

/* The summary of a large fleet takes well under a second; one that takes longer is stuck. */
#define TIMEOUT_S 30L
#define CONNECT_TIMEOUT_S 5L

struct client {
    CURL *curl;
    char *url;
    const char *key; /* NULL: none */
    char error[CURL_ERROR_SIZE];
};

bool client_new(const char *url, struct client **client, struct failure *failure)
{
    struct client *made = calloc(1, sizeof *made);
    if (made == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(made);
        return failure_memory(failure, "starting libcurl");
    }
    made->key = getenv(CLIENT_KEY_VARIABLE);
    if (made->key != NULL && *made->key == '\0') {
        made->key = NULL;
    }
    made->curl = curl_easy_init();
    made->url = strdup(url);
    if (made->curl == NULL || made->url == NULL) {
        client_free(made);
        return failure_memory(failure, "starting libcurl");
    }
    size_t length = strlen(made->url);
    while (length > 0 && made->url[length - 1] == '/') {
        made->url[--length] = '\0';
    }
    *client = made;
    return true;
}

void client_free(struct client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    free(client->url);
    free(client);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct client_reply *reply = context;
    buffer_append(&reply->body, bytes, size * count);
    return reply->body.failed ? 0 : size * count;
}

/* The value of a header line if it has this name (in lower case, with its colon), or NULL. */
static const char *header_value(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0) {
        return NULL;
    }
    return line + length + strspn(line + length, " \t");
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct client_reply *reply = context;
    char line[256];
    size_t length = size * count < sizeof line - 1 ? size * count : sizeof line - 1;
    memcpy(line, bytes, length);
    line[length] = '\0';
    line[strcspn(line, "\r\n")] = '\0';

    const char *value = header_value(line, "etag:");
    if (value != NULL && strlen(value) < sizeof reply->etag) {
        snprintf(reply->etag, sizeof reply->etag, "%s", value);
    }
    value = header_value(line, "epicenter-as-of:");
    struct failure ignored;
    if (value != NULL && !instant_parse(value, &reply->as_of, &ignored)) {
        reply->as_of = INSTANT_NONE;
    }
    value = header_value(line, "epicenter-database:");
    if (value != NULL) {
        reply->database_away = strcmp(value, "away") == 0;
    }
    return size * count;
}

/* Proxies are for the outside world: a request to this machine never goes through one. */
static bool is_loopback(const char *url)
{
    return strncmp(url, "http://127.", 11) == 0 || strncmp(url, "http://localhost", 16) == 0 ||
           strncmp(url, "http://[::1]", 12) == 0;
}

static void read_detail(struct client_reply *reply)
{
    json_t *problem = reply->body.data != NULL ? json_loads(reply->body.data, 0, NULL) : NULL;
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    if (detail != NULL) {
        strncat(reply->detail, detail, sizeof reply->detail - 1);
    }
    json_decref(problem);
}

static bool perform(struct client *client, const char *url, struct client_reply *reply,
                    struct curl_slist *headers, struct failure *failure)
{
    CURL *curl = client->curl;
    curl_easy_reset(curl);
    client->error[0] = '\0';
    bool set = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
               (!is_loopback(url) || curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK);
    if (!set) {
        return failure_set(failure, FAILURE_SYSTEM, "libcurl does not take an option");
    }
    CURLcode status = curl_easy_perform(curl);
    if (status != CURLE_OK) {
        return failure_set(failure, FAILURE_UNAVAILABLE,
                           "no analyzer answers at %s: %s (is `analyzer serve` running there?)",
                           client->url,
                           client->error[0] != '\0' ? client->error : curl_easy_strerror(status));
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    return buffer_check(&reply->body, failure);
}

static bool add_header(struct curl_slist **headers, const char *name, const char *value,
                       struct failure *failure)
{
    struct buffer line = {0};
    buffer_append_format(&line, "%s: %s", name, value);
    struct curl_slist *longer =
        buffer_check(&line, failure) ? curl_slist_append(*headers, line.data) : NULL;
    buffer_free(&line);
    if (longer == NULL) {
        return failure_memory(failure, "asking the analyzer");
    }
    *headers = longer;
    return true;
}

/* A 401 or 403 is an answer about the key, not about what was asked. */
static bool check_key(const struct client *client, const struct client_reply *reply,
                      struct failure *failure)
{
    if (reply->status != 401 && reply->status != 403) {
        return true;
    }
    return failure_set(failure, FAILURE_UNAUTHORIZED,
                       client->key == NULL
                           ? "%s asks for a key: put one that `analyzer key add` made into the "
                             "environment as " CLIENT_KEY_VARIABLE
                           : "%s does not take the key in " CLIENT_KEY_VARIABLE,
                       client->url);
}

bool client_get(struct client *client, const char *path, const char *etag,
                struct client_reply *reply, struct failure *failure)
{
    bool good = false;
    struct buffer url = {0};
    struct curl_slist *headers = NULL;
    reply->as_of = INSTANT_NONE;
    buffer_append_format(&url, "%s%s", client->url, path);
    if (etag != NULL && *etag != '\0' && !add_header(&headers, "If-None-Match", etag, failure)) {
        goto done;
    }
    if (client->key != NULL) {
        char bearer[128];
        (void)snprintf(bearer, sizeof bearer, "Bearer %s", client->key);
        if (!add_header(&headers, "Authorization", bearer, failure)) {
            goto done;
        }
    }
    if (!buffer_check(&url, failure) || !perform(client, url.data, reply, headers, failure)) {
        goto done;
    }
    if (reply->status >= 400) {
        read_detail(reply);
    }
    good = check_key(client, reply, failure);

done:
    curl_slist_free_all(headers);
    buffer_free(&url);
    return good;
}

void client_reply_free(struct client_reply *reply)
{
    buffer_free(&reply->body);
    *reply = (struct client_reply){0};
}

bool client_escape(struct client *client, const char *text, struct buffer *path,
                   struct failure *failure)
{
    char *escaped = curl_easy_escape(client->curl, text, 0);
    if (escaped == NULL) {
        return failure_memory(failure, "writing a URL");
    }
    buffer_append_text(path, escaped);
    curl_free(escaped);
    return buffer_check(path, failure);
}
