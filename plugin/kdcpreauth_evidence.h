/*
 * Evidence out of what the KDC hands over.
 */
#ifndef CM_KDCPREAUTH_EVIDENCE_H
#define CM_KDCPREAUTH_EVIDENCE_H

#include <krb5.h>

#include "evidence.h"
#include "realm.h"

struct _krb5_db_entry_new;

/*
 * Who is this about, and which realm's rules hold?  The name that the client
 * typed may be an alias: the canonical principal of the database entry
 * governs, the typed one is only logged.  out is initialised here;
 * out->reason is CM_OK where the realm is ready or off.  realms NULL: no
 * memory.
 */
void cm_evidence_identify(krb5_context context, struct cm_realms *realms,
                          krb5_const_principal requested,
                          const struct _krb5_db_entry_new *entry,
                          struct cm_login_evidence *out);

/* The same with the certificate, and what the entry says where that is the
 * directory. */
void cm_evidence_gather(krb5_context context, struct cm_realms *realms,
                        krb5_const_principal requested, const uint8_t *cert,
                        size_t cert_len,
                        const struct _krb5_db_entry_new *entry,
                        struct cm_login_evidence *out);

/* NULL unless the realm is ready. */
const struct cm_settings *
cm_evidence_settings(const struct cm_login_evidence *evidence);

/* Ready, with mode = observe. */
bool cm_evidence_observes(const struct cm_login_evidence *evidence);

/* mode = off: the realm is the built-in modules'. */
bool cm_evidence_is_off(const struct cm_login_evidence *evidence);

#endif
