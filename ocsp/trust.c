#include "trust.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "buf.h"
#include "name.h"
#include "source.h"
#include "text.h"
#include "trusted.h"

enum { SOURCE_ANCHORS, SOURCE_INTERMEDIATES, SOURCE_NTAUTH, SOURCE_COUNT };

struct cm_trust {
    pthread_mutex_t lock; /* over everything below */
    const struct cm_trust_config *config;
    const struct cm_log *log;
    struct cm_source sources[SOURCE_COUNT];
    bool looked;
    int64_t looked_at;           /* ms */
    struct cm_snapshot *current; /* NULL: none was made yet */
    unsigned long generation;
};

bool
cm_location_parse(const char *text, struct cm_location *out,
                  struct cm_detail *detail)
{
    struct cm_location location = {CM_LOCATION_NONE, NULL};
    const char *path = NULL;

    if (strncmp(text, "FILE:", 5) == 0) {
        location.kind = CM_LOCATION_FILE;
        path = text + 5;
    } else if (strncmp(text, "DIR:", 4) == 0) {
        location.kind = CM_LOCATION_DIR;
        path = text + 4;
    }
    if (path == NULL || path[0] != '/') {
        cm_detail_set(
            detail, "\"%s\" is not FILE: or DIR: and an absolute path", text);
        return false;
    }
    location.path = strdup(path);
    if (location.path == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    *out = location;
    return true;
}

void
cm_location_clear(struct cm_location *location)
{
    free(location->path);
    memset(location, 0, sizeof(*location));
}

void
cm_trust_config_clear(struct cm_trust_config *config)
{
    cm_location_clear(&config->anchors);
    cm_location_clear(&config->intermediates);
    cm_location_clear(&config->ntauth);
    memset(config, 0, sizeof(*config));
}

static void
init_source(struct cm_trust *trust, size_t index, const char *label,
            const struct cm_location *location)
{
    struct cm_source *source = &trust->sources[index];

    source->label = label;
    source->location = location;
    source->log = trust->log;
    source->may_be_empty = index == SOURCE_INTERMEDIATES;
    source->state = CM_SOURCE_REFUSED;
}

struct cm_trust *
cm_trust_new(const struct cm_trust_config *config, const struct cm_log *log)
{
    struct cm_trust *trust = calloc(1, sizeof(*trust));

    if (trust == NULL)
        return NULL;
    if (pthread_mutex_init(&trust->lock, NULL) != 0) {
        free(trust);
        return NULL;
    }
    trust->config = config;
    trust->log = log;
    init_source(trust, SOURCE_ANCHORS, "anchors", &config->anchors);
    init_source(trust, SOURCE_INTERMEDIATES, "intermediates",
                &config->intermediates);
    init_source(trust, SOURCE_NTAUTH, "ntauth", &config->ntauth);
    return trust;
}

void
cm_trust_free(struct cm_trust *trust)
{
    if (trust == NULL)
        return;
    cm_snapshot_release(trust->current);
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        cm_source_clear(&trust->sources[i]);
    pthread_mutex_destroy(&trust->lock);
    free(trust);
}

/* With anchors = ntauth, that list has no files of its own. */
static bool
is_unused(const struct cm_trust *trust, size_t index)
{
    return index == SOURCE_ANCHORS && trust->config->anchors_are_ntauth;
}

static void
describe_fault(const struct cm_source *source, struct cm_detail *detail)
{
    const char *path = source->location->path;

    cm_detail_set(detail, "%s%s%.256s: %s", source->label,
                  path != NULL ? " " : "", path != NULL ? path : "",
                  source->fault.text);
}

/* Asks every list, so that each one's trouble is logged; the first fault is
 * the answer. */
static enum cm_reason
ask_sources(struct cm_trust *trust, int64_t now_ms, bool look,
            struct cm_detail *detail)
{
    enum cm_reason reason = CM_OK, answer;
    struct cm_source *source;

    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        source = &trust->sources[i];
        if (is_unused(trust, i))
            continue;
        answer = look ? cm_source_look(source, now_ms)
                      : cm_source_verdict(source, now_ms);
        if (reason == CM_OK && answer == CM_CONFIG)
            describe_fault(source, detail);
        if (reason == CM_OK || answer == CM_NO_MEMORY)
            reason = answer;
    }
    return reason;
}

/* One line about a certificate that came or went. */
static void
log_certificate(const struct cm_trust *trust, const char *label,
                const char *event, enum cm_severity severity,
                const struct cm_trusted *trusted)
{
    char *subject = cm_name_rfc4514(X509_get_subject_name(trusted->x509));
    char *escaped = subject != NULL ? cm_source_escape(subject) : NULL;
    struct cm_buf buf = CM_BUF_INIT;
    char *fingerprint;

    cm_buf_add_hex(&buf, trusted->sha256, sizeof(trusted->sha256));
    fingerprint = cm_buf_take(&buf);
    cm_log_write(trust->log, severity, "%s: %s: sha256=%s subject=\"%s\"",
                 label, event, fingerprint != NULL ? fingerprint : "?",
                 escaped != NULL ? escaped : "?");
    free(fingerprint);
    free(escaped);
    free(subject);
}

static void
log_added(const struct cm_trust *trust, const char *label,
          const struct cm_trusted *trusted)
{
    log_certificate(trust, label, "certificate added", CM_LOG_INFO, trusted);
    if (X509_check_ca(trusted->x509) == 0)
        log_certificate(trust, label,
                        "not a CA certificate, it can issue nothing",
                        CM_LOG_WARNING, trusted);
}

