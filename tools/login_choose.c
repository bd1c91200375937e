#include "login_choose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "output.h"
#include "text.h"
#include "timetext.h"

enum { MAX_ANSWER = 64, DATE_LEN = 10, SHOWN_DIGITS = 16, DECIMAL = 10 };

bool
cm_login_prefix_is_valid(const char *prefix)
{
    size_t len = strlen(prefix);

    return len >= CM_LOGIN_MIN_PREFIX &&
           len <= 2 * sizeof(((struct cm_certificate *)NULL)->sha256) &&
           strspn(prefix, "0123456789abcdefABCDEF") == len;
}

/* The digest's digits; the caller frees them.  NULL: no memory. */
static char *
digits(const struct cm_login_identity *identity)
{
    struct cm_buf hex = CM_BUF_INIT;

    cm_buf_add_hex(&hex, identity->cert.sha256, sizeof(identity->cert.sha256));
    return cm_buf_take(&hex);
}

static bool
has_prefix(const struct cm_login_identity *identity, const char *prefix)
{
    char *hex = identity->decoded ? digits(identity) : NULL;
    bool has =
        hex != NULL && cm_text_equal_fold_n(hex, prefix, strlen(prefix));

    free(hex);
    return has;
}

enum cm_login_found
cm_login_find(const struct cm_login_identities *identities, const char *prefix,
              size_t *index)
{
    size_t count = 0, found = 0;

    for (size_t i = 0; i < identities->count; i++) {
        if (!identities->list[i].usable ||
            (prefix != NULL && !has_prefix(&identities->list[i], prefix)))
            continue;
        found = i;
        count++;
    }
    if (count != 1)
        return count == 0 ? CM_LOGIN_FOUND_NONE : CM_LOGIN_FOUND_SEVERAL;
    *index = found;
    return CM_LOGIN_FOUND_ONE;
}

/* ---- Showing them ---- */

static void
show_field(FILE *out, const char *name, const char *text)
{
    fprintf(out, "     %-10s", name);
    cm_output_text(out, text);
    fputc('\n', out);
}

/* One that the shell takes as it is: a URI holds ";" and "?". */
static void
show_value(FILE *out, const struct cm_login_identity *identity)
{
    char *hex = digits(identity);

    if (identity->value != NULL && strchr(identity->value, '\'') == NULL) {
        fputs("     use       -I '", out);
        cm_output_text(out, identity->value);
        fputs("'\n", out);
    }
    if (identity->decoded && hex != NULL)
        fprintf(out, "     or        --sha256 %.*s\n", SHOWN_DIGITS, hex);
    free(hex);
}

static void
show_one(FILE *out, size_t number, const struct cm_login_identity *identity)
{
    char when[CM_TIME_TEXT];

    fprintf(out, "%3zu  ", number);
    cm_output_text(out, identity->who);
    if (identity->decoded) {
        cm_time_text(identity->cert.not_after, when);
        fprintf(out, ", until %.*s", DATE_LEN, when);
    }
    fputc('\n', out);
    if (!identity->usable)
        show_field(out, "unusable", identity->why.text);
    if (identity->decoded)
        show_field(out, "issuer", identity->cert.issuer_rfc4514);
    show_field(out, "where", identity->where);
}

void
cm_login_show(FILE *out, const struct cm_login_identities *identities,
              bool usable)
{
    size_t number = 0;

    for (size_t i = 0; i < identities->count; i++) {
        if (usable && !identities->list[i].usable)
            continue;
        show_one(out, ++number, &identities->list[i]);
        show_value(out, &identities->list[i]);
    }
}

/* Whoever is asked for a number needs no other way to name one. */
static void
show_choice(FILE *out, const struct cm_login_identities *identities)
{
    size_t number = 0;

    for (size_t i = 0; i < identities->count; i++) {
        if (identities->list[i].usable)
            show_one(out, ++number, &identities->list[i]);
    }
}

/* ---- Asking ---- */

int
cm_login_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* A stream of its own to the terminal; NULL: none. */
static FILE *
writer(int terminal)
{
    int copy = fcntl(terminal, F_DUPFD_CLOEXEC, 0);
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

    if (out == NULL && copy >= 0)
        (void)close(copy);
    return out;
}

/* One line without its end.  False: none, or longer than a number is. */
static bool
read_answer(int terminal, char out[MAX_ANSWER])
{
    ssize_t n;

    do {
        n = read(terminal, out, MAX_ANSWER);
    } while (n < 0 && errno == EINTR);
    if (n <= 0 || out[n - 1] != '\n')
        return false;
    out[n - 1] = '\0';
    return true;
}

/* The place in the list of the usable one of that number; false: there is
 * none. */
static bool
nth_usable(const struct cm_login_identities *identities, const char *text,
           size_t *index)
{
    size_t wanted;
    char *end;

    if (text[0] < '1' || text[0] > '9' || strlen(text) > 3)
        return false;
    wanted = strtoul(text, &end, DECIMAL);
    for (size_t i = 0; *end == '\0' && i < identities->count; i++) {
        if (!identities->list[i].usable || --wanted > 0)
            continue;
        *index = i;
        return true;
    }
    return false;
}

static size_t
count_usable(const struct cm_login_identities *identities)
{
    size_t count = 0;

    for (size_t i = 0; i < identities->count; i++)
        count += identities->list[i].usable ? 1 : 0;
    return count;
}

bool
cm_login_choose(int terminal, const struct cm_login_identities *identities,
                size_t *index)
{
    FILE *out = writer(terminal);
    char answer[MAX_ANSWER] = "";
    bool chosen = false, more = out != NULL;

    if (out == NULL)
        return false;
    show_choice(out, identities);
    for (int i = 0; !chosen && more && i < CM_LOGIN_MAX_ASKED; i++) {
        fprintf(out, "Which one? (1-%zu, empty to give up): ",
                count_usable(identities));
        more = fflush(out) == 0 && read_answer(terminal, answer) &&
               answer[0] != '\0';
        chosen = more && nth_usable(identities, answer, index);
    }
    (void)fclose(out);
    return chosen;
}
