/*
 * The directory of the cases and what it answers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "case_fixture.h"

#define CREATED_2024 "1704067200" /* 2024-01-01T00:00:00Z */

struct person {
    const char *name;
    const char *upn;
    const char *sid;
    bool computer;
};

static const struct person people[] = {
    {"alice", "alice@example.com", SID_OF("1101"), false},
    {"bob", CASE_ABSENT, SID_OF("1102"), false},
    {"carol", "carol@alt.example", SID_OF("1103"), false},
    {"boss", CASE_ABSENT, SID_OF("1104"), false},
    {"admin", CASE_ABSENT, SID_OF("1105"), false},
    {"WS1$", CASE_ABSENT, SID_OF("1201"), true},
    {"WS2$", CASE_ABSENT, SID_OF("1202"), true},
    {"DC1$", CASE_ABSENT, SID_OF("1000"), true},
};
enum { PEOPLE = sizeof(people) / sizeof(people[0]) };

static char *
copy(const char *text)
{
    char *out = strdup(text);

    assert_non_null(out);
    return out;
}

/* Sets a text of which the sentinels take away or spoil the value. */
static enum cm_presence
presence(const char *text, char **out)
{
    if (strcmp(text, CASE_ABSENT) == 0)
        return CM_ABSENT;
    if (strcmp(text, CASE_FAULTY) == 0)
        return CM_FAULTY;
    if (out != NULL)
        *out = copy(text);
    return CM_PRESENT;
}

static void
add_braced(struct cm_buf *buf, const char *word, size_t len,
           const struct case_hashes *hashes)
{
    const struct {
        const char *word, *text;
    } known[] = {
        {"sha1", hashes->sha1},
        {"sha256", hashes->sha256},
        {"ski", hashes->ski},
        {"spki-sha1", hashes->spki_sha1},
        {"key-sha1", hashes->key_sha1},
        {"ca1", hashes->ca1_sha1},
        {"ca1-sha256", hashes->ca1_sha256},
    };
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].word) == len &&
            memcmp(known[i].word, word, len) == 0) {
            cm_buf_add_text(buf, known[i].text);
            return;
        }
    }
    if (len == 3 && memcmp(word, "nul", 3) == 0)
        cm_buf_add_char(buf, '\0');
    else if (len == 3 && memcmp(word, "64k", 3) == 0)
        for (i = 0; i < 65536; i++)
            cm_buf_add_char(buf, '<');
    else
        fail_msg("unknown word in a row: %.*s", (int)len, word);
}

void
case_expand(const char *text, const struct case_hashes *hashes,
            struct cm_value *out)
{
    struct cm_buf buf = CM_BUF_INIT;
    const char *open, *close;

    while ((open = strchr(text, '{')) != NULL) {
        close = strchr(open, '}');
        assert_non_null(close);
        cm_buf_add(&buf, text, (size_t)(open - text));
        add_braced(&buf, open + 1, (size_t)(close - open - 1), hashes);
        text = close + 1;
    }
    cm_buf_add_text(&buf, text);
    out->len = buf.len;
    out->data = cm_buf_take(&buf);
    assert_non_null(out->data);
}

static void
fill_values(const struct case_account *row, const struct case_hashes *hashes,
            struct cm_account *out)
{
    char other[64];
    size_t i, count = 0;

    while (count < CASE_MAX_MAPS && row->maps[count] != NULL)
        count++;
    count += row->filler;
    if (count == 0)
        return;
    out->mappings = calloc(count, sizeof(*out->mappings));
    assert_non_null(out->mappings);
    out->mapping_count = count;
    for (i = 0; i < row->filler; i++) {
        snprintf(other, sizeof(other), "X509:<I>" MAP_CA1 "<SR>%06zx77", i);
        case_expand(other, hashes, &out->mappings[i]);
    }
    for (; i < count; i++)
        case_expand(row->maps[i - row->filler], hashes, &out->mappings[i]);
}

