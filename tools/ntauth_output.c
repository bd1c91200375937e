/* certmap ntauth: lists and changes for people and programs. */
#include "ntauth_command.h"

#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "name.h"
#include "output.h"
#include "strength.h"
#include "timetext.h"

void
cm_ntauth_plan_clear(struct cm_ntauth_plan *plan)
{
    cm_ntauth_items_clear(&plan->add);
    cm_ntauth_items_clear(&plan->remove);
    cm_ntauth_items_clear(&plan->keep);
    cm_text_list_clear(&plan->create);
    cm_text_list_clear(&plan->warnings);
    memset(plan, 0, sizeof(*plan));
}

/* ---- One certificate ---- */

struct validity {
    bool known;
    int64_t from, until;
};

static struct validity
validity_of(const struct cm_ntauth_item *item)
{
    struct validity out = {false, 0, 0};

    out.known = item->x509 != NULL &&
                cm_instant_read(X509_get0_notBefore(item->x509), &out.from) &&
                cm_instant_read(X509_get0_notAfter(item->x509), &out.until);
    return out;
}

static const char *
state_of(const struct validity *validity, int64_t now)
{
    if (!validity->known)
        return "undecodable";
    if (validity->until < now)
        return "expired";
    return validity->from > now ? "not-yet" : "valid";
}

static json_t *
json_owned(char *text)
{
    json_t *value = text == NULL ? NULL : cm_json_text(text);

    free(text);
    return value;
}

static json_t *
item_json(const struct cm_ntauth_item *item, int64_t now)
{
    struct validity validity = validity_of(item);
    X509 *x509 = item->x509;
    json_t *o = json_object();

    cm_json_set(&o, "subject",
                x509 == NULL ? json_null()
                             : json_owned(cm_name_rfc4514(
                                   X509_get_subject_name(x509))));
    cm_json_set(&o, "issuer",
                x509 == NULL
                    ? json_null()
                    : json_owned(cm_name_rfc4514(X509_get_issuer_name(x509))));
    cm_json_set(&o, "not_before",
                validity.known ? cm_json_time(validity.from) : json_null());
    cm_json_set(&o, "not_after",
                validity.known ? cm_json_time(validity.until) : json_null());
    cm_json_set(&o, "state", json_string(state_of(&validity, now)));
    cm_json_set(&o, "key",
                x509 == NULL ? json_null()
                             : json_owned(cm_strength_key_text(x509)));
    cm_json_set(&o, "sha256", cm_json_hex(item->sha256, sizeof(item->sha256)));
    cm_json_set(&o, "sha512", cm_json_hex(item->sha512, sizeof(item->sha512)));
    cm_json_set(&o, "spki_sha256",
                x509 == NULL ? json_null()
                             : cm_json_hex(item->spki_sha256,
                                           sizeof(item->spki_sha256)));
    cm_json_set(&o, "file", cm_json_text(item->where));
    return o;
}

static void
print_hex(FILE *out, const char *label, const uint8_t *bytes, size_t len)
{
    fputs(label, out);
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%02x", bytes[i]);
    fputc('\n', out);
}

static bool
print_name(FILE *out, const char *label, const X509_NAME *name)
{
    char *text = cm_name_rfc4514(name);

    if (text == NULL)
        return false;
    fputs(label, out);
    cm_output_text(out, text);
    fputc('\n', out);
    free(text);
    return true;
}

static void
print_validity(const struct cm_ntauth_item *item, int64_t now, FILE *out)
{
    struct validity validity = validity_of(item);
    const char *state = state_of(&validity, now);
    char from[CM_TIME_TEXT], until[CM_TIME_TEXT];

    cm_time_text(validity.from, from);
    cm_time_text(validity.until, until);
    fprintf(out, "    valid     %s to %s", from, until);
    if (strcmp(state, "valid") != 0) {
        fputs("  ", out);
        cm_output_toned(out, CM_TONE_BAD, state);
    }
    fputc('\n', out);
}

