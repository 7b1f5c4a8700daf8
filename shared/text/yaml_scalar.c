/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meaning of scalars as Kubernetes sees it: resolve.go and decode.go of go.yaml.in/yaml v2.4.2, then
 * convertToJSONableObject and encoding/json, which sigs.k8s.io/yaml v1.6.0 runs one after the other. Where they bend
 * the YAML 1.1 specification we bend it too: no base 60, no dates, octal by Go's rules, "08" is a decimal fraction.
 */
#include "text/yaml_scalar.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/base64.h"

static const struct {
    const char *text;
    enum kt_yaml_scalar_kind kind;
    bool truth;
    double number;
} words[] = {
    {"y", KT_YAML_BOOL, true, 0},
    {"Y", KT_YAML_BOOL, true, 0},
    {"yes", KT_YAML_BOOL, true, 0},
    {"Yes", KT_YAML_BOOL, true, 0},
    {"YES", KT_YAML_BOOL, true, 0},
    {"true", KT_YAML_BOOL, true, 0},
    {"True", KT_YAML_BOOL, true, 0},
    {"TRUE", KT_YAML_BOOL, true, 0},
    {"on", KT_YAML_BOOL, true, 0},
    {"On", KT_YAML_BOOL, true, 0},
    {"ON", KT_YAML_BOOL, true, 0},
    {"n", KT_YAML_BOOL, false, 0},
    {"N", KT_YAML_BOOL, false, 0},
    {"no", KT_YAML_BOOL, false, 0},
    {"No", KT_YAML_BOOL, false, 0},
    {"NO", KT_YAML_BOOL, false, 0},
    {"false", KT_YAML_BOOL, false, 0},
    {"False", KT_YAML_BOOL, false, 0},
    {"FALSE", KT_YAML_BOOL, false, 0},
    {"off", KT_YAML_BOOL, false, 0},
    {"Off", KT_YAML_BOOL, false, 0},
    {"OFF", KT_YAML_BOOL, false, 0},
    {"", KT_YAML_NULL, false, 0},
    {"~", KT_YAML_NULL, false, 0},
    {"null", KT_YAML_NULL, false, 0},
    {"Null", KT_YAML_NULL, false, 0},
    {"NULL", KT_YAML_NULL, false, 0},
    {".nan", KT_YAML_FLOAT, false, (double)NAN},
    {".NaN", KT_YAML_FLOAT, false, (double)NAN},
    {".NAN", KT_YAML_FLOAT, false, (double)NAN},
    {".inf", KT_YAML_FLOAT, false, HUGE_VAL},
    {".Inf", KT_YAML_FLOAT, false, HUGE_VAL},
    {".INF", KT_YAML_FLOAT, false, HUGE_VAL},
    {"+.inf", KT_YAML_FLOAT, false, HUGE_VAL},
    {"+.Inf", KT_YAML_FLOAT, false, HUGE_VAL},
    {"+.INF", KT_YAML_FLOAT, false, HUGE_VAL},
    {"-.inf", KT_YAML_FLOAT, false, -HUGE_VAL},
    {"-.Inf", KT_YAML_FLOAT, false, -HUGE_VAL},
    {"-.INF", KT_YAML_FLOAT, false, -HUGE_VAL},
};

/* --- numbers -------------------------------------------------------------------------------------------------------
 */

struct integer {
    bool negative;
    bool fits_int64;
    uint64_t magnitude;
};

static unsigned digit_value(char byte)
{
    char lower = kt_ascii_lower(byte);
    if (kt_ascii_is_digit(lower))
        return (unsigned)(lower - '0');
    return lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10 : 99;
}

