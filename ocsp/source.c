#include "source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "buf.h"
#include "listing.h"
#include "text.h"
#include "trusted.h"

enum { SOURCE_MAX_LOG_TEXT = 400 }; /* bytes of one escaped text */

/* What one look found. */
struct reading {
    struct cm_source_listing listing;
    X509 **certs;
    size_t count;
    EVP_MD_CTX *digest;
    uint8_t content[32];
    bool again; /* a file could not be read: try at every look */
};

char *
cm_source_escape(const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;

    cm_text_escape(&buf, text, strlen(text), SOURCE_MAX_LOG_TEXT);
    return cm_buf_take(&buf);
}

/* One line about the location, or about a file in it (NULL: the whole). */
static void
log_about(const struct cm_source *source, enum cm_severity severity,
          const char *what, const char *file, const char *why)
{
    const char *path = source->location->path;
    char *path_text = cm_source_escape(path != NULL ? path : "");
    char *file_text = cm_source_escape(file != NULL ? file : "");
    char *why_text = cm_source_escape(why);

    if (path_text != NULL && file_text != NULL && why_text != NULL)
        cm_log_write(source->log, severity, "%s: %s%s%s %s: %s", source->label,
                     path_text, file != NULL ? "/" : "", file_text, what,
                     why_text);
    free(path_text);
    free(file_text);
    free(why_text);
}

static void
clear_reading(struct reading *reading)
{
    cm_listing_clear(&reading->listing);
    cm_certificates_free(reading->certs, reading->count);
    EVP_MD_CTX_free(reading->digest);
    memset(reading, 0, sizeof(*reading));
}

/* Moves the certificates of one file to the end of the reading's. */
static enum cm_read
append_certificates(struct reading *reading, X509 **certs, size_t count,
                    struct cm_detail *detail)
{
    X509 **all;

    if (count > CM_TRUST_MAX_CERTIFICATES - reading->count) {
        cm_detail_set(detail, "more than %d certificates",
                      CM_TRUST_MAX_CERTIFICATES);
        return CM_READ_NONE;
    }
    all = reallocarray(reading->certs, reading->count + count, sizeof(*all));
    if (all == NULL)
        return CM_READ_NO_MEMORY;
    memcpy(all + reading->count, certs, count * sizeof(*certs));
    reading->certs = all;
    reading->count += count;
    return CM_READ_OK;
}

/* Adds name, outcome and bytes of a file to the digest of the content. */
static bool
digest_file(struct reading *reading, const char *name, enum cm_read outcome,
            const uint8_t *bytes, size_t len)
{
    uint8_t tag = (uint8_t)outcome;
    uint64_t size = len;

    return EVP_DigestUpdate(reading->digest, name, strlen(name) + 1) == 1 &&
           EVP_DigestUpdate(reading->digest, &tag, sizeof(tag)) == 1 &&
           EVP_DigestUpdate(reading->digest, &size, sizeof(size)) == 1 &&
           EVP_DigestUpdate(reading->digest, bytes, len) == 1;
}

/* Reads one file's certificates; the caller frees them. */
static enum cm_read
read_file(struct reading *reading, struct cm_source_file *file, int directory,
          const char *path, X509 ***certs, size_t *count,
          struct cm_detail *detail)
{
    struct cm_file_stamp stamp;
    uint8_t *bytes = NULL;
    enum cm_read outcome;
    size_t len = 0;

    *certs = NULL;
    *count = 0;
    outcome = cm_file_read(directory, path, &stamp, &bytes, &len, detail);
    if (outcome == CM_READ_OK) {
        file->stamp = stamp;
        outcome = cm_certificates_parse(bytes, len, certs, count, detail);
    } else {
        reading->again = true;
    }
    if (!digest_file(reading, file->name, outcome, bytes, len)) {
        cm_certificates_free(*certs, *count);
        outcome = CM_READ_NO_MEMORY;
    }
    free(bytes);
    return outcome;
}

/* A file of a folder that does not load is left out: trust only shrinks. */
static enum cm_read
leave_out(const struct cm_source *source, struct cm_source_file *file,
          const struct cm_detail *why)
{
    const struct cm_source_file *before;

    file->left_out = true;
    before = cm_listing_find(&source->seen, file->name);
    if (before == NULL || !before->left_out ||
        !cm_file_stamp_equal(&before->stamp, &file->stamp))
        log_about(source, CM_LOG_ERROR, "is left out", file->name, why->text);
    return CM_READ_OK;
}

static enum cm_read
load_file(const struct cm_source *source, struct reading *reading,
          struct cm_source_file *file, int directory, struct cm_detail *detail)
{
    bool folder = source->location->kind == CM_LOCATION_DIR;
    enum cm_read outcome;
    X509 **certs;
    size_t count;

    outcome = read_file(reading, file, directory,
                        folder ? file->name : source->location->path, &certs,
                        &count, detail);
    switch (outcome) {
    case CM_READ_NO_MEMORY:
        return outcome;
    case CM_READ_NONE:
        /* A FILE without certificates is an empty list. */
        if (!folder && !reading->again)
            return CM_READ_OK;
        return folder ? leave_out(source, file, detail) : outcome;
    case CM_READ_BROKEN:
        return folder ? leave_out(source, file, detail) : outcome;
    case CM_READ_OK:
        break;
    }
    outcome = append_certificates(reading, certs, count, detail);
    if (outcome == CM_READ_OK)
        free(certs); /* the certificates themselves have moved */
    else
        cm_certificates_free(certs, count);
    return outcome;
}

