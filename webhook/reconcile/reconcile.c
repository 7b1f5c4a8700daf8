/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/reconcile.h"

#include "webhook/log.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"

/* How soon to look again for what could not be seen, without a change that tells. */
#define UNSEEN_AGAIN_MS ((int64_t)60000)

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

/* What a step would make, because it is not there, is asked for once more where the store is no witness: it is bounded,
 * and sees only Jobs that have their label. That a Job which had started is gone ends the Workspace as Failed. */
static int confirm_job(struct kt_reconcile *look)
{
    bool has_started = kt_condition_is_true(look->workspace, "JobStarted") && !kt_workspace_is_over(look->workspace) &&
                       !kt_is_being_deleted(look->workspace);
    const cJSON *job;
    if (kt_observation_job(&look->observation) ||
        !(has_started || kt_observation_lacks(&look->observation, KT_KIND_JOB)))
        return 0;
    if (kt_read(look, KT_KIND_JOB, look->key.namespace_, look->key.name, &job) != KT_STEP_DONE)
        return look->error.code;
    if (job)
        kt_observation_add(&look->observation, KT_KIND_JOB, job, look->arena);
    look->observation.unseen &= ~KT_KIND_BIT(KT_KIND_JOB);
    return 0;
}

/* A refusal is a thing that stays unseen, and holds no condition up. */
static int stay_unseen(struct kt_reconcile *look, struct kt_error *error)
{
    look->trouble = (struct kt_trouble){0};
    *error = look->error;
    return look->error.code;
}

/* What the cache does not know, the API server does. */
static int read_unknown(void *context, enum kt_kind_id kind, const char *namespace_, const char *name,
                        const cJSON **ret, struct kt_error *error)
{
    struct kt_reconcile *look = context;
    if (kt_read(look, kind, namespace_, name, ret) == KT_STEP_DONE)
        return 0;
    return stay_unseen(look, error);
}

static int list_unknown(void *context, enum kt_kind_id kind, const cJSON **ret_items, struct kt_error *error)
{
    struct kt_reconcile *look = context;
    if (kt_read_labelled(look, kind, ret_items) == KT_STEP_DONE)
        return 0;
    return stay_unseen(look, error);
}

static int gather(struct kt_reconcile *look)
{
    const struct kt_object_source source = kt_store_source_view(&look->source);
    const struct kt_observe_options options = {
        .nodes = kt_settings_bring_your_own(look->reconciler->settings) ? KT_NODES_OWN : KT_NODES_CLAIMED,
        .now_s = kt_clock_wall_ms(look->reconciler->clock) / 1000};
    look->source = (struct kt_store_source){.store = look->reconciler->store,
                                            .arena = look->arena,
                                            .read = read_unknown,
                                            .list = list_unknown,
                                            .read_context = look};
    int code = kt_observe(&source, look->workspace, &options, look->arena, &look->observation, &look->error);
    return code == 0 ? confirm_job(look) : code;
}

static void give_back(struct kt_reconcile *look)
{
    kt_store_source_release(&look->source);
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
        return gather(look) == 0 ? kt_step_delete(look) : KT_STEP_FAIL;
    kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning", "InferenceNotRun",
                    "this version of kaito-webhook judges inference Workspaces and does not run them: leave them to "
                    "upstream's operator, and run ours beside it with --reconcile=false");
    return KT_STEP_DONE;
}

/* Without one of the kinds a look would take what it does not see for what is not there. */
static enum kt_step_result say_refused(struct kt_reconcile *look, const struct kt_resource *refused)
{
    enum kt_kind_id kind = KT_KIND_JOB;
    const char *message = kt_arena_printf(look->arena,
                                          "the API server does not let kaito-webhook list %s: nothing can be done for "
                                          "this Workspace. Apply the roles of manifests/base/rbac.yaml",
                                          refused->plural);
    if (!message)
        return KT_STEP_FAIL;
    for (int i = 0; i < (int)KT_CACHED_KINDS; i++)
        if (kt_kinds[i].resource == refused)
            kind = (enum kt_kind_id)i;
    kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning", "Forbidden",
                    message);
    /* Of one that has started, or come to its end, nothing can be said but what is said already. */
    if (kt_condition_is_true(look->workspace, "JobStarted") || kt_final_state(look->workspace))
        return KT_STEP_WAIT;
    look->observation = (struct kt_observation){.workspace = look->workspace,
                                                .now_s = kt_clock_wall_ms(look->reconciler->clock) / 1000};
    kt_reconcile_trouble(look, kt_kinds[kind].condition, "Forbidden", message);
    return kt_reconcile_status(look);
}

/* Is there nothing that says more of this Workspace than what could not be seen? */
static bool is_held_up_unseen(const struct kt_reconcile *look, enum kt_kind_id kind)
{
    return !look->trouble.reason && !kt_final_state(look->workspace) && !kt_reconcile_is_finished(look) &&
           !kt_condition_is_true(look->workspace, "JobStarted") && !kt_observation_job(&look->observation) &&
           !(kind == KT_KIND_NODE && kt_observation_resources_ready(&look->observation));
}

/* After the steps, which take nothing that was not seen for absent: what could not be seen is said, and looked at again
 * when there is a new list, and now and then. */
static void say_unseen(struct kt_reconcile *look)
{
    for (int i = 0; i < (int)KT_CACHED_KINDS; i++) {
        const struct kt_resource *resource = kt_kinds[i].resource;
        if (!(look->observation.unseen & KT_KIND_BIT(i)))
            continue;
        const char *message =
            kt_arena_printf(look->arena,
                            "%s has more %s than kaito-webhook can keep or read: which of them are "
                            "this Workspace's is not known. Delete those that are not needed",
                            resource->cluster_scoped ? "the cluster" : "the namespace", resource->plural);
        if (message)
            kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning",
                            "TooManyObjects", message);
        if (is_held_up_unseen(look, (enum kt_kind_id)i))
            kt_reconcile_trouble(look, kt_kinds[i].condition, "TooManyObjects", message);
        kt_reconcile_revisit(look, UNSEEN_AGAIN_MS);
    }
}

static enum kt_step_result look_at_tuning(struct kt_reconcile *look)
{
    const struct kt_resource *refused = kt_informers_refused(look->reconciler->informers);
    if (refused)
        return say_refused(look, refused);
    bool gathered = gather(look) == 0;
    enum kt_step_result result = gathered ? take_steps(look) : KT_STEP_FAIL;
    if (gathered && look->is_status_behind)
        return KT_STEP_FAIL;
    if (gathered)
        say_unseen(look);
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
