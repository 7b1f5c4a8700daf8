/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "webhook/cluster/key_hash.h"
#include "webhook/cluster/store_internal.h"

struct kt_store_entry *kt_store_entry_hold(struct kt_store_entry *entry)
{
    atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
    return entry;
}

void kt_store_entry_release(struct kt_store_entry *entry)
{
    if (entry && atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) == 1) {
        kt_heap_free(entry->content);
        kt_heap_free(entry);
    }
}

/* Takes over the reference, also when it returns NULL. */
static struct kt_stored *look_at(struct kt_store_entry *entry)
{
    size_t made = entry->tree ? 0 : entry->packed.nodes;
    struct kt_stored *stored = kt_heap_alloc(sizeof(*stored) + made * sizeof(cJSON));
    if (!stored) {
        kt_store_entry_release(entry);
        return NULL;
    }
    stored->entry = entry;
    stored->object = entry->tree ? entry->tree : stored->nodes;
    if (made > 0)
        kt_store_unpack(&entry->packed, stored->nodes);
    return stored;
}

void kt_stored_release(struct kt_stored *stored)
{
    if (!stored)
        return;
    kt_store_entry_release(stored->entry);
    kt_heap_free(stored);
}

const struct kt_config_content *kt_stored_content(const struct kt_stored *stored)
{
    return stored ? stored->entry->content : NULL;
}

const cJSON *kt_stored_object(const struct kt_stored *stored)
{
    return stored ? stored->object : NULL;
}

bool kt_pair_is(const struct kt_pair *pair, const char *namespace_, const char *name)
{
    return pair->name && kt_streq(pair->name, name) && kt_streq(pair->namespace_, namespace_);
}

