/*
 * Which addresses a URL from a certificate may reach.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "fetch.h"
#include "fetch_screen.h"

struct row {
    const char *address;
    bool private;
};

static const struct row V4[] = {
    {"0.0.0.0", true},          {"0.255.255.255", true},
    {"1.0.0.0", false},         {"9.255.255.255", false},
    {"10.0.0.0", true},         {"10.255.255.255", true},
    {"11.0.0.0", false},        {"100.63.255.255", false},
    {"100.64.0.0", true},       {"100.127.255.255", true},
    {"100.128.0.0", false},     {"126.255.255.255", false},
    {"127.0.0.1", true},        {"127.255.255.255", true},
    {"128.0.0.0", false},       {"169.253.255.255", false},
    {"169.254.0.0", true},      {"169.254.169.254", true},
    {"169.255.0.0", false},     {"172.15.255.255", false},
    {"172.16.0.0", true},       {"172.31.255.255", true},
    {"172.32.0.0", false},      {"192.0.0.8", true},
    {"192.0.1.0", false},       {"192.0.2.1", true},
    {"192.0.3.0", false},       {"192.88.99.1", true},
    {"192.167.255.255", false}, {"192.168.0.0", true},
    {"192.168.255.255", true},  {"192.169.0.0", false},
    {"198.17.255.255", false},  {"198.18.0.0", true},
    {"198.19.255.255", true},   {"198.20.0.0", false},
    {"198.51.100.7", true},     {"198.51.101.0", false},
    {"203.0.112.255", false},   {"203.0.113.0", true},
    {"203.0.114.0", false},     {"223.255.255.255", false},
    {"224.0.0.0", true},        {"239.255.255.255", true},
    {"240.0.0.0", true},        {"255.255.255.255", true},
    {"8.8.8.8", false},
};

static const struct row V6[] = {
    {"::", true},
    {"::1", true},
    {"::2", true},
    {"::8.8.8.8", true}, /* IPv4-compatible: nobody has it */
    {"::127.0.0.1", true},
    {"::ffff:127.0.0.1", true},
    {"::ffff:10.1.2.3", true},
    {"::ffff:169.254.169.254", true},
    {"::ffff:8.8.8.8", false},
    {"::fffe:8.8.8.8", true},
    {"64:ff9b::8.8.8.8", false},
    {"64:ff9b::192.168.1.1", true},
    {"64:ff9b::127.0.0.1", true},
    {"64:ff9b:0:0:0:1:808:808", true},
    {"64:ff9b:1::8.8.8.8", true},
    {"100::1", true},
    {"1fff:ffff::1", true},
    {"2000::1", false},
    {"2001::1", true}, /* Teredo */
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", true},
    {"2001:2::1", true},
    {"2001:10::1", true},
    {"2001:20::1", true},
    {"2001:1ff:ffff::1", true},
    {"2001:200::1", false},
    {"2001:db7:ffff::1", false},
    {"2001:db8::1", true},
    {"2001:db9::1", false},
    {"2001:4860:4860::8888", false},
    {"2002:7f00:1::", true},    /* 6to4 of 127.0.0.1 */
    {"2002:a00:1::1", true},    /* of 10.0.0.1 */
    {"2002:c0a8:101::1", true}, /* of 192.168.1.1 */
    {"2002:808:808::1", false},
    {"2003::1", false},
    {"3ffe::1", false},
    {"3fff::1", true},
    {"3fff:fff:ffff::1", true},
    {"3fff:1000::1", false},
    {"4000::1", true},
    {"5f00::1", true},
    {"fc00::1", true},
    {"fdff:ffff::1", true},
    {"fe80::1", true},
    {"febf::1", true},
    {"fec0::1", true},
    {"ff02::1", true},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
};

static void
check(int family, const struct row *row)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    void *bytes =
        family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr;
    const struct sockaddr *address = family == AF_INET
                                         ? (const struct sockaddr *)&v4
                                         : (const struct sockaddr *)&v6;

    assert_int_equal(inet_pton(family, row->address, bytes), 1);
    if (cm_fetch_address_is_private(family, bytes) != row->private)
        fail_msg("%s should be %s", row->address,
                 row->private ? "private" : "public");
    assert_int_equal(cm_fetch_socket_is_private(address), row->private);
    assert_int_equal(cm_fetch_text_is_private(row->address), row->private);
}

static void
v4(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(V4) / sizeof(V4[0]); i++)
        check(AF_INET, &V4[i]);
}

static void
v6(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(V6) / sizeof(V6[0]); i++)
        check(AF_INET6, &V6[i]);
}

/* What is no IP address is never let through. */
static void
other(void **state)
{
    static const char *const TEXTS[] = {
        "", "localhost", "8.8.8.8:80", "8.8.8", "fe80::1%eth0", "[2000::1]",
    };
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    const uint8_t bytes[16] = {8, 8, 8, 8};

    (void)state;
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
        assert_true(cm_fetch_text_is_private(TEXTS[i]));
    assert_true(cm_fetch_socket_is_private((const struct sockaddr *)&local));
    assert_true(cm_fetch_address_is_private(AF_UNIX, bytes));
    assert_true(cm_fetch_address_is_private(AF_UNSPEC, bytes));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4),
        cmocka_unit_test(v6),
        cmocka_unit_test(other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
