/*
 * Addresses that a URL from a certificate may not reach.  Of IPv6 only what
 * is global unicast passes, so most of what must be refused needs no row.
 */
#include "fetch_screen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "fetch.h"

enum { V6_BYTES = 16 };

struct prefix {
    uint8_t bytes[V6_BYTES];
    unsigned int bits;
};

static const struct prefix V4_REFUSED[] = {
    {{0}, 8},             /* this network, unspecified */
    {{10}, 8},            /* RFC 1918 */
    {{100, 64}, 10},      /* carrier-grade NAT */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local */
    {{172, 16}, 12},      /* RFC 1918 */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* RFC 1918 */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

static const struct prefix V6_GLOBAL = {{0x20}, 3};

static const struct prefix V6_REFUSED[] = {
    {{0x20, 0x01, 0x00}, 23},       /* Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff, 0x00}, 20},       /* documentation */
};

/* These carry an IPv4 address, which decides. */
static const struct embedding {
    struct prefix prefix;
    size_t offset;
} V6_EMBEDDING[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12}, /* IPv4-mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},   /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                /* 6to4 */
};

static bool
has_prefix(const uint8_t *address, const struct prefix *prefix)
{
    size_t whole = prefix->bits / 8;
    unsigned int rest = prefix->bits % 8;

    if (memcmp(address, prefix->bytes, whole) != 0)
        return false;
    return rest == 0 ||
           (address[whole] ^ prefix->bytes[whole]) >> (8 - rest) == 0;
}

static bool
has_any_prefix(const uint8_t *address, const struct prefix *prefixes,
               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (has_prefix(address, &prefixes[i]))
            return true;
    }
    return false;
}

static bool
v4_is_private(const uint8_t *address)
{
    return has_any_prefix(address, V4_REFUSED,
                          sizeof(V4_REFUSED) / sizeof(V4_REFUSED[0]));
}

static bool
v6_is_private(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof(V6_EMBEDDING) / sizeof(V6_EMBEDDING[0]);
         i++) {
        if (has_prefix(address, &V6_EMBEDDING[i].prefix))
            return v4_is_private(address + V6_EMBEDDING[i].offset);
    }
    return !has_prefix(address, &V6_GLOBAL) ||
           has_any_prefix(address, V6_REFUSED,
                          sizeof(V6_REFUSED) / sizeof(V6_REFUSED[0]));
}

bool
cm_fetch_address_is_private(int family, const void *address)
{
    if (family == AF_INET)
        return v4_is_private(address);
    if (family == AF_INET6)
        return v6_is_private(address);
    return true;
}

bool
cm_fetch_socket_is_private(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        return v4_is_private((const uint8_t *)&v4.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        return v6_is_private(v6.sin6_addr.s6_addr);
    }
    return true;
}

bool
cm_fetch_text_is_private(const char *address)
{
    uint8_t bytes[V6_BYTES];

    if (inet_pton(AF_INET, address, bytes) == 1)
        return v4_is_private(bytes);
    if (inet_pton(AF_INET6, address, bytes) == 1)
        return v6_is_private(bytes);
    return true;
}
