/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a kind each namespace holds, so that whoever may write in one does not crowd out the others. */
#ifndef KT_WEBHOOK_RECONCILE_STORE_SHARE_H
#define KT_WEBHOOK_RECONCILE_STORE_SHARE_H

#include "webhook/reconcile/store_index.h"

/* Of one namespace that holds something. */
struct kt_store_share {
    struct kt_index_link link;
    size_t bytes, count;
    char namespace_[];
};

/* NULL: the namespace holds nothing. */
struct kt_store_share *kt_store_share_find(const struct kt_index *shares, const char *namespace_);
/* Adds an object; the share, made when there was none, or NULL without memory. */
struct kt_store_share *kt_store_share_add(struct kt_index *shares, const char *namespace_, size_t bytes);
/* Takes it out again; frees a share that then holds nothing. */
void kt_store_share_drop(struct kt_index *shares, struct kt_store_share *share, size_t bytes);

#endif
