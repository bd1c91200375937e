#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "files.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

static char folder[PATH_MAX];

void
files_make(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/certmap-test-XXXXXX",
             base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
}

static int
remove_entry(const char *path, const struct stat *st, int kind,
             struct FTW *position)
{
    (void)st;
    (void)kind;
    (void)position;
    return remove(path);
}

void
files_remove(void)
{
    assert_int_equal(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *
files_path(const char *name)
{
    static char paths[4][PATH_MAX + 256];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

void
files_write(const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(files_path(name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void
files_write_text(const char *name, const char *text)
{
    files_write(name, text, strlen(text));
}

void
files_delete(const char *name)
{
    assert_int_equal(remove(files_path(name)), 0);
}

void
files_make_folder(const char *name)
{
    assert_int_equal(mkdir(files_path(name), 0700), 0);
}

char *
files_pem(X509 *const *certs, size_t count)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *copy;
    long len;

    assert_non_null(bio);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(PEM_write_bio_X509(bio, certs[i]), 1);
    len = BIO_get_mem_data(bio, &data);
    copy = strndup(data != NULL ? data : "", (size_t)len);
    assert_non_null(copy);
    BIO_free(bio);
    return copy;
}

void
files_put(const char *name, X509 *const *certs, size_t count)
{
    char *pem = files_pem(certs, count);

    files_write_text(".new", pem);
    assert_int_equal(rename(files_path(".new"), files_path(name)), 0);
    free(pem);
}

void
files_put_one(const char *name, X509 *cert)
{
    files_put(name, &cert, 1);
}
