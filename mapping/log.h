/*
 * Where a component reports events that are nobody's return value: a trust
 * file that changed, a directory server that failed.  The owner of the
 * process decides what becomes of a line.
 */
#ifndef CM_LOG_H
#define CM_LOG_H

enum cm_severity { CM_LOG_INFO, CM_LOG_WARNING, CM_LOG_ERROR };

struct cm_log {
    /* One finished line, already escaped, without a newline. */
    void (*line)(void *context, enum cm_severity severity, const char *text);
    void *context;
};

/* Formats and hands over one line; log or log->line may be NULL. */
void cm_log_write(const struct cm_log *log, enum cm_severity severity,
                  const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
