/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar and the order of decisions are those of github.com/distribution/reference v0.6.0 (regexp.go,
 * normalize.go: ParseDockerRef) and github.com/opencontainers/go-digest v1.0.0. Names are ASCII, so every byte above
 * 0x7f is refused.
 */
#include "text/image_reference.h"

#define REPOSITORY_LONGEST 255
#define TAG_LONGEST 128
#define SHORTEST_SHOWN 60 /* a longer text is cut in messages */

static const struct kt_str default_domain = {"docker.io", sizeof("docker.io") - 1};

/* Of a repository without slash on the default domain; counts towards the length limit. */
static const struct kt_str official_prefix = {"library/", sizeof("library/") - 1};

static const struct {
    const char *algorithm;
    size_t hex_digits;
} digest_algorithms[] = {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}};

static struct kt_str tail(struct kt_str text, size_t from)
{
    return (struct kt_str){text.data + from, text.length - from};
}

static int shown_length(struct kt_str text)
{
    return (int)KT_MIN(text.length, (size_t)SHORTEST_SHOWN);
}

static bool is_upper(char byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_lower_alnum(char byte)
{
    return kt_ascii_is_alnum(byte) && !is_upper(byte);
}

static bool has_upper(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (is_upper(text.data[i]))
            return true;
    return false;
}

static bool all_digits(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!kt_ascii_is_digit(text.data[i]))
            return false;
    return text.length > 0;
}

static bool all_lower_hex(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!kt_ascii_is_digit(text.data[i]) && (text.data[i] < 'a' || text.data[i] > 'f'))
            return false;
    return text.length > 0;
}

/* Letters, digits and inner hyphens in parts joined by dots; both cases. */
static bool is_domain_name(struct kt_str text)
{
    char before = '.';
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (!kt_ascii_is_alnum(byte) && byte != '-' && byte != '.')
            return false;
        if ((byte == '-' || byte == '.') && before == '.')
            return false;
        if (byte == '.' && before == '-')
            return false;
        before = byte;
    }
    return before != '.' && before != '-';
}

static bool is_bracketed_address(struct kt_str text)
{
    if (text.length < 3 || text.data[0] != '[' || text.data[text.length - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < text.length; i++) {
        char lower = kt_ascii_lower(text.data[i]);
        if (!kt_ascii_is_digit(lower) && (lower < 'a' || lower > 'f') && lower != ':')
            return false;
    }
    return true;
}

/* host[:port]; the grammar does not bound the port. */
static bool is_domain(struct kt_str text)
{
    struct kt_str host = text;
    for (size_t i = text.length; i-- > 0 && text.data[i] != ']';) {
        if (text.data[i] != ':')
            continue;
        if (!all_digits(tail(text, i + 1)))
            return false;
        host.length = i;
        break;
    }
    return is_domain_name(host) || is_bracketed_address(host);
}

/* Lower-case letters and digits, joined by one dot, one or two underscores, or any number of hyphens. */
static bool is_path_component(struct kt_str text)
{
    size_t i = 0;
    for (;;) {
        size_t begin = i;
        while (i < text.length && is_lower_alnum(text.data[i]))
            i++;
        if (i == begin)
            return false;
        if (i == text.length)
            return true;
        char separator = text.data[i];
        size_t width = 0;
        while (i < text.length && text.data[i] == separator) {
            i++;
            width++;
        }
        size_t allowed = separator == '-' ? SIZE_MAX : separator == '_' ? 2 : separator == '.' ? 1 : 0;
        if (width > allowed)
            return false;
    }
}

static bool is_path(struct kt_str text)
{
    for (;;) {
        size_t slash = kt_str_find_char(text, '/');
        if (slash == SIZE_MAX)
            return is_path_component(text);
        if (!is_path_component((struct kt_str){text.data, slash}))
            return false;
        text = tail(text, slash + 1);
    }
}

int kt_image_tag_check(struct kt_str tag, struct kt_error *error)
{
    if (tag.length == 0)
        return kt_error_set(error, KT_EPARSE, "the tag after ':' is empty");
    if (tag.length > TAG_LONGEST)
        return kt_error_set(error, KT_EPARSE, "the tag is too long: %zu characters, at most %d are allowed", tag.length,
                            TAG_LONGEST);
    for (size_t i = 0; i < tag.length; i++) {
        char byte = tag.data[i];
        if (kt_ascii_is_alnum(byte) || byte == '_' || (i > 0 && (byte == '.' || byte == '-')))
            continue;
        return kt_error_set(error, KT_EPARSE,
                            "the tag \"%.*s\" is not valid: letters, digits, '_', '.' and '-' are allowed, and '.' or "
                            "'-' not at its beginning",
                            shown_length(tag), tag.data);
    }
    return 0;
}

static int check_digest(struct kt_str digest, struct kt_error *error)
{
    size_t colon = kt_str_find_char(digest, ':');
    if (colon == SIZE_MAX)
        return kt_error_set(error, KT_EPARSE, "the digest after '@' must look like sha256: and 64 hexadecimal digits");
    struct kt_str algorithm = {digest.data, colon}, hex = tail(digest, colon + 1);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(digest_algorithms); i++) {
        if (!kt_str_equal(algorithm, kt_str(digest_algorithms[i].algorithm)))
            continue;
        if (hex.length != digest_algorithms[i].hex_digits)
            return kt_error_set(error, KT_EPARSE, "a %s digest has %zu hexadecimal digits, not %zu",
                                digest_algorithms[i].algorithm, digest_algorithms[i].hex_digits, hex.length);
        if (!all_lower_hex(hex))
            return kt_error_set(error, KT_EPARSE, "the digest may have only the digits 0-9 and a-f after '%s:'",
                                digest_algorithms[i].algorithm);
        return 0;
    }
    return kt_error_set(error, KT_EPARSE, "the digest algorithm \"%.*s\" is not known: sha256, sha384 and sha512 are",
                        shown_length(algorithm), algorithm.data);
}

