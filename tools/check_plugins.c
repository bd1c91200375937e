/*
 * [plugins]: is our module loaded, and does nobody else decide?
 */
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char our_name[] = "certmap";

/* One pluggable interface's relations. */
struct interface {
    const char *name; /* "certauth" */
    struct cm_text_list modules;
    struct cm_text_list enable_only;
    struct cm_text_list disable;
};

static void
read_relation(struct cm_check *check, const char *interface,
              const char *relation, struct cm_text_list *out)
{
    const char *names[] = {"plugins", interface, relation, NULL};

    if (!cm_host_values(check->host, CM_HOST_MERGED, names, out))
        check->findings.failed = true;
}

static void
read_interface(struct cm_check *check, const char *name,
               struct interface *interface)
{
    memset(interface, 0, sizeof(*interface));
    interface->name = name;
    read_relation(check, name, "module", &interface->modules);
    read_relation(check, name, "enable_only", &interface->enable_only);
    read_relation(check, name, "disable", &interface->disable);
}

static void
clear_interface(struct interface *interface)
{
    cm_text_list_clear(&interface->modules);
    cm_text_list_clear(&interface->enable_only);
    cm_text_list_clear(&interface->disable);
}

/* "certauth = { module = ... }" on one line is a value, not a subsection:
 * the library reads nothing from it. */
static void
check_one_line(struct cm_check *check, const char *name)
{
    const char *names[] = {"plugins", name, NULL};
    struct cm_text_list values = {0};

    if (!cm_host_values(check->host, CM_HOST_MERGED, names, &values))
        check->findings.failed = true;
    if (values.count > 0)
        cm_findings_add(&check->findings, CM_FINDING_PLUGINS_ONE_LINE, NULL,
                        "[plugins] %s = %s is read as text: no module is "
                        "loaded from it",
                        name, values.items[0]);
    cm_text_list_clear(&values);
}

/* The path of "certmap:PATH" among the modules, or NULL. */
static const char *
our_path(const struct interface *interface)
{
    size_t len = sizeof(our_name) - 1;

    for (size_t i = 0; i < interface->modules.count; i++) {
        const char *value = interface->modules.items[i];

        if (strncmp(value, our_name, len) == 0 && value[len] == ':')
            return value + len + 1;
    }
    return NULL;
}

/* The folder that relative module paths start from; the caller frees it.
 * NULL: no memory. */
static char *
plugin_base(struct cm_check *check)
{
    const char *names[] = {"libdefaults", "plugin_base_dir", NULL};
    struct cm_text_list values = {0};
    char *base;

    if (!cm_host_values(check->host, CM_HOST_MERGED, names, &values))
        check->findings.failed = true;
    base = strdup(values.count > 0 ? values.items[0] : CM_KRB5_PLUGIN_DIR);
    cm_text_list_clear(&values);
    return base;
}

/* What the KDC would load; the caller frees it.  NULL: no memory. */
static char *
full_path(struct cm_check *check, const char *path)
{
    char *base, *full = NULL;

    if (path[0] == '/')
        return strdup(path);
    base = plugin_base(check);
    if (base != NULL && asprintf(&full, "%s/%s", base, path) < 0)
        full = NULL;
    free(base);
    return full;
}

/* Loads the module as the KDC would and looks for its entry point. */
static void
check_loadable(struct cm_check *check, const char *interface, const char *path)
{
    char symbol[64];
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        cm_findings_add(&check->findings, CM_FINDING_MODULE_UNLOADABLE, NULL,
                        "the %s module cannot be loaded: %s", interface,
                        dlerror());
        return;
    }
    snprintf(symbol, sizeof(symbol), "%s_%s_initvt", interface, our_name);
    if (dlsym(handle, symbol) == NULL)
        cm_findings_add(&check->findings, CM_FINDING_MODULE_UNLOADABLE, NULL,
                        "%s has no %s module: %s is not in it", path,
                        interface, symbol);
    dlclose(handle);
}

static void
check_file(struct cm_check *check, const char *interface, const char *path)
{
    char *full = full_path(check, path);

    if (full == NULL)
        check->findings.failed = true;
    else if (strstr(full, "%{") != NULL)
        cm_findings_add(&check->findings, CM_FINDING_MODULE_UNCHECKED, NULL,
                        "the %s module %s has a variable in its path",
                        interface, full);
    else if (access(full, R_OK) != 0)
        cm_findings_add(&check->findings, CM_FINDING_MODULE_MISSING, NULL,
                        "the %s module %s cannot be read: %s", interface, full,
                        strerror(errno));
    else
        check_loadable(check, interface, full);
    free(full);
}

