/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/workspace.h"

static const cJSON *object_member(const cJSON *object, const char *key)
{
    const cJSON *member = kt_json_get(object, key);
    return kt_json_is_object(member) ? member : NULL;
}

static const cJSON *array_member(const cJSON *object, const char *key)
{
    const cJSON *member = kt_json_get(object, key);
    return kt_json_is_array(member) ? member : NULL;
}

static const cJSON *number_member(const cJSON *object, const char *key)
{
    const cJSON *member = kt_json_get(object, key);
    return kt_json_is_number(member) ? member : NULL;
}

static const char *string_member(const cJSON *object, const char *key)
{
    return kt_json_string(kt_json_get(object, key));
}

static struct kt_preset view_preset(const cJSON *owner)
{
    const cJSON *node = object_member(owner, "preset");
    const cJSON *options = object_member(node, "presetOptions");
    return (struct kt_preset){
        .node = node,
        .name = string_member(node, "name"),
        .access_mode = string_member(node, "accessMode"),
        .options = options,
        .access_secret = string_member(options, "modelAccessSecret"),
        .image = string_member(options, "image"),
    };
}

static struct kt_workspace_resource view_resource(const cJSON *node)
{
    const cJSON *selector = object_member(node, "labelSelector");
    const cJSON *partition = object_member(node, "partition");
    return (struct kt_workspace_resource){
        .node = node,
        .count = number_member(node, "count"),
        .instance_type = string_member(node, "instanceType"),
        .label_selector = selector,
        .match_labels = object_member(selector, "matchLabels"),
        .match_expressions = array_member(selector, "matchExpressions"),
        .preferred_nodes = array_member(node, "preferredNodes"),
        .partition = {.node = partition,
                      .mode = string_member(partition, "mode"),
                      .profile = string_member(partition, "profile"),
                      .count = number_member(partition, "count")},
    };
}

static struct kt_inference view_inference(const cJSON *node)
{
    return (struct kt_inference){
        .node = node,
        .preset = view_preset(node),
        .template_ = object_member(node, "template"),
        .adapters = array_member(node, "adapters"),
        .config = string_member(node, "config"),
    };
}

static struct kt_tuning view_tuning(const cJSON *node)
{
    const cJSON *input = object_member(node, "input");
    const cJSON *output = object_member(node, "output");
    return (struct kt_tuning){
        .node = node,
        .preset = view_preset(node),
        .method = string_member(node, "method"),
        .config = string_member(node, "config"),
        .input = {.node = input,
                  .name = string_member(input, "name"),
                  .urls = array_member(input, "urls"),
                  .image = string_member(input, "image"),
                  .volume = object_member(input, "volumeSource"),
                  .pull_secrets = array_member(input, "imagePullSecrets")},
        .output = {.node = output,
                   .image = string_member(output, "image"),
                   .volume = object_member(output, "volumeSource"),
                   .push_secret = string_member(output, "imagePushSecret")},
    };
}

void kt_workspace_view(const cJSON *root, struct kt_workspace *ret)
{
    const cJSON *metadata = object_member(root, "metadata");
    *ret = (struct kt_workspace){
        .node = kt_json_is_object(root) ? root : NULL,
        .api_version = string_member(root, "apiVersion"),
        .kind = string_member(root, "kind"),
        .name = string_member(metadata, "name"),
        .generate_name = string_member(metadata, "generateName"),
        .namespace_ = string_member(metadata, "namespace"),
        .labels = object_member(metadata, "labels"),
        .annotations = object_member(metadata, "annotations"),
        .deletion_timestamp = string_member(metadata, "deletionTimestamp"),
        .resource = view_resource(object_member(root, "resource")),
        .inference = view_inference(object_member(root, "inference")),
        .tuning = view_tuning(object_member(root, "tuning")),
    };
}

void kt_workspace_adapter(const cJSON *item, struct kt_adapter *ret)
{
    const cJSON *source = object_member(item, "source");
    *ret = (struct kt_adapter){
        .node = kt_json_is_object(item) ? item : NULL,
        .source = source,
        .name = string_member(source, "name"),
        .image = string_member(source, "image"),
        .volume = object_member(source, "volumeSource"),
        .pull_secrets = array_member(source, "imagePullSecrets"),
        .strength = string_member(item, "strength"),
    };
}

const char *kt_workspace_annotation(const struct kt_workspace *workspace, const char *key)
{
    return string_member(workspace->annotations, key);
}

int64_t kt_workspace_count(const struct kt_workspace *workspace)
{
    int64_t count = 1;
    return kt_json_int64(workspace->resource.count, &count) ? count : 1;
}

const char *const *kt_workspace_strings(struct kt_arena *arena, const cJSON *array, size_t *ret_count)
{
    const char **list = kt_arena_calloc(arena, kt_json_count(array) + 1, sizeof(*list));
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        const char *text = kt_json_string(item);
        if (list && text) {
            list[count++] = text;
        }
    }
    *ret_count = count;
    return list;
}
