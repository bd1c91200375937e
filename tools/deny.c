/*
 * certmap deny add|remove|list: who may not log on, whatever any CA says.
 */
#include "deny_command.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "store.h"

enum {
    DENY_CERT = CM_OPTION_OWN,
    DENY_SERIAL,
    DENY_ISSUER,
    DENY_SKI,
    DENY_FINGERPRINT,
    DENY_EXPIRES,
    DENY_REASON,
    DENY_STORE
};

static const struct option deny_options[] = {
    {"cert", required_argument, NULL, DENY_CERT},
    {"serial", required_argument, NULL, DENY_SERIAL},
    {"issuer", required_argument, NULL, DENY_ISSUER},
    {"ski", required_argument, NULL, DENY_SKI},
    {"fingerprint", required_argument, NULL, DENY_FINGERPRINT},
    {"expires", required_argument, NULL, DENY_EXPIRES},
    {"reason", required_argument, NULL, DENY_REASON},
    {"store", required_argument, NULL, DENY_STORE},
    CM_COMMON_OPTIONS};

static enum cm_exit run_deny(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_deny = {
    "deny",
    "add|remove|list",
    "block certificates now, whatever any CA says",
    "      --cert FILE         this certificate\n"
    "      --serial HEX        the one with this serial number,\n"
    "      --issuer CA         of this CA: its certificate file, or its name\n"
    "      --ski HEX           all with this key identifier\n"
    "      --fingerprint HEX   the one with this SHA-256 or SHA-1\n"
    "      --expires WHEN      until this time, or for so long (5d)\n"
    "      --reason TEXT       why (needed to add)\n"
    "      --store PATH        the store, instead of the realm's\n",
    deny_options,
    run_deny,
    NULL,
};

struct deny {
    struct cm_options options;
    struct cm_deny_words words;
    struct cm_place place;
    struct cm_deny_list list;
    int64_t now;
};

static bool
set_own(struct deny *deny, int code, const char *value)
{
    struct {
        const char **slot;
        const char *name;
    } const slots[] = {
        {&deny->words.cert, "--cert"},
        {&deny->words.serial, "--serial"},
        {&deny->words.issuer, "--issuer"},
        {&deny->words.ski, "--ski"},
        {&deny->words.fingerprint, "--fingerprint"},
        {&deny->words.expires, "--expires"},
        {&deny->words.reason, "--reason"},
        {&deny->words.store, "--store"},
    };
    int i = code - DENY_CERT;

    return cm_options_once(&deny->options, slots[i].slot, slots[i].name,
                           value);
}

/* ---- The file ---- */

static enum cm_exit
unavailable(struct deny *deny, const char *why)
{
    cm_tool_error(deny->options.tool, "%s", why);
    return CM_EXIT_UNAVAILABLE;
}

/* A list that cannot be read is not edited: what it was meant to say would be
 * lost. */
static enum cm_exit
read_list(struct deny *deny)
{
    struct cm_store *store = cm_store_new(deny->place.store, false, NULL);
    struct cm_detail why = {""};
    enum cm_exit code = CM_EXIT_YES;
    uint8_t *text = NULL;
    size_t len;

    if (store == NULL)
        return unavailable(deny, "out of memory");
    switch (cm_store_read_file(store, "deny", CM_STORE_MAX_DENY_FILE, &text,
                               &len, &why)) {
    case CM_STORE_FILE_READ:
        if (cm_deny_parse((const char *)text, len, &deny->list, &why))
            break;
        cm_tool_error(deny->options.tool,
                      "%s/deny: %s; until it is corrected every login is "
                      "refused",
                      deny->place.store, why.text);
        code = CM_EXIT_USAGE;
        break;
    case CM_STORE_FILE_MISSING:
        break;
    case CM_STORE_FILE_REFUSED:
        cm_tool_error(deny->options.tool, "%s/deny cannot be believed: %s",
                      deny->place.store, why.text);
        code = CM_EXIT_UNAVAILABLE;
        break;
    }
    free(text);
    cm_store_free(store);
    return code;
}

static enum cm_exit
write_list(struct deny *deny, struct cm_store_writer *writer)
{
    char *text = cm_deny_format(&deny->list);
    struct cm_detail why = {""};
    bool ok;

    if (text == NULL)
        return unavailable(deny, "the deny list is too large, or memory is "
                                 "short: nothing was changed");
    ok = cm_store_write_file(writer, "deny", text, strlen(text), &why);
    free(text);
    return ok ? CM_EXIT_YES : unavailable(deny, why.text);
}

/* ---- What is done ---- */

static enum cm_exit
report(struct deny *deny, const char *what, const struct cm_deny_entry *entry,
       size_t number)
{
    FILE *out = deny->options.tool->out;
    json_t *o;
    char *selector;

    if (deny->options.json) {
        o = cm_deny_json(entry, number, deny->now);
        cm_json_set(&o, "action", json_string(what));
        return cm_json_print(o, out) ? CM_EXIT_YES
                                     : unavailable(deny, "out of memory");
    }
    selector = cm_deny_selector(entry);
    fprintf(out, "%s: ", what);
    cm_output_text(out, selector == NULL ? "?" : selector);
    fputc('\n', out);
    free(selector);
    return CM_EXIT_YES;
}

/* The place of the entry that names the same, or count. */
static size_t
find_same(const struct cm_deny_list *list, const struct cm_deny_entry *entry)
{
    size_t i = 0;

    while (i < list->count && !cm_deny_same(&list->list[i], entry))
        i++;
    return i;
}

/* Blocks anew what was blocked before: reason and end are the new ones. */
static enum cm_exit
add(struct deny *deny, struct cm_store_writer *writer)
{
    struct cm_deny_entry entry;
    const char *what = "added";
    enum cm_exit code = CM_EXIT_USAGE;
    size_t at;

    if (!cm_deny_select(&deny->options, &deny->words, &deny->place, &entry))
        return CM_EXIT_USAGE;
    if (cm_deny_describe(&deny->options, &deny->words, deny->now, &entry)) {
        at = find_same(&deny->list, &entry);
        if (at < deny->list.count) {
            what = "replaced";
            cm_deny_entry_clear(&deny->list.list[at]);
            deny->list.list[at] = entry;
            memset(&entry, 0, sizeof(entry));
            code = CM_EXIT_YES;
        } else {
            code = cm_deny_add(&deny->list, &entry)
                       ? CM_EXIT_YES
                       : unavailable(deny, "the deny list is full, or memory "
                                           "is short");
        }
        if (code == CM_EXIT_YES)
            code = write_list(deny, writer);
        if (code == CM_EXIT_YES)
            code = report(deny, what, &deny->list.list[at], at + 1);
    }
    cm_deny_entry_clear(&entry);
    return code;
}

/* A number of `deny list`, from 1 on; 0: it is none. */
static size_t
parse_number(const char *text, size_t count)
{
    unsigned long number;
    char *end;

    if (text[0] < '1' || text[0] > '9')
        return 0;
    number = strtoul(text, &end, 10);
    return *end == '\0' && number <= count ? number : 0;
}

/* Which entry is to go: its place, or count after an error was printed. */
static size_t
choose(struct deny *deny, enum cm_exit *code)
{
    struct cm_deny_entry entry;
    size_t at = deny->list.count;

    *code = CM_EXIT_USAGE;
    if (deny->options.operand_count == 2) {
        at = parse_number(deny->options.operands[1], deny->list.count);
        if (at > 0)
            return at - 1;
        at = deny->list.count;
    } else {
        if (!cm_deny_select(&deny->options, &deny->words, &deny->place,
                            &entry))
            return at;
        at = find_same(&deny->list, &entry);
        cm_deny_entry_clear(&entry);
    }
    if (at == deny->list.count) {
        cm_tool_error(deny->options.tool,
                      "the deny list has no such entry; \"certmap deny list\" "
                      "shows them with their numbers");
        *code = CM_EXIT_NO;
    }
    return at;
}

static enum cm_exit
remove_entry(struct deny *deny, struct cm_store_writer *writer)
{
    struct cm_deny_entry *list = deny->list.list, gone;
    enum cm_exit code;
    size_t at = choose(deny, &code);

    if (at == deny->list.count)
        return code;
    gone = list[at];
    memmove(list + at, list + at + 1,
            (deny->list.count - at - 1) * sizeof(*list));
    deny->list.count--;
    code = write_list(deny, writer);
    if (code == CM_EXIT_YES)
        code = report(deny, "removed", &gone, at + 1);
    cm_deny_entry_clear(&gone);
    return code;
}

/* Reads, changes and writes under the store's lock. */
static enum cm_exit
edit(struct deny *deny,
     enum cm_exit (*change)(struct deny *deny, struct cm_store_writer *writer))
{
    struct cm_store_writer *writer;
    struct cm_detail why = {""};
    enum cm_exit code;

    if (deny->options.has_at) {
        cm_tool_error(deny->options.tool,
                      "--at only lists: what is written counts from now on");
        return CM_EXIT_USAGE;
    }
    writer = cm_store_writer_open(deny->place.store, CM_PLACE_WAIT_MS, &why);
    if (writer == NULL)
        return unavailable(deny, why.text);
    code = read_list(deny);
    if (code == CM_EXIT_YES)
        code = change(deny, writer);
    cm_store_writer_free(writer);
    return code;
}

static enum cm_exit
print_list(struct deny *deny)
{
    enum cm_exit code = read_list(deny);

    if (code == CM_EXIT_YES &&
        !cm_deny_print(&deny->list, deny->options.json, deny->now,
                       deny->options.tool->out))
        code = unavailable(deny, "out of memory");
    return code;
}

/* ---- The command line ---- */

static enum cm_exit
dispatch(struct deny *deny)
{
    const char *what = deny->options.operands[0];

    if (strcmp(what, "add") == 0 && deny->options.operand_count == 1)
        return edit(deny, add);
    if (strcmp(what, "remove") == 0)
        return edit(deny, remove_entry);
    if (strcmp(what, "list") == 0 && deny->options.operand_count == 1)
        return print_list(deny);
    cm_tool_error(deny->options.tool,
                  "usage: certmap deny add|remove|list [options]");
    return CM_EXIT_USAGE;
}

static bool
read_options(struct deny *deny, enum cm_exit *code)
{
    const char *value;
    enum cm_next next;
    int own;

    *code = CM_EXIT_USAGE;
    while ((next = cm_options_next(&deny->options, &own, &value)) ==
           CM_NEXT_OWN) {
        if (!set_own(deny, own, value))
            return false;
    }
    if (next == CM_NEXT_HELP)
        *code = CM_EXIT_YES;
    if (next != CM_NEXT_END)
        return false;
    /* "remove" may be followed by a number. */
    return deny->options.operand_count == 2 ||
           cm_options_operands(&deny->options, 1);
}

static enum cm_exit
run_deny(struct cm_tool *tool, int argc, char **argv)
{
    struct deny deny;
    enum cm_exit code;

    memset(&deny, 0, sizeof(deny));
    cm_options_init(&deny.options, tool, &cm_verb_deny, argc, argv);
    if (read_options(&deny, &code)) {
        code = CM_EXIT_USAGE;
        deny.now = cm_options_now(&deny.options);
        if (cm_place_find(&deny.options, deny.words.store, &deny.place))
            code = dispatch(&deny);
    }
    cm_deny_list_clear(&deny.list);
    cm_place_clear(&deny.place);
    return code;
}
