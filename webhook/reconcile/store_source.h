/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server keeps of the cluster as a source of observations (workload/observe.h). Where the store left something
 * out, what is not found in it is unseen. There are no events.
 */
#ifndef KT_WEBHOOK_RECONCILE_STORE_SOURCE_H
#define KT_WEBHOOK_RECONCILE_STORE_SOURCE_H

#include "webhook/cluster/store.h"
#include "workload/observe.h"

struct kt_store_source {
    struct kt_store *store;
    struct kt_arena *arena;
    struct kt_store_held *held; /* references to all that was found */
    /* Reads one object that the store does not know; 0 with NULL: there is none. NULL: it stays unseen. */
    int (*read)(void *context, enum kt_kind_id kind, const char *namespace_, const char *name, const cJSON **ret,
                struct kt_error *error);
    /* Lists the objects of a kind that are labelled as this Workspace's, when the store may lack some. NULL: they stay
     * unseen. */
    int (*list)(void *context, enum kt_kind_id kind, const cJSON **ret_items, struct kt_error *error);
    void *read_context;
};

/* Points to source, which must live as long. */
struct kt_object_source kt_store_source_view(struct kt_store_source *source);
/* Gives the references back: no object that was found may be looked at any more. For zeroed ones, too. */
void kt_store_source_release(struct kt_store_source *source);

#endif
