#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "entry_text.h"
#include "text.h"

enum { MAX_PART = 4096 };

static void
add_part(struct cm_entry *entry, const char *part, size_t len)
{
    size_t name_len = 0, value_len = 0;
    uint8_t bytes[MAX_PART];
    char name[64];

    while (name_len < len && strchr("=#", part[name_len]) == NULL)
        name_len++;
    assert_true(name_len < len && name_len < sizeof(name));
    memcpy(name, part, name_len);
    name[name_len] = '\0';
    len -= name_len + 1;
    if (part[name_len] == '=') {
        assert_true(cm_entry_add(entry, name, part + name_len + 1, len));
        return;
    }
    assert_true(cm_hex_decode(part + name_len + 1, len, bytes, sizeof(bytes),
                              &value_len));
    assert_true(cm_entry_add(entry, name, bytes, value_len));
}

void
entry_from_text(const char *text, struct cm_entry *out)
{
    const char *end;

    memset(out, 0, sizeof(*out));
    out->dn = strdup("uid=x,dc=example,dc=com");
    assert_non_null(out->dn);
    for (; *text != '\0'; text = end + 1) {
        end = strchr(text, '\n');
        assert_non_null(end);
        add_part(out, text, (size_t)(end - text));
    }
}

static void
add_field(struct cm_buf *out, const char *name, enum cm_presence state,
          const char *value)
{
    cm_buf_addf(out, " %s=%s", name,
                state == CM_ABSENT    ? "-"
                : state == CM_PRESENT ? value
                                      : "?");
}

char *
account_to_text(const struct cm_account *account)
{
    struct cm_buf out = CM_BUF_INIT;
    char created[32];
    char *text;

    cm_buf_add_text(&out, account->named ? "named" : "other");
    if (account->computer)
        cm_buf_add_text(&out, " computer");
    assert_int_equal(account->disabled, account->disabled_why != NULL);
    if (account->disabled)
        cm_buf_addf(&out, " disabled(%s)", account->disabled_why);
    cm_buf_addf(&out, " name=%s",
                account->account_name != NULL ? account->account_name : "-");
    add_field(&out, "upn", account->upn_state, account->upn);
    if (account->has_sid_attribute)
        add_field(&out, "sid", account->sid_state, account->sid);
    else
        cm_buf_add_text(&out, " sid=none");
    (void)snprintf(created, sizeof(created), "%" PRId64, account->created);
    add_field(&out, "created", account->created_state, created);
    cm_buf_addf(&out, " mappings=%zu", account->mapping_count);
    text = cm_buf_take(&out);
    assert_non_null(text);
    return text;
}
