/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One NodeClaim at a time, numbered from 1. A claim that is lost before its node was of use (deleted by Karpenter for
 * want of capacity or of a node class, or by somebody) or that cannot be launched is followed by the next one after a
 * delay that doubles; after options.claim_attempts the Workspace fails with the last cause. The number is written on
 * the Workspace before its claim is made.
 */
#include <string.h>

#include "text/time.h"
#include "webhook/reconcile/step_metadata.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"
#include "workload/node_claim.h"

static const char *name_of(const cJSON *object)
{
    return kt_json_string_or(kt_json_path(object, "metadata", "name", NULL), "");
}

/* --- a claim that cannot be launched --------------------------------------------------------------------------------
 */

/* Since when the claim says that its launch fails; false when it does not. */
static bool launch_fails_since(const cJSON *claim, int64_t *ret_ms)
{
    const cJSON *launched = kt_condition_find(claim, "Launched");
    const char *since = kt_json_string(kt_json_get(launched, "lastTransitionTime"));
    return launched && !kt_condition_is_true(claim, "Launched") &&
           kt_streq(kt_json_string_or(kt_json_get(launched, "reason"), ""), "LaunchFailed") && since &&
           kt_time_parse_rfc3339(kt_str(since), ret_ms, NULL) == 0;
}

/* Said by us while the claim goes: that it is being deleted is our own doing, and not the cause. */
static void say_launch_fails(struct kt_reconcile *look, const cJSON *claim)
{
    const char *words = kt_json_string_or(kt_json_get(kt_condition_find(claim, "Launched"), "message"), "");
    kt_reconcile_trouble(
        look, "NodeClaimReady", "LaunchFailed",
        kt_arena_printf(look->arena, "the machine of NodeClaim %s cannot be launched: %.512s", name_of(claim), words));
}

/* Gives a claim up whose launch fails for too long. */
static enum kt_step_result judge_claim(struct kt_reconcile *look, const cJSON *claim)
{
    int64_t since_ms;
    if (!launch_fails_since(claim, &since_ms))
        return KT_STEP_DONE;
    int64_t left_ms =
        since_ms + look->reconciler->options.claim_launch_timeout_ms - kt_clock_wall_ms(look->reconciler->clock);
    if (left_ms > 0) {
        kt_reconcile_revisit(look, left_ms);
        return KT_STEP_DONE;
    }
    say_launch_fails(look, claim);
    return kt_is_being_deleted(claim) ? KT_STEP_WAIT : kt_write_delete(look, KT_KIND_NODE_CLAIM, claim, "Background");
}

/* --- a claim that is gone ------------------------------------------------------------------------------------------
 */

/* What was said of the claim last: by an event about it (Karpenter deletes a claim for want of capacity and tells only
 * there), or by the stored status. In the arena. */
static void last_cause(struct kt_reconcile *look, const char *claim_name, struct kt_cause *ret)
{
    *ret = (struct kt_cause){
        .reason = "NodeClaimLost",
        .message = kt_arena_printf(look->arena, "NodeClaim %s was deleted before its node was ready", claim_name)};
    const cJSON *condition = kt_condition_find(look->workspace, "NodeClaimReady");
    const char *reason = kt_json_string_or(kt_json_get(condition, "reason"), "");
    if (condition && !kt_condition_is_true(look->workspace, "NodeClaimReady") &&
        !kt_streq(reason, "NodeClaimNotReady") && reason[0] && !kt_is_refusal(reason)) {
        ret->reason = reason;
        ret->message = kt_json_string_or(kt_json_get(condition, "message"), "");
    }
    struct kt_list list;
    struct kt_reply reply = {0};
    struct kt_error error;
    const struct kt_list_options options = {
        .field_selector = kt_arena_printf(
            look->arena, "involvedObject.kind=NodeClaim,involvedObject.name=%s,type=Warning", claim_name)};
    if (kt_api_list(look->client, look->arena, &kt_resource_events, "default", &options, &list, &reply, &error) != 0)
        return;
    const cJSON *event;
    cJSON_ArrayForEach(event, list.items)
    {
        const char *text = kt_json_string(kt_json_get(event, "message"));
        const char *event_reason = kt_json_string(kt_json_get(event, "reason"));
        if (!text || !event_reason || !event_reason[0])
            continue;
        ret->reason = event_reason;
        ret->message = strstr(text, claim_name)
                           ? kt_arena_printf(look->arena, "%.512s", text)
                           : kt_arena_printf(look->arena, "NodeClaim %s: %.512s", claim_name, text);
    }
}

static enum kt_step_result give_up(struct kt_reconcile *look, const struct kt_cause *cause, int64_t number)
{
    kt_reconcile_final(
        look, "NodeClaimReady", cause->reason,
        kt_arena_printf(look->arena,
                        "no node after %lld NodeClaims; the last: %s. Check instanceType, quota and "
                        "Karpenter's node classes; to try again: kubectl annotate workspace %s -n %s %s-",
                        (long long)number, cause->message, look->key.name, look->key.namespace_,
                        KT_ANNOTATION_NODE_CLAIMS));
    return KT_STEP_WAIT;
}

/* Was given up by a process before this one, which remembers nothing of its claims? Then what it said stays. */
static bool was_given_up(struct kt_reconcile *look, int64_t number)
{
    const cJSON *condition = kt_condition_find(look->workspace, "NodeClaimReady");
    if (look->is_started_over || number < look->reconciler->options.claim_attempts ||
        !kt_streq(kt_json_string_or(kt_json_path(look->workspace, "status", "state", NULL), ""), "Failed"))
        return false;
    kt_reconcile_final(look, "NodeClaimReady", kt_json_string_or(kt_json_get(condition, "reason"), "NodeClaimLost"),
                       kt_json_string_or(kt_json_get(condition, "message"), "no node could be had"));
    return true;
}

