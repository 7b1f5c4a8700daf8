/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/go_number.h"

#include <math.h>
#include <stdlib.h>

/* Longer numbers are not read: no label or strength needs more digits than a double can tell apart. */
enum { MOST_FLOAT_BYTES = 64 };

bool kt_go_atoi(struct kt_str text, int64_t *ret)
{
    size_t start = text.length > 0 && (text.data[0] == '+' || text.data[0] == '-') ? 1 : 0;
    if (start == text.length) {
        return false;
    }
    int64_t value = 0; /* negative while it grows: the negative range is the larger one */
    for (size_t i = start; i < text.length; i++) {
        if (!kt_ascii_is_digit(text.data[i]) || __builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_sub_overflow(value, (int64_t)(text.data[i] - '0'), &value)) {
            return false;
        }
    }
    if (text.data[0] != '-' && __builtin_sub_overflow((int64_t)0, value, &value)) {
        return false;
    }
    *ret = value;
    return true;
}

static bool is_hex_digit(char byte)
{
    char lower = kt_ascii_lower(byte);
    return kt_ascii_is_digit(byte) || (lower >= 'a' && lower <= 'f');
}

/* An underscore stands between two digits, or between a base prefix and a digit. text has no sign. */
static bool underscores_stand_well(struct kt_str text, bool hex)
{
    bool after_digit = hex;
    bool after_underscore = false;
    for (size_t i = hex ? 2 : 0; i < text.length; i++) {
        char byte = text.data[i];
        if (byte == '_') {
            if (!after_digit) {
                return false;
            }
            after_digit = false;
            after_underscore = true;
            continue;
        }
        bool digit = hex ? is_hex_digit(byte) : kt_ascii_is_digit(byte);
        if (after_underscore && !digit) {
            return false;
        }
        after_digit = digit;
        after_underscore = false;
    }
    return !after_underscore;
}

static size_t count_digits(struct kt_str text, size_t *at, bool hex)
{
    size_t digits = 0;
    for (; *at < text.length; (*at)++) {
        if (hex ? is_hex_digit(text.data[*at]) : kt_ascii_is_digit(text.data[*at])) {
            digits++;
        } else if (text.data[*at] != '_') {
            break;
        }
    }
    return digits;
}

/* Mantissa and exponent in Go's grammar; text has no sign. A hexadecimal number must have its p exponent. */
static bool has_float_syntax(struct kt_str text, bool hex)
{
    size_t at = hex ? 2 : 0;
    size_t digits = count_digits(text, &at, hex);
    if (at < text.length && text.data[at] == '.') {
        at++;
        digits += count_digits(text, &at, hex);
    }
    if (digits == 0) {
        return false;
    }
    if (at == text.length) {
        return !hex;
    }
    if (kt_ascii_lower(text.data[at]) != (hex ? 'p' : 'e')) {
        return false;
    }
    at++;
    if (at < text.length && (text.data[at] == '+' || text.data[at] == '-')) {
        at++;
    }
    return at < text.length && kt_ascii_is_digit(text.data[at]) && count_digits(text, &at, false) > 0 &&
           at == text.length;
}

enum kt_go_float kt_go_parse_float(struct kt_str text, double *ret)
{
    if (text.length == 0 || text.length >= MOST_FLOAT_BYTES) {
        return KT_GO_FLOAT_NONE;
    }
    if (kt_str_equal_nocase(text, KT_STR("nan"))) {
        return KT_GO_FLOAT_NAN;
    }
    bool negative = text.data[0] == '-';
    size_t sign = negative || text.data[0] == '+' ? 1 : 0;
    struct kt_str number = {text.data + sign, text.length - sign};
    if (kt_str_equal_nocase(number, KT_STR("inf")) || kt_str_equal_nocase(number, KT_STR("infinity"))) {
        *ret = negative ? -HUGE_VAL : HUGE_VAL;
        return KT_GO_FLOAT_ODD;
    }
    bool hex = number.length > 2 && number.data[0] == '0' && kt_ascii_lower(number.data[1]) == 'x';
    bool underscores = kt_str_find_char(number, '_') != SIZE_MAX;
    if (!has_float_syntax(number, hex) || (underscores && !underscores_stand_well(number, hex))) {
        return KT_GO_FLOAT_NONE;
    }
    char plain[MOST_FLOAT_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '_') {
            plain[length++] = text.data[i];
        }
    }
    plain[length] = '\0';
    *ret = strtod(plain, NULL);
    return hex || underscores ? KT_GO_FLOAT_ODD : KT_GO_FLOAT_DECIMAL;
}
