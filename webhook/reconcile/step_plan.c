/* SPDX-License-Identifier: Apache-2.0 */
/* What the Workspace asks for, with the defaults that it lacks when no mutating webhook saw it. */
#include "admission/admission.h"
#include "admission/node_capability.h"
#include "webhook/reconcile/write.h"

static bool is_complete(const struct kt_workspace *workspace, bool bring_your_own)
{
    return workspace->resource.count && workspace->tuning.method &&
           (bring_your_own || (workspace->resource.label_selector && workspace->resource.instance_type &&
                               workspace->resource.instance_type[0]));
}

static int fill_defaults(struct kt_reconcile *look, struct kt_error *error)
{
    struct kt_workspace view;
    kt_workspace_view(look->workspace, &view);
    look->filled = look->workspace;
    if (is_complete(&view, kt_settings_bring_your_own(look->reconciler->settings)))
        return 0;
    cJSON *copy = kt_json_clone(look->arena, look->workspace);
    if (!copy)
        return kt_error_set(error, KT_ENOMEM, "no memory for the defaults");
    const struct kt_admission_request request = {
        .operation = KT_OPERATION_CREATE,
        .namespace_ = look->key.namespace_,
        .name = look->key.name,
        .object = copy,
        .settings = look->reconciler->settings,
        .cluster = &kt_cluster_unknown,
    };
    struct kt_defaulting defaulting;
    int code = kt_admission_default(look->arena, &request, &defaulting, error);
    if (code == 0)
        look->filled = defaulting.mutated;
    return code;
}

/* What the nodes that are there say: the user's own, or a claim's of a type that the catalogue does not know. */
static uint32_t node_capability(const struct kt_reconcile *look)
{
    struct kt_nodes_capability all = {0};
    const struct kt_objects *nodes = &look->observation.objects[KT_KIND_NODE];
    for (size_t i = 0; i < nodes->count; i++)
        if (kt_observation_node_counts(&look->observation, nodes->items[i]))
            kt_nodes_capability_add(&all, nodes->items[i]);
    return kt_nodes_capability_value(&all);
}

enum kt_step_result kt_step_plan(struct kt_reconcile *look)
{
    int code = fill_defaults(look, &look->error);
    if (code == 0)
        code = kt_tuning_plan(look->arena, look->filled, look->reconciler->settings, node_capability(look), &look->plan,
                              &look->error);
    if (code == 0)
        return KT_STEP_DONE;
    if (code != KT_EINVAL)
        return KT_STEP_FAIL;
    kt_reconcile_final(look, "ResourceReady", "InvalidWorkspace",
                       kt_arena_printf(look->arena,
                                       "this Workspace cannot be run: %s. Delete it and apply a changed one",
                                       look->error.message));
    return KT_STEP_WAIT;
}
