/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/api_source.h"

#include "admission/inference_facts.h"
#include "kube/api.h"
#include "workload/names.h"

#define SELECTOR_BYTES ((size_t)(8 * KT_KIB))
#define MOST_NODES 500
#define MOST_EVENTS 1000

/* What is absent is no failure; what cannot be read is said. */
static int settle(const struct kt_api_source *source, int code, const struct kt_error *inner, struct kt_error *error)
{
    if (code == 0 || code == KT_ENOTFOUND)
        return 0;
    if (code == KT_EFORBIDDEN || code == KT_ELIMIT)
        kt_app_warn(source->connection->app, kt_str(inner->message));
    if (error)
        *error = *inner;
    return code;
}

int kt_api_source_list(const struct kt_api_source *source, const struct kt_api_query *query, struct kt_objects *ret,
                       struct kt_error *error)
{
    const struct kt_list_options options = {.label_selector = query->label_selector,
                                            .field_selector = query->field_selector,
                                            .max_items = query->most_items,
                                            .max_bytes = query->most_bytes};
    struct kt_list list = {0};
    struct kt_reply reply;
    struct kt_error inner = {0};
    const cJSON *item;
    int code = kt_api_list(source->connection->client, source->arena, query->resource, query->namespace_, &options,
                           &list, &reply, &inner);
    const cJSON **items =
        code == 0 ? kt_arena_calloc(source->arena, kt_json_count(list.items) + 1, sizeof(*items)) : NULL;
    *ret = (struct kt_objects){items, 0};
    if (code == 0 && !items)
        code = kt_error_set(&inner, KT_ENOMEM, "no memory for a list of %s", query->resource->plural);
    if (code == 0)
        cJSON_ArrayForEach(item, list.items) items[ret->count++] = item;
    return query->has_other_way && code == KT_ELIMIT ? code : settle(source, code, &inner, error);
}

static int get(void *context, enum kt_kind_id kind, const char *namespace_, const char *name, const cJSON **ret,
               struct kt_error *error)
{
    const struct kt_api_source *source = context;
    struct kt_reply reply;
    struct kt_error inner = {0};
    int code = kt_api_get(source->connection->client, source->arena, kt_kinds[kind].resource, namespace_, name, &reply,
                          &inner);
    *ret = code == 0 ? reply.object : NULL;
    return settle(source, code, &inner, error);
}

static int labelled(void *context, enum kt_kind_id kind, const char *namespace_, const char *name,
                    struct kt_objects *ret, struct kt_error *error)
{
    const struct kt_api_source *source = context;
    bool has_namespace = !kt_kinds[kind].resource->cluster_scoped;
    const struct kt_api_query query = {.resource = kt_kinds[kind].resource,
                                       .namespace_ = has_namespace ? namespace_ : NULL,
                                       .label_selector =
                                           kt_arena_printf(source->arena, KT_LABEL_WORKSPACE "=%s%s%s", name,
                                                           has_namespace ? "" : "," KT_LABEL_WORKSPACE_NAMESPACE "=",
                                                           has_namespace ? "" : namespace_)};
    return kt_api_source_list(source, &query, ret, error);
}

static int nodes(void *context, const cJSON *match_labels, struct kt_objects *ret, struct kt_error *error)
{
    const struct kt_api_source *source = context;
    struct kt_strbuf selector;
    const cJSON *label;
    kt_strbuf_init(&selector, source->arena, SELECTOR_BYTES);
    cJSON_ArrayForEach(label, match_labels)
    {
        const char *value = kt_json_string_or(label, "");
        if (kt_label_is_reserved(label->string))
            continue;
        kt_strbuf_printf(&selector, "%s%s=%s", selector.length ? "," : "", label->string, value);
    }
    if (selector.failed && !source->arena->failed)
        return kt_error_set(error, KT_ELIMIT, "resource.labelSelector is longer than %zu bytes", SELECTOR_BYTES);
    const struct kt_api_query query = {
        .resource = &kt_resource_nodes, .label_selector = selector.data, .most_items = MOST_NODES};
    return kt_api_source_list(source, &query, ret, error);
}

static int events(void *context, const char *namespace_, const char *name, struct kt_objects *ret,
                  struct kt_error *error)
{
    const struct kt_api_source *source = context;
    const struct kt_api_query query = {.resource = &kt_resource_events,
                                       .namespace_ = namespace_,
                                       .field_selector = kt_arena_printf(source->arena, "involvedObject.name=%s", name),
                                       .most_items = MOST_EVENTS};
    return kt_api_source_list(source, &query, ret, error);
}

struct kt_object_source kt_api_source_view(struct kt_api_source *source)
{
    return (struct kt_object_source){
        .get = get, .labelled = labelled, .nodes = nodes, .events = events, .context = source};
}
