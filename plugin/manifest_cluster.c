/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/manifest_cluster.h"

#include "base/embedded.h"
#include "kube/api.h"

/* What rules ask for, and how the API calls it. */
static const struct kind {
    const char *kind;
    struct kt_resource resource;
} kinds[] = {
    {"ConfigMap", {"", "v1", "configmaps", "ConfigMap", false}},
    {"Secret", {"", "v1", "secrets", "Secret", false}},
    {"PersistentVolumeClaim", {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", false}},
    {"StorageClass", {"storage.k8s.io", "v1", "storageclasses", "StorageClass", true}},
    {"CSIDriver", {"storage.k8s.io", "v1", "csidrivers", "CSIDriver", true}},
    {"Node", {"", "v1", "nodes", "Node", true}},
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kinds); i++)
        if (kt_streq(kinds[i].kind, name))
            return &kinds[i];
    return NULL;
}

static const char *non_null(const char *text)
{
    return text ? text : "";
}

static void remember(struct kt_manifest_cluster *cluster, const struct kt_cluster_entry *entry)
{
    if (cluster->count == cluster->capacity) {
        size_t capacity = KT_MAX(cluster->capacity * 2, (size_t)32);
        struct kt_cluster_entry *entries = kt_arena_calloc(cluster->arena, capacity, sizeof(*entries));
        if (!entries)
            return;
        for (size_t i = 0; i < cluster->count; i++)
            entries[i] = cluster->entries[i];
        cluster->entries = entries;
        cluster->capacity = capacity;
    }
    cluster->entries[cluster->count++] = *entry;
}

int kt_manifest_templates(struct kt_arena *arena, cJSON **ret, struct kt_error *error)
{
    struct kt_yaml_documents documents;
    const struct kt_str text = {kt_embedded_templates.text, kt_embedded_templates.length};
    int code = kt_yaml_parse(arena, text, &documents, error);
    if (code != 0)
        return kt_error_wrap(error, "the tuning templates in this program");
    cJSON *templates = kt_json_new_array(arena);
    for (size_t i = 0; i < documents.count; i++)
        if (documents.items[i].root)
            kt_json_append(arena, templates, documents.items[i].root);
    *ret = templates;
    return arena->failed ? kt_error_set(error, KT_ENOMEM, "not enough memory for the tuning templates") : 0;
}

void kt_manifest_cluster_init(struct kt_manifest_cluster *cluster, struct kt_arena *arena,
                              const struct kt_settings *settings, const char *default_namespace,
                              struct kt_connection *live)
{
    *cluster = (struct kt_manifest_cluster){
        .arena = arena, .settings = settings, .default_namespace = default_namespace, .live = live};
}

void kt_manifest_cluster_add(struct kt_manifest_cluster *cluster, const struct kt_manifest_object *object)
{
    const struct kind *kind = object->kind ? find_kind(object->kind) : NULL;
    if (!kind || !object->name)
        return;
    cJSON *copy = kt_json_clone(cluster->arena, object->node);
    if (!copy)
        return;
    const cJSON *metadata = kt_json_get(copy, "metadata");
    const char *namespace_ = kt_json_string(kt_json_get(metadata, "namespace"));
    const struct kt_cluster_entry entry = {
        .kind = kind->kind,
        .namespace_ = kind->resource.cluster_scoped ? ""
                      : namespace_ && namespace_[0] ? namespace_
                                                    : cluster->default_namespace,
        .name = kt_json_string_or(kt_json_get(metadata, "name"), ""),
        .lookup = KT_LOOKUP_FOUND,
        .object = copy,
    };
    remember(cluster, &entry);
}

/* --- lookups -------------------------------------------------------------------------------------------------------
 */

/* Files show only some of a cluster; who could not be asked is told once, by the command. */
static enum kt_lookup ask(struct kt_manifest_cluster *cluster, const struct kind *kind, const char *namespace_,
                          const char *name, const cJSON **ret)
{
    struct kt_reply reply;
    struct kt_error error = {0};
    struct kt_cluster_entry entry = {kind->kind, kt_arena_strdup(cluster->arena, namespace_),
                                     kt_arena_strdup(cluster->arena, name), KT_LOOKUP_UNKNOWN, NULL};
    if (!entry.namespace_ || !entry.name || !cluster->live || cluster->fault.code != KT_OK)
        return KT_LOOKUP_UNKNOWN;
    int code = kt_api_get(cluster->live->client, cluster->arena, &kind->resource, namespace_, name, &reply, &error);
    if (code == 0) {
        entry.lookup = KT_LOOKUP_FOUND;
        entry.object = reply.object;
        *ret = reply.object;
    } else if (code == KT_ENOTFOUND) {
        entry.lookup = KT_LOOKUP_ABSENT;
    } else if (code == KT_EFORBIDDEN) {
        if (!cluster->quiet)
            kt_app_warn(cluster->live->app, kt_str(error.message));
    } else {
        cluster->fault = error;
    }
    remember(cluster, &entry);
    return entry.lookup;
}

