#include "login_words.h"

#include <stddef.h>

#define HELP "Ask the help desk."
#define TYPE_NAME "Type the name of your account: certmap login NAME."
#define LATER "Try again in a minute; if it stays so, ask the help desk."
#define OTHER_CARD                                                            \
    "Log in with another certificate, or ask the help desk for a new one."

/* What the KDC's numbers mean to somebody with a card.  Some stand for
 * several reasons (reason.h): then the words name them all. */
struct refusal {
    int number; /* RFC 4120 section 7.5.9, RFC 4556 section 3.1.3 */
    struct cm_login_words words;
    struct cm_login_words given; /* of a typed name; all NULL: the same */
};

static const struct refusal REFUSALS[] = {
    {1,
     {"account-expired", "The account has expired.", HELP},
     {NULL, NULL, NULL}},
    {2,
     {"realm-expired", "The realm's own key has expired.", HELP},
     {NULL, NULL, NULL}},
    {3,
     {"version", "The KDC does not speak this version of the protocol.", HELP},
     {NULL, NULL, NULL}},
    {6,
     {"no-account", "The KDC knows no account for this certificate.",
      TYPE_NAME},
     {"no-account", "The KDC knows no account of this name.",
      "Check how the name is written, or leave it out: the certificate may be "
      "enough."}},
    {7,
     {"no-realm", "The KDC does not serve this realm.",
      "Check the realm, and krb5.conf."},
     {NULL, NULL, NULL}},
    {8,
     {"several-accounts", "More than one account has this name.", TYPE_NAME},
     {"several-accounts", "More than one account has this name.", HELP}},
    {9,
     {"no-key", "The account has no key that the KDC could use.", HELP},
     {NULL, NULL, NULL}},
    {11,
     {"never-valid", "The tickets would never be valid.",
      "Check this computer's clock, and the lifetime that was asked for."},
     {NULL, NULL, NULL}},
    {12,
     {"policy", "The KDC's policy does not allow this login.", HELP},
     {NULL, NULL, NULL}},
    {13,
     {"option", "The KDC does not grant what was asked for.",
      "Try again without options."},
     {NULL, NULL, NULL}},
    {14,
     {"encryption",
      "The KDC has no key for the encryption of this computer: perhaps the "
      "account has none, and does not require preauthentication.",
      HELP},
     {NULL, NULL, NULL}},
    {16,
     {"not-offered", "The KDC takes no certificates.", HELP},
     {NULL, NULL, NULL}},
    {18,
     {"account-locked", "The account is disabled or locked.", HELP},
     {NULL, NULL, NULL}},
    {21,
     {"account-not-yet", "The account is not valid yet.", HELP},
     {NULL, NULL, NULL}},
    {23,
     {"password-expired",
      "The account's password has expired, and the KDC wants a new one first.",
      "Change it with kpasswd, or ask the help desk to make the account "
      "card-only."},
     {NULL, NULL, NULL}},
    {24,
     {"not-checked",
      "The KDC could not check the login: it, or the directory, has a fault, "
      "or is busy.",
      LATER},
     {NULL, NULL, NULL}},
    {25,
     {"more-wanted",
      "The KDC wants more than this certificate, perhaps a key in a card.",
      "Use a card instead of a file, or ask the help desk."},
     {NULL, NULL, NULL}},
    {29,
     {"unavailable", "The KDC is not available just now.", LATER},
     {NULL, NULL, NULL}},
    {31,
     {"integrity", "The KDC could not read what this computer sent.", LATER},
     {NULL, NULL, NULL}},
    {32,
     {"armor-expired", "The tickets that armor the login have expired.",
      "Get new ones, or log in without them."},
     {NULL, NULL, NULL}},
    {37,
     {"clock", "This computer's clock and the KDC's differ too much.",
      "Set this computer's clock, then try again."},
     {NULL, NULL, NULL}},
    {41,
     {"modified", "The KDC received something else than was sent.", LATER},
     {NULL, NULL, NULL}},
    {44,
     {"armor-unknown", "The KDC cannot read the tickets that armor the login.",
      "Get new ones, or log in without them."},
     {NULL, NULL, NULL}},
    {52,
     {"too-big", "The KDC's answer does not fit into a datagram.",
      "Have TCP to port 88 of the KDC allowed."},
     {NULL, NULL, NULL}},
    {60,
     {"kdc-fault", "The KDC has a fault, or the account cannot log in so.",
      LATER},
     {NULL, NULL, NULL}},
    {61,
     {"too-long", "A field of the request is too long for the KDC.", HELP},
     {NULL, NULL, NULL}},
    {62,
     {"not-trusted",
      "The certificate's issuer may not issue certificates for logging in "
      "here, or the account is disabled.",
      OTHER_CARD},
     {NULL, NULL, NULL}},
    {63,
     {"kdc-not-trusted", "The KDC says that it is not trusted itself.", HELP},
     {NULL, NULL, NULL}},
    {64,
     {"signature", "The KDC could not verify the signature.", OTHER_CARD},
     {NULL, NULL, NULL}},
    {65,
     {"key-parameters",
      "The KDC does not take this computer's Diffie-Hellman parameters.",
      "Have pkinit_dh_min_bits in krb5.conf checked."},
     {NULL, NULL, NULL}},
    {66,
     {"mismatch",
      "The certificate is not bound to the account strongly enough, or not to "
      "this one, or the KDC found more than one.",
      "If you have several accounts, type the name of one: certmap login "
      "NAME.  If not, ask the help desk to bind the certificate to it."},
     {"mismatch",
      "The certificate is not bound to this account strongly enough, or it is "
      "another's.",
      "Ask the help desk to bind the certificate to the account."}},
    {68,
     {"wrong-realm", "The account is of another realm.",
      "Type the name with its realm: certmap login NAME@REALM."},
     {NULL, NULL, NULL}},
    {70,
     {"path-untrusted",
      "The KDC found no path from the certificate to a CA that it trusts.",
      OTHER_CARD},
     {NULL, NULL, NULL}},
    {71,
     {"certificate-invalid",
      "The certificate has expired or is not valid yet, is damaged, or is too "
      "weak.",
      OTHER_CARD},
     {NULL, NULL, NULL}},
    {72,
     {"revoked", "The certificate is revoked or on hold.",
      "Ask the help desk for a new one."},
     {NULL, NULL, NULL}},
    {73,
     {"status-unknown",
      "The KDC found nothing current about whether the certificate is "
      "revoked.",
      HELP},
     {NULL, NULL, NULL}},
    {74,
     {"status-unavailable",
      "The KDC could not learn in time whether the certificate is revoked.",
      LATER},
     {NULL, NULL, NULL}},
    {75,
     {"not-mapped",
      "The KDC found no account that this certificate belongs to, or several.",
      TYPE_NAME},
     {"not-mapped",
      "The certificate does not belong to this account, as far as the KDC "
      "knows.",
      "Check the name, or ask the help desk to bind the certificate to the "
      "account."}},
    {76,
     {"kdc-name", "The KDC's certificate is not that of this realm's KDC.",
      HELP},
     {NULL, NULL, NULL}},
    {77,
     {"key-purpose", "The certificate is not one for logging in.",
      "Log in with another certificate."},
     {NULL, NULL, NULL}},
    {78,
     {"digest", "The certificate's signature uses a digest that is too weak.",
      OTHER_CARD},
     {NULL, NULL, NULL}},
    {79,
     {"checksum", "The KDC wants a checksum that libkrb5 did not send.", HELP},
     {NULL, NULL, NULL}},
    {80,
     {"signature-digest",
      "The signature of the request uses a digest that the KDC does not take.",
      HELP},
     {NULL, NULL, NULL}},
    {81,
     {"key-encryption", "The KDC does not encrypt to public keys.", HELP},
     {NULL, NULL, NULL}},
    {90,
     {"took-too-long", "The login took too long.", "Try again."},
     {NULL, NULL, NULL}},
};

