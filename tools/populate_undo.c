/*
 * The file that takes everything back, on the disk before the first change.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "populate.h"

/* The path that was asked for, or one named with the time. */
static char *
choose_path(const struct cm_populate *populate)
{
    char name[64];
    time_t now = time(NULL);
    struct tm parts;

    if (populate->flags.undo != NULL)
        return strdup(populate->flags.undo);
    if (gmtime_r(&now, &parts) == NULL ||
        strftime(name, sizeof(name), "certmap-undo-%Y%m%dT%H%M%SZ.ldif",
                 &parts) == 0)
        return NULL;
    return strdup(name);
}

static bool
write_one(struct cm_populate *populate, struct cm_change *change,
          void *context)
{
    struct cm_change undo;
    struct cm_buf text = CM_BUF_INIT;
    bool ok;

    if (!cm_change_invert(change, &undo)) {
        cm_detail_set(&populate->why, "out of memory");
        return false;
    }
    ok = cm_change_ldif(&undo, &text);
    if (!ok)
        cm_detail_set(&populate->why, "out of memory");
    cm_change_clear(&undo);
    if (ok && text.len > 0 &&
        fwrite(text.data, 1, text.len, context) != text.len) {
        cm_detail_set(&populate->why, "%s", strerror(errno));
        ok = false;
    }
    cm_buf_clear(&text);
    return ok;
}

/* The name must be on the disk, too. */
static bool
sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL
                 ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                 : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        (void)close(fd);
    free(copy);
    return ok;
}

static bool
write_all(struct cm_populate *populate, FILE *file, const char *path)
{
    bool ok =
        fprintf(file,
                "# Takes back what certmap populate does: ldapmodify -c "
                "-f FILE\n# (-c: what was not done is passed over)\n\n") > 0;

    ok = ok &&
         cm_populate_each_change(populate, populate->plan, write_one, file);
    if (ok && (fflush(file) != 0 || fsync(fileno(file)) != 0 ||
               !sync_folder(path))) {
        cm_detail_set(&populate->why, "%s", strerror(errno));
        ok = false;
    }
    return ok;
}

bool
cm_populate_write_undo(struct cm_populate *populate)
{
    char *path = choose_path(populate);
    struct cm_detail why;
    FILE *file = NULL;
    int fd = -1;
    bool ok;

    if (path != NULL)
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                  0600);
    if (fd >= 0)
        file = fdopen(fd, "w");
    if (file == NULL) {
        cm_detail_set(&populate->why,
                      "the undo file %.200s cannot be made: %s; nothing was "
                      "written",
                      path != NULL ? path : "", strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        free(path);
        return false;
    }
    ok = write_all(populate, file, path);
    ok = fclose(file) == 0 && ok;
    if (ok) {
        populate->undo = path;
        return true;
    }
    (void)unlink(path);
    why = populate->why;
    cm_detail_set(&populate->why,
                  "the undo file %.200s cannot be written: %.200s; nothing "
                  "was changed in the directory",
                  path, why.text);
    free(path);
    return false;
}
