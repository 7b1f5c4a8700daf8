/* SPDX-License-Identifier: Apache-2.0 */
/* Working a plan out: model, what is done with it, and how every machine type of the cloud does. */
#include "plugin/plan.h"

#include <inttypes.h>

#include "base/limits.h"
#include "plugin/catalog_text.h"
#include "plugin/hf_config.h"
#include "plugin/planning.h"

/* A machine type is offered as a better deal up to this share of the chosen one's price. */
#define DEAL_PERCENT 125u
/* Below it current builds of PyTorch have no kernels. */
#define OLDEST_CAPABILITY 70u

static void add_note(struct kt_plan *plan, const char *note)
{
    if (note && plan->note_count < KT_PLAN_MOST_NOTES)
        plan->notes[plan->note_count++] = note;
}

/* --- the model -----------------------------------------------------------------------------------------------------
 */

static int read_hf_config(struct kt_app *app, const char *path, const char *name, const struct kt_model **ret,
                          struct kt_error *error)
{
    struct kt_str text;
    struct kt_json_parsed parsed;
    const struct kt_files *files = app->environment->files;
    struct kt_model *model = kt_arena_alloc(app->arena, sizeof(*model));
    if (!model)
        return kt_error_set(error, KT_ENOMEM, "not enough memory");
    int code = files->read(files->context, app->arena, path, KT_LIMIT_MANIFEST_BYTES, &text, error);
    if (code != 0)
        return code;
    code = kt_json_parse(app->arena, text, KT_JSON_DUPLICATES_REFUSE, &parsed, error);
    if (code == 0)
        code = kt_hf_config_model(app->arena, parsed.root, name, model, error);
    if (code != 0)
        return kt_error_wrap(error, "--hf-config %s", path);
    *ret = model;
    return 0;
}

static int find_model(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *plan,
                      struct kt_error *error)
{
    const char *name = app->argument_count > 0 ? app->arguments[0] : NULL;
    if (options->hf_config) {
        plan->outside_catalogue = true;
        return read_hf_config(app, options->hf_config, name, &plan->model, error);
    }
    if (!name)
        return kt_app_usage_fault(app, error, "name a model, or give its config.json with --hf-config");
    return kt_plan_find_model(name, &plan->model, error);
}

static void note_model(struct kt_app *app, struct kt_plan *plan)
{
    const struct kt_model *model = plan->model;
    struct kt_arena *arena = app->arena;
    const char *since = model->retired_in ? kt_arena_printf(arena, " since %s", model->retired_in) : "";
    if (model->status != KT_MODEL_CURRENT)
        add_note(plan, kt_arena_printf(arena, "Kaito has not taken %s%s%s%s", model->name, since,
                                       model->replacement ? "; the nearest current model is " : "",
                                       model->replacement ? model->replacement : ""));
    if (!plan->inference && plan->outside_catalogue)
        add_note(plan, "Kaito tunes presets only: this is what the model would need, not an offer to tune it");
    else if (!plan->inference && !model->tunable)
        add_note(plan, kt_arena_printf(arena,
                                       "%s cannot be fine-tuned with the images of Kaito " KT_UPSTREAM_VERSION
                                       ": this is what it would need",
                                       model->name));
    if (!plan->inference && model->quantised)
        add_note(plan, "the weights are quantised already, and the sizes here are those of 16-bit ones");
    if (plan->inference && model->needs_access_token)
        add_note(plan, "the model is behind a licence: a Secret with the key HF_TOKEN is needed to download it");
    uint32_t length = plan->inference ? plan->serving.context_length : plan->tuning.sequence_length;
    if (model->token_limit > 0 && length > model->token_limit)
        add_note(plan, kt_arena_printf(arena, "%" PRIu32 " tokens are more than the model's limit of %" PRIu32, length,
                                       model->token_limit));
}

/* --- what is done with it ------------------------------------------------------------------------------------------
 */

static int choose_method(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *plan,
                         struct kt_error *error)
{
    const struct kt_model *model = plan->model;
    bool can_size = kt_architecture_known(&model->architecture);
    plan->method = options->method;
    if (!plan->method && can_size && (model->tunable || plan->outside_catalogue)) {
        plan->method = "qlora";
    } else if (!plan->method) {
        plan->method = "inference";
        add_note(plan,
                 kt_arena_printf(app->arena, "%s cannot be fine-tuned, so this is about serving it", model->name));
    }
    plan->inference = kt_streq(plan->method, "inference");
    if (!plan->inference && !can_size)
        return kt_error_set(error, KT_EINVAL,
                            "the sizes of %s are not known in full, so a tuning cannot be sized; serving can: --method "
                            "inference",
                            model->name);
    if (plan->inference && model->weights_bytes == 0)
        return kt_error_set(error, KT_EINVAL, "the size of %s is not known, so serving cannot be sized", model->name);
    return 0;
}

