/*
 * What the client of a refusal is told beside its number.
 */
#ifndef KDCPREAUTH_TOLD_H
#define KDCPREAUTH_TOLD_H

#include <stdbool.h>

#include "kdcpreauth_rows.h"

struct told_client {
    krb5_pa_data **e_data;
    krb5_pa_data *hint; /* of type CM_REFERENCE_TYPE; NULL: none */
};

/* Whether RAND_bytes() fails from now on. */
void told_without_randomness(bool without);

/* Of the edata method: arg is where the hint goes. */
void told_take_hint(void *arg, krb5_error_code code, krb5_pa_data *hint);

/* Stock's own e-data, then the reference of the line (NULL: there is none),
 * and nothing else; of a refusal with which the KDC forgets e-data, the hint
 * alone. */
void told_expect(const struct told_client *client,
                 const struct verify_case *row, const char *line);

/* As the KDC does. */
void told_clear(struct told_client *client);

#endif
