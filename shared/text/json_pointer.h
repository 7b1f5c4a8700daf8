/* SPDX-License-Identifier: Apache-2.0 */
/* JSON pointers (RFC 6901) and field paths in the API's form ("tuning.input.urls[0]"). */
#ifndef KT_TEXT_JSON_POINTER_H
#define KT_TEXT_JSON_POINTER_H

#include "base/error.h"
#include "text/json.h"

/* Appends "/" and the token with ~ and / escaped. */
void kt_json_pointer_add_key(struct kt_strbuf *pointer, const char *key);
void kt_json_pointer_add_index(struct kt_strbuf *pointer, size_t index);

/* The node at a pointer, or NULL. "" is the root. */
cJSON *kt_json_pointer_find(cJSON *root, struct kt_str pointer);

/* Appends ".key", "key" at the start, or `["odd key"]`-style `[odd.key]` as Kubernetes writes keys with dots
 * (metadata.annotations[kaito.sh/runtime]). */
void kt_field_path_add_key(struct kt_strbuf *path, const char *key);
void kt_field_path_add_index(struct kt_strbuf *path, size_t index);
/* The deepest existing node on a field path; *ret_exact tells whether it is the whole path. *ret_member is the member
 * or item node itself. NULL when even the first step is absent. */
cJSON *kt_field_path_find(cJSON *root, const char *path, bool *ret_exact);

#endif
