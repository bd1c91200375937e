/*
 * The GSA's test PIV cards with their CAs and CRLs.  Two CAs share the name
 * "ICAM Test Card Signing CA", each with a key and a CRL of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "crl_judge.h"
#include "piv.h"

enum { MAX_CRLS = 8 };

static const char *folder;
static struct piv_pool roots, cas, unlinked;

#define ROOTS "ICAMTestCardRootCA"
#define FIRST "ICAMTestCardSigningCA"
#define FIRST_OLD "ICAMTestCardSCA"
#define THIRD "ICAMTestCardGen3SigningCA"
#define PIV_I "ICAMTestCardPIV-IRootCA ICAMTestCardPIV-ISigningCA"
#define ALL ROOTS " " FIRST " " THIRD " " PIV_I

static const struct {
    const char *card;
    const char *crls;
    bool linked; /* with the certificates that the two CAs gave each other */
    enum cm_reason reason;
} rows[] = {
    {"01_Golden_PIV", ALL, true, CM_OK},
    {"02_Golden_PIV-I", ALL, true, CM_OK},
    {"03_SKID_Mismatch", ALL, true, CM_OK},
    {"39_Golden_FIPS_201-2_Fed_PIV-I", ALL, true, CM_OK},
    {"41_Re-keyed_Card", ALL, true, CM_OK},
    {"46_Golden_FIPS_201-2_PIV", ALL, true, CM_OK},
    {"47_Golden_FIPS_201-2_PIV_SAN_Order", ALL, true, CM_OK},
    {"54_Golden_FIPS_201-2_NFI_PIV-I", ALL, true, CM_OK},
    {"10_Expired_Cert_Signer", ALL, true, CM_PATH_UNTRUSTED},
    {"12_Certs_not_yet_valid", ALL, true, CM_CERT_VALIDITY},
    {"13_Certs_are_expired", ALL, true, CM_CERT_VALIDITY},

    /* Its CA's CRL of 2013 lists it, that of 2020 lists nobody any more. */
    {"24_Revoked_Certificates", ROOTS " " FIRST_OLD, true, CM_REVOKED},
    {"24_Revoked_Certificates", ROOTS " " FIRST_OLD " " THIRD, true,
     CM_REVOKED},
    {"24_Revoked_Certificates", ROOTS " " FIRST, true, CM_OK},
    {"24_Revoked_Certificates", ROOTS " " FIRST_OLD " " FIRST, true, CM_OK},

    /* Each CA's CRL is about its own cards, whatever the name. */
    {"24_Revoked_Certificates", ROOTS " " THIRD, false, CM_REVOCATION_UNKNOWN},
    {"01_Golden_PIV", ROOTS " " THIRD, false, CM_REVOCATION_UNKNOWN},
    {"01_Golden_PIV", ROOTS " " FIRST, false, CM_OK},
    {"46_Golden_FIPS_201-2_PIV", ROOTS " " FIRST, false,
     CM_REVOCATION_UNKNOWN},
    {"46_Golden_FIPS_201-2_PIV", ROOTS " " THIRD, false, CM_OK},
    /* The certificates that they gave each other do not change that: the
     * cards say where their CRL is, and this one does not say it is from
     * there. */
    {"24_Revoked_Certificates", ROOTS " " THIRD, true, CM_REVOCATION_UNKNOWN},
    {"01_Golden_PIV", ROOTS " " THIRD, true, CM_REVOCATION_UNKNOWN},
    {"46_Golden_FIPS_201-2_PIV", ROOTS " " FIRST, true, CM_REVOCATION_UNKNOWN},

    {"01_Golden_PIV", FIRST, true, CM_REVOCATION_UNKNOWN},
    {"01_Golden_PIV", ROOTS, true, CM_REVOCATION_UNKNOWN},
};

static void
add_crls(const char *names, bool backward, struct cm_crl_files *files)
{
    char text[PATH_MAX], path[PATH_MAX + 512], *list[MAX_CRLS];
    char *rest = text, *name;
    size_t count = 0, at;

    snprintf(text, sizeof(text), "%s", names);
    while ((name = strsep(&rest, " ")) != NULL) {
        assert_true(count < MAX_CRLS);
        list[count++] = name;
    }
    for (size_t i = 0; i < count; i++) {
        at = backward ? count - 1 - i : i;
        snprintf(path, sizeof(path), "%s/crls/%s.crl", folder, list[at]);
        assert_int_equal(crl_judge_add(files, path), CM_OK);
    }
}

static enum cm_reason
judge(const struct cm_snapshot *snapshot, const char *card, const char *crls,
      bool backward, struct cm_detail *detail)
{
    const struct cm_path_rules rules = {
        .now = PIV_AT, .min_rsa_bits = 2048, .require_ntauth = true};
    struct crl_judge context = {snapshot, &rules, NULL};
    struct cm_crl_files *files;
    struct cm_certificate leaf;
    struct cm_path path = {0};
    enum cm_reason reason;

    reason = piv_card(folder, card, &leaf, detail);
    if (reason != CM_OK)
        return reason;
    files = cm_crl_files_new(snapshot, &leaf.x509, 1);
    assert_non_null(files);
    add_crls(crls, backward, files);
    context.files = files;
    reason = cm_path_find(snapshot, leaf.x509, &rules, crl_judge_path,
                          &context, &path, detail);
    cm_path_clear(&path);
    cm_crl_files_free(files);
    cm_certificate_clear(&leaf);
    return reason;
}

static void
test_cards(void **state)
{
    struct cm_detail detail;
    struct cm_snapshot *snapshot;
    const struct piv_pool *pool;
    unsigned differences = 0;
    enum cm_reason reason;

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
        pool = rows[i / 2].linked ? &cas : &unlinked;
        snapshot = cm_snapshot_build(roots.list, roots.count, pool->list,
                                     pool->count, pool->list, pool->count);
        assert_non_null(snapshot);
        detail.text[0] = '\0';
        reason = judge(snapshot, rows[i / 2].card, rows[i / 2].crls,
                       i % 2 == 1, &detail);
        if (reason != rows[i / 2].reason) {
            print_error("%s: %s: %s\n", rows[i / 2].card,
                        cm_reason_token(reason), detail.text);
            differences++;
        }
        cm_snapshot_release(snapshot);
    }
    assert_int_equal(differences, 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards),
    };
    int failed;

    folder = conformance_folder(argc, argv, "icam-piv");
    piv_load(folder, "roots", NULL, &roots);
    piv_load(folder, "ca", NULL, &cas);
    piv_load(folder, "ca", "xcert", &unlinked);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    cm_certificates_free(roots.list, roots.count);
    cm_certificates_free(cas.list, cas.count);
    cm_certificates_free(unlinked.list, unlinked.count);
    return failed;
}
