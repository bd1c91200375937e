/*
 * Every option of a libldap handle, so that ldap.conf, ~/.ldaprc and the
 * environment, which libldap reads first, decide nothing.
 */
#ifndef CM_LDAP_OPTIONS_H
#define CM_LDAP_OPTIONS_H

#include <stdbool.h>

#include <ldap.h>

#include "detail.h"
#include "directory.h"

/* Everything but TLS.  timeout_ms bounds each step of libldap's own. */
bool cm_ldap_set_options(LDAP *handle, int timeout_ms,
                         struct cm_detail *detail);

/* A TLS context of the handle's own: certificates are demanded, ca_file and
 * ciphers are read now. */
bool cm_ldap_set_tls(LDAP *handle, const struct cm_directory_config *config,
                     struct cm_detail *detail);

#endif
