#include "mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ntauth_object.h"
#include "refresh.h"
#include "write_all.h"

enum { MILLI = 1000 };

const char *
cm_mirror_outcome_token(enum cm_mirror_outcome outcome)
{
    switch (outcome) {
    case CM_MIRROR_DONE:
        return "mirrored";
    case CM_MIRROR_NOT_DUE:
        return "not-due";
    case CM_MIRROR_FAILED:
        return "failed";
    case CM_MIRROR_NO_STORE:
        return "store";
    }
    return "failed";
}

/* ---- In the child ---- */

static enum cm_fetch_result
give_answer(const struct cm_ntauth_object *object, size_t max_bytes,
            int out_fd, struct cm_fetch_response *response,
            struct cm_detail *detail)
{
    enum cm_fetch_result result = CM_FETCHED;
    uint8_t *answer;
    size_t len;

    if (!cm_ntauth_answer(object, &answer, &len)) {
        cm_detail_set(detail, "the object is too large, or memory is short");
        return CM_FETCH_TOO_LARGE;
    }
    if (len > max_bytes) {
        cm_detail_set(detail, "the object is too large");
        result = CM_FETCH_TOO_LARGE;
    } else if (!cm_write_all(out_fd, answer, len)) {
        cm_detail_set(detail, "cannot write: %s", strerror(errno));
        result = CM_FETCH_FAILED;
    }
    response->bytes = len;
    free(answer);
    return result;
}

enum cm_fetch_result
cm_mirror_special(const uint8_t *payload, size_t len, size_t max_bytes,
                  int timeout_ms, int out_fd,
                  struct cm_fetch_response *response, struct cm_detail *detail)
{
    enum cm_fetch_result result = CM_FETCH_FAILED;
    struct cm_directory_config config;
    struct cm_ntauth_object object;
    int ca;

    if (!cm_ntauth_question_read(payload, len, &config, &ca)) {
        cm_detail_set(detail, "the question cannot be read");
        return CM_FETCH_FAILED;
    }
    if (cm_ntauth_object_read(&config, timeout_ms, &object, detail) == CM_OK) {
        result = give_answer(&object, max_bytes, out_fd, response, detail);
        cm_ntauth_object_clear(&object);
    }
    cm_directory_config_clear(&config);
    if (ca >= 0)
        (void)close(ca);
    return result;
}

/* ---- In the parent ---- */

char *
cm_mirror_label(const struct cm_directory_config *config)
{
    struct cm_buf buf = CM_BUF_INIT;

    for (size_t i = 0; i < config->uri_count; i++)
        cm_buf_addf(&buf, "%s ", config->uris[i]);
    cm_buf_add_text(&buf, config->ntauth_dn != NULL ? config->ntauth_dn
                                                    : config->base);
    return cm_buf_take(&buf);
}

static bool
read_state(const struct cm_mirror_order *order, struct cm_refresh_state *out)
{
    char *label = cm_mirror_label(&order->realm->settings.directory);
    bool ok =
        label != NULL &&
        cm_refresh_state_read(order->store, CM_REFRESH_NTAUTH, label, out);

    free(label);
    return ok;
}

bool
cm_mirror_is_due(const struct cm_mirror_order *order, int64_t *next_due)
{
    struct cm_refresh_state state;

    *next_due = 0;
    if (!read_state(order, &state))
        return true;
    *next_due = state.next_due;
    cm_refresh_state_clear(&state);
    return !order->due_only || *next_due <= order->now_ms / MILLI;
}

/* A list in the store can only be that of one directory. */
static const struct cm_keeper_realm *
find_rival(const struct cm_mirror_order *order)
{
    const struct cm_keeper *keeper = order->keeper;
    char *own = cm_mirror_label(&order->realm->settings.directory), *label;
    const struct cm_keeper_realm *rival = NULL;

    for (size_t i = 0; i < keeper->count && rival == NULL; i++) {
        const struct cm_keeper_realm *other = &keeper->realms[i];

        if (!other->settings.ntauth.from_ldap ||
            !cm_keeper_uses(other, order->realm->store))
            continue;
        label = cm_mirror_label(&other->settings.directory);
        if (own == NULL || label == NULL || strcmp(own, label) != 0)
            rival = other;
        free(label);
    }
    free(own);
    return rival;
}

