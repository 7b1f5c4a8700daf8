/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/store.h"

#include <string.h>

#include "admission/settings.h"
#include "base/limits.h"
#include "webhook/cluster/key_hash.h"
#include "webhook/cluster/store_internal.h"

/* Of most objects when they are packed. */
#define USUAL_BYTES ((size_t)4000)

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

/* Relations and uid as pointers into the packed texts, which stay. */
static bool read_relations(struct kt_store_entry *entry, enum kt_kind_id kind)
{
    cJSON *nodes = entry->tree ? entry->tree : kt_heap_alloc(entry->packed.nodes * sizeof(cJSON));
    if (!nodes)
        return false;
    kt_store_unpack(&entry->packed, nodes);
    entry->relations = kt_relations_of(kind, nodes);
    entry->uid = uid_of(nodes);
    if (nodes != entry->tree)
        kt_heap_free(nodes);
    return true;
}

/* What is known of a ConfigMap beside what is kept of it. */
static bool add_content(struct kt_store_entry *entry, enum kt_kind_id kind, const cJSON *object)
{
    if (kind != KT_KIND_CONFIG_MAP)
        return true;
    entry->content = kt_config_content_new(object);
    if (entry->content)
        entry->bytes += entry->content->bytes;
    return entry->content != NULL;
}

struct kt_store_entry *kt_store_entry_new(enum kt_kind_id kind, const cJSON *object)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    struct kt_packed packed;
    kt_strbuf_init(&buffer, NULL, KT_LIMIT_WATCH_LINE_BYTES);
    kt_strbuf_reserve(&buffer, USUAL_BYTES);
    if (!kt_store_pack(kind, object, &buffer, &packed))
        return NULL;
    size_t tree_size = kt_kinds[kind].for_rules ? packed.nodes * sizeof(cJSON) : 0;
    size_t version_size = strlen(packed.version) + 1;
    size_t bytes = sizeof(struct kt_store_entry) + tree_size + packed.length + version_size;
    struct kt_store_entry *entry = kt_heap_alloc(bytes);
    if (!entry)
        return NULL;
    char *place = (char *)(entry + 1) + tree_size;
    entry->tree = tree_size > 0 ? (cJSON *)(entry + 1) : NULL;
    entry->packed = packed;
    entry->packed.bytes = memcpy(place, packed.bytes, packed.length);
    entry->packed.version = memcpy(place + packed.length, packed.version, version_size);
    entry->resource_version = version_of(object);
    entry->bytes = bytes;
    atomic_init(&entry->references, 1);
    if (!read_relations(entry, kind) || !add_content(entry, kind, object)) {
        kt_store_entry_release(entry);
        return NULL;
    }
    return entry;
}

/* Do both say the same, resource version aside? */
static bool says_the_same(const struct kt_store_entry *kept, const struct kt_store_entry *fresh)
{
    return kept->packed.length == fresh->packed.length &&
           memcmp(kept->packed.bytes, fresh->packed.bytes, kept->packed.length) == 0 &&
           (!kept->content || (*kept->content->hash && kt_streq(kept->content->hash, fresh->content->hash)));
}

/* --- tables; all under the lock ------------------------------------------------------------------------------------
 */

static void put_into(struct kt_index *index, struct kt_index_link *link, const struct kt_pair *pair,
                     struct kt_store_entry *entry)
{
    if (pair->name)
        kt_index_put(index, link, kt_key_hash(pair->namespace_, pair->name), entry);
}

/* False without memory: then nothing has changed. */
static bool link_entry(struct kt_store *store, enum kt_kind_id kind, struct kt_store_entry *entry)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    entry->share = kt_store_share_add(&tables->shares, entry->relations.own.namespace_, entry->bytes);
    if (!entry->share)
        return false;
    put_into(&tables->by_name, &entry->by_name, &entry->relations.own, entry);
    put_into(&tables->by_workspace, &entry->by_workspace, &entry->relations.workspace, entry);
    put_into(&tables->by_reference, &entry->by_reference, &entry->relations.reference, entry);
    entry->generation = tables->generation;
    tables->bytes += entry->bytes;
    store->bytes += entry->bytes;
    return true;
}

