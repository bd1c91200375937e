#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crl_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testcert.h"

void
crl_fixture_setup(struct crl_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->key = tc_key(TC_EC_P256, 0);
    fixture->ca = tc_make_ca("C=US,O=Example,CN=CA", fixture->key, NULL, NULL);
    fixture->name = X509_get_subject_name(fixture->ca);
    memset(fixture->spki, 0x5a, sizeof(fixture->spki));
    fixture->spec.key = fixture->key;
    fixture->spec.issuer = fixture->name;
    fixture->fd = -1;
}

void
crl_fixture_clear(struct crl_fixture *fixture)
{
    cm_crl_facts_clear(&fixture->facts);
    X509_free(fixture->ca);
    if (fixture->fd >= 0)
        close(fixture->fd);
}

int
crl_empty_file(void)
{
    return crlgen_bytes_file((const uint8_t *)"", 0);
}

/* Builds from the fixture's CRL into its fd. */
enum cm_reason
crl_fixture_build(struct crl_fixture *fixture)
{
    int crl = crlgen_file(&fixture->spec);
    struct cm_crl_source *source;
    enum cm_reason reason;

    source = cm_crl_source_open(crl, &fixture->detail);
    assert_non_null(source);
    fixture->fd = crl_empty_file();
    reason =
        cm_crl_index_build(source, fixture->key, fixture->spki, fixture->fd,
                           &fixture->facts, &fixture->detail);
    cm_crl_source_free(source);
    close(crl);
    return reason;
}

static struct cm_crl_index *
open_index(struct crl_fixture *fixture)
{
    struct cm_crl_index *index;

    index =
        cm_crl_index_open(dup(fixture->fd), fixture->spki, &fixture->detail);
    if (index == NULL)
        fail_msg("%s", fixture->detail.text);
    return index;
}

struct cm_crl_index *
crl_fixture_index(struct crl_fixture *fixture)
{
    if (crl_fixture_build(fixture) != CM_OK)
        fail_msg("%s", fixture->detail.text);
    return open_index(fixture);
}

/* Content octets of an INTEGER as the index wants them. */
void
crl_serial(const uint8_t *content, size_t len, uint8_t out[CM_CRL_SERIAL])
{
    memset(out, content[0] >= 0x80 ? 0xff : 0, CM_CRL_SERIAL);
    memcpy(out + CM_CRL_SERIAL - len, content, len);
}

enum cm_crl_listing
crl_find(struct cm_crl_index *index, const X509_NAME *issuer, const char *hex,
         int *reason)
{
    uint8_t serial[CM_CRL_SERIAL];
    size_t len;
    uint8_t *content = tc_hex(hex, &len);

    crl_serial(content, len, serial);
    free(content);
    return cm_crl_index_find(index, issuer, serial, reason);
}

uint8_t *
crl_fixture_small(struct crl_fixture *fixture, size_t *len)
{
    crl_fixture_setup(fixture);
    fixture->spec.extensions = INDIRECT;
    fixture->spec.entries =
        ENTRY("05") ENTRY_OF("06", "Other") ENTRY_FOR("07", "06");
    return crlgen_make(&fixture->spec, len);
}

enum cm_reason
crl_fixture_read(int fd, struct crl_fixture *fixture)
{
    struct cm_crl_source *source;
    enum cm_reason reason = CM_REVOCATION_UNKNOWN;

    cm_crl_facts_clear(&fixture->facts);
    source = cm_crl_source_open(fd, &fixture->detail);
    if (source != NULL)
        reason = cm_crl_read_facts(source, &fixture->facts, &fixture->detail);
    if (reason == CM_OK &&
        !cm_crl_verify(source, fixture->key, &fixture->detail))
        reason = CM_REVOCATION_UNKNOWN;
    cm_crl_source_free(source);
    return reason;
}

enum cm_reason
crl_fixture_read_bytes(const void *bytes, size_t len,
                       struct crl_fixture *fixture)
{
    int fd = crlgen_bytes_file(bytes, len);
    enum cm_reason reason = crl_fixture_read(fd, fixture);

    close(fd);
    return reason;
}