static bool
read_answer(int fd, size_t len, struct cm_ntauth_object *out,
            struct cm_detail *detail)
{
    uint8_t *bytes = malloc(len > 0 ? len : 1);
    size_t have = 0;
    ssize_t n = 1;
    bool ok;

    while (bytes != NULL && have < len && n > 0) {
        n = pread(fd, bytes + have, len - have, (off_t)have);
        have += n > 0 ? (size_t)n : 0;
    }
    ok =
        bytes != NULL && have == len && cm_ntauth_answer_read(bytes, len, out);
    if (!ok)
        cm_detail_set(detail, "the answer cannot be read");
    free(bytes);
    return ok;
}

/* Asks the directory, in the child. */
static bool
ask(const struct cm_mirror_order *order, struct cm_ntauth_object *out,
    struct cm_detail *detail)
{
    struct cm_fetch_response response = {0};
    uint8_t *question;
    size_t len;
    bool ok;
    int fd;

    if (!cm_ntauth_question(&order->realm->settings.directory, &question, &len,
                            detail))
        return false;
    ok = cm_fetch_child_send_special(order->child, question, len,
                                     CM_NTAUTH_MAX_ANSWER,
                                     CM_MIRROR_TIMEOUT_MS, detail);
    explicit_bzero(question, len);
    free(question);
    if (!ok)
        return false;
    fd = cm_refresh_temporary(order->realm->store);
    if (fd < 0) {
        cm_detail_set(detail, "no temporary file: %s", strerror(errno));
        return false;
    }
    ok = cm_fetch_child_collect(order->child, fd, &response, detail) ==
             CM_FETCHED &&
         read_answer(fd, response.bytes, out, detail);
    (void)close(fd);
    return ok;
}

static bool
publish(const struct cm_mirror_order *order, struct cm_store_writer *writer,
        const struct cm_ntauth_object *object, struct cm_mirror_result *result,
        struct cm_detail *detail)
{
    struct cm_mirror_value *values;
    bool ok;

    values = calloc(object->count > 0 ? object->count : 1, sizeof(*values));
    if (values == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    for (size_t i = 0; i < object->count; i++) {
        values[i].bytes = object->values[i].bytes;
        values[i].len = object->values[i].len;
    }
    ok = cm_mirror_write(writer, order->realm->store, values, object->count,
                         order->keeper->log, result, detail);
    free(values);
    return ok;
}

static void
note(const struct cm_mirror_order *order, struct cm_store_writer *writer,
     enum cm_mirror_outcome outcome, const char *why)
{
    struct cm_refresh_state state;
    struct cm_detail ignored;

    if (!read_state(order, &state))
        return;
    if (outcome == CM_MIRROR_DONE)
        cm_refresh_state_succeed(
            &state, order->now_ms,
            order->now_ms / MILLI +
                cm_mirror_interval(order->realm->settings.ntauth.max_age));
    else
        cm_refresh_state_fail(&state, order->now_ms, why);
    /* Without it the directory is asked again a little too soon. */
    (void)cm_refresh_state_write(writer, &state, &ignored);
    cm_refresh_state_clear(&state);
}

enum cm_mirror_outcome
cm_mirror_run(const struct cm_mirror_order *order,
              struct cm_mirror_result *result, struct cm_detail *detail)
{
    const struct cm_keeper_realm *rival = find_rival(order);
    enum cm_mirror_outcome outcome = CM_MIRROR_FAILED;
    struct cm_ntauth_object object = {0};
    struct cm_store_writer *writer;
    bool answered;

    memset(result, 0, sizeof(*result));
    if (rival != NULL) {
        cm_detail_set(detail,
                      "realm %s mirrors another directory into the same "
                      "store; give each its own with `store`",
                      rival->name);
        return CM_MIRROR_FAILED;
    }
    answered = ask(order, &object, detail);
    writer = cm_store_writer_open(order->realm->store,
                                  CM_REFRESH_STORE_WAIT_MS, detail);
    if (writer == NULL) {
        outcome = CM_MIRROR_NO_STORE;
    } else {
        if (answered)
            outcome = publish(order, writer, &object, result, detail)
                          ? CM_MIRROR_DONE
                          : CM_MIRROR_NO_STORE;
        note(order, writer, outcome, detail->text);
    }
    cm_store_writer_free(writer);
    cm_ntauth_object_clear(&object);
    return outcome;
}
