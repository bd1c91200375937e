#include "kdb_lookup.h"

#include <stdlib.h>
#include <string.h>

#include "who.h"

/* An answer; name NULL: none. */
struct slot {
    char *name;
    enum cm_reason reason; /* CM_OK, or nobody: not found, ambiguous */
    char *principal;       /* its text, with CM_OK */
    int64_t until_ms;
};

struct cm_kdb_lookup {
    const struct cm_settings *settings;
    struct cm_clock clock;
    const struct cm_log *log;
    int64_t paid_until_ms; /* what was waited, times the share, from then on */
    struct slot slots[CM_KDB_LOOKUP_SLOTS];
};

static int64_t
now_ms(const struct cm_kdb_lookup *lookup)
{
    return lookup->clock.monotonic_ms(lookup->clock.context);
}

struct cm_kdb_lookup *
cm_kdb_lookup_new(const struct cm_settings *settings,
                  const struct cm_clock *clock, const struct cm_log *log)
{
    struct cm_kdb_lookup *lookup = calloc(1, sizeof(*lookup));

    if (lookup == NULL)
        return NULL;
    lookup->settings = settings;
    lookup->clock = *clock;
    lookup->log = log;
    lookup->paid_until_ms = now_ms(lookup);
    return lookup;
}

static void
slot_clear(struct slot *slot)
{
    free(slot->name);
    free(slot->principal);
    memset(slot, 0, sizeof(*slot));
}

void
cm_kdb_lookup_free(struct cm_kdb_lookup *lookup)
{
    if (lookup == NULL)
        return;
    for (size_t i = 0; i < CM_KDB_LOOKUP_SLOTS; i++)
        slot_clear(&lookup->slots[i]);
    free(lookup);
}

/* FNV-1a.  Whoever makes names collide pushes answers out, no more; two names
 * of different kinds never have one text. */
static struct slot *
slot_of(struct cm_kdb_lookup *lookup, const struct cm_client_name *name)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < name->len; i++)
        hash = (hash ^ (uint8_t)name->text[i]) * 16777619U;
    return &lookup->slots[hash % CM_KDB_LOOKUP_SLOTS];
}

/* False: nothing is known, or no memory; it is asked then. */
static bool
recall(const struct slot *slot, const struct cm_client_name *name, int64_t now,
       enum cm_reason *reason, struct cm_principal *out)
{
    if (slot->name == NULL || now >= slot->until_ms ||
        strcmp(slot->name, name->text) != 0)
        return false;
    if (slot->reason == CM_OK &&
        !cm_principal_parse(slot->principal, NULL, out))
        return false;
    *reason = slot->reason;
    return true;
}

/* Without memory nothing is kept. */
static void
keep(struct slot *slot, const struct cm_client_name *name, int64_t now,
     enum cm_reason reason, const struct cm_principal *principal)
{
    slot_clear(slot);
    slot->name = strdup(name->text);
    if (reason == CM_OK)
        slot->principal = strdup(principal->text);
    slot->reason = reason;
    slot->until_ms = now + CM_KDB_LOOKUP_KEEP_MS;
    if (slot->name == NULL || (reason == CM_OK && slot->principal == NULL))
        slot_clear(slot);
}

/* Who must look at it is the administrator, not the client. */
static void
log_why(const struct cm_kdb_lookup *lookup, const struct cm_client_name *name,
        enum cm_reason reason, const struct cm_detail *why)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *line;

    cm_buf_addf(&buf, "%s: client name \"", cm_reason_token(reason));
    cm_text_escape(&buf, name->text, name->len, CM_KDB_LOOKUP_MAX_LOG);
    cm_buf_add_text(&buf, "\": ");
    cm_text_escape(&buf, why->text, strlen(why->text), CM_DETAIL_SIZE);
    line = cm_buf_take(&buf);
    cm_log_write(lookup->log, CM_LOG_WARNING, "%s",
                 line != NULL ? line : "out of memory");
    free(line);
}

static enum cm_reason
ask(struct cm_kdb_lookup *lookup, struct cm_directory *directory,
    const struct cm_client_name *name, struct cm_principal *out,
    struct cm_detail *why)
{
    const struct cm_settings *settings = lookup->settings;
    struct cm_candidate mapping = {name->form, name->text, name->len};
    struct cm_who_question question = {.realm = settings->realm,
                                       .dns_domain =
                                           settings->policy.dns_domain,
                                       .timeout_ms = settings->timeout_ms};

