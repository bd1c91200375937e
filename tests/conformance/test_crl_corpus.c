/*
 * Every CRL of NIST's PKITS and of the GSA's test PIV cards, read by us and
 * by libcrypto: what we accept says the same, and what we refuse is listed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "conformance.h"
#include "crl.h"
#include "instant.h"

enum { MAX_CERTIFICATES = 1024 };

static char *pkits, *piv; /* folders */

/* What nobody should take, and what we say about it. */
static const struct {
    const char *file;
    const char *detail;
} refused[] = {
    /* its signature is not made of whole octets */
    {"BadCRLSignatureCACRL.crl", "signature does not decode"},
    {"UnknownCRLEntryExtensionCACRL.crl", "entry 1: unknown critical"},
    {"UnknownCRLExtensionCACRL.crl", "unknown critical extension"},
};
enum { REFUSED = sizeof(refused) / sizeof(refused[0]) };

struct pool {
    X509 *list[MAX_CERTIFICATES];
    size_t count;
};

/* Calls work for each file of folder/name that ends so. */
static size_t
each_file(const char *folder, const char *name, const char *end,
          void (*work)(const char *folder, const char *file, void *context),
          void *context)
{
    char path[PATH_MAX], file[PATH_MAX];
    struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, end) == NULL)
            continue;
        snprintf(file, sizeof(file), "%s/%s", name, entry->d_name);
        work(folder, file, context);
        count++;
    }
    closedir(dir);
    return count;
}

static void
add_certificates(const char *folder, const char *file, void *context)
{
    struct pool *pool = context;
    X509 **list;
    size_t count;

    conformance_load(folder, file, &list, &count);
    assert_true(pool->count + count <= MAX_CERTIFICATES);
    memcpy(pool->list + pool->count, list, count * sizeof(*list));
    pool->count += count;
    free(list);
}

static X509_CRL *
load_openssl(const char *path)
{
    BIO *bio = BIO_new_file(path, "rb");
    X509_CRL *crl;

    assert_non_null(bio);
    crl = d2i_X509_CRL_bio(bio, NULL);
    BIO_free(bio);
    assert_non_null(crl);
    return crl;
}

struct comparison {
    STACK_OF(X509_REVOKED) * entries;
    int next;
};

static bool
compare_entry(void *context, const struct cm_crl_entry *entry)
{
    struct comparison *comparison = context;
    uint8_t serial[CM_CRL_SERIAL];
    ASN1_ENUMERATED *code;
    X509_REVOKED *theirs;
    int reason = CM_CRL_UNSPECIFIED;

    theirs = sk_X509_REVOKED_value(comparison->entries, comparison->next++);
    assert_non_null(theirs);
    assert_true(cm_crl_serial(X509_REVOKED_get0_serialNumber(theirs), serial));
    assert_memory_equal(serial, entry->serial, sizeof(serial));
    code = X509_REVOKED_get_ext_d2i(theirs, NID_crl_reason, NULL, NULL);
    if (code != NULL)
        reason = (int)ASN1_ENUMERATED_get(code);
    ASN1_ENUMERATED_free(code);
    assert_int_equal(entry->reason, reason);
    return true;
}

static void
compare_facts(const struct cm_crl_facts *facts, X509_CRL *crl)
{
    ISSUING_DIST_POINT *idp;
    int64_t seconds;

    assert_int_equal(X509_NAME_cmp(facts->issuer, X509_CRL_get_issuer(crl)),
                     0);
    assert_true(cm_instant_read(X509_CRL_get0_lastUpdate(crl), &seconds));
    assert_int_equal(facts->this_update, seconds);
    assert_true(facts->has_next_update);
    assert_true(cm_instant_read(X509_CRL_get0_nextUpdate(crl), &seconds));
    assert_int_equal(facts->next_update, seconds);
    assert_int_equal(facts->base.present,
                     X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0);
    idp =
        X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
    assert_int_equal(facts->scope.has_idp, idp != NULL);
    if (idp != NULL) {
        assert_int_equal(facts->scope.only_ca, idp->onlyCA > 0);
        assert_int_equal(facts->scope.only_user, idp->onlyuser > 0);
        assert_int_equal(facts->scope.indirect, idp->indirectCRL > 0);
        assert_int_equal(facts->scope.names != NULL, idp->distpoint != NULL);
    }
    ISSUING_DIST_POINT_free(idp);
}

