#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
load_result_init(struct load_result *result, size_t count)
{
    memset(result, 0, sizeof(*result));
    result->latency = calloc(count, sizeof(*result->latency));
    if (result->latency == NULL)
        load_fail("out of memory");
}

void
load_result_clear(struct load_result *result)
{
    free(result->latency);
    memset(result, 0, sizeof(*result));
}

void
load_result_add(struct load_result *result, const struct load_outcome *outcome,
                double latency)
{
    if (!outcome->answered) {
        result->unanswered++;
        return;
    }
    result->latency[result->answered++] = latency;
    if (outcome->answer == AM_AS_REP)
        result->as_rep++;
    else if (outcome->answer == AM_ERROR && outcome->error >= 0 &&
             outcome->error < LOAD_MAX_ERROR)
        result->errors[outcome->error]++;
    else
        result->strange++;
}

bool
load_result_ok(const struct load *load, const struct load_result *result)
{
    size_t right =
        load->expect == 0 ? result->as_rep : result->errors[load->expect];

    return result->answered > 0 && right == result->answered &&
           result->unanswered == 0;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Milliseconds within which that share was answered. */
static double
percentile(const struct load_result *result, double share)
{
    size_t at = (size_t)(share * (double)result->answered);

    if (result->answered == 0)
        return 0;
    if (at >= result->answered)
        at = result->answered - 1;
    return result->latency[at] * 1e3;
}

static void
print_errors(const struct load_result *result, const char *format,
             const char *between)
{
    const char *before = "";

    for (size_t i = 0; i < LOAD_MAX_ERROR; i++)
        if (result->errors[i] > 0) {
            fputs(before, stdout);
            if (strcmp(format, "json") == 0)
                printf("\"%zu\": %zu", i, result->errors[i]);
            else
                printf("error %zu: %zu", i, result->errors[i]);
            before = between;
        }
}

static void
print_json(const struct load_result *result)
{
    printf("{\"answered\": %zu, \"as_rep\": %zu, \"errors\": {",
           result->answered, result->as_rep);
    print_errors(result, "json", ", ");
    printf("}, \"strange\": %zu, \"unanswered\": %zu, \"seconds\": %.6f, "
           "\"rate\": %.3f, \"median_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"max_ms\": %.3f}\n",
           result->strange, result->unanswered, result->elapsed,
           (double)result->answered / result->elapsed, percentile(result, 0.5),
           percentile(result, 0.99), percentile(result, 1));
}

void
load_result_print(struct load_result *result, bool json)
{
    qsort(result->latency, result->answered, sizeof(*result->latency),
          compare);
    if (json) {
        print_json(result);
        return;
    }
    printf("%zu answers in %.2f s, %.1f a second\n", result->answered,
           result->elapsed, (double)result->answered / result->elapsed);
    printf("milliseconds: median %.2f, 99th percentile %.2f, longest %.2f\n",
           percentile(result, 0.5), percentile(result, 0.99),
           percentile(result, 1));
    printf("AS-REP: %zu\n", result->as_rep);
    print_errors(result, "text", "\n");
    printf("%sneither: %zu, no answer: %zu\n",
           result->as_rep == result->answered ? "" : "\n", result->strange,
           result->unanswered);
}
