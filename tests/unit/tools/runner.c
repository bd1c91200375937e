#include "runner.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

enum { MAX_WORDS = 32, MAX_LINE = 1024 };

static char folder[] = "/tmp/certmap-tools-XXXXXX";

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

static int
split(char *line, char **argv)
{
    int argc = 0;

    argv[argc++] = line;
    for (char *p = line; *p != '\0'; p++) {
        if (*p != ' ')
            continue;
        *p = '\0';
        must(argc < MAX_WORDS - 1, "too many words");
        argv[argc++] = p + 1;
    }
    argv[argc] = NULL;
    return argc;
}

struct run
run_line(const char *line, const void *input, size_t input_len)
{
    char words[MAX_LINE], *argv[MAX_WORDS], empty[] = "\n";
    size_t out_len, err_len;
    struct cm_tool tool;
    struct run run;

    must(strlen(line) + sizeof("certmap ") <= sizeof(words), "long line");
    snprintf(words, sizeof(words),
             line[0] == '\0' ? "certmap%s" : "certmap %s", line);
    tool.in = tmpfile();
    must(tool.in != NULL, "tmpfile");
    if (input == NULL) {
        input = empty;
        input_len = 0;
    }
    must(fwrite(input, 1, input_len, tool.in) == input_len, "fwrite");
    rewind(tool.in);
    tool.out = open_memstream(&run.out, &out_len);
    tool.err = open_memstream(&run.err, &err_len);
    must(tool.out != NULL && tool.err != NULL, "open_memstream");
    run.code = cm_tool_run(&tool, split(words, argv), argv);
    fclose(tool.in);
    fclose(tool.out);
    fclose(tool.err);
    return run;
}

void
run_clear(struct run *run)
{
    free(run->out);
    free(run->err);
}

static bool
holds(const char *text, const char *words)
{
    return words == NULL ? text[0] == '\0' : strstr(text, words) != NULL;
}

void
run_expect(struct run *run, const struct run_row *row)
{
    if (run->code != row->code || !holds(run->out, row->out) ||
        !holds(run->err, row->err))
        fail_msg("certmap %s: exit %d\n--- out\n%s--- err\n%s", row->line,
                 (int)run->code, run->out, run->err);
    run_clear(run);
}

void
run_says(const char *line, enum cm_exit code, const char *out, const char *err)
{
    run_rows(&(const struct run_row){line, code, out, err}, 1);
}

void
run_rows(const struct run_row *rows, size_t count)
{
    struct run run;

    for (size_t i = 0; i < count; i++) {
        run = run_line(rows[i].line, NULL, 0);
        run_expect(&run, &rows[i]);
    }
}

void
folder_enter(void)
{
    must(mkdtemp(folder) != NULL, "mkdtemp");
    must(chdir(folder) == 0, "chdir");
}

static int
remove_one(const char *path, const struct stat *status, int type,
           struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void
folder_leave(void)
{
    must(chdir("/") == 0, "chdir");
    must(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "nftw");
}

int
folder_set_up(void **state)
{
    (void)state;
    folder_enter();
    return 0;
}

int
folder_tear_down(void **state)
{
    (void)state;
    folder_leave();
    return 0;
}

static FILE *
create(const char *name)
{
    FILE *file = fopen(name, "wb");

    must(file != NULL, name);
    return file;
}

void
folder_write(const char *name, const void *bytes, size_t len)
{
    FILE *file = create(name);

    must(fwrite(bytes, 1, len, file) == len, name);
    must(fclose(file) == 0, name);
}

void
folder_write_pem(const char *name, X509 *const *certs, size_t count)
{
    FILE *file = create(name);

    for (size_t i = 0; i < count; i++)
        must(PEM_write_X509(file, certs[i]) == 1, name);
    must(fclose(file) == 0, name);
}

void
folder_write_der(const char *name, const X509 *cert)
{
    FILE *file = create(name);

    must(i2d_X509_fp(file, cert) == 1, name);
    must(fclose(file) == 0, name);
}
