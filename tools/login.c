/*
 * certmap login [NAME]: a ticket for whoever holds the card.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "login_choose.h"
#include "login_command.h"
#include "password.h"
#include "policy.h"

enum {
    OPTION_SHA256 = CM_OPTION_OWN,
    OPTION_LIST,
    OPTION_CACHE,
    OPTION_RENEWABLE,
    OPTION_ANCHORS
};

static const struct option login_options[] = {
    {"identity", required_argument, NULL, 'I'},
    {"sha256", required_argument, NULL, OPTION_SHA256},
    {"list", no_argument, NULL, OPTION_LIST},
    {"armor", required_argument, NULL, 'T'},
    {"cache", required_argument, NULL, OPTION_CACHE},
    {"lifetime", required_argument, NULL, 'l'},
    {"renewable", required_argument, NULL, OPTION_RENEWABLE},
    {"forwardable", no_argument, NULL, 'f'},
    {"anchors", required_argument, NULL, OPTION_ANCHORS},
    CM_COMMON_OPTIONS};

static enum cm_exit run_login(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_login = {
    "login",
    "[NAME]",
    "log in with a card, without typing a name",
    "  -I, --identity SPEC     pkcs11:..., CERT.pem[,KEY.pem] or a PKCS#12 "
    "file,\n"
    "                          instead of every card in the readers\n"
    "      --sha256 DIGITS     the certificate whose SHA-256 begins so\n"
    "      --list              show the certificates, and log in with none\n"
    "      --cache NAME        where tickets go, instead of the default\n"
    "  -l, --lifetime TIME     of the ticket, such as 10h\n"
    "      --renewable TIME    ask for a ticket that can be renewed so long\n"
    "  -f, --forwardable       ask for a ticket that can be forwarded\n"
    "  -T, --armor CACHE       armor with its ticket (FAST)\n"
    "      --anchors SPEC      who vouches for the KDC: FILE:... or DIR:...\n",
    login_options,
    run_login,
    "I:T:l:f",
};

/* ---- The command line ---- */

static bool
set_duration(struct cm_login_order *order, int32_t *slot, const char *name,
             const char *value)
{
    struct cm_tool *tool = order->options.tool;
    int64_t seconds = 0;

    if (*slot != 0) {
        cm_tool_error(tool, "%s may be given once", name);
        return false;
    }
    if (!cm_policy_parse_duration(value, &seconds, NULL) || seconds <= 0 ||
        seconds > INT32_MAX) {
        cm_tool_error(tool,
                      "%s %s is no duration; write a number and its unit, "
                      "such as 90m, 10h or 7d",
                      name, value);
        return false;
    }
    *slot = (int32_t)seconds;
    return true;
}

static bool
take_option(struct cm_login_order *order, int code, const char *value)
{
    struct cm_options *options = &order->options;

    switch (code) {
    case 'I':
        return cm_options_once(options, &order->identity, "--identity", value);
    case OPTION_SHA256:
        return cm_options_once(options, &order->sha256, "--sha256", value);
    case 'T':
        return cm_options_once(options, &order->armor, "--armor", value);
    case OPTION_CACHE:
        return cm_options_once(options, &order->cache, "--cache", value);
    case OPTION_ANCHORS:
        return cm_options_once(options, &order->anchors, "--anchors", value);
    case 'l':
        return set_duration(order, &order->lifetime, "--lifetime", value);
    case OPTION_RENEWABLE:
        return set_duration(order, &order->renewable, "--renewable", value);
    case 'f':
        order->forwardable = true;
        return true;
    default:
        order->list = true;
        return true;
    }
}

static const char *
find_fault(const struct cm_login_order *order)
{
    if (order->options.operand_count > 1)
        return "one NAME at most: certmap login [NAME]";
    if (order->typed != NULL && order->typed[0] == '\0')
        return "NAME is empty; leave it out";
    if (order->sha256 != NULL && !cm_login_prefix_is_valid(order->sha256))
        return "--sha256 takes 4 to 64 hexadecimal digits";
    if (order->anchors != NULL && strncmp(order->anchors, "FILE:", 5) != 0 &&
        strncmp(order->anchors, "DIR:", 4) != 0)
        return "--anchors takes FILE:PATH or DIR:PATH";
    if (order->identity != NULL &&
        cm_login_kind(order->identity) == CM_LOGIN_CARD)
        return cm_login_uri_fault(order->identity);
    return NULL;
}

