/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/write.h"

#include <string.h>

#include "text/names.h"
#include "webhook/log.h"
#include "workload/names.h"

/* --- what a failure means ------------------------------------------------------------------------------------------
 */

static bool is_namespace_ending(const struct kt_status *status)
{
    for (size_t i = 0; i < status->cause_count; i++)
        if (kt_streq(status->causes[i].reason, "NamespaceTerminating"))
            return true;
    return false;
}

bool kt_is_refusal(const char *reason)
{
    static const char *const reasons[] = {"TypeMissing", "NamespaceTerminating", "Forbidden", "Refused",
                                          "TooManyObjects"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(reasons); i++)
        if (kt_streq(reasons[i], reason))
            return true;
    return false;
}

/* Failures that a person must act on; the others pass by themselves and only mean another try. */
static void explain(struct kt_reconcile *look, enum kt_kind_id kind, const char *verb, const struct kt_reply *reply)
{
    struct kt_arena *arena = look->arena;
    const char *reason = NULL;
    const char *message = NULL;
    const struct kt_resource *resource = kt_kinds[kind].resource;
    if (reply->type_missing) {
        reason = "TypeMissing";
        message = kt_arena_printf(arena,
                                  "the API server does not know %s (%s/%s): install what brings it (for NodeClaims a "
                                  "Karpenter), or run kaito-webhook with --node-provisioner=byo on nodes of your own",
                                  resource->plural, resource->group, resource->version);
    } else if (is_namespace_ending(&reply->status)) {
        reason = "NamespaceTerminating";
        message = kt_arena_printf(arena, "namespace %s is being deleted: nothing can be created in it any more",
                                  look->key.namespace_);
    } else if (reply->status.code == 403) {
        reason = "Forbidden";
        message = kt_arena_printf(arena,
                                  "the API server does not let kaito-webhook %s %s: %s. Apply the roles of "
                                  "manifests/base/rbac.yaml, or ask who limits this namespace (quota, policy)",
                                  verb, resource->plural, reply->status.message);
    } else if (reply->status.code == 400 || reply->status.code == 422) {
        reason = "Refused";
        message = kt_arena_printf(arena, "the API server refuses to %s the %s: %s", verb, resource->kind,
                                  reply->status.message);
    }
    if (reason && message)
        kt_reconcile_trouble(look, kt_kinds[kind].condition, reason, message);
}

static enum kt_step_result fail(struct kt_reconcile *look, enum kt_kind_id kind, const char *verb,
                                const struct kt_reply *reply)
{
    explain(look, kind, verb, reply);
    kt_error_wrap(&look->error, "cannot %s %s", verb, kt_kinds[kind].resource->plural);
    return KT_STEP_FAIL;
}

static const char *metadata_text(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", key, NULL), "");
}

/* Is it the object of this name? What stands between us and the API server may answer 200 for it; taken for the object
 * such an answer would be what was never made, or what belongs to somebody else. */
static bool is_object(const cJSON *object, const char *name)
{
    return kt_streq(metadata_text(object, "name"), name) && *metadata_text(object, "uid");
}

static enum kt_step_result odd_reply(struct kt_reconcile *look, enum kt_kind_id kind, const char *verb,
                                     const char *name)
{
    kt_error_set(&look->error, KT_EPARSE,
                 "cannot %s %s: the reply is not the %s %s; does a proxy stand before the API server?", verb,
                 kt_kinds[kind].resource->plural, kt_kinds[kind].resource->kind, name);
    return KT_STEP_FAIL;
}

