#include "populate.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "certfile.h"
#include "trust.h"

enum {
    OPTION_FOLDER = CM_OPTION_OWN,
    OPTION_CSV,
    OPTION_LDIF,
    OPTION_FROM_DIRECTORY,
    OPTION_MATCH,
    OPTION_FORM,
    OPTION_APPLY,
    OPTION_UNDO,
    OPTION_REPORT,
    OPTION_REPLACE_WEAK,
    OPTION_PRUNE_EXPIRED,
    OPTION_PRUNE_UNKNOWN_ISSUER,
    OPTION_SHARED,
    OPTION_NO_TRANSACTIONS
};

static const struct option options_table[] = {
    {"folder", required_argument, NULL, OPTION_FOLDER},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"ldif", required_argument, NULL, OPTION_LDIF},
    {"from-directory", no_argument, NULL, OPTION_FROM_DIRECTORY},
    {"match", required_argument, NULL, OPTION_MATCH},
    {"form", required_argument, NULL, OPTION_FORM},
    {"apply", no_argument, NULL, OPTION_APPLY},
    {"dry-run", no_argument, NULL, 'n'},
    {"undo", required_argument, NULL, OPTION_UNDO},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"replace-weak", no_argument, NULL, OPTION_REPLACE_WEAK},
    {"prune-expired", no_argument, NULL, OPTION_PRUNE_EXPIRED},
    {"prune-unknown-issuer", no_argument, NULL, OPTION_PRUNE_UNKNOWN_ISSUER},
    {"shared", no_argument, NULL, OPTION_SHARED},
    {"no-transactions", no_argument, NULL, OPTION_NO_TRANSACTIONS},
    CM_TARGET_OPTIONS,
    CM_COMMON_OPTIONS};

