/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A string with its length: all text from outside is held like this. It does not own its bytes and need not be
 * NUL-terminated.
 */
#ifndef KT_BASE_STR_H
#define KT_BASE_STR_H

#include <string.h>

#include "base/base.h"

struct kt_str {
    const char *data; /* may be NULL when length is 0 */
    size_t length;    /* bytes */
};

/* Of a string literal. */
#define KT_STR(literal) ((struct kt_str){"" literal, sizeof(literal) - 1})

/* Of a C string; NULL gives the empty string. */
static inline struct kt_str kt_str(const char *text)
{
    return (struct kt_str){text, text ? strlen(text) : 0};
}

static inline bool kt_str_equal(struct kt_str a, struct kt_str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool kt_streq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ASCII case only: names of models, SKUs and methods are ASCII. */
bool kt_str_equal_nocase(struct kt_str a, struct kt_str b);
bool kt_streq_nocase(const char *a, const char *b);
bool kt_str_starts_with(struct kt_str text, struct kt_str prefix);
bool kt_str_ends_with(struct kt_str text, struct kt_str suffix);
/* Without leading and trailing ASCII white space. */
struct kt_str kt_str_trim(struct kt_str text);
/* Index of the first byte, or SIZE_MAX. */
size_t kt_str_find_char(struct kt_str text, char byte);

/* Bytes at the start that are printable ASCII, space included: what needs no escaping and is one character each. */
size_t kt_str_plain_length(struct kt_str text);

static inline char kt_ascii_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

static inline bool kt_ascii_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool kt_ascii_is_alnum(char byte)
{
    char lower = kt_ascii_lower(byte);
    return kt_ascii_is_digit(byte) || (lower >= 'a' && lower <= 'z');
}

#endif
