/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes for inference with vLLM, as upstream v0.12.0 counts them. The order of the floating-point operations is
 * upstream's too, because a model at the very edge must give the same count.
 */
#include "sizing/sizing.h"

/* What vLLM is started with. On the A10 it is 0.82, but upstream counts nodes with 0.84 there too. */
#define GPU_MEMORY_UTILIZATION 0.84
#define WEIGHT_EXPANSION 1.02       /* weights in memory against the files */
#define BASE_OVERHEAD_GIB 2.3       /* 0.6 outside torch, 1.7 activations and CUDA graphs */
#define OVERHEAD_WEIGHT_FACTOR 0.05 /* activations and graphs grow with the share of the weights */
#define DEFAULT_CONTEXT_LENGTH 2048u

/* One attempt: what a context length asks of this machine. */
struct attempt {
    double available_bytes; /* per GPU, for vLLM */
    double fixed_bytes;     /* per GPU: overhead and KV cache */
    double gpus;            /* needed, whole; only when available > fixed */
};

static struct attempt attempt_context(const struct kt_inference_input *input, uint32_t context_length)
{
    double gpu_bytes = (double)(input->node_memory_bytes / input->gpu_count);
    double model_bytes = (double)input->weights_bytes * WEIGHT_EXPANSION;
    double kv_bytes = (double)((uint64_t)context_length * input->kv_bytes_per_token) / (double)input->gpu_count;
    struct attempt result = {0};
    result.available_bytes = gpu_bytes * GPU_MEMORY_UTILIZATION;
    result.fixed_bytes = BASE_OVERHEAD_GIB * (double)KT_GIB + kv_bytes;
    if (result.available_bytes > result.fixed_bytes) {
        double for_weights = (result.available_bytes - result.fixed_bytes) / (1 + OVERHEAD_WEIGHT_FACTOR);
        /* Truncated plus one: an exact multiple counts one too many, as upstream has it. */
        result.gpus = (double)(uint64_t)KT_MIN(model_bytes / for_weights, 1e15) + 1;
    }
    return result;
}

/* Largest context that `nodes` nodes hold; a copy of the model on each GPU is a machine with one GPU. */
static uint32_t largest_context(const struct kt_inference_input *input, uint32_t nodes, bool data_parallel)
{
    struct kt_inference_input machine = *input;
    if (data_parallel) {
        machine.node_memory_bytes = input->node_memory_bytes / input->gpu_count;
        machine.gpu_count = 1;
    }
    if (input->kv_bytes_per_token == 0) {
        return 0;
    }
    uint32_t good = 0;
    uint32_t bad = UINT32_MAX;
    while (bad - good > 1) {
        uint32_t middle = good + (bad - good) / 2;
        struct attempt attempt = attempt_context(&machine, middle);
        bool holds = attempt.gpus > 0 && attempt.gpus <= (double)nodes * (double)machine.gpu_count;
        *(holds ? &good : &bad) = middle;
    }
    return good;
}

int kt_sizing_inference(const struct kt_inference_input *input, struct kt_inference_estimate *ret,
                        struct kt_error *error)
{
    if (input->gpu_count == 0 || input->node_memory_bytes / input->gpu_count == 0) {
        return kt_error_set(error, KT_EINVAL, "the GPU memory of the machine is not known");
    }
    if (input->weights_bytes == 0) {
        return kt_error_set(error, KT_EINVAL, "the size of the model's weights is not known");
    }
    uint32_t context = input->context_length > 0 ? input->context_length : DEFAULT_CONTEXT_LENGTH;
    struct attempt attempt = attempt_context(input, context);
    double gib = (double)KT_GIB;
    double gpu_bytes = (double)(input->node_memory_bytes / input->gpu_count);
    double kv_bytes = attempt.fixed_bytes - BASE_OVERHEAD_GIB * gib;
    if (attempt.gpus <= 0) {
        return kt_error_set(error, KT_EINVAL,
                            "one GPU of %.1f GiB, of which vLLM may use %.1f GiB, cannot hold %.1f GiB of overhead and "
                            "%.1f GiB of KV cache for %u tokens",
                            gpu_bytes / gib, attempt.available_bytes / gib, BASE_OVERHEAD_GIB, kv_bytes / gib, context);
    }
    double gpus = (double)input->gpu_count;
    double nodes = (double)(uint64_t)((attempt.gpus + gpus - 1) / gpus);
    if (nodes > (double)INT32_MAX) {
        return kt_error_set(error, KT_EINVAL, "next to the KV cache for %u tokens no room for weights is left on a GPU",
                            context);
    }
    struct kt_inference_estimate result = {.nodes = (uint32_t)nodes};
    result.gpus = (uint32_t)KT_MIN(attempt.gpus, (double)UINT32_MAX);
    /* vLLM is started this way by upstream v0.12.0: a small model runs as one copy per GPU. */
    result.data_parallel = result.nodes == 1 && input->gpu_count > 1 && (double)input->weights_bytes < 0.5 * gpu_bytes;
    double shards = result.data_parallel ? 1.0 : nodes * gpus;
    double weights = (double)input->weights_bytes * WEIGHT_EXPANSION / shards;
    result.weights_bytes = (uint64_t)weights;
    result.kv_cache_bytes = (uint64_t)(result.data_parallel ? kv_bytes * gpus : kv_bytes);
    result.overhead_bytes = (uint64_t)(BASE_OVERHEAD_GIB * gib + OVERHEAD_WEIGHT_FACTOR * weights);
    result.available_bytes = (uint64_t)attempt.available_bytes;
    result.largest_context = largest_context(input, result.nodes, result.data_parallel);
    *ret = result;
    return 0;
}
