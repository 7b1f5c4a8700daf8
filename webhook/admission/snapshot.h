/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trimmed objects of the cluster, as immutable snapshots. One writer side (the watchers, under the store's lock) and
 * many readers that never lock. Objects are kept as trees that nobody changes, so that a review needs no memory and no
 * parsing to look at them.
 */
#ifndef KT_WEBHOOK_ADMISSION_SNAPSHOT_H
#define KT_WEBHOOK_ADMISSION_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "text/json.h"
#include "webhook/admission/cluster_view.h"

/* Readers at once: more than --workers allows. */
#define KT_SNAPSHOT_SLOTS 128

enum kt_snapshot_kind { KT_SNAPSHOT_CONFIG_MAPS, KT_SNAPSHOT_NODES, KT_SNAPSHOT_KINDS };

struct kt_snapshot_entry {
    atomic_size_t references;
    uint64_t generation;    /* of the list that named it last */
    const char *namespace_; /* "" for cluster-scoped kinds */
    const char *name;
    cJSON *object; /* kt_object_copy; read-only */
    size_t bytes;  /* of the entry and the object */
};

struct kt_snapshot_list {
    struct kt_snapshot_entry **entries; /* sorted by namespace and name */
    size_t count, capacity;
    bool synced;
    bool incomplete; /* an object could not be kept: what is not in the list may be there */
};

struct kt_snapshot {
    struct kt_snapshot_list lists[KT_SNAPSHOT_KINDS];
    struct kt_snapshot *next_retired;
};

struct kt_snapshot_store {
    pthread_mutex_t lock; /* the writers' */
    struct kt_snapshot_list lists[KT_SNAPSHOT_KINDS];
    uint64_t generations[KT_SNAPSHOT_KINDS];
    bool cut[KT_SNAPSHOT_KINDS];                   /* the list that is being read lost an object */
    size_t bytes[KT_SNAPSHOT_KINDS];               /* of all entries */
    _Atomic(const struct kt_snapshot *) published; /* NULL before the first */
    atomic_bool synced[KT_SNAPSHOT_KINDS];         /* for those who have no slot to look at a snapshot from */
    struct kt_snapshot *retired;
    struct kt_snapshot_slot *slots[KT_SNAPSHOT_SLOTS];
    size_t slot_count;
};

void kt_snapshot_store_init(struct kt_snapshot_store *store);
/* No reader may be left. */
void kt_snapshot_store_release(struct kt_snapshot_store *store);

/* A new list begins: what it does not name is dropped by kt_snapshot_synced. */
void kt_snapshot_restart(struct kt_snapshot_store *store, enum kt_snapshot_kind kind);
/* Trims and keeps an object; a ConfigMap only while it holds a training or inference config. KT_ENOMEM or KT_ELIMIT
 * (KT_LIMIT_SNAPSHOT_*_BYTES, KT_LIMIT_SNAPSHOT_OBJECTS, of which a namespace has KT_LIMIT_NAMESPACE_SHARE): then its
 * older state is dropped, too. */
int kt_snapshot_put(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const cJSON *object,
                    struct kt_error *error) KT_NODISCARD;
void kt_snapshot_remove(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const cJSON *object);
void kt_snapshot_synced(struct kt_snapshot_store *store, enum kt_snapshot_kind kind);
bool kt_snapshot_is_synced(const struct kt_snapshot_store *store, enum kt_snapshot_kind kind);

/* The part of a ConfigMap or Node that rules read, in the arena; NULL without memory. */
const cJSON *kt_snapshot_trim(struct kt_arena *arena, enum kt_snapshot_kind kind, const cJSON *object);

/* False when there are KT_SNAPSHOT_SLOTS: the slot must then not be used. */
bool kt_snapshot_add_slot(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot) KT_NODISCARD;
void kt_snapshot_drop_slot(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot);
/* Marks the current snapshot in the slot and returns it (NULL: none yet); it stays valid until kt_snapshot_leave. */
const struct kt_snapshot *kt_snapshot_enter(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot);
void kt_snapshot_leave(struct kt_snapshot_slot *slot);

const struct kt_snapshot_entry *kt_snapshot_find(const struct kt_snapshot_list *list, const char *namespace_,
                                                 const char *name);

#endif
