#include "kdcpreauth_staple.h"

struct cm_blob
cm_staple_find(const krb5_kdc_req *request, const char **trouble)
{
    struct cm_blob response = {NULL, 0};
    const krb5_pa_data *found = NULL;

    *trouble = NULL;
    for (krb5_pa_data **pa = request->padata; pa != NULL && *pa != NULL;
         pa++) {
        if ((*pa)->pa_type != CM_PA_PK_OCSP_RESPONSE)
            continue;
        if (found != NULL) {
            *trouble = "sent more than once";
            return response;
        }
        found = *pa;
    }
    if (found != NULL &&
        cm_staple_read((struct cm_blob){found->contents, found->length},
                       &response) == CM_STAPLE_REFUSED)
        *trouble = "not a PKOcspData, or too large";
    return response;
}

void
cm_staple_note(const char *trouble, struct cm_detail *detail)
{
    struct cm_detail known = *detail;

    if (trouble == NULL)
        return;
    cm_detail_set(detail, "stapled response ignored (%s)%s%s", trouble,
                  known.text[0] != '\0' ? "; " : "", known.text);
}
