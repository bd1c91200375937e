/*
 * Which CAs are kept fresh, and which URLs are believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "refresh_sources.h"
#include "testcert.h"
#include "trusted.h"

enum { NOW = 1767225600 }; /* 2026-01-01T00:00:00Z */

/* A distribution point at http://X, or an OCSP responder at http://X. */
#define POINT(hex) "3010300ea00ca00a8608687474703a2f2f" hex
#define RESPONDER(hex) "3016301406082b060105050730018608687474703a2f2f" hex

enum { ROOT, CROSS, CA, SUB, OTHER, EXPIRED, CERTS };
static X509 *certs[CERTS];
static EVP_PKEY *keys[CERTS];
static char store_folder[4096];

static X509 *
make_ca(int number, const char *subject, int issuer, const char *point,
        const char *not_after)
{
    struct tc_spec spec = {.subject = subject,
                           .key = keys[number],
                           .issuer = issuer < 0 ? NULL : certs[issuer],
                           .issuer_key = issuer < 0 ? NULL : keys[issuer],
                           .not_after = not_after,
                           .serial_hex = "11",
                           .basic_constraints = "critical,CA:TRUE",
                           .key_usage = "critical,keyCertSign,cRLSign",
                           .ski = "hash"};

    if (point != NULL)
        spec.raw[0] = (struct tc_extension){"2.5.29.31", 0, point};
    return tc_make(&spec);
}

static int
make(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CERTS; i++)
        keys[i] = tc_key(TC_EC_P256, 10 + i);
    certs[ROOT] = make_ca(ROOT, "CN=Root", -1, NULL, NULL);
    certs[CROSS] = make_ca(CROSS, "CN=Cross Root", -1, NULL, NULL);
    certs[CA] = make_ca(CA, "CN=CA", ROOT, POINT("72"), NULL);  /* r */
    certs[SUB] = make_ca(SUB, "CN=Sub", CA, POINT("63"), NULL); /* c */
    /* Says that it is below the root; the root knows nothing of it. */
    certs[OTHER] = make_ca(OTHER, "CN=Other", -1, NULL, NULL);

    certs[EXPIRED] =
        make_ca(EXPIRED, "CN=Expired", ROOT, POINT("78"), "20210101000000Z");
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    for (int i = 0; i < CERTS; i++)
        X509_free(certs[i]);
    return 0;
}

/* ---- One realm ---- */

/* What the configuration says; `off`, `soft` and `urls` name CAs by number:
 * bit n is certs[n]. */
struct settings {
    unsigned off, soft, ocsp_only;
    const char *crl_url, *responder;
    struct cm_trusted trusted[CERTS];
};

static bool
is_one_of(const struct settings *settings, unsigned set,
          const uint8_t spki[32])
{
    for (int i = 0; i < CERTS; i++) {
        if ((set & 1U << i) != 0 &&
            memcmp(settings->trusted[i].spki_sha256, spki, 32) == 0)
            return true;
    }
    return false;
}

static bool
rules_for(void *context, const uint8_t spki[32], struct cm_issuer_rules *out)
{
    const struct settings *settings = context;

    memset(out, 0, sizeof(*out));
    out->mode = is_one_of(settings, settings->off, spki) ? CM_REVOCATION_OFF
                : is_one_of(settings, settings->soft, spki)
                    ? CM_REVOCATION_SOFT
                    : CM_REVOCATION_REQUIRE;
    if (!is_one_of(settings, settings->ocsp_only, spki))
        out->sources[out->source_count++] = CM_SOURCE_CRL;
    out->sources[out->source_count++] = CM_SOURCE_OCSP;
    return (settings->crl_url == NULL ||
            cm_text_list_add(&out->crl_urls, settings->crl_url)) &&
           (settings->responder == NULL ||
            cm_text_list_add(&out->ocsp_urls, settings->responder));
}

static const struct cm_http_settings no_http;

struct fixture {
    struct settings settings;
    struct cm_refresh_realm realm;
    struct cm_refresh_world world;
    struct cm_snapshot *snapshot;
    struct cm_refresh_map map;
};

