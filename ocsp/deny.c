/*
 * Entries of the deny list: which certificates they name, and their text.
 */
#include "deny.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "buf.h"
#include "name.h"
#include "text.h"
#include "timetext.h"
#include "trusted.h"

const char *
cm_deny_kind_token(enum cm_deny_kind kind)
{
    switch (kind) {
    case CM_DENY_SHA256:
        return "sha256";
    case CM_DENY_SHA1:
        return "sha1";
    case CM_DENY_SKI:
        return "ski";
    case CM_DENY_SERIAL_KEY:
    case CM_DENY_SERIAL_NAME:
        return "serial";
    }
    return "";
}

void
cm_deny_entry_clear(struct cm_deny_entry *entry)
{
    free(entry->issuer);
    free(entry->reason);
    memset(entry, 0, sizeof(*entry));
}

void
cm_deny_list_clear(struct cm_deny_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        cm_deny_entry_clear(&list->list[i]);
    free(list->list);
    memset(list, 0, sizeof(*list));
}

/* Room for one more; there is some up to the next power of two. */
static bool
make_room(struct cm_deny_list *list)
{
    struct cm_deny_entry *grown;

    if (list->count == CM_DENY_MAX_ENTRIES)
        return false;
    if ((list->count & (list->count - 1)) != 0)
        return true;
    grown = reallocarray(list->list, 2 * list->count + 1, sizeof(*grown));
    if (grown == NULL)
        return false;
    list->list = grown;
    return true;
}

bool
cm_deny_add(struct cm_deny_list *list, const struct cm_deny_entry *entry)
{
    char *reason = strdup(entry->reason);
    char *issuer = entry->issuer == NULL ? NULL : strdup(entry->issuer);

    if (reason == NULL || (issuer == NULL && entry->issuer != NULL) ||
        !make_room(list)) {
        free(reason);
        free(issuer);
        return false;
    }
    list->list[list->count] = *entry;
    list->list[list->count].issuer = issuer;
    list->list[list->count++].reason = reason;
    return true;
}

bool
cm_deny_same(const struct cm_deny_entry *a, const struct cm_deny_entry *b)
{
    if (a->kind != b->kind || a->value_len != b->value_len ||
        memcmp(a->value, b->value, a->value_len) != 0)
        return false;
    switch (a->kind) {
    case CM_DENY_SHA256:
    case CM_DENY_SHA1:
    case CM_DENY_SKI:
        return true;
    case CM_DENY_SERIAL_KEY:
        return memcmp(a->issuer_spki, b->issuer_spki, 32) == 0;
    case CM_DENY_SERIAL_NAME:
        return cm_text_equal_fold(a->issuer, b->issuer);
    }
    return false;
}

bool
cm_deny_name_is_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > CM_CERT_MAX_NAME_TEXT ||
        !cm_text_is_clean((const uint8_t *)name, len))
        return false;
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '"')
            return false;
        if (*p == '\\' && *++p == '\0')
            return false;
    }
    return true;
}

/* ---- Which certificates an entry names ---- */

/* A certificate as entries see it. */
struct facts {
    uint8_t sha256[32];
    uint8_t sha1[20];
    const ASN1_OCTET_STRING *ski;
    uint8_t *serial; /* magnitude, without leading zeros */
    size_t serial_len;
    char *issuer;
    bool has_issuer_spki;
    uint8_t issuer_spki[32];
};

static void
clear_facts(struct facts *facts)
{
    free(facts->serial);
    free(facts->issuer);
    ERR_clear_error();
}

/* A number below zero is blocked with its opposite: nobody issues both. */
static bool
read_serial(X509 *cert, struct facts *facts)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    bool ok;

    if (number == NULL)
        return false;
    facts->serial_len = (size_t)BN_num_bytes(number);
    facts->serial = malloc(facts->serial_len + 1);
    ok = facts->serial != NULL &&
         BN_bn2bin(number, facts->serial) == (int)facts->serial_len;
    BN_free(number);
    return ok;
}