static void unlink_entry(struct kt_store *store, enum kt_kind_id kind, struct kt_store_entry *entry)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    kt_index_drop(&tables->by_name, &entry->by_name);
    kt_index_drop(&tables->by_workspace, &entry->by_workspace);
    kt_index_drop(&tables->by_reference, &entry->by_reference);
    kt_store_share_drop(&tables->shares, entry->share, entry->bytes);
    tables->bytes -= entry->bytes;
    store->bytes -= entry->bytes;
    kt_store_entry_release(entry);
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
    for (size_t i = 0; i < KT_CACHED_KINDS; i++) {
        struct kt_store_kind *tables = &store->kinds[i];
        tables->generation = 1;
        if (kt_index_init(&tables->by_name) && kt_index_init(&tables->by_workspace) &&
            kt_index_init(&tables->by_reference) && kt_index_init(&tables->shares))
            continue;
        kt_store_free(store);
        return kt_error_set(error, KT_ENOMEM, "no memory for the store of objects");
    }
    *ret = store;
    return 0;
}

static void drop_thing(void *context KT_UNUSED, void *thing)
{
    kt_store_entry_release(thing);
}

static void free_thing(void *context KT_UNUSED, void *thing)
{
    kt_heap_free(thing);
}

void kt_store_free(struct kt_store *store)
{
    if (!store)
        return;
    kt_store_unpublish(store);
    for (size_t i = 0; i < KT_CACHED_KINDS; i++) {
        struct kt_store_kind *tables = &store->kinds[i];
        kt_index_each(&tables->by_name, drop_thing, NULL);
        kt_index_release(&tables->by_name);
        kt_index_release(&tables->by_workspace);
        kt_index_release(&tables->by_reference);
        kt_index_each(&tables->shares, free_thing, NULL);
        kt_index_release(&tables->shares);
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
static bool is_known(struct kt_store *store, enum kt_kind_id kind, const struct kt_relations *relations,
                     const cJSON *object)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    uint64_t version = version_of(object);
    struct kt_store_entry *kept = kt_store_find(store, kind, relations->own.namespace_, relations->own.name);
    if (!kept)
        return is_buried(tables, uid_of(object), version);
    if (version == 0 || version > kept->resource_version)
        return false;
    kept->generation = tables->generation; /* the list names it, if in an older state */
    return true;
}

static void drop_kept(struct kt_store *store, enum kt_kind_id kind, struct kt_store_entry *kept,
                      const struct kt_store_visitor *visitor)
{
    if (!kept)
        return;
    kt_store_visit_related(store, kind, &kept->relations, visitor);
    kt_store_publish(store, kind, kept, NULL);
    unlink_entry(store, kind, kept);
}

static const size_t most_bytes[KT_CACHED_KINDS] = {
    [KT_KIND_WORKSPACE] = KT_LIMIT_STORE_WORKSPACE_BYTES,
    [KT_KIND_NODE_CLAIM] = KT_LIMIT_STORE_NODE_CLAIM_BYTES,
    [KT_KIND_NODE] = KT_LIMIT_STORE_NODE_BYTES,
    [KT_KIND_JOB] = KT_LIMIT_STORE_JOB_BYTES,
    [KT_KIND_POD] = KT_LIMIT_STORE_POD_BYTES,
    [KT_KIND_CONFIG_MAP] = KT_LIMIT_STORE_CONFIG_MAP_BYTES,
};

/* Is there room in the share of its namespace? */
static bool fits_share(const struct kt_store_kind *tables, const char *namespace_, size_t most, size_t kept_bytes,
                       size_t fresh_bytes)
{
    const struct kt_store_share *share = *namespace_ ? kt_store_share_find(&tables->shares, namespace_) : NULL;
    size_t bytes = share ? share->bytes : 0, count = share ? share->count : 0;
    if (!*namespace_)
        return true;
    return bytes - kept_bytes + fresh_bytes <= most / KT_LIMIT_NAMESPACE_SHARE &&
           (kept_bytes > 0 || count < KT_LIMIT_STORE_OBJECTS / KT_LIMIT_NAMESPACE_SHARE);
}

/* Is there room for it among all of its kind? */
static bool fits_kind(const struct kt_store *store, enum kt_kind_id kind, const struct kt_store_entry *kept,
                      const struct kt_store_entry *fresh)
{
    const struct kt_store_kind *tables = &store->kinds[kind];
    const char *namespace_ = fresh->relations.own.namespace_;
    size_t kept_bytes = kept ? kept->bytes : 0, most = most_bytes[kind];
    size_t room = *namespace_ && kt_streq(namespace_, store->release_namespace) ? most / KT_LIMIT_NAMESPACE_SHARE : 0;
    return tables->bytes - kept_bytes + fresh->bytes <= most + room &&
           (kept || tables->by_name.count < KT_LIMIT_STORE_OBJECTS);
}

/* Under the lock. An object is left out: from now on, until a list that fits, what is not there is not known to be
 * absent: in its namespace, or, with namespace_ "", anywhere. Its older state goes, too: better unknown than stale. */
static void leave_out(struct kt_store *store, enum kt_kind_id kind, const char *namespace_, struct kt_store_entry *kept,
                      const struct kt_store_visitor *visitor)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    struct kt_store_share *share = *namespace_ ? kt_store_share_get(&tables->shares, namespace_) : NULL;
    bool was_complete = !kt_store_is_cut(tables, tables->cut_at);
    tables->cut_at = tables->generation;
    if (share)
        share->cut_at = tables->generation;
    else
        tables->full_at = tables->generation;
    if (kept)
        drop_kept(store, kind, kept, visitor);
    else if (was_complete)
        kt_store_publish(store, kind, NULL, NULL);
}

