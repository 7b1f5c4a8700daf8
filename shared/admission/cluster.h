/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules may ask of a cluster. The answers come from `clusterObjects` (review), from the cache that list and
 * watch keep (server), from the files given and, with --cluster, the live API (check). "Unknown" is an answer: it
 * becomes a warning, never a refusal.
 */
#ifndef KT_ADMISSION_CLUSTER_H
#define KT_ADMISSION_CLUSTER_H

#include "base/arena.h"
#include "text/json.h"

enum kt_lookup { KT_LOOKUP_FOUND, KT_LOOKUP_ABSENT, KT_LOOKUP_UNKNOWN };

/* The texts of a ConfigMap that rules look into. */
enum kt_config_key { KT_CONFIG_TRAINING, KT_CONFIG_INFERENCE, KT_CONFIG_KEYS };
struct kt_config_document;

struct kt_cluster {
    /* One ConfigMap, Secret, StorageClass or CSIDriver, ... by kind, namespace (NULL for cluster-scoped) and name. */
    enum kt_lookup (*find)(void *context, const char *kind, const char *namespace_, const char *name,
                           const cJSON **ret);
    /* All Nodes, as an array of pointers that stays valid for this review. UNKNOWN when nodes cannot be read. */
    enum kt_lookup (*nodes)(void *context, const cJSON *const **ret, size_t *ret_count);
    /* What a config of a ConfigMap that `find` has given says, where that is known without reading its text, for as
     * long as the object; NULL: it is not, and the text has to be read. The function may be NULL: ask through
     * kt_config_document_of. */
    const struct kt_config_document *(*config)(void *context, const cJSON *config_map, enum kt_config_key key);
    void *context;
};

/* Knows nothing: every answer is UNKNOWN. */
extern const struct kt_cluster kt_cluster_unknown;

/* Over a JSON array of Kubernetes objects that is taken to be complete: what is not in it is ABSENT. */
struct kt_cluster_objects {
    const struct kt_cluster_object *sorted; /* by kind and name */
    size_t count;
    const cJSON *const *nodes;
    size_t node_count;
};
/* Prepares the view; arena holds what it needs. When it is out of memory, the view knows nothing. */
struct kt_cluster kt_cluster_from_objects(struct kt_arena *arena, const cJSON *objects,
                                          struct kt_cluster_objects *storage);

#endif
