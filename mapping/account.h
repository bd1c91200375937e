/*
 * What a directory says about one account, as plain values.
 */
#ifndef CM_ACCOUNT_H
#define CM_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certificate.h"

enum { CM_ACCOUNT_MAX_MAPPINGS = 20000 }; /* values on one account */

/* One attribute value: any bytes. */
struct cm_value {
    char *data; /* NUL-terminated for convenience; may hold NUL inside */
    size_t len;
};

struct cm_account {
    char *id; /* DN, or the principal where there is none; for the log */

    /* It is the account of the KDC's canonical principal: found by it and
     * compared again locally.  False: it came because of the UPN. */
    bool named;

    bool computer;      /* the UPN never maps it, DNS names may */
    bool disabled;      /* disabled, locked or expired */
    char *disabled_why; /* for the log; NULL unless disabled */

    char *account_name; /* sAMAccountName, uid, ...; NULL if it has none */

    enum cm_presence upn_state; /* explicit userPrincipalName */
    char *upn;

    /* objectSid.  has_sid_attribute is false for a schema without SIDs: then
     * a SID in the certificate cannot be compared. */
    bool has_sid_attribute;
    enum cm_presence sid_state;
    char *sid; /* canonical text */

    /* whenCreated or createTimestamp, seconds since 1970. */
    enum cm_presence created_state;
    int64_t created;

    struct cm_value *mappings; /* altSecurityIdentities, in any order */
    size_t mapping_count;
};

/* Every account that one directory query brought. */
struct cm_accounts {
    struct cm_account *list;
    size_t count;
};

void cm_account_clear(struct cm_account *account);
void cm_accounts_clear(struct cm_accounts *accounts);

/*
 * Is the UPN one of the account's?  Explicitly (userPrincipalName), or
 * implicitly (account name, "@", dns_domain), folding ASCII case.
 */
bool cm_account_has_upn(const struct cm_account *account, const char *upn,
                        const char *dns_domain);

/*
 * Is the DNS name host.dns_domain, where host and "$" are the account name
 * ([MS-PKCA] 3.1.5.2.1.1)?  Folds ASCII case; deeper names are not.
 */
bool cm_account_has_dns_name(const struct cm_account *account,
                             const char *dns_name, const char *dns_domain);

#endif
