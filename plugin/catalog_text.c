/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/catalog_text.h"

#include <inttypes.h>

#include "plugin/planning.h"

const char *kt_text_tokens(struct kt_arena *arena, uint32_t tokens)
{
    return tokens ? kt_arena_printf(arena, "%" PRIu32, tokens) : NULL;
}

const char *kt_text_price(struct kt_arena *arena, uint64_t milli_usd)
{
    uint64_t cents = (milli_usd + 5) / 10;
    return milli_usd ? kt_arena_printf(arena, "%" PRIu64 ".%02" PRIu64, cents / 100, cents % 100) : NULL;
}

const char *kt_text_gpu_memory(struct kt_arena *arena, const struct kt_sku *sku)
{
    uint64_t bytes = kt_sku_bytes_per_gpu(sku);
    return bytes ? kt_arena_printf(arena, "%" PRIu64 " GiB", bytes / KT_GIB) : NULL;
}

const char *kt_text_model_status(struct kt_arena *arena, const struct kt_model *model)
{
    switch (model->status) {
    case KT_MODEL_CURRENT:
        return "current";
    case KT_MODEL_DEPRECATED:
        return "deprecated";
    case KT_MODEL_RETIRED:
        break;
    }
    return model->retired_in ? kt_arena_printf(arena, "retired in %s", model->retired_in) : "retired";
}

const char *kt_text_sku_status(struct kt_arena *arena, const struct kt_sku *sku)
{
    if (sku->current)
        return "current";
    return sku->retired_in ? kt_arena_printf(arena, "retired in %s", sku->retired_in) : "never supported";
}

const char *kt_text_sku_image(const struct kt_sku *sku, const struct kt_settings *settings)
{
    struct kt_trainer trainer = kt_plan_trainer_of(settings, sku);
    return trainer.runs ? trainer.tag : NULL;
}

const char *kt_text_capability(struct kt_arena *arena, uint32_t compute_capability)
{
    return compute_capability
               ? kt_arena_printf(arena, "%" PRIu32 ".%" PRIu32, compute_capability / 10, compute_capability % 10)
               : NULL;
}

/* --- trees ---------------------------------------------------------------------------------------------------------
 */

cJSON *kt_tree_price(struct kt_arena *arena, uint64_t milli_usd)
{
    return milli_usd ? kt_json_new_double(arena, (double)milli_usd / 1000) : kt_json_new_null(arena);
}

static void set_text_or_null(struct kt_arena *arena, cJSON *object, const char *key, const char *text)
{
    kt_json_set(arena, object, key, kt_json_new_string(arena, text));
}

static void set_number_or_null(struct kt_arena *arena, cJSON *object, const char *key, uint64_t value)
{
    kt_json_set(arena, object, key, value ? kt_json_new_int(arena, (int64_t)value) : kt_json_new_null(arena));
}

static cJSON *tree_architecture(struct kt_arena *arena, const struct kt_model *model)
{
    const struct kt_architecture *from = &model->architecture;
    if (!kt_architecture_known(from))
        return kt_json_new_null(arena);
    cJSON *tree = kt_json_new_object(arena);
    kt_json_set_int(arena, tree, "hiddenSize", from->hidden_size);
    kt_json_set_int(arena, tree, "layers", from->layers);
    kt_json_set_int(arena, tree, "attentionHeads", from->attention_heads);
    kt_json_set_int(arena, tree, "kvHeads", from->kv_heads);
    kt_json_set_int(arena, tree, "headDim", from->head_dim);
    kt_json_set_int(arena, tree, "intermediateSize", from->intermediate_size);
    kt_json_set_int(arena, tree, "vocabSize", from->vocab_size);
    kt_json_set_bool(arena, tree, "tiedEmbeddings", from->tied_embeddings);
    cJSON *modules = kt_json_new_array(arena);
    for (uint32_t i = 0; i < from->module_count; i++) {
        cJSON *module = kt_json_new_object(arena);
        kt_json_set_string(arena, module, "name", from->modules[i].name);
        kt_json_set_int(arena, module, "in", from->modules[i].in_features);
        kt_json_set_int(arena, module, "out", from->modules[i].out_features);
        kt_json_append(arena, modules, module);
    }
    kt_json_set(arena, tree, "modules", modules);
    cJSON *targets = kt_json_new_array(arena);
    for (uint32_t i = 0; i < model->default_target_count; i++)
        kt_json_append(arena, targets, kt_json_new_string(arena, model->default_targets[i]));
    kt_json_set(arena, tree, "defaultTargetModules", targets);
    return tree;
}