static void
check_certauth_module(struct cm_check *check, const struct interface *certauth)
{
    const char *path = our_path(certauth);

    if (path == NULL)
        cm_findings_add(&check->findings, CM_FINDING_MODULE_NOT_LISTED, NULL,
                        "[plugins] certauth does not list the module "
                        "certmap: it is never asked");
    else
        check_file(check, certauth->name, path);
    if (cm_text_list_has(&certauth->disable, our_name))
        cm_findings_add(&check->findings, CM_FINDING_MODULE_DISABLED, NULL,
                        "[plugins] certauth has disable = certmap: it is "
                        "never asked");
    if (certauth->enable_only.count == 0)
        cm_findings_add(&check->findings, CM_FINDING_ENABLE_ONLY_MISSING, NULL,
                        "[plugins] certauth has no enable_only: if certmap "
                        "cannot be loaded, stock PKINIT accepts alone");
}

/* Only certmap may decide in a realm that enforces. */
static void
check_enforcing(struct cm_check *check, const char *realm,
                const struct cm_text_list *enabled)
{
    bool san = cm_text_list_has(enabled, "pkinit_san");

    if (san)
        cm_findings_add(&check->findings, CM_FINDING_STOCK_SAN_ENABLED, realm,
                        "enable_only lists pkinit_san, and mode is enforce");
    for (size_t i = 0; i < enabled->count; i++) {
        if (strcmp(enabled->items[i], our_name) != 0 &&
            strcmp(enabled->items[i], "pkinit_san") != 0)
            cm_findings_add(&check->findings, CM_FINDING_ENABLE_ONLY_MODE,
                            realm,
                            "enable_only = %s beside certmap, and mode is "
                            "enforce",
                            enabled->items[i]);
    }
    if (!cm_text_list_has(enabled, our_name))
        cm_findings_add(&check->findings, CM_FINDING_ENABLE_ONLY_MODE, realm,
                        "enable_only does not list certmap, and mode is "
                        "enforce");
}

/* Stock PKINIT decides in a realm that does not enforce. */
static void
check_not_enforcing(struct cm_check *check, const char *realm,
                    const struct cm_text_list *enabled, bool observe)
{
    static const char *const needed[] = {"pkinit_san", "pkinit_eku", our_name};
    size_t count = observe ? 3 : 2; /* off does without certmap */

    for (size_t i = 0; i < count; i++) {
        if (!cm_text_list_has(enabled, needed[i]))
            cm_findings_add(&check->findings, CM_FINDING_ENABLE_ONLY_MODE,
                            realm,
                            "enable_only does not list %s, and mode is %s",
                            needed[i], observe ? "observe" : "off");
    }
}

static void
check_modes(struct cm_check *check, const struct cm_check_realms *realms,
            const struct cm_text_list *enabled)
{
    if (enabled->count == 0)
        return; /* that is a finding of its own */
    for (size_t i = 0; i < realms->count; i++) {
        const struct cm_check_realm *realm = &realms->list[i];

        switch (realm->settings.mode) {
        case CM_MODE_ENFORCE:
            check_enforcing(check, realm->name, enabled);
            break;
        case CM_MODE_OBSERVE:
            check_not_enforcing(check, realm->name, enabled, true);
            break;
        case CM_MODE_OFF:
            check_not_enforcing(check, realm->name, enabled, false);
            break;
        }
    }
}

/* The kdcpreauth side: PKINIT itself, stock or wrapped. */
static void
check_kdcpreauth(struct cm_check *check, const struct interface *kdcpreauth)
{
    const char *path = our_path(kdcpreauth);
    const struct cm_text_list *enabled = &kdcpreauth->enable_only;
    bool stock = !cm_text_list_has(&kdcpreauth->disable, "pkinit") &&
                 (enabled->count == 0 || cm_text_list_has(enabled, "pkinit"));

    if (path != NULL)
        check_file(check, kdcpreauth->name, path);
    if (path == NULL && !stock)
        cm_findings_add(&check->findings, CM_FINDING_PKINIT_DISABLED, NULL,
                        "[plugins] kdcpreauth turns pkinit off: no "
                        "certificate logs in");
    if (path != NULL && stock)
        cm_findings_add(&check->findings, CM_FINDING_PKINIT_TWICE, NULL,
                        "[plugins] kdcpreauth lists certmap and leaves stock "
                        "pkinit on beside it");
}

void
cm_check_plugins(struct cm_check *check, const struct cm_check_realms *realms)
{
    struct interface certauth, kdcpreauth;
    bool needed = realms->broken;

    for (size_t i = 0; i < realms->count; i++)
        needed = needed || realms->list[i].settings.mode != CM_MODE_OFF;
    if (!needed)
        return;
    check_one_line(check, "certauth");
    check_one_line(check, "kdcpreauth");
    read_interface(check, "certauth", &certauth);
    read_interface(check, "kdcpreauth", &kdcpreauth);
    check_certauth_module(check, &certauth);
    check_modes(check, realms, &certauth.enable_only);
    check_kdcpreauth(check, &kdcpreauth);
    clear_interface(&kdcpreauth);
    clear_interface(&certauth);
}
