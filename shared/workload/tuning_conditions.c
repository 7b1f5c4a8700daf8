/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages change only where a person would want to know it: a good run writes six statuses (first, machine launched,
 * node ready, Job started, trainer started, end), because each write goes through the API server to every watcher.
 */
#include "base/limits.h"
#include "workload/tuning_reading.h"

static const char *or_empty(const char *text)
{
    return text ? text : "";
}
#define TEXT(reading, ...) or_empty(kt_arena_printf((reading)->arena, __VA_ARGS__))

static void say(struct kt_reading *reading, const char *type, bool is_true, const char *reason, const char *message)
{
    kt_conditions_say(&reading->conditions, type, is_true, reason, message);
}

/* --- the node ------------------------------------------------------------------------------------------------ */

/* Once the tuning is over its nodes are no news: what they were stays. So do the last words of the whole: the pod that
 * knew them may be gone by now. */
static bool keep_when_over(struct kt_reading *reading, const char *type)
{
    bool was_over = reading->stored_end && kt_streq(reading->stored_end, reading->state);
    if (!reading->is_over || !kt_condition_now(reading->workspace, type))
        return false;
    if (!was_over && !kt_condition_holds(reading->workspace, type))
        return false;
    struct kt_condition *condition = kt_conditions_at(&reading->conditions, type);
    if (condition)
        condition->is_kept = true;
    return true;
}

/* What was not seen is no news: what is stored stays, and without that it is said that it was not seen. */
static bool keep_when_unseen(struct kt_reading *reading, const char *type, const struct kt_kind *unseen,
                             const char *reason)
{
    if (!unseen)
        return false;
    struct kt_condition *condition = kt_conditions_at(&reading->conditions, type);
    if (condition && kt_condition_now(reading->workspace, type))
        condition->is_kept = true;
    else
        say(reading, type, false, reason, TEXT(reading, "its %ss could not be read", unseen->resource->kind));
    return true;
}

/* What keeps us from saying that the nodes are not ready. A Job that has ended makes them no news. */
static const struct kt_kind *unseen_for_nodes(const struct kt_reading *reading)
{
    bool may_have_job = reading->progress.job_phase == KT_JOB_ABSENT && !reading->is_over &&
                        kt_observation_lacks(reading->observation, KT_KIND_JOB);
    return may_have_job ? &kt_kinds[KT_KIND_JOB] : reading->progress.resources.unseen;
}

static bool is_cause_of(const struct kt_reading *reading, const char *kind)
{
    const struct kt_resources *resources = &reading->progress.resources;
    return resources->has_cause && kt_streq(resources->cause.kind, kind);
}

static void say_node_claim(struct kt_reading *reading, bool is_ready)
{
    const char *type = "NodeClaimReady";
    const struct kt_resources *resources = &reading->progress.resources;
    const char *name = or_empty(resources->claim_name);
    long long number = resources->claim_number;
    if (reading->observation->bring_your_own) {
        reading->conditions.dropped = type;
        return;
    }
    const struct kt_kind *unseen = unseen_for_nodes(reading);
    if (keep_when_over(reading, type) ||
        keep_when_unseen(reading, type, is_ready || unseen == &kt_kinds[KT_KIND_NODE] ? NULL : unseen,
                         "NodeClaimNotReady"))
        return;
    if (is_ready) {
        say(reading, type, true, "NodeClaimsReady",
            *name ? TEXT(reading, "NodeClaim %s is ready", name) : "it was ready");
    } else if (is_cause_of(reading, "NodeClaim")) {
        say(reading, type, false, resources->cause.reason, resources->cause.message);
    } else if (number == 0) {
        say(reading, type, false, "NodeClaimNotReady", "no NodeClaim has been made yet");
    } else if (kt_condition_is_true(resources->claim, "Launched")) {
        say(reading, type, false, "NodeClaimNotReady",
            TEXT(reading,
                 "the machine of NodeClaim %s is launched and has to join the cluster (Registered) and get ready "
                 "(Initialized)",
                 name));
    } else if (number > 1) {
        say(reading, type, false, "NodeClaimNotReady",
            TEXT(reading,
                 "NodeClaim %s waits for Karpenter to launch a machine (Launched); it is number %lld, the one "
                 "before was lost",
                 name, number));
    } else {
        say(reading, type, false, "NodeClaimNotReady",
            TEXT(reading, "NodeClaim %s waits for Karpenter to launch a machine (Launched)", name));
    }
}