/* A label was changed: the Workspace that an object belonged to until now. */
static void visit_the_left(const struct kt_relations *old, const struct kt_relations *fresh,
                           const struct kt_store_visitor *visitor)
{
    const struct kt_pair *left = &old->workspace;
    if (visitor && left->name && !kt_pair_is(&fresh->workspace, left->namespace_, left->name))
        kt_store_visit_pair(visitor, left);
}

/* Under the lock. Nothing but the version is new: those who read it go on with the same entry. */
static void renew(struct kt_store *store, enum kt_kind_id kind, struct kt_store_entry *kept,
                  const struct kt_store_entry *fresh)
{
    kept->resource_version = fresh->resource_version;
    kept->generation = store->kinds[kind].generation;
}

/* Under the lock. *ret_taken: the store has taken fresh over. *ret_changed: more than the resource version. */
static int replace(struct kt_store *store, enum kt_kind_id kind, struct kt_store_entry *fresh,
                   const struct kt_store_visitor *visitor, bool *ret_taken, bool *ret_changed, struct kt_error *error)
{
    const struct kt_pair *own = &fresh->relations.own;
    struct kt_store_entry *kept = kt_store_find(store, kind, own->namespace_, own->name);
    *ret_changed = !kept || !says_the_same(kept, fresh);
    if (!*ret_changed && kept->tree) {
        renew(store, kind, kept, fresh);
        return 0;
    }
    if (!fits_kind(store, kind, kept, fresh)) {
        leave_out(store, kind, "", kept, visitor);
        return kt_error_set(error, KT_ELIMIT, "the cluster has more objects than are kept");
    }
    if (!fits_share(&store->kinds[kind], own->namespace_, most_bytes[kind], kept ? kept->bytes : 0, fresh->bytes)) {
        leave_out(store, kind, own->namespace_, kept, visitor);
        return kt_error_set(error, KT_ELIMIT, "the namespace has more objects than are kept of one");
    }
    if (!link_entry(store, kind, fresh)) {
        leave_out(store, kind, "", kept, visitor);
        return kt_error_set(error, KT_ENOMEM, "no memory for an object of the cluster");
    }
    *ret_taken = true;
    kt_store_publish(store, kind, kept, fresh);
    if (kept && *ret_changed)
        visit_the_left(&kept->relations, &fresh->relations, visitor);
    if (kept)
        unlink_entry(store, kind, kept);
    if (*ret_changed)
        kt_store_visit_related(store, kind, &fresh->relations, visitor);
    return 0;
}

static int put_unwanted(struct kt_store *store, enum kt_kind_id kind, const struct kt_relations *relations,
                        const struct kt_store_visitor *visitor, bool *ret_changed)
{
    struct kt_store_entry *kept = kt_store_find(store, kind, relations->own.namespace_, relations->own.name);
    *ret_changed = kept != NULL;
    drop_kept(store, kind, kept, visitor);
    return 0;
}

