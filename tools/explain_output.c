#include "explain.h"

#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "output.h"
#include "verify_status.h"

static const char *
decision_of(const struct cm_outcome *outcome)
{
    return outcome->reason == CM_OK ? "accepted" : "refused";
}

static const char *
revocation_token(enum cm_revocation_mode mode)
{
    switch (mode) {
    case CM_REVOCATION_REQUIRE:
        return "require";
    case CM_REVOCATION_SOFT:
        return "soft";
    case CM_REVOCATION_OFF:
        return "off";
    }
    return "require";
}

/* NULL: nothing came from anywhere. */
static const char *
origin_of(const struct cm_status *status)
{
    return cm_status_has_time(status) ? cm_status_origin_token(status->origin)
                                      : NULL;
}

static json_t *
json_asked(const struct cm_asked *asked)
{
    char *subject = cm_name_rfc4514(X509_get_subject_name(asked->cert));
    json_t *o = NULL;

    if (subject != NULL)
        o = cm_verify_status_json(subject, &asked->status);
    if (o != NULL)
        cm_json_set(&o, "origin", cm_json_text(origin_of(&asked->status)));
    free(subject);
    return o;
}

static json_t *
json_revocation(const struct cm_outcome *outcome)
{
    const struct cm_revocation_outcome *revocation = &outcome->revocation;
    json_t *o = json_object(), *certificates = json_array();

    for (size_t i = 0; i < revocation->count; i++)
        cm_json_append(&certificates, json_asked(&revocation->asked[i]));
    cm_json_set(&o, "mode", cm_json_text(revocation_token(revocation->mode)));
    cm_json_set(&o, "checked", json_boolean(revocation->checked));
    cm_json_set(&o, "softened_by",
                cm_json_text(cm_outcome_softening(outcome)));
    cm_json_set(&o, "certificates", certificates);
    return o;
}

static json_t *
json_steps(const struct cm_outcome *outcome)
{
    json_t *steps = json_array(), *o;

    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct cm_step_record *step = &outcome->steps[i];

        o = json_object();
        cm_json_set(&o, "step", cm_json_text(cm_step_token(step->step)));
        cm_json_set(&o, "outcome",
                    cm_json_text(cm_reason_token(step->outcome)));
        cm_json_set(&o, "detail", cm_json_text(step->detail.text));
        cm_json_set(&o, "ms", json_integer(step->ms));
        cm_json_append(&steps, o);
    }
    return steps;
}

static json_t *
json_warnings(unsigned warnings)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < CM_WARNING_COUNT; i++) {
        if ((warnings & 1U << i) != 0)
            cm_json_append(&list, cm_json_text(cm_warning_token(i)));
    }
    return list;
}

bool
cm_explain_json(const struct cm_principal *principal,
                const struct cm_outcome *outcome, FILE *out)
{
    bool mapped = outcome->mapping != CM_FORM_NONE;
    bool graded = outcome->strength != CM_STRENGTH_NONE;
    json_t *o = json_object();

    cm_json_set(&o, "decision", cm_json_text(decision_of(outcome)));
    cm_json_set(&o, "reason", cm_json_text(cm_reason_token(outcome->reason)));
    cm_json_set(&o, "error", json_integer(cm_reason_number(outcome->reason)));
    cm_json_set(&o, "mapping",
                cm_json_text(mapped ? cm_form_token(outcome->mapping) : NULL));
    cm_json_set(
        &o, "strength",
        cm_json_text(graded ? cm_strength_token(outcome->strength) : NULL));
    cm_json_set(&o, "account", cm_json_text(outcome->account));
    cm_json_set(&o, "principal", cm_json_text(principal->text));
    cm_json_set(&o, "indicators", cm_json_list(&outcome->indicators));
    cm_json_set(&o, "hw_authent", json_boolean(outcome->hw_authent));
    cm_json_set(&o, "revocation", json_revocation(outcome));
    cm_json_set(&o, "steps", json_steps(outcome));
    cm_json_set(&o, "warnings", json_warnings(outcome->warnings));
    return cm_json_print(o, out);
}

