#include "scratch.h"

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <profile.h>

#include "testcert.h"

enum { MAX_FILES = 8, MAX_OPEN = 8 };

static void
need(bool condition, const char *what)
{
    if (condition)
        return;
    perror(what);
    abort();
}

void
scratch_make(struct scratch *scratch)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(scratch->folder, sizeof(scratch->folder), "%s/certmap.XXXXXX",
             tmp != NULL && strlen(tmp) < SCRATCH_PATH / 2 ? tmp : "/tmp");
    need(mkdtemp(scratch->folder) != NULL, "mkdtemp");
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
scratch_remove(struct scratch *scratch)
{
    need(nftw(scratch->folder, remove_one, MAX_OPEN, FTW_DEPTH | FTW_PHYS) ==
             0,
         "nftw");
}

const char *
scratch_path(struct scratch *scratch, const char *name)
{
    snprintf(scratch->path, sizeof(scratch->path), "%s/%s", scratch->folder,
             name);
    return scratch->path;
}

void
scratch_write_bytes(struct scratch *scratch, const char *name,
                    const void *bytes, size_t len)
{
    FILE *file = fopen(scratch_path(scratch, name), "w");

    need(file != NULL, name);
    need(fwrite(bytes, 1, len, file) == len, "fwrite");
    need(fclose(file) == 0, "fclose");
}

void
scratch_write(struct scratch *scratch, const char *name, const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *filled;

    for (; *text != '\0'; text++) {
        if (*text == '@')
            cm_buf_add_text(&buf, scratch->folder);
        else
            cm_buf_add_char(&buf, *text == '\a' ? '@' : *text);
    }
    filled = cm_buf_take(&buf);
    need(filled != NULL, "cm_buf_take");
    scratch_write_bytes(scratch, name, filled, strlen(filled));
    free(filled);
}

static void
write_pem(struct scratch *scratch, const char *name, X509 *first, X509 *second)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    need(bio != NULL && PEM_write_bio_X509(bio, first) == 1, "PEM");
    if (second != NULL)
        need(PEM_write_bio_X509(bio, second) == 1, "PEM");
    len = BIO_get_mem_data(bio, &text);
    scratch_write_bytes(scratch, name, text, (size_t)len);
    BIO_free(bio);
}

void
scratch_fill(struct scratch *scratch)
{
    EVP_PKEY *key = tc_key(TC_EC_P256, 0);
    X509 *root = tc_make_ca("CN=Root", key, NULL, NULL);
    X509 *ca = tc_make_ca("CN=CA", tc_key(TC_EC_P256, 1), root, key);

    write_pem(scratch, "roots.pem", root, NULL);
    write_pem(scratch, "ca.pem", ca, NULL);
    write_pem(scratch, "two.pem", root, ca);
    X509_free(root);
    X509_free(ca);
    scratch_write(scratch, "secret", "secret\n");
    need(chmod(scratch_path(scratch, "secret"), 0600) == 0, "chmod");
    scratch_write(scratch, "accounts.ldif", "version: 1\n");
    need(mkdir(scratch_path(scratch, "ntauth"), 0700) == 0, "mkdir");
}

enum cm_config_result
scratch_load(const struct cm_text_list *files, const char *realm,
             struct cm_settings *out, struct cm_config_errors *errors)
{
    const char *names[MAX_FILES + 1] = {NULL};
    enum cm_config_result result;
    krb5_context context;
    profile_t profile;

    need(files->count <= MAX_FILES, "too many files");
    for (size_t i = 0; i < files->count; i++)
        names[i] = files->items[i];
    need(profile_init(names, &profile) == 0, "profile_init");
    need(krb5_init_context_profile(profile, 0, &context) == 0,
         "krb5_init_context_profile");
    profile_release(profile);
    result = cm_config_load(context, files, realm, out, errors);
    krb5_free_context(context);
    return result;
}
