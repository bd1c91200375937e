/*
 * Who else holds a mapping value.
 */
#include "edit.h"

#include <string.h>

#include "sweep.h"

void
cm_edit_holders_clear(struct cm_edit_holders *holders)
{
    cm_text_list_clear(&holders->names);
    memset(holders, 0, sizeof(*holders));
}

bool
cm_edit_entry_holds(const struct cm_entry *entry, const char *attribute,
                    const struct cm_candidate *candidate)
{
    const struct cm_attribute *values = cm_entry_get(entry, attribute);

    for (size_t i = 0; values != NULL && i < values->count; i++) {
        if (cm_candidate_matches(candidate, values->values[i].data,
                                 values->values[i].len))
            return true;
    }
    return false;
}

struct search {
    const char *attribute;
    const struct cm_candidate *candidate;
    const char *except;
    struct cm_edit_holders found;
    bool failed; /* no memory */
};

/* A server may return more than was asked for: it is looked at again. */
static bool
visit(void *context, const struct cm_entry *entry)
{
    struct search *search = context;
    const char *dn = entry->dn != NULL ? entry->dn : "";

    if (cm_text_equal_fold(dn, search->except) ||
        !cm_edit_entry_holds(entry, search->attribute, search->candidate))
        return true;
    if (search->found.names.count == CM_EDIT_MAX_HOLDERS) {
        search->found.more = true;
        return false;
    }
    search->failed = !cm_text_list_add(&search->found.names, dn);
    return !search->failed;
}

static void
add_equality(struct cm_buf *out, const struct search *search,
             const char *prefix)
{
    const char *value = search->candidate->value;
    size_t skip = strlen("X509:");

    cm_buf_addf(out, "(%s=%s", search->attribute, prefix);
    cm_filter_escape(out, value + skip, search->candidate->len - skip);
    cm_buf_add_char(out, ')');
}

/* As written, and with the blank that a login tolerates. */
static void
add_either(struct cm_buf *out, const struct search *search)
{
    cm_buf_add_text(out, "(|");
    add_equality(out, search, "X509:");
    add_equality(out, search, "X509: ");
    cm_buf_add_char(out, ')');
}

static bool
sweep(const struct cm_directory_config *config, struct search *search,
      struct cm_buf *filter, struct cm_detail *detail)
{
    const char *const attributes[] = {search->attribute, NULL};
    struct cm_sweep all = {.filter = filter->data,
                           .attributes = attributes,
                           .visit = visit,
                           .context = search};
    enum cm_sweep_end end = CM_SWEEP_FAILED;

    if (filter->failed)
        cm_detail_set(detail, "out of memory");
    else
        end = cm_sweep(config, &all, detail);
    cm_buf_clear(filter);
    return !search->failed &&
           (end == CM_SWEEP_WHOLE || end == CM_SWEEP_STOPPED);
}

static bool
count_one(void *context, const struct cm_entry *entry)
{
    (void)context;
    (void)entry;
    return true;
}

/*
 * A comparison that a schema has no rule for is Undefined, and so is its
 * negation (RFC 4511 section 4.5.1.7): then even "equal or not" finds nothing.
 */
static bool
is_searchable(const struct cm_directory_config *config,
              const struct search *search, bool *out, struct cm_detail *detail)
{
    struct cm_sweep one = {.visit = count_one, .base_only = true};
    struct cm_buf filter = CM_BUF_INIT;
    enum cm_sweep_end end = CM_SWEEP_FAILED;

    cm_buf_addf(&filter, "(|(%s=x)(!(%s=x)))", search->attribute,
                search->attribute);
    one.filter = filter.data;
    if (filter.failed)
        cm_detail_set(detail, "out of memory");
    else
        end = cm_sweep(config, &one, detail);
    cm_buf_clear(&filter);
    *out = one.seen > 0;
    return end == CM_SWEEP_WHOLE;
}

static bool
search_ldap(const struct cm_directory_config *config, struct search *search,
            struct cm_detail *detail)
{
    struct cm_buf filter = CM_BUF_INIT;
    bool searchable;

    if (!is_searchable(config, search, &searchable, detail))
        return false;
    if (searchable)
        add_either(&filter, search);
    else
        cm_buf_addf(&filter, "(%s=*)", search->attribute);
    return sweep(config, search, &filter, detail);
}

static void
log_nothing(void *context, enum cm_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    (void)text;
}

static bool
search_ldif(const struct cm_directory_config *config, struct search *search,
            struct cm_detail *detail)
{
    struct cm_log log = {log_nothing, NULL};
    struct cm_directory *directory = cm_directory_new(config, &log);
    bool truncated = false, ok;

    if (directory == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    ok = cm_directory_each_mapped(directory, SIZE_MAX, CM_EDIT_TIMEOUT_MS,
                                  visit, search, &truncated, detail) == CM_OK;
    cm_directory_free(directory);
    return ok && !truncated && !search->failed;
}

bool
cm_edit_find_holders(const struct cm_directory_config *config,
                     const struct cm_candidate *candidate, const char *except,
                     struct cm_edit_holders *out, struct cm_detail *detail)
{
    struct search search = {.attribute = config->schema.mappings,
                            .candidate = candidate,
                            .except = except};
    bool ok = false;

    memset(out, 0, sizeof(*out));
    switch (config->kind) {
    case CM_DIRECTORY_LDAP:
        ok = search_ldap(config, &search, detail);
        break;
    case CM_DIRECTORY_LDIF:
        ok = search_ldif(config, &search, detail);
        break;
    case CM_DIRECTORY_KDB:
        cm_detail_set(detail, "the KDC's database is no LDAP directory");
        break;
    }
    if (ok)
        *out = search.found;
    else
        cm_edit_holders_clear(&search.found);
    return ok;
}
