/*
 * Fetches what its standard input says, for tests that bring the servers.
 *
 *     fetch_probe direct
 *     fetch_probe child USER FOLDER      "-": none
 *
 * Each line is a word and a value; "go" fetches with what was said so far,
 * "special" has the payload VALUE read by misbehave() below, "reset" forgets
 * everything.  Each of these answers with one line of JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch.h"
#include "fetch_child.h"
#include "fetch_message.h"
#include "write_all.h"

enum { LINE_BYTES = 8192 };

struct probe {
    struct cm_fetcher *fetcher;
    struct cm_fetch_child *child;
    struct cm_fetch_request request;
    struct cm_text_list texts, hosts; /* what the request points to */
    const char *out;
};

/* ---- The worker's special requests ---- */

static enum cm_fetch_result
put(int out_fd, const char *text, struct cm_fetch_response *response)
{
    response->bytes = strlen(text);
    return cm_write_all(out_fd, text, response->bytes) ? CM_FETCHED
                                                       : CM_FETCH_FAILED;
}

/* Goes back to root, if it can. */
static const char *
regain(void)
{
    if (setuid(0) == 0 || seteuid(0) == 0 || setresuid(0, 0, 0) == 0)
        return "regained the user";
    if (setgid(0) == 0 || setresgid(0, 0, 0) == 0)
        return "regained the group";
    return strerror(errno);
}

/* Goes on writing after its answer. */
static void
scribble(int out_fd)
{
    pid_t pid = fork();

    if (pid != 0)
        return;
    for (;;) {
        if (pwrite(out_fd, "evil", 4, 0) != 4)
            _exit(1);
        if (getppid() == 1)
            _exit(0);
    }
}

static enum cm_fetch_result
misbehave(const uint8_t *payload, size_t len, size_t max_bytes, int timeout_ms,
          int out_fd, struct cm_fetch_response *response,
          struct cm_detail *detail)
{
    char word[LINE_BYTES] = "";

    (void)max_bytes;
    (void)timeout_ms;
    if (len < sizeof(word))
        memcpy(word, payload, len);
    cm_detail_set(detail, "%s", word);
    if (strcmp(word, "hang") == 0) {
        for (;;)
            pause();
    }
    if (strcmp(word, "die") == 0)
        _exit(1);
    if (strcmp(word, "junk") == 0)
        return send(CM_MESSAGE_SOCKET, word, len, 0) > 0 ? CM_FETCHED
                                                         : CM_FETCH_FAILED;
    if (strcmp(word, "long") == 0) {
        response->bytes = 5;
        return CM_FETCHED;
    }
    if (strcmp(word, "unmodified") == 0)
        return CM_FETCH_NOT_MODIFIED;
    if (strcmp(word, "regain") == 0)
        return put(out_fd, regain(), response);
    if (strncmp(word, "open ", 5) == 0)
        return put(out_fd,
                   open(word + 5, O_RDONLY | O_CLOEXEC) >= 0 ? "opened"
                                                             : strerror(errno),
                   response);
    if (strcmp(word, "scribble") == 0)
        scribble(out_fd);
    return put(out_fd, word, response);
}

/* ---- The parent ---- */

static void
log_line(void *context, enum cm_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    fprintf(stderr, "%s\n", text);
}

static void
answer(const struct probe *probe, enum cm_fetch_result result,
       const struct cm_fetch_response *response,
       const struct cm_detail *detail)
{
    json_t *line = json_pack(
        "{s:s, s:I, s:I, s:s, s:s, s:s*, s:i}", "result",
        cm_fetch_result_token(result), "status",
        (json_int_t)response->http_status, "bytes",
        (json_int_t)response->bytes, "etag", response->etag, "modified",
        response->last_modified, "detail", detail->text, "pid",
        probe->child != NULL ? (int)cm_fetch_child_pid(probe->child) : 0);

    if (line == NULL || json_dumpf(line, stdout, JSON_COMPACT) != 0)
        abort();
    printf("\n");
    fflush(stdout);
    json_decref(line);
}

static void
reset(struct probe *probe)
{
    cm_text_list_clear(&probe->texts);
    cm_text_list_clear(&probe->hosts);
    memset(&probe->request, 0, sizeof(probe->request));
    probe->out = "/dev/null";
}

