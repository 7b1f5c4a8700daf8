/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that list and watch what the reconciler needs into the store, and queue the Workspaces that each change
 * concerns: Workspaces, NodeClaims, Jobs and Pods by watches of their own (all but Workspaces with the label
 * kaito.sh/workspace only), Nodes and ConfigMaps from the watches that the webhooks have already (cluster_view.h).
 */
#ifndef KT_WEBHOOK_RECONCILE_INFORMERS_H
#define KT_WEBHOOK_RECONCILE_INFORMERS_H

#include "kube/config.h"
#include "kube/environment.h"
#include "webhook/admission/cluster_view.h"
#include "webhook/reconcile/store.h"
#include "webhook/reconcile/work_queue.h"

struct kt_informers;

struct kt_informers_options {
    const struct kt_config *config; /* like environment and view: must outlive the informers */
    const struct kt_environment *environment;
    struct kt_cluster_view *view; /* made by kt_cluster_view_new; to be run only after kt_informers_start */
    bool with_node_claims;        /* false: bring-your-own nodes */
    int64_t resync_ms;            /* every Workspace is queued again after this time; 0: never */
    int64_t missing_type_ms;      /* NodeClaims that the API server does not know are asked for again after this time;
                                     0: KT_MISSING_TYPE_MS */
};
#define KT_MISSING_TYPE_MS 30000

/* KT_ENOMEM, those of kt_client_new, and KT_EINTERNAL when the view runs already. Stop the informers before the view,
 * the store and the queue. */
int kt_informers_start(const struct kt_informers_options *options, struct kt_store *store, struct kt_work_queue *queue,
                       struct kt_informers **ret, struct kt_error *error) KT_NODISCARD;
/* Ends the watches and joins the threads; accepts NULL. */
void kt_informers_stop(struct kt_informers *informers);

/* All kinds were listed once; but NodeClaims that the API server does not know, and kinds that it does not let us list:
 * see kt_informers_refused. */
bool kt_informers_synced(struct kt_informers *informers);
/* Does the API server know NodeClaims? Told by the watch; true until it said no. */
bool kt_informers_know_node_claims(struct kt_informers *informers);
/* A kind that was never listed because the API server refuses it (403), or NULL: a look knows nothing of these. Accepts
 * NULL, for a reconciler that is fed otherwise. */
const struct kt_resource *kt_informers_refused(struct kt_informers *informers);
/* Waits until synced: 0, or KT_EINTERRUPTED when stop_fd becomes readable. */
int kt_informers_wait(struct kt_informers *informers, int stop_fd, struct kt_error *error) KT_NODISCARD;

#endif
