/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that nobody should have written, of each kind that the reconciler reads: wrong types, missing members, huge
 * numbers, other owners, on their way out. It goes on or says what is wrong, and comes to rest; a look that ends with a
 * write every time would never.
 */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>

#include "kube/client.h"
#include "tests/lib/reconcile_cases.h"

static const struct odd {
    const char *kind, *name; /* NULL: the only one */
    const char *patch;
} odds[] = {
    {"Workspace", "tune", "{metadata: {annotations: {workspace.kaito.io/node-claims: '99999999999999999999'}}}"},
    {"Workspace", "tune", "{metadata: {annotations: {workspace.kaito.io/node-claims: '-1'}}}"},
    {"Workspace", "tune", "{metadata: {annotations: {workspace.kaito.io/revision: 7, workspace.kaito.io/hash: []}}}"},
    {"Workspace", "tune",
     "{metadata: {annotations: {workspace.kaito.io/revision-generation: '-9223372036854775808'}}}"},
    {"Workspace", "tune", "{metadata: {finalizers: [other/one, 7, '']}}"},
    {"Workspace", "tune", "{metadata: {generation: 9223372036854775807}}"},
    {"Workspace", "tune", "{metadata: {generation: 1.0e+300}}"},
    {"Workspace", "tune", "{metadata: {generation: many}}"},
    {"Workspace", "tune", "{metadata: {deletionTimestamp: never, finalizers: [workspace.finalizer.kaito.sh]}}"},
    {"Workspace", "tune", "{metadata: {deletionTimestamp: '9999-12-31T23:59:59Z'}}"},
    {"Workspace", "tune", "{metadata: {deletionTimestamp: 7}}"},
    {"Workspace", "tune", "{status: {conditions: {}}}"},
    {"Workspace", "tune", "{status: {conditions: [7, {}, {type: 7}, {type: JobStarted, status: true}]}}"},
    {"Workspace", "tune", "{status: {state: 7, workerNodes: x, targetNodeCount: 1.0e+99}}"},
    {"Workspace", "tune", "{resource: []}"},
    {"Workspace", "tune", "{resource: {count: -9223372036854775808, instanceType: 7, labelSelector: x}}"},
    {"Workspace", "tune", "{tuning: {preset: 7}}"},
    {"Workspace", "tune", "{tuning: {input: null, output: null, method: 7}}"},
    {"Workspace", "tune", "{tuning: {config: 7, input: {urls: [7, {}]}, output: {image: []}}}"},
    {"Workspace", "tune", "{tuning: {}, inference: {preset: 7}}"},
    {"NodeClaim", NULL, "{status: 7}"},
    {"NodeClaim", NULL, "{status: {nodeName: 7, conditions: [7, [], {type: Ready}, {type: Ready, status: true}]}}"},
    {"NodeClaim", NULL, "{status: {conditions: [{type: Launched, status: 'False', reason: LaunchFailed}]}}"},
    {"NodeClaim", NULL,
     "{status: {conditions: [{type: Launched, status: 'False', reason: LaunchFailed, message: 7, "
     "lastTransitionTime: '0001-01-01T00:00:00Z'}]}}"},
    {"NodeClaim", NULL, "{metadata: {deletionTimestamp: 7, creationTimestamp: never}}"},
    {"NodeClaim", NULL, "{metadata: {labels: {kaito.sh/workspace: other}}}"},
    {"NodeClaim", NULL, "{metadata: {finalizers: [x], deletionTimestamp: '2026-11-23T18:00:00Z'}}"},
    {"Node", NULL, "{metadata: {labels: 7, annotations: []}}"},
    {"Node", NULL, "{spec: 7, status: 7}"},
    {"Node", NULL, "{status: {capacity: {nvidia.com/gpu: '99999999999999999999'}}}"},
    {"Node", NULL, "{status: {capacity: {nvidia.com/gpu: -1}, conditions: {}}}"},
    {"Node", NULL, "{metadata: {deletionTimestamp: '2026-11-23T18:00:00Z', finalizers: [x]}}"},
    {"Job", NULL, "{spec: 7, status: 7}"},
    {"Job", NULL, "{status: {conditions: [7, {}, {type: Complete, status: true}], active: -1, succeeded: 1.0e+99}}"},
    {"Job", NULL, "{status: {conditions: [{type: Failed, status: 'True', reason: 7, message: []}]}}"},
    {"Job", NULL, "{metadata: {annotations: {workspace.kaito.io/revision: 7}}}"},
    {"Job", NULL, "{metadata: {annotations: 7, creationTimestamp: 7}}"},
    {"Job", NULL, "{metadata: {ownerReferences: 7}}"},
    {"Job", NULL, "{metadata: {ownerReferences: [7, {uid: 7, controller: true}]}}"},
    {"Job", NULL, "{metadata: {ownerReferences: [{kind: Workspace, controller: true, uid: another}]}}"},
    {"Job", NULL, "{metadata: {deletionTimestamp: '2026-11-23T18:00:00Z', finalizers: [x]}}"},
    {"Pod", NULL, "{spec: 7, status: 7}"},
    {"Pod", NULL, "{spec: {containers: {}, initContainers: [7, {name: 7}]}}"},
    {"Pod", NULL, "{status: {phase: 7, containerStatuses: [7, {name: tune, state: 7}], conditions: [7, {}]}}"},
    {"Pod", NULL,
     "{status: {containerStatuses: [{name: tune, restartCount: 1.0e+99, state: {terminated: {exitCode: "
     "9223372036854775807, finishedAt: never, message: 7}}}]}}"},
    {"Pod", NULL, "{metadata: {ownerReferences: [{kind: Job, controller: true, uid: another}]}}"},
    {"Pod", NULL, "{metadata: {creationTimestamp: '9999-12-31T23:59:59Z', deletionTimestamp: x}}"},
    {"ConfigMap", "default/my-config", "{data: 7}"},
    {"ConfigMap", "default/my-config", "{data: null, binaryData: {training_config.yaml: '!'}}"},
    {"ConfigMap", "default/my-config", "{data: {training_config.yaml: 7}}"},
    {"ConfigMap", "default/my-config", "{data: {training_config.yaml: 'a: ['}}"},
    {"ConfigMap", "default/my-config", "{data: {training_config.yaml: 'training_config: [1.0e+999]'}}"},
    {"ConfigMap", "default/my-config", "{metadata: {deletionTimestamp: '2026-11-23T18:00:00Z', finalizers: [x]}}"},
    {"ConfigMap", "kaito-workspace/qlora-params-template", "{data: {training_config.yaml: 'a: ['}}"},
    {"ControllerRevision", NULL, "{revision: 9223372036854775807}"},
    {"ControllerRevision", NULL, "{revision: -1, data: 7}"},
    {"ControllerRevision", NULL, "{metadata: {ownerReferences: 7}}"},
};

