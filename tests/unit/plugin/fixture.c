#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "config_values.h"
#include "indicators.h"

enum { PATH_SIZE = 256, PATH_BUFFERS = 8, MAX_OPEN = 8 };

/* alice maps by issuer and serial (0a1b, written backwards); weak only by
 * issuer and subject; carol is disabled; dave has nothing; erin is there
 * twice. */
static const char accounts[] =
    "dn: CN=alice,CN=Users,DC=example,DC=com\n"
    "sAMAccountName: alice\n"
    "userPrincipalName: alice@example.com\n"
    "objectSid: " FIXTURE_SID "\n"
    "whenCreated: 20240101000000.0Z\n"
    "userAccountControl: 512\n"
    "altSecurityIdentities: "
    "X509:<I>DC=com,DC=example,CN=Issuing CA<SR>1b0a\n"
    "\n"
    "dn: CN=weak,CN=Users,DC=example,DC=com\n"
    "sAMAccountName: weak\n"
    "userAccountControl: 512\n"
    "objectSid: S-1-5-21-11-22-33-1102\n"
    "whenCreated: 20240101000000.0Z\n"
    "altSecurityIdentities: "
    "X509:<I>DC=com,DC=example,CN=Issuing CA<S>CN=weak\n"
    "\n"
    "dn: CN=carol,CN=Users,DC=example,DC=com\n"
    "sAMAccountName: carol\n"
    "userAccountControl: 514\n"
    "altSecurityIdentities: "
    "X509:<I>DC=com,DC=example,CN=Issuing CA<SR>1b0a\n"
    "\n"
    "dn: CN=dave,CN=Users,DC=example,DC=com\n"
    "sAMAccountName: dave\n"
    "userAccountControl: 512\n"
    "objectSid: S-1-5-21-11-22-33-1104\n"
    "whenCreated: 20240101000000.0Z\n"
    "\n"
    "dn: CN=erin,CN=Users,DC=example,DC=com\n"
    "sAMAccountName: erin\n"
    "userAccountControl: 512\n"
    "\n"
    "dn: CN=erin,CN=More,DC=example,DC=com\n"
    "sAMAccountName: erin\n"
    "userAccountControl: 512\n";

static void
fail(const char *what)
{
    perror(what);
    abort();
}

const char *
fixture_path(const struct fixture *fixture, const char *name)
{
    static char buffers[PATH_BUFFERS][PATH_SIZE];
    static unsigned next;
    char *path = buffers[next++ % PATH_BUFFERS];

    snprintf(path, PATH_SIZE, "%s/%s", fixture->folder, name);
    return path;
}

void
fixture_write(const struct fixture *fixture, const char *name,
              const void *data, size_t len)
{
    FILE *file = fopen(fixture_path(fixture, name), "w");

    if (file == NULL || fwrite(data, 1, len, file) != len || fclose(file) != 0)
        fail(name);
}

void
fixture_write_pem(const struct fixture *fixture, const char *name,
                  X509 *const *certs, size_t count)
{
    FILE *file = fopen(fixture_path(fixture, name), "w");

    if (file == NULL)
        fail(name);
    for (size_t i = 0; i < count; i++) {
        if (PEM_write_X509(file, certs[i]) != 1)
            fail(name);
    }
    if (fclose(file) != 0)
        fail(name);
}

static void
make_folder(const struct fixture *fixture, const char *name)
{
    if (mkdir(fixture_path(fixture, name), 0700) != 0)
        fail(name);
}

