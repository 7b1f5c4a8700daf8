/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of the CRD to compact nodes, once for the life of the program. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/embedded.h"
#include "text/yaml.h"
#include "workspace/schema_node.h"

/* The tree and the nodes of our CRD take about 300 KiB. */
#define SCHEMA_ARENA_BYTES ((size_t)(8 * KT_MIB))

static const struct kt_schema *build(struct kt_arena *arena, const cJSON *node);

static enum kt_schema_type type_of(const char *name)
{
    static const struct {
        const char *name;
        enum kt_schema_type type;
    } types[] = {{"object", KT_SCHEMA_OBJECT},   {"array", KT_SCHEMA_ARRAY},   {"string", KT_SCHEMA_STRING},
                 {"integer", KT_SCHEMA_INTEGER}, {"number", KT_SCHEMA_NUMBER}, {"boolean", KT_SCHEMA_BOOLEAN}};
    for (size_t i = 0; name && i < KT_ARRAY_LENGTH(types); i++) {
        if (kt_streq(types[i].name, name)) {
            return types[i].type;
        }
    }
    return KT_SCHEMA_ANY;
}

static const char *const *build_strings(struct kt_arena *arena, const cJSON *array)
{
    const char **list = array ? kt_arena_calloc(arena, kt_json_count(array) + 1, sizeof(*list)) : NULL;
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (list && kt_json_string(item)) {
            list[count++] = kt_json_string(item);
        }
    }
    return list;
}

static void build_properties(struct kt_arena *arena, const cJSON *node, struct kt_schema *schema)
{
    struct kt_schema_property *properties = kt_arena_calloc(arena, kt_json_count(node), sizeof(*properties));
    const cJSON *member;
    cJSON_ArrayForEach(member, node)
    {
        const struct kt_schema *inner = build(arena, member);
        if (properties && inner) {
            properties[schema->property_count++] = (struct kt_schema_property){member->string, inner};
        }
    }
    schema->properties = properties;
}

static struct kt_schema_bound build_bound(const cJSON *node, const char *key, const char *other_key)
{
    struct kt_schema_bound bound = {0};
    const cJSON *value = kt_json_get(node, key);
    bound.is_set = kt_json_double(value ? value : kt_json_get(node, other_key), &bound.value);
    return bound;
}

static const struct kt_schema *build(struct kt_arena *arena, const cJSON *node)
{
    struct kt_schema *schema = kt_arena_alloc(arena, sizeof(*schema));
    if (!schema) {
        return NULL;
    }
    const cJSON *additional = kt_json_get(node, "additionalProperties");
    *schema = (struct kt_schema){
        .type = type_of(kt_json_string(kt_json_get(node, "type"))),
        .nullable = kt_json_true(kt_json_get(node, "nullable")),
        .int_or_string = kt_json_true(kt_json_get(node, "x-kubernetes-int-or-string")),
        .preserve_unknown = kt_json_true(kt_json_get(node, "x-kubernetes-preserve-unknown-fields")),
        .any_additional = kt_json_true(additional),
        .required = build_strings(arena, kt_json_get(node, "required")),
        .enums = build_strings(arena, kt_json_get(node, "enum")),
        .minimum = build_bound(node, "minimum", ""),
        .maximum = build_bound(node, "maximum", ""),
        .minimum_length = build_bound(node, "minLength", "minItems"),
        .maximum_length = build_bound(node, "maxLength", "maxItems"),
    };
    build_properties(arena, kt_json_get(node, "properties"), schema);
    if (kt_json_is_object(additional)) {
        schema->additional = build(arena, additional);
    }
    const cJSON *items = kt_json_get(node, "items");
    if (items) {
        schema->items = build(arena, items);
    }
    return schema;
}

static const struct kt_schema *load(struct kt_arena *arena, struct kt_error *error)
{
    struct kt_yaml_document document = {0};
    if (kt_yaml_parse_one(arena, kt_schema_workspace_crd(), &document, error) < 0) {
        kt_error_wrap(error, "the Workspace CRD that is compiled in");
        return NULL;
    }
    const cJSON *version = kt_json_item(kt_json_path(document.root, "spec", "versions", NULL), 0);
    const cJSON *node = kt_json_path(version, "schema", "openAPIV3Schema", NULL);
    const struct kt_schema *schema = node ? build(arena, node) : NULL;
    if (!schema || arena->failed) {
        kt_error_set(error, KT_ENOMEM, "no memory for the Workspace CRD");
        return NULL;
    }
    return schema;
}

struct kt_str kt_schema_workspace_crd(void)
{
    return (struct kt_str){kt_embedded_crd.text, kt_embedded_crd.length};
}

const struct kt_schema *kt_schema_workspace(struct kt_error *error)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static _Atomic(const struct kt_schema *) loaded;
    static struct kt_arena arena;
    const struct kt_schema *schema = atomic_load_explicit(&loaded, memory_order_acquire);
    if (schema) {
        return schema;
    }
    pthread_mutex_lock(&lock);
    schema = atomic_load_explicit(&loaded, memory_order_relaxed);
    if (!schema) {
        kt_arena_init(&arena, SCHEMA_ARENA_BYTES);
        schema = load(&arena, error);
        if (schema) {
            atomic_store_explicit(&loaded, schema, memory_order_release);
        } else {
            kt_arena_release(&arena);
        }
    }
    pthread_mutex_unlock(&lock);
    return schema;
}
