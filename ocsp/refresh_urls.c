#include "refresh_urls.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "fetch.h"

void
cm_url_groups_clear(struct cm_url_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        cm_text_list_clear(&groups->list[i].urls);
    free(groups->list);
    cm_text_list_clear(&groups->skipped);
    memset(groups, 0, sizeof(*groups));
}

bool
cm_url_is_http(const char *url)
{
    static const char http[] = "http://", https[] = "https://";
    size_t len = strlen(url);

    return len <= CM_FETCH_MAX_URL &&
           cm_text_is_clean((const uint8_t *)url, len) &&
           strpbrk(url, " \"<>\\^`{|}") == NULL &&
           (cm_text_equal_fold_n(url, http, sizeof(http) - 1) ||
            cm_text_equal_fold_n(url, https, sizeof(https) - 1));
}

static bool
is_same(const struct cm_text_list *a, const struct cm_text_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

/* Takes urls over.  False: no memory. */
static bool
add_group(struct cm_url_groups *groups, struct cm_text_list *urls)
{
    struct cm_url_group *list;
    bool there = urls->count == 0;

    for (size_t i = 0; i < groups->count && !there; i++)
        there = is_same(&groups->list[i].urls, urls);
    if (there) {
        cm_text_list_clear(urls);
        return true;
    }
    list = reallocarray(groups->list, groups->count + 1, sizeof(*list));
    if (list == NULL) {
        cm_text_list_clear(urls);
        return false;
    }
    groups->list = list;
    list[groups->count++].urls = *urls;
    return true;
}

bool
cm_url_groups_add(struct cm_url_groups *groups, const char *url)
{
    struct cm_text_list one = {0};

    return cm_text_list_add(&one, url) && add_group(groups, &one);
}

/* Adds a text that is not there, while there is room.  False: no memory. */
static bool
add_once(struct cm_text_list *list, const char *text, size_t most)
{
    return cm_text_list_has(list, text) || list->count >= most ||
           cm_text_list_add(list, text);
}

/* False: no memory.  What is no text could not even be shown. */
static bool
add_name(const GENERAL_NAME *name, struct cm_text_list *urls,
         struct cm_text_list *skipped)
{
    const ASN1_STRING *value = name->d.uniformResourceIdentifier;
    const uint8_t *bytes;
    char *text;
    size_t len;
    bool ok;

    if (name->type != GEN_URI)
        return true;
    bytes = ASN1_STRING_get0_data(value);
    len = (size_t)ASN1_STRING_length(value);
    if (len > CM_FETCH_MAX_URL || !cm_text_is_clean(bytes, len))
        return true;
    text = cm_text_dup_clean(bytes, len);
    ok = text != NULL &&
         (cm_url_is_http(text)
              ? add_once(urls, text, CM_REFRESH_MAX_NAMES)
              : add_once(skipped, text, CM_REFRESH_MAX_SKIPPED));
    free(text);
    return ok;
}

bool
cm_urls_of_points(const CRL_DIST_POINTS *points, struct cm_url_groups *out)
{
    const GENERAL_NAMES *names;
    const DIST_POINT *point;
    struct cm_text_list urls;
    bool ok = true;

    for (int i = 0;
         ok && i < sk_DIST_POINT_num(points) && i < CM_REFRESH_MAX_POINTS;
         i++) {
        point = sk_DIST_POINT_value(points, i);
        if (point->distpoint == NULL || point->distpoint->type != 0)
            continue;
        names = point->distpoint->name.fullname;
        memset(&urls, 0, sizeof(urls));
        for (int j = 0; ok && j < sk_GENERAL_NAME_num(names); j++)
            ok = add_name(sk_GENERAL_NAME_value(names, j), &urls,
                          &out->skipped);
        if (ok)
            ok = add_group(out, &urls);
        else
            cm_text_list_clear(&urls);
    }
    return ok;
}

/* An extension that is missing or does not decode names nothing. */
static bool
points_of(X509 *cert, int nid, struct cm_url_groups *out)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, nid, NULL, NULL);
    bool ok = points == NULL || cm_urls_of_points(points, out);

    CRL_DIST_POINTS_free(points);
    ERR_clear_error();
    return ok;
}

bool
cm_urls_of_crls(X509 *cert, struct cm_url_groups *out)
{
    return points_of(cert, NID_crl_distribution_points, out);
}

bool
cm_urls_of_deltas(X509 *cert, struct cm_url_groups *out)
{
    return points_of(cert, NID_freshest_crl, out);
}

bool
cm_urls_of_responders(X509 *cert, struct cm_text_list *out,
                      struct cm_text_list *skipped)
{
    AUTHORITY_INFO_ACCESS *access =
        X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);
    const ACCESS_DESCRIPTION *one;
    bool ok = true;

    for (int i = 0; ok && i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        one = sk_ACCESS_DESCRIPTION_value(access, i);
        if (OBJ_obj2nid(one->method) == NID_ad_OCSP)
            ok = add_name(one->location, out, skipped);
    }
    AUTHORITY_INFO_ACCESS_free(access);
    ERR_clear_error();
    return ok;
}
