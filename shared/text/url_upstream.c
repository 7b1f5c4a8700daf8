/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What upstream Kaito v0.12.0 refuses (api/v1beta1/workspace_validation.go, validateDataSourceURL): a URL that
 * Go 1.26's net/url ParseRequestURI does not take or that has no host; a scheme that is not http or https; the host
 * localhost, a name below it, or one of three metadata names; and an address in strict notation that is loopback,
 * private, link-local or link-local multicast. Kept apart from our own rule so that each difference between the two can
 * be told.
 */
#include "text/url_hosts.h"

static struct kt_str tail(struct kt_str text, size_t from)
{
    return (struct kt_str){text.data + from, text.length - from};
}

static bool is_hex(char byte)
{
    char lower = kt_ascii_lower(byte);
    return kt_ascii_is_digit(byte) || (lower >= 'a' && lower <= 'f');
}

static unsigned hex_value(char byte)
{
    return kt_ascii_is_digit(byte) ? (unsigned)(byte - '0') : (unsigned)(kt_ascii_lower(byte) - 'a') + 10;
}

/* The ASCII characters that net/url takes unescaped in a host or zone. */
static bool is_host_character(unsigned char byte)
{
    return kt_ascii_is_alnum((char)byte) || (byte != 0 && byte < 0x80 && strchr("-._~!\"$&'()*+,:;<=>[]", byte));
}

/* A percent sign must be followed by two hexadecimal digits. */
static bool escapes_are_whole(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '%' && (i + 2 >= text.length || !is_hex(text.data[i + 1]) || !is_hex(text.data[i + 2])))
            return false;
    return true;
}

/* In a host only bytes above 0x7f and the percent sign itself may be escaped; in a zone also host characters. */
static bool host_is_escaped_well(struct kt_str text, bool zone)
{
    if (!escapes_are_whole(text))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte != '%') {
            if (byte < 0x80 && !is_host_character(byte))
                return false;
            continue;
        }
        unsigned char value = (unsigned char)(hex_value(text.data[i + 1]) << 4 | hex_value(text.data[i + 2]));
        i += 2;
        if (value == '%')
            continue;
        if (zone ? (value != ' ' && !is_host_character(value)) : value < 0x80)
            return false;
    }
    return true;
}

/* Empty, or a colon and any number of digits. */
static bool is_optional_port(struct kt_str text)
{
    if (text.length > 0 && text.data[0] != ':')
        return false;
    for (size_t i = 1; i < text.length; i++)
        if (!kt_ascii_is_digit(text.data[i]))
            return false;
    return true;
}

static size_t find_last(struct kt_str text, char byte)
{
    for (size_t i = text.length; i-- > 0;)
        if (text.data[i] == byte)
            return i;
    return SIZE_MAX;
}

static bool is_user_info(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (!kt_ascii_is_alnum((char)byte) && (byte == 0 || byte >= 0x80 || !strchr("-._:~!$&'()*+,;=%@", byte)))
            return false;
    }
    return escapes_are_whole(text);
}

static bool refuses_ipv4(uint32_t address)
{
    return address >> 24 == 127 || address >> 24 == 10 || address >> 20 == (172u << 4 | 1u) ||
           address >> 16 == (192u << 8 | 168u) || address >> 16 == (169u << 8 | 254u) || address >> 8 == (224u << 16);
}

static bool refuses_ipv6(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, loopback[16] = {[15] = 1};
    if (memcmp(address, mapped, sizeof(mapped)) == 0)
        return refuses_ipv4((uint32_t)address[12] << 24 | (uint32_t)address[13] << 16 | (uint32_t)address[14] << 8 |
                            address[15]);
    return memcmp(address, loopback, sizeof(loopback)) == 0 || (address[0] & 0xfe) == 0xfc ||
           (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) || (address[0] == 0xff && (address[1] & 0x0f) == 0x02);
}

/* [address] or [address%25zone], then an optional port. */
static bool refuses_bracketed(struct kt_str host)
{
    size_t close = find_last(host, ']');
    if (close == SIZE_MAX || !is_optional_port(tail(host, close + 1)))
        return true;
    struct kt_str inside = {host.data + 1, close - 1};
    size_t percent = kt_str_find_char(inside, '%');
    struct kt_str zone = {0};
    if (percent != SIZE_MAX) {
        zone = tail(inside, percent);
        inside.length = percent;
        if (!kt_str_starts_with(zone, KT_STR("%25")) || zone.length == 3 || !host_is_escaped_well(zone, true))
            return true;
    }
    uint8_t address[16];
    return !kt_url_parse_ipv6(inside, address) || refuses_ipv6(address);
}

