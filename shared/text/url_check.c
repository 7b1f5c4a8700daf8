/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own rule. It is stricter than upstream's (url_upstream.c), because the jobs hand the URLs to a shell and to curl,
 * which follows every spelling of an address and takes brackets and braces in a path as a pattern of many URLs.
 */
#include "text/url_check.h"

#include "text/url_hosts.h"

struct parts {
    struct kt_str authority; /* between "//" and the first '/', '?' or '#' */
    struct kt_str host;      /* without brackets, zone and port */
    struct kt_str zone;      /* of an IPv6 address, with its percent sign */
    struct kt_str port;      /* digits; NULL data: there is no colon */
    struct kt_str path;
    bool bracketed;
};

static struct kt_str tail(struct kt_str text, size_t from)
{
    return (struct kt_str){text.data + from, text.length - from};
}

static struct kt_url_judgement syntax(const char *reason)
{
    return (struct kt_url_judgement){KT_URL_SYNTAX, reason};
}

static const struct kt_url_judgement judged_ok = {KT_URL_OK, NULL};

static const struct {
    const char *characters;
    const char *reason;
} refused_characters[] = {
    {" ", "the URL has a space: write it as %20"},
    {"\"'`", "the URL has a quote or back-tick: write it as %22, %27 or %60"},
    {"\\", "the URL has a backslash"},
    {"<>|^", "the URL has one of < > | ^, which a URL cannot have: write it as % and two hexadecimal digits"},
    {"{}", "the URL has a brace, which the download would take as a pattern: write it as %7B or %7D"},
};

static struct kt_url_judgement check_characters(struct kt_str url)
{
    for (size_t i = 0; i < url.length; i++) {
        unsigned char byte = (unsigned char)url.data[i];
        if (kt_ascii_is_alnum(url.data[i]) || byte == '/' || byte == '-' || byte == '.' || byte == '_' || byte == '%')
            continue; /* nearly all of a usual URL */
        unsigned char next = i + 1 < url.length ? (unsigned char)url.data[i + 1] : 0;
        if (byte < ' ' || byte == 0x7f || (byte == 0xC2 && next >= 0x80 && next <= 0x9F))
            return syntax("the URL has a control character");
        if (byte == '$' && next == '(')
            return syntax("the URL has $(, which a shell would take as a command");
        for (size_t j = 0; j < KT_ARRAY_LENGTH(refused_characters); j++)
            if (byte < 0x80 && strchr(refused_characters[j].characters, byte))
                return syntax(refused_characters[j].reason);
    }
    return judged_ok;
}

/* Finds the scheme and cuts it off. */
static struct kt_url_judgement take_scheme(struct kt_str *url)
{
    size_t colon = kt_str_find_char(*url, ':');
    bool named = colon != SIZE_MAX && colon > 0;
    for (size_t i = 0; named && i < colon; i++)
        named = kt_ascii_is_alnum(url->data[i]) || (i > 0 && strchr("+-.", url->data[i]) && url->data[i]);
    if (!named || !kt_str_starts_with(tail(*url, colon + 1), KT_STR("//")))
        return syntax("the URL does not begin with http:// or https:// and a host");
    struct kt_str scheme = {url->data, colon};
    *url = tail(*url, colon + 3);
    if (!kt_str_equal_nocase(scheme, KT_STR("http")) && !kt_str_equal_nocase(scheme, KT_STR("https")))
        return (struct kt_url_judgement){KT_URL_SCHEME, "only http and https URLs can be downloaded"};
    return judged_ok;
}

static size_t find_first_of(struct kt_str text, const char *bytes)
{
    size_t i = 0;
    while (i < text.length && (kt_ascii_is_alnum(text.data[i]) || text.data[i] == '\0' || !strchr(bytes, text.data[i])))
        i++;
    return i;
}

