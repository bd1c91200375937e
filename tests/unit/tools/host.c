#include "host.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "runner.h"
#include "testcert.h"

static const char krbtgt_san[] =
    "303fa03d06062b0601050202a0333031a00d1b0b4558414d504c452e434f4da120301ea0"
    "03020102a11730151b066b72627467741b0b4558414d504c452e434f4d";

static const char accounts[] =
    "dn: uid=alice,dc=example,dc=com\n"
    "krbPrincipalName: alice@EXAMPLE.COM\n"
    "altSecurityIdentities: X509:<I>DC=test,CN=CA 1<SR>7b0a\n"
    "\n"
    "dn: uid=bob,dc=example,dc=com\n"
    "krbPrincipalName: bob@EXAMPLE.COM\n"
    "altSecurityIdentities: X509:<I>DC=test,CN=CA 1<S>DC=test,CN=alice\n"
    "\n"
    "dn: uid=carol,dc=example,dc=com\n"
    "krbPrincipalName: carol@EXAMPLE.COM\n";

static X509 *
kdc_certificate(const X509 *issuer, unsigned issuer_slot, const char *eku,
                const char *san, const char *not_after)
{
    struct tc_spec spec = {.subject = "CN=KDC",
                           .issuer = issuer,
                           .issuer_key = tc_key(TC_EC_P256, issuer_slot),
                           .key = tc_key(TC_EC_P256, 4),
                           .eku = eku,
                           .not_after = not_after};

    spec.raw[0].oid = san == NULL ? NULL : "2.5.29.17";
    spec.raw[0].value_hex = san;
    return tc_make(&spec);
}

static void
write_and_free(const char *name, X509 *cert)
{
    folder_write_pem(name, &cert, 1);
    X509_free(cert);
}

/* The key of the certificates above is number 4. */
static void
write_key(const char *name, unsigned slot, const char *passphrase)
{
    FILE *file = fopen(name, "w");
    const EVP_CIPHER *cipher = passphrase != NULL ? EVP_aes_128_cbc() : NULL;

    if (file == NULL ||
        PEM_write_PKCS8PrivateKey(
            file, tc_key(TC_EC_P256, slot), cipher, passphrase,
            passphrase != NULL ? (int)strlen(passphrase) : 0, NULL,
            NULL) != 1 ||
        fclose(file) != 0)
        abort();
}

/* A certificate and its key in one file. */
static void
write_both(const char *name, X509 *cert)
{
    FILE *file;

    write_key(name, 4, NULL);
    file = fopen(name, "a");
    if (file == NULL || PEM_write_X509(file, cert) != 1 || fclose(file) != 0)
        abort();
    X509_free(cert);
}

static void
make_kdc_keys(void)
{
    write_key("kdc.key", 4, NULL);
    write_key("other.key", 5, NULL);
    write_key("locked.key", 4, "secret");
    if (symlink(FAKE_MODULE, "linked.so") != 0)
        abort();
}

static void
make_kdc_certificates(const X509 *root, const X509 *other)
{
    static const char kdc_eku[] = "1.3.6.1.5.2.3.5";

    make_kdc_keys();
    write_both("kdc-both.pem",
               kdc_certificate(root, 0, kdc_eku, krbtgt_san, NULL));
    write_and_free("kdc.pem",
                   kdc_certificate(root, 0, kdc_eku, krbtgt_san, NULL));
    write_and_free("kdc-no-eku.pem",
                   kdc_certificate(root, 0, "serverAuth", krbtgt_san, NULL));
    write_and_free("kdc-no-name.pem",
                   kdc_certificate(root, 0, kdc_eku, NULL, NULL));
    write_and_free(
        "kdc-expired.pem",
        kdc_certificate(root, 0, kdc_eku, krbtgt_san, "20210101000000Z"));
    write_and_free("kdc-foreign.pem",
                   kdc_certificate(other, 2, kdc_eku, krbtgt_san, NULL));
}

static X509 *
make_alice(const X509 *ca)
{
    struct tc_spec spec = {.subject = "DC=test,CN=alice",
                           .issuer = ca,
                           .issuer_key = tc_key(TC_EC_P256, 1),
                           .key = tc_key(TC_EC_P256, 3),
                           .serial_hex = "0a7b",
                           .key_usage = "critical,digitalSignature",
                           .eku = "clientAuth",
                           .ski = "hash"};

    return tc_make(&spec);
}

static void
make_folder(const char *name)
{
    if (mkdir(name, 0700) != 0)
        abort();
}