static void say_nodes(struct kt_reading *reading, bool is_ready)
{
    const char *type = "NodesReady";
    const struct kt_resources *resources = &reading->progress.resources;
    const char *node = kt_cause_clean(reading->arena, kt_metadata_text(resources->node, "name"), KT_CAUSE_QUOTE_BYTES);
    if (keep_when_over(reading, type) ||
        keep_when_unseen(reading, type, is_ready ? NULL : unseen_for_nodes(reading), "NodeNotReady"))
        return;
    if (is_ready) {
        say(reading, type, true, "NodesReady",
            *node ? TEXT(reading, "node %s is ready and has GPUs", node) : "it was ready");
    } else if (resources->lacks_gpu && resources->is_claim_ready) {
        say(reading, type, false, "NodePluginsNotReady",
            is_cause_of(reading, "Node")
                ? resources->cause.message
                : TEXT(reading,
                       "node %s is ready, its GPUs (nvidia.com/gpu) are not there yet: its device plugin must "
                       "report them",
                       node));
    } else if (is_cause_of(reading, "Node") || is_cause_of(reading, "Workspace")) {
        say(reading, type, false, "NodeNotReady", resources->cause.message);
    } else {
        say(reading, type, false, "NodeNotReady",
            reading->observation->bring_your_own ? "waits for a ready node with GPUs that carries the labels of "
                                                   "resource.labelSelector"
                                                 : "waits for the node of its NodeClaim");
    }
}

static void say_resources(struct kt_reading *reading)
{
    const struct kt_resources *resources = &reading->progress.resources;
    const char *type = "ResourceReady";
    bool has_run = reading->is_over && reading->has_started;
    bool is_claim_ready = resources->is_claim_ready || has_run;
    bool is_node_ready = (is_claim_ready && resources->is_node_ready) || has_run;
    say_node_claim(reading, is_claim_ready);
    say_nodes(reading, is_node_ready);
    if (keep_when_over(reading, type) ||
        keep_when_unseen(reading, type, is_node_ready ? NULL : unseen_for_nodes(reading),
                         "workspaceResourceStatusNotReady"))
        return;
    if (is_claim_ready && is_node_ready) {
        say(reading, type, true, "workspaceResourceStatusSuccess", "the node that the Workspace needs is ready");
    } else if (resources->has_cause) {
        say(reading, type, false, "workspaceResourceStatusNotReady",
            TEXT(reading, "%s: %s", resources->cause.reason, resources->cause.message));
    } else {
        say(reading, type, false, "workspaceResourceStatusNotReady",
            "the node that the Workspace needs is not ready yet");
    }
}

/* --- the Job ------------------------------------------------------------------------------------------------- */

static bool is_resource_ready(struct kt_reading *reading)
{
    const struct kt_condition *condition = kt_conditions_at(&reading->conditions, "ResourceReady");
    return condition &&
           (condition->is_kept ? kt_condition_holds(reading->workspace, "ResourceReady") : condition->is_true);
}

static void say_job_started(struct kt_reading *reading)
{
    const char *type = "JobStarted";
    const struct kt_cause *cause = &reading->diagnosis.cause;
    bool is_of_job = reading->diagnosis.has_cause && (kt_streq(cause->kind, "Pod") || kt_streq(cause->kind, "Job"));
    if (keep_when_over(reading, type))
        return;
    if (reading->has_started) {
        say(reading, type, true, "WorkspaceTuningJobStatusStarted", "the Job has started");
    } else if (kt_streq(reading->state, "Failed")) {
        say(reading, type, false, "WorkspaceTuningJobStatusFailed",
            reading->diagnosis.has_cause ? TEXT(reading, "%s: %s", cause->reason, cause->message)
                                         : "the Job has failed before it started");
    } else if (is_of_job) {
        say(reading, type, false, cause->reason, cause->message);
    } else if (keep_when_unseen(reading, type, reading->diagnosis.unseen, "WorkspaceTuningJobStatusPending")) {
        return;
    } else if (reading->progress.job_phase == KT_JOB_REPLACED) {
        say(reading, type, false, "WorkspaceTuningJobStatusPending",
            "the Job was made for an older state of the Workspace, or is being deleted: a new one takes its place");
    } else {
        say(reading, type, false, "WorkspaceTuningJobStatusPending",
            is_resource_ready(reading) ? "the Job's pod is on its way to its node; no container has started yet"
                                       : "the Job is made when the node is ready");
    }
}

static bool has_trainer_started(const struct kt_reading *reading)
{
    return reading->diagnosis.stage == KT_STAGE_TRAINING || reading->diagnosis.stage == KT_STAGE_PUSH;
}

