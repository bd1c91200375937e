#include "journal.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
    enum cm_severity severity;
    char *text;
};

struct cm_journal {
    struct cm_log out;
    struct cm_log in;
    pthread_mutex_t lock; /* of what follows */
    struct entry waiting[CM_JOURNAL_MAX_WAITING];
    size_t count;
    size_t lost;
};

static bool
is_main_thread(void)
{
    return gettid() == getpid();
}

static void
wait_for_main(struct cm_journal *journal, enum cm_severity severity,
              const char *text)
{
    char *copy = strdup(text);

    pthread_mutex_lock(&journal->lock);
    if (copy != NULL && journal->count < CM_JOURNAL_MAX_WAITING) {
        journal->waiting[journal->count++] = (struct entry){severity, copy};
        copy = NULL;
    } else {
        journal->lost++;
    }
    pthread_mutex_unlock(&journal->lock);
    free(copy);
}

static void
take_line(void *context, enum cm_severity severity, const char *text)
{
    struct cm_journal *journal = context;

    if (!is_main_thread()) {
        wait_for_main(journal, severity, text);
        return;
    }
    cm_journal_flush(journal);
    journal->out.line(journal->out.context, severity, text);
}

struct cm_journal *
cm_journal_new(const struct cm_log *out)
{
    struct cm_journal *journal = calloc(1, sizeof(*journal));

    if (journal == NULL)
        return NULL;
    if (pthread_mutex_init(&journal->lock, NULL) != 0) {
        free(journal);
        return NULL;
    }
    journal->out = *out;
    journal->in = (struct cm_log){take_line, journal};
    return journal;
}

void
cm_journal_free(struct cm_journal *journal)
{
    if (journal == NULL)
        return;
    cm_journal_flush(journal);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}

const struct cm_log *
cm_journal_log(struct cm_journal *journal)
{
    return &journal->in;
}

/* Takes the first line that waits; NULL: none does. */
static char *
take_first(struct cm_journal *journal, enum cm_severity *severity,
           size_t *lost)
{
    char *text = NULL;

    pthread_mutex_lock(&journal->lock);
    if (journal->count > 0) {
        text = journal->waiting[0].text;
        *severity = journal->waiting[0].severity;
        journal->count--;
        memmove(&journal->waiting[0], &journal->waiting[1],
                journal->count * sizeof(journal->waiting[0]));
    } else {
        *lost = journal->lost;
        journal->lost = 0;
    }
    pthread_mutex_unlock(&journal->lock);
    return text;
}

void
cm_journal_flush(struct cm_journal *journal)
{
    enum cm_severity severity = CM_LOG_INFO;
    size_t lost = 0;
    char *text;

    while ((text = take_first(journal, &severity, &lost)) != NULL) {
        journal->out.line(journal->out.context, severity, text);
        free(text);
    }
    if (lost > 0)
        cm_log_write(&journal->out, CM_LOG_WARNING,
                     "certmap: %zu lines were too many and are lost", lost);
}
