/* SPDX-License-Identifier: Apache-2.0 */
/* A few words on each object of a Workspace, from the machine to the pod. */
#include "plugin/gather.h"
#include "plugin/status_view.h"
#include "text/time.h"
#include "workload/names.h"
#include "workload/readiness.h"

#define STATE_BYTES ((size_t)1024)

const char *kt_status_age(struct kt_arena *arena, const char *time, int64_t now_s)
{
    int64_t time_ms;
    struct kt_strbuf age;
    if (!time || kt_time_parse_rfc3339(kt_str(time), &time_ms, NULL) != 0)
        return "<unknown>";
    kt_strbuf_init(&age, arena, 64);
    kt_time_write_age(&age, now_s * 1000 - time_ms);
    return age.data;
}

const char *kt_status_cut(struct kt_arena *arena, const char *text, size_t characters)
{
    size_t length = strlen(text), fits = kt_utf8_prefix(kt_str(text), characters);
    if (fits >= length)
        return text;
    fits = kt_utf8_prefix(kt_str(text), characters > 3 ? characters - 3 : 0);
    const char *cut = kt_arena_printf(arena, "%.*s...", (int)fits, text);
    return cut ? cut : "";
}

static void add_part(struct kt_strbuf *text, const char *part)
{
    kt_strbuf_printf(text, "%s%s", text->length ? ", " : "", part);
}

static void add_deleting(struct kt_strbuf *text, const cJSON *object)
{
    if (kt_is_being_deleted(object))
        add_part(text, "being deleted");
}

/* The steps of Karpenter, as far as they are done; then the one that it waits for, with the reason. */
static void describe_claim(struct kt_strbuf *text, const cJSON *claim)
{
    static const char *const steps[] = {"Launched", "Registered", "Initialized", "Ready"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(steps); i++) {
        if (kt_condition_is_true(claim, steps[i])) {
            add_part(text, steps[i]);
            continue;
        }
        const char *reason = kt_json_string_or(kt_json_get(kt_condition_find(claim, steps[i]), "reason"), "");
        bool says_more = reason[0] && !kt_streq(reason, "AwaitingReconciliation") && !kt_streq(reason, steps[i]);
        kt_strbuf_printf(text, "%snot %s%s%s%s", text->length ? ", " : "", steps[i], says_more ? " (" : "",
                         says_more ? reason : "", says_more ? ")" : "");
        break;
    }
    add_deleting(text, claim);
}

static void describe_node(struct kt_strbuf *text, const cJSON *node)
{
    const char *gpus =
        kt_json_string_or(kt_json_get(kt_json_path(node, "status", "capacity", NULL), KT_GPU_RESOURCE), "0");
    add_part(text, kt_condition_is_true(node, "Ready") ? "Ready" : "NotReady");
    kt_strbuf_printf(text, ", %s " KT_GPU_RESOURCE, gpus);
    if (kt_json_true(kt_json_path(node, "spec", "unschedulable", NULL)))
        add_part(text, "unschedulable");
    add_deleting(text, node);
}

static void add_count(struct kt_strbuf *text, const cJSON *status, const char *key)
{
    int64_t count;
    if (kt_json_int64(kt_json_get(status, key), &count) && count > 0)
        kt_strbuf_printf(text, "%s%lld %s", text->length ? ", " : "", (long long)count, key);
}

static void describe_job(struct kt_strbuf *text, const cJSON *job)
{
    const cJSON *status = kt_json_get(job, "status");
    if (kt_condition_is_true(job, "Complete"))
        add_part(text, "Complete");
    if (kt_condition_is_true(job, "Failed"))
        add_part(text, "Failed");
    if (kt_condition_is_true(job, "Suspended"))
        add_part(text, "Suspended");
    add_count(text, status, "active");
    add_count(text, status, "failed");
    if (text->length == 0)
        add_part(text, "no pod yet");
    add_deleting(text, job);
}

