/*
 * certmap verify CERT: the certification path and the revocation status of
 * any certificate, from what the command line names.  Reads no configuration.
 */
#include <stdlib.h>
#include <string.h>

#include "certfile.h"
#include "certificate.h"
#include "crlfile.h"
#include "name.h"
#include "ocspfile.h"
#include "options.h"
#include "output.h"
#include "path.h"
#include "strength.h"
#include "verify_status.h"

enum {
    VERIFY_ANCHOR = CM_OPTION_OWN,
    VERIFY_INTERMEDIATE,
    VERIFY_NTAUTH,
    VERIFY_CRL,
    VERIFY_OCSP,
    VERIFY_OCSP_SIGNER,
    VERIFY_POLICY,
    VERIFY_EXPLICIT_POLICY,
    VERIFY_INHIBIT_POLICY_MAPPING,
    VERIFY_INHIBIT_ANY_POLICY
};

static const struct option verify_options[] = {
    {"anchor", required_argument, NULL, VERIFY_ANCHOR},
    {"intermediate", required_argument, NULL, VERIFY_INTERMEDIATE},
    {"ntauth", required_argument, NULL, VERIFY_NTAUTH},
    {"crl", required_argument, NULL, VERIFY_CRL},
    {"ocsp", required_argument, NULL, VERIFY_OCSP},
    {"ocsp-signer", required_argument, NULL, VERIFY_OCSP_SIGNER},
    {"policy", required_argument, NULL, VERIFY_POLICY},
    {"explicit-policy", no_argument, NULL, VERIFY_EXPLICIT_POLICY},
    {"inhibit-policy-mapping", no_argument, NULL,
     VERIFY_INHIBIT_POLICY_MAPPING},
    {"inhibit-any-policy", no_argument, NULL, VERIFY_INHIBIT_ANY_POLICY},
    CM_COMMON_OPTIONS};

