/*
 * The KDB module: the table that libkdb5 reads, and the module below it.
 *
 * libkdb5 finds the data symbol kdb_function_table and copies it before it
 * calls anything, so that it is filled when this object is loaded.  It is the
 * table of the module below with a few methods put before its own; all others
 * are the module's itself, on its own context.
 *
 * Where there is none to stand on, the table has only methods that refuse and
 * say why.
 */
#include <string.h>

#include <kdb.h>

#include "detail.h"
#include "kdb_inner.h"
#include "kdb_module_parts.h"
#include "kdcpreauth_answer.h"

extern kdb_vftabl kdb_function_table;
__attribute__((visibility("default"))) kdb_vftabl kdb_function_table;

static kdb_vftabl inner;
static struct cm_detail why; /* there is no inner */

const kdb_vftabl *
cm_kdb_module_inner(void)
{
    return &inner;
}

/* ---- Methods put before those of the module below ---- */

static krb5_error_code
fini_library(void)
{
    cm_kdb_module_forget();
    return inner.fini_library != NULL ? inner.fini_library() : 0;
}

/* The module below refuses accounts that it has locked. */
static krb5_error_code
inner_policy(krb5_context context, krb5_kdc_req *request,
             krb5_db_entry *client, krb5_db_entry *server,
             krb5_timestamp kdc_time, const char **status,
             krb5_pa_data ***e_data)
{
    if (inner.check_policy_as == NULL)
        return KRB5_PLUGIN_OP_NOTSUPP;
    return inner.check_policy_as(context, request, client, server, kdc_time,
                                 status, e_data);
}

/*
 * Nothing is proved yet: who only knows a mapping is not told that there is an
 * account, and that it is locked.  It is nobody's, and fails like that.
 */
static krb5_error_code
card_policy(krb5_context context, krb5_kdc_req *request, krb5_db_entry *client,
            krb5_db_entry *server, krb5_timestamp kdc_time,
            const char **status, krb5_pa_data ***e_data)
{
    krb5_error_code code = inner_policy(context, request, client, server,
                                        kdc_time, status, e_data);

    if (code == 0 || code == KRB5_PLUGIN_OP_NOTSUPP || *e_data != NULL)
        return code;
    cm_kdb_log_nobodys(context, &cm_kdc_log, client,
                       "is refused by the database's policy");
    if (cm_kdb_become_nobody(context, client) != 0)
        return code;
    *status = NULL;
    return 0;
}

/*
 * A name that is not the principal must not come to stand in a ticket: so the
 * client has to ask for its canonical name.  To the client an account that it
 * then does not get is one that is not there.
 */
static krb5_error_code
check_policy_as(krb5_context context, krb5_kdc_req *request,
                krb5_db_entry *client, krb5_db_entry *server,
                krb5_timestamp kdc_time, const char **status,
                krb5_pa_data ***e_data)
{
    enum cm_kdb_mark mark = cm_kdb_mark_of(client);

    if (mark == CM_KDB_MARK_OTHER) {
        *status = "FOREIGN_MARK";
        return KRB5KDC_ERR_POLICY;
    }
    if (mark != CM_KDB_MARK_NONE &&
        (request->kdc_options & KDC_OPT_CANONICALIZE) == 0) {
        *status = "NOT_CANONICALIZED";
        return KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN;
    }
    if (mark == CM_KDB_MARK_CARD)
        return card_policy(context, request, client, server, kdc_time, status,
                           e_data);
    return inner_policy(context, request, client, server, kdc_time, status,
                        e_data);
}

/* It may write the entry that it is given, so it gets the database's own: not
 * one that lacks its keys, nor one that is nobody's. */
