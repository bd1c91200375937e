/*
 * certmap status: how fresh the revocation data is, and what runs out.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "deny.h"
#include "mirror.h"
#include "options.h"
#include "status_command.h"

static const struct option status_options[] = {CM_COMMON_OPTIONS};

static enum cm_exit run_status(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_status = {
    "status",
    "",
    "how fresh the revocation data is, and what runs out",
    "",
    status_options,
    run_status,
    NULL,
};

void
cm_status_report_clear(struct cm_status_report *report)
{
    for (size_t i = 0; i < report->mirror_count; i++)
        cm_refresh_state_clear(&report->mirrors[i].state);
    free(report->mirrors);
    cm_override_clear(&report->override);
    cm_view_clear(&report->view);
    memset(report, 0, sizeof(*report));
}

/* ---- What is in force ---- */

/* Entries that have not expired.  False: the list cannot be read. */
static bool
count_denied(struct cm_store *store, int64_t now, size_t *count,
             struct cm_detail *why)
{
    struct cm_deny_list list = {0};
    enum cm_store_file found;
    uint8_t *text = NULL;
    size_t len;
    bool ok = true;

    *count = 0;
    found = cm_store_read_file(store, "deny", CM_STORE_MAX_DENY_FILE, &text,
                               &len, why);
    if (found == CM_STORE_FILE_READ)
        ok = cm_deny_parse((const char *)text, len, &list, why);
    for (size_t i = 0; ok && i < list.count; i++)
        *count += !list.list[i].expires || list.list[i].until > now ? 1 : 0;
    cm_deny_list_clear(&list);
    free(text);
    return ok && found != CM_STORE_FILE_REFUSED;
}

static bool
look_at_deny_list(struct cm_status_report *report, struct cm_store *store,
                  int64_t now)
{
    struct cm_detail why = {""};

    report->deny_readable = count_denied(store, now, &report->denied, &why);
    return report->deny_readable ||
           cm_view_alarm(&report->view,
                         "the deny list cannot be read, and every login is "
                         "refused: %s",
                         why.text);
}

/* ---- Mirrors ---- */

static int64_t
mirror_time(struct cm_store *store, const char *path, bool *there)
{
    struct cm_detail ignored;
    struct cm_buf name = CM_BUF_INIT;
    uint8_t *data = NULL;
    struct stat st = {0};
    size_t len;

    *there = cm_store_read_file(store, CM_MIRROR_FILE, CM_TRUST_MAX_FILE,
                                &data, &len, &ignored) == CM_STORE_FILE_READ;
    free(data);
    cm_buf_addf(&name, "%s/%s", path, CM_MIRROR_FILE);
    *there = *there && !name.failed && stat(name.data, &st) == 0;
    cm_buf_clear(&name);
    return st.st_mtim.tv_sec;
}

static bool
alarm_mirror(struct cm_status_report *report,
             const struct cm_status_mirror *mirror, int64_t now)
{
    const struct cm_keeper_realm *realm = mirror->realm;
    int64_t max_age = realm->settings.ntauth.max_age;
    int64_t age = now - mirror->written;

    if (!mirror->there)
        return cm_view_alarm(&report->view,
                             "realm %s: there is no NTAuth list in the store, "
                             "so no CA may issue logon certificates%s%s",
                             realm->name,
                             mirror->state.failures > 0 ? ": " : "",
                             mirror->state.error.text);
    if (age > max_age)
        return cm_view_alarm(&report->view,
                             "realm %s: the mirror of the NTAuth list is too "
                             "old, and every login is refused%s%s",
                             realm->name,
                             mirror->state.failures > 0 ? ": " : "",
                             mirror->state.error.text);
    if (mirror->state.failures > 0 &&
        age > max_age - max_age / CM_REFRESH_ALARM_PART)
        return cm_view_alarm(&report->view,
                             "realm %s: the mirror of the NTAuth list gets "
                             "too old soon: %s",
                             realm->name, mirror->state.error.text);
    return true;
}

static bool
add_mirror(struct cm_status_report *report,
           const struct cm_keeper_realm *realm, struct cm_store *store,
           int64_t now)
{
    struct cm_status_mirror *list, *mirror;
    char *label = cm_mirror_label(&realm->settings.directory);
    bool ok;

    list = label == NULL
               ? NULL
               : reallocarray(report->mirrors, report->mirror_count + 1,
                              sizeof(*list));
    if (list == NULL) {
        free(label);
        return false;
    }
    report->mirrors = list;
    mirror = &list[report->mirror_count];
    memset(mirror, 0, sizeof(*mirror));
    mirror->realm = realm;
    mirror->written = mirror_time(store, realm->store, &mirror->there);
    ok =
        cm_refresh_state_read(store, CM_REFRESH_NTAUTH, label, &mirror->state);
    free(label);
    if (!ok)
        return false;
    report->mirror_count++;
    return alarm_mirror(report, mirror, now);
}

/* ---- One store ---- */

static bool
look_at_realms(struct cm_status_report *report, const struct cm_keeper *keeper,
               struct cm_store *store, int64_t now)
{
    bool ok = true;

