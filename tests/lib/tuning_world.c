/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tuning_world.h"

#include "tests/lib/cmocka_all.h"
#include "tests/lib/objects.h"

#define NOW_S 1795456800 /* 2026-11-23T18:00:00Z */
#define SINCE "\"lastTransitionTime\":\"2026-11-23T17:59:00Z\""

static const char workspace_text[] =
    "{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"tune\",\"namespace\":"
    "\"default\",\"uid\":\"11111111-2222-3333-4444-555555555555\",\"resourceVersion\":\"100\",\"generation\":1,"
    "\"finalizers\":[\"workspace.finalizer.kaito.sh\"],\"annotations\":{\"workspace.kaito.io/revision\":\"1\","
    "\"workspace.kaito.io/node-claims\":\"1\"}},\"resource\":{\"instanceType\":\"Standard_NC24ads_A100_v4\"},"
    "\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"},\"method\":\"qlora\",\"input\":{\"urls\":["
    "\"https://example.com/data.parquet\"]},\"output\":{\"image\":\"registry.example.com/out:1\",\"imagePushSecret\":"
    "\"push\"}}}";

void kt_test_world_init(struct kt_test_world *world)
{
    *world = (struct kt_test_world){.now_s = NOW_S};
    kt_arena_init(&world->arena, 64 * KT_MIB);
    world->workspace = kt_test_json(&world->arena, workspace_text);
    kt_node_claim_name(world->workspace, 1, world->claim_name);
}

void kt_test_world_release(struct kt_test_world *world)
{
    kt_arena_release(&world->arena);
}

struct state {
    const char *name;
    const char *text; /* %s: the name of the claim; NULL: the object is not there */
};

#define CONDITION(type, status, reason) \
    "{\"type\":\"" type "\",\"status\":\"" status "\",\"reason\":\"" reason "\",\"message\":\"\"," SINCE "}"
#define CLAIM(conditions)                                                                                       \
    "{\"apiVersion\":\"karpenter.sh/v1\",\"kind\":\"NodeClaim\",\"metadata\":{\"name\":\"%s\","                 \
    "\"creationTimestamp\":\"2026-11-23T17:59:50Z\",\"labels\":{\"kaito.sh/workspace\":\"tune\"}},\"status\":{" \
    "\"nodeName\":\"gpu-1\",\"conditions\":[" conditions "]}}"

static const struct state claims[] = {
    {"none", NULL},
    {"made", CLAIM("")},
    {"launched",
     CLAIM(CONDITION("Launched", "True", "Launched") "," CONDITION(
         "Registered", "Unknown", "NodeNotFound") "," CONDITION("Ready", "Unknown", "ReconcilingDependents"))},
    {"registered",
     CLAIM(CONDITION("Launched", "True", "Launched") "," CONDITION("Registered", "True", "Registered") "," CONDITION(
         "Initialized", "Unknown", "NodeNotReady") "," CONDITION("Ready", "Unknown", "ReconcilingDependents"))},
    {"ready",
     CLAIM(CONDITION("Launched", "True", "Launched") "," CONDITION("Registered", "True", "Registered") "," CONDITION(
         "Initialized", "True", "Initialized") "," CONDITION("Ready", "True", "Ready"))},
};

#define NODE(ready, reason, capacity)                                                                                \
    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"gpu-1\"},\"status\":{\"capacity\":{" capacity \
    "},\"conditions\":[" CONDITION("Ready", ready, reason) "]}}"

static const struct state nodes[] = {
    {"none", NULL},
    {"unready", NODE("False", "KubeletNotReady", "\"nvidia.com/gpu\":\"1\"")},
    {"nogpu", NODE("True", "KubeletReady", "\"cpu\":\"8\"")},
    {"ready", NODE("True", "KubeletReady", "\"nvidia.com/gpu\":\"1\"")},
};

