/*
 * One cycle of `certmap refresh`: every store of the selected realms.
 */
#include "refresh_command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { MILLI = 1000 };

/* ---- The network child ---- */

static struct cm_fetch_child *
give_child(void *context, size_t number, struct cm_detail *detail)
{
    struct cm_refresh_command *command = context;
    const struct cm_fetch_child_options options = {.user = command->user,
                                                   .folder = command->store,
                                                   .log = command->keeper.log};

    if (command->children[number] == NULL)
        command->children[number] = cm_fetch_child_start(&options, detail);
    return command->children[number];
}

static void
end_children(struct cm_refresh_command *command)
{
    for (size_t i = 0; i < CM_REFRESH_CHILDREN; i++) {
        cm_fetch_child_free(command->children[i]);
        command->children[i] = NULL;
    }
}

/* ---- What a run tells ---- */

static void
hear_event(void *context, const struct cm_refresh_event *event)
{
    struct cm_refresh_command *command = context;

    command->bytes += event->bytes;
    command->arrived++;
    cm_refresh_report_event(command->report, event);
    cm_refresh_progress_show(command);
}

static void
hear_tick(void *context)
{
    struct cm_refresh_command *command = context;

    if (command->asked_to_stop != NULL && command->asked_to_stop(command))
        command->stop = 1;
    cm_refresh_progress_show(command);
}

static uint32_t
roll(void *context)
{
    uint32_t number = 0;

    (void)context;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        number = 0; /* only spreads hosts over time */
    return number;
}

/* ---- One store ---- */

bool
cm_refresh_prepare_store(struct cm_refresh_command *command,
                         struct cm_refresh_report *report)
{
    struct cm_detail why = {""};
    struct cm_store_writer *writer =
        cm_store_writer_open(report->store, CM_REFRESH_STORE_WAIT_MS, &why);

    if (writer == NULL) {
        cm_tool_error(command->tool, "%s", why.text);
        report->unavailable = true;
    }
    cm_store_writer_free(writer);
    return writer != NULL;
}

static void
report_mirror(struct cm_refresh_command *command,
              struct cm_refresh_report *report,
              const struct cm_keeper_realm *realm,
              enum cm_mirror_outcome outcome,
              const struct cm_mirror_result *result,
              const struct cm_detail *detail)
{
    char *label = cm_mirror_label(&realm->settings.directory);

    cm_refresh_report_line(
        report, CM_REFRESH_NTAUTH, label, cm_mirror_outcome_token(outcome),
        outcome == CM_MIRROR_DONE ? CM_TONE_GOOD : CM_TONE_BAD, detail->text,
        0);
    free(label);
    command->arrived++;
    if (outcome == CM_MIRROR_NO_STORE)
        report->unavailable = true;
    if (outcome != CM_MIRROR_DONE)
        report->failed = true;
    else if (result->certificates == 0)
        cm_refresh_report_alarm(report,
                                "the NTAuth list of %s is empty in the "
                                "directory: no CA may issue logon "
                                "certificates",
                                realm->name);
    if (result->undecodable > 0)
        cm_refresh_report_alarm(report,
                                "the NTAuth list of %s has values that are no "
                                "certificate: %zu",
                                realm->name, result->undecodable);
}

static void
mirror_realm(struct cm_refresh_command *command,
             struct cm_refresh_report *report,
             const struct cm_keeper_realm *realm, struct cm_store *store)
{
    struct cm_mirror_order order = {.keeper = &command->keeper,
                                    .realm = realm,
                                    .store = store,
                                    .due_only = command->due,
                                    .now_ms = cm_refresh_now_ms(NULL)};
    struct cm_mirror_result result = {0};
    struct cm_detail why = {""};
    enum cm_mirror_outcome outcome = CM_MIRROR_FAILED;
    int64_t next_due;

    if (!cm_mirror_is_due(&order, &next_due))
        return;
    order.child = give_child(command, 0, &why);
    if (order.child != NULL)
        outcome = cm_mirror_run(&order, &result, &why);
    if (outcome == CM_MIRROR_DONE)
        why.text[0] = '\0';
    report_mirror(command, report, realm, outcome, &result, &why);
}

/* Realms of the store whose list comes from a directory. */
static void
mirror(struct cm_refresh_command *command, struct cm_refresh_report *report)
{
    struct cm_store *store = cm_store_new(report->store, true, NULL);

    for (size_t i = 0; i < command->keeper.count && store != NULL; i++) {
        const struct cm_keeper_realm *realm = &command->keeper.realms[i];

        if (realm->selected && realm->settings.ntauth.from_ldap &&
            cm_keeper_uses(realm, report->store))
            mirror_realm(command, report, realm, store);
    }
    if (store == NULL)
        report->no_memory = true;
    cm_store_free(store);
}