/* Where the adapter is, for the message of the end. */
static const char *destination(struct kt_reading *reading)
{
    const char *image = kt_json_string(kt_json_path(reading->workspace, "tuning", "output", "image", NULL));
    return image && *image ? TEXT(reading, "image %s", kt_cause_clean(reading->arena, image, KT_CAUSE_QUOTE_BYTES))
                           : "the output volume";
}

/* Anything but the end of a tuning that has ended well. */
static void say_not_succeeded(struct kt_reading *reading, const char *type)
{
    const struct kt_cause *cause = &reading->diagnosis.cause;
    const char *pending = "workspacePending";
    if (kt_streq(reading->state, "Failed")) {
        say(reading, type, false, "workspaceFailed",
            reading->diagnosis.has_cause ? TEXT(reading, "%s: %s", cause->reason, cause->message)
                                         : "the tuning has failed");
    } else if (reading->diagnosis.has_cause) {
        say(reading, type, false, cause->reason, cause->message);
    } else if (!reading->has_started) {
        say(reading, type, false, pending,
            is_resource_ready(reading) ? "the node is ready and the Job is about to start" : "waits for its node");
    } else if (has_trainer_started(reading)) {
        say(reading, type, false, pending,
            "the trainer has started; the end is when its adapter is where it should be");
    } else {
        say(reading, type, false, pending, "the Job has started; it fetches weights and data before it trains");
    }
}

static void say_succeeded(struct kt_reading *reading)
{
    static const char *const types[] = {"WorkspaceSucceeded", "WorkspaceReady"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(types); i++) {
        if (keep_when_over(reading, types[i]))
            continue;
        if (!reading->diagnosis.has_cause &&
            keep_when_unseen(reading, types[i], reading->diagnosis.unseen, "workspacePending"))
            continue;
        if (kt_streq(reading->state, "Succeeded"))
            say(reading, types[i], true, "workspaceSucceeded",
                TEXT(reading, "the tuning has ended well; its adapter is in %s", destination(reading)));
        else
            say_not_succeeded(reading, types[i]);
    }
}

static void say_trouble(struct kt_reading *reading)
{
    const struct kt_trouble *trouble = reading->trouble;
    bool is_ours = kt_reading_holds_up(reading, "NodeClaimReady") || kt_reading_holds_up(reading, "NodesReady") ||
                   kt_reading_holds_up(reading, "ResourceReady") || kt_reading_holds_up(reading, "JobStarted");
    if (!is_ours || kt_streq(trouble->condition, or_empty(reading->conditions.dropped)))
        return;
    const struct kt_cause *cause = &reading->diagnosis.cause;
    if (!(kt_reading_holds_up(reading, "JobStarted") && reading->has_started))
        say(reading, trouble->condition, false, cause->reason, cause->message);
    if (kt_reading_holds_up(reading, "NodeClaimReady") || kt_reading_holds_up(reading, "NodesReady"))
        say(reading, "ResourceReady", false, "workspaceResourceStatusNotReady",
            TEXT(reading, "%s: %s", cause->reason, cause->message));
}

/* --- deletion ------------------------------------------------------------------------------------------------ */

void kt_reading_say_deleting(struct kt_reading *reading)
{
    const struct kt_objects *claims = &reading->observation->objects[KT_KIND_NODE_CLAIM];
    struct kt_strbuf waits;
    kt_strbuf_init(&waits, reading->arena, KT_CAUSE_MESSAGE_BYTES);
    for (size_t i = 0; i < claims->count && waits.length < KT_CAUSE_QUOTE_BYTES; i++)
        kt_strbuf_printf(&waits, "%s%s", i == 0 ? "waits for NodeClaim " : ", ",
                         kt_cause_clean(reading->arena, kt_metadata_text(claims->items[i], "name"), 64));
    if (reading->trouble)
        say(reading, "WorkspaceDeleting", true, "workspaceDeleted",
            TEXT(reading, "%s: %s", reading->diagnosis.cause.reason, reading->diagnosis.cause.message));
    else
        say(reading, "WorkspaceDeleting", true, "workspaceDeleted",
            waits.length > 0 ? waits.data : "all that belonged to the Workspace is gone or going");
}

/* --- all ----------------------------------------------------------------------------------------------------- */

void kt_reading_say_all(struct kt_reading *reading)
{
    say_resources(reading);
    say_job_started(reading);
    say_trouble(reading);
    say_succeeded(reading);
}
