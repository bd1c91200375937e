#include "place.h"

#include <stdlib.h>
#include <string.h>

#include "config_host.h"

static bool
load(struct cm_options *options, struct cm_host *host, const char *realm,
     struct cm_place *out)
{
    struct cm_text_list errors = {0};
    bool found = false;

    switch (cm_host_settings(host, realm, &out->settings, &errors)) {
    case CM_HOST_FOUND:
        found = true;
        break;
    case CM_HOST_ABSENT:
        cm_tool_error(options->tool,
                      "realm %s has no certmap subsection in kdc.conf: name "
                      "another with -r, or the store with --store",
                      realm);
        break;
    case CM_HOST_BROKEN:
        for (size_t i = 0; i < errors.count; i++)
            cm_tool_error(options->tool, "%s", errors.items[i]);
        cm_tool_error(options->tool,
                      "correct the configuration, or name the store with "
                      "--store");
        break;
    }
    cm_text_list_clear(&errors);
    return found;
}

/* The settings of the realm; false: the error was printed. */
static bool
find_configured(struct cm_options *options, struct cm_place *out)
{
    struct cm_detail detail = {""};
    char *fallback = NULL;
    const char *realm = options->realm;
    struct cm_host *host;

    host = cm_host_open(options->kdc_conf, &detail);
    if (host == NULL) {
        cm_tool_error(options->tool, "%s", detail.text);
        return false;
    }
    if (realm == NULL)
        realm = fallback = cm_host_default_realm(host);
    if (realm == NULL)
        cm_tool_error(options->tool, "there is no default realm: name one "
                                     "with -r, or the store with --store");
    else
        out->configured = load(options, host, realm, out);
    free(fallback);
    cm_host_close(host);
    return out->configured;
}

bool
cm_place_find(struct cm_options *options, const char *given,
              struct cm_place *out)
{
    memset(out, 0, sizeof(*out));
    if (given == NULL && !find_configured(options, out))
        return false;
    out->store = strdup(given != NULL ? given : out->settings.store);
    if (out->store != NULL)
        return true;
    cm_tool_error(options->tool, "out of memory");
    cm_place_clear(out);
    return false;
}

void
cm_place_clear(struct cm_place *place)
{
    free(place->store);
    if (place->configured)
        cm_settings_clear(&place->settings);
    memset(place, 0, sizeof(*place));
}
