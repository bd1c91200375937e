/*
 * The record of one verify call of the kdcpreauth module: what has happened,
 * and what may still happen.
 *
 * The stock module calls our certauth module from inside its verify call, and
 * the two of ours share no data.  So the record is current exactly while stock
 * runs, and certauth leaves its evidence in whatever record is current; it is
 * never looked up by request or principal, which a client could repeat.
 *
 *     new -> evidence -> stock-ok -> decided -> answered
 *
 * Everything that is not foreseen refuses: a nested call, evidence that comes
 * twice (spoilt), a stock module that has not answered when its call returns
 * (dead).  The KDC is answered once.
 *
 * The pointer to the current record is the one global variable of the
 * project.  The KDC's main thread alone uses it.
 */
#ifndef CM_RECORD_H
#define CM_RECORD_H

#include "evidence.h"

enum cm_record_state {
    CM_RECORD_NEW,
    CM_RECORD_EVIDENCE, /* certauth was called, once */
    CM_RECORD_STOCK_OK, /* stock says yes */
    CM_RECORD_DECIDED,  /* it is known what the KDC will be told */
    CM_RECORD_ANSWERED, /* it was told; nothing happens any more */
    CM_RECORD_SPOILT,   /* something came twice: it can only be refused */
    CM_RECORD_DEAD      /* stock did not answer in its call: likewise */
};

enum {
    CM_RECORD_MAX_INDICATORS = 64,
    CM_RECORD_MAX_INDICATOR = 1024 /* bytes of one */
};

struct cm_realms;

struct cm_record {
    enum cm_record_state state;
    bool entered;             /* it is current, or was */
    bool responded;           /* stock has answered */
    bool accepted;            /* decided: yes; false until then */
    struct cm_realms *realms; /* borrowed: what certauth reads in it */
    struct cm_login_evidence evidence;
    struct cm_text_list indicators; /* what stock asserts by itself */
};

void cm_record_init(struct cm_record *record, struct cm_realms *realms);
/* It must not be current. */
void cm_record_clear(struct cm_record *record);

/* The current record; NULL: none, we are not inside the stock module. */
struct cm_record *cm_record_current(void);

/* Makes it current.  False: another is (a nested call), or it was before. */
bool cm_record_enter(struct cm_record *record);
/* The stock call has returned; a record that it left without an answer is
 * dead.  Nothing happens where it is not current. */
void cm_record_leave(struct cm_record *record);

/* Certauth is called; it may fill record->evidence where this is true.
 * False: it was called before, or the record is not current. */
bool cm_record_keep(struct cm_record *record);

/* Stock asserts an indicator.  False: not current, too many, too long, or no
 * memory. */
bool cm_record_indicate(struct cm_record *record, const char *indicator);

/* Stock answers: yes or no.  True: its answer stands.  False: it must be
 * thrown away, because it came too late, twice, or after something else
 * did. */
bool cm_record_stock(struct cm_record *record, bool yes);

/* The verdict about a record to which stock said yes.  False: this is no
 * moment for one, and nothing is accepted. */
bool cm_record_decide(struct cm_record *record, bool accepted);

/* Refuses, in whatever state, unless the KDC was told already (false). */
bool cm_record_refuse(struct cm_record *record);

/* True once, when it is decided: the caller answers the KDC. */
bool cm_record_answer(struct cm_record *record);

#endif
