/*
 * certmap show CERT: what a certificate says about its holder, and what an
 * administrator would write to map it.
 */
#include <stdlib.h>

#include "altsecid.h"
#include "certfile.h"
#include "certificate.h"
#include "options.h"
#include "output.h"
#include "timetext.h"

static const struct option show_options[] = {CM_COMMON_OPTIONS};

static enum cm_exit run_show(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_show = {
    "show",
    "CERT",
    "what a certificate says, and the mapping values it yields",
    "",
    show_options,
    run_show,
    NULL,
};

/* The forms in the order in which they are offered: strong ones first, among
 * them what names one certificate only before what outlives it. */
static const enum cm_form offered[] = {
    CM_FORM_ISSUER_SERIAL,  CM_FORM_SKI,
    CM_FORM_SHA1_PUKEY,     CM_FORM_ISSUER_SID,
    CM_FORM_ISSUER_SUBJECT, CM_FORM_SUBJECT,
    CM_FORM_RFC822,
};

enum { OFFERED_COUNT = sizeof(offered) / sizeof(offered[0]) };

/* Calls visit for each candidate in the order above. */
static void
each_candidate(const struct cm_candidates *candidates,
               void (*visit)(void *context,
                             const struct cm_candidate *candidate),
               void *context)
{
    for (size_t i = 0; i < OFFERED_COUNT; i++) {
        for (size_t j = 0; j < candidates->count; j++) {
            if (candidates->list[j].form == offered[i])
                visit(context, &candidates->list[j]);
        }
    }
}

static void
append_mapping(void *context, const struct cm_candidate *candidate)
{
    json_t **array = context, *row = json_object();

    cm_json_set(&row, "form", cm_json_text(cm_form_token(candidate->form)));
    cm_json_set(
        &row, "strength",
        cm_json_text(cm_strength_token(cm_form_strength(candidate->form))));
    cm_json_set(&row, "value", cm_json_text(candidate->value));
    cm_json_append(array, row);
}

/* The serial number as openssl x509 -serial shows it, in lower case; the
 * caller frees it.  NULL: no memory. */
static char *
serial_text(const struct cm_certificate *cert)
{
    struct cm_buf buf = CM_BUF_INIT;

    if (cert->serial_negative)
        cm_buf_add_char(&buf, '-');
    cm_buf_add_hex(&buf, cert->serial, cert->serial_len);
    if (cert->serial_len == 0)
        cm_buf_add_text(&buf, "00");
    return cm_buf_take(&buf);
}

/* A value that is absent or faulty is null. */
static json_t *
json_presence(enum cm_presence state, const char *text)
{
    return cm_json_text(state == CM_PRESENT ? text : NULL);
}

static bool
print_json(const struct cm_certificate *cert,
           const struct cm_candidates *candidates, FILE *out)
{
    json_t *o = json_object(), *mappings = json_array();
    char *serial = serial_text(cert);

    each_candidate(candidates, append_mapping, &mappings);
    cm_json_set(&o, "subject", cm_json_text(cert->subject_rfc4514));
    cm_json_set(&o, "issuer", cm_json_text(cert->issuer_rfc4514));
    cm_json_set(&o, "serial", serial == NULL ? NULL : json_string(serial));
    free(serial);
    cm_json_set(&o, "not_before", cm_json_time(cert->not_before));
    cm_json_set(&o, "not_after", cm_json_time(cert->not_after));
    cm_json_set(&o, "ski",
                cert->ski_len == 0 ? json_null()
                                   : cm_json_hex(cert->ski, cert->ski_len));
    cm_json_set(&o, "sha1", cm_json_hex(cert->sha1, sizeof(cert->sha1)));
    cm_json_set(&o, "sha256", cm_json_hex(cert->sha256, sizeof(cert->sha256)));
    cm_json_set(&o, "upn", cm_json_list(&cert->upn_texts));
    cm_json_set(&o, "rfc822", cm_json_list(&cert->rfc822));
    cm_json_set(&o, "dns", cm_json_list(&cert->dns));
    cm_json_set(&o, "sid", json_presence(cert->sid_state, cert->sid));
    cm_json_set(&o, "eku", cm_json_list(&cert->eku));
    cm_json_set(&o, "policies", cm_json_list(&cert->policies));
    cm_json_set(&o, "mappings", mappings);
    return cm_json_print(o, out);
}

static void
add_field(struct cm_table *table, const char *name, const char *value)
{
    const char *cells[] = {name, value};

    cm_table_row(table, CM_TONE_PLAIN, cells);
}

static void
add_hex(struct cm_table *table, const char *name, const uint8_t *bytes,
        size_t len)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *hex;

    cm_buf_add_hex(&buf, bytes, len);
    hex = cm_buf_take(&buf);
    add_field(table, name, hex == NULL ? "?" : hex);
    free(hex);
}

