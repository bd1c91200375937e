/*
 * Options of the command line: those of every verb, and the way to the rest.
 */
#ifndef CM_OPTIONS_H
#define CM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "tool.h"

/* Codes of options; a verb's own begin with CM_OPTION_OWN. */
enum { CM_OPTION_AT = 256, CM_OPTION_JSON, CM_OPTION_OWN };

/* Ends the table of every verb's long options. */
/* clang-format off */
#define CM_COMMON_OPTIONS                                                     \
    {"realm", required_argument, NULL, 'r'},                                  \
    {"kdc-conf", required_argument, NULL, 'c'},                               \
    {"at", required_argument, NULL, CM_OPTION_AT},                            \
    {"json", no_argument, NULL, CM_OPTION_JSON},                              \
    {"help", no_argument, NULL, 'h'},                                         \
    {NULL, 0, NULL, 0}
/* clang-format on */

struct cm_options {
    struct cm_tool *tool;
    const struct cm_verb *verb;
    int argc;
    char **argv;

    const char *realm;    /* -r; NULL: not given */
    const char *kdc_conf; /* -c */
    bool has_at;          /* --at */
    int64_t at;
    bool json;

    char **operands; /* after CM_NEXT_END */
    int operand_count;
};

enum cm_next {
    CM_NEXT_OWN,  /* one of the verb's own: *code, *value */
    CM_NEXT_END,  /* operands are filled */
    CM_NEXT_HELP, /* help was printed: exit 0 */
    CM_NEXT_ERROR /* an error was printed: exit 2 */
};

void cm_options_init(struct cm_options *options, struct cm_tool *tool,
                     const struct cm_verb *verb, int argc, char **argv);

/* The next option; common ones are taken care of. */
enum cm_next cm_options_next(struct cm_options *options, int *code,
                             const char **value);

/* For verbs without options of their own: reads all.  CM_NEXT_END, _HELP or
 * _ERROR. */
enum cm_next cm_options_all(struct cm_options *options);

/* Keeps the value of an option that may be given once.  False: given before;
 * the error was printed. */
bool cm_options_once(struct cm_options *options, const char **slot,
                     const char *name, const char *value);

/* True if exactly count operands were given; otherwise prints an error. */
bool cm_options_operands(struct cm_options *options, int count);

/* --at, or the system's clock. */
int64_t cm_options_now(const struct cm_options *options);

void cm_options_help(const struct cm_verb *verb, FILE *out);

#endif
