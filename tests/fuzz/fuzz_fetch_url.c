/*
 * A URL that may be asked for is asked for as it is judged: what libcurl
 * makes of it is judged the same again.
 */
#include <string.h>

#include "fetch_url.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_fetch_url url = {0}, again = {0};
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (cm_fetch_url_parse(text, &url, NULL) == CM_FETCHED) {
        FUZZ_REQUIRE(strncmp(url.text, url.scheme, strlen(url.scheme)) == 0);
        FUZZ_REQUIRE(url.port > 0 && url.port <= UINT16_MAX);
        FUZZ_REQUIRE(strchr(url.text, '#') == NULL);
        FUZZ_REQUIRE(strpbrk(url.host, "/@?# \r\n") == NULL);
        /* A host that was written anew may have become longer. */
        if (strlen(url.text) <= CM_FETCH_MAX_URL)
            FUZZ_REQUIRE(cm_fetch_url_parse(url.text, &again, NULL) ==
                             CM_FETCHED &&
                         strcmp(again.host, url.host) == 0 &&
                         strcmp(again.scheme, url.scheme) == 0 &&
                         again.port == url.port);
    }
    cm_fetch_url_clear(&url);
    cm_fetch_url_clear(&again);
    free(text);
    return 0;
}
