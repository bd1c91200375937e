/*
 * certmap refresh: keeps the revocation store fresh.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certfile.h"
#include "policy.h"
#include "refresh_command.h"
#include "trusted.h"

enum {
    REFRESH_WATCH = CM_OPTION_OWN,
    REFRESH_DUE,
    REFRESH_POLL,
    REFRESH_USER,
    REFRESH_IMPORT,
    REFRESH_ACCEPT_ROLLBACK
};

static const struct option refresh_options[] = {
    {"watch", no_argument, NULL, REFRESH_WATCH},
    {"due", no_argument, NULL, REFRESH_DUE},
    {"poll", required_argument, NULL, REFRESH_POLL},
    {"user", required_argument, NULL, REFRESH_USER},
    {"import", no_argument, NULL, REFRESH_IMPORT},
    {"accept-rollback", required_argument, NULL, REFRESH_ACCEPT_ROLLBACK},
    CM_COMMON_OPTIONS};

static enum cm_exit run_refresh(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_refresh = {
    "refresh",
    "[FILE...]",
    "fetch revocation data into the store",
    "      --due               only what is due by now\n"
    "      --watch             go on, and fetch what is due when it is due\n"
    "      --poll DURATION     ask for CRLs at least this often (15m, 4h)\n"
    "      --user NAME         whom the network part becomes (certmap)\n"
    "      --import            publish FILEs: CRLs, OCSP responses, and\n"
    "                          certificates to be kept warm; no network\n"
    "      --accept-rollback CA\n"
    "                          let CRLs of this CA go back once: its\n"
    "                          certificate file, or the SHA-256 of its key\n",
    refresh_options,
    run_refresh,
    NULL,
};

/* ---- Options ---- */

static bool
usage(struct cm_refresh_command *command, const char *what)
{
    cm_tool_error(command->tool,
                  "%s; \"certmap help refresh\" lists the "
                  "options",
                  what);
    return false;
}

/* 64 hexadecimal digits, or the key of a certificate. */
static bool
add_rollback(struct cm_refresh_command *command, const char *value)
{
    uint8_t *out, *der = NULL;
    struct cm_detail why = {""};
    struct cm_trusted trusted = {0};
    const uint8_t *p;
    X509 *cert;
    size_t len;
    bool ok;

    if (command->rollback_count == CM_REFRESH_MAX_ROLLBACK)
        return usage(command, "--accept-rollback: too many");
    out = command->rollback[command->rollback_count++];
    if (cm_hex_decode(value, strlen(value), out, 32, &len) && len == 32)
        return true;
    if (!cm_certfile_read(command->tool->in, value, &der, &len, &why)) {
        cm_tool_error(command->tool,
                      "--accept-rollback: neither 64 hexadecimal digits nor "
                      "a certificate: %s",
                      why.text);
        return false;
    }
    p = der;
    cert = d2i_X509(NULL, &p, (long)len);
    ok = cert != NULL && cm_trusted_init(&trusted, cert);
    if (ok)
        memcpy(out, trusted.spki_sha256, 32);
    else
        cm_tool_error(command->tool,
                      "--accept-rollback %s: the certificate does not decode",
                      cm_certfile_name(value));
    cm_trusted_clear(&trusted);
    X509_free(cert);
    free(der);
    return ok;
}

static bool
set_poll(struct cm_refresh_command *command, const char *value)
{
    struct cm_detail why = {""};

    if (!cm_options_once(&command->options, &command->poll_text, "--poll",
                         value))
        return false;
    if (cm_policy_parse_duration(value, &command->poll, &why) &&
        command->poll >= CM_REFRESH_LEAST)
        return true;
    return usage(command, "--poll needs a duration of 60 s or more, such as "
                          "15m or 4h");
}

static bool
set_own(struct cm_refresh_command *command, int code, const char *value)
{
    switch (code) {
    case REFRESH_WATCH:
        command->watch = true;
        return true;
    case REFRESH_DUE:
        command->due = true;
        return true;
    case REFRESH_IMPORT:
        command->import = true;
        return true;
    case REFRESH_POLL:
        return set_poll(command, value);
    case REFRESH_USER:
        return cm_options_once(&command->options, &command->user, "--user",
                               value);
    default:
        return add_rollback(command, value);
    }
}

static bool
check_options(struct cm_refresh_command *command)
{
    const struct cm_options *options = &command->options;

    if (options->has_at)
        return usage(command, "--at has no meaning here: what is fetched now "
                              "is judged now");
    if (command->import &&
        (command->watch || command->due || command->poll_text != NULL))
        return usage(command, "--import goes with --accept-rollback alone");
    if (command->import && options->operand_count == 0)
        return usage(command, "--import needs a FILE");
    if (!command->import && options->operand_count > 0)
        return usage(command, "files are read with --import only");
    if (command->watch && command->rollback_count > 0)
        return usage(command, "--accept-rollback is for one run, not for "
                              "--watch");
    return true;
}

static bool
read_options(struct cm_refresh_command *command, enum cm_exit *code)
{
    const char *value;
    enum cm_next next;
    int own;

    *code = CM_EXIT_USAGE;
    while ((next = cm_options_next(&command->options, &own, &value)) ==
           CM_NEXT_OWN) {
        if (!set_own(command, own, value))
            return false;
    }
    if (next == CM_NEXT_HELP)
        *code = CM_EXIT_YES;
    return next == CM_NEXT_END && check_options(command);
}

/* Only root can become somebody else, and should. */
static bool
check_user(const struct cm_refresh_command *command)
{
    if (geteuid() != 0 || getpwnam(command->user) != NULL)
        return true;
    cm_tool_error(command->tool,
                  "there is no user %s for the network part to become: "
                  "useradd --system --shell /usr/sbin/nologin %s, or name "
                  "another with --user",
                  command->user, command->user);
    return false;
}

/* ---- The command ---- */

int64_t
cm_refresh_now_ms(void *context)
{
    struct timespec now;

    (void)context;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum cm_exit
run(struct cm_refresh_command *command)
{
    enum cm_exit code;
    int64_t ignored;

    if (!command->import && !check_user(command))
        return CM_EXIT_USAGE;
    code = cm_keeper_open(&command->keeper, command->tool,
                          command->options.kdc_conf, command->options.realm);
    if (code == CM_EXIT_YES && command->import)
        code = cm_refresh_import(command);
    else if (code == CM_EXIT_YES && command->watch)
        code = cm_refresh_watch(command);
    else if (code == CM_EXIT_YES)
        code = cm_refresh_cycle(command, &ignored);
    cm_keeper_close(&command->keeper);
    return code;
}

static enum cm_exit
run_refresh(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_refresh_command *command = calloc(1, sizeof(*command));
    enum cm_exit code;

    if (command == NULL)
        return cm_tool_no_memory(tool);
    command->tool = tool;
    cm_options_init(&command->options, tool, &cm_verb_refresh, argc, argv);
    if (gethostname(command->host, sizeof(command->host) - 1) != 0)
        command->host[0] = '\0';
    if (read_options(command, &code)) {
        if (command->user == NULL)
            command->user = "certmap";
        code = run(command);
    }
    free(command);
    return code;
}
