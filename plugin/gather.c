/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/gather.h"

#include "kube/api.h"
#include "plugin/gather_internal.h"
#include "workload/names.h"

/* Nodes that are looked up one by one; a tuning has one. */
#define MOST_NODES 16
/* Pods and claims whose events are asked for: the newest ones. */
#define MOST_EVENT_SOURCES 3
/* Events of cluster-scoped objects stand in this namespace. */
#define CLUSTER_EVENT_NAMESPACE "default"

const char *kt_object_name(const cJSON *object)
{
    return kt_json_string_or(kt_json_path(object, "metadata", "name", NULL), "");
}

const char *kt_object_namespace(const cJSON *object)
{
    return kt_json_string_or(kt_json_path(object, "metadata", "namespace", NULL), "");
}

int kt_gather_shrug(struct kt_gather_target *target, int code, struct kt_error *inner, struct kt_error *error)
{
    if (code == 0 || code == KT_ENOTFOUND)
        return 0;
    if (code == KT_EFORBIDDEN || code == KT_ELIMIT) {
        kt_app_warn(target->connection->app, kt_str(inner->message));
        return 0;
    }
    if (error)
        *error = *inner;
    return code;
}

struct kt_objects kt_gather_objects(struct kt_arena *arena, const cJSON *array)
{
    size_t count = kt_json_count(array);
    const cJSON **items = kt_arena_calloc(arena, count + 1, sizeof(*items));
    const cJSON *item;
    size_t i = 0;
    if (!items)
        return (struct kt_objects){0};
    cJSON_ArrayForEach(item, array) items[i++] = item;
    return (struct kt_objects){items, i};
}

int kt_gather_list(struct kt_gather_target *target, struct kt_arena *arena, const struct kt_gather_query *query,
                   struct kt_objects *ret, struct kt_error *error)
{
    const struct kt_list_options options = {
        .label_selector = query->label_selector, .field_selector = query->field_selector, .max_items = query->most};
    struct kt_list list = {0};
    struct kt_reply reply;
    struct kt_error inner = {0};
    *ret = (struct kt_objects){0};
    int code = kt_api_list(target->connection->client, arena, query->resource, query->namespace_, &options, &list,
                           &reply, &inner);
    if (code == 0)
        *ret = kt_gather_objects(arena, list.items);
    return kt_gather_shrug(target, code, &inner, error);
}

static int get(struct kt_gather_target *target, struct kt_arena *arena, const struct kt_resource *resource,
               const char *namespace_, const char *name, const cJSON **ret, struct kt_error *error)
{
    struct kt_reply reply;
    struct kt_error inner = {0};
    *ret = NULL;
    int code = kt_api_get(target->connection->client, arena, resource, namespace_, name, &reply, &inner);
    if (code == 0)
        *ret = reply.object;
    return kt_gather_shrug(target, code, &inner, error);
}

/* --- the Workspace -------------------------------------------------------------------------------------------------
 */

int kt_gather_workspace(struct kt_gather_target *target, struct kt_arena *arena, const cJSON **ret, bool *ret_is_gone,
                        struct kt_error *error)
{
    /* Servers of older guides have the older version only; both have one schema. */
    static const struct kt_resource *const versions[] = {&kt_resource_workspaces, &kt_resource_workspaces_alpha};
    struct kt_reply reply = {0};
    struct kt_error first = {0};
    int code = 0;
    if (ret_is_gone)
        *ret_is_gone = false;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(versions); i++) {
        const struct kt_resource *resource = target->workspaces ? target->workspaces : versions[i];
        struct kt_error inner = {0};
        code =
            kt_api_get(target->connection->client, arena, resource, target->namespace_, target->name, &reply, &inner);
        if (i == 0)
            first = inner;
        if (code != 0 && reply.type_missing && !target->workspaces)
            continue;
        if (code == 0 || (code == KT_ENOTFOUND && !reply.type_missing))
            target->workspaces = resource;
        if (!reply.type_missing)
            first = inner;
        break;
    }
    if (code == 0) {
        *ret = reply.object;
        return 0;
    }
    if (ret_is_gone)
        *ret_is_gone = code == KT_ENOTFOUND && !reply.type_missing;
    if (error)
        *error = first;
    return code;
}

bool kt_gather_is_byo(const cJSON *workspace, struct kt_objects claims)
{
    const char *type = kt_json_string_or(kt_json_path(workspace, "resource", "instanceType", NULL), "");
    return claims.count == 0 && type[0] == '\0';
}

/* --- nodes ---------------------------------------------------------------------------------------------------------
 */

struct names {
    const char *items[MOST_NODES];
    size_t count;
};

static void add_name(struct names *names, const cJSON *node)
{
    const char *name = kt_json_string(node);
    if (!name || !name[0] || names->count == MOST_NODES)
        return;
    for (size_t i = 0; i < names->count; i++)
        if (kt_streq(names->items[i], name))
            return;
    names->items[names->count++] = name;
}

