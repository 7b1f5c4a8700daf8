/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a loaded schema; private to shared/workspace. */
#ifndef KT_WORKSPACE_SCHEMA_NODE_H
#define KT_WORKSPACE_SCHEMA_NODE_H

#include "base/limits.h"
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

/* Steps of work (base/arena.h) of a walk at each member or item, and what the walks are over. */
#define KT_SCHEMA_MEMBER_STEPS ((size_t)50)
#define KT_SCHEMA_PART "the Workspace"

/* Where a walk over an object is. Most walks find nothing wrong, so the text is made only when it is wanted. */
struct kt_schema_step {
    const char *key; /* NULL: an item */
    size_t index;
};
struct kt_schema_path {
    const char *prefix; /* a field path in front of the steps, or NULL */
    size_t length;
    struct kt_schema_step steps[KT_LIMIT_TREE_DEPTH];
};

static inline void kt_schema_path_add(struct kt_schema_path *path, const char *key, size_t index)
{
    if (path->length < KT_LIMIT_TREE_DEPTH) {
        path->steps[path->length] = (struct kt_schema_step){key, index};
    }
    path->length++;
}

static inline void kt_schema_path_leave(struct kt_schema_path *path)
{
    path->length--;
}

/* "tuning.input.urls[0]" in the arena, keys cut to KT_SCHEMA_PATH_KEY_BYTES; "" at the root, NULL without memory. */
#define KT_SCHEMA_PATH_KEY_BYTES ((size_t)256)
const char *kt_schema_path_text(struct kt_arena *arena, const struct kt_schema_path *path);

#endif
