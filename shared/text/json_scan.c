/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/json.h"
#include "text/json_duplicates.h"

/* Steps of work beyond the one for each byte between strings and the half for each byte in them; measured, see
 * tests/bench/cost.c. */
#define NODE_STEPS 24
#define NUMBER_STEPS 10
#define SPECIAL_STEPS 8 /* an escape, or a character beyond ASCII */
#define UNICODE_ESCAPE_STEPS 15
#define FRACTION_STEPS 250
#define FRACTION_BYTE_STEPS 3
/* Longer whole numbers, and fractions, are read by strtod, which is exact and slow. */
#define SHORT_NUMBER_BYTES 15

/* One open object or array. */
struct frame {
    bool object;
    uint32_t members;
};

struct scanner {
    struct kt_arena *arena;
    char *start;
    char *end; /* a NUL stands here */
    size_t limit_nodes;
    uint64_t limit_work; /* of what is counted while the text is read */
    size_t numbers_capacity;
    struct frame frames[KT_LIMIT_JSON_DEPTH];
    size_t depth;
    size_t string_bytes;
    struct kt_json_scan result;
    struct kt_error *error;
};

#define SIXTEEN(value) \
    value, value, value, value, value, value, value, value, value, value, value, value, value, value, value, value

const unsigned char kt_json_string_bytes[256] = {
    [0x00] = SIXTEEN(KT_JSON_CONTROL),
    SIXTEEN(KT_JSON_CONTROL),
    ['"'] = KT_JSON_QUOTE,
    ['\\'] = KT_JSON_BACKSLASH,
    [0x80] = SIXTEEN(KT_JSON_HIGH),
    SIXTEEN(KT_JSON_HIGH),
    SIXTEEN(KT_JSON_HIGH),
    SIXTEEN(KT_JSON_HIGH),
    SIXTEEN(KT_JSON_HIGH),
    SIXTEEN(KT_JSON_HIGH),
    SIXTEEN(KT_JSON_HIGH),
    SIXTEEN(KT_JSON_HIGH),
};

int kt_json_scan_out_of_work(struct kt_error *error)
{
    return kt_error_set(error, KT_ELIMIT, "the JSON text takes more work to read than one request may cost");
}

int kt_json_scan_fail(struct kt_error *error, struct kt_str text, size_t offset, const char *format, ...)
{
    size_t line = 1, column = 1;
    const char *start = text.data, *end = text.data + offset;
    for (const char *found; start < end && (found = memchr(start, '\n', (size_t)(end - start))); start = found + 1)
        line++;
    for (; start < end; start++) /* what was passed is valid, and so has one such byte a character */
        column += ((unsigned char)*start & 0xC0) != 0x80;
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    return kt_error_set(error, KT_EPARSE, "JSON text, line %zu, column %zu: %s", line, column, message);
}

static char *fail_at(struct scanner *scanner, const char *at, const char *message)
{
    struct kt_str text = {scanner->start, (size_t)(scanner->end - scanner->start)};
    kt_json_scan_fail(scanner->error, text, (size_t)(at - scanner->start), "%s", message);
    return NULL;
}

/* "expected X, but found Y" */
static char *fail_expected(struct scanner *scanner, const char *at, const char *expected)
{
    unsigned char byte = (unsigned char)*at;
    char message[160];
    if (at == scanner->end)
        snprintf(message, sizeof(message), "the text ends where %s is expected", expected);
    else if (byte > 0x20 && byte < 0x7F)
        snprintf(message, sizeof(message), "expected %s, found '%c'", expected, byte);
    else
        snprintf(message, sizeof(message), "expected %s, found byte 0x%02x", expected, byte);
    return fail_at(scanner, at, message);
}

static char *fail_limit(struct scanner *scanner, const char *what, size_t limit)
{
    kt_error_set(scanner->error, KT_ELIMIT, "the JSON text has %s the limit of %zu", what, limit);
    return NULL;
}

/* What the text takes beyond a step for each of its bytes is more than there is left: no need to read it to its end. */
static char *fail_work(struct scanner *scanner)
{
    (void)kt_arena_work(scanner->arena, scanner->result.work, KT_JSON_PART);
    kt_json_scan_out_of_work(scanner->error);
    return NULL;
}