static const struct cm_login_words REFUSED = {
    "refused", "The KDC refused the login for a reason of its own.", HELP};

static const struct cm_login_words FAULTS[] = {
    [CM_LOGIN_FAULT_NONE] = {"client", "The login failed on this computer.",
                             HELP},
    [CM_LOGIN_FAULT_OTHER] = {"client", "The login failed on this computer.",
                              HELP},
    [CM_LOGIN_FAULT_NAME] = {"bad-name", "This cannot be an account's name.",
                             "Check how the name is written."},
    [CM_LOGIN_FAULT_MODULE] =
        {"no-pkinit", "This computer's Kerberos cannot use certificates.",
         "Have libkrb5's PKINIT module installed (Debian: krb5-pkinit)."},
    [CM_LOGIN_FAULT_ANCHORS] =
        {"no-anchors",
         "The CA certificates by which this computer knows its KDC are "
         "missing, or cannot be read.",
         "Have pkinit_anchors and pkinit_pool in krb5.conf checked."},
    [CM_LOGIN_FAULT_IDENTITY] =
        {"identity",
         "The certificate or its key cannot be used: the PIN or password may "
         "be wrong.",
         "Try again; if it stays so, ask the help desk."},
    [CM_LOGIN_FAULT_VALIDITY] =
        {"expired",
         "The certificate, or that of its CA, has expired or is not valid "
         "yet.",
         "Check this computer's clock, or ask the help desk for a new "
         "certificate."},
    [CM_LOGIN_FAULT_PATH] =
        {"no-path",
         "This computer finds no path from the certificate to a CA that it "
         "trusts.",
         "Have pkinit_anchors and pkinit_pool in krb5.conf checked."},
    [CM_LOGIN_FAULT_LOCKED] =
        {"card-locked", "The card is locked after too many wrong PINs.",
         "Have it unlocked with its PUK, or ask the help desk."},
    [CM_LOGIN_FAULT_NOT_OFFERED] =
        {"not-offered", "The KDC takes no certificates for this account.",
         HELP},
    [CM_LOGIN_FAULT_NO_PREAUTH] =
        {"no-preauth",
         "The account logs in with its password, and the KDC asks for no "
         "certificate.",
         "Have preauthentication required for the account."},
    [CM_LOGIN_FAULT_KDC_CERTIFICATE] =
        {"kdc-not-trusted",
         "This computer does not trust the KDC's certificate.",
         "Have pkinit_anchors in krb5.conf, and the KDC's certificate, "
         "checked."},
    [CM_LOGIN_FAULT_KDC_NAME] =
        {"kdc-name", "The KDC's certificate is not that of this realm's KDC.",
         "Have the KDC's certificate checked (certmap check)."},
    [CM_LOGIN_FAULT_CLOCK] =
        {"clock", "This computer's clock and the KDC's differ too much.",
         "Set this computer's clock, then try again."},
    [CM_LOGIN_FAULT_ARMOR] = {"no-armor",
                              "There are no tickets to armor the login with.",
                              "Get them first, or log in without armor."},
    [CM_LOGIN_FAULT_REALM] =
        {"wrong-realm", "The account is of another realm.",
         "Type the name with its realm: certmap login NAME@REALM."},
    [CM_LOGIN_FAULT_REPLY] =
        {"bad-reply", "The KDC answered for something else than was asked.",
         HELP},
    [CM_LOGIN_FAULT_CACHE] =
        {"cache", "The tickets came, but cannot be stored.",
         "Check the credential cache: its folder, its owner, the space left."},
};

