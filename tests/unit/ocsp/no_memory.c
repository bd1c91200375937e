#include "no_memory.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

long no_memory_ours = -1, no_memory_openssl = -1;

static bool
fails(long *left)
{
    return *left >= 0 && (*left)-- == 0;
}

/* The linker sends the library's calls here (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);

void *
__wrap_malloc(size_t size)
{
    return fails(&no_memory_ours) ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails(&no_memory_ours) ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails(&no_memory_ours) ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails(&no_memory_ours) ? NULL
                                  : __real_reallocarray(old, count, size);
}

char *
__wrap_strdup(const char *text)
{
    return fails(&no_memory_ours) ? NULL : __real_strdup(text);
}

static void *
openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 || fails(&no_memory_openssl) ? NULL : __real_malloc(size);
}

static void *
openssl_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails(&no_memory_openssl) ? NULL : __real_realloc(old, size);
}

static void
openssl_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

bool
no_memory_prepare(void)
{
    return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
                                    openssl_free) == 1;
}
