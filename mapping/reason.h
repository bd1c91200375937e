/*
 * Why a login was accepted or refused.
 *
 * One list serves the log, the JSON output, the manual pages, the tests and
 * the error that the client receives.  The numbers are those of RFC 4120
 * section 7.5.9 and RFC 4556 section 3.1.3 (66 and 74 come from earlier drafts
 * of RFC 4556).  Only numbers that the KDC lets a preauth module send may
 * stand here: krb5kdc turns any other into 24.
 */
#ifndef CM_REASON_H
#define CM_REASON_H

/* identifier, token, error number, text */
#define CM_REASONS(X)                                                         \
    X(CM_OK, "ok", 0, "accepted")                                             \
    X(CM_CERT_MALFORMED, "cert-malformed", 71,                                \
      "the certificate cannot be decoded strictly")                           \
    X(CM_CERT_VALIDITY, "cert-validity", 71,                                  \
      "the certificate is outside its validity period")                       \
    X(CM_CERT_KEY_PURPOSE, "cert-key-purpose", 77,                            \
      "key usage or extended key usage does not allow client logon, or it "   \
      "is a CA certificate")                                                  \
    X(CM_CERT_WEAK_CRYPTO, "cert-weak-crypto", 71,                            \
      "a key or signature is below the floor")                                \
    X(CM_PATH_UNTRUSTED, "path-untrusted", 70,                                \
      "no certification path leads to a trust anchor")                        \
    X(CM_NTAUTH_ABSENT, "ntauth-absent", 62,                                  \
      "the issuing CA is not on the NTAuth list")                             \
    X(CM_REVOKED, "revoked", 72, "a certificate is revoked or on hold")       \
    X(CM_REVOCATION_UNKNOWN, "revocation-unknown", 73,                        \
      "no source says anything current about the certificate's status")       \
    X(CM_REVOCATION_UNAVAILABLE, "revocation-unavailable", 74,                \
      "a source of revocation status did not answer in time")                 \
    X(CM_ACCOUNT_NOT_FOUND, "account-not-found", 75,                          \
      "the directory has no account for the principal")                       \
    X(CM_ACCOUNT_AMBIGUOUS, "account-ambiguous", 66,                          \
      "the directory has more than one account where one is needed")          \
    X(CM_ACCOUNT_DISABLED, "account-disabled", 62,                            \
      "the account is disabled, locked or expired in the directory")          \
    X(CM_NAME_MISMATCH, "name-mismatch", 75,                                  \
      "the certificate's UPN or DNS name is another account's, or nobody's")  \
    X(CM_NO_MAPPING, "no-mapping", 75,                                        \
      "nothing ties the certificate to the account")                          \
    X(CM_WEAK_MAPPING, "weak-mapping", 66,                                    \
      "only a weak mapping matches and enforcement is full")                  \
    X(CM_CERT_PREDATES_ACCOUNT, "cert-predates-account", 66,                  \
      "only a weak mapping matches and the certificate is older than the "    \
      "account")                                                              \
    X(CM_SID_MISMATCH, "sid-mismatch", 66,                                    \
      "the SID in the certificate is not the account's")                      \
    X(CM_SID_MALFORMED, "sid-malformed", 66,                                  \
      "the SID in the certificate is damaged, doubled or contradictory")      \
    X(CM_DIRECTORY_UNAVAILABLE, "directory-unavailable", 24,                  \
      "the directory did not answer in time")                                 \
    X(CM_BUSY, "busy", 24, "too many logins are in flight")                   \
    X(CM_CONFIG, "config", 24,                                                \
      "the configuration is invalid: everything is refused")                  \
    X(CM_NO_MEMORY, "no-memory", 24, "out of memory")                         \
    X(CM_INTERNAL, "internal", 24, "internal error")

#define CM_REASON_IDENTIFIER(id, token, number, text) id,
enum cm_reason { CM_REASONS(CM_REASON_IDENTIFIER) };
#undef CM_REASON_IDENTIFIER

/* The stable token, such as "weak-mapping".  Static; never NULL. */
const char *cm_reason_token(enum cm_reason reason);

/* One English sentence part, such as "out of memory".  Static. */
const char *cm_reason_text(enum cm_reason reason);

/* The RFC 4120 error number: 0 for CM_OK, else 62 to 77, or 24. */
int cm_reason_number(enum cm_reason reason);

#endif
