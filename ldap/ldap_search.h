/*
 * The searches of the ldap backend, on one connection.
 */
#ifndef CM_LDAP_SEARCH_H
#define CM_LDAP_SEARCH_H

#include <stdint.h>

#include "backend.h"
#include "ldap_connection.h"

enum { CM_LDAP_PAGE = 500 }; /* entries in a page of a walk */

enum cm_ldap_search_end {
    CM_LDAP_SEARCH_DONE,    /* answered, and understood */
    CM_LDAP_SEARCH_REFUSED, /* answered; no other server is to be asked */
    CM_LDAP_SEARCH_USELESS, /* answered, in a way that cannot be used: another
                               server may do better, and this one with another
                               question */
    CM_LDAP_SEARCH_LOST,    /* the connection is gone */
    CM_LDAP_SEARCH_FAILED   /* no answer in time, or an error */
};

struct cm_ldap_search {
    enum cm_ldap_search_end (*run)(struct cm_ldap_search *search,
                                   struct cm_ldap_connection *connection,
                                   int64_t deadline, struct cm_detail *detail);
    const struct cm_directory_config *config;
    enum cm_reason reason; /* with CM_LDAP_SEARCH_REFUSED */

    const char *filter; /* of cm_ldap_run_bounded() */
    const struct cm_lookup *lookup;
    struct cm_accounts *accounts;

    struct cm_walk *walk; /* of cm_ldap_search_mapped */

    struct cm_entry *probed; /* of cm_ldap_search_base: the entry read last */

    struct cm_who *who; /* of cm_ldap_who() */

    struct cm_ntauth_object *object; /* of cm_ntauth_object_read() */

    struct cm_sweep_state *sweep; /* of cm_sweep() */

    struct cm_writer *writer;          /* of cm_writer_open() */
    struct cm_writer_look *looked;     /* of cm_writer_look() */
    struct cm_writer_threads *threads; /* of cm_writer_await_threads() */
};

/* What one search asks. */
struct cm_ldap_request {
    const char *base;
    int scope;
    const char *filter;
    const char *const *attributes; /* NULL-terminated */
    LDAPControl **controls;
    int size_limit; /* 0: none */
};

/* Takes one entry, with the attributes that were asked for only. */
typedef enum cm_ldap_search_end
cm_ldap_take_entry(struct cm_ldap_search *search, const struct cm_entry *entry,
                   struct cm_detail *detail);

/*
 * Sends a search and hands its entries over, one by one.  The final message
 * is the caller's with CM_LDAP_SEARCH_DONE; else the operation is abandoned
 * and the connection is to be closed.
 */
enum cm_ldap_search_end cm_ldap_run_search(
    struct cm_ldap_search *search, struct cm_ldap_connection *connection,
    const struct cm_ldap_request *request, cm_ldap_take_entry *take,
    int64_t deadline, LDAPMessage **final, struct cm_detail *detail);

/*
 * Below the base, everything that search->filter finds, with the attributes
 * of the schema: more than CM_DIRECTORY_MAX_ENTRIES refuse
 * (CM_ACCOUNT_AMBIGUOUS).  too_many: detail then says "more than 8" of
 * them; NULL: it says what the server says.
 */
enum cm_ldap_search_end
cm_ldap_run_bounded(struct cm_ldap_search *search,
                    struct cm_ldap_connection *connection,
                    cm_ldap_take_entry *take, const char *too_many,
                    int64_t deadline, struct cm_detail *detail);

/*
 * One page of a search (RFC 2696): CM_LDAP_PAGE entries from where *cookie,
 * which begins empty, says.  With CM_LDAP_SEARCH_DONE *code is the result and
 * *cookie where the next page begins; empty: there is none.  The control is
 * not critical: a server without pages sends everything at once.  The caller
 * frees cookie->bv_val with ber_memfree() in the end.
 */
enum cm_ldap_search_end cm_ldap_run_page(struct cm_ldap_search *search,
                                         struct cm_ldap_connection *connection,
                                         struct cm_ldap_request *request,
                                         cm_ldap_take_entry *take,
                                         int64_t deadline,
                                         struct berval *cookie, int *code,
                                         struct cm_detail *detail);

/* Runs the search with the first server that answers it. */
enum cm_reason cm_ldap_ask(struct cm_ldap *ldap, struct cm_ldap_search *search,
                           int timeout_ms, struct cm_detail *detail);

/* The accounts of one login; *accounts is filled anew by each run. */
enum cm_ldap_search_end
cm_ldap_search_accounts(struct cm_ldap_search *search,
                        struct cm_ldap_connection *connection,
                        int64_t deadline, struct cm_detail *detail);

/* Is the base there and readable, and can accounts be found by value? */
enum cm_ldap_search_end
cm_ldap_search_base(struct cm_ldap_search *search,
                    struct cm_ldap_connection *connection, int64_t deadline,
                    struct cm_detail *detail);

/* Every account with a mapping, page by page (RFC 2696). */
enum cm_ldap_search_end
cm_ldap_search_mapped(struct cm_ldap_search *search,
                      struct cm_ldap_connection *connection, int64_t deadline,
                      struct cm_detail *detail);

#endif
