/*
 * certmap deny: from options to an entry.
 */
#include "deny_command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certfile.h"
#include "certificate.h"
#include "name.h"
#include "text.h"
#include "timetext.h"
#include "trusted.h"

enum { SELECT_MAX_HEX = 1024 /* digits and colons of one option */ };

static bool
out_of_memory(struct cm_options *options)
{
    cm_tool_error(options->tool, "out of memory");
    return false;
}

/* Hex as people copy it: with colons, and an odd number of digits. */
static bool
read_hex(const char *text, uint8_t *out, size_t max, size_t *len)
{
    char digits[SELECT_MAX_HEX + 1];
    size_t n = 1;

    digits[0] = '0';
    for (; *text != '\0'; text++) {
        if (*text == ':')
            continue;
        if (n == SELECT_MAX_HEX)
            return false;
        digits[n++] = *text;
    }
    /* The zero in front is needed where the number of digits is odd. */
    return n > 1 &&
           (n % 2 == 0 ? cm_hex_decode(digits, n, out, max, len)
                       : cm_hex_decode(digits + 1, n - 1, out, max, len));
}

/* ---- The certificate itself ---- */

/*
 * By serial number and issuer: both are signed, where the bytes around the
 * signature, and so the fingerprint, can be altered by whoever holds the
 * card.
 */
static bool
select_certificate(struct cm_options *options, const char *path,
                   struct cm_deny_entry *entry)
{
    struct cm_certificate cert;
    bool ok = true;

    if (cm_certfile_decode(options->tool, path, &cert) != CM_EXIT_YES)
        return false;
    if (cm_deny_name_is_valid(cert.issuer_rfc4514)) {
        entry->kind = CM_DENY_SERIAL_NAME;
        entry->value_len = cert.serial_len;
        memcpy(entry->value, cert.serial, cert.serial_len);
        entry->issuer = strdup(cert.issuer_rfc4514);
        ok = entry->issuer != NULL || out_of_memory(options);
    } else {
        cm_tool_error(options->tool,
                      "the issuer's name in %s cannot be written down: give "
                      "--serial with the CA's certificate as --issuer",
                      path);
        ok = false;
    }
    cm_certificate_clear(&cert);
    return ok;
}

/* ---- Serial number and issuer ---- */

/* Is the text the name, in the order of RFC 4514 or as Windows writes it? */
static bool
is_name_of(X509 *ca, const char *text)
{
    const X509_NAME *name = X509_get_subject_name(ca);
    char *rfc4514 = cm_name_rfc4514(name), *windows = cm_name_windows(name);
    bool same;

    same = (rfc4514 != NULL && cm_text_equal_fold(rfc4514, text)) ||
           (windows != NULL && cm_text_equal_fold(windows, text));
    free(rfc4514);
    free(windows);
    return same;
}

static X509 *
find_named(const struct cm_trusted_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (is_name_of(list->list[i].x509, text))
            return list->list[i].x509;
    }
    return NULL;
}

/* The name of a CA that the realm knows, as RFC 4514 writes it; NULL: none
 * is named so. */
static char *
known_name(const struct cm_place *place, const char *text)
{
    struct cm_trust *trust = cm_trust_new(&place->settings.trust, NULL);
    struct cm_snapshot *snapshot = NULL;
    struct cm_detail ignored;
    char *name = NULL;
    X509 *ca = NULL;

    if (trust != NULL &&
        cm_trust_current(trust, 0, &snapshot, &ignored) == CM_OK) {
        ca = find_named(&snapshot->ntauth, text);
        if (ca == NULL)
            ca = find_named(&snapshot->intermediates, text);
        if (ca == NULL)
            ca = find_named(&snapshot->anchors, text);
        if (ca != NULL)
            name = cm_name_rfc4514(X509_get_subject_name(ca));
    }
    cm_snapshot_release(snapshot);
    cm_trust_free(trust);
    return name;
}

/* A name that is mistyped would block nobody: where the realm's CAs are
 * known, it must be one of theirs. */
static bool
select_issuer_name(struct cm_options *options, const char *text,
                   const struct cm_place *place, struct cm_deny_entry *entry)
{
    entry->kind = CM_DENY_SERIAL_NAME;
    entry->issuer = place->configured ? known_name(place, text) : strdup(text);
    if (entry->issuer != NULL && cm_deny_name_is_valid(entry->issuer))
        return true;
    cm_tool_error(options->tool,
                  "--issuer %s: no file, and no CA of the realm is named so; "
                  "write the name as \"certmap show\" does, or give the CA's "
                  "certificate",
                  text);
    return false;
}

static bool
select_issuer_key(struct cm_options *options, const char *path,
                  struct cm_deny_entry *entry)
{
    struct cm_certificate ca;
    bool ok;