/* Flags that have no meaning for what is planned: a wrong expectation, so say it. */
static int refuse_idle_flags(struct kt_app *app, const struct kt_plan_options *options, const struct kt_plan *plan,
                             struct kt_error *error)
{
    const struct {
        const char *name;
        bool given;
        bool of_tuning;
        bool of_qlora;
    } flags[] = {
        {"batch-size", options->batch_size.given, true, false},
        {"rank", options->rank.given, true, false},
        {"target-modules", options->target_modules.count > 0, true, false},
        {"data", options->data != NULL, true, false},
        {"trainer-image", options->judge.trainer_image != NULL, true, false},
        {"attention", options->attention != NULL, true, false},
        {"gradient-checkpointing", options->gradient_checkpointing != KT_SWITCH_UNSET, true, false},
        {"loss", options->loss != NULL, true, false},
        {"double-quant", options->double_quant != KT_SWITCH_UNSET, true, true},
        {"quantisation", options->quantisation != NULL, true, true},
    };
    bool qlora = kt_streq(plan->method, "qlora");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(flags); i++) {
        if (flags[i].given && plan->inference)
            return kt_app_usage_fault(app, error, "--%s is for tuning, and this plan is for inference%s", flags[i].name,
                                      options->method ? "" : "; --method qlora or lora asks for a tuning");
        if (flags[i].given && flags[i].of_qlora && !qlora)
            return kt_app_usage_fault(app, error, "--%s is for qlora: lora keeps the weights in 16 bit", flags[i].name);
    }
    if (options->quantisation && kt_streq(options->quantisation, "8"))
        return kt_app_usage_fault(app, error,
                                  "--quantisation 8: the trainer of every image ends on weights in 8 bit, after the "
                                  "node is paid for (rule C024); 4 works");
    if (options->quantisation && !kt_streq(options->quantisation, "4"))
        return kt_app_usage_fault(app, error, "--quantisation: \"%.60s\" is not 4, the bits that qlora works with",
                                  options->quantisation);
    if (qlora && options->gradient_checkpointing == KT_SWITCH_OFF)
        return kt_app_usage_fault(
            app, error,
            "--gradient-checkpointing=false is for lora: qlora's trainer switches it on, whatever "
            "is set");
    return 0;
}

/* --- machine types -------------------------------------------------------------------------------------------------
 */

static const struct kt_sku_fit *fit_of(const struct kt_plan *plan, const struct kt_sku *sku)
{
    for (size_t i = 0; i < plan->fit_count; i++)
        if (plan->fits[i].sku == sku)
            return &plan->fits[i];
    return NULL;
}

static int choose_sku(const struct kt_plan_options *options, struct kt_plan *plan, struct kt_error *error)
{
    if (!options->instance_type)
        return 0;
    if (kt_streq_nocase(options->instance_type, "auto")) {
        plan->chosen = plan->cheapest;
        return plan->chosen
                   ? 0
                   : kt_error_set(error, KT_ENOTFOUND,
                                  "--instance-type=auto: no machine type of %s with a known price fits with room",
                                  kt_cloud_name(plan->cloud));
    }
    const struct kt_sku *sku;
    int code = kt_plan_find_sku(options->instance_type, &plan->cloud, &sku, error);
    if (code != 0)
        return kt_error_wrap(error, "--instance-type");
    plan->chosen = fit_of(plan, sku);
    if (!plan->chosen)
        return kt_error_set(error, KT_EINVAL,
                            "--instance-type: %s has %s, and Kaito's images need an NVIDIA GPU of known "
                            "size",
                            sku->name, sku->gpu_model);
    return 0;
}