/* What an administrator does about a refusal; NULL: nothing to add. */
static const char *
advice(enum cm_reason reason)
{
    switch (reason) {
    case CM_NO_MAPPING:
        return "\"certmap show CERT\" lists the values that map it; add one "
               "to the account.";
    case CM_WEAK_MAPPING:
    case CM_CERT_PREDATES_ACCOUNT:
        return "\"certmap show CERT\" lists strong values; add one to the "
               "account.";
    case CM_NTAUTH_ABSENT:
        return "If this CA may issue logon certificates, add its certificate "
               "to the files of `ntauth`.";
    case CM_PATH_UNTRUSTED:
        return "Look at the files of `anchors` and `intermediates`; "
               "\"certmap verify\" tries others.";
    case CM_REVOCATION_UNKNOWN:
        return "\"certmap status\" says what the store holds and \"certmap "
               "refresh\" fetches; `revocation` decides what silence means.";
    case CM_ACCOUNT_NOT_FOUND:
        return "Is PRINCIPAL the canonical name, and does `schema` name the "
               "attribute that holds it?";
    case CM_ACCOUNT_AMBIGUOUS:
        return "Two entries answer to one name; look for it in the whole "
               "directory below `base`.";
    case CM_NAME_MISMATCH:
        return "Where the names in certificates are not those of your "
               "accounts, see `use_subject_alt_name`.";
    case CM_DIRECTORY_UNAVAILABLE:
    case CM_REVOCATION_UNAVAILABLE:
    case CM_CONFIG:
        return "\"certmap check\" looks at configuration and directory.";
    case CM_OK:
    case CM_CERT_MALFORMED:
    case CM_CERT_VALIDITY:
    case CM_CERT_KEY_PURPOSE:
    case CM_CERT_WEAK_CRYPTO:
    case CM_REVOKED:
    case CM_ACCOUNT_DISABLED:
    case CM_SID_MISMATCH:
    case CM_SID_MALFORMED:
    case CM_BUSY:
    case CM_NO_MEMORY:
    case CM_INTERNAL:
        break;
    }
    return NULL;
}

static bool
print_steps(const struct cm_outcome *outcome, FILE *out)
{
    struct cm_table table;
    char ms[32];

    cm_table_init(&table, 4);
    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct cm_step_record *step = &outcome->steps[i];
        const char *cells[] = {cm_step_token(step->step),
                               cm_reason_token(step->outcome), ms,
                               step->detail.text};

        snprintf(ms, sizeof(ms), "%lld ms", (long long)step->ms);
        cm_table_row(&table,
                     step->outcome == CM_OK ? CM_TONE_GOOD : CM_TONE_BAD,
                     cells);
    }
    return cm_table_print(&table, out, "  ");
}

static void
add_field(struct cm_table *table, const char *name, const char *value)
{
    const char *cells[] = {name, value};

    cm_table_row(table, CM_TONE_PLAIN, cells);
}

static void
add_warnings(struct cm_table *table, unsigned warnings)
{
    for (unsigned i = 0; i < CM_WARNING_COUNT; i++) {
        const char *cells[] = {"warning", cm_warning_text(i)};

        if ((warnings & 1U << i) != 0)
            cm_table_row(table, CM_TONE_CAUTION, cells);
    }
}

static bool
print_facts(const struct cm_settings *settings,
            const struct cm_outcome *outcome, FILE *out)
{
    char mapping[64];
    struct cm_table table;

    cm_table_init(&table, 2);
    if (outcome->account != NULL)
        add_field(&table, "account", outcome->account);
    if (outcome->mapping != CM_FORM_NONE) {
        snprintf(mapping, sizeof(mapping), "%s, %s",
                 cm_form_token(outcome->mapping),
                 cm_strength_token(outcome->strength));
        add_field(&table, "mapping", mapping);
    }
    for (size_t i = 0; i < outcome->indicators.count; i++)
        add_field(&table, i == 0 ? "indicators" : "",
                  outcome->indicators.items[i]);
    if (outcome->hw_authent)
        add_field(&table, "hw-authent", "yes");
    if (cm_outcome_softening(outcome) != NULL)
        add_field(&table, "let through by", cm_outcome_softening(outcome));
    add_warnings(&table, outcome->warnings);
    if (settings->mode == CM_MODE_OBSERVE)
        add_field(&table, "mode",
                  "observe: the KDC logs this, and stock PKINIT decides");
    return cm_table_print(&table, out, "  ");
}

bool
cm_explain_text(const struct cm_settings *settings,
                const struct cm_principal *principal,
                const struct cm_outcome *outcome, FILE *out)
{
    const char *next = advice(outcome->reason);

    cm_output_text(out, principal->text);
    fputc('\n', out);
    if (!print_steps(outcome, out))
        return false;
    cm_output_toned(out, outcome->reason == CM_OK ? CM_TONE_GOOD : CM_TONE_BAD,
                    decision_of(outcome));
    fprintf(out, ": %s", cm_reason_token(outcome->reason));
    if (outcome->reason != CM_OK)
        fprintf(out, " (%d), %s", cm_reason_number(outcome->reason),
                cm_reason_text(outcome->reason));
    fputc('\n', out);
    if (!print_facts(settings, outcome, out))
        return false;
    if (next != NULL)
        fprintf(out, "%s\n", next);
    return true;
}
