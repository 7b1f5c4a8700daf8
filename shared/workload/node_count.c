/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: upstream v0.12.0, pkg/workspace/estimator/nodesestimator/estimator.go (which machine is looked at),
 * pkg/workspace/controllers/workspace_controller.go (which runtime asks it) and pkg/sku/helpers.go.
 */
#include "workload/node_count.h"

#include "admission/facts.h"
#include "admission/rule_words.h"

/* The GPUs of one node. */
struct machine {
    uint64_t memory_bytes; /* of all */
    uint32_t gpu_count;
    bool is_slice; /* a MIG slice, which cannot be combined with others */
};

static bool is_given(const char *text)
{
    return text && *text;
}

/* --- nodes that are there already ----------------------------------------------------------------------------------
 */

/* A cluster that has one node. */
static enum kt_lookup one_node(void *context, const cJSON *const **ret, size_t *ret_count)
{
    *ret = context;
    *ret_count = 1;
    return KT_LOOKUP_FOUND;
}

static bool is_ready(const cJSON *node)
{
    const cJSON *condition;
    const cJSON *conditions = kt_json_path(node, "status", "conditions", NULL);
    cJSON_ArrayForEach(condition, conditions)
    {
        if (kt_streq(kt_json_string_or(kt_json_get(condition, "type"), ""), "Ready")) {
            return kt_streq(kt_json_string_or(kt_json_get(condition, "status"), ""), "True") &&
                   !kt_json_path(node, "metadata", "deletionTimestamp", NULL);
        }
    }
    return false;
}

/* The first ready node that the selector picks stands for all. */
static int read_first_ready(const struct kt_facts *facts, struct kt_own_nodes *ret, struct kt_error *error)
{
    const cJSON *const *nodes = NULL;
    size_t count = 0;
    if (facts->cluster->nodes(facts->cluster->context, &nodes, &count) == KT_LOOKUP_UNKNOWN) {
        return kt_error_set(error, KT_EUNAVAILABLE, "the nodes of the cluster cannot be read");
    }
    for (size_t i = 0; i < count; i++) {
        const cJSON *node = nodes[i];
        const struct kt_cluster single = {.find = facts->cluster->find, .nodes = one_node, .context = &node};
        kt_own_nodes_read(facts->arena, &single, &facts->now.resource, ret);
        if (ret->count > 0 && is_ready(node)) {
            return ret->state == KT_OWN_NODES_KNOWN ? 0 : kt_error_set(error, KT_EINVAL, "%s", ret->problem);
        }
    }
    return kt_error_set(error, KT_EINVAL, "no ready node carries the labels of resource.labelSelector");
}

static int scale_to_partition(const struct kt_facts *facts, struct kt_own_nodes *nodes, struct kt_error *error)
{
    int64_t wanted = 0;
    const char *mode = facts->now.resource.partition.mode;
    bool takes_whole_gpus = is_given(mode) && kt_streq(mode, "accelerator");
    if (!takes_whole_gpus || !kt_json_int64(facts->now.resource.partition.count, &wanted) || wanted <= 0) {
        return 0;
    }
    if (wanted > nodes->gpu_count) {
        return kt_error_set(error, KT_EINVAL, "resource.partition.count is %lld, and a node has %lld GPUs",
                            (long long)wanted, (long long)nodes->gpu_count);
    }
    nodes->memory_bytes = nodes->memory_bytes / nodes->gpu_count * wanted;
    nodes->gpu_count = wanted;
    return 0;
}

