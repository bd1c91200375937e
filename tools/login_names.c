#include "login_names.h"

#include <stdlib.h>
#include <string.h>

#include "altsecid.h"
#include "kdb_names.h"

static bool
add(struct cm_login_names *names, enum cm_login_name_kind kind,
    const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return false;
    names->texts[names->count] = copy;
    names->list[names->count++] = (struct cm_login_name){kind, copy};
    return true;
}

static bool
add_upn(struct cm_login_names *names, const struct cm_certificate *cert)
{
    struct cm_client_name name;
    bool sound = cert->upn_state == CM_PRESENT &&
                 cm_client_name_upn(cert->upn, strlen(cert->upn), &name);

    if (!sound)
        return true;
    cm_client_name_clear(&name);
    return add(names, CM_LOGIN_ENTERPRISE, cert->upn);
}

/* The first value of a form, if it can be a name. */
static bool
add_mapping(struct cm_login_names *names,
            const struct cm_candidates *candidates, enum cm_form form)
{
    const struct cm_candidate *candidate = NULL;
    struct cm_client_name name;

    for (size_t i = 0; candidate == NULL && i < candidates->count; i++) {
        if (candidates->list[i].form == form)
            candidate = &candidates->list[i];
    }
    if (candidate == NULL ||
        !cm_client_name_mapping(candidate->value, candidate->len, &name))
        return true;
    cm_client_name_clear(&name);
    return add(names, CM_LOGIN_X500, candidate->value);
}

static bool
add_derived(struct cm_login_names *names, const struct cm_certificate *cert)
{
    struct cm_candidates candidates = {NULL, 0};
    bool ok = cm_candidates_build(cert, false, &candidates) &&
              add_upn(names, cert) &&
              add_mapping(names, &candidates, CM_FORM_ISSUER_SERIAL) &&
              add_mapping(names, &candidates, CM_FORM_SKI);

    cm_candidates_clear(&candidates);
    return ok;
}

bool
cm_login_names_build(const struct cm_certificate *cert, const char *typed,
                     struct cm_login_names *out)
{
    struct cm_login_names names = {.count = 0};
    bool ok = typed != NULL ? add(&names, CM_LOGIN_PRINCIPAL, typed)
                            : add_derived(&names, cert);

    if (!ok)
        cm_login_names_clear(&names);
    *out = names;
    return ok;
}

void
cm_login_names_clear(struct cm_login_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->texts[i]);
    memset(names, 0, sizeof(*names));
}
