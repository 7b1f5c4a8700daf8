/* SPDX-License-Identifier: Apache-2.0 */
/* One list a kind: for all Workspaces together, dealt out by label; and for what is left of one. */
#include "kube/api.h"
#include "plugin/gather_internal.h"
#include "workload/names.h"

static const char *label(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_get(kt_json_path(object, "metadata", "labels", NULL), key), "");
}

/* Of which Workspace is it? namespace_label: for what has no namespace of its own. */
static bool belongs(const cJSON *object, const cJSON *workspace, const char *namespace_label)
{
    const char *namespace_ = namespace_label ? label(object, namespace_label) : kt_object_namespace(object);
    return kt_streq(label(object, KT_LABEL_WORKSPACE), kt_object_name(workspace)) &&
           kt_streq(namespace_, kt_object_namespace(workspace));
}

static struct kt_objects deal(struct kt_arena *arena, struct kt_objects all, const cJSON *workspace,
                              const char *namespace_label)
{
    size_t count = 0, used = 0;
    for (size_t i = 0; i < all.count; i++)
        count += belongs(all.items[i], workspace, namespace_label);
    const cJSON **items = kt_arena_calloc(arena, count + 1, sizeof(*items));
    for (size_t i = 0; items && i < all.count; i++)
        if (belongs(all.items[i], workspace, namespace_label))
            items[used++] = all.items[i];
    return (struct kt_objects){items, used};
}

static const cJSON *job_of(struct kt_objects jobs, const cJSON *workspace)
{
    for (size_t i = 0; i < jobs.count; i++)
        if (kt_streq(kt_object_name(jobs.items[i]), kt_object_name(workspace)) &&
            kt_streq(kt_object_namespace(jobs.items[i]), kt_object_namespace(workspace)))
            return jobs.items[i];
    return NULL;
}

/* Nodes that bear the names of the claims; labels of the claims are on their nodes. */
static struct kt_objects nodes_of(struct kt_arena *arena, struct kt_objects nodes, struct kt_objects claims)
{
    const cJSON **items = kt_arena_calloc(arena, claims.count + 1, sizeof(*items));
    size_t count = 0;
    for (size_t i = 0; items && i < claims.count; i++) {
        const char *name = kt_json_string(kt_json_path(claims.items[i], "status", "nodeName", NULL));
        const cJSON *node = name ? kt_objects_find(nodes, name) : NULL;
        if (node)
            items[count++] = node;
    }
    return (struct kt_objects){items, count};
}

static int list_workspaces(struct kt_gather_target *target, struct kt_arena *arena, struct kt_objects *ret,
                           struct kt_error *error)
{
    const struct kt_resource *resource = target->workspaces ? target->workspaces : &kt_resource_workspaces;
    const struct kt_list_options options = {0};
    struct kt_list list;
    struct kt_reply reply;
    struct kt_client *client = target->connection->client;
    int code = kt_api_list(client, arena, resource, target->namespace_, &options, &list, &reply, error);
    if (code != 0 && reply.type_missing && !target->workspaces) {
        struct kt_error inner = {0};
        resource = &kt_resource_workspaces_alpha;
        int second = kt_api_list(client, arena, resource, target->namespace_, &options, &list, &reply, &inner);
        code = second == 0 ? 0 : code;
    }
    if (code != 0)
        return code;
    target->workspaces = resource;
    *ret = kt_gather_objects(arena, list.items);
    return 0;
}

int kt_gather_all(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation **ret,
                  size_t *ret_count, struct kt_error *error)
{
    struct kt_objects workspaces = {0}, claims = {0}, nodes = {0}, jobs = {0}, pods = {0};
    const struct {
        struct kt_gather_query query;
        struct kt_objects *into;
    } lists[] = {
        {{.resource = &kt_resource_node_claims, .label_selector = KT_LABEL_WORKSPACE}, &claims},
        {{.resource = &kt_resource_nodes, .label_selector = KT_LABEL_WORKSPACE}, &nodes},
        {{.resource = &kt_resource_jobs, .namespace_ = target->namespace_, .label_selector = KT_LABEL_WORKSPACE},
         &jobs},
        {{.resource = &kt_resource_pods, .namespace_ = target->namespace_, .label_selector = KT_LABEL_WORKSPACE},
         &pods},
    };
    int code = list_workspaces(target, arena, &workspaces, error);
    for (size_t i = 0; code == 0 && workspaces.count > 0 && i < KT_ARRAY_LENGTH(lists); i++)
        code = kt_gather_list(target, arena, &lists[i].query, lists[i].into, error);
    if (code != 0)
        return code;
    struct kt_observation *all = kt_arena_calloc(arena, workspaces.count + 1, sizeof(*all));
    for (size_t i = 0; all && i < workspaces.count; i++) {
        const cJSON *workspace = workspaces.items[i];
        all[i].workspace = workspace;
        all[i].node_claims = deal(arena, claims, workspace, KT_LABEL_WORKSPACE_NAMESPACE);
        all[i].nodes = nodes_of(arena, nodes, all[i].node_claims);
        all[i].job = job_of(jobs, workspace);
        all[i].pods = deal(arena, pods, workspace, NULL);
        all[i].bring_your_own = kt_gather_is_byo(workspace, all[i].node_claims);
        all[i].now_s = kt_clock_wall_ms(target->connection->app->environment->clock) / 1000;
    }
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for all Workspaces");
    *ret = all;
    *ret_count = workspaces.count;
    return 0;
}

int kt_gather_leftovers(struct kt_gather_target *target, struct kt_arena *arena, const char **ret,
                        struct kt_error *error)
{
    static const struct kt_resource *const kinds[] = {&kt_resource_jobs, &kt_resource_pods,
                                                      &kt_resource_controller_revisions};
    const char *selector = kt_arena_printf(arena, KT_LABEL_WORKSPACE "=%s", target->name);
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, (size_t)(4 * KT_KIB));
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kinds); i++) {
        const struct kt_gather_query query = {
            .resource = kinds[i], .namespace_ = target->namespace_, .label_selector = selector};
        struct kt_objects found;
        int code = kt_gather_list(target, arena, &query, &found, error);
        if (code != 0)
            return code;
        for (size_t k = 0; k < found.count; k++)
            kt_strbuf_printf(&text, "%s%s %s", text.length ? ", " : "", kinds[i]->kind, kt_object_name(found.items[k]));
    }
    *ret = text.data;
    return 0;
}
