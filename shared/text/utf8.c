/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json.h"

/* How many bytes a first byte announces (0: it announces none) and what the second byte may then be: the narrowed
 * ranges keep over-long forms, surrogates and values beyond U+10FFFF out (Unicode standard, table 3-7). */
struct sequence {
    size_t length;
    unsigned char second_low, second_high;
};

static struct sequence sequence_of(unsigned char first)
{
    if (first >= 0xC2 && first <= 0xDF)
        return (struct sequence){2, 0x80, 0xBF};
    if (first >= 0xE0 && first <= 0xEF)
        return (struct sequence){3, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF};
    if (first >= 0xF0 && first <= 0xF4)
        return (struct sequence){4, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF};
    return (struct sequence){0};
}

/* text begins with a byte beyond ASCII. */
static inline size_t high_step(struct kt_str text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    const struct sequence sequence = sequence_of(bytes[0]);
    if (sequence.length == 0 || text.length < sequence.length || bytes[1] < sequence.second_low ||
        bytes[1] > sequence.second_high)
        return 0;
    for (size_t k = 2; k < sequence.length; k++)
        if ((bytes[k] & 0xC0) != 0x80)
            return 0;
    return sequence.length;
}

static inline size_t step(struct kt_str text)
{
    return text.length == 0 ? 0 : (unsigned char)text.data[0] < 0x80 ? 1 : high_step(text);
}

size_t kt_utf8_step(struct kt_str text)
{
    return step(text);
}

size_t kt_utf8_high_length(struct kt_str text, size_t *ret_runes)
{
    size_t at = 0, runes = 0;
    while (at < text.length && (unsigned char)text.data[at] >= 0x80) {
        size_t length = high_step((struct kt_str){text.data + at, text.length - at});
        if (length == 0)
            break;
        at += length;
        runes++;
    }
    *ret_runes = runes;
    return at;
}

bool kt_utf8_valid(struct kt_str text)
{
    while (text.length > 0) {
        size_t length = step(text);
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
        size_t length = step((struct kt_str){text.data + at, text.length - at});
        at += KT_MAX(length, (size_t)1);
    }
    return at;
}

size_t kt_utf8_count(struct kt_str text)
{
    size_t runes = 0;
    for (size_t at = 0; at < text.length; runes++) {
        size_t length = step((struct kt_str){text.data + at, text.length - at});
        at += KT_MAX(length, (size_t)1);
    }
    return runes;
}
