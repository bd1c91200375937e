#include "stock_generation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lean.h"
#include "stock_identity.h"

/* The library's own words about the last failure. */
static void
say_code(krb5_context context, krb5_error_code code, struct cm_detail *detail)
{
    const char *text = krb5_get_error_message(context, code);

    cm_detail_set(detail, "%s", text);
    krb5_free_error_message(context, text);
}

/*
 * Does the stock module take this realm?  A context serves for one
 * initialisation: each one registers its modules there again.
 */
static bool
probe(const struct cm_stock_source *source, const char *realm,
      struct cm_detail *why)
{
    const char *realms[] = {realm, NULL};
    struct krb5_kdcpreauth_vtable_st vt;
    krb5_kdcpreauth_moddata moddata = NULL;
    krb5_context context = cm_stock_context(why);
    krb5_error_code code;
    bool serves = false;

    if (context == NULL)
        return false;
    if (cm_stock_object_vtable(source->object, context, &vt, why)) {
        code = vt.init(context, &moddata, realms);
        serves = code == 0;
        if (serves)
            vt.fini(context, moddata);
        else
            say_code(context, code, why);
    }
    krb5_free_context(context);
    return serves;
}

/*
 * The stock module tells of a realm that it cannot serve only where it is the
 * only one.  So that a half-written file does not take a realm away unseen,
 * each of several is tried by itself.
 */
static bool
can_serve(const struct cm_generation *made,
          const struct cm_stock_source *source, const char *realm,
          struct cm_detail *why)
{
    return cm_stock_identity_fits(made->context, realm, why) &&
           (source->count == 1 || probe(source, realm, why));
}

static bool
note_unserved(struct cm_stock_attempt *attempt, const char *realm)
{
    char *text = NULL;
    bool ok;

    if (asprintf(&text, "%s: %s", realm, attempt->why.text) < 0) {
        cm_detail_set(&attempt->why, "out of memory");
        return false;
    }
    cm_detail_set(&attempt->why, "%s", text);
    ok = cm_text_list_add(&attempt->unserved, text);
    free(text);
    return ok;
}

/* Which realms can be served?  Those before them that could be, must be. */
static bool
choose_realms(struct cm_generation *made, const struct cm_stock_source *source,
              const struct cm_generation *before, const char **served,
              struct cm_stock_attempt *attempt)
{
    size_t count = 0;

    for (size_t i = 0; i < source->count; i++) {
        made->serves[i] =
            can_serve(made, source, source->realms[i], &attempt->why);
        if (made->serves[i])
            served[count++] = source->realms[i];
        else if (!note_unserved(attempt, source->realms[i]) ||
                 (before != NULL && before->serves[i]))
            return false;
    }
    if (count > 0)
        return true;
    if (source->count == 0)
        cm_detail_set(&attempt->why, "the KDC has no realm");
    return false;
}

/* The generation's own context must be the first of its kind here: it is what
 * says which files the profile names now. */
static bool
look(const struct cm_generation *made, const struct cm_stock_source *source,
     struct cm_stock_attempt *attempt)
{
    attempt->looked =
        cm_stock_watch_build(&attempt->watch, made->context,
                             (const char *const *)source->realms) &&
        cm_stock_watch_stamp(&attempt->watch, &attempt->stamp);
    if (!attempt->looked)
        cm_detail_set(&attempt->why, "out of memory");
    return attempt->looked;
}

static bool
initialise(struct cm_generation *made, const struct cm_stock_source *source,
           const struct cm_generation *before, const char **served,
           struct cm_stock_attempt *attempt)
{
    krb5_error_code code;

    made->context = cm_stock_context(&attempt->why);
    if (made->context == NULL || !look(made, source, attempt) ||
        !cm_stock_object_vtable(source->object, made->context, &made->vt,
                                &attempt->why) ||
        !choose_realms(made, source, before, served, attempt))
        return false;
    code = made->vt.init(made->context, &made->moddata, served);
    if (code != 0)
        say_code(made->context, code, &attempt->why);
    return code == 0;
}

static void
discard(struct cm_generation *made)
{
    if (made == NULL)
        return;
    krb5_free_context(made->context);
    cm_lean_release(made->library); /* what stock made with it is freed */
    free(made->serves);
    free(made);
}

struct cm_generation *
cm_stock_generation_make(const struct cm_stock_source *source,
                         const struct cm_generation *before,
                         struct cm_stock_attempt *attempt)
{
    struct cm_generation *made = calloc(1, sizeof(*made));
    const char **served = calloc(source->count + 1, sizeof(*served));

    memset(attempt, 0, sizeof(*attempt));
    if (made != NULL)
        made->serves = calloc(source->count + 1, sizeof(*made->serves));
    if (made == NULL || made->serves == NULL || served == NULL) {
        cm_detail_set(&attempt->why, "out of memory");
        discard(made);
        made = NULL;
    } else if (initialise(made, source, before, served, attempt)) {
        made->object = cm_stock_object_hold(source->object);
        made->library = cm_lean_hold(CM_LEAN_STOCK);
        made->references = 1;
    } else {
        discard(made);
        made = NULL;
    }
    free(served);
    return made;
}

void
cm_stock_attempt_clear(struct cm_stock_attempt *attempt)
{
    cm_stock_watch_clear(&attempt->watch);
    cm_text_list_clear(&attempt->unserved);
}

struct cm_generation *
cm_generation_hold(struct cm_generation *generation)
{
    generation->references++;
    return generation;
}

void
cm_generation_release(struct cm_generation *generation)
{
    struct cm_stock_object *object;

    if (generation == NULL || --generation->references > 0)
        return;
    generation->vt.fini(generation->context, generation->moddata);
    object = generation->object;
    discard(generation);
    cm_stock_object_release(object);
}

void
cm_generation_verify(struct cm_generation *generation, krb5_context context,
                     krb5_data *req_pkt, krb5_kdc_req *request,
                     krb5_enc_tkt_part *ticket, krb5_pa_data *data,
                     krb5_kdcpreauth_callbacks cb, krb5_kdcpreauth_rock rock,
                     krb5_kdcpreauth_verify_respond_fn respond, void *arg)
{
    OSSL_LIB_CTX *before = cm_lean_enter(generation->library);

    generation->vt.verify(context, req_pkt, request, ticket, data, cb, rock,
                          generation->moddata, respond, arg);
    cm_lean_leave(before);
}

krb5_error_code
cm_generation_return_padata(struct cm_generation *generation,
                            krb5_context context, krb5_pa_data *padata,
                            krb5_data *req_pkt, krb5_kdc_req *request,
                            krb5_kdc_rep *reply, krb5_keyblock *encrypting_key,
                            krb5_pa_data **send_pa_out,
                            krb5_kdcpreauth_callbacks cb,
                            krb5_kdcpreauth_rock rock,
                            krb5_kdcpreauth_modreq modreq)
{
    OSSL_LIB_CTX *before = cm_lean_enter(generation->library);
    krb5_error_code code;

    code = generation->vt.return_padata(context, padata, req_pkt, request,
                                        reply, encrypting_key, send_pa_out, cb,
                                        rock, generation->moddata, modreq);
    cm_lean_leave(before);
    return code;
}