#define JOB(owner, extra, status)                                                                                      \
    "{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"name\":\"tune\",\"namespace\":\"default\",\"uid\":" \
    "\"job-uid\",\"creationTimestamp\":\"2026-11-23T17:59:55Z\"" extra ",\"annotations\":{"                            \
    "\"workspace.kaito.io/"                                                                                            \
    "revision\":\"1\"},\"ownerReferences\":[{\"kind\":\"Workspace\",\"controller\":true,\"uid\":\"" owner              \
    "\"}]},\"status\":{" status "}}"
#define OURS "11111111-2222-3333-4444-555555555555"

static const struct state jobs[] = {
    {"none", NULL},
    {"active", JOB(OURS, "", "\"active\":1")},
    {"complete", JOB(OURS, "", "\"succeeded\":1,\"conditions\":[" CONDITION("Complete", "True", "") "]")},
    {"failed", JOB(OURS, "", "\"failed\":1,\"conditions\":[" CONDITION("Failed", "True", "BackoffLimitExceeded") "]")},
    {"deleting", JOB(OURS, ",\"deletionTimestamp\":\"2026-11-23T17:59:50Z\"", "\"active\":1")},
    {"foreign", JOB("somebody", "", "\"active\":1")},
};

#define POD(phase, node, conditions, init, containers)                                                                 \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"tune-abcde\",\"namespace\":\"default\",\"uid\":" \
    "\"pod-uid\",\"creationTimestamp\":\"2026-11-23T17:59:31Z\",\"ownerReferences\":[{\"kind\":\"Job\","               \
    "\"controller\":"                                                                                                  \
    "true,\"uid\":\"job-uid\"}]},\"spec\":{" node "\"initContainers\":[{\"name\":\"model-weights-downloader\"},{"      \
    "\"name\":\"data-downloader\"}],\"containers\":[{\"name\":\"tune\"},{\"name\":\"pusher\"}]},\"status\":{"          \
    "\"phase\":\"" phase "\",\"conditions\":[" conditions "],\"initContainerStatuses\":" init                          \
    ",\"containerStatuses\":" containers "}}"
#define ON_NODE "\"nodeName\":\"gpu-1\","
#define SCHEDULED "{\"type\":\"PodScheduled\",\"status\":\"True\"," SINCE "}"
#define STATUS(name, state) "{\"name\":\"" name "\",\"restartCount\":0,\"state\":{" state "}}"
#define WAITING(reason) "\"waiting\":{\"reason\":\"" reason "\"}"
#define RUNNING "\"running\":{\"startedAt\":\"2026-11-23T17:59:40Z\"}"
#define ENDED(code) \
    "\"terminated\":{\"exitCode\":" code ",\"reason\":\"Error\",\"finishedAt\":\"2026-11-23T17:59:45Z\"}"
#define WEIGHTS(state) STATUS("model-weights-downloader", state)
#define DATA(state) STATUS("data-downloader", state)
#define MAIN(state) STATUS("tune", state)
#define PUSHER(state) STATUS("pusher", state)
#define IDLE "[" MAIN(WAITING("PodInitializing")) "," PUSHER(WAITING("PodInitializing")) "]"
#define FETCHED "[" WEIGHTS(ENDED("0")) "," DATA(ENDED("0")) "]"

static const struct state pods[] = {
    {"none", NULL},
    {"pending", POD("Pending", "", "", "[]", "[]")},
    {"node", POD("Pending", ON_NODE, SCHEDULED,
                 "[" WEIGHTS(WAITING("PodInitializing")) "," DATA(WAITING("PodInitializing")) "]", IDLE)},
    {"weights",
     POD("Pending", ON_NODE, SCHEDULED, "[" WEIGHTS(RUNNING) "," DATA(WAITING("PodInitializing")) "]", IDLE)},
    {"data", POD("Pending", ON_NODE, SCHEDULED, "[" WEIGHTS(ENDED("0")) "," DATA(RUNNING) "]", IDLE)},
    {"training", POD("Running", ON_NODE, SCHEDULED, FETCHED, "[" MAIN(RUNNING) "," PUSHER(RUNNING) "]")},
    {"pushing", POD("Running", ON_NODE, SCHEDULED, FETCHED, "[" MAIN(ENDED("0")) "," PUSHER(RUNNING) "]")},
    {"succeeded", POD("Succeeded", ON_NODE, SCHEDULED, FETCHED, "[" MAIN(ENDED("0")) "," PUSHER(ENDED("0")) "]")},
    {"failed", POD("Failed", ON_NODE, SCHEDULED, FETCHED, "[" MAIN(ENDED("1")) "," PUSHER(ENDED("1")) "]")},
};

