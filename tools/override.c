/*
 * certmap override: revocation = soft for a while, by an administrator's
 * word.
 */
#include <stdlib.h>
#include <string.h>

#include "deny_command.h"
#include "options.h"
#include "output.h"
#include "place.h"
#include "store.h"
#include "text.h"
#include "timetext.h"

enum {
    OVERRIDE_REVOCATION = CM_OPTION_OWN,
    OVERRIDE_UNTIL,
    OVERRIDE_REASON,
    OVERRIDE_CLEAR,
    OVERRIDE_STORE
};

static const struct option override_options[] = {
    {"revocation", required_argument, NULL, OVERRIDE_REVOCATION},
    {"until", required_argument, NULL, OVERRIDE_UNTIL},
    {"reason", required_argument, NULL, OVERRIDE_REASON},
    {"clear", no_argument, NULL, OVERRIDE_CLEAR},
    {"store", required_argument, NULL, OVERRIDE_STORE},
    CM_COMMON_OPTIONS};

static enum cm_exit run_override(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_override = {
    "override",
    "",
    "soft revocation for at most 24 hours",
    "      --revocation soft   let logins through whose status is unknown\n"
    "      --until WHEN        until this time, or for so long (8h); at most\n"
    "                          24 hours from now\n"
    "      --reason TEXT       why; it is logged with every such login\n"
    "      --clear             end it now\n"
    "      --store PATH        the store, instead of the realm's\n",
    override_options,
    run_override,
    NULL,
};

struct override {
    struct cm_options options;
    struct cm_place place;
    const char *revocation, *until, *reason, *store;
    bool clear;
    int64_t now;
};

static bool
set_own(struct override *override, int code, const char *value)
{
    struct cm_options *options = &override->options;

    switch (code) {
    case OVERRIDE_REVOCATION:
        return cm_options_once(options, &override->revocation, "--revocation",
                               value);
    case OVERRIDE_UNTIL:
        return cm_options_once(options, &override->until, "--until", value);
    case OVERRIDE_REASON:
        return cm_options_once(options, &override->reason, "--reason", value);
    case OVERRIDE_STORE:
        return cm_options_once(options, &override->store, "--store", value);
    default:
        override->clear = true;
        return true;
    }
}

static enum cm_exit
usage(struct override *override, const char *what)
{
    cm_tool_error(override->options.tool, "%s", what);
    return CM_EXIT_USAGE;
}

static enum cm_exit
unavailable(struct override *override, const char *why)
{
    cm_tool_error(override->options.tool, "%s", why);
    return CM_EXIT_UNAVAILABLE;
}

/* ---- What is in force ---- */

static bool
print_json(const struct cm_override *found, FILE *out)
{
    json_t *o = json_object();

    cm_json_set(&o, "revocation",
                found->soft ? json_string("soft") : json_null());
    cm_json_set(&o, "set_at",
                found->soft ? cm_json_time(found->set_at) : json_null());
    cm_json_set(&o, "until",
                found->soft ? cm_json_time(found->until) : json_null());
    cm_json_set(&o, "reason", cm_json_text(found->reason));
    return cm_json_print(o, out);
}

static void
print_text(const struct cm_override *found, FILE *out)
{
    char until[CM_TIME_TEXT], set_at[CM_TIME_TEXT];

    if (!found->soft) {
        fputs("No override is in force.\n", out);
        return;
    }
    cm_time_text(found->until, until);
    cm_time_text(found->set_at, set_at);
    cm_output_toned(out, CM_TONE_BAD, "revocation is soft");
    fprintf(out, " until %s, since %s: ", until, set_at);
    cm_output_text(out, found->reason);
    fputc('\n', out);
}

static enum cm_exit
show(struct override *override)
{
    struct cm_store *store = cm_store_new(override->place.store, false, NULL);
    FILE *out = override->options.tool->out;
    struct cm_override found;
    enum cm_exit code;
    bool printed = true;

    if (store == NULL)
        return unavailable(override, "out of memory");
    cm_store_override(store, override->now, &found);
    if (override->options.json)
        printed = print_json(&found, out);
    else
        print_text(&found, out);
    code = found.soft ? CM_EXIT_YES : CM_EXIT_NO;
    cm_override_clear(&found);
    cm_store_free(store);
    return printed ? code : unavailable(override, "out of memory");
}

/* ---- Setting and clearing ---- */

/* Writes text, or removes the file where it is NULL. */
static enum cm_exit
write_override(struct override *override, const char *text)
{
    struct cm_store_writer *writer;
    struct cm_detail why = {""};
    bool ok;

    writer =
        cm_store_writer_open(override->place.store, CM_PLACE_WAIT_MS, &why);
    if (writer == NULL)
        return unavailable(override, why.text);
    ok = text == NULL ? cm_store_remove_file(writer, "override", &why)
                      : cm_store_write_file(writer, "override", text,
                                            strlen(text), &why);
    cm_store_writer_free(writer);
    return ok ? CM_EXIT_YES : unavailable(override, why.text);
}

static enum cm_exit
check_words(struct override *override, struct cm_override *out)
{
    const char *reason = override->reason;

    if (override->revocation == NULL || override->until == NULL ||
        reason == NULL)
        return usage(override, "an override needs --revocation soft, --until "
                               "and --reason");
    if (strcmp(override->revocation, "soft") != 0)
        return usage(override, "--revocation: allowed is soft");
    if (reason[0] == ' ' || strlen(reason) > CM_OVERRIDE_MAX_REASON ||
        !cm_text_is_clean((const uint8_t *)reason, strlen(reason)))
        return usage(override, "--reason is one line of text");
    if (!cm_deny_parse_end(override->until, override->now, &out->until) ||
        out->until <= override->now)
        return usage(override, "--until is neither a time to come, such as "
                               "2030-02-01T12:00:00Z, nor a duration such as "
                               "8h");
    if (out->until - override->now > CM_OVERRIDE_MAX_SECONDS)
        return usage(override, "--until is more than 24 hours from now");
    out->set_at = override->now;
    return CM_EXIT_YES;
}

static enum cm_exit
set(struct override *override)
{
    struct cm_override values = {0};
    enum cm_exit code = check_words(override, &values);
    char *text;

    if (code != CM_EXIT_YES)
        return code;
    values.reason = strdup(override->reason);
    text = values.reason == NULL ? NULL : cm_override_format(&values);
    code = text == NULL ? unavailable(override, "out of memory")
                        : write_override(override, text);
    free(text);
    cm_override_clear(&values);
    return code == CM_EXIT_YES ? show(override) : code;
}

static enum cm_exit
clear(struct override *override)
{
    enum cm_exit code = write_override(override, NULL);

    if (code == CM_EXIT_YES)
        show(override);
    return code;
}

static enum cm_exit
dispatch(struct override *override)
{
    bool any = override->revocation != NULL || override->until != NULL ||
               override->reason != NULL;

    if (!any && !override->clear)
        return show(override);
    if (any && override->clear)
        return usage(override, "--clear stands alone");
    if (override->options.has_at)
        return usage(override, "--at only shows: what is written counts from "
                               "now on");
    return any ? set(override) : clear(override);
}

static bool
read_options(struct override *override, enum cm_exit *code)
{
    const char *value;
    enum cm_next next;
    int own;

    *code = CM_EXIT_USAGE;
    while ((next = cm_options_next(&override->options, &own, &value)) ==
           CM_NEXT_OWN) {
        if (!set_own(override, own, value))
            return false;
    }
    if (next == CM_NEXT_HELP)
        *code = CM_EXIT_YES;
    return next == CM_NEXT_END && cm_options_operands(&override->options, 0);
}

static enum cm_exit
run_override(struct cm_tool *tool, int argc, char **argv)
{
    struct override override;
    enum cm_exit code;

    memset(&override, 0, sizeof(override));
    cm_options_init(&override.options, tool, &cm_verb_override, argc, argv);
    if (read_options(&override, &code)) {
        code = CM_EXIT_USAGE;
        override.now = cm_options_now(&override.options);
        if (cm_place_find(&override.options, override.store, &override.place))
            code = dispatch(&override);
    }
    cm_place_clear(&override.place);
    return code;
}
