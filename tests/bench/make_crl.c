/*
 * A CRL of any size, in DER on standard output, made by streaming:
 *
 *     make_crl CA.pem CA.key ENTRIES > CA.crl
 *
 * Its serial numbers have 16 octets and appear in no order; every entry
 * carries a reason.
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crlgen.h"

enum { SERIAL = 16, SUPERSEDED = 4, MAX_ENTRIES = 10000000 };

#define NUMBER "30( 06:551d14 04( 02:01 ) )"
#define KEY_ID "30( 06:551d23 04( 30( 80:%s ) ) )"

static void
require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "make_crl: %s\n", what);
        exit(2);
    }
}

static FILE *
open_file(const char *name)
{
    FILE *file = fopen(name, "r");

    require(file != NULL, name);
    return file;
}

/* The extensions that RFC 5280 section 5.2 asks for. */
static void
write_extensions(X509 *ca, char *out, size_t size)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ca);
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    size_t len;

    require(id != NULL && OPENSSL_buf2hexstr_ex(hex, sizeof(hex), &len,
                                                ASN1_STRING_get0_data(id),
                                                (size_t)ASN1_STRING_length(id),
                                                '\0') == 1,
            "the CA's certificate has no subject key identifier");
    snprintf(out, size, KEY_ID " " NUMBER, hex);
}

int
main(int argc, char **argv)
{
    struct crlgen_series series = {.len = SERIAL, .reason = SUPERSEDED};
    struct crlgen_spec spec = {.entry = crlgen_series_entry,
                               .context = &series};
    char text[256], *end;
    unsigned long count;
    FILE *cert, *key;
    X509 *ca;

    require(argc == 4, "make_crl CA.pem CA.key ENTRIES > CA.crl");
    count = strtoul(argv[3], &end, 10);
    require(*end == '\0' && count <= MAX_ENTRIES, "too many entries");
    cert = open_file(argv[1]);
    key = open_file(argv[2]);
    ca = PEM_read_X509(cert, NULL, NULL, NULL);
    spec.key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    require(ca != NULL && spec.key != NULL, "no certificate, or no key");
    write_extensions(ca, text, sizeof(text));
    spec.extensions = text;
    spec.issuer = X509_get_subject_name(ca);
    spec.count = count;
    crlgen_write(&spec, stdout);
    EVP_PKEY_free(spec.key);
    X509_free(ca);
    fclose(key);
    fclose(cert);
    return 0;
}
