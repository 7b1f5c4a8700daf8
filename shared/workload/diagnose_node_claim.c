/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NodeClaim on its way: Launched, Registered, Initialized, Ready. Karpenter v1.10 deletes a claim that is not
 * launched after 5 minutes, one that is not registered after 15, and at once one for which there is no capacity or
 * whose node class is not ready (sigs.k8s.io/karpenter pkg/controllers/nodeclaim/lifecycle).
 */
#include "workload/diagnosis_internal.h"

/* A Karpenter that runs writes its first condition within a second; a busy one may need minutes. */
#define IGNORED_LONG_S 180
/* Machines with GPUs boot and register within some minutes on every cloud; more is worth a word. */
#define REGISTERED_LONG_S 600
#define INITIALIZED_LONG_S 600

static bool condition_failed(struct kt_arena *arena, const cJSON *claim, const char *type, const char *what,
                             const char *advice, struct kt_cause *ret)
{
    const cJSON *condition = kt_condition_find(claim, type);
    const char *reason = kt_json_string_or(kt_json_get(condition, "reason"), "");
    /* Karpenter fills a reason in where none was given: the type, or "AwaitingReconciliation" before its first look
     * (github.com/awslabs/operatorpkg/status). */
    bool is_waiting = !*reason || kt_streq(reason, type) || kt_streq(reason, "AwaitingReconciliation") ||
                      kt_streq(reason, "ReconcilingDependents");
    if (!condition || is_waiting || kt_condition_is_true(claim, type))
        return false;
    kt_cause_set(arena, ret, "NodeClaim", claim, kt_cause_reason(reason, "LaunchFailed"), "NodeClaim %s %s: %s; %s",
                 kt_metadata_text(claim, "name"), what,
                 kt_cause_clean(arena, kt_json_string(kt_json_get(condition, "message")), KT_CAUSE_QUOTE_BYTES),
                 advice);
    ret->is_vague = true; /* clouds put numbers of requests and times into it */
    return true;
}

static bool takes_long(struct kt_arena *arena, const cJSON *claim, struct kt_patience *patience, struct kt_cause *ret)
{
    const char *name = kt_metadata_text(claim, "name");
    const cJSON *launched = kt_condition_find(claim, "Launched");
    const cJSON *registered = kt_condition_find(claim, "Registered");
    const cJSON *waits = kt_condition_find(claim, "Initialized");
    const char *words = kt_cause_clean(arena, kt_json_string(kt_json_get(waits, "message")), KT_CAUSE_QUOTE_BYTES);
    if (kt_json_count(kt_json_path(claim, "status", "conditions", NULL)) == 0 &&
        kt_patience_is_over(patience, kt_metadata_text(claim, "creationTimestamp"), IGNORED_LONG_S)) {
        kt_cause_set(arena, ret, "NodeClaim", claim, "NodeClaimIgnored",
                     "nothing acts on NodeClaim %s: is a Karpenter running that knows its node class "
                     "(spec.nodeClassRef)?",
                     name);
        return true;
    }
    const char *launched_at = kt_json_string(kt_json_get(launched, "lastTransitionTime"));
    if (kt_condition_is_true(claim, "Launched") && !kt_condition_is_true(claim, "Registered") &&
        kt_patience_is_over(patience, launched_at, REGISTERED_LONG_S)) {
        kt_cause_set(
            arena, ret, "NodeClaim", claim, "NodeNotRegistered",
            "the machine of NodeClaim %s was launched and does not join the cluster: look at its boot log, its "
            "network and its identity",
            name);
        return true;
    }
    const char *registered_at = kt_json_string(kt_json_get(registered, "lastTransitionTime"));
    if (kt_condition_is_true(claim, "Registered") && !kt_condition_is_true(claim, "Initialized") &&
        kt_patience_is_over(patience, registered_at, INITIALIZED_LONG_S)) {
        kt_cause_set(arena, ret, "NodeClaim", claim, "NodeNotInitialized",
                     "the node of NodeClaim %s joined the cluster and does not get ready%s%s", name, *words ? ": " : "",
                     words);
        return true;
    }
    return false;
}

bool kt_diagnose_node_claim_with(struct kt_arena *arena, const cJSON *claim, struct kt_patience *patience,
                                 struct kt_cause *ret)
{
    if (!kt_json_is_object(claim))
        return false;
    if (kt_is_being_deleted(claim)) {
        kt_cause_set(arena, ret, "NodeClaim", claim, "NodeClaimDeleted",
                     "NodeClaim %s is being deleted: by somebody, or by Karpenter because its machine is gone, did not "
                     "join in time, or could not be had",
                     kt_metadata_text(claim, "name"));
        return true;
    }
    if (kt_condition_is_true(claim, "Ready"))
        return false;
    const cJSON *registered = kt_condition_find(claim, "Registered");
    return condition_failed(arena, claim, "Launched", "cannot be launched",
                            "check resource.instanceType, the quota and the node class", ret) ||
           (kt_streq(kt_json_string_or(kt_json_get(registered, "status"), ""), "False") &&
            condition_failed(arena, claim, "Registered", "cannot be registered", "look at its events", ret)) ||
           takes_long(arena, claim, patience, ret);
}

bool kt_diagnose_node_claim(struct kt_arena *arena, const cJSON *claim, int64_t now_s, struct kt_cause *ret)
{
    struct kt_patience patience = {.now_s = now_s};
    return kt_diagnose_node_claim_with(arena, claim, &patience, ret);
}
