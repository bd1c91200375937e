/* Prints every relation that the configuration reader knows, one a line. */
#include <stdio.h>

#include "config.h"

int
main(void)
{
    const char *const *relation;

    for (relation = cm_config_relations(); *relation != NULL; relation++)
        puts(*relation);
    return 0;
}
