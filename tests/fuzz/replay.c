/*
 * Runs one fuzz target over the files and folders named on the command line:
 * the committed seeds in every build, a crash that was found, without
 * libFuzzer.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { INPUT_MAX = 4 * 1024 * 1024, PATH_BYTES = 4096 };

static size_t replayed;

static bool
replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size + 1);
    bool ok = false;

    if (file != NULL && data != NULL && fread(data, 1, size, file) == size) {
        LLVMFuzzerTestOneInput(data, size);
        replayed++;
        ok = true;
    }
    if (!ok)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    free(data);
    return ok;
}

static bool replay(const char *path);

static bool
replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    char inside[PATH_BYTES];
    struct dirent *entry;
    bool ok = true;

    if (folder == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    while (ok && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
        ok = replay(inside);
    }
    closedir(folder);
    return ok;
}

static bool
replay(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    if (S_ISDIR(status.st_mode))
        return replay_folder(path);
    if (status.st_size > INPUT_MAX) {
        fprintf(stderr, "%s: too large\n", path);
        return false;
    }
    return replay_file(path, (size_t)status.st_size);
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!replay(argv[i]))
            return 1;
    }
    if (replayed == 0) {
        fprintf(stderr, "nothing to replay\n");
        return 1;
    }
    printf("%zu inputs replayed\n", replayed);
    return 0;
}
