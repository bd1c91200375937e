#include "kdcpreauth_rows.h"

enum { CODE_BASE = ERROR_TABLE_BASE_krb5 };

/* Nobody listens there. */
#define NOBODY                                                                \
    "ldap = {\nuri = ldap://127.0.0.1:1\nbase = dc=x\nschema = mit\n}\n"

enum { PRE = TKT_FLG_PRE_AUTH, HW = TKT_FLG_HW_AUTH };

#define OK_LINE "certmap: authorized reason=ok "
#define REFUSED(reason) "certmap: refused reason=" reason " "

const struct verify_case verify_cases[] = {
    {"accepted", "AIPY", "", STRONG, 0, PRE, "fake card", OK_LINE, NULL, 0, 0,
     UNTOLD},
    {"hw-authent of others does not count", "AIPHY", "", STRONG, 0, PRE,
     "fake card", "hw_authent=false", NULL, 0, 0, UNTOLD},
    {"hw-authent by our rule", "APY",
     "issuer = {\nca = {\ncertificate = @/ntauth/issuing.pem\n"
     "hw_authent = policy:1.2.3\n}\n}\n",
     STRONG, 0, PRE | HW, "card", "hw_authent=true", NULL, 0, 0, UNTOLD},
    {"refused: nothing is left behind", "AIPHY", "", WEAK, CODE_BASE + 66, 0,
     "", REFUSED("weak-mapping"), NULL, 0, 0, TOLD_DATA},
    {"stock refuses", "APN", "", STRONG, KRB5KRB_AP_ERR_SKEW, 0, "",
     REFUSED("pkinit code=37"), NULL, 0, 0, TOLD_DATA},
    {"stock refuses before certauth", "IPN", "", STRONG, KRB5KRB_AP_ERR_SKEW,
     0, "", REFUSED("pkinit code=37"), NULL, 0, 0, TOLD_DATA},
    {"yes without evidence", "IPY", "", STRONG, CODE_BASE + 24, 0, "",
     REFUSED("config"), NULL, 0, 0, TOLD_HINT},
    {"anonymous", "IPY", "", NULL, 0, PRE, "fake", NULL,
     "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS", 0, 0, UNTOLD},
    {"anonymous, refused", "IPY", "anonymous = refuse\n", NULL, CODE_BASE + 75,
     0, "", REFUSED("no-mapping"), "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS",
     0, 0, TOLD_DATA},
    {"evidence twice", "AAIPY", "", STRONG, CODE_BASE + 24, 0, "",
     REFUSED("internal"), NULL, 0, 0, TOLD_HINT},
    {"evidence after the answer", "APYA", "", STRONG, CODE_BASE + 24, 0, "",
     REFUSED("internal"), NULL, 0, 0, TOLD_HINT},
    {"two answers", "APYY", "", STRONG, CODE_BASE + 24, 0, "",
     REFUSED("internal"), NULL, 0, 0, TOLD_HINT},
    {"no answer", "AIPH", "", STRONG, CODE_BASE + 24, 0, "",
     REFUSED("internal"), NULL, 0, 0, TOLD_HINT},
    {"a call inside the call", "ARPY", "", STRONG, 0, PRE, "card", OK_LINE,
     NULL, 0, 0, UNTOLD},
    {"observed, refused", "AIPHY", "mode = observe\n", WEAK, 0, PRE | HW,
     "fake", REFUSED("weak-mapping"), NULL, 0, 0, UNTOLD},
    {"observed, no evidence", "IPY", "mode = observe\n", WEAK, 0, PRE, "fake",
     REFUSED("config"), NULL, 0, 0, UNTOLD},
    {"observed, stock refuses", "APN", "mode = observe\n", STRONG,
     KRB5KRB_AP_ERR_SKEW, 0, "", OK_LINE, NULL, 0, 0, TOLD_DATA},
    {"observed, evidence twice", "AAPY", "mode = observe\n", STRONG,
     CODE_BASE + 24, 0, "", REFUSED("internal"), NULL, 0, 0, TOLD_HINT},
    {"a broken realm", "AIPY", "nonsense = 1\n", STRONG, CODE_BASE + 24, 0, "",
     REFUSED("config"), NULL, 0, 0, TOLD_HINT},
    {"two requests", "AIPY", "", STRONG, CODE_BASE + 71, 0, "",
     REFUSED("cert-malformed"), NULL, 16, 0, TOLD_DATA},
    {"an old draft beside", "AIPY", "", STRONG, CODE_BASE + 71, 0, "",
     REFUSED("cert-malformed"), NULL, 15, 0, TOLD_DATA},
    {"another padata beside", "AIPY", "", STRONG, 0, PRE, "fake card", OK_LINE,
     NULL, 2, 0, UNTOLD},
    {"no directory", "AIPHY", "directory = ldap\n" NOBODY, STRONG,
     CODE_BASE + 24, 0, "", REFUSED("directory-unavailable"), NULL, 0, 0,
     TOLD_HINT},
    {"no directory, discard", "AIPHY",
     "unavailable = discard\ndirectory = ldap\n" NOBODY, STRONG,
     KRB5KDC_ERR_DISCARD, 0, "", REFUSED("directory-unavailable"), NULL, 0, 0,
     UNTOLD},
    {"an older KDC", "AIPY", "", STRONG, CODE_BASE + 24, 0, "",
     REFUSED("config"), NULL, 0, 5, TOLD_HINT},
    {"stock refuses with data", "APE", "", STRONG, CODE_BASE + 70, 0, "",
     REFUSED("pkinit code=70"), NULL, 0, 0, TOLD_DATA},
    {"observed, stock refuses with data", "APE", "mode = observe\n", STRONG,
     CODE_BASE + 70, 0, "", OK_LINE, NULL, 0, 0, TOLD_DATA},
    {"off, stock refuses with data", "APE", "mode = off\n", STRONG,
     CODE_BASE + 70, 0, "", NULL, NULL, 0, 0, UNTOLD},
};

const size_t verify_case_count = sizeof(verify_cases) / sizeof(*verify_cases);
