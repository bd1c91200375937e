#include "log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum { LOG_LINE_SIZE = 1024 };

void
cm_log_write(const struct cm_log *log, enum cm_severity severity,
             const char *format, ...)
{
    char line[LOG_LINE_SIZE];
    va_list ap;
    int len;

    if (log == NULL || log->line == NULL)
        return;
    va_start(ap, format);
    len = vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    if (len >= 0)
        log->line(log->context, severity, line);
}
