#include "decide.h"

static const struct {
    const char *token;
    const char *text;
} warnings[CM_WARNING_COUNT] = {
    {"weak", "only a weak mapping matches"},
    {"predates-account", "the certificate is older than the account, or the "
                         "account's age is not known"},
    {"sid-foreign", "the SID in the certificate is not the account's"},
    {"sid-uncompared", "the directory has no SID to compare with"},
    {"malformed-value", "the account holds malformed mapping values"},
};

const char *
cm_warning_token(unsigned index)
{
    return index < CM_WARNING_COUNT ? warnings[index].token : "";
}

const char *
cm_warning_text(unsigned index)
{
    return index < CM_WARNING_COUNT ? warnings[index].text : "";
}
