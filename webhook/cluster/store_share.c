/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/store_share.h"

#include <string.h>

#include "webhook/cluster/key_hash.h"

static uint64_t hash_of(const char *namespace_)
{
    return kt_hash_text(KT_HASH_START, namespace_);
}

struct kt_store_share *kt_store_share_find(const struct kt_index *shares, const char *namespace_)
{
    for (struct kt_index_link *link = kt_index_first(shares, hash_of(namespace_)); link; link = kt_index_next(link)) {
        struct kt_store_share *share = link->thing;
        if (strcmp(share->namespace_, namespace_) == 0)
            return share;
    }
    return NULL;
}

struct kt_store_share *kt_store_share_get(struct kt_index *shares, const char *namespace_)
{
    struct kt_store_share *share = kt_store_share_find(shares, namespace_);
    if (share)
        return share;
    size_t size = strlen(namespace_) + 1;
    share = kt_heap_alloc(sizeof(*share) + size);
    if (!share)
        return NULL;
    memcpy(share->namespace_, namespace_, size);
    kt_index_put(shares, &share->link, hash_of(namespace_), share);
    return share;
}

struct kt_store_share *kt_store_share_add(struct kt_index *shares, const char *namespace_, size_t bytes)
{
    struct kt_store_share *share = kt_store_share_get(shares, namespace_);
    if (!share)
        return NULL;
    share->bytes += bytes;
    share->count++;
    return share;
}

static void free_unused(struct kt_index *shares, struct kt_store_share *share)
{
    if (share->count > 0 || share->cut_at != 0)
        return;
    kt_index_drop(shares, &share->link);
    kt_heap_free(share);
}

void kt_store_share_drop(struct kt_index *shares, struct kt_store_share *share, size_t bytes)
{
    share->bytes -= bytes;
    share->count--;
    free_unused(shares, share);
}

struct settling {
    struct kt_index *shares;
    uint64_t generation;
};

static void settle(void *context, void *thing)
{
    const struct settling *settling = context;
    struct kt_store_share *share = thing;
    if (share->cut_at < settling->generation)
        share->cut_at = 0;
    free_unused(settling->shares, share);
}

void kt_store_share_settle(struct kt_index *shares, uint64_t generation)
{
    struct settling settling = {shares, generation};
    kt_index_each(shares, settle, &settling);
}
