/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules read of the cache, without a lock: of each kind whose row says for_rules (workload/kinds.h) an index that
 * nobody changes. Writers make a new one with each change, under the store's lock; a reader marks the one that it reads
 * in a slot of its own, and an index is freed when no slot names it any more.
 */
#ifndef KT_WEBHOOK_CLUSTER_PUBLISHED_H
#define KT_WEBHOOK_CLUSTER_PUBLISHED_H

#include <stdatomic.h>

#include "webhook/cluster/store.h"

/* Readers at once: more than --workers allows. */
#define KT_STORE_SLOTS 128

struct kt_published;
struct kt_store_entry;

/* One reader's marks. Zeroed. */
struct kt_store_slot {
    _Atomic(const struct kt_published *) in_use[KT_CACHED_KINDS];
};

/* False when there are KT_STORE_SLOTS: the slot must then not be used. */
bool kt_store_add_slot(struct kt_store *store, struct kt_store_slot *slot) KT_NODISCARD;
void kt_store_drop_slot(struct kt_store *store, struct kt_store_slot *slot);

/* Marks the current index of a kind in the slot and returns it (NULL: the kind was not listed yet); it stays valid
 * until kt_store_leave. */
const struct kt_published *kt_store_enter(struct kt_store *store, struct kt_store_slot *slot, enum kt_kind_id kind);
/* Takes all marks back. */
void kt_store_leave(struct kt_store_slot *slot);

/* Did all objects of the kind fit? When not, what is not in the index may be there. */
bool kt_published_is_complete(const struct kt_published *published);
size_t kt_published_count(const struct kt_published *published);
/* In the order of namespace and name. */
const struct kt_store_entry *kt_published_at(const struct kt_published *published, size_t index);
/* NULL: not kept. */
const struct kt_store_entry *kt_published_find(const struct kt_published *published, const char *namespace_,
                                               const char *name);
/* Of a ConfigMap; else NULL. */
const struct kt_config_content *kt_store_entry_content(const struct kt_store_entry *entry);
/* What is kept of it; read-only, as long as the index is marked. */
const cJSON *kt_store_entry_object(const struct kt_store_entry *entry);

#endif
