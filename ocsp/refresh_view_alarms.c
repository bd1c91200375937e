/*
 * What somebody must be told before a login tells them.
 */
#include "refresh_view_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timetext.h"

bool
cm_view_alarm(struct cm_view *view, const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    int len;
    bool ok;

    if (view->alarm_count++ >= CM_REFRESH_MAX_ALARMS)
        return true;
    va_start(ap, format);
    len = vasprintf(&text, format, ap);
    va_end(ap);
    if (len < 0)
        return false;
    ok = cm_text_list_add(&view->alarms, text);
    free(text);
    return ok;
}

static bool
alarm_crl(struct cm_view *view, const struct cm_view_crl *crl)
{
    char end[CM_TIME_TEXT];

    cm_time_text(cm_refresh_end(&crl->window), end);
    if (crl->health == CM_REFRESH_ENDED)
        return cm_view_alarm(view, "the %s of %s has run out, at %s",
                             crl->delta ? "delta CRL" : "CRL", crl->issuer,
                             end);
    return cm_view_alarm(view, "the %s of %s runs out at %s, and %s fails: %s",
                         crl->delta ? "delta CRL" : "CRL", crl->issuer, end,
                         crl->source->url, crl->source->error.text);
}

static bool
alarm_ca(struct cm_view *view, const struct cm_view_ca *ca, bool has_crl)
{
    if (!ca->required)
        return true;
    if (!has_crl && ca->asks_crl && ca->urls > 0 && !ca->has_responder)
        return cm_view_alarm(view, "there is no CRL of %s yet", ca->name);
    if (!has_crl && !ca->has_responder)
        return cm_view_alarm(
            view,
            "nothing says where the revocation data of %s is: set crl_url or "
            "ocsp_responder, or put its CRL into incoming/",
            ca->name);
    if (ca->uncovered > 0)
        return cm_view_alarm(view,
                             "nothing current about %zu certificates of %s",
                             ca->uncovered, ca->name);
    return true;
}

/* No client that is told so goes on; one that does not ask is not told. */
static bool
alarm_own(struct cm_view *view, const struct cm_view_own *own)
{
    return !own->revoked ||
           cm_view_alarm(view, "the certificate of %s's KDC, %s, is revoked",
                         own->realm, own->subject);
}

bool
cm_view_raise_alarms(struct cm_view *view)
{
    bool ok = true, has_crl;

    for (size_t i = 0; ok && i < view->crl_count; i++) {
        if (view->crls[i].needed)
            ok = alarm_crl(view, &view->crls[i]);
    }
    for (size_t i = 0; ok && i < view->ca_count; i++) {
        has_crl = false;
        for (size_t j = 0; j < view->crl_count; j++)
            has_crl = has_crl ||
                      (!view->crls[j].delta &&
                       memcmp(view->crls[j].spki, view->cas[i].spki, 32) == 0);
        ok = alarm_ca(view, &view->cas[i], has_crl);
    }
    for (size_t i = 0; ok && i < view->own_count; i++)
        ok = alarm_own(view, &view->own[i]);
    return ok;
}
