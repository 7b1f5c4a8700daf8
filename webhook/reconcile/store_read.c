/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "webhook/reconcile/key_hash.h"
#include "webhook/reconcile/store_internal.h"

static struct kt_stored *add_reference(struct kt_stored *stored)
{
    atomic_fetch_add_explicit(&stored->references, 1, memory_order_relaxed);
    return stored;
}

void kt_stored_release(struct kt_stored *stored)
{
    if (!stored || atomic_fetch_sub_explicit(&stored->references, 1, memory_order_acq_rel) > 1)
        return;
    kt_heap_free(stored->object);
    kt_heap_free(stored);
}

const cJSON *kt_stored_object(const struct kt_stored *stored)
{
    return stored ? stored->object : NULL;
}

bool kt_pair_is(const struct kt_pair *pair, const char *namespace_, const char *name)
{
    return pair->name && kt_streq(pair->name, name) && kt_streq(pair->namespace_, namespace_);
}

struct kt_stored *kt_store_find(struct kt_store *store, enum kt_stored_kind kind, const char *namespace_,
                                const char *name)
{
    struct kt_index_link *link = kt_index_first(&store->kinds[kind].by_name, kt_key_hash(namespace_, name));
    for (; link; link = kt_index_next(link)) {
        struct kt_stored *stored = link->thing;
        if (kt_pair_is(&stored->relations.own, namespace_, name))
            return stored;
    }
    return NULL;
}

/* --- whom a change concerns ----------------------------------------------------------------------------------------
 */

void kt_store_visit_pair(const struct kt_store_visitor *visitor, const struct kt_pair *workspace)
{
    struct kt_object_key key;
    if (!workspace->name || strlen(workspace->namespace_) >= sizeof(key.namespace_) ||
        strlen(workspace->name) >= sizeof(key.name))
        return;
    memcpy(key.namespace_, workspace->namespace_, strlen(workspace->namespace_) + 1);
    memcpy(key.name, workspace->name, strlen(workspace->name) + 1);
    visitor->visit(visitor->context, &key);
}

/* The Workspaces of all objects of a kind that refer to this. */
static void visit_referrers(struct kt_store *store, enum kt_stored_kind kind, const char *namespace_, const char *name,
                            const struct kt_store_visitor *visitor)
{
    struct kt_index_link *link = kt_index_first(&store->kinds[kind].by_reference, kt_key_hash(namespace_, name));
    for (; link; link = kt_index_next(link)) {
        const struct kt_stored *stored = link->thing;
        if (kt_pair_is(&stored->relations.reference, namespace_, name))
            kt_store_visit_pair(visitor, &stored->relations.workspace);
    }
}

static void visit_if_waiting(void *context, void *thing)
{
    const struct kt_stored *stored = thing;
    if (kt_waits_for_template(stored->object))
        kt_store_visit_pair(context, &stored->relations.workspace);
}

static void visit_for_config_map(struct kt_store *store, const struct kt_pair *own, struct kt_store_visitor *visitor)
{
    visit_referrers(store, KT_STORED_WORKSPACES, own->namespace_, own->name, visitor);
    if (!kt_is_template_name(own->name))
        return;
    if (kt_streq(own->namespace_, store->release_namespace))
        kt_index_each(&store->kinds[KT_STORED_WORKSPACES].by_name, visit_if_waiting, visitor);
    else
        visit_referrers(store, KT_STORED_WORKSPACES, own->namespace_, KT_ANY_TEMPLATE, visitor);
}

void kt_store_visit_related(struct kt_store *store, enum kt_stored_kind kind, const struct kt_relations *relations,
                            const struct kt_store_visitor *visitor)
{
    if (!visitor || !relations->own.name)
        return;
    struct kt_store_visitor copy = *visitor;
    kt_store_visit_pair(&copy, &relations->workspace);
    if (kind == KT_STORED_NODES)
        visit_referrers(store, KT_STORED_NODE_CLAIMS, "", relations->own.name, &copy);
    if (kind == KT_STORED_CONFIG_MAPS)
        visit_for_config_map(store, &relations->own, &copy);
}

void kt_store_visit_concerned(struct kt_store *store, enum kt_stored_kind kind, const cJSON *object,
                              void (*visit)(void *context, const struct kt_object_key *key), void *context)
{
    struct kt_relations relations = kt_relations_of(kind, object);
    struct kt_store_visitor visitor = {visit, context};
    pthread_mutex_lock(&store->lock);
    kt_store_visit_related(store, kind, &relations, &visitor);
    pthread_mutex_unlock(&store->lock);
}

static void visit_own(void *context, void *thing)
{
    const struct kt_stored *stored = thing;
    kt_store_visit_pair(context, &stored->relations.own);
}

