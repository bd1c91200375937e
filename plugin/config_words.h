/*
 * Small values of relations: one word of a list, a boolean, a number, a
 * path.  What is not exactly an allowed text is refused; the table of
 * relations says what is allowed.
 */
#ifndef CM_CONFIG_WORDS_H
#define CM_CONFIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "detail.h"

struct cm_word {
    const char *text;
    int value;
};

/* The value of exactly one of the words; the array ends with a NULL text. */
bool cm_word_parse(const char *text, const struct cm_word *words, int *out);

/* Like strtok(): the next word of len bytes between blanks and tabs, NULL at
 * the end.  *cursor moves behind it. */
const char *cm_word_next(const char **cursor, size_t *len);

/* "true" or "false": no other spelling, so that none means "false". */
bool cm_boolean_parse(const char *text, bool *out);

/* The first len bytes: decimal digits only, from least to most. */
bool cm_number_parse(const char *text, size_t len, int least, int most,
                     int *out);

/* Replaces an owned string by a copy.  False: no memory, as detail says. */
bool cm_text_replace(char **slot, const char *text, struct cm_detail *detail);

/* The same for an absolute path. */
bool cm_path_replace(char **slot, const char *text, struct cm_detail *detail);

/* Sets the detail and is false. */
bool cm_out_of_memory(struct cm_detail *detail);

#endif
