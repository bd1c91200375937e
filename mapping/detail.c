#include "detail.h"

#include <stdarg.h>
#include <stdio.h>

void
cm_detail_set(struct cm_detail *detail, const char *format, ...)
{
    va_list ap;

    if (detail == NULL)
        return;
    va_start(ap, format);
    if (vsnprintf(detail->text, sizeof(detail->text), format, ap) < 0)
        detail->text[0] = '\0';
    va_end(ap);
}
