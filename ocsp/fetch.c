/*
 * The only file that knows libcurl.
 *
 * CURLOPT_MAXFILESIZE looks at Content-Length alone before 8.4, so bytes are
 * counted here as they arrive.  Addresses are screened where a socket is
 * opened, after the name was resolved, and again before a request goes out:
 * a connection that a configured URL opened may be used again.
 */
#include "fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <openssl/err.h>

#include "fetch_answer.h"
#include "fetch_screen.h"
#include "fetch_url.h"
#include "monotonic.h"

enum {
    CONNECT_MS = 15000,
    SLOW_BYTES = 64, /* a second */
    SLOW_SECONDS = 30,
    NAMES_SECONDS = 30 /* how long a resolved name is kept */
};

/*
 * One handle for all fetches: curl_easy_reset() forgets its options and keeps
 * its connections and TLS sessions.  A ticket that TLS 1.3 renews takes the
 * old one's place; those of TLS 1.2, which OpenSSL does not report while a
 * session is resumed, libcurl does not ask for.
 */
struct cm_fetcher {
    CURL *easy;
};

/* One fetch, its redirects included. */
struct transfer {
    CURL *easy;
    const struct cm_fetch_request *request;
    struct cm_fetch_answer answer;
    int64_t deadline;
    bool screened;
    bool address_refused, address_tried;
    char error[CURL_ERROR_SIZE];
};

struct cm_fetcher *
cm_fetcher_new(void)
{
    struct cm_fetcher *fetcher = calloc(1, sizeof(*fetcher));

    if (fetcher == NULL)
        return NULL;
    fetcher->easy = curl_easy_init();
    if (fetcher->easy == NULL) {
        free(fetcher);
        return NULL;
    }
    return fetcher;
}

void
cm_fetcher_free(struct cm_fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    curl_easy_cleanup(fetcher->easy);
    ERR_clear_error();
    free(fetcher);
}

/* ---- URLs ---- */

static const CURLUPart WHAT[CM_URL_PARTS] = {
    [CM_URL_SCHEME] = CURLUPART_SCHEME,   [CM_URL_HOST] = CURLUPART_HOST,
    [CM_URL_PORT] = CURLUPART_PORT,       [CM_URL_USER] = CURLUPART_USER,
    [CM_URL_SECRET] = CURLUPART_PASSWORD, [CM_URL_ZONE] = CURLUPART_ZONEID,
    [CM_URL_PATH] = CURLUPART_PATH,       [CM_URL_QUERY] = CURLUPART_QUERY,
    [CM_URL_TEXT] = CURLUPART_URL,
};

/* An absent part stays NULL. */
static CURLUcode
split(CURLU *handle, const char *text, char *parts[CM_URL_PARTS])
{
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, text, 0);

    if (code == CURLUE_OK)
        code = curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
    for (size_t i = 0; code == CURLUE_OK && i < CM_URL_PARTS; i++) {
        if (curl_url_get(handle, WHAT[i], &parts[i],
                         i == CM_URL_PORT ? CURLU_DEFAULT_PORT : 0) ==
            CURLUE_OUT_OF_MEMORY)
            code = CURLUE_OUT_OF_MEMORY;
    }
    return code;
}

enum cm_fetch_result
cm_fetch_url_parse(const char *text, struct cm_fetch_url *out,
                   struct cm_detail *detail)
{
    char *parts[CM_URL_PARTS] = {NULL};
    enum cm_fetch_result result = CM_FETCH_NO_MEMORY;
    CURLUcode code = CURLUE_OUT_OF_MEMORY;
    CURLU *handle;

    if (!cm_fetch_url_text_ok(text, CM_FETCH_MAX_URL, detail))
        return CM_FETCH_FORBIDDEN;
    handle = curl_url();
    if (handle != NULL)
        code = split(handle, text, parts);
    if (code == CURLUE_OK) {
        result = cm_fetch_url_make(parts, out, detail);
    } else if (code != CURLUE_OUT_OF_MEMORY) {
        cm_detail_set(detail, "the URL: %s", curl_url_strerror(code));
        result = CM_FETCH_FORBIDDEN;
    }
    for (size_t i = 0; i < CM_URL_PARTS; i++)
        curl_free(parts[i]);
    curl_url_cleanup(handle);
    return result;
}

/* ---- What libcurl calls ---- */

static long
status_of(CURL *easy)
{
    long status = 0;

    if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        return 0;
    return status;
}

static size_t
take_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t len = size * count;

    return cm_fetch_answer_body(&t->answer, status_of(t->easy), data, len)
               ? len
               : 0;
}

static size_t
take_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t len = size * count;

    (void)data;
    return cm_fetch_answer_header(&t->answer, len) ? len : 0;
}

static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = context;

    (void)purpose;
    if (t->screened && cm_fetch_socket_is_private(&address->addr)) {
        t->address_refused = true;
        return CURL_SOCKET_BAD;
    }
    t->address_tried = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

