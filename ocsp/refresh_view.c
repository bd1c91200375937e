#include "refresh_view_parts.h"

#include <stdlib.h>
#include <string.h>

#include "name.h"

void
cm_view_clear(struct cm_view *view)
{
    for (size_t i = 0; i < view->ca_count; i++) {
        free(view->cas[i].name);
        cm_text_list_clear(&view->cas[i].realms);
    }
    free(view->cas);
    for (size_t i = 0; i < view->own_count; i++) {
        free(view->own[i].realm);
        free(view->own[i].subject);
    }
    free(view->own);
    for (size_t i = 0; i < view->crl_count; i++) {
        free(view->crls[i].issuer);
        free(view->crls[i].number);
    }
    free(view->crls);
    for (size_t i = 0; i < view->source_count; i++)
        cm_refresh_state_clear(&view->sources[i]);
    free(view->sources);
    cm_text_list_clear(&view->alarms);
    memset(view, 0, sizeof(*view));
}

/* ---- CAs ---- */

struct cm_view_ca *
cm_view_find_ca(const struct cm_view *view, const uint8_t spki[32])
{
    for (size_t i = 0; i < view->ca_count; i++) {
        if (memcmp(view->cas[i].spki, spki, 32) == 0)
            return &view->cas[i];
    }
    return NULL;
}

/* The next of the places that cm_view_make() made: one for each CA. */
static struct cm_view_ca *
new_ca(struct cm_view *view, const struct cm_refresh_ca *from)
{
    struct cm_view_ca *ca = &view->cas[view->ca_count];

    ca->name = cm_name_rfc4514(X509_get_subject_name(from->cert));
    if (ca->name == NULL)
        return NULL;
    memcpy(ca->spki, from->spki, sizeof(from->spki));
    view->ca_count++;
    return ca;
}

static bool
add_ca(struct cm_view *view, const struct cm_refresh_ca *from)
{
    struct cm_view_ca *ca = cm_view_find_ca(view, from->spki);

    if (from->realm->own != NULL)
        return true; /* what it says about the KDC is shown there */
    if (ca == NULL)
        ca = new_ca(view, from);
    if (ca == NULL || !cm_text_list_add(&ca->realms, from->realm->name))
        return false;
    ca->logon = ca->logon || from->logon;
    ca->required = ca->required || from->required;
    ca->asks_crl = ca->asks_crl || from->asks_crl;
    ca->asks_ocsp = ca->asks_ocsp || from->asks_ocsp;
    ca->has_responder = ca->has_responder || from->has_responder;
    if (from->cards > ca->cards)
        ca->cards = from->cards;
    ca->urls += from->asks_crl ? from->crls.count + from->deltas.count : 0;
    ca->skipped += from->crls.skipped.count + from->deltas.skipped.count +
                   from->skipped.count;
    return true;
}

/* ---- Sources ---- */

bool
cm_view_add_source(struct cm_view_maker *maker, enum cm_refresh_kind kind,
                   const char *url)
{
    struct cm_view *view = maker->view;
    struct cm_refresh_state *list;

    for (size_t i = 0; i < view->source_count; i++) {
        if (view->sources[i].kind == kind &&
            strcmp(view->sources[i].url, url) == 0)
            return true;
    }
    list = reallocarray(view->sources, view->source_count + 1, sizeof(*list));
    if (list == NULL)
        return false;
    view->sources = list;
    if (!cm_refresh_state_read(maker->world->store, kind, url,
                               &list[view->source_count]))
        return false;
    view->source_count++;
    return true;
}

static bool
add_groups(struct cm_view_maker *maker, const struct cm_url_groups *groups)
{
    bool ok = true;

    for (size_t i = 0; ok && i < groups->count; i++) {
        for (size_t j = 0; ok && j < groups->list[i].urls.count; j++)
            ok = cm_view_add_source(maker, CM_REFRESH_CRL,
                                    groups->list[i].urls.items[j]);
    }
    return ok;
}

/* Deltas that CRLs name; their own states may name no further ones. */
static bool
add_deltas(struct cm_view_maker *maker)
{
    size_t known = maker->view->source_count;
    bool ok = true;

    for (size_t i = 0; ok && i < known; i++) {
        /* The list of sources moves when it grows. */
        for (size_t j = 0; ok && j < maker->view->sources[i].deltas.count; j++)
            ok = cm_view_add_source(maker, CM_REFRESH_CRL,
                                    maker->view->sources[i].deltas.items[j]);
    }
    return ok;
}

static bool
add_sources(struct cm_view_maker *maker)
{
    const struct cm_refresh_ca *ca;
    bool ok = true;

    for (size_t i = 0; ok && i < maker->map->count; i++) {
        ca = &maker->map->cas[i];
        if (ca->asks_crl)
            ok =
                add_groups(maker, &ca->crls) && add_groups(maker, &ca->deltas);
        for (size_t j = 0;
             ok && ca->asks_ocsp && j < ca->rules.ocsp_urls.count; j++)
            ok = cm_view_add_source(maker, CM_REFRESH_OCSP,
                                    ca->rules.ocsp_urls.items[j]);
    }
    return ok && add_deltas(maker);
}

/* ---- CRLs ---- */

