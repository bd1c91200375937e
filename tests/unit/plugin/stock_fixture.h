/*
 * A KDC's configuration for stock PKINIT in a temporary folder: keys and
 * certificates made now, kdc.conf, and every line that was logged.
 */
#ifndef STOCK_FIXTURE_H
#define STOCK_FIXTURE_H

#include <openssl/evp.h>

#include "log.h"
#include "scratch.h"
#include "stock.h"
#include "text.h"

struct stock_fixture {
    struct scratch scratch;
    struct cm_text_list lines;
    struct cm_log log;
    int64_t now; /* the monotonic clock, in ms */
    struct cm_detail detail;
};

/* Makes kdc.pem, kdc.key, roots.pem, krb5.conf and a kdc.conf with
 * [kdcdefaults] that names the first two as pkinit_identity and the third as
 * pkinit_anchors, and with our certauth module.  Every failure ends the test
 * program. */
void stock_fixture_make(struct stock_fixture *fixture);
void stock_fixture_remove(struct stock_fixture *fixture);

/* Writes kdc.conf anew: more (NULL: nothing) before [plugins]; "@" in it is
 * the folder. */
void stock_fixture_conf(struct stock_fixture *fixture, const char *more);

/* A certificate of the P-256 key `slot`, named by its number, and that key. */
void stock_fixture_certificate(struct stock_fixture *fixture, const char *name,
                               unsigned slot);
void stock_fixture_key(struct stock_fixture *fixture, const char *name,
                       unsigned slot);
void stock_fixture_write_key(struct stock_fixture *fixture, const char *name,
                             EVP_PKEY *key);
/* Both in one file. */
void stock_fixture_pair(struct stock_fixture *fixture, const char *name,
                        unsigned slot);

/* For the realms, or for EXAMPLE.COM (NULL). */
struct cm_stock *stock_fixture_open(struct stock_fixture *fixture,
                                    const char *const *realms);

/* The number of the generation in force; 0: none. */
unsigned long stock_fixture_number(struct stock_fixture *fixture,
                                   struct cm_stock *stock);
/* The same after enough looks to see a change and to see that it is over. */
unsigned long stock_fixture_settled(struct stock_fixture *fixture,
                                    struct cm_stock *stock);

/* How many logged lines hold the words; forgets all lines. */
size_t stock_fixture_lines(struct stock_fixture *fixture, const char *words);

#endif
