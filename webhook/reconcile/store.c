/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/store.h"

#include <string.h>

#include "admission/settings.h"
#include "base/limits.h"
#include "webhook/reconcile/key_hash.h"
#include "webhook/reconcile/store_internal.h"
#include "webhook/reconcile/store_trim.h"

/* --- one object ----------------------------------------------------------------------------------------------------
 */

static uint64_t number_of(const char *version)
{
    uint64_t number = 0;
    for (const char *digit = version; *digit; digit++) {
        if (!kt_ascii_is_digit(*digit) || number > (UINT64_MAX - 9) / 10)
            return 0;
        number = number * 10 + (uint64_t)(*digit - '0');
    }
    return number;
}

static uint64_t version_of(const cJSON *object)
{
    return number_of(kt_json_string_or(kt_json_path(object, "metadata", "resourceVersion", NULL), ""));
}

static const char *uid_of(const cJSON *object)
{
    return kt_json_string_or(kt_json_path(object, "metadata", "uid", NULL), "");
}

static struct kt_stored *new_stored(enum kt_stored_kind kind, const cJSON *object)
{
    struct kt_stored *stored = kt_heap_alloc(sizeof(*stored));
    if (!stored)
        return NULL;
    size_t object_bytes = 0;
    stored->object = kt_store_trim(kind, object, &object_bytes);
    if (!stored->object) {
        kt_heap_free(stored);
        return NULL;
    }
    stored->relations = kt_relations_of(kind, stored->object);
    stored->resource_version = version_of(stored->object);
    stored->uid = uid_of(stored->object);
    stored->bytes = sizeof(*stored) + object_bytes;
    atomic_init(&stored->references, 1);
    return stored;
}

/* Do both say the same, resource version aside? The fresh one is still ours alone. */
static bool says_the_same(const struct kt_stored *kept, const struct kt_stored *fresh)
{
    cJSON *version = kt_json_path(fresh->object, "metadata", "resourceVersion", NULL);
    const cJSON *old_version = kt_json_path(kept->object, "metadata", "resourceVersion", NULL);
    if (!kt_json_is_string(version) || !kt_json_is_string(old_version))
        return kt_json_equal(kept->object, fresh->object);
    char *text = version->valuestring;
    version->valuestring = old_version->valuestring;
    bool same = kt_json_equal(kept->object, fresh->object);
    version->valuestring = text;
    return same;
}

/* --- tables; all under the lock ------------------------------------------------------------------------------------
 */

static void put_into(struct kt_index *index, struct kt_index_link *link, const struct kt_pair *pair,
                     struct kt_stored *stored)
{
    if (pair->name)
        kt_index_put(index, link, kt_key_hash(pair->namespace_, pair->name), stored);
}

static void link_stored(struct kt_store *store, enum kt_stored_kind kind, struct kt_stored *stored)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    put_into(&tables->by_name, &stored->by_name, &stored->relations.own, stored);
    put_into(&tables->by_workspace, &stored->by_workspace, &stored->relations.workspace, stored);
    put_into(&tables->by_reference, &stored->by_reference, &stored->relations.reference, stored);
    stored->generation = tables->generation;
    store->bytes += stored->bytes;
}

static void unlink_stored(struct kt_store *store, enum kt_stored_kind kind, struct kt_stored *stored)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    kt_index_drop(&tables->by_name, &stored->by_name);
    kt_index_drop(&tables->by_workspace, &stored->by_workspace);
    kt_index_drop(&tables->by_reference, &stored->by_reference);
    store->bytes -= stored->bytes;
    kt_stored_release(stored);
}

static void bury(struct kt_store_kind *tables, const char *uid, uint64_t resource_version)
{
    uint64_t hash = kt_hash_text(KT_HASH_START, uid);
    if (*uid)
        tables->tombstones[hash % KT_STORE_TOMBSTONES] = (struct kt_tombstone){hash, resource_version};
}

static bool is_buried(const struct kt_store_kind *tables, const char *uid, uint64_t resource_version)
{
    uint64_t hash = kt_hash_text(KT_HASH_START, uid);
    const struct kt_tombstone *tombstone = &tables->tombstones[hash % KT_STORE_TOMBSTONES];
    return *uid && tombstone->uid_hash == hash && resource_version <= tombstone->resource_version;
}

/* --- life ----------------------------------------------------------------------------------------------------------
 */

