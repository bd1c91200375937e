/*
 * certmap require-card PRINCIPAL: no password for this account any more.
 */
#include "require_card.h"

#include <stdio.h>
#include <string.h>

#include "card_rules.h"

enum { CARD_UNDO = CM_OPTION_OWN, CARD_METHOD, CARD_ANYWAY };

static const struct option card_options[] = {
    {"undo", no_argument, NULL, CARD_UNDO},
    {"method", required_argument, NULL, CARD_METHOD},
    {"anyway", no_argument, NULL, CARD_ANYWAY},
    {"dry-run", no_argument, NULL, 'n'},
    CM_TARGET_OPTIONS,
    CM_COMMON_OPTIONS};

static enum cm_exit run_card(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_require_card = {
    "require-card",
    "PRINCIPAL",
    "let an account log in by card only",
    "      --undo              lift the restriction\n"
    "      --method METHOD     hwauth (the entry requires hardware) or "
    "randkey\n"
    "                          (keys that no password yields)\n"
    "      --anyway            even if no card could get in\n"
    "  -n, --dry-run           print the change and write "
    "nothing\n" CM_TARGET_HELP,
    card_options,
    run_card,
    "n" CM_TARGET_SHORT,
};

/* ---- Options ---- */

static bool
take_own(struct cm_cardonly *card, int code, const char *value)
{
    switch (cm_target_take(&card->flags, &card->options, code, value)) {
    case CM_TARGET_TAKEN:
        return true;
    case CM_TARGET_ERROR:
        return false;
    case CM_TARGET_OTHER:
        break;
    }
    if (code == CARD_METHOD)
        return cm_options_once(&card->options, &card->method_word, "--method",
                               value);
    if (code == CARD_UNDO)
        card->undo = true;
    else if (code == CARD_ANYWAY)
        card->anyway = true;
    else
        card->dry_run = true;
    return true;
}

static enum cm_next
read_options(struct cm_cardonly *card)
{
    const char *value;
    enum cm_next next;
    int code;

    while ((next = cm_options_next(&card->options, &code, &value)) ==
           CM_NEXT_OWN) {
        if (!take_own(card, code, value))
            return CM_NEXT_ERROR;
    }
    return next;
}

static bool
check_options(struct cm_cardonly *card)
{
    struct cm_tool *tool = card->options.tool;

    if (!cm_options_operands(&card->options, 1))
        return false;
    if (card->undo && (card->method_word != NULL || card->anyway)) {
        cm_tool_error(tool, "--undo goes without --method and --anyway");
        return false;
    }
    if (card->method_word != NULL &&
        strcmp(card->method_word, "hwauth") != 0 &&
        strcmp(card->method_word, "randkey") != 0) {
        cm_tool_error(tool, "--method %s: allowed are hwauth, randkey",
                      card->method_word);
        return false;
    }
    return true;
}

/* ---- Who may not ---- */

static bool
refuse(struct cm_cardonly *card, const char *why)
{
    cm_tool_error(card->options.tool, "%s: %s; nothing was changed",
                  card->principal.text, why);
    return false;
}

/* With --anyway it is a warning. */
static bool
object(struct cm_cardonly *card, const char *token, const char *why)
{
    if (card->anyway) {
        cm_cardonly_warn(card, token, why);
        return true;
    }
    cm_tool_error(card->options.tool,
                  "%s: %s; nothing was changed (--anyway does it all the "
                  "same)",
                  card->principal.text, why);
    return false;
}

static bool
is_disabled(const struct cm_cardonly *card)
{
    int64_t now = cm_options_now(&card->options);

    return card->kdb.disabled ||
           (card->kdb.expires != 0 && card->kdb.expires <= now) ||
           card->store.account.disabled;
}

/* Nobody is to be locked out by a slip. */
static bool
judge(struct cm_cardonly *card)
{
    const struct cm_settings *settings = &card->target.settings;

    if (is_disabled(card))
        return refuse(card, "the account is disabled, locked or expired");
    if (!cm_cardonly_could_log_in(settings, &card->store.account) &&
        !object(card, "no-mapping",
                "the account has no mapping that would let a card in; "
                "\"certmap map add\" writes one"))
        return false;
    if (card->method == CM_CARDONLY_HWAUTH &&
        !cm_cardonly_has_hw_authent(settings) &&
        !object(card, "no-hw-authent",
                "hw_authent is never in this realm, so that no card counts "
                "as hardware"))
        return false;
    return true;
}

/* ---- What is read ---- */

static enum cm_exit
read_database(struct cm_cardonly *card)
{
    struct cm_tool *tool = card->options.tool;
    struct cm_detail detail = {""};
    enum cm_kdb_result result;

    card->writer = cm_kdb_writer_open(card->target.realm, &detail);
    if (card->writer == NULL) {
        cm_tool_error(tool, "%s", detail.text);
        return CM_EXIT_UNAVAILABLE;
    }
    result = cm_kdb_writer_read(card->writer, &card->principal, &card->kdb,
                                &detail);
    if (result == CM_KDB_DONE)
        return CM_EXIT_YES;
    cm_tool_error(tool, "%s", detail.text);
    return result == CM_KDB_ABSENT ? CM_EXIT_NO : CM_EXIT_UNAVAILABLE;
}

static enum cm_cardonly_method
choose_method(const struct cm_cardonly *card)
{
    if (card->method_word != NULL)
        return strcmp(card->method_word, "hwauth") == 0 ? CM_CARDONLY_HWAUTH
                                                        : CM_CARDONLY_RANDKEY;
    return cm_cardonly_has_hw_authent(&card->target.settings)
               ? CM_CARDONLY_HWAUTH
               : CM_CARDONLY_RANDKEY;
}

static enum cm_exit
prepare(struct cm_cardonly *card)
{
    struct cm_options *options = &card->options;
    const char *refusal;
    enum cm_exit code;

    if (!cm_account_principal(options, options->operands[0], &card->principal))
        return CM_EXIT_USAGE;
    refusal = cm_cardonly_refusal(&card->principal);
    if (refusal != NULL)
        return refuse(card, refusal) ? CM_EXIT_YES : CM_EXIT_NO;
    code = cm_target_open(options, &card->flags, &card->target);
    if (code == CM_EXIT_YES)
        code = read_database(card);
    if (code != CM_EXIT_YES || card->undo)
        return code;
    card->method = choose_method(card);
    code =
        cm_account_store_open(options->tool, &card->target, &card->principal,
                              cm_options_now(options), &card->store);
    if (code == CM_EXIT_YES && !judge(card))
        code = CM_EXIT_NO;
    return code;
}

/* ---- What is written ---- */

static enum cm_exit
write_change(struct cm_cardonly *card, const struct cm_kdb_change *change)
{
    struct cm_tool *tool = card->options.tool;
    struct cm_detail detail = {""};

    switch (cm_kdb_writer_change(card->writer, &card->principal, &card->kdb,
                                 change, &detail)) {
    case CM_KDB_DONE:
        return CM_EXIT_YES;
    case CM_KDB_ABSENT:
    case CM_KDB_CONFLICT:
    case CM_KDB_TOO_LARGE:
        cm_tool_error(tool, "%s; nothing was changed", detail.text);
        return CM_EXIT_NO;
    case CM_KDB_UNAVAILABLE:
        break;
    }
    cm_tool_error(tool, "%s; run it again: it does what is left", detail.text);
    return CM_EXIT_UNAVAILABLE;
}

static enum cm_exit
finish(struct cm_cardonly *card, struct cm_kdb_change *change, char *marker)
{
    char key[] = CM_KDB_CARD_STRING;
    const struct cm_kdb_string set = {key, marker};
    enum cm_exit code = CM_EXIT_YES;

    if (card->state != CM_CARDONLY_NOTHING_TO_DO) {
        change->set = &set;
        change->set_count =
            marker != NULL || cm_kdb_account_get(&card->kdb, key) != NULL;
        if (!card->dry_run)
            code = write_change(card, change);
    }
    return code == CM_EXIT_YES ? cm_cardonly_print(card, change) : code;
}

/* Which keys are the random ones is told by their version: a password that
 * is set later has another. */
static void
marker_text(const struct cm_cardonly *card, unsigned kvno,
            char out[CM_CARDONLY_MARKER])
{
    if (card->method == CM_CARDONLY_HWAUTH)
        (void)snprintf(out, CM_CARDONLY_MARKER, "hwauth");
    else
        (void)snprintf(out, CM_CARDONLY_MARKER, "randkey kvno=%u", kvno);
}

static bool
has_marker(const struct cm_cardonly *card, const char *marker)
{
    const char *value = cm_kdb_account_get(&card->kdb, CM_KDB_CARD_STRING);

    return value != NULL && strcmp(value, marker) == 0;
}

static enum cm_exit
restrict_account(struct cm_cardonly *card)
{
    bool hwauth = card->method == CM_CARDONLY_HWAUTH;
    struct cm_kdb_change change = {.preauth_on = !card->kdb.requires_preauth};
    char marker[CM_CARDONLY_MARKER];

    marker_text(card, card->kdb.kvno, marker);
    if (hwauth)
        change.hwauth_on = !card->kdb.requires_hwauth;
    else
        change.random_keys =
            card->kdb.kvno != 0 &&
            (!has_marker(card, marker) || card->kdb.pw_expires != 0);
    if (!change.preauth_on && !change.hwauth_on && !change.random_keys &&
        has_marker(card, marker))
        card->state = CM_CARDONLY_NOTHING_TO_DO;
    marker_text(card, card->kdb.kvno + (change.random_keys ? 1 : 0), marker);
    return finish(card, &change, marker);
}

/* requires_preauth stays: without it anybody gets an answer to guess at. */
static enum cm_exit
lift(struct cm_cardonly *card)
{
    struct cm_kdb_change change = {.hwauth_off = card->kdb.requires_hwauth};
    char marker[CM_CARDONLY_MARKER];

    card->method = CM_CARDONLY_RANDKEY;
    marker_text(card, card->kdb.kvno, marker);
    card->keys_are_random = card->kdb.kvno == 0 || has_marker(card, marker);
    if (card->kdb.requires_hwauth)
        card->method = CM_CARDONLY_HWAUTH;
    if (!card->kdb.requires_hwauth &&
        cm_kdb_account_get(&card->kdb, CM_KDB_CARD_STRING) == NULL)
        card->state = CM_CARDONLY_NOTHING_TO_DO;
    return finish(card, &change, NULL);
}

static void
clear(struct cm_cardonly *card)
{
    cm_account_store_close(&card->store);
    cm_kdb_account_clear(&card->kdb);
    cm_kdb_writer_close(card->writer);
    cm_target_close(&card->target);
    cm_principal_clear(&card->principal);
}

static enum cm_exit
run_card(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_cardonly card;
    enum cm_next next;
    enum cm_exit code;

    memset(&card, 0, sizeof(card));
    cm_options_init(&card.options, tool, &cm_verb_require_card, argc, argv);
    next = read_options(&card);
    if (next != CM_NEXT_END)
        return next == CM_NEXT_HELP ? CM_EXIT_YES : CM_EXIT_USAGE;
    if (!check_options(&card))
        return CM_EXIT_USAGE;
    code = prepare(&card);
    if (code == CM_EXIT_YES)
        code = card.undo ? lift(&card) : restrict_account(&card);
    clear(&card);
    return code;
}
