/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/diagnosis.h"

#include "workload/diagnosis_internal.h"
#include "workload/names.h"

/* The job controller makes a pod within a second; after this time something keeps it from that. */
#define POD_LONG_S 120

static const char *const stage_names[] = {
    [KT_STAGE_ADMITTED] = "admitted",   [KT_STAGE_NODE] = "node",       [KT_STAGE_SCHEDULING] = "scheduling",
    [KT_STAGE_IMAGE] = "image",         [KT_STAGE_WEIGHTS] = "weights", [KT_STAGE_DATA] = "data",
    [KT_STAGE_TRAINER_IMAGE] = "image", [KT_STAGE_DATASET] = "data",    [KT_STAGE_TRAINING] = "training",
    [KT_STAGE_PUSH] = "push",           [KT_STAGE_DONE] = "done",       [KT_STAGE_FAILED] = "failed",
    [KT_STAGE_DELETING] = "deleting",
};

const char *kt_stage_name(enum kt_stage stage)
{
    return (size_t)stage < KT_ARRAY_LENGTH(stage_names) ? stage_names[stage] : "unknown";
}

/* --- the Job ------------------------------------------------------------------------------------------------- */

static enum kt_job_phase job_phase(const struct kt_observation *observation)
{
    const cJSON *job = kt_observation_job(observation);
    const cJSON *workspace = observation->workspace;
    if (!kt_json_is_object(job) || !kt_is_owned_by(job, workspace))
        return KT_JOB_ABSENT;
    const char *made_for =
        kt_json_string_or(kt_json_path(job, "metadata", "annotations", KT_ANNOTATION_REVISION, NULL), "");
    const char *wanted =
        kt_json_string_or(kt_json_path(workspace, "metadata", "annotations", KT_ANNOTATION_REVISION, NULL), "");
    if (kt_is_being_deleted(job) || (*made_for && *wanted && !kt_streq(made_for, wanted)))
        return KT_JOB_REPLACED;
    if (kt_condition_is_true(job, "Complete"))
        return KT_JOB_COMPLETE;
    return kt_condition_is_true(job, "Failed") ? KT_JOB_FAILED : KT_JOB_ACTIVE;
}

static const char *trainer_of(const struct kt_observation *observation)
{
    return kt_metadata_text(observation->workspace, "name");
}

/* printf that never gives NULL. */
#define DETAIL(arena, ...) or_nothing(kt_arena_printf((arena), __VA_ARGS__))
static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

/* What is not here may be there all the same: nothing follows from it. */
static void tell_unseen(struct kt_arena *arena, const struct kt_kind *kind, struct kt_diagnosis *ret)
{
    ret->unseen = kind;
    ret->detail = DETAIL(arena, "its %ss could not be read: how far it is cannot be said", kind->resource->kind);
}

/* Why there is no pod. */
static bool diagnose_job_without_pod(struct kt_arena *arena, const struct kt_observation *observation,
                                     struct kt_patience *patience, struct kt_cause *ret)
{
    static const char *const reasons[] = {"FailedCreate", NULL};
    const cJSON *job = kt_observation_job(observation);
    const cJSON *event = kt_warning_about(observation->objects[KT_KIND_EVENT], "Job", job, reasons);
    if (kt_json_true(kt_json_path(job, "spec", "suspend", NULL))) {
        kt_cause_set(arena, ret, "Job", job, "JobSuspended",
                     "Job %s is suspended: whoever did that, a queue or a person, must let it go on (spec.suspend)",
                     kt_metadata_text(job, "name"));
        return true;
    }
    if (event) {
        kt_cause_set(arena, ret, "Job", job, "FailedCreate", "the pod of Job %s cannot be made: %s",
                     kt_metadata_text(job, "name"),
                     kt_cause_clean(arena, kt_json_string(kt_json_get(event, "message")), KT_CAUSE_QUOTE_BYTES));
        ret->is_vague = true; /* it names the pod, which has another name with every try */
        return true;
    }
    if (kt_observation_lacks(observation, KT_KIND_POD) ||
        !kt_patience_is_over(patience, kt_metadata_text(job, "creationTimestamp"), POD_LONG_S))
        return false;
    kt_cause_set(arena, ret, "Job", job, "NoPod",
                 "Job %s has no pod: a quota, a policy or an admission webhook may forbid it; `kubectl describe job -n "
                 "%s %s` shows why",
                 kt_metadata_text(job, "name"), kt_metadata_text(job, "namespace"), kt_metadata_text(job, "name"));
    return true;
}