struct kt_store_entry *kt_store_find(struct kt_store *store, enum kt_kind_id kind, const char *namespace_,
                                     const char *name)
{
    struct kt_index_link *link = kt_index_first(&store->kinds[kind].by_name, kt_key_hash(namespace_, name));
    for (; link; link = kt_index_next(link)) {
        struct kt_store_entry *entry = link->thing;
        if (kt_pair_is(&entry->relations.own, namespace_, name))
            return entry;
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
static void visit_referrers(struct kt_store *store, enum kt_kind_id kind, const char *namespace_, const char *name,
                            const struct kt_store_visitor *visitor)
{
    struct kt_index_link *link = kt_index_first(&store->kinds[kind].by_reference, kt_key_hash(namespace_, name));
    for (; link; link = kt_index_next(link)) {
        const struct kt_store_entry *entry = link->thing;
        if (kt_pair_is(&entry->relations.reference, namespace_, name))
            kt_store_visit_pair(visitor, &entry->relations.workspace);
    }
}

static void visit_if_waiting(void *context, void *thing)
{
    const struct kt_store_entry *entry = thing;
    if (entry->relations.waits_for_template)
        kt_store_visit_pair(context, &entry->relations.workspace);
}

static void visit_for_config_map(struct kt_store *store, const struct kt_pair *own, struct kt_store_visitor *visitor)
{
    visit_referrers(store, KT_KIND_WORKSPACE, own->namespace_, own->name, visitor);
    if (!kt_is_template_name(own->name))
        return;
    if (kt_streq(own->namespace_, store->release_namespace))
        kt_index_each(&store->kinds[KT_KIND_WORKSPACE].by_name, visit_if_waiting, visitor);
    else
        visit_referrers(store, KT_KIND_WORKSPACE, own->namespace_, KT_ANY_TEMPLATE, visitor);
}

void kt_store_visit_related(struct kt_store *store, enum kt_kind_id kind, const struct kt_relations *relations,
                            const struct kt_store_visitor *visitor)
{
    if (!visitor || !relations->own.name)
        return;
    struct kt_store_visitor copy = *visitor;
    kt_store_visit_pair(&copy, &relations->workspace);
    if (kind == KT_KIND_NODE)
        visit_referrers(store, KT_KIND_NODE_CLAIM, "", relations->own.name, &copy);
    if (kind == KT_KIND_CONFIG_MAP)
        visit_for_config_map(store, &relations->own, &copy);
}

void kt_store_visit_concerned(struct kt_store *store, enum kt_kind_id kind, const cJSON *object,
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
    const struct kt_store_entry *entry = thing;
    kt_store_visit_pair(context, &entry->relations.own);
}

void kt_store_visit_workspaces(struct kt_store *store, void (*visit)(void *context, const struct kt_object_key *key),
                               void *context)
{
    struct kt_store_visitor visitor = {visit, context};
    pthread_mutex_lock(&store->lock);
    kt_index_each(&store->kinds[KT_KIND_WORKSPACE].by_name, visit_own, &visitor);
    pthread_mutex_unlock(&store->lock);
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

bool kt_store_is_synced(struct kt_store *store, enum kt_kind_id kind)
{
    pthread_mutex_lock(&store->lock);
    bool synced = store->kinds[kind].synced;
    pthread_mutex_unlock(&store->lock);
    return synced;
}

bool kt_store_is_complete(struct kt_store *store, enum kt_kind_id kind)
{
    pthread_mutex_lock(&store->lock);
    const struct kt_store_kind *tables = &store->kinds[kind];
    bool complete = tables->synced && !kt_store_is_cut(tables, tables->cut_at);
    pthread_mutex_unlock(&store->lock);
    return complete;
}

/* Under the lock. Is what is not kept of this namespace ("": the kind has none) not there? */
static bool knows_absence(const struct kt_store *store, enum kt_kind_id kind, const char *namespace_)
{
    const struct kt_store_kind *tables = &store->kinds[kind];
    const struct kt_store_share *share = *namespace_ ? kt_store_share_find(&tables->shares, namespace_) : NULL;
    return tables->synced && !kt_store_is_cut(tables, tables->full_at) &&
           !(share && kt_store_is_cut(tables, share->cut_at));
}

enum kt_lookup kt_store_look_up(struct kt_store *store, enum kt_kind_id kind, const char *namespace_, const char *name,
                                struct kt_stored **ret)
{
    const char *in = namespace_ ? namespace_ : "";
    pthread_mutex_lock(&store->lock);
    struct kt_store_entry *entry = kt_store_find(store, kind, in, name);
    bool absent = !entry && kt_kinds[kind].fields && knows_absence(store, kind, in);
    if (entry)
        kt_store_entry_hold(entry);
    pthread_mutex_unlock(&store->lock);
    *ret = entry ? look_at(entry) : NULL;
    return *ret ? KT_LOOKUP_FOUND : absent ? KT_LOOKUP_ABSENT : KT_LOOKUP_UNKNOWN;
}

struct kt_stored *kt_store_get(struct kt_store *store, enum kt_kind_id kind, const char *namespace_, const char *name)
{
    struct kt_stored *stored;
    (void)kt_store_look_up(store, kind, namespace_, name, &stored);
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

/* Entries chosen under the lock, to be looked at without it. */
struct chosen {
    struct kt_store_entry **entries;
    size_t count;
    bool complete; /* there are no others */
};

static int no_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "no memory for the objects of a Workspace");
}

static int make_room(struct kt_arena *arena, size_t most, struct chosen *ret, struct kt_error *error)
{
    *ret = (struct chosen){.entries = kt_arena_calloc(arena, KT_MAX(most, (size_t)1), sizeof(struct kt_store_entry *))};
    return ret->entries ? 0 : no_memory(error);
}

static void choose(struct chosen *chosen, struct kt_store_entry *entry)
{
    chosen->entries[chosen->count++] = kt_store_entry_hold(entry);
}

/* A node may be named twice. */
static void choose_once(struct chosen *chosen, struct kt_store_entry *entry)
{
    for (size_t i = 0; i < chosen->count; i++)
        if (chosen->entries[i] == entry)
            return;
    choose(chosen, entry);
}

static size_t count_hash(const struct kt_index *index, uint64_t hash)
{
    size_t count = 0;
    for (struct kt_index_link *link = kt_index_first(index, hash); link; link = kt_index_next(link))
        count++;
    return count;
}

/* Under the lock. */
static int choose_by_workspace(struct kt_store *store, enum kt_kind_id kind, const struct kt_object_key *key,
                               struct kt_arena *arena, struct chosen *ret, struct kt_error *error)
{
    const struct kt_index *index = &store->kinds[kind].by_workspace;
    const struct kt_index *claims = &store->kinds[KT_KIND_NODE_CLAIM].by_workspace;
    uint64_t hash = kt_key_hash(key->namespace_, key->name);
    bool by_claim = kind == KT_KIND_NODE;
    int code = make_room(arena, count_hash(index, hash) + (by_claim ? count_hash(claims, hash) : 0), ret, error);
    if (code != 0)
        return code;
    ret->complete = knows_absence(store, kind, kt_kinds[kind].resource->cluster_scoped ? "" : key->namespace_);
    for (struct kt_index_link *link = kt_index_first(index, hash); link; link = kt_index_next(link)) {
        struct kt_store_entry *entry = link->thing;
        if (kt_pair_is(&entry->relations.workspace, key->namespace_, key->name))
            choose(ret, entry);
    }
    for (struct kt_index_link *link = by_claim ? kt_index_first(claims, hash) : NULL; link;
         link = kt_index_next(link)) {
        const struct kt_store_entry *claim = link->thing;
        const char *node = claim->relations.reference.name;
        struct kt_store_entry *entry = node ? kt_store_find(store, KT_KIND_NODE, "", node) : NULL;
        if (entry && kt_pair_is(&claim->relations.workspace, key->namespace_, key->name))
            choose_once(ret, entry);
    }
    return 0;
}

/* Gives the chosen ones' references to the set, or back. */
static int look_at_all(const struct chosen *chosen, struct kt_arena *arena, struct kt_stored_set *ret,
                       struct kt_error *error)
{
    size_t room = KT_MAX(chosen->count, (size_t)1);
    struct kt_stored_set set = {.references = kt_arena_calloc(arena, room, sizeof(struct kt_stored *))};
    const cJSON **items = kt_arena_calloc(arena, room, sizeof(const cJSON *));
    bool good = set.references && items;
    for (size_t i = 0; i < chosen->count; i++) {
        struct kt_stored *stored = good ? look_at(chosen->entries[i]) : NULL;
        if (!good)
            kt_store_entry_release(chosen->entries[i]);
        good = good && stored;
        if (!good)
            continue;
        set.references[set.objects.count] = stored;
        items[set.objects.count++] = stored->object;
    }
    if (!good) {
        kt_stored_set_release(&set);
        return no_memory(error);
    }
    set.objects.items = items;
    set.complete = chosen->complete;
    *ret = set;
    return 0;
}

int kt_store_of_workspace(struct kt_store *store, enum kt_kind_id kind, const struct kt_object_key *key,
                          struct kt_arena *arena, struct kt_stored_set *ret, struct kt_error *error)
{
    struct chosen chosen;
    pthread_mutex_lock(&store->lock);
    int code = choose_by_workspace(store, kind, key, arena, &chosen, error);
    pthread_mutex_unlock(&store->lock);
    return code == 0 ? look_at_all(&chosen, arena, ret, error) : code;
}

static void choose_thing(void *context, void *thing)
{
    choose(context, thing);
}

int kt_store_all(struct kt_store *store, enum kt_kind_id kind, struct kt_arena *arena, struct kt_stored_set *ret,
                 struct kt_error *error)
{
    struct chosen chosen;
    pthread_mutex_lock(&store->lock);
    int code = make_room(arena, store->kinds[kind].by_name.count, &chosen, error);
    if (code == 0)
        kt_index_each(&store->kinds[kind].by_name, choose_thing, &chosen);
    chosen.complete = store->kinds[kind].synced && !kt_store_is_cut(&store->kinds[kind], store->kinds[kind].cut_at);
    pthread_mutex_unlock(&store->lock);
    return code == 0 ? look_at_all(&chosen, arena, ret, error) : code;
}

void kt_stored_set_release(struct kt_stored_set *set)
{
    for (size_t i = 0; i < set->objects.count; i++)
        kt_stored_release(set->references[i]);
    *set = (struct kt_stored_set){0};
}
