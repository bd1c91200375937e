/*
 * One login, from a certificate and a principal to an outcome.
 *
 * The KDC, `certmap explain` and the tests call this same function.
 */
#ifndef CM_AUTHORIZE_H
#define CM_AUTHORIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide.h"
#include "directory.h"
#include "path.h"
#include "settings.h"

/* The clocks of one login; tests and --at bring their own. */
struct cm_clock {
    int64_t (*now)(void *context);          /* seconds since 1970 */
    int64_t (*monotonic_ms)(void *context); /* never goes back */
    void *context;
};

/* The system's clocks. */
extern const struct cm_clock cm_system_clock;

/* What a login asks others.  All borrowed. */
struct cm_services {
    struct cm_trust *trust;
    struct cm_directory *directory;
    struct cm_clock clock;
};

struct cm_login {
    const uint8_t *certificate; /* DER */
    size_t certificate_len;
    const struct cm_principal *principal; /* canonical: it governs */
    const struct cm_entry *kdb_entry;     /* its string attributes, or NULL */
    bool may_wait_for_directory;
};

enum cm_step {
    CM_STEP_CERTIFICATE,
    CM_STEP_LOGON,
    CM_STEP_PATH,
    CM_STEP_REVOCATION,
    CM_STEP_ACCOUNT,
    CM_STEP_DECISION,
    CM_STEP_INDICATORS
};
enum { CM_STEP_COUNT = 7 };

/* "certificate", "logon", "path", "revocation", "account", "decision",
 * "indicators". */
const char *cm_step_token(enum cm_step step);

/* What became of one step; steps after a refusal are not there. */
struct cm_step_record {
    enum cm_step step;
    enum cm_reason outcome;
    struct cm_detail detail;
    int64_t ms;
};

/* What was found about revocation. */
struct cm_revocation_outcome {
    enum cm_revocation_mode mode;
    bool checked; /* a current good answer for every certificate */
};

struct cm_outcome {
    enum cm_reason reason; /* CM_INTERNAL until decided */
    struct cm_detail detail;
    enum cm_form mapping;
    enum cm_strength strength;
    char *account;     /* DN, or principal; NULL if none was found */
    unsigned warnings; /* bits of enum cm_warning */
    struct cm_revocation_outcome revocation;
    struct cm_text_list indicators; /* empty unless accepted */
    bool hw_authent;                /* false unless accepted */
    struct cm_step_record steps[CM_STEP_COUNT];
    size_t step_count;
    int64_t ms; /* the whole login */
    /* The decoded certificate for the audit line; zeroed if undecodable. */
    struct cm_certificate certificate;
};

/*
 * Runs the login.  Always fills out, which the caller clears; out->reason is
 * CM_OK exactly when the login may go on.
 */
void cm_authorize(const struct cm_settings *settings,
                  const struct cm_services *services,
                  const struct cm_login *login, struct cm_outcome *out);

void cm_outcome_clear(struct cm_outcome *outcome);

#endif
