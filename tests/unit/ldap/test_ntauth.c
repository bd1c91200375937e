/*
 * The directory's NTAuth object, from a server on loopback that answers as it
 * is told, and what refresher and child say to each other about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ntauth_object.h"

#define BASE "ou=people,dc=x"
#define FOREST "CN=Configuration,dc=forest"
#define BELOW_FOREST CM_NTAUTH_CONTAINER "," FOREST
#define BELOW_BASE CM_NTAUTH_RDNS "," BASE

enum { TIMEOUT_MS = 5000, MAX_MESSAGE = 1000, SEARCH = 0x63, UNBIND = 0x42 };

/* ---- The server ---- */

/* What it answers where it is asked for one object. */
struct answer {
    const char *base;      /* "": its root */
    const char *attribute; /* NULL: an entry without any */
    const char *values[3];
    int code;    /* of the result; not 0: no entry */
    int entries; /* how often the entry is sent; 0: once; -1: never */
};

struct server {
    int listener;
    unsigned port;
    const struct answer *answers; /* until base is NULL */
    pthread_t thread;
};

/* One element with a length of at most two octets. */
static size_t
tlv(uint8_t *out, uint8_t tag, const void *content, size_t len)
{
    out[0] = tag;
    out[1] = 0x82;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    memmove(out + 4, content, len);
    return len + 4;
}

static size_t
text(uint8_t *out, const char *content)
{
    return tlv(out, 0x04, content, strlen(content));
}

static size_t
make_entry(uint8_t *out, const struct answer *answer)
{
    uint8_t values[MAX_MESSAGE], row[MAX_MESSAGE], body[MAX_MESSAGE];
    size_t values_len = 0, row_len = 0, len;

    if (answer->attribute != NULL) {
        for (int i = 0; i < 3 && answer->values[i] != NULL; i++)
            values_len += text(values + values_len, answer->values[i]);
        len = text(body, answer->attribute);
        len += tlv(body + len, 0x31, values, values_len);
        row_len = tlv(row, 0x30, body, len);
    }
    len = text(body, answer->base);
    len += tlv(body + len, 0x30, row, row_len);
    return tlv(out, 0x64, body, len);
}

static void
say(int fd, uint8_t number, const uint8_t *operation, size_t len)
{
    uint8_t body[MAX_MESSAGE] = {0x02, 0x01, number}, out[MAX_MESSAGE];

    memcpy(body + 3, operation, len);
    len = tlv(out, 0x30, body, len + 3);
    assert_int_equal(send(fd, out, len, MSG_NOSIGNAL), len);
}

static void
reply(int fd, uint8_t number, const struct answer *answer)
{
    uint8_t entry[MAX_MESSAGE];
    uint8_t done[] = {0x65, 0x07, 0x0a, 0x01, 0x20, 0x04, 0x00, 0x04, 0x00};
    int times = answer->entries == 0 ? 1 : answer->entries;

    if (answer->base != NULL) {
        done[4] = (uint8_t)answer->code;
        for (int i = 0; answer->code == 0 && i < times; i++)
            say(fd, number, entry, make_entry(entry, answer));
    }
    say(fd, number, done, sizeof(done));
}

/* The answer for the object that the search is based at. */
static const struct answer *
find_answer(const struct server *server, const uint8_t *search)
{
    const struct answer *answer = server->answers;
    size_t len = search[3];

    for (; answer->base != NULL; answer++) {
        if (strlen(answer->base) == len &&
            memcmp(search + 4, answer->base, len) == 0)
            return answer;
    }
    return answer;
}

/* One request, all of them short. */
static bool
serve_one(const struct server *server, int fd)
{
    uint8_t head[2], body[256];
    size_t len;

    if (recv(fd, head, 2, MSG_WAITALL) != 2)
        return false;
    len = head[1];
    if (head[1] == 0x81) {
        assert_int_equal(recv(fd, body, 1, MSG_WAITALL), 1);
        len = body[0];
    }
    assert_true(len < 0x100);
    assert_int_equal(recv(fd, body, len, MSG_WAITALL), len);
    /* messageID, operation, baseObject */
    if (body[3] == SEARCH) {
        size_t skip = body[4] == 0x81 ? 1 : 0;

        reply(fd, body[2], find_answer(server, body + 3 + skip));
    }
    return body[3] != UNBIND;
}

