#include "filelist.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    bool (*visit)(void *context, const char *path, struct cm_detail *detail);
    void *context;
    struct cm_detail *detail;
};

static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* One name of a folder; subfolders are passed over. */
static bool
visit_member(const struct walk *walk, const char *folder, const char *name)
{
    struct stat status;
    char *path = NULL;
    bool ok;

    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        cm_detail_set(walk->detail, "out of memory");
        return false;
    }
    ok = (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) ||
         walk->visit(walk->context, path, walk->detail);
    free(path);
    return ok;
}

static bool
visit_folder(const struct walk *walk, const char *path)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, is_visible, alphasort);
    bool ok = n >= 0 && n <= CM_FILELIST_MAX;

    if (n < 0)
        cm_detail_set(walk->detail, "cannot read %s: %s", path,
                      strerror(errno));
    else if (!ok)
        cm_detail_set(walk->detail, "%s holds more than %d files", path,
                      (int)CM_FILELIST_MAX);
    for (int i = 0; i < n; i++) {
        ok = ok && visit_member(walk, path, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return ok;
}

bool
cm_filelist_each(const char *path,
                 bool (*visit)(void *context, const char *path,
                               struct cm_detail *detail),
                 void *context, struct cm_detail *detail)
{
    const struct walk walk = {visit, context, detail};
    struct stat status;

    if (stat(path, &status) != 0) {
        cm_detail_set(detail, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    return S_ISDIR(status.st_mode) ? visit_folder(&walk, path)
                                   : visit(context, path, detail);
}
