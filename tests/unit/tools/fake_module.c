/* A module that can be loaded, for check: nobody calls it. */
int certauth_certmap_initvt(void);

__attribute__((visibility("default"))) int
certauth_certmap_initvt(void)
{
    return 1;
}

#ifndef ONLY_CERTAUTH
/* Of version 0, which libkdb5 refuses. */
extern const char kdb_function_table[1024];
__attribute__((visibility("default"))) const char kdb_function_table[1024];

int kdcpreauth_certmap_initvt(void);

__attribute__((visibility("default"))) int
kdcpreauth_certmap_initvt(void)
{
    return 1;
}

int kdcpreauth_certmap_ocsp_initvt(void);

__attribute__((visibility("default"))) int
kdcpreauth_certmap_ocsp_initvt(void)
{
    return 1;
}
#endif
