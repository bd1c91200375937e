/*
 * ldif: accounts in a file, for small realms, tests and `explain`.
 */
#include "backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ldif_file.h"
#include "who_parts.h"

struct cm_ldif {
    const struct cm_directory_config *config;
    const struct cm_log *log;
    struct stat seen; /* of what is held; all zero: nothing is */
    struct cm_ldif_content content;
};

struct cm_ldif *
cm_ldif_new(const struct cm_directory_config *config, const struct cm_log *log)
{
    struct cm_ldif *ldif = calloc(1, sizeof(*ldif));

    if (ldif != NULL) {
        ldif->config = config;
        ldif->log = log;
    }
    return ldif;
}

static void
forget(struct cm_ldif *ldif)
{
    cm_ldif_content_clear(&ldif->content);
    memset(&ldif->seen, 0, sizeof(ldif->seen));
}

void
cm_ldif_free(struct cm_ldif *ldif)
{
    if (ldif == NULL)
        return;
    forget(ldif);
    free(ldif);
}

static bool
is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads size bytes and proves that there are no more.  NUL-terminated. */
static char *
read_all(int fd, size_t size)
{
    char *text = malloc(size + 1);
    size_t have = 0;
    ssize_t n = 1;

    if (text == NULL)
        return NULL;
    while (n > 0 && have <= size) {
        n = read(fd, text + have, size + 1 - have);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            have += (size_t)n;
    }
    if (n < 0 || have != size) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

/* Reads the open file; *seen is its state before and after. */
static enum cm_reason
load(struct cm_ldif *ldif, int fd, const struct stat *seen,
     struct cm_detail *detail)
{
    const char *path = ldif->config->ldif_path;
    const char *wanted[CM_SCHEMA_MAX_ATTRIBUTES];
    struct stat after;
    enum cm_reason reason;
    char *text;

    if (!S_ISREG(seen->st_mode) || seen->st_size > CM_LDIF_MAX_FILE) {
        cm_detail_set(detail, "%s: not a regular file of at most %d bytes",
                      path, CM_LDIF_MAX_FILE);
        return CM_DIRECTORY_UNAVAILABLE;
    }
    text = read_all(fd, (size_t)seen->st_size);
    if (text == NULL || fstat(fd, &after) != 0 ||
        !is_unchanged(seen, &after)) {
        cm_detail_set(detail, "%s: cannot be read, or changes meanwhile",
                      path);
        free(text);
        return CM_DIRECTORY_UNAVAILABLE;
    }
    cm_schema_attributes(&ldif->config->schema, wanted);
    reason = cm_ldif_parse(path, text, (size_t)seen->st_size, wanted,
                           &ldif->content, detail);
    free(text);
    if (reason == CM_OK)
        ldif->seen = *seen;
    return reason;
}

/* Makes the content that of the file as it is now. */
static enum cm_reason
refresh(struct cm_ldif *ldif, struct cm_detail *detail)
{
    const char *path = ldif->config->ldif_path;
    enum cm_reason reason = CM_OK;
    struct stat now;
    int fd;

    /* A FIFO must not hold us. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &now) != 0) {
        cm_detail_set(detail, "%s: %s", path, strerror(errno));
        reason = CM_DIRECTORY_UNAVAILABLE;
        forget(ldif);
    } else if (ldif->seen.st_ino == 0 || !is_unchanged(&ldif->seen, &now)) {
        forget(ldif);
        reason = load(ldif, fd, &now, detail);
        if (reason == CM_OK)
            cm_log_write(ldif->log, CM_LOG_INFO, "%s: %zu entries read", path,
                         ldif->content.count);
    }
    if (fd >= 0)
        (void)close(fd);
    return reason;
}

enum cm_reason
cm_ldif_find(struct cm_ldif *ldif, const struct cm_directory_query *query,
             struct cm_accounts *out, struct cm_detail *detail)
{
    enum cm_reason reason = refresh(ldif, detail);

    for (size_t i = 0; reason == CM_OK && i < ldif->content.count; i++)
        reason = cm_accounts_collect(&ldif->config->schema, &query->lookup,
                                     &ldif->content.entries[i], out, detail);
    return reason;
}

enum cm_reason
cm_ldif_who(struct cm_ldif *ldif, struct cm_who *who, struct cm_detail *detail)
{
    enum cm_reason reason = refresh(ldif, detail);

    for (size_t i = 0; reason == CM_OK && i < ldif->content.count; i++)
        reason = cm_who_take(who, &ldif->config->schema,
                             &ldif->content.entries[i], detail);
    return reason;
}

enum cm_reason
cm_ldif_probe(struct cm_ldif *ldif, struct cm_detail *detail)
{
    return refresh(ldif, detail);
}

enum cm_reason
cm_ldif_walk(struct cm_ldif *ldif, struct cm_walk *walk,
             struct cm_detail *detail)
{
    enum cm_reason reason = refresh(ldif, detail);

    if (reason != CM_OK)
        return reason;
    for (size_t i = 0; i < ldif->content.count; i++) {
        if (cm_entry_get(&ldif->content.entries[i],
                         ldif->config->schema.mappings) == NULL)
            continue;
        if (!cm_walk_visit(walk, &ldif->content.entries[i]))
            break;
    }
    return CM_OK;
}