static char *
number_text(const struct cm_crl_number *number)
{
    struct cm_buf buf = CM_BUF_INIT;
    size_t from = 0;

    while (from < sizeof(number->octets) - 1 && number->octets[from] == 0)
        from++;
    cm_buf_add_hex(&buf, number->octets + from, sizeof(number->octets) - from);
    return cm_buf_take(&buf);
}

static bool
is_partial(const struct cm_crl_scope *scope)
{
    return scope->names != NULL || scope->only_user || scope->only_ca ||
           scope->only_attribute || scope->reasons != CM_CRL_ALL_REASONS;
}

static bool
fill_crl(struct cm_view_crl *crl, const struct cm_crl_facts *facts,
         const uint8_t spki[32])
{
    memset(crl, 0, sizeof(*crl));
    memcpy(crl->spki, spki, sizeof(crl->spki));
    memcpy(crl->scope, facts->scope_id, sizeof(crl->scope));
    crl->delta = facts->base.present;
    crl->partial = is_partial(&facts->scope);
    crl->entries = facts->entry_count;
    crl->window.known = true;
    crl->window.this_update = facts->this_update;
    crl->window.has_next_update = facts->has_next_update;
    crl->window.next_update = facts->next_update;
    crl->issuer = cm_name_rfc4514(facts->issuer);
    if (facts->number.present)
        crl->number = number_text(&facts->number);
    return crl->issuer != NULL &&
           (!facts->number.present || crl->number != NULL);
}

static bool
visit_index(void *context, struct cm_crl_index *index)
{
    struct cm_view_maker *maker = context;
    struct cm_view *view = maker->view;
    struct cm_view_crl *list;

    list = reallocarray(view->crls, view->crl_count + 1, sizeof(*list));
    if (list != NULL) {
        view->crls = list;
        maker->failed = !fill_crl(&list[view->crl_count++],
                                  cm_crl_index_facts(index), maker->spki);
    } else {
        maker->failed = true;
    }
    return !maker->failed;
}

/* The source that brought it, or brings what will replace it. */
static const struct cm_refresh_state *
source_of(const struct cm_view *view, const struct cm_view_crl *crl)
{
    const struct cm_refresh_state *state, *best = NULL;

    for (size_t i = 0; i < view->source_count; i++) {
        state = &view->sources[i];
        if (state->kind == CM_REFRESH_CRL && state->has_crl &&
            memcmp(state->spki, crl->spki, 32) == 0 &&
            memcmp(state->scope, crl->scope, 32) == 0 &&
            (best == NULL || state->last_success > best->last_success))
            best = state;
    }
    return best;
}

/* A CRL for every certificate that is current takes the place of one whose
 * scope nobody publishes any more. */
static bool
is_covered(const struct cm_view *view, const struct cm_view_crl *crl)
{
    const struct cm_view_ca *ca = cm_view_find_ca(view, crl->spki);

    return ca == NULL || ca->crl_current;
}

static void
judge_crls(struct cm_view_maker *maker)
{
    struct cm_view *view = maker->view;
    struct cm_view_crl *crl;
    struct cm_view_ca *ca;

    for (size_t i = 0; i < view->crl_count; i++) {
        crl = &view->crls[i];
        ca = cm_view_find_ca(view, crl->spki);
        crl->source = source_of(view, crl);
        crl->health =
            cm_refresh_judge(&crl->window, maker->world->now,
                             crl->source == NULL ? 0 : crl->source->failures);
        if (ca != NULL && !crl->delta && !crl->partial &&
            (crl->health == CM_REFRESH_FRESH ||
             crl->health == CM_REFRESH_ENDING))
            ca->crl_current = true;
    }
    for (size_t i = 0; i < view->crl_count; i++) {
        crl = &view->crls[i];
        crl->needed =
            crl->health == CM_REFRESH_ENDING ||
            (crl->health == CM_REFRESH_ENDED && !is_covered(view, crl));
    }
}

static bool
add_crls(struct cm_view_maker *maker)
{
    const struct cm_crl_provider *crls = cm_store_crls(maker->world->store);

    for (size_t i = 0; i < maker->view->ca_count && !maker->failed; i++) {
        maker->spki = maker->view->cas[i].spki;
        (void)crls->each(crls->context, maker->spki, visit_index, maker);
    }
    judge_crls(maker);
    return !maker->failed;
}

bool
cm_view_make(const struct cm_refresh_world *world,
             const struct cm_refresh_map *map, struct cm_view *out)
{
    struct cm_view_maker maker = {.world = world, .map = map, .view = out};
    bool ok;

    memset(out, 0, sizeof(*out));
    out->cas = calloc(map->count + 1, sizeof(*out->cas));
    out->own = calloc(world->realm_count + 1, sizeof(*out->own));
    ok = out->cas != NULL && out->own != NULL;
    for (size_t i = 0; ok && i < map->count; i++)
        ok = add_ca(out, &map->cas[i]);
    ok = ok && add_sources(&maker) && add_crls(&maker) &&
         cm_view_add_cards(&maker);
    if (ok) {
        /* Responders of certificates have moved the list of sources. */
        judge_crls(&maker);
        ok = cm_view_raise_alarms(out);
    }
    if (!ok)
        cm_view_clear(out);
    return ok;
}