static size_t
pick(unsigned set, X509 **out)
{
    size_t count = 0;

    for (int i = 0; i < CERTS; i++) {
        if ((set & 1U << i) != 0)
            out[count++] = certs[i];
    }
    return count;
}

#define BIT(n) (1U << (n))

static void
start(struct fixture *f, unsigned anchors, unsigned intermediates,
      unsigned ntauth)
{
    X509 *a[CERTS], *i[CERTS], *n[CERTS];

    memset(f, 0, sizeof(*f));
    files_make();
    files_make_folder("store");
    strcpy(store_folder, files_path("store"));
    assert_int_equal(chmod(store_folder, 0755), 0);
    for (int k = 0; k < CERTS; k++)
        assert_true(cm_trusted_init(&f->settings.trusted[k], certs[k]));
    f->snapshot = cm_snapshot_build(
        a, pick(anchors, a), i, pick(intermediates, i), n, pick(ntauth, n));
    assert_non_null(f->snapshot);
    f->realm = (struct cm_refresh_realm){.name = "R",
                                         .snapshot = f->snapshot,
                                         .min_rsa_bits = 2048,
                                         .http = &no_http,
                                         .rules_for = rules_for,
                                         .context = &f->settings};
    f->world = (struct cm_refresh_world){
        .path = store_folder,
        .store = cm_store_new(store_folder, false, NULL),
        .realms = &f->realm,
        .realm_count = 1,
        .now = NOW};
    assert_non_null(f->world.store);
}

static void
end(struct fixture *f)
{
    cm_refresh_map_clear(&f->map);
    cm_snapshot_release(f->snapshot);
    cm_store_free(f->world.store);
    for (int k = 0; k < CERTS; k++)
        cm_trusted_clear(&f->settings.trusted[k]);
    files_remove();
}

static void
map(struct fixture *f)
{
    cm_refresh_map_clear(&f->map);
    assert_true(cm_refresh_map_make(&f->world, &f->map));
}

static const struct cm_refresh_ca *
ca_of(const struct fixture *f, int number)
{
    return cm_refresh_ca_find(&f->map, &f->realm,
                              f->settings.trusted[number].spki_sha256);
}

/* A card below certs[issuer] with its own point and responder. */
static X509 *
make_card(int issuer, const char *point, const char *responder)
{
    struct tc_spec spec = {.subject = "CN=alice",
                           .issuer = certs[issuer],
                           .issuer_key = keys[issuer],
                           .serial_hex = "0a7b",
                           .basic_constraints = "critical,CA:FALSE",
                           .key_usage = "critical,digitalSignature",
                           .eku = "clientAuth"};

    spec.raw[0] = (struct tc_extension){"2.5.29.31", 0, point};
    spec.raw[1] = (struct tc_extension){"1.3.6.1.5.5.7.1.1", 0, responder};
    return tc_make(&spec);
}

static void
see(struct fixture *f, X509 *card)
{
    struct cm_detail why;

    cm_store_writer_free(cm_store_writer_open(store_folder, 0, &why));
    cm_store_free(f->world.store);
    f->world.store = cm_store_new(store_folder, false, NULL);
    assert_non_null(f->world.store);
    cm_store_note_seen(f->world.store, card, NOW - 60);
}

/* ---- CAs ---- */

/* The NTAuth CA and those above it; what stands beside is nobody's. */
static void
test_above(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, BIT(ROOT) | BIT(CROSS), BIT(CA) | BIT(OTHER), BIT(SUB));
    map(&f);
    assert_int_equal(f.map.count, 3);
    assert_true(ca_of(&f, SUB)->logon && ca_of(&f, SUB)->required);
    assert_true(!ca_of(&f, CA)->logon && ca_of(&f, CA)->required);
    assert_true(!ca_of(&f, ROOT)->logon && ca_of(&f, ROOT)->required);
    assert_null(ca_of(&f, CROSS));
    assert_null(ca_of(&f, OTHER));
    /* What each has issued names where its CRL is. */
    assert_int_equal(ca_of(&f, ROOT)->crls.count, 1);
    assert_string_equal(ca_of(&f, ROOT)->crls.list[0].urls.items[0],
                        "http://r");
    assert_string_equal(ca_of(&f, CA)->crls.list[0].urls.items[0], "http://c");
    assert_int_equal(ca_of(&f, SUB)->crls.count, 0);
    assert_int_equal(f.map.member_count, 2);
    end(&f);
}

