/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/store_share.h"

#include <string.h>

#include "webhook/reconcile/key_hash.h"

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

struct kt_store_share *kt_store_share_add(struct kt_index *shares, const char *namespace_, size_t bytes)
{
    struct kt_store_share *share = kt_store_share_find(shares, namespace_);
    if (!share) {
        size_t size = strlen(namespace_) + 1;
        share = kt_heap_alloc(sizeof(*share) + size);
        if (!share)
            return NULL;
        memcpy(share->namespace_, namespace_, size);
        kt_index_put(shares, &share->link, hash_of(namespace_), share);
    }
    share->bytes += bytes;
    share->count++;
    return share;
}

void kt_store_share_drop(struct kt_index *shares, struct kt_store_share *share, size_t bytes)
{
    share->bytes -= bytes;
    if (--share->count > 0)
        return;
    kt_index_drop(shares, &share->link);
    kt_heap_free(share);
}