static int judge_skus(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *plan,
                      struct kt_error *error)
{
    plan->cloud = KT_CLOUD_AZURE;
    if (options->cloud)
        kt_cloud_parse(kt_str(options->cloud), &plan->cloud);
    const struct kt_sku *named = options->instance_type ? kt_sku_find_any(kt_str(options->instance_type)) : NULL;
    if (!options->cloud && named)
        plan->cloud = named->cloud;
    const struct kt_need need =
        plan->inference
            ? (struct kt_need){.inference = &plan->serving}
            : (struct kt_need){.by_gpu = plan->needs->rows, .by_gpu_count = plan->needs->count, .refuse_batches = true};
    plan->fits = kt_sizing_rank_skus(app->arena, &need, plan->cloud, &plan->fit_count);
    if (!plan->fits)
        return kt_error_set(error, KT_ENOMEM, "not enough memory");
    plan->cheapest = kt_sizing_cheapest(plan->fits, plan->fit_count);
    return choose_sku(options, plan, error);
}

/* A machine type that is named decides; otherwise what is sized is a GPU as most have it. */
static int size_tuning(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *plan,
                       struct kt_error *error)
{
    const char *machine = options->instance_type;
    int code = kt_plan_set_tuning(app, options, plan, error);
    if (code == 0 && (!machine || kt_streq_nocase(machine, "auto")))
        code = kt_plan_tune_on(plan, KT_PLAN_MODERN_CAPABILITY, error);
    if (code == 0)
        code = judge_skus(app, options, plan, error);
    if (code == 0 && plan->chosen)
        code = kt_plan_tune_on(
            plan, plan->chosen->no_image ? KT_PLAN_MODERN_CAPABILITY : plan->chosen->sku->compute_capability, error);
    if (code == 0)
        plan->estimate = kt_sizing_tuning(&plan->tuning);
    return code;
}

static int size_serving(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *plan,
                        struct kt_error *error)
{
    if (!kt_plan_default_inference(plan->model, &plan->serving))
        return kt_error_set(error, KT_EINVAL, "the size of %s is not known", plan->model->name);
    plan->serving.context_length = options->sequence_length.value;
    return judge_skus(app, options, plan, error);
}

