#include "tool.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "output.h"

static const struct cm_verb *const verbs[] = {
    &cm_verb_show,     &cm_verb_explain,  &cm_verb_verify,
    &cm_verb_check,    &cm_verb_refresh,  &cm_verb_status,
    &cm_verb_deny,     &cm_verb_override, &cm_verb_ntauth,
    &cm_verb_map,      &cm_verb_populate, &cm_verb_require_card,
    &cm_verb_expiring, &cm_verb_audit,    &cm_verb_report,
    &cm_verb_login};

enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

void
cm_tool_error(struct cm_tool *tool, const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    int len;

    va_start(ap, format);
    len = vasprintf(&text, format, ap);
    va_end(ap);
    fputs("certmap: ", tool->err);
    cm_output_text(tool->err, len >= 0 ? text : "out of memory");
    fputc('\n', tool->err);
    if (len >= 0)
        free(text);
}

enum cm_exit
cm_tool_fail(struct cm_tool *tool, enum cm_exit code, const char *why)
{
    cm_tool_error(tool, "%s", why);
    return code;
}

enum cm_exit
cm_tool_no_memory(struct cm_tool *tool)
{
    return cm_tool_fail(tool, CM_EXIT_UNAVAILABLE, "out of memory");
}

static const struct cm_verb *
find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    }
    return NULL;
}

static void
print_overview(FILE *out)
{
    fputs("usage: certmap VERB [options]\n\n", out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-8s %-16s %s\n", verbs[i]->name, verbs[i]->operands,
                verbs[i]->summary);
    fputs("\n"
          "  certmap help VERB    options of one verb\n"
          "  certmap --version    the version\n\n"
          "Exit status: 0 yes, 1 no, 2 usage or configuration, 3 something\n"
          "did not answer.  See certmap(1).\n",
          out);
}

static enum cm_exit
unknown_verb(struct cm_tool *tool, const char *name)
{
    cm_tool_error(tool, "there is no verb \"%s\"; \"certmap help\" lists them",
                  name);
    return CM_EXIT_USAGE;
}

static enum cm_exit
run_help(struct cm_tool *tool, int argc, char **argv)
{
    const struct cm_verb *verb;

    if (argc < 2) {
        print_overview(tool->out);
        return CM_EXIT_YES;
    }
    if (argc > 2) {
        cm_tool_error(tool, "help takes one verb: certmap help VERB");
        return CM_EXIT_USAGE;
    }
    verb = find_verb(argv[1]);
    if (verb == NULL)
        return unknown_verb(tool, argv[1]);
    cm_options_help(verb, tool->out);
    return CM_EXIT_YES;
}

static enum cm_exit
dispatch(struct cm_tool *tool, int argc, char **argv)
{
    const struct cm_verb *verb;

    if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-V") == 0) {
        fprintf(tool->out, "certmap (krb5-certmap) %s\n", CM_VERSION);
        return CM_EXIT_YES;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
        strcmp(argv[0], "help") == 0)
        return run_help(tool, argc, argv);
    if (argv[0][0] == '-') {
        cm_tool_error(tool,
                      "\"%s\" stands before a verb; write certmap VERB "
                      "[options], or certmap help",
                      argv[0]);
        return CM_EXIT_USAGE;
    }
    verb = find_verb(argv[0]);
    return verb == NULL ? unknown_verb(tool, argv[0])
                        : verb->run(tool, argc, argv);
}

enum cm_exit
cm_tool_run(struct cm_tool *tool, int argc, char **argv)
{
    enum cm_exit code;

    if (argc < 2) {
        print_overview(tool->err);
        return CM_EXIT_USAGE;
    }
    code = dispatch(tool, argc - 1, argv + 1);
    /* An answer that was lost on its way is no answer. */
    if (fflush(tool->out) != 0 || ferror(tool->out)) {
        cm_tool_error(tool, "the output could not be written");
        return CM_EXIT_UNAVAILABLE;
    }
    return code;
}
