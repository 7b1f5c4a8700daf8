/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/reconcile.h"

#include "admission/inference_facts.h"
#include "webhook/log.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"

/* How soon to look again at a Workspace whose objects could not all be seen. */
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
    return kt_job_is_finished(look->observation.job) || kt_workspace_is_over(look->workspace);
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
    return kt_read(look, KT_KIND_JOB, look->key.namespace_, look->key.name, &look->observation.job) == KT_STEP_DONE
               ? 0
               : look->error.code;
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
    look->observation.nodes = (struct kt_objects){own, count};
    return 0;
}

static bool is_among(const struct kt_objects *objects, const char *name)
{
    for (size_t i = 0; i < objects->count; i++)
        if (kt_streq(kt_json_string_or(kt_json_path(objects->items[i], "metadata", "name", NULL), ""), name))
            return true;
    return false;
}

/* The cluster has more Nodes than the cache: those that the claims name are read one by one. */
static int read_nodes_of_claims(struct kt_reconcile *look)
{
    const struct kt_objects *claims = &look->claims.objects, *known = &look->nodes.objects;
    const cJSON **nodes = kt_arena_calloc(look->arena, known->count + claims->count + 1, sizeof(*nodes));
    if (!nodes)
        return kt_error_set(&look->error, KT_ENOMEM, "no memory for the nodes of a Workspace");
    struct kt_objects all = {nodes, known->count};
    for (size_t i = 0; i < known->count; i++)
        nodes[i] = known->items[i];
    for (size_t i = 0; i < claims->count; i++) {
        const char *name = kt_json_string_or(kt_json_path(claims->items[i], "status", "nodeName", NULL), "");
        if (!*name || is_among(&all, name))
            continue;
        if (kt_read(look, KT_KIND_NODE, NULL, name, &nodes[all.count]) != KT_STEP_DONE)
            return look->error.code;
        all.count += nodes[all.count] != NULL;
    }
    look->observation.nodes = all;
    return 0;
}

/* Where the cache does not know whether there is a Job, the API server does. */
static int gather_job(struct kt_reconcile *look)
{
    enum kt_lookup found = kt_store_look_up(look->reconciler->store, KT_KIND_JOB, look->key.namespace_, look->key.name,
                                            &look->job_reference);
    look->observation.job = kt_stored_object(look->job_reference);
    if (found == KT_LOOKUP_ABSENT)
        return confirm_no_job(look);
    if (found == KT_LOOKUP_UNKNOWN &&
        kt_read(look, KT_KIND_JOB, look->key.namespace_, look->key.name, &look->observation.job) != KT_STEP_DONE)
        return look->error.code;
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
    look->observation = (struct kt_observation){
        .workspace = look->workspace,
        .node_claims = look->claims.objects,
        .nodes = look->nodes.objects,
        .pods = look->pods.objects,
        .now_s = kt_clock_wall_ms(look->reconciler->clock) / 1000,
        .bring_your_own = kt_settings_bring_your_own(look->reconciler->settings),
    };
    if (look->observation.bring_your_own)
        code = gather_own_nodes(look);
    else if (!look->nodes.complete)
        code = read_nodes_of_claims(look);
    return code == 0 ? gather_job(look) : code;
}

/* A kind of which there may be objects of this Workspace that were not seen; or KT_KIND_COUNT. */
static enum kt_kind_id unseen_kind(const struct kt_reconcile *look)
{
    bool own_nodes = look->observation.bring_your_own;
    if (!own_nodes && !look->claims.complete)
        return KT_KIND_NODE_CLAIM;
    if (own_nodes && !look->nodes.complete)
        return KT_KIND_NODE;
    return look->pods.complete ? KT_KIND_COUNT : KT_KIND_POD;
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

/* Without all objects of a kind a look would take what it does not see for what is not there: nothing is done, and it
 * is said why. */
static enum kt_step_result say_blind(struct kt_reconcile *look, enum kt_kind_id kind, const char *reason,
                                     const char *message)
{
    if (!message)
        return KT_STEP_FAIL;
    kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning", reason, message);
    /* Of one that has started nothing can be said but what is said already. */
    if (kt_condition_is_true(look->workspace, "JobStarted"))
        return KT_STEP_WAIT;
    look->observation = (struct kt_observation){.workspace = look->workspace,
                                                .now_s = kt_clock_wall_ms(look->reconciler->clock) / 1000};
    kt_reconcile_trouble(look, kt_kinds[kind].condition, reason, message);
    return kt_reconcile_status(look);
}

static enum kt_step_result say_refused(struct kt_reconcile *look, const struct kt_resource *refused)
{
    enum kt_kind_id kind = KT_KIND_JOB;
    for (int i = 0; i < (int)KT_CACHED_KINDS; i++)
        if (kt_kinds[i].resource == refused)
            kind = (enum kt_kind_id)i;
    return say_blind(look, kind, "Forbidden",
                     kt_arena_printf(look->arena,
                                     "the API server does not let kaito-webhook list %s: nothing can be done for "
                                     "this Workspace. Apply the roles of manifests/base/rbac.yaml",
                                     refused->plural));
}

/* Looked at again when there is a new list, and now and then. */
static enum kt_step_result say_unseen(struct kt_reconcile *look, enum kt_kind_id kind)
{
    const struct kt_resource *resource = kt_kinds[kind].resource;
    kt_reconcile_revisit(look, UNSEEN_AGAIN_MS);
    return say_blind(look, kind, "TooManyObjects",
                     kt_arena_printf(look->arena,
                                     "%s has more %s than kaito-webhook can keep: which of them are this Workspace's "
                                     "is not known, and nothing is done for it. Delete those that are not needed",
                                     resource->cluster_scoped ? "the cluster" : "the namespace", resource->plural));
}

/* Inference is not run by this version. It is said, and a Workspace that another operator has run can still be deleted.
 */
static enum kt_step_result look_at_inference(struct kt_reconcile *look)
{
    if (kt_is_being_deleted(look->workspace)) {
        if (gather_children(look) != 0)
            return KT_STEP_FAIL;
        return unseen_kind(look) == KT_KIND_COUNT ? kt_step_delete(look) : say_unseen(look, unseen_kind(look));
    }
    kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning", "InferenceNotRun",
                    "this version of kaito-webhook judges inference Workspaces and does not run them: leave them to "
                    "upstream's operator, and run ours beside it with --reconcile=false");
    return KT_STEP_DONE;
}

static enum kt_step_result look_at_tuning(struct kt_reconcile *look)
{
    const struct kt_resource *refused = kt_informers_refused(look->reconciler->informers);
    if (refused)
        return say_refused(look, refused);
    bool gathered = gather_children(look) == 0;
    if (gathered && unseen_kind(look) != KT_KIND_COUNT)
        return say_unseen(look, unseen_kind(look));
    enum kt_step_result result = gathered ? take_steps(look) : KT_STEP_FAIL;
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
