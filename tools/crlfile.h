/*
 * CRLs named on the command line.
 */
#ifndef CM_CRLFILE_H
#define CM_CRLFILE_H

#include <stdbool.h>

#include "crl_files.h"
#include "detail.h"
#include "tool.h"

enum { CM_CRLFILE_MAX_DOUBT = 64 * 1024 * 1024 /* bytes */ };

/*
 * Adds the CRL of a file, or of every file in a folder.  One that is refused,
 * or signed by nobody at hand, is left out for itself alone: tool->err says
 * why.  False: something cannot be read or is no CRL, or the folder holds
 * none; detail says what.
 */
bool cm_crlfile_collect(struct cm_tool *tool, const char *path,
                        struct cm_crl_files *files, struct cm_detail *detail);

#endif
