/*
 * What the files of who.h share.
 */
#ifndef CM_WHO_PARTS_H
#define CM_WHO_PARTS_H

#include "buf.h"
#include "who.h"

/* A search on its way. */
struct cm_who {
    const struct cm_who_question *question;
    size_t count;                  /* accounts that are meant */
    char *ids[2];                  /* of the first two; owned */
    struct cm_principal principal; /* the first one's; text NULL: none */
};

void cm_who_clear(struct cm_who *who);

/* The filter of the question.  False: no memory. */
bool cm_who_filter(const struct cm_schema *schema,
                   const struct cm_who_question *question, struct cm_buf *out);

/*
 * Counts the entry if it is meant: the answer is compared again, as a server
 * may return more than was asked for.  CM_OK, CM_NO_MEMORY, or
 * CM_DIRECTORY_UNAVAILABLE for an entry that cannot be an account.
 */
enum cm_reason cm_who_take(struct cm_who *who, const struct cm_schema *schema,
                           const struct cm_entry *entry,
                           struct cm_detail *detail);

/* directory.c: hands every entry that may be meant to cm_who_take(). */
enum cm_reason cm_directory_ask_who(struct cm_directory *directory,
                                    struct cm_who *who,
                                    struct cm_detail *detail);

#endif
