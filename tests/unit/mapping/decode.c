#include "decode.h"

#include <stdlib.h>

#include "derasm.h"

enum cm_reason
decode_x509(const X509 *x509, struct cm_certificate *out,
            struct cm_detail *detail)
{
    enum cm_reason reason;
    size_t len;
    uint8_t *der = tc_der(x509, &len);

    reason = cm_certificate_decode(der, len, out, detail);
    free(der);
    return reason;
}

enum cm_reason
decode_spec(const struct tc_spec *spec, struct cm_certificate *out,
            struct cm_detail *detail)
{
    X509 *x509 = tc_make(spec);
    enum cm_reason reason = decode_x509(x509, out, detail);

    X509_free(x509);
    return reason;
}

enum cm_reason
decode_extension(const char *oid, int critical, const char *content,
                 struct cm_certificate *out, struct cm_detail *detail)
{
    char *hex = da_hex(content);
    const struct tc_spec spec = {
        .subject = "CN=a",
        .raw = {{.oid = oid, .critical = critical, .value_hex = hex}}};
    enum cm_reason reason = decode_spec(&spec, out, detail);

    free(hex);
    return reason;
}