/* Watches and writes of others would go on; here the cluster holds still, and so must the reconciler. */
static void expect_rest(const struct kt_reconcile_case *row, const struct odd *odd, struct kt_test_cluster *cluster)
{
    struct kt_test_outcome outcome = {0};
    for (int looks = 0; looks < 12; looks++) {
        outcome = kt_test_look(cluster);
        if (outcome.failed && !*outcome.error)
            fail_msg("%s, %s %s: fails without a word", row->name, odd->kind, odd->patch);
        if (!outcome.changed && looks > 0 && outcome.requeue_after_ms == 0)
            break;
        kt_test_advance(cluster, outcome.requeue_after_ms);
    }
    if (outcome.changed)
        fail_msg("%s, %s %s: never rests: %s, %s", row->name, odd->kind, odd->patch, outcome.writes, outcome.events);
    size_t claims = kt_object_server_births(kt_test_server(cluster), "NodeClaim");
    size_t jobs = kt_object_server_births(kt_test_server(cluster), "Job");
    if (claims > row->claims + 1 || jobs > row->jobs + 1)
        fail_msg("%s, %s %s: %zu NodeClaims, %zu Jobs", row->name, odd->kind, odd->patch, claims, jobs);
}

static size_t try_everywhere(const struct odd *odd)
{
    size_t tried = 0;
    for (size_t i = 0; i < kt_reconcile_case_count; i++) {
        const struct kt_reconcile_case *row = &kt_reconcile_cases[i];
        if (row->is_forgotten)
            continue;
        struct kt_test_cluster *cluster = kt_reconcile_case_start(row);
        const char *name = odd->name                                ? odd->name
                           : kt_test_count(cluster, odd->kind) == 1 ? kt_test_only(cluster, odd->kind)
                                                                    : "";
        if (kt_test_get(cluster, odd->kind, name)) {
            kt_test_change(cluster, odd->kind, name, odd->patch);
            expect_rest(row, odd, cluster);
            tried++;
        }
        kt_test_cluster_stop(cluster);
    }
    return tried;
}

static void an_odd_object_does_no_harm(void **state KT_UNUSED)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(odds); i += kt_reconcile_share())
        if (try_everywhere(&odds[i]) == 0)
            fail_msg("there is no %s to change", odds[i].kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_odd_object_does_no_harm)};
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("reconcile odd objects", tests, NULL, NULL);
    kt_reconcile_cases_release();
    kt_client_global_cleanup();
    return failed;
}
