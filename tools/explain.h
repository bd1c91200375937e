/*
 * How `certmap explain` shows an outcome.
 */
#ifndef CM_EXPLAIN_H
#define CM_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "authorize.h"
#include "principal.h"

/* One JSON object; its keys are in certmap.1.  False: no memory. */
bool cm_explain_json(const struct cm_principal *principal,
                     const struct cm_outcome *outcome, FILE *out);

/* The same for people, with what to do next after a refusal. */
bool cm_explain_text(const struct cm_settings *settings,
                     const struct cm_principal *principal,
                     const struct cm_outcome *outcome, FILE *out);

#endif
