#include <locale.h>

#include "fetch_child.h"
#include "mirror.h"
#include "tool.h"

int
main(int argc, char **argv)
{
    struct cm_tool tool = {stdin, stdout, stderr};

    /* Before anything else: the network child is this program, too. */
    if (cm_fetch_worker_wanted(argc, argv))
        return cm_fetch_worker_main(cm_mirror_special);
    /* Only what is printed follows the locale, never what is compared. */
    setlocale(LC_CTYPE, "");
    return (int)cm_tool_run(&tool, argc, argv);
}
