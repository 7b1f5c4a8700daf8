/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/common_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* In the order of strcmp. */
static const char *const common_texts[] = {
    "",
    "ContainersReady",
    "False",
    "Initialized",
    "JobStarted",
    "NodeClaimReady",
    "NodesReady",
    "PodReadyToStartContainers",
    "PodScheduled",
    "Ready",
    "ResourceReady",
    "True",
    "Unknown",
    "Workspace",
    "WorkspaceReady",
    "WorkspaceSucceeded",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "conditions",
    "count",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "image",
    "imagePushSecret",
    "input",
    "instanceType",
    "kaito.sh/v1beta1",
    "kaito.sh/workspace",
    "kaito.sh/workspacenamespace",
    "karpenter.sh/capacity-type",
    "karpenter.sh/nodepool",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "labelSelector",
    "lastTransitionTime",
    "matchLabels",
    "message",
    "method",
    "name",
    "node.kubernetes.io/instance-type",
    "nvidia.com/gpu",
    "observedGeneration",
    "output",
    "preset",
    "reason",
    "state",
    "status",
    "targetNodeCount",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "training_config.yaml",
    "type",
    "urls",
    "workerNodes",
    "workspace.finalizer.kaito.sh",
    "workspace.kaito.io/hash",
    "workspace.kaito.io/name",
    "workspace.kaito.io/node-claims",
    "workspace.kaito.io/revision",
};

_Static_assert(KT_ARRAY_LENGTH(common_texts) <= 256, "a number fits into a byte");

static int compare_text(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

int kt_common_text_find(const char *text)
{
    if (kt_ascii_is_digit(*text))
        return -1; /* times, uids, numbers: most values begin so, and none of these texts does */
    const char *const *found =
        bsearch(text, common_texts, KT_ARRAY_LENGTH(common_texts), sizeof(common_texts[0]), compare_text);
    return found ? (int)(found - common_texts) : -1;
}

const char *kt_common_text(unsigned number)
{
    return number < KT_ARRAY_LENGTH(common_texts) ? common_texts[number] : NULL;
}
