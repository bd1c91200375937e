/* certmap report: who would be refused, why, and what to do. */
#include "report_command.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "log_line.h"
#include "reason.h"
#include "timetext.h"

const char *
cm_need_token(enum cm_need need)
{
    switch (need) {
    case CM_NEED_OBSERVE:
        return "observe";
    case CM_NEED_FULL:
        return "full";
    case CM_NEED_REFUSED:
        return "refused";
    case CM_NEED_LOOK:
        return "look";
    case CM_NEED_NONE:
        return "none";
    case CM_NEED_EXPIRED:
        return "expired";
    }
    return "?";
}

/* ---- One card ---- */

/* Choices and warnings beside an accepted strong mapping that an administrator
 * should look at; the realm's own (revocation=off) are in the totals. */
static const struct look {
    bool choice; /* or a warning */
    const char *word;
    const char *why;
} looks[] = {
    {true, "override", "an override let it through, and ends"},
    {true, "revocation=soft", "its status is not known"},
    {true, "stale_grace", "what is known of its status is old"},
    {true, "ski_trust_extension=true",
     "its key identifier is what the certificate says"},
    {false, "sid-foreign",
     "the SID is another account's: sid_mismatch = refuse would refuse it"},
    {false, "malformed-value", "the account holds malformed mapping values"},
};

enum { LOOK_COUNT = sizeof(looks) / sizeof(looks[0]) };

static bool
lists(const char *list, const char *word)
{
    struct cm_span span = {list, list == NULL ? 0 : strlen(list)};

    return cm_span_lists(span, word);
}

static bool
looks_at(const struct cm_judgement *judgement, const struct look *look)
{
    return lists(look->choice ? judgement->choices : judgement->warnings,
                 look->word);
}

static bool
ends_soon(const struct cm_report *report, const struct cm_report_card *card)
{
    return card->has_certificate &&
           card->not_after < report->now + report->soon;
}

static bool
has_expired(const struct cm_report *report, const struct cm_report_card *card)
{
    return card->has_certificate && card->not_after < report->now;
}

enum cm_need
cm_report_card_need(const struct cm_report *report,
                    const struct cm_report_card *card)
{
    const struct cm_judgement *judgement = &card->judgement;

    if (has_expired(report, card))
        return CM_NEED_EXPIRED;
    /* Stock PKINIT refuses in observe mode, too. */
    if (!judgement->authorized)
        return judgement->observing && strcmp(judgement->reason, "pkinit") != 0
                   ? CM_NEED_OBSERVE
                   : CM_NEED_REFUSED;
    if (judgement->weak)
        return CM_NEED_FULL;
    for (size_t i = 0; i < LOOK_COUNT; i++) {
        if (looks_at(judgement, &looks[i]))
            return CM_NEED_LOOK;
    }
    return ends_soon(report, card) ? CM_NEED_LOOK : CM_NEED_NONE;
}

static const char *
reason_text(const char *token)
{
    if (strcmp(token, "pkinit") == 0)
        return "the KDC's own PKINIT refuses it";
    for (int i = CM_OK; i <= CM_INTERNAL; i++) {
        if (strcmp(cm_reason_token((enum cm_reason)i), token) == 0)
            return cm_reason_text((enum cm_reason)i);
    }
    return "a reason that this version does not know";
}

static void
why_look(const struct cm_report *report, const struct cm_report_card *card,
         struct cm_detail *out)
{
    char until[CM_TIME_TEXT];

    for (size_t i = 0; i < LOOK_COUNT; i++) {
        if (looks_at(&card->judgement, &looks[i])) {
            cm_detail_set(out, "%s: %s", looks[i].word, looks[i].why);
            return;
        }
    }
    if (!ends_soon(report, card))
        return;
    cm_time_text(card->not_after, until);
    cm_detail_set(out, "the certificate ends %s", until);
}

void
cm_report_card_why(const struct cm_report *report,
                   const struct cm_report_card *card, struct cm_detail *out)
{
    const struct cm_judgement *judgement = &card->judgement;
    const char *mapping = judgement->mapping;

    cm_detail_set(out, "%s", "");
    switch (cm_report_card_need(report, card)) {
    case CM_NEED_OBSERVE:
    case CM_NEED_REFUSED:
        cm_detail_set(out, "%s: %s", judgement->reason,
                      reason_text(judgement->reason));
        return;
    case CM_NEED_FULL:
        cm_detail_set(
            out, "weak-mapping: %s alone matches%s",
            mapping == NULL ? "a weak one" : mapping,
            lists(judgement->warnings, "predates-account")
                ? "; it is older than the account, so that enforcement = "
                  "compatibility would refuse it, too"
                : "");
        return;
    case CM_NEED_LOOK:
        why_look(report, card, out);
        return;
    case CM_NEED_NONE:
        return;
    case CM_NEED_EXPIRED:
        cm_detail_set(out, "the certificate has expired");
        return;
    }
}

/* ---- What to do ---- */

enum remedy_kind { MAP, SAY };