int kt_store_new(struct kt_store **ret, struct kt_error *error)
{
    struct kt_store *store = kt_heap_alloc(sizeof(*store));
    if (!store)
        return kt_error_set(error, KT_ENOMEM, "no memory for the store of objects");
    pthread_mutex_init(&store->lock, NULL);
    struct kt_settings defaults;
    kt_settings_init(&defaults);
    kt_store_set_release_namespace(store, defaults.release_namespace);
    for (size_t i = 0; i < KT_STORED_KINDS; i++) {
        struct kt_store_kind *tables = &store->kinds[i];
        if (kt_index_init(&tables->by_name) && kt_index_init(&tables->by_workspace) &&
            kt_index_init(&tables->by_reference))
            continue;
        kt_store_free(store);
        return kt_error_set(error, KT_ENOMEM, "no memory for the store of objects");
    }
    *ret = store;
    return 0;
}

static void drop_thing(void *context KT_UNUSED, void *thing)
{
    kt_stored_release(thing);
}

void kt_store_free(struct kt_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < KT_STORED_KINDS; i++) {
        struct kt_store_kind *tables = &store->kinds[i];
        kt_index_each(&tables->by_name, drop_thing, NULL);
        kt_index_release(&tables->by_name);
        kt_index_release(&tables->by_workspace);
        kt_index_release(&tables->by_reference);
    }
    pthread_mutex_destroy(&store->lock);
    kt_heap_free(store);
}

void kt_store_set_release_namespace(struct kt_store *store, const char *namespace_)
{
    store->release_namespace = namespace_ ? namespace_ : "";
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

/* Under the lock. Is this state already known, or older than what is known? Then it changes nothing. */
static bool is_known(struct kt_store *store, enum kt_stored_kind kind, const struct kt_relations *relations,
                     const cJSON *object)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    uint64_t version = version_of(object);
    struct kt_stored *kept = kt_store_find(store, kind, relations->own.namespace_, relations->own.name);
    if (!kept)
        return is_buried(tables, uid_of(object), version);
    if (version == 0 || version > kept->resource_version)
        return false;
    kept->generation = tables->generation; /* the list names it, if in an older state */
    return true;
}

static void drop_kept(struct kt_store *store, enum kt_stored_kind kind, struct kt_stored *kept,
                      const struct kt_store_visitor *visitor)
{
    if (!kept)
        return;
    kt_store_visit_related(store, kind, &kept->relations, visitor);
    unlink_stored(store, kind, kept);
}

static bool fits(const struct kt_store *store, enum kt_stored_kind kind, const struct kt_stored *kept,
                 const struct kt_stored *fresh)
{
    size_t bytes = store->bytes - (kept ? kept->bytes : 0) + fresh->bytes;
    return bytes <= KT_LIMIT_STORE_BYTES && (kept || store->kinds[kind].by_name.count < KT_LIMIT_STORE_OBJECTS);
}

/* A label was changed: the Workspace that an object belonged to until now. */
static void visit_the_left(const struct kt_relations *old, const struct kt_relations *fresh,
                           const struct kt_store_visitor *visitor)
{
    const struct kt_pair *left = &old->workspace;
    if (visitor && left->name && !kt_pair_is(&fresh->workspace, left->namespace_, left->name))
        kt_store_visit_pair(visitor, left);
}

/* Under the lock. Takes fresh when it returns 0. *ret_changed: more than the resource version. */
static int replace(struct kt_store *store, enum kt_stored_kind kind, struct kt_stored *fresh,
                   const struct kt_store_visitor *visitor, bool *ret_changed, struct kt_error *error)
{
    const struct kt_pair *own = &fresh->relations.own;
    struct kt_stored *kept = kt_store_find(store, kind, own->namespace_, own->name);
    *ret_changed = !kept || !says_the_same(kept, fresh);
    if (!fits(store, kind, kept, fresh)) {
        drop_kept(store, kind, kept, visitor);
        store->kinds[kind].cut = store->kinds[kind].incomplete = true;
        return kt_error_set(error, KT_ELIMIT, "the cluster has more objects than the reconciler keeps");
    }
    if (kept && *ret_changed)
        visit_the_left(&kept->relations, &fresh->relations, visitor);
    if (kept)
        unlink_stored(store, kind, kept);
    link_stored(store, kind, fresh);
    if (*ret_changed)
        kt_store_visit_related(store, kind, &fresh->relations, visitor);
    return 0;
}

static int put_unwanted(struct kt_store *store, enum kt_stored_kind kind, const struct kt_relations *relations,
                        const struct kt_store_visitor *visitor, bool *ret_changed)
{
    struct kt_stored *kept = kt_store_find(store, kind, relations->own.namespace_, relations->own.name);
    *ret_changed = kept != NULL;
    drop_kept(store, kind, kept, visitor);
    return 0;
}

