#include "login_command.h"

#include <string.h>
#include <unistd.h>

#include "login_choose.h"
#include "output.h"
#include "timetext.h"

enum { MAX_NUMBER = 64 }; /* bytes */

static const struct {
    enum cm_exit code;
    struct cm_login_words words;
} ends[] = {
    [CM_LOGIN_NO_CARD] = {CM_EXIT_UNAVAILABLE,
                          {"no-card", "No card can be read.",
                           "Insert your card, or name a file with -I."}},
    [CM_LOGIN_NO_CERTIFICATE] =
        {CM_EXIT_NO,
         {"no-certificate",
          "The card holds no certificate that can be seen without its PIN.",
          ""}},
    [CM_LOGIN_NO_FILE] = {CM_EXIT_USAGE,
                          {"no-file", "The file cannot be used.", ""}},
    [CM_LOGIN_NOT_USABLE] = {CM_EXIT_NO,
                             {"not-usable",
                              "No certificate can be used to log in.", ""}},
    [CM_LOGIN_EXPIRED] =
        {CM_EXIT_NO,
         {"expired", "The certificate is not valid today.",
          "Ask for a new card, and see that this machine's clock is right."}},
    [CM_LOGIN_NOT_FOUND] =
        {CM_EXIT_USAGE,
         {"not-found", "No certificate that can be used has such a SHA-256.",
          ""}},
    [CM_LOGIN_SEVERAL] =
        {CM_EXIT_USAGE,
         {"several",
          "Several certificates can be used, and there is no terminal to ask "
          "on.",
          "Say which one with -I or --sha256."}},
    [CM_LOGIN_NOT_CHOSEN] = {CM_EXIT_NO,
                             {"not-chosen", "No certificate was chosen.", ""}},
    [CM_LOGIN_NO_NAME] =
        {CM_EXIT_NO,
         {"no-name",
          "The certificate holds nothing that a KDC could know its holder by.",
          "Type your name: certmap login NAME."}},
    [CM_LOGIN_NO_PIN] = {CM_EXIT_NO, {"given-up", "No PIN was given.", ""}},
    [CM_LOGIN_NO_TERMINAL] =
        {CM_EXIT_USAGE,
         {"no-terminal",
          "A PIN or a password is needed, and there is no terminal to ask on.",
          "Log in on a terminal, or name a file with the PIN by pin-source in "
          "-I."}},
    [CM_LOGIN_NO_PIN_FILE] = {CM_EXIT_USAGE,
                              {"no-pin-file",
                               "The file with the PIN cannot be used.", ""}},
    [CM_LOGIN_LAST_TRY] =
        {CM_EXIT_NO,
         {"last-try",
          "One try is left before the card locks, and it is not spent on a "
          "PIN from a file.",
          "Type the PIN: leave pin-source out."}},
    [CM_LOGIN_CARD_KEY] =
        {CM_EXIT_USAGE,
         {"card-key",
          "The PIN is right, and libkrb5 cannot use the card's key.",
          "Ask the help desk; older versions of libkrb5 use RSA keys in cards "
          "alone."}},
    [CM_LOGIN_NO_MEMORY] = {CM_EXIT_UNAVAILABLE,
                            {"no-memory", "Out of memory.", ""}},
};

void
cm_login_answer_own(struct cm_login_answer *answer, enum cm_login_own end)
{
    answer->code = ends[end].code;
    answer->words = ends[end].words;
}

void
cm_login_answer_unasked(struct cm_login_answer *answer)
{
    int terminal = cm_login_terminal();

    cm_login_answer_own(answer,
                        terminal < 0 ? CM_LOGIN_NO_TERMINAL : CM_LOGIN_NO_PIN);
    cm_detail_set(&answer->said, "%s", ""); /* no more than that */
    if (terminal >= 0)
        (void)close(terminal);
}

/* ---- JSON ---- */

static json_t *
json_identity(const struct cm_login_identity *identity)
{
    const struct cm_certificate *cert = &identity->cert;
    bool decoded = identity->decoded;
    json_t *o = json_object();

    cm_json_set(&o, "who", cm_json_text(identity->who));
    cm_json_set(&o, "issuer",
                cm_json_text(decoded ? cert->issuer_rfc4514 : NULL));
    cm_json_set(&o, "not_after",
                decoded ? cm_json_time(cert->not_after) : json_null());
    cm_json_set(&o, "sha256",
                decoded ? cm_json_hex(cert->sha256, sizeof(cert->sha256))
                        : json_null());
    cm_json_set(&o, "where", cm_json_text(identity->where));
    cm_json_set(&o, "identity", cm_json_text(identity->value));
    cm_json_set(&o, "usable", json_boolean(identity->usable));
    cm_json_set(&o, "why",
                cm_json_text(identity->usable ? NULL : identity->why.text));
    return o;
}

