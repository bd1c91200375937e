/*
 * The two sides of a conversation with PKCS#11 modules: this process waits,
 * its child asks them.  The answer is one octet, an enum cm_card_end, and
 * what belongs to it.
 */
#include "card.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs */
#include <p11-kit/uri.h>

#include "card_find.h"
#include "card_uri.h"
#include "ldap_connection.h"
#include "monotonic.h"
#include "password.h"

enum { CHUNK = 4096 };

/* ---- The child ---- */

static void
write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    ssize_t n;

    while (len > 0) {
        n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

static _Noreturn void
run_child(P11KitUri *uri, const char *pin, int fd)
{
    struct cm_buf out = CM_BUF_INIT;
    uint8_t end;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* What a module prints is no part of our answer. */
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    end = (uint8_t)cm_card_find(uri, pin, &out);
    write_all(fd, &end, 1);
    if (!out.failed)
        write_all(fd, out.data, out.len);
    _exit(0);
}

/* ---- The parent ---- */

/* Reads to the end.  False: not before the deadline. */
static bool
read_answer(int fd, int64_t deadline, struct cm_buf *out)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    uint8_t chunk[CHUNK];
    ssize_t n;
    int ready;

    for (;;) {
        ready = poll(&waiting, 1, cm_monotonic_left(deadline));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        cm_buf_add(out, chunk, (size_t)n);
    }
}

/* Ends the child; returns how it ended by itself. */
static int
reap(pid_t pid)
{
    int status = 0;

    (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

static void
say_no_answer(bool in_time, int status, struct cm_detail *detail)
{
    if (!in_time)
        cm_detail_set(detail, "the PKCS#11 module did not answer in time");
    else if (WIFSIGNALED(status))
        cm_detail_set(detail, "the PKCS#11 module crashed (signal %d)",
                      WTERMSIG(status));
    else
        cm_detail_set(detail, "the PKCS#11 module ended the conversation");
}

/* False: no answer; detail says why. */
static bool
ask(P11KitUri *uri, const char *pin, int timeout_ms, struct cm_buf *out,
    struct cm_detail *detail)
{
    int64_t deadline = cm_monotonic_ms() + timeout_ms;
    int fds[2], status;
    bool in_time;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        cm_detail_set(detail, "pipe: %s", strerror(errno));
        return false;
    }
    pid = fork();
    if (pid == 0)
        run_child(uri, pin, fds[1]);
    (void)close(fds[1]);
    in_time = pid > 0 && read_answer(fds[0], deadline, out);
    (void)close(fds[0]);
    if (pid < 0) {
        cm_detail_set(detail, "fork: %s", strerror(errno));
        return false;
    }
    status = reap(pid);
    if (in_time && out->len > 0 && !out->failed)
        return true;
    say_no_answer(in_time, status, detail);
    return false;
}

/* The PIN, into CM_LDAP_MAX_SECRET + 1 bytes that the caller wipes. */
static bool
find_pin(P11KitUri *uri, const char *label, char *out,
         struct cm_detail *detail)
{
    const char *value = p11_kit_uri_get_pin_value(uri);
    const char *source = p11_kit_uri_get_pin_source(uri);
    struct cm_detail why = {""}, prompt;

    if (value != NULL) {
        (void)stpcpy(out, value); /* cm_card_uri_parse() knows its length */
        return true;
    }
    if (source != NULL)
        return cm_ldap_read_secret(cm_card_pin_file(source), out, detail);
    cm_detail_set(&prompt, "PIN of the token %s", label);
    if (cm_password_ask(prompt.text, out, CM_CARD_MAX_PIN + 1, &why))
        return true;
    cm_detail_set(detail,
                  "no public certificate matches the URI, and the PIN of the "
                  "token \"%s\" is not known: %s",
                  label, why.text);
    return false;
}

/* Asks again with the PIN, where the first answer was that it may help. */
static bool
ask_with_pin(P11KitUri *uri, int timeout_ms, struct cm_buf *answer,
             struct cm_detail *detail)
{
    char pin[CM_LDAP_MAX_SECRET + 1];
    char *label = strndup(answer->data + 1, answer->len - 1);
    bool ok = false;

    cm_buf_clear(answer);
    if (label == NULL) {
        cm_detail_set(detail, "out of memory");
    } else if (find_pin(uri, label, pin, detail)) {
        ok = ask(uri, pin, timeout_ms, answer, detail);
    }
    explicit_bzero(pin, sizeof(pin));
    free(label);
    return ok;
}

static bool
take_answer(struct cm_buf *answer, uint8_t **der, size_t *len,
            struct cm_detail *detail)
{
    size_t size = answer->len - 1;

    if (answer->data[0] != (char)CM_CARD_FOUND) {
        cm_detail_set(detail, "%s",
                      size > 0 ? answer->data + 1 : "out of memory");
        return false;
    }
    *der = malloc(size > 0 ? size : 1);
    if (*der == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    memcpy(*der, answer->data + 1, size);
    *len = size;
    return true;
}

bool
cm_card_read(const char *text, int timeout_ms, uint8_t **der, size_t *len,
             struct cm_detail *detail)
{
    P11KitUri *uri = cm_card_uri_parse(text, detail);
    struct cm_buf answer = CM_BUF_INIT;
    bool ok;

    if (uri == NULL)
        return false;
    ok = ask(uri, NULL, timeout_ms, &answer, detail);
    if (ok && answer.data[0] == (char)CM_CARD_LOCKED)
        ok = ask_with_pin(uri, timeout_ms, &answer, detail);
    ok = ok && take_answer(&answer, der, len, detail);
    cm_buf_clear(&answer);
    p11_kit_uri_free(uri);
    return ok;
}
