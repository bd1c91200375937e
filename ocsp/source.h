/*
 * One list of certificates as its files say, read anew when they change.
 */
#ifndef CM_SOURCE_H
#define CM_SOURCE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certificates.h"
#include "detail.h"
#include "log.h"
#include "reason.h"
#include "trust.h"

/* A file as it was when it was last read. */
struct cm_source_file {
    char name[NAME_MAX + 1];    /* inside the folder; of a FILE empty */
    struct cm_file_stamp stamp; /* zero: could not be looked at */
    bool left_out;
};

struct cm_source_listing {
    struct cm_source_file *files; /* sorted by name */
    size_t count;
};

enum cm_source_state {
    CM_SOURCE_REFUSED, /* nothing usable */
    CM_SOURCE_GRACE,   /* broken since a short while: serves what was good */
    CM_SOURCE_GOOD
};

struct cm_source {
    const char *label; /* "anchors"; static */
    const struct cm_location *location;
    const struct cm_log *log;
    bool may_be_empty;

    struct cm_source_listing seen;
    uint8_t content[32]; /* SHA-256 over what was read */
    /*
     * Read twice with the same result.  Two writes within one tick of the
     * file system's clock leave the same stamp; the second reading, at the
     * next look, sees what the first came too early for.
     */
    bool settled;

    enum cm_source_state state;
    int64_t broken_since;        /* in CM_SOURCE_GRACE */
    struct cm_detail fault;      /* unless CM_SOURCE_GOOD */
    struct cm_trusted_list good; /* empty in CM_SOURCE_REFUSED */
    bool changed; /* good was replaced; whoever takes it resets this */
};

/* Looks at the files and reads what changed.  CM_OK: good may be used.
 * CM_CONFIG: it may not, fault says why.  CM_NO_MEMORY: nothing is known. */
enum cm_reason cm_source_look(struct cm_source *source, int64_t now_ms);

/* The same answer between two looks; ends the grace of a broken file. */
enum cm_reason cm_source_verdict(struct cm_source *source, int64_t now_ms);

void cm_source_clear(struct cm_source *source);

/* text for a log line; the caller frees it.  NULL: no memory. */
char *cm_source_escape(const char *text);

#endif
