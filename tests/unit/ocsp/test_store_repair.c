/* Putting the store in order: drop-ins, damage, and what is not trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "store_fixture.h"
#include "store_parts.h"

static struct cm_snapshot *trusted, *without_ca;

static int
make_group(void **state)
{
    store_make_certificates(state);
    trusted = cm_snapshot_build(&root, 1, NULL, 0, &ca, 1);
    without_ca = cm_snapshot_build(&root, 1, NULL, 0, &other, 1);
    return trusted == NULL || without_ca == NULL;
}

static int
free_group(void **state)
{
    cm_snapshot_release(trusted);
    cm_snapshot_release(without_ca);
    return store_free_certificates(state);
}

/* Drops a CRL in by hand. */
static void
drop_in(const char *name, const struct crlgen_spec *spec, bool pem)
{
    size_t len;
    uint8_t *der = crlgen_make(spec, &len);
    BIO *bio = BIO_new(BIO_s_mem());
    char path[512], *text;
    long size;

    snprintf(path, sizeof(path), "store/%s", name);
    assert_non_null(bio);
    assert_true(PEM_write_bio(bio, "X509 CRL", "", der, (long)len) > 0);
    size = BIO_get_mem_data(bio, &text);
    if (pem)
        files_write(path, text, (size_t)size);
    else
        files_write(path, der, len);
    assert_int_equal(chmod(files_path(path), 0644), 0);
    BIO_free(bio);
    free(der);
}

static void
test_nothing_to_do(void **state)
{
    (void)state;
    assert_true(repair(trusted));
    assert_int_equal(put(NUMBER("01"), LEAF, NULL), CM_PUBLISHED);
    forget_log();
    assert_true(repair(trusted));
    assert_false(logged("store"));
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
}

/* ---- Indexes ---- */

static void
test_lost_index(void **state)
{
    (void)state;
    assert_int_equal(put(NUMBER("01"), LEAF, NULL), CM_PUBLISHED);
    assert_int_equal(unlink(store_path(published(".idx"))), 0);
    assert_true(repair(trusted));
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
    assert_true(store_has(published(".crl")));
}

static void
test_damaged_index(void **state)
{
    (void)state;
    assert_int_equal(put(NUMBER("01"), LEAF, NULL), CM_PUBLISHED);
    for (off_t size = 0; size < 8400; size += 300) {
        assert_int_equal(truncate(store_path(published(".idx")), size), 0);
        assert_true(repair(trusted));
        look();
        assert_int_equal(ask(ca_spki), ASK_LISTED);
    }
}

/* A crash after the CRL and before its index: the old index stands until the
 * next repair. */
static void
test_crash_between(void **state)
{
    struct crlgen_spec newer = crl_of(ca, ca_key(), NUMBER("02"), LEAF, LATER);

    (void)state;
    assert_int_equal(put(NUMBER("01"), NOBODY, NULL), CM_PUBLISHED);
    drop_in(published(".crl"), &newer, false);
    look();
    assert_int_equal(ask(ca_spki), ASK_NOT_LISTED);
    assert_true(repair(trusted));
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
}

/* What a crash left of files that were being written is removed. */
static void
test_drafts(void **state)
{
    char name[256];

    (void)state;
    assert_int_equal(put(NUMBER("01"), NOBODY, NULL), CM_PUBLISHED);
    files_write_text("store/" CM_STORE_DRAFT_PREFIX "1", "x");
    snprintf(name, sizeof(name), "store/%s",
             crl_name(ca_spki, CM_STORE_DRAFT_PREFIX "2"));
    files_write_text(name, "x");
    assert_true(repair(trusted));
    assert_false(store_has(CM_STORE_DRAFT_PREFIX "1"));
    assert_int_equal(count_files(crl_name(ca_spki, "")), 2);
}

/* ---- Drop-ins ---- */

static void
test_drop_ins_of_a_key(void **state)
{
    struct crlgen_spec one = crl_of(ca, ca_key(), NUMBER("01"), NOBODY, NULL);
    struct crlgen_spec two = crl_of(ca, ca_key(), NUMBER("02"), LEAF, LATER);
    char folder[256];

    (void)state;
    assert_true(repair(trusted));
    snprintf(folder, sizeof(folder), "store/%s", crl_name(ca_spki, ""));
    files_make_folder(folder);
    drop_in(crl_name(ca_spki, "ca.crl"), &one, true);
    assert_true(repair(trusted));
    look();
    assert_int_equal(ask(ca_spki), ASK_NOT_LISTED);
    assert_false(store_has(crl_name(ca_spki, "ca.crl")));
    drop_in(crl_name(ca_spki, "new one.crl"), &two, false);
    assert_true(repair(trusted));
    assert_true(logged("new one.crl is published"));
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
    assert_int_equal(count_files(crl_name(ca_spki, "")), 2);
    /* The first one again went back. */
    drop_in(crl_name(ca_spki, "ca.crl"), &one, true);
    assert_true(repair(trusted));
    assert_true(logged("ca.crl is refused, older than what was seen"));
    assert_true(store_has(crl_name(ca_spki, "ca.crl")));
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
}

