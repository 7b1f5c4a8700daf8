/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the store, for its files only: store.c writes, store_read.c reads. */
#ifndef KT_WEBHOOK_RECONCILE_STORE_INTERNAL_H
#define KT_WEBHOOK_RECONCILE_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "webhook/reconcile/store_index.h"
#include "webhook/reconcile/store_pack.h"
#include "webhook/reconcile/store_relations.h"
#include "webhook/reconcile/store_share.h"

/* Of objects removed lately, for each kind. */
#define KT_STORE_TOMBSTONES ((size_t)1024)

/* An object as it is kept. */
struct kt_store_entry {
    struct kt_index_link by_name, by_workspace, by_reference;
    atomic_size_t references;
    uint64_t resource_version; /* as a number; 0: it is none */
    uint64_t generation;       /* of the list that named it last */
    struct kt_relations relations;
    const char *uid;
    struct kt_packed packed; /* its texts stand behind this struct */
    size_t bytes;            /* of this and the texts */
    struct kt_store_share *share;
};

/* A look at it. */
struct kt_stored {
    struct kt_store_entry *entry;
    cJSON nodes[];
};

/* So that the reply to a write, when it comes after the watch told of the removal, does not bring the object back. */
struct kt_tombstone {
    uint64_t uid_hash;
    uint64_t resource_version;
};

struct kt_store_kind {
    struct kt_index by_name;
    struct kt_index by_workspace; /* the Workspace that it belongs to */
    struct kt_index by_reference; /* what it refers to: see store_relations.h */
    struct kt_index shares;       /* struct kt_store_share, by namespace */
    struct kt_tombstone tombstones[KT_STORE_TOMBSTONES];
    size_t bytes;
    uint64_t generation;
    bool cut; /* the list that is being read lost an object */
    bool synced, incomplete;
};

struct kt_store {
    pthread_mutex_t lock;
    struct kt_store_kind kinds[KT_CACHED_KINDS];
    size_t bytes;
    const char *release_namespace;
};

/* All under the lock. */
struct kt_store_entry *kt_store_find(struct kt_store *store, enum kt_kind_id kind, const char *namespace_,
                                     const char *name);
/* Calls visit for every Workspace that something with these relations concerns; visitor may be NULL. */
void kt_store_visit_related(struct kt_store *store, enum kt_kind_id kind, const struct kt_relations *relations,
                            const struct kt_store_visitor *visitor);
/* Calls it for one Workspace, unless workspace->name is NULL or too long. */
void kt_store_visit_pair(const struct kt_store_visitor *visitor, const struct kt_pair *workspace);
void kt_store_entry_release(struct kt_store_entry *entry); /* not only under the lock; accepts NULL */
bool kt_pair_is(const struct kt_pair *pair, const char *namespace_, const char *name);

#endif
