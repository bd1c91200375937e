/*
 * Is an account disabled, locked or expired, as its kind of directory says
 * it?  A value that is there and cannot be read counts as disabled.
 */
#include "schema_rules.h"

#include <stdlib.h>
#include <string.h>

#include "field.h"

/* userAccountControl ([MS-ADTS] 2.2.16). */
#define UAC_ACCOUNTDISABLE INT64_C(0x2)
#define UAC_WORKSTATION_TRUST INT64_C(0x1000)
#define UAC_SERVER_TRUST INT64_C(0x2000)
/* msDS-User-Account-Control-Computed ([MS-ADTS] 3.1.1.4.5.17). */
#define UAC_LOCKOUT INT64_C(0x10)
/* krbTicketFlags: KRB5_KDB_DISALLOW_ALL_TIX. */
#define KRB_DISALLOW_ALL_TIX INT64_C(0x40)

/* accountExpires: 100 ns since 1601; two values mean never. */
#define FILETIME_TICKS INT64_C(10000000)
#define FILETIME_TO_UNIX INT64_C(11644473600)
#define FILETIME_NEVER INT64_MAX

#define SECONDS_OF_DAY INT64_C(86400)

static const char *const ad_attributes[] = {
    "userAccountControl", "msDS-User-Account-Control-Computed", "lockoutTime",
    "accountExpires", NULL};
static const char *const krb_attributes[] = {
    CM_ATTR_KRB_CANONICAL, "krbPrincipalExpiration", "krbTicketFlags",
    "nsAccountLock", NULL};
static const char *const posix_attributes[] = {"shadowExpire", "nsAccountLock",
                                               "pwdAccountLockedTime", NULL};

const char *const *
cm_schema_state_attributes(enum cm_schema_preset preset)
{
    switch (preset) {
    case CM_SCHEMA_AD:
        return ad_attributes;
    case CM_SCHEMA_MIT:
    case CM_SCHEMA_IPA:
        return krb_attributes;
    case CM_SCHEMA_POSIX:
        return posix_attributes;
    }
    return ad_attributes;
}

/* Notes the first reason found; later ones change nothing. */
static void
disable(struct cm_buf *why, const char *attribute, const char *text)
{
    if (why->len == 0 && !why->failed) {
        cm_buf_add_text(why, attribute);
        cm_buf_add_text(why, text);
    }
}

/* Reads an integer; one that is there and faulty disables.  0 if absent. */
static bool
read_integer(const struct cm_entry *entry, const char *name, int64_t *value,
             struct cm_buf *why)
{
    enum cm_presence state = cm_field_integer(entry, name, value);

    if (state == CM_FAULTY)
        disable(why, name, " cannot be read");
    return state == CM_PRESENT;
}

/*
 * lockoutTime stays after a lockout has run out, until the next logon; the
 * computed flags, where the server has them, know better.
 */
static void
read_ad_lockout(const struct cm_entry *entry, struct cm_buf *why)
{
    const char *computed = "msDS-User-Account-Control-Computed";
    int64_t value = 0;

    if (cm_entry_get(entry, computed) != NULL) {
        if (read_integer(entry, computed, &value, why) &&
            (value & UAC_LOCKOUT) != 0)
            disable(why, computed, ": locked out");
    } else if (read_integer(entry, "lockoutTime", &value, why) && value != 0) {
        disable(why, "lockoutTime", ": locked out");
    }
}

static void
read_ad(const struct cm_entry *entry, int64_t now, struct cm_account *out,
        struct cm_buf *why)
{
    int64_t value = 0;

    if (read_integer(entry, "userAccountControl", &value, why)) {
        out->computer = (value & (UAC_WORKSTATION_TRUST | UAC_SERVER_TRUST));
        if ((value & UAC_ACCOUNTDISABLE) != 0)
            disable(why, "userAccountControl", ": disabled");
    } else {
        /* Every account has one: who asks may not read it, and then a
         * disabled account would look like any other. */
        disable(why, "userAccountControl", " is not there or hidden");
    }
    read_ad_lockout(entry, why);
    if (read_integer(entry, "accountExpires", &value, why) && value != 0 &&
        value != FILETIME_NEVER &&
        value / FILETIME_TICKS - FILETIME_TO_UNIX <= now)
        disable(why, "accountExpires", ": expired");
}

static void
read_lock(const struct cm_entry *entry, struct cm_buf *why)
{
    bool locked = false;

    switch (cm_field_boolean(entry, "nsAccountLock", &locked)) {
    case CM_ABSENT:
        break;
    case CM_PRESENT:
        if (locked)
            disable(why, "nsAccountLock", ": locked");
        break;
    case CM_FAULTY:
        disable(why, "nsAccountLock", " cannot be read");
        break;
    }
}

static void
read_krb(const struct cm_entry *entry, int64_t now, struct cm_buf *why)
{
    int64_t value = 0;

    switch (cm_field_time(entry, "krbPrincipalExpiration", &value)) {
    case CM_ABSENT:
        break;
    case CM_PRESENT:
        if (value <= now)
            disable(why, "krbPrincipalExpiration", ": expired");
        break;
    case CM_FAULTY:
        disable(why, "krbPrincipalExpiration", " cannot be read");
        break;
    }
    if (read_integer(entry, "krbTicketFlags", &value, why) &&
        (value & KRB_DISALLOW_ALL_TIX) != 0)
        disable(why, "krbTicketFlags", ": no tickets allowed");
    read_lock(entry, why);
}

static void
read_posix(const struct cm_entry *entry, int64_t now, struct cm_buf *why)
{
    int64_t days = 0;

    /* shadow(5): a negative number is no expiry. */
    if (read_integer(entry, "shadowExpire", &days, why) && days >= 0 &&
        days <= now / SECONDS_OF_DAY)
        disable(why, "shadowExpire", ": expired");
    read_lock(entry, why);
    if (cm_entry_get(entry, "pwdAccountLockedTime") != NULL)
        disable(why, "pwdAccountLockedTime", ": locked");
}

bool
cm_account_read_state(enum cm_schema_preset preset,
                      const struct cm_entry *entry, int64_t now,
                      struct cm_account *out)
{
    struct cm_buf why = CM_BUF_INIT;

    switch (preset) {
    case CM_SCHEMA_AD:
        read_ad(entry, now, out, &why);
        break;
    case CM_SCHEMA_MIT:
    case CM_SCHEMA_IPA:
        read_krb(entry, now, &why);
        break;
    case CM_SCHEMA_POSIX:
        read_posix(entry, now, &why);
        break;
    }
    out->disabled = why.len > 0 || why.failed;
    if (!out->disabled)
        return true;
    out->disabled_why = cm_buf_take(&why);
    return out->disabled_why != NULL;
}
