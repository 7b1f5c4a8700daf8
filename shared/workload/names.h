/* SPDX-License-Identifier: Apache-2.0 */
/* The names by which a Workspace's objects are found: upstream's, and a few of our own where upstream has none. */
#ifndef KT_WORKLOAD_NAMES_H
#define KT_WORKLOAD_NAMES_H

#define KT_LABEL_WORKSPACE "kaito.sh/workspace"
#define KT_LABEL_WORKSPACE_NAMESPACE "kaito.sh/workspacenamespace" /* on NodeClaims, which have no namespace */
#define KT_LABEL_REVISION_OF "workspace.kaito.io/name"             /* on ControllerRevisions */
#define KT_LABEL_MANAGED_BY "app.kubernetes.io/managed-by"
#define KT_MANAGER "kaito-webhook" /* value of that label, and the field manager of every write */
#define KT_FINALIZER "workspace.finalizer.kaito.sh"
#define KT_ANNOTATION_HASH "workspace.kaito.io/hash"
#define KT_ANNOTATION_REVISION "workspace.kaito.io/revision"
/* Our own, on a Workspace: the number of its newest NodeClaim, from "1". Written before that claim is made, so that a
 * claim that is gone is told from one that was never made. */
#define KT_ANNOTATION_NODE_CLAIMS "workspace.kaito.io/node-claims"
/* Our own, on a Workspace: the generation at which its revision was written. A later one that asks for the same (a
 * default filled in, an empty member) is no new revision, and what the status says of an earlier one still holds. */
#define KT_ANNOTATION_REVISION_GENERATION "workspace.kaito.io/revision-generation"
/* Our own, on a Job: kt_config_map_hash of the user's config map that it was made for. */
#define KT_ANNOTATION_CONFIG_HASH "workspace.kaito.io/config-hash"
#define KT_GPU_RESOURCE "nvidia.com/gpu"
#define KT_TUNING_CONFIG_KEY "training_config.yaml"
#define KT_PUSHER_CONTAINER "pusher"
#define KT_OUTPUT_CHECK_CONTAINER "output-check"
#define KT_OUTPUT_VERIFIER_CONTAINER "output-verifier"
#define KT_DATASET_CONTAINER "dataset"
#define KT_WEIGHTS_CONTAINER "model-weights-downloader"

#endif