static int read_own_machine(const struct kt_facts *facts, struct machine *ret, struct kt_error *error)
{
    const struct kt_partition *partition = &facts->now.resource.partition;
    struct kt_own_nodes nodes = {0};
    if (partition->node && is_given(partition->mode) && kt_streq(partition->mode, "mig") &&
        is_given(partition->profile)) {
        struct kt_str profile = kt_str(partition->profile);
        *ret = (struct machine){.memory_bytes = kt_mig_profile_gib(profile) * KT_GIB, .gpu_count = 1, .is_slice = true};
        return kt_mig_profile_known(profile)
                   ? 0
                   : kt_error_set(error, KT_EINVAL, "resource.partition.profile: no MIG profile \"%.64s\" is known",
                                  partition->profile);
    }
    int code = read_first_ready(facts, &nodes, error);
    code = code < 0 ? code : scale_to_partition(facts, &nodes, error);
    if (code == 0 && nodes.gpu_count > 0 && nodes.memory_bytes > 0) {
        *ret = (struct machine){.memory_bytes = (uint64_t)nodes.memory_bytes,
                                .gpu_count = (uint32_t)KT_MIN(nodes.gpu_count, (int64_t)UINT32_MAX)};
    }
    return code;
}

static int read_machine(const struct kt_facts *facts, struct machine *ret, struct kt_error *error)
{
    const char *name = facts->now.resource.instance_type;
    *ret = (struct machine){0};
    if (facts->bring_your_own) {
        return read_own_machine(facts, ret, error);
    }
    if (!facts->sku || !facts->sku->current) {
        return kt_error_set(
            error, KT_EINVAL, "resource.instanceType: \"%.64s\" is no machine type that Kaito supports on %s",
            name ? name : "", is_given(facts->settings->cloud_text) ? facts->settings->cloud_text : "no cloud");
    }
    *ret = (struct machine){.memory_bytes = facts->sku->memory_bytes, .gpu_count = facts->sku->gpu_count};
    return 0;
}

/* --- counting ------------------------------------------------------------------------------------------------------
 */

static int64_t requested_count(const struct kt_facts *facts)
{
    return KT_MAX(kt_workspace_count(&facts->now), (int64_t)1);
}

static int count_for_model(const struct kt_facts *facts, int64_t *ret, struct kt_error *error)
{
    struct machine machine;
    struct kt_inference_input input;
    struct kt_inference_estimate estimate;
    const char *name = facts->now.inference.preset.name;
    if (!facts->model || facts->model->status != KT_MODEL_CURRENT) {
        return kt_error_set(error, KT_EINVAL, "inference.preset.name: \"%.64s\" is no model that the catalogue knows",
                            name);
    }
    int code = read_machine(facts, &machine, error);
    if (code < 0) {
        return code;
    }
    if (machine.gpu_count == 0 || machine.memory_bytes == 0 || !kt_rule_inference_need(facts, &input)) {
        *ret = requested_count(facts);
        return 0;
    }
    input.gpu_count = machine.gpu_count;
    input.node_memory_bytes = machine.memory_bytes;
    code = kt_sizing_inference(&input, &estimate, error);
    if (code == 0 && machine.is_slice && estimate.nodes > 1) {
        return kt_error_set(error, KT_EINVAL, "the model does not fit on one MIG slice, and slices cannot be combined");
    }
    if (code == 0) {
        *ret = KT_MAX((int64_t)estimate.nodes, (int64_t)1);
    }
    return code;
}

int kt_node_count(struct kt_arena *arena, cJSON *workspace, const struct kt_settings *settings,
                  const struct kt_cluster *cluster, int64_t *ret, struct kt_error *error)
{
    const struct kt_admission_request request = {
        .operation = KT_OPERATION_CREATE, .object = workspace, .settings = settings, .cluster = cluster};
    struct kt_workspace written;
    struct kt_facts facts;
    int64_t count = 1;
    int code = 0;
    kt_workspace_view(workspace, &written);
    kt_facts_read(arena, &request, &written, kt_admission_assume_defaults(arena, &request, workspace), NULL, NULL,
                  &facts);
    if (facts.now.inference.node && facts.runtime_transformers) {
        count = kt_workspace_count(&facts.now);
    } else if (facts.now.inference.node && !is_given(facts.now.inference.preset.name)) {
        count = requested_count(&facts);
    } else if (facts.now.inference.node) {
        code = count_for_model(&facts, &count, error);
    }
    if (arena->failed) {
        return kt_error_set(error, KT_ENOMEM, "no memory to count the nodes");
    }
    if (code == 0) {
        *ret = count;
    }
    return code;
}
