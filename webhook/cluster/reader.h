/* SPDX-License-Identifier: Apache-2.0 */
/* What one review reads of the cache: the cluster as rules ask for it. Never locks, never waits. */
#ifndef KT_WEBHOOK_CLUSTER_READER_H
#define KT_WEBHOOK_CLUSTER_READER_H

#include "webhook/cluster/cache.h"
#include "webhook/cluster/published.h"

struct kt_cluster_reader {
    struct kt_cache *cache; /* NULL: everything is unknown */
    struct kt_store_slot *slot;
    const struct kt_published *config_maps, *nodes;
    const struct kt_lookup_request *answers; /* from a look-up before; NULL at first */
    struct kt_arena *arena;
    struct kt_lookup_need missing[KT_LOOKUP_NEEDS]; /* what a look-up should ask for */
    size_t missing_count;
    const struct kt_store_entry *found[KT_LOOKUP_NEEDS]; /* the ConfigMaps that were found last, in a ring */
    size_t found_count;
};

void kt_cluster_reader_begin(struct kt_cluster_reader *reader, struct kt_cache *cache, struct kt_store_slot *slot,
                             struct kt_arena *arena, const struct kt_lookup_request *answers);
void kt_cluster_reader_end(struct kt_cluster_reader *reader);
struct kt_cluster kt_cluster_reader_cluster(struct kt_cluster_reader *reader);

#endif
