#include "realm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lean.h"

enum { MAX_NAME_TEXT = 200 };

struct cm_realms {
    struct cm_log owner; /* where lines go in the end */
    struct cm_log log;   /* what adds our name to them, for us and services */
    struct cm_realm *list[CM_REALMS_MAX]; /* pointers: handed out, they stay */
    size_t count;
    pid_t pid; /* of the process that the services belong to */
    struct cm_clock clock;
    struct cm_fetcher *fetcher; /* its own thread's; NULL until needed */
};

/* The KDC's log does not say which module a line is from. */
static void
name_line(void *context, enum cm_severity severity, const char *text)
{
    const struct cm_realms *realms = context;
    struct cm_buf buf = CM_BUF_INIT;
    char *line;

    if (realms->owner.line == NULL)
        return;
    cm_buf_addf(&buf, "certmap: %s", text);
    line = cm_buf_take(&buf);
    realms->owner.line(realms->owner.context, severity,
                       line != NULL ? line : "certmap: out of memory");
    free(line);
}

struct cm_realms *
cm_realms_new(const struct cm_log *log)
{
    struct cm_realms *realms = calloc(1, sizeof(*realms));

    if (realms == NULL)
        return NULL;
    if (log != NULL)
        realms->owner = *log;
    realms->log.line = name_line;
    realms->log.context = realms;
    realms->pid = getpid();
    realms->clock = cm_system_clock;
    return realms;
}

void
cm_realms_set_clock(struct cm_realms *realms, const struct cm_clock *clock)
{
    realms->clock = *clock;
}

static void
close_services(struct cm_realm *realm)
{
    cm_demand_free(realm->services.demand);
    cm_trust_free(realm->services.trust);
    cm_directory_free(realm->services.directory);
    cm_store_free(realm->services.store);
    cm_lean_release(realm->services.library); /* the issuers used it, too */
    memset(&realm->services, 0, sizeof(realm->services));
    cm_directory_health_free(realm->health);
    realm->health = NULL;
}

static void
realm_free(struct cm_realm *realm)
{
    close_services(realm);
    cm_settings_clear(&realm->settings);
    free(realm->name);
    free(realm);
}

void
cm_realms_free(struct cm_realms *realms)
{
    if (realms == NULL)
        return;
    for (size_t i = 0; i < realms->count; i++)
        realm_free(realms->list[i]);
    cm_fetcher_free(realms->fetcher);
    free(realms);
}

/* Handles only: they open files and connections at their first use. */
static void
open_services(struct cm_realm *realm, const struct cm_log *log)
{
    const struct cm_settings *settings = &realm->settings;
    struct cm_services *services = &realm->services;

    realm->log = log;
    realm->health = cm_directory_health_new(settings->directory.uri_count);
    services->clock = cm_system_clock;
    services->library = cm_lean_hold(CM_LEAN_LOGON);
    services->trust = cm_trust_new(&settings->trust, log);
    services->directory = cm_directory_new(&settings->directory, log);
    services->store =
        cm_store_new(settings->store, settings->store_given, log);
    services->demand =
        cm_demand_new(settings->store, services->store, &settings->http, log);
    if (realm->health != NULL && services->trust != NULL &&
        services->directory != NULL && services->store != NULL &&
        services->demand != NULL) {
        cm_directory_share_health(services->directory, realm->health);
        return;
    }
    close_services(realm);
    realm->state = CM_REALM_BROKEN;
    cm_detail_set(&realm->why, "out of memory");
}

/* Hands over a finished line whole: cm_log_write() would cut it. */
static void
log_line(const struct cm_log *log, enum cm_severity severity, const char *text)
{
    if (text != NULL)
        log->line(log->context, severity, text);
}

static void
log_errors(const struct cm_log *log, const struct cm_config_errors *errors)
{
    for (size_t i = 0; i < errors->list.count; i++)
        log_line(log, CM_LOG_ERROR, errors->list.items[i]);
}

/* Says once what is in force, or that all is refused and why. */
static void
log_state(const struct cm_realm *realm, const struct cm_log *log)
{
    struct cm_buf name = CM_BUF_INIT;
    char *text;

    if (realm->state == CM_REALM_READY || realm->state == CM_REALM_OFF) {
        text = cm_settings_summary(&realm->settings);
        log_line(log, CM_LOG_INFO, text);
        free(text);
        return;
    }
    cm_text_escape(&name, realm->name, strlen(realm->name), MAX_NAME_TEXT);
    text = cm_buf_take(&name);
    cm_log_write(log, CM_LOG_ERROR,
                 "realm=\"%s\": every certificate is refused (config): %s",
                 text != NULL ? text : "", realm->why.text);
    free(text);
}

