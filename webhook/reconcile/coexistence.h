/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is another operator of Workspaces in the cluster? Two would fight over every object. Looked at once, before anything
 * is reconciled. What upstream v0.12.0 leaves in a cluster: its chart charts/kaito/workspace (Deployment, validating
 * webhook), and with --leader-elect the Lease ef60f9b0.io (cmd/workspace/main.go); on AKS the add-on's Deployment
 * kaito-workspace in kube-system.
 *
 * Rights: list on validatingwebhookconfigurations, deployments and leases, over all namespaces.
 */
#ifndef KT_WEBHOOK_RECONCILE_COEXISTENCE_H
#define KT_WEBHOOK_RECONCILE_COEXISTENCE_H

#include "kube/client.h"

/* Between two reads of a Lease that somebody holds. Whether the holder lives is told by a change of the record, never
 * by the times in it: that may take the Lease's duration, at most KT_COEXISTENCE_LONGEST_MS. */
#define KT_COEXISTENCE_PAUSE_MS ((int64_t)500)
#define KT_COEXISTENCE_LONGEST_MS ((int64_t)30000)

/* *ret_other: what was found, as the end of a sentence ("Deployment kube-system/kaito-workspace and ..."); NULL: none.
 * *ret_skipped: what could not be looked at for want of rights, with the reason; NULL: nothing. Both in the arena. Our
 * own objects, and another installation of ours in release_namespace, do not count; one in another namespace does.
 * A code of kube/client.h when the API server does not answer. */
int kt_coexistence_check(struct kt_client *client, struct kt_arena *arena, const char *release_namespace,
                         const char **ret_other, const char **ret_skipped, struct kt_error *error) KT_NODISCARD;

#endif
