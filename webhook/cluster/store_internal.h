/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the store, for its files only: store.c writes, store_read.c and
 * published.c read. */
#ifndef KT_WEBHOOK_CLUSTER_STORE_INTERNAL_H
#define KT_WEBHOOK_CLUSTER_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "webhook/cluster/config_content.h"
#include "webhook/cluster/published.h"
#include "webhook/cluster/store_index.h"
#include "webhook/cluster/store_pack.h"
#include "webhook/cluster/store_relations.h"
#include "webhook/cluster/store_share.h"

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
    cJSON *tree;             /* of a kind that rules read: the object, made once, behind this struct; else NULL */
    struct kt_config_content *content; /* of a ConfigMap; else NULL */
    size_t bytes;                      /* of all that */
    struct kt_store_share *share;
};

/* A look at it. */
struct kt_stored {
    struct kt_store_entry *entry;
    const cJSON *object;
    cJSON nodes[]; /* of a kind that only the reconciler reads: the object, made for this look */
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
    uint64_t generation;        /* of the list that is being read, or was the last: from 1 */
    uint64_t synced_generation; /* of the last one that was taken in whole */
    uint64_t cut_at;            /* the list during or after which the last object was left out; 0: none was */
    uint64_t full_at;           /* the same, but for reasons beyond a namespace's share */
    bool synced;
    _Atomic(struct kt_published *) published; /* of a kind that rules read; NULL before its first list */
    struct kt_published *retired;             /* those that may still be read */
    bool is_behind;                           /* there was no memory to publish a change */
};

struct kt_store {
    pthread_mutex_t lock;
    struct kt_store_kind kinds[KT_CACHED_KINDS];
    size_t bytes;
    const char *release_namespace;
    struct kt_store_slot *slots[KT_STORE_SLOTS];
    size_t slot_count;
};

/* All under the lock. */
struct kt_store_entry *kt_store_find(struct kt_store *store, enum kt_kind_id kind, const char *namespace_,
                                     const char *name);
/* Calls visit for every Workspace that something with these relations concerns; visitor may be NULL. */
void kt_store_visit_related(struct kt_store *store, enum kt_kind_id kind, const struct kt_relations *relations,
                            const struct kt_store_visitor *visitor);
/* Calls it for one Workspace, unless workspace->name is NULL or too long. */
void kt_store_visit_pair(const struct kt_store_visitor *visitor, const struct kt_pair *workspace);
/* Not in any table yet; NULL without memory, or when it is too large or too deep. */
struct kt_store_entry *kt_store_entry_new(enum kt_kind_id kind, const cJSON *object) KT_NODISCARD;
struct kt_store_entry *kt_store_entry_hold(struct kt_store_entry *entry); /* adds a reference */
void kt_store_entry_release(struct kt_store_entry *entry);                /* not only under the lock; accepts NULL */
/* Was something left out then that no list since has shown? */
static inline bool kt_store_is_cut(const struct kt_store_kind *tables, uint64_t cut_at)
{
    return cut_at != 0 && cut_at >= tables->synced_generation;
}
/* Shows a change of a kind that rules read: `out` is not there any more, `in` is there now; either may be NULL. */
void kt_store_publish(struct kt_store *store, enum kt_kind_id kind, const struct kt_store_entry *out,
                      struct kt_store_entry *in);
/* Shows all that is kept. */
void kt_store_publish_all(struct kt_store *store, enum kt_kind_id kind);
/* No reader may be left. */
void kt_store_unpublish(struct kt_store *store);
bool kt_pair_is(const struct kt_pair *pair, const char *namespace_, const char *name);

#endif