cJSON *kt_tree_model(struct kt_arena *arena, const struct kt_model *model)
{
    static const char *const statuses[] = {
        [KT_MODEL_CURRENT] = "current", [KT_MODEL_DEPRECATED] = "deprecated", [KT_MODEL_RETIRED] = "retired"};
    cJSON *tree = kt_json_new_object(arena);
    kt_json_set_string(arena, tree, "name", model->name);
    set_text_or_null(arena, tree, "huggingFace",
                     model->hugging_face ? model->hugging_face
                     : model->built_in   ? NULL
                                         : model->name);
    kt_json_set_string(arena, tree, "family", model->family);
    kt_json_set_string(arena, tree, "status", statuses[model->status]);
    set_text_or_null(arena, tree, "retiredIn", model->retired_in);
    set_text_or_null(arena, tree, "replacement", model->replacement);
    kt_json_set_bool(arena, tree, "tunable", model->tunable);
    cJSON *runtimes = kt_json_new_array(arena);
    kt_json_append(arena, runtimes, kt_json_new_string(arena, "vllm"));
    if (model->supports_transformers)
        kt_json_append(arena, runtimes, kt_json_new_string(arena, "transformers"));
    kt_json_set(arena, tree, "runtimes", runtimes);
    kt_json_set_bool(arena, tree, "needsAccessToken", model->needs_access_token);
    kt_json_set_bool(arena, tree, "quantised", model->quantised);
    set_text_or_null(arena, tree, "imageTag", model->image_tag);
    set_number_or_null(arena, tree, "weightsBytes", model->weights_bytes);
    set_number_or_null(arena, tree, "kvBytesPerToken", model->kv_bytes_per_token);
    set_number_or_null(arena, tree, "tokenLimit", model->token_limit);
    kt_json_set(arena, tree, "architecture", tree_architecture(arena, model));
    return tree;
}

cJSON *kt_tree_sku(struct kt_arena *arena, const struct kt_sku *sku, const struct kt_settings *settings)
{
    static const char *const vendors[] = {[KT_GPU_NVIDIA] = "nvidia",
                                          [KT_GPU_AMD] = "amd",
                                          [KT_GPU_AWS_NEURON] = "aws-neuron",
                                          [KT_GPU_UNKNOWN] = "unknown"};
    cJSON *tree = kt_json_new_object(arena);
    kt_json_set_string(arena, tree, "name", sku->name);
    kt_json_set_string(arena, tree, "cloud", kt_cloud_name(sku->cloud));
    kt_json_set_bool(arena, tree, "current", sku->current);
    set_text_or_null(arena, tree, "retiredIn", sku->retired_in);
    set_text_or_null(arena, tree, "replacement", sku->replacement);
    kt_json_set_string(arena, tree, "gpuVendor", vendors[sku->vendor]);
    kt_json_set_string(arena, tree, "gpuModel", sku->gpu_model);
    set_number_or_null(arena, tree, "gpus", sku->gpu_count);
    set_number_or_null(arena, tree, "memoryBytes", sku->memory_bytes);
    set_number_or_null(arena, tree, "memoryBytesPerGPU", kt_sku_bytes_per_gpu(sku));
    set_text_or_null(arena, tree, "computeCapability", kt_text_capability(arena, sku->compute_capability));
    set_text_or_null(arena, tree, "trainerImage", kt_text_sku_image(sku, settings));
    kt_json_set_bool(arena, tree, "nvmeDisk", sku->nvme_disk);
    kt_json_set(arena, tree, "pricePerHourUSD", kt_tree_price(arena, sku->price_milli_usd_per_hour));
    set_text_or_null(arena, tree, "priceRegion", sku->price_region);
    return tree;
}
