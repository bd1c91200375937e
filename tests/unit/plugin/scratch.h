/* A temporary folder with files, and a realm's configuration in it. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdbool.h>

#include "config.h"

enum { SCRATCH_PATH = 256 };

struct scratch {
    char folder[SCRATCH_PATH];
    char path[SCRATCH_PATH * 2]; /* of the last scratch_path() */
};

/* Every failure ends the test program. */
void scratch_make(struct scratch *scratch);
void scratch_remove(struct scratch *scratch);

/* "FOLDER/name"; valid until the next call. */
const char *scratch_path(struct scratch *scratch, const char *name);

/* Writes text to the named file, every "@" in it replaced by the folder
 * (write "\a" for an "@"). */
void scratch_write(struct scratch *scratch, const char *name,
                   const char *text);
void scratch_write_bytes(struct scratch *scratch, const char *name,
                         const void *bytes, size_t len);

/* Adds what configurations name: roots.pem (tc_key 0 of P-256), ca.pem (key
 * 1), two.pem (both), the folder ntauth, secret, accounts.ldif. */
void scratch_fill(struct scratch *scratch);

/* Reads the realm's configuration from these files, which the profile
 * library and cm_config_load() are both given. */
enum cm_config_result scratch_load(const struct cm_text_list *files,
                                   const char *realm, struct cm_settings *out,
                                   struct cm_config_errors *errors);

#endif
