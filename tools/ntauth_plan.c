/* certmap ntauth: what is to be added and removed. */
#include "ntauth_command.h"

#include <stdlib.h>
#include <string.h>

#include "certfile.h"
#include "name.h"

/* An error, or a warning, about one certificate. */
static void
say_about(struct cm_ntauth *ntauth, const struct cm_ntauth_item *item,
          const char *what)
{
    char *name = item->x509 == NULL
                     ? NULL
                     : cm_name_rfc4514(X509_get_subject_name(item->x509));

    cm_tool_error(ntauth->options.tool, "%s: %s",
                  name == NULL ? "a certificate" : name, what);
    free(name);
}

static bool
copy_item(struct cm_ntauth_items *to, const struct cm_ntauth_item *item)
{
    return cm_ntauth_items_add(to, item->der, item->len, item->where);
}

/* ---- Which certificates ---- */

static enum cm_exit
read_certificates(struct cm_ntauth *ntauth, const char *path,
                  struct cm_ntauth_items *out)
{
    struct cm_detail why = {""};
    X509 **list = NULL;
    size_t count = 0;
    bool ok = true;

    if (!cm_certfile_read_any(ntauth->options.tool->in, path, &list, &count,
                              &why))
        return cm_tool_fail(ntauth->options.tool, CM_EXIT_USAGE, why.text);
    for (size_t i = 0; ok && i < count; i++)
        ok = cm_ntauth_items_add_x509(out, list[i], path);
    cm_certificates_free(list, count);
    return ok ? CM_EXIT_YES : cm_tool_no_memory(ntauth->options.tool);
}

/* Of a file with several it must be clear which one is meant. */
static enum cm_exit
choose(struct cm_ntauth *ntauth, const char *path,
       const struct cm_ntauth_items *from, struct cm_ntauth_items *to)
{
    struct cm_ntauth_print print = {.len = 0};
    size_t before = to->count;
    bool ok = true;

    if (ntauth->fingerprint != NULL &&
        !cm_ntauth_print_parse(ntauth->fingerprint, &print))
        return cm_tool_fail(
            ntauth->options.tool, CM_EXIT_USAGE,
            "--fingerprint is SHA-256 or SHA-512 in hexadecimal");
    if (ntauth->fingerprint == NULL && !ntauth->all && from->count > 1) {
        cm_tool_error(ntauth->options.tool,
                      "%s holds %zu certificates: choose one with "
                      "--fingerprint, or take --all",
                      path, from->count);
        for (size_t i = 0; i < from->count; i++)
            say_about(ntauth, &from->list[i], "is one of them");
        return CM_EXIT_USAGE;
    }
    for (size_t i = 0; ok && i < from->count; i++) {
        if (ntauth->fingerprint == NULL ||
            cm_ntauth_print_names(&print, &from->list[i]))
            ok = cm_ntauth_items_find(to, from->list[i].sha256) != NULL ||
                 copy_item(to, &from->list[i]);
    }
    if (!ok)
        return cm_tool_no_memory(ntauth->options.tool);
    if (to->count > before || ntauth->fingerprint == NULL)
        return CM_EXIT_YES;
    cm_tool_error(ntauth->options.tool, "%s holds no such certificate", path);
    return CM_EXIT_USAGE;
}

/* The certificates of the operands. */
static enum cm_exit
gather(struct cm_ntauth *ntauth, struct cm_ntauth_items *out)
{
    enum cm_exit code = CM_EXIT_YES;

    for (int i = 1; code == CM_EXIT_YES && i < ntauth->options.operand_count;
         i++) {
        const char *path = ntauth->options.operands[i];
        struct cm_ntauth_items all = {NULL, 0};

        code = read_certificates(ntauth, path, &all);
        if (code == CM_EXIT_YES)
            code = choose(ntauth, path, &all, out);
        cm_ntauth_items_clear(&all);
    }
    return code;
}

/* ---- Planning ---- */