static enum kt_lookup find_template(struct kt_manifest_cluster *cluster, const char *name, const cJSON **ret)
{
    cJSON *templates;
    const cJSON *template_;
    if (kt_manifest_templates(cluster->arena, &templates, NULL) != 0)
        return KT_LOOKUP_UNKNOWN;
    cJSON_ArrayForEach(template_, templates)
    {
        if (kt_streq(kt_json_string_or(kt_json_path(template_, "metadata", "name", NULL), ""), name)) {
            const struct kt_cluster_entry entry = {"ConfigMap", cluster->settings->release_namespace,
                                                   kt_json_string(kt_json_path(template_, "metadata", "name", NULL)),
                                                   KT_LOOKUP_FOUND, template_};
            remember(cluster, &entry);
            *ret = template_;
            return KT_LOOKUP_FOUND;
        }
    }
    return KT_LOOKUP_UNKNOWN;
}

static enum kt_lookup find(void *context, const char *kind_name, const char *namespace_, const char *name,
                           const cJSON **ret)
{
    struct kt_manifest_cluster *cluster = context;
    const struct kind *kind = find_kind(kind_name);
    if (!kind)
        return KT_LOOKUP_UNKNOWN;
    const char *space = kind->resource.cluster_scoped ? "" : non_null(namespace_);
    for (size_t i = 0; i < cluster->count; i++) {
        const struct kt_cluster_entry *entry = &cluster->entries[i];
        if (entry->kind == kind->kind && kt_streq(entry->name, name) && kt_streq(entry->namespace_, space)) {
            if (entry->lookup == KT_LOOKUP_FOUND)
                *ret = entry->object;
            return entry->lookup;
        }
    }
    if (cluster->complete)
        return KT_LOOKUP_ABSENT;
    bool is_template =
        kt_streq(kind_name, "ConfigMap") && kt_streq(space, non_null(cluster->settings->release_namespace));
    if (is_template && cluster->quiet)
        return find_template(cluster, name, ret);
    enum kt_lookup lookup = ask(cluster, kind, space, name, ret);
    return lookup == KT_LOOKUP_UNKNOWN && is_template ? find_template(cluster, name, ret) : lookup;
}

static void ask_for_nodes(struct kt_manifest_cluster *cluster)
{
    struct kt_list list;
    struct kt_reply reply;
    struct kt_error error = {0};
    int code =
        kt_api_list(cluster->live->client, cluster->arena, &kt_resource_nodes, NULL, NULL, &list, &reply, &error);
    if (code == KT_EFORBIDDEN && !cluster->quiet)
        kt_app_warn(cluster->live->app, kt_str(error.message));
    else if (code != 0 && code != KT_EFORBIDDEN)
        cluster->fault = error;
    const cJSON *node;
    const cJSON **nodes =
        code == 0 ? kt_arena_calloc(cluster->arena, kt_json_count(list.items) + 1, sizeof(node)) : NULL;
    if (!nodes)
        return;
    cJSON_ArrayForEach(node, list.items) nodes[cluster->node_count++] = node;
    cluster->nodes = nodes;
}

/* Nodes of files are taken for all there are: who puts `kubectl get nodes -o yaml` beside a Workspace means them. */
static void take_nodes_of_files(struct kt_manifest_cluster *cluster)
{
    const cJSON **nodes = kt_arena_calloc(cluster->arena, cluster->count + 1, sizeof(*nodes));
    for (size_t i = 0; nodes && i < cluster->count; i++)
        if (kt_streq(cluster->entries[i].kind, "Node") && cluster->entries[i].lookup == KT_LOOKUP_FOUND)
            nodes[cluster->node_count++] = cluster->entries[i].object;
    cluster->nodes = cluster->node_count > 0 || cluster->complete ? nodes : NULL;
}

static enum kt_lookup list_nodes(void *context, const cJSON *const **ret, size_t *ret_count)
{
    struct kt_manifest_cluster *cluster = context;
    if (!cluster->nodes_asked) {
        cluster->nodes_asked = true;
        take_nodes_of_files(cluster);
        if (!cluster->nodes && cluster->live && cluster->fault.code == KT_OK)
            ask_for_nodes(cluster);
    }
    if (!cluster->nodes)
        return KT_LOOKUP_UNKNOWN;
    *ret = cluster->nodes;
    *ret_count = cluster->node_count;
    return KT_LOOKUP_FOUND;
}

struct kt_cluster kt_manifest_cluster_view(struct kt_manifest_cluster *cluster)
{
    return (struct kt_cluster){.find = find, .nodes = list_nodes, .context = cluster};
}