int kt_plan_make(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *ret, struct kt_error *error)
{
    struct kt_plan plan = {0};
    int code = kt_plan_settings(app, &options->judge, &plan.settings, error);
    if (code == 0)
        code = find_model(app, options, &plan, error);
    if (code == 0)
        code = choose_method(app, options, &plan, error);
    if (code == 0)
        code = refuse_idle_flags(app, options, &plan, error);
    if (code == 0)
        code = plan.inference ? size_serving(app, options, &plan, error) : size_tuning(app, options, &plan, error);
    if (code != 0)
        return code;
    note_model(app, &plan);
    *ret = plan;
    return 0;
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

static void add_text(struct kt_arena *arena, struct kt_texts *texts, const char *text)
{
    if (text && !kt_texts_add(arena, texts, text))
        arena->failed = true;
}

static const char *why_no_image(struct kt_arena *arena, const struct kt_plan *plan, const struct kt_sku *sku)
{
    struct kt_trainer trainer = kt_plan_trainer(plan, sku);
    bool is_qlora = plan->tuning.method == KT_METHOD_QLORA;
    uint32_t oldest =
        is_qlora ? KT_MAX(trainer.image->oldest_gpu, trainer.image->oldest_gpu_qlora) : trainer.image->oldest_gpu;
    return kt_arena_printf(
        arena, "no image for the GPU: kaito-base:%s needs compute capability %s or more, and it has %s", trainer.tag,
        kt_text_capability(arena, oldest), kt_text_capability(arena, sku->compute_capability));
}

/* What a tuning must know of a GPU that an image runs on. */
static void add_trainer_warnings(struct kt_arena *arena, struct kt_texts *texts, const struct kt_plan *plan,
                                 const struct kt_sku *sku)
{
    struct kt_trainer trainer = kt_plan_trainer(plan, sku);
    const struct kt_tuning_input *tuning = kt_plan_tuning(plan, sku);
    if (!tuning)
        return;
    bool is_float16 = kt_settings_trains_in_float16(&plan->settings, sku->compute_capability);
    bool is_lora = tuning->method == KT_METHOD_LORA;
    if (sku->compute_capability > 0 && !kt_plan_has_bf16(sku))
        add_text(arena, texts,
                 !is_float16 ? "the GPU has no bfloat16, which the template trains in: it is emulated, and slow"
                 : is_lora   ? "the GPU has no bfloat16: the template trains in float16, without loss scaling in lora, "
                               "so qlora is the sounder choice"
                             : "the GPU has no bfloat16: the template trains in float16");
    if (plan->wanted_length.given && plan->wanted_length.value != tuning->sequence_length)
        add_text(arena, texts,
                 kt_arena_printf(arena,
                                 "kaito-base:%s cuts rows at %" PRIu32
                                 " tokens, and no key changes that: a sequence length of %" PRIu32
                                 " cannot be had here",
                                 trainer.tag, tuning->sequence_length, plan->wanted_length.value));
    if (plan->wants_chunked_loss && tuning->loss == KT_LOSS_FULL)
        add_text(arena, texts,
                 kt_arena_printf(arena,
                                 "kaito-base:%s computes the loss over all tokens at once, and no key changes that",
                                 trainer.tag));
    if (tuning->most_batch > 0 && tuning->batch_size > tuning->most_batch)
        add_text(arena, texts,
                 kt_arena_printf(arena, "kaito-base:%s ends on every batch size above %" PRIu32 " with rows of %s",
                                 trainer.tag, tuning->most_batch, kt_plan_data_name(plan)));
}

const char *const *kt_plan_sku_warnings(struct kt_arena *arena, const struct kt_plan *plan,
                                        const struct kt_sku_fit *fit)
{
    static const char *none[1];
    const struct kt_sku *sku = fit->sku;
    struct kt_texts texts = {0};
    if (fit->no_image)
        add_text(arena, &texts, why_no_image(arena, plan, sku));
    if (!sku->current)
        add_text(arena, &texts,
                 kt_arena_printf(arena, "%s%s%s%s",
                                 sku->retired_in ? "retired: not in Kaito's table since " : "never in Kaito's table",
                                 sku->retired_in ? sku->retired_in : "",
                                 sku->replacement ? "; the nearest current one is " : "",
                                 sku->replacement ? sku->replacement : ""));
    if (!plan->inference)
        add_trainer_warnings(arena, &texts, plan, sku);
    else if (sku->compute_capability > 0 && sku->compute_capability < OLDEST_CAPABILITY)
        add_text(arena, &texts, "the GPU is too old for current builds of PyTorch");
    else if (sku->compute_capability > 0 && !kt_plan_has_bf16(sku))
        add_text(arena, &texts, "the GPU has no bfloat16, which the server runs in");
    if (!plan->inference && sku->gpu_count > 1)
        add_text(arena, &texts,
                 kt_arena_printf(arena,
                                 "each of the %" PRIu32 " GPUs holds a full copy, so their memory does not add up",
                                 sku->gpu_count));
    if (sku->price_milli_usd_per_hour == 0)
        add_text(arena, &texts, "the price is not known");
    return texts.items ? texts.items : none;
}

size_t kt_plan_better_deals(const struct kt_plan *plan, const struct kt_sku_fit **ret, size_t room)
{
    const struct kt_sku_fit *chosen = plan->chosen;
    size_t count = 0;
    if (!chosen || chosen->price_milli_usd_per_hour == 0)
        return 0;
    for (size_t i = 0; i < plan->fit_count && count < room; i++) {
        const struct kt_sku_fit *fit = &plan->fits[i];
        bool candidate = fit != chosen && fit->fit == KT_FIT_FITS && fit->sku->current && kt_plan_has_bf16(fit->sku) &&
                         fit->price_milli_usd_per_hour > 0 &&
                         fit->price_milli_usd_per_hour * 100 <= chosen->price_milli_usd_per_hour * DEAL_PERCENT;
        bool cheaper = fit->price_milli_usd_per_hour < chosen->price_milli_usd_per_hour;
        /* More money only where the chosen one lacks something. */
        bool better = !kt_plan_has_bf16(chosen->sku) || chosen->fit != KT_FIT_FITS || !chosen->sku->current;
        if (candidate && (cheaper || better))
            ret[count++] = fit;
    }
    return count;
}

double kt_plan_needed_bytes(const struct kt_plan *plan, const struct kt_sku_fit *fit)
{
    if (!plan->inference)
        return fit->range.high.total_bytes;
    const struct kt_inference_estimate *estimate = &fit->inference;
    return (double)(estimate->weights_bytes + estimate->kv_cache_bytes + estimate->overhead_bytes);
}

const char *const *kt_plan_targets(struct kt_arena *arena, const struct kt_plan *plan)
{
    static const char *none[1];
    struct kt_texts texts = {0};
    const struct kt_architecture *a = &plan->model->architecture;
    for (uint32_t i = 0; i < a->module_count; i++)
        if (plan->tuning.target_mask & (1u << i))
            add_text(arena, &texts, a->modules[i].name);
    return texts.items ? texts.items : none;
}
