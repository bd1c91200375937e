/*
 * Responses about certificates of keys that are not trusted any more.
 *
 * The name of a response does not tell whose it is; its CertIDs do.  All are
 * looked at, but only after the set of trusted keys has changed.
 */
#include "store_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>

static const char note_name[] = "state/trusted";

/* The hashes of trusted keys, as CertIDs have them, sorted. */
struct key_hashes {
    uint8_t (*list)[EVP_MAX_MD_SIZE]; /* SHA-1 or SHA-256, then zeroes */
    size_t count;
};

static int
compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, EVP_MAX_MD_SIZE);
}

static bool
add_hashes(struct key_hashes *hashes, const struct cm_trusted_list *list)
{
    uint8_t(*grown)[EVP_MAX_MD_SIZE];

    if (list->count == 0)
        return true;
    grown = reallocarray(hashes->list, hashes->count + 2 * list->count,
                         EVP_MAX_MD_SIZE);
    if (grown == NULL)
        return false;
    hashes->list = grown;
    memset(grown + hashes->count, 0, 2 * list->count * EVP_MAX_MD_SIZE);
    for (size_t i = 0; i < list->count; i++) {
        if (X509_pubkey_digest(list->list[i].x509, EVP_sha1(),
                               grown[hashes->count], NULL) != 1 ||
            X509_pubkey_digest(list->list[i].x509, EVP_sha256(),
                               grown[hashes->count + 1], NULL) != 1)
            return false;
        hashes->count += 2;
    }
    return true;
}

static bool
make_hashes(const struct cm_snapshot *trusted, struct key_hashes *out)
{
    memset(out, 0, sizeof(*out));
    if (!add_hashes(out, &trusted->anchors) ||
        !add_hashes(out, &trusted->intermediates) ||
        !add_hashes(out, &trusted->ntauth))
        return false;
    if (out->count > 1)
        qsort(out->list, out->count, EVP_MAX_MD_SIZE, compare_hashes);
    return true;
}

/* One line that is the same for the same set of keys. */
static bool
digest_hashes(const struct key_hashes *hashes, char out[CM_STORE_KEY_TEXT])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t digest[32];
    bool ok;

    ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; ok && i < hashes->count; i++) {
        /* A key that is in two lists counts once. */
        if (i == 0 || compare_hashes(hashes->list[i], hashes->list[i - 1]))
            ok = EVP_DigestUpdate(ctx, hashes->list[i], EVP_MAX_MD_SIZE) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (ok)
        cm_store_hex(digest, out);
    return ok;
}

/* ---- Whose is a response? ---- */

static bool
is_trusted_id(const OCSP_CERTID *id, const struct key_hashes *hashes)
{
    uint8_t wanted[EVP_MAX_MD_SIZE] = {0};
    ASN1_OCTET_STRING *key = NULL;

    if (hashes->count == 0 ||
        OCSP_id_get0_info(NULL, NULL, &key, NULL,
                          (OCSP_CERTID *)(uintptr_t)id) != 1 ||
        ASN1_STRING_length(key) > EVP_MAX_MD_SIZE)
        return false;
    memcpy(wanted, ASN1_STRING_get0_data(key),
           (size_t)ASN1_STRING_length(key));
    return bsearch(wanted, hashes->list, hashes->count, EVP_MAX_MD_SIZE,
                   compare_hashes) != NULL;
}

/* Does any of its answers name a trusted key?  What does not decode does
 * not. */
static bool
is_of_trusted(const uint8_t *bytes, size_t len,
              const struct key_hashes *hashes)
{
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, (long)len);
    OCSP_BASICRESP *basic =
        response == NULL ? NULL : OCSP_response_get1_basic(response);
    int count = basic == NULL ? 0 : OCSP_resp_count(basic);
    bool trusted = false;

    for (int i = 0; i < count && !trusted; i++)
        trusted = is_trusted_id(
            OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, i)), hashes);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return trusted;
}

/* ---- All of them ---- */

static void
sweep_file(int folder, const char *name, const struct key_hashes *hashes)
{
    struct cm_detail ignored;
    uint8_t *data;
    size_t len;
    bool trusted;

    if (cm_store_slurp(folder, name, CM_OCSP_MAX_RESPONSE, &data, &len,
                       &ignored) != CM_STORE_FILE_READ)
        return;
    trusted = is_of_trusted(data, len, hashes);
    free(data);
    if (!trusted)
        unlinkat(folder, name, 0);
}

static void
sweep_folder(struct cm_store_repair *repair, int ocsp, const char *name,
             const struct key_hashes *hashes)
{
    struct cm_detail why = {""};
    struct cm_text_list names;
    int folder;

    if (cm_store_open_folder(ocsp, name, &folder, &why) !=
        CM_STORE_FILE_READ) {
        cm_store_repair_log(repair, CM_LOG_WARNING, "ocsp", name,
                            "is passed over", why.text);
        return;
    }
    cm_store_drop_drafts(folder, INT64_MAX);
    if (cm_store_names(folder, &names, &why)) {
        for (size_t i = 0; i < names.count; i++)
            sweep_file(folder, names.items[i], hashes);
        cm_text_list_clear(&names);
    } else {
        cm_store_repair_failed(repair, "ocsp", why.text);
    }
    close(folder);
}

static void
sweep_all(struct cm_store_repair *repair, const struct key_hashes *hashes)
{
    struct cm_detail why = {""};
    struct cm_text_list names;
    int ocsp;

    if (cm_store_open_folder(repair->writer->root, "ocsp", &ocsp, &why) !=
        CM_STORE_FILE_READ) {
        cm_store_repair_failed(repair, "ocsp", why.text);
        return;
    }
    if (cm_store_names(ocsp, &names, &why)) {
        for (size_t i = 0; i < names.count; i++)
            sweep_folder(repair, ocsp, names.items[i], hashes);
        cm_text_list_clear(&names);
    } else {
        cm_store_repair_failed(repair, "ocsp", why.text);
    }
    close(ocsp);
}

static bool
is_noted(struct cm_store_repair *repair, const char *digest)
{
    struct cm_detail ignored;
    uint8_t *data;
    size_t len;
    bool same;

    if (cm_store_slurp(repair->writer->root, note_name, CM_STORE_KEY_TEXT,
                       &data, &len, &ignored) != CM_STORE_FILE_READ)
        return false;
    same = len == strlen(digest) && memcmp(data, digest, len) == 0;
    free(data);
    return same;
}

void
cm_store_repair_sweep(struct cm_store_repair *repair)
{
    char digest[CM_STORE_KEY_TEXT];
    struct key_hashes hashes;
    struct cm_detail why = {""};
    bool ok;

    ok = make_hashes(repair->trusted, &hashes) &&
         digest_hashes(&hashes, digest);
    if (!ok)
        cm_store_repair_failed(repair, "ocsp", "out of memory");
    if (ok && !is_noted(repair, digest)) {
        sweep_all(repair, &hashes);
        if (repair->ok && !cm_store_write_file(repair->writer, note_name,
                                               digest, strlen(digest), &why))
            cm_store_repair_failed(repair, note_name, why.text);
    }
    free(hashes.list);
}
