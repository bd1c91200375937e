#include <locale.h>

#include "tool.h"

int
main(int argc, char **argv)
{
    struct cm_tool tool = {stdin, stdout, stderr};

    /* Only what is printed follows the locale, never what is compared. */
    setlocale(LC_CTYPE, "");
    return (int)cm_tool_run(&tool, argc, argv);
}
