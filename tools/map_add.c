/*
 * certmap map add: which value, who holds it already, and writing it.
 */
#include "map_command.h"

#include <string.h>

#include "output.h"
#include "policy.h"

/* Strong forms in the order in which they are taken: what names one
 * certificate only before what outlives it. */
static const enum cm_form preferred[] = {
    CM_FORM_ISSUER_SERIAL,
    CM_FORM_SKI,
    CM_FORM_SHA1_PUKEY,
    CM_FORM_ISSUER_SID,
};

enum { PREFERRED_COUNT = sizeof(preferred) / sizeof(preferred[0]) };

static bool
is_accepted(const struct cm_map *map, enum cm_form form)
{
    return (map->target.settings.policy.accept & CM_ACCEPT(form)) != 0;
}

static const struct cm_candidate *
candidate_of(const struct cm_map *map, enum cm_form form, size_t *count)
{
    const struct cm_candidate *found = NULL;

    *count = 0;
    for (size_t i = 0; i < map->candidates.count; i++) {
        if (map->candidates.list[i].form != form)
            continue;
        found = &map->candidates.list[i];
        (*count)++;
    }
    return found;
}

/* ---- Which value ---- */

static const struct cm_candidate *
choose_default(const struct cm_map *map)
{
    const struct cm_candidate *candidate, *spare = NULL;
    size_t count;

    for (size_t i = 0; i < PREFERRED_COUNT; i++) {
        candidate = candidate_of(map, preferred[i], &count);
        if (candidate != NULL && is_accepted(map, preferred[i]))
            return candidate;
        if (spare == NULL)
            spare = candidate;
    }
    return spare;
}

/* Why a certificate yields no value of a form. */
static const char *
why_none(const struct cm_map *map, enum cm_form form)
{
    if (form == CM_FORM_SKI)
        return map->cert.ski_len == 0
                   ? "it has no key identifier"
                   : "its key identifier is not a hash of its key, so that "
                     "whoever requests a certificate could choose it; no "
                     "login would accept it (ski_trust_extension)";
    if (form == CM_FORM_RFC822)
        return "it has no mail address among its alternative names";
    if (form == CM_FORM_ISSUER_SID)
        return "it has no SID extension that can be read, or an issuer "
               "without text";
    return "its names or its serial number cannot be written in this form";
}

static const struct cm_candidate *
choose_given(struct cm_map *map)
{
    struct cm_tool *tool = map->options.tool;
    enum cm_form form = cm_form_from_token(map->form);
    const struct cm_candidate *candidate;
    size_t count;

    candidate = candidate_of(map, form, &count);
    if (candidate == NULL)
        cm_tool_error(tool, "the certificate yields no %s value: %s",
                      map->form, why_none(map, form));
    if (count <= 1)
        return candidate;
    cm_tool_error(tool,
                  "the certificate has %zu mail addresses, and it is not "
                  "clear which one is meant; use another form",
                  count);
    return NULL;
}

static bool
is_writable_form(const char *token)
{
    enum cm_form form = cm_form_from_token(token);

    return form != CM_FORM_NONE && form != CM_FORM_UPN &&
           form != CM_FORM_DNS && form != CM_FORM_SID;
}

/* NULL: an error was printed. */
static const struct cm_candidate *
choose(struct cm_map *map, enum cm_exit *code)
{
    const struct cm_candidate *candidate;

    *code = CM_EXIT_USAGE;
    if (map->form != NULL && !is_writable_form(map->form)) {
        cm_tool_error(map->options.tool,
                      "--form %s: allowed are issuer-serial, ski, sha1-pukey, "
                      "issuer-sid, issuer-subject, subject, rfc822",
                      map->form);
        return NULL;
    }
    *code = CM_EXIT_NO;
    if (map->form != NULL)
        return choose_given(map);
    candidate = choose_default(map);
    if (candidate == NULL)
        cm_tool_error(map->options.tool,
                      "the certificate yields no strong value; \"certmap "
                      "show\" lists those that it has");
    return candidate;
}

/* ---- What is wrong with it ---- */