void
fixture_make(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/certmap-unit-XXXXXX");
    if (mkdtemp(fixture->folder) == NULL)
        fail("mkdtemp");
    fixture->root = tc_make_ca("CN=Root", tc_key(TC_EC_P256, 1), NULL, NULL);
    fixture->issuing =
        tc_make_ca("DC=com,DC=example,CN=Issuing CA", tc_key(TC_EC_P256, 2),
                   fixture->root, tc_key(TC_EC_P256, 1));
    fixture->unlisted = tc_make_ca("CN=Unlisted CA", tc_key(TC_EC_P256, 3),
                                   fixture->root, tc_key(TC_EC_P256, 1));
    fixture->untrusted =
        tc_make_ca("CN=Untrusted CA", tc_key(TC_EC_P256, 4), NULL, NULL);
    make_folder(fixture, "intermediates");
    make_folder(fixture, "ntauth");
    make_folder(fixture, "store");
    fixture_write_pem(fixture, "roots.pem", &fixture->root, 1);
    fixture_write_pem(fixture, "intermediates/issuing.pem", &fixture->issuing,
                      1);
    fixture_write_pem(fixture, "intermediates/unlisted.pem",
                      &fixture->unlisted, 1);
    fixture_write_pem(fixture, "ntauth/issuing.pem", &fixture->issuing, 1);
    fixture_write(fixture, "accounts.ldif", accounts, sizeof(accounts) - 1);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void
fixture_remove(struct fixture *fixture)
{
    if (nftw(fixture->folder, remove_one, MAX_OPEN, FTW_DEPTH | FTW_PHYS) != 0)
        fail(fixture->folder);
    X509_free(fixture->root);
    X509_free(fixture->issuing);
    X509_free(fixture->unlisted);
    X509_free(fixture->untrusted);
}

static void
set_location(struct cm_location *location, enum cm_location_kind kind,
             const char *path)
{
    location->kind = kind;
    location->path = strdup(path);
    if (location->path == NULL)
        fail(path);
}

static void
add_indicator(struct cm_settings *settings, const char *name,
              const char *condition)
{
    struct cm_indicator_rules *rules = &settings->indicators;
    struct cm_detail detail;

    if (!cm_config_add_indicator(rules, name, condition, &detail))
        fail(name);
}

void
fixture_settings(const struct fixture *fixture, struct cm_settings *settings)
{
    struct cm_detail detail;

    if (!cm_settings_init(settings, FIXTURE_REALM))
        fail(FIXTURE_REALM);
    settings->revocation.mode = CM_REVOCATION_OFF;
    set_location(&settings->trust.anchors, CM_LOCATION_FILE,
                 fixture_path(fixture, "roots.pem"));
    set_location(&settings->trust.intermediates, CM_LOCATION_DIR,
                 fixture_path(fixture, "intermediates"));
    set_location(&settings->trust.ntauth, CM_LOCATION_DIR,
                 fixture_path(fixture, "ntauth"));
    settings->directory.kind = CM_DIRECTORY_LDIF;
    settings->directory.ldif_path =
        strdup(fixture_path(fixture, "accounts.ldif"));
    cm_schema_clear(&settings->directory.schema);
    if (!cm_schema_init(&settings->directory.schema, CM_SCHEMA_AD))
        fail("schema");

    add_indicator(settings, "card", "always");
    settings->hw_authent.list = calloc(1, sizeof(*settings->hw_authent.list));
    if (settings->hw_authent.list == NULL)
        fail("hw_authent");
    settings->hw_authent.count = 1;
    if (!cm_condition_parse("always", settings->hw_authent.list, &detail))
        fail("hw_authent");
}

struct tc_spec
fixture_leaf(const struct fixture *fixture)
{
    return (struct tc_spec){
        .subject = "CN=alice",
        .issuer = fixture->issuing,
        .issuer_key = tc_key(TC_EC_P256, 2),
        .key = tc_key(TC_EC_P256, 10),
        .serial_hex = "0a1b",
        .not_before = "20240201000000Z",
        .key_usage = "critical,digitalSignature",
        .eku = "clientAuth",
        .san = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@example.com",
        .sid = FIXTURE_SID,
        .policies = "1.2.3",
        .ski = "hash",
    };
}

uint8_t *
fixture_der(const struct tc_spec *spec, size_t *len)
{
    X509 *cert = tc_make(spec);
    uint8_t *der = tc_der(cert, len);

    X509_free(cert);
    return der;
}
