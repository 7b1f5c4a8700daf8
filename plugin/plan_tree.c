/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as a tree: the members and units that the specification names, bytes per GPU. */
#include "plugin/catalog_text.h"
#include "plugin/plan.h"

static void set_bytes(struct kt_arena *arena, cJSON *object, const char *key, double bytes)
{
    kt_json_set_int(arena, object, key, (int64_t)(bytes + 0.5));
}

static cJSON *array_of(struct kt_arena *arena, const char *const *texts)
{
    cJSON *array = kt_json_new_array(arena);
    for (; *texts; texts++)
        kt_json_append(arena, array, kt_json_new_string(arena, *texts));
    return array;
}

static cJSON *tuning_estimate(struct kt_arena *arena, const struct kt_plan *plan)
{
    const struct kt_tuning_estimate *e = &plan->estimate;
    cJSON *tree = kt_json_new_object(arena);
    set_bytes(arena, tree, "weightsBytes", e->weights_bytes);
    set_bytes(arena, tree, "adapterBytes", e->adapter_bytes);
    set_bytes(arena, tree, "activationBytes", e->activation_bytes);
    set_bytes(arena, tree, "logitsBytes", e->logits_bytes);
    set_bytes(arena, tree, "overheadBytes", e->overhead_bytes);
    set_bytes(arena, tree, "totalBytes", e->total_bytes);
    set_bytes(arena, tree, "lowBytes", e->total_bytes);
    set_bytes(arena, tree, "highBytes", e->total_bytes);
    return tree;
}

/* Depends on the machine: the one named, otherwise the cheapest. */
static cJSON *serving_estimate(struct kt_arena *arena, const struct kt_plan *plan)
{
    const struct kt_sku_fit *fit = plan->chosen ? plan->chosen : plan->cheapest;
    if (!fit || fit->fit > KT_FIT_TIGHT)
        return kt_json_new_null(arena);
    const struct kt_inference_estimate *e = &fit->inference;
    cJSON *tree = kt_json_new_object(arena);
    kt_json_set_string(arena, tree, "instanceType", fit->sku->name);
    set_bytes(arena, tree, "weightsBytes", (double)e->weights_bytes);
    set_bytes(arena, tree, "kvCacheBytes", (double)e->kv_cache_bytes);
    set_bytes(arena, tree, "overheadBytes", (double)e->overhead_bytes);
    set_bytes(arena, tree, "totalBytes", kt_plan_needed_bytes(plan, fit));
    set_bytes(arena, tree, "availableBytes", (double)e->available_bytes);
    kt_json_set(arena, tree, "largestContext",
                e->largest_context ? kt_json_new_int(arena, e->largest_context) : kt_json_new_null(arena));
    return tree;
}

static cJSON *sku_tree(struct kt_arena *arena, const struct kt_plan *plan, const struct kt_sku_fit *fit)
{
    cJSON *tree = kt_json_new_object(arena);
    kt_json_set_string(arena, tree, "name", fit->sku->name);
    kt_json_set_string(arena, tree, "cloud", kt_cloud_name(fit->sku->cloud));
    if (!plan->inference) {
        struct kt_trainer trainer = kt_plan_trainer(plan, fit->sku);
        kt_json_set(arena, tree, "image", kt_json_new_string(arena, fit->no_image ? NULL : trainer.tag));
    }
    kt_json_set_int(arena, tree, "gpus", fit->sku->gpu_count);
    kt_json_set_string(arena, tree, "gpuModel", fit->sku->gpu_model);
    kt_json_set_int(arena, tree, "usableBytesPerGPU", (int64_t)fit->usable_bytes_per_gpu);
    kt_json_set_string(arena, tree, "fit", kt_fit_name(fit->fit));
    kt_json_set_int(arena, tree, "nodes", fit->nodes);
    kt_json_set(arena, tree, "largestBatchSize",
                plan->inference ? kt_json_new_null(arena) : kt_json_new_int(arena, fit->largest_batch));
    kt_json_set(arena, tree, "pricePerHourUSD", kt_tree_price(arena, fit->price_milli_usd_per_hour));
    kt_json_set(arena, tree, "warnings", array_of(arena, kt_plan_sku_warnings(arena, plan, fit)));
    return tree;
}

static void set_tuning(struct kt_arena *arena, cJSON *tree, const struct kt_plan *plan)
{
    const struct kt_tuning_input *tuning = &plan->tuning;
    bool has_image = !plan->chosen || !plan->chosen->no_image;
    kt_json_set(arena, tree, "image", kt_json_new_string(arena, has_image ? plan->trainer.tag : NULL));
    kt_json_set_string(arena, tree, "data", plan->data == KT_DATA_COMPLETIONS ? "prompt-completion" : "messages");
    kt_json_set_int(arena, tree, "batchSize", tuning->batch_size);
    kt_json_set_int(arena, tree, "sequenceLength", tuning->sequence_length);
    kt_json_set_int(arena, tree, "rank", tuning->rank);
    kt_json_set(arena, tree, "targetModules", array_of(arena, kt_plan_targets(arena, plan)));
    kt_json_set_string(arena, tree, "attention", tuning->attention == KT_ATTENTION_EAGER ? "eager" : "flash");
    kt_json_set_bool(arena, tree, "gradientCheckpointing", tuning->gradient_checkpointing);
    kt_json_set_string(arena, tree, "loss", tuning->loss == KT_LOSS_CHUNKED ? "chunked" : "full");
    if (tuning->method == KT_METHOD_QLORA) {
        kt_json_set_int(arena, tree, "quantisationBits", tuning->quantisation_bits);
        kt_json_set_bool(arena, tree, "doubleQuant", tuning->double_quantisation);
    }
    kt_json_set(arena, tree, "estimate", tuning_estimate(arena, plan));
}

int kt_plan_write_tree(struct kt_app *app, const struct kt_plan *plan, const struct kt_output_format *format,
                       struct kt_error *error)
{
    struct kt_arena *arena = app->arena;
    cJSON *tree = kt_json_new_object(arena), *skus = kt_json_new_array(arena), *notes = kt_json_new_array(arena);
    kt_json_set_string(arena, tree, "model", plan->model->name);
    kt_json_set_string(arena, tree, "method", plan->method);
    if (plan->inference) {
        kt_json_set_int(arena, tree, "sequenceLength",
                        plan->serving.context_length ? plan->serving.context_length : 2048);
        kt_json_set(arena, tree, "estimate", serving_estimate(arena, plan));
    } else {
        set_tuning(arena, tree, plan);
    }
    for (size_t i = 0; i < plan->fit_count; i++)
        kt_json_append(arena, skus, sku_tree(arena, plan, &plan->fits[i]));
    kt_json_set(arena, tree, "skus", skus);
    kt_json_set(arena, tree, "cheapest", kt_json_new_string(arena, plan->cheapest ? plan->cheapest->sku->name : NULL));
    if (plan->chosen)
        kt_json_set(arena, tree, "instanceType", sku_tree(arena, plan, plan->chosen));
    for (size_t i = 0; i < plan->note_count; i++)
        kt_json_append(arena, notes, kt_json_new_string(arena, plan->notes[i]));
    kt_json_set(arena, tree, "notes", notes);
    return kt_output_write_tree(app, format, tree, error);
}
