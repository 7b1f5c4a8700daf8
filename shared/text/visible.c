/* SPDX-License-Identifier: Apache-2.0 */
#include "text/visible.h"

static void escape_byte(struct kt_strbuf *buffer, unsigned char byte)
{
    switch (byte) {
    case '\n':
        kt_strbuf_puts(buffer, "\\n");
        return;
    case '\t':
        kt_strbuf_puts(buffer, "\\t");
        return;
    case '\r':
        kt_strbuf_puts(buffer, "\\r");
        return;
    default:
        break;
    }
    if (byte < 0x20)
        kt_strbuf_printf(buffer, "^%c", byte + '@');
    else if (byte == 0x7f)
        kt_strbuf_puts(buffer, "^?");
    else
        kt_strbuf_printf(buffer, "\\x%02x", byte);
}

bool kt_visible_steers(struct kt_str character)
{
    const unsigned char *c = (const unsigned char *)character.data;
    if (character.length == 2)
        return (c[0] == 0xC2 && c[1] < 0xA0) || (c[0] == 0xD8 && c[1] == 0x9C);
    if (character.length != 3 || c[0] != 0xE2)
        return false;
    if (c[1] == 0x80)
        return c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xA8 && c[2] <= 0xAE);
    return c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9;
}

void kt_visible_write(struct kt_strbuf *buffer, struct kt_str text, enum kt_visible how)
{
    while (text.length > 0) {
        size_t step = kt_utf8_step(text);
        unsigned char first = (unsigned char)text.data[0];
        bool control = step == 1 && (first < 0x20 || first == 0x7f);
        if (control && how == KT_VISIBLE_LINES && (first == '\n' || first == '\t'))
            control = false;
        if (step == 0 || control) {
            escape_byte(buffer, first);
            step = 1;
        } else if (kt_visible_steers((struct kt_str){text.data, step})) {
            for (size_t i = 0; i < step; i++)
                escape_byte(buffer, (unsigned char)text.data[i]);
        } else {
            kt_strbuf_add(buffer, text.data, step);
        }
        text = (struct kt_str){text.data + step, text.length - step};
    }
}

static void write_unicode_escape(struct kt_strbuf *buffer, struct kt_str character)
{
    const unsigned char *c = (const unsigned char *)character.data;
    unsigned rune = character.length == 2 ? (c[0] & 0x1Fu) << 6 | (c[1] & 0x3Fu)
                                          : (c[0] & 0xFu) << 12 | (c[1] & 0x3Fu) << 6 | (c[2] & 0x3Fu);
    kt_strbuf_printf(buffer, "\\u%04x", rune);
}

void kt_visible_write_json(struct kt_strbuf *buffer, struct kt_str json)
{
    size_t start = 0;
    for (size_t at = 0, step; at < json.length; at += step) {
        step = KT_MAX(kt_utf8_step((struct kt_str){json.data + at, json.length - at}), (size_t)1);
        struct kt_str character = {json.data + at, step};
        if (!kt_visible_steers(character))
            continue;
        kt_strbuf_add(buffer, json.data + start, at - start);
        write_unicode_escape(buffer, character);
        start = at + step;
    }
    kt_strbuf_add(buffer, json.data + start, json.length - start);
}