/* One byte of the host, unescaped, and how many bytes it takes. */
static unsigned char unescaped_at(struct kt_str host, size_t at, size_t *ret_width)
{
    bool escaped = at + 2 < host.length && host.data[at] == '%';
    *ret_width = escaped ? 3 : 1;
    return escaped ? (unsigned char)(hex_value(host.data[at + 1]) << 4 | hex_value(host.data[at + 2]))
                   : (unsigned char)host.data[at];
}

/* The end of a host as upstream compares it: unescaped, then in Unicode lower case, under which U+0130 (a capital I
 * with a dot above) becomes an i. */
struct lowered_end {
    char bytes[32]; /* longer than every name of known_hosts */
    size_t length;
    bool whole; /* nothing was dropped at the front */
};

static struct lowered_end lower_end_of(struct kt_str host)
{
    struct lowered_end end = {.whole = true};
    for (size_t i = 0, width, second_width; i < host.length; i += width) {
        unsigned char byte = unescaped_at(host, i, &width);
        if (byte == 0xC4 && i + width < host.length && unescaped_at(host, i + width, &second_width) == 0xB0) {
            byte = 'i';
            width += second_width;
        }
        if (end.length == sizeof(end.bytes)) {
            memmove(end.bytes, end.bytes + 1, --end.length);
            end.whole = false;
        }
        end.bytes[end.length++] = kt_ascii_lower((char)byte);
    }
    return end;
}

static bool is_known_host(struct kt_str host)
{
    static const char *const known_hosts[] = {"localhost", "metadata.google.internal", "metadata.google",
                                              "instance-data.ec2.internal"};
    struct lowered_end end = lower_end_of(host);
    struct kt_str text = {end.bytes, end.length};
    for (size_t i = 0; end.whole && i < KT_ARRAY_LENGTH(known_hosts); i++)
        if (kt_str_equal(text, kt_str(known_hosts[i])))
            return true;
    return kt_str_ends_with(text, KT_STR(".localhost"));
}

static bool refuses_plain_host(struct kt_str host)
{
    size_t colon = kt_str_find_char(host, ':');
    if (colon != SIZE_MAX) {
        if (!is_optional_port(tail(host, colon)))
            return true;
        host.length = colon;
    }
    if (!host_is_escaped_well(host, false))
        return true;
    if (is_known_host(host))
        return true;
    /* Upstream cuts a zone off before it reads the address; other escapes stay and spoil it. */
    size_t percent = kt_str_find_char(host, '%');
    if (percent != SIZE_MAX && kt_str_starts_with(tail(host, percent), KT_STR("%25")))
        host.length = percent;
    uint32_t address;
    return kt_url_parse_ipv4(host, &address) && refuses_ipv4(address);
}

static bool refuses_authority(struct kt_str authority)
{
    size_t at = find_last(authority, '@');
    if (at != SIZE_MAX && !is_user_info((struct kt_str){authority.data, at}))
        return true;
    struct kt_str host = at == SIZE_MAX ? authority : tail(authority, at + 1);
    size_t bracket = find_last(host, '[');
    if (host.length == 0 || (bracket != SIZE_MAX && bracket > 0))
        return true;
    return bracket == 0 ? refuses_bracketed(host) : refuses_plain_host(host);
}

bool kt_url_upstream_refuses(struct kt_str url)
{
    for (size_t i = 0; i < url.length; i++)
        if ((unsigned char)url.data[i] < ' ' || url.data[i] == 0x7f)
            return true;
    size_t colon = kt_str_find_char(url, ':');
    if (colon == SIZE_MAX)
        return true;
    struct kt_str scheme = {url.data, colon}, rest = tail(url, colon + 1);
    if (!kt_str_equal_nocase(scheme, KT_STR("http")) && !kt_str_equal_nocase(scheme, KT_STR("https")))
        return true;
    rest.length = KT_MIN(kt_str_find_char(rest, '?'), rest.length);
    if (!kt_str_starts_with(rest, KT_STR("//")))
        return true;
    rest = tail(rest, 2);
    size_t slash = KT_MIN(kt_str_find_char(rest, '/'), rest.length);
    return refuses_authority((struct kt_str){rest.data, slash}) || !escapes_are_whole(tail(rest, slash));
}
