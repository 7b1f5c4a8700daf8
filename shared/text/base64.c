/* SPDX-License-Identifier: Apache-2.0 */
#include "text/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void kt_base64_encode(struct kt_strbuf *buffer, struct kt_str data)
{
    const unsigned char *bytes = (const unsigned char *)data.data;
    if (data.length > SIZE_MAX / 2) {
        buffer->failed = true;
        return;
    }
    if (!kt_strbuf_reserve(buffer, (data.length + 2) / 3 * 4))
        return;
    for (size_t i = 0; i < data.length; i += 3) {
        size_t left = data.length - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        const char quad[4] = {
            alphabet[group >> 18],
            alphabet[(group >> 12) & 63],
            left > 1 ? alphabet[(group >> 6) & 63] : '=',
            left > 2 ? alphabet[group & 63] : '=',
        };
        kt_strbuf_add(buffer, quad, sizeof(quad));
    }
}

/* Value of a character, or -1. */
static int sextet(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

int kt_base64_decode(struct kt_arena *arena, struct kt_str text, struct kt_str *ret, struct kt_error *error)
{
    char *out = kt_arena_alloc(arena, text.length / 4 * 3 + 4);
    if (!out)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to decode base64");
    size_t length = 0, in_group = 0, padding = 0;
    uint32_t group = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (is_space(text.data[i]))
            continue;
        int value = sextet(text.data[i]);
        bool pads = text.data[i] == '=' && in_group >= 2;
        if ((value < 0 && !pads) || (value >= 0 && padding > 0))
            return kt_error_set(error, KT_EPARSE, "invalid base64 at byte %zu", i + 1);
        padding += pads;
        group = group << 6 | (pads ? 0 : (uint32_t)value);
        if (++in_group < 4)
            continue;
        out[length++] = (char)(group >> 16);
        out[length++] = (char)(group >> 8 & 0xFF);
        out[length++] = (char)(group & 0xFF);
        length -= padding;
        group = 0;
        in_group = 0;
    }
    if (in_group != 0)
        return kt_error_set(error, KT_EPARSE, "invalid base64: it ends in the middle of a group of four characters");
    out[length] = '\0';
    *ret = (struct kt_str){out, length};
    return 0;
}
