/*
 * What `certmap check` can find.
 */
#ifndef CM_FINDINGS_H
#define CM_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tool.h"

/* identifier, severity, token, remedy */
#define CM_FINDINGS(X)                                                        \
    X(PROFILE_UNREADABLE, ERROR, "profile-unreadable",                        \
      "correct the file, or name the right one with -c or KRB5_CONFIG")       \
    X(REALM_ABSENT, ERROR, "realm-absent",                                    \
      "add a certmap subsection to the realm in kdc.conf; see certmap(5)")    \
    X(REALM_UNDECIDED, WARNING, "realm-undecided",                            \
      "add a certmap subsection, or one that says mode = off")                \
    X(CONFIG, ERROR, "config",                                                \
      "correct the relation as certmap(5) says, then restart the KDC")        \
    X(SUMMARY, NOTE, "summary", "nothing to do, if these are your choices")   \
    X(MODE_OFF, NOTE, "mode-off",                                             \
      "set mode = observe or enforce when certmap is to decide")              \
    X(MODE_OBSERVE, NOTE, "mode-observe",                                     \
      "set mode = enforce, and enable_only = certmap alone, when the log "    \
      "shows what you expect")                                                \
    X(REVOCATION_OFF, NOTE, "revocation-off",                                 \
      "nothing to do, if revoked cards lose their mapping instead")           \
    X(REVOCATION_SOFT, NOTE, "revocation-soft",                               \
      "set revocation = require once certmap status finds every CA fresh")    \
    X(STORE_UNUSABLE, ERROR, "store-unusable",                                \
      "make the folder root's and writable by nobody else, or correct store") \
    X(STORE_MISSING, ERROR, "store-missing",                                  \
      "run certmap refresh, and keep it running")                             \
    X(DENY_UNREADABLE, ERROR, "deny-unreadable",                              \
      "put the list right with certmap deny: until then every login is "      \
      "refused")                                                              \
    X(OVERRIDE, WARNING, "override",                                          \
      "nothing to do if you mean it: it ends by itself")                      \
    X(NTAUTH_MIRROR, ERROR, "ntauth-mirror",                                  \
      "run certmap refresh, and keep it running")                             \
    X(ENFORCEMENT, NOTE, "enforcement",                                       \
      "set enforcement = full once every account has a strong mapping")       \
    X(PLUGINS_ONE_LINE, ERROR, "plugins-one-line",                            \
      "write one relation a line, \"{\" last on its line and \"}\" alone")    \
    X(MODULE_NOT_LISTED, ERROR, "module-not-listed",                          \
      "add module = certmap:certmap.so to [plugins] certauth")                \
    X(MODULE_MISSING, ERROR, "module-missing",                                \
      "install the module there, or correct its path")                        \
    X(MODULE_UNLOADABLE, ERROR, "module-unloadable",                          \
      "install the module that belongs to this version, with its libraries")  \
    X(MODULE_DISABLED, ERROR, "module-disabled",                              \
      "remove certmap from disable, or add it to enable_only")                \
    X(MODULE_UNCHECKED, NOTE, "module-unchecked",                             \
      "name the module by its absolute path to have it checked")              \
    X(ENABLE_ONLY_MISSING, ERROR, "enable-only-missing",                      \
      "add enable_only = certmap to [plugins] certauth, so that a missing "   \
      "module refuses")                                                       \
    X(STOCK_SAN_ENABLED, ERROR, "stock-san-enabled",                          \
      "remove pkinit_san from enable_only: it accepts what certmap would "    \
      "not be asked about")                                                   \
    X(ENABLE_ONLY_MODE, ERROR, "enable-only-mode",                            \
      "enforce needs enable_only = certmap alone; observe and off need "      \
      "pkinit_san, pkinit_eku and certmap, each in a relation of its own")    \
    X(PKINIT_DISABLED, ERROR, "pkinit-disabled",                              \
      "remove the disable, or add module = certmap:certmap.so to [plugins] "  \
      "kdcpreauth")                                                           \
    X(PKINIT_TWICE, WARNING, "pkinit-twice",                                  \
      "add disable = pkinit to [plugins] kdcpreauth")                         \
    X(PKINIT_FIRST, ERROR, "pkinit-first",                                    \
      "take enable_only out of [plugins] kdcpreauth, and add disable = "      \
      "pkinit")                                                               \
    X(CERTAUTH_ALONE, NOTE, "certauth-alone",                                 \
      "add module = certmap:certmap.so and disable = pkinit to [plugins] "    \
      "kdcpreauth")                                                           \
    X(CERTAUTH_MISSING, ERROR, "certauth-missing",                            \
      "add module = certmap:certmap.so and enable_only = certmap to "         \
      "[plugins] certauth")                                                   \
    X(MODULE_PATHS, ERROR, "module-paths",                                    \
      "name the same file in [plugins] certauth and kdcpreauth")              \
    X(OCSP_MODULE_ALONE, NOTE, "ocsp-module-alone",                           \
      "add module = certmap:certmap.so to [plugins] kdcpreauth, too")         \
    X(OCSP_MODULE_ABSENT, NOTE, "ocsp-module-absent",                         \
      "add module = certmap_ocsp:certmap.so to [plugins] kdcpreauth, or do "  \
      "nothing: few clients ask")                                             \
    X(CERTAUTH_WAIT, NOTE, "certauth-wait",                                   \
      "remove certauth_wait; timeout limits how long a login waits")          \
    X(PKINIT_REVOKE, WARNING, "pkinit-revoke",                                \
      "remove pkinit_revoke: its CRLs are read once, when the KDC starts")    \
    X(PKINIT_CERT_MATCH, WARNING, "pkinit-cert-match",                        \
      "remove it: its rules are read by stock modules only; write mapping "   \
      "values instead")                                                       \
    X(PKINIT_INDICATOR, WARNING, "pkinit-indicator",                          \
      "remove pkinit_indicator: stock PKINIT asserts it for every "           \
      "certificate; use indicators in the certmap subsection")                \
    X(PKINIT_ALLOW_UPN, NOTE, "pkinit-allow-upn",                             \
      "remove it: only stock modules read it")                                \
    X(PKINIT_EKU_CHECKING, NOTE, "pkinit-eku-checking",                       \
      "remove it: only stock modules read it; use key_purpose")               \
    X(ANCHORS_MERGED, WARNING, "anchors-merged",                              \
      "remove pkinit_anchors from krb5.conf on the KDC, or name it in "       \
      "kdc.conf too if it is meant")                                          \
    X(KDC_IDENTITY_MISSING, ERROR, "kdc-identity-missing",                    \
      "set pkinit_identity = FILE:certificate,key for the realm")             \
    X(KDC_ANCHORS_MISSING, ERROR, "kdc-anchors-missing",                      \
      "set pkinit_anchors for the realm, with the KDC's own root")            \
    X(KDC_FILE_UNREADABLE, ERROR, "kdc-file-unreadable",                      \
      "correct the path, or the file")                                        \
    X(KDC_UNCHECKED, NOTE, "kdc-unchecked",                                   \
      "nothing to do; check looks into FILE: and DIR: only")                  \
    X(KDC_EKU, ERROR, "kdc-eku",                                              \
      "issue a certificate with extended key usage 1.3.6.1.5.2.3.5")          \
    X(KDC_NAME, ERROR, "kdc-name",                                            \
      "issue a certificate whose id-pkinit-san names krbtgt/REALM@REALM")     \
    X(KDC_PATH, ERROR, "kdc-path",                                            \
      "add the KDC's root to pkinit_anchors and what stands between to "      \
      "pkinit_pool")                                                          \
    X(KDC_KEY, ERROR, "kdc-key",                                              \
      "put the key that belongs to the certificate into pkinit_identity")     \
    X(KDC_VALIDITY, ERROR, "kdc-validity",                                    \
      "renew the KDC's certificate and restart the KDC")                      \
    X(KDC_BACKLOG, NOTE, "kdc-backlog",                                       \
      "set kdc_tcp_listen_backlog = 64 in [kdcdefaults], then restart the "   \
      "KDC")                                                                  \
    X(KDB_MODULE, ERROR, "kdb-module",                                        \
      "install kdb/certmap.so of this version, or name its folder with "      \
      "db_module_dir: until then no program opens the database")              \
    X(KDB_INNER, ERROR, "kdb-inner",                                          \
      "set certmap_inner to what db_library was before, such as db2: until "  \
      "then no program opens the database")                                   \
    X(KDB_NAMES, NOTE, "kdb-names",                                           \
      "nothing to do, if that is enough; an LDAP directory knows more")       \
    X(ANONYMOUS, NOTE, "anonymous",                                           \
      "set anonymous = refuse, unless anonymous tickets or FAST armour are "  \
      "meant")                                                                \
    X(ANCHORS_UNUSABLE, ERROR, "anchors-unusable",                            \
      "put at least one CA certificate, PEM or DER, where anchors points")    \
    X(NTAUTH_UNUSABLE, ERROR, "ntauth-unusable",                              \
      "put the certificates of the CAs that issue logon certificates where "  \
      "ntauth points")                                                        \
    X(NTAUTH_UNTRUSTED, WARNING, "ntauth-untrusted",                          \
      "add what stands between to intermediates, or its root to anchors; "    \
      "renew a CA that has expired")                                          \
    X(INTERMEDIATES_UNUSABLE, ERROR, "intermediates-unusable",                \
      "correct the path of intermediates, or remove the relation")            \
    X(TRUST_FILE, WARNING, "trust-file", "repair or remove the file")         \
    X(TRUST_NOT_CA, WARNING, "trust-not-ca",                                  \
      "remove it: it can issue nothing")                                      \
    X(DIRECTORY_UNAVAILABLE, ERROR, "directory-unavailable",                  \
      "start the directory, or correct its address, bind or files")           \
    X(KDB_UNAVAILABLE, NOTE, "kdb-unavailable",                               \
      "run check on the KDC to have requires_preauth looked at")              \
    X(ACCOUNT_WITHOUT_PREAUTH, WARNING, "account-without-preauth",            \
      "kadmin modprinc +requires_preauth PRINCIPAL")                          \
    X(ACCOUNTS_TRUNCATED, NOTE, "accounts-truncated",                         \
      "nothing to do; the rest was not looked at")                            \
    X(RESTART_DUE, WARNING, "restart-due", "restart the KDC")

#define CM_FINDING_IDENTIFIER(id, severity, token, remedy) CM_FINDING_##id,
enum cm_finding_kind { CM_FINDINGS(CM_FINDING_IDENTIFIER) };
#undef CM_FINDING_IDENTIFIER

enum cm_finding_severity {
    CM_FINDING_IS_ERROR,
    CM_FINDING_IS_WARNING,
    CM_FINDING_IS_NOTE
};

struct cm_finding {
    enum cm_finding_kind kind;
    char *realm; /* NULL: not about one realm */
    char *text;
};

struct cm_findings {
    struct cm_finding *list;
    size_t count;
    bool failed; /* out of memory: something is not in the list */
};

/* One finding; realm may be NULL.  The same text is kept once per kind. */
void cm_findings_add(struct cm_findings *findings, enum cm_finding_kind kind,
                     const char *realm, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void cm_findings_clear(struct cm_findings *findings);

/* True if one is an error or a warning. */
bool cm_findings_matter(const struct cm_findings *findings);

/* Prints all, errors first.  False: they are not whole, or no memory. */
bool cm_findings_print(const struct cm_findings *findings, bool json,
                       FILE *out);

#endif
