/*
 * certmap refresh --import: what was carried here by hand.
 *
 * Certificates come first, so that a response that comes with them is about
 * somebody who is known.
 */
#include "refresh_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificates.h"
#include "certfile.h"
#include "ocspfile.h"

struct import {
    struct cm_refresh_command *command;
    struct cm_refresh_report *report;
    struct cm_refresh_world world;
    struct cm_refresh_map map;
    struct cm_refresh_options options;
    /* A response while it is tried */
    struct cm_store_writer *writer;
    const uint8_t *response;
    size_t len;
    enum cm_refresh_outcome outcome;
    struct cm_detail why;
};

enum file_kind { FILE_CERTIFICATE, FILE_RESPONSE, FILE_CRL };

static int64_t
now(void)
{
    return cm_refresh_now_ms(NULL) / 1000;
}

static void
say(struct import *import, enum cm_refresh_kind kind, const char *path,
    enum cm_refresh_outcome outcome, const struct cm_detail *why)
{
    bool good = outcome == CM_REFRESHED || outcome == CM_REFRESH_UNCHANGED;

    cm_refresh_report_line(
        import->report, kind, path, cm_refresh_outcome_token(outcome),
        good ? CM_TONE_GOOD : CM_TONE_BAD, good ? NULL : why->text, 0);
    if (!good)
        import->report->failed = true;
    if (outcome == CM_REFRESH_NO_STORE)
        import->report->unavailable = true;
}

static enum cm_refresh_outcome
outcome_of(enum cm_publish published)
{
    switch (published) {
    case CM_PUBLISHED:
        return CM_REFRESHED;
    case CM_UNCHANGED:
        return CM_REFRESH_UNCHANGED;
    case CM_PUBLISH_OLDER:
    case CM_PUBLISH_REFUSED:
        return CM_REFRESH_REFUSED;
    case CM_PUBLISH_FAILED:
        return CM_REFRESH_NO_STORE;
    }
    return CM_REFRESH_NO_STORE;
}

/* ---- What a file is ---- */

/* A file that is too large to be read whole can only be a CRL. */
static enum file_kind
kind_of(const char *path)
{
    enum file_kind kind = FILE_CRL;
    struct cm_file_stamp stamp;
    struct cm_detail ignored;
    X509 **certs = NULL;
    uint8_t *bytes = NULL;
    size_t len, count = 0;

    if (cm_file_read(AT_FDCWD, path, &stamp, &bytes, &len, &ignored) !=
        CM_READ_OK)
        return FILE_CRL;
    if (cm_ocspfile_is_response(bytes, len))
        kind = FILE_RESPONSE;
    else if (cm_certificates_read(bytes, len, &certs, &count, &ignored))
        kind = FILE_CERTIFICATE;
    cm_certificates_free(certs, count);
    free(bytes);
    return kind;
}

/* ---- Certificates ---- */

/* True if a login with it would be let through to its status. */
static bool
leads_to_list(const struct import *import, X509 *cert, struct cm_detail *why)
{
    const struct cm_refresh_world *world = &import->world;
    bool leads = false;

    cm_detail_set(why, "no realm's trust is usable");
    for (size_t i = 0; i < world->realm_count && !leads; i++) {
        struct cm_path_rules rules =
            cm_refresh_path_rules(&world->realms[i], world->now);
        struct cm_path path;

        rules.require_ntauth = true;
        leads = cm_path_find(world->realms[i].snapshot, cert, &rules, NULL,
                             NULL, &path, why) == CM_OK;
        cm_path_clear(&path);
    }
    return leads;
}

static void
import_certificates(struct import *import, const char *path)
{
    struct cm_detail why = {""};
    X509 **certs = NULL;
    size_t count = 0;

    if (!cm_certificates_load(path, &certs, &count, &why)) {
        say(import, CM_REFRESH_CARD, path, CM_REFRESH_REFUSED, &why);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (leads_to_list(import, certs[i], &why)) {
            cm_store_note_seen(import->world.store, certs[i], now());
            say(import, CM_REFRESH_CARD, path, CM_REFRESHED, &why);
        } else {
            say(import, CM_REFRESH_CARD, path, CM_REFRESH_REFUSED, &why);
        }
    }
    cm_certificates_free(certs, count);
}

/* ---- Responses ---- */

/* Tried with every certificate: the response says itself about whom it is,
 * and all else is refused. */
static bool
try_card(void *context, const struct cm_refresh_card *card)
{
    struct import *import = context;
    enum cm_refresh_outcome outcome;
    struct cm_detail why = {""};

    outcome = outcome_of(
        cm_refresh_publish_ocsp(import->writer, &import->world, card,
                                import->response, import->len, &why));
    if (outcome == CM_REFRESH_REFUSED)
        return true;
    import->outcome = outcome;
    import->why = why;
    return outcome != CM_REFRESH_NO_STORE;
}