    switch (name->kind) {
    case CM_CLIENT_NAME_UPN:
        question.upn = name->text;
        break;
    case CM_CLIENT_NAME_MAPPING:
        question.mappings = &mapping;
        question.mapping_count = 1;
        break;
    }
    return cm_directory_who(directory, &question, out, why);
}

/* Whoever makes up names makes each cost a search: all of them together get
 * their share of the time. */
static bool
may_wait(const struct cm_kdb_lookup *lookup, int64_t now)
{
    return lookup->paid_until_ms - now <= CM_KDB_LOOKUP_AHEAD_MS;
}

static enum cm_reason
ask_and_pay(struct cm_kdb_lookup *lookup, struct cm_directory *directory,
            const struct cm_client_name *name, struct cm_principal *out,
            struct cm_detail *why)
{
    int64_t start = now_ms(lookup);
    enum cm_reason reason = ask(lookup, directory, name, out, why);

    if (lookup->paid_until_ms < start)
        lookup->paid_until_ms = start;
    lookup->paid_until_ms += (now_ms(lookup) - start) * CM_KDB_LOOKUP_SHARE;
    return reason;
}

enum cm_reason
cm_kdb_lookup_name(struct cm_kdb_lookup *lookup,
                   struct cm_directory *directory,
                   const struct cm_client_name *name, struct cm_principal *out)
{
    struct slot *slot = slot_of(lookup, name);
    int64_t now = now_ms(lookup);
    struct cm_detail why = {""};
    enum cm_reason reason;

    memset(out, 0, sizeof(*out));
    if (recall(slot, name, now, &reason, out))
        return reason;
    if (!may_wait(lookup, now))
        return CM_DIRECTORY_UNAVAILABLE;
    reason = ask_and_pay(lookup, directory, name, out, &why);
    if (reason == CM_OK || reason == CM_ACCOUNT_NOT_FOUND ||
        reason == CM_ACCOUNT_AMBIGUOUS)
        keep(slot, name, now_ms(lookup), reason, out);
    if (reason != CM_OK && reason != CM_ACCOUNT_NOT_FOUND)
        log_why(lookup, name, reason, &why);
    return reason;
}

/* Those of the candidates that may accept, strong ones only, come first. */
static size_t
choose_mappings(struct cm_candidates *candidates,
                const struct cm_policy *policy)
{
    struct cm_candidate one;
    size_t count = 0;

    for (size_t i = 0; i < candidates->count; i++) {
        one = candidates->list[i];
        if (cm_form_strength(one.form) != CM_STRENGTH_STRONG ||
            (policy->accept & CM_ACCEPT(one.form)) == 0 ||
            count == CM_WHO_MAX_MAPPINGS)
            continue;
        candidates->list[i] = candidates->list[count];
        candidates->list[count++] = one;
    }
    return count;
}

enum cm_reason
cm_kdb_lookup_certificate(struct cm_kdb_lookup *lookup,
                          struct cm_directory *directory,
                          const struct cm_certificate *cert,
                          const struct cm_policy *policy, int timeout_ms,
                          struct cm_principal *out, struct cm_detail *detail)
{
    bool has_upn = policy->use_subject_alt_name &&
                   cert->upn_state == CM_PRESENT &&
                   (policy->accept & CM_ACCEPT(CM_FORM_UPN)) != 0;
    struct cm_who_question question = {.realm = lookup->settings->realm,
                                       .dns_domain = policy->dns_domain,
                                       .upn = has_upn ? cert->upn : NULL,
                                       .timeout_ms = timeout_ms};
    struct cm_candidates candidates;
    enum cm_reason reason;

    memset(out, 0, sizeof(*out));
    if (timeout_ms <= 0) {
        cm_detail_set(detail, "the time budget is spent");
        return CM_DIRECTORY_UNAVAILABLE;
    }
    if (!cm_candidates_build(cert, policy->ski_trust_extension, &candidates))
        return CM_NO_MEMORY;
    question.mappings = candidates.list;
    question.mapping_count = choose_mappings(&candidates, policy);
    if (question.mapping_count > 0 || has_upn) {
        reason = cm_directory_who(directory, &question, out, detail);
    } else {
        cm_detail_set(detail, "the certificate names nobody");
        reason = CM_ACCOUNT_NOT_FOUND;
    }
    cm_candidates_clear(&candidates);
    return reason;
}
