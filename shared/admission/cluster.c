/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/cluster.h"

#include <stdlib.h>

/* Steps of work to read an object's names and to sort it in. */
#define OBJECT_STEPS 100

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

/* What objects are found by. */
struct kt_cluster_object {
    const char *kind;
    const char *name;
    const char *namespace_;
    const cJSON *object;
    size_t order; /* in which they were given */
};

/* namespace_ NULL: whichever. */
static int compare_names(const struct kt_cluster_object *a, const char *kind, const char *name, const char *namespace_)
{
    int order = strcmp(a->kind, kind);
    order = order != 0 ? order : strcmp(a->name, name);
    return order != 0 || !namespace_ ? order : strcmp(a->namespace_, namespace_);
}

static int compare_objects(const void *left, const void *right)
{
    const struct kt_cluster_object *a = left;
    const struct kt_cluster_object *b = right;
    int order = compare_names(a, b->kind, b->name, b->namespace_);
    return order != 0 ? order : a->order < b->order ? -1 : 1;
}

static enum kt_lookup find_object(void *context, const char *kind, const char *namespace_, const char *name,
                                  const cJSON **ret)
{
    const struct kt_cluster_objects *storage = context;
    size_t low = 0;
    size_t high = storage->count;
    if (!storage->sorted) {
        return KT_LOOKUP_UNKNOWN;
    }
    while (low < high) { /* for the first that does not come before it */
        size_t middle = low + (high - low) / 2;
        if (compare_names(&storage->sorted[middle], kind, name, namespace_) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == storage->count || compare_names(&storage->sorted[low], kind, name, namespace_) != 0) {
        return KT_LOOKUP_ABSENT;
    }
    *ret = storage->sorted[low].object;
    return KT_LOOKUP_FOUND;
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
    size_t count = kt_json_is_array(objects) ? kt_json_count(objects) : 0;
    struct kt_cluster_object *sorted = kt_arena_calloc(arena, count + 1, sizeof(*sorted));
    const cJSON **nodes = kt_arena_calloc(arena, count + 1, sizeof(const cJSON *));
    bool is_ready = sorted && nodes && kt_arena_work(arena, count * OBJECT_STEPS, "the list of the cluster's objects");
    *storage = (struct kt_cluster_objects){.count = is_ready ? count : 0};
    const cJSON *object = is_ready && count > 0 ? objects->child : NULL;
    for (size_t i = 0; object; object = object->next, i++) {
        const cJSON *metadata = kt_json_get(object, "metadata");
        const char *namespace_ = kt_json_string(kt_json_get(metadata, "namespace"));
        sorted[i] = (struct kt_cluster_object){
            .kind = kt_json_string_or(kt_json_get(object, "kind"), ""),
            .name = kt_json_string_or(kt_json_get(metadata, "name"), ""),
            /* A manifest may leave it out: it then means "default", as for kubectl. */
            .namespace_ = namespace_ && *namespace_ ? namespace_ : "default",
            .object = object,
            .order = i,
        };
        if (kt_streq(sorted[i].kind, "Node")) {
            nodes[storage->node_count++] = object;
        }
    }
    if (is_ready) {
        qsort(sorted, count, sizeof(*sorted), compare_objects);
        storage->sorted = sorted;
        storage->nodes = nodes;
    }
    return (struct kt_cluster){.find = find_object, .nodes = list_nodes, .context = storage};
}
