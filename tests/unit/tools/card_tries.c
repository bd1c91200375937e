#include "card_tries.h"

#include <stdio.h>
#include <stdlib.h>

int
card_tries_left(const char *variable)
{
    const char *path = getenv(variable);
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    int tries = CARD_TRIES;

    if (file == NULL)
        return CARD_TRIES;
    if (fscanf(file, "%d", &tries) != 1)
        tries = 0;
    (void)fclose(file);
    return tries;
}

void
card_tries_keep(const char *variable, int tries)
{
    const char *path = getenv(variable);
    FILE *file = path == NULL ? NULL : fopen(path, "we");

    if (file == NULL)
        return;
    (void)fprintf(file, "%d\n", tries);
    (void)fclose(file);
}
