/*
 * What certmap require-card says.
 */
#include "require_card.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"

void
cm_cardonly_warn(struct cm_cardonly *card, const char *token, const char *text)
{
    if (card->warning_count < CM_CARDONLY_MAX_WARNINGS)
        card->warnings[card->warning_count++] =
            (struct cm_cardonly_warning){token, text};
}

/* ---- The same by kadmin.local(8) ---- */

static void
add_principal(struct cm_buf *out, const struct cm_cardonly *card)
{
    cm_buf_add_text(out, " \"");
    for (const char *c = card->principal.text; *c != '\0'; c++) {
        if (*c == '"')
            cm_buf_add_char(out, '"');
        cm_buf_add_char(out, *c);
    }
    cm_buf_add_char(out, '"');
}

static void
add_command(struct cm_buf *out, const struct cm_cardonly *card,
            const char *words, const char *rest)
{
    cm_buf_add_text(out, words);
    add_principal(out, card);
    cm_buf_addf(out, "%s\n", rest);
}

static void
plan(const struct cm_cardonly *card, const struct cm_kdb_change *change,
     struct cm_buf *out)
{
    struct cm_buf flags = CM_BUF_INIT, marker = CM_BUF_INIT;

    if (card->state == CM_CARDONLY_NOTHING_TO_DO)
        return;
    cm_buf_add_text(&flags, "modify_principal");
    if (change->preauth_on)
        cm_buf_add_text(&flags, " +requires_preauth");
    if (change->hwauth_on)
        cm_buf_add_text(&flags, " +requires_hwauth");
    if (change->hwauth_off)
        cm_buf_add_text(&flags, " -requires_hwauth");
    if (change->random_keys) {
        add_command(out, card, "change_password -randkey", "");
        cm_buf_add_text(&flags, " -needchange -pwexpire never");
    }
    if (change->preauth_on || change->hwauth_on || change->hwauth_off ||
        change->random_keys)
        add_command(out, card, flags.failed ? "" : flags.data, "");
    cm_buf_addf(&marker, " %s", CM_KDB_CARD_STRING);
    if (change->set_count > 0 && change->set[0].value != NULL)
        cm_buf_addf(&marker, " \"%s\"", change->set[0].value);
    if (change->set_count > 0)
        add_command(out, card,
                    change->set[0].value != NULL ? "set_string" : "del_string",
                    marker.failed ? "" : marker.data);
    out->failed = out->failed || flags.failed || marker.failed;
    cm_buf_clear(&flags);
    cm_buf_clear(&marker);
}

/* ---- Words ---- */

static const char *
action_of(const struct cm_cardonly *card)
{
    if (card->state == CM_CARDONLY_NOTHING_TO_DO)
        return card->undo ? "not-restricted" : "present";
    if (card->dry_run)
        return card->undo ? "would-lift" : "would-restrict";
    return card->undo ? "lifted" : "restricted";
}

static const char *
method_of(const struct cm_cardonly *card)
{
    return card->method == CM_CARDONLY_HWAUTH ? "hwauth" : "randkey";
}

static void
print_lifted(const struct cm_cardonly *card, FILE *out)
{
    if (card->state == CM_CARDONLY_NOTHING_TO_DO) {
        fputs(" was not restricted to cards; nothing was changed.\n", out);
        return;
    }
    fputs(" is no longer restricted to cards.\n", out);
    if (card->keys_are_random)
        fputs("No password opens it until a new password is set:\n", out);
    else
        fputs("Its old password works again.  A new password is set with:\n",
              out);
    fputs("  kadmin.local cpw ", out);
    cm_output_text(out, card->principal.text);
    fputc('\n', out);
}

static void
print_restricted(const struct cm_cardonly *card, FILE *out)
{
    if (card->state == CM_CARDONLY_NOTHING_TO_DO)
        fputs(" logs in by card only already; nothing was changed.\n", out);
    else
        fputs(" logs in by card only from now on.\n", out);
    if (card->method == CM_CARDONLY_HWAUTH)
        fputs("Its entry requires hardware: only a card that fulfils "
              "hw_authent gets in.\nWith a password kinit says "
              "\"Pre-authentication failed\".\n",
              out);
    else
        fputs("No password yields its keys.  With one kinit says \"Password "
              "incorrect\".\nTickets that were issued before stay valid "
              "until they end.\n",
              out);
}

static enum cm_exit
print_text(const struct cm_cardonly *card, const struct cm_buf *commands)
{
    FILE *out = card->options.tool->out;

    for (size_t i = 0; i < card->warning_count; i++)
        cm_tool_error(card->options.tool, "warning: %s",
                      card->warnings[i].text);
    if (card->dry_run && card->state != CM_CARDONLY_NOTHING_TO_DO) {
        fputs(commands->data != NULL ? commands->data : "", out);
        return CM_EXIT_YES;
    }
    cm_output_text(out, card->principal.text);
    if (card->undo)
        print_lifted(card, out);
    else
        print_restricted(card, out);
    return CM_EXIT_YES;
}

static enum cm_exit
print_json(const struct cm_cardonly *card, const struct cm_buf *commands)
{
    json_t *o = json_object(), *warnings = json_array();

    for (size_t i = 0; i < card->warning_count; i++)
        cm_json_append(&warnings, cm_json_text(card->warnings[i].token));
    cm_json_set(&o, "principal", cm_json_text(card->principal.text));
    cm_json_set(&o, "action", cm_json_text(action_of(card)));
    cm_json_set(&o, "method", cm_json_text(method_of(card)));
    cm_json_set(&o, "password_needed",
                json_boolean(card->undo && card->keys_are_random));
    cm_json_set(&o, "change", cm_json_text(commands->data));
    cm_json_set(&o, "warnings", warnings);
    return cm_json_print(o, card->options.tool->out) ? CM_EXIT_YES
                                                     : CM_EXIT_UNAVAILABLE;
}

enum cm_exit
cm_cardonly_print(const struct cm_cardonly *card,
                  const struct cm_kdb_change *change)
{
    struct cm_buf commands = CM_BUF_INIT;
    enum cm_exit code = CM_EXIT_UNAVAILABLE;

    plan(card, change, &commands);
    if (!commands.failed)
        code = card->options.json ? print_json(card, &commands)
                                  : print_text(card, &commands);
    if (code == CM_EXIT_UNAVAILABLE)
        cm_tool_error(card->options.tool, "out of memory");
    cm_buf_clear(&commands);
    return code;
}