static int no_memory(struct kt_store *store, enum kt_stored_kind kind, const struct kt_relations *relations,
                     const struct kt_store_visitor *visitor, bool *ret_changed, struct kt_error *error)
{
    put_unwanted(store, kind, relations, visitor, ret_changed);
    store->kinds[kind].cut = store->kinds[kind].incomplete = true;
    return kt_error_set(error, KT_ENOMEM, "no memory for an object of the cluster");
}

int kt_store_put_and_visit(struct kt_store *store, enum kt_stored_kind kind, const cJSON *object,
                           const struct kt_store_visitor *visitor, bool *ret_changed, struct kt_error *error)
{
    struct kt_relations relations = kt_relations_of(kind, object);
    bool changed = false;
    int code = 0;
    if (!relations.own.name)
        return 0; /* nothing that anybody could ask for */
    pthread_mutex_lock(&store->lock);
    bool known = is_known(store, kind, &relations, object);
    pthread_mutex_unlock(&store->lock);
    if (!known) {
        /* Copied without the lock; another writer may be first meanwhile, so that the question is asked again. */
        bool wanted = kt_store_wants(kind, object);
        struct kt_stored *fresh = wanted ? new_stored(kind, object) : NULL;
        pthread_mutex_lock(&store->lock);
        if (is_known(store, kind, &relations, object))
            changed = false;
        else if (!wanted)
            code = put_unwanted(store, kind, &relations, visitor, &changed);
        else if (!fresh)
            code = no_memory(store, kind, &relations, visitor, &changed, error);
        else if ((code = replace(store, kind, fresh, visitor, &changed, error)) == 0)
            fresh = NULL;
        pthread_mutex_unlock(&store->lock);
        if (fresh)
            kt_stored_release(fresh);
    }
    if (ret_changed && code == 0)
        *ret_changed = changed;
    return code;
}

int kt_store_put(struct kt_store *store, enum kt_stored_kind kind, const cJSON *object, bool *ret_changed,
                 struct kt_error *error)
{
    return kt_store_put_and_visit(store, kind, object, NULL, ret_changed, error);
}

void kt_store_remove_and_visit(struct kt_store *store, enum kt_stored_kind kind, const cJSON *object,
                               const struct kt_store_visitor *visitor)
{
    struct kt_relations relations = kt_relations_of(kind, object);
    if (!relations.own.name)
        return;
    pthread_mutex_lock(&store->lock);
    struct kt_stored *kept = kt_store_find(store, kind, relations.own.namespace_, relations.own.name);
    const char *uid = uid_of(object);
    bury(&store->kinds[kind], uid, version_of(object));
    if (kept && (!*uid || !*kept->uid || kt_streq(uid, kept->uid)))
        drop_kept(store, kind, kept, visitor);
    pthread_mutex_unlock(&store->lock);
}

void kt_store_remove(struct kt_store *store, enum kt_stored_kind kind, const cJSON *object)
{
    kt_store_remove_and_visit(store, kind, object, NULL);
}

void kt_store_restart(struct kt_store *store, enum kt_stored_kind kind)
{
    pthread_mutex_lock(&store->lock);
    store->kinds[kind].generation++;
    store->kinds[kind].cut = false;
    pthread_mutex_unlock(&store->lock);
}

struct sweep {
    struct kt_store *store;
    enum kt_stored_kind kind;
    const struct kt_store_visitor *visitor;
};

static void sweep_one(void *context, void *thing)
{
    const struct sweep *sweep = context;
    struct kt_stored *stored = thing;
    struct kt_store_kind *tables = &sweep->store->kinds[sweep->kind];
    if (stored->generation == tables->generation)
        return;
    bury(tables, stored->uid, stored->resource_version);
    drop_kept(sweep->store, sweep->kind, stored, sweep->visitor);
}

void kt_store_synced_and_visit(struct kt_store *store, enum kt_stored_kind kind, const struct kt_store_visitor *visitor)
{
    struct sweep sweep = {store, kind, visitor};
    pthread_mutex_lock(&store->lock);
    struct kt_store_kind *tables = &store->kinds[kind];
    kt_index_each(&tables->by_name, sweep_one, &sweep);
    tables->synced = true;
    tables->incomplete = tables->cut;
    pthread_mutex_unlock(&store->lock);
}

void kt_store_synced(struct kt_store *store, enum kt_stored_kind kind)
{
    kt_store_synced_and_visit(store, kind, NULL);
}
