#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Appends a file; st may be NULL where it could not be looked at. */
static bool
add_file(struct cm_source_listing *listing, const char *name,
         const struct stat *st)
{
    struct cm_source_file *files, *file;

    files = realloc(listing->files, (listing->count + 1) * sizeof(*files));
    if (files == NULL)
        return false;
    listing->files = files;
    file = &files[listing->count++];
    memset(file, 0, sizeof(*file));
    snprintf(file->name, sizeof(file->name), "%s", name);
    if (st != NULL)
        cm_file_stamp_set(&file->stamp, st);
    return true;
}

static enum cm_read
list_file(const char *path, struct cm_source_listing *out,
          struct cm_detail *detail)
{
    struct stat st;
    int error;

    if (stat(path, &st) != 0) {
        error = errno;
        cm_detail_set(detail, "%s", strerror(error));
        return error == ENOENT || error == ENOTDIR || error == ELOOP
                   ? CM_READ_NONE
                   : CM_READ_BROKEN;
    }
    return add_file(out, "", &st) ? CM_READ_OK : CM_READ_NO_MEMORY;
}

/* Adds a folder's entry if it is a file, or may be one. */
static enum cm_read
list_entry(int directory, const char *name, struct cm_source_listing *out,
           struct cm_detail *detail)
{
    struct stat st;
    bool known;

    if (name[0] == '.')
        return CM_READ_OK;
    known = fstatat(directory, name, &st, 0) == 0;
    if (known && !S_ISREG(st.st_mode))
        return CM_READ_OK;
    if (out->count == CM_TRUST_MAX_FILES) {
        cm_detail_set(detail, "more than %d files", CM_TRUST_MAX_FILES);
        return CM_READ_NONE;
    }
    return add_file(out, name, known ? &st : NULL) ? CM_READ_OK
                                                   : CM_READ_NO_MEMORY;
}

static enum cm_read
list_entries(int directory, DIR *stream, struct cm_source_listing *out,
             struct cm_detail *detail)
{
    enum cm_read outcome = CM_READ_OK;
    struct dirent *entry;
    int error = 0;

    while (outcome == CM_READ_OK) {
        errno = 0;
        entry = readdir(stream);
        error = errno;
        if (entry == NULL)
            break;
        outcome = list_entry(directory, entry->d_name, out, detail);
    }
    if (outcome == CM_READ_OK && error != 0) {
        cm_detail_set(detail, "%s", strerror(error));
        outcome = CM_READ_NONE;
    }
    return outcome;
}

static int
compare_names(const void *a, const void *b)
{
    const struct cm_source_file *left = a, *right = b;

    return strcmp(left->name, right->name);
}

static enum cm_read
list_folder(int directory, struct cm_source_listing *out,
            struct cm_detail *detail)
{
    enum cm_read outcome;
    DIR *stream;
    int copy;

    copy = fcntl(directory, F_DUPFD_CLOEXEC, 0);
    stream = copy < 0 ? NULL : fdopendir(copy);
    if (stream == NULL) {
        cm_detail_set(detail, "%s", strerror(errno));
        if (copy >= 0)
            close(copy);
        return CM_READ_NONE;
    }
    outcome = list_entries(directory, stream, out, detail);
    closedir(stream);
    if (out->count > 1)
        qsort(out->files, out->count, sizeof(*out->files), compare_names);
    return outcome;
}

static enum cm_read
list_location(const struct cm_location *location,
              struct cm_source_listing *out, int *directory,
              struct cm_detail *detail)
{
    switch (location->kind) {
    case CM_LOCATION_NONE:
        return CM_READ_OK;
    case CM_LOCATION_FILE:
        return list_file(location->path, out, detail);
    case CM_LOCATION_DIR:
        break;
    }
    *directory = open(location->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*directory < 0) {
        cm_detail_set(detail, "%s", strerror(errno));
        return CM_READ_NONE;
    }
    return list_folder(*directory, out, detail);
}

enum cm_read
cm_listing_make(const struct cm_location *location,
                struct cm_source_listing *out, int *directory,
                struct cm_detail *detail)
{
    enum cm_read outcome;

    memset(out, 0, sizeof(*out));
    *directory = AT_FDCWD;
    outcome = list_location(location, out, directory, detail);
    if (outcome != CM_READ_OK) {
        cm_listing_clear(out);
        if (*directory >= 0)
            close(*directory);
        *directory = AT_FDCWD;
    }
    return outcome;
}

void
cm_listing_clear(struct cm_source_listing *listing)
{
    free(listing->files);
    memset(listing, 0, sizeof(*listing));
}

bool
cm_listing_equal(const struct cm_source_listing *a,
                 const struct cm_source_listing *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->files[i].name, b->files[i].name) != 0 ||
            !cm_file_stamp_equal(&a->files[i].stamp, &b->files[i].stamp))
            return false;
    }
    return true;
}

static int
compare_name(const void *name, const void *file)
{
    return strcmp(name, ((const struct cm_source_file *)file)->name);
}

const struct cm_source_file *
cm_listing_find(const struct cm_source_listing *listing, const char *name)
{
    if (listing->count == 0)
        return NULL;
    return bsearch(name, listing->files, listing->count,
                   sizeof(*listing->files), compare_name);
}