/* False: no memory. */
static bool
print_item(const struct cm_ntauth_item *item, const char *mark,
           enum cm_tone tone, int64_t now, FILE *out)
{
    cm_output_toned(out, tone, mark);
    if (item->x509 == NULL) {
        fprintf(out, " a value of %zu bytes that is no certificate\n",
                item->len);
    } else {
        if (!print_name(out, " ", X509_get_subject_name(item->x509)) ||
            !print_name(out, "    issuer    ",
                        X509_get_issuer_name(item->x509)))
            return false;
        print_validity(item, now, out);
        print_hex(out, "    key       ", item->spki_sha256,
                  sizeof(item->spki_sha256));
    }
    print_hex(out, "    SHA-256   ", item->sha256, sizeof(item->sha256));
    print_hex(out, "    SHA-512   ", item->sha512, sizeof(item->sha512));
    if (item->where != NULL) {
        fputs("    file      ", out);
        cm_output_text(out, item->where);
        fputc('\n', out);
    }
    return true;
}

static bool
print_items(const struct cm_ntauth_items *items, const char *mark,
            enum cm_tone tone, int64_t now, FILE *out)
{
    bool ok = true;

    for (size_t i = 0; ok && i < items->count; i++)
        ok = print_item(&items->list[i], mark, tone, now, out);
    return ok;
}

static json_t *
items_json(const struct cm_ntauth_items *items, int64_t now)
{
    json_t *array = json_array();

    for (size_t i = 0; i < items->count; i++)
        cm_json_append(&array, item_json(&items->list[i], now));
    return array;
}

/* ---- The whole ---- */

bool
cm_ntauth_print_list(const struct cm_ntauth_plan *plan, bool json, int64_t now,
                     FILE *out)
{
    size_t count = cm_ntauth_items_distinct(&plan->keep);
    json_t *o;

    if (json) {
        o = json_object();
        cm_json_set(&o, "place", cm_json_text(plan->place));
        cm_json_set(&o, "certificates", items_json(&plan->keep, now));
        cm_json_set(&o, "warnings", cm_json_list(&plan->warnings));
        return cm_json_print(o, out);
    }
    cm_output_text(out, plan->place);
    fprintf(out, ": %zu CA certificate%s\n", count, count == 1 ? "" : "s");
    return print_items(&plan->keep, "-", CM_TONE_PLAIN, now, out);
}

static json_t *
plan_json(const struct cm_ntauth_plan *plan, int64_t now)
{
    json_t *o = json_object();

    cm_json_set(&o, "action", json_string(plan->action));
    cm_json_set(&o, "place", cm_json_text(plan->place));
    cm_json_set(&o, "dry_run", json_boolean(plan->dry));
    cm_json_set(&o, "applied", json_boolean(plan->applied));
    cm_json_set(&o, "added", items_json(&plan->add, now));
    cm_json_set(&o, "removed", items_json(&plan->remove, now));
    cm_json_set(&o, "kept", items_json(&plan->keep, now));
    cm_json_set(&o, "created", cm_json_list(&plan->create));
    cm_json_set(&o, "warnings", cm_json_list(&plan->warnings));
    return o;
}

static void
print_end(const struct cm_ntauth_plan *plan, FILE *out)
{
    size_t changes = plan->add.count + plan->remove.count;

    if (changes == 0)
        fputs("Nothing is to be changed.\n", out);
    else if (plan->dry)
        fputs("Nothing was written (-n).\n", out);
    else if (plan->applied)
        fprintf(out, "%zu added, %zu removed.\n", plan->add.count,
                plan->remove.count);
    else
        fputs("Not done.\n", out);
}

bool
cm_ntauth_print_plan(const struct cm_ntauth_plan *plan, bool json, int64_t now,
                     FILE *out)
{
    if (json)
        return cm_json_print(plan_json(plan, now), out);
    cm_output_text(out, plan->place);
    fputc('\n', out);
    for (size_t i = 0; i < plan->create.count; i++) {
        cm_output_toned(out, CM_TONE_GOOD, "+ ");
        cm_output_text(out, plan->create.items[i]);
        fputs(" (an entry)\n", out);
    }
    if (!print_items(&plan->remove, "-", CM_TONE_BAD, now, out) ||
        !print_items(&plan->add, "+", CM_TONE_GOOD, now, out) ||
        !print_items(&plan->keep, "=", CM_TONE_PLAIN, now, out))
        return false;
    print_end(plan, out);
    return true;
}
