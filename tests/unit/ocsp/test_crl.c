/*
 * What is taken for a CRL and what is not, part by part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crl_fixture.h"
#include "testcert.h"

#define CRITICAL " 01:ff "
#define ENTRY_WITH(extensions) "30( 02:05" DATE "30( " extensions " ) )"
#define EXTENSION(oid, value) " 30( 06:" oid " 04( " value " ) ) "
#define CRITICAL_EXTENSION(oid, value)                                        \
    " 30( 06:" oid CRITICAL "04( " value " ) ) "
#define IDP(content) CRITICAL_EXTENSION("551d1c", "30( " content " )")
#define NUMBER(value) EXTENSION("551d14", "02:" value)
#define BASE(value) CRITICAL_EXTENSION("551d1b", "02:" value)
#define DIRECTORY_NAME(text) "a4( " NAME(text) " )"
#define URI "a0( a0( 86'http://crl.example/1' ) )"

#define UNKNOWN "2a0304"
#define TEN_OCTETS "0102030405060708090a"
#define FOUR(text) text text text text
#define SIXTEEN(text) FOUR(FOUR(text))
/* 65 different ones are hard to write: doubled ones come after the limit. */
#define DISTINCT(last)                                                        \
    EXTENSION("2a0300" last, "05:")                                           \
    EXTENSION("2a0301" last, "05:")                                           \
    EXTENSION("2a0302" last, "05:")                                           \
    EXTENSION("2a0303" last, "05:")                                           \
    EXTENSION("2a0304" last, "05:")                                           \
    EXTENSION("2a0305" last, "05:")                                           \
    EXTENSION("2a0306" last, "05:")                                           \
    EXTENSION("2a0307" last, "05:")
#define SIXTY_FOUR                                                            \
    DISTINCT("00")                                                            \
    DISTINCT("01")                                                            \
    DISTINCT("02")                                                            \
    DISTINCT("03")                                                            \
    DISTINCT("04") DISTINCT("05") DISTINCT("06") DISTINCT("07")

#define ECDSA_SHA256 "30( 06:2a8648ce3d040302 )"
#define ECDSA_SHA384 "30( 06:2a8648ce3d040303 )"