static enum cm_read
load_files(const struct cm_source *source, struct reading *reading,
           int directory, struct cm_detail *detail)
{
    enum cm_read outcome = CM_READ_OK;

    reading->digest = EVP_MD_CTX_new();
    if (reading->digest == NULL ||
        EVP_DigestInit_ex(reading->digest, EVP_sha256(), NULL) != 1)
        return CM_READ_NO_MEMORY;
    for (size_t i = 0; outcome == CM_READ_OK && i < reading->listing.count;
         i++)
        outcome = load_file(source, reading, &reading->listing.files[i],
                            directory, detail);
    if (outcome != CM_READ_OK)
        return outcome;
    return EVP_DigestFinal_ex(reading->digest, reading->content, NULL) == 1
               ? CM_READ_OK
               : CM_READ_NO_MEMORY;
}

/* Reads the files, unless they are known to be what they were. */
static enum cm_read
take_reading(const struct cm_source *source, struct reading *reading,
             bool *same, struct cm_detail *detail)
{
    enum cm_read outcome;
    int directory;

    *same = false;
    outcome = cm_listing_make(source->location, &reading->listing, &directory,
                              detail);
    if (outcome != CM_READ_OK)
        return outcome;
    if (source->settled && cm_listing_equal(&source->seen, &reading->listing))
        *same = true;
    else
        outcome = load_files(source, reading, directory, detail);
    if (directory >= 0)
        close(directory);
    return outcome;
}

/* Forgets what was good; nothing may be used until the files are good. */
static void
refuse(struct cm_source *source, const struct cm_detail *why)
{
    if (source->state != CM_SOURCE_REFUSED ||
        strcmp(source->fault.text, why->text) != 0)
        log_about(source, CM_LOG_ERROR, "refuses every login", NULL,
                  why->text);
    source->state = CM_SOURCE_REFUSED;
    source->fault = *why;
    source->settled = false;
    source->changed = true;
    cm_trusted_list_clear(&source->good);
}

/* A FILE is there and does not load: what was good serves a little longer. */
static void
tolerate(struct cm_source *source, int64_t now_ms, const struct cm_detail *why)
{
    if (source->state == CM_SOURCE_REFUSED) {
        refuse(source, why);
        return;
    }
    if (source->state == CM_SOURCE_GOOD ||
        strcmp(source->fault.text, why->text) != 0)
        log_about(source, CM_LOG_ERROR,
                  "does not load, its last content serves for a minute", NULL,
                  why->text);
    if (source->state == CM_SOURCE_GOOD)
        source->broken_since = now_ms;
    source->state = CM_SOURCE_GRACE;
    source->fault = *why;
    source->settled = false;
}

/* Puts a reading in force.  False: no memory, nothing changed. */
static bool
accept_reading(struct cm_source *source, struct reading *reading)
{
    struct cm_trusted_list good;
    bool same;

    same = source->state == CM_SOURCE_GOOD &&
           memcmp(source->content, reading->content,
                  sizeof(source->content)) == 0;
    if (!same) {
        if (!cm_trusted_list_build(reading->certs, reading->count, &good))
            return false;
        cm_trusted_list_clear(&source->good);
        source->good = good;
        source->changed = true;
        memcpy(source->content, reading->content, sizeof(source->content));
    }
    if (source->fault.text[0] != '\0')
        log_about(source, CM_LOG_INFO, "loads again, after", NULL,
                  source->fault.text);
    source->fault.text[0] = '\0';
    source->state = CM_SOURCE_GOOD;
    source->settled = same && !reading->again;
    return true;
}

enum cm_reason
cm_source_look(struct cm_source *source, int64_t now_ms)
{
    struct reading reading = {0};
    struct cm_detail why = {""};
    enum cm_read outcome;
    bool same;

    outcome = take_reading(source, &reading, &same, &why);
    if (outcome == CM_READ_OK && !same && reading.count == 0 &&
        !source->may_be_empty) {
        cm_detail_set(&why, source->location->kind == CM_LOCATION_NONE
                                ? "is not configured"
                                : "holds no certificate");
        outcome = CM_READ_NONE;
    }
    if (outcome == CM_READ_OK && !same && !accept_reading(source, &reading))
        outcome = CM_READ_NO_MEMORY;
    if (outcome == CM_READ_NONE)
        refuse(source, &why);
    if (outcome == CM_READ_BROKEN)
        tolerate(source, now_ms, &why);
    if (outcome != CM_READ_NO_MEMORY && !same) {
        cm_listing_clear(&source->seen);
        source->seen = reading.listing;
        memset(&reading.listing, 0, sizeof(reading.listing));
    }
    clear_reading(&reading);
    if (outcome == CM_READ_NO_MEMORY)
        return CM_NO_MEMORY;
    return cm_source_verdict(source, now_ms);
}

enum cm_reason
cm_source_verdict(struct cm_source *source, int64_t now_ms)
{
    struct cm_detail why;

    if (source->state == CM_SOURCE_GRACE &&
        now_ms - source->broken_since >= CM_TRUST_GRACE_MS) {
        why = source->fault;
        refuse(source, &why);
    }
    return source->state == CM_SOURCE_REFUSED ? CM_CONFIG : CM_OK;
}

void
cm_source_clear(struct cm_source *source)
{
    cm_listing_clear(&source->seen);
    cm_trusted_list_clear(&source->good);
    memset(source, 0, sizeof(*source));
}