/* The pod is the first cause; what the Job says is its consequence, except for a deadline, which ends the pod. */
static void diagnose_failed_job(struct kt_arena *arena, const struct kt_observation *observation,
                                struct kt_progress *progress, struct kt_cause *ret)
{
    const cJSON *job = kt_observation_job(observation);
    const cJSON *condition = kt_condition_find(job, "Failed");
    const char *reason = kt_cause_reason(kt_json_string(kt_json_get(condition, "reason")), "JobFailed");
    bool is_deadline = kt_streq(reason, "DeadlineExceeded");
    if (!is_deadline && progress->pod &&
        kt_diagnose_pod_with(arena, progress->pod, trainer_of(observation), observation->objects[KT_KIND_EVENT],
                             &progress->patience, ret))
        return;
    const char *words = kt_cause_clean(arena, kt_json_string(kt_json_get(condition, "message")), KT_CAUSE_QUOTE_BYTES);
    const char *witness = progress->pod ? ""
                          : kt_observation_lacks(observation, KT_KIND_POD)
                              ? "; its Pods, which would say why, could not be read"
                              : "; its pod, which would say why, is gone";
    kt_cause_set(arena, ret, "Job", job, reason, "Job %s has failed%s%s%s", kt_metadata_text(job, "name"),
                 *words ? ": " : "", words, witness);
}

/* --- the pod: how far is it ---------------------------------------------------------------------------------- */

static const enum kt_stage role_stages[KT_ROLE_COUNT] = {
    [KT_ROLE_OTHER] = KT_STAGE_IMAGE,  [KT_ROLE_OUTPUT_CHECK] = KT_STAGE_IMAGE, [KT_ROLE_WEIGHTS] = KT_STAGE_WEIGHTS,
    [KT_ROLE_DATA] = KT_STAGE_DATA,    [KT_ROLE_DATASET] = KT_STAGE_DATASET,    [KT_ROLE_TRAINER] = KT_STAGE_TRAINING,
    [KT_ROLE_PUSHER] = KT_STAGE_IMAGE, [KT_ROLE_VERIFIER] = KT_STAGE_IMAGE,
};

struct walk {
    enum kt_stage stage;
    const char *running; /* of the furthest stage; NULL: it has ended */
    const char *next;    /* the first container that has not started; NULL: none */
    bool has_pusher;
    bool has_trained;
    bool is_fetching;    /* a container before the trainer has not ended well */
    bool awaits_trainer; /* all before it has ended well, and it has not started */
};

static bool walk_container(void *context, const struct kt_container *container)
{
    struct walk *walk = context;
    if (container->role == KT_ROLE_PUSHER || container->role == KT_ROLE_VERIFIER) {
        walk->has_pusher |=
            container->role == KT_ROLE_PUSHER; /* runs from the start, and waits for the trainer's end */
        return true;
    }
    if (container->role == KT_ROLE_TRAINER) {
        walk->has_trained |= kt_container_has_succeeded(container);
        walk->awaits_trainer |= !walk->is_fetching && !kt_container_has_started(container);
    } else if (container->role == KT_ROLE_DATASET) { /* the first that needs the trainer's image */
        walk->awaits_trainer = !walk->is_fetching && !kt_container_has_started(container);
        walk->is_fetching |= !kt_container_has_succeeded(container);
    } else if (container->role != KT_ROLE_OTHER) {
        walk->is_fetching |= !kt_container_has_succeeded(container);
    }
    if (!kt_container_has_started(container)) {
        if (!walk->next && container->role != KT_ROLE_OTHER)
            walk->next = container->name;
        return true;
    }
    if (role_stages[container->role] >= walk->stage) {
        walk->stage = role_stages[container->role];
        walk->running = kt_container_is_running(container) ? container->name : NULL;
    }
    return true;
}

static void stage_of_pod(struct kt_arena *arena, const struct kt_observation *observation, const cJSON *pod,
                         struct kt_diagnosis *ret)
{
    struct walk walk = {.stage = KT_STAGE_SCHEDULING};
    const char *name = kt_cause_clean(arena, kt_metadata_text(pod, "name"), KT_CAUSE_QUOTE_BYTES);
    const char *phase = kt_json_string_or(kt_json_path(pod, "status", "phase", NULL), "");
    bool has_node = *kt_json_string_or(kt_json_path(pod, "spec", "nodeName", NULL), "") != '\0';
    kt_pod_each_container(pod, trainer_of(observation), walk_container, &walk);
    ret->stage = has_node ? KT_MAX(walk.stage, KT_STAGE_IMAGE) : walk.stage;
    if (walk.awaits_trainer && ret->stage > KT_STAGE_IMAGE)
        ret->stage = KT_MAX(ret->stage, KT_STAGE_TRAINER_IMAGE);
    if (walk.has_trained || kt_streq(phase, "Succeeded")) {
        ret->stage = walk.has_pusher ? KT_STAGE_PUSH : KT_STAGE_TRAINING;
        ret->detail = kt_streq(phase, "Succeeded") ? DETAIL(arena, "pod %s has ended well, the Job ends next", name)
                      : walk.has_pusher            ? DETAIL(arena, "the trainer has ended well, pushing the adapter")
                                                   : DETAIL(arena, "the trainer has ended well");
    } else if (ret->stage == KT_STAGE_SCHEDULING) {
        ret->detail = DETAIL(arena, "pod %s has no node yet", name);
    } else if (walk.running) {
        ret->detail = DETAIL(arena, "container %s of pod %s runs",
                             kt_cause_clean(arena, walk.running, KT_CAUSE_QUOTE_BYTES), name);
    } else {
        const char *next = kt_cause_clean(arena, walk.next, KT_CAUSE_QUOTE_BYTES);
        ret->detail =
            DETAIL(arena, "pod %s: mounting volumes and pulling images%s%s", name, *next ? " for " : "", next);
    }
}

