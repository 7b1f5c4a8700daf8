/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reconciler as a whole: the queue that the cache's watches fill, and the workers that look at one Workspace after
 * another. It runs beside the webhooks, in threads of its own, until it is stopped.
 */
#ifndef KT_WEBHOOK_RECONCILE_CONTROLLER_H
#define KT_WEBHOOK_RECONCILE_CONTROLLER_H

#include "kube/environment.h"
#include "webhook/cluster/cache.h"
#include "webhook/reconcile/reconcile.h"

struct kt_controller;

struct kt_controller_options {
    const struct kt_settings *settings; /* like all pointers here: must outlive the controller */
    const struct kt_config *config;
    const struct kt_environment *environment;
    struct kt_cache *cache; /* of all kinds; tells this controller until its end */
    int64_t workers;
    struct kt_reconcile_options reconcile;
};

/* Starts its threads and returns. It watches, but looks at nothing before kt_controller_lead, and then only when the
 * watches have listed everything. */
int kt_controller_start(const struct kt_controller_options *options, struct kt_controller **ret,
                        struct kt_error *error) KT_NODISCARD;
/* From now on nothing is written unless this one says that the Lease is held; NULL: no such question. */
void kt_controller_set_leader(struct kt_controller *controller, const struct kt_leader *leader);
/* Others do not reconcile, so we may: from any thread. */
void kt_controller_lead(struct kt_controller *controller);
/* Somebody else may reconcile from now on: no further look is begun until kt_controller_lead. From any thread; does not
 * wait. The watches go on. */
void kt_controller_yield(struct kt_controller *controller);
/* Finishes the looks under way; none is begun any more. */
void kt_controller_end(struct kt_controller *controller);
/* The same, and frees; accepts NULL. */
void kt_controller_stop(struct kt_controller *controller);

#endif
