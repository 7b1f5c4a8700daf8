/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a kind each namespace holds, so that whoever may write in one does not crowd out the others. */
#ifndef KT_WEBHOOK_CLUSTER_STORE_SHARE_H
#define KT_WEBHOOK_CLUSTER_STORE_SHARE_H

#include "webhook/cluster/store_index.h"

/* Of one namespace that holds something, or from which something was left out. */
struct kt_store_share {
    struct kt_index_link link;
    size_t bytes, count;
    uint64_t cut_at; /* the list during or after which an object was left out; 0: none was */
    char namespace_[];
};

/* NULL: the namespace holds nothing. */
struct kt_store_share *kt_store_share_find(const struct kt_index *shares, const char *namespace_);
/* The same, made when there was none: kt_store_share_settle frees one that is not used. NULL without memory. */
struct kt_store_share *kt_store_share_get(struct kt_index *shares, const char *namespace_);
/* Adds an object; the share, or NULL without memory. */
struct kt_store_share *kt_store_share_add(struct kt_index *shares, const char *namespace_, size_t bytes);
/* Takes it out again; frees a share that then holds nothing. */
void kt_store_share_drop(struct kt_index *shares, struct kt_store_share *share, size_t bytes);
/* A list is whole: what was left out before it counts no more. */
void kt_store_share_settle(struct kt_index *shares, uint64_t generation);

#endif
