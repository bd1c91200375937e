/*
 * The directory's NTAuth list: the values of cACertificate of one object.
 *
 * The refresher's network child asks for it.  It may open no file that the
 * KDC keeps secret, so what it needs for the bind is handed to it, as a
 * payload of bytes that both sides read and write here.
 */
#ifndef CM_NTAUTH_OBJECT_H
#define CM_NTAUTH_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"

enum {
    CM_NTAUTH_MAX_VALUES = 4096,
    CM_NTAUTH_MAX_CA = 8192,       /* bytes of a ca_file that is handed over */
    CM_NTAUTH_MAX_PAYLOAD = 16384, /* bytes of a question */
    CM_NTAUTH_MAX_ANSWER = 16 * 1024 * 1024 /* bytes of an answer */
};

struct cm_ntauth_value {
    uint8_t *bytes;
    size_t len;
};

/* What the object holds.  No values is an answer, too. */
struct cm_ntauth_object {
    char *dn;
    struct cm_ntauth_value *values;
    size_t count;
};

/* Appends a copy of one value.  False: no memory. */
bool cm_ntauth_object_add(struct cm_ntauth_object *object, const void *bytes,
                          size_t len);
void cm_ntauth_object_clear(struct cm_ntauth_object *object);

/*
 * Reads the object: config->ntauth_dn, else below the configuration that the
 * server names as its own (Active Directory), else CM_NTAUTH_RDNS and base.
 *
 * CM_OK: the caller clears out.  CM_DIRECTORY_UNAVAILABLE: no answer, or no
 * such object, or it may not be read; CM_NO_MEMORY.
 */
enum cm_reason cm_ntauth_object_read(const struct cm_directory_config *config,
                                     int timeout_ms,
                                     struct cm_ntauth_object *out,
                                     struct cm_detail *detail);

/*
 * The question: how to reach the directory, with the secret that
 * password_file holds and, where it is not too large, the content of ca_file:
 * both may lie in a folder that is closed to the child.  The caller wipes and
 * frees *out.  False: detail says why.
 */
bool cm_ntauth_question(const struct cm_directory_config *config,
                        uint8_t **out, size_t *len, struct cm_detail *detail);
/*
 * Reads it.  *ca: what ca_file holds, in a file of this process's own, which
 * the caller closes when out is not used any more; -1: out->ca_file is a path
 * as any.  False: not a question, or no memory.  The caller clears out.
 */
bool cm_ntauth_question_read(const uint8_t *bytes, size_t len,
                             struct cm_directory_config *out, int *ca);

/* The answer.  The caller frees *out.  False: no memory, or too large. */
bool cm_ntauth_answer(const struct cm_ntauth_object *object, uint8_t **out,
                      size_t *len);
/* Reads it.  False: not an answer, or no memory.  The caller clears out. */
bool cm_ntauth_answer_read(const uint8_t *bytes, size_t len,
                           struct cm_ntauth_object *out);

#endif
