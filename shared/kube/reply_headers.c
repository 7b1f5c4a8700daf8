/* SPDX-License-Identifier: Apache-2.0 */
/* The few headers of a reply that count. */
#include <string.h>

#include "kube/client_internal.h"

void kt_reply_headers_init(struct kt_reply_headers *headers, struct kt_arena *arena)
{
    *headers = (struct kt_reply_headers){.arena = arena, .retry_after_s = -1, .content_type = ""};
}

static void skip_spaces(struct kt_str *text)
{
    while (text->length > 0 && (text->data[0] == ' ' || text->data[0] == '\t')) {
        text->data++;
        text->length--;
    }
}

/* Takes one word that ends at a space. */
static struct kt_str take_word(struct kt_str *text)
{
    skip_spaces(text);
    size_t length = KT_MIN(kt_str_find_char(*text, ' '), text->length);
    struct kt_str word = {text->data, length};
    text->data += length;
    text->length -= length;
    skip_spaces(text);
    return word;
}

/* Takes a quoted string with its escapes undone, in the arena; NULL when there is none or it does not end. */
static char *take_quoted(struct kt_arena *arena, struct kt_str *text)
{
    if (text->length == 0 || text->data[0] != '"')
        return NULL;
    char *copy = kt_arena_alloc(arena, text->length);
    size_t length = 0;
    for (size_t i = 1; copy && i < text->length; i++) {
        char byte = text->data[i];
        if (byte == '"') {
            text->data += i + 1;
            text->length -= i + 1;
            return copy; /* the arena zeroes its memory: NUL-terminated */
        }
        if (byte == '\\' && i + 1 < text->length)
            byte = text->data[++i];
        copy[length++] = byte;
    }
    return NULL;
}

static bool is_printable(const char *text)
{
    for (const char *byte = text; *byte; byte++)
        if ((unsigned char)*byte < 0x20 || *byte == 0x7f)
            return false;
    return kt_utf8_valid(kt_str(text));
}

static void add_warning(struct kt_reply_headers *headers, const char *text)
{
    if (headers->warning_count == KT_CLIENT_WARNINGS || !is_printable(text))
        return;
    for (size_t i = 0; i < headers->warning_count; i++)
        if (kt_streq(headers->warnings[i], text))
            return;
    headers->warnings[headers->warning_count++] = text;
}

/* 299 - "text" ["date"] [, ...]   (RFC 7234 section 5.5; apimachinery util/net/http.go) */
static void take_warnings(struct kt_reply_headers *headers, struct kt_str value)
{
    while (value.length > 0) {
        struct kt_str number = take_word(&value);
        struct kt_str agent = take_word(&value);
        const char *text = take_quoted(headers->arena, &value);
        if (!text || agent.length == 0)
            return;
        if (kt_str_equal(number, KT_STR("299")))
            add_warning(headers, text);
        skip_spaces(&value);
        if (value.length > 0 && value.data[0] == '"' && !take_quoted(headers->arena, &value))
            return;
        skip_spaces(&value);
        if (value.length == 0 || value.data[0] != ',')
            return;
        value.data++;
        value.length--;
    }
}

/* Whole seconds only, as client-go: a date is taken for "not said". */
static void take_retry_after(struct kt_reply_headers *headers, struct kt_str value)
{
    int64_t seconds = 0;
    if (value.length == 0 || value.length > 9)
        return;
    for (size_t i = 0; i < value.length; i++) {
        if (!kt_ascii_is_digit(value.data[i]))
            return;
        seconds = seconds * 10 + (value.data[i] - '0');
    }
    headers->retry_after_s = seconds;
}

static void take_content_type(struct kt_reply_headers *headers, struct kt_str value)
{
    value.length = KT_MIN(value.length, kt_str_find_char(value, ';'));
    value = kt_str_trim(value);
    char *copy = value.length <= 127 ? kt_arena_strndup(headers->arena, value.data, value.length) : NULL;
    headers->content_type = copy && is_printable(copy) ? copy : "";
}

static const struct {
    const char *name;
    void (*take)(struct kt_reply_headers *headers, struct kt_str value);
} known[] = {
    {"Warning", take_warnings},
    {"Retry-After", take_retry_after},
    {"Content-Type", take_content_type},
};

void kt_reply_headers_take(struct kt_reply_headers *headers, struct kt_str line)
{
    if (kt_str_starts_with(line, KT_STR("HTTP/"))) {
        kt_reply_headers_init(headers, headers->arena);
        return;
    }
    size_t colon = kt_str_find_char(line, ':');
    if (colon == SIZE_MAX)
        return;
    struct kt_str name = {line.data, colon};
    struct kt_str value = kt_str_trim((struct kt_str){line.data + colon + 1, line.length - colon - 1});
    for (size_t i = 0; i < KT_ARRAY_LENGTH(known); i++)
        if (kt_str_equal_nocase(name, kt_str(known[i].name)))
            known[i].take(headers, value);
}
