/*
 * OCSP responses named on the command line.
 */
#ifndef CM_OCSPFILE_H
#define CM_OCSPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"
#include "status.h"

/* As they came: who they are about, and whether they count, is found out when
 * a certificate is asked about. */
struct cm_ocsp_files {
    struct cm_ocsp_file {
        uint8_t *bytes;
        size_t len;
    } * list;
    size_t count;
};

/* Is it one response in DER and nothing behind it, good for something or not?
 */
bool cm_ocspfile_is_response(const uint8_t *bytes, size_t len);

/* Adds the DER response of a file, or of every file in a folder.  False:
 * something cannot be read or is no response, or the folder holds none; detail
 * says what. */
bool cm_ocspfile_collect(const char *path, struct cm_ocsp_files *into,
                         struct cm_detail *detail);
void cm_ocsp_files_clear(struct cm_ocsp_files *files);

/* Borrows files. */
struct cm_response_provider
cm_ocsp_files_provider(struct cm_ocsp_files *files);

#endif
