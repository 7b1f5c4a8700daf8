/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/header_check.h"

#define TARGET_LIMIT_BYTES 2048
/* 19 digits are more than any body limit and fit uint64_t. */
#define LENGTH_DIGITS_LIMIT 18

static struct kt_header_verdict refuse(int status, const char *reason)
{
    return (struct kt_header_verdict){.status = status, .reason = reason};
}

size_t kt_header_block_length(struct kt_str bytes)
{
    const char *end = bytes.length >= 4 ? memmem(bytes.data, bytes.length, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - bytes.data) + 4 : 0;
}

/* RFC 9110 section 5.6.2: what a method or field name is made of. */
static bool is_token_byte(char byte)
{
    return kt_ascii_is_alnum(byte) || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

static bool is_token(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_token_byte(text.data[i]))
            return false;
    return text.length > 0;
}

/* No control bytes but tab; bytes above 0x7F are allowed in field values. */
static bool is_clean(struct kt_str text, bool allow_space)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == 0x7F || (byte < 0x20 && !(byte == '\t' && allow_space)) || (byte == ' ' && !allow_space))
            return false;
    }
    return true;
}

/* Takes the next line without its CRLF; false when a CR or LF stands alone. */
static bool next_line(struct kt_str *rest, struct kt_str *ret)
{
    for (size_t i = 0; i < rest->length; i++) {
        if (rest->data[i] == '\n')
            return false;
        if (rest->data[i] != '\r')
            continue;
        if (i + 1 >= rest->length || rest->data[i + 1] != '\n')
            return false;
        *ret = (struct kt_str){rest->data, i};
        *rest = (struct kt_str){rest->data + i + 2, rest->length - i - 2};
        return true;
    }
    return false;
}

static struct kt_header_verdict check_request_line(struct kt_str line)
{
    size_t first = kt_str_find_char(line, ' ');
    if (first == SIZE_MAX)
        return refuse(400, "the request line is not `METHOD target HTTP/1.1`");
    struct kt_str method = {line.data, first};
    struct kt_str rest = {line.data + first + 1, line.length - first - 1};
    size_t second = kt_str_find_char(rest, ' ');
    if (second == SIZE_MAX || !is_token(method))
        return refuse(400, "the request line is not `METHOD target HTTP/1.1`");
    struct kt_str target = {rest.data, second};
    struct kt_str version = {rest.data + second + 1, rest.length - second - 1};
    if (!kt_str_equal(version, KT_STR("HTTP/1.1")))
        return refuse(kt_str_starts_with(version, KT_STR("HTTP/")) ? 505 : 400, "only HTTP/1.1 is served here");
    if (target.length == 0 || target.data[0] != '/' || !is_clean(target, false))
        return refuse(400, "the request target is not a clean absolute path");
    if (target.length > TARGET_LIMIT_BYTES)
        return refuse(414, "the request target is too long");
    if (!kt_str_equal(method, KT_STR("POST")))
        return refuse(405, "only POST is served here: admission reviews");
    return (struct kt_header_verdict){0};
}

static struct kt_header_verdict parse_length(struct kt_str value, uint64_t limit)
{
    if (value.length == 0 || value.length > LENGTH_DIGITS_LIMIT)
        return refuse(value.length == 0 ? 400 : 413, "Content-Length is empty or far too large");
    uint64_t length = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (!kt_ascii_is_digit(value.data[i]))
            return refuse(400, "Content-Length is not a number");
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    if (length > limit)
        return refuse(413, "the body is larger than an admission review may be");
    return (struct kt_header_verdict){.content_length = length};
}

struct kt_header_verdict kt_header_check(struct kt_str block, uint64_t body_limit_bytes)
{
    struct kt_str rest = block, line;
    if (!next_line(&rest, &line))
        return refuse(400, "a line does not end with CR LF");
    struct kt_header_verdict verdict = check_request_line(line);
    if (verdict.status != 0)
        return verdict;
    bool has_length = false, has_host = false;
    for (;;) {
        if (!next_line(&rest, &line))
            return refuse(400, "a line does not end with CR LF");
        if (line.length == 0)
            break;
        size_t colon = kt_str_find_char(line, ':');
        if (colon == SIZE_MAX || !is_token((struct kt_str){line.data, colon}))
            return refuse(400, "a header field is not `Name: value`");
        struct kt_str name = {line.data, colon};
        struct kt_str value = kt_str_trim((struct kt_str){line.data + colon + 1, line.length - colon - 1});
        if (!is_clean(value, true))
            return refuse(400, "a header value holds a control character");
        if (kt_str_equal_nocase(name, KT_STR("Transfer-Encoding")))
            return refuse(501, "Transfer-Encoding is not served here: send a Content-Length");
        if (kt_str_equal_nocase(name, KT_STR("Host"))) {
            if (has_host)
                return refuse(400, "there are two Host fields");
            has_host = true;
        } else if (kt_str_equal_nocase(name, KT_STR("Content-Length"))) {
            if (has_length)
                return refuse(400, "there are two Content-Length fields");
            has_length = true;
            verdict = parse_length(value, body_limit_bytes);
            if (verdict.status != 0)
                return verdict;
        }
    }
    if (!has_host)
        return refuse(400, "there is no Host field");
    if (!has_length)
        return refuse(411, "there is no Content-Length");
    return rest.length == 0 ? verdict : refuse(400, "there are bytes after the header block");
}
