/*
 * Certificates that logged in lately, whose status is kept warm.
 *
 * Logins write here, without the store's lock: each file on its own, its time
 * of modification the last login.
 */
#include "store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DAY = 24 * 3600,
    FOLDERS = 256,
    MAX_PER_FOLDER = CM_STORE_MAX_SEEN / FOLDERS
};

static bool
count_name(void *context, const char *name)
{
    size_t *count = context;

    (void)name;
    return ++*count < MAX_PER_FOLDER;
}

/* Keeps the number of files within bounds. */
static bool
has_room(int folder)
{
    struct cm_detail ignored;
    size_t count = 0;

    return cm_store_list(folder, count_name, &count, &ignored);
}

static void
write_seen(int folder, const char *name, X509 *cert, int64_t now)
{
    const struct timespec times[2] = {{.tv_sec = (time_t)now},
                                      {.tv_sec = (time_t)now}};
    struct cm_store_draft draft;
    struct cm_detail ignored;
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);

    if (len > 0 && has_room(folder) &&
        cm_store_draft_open(folder, CM_STORE_PRIVATE_FILE_MODE, &draft,
                            &ignored)) {
        /* Not synced: what a crash loses here the next login brings back. */
        if (cm_store_draft_write(&draft, der, (size_t)len, &ignored) &&
            futimens(draft.fd, times) == 0)
            cm_store_draft_rename(&draft, name, &ignored);
        cm_store_draft_drop(&draft);
    }
    OPENSSL_free(der);
}

static void
note(int folder, const char *name, X509 *cert, int64_t now)
{
    const struct timespec times[2] = {{.tv_sec = (time_t)now},
                                      {.tv_sec = (time_t)now}};
    struct stat st = {0};

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno != ENOENT)
        return;
    if (st.st_size == 0) /* missing, or what a crash left of it */
        write_seen(folder, name, cert, now);
    else if (st.st_mtim.tv_sec <= now - DAY || st.st_mtim.tv_sec > now)
        utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW);
}

/* Written within a day: nothing is to be done, and a login has paid for one
 * look only. */
static bool
is_noted(int root, const char *name, int64_t now)
{
    struct stat st;

    return fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st.st_mode) && st.st_size > 0 &&
           st.st_mtim.tv_sec > now - DAY && st.st_mtim.tv_sec <= now;
}

void
cm_store_note_seen(struct cm_store *store, X509 *cert, int64_t now)
{
    char name[CM_STORE_MAX_PATH], text[CM_STORE_KEY_TEXT];
    struct cm_detail ignored;
    uint8_t digest[32];
    int folder = -1;

    if (X509_digest(cert, EVP_sha256(), digest, NULL) != 1)
        return;
    cm_store_hex(digest, text);
    snprintf(name, sizeof(name), "seen/%.2s/%s.der", text, text);
    cm_store_enter(store);
    if (store->state == CM_OK && store->root >= 0 &&
        !is_noted(store->root, name, now))
        folder = cm_store_make_way(store->root, name,
                                   CM_STORE_PRIVATE_FOLDER_MODE, &ignored);
    cm_store_leave(store);
    if (folder < 0)
        return;
    snprintf(name, sizeof(name), "%s.der", text);
    note(folder, name, cert, now);
    close(folder);
}

/* ---- Reading them ---- */

struct walk {
    int folder; /* seen/xx */
    int64_t now;
    bool (*visit)(void *context, X509 *cert, int64_t when);
    void *context;
};

static bool
is_recent(int64_t when, int64_t now)
{
    return when > now - (int64_t)CM_STORE_SEEN_DAYS * DAY;
}

static bool
visit_seen(void *context, const char *name)
{
    struct walk *walk = context;
    struct cm_file_stamp stamp;
    struct cm_detail ignored;
    uint8_t digest[32], *der = NULL;
    const uint8_t *p;
    bool more = true;
    X509 *cert;
    size_t len;
    int fd;

    if (!cm_store_unhex(name, ".der", digest) ||
        cm_store_open_file(walk->folder, name, CM_CERT_MAX_DER, &fd, NULL,
                           &ignored) != CM_STORE_FILE_READ)
        return true;
    if (cm_file_read_open(fd, CM_CERT_MAX_DER, &stamp, &der, &len, &ignored) ==
            CM_READ_OK &&
        is_recent(stamp.modified.tv_sec, walk->now)) {
        p = der;
        cert = d2i_X509(NULL, &p, (long)len);
        if (cert != NULL)
            more = walk->visit(walk->context, cert, stamp.modified.tv_sec);
        X509_free(cert);
    }
    free(der);
    close(fd);
    return more;
}

static bool
walk_folder(void *context, const char *name)
{
    struct walk *walk = context;
    struct cm_detail ignored;
    int seen = walk->folder;
    bool more = true;

    if (cm_store_open_folder(seen, name, &walk->folder, &ignored) ==
        CM_STORE_FILE_READ) {
        /* Its visit stopped it, or it cannot be read: then the next one. */
        ignored.text[0] = '\0';
        more = cm_store_list(walk->folder, visit_seen, walk, &ignored) ||
               ignored.text[0] != '\0';
        close(walk->folder);
    }
    walk->folder = seen;
    return more;
}

void
cm_store_each_seen(struct cm_store *store, int64_t now,
                   bool (*visit)(void *context, X509 *cert, int64_t when),
                   void *context)
{
    struct walk walk = {
        .folder = -1, .now = now, .visit = visit, .context = context};
    struct cm_detail ignored;

    cm_store_enter(store);
    if (store->state == CM_OK && store->root >= 0)
        cm_store_open_folder(store->root, "seen", &walk.folder, &ignored);
    cm_store_leave(store);
    if (walk.folder < 0)
        return;
    cm_store_list(walk.folder, walk_folder, &walk, &ignored);
    close(walk.folder);
}

/* ---- Forgetting them ---- */

static bool
forget_file(void *context, const char *name)
{
    const struct walk *walk = context;
    struct stat st;

    if (fstatat(walk->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        !is_recent(st.st_mtim.tv_sec, walk->now))
        unlinkat(walk->folder, name, 0);
    return true;
}

static bool
forget_folder(void *context, const char *name)
{
    struct walk *walk = context;
    struct cm_detail ignored;
    int seen = walk->folder;

    if (cm_store_open_folder(seen, name, &walk->folder, &ignored) ==
        CM_STORE_FILE_READ) {
        cm_store_list(walk->folder, forget_file, walk, &ignored);
        cm_store_drop_drafts(walk->folder, walk->now - DAY);
        close(walk->folder);
    }
    walk->folder = seen;
    return true;
}

void
cm_store_forget_seen(struct cm_store_writer *writer, int64_t now)
{
    struct walk walk = {.now = now};
    struct cm_detail ignored;

    if (cm_store_open_folder(writer->root, "seen", &walk.folder, &ignored) !=
        CM_STORE_FILE_READ)
        return;
    cm_store_list(walk.folder, forget_folder, &walk, &ignored);
    close(walk.folder);
}