static void
warn_about_form(struct cm_map *map, const struct cm_candidate *candidate)
{
    const struct cm_policy *policy = &map->target.settings.policy;

    if (cm_form_strength(candidate->form) == CM_STRENGTH_WEAK)
        cm_map_warn(map, "weak",
                    policy->enforcement == CM_ENFORCE_FULL
                        ? "this form is weak: with enforcement = full it "
                          "accepts nobody by itself"
                        : "this form is weak: whoever gets a certificate "
                          "with these names can log in");
    if (!is_accepted(map, candidate->form))
        cm_map_warn(map, "not-accepted",
                    "the realm's mappings do not list this form: no login "
                    "accepts it");
}

static void
warn_about_certificate(struct cm_map *map)
{
    int64_t now = cm_options_now(&map->options);

    if (now > map->cert.not_after)
        cm_map_warn(map, "expired", "the certificate has expired");
    if (now < map->cert.not_before)
        cm_map_warn(map, "not-yet-valid", "the certificate is not yet valid");
    if (map->store.account.disabled)
        cm_map_warn(map, "account-disabled",
                    "the account is disabled, locked or expired");
}

/* ---- Others ---- */

static void
say_held(struct cm_map *map, const struct cm_edit_holders *holders)
{
    struct cm_tool *tool = map->options.tool;

    cm_tool_error(tool, "another account holds this value:");
    for (size_t i = 0; i < holders->names.count; i++)
        cm_tool_error(tool, "  %s", holders->names.items[i]);
    if (holders->more)
        cm_tool_error(tool, "  and more");
    cm_tool_error(tool, "nothing was written; --shared allows one card for "
                        "several accounts");
}

static bool
is_present(const struct cm_map *map, const struct cm_candidate *candidate)
{
    const struct cm_account *account = &map->store.account;

    for (size_t i = 0; i < account->mapping_count; i++) {
        if (cm_candidate_matches(candidate, account->mappings[i].data,
                                 account->mappings[i].len))
            return true;
    }
    return false;
}

/* ---- All of it ---- */

static enum cm_exit
write_value(struct cm_map *map, const struct cm_candidate *candidate,
            const struct cm_edit_holders *holders)
{
    const char *attribute = cm_account_store_attribute(&map->store);
    struct cm_map_answer answer = {
        .action = "present",
        .words = "The account has this mapping already; nothing was written.",
        .holders = holders,
        .before = cm_map_json_texts(&map->store.account)};
    struct cm_change change;
    enum cm_exit code = CM_EXIT_UNAVAILABLE;
    bool ok = cm_change_begin(&change, map->store.account.id);

    answer.change = &change;
    if (ok && !is_present(map, candidate)) {
        ok = cm_change_add(&change, attribute, candidate->value,
                           candidate->len);
        answer.action = map->dry_run ? "would-add" : "added";
        answer.words = "The mapping was added.";
    }
    if (ok) {
        code = cm_map_finish(map, &answer);
    } else {
        json_decref(answer.before);
        cm_tool_error(map->options.tool, "out of memory");
    }
    cm_change_clear(&change);
    return code;
}

enum cm_exit
cm_map_add(struct cm_map *map)
{
    const struct cm_candidate *candidate;
    struct cm_edit_holders holders;
    enum cm_exit code;

    if (map->cert.is_ca) {
        cm_tool_error(map->options.tool,
                      "%s is a CA certificate: it can log in as nobody",
                      map->cert.subject_rfc4514);
        return CM_EXIT_NO;
    }
    candidate = choose(map, &code);
    if (candidate == NULL)
        return code;
    warn_about_form(map, candidate);
    warn_about_certificate(map);
    if (!cm_account_store_holders(&map->store, candidate, &holders))
        return CM_EXIT_UNAVAILABLE;
    code = CM_EXIT_NO;
    if (holders.names.count > 0 && !map->shared && !is_present(map, candidate))
        say_held(map, &holders);
    else
        code = write_value(map, candidate, &holders);
    cm_edit_holders_clear(&holders);
    return code;
}
