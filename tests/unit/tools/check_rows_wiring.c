/*
 * The rows of [plugins] kdcpreauth: who serves PKINIT, and how the modules
 * find each other; and those of [dbmodules].
 */
#include "check_rows.h"

#define KDB(folder, name, inner)                                              \
    "db_module_dir = @/" folder "\n" name                                     \
    " = {\ndb_library = certmap\n" inner "}\n"

const struct check_row check_rows_wiring[] = {
    /* [plugins] kdcpreauth. */
    {"pkinit-disabled",
     CM_EXIT_NO,
     NULL,
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\ndisable = pkinit\n}\n"}},
    {"pkinit-disabled",
     CM_EXIT_NO,
     NULL,
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\nenable_only = spake\n}\n"}},
    {"pkinit-disabled",
     CM_EXIT_NO,
     NULL,
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "enable_only = spake\n}\n"}},
    {"pkinit-twice",
     CM_EXIT_NO,
     "offered PKINIT twice",
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE "}\n"}},
    {"pkinit-twice",
     CM_EXIT_NO,
     NULL,
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "enable_only = certmap\n"
                               "enable_only = pkinit\n}\n"}},
    {"pkinit-first",
     CM_EXIT_NO,
     "pkinit before certmap",
     {.plugins =
          HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE "enable_only = pkinit\n"
                        "enable_only = certmap\n}\n"}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.plugins =
          HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE "enable_only = spake\n"
                        "enable_only = certmap\n}\n"}},
    {"certauth-alone",
     CM_EXIT_YES,
     "while a card login waits",
     {.plugins = HOST_CERTAUTH}},
    {"certauth-alone",
     CM_EXIT_NO,
     NULL,
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "disable = certmap\n}\n"}},
    {"module-disabled",
     CM_EXIT_NO,
     "kdcpreauth lists certmap",
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "disable = certmap\n}\n"}},
    {"module-disabled",
     CM_EXIT_NO,
     "kdcpreauth lists certmap",
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "enable_only = pkinit\n}\n"}},
    {"certauth-missing", CM_EXIT_NO, "(config)", {.plugins = HOST_PREAUTH}},
    {"module-not-listed", CM_EXIT_NO, NULL, {.plugins = HOST_PREAUTH}},
    {"module-paths",
     CM_EXIT_NO,
     "two files",
     {.plugins = "certauth = {\nmodule = certmap:" FAKE_CERTAUTH "\n"
                 "enable_only = certmap\n}\n" HOST_PREAUTH}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.plugins = "certauth = {\nmodule = certmap:@/linked.so\n"
                 "enable_only = certmap\n}\n" HOST_PREAUTH}},
    {"ocsp-module-absent",
     CM_EXIT_YES,
     "gets none",
     {.certmap = HOST_TRUST HOST_DIRECTORY HOST_STORE,
      .plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "disable = pkinit\n}\n"}},
    {"ocsp-module-absent",
     CM_EXIT_YES,
     NULL,
     {.certmap = HOST_TRUST HOST_DIRECTORY HOST_STORE,
      .plugins = HOST_ENFORCE "kdcpreauth = {\ndisable = certmap_ocsp\n}\n"}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_MODULE
                               "disable = pkinit\n}\n"}},
    {"ocsp-module-alone",
     CM_EXIT_NO,
     "without certmap",
     {.plugins = HOST_CERTAUTH "kdcpreauth = {\n" HOST_OCSP_MODULE
                               "disable = pkinit\n}\n"}},
    {"certauth-wait",
     CM_EXIT_YES,
     "nobody asks it",
     {.certmap = "certauth_wait = none\n" HOST_CERTMAP}},
    {"certauth-wait",
     CM_EXIT_YES,
     NULL,
     {.certmap = "certauth_wait = all\n" HOST_CERTMAP}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.certmap = "certauth_wait = directory\n" HOST_CERTMAP}},
    {"certauth-alone",
     CM_EXIT_YES,
     NULL,
     {.certmap = "certauth_wait = none\n" HOST_CERTMAP,
      .plugins = HOST_CERTAUTH}},

    /* [dbmodules]. */
    {"",
     CM_EXIT_YES,
     NULL,
     {.dbmodules = KDB("kdb", "EXAMPLE.COM", "certmap_inner = inner\n")}},
    {"",
     CM_EXIT_YES,
     NULL,
     {.dbmodules = "EXAMPLE.COM = {\ndb_library = db2\n}\n"
                   "other = {\ndb_library = certmap\n}\n"}},
    {"kdb-inner",
     CM_EXIT_NO,
     "EXAMPLE.COM: certmap_inner is missing",
     {.dbmodules = KDB("kdb", "EXAMPLE.COM", "")}},
    {"kdb-inner",
     CM_EXIT_NO,
     "certmap_inner = certmap: allowed",
     {.dbmodules = KDB("kdb", "EXAMPLE.COM", "certmap_inner = certmap\n")}},
    {"kdb-inner",
     CM_EXIT_NO,
     "there is no nothere.so",
     {.dbmodules = KDB("kdb", "EXAMPLE.COM", "certmap_inner = nothere\n")}},
    {"kdb-inner",
     CM_EXIT_NO,
     "certmap_inner = none: it is no KDB module",
     {.dbmodules = KDB("kdb", "EXAMPLE.COM", "certmap_inner = none\n")}},
    {"kdb-inner",
     CM_EXIT_NO,
     "needs the same",
     {.dbmodules = KDB("kdb", "EXAMPLE.COM", "certmap_inner = inner\n")
          KDB("kdb", "OTHER.COM", "certmap_inner = db2\n")}},
    {"kdb-inner",
     CM_EXIT_NO,
     "main: certmap_inner is missing",
     {.realm = HOST_PKINIT "database_module = main\n",
      .dbmodules = KDB("kdb", "main", "")}},
    {"kdb-inner",
     CM_EXIT_NO,
     "certmap_inner is missing",
     {.certmap = "mode = off\n", .dbmodules = KDB("kdb", "EXAMPLE.COM", "")}},
    {"kdb-module",
     CM_EXIT_NO,
     "broken-kdb/certmap.so",
     {.dbmodules =
          KDB("broken-kdb", "EXAMPLE.COM", "certmap_inner = inner\n")}},
    {"kdb-names",
     CM_EXIT_NO, /* the stand-in opens no database */
     "PRINCIPAL@example.com",
     {.certmap = HOST_TRUST "revocation = off\n",
      .dbmodules = KDB("kdb", "EXAMPLE.COM", "certmap_inner = inner\n")}},

    /* Only the KDC itself could give the ticket that this asks for. */
    {"config",
     CM_EXIT_NO,
     "sasl_mech = GSSAPI",
     {.certmap = HOST_TRUST "revocation = off\ndirectory = ldap\nldap = {\n"
                            "uri = ldaps://ldap.example.com\n"
                            "base = dc=example,dc=com\nschema = mit\n"
                            "sasl_mech = GSSAPI\n}\n"}},
};

const size_t check_row_wiring_count =
    sizeof(check_rows_wiring) / sizeof(check_rows_wiring[0]);
