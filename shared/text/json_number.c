/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json_number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A number as sign * 0.d1 d2 d3... * 10^exponent with d1 and the last digit not 0; digits may hold one '.'. */
struct decimal {
    bool negative;
    const char *digits;
    size_t digit_count; /* 0: the value is zero */
    int64_t exponent;
};

/* Exponents are clamped here: far beyond what a double can hold, far below where adding digits could overflow. */
#define EXPONENT_CLAMP ((int64_t)1000000000)

static int64_t read_exponent(const char *text)
{
    bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    int64_t value = 0;
    for (; kt_ascii_is_digit(*text); text++)
        if (value < EXPONENT_CLAMP)
            value = value * 10 + (*text - '0');
    return negative ? -value : value;
}

/* text follows JSON's grammar. */
static struct decimal read_decimal(const char *text)
{
    struct decimal decimal = {.negative = *text == '-'};
    const char *at = text + (decimal.negative ? 1 : 0);
    bool after_point = false;
    size_t zeros_after_last = 0;
    for (; *at == '.' || kt_ascii_is_digit(*at); at++) {
        if (*at == '.') {
            after_point = true;
            continue;
        }
        if (decimal.digit_count == 0 && *at == '0') {
            decimal.exponent -= after_point;
            continue;
        }
        if (decimal.digit_count == 0)
            decimal.digits = at;
        decimal.digit_count++;
        zeros_after_last = *at == '0' ? zeros_after_last + 1 : 0;
        decimal.exponent += !after_point;
    }
    decimal.digit_count -= zeros_after_last;
    if (decimal.digit_count == 0)
        return (struct decimal){0};
    if (*at == 'e' || *at == 'E')
        decimal.exponent += read_exponent(at + 1);
    return decimal;
}

static char next_digit(const char **digits)
{
    if (**digits == '.')
        (*digits)++;
    return *(*digits)++;
}

bool kt_json_number_to_int64(const char *text, int64_t *ret)
{
    struct decimal decimal = read_decimal(text);
    /* 19 digits are the most that an int64_t has. */
    if (decimal.exponent > 19 || decimal.exponent < (int64_t)decimal.digit_count)
        return false;
    uint64_t value = 0;
    for (int64_t i = 0; i < decimal.exponent; i++) {
        unsigned digit = (uint64_t)i < decimal.digit_count ? (unsigned)(next_digit(&decimal.digits) - '0') : 0;
        value = value * 10 + digit; /* 19 digits fit in 64 bits */
    }
    uint64_t most = decimal.negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    if (value > most)
        return false;
    *ret = decimal.negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool kt_json_number_equal(const char *a, const char *b)
{
    struct decimal left = read_decimal(a), right = read_decimal(b);
    if (left.negative != right.negative || left.digit_count != right.digit_count || left.exponent != right.exponent)
        return false;
    for (size_t i = 0; i < left.digit_count; i++)
        if (next_digit(&left.digits) != next_digit(&right.digits))
            return false;
    return true;
}

void kt_json_number_write_double(char buffer[KT_JSON_NUMBER_TEXT_BYTES], double value)
{
    /* 17 digits always suffice for a double; most need fewer. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, KT_JSON_NUMBER_TEXT_BYTES, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value)
            break;
    }
    /* A locale may have another decimal point; JSON has only one. */
    for (char *at = buffer; *at; at++)
        if (!kt_ascii_is_alnum(*at) && *at != '-' && *at != '+')
            *at = '.';
}

const char *kt_json_number_text(const cJSON *node, char buffer[KT_JSON_NUMBER_TEXT_BYTES])
{
    if (node->valuestring)
        return node->valuestring;
    if (isfinite(node->valuedouble))
        kt_json_number_write_double(buffer, node->valuedouble);
    else
        snprintf(buffer, KT_JSON_NUMBER_TEXT_BYTES, "0");
    return buffer;
}