static json_t *
json_identities(const struct cm_login_identities *identities, bool usable)
{
    json_t *array = json_array();

    for (size_t i = 0; i < identities->count; i++) {
        if (!usable || identities->list[i].usable)
            cm_json_append(&array, json_identity(&identities->list[i]));
    }
    return array;
}

/* Text that is not there is null. */
static json_t *
json_if(const char *text)
{
    return cm_json_text(text == NULL || text[0] == '\0' ? NULL : text);
}

static json_t *
json_when(int64_t when)
{
    return when == 0 ? json_null() : cm_json_time(when);
}

static bool
print_json(const struct cm_login_identities *identities,
           const struct cm_login_answer *answer, FILE *out)
{
    const struct cm_login_result *result = &answer->result;
    json_t *o = json_object();

    cm_json_set(&o, "token", cm_json_text(answer->words.token));
    cm_json_set(&o, "text", json_if(answer->words.text));
    cm_json_set(&o, "next", json_if(answer->words.next));
    cm_json_set(&o, "said", json_if(answer->said.text));
    cm_json_set(&o, "number", json_integer(result->number));
    cm_json_set(&o, "reference", json_if(result->reference));
    cm_json_set(&o, "principal", json_if(result->principal));
    cm_json_set(&o, "cache", json_if(result->cache));
    cm_json_set(&o, "expires", json_when(result->ends));
    cm_json_set(&o, "renew_until", json_when(result->renew_until));
    cm_json_set(&o, "certificate",
                answer->identity == NULL ? json_null()
                                         : json_identity(answer->identity));
    if (answer->show)
        cm_json_set(&o, "certificates",
                    json_identities(identities, answer->has_usable));
    return cm_json_print(o, out);
}

/* ---- For people ---- */

static void
print_ticket(const struct cm_login_result *result, FILE *out)
{
    char ends_at[CM_TIME_TEXT], renew[CM_TIME_TEXT];

    cm_time_text(result->ends, ends_at);
    cm_time_text(result->renew_until, renew);
    fputs("Ticket for ", out);
    cm_output_text(out, result->principal);
    fprintf(out, " until %s", ends_at);
    if (result->renew_until != 0)
        fprintf(out, ", renewable until %s", renew);
    fputs(" in ", out);
    cm_output_text(out, result->cache);
    fputc('\n', out);
}

static void
print_line(FILE *out, const char *before, const char *text)
{
    if (text[0] == '\0')
        return;
    fputs(before, out);
    cm_output_text(out, text);
    fputc('\n', out);
}

/* With a reference whoever runs the KDC finds more than stands here. */
static void
print_details(FILE *out, const struct cm_login_answer *answer)
{
    char number[MAX_NUMBER];

    (void)snprintf(number, sizeof(number),
                   "Details: error %d: ", answer->result.number);
    if (answer->result.reference[0] != '\0')
        print_line(out, "Reference: ", answer->result.reference);
    else
        print_line(out, answer->result.number == 0 ? "Details: " : number,
                   answer->said.text);
}

static void
print_refusal(struct cm_tool *tool,
              const struct cm_login_identities *identities,
              const struct cm_login_answer *answer)
{
    cm_tool_error(tool, "%s", answer->words.text);
    print_line(tool->err, "", answer->words.next);
    print_details(tool->err, answer);
    if (answer->show)
        cm_login_show(tool->err, identities, answer->has_usable);
}

static enum cm_exit
out_of_memory(struct cm_tool *tool)
{
    cm_tool_error(tool, "out of memory");
    return CM_EXIT_UNAVAILABLE;
}

enum cm_exit
cm_login_print(const struct cm_login_order *order,
               const struct cm_login_identities *identities,
               const struct cm_login_answer *answer)
{
    struct cm_tool *tool = order->options.tool;

    if (order->options.json && !print_json(identities, answer, tool->out))
        return out_of_memory(tool);
    if (!order->options.json && answer->code == CM_EXIT_YES)
        print_ticket(&answer->result, tool->out);
    else if (!order->options.json)
        print_refusal(tool, identities, answer);
    return answer->code;
}

enum cm_exit
cm_login_list(const struct cm_login_order *order,
              const struct cm_login_identities *identities)
{
    struct cm_tool *tool = order->options.tool;
    enum cm_exit code = CM_EXIT_NO;

    for (size_t i = 0; i < identities->count; i++) {
        if (identities->list[i].usable)
            code = CM_EXIT_YES;
    }
    if (!order->options.json)
        cm_login_show(tool->out, identities, false);
    else if (!cm_json_print(json_identities(identities, false), tool->out))
        return out_of_memory(tool);
    return code;
}
