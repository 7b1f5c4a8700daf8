/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/observe.h"

#include <stdlib.h>

#include "admission/inference_facts.h"
#include "text/names.h"
#include "workload/diagnosis_internal.h"

/* Objects of one kind that are looked up one by one. A tuning has one node. */
#define MOST_REFERENCES 16
/* Of each kind found by label, the newest objects whose events are asked for. */
#define MOST_EVENT_SUBJECTS 3
/* Events about objects without a namespace stand in this one. */
#define CLUSTER_EVENT_NAMESPACE "default"

struct observing {
    const struct kt_object_source *source;
    const struct kt_observe_options *options;
    struct kt_arena *arena;
    struct kt_observation *observation;
    const char *namespace_, *name; /* of the Workspace */
    struct kt_error *error;
};

/* What cannot be seen is noted; other failures stay. */
static int note_unseen(struct observing *observing, enum kt_kind_id kind, int code)
{
    if (code != KT_EFORBIDDEN && code != KT_ELIMIT)
        return code;
    observing->observation->unseen |= KT_KIND_BIT(kind);
    return 0;
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

static int compare_names(const void *left, const void *right)
{
    const cJSON *const *a = left, *const *b = right;
    return strcmp(kt_object_name(*a), kt_object_name(*b));
}

/* A copy in an order that every source has. */
static void keep_sorted(struct observing *observing, enum kt_kind_id kind, struct kt_objects found)
{
    const cJSON **items = kt_arena_calloc(observing->arena, found.count + 1, sizeof(*items));
    if (!items)
        return;
    for (size_t i = 0; i < found.count; i++)
        items[i] = found.items[i];
    qsort(items, found.count, sizeof(*items), compare_names);
    observing->observation->objects[kind] = (struct kt_objects){items, found.count};
}

/* What cannot be the value of a label is on no object. */
static bool is_label_value(const char *text)
{
    return !kt_names_label_value(kt_str(text));
}

static int find_labelled(struct observing *observing, enum kt_kind_id kind)
{
    struct kt_objects found = {0};
    if (!is_label_value(observing->name))
        return 0;
    int code = observing->source->labelled(observing->source->context, kind, observing->namespace_, observing->name,
                                           &found, observing->error);
    code = note_unseen(observing, kind, code);
    if (code == 0)
        keep_sorted(observing, kind, found);
    return code;
}

/* --- by name ----------------------------------------------------------------------------------------------------- */

static int find_named(struct observing *observing, enum kt_kind_id kind, const char *name)
{
    const cJSON *found = NULL;
    int code =
        observing->source->get(observing->source->context, kind, observing->namespace_, name, &found, observing->error);
    code = note_unseen(observing, kind, code);
    if (code == 0 && found)
        kt_observation_add(observing->observation, kind, found, observing->arena);
    return code;
}

struct names {
    const char *items[MOST_REFERENCES];
    size_t count;
    bool is_cut; /* there were more */
};

static void add_name(struct names *names, const cJSON *node)
{
    const char *name = kt_json_string_or(node, "");
    for (size_t i = 0; i < names->count; i++)
        if (kt_streq(names->items[i], name))
            return;
    names->is_cut |= *name && names->count == MOST_REFERENCES;
    if (*name && !names->is_cut)
        names->items[names->count++] = name;
}

/* The names that an object has at the path of the reference. */
static void add_names(struct names *names, const struct kt_kind_reference *reference, const cJSON *object)
{
    const cJSON *item, *place = kt_json_path(object, reference->path[0], reference->path[1], NULL);
    add_name(names, place);
    if (kt_json_is_array(place))
        cJSON_ArrayForEach(item, place) add_name(names, item);
}

static int find_referenced(struct observing *observing, enum kt_kind_id kind)
{
    struct names names = {.count = 0};
    const struct kt_kind_reference *reference = kt_kinds[kind].references;
    int code = 0;
    for (; reference && reference->path[0]; reference++) {
        const struct kt_objects *from = &observing->observation->objects[reference->from];
        if (reference->from == KT_KIND_WORKSPACE)
            add_names(&names, reference, observing->observation->workspace);
        for (size_t i = 0; i < from->count; i++)
            add_names(&names, reference, from->items[i]);
    }
    if (names.is_cut)
        code = note_unseen(observing, kind, KT_ELIMIT);
    for (size_t i = 0; code == 0 && i < names.count; i++)
        code = find_named(observing, kind, names.items[i]);
    if (code == 0)
        keep_sorted(observing, kind, observing->observation->objects[kind]);
    return code;
}

/* --- nodes of the user's own ---------------------------------------------------------------------------------- */

/* The setting decides. Who does not know it has what is there: no machine type, and no claim. */
static bool are_nodes_own(const struct observing *observing)
{
    const cJSON *workspace = observing->observation->workspace;
    if (observing->options->nodes != KT_NODES_UNKNOWN)
        return observing->options->nodes == KT_NODES_OWN;
    return observing->observation->objects[KT_KIND_NODE_CLAIM].count == 0 &&
           !*kt_json_string_or(kt_json_path(workspace, "resource", "instanceType", NULL), "");
}

/* Is there a label to select by, and can a node have all of them? */
static bool can_match(const cJSON *match_labels)
{
    const cJSON *label;
    cJSON_ArrayForEach(label, match_labels)
    {
        if (!kt_label_is_reserved(label->string) &&
            (kt_names_label_key(kt_str(label->string)) || !is_label_value(kt_json_string_or(label, ""))))
            return false;
    }
    return kt_match_labels_usable(match_labels) > 0;
}

static int find_own_nodes(struct observing *observing)
{
    const cJSON *match_labels =
        kt_json_path(observing->observation->workspace, "resource", "labelSelector", "matchLabels", NULL);
    struct kt_objects found = {0};
    if (!can_match(match_labels))
        return 0;
    int code = observing->source->nodes(observing->source->context, match_labels, &found, observing->error);
    code = note_unseen(observing, KT_KIND_NODE, code);
    if (code == 0)
        keep_sorted(observing, KT_KIND_NODE, found);
    return code;
}

/* --- events --------------------------------------------------------------------------------------------------- */

static int add_events(struct observing *observing, enum kt_kind_id kind, const char *name)
{
    bool has_namespace = !kt_kinds[kind].resource->cluster_scoped;
    struct kt_objects found = {0};
    int code = observing->source->events(observing->source->context,
                                         has_namespace ? observing->namespace_ : CLUSTER_EVENT_NAMESPACE, name, &found,
                                         observing->error);
    code = note_unseen(observing, KT_KIND_EVENT, code);
    struct kt_objects *events = &observing->observation->objects[KT_KIND_EVENT];
    const cJSON **items =
        code == 0 ? kt_arena_calloc(observing->arena, events->count + found.count + 1, sizeof(*items)) : NULL;
    if (!items)
        return code;
    for (size_t i = 0; i < events->count + found.count; i++)
        items[i] = i < events->count ? events->items[i] : found.items[i - events->count];
    *events = (struct kt_objects){items, events->count + found.count};
    return 0;
}

static bool is_among(const cJSON *object, const cJSON *const *others, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (others[i] == object)
            return true;
    return false;
}

/* Of the newest objects of a kind; the Job's newest pod is one of them, whatever others there are. */
static int find_events_of(struct observing *observing, enum kt_kind_id kind)
{
    const struct kt_objects *objects = &observing->observation->objects[kind];
    const cJSON *chosen[MOST_EVENT_SUBJECTS];
    size_t count = 0;
    int code = 0;
    if (kind == KT_KIND_POD && kt_observation_pod(observing->observation))
        chosen[count++] = kt_observation_pod(observing->observation);
    while (count < KT_MIN(objects->count, (size_t)MOST_EVENT_SUBJECTS)) {
        const cJSON *newest = NULL;
        for (size_t i = 0; i < objects->count; i++)
            if (!is_among(objects->items[i], chosen, count) && (!newest || kt_is_newer(objects->items[i], newest)))
                newest = objects->items[i];
        chosen[count++] = newest;
    }
    for (size_t i = 0; code == 0 && i < count; i++)
        code = add_events(observing, kind, kt_object_name(chosen[i]));
    return code;
}

static int find_events(struct observing *observing)
{
    /* What is found by name bears the Workspace's. */
    int code = add_events(observing, KT_KIND_WORKSPACE, observing->name);
    for (enum kt_kind_id kind = 0; code == 0 && kind < KT_KIND_COUNT; kind++)
        if (kt_kinds[kind].is_observed && kt_kinds[kind].found_by == KT_FOUND_BY_LABEL)
            code = find_events_of(observing, kind);
    return code;
}

/* --- all ------------------------------------------------------------------------------------------------------ */

static bool is_asked_for(const struct observing *observing, enum kt_kind_id kind)
{
    return kt_kinds[kind].is_observed && !(kind == KT_KIND_NODE_CLAIM && observing->options->nodes == KT_NODES_OWN);
}

/* What others name is found last. */
static int find_all(struct observing *observing)
{
    int code = 0;
    for (enum kt_kind_id kind = 0; code == 0 && kind < KT_KIND_COUNT; kind++) {
        if (is_asked_for(observing, kind) && kt_kinds[kind].found_by == KT_FOUND_BY_NAME)
            code = find_named(observing, kind, observing->name);
        else if (is_asked_for(observing, kind) && kt_kinds[kind].found_by == KT_FOUND_BY_LABEL)
            code = find_labelled(observing, kind);
    }
    observing->observation->bring_your_own = are_nodes_own(observing);
    for (enum kt_kind_id kind = 0; code == 0 && kind < KT_KIND_COUNT; kind++) {
        if (kind == KT_KIND_NODE && observing->observation->bring_your_own)
            code = find_own_nodes(observing);
        else if (is_asked_for(observing, kind) && kt_kinds[kind].found_by == KT_FOUND_BY_REFERENCE)
            code = find_referenced(observing, kind);
    }
    return code == 0 && observing->source->events ? find_events(observing) : code;
}

int kt_observe(const struct kt_object_source *source, const cJSON *workspace, const struct kt_observe_options *options,
               struct kt_arena *arena, struct kt_observation *ret, struct kt_error *error)
{
    struct kt_observation observation = {.workspace = workspace, .now_s = options->now_s};
    struct kt_error inner = {0};
    struct observing observing = {.source = source,
                                  .options = options,
                                  .arena = arena,
                                  .observation = &observation,
                                  .namespace_ = kt_object_namespace(workspace),
                                  .name = kt_object_name(workspace),
                                  .error = &inner};
    int code = find_all(&observing);
    if (code == 0 && arena->failed)
        code = kt_error_set(&inner, KT_ENOMEM, "no memory for the objects of a Workspace");
    if (code == 0)
        *ret = observation;
    else if (error)
        *error = inner;
    return code;
}
