/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Special-purpose addresses: the IANA registries of IPv4 and IPv6 special-purpose addresses (RFC 6890 and updates), and
 * the metadata services of the clouds from their own documentation.
 */
#include "text/url_hosts.h"

#include <arpa/inet.h>

struct ipv4_range {
    uint32_t first;
    unsigned prefix_bits;
    struct kt_url_judgement judgement;
};

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const char metadata_reason[] = "the host is a metadata service of a cloud, which hands out credentials";
static const char reserved_reason[] = "the host is a reserved address, where no public server can be";
static const char documentation_reason[] = "the host is an address for examples in documents, where no server can be";
static const char multicast_reason[] = "the host is a multicast address";

/* The first match counts, so single addresses stand before the range they are in. */
static const struct ipv4_range ipv4_ranges[] = {
    {IPV4(169, 254, 169, 254), 32, {KT_URL_METADATA, metadata_reason}},
    {IPV4(169, 254, 170, 2), 32, {KT_URL_METADATA, metadata_reason}},   /* AWS ECS credentials */
    {IPV4(169, 254, 170, 23), 32, {KT_URL_METADATA, metadata_reason}},  /* AWS EKS pod identity */
    {IPV4(168, 63, 129, 16), 32, {KT_URL_METADATA, metadata_reason}},   /* Azure WireServer */
    {IPV4(100, 100, 100, 200), 32, {KT_URL_METADATA, metadata_reason}}, /* Alibaba Cloud */
    {IPV4(192, 0, 0, 192), 32, {KT_URL_METADATA, metadata_reason}},     /* Oracle Cloud, older shapes */
    {IPV4(0, 0, 0, 0), 8, {KT_URL_LOCAL, "the host is the unspecified address, which means this machine itself"}},
    {IPV4(127, 0, 0, 0), 8, {KT_URL_LOCAL, "the host is a loopback address"}},
    {IPV4(169, 254, 0, 0), 16, {KT_URL_LINK_LOCAL, "the host is a link-local address"}},
    {IPV4(10, 0, 0, 0), 8, {KT_URL_PRIVATE, "the host is a private address (10.0.0.0/8)"}},
    {IPV4(172, 16, 0, 0), 12, {KT_URL_PRIVATE, "the host is a private address (172.16.0.0/12)"}},
    {IPV4(192, 168, 0, 0), 16, {KT_URL_PRIVATE, "the host is a private address (192.168.0.0/16)"}},
    {IPV4(100, 64, 0, 0), 10, {KT_URL_PRIVATE, "the host is an address shared inside a provider (100.64.0.0/10)"}},
    {IPV4(192, 0, 0, 0), 24, {KT_URL_PRIVATE, reserved_reason}},
    {IPV4(192, 88, 99, 0), 24, {KT_URL_PRIVATE, reserved_reason}},
    {IPV4(192, 0, 2, 0), 24, {KT_URL_PRIVATE, documentation_reason}},
    {IPV4(198, 51, 100, 0), 24, {KT_URL_PRIVATE, documentation_reason}},
    {IPV4(203, 0, 113, 0), 24, {KT_URL_PRIVATE, documentation_reason}},
    {IPV4(198, 18, 0, 0), 15, {KT_URL_PRIVATE, "the host is an address for network tests (198.18.0.0/15)"}},
    {IPV4(224, 0, 0, 0), 4, {KT_URL_PRIVATE, multicast_reason}},
    {IPV4(240, 0, 0, 0), 4, {KT_URL_PRIVATE, reserved_reason}},
};

struct kt_url_judgement kt_url_judge_ipv4(uint32_t address)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(ipv4_ranges); i++) {
        uint32_t mask = UINT32_MAX << (32 - ipv4_ranges[i].prefix_bits);
        if ((address & mask) == ipv4_ranges[i].first)
            return ipv4_ranges[i].judgement;
    }
    return (struct kt_url_judgement){KT_URL_OK, NULL};
}

struct ipv6_range {
    uint8_t first[16];
    unsigned prefix_bits;
    struct kt_url_judgement judgement; /* unless it carries an IPv4 address */
    unsigned ipv4_offset;              /* where that begins; 0: none */
};

