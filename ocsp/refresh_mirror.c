#include "refresh_mirror.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "source.h"
#include "text.h"

int64_t
cm_mirror_interval(int64_t max_age)
{
    int64_t interval = max_age / CM_MIRROR_AGE_PART;

    if (interval > CM_MIRROR_EVERY)
        return CM_MIRROR_EVERY;
    return interval > CM_MIRROR_LEAST ? interval : CM_MIRROR_LEAST;
}

/* NULL: it is not one certificate and nothing else. */
static X509 *
decode(const struct cm_mirror_value *value)
{
    const uint8_t *p = value->bytes;
    X509 *cert = d2i_X509(NULL, &p, (long)value->len);

    ERR_clear_error();
    if (cert != NULL && p == value->bytes + value->len)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool
add(BIO *out, const struct cm_mirror_value *value, const struct cm_log *log,
    struct cm_mirror_result *result)
{
    X509 *cert = decode(value);
    bool ok = true;

    if (cert != NULL) {
        ok = PEM_write_bio_X509(out, cert) == 1;
        result->certificates++;
    } else if (value->len > CM_MIRROR_PLACEHOLDER) {
        result->undecodable++;
        cm_log_write(log, CM_LOG_WARNING,
                     "ntauth: a value of %zu bytes in the directory is no "
                     "certificate and is left out",
                     value->len);
    }
    X509_free(cert);
    return ok;
}

/* ---- What does not belong there ---- */

static bool
remove_stranger(struct cm_store_writer *writer, const char *name,
                const struct cm_log *log, struct cm_detail *detail)
{
    char path[sizeof(CM_STORE_NTAUTH) + 1 + NAME_MAX];
    char *text = cm_source_escape(name);

    if (text != NULL)
        cm_log_write(log, CM_LOG_WARNING,
                     "ntauth: %s is removed: it does not come from the "
                     "directory",
                     text);
    free(text);
    (void)snprintf(path, sizeof(path), "%s/%s", CM_STORE_NTAUTH, name);
    return cm_store_remove_file(writer, path, detail);
}

static bool
list_folder(const char *store, struct cm_text_list *names,
            struct cm_detail *detail)
{
    struct cm_buf path = CM_BUF_INIT;
    struct dirent *entry;
    DIR *folder = NULL;
    bool ok;

    cm_buf_addf(&path, "%s/%s", store, CM_STORE_NTAUTH);
    if (!path.failed)
        folder = opendir(path.data);
    cm_buf_clear(&path);
    ok = folder != NULL;
    while (ok && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            ok = cm_text_list_add(names, entry->d_name);
    }
    if (!ok)
        cm_detail_set(detail, "%s: %s", CM_STORE_NTAUTH, strerror(errno));
    if (folder != NULL)
        (void)closedir(folder);
    return ok;
}

static bool
remove_strangers(struct cm_store_writer *writer, const char *store,
                 const struct cm_log *log, struct cm_detail *detail)
{
    const char *own = strrchr(CM_MIRROR_FILE, '/') + 1;
    struct cm_text_list names = {0};
    bool ok = list_folder(store, &names, detail);

    for (size_t i = 0; ok && i < names.count; i++) {
        if (strcmp(names.items[i], own) != 0)
            ok = remove_stranger(writer, names.items[i], log, detail);
    }
    cm_text_list_clear(&names);
    return ok;
}

/* ---- The whole ---- */

bool
cm_mirror_write(struct cm_store_writer *writer, const char *store,
                const struct cm_mirror_value *values, size_t count,
                const struct cm_log *log, struct cm_mirror_result *result,
                struct cm_detail *detail)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len;
    bool ok = out != NULL;

    memset(result, 0, sizeof(*result));
    for (size_t i = 0; ok && i < count; i++)
        ok = add(out, &values[i], log, result);
    if (!ok) {
        cm_detail_set(detail, "out of memory");
    } else if (result->certificates == 0) {
        ok = cm_store_remove_file(writer, CM_MIRROR_FILE, detail);
    } else {
        len = BIO_get_mem_data(out, &text);
        ok = cm_store_write_file(writer, CM_MIRROR_FILE, text, (size_t)len,
                                 detail);
    }
    BIO_free(out);
    return ok && remove_strangers(writer, store, log, detail);
}
