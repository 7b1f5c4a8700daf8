/* SPDX-License-Identifier: Apache-2.0 */
/* The strict check that runs before cJSON sees a text. Private to text/json*.c. */
#ifndef KT_TEXT_JSON_SCAN_H
#define KT_TEXT_JSON_SCAN_H

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"

/* What a byte means inside a string; everything but PLAIN needs a second look, when reading and when writing. */
enum kt_json_string_byte {
    KT_JSON_PLAIN = 0,
    KT_JSON_QUOTE,
    KT_JSON_BACKSLASH,
    KT_JSON_CONTROL, /* below 0x20 */
    KT_JSON_HIGH,    /* part of a character beyond ASCII */
};

extern const unsigned char kt_json_string_bytes[256];

/* True when all 8 bytes from at are PLAIN. A byte below 0x20, or equal to a quote or backslash, makes a subtraction
 * borrow into its top bit; a byte beyond ASCII has that bit itself. A borrow can only spread from a byte that is found
 * anyway. */
static inline bool kt_json_plain_word(const char *at)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    uint64_t found = (word - ones * 0x20) | ((word ^ (ones * '"')) - ones) | ((word ^ (ones * '\\')) - ones) | word;
    return (found & (ones * 0x80)) == 0;
}

/* NULs that must follow a text: a word may be read from its last byte on. */
#define KT_JSON_SCAN_PADDING 8

struct kt_json_scan {
    size_t nodes;
    size_t largest_object;    /* most members of one object */
    uint32_t *number_offsets; /* where each number starts, in the order of the text */
    size_t numbers;
    size_t work; /* steps (base/arena.h) that making the tree of it takes, the scan included */
};

/* Checks text[0..length), which KT_JSON_SCAN_PADDING NULs must follow, in one pass without recursion. Escaped
 * surrogates without partner are overwritten by \ufffd, because cJSON refuses them and Go reads them so. KT_EPARSE,
 * KT_ELIMIT, KT_ENOMEM.
 */
int kt_json_scan(struct kt_arena *arena, char *text, size_t length, size_t limit_nodes, struct kt_json_scan *ret,
                 struct kt_error *error) KT_NODISCARD;

/* Where the nth (from 0) key of a text that passed the scan starts. */
size_t kt_json_scan_key_offset(struct kt_str text, size_t nth);

/* Sets KT_ELIMIT. The arena has no steps of work left for this text, whose part in the arena's words is KT_JSON_PART.
 */
int kt_json_scan_out_of_work(struct kt_error *error);
#define KT_JSON_PART "the JSON text"

/* Sets KT_EPARSE: "JSON text, line 3, column 7: " and the message. */
int kt_json_scan_fail(struct kt_error *error, struct kt_str text, size_t offset, const char *format, ...)
    KT_PRINTF(4, 5);

/* Length of the number at the start of text by JSON's grammar, or 0. text must end with a byte that is not part of a
 * number, such as NUL. */
size_t kt_json_scan_number(const char *text);
/* True for a number by that grammar which has few digits, all of them before the point: a double holds it exactly. */
bool kt_json_scan_is_short(struct kt_str number);

#endif
