#include "ldap_options.h"

#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

/* Where distributions keep the CA certificates that the system trusts. */
static const char *const system_ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
};

static bool
set_int(LDAP *handle, int option, int value)
{
    return ldap_set_option(handle, option, &value) == LDAP_OPT_SUCCESS;
}

static bool
set_text(LDAP *handle, int option, const char *value)
{
    return ldap_set_option(handle, option, value) == LDAP_OPT_SUCCESS;
}

static bool
set_timeout(LDAP *handle, int timeout_ms)
{
    const struct timeval timeout = {
        .tv_sec = timeout_ms / 1000,
        .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000,
    };

    return ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &timeout) ==
               LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_TIMEOUT, &timeout) ==
               LDAP_OPT_SUCCESS;
}

bool
cm_ldap_set_options(LDAP *handle, int timeout_ms, struct cm_detail *detail)
{
    int seconds = timeout_ms / 1000 + 1;

    if (set_int(handle, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3) &&
        set_int(handle, LDAP_OPT_DEREF, LDAP_DEREF_NEVER) &&
        set_int(handle, LDAP_OPT_SIZELIMIT, CM_DIRECTORY_MAX_ENTRIES) &&
        set_int(handle, LDAP_OPT_TIMELIMIT, seconds) &&
        ldap_set_option(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) ==
            LDAP_OPT_SUCCESS &&
        ldap_set_option(handle, LDAP_OPT_RESTART, LDAP_OPT_ON) ==
            LDAP_OPT_SUCCESS &&
        ldap_set_option(handle, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) ==
            LDAP_OPT_SUCCESS &&
        set_timeout(handle, timeout_ms))
        return true;
    cm_detail_set(detail, "libldap does not take an option");
    return false;
}

/* config->ca_file, or the system's; NULL: there is none. */
static const char *
find_ca_file(const struct cm_directory_config *config)
{
    if (config->ca_file != NULL)
        return config->ca_file;
    for (size_t i = 0;
         i < sizeof(system_ca_files) / sizeof(system_ca_files[0]); i++) {
        if (access(system_ca_files[i], R_OK) == 0)
            return system_ca_files[i];
    }
    return NULL;
}

bool
cm_ldap_set_tls(LDAP *handle, const struct cm_directory_config *config,
                struct cm_detail *detail)
{
    const char *ca_file = find_ca_file(config);

    if (ca_file == NULL) {
        cm_detail_set(detail, "ca_file: none given, and the system has none");
        return false;
    }
    /* A name in the certificate decides; without one, its common name. */
    if (!set_int(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND) ||
        !set_int(handle, LDAP_OPT_X_TLS_REQUIRE_SAN, LDAP_OPT_X_TLS_TRY) ||
        !set_int(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN,
                 LDAP_OPT_X_TLS_PROTOCOL_TLS1_2) ||
        !set_int(handle, LDAP_OPT_X_TLS_PROTOCOL_MAX, 0) ||
        !set_text(handle, LDAP_OPT_X_TLS_CACERTDIR, NULL) ||
        !set_text(handle, LDAP_OPT_X_TLS_CERTFILE, NULL) ||
        !set_text(handle, LDAP_OPT_X_TLS_KEYFILE, NULL) ||
        !set_text(handle, LDAP_OPT_X_TLS_CRLFILE, NULL) ||
        !set_text(handle, LDAP_OPT_X_TLS_CIPHER_SUITE, config->ciphers) ||
        !set_text(handle, LDAP_OPT_X_TLS_CACERTFILE, ca_file)) {
        cm_detail_set(detail, "libldap does not take a TLS option");
        return false;
    }
    if (!set_int(handle, LDAP_OPT_X_TLS_NEWCTX, 0)) {
        cm_detail_set(detail,
                      "ca_file %s or ciphers %s: not accepted by the "
                      "TLS library",
                      ca_file,
                      config->ciphers != NULL ? config->ciphers : "(default)");
        return false;
    }
    return true;
}