static void
test_modes(void **state)
{
    static const struct {
        unsigned off, soft;
        int count;
        bool root_required, sub_required;
    } rows[] = {
        {0, 0, 3, true, true},
        {0, BIT(SUB), 3, true, false}, /* CA requires */
        {0, BIT(SUB) | BIT(CA), 3, false, false},
        {BIT(SUB), 0, 2, true, false}, /* CA and root */
        {BIT(SUB) | BIT(CA), 0, 0, false, false},
        {BIT(ROOT), 0, 3, true, true}, /* nobody logs in below it directly */
    };
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(&f, BIT(ROOT), 0, BIT(CA) | BIT(SUB));
        f.settings.off = rows[i].off;
        f.settings.soft = rows[i].soft;
        map(&f);
        assert_int_equal(f.map.count, rows[i].count);
        if (ca_of(&f, ROOT) != NULL)
            assert_int_equal(ca_of(&f, ROOT)->required, rows[i].root_required);
        if (ca_of(&f, SUB) != NULL)
            assert_int_equal(ca_of(&f, SUB)->required, rows[i].sub_required);
        end(&f);
    }
}

/* A CA that leads nowhere, or has expired, has no say. */
static void
test_untrusted(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, BIT(ROOT), 0, BIT(OTHER) | BIT(EXPIRED));
    map(&f);
    assert_int_equal(f.map.count, 0);
    end(&f);
    /* An anchor needs nobody. */
    start(&f, BIT(OTHER), 0, BIT(OTHER));
    map(&f);
    assert_int_equal(f.map.count, 1);
    assert_int_equal(f.map.member_count, 0);
    end(&f);
}

/* ---- URLs ---- */

static void
test_configured(void **state)
{
    X509 *card = make_card(SUB, POINT("70"), RESPONDER("6f"));
    struct fixture f;

    (void)state;
    start(&f, BIT(ROOT), BIT(CA), BIT(SUB));
    f.settings.crl_url = "http://conf.example/x";
    see(&f, card);
    map(&f);
    assert_true(ca_of(&f, SUB)->configured);
    assert_int_equal(ca_of(&f, SUB)->crls.count, 1);
    assert_string_equal(ca_of(&f, SUB)->crls.list[0].urls.items[0],
                        "http://conf.example/x");
    assert_int_equal(ca_of(&f, ROOT)->crls.count, 1);
    end(&f);
    X509_free(card);
}

static void
test_cards(void **state)
{
    X509 *card = make_card(SUB, POINT("70"), RESPONDER("6f"));
    struct fixture f;

    (void)state;
    start(&f, BIT(ROOT), BIT(CA), BIT(SUB));
    see(&f, card);
    map(&f);
    assert_int_equal(ca_of(&f, SUB)->cards, 1);
    assert_int_equal(ca_of(&f, CA)->cards, 0);
    assert_true(ca_of(&f, SUB)->has_responder);
    assert_string_equal(ca_of(&f, SUB)->crls.list[0].urls.items[0],
                        "http://p");
    /* Of a CA whose CRLs are not asked for. */
    f.settings.ocsp_only = BIT(SUB);
    map(&f);
    assert_int_equal(ca_of(&f, SUB)->crls.count, 0);
    assert_true(ca_of(&f, SUB)->has_responder);
    /* Off: nothing is asked about it. */
    f.settings.off = BIT(SUB);
    map(&f);
    assert_int_equal(f.map.count, 0);
    end(&f);
    X509_free(card);
}

/* Nobody may choose what is fetched by a certificate of his own making, nor
 * by one of a CA whose certificates do not log in. */
