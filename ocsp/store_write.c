/*
 * Writing: one writer at a time, and nothing that a reader could see half
 * done.
 */
#include "store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "monotonic.h"
#include "write_all.h"

enum {
    LOCK_PAUSE_MS = 20, /* between two tries */
    DRAFT_TRIES = 8
};

bool
cm_store_sync(int folder, struct cm_detail *detail)
{
    if (fsync(folder) == 0)
        return true;
    cm_detail_set(detail, "fsync: %s", strerror(errno));
    return false;
}

/* ---- Folders ---- */

/* Makes one folder, unless it is there, and opens it.  -1: detail. */
static int
make_folder(int below, const char *name, mode_t mode, struct cm_detail *detail)
{
    struct cm_detail why = {""};
    int fd = -1;

    if (mkdirat(below, name, mode) == 0) {
        if (!cm_store_sync(below, detail))
            return -1;
    } else if (errno != EEXIST) {
        cm_detail_set(detail, "%s: %s", name, strerror(errno));
        return -1;
    }
    if (cm_store_open_folder(below, name, &fd, &why) != CM_STORE_FILE_READ)
        cm_detail_set(detail, "%s: %s", name, why.text);
    return fd;
}

int
cm_store_make_way(int below, const char *name, mode_t mode,
                  struct cm_detail *detail)
{
    char part[NAME_MAX + 1];
    const char *slash;
    int at, next;

    at = openat(below, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        cm_detail_set(detail, "%s", strerror(errno));
    while (at >= 0 && (slash = strchr(name, '/')) != NULL) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
        next = make_folder(at, part, mode, detail);
        close(at);
        at = next;
        name = slash + 1;
    }
    return at;
}

/* ---- The lock ---- */

