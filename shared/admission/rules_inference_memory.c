/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family R, fourth part: does the model that is to be served fit on the GPUs?
 *
 * Upstream v0.12.0 compares file size with GPU memory, and only on bring-your-own nodes and under the transformers
 * runtime (workspace_validation.go, validateCreateWithInference). Under vLLM on provisioned nodes it takes as many
 * nodes as its estimator says, however many. R042 looks where upstream does not.
 */
#include "admission/rule_words.h"
#include "sizing/explain.h"

/* What a model is to be served on. */
struct hardware {
    const char *field; /* what the user would change */
    const char *value; /* and what stands there */
    const char *name;  /* for messages: "each node of Standard_NC24ads_A100_v4" */
    uint32_t gpu_count;
    uint64_t node_bytes; /* of all GPUs of a node */
    int64_t nodes;       /* as many as there are or are asked for */
    bool slice;          /* a MIG slice: one piece, never several */
    bool own_nodes;
    uint32_t compute_capability; /* 0: unknown */
};

static bool slice_hardware(const struct kt_facts *facts, struct hardware *ret)
{
    const char *profile = facts->now.resource.partition.profile;
    uint64_t slice_bytes = kt_mig_profile_gib(kt_str(profile)) * KT_GIB;
    if (!kt_streq(facts->now.resource.partition.mode ? facts->now.resource.partition.mode : "", "mig") ||
        slice_bytes == 0) {
        return false;
    }
    *ret = (struct hardware){.field = "resource.partition.profile",
                             .value = profile,
                             .name = kt_arena_printf(facts->arena, "a MIG slice %s", profile),
                             .gpu_count = 1,
                             .node_bytes = slice_bytes,
                             .nodes = 1,
                             .slice = true,
                             .own_nodes = true};
    return true;
}

static bool own_hardware(const struct kt_facts *facts, struct hardware *ret)
{
    const struct kt_own_nodes *nodes = &facts->inference.nodes;
    if (facts->now.resource.partition.node) {
        return slice_hardware(facts, ret);
    }
    if (nodes->state != KT_OWN_NODES_KNOWN) {
        return false;
    }
    /* A label can say anything, a negative number too: such a node has nothing to offer. */
    int64_t gpu_count = KT_MIN(KT_MAX(nodes->gpu_count, (int64_t)0), (int64_t)UINT32_MAX);
    *ret = (struct hardware){.field = KT_FIELD_LABEL_SELECTOR,
                             .value = kt_rule_labels(facts),
                             .name = kt_arena_printf(facts->arena, "a node with these labels (%lld x %s)",
                                                     (long long)nodes->gpu_count,
                                                     kt_rule_cut(facts->arena, nodes->gpu_model)),
                             .gpu_count = (uint32_t)gpu_count,
                             .node_bytes = (uint64_t)KT_MAX(nodes->memory_bytes, (int64_t)0),
                             .nodes = (int64_t)nodes->count,
                             .own_nodes = true,
                             .compute_capability = nodes->compute_capability};
    return true;
}

static bool find_hardware(const struct kt_facts *facts, struct hardware *ret)
{
    if (facts->bring_your_own) {
        return own_hardware(facts, ret);
    }
    const struct kt_sku *sku = facts->sku;
    if (!sku || facts->now.resource.partition.node) {
        return false;
    }
    *ret = (struct hardware){
        .field = KT_FIELD_INSTANCE_TYPE,
        .value = facts->now.resource.instance_type,
        .name = kt_arena_printf(facts->arena, "a node of %s (%u x %s)", sku->name, sku->gpu_count, sku->gpu_model),
        .gpu_count = sku->gpu_count,
        .node_bytes = sku->memory_bytes,
        .nodes = kt_workspace_count(&facts->now),
        .compute_capability = sku->compute_capability};
    return true;
}

/* Does upstream compare the weights with the memory here? */
static bool upstream_compares(const struct kt_facts *facts)
{
    if (facts->bring_your_own) {
        return !facts->now.resource.partition.node;
    }
    return facts->runtime_transformers && facts->sku && facts->sku->current;
}

static bool exceeds(uint64_t weights_bytes, const struct hardware *hardware)
{
    return (double)weights_bytes > (double)hardware->node_bytes * (double)hardware->nodes;
}

static bool usable_gpu(const struct kt_facts *facts)
{
    return facts->bring_your_own || facts->sku->vendor == KT_GPU_NVIDIA;
}

/* A memory refusal is a warning when the user asked for that. */
static void soften(const struct kt_facts *facts, struct kt_finding *finding)
{
    if (finding && facts->bypass_resource_checks) {
        finding->severity = KT_SEVERITY_WARNING;
    }
}