static void
add_list(struct cm_table *table, const char *name,
         const struct cm_text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        add_field(table, i == 0 ? name : "", list->items[i]);
}

static void
add_validity(struct cm_table *table, const struct cm_certificate *cert,
             int64_t now)
{
    char from[CM_TIME_TEXT], to[CM_TIME_TEXT], text[3 * CM_TIME_TEXT];
    const char *state = now < cert->not_before  ? " (not yet valid)"
                        : now > cert->not_after ? " (expired)"
                                                : "";

    cm_time_text(cert->not_before, from);
    cm_time_text(cert->not_after, to);
    snprintf(text, sizeof(text), "%s to %s%s", from, to, state);
    add_field(table, "valid", text);
}

/* A SID, or why it counts for nothing. */
static void
add_presence(struct cm_table *table, const char *name, enum cm_presence state,
             const char *text)
{
    switch (state) {
    case CM_ABSENT:
        break;
    case CM_PRESENT:
        add_field(table, name, text);
        break;
    case CM_FAULTY:
        add_field(table, name, "faulty: damaged, or given twice");
        break;
    }
}

static const char *
key_usage_text(const struct cm_certificate *cert)
{
    if (!cert->has_key_usage)
        return "any (no extension)";
    return cert->digital_signature ? "digitalSignature"
                                   : "without digitalSignature: no logon";
}

static bool
print_fields(const struct cm_certificate *cert, int64_t now, FILE *out)
{
    char *serial = serial_text(cert);
    struct cm_table table;

    cm_table_init(&table, 2);
    add_field(&table, "subject", cert->subject_rfc4514);
    add_field(&table, "issuer", cert->issuer_rfc4514);
    add_field(&table, "serial", serial == NULL ? "?" : serial);
    free(serial);
    add_validity(&table, cert, now);
    add_field(&table, "key", cert->key_text);
    if (cert->ski_len > 0)
        add_hex(&table, "ski", cert->ski, cert->ski_len);
    add_hex(&table, "sha1", cert->sha1, sizeof(cert->sha1));
    add_hex(&table, "sha256", cert->sha256, sizeof(cert->sha256));
    add_list(&table, "upn", &cert->upn_texts);
    if (cert->upn_state == CM_FAULTY)
        add_field(&table, "", "faulty: the UPN cannot map an account");
    add_list(&table, "mail", &cert->rfc822);
    add_list(&table, "dns", &cert->dns);
    add_presence(&table, "sid", cert->sid_state, cert->sid);
    add_presence(&table, "sid uri", cert->sid_uri_state, cert->sid_uri);
    add_field(&table, "key usage", key_usage_text(cert));
    add_list(&table, "eku", &cert->eku);
    add_list(&table, "policies", &cert->policies);
    if (cert->is_ca)
        add_field(&table, "ca", "yes: not a logon certificate");
    return cm_table_print(&table, out, "");
}