/* The first match counts. */
static const struct ipv6_range ipv6_ranges[] = {
    {{0}, 128, {KT_URL_LOCAL, "the host is the unspecified address, which means this machine itself"}, 0},
    {{[15] = 1}, 128, {KT_URL_LOCAL, "the host is a loopback address"}, 0},
    {{[10] = 0xff, [11] = 0xff}, 96, {KT_URL_OK, NULL}, 12}, /* ::ffff:a.b.c.d, IPv4-mapped */
    {{0}, 96, {KT_URL_OK, NULL}, 12},                        /* ::a.b.c.d, IPv4-compatible */
    {{[8] = 0xff, [9] = 0xff}, 96, {KT_URL_OK, NULL}, 12},   /* ::ffff:0:a.b.c.d, RFC 2765 */
    {{0x00, 0x64, 0xff, 0x9b}, 96, {KT_URL_OK, NULL}, 12},   /* 64:ff9b::a.b.c.d, NAT64 */
    {{0x20, 0x02}, 16, {KT_URL_OK, NULL}, 2},                /* 6to4 */
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}, 128, {KT_URL_METADATA, metadata_reason}, 0}, /* AWS */
    {{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54}, 128, {KT_URL_METADATA, metadata_reason}, 0}, /* Google */
    {{0xfd, 0x00, 0x00, 0x42, [15] = 0x42}, 128, {KT_URL_METADATA, metadata_reason}, 0},              /* Scaleway */
    {{0xfc}, 7, {KT_URL_PRIVATE, "the host is a private address (fc00::/7)"}, 0},
    {{0xfe, 0x80}, 10, {KT_URL_LINK_LOCAL, "the host is a link-local address"}, 0},
    {{0xff}, 8, {KT_URL_PRIVATE, multicast_reason}, 0},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, {KT_URL_PRIVATE, documentation_reason}, 0},
    {{0x3f, 0xff}, 20, {KT_URL_PRIVATE, documentation_reason}, 0},
    {{0x20, 0x01}, 23, {KT_URL_PRIVATE, reserved_reason}, 0}, /* protocol assignments, Teredo */
    {{0x20}, 3, {KT_URL_OK, NULL}, 0},                        /* 2000::/3, the only global unicast space */
    {{0}, 0, {KT_URL_PRIVATE, reserved_reason}, 0},
};

static bool has_prefix(const uint8_t *address, const uint8_t *first, unsigned prefix_bits)
{
    unsigned whole = prefix_bits / 8, rest = prefix_bits % 8;
    if (memcmp(address, first, whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ first[whole]) >> (8 - rest)) == 0;
}

struct kt_url_judgement kt_url_judge_ipv6(const uint8_t *address)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(ipv6_ranges); i++) {
        const struct ipv6_range *range = &ipv6_ranges[i];
        if (!has_prefix(address, range->first, range->prefix_bits))
            continue;
        const uint8_t *ipv4 = address + range->ipv4_offset;
        return range->ipv4_offset > 0 ? kt_url_judge_ipv4(IPV4(ipv4[0], ipv4[1], ipv4[2], ipv4[3])) : range->judgement;
    }
    return (struct kt_url_judgement){KT_URL_PRIVATE, reserved_reason};
}

/* Copies text for inet_pton, which wants a NUL; false when no address can be that long or it has a NUL inside. */
static bool as_c_string(struct kt_str text, char *ret, size_t size)
{
    if (text.length == 0 || text.length >= size || kt_str_find_char(text, '\0') != SIZE_MAX)
        return false;
    memcpy(ret, text.data, text.length);
    ret[text.length] = '\0';
    return true;
}

bool kt_url_parse_ipv4(struct kt_str text, uint32_t *ret)
{
    char copy[INET_ADDRSTRLEN];
    struct in_addr address;
    if (!as_c_string(text, copy, sizeof(copy)) || inet_pton(AF_INET, copy, &address) != 1)
        return false;
    *ret = ntohl(address.s_addr);
    return true;
}

bool kt_url_parse_ipv6(struct kt_str text, uint8_t ret[16])
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (!as_c_string(text, copy, sizeof(copy)) || inet_pton(AF_INET6, copy, &address) != 1)
        return false;
    memcpy(ret, address.s6_addr, 16);
    return true;
}
