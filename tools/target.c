#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ldap_connection.h"
#include "password.h"

enum cm_target_option
cm_target_take(struct cm_target_flags *flags, struct cm_options *options,
               int code, const char *value)
{
    const char **slot, *name;

    switch (code) {
    case 'H':
        slot = &flags->uri;
        name = "--uri";
        break;
    case 'D':
        slot = &flags->bind_dn;
        name = "--bind-dn";
        break;
    case 'y':
        slot = &flags->password_file;
        name = "--password-file";
        break;
    case 'Y':
        slot = &flags->sasl_mech;
        name = "--sasl-mech";
        break;
    default:
        return CM_TARGET_OTHER;
    }
    return cm_options_once(options, slot, name, value) ? CM_TARGET_TAKEN
                                                       : CM_TARGET_ERROR;
}

/* Replaces an owned text; NULL empties it.  False: no memory. */
static bool
replace(char **slot, const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);

    if (text != NULL && copy == NULL)
        return false;
    free(*slot);
    *slot = copy;
    return true;
}

static void
drop_password(struct cm_directory_config *config)
{
    if (config->password != NULL)
        explicit_bzero(config->password, strlen(config->password));
    (void)replace(&config->password, NULL);
    (void)replace(&config->password_file, NULL);
}

/* One server instead of the realm's.  What only their URIs needed goes. */
static bool
use_uri(struct cm_directory_config *config, const char *uri)
{
    char *copy = strdup(uri);

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < config->uri_count; i++)
        free(config->uris[i]);
    config->uris[0] = copy;
    config->uri_count = 1;
    if (strncasecmp(uri, "ldap:", strlen("ldap:")) != 0)
        config->starttls = false;
    if (!cm_ldap_uri_wants_tls(config, uri)) {
        (void)replace(&config->ca_file, NULL);
        (void)replace(&config->ciphers, NULL);
    }
    return true;
}

static enum cm_exit
use_sasl(struct cm_options *options, const struct cm_target_flags *flags,
         struct cm_directory_config *config)
{
    if (strcmp(flags->sasl_mech, "GSSAPI") == 0) {
        cm_tool_error(options->tool,
                      "--sasl-mech GSSAPI is not supported yet; use "
                      "--bind-dn, or EXTERNAL over ldapi://");
        return CM_EXIT_USAGE;
    }
    if (strcmp(flags->sasl_mech, "EXTERNAL") != 0) {
        cm_tool_error(options->tool,
                      "--sasl-mech %s: allowed are EXTERNAL, GSSAPI",
                      flags->sasl_mech);
        return CM_EXIT_USAGE;
    }
    if (flags->bind_dn != NULL || flags->password_file != NULL) {
        cm_tool_error(options->tool, "--sasl-mech EXTERNAL goes without "
                                     "--bind-dn and --password-file");
        return CM_EXIT_USAGE;
    }
    config->bind = CM_BIND_EXTERNAL;
    drop_password(config);
    (void)replace(&config->bind_dn, NULL);
    return CM_EXIT_YES;
}

static enum cm_exit
ask_password(struct cm_options *options, struct cm_directory_config *config)
{
    char secret[CM_LDAP_MAX_SECRET + 1], prompt[CM_DETAIL_SIZE];
    struct cm_detail detail = {""};
    enum cm_exit code = CM_EXIT_YES;

    (void)snprintf(prompt, sizeof(prompt), "Password of %s", config->bind_dn);
    if (!cm_password_ask(prompt, secret, sizeof(secret), &detail)) {
        cm_tool_error(options->tool,
                      "%s; --password-file names a file with the password",
                      detail.text);
        return CM_EXIT_USAGE;
    }
    if (!replace(&config->password, secret))
        code = cm_tool_no_memory(options->tool);
    explicit_bzero(secret, sizeof(secret));
    return code;
}

