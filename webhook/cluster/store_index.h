/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from 64-bit hashes to things that carry their own links, many with one hash allowed: who looks something
 * up compares the things. Grows with its content and needs memory for nothing else; without memory it gets slower.
 */
#ifndef KT_WEBHOOK_CLUSTER_STORE_INDEX_H
#define KT_WEBHOOK_CLUSTER_STORE_INDEX_H

#include "base/base.h"

/* Part of the thing. Not in a table: back is NULL. */
struct kt_index_link {
    struct kt_index_link *next, **back;
    uint64_t hash;
    void *thing;
};

struct kt_index {
    struct kt_index_link **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};

bool kt_index_init(struct kt_index *index) KT_NODISCARD; /* false without memory */
void kt_index_release(struct kt_index *index);

void kt_index_put(struct kt_index *index, struct kt_index_link *link, uint64_t hash, void *thing);
void kt_index_drop(struct kt_index *index, struct kt_index_link *link); /* also one that is in no table */

/* Things with this hash, the last one put first: link = kt_index_first(...), then kt_index_next(link). */
struct kt_index_link *kt_index_first(const struct kt_index *index, uint64_t hash);
struct kt_index_link *kt_index_next(const struct kt_index_link *link);

/* Every thing, in no order. The one at hand may be dropped. */
void kt_index_each(struct kt_index *index, void (*visit)(void *context, void *thing), void *context);

#endif