/* Both lists are sorted alike: walk them side by side. */
static void
log_changes(const struct cm_trust *trust, const char *label,
            const struct cm_trusted_list *before,
            const struct cm_trusted_list *after)
{
    size_t i = 0, j = 0;
    int order;

    while (i < before->count || j < after->count) {
        if (i == before->count)
            order = 1;
        else if (j == after->count)
            order = -1;
        else
            order = cm_trusted_compare(&before->list[i], &after->list[j]);
        if (order < 0)
            log_certificate(trust, label, "certificate removed", CM_LOG_INFO,
                            &before->list[i]);
        if (order > 0)
            log_added(trust, label, &after->list[j]);
        i += order <= 0;
        j += order >= 0;
    }
}

static void
log_replacement(const struct cm_trust *trust, const struct cm_snapshot *next)
{
    static const struct cm_snapshot nothing;
    const struct cm_snapshot *last = trust->current;

    if (last == NULL)
        last = &nothing;
    if (!trust->config->anchors_are_ntauth)
        log_changes(trust, "anchors", &last->anchors, &next->anchors);
    log_changes(trust, "intermediates", &last->intermediates,
                &next->intermediates);
    log_changes(trust, "ntauth", &last->ntauth, &next->ntauth);
}

/* The lists as they are now, as a snapshot.  NULL: no memory. */
static struct cm_snapshot *
make_snapshot(const struct cm_trust *trust)
{
    const struct cm_source *sources = trust->sources;
    struct cm_snapshot *snapshot =
        cm_snapshot_build(NULL, 0, NULL, 0, NULL, 0);
    size_t anchors =
        trust->config->anchors_are_ntauth ? SOURCE_NTAUTH : SOURCE_ANCHORS;

    if (snapshot == NULL)
        return NULL;
    if (!cm_trusted_list_copy(&sources[anchors].good, &snapshot->anchors) ||
        !cm_trusted_list_copy(&sources[SOURCE_INTERMEDIATES].good,
                              &snapshot->intermediates) ||
        !cm_trusted_list_copy(&sources[SOURCE_NTAUTH].good,
                              &snapshot->ntauth)) {
        cm_snapshot_release(snapshot);
        return NULL;
    }
    return snapshot;
}

/* Publishes a new snapshot if any list changed. */
static enum cm_reason
renew(struct cm_trust *trust)
{
    struct cm_snapshot *next;
    bool changed = trust->current == NULL;

    for (size_t i = 0; i < SOURCE_COUNT; i++)
        changed = changed || trust->sources[i].changed;
    if (!changed)
        return CM_OK;
    next = make_snapshot(trust);
    if (next == NULL)
        return CM_NO_MEMORY;
    next->generation = ++trust->generation;
    log_replacement(trust, next);
    cm_snapshot_release(trust->current);
    trust->current = next;
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        trust->sources[i].changed = false;
    return CM_OK;
}

/* A clock that went back makes the files due, too. */
static bool
is_due(const struct cm_trust *trust, int64_t now_ms)
{
    return !trust->looked || now_ms < trust->looked_at ||
           now_ms - trust->looked_at >= CM_TRUST_LOOK_MS;
}

static enum cm_reason
current_locked(struct cm_trust *trust, int64_t now_ms,
               struct cm_detail *detail)
{
    bool due = is_due(trust, now_ms);
    enum cm_reason reason;

    reason = ask_sources(trust, now_ms, due, detail);
    if (due) {
        trust->looked = reason != CM_NO_MEMORY;
        trust->looked_at = now_ms;
    }
    return reason == CM_OK ? renew(trust) : reason;
}

enum cm_reason
cm_trust_current(struct cm_trust *trust, int64_t now_ms,
                 struct cm_snapshot **out, struct cm_detail *detail)
{
    enum cm_reason reason;

    *out = NULL;
    pthread_mutex_lock(&trust->lock);
    reason = current_locked(trust, now_ms, detail);
    if (reason == CM_OK) {
        __atomic_add_fetch(&trust->current->references, 1, __ATOMIC_RELAXED);
        *out = trust->current;
    }
    pthread_mutex_unlock(&trust->lock);
    if (reason == CM_NO_MEMORY)
        cm_detail_set(detail, "no memory for the trusted certificates");
    return reason;
}

/* What speaks against one file of a list that ages. */
static const char *
age_fault(const struct cm_source_file *file, int64_t now, int64_t max_age)
{
    int64_t written = file->stamp.modified.tv_sec;

    if (file->left_out)
        return "does not load";
    if (written > now + CM_TRUST_SKEW)
        return "is from the future";
    if (now - written > max_age)
        return "is older than its maximum age";
    return NULL;
}

enum cm_reason
cm_trust_check_age(struct cm_trust *trust, int64_t now,
                   struct cm_detail *detail)
{
    const struct cm_source *source = &trust->sources[SOURCE_NTAUTH];
    int64_t max_age = trust->config->ntauth_max_age;
    enum cm_reason reason = CM_OK;
    const char *fault;

    if (max_age == 0)
        return CM_OK;
    pthread_mutex_lock(&trust->lock);
    for (size_t i = 0; reason == CM_OK && i < source->seen.count; i++) {
        fault = age_fault(&source->seen.files[i], now, max_age);
        if (fault == NULL)
            continue;
        cm_detail_set(detail, "ntauth %.256s/%.128s %s",
                      source->location->path, source->seen.files[i].name,
                      fault);
        reason = CM_CONFIG;
    }
    pthread_mutex_unlock(&trust->lock);
    return reason;
}
