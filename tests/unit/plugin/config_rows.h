/*
 * Tests of the configuration, each row a certmap subsection and what is said
 * about it.
 */
#ifndef CONFIG_ROWS_H
#define CONFIG_ROWS_H

#include "scratch.h"

/* "@" is the temporary folder, filled by scratch_fill(). */
#define TRUST "anchors = FILE:@/roots.pem\nntauth = DIR:@/ntauth\n"
#define ISSUER TRUST "issuer = {\nca1 = {\ncertificate = @/ca.pem\n"

/* Exactly one finding, which holds these words. */
struct config_refusal {
    const char *block;
    const char *finding;
};

/* The summary line tells what was understood. */
struct config_acceptance {
    const char *block;
    const char *summary; /* what the line ends with */
};

/* Filled between config_set_up() and config_tear_down(). */
extern struct scratch config_scratch;

int config_set_up(void **state);
int config_tear_down(void **state);

/* A certmap subsection of EXAMPLE.COM, and what the reader makes of it. */
void config_write(const char *block);
enum cm_config_result config_load(struct cm_settings *settings,
                                  struct cm_config_errors *errors);

/* How many rows failed. */
int config_run_rows(struct config_refusal *refusals, size_t refusal_count,
                    struct config_acceptance *acceptances,
                    size_t acceptance_count);

#endif
