/* SPDX-License-Identifier: Apache-2.0 */
/* How many nodes a Workspace takes, as upstream v0.12.0 counts them (status.targetNodeCount). */
#ifndef KT_WORKLOAD_NODE_COUNT_H
#define KT_WORKLOAD_NODE_COUNT_H

#include "admission/admission.h"

/* workspace is a Workspace object; absent fields count as their defaults. A tuning and a model that vLLM holds on one
 * machine take 1; with the transformers runtime resource.count decides as it is (rule R008
 * keeps it above 0), and for a pod template under vLLM at least 1. KT_EINVAL when it
 * cannot be told (unknown machine type or model, no ready node, GPU labels that cannot be read, a partition that is too
 * small), with a message for the user. */
int kt_node_count(struct kt_arena *arena, cJSON *workspace, const struct kt_settings *settings,
                  const struct kt_cluster *cluster, int64_t *ret, struct kt_error *error) KT_NODISCARD;

#endif