/* When the next mirror is due: realms' lists have a pace of their own. */
static int64_t
next_mirror(const struct cm_refresh_command *command, const char *path)
{
    struct cm_store *store = cm_store_new(path, true, NULL);
    int64_t next = 0, own;

    for (size_t i = 0; i < command->keeper.count && store != NULL; i++) {
        const struct cm_keeper_realm *realm = &command->keeper.realms[i];
        struct cm_mirror_order order = {.realm = realm, .store = store};

        if (!realm->selected || !realm->settings.ntauth.from_ldap ||
            !cm_keeper_uses(realm, path))
            continue;
        (void)cm_mirror_is_due(&order, &own);
        if (own != 0 && (next == 0 || own < next))
            next = own;
    }
    cm_store_free(store);
    return next;
}

static bool
repair(struct cm_refresh_command *command, struct cm_refresh_report *report,
       const struct cm_snapshot *trusted, bool whole)
{
    struct cm_detail why = {""};
    struct cm_store_writer *writer =
        cm_store_writer_open(report->store, CM_REFRESH_STORE_WAIT_MS, &why);
    bool ok;

    ok = writer != NULL && cm_store_repair(writer, trusted, whole,
                                           cm_refresh_now_ms(NULL) / MILLI,
                                           command->keeper.log, &why);
    if (ok)
        cm_refresh_state_forget(writer, report->store,
                                cm_refresh_now_ms(NULL) / MILLI);
    cm_store_writer_free(writer);
    if (!ok) {
        cm_tool_error(command->tool, "store %s: %s", report->store, why.text);
        report->unavailable = true;
    }
    return ok;
}

static void
note_result(struct cm_refresh_command *command,
            struct cm_refresh_report *report)
{
    const struct cm_refresh_result *result = &report->result;

    if (result->store_failed || result->no_child || result->no_memory) {
        cm_tool_error(command->tool, "%s", result->trouble.text);
        report->unavailable = true;
    }
    report->failed = report->failed || result->failed > 0;
    /* Nobody at all has answered. */
    if (result->failed > 0 && result->failed == result->tried &&
        result->published + result->unchanged + result->refused == 0)
        report->unavailable = true;
}

static void
ask_sources(struct cm_refresh_command *command,
            struct cm_refresh_report *report,
            const struct cm_refresh_world *world,
            const struct cm_refresh_map *map,
            const struct cm_snapshot *trusted)
{
    const struct cm_refresh_options options = {
        .world = world,
        .map = map,
        .trusted = trusted,
        .child = give_child,
        .due_only = command->due,
        .poll = command->poll,
        .rollback = (const uint8_t(*)[32])command->rollback,
        .rollback_count = command->rollback_count,
        .now_ms = cm_refresh_now_ms,
        .dice = roll,
        .host = command->host,
        .event = hear_event,
        .tick = hear_tick,
        .context = command,
        .stop = &command->stop};

    (void)cm_refresh_run(&options, &report->result);
    note_result(command, report);
}

/* What is in the store now, and what is about to run out. */
static void
look_at_store(struct cm_refresh_report *report,
              const struct cm_refresh_world *world,
              const struct cm_refresh_map *map)
{
    struct cm_refresh_world now = *world;
    struct cm_view view;

    now.store = cm_store_new(world->path, true, NULL);
    now.now = cm_refresh_now_ms(NULL) / MILLI;
    if (now.store == NULL || !cm_view_make(&now, map, &view)) {
        report->no_memory = true;
    } else {
        cm_refresh_report_view(report, &view);
        cm_view_clear(&view);
    }
    cm_store_free(now.store);
}

static void
alarm_realms(struct cm_refresh_command *command,
             struct cm_refresh_report *report)
{
    for (size_t i = 0; i < command->keeper.count; i++) {
        const struct cm_keeper_realm *realm = &command->keeper.realms[i];

        if (realm->selected && cm_keeper_uses(realm, report->store) &&
            realm->snapshot == NULL)
            cm_refresh_report_alarm(report, "realm %s: %s", realm->name,
                                    realm->why.text);
    }
}