    if (cm_certfile_decode(options->tool, path, &ca) != CM_EXIT_YES)
        return false;
    entry->kind = CM_DENY_SERIAL_KEY;
    ok = ca.is_ca;
    if (!ok)
        cm_tool_error(options->tool,
                      "--issuer %s is not a CA certificate: to block the "
                      "certificate itself use --cert",
                      path);
    else if (!cm_trusted_spki(ca.x509, entry->issuer_spki))
        ok = out_of_memory(options);
    cm_certificate_clear(&ca);
    return ok;
}

static bool
select_serial(struct cm_options *options, const struct cm_deny_words *words,
              const struct cm_place *place, struct cm_deny_entry *entry)
{
    uint8_t octets[CM_CERT_MAX_SERIAL + 1];
    size_t len, zeros = 0;

    if (words->issuer == NULL) {
        cm_tool_error(options->tool,
                      "--serial needs --issuer: the CA's certificate, or its "
                      "name");
        return false;
    }
    if (!read_hex(words->serial, octets, sizeof(octets), &len) ||
        (len > CM_CERT_MAX_SERIAL && octets[0] != 0)) {
        cm_tool_error(options->tool,
                      "--serial %s is not a serial number in hexadecimal",
                      words->serial);
        return false;
    }
    while (zeros < len && octets[zeros] == 0)
        zeros++;
    entry->value_len = len - zeros;
    memcpy(entry->value, octets + zeros, entry->value_len);
    return access(words->issuer, F_OK) == 0
               ? select_issuer_key(options, words->issuer, entry)
               : select_issuer_name(options, words->issuer, place, entry);
}

/* ---- Identifiers ---- */

static bool
select_ski(struct cm_options *options, const char *text,
           struct cm_deny_entry *entry)
{
    entry->kind = CM_DENY_SKI;
    if (read_hex(text, entry->value, sizeof(entry->value), &entry->value_len))
        return true;
    cm_tool_error(options->tool,
                  "--ski %s is not a key identifier in hexadecimal", text);
    return false;
}

static bool
select_fingerprint(struct cm_options *options, const char *text,
                   struct cm_deny_entry *entry)
{
    if (read_hex(text, entry->value, sizeof(entry->value),
                 &entry->value_len)) {
        if (entry->value_len == 32)
            entry->kind = CM_DENY_SHA256;
        if (entry->value_len == 20)
            entry->kind = CM_DENY_SHA1;
        if (entry->value_len == 32 || entry->value_len == 20)
            return true;
    }
    cm_tool_error(options->tool,
                  "--fingerprint %s is not a SHA-256 or SHA-1 in hexadecimal",
                  text);
    return false;
}

bool
cm_deny_select(struct cm_options *options, const struct cm_deny_words *words,
               const struct cm_place *place, struct cm_deny_entry *entry)
{
    int given = (words->cert != NULL) + (words->serial != NULL) +
                (words->ski != NULL) + (words->fingerprint != NULL);
    bool ok;

    memset(entry, 0, sizeof(*entry));
    if (given != 1 || (words->issuer != NULL && words->serial == NULL)) {
        cm_tool_error(options->tool,
                      "name one certificate: with --cert, with --serial and "
                      "--issuer, with --ski, or with --fingerprint");
        return false;
    }
    if (words->cert != NULL)
        ok = select_certificate(options, words->cert, entry);
    else if (words->serial != NULL)
        ok = select_serial(options, words, place, entry);
    else if (words->ski != NULL)
        ok = select_ski(options, words->ski, entry);
    else
        ok = select_fingerprint(options, words->fingerprint, entry);
    if (!ok)
        cm_deny_entry_clear(entry);
    return ok;
}

/* ---- Reason and end ---- */

bool
cm_deny_parse_end(const char *text, int64_t now, int64_t *out)
{
    struct cm_detail ignored;
    int64_t seconds;

    if (cm_time_parse(text, out))
        return true;
    if (!cm_policy_parse_duration(text, &seconds, &ignored))
        return false;
    *out = now + seconds;
    return true;
}

bool
cm_deny_describe(struct cm_options *options, const struct cm_deny_words *words,
                 int64_t now, struct cm_deny_entry *entry)
{
    const char *reason = words->reason;

    if (reason == NULL) {
        cm_tool_error(options->tool, "say why, with --reason TEXT");
        return false;
    }
    if (reason[0] == ' ' || strlen(reason) > CM_DENY_MAX_REASON ||
        !cm_text_is_clean((const uint8_t *)reason, strlen(reason))) {
        cm_tool_error(options->tool,
                      "--reason is one line of at most %d bytes of text",
                      CM_DENY_MAX_REASON);
        return false;
    }
    entry->added = now;
    entry->expires = words->expires != NULL;
    if (entry->expires &&
        (!cm_deny_parse_end(words->expires, now, &entry->until) ||
         entry->until <= now)) {
        cm_tool_error(options->tool,
                      "--expires %s is neither a time to come, such as "
                      "2030-02-01T12:00:00Z, nor a duration such as 5d",
                      words->expires);
        return false;
    }
    entry->reason = strdup(reason);
    return entry->reason != NULL || out_of_memory(options);
}
