/*
 * What single values of the configuration cannot show.
 */
#include "config_profile.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* The index of a relation that the table has. */
static size_t
index_of(const char *name)
{
    size_t i = 0;

    while (i < CM_RELATION_COUNT - 1 &&
           strcmp(cm_relation_table[i].name, name) != 0)
        i++;
    return i;
}

static bool
given(const struct cm_config_reader *reader, const char *name)
{
    return reader->given[index_of(name)];
}

/* Was a value of directory, ldap or ldap { } refused? */
static bool
is_directory_bad(const struct cm_config_reader *reader)
{
    const char *name;

    for (size_t i = 0; i < CM_RELATION_COUNT; i++) {
        name = cm_relation_table[i].name;
        if (reader->bad[i] && (strncmp(name, "ldap", strlen("ldap")) == 0 ||
                               strcmp(name, "directory") == 0))
            return true;
    }
    return false;
}

static struct cm_place
ldap_place(const struct cm_config_reader *reader)
{
    return cm_place_in(&reader->certmap, "ldap");
}

/* A relation that says nothing where another one is missing. */
static void
report_without(struct cm_config_reader *reader, const char *name,
               const char *other)
{
    static const char ldap[] = "ldap.";
    bool inner = strncmp(name, ldap, sizeof(ldap) - 1) == 0;
    struct cm_place place = inner ? ldap_place(reader) : reader->certmap;

    if (given(reader, name))
        cm_config_report(reader, &place,
                         inner ? name + sizeof(ldap) - 1 : name, NULL, 0,
                         "has no meaning without %s", other);
}

/* Does the named file or folder exist, and can it be read? */
static void
check_file(struct cm_config_reader *reader, const struct cm_place *place,
           const char *name, const struct cm_location *location)
{
    bool folder = location->kind == CM_LOCATION_DIR;
    const char *why = NULL;
    struct stat st;

    if (location->kind == CM_LOCATION_NONE)
        return;
    if (stat(location->path, &st) != 0)
        why = strerror(errno);
    else if (folder && !S_ISDIR(st.st_mode))
        why = "not a folder";
    else if (!folder && !S_ISREG(st.st_mode))
        why = "not a regular file";
    else if (access(location->path, folder ? R_OK | X_OK : R_OK) != 0)
        why = strerror(errno);
    if (why != NULL)
        cm_config_report(reader, place, name, location->path, 0, "%s", why);
}

static void
check_path(struct cm_config_reader *reader, const char *name, char *path)
{
    struct cm_location location = {CM_LOCATION_FILE, path};
    struct cm_place place = ldap_place(reader);

    if (path != NULL)
        check_file(reader, &place, name, &location);
}

static void
check_trust(struct cm_config_reader *reader)
{
    const struct cm_place *place = &reader->certmap;
    const struct cm_trust_config *trust = &reader->settings->trust;

    if (!given(reader, "anchors"))
        cm_config_report(reader, place, "anchors", NULL, 0,
                         "required: FILE:/path, DIR:/path or ntauth");
    if (!given(reader, "ntauth"))
        cm_config_report(reader, place, "ntauth", NULL, 0,
                         "required: FILE:/path, DIR:/path or ldap");
    check_file(reader, place, "anchors", &trust->anchors);
    check_file(reader, place, "intermediates", &trust->intermediates);
    if (!reader->settings->ntauth.from_ldap)
        check_file(reader, place, "ntauth", &trust->ntauth);
}

/* Does each connection to the directory protect what it brings? */
static bool
is_protected(const struct cm_directory_config *directory)
{
    for (size_t i = 0; i < directory->uri_count; i++) {
        if (strncasecmp(directory->uris[i], "ldap:", strlen("ldap:")) == 0 &&
            !directory->starttls)
            return false;
    }
    return true;
}

/* Whoever can change the list on its way could let any CA issue cards; whoever
 * can change it in the directory must not choose the anchors as well. */
static void
check_mirror(struct cm_config_reader *reader)
{
    const struct cm_settings *settings = reader->settings;
    const struct cm_place *place = &reader->certmap;

    if (!settings->ntauth.from_ldap) {
        report_without(reader, "ntauth_max_age", "ntauth = ldap");
        report_without(reader, "ldap.ntauth_dn", "ntauth = ldap");
        return;
    }
    if (settings->trust.anchors_are_ntauth)
        cm_config_report(reader, place, "ntauth", "ldap", 0,
                         "not with anchors = ntauth: the directory alone "
                         "would say whom to trust");
    if (settings->directory.kind != CM_DIRECTORY_LDAP)
        cm_config_report(reader, place, "ntauth", "ldap", 0,
                         "needs directory = ldap");
    else if (!is_protected(&settings->directory))
        cm_config_report(reader, place, "ntauth", "ldap", 0,
                         "only over ldaps://, ldapi:// or starttls = true");
}

