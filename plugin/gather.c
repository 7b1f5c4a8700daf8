/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/gather.h"

#include "kube/api.h"
#include "plugin/list_source.h"
#include "text/names.h"
#include "workload/names.h"

/* --- the Workspace -------------------------------------------------------------------------------------------- */

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

static int list_workspaces(struct kt_gather_target *target, struct kt_arena *arena, const cJSON **ret,
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
    *ret = list.items;
    return 0;
}

/* --- and what belongs to it ----------------------------------------------------------------------------------- */

static struct kt_observe_options options_of(const struct kt_gather_target *target)
{
    return (struct kt_observe_options){.now_s = kt_clock_wall_ms(target->connection->app->environment->clock) / 1000};
}

int kt_gather_one(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation *ret,
                  bool *ret_is_gone, struct kt_error *error)
{
    struct kt_api_source api = {target->connection, arena};
    const struct kt_object_source source = kt_api_source_view(&api);
    const struct kt_observe_options options = options_of(target);
    const cJSON *workspace;
    int code = kt_gather_workspace(target, arena, &workspace, ret_is_gone, error);
    return code == 0 ? kt_observe(&source, workspace, &options, arena, ret, error) : code;
}

int kt_gather_all(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation **ret,
                  size_t *ret_count, struct kt_error *error)
{
    struct kt_api_source api = {target->connection, arena};
    const struct kt_observe_options options = options_of(target);
    struct kt_list_source *lists = NULL;
    const cJSON *workspaces = NULL, *workspace;
    int code = list_workspaces(target, arena, &workspaces, error);
    struct kt_observation *all = kt_arena_calloc(arena, kt_json_count(workspaces) + 1, sizeof(*all));
    size_t count = 0;
    if (code == 0 && !all)
        code = kt_error_set(error, KT_ENOMEM, "not enough memory for all Workspaces");
    if (code == 0 && kt_json_count(workspaces) > 0)
        code = kt_list_source_new(&api, target->namespace_, &lists, error);
    const struct kt_object_source source = kt_list_source_view(lists);
    cJSON_ArrayForEach(workspace, workspaces)
    {
        if (code == 0)
            code = kt_observe(&source, workspace, &options, arena, &all[count++], error);
    }
    if (code != 0)
        return code;
    *ret = all;
    *ret_count = count;
    return 0;
}

/* --- and what it has left ------------------------------------------------------------------------------------- */

/* Kinds with a namespace go with their owner; they bear the label. */
static bool is_collected(const struct kt_kind *kind)
{
    return !kind->resource->cluster_scoped && (kind->watch_selector || kind->found_by == KT_FOUND_BY_LABEL);
}

int kt_gather_leftovers(struct kt_gather_target *target, struct kt_arena *arena, const char **ret,
                        struct kt_error *error)
{
    struct kt_api_source api = {target->connection, arena};
    const struct kt_object_source source = kt_api_source_view(&api);
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, (size_t)(4 * KT_KIB));
    for (enum kt_kind_id kind = 0; kind < KT_KIND_COUNT; kind++) {
        struct kt_objects found = {0};
        int code = is_collected(&kt_kinds[kind]) && !kt_names_label_value(kt_str(target->name))
                       ? source.labelled(source.context, kind, target->namespace_, target->name, &found, error)
                       : 0;
        if (code != 0 && code != KT_EFORBIDDEN && code != KT_ELIMIT)
            return code;
        for (size_t i = 0; i < found.count; i++)
            kt_strbuf_printf(&text, "%s%s %s", text.length ? ", " : "", kt_kinds[kind].resource->kind,
                             kt_object_name(found.items[i]));
    }
    *ret = text.data;
    return 0;
}
