/*
 * What must never go back: the highest CRL number and thisUpdate that were
 * seen of each scope.  It outlives the CRL and its index.
 */
#include "store_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "timetext.h"

enum { FLOOR_MAX_FILE = 1024 /* bytes */ };

static void
floor_name(const char *key, const char *scope, char out[CM_STORE_MAX_PATH])
{
    snprintf(out, CM_STORE_MAX_PATH, "state/crl/%s/%s", key, scope);
}

static bool
parse_number(const char *text, struct cm_crl_number *out)
{
    uint8_t octets[CM_CRL_MAX_NUMBER];
    size_t len;

    if (strcmp(text, "-") == 0)
        return true;
    if (!cm_hex_decode(text, strlen(text), octets, sizeof(octets), &len))
        return false;
    memcpy(out->octets + CM_CRL_MAX_NUMBER - len, octets, len);
    out->present = true;
    return true;
}

/* "number 0a1b this_update 2024-02-01T12:00:00Z\n"; "-": no number.  The text
 * is written into. */
static bool
parse(char *text, size_t len, struct cm_store_floor *out)
{
    char *rest = text, *words[4];

    if (len == 0 || strlen(text) != len || text[len - 1] != '\n')
        return false;
    text[len - 1] = '\0';
    for (size_t i = 0; i < 4; i++) {
        words[i] = strsep(&rest, " ");
        if (words[i] == NULL)
            return false;
    }
    out->known = rest == NULL && strcmp(words[0], "number") == 0 &&
                 parse_number(words[1], &out->number) &&
                 strcmp(words[2], "this_update") == 0 &&
                 cm_time_parse(words[3], &out->this_update);
    return out->known;
}

bool
cm_store_floor_read(struct cm_store_writer *writer, const char *key,
                    const char *scope, struct cm_store_floor *out,
                    struct cm_detail *detail)
{
    char name[CM_STORE_MAX_PATH];
    struct cm_detail why = {""};
    enum cm_store_file outcome;
    uint8_t *text;
    size_t len;
    bool ok;

    memset(out, 0, sizeof(*out));
    floor_name(key, scope, name);
    outcome =
        cm_store_slurp(writer->root, name, FLOOR_MAX_FILE, &text, &len, &why);
    if (outcome == CM_STORE_FILE_MISSING)
        return true;
    ok = outcome == CM_STORE_FILE_READ && parse((char *)text, len, out);
    free(text);
    if (!ok)
        cm_detail_set(detail,
                      "%s, which guards against a rollback, is damaged%s%s; "
                      "refresh --accept-rollback sets it anew",
                      name, why.text[0] != '\0' ? ": " : "", why.text);
    return ok;
}

bool
cm_store_floor_write(struct cm_store_writer *writer, const char *key,
                     const char *scope, const struct cm_store_floor *floor,
                     struct cm_detail *detail)
{
    char name[CM_STORE_MAX_PATH], when[CM_TIME_TEXT];
    struct cm_buf buf = CM_BUF_INIT;
    char *text;
    bool ok;

    cm_time_text(floor->this_update, when);
    cm_buf_add_text(&buf, "number ");
    if (floor->number.present)
        cm_buf_add_hex(&buf, floor->number.octets, CM_CRL_MAX_NUMBER);
    else
        cm_buf_add_char(&buf, '-');
    cm_buf_addf(&buf, " this_update %s\n", when);
    text = cm_buf_take(&buf);
    if (text == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    floor_name(key, scope, name);
    ok = cm_store_write_file(writer, name, text, strlen(text), detail);
    free(text);
    return ok;
}

void
cm_store_floor_raise(struct cm_store_floor *floor,
                     const struct cm_crl_facts *facts)
{
    if (!floor->known || facts->this_update > floor->this_update)
        floor->this_update = facts->this_update;
    if (facts->number.present &&
        (!floor->number.present ||
         cm_crl_number_compare(&facts->number, &floor->number) > 0))
        floor->number = facts->number;
    floor->known = true;
}

bool
cm_store_floor_holds(const struct cm_store_floor *floor,
                     const struct cm_crl_facts *facts,
                     struct cm_detail *detail)
{
    char seen[CM_TIME_TEXT], now[CM_TIME_TEXT];

    if (!floor->known)
        return true;
    if (facts->this_update < floor->this_update) {
        cm_time_text(floor->this_update, seen);
        cm_time_text(facts->this_update, now);
        cm_detail_set(detail, "its thisUpdate went back from %s to %s", seen,
                      now);
        return false;
    }
    if (facts->number.present && floor->number.present &&
        cm_crl_number_compare(&facts->number, &floor->number) < 0) {
        cm_detail_set(detail, "its CRL number went back");
        return false;
    }
    return true;
}