static enum cm_exit run_populate(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_populate = {
    .name = "populate",
    .operands = "SOURCE",
    .summary = "write many accounts' mappings at once",
    .help =
        "  --folder DIR              certificates of a folder\n"
        "  --csv FILE                rows of principal or dn, certificate or "
        "file\n"
        "  --ldif FILE               userCertificate of entries in LDIF\n"
        "  --from-directory          userCertificate of the accounts "
        "themselves\n"
        "  --match RULE              upn, mail, or ATTRIBUTE=FIELD\n"
        "  --form FORM               the value to write (issuer-serial)\n"
        "  --apply                   write; without it the plan is shown\n"
        "  -n, --dry-run             print the plan as LDIF\n"
        "  --undo FILE               where to write what takes it back\n"
        "  --report FILE             write the whole report as JSON\n"
        "  --replace-weak            remove weak values of the same "
        "certificate\n"
        "  --prune-expired           remove values of expired certificates\n"
        "  --prune-unknown-issuer    remove values of CAs the realm does not "
        "know\n"
        "  --shared                  values that another account holds, "
        "too\n"
        "  --no-transactions         write singly, even where "
        "transactions are offered\n" CM_TARGET_HELP,
    .options = options_table,
    .run = run_populate,
    .letters = "n" CM_TARGET_SHORT,
};

/* ---- Options ---- */

static bool
take_source(struct cm_populate *populate, enum cm_populate_source source,
            const char *path)
{
    if (populate->flags.source != CM_FROM_NONE) {
        cm_tool_error(populate->options.tool,
                      "one source at a time: --folder, --csv, --ldif or "
                      "--from-directory");
        return false;
    }
    populate->flags.source = source;
    populate->flags.path = path;
    return true;
}

static bool
take_flag(bool *flag)
{
    *flag = true;
    return true;
}

static bool
take_own(struct cm_populate *populate, int code, const char *value)
{
    struct cm_populate_flags *flags = &populate->flags;
    struct cm_options *options = &populate->options;

    switch (code) {
    case OPTION_FOLDER:
        return take_source(populate, CM_FROM_FOLDER, value);
    case OPTION_CSV:
        return take_source(populate, CM_FROM_CSV, value);
    case OPTION_LDIF:
        return take_source(populate, CM_FROM_LDIF, value);
    case OPTION_FROM_DIRECTORY:
        return take_source(populate, CM_FROM_DIRECTORY, NULL);
    case OPTION_MATCH:
        return cm_options_once(options, &flags->match, "--match", value);
    case OPTION_FORM:
        return cm_options_once(options, &flags->form, "--form", value);
    case OPTION_UNDO:
        return cm_options_once(options, &flags->undo, "--undo", value);
    case OPTION_REPORT:
        return cm_options_once(options, &flags->report, "--report", value);
    case OPTION_APPLY:
        return take_flag(&flags->apply);
    case 'n':
        return take_flag(&flags->ldif);
    case OPTION_REPLACE_WEAK:
        return take_flag(&flags->replace_weak);
    case OPTION_PRUNE_EXPIRED:
        return take_flag(&flags->prune_expired);
    case OPTION_PRUNE_UNKNOWN_ISSUER:
        return take_flag(&flags->prune_unknown_issuer);
    case OPTION_SHARED:
        return take_flag(&flags->shared);
    case OPTION_NO_TRANSACTIONS:
        return take_flag(&flags->no_transactions);
    default:
        return cm_target_take(&flags->target, options, code, value) ==
               CM_TARGET_TAKEN;
    }
}

static bool
refuse(struct cm_populate *populate, const char *why)
{
    cm_tool_error(populate->options.tool, "%s", why);
    return false;
}

static bool
choose_match(struct cm_populate *populate)
{
    const struct cm_populate_flags *flags = &populate->flags;
    struct cm_detail detail = {""};

    if (flags->match != NULL) {
        if (flags->source == CM_FROM_DIRECTORY)
            return refuse(populate, "--from-directory goes without --match: "
                                    "the certificates are the account's own");
        if (!cm_match_parse(flags->match, &populate->match, &detail))
            return refuse(populate, detail.text);
    } else if (flags->source == CM_FROM_FOLDER) {
        return refuse(populate, "--folder needs --match: whose certificates "
                                "are these?");
    } else if (flags->source == CM_FROM_DIRECTORY) {
        populate->match.kind = CM_MATCH_DN;
    }
    return true;
}

static bool
choose_form(struct cm_populate *populate)
{
    const char *form = populate->flags.form;

    populate->form =
        form == NULL ? CM_FORM_ISSUER_SERIAL : cm_form_from_token(form);
    switch (populate->form) {
    case CM_FORM_ISSUER_SERIAL:
    case CM_FORM_SKI:
    case CM_FORM_SHA1_PUKEY:
    case CM_FORM_ISSUER_SID:
        return true;
    case CM_FORM_ISSUER_SUBJECT:
    case CM_FORM_SUBJECT:
    case CM_FORM_RFC822:
        cm_tool_error(populate->options.tool,
                      "warning: --form %s is weak: refused under full "
                      "enforcement",
                      form);
        return true;
    case CM_FORM_NONE:
    case CM_FORM_UPN:
    case CM_FORM_DNS:
    case CM_FORM_SID:
        break;
    }
    return refuse(populate, "--form: allowed are issuer-serial, ski, "
                            "sha1-pukey, issuer-sid and, weak, "
                            "issuer-subject, subject, rfc822");
}

static bool
check_flags(struct cm_populate *populate)
{
    if (populate->flags.source == CM_FROM_NONE)
        return refuse(populate, "no source: --folder, --csv, --ldif or "
                                "--from-directory");
    if (populate->flags.apply && populate->flags.ldif)
        return refuse(populate, "--apply and -n exclude each other");
    if (populate->flags.ldif && populate->options.json)
        return refuse(populate, "-n prints LDIF: use --report FILE for JSON");
    if (populate->flags.undo != NULL && !populate->flags.apply)
        return refuse(populate, "--undo needs --apply");
    if (populate->flags.replace_weak && populate->flags.form != NULL &&
        cm_form_strength(populate->form) == CM_STRENGTH_WEAK)
        return refuse(populate, "--replace-weak needs a strong --form");
    return true;
}

static bool
read_options(struct cm_populate *populate, enum cm_exit *code)
{
    const char *value;
    int own;

    for (;;) {
        switch (cm_options_next(&populate->options, &own, &value)) {
        case CM_NEXT_OWN:
            if (!take_own(populate, own, value))
                return false;
            break;
        case CM_NEXT_END:
            return cm_options_operands(&populate->options, 0) &&
                   choose_match(populate) && choose_form(populate) &&
                   check_flags(populate);
        case CM_NEXT_HELP:
            *code = CM_EXIT_YES;
            return false;
        case CM_NEXT_ERROR:
            return false;
        }
    }
}

/* ---- The realm ---- */

static bool
check_directory(struct cm_populate *populate)
{
    switch (populate->target.directory->kind) {
    case CM_DIRECTORY_LDAP:
        return true;
    case CM_DIRECTORY_KDB:
        return refuse(populate, "directory = kdb: populate writes LDAP "
                                "directories; use certmap map for accounts "
                                "in the KDC's database");
    case CM_DIRECTORY_LDIF:
        if (populate->flags.apply)
            return refuse(populate, "directory = ldif: the file is not "
                                    "changed; -n prints what to change");
        populate->flags.ldif = !populate->options.json;
        return true;
    }
    return false;
}

static bool
add_issuers(struct cm_populate *populate, const struct cm_location *location)
{
    struct cm_certificate cert;
    X509 **list = NULL;
    unsigned char *der = NULL;
    size_t count = 0;
    int len;
    bool ok = true;

    if (location->kind == CM_LOCATION_NONE)
        return true;
    if (!cm_certfile_collect(location->path, &list, &count, &populate->why)) {
        cm_certificates_free(list, count);
        return false;
    }
    for (size_t i = 0; ok && i < count; i++) {
        der = NULL;
        len = i2d_X509(list[i], &der);
        if (len > 0 &&
            cm_certificate_decode(der, (size_t)len, &cert, NULL) == CM_OK) {
            ok = cert.subject == NULL ||
                 cm_text_list_add(&populate->issuers, cert.subject);
            cm_certificate_clear(&cert);
        }
        OPENSSL_free(der);
    }
    cm_certificates_free(list, count);
    return ok;
}

/* The CAs of the realm's trust, by name. */
static bool
read_issuers(struct cm_populate *populate)
{
    const struct cm_trust_config *trust = &populate->target.settings.trust;

    if (!populate->flags.prune_unknown_issuer)
        return true;
    return add_issuers(populate, &trust->anchors) &&
           add_issuers(populate, &trust->intermediates) &&
           add_issuers(populate, &trust->ntauth);
}

static bool
open_scratch(struct cm_populate *populate)
{
    struct cm_detail *why = &populate->why;

    if (!cm_keyless_open(&populate->keyless)) {
        cm_detail_set(why, "out of memory");
        return false;
    }
    return (populate->wishes = cm_sorter_new(why)) != NULL &&
           (populate->accounts = cm_sorter_new(why)) != NULL &&
           (populate->values = cm_sorter_new(why)) != NULL &&
           (populate->shared = cm_sorter_new(why)) != NULL &&
           (populate->draft = cm_scratch_open(why)) != NULL &&
           (populate->plan = cm_scratch_open(why)) != NULL &&
           (populate->problems = cm_scratch_open(why)) != NULL;
}

static void
close_all(struct cm_populate *populate)
{
    FILE *files[] = {populate->draft, populate->plan, populate->problems};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (files[i] != NULL)
            (void)fclose(files[i]);
    }
    cm_sorter_free(populate->wishes);
    cm_sorter_free(populate->accounts);
    cm_sorter_free(populate->values);
    cm_sorter_free(populate->shared);
    cm_keyless_close(&populate->keyless);
    cm_text_list_clear(&populate->issuers);
    cm_match_clear(&populate->match);
    cm_target_close(&populate->target);
    free(populate->undo);
}