static void
check_http(struct cm_config_reader *reader)
{
    struct cm_location ca_file = {CM_LOCATION_FILE,
                                  reader->settings->http.ca_file};

    if (!given(reader, "http_proxy"))
        report_without(reader, "http_proxy_hosts", "http_proxy");
    if (ca_file.path != NULL)
        check_file(reader, &reader->certmap, "http_ca_file", &ca_file);
}

static void
require_in_ldap(struct cm_config_reader *reader, const char *relation,
                const char *what)
{
    struct cm_place place = ldap_place(reader);

    if (!given(reader, relation))
        cm_config_report(reader, &place, relation + strlen("ldap."), NULL, 0,
                         "required with this directory: %s", what);
}

static void
check_bind(struct cm_config_reader *reader)
{
    struct cm_place place = ldap_place(reader);
    bool bind_dn = given(reader, "ldap.bind_dn");
    bool password = given(reader, "ldap.password_file");
    bool sasl = given(reader, "ldap.sasl_mech");

    if (sasl && (bind_dn || password))
        cm_config_report(reader, &place, "sasl_mech", NULL, 0,
                         "not together with bind_dn or password_file");
    else if (bind_dn && !password)
        cm_config_report(reader, &place, "bind_dn", NULL, 0,
                         "needs password_file");
    else if (password && !bind_dn)
        cm_config_report(reader, &place, "password_file", NULL, 0,
                         "needs bind_dn");
}

static void
check_ldap(struct cm_config_reader *reader)
{
    const struct cm_directory_config *directory = &reader->settings->directory;

    require_in_ldap(reader, "ldap.uri", "one or more URIs");
    require_in_ldap(reader, "ldap.base", "a distinguished name");
    require_in_ldap(reader, "ldap.schema", "ad, mit, ipa or posix");
    check_bind(reader);
    check_path(reader, "password_file", directory->password_file);
    check_path(reader, "ca_file", directory->ca_file);
    if (reader->settings->certauth_wait == CM_WAIT_NONE)
        cm_config_report(reader, &reader->certmap, "certauth_wait", "none", 0,
                         "with directory = ldap every login would be "
                         "refused; use directory, or another directory");
}

/* Relations that need a server have no meaning for a file. */
static void
check_ldif(struct cm_config_reader *reader)
{
    static const char *const server_only[] = {
        "ldap.uri",       "ldap.bind_dn",      "ldap.password_file",
        "ldap.sasl_mech", "ldap.ca_file",      "ldap.starttls",
        "ldap.ciphers",   "ldap.object_filter"};
    struct cm_location file = {CM_LOCATION_FILE,
                               reader->settings->directory.ldif_path};
    struct cm_place place = ldap_place(reader);

    check_file(reader, &reader->certmap, "directory", &file);
    require_in_ldap(reader, "ldap.schema", "ad, mit, ipa or posix");
    for (size_t i = 0; i < sizeof(server_only) / sizeof(server_only[0]); i++) {
        if (given(reader, server_only[i]))
            cm_config_report(reader, &place, server_only[i] + strlen("ldap."),
                             NULL, 0, "has no meaning with directory = ldif");
    }
}

static void
check_directory(struct cm_config_reader *reader)
{
    size_t before = reader->errors->list.count;
    struct cm_place place = ldap_place(reader);
    struct cm_detail detail = {{0}};

    if (reader->bad[index_of("directory")])
        return;
    switch (reader->settings->directory.kind) {
    case CM_DIRECTORY_KDB:
        if (given(reader, "ldap") && !is_directory_bad(reader))
            cm_config_report(reader, &reader->certmap, "ldap", NULL, 0,
                             "has no meaning with directory = kdb; set "
                             "directory = ldap or leave it out");
        return;
    case CM_DIRECTORY_LDAP:
        check_ldap(reader);
        break;
    case CM_DIRECTORY_LDIF:
        check_ldif(reader);
        break;
    }
    /* What only the backend can judge, once the rest is in order. */
    if (reader->errors->list.count == before && !is_directory_bad(reader) &&
        !cm_directory_config_check(&reader->settings->directory, &detail))
        cm_config_report(reader, &place, NULL, NULL, 0, "%s", detail.text);
}

void
cm_config_cross_check(struct cm_config_reader *reader)
{
    check_trust(reader);
    check_mirror(reader);
    check_http(reader);
    check_directory(reader);
}