static void
test_foreign_cards(void **state)
{
    static const int issuers[] = {OTHER, ROOT, EXPIRED};
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        X509 *card = make_card(issuers[i], POINT("70"), RESPONDER("6f"));

        start(&f, BIT(ROOT), BIT(CA) | BIT(EXPIRED), BIT(SUB));
        see(&f, card);
        map(&f);
        for (size_t j = 0; j < f.map.count; j++) {
            assert_int_equal(f.map.cas[j].cards, 0);
            assert_false(f.map.cas[j].has_responder);
            for (size_t k = 0; k < f.map.cas[j].crls.count; k++)
                assert_string_not_equal(
                    f.map.cas[j].crls.list[k].urls.items[0], "http://p");
        }
        end(&f);
        X509_free(card);
    }
}

/* ---- Who is visited ---- */

struct visits {
    int count, seen, stop_after;
};

static bool
count_visit(void *context, const struct cm_refresh_card *card)
{
    struct visits *visits = context;

    assert_memory_equal(card->issuer->spki, card->path->issuer_spki_sha256,
                        32);
    visits->seen += card->seen ? 1 : 0;
    return ++visits->count != visits->stop_after;
}

static void
test_each(void **state)
{
    X509 *card = make_card(SUB, POINT("70"), RESPONDER("6f"));
    struct visits all = {0}, one = {.stop_after = 1};
    struct fixture f;

    (void)state;
    start(&f, BIT(ROOT), BIT(CA), BIT(SUB));
    see(&f, card);
    map(&f);
    assert_true(cm_refresh_each_card(&f.world, &f.map, count_visit, &all));
    assert_int_equal(all.count, 3); /* CA, SUB, and the card */
    assert_int_equal(all.seen, 1);
    assert_false(cm_refresh_each_card(&f.world, &f.map, count_visit, &one));
    assert_int_equal(one.count, 1);
    end(&f);
    X509_free(card);
}

/* ---- The KDC's own certificate ---- */

struct own_visits {
    int own, others;
    const struct cm_refresh_realm *realm;
};

static bool
count_own(void *context, const struct cm_refresh_card *card)
{
    struct own_visits *visits = context;

    if (card->own) {
        assert_ptr_equal(card->issuer->realm, visits->realm);
        assert_ptr_equal(card->path->certs[0], visits->realm->own);
        assert_false(card->seen);
        visits->own++;
    } else {
        assert_ptr_not_equal(card->issuer->realm, visits->realm);
        visits->others++;
    }
    return true;
}

/* It stands beside what its realm keeps fresh, needs no place on the NTAuth
 * list, and brings in nobody but its own CA; one without a path is nobody's.
 */
static void
test_own(void **state)
{
    static const struct {
        int issuer;
        int found;
    } cases[] = {{CA, 1}, {ROOT, 1}, {SUB, 1}, {OTHER, 0}, {EXPIRED, 0}};
    struct cm_refresh_realm realms[2];
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        X509 *own = make_card(cases[i].issuer, POINT("70"), RESPONDER("6f"));
        X509 *card = make_card(SUB, POINT("70"), RESPONDER("6f"));
        struct own_visits visits = {.realm = &realms[1]};
        const struct cm_refresh_ca *ca;

        start(&f, BIT(ROOT), BIT(CA) | BIT(SUB) | BIT(EXPIRED), BIT(SUB));
        see(&f, card);
        realms[0] = realms[1] = f.realm;
        realms[1].own = own;
        f.world.realms = realms;
        f.world.realm_count = 2;
        map(&f);
        ca = cm_refresh_ca_find(
            &f.map, &realms[1],
            f.settings.trusted[cases[i].issuer].spki_sha256);
        assert_int_equal(ca != NULL, cases[i].found);
        assert_int_equal(f.map.count, 3 + cases[i].found);
        assert_true(ca == NULL || (ca->has_responder && !ca->required &&
                                   !ca->logon && ca->cards == 0));
        assert_true(
            cm_refresh_each_card(&f.world, &f.map, count_own, &visits));
        assert_int_equal(visits.own, cases[i].found);
        assert_int_equal(visits.others, 3);
        end(&f);
        X509_free(card);
        X509_free(own);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_above),     cmocka_unit_test(test_modes),
        cmocka_unit_test(test_untrusted), cmocka_unit_test(test_configured),
        cmocka_unit_test(test_cards),     cmocka_unit_test(test_foreign_cards),
        cmocka_unit_test(test_each),      cmocka_unit_test(test_own),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
