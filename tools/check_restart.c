/*
 * kdc.conf is read once per process: does a KDC run that is older than it?
 */
#include "check.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROC_PATH = 300, PROC_MAX = 64 * 1024, START_TIME_FIELD = 22 };

/* A file of /proc whole, NUL-terminated; the caller frees it.  NULL: gone, or
 * not ours to read. */
static char *
read_proc(const char *pid, const char *name, size_t *len)
{
    char path[PROC_PATH], *text;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%.200s/%s", pid, name);
    file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    text = malloc(PROC_MAX + 1);
    if (text != NULL) {
        *len = fread(text, 1, PROC_MAX, file);
        text[*len] = '\0';
    }
    fclose(file);
    return text;
}

/* The value of a variable in "A=1\0B=2\0", or NULL. */
static const char *
variable(const char *block, size_t len, const char *name)
{
    size_t name_len = strlen(name);

    for (size_t i = 0; i < len; i += strlen(block + i) + 1) {
        if (strncmp(block + i, name, name_len) == 0 &&
            block[i + name_len] == '=')
            return block + i + name_len + 1;
    }
    return NULL;
}

/* A krb5kdc that reads the profile that we read. */
static bool
is_our_kdc(const char *pid)
{
    char *comm, *block;
    size_t len = 0;
    bool ours;

    comm = read_proc(pid, "comm", &len);
    ours = comm != NULL && strcmp(comm, "krb5kdc\n") == 0;
    free(comm);
    if (!ours)
        return false;
    block = read_proc(pid, "environ", &len);
    ours = block != NULL &&
           cm_host_same_profile(variable(block, len, "KRB5_KDC_PROFILE"),
                                variable(block, len, "KRB5_CONFIG"));
    free(block);
    return ours;
}

/* When the machine was started, seconds since 1970; 0: not known. */
static long long
boot_time(void)
{
    size_t len = 0;
    char *stat = read_proc(".", "stat", &len), *line;
    long long seconds = 0;

    line = stat == NULL ? NULL : strstr(stat, "\nbtime ");
    if (line != NULL)
        seconds = strtoll(line + 7, NULL, 10);
    free(stat);
    return seconds;
}

/* When the process was started, seconds since 1970; 0: not known. */
static long long
start_time(const char *pid)
{
    size_t len = 0;
    char *stat = read_proc(pid, "stat", &len), *field;
    long long ticks = 0, boot = boot_time(), rate = sysconf(_SC_CLK_TCK);

    /* Its second field may hold blanks and ends at the last ")". */
    field = stat == NULL ? NULL : strrchr(stat, ')');
    for (int i = 2; field != NULL && i < START_TIME_FIELD; i++) {
        field = strchr(field, ' ');
        if (field != NULL)
            field++;
    }
    if (field != NULL)
        ticks = strtoll(field, NULL, 10);
    free(stat);
    return ticks <= 0 || boot <= 0 || rate <= 0 ? 0 : boot + ticks / rate;
}

/* The newest profile file that is younger than `since`, or NULL. */
static const char *
changed_file(const struct cm_text_list *files, long long since)
{
    const char *changed = NULL;
    struct stat status;

    for (size_t i = 0; i < files->count; i++) {
        if (stat(files->items[i], &status) == 0 &&
            (long long)status.st_mtime > since) {
            since = (long long)status.st_mtime;
            changed = files->items[i];
        }
    }
    return changed;
}

/* True if the process is older than its configuration. */
static bool
check_process(struct cm_check *check, const char *pid)
{
    long long started = start_time(pid);
    const char *file;

    if (started == 0)
        return false;
    /* The two clocks are rounded to seconds. */
    file = changed_file(cm_host_files(check->host), started + 1);
    if (file == NULL)
        return false;
    cm_findings_add(&check->findings, CM_FINDING_RESTART_DUE, NULL,
                    "%s was changed after krb5kdc (process %s) started", file,
                    pid);
    return true;
}

void
cm_check_restart(struct cm_check *check)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    bool found = false;

    if (proc == NULL)
        return;
    /* One is enough: its workers would follow. */
    while (!found && (entry = readdir(proc)) != NULL)
        found = isdigit((unsigned char)entry->d_name[0]) &&
                is_our_kdc(entry->d_name) &&
                check_process(check, entry->d_name);
    closedir(proc);
}
