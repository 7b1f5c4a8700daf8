/* SPDX-License-Identifier: Apache-2.0 */
/* What is worth keeping of a ConfigMap and of a Node. */
#include <string.h>

#include "webhook/admission/snapshot.h"

/* Keys of a ConfigMap whose content rules read. */
static const char *const config_keys[] = {"training_config.yaml", "inference_config.yaml"};

static void copy_member(struct kt_arena *arena, cJSON *to, const cJSON *from, const char *key)
{
    const cJSON *value = kt_json_get(from, key);
    if (value)
        kt_json_set(arena, to, key, kt_json_clone(arena, value));
}

static cJSON *trim_config_map(struct kt_arena *arena, const cJSON *object)
{
    cJSON *trimmed = kt_json_new_object(arena);
    cJSON *metadata = kt_json_ensure_object(arena, trimmed, "metadata");
    copy_member(arena, metadata, kt_json_get(object, "metadata"), "name");
    copy_member(arena, metadata, kt_json_get(object, "metadata"), "namespace");
    cJSON *data = kt_json_ensure_object(arena, trimmed, "data");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(config_keys); i++)
        copy_member(arena, data, kt_json_get(object, "data"), config_keys[i]);
    return trimmed;
}

static void copy_gpu_amounts(struct kt_arena *arena, cJSON *status, const cJSON *from, const char *key)
{
    const cJSON *amount;
    cJSON *amounts = kt_json_ensure_object(arena, status, key);
    cJSON_ArrayForEach(amount, kt_json_get(from, key))
    {
        if (amount->string && strstr(amount->string, "gpu"))
            kt_json_set(arena, amounts, amount->string, kt_json_clone(arena, amount));
    }
}

static cJSON *trim_node(struct kt_arena *arena, const cJSON *object)
{
    cJSON *trimmed = kt_json_new_object(arena);
    cJSON *metadata = kt_json_ensure_object(arena, trimmed, "metadata");
    copy_member(arena, metadata, kt_json_get(object, "metadata"), "name");
    copy_member(arena, metadata, kt_json_get(object, "metadata"), "labels");
    cJSON *status = kt_json_ensure_object(arena, trimmed, "status");
    copy_gpu_amounts(arena, status, kt_json_get(object, "status"), "capacity");
    copy_gpu_amounts(arena, status, kt_json_get(object, "status"), "allocatable");
    cJSON *conditions = kt_json_new_array(arena);
    const cJSON *condition;
    cJSON_ArrayForEach(condition, kt_json_path(object, "status", "conditions", NULL))
    {
        if (!kt_streq(kt_json_string_or(kt_json_get(condition, "type"), ""), "Ready"))
            continue;
        cJSON *kept = kt_json_new_object(arena);
        copy_member(arena, kept, condition, "type");
        copy_member(arena, kept, condition, "status");
        kt_json_append(arena, conditions, kept);
    }
    kt_json_set(arena, status, "conditions", conditions);
    return trimmed;
}

const cJSON *kt_snapshot_trim(struct kt_arena *arena, enum kt_snapshot_kind kind, const cJSON *object)
{
    const cJSON *trimmed = kind == KT_SNAPSHOT_NODES ? trim_node(arena, object) : trim_config_map(arena, object);
    return arena->failed ? NULL : trimmed;
}
