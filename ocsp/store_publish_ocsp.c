/*
 * Publishing OCSP responses: one for each certificate, never an older one.
 */
#include "store_parts.h"

#include <stdlib.h>
#include <string.h>

/* Does the response that is there say something newer? */
static bool
is_newer_there(struct cm_store_writer *writer, const char *name,
               const struct cm_ocsp_question *question,
               const struct cm_status *fresh)
{
    struct cm_status there;
    struct cm_detail ignored;
    uint8_t *data;
    size_t len;

    if (cm_store_slurp(writer->root, name, CM_OCSP_MAX_RESPONSE, &data, &len,
                       &ignored) != CM_STORE_FILE_READ)
        return false;
    cm_ocsp_check(question, data, len, &there);
    free(data);
    if (there.state == CM_STATUS_UNKNOWN)
        return false;
    /* Of equal times the worst counts. */
    return there.this_update > fresh->this_update ||
           (there.this_update == fresh->this_update &&
            there.state == CM_STATUS_REVOKED &&
            fresh->state != CM_STATUS_REVOKED);
}

static bool
is_same_there(struct cm_store_writer *writer, const char *name,
              const uint8_t *response, size_t len)
{
    struct cm_detail ignored;
    uint8_t *data;
    size_t there;
    bool same;

    if (cm_store_slurp(writer->root, name, CM_OCSP_MAX_RESPONSE, &data, &there,
                       &ignored) != CM_STORE_FILE_READ)
        return false;
    same = there == len && memcmp(data, response, len) == 0;
    free(data);
    return same;
}

enum cm_publish
cm_store_publish_ocsp(struct cm_store_writer *writer,
                      const struct cm_ocsp_question *question,
                      const uint8_t *response, size_t len,
                      struct cm_detail *detail)
{
    char name[CM_STORE_MAX_PATH];
    struct cm_status status;

    if (len > CM_OCSP_MAX_RESPONSE) {
        cm_detail_set(detail, "longer than %d bytes", CM_OCSP_MAX_RESPONSE);
        return CM_PUBLISH_REFUSED;
    }
    cm_ocsp_check(question, response, len, &status);
    if (status.state != CM_STATUS_GOOD && status.state != CM_STATUS_REVOKED) {
        *detail = status.detail;
        return CM_PUBLISH_REFUSED;
    }
    if (!cm_store_ocsp_name(question->cert, question->issuer, name)) {
        cm_detail_set(detail, "out of memory");
        return CM_PUBLISH_FAILED;
    }
    if (is_same_there(writer, name, response, len))
        return CM_UNCHANGED;
    if (is_newer_there(writer, name, question, &status)) {
        cm_detail_set(detail, "the store has a newer answer");
        return CM_PUBLISH_OLDER;
    }
    return cm_store_write_file(writer, name, response, len, detail)
               ? CM_PUBLISHED
               : CM_PUBLISH_FAILED;
}