static enum cm_exit run_verify(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_verify = {
    "verify",
    "CERT",
    "the certification path and the status of a certificate",
    "      --anchor PATH       certificates that end a path: a file, or a\n"
    "                          folder of files (repeatable, needed)\n"
    "      --intermediate PATH certificates that may stand between "
    "(repeatable)\n"
    "      --ntauth PATH       the issuing CA must be one of these "
    "(repeatable)\n"
    "      --crl PATH          CRLs: a file, or a folder of files; every\n"
    "                          certificate below the anchor must then be "
    "good\n"
    "                          (repeatable)\n"
    "      --ocsp PATH         OCSP responses in DER, likewise "
    "(repeatable)\n"
    "      --ocsp-signer PATH  certificates of responders that need no\n"
    "                          delegation by the CA (repeatable)\n"
    "      --policy OID        an acceptable policy (repeatable)\n"
    "      --explicit-policy   some policy must be valid for the path\n"
    "      --inhibit-policy-mapping\n"
    "                          no policy stands for another\n"
    "      --inhibit-any-policy\n"
    "                          anyPolicy counts for nothing\n",
    verify_options,
    run_verify,
    NULL,
};

struct certificates {
    X509 **list;
    size_t count;
};

struct verify {
    struct cm_options options;
    struct certificates anchors;
    struct certificates intermediates;
    struct certificates ntauth;
    struct cm_text_list crls; /* paths */
    struct cm_ocsp_files responses;
    struct certificates responders;
    struct cm_text_list policies;
    struct cm_path_rules rules;
    struct cm_detail detail;
    struct cm_verify_judge judge;
};

static bool
collect(struct verify *verify, struct certificates *into, const char *path)
{
    if (cm_certfile_collect(path, &into->list, &into->count, &verify->detail))
        return true;
    cm_tool_error(verify->options.tool, "%s", verify->detail.text);
    return false;
}

static bool
add_policy(struct verify *verify, const char *oid)
{
    if (!cm_policy_oid_is_valid(oid)) {
        cm_tool_error(verify->options.tool,
                      "--policy %s is not an object identifier such as "
                      "2.16.840.1.101.3.2.1.3.13",
                      oid);
        return false;
    }
    if (cm_text_list_add(&verify->policies, oid))
        return true;
    cm_tool_error(verify->options.tool, "out of memory");
    return false;
}

static bool
add_crls(struct verify *verify, const char *path)
{
    if (cm_text_list_add(&verify->crls, path))
        return true;
    cm_tool_error(verify->options.tool, "out of memory");
    return false;
}

static bool
add_responses(struct verify *verify, const char *path)
{
    if (cm_ocspfile_collect(path, &verify->responses, &verify->detail))
        return true;
    cm_tool_error(verify->options.tool, "%s", verify->detail.text);
    return false;
}

static bool
set_own(struct verify *verify, int code, const char *value)
{
    switch (code) {
    case VERIFY_ANCHOR:
        return collect(verify, &verify->anchors, value);
    case VERIFY_INTERMEDIATE:
        return collect(verify, &verify->intermediates, value);
    case VERIFY_NTAUTH:
        verify->rules.require_ntauth = true;
        return collect(verify, &verify->ntauth, value);
    case VERIFY_CRL:
        return add_crls(verify, value);
    case VERIFY_OCSP:
        return add_responses(verify, value);
    case VERIFY_OCSP_SIGNER:
        return collect(verify, &verify->responders, value);
    case VERIFY_POLICY:
        return add_policy(verify, value);
    case VERIFY_EXPLICIT_POLICY:
        verify->rules.explicit_policy = true;
        return true;
    case VERIFY_INHIBIT_POLICY_MAPPING:
        verify->rules.inhibit_policy_mapping = true;
        return true;
    default:
        verify->rules.inhibit_any_policy = true;
        return true;
    }
}

/* Reads the command line; *code is the exit status where it ends there. */
static bool
read_options(struct verify *verify, enum cm_exit *code)
{
    const char *value;
    enum cm_next next;
    int own;

    *code = CM_EXIT_USAGE;
    while ((next = cm_options_next(&verify->options, &own, &value)) ==
           CM_NEXT_OWN) {
        if (!set_own(verify, own, value))
            return false;
    }
    if (next == CM_NEXT_HELP)
        *code = CM_EXIT_YES;
    if (next != CM_NEXT_END || !cm_options_operands(&verify->options, 1))
        return false;
    if (verify->anchors.count == 0) {
        cm_tool_error(verify->options.tool,
                      "no trust anchor: name at least one with --anchor");
        return false;
    }
    if (verify->responders.count > 0 && verify->responses.count == 0) {
        cm_tool_error(verify->options.tool,
                      "--ocsp-signer means nothing without --ocsp");
        return false;
    }
    return true;
}

/* Subjects from the leaf to the anchor; NULL: no memory. */
static json_t *
json_path(const struct cm_path *path)
{
    json_t *array = json_array();
    char *name;

    for (size_t i = 0; i < path->count; i++) {
        name = cm_name_rfc4514(X509_get_subject_name(path->certs[i]));
        cm_json_append(&array, name == NULL ? NULL : cm_json_text(name));
        free(name);
    }
    return array;
}

static bool
print_json(enum cm_reason reason, const struct cm_path *path,
           const struct cm_verify_statuses *statuses, FILE *out)
{
    json_t *o = json_object();

    cm_json_set(&o, "decision",
                cm_json_text(reason == CM_OK ? "accepted" : "refused"));
    cm_json_set(&o, "reason", cm_json_text(cm_reason_token(reason)));
    cm_json_set(&o, "path", json_path(path));
    cm_json_set(&o, "revocation", cm_verify_statuses_json(statuses));
    return cm_json_print(o, out);
}

static void
print_text(enum cm_reason reason, const struct cm_path *path,
           const struct cm_detail *detail, FILE *out)
{
    char *name;

    if (reason == CM_OK)
        cm_output_toned(out, CM_TONE_GOOD, "accepted");
    else
        cm_output_toned(out, CM_TONE_BAD, "refused");
    fprintf(out, ": %s", cm_reason_token(reason));
    if (reason != CM_OK) {
        fprintf(out, ", %s", cm_reason_text(reason));
        if (detail->text[0] != '\0')
            fputs("\n  ", out);
        cm_output_text(out, detail->text);
    }
    fputc('\n', out);
    for (size_t i = 0; i < path->count; i++) {
        name = cm_name_rfc4514(X509_get_subject_name(path->certs[i]));
        fprintf(out, "  %zu ", i);
        cm_output_text(out, name == NULL ? "?" : name);
        fputc('\n', out);
        free(name);
    }
}

/* Looks for a path whose every certificate is good by what was named. */
static enum cm_reason
judge_paths(struct verify *verify, const struct cm_snapshot *snapshot,
            const struct cm_crl_provider *crls, X509 *leaf,
            struct cm_path *path)
{
    const struct cm_response_provider responses =
        cm_ocsp_files_provider(&verify->responses);

    verify->judge.question = (struct cm_status_question){
        .snapshot = snapshot,
        .rules = &verify->rules,
        .crls = verify->crls.count > 0 ? crls : NULL,
        .responses = &responses,
        .responders = verify->responders.list,
        .responder_count = verify->responders.count};
    return cm_path_find(snapshot, leaf, &verify->rules, cm_verify_judge_path,
                        &verify->judge, path, &verify->detail);
}

/* Reads the CRLs, which any certificate at hand may have signed. */
static enum cm_reason
find_good_path(struct verify *verify, const struct cm_snapshot *snapshot,
               X509 *leaf, struct cm_path *path)
{
    struct cm_crl_files *files = cm_crl_files_new(snapshot, &leaf, 1);
    enum cm_reason reason = CM_OK;

    if (files == NULL)
        return CM_NO_MEMORY;
    for (size_t i = 0; i < verify->crls.count && reason == CM_OK; i++) {
        if (!cm_crlfile_collect(verify->options.tool, verify->crls.items[i],
                                files, &verify->detail))
            reason = CM_CONFIG;
    }
    if (reason == CM_OK)
        reason = judge_paths(verify, snapshot, cm_crl_files_provider(files),
                             leaf, path);
    cm_crl_files_free(files);
    return reason;
}

/* CM_CONFIG: a file named on the command line cannot be used. */
static enum cm_reason
find_path(struct verify *verify, X509 *leaf, struct cm_path *path)
{
    struct cm_snapshot *snapshot;
    enum cm_reason reason;

    snapshot = cm_snapshot_build(verify->anchors.list, verify->anchors.count,
                                 verify->intermediates.list,
                                 verify->intermediates.count,
                                 verify->ntauth.list, verify->ntauth.count);
    if (snapshot == NULL)
        return CM_NO_MEMORY;
    verify->rules.now = cm_options_now(&verify->options);
    verify->rules.min_rsa_bits = CM_MIN_RSA_BITS_DEFAULT;
    verify->rules.initial_policies = &verify->policies;
    if (verify->crls.count > 0 || verify->responses.count > 0)
        reason = find_good_path(verify, snapshot, leaf, path);
    else
        reason = cm_path_find(snapshot, leaf, &verify->rules, NULL, NULL, path,
                              &verify->detail);
    cm_snapshot_release(snapshot);
    return reason;
}

/* False: no memory. */
static bool
print_answer(const struct verify *verify, enum cm_reason reason,
             const struct cm_path *path)
{
    const struct cm_verify_statuses *statuses = &verify->judge.found;
    FILE *out = verify->options.tool->out;

    if (verify->options.json)
        return print_json(reason, path, statuses, out);
    print_text(reason, path, &verify->detail, out);
    return cm_verify_statuses_print(statuses, out);
}

/* Judges the certificate and prints the answer. */
static enum cm_exit
verify_der(struct verify *verify, const uint8_t *der, size_t len)
{
    struct cm_tool *tool = verify->options.tool;
    struct cm_certificate cert = {0};
    struct cm_path path = {0};
    enum cm_exit code = CM_EXIT_UNAVAILABLE;
    enum cm_reason reason;

    reason = cm_certificate_decode(der, len, &cert, &verify->detail);
    if (reason == CM_OK)
        reason = find_path(verify, cert.x509, &path);
    if (reason == CM_CONFIG) {
        cm_tool_error(tool, "%s", verify->detail.text);
        code = CM_EXIT_USAGE;
    } else if (reason == CM_NO_MEMORY ||
               !print_answer(verify, reason, &path)) {
        cm_tool_error(tool, "out of memory");
    } else {
        code = reason == CM_OK ? CM_EXIT_YES : CM_EXIT_NO;
    }
    cm_path_clear(&path);
    cm_certificate_clear(&cert);
    return code;
}

static void
clear_verify(struct verify *verify)
{
    cm_certificates_free(verify->anchors.list, verify->anchors.count);
    cm_certificates_free(verify->intermediates.list,
                         verify->intermediates.count);
    cm_certificates_free(verify->ntauth.list, verify->ntauth.count);
    cm_text_list_clear(&verify->crls);
    cm_ocsp_files_clear(&verify->responses);
    cm_certificates_free(verify->responders.list, verify->responders.count);
    cm_text_list_clear(&verify->policies);
    cm_verify_statuses_clear(&verify->judge.found);
}

static enum cm_exit
run_verify(struct cm_tool *tool, int argc, char **argv)
{
    struct verify verify;
    enum cm_exit code;
    uint8_t *der;
    size_t len;

    memset(&verify, 0, sizeof(verify));
    cm_options_init(&verify.options, tool, &cm_verb_verify, argc, argv);
    if (read_options(&verify, &code)) {
        code = CM_EXIT_USAGE;
        if (cm_certfile_read(tool->in, verify.options.operands[0], &der, &len,
                             &verify.detail)) {
            code = verify_der(&verify, der, len);
            free(der);
        } else {
            cm_tool_error(tool, "%s", verify.detail.text);
        }
    }
    clear_verify(&verify);
    return code;
}
