/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a cluster holds: the status can be worked out, the API server would take it, and once it is stored there is
 * nothing more to write. Input: {"workspace", "claims", "nodes", "job", "pods", "events", "own", "trouble"}.
 */
#include <stdlib.h>
#include <string.h>

#include "workload/tuning_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static struct kt_objects objects_of(struct kt_arena *arena, const cJSON *array)
{
    size_t count = kt_json_count(array);
    size_t i = 0;
    const cJSON **items = kt_arena_calloc(arena, count + 1, sizeof(*items));
    const cJSON *item;
    demand(items);
    cJSON_ArrayForEach(item, array) items[i++] = item;
    return (struct kt_objects){items, count};
}

/* metav1.Condition's pattern. */
static bool is_reason(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > 1024 || !kt_ascii_is_alnum(text[0]) || kt_ascii_is_digit(text[0]))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!kt_ascii_is_alnum(text[i]) && !strchr("_,:", text[i]))
            return false;
    }
    return kt_ascii_is_alnum(text[length - 1]) || text[length - 1] == '_';
}

/* What we say: what is kept as it was stored is the API server's own. */
static void check_condition(const cJSON *condition, const cJSON *workspace)
{
    static const char *const types[] = {"NodeClaimReady",     "NodesReady",     "ResourceReady",    "JobStarted",
                                        "WorkspaceSucceeded", "WorkspaceReady", "WorkspaceDeleting"};
    const char *type = kt_json_string_or(kt_json_get(condition, "type"), "");
    const char *message = kt_json_string(kt_json_get(condition, "message"));
    for (size_t i = 0; i < KT_ARRAY_LENGTH(types); i++) {
        if (!kt_streq(type, types[i]) || kt_json_equal(kt_condition_find(workspace, type), condition))
            continue;
        demand(is_reason(kt_json_string_or(kt_json_get(condition, "reason"), "")));
        demand(message && strlen(message) <= 2048 && kt_utf8_valid(kt_str(message)));
        for (const char *byte = message; *byte; byte++)
            demand((unsigned char)*byte >= ' ' && *byte != 0x7F);
    }
}

static void store(struct kt_arena *arena, cJSON *workspace, const cJSON *patch)
{
    const cJSON *member;
    cJSON *status = kt_json_ensure_object(arena, workspace, "status");
    cJSON_ArrayForEach(member, kt_json_get(patch, "status"))
    {
        kt_json_set(arena, status, member->string, kt_json_clone(arena, member));
    }
}

static void check(struct kt_arena *arena, const cJSON *world)
{
    const cJSON *said = kt_json_get(world, "trouble");
    const struct kt_trouble trouble = {
        .condition = kt_json_string(kt_json_get(said, "condition")),
        .reason = kt_json_string(kt_json_get(said, "reason")),
        .message = kt_json_string(kt_json_get(said, "message")),
        .is_final = kt_json_true(kt_json_get(said, "final")),
    };
    cJSON *workspace = kt_json_get(world, "workspace");
    const cJSON *job = kt_json_get(world, "job");
    const struct kt_observation observation = {
        .workspace = workspace,
        .objects = {[KT_KIND_NODE_CLAIM] = objects_of(arena, kt_json_get(world, "claims")),
                    [KT_KIND_NODE] = objects_of(arena, kt_json_get(world, "nodes")),
                    [KT_KIND_JOB] = {&job, job ? 1 : 0},
                    [KT_KIND_POD] = objects_of(arena, kt_json_get(world, "pods")),
                    [KT_KIND_EVENT] = objects_of(arena, kt_json_get(world, "events"))},
        .now_s = 1795456800, /* 2026-11-23T18:00:00Z */
        .bring_your_own = kt_json_true(kt_json_get(world, "own")),
    };
    struct kt_tuning_status status;
    struct kt_diagnosis diagnosis;
    struct kt_error error = {0};
    kt_diagnose(arena, &observation, &diagnosis);
    demand(diagnosis.detail && kt_stage_name(diagnosis.stage)[0]);
    demand(!diagnosis.has_cause || (diagnosis.cause.reason && diagnosis.cause.message && diagnosis.cause.kind));
    demand(kt_tuning_status(arena, &observation, &trouble, &status, &error) == 0);
    demand(status.state && status.diagnosis.detail);
    const cJSON *condition;
    cJSON_ArrayForEach(condition, kt_json_path(status.patch, "status", "conditions", NULL))
        check_condition(condition, workspace);
    if (!status.patch || !kt_json_is_object(workspace))
        return;
    store(arena, workspace, status.patch);
    demand(kt_tuning_status(arena, &observation, &trouble, &status, &error) == 0);
    demand(!status.patch && !status.event_type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_json_parsed world;
    kt_arena_init(&arena, (size_t)(256 * KT_MIB));
    if (kt_json_parse(&arena, (struct kt_str){(const char *)data, size}, KT_JSON_DUPLICATES_LAST_WINS, &world, NULL) ==
        0)
        check(&arena, world.root);
    return 0;
}
