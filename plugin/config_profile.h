/*
 * A realm's certmap subsection while it is being read: what the profile
 * library says, where the files say it, and what is wrong with it.
 */
#ifndef CM_CONFIG_PROFILE_H
#define CM_CONFIG_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <profile.h>

#include "config.h"
#include "config_values.h"
#include "profile_scan.h"

/* A section of the profile: "realms", the realm, "certmap", ... */
enum { CM_PLACE_MAX = 6 };
struct cm_place {
    const char *names[CM_PLACE_MAX + 1]; /* NULL-terminated; borrowed */
    size_t depth;
};

/* The section `name` inside parent. */
struct cm_place cm_place_in(const struct cm_place *parent, const char *name);

struct cm_config_entry {
    char *name;
    char *value;  /* NULL: a subsection */
    unsigned nth; /* 0 for the first of its name */
    bool known;   /* a relation of the table has taken it */
};

struct cm_config_entries {
    struct cm_config_entry *list;
    size_t count;
};

struct cm_config_reader {
    profile_t profile;
    struct cm_scan scan;
    struct cm_place realms;  /* [realms] */
    struct cm_place certmap; /* the realm's certmap subsection */
    struct cm_settings *settings;
    struct cm_config_errors *errors;
    bool given[CM_RELATION_COUNT]; /* well or badly */
    bool bad[CM_RELATION_COUNT];   /* its value was refused */
    bool failed;                   /* no memory */
};

/* What stands in a section, in the library's order.  False: no memory, or
 * the library failed (reported). */
bool cm_config_list(struct cm_config_reader *reader,
                    const struct cm_place *place,
                    struct cm_config_entries *out);
void cm_config_entries_clear(struct cm_config_entries *entries);

/* How many times the files open this subsection. */
unsigned cm_config_openings(const struct cm_config_reader *reader,
                            const struct cm_place *place, const char *name);

/* How many plain relations the files have in this section. */
size_t cm_config_relations_seen(const struct cm_config_reader *reader,
                                const struct cm_place *place);

/*
 * Adds a finding: "FILE:LINE: [realms] EXAMPLE.COM certmap NAME = VALUE:
 * text".  The line is that of the nth NAME; where there is none, that of the
 * section.  name and value may be NULL.
 */
void cm_config_report(struct cm_config_reader *reader,
                      const struct cm_place *place, const char *name,
                      const char *value, unsigned nth, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Reads what stands in the section into the target and reports all that is
 * wrong with it.  section is "", "ldap" or "issuer". */
void cm_config_read_section(struct cm_config_reader *reader,
                            const struct cm_place *place, const char *section,
                            struct cm_config_target *target);

/* What single values cannot show: what is missing, what contradicts, which
 * files are not there. */
void cm_config_cross_check(struct cm_config_reader *reader);

#endif