static void
add_candidate(void *context, const struct cm_candidate *candidate)
{
    enum cm_strength strength = cm_form_strength(candidate->form);
    const char *cells[] = {cm_strength_token(strength),
                           cm_form_token(candidate->form), candidate->value};

    cm_table_row(context,
                 strength == CM_STRENGTH_STRONG ? CM_TONE_GOOD
                                                : CM_TONE_CAUTION,
                 cells);
}

/* A word on which value to use: the first that is offered. */
static const char *
advice(enum cm_form best)
{
    switch (best) {
    case CM_FORM_ISSUER_SERIAL:
        return "Use issuer-serial: it names this certificate and no other.";
    case CM_FORM_SKI:
        return "Use ski: it names this key, renewed certificates included.";
    case CM_FORM_SHA1_PUKEY:
        return "Use sha1-pukey: it is the certificate's thumbprint.";
    case CM_FORM_ISSUER_SID:
        return "Use issuer-sid: it names the account's SID.";
    case CM_FORM_ISSUER_SUBJECT:
    case CM_FORM_SUBJECT:
    case CM_FORM_RFC822:
        return "Every value is weak: accepted only below full enforcement.";
    case CM_FORM_NONE:
    case CM_FORM_UPN:
    case CM_FORM_DNS:
    case CM_FORM_SID:
        break;
    }
    return "This certificate yields no value.";
}

static void
keep_first(void *context, const struct cm_candidate *candidate)
{
    enum cm_form *best = context;

    if (*best == CM_FORM_NONE)
        *best = candidate->form;
}

static bool
print_mappings(const struct cm_certificate *cert,
               const struct cm_candidates *candidates, FILE *out)
{
    enum cm_form best = CM_FORM_NONE;
    struct cm_table table;

    cm_table_init(&table, 3);
    each_candidate(candidates, add_candidate, &table);
    fputs("\naltSecurityIdentities\n", out);
    if (!cm_table_print(&table, out, "  "))
        return false;
    if (cert->ski_len > 0 && !cert->ski_is_key_hash)
        fputs("No ski value: the key identifier is not a hash of the "
              "certificate's own\nkey, so whoever requests a certificate "
              "could choose it (ski_trust_extension).\n",
              out);
    if (cert->ski_len == 0)
        fputs("No ski value: the certificate has no key identifier.\n", out);
    if (cert->issuer == NULL || cert->subject == NULL)
        fputs("No value with a name that holds control characters or cannot "
              "be decoded.\n",
              out);
    each_candidate(candidates, keep_first, &best);
    fprintf(out, "%s\n", advice(best));
    return true;
}

static enum cm_exit
show(const struct cm_options *options, const struct cm_certificate *cert)
{
    struct cm_candidates candidates = {0};
    FILE *out = options->tool->out;
    bool ok;

    ok = cm_candidates_build(cert, false, &candidates);
    if (ok && options->json)
        ok = print_json(cert, &candidates, out);
    else if (ok)
        ok = print_fields(cert, cm_options_now(options), out) &&
             print_mappings(cert, &candidates, out);
    cm_candidates_clear(&candidates);
    if (ok)
        return CM_EXIT_YES;
    return cm_tool_no_memory(options->tool);
}

static enum cm_exit
run_show(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_certificate cert;
    struct cm_options options;
    enum cm_next next;
    enum cm_exit code;

    cm_options_init(&options, tool, &cm_verb_show, argc, argv);
    next = cm_options_all(&options);
    if (next != CM_NEXT_END)
        return next == CM_NEXT_HELP ? CM_EXIT_YES : CM_EXIT_USAGE;
    if (!cm_options_operands(&options, 1))
        return CM_EXIT_USAGE;
    code = cm_certfile_decode(tool, options.operands[0], &cert);
    if (code != CM_EXIT_YES)
        return code;
    code = show(&options, &cert);
    cm_certificate_clear(&cert);
    return code;
}
