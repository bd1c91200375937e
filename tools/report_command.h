/*
 * The parts of `certmap report`, one file each.
 *
 * Memory is bounded by the number of principals, not of lines.  Texts from the
 * log are kept as the audit line has them, escaped.
 */
#ifndef CM_REPORT_COMMAND_H
#define CM_REPORT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "audit_line.h"
#include "detail.h"
#include "name_index.h"
#include "reference.h"
#include "tool.h"

enum {
    CM_REPORT_MAX_PRINCIPALS = 1000000, /* lines of further ones are counted */
    CM_REPORT_MAX_CARDS = 16,           /* of a principal: the latest seen */
    CM_REPORT_MAX_WORDS = 65536,        /* different tokens and issuers */
    CM_REPORT_MAX_LINE = 65536,         /* bytes of a log line */
    CM_REPORT_MAX_FOUND = 16,           /* lines with one reference */
    CM_REPORT_DAY = 24 * 3600
};

/* Texts that occur again and again, each kept once. */
struct cm_words {
    struct cm_name_index index;
};

/* The kept copy; NULL for NULL.  Where there are too many: "(other)".  Sets
 * *failed without memory and returns "". */
const char *cm_words_keep(struct cm_words *words, struct cm_span text,
                          bool *failed);
void cm_words_clear(struct cm_words *words);

enum cm_tally_kind {
    CM_TALLY_REASON,
    CM_TALLY_MAPPING, /* of accepted logins, as the next */
    CM_TALLY_STRENGTH,
    CM_TALLY_CHOICE,
    CM_TALLY_WARNING
};
enum { CM_TALLY_KINDS = 5 };

/* How often a token was seen. */
struct cm_tally {
    struct cm_tally *next;
    enum cm_tally_kind kind;
    const char *word; /* kept */
    uint64_t count;
};

/* One more of a kept word; words stay in the order in which they came.  False:
 * no memory. */
bool cm_tally_count(struct cm_tally **list, enum cm_tally_kind kind,
                    const char *word);
void cm_tallies_free(struct cm_tally *list);

/* What the last line says that judged a card. */
struct cm_judgement {
    bool there;
    bool authorized;
    bool observing;
    bool passing; /* says more about the KDC's day than about the card */
    bool weak;
    const char *reason, *mode, *mapping, *strength, *choices, *warnings;
};

/* One certificate of a principal. */
struct cm_report_card {
    struct cm_report_card *next;
    bool has_certificate; /* or: lines that name none */
    uint8_t sha256[32];
    char *serial;       /* NULL: none */
    const char *issuer; /* kept; NULL: none */
    int64_t not_after;
    uint64_t accepted, refused;
    int64_t last;      /* CM_LOG_NO_TIME: not known */
    uint64_t sequence; /* grows with each line */
    unsigned source;   /* the file of the last line */
    struct cm_judgement judgement;
};

struct cm_report_principal {
    struct cm_named named;
    const char *realm; /* kept; NULL: none */
    uint64_t accepted, refused;
    int64_t last;
    struct cm_tally *tallies;
    struct cm_report_card *cards;
    unsigned card_count;
    uint64_t cards_dropped;
};

/* A line with the reference that is looked for. */
struct cm_report_line {
    char *text;
    int64_t when; /* CM_LOG_NO_TIME: not known */
};

struct cm_report {
    /* What is asked. */
    char reference[CM_REFERENCE_SIZE]; /* only its lines; "": counts */
    const char *realm;                 /* only this one; NULL: all */
    int64_t since, until;              /* INT64_MIN, INT64_MAX: no limit */
    int64_t now;
    int64_t soon; /* seconds: a card that ends within is named */

    /* What was read. */
    uint64_t lines, audit_lines, damaged, undated, nameless;
    uint64_t left_out; /* lines of principals beyond the limit */
    uint64_t accepted, refused;
    int64_t first, last;
    struct cm_tally *tallies;
    struct cm_name_index principals; /* struct cm_report_principal */
    struct cm_words words;
    struct cm_report_line found[CM_REPORT_MAX_FOUND];
    size_t found_count;
    bool failed; /* no memory */
    uint64_t sequence;
    unsigned source;
};

/* ---- report_count.c ---- */

void cm_report_init(struct cm_report *report);
void cm_report_clear(struct cm_report *report);

/* By its realm and time. */
bool cm_report_asks_for(const struct cm_report *report,
                        const struct cm_audit_fields *fields, int64_t when);

/* One audit line, and when it was (CM_LOG_NO_TIME: not known). */
void cm_report_add(struct cm_report *report,
                   const struct cm_audit_fields *fields, int64_t when);

/* ---- report_find.c ---- */

/* One audit line: it is kept if it has the reference. */
void cm_report_find(struct cm_report *report, struct cm_span line,
                    const struct cm_audit_fields *fields, int64_t when);
void cm_report_find_clear(struct cm_report *report);

/* False: no memory, or it could not be written. */
bool cm_report_print_found(const struct cm_report *report, bool json,
                           FILE *out);

/* ---- report_judge.c ---- */

/* Ordered: what needs work first. */
enum cm_need {
    CM_NEED_OBSERVE, /* refused as soon as observe mode ends */
    CM_NEED_FULL,    /* refused under enforcement = full */
    CM_NEED_REFUSED, /* refused already */
    CM_NEED_LOOK,    /* accepted, but look at it */
    CM_NEED_NONE,
    CM_NEED_EXPIRED /* the card has expired: it does not matter any more */
};
enum { CM_NEED_COUNT = 6 };

/* "observe", "full", "refused", "look", "none", "expired". */
const char *cm_need_token(enum cm_need need);

enum cm_need cm_report_card_need(const struct cm_report *report,
                                 const struct cm_report_card *card);

/* Why, in words; "" where there is no need. */
void cm_report_card_why(const struct cm_report *report,
                        const struct cm_report_card *card,
                        struct cm_detail *out);

/* What to do; the caller frees it.  NULL: no memory. */
char *cm_report_remedy(const struct cm_report *report,
                       const struct cm_report_principal *principal,
                       const struct cm_report_card *card);

/* A principal as it stands in the list. */
struct cm_report_item {
    const struct cm_report_principal *principal;
    enum cm_need need; /* the most urgent of its cards */
    bool locked_out;   /* it would be refused with every card */
};

/* All principals, what needs work first.  The caller frees *out.  False: no
 * memory. */
bool cm_report_sort(const struct cm_report *report,
                    struct cm_report_item **out);

/* ---- report_read.c ---- */

/* Reads a log file ("-": standard input).  CM_EXIT_YES, or an error was
 * printed. */
enum cm_exit cm_report_read_file(struct cm_report *report,
                                 struct cm_tool *tool, const char *path);
/* What journalctl(1) says about the KDC. */
enum cm_exit cm_report_read_journal(struct cm_report *report,
                                    struct cm_tool *tool);

/* ---- report_output.c ---- */

struct cm_report_view {
    bool json;
    bool all;     /* those who need nothing, too */
    size_t limit; /* principals; SIZE_MAX: all */
};

/* How many principals would be refused.  *locked_out: with every card. */
size_t cm_report_would_refuse(const struct cm_report_item *items, size_t count,
                              size_t *locked_out);

/* False: no memory, or it could not be written. */
bool cm_report_print(const struct cm_report *report,
                     const struct cm_report_item *items,
                     const struct cm_report_view *view, FILE *out);

#endif
