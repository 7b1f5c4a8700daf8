/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of a tuning: usable, still on their way, or in trouble; and what their NodeClaim says. */
#include "base/limits.h"
#include "text/quantity.h"
#include "workload/diagnosis_internal.h"
#include "workload/names.h"
#include "workload/node_claim.h"

/* A device plugin that is there reports its GPUs within a minute or two of the node's being ready. */
#define GPU_LONG_S 300

static bool is_positive(const cJSON *quantity)
{
    int64_t amount = 0;
    if (kt_json_int64(quantity, &amount))
        return amount > 0;
    const char *text = kt_json_string(quantity);
    return text && kt_quantity_parse(kt_str(text), &amount, NULL) == 0 && amount > 0;
}

static bool has_gpu(const cJSON *node)
{
    return is_positive(kt_json_path(node, "status", "capacity", KT_GPU_RESOURCE, NULL)) ||
           is_positive(kt_json_path(node, "status", "allocatable", KT_GPU_RESOURCE, NULL));
}

bool kt_node_is_usable(const cJSON *node)
{
    return kt_condition_is_true(node, "Ready") && has_gpu(node) && !kt_is_being_deleted(node);
}

bool kt_diagnose_node_with(struct kt_arena *arena, const cJSON *node, struct kt_patience *patience,
                           struct kt_cause *ret)
{
    const cJSON *ready = kt_condition_find(node, "Ready");
    const char *name = kt_metadata_text(node, "name");
    if (!kt_json_is_object(node) || kt_node_is_usable(node))
        return false;
    if (kt_is_being_deleted(node)) {
        kt_cause_set(arena, ret, "Node", node, "NodeDeleted", "node %s is being taken away", name);
    } else if (!kt_condition_is_true(node, "Ready")) {
        const char *words = kt_cause_clean(arena, kt_json_string(kt_json_get(ready, "message")), KT_CAUSE_QUOTE_BYTES);
        kt_cause_set(arena, ret, "Node", node, "NodeNotReady", "node %s is not ready%s%s", name, *words ? ": " : "",
                     words);
    } else {
        const char *since = kt_json_string(kt_json_get(ready, "lastTransitionTime"));
        if (patience && !kt_patience_is_over(patience, since, GPU_LONG_S))
            return false;
        kt_cause_set(arena, ret, "Node", node, "NodePluginsNotReady",
                     "node %s is ready but has no " KT_GPU_RESOURCE
                     ": the NVIDIA driver and device plugin (or the GPU operator) must run on it",
                     name);
    }
    return true;
}

bool kt_diagnose_node(struct kt_arena *arena, const cJSON *node, struct kt_cause *ret)
{
    return kt_diagnose_node_with(arena, node, NULL, ret);
}

/* --- the nodes that a Workspace has -------------------------------------------------------------------------- */

/* The number in our annotation; without one, as upstream's operator leaves it, the newest claim counts. */
static void find_claim(struct kt_arena *arena, const struct kt_observation *observation, struct kt_resources *ret)
{
    char name[KT_NODE_CLAIM_NAME_BYTES];
    const char *text = kt_json_string(
        kt_json_path(observation->workspace, "metadata", "annotations", KT_ANNOTATION_NODE_CLAIMS, NULL));
    struct kt_str digits = kt_str(text);
    int64_t number = 0;
    for (size_t i = 0; i < digits.length && number < 100000; i++)
        number = kt_ascii_is_digit(digits.data[i]) ? number * 10 + (digits.data[i] - '0') : 100000;
    if (number > 0 && number < 100000) {
        kt_node_claim_name(observation->workspace, number, name);
        ret->claim_number = number;
        ret->claim_name = kt_arena_strdup(arena, name);
        ret->claim = kt_objects_find(observation->node_claims, name);
        return;
    }
    for (size_t i = 0; i < observation->node_claims.count; i++) {
        const cJSON *claim = observation->node_claims.items[i];
        bool is_better =
            !ret->claim || (kt_is_being_deleted(ret->claim) && !kt_is_being_deleted(claim)) ||
            (kt_is_being_deleted(ret->claim) == kt_is_being_deleted(claim) && kt_is_newer(claim, ret->claim));
        if (is_better)
            ret->claim = claim;
    }
    if (ret->claim) {
        ret->claim_number = 1;
        ret->claim_name = kt_cause_clean(arena, kt_metadata_text(ret->claim, "name"), KT_CAUSE_QUOTE_BYTES);
    }
}

static void find_node(const struct kt_observation *observation, struct kt_resources *ret)
{
    const char *wanted = kt_json_string_or(kt_json_path(ret->claim, "status", "nodeName", NULL), "");
    for (size_t i = 0; i < observation->nodes.count; i++) {
        const cJSON *node = observation->nodes.items[i];
        if (!observation->bring_your_own && !kt_streq(kt_metadata_text(node, "name"), wanted))
            continue;
        if (!ret->node || (!ret->is_node_ready && kt_node_is_usable(node))) {
            ret->node = node;
            ret->is_node_ready = kt_node_is_usable(node);
        }
    }
    ret->lacks_gpu = ret->node && !ret->is_node_ready && kt_condition_is_true(ret->node, "Ready");
}

void kt_resources_read(struct kt_arena *arena, const struct kt_observation *observation, struct kt_patience *patience,
                       struct kt_resources *ret)
{
    *ret = (struct kt_resources){.is_claim_ready = observation->bring_your_own};
    if (!observation->bring_your_own) {
        find_claim(arena, observation, ret);
        ret->is_claim_ready = kt_condition_is_true(ret->claim, "Ready") && !kt_is_being_deleted(ret->claim);
    }
    find_node(observation, ret);
    if (!ret->is_claim_ready) {
        ret->has_cause = kt_diagnose_node_claim_with(arena, ret->claim, patience, &ret->cause);
        return;
    }
    if (ret->node) {
        ret->has_cause = kt_diagnose_node_with(arena, ret->node, patience, &ret->cause);
    } else if (observation->bring_your_own) {
        ret->has_cause = true;
        kt_cause_set(arena, &ret->cause, "Workspace", observation->workspace, "NoNodes",
                     "no node carries the labels of resource.labelSelector: put them on a GPU node with `kubectl label "
                     "node`, or change the selector");
    }
}
