/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/store_fields.h"

#include <stdlib.h>
#include <string.h>

static const struct kt_field all_but_last_applied[] = {
    {"kubectl.kubernetes.io/last-applied-configuration", NULL, KT_DROP}, {"", NULL, KT_OTHERS}, {0}};
static const struct kt_field gpu_amounts[] = {{"", NULL, KT_OTHERS_GPU}, {0}};
static const struct kt_field names[] = {{.key = "name"}, {0}};
static const struct kt_field owners[] = {{.key = "apiVersion"}, {.key = "kind"},       {.key = "name"},
                                         {.key = "uid"},        {.key = "controller"}, {0}};
static const struct kt_field conditions[] = {{.key = "type"},
                                             {.key = "status"},
                                             {.key = "reason"},
                                             {.key = "message", .how = KT_KEEP_CUT},
                                             {.key = "lastTransitionTime"},
                                             {0}};

static const struct kt_field workspace_metadata[] = {{.key = "name"},
                                                     {.key = "namespace"},
                                                     {.key = "uid"},
                                                     {.key = "resourceVersion", .how = KT_KEEP_VERSION},
                                                     {.key = "generation"},
                                                     {.key = "creationTimestamp"},
                                                     {.key = "deletionTimestamp"},
                                                     {.key = "finalizers"},
                                                     {.key = "labels"},
                                                     {.key = "annotations", .inside = all_but_last_applied},
                                                     {0}};
static const struct kt_field workspace_fields[] = {{.key = "apiVersion"},
                                                   {.key = "kind"},
                                                   {.key = "metadata", .inside = workspace_metadata},
                                                   {.key = "resource"},
                                                   {.key = "tuning"},
                                                   {.key = "inference"},
                                                   {.key = "status"},
                                                   {0}};

static const struct kt_field node_claim_metadata[] = {{.key = "name"},
                                                      {.key = "uid"},
                                                      {.key = "resourceVersion", .how = KT_KEEP_VERSION},
                                                      {.key = "creationTimestamp"},
                                                      {.key = "deletionTimestamp"},
                                                      {.key = "labels"},
                                                      {.key = "finalizers"},
                                                      {0}};
static const struct kt_field node_claim_status[] = {
    {.key = "conditions", .inside = conditions}, {.key = "nodeName"}, {.key = "providerID"}, {0}};
static const struct kt_field node_claim_fields[] = {
    {.key = "metadata", .inside = node_claim_metadata}, {.key = "status", .inside = node_claim_status}, {0}};

static const struct kt_field node_metadata[] = {{.key = "name"},
                                                {.key = "uid"},
                                                {.key = "resourceVersion", .how = KT_KEEP_VERSION},
                                                {.key = "creationTimestamp"},
                                                {.key = "deletionTimestamp"},
                                                {.key = "labels"},
                                                {0}};
static const struct kt_field node_spec[] = {{.key = "unschedulable"}, {0}};
/* Heartbeats change lastHeartbeatTime only, which is not kept. */
static const struct kt_field node_status[] = {{.key = "conditions", .inside = conditions, .how = KT_KEEP_READY},
                                              {.key = "capacity", .inside = gpu_amounts},
                                              {.key = "allocatable", .inside = gpu_amounts},
                                              {0}};
static const struct kt_field node_fields[] = {{.key = "metadata", .inside = node_metadata},
                                              {.key = "spec", .inside = node_spec},
                                              {.key = "status", .inside = node_status},
                                              {0}};

static const struct kt_field child_metadata[] = {{.key = "name"},
                                                 {.key = "namespace"},
                                                 {.key = "uid"},
                                                 {.key = "resourceVersion", .how = KT_KEEP_VERSION},
                                                 {.key = "creationTimestamp"},
                                                 {.key = "deletionTimestamp"},
                                                 {.key = "labels"},
                                                 {.key = "annotations", .inside = all_but_last_applied},
                                                 {.key = "ownerReferences", .inside = owners},
                                                 {.key = "finalizers"},
                                                 {0}};
