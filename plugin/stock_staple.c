#include "stock_staple.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <profile.h>

#include "staple.h"
#include "status.h"
#include "stock_own.h"
#include "stock_watch.h"

struct cm_stock_staple {
    struct cm_own_files files;
    struct cm_stock_watch watch;
    bool looked;
    int64_t looked_ms; /* monotonic */

    /* As the files were when they were last read. */
    struct cm_stock_stamp stamp;
    unsigned long generation; /* of whom the realm trusts; 0: unknown */
    struct cm_own own;        /* cert NULL: none */

    uint8_t *value; /* owned; NULL: there is none now */
    size_t len;
};

struct cm_stock_staple *
cm_stock_staple_new(krb5_context context, const char *realm)
{
    const char *const realms[] = {realm, NULL};
    struct cm_stock_staple *staple = calloc(1, sizeof(*staple));
    profile_t profile;
    bool ok;

    if (staple == NULL || krb5_get_profile(context, &profile) != 0) {
        free(staple);
        return NULL;
    }
    ok = cm_own_files_read(profile, realm, &staple->files) &&
         cm_stock_watch_build(&staple->watch, context, realms);
    profile_release(profile);
    if (ok)
        return staple;
    cm_stock_staple_free(staple);
    return NULL;
}

void
cm_stock_staple_free(struct cm_stock_staple *staple)
{
    if (staple == NULL)
        return;
    cm_own_files_clear(&staple->files);
    cm_stock_watch_clear(&staple->watch);
    cm_own_clear(&staple->own);
    free(staple->value);
    free(staple);
}

/* ---- The certificate ---- */

/* Reads the files again if they, or whom the realm trusts, changed. */
static void
look_at_files(struct cm_stock_staple *staple,
              const struct cm_snapshot *trusted)
{
    unsigned long generation = trusted != NULL ? trusted->generation : 0;
    struct cm_stock_stamp stamp = {.newest_ms = 0};
    struct cm_detail ignored;
    bool same;

    same =
        cm_stock_watch_stamp(&staple->watch, &stamp) &&
        generation == staple->generation &&
        memcmp(stamp.digest, staple->stamp.digest, sizeof(stamp.digest)) == 0;
    if (same && staple->own.cert != NULL)
        return;
    cm_own_clear(&staple->own);
    if (cm_own_load(&staple->files, trusted, &staple->own, &ignored) != CM_OK)
        return;
    staple->stamp = stamp;
    staple->generation = generation;
}

/* ---- The response ---- */

struct inquiry {
    const struct cm_realm *realm;
    struct cm_path path;
    struct cm_path_rules rules;
    struct cm_issuer_rules issuer;
    struct cm_status_question status;
    struct cm_ocsp_question question;
    struct cm_status best;
    uint8_t *value; /* with the response that best is from; owned */
    size_t len;
};

/* Of several the one that counts by cm_status_newest(). */
static bool
visit(void *context, const uint8_t *response, size_t len)
{
    struct inquiry *inquiry = context;
    struct cm_status answer;

    cm_ocsp_check(&inquiry->question, response, len, &answer);
    cm_status_newest(&inquiry->best, &answer);
    if (inquiry->best.state != answer.state ||
        inquiry->best.this_update != answer.this_update)
        return true;
    free(inquiry->value);
    inquiry->value =
        cm_staple_write((struct cm_blob){response, len}, &inquiry->len);
    return true;
}

static void
ask_store(struct inquiry *inquiry, const struct cm_snapshot *snapshot)
{
    struct cm_store *store = inquiry->realm->services.store;
    const struct cm_response_provider *responses = cm_store_responses(store);
    struct cm_detail ignored;

    inquiry->status =
        (struct cm_status_question){.path = &inquiry->path,
                                    .snapshot = snapshot,
                                    .rules = &inquiry->rules,
                                    .crls = cm_store_crls(store)};
    inquiry->question = (struct cm_ocsp_question){
        .cert = inquiry->path.certs[0],
        .issuer = inquiry->path.certs[1],
        .responders = inquiry->issuer.responders,
        .responder_count = inquiry->issuer.responder_count,
        .rules = &inquiry->rules,
        .delegate_status = cm_status_of_delegate,
        .context = &inquiry->status};
    cm_store_begin(store);
    (void)responses->each(responses->context, inquiry->question.cert,
                          inquiry->question.issuer, visit, inquiry);
    (void)cm_store_end(store, &ignored);
}

/* What the store has about the certificate, if its path is good. */
static void
inquire(struct cm_stock_staple *staple, const struct cm_realm *realm)
{
    const struct cm_clock *clock = &realm->services.clock;
    const struct cm_settings *settings = &realm->settings;
    struct inquiry inquiry = {
        .realm = realm,
        .rules = {.now = clock->now(clock->context),
                  .min_rsa_bits = settings->logon.min_rsa_bits}};

    if (cm_path_find(staple->own.snapshot, staple->own.cert, &inquiry.rules,
                     NULL, NULL, &inquiry.path, NULL) != CM_OK)
        return;
    if (inquiry.path.count > 1 &&
        cm_settings_rules_for(settings, inquiry.path.issuer_spki_sha256,
                              &inquiry.issuer)) {
        ask_store(&inquiry, staple->own.snapshot);
        cm_issuer_rules_clear(&inquiry.issuer);
    }
    cm_path_clear(&inquiry.path);
    if (inquiry.best.state == CM_STATUS_GOOD && inquiry.value != NULL) {
        staple->value = inquiry.value;
        staple->len = inquiry.len;
    } else {
        free(inquiry.value);
    }
}

static void
look(struct cm_stock_staple *staple, const struct cm_realm *realm,
     int64_t now_ms)
{
    struct cm_snapshot *trusted = NULL;
    struct cm_detail ignored;

    free(staple->value);
    staple->value = NULL;
    if (cm_store_check(realm->services.store, now_ms, &ignored) != CM_OK)
        return;
    (void)cm_trust_current(realm->services.trust, now_ms, &trusted, &ignored);
    look_at_files(staple, trusted);
    if (staple->own.cert != NULL)
        inquire(staple, realm);
    cm_snapshot_release(trusted);
    ERR_clear_error();
}

struct cm_blob
cm_stock_staple_current(struct cm_stock_staple *staple,
                        const struct cm_realm *realm)
{
    const struct cm_clock *clock = &realm->services.clock;
    int64_t now_ms = clock->monotonic_ms(clock->context);

    if (!staple->looked || now_ms - staple->looked_ms >= CM_STOCK_STAPLE_MS) {
        look(staple, realm, now_ms);
        staple->looked = true;
        staple->looked_ms = now_ms;
    }
    if (staple->value == NULL)
        return (struct cm_blob){NULL, 0};
    return (struct cm_blob){staple->value, staple->len};
}