/* KDB modules: ours, one to stand on, and what is none. */
static void
make_kdb_folders(void)
{
    static const char junk[] = "no shared object\n";

    make_folder("kdb");
    make_folder("broken-kdb");
    if (symlink(FAKE_MODULE, "kdb/certmap.so") != 0 ||
        symlink(FAKE_MODULE, "kdb/inner.so") != 0 ||
        symlink(FAKE_CERTAUTH, "kdb/none.so") != 0)
        abort();
    folder_write("broken-kdb/certmap.so", junk, sizeof(junk) - 1);
}

static void
set_variable(const char *name, const char *file)
{
    char path[PATH_MAX], *folder = getcwd(NULL, 0);

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (setenv(name, path, 1) != 0)
        abort();
    free(folder);
}

void
host_make(void)
{
    X509 *root =
        tc_make_ca("DC=test,CN=Root", tc_key(TC_EC_P256, 0), NULL, NULL);
    X509 *ca = tc_make_ca("DC=test,CN=CA 1", tc_key(TC_EC_P256, 1), root,
                          tc_key(TC_EC_P256, 0));
    X509 *other = tc_make_ca("CN=Other", tc_key(TC_EC_P256, 2), NULL, NULL);
    static const char junk[] = "not a certificate\n";
    static const char damaged[] = "-----BEGIN CERTIFICATE-----\n!!!\n"
                                  "-----END CERTIFICATE-----\n";

    make_kdc_certificates(root, other);
    make_folder("intermediates");
    make_folder("ntauth");
    make_folder("spotted");
    make_folder("empty");
    make_folder("store");
    make_kdb_folders();
    make_folder("broken-store");
    folder_write("broken-store/deny", junk, sizeof(junk) - 1);
    folder_write_pem("roots.pem", &root, 1);
    folder_write_pem("other.pem", &other, 1);
    folder_write_pem("intermediates/ca.pem", &ca, 1);
    folder_write_pem("ntauth/ca.pem", &ca, 1);
    folder_write_pem("spotted/ca.pem", &ca, 1);
    folder_write("spotted/readme.txt", junk, sizeof(junk) - 1);
    folder_write("damaged", damaged, sizeof(damaged) - 1);
    folder_write("junk", junk, sizeof(junk) - 1);
    folder_write("accounts.ldif", accounts, sizeof(accounts) - 1);
    write_and_free("alice.pem", make_alice(ca));
    X509_free(root);
    X509_free(ca);
    X509_free(other);
    set_variable("KRB5_CONFIG", "krb5.conf");
    set_variable("KRB5_KDC_PROFILE", "kdc.conf");
}

int
host_set_up(void **state)
{
    (void)state;
    folder_enter();
    host_make();
    return 0;
}

/* Writes text with "@" replaced by the folder's path. */
static void
put(FILE *file, const char *text)
{
    char *folder = getcwd(NULL, 0);

    for (; *text != '\0'; text++) {
        if (*text == '@')
            fputs(folder, file);
        else
            fputc(*text, file);
    }
    free(folder);
}

static const char * or (const char *given, const char *otherwise)
{
    return given != NULL ? given : otherwise;
}

void
host_configure(const struct host *host)
{
    FILE *kdc = fopen("kdc.conf", "w"), *krb5 = fopen("krb5.conf", "w");

    if (kdc == NULL || krb5 == NULL)
        abort();
    put(kdc, "[kdcdefaults]\n");
    put(kdc, or (host->defaults, "kdc_tcp_listen_backlog = 64\n"));
    put(kdc, "[realms]\nEXAMPLE.COM = {\ndatabase_name = @/nowhere\n");
    put(kdc, or (host->realm, HOST_PKINIT));
    if (host->whole != NULL) {
        put(kdc, host->whole);
    } else {
        put(kdc, "certmap = {\n");
        put(kdc, or (host->certmap, HOST_CERTMAP));
        put(kdc, "}\n");
    }
    put(kdc, "}\n[dbmodules]\n");
    put(kdc, or (host->dbmodules, "EXAMPLE.COM = {\ndb_library = db2\n"
                                  "database_name = @/nowhere\n}\n"));
    put(kdc, "[plugins]\n");
    put(kdc, or (host->plugins, HOST_ENFORCE));
    put(kdc, or (host->more, ""));
    put(krb5, "[libdefaults]\ndefault_realm = EXAMPLE.COM\n");
    put(krb5, or (host->krb5_conf, ""));
    if (fclose(kdc) != 0 || fclose(krb5) != 0)
        abort();
}
