/* SPDX-License-Identifier: Apache-2.0 */
/* The NodeClaims (karpenter.sh/v1) that ask a Karpenter for a Workspace's nodes. */
#ifndef KT_WORKLOAD_NODE_CLAIM_H
#define KT_WORKLOAD_NODE_CLAIM_H

#include "admission/settings.h"
#include "workspace/workspace.h"

#define KT_NODE_CLAIM_NAME_BYTES 12 /* "ws", 9 hex digits, NUL */

/* The name of claim `number` (from 1): "ws" and the first 9 hex digits of SHA-256 of "<uid>/<number>"; without a uid
 * (offline) of "<namespace>/<name>/<number>". The same claim always has the same name, so that none is made twice. */
void kt_node_claim_name(const cJSON *workspace, int64_t number, char ret[KT_NODE_CLAIM_NAME_BYTES]);

/* The claim. Its storage request is sized from the model, data and output for a tuning (40 to 1024 GiB), as upstream
 * for inference. KT_EINVAL for a cloud that has no node class; KT_ENOMEM. */
int kt_node_claim_build(struct kt_arena *arena, const cJSON *workspace, const struct kt_settings *settings,
                        int64_t number, cJSON **ret, struct kt_error *error) KT_NODISCARD;

#endif
