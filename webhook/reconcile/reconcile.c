/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/reconcile.h"

#include "admission/inference_facts.h"
#include "webhook/log.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"

/* --- for steps -----------------------------------------------------------------------------------------------------
 */

void kt_reconcile_trouble(struct kt_reconcile *look, const char *condition, const char *reason, const char *message)
{
    look->trouble = (struct kt_trouble){
        .condition = condition, .reason = reason, .message = message ? message : "no memory to say more"};
}

void kt_reconcile_final(struct kt_reconcile *look, const char *condition, const char *reason, const char *message)
{
    kt_reconcile_trouble(look, condition, reason, message);
    look->trouble.is_final = true;
}

void kt_reconcile_revisit(struct kt_reconcile *look, int64_t delay_ms)
{
    if (look->revisit_ms == 0 || delay_ms < look->revisit_ms)
        look->revisit_ms = KT_MAX(delay_ms, (int64_t)1);
}

const char *kt_annotation(const cJSON *object, const char *key)
{
    return kt_json_string(kt_json_path(object, "metadata", "annotations", key, NULL));
}

bool kt_reconcile_is_held(const cJSON *workspace)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, kt_json_path(workspace, "metadata", "finalizers", NULL))
    {
        if (kt_streq(kt_json_string_or(item, ""), KT_FINALIZER))
            return true;
    }
    return false;
}

bool kt_reconcile_is_gone(const cJSON *workspace)
{
    return kt_is_being_deleted(workspace) &&
           kt_json_count(kt_json_path(workspace, "metadata", "finalizers", NULL)) == 0;
}

bool kt_reconcile_is_finished(const struct kt_reconcile *look)
{
    return kt_job_is_finished(kt_observation_job(&look->observation)) || kt_workspace_is_over(look->workspace);
}

/* --- gathering -----------------------------------------------------------------------------------------------------
 */

/* That a Job which had started is gone ends the Workspace as Failed. The store is no witness of that: it is bounded,
 * and sees only Jobs that have their label. */
static int confirm_no_job(struct kt_reconcile *look)
{
    if (!kt_condition_is_true(look->workspace, "JobStarted") || kt_workspace_is_over(look->workspace) ||
        kt_is_being_deleted(look->workspace))
        return 0;
    const cJSON *job;
    if (kt_read(look, KT_KIND_JOB, look->key.namespace_, look->key.name, &job) != KT_STEP_DONE)
        return look->error.code;
    if (job)
        kt_observation_add(&look->observation, KT_KIND_JOB, job, look->arena);
    return 0;
}

/* Nodes of the user's own: those that carry the labels of resource.labelSelector. */
static int gather_own_nodes(struct kt_reconcile *look)
{
    struct kt_workspace workspace;
    kt_workspace_view(look->workspace, &workspace);
    int code = kt_store_all(look->reconciler->store, KT_KIND_NODE, look->arena, &look->nodes, &look->error);
    if (code != 0)
        return code;
    const cJSON **own = kt_arena_calloc(look->arena, KT_MAX(look->nodes.objects.count, (size_t)1), sizeof(*own));
    if (!own)
        return kt_error_set(&look->error, KT_ENOMEM, "no memory for the nodes of the cluster");
    size_t count = 0;
    bool has_labels = kt_match_labels_usable(workspace.resource.match_labels) > 0;
    for (size_t i = 0; has_labels && i < look->nodes.objects.count; i++)
        if (kt_node_matches(look->nodes.objects.items[i], workspace.resource.match_labels))
            own[count++] = look->nodes.objects.items[i];
    look->observation.objects[KT_KIND_NODE] = (struct kt_objects){own, count};
    return 0;
}

static int gather_children(struct kt_reconcile *look)
{
    struct kt_store *store = look->reconciler->store;
    struct kt_error *error = &look->error;
    int code = kt_store_of_workspace(store, KT_KIND_NODE_CLAIM, &look->key, look->arena, &look->claims, error);
    if (code == 0 && !kt_settings_bring_your_own(look->reconciler->settings))
        code = kt_store_of_workspace(store, KT_KIND_NODE, &look->key, look->arena, &look->nodes, error);
    if (code == 0)
        code = kt_store_of_workspace(store, KT_KIND_POD, &look->key, look->arena, &look->pods, error);
    if (code != 0)
        return code;
    look->job_reference = kt_store_get(store, KT_KIND_JOB, look->key.namespace_, look->key.name);
    look->observation = (struct kt_observation){
        .workspace = look->workspace,
        .objects = {[KT_KIND_NODE_CLAIM] = look->claims.objects,
                    [KT_KIND_NODE] = look->nodes.objects,
                    [KT_KIND_POD] = look->pods.objects},
        .now_s = kt_clock_wall_ms(look->reconciler->clock) / 1000,
        .bring_your_own = kt_settings_bring_your_own(look->reconciler->settings),
    };
    if (look->job_reference)
        kt_observation_add(&look->observation, KT_KIND_JOB, kt_stored_object(look->job_reference), look->arena);
    if (look->observation.bring_your_own)
        code = gather_own_nodes(look);
    if (code != 0)
        return code;
    return kt_observation_job(&look->observation) ? 0 : confirm_no_job(look);
}

