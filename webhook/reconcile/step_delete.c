/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Workspace that is being deleted. NodeClaims have no namespace and so cannot be owned by it: they are deleted here,
 * and the finalizer waits for them, but not for ever. The Job goes first, so that no GPU works for nobody; it, the
 * ControllerRevisions and the pods are the garbage collector's.
 */
#include "text/names.h"
#include "text/time.h"
#include "webhook/log.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"
#include "workload/node_claim.h"

/* No watch tells of a claim that the store does not keep. */
#define LOOK_AGAIN_MS ((int64_t)5000)

static enum kt_step_result delete_children(struct kt_reconcile *look)
{
    const struct kt_observation *observation = &look->observation;
    const cJSON *job = kt_observation_job(observation);
    const struct kt_objects *claims = &observation->objects[KT_KIND_NODE_CLAIM];
    if (job && kt_is_owned_by(job, look->workspace) && !kt_is_being_deleted(job)) {
        enum kt_step_result result = kt_write_delete(look, KT_KIND_JOB, job, "Background");
        if (result != KT_STEP_DONE)
            return result;
    }
    for (size_t i = 0; i < claims->count; i++) {
        const cJSON *claim = claims->items[i];
        if (kt_is_being_deleted(claim))
            continue;
        enum kt_step_result result = kt_write_delete(look, KT_KIND_NODE_CLAIM, claim, "Background");
        if (result != KT_STEP_DONE)
            return result;
    }
    return KT_STEP_DONE;
}

/* Claims that the store does not know of: it keeps none when nodes are the user's own, it is bounded, and its list may
 * be older than a claim that another replica has just made. Left behind they would cost money for ever. */
static enum kt_step_result delete_unknown_claims(struct kt_reconcile *look, size_t *ret_count)
{
    struct kt_list list;
    struct kt_reply reply = {0};
    if (kt_names_label_value(kt_str(look->key.name)))
        return KT_STEP_DONE; /* no label can have this name, so no claim has it */
    const struct kt_list_options options = {
        .label_selector = kt_arena_printf(look->arena, "%s=%s,%s=%s", KT_LABEL_WORKSPACE, look->key.name,
                                          KT_LABEL_WORKSPACE_NAMESPACE, look->key.namespace_)};
    int code =
        kt_api_list(look->client, look->arena, &kt_resource_node_claims, NULL, &options, &list, &reply, &look->error);
    if (code != 0 && reply.type_missing)
        return KT_STEP_DONE; /* what the API server does not know is not there */
    if (code != 0)
        return KT_STEP_FAIL;
    const cJSON *claim;
    cJSON_ArrayForEach(claim, list.items)
    {
        enum kt_step_result result =
            kt_is_being_deleted(claim) ? KT_STEP_DONE : kt_write_delete(look, KT_KIND_NODE_CLAIM, claim, "Background");
        if (result != KT_STEP_DONE)
            return result;
        (*ret_count)++;
    }
    return KT_STEP_DONE;
}

/* How long the Workspace has been waiting to go; 0 when that cannot be told. */
static int64_t waiting_ms(const struct kt_reconcile *look)
{
    const char *since = kt_json_string(kt_json_path(look->workspace, "metadata", "deletionTimestamp", NULL));
    int64_t since_ms;
    if (!since || kt_time_parse_rfc3339(kt_str(since), &since_ms, NULL) != 0)
        return 0;
    return kt_clock_wall_ms(look->reconciler->clock) - since_ms;
}

/* The finalizers without ours, guarded by the resourceVersion: a merge patch replaces the whole list. */
static enum kt_step_result remove_finalizer(struct kt_reconcile *look)
{
    struct kt_arena *arena = look->arena;
    const cJSON *metadata = kt_json_get(look->workspace, "metadata");
    cJSON *patch = kt_json_new_object(arena);
    cJSON *changed = kt_json_ensure_object(arena, patch, "metadata");
    cJSON *left = kt_json_new_array(arena);
    const cJSON *item;
    cJSON_ArrayForEach(item, kt_json_get(metadata, "finalizers"))
    {
        if (!kt_streq(kt_json_string_or(item, ""), KT_FINALIZER))
            kt_json_append(arena, left, kt_json_clone(arena, item));
    }
    kt_json_set_string(arena, changed, "resourceVersion", kt_json_string(kt_json_get(metadata, "resourceVersion")));
    kt_json_set(arena, changed, "finalizers", left);
    if (arena->failed) {
        kt_error_set(&look->error, KT_ENOMEM, "no memory to remove the finalizer");
        return KT_STEP_FAIL;
    }
    enum kt_step_result result = kt_write_patch_workspace(look, NULL, patch);
    return result == KT_STEP_DONE ? KT_STEP_WAIT : result;
}

static void forget_claims(struct kt_reconcile *look)
{
    char name[KT_NODE_CLAIM_NAME_BYTES];
    for (int64_t number = kt_claim_number(look->workspace); number > 0; number--) {
        kt_node_claim_name(look->workspace, number, name);
        kt_claim_memory_forget(look->reconciler->claims, name);
    }
}

static void tell_of_left_claims(struct kt_reconcile *look)
{
    const cJSON *claim = look->observation.objects[KT_KIND_NODE_CLAIM].items[0];
    const char *message = kt_arena_printf(look->arena,
                                          "NodeClaim %s is still not gone %lld minutes after the Workspace was "
                                          "deleted; the Workspace waits no longer. Look "
                                          "at the NodeClaim and at your Karpenter: its machine may go on costing money",
                                          kt_json_string_or(kt_json_path(claim, "metadata", "name", NULL), ""),
                                          (long long)(look->reconciler->options.deletion_timeout_ms / 60000));
    if (message)
        kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning",
                        "NodeClaimLeft", message);
}

enum kt_step_result kt_step_delete(struct kt_reconcile *look)
{
    if (!kt_is_being_deleted(look->workspace))
        return KT_STEP_DONE;
    if (!kt_reconcile_is_held(look->workspace))
        return KT_STEP_WAIT;
    enum kt_step_result result = delete_children(look);
    if (result != KT_STEP_DONE && waiting_ms(look) < look->reconciler->options.deletion_timeout_ms)
        return result;
    int64_t left_ms = look->reconciler->options.deletion_timeout_ms - waiting_ms(look);
    size_t unknown_count = 0;
    if (look->observation.objects[KT_KIND_NODE_CLAIM].count == 0)
        result = delete_unknown_claims(look, &unknown_count);
    if (left_ms > 0 && (result != KT_STEP_DONE || unknown_count > 0)) {
        kt_reconcile_revisit(look, KT_MIN(left_ms, LOOK_AGAIN_MS));
        return result == KT_STEP_DONE ? KT_STEP_WAIT : result;
    }
    if (look->observation.objects[KT_KIND_NODE_CLAIM].count > 0) {
        if (left_ms > 0) {
            kt_reconcile_revisit(look, left_ms);
            return KT_STEP_WAIT;
        }
        tell_of_left_claims(look);
    }
    forget_claims(look);
    return remove_finalizer(look);
}
