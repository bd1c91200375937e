/*
 * When are two distinguished names the same name?  For the test of the
 * formatter's one promise, that different names never give one text.
 *
 * Equality, precisely: as many RDNs in the same order; in each as many values
 * in the same (encoded) order; for each pair of values the same attribute
 * OID and the same sequence of Unicode characters.  The ASN.1 string type is
 * no part of it: PrintableString "a" and UTF8String "a" are one value.
 *
 * A key is that, spelled out: "[2.5.4.3=61;][...]", characters as the
 * hexadecimal digits of their UTF-8.  Names are equal when their keys are.
 */
#ifndef NAME_KEY_H
#define NAME_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

/* From the structure.  NULL: a value is no character string.  The caller
 * frees it. */
char *name_key(const X509_NAME *name);

/* From the Windows text, read back by the grammar that the formatter claims
 * for it.  Aborts on a text outside that grammar.  The caller frees it. */
char *name_key_of_text(const char *text);

/* Bytes that a name is made of. */
struct name_source {
    const uint8_t *bytes;
    size_t len;
};

/*
 * Makes a small name out of bytes and moves behind them: up to three RDNs of
 * one or two values, types that are close to each other, values full of what
 * the text uses for itself.  Any bytes will do; where they end, zeros follow.
 * The caller frees it.
 */
X509_NAME *name_from_bytes(struct name_source *source);

#endif