static enum cm_realm_state
state_of(enum cm_config_result result, const struct cm_settings *settings)
{
    switch (result) {
    case CM_CONFIG_FOUND:
        return settings->mode == CM_MODE_OFF ? CM_REALM_OFF : CM_REALM_READY;
    case CM_CONFIG_ABSENT:
        return CM_REALM_ABSENT;
    case CM_CONFIG_BROKEN:
        return CM_REALM_BROKEN;
    }
    return CM_REALM_BROKEN;
}

/* The first error, or what else is the matter. */
static void
set_why(struct cm_realm *realm, const struct cm_config_errors *errors)
{
    if (realm->state == CM_REALM_ABSENT)
        cm_detail_set(&realm->why,
                      "the realm has no certmap subsection in kdc.conf");
    else if (errors->list.count > 0)
        cm_detail_set(&realm->why, "%s", errors->list.items[0]);
    else if (realm->state == CM_REALM_BROKEN)
        cm_detail_set(&realm->why, "out of memory");
}

/* What was said before is not said again. */
static void
log_reading(const struct cm_realm *realm, const struct cm_detail *before,
            const struct cm_config_errors *errors, const struct cm_log *log)
{
    if (realm->state == CM_REALM_BROKEN &&
        strcmp(realm->why.text, before->text) == 0)
        return;
    log_errors(log, errors);
    log_state(realm, log);
}

static void
load(struct cm_realm *realm, krb5_context context, struct cm_realms *realms)
{
    struct cm_text_list files = {0};
    struct cm_config_errors errors = {{0}};
    enum cm_config_result result = CM_CONFIG_BROKEN;
    struct cm_detail before = realm->why;

    cm_settings_clear(&realm->settings);
    realm->read_ms = realms->clock.monotonic_ms(realms->clock.context);
    if (cm_config_files(&files))
        result = cm_config_load(context, &files, realm->name, &realm->settings,
                                &errors);
    realm->state = state_of(result, &realm->settings);
    set_why(realm, &errors);
    if (realm->state == CM_REALM_READY)
        open_services(realm, &realms->log);
    log_reading(realm, &before, &errors, &realms->log);
    cm_config_errors_clear(&errors);
    cm_text_list_clear(&files);
}

static bool
is_due(const struct cm_realms *realms, const struct cm_realm *realm)
{
    return realm->state == CM_REALM_BROKEN &&
           realms->clock.monotonic_ms(realms->clock.context) -
                   realm->read_ms >=
               CM_REALM_RETRY_MS;
}

/* A forked process leaves its parent's connections alone. */
static void
follow_fork(struct cm_realms *realms)
{
    struct cm_realm *realm;

    if (realms->pid == getpid())
        return;
    for (size_t i = 0; i < realms->count; i++) {
        realm = realms->list[i];
        if (realm->state != CM_REALM_READY)
            continue;
        close_services(realm);
        open_services(realm, &realms->log);
    }
    cm_fetcher_free(realms->fetcher);
    realms->fetcher = NULL;
    realms->pid = getpid();
}

struct cm_services
cm_realms_services(struct cm_realms *realms, const struct cm_realm *realm)
{
    struct cm_services services = realm->services;

    if (realm->settings.certauth_wait != CM_WAIT_ALL)
        return services;
    if (realms->fetcher == NULL)
        realms->fetcher = cm_fetcher_new();
    services.fetcher = realms->fetcher;
    return services;
}

const struct cm_realm *
cm_realms_get(struct cm_realms *realms, krb5_context context, const char *name)
{
    struct cm_realm *realm;

    follow_fork(realms);
    for (size_t i = 0; i < realms->count; i++) {
        realm = realms->list[i];
        if (strcmp(realm->name, name) != 0)
            continue;
        if (is_due(realms, realm))
            load(realm, context, realms);
        return realm;
    }
    if (realms->count == CM_REALMS_MAX)
        return NULL;
    realm = calloc(1, sizeof(*realm));
    if (realm == NULL)
        return NULL;
    realm->state = CM_REALM_BROKEN;
    realm->name = strdup(name);
    if (realm->name == NULL) {
        free(realm);
        return NULL;
    }
    load(realm, context, realms);
    realms->list[realms->count++] = realm;
    return realm;
}
