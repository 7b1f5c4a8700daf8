/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verdict.h"

#include <string.h>

#include "plugin/gather.h"
#include "text/time.h"

const char *kt_verdict_trainer(const struct kt_observation *seen)
{
    return kt_object_name(seen->workspace);
}

const cJSON *kt_verdict_pod(const struct kt_observation *seen)
{
    const cJSON *newest = kt_observation_pod(seen);
    const char *newest_time = "";
    const struct kt_objects *pods = &seen->objects[KT_KIND_POD];
    for (size_t i = 0; !kt_observation_pod(seen) && i < pods->count; i++) {
        const cJSON *pod = pods->items[i];
        const char *time = kt_json_string_or(kt_json_path(pod, "metadata", "creationTimestamp", NULL), "");
        if (!newest || strcmp(time, newest_time) > 0) {
            newest = pod;
            newest_time = time;
        }
    }
    return newest;
}

/* Is what the condition says about the Workspace as it stands? Without a generation it cannot be told apart. */
static bool is_current(const cJSON *workspace, const cJSON *condition)
{
    int64_t generation, observed;
    if (!kt_json_int64(kt_json_path(workspace, "metadata", "generation", NULL), &generation) ||
        !kt_json_int64(kt_json_get(condition, "observedGeneration"), &observed) || observed == 0)
        return condition != NULL;
    return observed >= generation;
}

static void judge_tuning(const struct kt_observation *seen, const struct kt_diagnosis *diagnosis,
                         struct kt_verdict *ret)
{
    const cJSON *outcome = kt_condition_find(seen->workspace, "WorkspaceSucceeded");
    bool current = is_current(seen->workspace, outcome);
    ret->stage = kt_stage_name(diagnosis->stage);
    ret->detail = diagnosis->detail;
    ret->has_cause = diagnosis->has_cause;
    ret->cause = diagnosis->cause;
    ret->succeeded = diagnosis->stage == KT_STAGE_DONE && current;
    ret->failed = diagnosis->stage == KT_STAGE_FAILED && current;
    ret->ready = ret->succeeded;
    if (diagnosis->stage == KT_STAGE_DONE)
        ret->state = "Succeeded";
    else if (diagnosis->stage == KT_STAGE_FAILED)
        ret->state = "Failed";
}

/* The first that is wrong, in the order in which they come to be. */
static bool find_cause(struct kt_arena *arena, const struct kt_observation *seen, struct kt_cause *ret)
{
    const struct kt_objects *claims = &seen->objects[KT_KIND_NODE_CLAIM], *pods = &seen->objects[KT_KIND_POD];
    for (size_t i = 0; i < claims->count; i++)
        if (kt_diagnose_node_claim(arena, claims->items[i], seen->now_s, ret))
            return true;
    for (size_t i = 0; i < pods->count; i++)
        if (kt_diagnose_pod(arena, pods->items[i], kt_verdict_trainer(seen), seen->objects[KT_KIND_EVENT], ret))
            return true;
    return false;
}

static void judge_inference(struct kt_arena *arena, const struct kt_observation *seen, struct kt_verdict *ret)
{
    const cJSON *resource = kt_condition_find(seen->workspace, "ResourceReady");
    const cJSON *inference = kt_condition_find(seen->workspace, "InferenceReady");
    bool has_nodes = kt_condition_is_true(seen->workspace, "ResourceReady");
    ret->has_cause = find_cause(arena, seen, &ret->cause);
    ret->ready = !ret->has_cause && kt_condition_is_true(seen->workspace, "InferenceReady") &&
                 is_current(seen->workspace, inference);
    ret->failed = kt_streq(ret->state, "Failed");
    ret->stage = ret->ready ? "serving" : has_nodes ? "starting" : "node";
    const char *said = kt_json_string_or(kt_json_get(has_nodes ? inference : resource, "message"), "");
    ret->detail = said[0] ? said : "nothing is known of it yet";
    if (!ret->ready && kt_streq(ret->state, "Ready"))
        ret->state = "NotReady";
}

static bool is_untouched(const struct kt_observation *seen)
{
    const cJSON *workspace = seen->workspace;
    const char *created = kt_json_string_or(kt_json_path(workspace, "metadata", "creationTimestamp", NULL), "");
    int64_t created_ms;
    if (seen->unseen || kt_time_parse_rfc3339(kt_str(created), &created_ms, NULL) != 0 ||
        seen->now_s * 1000 - created_ms < KT_UNTOUCHED_MS)
        return false;
    return kt_json_count(kt_json_get(workspace, "status")) == 0 &&
           kt_json_count(kt_json_path(workspace, "metadata", "finalizers", NULL)) == 0 &&
           seen->objects[KT_KIND_NODE_CLAIM].count == 0 && !kt_observation_job(seen) &&
           seen->objects[KT_KIND_POD].count == 0;
}

void kt_verdict_of(struct kt_arena *arena, const struct kt_observation *seen, struct kt_verdict *ret)
{
    const char *state = kt_json_string_or(kt_json_path(seen->workspace, "status", "state", NULL), "");
    *ret = (struct kt_verdict){.state = state[0] ? state : "Pending",
                               .is_inference = kt_json_get(seen->workspace, "inference") != NULL,
                               .is_deleting = kt_is_being_deleted(seen->workspace),
                               .is_untouched = is_untouched(seen)};
    if (ret->is_inference) {
        judge_inference(arena, seen, ret);
    } else {
        struct kt_diagnosis diagnosis = {0};
        kt_diagnose(arena, seen, &diagnosis);
        judge_tuning(seen, &diagnosis, ret);
    }
    if (ret->is_deleting) {
        ret->state = "Deleting";
        ret->stage = kt_stage_name(KT_STAGE_DELETING);
    }
}
