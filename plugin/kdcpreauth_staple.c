#include "kdcpreauth_staple.h"

struct cm_blob
cm_staple_find(const krb5_kdc_req *request)
{
    (void)request;
    return (struct cm_blob){NULL, 0};
}
