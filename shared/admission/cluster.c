/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/cluster.h"

static enum kt_lookup find_unknown(void *context, const char *kind, const char *namespace_, const char *name,
                                   const cJSON **ret)
{
    (void)context, (void)kind, (void)namespace_, (void)name, (void)ret;
    return KT_LOOKUP_UNKNOWN;
}

static enum kt_lookup nodes_unknown(void *context, const cJSON *const **ret, size_t *ret_count)
{
    (void)context, (void)ret, (void)ret_count;
    return KT_LOOKUP_UNKNOWN;
}

const struct kt_cluster kt_cluster_unknown = {.find = find_unknown, .nodes = nodes_unknown};

/* A manifest may leave the namespace out: it then means "default", as for kubectl. */
static bool same_namespace(const char *wanted, const char *found)
{
    return !wanted || kt_streq(wanted, found && *found ? found : "default");
}

static enum kt_lookup find_object(void *context, const char *kind, const char *namespace_, const char *name,
                                  const cJSON **ret)
{
    const struct kt_cluster_objects *storage = context;
    const cJSON *object;
    cJSON_ArrayForEach(object, storage->objects)
    {
        const cJSON *metadata = kt_json_get(object, "metadata");
        if (kt_streq(kt_json_string_or(kt_json_get(object, "kind"), ""), kind) &&
            kt_streq(kt_json_string_or(kt_json_get(metadata, "name"), ""), name) &&
            same_namespace(namespace_, kt_json_string(kt_json_get(metadata, "namespace")))) {
            *ret = object;
            return KT_LOOKUP_FOUND;
        }
    }
    return KT_LOOKUP_ABSENT;
}

static enum kt_lookup list_nodes(void *context, const cJSON *const **ret, size_t *ret_count)
{
    const struct kt_cluster_objects *storage = context;
    *ret = storage->nodes;
    *ret_count = storage->node_count;
    return storage->nodes ? KT_LOOKUP_FOUND : KT_LOOKUP_UNKNOWN;
}

struct kt_cluster kt_cluster_from_objects(struct kt_arena *arena, const cJSON *objects,
                                          struct kt_cluster_objects *storage)
{
    *storage = (struct kt_cluster_objects){.objects = kt_json_is_array(objects) ? objects : NULL};
    const cJSON **nodes = kt_arena_calloc(arena, kt_json_count(storage->objects) + 1, sizeof(const cJSON *));
    const cJSON *object;
    cJSON_ArrayForEach(object, storage->objects)
    {
        if (nodes && kt_streq(kt_json_string_or(kt_json_get(object, "kind"), ""), "Node")) {
            nodes[storage->node_count++] = object;
        }
    }
    storage->nodes = nodes;
    return (struct kt_cluster){.find = find_object, .nodes = list_nodes, .context = storage};
}