static void keep(struct kt_reconcile *look, enum kt_kind_id kind, const cJSON *object)
{
    struct kt_error error;
    if (kind < KT_CACHED_KINDS && kt_store_put(look->reconciler->store, kind, object, NULL, &error) != 0)
        kt_log(KT_LOG_WARNING, "an object is not kept", "kind", kt_kinds[kind].resource->kind, "error", error.message,
               NULL);
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

enum kt_step_result kt_read(struct kt_reconcile *look, enum kt_kind_id kind, const char *namespace_, const char *name,
                            const cJSON **ret)
{
    struct kt_reply reply = {0};
    int code = kt_api_get(look->client, look->arena, kt_kinds[kind].resource, namespace_, name, &reply, &look->error);
    if (code == KT_ENOTFOUND && !reply.type_missing) {
        *ret = NULL;
        return KT_STEP_DONE;
    }
    if (code != 0)
        return fail(look, kind, "read", &reply);
    if (!is_object(reply.object, name))
        return odd_reply(look, kind, "read", name);
    *ret = reply.object;
    return KT_STEP_DONE;
}

enum kt_step_result kt_read_labelled(struct kt_reconcile *look, enum kt_kind_id kind, const cJSON **ret_items)
{
    const struct kt_resource *resource = kt_kinds[kind].resource;
    const struct kt_list_options options = {
        .label_selector = kt_arena_printf(look->arena, KT_LABEL_WORKSPACE "=%s%s%s", look->key.name,
                                          resource->cluster_scoped ? "," KT_LABEL_WORKSPACE_NAMESPACE "=" : "",
                                          resource->cluster_scoped ? look->key.namespace_ : "")};
    struct kt_list list = {0};
    struct kt_reply reply = {0};
    *ret_items = NULL;
    if (kt_names_label_value(kt_str(look->key.name)))
        return KT_STEP_DONE; /* no label can have this name, so no object has it */
    int code =
        kt_api_list(look->client, look->arena, resource, look->key.namespace_, &options, &list, &reply, &look->error);
    if (code != 0 && reply.type_missing)
        return KT_STEP_DONE; /* what the API server does not know is not there */
    if (code != 0)
        return fail(look, kind, "list", &reply);
    *ret_items = list.items;
    return KT_STEP_DONE;
}

static void read_workspace_again(struct kt_reconcile *look)
{
    struct kt_error error;
    struct kt_reply reply = {0};
    if (kt_api_get(look->client, look->arena, &kt_resource_workspaces, look->key.namespace_, look->key.name, &reply,
                   &error) == 0 &&
        is_object(reply.object, look->key.name))
        keep(look, KT_KIND_WORKSPACE, reply.object);
}

/* A process that was frozen may wake up after its Lease: it must not write what another decides now. */
static bool may_write(struct kt_reconcile *look)
{
    const struct kt_leader *leader = atomic_load(&look->reconciler->leader);
    if (!leader || kt_leader_is_leader(leader))
        return true;
    kt_error_set(&look->error, KT_EUNAVAILABLE, "the Lease is not held any more");
    return false;
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static const char *object_name(const cJSON *object)
{
    return metadata_text(object, "name");
}

static enum kt_step_result name_taken(struct kt_reconcile *look, enum kt_kind_id kind, const char *name)
{
    kt_reconcile_trouble(look, kt_kinds[kind].condition, "NameTaken",
                         kt_arena_printf(look->arena,
                                         "a %s named %s is there already and does not belong to this Workspace: delete "
                                         "or rename it, or give the Workspace another name",
                                         kt_kinds[kind].resource->kind, name));
    kt_reconcile_revisit(look, KT_NAME_TAKEN_MS); /* what is somebody else's is not watched */
    return KT_STEP_WAIT;
}

/* Somebody was faster: is the object that is there as good? */
static enum kt_step_result accept_existing(struct kt_reconcile *look, enum kt_kind_id kind, const char *name,
                                           bool (*belongs)(const cJSON *object, const cJSON *workspace),
                                           const cJSON **ret)
{
    const cJSON *existing;
    enum kt_step_result result = kt_read(look, kind, look->key.namespace_, name, &existing);
    if (result != KT_STEP_DONE)
        return result;
    if (!existing) { /* gone again in between */
        kt_error_set(&look->error, KT_ECONFLICT, "%s %s is going away", kt_kinds[kind].resource->kind, name);
        return KT_STEP_FAIL;
    }
    if (belongs && !belongs(existing, look->workspace))
        return name_taken(look, kind, name);
    keep(look, kind, existing);
    *ret = existing;
    return KT_STEP_DONE;
}

enum kt_step_result kt_write_create(struct kt_reconcile *look, enum kt_kind_id kind, const cJSON *object,
                                    bool (*belongs)(const cJSON *object, const cJSON *workspace), const cJSON **ret)
{
    const struct kt_write_options options = {.field_manager = KT_MANAGER};
    struct kt_reply reply = {0};
    const cJSON *existing = NULL;
    if (!may_write(look))
        return KT_STEP_FAIL;
    int code = kt_api_create(look->client, look->arena, kt_kinds[kind].resource, look->key.namespace_, object, &options,
                             &reply, &look->error);
    if (code == 0 && !is_object(reply.object, object_name(object)))
        return odd_reply(look, kind, "create", object_name(object));
    if (code == 0) {
        existing = reply.object;
        keep(look, kind, existing);
        kt_log(KT_LOG_INFO, "created", "kind", kt_kinds[kind].resource->kind, "namespace", look->key.namespace_,
               "workspace", look->key.name, "name", object_name(object), NULL);
    } else if (code == KT_ECONFLICT && kt_streq(reply.status.reason, "AlreadyExists")) {
        enum kt_step_result result = accept_existing(look, kind, object_name(object), belongs, &existing);
        if (result != KT_STEP_DONE)
            return result;
    } else {
        return fail(look, kind, "create", &reply);
    }
    if (ret)
        *ret = existing;
    return KT_STEP_DONE;
}

enum kt_step_result kt_write_apply_workspace(struct kt_reconcile *look, const cJSON *object)
{
    const struct kt_write_options options = {.field_manager = KT_MANAGER, .force = true};
    struct kt_reply reply = {0};
    if (!may_write(look))
        return KT_STEP_FAIL;
    if (kt_api_apply(look->client, look->arena, &kt_resource_workspaces, look->key.namespace_, object, &options, &reply,
                     &look->error) != 0)
        return fail(look, KT_KIND_WORKSPACE, "update", &reply);
    if (!is_object(reply.object, look->key.name))
        return odd_reply(look, KT_KIND_WORKSPACE, "update", look->key.name);
    keep(look, KT_KIND_WORKSPACE, reply.object);
    look->workspace = reply.object;
    return KT_STEP_DONE;
}

enum kt_step_result kt_write_patch_workspace(struct kt_reconcile *look, const char *subresource, const cJSON *patch)
{
    const struct kt_write_options options = {.field_manager = KT_MANAGER};
    struct kt_reply reply = {0};
    if (!may_write(look))
        return KT_STEP_FAIL;
    int code = kt_api_merge_patch(look->client, look->arena, &kt_resource_workspaces, look->key.namespace_,
                                  look->key.name, subresource, patch, &options, &reply, &look->error);
    if (code == KT_ENOTFOUND && !reply.type_missing)
        return KT_STEP_DONE; /* deleted meanwhile */
    if (code == KT_ECONFLICT)
        read_workspace_again(look);
    if (code != 0)
        return fail(look, KT_KIND_WORKSPACE, "update", &reply);
    if (!is_object(reply.object, look->key.name))
        return odd_reply(look, KT_KIND_WORKSPACE, "update", look->key.name);
    if (kt_reconcile_is_gone(reply.object))
        kt_store_remove(look->reconciler->store, KT_KIND_WORKSPACE, reply.object);
    else
        keep(look, KT_KIND_WORKSPACE, reply.object);
    look->workspace = reply.object;
    return KT_STEP_DONE;
}

enum kt_step_result kt_write_delete(struct kt_reconcile *look, enum kt_kind_id kind, const cJSON *object,
                                    const char *propagation)
{
    const cJSON *metadata = kt_json_get(object, "metadata");
    const struct kt_delete_options options = {.uid = kt_json_string(kt_json_get(metadata, "uid")),
                                              .propagation = propagation};
    struct kt_reply reply = {0};
    if (!may_write(look))
        return KT_STEP_FAIL;
    int code = kt_api_delete(look->client, look->arena, kt_kinds[kind].resource,
                             kt_json_string(kt_json_get(metadata, "namespace")), object_name(object), &options, &reply,
                             &look->error);
    /* A conflict here is the uid: another object has the name now. */
    if (code != 0 && code != KT_ENOTFOUND && code != KT_ECONFLICT)
        return fail(look, kind, "delete", &reply);
    if (code == 0)
        kt_log(KT_LOG_INFO, "deleted", "kind", kt_kinds[kind].resource->kind, "namespace", look->key.namespace_,
               "workspace", look->key.name, "name", object_name(object), NULL);
    return KT_STEP_DONE;
}
