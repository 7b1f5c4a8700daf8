/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/admission/snapshot.h"

#include <string.h>

#include "base/limits.h"

#define TRIM_ARENA_BYTES ((size_t)(16 * KT_MIB))

/* Keys of a ConfigMap whose content rules read. */
static const char *const config_keys[] = {"training_config.yaml", "inference_config.yaml"};

void kt_snapshot_store_init(struct kt_snapshot_store *store)
{
    *store = (struct kt_snapshot_store){0};
    pthread_mutex_init(&store->lock, NULL);
}

static void drop_entry(struct kt_snapshot_entry *entry)
{
    if (atomic_fetch_sub(&entry->references, 1) == 1)
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
        cJSON *kept = kt_json_new_object(arena);
        copy_member(arena, kept, condition, "type");
        copy_member(arena, kept, condition, "status");
        kt_json_append(arena, conditions, kept);
    }
    kt_json_set(arena, status, "conditions", conditions);
    return trimmed;
}

struct kt_str kt_snapshot_trim(struct kt_arena *arena, enum kt_snapshot_kind kind, const cJSON *object)
{
    cJSON *trimmed = kind == KT_SNAPSHOT_NODES ? trim_node(arena, object) : trim_config_map(arena, object);
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, KT_LIMIT_API_REPLY_BYTES);
    kt_json_write(&text, trimmed, KT_JSON_COMPACT);
    return arena->failed || text.failed ? (struct kt_str){0} : kt_strbuf_view(&text);
}

/* One block of memory for the entry and its three texts. */
static struct kt_snapshot_entry *new_entry(const char *namespace_, const char *name, struct kt_str text)
{
    size_t namespace_size = strlen(namespace_) + 1, name_size = strlen(name) + 1;
    struct kt_snapshot_entry *entry = kt_heap_alloc(sizeof(*entry) + namespace_size + name_size + text.length + 1);
    if (!entry)
        return NULL;
    char *place = (char *)(entry + 1);
    entry->namespace_ = memcpy(place, namespace_, namespace_size);
    entry->name = memcpy(place + namespace_size, name, name_size);
    entry->text.data = memcpy(place + namespace_size + name_size, text.data, text.length);
    entry->text.length = text.length;
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

/* Under the lock. Takes the entry. */
static int insert(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, struct kt_snapshot_entry *entry,
                  struct kt_error *error)
{
    struct kt_snapshot_list *list = &store->lists[kind];
    bool found;
    size_t index = position(list, entry->namespace_, entry->name, &found);
    size_t replaced = found ? list->entries[index]->text.length : 0;
    if (store->bytes - replaced + entry->text.length > KT_LIMIT_SNAPSHOT_BYTES ||
        (!found && list->count >= KT_LIMIT_SNAPSHOT_OBJECTS))
        return kt_error_set(error, KT_ELIMIT, "the cluster has more objects than the webhook keeps");
    if (!found && !make_room(list))
        return kt_error_set(error, KT_ENOMEM, "no memory for an object of the cluster");
    if (found)
        drop_entry(list->entries[index]);
    else {
        memmove(list->entries + index + 1, list->entries + index,
                (list->count - index) * sizeof(struct kt_snapshot_entry *));
        list->count++;
    }
    list->entries[index] = entry;
    store->bytes = store->bytes - replaced + entry->text.length;
    return 0;
}

static bool identify(const cJSON *object, const char **ret_namespace, const char **ret_name)
{
    *ret_namespace = kt_json_string_or(kt_json_path(object, "metadata", "namespace", NULL), "");
    *ret_name = kt_json_string(kt_json_path(object, "metadata", "name", NULL));
    return *ret_name != NULL;
}

int kt_snapshot_put(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const cJSON *object,
                    struct kt_error *error)
{
    const char *namespace_, *name;
    if (!identify(object, &namespace_, &name))
        return 0; /* not an object that anybody could ask for */
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, TRIM_ARENA_BYTES);
    struct kt_str text = kt_snapshot_trim(&arena, kind, object);
    struct kt_snapshot_entry *entry = text.length > 0 ? new_entry(namespace_, name, text) : NULL;
    if (!entry)
        return kt_error_set(error, KT_ENOMEM, "no memory for an object of the cluster");
    pthread_mutex_lock(&store->lock);
    entry->generation = store->generations[kind];
    int code = insert(store, kind, entry, error);
    if (code == 0 && store->lists[kind].synced)
        publish(store);
    pthread_mutex_unlock(&store->lock);
    if (code != 0)
        drop_entry(entry);
    return code;
}

static void remove_at(struct kt_snapshot_store *store, struct kt_snapshot_list *list, size_t index)
{
    store->bytes -= list->entries[index]->text.length;
    drop_entry(list->entries[index]);
    memmove(list->entries + index, list->entries + index + 1,
            (list->count - index - 1) * sizeof(struct kt_snapshot_entry *));
    list->count--;
}

void kt_snapshot_remove(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const cJSON *object)
{
    const char *namespace_, *name;
    if (!identify(object, &namespace_, &name))
        return;
    pthread_mutex_lock(&store->lock);
    bool found;
    size_t index = position(&store->lists[kind], namespace_, name, &found);
    if (found) {
        remove_at(store, &store->lists[kind], index);
        publish(store);
    }
    pthread_mutex_unlock(&store->lock);
}

void kt_snapshot_restart(struct kt_snapshot_store *store, enum kt_snapshot_kind kind)
{
    pthread_mutex_lock(&store->lock);
    store->generations[kind]++;
    pthread_mutex_unlock(&store->lock);
}

void kt_snapshot_synced(struct kt_snapshot_store *store, enum kt_snapshot_kind kind)
{
    pthread_mutex_lock(&store->lock);
    struct kt_snapshot_list *list = &store->lists[kind];
    for (size_t i = list->count; i > 0; i--)
        if (list->entries[i - 1]->generation != store->generations[kind])
            remove_at(store, list, i - 1);
    list->synced = true;
    publish(store);
    pthread_mutex_unlock(&store->lock);
}

bool kt_snapshot_is_synced(const struct kt_snapshot_store *store, enum kt_snapshot_kind kind)
{
    const struct kt_snapshot *snapshot = atomic_load(&store->published);
    return snapshot && snapshot->lists[kind].synced;
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
