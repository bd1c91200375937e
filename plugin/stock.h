/*
 * The stock PKINIT module, loaded by us, in generations.
 *
 * It reads anchors, pool and the KDC's certificate once, when it is
 * initialised.  So that a changed file needs no restart it is initialised
 * anew, in a krb5 context of its own, whenever one of the files that its
 * configuration names has changed; requests that an older generation has
 * begun end with that one.
 */
#ifndef CM_STOCK_H
#define CM_STOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <krb5.h>
#include <krb5/kdcpreauth_plugin.h>
#include <openssl/types.h>

#include "detail.h"
#include "log.h"

enum {
    CM_STOCK_LOOK_MS = 500,   /* files are looked at no more often */
    CM_STOCK_RETRY_MS = 10000 /* what did not load is tried again, though no
                                 file has changed */
};

struct cm_stock;
struct cm_stock_object;

/* One initialised stock module. */
struct cm_generation {
    struct krb5_kdcpreauth_vtable_st vt;
    krb5_kdcpreauth_moddata moddata;
    unsigned long number; /* 1, 2, ... of those that came into force */

    /* Private to stock*.c. */
    krb5_context context;
    struct cm_stock_object *object;
    OSSL_LIB_CTX *library; /* lean.h; NULL: the process's own */
    bool *serves;          /* one for each realm: is it configured there? */
    unsigned references;
};

/*
 * Loads the shared object and the first generation, which a process forked
 * later goes on using.  realms is the KDC's NULL-terminated list; it and log
 * are copied.  path NULL: where libkrb5 looks for its plugins.
 *
 * A stock module that cannot be loaded or initialised (a missing key file) is
 * no failure here: the log says why, and there is no generation until it can
 * be initialised.  An object that cannot be loaded stays so.  NULL: no memory.
 */
struct cm_stock *cm_stock_new(const char *path, const char *const *realms,
                              const struct cm_log *log);
/* Generations that are still held live until they are released. */
void cm_stock_free(struct cm_stock *stock);

/* The vtable before anything is initialised: pa_type_list, flags; what it
 * points to lives as long as the handle.  False: the object cannot be loaded;
 * detail says why. */
bool cm_stock_vtable(const struct cm_stock *stock, krb5_kdcpreauth_vtable out,
                     struct cm_detail *detail);

/*
 * The generation in force at now_ms (monotonic); held for the caller, who
 * gives it back with cm_generation_release().
 *
 * Changed files are loaded when they have lain still for CM_STOCK_LOOK_MS.
 * Where they do not load, where the KDC's certificate and key do not belong
 * together, or where a realm that was served would not be any more, the last
 * generation stays in force and the log says so, once for each change.  NULL:
 * there is none; detail says why.
 *
 * This and the two below are called on the loop's thread only, and a
 * generation is not released for the last time from within a call into it.
 */
struct cm_generation *cm_stock_current(struct cm_stock *stock, int64_t now_ms,
                                       struct cm_detail *detail);
struct cm_generation *cm_generation_hold(struct cm_generation *generation);
void cm_generation_release(struct cm_generation *generation); /* NULL: none */

/*
 * As the methods of the generation's vtable.  While they run, libcrypto's
 * default context on this thread is a lean one: most of what stock PKINIT
 * spends on a certificate is OpenSSL's search for decoders.  What is decoded
 * and verified is the same.
 */
void cm_generation_verify(struct cm_generation *generation,
                          krb5_context context, krb5_data *req_pkt,
                          krb5_kdc_req *request, krb5_enc_tkt_part *ticket,
                          krb5_pa_data *data, krb5_kdcpreauth_callbacks cb,
                          krb5_kdcpreauth_rock rock,
                          krb5_kdcpreauth_verify_respond_fn respond,
                          void *arg);
krb5_error_code cm_generation_return_padata(
    struct cm_generation *generation, krb5_context context,
    krb5_pa_data *padata, krb5_data *req_pkt, krb5_kdc_req *request,
    krb5_kdc_rep *reply, krb5_keyblock *encrypting_key,
    krb5_pa_data **send_pa_out, krb5_kdcpreauth_callbacks cb,
    krb5_kdcpreauth_rock rock, krb5_kdcpreauth_modreq modreq);

#endif
