/* SPDX-License-Identifier: Apache-2.0 */
/* All objects that the reconciler makes for a Workspace, without a cluster: `render` of both programs. */
#ifndef KT_WORKLOAD_RENDER_H
#define KT_WORKLOAD_RENDER_H

#include "admission/cluster.h"
#include "admission/settings.h"
#include "text/json.h"

/* An array in the order of their making: ControllerRevision, NodeClaims, ConfigMap, Job; numbers of the revision and
 * of the claim as the Workspace's annotations tell them, else 1. A config map is looked for
 * in cluster (templates: else those that this program ships). ret_node_count may be NULL. KT_EINVAL with a message for
 * the user; also for inference, whose workloads are not made yet. */
int kt_workload_render(struct kt_arena *arena, const cJSON *workspace, const struct kt_settings *settings,
                       const struct kt_cluster *cluster, cJSON **ret_objects, int64_t *ret_node_count,
                       struct kt_error *error) KT_NODISCARD;

#endif