static const struct remedy {
    const char *reason;
    enum remedy_kind kind;
    const char *text;
} remedies[] = {
    {"no-mapping", MAP, " CERT"},
    {"weak-mapping", MAP, " CERT"},
    {"cert-predates-account", MAP, " CERT"},
    {"name-mismatch", SAY,
     "correct the account's UPN, or have the certificate issued anew"},
    {"sid-mismatch", SAY,
     "have the certificate issued for this account's SID"},
    {"sid-malformed", SAY, "have the certificate issued anew"},
    {"cert-malformed", SAY, "have the certificate issued anew"},
    {"cert-validity", SAY, "have the certificate issued anew"},
    {"cert-key-purpose", SAY, "have the certificate issued for client logon"},
    {"cert-weak-crypto", SAY, "have it issued anew with a stronger key"},
    {"path-untrusted", SAY,
     "certmap check: anchors and intermediates; certmap verify the card"},
    {"ntauth-absent", SAY, "certmap ntauth add the issuing CA, if it may"},
    {"revoked", SAY, "give the person another card"},
    {"revocation-unknown", SAY, "certmap status, then certmap refresh"},
    {"revocation-unavailable", SAY, "certmap check and certmap status"},
    {"account-not-found", SAY, "certmap check: base, schema, object_filter"},
    {"account-ambiguous", SAY, "leave the principal one account"},
    {"account-disabled", SAY, "enable the account, if it may log in"},
    {"directory-unavailable", SAY, "certmap check tries the directory"},
    {"config", SAY, "certmap check says what is wrong"},
    {"busy", SAY, "nothing, unless it happens often"},
    {"pkinit", SAY, "look at the KDC's log and pkinit_anchors"},
};

static bool
is_plain(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789@._/+=:,-")] == '\0';
}

/* A name as a shell takes it: an administrator pastes it. */
static void
add_quoted(struct cm_buf *buf, const char *name)
{
    if (name[0] == '-')
        cm_buf_add_text(buf, "-- ");
    if (is_plain(name)) {
        cm_buf_add_text(buf, name);
        return;
    }
    cm_buf_add_char(buf, '\'');
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '\'')
            cm_buf_add_text(buf, "'\\''");
        else
            cm_buf_add_char(buf, *p);
    }
    cm_buf_add_char(buf, '\'');
}

/* "certmap map VERB NAME". */
static void
add_map(struct cm_buf *buf, const char *verb, const char *name)
{
    char *plain = cm_audit_unescape(name);

    cm_buf_addf(buf, "certmap map %s ", verb);
    add_quoted(buf, plain == NULL ? "PRINCIPAL" : plain);
    free(plain);
}

static void
add_remedy(struct cm_buf *buf, const char *reason, const char *name)
{
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
        if (strcmp(remedies[i].reason, reason) != 0)
            continue;
        if (remedies[i].kind == MAP)
            add_map(buf, "add", name);
        cm_buf_add_text(buf, remedies[i].text);
        return;
    }
    cm_buf_add_text(buf, "certmap explain CERT PRINCIPAL");
}

static void
add_look_remedy(struct cm_buf *buf, const struct cm_judgement *judgement,
                const char *name)
{
    if (lists(judgement->warnings, "malformed-value")) {
        add_map(buf, "list", name);
    } else if (lists(judgement->warnings, "sid-foreign")) {
        add_remedy(buf, "sid-mismatch", name);
    } else if (lists(judgement->choices, "ski_trust_extension=true")) {
        add_remedy(buf, "weak-mapping", name);
    } else if (lists(judgement->choices, "override") ||
               lists(judgement->choices, "revocation=soft") ||
               lists(judgement->choices, "stale_grace")) {
        add_remedy(buf, "revocation-unknown", name);
    } else {
        add_remedy(buf, "cert-validity", name);
    }
}

char *
cm_report_remedy(const struct cm_report *report,
                 const struct cm_report_principal *principal,
                 const struct cm_report_card *card)
{
    struct cm_buf buf = CM_BUF_INIT;

    switch (cm_report_card_need(report, card)) {
    case CM_NEED_OBSERVE:
    case CM_NEED_REFUSED:
        add_remedy(&buf, card->judgement.reason, principal->named.name);
        break;
    case CM_NEED_FULL:
        add_remedy(&buf, "weak-mapping", principal->named.name);
        break;
    case CM_NEED_LOOK:
        add_look_remedy(&buf, &card->judgement, principal->named.name);
        break;
    case CM_NEED_NONE:
    case CM_NEED_EXPIRED:
        break;
    }
    return cm_buf_take(&buf);
}

/* ---- The list ---- */

static struct cm_report_item
judge_principal(const struct cm_report *report,
                const struct cm_report_principal *principal)
{
    struct cm_report_item item = {principal, CM_NEED_EXPIRED, false};
    bool works = false;
    enum cm_need need;

    for (const struct cm_report_card *card = principal->cards; card != NULL;
         card = card->next) {
        need = cm_report_card_need(report, card);
        works = works || need == CM_NEED_LOOK || need == CM_NEED_NONE;
        if (need < item.need)
            item.need = need;
    }
    item.locked_out = !works && item.need <= CM_NEED_FULL;
    return item;
}

static int
compare_items(const void *a, const void *b)
{
    const struct cm_report_item *x = a, *y = b;
    uint64_t left = x->principal->accepted + x->principal->refused,
             right = y->principal->accepted + y->principal->refused;

    if (x->locked_out != y->locked_out)
        return x->locked_out ? -1 : 1;
    if (x->need != y->need)
        return x->need < y->need ? -1 : 1;
    if (left != right)
        return left > right ? -1 : 1;
    return strcmp(x->principal->named.name, y->principal->named.name);
}

bool
cm_report_sort(const struct cm_report *report, struct cm_report_item **out)
{
    const struct cm_name_index *index = &report->principals;
    struct cm_report_item *items = calloc(index->count + 1, sizeof(*items));
    const struct cm_named *one;
    size_t at = 0, count = 0;

    if (items == NULL)
        return false;
    while ((one = cm_name_index_next(index, &at)) != NULL)
        items[count++] =
            judge_principal(report, (const struct cm_report_principal *)one);
    qsort(items, count, sizeof(*items), compare_items);
    *out = items;
    return true;
}
