/* SPDX-License-Identifier: Apache-2.0 */
#include "text/quantity.h"

#include <inttypes.h>
#include <string.h>

/* A longer text is refused: real ones have some ten characters, and the arithmetic below is exact for what fits. */
#define TEXT_BYTES 64
/* Digits that multiplying by 2^60 may put in front. */
#define SPARE_DIGITS 20
/* No value with its first digit this far from the point fits in 64 bits. */
#define EXPONENT_CLAMP 1000

/* A positive number, one decimal digit a byte; the point stands in front of digits[point]. */
struct digits {
    unsigned char digits[SPARE_DIGITS + TEXT_BYTES];
    int count;
    int point;
};

static const struct {
    const char *name;
    int decimal_exponent;
    int times_1024;
} suffixes[] = {
    {"", 0, 0},   {"n", -9, 0}, {"u", -6, 0}, {"m", -3, 0}, {"k", 3, 0},  {"M", 6, 0},  {"G", 9, 0},  {"T", 12, 0},
    {"P", 15, 0}, {"E", 18, 0}, {"Ki", 0, 1}, {"Mi", 0, 2}, {"Gi", 0, 3}, {"Ti", 0, 4}, {"Pi", 0, 5}, {"Ei", 0, 6},
};

/* "e3", "E-6": false when text is no exponent. */
static bool read_exponent(struct kt_str text, int *ret)
{
    if (text.length < 2 || kt_ascii_lower(text.data[0]) != 'e')
        return false;
    size_t at = 1;
    bool negative = text.data[at] == '-';
    at += text.data[at] == '-' || text.data[at] == '+';
    if (at == text.length)
        return false;
    int value = 0;
    for (; at < text.length; at++) {
        if (!kt_ascii_is_digit(text.data[at]))
            return false;
        value = KT_MIN(value * 10 + (text.data[at] - '0'), EXPONENT_CLAMP);
    }
    *ret = negative ? -value : value;
    return true;
}

/* Takes digits with at most one point off the front. */
static bool take_digits(struct kt_str *text, struct digits *ret)
{
    bool point_seen = false;
    ret->count = ret->point = SPARE_DIGITS;
    for (; text->length > 0; text->data++, text->length--) {
        char byte = text->data[0];
        if (byte == '.' && !point_seen) {
            point_seen = true;
            continue;
        }
        if (!kt_ascii_is_digit(byte))
            break;
        ret->digits[ret->count++] = (unsigned char)(byte - '0');
        ret->point += !point_seen;
    }
    return ret->count > SPARE_DIGITS;
}

static void multiply_by_1024(struct digits *number)
{
    unsigned carry = 0;
    for (int i = number->count - 1; i >= 0; i--) {
        unsigned value = number->digits[i] * 1024U + carry;
        number->digits[i] = (unsigned char)(value % 10);
        carry = value / 10;
    }
}

/* The whole number at or above; false when it does not fit. */
static bool round_up(const struct digits *number, uint64_t most, uint64_t *ret)
{
    uint64_t value = 0;
    bool rest = false;
    for (int i = 0; i < number->count || i < number->point; i++) {
        unsigned digit = i < number->count ? number->digits[i] : 0;
        if (i >= number->point) {
            rest = rest || digit > 0;
            continue;
        }
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (__builtin_add_overflow(value, (uint64_t)rest, &value) || value > most)
        return false;
    *ret = value;
    return true;
}

static bool apply_suffix(struct digits *number, struct kt_str suffix)
{
    int exponent;
    if (read_exponent(suffix, &exponent)) {
        number->point += exponent;
        return true;
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(suffixes); i++) {
        if (!kt_str_equal(suffix, kt_str(suffixes[i].name)))
            continue;
        number->point += suffixes[i].decimal_exponent;
        for (int k = 0; k < suffixes[i].times_1024; k++)
            multiply_by_1024(number);
        return true;
    }
    return false;
}

int kt_quantity_parse(struct kt_str text, int64_t *ret, struct kt_error *error)
{
    struct kt_str rest = text;
    bool negative = rest.length > 0 && rest.data[0] == '-';
    if (negative || (rest.length > 0 && rest.data[0] == '+')) {
        rest.data++;
        rest.length--;
    }
    struct digits number = {0};
    if (text.length > TEXT_BYTES || !take_digits(&rest, &number) || !apply_suffix(&number, rest))
        return kt_error_set(error, KT_EPARSE, "not a quantity such as 80Gi, 1500m or 1e3");
    uint64_t value;
    if (!round_up(&number, negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX, &value))
        return kt_error_set(error, KT_ELIMIT, "the quantity does not fit in 64 bits");
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

void kt_quantity_write_bytes(struct kt_strbuf *buffer, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    while (unit + 1 < KT_ARRAY_LENGTH(units) && bytes >> (10 * (unit + 1)) > 0)
        unit++;
    uint64_t whole, hundredths;
    for (;; unit++) {
        uint64_t size = (uint64_t)1 << (10 * unit);
        uint64_t rest = bytes % size;
        whole = bytes / size;
        if (unit >= 6) { /* rest * 100 would not fit in 64 bits; its last bits do not matter */
            rest >>= 10;
            size >>= 10;
        }
        hundredths = (rest * 100 + size / 2) / size;
        whole += hundredths / 100;
        hundredths %= 100;
        /* 1023.999 of a unit is 1 of the next. */
        if (whole < 1024 || unit + 1 == KT_ARRAY_LENGTH(units))
            break;
    }
    kt_strbuf_printf(buffer, "%" PRIu64, whole);
    if (hundredths % 10 > 0)
        kt_strbuf_printf(buffer, ".%02" PRIu64, hundredths);
    else if (hundredths > 0)
        kt_strbuf_printf(buffer, ".%" PRIu64, hundredths / 10);
    kt_strbuf_printf(buffer, " %s", units[unit]);
}