static const struct {
    struct crlgen_spec spec;
    const char *detail;
} refused[] = {
    /* head */
    {{.version = "02:00"}, "unknown CRL version"},
    {{.version = "02:02"}, "unknown CRL version"},
    {{.version = "02:0001"}, "unknown CRL version"},
    {{.version = "02:01 02:01"}, "signature algorithm does not decode"},
    {{.algorithm = "04:"}, "signature algorithm does not decode"},
    {{.algorithm = "30( 06:2a8648ce3d040302 05:00 )"},
     "signature algorithm does not decode"},
    {{.algorithm = "30( )"}, "signature algorithm does not decode"},
    {{.issuer_der = "31( )"}, "issuer does not decode"},
    {{.issuer_der = "30( 30( 06:550403 0c'CA' ) )"}, "issuer does not decode"},
    {{.issuer_der = "30( 31( 30( 06:5504 0c'CA' 05: ) ) )"},
     "issuer does not decode"},
    {{.issuer_der = "30( #3180 30( 06:550403 0c'CA' ) #0000 )"},
     "issuer does not decode"},
    {{.this_update = "17'2601010000Z'"}, "thisUpdate does not decode"},
    {{.this_update = "17'260101000000+0000'"}, "thisUpdate does not decode"},
    {{.this_update = "17'261301000000Z'"}, "thisUpdate does not decode"},
    {{.this_update = "18'20260101000000.0Z'"}, "thisUpdate does not decode"},
    {{.this_update = "18'260101000000Z'"}, "thisUpdate does not decode"},
    {{.this_update = "05:"}, "thisUpdate does not decode"},
    {{.this_update = "", .next_update = ""}, "thisUpdate does not decode"},
    {{.next_update = "17'360101'"}, "nextUpdate does not decode"},
    {{.next_update = "18'20360229120000Z' 17'360101000000Z'"},
     "extensions do not decode"},
    /* entries */
    {{.entries = "05:"}, "entry 1: not well-formed"},
    {{.entries = ENTRY("05") "#30"}, "entry 2: not well-formed"},
    {{.entries = ENTRY("05") "#3040"}, "entry 2: not well-formed"},
    {{.entries = ENTRY("05") "#3080" DATE "#0000"},
     "entry 2: not well-formed"},
    {{.entries = "30( )"}, "entry 1: no serial number"},
    {{.entries = "30(" DATE ")"}, "entry 1: no serial number"},
    {{.entries = ENTRY("")}, "entry 1: no serial number"},
    {{.entries = ENTRY("0005")}, "entry 1: serial number is not DER"},
    {{.entries = ENTRY("0000")}, "entry 1: serial number is not DER"},
    {{.entries = ENTRY("ff85")}, "entry 1: serial number is not DER"},
    {{.entries = ENTRY("01" TEN_OCTETS TEN_OCTETS)},
     "entry 1: serial number too long"},
    {{.entries = ENTRY("ff00" TEN_OCTETS "010203040506070809")},
     "entry 1: serial number too long"},
    {{.entries = ENTRY("0080" TEN_OCTETS TEN_OCTETS)},
     "entry 1: serial number too long"},
    {{.entries = "30( 02:05 )"}, "entry 1: revocationDate does not decode"},
    {{.entries = "30( 02:05 17'2601010000Z' )"},
     "entry 1: revocationDate does not decode"},
    {{.entries = "30( 02:05 17'260132000000Z' )"},
     "entry 1: revocationDate does not decode"},
    {{.entries = "30( 02:05 17'26010100000-Z' )"},
     "entry 1: revocationDate does not decode"},
    {{.entries = "30( 02:05 18'20260101000000' )"},
     "entry 1: revocationDate does not decode"},
    {{.entries = "30( 02:05" DATE "05: )"}, "entry 1: not well-formed"},
    {{.entries = "30( 02:05" DATE REASON("01") "05: )"},
     "entry 1: not well-formed"},
    {{.entries = ENTRY_WITH("")}, "entry 1: empty list of extensions"},
    {{.entries = ENTRY_WITH("05:")}, "entry 1: extension does not decode"},
    {{.entries = ENTRY_WITH("30( 06: 04:05 )")}, "entry 1: not well-formed"},
    {{.entries = ENTRY_WITH("30( 06:551da6 04:05 )")},
     "entry 1: not well-formed"},
    {{.entries = ENTRY_WITH("30( 06:551d15 01:01 04( 0a:01 ) )")},
     "entry 1: not well-formed"},
    {{.entries = ENTRY_WITH("30( 06:551d15 01:ff 01:ff 04( 0a:01 ) )")},
     "entry 1: extension does not decode"},
    {{.entries = ENTRY_WITH("30( 06:551d15 0a:01 )")},
     "entry 1: extension does not decode"},
    {{.entries = ENTRY_WITH("30( 06:551d15 04( 0a:01 ) 05: )")},
     "entry 1: extension does not decode"},
    {{.entries = ENTRY_WITH(EXTENSION("551d15", "0a:01")
                                EXTENSION("551d15", "0a:01"))},
     "entry 1: an extension stands twice"},
    {{.entries =
          ENTRY_WITH(EXTENSION(UNKNOWN, "05:") EXTENSION(UNKNOWN, "05:"))},
     "entry 1: an extension stands twice"},
    {{.entries = ENTRY_WITH(SIXTY_FOUR EXTENSION("2a0308", "05:"))},
     "entry 1: too many extensions"},
    {{.entries = ENTRY_WITH(CRITICAL_EXTENSION(UNKNOWN, "05:"))},
     "entry 1: unknown critical extension"},
    {{.entries = ENTRY("04") ENTRY_WITH(CRITICAL_EXTENSION("551d17", "05:"))},
     "entry 2: unknown critical extension"}, /* holdInstructionCode */
    {{.entries = ENTRY_FOR("05", "07")}, "entry 1: no such reason code"},
    {{.entries = ENTRY_FOR("05", "0b")}, "entry 1: no such reason code"},
    {{.entries = ENTRY_FOR("05", "ff")}, "entry 1: no such reason code"},
    {{.entries = ENTRY_FOR("05", "")}, "entry 1: no such reason code"},
    {{.entries = ENTRY_FOR("05", "0001")}, "entry 1: no such reason code"},
    {{.entries = ENTRY_WITH(EXTENSION("551d15", "02:01"))},
     "entry 1: no such reason code"},
    {{.entries = ENTRY_WITH(EXTENSION("551d15", "0a:01 05:"))},
     "entry 1: no such reason code"},
    {{.entries = ENTRY_WITH(EXTENSION("551d18", "17'260101000000Z'"))},
     "entry 1: invalidityDate does not decode"},
    {{.entries = ENTRY_WITH(EXTENSION("551d1d", "05:00")),
      .extensions = INDIRECT},
     "entry 1: certificateIssuer does not decode"},
    {{.entries = ENTRY_WITH(EXTENSION("551d1d", "30( )")),
      .extensions = INDIRECT},
     "entry 1: certificateIssuer is not one name"},
    {{.entries = ENTRY_WITH(EXTENSION("551d1d", "30( 82'ca.example' )")),
      .extensions = INDIRECT},
     "entry 1: certificateIssuer is not one name"},
    {{.entries = ENTRY_WITH(EXTENSION("551d1d", "30( " DIRECTORY_NAME("A")
                                                    DIRECTORY_NAME("B") " )")),
      .extensions = INDIRECT},
     "entry 1: certificateIssuer is not one name"},
    {{.entries = ENTRY_WITH(EXTENSION("551d1d", "30( a4( 31( ) ) )")),
      .extensions = INDIRECT},
     "entry 1: certificateIssuer does not decode"},
    /* what only some CRLs may hold */
    {{.version = "", .entries = ENTRY_FOR("05", "01")},
     "extensions in a CRL before version 2"},
    {{.version = "", .extensions = NUMBER("01")},
     "extensions in a CRL before version 2"},
    {{.entries = ENTRY_OF("05", "Other")},
     "certificateIssuer in a CRL that is not indirect"},
    {{.entries = ENTRY_OF("05", "Other"), .extensions = IDP("81:ff")},
     "certificateIssuer in a CRL that is not indirect"},
    {{.entries = ENTRY_FOR("05", "08")},
     "removeFromCRL in a CRL that is not a delta"},
    {{.entries = ENTRY_FOR("05", "08"), .extensions = NUMBER("05")},
     "removeFromCRL in a CRL that is not a delta"},
    /* extensions */
    {{.extensions = ""}, "empty list of extensions"},
    {{.extensions = "05:"}, "extension does not decode"},
    {{.extensions = CRITICAL_EXTENSION(UNKNOWN, "05:")},
     "unknown critical extension"},
    {{.extensions = NUMBER("05") CRITICAL_EXTENSION("551d3c", "05:")},
     "unknown critical extension"},
    {{.extensions = NUMBER("05") NUMBER("06")}, "an extension stands twice"},
    {{.extensions = EXTENSION(UNKNOWN, "05:") EXTENSION(UNKNOWN, "05:")},
     "an extension stands twice"},
    {{.extensions = SIXTY_FOUR EXTENSION("2a0308", "05:")},
     "too many extensions"},
    {{.extensions = NUMBER("ff")}, "extension 2.5.29.20 does not decode"},
    {{.extensions = NUMBER("")}, "extension 2.5.29.20 does not decode"},
    {{.extensions = NUMBER("0005")}, "extension 2.5.29.20 does not decode"},
    {{.extensions = NUMBER("01" TEN_OCTETS TEN_OCTETS)},
     "extension 2.5.29.20 does not decode"},
    {{.extensions = EXTENSION("551d14", "0a:05")},
     "extension 2.5.29.20 does not decode"},
    {{.extensions = EXTENSION("551d14", "02:05 02:05")},
     "extension 2.5.29.20 does not decode"},
    {{.extensions = BASE("ff")}, "extension 2.5.29.27 does not decode"},
    {{.extensions = EXTENSION("551d23", "30( 80( 05: ) )") "#00"},
     "extensions do not decode"},
    {{.extensions = EXTENSION("551d23", "31( )")},
     "extension 2.5.29.35 does not decode"},
    {{.extensions = CRITICAL_EXTENSION("551d1c", "05:")},
     "issuingDistributionPoint: does not decode"},
    {{.extensions = CRITICAL_EXTENSION("551d1c", "30( 81:ff )#00")},
     "extension 2.5.29.28 does not decode"},
    {{.extensions = IDP("81:ff 82:ff")},
     "issuingDistributionPoint: onlyContains... more than once"},
    {{.extensions = IDP("82:ff 85:ff")},
     "issuingDistributionPoint: onlyContains... more than once"},
    {{.extensions = IDP("83:00")},
     "issuingDistributionPoint: onlySomeReasons without a reason"},
    {{.extensions = IDP("83:0780")},
     "issuingDistributionPoint: onlySomeReasons without a reason"},
    {{.extensions = IDP("a0( a0( ) )")},
     "issuingDistributionPoint: a distribution point without name"},
    {{.extensions = IDP("a0( a1( ) )")},
     "issuingDistributionPoint: a distribution point without name"},
    {{.extensions = IDP("86:ff")},
     "issuingDistributionPoint: does not decode"},
    /* frame */
    {{.before_end = "05:"}, "extensions do not decode"},
    {{.extensions = NUMBER("05"), .before_end = "05:"},
     "extensions do not decode"},
    {{.extensions = NUMBER("05"), .before_end = "#30"},
     "extensions do not decode"},
    {{.outer_algorithm = ECDSA_SHA384}, "the two signature algorithms differ"},
    {{.algorithm = ECDSA_SHA384, .outer_algorithm = ECDSA_SHA256},
     "the two signature algorithms differ"},
    {{.outer_algorithm = "30( 06:2a8648ce3d040302 05: )"},
     "the two signature algorithms differ"},
    {{.outer_algorithm = ""}, "the two signature algorithms differ"},
    {{.extensions = SIXTY_FOUR, .signature = "04:00"},
     "signature does not decode"},
    {{.extensions = SIXTY_FOUR, .signature = "03:"},
     "signature does not decode"},
    {{.extensions = SIXTY_FOUR, .signature = "03:00"},
     "signature does not decode"},
    {{.extensions = SIXTY_FOUR, .signature = "03:04f0"},
     "signature does not decode"},
    {{.extensions = SIXTY_FOUR, .signature = "03:0011 05:"},
     "signature does not decode"},
    {{.extensions = SIXTY_FOUR, .signature = ""}, "signature does not decode"},
    {{.after_end = "#00"}, "bytes after the end of the CRL"},
    {{.after_end = "#0d0a"}, "bytes after the end of the CRL"},
};