/* One account: the fixture's, or a further one, with the row's changes. */
static void
fill_account(const char *name, const struct case_row *row,
             const struct case_hashes *hashes, struct cm_account *out)
{
    static const struct case_account nothing;
    struct person who = {name, CASE_ABSENT, SID_OF("1999"), false};
    const struct case_account *change = &nothing;
    const char *created;
    size_t i;

    for (i = 0; i < PEOPLE; i++)
        if (strcmp(people[i].name, name) == 0)
            who = people[i];
    for (i = 0; i < CASE_MAX_ACCOUNTS; i++) {
        if (row->accounts[i].who != NULL &&
            strcmp(row->accounts[i].who, name) == 0)
            change = &row->accounts[i];
    }

    memset(out, 0, sizeof(*out));
    out->id = copy(name);
    out->account_name = copy(name);
    out->computer = who.computer || change->computer;
    out->disabled = change->disabled;
    if (change->disabled)
        out->disabled_why = copy("userAccountControl");
    out->upn_state =
        presence(change->upn != NULL ? change->upn : who.upn, &out->upn);
    out->has_sid_attribute = !change->no_sids;
    if (!change->no_sids)
        out->sid_state =
            presence(change->sid != NULL ? change->sid : who.sid, &out->sid);
    created = change->created != NULL ? change->created : CREATED_2024;
    out->created_state = presence(created, NULL);
    if (out->created_state == CM_PRESENT)
        out->created = strtoll(created, NULL, 10);
    out->named = change->named;
    fill_values(change, hashes, out);
}

/* The account's UPN, explicitly or implicitly. */
static bool
holds_upn(const struct cm_account *account, const char *upn)
{
    char implicit[256];

    if (upn == NULL)
        return false;
    if (account->upn != NULL && strcasecmp(account->upn, upn) == 0)
        return true;
    snprintf(implicit, sizeof(implicit), "%s@" CASE_DOMAIN,
             account->account_name);
    return strcasecmp(implicit, upn) == 0;
}

/* A principal that reads as a UPN was found by it, as an enterprise name. */
static bool
is_named(const struct cm_account *account, const char *cname)
{
    if (account->named || strcmp(account->account_name, cname) == 0)
        return true;
    return strchr(cname, '@') != NULL && holds_upn(account, cname);
}

static void
answer(const char *name, const struct case_row *row,
       const struct case_hashes *hashes, const char *upn,
       struct cm_accounts *out)
{
    struct cm_account *account = &out->list[out->count];

    fill_account(name, row, hashes, account);
    account->named =
        is_named(account, row->cname != NULL ? row->cname : "alice");
    if (account->named || holds_upn(account, upn))
        out->count++;
    else
        cm_account_clear(account);
}

void
case_directory(const struct case_row *row, const struct case_hashes *hashes,
               const char *upn, struct cm_accounts *out)
{
    const char *who;
    size_t i, j;

    out->count = 0;
    out->list = calloc(PEOPLE + CASE_MAX_ACCOUNTS, sizeof(*out->list));
    assert_non_null(out->list);
    for (i = 0; i < PEOPLE; i++)
        answer(people[i].name, row, hashes, upn, out);
    for (i = 0; i < CASE_MAX_ACCOUNTS; i++) {
        who = row->accounts[i].who;
        for (j = 0; who != NULL && j < PEOPLE; j++)
            if (strcmp(people[j].name, who) == 0)
                who = NULL;
        if (who != NULL)
            answer(who, row, hashes, upn, out);
    }
}

void
case_policy(const struct case_settings *set, enum cm_enforcement mode,
            const struct case_hashes *hashes, struct cm_policy *out)
{
    struct cm_value text;
    size_t i;

    assert_true(cm_policy_init(out, CASE_DOMAIN));
    out->enforcement = mode;
    out->accept = (CM_ACCEPT_DEFAULT | set->accept) & ~set->without;
    out->use_subject_alt_name = !set->no_san;
    out->sid_mismatch_refuses = set->sid_refuse;
    out->ski_trust_extension = set->ski_trust;
    out->backdating = set->backdating;
    out->name_strong = calloc(CASE_MAX_TUPLES, sizeof(*out->name_strong));
    assert_non_null(out->name_strong);
    for (i = 0; i < CASE_MAX_TUPLES && set->tuples[i] != NULL; i++) {
        case_expand(set->tuples[i], hashes, &text);
        assert_true(cm_policy_parse_name_strong(
            text.data, &out->name_strong[out->name_strong_count++], NULL));
        free(text.data);
    }
    for (i = 0; i < CASE_MAX_SUFFIXES && set->upn_suffixes[i] != NULL; i++)
        assert_true(
            cm_text_list_add(&out->upn_suffixes, set->upn_suffixes[i]));
}
