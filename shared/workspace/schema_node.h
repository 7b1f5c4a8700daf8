/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a loaded schema; private to shared/workspace. */
#ifndef KT_WORKSPACE_SCHEMA_NODE_H
#define KT_WORKSPACE_SCHEMA_NODE_H

#include "base/strbuf.h"
#include "workspace/schema.h"

enum kt_schema_type {
    KT_SCHEMA_ANY,
    KT_SCHEMA_OBJECT,
    KT_SCHEMA_ARRAY,
    KT_SCHEMA_STRING,
    KT_SCHEMA_INTEGER,
    KT_SCHEMA_NUMBER,
    KT_SCHEMA_BOOLEAN,
};

struct kt_schema_property {
    const char *name;
    const struct kt_schema *schema;
};

/* A bound that a schema may have. */
struct kt_schema_bound {
    bool is_set;
    double value;
};

struct kt_schema {
    enum kt_schema_type type;
    bool nullable;
    bool int_or_string;    /* x-kubernetes-int-or-string */
    bool preserve_unknown; /* x-kubernetes-preserve-unknown-fields */
    bool any_additional;   /* additionalProperties: true */
    const struct kt_schema_property *properties;
    size_t property_count;
    const struct kt_schema *additional; /* schema of members that are not in properties */
    const struct kt_schema *items;
    const char *const *required; /* NULL-terminated, or NULL */
    const char *const *enums;    /* NULL-terminated strings, or NULL */
    struct kt_schema_bound minimum, maximum;
    struct kt_schema_bound minimum_length, maximum_length; /* characters of a string, items of an array */
};

/* Schema of a member: its property's, else that of additional members, else NULL. */
const struct kt_schema *kt_schema_of_member(const struct kt_schema *schema, const char *name);
/* Does the API server keep a member of this name? */
bool kt_schema_keeps_member(const struct kt_schema *schema, const char *name);

/* Paths never outgrow this: a key is cut to KT_SCHEMA_PATH_KEY_BYTES, and depth is limited by the parsers. */
#define KT_SCHEMA_PATH_KEY_BYTES ((size_t)256)
#define KT_SCHEMA_PATH_BYTES ((size_t)(64 * KT_KIB))
void kt_schema_path_add_key(struct kt_strbuf *path, const char *key);
/* Back to an earlier length. */
void kt_schema_path_leave(struct kt_strbuf *path, size_t length);

#endif
