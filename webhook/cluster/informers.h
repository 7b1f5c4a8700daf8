/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that list and watch each kind of the cache once, and tell a listener of the Workspaces that each change
 * concerns. Jobs, Pods and NodeClaims are asked for by label (workload/kinds.h). Without a reconciler only what rules
 * read is watched.
 */
#ifndef KT_WEBHOOK_CLUSTER_INFORMERS_H
#define KT_WEBHOOK_CLUSTER_INFORMERS_H

#include "kube/config.h"
#include "kube/environment.h"
#include "webhook/cluster/store.h"

struct kt_informers;

struct kt_informers_options {
    const struct kt_config *config; /* like environment: must outlive the informers */
    const struct kt_environment *environment;
    bool for_reconciler;     /* all kinds; false: what rules read */
    bool with_node_claims;   /* of all kinds; false: bring-your-own nodes */
    int64_t resync_ms;       /* every Workspace is told again after this time; 0: never */
    int64_t missing_type_ms; /* NodeClaims that the API server does not know are asked for again after this time;
                                0: KT_MISSING_TYPE_MS */
    int64_t relist_ms;       /* a kind of which something did not fit is listed again after this time, when something of
                                it changes: it may fit by then; 0: KT_RELIST_MS */
};
#define KT_MISSING_TYPE_MS 30000
#define KT_RELIST_MS 300000

/* KT_ENOMEM, and those of kt_client_new. Stop the informers before the store. */
int kt_informers_start(const struct kt_informers_options *options, struct kt_store *store, struct kt_informers **ret,
                       struct kt_error *error) KT_NODISCARD;
/* Ends the watches and joins the threads; accepts NULL. */
void kt_informers_stop(struct kt_informers *informers);

/* From now on the listener is told of every Workspace that a change concerns, and now of all that are known; in the
 * watches' threads and under the store's lock, so that it must not call the store. NULL: nobody is told any more, and
 * when it returns no call is under way. At any time, but one at a time. */
void kt_informers_tell(struct kt_informers *informers, const struct kt_store_visitor *listener);

/* All kinds were listed once; but NodeClaims that the API server does not know, and kinds that it does not let us list:
 * see kt_informers_refused. */
bool kt_informers_synced(struct kt_informers *informers);
/* Does the API server know NodeClaims? Told by the watch; true until it said no. */
bool kt_informers_know_node_claims(struct kt_informers *informers);
/* A kind that was never listed because the API server refuses it (403), or NULL: a look knows nothing of these. */
const struct kt_resource *kt_informers_refused(struct kt_informers *informers);
/* Waits until synced: 0, or KT_EINTERRUPTED when stop_fd becomes readable. */
int kt_informers_wait(struct kt_informers *informers, int stop_fd, struct kt_error *error) KT_NODISCARD;

#endif