static enum cm_fetch_result
go(struct probe *probe, const char *special, int out_fd,
   struct cm_fetch_response *response, struct cm_detail *detail)
{
    const struct cm_fetch_request *request = &probe->request;

    if (probe->child == NULL)
        return cm_fetch(probe->fetcher, request, out_fd, response, detail);
    if (special == NULL)
        return cm_fetch_child_fetch(probe->child, request, out_fd, response,
                                    detail);
    if (!cm_fetch_child_send_special(probe->child, (const uint8_t *)special,
                                     strlen(special), request->max_bytes,
                                     request->timeout_ms, detail))
        return CM_FETCH_FAILED;
    return cm_fetch_child_collect(probe->child, out_fd, response, detail);
}

static void
run(struct probe *probe, const char *special)
{
    struct cm_fetch_response response = {0};
    struct cm_detail detail = {""};
    enum cm_fetch_result result;
    int fd = open(probe->out, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0)
        abort();
    result = go(probe, special, fd, &response, &detail);
    close(fd);
    answer(probe, result, &response, &detail);
}

static const char *
keep(struct probe *probe, const char *text)
{
    if (!cm_text_list_add(&probe->texts, text))
        abort();
    return probe->texts.items[probe->texts.count - 1];
}

static void
set(struct probe *probe, const char *word, const char *value)
{
    struct cm_fetch_request *request = &probe->request;
    const struct {
        const char *word;
        const char **where;
    } texts[] = {
        {"url", &request->url},
        {"type", &request->content_type},
        {"etag", &request->etag},
        {"modified", &request->last_modified},
        {"expected", &request->expected_type},
        {"proxy", &request->proxy},
        {"ca", &request->ca_file},
        {"out", &probe->out},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(word, texts[i].word) == 0) {
            *texts[i].where = keep(probe, value);
            return;
        }
    }
    if (strcmp(word, "body") == 0) {
        request->body = (const uint8_t *)keep(probe, value);
        request->body_len = strlen(value);
    } else if (strcmp(word, "max") == 0) {
        request->max_bytes = strtoul(value, NULL, 10);
    } else if (strcmp(word, "timeout") == 0) {
        request->timeout_ms = (int)strtol(value, NULL, 10);
    } else if (strcmp(word, "certificate") == 0) {
        request->from_certificate = true;
    } else if (strcmp(word, "private") == 0) {
        request->allow_private_addresses = true;
    } else if (strcmp(word, "host") == 0) {
        if (!cm_text_list_add(&probe->hosts, value))
            abort();
        request->proxy_hosts = &probe->hosts;
    } else {
        fprintf(stderr, "what is %s?\n", word);
        exit(2);
    }
}

static void
read_lines(struct probe *probe)
{
    char line[LINE_BYTES];
    char *value;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        value = strchr(line, ' ');
        if (value != NULL)
            *value++ = '\0';
        if (strcmp(line, "go") == 0)
            run(probe, NULL);
        else if (strcmp(line, "special") == 0)
            run(probe, value);
        else if (strcmp(line, "reset") == 0)
            reset(probe);
        else
            set(probe, line, value != NULL ? value : "");
    }
}

static const char *
named(const char *argument)
{
    return strcmp(argument, "-") == 0 ? NULL : argument;
}

int
main(int argc, char **argv)
{
    const struct cm_log log = {log_line, NULL};
    struct cm_detail detail = {""};
    struct probe probe = {0};

    if (cm_fetch_worker_wanted(argc, argv))
        return cm_fetch_worker_main(misbehave);
    if (argc == 4 && strcmp(argv[1], "child") == 0) {
        const struct cm_fetch_child_options options = {named(argv[2]),
                                                       named(argv[3]), &log};

        probe.child = cm_fetch_child_start(&options, &detail);
    } else {
        probe.fetcher = cm_fetcher_new();
    }
    if (probe.child == NULL && probe.fetcher == NULL) {
        fprintf(stderr, "%s\n", detail.text);
        return 1;
    }
    reset(&probe);
    if (probe.child != NULL)
        answer(&probe, CM_FETCHED, &(struct cm_fetch_response){0}, &detail);
    read_lines(&probe);
    reset(&probe);
    cm_fetcher_free(probe.fetcher);
    cm_fetch_child_free(probe.child);
    return 0;
}
