#include "field.h"

#include <stdlib.h>
#include <string.h>

#include "sid.h"
#include "text.h"

/* The one value of an attribute, or NULL with *state telling why. */
static const struct cm_value *
single_value(const struct cm_entry *entry, const char *name,
             enum cm_presence *state)
{
    const struct cm_attribute *attribute = cm_entry_get(entry, name);

    if (attribute == NULL || attribute->count == 0) {
        *state = CM_ABSENT;
        return NULL;
    }
    *state = CM_FAULTY;
    return attribute->count == 1 ? &attribute->values[0] : NULL;
}

static bool
is_clean(const struct cm_value *value)
{
    return value->len > 0 &&
           cm_text_is_clean((const uint8_t *)value->data, value->len);
}

bool
cm_field_text(const struct cm_entry *entry, const char *name,
              enum cm_presence *state, char **out)
{
    const struct cm_value *value = single_value(entry, name, state);

    if (value == NULL || !is_clean(value))
        return true;
    *out = strdup(value->data);
    if (*out == NULL)
        return false;
    *state = CM_PRESENT;
    return true;
}

bool
cm_field_sid(const struct cm_entry *entry, const char *name,
             enum cm_presence *state, char **out)
{
    const struct cm_value *value = single_value(entry, name, state);

    if (value == NULL)
        return true;
    if (cm_sid_text_is_canonical(value->data, value->len)) {
        *out = strdup(value->data);
        if (*out == NULL)
            return false;
    } else {
        *out =
            cm_sid_text_from_bytes((const uint8_t *)value->data, value->len);
        /* Out of memory reads as malformed here; both refuse. */
        if (*out == NULL)
            return true;
    }
    *state = CM_PRESENT;
    return true;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Accumulates below zero, whose range is the larger one. */
static bool
parse_integer(const char *text, size_t len, int64_t *out)
{
    bool negative = len > 0 && text[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t value = 0;

    if (i == len || (text[i] == '0' && (negative || len > 1)))
        return false;
    for (; i < len; i++) {
        if (!is_digit(text[i]) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text[i] - '0', &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        return false;
    *out = value;
    return true;
}

enum cm_presence
cm_field_integer(const struct cm_entry *entry, const char *name, int64_t *out)
{
    enum cm_presence state;
    const struct cm_value *value = single_value(entry, name, &state);

    if (value != NULL && parse_integer(value->data, value->len, out))
        return CM_PRESENT;
    return state;
}

enum cm_presence
cm_field_boolean(const struct cm_entry *entry, const char *name, bool *out)
{
    enum cm_presence state;
    const struct cm_value *value = single_value(entry, name, &state);

    if (value == NULL)
        return state;
    if (value->len == 4 && cm_text_equal_fold_n(value->data, "TRUE", 4))
        *out = true;
    else if (value->len == 5 && cm_text_equal_fold_n(value->data, "FALSE", 5))
        *out = false;
    else
        return CM_FAULTY;
    return CM_PRESENT;
}

enum cm_presence
cm_field_time(const struct cm_entry *entry, const char *name, int64_t *out)
{
    enum cm_presence state;
    const struct cm_value *value = single_value(entry, name, &state);

    if (value != NULL &&
        cm_generalized_time_parse(value->data, value->len, out))
        return CM_PRESENT;
    return state;
}
