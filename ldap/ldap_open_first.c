#include "ldap_connection.h"

#include "backend.h"

bool
cm_ldap_open_first(struct cm_ldap_connection *connection,
                   const struct cm_directory_config *config, int timeout_ms,
                   struct cm_detail *detail)
{
    struct cm_detail why = {"no server is configured"};
    int64_t now, deadline = cm_backend_now_ms() + timeout_ms;
    struct cm_resolve *pending;
    bool open = false;

    for (size_t i = 0; i < config->uri_count && !open; i++) {
        now = cm_backend_now_ms();
        pending = NULL;
        open = cm_ldap_open(
            connection, config, config->uris[i], &pending,
            now + (deadline - now) / (int64_t)(config->uri_count - i), &why);
        cm_resolve_forget(pending);
        if (!open)
            cm_detail_set(detail, "%s: %s", config->uris[i], why.text);
    }
    if (config->uri_count == 0)
        cm_detail_set(detail, "%s", why.text);
    return open;
}
