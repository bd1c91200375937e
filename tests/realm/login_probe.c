/*
 * One AS exchange of certmap login, by words:
 *
 *     login_probe WORD=VALUE ...
 *
 * name=KIND:TEXT (principal, upn or x500; several), identity=, realm=,
 * anchors=, armor=, cache=, lifetime=, renewable=, flags= ("f", "p", "fp"),
 * secret= (without it the user gives up).  Prints WORD=VALUE lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "login_exchange.h"
#include "login_words.h"

enum { MAX_NAMES = CM_LOGIN_MAX_NAMES + 1 };

struct user {
    const char *secret;
    unsigned asked;
    char prompt[512];
};

static void
give_up(const char *what)
{
    fprintf(stderr, "login_probe: %s\n", what);
    exit(2);
}

static bool
give_secret(void *arg, const char *prompt, char *out, size_t size)
{
    struct user *user = arg;

    user->asked++;
    (void)snprintf(user->prompt, sizeof(user->prompt), "%s", prompt);
    if (user->secret == NULL || strlen(user->secret) >= size)
        return false;
    memcpy(out, user->secret, strlen(user->secret) + 1);
    return true;
}

static void
add_name(struct cm_login_request *request, struct cm_login_name *names,
         const char *value)
{
    static const char *const KINDS[] = {
        [CM_LOGIN_PRINCIPAL] = "principal:",
        [CM_LOGIN_ENTERPRISE] = "upn:",
        [CM_LOGIN_X500] = "x500:",
    };
    size_t i;

    for (i = 0; i < sizeof(KINDS) / sizeof(*KINDS); i++) {
        if (request->name_count == MAX_NAMES ||
            strncmp(value, KINDS[i], strlen(KINDS[i])) != 0)
            continue;
        names[request->name_count++] = (struct cm_login_name){
            .kind = (enum cm_login_name_kind)i,
            .text = value + strlen(KINDS[i]),
        };
        return;
    }
    give_up(value);
}

static void
take_word(struct cm_login_request *request, struct cm_login_name *names,
          const char *word)
{
    const char *value = strchr(word, '=');
    size_t len;

    if (value == NULL)
        give_up(word);
    len = (size_t)(value++ - word);
#define IS(text) (strlen(text) == len && memcmp(word, text, len) == 0)
    if (IS("name"))
        add_name(request, names, value);
    else if (IS("identity"))
        request->identity = value;
    else if (IS("realm"))
        request->realm = value;
    else if (IS("anchors"))
        request->anchors = value;
    else if (IS("armor"))
        request->armor = value;
    else if (IS("cache"))
        request->cache = value;
    else if (IS("lifetime"))
        request->lifetime = atoi(value);
    else if (IS("renewable"))
        request->renewable = atoi(value);
    else if (IS("secret"))
        ((struct user *)request->secret_arg)->secret = value;
    else if (!IS("flags"))
        give_up(word);
    if (IS("flags")) {
        request->forwardable = strchr(value, 'f') != NULL;
        request->proxiable = strchr(value, 'p') != NULL;
    }
#undef IS
}

static void
report(const struct cm_login_result *result, const struct user *user)
{
    static const char *const ENDS[] = {
        [CM_LOGIN_DONE] = "done",
        [CM_LOGIN_REFUSED] = "refused",
        [CM_LOGIN_UNREACHABLE] = "unreachable",
        [CM_LOGIN_GIVEN_UP] = "given-up",
        [CM_LOGIN_CLIENT] = "client",
    };
    static const char *const FAULTS[] = {
        [CM_LOGIN_FAULT_NONE] = "",
        [CM_LOGIN_FAULT_OTHER] = "other",
        [CM_LOGIN_FAULT_NAME] = "name",
        [CM_LOGIN_FAULT_MODULE] = "module",
        [CM_LOGIN_FAULT_ANCHORS] = "anchors",
        [CM_LOGIN_FAULT_IDENTITY] = "identity",
        [CM_LOGIN_FAULT_VALIDITY] = "validity",
        [CM_LOGIN_FAULT_PATH] = "path",
        [CM_LOGIN_FAULT_LOCKED] = "locked",
        [CM_LOGIN_FAULT_NOT_OFFERED] = "not-offered",
        [CM_LOGIN_FAULT_NO_PREAUTH] = "no-preauth",
        [CM_LOGIN_FAULT_KDC_CERTIFICATE] = "kdc-certificate",
        [CM_LOGIN_FAULT_KDC_NAME] = "kdc-name",
        [CM_LOGIN_FAULT_CLOCK] = "clock",
        [CM_LOGIN_FAULT_ARMOR] = "armor",
        [CM_LOGIN_FAULT_REALM] = "realm",
        [CM_LOGIN_FAULT_REPLY] = "reply",
        [CM_LOGIN_FAULT_CACHE] = "cache",
    };

    struct cm_login_words words;

    printf("end=%s\nfault=%s\nnumber=%d\nname=%zu\nreference=%s\n",
           ENDS[result->end], FAULTS[result->fault], result->number,
           result->name, result->reference);
    printf("said=%s\nprincipal=%s\ncache=%s\nends=%lld\nrenew_until=%lld\n",
           result->said.text, result->principal ? result->principal : "",
           result->cache ? result->cache : "", (long long)result->ends,
           (long long)result->renew_until);
    words = cm_login_words(result, false);
    printf("token=%s\nasked=%u\nprompt=%s\n", words.token, user->asked,
           user->prompt);
}

int
main(int argc, char **argv)
{
    struct cm_login_name names[MAX_NAMES];
    struct user user = {0};
    struct cm_login_request request = {
        .names = names,
        .secret = give_secret,
        .secret_arg = &user,
    };
    struct cm_login_result result;
    int i;

    for (i = 1; i < argc; i++)
        take_word(&request, names, argv[i]);
    if (request.identity == NULL)
        give_up("no identity");
    cm_login_exchange(&request, &result);
    report(&result, &user);
    cm_login_result_clear(&result);
    return 0;
}
