/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/store_source.h"

#include <string.h>

#include "admission/inference_facts.h"

/* In the arena. */
struct kt_store_held {
    struct kt_store_held *next;
    struct kt_stored *one;
    struct kt_stored_set set;
};

static struct kt_store_held *hold(struct kt_store_source *source)
{
    struct kt_store_held *held = kt_arena_calloc(source->arena, 1, sizeof(*held));
    if (!held)
        return NULL;
    held->next = source->held;
    source->held = held;
    return held;
}

static int no_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "no memory for the objects of a Workspace");
}

/* What a cache that was cut does not have may be there. */
static int unseen(enum kt_kind_id kind, struct kt_error *error)
{
    return kt_error_set(error, KT_ELIMIT, "not all %s are known", kt_kinds[kind].resource->plural);
}

static int get(void *context, enum kt_kind_id kind, const char *namespace_, const char *name, const cJSON **ret,
               struct kt_error *error)
{
    struct kt_store_source *source = context;
    struct kt_store_held *held = hold(source);
    const char *scope = kt_kinds[kind].resource->cluster_scoped ? "" : namespace_;
    if (!held)
        return no_memory(error);
    enum kt_lookup found = kt_store_look_up(source->store, kind, scope, name, &held->one);
    *ret = kt_stored_object(held->one);
    if (found != KT_LOOKUP_UNKNOWN)
        return 0;
    return source->read ? source->read(source->read_context, kind, scope, name, ret, error) : unseen(kind, error);
}

static int list(struct kt_store_source *source, enum kt_kind_id kind, struct kt_objects *ret, struct kt_error *error)
{
    const cJSON *item, *items = NULL;
    int code = source->list(source->read_context, kind, &items, error);
    const cJSON **found = code == 0 ? kt_arena_calloc(source->arena, kt_json_count(items) + 1, sizeof(*found)) : NULL;
    if (!found)
        return code == 0 ? no_memory(error) : code;
    *ret = (struct kt_objects){found, 0};
    cJSON_ArrayForEach(item, items) found[ret->count++] = item;
    return 0;
}

static int labelled(void *context, enum kt_kind_id kind, const char *namespace_, const char *name,
                    struct kt_objects *ret, struct kt_error *error)
{
    struct kt_store_source *source = context;
    struct kt_store_held *held = hold(source);
    struct kt_object_key key;
    if (!held)
        return no_memory(error);
    if (strlen(namespace_) >= sizeof(key.namespace_) || strlen(name) >= sizeof(key.name))
        return 0; /* the store has none of them */
    memcpy(key.namespace_, namespace_, strlen(namespace_) + 1);
    memcpy(key.name, name, strlen(name) + 1);
    int code = kt_store_of_workspace(source->store, kind, &key, source->arena, &held->set, error);
    *ret = held->set.objects;
    if (code != 0 || held->set.complete)
        return code;
    return source->list ? list(source, kind, ret, error) : unseen(kind, error);
}

static int nodes(void *context, const cJSON *match_labels, struct kt_objects *ret, struct kt_error *error)
{
    struct kt_store_source *source = context;
    struct kt_store_held *held = hold(source);
    int code = held ? kt_store_all(source->store, KT_KIND_NODE, source->arena, &held->set, error) : no_memory(error);
    const cJSON **own = code == 0 ? kt_arena_calloc(source->arena, held->set.objects.count + 1, sizeof(*own)) : NULL;
    size_t count = 0;
    if (code == 0 && !own)
        code = no_memory(error);
    for (size_t i = 0; code == 0 && i < held->set.objects.count; i++)
        if (kt_node_matches(held->set.objects.items[i], match_labels))
            own[count++] = held->set.objects.items[i];
    *ret = (struct kt_objects){own, count};
    return code == 0 && !held->set.complete ? unseen(KT_KIND_NODE, error) : code;
}

struct kt_object_source kt_store_source_view(struct kt_store_source *source)
{
    return (struct kt_object_source){.get = get, .labelled = labelled, .nodes = nodes, .context = source};
}

void kt_store_source_release(struct kt_store_source *source)
{
    for (struct kt_store_held *held = source->held; held; held = held->next) {
        kt_stored_release(held->one);
        kt_stored_set_release(&held->set);
    }
    source->held = NULL;
}