/* --- without a Job: the way to a node ------------------------------------------------------------------------ */

/* The step of a claim that has not come to its end. */
static const char *claim_step(const cJSON *claim)
{
    static const char *const steps[] = {"Launched", "Registered", "Initialized", "Ready"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(steps); i++) {
        if (!kt_condition_is_true(claim, steps[i]))
            return steps[i];
    }
    return "Ready";
}

static void stage_of_resources(struct kt_arena *arena, const struct kt_observation *observation,
                               const struct kt_resources *resources, struct kt_diagnosis *ret)
{
    ret->stage = KT_STAGE_NODE;
    if (resources->unseen) {
        tell_unseen(arena, resources->unseen, ret);
    } else if (observation->bring_your_own && !resources->is_node_ready) {
        ret->detail = "waiting for a ready node with GPUs that carries the labels of resource.labelSelector";
    } else if (!observation->bring_your_own && resources->claim_number == 0) {
        ret->stage = KT_STAGE_ADMITTED;
        ret->detail = "nothing has been made for it yet";
    } else if (!resources->is_claim_ready) {
        ret->detail = resources->claim ? DETAIL(arena, "waiting for NodeClaim %s (%s)", resources->claim_name,
                                                claim_step(resources->claim))
                                       : DETAIL(arena, "making NodeClaim %s", or_nothing(resources->claim_name));
    } else if (!resources->is_node_ready) {
        const char *node = kt_cause_clean(arena, kt_metadata_text(resources->node, "name"), KT_CAUSE_QUOTE_BYTES);
        ret->detail = resources->lacks_gpu
                          ? DETAIL(arena, "waiting for the GPUs of node %s (" KT_GPU_RESOURCE ")", node)
                          : DETAIL(arena, "waiting for node %s to be ready", node);
    } else {
        ret->stage = KT_STAGE_SCHEDULING;
        ret->detail = "the node is ready, the Job comes next";
    }
}

/* --- all ----------------------------------------------------------------------------------------------------- */

static void diagnose_active_job(struct kt_arena *arena, const struct kt_observation *observation,
                                struct kt_progress *progress, struct kt_diagnosis *ret)
{
    if (progress->pod) {
        stage_of_pod(arena, observation, progress->pod, ret);
        ret->has_cause = kt_diagnose_pod_with(arena, progress->pod, trainer_of(observation),
                                              observation->objects[KT_KIND_EVENT], &progress->patience, &ret->cause);
    } else {
        ret->stage = KT_STAGE_SCHEDULING;
        ret->detail = "waiting for the pod of the Job";
        if (kt_observation_lacks(observation, KT_KIND_POD))
            tell_unseen(arena, &kt_kinds[KT_KIND_POD], ret);
        ret->has_cause = diagnose_job_without_pod(arena, observation, &progress->patience, &ret->cause);
    }
    bool has_succeeded =
        progress->pod &&
        kt_streq(kt_json_string_or(kt_json_path(progress->pod, "status", "phase", NULL), ""), "Succeeded");
    if (!ret->has_cause && progress->resources.has_cause && !has_succeeded && !ret->unseen) {
        ret->has_cause = true;
        ret->cause = progress->resources.cause;
    }
}

