/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/tuning_status.h"

#include "workload/readiness.h"
#include "workload/tuning_reading.h"

bool kt_reading_holds_up(const struct kt_reading *reading, const char *type)
{
    return reading->trouble && kt_streq(reading->trouble->condition, type);
}

/* --- where it stands ----------------------------------------------------------------------------------------- */

/* Somebody took the Job away before it had ended; the pod went with it. */
static void note_lost_job(struct kt_reading *reading)
{
    const cJSON *workspace = reading->workspace;
    const char *name = kt_metadata_text(workspace, "name");
    kt_cause_set(reading->arena, &reading->diagnosis.cause, "Job", workspace, "JobDeleted",
                 "Job %s was deleted before it had ended, and is not run again by itself; to start over delete the "
                 "Workspace (`kubectl delete workspace -n %s %s`) and apply it again",
                 name, kt_metadata_text(workspace, "namespace"), name);
    reading->diagnosis.has_cause = true;
    reading->diagnosis.stage = KT_STAGE_FAILED;
    reading->diagnosis.detail = "the Job was deleted before it had ended";
    reading->state = "Failed";
    reading->is_over = true;
}

/* A trouble becomes the cause of all; whoever has brought it knows more than the objects show. */
static void take_trouble(struct kt_reading *reading)
{
    const struct kt_trouble *trouble = reading->trouble;
    const char *kind = kt_reading_holds_up(reading, "NodeClaimReady") ? "NodeClaim" : "Workspace";
    if (!trouble)
        return;
    kt_cause_set(reading->arena, &reading->diagnosis.cause, kind, reading->workspace,
                 kt_cause_reason(trouble->reason, "ReconcileFailed"), "%s", trouble->message ? trouble->message : "");
    reading->diagnosis.has_cause = true;
}

static void decide(struct kt_reading *reading)
{
    bool had_started = kt_condition_holds(reading->workspace, "JobStarted");
    switch (reading->progress.job_phase) {
    case KT_JOB_COMPLETE:
        reading->state = "Succeeded";
        break;
    case KT_JOB_FAILED:
        reading->state = "Failed";
        if (kt_progress_lacks_witness(&reading->progress))
            kt_diagnose_stored(reading->arena, reading->workspace, &reading->diagnosis);
        break;
    case KT_JOB_ACTIVE:
        reading->has_started = reading->progress.has_started || had_started;
        reading->state = reading->has_started ? "Running" : "Pending";
        /* The pod is gone, and the Job has not counted it yet: what was said of the pod is all that will be known. */
        if (had_started && !reading->progress.pod && !reading->diagnosis.has_cause)
            kt_diagnose_stored(reading->arena, reading->workspace, &reading->diagnosis);
        break;
    case KT_JOB_ABSENT:
        reading->state = "Pending";
        if (kt_workspace_is_over(reading->workspace) && !kt_reading_holds_up(reading, "JobStarted")) {
            reading->state = reading->stored_end;
            reading->is_over = true;
            kt_diagnose_end(reading->arena, reading->workspace, reading->stored_end, &reading->diagnosis);
        } else if (had_started && kt_observation_lacks(reading->observation, KT_KIND_JOB)) {
            reading->has_started = true;
            reading->state = "Running";
        } else if (had_started && !kt_reading_holds_up(reading, "JobStarted")) {
            reading->has_started = true;
            note_lost_job(reading);
        }
        break;
    case KT_JOB_REPLACED:
        reading->state = "Pending";
        break;
    }
    if (reading->progress.job_phase == KT_JOB_COMPLETE || reading->progress.job_phase == KT_JOB_FAILED)
        reading->is_over = true;
    if (reading->is_over) {
        reading->has_started = reading->has_started || reading->progress.has_started || had_started;
        reading->trouble = NULL;
    }
    take_trouble(reading);
    /* While a Job has started it decides itself how the tuning ends. */
    if (reading->trouble && reading->trouble->is_final && !reading->has_started) {
        reading->state = "Failed";
        reading->diagnosis.stage = KT_STAGE_FAILED;
    }
}

/* --- the patch ----------------------------------------------------------------------------------------------- */

/* Sorted names of the nodes in use; NULL: leave what is stored. */
static cJSON *worker_nodes(struct kt_reading *reading)
{
    const struct kt_resources *resources = &reading->progress.resources;
    const char *name = kt_metadata_text(resources->node, "name");
    cJSON *nodes = kt_json_new_array(reading->arena);
    if (reading->is_over || resources->unseen)
        return NULL;
    if (resources->is_claim_ready && resources->is_node_ready && *name)
        kt_json_append(reading->arena, nodes, kt_json_new_string(reading->arena, name));
    return nodes;
}

static bool is_value_stored(const cJSON *workspace, const char *key, const cJSON *value)
{
    const cJSON *stored = kt_json_path(workspace, "status", key, NULL);
    return (!stored && kt_json_is_array(value) && kt_json_count(value) == 0) || kt_json_equal(stored, value);
}

