#include "cms_certificates.h"

#include <string.h>

#include "der.h"

/* id-signedData, RFC 5652 section 5.1. */
static const uint8_t signed_data[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                      0x0d, 0x01, 0x07, 0x02};

/* The element must be all there is. */
static bool
only(struct cm_der outer, uint8_t tag, struct cm_der *value)
{
    return cm_der_read_tag(&outer, tag, value) && outer.len == 0;
}

/* PA-PK-AS-REQ: its first field, [0] IMPLICIT OCTET STRING. */
static bool
open_request(struct cm_blob request, struct cm_der *content_info)
{
    struct cm_der whole = {request.data, request.len}, fields;

    return only(whole, CM_DER_SEQUENCE, &fields) &&
           cm_der_read_tag(&fields, CM_DER_CONTEXT, content_info);
}

/* ContentInfo: contentType, content [0] EXPLICIT. */
static bool
open_content(struct cm_der content_info, struct cm_der *signed_fields)
{
    struct cm_der fields, type, content;

    return only(content_info, CM_DER_SEQUENCE, &fields) &&
           cm_der_read_tag(&fields, CM_DER_OID, &type) &&
           cm_der_equals(&type, signed_data, sizeof(signed_data)) &&
           only(fields, CM_DER_CONTEXT_CONSTRUCTED, &content) &&
           only(content, CM_DER_SEQUENCE, signed_fields);
}

/* SignedData: version, digestAlgorithms, encapContentInfo, certificates. */
static bool
find_certificates(struct cm_der fields, struct cm_der *certificates)
{
    struct cm_der skipped;

    return cm_der_read_tag(&fields, CM_DER_INTEGER, &skipped) &&
           cm_der_read_tag(&fields, CM_DER_SET, &skipped) &&
           cm_der_read_tag(&fields, CM_DER_SEQUENCE, &skipped) &&
           cm_der_read_tag(&fields, CM_DER_CONTEXT_CONSTRUCTED, certificates);
}

static bool
same(struct cm_blob a, struct cm_blob b)
{
    return a.len == b.len && a.len > 0 && memcmp(a.data, b.data, a.len) == 0;
}

size_t
cm_cms_certificates(struct cm_blob pa_pk_as_req, struct cm_blob leaf,
                    struct cm_blob out[CM_PATH_MAX_EXTRA])
{
    struct cm_der content_info, fields, list, skipped;
    struct cm_blob found;
    size_t count = 0;

    if (pa_pk_as_req.data == NULL ||
        !open_request(pa_pk_as_req, &content_info) ||
        !open_content(content_info, &fields) ||
        !find_certificates(fields, &list))
        return 0;
    while (list.len > 0) {
        found.data = list.bytes;
        if (!cm_der_read_tag(&list, CM_DER_SEQUENCE, &skipped))
            return 0;
        found.len = (size_t)(list.bytes - found.data);
        if (same(found, leaf))
            continue;
        if (count == CM_PATH_MAX_EXTRA)
            return 0;
        out[count++] = found;
    }
    return count;
}