void kt_diagnose_objects(struct kt_arena *arena, const struct kt_observation *observation, struct kt_progress *progress,
                         struct kt_diagnosis *ret)
{
    *ret = (struct kt_diagnosis){.detail = ""};
    *progress = (struct kt_progress){.patience = {.now_s = observation->now_s}};
    kt_resources_read(arena, observation, &progress->patience, &progress->resources);
    progress->job_phase = job_phase(observation);
    progress->pod = kt_observation_pod(observation);
    if (progress->pod)
        progress->has_started = kt_pod_has_started(progress->pod, trainer_of(observation));
    switch (progress->job_phase) {
    case KT_JOB_ABSENT:
    case KT_JOB_REPLACED:
        stage_of_resources(arena, observation, &progress->resources, ret);
        ret->has_cause = progress->resources.has_cause;
        ret->cause = progress->resources.cause;
        /* With a Job that has ended, what its nodes do is no trouble. */
        if (!kt_observation_job(observation) && kt_observation_lacks(observation, KT_KIND_JOB)) {
            tell_unseen(arena, &kt_kinds[KT_KIND_JOB], ret);
            ret->has_cause = false;
        }
        if (progress->job_phase == KT_JOB_REPLACED)
            ret->detail = "the Job of an older state of the Workspace is being replaced";
        break;
    case KT_JOB_ACTIVE:
        diagnose_active_job(arena, observation, progress, ret);
        break;
    case KT_JOB_COMPLETE:
        progress->has_started = true;
        ret->stage = KT_STAGE_DONE;
        ret->detail = "the tuning has ended well";
        break;
    case KT_JOB_FAILED:
        ret->stage = KT_STAGE_FAILED;
        ret->detail = "the Job has failed";
        ret->has_cause = true;
        diagnose_failed_job(arena, observation, progress, &ret->cause);
        break;
    }
    if (kt_is_being_deleted(observation->workspace)) {
        ret->stage = KT_STAGE_DELETING;
        ret->detail = observation->objects[KT_KIND_NODE_CLAIM].count > 0 ? "being deleted, waiting for its NodeClaims"
                                                                         : "being deleted";
    }
    ret->revisit_s = progress->job_phase == KT_JOB_COMPLETE || progress->job_phase == KT_JOB_FAILED
                         ? 0
                         : progress->patience.revisit_s;
}

/* --- with the stored status ---------------------------------------------------------------------------------- */

/* Reasons that only say how far it is. */
static bool is_plain(const char *reason)
{
    static const char *const plain[] = {"",
                                        "workspacePending",
                                        "workspaceSucceeded",
                                        "WorkspaceTuningJobStatusPending",
                                        "WorkspaceTuningJobStatusStarted",
                                        "WorkspaceInferenceStatusPending",
                                        "WorkspaceInferenceStatusSuccess"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(plain); i++) {
        if (kt_streq(reason, plain[i]))
            return true;
    }
    return false;
}

/* What the operator has written and the objects do not show: a trouble of its own, or the end of a tuning whose Job is
 * no longer there. "workspaceFailed" carries the reason in front of its message. */
void kt_diagnose_stored(struct kt_arena *arena, const cJSON *workspace, struct kt_diagnosis *ret)
{
    const cJSON *condition = kt_condition_now(workspace, "WorkspaceSucceeded");
    const char *reason = kt_json_string_or(kt_json_get(condition, "reason"), "");
    const char *message =
        kt_cause_clean(arena, kt_json_string(kt_json_get(condition, "message")), KT_CAUSE_MESSAGE_BYTES);
    if (is_plain(reason) || kt_condition_is_true(workspace, "WorkspaceSucceeded"))
        return;
    const char *colon = strstr(message, ": ");
    if (kt_streq(reason, "workspaceFailed") && colon) {
        const char *inner = kt_arena_strndup(arena, message, (size_t)(colon - message));
        if (inner && kt_cause_reason(inner, NULL)) {
            reason = inner;
            message = colon + 2;
        }
    }
    kt_cause_set(arena, &ret->cause, "Workspace", workspace, kt_cause_reason(reason, "workspaceFailed"), "%s", message);
    ret->has_cause = true;
}

void kt_diagnose_end(struct kt_arena *arena, const cJSON *workspace, const char *final_state, struct kt_diagnosis *ret)
{
    bool is_good = kt_streq(final_state, "Succeeded");
    *ret = (struct kt_diagnosis){
        .stage = is_good ? KT_STAGE_DONE : KT_STAGE_FAILED,
        .detail = is_good ? "the tuning has ended well" : "the tuning has failed",
    };
    if (!is_good)
        kt_diagnose_stored(arena, workspace, ret);
}

bool kt_progress_lacks_witness(const struct kt_progress *progress)
{
    return progress->job_phase == KT_JOB_FAILED && !progress->pod;
}

void kt_diagnose(struct kt_arena *arena, const struct kt_observation *observation, struct kt_diagnosis *ret)
{
    struct kt_progress progress;
    const cJSON *workspace = observation->workspace;
    const char *final_state = kt_final_state(workspace);
    kt_diagnose_objects(arena, observation, &progress, ret);
    if (progress.job_phase == KT_JOB_ABSENT && final_state && ret->stage != KT_STAGE_DELETING)
        kt_diagnose_end(arena, workspace, final_state, ret);
    else if (kt_progress_lacks_witness(&progress) || (!ret->has_cause && ret->stage != KT_STAGE_DONE))
        kt_diagnose_stored(arena, workspace, ret);
}