/* The claim of this number is gone: waits, and then counts on. */
static enum kt_step_result follow_lost(struct kt_reconcile *look, const char *claim_name, int64_t number)
{
    const struct kt_reconcile_options *options = &look->reconciler->options;
    int64_t now_ms = kt_clock_monotonic_ms(look->reconciler->clock);
    int64_t lost_ms = kt_claim_memory_lost(look->reconciler->claims, claim_name, now_ms);
    const cJSON *condition = kt_condition_find(look->workspace, "NodeClaimReady");
    const char *said = kt_json_string_or(kt_json_get(condition, "reason"), "NodeClaimLost");
    if (lost_ms == now_ms || number >= options->claim_attempts || kt_is_refusal(said)) {
        struct kt_cause cause;
        last_cause(look, claim_name, &cause);
        if (number >= options->claim_attempts)
            return give_up(look, &cause, number);
        kt_reconcile_trouble(look, "NodeClaimReady", cause.reason,
                             kt_arena_printf(look->arena, "%s; another NodeClaim follows (number %lld of %lld)",
                                             cause.message, (long long)number + 1, (long long)options->claim_attempts));
    } else { /* said already: keep what the status has */
        kt_reconcile_trouble(look, "NodeClaimReady", said,
                             kt_json_string_or(kt_json_get(condition, "message"), "another NodeClaim follows"));
    }
    int64_t delay_ms = options->claim_retry_delay_ms << KT_MIN(number - 1, (int64_t)16);
    int64_t left_ms = lost_ms + delay_ms - now_ms;
    if (left_ms > 0) {
        kt_reconcile_revisit(look, left_ms);
        return KT_STEP_WAIT;
    }
    look->trouble = (struct kt_trouble){0};
    return kt_write_metadata(look, kt_annotation(look->workspace, KT_ANNOTATION_HASH),
                             kt_annotation(look->workspace, KT_ANNOTATION_REVISION), number + 1);
}

/* --- the step ------------------------------------------------------------------------------------------------------
 */

static bool is_same_claim(const cJSON *object, const cJSON *workspace)
{
    return kt_kind_is_labelled(&kt_kinds[KT_KIND_NODE_CLAIM], object, kt_object_namespace(workspace),
                               kt_object_name(workspace));
}

static bool add_to_observation(struct kt_reconcile *look, const cJSON *claim)
{
    kt_observation_add(&look->observation, KT_KIND_NODE_CLAIM, claim, look->arena);
    return !look->arena->failed;
}

static enum kt_step_result make_claim(struct kt_reconcile *look, int64_t number)
{
    cJSON *claim;
    const cJSON *made = NULL;
    int code = kt_node_claim_build(look->arena, look->filled, look->reconciler->settings, number, &claim, &look->error);
    if (code == KT_EINVAL) {
        kt_reconcile_final(look, "NodeClaimReady", "NodeClaimCannotBeMade",
                           kt_arena_printf(look->arena, "%s", look->error.message));
        return KT_STEP_WAIT;
    }
    if (code != 0)
        return KT_STEP_FAIL;
    enum kt_step_result result = kt_write_create(look, KT_KIND_NODE_CLAIM, claim, is_same_claim, &made);
    if (result != KT_STEP_DONE)
        return result;
    kt_claim_memory_seen(look->reconciler->claims, name_of(claim));
    kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Normal", "NodeClaimCreated",
                    kt_arena_printf(look->arena, "created NodeClaim %s for one %s", name_of(claim),
                                    look->plan.workspace.resource.instance_type));
    return add_to_observation(look, made) ? KT_STEP_DONE : KT_STEP_FAIL;
}

enum kt_step_result kt_step_node_claim(struct kt_reconcile *look)
{
    if (look->observation.bring_your_own || kt_reconcile_is_finished(look) ||
        kt_condition_holds(look->workspace, "JobStarted"))
        return KT_STEP_DONE;
    if (kt_observation_job(&look->observation) && kt_observation_has_started(&look->observation))
        return KT_STEP_DONE; /* it runs somewhere; without that place it fails by itself */
    const cJSON *claim = kt_observation_claim(&look->observation);
    if (claim) {
        kt_claim_memory_seen(look->reconciler->claims, name_of(claim));
        return judge_claim(look, claim);
    }
    int64_t number = KT_MAX(kt_claim_number(look->workspace), (int64_t)1);
    char claim_name[KT_NODE_CLAIM_NAME_BYTES];
    kt_node_claim_name(look->workspace, number, claim_name);
    if (was_given_up(look, number))
        return KT_STEP_WAIT;
    if (kt_claim_memory_has_seen(look->reconciler->claims, claim_name)) {
        /* Another machine is paid for when this one is gone: the store, which is bounded, is not enough of a witness.
         */
        enum kt_step_result result = kt_read(look, KT_KIND_NODE_CLAIM, NULL, claim_name, &claim);
        if (result == KT_STEP_DONE && claim)
            return add_to_observation(look, claim) ? judge_claim(look, claim) : KT_STEP_FAIL;
        if (result == KT_STEP_DONE)
            result = follow_lost(look, claim_name, number);
        if (result != KT_STEP_DONE)
            return result;
        number++;
    }
    return make_claim(look, number);
}
