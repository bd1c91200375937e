/*
 * A KDC's configuration in the current folder, right in every respect, with
 * changes.
 */
#ifndef HOST_H
#define HOST_H

/* Lines that replace what stands there; NULL: leave it. */
struct host {
    const char *realm;     /* EXAMPLE.COM's own, before certmap */
    const char *certmap;   /* the subsection's relations */
    const char *whole;     /* the subsection with its braces; "": none */
    const char *plugins;   /* [plugins] */
    const char *dbmodules; /* [dbmodules] */
    const char *more;      /* after all that, such as [kdcdefaults] */
    const char *defaults;  /* [kdcdefaults] */
    const char *krb5_conf; /* after krb5.conf's [libdefaults] */
};

/* Certificates, lists and accounts; sets KRB5_CONFIG and KRB5_KDC_PROFILE. */
void host_make(void);
/* The same in a temporary folder, for a group of cmocka's;
 * folder_tear_down() ends it. */
int host_set_up(void **state);

/* Writes kdc.conf and krb5.conf. */
void host_configure(const struct host *host);

/* The relations that a change starts from. */
#define HOST_PKINIT                                                           \
    "pkinit_identity = FILE:kdc.pem,kdc.key\n"                                \
    "pkinit_anchors = FILE:roots.pem\n"
#define HOST_TRUST                                                            \
    "anchors = FILE:@/roots.pem\n"                                            \
    "intermediates = DIR:@/intermediates\n"                                   \
    "ntauth = DIR:@/ntauth\n"
#define HOST_DIRECTORY                                                        \
    "directory = ldif:@/accounts.ldif\n"                                      \
    "ldap = {\n"                                                              \
    "schema = mit\n"                                                          \
    "}\n"
#define HOST_STORE "store = @/store\n"
#define HOST_CERTMAP HOST_TRUST "revocation = off\n" HOST_DIRECTORY
#define HOST_MODULE "module = certmap:" FAKE_MODULE "\n"
#define HOST_OCSP_MODULE "module = certmap_ocsp:" FAKE_MODULE "\n"
#define HOST_CERTAUTH                                                         \
    "certauth = {\n" HOST_MODULE "enable_only = certmap\n"                    \
    "}\n"
#define HOST_PREAUTH                                                          \
    "kdcpreauth = {\n" HOST_MODULE HOST_OCSP_MODULE "disable = pkinit\n"      \
    "}\n"
#define HOST_ENFORCE HOST_CERTAUTH HOST_PREAUTH
#define HOST_OBSERVE                                                          \
    "certauth = {\n" HOST_MODULE "enable_only = pkinit_san\n"                 \
    "enable_only = pkinit_eku\n"                                              \
    "enable_only = certmap\n"                                                 \
    "}\n" HOST_PREAUTH

#endif
