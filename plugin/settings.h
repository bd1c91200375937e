/*
 * One realm's configuration as values, free of krb5 types.
 */
#ifndef CM_SETTINGS_H
#define CM_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"
#include "logon.h"
#include "policy.h"
#include "revocation_settings.h"
#include "text.h"
#include "trust.h"

enum cm_mode { CM_MODE_ENFORCE, CM_MODE_OBSERVE, CM_MODE_OFF };

/* What the certauth module may wait for when it runs alone. */
enum cm_wait { CM_WAIT_DIRECTORY, CM_WAIT_NONE, CM_WAIT_ALL };

enum cm_condition_kind {
    CM_CONDITION_ALWAYS,             /* always */
    CM_CONDITION_STRENGTH_STRONG,    /* strength:strong */
    CM_CONDITION_POLICY,             /* policy:OID */
    CM_CONDITION_ISSUER,             /* issuer:SHA-256 of the CA's SPKI */
    CM_CONDITION_REVOCATION_CHECKED, /* revocation:checked */
    CM_CONDITION_NEVER               /* never (hw_authent) */
};

struct cm_condition {
    enum cm_condition_kind kind;
    char *oid;        /* CM_CONDITION_POLICY */
    uint8_t spki[32]; /* CM_CONDITION_ISSUER */
};

/* "name = condition": the indicator is asserted when the condition holds. */
struct cm_indicator_rule {
    char *name;
    struct cm_condition condition;
};

struct cm_indicator_rules {
    struct cm_indicator_rule *list;
    size_t count;
};

struct cm_conditions {
    struct cm_condition *list;
    size_t count;
};

/* issuer { label { ... } }: what differs for one issuing CA's key. */
struct cm_issuer_settings {
    char *label;
    uint8_t spki[32]; /* SHA-256 of the SPKI of `certificate` */
    bool has_revocation;
    bool has_stale_grace;
    bool has_sources;
    bool has_allow_private;
    struct cm_issuer_rules rules; /* lists count where they hold something */
    bool has_mappings;
    unsigned mappings;
    struct cm_text_list upn_suffixes; /* empty: any */
    bool has_indicators;
    struct cm_indicator_rules indicators;
    bool has_hw_authent;
    struct cm_conditions hw_authent;
};

/* ntauth = ldap: the directory's list, mirrored into the store. */
struct cm_ntauth_settings {
    bool from_ldap;  /* then trust.ntauth is the folder ntauth/ of the store */
    int64_t max_age; /* seconds since its oldest file was written */
};

struct cm_settings {
    char *realm;
    enum cm_mode mode;
    struct cm_trust_config trust;
    struct cm_logon_rules logon;
    struct cm_ntauth_settings ntauth;
    struct cm_issuer_rules revocation; /* for CAs without a block */
    char *store;                       /* path */
    bool store_given;                  /* by `store`: then it must be there */
    struct cm_http_settings http;
    int timeout_ms;         /* one budget for revocation and directory */
    int64_t staple_max_age; /* seconds since its thisUpdate; 0: none counts */
    bool anonymous_refused; /* anonymous PKINIT */
    enum cm_wait certauth_wait;
    bool unavailable_discards;
    struct cm_policy policy;
    struct cm_directory_config directory;
    struct cm_indicator_rules indicators;
    struct cm_conditions hw_authent; /* any one suffices */
    struct cm_issuer_settings *issuers;
    size_t issuer_count;
};

enum {
    CM_TIMEOUT_DEFAULT_MS = 1000,
    CM_TIMEOUT_MAX_MS = 60000,
    CM_NTAUTH_MAX_AGE_DEFAULT = 24 * 3600,
    CM_NTAUTH_MAX_AGE_LEAST = 60,
    CM_NTAUTH_MAX_AGE_MOST = 30 * 24 * 3600,
    CM_STAPLE_MAX_AGE_DEFAULT = 3600,
    CM_STAPLE_MAX_AGE_MOST = 24 * 3600,
    CM_STALE_GRACE_MOST = 30 * 24 * 3600,
    CM_MAX_INDICATORS = 64,
    CM_MAX_ISSUERS = 256
};

/* "enforce", "observe", "off". */
const char *cm_mode_token(enum cm_mode mode);

/* Defaults for the realm.  False: no memory. */
bool cm_settings_init(struct cm_settings *settings, const char *realm);
void cm_settings_clear(struct cm_settings *settings);

/*
 * One line that names the realm, its mode and every choice that weakens the
 * defaults: "realm=\"EXAMPLE.COM\" mode=enforce directory=kdb weakened:
 * revocation=off enforcement=compatibility", or "weakened: nothing".  The
 * caller frees it.  NULL: no memory.
 */
char *cm_settings_summary(const struct cm_settings *settings);

/*
 * The settings as they hold for one issuing CA key.  Blocks that name the key
 * replace the realm's values; where several do, the strictest counts: the
 * stricter revocation, the shorter stale_grace, the intersection of mappings,
 * of suffixes and of responder certificates, the indicators that all of them
 * assert, hw-authent and private addresses only if all of them say so.  What
 * any of them names to be fetched is fetched: what is read can only refuse
 * more.
 * out borrows from settings except what cm_effective_clear() frees.
 */
struct cm_effective {
    struct cm_policy policy; /* borrowed but for accept and upn_suffixes */
    struct cm_issuer_rules revocation; /* owned */
    /* The realm's rules; NULL where a block brings its own instead. */
    const struct cm_indicator_rules *indicators;
    const struct cm_conditions *hw_authent;
    /* Rules of the issuer blocks that apply: policy:OID in them reads the
     * leaf, in the realm's rules the valid policy set. */
    const struct cm_issuer_settings *blocks[CM_MAX_ISSUERS];
    size_t block_count;
};

/* False: no memory; out is zeroed. */
bool cm_settings_for_issuer(const struct cm_settings *settings,
                            const uint8_t spki[32], struct cm_effective *out);
void cm_effective_clear(struct cm_effective *effective);

/* Of that the part that the refresher needs.  False: no memory; out is
 * zeroed.  The caller clears it. */
bool cm_settings_rules_for(const struct cm_settings *settings,
                           const uint8_t spki[32],
                           struct cm_issuer_rules *out);

#endif
