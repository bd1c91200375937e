#include "refresh_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/sha.h>

#include "timetext.h"

#define STATES "state/url"

enum { DIGITS = 12, MILLI = 1000 };

const char *
cm_refresh_kind_token(enum cm_refresh_kind kind)
{
    switch (kind) {
    case CM_REFRESH_CRL:
        return "crl";
    case CM_REFRESH_OCSP:
        return "ocsp";
    case CM_REFRESH_CARD:
        return "card";
    case CM_REFRESH_NTAUTH:
        return "ntauth";
    }
    return "";
}

bool
cm_refresh_state_init(struct cm_refresh_state *state,
                      enum cm_refresh_kind kind, const char *url)
{
    memset(state, 0, sizeof(*state));
    state->kind = kind;
    state->url = strdup(url);
    return state->url != NULL;
}

void
cm_refresh_state_clear(struct cm_refresh_state *state)
{
    free(state->url);
    cm_text_list_clear(&state->deltas);
    memset(state, 0, sizeof(*state));
}

void
cm_refresh_state_name(enum cm_refresh_kind kind, const char *url,
                      char out[CM_REFRESH_STATE_NAME])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t first[SHA256_DIGEST_LENGTH + 1], digest[SHA256_DIGEST_LENGTH];
    char *p;

    first[0] = (uint8_t)kind;
    SHA256((const unsigned char *)url, strlen(url), first + 1);
    SHA256(first, sizeof(first), digest);
    p = stpcpy(out, STATES "/");
    for (size_t i = 0; i < sizeof(digest); i++) {
        *p++ = digits[digest[i] >> 4];
        *p++ = digits[digest[i] & 15];
    }
    *p = '\0';
}

/* ---- Writing ---- */

static void
add_line(struct cm_buf *buf, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    cm_buf_addf(buf, "%s %s\n", name, value);
}

static void
add_time(struct cm_buf *buf, const char *name, int64_t when)
{
    char text[CM_TIME_TEXT];

    if (when == 0)
        return;
    cm_time_text(when, text);
    add_line(buf, name, text);
}

static void
add_crl(struct cm_buf *buf, const struct cm_refresh_state *state)
{
    cm_buf_add_text(buf, "crl ");
    cm_buf_add_hex(buf, state->spki, sizeof(state->spki));
    cm_buf_add_char(buf, ' ');
    cm_buf_add_hex(buf, state->scope, sizeof(state->scope));
    cm_buf_add_char(buf, ' ');
    cm_buf_add_hex(buf, state->sha256, sizeof(state->sha256));
    cm_buf_add_char(buf, '\n');
}

char *
cm_refresh_state_format(const struct cm_refresh_state *state)
{
    struct cm_buf buf = CM_BUF_INIT;

    add_line(&buf, "kind", cm_refresh_kind_token(state->kind));
    add_line(&buf, "url", state->url);
    add_time(&buf, "last-try", state->last_try);
    if (state->last_try_ms > 0)
        cm_buf_addf(&buf, "last-try-ms %u\n", state->last_try_ms);
    add_time(&buf, "last-success", state->last_success);
    add_time(&buf, "next-try", state->next_due);
    if (state->failures > 0)
        cm_buf_addf(&buf, "failures %u\n", state->failures);
    add_line(&buf, "error", state->error.text);
    if (state->has_crl)
        add_crl(&buf, state);
    if (state->window.known) {
        add_time(&buf, "this-update", state->window.this_update);
        if (state->window.has_next_update)
            add_time(&buf, "next-update", state->window.next_update);
    }
    add_line(&buf, "etag", state->etag);
    add_line(&buf, "last-modified", state->last_modified);
    for (size_t i = 0; i < state->deltas.count; i++)
        add_line(&buf, "delta", state->deltas.items[i]);
    return cm_buf_take(&buf);
}

/* ---- Reading ---- */

