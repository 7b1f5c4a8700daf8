/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/schema.h"

#include "base/limits.h"
#include "text/edit_distance.h"
#include "text/json_pointer.h"
#include "workspace/pod_types.h"
#include "workspace/schema_node.h"

const struct kt_schema *kt_schema_of_member(const struct kt_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->property_count; i++) {
        if (kt_streq(schema->properties[i].name, name)) {
            return schema->properties[i].schema;
        }
    }
    return schema->additional;
}

bool kt_schema_keeps_member(const struct kt_schema *schema, const char *name)
{
    return schema->preserve_unknown || schema->any_additional || kt_schema_of_member(schema, name);
}

static void add_key(struct kt_strbuf *text, const char *key)
{
    if (strlen(key) <= KT_SCHEMA_PATH_KEY_BYTES) {
        kt_field_path_add_key(text, key);
        return;
    }
    char cut[KT_SCHEMA_PATH_KEY_BYTES + 1];
    size_t length = KT_SCHEMA_PATH_KEY_BYTES - 3;
    while (length > 0 && ((unsigned char)key[length] & 0xC0) == 0x80) {
        length--; /* not inside a character */
    }
    memcpy(cut, key, length);
    memcpy(cut + length, "...", 4);
    kt_field_path_add_key(text, cut);
}

const char *kt_schema_path_text(struct kt_arena *arena, const struct kt_schema_path *path)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, (KT_SCHEMA_PATH_KEY_BYTES + 2) * KT_LIMIT_TREE_DEPTH);
    kt_strbuf_puts(&text, path->prefix ? path->prefix : "");
    for (size_t i = 0; i < KT_MIN(path->length, (size_t)KT_LIMIT_TREE_DEPTH); i++) {
        const struct kt_schema_step *step = &path->steps[i];
        if (step->key) {
            add_key(&text, step->key);
        } else {
            kt_field_path_add_index(&text, step->index);
        }
    }
    return text.failed ? NULL : text.data;
}

/* --- what is unknown ---------------------------------------------------------------------------------------------- */

static bool is_metadata(const cJSON *member, bool is_root)
{
    return is_root && kt_streq(member->string, "metadata");
}

struct unknown_walk {
    struct kt_arena *arena;
    struct kt_schema_path path;
    const struct kt_schema_unknown **next;
    size_t count;
};

static const char *suggest(const struct kt_schema *schema, const char *name)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, kt_str(name));
    for (size_t i = 0; i < schema->property_count; i++) {
        kt_nearest_offer(&nearest, schema->properties[i].name);
    }
    return nearest.best;
}

static bool is_full(const struct unknown_walk *walk)
{
    return walk->count >= KT_LIMIT_FINDINGS;
}

static void add_unknown(struct unknown_walk *walk, const cJSON *member, const char *suggestion)
{
    struct kt_schema_unknown *unknown = !is_full(walk) ? kt_arena_alloc(walk->arena, sizeof(*unknown)) : NULL;
    if (!unknown) {
        return;
    }
    *unknown = (struct kt_schema_unknown){kt_schema_path_text(walk->arena, &walk->path), suggestion, member, NULL};
    if (unknown->path) {
        *walk->next = unknown;
        walk->next = &unknown->next;
        walk->count++;
    }
}

static void find_unknown_metadata(struct unknown_walk *walk, const cJSON *metadata)
{
    const cJSON *member;
    metadata = kt_json_is_object(metadata) ? metadata : NULL;
    cJSON_ArrayForEach(member, metadata)
    {
        if (!is_full(walk) && !kt_object_meta_field_known(member->string)) {
            kt_schema_path_add(&walk->path, member->string, 0);
            add_unknown(walk, member, kt_object_meta_field_suggest(walk->arena, member->string));
            kt_schema_path_leave(&walk->path);
        }
    }
}

static void find_unknown(struct unknown_walk *walk, const struct kt_schema *schema, const cJSON *node, bool is_root)
{
    bool is_object = kt_json_is_object(node);
    if (!schema || (!is_object && !kt_json_is_array(node)) || is_full(walk)) {
        return;
    }
    size_t index = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, node)
    {
        if (!kt_arena_work(walk->arena, KT_SCHEMA_MEMBER_STEPS, KT_SCHEMA_PART)) {
            return;
        }
        const struct kt_schema *inner = is_object ? kt_schema_of_member(schema, member->string) : schema->items;
        kt_schema_path_add(&walk->path, is_object ? member->string : NULL, index++);
        if (is_object && is_metadata(member, is_root)) {
            find_unknown_metadata(walk, member);
        } else if (is_object && !inner && !schema->preserve_unknown && !schema->any_additional) {
            add_unknown(walk, member, is_full(walk) ? NULL : suggest(schema, member->string));
        } else {
            find_unknown(walk, inner, member, false);
        }
        kt_schema_path_leave(&walk->path);
    }
}

const struct kt_schema_unknown *kt_schema_unknown_fields(struct kt_arena *arena, const struct kt_schema *schema,
                                                         const cJSON *object)
{
    const struct kt_schema_unknown *first = NULL;
    struct unknown_walk walk;
    walk.arena = arena;
    walk.next = &first;
    walk.count = 0;
    walk.path.prefix = NULL;
    walk.path.length = 0;
    find_unknown(&walk, schema, object, true);
    return first;
}

/* --- what the API server takes out -------------------------------------------------------------------------------- */

static void prune_metadata(cJSON *metadata)
{
    cJSON *member = kt_json_is_object(metadata) ? metadata->child : NULL;
    while (member) {
        cJSON *next = member->next;
        if (!kt_object_meta_field_known(member->string)) {
            kt_json_detach(metadata, member);
        }
        member = next;
    }
}

static void prune(const struct kt_schema *schema, cJSON *node, bool is_root)
{
    bool is_object = kt_json_is_object(node);
    cJSON *member = schema && (is_object || kt_json_is_array(node)) ? node->child : NULL;
    while (member) {
        cJSON *next = member->next;
        if (!is_object) {
            prune(schema->items, member, false);
        } else if (is_metadata(member, is_root)) {
            prune_metadata(member);
        } else if (!kt_schema_keeps_member(schema, member->string)) {
            kt_json_detach(node, member);
        } else {
            prune(kt_schema_of_member(schema, member->string), member, false);
        }
        member = next;
    }
}

void kt_schema_prune(const struct kt_schema *schema, cJSON *object)
{
    prune(schema, object, true);
}

void kt_schema_drop_nulls(const struct kt_schema *schema, cJSON *object)
{
    bool is_object = kt_json_is_object(object);
    cJSON *member = schema && (is_object || kt_json_is_array(object)) ? object->child : NULL;
    while (member) {
        cJSON *next = member->next;
        const struct kt_schema *inner = is_object ? kt_schema_of_member(schema, member->string) : schema->items;
        if (is_object && inner && kt_json_is_null(member) && !inner->nullable) {
            kt_json_detach(object, member);
        } else {
            kt_schema_drop_nulls(inner, member);
        }
        member = next;
    }
}
