/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one cache of the cluster: what is kept (store.h), the watches that keep it up to date (informers.h), and the
 * look-ups of what a review needs beyond it (lookup.h). Webhooks and reconciler read the same.
 */
#ifndef KT_WEBHOOK_CLUSTER_CACHE_H
#define KT_WEBHOOK_CLUSTER_CACHE_H

#include "webhook/cluster/informers.h"
#include "webhook/cluster/lookup.h"
#include "webhook/cluster/store.h"

/* All are there from _start to _stop, and may be read at any time. */
struct kt_cache {
    struct kt_store *store;
    struct kt_informers *informers;
    struct kt_lookups *lookups;
};

/* Starts the watches and the look-up thread. release_namespace as in kt_store_set_release_namespace; it and the
 * options' pointers must outlive the cache. */
int kt_cache_start(const struct kt_informers_options *options, const char *release_namespace, struct kt_cache **ret,
                   struct kt_error *error) KT_NODISCARD;
/* Ends its threads. No reader may be left; accepts NULL. */
void kt_cache_stop(struct kt_cache *cache);

/* True when all that rules read has been listed once. */
bool kt_cache_knows_for_rules(const struct kt_cache *cache);

#endif
