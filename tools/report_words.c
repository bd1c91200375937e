/* certmap report: texts that occur again and again, each kept once. */
#include "report_command.h"

#include <stdlib.h>
#include <string.h>

/* A new one.  NULL: no memory. */
static const char *
add_word(struct cm_words *words, struct cm_span text)
{
    struct cm_named *word = malloc(sizeof(*word));

    if (word == NULL)
        return NULL;
    word->name = strndup(text.text, text.len);
    if (word->name == NULL || !cm_name_index_add(&words->index, word)) {
        free(word->name);
        free(word);
        return NULL;
    }
    return word->name;
}

const char *
cm_words_keep(struct cm_words *words, struct cm_span text, bool *failed)
{
    const struct cm_named *word;
    const char *kept;

    if (text.text == NULL)
        return NULL;
    word = cm_name_index_find(&words->index, text.text, text.len);
    if (word != NULL)
        return word->name;
    if (words->index.count >= CM_REPORT_MAX_WORDS)
        return "(other)";
    kept = add_word(words, text);
    if (kept != NULL)
        return kept;
    *failed = true;
    return "";
}

void
cm_words_clear(struct cm_words *words)
{
    struct cm_named *word;
    size_t at = 0;

    while ((word = cm_name_index_next(&words->index, &at)) != NULL) {
        free(word->name);
        free(word);
    }
    cm_name_index_clear(&words->index);
}
