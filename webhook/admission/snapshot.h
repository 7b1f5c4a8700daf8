/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trimmed objects of the cluster, as immutable snapshots. One writer side (the watchers, under the store's lock) and
 * many readers that never lock. Objects are kept as compact JSON text: small, and parsed only in the review that asks.
 */
#ifndef KT_WEBHOOK_ADMISSION_SNAPSHOT_H
#define KT_WEBHOOK_ADMISSION_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "text/json.h"
#include "webhook/admission/cluster_view.h"

enum kt_snapshot_kind { KT_SNAPSHOT_CONFIG_MAPS, KT_SNAPSHOT_NODES, KT_SNAPSHOT_KINDS };

struct kt_snapshot_entry {
    atomic_size_t references;
    uint64_t generation;    /* of the list that named it last */
    const char *namespace_; /* "" for cluster-scoped kinds */
    const char *name;
    struct kt_str text; /* JSON */
};

struct kt_snapshot_list {
    struct kt_snapshot_entry **entries; /* sorted by namespace and name */
    size_t count, capacity;
    bool synced;
};

struct kt_snapshot {
    struct kt_snapshot_list lists[KT_SNAPSHOT_KINDS];
    struct kt_snapshot *next_retired;
};

struct kt_snapshot_store {
    pthread_mutex_t lock; /* the writers' */
    struct kt_snapshot_list lists[KT_SNAPSHOT_KINDS];
    uint64_t generations[KT_SNAPSHOT_KINDS];
    size_t bytes;                                  /* of all texts */
    _Atomic(const struct kt_snapshot *) published; /* NULL before the first */
    struct kt_snapshot *retired;
    struct kt_snapshot_slot *slots[64];
    size_t slot_count;
};

void kt_snapshot_store_init(struct kt_snapshot_store *store);
/* No reader may be left. */
void kt_snapshot_store_release(struct kt_snapshot_store *store);

/* A new list begins: what it does not name is dropped by kt_snapshot_synced. */
void kt_snapshot_restart(struct kt_snapshot_store *store, enum kt_snapshot_kind kind);
/* Trims and keeps an object. KT_ENOMEM or KT_ELIMIT (KT_LIMIT_SNAPSHOT_BYTES, KT_LIMIT_SNAPSHOT_OBJECTS). */
int kt_snapshot_put(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const cJSON *object,
                    struct kt_error *error) KT_NODISCARD;
void kt_snapshot_remove(struct kt_snapshot_store *store, enum kt_snapshot_kind kind, const cJSON *object);
void kt_snapshot_synced(struct kt_snapshot_store *store, enum kt_snapshot_kind kind);
bool kt_snapshot_is_synced(const struct kt_snapshot_store *store, enum kt_snapshot_kind kind);

/* The part of a ConfigMap or Node that rules read, as JSON text in the arena; length 0 without memory. */
struct kt_str kt_snapshot_trim(struct kt_arena *arena, enum kt_snapshot_kind kind, const cJSON *object);

bool kt_snapshot_add_slot(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot);
void kt_snapshot_drop_slot(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot);
/* Marks the current snapshot in the slot and returns it (NULL: none yet); it stays valid until kt_snapshot_leave. */
const struct kt_snapshot *kt_snapshot_enter(struct kt_snapshot_store *store, struct kt_snapshot_slot *slot);
void kt_snapshot_leave(struct kt_snapshot_slot *slot);

const struct kt_snapshot_entry *kt_snapshot_find(const struct kt_snapshot_list *list, const char *namespace_,
                                                 const char *name);

#endif