/* With the key of every certificate of the issuer's name. */
static void
compare_signature(struct cm_crl_source *source, X509_CRL *crl,
                  const struct pool *pool, const char *file)
{
    struct cm_detail detail;
    EVP_PKEY *key;
    bool theirs;

    for (size_t i = 0; i < pool->count; i++) {
        if (X509_NAME_cmp(X509_get_subject_name(pool->list[i]),
                          X509_CRL_get_issuer(crl)) != 0)
            continue;
        key = X509_get0_pubkey(pool->list[i]);
        theirs = key != NULL && X509_CRL_verify(crl, key) == 1;
        /* DSA is below the floor. */
        if (key != NULL && EVP_PKEY_is_a(key, "DSA"))
            theirs = false;
        if (key != NULL && cm_crl_verify(source, key, &detail) != theirs)
            fail_msg("%s: %s", file, detail.text);
        ERR_clear_error();
    }
}

static void
check_refused(const char *file, const struct cm_detail *detail)
{
    const char *name = strrchr(file, '/') + 1;

    for (size_t i = 0; i < REFUSED; i++) {
        if (strcmp(refused[i].file, name) == 0) {
            if (strncmp(detail->text, refused[i].detail,
                        strlen(refused[i].detail)) != 0)
                fail_msg("%s: %s", name, detail->text);
            return;
        }
    }
    fail_msg("%s: %s", file, detail->text);
}

static void
check_crl(const char *folder, const char *file, void *context)
{
    struct comparison comparison = {NULL, 0};
    struct cm_crl_source *source;
    struct cm_crl_facts facts;
    struct cm_detail detail;
    char path[PATH_MAX];
    X509_CRL *crl;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    source = cm_crl_source_open(fd, &detail);
    assert_non_null(source);
    if (cm_crl_read_facts(source, &facts, &detail) == CM_OK) {
        crl = load_openssl(path);
        compare_facts(&facts, crl);
        comparison.entries = X509_CRL_get_REVOKED(crl);
        assert_true(cm_crl_each(source, compare_entry, &comparison));
        assert_int_equal(facts.entry_count, comparison.next);
        assert_int_equal(facts.entry_count,
                         comparison.entries == NULL
                             ? 0
                             : sk_X509_REVOKED_num(comparison.entries));
        compare_signature(source, crl, context, file);
        X509_CRL_free(crl);
        cm_crl_facts_clear(&facts);
    } else {
        check_refused(file, &detail);
    }
    cm_crl_source_free(source);
    close(fd);
}

static void
test_corpus(const char *folder, const char *certificates, const char *end,
            size_t least)
{
    static struct pool pool;
    size_t count;

    memset(&pool, 0, sizeof(pool));
    each_file(folder, certificates, end, add_certificates, &pool);
    count = each_file(folder, "crls", ".crl", check_crl, &pool);
    assert_true(count >= least);
    for (size_t i = 0; i < pool.count; i++)
        X509_free(pool.list[i]);
}

static void
test_pkits(void **state)
{
    (void)state;
    test_corpus(pkits, "certs", ".crt", 173);
}

static void
test_piv(void **state)
{
    (void)state;
    test_corpus(piv, "ca", ".crt", 40);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pkits),
        cmocka_unit_test(test_piv),
    };

    int failed;

    pkits = strdup(conformance_folder(argc, argv, "pkits"));
    piv = strdup(conformance_folder(argc, argv, "icam-piv"));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(pkits);
    free(piv);
    return failed;
}
