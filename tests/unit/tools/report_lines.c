#include "report_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
add_line(FILE *out, const struct audit *a)
{
    const char *reason = a->reason != NULL ? a->reason : "ok";
    bool ok = strcmp(reason, "ok") == 0;

    if (a->when != NULL)
        fprintf(out, "%s kdc1 krb5kdc[1](info): ", a->when);
    fprintf(out,
            "certmap: %s reason=%s realm=\"R\" mode=%s principal=\"%s@R\"",
            ok ? "authorized" : "refused", reason,
            a->mode != NULL ? a->mode : "enforce",
            a->who != NULL ? a->who : "alice");
    fprintf(out,
            " requested=- account=- mapping=%s strength=%s revocation=off "
            "status=- choices=%s warnings=%s hw_authent=false ms=1%s%s %s "
            "serial=4d not_after=%s issuer=\"CN=CA\" subject=\"CN=x\" upn=- "
            "indicators=- detail=-\n",
            a->mapping != NULL ? a->mapping
            : ok               ? "ski"
                               : "none",
            a->strength != NULL ? a->strength
            : ok                ? "strong"
                                : "none",
            a->choices != NULL ? a->choices : "-",
            a->warnings != NULL ? a->warnings : "-",
            a->ref != NULL ? " ref=" : "", a->ref != NULL ? a->ref : "",
            a->card != NULL ? a->card : CARD_A,
            a->until != NULL ? a->until : "2040-01-01T00:00:00Z");
}

/* Runs it over what was written to *text, and frees that. */
struct run
report_on(const char *line, char *text)
{
    struct run run = run_line(line, text, strlen(text));

    free(text);
    return run;
}

char *
lines_of(const struct audit *lines, int count)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    for (int i = 0; i < count; i++)
        add_line(out, &lines[i]);
    assert_int_equal(fclose(out), 0);
    return text;
}

void
check_run(const char *line, char *text, enum cm_exit code, const char *out,
          const char *err)
{
    struct run run = report_on(line, text);

    run_expect(&run, &(const struct run_row){line, code, out, err});
}
