/*
 * Distinguished names as text.
 */
#ifndef CM_NAME_H
#define CM_NAME_H

#include <openssl/x509.h>

/*
 * The text that Windows writes: RDNs in encoding order joined by ",", the
 * values of a multi-valued RDN joined by one space, attribute types as
 * CertNameToStr names them (S, E, G, T, I, SERIALNUMBER, ...; others
 * "OID.1.2.3"), values quoted with '"' where they are empty, begin or end
 * with a blank, or hold any of , + = " < > # ; (an inner '"' doubled).
 *
 * Injective: two different names never give one text.  Whatever would break
 * that has no text at all: a control character, a value that is not a
 * character string or does not decode.  NULL then, or when longer than
 * CM_CERT_MAX_NAME_TEXT, or out of memory.  The caller frees it.
 */
char *cm_name_windows(const X509_NAME *name);

/*
 * RFC 4514: for people and logs.  Unusual values as #hex.  Never fails but
 * for memory (NULL).  The caller frees it.
 */
char *cm_name_rfc4514(const X509_NAME *name);

#endif
