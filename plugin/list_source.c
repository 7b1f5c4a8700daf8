/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/list_source.h"

#include <stdlib.h>

#include "admission/inference_facts.h"
#include "base/limits.h"
#include "workload/names.h"

/* --- sorted tables -------------------------------------------------------------------------------------------- */

struct key {
    const char *first, *second;
};

struct row {
    struct key key;
    const cJSON *object;
};

struct table {
    struct row *rows;
    const cJSON **objects; /* of the rows, in their order: a range of them is a list */
    size_t count;
};

static int compare_keys(const struct key *a, const struct key *b)
{
    int order = strcmp(a->first, b->first);
    return order != 0 ? order : strcmp(a->second, b->second);
}

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    return compare_keys(&a->key, &b->key);
}

static bool table_new(struct kt_arena *arena, size_t most, struct table *ret)
{
    *ret = (struct table){.rows = kt_arena_calloc(arena, most + 1, sizeof(*ret->rows)),
                          .objects = kt_arena_calloc(arena, most + 1, sizeof(const cJSON *))};
    return ret->rows && ret->objects;
}

static void table_add(struct table *table, const char *first, const char *second, const cJSON *object)
{
    table->rows[table->count++] = (struct row){{first, second}, object};
}

static void table_sort(struct table *table)
{
    qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
    for (size_t i = 0; i < table->count; i++)
        table->objects[i] = table->rows[i].object;
}

/* The first row that is not before the key (with is_after: that is after it). */
static size_t bound(const struct table *table, const struct key *key, bool is_after)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(&table->rows[middle].key, key);
        if (order < 0 || (is_after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct kt_objects table_find(const struct table *table, const char *first, const char *second)
{
    const struct key key = {first, second};
    size_t from = bound(table, &key, false);
    return (struct kt_objects){table->objects + from, bound(table, &key, true) - from};
}

/* --- the source ----------------------------------------------------------------------------------------------- */

struct listed {
    struct table table;
    int code; /* 0, or why it is not (all) there */
};

/* A list of nodes by their names, and by each of their labels. */
struct listed_nodes {
    bool is_listed;
    int code;
    struct table by_name, by_label;
};

struct kt_list_source {
    struct kt_api_source *api;
    struct listed kinds[KT_KIND_COUNT];
    struct listed_nodes labelled, all;
};

static int no_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory for all Workspaces");
}

/* Failures that leave a kind unseen. */
static bool is_unseen(int code)
{
    return code == KT_EFORBIDDEN || code == KT_ELIMIT;
}

static int list_kind(struct kt_list_source *source, enum kt_kind_id kind, const char *namespace_,
                     struct kt_error *error)
{
    const struct kt_kind *row = &kt_kinds[kind];
    const struct kt_api_query query = {
        .resource = row->resource, .namespace_ = namespace_, .label_selector = row->watch_selector};
    struct listed *listed = &source->kinds[kind];
    struct kt_objects found = {0};
    listed->code = kt_api_source_list(source->api, &query, &found, error);
    if (listed->code != 0 && !is_unseen(listed->code))
        return listed->code;
    if (!table_new(source->api->arena, found.count, &listed->table))
        return no_memory(error);
    for (size_t i = 0; i < found.count; i++) {
        const cJSON *object = found.items[i];
        const char *space = row->resource->cluster_scoped ? kt_object_label(object, KT_LABEL_WORKSPACE_NAMESPACE)
                                                          : kt_object_namespace(object);
        table_add(&listed->table, space,
                  row->found_by == KT_FOUND_BY_NAME ? kt_object_name(object)
                                                    : kt_object_label(object, KT_LABEL_WORKSPACE),
                  object);
    }
    table_sort(&listed->table);
    return 0;
}

/* --- nodes ---------------------------------------------------------------------------------------------------- */

static bool sort_nodes(struct kt_arena *arena, struct kt_objects found, struct listed_nodes *listed)
{
    size_t label_count = 0;
    const cJSON *label;
    for (size_t i = 0; i < found.count; i++)
        label_count += kt_json_count(kt_json_path(found.items[i], "metadata", "labels", NULL));
    if (!table_new(arena, found.count, &listed->by_name) || !table_new(arena, label_count, &listed->by_label))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        table_add(&listed->by_name, kt_object_name(found.items[i]), "", found.items[i]);
        cJSON_ArrayForEach(label, kt_json_path(found.items[i], "metadata", "labels", NULL))
            table_add(&listed->by_label, label->string, kt_json_string_or(label, ""), found.items[i]);
    }
    table_sort(&listed->by_name);
    table_sort(&listed->by_label);
    return true;
}