/* --- R040, R041: what upstream compares -------------------------------------------------------------------------- */

static void check_weights_fit(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    struct hardware hardware;
    if (!model || !find_hardware(facts, &hardware) || !upstream_compares(facts) ||
        !exceeds(model->weights_bytes, &hardware)) {
        return;
    }
    uint64_t has_bytes = hardware.nodes > 0 ? hardware.node_bytes * (uint64_t)hardware.nodes : 0;
    soften(facts,
           kt_rule_report(run, hardware.field, KT_PROBLEM_INVALID, hardware.value,
                          "the weights of %s alone take %s, and there are %s of GPU memory (%lld node(s), each %s)%s",
                          model->name, kt_rule_bytes(facts->arena, model->weights_bytes),
                          kt_rule_bytes(facts->arena, has_bytes), (long long)hardware.nodes, hardware.name,
                          hardware.own_nodes ? "" : kt_rule_machines_that_fit(facts)));
}

static void check_transformers_on_one_node(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    struct hardware hardware;
    if (!facts->runtime_transformers || !model || !find_hardware(facts, &hardware) || !upstream_compares(facts) ||
        model->weights_bytes <= hardware.node_bytes) {
        return;
    }
    kt_rule_report(
        run, hardware.field, KT_PROBLEM_INVALID, hardware.value,
        "the transformers runtime does not spread a model over nodes, and the weights of %s (%s) do not fit "
        "on one: %s has %s; use a larger node, or the vLLM runtime (take the annotation " KT_ANNOTATION_RUNTIME " out)",
        model->name, kt_rule_bytes(facts->arena, model->weights_bytes), hardware.name,
        kt_rule_bytes(facts->arena, hardware.node_bytes));
}

/* --- R042 to R045: what it does not ------------------------------------------------------------------------------ */

/* Fills *ret; false when the need or the hardware is unknown. *ret_fixed_part_fits tells whether a GPU has room for
 * anything beside the KV cache and vLLM itself. */
static bool estimate(const struct kt_facts *facts, const struct hardware *hardware, struct kt_inference_estimate *ret,
                     bool *ret_fixed_part_fits)
{
    struct kt_inference_input input;
    if (!kt_rule_inference_need(facts, &input) || hardware->gpu_count == 0 || hardware->node_bytes == 0) {
        return false;
    }
    input.gpu_count = hardware->gpu_count;
    input.node_memory_bytes = hardware->node_bytes;
    struct kt_error error;
    *ret = (struct kt_inference_estimate){0};
    *ret_fixed_part_fits = kt_sizing_inference(&input, ret, &error) == 0;
    return true;
}

/* NULL when it fits, otherwise why not. */
static const char *why_vllm_cannot(const struct kt_facts *facts, const struct hardware *hardware,
                                   const struct kt_model *model)
{
    struct kt_arena *arena = facts->arena;
    struct kt_inference_estimate needs;
    bool fixed_part_fits = true;
    if (!estimate(facts, hardware, &needs, &fixed_part_fits)) {
        return NULL;
    }
    const char *per_gpu = kt_rule_bytes(arena, hardware->node_bytes / hardware->gpu_count);
    if (!fixed_part_fits) {
        return kt_arena_printf(arena,
                               "%s has %s on each GPU, and vLLM itself with the KV cache of %s leaves no room for the "
                               "weights of %s; set a smaller vllm.max-model-len in the inference config, or use larger "
                               "GPUs",
                               hardware->name, per_gpu,
                               facts->inference.config.max_model_len.text
                                   ? kt_arena_printf(arena, "%s tokens", facts->inference.config.max_model_len.text)
                                   : "2048 tokens",
                               model->name);
    }
    const char *weights = kt_rule_bytes(arena, model->weights_bytes);
    if (hardware->slice) {
        return needs.nodes <= 1
                   ? NULL
                   : kt_arena_printf(arena,
                                     "%s has %s, too little for %s (weights %s, and about 2.3 GiB for vLLM "
                                     "and 16%% kept free); a model is never split over slices",
                                     hardware->name, per_gpu, model->name, weights);
    }
    if (hardware->own_nodes && (int64_t)needs.nodes > hardware->nodes) {
        return kt_arena_printf(arena,
                               "%s (weights %s) needs %u nodes like these with vLLM, and %lld carry the labels: %s has "
                               "%s on each GPU",
                               model->name, weights, needs.nodes, (long long)hardware->nodes, hardware->name, per_gpu);
    }
    if (needs.nodes > KT_MOST_INFERENCE_NODES) {
        return kt_arena_printf(arena,
                               "%s (weights %s) would take %u nodes, because %s has %s on each GPU; more than %d nodes "
                               "for one copy of a model are taken for a mistake",
                               model->name, weights, needs.nodes, hardware->name, per_gpu, KT_MOST_INFERENCE_NODES);
    }
    return NULL;
}

