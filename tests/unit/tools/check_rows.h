#ifndef CHECK_ROWS_H
#define CHECK_ROWS_H

#include <stddef.h>

#include "host.h"
#include "tool.h"

struct check_row {
    const char *token; /* found beside the usual ones; "": nothing else */
    enum cm_exit code;
    const char *text; /* in the finding's text; NULL: anything */
    struct host host;
};

extern const struct check_row check_rows[];
extern const size_t check_row_count;
extern const struct check_row check_rows_wiring[];
extern const size_t check_row_wiring_count;

#endif
