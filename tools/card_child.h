/*
 * A conversation with PKCS#11 modules.  They are of others' making, so it is
 * held in a child process, which is ended when it takes too long and whose
 * crash is an error like others.
 */
#ifndef CM_CARD_CHILD_H
#define CM_CARD_CHILD_H

#include <stdbool.h>

#include "buf.h"
#include "detail.h"

/* Runs in the child: asks the modules and appends what they say to answer.
 * Nothing need be let go of. */
typedef void cm_card_talk_fn(void *arg, struct cm_buf *answer);

/*
 * The answer of talk, as the child sent it: a broken module may have written
 * it, so whoever reads it believes nothing.
 *
 * False: no whole answer in time, or an empty one; detail says why and
 * *answer, which is CM_BUF_INIT at first, is empty.
 */
bool cm_card_ask(cm_card_talk_fn *talk, void *arg, int timeout_ms,
                 struct cm_buf *answer, struct cm_detail *detail);

#endif
