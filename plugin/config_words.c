#include "config_words.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

bool
cm_out_of_memory(struct cm_detail *detail)
{
    cm_detail_set(detail, "out of memory");
    return false;
}

bool
cm_word_parse(const char *text, const struct cm_word *words, int *out)
{
    for (; words->text != NULL; words++) {
        if (strcmp(text, words->text) == 0) {
            *out = words->value;
            return true;
        }
    }
    return false;
}

const char *
cm_word_next(const char **cursor, size_t *len)
{
    const char *word = *cursor + strspn(*cursor, BLANKS);

    *len = strcspn(word, BLANKS);
    *cursor = word + *len;
    return *len > 0 ? word : NULL;
}

bool
cm_boolean_parse(const char *text, bool *out)
{
    static const struct cm_word words[] = {
        {"true", 1}, {"false", 0}, {NULL, 0}};
    int value;

    if (!cm_word_parse(text, words, &value))
        return false;
    *out = value == 1;
    return true;
}

bool
cm_number_parse(const char *text, size_t len, int least, int most, int *out)
{
    long value = 0;

    if (len == 0 || strspn(text, "0123456789") < len)
        return false;
    for (size_t i = 0; i < len; i++) {
        value = value * 10 + (text[i] - '0');
        if (value > most)
            return false;
    }
    if (value < least)
        return false;
    *out = (int)value;
    return true;
}

bool
cm_text_replace(char **slot, const char *text, struct cm_detail *detail)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return cm_out_of_memory(detail);
    free(*slot);
    *slot = copy;
    return true;
}

bool
cm_path_replace(char **slot, const char *text, struct cm_detail *detail)
{
    return *text == '/' && cm_text_replace(slot, text, detail);
}
