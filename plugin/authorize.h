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
#include "demand.h"
#include "directory.h"
#include "path.h"
#include "reference.h"
#include "settings.h"

/* The clocks of one login; tests and --at bring their own. */
struct cm_clock {
    int64_t (*now)(void *context);          /* seconds since 1970 */
    int64_t (*monotonic_ms)(void *context); /* never goes back */
    void *context;
};

/* The system's clocks. */
extern const struct cm_clock cm_system_clock;

/* Of a login's budget this part is the directory's alone: one in so many. */
enum { CM_DIRECTORY_SHARE = 4 };

/* What a login asks others.  All borrowed. */
struct cm_services {
    struct cm_trust *trust;
    struct cm_directory *directory;
    struct cm_store *store;
    /* Unless both are there nothing is fetched.  A realm keeps the first for
     * all threads; the second is the calling thread's own, or NULL where it
     * may not wait for responders. */
    struct cm_demand *demand;
    struct cm_fetcher *fetcher;
    struct cm_clock clock;
    OSSL_LIB_CTX *library; /* for the client's certificate (lean.h), or NULL */
};

/* Borrowed bytes; data may be NULL where len is 0. */
struct cm_blob {
    const uint8_t *data;
    size_t len;
};

/* Who logs in; borrowed. */
struct cm_named {
    const struct cm_principal *principal; /* canonical: it governs */
    const struct cm_entry *kdb_entry;     /* its string attributes, or NULL */
};

/*
 * Whom a certificate means, where nobody was named.  It is asked in step 5,
 * with what is left of the budget: the certificate's path and status have
 * been judged by then, so that what a stranger wrote is never looked up.
 */
struct cm_finder {
    /* CM_OK: out is filled, and stays good while the login runs. */
    enum cm_reason (*find)(void *context, const struct cm_certificate *cert,
                           const struct cm_policy *policy, int timeout_ms,
                           struct cm_named *out, struct cm_detail *detail);
    void *context;
};

struct cm_login {
    const uint8_t *certificate; /* DER */
    size_t certificate_len;
    const struct cm_principal *principal; /* NULL: the finder says who */
    const struct cm_entry *kdb_entry;     /* its string attributes, or NULL */
    const struct cm_finder *finder;       /* NULL where there is a principal */
    bool may_wait_for_directory;
    /* What the client sent beside its certificate, DER; any may be missing.
     * Nothing here is believed. */
    const struct cm_blob *intermediates;
    size_t intermediate_count; /* at most CM_PATH_MAX_EXTRA count */
    struct cm_blob staple;     /* an OCSP response about the certificate */
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

/* A certificate of the path that was asked about, and what answered. */
struct cm_asked {
    X509 *cert;
    struct cm_status status;
};

/* What was found about revocation.  Of several paths: about the one that was
 * accepted, else about the one whose refusal is reported. */
struct cm_revocation_outcome {
    enum cm_revocation_mode mode;
    bool checked;       /* a current good answer for every certificate */
    bool override_used; /* an override let it through */
    struct cm_asked asked[CM_PATH_MAX_LENGTH]; /* leaf first */
    size_t count;
    struct cm_detail detail;
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
    int64_t now; /* when it was, in seconds since 1970 */
    int64_t ms;  /* the whole login */
    /* That the client of a refusal was told, or ""; cm_authorize() tells
     * nobody. */
    char reference[CM_REFERENCE_SIZE];
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

/* Puts what was found about a path in place of what stood there. */
void cm_outcome_set_revocation(struct cm_outcome *outcome,
                               enum cm_revocation_mode mode,
                               const struct cm_path *path,
                               const struct cm_revocation_result *result,
                               const struct cm_detail *detail);

/* By which choice of an administrator an accepted login did without a current
 * good answer: "override", "revocation=soft", ...; NULL: it did not. */
const char *cm_outcome_softening(const struct cm_outcome *outcome);

#endif