/* ---- The run ---- */

static bool
make_plan(struct cm_populate *populate)
{
    bool ok = open_scratch(populate) && read_issuers(populate) &&
              cm_populate_read_source(populate) &&
              cm_populate_read_accounts(populate) &&
              cm_populate_join(populate);

    cm_sorter_free(populate->wishes);
    cm_sorter_free(populate->accounts);
    populate->wishes = populate->accounts = NULL;
    return ok && cm_populate_plan(populate);
}

static bool
print_ldif(struct cm_populate *populate, struct cm_change *change,
           void *context)
{
    struct cm_buf text = CM_BUF_INIT;
    bool ok = cm_change_ldif(change, &text) && text.data != NULL;

    if (ok)
        ok = fwrite(text.data, 1, text.len, context) == text.len;
    cm_buf_clear(&text);
    if (!ok)
        cm_detail_set(&populate->why, "the output could not be written");
    return ok;
}

static bool
write_report(struct cm_populate *populate)
{
    FILE *file = fopen(populate->flags.report, "we");
    bool ok;

    if (file == NULL) {
        cm_detail_set(&populate->why, "cannot open %s: %s",
                      populate->flags.report, strerror(errno));
        return false;
    }
    ok = cm_populate_report(populate, file);
    return fclose(file) == 0 && ok;
}

/* Says what was done, also where the run ended early. */
static bool
tell(struct cm_populate *populate)
{
    bool ok = populate->options.json
                  ? cm_populate_report(populate, populate->options.tool->out)
                  : cm_populate_summary(populate);

    if (populate->flags.report != NULL)
        ok = write_report(populate) && ok;
    return ok;
}

static enum cm_exit
fail(struct cm_populate *populate)
{
    cm_tool_error(populate->options.tool, "%s", populate->why.text);
    return CM_EXIT_UNAVAILABLE;
}

static enum cm_exit
run(struct cm_populate *populate)
{
    struct cm_detail ended;
    bool done = true;

    if (!make_plan(populate))
        return fail(populate);
    if (populate->flags.ldif)
        done = cm_populate_each_change(populate, populate->plan, print_ldif,
                                       populate->options.tool->out) &&
               fflush(populate->options.tool->out) == 0;
    else if (populate->flags.apply)
        done = cm_populate_apply(populate);
    ended = populate->why;
    if (!tell(populate))
        return fail(populate);
    populate->why = ended;
    if (!done)
        return fail(populate);
    return cm_populate_problems(populate) > 0 ? CM_EXIT_NO : CM_EXIT_YES;
}

static enum cm_exit
run_populate(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_populate populate = {.form = CM_FORM_NONE};
    enum cm_exit code = CM_EXIT_USAGE;

    cm_options_init(&populate.options, tool, &cm_verb_populate, argc, argv);
    if (!read_options(&populate, &code)) {
        cm_match_clear(&populate.match);
        return code;
    }
    /* A file over its limit is an error that can be told, not an end. */
    (void)signal(SIGXFSZ, SIG_IGN);
    code = cm_target_open(&populate.options, &populate.flags.target,
                          &populate.target);
    if (code == CM_EXIT_YES) {
        populate.schema = &populate.target.directory->schema;
        populate.now = cm_options_now(&populate.options);
        code = check_directory(&populate) ? run(&populate) : CM_EXIT_USAGE;
    }
    close_all(&populate);
    return code;
}
