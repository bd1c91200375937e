#include "stock_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "testcert.h"

static void
need(bool condition, const char *what)
{
    if (condition)
        return;
    perror(what);
    abort();
}

static void
keep_line(void *context, enum cm_severity severity, const char *text)
{
    struct stock_fixture *fixture = context;

    (void)severity;
    need(cm_text_list_add(&fixture->lines, text), "cm_text_list_add");
}

static void
write_bio(struct stock_fixture *fixture, const char *name, BIO *bio)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);

    scratch_write_bytes(&fixture->scratch, name, text, (size_t)len);
    BIO_free(bio);
}

static void
add_certificate(BIO *bio, unsigned slot)
{
    char subject[32];
    X509 *cert;

    snprintf(subject, sizeof(subject), "CN=Number %u", slot);
    cert = tc_make_ca(subject, tc_key(TC_EC_P256, slot), NULL, NULL);
    need(bio != NULL && PEM_write_bio_X509(bio, cert) == 1, "PEM");
    X509_free(cert);
}

static void
add_key(BIO *bio, EVP_PKEY *key)
{
    need(bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL,
                                                 NULL) == 1,
         "PEM");
}

void
stock_fixture_certificate(struct stock_fixture *fixture, const char *name,
                          unsigned slot)
{
    BIO *bio = BIO_new(BIO_s_mem());

    add_certificate(bio, slot);
    write_bio(fixture, name, bio);
}

void
stock_fixture_write_key(struct stock_fixture *fixture, const char *name,
                        EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());

    add_key(bio, key);
    write_bio(fixture, name, bio);
}

void
stock_fixture_key(struct stock_fixture *fixture, const char *name,
                  unsigned slot)
{
    stock_fixture_write_key(fixture, name, tc_key(TC_EC_P256, slot));
}

void
stock_fixture_pair(struct stock_fixture *fixture, const char *name,
                   unsigned slot)
{
    BIO *bio = BIO_new(BIO_s_mem());

    add_key(bio, tc_key(TC_EC_P256, slot));
    add_certificate(bio, slot);
    write_bio(fixture, name, bio);
}

void
stock_fixture_conf(struct stock_fixture *fixture, const char *more)
{
    static const char plugins[] = "[plugins]\ncertauth = {\n"
                                  "module = certmap:" CERTMAP_MODULE_PATH "\n"
                                  "enable_only = certmap\n}\n";
    char *text = NULL;

    need(asprintf(&text, "%s%s",
                  more != NULL ? more
                               : "[kdcdefaults]\n"
                                 "pkinit_identity = FILE:@/kdc.pem,@/kdc.key\n"
                                 "pkinit_anchors = FILE:@/roots.pem\n",
                  plugins) >= 0,
         "asprintf");
    scratch_write(&fixture->scratch, "kdc.conf", text);
    free(text);
}

void
stock_fixture_make(struct stock_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->log.line = keep_line;
    fixture->log.context = fixture;
    fixture->now = 1000;
    scratch_make(&fixture->scratch);
    stock_fixture_certificate(fixture, "kdc.pem", 0);
    stock_fixture_key(fixture, "kdc.key", 0);
    stock_fixture_certificate(fixture, "roots.pem", 1);
    scratch_write(&fixture->scratch, "krb5.conf", "");
    stock_fixture_conf(fixture, NULL);
    setenv("KRB5_KDC_PROFILE", scratch_path(&fixture->scratch, "kdc.conf"), 1);
    setenv("KRB5_CONFIG", scratch_path(&fixture->scratch, "krb5.conf"), 1);
}

void
stock_fixture_remove(struct stock_fixture *fixture)
{
    scratch_remove(&fixture->scratch);
    cm_text_list_clear(&fixture->lines);
}

struct cm_stock *
stock_fixture_open(struct stock_fixture *fixture, const char *const *realms)
{
    static const char *const usual[] = {"EXAMPLE.COM", NULL};
    struct cm_stock *stock =
        cm_stock_new(NULL, realms != NULL ? realms : usual, &fixture->log);

    need(stock != NULL, "cm_stock_new");
    return stock;
}

unsigned long
stock_fixture_number(struct stock_fixture *fixture, struct cm_stock *stock)
{
    struct cm_generation *generation =
        cm_stock_current(stock, fixture->now, &fixture->detail);
    unsigned long number = generation != NULL ? generation->number : 0;

    cm_generation_release(generation);
    return number;
}

unsigned long
stock_fixture_settled(struct stock_fixture *fixture, struct cm_stock *stock)
{
    for (int i = 0; i < 3; i++) {
        fixture->now += CM_STOCK_LOOK_MS;
        stock_fixture_number(fixture, stock);
    }
    return stock_fixture_number(fixture, stock);
}

size_t
stock_fixture_lines(struct stock_fixture *fixture, const char *words)
{
    size_t count = 0;

    for (size_t i = 0; i < fixture->lines.count; i++)
        count += strstr(fixture->lines.items[i], words) != NULL;
    cm_text_list_clear(&fixture->lines);
    return count;
}
