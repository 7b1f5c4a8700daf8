/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "text/json.h"
#include "text/json_number.h"
#include "text/json_scan.h"

#define INDENT_SPACES 4

/* Escape letters of the controls that have one. */
static const char short_escapes[0x20] = {
    ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
};

static void write_ascii_escape(struct kt_strbuf *buffer, unsigned char byte)
{
    char escape[8] = {'\\', (char)byte};
    if (byte >= 0x20)
        kt_strbuf_add(buffer, escape, 2);
    else if (short_escapes[byte]) {
        escape[1] = short_escapes[byte];
        kt_strbuf_add(buffer, escape, 2);
    } else {
        snprintf(escape, sizeof(escape), "\\u%04x", byte);
        kt_strbuf_add(buffer, escape, 6);
    }
}

/* Bytes from at on that can be written as they are, without looking at what is beyond ASCII. */
static size_t plain_bytes(struct kt_str text, size_t at)
{
    size_t start = at;
    while (text.length - at >= sizeof(uint64_t) && kt_json_plain_word(text.data + at))
        at += sizeof(uint64_t);
    while (at < text.length && kt_json_string_bytes[(unsigned char)text.data[at]] == KT_JSON_PLAIN)
        at++;
    return at - start;
}

/* The rest of a string from its first byte that is not plain, without the quotes. */
static void write_string_rest(struct kt_strbuf *buffer, struct kt_str text, size_t at)
{
    while (at < text.length) {
        unsigned char byte = (unsigned char)text.data[at];
        size_t valid = byte < 0x80 ? 0 : kt_utf8_step((struct kt_str){text.data + at, text.length - at});
        if (valid > 0)
            kt_strbuf_add(buffer, text.data + at, valid);
        else if (byte < 0x80)
            write_ascii_escape(buffer, byte);
        else
            kt_strbuf_puts(buffer, "\xEF\xBF\xBD");
        at += KT_MAX(valid, (size_t)1);
        size_t plain = plain_bytes(text, at);
        kt_strbuf_add(buffer, text.data + at, plain);
        at += plain;
    }
}

void kt_json_write_string(struct kt_strbuf *buffer, struct kt_str text)
{
    size_t plain = plain_bytes(text, 0);
    if (!kt_strbuf_reserve(buffer, plain + 2))
        return;
    /* Nearly all keys and values are plain as a whole: one reservation, one copy. */
    char *out = buffer->data + buffer->length;
    *out++ = '"';
    if (plain > 0)
        memcpy(out, text.data, plain);
    out += plain;
    if (plain == text.length)
        *out++ = '"';
    *out = '\0';
    buffer->length = (size_t)(out - buffer->data);
    if (plain < text.length) {
        write_string_rest(buffer, text, plain);
        kt_strbuf_putc(buffer, '"');
    }
}

static void write_line_start(struct kt_strbuf *buffer, enum kt_json_style style, unsigned depth)
{
    static const char spaces[64] = "                                                               ";
    if (style != KT_JSON_PRETTY)
        return;
    kt_strbuf_putc(buffer, '\n');
    for (size_t left = (size_t)depth * INDENT_SPACES; left > 0;) {
        size_t part = KT_MIN(left, sizeof(spaces) - 1);
        kt_strbuf_add(buffer, spaces, part);
        left -= part;
    }
}

static void write_node(struct kt_strbuf *buffer, const cJSON *node, enum kt_json_style style, unsigned depth);

static void write_container(struct kt_strbuf *buffer, const cJSON *node, enum kt_json_style style, unsigned depth)
{
    bool object = kt_json_is_object(node);
    if (depth > KT_LIMIT_TREE_DEPTH) {
        buffer->failed = true;
        return;
    }
    kt_strbuf_putc(buffer, object ? '{' : '[');
    for (const cJSON *child = node->child; child && !buffer->failed; child = child->next) {
        if (child != node->child)
            kt_strbuf_putc(buffer, ',');
        write_line_start(buffer, style, depth + 1);
        if (object) {
            kt_json_write_string(buffer, kt_str(child->string));
            kt_strbuf_puts(buffer, style == KT_JSON_PRETTY ? ": " : ":");
        }
        write_node(buffer, child, style, depth + 1);
    }
    if (node->child)
        write_line_start(buffer, style, depth);
    kt_strbuf_putc(buffer, object ? '}' : ']');
}

static void write_node(struct kt_strbuf *buffer, const cJSON *node, enum kt_json_style style, unsigned depth)
{
    char number[KT_JSON_NUMBER_TEXT_BYTES];
    switch (node->type & 0xFF) {
    case cJSON_Object:
    case cJSON_Array:
        write_container(buffer, node, style, depth);
        break;
    case cJSON_String:
        kt_json_write_string(buffer, kt_str(node->valuestring));
        break;
    case cJSON_Number:
        kt_strbuf_puts(buffer, kt_json_number_text(node, number));
        break;
    case cJSON_True:
        kt_strbuf_puts(buffer, "true");
        break;
    case cJSON_False:
        kt_strbuf_puts(buffer, "false");
        break;
    default:
        kt_strbuf_puts(buffer, "null");
        break;
    }
}

void kt_json_write(struct kt_strbuf *buffer, const cJSON *node, enum kt_json_style style)
{
    if (node)
        write_node(buffer, node, style, 0);
}
