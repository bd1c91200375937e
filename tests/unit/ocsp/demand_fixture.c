#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "demand_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "testcert.h"

struct loopback *server;
struct cm_demand *demand;
static struct cm_fetcher *fetcher;
static char *folder; /* of the store: demand borrows it */
struct cm_http_settings http;
struct cm_issuer_rules rules;

/* ---- The world ---- */

void
demand_begin(void)
{
    files_make_folder("store");
    signal(SIGPIPE, SIG_IGN);
    server = loopback_start();
    folder = strdup(files_path("store"));
    assert_non_null(folder);
    demand = cm_demand_new(folder, store, &http, &store_log);
    fetcher = cm_fetcher_new();
    assert_non_null(demand);
    assert_non_null(fetcher);
    memset(&rules, 0, sizeof(rules));
    rules.sources[rules.source_count++] = CM_SOURCE_OCSP;
}

void
demand_end(void)
{
    cm_issuer_rules_clear(&rules);
    cm_fetcher_free(fetcher);
    cm_demand_free(demand);
    free(folder);
    loopback_stop(server);
}

void
use_responder(const char *url)
{
    assert_true(cm_text_list_add(&rules.ocsp_urls, url));
}

X509 *
card_with(const char *const *urls)
{
    /* id-ad-ocsp */
    static const char method[] = "06082b06010505073001";
    struct cm_buf list = CM_BUF_INIT, whole = CM_BUF_INIT;
    struct tc_spec spec = {.subject = "CN=alice",
                           .serial_hex = "0a7b",
                           .issuer = ca,
                           .issuer_key = ca_key(),
                           .key = tc_key(TC_EC_P256, 4)};
    char *hex, *all;
    X509 *card;

    for (; *urls != NULL; urls++) {
        cm_buf_addf(&list, "30%02zx%s86%02zx", strlen(*urls) + 12, method,
                    strlen(*urls));
        cm_buf_add_hex(&list, (const uint8_t *)*urls, strlen(*urls));
    }
    hex = cm_buf_take(&list);
    assert_true(hex != NULL && strlen(hex) < 256);
    cm_buf_addf(&whole, "30%02zx%s", strlen(hex) / 2, hex);
    all = cm_buf_take(&whole);
    assert_non_null(all);
    spec.raw[0] = (struct tc_extension){"1.3.6.1.5.5.7.1.1", 0, all};
    card = tc_make(&spec);
    free(all);
    free(hex);
    return card;
}

/* What the response says of the card, judged anew. */
static enum cm_status_state
state_of(X509 *cert, const uint8_t *response, size_t len)
{
    struct cm_path_rules path_rules = store_rules(STORE_NOW);
    struct cm_ocsp_question question = {
        .cert = cert, .issuer = ca, .rules = &path_rules};
    struct cm_status status;

    cm_ocsp_check(&question, response, len, &status);
    return status.state;
}

void
ask_with(struct cm_fetcher *own, X509 *cert, int timeout_ms,
         struct asked *asked)
{
    struct cm_path_rules path_rules = store_rules(STORE_NOW);
    struct cm_path path = {.certs = {cert, ca, root}, .count = 3};
    struct cm_snapshot *snapshot = cm_snapshot_build(&root, 1, &ca, 1, &ca, 1);
    struct cm_demand_question question = {.path = &path,
                                          .snapshot = snapshot,
                                          .rules = &path_rules,
                                          .issuer = &rules,
                                          .fetcher = own,
                                          .timeout_ms = timeout_ms};
    uint8_t *response = NULL;
    size_t len = 0;

    memset(asked, 0, sizeof(*asked));
    asked->reason =
        cm_demand_ask(demand, &question, &response, &len, &asked->detail);
    if (asked->reason == CM_OK)
        asked->state = state_of(cert, response, len);
    free(response);
    cm_snapshot_release(snapshot);
}

struct asked
ask_about(X509 *cert, int timeout_ms)
{
    struct asked asked;

    ask_with(fetcher, cert, timeout_ms, &asked);
    return asked;
}

struct asked
ask_leaf(void)
{
    return ask_about(leaf, PATIENT_MS);
}

/* ---- What it says ---- */

struct loopback_answer
ocsp_answer(const uint8_t *body, size_t len)
{
    return (struct loopback_answer){.status = "200 OK",
                                    .type = "application/ocsp-response",
                                    .body = body,
                                    .len = len};
}

uint8_t *
say_about(X509 *cert, EVP_PKEY *key, const char *status, int64_t from,
          int64_t until)
{
    struct loopback_answer answer;
    size_t len;
    uint8_t *body = response_about(cert, ca, key, status, from, until, &len);

    answer = ocsp_answer(body, len);
    loopback_answer(server, &answer);
    return body;
}

uint8_t *
say_good(void)
{
    return say_about(leaf, ca_key(), TO_GOOD, STORE_NOW - 60,
                     STORE_NOW + HOUR);
}
