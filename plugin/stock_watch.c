#include "stock_watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <profile.h>

/* ---- which files ---- */

/* Whoever names a file twice has it watched once. */
static bool
add(struct cm_text_list *list, const char *path)
{
    return *path == '\0' || cm_text_list_has(list, path) ||
           cm_text_list_add(list, path);
}

/* "CERTIFICATE[,KEY]" */
static bool
add_pair(struct cm_stock_watch *watch, const char *value)
{
    char *copy = strdup(value), *rest = NULL, *path;
    bool ok = copy != NULL;

    if (ok)
        path = strtok_r(copy, ",", &rest);
    for (int i = 0; ok && i < 2 && path != NULL; i++) {
        ok = add(&watch->files, path);
        path = strtok_r(NULL, ",", &rest);
    }
    free(copy);
    return ok;
}

/* Does value begin with the scheme?  Then what follows it. */
static const char *
after(const char *value, const char *scheme)
{
    size_t len = strlen(scheme);

    return strncmp(value, scheme, len) == 0 ? value + len : NULL;
}

/* Follows "ENV:NAME".  NULL: it leads nowhere. */
static const char *
resolve(const char *value)
{
    const char *name;

    for (int i = 0; value != NULL && i < CM_STOCK_ENV_MAX; i++) {
        name = after(value, "ENV:");
        if (name == NULL)
            return value;
        value = getenv(name);
    }
    return NULL;
}

const char *
cm_stock_identity_files(const char *value)
{
    const char *rest;

    value = resolve(value);
    if (value == NULL)
        return NULL;
    rest = after(value, "FILE:");
    if (rest != NULL)
        return rest;
    return strchr(value, ':') == NULL ? value : NULL;
}

static bool
add_identity(struct cm_stock_watch *watch, const char *value)
{
    const char *rest = cm_stock_identity_files(value);

    if (rest != NULL)
        return add_pair(watch, rest);
    value = resolve(value);
    if (value == NULL)
        return true;
    if ((rest = after(value, "PKCS12:")) != NULL)
        return add(&watch->files, rest);
    if ((rest = after(value, "DIR:")) != NULL)
        return add(&watch->folders, rest);
    return true;
}

static bool
add_list(struct cm_stock_watch *watch, const char *value)
{
    const char *rest;

    if ((rest = after(value, "FILE:")) != NULL)
        return add(&watch->files, rest);
    if ((rest = after(value, "DIR:")) != NULL)
        return add(&watch->folders, rest);
    return true;
}

/* The relations of one section, given by its way through the profile with
 * room for one more name. */
static bool
add_section(struct cm_stock_watch *watch, profile_t profile,
            const char **names, size_t depth)
{
    static const struct {
        const char *name;
        bool (*add)(struct cm_stock_watch *, const char *);
    } relations[] = {
        {"pkinit_identity", add_identity}, {"pkinit_identities", add_identity},
        {"pkinit_anchors", add_list},      {"pkinit_pool", add_list},
        {"pkinit_revoke", add_list},
    };
    char **values;
    bool ok = true;

    for (size_t i = 0; ok && i < sizeof(relations) / sizeof(*relations); i++) {
        names[depth] = relations[i].name;
        values = NULL;
        if (profile_get_values(profile, names, &values) != 0)
            continue;
        for (char **value = values; ok && *value != NULL; value++)
            ok = relations[i].add(watch, *value);
        profile_free_list(values);
    }
    return ok;
}

bool
cm_stock_watch_build(struct cm_stock_watch *out, krb5_context context,
                     const char *const *realms)
{
    const char *defaults[] = {"kdcdefaults", NULL, NULL};
    const char *names[] = {"realms", NULL, NULL, NULL};
    struct cm_stock_watch watch;
    profile_t profile;
    bool ok;

    memset(out, 0, sizeof(*out));
    memset(&watch, 0, sizeof(watch));
    if (krb5_get_profile(context, &profile) != 0)
        return false;
    ok = add_section(&watch, profile, defaults, 1);
    for (; ok && *realms != NULL; realms++) {
        names[1] = *realms;
        ok = add_section(&watch, profile, names, 2);
    }
    profile_release(profile);
    if (ok)
        *out = watch;
    else
        cm_stock_watch_clear(&watch);
    return ok;
}

void
cm_stock_watch_clear(struct cm_stock_watch *watch)
{
    cm_text_list_clear(&watch->files);
    cm_text_list_clear(&watch->folders);
}

/* ---- how they look ---- */

struct image {
    EVP_MD_CTX *digest;
    int64_t newest_ms;
    bool ok;
};

static void
digest(struct image *image, const void *bytes, size_t len)
{
    image->ok = image->ok && EVP_DigestUpdate(image->digest, bytes, len) == 1;
}

static void
digest_time(struct image *image, const struct timespec *time)
{
    digest(image, &time->tv_sec, sizeof(time->tv_sec));
    digest(image, &time->tv_nsec, sizeof(time->tv_nsec));
}

/* Whatever a symbolic link leads to counts, not the link. */
static void
take_file(struct image *image, int folder, const char *name)
{
    struct stat st;
    int64_t ms;
    int fault;

    digest(image, name, strlen(name) + 1);
    if (fstatat(folder, name, &st, 0) != 0) {
        fault = errno;
        digest(image, &fault, sizeof(fault));
        image->newest_ms = INT64_MAX;
        return;
    }
    digest(image, &st.st_dev, sizeof(st.st_dev));
    digest(image, &st.st_ino, sizeof(st.st_ino));
    digest(image, &st.st_mode, sizeof(st.st_mode));
    digest(image, &st.st_size, sizeof(st.st_size));
    digest_time(image, &st.st_mtim);
    digest_time(image, &st.st_ctim);
    ms = (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
    if (ms > image->newest_ms)
        image->newest_ms = ms;
}

/* Stock PKINIT passes over such names too. */
static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void
take_folder(struct image *image, const char *path)
{
    struct dirent **members = NULL;
    int folder, count;

    take_file(image, AT_FDCWD, path);
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return; /* what stat() said must do */
    count = scandirat(folder, ".", &members, is_visible, alphasort);
    if (count < 0 && errno == ENOMEM)
        image->ok = false;
    for (int i = 0; i < count; i++) {
        if (i < CM_STOCK_MEMBERS_MAX)
            take_file(image, folder, members[i]->d_name);
        free(members[i]);
    }
    free(members);
    close(folder);
}

bool
cm_stock_watch_stamp(const struct cm_stock_watch *watch,
                     struct cm_stock_stamp *out)
{
    struct image image = {EVP_MD_CTX_new(), INT64_MIN, true};
    struct cm_stock_stamp stamp;

    image.ok = image.digest != NULL &&
               EVP_DigestInit_ex(image.digest, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; image.ok && i < watch->files.count; i++)
        take_file(&image, AT_FDCWD, watch->files.items[i]);
    for (size_t i = 0; image.ok && i < watch->folders.count; i++)
        take_folder(&image, watch->folders.items[i]);
    stamp.newest_ms = image.newest_ms;
    image.ok =
        image.ok && EVP_DigestFinal_ex(image.digest, stamp.digest, NULL) == 1;
    EVP_MD_CTX_free(image.digest);
    if (image.ok)
        *out = stamp;
    return image.ok;
}