static bool
read_kind(const char *value, enum cm_refresh_kind *out)
{
    static const enum cm_refresh_kind kinds[] = {
        CM_REFRESH_CRL, CM_REFRESH_OCSP, CM_REFRESH_CARD, CM_REFRESH_NTAUTH};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(value, cm_refresh_kind_token(kinds[i])) == 0) {
            *out = kinds[i];
            return true;
        }
    }
    return false;
}

static bool
read_count(const char *value, unsigned *out)
{
    unsigned long number;
    size_t len = strspn(value, "0123456789");

    if (len == 0 || len >= DIGITS || value[len] != '\0')
        return false;
    number = strtoul(value, NULL, 10);
    *out = number > UINT16_MAX ? UINT16_MAX : (unsigned)number;
    return true;
}

/* One digest of several, with `end` behind it. */
static bool
read_digest(const char **value, char end, uint8_t out[32])
{
    size_t len = strcspn(*value, " "), got;
    char found = (*value)[len];

    if (!cm_hex_decode(*value, len, out, SHA256_DIGEST_LENGTH, &got) ||
        got != SHA256_DIGEST_LENGTH)
        return false;
    *value += len + 1;
    return found == end;
}

static bool
read_crl(const char *value, struct cm_refresh_state *out)
{
    out->has_crl = read_digest(&value, ' ', out->spki) &&
                   read_digest(&value, ' ', out->scope) &&
                   read_digest(&value, '\0', out->sha256);
    return out->has_crl;
}

static bool
read_validator(const char *value, char out[CM_FETCH_MAX_VALIDATOR])
{
    size_t len = strlen(value);

    if (len >= CM_FETCH_MAX_VALIDATOR)
        return false;
    memcpy(out, value, len + 1);
    return true;
}

static bool
read_time(const char *name, const char *value, struct cm_refresh_state *out)
{
    struct cm_refresh_window *window = &out->window;

    if (strcmp(name, "last-try") == 0)
        return cm_time_parse(value, &out->last_try);
    if (strcmp(name, "last-success") == 0)
        return cm_time_parse(value, &out->last_success);
    if (strcmp(name, "next-try") == 0)
        return cm_time_parse(value, &out->next_due);
    if (strcmp(name, "this-update") == 0)
        return window->known = cm_time_parse(value, &window->this_update);
    if (strcmp(name, "next-update") == 0)
        return window->has_next_update =
                   cm_time_parse(value, &window->next_update);
    return true; /* of another release */
}

static bool
read_line(const char *name, const char *value, struct cm_refresh_state *out)
{
    if (strcmp(name, "kind") == 0)
        return read_kind(value, &out->kind);
    if (strcmp(name, "url") == 0)
        return out->url == NULL && (out->url = strdup(value)) != NULL;
    if (strcmp(name, "failures") == 0)
        return read_count(value, &out->failures);
    if (strcmp(name, "last-try-ms") == 0)
        return read_count(value, &out->last_try_ms) &&
               out->last_try_ms < MILLI;
    if (strcmp(name, "error") == 0) {
        cm_detail_set(&out->error, "%s", value);
        return true;
    }
    if (strcmp(name, "crl") == 0)
        return read_crl(value, out);
    if (strcmp(name, "etag") == 0)
        return read_validator(value, out->etag);
    if (strcmp(name, "last-modified") == 0)
        return read_validator(value, out->last_modified);
    if (strcmp(name, "delta") == 0)
        return out->deltas.count < CM_REFRESH_MAX_DELTAS &&
               cm_text_list_add(&out->deltas, value);
    return read_time(name, value, out);
}

/* line is clean text; it is cut in place. */
static bool
split_line(char *line, struct cm_refresh_state *out)
{
    char *blank = strchr(line, ' ');

    if (blank == NULL || blank == line)
        return false;
    *blank = '\0';
    return read_line(line, blank + 1, out);
}

bool
cm_refresh_state_parse(const char *text, size_t len,
                       struct cm_refresh_state *out)
{
    const char *end = text + len, *newline;
    bool ok = len <= CM_REFRESH_MAX_STATE;
    char *line;

