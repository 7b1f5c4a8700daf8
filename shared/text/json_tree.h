/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the tree of a text that kt_json_scan has taken. cJSON's own parser is not used: the scan has proved the grammar
 * already, all nodes can come from one piece of memory whose size it has counted, and strings can stay where they are.
 * Private to text/json*.c.
 */
#ifndef KT_TEXT_JSON_TREE_H
#define KT_TEXT_JSON_TREE_H

#include "text/json.h"
#include "text/json_scan.h"

/* text is what was scanned, and is written to: strings are unescaped in place and end with a NUL. Nodes are as cJSON
 * makes them, but the valuestring of a number is left NULL. NULL without memory. */
cJSON *kt_json_tree(struct kt_arena *arena, char *text, const struct kt_json_scan *scan);

/* Sets the value of a number node; text begins with the number. */
void kt_json_tree_number(cJSON *node, const char *text);

#endif
