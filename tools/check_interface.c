#include "check_interface.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
read_relation(struct cm_check *check, const char *interface,
              const char *relation, struct cm_text_list *out)
{
    const char *names[] = {"plugins", interface, relation, NULL};

    if (!cm_host_values(check->host, CM_HOST_MERGED, names, out))
        check->findings.failed = true;
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

void
cm_check_interface_read(struct cm_check *check, const char *name,
                        struct cm_check_interface *out)
{
    memset(out, 0, sizeof(*out));
    out->name = name;
    check_one_line(check, name);
    read_relation(check, name, "module", &out->modules);
    read_relation(check, name, "enable_only", &out->enable_only);
    read_relation(check, name, "disable", &out->disable);
}

void
cm_check_interface_clear(struct cm_check_interface *interface)
{
    cm_text_list_clear(&interface->modules);
    cm_text_list_clear(&interface->enable_only);
    cm_text_list_clear(&interface->disable);
}

const char *
cm_check_interface_path(const struct cm_check_interface *interface,
                        const char *module)
{
    size_t len = strlen(module);

    for (size_t i = 0; i < interface->modules.count; i++) {
        const char *value = interface->modules.items[i];

        if (strncmp(value, module, len) == 0 && value[len] == ':')
            return value + len + 1;
    }
    return NULL;
}

bool
cm_check_interface_allows(const struct cm_check_interface *interface,
                          const char *module)
{
    return !cm_text_list_has(&interface->disable, module) &&
           (interface->enable_only.count == 0 ||
            cm_text_list_has(&interface->enable_only, module));
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
check_loadable(struct cm_check *check, const char *interface,
               const char *module, const char *path)
{
    char symbol[64];
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        cm_findings_add(&check->findings, CM_FINDING_MODULE_UNLOADABLE, NULL,
                        "the %s module cannot be loaded: %s", interface,
                        dlerror());
        return;
    }
    snprintf(symbol, sizeof(symbol), "%s_%s_initvt", interface, module);
    if (dlsym(handle, symbol) == NULL)
        cm_findings_add(&check->findings, CM_FINDING_MODULE_UNLOADABLE, NULL,
                        "%s has no %s module: %s is not in it", path,
                        interface, symbol);
    dlclose(handle);
}

void
cm_check_interface_file(struct cm_check *check, const char *interface,
                        const char *module, const char *path)
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
        check_loadable(check, interface, module, full);
    free(full);
}

bool
cm_check_interface_differ(struct cm_check *check, const char *path,
                          const char *other)
{
    char *full[2] = {full_path(check, path), full_path(check, other)};
    struct stat file[2];
    bool differ = false;

    if (full[0] == NULL || full[1] == NULL)
        check->findings.failed = true;
    else if (stat(full[0], &file[0]) == 0 && stat(full[1], &file[1]) == 0)
        differ = file[0].st_dev != file[1].st_dev ||
                 file[0].st_ino != file[1].st_ino;
    free(full[0]);
    free(full[1]);
    return differ;
}
