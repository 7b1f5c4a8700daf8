/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of kubectl's JSONPath templates that is used every day: text, {.a.b}, {['a.b']}, {[0]}, {[-1]}, {[*]}, {.*},
 * {"\n"}, {range ...}...{end}, {$} and {@}. Filters, unions, slices and `..` are refused with a pointer to jq.
 * A member that does not exist gives nothing, an index beyond the end is an error, as with kubectl get.
 */
#ifndef KT_PLUGIN_JSONPATH_H
#define KT_PLUGIN_JSONPATH_H

#include "base/error.h"
#include "text/json.h"

/* Appends what the template makes of tree. KT_EINVAL says what is wrong in the template, and where. */
int kt_jsonpath_write(struct kt_arena *arena, const char *template_, const cJSON *tree, struct kt_strbuf *buffer,
                      struct kt_error *error) KT_NODISCARD;

#endif
