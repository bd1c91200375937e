/*
 * Publishing: what arrives is verified, compared with the highest that was
 * ever seen, and put in place of what is there.
 */
#include "store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPY_BUFFER = 64 * 1024 /* bytes */ };

/* One CRL on its way into the store. */
struct publication {
    struct cm_store_writer *writer;
    int source_fd;
    EVP_PKEY *key;
    const uint8_t *spki;
    int64_t now;
    bool accept_rollback;
    struct cm_crl_facts *facts;
    struct cm_detail *detail;

    char key_text[CM_STORE_KEY_TEXT];
    char scope[CM_STORE_KEY_TEXT];
    int folder; /* crl/<SPKI> */
    struct cm_store_draft crl, index;
};

static enum cm_publish
publish_refusal(enum cm_reason reason, struct cm_detail *detail)
{
    if (reason == CM_REVOCATION_UNKNOWN)
        return CM_PUBLISH_REFUSED;
    if (reason == CM_NO_MEMORY)
        cm_detail_set(detail, "out of memory");
    return CM_PUBLISH_FAILED;
}

/* ---- What is there ---- */

/* The index of that name, if it may be believed. */
static struct cm_crl_index *
open_index(const struct publication *p, const char *name)
{
    struct cm_detail ignored;
    int fd;

    if (cm_store_open_file(p->folder, name, CM_CRL_MAX_FILE, &fd, NULL,
                           &ignored) != CM_STORE_FILE_READ)
        return NULL;
    return cm_crl_index_open(fd, p->spki, &ignored);
}

/* Is this very CRL published, with a good index? */
static bool
is_there(const struct publication *p)
{
    char name[CM_STORE_NAME_TEXT];
    struct cm_crl_index *index;
    struct cm_detail ignored;
    bool same;
    int fd;

    snprintf(name, sizeof(name), "%s.idx", p->scope);
    index = open_index(p, name);
    if (index == NULL)
        return false;
    same = memcmp(cm_crl_index_facts(index)->source_sha256,
                  p->facts->source_sha256, 32) == 0 &&
           cm_crl_index_is_whole(index);
    cm_crl_index_free(index);
    snprintf(name, sizeof(name), "%s.crl", p->scope);
    if (!same || cm_store_open_file(p->folder, name, CM_CRL_MAX_FILE, &fd,
                                    NULL, &ignored) != CM_STORE_FILE_READ)
        return false;
    close(fd);
    return true;
}

/* Never back, neither in number nor in time: below what was noted, or what the
 * index says that is there. */
static enum cm_publish
check_floor(struct publication *p, struct cm_store_floor *floor)
{
    char name[CM_STORE_NAME_TEXT];
    struct cm_crl_index *index;

    if (p->accept_rollback)
        return CM_PUBLISHED;
    if (!cm_store_floor_read(p->writer, p->key_text, p->scope, floor,
                             p->detail))
        return CM_PUBLISH_FAILED;
    snprintf(name, sizeof(name), "%s.idx", p->scope);
    index = open_index(p, name);
    if (index != NULL)
        cm_store_floor_raise(floor, cm_crl_index_facts(index));
    cm_crl_index_free(index);
    return cm_store_floor_holds(floor, p->facts, p->detail) ? CM_PUBLISHED
                                                            : CM_PUBLISH_OLDER;
}

struct count {
    const char *own; /* not counted */
    size_t others;
};

static bool
count_index(void *context, const char *name)
{
    struct count *count = context;
    uint8_t scope[32];

    if (cm_store_unhex(name, ".idx", scope) &&
        strncmp(name, count->own, 64) != 0)
        count->others++;
    return true;
}

static bool
has_room(struct publication *p)
{
    struct count count = {.own = p->scope};

    if (!cm_store_list(p->folder, count_index, &count, p->detail))
        return false;
    if (count.others < CM_STORE_MAX_SCOPES)
        return true;
    cm_detail_set(p->detail, "the key has %d CRLs in the store",
                  CM_STORE_MAX_SCOPES);
    return false;
}

/* ---- Putting it there ---- */

