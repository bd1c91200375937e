/*
 * Entries and accounts as text, so that a table of cases can be read.
 */
#ifndef ENTRY_TEXT_H
#define ENTRY_TEXT_H

#include "schema.h"

/*
 * An entry from "name=value" and "name#68657820" parts, each ended by a line
 * feed; the DN is "uid=x,dc=example,dc=com".  Fails the test when it cannot.
 */
void entry_from_text(const char *text, struct cm_entry *out);

/*
 * One line for an account, to be freed:
 *
 *     named computer disabled(WHY) name=N upn=U sid=S created=C mappings=M
 *
 * "other" instead of "named"; "-" is absent, "?" is faulty; sid=none where
 * the schema has no SIDs.
 */
char *account_to_text(const struct cm_account *account);

#endif