    memset(out, 0, sizeof(*out));
    while (ok && text < end) {
        newline = memchr(text, '\n', (size_t)(end - text));
        line = newline == NULL ? NULL
                               : cm_text_dup_clean((const uint8_t *)text,
                                                   (size_t)(newline - text));
        ok = line != NULL && split_line(line, out);
        free(line);
        if (ok)
            text = newline + 1;
    }
    if (ok && out->url != NULL)
        return true;
    cm_refresh_state_clear(out);
    return false;
}

/* ---- In the store ---- */

bool
cm_refresh_state_read(struct cm_store *store, enum cm_refresh_kind kind,
                      const char *url, struct cm_refresh_state *out)
{
    char name[CM_REFRESH_STATE_NAME];
    struct cm_detail ignored;
    uint8_t *data;
    size_t len;
    bool known;

    cm_refresh_state_name(kind, url, name);
    if (cm_store_read_file(store, name, CM_REFRESH_MAX_STATE, &data, &len,
                           &ignored) == CM_STORE_FILE_READ) {
        known = cm_refresh_state_parse((const char *)data, len, out);
        free(data);
        if (known && out->kind == kind && strcmp(out->url, url) == 0)
            return true;
        if (known)
            cm_refresh_state_clear(out);
    }
    return cm_refresh_state_init(out, kind, url);
}

bool
cm_refresh_state_write(struct cm_store_writer *writer,
                       const struct cm_refresh_state *state,
                       struct cm_detail *detail)
{
    char name[CM_REFRESH_STATE_NAME];
    char *text = cm_refresh_state_format(state);
    bool ok;

    if (text == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    cm_refresh_state_name(state->kind, state->url, name);
    ok = cm_store_write_file(writer, name, text, strlen(text), detail);
    free(text);
    return ok;
}

void
cm_refresh_state_forget(struct cm_store_writer *writer, const char *store,
                        int64_t now)
{
    char path[sizeof(STATES) + 1 + NAME_MAX];
    struct cm_buf name = CM_BUF_INIT;
    struct cm_detail ignored;
    struct dirent *entry;
    DIR *folder = NULL;
    struct stat st;

    cm_buf_addf(&name, "%s/%s", store, STATES);
    if (!name.failed)
        folder = opendir(name.data);
    cm_buf_clear(&name);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) !=
                0 ||
            st.st_mtim.tv_sec > now - CM_REFRESH_FORGET)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", STATES, entry->d_name);
        (void)cm_store_remove_file(writer, path, &ignored);
    }
    if (folder != NULL)
        (void)closedir(folder);
}

static void
note_try(struct cm_refresh_state *state, int64_t now_ms)
{
    state->last_try = now_ms / MILLI;
    state->last_try_ms = (unsigned)(now_ms % MILLI);
}

bool
cm_refresh_state_tried_since(const struct cm_refresh_state *state,
                             int64_t now_ms)
{
    return state->last_try * MILLI + state->last_try_ms >= now_ms;
}

void
cm_refresh_state_succeed(struct cm_refresh_state *state, int64_t now_ms,
                         int64_t next_due)
{
    note_try(state, now_ms);
    state->last_success = state->last_try;
    state->next_due = next_due;
    state->failures = 0;
    state->error.text[0] = '\0';
}

void
cm_refresh_state_fail(struct cm_refresh_state *state, int64_t now_ms,
                      const char *why)
{
    struct cm_buf clean = CM_BUF_INIT;

    cm_text_escape(&clean, why, strlen(why), sizeof(state->error.text) - 1);
    cm_detail_set(&state->error, "%s",
                  clean.failed || clean.data == NULL ? "failed" : clean.data);
    cm_buf_clear(&clean);
    note_try(state, now_ms);
    if (state->failures < UINT16_MAX)
        state->failures++;
    state->next_due =
        cm_refresh_after_failure(state->last_try, state->failures);
}
