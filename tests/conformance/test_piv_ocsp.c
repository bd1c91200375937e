/*
 * The GSA's test PIV cards: responses about their certificates, signed at
 * test time by the set's own OCSP signers, good and faulty.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "conformance.h"
#include "ocsp.h"
#include "path.h"
#include "testocsp.h"

enum { AT = 1704067200 /* 2024-01-01T00:00:00Z */ };

#define CARD_GEN3 "cards/46_Golden_FIPS_201-2_PIV/ICAM_PIV_Auth_SP_800-73-4"
#define CARD_GEN1 "cards/01_Golden_PIV/ICAM_PIV_Auth_SP_800-73-4"
#define PIV "ca/ICAM_Test_Card_PIV_"
#define CA_GEN3 PIV "Signing_CA_-_gold_gen3"
#define CA_GEN1 PIV "Signing_CA_-_gold_gen1-2"
#define CRL_GEN3 "crls/ICAMTestCardGen3SigningCA.crl"
#define CRL_GEN1 "crls/ICAMTestCardSigningCA.crl"

static const char *folder;

static const struct row {
    const char *subject, *issuer; /* without ".crt" */
    const char *signer;           /* after PIV, without ".p12" */
    /* The CRL that is asked about the signer; NULL: none at hand. */
    const char *crl;
    enum cm_status_state state; /* when the signer says good */
    const char *words;
} rows[] = {
    {CARD_GEN3, CA_GEN3, "OCSP_Valid_Signer_gen3", CRL_GEN3, CM_STATUS_GOOD,
     ""},
    /* It has no nocheck, so it needs a status of its own. */
    {CARD_GEN3, CA_GEN3, "OCSP_Valid_Signer_gen3", NULL, CM_STATUS_UNKNOWN,
     "nothing current says"},
    /* Two CAs of one name, each with a signer and a CRL of its own. */
    {CARD_GEN1, CA_GEN1, "OCSP_Valid_Signer_gen1-2", CRL_GEN1, CM_STATUS_GOOD,
     ""},
    {CARD_GEN1, CA_GEN1, "OCSP_Valid_Signer_gen1-2", CRL_GEN3,
     CM_STATUS_UNKNOWN, "nothing current says"},
    {CARD_GEN3, CA_GEN3, "OCSP_Valid_Signer_gen1-2", CRL_GEN3,
     CM_STATUS_UNKNOWN, "the issuing key did not sign it"},
    {CARD_GEN1, CA_GEN1, "OCSP_Valid_Signer_gen3", CRL_GEN1, CM_STATUS_UNKNOWN,
     "the issuing key did not sign it"},
    /* Cards 42 to 45 of the set are meant for these four. */
    {CARD_GEN3, CA_GEN3, "OCSP_Expired_Signer_gen3", CRL_GEN3,
     CM_STATUS_UNKNOWN, "outside its validity period"},
    {CARD_GEN3, CA_GEN3, "OCSP_Revoked_Signer_No_Check_Present_gen3", CRL_GEN3,
     CM_STATUS_GOOD, ""},
    {CARD_GEN3, CA_GEN3, "OCSP_Revoked_Signer_No_Check_Not_Present_gen3",
     CRL_GEN3, CM_STATUS_UNKNOWN, "it is revoked"},
    {CARD_GEN3, CA_GEN3, "OCSP_Invalid_Sig_Signer_gen3", CRL_GEN3,
     CM_STATUS_UNKNOWN, "the issuing key did not sign it"},
    /* CAs that issued no card of the set, but content signers. */
    {PIV "Content_Signer_RSA_2048_gen3", PIV "RSA_2048_Signing_CA_-_gold_gen3",
     "OCSP_RSA_2048_Valid_Signer_gen3",
     "crls/ICAMTestCardRSA2048PIVSigningCA.crl", CM_STATUS_GOOD, ""},
    {PIV "ECC_Issued_P-384_Content_Signer_-_gold_gen3",
     PIV "P-384_Signing_CA_-_gold_gen3", "OCSP_Valid_Signer_P384_gen3",
     "crls/ICAMTestCardP384PIVSigningCA.crl", CM_STATUS_GOOD, ""},
    {CARD_GEN3, CA_GEN3, "OCSP_RSA_2048_Valid_Signer_gen3", CRL_GEN3,
     CM_STATUS_UNKNOWN, "another CA issued it"},
};

/* The set's CRLs do not list the signers that it calls revoked. */
static const char revoked[] = "Revoked Signer";

struct party {
    X509 *subject, *issuer, *signer;
    EVP_PKEY *key;
    X509_CRL *crl;
};

static X509 *
load_cert(const char *name)
{
    char file[PATH_MAX];

    snprintf(file, sizeof(file), "%s.crt", name);
    return conformance_load_one(folder, file);
}

