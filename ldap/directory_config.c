/*
 * The ldap and ldif configuration, judged before anything is connected.
 */
#include "directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <ldap.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "ldap_connection.h"
#include "ldap_options.h"

void
cm_directory_config_clear(struct cm_directory_config *config)
{
    cm_schema_clear(&config->schema);
    free(config->ldif_path);
    for (size_t i = 0; i < config->uri_count; i++)
        free(config->uris[i]);
    free(config->base);
    free(config->bind_dn);
    free(config->password_file);
    if (config->password != NULL)
        explicit_bzero(config->password, strlen(config->password));
    free(config->password);
    free(config->ca_file);
    free(config->ciphers);
    free(config->ntauth_dn);
    memset(config, 0, sizeof(*config));
}

/* A numeric loopback address, or the name that always means one. */
static bool
is_loopback(const char *host)
{
    struct in6_addr six;
    struct in_addr four;
    char bare[INET6_ADDRSTRLEN];
    size_t len = strlen(host);

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len >= sizeof(bare))
        return false;
    memcpy(bare, host, len);
    bare[len] = '\0';
    return inet_pton(AF_INET6, bare, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool
check_parsed_uri(const struct cm_directory_config *config, const char *uri,
                 const LDAPURLDesc *url, struct cm_detail *detail)
{
    bool local = strcasecmp(url->lud_scheme, "ldapi") == 0;
    bool plain = strcasecmp(url->lud_scheme, "ldap") == 0;

    if (!local && !plain && strcasecmp(url->lud_scheme, "ldaps") != 0) {
        cm_detail_set(detail, "uri: \"%s\": ldap, ldaps or ldapi", uri);
        return false;
    }
    if ((url->lud_dn != NULL && *url->lud_dn != '\0') ||
        strchr(uri, '?') != NULL) {
        cm_detail_set(detail,
                      "uri: \"%s\": a host and a port only (the base has a "
                      "relation of its own)",
                      uri);
        return false;
    }
    if (local)
        return true;
    if (url->lud_host == NULL || *url->lud_host == '\0' || url->lud_port < 1 ||
        url->lud_port > 65535) {
        cm_detail_set(detail, "uri: \"%s\": no host, or no such port", uri);
        return false;
    }
    if (plain && !config->starttls && !is_loopback(url->lud_host)) {
        cm_detail_set(detail,
                      "uri: \"%s\": ldap:// without starttls = true only to "
                      "this machine; use ldaps://",
                      uri);
        return false;
    }
    return true;
}

static bool
check_uris(const struct cm_directory_config *config, struct cm_detail *detail)
{
    LDAPURLDesc *url;
    bool ok = true;

    if (config->uri_count == 0) {
        cm_detail_set(detail, "uri: missing");
        return false;
    }
    for (size_t i = 0; ok && i < config->uri_count; i++) {
        if (ldap_url_parse(config->uris[i], &url) != LDAP_URL_SUCCESS) {
            cm_detail_set(detail, "uri: \"%s\" is not an LDAP URI",
                          config->uris[i]);
            return false;
        }
        ok = check_parsed_uri(config, config->uris[i], url, detail);
        ldap_free_urldesc(url);
    }
    return ok;
}

static bool
check_dn(const char *relation, const char *text, struct cm_detail *detail)
{
    LDAPDN dn = NULL;

    if (text == NULL || *text == '\0' ||
        ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS) {
        cm_detail_set(detail, "%s: \"%s\" is not a distinguished name",
                      relation, text != NULL ? text : "");
        return false;
    }
    ldap_dnfree(dn);
    return true;
}

static bool
check_simple_bind(const struct cm_directory_config *config,
                  struct cm_detail *detail)
{
    char secret[CM_LDAP_MAX_SECRET + 1];
    bool ok;

    if (config->bind_dn == NULL && config->password_file == NULL)
        return true;
    if (config->bind_dn == NULL ||
        (config->password_file == NULL && config->password == NULL)) {
        cm_detail_set(detail, "bind_dn and password_file: both or neither");
        return false;
    }
    if (!check_dn("bind_dn", config->bind_dn, detail))
        return false;
    if (config->password_file == NULL)
        return strlen(config->password) <= CM_LDAP_MAX_SECRET;
    ok = cm_ldap_read_secret(config->password_file, secret, detail);
    explicit_bzero(secret, sizeof(secret));
    return ok;
}

/* Who we are is what the kernel says about the socket's other end. */
static bool
check_external(const struct cm_directory_config *config,
               struct cm_detail *detail)
{
    if (config->bind_dn != NULL || config->password_file != NULL) {
        cm_detail_set(detail, "sasl_mech: EXTERNAL has no bind_dn and no "
                              "password_file");
        return false;
    }
    for (size_t i = 0; i < config->uri_count; i++) {
        if (strncasecmp(config->uris[i], "ldapi:", strlen("ldapi:")) != 0) {
            cm_detail_set(detail,
                          "sasl_mech: EXTERNAL needs ldapi://, not \"%s\"",
                          config->uris[i]);
            return false;
        }
    }
    return true;
}

static bool
check_bind(const struct cm_directory_config *config, struct cm_detail *detail)
{
    switch (config->bind) {
    case CM_BIND_SIMPLE:
        return check_simple_bind(config, detail);
    case CM_BIND_EXTERNAL:
        return check_external(config, detail);
    case CM_BIND_GSSAPI:
        cm_detail_set(detail,
                      "sasl_mech: GSSAPI cannot be used inside certauth: it "
                      "would ask the KDC that is waiting");
        return false;
    }
    return false;
}

/* The TLS library takes a file without certificates, and refuses later. */
static bool
holds_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *cert =
        file == NULL ? NULL : PEM_read_bio_X509(file, NULL, NULL, NULL);
    bool found = cert != NULL;

    X509_free(cert);
    BIO_free(file);
    ERR_clear_error();
    return found;
}