static void
test_incoming(void **state)
{
    struct crlgen_spec of_ca = crl_of(ca, ca_key(), NUMBER("01"), LEAF, NULL);
    struct crlgen_spec of_root =
        crl_of(root, root_key(), NUMBER("01"), NOBODY, NULL);
    struct crlgen_spec forged =
        crl_of(ca, other_key(), NUMBER("02"), NOBODY, LATER);
    struct crlgen_spec foreign =
        crl_of(other, other_key(), NUMBER("01"), NOBODY, NULL);

    (void)state;
    assert_true(repair(trusted));
    drop_in("incoming/anything", &of_ca, false);
    drop_in("incoming/root.pem", &of_root, true);
    drop_in("incoming/forged.crl", &forged, false);
    drop_in("incoming/foreign.crl", &foreign, false);
    files_write_text("store/incoming/notes.txt", "not a CRL");
    drop_in("incoming/unsafe.crl", &of_ca, false);
    assert_int_equal(chmod(store_path("incoming/unsafe.crl"), 0666), 0);
    assert_true(repair(trusted));
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
    assert_int_equal(ask(root_spki), ASK_NOT_LISTED);
    assert_int_equal(ask(other_spki), ASK_NOBODY);
    assert_false(store_has("incoming/anything"));
    assert_false(store_has("incoming/root.pem"));
    assert_int_equal(count_files("incoming"), 4);
    assert_true(logged("w store: incoming/forged.crl is refused"));
    assert_true(logged("incoming/foreign.crl is refused: no trusted CA"));
    assert_true(logged("w store: incoming/notes.txt is refused"));
    assert_true(logged("incoming/unsafe.crl is refused: others"));
}

/* ---- What is not trusted any more ---- */

static void
put_response_about(X509 *cert, X509 *issuer, EVP_PKEY *key)
{
    size_t len;
    uint8_t *bytes = response_about(cert, issuer, key, TO_GOOD, STORE_NOW,
                                    STORE_NOW + 3600, &len);

    assert_int_equal(publish_response(cert, issuer, bytes, len, STORE_NOW),
                     CM_PUBLISHED);
    free(bytes);
}

static bool
has_response(X509 *cert, X509 *issuer)
{
    char name[CM_STORE_MAX_PATH];

    assert_true(cm_store_ocsp_name(cert, issuer, name));
    return store_has(name);
}

static void
test_untrusted_key(void **state)
{
    struct crlgen_spec of_root =
        crl_of(root, root_key(), NUMBER("01"), NOBODY, NULL);

    (void)state;
    assert_int_equal(publish(&of_root, root_spki, false), CM_PUBLISHED);
    assert_int_equal(put(NUMBER("05"), LEAF, NULL), CM_PUBLISHED);
    put_response_about(leaf, ca, ca_key());
    put_response_about(ca, root, root_key());
    assert_true(repair(trusted));
    assert_true(has_response(leaf, ca));
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);

    assert_true(repair(without_ca));
    assert_true(logged("its key is not trusted any more"));
    assert_false(store_has(crl_name(ca_spki, "")));
    assert_true(store_has(crl_name(root_spki, "")));
    assert_false(has_response(leaf, ca));
    assert_true(has_response(ca, root));
    look();
    assert_int_equal(ask(ca_spki), ASK_NOBODY);
    assert_int_equal(ask(root_spki), ASK_NOT_LISTED);

    /* What was seen of it is not forgotten. */
    assert_int_equal(put(NUMBER("04"), NOBODY, NULL), CM_PUBLISH_OLDER);
}

/* Names that are no keys are left alone; folders that cannot be believed are
 * told. */
static void
test_strange_folders(void **state)
{
    (void)state;
    assert_int_equal(put(NUMBER("01"), LEAF, NULL), CM_PUBLISHED);
    files_make_folder("store/crl/notes");
    assert_true(repair(trusted));
    assert_true(store_has("crl/notes"));
    assert_int_equal(chmod(store_path(crl_name(ca_spki, "")), 0777), 0);
    assert_false(repair(trusted));
    assert_non_null(strstr(why.text, "may write"));
    assert_true(logged("cannot be believed"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_nothing_to_do),   STORE_TEST(test_lost_index),
        STORE_TEST(test_damaged_index),   STORE_TEST(test_crash_between),
        STORE_TEST(test_drafts),          STORE_TEST(test_drop_ins_of_a_key),
        STORE_TEST(test_incoming),        STORE_TEST(test_untrusted_key),
        STORE_TEST(test_strange_folders),
    };

    return cmocka_run_group_tests(tests, make_group, free_group);
}
