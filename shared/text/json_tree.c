/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json_tree.h"

#include <limits.h>
#include <stdlib.h>

static char *skip_space(char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

static unsigned hex4(const char *digits)
{
    unsigned value = 0;
    for (size_t i = 0; i < 4; i++) {
        unsigned char digit = (unsigned char)kt_ascii_lower(digits[i]);
        value = value * 16 + (kt_ascii_is_digit((char)digit) ? digit - (unsigned)'0' : digit - (unsigned)'a' + 10);
    }
    return value;
}

static char *write_utf8(char *out, unsigned rune)
{
    if (rune < 0x80) {
        *out++ = (char)rune;
        return out;
    }
    size_t rest = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    *out++ = (char)(first[rest] | (rune >> (6 * rest)));
    while (rest-- > 0)
        *out++ = (char)(0x80 | ((rune >> (6 * rest)) & 0x3F));
    return out;
}

/* at: behind "\u". The scan has seen to it that a high surrogate is followed by a low one. */
static char *unescape_unicode(char *at, char **out)
{
    unsigned unit = hex4(at);
    at += 4;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        unit = 0x10000 + ((unit - 0xD800) << 10) + (hex4(at + 2) - 0xDC00);
        at += 6;
    }
    *out = write_utf8(*out, unit);
    return at;
}

/* at: the backslash of the first escape. What is read is never shorter than what is written. */
static char *unescape_rest(char *at)
{
    static const char meant[256] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    char *out = at;
    while (*at != '"') {
        if (*at != '\\') {
            *out++ = *at++;
        } else if (at[1] == 'u') {
            at = unescape_unicode(at + 2, &out);
        } else {
            *out++ = meant[(unsigned char)at[1]];
            at += 2;
        }
    }
    *out = '\0';
    return at + 1;
}

/* at: the opening quote. Returns the byte after the closing one. */
static char *take_string(char *at, char **ret)
{
    *ret = ++at;
    while (kt_json_plain_word(at))
        at += sizeof(uint64_t);
    while (*at != '"' && *at != '\\')
        at++;
    if (*at == '\\')
        return unescape_rest(at);
    *at = '\0';
    return at + 1;
}

/* Of a whole number of few digits: strtod, which takes any, costs ten times as much. */
static double short_number(struct kt_str text)
{
    int64_t value = 0;
    bool negative = text.data[0] == '-';
    for (size_t i = negative; i < text.length; i++)
        value = value * 10 + (text.data[i] - '0');
    return negative ? -(double)value : (double)value; /* -0 is a number, too */
}

void kt_json_tree_number(cJSON *node, const char *text)
{
    struct kt_str number = {text, kt_json_scan_number(text)};
    node->type = cJSON_Number;
    node->valuedouble = kt_json_scan_is_short(number) ? short_number(number) : strtod(text, NULL);
    double value = node->valuedouble;
    node->valueint = value >= INT_MAX ? INT_MAX : value <= (double)INT_MIN ? INT_MIN : (int)value;
}

/* One scalar, or the opening bracket of a container. */
static char *take_value(char *at, cJSON *node)
{
    switch (*at) {
    case '{':
        node->type = cJSON_Object;
        return at + 1;
    case '[':
        node->type = cJSON_Array;
        return at + 1;
    case '"':
        node->type = cJSON_String;
        return take_string(at, &node->valuestring);
    case 't':
        node->type = cJSON_True;
        node->valueint = 1;
        return at + 4;
    case 'f':
        node->type = cJSON_False;
        return at + 5;
    case 'n':
        node->type = cJSON_NULL;
        return at + 4;
    default:
        kt_json_tree_number(node, at);
        return at + kt_json_scan_number(at);
    }
}

/* Makes node the last child; in an object the key comes first. Returns the first byte of its value. */
static char *add_child(cJSON *parent, cJSON *node, char *at)
{
    cJSON *first = parent->child;
    if (first) {
        node->prev = first->prev;
        first->prev->next = node;
        first->prev = node;
    } else {
        parent->child = node->prev = node;
    }
    if (parent->type != cJSON_Object)
        return at;
    at = take_string(at, &node->string);
    return skip_space(skip_space(at) + 1);
}

cJSON *kt_json_tree(struct kt_arena *arena, char *text, const struct kt_json_scan *scan)
{
    cJSON *root = kt_arena_calloc(arena, scan->nodes, sizeof(*root));
    cJSON *open[KT_LIMIT_JSON_DEPTH];
    size_t depth = 0;
    char *at = skip_space(text);
    for (cJSON *node = root; node; node++) {
        at = depth > 0 ? add_child(open[depth - 1], node, at) : at;
        at = skip_space(take_value(at, node));
        if (node->type == cJSON_Object || node->type == cJSON_Array)
            open[depth++] = node;
        else if (depth > 0 && *at == ',')
            at++; /* the usual case, before the loop below */
        while (depth > 0 && (*at == '}' || *at == ']')) {
            depth--;
            at = skip_space(at + 1);
            at += depth > 0 && *at == ',';
        }
        if (depth == 0)
            break;
        at = skip_space(at);
    }
    return root;
}
