#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testcert.h"

#define CA .basic_constraints = "critical,CA:TRUE", .ski = "hash"
#define SIGNS .key_usage = "critical,keyCertSign,cRLSign"
#define PAST .not_after = "20230101000000Z"
#define FUTURE .not_before = "20300101000000Z"
#define EMAIL(address) .san = "email:" address
#define UNKNOWN_EXTENSION "1.3.6.1.4.1.99999.1"
#define SID_EXTENSION "1.3.6.1.4.1.311.25.2"
#define SID_VALUE "3019a017060a2b060104018237190201a0090407532d312d352d31"

enum { DIGEST_SHA256, DIGEST_SHA1 };

struct row {
    const char *id;
    const char *issuer; /* its name and key; NULL: self-signed */
    unsigned key;       /* slot */
    enum tc_key_type type;
    int digest;
    const char *signer; /* signs in the issuer's stead */
    struct tc_spec spec;
};

/* P is a P-256 key of a slot. */
#define P(slot) .key = slot, .type = TC_EC_P256

static const struct row rows[] = {
    {"root", NULL, P(1), .spec = {.subject = "CN=Root", CA, SIGNS}},
    {"root-past", NULL, P(1), .spec = {.subject = "CN=Root", CA, SIGNS, PAST}},
    {"root2", NULL, P(2), .spec = {.subject = "CN=Root 2", CA, SIGNS}},
    {"ca", "root", P(3),
     .spec = {.subject = "CN=CA", CA, SIGNS, .serial_hex = "02"}},
    {"leaf", "ca", P(4), .spec = {.subject = "CN=leaf", .aki = "keyid"}},
    {"leaf-without-aki", "ca", P(4), .spec = {.subject = "CN=leaf"}},
    {"leaf-past", "ca", P(4), .spec = {.subject = "CN=leaf", PAST}},
    {"leaf-future", "ca", P(4), .spec = {.subject = "CN=leaf", FUTURE}},
    {"leaf-past-forged", "ca", P(4), .signer = "root2",
     .spec = {.subject = "CN=leaf", PAST}},
    {"leaf-forged", "ca", P(4), .signer = "root2",
     .spec = {.subject = "CN=leaf"}},
    {"leaf-sha1", "ca", P(4), .digest = DIGEST_SHA1,
     .spec = {.subject = "CN=leaf"}},
    {"leaf-rsa1024", "ca", .key = 1, .type = TC_RSA_1024,
     .spec = {.subject = "CN=leaf"}},
    {"self", NULL, P(5), .spec = {.subject = "CN=self"}},

    /* The same CA again: certified by another root, renewed, re-keyed. */
    {"ca-cross", "root2", P(3), .spec = {.subject = "CN=CA", CA, SIGNS}},
    {"ca-past", "root", P(3), .spec = {.subject = "CN=CA", CA, SIGNS, PAST}},
    {"ca-future", "root", P(3),
     .spec = {.subject = "CN=CA", CA, SIGNS, FUTURE}},
    {"ca-rekeyed", "root", P(6), .spec = {.subject = "CN=CA", CA, SIGNS}},
    {"leaf-of-rekeyed", "ca-rekeyed", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-other-ski", "root", P(3),
     .spec = {.subject = "CN=CA",
              SIGNS,
              .ski = "0102030405",
              .basic_constraints = "critical,CA:TRUE"}},
    {"leaf-aki-other", "ca-other-ski", P(4),
     .spec = {.subject = "CN=leaf", .aki = "keyid"}},
    {"leaf-aki-serial", "ca-past", P(4),
     .spec = {.subject = "CN=leaf", .aki = "keyid,issuer:always"}},
    /* Of the same name, and nothing else in common. */
    {"ca-namesake", NULL, P(7), .spec = {.subject = "CN=CA", CA, SIGNS}},
    {"root-namesake", NULL, P(8), .spec = {.subject = "CN=Root", CA, SIGNS}},

    /* The root vouches for its next key by a self-issued certificate. */
    {"root-new", NULL, P(9), .spec = {.subject = "CN=Root", CA, SIGNS}},
    {"root-new-by-old", "root", P(9),
     .spec = {.subject = "CN=Root", CA, SIGNS, .aki = "keyid"}},
    {"ca-of-new", "root-new", P(10),
     .spec = {.subject = "CN=New CA", CA, SIGNS, .aki = "keyid"}},
    {"leaf-of-new", "ca-of-new", P(4), .spec = {.subject = "CN=leaf"}},

    /* What is wrong with a CA certificate. */
    {"ca-nc", "root", P(11),
     .spec = {.subject = "CN=NC",
              CA,
              SIGNS,
              .name_constraints = "critical,permitted;email:example.com"}},
    {"leaf-nc-good", "ca-nc", P(4),
     .spec = {.subject = "CN=leaf", EMAIL("a@example.com")}},
    {"leaf-nc-bad", "ca-nc", P(4),
     .spec = {.subject = "CN=leaf", EMAIL("a@example.net")}},
    {"ca-last", "root", P(12),
     .spec = {.subject = "CN=Last",
              .basic_constraints = "critical,CA:TRUE,pathlen:0",
              SIGNS}},
    {"leaf-of-last", "ca-last", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-below-last", "ca-last", P(13),
     .spec = {.subject = "CN=Below", CA, SIGNS}},
    {"leaf-below-last", "ca-below-last", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-false", "root", P(14),
     .spec = {.subject = "CN=False",
              SIGNS,
              .basic_constraints = "critical,CA:FALSE"}},
    {"leaf-of-false", "ca-false", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-plain", "root", P(15), .spec = {.subject = "CN=Plain"}},
    {"leaf-of-plain", "ca-plain", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-no-sign", "root", P(16),
     .spec = {.subject = "CN=NoSign", CA, .key_usage = "critical,cRLSign"}},
    {"leaf-of-no-sign", "ca-no-sign", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-forged", "root", P(17), .signer = "root2",
     .spec = {.subject = "CN=Forged", CA, SIGNS}},
    {"leaf-of-forged", "ca-forged", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-odd", "root", P(18),
     .spec = {.subject = "CN=Odd",
              CA,
              SIGNS,
              .raw = {{UNKNOWN_EXTENSION, 1, "0500"}}}},
    {"leaf-of-odd", "ca-odd", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-sid", "root", P(19),
     .spec = {.subject = "CN=Sid",
              CA,
              SIGNS,
              .raw = {{SID_EXTENSION, 1, SID_VALUE}}}},
    {"leaf-of-sid", "ca-sid", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-twice", "root", P(20),
     .spec = {.subject = "CN=Twice",
              CA,
              SIGNS,
              .raw = {{"2.5.29.15", 1, "03020106"}}}},
    {"leaf-of-twice", "ca-twice", P(4), .spec = {.subject = "CN=leaf"}},
    {"root-odd", NULL, P(21),
     .spec = {.subject = "CN=Odd root",
              CA,
              SIGNS,
              .raw = {{UNKNOWN_EXTENSION, 1, "0500"}}}},
    {"leaf-of-root-odd", "root-odd", P(4), .spec = {.subject = "CN=leaf"}},
    {"leaf-odd", "ca", P(4),
     .spec = {.subject = "CN=leaf", .raw = {{UNKNOWN_EXTENSION, 1, "0500"}}}},
    {"leaf-hint", "ca", P(4),
     .spec = {.subject = "CN=leaf", .raw = {{UNKNOWN_EXTENSION, 0, "0500"}}}},
    {"leaf-sid", "ca", P(4),
     .spec = {.subject = "CN=leaf", .raw = {{SID_EXTENSION, 1, SID_VALUE}}}},

    /* Below the floor. */
    {"ca-weak", "root", .key = 2, .type = TC_RSA_1024,
     .spec = {.subject = "CN=Weak", CA, SIGNS}},
    {"leaf-of-weak", "ca-weak", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-dsa", "root", .key = 1, .type = TC_DSA_2048,
     .spec = {.subject = "CN=DSA", CA, SIGNS}},
    {"leaf-of-dsa", "ca-dsa", P(4), .spec = {.subject = "CN=leaf"}},
    {"ca-sha1", "root", P(3), .digest = DIGEST_SHA1,
     .spec = {.subject = "CN=CA", CA, SIGNS}},
    {"root-sha1", NULL, P(1), .digest = DIGEST_SHA1,
     .spec = {.subject = "CN=Root", CA, SIGNS}},

    /* Two that sign each other, and a way out of the circle. */
    {"x-by-y", "y-by-x", P(22), .spec = {.subject = "CN=X", CA, SIGNS}},
    {"y-by-x", "x-by-y", P(23), .spec = {.subject = "CN=Y", CA, SIGNS}},
    {"y-by-root", "root", P(23), .spec = {.subject = "CN=Y", CA, SIGNS}},
    {"leaf-of-x", "x-by-y", P(4), .spec = {.subject = "CN=leaf"}},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static X509 *made[ROWS];

static const struct row *
find_row(const char *id)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].id, id) == 0)
            return &rows[i];
    }
    print_error("no certificate named %s\n", id);
    abort();
}

