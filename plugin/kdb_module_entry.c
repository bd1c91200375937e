#include "kdb_module_parts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kdb.h>

#include "kdb_entry.h"

enum {
    MARK_TYPE = 0x7c4d, /* of the tl_data; krb5 has none near it */
    NOBODY_LIFE = 3600  /* seconds; no ticket ever has it */
};

enum cm_kdb_mark
cm_kdb_mark_of(const krb5_db_entry *entry)
{
    if (entry == NULL)
        return CM_KDB_MARK_NONE;
    for (const krb5_tl_data *tl = entry->tl_data; tl != NULL;
         tl = tl->tl_data_next) {
        if (tl->tl_data_type != MARK_TYPE)
            continue;
        if (tl->tl_data_length == 1 && tl->tl_data_contents != NULL) {
            if (tl->tl_data_contents[0] == CM_KDB_MARK_FOUND)
                return CM_KDB_MARK_FOUND;
            if (tl->tl_data_contents[0] == CM_KDB_MARK_CARD)
                return CM_KDB_MARK_CARD;
            if (tl->tl_data_contents[0] == CM_KDB_MARK_NOBODY)
                return CM_KDB_MARK_NOBODY;
        }
        return CM_KDB_MARK_OTHER;
    }
    return CM_KDB_MARK_NONE;
}

krb5_error_code
cm_kdb_mark(krb5_db_entry *entry, enum cm_kdb_mark mark)
{
    krb5_tl_data *tl = calloc(1, sizeof(*tl));
    krb5_octet *contents = malloc(1);

    if (tl == NULL || contents == NULL) {
        free(tl);
        free(contents);
        return ENOMEM;
    }
    *contents = (krb5_octet)mark;
    tl->tl_data_type = MARK_TYPE;
    tl->tl_data_length = 1;
    tl->tl_data_contents = contents;
    tl->tl_data_next = entry->tl_data;
    entry->tl_data = tl;
    entry->n_tl_data++;
    return 0;
}

krb5_error_code
cm_kdb_card_only(krb5_context context, krb5_db_entry *entry)
{
    for (int i = 0; i < entry->n_key_data; i++)
        krb5_dbe_free_key_data_contents(context, &entry->key_data[i]);
    free(entry->key_data);
    entry->key_data = NULL;
    entry->n_key_data = 0;
    entry->attributes |= KRB5_KDB_REQUIRES_PRE_AUTH;
    return krb5_dbe_set_string(context, entry, "otp", NULL);
}

void
cm_kdb_log_nobodys(krb5_context context, const struct cm_log *log,
                   const krb5_db_entry *entry, const char *why)
{
    struct cm_principal principal;

    if (!cm_kdb_principal(context, entry, &principal))
        return;
    cm_log_write(log, CM_LOG_INFO, "client name: %s %s: it is nobody's",
                 principal.text, why);
    cm_principal_clear(&principal);
}

/* As libkrb5 compares them: without a sign, up to the year 2106. */
static bool
is_past(krb5_timestamp stamp, krb5_timestamp now)
{
    return stamp != 0 && (uint32_t)now > (uint32_t)stamp;
}

bool
cm_kdb_is_told_early(const krb5_db_entry *entry, krb5_timestamp now)
{
    const krb5_flags told =
        KRB5_KDB_DISALLOW_ALL_TIX | KRB5_KDB_REQUIRES_PWCHANGE;

    return (entry->attributes & told) != 0 ||
           is_past(entry->expiration, now) ||
           is_past(entry->pw_expiration, now);
}

/* With an error, out stays empty. */
static krb5_error_code
fill_nobody(krb5_context context, const krb5_data *realm, krb5_db_entry *out)
{
    krb5_error_code code;

    memset(out, 0, sizeof(*out));
    out->magic = (krb5_magic)KRB5_KDB_MAGIC_NUMBER;
    out->len = KRB5_KDB_V1_BASE_LENGTH;
    out->attributes = KRB5_KDB_REQUIRES_PRE_AUTH | KRB5_KDB_DISALLOW_SVR;
    out->max_life = NOBODY_LIFE;
    code = cm_kdb_mark(out, CM_KDB_MARK_NOBODY);
    if (code != 0)
        return code;
    code =
        krb5_build_principal(context, &out->princ, realm->length, realm->data,
                             CM_NOBODY_FIRST, CM_NOBODY_SECOND, NULL);
    if (code != 0) {
        free(out->tl_data->tl_data_contents);
        free(out->tl_data);
        memset(out, 0, sizeof(*out));
    }
    return code;
}

krb5_error_code
cm_kdb_nobody(krb5_context context, const krb5_data *realm,
              krb5_db_entry **out)
{
    krb5_db_entry *entry = calloc(1, sizeof(*entry));
    krb5_error_code code;

    if (entry == NULL)
        return ENOMEM;
    code = fill_nobody(context, realm, entry);
    if (code != 0) {
        free(entry);
        return code;
    }
    *out = entry;
    return 0;
}

/* What it was is freed by the module that made it, in an entry of its own. */
krb5_error_code
cm_kdb_become_nobody(krb5_context context, krb5_db_entry *entry)
{
    krb5_db_entry *was = calloc(1, sizeof(*was));
    krb5_db_entry nobody;
    krb5_error_code code;

    if (was == NULL)
        return ENOMEM;
    code = fill_nobody(context, &entry->princ->realm, &nobody);
    if (code != 0) {
        free(was);
        return code;
    }
    *was = *entry;
    *entry = nobody;
    krb5_db_free_principal(context, was);
    return 0;
}
