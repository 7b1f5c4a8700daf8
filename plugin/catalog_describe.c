/* SPDX-License-Identifier: Apache-2.0 */
/* `models describe` and `skus describe` for people. */
#include <inttypes.h>

#include "plugin/catalog_text.h"
#include "plugin/output.h"
#include "plugin/planning.h"
#include "sizing/explain.h"

static void add_line(struct kt_strbuf *text, const char *label, const char *value)
{
    kt_strbuf_printf(text, "%-16s ", label);
    kt_output_escape(text, kt_str(value && value[0] ? value : "<none>"));
    kt_strbuf_putc(text, '\n');
}

static const char *join_modules(struct kt_arena *arena, const struct kt_architecture *architecture)
{
    struct kt_strbuf names;
    kt_strbuf_init(&names, arena, (size_t)(4 * KT_KIB));
    for (uint32_t i = 0; i < architecture->module_count; i++)
        kt_strbuf_printf(&names, "%s%s", i ? ", " : "", architecture->modules[i].name);
    return names.data;
}

static const char *join_default_targets(struct kt_arena *arena, const struct kt_model *model)
{
    struct kt_strbuf names;
    kt_strbuf_init(&names, arena, (size_t)(4 * KT_KIB));
    for (uint32_t i = 0; i < model->default_target_count; i++)
        kt_strbuf_printf(&names, "%s%s", i ? ", " : "", model->default_targets[i]);
    return names.data;
}

static const char *weights_of(struct kt_arena *arena, const struct kt_model *model)
{
    const char *size = model->weights_text ? model->weights_text : "unknown size";
    if (model->image_tag)
        return kt_arena_printf(arena, "%s, in the image kaito-%s:%s", size, model->name, model->image_tag);
    return kt_arena_printf(arena, "%s, downloaded when the server starts", size);
}

static const char *sizes_of(struct kt_arena *arena, const struct kt_architecture *a)
{
    if (!kt_architecture_known(a))
        return "not known in full, so a tuning cannot be sized";
    return kt_arena_printf(arena,
                           "%" PRIu32 " layers, hidden %" PRIu32 ", MLP %" PRIu32 ", %" PRIu32 " heads (%" PRIu32
                           " for keys and values), vocabulary %" PRIu32,
                           a->layers, a->hidden_size, a->intermediate_size, a->attention_heads, a->kv_heads,
                           a->vocab_size);
}

static const char *tuning_of(const struct kt_model *model)
{
    if (model->tunable)
        return "yes";
    return model->was_tunable ? "no longer; older versions could" : "no";
}

/* "  qlora     4.1 GiB   Standard_... (...)" */
static void add_cheapest(struct kt_app *app, struct kt_strbuf *text, const char *label, const struct kt_need *need,
                         enum kt_cloud cloud)
{
    size_t count = 0;
    const struct kt_sku_fit *fits = kt_sizing_rank_skus(app->arena, need, cloud, &count);
    const struct kt_sku_fit *best = fits ? kt_sizing_cheapest(fits, count) : NULL;
    kt_strbuf_printf(text, "  %-8s ", label);
    if (!best) {
        kt_strbuf_puts(text, "no machine type with a known price fits with room\n");
        return;
    }
    if (!need->inference)
        kt_strbuf_printf(text, "%5.1f GiB per GPU:  ", best->range.high.total_bytes / (double)KT_GIB);
    else
        kt_strbuf_printf(text, "%2" PRIu32 " node%-10s  ", best->nodes, best->nodes == 1 ? ":" : "s:");
    kt_explain_sku(text, best->sku);
    kt_strbuf_putc(text, '\n');
}

static void add_cheapest_lines(struct kt_app *app, struct kt_strbuf *text, const struct kt_model *model,
                               const struct kt_settings *settings)
{
    enum kt_cloud cloud = settings->cloud;
    kt_strbuf_printf(text, "\nCheapest machine type of %s that fits with room%s:\n", kt_cloud_name(cloud),
                     model->tunable ? " (tuning: batch size 1, 1024 tokens, rank 8)" : "");
    static const struct {
        const char *label;
        enum kt_tuning_method method;
    } methods[] = {{"qlora", KT_METHOD_QLORA}, {"lora", KT_METHOD_LORA}};
    for (size_t i = 0; model->tunable && i < KT_ARRAY_LENGTH(methods); i++) {
        struct kt_tuning_needs needs;
        if (!kt_plan_default_tuning(settings, model, methods[i].method, &needs))
            continue;
        const struct kt_need need = kt_plan_need(&needs);
        add_cheapest(app, text, methods[i].label, &need, cloud);
    }
    struct kt_inference_input input;
    const struct kt_need need = {.inference = &input};
    if (kt_plan_default_inference(model, &input))
        add_cheapest(app, text, "serving", &need, cloud);
}

