/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/kinds.h"

#include "admission/inference_facts.h"
#include "workload/names.h"

/* --- what is kept -------------------------------------------------------------------------------------------- */

static const struct kt_kept_field all_but_last_applied[] = {
    {"kubectl.kubernetes.io/last-applied-configuration", NULL, KT_KEEP_NOT}, {"", NULL, KT_KEEP_OTHERS}, {0}};
static const struct kt_kept_field gpu_amounts[] = {{"", NULL, KT_KEEP_OTHERS_GPU}, {0}};
static const struct kt_kept_field names[] = {{.key = "name"}, {0}};
static const struct kt_kept_field owners[] = {{.key = "apiVersion"}, {.key = "kind"},       {.key = "name"},
                                              {.key = "uid"},        {.key = "controller"}, {0}};
static const struct kt_kept_field conditions[] = {{.key = "type"},
                                                  {.key = "status"},
                                                  {.key = "reason"},
                                                  {.key = "message", .how = KT_KEEP_CUT},
                                                  {.key = "lastTransitionTime"},
                                                  {0}};

static const struct kt_kept_field workspace_metadata[] = {{.key = "name"},
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
static const struct kt_kept_field workspace_fields[] = {{.key = "apiVersion"},
                                                        {.key = "kind"},
                                                        {.key = "metadata", .inside = workspace_metadata},
                                                        {.key = "resource"},
                                                        {.key = "tuning"},
                                                        {.key = "inference"},
                                                        {.key = "status"},
                                                        {0}};

static const struct kt_kept_field node_claim_metadata[] = {{.key = "name"},
                                                           {.key = "uid"},
                                                           {.key = "resourceVersion", .how = KT_KEEP_VERSION},
                                                           {.key = "creationTimestamp"},
                                                           {.key = "deletionTimestamp"},
                                                           {.key = "labels"},
                                                           {.key = "finalizers"},
                                                           {0}};
static const struct kt_kept_field node_claim_status[] = {
    {.key = "conditions", .inside = conditions}, {.key = "nodeName"}, {.key = "providerID"}, {0}};
static const struct kt_kept_field node_claim_fields[] = {
    {.key = "metadata", .inside = node_claim_metadata}, {.key = "status", .inside = node_claim_status}, {0}};

static const struct kt_kept_field node_metadata[] = {{.key = "name"},
                                                     {.key = "uid"},
                                                     {.key = "creationTimestamp"},
                                                     {.key = "deletionTimestamp"},
                                                     {.key = "labels"},
                                                     {0}};
static const struct kt_kept_field node_spec[] = {{.key = "unschedulable"}, {0}};
/* Heartbeats change lastHeartbeatTime only, which is not kept. */
static const struct kt_kept_field node_status[] = {{.key = "conditions", .inside = conditions, .how = KT_KEEP_READY},
                                                   {.key = "capacity", .inside = gpu_amounts},
                                                   {.key = "allocatable", .inside = gpu_amounts},
                                                   {0}};
static const struct kt_kept_field node_fields[] = {{.key = "metadata", .inside = node_metadata},
                                                   {.key = "spec", .inside = node_spec},
                                                   {.key = "status", .inside = node_status},
                                                   {0}};

static const struct kt_kept_field child_metadata[] = {{.key = "name"},
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
static const struct kt_kept_field job_spec[] = {{.key = "suspend"}, {.key = "backoffLimit"}, {0}};
static const struct kt_kept_field job_status[] = {{.key = "conditions", .inside = conditions},
                                                  {.key = "active"},
                                                  {.key = "ready"},
                                                  {.key = "succeeded"},
                                                  {.key = "failed"},
                                                  {.key = "terminating"},
                                                  {.key = "startTime"},
                                                  {.key = "completionTime"},
                                                  {0}};
static const struct kt_kept_field job_fields[] = {{.key = "metadata", .inside = child_metadata},
                                                  {.key = "spec", .inside = job_spec},
                                                  {.key = "status", .inside = job_status},
                                                  {0}};

static const struct kt_kept_field pod_metadata[] = {{.key = "name"},
                                                    {.key = "namespace"},
                                                    {.key = "uid"},
                                                    {.key = "resourceVersion", .how = KT_KEEP_VERSION},
                                                    {.key = "creationTimestamp"},
                                                    {.key = "deletionTimestamp"},
                                                    {.key = "labels"},
                                                    {.key = "ownerReferences", .inside = owners},
                                                    {0}};
static const struct kt_kept_field pod_spec[] = {
    {.key = "nodeName"}, {.key = "containers", .inside = names}, {.key = "initContainers", .inside = names}, {0}};
static const struct kt_kept_field container_end[] = {{.key = "exitCode"},
                                                     {.key = "signal"},
                                                     {.key = "reason"},
                                                     {.key = "message", .how = KT_KEEP_CUT},
                                                     {.key = "startedAt"},
                                                     {.key = "finishedAt"},
                                                     {0}};
static const struct kt_kept_field container_wait[] = {{.key = "reason"}, {.key = "message", .how = KT_KEEP_CUT}, {0}};
static const struct kt_kept_field container_state[] = {{.key = "waiting", .inside = container_wait},
                                                       {.key = "running"},
                                                       {.key = "terminated", .inside = container_end},
                                                       {0}};
static const struct kt_kept_field container_status[] = {{.key = "name"},
                                                        {.key = "state", .inside = container_state},
                                                        {.key = "lastState", .inside = container_state},
                                                        {.key = "restartCount"},
                                                        {.key = "ready"},
                                                        {.key = "started"},
                                                        {0}};
static const struct kt_kept_field pod_status[] = {{.key = "phase"},
                                                  {.key = "reason"},
                                                  {.key = "message", .how = KT_KEEP_CUT},
                                                  {.key = "conditions", .inside = conditions},
                                                  {.key = "initContainerStatuses", .inside = container_status},
                                                  {.key = "containerStatuses", .inside = container_status},
                                                  {0}};
static const struct kt_kept_field pod_fields[] = {{.key = "metadata", .inside = pod_metadata},
                                                  {.key = "spec", .inside = pod_spec},
                                                  {.key = "status", .inside = pod_status},
                                                  {0}};

static const struct kt_kept_field config_map_metadata[] = {
    {.key = "name"}, {.key = "namespace"}, {.key = "uid"}, {.key = "deletionTimestamp"}, {.key = "labels"}, {0}};
/* The configs; of all data kt_config_map_hash is kept beside it. */
static const struct kt_kept_field config_map_data[] = {
    {.key = KT_TUNING_CONFIG_KEY, .how = KT_KEEP_CONFIG}, {.key = KT_INFERENCE_CONFIG_KEY, .how = KT_KEEP_CONFIG}, {0}};
static const struct kt_kept_field config_map_fields[] = {
    {.key = "metadata", .inside = config_map_metadata}, {.key = "data", .inside = config_map_data}, {0}};

/* --- who names whom ------------------------------------------------------------------------------------------- */

static const struct kt_kind_reference node_references[] = {{KT_KIND_NODE_CLAIM, {"status", "nodeName"}},
                                                           {KT_KIND_WORKSPACE, {"status", "workerNodes"}},
                                                           {KT_KIND_POD, {"spec", "nodeName"}},
                                                           {0}};

/* --- the rows ------------------------------------------------------------------------------------------------ */

enum {
    READ = KT_VERB_GET | KT_VERB_LIST | KT_VERB_WATCH,
    MAKE = KT_VERB_CREATE | KT_VERB_DELETE,
};

const struct kt_kind kt_kinds[KT_KIND_COUNT] = {
    [KT_KIND_WORKSPACE] = {.resource = &kt_resource_workspaces,
                           .found_by = KT_FOUND_BY_NAME,
                           .fields = workspace_fields,
                           .condition = "WorkspaceSucceeded",
                           .verbs = READ | KT_VERB_PATCH,
                           .why = "Finalizer and annotations of a Workspace are written, never its spec."},
    [KT_KIND_NODE_CLAIM] = {.resource = &kt_resource_node_claims,
                            .found_by = KT_FOUND_BY_LABEL,
                            .is_observed = true,
                            .watch_selector = KT_LABEL_WORKSPACE,
                            .fields = node_claim_fields,
                            .condition = "NodeClaimReady",
                            .verbs = READ | MAKE,
                            .why = "A NodeClaim asks for a machine, and is given back with its Workspace."},
    /* All are watched: those of the user's own have no label of ours. */
    [KT_KIND_NODE] = {.resource = &kt_resource_nodes,
                      .found_by = KT_FOUND_BY_REFERENCE,
                      .references = node_references,
                      .is_observed = true,
                      .fields = node_fields,
                      .for_rules = true,
                      .condition = "NodesReady",
                      .verbs = READ,
                      .why = "A Workspace is judged together with the nodes that it may run on."},
    [KT_KIND_JOB] = {.resource = &kt_resource_jobs,
                     .found_by = KT_FOUND_BY_NAME,
                     .is_observed = true,
                     .watch_selector = KT_LABEL_WORKSPACE,
                     .fields = job_fields,
                     .condition = "JobStarted",
                     .verbs = READ | MAKE,
                     .why = "The Job trains. One for an older state of the Workspace makes room for the next."},
    [KT_KIND_POD] = {.resource = &kt_resource_pods,
                     .found_by = KT_FOUND_BY_LABEL,
                     .is_observed = true,
                     .watch_selector = KT_LABEL_WORKSPACE,
                     .fields = pod_fields,
                     .condition = "JobStarted",
                     .verbs = READ,
                     .why = "The status says what the pods of the Job do."},
    /* All are watched: the user's have no label of ours. */
    [KT_KIND_CONFIG_MAP] = {.resource = &kt_resource_config_maps,
                            .found_by = KT_FOUND_BY_REFERENCE,
                            .fields = config_map_fields,
                            .for_rules = true,
                            .condition = "JobStarted",
                            .verbs = READ | KT_VERB_CREATE,
                            .why = "A Workspace is judged together with the ConfigMap that it names, in any namespace. "
                                   "A template is copied to where a Workspace without a config of its own lives."},
    [KT_KIND_CONTROLLER_REVISION] = {.resource = &kt_resource_controller_revisions,
                                     .found_by = KT_FOUND_BY_LABEL,
                                     .condition = "WorkspaceSucceeded",
                                     .verbs = KT_VERB_GET | KT_VERB_LIST | MAKE,
                                     .why = "The states that a Workspace has had; the oldest are taken away."},
    [KT_KIND_EVENT] = {.resource = &kt_resource_events,
                       .found_by = KT_FOUND_BY_SUBJECT,
                       .condition = "JobStarted",
                       .verbs = KT_VERB_LIST | KT_VERB_CREATE,
                       .why = "Events are written for people, and read for what only they tell (no capacity, a missing "
                              "Secret, a quota)."},
};

static const char *label(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", "labels", key, NULL), "");
}

bool kt_kind_is_labelled(const struct kt_kind *kind, const cJSON *object, const char *namespace_, const char *name)
{
    const char *of = kind->resource->cluster_scoped
                         ? label(object, KT_LABEL_WORKSPACE_NAMESPACE)
                         : kt_json_string_or(kt_json_path(object, "metadata", "namespace", NULL), "");
    return kt_streq(of, namespace_) && kt_streq(label(object, KT_LABEL_WORKSPACE), name);
}
