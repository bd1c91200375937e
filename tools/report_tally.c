/* certmap report: how often a token was there. */
#include "report_command.h"

#include <stdlib.h>

bool
cm_tally_count(struct cm_tally **list, enum cm_tally_kind kind,
               const char *word)
{
    struct cm_tally *one, **end = list;

    for (; *end != NULL; end = &(*end)->next) {
        /* Kept words are equal where they are the same. */
        if ((*end)->kind == kind && (*end)->word == word) {
            (*end)->count++;
            return true;
        }
    }
    one = calloc(1, sizeof(*one));
    if (one == NULL)
        return false;
    *one = (struct cm_tally){.kind = kind, .word = word, .count = 1};
    *end = one;
    return true;
}

void
cm_tallies_free(struct cm_tally *list)
{
    struct cm_tally *next;

    for (; list != NULL; list = next) {
        next = list->next;
        free(list);
    }
}