static bool
read_facts(X509 *cert, X509 *issuer, struct facts *facts)
{
    memset(facts, 0, sizeof(*facts));
    facts->ski = X509_get0_subject_key_id(cert);
    facts->issuer = cm_name_rfc4514(X509_get_issuer_name(cert));
    facts->has_issuer_spki = issuer != NULL;
    return facts->issuer != NULL && read_serial(cert, facts) &&
           X509_digest(cert, EVP_sha256(), facts->sha256, NULL) == 1 &&
           X509_digest(cert, EVP_sha1(), facts->sha1, NULL) == 1 &&
           (issuer == NULL || cm_trusted_spki(issuer, facts->issuer_spki));
}

static bool
is_value(const struct cm_deny_entry *entry, const uint8_t *bytes, size_t len)
{
    return entry->value_len == len && memcmp(entry->value, bytes, len) == 0;
}

static bool
names(const struct cm_deny_entry *entry, const struct facts *facts)
{
    switch (entry->kind) {
    case CM_DENY_SHA256:
        return is_value(entry, facts->sha256, sizeof(facts->sha256));
    case CM_DENY_SHA1:
        return is_value(entry, facts->sha1, sizeof(facts->sha1));
    case CM_DENY_SKI:
        return facts->ski != NULL &&
               is_value(entry, ASN1_STRING_get0_data(facts->ski),
                        (size_t)ASN1_STRING_length(facts->ski));
    case CM_DENY_SERIAL_KEY:
        return is_value(entry, facts->serial, facts->serial_len) &&
               (!facts->has_issuer_spki ||
                memcmp(entry->issuer_spki, facts->issuer_spki, 32) == 0);
    case CM_DENY_SERIAL_NAME:
        return is_value(entry, facts->serial, facts->serial_len) &&
               cm_text_equal_fold(entry->issuer, facts->issuer);
    }
    return false;
}

bool
cm_deny_find(const struct cm_deny_list *list, X509 *cert, X509 *issuer,
             int64_t now, const struct cm_deny_entry **found)
{
    const struct cm_deny_entry *entry;
    struct facts facts;
    bool ok;

    *found = NULL;
    if (list->count == 0)
        return true;
    ok = read_facts(cert, issuer, &facts);
    for (size_t i = 0; ok && *found == NULL && i < list->count; i++) {
        entry = &list->list[i];
        if ((!entry->expires || now < entry->until) && names(entry, &facts))
            *found = entry;
    }
    clear_facts(&facts);
    return ok;
}

/* ---- Writing ---- */

static void
add_selector(struct cm_buf *buf, const struct cm_deny_entry *entry)
{
    cm_buf_add_text(buf, cm_deny_kind_token(entry->kind));
    cm_buf_add_char(buf, ' ');
    if (entry->value_len > 0)
        cm_buf_add_hex(buf, entry->value, entry->value_len);
    else
        cm_buf_add_text(buf, "00"); /* the serial number zero */
    switch (entry->kind) {
    case CM_DENY_SHA256:
    case CM_DENY_SHA1:
    case CM_DENY_SKI:
        break;
    case CM_DENY_SERIAL_KEY:
        cm_buf_add_char(buf, ':');
        cm_buf_add_hex(buf, entry->issuer_spki, 32);
        break;
    case CM_DENY_SERIAL_NAME:
        cm_buf_addf(buf, ":\"%s\"", entry->issuer);
        break;
    }
}

char *
cm_deny_selector(const struct cm_deny_entry *entry)
{
    struct cm_buf buf = CM_BUF_INIT;

    add_selector(&buf, entry);
    return cm_buf_take(&buf);
}

char *
cm_deny_format(const struct cm_deny_list *list)
{
    struct cm_buf buf = CM_BUF_INIT;
    char until[CM_TIME_TEXT], added[CM_TIME_TEXT];

    cm_buf_add_text(&buf,
                    "# Certificates that may not log on: kind value expires "
                    "added reason.\n"
                    "# Written by certmap deny; see certmap(1).\n");
    for (size_t i = 0; i < list->count; i++) {
        cm_time_text(list->list[i].until, until);
        cm_time_text(list->list[i].added, added);
        add_selector(&buf, &list->list[i]);
        cm_buf_addf(&buf, " %s %s %s\n",
                    list->list[i].expires ? until : "never", added,
                    list->list[i].reason);
    }
    return cm_buf_take(&buf);
}
