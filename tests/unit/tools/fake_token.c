/*
 * A PKCS#11 module that does what the environment variable FAKE_TOKEN says,
 * as soon as it is loaded: hang, crash, exit, or refuse.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    const char *how = getenv("FAKE_TOKEN");

    *list = NULL;
    if (how == NULL)
        return CKR_FUNCTION_FAILED;
    while (strcmp(how, "hang") == 0)
        (void)pause();
    if (strcmp(how, "crash") == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        (void)raise(SIGSEGV);
    }
    if (strcmp(how, "exit") == 0)
        _exit(0);
    return CKR_GENERAL_ERROR;
}