static enum cm_exit
use_simple(struct cm_options *options, const struct cm_target_flags *flags,
           struct cm_directory_config *config)
{
    if (flags->bind_dn == NULL && flags->password_file == NULL)
        return CM_EXIT_YES;
    if (flags->bind_dn == NULL && config->bind_dn == NULL) {
        cm_tool_error(options->tool, "--password-file needs --bind-dn: the "
                                     "realm has no bind_dn");
        return CM_EXIT_USAGE;
    }
    config->bind = CM_BIND_SIMPLE;
    drop_password(config);
    if ((flags->bind_dn != NULL &&
         !replace(&config->bind_dn, flags->bind_dn)) ||
        !replace(&config->password_file, flags->password_file))
        return cm_tool_no_memory(options->tool);
    return CM_EXIT_YES;
}

static bool
has_flags(const struct cm_target_flags *flags)
{
    return flags->uri != NULL || flags->bind_dn != NULL ||
           flags->password_file != NULL || flags->sasl_mech != NULL;
}

/* The password comes last: nobody types one for nothing. */
static enum cm_exit
apply_flags(struct cm_options *options, const struct cm_target_flags *flags,
            struct cm_directory_config *config)
{
    struct cm_detail detail = {""};
    enum cm_exit code;

    if (!has_flags(flags))
        return CM_EXIT_YES;
    if (config->kind != CM_DIRECTORY_LDAP) {
        cm_tool_error(options->tool, "--uri, --bind-dn, --password-file and "
                                     "--sasl-mech need directory = ldap");
        return CM_EXIT_USAGE;
    }
    if (flags->uri != NULL && !use_uri(config, flags->uri))
        return cm_tool_no_memory(options->tool);
    code = flags->sasl_mech != NULL ? use_sasl(options, flags, config)
                                    : use_simple(options, flags, config);
    if (code == CM_EXIT_YES && flags->bind_dn != NULL &&
        flags->password_file == NULL)
        code = ask_password(options, config);
    if (code == CM_EXIT_YES && !cm_directory_config_check(config, &detail)) {
        cm_tool_error(options->tool, "%s", detail.text);
        code = CM_EXIT_USAGE;
    }
    return code;
}

static enum cm_exit
load_settings(struct cm_options *options, struct cm_target *target)
{
    struct cm_text_list errors = {0};
    enum cm_exit code = CM_EXIT_USAGE;

    switch (cm_host_settings(target->host, target->realm, &target->settings,
                             &errors)) {
    case CM_HOST_FOUND:
        code = CM_EXIT_YES;
        break;
    case CM_HOST_ABSENT:
        cm_tool_error(options->tool,
                      "realm %s has no certmap subsection in kdc.conf; see "
                      "certmap(5), or name the file with -c",
                      target->realm);
        break;
    case CM_HOST_BROKEN:
        for (size_t i = 0; i < errors.count; i++)
            cm_tool_error(options->tool, "%s", errors.items[i]);
        break;
    }
    cm_text_list_clear(&errors);
    return code;
}

static enum cm_exit
open_target(struct cm_options *options, const struct cm_target_flags *flags,
            struct cm_target *target)
{
    struct cm_detail detail = {""};
    enum cm_exit code;

    target->host = cm_host_open(options->kdc_conf, &detail);
    if (target->host == NULL) {
        cm_tool_error(options->tool, "%s", detail.text);
        return CM_EXIT_USAGE;
    }
    target->realm = options->realm != NULL
                        ? strdup(options->realm)
                        : cm_host_default_realm(target->host);
    if (target->realm == NULL) {
        cm_tool_error(options->tool,
                      "there is no default realm; name one with -r");
        return CM_EXIT_USAGE;
    }
    code = load_settings(options, target);
    if (code != CM_EXIT_YES)
        return code;
    target->directory = &target->settings.directory;
    return apply_flags(options, flags, target->directory);
}

/* out must stay where it is: directory points into it. */
enum cm_exit
cm_target_open(struct cm_options *options, const struct cm_target_flags *flags,
               struct cm_target *out)
{
    enum cm_exit code;

    memset(out, 0, sizeof(*out));
    code = open_target(options, flags, out);
    if (code != CM_EXIT_YES)
        cm_target_close(out);
    return code;
}

void
cm_target_close(struct cm_target *target)
{
    cm_settings_clear(&target->settings);
    free(target->realm);
    cm_host_close(target->host);
    memset(target, 0, sizeof(*target));
}