static void give_back(struct kt_reconcile *look)
{
    kt_stored_set_release(&look->claims);
    kt_stored_set_release(&look->nodes);
    kt_stored_set_release(&look->pods);
    kt_stored_release(look->job_reference);
    kt_stored_release(look->config_map_reference);
    kt_stored_release(look->workspace_reference);
}

/* --- the look ------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    kt_step *take;
} steps[] = {
    {"delete", kt_step_delete},
    {"plan", kt_step_plan},
    {"metadata", kt_step_metadata},
    {"config map", kt_step_config_map},
    {"replace", kt_step_replace},
    {"rehearse", kt_step_rehearse},
    {"node claim", kt_step_node_claim},
    {"nodes", kt_step_nodes},
    {"job", kt_step_job}, /* the comma keeps each step on a line of its own */
};

static enum kt_step_result take_steps(struct kt_reconcile *look)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(steps); i++) {
        enum kt_step_result result = steps[i].take(look);
        look->observation.workspace = look->workspace; /* a step may have written it */
        if (result == KT_STEP_FAIL)
            kt_log(KT_LOG_WARNING, "a step failed; trying again", "step", steps[i].name, "namespace",
                   look->key.namespace_, "workspace", look->key.name, "error", look->error.message, NULL);
        if (result != KT_STEP_DONE)
            return result;
    }
    return KT_STEP_DONE;
}

/* Inference is not run by this version. It is said, and a Workspace that another operator has run can still be deleted.
 */
static enum kt_step_result look_at_inference(struct kt_reconcile *look)
{
    if (kt_is_being_deleted(look->workspace))
        return gather_children(look) == 0 ? kt_step_delete(look) : KT_STEP_FAIL;
    kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning", "InferenceNotRun",
                    "this version of kaito-webhook judges inference Workspaces and does not run them: leave them to "
                    "upstream's operator, and run ours beside it with --reconcile=false");
    return KT_STEP_DONE;
}

/* Without one of the kinds a look would take what it does not see for what is not there. */
static enum kt_step_result say_refused(struct kt_reconcile *look, const struct kt_resource *refused)
{
    const char *message = kt_arena_printf(look->arena,
                                          "the API server does not let kaito-webhook list %s: nothing can be done for "
                                          "this Workspace. Apply the roles of manifests/base/rbac.yaml",
                                          refused->plural);
    if (!message)
        return KT_STEP_FAIL;
    kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning", "Forbidden",
                    message);
    /* Of one that has started nothing can be said but what is said already. */
    if (kt_condition_is_true(look->workspace, "JobStarted"))
        return KT_STEP_WAIT;
    look->observation = (struct kt_observation){.workspace = look->workspace,
                                                .now_s = kt_clock_wall_ms(look->reconciler->clock) / 1000};
    kt_reconcile_trouble(look, kt_streq(refused->plural, "nodeclaims") ? "NodeClaimReady" : "JobStarted", "Forbidden",
                         message);
    return kt_reconcile_status(look);
}

static enum kt_step_result look_at_tuning(struct kt_reconcile *look)
{
    const struct kt_resource *refused = kt_informers_refused(look->reconciler->informers);
    if (refused)
        return say_refused(look, refused);
    bool gathered = gather_children(look) == 0;
    enum kt_step_result result = gathered ? take_steps(look) : KT_STEP_FAIL;
    if (gathered && look->is_status_behind)
        return KT_STEP_FAIL;
    if (gathered && !look->arena->failed)
        return kt_reconcile_status(look) == KT_STEP_FAIL ? KT_STEP_FAIL : result;
    /* What was not seen must not be said to be absent. */
    kt_log(KT_LOG_WARNING, "the objects of a Workspace cannot be looked at; trying again", "namespace",
           look->key.namespace_, "workspace", look->key.name, "error", gathered ? "no memory" : look->error.message,
           NULL);
    return KT_STEP_FAIL;
}

enum kt_step_result kt_reconcile_workspace(struct kt_reconcile *look)
{
    enum kt_step_result result = KT_STEP_DONE;
    look->workspace_reference =
        kt_store_get(look->reconciler->store, KT_KIND_WORKSPACE, look->key.namespace_, look->key.name);
    look->workspace = kt_stored_object(look->workspace_reference);
    if (kt_json_is_object(kt_json_get(look->workspace, "tuning")))
        result = look_at_tuning(look);
    else if (look->workspace)
        result = look_at_inference(look);
    give_back(look);
    return result == KT_STEP_FAIL ? result : KT_STEP_DONE;
}