static bool
wait_for_lock(int fd, int wait_ms, struct cm_detail *detail)
{
    const struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};
    int64_t deadline = cm_monotonic_ms() + wait_ms;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            cm_detail_set(detail, "state/lock: %s", strerror(errno));
            return false;
        }
        if (cm_monotonic_left(deadline) == 0) {
            cm_detail_set(detail, "another process is writing to it");
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

/* The lock file itself stays for ever: whoever removed it would let two
 * writers in. */
static int
open_lock(int root, int wait_ms, struct cm_detail *detail)
{
    struct cm_detail why = {""};
    struct stat st;
    int fd;

    fd = openat(root, "state/lock",
                O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
                    O_NOCTTY,
                CM_STORE_PRIVATE_FILE_MODE);
    if (fd < 0 || fstat(fd, &st) != 0) {
        cm_detail_set(detail, "state/lock: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (!S_ISREG(st.st_mode) || !cm_store_is_safe(&st, &why)) {
        cm_detail_set(detail, "state/lock: %s",
                      S_ISREG(st.st_mode) ? why.text : "not a regular file");
        close(fd);
        return -1;
    }
    if (!wait_for_lock(fd, wait_ms, detail)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The folder of a store, made if it is missing. */
static int
open_root(const char *path, struct cm_detail *detail)
{
    struct cm_detail why = {""};
    int fd;

    if (mkdir(path, CM_STORE_FOLDER_MODE) != 0 && errno != EEXIST) {
        cm_detail_set(detail, "the store %s cannot be made: %s", path,
                      strerror(errno));
        return -1;
    }
    if (cm_store_open_root(path, &fd, &why) != CM_STORE_FILE_READ)
        cm_detail_set(detail, "the store %s cannot be used: %s", path,
                      why.text);
    return fd;
}

static bool
make_folders(int root, struct cm_detail *detail)
{
    static const char *const names[] = {"crl/", "ocsp/", "ntauth/",
                                        "incoming/", "state/"};
    int fd;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fd = cm_store_make_way(root, names[i], CM_STORE_FOLDER_MODE, detail);
        if (fd < 0)
            return false;
        close(fd);
    }
    fd =
        cm_store_make_way(root, "seen/", CM_STORE_PRIVATE_FOLDER_MODE, detail);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

struct cm_store_writer *
cm_store_writer_open(const char *path, int wait_ms, struct cm_detail *detail)
{
    struct cm_store_writer *writer = calloc(1, sizeof(*writer));
    struct cm_detail why = {""};

    if (writer == NULL) {
        cm_detail_set(detail, "out of memory");
        return NULL;
    }
    writer->lock = -1;
    writer->root = open_root(path, detail);
    if (writer->root >= 0 && make_folders(writer->root, &why))
        writer->lock = open_lock(writer->root, wait_ms, &why);
    if (writer->root >= 0 && writer->lock < 0)
        cm_detail_set(detail, "the store %s cannot be written: %s", path,
                      why.text);
    if (writer->lock < 0) {
        cm_store_writer_free(writer);
        return NULL;
    }
    return writer;
}

void
cm_store_writer_free(struct cm_store_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->lock >= 0)
        close(writer->lock);
    if (writer->root >= 0)
        close(writer->root);
    free(writer);
}

/* ---- Drafts ---- */

bool
cm_store_draft_open(int folder, mode_t mode, struct cm_store_draft *draft,
                    struct cm_detail *detail)
{
    unsigned long long number;

    draft->folder = folder;
    draft->fd = -1;
    draft->name[0] = '\0';
    for (int i = 0; i < DRAFT_TRIES && draft->fd < 0; i++) {
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
            break;
        snprintf(draft->name, sizeof(draft->name),
                 CM_STORE_DRAFT_PREFIX "%llx", number);
        draft->fd =
            openat(folder, draft->name,
                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (draft->fd < 0 && errno != EEXIST)
            break;
    }
    if (draft->fd >= 0)
        return true;
    cm_detail_set(detail, "cannot make a file: %s", strerror(errno));
    draft->name[0] = '\0';
    return false;
}

bool
cm_store_draft_write(struct cm_store_draft *draft, const void *data,
                     size_t len, struct cm_detail *detail)
{
    bool ok = cm_write_all(draft->fd, data, len);

    if (!ok)
        cm_detail_set(detail, "cannot write: %s", strerror(errno));
    return ok;
}

bool
cm_store_draft_close(struct cm_store_draft *draft, struct cm_detail *detail)
{
    bool ok = fsync(draft->fd) == 0;

    if (!ok)
        cm_detail_set(detail, "cannot write: %s", strerror(errno));
    if (close(draft->fd) != 0 && ok) {
        cm_detail_set(detail, "cannot write: %s", strerror(errno));
        ok = false;
    }
    draft->fd = -1;
    return ok;
}

bool
cm_store_draft_rename(struct cm_store_draft *draft, const char *name,
                      struct cm_detail *detail)
{
    if (renameat(draft->folder, draft->name, draft->folder, name) != 0) {
        cm_detail_set(detail, "%s: %s", name, strerror(errno));
        return false;
    }
    draft->name[0] = '\0';
    return true;
}

void
cm_store_draft_drop(struct cm_store_draft *draft)
{
    if (draft->fd >= 0)
        close(draft->fd);
    draft->fd = -1;
    if (draft->name[0] != '\0')
        unlinkat(draft->folder, draft->name, 0);
    draft->name[0] = '\0';
}

/* ---- Whole files ---- */

/* Relative, and no part of it is empty, too long or begins with ".". */
static bool
is_name(const char *name, struct cm_detail *detail)
{
    size_t len = strlen(name), part;
    bool ok = len > 0 && len < CM_STORE_MAX_PATH;

    for (const char *p = name; ok; p += part + 1) {
        part = strcspn(p, "/");
        ok = part > 0 && part <= NAME_MAX && p[0] != '.';
        if (p[part] == '\0')
            break;
    }
    if (!ok)
        cm_detail_set(detail, "\"%s\" cannot be a file of the store", name);
    return ok;
}

static const char *
last_part(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash == NULL ? name : slash + 1;
}

bool
cm_store_write_file(struct cm_store_writer *writer, const char *name,
                    const void *data, size_t len, struct cm_detail *detail)
{
    struct cm_store_draft draft;
    struct cm_detail why = {""};
    int folder;
    bool ok;

    if (!is_name(name, detail))
        return false;
    folder = cm_store_make_way(writer->root, name, CM_STORE_FOLDER_MODE, &why);
    ok = folder >= 0 &&
         cm_store_draft_open(folder, CM_STORE_FILE_MODE, &draft, &why);
    if (ok) {
        ok = cm_store_draft_write(&draft, data, len, &why) &&
             cm_store_draft_close(&draft, &why) &&
             cm_store_draft_rename(&draft, last_part(name), &why);
        cm_store_draft_drop(&draft);
        ok = ok && cm_store_sync(folder, &why);
    }
    if (folder >= 0)
        close(folder);
    if (!ok)
        cm_detail_set(detail, "%s: %s", name, why.text);
    return ok;
}

bool
cm_store_remove_file(struct cm_store_writer *writer, const char *name,
                     struct cm_detail *detail)
{
    struct cm_detail why = {""};
    int folder;
    bool ok;

    if (!is_name(name, detail))
        return false;
    folder = cm_store_make_way(writer->root, name, CM_STORE_FOLDER_MODE, &why);
    ok = folder >= 0;
    if (ok && unlinkat(folder, last_part(name), 0) != 0 && errno != ENOENT) {
        cm_detail_set(&why, "%s", strerror(errno));
        ok = false;
    }
    ok = ok && cm_store_sync(folder, &why);
    if (folder >= 0)
        close(folder);
    if (!ok)
        cm_detail_set(detail, "%s: %s", name, why.text);
    return ok;
}
