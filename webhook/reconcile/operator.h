/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reconciler as the server runs it: not beside another operator of Workspaces, and only while it holds the Lease.
 */
#ifndef KT_WEBHOOK_RECONCILE_OPERATOR_H
#define KT_WEBHOOK_RECONCILE_OPERATOR_H

#include "webhook/config.h"
#include "webhook/reconcile/controller.h"
#include "webhook/reconcile/leader.h"

struct kt_operator {
    struct kt_controller *controller;
    struct kt_leader *leader; /* NULL: without election */
};

/* What it needs of the server; all pointers must outlive the operator. */
struct kt_operator_options {
    const struct kt_webhook_config *config;
    const struct kt_settings *settings;
    const struct kt_config *kube;
    const struct kt_environment *environment;
    struct kt_cache *cache; /* of all kinds */
    int stop_fd;            /* readable when the server is asked to end: the start is then given up */
};

/* KT_ECONFLICT names the other operator, unless config->take_over. */
int kt_operator_start(struct kt_operator *operator_, const struct kt_operator_options *options,
                      struct kt_error *error) KT_NODISCARD;
/* Accepts a zeroed one. */
void kt_operator_stop(struct kt_operator *operator_);

#endif