static int
before_request(void *context, char *remote, char *local, int remote_port,
               int local_port)
{
    struct transfer *t = context;

    (void)local;
    (void)remote_port;
    (void)local_port;
    if (!t->screened || !cm_fetch_text_is_private(remote))
        return CURL_PREREQFUNC_OK;
    t->address_refused = true;
    return CURL_PREREQFUNC_ABORT;
}

/* ---- Options ---- */

static const struct {
    CURLoption option;
    long value;
} NUMBERS[] = {
    {CURLOPT_NOSIGNAL, 1},
    /* A name server that is silent must not outlast the timeout. */
    {CURLOPT_QUICK_EXIT, 1},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS},
    {CURLOPT_DNS_CACHE_TIMEOUT, NAMES_SECONDS},
    {CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES},
    {CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_PROXYTYPE, CURLPROXY_HTTP},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
};

static CURLcode
set_numbers(CURL *easy)
{
    CURLcode code = CURLE_OK;

    for (size_t i = 0;
         code == CURLE_OK && i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++)
        code = curl_easy_setopt(easy, NUMBERS[i].option, NUMBERS[i].value);
    return code;
}

struct pointer_option {
    CURLoption option;
    const void *value;
};

static CURLcode
set_pointers(CURL *easy, const struct pointer_option *options, size_t count)
{
    CURLcode code = CURLE_OK;

    for (size_t i = 0; code == CURLE_OK && i < count; i++)
        code = curl_easy_setopt(easy, options[i].option, options[i].value);
    return code;
}

/* What is not given must not come from elsewhere: the environment's proxy,
 * the folder of CAs that libcurl was built with. */
static CURLcode
set_texts(CURL *easy, const char *url, const struct cm_fetch_request *request)
{
    const bool proxied = request->proxy != NULL;
    const struct pointer_option options[] = {
        {CURLOPT_URL, url},
        {CURLOPT_PROTOCOLS_STR, "http,https"},
        {CURLOPT_REDIR_PROTOCOLS_STR, "http,https"},
        {CURLOPT_USERAGENT, "krb5-certmap"},
        {CURLOPT_PROXY, proxied ? request->proxy : ""},
        {CURLOPT_NOPROXY, proxied ? "" : "*"},
        /* These last: without a file the system's CAs stay. */
        {CURLOPT_CAINFO, request->ca_file},
        {CURLOPT_CAPATH, NULL},
    };
    size_t count = sizeof(options) / sizeof(options[0]);

    return set_pointers(easy, options,
                        request->ca_file != NULL ? count : count - 2);
}

static CURLcode
set_callbacks(struct transfer *t)
{
    const struct pointer_option contexts[] = {
        {CURLOPT_WRITEDATA, t},          {CURLOPT_HEADERDATA, t},
        {CURLOPT_OPENSOCKETDATA, t},     {CURLOPT_PREREQDATA, t},
        {CURLOPT_ERRORBUFFER, t->error},
    };
    CURL *easy = t->easy;
    CURLcode code;

    code = set_pointers(easy, contexts, sizeof(contexts) / sizeof(*contexts));
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    return code;
}

/* The body, the headers, and how large and how late the answer may be. */
static CURLcode
set_request(struct transfer *t, const struct curl_slist *headers, int left)
{
    const struct cm_fetch_request *request = t->request;
    const struct pointer_option body[] = {
        {CURLOPT_HTTPHEADER, headers},
        {CURLOPT_POSTFIELDS, request->body},
    };
    CURLcode code;

    code = curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)left);
    if (code == CURLE_OK)
        code = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                (curl_off_t)request->body_len);
    if (code == CURLE_OK)
        code = set_pointers(t->easy, body, request->body != NULL ? 2 : 1);
    return code;
}

/* ---- One exchange ---- */

static bool
add_header(struct curl_slist **headers, const char *name, const char *value)
{
    char line[CM_FETCH_MAX_VALIDATOR + sizeof("If-Modified-Since: ")];
    struct curl_slist *longer;

    if (value == NULL)
        return true;
    snprintf(line, sizeof(line), "%s: %s", name, value);
    longer = curl_slist_append(*headers, line);
    if (longer != NULL)
        *headers = longer;
    return longer != NULL;
}

static bool
make_headers(const struct cm_fetch_request *request,
             struct curl_slist **headers)
{
    if (request->body != NULL)
        return add_header(headers, "Content-Type", request->content_type);
    return add_header(headers, "If-None-Match", request->etag) &&
           add_header(headers, "If-Modified-Since", request->last_modified);
}

