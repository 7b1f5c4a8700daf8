/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars as values and as keys of JSON, as sigs.k8s.io/yaml v1.6.0 (convertToJSONableObject) and encoding/json do it.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/yaml_scalar.h"

#define NUMBER_TEXT_BYTES 48

static int out_of_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory to read the YAML text");
}

/* The fewest digits that read back as the same double or, for keys, the same float. */
struct shortest {
    char digits[24]; /* without point */
    int count;
    int exponent; /* of the first digit */
    bool negative;
};

static struct shortest shortest_digits(double value, bool as_float)
{
    struct shortest shortest = {.negative = signbit(value)};
    char text[NUMBER_TEXT_BYTES];
    /* What fewer digits can say these can say as well, with zeros behind it. */
    for (int precision = as_float ? FLT_DIG - 1 : DBL_DIG - 1; precision < 17; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, fabs(value));
        if (as_float ? strtof(text, NULL) == (float)fabs(value) : strtod(text, NULL) == fabs(value))
            break;
    }
    char *at = text;
    for (; *at && *at != 'e'; at++)
        if (kt_ascii_is_digit(*at))
            shortest.digits[shortest.count++] = *at;
    while (shortest.count > 1 && shortest.digits[shortest.count - 1] == '0')
        shortest.count--;
    shortest.exponent = *at ? (int)strtol(at + 1, NULL, 10) : 0;
    return shortest;
}

/* 1.5e+10; exponent_width: least digits of the exponent */
static void write_scientific(struct kt_strbuf *out, const struct shortest *number, int exponent_width)
{
    kt_strbuf_putc(out, number->digits[0]);
    if (number->count > 1) {
        kt_strbuf_putc(out, '.');
        kt_strbuf_add(out, number->digits + 1, (size_t)number->count - 1);
    }
    kt_strbuf_printf(out, "e%c%0*d", number->exponent < 0 ? '-' : '+', exponent_width, abs(number->exponent));
}

static void write_positional(struct kt_strbuf *out, const struct shortest *number)
{
    int position = number->exponent;
    if (position < 0)
        kt_strbuf_puts(out, "0.");
    for (int zeros = -position - 1; zeros > 0; zeros--)
        kt_strbuf_putc(out, '0');
    for (int i = 0; i < number->count; i++) {
        if (position >= 0 && i == position + 1)
            kt_strbuf_putc(out, '.');
        kt_strbuf_putc(out, number->digits[i]);
    }
    for (int i = number->count; i <= position; i++)
        kt_strbuf_putc(out, '0');
}

/* As Go's encoding/json writes values, or as strconv.FormatFloat(value, 'g', -1, 32) writes keys. */
static struct kt_str float_text(struct kt_arena *arena, double value, bool as_key)
{
    struct kt_strbuf out;
    kt_strbuf_init(&out, arena, 64);
    double shown = as_key ? (double)(float)value : value;
    if (!isfinite(shown)) {
        const char *name = isnan(shown) ? ".nan" : shown < 0 ? "-.inf" : ".inf";
        return kt_arena_str(arena, kt_str(name));
    }
    struct shortest number = shortest_digits(shown, as_key);
    if (number.negative)
        kt_strbuf_putc(&out, '-');
    bool scientific = as_key ? number.exponent < -4 || number.exponent >= 6
                             : shown != 0 && (fabs(shown) < 1e-6 || fabs(shown) >= 1e21);
    if (scientific)
        write_scientific(&out, &number, as_key ? 2 : 1);
    else
        write_positional(&out, &number);
    return out.failed ? (struct kt_str){0} : kt_strbuf_view(&out);
}

static cJSON *new_node(struct kt_arena *arena, const struct kt_yaml_scalar *scalar)
{
    switch (scalar->kind) {
    case KT_YAML_NULL:
        return kt_json_new_null(arena);
    case KT_YAML_BOOL:
        return kt_json_new_bool(arena, scalar->truth);
    case KT_YAML_INT:
        return kt_json_new_number_text(arena, scalar->text);
    case KT_YAML_FLOAT: {
        struct kt_str text = float_text(arena, scalar->number, false);
        cJSON *node = text.data ? kt_json_new_number_text(arena, text) : NULL;
        if (node)
            node->type |= KT_JSON_MARK_FLOAT;
        return node;
    }
    case KT_YAML_TEXT:
        return kt_json_new_string_n(arena, scalar->text);
    }
    return NULL;
}

int kt_yaml_scalar_node(struct kt_arena *arena, const struct kt_yaml_scalar *scalar, cJSON **ret,
                        struct kt_error *error)
{
    if (scalar->kind == KT_YAML_FLOAT && !isfinite(scalar->number))
        return kt_error_set(error, KT_EPARSE,
                            "infinity and not-a-number are not values of JSON: put a text like that in quotes");
    if (scalar->kind == KT_YAML_TEXT && kt_str_find_char(scalar->text, '\0') != SIZE_MAX)
        return kt_error_set(error, KT_EPARSE, "a text with the character U+0000 is not supported");
    cJSON *node = new_node(arena, scalar);
    if (!node)
        return out_of_memory(error);
    *ret = node;
    return 0;
}

int kt_yaml_scalar_key(struct kt_arena *arena, const struct kt_yaml_scalar *scalar, const char **ret,
                       struct kt_error *error)
{
    if (scalar->kind == KT_YAML_NULL)
        return kt_error_set(error, KT_EPARSE, "a key is missing or null: put it in quotes if it is meant as a name");
    if (scalar->kind == KT_YAML_INT && scalar->beyond_int64)
        return kt_error_set(error, KT_EPARSE, "the key %s is too large a number: put it in quotes", scalar->text.data);
    if (scalar->kind == KT_YAML_TEXT && kt_str_find_char(scalar->text, '\0') != SIZE_MAX)
        return kt_error_set(error, KT_EPARSE, "a key with the character U+0000 is not supported");
    struct kt_str text = scalar->text;
    if (scalar->kind == KT_YAML_BOOL)
        text = scalar->truth ? KT_STR("true") : KT_STR("false");
    if (scalar->kind == KT_YAML_FLOAT)
        text = float_text(arena, scalar->number, true);
    if (!text.data)
        return out_of_memory(error);
    *ret = text.data;
    return 0;
}
