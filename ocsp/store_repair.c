/*
 * Putting the store in order.
 */
#include "store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source.h"

/* ---- For all parts ---- */

static X509 *
find_key(const struct cm_trusted_list *list, const uint8_t spki[32])
{
    for (size_t i = 0; i < list->count; i++) {
        if (memcmp(list->list[i].spki_sha256, spki, 32) == 0)
            return list->list[i].x509;
    }
    return NULL;
}

X509 *
cm_store_trusted_key(const struct cm_snapshot *trusted, const uint8_t spki[32])
{
    X509 *cert = find_key(&trusted->ntauth, spki);

    if (cert == NULL)
        cert = find_key(&trusted->intermediates, spki);
    return cert != NULL ? cert : find_key(&trusted->anchors, spki);
}

static bool
add_name(void *context, const char *name)
{
    return cm_text_list_add(context, name);
}

bool
cm_store_names(int folder, struct cm_text_list *out, struct cm_detail *detail)
{
    memset(out, 0, sizeof(*out));
    cm_detail_set(detail, "out of memory");
    if (cm_store_list(folder, add_name, out, detail))
        return true;
    cm_text_list_clear(out);
    return false;
}

void
cm_store_repair_log(const struct cm_store_repair *repair,
                    enum cm_severity severity, const char *where,
                    const char *name, const char *what, const char *why)
{
    char *name_text = cm_source_escape(name),
         *why_text = cm_source_escape(why);

    if (name_text != NULL && why_text != NULL)
        cm_log_write(repair->log, severity, "store: %s/%s %s%s%s", where,
                     name_text, what, why[0] != '\0' ? ": " : "", why_text);
    free(name_text);
    free(why_text);
}

void
cm_store_repair_failed(struct cm_store_repair *repair, const char *where,
                       const char *why)
{
    if (repair->ok)
        cm_detail_set(repair->detail, "%s: %s", where, why);
    repair->ok = false;
}

bool
cm_store_repair_publish(struct cm_store_repair *repair, int fd, X509 *signer,
                        const uint8_t spki[32], const char *where,
                        const char *name, char scope[CM_STORE_KEY_TEXT])
{
    struct cm_crl_facts facts = {0};
    struct cm_detail why = {""};
    EVP_PKEY *key = X509_get0_pubkey(signer);
    enum cm_publish outcome = CM_PUBLISH_REFUSED;

    if (key == NULL)
        cm_detail_set(&why, "the CA's key cannot be decoded");
    else
        outcome = cm_store_publish_crl(repair->writer, fd, key, spki,
                                       repair->now, false, &facts, &why);
    cm_store_hex(facts.scope_id, scope);
    cm_crl_facts_clear(&facts);
    switch (outcome) {
    case CM_PUBLISHED:
        cm_store_repair_log(repair, CM_LOG_INFO, where, name, "is published",
                            "");
        return true;
    case CM_UNCHANGED:
        return true;
    case CM_PUBLISH_OLDER:
        cm_store_repair_log(repair, CM_LOG_WARNING, where, name,
                            "is refused, older than what was seen", why.text);
        return false;
    case CM_PUBLISH_REFUSED:
        cm_store_repair_log(repair, CM_LOG_WARNING, where, name, "is refused",
                            why.text);
        return false;
    case CM_PUBLISH_FAILED:
        cm_store_repair_log(repair, CM_LOG_ERROR, where, name,
                            "cannot be published", why.text);
        cm_store_repair_failed(repair, where, why.text);
        return false;
    }
    return false;
}

/* ---- The CRLs of one key ---- */

struct key_folder {
    struct cm_store_repair *repair;
    const char *where; /* "crl/ab..." */
    const uint8_t *spki;
    X509 *signer;
    int folder;
};

/* Is there a whole index beside the CRL, not older than it? */
static bool
has_good_index(const struct key_folder *key, const char *name,
               const struct stat *crl)
{
    char index_name[CM_STORE_NAME_TEXT];
    struct cm_crl_index *index;
    struct cm_detail ignored;
    struct stat st;
    bool good;
    int fd;

    snprintf(index_name, sizeof(index_name), "%.64s.idx", name);
    if (cm_store_open_file(key->folder, index_name, CM_CRL_MAX_FILE, &fd, &st,
                           &ignored) != CM_STORE_FILE_READ)
        return false;
    index = cm_crl_index_open(fd, key->spki, &ignored);
    if (index == NULL)
        return false;
    good = cm_crl_index_is_whole(index);
    cm_crl_index_free(index);
    return good && (st.st_mtim.tv_sec > crl->st_mtim.tv_sec ||
                    (st.st_mtim.tv_sec == crl->st_mtim.tv_sec &&
                     st.st_mtim.tv_nsec >= crl->st_mtim.tv_nsec));
}

