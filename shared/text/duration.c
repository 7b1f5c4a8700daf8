/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as Go's time.ParseDuration reads them; declared in text/time.h. */
#include "text/time.h"

static const struct {
    struct kt_str name;
    uint64_t nanoseconds;
} units[] = {
    {{"ns", 2}, 1},
    {{"us", 2}, 1000},
    {{"\xC2\xB5s", 3}, 1000}, /* U+00B5 and U+03BC, which look the same */
    {{"\xCE\xBCs", 3}, 1000},
    {{"ms", 2}, 1000000},
    {{"s", 1}, 1000000000},
    {{"m", 1}, 60 * (uint64_t)1000000000},
    {{"h", 1}, 3600 * (uint64_t)1000000000},
};

static void skip_bytes(struct kt_str *text, size_t count)
{
    text->data += count;
    text->length -= count;
}

static bool take_digit(struct kt_str *text, uint64_t *ret)
{
    if (text->length == 0 || !kt_ascii_is_digit(text->data[0]))
        return false;
    *ret = (uint64_t)(text->data[0] - '0');
    skip_bytes(text, 1);
    return true;
}

/* The name runs up to the next digit or point. */
static bool take_unit(struct kt_str *text, uint64_t *ret_nanoseconds)
{
    size_t length = 0;
    while (length < text->length && text->data[length] != '.' && !kt_ascii_is_digit(text->data[length]))
        length++;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(units); i++) {
        if (kt_str_equal(units[i].name, (struct kt_str){text->data, length})) {
            *ret_nanoseconds = units[i].nanoseconds;
            skip_bytes(text, length);
            return true;
        }
    }
    return false;
}

/* Adds one "1.5h" to *sum, in nanoseconds. */
static bool take_part(struct kt_str *text, uint64_t *sum)
{
    uint64_t whole = 0, digit, unit;
    bool any = false;
    for (; take_digit(text, &digit); any = true)
        if (__builtin_mul_overflow(whole, (uint64_t)10, &whole) || __builtin_add_overflow(whole, digit, &whole))
            return false;
    struct kt_str fraction = {0};
    if (text->length > 0 && text->data[0] == '.') {
        skip_bytes(text, 1);
        fraction.data = text->data;
        for (; take_digit(text, &digit); any = true)
            fraction.length++;
    }
    if (!any || !take_unit(text, &unit) || __builtin_mul_overflow(whole, unit, &whole))
        return false;
    uint64_t below_unit = 0, worth = unit;
    for (size_t i = 0; i < fraction.length && worth > 0; i++) {
        worth /= 10;
        below_unit += (uint64_t)(fraction.data[i] - '0') * worth;
    }
    return !__builtin_add_overflow(*sum, whole, sum) && !__builtin_add_overflow(*sum, below_unit, sum);
}

static bool parse_duration(struct kt_str text, int64_t *ret_ms)
{
    bool negative = text.length > 0 && text.data[0] == '-';
    if (negative || (text.length > 0 && text.data[0] == '+'))
        skip_bytes(&text, 1);
    uint64_t sum = 0;
    if (text.length == 0)
        return false;
    if (!kt_str_equal(text, KT_STR("0")))
        while (text.length > 0)
            if (!take_part(&text, &sum))
                return false;
    if (sum > (uint64_t)INT64_MAX)
        return false; /* 292 years, Go's own bound */
    int64_t ms = (int64_t)(sum / 1000000);
    *ret_ms = negative ? -ms : ms;
    return true;
}

int kt_time_parse_duration(struct kt_str text, int64_t *ret_ms, struct kt_error *error)
{
    if (parse_duration(text, ret_ms))
        return 0;
    return kt_error_set(error, KT_EPARSE, "not a duration such as 30s, 5m or 1h15m");
}
