/*
 * The input is a CRL, DER or PEM.  What we accept libcrypto decodes too, to
 * the same entries; and reading it again gives the same.
 */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/err.h>

#include "crl.h"
#include "fuzz.h"

struct comparison {
    STACK_OF(X509_REVOKED) * entries;
    int next;
};

static int
file_of(const uint8_t *data, size_t size)
{
    int fd = memfd_create("crl", MFD_CLOEXEC);

    FUZZ_REQUIRE(fd >= 0);
    FUZZ_REQUIRE(write(fd, data, size) == (ssize_t)size);
    return fd;
}

static bool
compare_entry(void *context, const struct cm_crl_entry *entry)
{
    struct comparison *comparison = context;
    uint8_t serial[CM_CRL_SERIAL];
    X509_REVOKED *theirs;

    theirs = sk_X509_REVOKED_value(comparison->entries, comparison->next++);
    FUZZ_REQUIRE(theirs != NULL);
    FUZZ_REQUIRE(
        cm_crl_serial(X509_REVOKED_get0_serialNumber(theirs), serial));
    FUZZ_REQUIRE(memcmp(serial, entry->serial, sizeof(serial)) == 0);
    FUZZ_REQUIRE(strcmp(cm_crl_reason_token(entry->reason), "unknown") != 0);
    FUZZ_REQUIRE(entry->issuer != NULL);
    return true;
}

/* Of DER, which libcrypto reads as it is. */
static void
compare(struct cm_crl_source *source, const struct cm_crl_facts *facts,
        const uint8_t *data, size_t size)
{
    struct comparison comparison = {NULL, 0};
    const uint8_t *p = data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)size);

    FUZZ_REQUIRE(crl != NULL && p == data + size);
    FUZZ_REQUIRE(X509_NAME_cmp(facts->issuer, X509_CRL_get_issuer(crl)) == 0);
    comparison.entries = X509_CRL_get_REVOKED(crl);
    FUZZ_REQUIRE(cm_crl_each(source, compare_entry, &comparison));
    FUZZ_REQUIRE((size_t)comparison.next == facts->entry_count);
    FUZZ_REQUIRE(comparison.entries == NULL ||
                 comparison.next == sk_X509_REVOKED_num(comparison.entries));
    X509_CRL_free(crl);
    ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_crl_facts facts, again;
    struct cm_crl_source *source;
    struct cm_detail detail = {""};
    int fd = file_of(data, size);

    source = cm_crl_source_open(fd, &detail);
    if (source == NULL) {
        FUZZ_REQUIRE(detail.text[0] != '\0');
    } else if (cm_crl_read_facts(source, &facts, &detail) == CM_OK) {
        if (facts.source_size == size)
            compare(source, &facts, data, size);
        FUZZ_REQUIRE(cm_crl_read_facts(source, &again, &detail) == CM_OK);
        FUZZ_REQUIRE(memcmp(facts.scope_id, again.scope_id,
                            sizeof(facts.scope_id)) == 0);
        cm_crl_facts_clear(&facts);
        cm_crl_facts_clear(&again);
    } else {
        FUZZ_REQUIRE(detail.text[0] != '\0');
        FUZZ_REQUIRE(facts.issuer == NULL);
    }
    cm_crl_source_free(source);
    close(fd);
    return 0;
}
