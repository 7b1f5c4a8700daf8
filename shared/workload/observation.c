/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/observation.h"

#include <stdlib.h>

#include "workload/diagnosis_internal.h"
#include "workload/names.h"

#define MOST_GPUS 64

const char *kt_metadata_text(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", key, NULL), "");
}

const cJSON *kt_objects_find(struct kt_objects objects, const char *name)
{
    for (size_t i = 0; i < objects.count; i++) {
        if (kt_streq(kt_metadata_text(objects.items[i], "name"), name))
            return objects.items[i];
    }
    return NULL;
}

uint32_t kt_node_gpu_count(const cJSON *node)
{
    const char *text = kt_json_string(kt_json_get(kt_json_path(node, "status", "capacity", NULL), KT_GPU_RESOURCE));
    unsigned long number = text ? strtoul(text, NULL, 10) : 0;
    return number >= 1 && number <= MOST_GPUS ? (uint32_t)number : 0;
}

/* The controller among the owner references, or NULL. */
static const cJSON *controller_of(const cJSON *object)
{
    const cJSON *owner;
    cJSON_ArrayForEach(owner, kt_json_path(object, "metadata", "ownerReferences", NULL))
    {
        if (kt_json_true(kt_json_get(owner, "controller")))
            return owner;
    }
    return NULL;
}

bool kt_is_owned_by(const cJSON *object, const cJSON *workspace)
{
    const char *owner_uid = kt_json_string_or(kt_json_get(controller_of(object), "uid"), "");
    return *owner_uid && kt_streq(owner_uid, kt_metadata_text(workspace, "uid"));
}

bool kt_is_newer(const cJSON *a, const cJSON *b)
{
    /* RFC 3339 in UTC, as the API server writes it: the order of the text is the order in time. */
    int order = strcmp(kt_metadata_text(a, "creationTimestamp"), kt_metadata_text(b, "creationTimestamp"));
    return order != 0 ? order > 0 : strcmp(kt_metadata_text(a, "name"), kt_metadata_text(b, "name")) > 0;
}

bool kt_observation_lacks(const struct kt_observation *observation, enum kt_kind_id kind)
{
    return (observation->unseen & KT_KIND_BIT(kind)) != 0;
}

const cJSON *kt_observation_job(const struct kt_observation *observation)
{
    const struct kt_objects *jobs = &observation->objects[KT_KIND_JOB];
    return jobs->count > 0 ? jobs->items[0] : NULL;
}

void kt_observation_add(struct kt_observation *observation, enum kt_kind_id kind, const cJSON *object,
                        struct kt_arena *arena)
{
    struct kt_objects *objects = &observation->objects[kind];
    const cJSON **items = kt_arena_calloc(arena, objects->count + 1, sizeof(*items));
    if (!items)
        return;
    for (size_t i = 0; i < objects->count; i++)
        items[i] = objects->items[i];
    items[objects->count] = object;
    *objects = (struct kt_objects){items, objects->count + 1};
}

const cJSON *kt_observation_pod(const struct kt_observation *observation)
{
    const cJSON *newest = NULL;
    const cJSON *job = kt_observation_job(observation);
    const struct kt_objects *pods = &observation->objects[KT_KIND_POD];
    for (size_t i = 0; job && i < pods->count; i++) {
        const cJSON *pod = pods->items[i];
        if (kt_is_owned_by(pod, job) && (!newest || kt_is_newer(pod, newest)))
            newest = pod;
    }
    return newest;
}

const cJSON *kt_condition_find(const cJSON *object, const char *type)
{
    const cJSON *condition;
    const cJSON *conditions = kt_json_path(object, "status", "conditions", NULL);
    if (!kt_json_is_array(conditions))
        return NULL;
    cJSON_ArrayForEach(condition, conditions)
    {
        if (kt_streq(kt_json_string_or(kt_json_get(condition, "type"), ""), type))
            return condition;
    }
    return NULL;
}

bool kt_condition_is_true(const cJSON *object, const char *type)
{
    return kt_streq(kt_json_string_or(kt_json_get(kt_condition_find(object, type), "status"), ""), "True");
}

bool kt_is_being_deleted(const cJSON *object)
{
    return *kt_metadata_text(object, "deletionTimestamp") != '\0';
}

/* --- what the stored status says ----------------------------------------------------------------------------- */

const cJSON *kt_condition_now(const cJSON *workspace, const char *type)
{
    int64_t generation = 0;
    int64_t observed = 0;
    const cJSON *condition = kt_condition_find(workspace, type);
    kt_json_int64(kt_json_path(workspace, "metadata", "generation", NULL), &generation);
    kt_json_int64(kt_json_get(condition, "observedGeneration"), &observed);
    return observed == generation ? condition : NULL;
}

bool kt_condition_holds(const cJSON *workspace, const char *type)
{
    return kt_streq(kt_json_string_or(kt_json_get(kt_condition_now(workspace, type), "status"), ""), "True");
}

const char *kt_final_state(const cJSON *workspace)
{
    static const char *const states[] = {"Succeeded", "Failed"};
    const char *state = kt_json_string_or(kt_json_path(workspace, "status", "state", NULL), "");
    for (size_t i = 0; kt_condition_now(workspace, "WorkspaceSucceeded") && i < KT_ARRAY_LENGTH(states); i++) {
        if (kt_streq(state, states[i]))
            return states[i];
    }
    return NULL;
}