static void
import_response(struct import *import, const char *path)
{
    struct cm_file_stamp stamp;
    uint8_t *bytes = NULL;
    struct cm_detail why = {""};

    import->outcome = CM_REFRESH_REFUSED;
    cm_detail_set(&import->why,
                  "not valid now for any CA, nor for a certificate that "
                  "logged in; import the certificate, too");
    import->writer = cm_store_writer_open(import->world.path,
                                          CM_REFRESH_STORE_WAIT_MS, &why);
    if (import->writer == NULL) {
        say(import, CM_REFRESH_OCSP, path, CM_REFRESH_NO_STORE, &why);
        return;
    }
    if (cm_file_read(AT_FDCWD, path, &stamp, &bytes, &import->len, &why) ==
        CM_READ_OK) {
        import->response = bytes;
        (void)cm_refresh_each_card(&import->world, &import->map, try_card,
                                   import);
    }
    say(import, CM_REFRESH_OCSP, path, import->outcome, &import->why);
    free(bytes);
    cm_store_writer_free(import->writer);
    import->writer = NULL;
}

/* ---- CRLs ---- */

static void
publish_crl(struct import *import, const char *path, int fd)
{
    const struct cm_trusted *signer;
    struct cm_crl_facts facts = {0};
    struct cm_detail why = {""};
    struct cm_store_writer *writer;
    enum cm_publish published;

    writer = cm_store_writer_open(import->world.path, CM_REFRESH_STORE_WAIT_MS,
                                  &why);
    if (writer == NULL) {
        say(import, CM_REFRESH_CRL, path, CM_REFRESH_NO_STORE, &why);
        return;
    }
    published = cm_refresh_publish_crl(writer, &import->options, fd, &signer,
                                       &facts, &why);
    say(import, CM_REFRESH_CRL, path, outcome_of(published), &why);
    cm_crl_facts_clear(&facts);
    cm_store_writer_free(writer);
}

static void
import_crl(struct import *import, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct cm_detail why = {""};

    if (fd < 0) {
        cm_detail_set(&why, "%s", strerror(errno));
        say(import, CM_REFRESH_CRL, path, CM_REFRESH_REFUSED, &why);
        return;
    }
    publish_crl(import, path, fd);
    (void)close(fd);
}

/* ---- All of them ---- */

static void
import_kind(struct import *import, enum file_kind kind)
{
    const struct cm_options *options = &import->command->options;

    for (int i = 0; i < options->operand_count; i++) {
        const char *path = options->operands[i];

        if (kind_of(path) != kind)
            continue;
        switch (kind) {
        case FILE_CERTIFICATE:
            import_certificates(import, path);
            break;
        case FILE_CRL:
            import_crl(import, path);
            break;
        case FILE_RESPONSE:
            import_response(import, path);
            break;
        }
    }
}

static bool
refresh_handle(struct import *import)
{
    cm_store_free(import->world.store);
    import->world.store = cm_store_new(import->world.path, true, NULL);
    return import->world.store != NULL;
}

static bool
import_into(struct import *import)
{
    if (!refresh_handle(import))
        return false;
    import_kind(import, FILE_CERTIFICATE);
    import_kind(import, FILE_CRL);
    /* With the cards and CRLs that have just come. */
    if (!refresh_handle(import) ||
        !cm_refresh_map_make(&import->world, &import->map))
        return false;
    import_kind(import, FILE_RESPONSE);
    cm_refresh_map_clear(&import->map);
    return true;
}

static void
import_store(struct cm_refresh_command *command,
             struct cm_refresh_report *report)
{
    struct import import = {.command = command,
                            .report = report,
                            .world = {.path = report->store, .now = now()}};
    struct cm_refresh_realm *realms = NULL;
    struct cm_snapshot *trusted;
    bool whole;

    trusted = cm_keeper_trusted(&command->keeper, report->store, &whole);
    import.options = (struct cm_refresh_options){
        .world = &import.world,
        .trusted = trusted,
        .rollback = (const uint8_t(*)[32])command->rollback,
        .rollback_count = command->rollback_count,
        .now_ms = cm_refresh_now_ms};
    if (trusted == NULL ||
        !cm_keeper_realms(&command->keeper, report->store, &realms,
                          &import.world.realm_count)) {
        report->no_memory = true;
    } else {
        import.world.realms = realms;
        if (!import_into(&import))
            report->no_memory = true;
    }
    cm_store_free(import.world.store);
    free(realms);
    cm_snapshot_release(trusted);
}

enum cm_exit
cm_refresh_import(struct cm_refresh_command *command)
{
    const struct cm_text_list *stores = &command->keeper.stores;
    struct cm_refresh_report *reports;

    reports = calloc(stores->count > 0 ? stores->count : 1, sizeof(*reports));
    if (reports == NULL)
        return cm_tool_no_memory(command->tool);
    cm_keeper_look(&command->keeper);
    for (size_t i = 0; i < stores->count; i++) {
        reports[i].store = stores->items[i];
        if (cm_refresh_prepare_store(command, &reports[i]))
            import_store(command, &reports[i]);
    }
    return cm_refresh_finish(command, reports, stores->count);
}
