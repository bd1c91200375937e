#include "ocspfile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "certificates.h"
#include "filelist.h"

bool
cm_ocspfile_is_response(const uint8_t *bytes, size_t len)
{
    const uint8_t *end = bytes;
    OCSP_RESPONSE *response = NULL;
    bool is;

    if (len <= CM_OCSP_MAX_RESPONSE)
        response = d2i_OCSP_RESPONSE(NULL, &end, (long)len);
    is = response != NULL && end == bytes + len;
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return is;
}

/* Takes over bytes. */
static bool
add(struct cm_ocsp_files *into, uint8_t *bytes, size_t len,
    struct cm_detail *detail)
{
    struct cm_ocsp_file *list;

    list = reallocarray(into->list, into->count + 1, sizeof(*list));
    if (list == NULL) {
        free(bytes);
        cm_detail_set(detail, "out of memory");
        return false;
    }
    into->list = list;
    list[into->count++] = (struct cm_ocsp_file){bytes, len};
    return true;
}

static bool
add_file(void *context, const char *path, struct cm_detail *detail)
{
    struct cm_file_stamp stamp;
    uint8_t *bytes = NULL;
    size_t len;

    switch (cm_file_read(AT_FDCWD, path, &stamp, &bytes, &len, detail)) {
    case CM_READ_OK:
        break;
    case CM_READ_NO_MEMORY:
        cm_detail_set(detail, "out of memory");
        return false;
    case CM_READ_NONE:
    case CM_READ_BROKEN:
        return false;
    }
    if (!cm_ocspfile_is_response(bytes, len)) {
        free(bytes);
        cm_detail_set(detail, "%s holds no OCSP response in DER", path);
        return false;
    }
    return add(context, bytes, len, detail);
}

bool
cm_ocspfile_collect(const char *path, struct cm_ocsp_files *into,
                    struct cm_detail *detail)
{
    size_t before = into->count;

    if (!cm_filelist_each(path, add_file, into, detail))
        return false;
    if (into->count > before)
        return true;
    cm_detail_set(detail, "%s holds no OCSP response", path);
    return false;
}

void
cm_ocsp_files_clear(struct cm_ocsp_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->list[i].bytes);
    free(files->list);
    memset(files, 0, sizeof(*files));
}

static bool
visit_each(void *context, X509 *cert, X509 *issuer,
           bool (*visit)(void *visit_context, const uint8_t *response,
                         size_t len),
           void *visit_context)
{
    const struct cm_ocsp_files *files = context;

    (void)cert;
    (void)issuer;
    for (size_t i = 0; i < files->count; i++) {
        if (!visit(visit_context, files->list[i].bytes, files->list[i].len))
            break;
    }
    return true;
}

struct cm_response_provider
cm_ocsp_files_provider(struct cm_ocsp_files *files)
{
    return (struct cm_response_provider){visit_each, files};
}
