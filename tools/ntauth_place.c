/* certmap ntauth: where the list is, reading and writing it. */
#include "ntauth_command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "strength.h"

void
cm_ntauth_close(struct cm_ntauth *ntauth)
{
    if (ntauth->lock >= 0)
        (void)close(ntauth->lock);
    ntauth->lock = -1;
    cm_ntauth_session_close(ntauth->session);
    cm_ntauth_state_clear(&ntauth->state);
    cm_ntauth_items_clear(&ntauth->held);
    cm_ntauth_plan_clear(&ntauth->plan);
    cm_location_clear(&ntauth->files);
    free(ntauth->place);
    if (ntauth->target.host != NULL)
        cm_target_close(&ntauth->target);
}

/* ---- Which list ---- */

static bool
copy_location(const struct cm_location *from, struct cm_location *to)
{
    to->kind = from->kind;
    to->path = from->path == NULL ? NULL : strdup(from->path);
    return from->path == NULL || to->path != NULL;
}

/* As in the configuration, or the path alone: a folder is a DIR. */
static enum cm_exit
use_given_files(struct cm_ntauth *ntauth)
{
    const char *path = ntauth->list;
    struct stat st;

    if (strncmp(path, "FILE:", strlen("FILE:")) == 0) {
        ntauth->files.kind = CM_LOCATION_FILE;
        path += strlen("FILE:");
    } else if (strncmp(path, "DIR:", strlen("DIR:")) == 0) {
        ntauth->files.kind = CM_LOCATION_DIR;
        path += strlen("DIR:");
    } else {
        ntauth->files.kind = stat(path, &st) == 0 && S_ISDIR(st.st_mode)
                                 ? CM_LOCATION_DIR
                                 : CM_LOCATION_FILE;
    }
    ntauth->files.path = strdup(path);
    return ntauth->files.path != NULL
               ? CM_EXIT_YES
               : cm_tool_no_memory(ntauth->options.tool);
}

/* What the configuration says; the mirror of a directory's list is nobody's
 * to edit. */
static enum cm_exit
use_realm(struct cm_ntauth *ntauth, bool publish)
{
    const struct cm_settings *settings = &ntauth->target.settings;
    enum cm_exit code =
        cm_target_open(&ntauth->options, &ntauth->flags, &ntauth->target);

    if (code != CM_EXIT_YES)
        return code;
    ntauth->min_rsa_bits = settings->logon.min_rsa_bits;
    ntauth->directory =
        publish || ntauth->directory || settings->ntauth.from_ldap;
    if (ntauth->directory && settings->directory.kind != CM_DIRECTORY_LDAP)
        return cm_tool_fail(ntauth->options.tool, CM_EXIT_USAGE,
                            "the directory's list needs directory = ldap");
    if (ntauth->list != NULL)
        return use_given_files(ntauth);
    if (ntauth->directory && !publish)
        return CM_EXIT_YES;
    if (settings->ntauth.from_ldap)
        return cm_tool_fail(
            ntauth->options.tool, CM_EXIT_USAGE,
            "ntauth = ldap has no files of its own to publish; name "
            "them with --list");
    return copy_location(&settings->trust.ntauth, &ntauth->files)
               ? CM_EXIT_YES
               : cm_tool_no_memory(ntauth->options.tool);
}

static enum cm_exit
find_list(struct cm_ntauth *ntauth, bool publish)
{
    ntauth->min_rsa_bits = CM_MIN_RSA_BITS_DEFAULT;
    if (ntauth->list == NULL || publish)
        return use_realm(ntauth, publish);
    if (ntauth->directory)
        return cm_tool_fail(
            ntauth->options.tool, CM_EXIT_USAGE,
            "--list and --directory exclude each other, but for "
            "publish");
    return use_given_files(ntauth);
}

/* ---- Reading ---- */

static enum cm_exit
read_files(struct cm_ntauth *ntauth, struct cm_ntauth_items *out, bool write)
{
    struct cm_detail why = {""};

    if (write) {
        ntauth->lock = cm_ntauth_files_lock(&ntauth->files, &why);
        if (ntauth->lock < 0)
            return cm_tool_fail(ntauth->options.tool, CM_EXIT_UNAVAILABLE,
                                why.text);
    }
    return cm_ntauth_files_read(&ntauth->files, out, &ntauth->plan.warnings,
                                &why)
               ? CM_EXIT_YES
               : cm_tool_fail(ntauth->options.tool, CM_EXIT_UNAVAILABLE,
                              why.text);
}

/* The octet that Windows writes for nothing is nothing. */
static bool
hold_values(struct cm_ntauth *ntauth, const struct cm_ntauth_object *object)
{
    bool ok = true;

    for (size_t i = 0; ok && i < object->count; i++) {
        const struct cm_ntauth_value *value = &object->values[i];

        if (!ntauth->state.windows || value->len > 1 || value->bytes[0] != 0)
            ok = cm_ntauth_items_add(&ntauth->held, value->bytes, value->len,
                                     NULL);
    }
    return ok;
}