/* Splits what follows "//". */
static struct kt_url_judgement split(struct kt_str rest, struct parts *ret)
{
    size_t end = find_first_of(rest, "/?#");
    ret->authority = (struct kt_str){rest.data, end};
    struct kt_str after = tail(rest, end);
    ret->path = (struct kt_str){after.data, find_first_of(after, "?#")};
    struct kt_str port = {0};
    if (kt_str_find_char(ret->authority, '@') != SIZE_MAX) {
        ret->host = (struct kt_str){0};
        return syntax("the URL has a user name or password before its host");
    }
    if (end > 0 && rest.data[0] == '[') {
        size_t close = kt_str_find_char(ret->authority, ']');
        if (close == SIZE_MAX)
            return syntax("the address in the URL has no closing bracket");
        ret->bracketed = true;
        ret->host = (struct kt_str){rest.data + 1, close - 1};
        port = tail(ret->authority, close + 1);
        size_t percent = kt_str_find_char(ret->host, '%');
        if (percent != SIZE_MAX) {
            ret->zone = tail(ret->host, percent);
            ret->host.length = percent;
        }
    } else {
        size_t colon = KT_MIN(kt_str_find_char(ret->authority, ':'), end);
        ret->host = (struct kt_str){rest.data, colon};
        port = tail(ret->authority, colon);
    }
    if (port.length > 0 && port.data[0] != ':')
        return syntax("only a port can follow the address in brackets");
    if (port.length > 0)
        ret->port = tail(port, 1);
    return judged_ok;
}

static struct kt_url_judgement check_port(struct kt_str port)
{
    if (!port.data)
        return judged_ok;
    unsigned value = 0;
    for (size_t i = 0; i < port.length; i++) {
        if (!kt_ascii_is_digit(port.data[i]))
            return syntax("the port of the URL is not a number");
        value = KT_MIN(value * 10 + (unsigned)(port.data[i] - '0'), 65536u);
    }
    if (port.length == 0)
        return syntax("the URL has a colon after its host but no port");
    return value >= 1 && value <= 65535 ? judged_ok : syntax("the port of the URL is not between 1 and 65535");
}

static struct kt_url_judgement judge_host(const struct parts *parts)
{
    if (!parts->bracketed)
        return kt_url_judge_name(parts->host);
    uint8_t address[16];
    if (!kt_url_parse_ipv6(parts->host, address))
        return syntax("the host in brackets is not an IPv6 address");
    struct kt_url_judgement judgement = kt_url_judge_ipv6(address);
    if (judgement.verdict == KT_URL_OK && parts->zone.length > 0)
        return syntax("the IPv6 address has a zone, which only link-local addresses have");
    return judgement;
}

static struct kt_url_judgement check_path(struct kt_str url)
{
    size_t start = find_first_of(url, "/?#");
    struct kt_str after = tail(url, start);
    if (after.length > 0 && after.data[0] == '#')
        return syntax("the URL has a '#' right after its host: put a / before it");
    if (find_first_of(after, "[]") < after.length)
        return syntax("the URL has a bracket, which the download would take as a pattern: write it as %5B or %5D");
    return judged_ok;
}

static struct kt_url_judgement judge(struct kt_str url, struct parts *ret_parts)
{
    struct kt_str rest = url;
    struct kt_url_judgement scheme = take_scheme(&rest), characters = check_characters(url);
    if (scheme.verdict == KT_URL_SYNTAX || characters.verdict != KT_URL_OK)
        return characters.verdict != KT_URL_OK ? characters : scheme;
    struct kt_url_judgement judgement = split(rest, ret_parts);
    if (scheme.verdict != KT_URL_OK)
        return scheme;
    if (judgement.verdict != KT_URL_OK)
        return judgement;
    struct kt_url_judgement port = check_port(ret_parts->port), path = check_path(rest);
    judgement = judge_host(ret_parts);
    if (judgement.verdict != KT_URL_OK)
        return judgement;
    return port.verdict != KT_URL_OK ? port : path;
}

struct kt_url_finding kt_url_check(struct kt_str url)
{
    struct parts parts = {0};
    struct kt_url_judgement judgement = judge(url, &parts);
    bool upstream_refuses = kt_url_upstream_refuses(url);
    /* What is left: a percent sign without two digits. Nothing that upstream refuses may pass here. */
    if (judgement.verdict == KT_URL_OK && upstream_refuses)
        judgement = syntax("the URL has a percent sign without two hexadecimal digits: write it as %25");
    return (struct kt_url_finding){.verdict = judgement.verdict,
                                   .reason = judgement.reason,
                                   .upstream_refuses = upstream_refuses,
                                   .host = parts.host,
                                   .path = parts.path};
}
