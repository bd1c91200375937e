#include "fetch_url.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { PORT_MAX = 65535, PORT_DIGITS = 5 };

bool
cm_fetch_url_text_ok(const char *text, size_t max, struct cm_detail *detail)
{
    size_t len = strlen(text);
    const char *authority;

    if (len == 0 || len > max) {
        cm_detail_set(detail, "the URL has %zu bytes, not 1 to %zu", len, max);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            cm_detail_set(detail, "the URL holds a blank, a control "
                                  "character or a byte that is not ASCII");
            return false;
        }
    }
    /* libcurl passes over a third slash. */
    authority = strstr(text, "://");
    if (authority == NULL || authority[strlen("://")] == '/') {
        cm_detail_set(detail, "the URL is not of the form scheme://host/");
        return false;
    }
    /* Decoded, it would be another host to the one who reads it next. */
    authority += strlen("://");
    if (memchr(authority, '%', strcspn(authority, "/?#")) != NULL) {
        cm_detail_set(detail, "the URL's host holds a percent sign");
        return false;
    }
    return true;
}

unsigned int
cm_fetch_port(const char *text)
{
    size_t len = strlen(text);
    unsigned int port = 0;

    if (len == 0 || len > PORT_DIGITS || strspn(text, "0123456789") != len)
        return 0;
    for (size_t i = 0; i < len; i++)
        port = port * 10 + (unsigned int)(text[i] - '0');
    return port <= PORT_MAX ? port : 0;
}

/* A name, or an address. */
static bool
host_ok(const char *host)
{
    static const char NAME[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    size_t len = strlen(host);

    if (len == 0 || len > CM_FETCH_MAX_HOST)
        return false;
    if (host[0] == '[')
        return strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2 &&
               host[len - 1] == ']';
    return strspn(host, NAME) == len;
}

/* NULL: nothing is wrong with it. */
static const char *
fault_of(char *const parts[CM_URL_PARTS])
{
    const char *scheme = parts[CM_URL_SCHEME], *host = parts[CM_URL_HOST];

    if (scheme == NULL ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return "the URL is neither http nor https";
    if (parts[CM_URL_USER] != NULL || parts[CM_URL_SECRET] != NULL)
        return "the URL names a user";
    if (host == NULL || !host_ok(host))
        return "the URL's host is neither a name nor an address";
    if (parts[CM_URL_ZONE] != NULL)
        return "the URL's address names an interface";
    if (parts[CM_URL_PORT] == NULL || cm_fetch_port(parts[CM_URL_PORT]) == 0)
        return "the URL's port is not a port";
    if (parts[CM_URL_PATH] == NULL || parts[CM_URL_TEXT] == NULL)
        return "the URL is not a whole URL";
    return NULL;
}

void
cm_fetch_url_clear(struct cm_fetch_url *url)
{
    free(url->text);
    free(url->host);
    memset(url, 0, sizeof(*url));
}

enum cm_fetch_result
cm_fetch_url_make(char *const parts[CM_URL_PARTS], struct cm_fetch_url *out,
                  struct cm_detail *detail)
{
    struct cm_fetch_url url = {0};
    const char *fault = fault_of(parts);

    if (fault != NULL) {
        cm_detail_set(detail, "%s", fault);
        return CM_FETCH_FORBIDDEN;
    }
    url.text = strdup(parts[CM_URL_TEXT]);
    url.host = strdup(parts[CM_URL_HOST]);
    if (url.text == NULL || url.host == NULL) {
        cm_fetch_url_clear(&url);
        return CM_FETCH_NO_MEMORY;
    }
    strcpy(url.scheme, parts[CM_URL_SCHEME]);
    url.port = cm_fetch_port(parts[CM_URL_PORT]);
    url.bare =
        parts[CM_URL_QUERY] == NULL && strcmp(parts[CM_URL_PATH], "/") == 0;
    *out = url;
    return CM_FETCHED;
}

static bool
same_origin(const struct cm_fetch_url *a, const struct cm_fetch_url *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && a->port == b->port &&
           cm_text_equal_fold(a->host, b->host);
}

enum cm_fetch_result
cm_fetch_url_move(struct cm_fetch_url *url, const char *target,
                  struct cm_detail *detail)
{
    struct cm_fetch_url next = {0};
    enum cm_fetch_result result = cm_fetch_url_parse(target, &next, detail);

    if (result != CM_FETCHED)
        return result;
    if (!same_origin(url, &next)) {
        cm_detail_set(detail, "a redirect to another origin: %s", next.text);
        cm_fetch_url_clear(&next);
        return CM_FETCH_FORBIDDEN;
    }
    cm_fetch_url_clear(url);
    *url = next;
    return CM_FETCHED;
}

bool
cm_fetch_host_listed(const struct cm_text_list *hosts, const char *host)
{
    for (size_t i = 0; hosts != NULL && i < hosts->count; i++) {
        if (cm_text_equal_fold(hosts->items[i], host))
            return true;
    }
    return false;
}

bool
cm_fetch_header_ok(const char *value, size_t max)
{
    size_t len = strlen(value);

    if (len == 0 || len > max || value[0] == ' ' || value[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < ' ' || value[i] > '~')
            return false;
    }
    return true;
}

static bool
header_text_ok(const char *what, const char *value, size_t max,
               struct cm_detail *detail)
{
    if (value == NULL || cm_fetch_header_ok(value, max))
        return true;
    cm_detail_set(detail, "%s cannot be sent", what);
    return false;
}

static enum cm_fetch_result
check_proxy(const char *proxy, struct cm_detail *detail)
{
    struct cm_fetch_url url = {0};
    enum cm_fetch_result result = cm_fetch_url_parse(proxy, &url, detail);

    if (result == CM_FETCHED &&
        (strcmp(url.scheme, "http") != 0 || !url.bare)) {
        cm_detail_set(detail, "the proxy is not http://host:port");
        result = CM_FETCH_FORBIDDEN;
    }
    cm_fetch_url_clear(&url);
    return result;
}

enum cm_fetch_result
cm_fetch_request_check(const struct cm_fetch_request *request,
                       struct cm_detail *detail)
{
    const size_t max = CM_FETCH_MAX_VALIDATOR - 1;

    if (!header_text_ok("the ETag", request->etag, max, detail) ||
        !header_text_ok("the date", request->last_modified, max, detail) ||
        !header_text_ok("the content type", request->content_type,
                        CM_FETCH_MAX_TYPE, detail) ||
        !header_text_ok("the expected type", request->expected_type,
                        CM_FETCH_MAX_TYPE, detail))
        return CM_FETCH_FORBIDDEN;
    if (request->body != NULL && request->content_type == NULL) {
        cm_detail_set(detail, "a body without its content type");
        return CM_FETCH_FORBIDDEN;
    }
    return request->proxy != NULL ? check_proxy(request->proxy, detail)
                                  : CM_FETCHED;
}