static const struct kt_field job_spec[] = {{.key = "suspend"}, {.key = "backoffLimit"}, {0}};
static const struct kt_field job_status[] = {{.key = "conditions", .inside = conditions},
                                             {.key = "active"},
                                             {.key = "ready"},
                                             {.key = "succeeded"},
                                             {.key = "failed"},
                                             {.key = "terminating"},
                                             {.key = "startTime"},
                                             {.key = "completionTime"},
                                             {0}};
static const struct kt_field job_fields[] = {{.key = "metadata", .inside = child_metadata},
                                             {.key = "spec", .inside = job_spec},
                                             {.key = "status", .inside = job_status},
                                             {0}};

static const struct kt_field pod_metadata[] = {{.key = "name"},
                                               {.key = "namespace"},
                                               {.key = "uid"},
                                               {.key = "resourceVersion", .how = KT_KEEP_VERSION},
                                               {.key = "creationTimestamp"},
                                               {.key = "deletionTimestamp"},
                                               {.key = "labels"},
                                               {.key = "ownerReferences", .inside = owners},
                                               {0}};
static const struct kt_field pod_spec[] = {
    {.key = "nodeName"}, {.key = "containers", .inside = names}, {.key = "initContainers", .inside = names}, {0}};
static const struct kt_field container_end[] = {{.key = "exitCode"},
                                                {.key = "signal"},
                                                {.key = "reason"},
                                                {.key = "message", .how = KT_KEEP_CUT},
                                                {.key = "startedAt"},
                                                {.key = "finishedAt"},
                                                {0}};
static const struct kt_field container_wait[] = {{.key = "reason"}, {.key = "message", .how = KT_KEEP_CUT}, {0}};
static const struct kt_field container_state[] = {{.key = "waiting", .inside = container_wait},
                                                  {.key = "running"},
                                                  {.key = "terminated", .inside = container_end},
                                                  {0}};
static const struct kt_field container_status[] = {{.key = "name"},
                                                   {.key = "state", .inside = container_state},
                                                   {.key = "lastState", .inside = container_state},
                                                   {.key = "restartCount"},
                                                   {.key = "ready"},
                                                   {.key = "started"},
                                                   {0}};
static const struct kt_field pod_status[] = {{.key = "phase"},
                                             {.key = "reason"},
                                             {.key = "message", .how = KT_KEEP_CUT},
                                             {.key = "conditions", .inside = conditions},
                                             {.key = "initContainerStatuses", .inside = container_status},
                                             {.key = "containerStatuses", .inside = container_status},
                                             {0}};
static const struct kt_field pod_fields[] = {{.key = "metadata", .inside = pod_metadata},
                                             {.key = "spec", .inside = pod_spec},
                                             {.key = "status", .inside = pod_status},
                                             {0}};

static const struct kt_field config_map_metadata[] = {{.key = "name"},
                                                      {.key = "namespace"},
                                                      {.key = "uid"},
                                                      {.key = "resourceVersion", .how = KT_KEEP_VERSION},
                                                      {.key = "deletionTimestamp"},
                                                      {.key = "labels"},
                                                      {0}};
/* All of its data, because kt_config_map_hash covers all. */
static const struct kt_field config_map_fields[] = {
    {.key = "metadata", .inside = config_map_metadata}, {.key = "data"}, {.key = "binaryData"}, {0}};

const struct kt_field *const kt_store_fields[KT_STORED_KINDS] = {
    [KT_STORED_WORKSPACES] = workspace_fields,
    [KT_STORED_NODE_CLAIMS] = node_claim_fields,
    [KT_STORED_NODES] = node_fields,
    [KT_STORED_JOBS] = job_fields,
    [KT_STORED_PODS] = pod_fields,
    [KT_STORED_CONFIG_MAPS] = config_map_fields,
};

/* --- common texts --------------------------------------------------------------------------------------------------
 */

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
