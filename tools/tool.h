/*
 * The certmap command without main(): verbs, streams and exit codes, so that
 * tests run it within their own process.
 */
#ifndef CM_TOOL_H
#define CM_TOOL_H

#include <getopt.h>
#include <stdio.h>

enum cm_exit {
    CM_EXIT_YES = 0,        /* done, accepted, nothing wrong */
    CM_EXIT_NO = 1,         /* refused, or findings */
    CM_EXIT_USAGE = 2,      /* usage or configuration */
    CM_EXIT_UNAVAILABLE = 3 /* something did not answer, or no memory */
};

struct cm_tool {
    FILE *in;
    FILE *out;
    FILE *err;
};

struct cm_verb {
    const char *name;
    const char *operands;         /* "CERT PRINCIPAL" */
    const char *summary;          /* one line */
    const char *help;             /* its own options, one a line, or "" */
    const struct option *options; /* its own and the common ones */
    enum cm_exit (*run)(struct cm_tool *tool, int argc, char **argv);
    const char *letters; /* its own one-letter options as getopt(3) has them,
                            or NULL */
};

extern const struct cm_verb cm_verb_show;
extern const struct cm_verb cm_verb_explain;
extern const struct cm_verb cm_verb_verify;
extern const struct cm_verb cm_verb_check;
extern const struct cm_verb cm_verb_deny;
extern const struct cm_verb cm_verb_override;
extern const struct cm_verb cm_verb_ntauth;
extern const struct cm_verb cm_verb_populate;
extern const struct cm_verb cm_verb_expiring;
extern const struct cm_verb cm_verb_refresh;
extern const struct cm_verb cm_verb_status;
extern const struct cm_verb cm_verb_map;
extern const struct cm_verb cm_verb_require_card;
extern const struct cm_verb cm_verb_audit;
extern const struct cm_verb cm_verb_report;
extern const struct cm_verb cm_verb_login;

/* Runs the command line; argv[0] is the program's name. */
enum cm_exit cm_tool_run(struct cm_tool *tool, int argc, char **argv);

/* "certmap: ...", escaped, with a newline, to tool->err. */
void cm_tool_error(struct cm_tool *tool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with a text as it is; returns code, for a caller to return. */
enum cm_exit cm_tool_fail(struct cm_tool *tool, enum cm_exit code,
                          const char *why);
/* Fails for want of memory: CM_EXIT_UNAVAILABLE. */
enum cm_exit cm_tool_no_memory(struct cm_tool *tool);

#endif
