/* SPDX-License-Identifier: Apache-2.0 */
#include "text/url_hosts.h"

#define HOST_LONGEST 253
#define LABEL_LONGEST 63

static const char metadata_reason[] = "the host is a metadata service of a cloud, which hands out credentials";
static const char cluster_reason[] = "the host is a name inside the cluster or the local network";

struct known_name {
    const char *name; /* lower case */
    bool with_subdomains;
    struct kt_url_judgement judgement;
};

/* The first match counts. Metadata names are from the documentation of the clouds. */
static const struct known_name known_names[] = {
    {"localhost", true, {KT_URL_LOCAL, "the host is this machine itself"}},
    {"localhost.localdomain", false, {KT_URL_LOCAL, "the host is this machine itself"}},
    {"localhost6", false, {KT_URL_LOCAL, "the host is this machine itself"}},
    {"ip6-localhost", false, {KT_URL_LOCAL, "the host is this machine itself"}},
    {"ip6-loopback", false, {KT_URL_LOCAL, "the host is this machine itself"}},
    {"metadata", false, {KT_URL_METADATA, metadata_reason}},
    {"metadata.google.internal", true, {KT_URL_METADATA, metadata_reason}},
    {"metadata.google", true, {KT_URL_METADATA, metadata_reason}},
    {"metadata.goog", true, {KT_URL_METADATA, metadata_reason}},
    {"metadata.azure.internal", true, {KT_URL_METADATA, metadata_reason}},
    {"instance-data", false, {KT_URL_METADATA, metadata_reason}},
    {"instance-data.ec2.internal", true, {KT_URL_METADATA, metadata_reason}},
    {"metadata.tencentyun.com", true, {KT_URL_METADATA, metadata_reason}},
    {"svc", true, {KT_URL_CLUSTER, cluster_reason}},
    {"cluster.local", true, {KT_URL_CLUSTER, cluster_reason}},
    {"internal", true, {KT_URL_CLUSTER, cluster_reason}},
    {"local", true, {KT_URL_CLUSTER, cluster_reason}},
    {"localdomain", true, {KT_URL_CLUSTER, cluster_reason}},
    {"home.arpa", true, {KT_URL_CLUSTER, cluster_reason}},
    /* "service.namespace" works inside a cluster; this namespace every cluster has. */
    {"default", true, {KT_URL_CLUSTER, cluster_reason}},
};

/*
 * Letters of the scripts in which host names are written. Not among them are characters that a resolver maps to ASCII
 * or drops before it asks (RFC 5895, UTS #46), such as full-width digits or U+3002 for a dot: with them an address of
 * the list above could be spelt in endless ways.
 */
static const struct {
    uint32_t first, last;
} plain_letters[] = {
    {0x00C0, 0x00D6}, {0x00D8, 0x00F6},   {0x00F8, 0x012F}, {0x0131, 0x0131}, {0x0134, 0x013E}, {0x0141, 0x0148},
    {0x014A, 0x017E}, {0x0180, 0x01C3},   {0x01CD, 0x01F0}, {0x01F4, 0x02AF}, {0x0300, 0x034E}, {0x0350, 0x061B},
    {0x061D, 0x115E}, {0x1161, 0x17B3},   {0x17B6, 0x180A}, {0x1810, 0x1C7F}, {0x1E00, 0x1E99}, {0x1EA0, 0x1FFF},
    {0x3005, 0x3007}, {0x3041, 0x3096},   {0x3099, 0x30FF}, {0x3105, 0x312F}, {0x3400, 0x4DBF}, {0x4E00, 0xA4CF},
    {0xAC00, 0xD7A3}, {0x20000, 0x3FFFD},
};

static const struct kt_url_judgement judged_ok = {KT_URL_OK, NULL};

static struct kt_url_judgement bad_syntax(const char *reason)
{
    return (struct kt_url_judgement){KT_URL_SYNTAX, reason};
}

/* Length of the UTF-8 sequence at the start of text, or 0 when it is none or not one of plain_letters. */
static size_t plain_letter_length(struct kt_str text)
{
    unsigned char lead = (unsigned char)text.data[0];
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || length > text.length)
        return 0;
    uint32_t rune = lead & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if ((byte & 0xC0) != 0x80)
            return 0;
        rune = rune << 6 | (byte & 0x3Fu);
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(plain_letters); i++)
        if (rune >= plain_letters[i].first && rune <= plain_letters[i].last)
            return length;
    return 0;
}

static struct kt_url_judgement check_characters(struct kt_str host)
{
    size_t label = 0;
    for (size_t i = 0; i < host.length; i++) {
        char byte = host.data[i];
        if (byte == '.') {
            if (label == 0)
                return bad_syntax("the host name has an empty part between dots");
            label = 0;
            continue;
        }
        if (byte == '%')
            return bad_syntax("the host name has a percent sign: write its letters as they are");
        if ((unsigned char)byte >= 0x80) {
            size_t length = plain_letter_length((struct kt_str){host.data + i, host.length - i});
            if (length == 0)
                return bad_syntax("the host name has a character that stands for others: write it in ASCII");
            i += length - 1;
        } else if (!kt_ascii_is_alnum(byte) && byte != '-' && byte != '_') {
            return bad_syntax("the host name has a character that no host name has");
        }
        if (++label > LABEL_LONGEST)
            return bad_syntax("the host name has a part of more than 63 characters");
    }
    return judged_ok;
}

