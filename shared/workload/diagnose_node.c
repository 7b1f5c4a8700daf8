/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of a tuning: usable, still on their way, or in trouble; and what their NodeClaim says. */
#include "workload/diagnosis_internal.h"
#include "workload/names.h"
#include "workload/node_claim.h"
#include "workload/readiness.h"

/* A device plugin that is there reports its GPUs within a minute or two of the node's being ready. */
#define GPU_LONG_S 300
/* Of a node that has never been of use to the Workspace: its NodeClaim is often seen Ready a moment before it is. */
#define UNREADY_LONG_S 60
#define NOT_READY "node %s is not ready"

static bool has_gpu(const cJSON *node)
{
    const char *amount = kt_json_string_or(kt_json_path(node, "status", "capacity", KT_GPU_RESOURCE, NULL), "");
    return amount[0] >= '1' && amount[0] <= '9';
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
        const char *since = kt_json_string(kt_json_get(ready, "lastTransitionTime"));
        if (patience && !kt_patience_is_over(patience, since, UNREADY_LONG_S))
            return false;
        const char *words = kt_cause_clean(arena, kt_json_string(kt_json_get(ready, "message")), KT_CAUSE_QUOTE_BYTES);
        kt_cause_set(arena, ret, "Node", node, "NodeNotReady", NOT_READY "%s%s", name, *words ? ": " : "", words);
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

/* Without a claim that counts, one that is on its way out is still worth naming. */
static void find_claim(struct kt_arena *arena, const struct kt_observation *observation, struct kt_resources *ret)
{
    char name[KT_NODE_CLAIM_NAME_BYTES];
    const struct kt_objects *claims = &observation->objects[KT_KIND_NODE_CLAIM];
    ret->claim = kt_observation_claim(observation);
    ret->claim_number = kt_claim_number(observation->workspace);
    for (size_t i = 0; !ret->claim && ret->claim_number == 0 && i < claims->count; i++)
        ret->claim = claims->items[i];
    if (ret->claim) {
        ret->claim_number = KT_MAX(ret->claim_number, (int64_t)1);
        ret->claim_name = kt_cause_clean(arena, kt_metadata_text(ret->claim, "name"), KT_CAUSE_QUOTE_BYTES);
    } else if (ret->claim_number > 0) {
        kt_node_claim_name(observation->workspace, ret->claim_number, name);
        ret->claim_name = kt_arena_strdup(arena, name);
    }
}

/* The node to use, or else one to name. */
static void find_node(const struct kt_observation *observation, struct kt_resources *ret)
{
    const char *wanted = kt_json_string_or(kt_json_path(ret->claim, "status", "nodeName", NULL), "");
    ret->node = ret->is_claim_ready ? kt_observation_ready_node(observation) : NULL;
    const struct kt_objects *nodes = &observation->objects[KT_KIND_NODE];
    ret->is_node_ready = ret->node != NULL;
    for (size_t i = 0; !ret->node && i < nodes->count; i++) {
        if (observation->bring_your_own || kt_streq(kt_metadata_text(nodes->items[i], "name"), wanted))
            ret->node = nodes->items[i];
    }
    ret->lacks_gpu = ret->node && !has_gpu(ret->node) && kt_condition_is_true(ret->node, "Ready");
}

/* Has this node been ready for the Workspace, and is therefore lost now and not on its way? Once that was said of it,
 * it stays so: else the status would take it back at the next look. */
static bool was_ready(struct kt_arena *arena, const cJSON *workspace, const cJSON *node)
{
    const cJSON *stored = kt_condition_now(workspace, "NodesReady");
    const char *said = kt_json_string_or(kt_json_get(stored, "message"), "");
    const char *lost = kt_arena_printf(arena, NOT_READY, kt_metadata_text(node, "name"));
    return kt_streq(kt_json_string_or(kt_json_get(stored, "status"), ""), "True") ||
           (lost && strncmp(said, lost, strlen(lost)) == 0);
}

/* What decides whether there is a node, and could not be read. Without a setting that says so, that there is no claim
 * makes nodes the user's own. */
static const struct kt_kind *find_unseen(const struct kt_observation *observation, const struct kt_resources *resources)
{
    bool may_have_claim =
        (observation->bring_your_own || !resources->claim) && kt_observation_lacks(observation, KT_KIND_NODE_CLAIM);
    bool may_have_node = (observation->bring_your_own || (resources->is_claim_ready && !resources->node)) &&
                         kt_observation_lacks(observation, KT_KIND_NODE);
    if (resources->is_node_ready)
        return NULL;
    if (may_have_claim)
        return &kt_kinds[KT_KIND_NODE_CLAIM];
    return may_have_node ? &kt_kinds[KT_KIND_NODE] : NULL;
}

void kt_resources_read(struct kt_arena *arena, const struct kt_observation *observation, struct kt_patience *patience,
                       struct kt_resources *ret)
{
    *ret = (struct kt_resources){.is_claim_ready = observation->bring_your_own};
    if (!observation->bring_your_own) {
        find_claim(arena, observation, ret);
        ret->is_claim_ready = kt_observation_claim_ready(observation);
    }
    find_node(observation, ret);
    ret->unseen = find_unseen(observation, ret);
    if (ret->unseen)
        return;
    if (!ret->is_claim_ready) {
        ret->has_cause = kt_diagnose_node_claim_with(arena, ret->claim, patience, &ret->cause);
        return;
    }
    if (ret->is_node_ready)
        return;
    if (ret->node) {
        bool is_lost = observation->bring_your_own || was_ready(arena, observation->workspace, ret->node);
        bool is_unready = !kt_condition_is_true(ret->node, "Ready");
        ret->has_cause = kt_diagnose_node_with(arena, ret->node, is_lost && is_unready ? NULL : patience, &ret->cause);
    } else if (observation->bring_your_own) {
        ret->has_cause = true;
        kt_cause_set(arena, &ret->cause, "Workspace", observation->workspace, "NoNodes",
                     "no node carries the labels of resource.labelSelector: put them on a GPU node with `kubectl label "
                     "node`, or change the selector");
    }
}