static int no_memory(struct kt_store *store, enum kt_kind_id kind, const struct kt_relations *relations,
                     const struct kt_store_visitor *visitor, bool *ret_changed, struct kt_error *error)
{
    struct kt_store_entry *kept = kt_store_find(store, kind, relations->own.namespace_, relations->own.name);
    *ret_changed = kept != NULL;
    leave_out(store, kind, "", kept, visitor);
    return kt_error_set(error, KT_ENOMEM, "no memory for an object of the cluster");
}

int kt_store_put_and_visit(struct kt_store *store, enum kt_kind_id kind, const cJSON *object,
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
        bool wanted = kt_store_wants(kind, object), taken = false;
        struct kt_store_entry *fresh = wanted ? kt_store_entry_new(kind, object) : NULL;
        pthread_mutex_lock(&store->lock);
        if (is_known(store, kind, &relations, object))
            changed = false;
        else if (!wanted)
            code = put_unwanted(store, kind, &relations, visitor, &changed);
        else if (!fresh)
            code = no_memory(store, kind, &relations, visitor, &changed, error);
        else
            code = replace(store, kind, fresh, visitor, &taken, &changed, error);
        pthread_mutex_unlock(&store->lock);
        if (!taken)
            kt_store_entry_release(fresh);
    }
    if (ret_changed && code == 0)
        *ret_changed = changed;
    return code;
}

int kt_store_put(struct kt_store *store, enum kt_kind_id kind, const cJSON *object, bool *ret_changed,
                 struct kt_error *error)
{
    return kt_store_put_and_visit(store, kind, object, NULL, ret_changed, error);
}

void kt_store_remove_and_visit(struct kt_store *store, enum kt_kind_id kind, const cJSON *object,
                               const struct kt_store_visitor *visitor)
{
    struct kt_relations relations = kt_relations_of(kind, object);
    if (!relations.own.name)
        return;
    pthread_mutex_lock(&store->lock);
    struct kt_store_entry *kept = kt_store_find(store, kind, relations.own.namespace_, relations.own.name);
    const char *uid = uid_of(object);
    bury(&store->kinds[kind], uid, version_of(object));
    if (kept && (!*uid || !*kept->uid || kt_streq(uid, kept->uid)))
        drop_kept(store, kind, kept, visitor);
    pthread_mutex_unlock(&store->lock);
}

void kt_store_remove(struct kt_store *store, enum kt_kind_id kind, const cJSON *object)
{
    kt_store_remove_and_visit(store, kind, object, NULL);
}

void kt_store_restart(struct kt_store *store, enum kt_kind_id kind)
{
    pthread_mutex_lock(&store->lock);
    store->kinds[kind].generation++;
    pthread_mutex_unlock(&store->lock);
}

struct sweep {
    struct kt_store *store;
    enum kt_kind_id kind;
    uint64_t list_version; /* 0: not known */
    const struct kt_store_visitor *visitor;
};

static void sweep_one(void *context, void *thing)
{
    const struct sweep *sweep = context;
    struct kt_store_entry *entry = thing;
    struct kt_store_kind *tables = &sweep->store->kinds[sweep->kind];
    if (entry->generation == tables->generation)
        return;
    /* The reply to a write that was made after the list was read: what becomes of it is the watch's to tell. */
    if (sweep->list_version != 0 && entry->resource_version > sweep->list_version)
        return;
    bury(tables, entry->uid, entry->resource_version);
    drop_kept(sweep->store, sweep->kind, entry, sweep->visitor);
}

void kt_store_synced_at(struct kt_store *store, enum kt_kind_id kind, const char *list_version,
                        const struct kt_store_visitor *visitor)
{
    struct sweep sweep = {store, kind, list_version ? number_of(list_version) : 0, visitor};
    pthread_mutex_lock(&store->lock);
    struct kt_store_kind *tables = &store->kinds[kind];
    tables->synced = false; /* so that the end of the sweep is published, not each turn */
    kt_index_each(&tables->by_name, sweep_one, &sweep);
    tables->synced = true;
    tables->synced_generation = tables->generation;
    kt_store_share_settle(&tables->shares, tables->generation);
    kt_store_publish_all(store, kind);
    pthread_mutex_unlock(&store->lock);
}

void kt_store_synced_and_visit(struct kt_store *store, enum kt_kind_id kind, const struct kt_store_visitor *visitor)
{
    kt_store_synced_at(store, kind, NULL, visitor);
}

void kt_store_synced(struct kt_store *store, enum kt_kind_id kind)
{
    kt_store_synced_and_visit(store, kind, NULL);
}
