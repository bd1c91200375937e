/*
 * Step 7: which authentication indicators and whether hw-authent.
 */
#ifndef CM_INDICATORS_H
#define CM_INDICATORS_H

#include "authorize.h"

/*
 * Evaluates the realm's rules and those of the issuer blocks that apply, for
 * an accepted login.  policy:OID in a realm rule needs the OID in the path's
 * valid policy set; in an issuer block it reads the leaf.  anyPolicy never
 * counts.  Each indicator at most once.  False: no memory, outputs untouched.
 */
bool cm_indicators_evaluate(const struct cm_effective *effective,
                            const struct cm_certificate *cert,
                            const struct cm_path *path,
                            enum cm_strength strength, bool revocation_checked,
                            struct cm_text_list *indicators, bool *hw_authent);

/* "always", "never", "strength:strong", "policy:OID", "issuer:HEX64",
 * "revocation:checked".  False: detail says what is allowed. */
bool cm_condition_parse(const char *text, struct cm_condition *out,
                        struct cm_detail *detail);
void cm_condition_clear(struct cm_condition *condition);

#endif
