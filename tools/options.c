#include "options.h"

#include <string.h>
#include <time.h>

#include "timetext.h"

enum { MAX_LETTERS = 64 };

void
cm_options_init(struct cm_options *options, struct cm_tool *tool,
                const struct cm_verb *verb, int argc, char **argv)
{
    memset(options, 0, sizeof(*options));
    options->tool = tool;
    options->verb = verb;
    options->argc = argc;
    options->argv = argv;
    optind = 0; /* getopt_long(3) starts anew, GNU style */
    opterr = 0;
}

void
cm_options_help(const struct cm_verb *verb, FILE *out)
{
    fprintf(out, "usage: certmap %s [options] %s\n\n%s.\n\n", verb->name,
            verb->operands, verb->summary);
    fputs(verb->help, out);
    fputs("  -r, --realm REALM       the realm\n"
          "  -c, --kdc-conf FILE     the KDC's configuration file\n"
          "      --at TIME           judge as of TIME, such as "
          "2024-02-01T12:00:00Z\n"
          "      --json              one JSON value instead of a table\n"
          "  -h, --help              this text\n",
          out);
}

static void
point_to_help(struct cm_options *options, const char *what, const char *option)
{
    cm_tool_error(options->tool,
                  "%s %s; \"certmap help %s\" lists the options", option, what,
                  options->verb->name);
}

/* What getopt_long disliked, in the words of the command line. */
static enum cm_next
bad_option(struct cm_options *options, bool missing)
{
    char letter[] = {'-', (char)optopt, '\0'};
    const char *given = options->argv[optind - 1];

    if (strncmp(given, "--", 2) != 0 && optopt > 0 && optopt < CM_OPTION_AT)
        given = letter;
    point_to_help(options, missing ? "needs a value" : "is not an option here",
                  given);
    return CM_NEXT_ERROR;
}

bool
cm_options_once(struct cm_options *options, const char **slot,
                const char *name, const char *value)
{
    if (*slot != NULL) {
        point_to_help(options, "may be given once", name);
        return false;
    }
    if (value[0] == '\0') {
        point_to_help(options, "needs a value", name);
        return false;
    }
    *slot = value;
    return true;
}

static bool
set_at(struct cm_options *options, const char *value)
{
    if (options->has_at) {
        point_to_help(options, "may be given once", "--at");
        return false;
    }
    if (!cm_time_parse(value, &options->at)) {
        cm_tool_error(options->tool,
                      "--at %s is not a time; write it as RFC 3339 does, "
                      "such as 2024-02-01T12:00:00Z",
                      value);
        return false;
    }
    options->has_at = true;
    return true;
}

static bool
set_common(struct cm_options *options, int code)
{
    switch (code) {
    case 'r':
        return cm_options_once(options, &options->realm, "--realm", optarg);
    case 'c':
        return cm_options_once(options, &options->kdc_conf, "--kdc-conf",
                               optarg);
    case CM_OPTION_AT:
        return set_at(options, optarg);
    default:
        options->json = true;
        return true;
    }
}

static bool
is_own(const struct cm_verb *verb, int code)
{
    return code >= CM_OPTION_OWN ||
           (code < CM_OPTION_AT && verb->letters != NULL &&
            strchr(verb->letters, code) != NULL);
}

enum cm_next
cm_options_next(struct cm_options *options, int *code, const char **value)
{
    const struct cm_verb *verb = options->verb;
    char letters[MAX_LETTERS];
    int got;

    (void)snprintf(letters, sizeof(letters), ":r:c:h%s",
                   verb->letters != NULL ? verb->letters : "");
    for (;;) {
        got = getopt_long(options->argc, options->argv, letters, verb->options,
                          NULL);
        if (got == -1) {
            options->operands = options->argv + optind;
            options->operand_count = options->argc - optind;
            return CM_NEXT_END;
        }
        if (got == '?' || got == ':')
            return bad_option(options, got == ':');
        if (got == 'h') {
            cm_options_help(options->verb, options->tool->out);
            return CM_NEXT_HELP;
        }
        if (is_own(verb, got)) {
            *code = got;
            *value = optarg;
            return CM_NEXT_OWN;
        }
        if (!set_common(options, got))
            return CM_NEXT_ERROR;
    }
}

enum cm_next
cm_options_all(struct cm_options *options)
{
    const char *value;
    int code;

    return cm_options_next(options, &code, &value);
}

bool
cm_options_operands(struct cm_options *options, int count)
{
    if (options->operand_count == count)
        return true;
    cm_tool_error(options->tool, "usage: certmap %s [options] %s",
                  options->verb->name, options->verb->operands);
    return false;
}

int64_t
cm_options_now(const struct cm_options *options)
{
    return options->has_at ? options->at : (int64_t)time(NULL);
}