static void
refresh_world(struct cm_refresh_command *command,
              struct cm_refresh_report *report,
              const struct cm_snapshot *trusted)
{
    struct cm_refresh_world world = {.path = report->store,
                                     .now = cm_refresh_now_ms(NULL) / MILLI};
    struct cm_refresh_realm *realms = NULL;
    struct cm_refresh_map map = {0};

    world.store = cm_store_new(report->store, true, command->keeper.log);
    if (world.store == NULL ||
        !cm_keeper_realms(&command->keeper, report->store, &realms,
                          &world.realm_count)) {
        report->no_memory = true;
    } else {
        world.realms = realms;
        if (!cm_refresh_map_make(&world, &map)) {
            report->no_memory = true;
        } else {
            ask_sources(command, report, &world, &map, trusted);
            look_at_store(report, &world, &map);
        }
    }
    cm_refresh_map_clear(&map);
    free(realms);
    cm_store_free(world.store);
}

static void
mirror_store(struct cm_refresh_command *command,
             struct cm_refresh_report *report)
{
    command->store = report->store;
    if (cm_refresh_prepare_store(command, report))
        mirror(command, report);
    end_children(command);
}

static void
refresh_store(struct cm_refresh_command *command,
              struct cm_refresh_report *report)
{
    struct cm_snapshot *trusted;
    bool whole;

    command->store = report->store;
    command->report = report;
    if (report->unavailable)
        return;
    alarm_realms(command, report);
    trusted = cm_keeper_trusted(&command->keeper, report->store, &whole);
    if (trusted == NULL)
        report->no_memory = true;
    else if (repair(command, report, trusted, whole))
        refresh_world(command, report, trusted);
    cm_snapshot_release(trusted);
    end_children(command);
}

/* ---- All stores ---- */

static json_t *
reports_json(const struct cm_refresh_report *reports, size_t count)
{
    json_t *o = json_object(), *stores = json_array(), *alarms = json_array();

    for (size_t i = 0; i < count; i++) {
        cm_json_append(&stores, cm_refresh_report_json(&reports[i]));
        for (size_t j = 0; j < reports[i].alarms.count; j++)
            cm_json_append(&alarms, cm_json_text(reports[i].alarms.items[j]));
    }
    cm_json_set(&o, "stores", stores);
    cm_json_set(&o, "alarms", alarms);
    return o;
}

static bool
print_reports(struct cm_refresh_command *command,
              const struct cm_refresh_report *reports, size_t count)
{
    FILE *out = command->tool->out;
    bool ok = true;

    if (command->options.json)
        return cm_json_print(reports_json(reports, count), out);
    for (size_t i = 0; ok && i < count; i++)
        ok = cm_refresh_report_print(&reports[i], out);
    return ok;
}

enum cm_exit
cm_refresh_finish(struct cm_refresh_command *command,
                  struct cm_refresh_report *reports, size_t count)
{
    enum cm_exit code = CM_EXIT_YES;
    bool matters = !command->watch, no_memory = false;

    for (size_t i = 0; i < count; i++) {
        matters = matters || cm_refresh_report_matters(&reports[i]);
        no_memory = no_memory || reports[i].no_memory;
        if (reports[i].unavailable)
            code = CM_EXIT_UNAVAILABLE;
        else if (code == CM_EXIT_YES &&
                 (reports[i].failed || reports[i].alarm_count > 0))
            code = CM_EXIT_NO;
    }
    if (command->keeper.unsettled && code != CM_EXIT_UNAVAILABLE)
        code = CM_EXIT_USAGE;
    if (no_memory || (matters && !print_reports(command, reports, count))) {
        cm_tool_error(command->tool, "out of memory");
        code = CM_EXIT_UNAVAILABLE;
    }
    (void)fflush(command->tool->out);
    for (size_t i = 0; i < count; i++)
        cm_refresh_report_clear(&reports[i]);
    free(reports);
    return code;
}

static void
earliest(int64_t *next_due, int64_t when)
{
    if (when != 0 && (*next_due == 0 || when < *next_due))
        *next_due = when;
}

enum cm_exit
cm_refresh_cycle(struct cm_refresh_command *command, int64_t *next_due)
{
    const struct cm_text_list *stores = &command->keeper.stores;
    struct cm_refresh_report *reports;

    *next_due = 0;
    reports = calloc(stores->count > 0 ? stores->count : 1, sizeof(*reports));
    if (reports == NULL)
        return cm_tool_no_memory(command->tool);
    cm_refresh_progress_start(command);
    for (size_t i = 0; i < stores->count; i++) {
        reports[i].store = stores->items[i];
        mirror_store(command, &reports[i]);
    }
    cm_keeper_look(&command->keeper);
    for (size_t i = 0; i < stores->count && command->stop == 0; i++) {
        refresh_store(command, &reports[i]);
        earliest(next_due, reports[i].result.next_due);
        earliest(next_due, next_mirror(command, stores->items[i]));
    }
    cm_refresh_progress_end(command);
    return cm_refresh_finish(command, reports, stores->count);
}
