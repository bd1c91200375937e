#include "who.h"

#include <stdlib.h>
#include <string.h>

#include "who_parts.h"

void
cm_who_clear(struct cm_who *who)
{
    free(who->ids[0]);
    free(who->ids[1]);
    cm_principal_clear(&who->principal);
    memset(who, 0, sizeof(*who));
}

/* What the whole answer means. */
static enum cm_reason
judge(const struct cm_who *who, struct cm_detail *detail)
{
    if (who->count > 1) {
        cm_detail_set(detail, "two accounts are meant: %s and %s", who->ids[0],
                      who->ids[1]);
        return CM_ACCOUNT_AMBIGUOUS;
    }
    if (who->count == 1 && who->principal.text != NULL)
        return CM_OK;
    if (who->count == 1)
        cm_detail_set(detail, "%s: it has no single principal of the realm",
                      who->ids[0]);
    else if (detail->text[0] == '\0')
        cm_detail_set(detail, "no account is meant");
    return CM_ACCOUNT_NOT_FOUND;
}

enum cm_reason
cm_directory_who(struct cm_directory *directory,
                 const struct cm_who_question *question,
                 struct cm_principal *out, struct cm_detail *detail)
{
    struct cm_who who = {.question = question};
    enum cm_reason reason = CM_INTERNAL;

    memset(out, 0, sizeof(*out));
    memset(detail, 0, sizeof(*detail));
    if (question->mapping_count <= CM_WHO_MAX_MAPPINGS)
        reason = cm_directory_ask_who(directory, &who, detail);
    if (reason == CM_OK)
        reason = judge(&who, detail);
    if (reason == CM_OK) {
        *out = who.principal;
        memset(&who.principal, 0, sizeof(who.principal));
    }
    cm_who_clear(&who);
    return reason;
}