static const char *text_of(const struct state *states, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (kt_streq(states[i].name, name))
            return states[i].text;
    }
    fail_msg("no state is called \"%s\"", name);
    return NULL;
}

static const cJSON *object_of(struct kt_test_world *world, const char *text)
{
    return text ? kt_test_json(&world->arena, text) : NULL;
}

void kt_test_world_claim(struct kt_test_world *world, const char *step)
{
    const char *text = text_of(claims, KT_ARRAY_LENGTH(claims), step);
    world->claim = NULL;
    if (text) {
        cJSON *claim = kt_test_json(&world->arena, text);
        kt_json_set_string(&world->arena, kt_json_get(claim, "metadata"), "name", world->claim_name);
        world->claim = claim;
    }
}

void kt_test_world_node(struct kt_test_world *world, const char *state)
{
    world->node = object_of(world, text_of(nodes, KT_ARRAY_LENGTH(nodes), state));
}

void kt_test_world_job(struct kt_test_world *world, const char *state)
{
    world->job = object_of(world, text_of(jobs, KT_ARRAY_LENGTH(jobs), state));
}

void kt_test_world_pod(struct kt_test_world *world, const char *state)
{
    world->pod = object_of(world, text_of(pods, KT_ARRAY_LENGTH(pods), state));
}

void kt_test_world_pod_with(struct kt_test_world *world, const char *phase, const char *init_statuses,
                            const char *statuses)
{
    cJSON *pod = kt_test_json(&world->arena, text_of(pods, KT_ARRAY_LENGTH(pods), "node"));
    cJSON *status = kt_json_get(pod, "status");
    kt_json_set_string(&world->arena, status, "phase", phase);
    kt_json_set(&world->arena, status, "initContainerStatuses",
                kt_test_json(&world->arena, init_statuses ? init_statuses : FETCHED));
    kt_json_set(&world->arena, status, "containerStatuses", kt_test_json(&world->arena, statuses ? statuses : IDLE));
    world->pod = pod;
}

void kt_test_world_observe(const struct kt_test_world *world, struct kt_observation *ret)
{
    *ret = (struct kt_observation){
        .workspace = world->workspace,
        .objects = {[KT_KIND_NODE_CLAIM] = {&world->claim, world->claim ? 1 : 0},
                    [KT_KIND_NODE] = {&world->node, world->node ? 1 : 0},
                    [KT_KIND_JOB] = {&world->job, world->job ? 1 : 0},
                    [KT_KIND_POD] = {&world->pod, world->pod ? 1 : 0},
                    [KT_KIND_EVENT] = {&world->event, world->event ? 1 : 0}},
        .now_s = world->now_s,
        .bring_your_own = world->bring_your_own,
    };
}

void kt_test_world_step(struct kt_test_world *world, const struct kt_trouble *trouble)
{
    struct kt_observation observation;
    struct kt_error error = {0};
    kt_test_world_observe(world, &observation);
    if (kt_tuning_status(&world->arena, &observation, trouble, &world->status, &error) != 0)
        fail_msg("kt_tuning_status: %s", error.message);
    if (world->status.patch) {
        world->workspace = kt_test_merge(&world->arena, world->workspace, world->status.patch);
        world->patches++;
    }
    world->now_s++;
}

const char *kt_test_world_condition(const struct kt_test_world *world, const char *type, const char *key)
{
    return kt_json_string_or(kt_json_get(kt_condition_find(world->workspace, type), key), "");
}

const char *kt_test_world_state(const struct kt_test_world *world)
{
    return kt_json_string_or(kt_json_path(world->workspace, "status", "state", NULL), "");
}