static int list_nodes(struct kt_list_source *source, struct listed_nodes *listed, const char *selector,
                      struct kt_error *error)
{
    const struct kt_api_query query = {.resource = &kt_resource_nodes,
                                       .label_selector = selector,
                                       .most_bytes = KT_LIMIT_ALL_NODES_BYTES,
                                       .has_other_way = true};
    struct kt_objects found = {0};
    if (listed->is_listed)
        return listed->code;
    listed->code = kt_api_source_list(source->api, &query, &found, error);
    if (listed->code != 0 && !is_unseen(listed->code))
        return listed->code;
    listed->is_listed = true;
    return sort_nodes(source->api->arena, found, listed) ? listed->code : no_memory(error);
}

static int get_node(struct kt_list_source *source, const char *name, const cJSON **ret, struct kt_error *error)
{
    struct kt_objects found = {0};
    int code = source->all.is_listed ? 0 : list_nodes(source, &source->labelled, KT_LABEL_WORKSPACE, error);
    if (code == 0)
        found = table_find(&source->labelled.by_name, name, "");
    if (code == 0 && found.count == 0) {
        code = list_nodes(source, &source->all, NULL, error);
        found = table_find(&source->all.by_name, name, "");
    }
    if (code == KT_ELIMIT) {
        const struct kt_object_source api = kt_api_source_view(source->api);
        return api.get(api.context, KT_KIND_NODE, NULL, name, ret, error);
    }
    *ret = found.count > 0 ? found.items[0] : NULL;
    return code;
}

/* Of the labels the one that the fewest nodes have; those are looked at. */
static int nodes(void *context, const cJSON *match_labels, struct kt_objects *ret, struct kt_error *error)
{
    struct kt_list_source *source = context;
    struct kt_objects fewest = {0};
    const cJSON *label;
    bool is_first = true;
    int code = list_nodes(source, &source->all, NULL, error);
    if (code == KT_ELIMIT) {
        const struct kt_object_source api = kt_api_source_view(source->api);
        return api.nodes(api.context, match_labels, ret, error);
    }
    if (code != 0)
        return code;
    cJSON_ArrayForEach(label, match_labels)
    {
        struct kt_objects found = table_find(&source->all.by_label, label->string, kt_json_string_or(label, ""));
        if (kt_label_is_reserved(label->string) || (!is_first && found.count >= fewest.count))
            continue;
        fewest = found;
        is_first = false;
    }
    const cJSON **items = kt_arena_calloc(source->api->arena, fewest.count + 1, sizeof(*items));
    size_t count = 0;
    if (!items)
        return no_memory(error);
    for (size_t i = 0; i < fewest.count; i++)
        if (kt_node_matches(fewest.items[i], match_labels))
            items[count++] = fewest.items[i];
    *ret = (struct kt_objects){items, count};
    return 0;
}

/* --- one Workspace's share ------------------------------------------------------------------------------------ */

static int get(void *context, enum kt_kind_id kind, const char *namespace_, const char *name, const cJSON **ret,
               struct kt_error *error)
{
    struct kt_list_source *source = context;
    if (kind == KT_KIND_NODE)
        return get_node(source, name, ret, error);
    struct kt_objects found = table_find(&source->kinds[kind].table, namespace_, name);
    *ret = found.count > 0 ? found.items[0] : NULL;
    return source->kinds[kind].code;
}

static int labelled(void *context, enum kt_kind_id kind, const char *namespace_, const char *name,
                    struct kt_objects *ret, struct kt_error *error KT_UNUSED)
{
    const struct kt_list_source *source = context;
    *ret = table_find(&source->kinds[kind].table, namespace_, name);
    return source->kinds[kind].code;
}

int kt_list_source_new(struct kt_api_source *api, const char *namespace_, struct kt_list_source **ret,
                       struct kt_error *error)
{
    struct kt_list_source *source = kt_arena_calloc(api->arena, 1, sizeof(*source));
    if (!source)
        return no_memory(error);
    source->api = api;
    for (enum kt_kind_id kind = 0; kind < KT_KIND_COUNT; kind++) {
        bool is_listed = kt_kinds[kind].is_observed && kt_kinds[kind].found_by != KT_FOUND_BY_REFERENCE;
        int code = is_listed ? list_kind(source, kind, namespace_, error) : 0;
        if (code != 0)
            return code;
    }
    *ret = source;
    return 0;
}

struct kt_object_source kt_list_source_view(struct kt_list_source *source)
{
    return (struct kt_object_source){.get = get, .labelled = labelled, .nodes = nodes, .context = source};
}
