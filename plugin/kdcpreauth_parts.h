/*
 * Inside of kdcpreauth_login.h: a login, and how it ends.
 */
#ifndef CM_KDCPREAUTH_PARTS_H
#define CM_KDCPREAUTH_PARTS_H

#include "kdcpreauth_login.h"
#include "record.h"

struct cm_kdc_login {
    struct cm_job job; /* first: a job is its login */
    struct cm_record record;
    krb5_kdcpreauth_moddata module;
    struct cm_login_evidence subject; /* who it is about, without a card */
    struct cm_outcome outcome;
    const char *staple_trouble; /* why one is ignored; static; or NULL */
    bool is_aside; /* PKINIT_KX: stock's refusal of it is not worth a line */

    /* The KDC's, until it is answered. */
    krb5_context context;
    const krb5_data *request; /* as it came */
    krb5_enc_tkt_part *ticket;
    krb5_kdcpreauth_callbacks kdc;
    krb5_kdcpreauth_rock rock;
    krb5_kdcpreauth_verify_respond_fn respond;
    void *arg;

    /* What stock sees instead, and what it answered. */
    struct krb5_kdcpreauth_callbacks_st callbacks;
    krb5_enc_tkt_part scratch;
    struct cm_generation *generation; /* held; NULL: not asked */
    krb5_error_code code;
    struct cm_detail said; /* the text that came with the code */
    krb5_kdcpreauth_modreq modreq;
    krb5_pa_data **e_data;
    krb5_authdata **authz;

    struct cm_kdc_login *next; /* among the dead */
};

/* Without an answer. */
void cm_kdc_login_free(struct cm_kdc_login *login);

/* Ends what stock handed over. */
void cm_kdc_free_modreq(struct cm_kdc_login *login,
                        krb5_kdcpreauth_modreq modreq);

void cm_kdc_free_pa_data(krb5_pa_data **list);

/* NULL unless the realm is ready. */
const struct cm_settings *cm_kdc_settings(const struct cm_kdc_login *login);

/* ---- The line ---- */

/* The outcome.  False: no memory; then nothing has its reference. */
bool cm_kdc_write_line(struct cm_kdc_login *login);
/* Stock's refusal, with a reference. */
void cm_kdc_write_stock_line(struct cm_kdc_login *login);

/* The text of stock's code, before another request sets another. */
void cm_kdc_keep_message(struct cm_kdc_login *login, krb5_error_code code);

/* ---- The reference ---- */

/* A refusal with this code is about to be written down: draws its reference,
 * into the outcome.  None where the client is told nothing, or without
 * randomness. */
void cm_kdc_draw_reference(struct cm_kdc_login *login, krb5_error_code code);

/* Takes e_data (may be NULL); gives it back with the reference behind it, or
 * as it is where there is none, the KDC would lose it with this code, or
 * memory is short. */
krb5_pa_data **cm_kdc_add_reference(const struct cm_kdc_login *login,
                                    krb5_error_code code,
                                    krb5_pa_data **e_data);

/* ---- The answer: after each of these the login is gone ---- */

void cm_kdc_refuse(struct cm_kdc_login *login, enum cm_reason reason);
/* No answer goes to the client. */
void cm_kdc_discard(struct cm_kdc_login *login);
/* Stock's own refusal, as it gave it. */
void cm_kdc_pass_refusal(struct cm_kdc_login *login);
/* Stock's yes, unchanged. */
void cm_kdc_pass_yes(struct cm_kdc_login *login);
/* Ours: with what stock set, but for hw-authent, and what the outcome says. */
void cm_kdc_accept(struct cm_kdc_login *login);

#endif