void kt_text_describe_model(struct kt_app *app, struct kt_strbuf *text, const struct kt_model *model,
                            const struct kt_settings *settings)
{
    struct kt_arena *arena = app->arena;
    add_line(text, "Name:", model->name);
    for (const char *const *alias = model->aliases; alias && *alias; alias++)
        add_line(text, "Also called:", *alias);
    add_line(text, "Family:", model->family);
    add_line(text, "Hugging Face:", model->hugging_face ? model->hugging_face : model->built_in ? NULL : model->name);
    add_line(text, "Status:", kt_text_model_status(arena, model));
    if (model->status != KT_MODEL_CURRENT)
        add_line(text, "Use instead:", model->replacement);
    add_line(text, "Fine-tuning:", tuning_of(model));
    add_line(text, "Served by:", model->supports_transformers ? "vllm, transformers" : "vllm");
    add_line(text,
             "Access token:", model->needs_access_token ? "needed: a Secret with the key HF_TOKEN" : "not needed");
    add_line(text,
             "Context:", model->token_limit ? kt_arena_printf(arena, "%" PRIu32 " tokens", model->token_limit) : NULL);
    add_line(text, "Weights:", weights_of(arena, model));
    add_line(text, "Sizes:", sizes_of(arena, &model->architecture));
    if (model->architecture.module_count > 0) {
        add_line(text, "Modules:", join_modules(arena, &model->architecture));
        add_line(text, "Adapted:",
                 model->default_target_count > 0
                     ? kt_arena_printf(arena, "%s, when LoraConfig.target_modules names none",
                                       join_default_targets(arena, model))
                     : "what LoraConfig.target_modules names");
    }
    if (model->status == KT_MODEL_CURRENT)
        add_cheapest_lines(app, text, model, settings);
}

/* --- machine types -------------------------------------------------------------------------------------------------
 */

static void add_tunable_models(struct kt_app *app, struct kt_strbuf *text, const struct kt_sku *sku,
                               const struct kt_settings *settings)
{
    static const char *const headers[] = {"MODEL", "QLORA", "LORA", NULL};
    static const enum kt_tuning_method methods[] = {KT_METHOD_QLORA, KT_METHOD_LORA};
    struct kt_table table;
    kt_table_init(&table, app->arena, headers, false);
    for (size_t i = 0; i < kt_model_count; i++) {
        if (!kt_models[i].tunable || !kt_architecture_known(&kt_models[i].architecture))
            continue;
        kt_table_add(&table, kt_models[i].name);
        for (size_t j = 0; j < KT_ARRAY_LENGTH(methods); j++) {
            struct kt_tuning_needs needs;
            bool is_sized = kt_plan_default_tuning(settings, &kt_models[i], methods[j], &needs);
            kt_table_add(&table, is_sized ? kt_fit_name(kt_plan_tuning_fit(&needs, sku)) : NULL);
        }
    }
    kt_strbuf_puts(text, "\nTuning (batch size 1, 1024 tokens, rank 8):\n");
    kt_table_write(&table, text, 2);
}

static const char *image_line(struct kt_arena *arena, const struct kt_sku *sku, const struct kt_settings *settings)
{
    struct kt_trainer trainer = kt_plan_trainer_of(settings, sku);
    if (trainer.runs)
        return kt_arena_printf(arena, "kaito-base:%s", trainer.tag);
    if (sku->vendor != KT_GPU_NVIDIA)
        return NULL;
    return kt_arena_printf(arena, "none: kaito-base:%s needs compute capability %s or more", trainer.tag,
                           kt_text_capability(arena, trainer.image->oldest_gpu));
}

void kt_text_describe_sku(struct kt_app *app, struct kt_strbuf *text, const struct kt_sku *sku,
                          const struct kt_settings *settings)
{
    struct kt_arena *arena = app->arena;
    add_line(text, "Name:", sku->name);
    add_line(text, "Cloud:", kt_cloud_name(sku->cloud));
    add_line(text, "Status:", kt_text_sku_status(arena, sku));
    if (!sku->current)
        add_line(text, "Use instead:", sku->replacement);
    add_line(text, "GPUs:",
             sku->gpu_count ? kt_arena_printf(arena, "%" PRIu32 " x %s", sku->gpu_count, sku->gpu_model)
                            : sku->gpu_model);
    add_line(text, "Memory per GPU:", kt_text_gpu_memory(arena, sku));
    uint64_t usable = kt_sizing_usable_bytes_per_gpu(sku);
    if (usable)
        add_line(text, "Usable of it:", kt_arena_printf(arena, "%.1f GiB", (double)usable / (double)KT_GIB));
    const char *capability = kt_text_capability(arena, sku->compute_capability);
    add_line(text, "Capability:",
             capability ? kt_arena_printf(arena, "%s: %s", capability,
                                          kt_plan_has_bf16(sku) ? "bfloat16 and FlashAttention-2"
                                                                : "no native bfloat16, no FlashAttention-2")
                        : NULL);
    add_line(text, "Tuning image:", image_line(arena, sku, settings));
    add_line(text, "NVMe disk:", sku->nvme_disk ? "yes" : "no");
    const char *price = kt_text_price(arena, sku->price_milli_usd_per_hour);
    add_line(text, "Price:",
             price ? kt_arena_printf(arena, "%s USD/h on demand%s%s", price, sku->price_region ? ", " : "",
                                     sku->price_region ? sku->price_region : "")
                   : "unknown");
    if (sku->vendor != KT_GPU_NVIDIA)
        kt_strbuf_puts(text, "\nKaito's images need NVIDIA GPUs, so neither tuning nor serving runs here.\n");
    else if (usable && kt_plan_trainer_of(settings, sku).runs)
        add_tunable_models(app, text, sku, settings);
}