static const struct {
    struct crlgen_spec spec;
    size_t entries;
} accepted[] = {
    {{.version = NULL}, 0},
    {{.version = ""}, 0},
    {{.version = "", .entries = ENTRY("05")}, 1},
    {{.entries = ""}, 0}, /* empty lists should be absent, but are common */
    {{.next_update = ""}, 0},
    {{.next_update = "18'20500101000000Z'"}, 0},
    {{.this_update = "18'20260101000000Z'"}, 0},
    {{.entries = ENTRY("00") ENTRY("80") ENTRY("ff")}, 3},
    {{.entries = ENTRY("7f" TEN_OCTETS "010203040506070809")}, 1},
    {{.entries = ENTRY("80" TEN_OCTETS "010203040506070809")}, 1},
    {{.entries = ENTRY("0080" TEN_OCTETS "010203040506070809")}, 1},
    {{.entries = "30( 02:05 18'20500101000000Z' )"}, 1},
    {{.entries = ENTRY_FOR("05", "00") ENTRY_FOR("05", "0a")}, 2},
    {{.entries = ENTRY_WITH(EXTENSION("551d18", "18'20260101000000Z'"))}, 1},
    {{.entries = ENTRY_WITH(CRITICAL_EXTENSION("551d15", "0a:01"))}, 1},
    {{.entries = ENTRY_WITH("30( 06:551d15 01:00 04( 0a:01 ) )")}, 1},
    {{.entries = ENTRY_WITH(SIXTY_FOUR)}, 1},
    {{.entries = ENTRY_WITH(EXTENSION(UNKNOWN, "05:"))}, 1},
    {{.entries = ENTRY_FOR("05", "08"), .extensions = NUMBER("05") BASE("04")},
     1},
    {{.entries = ENTRY_OF("05", "Other"), .extensions = INDIRECT}, 1},
    {{.extensions = EXTENSION(UNKNOWN, "05:")}, 0},
    {{.extensions = SIXTY_FOUR}, 0},
    {{.extensions = NUMBER("00")}, 0},
    {{.extensions = NUMBER("00ff" TEN_OCTETS "010203040506070809")}, 0},
    {{.extensions = EXTENSION("551d2e", "30( 30( " URI " ) )")}, 0},
    {{.extensions = EXTENSION("551d12", "30( 82'ca.example' )")}, 0},
    {{.extensions = IDP("85:ff")}, 0},
    {{.extensions = IDP("")}, 0},
};