static char *skip_space(char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

/* Value of four hexadecimal digits, or -1. */
static int hex4(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = kt_ascii_lower(at[i]);
        if (kt_ascii_is_digit(digit))
            value = value * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = value * 16 + (digit - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* at: the 'u' of an escape. Returns the byte after the escape, or after both halves of a surrogate pair. */
static char *scan_unicode_escape(struct scanner *scanner, char *at)
{
    int unit = hex4(at + 1);
    scanner->result.work += UNICODE_ESCAPE_STEPS;
    if (unit < 0)
        return fail_at(scanner, at, "\\u needs four hexadecimal digits");
    if (unit == 0)
        return fail_at(scanner, at, "\\u0000 is not allowed in a string");
    if (unit < 0xD800 || unit > 0xDFFF)
        return at + 5;
    if (unit <= 0xDBFF && at[5] == '\\' && at[6] == 'u') {
        int low = hex4(at + 7);
        if (low >= 0xDC00 && low <= 0xDFFF)
            return at + 11;
    }
    memcpy(at + 1, "fffd", 4);
    return at + 5;
}

static char *scan_escape(struct scanner *scanner, char *at)
{
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return at + 2;
    case 'u':
        return scan_unicode_escape(scanner, at + 1);
    default:
        return fail_expected(scanner, at + 1, "one of \"\\/bfnrtu after a backslash");
    }
}

/* at: the opening quote. Returns the byte after the closing one. */
static char *scan_string(struct scanner *scanner, char *at)
{
    const char *first = ++at;
    for (;;) {
        while (kt_json_plain_word(at))
            at += sizeof(uint64_t);
        while (kt_json_string_bytes[(unsigned char)*at] == KT_JSON_PLAIN)
            at++;
        switch ((enum kt_json_string_byte)kt_json_string_bytes[(unsigned char)*at]) {
        case KT_JSON_QUOTE:
            if ((size_t)(at - first) > KT_LIMIT_JSON_STRING_BYTES)
                return fail_limit(scanner, "a string with more bytes than", KT_LIMIT_JSON_STRING_BYTES);
            scanner->string_bytes += (size_t)(at - first);
            return at + 1;
        case KT_JSON_BACKSLASH:
            for (; at && *at == '\\'; scanner->result.work += SPECIAL_STEPS)
                at = scan_escape(scanner, at);
            if (!at || scanner->result.work > scanner->limit_work)
                return at ? fail_work(scanner) : NULL;
            break;
        case KT_JSON_HIGH: {
            size_t runes = 0, length = kt_utf8_high_length((struct kt_str){at, (size_t)(scanner->end - at)}, &runes);
            if (length == 0)
                return fail_at(scanner, at, "the string is not valid UTF-8");
            scanner->result.work += runes * SPECIAL_STEPS;
            if (scanner->result.work > scanner->limit_work)
                return fail_work(scanner);
            at += length;
            break;
        }
        case KT_JSON_CONTROL:
            if (at == scanner->end)
                return fail_at(scanner, at, "the text ends inside a string");
            return fail_at(scanner, at, "a control character in a string must be escaped");
        case KT_JSON_PLAIN:
            break;
        }
    }
}

static const char *skip_digits(const char *at)
{
    while (kt_ascii_is_digit(*at))
        at++;
    return at;
}

size_t kt_json_scan_number(const char *text)
{
    const char *at = text;
    if (*at == '-')
        at++;
    if (*at == '0')
        at++;
    else if (kt_ascii_is_digit(*at))
        at = skip_digits(at);
    else
        return 0;
    if (*at == '.') {
        if (!kt_ascii_is_digit(at[1]))
            return 0;
        at = skip_digits(at + 1);
    }
    if (*at == 'e' || *at == 'E') {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        if (!kt_ascii_is_digit(*at))
            return 0;
        at = skip_digits(at);
    }
    return (size_t)(at - text);
}

bool kt_json_scan_is_short(struct kt_str number)
{
    size_t digits = number.length > 0 && number.data[0] == '-' ? 1 : 0;
    if (number.length > SHORT_NUMBER_BYTES)
        return false;
    while (digits < number.length && kt_ascii_is_digit(number.data[digits]))
        digits++;
    return digits == number.length;
}

static char *scan_number(struct scanner *scanner, char *at)
{
    size_t length = kt_json_scan_number(at);
    if (length == 0)
        return fail_at(scanner, at, "this is not a number that JSON allows");
    if (*at == '0' || (*at == '-' && at[1] == '0')) {
        if (kt_ascii_is_digit(at[length]))
            return fail_at(scanner, at, "a number must not start with 0");
    }
    if (length > KT_LIMIT_JSON_NUMBER_BYTES)
        return fail_limit(scanner, "a number with more bytes than", KT_LIMIT_JSON_NUMBER_BYTES);
    struct kt_json_scan *result = &scanner->result;
    result->work += NUMBER_STEPS;
    if (!kt_json_scan_is_short((struct kt_str){at, length}))
        result->work += FRACTION_STEPS + length * FRACTION_BYTE_STEPS;
    if (result->numbers == scanner->numbers_capacity) {
        size_t capacity = KT_MAX((size_t)64, scanner->numbers_capacity * 4);
        uint32_t *offsets = kt_arena_calloc(scanner->arena, capacity, sizeof(*offsets));
        if (!offsets) {
            kt_error_set(scanner->error, KT_ENOMEM, "not enough memory to read the JSON text");
            return NULL;
        }
        if (result->numbers > 0)
            memcpy(offsets, result->number_offsets, result->numbers * sizeof(*offsets));
        result->number_offsets = offsets;
        scanner->numbers_capacity = capacity;
    }
    result->number_offsets[result->numbers++] = (uint32_t)(at - scanner->start);
    return at + length;
}

static char *scan_literal(struct scanner *scanner, char *at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(at, word, length) != 0)
        return fail_expected(scanner, at, "a value (a word must be true, false or null)");
    return at + length;
}

/* Counts one more child of the innermost container; at: its first byte. For an object reads the key and the colon. */
static char *scan_child_start(struct scanner *scanner, char *at)
{
    struct frame *frame = &scanner->frames[scanner->depth - 1];
    frame->members++;
    if (!frame->object)
        return at;
    if (frame->members > KT_LIMIT_JSON_MEMBERS)
        return fail_limit(scanner, "an object with more members than", KT_LIMIT_JSON_MEMBERS);
    scanner->result.largest_object = KT_MAX(scanner->result.largest_object, (size_t)frame->members);
    if (*at != '"')
        return fail_expected(scanner, at, "a key in double quotes");
    at = scan_string(scanner, at);
    if (!at)
        return NULL;
    at = skip_space(at);
    if (*at != ':')
        return fail_expected(scanner, at, "':' after a key");
    return skip_space(at + 1);
}

/* at: '{' or '['. Returns the first byte of the first child, or the closing bracket. */
static char *scan_open(struct scanner *scanner, char *at)
{
    if (scanner->depth == KT_LIMIT_JSON_DEPTH)
        return fail_limit(scanner, "more levels of nesting than", KT_LIMIT_JSON_DEPTH);
    bool object = *at == '{';
    scanner->frames[scanner->depth++] = (struct frame){.object = object};
    at = skip_space(at + 1);
    if (*at == (object ? '}' : ']'))
        return at;
    return scan_child_start(scanner, at);
}

static void close_container(struct scanner *scanner)
{
    const struct frame *frame = &scanner->frames[--scanner->depth];
    if (frame->object && frame->members > KT_JSON_PAIRWISE_MEMBERS)
        scanner->result.work += kt_json_sort_steps(frame->members);
}

/* After a complete value: closes what ends here. Returns the first byte of the next value, or the end of the text with
 * depth 0. */
static char *scan_after_value(struct scanner *scanner, char *at)
{
    for (at = skip_space(at); scanner->depth > 0; at = skip_space(at)) {
        bool object = scanner->frames[scanner->depth - 1].object;
        if (*at == ',')
            return scan_child_start(scanner, skip_space(at + 1));
        if (*at != (object ? '}' : ']'))
            return fail_expected(scanner, at, object ? "',' or '}'" : "',' or ']'");
        close_container(scanner);
        at++;
    }
    return at;
}

/* One scalar, or the opening of a container. *ret_complete tells which. */
static char *scan_value(struct scanner *scanner, char *at, bool *ret_complete)
{
    if (++scanner->result.nodes > scanner->limit_nodes)
        return fail_limit(scanner, "more values than", scanner->limit_nodes);
    *ret_complete = true;
    switch (*at) {
    case '{':
    case '[':
        at = scan_open(scanner, at);
        if (at)
            *ret_complete = scanner->frames[scanner->depth - 1].members == 0;
        return at;
    case '"':
        return scan_string(scanner, at);
    case 't':
        return scan_literal(scanner, at, "true");
    case 'f':
        return scan_literal(scanner, at, "false");
    case 'n':
        return scan_literal(scanner, at, "null");
    default:
        if (*at != '-' && !kt_ascii_is_digit(*at))
            return fail_expected(scanner, at, "a value");
        return scan_number(scanner, at);
    }
}

int kt_json_scan(struct kt_arena *arena, char *text, size_t length, size_t limit_nodes, struct kt_json_scan *ret,
                 struct kt_error *error)
{
    struct kt_error own_error;
    struct scanner scanner = {.arena = arena, .start = text, .end = text + length, .limit_nodes = limit_nodes};
    scanner.error = error ? error : &own_error;
    scanner.limit_work = arena->limit_work - arena->work;
    if (length >= UINT32_MAX)
        return kt_error_set(error, KT_ELIMIT, "the JSON text is larger than the limit of %u bytes", UINT32_MAX);
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        fail_at(&scanner, text, "the text starts with a byte order mark; save it as UTF-8 without one");
        return scanner.error->code;
    }
    char *at = skip_space(text);
    do {
        bool complete;
        at = scan_value(&scanner, at, &complete);
        if (at && complete)
            at = scan_after_value(&scanner, at);
        if (!at)
            return scanner.error->code;
    } while (scanner.depth > 0);
    if (at != scanner.end) {
        fail_expected(&scanner, at, "the end of the text after the value");
        return scanner.error->code;
    }
    scanner.result.work += scanner.result.nodes * NODE_STEPS + length - scanner.string_bytes / 2;
    *ret = scanner.result;
    return 0;
}

size_t kt_json_scan_key_offset(struct kt_str text, size_t nth)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '"')
            continue;
        size_t start = i;
        for (i++; i < text.length && text.data[i] != '"'; i++)
            if (text.data[i] == '\\')
                i++;
        size_t after = i + 1;
        while (after < text.length && strchr(" \n\r\t", text.data[after]))
            after++;
        if (after < text.length && text.data[after] == ':' && nth-- == 0)
            return start;
    }
    return text.length;
}