/* A bare certificate with a row's name, key and key identifier: all that a
 * certificate takes of its issuer, which may not be made yet. */
static X509 *
make_stand_in(const struct row *row)
{
    struct tc_spec spec = {.subject = row->spec.subject,
                           .ski = row->spec.ski,
                           .serial_hex = row->spec.serial_hex,
                           .key = tc_key(row->type, row->key)};

    return tc_make(&spec);
}

/* Through DER, as certificates come. */
static X509 *
decode_again(X509 *cert)
{
    size_t len;
    uint8_t *der = tc_der(cert, &len);
    const uint8_t *p = der;
    X509 *decoded = d2i_X509(NULL, &p, (long)len);

    assert_non_null(decoded);
    X509_free(cert);
    free(der);
    return decoded;
}

static X509 *
make_row(const struct row *row)
{
    const struct row *issuer = row, *signer;
    struct tc_spec spec = row->spec;
    X509 *stand_in = NULL, *cert;

    if (row->issuer != NULL) {
        issuer = find_row(row->issuer);
        stand_in = make_stand_in(issuer);
    }
    signer = row->signer != NULL ? find_row(row->signer) : issuer;
    spec.issuer = stand_in;
    spec.key = tc_key(row->type, row->key);
    spec.issuer_key = tc_key(signer->type, signer->key);
    spec.digest = row->digest == DIGEST_SHA1 ? EVP_sha1() : EVP_sha256();
    cert = decode_again(tc_make(&spec));
    X509_free(stand_in);
    return cert;
}

