/* SPDX-License-Identifier: Apache-2.0 */
/* Exact values of JSON numbers. Private to text/json*.c and yaml*.c. */
#ifndef KT_TEXT_JSON_NUMBER_H
#define KT_TEXT_JSON_NUMBER_H

#include "text/json.h"

/* Enough for any number that our own code writes. */
#define KT_JSON_NUMBER_TEXT_BYTES 40

/* Source text of a number node; written into buffer when the node has none. */
const char *kt_json_number_text(const cJSON *node, char buffer[KT_JSON_NUMBER_TEXT_BYTES]);
/* Value of a text that follows JSON's grammar, when it is a whole number that fits. */
bool kt_json_number_to_int64(const char *text, int64_t *ret);
/* Same value, however it is written. */
bool kt_json_number_equal(const char *a, const char *b);
/* Shortest text that reads back as value, which must be finite. */
void kt_json_number_write_double(char buffer[KT_JSON_NUMBER_TEXT_BYTES], double value);

#endif