static void
load_signer(const char *name, struct party *party)
{
    char path[PATH_MAX];
    PKCS12 *p12;
    FILE *file;

    snprintf(path, sizeof(path), "%s/" PIV "%s.p12", folder, name);
    file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    p12 = d2i_PKCS12_fp(file, NULL);
    fclose(file);
    assert_non_null(p12);
    assert_int_equal(PKCS12_parse(p12, "", &party->key, &party->signer, NULL),
                     1);
    PKCS12_free(p12);
}

static X509_CRL *
load_crl(const char *name)
{
    char path[PATH_MAX];
    X509_CRL *crl;
    FILE *file;

    if (name == NULL)
        return NULL;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    crl = d2i_X509_CRL_fp(file, NULL);
    fclose(file);
    assert_non_null(crl);
    return crl;
}

static void
load(const struct row *row, struct party *party)
{
    memset(party, 0, sizeof(*party));
    party->subject = load_cert(row->subject);
    party->issuer = load_cert(row->issuer);
    load_signer(row->signer, party);
    party->crl = load_crl(row->crl);
}

static void
unload(struct party *party)
{
    X509_free(party->subject);
    X509_free(party->issuer);
    X509_free(party->signer);
    EVP_PKEY_free(party->key);
    X509_CRL_free(party->crl);
}

static bool
is_called_revoked(const X509 *cert)
{
    char name[256];

    return X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                     NID_commonName, name, sizeof(name)) > 0 &&
           strstr(name, revoked) != NULL;
}

/* By the CRL, if the issuing key signed it. */
static void
ask_crl(void *context, X509 *delegate, struct cm_status *out)
{
    const struct party *party = context;
    X509_REVOKED *entry = NULL;

    memset(out, 0, sizeof(*out));
    if (party->crl == NULL ||
        X509_CRL_verify(party->crl, X509_get0_pubkey(party->issuer)) != 1)
        return;
    if (is_called_revoked(delegate) ||
        X509_CRL_get0_by_cert(party->crl, &entry, delegate) != 0)
        out->state = CM_STATUS_REVOKED;
    else
        out->state = CM_STATUS_GOOD;
}

static void
judge(struct party *party, const char *says, bool by_key,
      struct cm_status *out)
{
    const struct cm_path_rules rules = {.now = AT, .min_rsa_bits = 2048};
    const struct cm_ocsp_question question = {.cert = party->subject,
                                              .issuer = party->issuer,
                                              .rules = &rules,
                                              .delegate_status = ask_crl,
                                              .context = party};
    const struct to_spec spec = {
        .responder = party->signer,
        .by_key = by_key,
        .key = party->key,
        .produced_at = AT,
        .answers = {{.cert = party->subject,
                     .issuer = party->issuer,
                     .status = says,
                     .this_update = AT,
                     .next_update = AT + 3600}},
        .certs = {party->signer},
    };
    uint8_t *response;
    size_t len;

    response = to_make(&spec, &len);
    cm_ocsp_check(&question, response, len, out);
    free(response);
}

/* A signer that may not say good may not say revoked either. */
static bool
check_row(const struct row *row, bool by_key)
{
    struct cm_status good, bad;
    struct party party;
    bool ok;

    load(row, &party);
    judge(&party, TO_GOOD, by_key, &good);
    judge(&party, TO_REVOKED, by_key, &bad);
    unload(&party);
    if (row->state == CM_STATUS_GOOD)
        ok = good.state == CM_STATUS_GOOD && bad.state == CM_STATUS_REVOKED;
    else
        ok = good.state == CM_STATUS_UNKNOWN &&
             bad.state == CM_STATUS_UNKNOWN &&
             strstr(good.detail.text, row->words) != NULL;
    if (!ok)
        print_error("%s by %s: good is %d: %s; revoked is %d: %s\n",
                    row->subject, row->signer, (int)good.state,
                    good.detail.text, (int)bad.state, bad.detail.text);
    return ok;
}

static void
test_signers(void **state)
{
    unsigned differences = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!check_row(&rows[i], false) || !check_row(&rows[i], true))
            differences++;
    }
    assert_int_equal(differences, 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signers),
    };
    OSSL_PROVIDER *standard, *legacy;
    int failed;

    folder = conformance_folder(argc, argv, "icam-piv");
    /* Some of the keys are wrapped with RC2. */
    standard = OSSL_PROVIDER_load(NULL, "default");
    legacy = OSSL_PROVIDER_load(NULL, "legacy");
    if (standard == NULL || legacy == NULL) {
        printf("skipped: no legacy provider for the keys of the set\n");
        return CONFORMANCE_SKIPPED;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    OSSL_PROVIDER_unload(legacy);
    OSSL_PROVIDER_unload(standard);
    return failed;
}
