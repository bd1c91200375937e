/*
 * The input is a CSV file.  Every record has as many fields as the header,
 * each clean text; and reading comes to an end.
 */
#include <stdio.h>
#include <string.h>

#include "csv.h"
#include "fuzz.h"

static void
check_record(const struct cm_csv *csv)
{
    FUZZ_REQUIRE(csv->count > 0 && csv->count == csv->columns);
    for (size_t i = 0; i < csv->count; i++)
        FUZZ_REQUIRE(strchr(csv->fields[i], '\x1b') == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    struct cm_detail detail = {""};
    enum cm_csv_step step = CM_CSV_RECORD;
    size_t steps = 0;
    struct cm_csv csv;
    FILE *in;

    FUZZ_REQUIRE(copy != NULL);
    memcpy(copy, data, size);
    in = size > 0 ? fmemopen(copy, size, "r") : fopen("/dev/null", "re");
    FUZZ_REQUIRE(in != NULL && cm_csv_init(&csv, in));
    while (step == CM_CSV_RECORD || step == CM_CSV_BAD) {
        step = cm_csv_next(&csv, &detail);
        if (step == CM_CSV_RECORD)
            check_record(&csv);
        FUZZ_REQUIRE(steps++ <= size);
    }
    cm_csv_clear(&csv);
    (void)fclose(in);
    free(copy);
    return 0;
}
