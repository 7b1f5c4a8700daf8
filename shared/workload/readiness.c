/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/readiness.h"

#include <stdlib.h>

#include "workload/names.h"
#include "workload/node_claim.h"

int64_t kt_claim_number(const cJSON *workspace)
{
    const char *text = kt_json_string(
        kt_json_get(kt_json_path(workspace, "metadata", "annotations", NULL), KT_ANNOTATION_NODE_CLAIMS));
    long long number = text ? strtoll(text, NULL, 10) : 0;
    if (number < 0)
        return 0;
    return number < KT_CLAIM_NUMBER_LARGEST ? number : KT_CLAIM_NUMBER_LARGEST;
}

const cJSON *kt_observation_claim(const struct kt_observation *observation)
{
    int64_t newest = kt_claim_number(observation->workspace);
    const struct kt_objects *claims = &observation->objects[KT_KIND_NODE_CLAIM];
    if (newest > 0) {
        char name[KT_NODE_CLAIM_NAME_BYTES];
        kt_node_claim_name(observation->workspace, newest, name);
        const cJSON *claim = kt_objects_find(*claims, name);
        if (claim)
            return claim;
    }
    for (size_t i = 0; i < claims->count; i++) {
        const cJSON *claim = claims->items[i];
        if (!kt_is_being_deleted(claim))
            return claim;
    }
    return NULL;
}

bool kt_observation_claim_ready(const struct kt_observation *observation)
{
    if (observation->bring_your_own)
        return true;
    const cJSON *claim = kt_observation_claim(observation);
    return claim && !kt_is_being_deleted(claim) && kt_condition_is_true(claim, "Ready");
}

static bool has_gpus(const cJSON *node)
{
    const char *amount =
        kt_json_string_or(kt_json_get(kt_json_path(node, "status", "capacity", NULL), KT_GPU_RESOURCE), "0");
    return amount[0] >= '1' && amount[0] <= '9';
}

bool kt_observation_node_counts(const struct kt_observation *observation, const cJSON *node)
{
    const struct kt_objects *claims = &observation->objects[KT_KIND_NODE_CLAIM];
    const char *name = kt_object_name(node);
    for (size_t i = 0; i < claims->count; i++)
        if (*name && kt_streq(kt_json_string_or(kt_json_path(claims->items[i], "status", "nodeName", NULL), ""), name))
            return true;
    return observation->bring_your_own;
}

const cJSON *kt_observation_ready_node(const struct kt_observation *observation)
{
    const cJSON *claim = kt_observation_claim(observation);
    const char *claimed = kt_json_string_or(kt_json_path(claim, "status", "nodeName", NULL), "");
    const struct kt_objects *nodes = &observation->objects[KT_KIND_NODE];
    for (size_t i = 0; i < nodes->count; i++) {
        const cJSON *node = nodes->items[i];
        if (!observation->bring_your_own && (!*claimed || !kt_streq(claimed, kt_object_name(node))))
            continue;
        if (!kt_is_being_deleted(node) && kt_condition_is_true(node, "Ready") && has_gpus(node))
            return node;
    }
    return NULL;
}

bool kt_observation_resources_ready(const struct kt_observation *observation)
{
    return kt_observation_claim_ready(observation) && kt_observation_ready_node(observation);
}

bool kt_workspace_is_over(const cJSON *workspace)
{
    const char *state = kt_final_state(workspace);
    return state && (kt_streq(state, "Succeeded") || kt_condition_holds(workspace, "JobStarted") ||
                     kt_condition_holds(workspace, "ResourceReady"));
}

bool kt_job_is_finished(const cJSON *job)
{
    return kt_condition_is_true(job, "Complete") || kt_condition_is_true(job, "Failed");
}

static bool any_has_run(const cJSON *statuses)
{
    const cJSON *container;
    cJSON_ArrayForEach(container, statuses)
    {
        const cJSON *state = kt_json_get(container, "state");
        if (kt_json_get(state, "running") || kt_json_get(state, "terminated") ||
            kt_json_get(kt_json_get(container, "lastState"), "terminated"))
            return true;
    }
    return false;
}

bool kt_observation_has_started(const struct kt_observation *observation)
{
    if (kt_job_is_finished(kt_observation_job(observation)))
        return true;
    const cJSON *status = kt_json_get(kt_observation_pod(observation), "status");
    const char *phase = kt_json_string_or(kt_json_get(status, "phase"), "");
    return kt_streq(phase, "Running") || kt_streq(phase, "Succeeded") || kt_streq(phase, "Failed") ||
           any_has_run(kt_json_get(status, "initContainerStatuses")) ||
           any_has_run(kt_json_get(status, "containerStatuses"));
}