static struct cm_login_words
refusal_words(int number, bool given)
{
    size_t i;

    for (i = 0; i < sizeof(REFUSALS) / sizeof(*REFUSALS); i++) {
        if (REFUSALS[i].number == number)
            return given && REFUSALS[i].given.token != NULL
                       ? REFUSALS[i].given
                       : REFUSALS[i].words;
    }
    return REFUSED;
}

static struct cm_login_words
fault_words(enum cm_login_fault fault)
{
    size_t i = (size_t)fault;

    return FAULTS[i < sizeof(FAULTS) / sizeof(*FAULTS) ? i
                                                       : CM_LOGIN_FAULT_OTHER];
}

struct cm_login_words
cm_login_words(const struct cm_login_result *result, bool given)
{
    switch (result->end) {
    case CM_LOGIN_DONE:
        return (struct cm_login_words){"ok", "You are logged in.", ""};
    case CM_LOGIN_REFUSED:
        return refusal_words(result->number, given);
    case CM_LOGIN_UNREACHABLE:
        return (struct cm_login_words){
            "unreachable", "No KDC of the realm answered.",
            "Check the network, and the KDCs that krb5.conf or the DNS name."};
    case CM_LOGIN_GIVEN_UP:
        return (struct cm_login_words){"given-up", "No PIN was given.", ""};
    case CM_LOGIN_CLIENT:
        break;
    }
    return fault_words(result->fault);
}