/* CM_NEXT_END, _HELP or _ERROR. */
static enum cm_next
read_options(struct cm_login_order *order)
{
    struct cm_options *options = &order->options;
    const char *value, *fault;
    enum cm_next next;
    int code;

    while ((next = cm_options_next(options, &code, &value)) == CM_NEXT_OWN) {
        if (!take_option(order, code, value))
            return CM_NEXT_ERROR;
    }
    if (next != CM_NEXT_END)
        return next;
    order->typed = options->operand_count > 0 ? options->operands[0] : NULL;
    fault = find_fault(order);
    if (fault != NULL)
        cm_tool_error(options->tool, "%s", fault);
    return fault == NULL ? CM_NEXT_END : CM_NEXT_ERROR;
}

/* ---- The certificate ---- */

static bool
ask_password(void *arg, const char *prompt, char *out, size_t size,
             struct cm_detail *detail)
{
    (void)arg;
    return cm_password_ask(prompt, out, size, detail);
}

static bool
gather_file(const struct cm_login_order *order, int64_t now,
            struct cm_login_identities *out, struct cm_login_answer *answer)
{
    bool given_up = false;

    if (cm_login_file(order->identity, now, ask_password, NULL, out, &given_up,
                      &answer->said))
        return true;
    if (given_up)
        cm_login_answer_unasked(answer);
    else
        cm_login_answer_own(answer, CM_LOGIN_NO_FILE);
    return false;
}

/* False: there is nothing to choose from; the answer says why. */
static bool
gather(const struct cm_login_order *order, struct cm_login_identities *out,
       struct cm_login_answer *answer)
{
    int64_t now = cm_options_now(&order->options);

    if (order->identity != NULL &&
        cm_login_kind(order->identity) != CM_LOGIN_CARD)
        return gather_file(order, now, out, answer);
    if (!cm_login_cards(order->identity, now, out, &answer->said))
        cm_login_answer_own(answer, CM_LOGIN_NO_CARD);
    else if (out->count == 0)
        cm_login_answer_own(answer, CM_LOGIN_NO_CERTIFICATE);
    else
        cm_detail_set(&answer->said, "%s", ""); /* of a card passed over */
    return out->count > 0;
}

/* Why none will do: that all have run out is the plain case. */
static enum cm_login_own
why_none(const struct cm_login_order *order,
         const struct cm_login_identities *identities)
{
    bool usable = false, expired = true;

    for (size_t i = 0; i < identities->count; i++) {
        usable = usable || identities->list[i].usable;
        expired = expired && identities->list[i].expired;
    }
    if (usable && order->sha256 != NULL)
        return CM_LOGIN_NOT_FOUND;
    return expired ? CM_LOGIN_EXPIRED : CM_LOGIN_NOT_USABLE;
}

/* Asks which; false: nobody says. */
static bool
ask_which(const struct cm_login_identities *identities, size_t *index,
          struct cm_login_answer *answer)
{
    int terminal = cm_login_terminal();
    bool chosen;

    if (terminal < 0) {
        cm_login_answer_own(answer, CM_LOGIN_SEVERAL);
        answer->show = answer->has_usable = true;
        return false;
    }
    chosen = cm_login_choose(terminal, identities, index);
    (void)close(terminal);
    if (!chosen)
        cm_login_answer_own(answer, CM_LOGIN_NOT_CHOSEN);
    return chosen;
}

static bool
choose(const struct cm_login_order *order,
       const struct cm_login_identities *identities,
       struct cm_login_answer *answer)
{
    size_t index = 0;

    switch (cm_login_find(identities, order->sha256, &index)) {
    case CM_LOGIN_FOUND_ONE:
        break;
    case CM_LOGIN_FOUND_NONE:
        cm_login_answer_own(answer, why_none(order, identities));
        answer->show = true;
        return false;
    case CM_LOGIN_FOUND_SEVERAL:
        if (!ask_which(identities, &index, answer))
            return false;
        break;
    }
    answer->identity = &identities->list[index];
    return true;
}

static enum cm_exit
run_login(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_login_order order = {.identity = NULL};
    struct cm_login_identities identities = {NULL, 0};
    struct cm_login_answer answer = {.code = CM_EXIT_NO};
    enum cm_next next;
    enum cm_exit code;
    bool gathered;

    cm_options_init(&order.options, tool, &cm_verb_login, argc, argv);
    next = read_options(&order);
    if (next != CM_NEXT_END)
        return next == CM_NEXT_HELP ? CM_EXIT_YES : CM_EXIT_USAGE;
    gathered = gather(&order, &identities, &answer);
    if (gathered && !order.list && choose(&order, &identities, &answer))
        cm_login_go(&order, answer.identity, &answer);
    code = gathered && order.list
               ? cm_login_list(&order, &identities)
               : cm_login_print(&order, &identities, &answer);
    cm_login_result_clear(&answer.result);
    cm_login_identities_clear(&identities);
    return code;
}
