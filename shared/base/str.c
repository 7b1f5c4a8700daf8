/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

bool kt_str_equal_nocase(struct kt_str a, struct kt_str b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (kt_ascii_lower(a.data[i]) != kt_ascii_lower(b.data[i]))
            return false;
    return true;
}

bool kt_streq_nocase(const char *a, const char *b)
{
    return kt_str_equal_nocase(kt_str(a), kt_str(b));
}

bool kt_str_starts_with(struct kt_str text, struct kt_str prefix)
{
    return text.length >= prefix.length && (prefix.length == 0 || memcmp(text.data, prefix.data, prefix.length) == 0);
}

bool kt_str_ends_with(struct kt_str text, struct kt_str suffix)
{
    return text.length >= suffix.length &&
           (suffix.length == 0 || memcmp(text.data + text.length - suffix.length, suffix.data, suffix.length) == 0);
}

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct kt_str kt_str_trim(struct kt_str text)
{
    while (text.length > 0 && is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

size_t kt_str_find_char(struct kt_str text, char byte)
{
    const char *found = text.length > 0 ? memchr(text.data, byte, text.length) : NULL;
    return found ? (size_t)(found - text.data) : SIZE_MAX;
}

size_t kt_str_plain_length(struct kt_str text)
{
    size_t length = 0;
    /* Eight bytes at a time while none is below a space or above '~'. A borrow between bytes can only make this stop
     * too early, and then the loop below goes on byte by byte. */
    for (; length + sizeof(uint64_t) <= text.length; length += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text.data + length, sizeof(word));
        if (((word - UINT64_C(0x2020202020202020)) | (word + UINT64_C(0x0101010101010101)) | word) &
            UINT64_C(0x8080808080808080))
            break;
    }
    while (length < text.length && text.data[length] >= ' ' && text.data[length] <= '~')
        length++;
    return length;
}
