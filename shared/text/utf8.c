/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json.h"

/* Which first bytes begin a sequence of how many bytes, and what the second byte may be: the narrowed ranges are what
 * keeps over-long forms, surrogates and values beyond U+10FFFF out (Unicode standard, table 3-7). */
static const struct {
    unsigned char first_low, first_high, second_low, second_high, length;
} sequences[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

size_t kt_utf8_step(struct kt_str text)
{
    if (text.length == 0)
        return 0;
    const unsigned char *bytes = (const unsigned char *)text.data;
    if (bytes[0] < 0x80)
        return 1;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(sequences); i++) {
        if (bytes[0] < sequences[i].first_low || bytes[0] > sequences[i].first_high)
            continue;
        size_t length = sequences[i].length;
        if (text.length < length || bytes[1] < sequences[i].second_low || bytes[1] > sequences[i].second_high)
            return 0;
        for (size_t k = 2; k < length; k++)
            if ((bytes[k] & 0xC0) != 0x80)
                return 0;
        return length;
    }
    return 0;
}

bool kt_utf8_valid(struct kt_str text)
{
    while (text.length > 0) {
        size_t length = kt_utf8_step(text);
        if (length == 0 || text.data[0] == '\0')
            return false;
        text.data += length;
        text.length -= length;
    }
    return true;
}

size_t kt_utf8_prefix(struct kt_str text, size_t runes)
{
    size_t at = 0;
    for (; runes > 0 && at < text.length; runes--) {
        size_t length = kt_utf8_step((struct kt_str){text.data + at, text.length - at});
        at += KT_MAX(length, (size_t)1);
    }
    return at;
}

size_t kt_utf8_count(struct kt_str text)
{
    size_t runes = 0;
    for (size_t at = 0; at < text.length; runes++) {
        size_t length = kt_utf8_step((struct kt_str){text.data + at, text.length - at});
        at += KT_MAX(length, (size_t)1);
    }
    return runes;
}