/* What stands before the first slash is a domain when it is "localhost", has a dot or colon, or has upper case, because
 * a path cannot have it. */
static void split_domain(struct kt_str text, struct kt_str *ret_domain, struct kt_str *ret_rest)
{
    size_t slash = kt_str_find_char(text, '/');
    *ret_domain = default_domain;
    *ret_rest = text;
    if (slash == SIZE_MAX)
        return;
    struct kt_str first = {text.data, slash};
    if (!kt_str_equal(first, KT_STR("localhost")) && kt_str_find_char(first, '.') == SIZE_MAX &&
        kt_str_find_char(first, ':') == SIZE_MAX && !has_upper(first))
        return;
    *ret_rest = tail(text, slash + 1);
    if (!kt_str_equal(first, KT_STR("index.docker.io")))
        *ret_domain = first;
}

/* Mistakes that deserve words of their own, before the grammar is asked. */
static int check_common_mistakes(struct kt_str text, struct kt_error *error)
{
    if (text.length == 0)
        return kt_error_set(error, KT_EPARSE, "the image reference is empty");
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte <= ' ' || byte == 0x7f)
            return kt_error_set(error, KT_EPARSE, "an image reference has no spaces or control characters");
        if (byte > 0x7f)
            return kt_error_set(error, KT_EPARSE, "an image reference has only ASCII characters");
        if (byte == ':' && i + 2 < text.length && text.data[i + 1] == '/' && text.data[i + 2] == '/')
            return kt_error_set(error, KT_EPARSE, "an image reference has no scheme: leave out \"%.*s\"",
                                shown_length((struct kt_str){text.data, i + 3}), text.data);
    }
    if (text.length == 64 && all_lower_hex(text))
        return kt_error_set(error, KT_EPARSE,
                            "64 hexadecimal digits are an image's ID: give its name, or name@sha256:digits");
    return 0;
}

static int check_repository(struct kt_str domain, struct kt_str repository, struct kt_error *error)
{
    if (repository.length == 0)
        return kt_error_set(error, KT_EPARSE, "the repository name is missing");
    if (has_upper(repository))
        return kt_error_set(error, KT_EPARSE,
                            "the repository name \"%.*s\" has upper-case letters: only lower case is "
                            "allowed there",
                            shown_length(repository), repository.data);
    if (!is_path(repository))
        return kt_error_set(error, KT_EPARSE,
                            "the repository name \"%.*s\" is not valid: lower-case letters and digits, joined by '.', "
                            "'_', '__' or '-', in parts between single slashes",
                            shown_length(repository), repository.data);
    size_t length = repository.length;
    if (kt_str_equal(domain, default_domain) && kt_str_find_char(repository, '/') == SIZE_MAX)
        length += official_prefix.length;
    if (length > REPOSITORY_LONGEST)
        return kt_error_set(error, KT_EPARSE, "the repository name is too long: %zu characters, at most %d are allowed",
                            length, REPOSITORY_LONGEST);
    return 0;
}

int kt_image_reference_parse(struct kt_str text, struct kt_image_reference *ret, struct kt_error *error)
{
    int r = check_common_mistakes(text, error);
    if (r < 0)
        return r;
    struct kt_image_reference parsed = {0};
    struct kt_str rest;
    split_domain(text, &parsed.domain, &rest);

    size_t at = kt_str_find_char(rest, '@');
    struct kt_str digest = {0};
    if (at != SIZE_MAX) {
        digest = tail(rest, at + 1);
        rest.length = at;
    }
    size_t colon = kt_str_find_char(rest, ':');
    parsed.repository = (struct kt_str){rest.data, KT_MIN(colon, rest.length)};
    if ((r = check_repository(parsed.domain, parsed.repository, error)) < 0)
        return r;
    if (colon != SIZE_MAX) {
        parsed.tag = tail(rest, colon + 1);
        if ((r = kt_image_tag_check(parsed.tag, error)) < 0)
            return r;
    }
    if (at != SIZE_MAX) {
        if ((r = check_digest(digest, error)) < 0)
            return r;
        parsed.digest = digest;
        parsed.tag = (struct kt_str){0}; /* a digest says exactly which image, so the tag plays no part */
    }
    /* A first part such as "my_host.io" is no domain by the grammar, but a path may look like it, and then the
     * reference is valid and its first part is still the host that is asked for the image. */
    if (!is_domain(parsed.domain) &&
        (!is_path_component(parsed.domain) || parsed.domain.length + 1 + parsed.repository.length > REPOSITORY_LONGEST))
        return kt_error_set(error, KT_EPARSE, "the registry \"%.*s\" is not a host name with an optional port",
                            shown_length(parsed.domain), parsed.domain.data);
    *ret = parsed;
    return 0;
}