int
world_set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        made[i] = make_row(&rows[i]);
    return 0;
}

int
world_tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        X509_free(made[i]);
    return 0;
}

X509 *
world_get(const char *id)
{
    return made[find_row(id) - rows];
}

const char *
world_id(const X509 *cert)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (made[i] == cert)
            return rows[i].id;
    }
    return "?";
}

void
world_list(const char *ids, enum world_order order, struct world_list *out)
{
    char *copy = strdup(ids), *rest = copy, *id;
    X509 *swap;

    assert_non_null(copy);
    memset(out, 0, sizeof(*out));
    while ((id = strsep(&rest, " ")) != NULL) {
        if (id[0] == '\0')
            continue;
        assert_true(out->count < WORLD_MAX_LIST);
        out->certs[out->count++] = world_get(id);
    }
    free(copy);
    if (order != WORLD_BACKWARD)
        return;
    for (size_t i = 0; i < out->count / 2; i++) {
        swap = out->certs[i];
        out->certs[i] = out->certs[out->count - 1 - i];
        out->certs[out->count - 1 - i] = swap;
    }
}

struct cm_snapshot *
world_snapshot(const char *anchors, const char *intermediates,
               const char *ntauth, enum world_order order)
{
    struct world_list a, i, n;
    struct cm_snapshot *snapshot;

    world_list(anchors, order, &a);
    world_list(intermediates, order, &i);
    world_list(ntauth, order, &n);
    snapshot = cm_snapshot_build(a.certs, a.count, i.certs, i.count, n.certs,
                                 n.count);
    assert_non_null(snapshot);
    return snapshot;
}

struct cm_path_rules
world_rules(void)
{
    struct cm_path_rules rules = {.now = WORLD_NOW, .min_rsa_bits = 2048};

    return rules;
}

const char *
world_path(const struct cm_path *path)
{
    static char text[256];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < path->count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
                                i > 0 ? " " : "", world_id(path->certs[i]));
    return text;
}
