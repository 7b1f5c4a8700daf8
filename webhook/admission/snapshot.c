/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/admission/snapshot.h"

#include <string.h>

#include "base/limits.h"
#include "webhook/admission/object_copy.h"

#define TRIM_ARENA_BYTES ((size_t)(16 * KT_MIB))

void kt_snapshot_store_init(struct kt_snapshot_store *store)
{
    *store = (struct kt_snapshot_store){0};
    pthread_mutex_init(&store->lock, NULL);
}

static void drop_entry(struct kt_snapshot_entry *entry)
{
    if (atomic_fetch_sub(&entry->references, 1) > 1)
        return;
    kt_heap_free(entry->object);
    kt_heap_free(entry);
}

static void release_list(struct kt_snapshot_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        drop_entry(list->entries[i]);
    kt_heap_free(list->entries);
    *list = (struct kt_snapshot_list){0};
}

static void free_snapshot(struct kt_snapshot *snapshot)
{
    for (size_t i = 0; i < KT_SNAPSHOT_KINDS; i++)
        release_list(&snapshot->lists[i]);
    kt_heap_free(snapshot);
}

/* The store owns what it published; readers only borrow. */
static struct kt_snapshot *owned(const struct kt_snapshot *snapshot)
{
    union {
        const struct kt_snapshot *in;
        struct kt_snapshot *out;
    } both = {.in = snapshot};
    return both.out;
}

static bool in_use(const struct kt_snapshot_store *store, const struct kt_snapshot *snapshot)
{
    for (size_t i = 0; i < store->slot_count; i++)
        if (atomic_load(&store->slots[i]->in_use) == snapshot)
            return true;
    return false;
}

static void reclaim(struct kt_snapshot_store *store)
{
    struct kt_snapshot **link = &store->retired;
    while (*link) {
        struct kt_snapshot *snapshot = *link;
        if (in_use(store, snapshot)) {
            link = &snapshot->next_retired;
            continue;
        }
        *link = snapshot->next_retired;
        free_snapshot(snapshot);
    }
}

static bool copy_list(struct kt_snapshot_list *to, const struct kt_snapshot_list *from)
{
    to->synced = from->synced;
    to->incomplete = from->incomplete;
    if (from->count == 0)
        return true;
    to->entries = kt_heap_alloc(from->count * sizeof(struct kt_snapshot_entry *));
    if (!to->entries)
        return false;
    for (size_t i = 0; i < from->count; i++) {
        atomic_fetch_add(&from->entries[i]->references, 1);
        to->entries[i] = from->entries[i];
    }
    to->count = to->capacity = from->count;
    return true;
}

/* Under the lock. Without memory the old snapshot stays: older, but whole. */
static void publish(struct kt_snapshot_store *store)
{
    struct kt_snapshot *fresh = kt_heap_alloc(sizeof(*fresh));
    if (!fresh)
        return;
    for (size_t i = 0; i < KT_SNAPSHOT_KINDS; i++) {
        if (!copy_list(&fresh->lists[i], &store->lists[i])) {
            free_snapshot(fresh);
            return;
        }
    }
    struct kt_snapshot *old = owned(atomic_exchange(&store->published, fresh));
    if (old) {
        old->next_retired = store->retired;
        store->retired = old;
    }
    reclaim(store);
}

void kt_snapshot_store_release(struct kt_snapshot_store *store)
{
    struct kt_snapshot *last = owned(atomic_exchange(&store->published, NULL));
    if (last) {
        last->next_retired = store->retired;
        store->retired = last;
    }
    store->slot_count = 0;
    reclaim(store);
    for (size_t i = 0; i < KT_SNAPSHOT_KINDS; i++)
        release_list(&store->lists[i]);
    pthread_mutex_destroy(&store->lock);
}

static int compare(const struct kt_snapshot_entry *entry, const char *namespace_, const char *name)
{
    int order = strcmp(entry->namespace_, namespace_);
    return order != 0 ? order : strcmp(entry->name, name);
}

/* Index of the entry, or where it would stand. */
static size_t position(const struct kt_snapshot_list *list, const char *namespace_, const char *name, bool *ret_found)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(list->entries[middle], namespace_, name);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

const struct kt_snapshot_entry *kt_snapshot_find(const struct kt_snapshot_list *list, const char *namespace_,
                                                 const char *name)
{
    bool found;
    size_t index = position(list, namespace_, name, &found);
    return found ? list->entries[index] : NULL;
}