static enum cm_fetch_result
result_of(const struct transfer *t, CURLcode code, struct cm_detail *detail)
{
    enum cm_fetch_result result = cm_fetch_answer_result(&t->answer, detail);

    if (result != CM_FETCHED)
        return result;
    if (t->address_refused && !t->address_tried) {
        cm_detail_set(detail, "the host's address is private");
        return CM_FETCH_FORBIDDEN;
    }
    cm_detail_set(detail, "%s",
                  t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
    if (code == CURLE_OUT_OF_MEMORY)
        return CM_FETCH_NO_MEMORY;
    return code == CURLE_OPERATION_TIMEDOUT ? CM_FETCH_TIMED_OUT
                                            : CM_FETCH_FAILED;
}

/* Sends the request to the URL.  CM_FETCHED: there is an answer, of whatever
 * status. */
static enum cm_fetch_result
exchange(struct transfer *t, const char *url, struct cm_detail *detail)
{
    struct curl_slist *headers = NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    int left = cm_monotonic_left(t->deadline);

    if (left == 0) { /* which libcurl would take for no limit */
        cm_detail_set(detail, "no time is left");
        return CM_FETCH_TIMED_OUT;
    }
    curl_easy_reset(t->easy);
    if (make_headers(t->request, &headers))
        code = set_numbers(t->easy);
    if (code == CURLE_OK)
        code = set_texts(t->easy, url, t->request);
    if (code == CURLE_OK)
        code = set_callbacks(t);
    if (code == CURLE_OK)
        code = set_request(t, headers, left);
    if (code == CURLE_OK)
        code = curl_easy_perform(t->easy);
    curl_slist_free_all(headers);
    ERR_clear_error();
    /* A long body of an answer that is not wanted was cut: the status says
     * what is wrong with it. */
    if (code == CURLE_WRITE_ERROR && t->answer.refused)
        code = CURLE_OK;
    return code == CURLE_OK ? CM_FETCHED : result_of(t, code, detail);
}

/* A header that occurs once and may be sent back; else "". */
static void
copy_validator(CURL *easy, const char *name, char out[CM_FETCH_MAX_VALIDATOR])
{
    struct curl_header *header;

    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) !=
            CURLHE_OK ||
        header->amount != 1 ||
        !cm_fetch_header_ok(header->value, CM_FETCH_MAX_VALIDATOR - 1))
        return;
    memcpy(out, header->value, strlen(header->value) + 1);
}

static enum cm_fetch_result
accept_answer(struct transfer *t, struct cm_fetch_response *response,
              struct cm_detail *detail)
{
    struct cm_fetch_response found = {.bytes = t->answer.bytes};
    enum cm_fetch_result result;
    const char *type = NULL;

    found.http_status = status_of(t->easy);
    if (curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
        type = NULL;
    result = cm_fetch_judge(t->request, found.http_status, type, detail);
    if (result != CM_FETCHED && result != CM_FETCH_NOT_MODIFIED)
        return result;
    copy_validator(t->easy, "ETag", found.etag);
    copy_validator(t->easy, "Last-Modified", found.last_modified);
    *response = found;
    return result;
}

/* ---- Redirects ---- */

/* Moves *url to where the answer points.  CM_FETCHED: go on there. */
static enum cm_fetch_result
follow(struct transfer *t, struct cm_fetch_url *url, int redirects,
       struct cm_detail *detail)
{
    const char *target = NULL;

    if (t->request->body != NULL || redirects >= CM_FETCH_MAX_REDIRECTS ||
        curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &target) !=
            CURLE_OK ||
        target == NULL) {
        cm_detail_set(detail, "HTTP status %ld: a redirect too many",
                      status_of(t->easy));
        return CM_FETCH_FAILED;
    }
    return cm_fetch_url_move(url, target, detail);
}

static enum cm_fetch_result
fetch_following(struct transfer *t, struct cm_fetch_url *url,
                struct cm_fetch_response *response, struct cm_detail *detail)
{
    enum cm_fetch_result result;

    for (int redirects = 0;; redirects++) {
        result = exchange(t, url->text, detail);
        if (result != CM_FETCHED)
            return result;
        if (!cm_fetch_status_redirects(status_of(t->easy)))
            return accept_answer(t, response, detail);
        result = follow(t, url, redirects, detail);
        if (result != CM_FETCHED)
            return result;
    }
}

enum cm_fetch_result
cm_fetch(struct cm_fetcher *fetcher, const struct cm_fetch_request *request,
         int out_fd, struct cm_fetch_response *response,
         struct cm_detail *detail)
{
    struct transfer t = {
        .easy = fetcher->easy,
        .request = request,
        .answer = {.out_fd = out_fd, .max_bytes = request->max_bytes},
        .deadline = cm_monotonic_ms() + request->timeout_ms,
        .screened = request->from_certificate && request->proxy == NULL &&
                    !request->allow_private_addresses,
    };
    struct cm_fetch_url url = {0};
    enum cm_fetch_result result;

    result = cm_fetch_request_check(request, detail);
    if (result == CM_FETCHED)
        result = cm_fetch_url_parse(request->url, &url, detail);
    if (result == CM_FETCHED && request->from_certificate &&
        request->proxy != NULL &&
        !cm_fetch_host_listed(request->proxy_hosts, url.host)) {
        cm_detail_set(detail, "%s is not listed in proxy_hosts", url.host);
        result = CM_FETCH_FORBIDDEN;
    }
    if (result == CM_FETCHED)
        result = fetch_following(&t, &url, response, detail);
    cm_fetch_url_clear(&url);
    return result;
}