    for (size_t i = 0; ok && i < keeper->count; i++) {
        const struct cm_keeper_realm *realm = &keeper->realms[i];

        if (!realm->selected || !cm_keeper_uses(realm, report->store))
            continue;
        if (realm->settings.ntauth.from_ldap)
            ok = add_mirror(report, realm, store, now);
        if (ok && realm->snapshot == NULL)
            ok = cm_view_alarm(&report->view, "realm %s: %s", realm->name,
                               realm->why.text);
    }
    return ok;
}

static bool
look_at_world(struct cm_status_report *report, const struct cm_keeper *keeper,
              struct cm_store *store, int64_t now)
{
    struct cm_refresh_world world = {
        .path = report->store, .store = store, .now = now};
    struct cm_refresh_realm *realms;
    struct cm_refresh_map map;
    bool ok;

    if (!cm_keeper_realms(keeper, report->store, &realms, &world.realm_count))
        return false;
    world.realms = realms;
    ok = cm_refresh_map_make(&world, &map);
    if (ok) {
        ok = cm_view_make(&world, &map, &report->view);
        cm_refresh_map_clear(&map);
    }
    free(realms);
    return ok;
}

bool
cm_status_look(struct cm_status_report *report, const struct cm_keeper *keeper,
               int64_t now)
{
    struct cm_store *store = cm_store_new(report->store, true, NULL);
    bool ok = store != NULL;

    if (ok)
        report->state = cm_store_check(store, 0, &report->why);
    if (ok && report->state == CM_OK) {
        ok = look_at_world(report, keeper, store, now) &&
             look_at_deny_list(report, store, now) &&
             look_at_realms(report, keeper, store, now);
        (void)cm_store_override(store, now, &report->override);
    }
    cm_store_free(store);
    return ok;
}

/* ---- The command ---- */

static enum cm_exit
judge(const struct cm_status_report *reports, size_t count)
{
    enum cm_exit code = CM_EXIT_YES;

    for (size_t i = 0; i < count; i++) {
        if (reports[i].state != CM_OK)
            return CM_EXIT_UNAVAILABLE;
        if (reports[i].view.alarm_count > 0)
            code = CM_EXIT_NO;
    }
    return code;
}

static json_t *
reports_json(const struct cm_status_report *reports, size_t count, int64_t now)
{
    json_t *o = json_object(), *stores = json_array(), *alarms = json_array();

    for (size_t i = 0; i < count; i++) {
        const struct cm_text_list *list = &reports[i].view.alarms;

        cm_json_append(&stores, cm_status_json(&reports[i], now));
        for (size_t j = 0; j < list->count; j++)
            cm_json_append(&alarms, cm_json_text(list->items[j]));
    }
    cm_json_set(&o, "stores", stores);
    cm_json_set(&o, "alarms", alarms);
    return o;
}

static bool
print_all(struct cm_options *options, const struct cm_status_report *reports,
          size_t count, int64_t now)
{
    FILE *out = options->tool->out;
    bool ok = true;

    if (options->json)
        return cm_json_print(reports_json(reports, count, now), out);
    for (size_t i = 0; ok && i < count; i++)
        ok = cm_status_print(&reports[i], now, out);
    return ok;
}

static enum cm_exit
show(struct cm_options *options, struct cm_keeper *keeper)
{
    const struct cm_text_list *stores = &keeper->stores;
    int64_t now = cm_options_now(options);
    struct cm_status_report *reports;
    enum cm_exit code = CM_EXIT_UNAVAILABLE;
    bool ok;

    reports = calloc(stores->count > 0 ? stores->count : 1, sizeof(*reports));
    ok = reports != NULL;
    cm_keeper_look(keeper);
    for (size_t i = 0; ok && i < stores->count; i++) {
        reports[i].store = stores->items[i];
        ok = cm_status_look(&reports[i], keeper, now);
    }
    ok = ok && print_all(options, reports, stores->count, now);
    if (!ok)
        cm_tool_error(options->tool, "out of memory");
    else
        code = judge(reports, stores->count);
    if (code != CM_EXIT_UNAVAILABLE && keeper->unsettled)
        code = CM_EXIT_USAGE;
    for (size_t i = 0; reports != NULL && i < stores->count; i++)
        cm_status_report_clear(&reports[i]);
    free(reports);
    return code;
}

static enum cm_exit
run_status(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_options options;
    struct cm_keeper keeper;
    enum cm_exit code;

    cm_options_init(&options, tool, &cm_verb_status, argc, argv);
    switch (cm_options_all(&options)) {
    case CM_NEXT_HELP:
        return CM_EXIT_YES;
    case CM_NEXT_OWN:
    case CM_NEXT_ERROR:
        return CM_EXIT_USAGE;
    case CM_NEXT_END:
        break;
    }
    if (!cm_options_operands(&options, 0))
        return CM_EXIT_USAGE;
    code = cm_keeper_open(&keeper, tool, options.kdc_conf, options.realm);
    if (code == CM_EXIT_YES)
        code = show(&options, &keeper);
    cm_keeper_close(&keeper);
    return code;
}
