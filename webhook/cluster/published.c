/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/published.h"

#include <stdlib.h>
#include <string.h>

#include "webhook/cluster/store_internal.h"

struct kt_published {
    struct kt_published *next_retired;
    bool complete;
    size_t count;
    struct kt_store_entry *entries[]; /* sorted by namespace and name; each with a reference */
};

/* --- an index ------------------------------------------------------------------------------------------------ */

static int compare(const struct kt_pair *own, const char *namespace_, const char *name)
{
    int order = strcmp(own->namespace_, namespace_);
    return order != 0 ? order : strcmp(own->name, name);
}

static int compare_entries(const void *left, const void *right)
{
    const struct kt_store_entry *const *a = left, *const *b = right;
    return compare(&(*a)->relations.own, (*b)->relations.own.namespace_, (*b)->relations.own.name);
}

/* Index of the entry, or where it would stand. */
static size_t position(const struct kt_published *published, const char *namespace_, const char *name, bool *ret_found)
{
    size_t low = 0, high = published->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&published->entries[middle]->relations.own, namespace_, name);
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

static struct kt_published *new_index(const struct kt_store_kind *tables, size_t most)
{
    struct kt_published *published = kt_heap_alloc(sizeof(*published) + most * sizeof(struct kt_store_entry *));
    if (published)
        published->complete = !kt_store_is_cut(tables, tables->cut_at);
    return published;
}

static void append(void *context, void *thing)
{
    struct kt_published *published = context;
    published->entries[published->count++] = kt_store_entry_hold(thing);
}

static void append_all(struct kt_published *published, struct kt_store_entry *const *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append(published, entries[i]);
}

struct renewing {
    struct kt_published *published;
    const struct kt_store_entry *out;
};

static void append_but_out(void *context, void *thing)
{
    const struct renewing *renewing = context;
    if (thing != renewing->out)
        append(renewing->published, thing);
}

/* All that is kept but `out`, which still stands in the table. */
static struct kt_published *make_anew(struct kt_store_kind *tables, const struct kt_store_entry *out)
{
    struct kt_published *published = new_index(tables, tables->by_name.count);
    struct renewing renewing = {published, out};
    if (!published)
        return NULL;
    kt_index_each(&tables->by_name, append_but_out, &renewing);
    qsort(published->entries, published->count, sizeof(published->entries[0]), compare_entries);
    return published;
}

/* The old one with `in` in the place of the entry of its name, or without `out`. */
static struct kt_published *make_changed(const struct kt_store_kind *tables, const struct kt_published *old,
                                         const struct kt_store_entry *out, struct kt_store_entry *in)
{
    struct kt_published *published = new_index(tables, old->count + 1);
    if (!published)
        return NULL;
    const struct kt_store_entry *which = in ? in : out;
    bool found = false;
    size_t place =
        which ? position(old, which->relations.own.namespace_, which->relations.own.name, &found) : old->count;
    append_all(published, old->entries, place);
    if (in)
        append(published, in);
    append_all(published, old->entries + place + found, old->count - place - found);
    return published;
}

static void free_index(struct kt_published *published)
{
    for (size_t i = 0; i < published->count; i++)
        kt_store_entry_release(published->entries[i]);
    kt_heap_free(published);
}

/* --- publishing; under the lock ------------------------------------------------------------------------------ */

static bool in_use(const struct kt_store *store, enum kt_kind_id kind, const struct kt_published *published)
{
    for (size_t i = 0; i < store->slot_count; i++)
        if (atomic_load(&store->slots[i]->in_use[kind]) == published)
            return true;
    return false;
}

static void reclaim(struct kt_store *store, enum kt_kind_id kind)
{
    struct kt_published **link = &store->kinds[kind].retired;
    while (*link) {
        struct kt_published *published = *link;
        if (in_use(store, kind, published)) {
            link = &published->next_retired;
            continue;
        }
        *link = published->next_retired;
        free_index(published);
    }
}

static void exchange(struct kt_store *store, enum kt_kind_id kind, struct kt_published *fresh)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    struct kt_published *old = atomic_exchange(&tables->published, fresh);
    if (old) {
        old->next_retired = tables->retired;
        tables->retired = old;
    }
    reclaim(store, kind);
}

void kt_store_publish(struct kt_store *store, enum kt_kind_id kind, const struct kt_store_entry *out,
                      struct kt_store_entry *in)
{
    struct kt_store_kind *tables = &store->kinds[kind];
    if (!kt_kinds[kind].for_rules || !tables->synced)
        return;
    const struct kt_published *old = tables->is_behind ? NULL : atomic_load(&tables->published);
    struct kt_published *fresh = old ? make_changed(tables, old, out, in) : make_anew(tables, out);
    /* Without memory readers go on with what they have: older, but whole. */
    tables->is_behind = !fresh;
    if (fresh)
        exchange(store, kind, fresh);
}

void kt_store_publish_all(struct kt_store *store, enum kt_kind_id kind)
{
    store->kinds[kind].is_behind = true;
    kt_store_publish(store, kind, NULL, NULL);
}

void kt_store_unpublish(struct kt_store *store)
{
    store->slot_count = 0;
    for (size_t i = 0; i < KT_CACHED_KINDS; i++)
        exchange(store, (enum kt_kind_id)i, NULL);
}

/* --- reading ------------------------------------------------------------------------------------------------- */

bool kt_store_add_slot(struct kt_store *store, struct kt_store_slot *slot)
{
    pthread_mutex_lock(&store->lock);
    bool room = store->slot_count < KT_ARRAY_LENGTH(store->slots);
    if (room)
        store->slots[store->slot_count++] = slot;
    pthread_mutex_unlock(&store->lock);
    return room;
}

void kt_store_drop_slot(struct kt_store *store, struct kt_store_slot *slot)
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

const struct kt_published *kt_store_enter(struct kt_store *store, struct kt_store_slot *slot, enum kt_kind_id kind)
{
    /* The mark counts only if the index was still the current one after it was made: otherwise the writer may have
     * looked at the slots before. */
    for (;;) {
        const struct kt_published *published = atomic_load(&store->kinds[kind].published);
        atomic_store(&slot->in_use[kind], published);
        if (atomic_load(&store->kinds[kind].published) == published)
            return published;
    }
}

void kt_store_leave(struct kt_store_slot *slot)
{
    for (size_t i = 0; i < KT_CACHED_KINDS; i++)
        if (atomic_load_explicit(&slot->in_use[i], memory_order_relaxed))
            atomic_store(&slot->in_use[i], NULL);
}

bool kt_published_is_complete(const struct kt_published *published)
{
    return published->complete;
}

size_t kt_published_count(const struct kt_published *published)
{
    return published->count;
}

const struct kt_store_entry *kt_published_at(const struct kt_published *published, size_t index)
{
    return published->entries[index];
}

const struct kt_store_entry *kt_published_find(const struct kt_published *published, const char *namespace_,
                                               const char *name)
{
    bool found;
    size_t index = position(published, namespace_, name, &found);
    return found ? published->entries[index] : NULL;
}

const cJSON *kt_store_entry_object(const struct kt_store_entry *entry)
{
    return entry->tree;
}

const struct kt_config_content *kt_store_entry_content(const struct kt_store_entry *entry)
{
    return entry->content;
}