/* Is there anything in it that a rule reads? */
static bool is_wanted(enum kt_snapshot_kind kind, const cJSON *trimmed)
{
    return kind == KT_SNAPSHOT_NODES || kt_json_count(kt_json_get(trimmed, "data")) > 0;
}

static struct kt_snapshot_entry *new_entry(const char *namespace_, const char *name, const cJSON *trimmed)
{
    size_t namespace_size = strlen(namespace_) + 1, name_size = strlen(name) + 1, object_bytes = 0;
    struct kt_snapshot_entry *entry = kt_heap_alloc(sizeof(*entry) + namespace_size + name_size);
    if (!entry)
        return NULL;
    entry->object = kt_object_copy(trimmed, &object_bytes);
    if (!entry->object) {
        kt_heap_free(entry);
        return NULL;
    }
    char *place = (char *)(entry + 1);
    entry->namespace_ = memcpy(place, namespace_, namespace_size);
    entry->name = memcpy(place + namespace_size, name, name_size);
    entry->bytes = sizeof(*entry) + namespace_size + name_size + object_bytes;
    atomic_init(&entry->references, 1);
    return entry;
}

static bool make_room(struct kt_snapshot_list *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = KT_MAX(list->capacity * 2, (size_t)16);
    struct kt_snapshot_entry **grown = kt_heap_realloc(list->entries, capacity * sizeof(struct kt_snapshot_entry *));
    if (!grown)
        return false;
    list->entries = grown;
    list->capacity = capacity;
    return true;
}

static void remove_at(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, size_t index)
{
    struct kt_snapshot_list *list = &store->lists[kind];
    store->bytes[kind] -= list->entries[index]->bytes;
    drop_entry(list->entries[index]);
    memmove(list->entries + index, list->entries + index + 1,
            (list->count - index - 1) * sizeof(struct kt_snapshot_entry *));
    list->count--;
}

static const size_t most_bytes[KT_SNAPSHOT_KINDS] = {
    [KT_SNAPSHOT_CONFIG_MAPS] = KT_LIMIT_SNAPSHOT_CONFIG_MAP_BYTES,
    [KT_SNAPSHOT_NODES] = KT_LIMIT_SNAPSHOT_NODE_BYTES,
};

/* Is there room in the share of its namespace? The entries of one stand together, at most a share of them. */
static bool fits_share(const struct kt_snapshot_list *list, size_t index, const struct kt_snapshot_entry *entry,
                       size_t most)
{
    size_t bytes = entry->bytes, count = 1;
    if (!*entry->namespace_)
        return true;
    for (size_t i = index; i > 0 && kt_streq(list->entries[i - 1]->namespace_, entry->namespace_); i--, count++)
        bytes += list->entries[i - 1]->bytes;
    for (size_t i = index; i < list->count && kt_streq(list->entries[i]->namespace_, entry->namespace_); i++, count++)
        bytes += list->entries[i]->bytes;
    return bytes <= most / KT_LIMIT_NAMESPACE_SHARE && count <= KT_LIMIT_SNAPSHOT_OBJECTS / KT_LIMIT_NAMESPACE_SHARE;
}

/* Under the lock. Takes the entry when it returns 0. */
static int insert_at(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, size_t index,
                     struct kt_snapshot_entry *entry, struct kt_error *error)
{
    struct kt_snapshot_list *list = &store->lists[kind];
    if (store->bytes[kind] + entry->bytes > most_bytes[kind] || list->count >= KT_LIMIT_SNAPSHOT_OBJECTS)
        return kt_error_set(error, KT_ELIMIT, "the cluster has more objects than the webhook keeps");
    if (!fits_share(list, index, entry, most_bytes[kind]))
        return kt_error_set(error, KT_ELIMIT, "the namespace has more objects than the webhook keeps of one");
    if (!make_room(list))
        return kt_error_set(error, KT_ENOMEM, "no memory for an object of the cluster");
    memmove(list->entries + index + 1, list->entries + index,
            (list->count - index) * sizeof(struct kt_snapshot_entry *));
    list->entries[index] = entry;
    list->count++;
    store->bytes[kind] += entry->bytes;
    return 0;
}

static bool identify(const cJSON *object, const char **ret_namespace, const char **ret_name)
{
    *ret_namespace = kt_json_string_or(kt_json_path(object, "metadata", "namespace", NULL), "");
    *ret_name = kt_json_string(kt_json_path(object, "metadata", "name", NULL));
    return *ret_name != NULL;
}

/* Under the lock. Puts the trimmed object in the place of its older state; trimmed NULL: only takes that out. True when
 * readers must be told. */
