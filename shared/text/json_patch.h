/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Patch (RFC 6902): the few operations that defaulting needs, and an applier for `review` and the plugin. */
#ifndef KT_TEXT_JSON_PATCH_H
#define KT_TEXT_JSON_PATCH_H

#include "base/error.h"
#include "text/json.h"

/* Appends {"op":"add","path":pointer,"value":value} to the array `patch`. pointer is copied; value is referenced
 * (kt_json_reference), so it may have a parent. Nothing happens for a NULL value; arena->failed when memory is out. */
void kt_json_patch_add(struct kt_arena *arena, cJSON *patch, const char *pointer, cJSON *value);

/* Applies add, replace, remove and test to *root; values are copied out of the patch. All or nothing: the operations
 * run on a copy whose content replaces that of *root at the end, so *root itself stays the same node and pointers to
 * what is below it go stale. KT_EINVAL names the operation that does not apply; KT_ELIMIT beyond
 * KT_LIMIT_PATCH_OPERATIONS and for a tree deeper than KT_LIMIT_JSON_DEPTH or of more than KT_LIMIT_JSON_NODES values;
 * KT_ENOMEM. */
int kt_json_patch_apply(struct kt_arena *arena, cJSON **root, const cJSON *patch, struct kt_error *error) KT_NODISCARD;

#endif