/* Copies the source, so that what was verified is what is kept. */
static bool
copy_source(struct publication *p)
{
    uint8_t *buffer = malloc(COPY_BUFFER);
    off_t at = 0;
    bool ok = true;
    ssize_t n;

    if (buffer == NULL) {
        cm_detail_set(p->detail, "out of memory");
        return false;
    }
    do {
        n = pread(p->source_fd, buffer, COPY_BUFFER, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            cm_detail_set(p->detail, "cannot read: %s", strerror(errno));
        ok = n >= 0 && (n == 0 || cm_store_draft_write(&p->crl, buffer,
                                                       (size_t)n, p->detail));
        at += n;
    } while (ok && n != 0);
    free(buffer);
    return ok;
}

/* Builds the index of the copy.  Its facts take the place of those of the
 * source. */
static enum cm_publish
build_index(struct publication *p)
{
    struct cm_crl_source *source;
    struct cm_crl_facts facts = {0};
    enum cm_reason reason;
    bool same;

    source = cm_crl_source_open(p->crl.fd, p->detail);
    if (source == NULL)
        return CM_PUBLISH_REFUSED;
    reason = cm_crl_index_build(source, p->key, p->spki, p->index.fd, &facts,
                                p->detail);
    cm_crl_source_free(source);
    if (reason != CM_OK)
        return publish_refusal(reason, p->detail);
    same = memcmp(facts.source_sha256, p->facts->source_sha256, 32) == 0;
    cm_crl_facts_clear(p->facts);
    *p->facts = facts;
    if (!same)
        cm_detail_set(p->detail, "changed while it was read");
    return same ? CM_PUBLISHED : CM_PUBLISH_REFUSED;
}

/* The last steps, in an order that a crash may cut anywhere: what was seen,
 * the CRL, its index. */
static bool
commit(struct publication *p, struct cm_store_floor *floor)
{
    char crl[CM_STORE_NAME_TEXT], index[CM_STORE_NAME_TEXT];

    snprintf(crl, sizeof(crl), "%s.crl", p->scope);
    snprintf(index, sizeof(index), "%s.idx", p->scope);
    cm_store_floor_raise(floor, p->facts);
    return cm_store_draft_close(&p->crl, p->detail) &&
           cm_store_draft_close(&p->index, p->detail) &&
           cm_store_floor_write(p->writer, p->key_text, p->scope, floor,
                                p->detail) &&
           cm_store_draft_rename(&p->crl, crl, p->detail) &&
           cm_store_draft_rename(&p->index, index, p->detail) &&
           cm_store_sync(p->folder, p->detail);
}

static enum cm_publish
replace(struct publication *p)
{
    struct cm_store_floor floor = {0};
    enum cm_publish outcome;

    if (!has_room(p) ||
        !cm_store_draft_open(p->folder, CM_STORE_FILE_MODE, &p->crl,
                             p->detail) ||
        !cm_store_draft_open(p->folder, CM_STORE_FILE_MODE, &p->index,
                             p->detail) ||
        !copy_source(p))
        return CM_PUBLISH_FAILED;
    outcome = build_index(p);
    if (outcome == CM_PUBLISHED)
        outcome = check_floor(p, &floor);
    if (outcome == CM_PUBLISHED && !commit(p, &floor))
        outcome = CM_PUBLISH_FAILED;
    return outcome;
}

/* What the source says of itself.  Not yet verified. */
static enum cm_publish
read_source(struct publication *p)
{
    struct cm_crl_source *source;
    enum cm_reason reason;

    source = cm_crl_source_open(p->source_fd, p->detail);
    if (source == NULL)
        return CM_PUBLISH_REFUSED;
    reason = cm_crl_read_facts(source, p->facts, p->detail);
    cm_crl_source_free(source);
    if (reason != CM_OK)
        return publish_refusal(reason, p->detail);
    if (p->facts->this_update > p->now + CM_STATUS_SKEW) {
        cm_detail_set(p->detail, "its thisUpdate is in the future");
        return CM_PUBLISH_REFUSED;
    }
    if (p->facts->this_update < 0) {
        cm_detail_set(p->detail, "its thisUpdate is before 1970");
        return CM_PUBLISH_REFUSED;
    }
    cm_store_hex(p->facts->scope_id, p->scope);
    return CM_PUBLISHED;
}

static enum cm_publish
publish(struct publication *p)
{
    char name[CM_STORE_MAX_PATH];
    enum cm_publish outcome = read_source(p);

    if (outcome != CM_PUBLISHED)
        return outcome;
    cm_store_hex(p->spki, p->key_text);
    snprintf(name, sizeof(name), "crl/%s/", p->key_text);
    p->folder = cm_store_make_way(p->writer->root, name, CM_STORE_FOLDER_MODE,
                                  p->detail);
    if (p->folder < 0)
        return CM_PUBLISH_FAILED;
    outcome = is_there(p) ? CM_UNCHANGED : replace(p);
    cm_store_draft_drop(&p->crl);
    cm_store_draft_drop(&p->index);
    close(p->folder);
    return outcome;
}

enum cm_publish
cm_store_publish_crl(struct cm_store_writer *writer, int source_fd,
                     EVP_PKEY *key, const uint8_t spki[32], int64_t now,
                     bool accept_rollback, struct cm_crl_facts *facts,
                     struct cm_detail *detail)
{
    struct publication p = {
        .writer = writer,
        .source_fd = source_fd,
        .key = key,
        .spki = spki,
        .now = now,
        .accept_rollback = accept_rollback,
        .facts = facts,
        .detail = detail,
        .crl = {.fd = -1},
        .index = {.fd = -1},
    };

    memset(facts, 0, sizeof(*facts));
    return publish(&p);
}