/* Fills in what the table leaves out, and reads. */
static enum cm_reason
read_spec(const struct crlgen_spec *row, struct crl_fixture *fixture)
{
    struct crlgen_spec spec = *row;
    struct cm_crl_source *source;
    enum cm_reason reason;
    int fd;

    spec.key = fixture->key;
    spec.issuer = fixture->name;
    fd = crlgen_file(&spec);
    source = cm_crl_source_open(fd, &fixture->detail);
    assert_non_null(source);
    cm_crl_facts_clear(&fixture->facts);
    reason = cm_crl_read_facts(source, &fixture->facts, &fixture->detail);
    if (reason == CM_OK &&
        !cm_crl_verify(source, fixture->key, &fixture->detail))
        fail_msg("%s", fixture->detail.text);
    cm_crl_source_free(source);
    close(fd);
    return reason;
}

static void
test_refused(void **state)
{
    struct crl_fixture fixture;

    (void)state;
    crl_fixture_setup(&fixture);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (read_spec(&refused[i].spec, &fixture) != CM_REVOCATION_UNKNOWN)
            fail_msg("row %zu is accepted: %s", i, refused[i].detail);
        if (strcmp(fixture.detail.text, refused[i].detail) != 0)
            fail_msg("row %zu: %s, not %s", i, fixture.detail.text,
                     refused[i].detail);
        assert_null(fixture.facts.issuer);
    }
    crl_fixture_clear(&fixture);
}

static void
test_accepted(void **state)
{
    struct crl_fixture fixture;

    (void)state;
    crl_fixture_setup(&fixture);
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        if (read_spec(&accepted[i].spec, &fixture) != CM_OK)
            fail_msg("row %zu: %s", i, fixture.detail.text);
        assert_int_equal(fixture.facts.entry_count, accepted[i].entries);
    }
    crl_fixture_clear(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