static void *
serve(void *context)
{
    const struct server *server = context;
    int fd = accept(server->listener, NULL, NULL);

    while (fd >= 0 && serve_one(server, fd))
        continue;
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void
start_server(struct server *server, const struct answer *answers)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    server->answers = answers;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len),
                     0);
    assert_int_equal(listen(server->listener, 1), 0);
    assert_int_equal(
        getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void
stop_server(struct server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

/* ---- Reading ---- */

static enum cm_reason
read_object(const struct answer *answers, const char *dn,
            struct cm_ntauth_object *out, struct cm_detail *why)
{
    struct cm_directory_config config = {.kind = CM_DIRECTORY_LDAP,
                                         .uri_count = 1};
    struct server server;
    enum cm_reason reason;

    start_server(&server, answers);
    assert_true(asprintf(&config.uris[0], "ldap://127.0.0.1:%u", server.port) >
                0);
    config.base = strdup(BASE);
    config.ntauth_dn = dn == NULL ? NULL : strdup(dn);
    reason = cm_ntauth_object_read(&config, TIMEOUT_MS, out, why);
    cm_directory_config_clear(&config);
    stop_server(&server);
    return reason;
}

#define ENTRY(name, type, ...)                                                \
    {                                                                         \
        .base = name, .attribute = type, .values = { __VA_ARGS__ }            \
    }
#define EMPTY(name)                                                           \
    {                                                                         \
        .base = name                                                          \
    }
#define REFUSED(name, result)                                                 \
    {                                                                         \
        .base = name, .code = result                                          \
    }
#define CONTEXT ENTRY("", "configurationNamingContext", FOREST)

static void
test_where_it_is(void **state)
{
    static const struct {
        const char *what, *dn;
        struct answer answers[3];
        const char *found; /* NULL: refused */
        size_t count;
    } rows[] = {
        {"below the forest's configuration",
         NULL,
         {CONTEXT, ENTRY(BELOW_FOREST, "cACertificate", "one", "two")},
         BELOW_FOREST,
         2},
        {"with the option",
         NULL,
         {CONTEXT, ENTRY(BELOW_FOREST, "cACertificate;binary", "one")},
         BELOW_FOREST,
         1},
        {"a server that is no forest",
         NULL,
         {EMPTY(""), ENTRY(BELOW_BASE, "cACertificate", "one")},
         BELOW_BASE,
         1},
        {"a server that hides its root",
         NULL,
         {REFUSED("", 50), ENTRY(BELOW_BASE, "cACertificate", "one")},
         BELOW_BASE,
         1},
        {"two configurations",
         NULL,
         {ENTRY("", "configurationNamingContext", FOREST, "dc=other"),
          ENTRY(BELOW_BASE, "cACertificate", "one")},
         BELOW_BASE,
         1},
        {"named",
         "cn=here",
         {ENTRY("cn=here", "cACertificate", "one")},
         "cn=here",
         1},
        {"emptied", "cn=here", {EMPTY("cn=here")}, "cn=here", 0},
        {"of other attributes only",
         "cn=here",
         {ENTRY("cn=here", "description", "one")},
         "cn=here",
         0},
        {"not there", "cn=here", {REFUSED("cn=here", 32)}, NULL, 0},
        {"not for us", "cn=here", {REFUSED("cn=here", 50)}, NULL, 0},
        {"hidden", "cn=here", {{.base = "cn=here", .entries = -1}}, NULL, 0},
        {"twice",
         "cn=here",
         {{.base = "cn=here",
           .attribute = "cACertificate",
           .values = {"one"},
           .entries = 2}},
         NULL,
         0},
        {"some of the values",
         "cn=here",
         {ENTRY("cn=here", "cACertificate;range=0-0", "one")},
         NULL,
         0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_ntauth_object object;
        struct cm_detail why = {""};
        enum cm_reason reason =
            read_object(rows[i].answers, rows[i].dn, &object, &why);

        if (reason !=
            (rows[i].found != NULL ? CM_OK : CM_DIRECTORY_UNAVAILABLE))
            fail_msg("%s: %s: %s", rows[i].what, cm_reason_token(reason),
                     why.text);
        assert_int_equal(object.count, rows[i].count);
        if (rows[i].found == NULL) {
            assert_null(object.dn);
            assert_true(why.text[0] != '\0');
            continue;
        }
        assert_string_equal(object.dn, rows[i].found);
        if (object.count > 0) {
            assert_int_equal(object.values[0].len, 3);
            assert_memory_equal(object.values[0].bytes, "one", 3);
        }
        cm_ntauth_object_clear(&object);
    }
}

/* ---- Question and answer ---- */

#define SECRET "a secret \xff\x01"

static char secret_path[] = "/tmp/ntauth-secret-XXXXXX";
static char ca_path[] = "/tmp/ntauth-ca-XXXXXX";

static void
make_file(char *path, const char *content, size_t len)
{
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), len);
    close(fd);
}

static int
make_files(void **state)
{
    (void)state;
    make_file(secret_path, SECRET "\n", sizeof(SECRET));
    make_file(ca_path, "a CA", 4);
    return 0;
}

static int
drop_files(void **state)
{
    (void)state;
    unlink(secret_path);
    unlink(ca_path);
    return 0;
}

static struct cm_directory_config
full_config(void)
{
    struct cm_directory_config config = {
        .kind = CM_DIRECTORY_LDAP, .uri_count = 2, .starttls = true};

    config.uris[0] = strdup("ldap://a.example");
    config.uris[1] = strdup("ldaps://b.example");
    config.base = strdup(BASE);
    config.bind_dn = strdup("cn=kdc,dc=x");
    config.password_file = strdup(secret_path);
    config.ca_file = strdup(ca_path);
    config.ciphers = strdup("NORMAL");
    return config;
}

static void
test_question(void **state)
{
    struct cm_directory_config config = full_config(), read;
    struct cm_detail why = {""};
    uint8_t *bytes;
    char held[16] = "";
    size_t len;
    int ca;

    (void)state;
    assert_true(cm_ntauth_question(&config, &bytes, &len, &why));
    assert_true(cm_ntauth_question_read(bytes, len, &read, &ca));
    assert_int_equal(read.uri_count, 2);
    assert_string_equal(read.uris[1], "ldaps://b.example");
    assert_string_equal(read.base, BASE);
    assert_string_equal(read.bind_dn, "cn=kdc,dc=x");
    assert_string_equal(read.ciphers, "NORMAL");
    assert_null(read.ntauth_dn);
    assert_null(read.password_file);
    assert_string_equal(read.password, SECRET);
    assert_true(read.starttls);
    /* The content, since the path may be closed to the child. */
    assert_true(ca >= 0);
    assert_string_not_equal(read.ca_file, ca_path);
    assert_int_equal(pread(ca, held, sizeof(held), 0), 4);
    assert_string_equal(held, "a CA");
    assert_int_equal(access(read.ca_file, R_OK), 0);
    close(ca);
    cm_directory_config_clear(&read);
    free(bytes);
    cm_directory_config_clear(&config);
}

static void
test_question_refused(void **state)
{
    struct cm_directory_config config = full_config(), read;
    struct cm_detail why = {""};
    uint8_t *bytes;
    size_t len;
    int ca;

    (void)state;
    assert_true(cm_ntauth_question(&config, &bytes, &len, &why));
    /* Every cut but the one that leaves the secret away. */
    for (size_t cut = 0; cut < len; cut++) {
        if (cut == len - sizeof(SECRET) + 1 - 4)
            continue;
        assert_false(cm_ntauth_question_read(bytes, cut, &read, &ca));
        assert_int_equal(ca, -1);
        assert_null(read.base);
    }
    bytes[0] ^= 1;
    assert_false(cm_ntauth_question_read(bytes, len, &read, &ca));
    free(bytes);
    /* A secret that others may read is none. */
    assert_int_equal(chmod(secret_path, 0644), 0);
    assert_false(cm_ntauth_question(&config, &bytes, &len, &why));
    assert_int_equal(chmod(secret_path, 0600), 0);
    cm_directory_config_clear(&config);
}

/* A large ca_file is left where it is. */
static void
test_large_ca(void **state)
{
    struct cm_directory_config config = full_config(), read;
    struct cm_detail why = {""};
    uint8_t *bytes;
    size_t len;
    int ca;

    (void)state;
    assert_int_equal(truncate(ca_path, CM_NTAUTH_MAX_CA), 0);
    assert_true(cm_ntauth_question(&config, &bytes, &len, &why));
    assert_true(cm_ntauth_question_read(bytes, len, &read, &ca));
    assert_int_equal(ca, -1);
    assert_string_equal(read.ca_file, ca_path);
    cm_directory_config_clear(&read);
    free(bytes);
    cm_directory_config_clear(&config);
}

static void
test_answer(void **state)
{
    uint8_t one[] = {0x30, 0x00, 0xff}, nothing[] = {0};
    struct cm_ntauth_value values[] = {{one, 3}, {nothing, 0}};
    struct cm_ntauth_object object = {.values = values, .count = 2}, read;
    uint8_t *bytes;
    size_t len;

    (void)state;
    object.dn = strdup("cn=here");
    for (object.count = 0; object.count <= 2; object.count++) {
        assert_true(cm_ntauth_answer(&object, &bytes, &len));
        assert_true(cm_ntauth_answer_read(bytes, len, &read));
        assert_string_equal(read.dn, "cn=here");
        assert_int_equal(read.count, object.count);
        if (read.count > 0)
            assert_memory_equal(read.values[0].bytes, one, 3);
        cm_ntauth_object_clear(&read);
        /* A cut between two values would be another, shorter list: the
         * length comes with it, from the child's reply. */
        assert_false(cm_ntauth_answer_read(bytes, len - 1, &read));
        assert_false(cm_ntauth_answer_read(bytes, 3, &read));
        bytes[3] ^= 1;
        assert_false(cm_ntauth_answer_read(bytes, len, &read));
        free(bytes);
    }
    free(object.dn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_it_is),
        cmocka_unit_test(test_question),
        cmocka_unit_test(test_question_refused),
        cmocka_unit_test(test_large_ca),
        cmocka_unit_test(test_answer),
    };

    return cmocka_run_group_tests(tests, make_files, drop_files);
}