/* Puts a member of status in when it is not stored so. */
static bool set_changed(struct kt_reading *reading, cJSON *status, const char *key, cJSON *value)
{
    if (!value || is_value_stored(reading->workspace, key, value))
        return false;
    kt_json_set(reading->arena, status, key, value);
    return true;
}

static cJSON *make_patch(struct kt_reading *reading)
{
    struct kt_arena *arena = reading->arena;
    cJSON *patch = kt_json_new_object(arena);
    const char *version = kt_metadata_text(reading->workspace, "resourceVersion");
    if (*version)
        kt_json_set_string(arena, kt_json_ensure_object(arena, patch, "metadata"), "resourceVersion", version);
    cJSON *status = kt_json_ensure_object(arena, patch, "status");
    bool changed = !kt_conditions_are_stored(&reading->conditions, reading->workspace);
    if (changed)
        kt_json_set(arena, status, "conditions",
                    kt_conditions_array(arena, &reading->conditions, reading->workspace, reading->observation->now_s));
    if (!kt_is_being_deleted(reading->workspace)) {
        changed |= set_changed(reading, status, "state", kt_json_new_string(arena, reading->state));
        changed |= set_changed(reading, status, "workerNodes", worker_nodes(reading));
        changed |= set_changed(reading, status, "targetNodeCount", kt_json_new_int(arena, 1));
    }
    return changed ? patch : NULL;
}

/* --- events -------------------------------------------------------------------------------------------------- */

static void make_event(const struct kt_reading *reading, struct kt_tuning_status *ret)
{
    const cJSON *stored = kt_condition_now(reading->workspace, "WorkspaceSucceeded");
    const char *old_reason = kt_json_string_or(kt_json_get(stored, "reason"), "");
    const char *old_message = kt_json_string_or(kt_json_get(stored, "message"), "");
    const struct kt_cause *cause = &reading->diagnosis.cause;
    const struct kt_condition *now = NULL;
    for (size_t i = 0; i < reading->conditions.count; i++) {
        if (kt_streq(reading->conditions.items[i].type, "WorkspaceSucceeded"))
            now = &reading->conditions.items[i];
    }
    if (!ret->patch || !now || now->is_kept ||
        (kt_streq(old_reason, now->reason) && kt_streq(old_message, now->message)))
        return;
    if (now->is_true) {
        ret->event_type = "Normal";
        ret->event_reason = "TuningSucceeded";
        ret->event_message = now->message;
    } else if (reading->diagnosis.has_cause) {
        ret->event_type = reading->trouble && reading->trouble->is_planned ? "Normal" : "Warning";
        ret->event_reason = cause->reason;
        ret->event_message = cause->message;
    }
}

/* --- all ----------------------------------------------------------------------------------------------------- */

/* Bytes up to the first ": ". */
static size_t head_length(const char *message)
{
    const char *end = strstr(message, ": ");
    return end ? (size_t)(end - message) : strlen(message);
}

/* See kt_cause.is_vague. */
static void keep_better_words(const struct kt_reading *reading, struct kt_cause *cause)
{
    static const char *const types[] = {"WorkspaceSucceeded", "JobStarted", "NodeClaimReady"};
    for (size_t i = 0; cause->is_vague && i < KT_ARRAY_LENGTH(types); i++) {
        const cJSON *stored = kt_condition_now(reading->workspace, types[i]);
        const char *message = kt_json_string_or(kt_json_get(stored, "message"), "");
        size_t head = head_length(cause->message);
        if (kt_streq(kt_json_string_or(kt_json_get(stored, "reason"), ""), cause->reason) &&
            head_length(message) == head && strncmp(message, cause->message, head) == 0) {
            cause->message = kt_cause_clean(reading->arena, message, KT_CAUSE_MESSAGE_BYTES);
            return;
        }
    }
}

int kt_tuning_status(struct kt_arena *arena, const struct kt_observation *observation, const struct kt_trouble *trouble,
                     struct kt_tuning_status *ret, struct kt_error *error)
{
    struct kt_reading reading = {.arena = arena, .observation = observation, .workspace = observation->workspace};
    reading.stored_end = kt_final_state(observation->workspace);
    struct kt_tuning_status status = {0};
    if (trouble && trouble->reason && trouble->condition)
        reading.trouble = trouble;
    kt_diagnose_objects(arena, observation, &reading.progress, &reading.diagnosis);
    if (reading.diagnosis.has_cause)
        keep_better_words(&reading, &reading.diagnosis.cause);
    if (reading.progress.resources.has_cause)
        keep_better_words(&reading, &reading.progress.resources.cause);
    if (kt_is_being_deleted(reading.workspace)) {
        reading.state = kt_json_string_or(kt_json_path(reading.workspace, "status", "state", NULL), "Pending");
        take_trouble(&reading);
        kt_reading_say_deleting(&reading);
    } else {
        decide(&reading);
        kt_reading_say_all(&reading);
    }
    status.patch = make_patch(&reading);
    status.state = reading.state;
    status.diagnosis = reading.diagnosis;
    make_event(&reading, &status);
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "no memory to work out the status of a Workspace");
    *ret = status;
    return 0;
}