/* All or none are added. */
static enum cm_exit
judge(struct cm_ntauth *ntauth, const struct cm_ntauth_items *items)
{
    enum cm_exit code = CM_EXIT_YES;

    for (size_t i = 0; i < items->count; i++) {
        struct cm_detail warning = {""}, why = {""};

        if (!cm_ntauth_item_fits(&items->list[i], ntauth->min_rsa_bits,
                                 ntauth->now, ntauth->anyway, &warning,
                                 &why)) {
            say_about(ntauth, &items->list[i], why.text);
            code = CM_EXIT_NO;
        } else if (warning.text[0] != '\0' &&
                   !cm_text_list_add(&ntauth->plan.warnings, warning.text)) {
            return cm_tool_no_memory(ntauth->options.tool);
        }
    }
    return code;
}

/* What is there already is kept, the rest is new. */
static enum cm_exit
plan_additions(struct cm_ntauth *ntauth, const struct cm_ntauth_items *wanted)
{
    struct cm_ntauth_plan *plan = &ntauth->plan;
    struct cm_ntauth_items new = {NULL, 0};
    const struct cm_ntauth_item *there;
    enum cm_exit code;
    bool ok = true;

    for (size_t i = 0; ok && i < wanted->count; i++) {
        there = cm_ntauth_items_find(&ntauth->held, wanted->list[i].sha256);
        if (there != NULL)
            ok = copy_item(&plan->keep, there);
        else if (cm_ntauth_items_find(&new, wanted->list[i].sha256) == NULL)
            ok = cm_ntauth_items_add(&new, wanted->list[i].der,
                                     wanted->list[i].len, NULL);
    }
    code = ok ? judge(ntauth, &new) : cm_tool_no_memory(ntauth->options.tool);
    cm_ntauth_items_clear(&plan->add);
    plan->add = new;
    for (size_t i = 0; code == CM_EXIT_YES && plan->add.count > 0 &&
                       i < ntauth->state.missing.count;
         i++) {
        if (!cm_text_list_add(&plan->create, ntauth->state.missing.items[i]))
            code = cm_tool_no_memory(ntauth->options.tool);
    }
    return code;
}

/* Another certificate of the same key keeps the CA on the list. */
static bool
warn_of_twins(struct cm_ntauth *ntauth)
{
    const struct cm_ntauth_items *gone = &ntauth->plan.remove;
    const struct cm_ntauth_items *held = &ntauth->held;
    bool ok = true;

    for (size_t i = 0; i < gone->count; i++) {
        for (size_t j = 0; ok && j < held->count; j++) {
            if (gone->list[i].x509 == NULL || held->list[j].x509 == NULL ||
                memcmp(held->list[j].spki_sha256, gone->list[i].spki_sha256,
                       32) != 0 ||
                cm_ntauth_items_find(gone, held->list[j].sha256) != NULL)
                continue;
            ok = cm_text_list_add(
                &ntauth->plan.warnings,
                "the CA stays on the list: another certificate of its key is "
                "there; --fingerprint with the key's SHA-256 removes all");
            break;
        }
    }
    return ok;
}

/* Nobody could log in with a card. */
static enum cm_exit
mind_the_last(struct cm_ntauth *ntauth)
{
    static const char warning[] =
        "this empties the NTAuth list: EVERY smart-card login of the realm "
        "will be refused";

    if (cm_ntauth_items_distinct(&ntauth->plan.remove) <
            cm_ntauth_items_distinct(&ntauth->held) ||
        cm_ntauth_items_distinct(&ntauth->plan.remove) == 0 ||
        ntauth->plan.add.count > 0)
        return CM_EXIT_YES;
    if (!cm_text_list_add(&ntauth->plan.warnings, warning))
        return cm_tool_no_memory(ntauth->options.tool);
    if (ntauth->yes || ntauth->dry)
        return CM_EXIT_YES;
    cm_tool_error(ntauth->options.tool, "%s; if that is meant, say --yes",
                  warning);
    return CM_EXIT_NO;
}