static int gather_nodes(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation *seen,
                        struct kt_error *error)
{
    struct names names = {.count = 0};
    const cJSON *worker;
    for (size_t i = 0; i < seen->node_claims.count; i++)
        add_name(&names, kt_json_path(seen->node_claims.items[i], "status", "nodeName", NULL));
    cJSON_ArrayForEach(worker, kt_json_path(seen->workspace, "status", "workerNodes", NULL)) add_name(&names, worker);
    for (size_t i = 0; i < seen->pods.count; i++)
        add_name(&names, kt_json_path(seen->pods.items[i], "spec", "nodeName", NULL));
    const cJSON **nodes = kt_arena_calloc(arena, names.count + 1, sizeof(*nodes));
    size_t count = 0;
    int code = nodes ? 0 : kt_error_set(error, KT_ENOMEM, "not enough memory for the nodes of a Workspace");
    for (size_t i = 0; code == 0 && i < names.count; i++) {
        code = get(target, arena, &kt_resource_nodes, NULL, names.items[i], &nodes[count], error);
        if (code == 0 && nodes[count])
            count++;
    }
    seen->nodes = (struct kt_objects){nodes, count};
    return code;
}

/* The user's own nodes that no pod runs on yet. */
static int gather_own_nodes(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation *seen,
                            struct kt_error *error)
{
    struct kt_strbuf selector;
    const cJSON *label;
    kt_strbuf_init(&selector, arena, (size_t)(8 * KT_KIB));
    cJSON_ArrayForEach(label, kt_json_path(seen->workspace, "resource", "labelSelector", "matchLabels", NULL))
        kt_strbuf_printf(&selector, "%s%s=%s", selector.length ? "," : "", label->string, kt_json_string_or(label, ""));
    if (selector.length == 0 || selector.failed || seen->nodes.count > 0)
        return 0;
    const struct kt_gather_query query = {.resource = &kt_resource_nodes, .label_selector = selector.data, .most = 500};
    return kt_gather_list(target, arena, &query, &seen->nodes, error);
}

/* --- events --------------------------------------------------------------------------------------------------------
 */

static int add_events(struct kt_gather_target *target, struct kt_arena *arena, const char *namespace_, const char *name,
                      cJSON *all, struct kt_error *error)
{
    const char *selector = kt_arena_printf(arena, "involvedObject.name=%s", name);
    const struct kt_gather_query query = {
        .resource = &kt_resource_events, .namespace_ = namespace_, .field_selector = selector, .most = 1000};
    struct kt_objects found;
    int code = kt_gather_list(target, arena, &query, &found, error);
    for (size_t i = 0; code == 0 && i < found.count; i++)
        kt_json_append(arena, all, kt_json_reference(arena, found.items[i]));
    return code;
}

/* The newest come last in what the server lists by name only by chance; few Workspaces have more than one of each. */
static int gather_events(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation *seen,
                         struct kt_error *error)
{
    cJSON *all = kt_json_new_array(arena);
    /* The Job, and what serves a model, bear the Workspace's name. */
    int code = add_events(target, arena, target->namespace_, target->name, all, error);
    const cJSON *newest = kt_observation_pod(seen);
    if (code == 0 && newest)
        code = add_events(target, arena, target->namespace_, kt_object_name(newest), all, error);
    for (size_t i = 0; code == 0 && i < KT_MIN(seen->pods.count, (size_t)MOST_EVENT_SOURCES); i++)
        if (seen->pods.items[i] != newest)
            code = add_events(target, arena, target->namespace_, kt_object_name(seen->pods.items[i]), all, error);
    for (size_t i = 0; code == 0 && i < KT_MIN(seen->node_claims.count, (size_t)MOST_EVENT_SOURCES); i++)
        code =
            add_events(target, arena, CLUSTER_EVENT_NAMESPACE, kt_object_name(seen->node_claims.items[i]), all, error);
    seen->events = kt_gather_objects(arena, all);
    return code;
}

int kt_gather_one(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation *ret,
                  bool *ret_is_gone, struct kt_error *error)
{
    struct kt_observation seen = {0};
    int code = kt_gather_workspace(target, arena, &seen.workspace, ret_is_gone, error);
    if (code != 0)
        return code;
    const struct kt_gather_query claims = {
        .resource = &kt_resource_node_claims,
        .label_selector = kt_arena_printf(arena, KT_LABEL_WORKSPACE "=%s," KT_LABEL_WORKSPACE_NAMESPACE "=%s",
                                          target->name, target->namespace_)};
    code = kt_gather_list(target, arena, &claims, &seen.node_claims, error);
    if (code == 0)
        code = get(target, arena, &kt_resource_jobs, target->namespace_, target->name, &seen.job, error);
    const struct kt_gather_query pods = {.resource = &kt_resource_pods,
                                         .namespace_ = target->namespace_,
                                         .label_selector =
                                             kt_arena_printf(arena, KT_LABEL_WORKSPACE "=%s", target->name)};
    if (code == 0)
        code = kt_gather_list(target, arena, &pods, &seen.pods, error);
    if (code == 0)
        code = gather_nodes(target, arena, &seen, error);
    seen.bring_your_own = kt_gather_is_byo(seen.workspace, seen.node_claims);
    if (code == 0 && seen.bring_your_own)
        code = gather_own_nodes(target, arena, &seen, error);
    if (code == 0)
        code = gather_events(target, arena, &seen, error);
    if (code == 0 && arena->failed)
        code = kt_error_set(error, KT_ENOMEM, "not enough memory for what belongs to a Workspace");
    if (code != 0)
        return code;
    seen.now_s = kt_clock_wall_ms(target->connection->app->environment->clock) / 1000;
    *ret = seen;
    return 0;
}