static void check_model_fits(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    struct hardware hardware;
    if (!model || !find_hardware(facts, &hardware) || !usable_gpu(facts)) {
        return;
    }
    if (exceeds(model->weights_bytes, &hardware) && (hardware.slice || upstream_compares(facts))) {
        return; /* R029 or R040 says so */
    }
    const char *why = NULL;
    if (!facts->runtime_transformers) {
        why = why_vllm_cannot(facts, &hardware, model);
    } else if (!upstream_compares(facts) && model->weights_bytes > hardware.node_bytes) {
        why = kt_arena_printf(facts->arena, "the weights of %s alone take %s, and %s has %s", model->name,
                              kt_rule_bytes(facts->arena, model->weights_bytes), hardware.name,
                              kt_rule_bytes(facts->arena, hardware.node_bytes));
    }
    if (why) {
        soften(facts, kt_rule_report(run, hardware.field, KT_PROBLEM_INVALID, hardware.value, "%s%s", why,
                                     hardware.own_nodes ? "" : kt_rule_machines_that_fit(facts)));
    }
}

static void check_few_nodes(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    struct hardware hardware;
    struct kt_inference_estimate needs;
    bool fixed_part_fits = true;
    if (!model || facts->runtime_transformers || !find_hardware(facts, &hardware) || hardware.own_nodes ||
        !usable_gpu(facts) || !estimate(facts, &hardware, &needs, &fixed_part_fits) || !fixed_part_fits ||
        needs.nodes < 2 || needs.nodes > KT_MOST_INFERENCE_NODES) {
        return;
    }
    kt_rule_report(run, hardware.field, KT_PROBLEM_NOTE, NULL,
                   "%s takes %u nodes of %s: %u times the price, and every token crosses the network%s", model->name,
                   needs.nodes, facts->sku->name, needs.nodes, kt_rule_machines_that_fit(facts));
}

static void check_room_beside_weights(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    struct hardware hardware;
    if (!model || !facts->runtime_transformers || !find_hardware(facts, &hardware) || !usable_gpu(facts) ||
        model->weights_bytes > hardware.node_bytes ||
        (double)model->weights_bytes <= KT_TIGHT_SHARE * KT_USABLE_SHARE * (double)hardware.node_bytes) {
        return;
    }
    kt_rule_report(
        run, hardware.field, KT_PROBLEM_NOTE, NULL,
        "the weights of %s (%s) nearly fill the GPU memory (%s has %s): little or nothing remains for the KV "
        "cache, and the server may run out of memory",
        model->name, kt_rule_bytes(facts->arena, model->weights_bytes), hardware.name,
        kt_rule_bytes(facts->arena, hardware.node_bytes));
}

static void check_bfloat16(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    struct hardware hardware;
    if (!model || model->quantised || facts->runtime_transformers || !find_hardware(facts, &hardware) ||
        !usable_gpu(facts) || hardware.compute_capability == 0 || hardware.compute_capability >= 80) {
        return;
    }
    kt_rule_report(
        run, hardware.field, KT_PROBLEM_NOTE, NULL,
        "%s has compute capability %u.%u, and vLLM refuses bfloat16 below 8.0: give an inference config with "
        "`vllm: {dtype: half}`, or use a newer GPU",
        hardware.name, hardware.compute_capability / 10, hardware.compute_capability % 10);
}

static const struct kt_rule RULES[] = {
    {"R040", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the weights of the model fit into the GPU memory of all nodes together", NULL, check_weights_fit},
    {"R041", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "with the transformers runtime the weights of the model fit on one node", NULL, check_transformers_on_one_node},
    {"R042", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the model can be served with KV cache and overhead on a sensible number of nodes",
     "upstream looks at nothing here: it provisions 39 nodes for a model on small GPUs, or waits for nodes that are "
     "not "
     "there",
     check_model_fits},
    {"R043", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "one node is enough for the model", "the number of nodes is the bill, and nobody wrote it down", check_few_nodes},
    {"R044", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "with the transformers runtime there is room beside the weights",
     "upstream compares the file size alone, so a model that just fits is admitted and runs out of memory",
     check_room_beside_weights},
    {"R045", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the GPUs can do bfloat16 when vLLM serves a model that needs it",
     "vLLM stops at start-up on older GPUs, after the node is paid for", check_bfloat16},
};

const struct kt_rule_table kt_rules_inference_memory = {"inference memory", RULES, KT_ARRAY_LENGTH(RULES)};