/* Lets the TLS library read ca_file and ciphers, on a handle of no use. */
static bool
check_tls(const struct cm_directory_config *config, struct cm_detail *detail)
{
    LDAP *handle = NULL;
    bool needed = false, plain = false, ok;

    for (size_t i = 0; i < config->uri_count; i++) {
        plain = plain || strncasecmp(config->uris[i], "ldap:", 5) == 0;
        needed = needed || cm_ldap_uri_wants_tls(config, config->uris[i]);
    }
    if (config->starttls && !plain) {
        cm_detail_set(detail, "starttls: no uri begins with ldap://");
        return false;
    }
    if (!needed && (config->ca_file != NULL || config->ciphers != NULL)) {
        cm_detail_set(detail, "%s: no uri uses TLS",
                      config->ca_file != NULL ? "ca_file" : "ciphers");
        return false;
    }
    if (!needed)
        return true;
    if (config->ca_file != NULL && !holds_certificate(config->ca_file)) {
        cm_detail_set(detail, "ca_file: %s: holds no PEM certificate",
                      config->ca_file);
        return false;
    }
    if (ldap_initialize(&handle, NULL) != LDAP_SUCCESS) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    ok = cm_ldap_set_tls(handle, config, detail);
    (void)ldap_unbind_ext(handle, NULL, NULL);
    return ok;
}

/*
 * libldap parses a filter before it connects, and says so when it cannot;
 * connecting to the null device fails at once.
 */
static bool
check_filter(const char *filter, struct cm_detail *detail)
{
    LDAP *handle = NULL;
    int code, message_id;

    if (filter == NULL)
        return true;
    if (ldap_initialize(&handle, "ldapi://%2Fdev%2Fnull") != LDAP_SUCCESS) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    code = *filter != '('
               ? LDAP_FILTER_ERROR
               : ldap_search_ext(handle, "", LDAP_SCOPE_BASE, filter, NULL, 0,
                                 NULL, NULL, NULL, 0, &message_id);
    (void)ldap_unbind_ext(handle, NULL, NULL);
    if (code != LDAP_FILTER_ERROR)
        return true;
    cm_detail_set(detail,
                  "object_filter: \"%s\" is not an LDAP filter in parentheses",
                  filter);
    return false;
}

static bool
check_ldif(const struct cm_directory_config *config, struct cm_detail *detail)
{
    if (config->ldif_path == NULL || access(config->ldif_path, R_OK) != 0) {
        cm_detail_set(detail, "directory: ldif:%s: %s",
                      config->ldif_path != NULL ? config->ldif_path : "",
                      config->ldif_path != NULL ? strerror(errno)
                                                : "no file named");
        return false;
    }
    if (config->schema.object_filter != NULL) {
        cm_detail_set(detail, "object_filter: not with directory = ldif:");
        return false;
    }
    return true;
}

bool
cm_directory_config_check(const struct cm_directory_config *config,
                          struct cm_detail *detail)
{
    switch (config->kind) {
    case CM_DIRECTORY_KDB:
        return true;
    case CM_DIRECTORY_LDIF:
        return check_ldif(config, detail);
    case CM_DIRECTORY_LDAP:
        return check_uris(config, detail) &&
               check_dn("base", config->base, detail) &&
               (config->ntauth_dn == NULL ||
                check_dn("ntauth_dn", config->ntauth_dn, detail)) &&
               check_bind(config, detail) && check_tls(config, detail) &&
               check_filter(config->schema.object_filter, detail);
    }
    return false;
}
