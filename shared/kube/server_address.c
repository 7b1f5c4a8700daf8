/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/server_address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "kube/config.h"

static bool is_plain_text(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f || strchr("\"<>\\^`{|}", text.data[i]))
            return false;
    return true;
}

/* Cuts "scheme://" off; false when there is none. */
static bool take_scheme(struct kt_str *text, struct kt_str *ret_scheme)
{
    size_t colon = kt_str_find_char(*text, ':');
    if (colon == SIZE_MAX || colon == 0 || text->length < colon + 3 || memcmp(text->data + colon, "://", 3) != 0)
        return false;
    *ret_scheme = (struct kt_str){text->data, colon};
    text->data += colon + 3;
    text->length -= colon + 3;
    return true;
}

/* 0 for no port, -1 for a bad one. */
static int parse_port(struct kt_str text)
{
    if (text.length == 0)
        return 0;
    int port = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!kt_ascii_is_digit(text.data[i]) || i >= 5)
            return -1;
        port = port * 10 + (text.data[i] - '0');
    }
    return port >= 1 && port <= 65535 ? port : -1;
}

static bool split_host_port(struct kt_str authority, struct kt_str *ret_host, struct kt_str *ret_port)
{
    struct kt_str rest;
    if (authority.length > 0 && authority.data[0] == '[') {
        size_t end = kt_str_find_char(authority, ']');
        if (end == SIZE_MAX)
            return false;
        *ret_host = (struct kt_str){authority.data + 1, end - 1};
        rest = (struct kt_str){authority.data + end + 1, authority.length - end - 1};
    } else {
        size_t end = KT_MIN(kt_str_find_char(authority, ':'), authority.length);
        *ret_host = (struct kt_str){authority.data, end};
        rest = (struct kt_str){authority.data + end, authority.length - end};
    }
    if (rest.length > 0 && rest.data[0] != ':')
        return false;
    *ret_port = rest.length > 0 ? (struct kt_str){rest.data + 1, rest.length - 1} : rest;
    return ret_host->length > 0;
}

static int bad_address(struct kt_error *error, const char *text, const char *reason)
{
    return kt_error_set(error, KT_EINVAL, "the server address \"%s\" %s; it should look like https://HOST:PORT", text,
                        reason);
}

static int fill_in(struct kt_arena *arena, bool tls, struct kt_str host, int port, struct kt_str prefix,
                   struct kt_server_address *ret, struct kt_error *error)
{
    while (prefix.length > 0 && prefix.data[prefix.length - 1] == '/')
        prefix.length--;
    struct kt_server_address address = {.scheme = tls ? "https" : "http", .port = port > 0 ? port : (tls ? 443 : 80)};
    const char *open = kt_str_find_char(host, ':') != SIZE_MAX ? "[" : "";
    const char *close = *open ? "]" : "";
    address.host = kt_arena_strndup(arena, host.data, host.length);
    address.prefix = kt_arena_strndup(arena, prefix.data, prefix.length);
    address.host_port = kt_arena_printf(arena, "%s%.*s%s:%d", open, (int)host.length, host.data, close, address.port);
    if (address.host_port)
        address.url =
            kt_arena_printf(arena, "%s://%s%.*s", address.scheme, address.host_port, (int)prefix.length, prefix.data);
    if (!address.url || !address.host || !address.prefix)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for a server address");
    *ret = address;
    return 0;
}

int kt_server_address_parse(struct kt_arena *arena, const char *text, struct kt_server_address *ret,
                            struct kt_error *error)
{
    struct kt_str rest = kt_str(text), scheme = KT_STR("http");
    if (rest.length == 0)
        return bad_address(error, text, "is empty");
    if (rest.length > KT_SERVER_ADDRESS_BYTES)
        return kt_error_set(error, KT_ELIMIT, "the server address is longer than %zu bytes", KT_SERVER_ADDRESS_BYTES);
    if (!is_plain_text(rest))
        return bad_address(error, text, "holds characters that no address has");
    bool has_scheme = take_scheme(&rest, &scheme);
    bool tls = kt_str_equal_nocase(scheme, KT_STR("https"));
    if (!tls && !kt_str_equal_nocase(scheme, KT_STR("http")))
        return bad_address(error, text, "begins with neither https:// nor http://");
    rest.length = KT_MIN(rest.length, kt_str_find_char(rest, '#'));
    rest.length = KT_MIN(rest.length, kt_str_find_char(rest, '?'));
    size_t slash = KT_MIN(kt_str_find_char(rest, '/'), rest.length);
    struct kt_str authority = {rest.data, slash}, prefix = {rest.data + slash, rest.length - slash};
    if (!has_scheme && prefix.length > 1)
        return bad_address(error, text, "has a path but no scheme");
    if (kt_str_find_char(authority, '@') != SIZE_MAX)
        return bad_address(error, "...", "holds a user name; credentials belong to the user in the kubeconfig");
    struct kt_str host, port_text;
    if (!split_host_port(authority, &host, &port_text))
        return bad_address(error, text, "has no host");
    int port = parse_port(port_text);
    if (port < 0)
        return bad_address(error, text, "has a port that is not a number from 1 to 65535");
    return fill_in(arena, tls, host, port, prefix, ret, error);
}

static bool is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (kt_streq_nocase(host, "localhost"))
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static const char *first_of(const struct kt_environment *environment, const char *upper, const char *lower)
{
    const char *value = kt_environment_get(environment, upper);
    if (!value || !*value)
        value = kt_environment_get(environment, lower);
    return value ? value : "";
}

void kt_server_address_proxy(const struct kt_environment *environment, const struct kt_server_address *address,
                             const char **ret_proxy, const char **ret_no_proxy)
{
    bool tls = kt_streq(address->scheme, "https");
    *ret_proxy = "";
    *ret_no_proxy = "";
    if (is_loopback(address->host))
        return;
    *ret_proxy =
        tls ? first_of(environment, "HTTPS_PROXY", "https_proxy") : first_of(environment, "HTTP_PROXY", "http_proxy");
    if (**ret_proxy)
        *ret_no_proxy = first_of(environment, "NO_PROXY", "no_proxy");
}

const char *kt_config_host_port(struct kt_arena *arena, const char *server)
{
    struct kt_server_address address;
    if (kt_server_address_parse(arena, server, &address, NULL) != 0)
        return "";
    return address.host_port;
}