static void
repair_crl(const struct key_folder *key, const char *name)
{
    char scope[CM_STORE_KEY_TEXT], own[CM_STORE_NAME_TEXT];
    struct cm_detail why = {""};
    uint8_t digest[32];
    struct stat st;
    bool named;
    int fd;

    if (cm_store_open_file(key->folder, name, CM_CRL_MAX_FILE, &fd, &st,
                           &why) != CM_STORE_FILE_READ) {
        cm_store_repair_log(key->repair, CM_LOG_WARNING, key->where, name,
                            "is refused", why.text);
        return;
    }
    named = cm_store_unhex(name, ".crl", digest);
    if (!named || !has_good_index(key, name, &st)) {
        if (cm_store_repair_publish(key->repair, fd, key->signer, key->spki,
                                    key->where, name, scope)) {
            snprintf(own, sizeof(own), "%s.crl", scope);
            if (strcmp(name, own) != 0)
                unlinkat(key->folder, name, 0);
        }
    }
    close(fd);
}

static void
repair_crls(const struct key_folder *key)
{
    struct cm_detail why = {""};
    struct cm_text_list names;
    const char *dot;

    cm_store_drop_drafts(key->folder, INT64_MAX);
    if (!cm_store_names(key->folder, &names, &why)) {
        cm_store_repair_failed(key->repair, key->where, why.text);
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        dot = strrchr(names.items[i], '.');
        if (dot != NULL && strcmp(dot, ".crl") == 0)
            repair_crl(key, names.items[i]);
    }
    cm_text_list_clear(&names);
}

/* Removes the folder of a key that is not trusted any more. */
static void
drop_key(struct cm_store_repair *repair, int crl, const char *name, int folder)
{
    struct cm_detail why = {""};
    struct cm_text_list names;

    cm_store_drop_drafts(folder, INT64_MAX);
    if (cm_store_names(folder, &names, &why)) {
        for (size_t i = 0; i < names.count; i++)
            unlinkat(folder, names.items[i], 0);
        cm_text_list_clear(&names);
    }
    if (unlinkat(crl, name, AT_REMOVEDIR) == 0)
        cm_store_repair_log(repair, CM_LOG_INFO, "crl", name, "is removed",
                            "its key is not trusted any more");
    else
        cm_store_repair_failed(repair, "crl", strerror(errno));
}

static void
repair_key(struct cm_store_repair *repair, int crl, const char *name)
{
    char where[CM_STORE_MAX_PATH];
    struct key_folder key = {.repair = repair, .where = where};
    struct cm_detail why = {""};
    uint8_t spki[32];

    if (!cm_store_unhex(name, "", spki))
        return;
    if (cm_store_open_folder(crl, name, &key.folder, &why) !=
        CM_STORE_FILE_READ) {
        cm_store_repair_log(repair, CM_LOG_ERROR, "crl", name,
                            "cannot be believed", why.text);
        cm_store_repair_failed(repair, "crl", why.text);
        return;
    }
    snprintf(where, sizeof(where), "crl/%s", name);
    key.spki = spki;
    key.signer = cm_store_trusted_key(repair->trusted, spki);
    if (key.signer != NULL)
        repair_crls(&key);
    else if (repair->whole)
        drop_key(repair, crl, name, key.folder);
    close(key.folder);
}

static void
repair_keys(struct cm_store_repair *repair)
{
    struct cm_detail why = {""};
    struct cm_text_list names;
    int crl;

    if (cm_store_open_folder(repair->writer->root, "crl", &crl, &why) !=
        CM_STORE_FILE_READ) {
        cm_store_repair_failed(repair, "crl", why.text);
        return;
    }
    if (cm_store_names(crl, &names, &why)) {
        for (size_t i = 0; i < names.count; i++)
            repair_key(repair, crl, names.items[i]);
        cm_text_list_clear(&names);
    } else {
        cm_store_repair_failed(repair, "crl", why.text);
    }
    close(crl);
}

/* Drafts of a crash, in the folder and so many levels below it. */
static void
drop_drafts_below(int below, const char *name, int levels)
{
    struct cm_detail ignored;
    struct cm_text_list names;
    int folder;

    if (cm_store_open_folder(below, name, &folder, &ignored) !=
        CM_STORE_FILE_READ)
        return;
    cm_store_drop_drafts(folder, INT64_MAX);
    if (levels > 0 && cm_store_names(folder, &names, &ignored)) {
        for (size_t i = 0; i < names.count; i++)
            drop_drafts_below(folder, names.items[i], levels - 1);
        cm_text_list_clear(&names);
    }
    close(folder);
}

static void
drop_drafts(int root)
{
    cm_store_drop_drafts(root, INT64_MAX);
    drop_drafts_below(root, "ocsp", 1);
    drop_drafts_below(root, "state", 0);
    drop_drafts_below(root, "state/crl", 1);
    drop_drafts_below(root, "state/url", 0);
    drop_drafts_below(root, CM_STORE_NTAUTH, 0);
}

bool
cm_store_repair(struct cm_store_writer *writer,
                const struct cm_snapshot *trusted, bool whole, int64_t now,
                const struct cm_log *log, struct cm_detail *detail)
{
    struct cm_store_repair repair = {writer, trusted, whole, now,
                                     log,    detail,  true};

    drop_drafts(writer->root);
    cm_store_repair_incoming(&repair);
    repair_keys(&repair);
    if (whole)
        cm_store_repair_sweep(&repair);
    cm_store_forget_seen(writer, now);
    return repair.ok;
}