static bool
is_named(const struct cm_ntauth_items *named,
         const struct cm_ntauth_print *print,
         const struct cm_ntauth_item *item)
{
    if (named->count > 0)
        return cm_ntauth_items_find(named, item->sha256) != NULL;
    return print->len > 0 && cm_ntauth_print_names(print, item);
}

/* A file may hold it twice, and loses both at once. */
static bool
is_planned(const struct cm_ntauth_items *items,
           const struct cm_ntauth_item *item)
{
    for (size_t i = 0; i < items->count; i++) {
        const struct cm_ntauth_item *other = &items->list[i];

        if (memcmp(other->sha256, item->sha256, sizeof(item->sha256)) == 0 &&
            (item->where == NULL || strcmp(other->where, item->where) == 0))
            return true;
    }
    return false;
}

static enum cm_exit
plan_removals(struct cm_ntauth *ntauth, const struct cm_ntauth_items *named)
{
    struct cm_ntauth_print print = {.len = 0};
    bool ok = true;

    if (named->count == 0 &&
        (ntauth->fingerprint == NULL ||
         !cm_ntauth_print_parse(ntauth->fingerprint, &print)))
        return cm_tool_fail(
            ntauth->options.tool, CM_EXIT_USAGE,
            "name the certificate, or give --fingerprint with its "
            "SHA-256 or SHA-512 in hexadecimal");
    for (size_t i = 0; ok && i < ntauth->held.count; i++) {
        if (is_named(named, &print, &ntauth->held.list[i]) &&
            !is_planned(&ntauth->plan.remove, &ntauth->held.list[i]))
            ok = copy_item(&ntauth->plan.remove, &ntauth->held.list[i]);
    }
    if (!ok || !warn_of_twins(ntauth))
        return cm_tool_no_memory(ntauth->options.tool);
    if (ntauth->plan.remove.count == 0)
        return cm_tool_fail(ntauth->options.tool, CM_EXIT_NO,
                            "the list has no such certificate");
    return mind_the_last(ntauth);
}

static enum cm_exit
plan_publication(struct cm_ntauth *ntauth)
{
    struct cm_ntauth_items files = ntauth->plan.add;
    enum cm_exit code;
    bool ok = true;

    memset(&ntauth->plan.add, 0, sizeof(ntauth->plan.add));
    code = files.count == 0 ? cm_tool_fail(ntauth->options.tool, CM_EXIT_NO,
                                           "the files hold no certificate")
                            : plan_additions(ntauth, &files);
    for (size_t i = 0; ok && code == CM_EXIT_YES && i < ntauth->held.count;
         i++) {
        const struct cm_ntauth_item *item = &ntauth->held.list[i];

        if (cm_ntauth_items_find(&files, item->sha256) != NULL)
            continue;
        ok = ntauth->prune
                 ? copy_item(&ntauth->plan.remove, item)
                 : copy_item(&ntauth->plan.keep, item) &&
                       cm_text_list_add(&ntauth->plan.warnings,
                                        "the directory has a certificate that "
                                        "the files do not have; --prune "
                                        "removes it");
    }
    cm_ntauth_items_clear(&files);
    return ok ? code : cm_tool_no_memory(ntauth->options.tool);
}

enum cm_exit
cm_ntauth_make_plan(struct cm_ntauth *ntauth)
{
    struct cm_ntauth_items named = {NULL, 0};
    enum cm_exit code;

    if (strcmp(ntauth->plan.action, "publish") == 0)
        return plan_publication(ntauth);
    code = gather(ntauth, &named);
    if (code == CM_EXIT_YES)
        code = strcmp(ntauth->plan.action, "add") == 0
                   ? plan_additions(ntauth, &named)
                   : plan_removals(ntauth, &named);
    cm_ntauth_items_clear(&named);
    return code;
}
