#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_profile.h"

/* ---- the subsection and what surrounds it ---- */

/* Relations that were meant as a section but stand on one line. */
static void
report_one_line_sections(struct cm_config_reader *reader,
                         const struct cm_place *place, const char *only)
{
    struct cm_config_entries entries;
    const struct cm_config_entry *entry;

    if (!cm_config_list(reader, place, &entries))
        return;
    for (size_t i = 0; i < entries.count; i++) {
        entry = &entries.list[i];
        if (only != NULL && strcmp(entry->name, only) != 0)
            continue;
        if (entry->value != NULL && *entry->value == '{')
            cm_config_report(reader, place, entry->name, entry->value,
                             entry->nth,
                             "a subsection cannot be written on one line: "
                             "\"{\" ends its line, \"}\" has a line of its "
                             "own");
    }
    cm_config_entries_clear(&entries);
}

/* Does the library see a certmap subsection?  A plain value is reported. */
static bool
has_subsection(struct cm_config_reader *reader, const struct cm_place *realm)
{
    struct cm_config_entries entries;
    const struct cm_config_entry *entry;
    bool found = false;

    if (!cm_config_list(reader, realm, &entries))
        return false;
    for (size_t i = 0; i < entries.count; i++) {
        entry = &entries.list[i];
        if (strcmp(entry->name, "certmap") != 0)
            continue;
        if (entry->value == NULL)
            found = true;
        else if (*entry->value != '{')
            cm_config_report(reader, realm, entry->name, entry->value,
                             entry->nth,
                             "a plain value where a subsection belongs");
    }
    cm_config_entries_clear(&entries);
    return found;
}

/* Is there exactly one certmap block, and do library and files agree? */
static bool
find_block(struct cm_config_reader *reader, const char *realm)
{
    struct cm_place place = cm_place_in(&reader->realms, realm);
    struct cm_place none = {{NULL}, 0};
    struct cm_place plugins = cm_place_in(&none, "plugins");
    unsigned blocks = cm_config_openings(reader, &place, "certmap");
    bool found;

    report_one_line_sections(reader, &plugins, NULL);
    report_one_line_sections(reader, &reader->realms, realm);
    report_one_line_sections(reader, &place, "certmap");
    found = has_subsection(reader, &place);
    if (found != (blocks > 0))
        cm_config_report(reader, &place, "certmap", NULL, 0,
                         found ? "the profile library has this subsection, "
                                 "but no profile file that this process sees"
                               : "the profile library does not have this "
                                 "subsection: does a \"*\" hide it?");
    for (unsigned i = 1; i < blocks; i++)
        cm_config_report(reader, &place, "certmap", NULL, i,
                         "the realm's subsection is in more than one file "
                         "or block");
    return found;
}

/* ntauth = ldap: the list is where the refresher mirrors it to. */
static void
place_mirror(struct cm_config_reader *reader)
{
    struct cm_settings *settings = reader->settings;
    struct cm_trust_config *trust = &settings->trust;

    if (!settings->ntauth.from_ldap)
        return;
    trust->ntauth_max_age = settings->ntauth.max_age;
    trust->ntauth.kind = CM_LOCATION_DIR;
    if (asprintf(&trust->ntauth.path, "%s/%s", settings->store,
                 CM_STORE_NTAUTH) >= 0)
        return;
    trust->ntauth.path = NULL;
    reader->failed = true;
}

static void
read_realm(struct cm_config_reader *reader, const char *realm)
{
    struct cm_config_target target = {.settings = reader->settings};

    if (!cm_settings_init(reader->settings, realm)) {
        reader->failed = true;
        return;
    }
    cm_config_read_section(reader, &reader->certmap, "", &target);
    place_mirror(reader);
    if (reader->settings->mode != CM_MODE_OFF && !reader->failed)
        cm_config_cross_check(reader);
}

static void
report_scan_problems(struct cm_config_reader *reader)
{
    const struct cm_text_list *problems = &reader->scan.problems;

    for (size_t i = 0; i < problems->count; i++) {
        if (!cm_text_list_add(&reader->errors->list, problems->items[i]))
            reader->failed = true;
    }
}

static enum cm_config_result
load(struct cm_config_reader *reader, const char *realm)
{
    struct cm_place none = {{NULL}, 0}, place;
    bool found;

    reader->realms = cm_place_in(&none, "realms");
    place = cm_place_in(&reader->realms, realm);
    reader->certmap = cm_place_in(&place, "certmap");
    report_scan_problems(reader);
    found = find_block(reader, realm);
    if (found)
        read_realm(reader, realm);
    if (reader->failed || reader->errors->list.count > 0)
        return CM_CONFIG_BROKEN;
    return found ? CM_CONFIG_FOUND : CM_CONFIG_ABSENT;
}

enum cm_config_result
cm_config_load(krb5_context context, const struct cm_text_list *files,
               const char *realm, struct cm_settings *out,
               struct cm_config_errors *errors)
{
    struct cm_config_reader reader;
    enum cm_config_result result = CM_CONFIG_BROKEN;

    memset(out, 0, sizeof(*out));
    memset(&reader, 0, sizeof(reader));
    reader.settings = out;
    reader.errors = errors;
    if (!cm_scan_read(files, &reader.scan))
        return CM_CONFIG_BROKEN;
    if (krb5_get_profile(context, &reader.profile) == 0) {
        result = load(&reader, realm);
        profile_release(reader.profile);
    }
    cm_scan_clear(&reader.scan);
    if (result != CM_CONFIG_FOUND)
        cm_settings_clear(out);
    return result;
}

void
cm_config_errors_clear(struct cm_config_errors *errors)
{
    cm_text_list_clear(&errors->list);
}

/* ---- which files ---- */

static bool
add_each(const char *paths, struct cm_text_list *files)
{
    char *copy = strdup(paths), *rest = NULL;
    bool ok = copy != NULL;

    for (char *path = ok ? strtok_r(copy, ":", &rest) : NULL;
         ok && path != NULL; path = strtok_r(NULL, ":", &rest))
        ok = cm_scan_add_file(path, files);
    free(copy);
    return ok;
}

bool
cm_config_files(struct cm_text_list *files)
{
    const char *kdc_conf = secure_getenv("KRB5_KDC_PROFILE");
    const char *krb5_conf = secure_getenv("KRB5_CONFIG");

    if (cm_scan_add_file(kdc_conf != NULL ? kdc_conf : CERTMAP_KDC_CONF,
                         files) &&
        add_each(krb5_conf != NULL ? krb5_conf : CERTMAP_KRB5_CONF, files))
        return true;
    cm_text_list_clear(files);
    return false;
}