/* "trainer running", "data-downloader exit 22", "pusher ImagePullBackOff": what is not merely done or to come. */
static void describe_containers(struct kt_strbuf *text, const cJSON *statuses)
{
    const cJSON *status;
    cJSON_ArrayForEach(status, statuses)
    {
        const char *name = kt_json_string_or(kt_json_get(status, "name"), "?");
        const cJSON *state = kt_json_get(status, "state");
        const cJSON *ended = kt_json_get(state, "terminated");
        const char *waits_for = kt_json_string_or(kt_json_path(state, "waiting", "reason", NULL), "");
        int64_t exit_code = 0, restarts = 0;
        kt_json_int64(kt_json_get(ended, "exitCode"), &exit_code);
        kt_json_int64(kt_json_get(status, "restartCount"), &restarts);
        if (kt_json_get(state, "running"))
            kt_strbuf_printf(text, ", %s running", name);
        else if (ended && exit_code != 0)
            kt_strbuf_printf(text, ", %s exit %lld", name, (long long)exit_code);
        else if (waits_for[0] && !kt_streq(waits_for, "PodInitializing"))
            kt_strbuf_printf(text, ", %s %s", name, waits_for);
        else
            continue;
        if (restarts > 0)
            kt_strbuf_printf(text, " (%lld restarts)", (long long)restarts);
    }
}

static void describe_pod(struct kt_strbuf *text, const cJSON *pod)
{
    const cJSON *status = kt_json_get(pod, "status");
    const cJSON *scheduled = kt_condition_find(pod, "PodScheduled");
    const char *reason = kt_json_string_or(kt_json_get(status, "reason"), "");
    add_part(text, kt_json_string_or(kt_json_get(status, "phase"), "Unknown"));
    if (reason[0])
        add_part(text, reason);
    if (kt_streq(kt_json_string_or(kt_json_get(scheduled, "status"), ""), "False"))
        add_part(text, kt_json_string_or(kt_json_get(scheduled, "reason"), "not scheduled"));
    describe_containers(text, kt_json_get(status, "initContainerStatuses"));
    describe_containers(text, kt_json_get(status, "containerStatuses"));
    add_deleting(text, pod);
}

struct objects {
    struct kt_arena *arena;
    struct kt_status_object *items;
    size_t count;
    int64_t now_s;
};

static const char *node_in_use(const struct kt_observation *seen)
{
    return kt_json_string_or(kt_json_path(kt_observation_pod(seen), "spec", "nodeName", NULL), "");
}

const char *kt_status_node(const struct kt_observation *seen)
{
    const struct kt_objects *nodes = &seen->objects[KT_KIND_NODE];
    if (node_in_use(seen)[0])
        return node_in_use(seen);
    const cJSON *ready = kt_observation_ready_node(seen);
    return ready ? kt_object_name(ready) : nodes->count > 0 ? kt_object_name(nodes->items[0]) : "";
}

/* In the order in which they come to be. */
static void (*const describers[KT_KIND_COUNT])(struct kt_strbuf *text, const cJSON *object) = {
    [KT_KIND_NODE_CLAIM] = describe_claim,
    [KT_KIND_NODE] = describe_node,
    [KT_KIND_JOB] = describe_job,
    [KT_KIND_POD] = describe_pod,
};

static void add_object(struct objects *objects, enum kt_kind_id kind, const cJSON *object)
{
    struct kt_strbuf state;
    kt_strbuf_init(&state, objects->arena, STATE_BYTES);
    describers[kind](&state, object);
    const cJSON *created = kt_json_path(object, "metadata", "creationTimestamp", NULL);
    objects->items[objects->count++] = (struct kt_status_object){
        .kind = kt_kinds[kind].resource->kind,
        .name = kt_object_name(object),
        .state = state.data,
        .age = kt_status_age(objects->arena, kt_json_string(created), objects->now_s),
    };
}

/* Of nodes that are the user's own the one in use, once there is one; the others are only like it. */
static void add_objects(struct objects *objects, const struct kt_observation *seen, enum kt_kind_id kind)
{
    const struct kt_objects *list = &seen->objects[kind];
    const char *used = kind == KT_KIND_NODE && seen->bring_your_own ? node_in_use(seen) : "";
    bool is_there = used[0] && kt_objects_find(*list, used) != NULL;
    for (size_t i = 0; i < list->count; i++)
        if (!is_there || kt_streq(kt_object_name(list->items[i]), used))
            add_object(objects, kind, list->items[i]);
}

struct kt_status_object *kt_status_objects(struct kt_arena *arena, const struct kt_observation *seen, size_t *ret_count)
{
    size_t most = 1;
    struct objects objects = {.arena = arena, .now_s = seen->now_s};
    for (enum kt_kind_id kind = 0; kind < KT_KIND_COUNT; kind++)
        most += seen->objects[kind].count;
    objects.items = kt_arena_calloc(arena, most, sizeof(*objects.items));
    *ret_count = 0;
    if (!objects.items)
        return NULL;
    for (enum kt_kind_id kind = 0; kind < KT_KIND_COUNT; kind++)
        if (describers[kind])
            add_objects(&objects, seen, kind);
    *ret_count = objects.count;
    return objects.items;
}
