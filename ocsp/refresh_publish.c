#include "refresh.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "status.h"

enum { MILLI = 1000 };

int
cm_refresh_temporary(const char *store)
{
    char name[PATH_MAX];
    int fd;

    fd = open(store, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0)
        return fd;
    /* A file system that has no files without a name.  What a crash leaves
     * here is a draft like those of the store's writer. */
    if (snprintf(name, sizeof(name), "%s/.new-XXXXXX", store) >=
        (int)sizeof(name))
        return -1;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(name);
    return fd;
}

/* ---- CRLs ---- */

static bool
may_go_back(const struct cm_refresh_options *options, const uint8_t spki[32])
{
    for (size_t i = 0; i < options->rollback_count; i++) {
        if (memcmp(options->rollback[i], spki, sizeof(options->rollback[i])) ==
            0)
            return true;
    }
    return false;
}

enum cm_publish
cm_refresh_publish_crl(struct cm_store_writer *writer,
                       const struct cm_refresh_options *options, int fd,
                       const struct cm_trusted **signer,
                       struct cm_crl_facts *facts, struct cm_detail *detail)
{
    const struct cm_trusted *found =
        cm_store_find_signer(options->trusted, fd, facts, detail);

    *signer = found;
    if (found == NULL)
        return CM_PUBLISH_REFUSED;
    cm_crl_facts_clear(facts);
    return cm_store_publish_crl(
        writer, fd, X509_get0_pubkey(found->x509), found->spki_sha256,
        options->now_ms(options->context) / MILLI,
        may_go_back(options, found->spki_sha256), facts, detail);
}

/* ---- OCSP ---- */

/* What is asked about a card, and what delegates are judged by. */
struct inquiry {
    struct cm_path_rules rules;
    struct cm_status_question status;
    struct cm_ocsp_question question;
    struct cm_status best;
};

static void
prepare(const struct cm_refresh_world *world,
        const struct cm_refresh_card *card, struct inquiry *out)
{
    const struct cm_refresh_ca *issuer = card->issuer;

    memset(out, 0, sizeof(*out));
    out->rules = cm_refresh_path_rules(issuer->realm, world->now);
    out->status =
        (struct cm_status_question){.path = card->path,
                                    .position = 0,
                                    .snapshot = issuer->realm->snapshot,
                                    .rules = &out->rules,
                                    .crls = cm_store_crls(world->store)};
    out->question = (struct cm_ocsp_question){
        .cert = card->path->certs[0],
        .issuer = card->path->certs[1],
        .responders = issuer->rules.responders,
        .responder_count = issuer->rules.responder_count,
        .rules = &out->rules,
        .delegate_status = cm_status_of_delegate,
        .context = &out->status};
}

bool
cm_refresh_card_name(X509 *cert, char out[CM_REFRESH_DIGEST_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[32];

    if (X509_digest(cert, EVP_sha256(), digest, NULL) != 1)
        return false;
    for (size_t i = 0; i < sizeof(digest); i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * sizeof(digest)] = '\0';
    return true;
}

enum cm_publish
cm_refresh_publish_ocsp(struct cm_store_writer *writer,
                        const struct cm_refresh_world *world,
                        const struct cm_refresh_card *card,
                        const uint8_t *response, size_t len,
                        struct cm_detail *detail)
{
    struct inquiry inquiry;

    prepare(world, card, &inquiry);
    return cm_store_publish_ocsp(writer, &inquiry.question, response, len,
                                 detail);
}

static bool
visit_response(void *context, const uint8_t *response, size_t len)
{
    struct inquiry *inquiry = context;
    struct cm_status answer;

    cm_ocsp_check(&inquiry->question, response, len, &answer);
    cm_status_newest(&inquiry->best, &answer);
    return true;
}

void
cm_refresh_card_window(const struct cm_refresh_world *world,
                       const struct cm_refresh_card *card,
                       struct cm_refresh_window *out)
{
    const struct cm_response_provider *responses =
        cm_store_responses(world->store);
    struct inquiry inquiry;

    prepare(world, card, &inquiry);
    responses->each(responses->context, inquiry.question.cert,
                    inquiry.question.issuer, visit_response, &inquiry);
    memset(out, 0, sizeof(*out));
    if (inquiry.best.state == CM_STATUS_UNKNOWN)
        return;
    out->known = true;
    out->this_update = inquiry.best.this_update;
    out->has_next_update = inquiry.best.has_next_update;
    out->next_update = inquiry.best.next_update;
}
