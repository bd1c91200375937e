/*
 * Whose account is it?  The other way round than a login asks: not "does this
 * name fit the account of that principal", but which principal a
 * userPrincipalName or a value of altSecurityIdentities stands for.
 *
 * What is found is a hint and no more: whoever uses it still decides, by a
 * certificate, whether it is that account's.
 */
#ifndef CM_WHO_H
#define CM_WHO_H

#include "altsecid.h"
#include "directory.h"

enum { CM_WHO_MAX_MAPPINGS = 16 };

/* All borrowed.  An account is meant that has the UPN or one of the values. */
struct cm_who_question {
    const char *realm;      /* of the principal */
    const char *dns_domain; /* of the realm, for implicit UPNs */
    const char *upn;        /* clean text with an "@"; NULL: none */
    const struct cm_candidate *mappings;
    size_t mapping_count; /* at most CM_WHO_MAX_MAPPINGS */
    int timeout_ms;
};

/*
 * CM_OK: exactly one account is meant, and *out is its canonical principal,
 * which the caller clears.  CM_ACCOUNT_NOT_FOUND: none is, or one from which
 * no single principal of the realm can be read, or the directory is `kdb`,
 * which has no index of either.  CM_ACCOUNT_AMBIGUOUS: several are; detail
 * names two.  CM_DIRECTORY_UNAVAILABLE, CM_NO_MEMORY, CM_INTERNAL.  Except
 * with CM_OK, *out is zeroed and detail says why.
 */
enum cm_reason cm_directory_who(struct cm_directory *directory,
                                const struct cm_who_question *question,
                                struct cm_principal *out,
                                struct cm_detail *detail);

#endif
