/*
 * Each finding of certmap check that needs files only, as one change to a
 * host that is otherwise right.
 */
#include "check_rows.h"

const struct check_row check_rows[] = {
    {"", CM_EXIT_YES, NULL, {.realm = NULL}},

    /* The subsection. */
    {"realm-absent", CM_EXIT_NO, NULL, {.whole = ""}},
    {"config",
     CM_EXIT_NO,
     "enforc",
     {.certmap = "mode = enforc\n" HOST_CERTMAP}},
    {"config",
     CM_EXIT_NO,
     "anchorz",
     {.certmap = "anchorz = x\n" HOST_CERTMAP}},
    {"config",
     CM_EXIT_NO,
     "one line",
     {.whole = "certmap = { mode = enforce }\n"}},
    {"config", CM_EXIT_NO, NULL, {.whole = "certmap = yes\n"}},
    {"config",
     CM_EXIT_NO,
     "timeout",
     {.certmap = "timeout = 1s # short\n" HOST_CERTMAP}},
    {"realm-undecided",
     CM_EXIT_NO,
     "refused",
     {.more = "[realms]\nOTHER.COM = {\nmax_life = 1h\n}\n"}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.krb5_conf = "[realms]\nOTHER.COM = {\nkdc = kdc.other.com\n}\n"}},

    /* Choices. */
    {"mode-observe",
     CM_EXIT_YES,
     NULL,
     {.certmap = "mode = observe\n" HOST_CERTMAP, .plugins = HOST_OBSERVE}},
    {"enforcement",
     CM_EXIT_YES,
     "compatibility",
     {.certmap = "enforcement = compatibility\n" HOST_CERTMAP}},
    {"enforcement",
     CM_EXIT_YES,
     "disabled",
     {.certmap = "enforcement = disabled\n" HOST_CERTMAP}},
    {"revocation-soft",
     CM_EXIT_YES,
     "nothing is known",
     {.certmap = HOST_TRUST HOST_DIRECTORY HOST_STORE "revocation = soft\n"}},
    {"", CM_EXIT_YES, NULL, {.certmap = HOST_TRUST HOST_DIRECTORY HOST_STORE}},
    {"store-unusable",
     CM_EXIT_NO,
     "/nowhere: ",
     {.certmap = HOST_TRUST HOST_DIRECTORY "store = @/nowhere\n"}},
    {"store-unusable",
     CM_EXIT_NO,
     "/roots.pem: ",
     {.certmap = HOST_TRUST HOST_DIRECTORY "store = @/roots.pem\n"}},
    {"deny-unreadable",
     CM_EXIT_NO,
     "deny",
     {.certmap = HOST_TRUST HOST_DIRECTORY "store = @/broken-store\n"}},

    /* [plugins] certauth. */
    {"module-not-listed",
     CM_EXIT_NO,
     NULL,
     {.plugins = "certauth = {\nenable_only = certmap\n}\n"}},
    {"module-not-listed",
     CM_EXIT_NO,
     NULL,
     {.plugins = "certauth = {\nmodule = certmapper:x.so\n"
                 "enable_only = certmap\n}\n"}},
    {"plugins-one-line",
     CM_EXIT_NO,
     "read as text",
     {.plugins = HOST_CERTAUTH "kdcpreauth = certmap:certmap.so\n"}},
    {"config",
     CM_EXIT_NO,
     "one line",
     {.plugins = "certauth = { module = certmap:certmap.so }\n"}},
    {"module-missing",
     CM_EXIT_NO,
     "/nowhere/certmap.so",
     {.plugins = "certauth = {\nmodule = certmap:/nowhere/certmap.so\n"
                 "enable_only = certmap\n}\n"}},
    {"module-missing",
     CM_EXIT_NO,
     "/krb5/plugins/none/certmap.so",
     {.plugins = "certauth = {\nmodule = certmap:none/certmap.so\n"
                 "enable_only = certmap\n}\n"}},
    {"module-missing",
     CM_EXIT_NO,
     "/nowhere/plugins/certmap.so",
     {.plugins = "certauth = {\nmodule = certmap:certmap.so\n"
                 "enable_only = certmap\n}\n",
      .krb5_conf = "plugin_base_dir = /nowhere/plugins\n"}},
    {"module-unchecked",
     CM_EXIT_YES,
     "%{LIBDIR}",
     {.plugins = "certauth = {\nmodule = certmap:certmap.so\n"
                 "enable_only = certmap\n}\n" HOST_PREAUTH,
      .krb5_conf = "plugin_base_dir = %{LIBDIR}/plugins\n"}},
    {"module-unloadable",
     CM_EXIT_NO,
     "cannot be loaded",
     {.plugins = "certauth = {\nmodule = certmap:@/junk\n"
                 "enable_only = certmap\n}\n"}},
    {"module-unloadable",
     CM_EXIT_NO,
     "kdcpreauth_certmap_initvt",
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n"
                               "module = certmap:" FAKE_CERTAUTH "\n"
                               "disable = pkinit\n}\n"}},
    {"module-unloadable",
     CM_EXIT_NO,
     "kdcpreauth_certmap_ocsp_initvt",
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "module = certmap_ocsp:" FAKE_CERTAUTH "\n"
                               "disable = pkinit\n}\n"}},
    {"module-missing",
     CM_EXIT_NO,
     "/nowhere/certmap.so",
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "module = certmap_ocsp:/nowhere/certmap.so\n"
                               "disable = pkinit\n}\n"}},
    {"module-disabled",
     CM_EXIT_NO,
     NULL,
     {.plugins = "certauth = {\n" HOST_MODULE "enable_only = certmap\n"
                 "disable = certmap\n}\n"}},
    {"enable-only-missing",
     CM_EXIT_NO,
     "stock PKINIT accepts alone",
     {.plugins = "certauth = {\n" HOST_MODULE "}\n"}},
    {"enable-only-missing",
     CM_EXIT_NO,
     NULL,
     {.plugins = "certauth = {\n" HOST_MODULE "disable = pkinit_san\n"
                 "disable = pkinit_eku\n}\n"}},

    /* enable_only and the mode. */
    {"stock-san-enabled",
     CM_EXIT_NO,
     NULL,
     {.plugins = "certauth = {\n" HOST_MODULE "enable_only = certmap\n"
                 "enable_only = pkinit_san\n}\n"}},
    {"enable-only-mode",
     CM_EXIT_NO,
     "pkinit_eku beside certmap",
     {.plugins = "certauth = {\n" HOST_MODULE "enable_only = certmap\n"
                 "enable_only = pkinit_eku\n}\n"}},
    {"enable-only-mode",
     CM_EXIT_NO,
     "does not list certmap",
     {.plugins = "certauth = {\n" HOST_MODULE
                 "enable_only = certmap pkinit_eku\n}\n"}},
    {"enable-only-mode",
     CM_EXIT_NO,
     "does not list pkinit_san",
     {.certmap = "mode = observe\n" HOST_CERTMAP}},
    {"enable-only-mode",
     CM_EXIT_NO,
     "does not list pkinit_eku",
     {.certmap = "mode = observe\n" HOST_CERTMAP,
      .plugins = "certauth = {\n" HOST_MODULE "enable_only = certmap\n"
                 "enable_only = pkinit_san\n}\n"}},
    {"enable-only-mode",
     CM_EXIT_NO,
     "does not list certmap",
     {.certmap = "mode = observe\n" HOST_CERTMAP,
      .plugins = "certauth = {\n" HOST_MODULE "enable_only = pkinit_eku\n"
                 "enable_only = pkinit_san\n}\n"}},
    {"enable-only-mode",
     CM_EXIT_NO,
     "mode is off",
     {.more = "[realms]\nOTHER.COM = {\ncertmap = {\nmode = off\n}\n}\n"}},

    /* The KDC's port. */
    {"kdc-backlog", CM_EXIT_YES, "5, the default", {.defaults = ""}},
    {"kdc-backlog",
     CM_EXIT_YES,
     "is 31:",
     {.defaults = "kdc_tcp_listen_backlog = 31\n"}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.defaults = "kdc_tcp_listen_backlog = 32\n"
                  "kdc_max_dgram_reply_size = 4096\n"}},

    /* Left over from stock PKINIT. */
    {"pkinit-revoke",
     CM_EXIT_NO,
     "FILE:x.crl",
     {.realm = HOST_PKINIT "pkinit_revoke = FILE:x.crl\n"}},
    {"pkinit-revoke",
     CM_EXIT_NO,
     "FILE:x.crl",
     {.more = "[kdcdefaults]\npkinit_revoke = FILE:x.crl\n"}},
    {"pkinit-cert-match",
     CM_EXIT_NO,
     NULL,
     {.realm = HOST_PKINIT "pkinit_cert_match = <EKU>clientAuth\n"}},
    {"pkinit-indicator",
     CM_EXIT_NO,
     NULL,
     {.realm = HOST_PKINIT "pkinit_indicator = card\n"}},
    {"pkinit-allow-upn",
     CM_EXIT_YES,
     NULL,
     {.realm = HOST_PKINIT "pkinit_allow_upn = true\n"}},
    {"pkinit-eku-checking",
     CM_EXIT_YES,
     NULL,
     {.realm = HOST_PKINIT "pkinit_eku_checking = none\n"}},
    {"mode-observe",
     CM_EXIT_YES,
     NULL,
     {.realm = HOST_PKINIT "pkinit_eku_checking = none\n"
                           "pkinit_allow_upn = true\n",
      .certmap = "mode = observe\n" HOST_CERTMAP,
      .plugins = HOST_OBSERVE}},
    {"anchors-merged",
     CM_EXIT_NO,
     "FILE:other.pem",
     {.krb5_conf = "[realms]\nEXAMPLE.COM = {\n"
                   "pkinit_anchors = FILE:other.pem\n}\n"}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.krb5_conf = "[realms]\nEXAMPLE.COM = {\n"
                   "pkinit_anchors = FILE:roots.pem\n}\n"}},

    /* The KDC's own certificate. */
    {"kdc-identity-missing",
     CM_EXIT_NO,
     "PKINIT is off",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.realm = "", .more = "[kdcdefaults]\n" HOST_PKINIT}},
    {"kdc-anchors-missing",
     CM_EXIT_NO,
     "PKINIT is off",
     {.realm = "pkinit_identity = FILE:kdc.pem,kdc.key\n"}},
    {"kdc-file-unreadable",
     CM_EXIT_NO,
     "nowhere.pem",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:nowhere.pem,kdc.key\n"}},
    {"kdc-file-unreadable",
     CM_EXIT_NO,
     "pkinit_pool",
     {.realm = HOST_PKINIT "pkinit_pool = DIR:empty\n"}},
    {"kdc-file-unreadable",
     CM_EXIT_NO,
     "nowhere.key: No such file",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc.pem,nowhere.key\n"}},
    {"kdc-file-unreadable",
     CM_EXIT_NO,
     "kdc.pem holds no private key",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc.pem\n"}},
    {"kdc-file-unreadable",
     CM_EXIT_NO,
     "locked.key holds no private key",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc.pem,locked.key\n"}},
    {"kdc-file-unreadable",
     CM_EXIT_NO,
     "names no file",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:,\n"}},
    {"kdc-key",
     CM_EXIT_NO,
     "other.key is not the key of kdc.pem",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc.pem,other.key\n"}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc-both.pem\n"}},
    {"kdc-unchecked",
     CM_EXIT_YES,
     "PKCS11:x",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = PKCS11:x\n"}},
    {"kdc-unchecked",
     CM_EXIT_YES,
     "ENV:X",
     {.realm = HOST_PKINIT "pkinit_pool = ENV:X\n"}},
    {"kdc-eku",
     CM_EXIT_NO,
     "kdc-no-eku.pem",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc-no-eku.pem,kdc.key\n"}},
    {"kdc-name",
     CM_EXIT_NO,
     "krbtgt/EXAMPLE.COM@EXAMPLE.COM",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc-no-name.pem,kdc.key\n"}},
    {"kdc-path",
     CM_EXIT_NO,
     "kdc-foreign.pem",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc-foreign.pem,kdc.key\n"}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_anchors = FILE:other.pem\n"
               "pkinit_identity = FILE:kdc-foreign.pem,kdc.key\n"}},
    {"kdc-validity",
     CM_EXIT_NO,
     "has expired",
     {.realm = "pkinit_anchors = FILE:roots.pem\n"
               "pkinit_identity = FILE:kdc-expired.pem,kdc.key\n"}},

    /* Trust. */
    {"anchors-unusable",
     CM_EXIT_NO,
     "/empty",
     {.certmap = "anchors = DIR:@/empty\nntauth = DIR:@/ntauth\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"anchors-unusable",
     CM_EXIT_NO,
     "/junk",
     {.certmap = "anchors = FILE:@/junk\nntauth = DIR:@/ntauth\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"ntauth-unusable",
     CM_EXIT_NO,
     "/empty",
     {.certmap = "anchors = FILE:@/roots.pem\nntauth = DIR:@/empty\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"ntauth-unusable",
     CM_EXIT_NO,
     "/empty",
     {.certmap = "anchors = ntauth\nntauth = DIR:@/empty\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.certmap = "anchors = ntauth\nntauth = DIR:@/ntauth\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"ntauth-untrusted",
     CM_EXIT_NO,
     "CN=Other does not lead to an anchor",
     {.certmap = "anchors = FILE:@/roots.pem\nntauth = FILE:@/other.pem\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.certmap = "anchors = DIR:@/ntauth\nntauth = DIR:@/ntauth\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.certmap = "anchors = FILE:@/roots.pem\nntauth = FILE:@/roots.pem\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"intermediates-unusable",
     CM_EXIT_NO,
     "/damaged",
     {.certmap = "anchors = FILE:@/roots.pem\nntauth = DIR:@/ntauth\n"
                 "intermediates = FILE:@/damaged\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.certmap = "anchors = FILE:@/roots.pem\nntauth = DIR:@/ntauth\n"
                 "intermediates = DIR:@/empty\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"trust-file",
     CM_EXIT_NO,
     "readme.txt",
     {.certmap = "anchors = FILE:@/roots.pem\nntauth = DIR:@/spotted\n"
                 "revocation = off\n" HOST_DIRECTORY}},
    {"trust-not-ca",
     CM_EXIT_NO,
     "CN=alice",
     {.certmap = "anchors = FILE:@/roots.pem\nntauth = DIR:@/ntauth\n"
                 "intermediates = FILE:@/alice.pem\n"
                 "revocation = off\n" HOST_DIRECTORY}},

    /* Directories. */
    {"directory-unavailable",
     CM_EXIT_NO,
     "127.0.0.1:1",
     {.certmap = HOST_TRUST "revocation = off\ndirectory = ldap\n"
                            "ldap = {\nuri = ldap://127.0.0.1:1\n"
                            "base = dc=example,dc=com\nschema = mit\n}\n"}},
    {"directory-unavailable",
     CM_EXIT_NO,
     "database",
     {.certmap = HOST_TRUST "revocation = off\n"}},
};

const size_t check_row_count = sizeof(check_rows) / sizeof(check_rows[0]);