/* One part of an address as inet_aton reads it: decimal, octal after 0, hexadecimal after 0x. */
static bool parse_number(struct kt_str text, uint64_t *ret)
{
    unsigned base = 10;
    if (text.length > 1 && text.data[0] == '0') {
        bool hexadecimal = kt_ascii_lower(text.data[1]) == 'x';
        base = hexadecimal ? 16 : 8;
        text = (struct kt_str){text.data + (hexadecimal ? 2 : 1), text.length - (hexadecimal ? 2 : 1)};
    }
    uint64_t value = 0; /* "0x" alone is 0 to some resolvers */
    for (size_t i = 0; i < text.length; i++) {
        char byte = kt_ascii_lower(text.data[i]);
        unsigned digit = kt_ascii_is_digit(byte)        ? (unsigned)(byte - '0')
                         : (byte >= 'a' && byte <= 'f') ? (unsigned)(byte - 'a') + 10
                                                        : 99;
        if (digit >= base)
            return false;
        value = KT_MIN(value * base + digit, (uint64_t)UINT32_MAX + 1);
    }
    *ret = value;
    return true;
}

/* One to four parts; the last fills all bytes that are left. */
static bool parse_loose_ipv4(struct kt_str text, uint32_t *ret)
{
    uint32_t address = 0;
    for (unsigned bytes_left = 4; bytes_left > 0; bytes_left--) {
        size_t dot = kt_str_find_char(text, '.');
        bool last = dot == SIZE_MAX;
        uint64_t value;
        if (!parse_number((struct kt_str){text.data, last ? text.length : dot}, &value))
            return false;
        if (value >= UINT64_C(1) << (last ? 8 * bytes_left : 8))
            return false;
        if (last) {
            *ret = address | (uint32_t)value;
            return true;
        }
        address |= (uint32_t)value << (8 * (bytes_left - 1));
        text = (struct kt_str){text.data + dot + 1, text.length - dot - 1};
    }
    return false;
}

static struct kt_str last_label(struct kt_str host)
{
    size_t begin = host.length;
    while (begin > 0 && host.data[begin - 1] != '.')
        begin--;
    return (struct kt_str){host.data + begin, host.length - begin};
}

/* A name whose last part is a number can only be an address: no top-level domain is one (WHATWG URL, 3.5). */
static bool ends_in_number(struct kt_str host)
{
    struct kt_str label = last_label(host);
    uint64_t value;
    bool digits = label.length > 0;
    for (size_t i = 0; i < label.length; i++)
        digits = digits && kt_ascii_is_digit(label.data[i]);
    return digits || (label.length > 1 && label.data[0] == '0' && parse_number(label, &value));
}

static bool is_known(const struct known_name *known, struct kt_str host)
{
    struct kt_str name = kt_str(known->name);
    if (host.length < name.length)
        return false;
    size_t before = host.length - name.length;
    if (!kt_str_equal_nocase((struct kt_str){host.data + before, name.length}, name))
        return false;
    return before == 0 || (known->with_subdomains && host.data[before - 1] == '.');
}

struct kt_url_judgement kt_url_judge_name(struct kt_str host)
{
    while (host.length > 0 && host.data[host.length - 1] == '.')
        host.length--;
    if (host.length == 0)
        return bad_syntax("the URL has no host");
    if (host.length > HOST_LONGEST)
        return bad_syntax("the host name has more than 253 characters");
    struct kt_url_judgement characters = check_characters(host);
    if (characters.verdict != KT_URL_OK)
        return characters;
    if (ends_in_number(host)) {
        uint32_t address;
        return parse_loose_ipv4(host, &address) ? kt_url_judge_ipv4(address)
                                                : bad_syntax("the host looks like an address but is none");
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(known_names); i++)
        if (is_known(&known_names[i], host))
            return known_names[i].judgement;
    struct kt_str top = last_label(host);
    if (top.length == host.length)
        return (struct kt_url_judgement){KT_URL_CLUSTER,
                                         "the host has no dot: such a name is looked up inside the cluster"};
    /* No public top-level domain has a hyphen, but namespaces such as kube-system have. */
    bool hyphen = kt_str_find_char(top, '-') != SIZE_MAX && !kt_str_starts_with(top, KT_STR("xn--")) &&
                  !kt_str_starts_with(top, KT_STR("XN--"));
    if (hyphen || kt_str_find_char(top, '_') != SIZE_MAX)
        return (struct kt_url_judgement){KT_URL_CLUSTER, cluster_reason};
    return judged_ok;
}
