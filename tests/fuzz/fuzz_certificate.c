/* The input is a certificate. */
#include "check_certificate.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_certificate(data, size);
    return 0;
}
