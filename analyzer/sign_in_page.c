/* How does somebody say who they are? See sign_in_page.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/sign_in_page.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/pages.h"
#include "common/buffer.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

/* ---- What comes back ---- */

void sign_in_form_next(struct sign_in_form *form, const char *next)
{
    form->next[0] = '\0';
    /* "//host" and "/\host" would lead to another site. */
    if (next == NULL || next[0] != '/' || next[1] == '/' || next[1] == '\\' ||
        strlen(next) >= sizeof form->next) {
        return;
    }
    for (const char *at = next; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '\\') {
            return;
        }
    }
    memcpy(form->next, next, strlen(next) + 1);
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* One value, decoded. False where it does not fit, or holds a NUL. */
static bool decode(const char *value, size_t length, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char byte = value[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%' && i + 2 < length && hex_digit(value[i + 1]) >= 0 &&
                   hex_digit(value[i + 2]) >= 0) {
            byte = (char)(hex_digit(value[i + 1]) * 16 + hex_digit(value[i + 2]));
            i += 2;
        }
        if (byte == '\0' || used + 1 >= size) {
            return false;
        }
        text[used++] = byte;
    }
    text[used] = '\0';
    return true;
}

/* The field of this name; "" where there is none. */
static bool read_field(const struct buffer *body, const char *name, char *text, size_t size)
{
    size_t length = strlen(name);
    text[0] = '\0';
    for (const char *at = body->data; at != NULL && *at != '\0';) {
        size_t field = strcspn(at, "&");
        if (field > length && strncmp(at, name, length) == 0 && at[length] == '=') {
            return decode(at + length + 1, field - length - 1, text, size);
        }
        at += field + (at[field] == '&');
    }
    return true;
}

bool sign_in_form_read(struct sign_in_form *form, const struct http_request *request)
{
    const struct buffer *body = http_request_body(request);
    const char *type = http_request_header(request, "Content-Type");
    char next[SIGN_IN_NEXT_SIZE];
    if (type == NULL || strncmp(type, FORM_TYPE, sizeof FORM_TYPE - 1) != 0 ||
        !read_field(body, "name", form->name, sizeof form->name) ||
        !read_field(body, "password", form->password, sizeof form->password) ||
        !read_field(body, "link", form->link, sizeof form->link) ||
        !read_field(body, "next", next, sizeof next)) {
        return false;
    }
    sign_in_form_next(form, next);
    return form->link[0] != '\0' ? credential_is_formed(CREDENTIAL_LINK, form->link)
                                 : form->name[0] != '\0' && form->password[0] != '\0';
}

/* ---- The page ---- */

static void append_escaped(struct buffer *page, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            buffer_append_text(page, "&amp;");
            break;
        case '<':
            buffer_append_text(page, "&lt;");
            break;
        case '>':
            buffer_append_text(page, "&gt;");
            break;
        case '"':
            buffer_append_text(page, "&quot;");
            break;
        default:
            buffer_append(page, text, 1);
        }
    }
}

static void append_head(struct buffer *page, const char *title)
{
    buffer_append_format(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s · Epicenter</title>\n"
        "<link rel=\"icon\" href=\"/assets/%s\" type=\"image/svg+xml\">\n"
        "<link rel=\"stylesheet\" href=\"/assets/%s\">\n</head>\n<body class=\"door\">\n<main>\n"
        "<p class=\"brand\"><svg viewBox=\"0 0 24 24\" width=\"24\" height=\"24\" "
        "aria-hidden=\"true\"><circle cx=\"12\" cy=\"12\" r=\"3.2\" fill=\"currentColor\"/><circle "
        "cx=\"12\" cy=\"12\" r=\"6.8\" fill=\"none\" stroke=\"currentColor\" "
        "stroke-width=\"1.6\"/></svg> <span>Epicenter</span></p>\n<h1>%s</h1>\n",
        title, pages_asset("icon", ".svg"), pages_asset("style", ".css"), title);
}

static void respond(struct http_request *request, unsigned status, struct buffer *page)
{
    buffer_append_text(page, "</main>\n</body>\n</html>\n");
    http_respond(request, status, "text/html; charset=utf-8", page);
}

static void append_hidden(struct buffer *page, const char *name, const char *value)
{
    if (*value != '\0') {
        buffer_append_format(page, "<input type=\"hidden\" name=\"%s\" value=\"", name);
        append_escaped(page, value);
        buffer_append_text(page, "\">\n");
    }
}

static void respond_form(struct http_request *request, unsigned status,
                         const struct sign_in_form *form, const char *why)
{
    struct buffer page = {0};
    append_head(&page, "Sign in");
    if (why != NULL) {
        buffer_append_text(&page, "<p class=\"wrong\" role=\"alert\" id=\"wrong\">");
        append_escaped(&page, why);
        buffer_append_text(&page, "</p>\n");
    }
    buffer_append_text(&page, "<form method=\"post\" action=\"/sign-in\">\n");
    append_hidden(&page, "next", form->next);
    if (form->link[0] != '\0') {
        append_hidden(&page, "link", form->link);
        buffer_append_text(&page, "<p>You came by a link that signs you in, once.</p>\n"
                                  "<button>Sign in</button>\n");
    } else {
        buffer_append_format(&page,
                             "<label>Name <input name=\"name\" required maxlength=\"80\" "
                             "autocomplete=\"username\"%s value=\"",
                             why == NULL ? " autofocus" : "");
        append_escaped(&page, form->name);
        buffer_append_format(&page,
                             "\"></label>\n<label>Password <input type=\"password\" "
                             "name=\"password\" required maxlength=\"%d\" "
                             "autocomplete=\"current-password\"%s></label>\n"
                             "<button>Sign in</button>\n",
                             PASSWORD_BYTES_MOST,
                             why != NULL ? " autofocus aria-describedby=\"wrong\"" : "");
    }
    buffer_append_text(&page, "</form>\n<p class=\"hint\">No account? Whoever runs Epicenter here "
                              "makes one, or a one-time link, with <code>analyzer "
                              "account</code>.</p>\n");
    respond(request, status, &page);
}

void sign_in_page_form(struct http_request *request, const struct sign_in_form *form)
{
    respond_form(request, 200, form, NULL);
}

void sign_in_page_refused(struct http_request *request, const struct sign_in_form *form,
                          const char *why)
{
    respond_form(request, 403, form, why);
}

void sign_in_page_throttled(struct http_request *request, const struct sign_in_form *form,
                            instant_us wait)
{
    char text[96];
    int64_t minutes = (wait + INSTANT_MINUTE - 1) / INSTANT_MINUTE;
    (void)snprintf(text, sizeof text, "%lld",
                   (long long)((wait + INSTANT_SECOND - 1) / INSTANT_SECOND));
    http_respond_header(request, "Retry-After", text);
    (void)snprintf(text, sizeof text, "Too many tries. Try again in %lld minute%s.",
                   (long long)minutes, minutes == 1 ? "" : "s");
    respond_form(request, 429, form, text);
}

void sign_in_page_not_yours(struct http_request *request, const struct identity *identity)
{
    struct buffer page = {0};
    append_head(&page, "Not for you");
    buffer_append_text(&page, "<p>You are signed in as ");
    append_escaped(&page, identity->name);
    buffer_append_format(&page,
                         ", and this page is not for %s.</p>\n"
                         "<p><a href=\"%s\">Your page</a></p>\n"
                         "<form method=\"post\" action=\"/sign-out\"><button>Sign out</button>"
                         "</form>\n",
                         role_name(identity->role), role_home(identity->role));
    respond(request, 403, &page);
}
