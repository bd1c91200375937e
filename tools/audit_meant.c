/*
 * What was probably meant: the value with its name turned round or written
 * again, with its hexadecimal digits turned round, or with a key's hash where
 * the certificate's was asked for; taken where that is the value of a
 * certificate that is known, or names a CA of the realm.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"
#include "audit_dn.h"
#include "buf.h"

struct wording {
    bool issuer, subject; /* which names are written again */
    bool reverse;         /* with the last RDN first */
    bool turn;            /* octets of hexadecimal digits */
    enum cm_form form;    /* as which it is written; CM_FORM_NONE: its own */
};

static const struct wording names[] = {
    {.issuer = true, .subject = true},
    {.issuer = true, .subject = true, .reverse = true},
    {.subject = true, .reverse = true},
    {.issuer = true, .reverse = true},
};
static const struct wording serials[] = {
    {.turn = true},
    {.issuer = true},
    {.issuer = true, .reverse = true},
    {.issuer = true, .turn = true},
    {.issuer = true, .reverse = true, .turn = true},
};
static const struct wording identifiers[] = {
    {.turn = true},
    {.form = CM_FORM_SHA1_PUKEY},
};
static const struct wording thumbprints[] = {
    {.turn = true},
    {.form = CM_FORM_SKI},
};

static bool
add_name(const char *tag, const char *text, size_t len, bool rewrite,
         bool reverse, struct cm_buf *out)
{
    if (len == 0)
        return true;
    cm_buf_add_text(out, tag);
    if (rewrite)
        return cm_audit_dn_rewrite(text, len, reverse, out);
    cm_buf_add(out, text, len);
    return true;
}

static const char *
tag_of(enum cm_form form)
{
    switch (form) {
    case CM_FORM_ISSUER_SERIAL:
        return "<SR>";
    case CM_FORM_SKI:
        return "<SKI>";
    case CM_FORM_SHA1_PUKEY:
        return "<SHA1-PUKEY>";
    case CM_FORM_ISSUER_SID:
        return "<SID>";
    case CM_FORM_RFC822:
        return "<RFC822>";
    case CM_FORM_NONE:
    case CM_FORM_ISSUER_SUBJECT:
    case CM_FORM_SUBJECT:
    case CM_FORM_UPN:
    case CM_FORM_DNS:
    case CM_FORM_SID:
        break;
    }
    return "";
}

static void
add_turned(const char *hex, size_t len, struct cm_buf *out)
{
    for (size_t i = len; i >= 2; i -= 2)
        cm_buf_add(out, hex + i - 2, 2);
}

/* NULL: it cannot be worded so, or no memory. */
static char *
word(const struct cm_altsecid *parsed, const struct wording *how)
{
    enum cm_form form = how->form != CM_FORM_NONE ? how->form : parsed->form;
    struct cm_buf out = CM_BUF_INIT;

    cm_buf_add_text(&out, "X509:");
    if (!add_name("<I>", parsed->issuer.data, parsed->issuer.len, how->issuer,
                  how->reverse, &out) ||
        !add_name("<S>", parsed->subject.data, parsed->subject.len,
                  how->subject, how->reverse, &out)) {
        cm_buf_clear(&out);
        return NULL;
    }
    cm_buf_add_text(&out, tag_of(form));
    if (how->turn)
        add_turned(parsed->other.data, parsed->other.len, &out);
    else if (parsed->other.len > 0)
        cm_buf_add(&out, parsed->other.data, parsed->other.len);
    return cm_buf_take(&out);
}

static bool
is_known(struct cm_audit *audit, const char *value)
{
    struct cm_audit_digest digest;
    struct cm_altsecid parsed;

    cm_altsecid_parse(value, strlen(value), &parsed);
    if (parsed.form == CM_FORM_NONE)
        return false;
    cm_audit_digest_of(&parsed, false, &digest);
    return cm_audit_certificates_find(&audit->own, &digest, NULL, NULL) > 0 ||
           cm_audit_certificates_find(&audit->seen, &digest, NULL, NULL) > 0;
}

/* Does it name a CA, where the value as it stands names none? */
static bool
names_a_ca(struct cm_audit *audit, const char *value)
{
    const struct cm_audit_issuer *issuer = NULL;
    struct cm_altsecid parsed;

    cm_altsecid_parse(value, strlen(value), &parsed);
    if (parsed.issuer.len > 0)
        issuer = cm_audit_issuer(audit, parsed.issuer.data, parsed.issuer.len,
                                 false);
    return issuer != NULL && issuer->ca != CM_AUDIT_CA_NONE;
}

static bool
try_wordings(struct cm_audit *audit, const struct cm_altsecid *parsed,
             const struct wording *list, size_t count,
             bool (*fits)(struct cm_audit *audit, const char *value),
             enum cm_audit_kind *kind, char **meant)
{
    for (size_t i = 0; i < count; i++) {
        *meant = word(parsed, &list[i]);
        if (*meant != NULL && fits(audit, *meant)) {
            *kind = list[i].reverse || list[i].turn ? CM_AUDIT_REVERSED
                                                    : CM_AUDIT_SPELLING;
            return true;
        }
        free(*meant);
        *meant = NULL;
    }
    return false;
}

#define LIST(list) list, sizeof(list) / sizeof(list[0])

static bool
find_certificate(struct cm_audit *audit, const struct cm_altsecid *parsed,
                 enum cm_audit_kind *kind, char **meant)
{
    if (audit->own.count == 0 && audit->seen.count == 0)
        return false;
    switch (parsed->form) {
    case CM_FORM_ISSUER_SERIAL:
        return try_wordings(audit, parsed, LIST(serials), is_known, kind,
                            meant);
    case CM_FORM_ISSUER_SUBJECT:
    case CM_FORM_SUBJECT:
    case CM_FORM_ISSUER_SID:
        return try_wordings(audit, parsed, LIST(names), is_known, kind, meant);
    case CM_FORM_SKI:
        return try_wordings(audit, parsed, LIST(identifiers), is_known, kind,
                            meant);
    case CM_FORM_SHA1_PUKEY:
        return try_wordings(audit, parsed, LIST(thumbprints), is_known, kind,
                            meant);
    case CM_FORM_RFC822:
    case CM_FORM_NONE:
    case CM_FORM_UPN:
    case CM_FORM_DNS:
    case CM_FORM_SID:
        break;
    }
    return false;
}

bool
cm_audit_meant(struct cm_audit *audit, const struct cm_altsecid *parsed,
               enum cm_audit_kind *kind, char **meant)
{
    const struct cm_audit_issuer *issuer = NULL;

    *meant = NULL;
    if (find_certificate(audit, parsed, kind, meant))
        return true;
    if (parsed->issuer.len > 0)
        issuer = cm_audit_issuer(audit, parsed->issuer.data,
                                 parsed->issuer.len, false);
    return parsed->issuer.len > 0 &&
           (issuer == NULL || issuer->ca == CM_AUDIT_CA_NONE) &&
           try_wordings(audit, parsed, LIST(names), names_a_ca, kind, meant);
}