/* Digits of a base up to the NUL; false when there are others or the value does not fit. */
static bool parse_digits(const char *text, unsigned base, uint64_t *ret)
{
    uint64_t value = 0;
    for (; *text; text++) {
        unsigned digit = digit_value(*text);
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret = value;
    return true;
}

/* Go's ParseInt and ParseUint with base 0, on a text without underscores. */
static bool parse_integer(const char *text, struct integer *ret)
{
    bool is_signed = *text == '-' || *text == '+';
    struct integer integer = {.negative = *text == '-'};
    const char *digits = text + (is_signed ? 1 : 0);
    unsigned base = 10;
    if (*digits == '\0')
        return false;
    if (*digits == '0') {
        char mark = digits[1] && digits[2] ? kt_ascii_lower(digits[1]) : '\0';
        base = mark == 'b' ? 2 : mark == 'x' ? 16 : 8;
        digits += mark == 'b' || mark == 'o' || mark == 'x' ? 2 : 1;
    }
    if (!parse_digits(digits, base, &integer.magnitude)) {
        /* A leftover of the library's: "0b" may stand before a sign, too. */
        if (strncmp(text, "0b", 2) != 0 || (text[2] != '-' && text[2] != '+') || text[3] == '\0' ||
            !parse_digits(text + 3, 2, &integer.magnitude))
            return false;
        is_signed = true;
        integer.negative = text[2] == '-';
    }
    integer.fits_int64 = integer.magnitude <= (uint64_t)INT64_MAX + (integer.negative ? 1 : 0);
    if (is_signed && !integer.fits_int64)
        return false;
    *ret = integer;
    return true;
}

static const char *skip_digits(const char *text)
{
    while (kt_ascii_is_digit(*text))
        text++;
    return text;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float_text(const char *text)
{
    if (*text == '-' || *text == '+')
        text++;
    const char *whole = skip_digits(text), *end = whole;
    if (*whole == '.')
        end = skip_digits(whole + 1);
    if (whole == text && end <= whole + 1)
        return false; /* no digit at all */
    if (*end == 'e' || *end == 'E') {
        end++;
        if (*end == '-' || *end == '+')
            end++;
        const char *exponent = end;
        end = skip_digits(exponent);
        if (end == exponent)
            return false;
    }
    return *end == '\0';
}

/* A number too large for a double is a text to the library; one too small is zero. */
static bool parse_double(const char *text, double *ret)
{
    double value = strtod(text, NULL);
    if (!isfinite(value))
        return false;
    *ret = value;
    return true;
}

/* Go's ParseFloat takes underscores between digits, but the library asks it directly only for texts that begin with a
 * dot. */
static bool underscores_are_between_digits(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '_' && (i == 0 || i + 1 == text.length || !kt_ascii_is_digit(text.data[i - 1]) ||
                                    (!kt_ascii_is_digit(text.data[i + 1]))))
            return false;
    return true;
}

/* space: room for text and a NUL. */
static void copy_without_underscores(struct kt_str text, char *space)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] != '_')
            *space++ = text.data[i];
    *space = '\0';
}

/* Tries text as a number; space as above. True when it is one; kind, number and *ret_integer are set. */
static bool resolve_number(struct kt_str text, char *space, struct kt_yaml_scalar *ret, struct integer *ret_integer)
{
    bool starts_with_dot = text.data[0] == '.';
    if (!starts_with_dot && text.data[0] != '-' && text.data[0] != '+' && !kt_ascii_is_digit(text.data[0]))
        return false;
    if (memchr(text.data, '\0', text.length))
        return false;
    copy_without_underscores(text, space);
    if (!starts_with_dot && parse_integer(space, ret_integer)) {
        ret->kind = KT_YAML_INT;
        ret->beyond_int64 = !ret_integer->fits_int64;
        return true;
    }
    if (!is_float_text(space) || (starts_with_dot && !underscores_are_between_digits(text)) ||
        !parse_double(space, &ret->number))
        return false;
    ret->kind = KT_YAML_FLOAT;
    return true;
}

/* Of the words above: most texts are none of them, which these two tell. */
#define LONGEST_WORD 5
#define FIRST_BYTES "yYtToOnNfF~.+-"

static bool resolve_word(struct kt_str text, struct kt_yaml_scalar *ret)
{
    if (text.length > LONGEST_WORD || (text.length > 0 && !memchr(FIRST_BYTES, text.data[0], sizeof(FIRST_BYTES) - 1)))
        return false;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(words); i++) {
        if (!kt_str_equal(text, kt_str(words[i].text)))
            continue;
        ret->kind = words[i].kind;
        ret->truth = words[i].truth;
        ret->number = words[i].number;
        return true;
    }
    return false;
}

enum kt_yaml_scalar_kind kt_yaml_scalar_plain_kind(struct kt_str text)
{
    char space[1024];
    struct kt_yaml_scalar scalar = {0};
    struct integer integer;
    if (resolve_word(text, &scalar))
        return scalar.kind;
    if (text.length < sizeof(space) && resolve_number(text, space, &scalar, &integer))
        return scalar.kind;
    return KT_YAML_TEXT;
}

/* --- tags ----------------------------------------------------------------------------------------------------------
 */

static int out_of_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory to read the YAML text");
}

