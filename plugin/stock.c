#include "stock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "stock_generation.h"

enum { MAX_LOG_TEXT = 400 }; /* bytes of one escaped text */

struct cm_stock {
    struct cm_log log;
    struct cm_text_list names; /* of the realms */
    struct cm_stock_source source;
    struct krb5_kdcpreauth_vtable_st vt; /* before any generation */
    struct cm_generation *current;       /* NULL: none in force */
    unsigned long made;

    struct cm_stock_watch watch;
    struct cm_stock_stamp seen;  /* at the last look */
    struct cm_stock_stamp tried; /* when a load was last attempted */
    bool failed;                 /* that load */
    struct cm_detail fault;      /* why */
    bool looked;                 /* looked_ms and tried_ms are set */
    int64_t looked_ms;
    int64_t tried_ms;
};

/* ---- the log ---- */

/* text is what others said. */
static void
say(const struct cm_stock *stock, enum cm_severity severity, const char *what,
    const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *escaped;

    cm_text_escape(&buf, text, strlen(text), MAX_LOG_TEXT);
    escaped = cm_buf_take(&buf);
    cm_log_write(&stock->log, severity, "%s: %s", what,
                 escaped != NULL ? escaped : "out of memory");
    free(escaped);
}

static void
say_failure(const struct cm_stock *stock)
{
    say(stock, CM_LOG_ERROR,
        stock->current != NULL
            ? "stock PKINIT does not load what has changed and goes on with "
              "what it had"
            : "stock PKINIT does not load",
        stock->fault.text);
}

static void
say_success(const struct cm_stock *stock,
            const struct cm_stock_attempt *attempt)
{
    for (size_t i = 0; i < attempt->unserved.count; i++)
        say(stock, CM_LOG_INFO, "stock PKINIT does not serve a realm",
            attempt->unserved.items[i]);
    if (stock->made > 1 || stock->failed)
        cm_log_write(&stock->log, CM_LOG_INFO,
                     "stock PKINIT has loaded its files anew (generation %lu)",
                     stock->made);
}

/* ---- loading ---- */

static bool
same(const struct cm_stock_stamp *a, const struct cm_stock_stamp *b)
{
    return memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

/* What is looked at from now on, whether it loaded or not.  True: it is not
 * what the last attempt met. */
static bool
follow(struct cm_stock *stock, struct cm_stock_attempt *attempt)
{
    bool changed = !same(&stock->tried, &attempt->stamp);

    if (!attempt->looked)
        return false;
    cm_stock_watch_clear(&stock->watch);
    stock->watch = attempt->watch;
    memset(&attempt->watch, 0, sizeof(attempt->watch));
    stock->seen = stock->tried = attempt->stamp;
    return changed;
}

static void
load(struct cm_stock *stock)
{
    struct cm_stock_attempt attempt;
    struct cm_generation *made;
    bool news;

    made = cm_stock_generation_make(&stock->source, stock->current, &attempt);
    news = follow(stock, &attempt);
    if (made != NULL) {
        cm_generation_release(stock->current);
        stock->current = made;
        made->number = ++stock->made;
        say_success(stock, &attempt);
        stock->failed = false;
    } else {
        news = news || !stock->failed ||
               strcmp(stock->fault.text, attempt.why.text) != 0;
        stock->failed = true;
        stock->fault = attempt.why;
        if (news)
            say_failure(stock);
    }
    cm_stock_attempt_clear(&attempt);
}

/* Was the last change long enough ago?  No where a file is missing, or where
 * the clock was set back: then two looks must see the same. */
static bool
lies_still(const struct cm_stock_stamp *stamp)
{
    struct timespec now;

    if (stamp->newest_ms == INT64_MAX ||
        clock_gettime(CLOCK_REALTIME, &now) != 0)
        return false;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 >=
           stamp->newest_ms + CM_STOCK_LOOK_MS;
}

static void
look(struct cm_stock *stock, int64_t now_ms)
{
    struct cm_stock_stamp stamp;
    bool due;

    if (!stock->looked)
        stock->tried_ms = now_ms;
    stock->looked = true;
    stock->looked_ms = now_ms;
    if (!cm_stock_watch_stamp(&stock->watch, &stamp))
        return;
    if (same(&stamp, &stock->tried))
        due = stock->failed && now_ms - stock->tried_ms >= CM_STOCK_RETRY_MS;
    else
        due = same(&stamp, &stock->seen) || lies_still(&stamp);
    stock->seen = stamp;
    if (!due)
        return;
    stock->tried_ms = now_ms;
    load(stock);
}

/* ---- the handle ---- */

static bool
copy_realms(struct cm_stock *stock, const char *const *realms)
{
    for (; *realms != NULL; realms++) {
        if (!cm_text_list_add(&stock->names, *realms))
            return false;
    }
    stock->source.count = stock->names.count;
    stock->source.realms =
        calloc(stock->names.count + 1, sizeof(*stock->source.realms));
    if (stock->source.realms == NULL)
        return false;
    for (size_t i = 0; i < stock->names.count; i++)
        stock->source.realms[i] = stock->names.items[i];
    return true;
}

/* Opens the object and asks what it is. */
static void
open_object(struct cm_stock *stock, const char *path)
{
    krb5_context context = cm_stock_context(&stock->fault);
    struct cm_stock_object *object;

    if (context == NULL)
        return;
    object = cm_stock_object_open(path, &stock->fault);
    if (object != NULL &&
        !cm_stock_object_vtable(object, context, &stock->vt, &stock->fault)) {
        cm_stock_object_release(object);
        object = NULL;
    }
    stock->source.object = object;
    krb5_free_context(context);
}

struct cm_stock *
cm_stock_new(const char *path, const char *const *realms,
             const struct cm_log *log)
{
    struct cm_stock *stock = calloc(1, sizeof(*stock));

    if (stock == NULL)
        return NULL;
    if (log != NULL)
        stock->log = *log;
    if (!copy_realms(stock, realms)) {
        cm_stock_free(stock);
        return NULL;
    }
    open_object(stock, path);
    if (stock->source.object != NULL)
        load(stock);
    else
        say_failure(stock);
    return stock;
}

void
cm_stock_free(struct cm_stock *stock)
{
    if (stock == NULL)
        return;
    cm_generation_release(stock->current);
    cm_stock_object_release(stock->source.object);
    cm_stock_watch_clear(&stock->watch);
    cm_text_list_clear(&stock->names);
    free(stock->source.realms);
    free(stock);
}

static void
give_fault(const struct cm_stock *stock, struct cm_detail *detail)
{
    cm_detail_set(detail, "%s", stock->fault.text);
}

bool
cm_stock_vtable(const struct cm_stock *stock, krb5_kdcpreauth_vtable out,
                struct cm_detail *detail)
{
    if (stock->source.object == NULL) {
        give_fault(stock, detail);
        return false;
    }
    *out = stock->vt;
    return true;
}

struct cm_generation *
cm_stock_current(struct cm_stock *stock, int64_t now_ms,
                 struct cm_detail *detail)
{
    if (stock->source.object != NULL &&
        (!stock->looked || now_ms - stock->looked_ms >= CM_STOCK_LOOK_MS))
        look(stock, now_ms);
    if (stock->current == NULL) {
        give_fault(stock, detail);
        return NULL;
    }
    return cm_generation_hold(stock->current);
}