static enum cm_exit
exit_of(enum cm_ntauth_end end)
{
    switch (end) {
    case CM_NTAUTH_DONE:
        return CM_EXIT_YES;
    case CM_NTAUTH_EDITED:
    case CM_NTAUTH_REFUSED:
        return CM_EXIT_NO;
    case CM_NTAUTH_LOST:
        return CM_EXIT_UNAVAILABLE;
    }
    return CM_EXIT_UNAVAILABLE;
}

static enum cm_exit
read_directory(struct cm_ntauth *ntauth)
{
    struct cm_detail why = {""};
    enum cm_ntauth_end end;

    ntauth->session = cm_ntauth_session_open(ntauth->target.directory,
                                             CM_NTAUTH_TIMEOUT_MS, &why);
    if (ntauth->session == NULL)
        return cm_tool_fail(ntauth->options.tool, CM_EXIT_UNAVAILABLE,
                            why.text);
    end = cm_ntauth_session_read(ntauth->session, &ntauth->state, &why);
    if (end != CM_NTAUTH_DONE)
        return cm_tool_fail(ntauth->options.tool, exit_of(end), why.text);
    return hold_values(ntauth, &ntauth->state.plain) &&
                   hold_values(ntauth, &ntauth->state.binary)
               ? CM_EXIT_YES
               : cm_tool_no_memory(ntauth->options.tool);
}

static bool
name_place(struct cm_ntauth *ntauth)
{
    const char *kind =
        ntauth->files.kind == CM_LOCATION_DIR ? "DIR:" : "FILE:";

    if (ntauth->directory)
        ntauth->place = strdup(ntauth->state.dn);
    else if (asprintf(&ntauth->place, "%s%s", kind, ntauth->files.path) < 0)
        ntauth->place = NULL;
    ntauth->plan.place = ntauth->place;
    return ntauth->place != NULL;
}

enum cm_exit
cm_ntauth_open(struct cm_ntauth *ntauth, bool publish, bool write)
{
    enum cm_exit code = find_list(ntauth, publish);

    if (code == CM_EXIT_YES)
        code = ntauth->directory ? read_directory(ntauth)
                                 : read_files(ntauth, &ntauth->held, write);
    if (code == CM_EXIT_YES && publish)
        code = read_files(ntauth, &ntauth->plan.add, false);
    if (code == CM_EXIT_YES && !name_place(ntauth))
        code = cm_tool_no_memory(ntauth->options.tool);
    return code;
}

/* ---- Writing ---- */

/* Additions first: a list that is replaced is never empty. */
static enum cm_exit
write_files(struct cm_ntauth *ntauth)
{
    const struct cm_ntauth_plan *plan = &ntauth->plan;
    struct cm_detail why = {""};
    size_t done = 0;
    bool ok = true;

    for (size_t i = 0; ok && i < plan->add.count; i++, done += ok)
        ok = cm_ntauth_files_add(&ntauth->files, &plan->add.list[i], &why);
    for (size_t i = 0; ok && i < plan->remove.count; i++, done += ok)
        ok = cm_ntauth_files_remove(&ntauth->files, &plan->remove.list[i],
                                    &why);
    if (ok)
        return CM_EXIT_YES;
    cm_tool_error(ntauth->options.tool, "%s; %zu of %zu changes were made",
                  why.text, done, plan->add.count + plan->remove.count);
    return CM_EXIT_UNAVAILABLE;
}

static bool
collect(const struct cm_ntauth_items *items, struct cm_ntauth_object *out)
{
    bool ok = true;

    for (size_t i = 0; ok && i < items->count; i++)
        ok = cm_ntauth_object_add(out, items->list[i].der, items->list[i].len);
    return ok;
}

static enum cm_exit
write_directory(struct cm_ntauth *ntauth)
{
    struct cm_ntauth_object remove = {0}, add = {0};
    struct cm_text_list created = {0};
    struct cm_detail why = {""};
    enum cm_ntauth_end end = CM_NTAUTH_REFUSED;

    if (collect(&ntauth->plan.remove, &remove) &&
        collect(&ntauth->plan.add, &add))
        end = cm_ntauth_session_write(ntauth->session, &ntauth->state, &remove,
                                      &add, &created, &why);
    else
        cm_detail_set(&why, "out of memory");
    if (end != CM_NTAUTH_DONE)
        cm_tool_error(ntauth->options.tool, "%s%s", why.text,
                      end == CM_NTAUTH_LOST
                          ? "; it may have been written or not: see certmap "
                            "ntauth list"
                          : "");
    for (size_t i = 0; end != CM_NTAUTH_DONE && i < created.count; i++)
        cm_tool_error(ntauth->options.tool, "%s was created before",
                      created.items[i]);
    cm_text_list_clear(&created);
    cm_ntauth_object_clear(&remove);
    cm_ntauth_object_clear(&add);
    return exit_of(end);
}

enum cm_exit
cm_ntauth_apply(struct cm_ntauth *ntauth)
{
    return ntauth->directory ? write_directory(ntauth) : write_files(ntauth);
}
