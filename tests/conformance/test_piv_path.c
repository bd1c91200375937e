/*
 * The GSA's test PIV cards: their PIV Authentication certificates and the
 * CAs that issued them, two of which share a name and sign each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "piv.h"

static const char *folder;

static const struct {
    const char *card;
    enum cm_reason reason;
    size_t length;
} cards[] = {
    {"01_Golden_PIV", CM_OK, 3},
    {"02_Golden_PIV-I", CM_OK, 3},
    /* The mismatch is in the leaf's own key identifier: mapping's matter. */
    {"03_SKID_Mismatch", CM_OK, 3},
    /* Its signing CA has expired. */
    {"10_Expired_Cert_Signer", CM_PATH_UNTRUSTED, 0},
    {"12_Certs_not_yet_valid", CM_CERT_VALIDITY, 0},
    {"13_Certs_are_expired", CM_CERT_VALIDITY, 0},
    /* Revoked, which a path does not show.  Its authority key identifier
     * names the serial number of an earlier certificate of the same CA. */
    {"24_Revoked_Certificates", CM_OK, 3},
    {"39_Golden_FIPS_201-2_Fed_PIV-I", CM_OK, 3},
    {"41_Re-keyed_Card", CM_OK, 3},
    {"46_Golden_FIPS_201-2_PIV", CM_OK, 3},
    {"47_Golden_FIPS_201-2_PIV_SAN_Order", CM_OK, 3},
    {"54_Golden_FIPS_201-2_NFI_PIV-I", CM_OK, 3},
};

/* Finds the path of one card's certificate. */
static enum cm_reason
judge_card(const struct cm_snapshot *snapshot, const char *card,
           struct cm_path *path, struct cm_detail *detail)
{
    const struct cm_path_rules rules = {
        .now = PIV_AT, .min_rsa_bits = 2048, .require_ntauth = true};
    struct cm_certificate leaf;
    enum cm_reason reason;

    memset(path, 0, sizeof(*path));
    reason = piv_card(folder, card, &leaf, detail);
    if (reason != CM_OK)
        return reason;
    reason =
        cm_path_find(snapshot, leaf.x509, &rules, NULL, NULL, path, detail);
    cm_certificate_clear(&leaf);
    return reason;
}

static void
test_cards(void **state)
{
    struct cm_snapshot *snapshot;
    struct cm_detail detail = {""};
    unsigned differences = 0;
    struct piv_pool roots, cas;
    enum cm_reason reason;
    struct cm_path path;

    (void)state;
    piv_load(folder, "roots", NULL, &roots);
    piv_load(folder, "ca", NULL, &cas);
    snapshot = cm_snapshot_build(roots.list, roots.count, cas.list, cas.count,
                                 cas.list, cas.count);
    assert_non_null(snapshot);
    for (size_t i = 0; i < sizeof(cards) / sizeof(*cards); i++) {
        reason = judge_card(snapshot, cards[i].card, &path, &detail);
        if (reason != cards[i].reason || path.count != cards[i].length) {
            print_error("%s: %s, %zu certificates: %s\n", cards[i].card,
                        cm_reason_token(reason), path.count, detail.text);
            differences++;
        }
        cm_path_clear(&path);
    }
    cm_snapshot_release(snapshot);
    cm_certificates_free(roots.list, roots.count);
    cm_certificates_free(cas.list, cas.count);
    assert_int_equal(differences, 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards),
    };

    folder = conformance_folder(argc, argv, "icam-piv");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