void kt_store_visit_workspaces(struct kt_store *store, void (*visit)(void *context, const struct kt_object_key *key),
                               void *context)
{
    struct kt_store_visitor visitor = {visit, context};
    pthread_mutex_lock(&store->lock);
    kt_index_each(&store->kinds[KT_STORED_WORKSPACES].by_name, visit_own, &visitor);
    pthread_mutex_unlock(&store->lock);
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

bool kt_store_is_synced(struct kt_store *store, enum kt_stored_kind kind)
{
    pthread_mutex_lock(&store->lock);
    bool synced = store->kinds[kind].synced;
    pthread_mutex_unlock(&store->lock);
    return synced;
}

bool kt_store_is_complete(struct kt_store *store, enum kt_stored_kind kind)
{
    pthread_mutex_lock(&store->lock);
    bool complete = store->kinds[kind].synced && !store->kinds[kind].incomplete;
    pthread_mutex_unlock(&store->lock);
    return complete;
}

struct kt_stored *kt_store_get(struct kt_store *store, enum kt_stored_kind kind, const char *namespace_,
                               const char *name)
{
    pthread_mutex_lock(&store->lock);
    struct kt_stored *stored = kt_store_find(store, kind, namespace_ ? namespace_ : "", name);
    if (stored)
        add_reference(stored);
    pthread_mutex_unlock(&store->lock);
    return stored;
}

size_t kt_store_bytes(struct kt_store *store)
{
    pthread_mutex_lock(&store->lock);
    size_t bytes = store->bytes;
    pthread_mutex_unlock(&store->lock);
    return bytes;
}

/* --- several objects -----------------------------------------------------------------------------------------------
 */

/* Room for `most` references. */
static int new_set(struct kt_arena *arena, size_t most, struct kt_stored_set *ret, struct kt_error *error)
{
    struct kt_stored **references = kt_arena_calloc(arena, KT_MAX(most, (size_t)1), sizeof(struct kt_stored *));
    if (!references)
        return kt_error_set(error, KT_ENOMEM, "no memory for the objects of a Workspace");
    *ret = (struct kt_stored_set){.references = references};
    return 0;
}

static void append(struct kt_stored_set *set, struct kt_stored *stored)
{
    set->references[set->objects.count++] = add_reference(stored);
}

/* A node may be named twice. */
static void add_to_set(struct kt_stored_set *set, struct kt_stored *stored)
{
    for (size_t i = 0; i < set->objects.count; i++)
        if (set->references[i] == stored)
            return;
    append(set, stored);
}

static size_t count_hash(const struct kt_index *index, uint64_t hash)
{
    size_t count = 0;
    for (struct kt_index_link *link = kt_index_first(index, hash); link; link = kt_index_next(link))
        count++;
    return count;
}

/* Under the lock. */
static int collect(struct kt_store *store, enum kt_stored_kind kind, const struct kt_object_key *key,
                   struct kt_arena *arena, struct kt_stored_set *ret, struct kt_error *error)
{
    const struct kt_index *index = &store->kinds[kind].by_workspace;
    const struct kt_index *claims = &store->kinds[KT_STORED_NODE_CLAIMS].by_workspace;
    uint64_t hash = kt_key_hash(key->namespace_, key->name);
    bool by_claim = kind == KT_STORED_NODES;
    int code = new_set(arena, count_hash(index, hash) + (by_claim ? count_hash(claims, hash) : 0), ret, error);
    if (code != 0)
        return code;
    for (struct kt_index_link *link = kt_index_first(index, hash); link; link = kt_index_next(link)) {
        struct kt_stored *stored = link->thing;
        if (kt_pair_is(&stored->relations.workspace, key->namespace_, key->name))
            append(ret, stored);
    }
    for (struct kt_index_link *link = by_claim ? kt_index_first(claims, hash) : NULL; link;
         link = kt_index_next(link)) {
        const struct kt_stored *claim = link->thing;
        const char *node = claim->relations.reference.name;
        struct kt_stored *stored = node ? kt_store_find(store, KT_STORED_NODES, "", node) : NULL;
        if (stored && kt_pair_is(&claim->relations.workspace, key->namespace_, key->name))
            add_to_set(ret, stored);
    }
    return 0;
}

/* Without the lock: what is referred to stays. */
static int hand_over(struct kt_stored_set *set, struct kt_arena *arena, struct kt_stored_set *ret,
                     struct kt_error *error)
{
    const cJSON **items = kt_arena_calloc(arena, KT_MAX(set->objects.count, (size_t)1), sizeof(const cJSON *));
    if (!items) {
        kt_stored_set_release(set);
        return kt_error_set(error, KT_ENOMEM, "no memory for the objects of a Workspace");
    }
    for (size_t i = 0; i < set->objects.count; i++)
        items[i] = set->references[i]->object;
    set->objects.items = items;
    *ret = *set;
    return 0;
}

int kt_store_of_workspace(struct kt_store *store, enum kt_stored_kind kind, const struct kt_object_key *key,
                          struct kt_arena *arena, struct kt_stored_set *ret, struct kt_error *error)
{
    struct kt_stored_set set;
    pthread_mutex_lock(&store->lock);
    int code = collect(store, kind, key, arena, &set, error);
    pthread_mutex_unlock(&store->lock);
    return code == 0 ? hand_over(&set, arena, ret, error) : code;
}

static void take_thing(void *context, void *thing)
{
    append(context, thing);
}

int kt_store_all(struct kt_store *store, enum kt_stored_kind kind, struct kt_arena *arena, struct kt_stored_set *ret,
                 struct kt_error *error)
{
    struct kt_stored_set set;
    pthread_mutex_lock(&store->lock);
    int code = new_set(arena, store->kinds[kind].by_name.count, &set, error);
    if (code == 0)
        kt_index_each(&store->kinds[kind].by_name, take_thing, &set);
    pthread_mutex_unlock(&store->lock);
    return code == 0 ? hand_over(&set, arena, ret, error) : code;
}

void kt_stored_set_release(struct kt_stored_set *set)
{
    for (size_t i = 0; i < set->objects.count; i++)
        kt_stored_release(set->references[i]);
    *set = (struct kt_stored_set){0};
}
