/* SPDX-License-Identifier: Apache-2.0 */
/* JSON pointers (RFC 6901) and field paths in the API's form ("tuning.input.urls[0]"). */
#ifndef KT_TEXT_JSON_POINTER_H
#define KT_TEXT_JSON_POINTER_H

#include "base/error.h"
#include "text/json.h"

/* Appends "/" and the token with ~ and / escaped. */
void kt_json_pointer_add_key(struct kt_strbuf *pointer, const char *key);
void kt_json_pointer_add_index(struct kt_strbuf *pointer, size_t index);

/* The node at a pointer, or NULL. "" is the root. An index is decimal without leading zeros or sign; "-" names no node.
 */
cJSON *kt_json_pointer_find(cJSON *root, struct kt_str pointer);
/* The same for every token but the last, which is put into *ret_token as it is written (escaped). NULL and *ret_token
 * untouched for "", for text that is no pointer and for an absent parent. */
cJSON *kt_json_pointer_parent(cJSON *root, struct kt_str pointer, struct kt_str *ret_token);
/* Empty, or "/" at the start and every "~" followed by 0 or 1. */
bool kt_json_pointer_valid(struct kt_str pointer);
/* A token without its escapes, NUL-terminated in the arena; NULL when memory is out. */
char *kt_json_pointer_unescape(struct kt_arena *arena, struct kt_str token);
/* False for what is no index ("", "01", "-", "1x", beyond SIZE_MAX). */
bool kt_json_pointer_index(struct kt_str token, size_t *ret);

/* Appends ".key", or "key" at the start. A key with anything but ASCII letters, digits, '-' and '_' stands in brackets,
 * as Kubernetes writes it: metadata.annotations[kaito.sh/runtime]. */
void kt_field_path_add_key(struct kt_strbuf *path, const char *key);
void kt_field_path_add_index(struct kt_strbuf *path, size_t index);
/* The deepest existing node on a field path; *ret_exact tells whether it is the whole path. NULL when even the first
 * step is absent; "" is root itself. ret_exact may be NULL. arena counts the work (base/arena.h) and ends the search
 * when there is none left; NULL: it is not counted. */
cJSON *kt_field_path_find(struct kt_arena *arena, cJSON *root, const char *path, bool *ret_exact);

#endif
