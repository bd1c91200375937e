/*
 * How a refused client comes by its reference.
 *
 * With most codes the KDC sends on the e-data that a module gives it.  With
 * KRB5KDC_ERR_PREAUTH_FAILED, which also stands for every code that it does
 * not know, it forgets them, without freeing them, and sends its hints: what
 * each module says about itself.  There the reference is such a hint, for as
 * long as the KDC makes that one answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kdcpreauth_parts.h"

/* Codes with which e-data are sent on (filter_preauth_error() of krb5 1.20),
 * of those that PKINIT uses. */
static bool
is_sent_on(krb5_error_code code)
{
    switch (code) {
    case KRB5KDC_ERR_CLIENT_NOT_TRUSTED:
    case KRB5KDC_ERR_KDC_NOT_TRUSTED:
    case KRB5KDC_ERR_INVALID_SIG:
    case KRB5KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED:
    case KRB5KDC_ERR_CERTIFICATE_MISMATCH:
    case KRB5KDC_ERR_CANT_VERIFY_CERTIFICATE:
    case KRB5KDC_ERR_INVALID_CERTIFICATE:
    case KRB5KDC_ERR_REVOKED_CERTIFICATE:
    case KRB5KDC_ERR_REVOCATION_STATUS_UNKNOWN:
    case KRB5KDC_ERR_REVOCATION_STATUS_UNAVAILABLE:
    case KRB5KDC_ERR_CLIENT_NAME_MISMATCH:
    case KRB5KDC_ERR_INCONSISTENT_KEY_PURPOSE:
    case KRB5KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED:
    case KRB5KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED:
    case KRB5KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED:
    case KRB5KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED:
    case KRB5KDC_ERR_NO_ACCEPTABLE_KDF:
    case KRB5KRB_AP_ERR_SKEW:
        return true;
    default:
        return false;
    }
}

/* NULL: no memory. */
static krb5_pa_data *
element_new(const char *reference)
{
    krb5_pa_data *element = calloc(1, sizeof(*element));
    krb5_octet *contents = malloc(CM_REFERENCE_LEN);

    if (element == NULL || contents == NULL) {
        free(element);
        free(contents);
        return NULL;
    }
    memcpy(contents, reference, CM_REFERENCE_LEN);
    element->magic = KV5M_PA_DATA;
    element->pa_type = CM_REFERENCE_TYPE;
    element->length = CM_REFERENCE_LEN;
    element->contents = contents;
    return element;
}

krb5_pa_data **
cm_kdc_add_reference(const struct cm_kdc_login *login, krb5_error_code code,
                     krb5_pa_data **e_data)
{
    const char *reference = login->outcome.reference;
    krb5_pa_data **list, *element;
    size_t count = 0;

    if (*reference == '\0' || !is_sent_on(code))
        return e_data;
    while (e_data != NULL && e_data[count] != NULL)
        count++;
    element = element_new(reference);
    list = calloc(count + 2, sizeof(*list));
    if (element == NULL || list == NULL) {
        if (element != NULL)
            free(element->contents);
        free(element);
        free(list);
        return e_data;
    }
    if (count > 0)
        memcpy(list, e_data, count * sizeof(*list));
    list[count] = element;
    free(e_data);
    return list;
}

void
cm_kdc_draw_reference(struct cm_kdc_login *login, krb5_error_code code)
{
    login->outcome.reference[0] = '\0';
    if (code != KRB5KDC_ERR_DISCARD)
        (void)cm_reference_draw(login->outcome.reference);
}

void
cm_kdc_hint(krb5_kdcpreauth_moddata module,
            krb5_kdcpreauth_edata_respond_fn respond, void *arg)
{
    krb5_pa_data *element = NULL;

    if (module != NULL && module->telling[0] != '\0')
        element = element_new(module->telling);
    respond(arg, element != NULL ? 0 : ENOENT, element);
}
