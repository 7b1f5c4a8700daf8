/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/store_relations.h"

#include <string.h>

#include "workload/names.h"

static const char *metadata_text(const cJSON *object, const char *key)
{
    return kt_json_string(kt_json_path(object, "metadata", key, NULL));
}

static const char *label(const cJSON *object, const char *key)
{
    const char *value = kt_json_string(kt_json_path(object, "metadata", "labels", key, NULL));
    return value && *value ? value : NULL;
}

static struct kt_pair own_of(enum kt_kind_id kind, const cJSON *object)
{
    struct kt_object_key key;
    bool cluster_scoped = kind == KT_KIND_NODE || kind == KT_KIND_NODE_CLAIM;
    const char *name = metadata_text(object, "name");
    const char *namespace_ = cluster_scoped ? NULL : metadata_text(object, "namespace");
    struct kt_pair own = {namespace_ ? namespace_ : "", name};
    if (!name || !*name || strlen(name) >= sizeof(key.name) || strlen(own.namespace_) >= sizeof(key.namespace_))
        own.name = NULL;
    return own;
}

static const char *config_of(const cJSON *workspace)
{
    return kt_json_string_or(kt_json_path(workspace, "tuning", "config", NULL), "");
}

static bool waits_for_template(const cJSON *workspace)
{
    const char *state = kt_json_string_or(kt_json_path(workspace, "status", "state", NULL), "");
    return !*config_of(workspace) && !kt_streq(state, "Running") && !kt_streq(state, "Succeeded");
}

static struct kt_relations of_workspace(const cJSON *object, struct kt_pair own)
{
    struct kt_relations relations = {.own = own, .workspace = own};
    if (!kt_json_is_object(kt_json_get(object, "tuning")))
        return relations;
    relations.reference = (struct kt_pair){own.namespace_, config_of(object)};
    relations.waits_for_template = waits_for_template(object);
    return relations;
}

static struct kt_relations of_node(const cJSON *object, struct kt_pair own)
{
    const char *namespace_ = label(object, KT_LABEL_WORKSPACE_NAMESPACE);
    struct kt_relations relations = {.own = own};
    if (namespace_)
        relations.workspace = (struct kt_pair){namespace_, label(object, KT_LABEL_WORKSPACE)};
    return relations;
}

static struct kt_relations of_node_claim(const cJSON *object, struct kt_pair own)
{
    struct kt_relations relations = of_node(object, own);
    const char *node = kt_json_string_or(kt_json_path(object, "status", "nodeName", NULL), "");
    if (*node)
        relations.reference = (struct kt_pair){"", node};
    return relations;
}

static struct kt_relations of_child(const cJSON *object, struct kt_pair own)
{
    return (struct kt_relations){.own = own, .workspace = {own.namespace_, label(object, KT_LABEL_WORKSPACE)}};
}

static struct kt_relations of_config_map(const cJSON *object KT_UNUSED, struct kt_pair own)
{
    return (struct kt_relations){.own = own};
}

struct kt_relations kt_relations_of(enum kt_kind_id kind, const cJSON *object)
{
    static struct kt_relations (*const kinds[KT_CACHED_KINDS])(const cJSON *object, struct kt_pair own) = {
        [KT_KIND_WORKSPACE] = of_workspace, [KT_KIND_NODE_CLAIM] = of_node_claim,
        [KT_KIND_NODE] = of_node,           [KT_KIND_JOB] = of_child,
        [KT_KIND_POD] = of_child,           [KT_KIND_CONFIG_MAP] = of_config_map,
    };
    struct kt_pair own = own_of(kind, object);
    return own.name ? kinds[kind](object, own) : (struct kt_relations){0};
}

bool kt_is_template_name(const char *config_map_name)
{
    return strstr(config_map_name, "lora-params-template") != NULL;
}