static bool replace(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const char *namespace_,
                    const char *name, const cJSON *trimmed, int *ret_code, struct kt_error *error)
{
    struct kt_snapshot_list *list = &store->lists[kind];
    bool found;
    size_t index = position(list, namespace_, name, &found);
    *ret_code = 0;
    if (found && trimmed && kt_json_equal(list->entries[index]->object, trimmed)) {
        list->entries[index]->generation = store->generations[kind]; /* a heartbeat, or seen again in a new list */
        return false;
    }
    if (found)
        remove_at(store, kind, index);
    if (!trimmed)
        return found;
    struct kt_snapshot_entry *entry = new_entry(namespace_, name, trimmed);
    *ret_code = entry ? insert_at(store, kind, index, entry, error)
                      : kt_error_set(error, KT_ENOMEM, "no memory for an object of the cluster");
    if (*ret_code == 0) {
        entry->generation = store->generations[kind];
        return true;
    }
    if (entry)
        drop_entry(entry);
    store->cut[kind] = list->incomplete = true;
    return true;
}

int kt_snapshot_put(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const cJSON *object,
                    struct kt_error *error)
{
    const char *namespace_, *name;
    if (!identify(object, &namespace_, &name))
        return 0; /* not an object that anybody could ask for */
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, TRIM_ARENA_BYTES);
    const cJSON *trimmed = kt_snapshot_trim(&arena, kind, object);
    int code = 0;
    pthread_mutex_lock(&store->lock);
    bool changed =
        replace(store, kind, namespace_, name, trimmed && is_wanted(kind, trimmed) ? trimmed : NULL, &code, error);
    if (!trimmed) {
        store->cut[kind] = store->lists[kind].incomplete = changed = true;
        code = kt_error_set(error, KT_ENOMEM, "no memory for an object of the cluster");
    }
    if (changed && store->lists[kind].synced)
        publish(store);
    pthread_mutex_unlock(&store->lock);
    return code;
}

void kt_snapshot_remove(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const cJSON *object)
{
    const char *namespace_, *name;
    int code;
    if (!identify(object, &namespace_, &name))
        return;
    pthread_mutex_lock(&store->lock);
    if (replace(store, kind, namespace_, name, NULL, &code, NULL) && store->lists[kind].synced)
        publish(store);
    pthread_mutex_unlock(&store->lock);
}

void kt_snapshot_restart(struct kt_snapshot_store *store, enum kt_snapshot_kind kind)
{
    pthread_mutex_lock(&store->lock);
    store->generations[kind]++;
    store->cut[kind] = false;
    pthread_mutex_unlock(&store->lock);
}

void kt_snapshot_synced(struct kt_snapshot_store *store, enum kt_snapshot_kind kind)
{
    pthread_mutex_lock(&store->lock);
    struct kt_snapshot_list *list = &store->lists[kind];
    for (size_t i = list->count; i > 0; i--)
        if (list->entries[i - 1]->generation != store->generations[kind])
            remove_at(store, kind, i - 1);
    list->synced = true;
    list->incomplete = store->cut[kind];
    publish(store);
    atomic_store(&store->synced[kind], true);
    pthread_mutex_unlock(&store->lock);
}

bool kt_snapshot_is_synced(const struct kt_snapshot_store *store, enum kt_snapshot_kind kind)
{
    return atomic_load(&store->synced[kind]);
}

bool kt_snapshot_add_slot(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot)
{
    pthread_mutex_lock(&store->lock);
    bool room = store->slot_count < KT_ARRAY_LENGTH(store->slots);
    if (room)
        store->slots[store->slot_count++] = slot;
    pthread_mutex_unlock(&store->lock);
    return room;
}

void kt_snapshot_drop_slot(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot)
{
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->slot_count; i++) {
        if (store->slots[i] == slot) {
            store->slots[i] = store->slots[--store->slot_count];
            break;
        }
    }
    pthread_mutex_unlock(&store->lock);
}

const struct kt_snapshot *kt_snapshot_enter(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot)
{
    /* The mark counts only if the snapshot was still the current one after it was made: otherwise the writer may have
     * looked at the slots before. */
    for (;;) {
        const struct kt_snapshot *snapshot = atomic_load(&store->published);
        atomic_store(&slot->in_use, snapshot);
        if (atomic_load(&store->published) == snapshot)
            return snapshot;
    }
}

void kt_snapshot_leave(struct kt_snapshot_slot *slot)
{
    atomic_store(&slot->in_use, NULL);
}