static int set_text(struct kt_arena *arena, struct kt_str text, struct kt_yaml_scalar *ret, struct kt_error *error)
{
    struct kt_str copy = kt_arena_str(arena, text);
    if (!copy.data)
        return out_of_memory(error);
    *ret = (struct kt_yaml_scalar){.kind = KT_YAML_TEXT, .text = copy};
    return 0;
}

static int resolve_untagged(struct kt_arena *arena, struct kt_str text, struct kt_yaml_scalar *ret,
                            struct kt_error *error)
{
    struct kt_yaml_scalar scalar = {0};
    if (resolve_word(text, &scalar)) {
        *ret = scalar;
        return 0;
    }
    /* Nearly all texts cannot be numbers, and need no second copy. */
    bool may_be_number = kt_ascii_is_digit(text.data[0]) || strchr("+-.", text.data[0]);
    if (!may_be_number)
        return set_text(arena, text, ret, error);
    char *space = kt_arena_alloc(arena, text.length + 1);
    if (!space)
        return out_of_memory(error);
    struct integer integer = {0};
    if (!resolve_number(text, space, &scalar, &integer))
        return set_text(arena, text, ret, error);
    if (scalar.kind == KT_YAML_INT) {
        const char *sign = integer.negative && integer.magnitude > 0 ? "-" : "";
        const char *digits = kt_arena_printf(arena, "%s%" PRIu64, sign, integer.magnitude);
        if (!digits)
            return out_of_memory(error);
        scalar.text = kt_str(digits);
    }
    *ret = scalar;
    return 0;
}

static int decode_binary(struct kt_arena *arena, struct kt_str text, struct kt_yaml_scalar *ret, struct kt_error *error)
{
    struct kt_str bytes;
    int r = kt_base64_decode(arena, text, &bytes, error);
    if (r < 0)
        return kt_error_wrap(error, "the value of tag !!binary");
    if (!kt_utf8_valid(bytes))
        return kt_error_set(error, KT_EPARSE, "the value of tag !!binary is not a text, and JSON has only texts");
    *ret = (struct kt_yaml_scalar){.kind = KT_YAML_TEXT, .text = bytes};
    return 0;
}

/* yyyy-m-d, with or without a time: the library checks more, but the value stays a text in any case. */
static bool looks_like_date(struct kt_str text)
{
    if (text.length < 8 || text.data[4] != '-')
        return false;
    for (size_t i = 0; i < 6; i++)
        if (i != 4 && !kt_ascii_is_digit(text.data[i]))
            return false;
    return true;
}

#define CORE_PREFIX "tag:yaml.org,2002:"

int kt_yaml_scalar_resolve(struct kt_arena *arena, struct kt_str text, const char *tag, bool plain,
                           struct kt_yaml_scalar *ret, struct kt_error *error)
{
    static const struct {
        const char *tag;
        enum kt_yaml_scalar_kind kind;
    } checked[] = {{"bool", KT_YAML_BOOL}, {"int", KT_YAML_INT}, {"float", KT_YAML_FLOAT}, {"null", KT_YAML_NULL}};

    if (!tag)
        return plain ? resolve_untagged(arena, text, ret, error) : set_text(arena, text, ret, error);
    struct kt_str name = kt_str(tag);
    if (!kt_str_starts_with(name, KT_STR(CORE_PREFIX)))
        return set_text(arena, text, ret, error);
    const char *core = tag + strlen(CORE_PREFIX);
    if (kt_streq(core, "binary"))
        return decode_binary(arena, text, ret, error);
    if (kt_streq(core, "timestamp") && !looks_like_date(text))
        return kt_error_set(error, KT_EPARSE, "the value is not a date, as its tag !!timestamp says");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(checked); i++) {
        if (!kt_streq(core, checked[i].tag))
            continue;
        struct kt_yaml_scalar scalar;
        int r = resolve_untagged(arena, text, &scalar, error);
        if (r < 0)
            return r;
        if (checked[i].kind == KT_YAML_FLOAT && scalar.kind == KT_YAML_INT && !scalar.beyond_int64) {
            scalar.kind = KT_YAML_FLOAT;
            scalar.number = (double)strtoll(scalar.text.data, NULL, 10);
        }
        if (scalar.kind != checked[i].kind)
            return kt_error_set(error, KT_EPARSE, "the value is not what its tag !!%s says", core);
        *ret = scalar;
        return 0;
    }
    return set_text(arena, text, ret, error);
}
