/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/reconcile_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what others do ------------------------------------------------------------------------------------------------
 */

#define WORKSPACE(config)                                                                                     \
    "{apiVersion: kaito.sh/v1beta1, kind: Workspace, metadata: {name: tune, namespace: default}, "            \
    "resource: {instanceType: Standard_NC24ads_A100_v4, count: 1, labelSelector: {matchLabels: {apps: t}}}, " \
    "tuning: {preset: {name: phi-3-mini-128k-instruct}, method: qlora, " config                               \
    "input: {urls: ['https://example.com/data.parquet']}, "                                                   \
    "output: {image: 'registry.example.com/out:1', imagePushSecret: push}}}"

const char kt_test_workspace[] = WORKSPACE("");
const char kt_test_own_workspace[] = WORKSPACE("config: my-config, ");
const char kt_test_own_config[] =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: my-config, namespace: default}, data: {training_config.yaml: "
    "\"training_config:\\n  ModelConfig:\\n    torch_dtype: bfloat16\\n  QuantizationConfig:\\n    load_in_4bit: "
    "true\\n"
    "  LoraConfig:\\n    r: 8\\n  TrainingArguments:\\n    output_dir: /mnt/results\\n\"}}";

#define SINCE ", lastTransitionTime: '2026-11-23T17:59:00Z'}"
#define CONDITION(type, status, reason) "{type: " type ", status: '" status "', reason: " reason ", message: ''" SINCE

void kt_test_node_ready(struct kt_test_cluster *cluster)
{
    kt_test_change(cluster, "NodeClaim", kt_test_only(cluster, "NodeClaim"),
                   "{status: {nodeName: gpu-1, conditions: [" CONDITION("Launched", "True", "Launched") ", " CONDITION(
                       "Registered", "True", "Registered") ", " CONDITION("Initialized", "True",
                                                                          "Initialized") ", " CONDITION("Ready", "True",
                                                                                                        "Ready") "]}}");
    kt_test_put(cluster, "{apiVersion: v1, kind: Node, metadata: {name: gpu-1, labels: {apps: t}}, status: {capacity: "
                         "{nvidia.com/gpu: '1'}, conditions: [" CONDITION("Ready", "True", "KubeletReady") "]}}");
}

void kt_test_pod(struct kt_test_cluster *cluster, const char *status)
{
    char text[4096];
    snprintf(text, sizeof(text),
             "{apiVersion: v1, kind: Pod, metadata: {name: tune-abcde, namespace: default, labels: "
             "{kaito.sh/workspace: tune}, ownerReferences: [{kind: Job, controller: true, uid: '%s'}]}, spec: "
             "{nodeName: gpu-1, containers: [{name: tune}]}, status: %s}",
             kt_test_text(cluster, "Job", "tune", "metadata.uid"), status);
    kt_test_put(cluster, text);
}

void kt_test_job_ended(struct kt_test_cluster *cluster, const char *type)
{
    char text[1024];
    snprintf(text, sizeof(text), "{status: {conditions: [{type: %s, status: 'True', reason: R, message: ''" SINCE "]}}",
             type);
    kt_test_change(cluster, "Job", "tune", text);
}

void kt_test_delete_workspace(struct kt_test_cluster *cluster)
{
    kt_test_change(cluster, "Workspace", "tune", "{metadata: {deletionTimestamp: '2026-11-23T18:00:00Z'}}");
}

#define RUNNING                                                                                                \
    "{phase: Running, conditions: [{type: PodScheduled, status: 'True'" SINCE "], containerStatuses: [{name: " \
    "tune, restartCount: 0, state: {running: {startedAt: '2026-11-23T17:59:40Z'}}}]}"

/* --- how far it has come -------------------------------------------------------------------------------------------
 */

static void applied(struct kt_test_cluster *cluster)
{
    kt_test_put(cluster, kt_test_workspace);
}

static void applied_with_config(struct kt_test_cluster *cluster)
{
    kt_test_put(cluster, kt_test_own_config);
    kt_test_put(cluster, kt_test_own_workspace);
}

static void applied_without_its_config(struct kt_test_cluster *cluster)
{
    kt_test_put(cluster, kt_test_own_workspace);
}

static void config_came(struct kt_test_cluster *cluster)
{
    applied_without_its_config(cluster);
    kt_test_settle(cluster);
    kt_test_put(cluster, kt_test_own_config);
}

static void claimed(struct kt_test_cluster *cluster)
{
    applied(cluster);
    kt_test_settle(cluster);
}

static void node_came(struct kt_test_cluster *cluster)
{
    claimed(cluster);
    kt_test_node_ready(cluster);
}

static void job_made(struct kt_test_cluster *cluster)
{
    node_came(cluster);
    kt_test_settle(cluster);
}

static void pod_runs(struct kt_test_cluster *cluster)
{
    job_made(cluster);
    kt_test_change(cluster, "Job", "tune", "{status: {active: 1}}");
    kt_test_pod(cluster, RUNNING);
}

static void running(struct kt_test_cluster *cluster)
{
    pod_runs(cluster);
    kt_test_settle(cluster);
}

static void completed(struct kt_test_cluster *cluster)
{
    running(cluster);
    kt_test_job_ended(cluster, "Complete");
}

static void failed(struct kt_test_cluster *cluster)
{
    running(cluster);
    kt_test_job_ended(cluster, "Failed");
}

static void job_taken_away(struct kt_test_cluster *cluster)
{
    running(cluster);
    kt_test_remove(cluster, "Pod", "tune-abcde");
    kt_test_remove(cluster, "Job", "tune");
}

static void claim_lost(struct kt_test_cluster *cluster)
{
    claimed(cluster);
    kt_test_remove(cluster, "NodeClaim", kt_test_only(cluster, "NodeClaim"));
}

static void claim_lost_long_ago(struct kt_test_cluster *cluster)
{
    claim_lost(cluster);
    kt_test_look(cluster);
    kt_test_advance(cluster, KT_TEST_CLAIM_RETRY_MS);
}

static void launch_fails(struct kt_test_cluster *cluster)
{
    claimed(cluster);
    kt_test_change(cluster, "NodeClaim", kt_test_only(cluster, "NodeClaim"),
                   "{metadata: {finalizers: [karpenter.sh/termination]}, status: {conditions: [{type: Launched, "
                   "status: 'Unknown', reason: LaunchFailed, message: 'no such size'" SINCE "]}}");
}

static void spec_changed(struct kt_test_cluster *cluster)
{
    running(cluster);
    kt_test_change(cluster, "Workspace", "tune", "{tuning: {input: {urls: ['https://example.com/more.parquet']}}}");
}

static void replacing(struct kt_test_cluster *cluster)
{
    spec_changed(cluster);
    kt_test_look(cluster);
    kt_test_advance(cluster, 1000);
}

static void config_changed(struct kt_test_cluster *cluster)
{
    applied_with_config(cluster);
    kt_test_settle(cluster);
    kt_test_node_ready(cluster);
    kt_test_settle(cluster);
    kt_test_change(cluster, "ConfigMap", "default/my-config", "{data: {note: changed}}");
}

static void generation_grew(struct kt_test_cluster *cluster)
{
    completed(cluster);
    kt_test_settle(cluster);
    kt_test_remove(cluster, "Job", "tune");
    kt_test_change(cluster, "Workspace", "tune", "{resource: {preferredNodes: null}}");
}

static void deleted(struct kt_test_cluster *cluster)
{
    running(cluster);
    kt_test_change(cluster, "NodeClaim", kt_test_only(cluster, "NodeClaim"),
                   "{metadata: {finalizers: [karpenter.sh/termination]}}");
    kt_test_delete_workspace(cluster);
}

static void children_are_gone(struct kt_test_cluster *cluster)
{
    deleted(cluster);
    kt_test_look(cluster);
    kt_test_remove(cluster, "NodeClaim", kt_test_only(cluster, "NodeClaim"));
}

static void deleted_too_long_ago(struct kt_test_cluster *cluster)
{
    deleted(cluster);
    kt_test_look(cluster);
    kt_test_advance(cluster, KT_TEST_DELETION_TIMEOUT_MS + 1000);
}

static void own_nodes(struct kt_test_cluster *cluster)
{
    kt_test_bring_your_own(cluster);
    applied(cluster);
    kt_test_put(cluster,
                "{apiVersion: v1, kind: Node, metadata: {name: gpu-1, labels: {apps: t, nvidia.com/gpu.compute.major: "
                "'8', nvidia.com/gpu.compute.minor: '0'}}, status: {capacity: {nvidia.com/gpu: '1'}, conditions: "
                "[" CONDITION("Ready", "True", "KubeletReady") "]}}");
}

static void ten_revisions(struct kt_test_cluster *cluster)
{
    char text[256];
    claimed(cluster);
    for (int i = 0; i < 9; i++) {
        snprintf(text, sizeof(text), "{tuning: {input: {urls: ['https://example.com/%d.parquet']}}}", i);
        kt_test_change(cluster, "Workspace", "tune", text);
        kt_test_settle(cluster);
    }
    kt_test_change(cluster, "Workspace", "tune", "{tuning: {input: {urls: ['https://example.com/last.parquet']}}}");
}

static void back_to_an_old_spec(struct kt_test_cluster *cluster)
{
    claimed(cluster);
    kt_test_change(cluster, "Workspace", "tune", "{tuning: {input: {urls: ['https://example.com/more.parquet']}}}");
    kt_test_settle(cluster);
    kt_test_change(cluster, "Workspace", "tune", "{tuning: {input: {urls: ['https://example.com/data.parquet']}}}");
}

static void old_job_is_gone(struct kt_test_cluster *cluster)
{
    replacing(cluster);
    kt_test_settle(cluster);
    kt_test_remove(cluster, "Pod", "tune-abcde");
    kt_test_remove(cluster, "Job", "tune");
}

static void config_changed_while_running(struct kt_test_cluster *cluster)
{
    applied_with_config(cluster);
    kt_test_settle(cluster);
    kt_test_node_ready(cluster);
    kt_test_settle(cluster);
    kt_test_pod(cluster, RUNNING);
    kt_test_settle(cluster);
    kt_test_change(cluster, "ConfigMap", "default/my-config", "{data: {note: changed}}");
}

static void last_claim_lost(struct kt_test_cluster *cluster)
{
    claim_lost(cluster);
    kt_test_settle(cluster);
    kt_test_remove(cluster, "NodeClaim", kt_test_only(cluster, "NodeClaim"));
    kt_test_settle(cluster);
    kt_test_remove(cluster, "NodeClaim", kt_test_only(cluster, "NodeClaim"));
}

static void started_over(struct kt_test_cluster *cluster)
{
    last_claim_lost(cluster);
    kt_test_settle(cluster);
    kt_test_change(cluster, "Workspace", "tune", "{metadata: {annotations: {workspace.kaito.io/node-claims: null}}}");
}

static void finalizer_taken_away(struct kt_test_cluster *cluster)
{
    running(cluster);
    kt_test_change(cluster, "Workspace", "tune", "{metadata: {finalizers: null}}");
}

static void job_of_another(struct kt_test_cluster *cluster)
{
    node_came(cluster);
    kt_test_put(cluster, "{apiVersion: batch/v1, kind: Job, metadata: {name: tune, namespace: default}}");
}

static void claim_of_another(struct kt_test_cluster *cluster)
{
    /* The name that the first claim of this Workspace will have. */
    kt_test_put(cluster, "{apiVersion: karpenter.sh/v1, kind: NodeClaim, metadata: {name: wsac095e7d2}}");
    applied(cluster);
}

static void unknown_model(struct kt_test_cluster *cluster)
{
    applied(cluster);
    kt_test_change(cluster, "Workspace", "tune", "{tuning: {preset: {name: no-such-model}}}");
}

static void no_template(struct kt_test_cluster *cluster)
{
    kt_test_remove(cluster, "ConfigMap", "kaito-workspace/qlora-params-template");
    applied(cluster);
}

static void inference(struct kt_test_cluster *cluster)
{
    kt_test_put(cluster, "{apiVersion: kaito.sh/v1beta1, kind: Workspace, metadata: {name: tune, namespace: default}, "
                         "resource: {instanceType: Standard_NC24ads_A100_v4}, inference: {preset: {name: phi-4}}}");
}

static void deleted_with_a_claim_of_before(struct kt_test_cluster *cluster)
{
    own_nodes(cluster);
    kt_test_settle(cluster);
    kt_test_put(cluster, "{apiVersion: karpenter.sh/v1, kind: NodeClaim, metadata: {name: old, labels: "
                         "{kaito.sh/workspace: tune, kaito.sh/workspacenamespace: default}}}");
    kt_test_delete_workspace(cluster);
}

const struct kt_reconcile_case kt_reconcile_cases[] = {
    {"applied", applied,
     "create controllerrevisions tune-ea4d3, apply workspaces tune, create configmaps qlora-params-template, create "
     "nodeclaims wsac095e7d2, patch workspaces/status tune",
     "NodeClaimCreated", .claims = 1, .jobs = 0},
    {"applied with a config of its own", applied_with_config,
     "create controllerrevisions tune-63da0, apply workspaces tune, create nodeclaims wsac095e7d2, patch "
     "workspaces/status tune",
     "NodeClaimCreated", .claims = 1, .jobs = 0},
    {"its config is missing", applied_without_its_config,
     "create controllerrevisions tune-63da0, apply workspaces tune, patch workspaces/status tune", "ConfigMapMissing",
     .claims = 0, .jobs = 0},
    {"its config has come", config_came, "create nodeclaims wsac095e7d2, patch workspaces/status tune",
     "NodeClaimCreated", .claims = 1, .jobs = 0},
    {"the template is missing", no_template,
     "create controllerrevisions tune-ea4d3, apply workspaces tune, patch workspaces/status tune", "TemplateMissing",
     .claims = 0, .jobs = 0},
    {"an unknown model", unknown_model, "patch workspaces/status tune", "InvalidWorkspace", .claims = 0, .jobs = 0},
    {"an inference", inference, "", "InferenceNotRun", .claims = 0, .jobs = 0},
    {"another's claim has the name", claim_of_another,
     "create controllerrevisions tune-ea4d3, apply workspaces tune, create configmaps qlora-params-template, create "
     "nodeclaims wsac095e7d2, patch workspaces/status tune",
     "NameTaken", .claims = 1, .jobs = 0},
    {"the node has come", node_came, "create jobs tune, patch workspaces/status tune", "JobCreated", .claims = 1,
     .jobs = 1},
    {"another's Job has the name", job_of_another, "create jobs tune, patch workspaces/status tune", "NameTaken",
     .claims = 1, .jobs = 1},
    {"the pod runs", pod_runs, "patch workspaces/status tune", "", .claims = 1, .jobs = 1},
    {"the Job is complete", completed, "patch workspaces/status tune", "TuningSucceeded", .claims = 1, .jobs = 1},
    {"the Job has failed", failed, "patch workspaces/status tune", "R", .claims = 1, .jobs = 1},
    {"the Job was taken away", job_taken_away, "patch workspaces/status tune", "JobDeleted", .claims = 1, .jobs = 1},
    {"the claim is lost", claim_lost, "patch workspaces/status tune", "NodeClaimLost", .claims = 2, .jobs = 0,
     .goes_on = true, .is_forgotten = true},
    {"another claim follows", claim_lost_long_ago,
     "apply workspaces tune, create nodeclaims ws7649481b1, patch workspaces/status tune", "NodeClaimCreated",
     .claims = 2, .jobs = 0, .is_forgotten = true},
    {"the last claim is lost", last_claim_lost, "patch workspaces/status tune", "NodeClaimLost", .claims = 3, .jobs = 0,
     .is_forgotten = true},
    {"started over", started_over, "apply workspaces tune, create nodeclaims wsac095e7d2, patch workspaces/status tune",
     "NodeClaimCreated", .claims = 4, .jobs = 0},
    {"the launch fails for long", launch_fails, "delete nodeclaims wsac095e7d2, patch workspaces/status tune",
     "LaunchFailed", .claims = 1, .jobs = 0},
    {"the finalizer was taken away", finalizer_taken_away, "apply workspaces tune", "", .claims = 1, .jobs = 1},
    {"the spec was changed", spec_changed,
     "create controllerrevisions tune-c812c, apply workspaces tune, patch workspaces/status tune", "SpecChanged",
     .claims = 1, .jobs = 1, .goes_on = true},
    {"the old Job goes", replacing, "delete jobs tune", "", .claims = 1, .jobs = 1},
    {"the old Job is gone", old_job_is_gone, "create jobs tune, patch workspaces/status tune", "JobCreated",
     .claims = 1, .jobs = 2},
    {"the config was changed", config_changed, "delete jobs tune, patch workspaces/status tune", "ConfigMapChanged",
     .claims = 1, .jobs = 1},
    {"the config was changed while it runs", config_changed_while_running, "patch workspaces/status tune",
     "ConfigMapChanged", .claims = 1, .jobs = 1, .goes_on = true},
    {"the generation grew", generation_grew, "patch workspaces/status tune", "", .claims = 1, .jobs = 1},
    {"ten revisions", ten_revisions,
     "create controllerrevisions tune-090db, delete controllerrevisions tune-ea4d3, apply workspaces tune, patch "
     "workspaces/status tune",
     "", .claims = 1, .jobs = 0, .may_leave_a_revision = true},
    {"back to an old spec", back_to_an_old_spec,
     "delete controllerrevisions tune-ea4d3, create controllerrevisions tune-ea4d3, apply workspaces tune, patch "
     "workspaces/status tune",
     "", .claims = 1, .jobs = 0},
    {"own nodes", own_nodes,
     "create controllerrevisions tune-ea4d3, apply workspaces tune, create configmaps qlora-params-template, create "
     "jobs tune, patch workspaces/status tune",
     "JobCreated", .claims = 0, .jobs = 1},
    {"deleted", deleted, "delete jobs tune, delete nodeclaims wsac095e7d2, patch workspaces/status tune", "",
     .claims = 1, .jobs = 1},
    {"the children are gone", children_are_gone, "patch workspaces tune", "", .claims = 1, .jobs = 1},
    {"deleted too long ago", deleted_too_long_ago, "patch workspaces tune", "NodeClaimLeft", .claims = 1, .jobs = 1},
    {"deleted with a claim of before", deleted_with_a_claim_of_before,
     "delete jobs tune, delete nodeclaims old, patch workspaces/status tune", "", .claims = 1, .jobs = 1,
     .goes_on = true},
};
const size_t kt_reconcile_case_count = KT_ARRAY_LENGTH(kt_reconcile_cases);

#define PREPARED_MOST 64
static struct kt_test_cluster *prepared[PREPARED_MOST];

struct kt_test_cluster *kt_reconcile_case_start(const struct kt_reconcile_case *row)
{
    size_t index = (size_t)(row - kt_reconcile_cases);
    if (!prepared[index]) {
        prepared[index] = kt_test_cluster_start();
        row->prepare(prepared[index]);
    }
    if (!row->is_forgotten)
        return kt_test_cluster_copy(prepared[index]);
    return KT_STEAL(prepared[index]);
}

static int rank(const char *state)
{
    static const char *const states[] = {"", "Pending", "Running", "Succeeded", "Failed"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(states); i++)
        if (strcmp(states[i], state) == 0)
            return (int)i;
    return -1;
}

const char *kt_reconcile_case_wrong(const struct kt_reconcile_case *row, struct kt_test_cluster *now,
                                    struct kt_test_cluster *end)
{
    static const char *const types[] = {"NodeClaimReady", "ResourceReady", "JobStarted", "WorkspaceSucceeded"};
    struct kt_test_cluster *before = prepared[row - kt_reconcile_cases];
    if (!before || !kt_test_get(end, "Workspace", "tune"))
        return NULL; /* one that goes nobody reads any more */
    for (size_t i = 0; i < KT_ARRAY_LENGTH(types); i++)
        if (strcmp(kt_test_condition(before, types[i], "status"), "True") == 0 &&
            strcmp(kt_test_condition(now, types[i], "status"), "True") != 0 &&
            strcmp(kt_test_condition(end, types[i], "status"), "True") == 0)
            return types[i];
    int state = rank(kt_test_text(now, "Workspace", "tune", "status.state"));
    int final = rank(kt_test_text(end, "Workspace", "tune", "status.state"));
    int first = rank(kt_test_text(before, "Workspace", "tune", "status.state"));
    return state > KT_MAX(final, first) || state < KT_MIN(final, first) ? "state" : NULL;
}

const char *kt_reconcile_case_odd_deletion(struct kt_test_cluster *now, struct kt_test_cluster *end)
{
    const char *writes = kt_test_writes(now), *usual = kt_test_writes(end);
    static char word[256];
    for (const char *found = strstr(writes, "delete "); found; found = strstr(found + 1, "delete ")) {
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(found, ","), found);
        if (!strstr(usual, word))
            return word;
    }
    return NULL;
}

size_t kt_reconcile_share(void)
{
    const char *text = getenv("RECONCILE_SHARE");
    size_t share = text ? strtoul(text, NULL, 10) : 1;
    return KT_MAX(share, (size_t)1);
}

bool kt_reconcile_is_long(void)
{
    return getenv("RECONCILE_LONG");
}

void kt_reconcile_cases_release(void)
{
    for (size_t i = 0; i < PREPARED_MOST; i++)
        kt_test_cluster_stop(KT_STEAL(prepared[i]));
}
