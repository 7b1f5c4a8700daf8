/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/metadata.h"

#include "admission/inference_facts.h"
#include "workload/names.h"

/* Owner references name the stored version, whichever the user wrote. */
#define STORED_API_VERSION KT_GROUP "/v1beta1"

const char *kt_workload_namespace(const struct kt_workspace *workspace)
{
    return workspace->namespace_ && workspace->namespace_[0] ? workspace->namespace_ : "default";
}

cJSON *kt_workload_object(struct kt_arena *arena, const char *api_version, const char *kind, const char *name,
                          const char *namespace_)
{
    cJSON *object = kt_json_new_object(arena);
    kt_json_set_string(arena, object, "apiVersion", api_version);
    kt_json_set_string(arena, object, "kind", kind);
    cJSON *metadata = kt_json_ensure_object(arena, object, "metadata");
    kt_json_set_string(arena, metadata, "name", name);
    if (namespace_)
        kt_json_set_string(arena, metadata, "namespace", namespace_);
    return object;
}

void kt_workload_own(struct kt_arena *arena, cJSON *object, const struct kt_workspace *workspace)
{
    cJSON *owners = kt_json_new_array(arena);
    cJSON *owner = kt_json_new_object(arena);
    kt_json_set_string(arena, owner, "apiVersion", STORED_API_VERSION);
    kt_json_set_string(arena, owner, "kind", "Workspace");
    kt_json_set_string(arena, owner, "name", workspace->name);
    kt_json_set_string(arena, owner, "uid",
                       kt_json_string_or(kt_json_path(workspace->node, "metadata", "uid", NULL), ""));
    kt_json_set_bool(arena, owner, "controller", true);
    kt_json_set_bool(arena, owner, "blockOwnerDeletion", true);
    kt_json_append(arena, owners, owner);
    kt_json_set(arena, kt_json_get(object, "metadata"), "ownerReferences", owners);
}

void kt_workload_label(struct kt_arena *arena, cJSON *labels, const struct kt_workspace *workspace,
                       const char *component)
{
    kt_json_set_string(arena, labels, KT_LABEL_WORKSPACE, workspace->name);
    kt_json_set_string(arena, labels, "app.kubernetes.io/name", "kaito");
    kt_json_set_string(arena, labels, "app.kubernetes.io/component", component);
    kt_json_set_string(arena, labels, "app.kubernetes.io/instance", workspace->name);
    kt_json_set_string(arena, labels, KT_LABEL_MANAGED_BY, KT_MANAGER);
}

cJSON *kt_workload_node_labels(struct kt_arena *arena, const struct kt_workspace *workspace,
                               const struct kt_settings *settings)
{
    cJSON *labels = kt_json_new_object(arena);
    const cJSON *label;
    cJSON_ArrayForEach(label, workspace->resource.match_labels)
    {
        if (kt_json_is_string(label) && !kt_label_is_reserved(label->string))
            kt_json_set_string(arena, labels, label->string, label->valuestring);
    }
    if (!workspace->resource.label_selector && !kt_settings_bring_your_own(settings))
        kt_json_set_string(arena, labels, "apps", workspace->name);
    return labels;
}