static void
audit_as_req(krb5_context context, krb5_kdc_req *request,
             const krb5_address *local_addr, const krb5_address *remote_addr,
             krb5_db_entry *client, krb5_db_entry *server,
             krb5_timestamp authtime, krb5_error_code error_code)
{
    enum cm_kdb_mark mark = cm_kdb_mark_of(client);
    krb5_db_entry *own = NULL;

    if (inner.audit_as_req == NULL)
        return;
    if (mark == CM_KDB_MARK_NONE) {
        inner.audit_as_req(context, request, local_addr, remote_addr, client,
                           server, authtime, error_code);
        return;
    }
    if ((mark != CM_KDB_MARK_FOUND && mark != CM_KDB_MARK_CARD) ||
        inner.get_principal(context, client->princ, KRB5_KDB_FLAG_CLIENT,
                            &own) != 0)
        return;
    inner.audit_as_req(context, request, local_addr, remote_addr, own, server,
                       authtime, error_code);
    krb5_db_free_principal(context, own);
}

/* Should nobody ever come so far, there is no ticket. */
static krb5_error_code
issue_pac(krb5_context context, unsigned int flags, krb5_db_entry *client,
          krb5_keyblock *replaced_reply_key, krb5_db_entry *server,
          krb5_db_entry *signing_krbtgt, krb5_timestamp authtime,
          krb5_pac old_pac, krb5_pac new_pac, krb5_data ***auth_indicators)
{
    switch (cm_kdb_mark_of(client)) {
    case CM_KDB_MARK_NONE:
    case CM_KDB_MARK_FOUND:
    case CM_KDB_MARK_CARD:
        break;
    case CM_KDB_MARK_NOBODY:
    case CM_KDB_MARK_OTHER:
        return KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN;
    }
    if (inner.issue_pac == NULL)
        return KRB5_PLUGIN_OP_NOTSUPP;
    return inner.issue_pac(context, flags, client, replaced_reply_key, server,
                           signing_krbtgt, authtime, old_pac, new_pac,
                           auth_indicators);
}

/* ---- Without a module below ---- */

static krb5_error_code
refuse(krb5_context context)
{
    krb5_set_error_message(context, KRB5_KDB_DBTYPE_INIT,
                           "KDB module certmap: %s", why.text);
    return KRB5_KDB_DBTYPE_INIT;
}

static krb5_error_code
refuse_library(void)
{
    return 0; /* a context to say why comes with the next call */
}

static krb5_error_code
refuse_module(krb5_context context, char *section, char **arguments, int mode)
{
    (void)section;
    (void)arguments;
    (void)mode;
    return refuse(context);
}

static krb5_error_code
refuse_database(krb5_context context, char *section, char **arguments)
{
    (void)section;
    (void)arguments;
    return refuse(context);
}

static krb5_error_code
close_nothing(krb5_context context)
{
    (void)context;
    return 0;
}

static void
fill_refusing(kdb_vftabl *table)
{
    memset(table, 0, sizeof(*table));
    table->maj_ver = KRB5_KDB_DAL_MAJOR_VERSION;
    table->init_library = refuse_library;
    table->fini_library = refuse_library;
    table->init_module = refuse_module;
    table->fini_module = close_nothing;
    table->create = refuse_database;
    table->destroy = refuse_database;
}

/* ---- The table ---- */

static void
fill_stacked(kdb_vftabl *table)
{
    *table = inner;
    table->min_ver = 0; /* what is later than our header is not handed on */
    table->fini_library = fini_library;
    table->get_principal = cm_kdb_get_principal;
    table->get_s4u_x509_principal = cm_kdb_get_s4u;
    table->check_policy_as = check_policy_as;
    table->audit_as_req = audit_as_req;
    table->issue_pac = issue_pac;
}

static bool
stand_on(const kdb_vftabl *found)
{
    if (found->maj_ver != KRB5_KDB_DAL_MAJOR_VERSION) {
        cm_detail_set(&why,
                      "the module below has version %d of the interface; "
                      "this one was built for %d",
                      (int)found->maj_ver, KRB5_KDB_DAL_MAJOR_VERSION);
        return false;
    }
    if (found->get_principal == NULL || found->init_module == NULL) {
        cm_detail_set(&why, "the module below lacks a method");
        return false;
    }
    inner = *found;
    return true;
}

static void __attribute__((constructor)) fill(void)
{
    const kdb_vftabl *found = cm_kdb_inner_load(&kdb_function_table, &why);

    if (found != NULL && stand_on(found))
        fill_stacked(&kdb_function_table);
    else
        fill_refusing(&kdb_function_table);
}
