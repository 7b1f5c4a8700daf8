/* SPDX-License-Identifier: Apache-2.0 */
/* What the flags of `plan` ask of a tuning, on each kind of GPU. */
#include <inttypes.h>

#include "admission/training_keys.h"
#include "plugin/plan.h"
#include "plugin/planning.h"

/* --target-modules as a mask. */
static int read_targets(struct kt_app *app, const struct kt_texts *names, const struct kt_plan *plan, uint32_t *ret,
                        struct kt_error *error)
{
    const struct kt_architecture *a = &plan->model->architecture;
    if (names->count == 1 && (kt_streq(names->items[0], "all") || kt_streq(names->items[0], "all-linear"))) {
        *ret = (1u << a->module_count) - 1;
        return 0;
    }
    size_t unknown = 0;
    *ret = kt_sizing_target_mask(a, names->items, names->count, &unknown);
    if (unknown == 0)
        return 0;
    struct kt_strbuf known;
    kt_strbuf_init(&known, app->arena, (size_t)KT_KIB);
    for (uint32_t i = 0; i < a->module_count; i++)
        kt_strbuf_printf(&known, "%s%s", i ? ", " : "", a->modules[i].name);
    return kt_error_set(error, KT_EINVAL, "--target-modules: %zu of these names %s not in %s, whose modules are %s",
                        unknown, unknown == 1 ? "is" : "are", plan->model->name, known.data);
}

/* Without the key the loss is what the image has. */
static bool can_choose_loss(const struct kt_trainer_image *image)
{
    return kt_training_key_find(image, "TrainingArguments", "loss_type") != NULL;
}

static void apply_flags(const struct kt_plan_options *options, const struct kt_trainer_image *image,
                        struct kt_tuning_input *tuning)
{
    if (options->batch_size.given)
        tuning->batch_size = options->batch_size.value;
    if (options->sequence_length.given && image->fixed_length == 0)
        tuning->sequence_length = options->sequence_length.value;
    if (options->rank.given)
        tuning->rank = options->rank.value;
    if (options->attention)
        tuning->attention = kt_streq(options->attention, "eager") ? KT_ATTENTION_EAGER : KT_ATTENTION_FLASH;
    if (options->loss && can_choose_loss(image))
        tuning->loss = kt_streq(options->loss, "chunked") ? KT_LOSS_CHUNKED : KT_LOSS_FULL;
    if (options->gradient_checkpointing != KT_SWITCH_UNSET)
        tuning->gradient_checkpointing = options->gradient_checkpointing == KT_SWITCH_ON;
    if (options->double_quant != KT_SWITCH_UNSET)
        tuning->double_quantisation = options->double_quant == KT_SWITCH_ON;
}

int kt_plan_set_tuning(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *plan,
                       struct kt_error *error)
{
    enum kt_tuning_method method = KT_METHOD_QLORA;
    uint32_t targets = 0;
    kt_tuning_method_parse(kt_str(plan->method), &method);
    plan->data = options->data && kt_streq(options->data, "prompt-completion") ? KT_DATA_COMPLETIONS : KT_DATA_MESSAGES;
    plan->wanted_length = options->sequence_length;
    plan->wants_chunked_loss = options->loss && kt_streq(options->loss, "chunked");
    plan->needs = kt_arena_alloc(app->arena, sizeof(*plan->needs));
    if (!plan->needs)
        return kt_error_set(error, KT_ENOMEM, "not enough memory");
    if (!kt_tuning_needs_read(&plan->settings, NULL, method, plan->model, plan->data, plan->needs))
        return kt_error_set(error, KT_EINVAL, "the sizes of %s are not known in full", plan->model->name);
    int code =
        options->target_modules.count > 0 ? read_targets(app, &options->target_modules, plan, &targets, error) : 0;
    for (size_t i = 0; code == 0 && i < plan->needs->count; i++) {
        struct kt_tuning_input *tuning = &plan->needs->inputs[i];
        uint32_t capability = plan->needs->rows[i].compute_capability;
        apply_flags(options, kt_settings_trainer(&plan->settings, capability, method == KT_METHOD_QLORA).image, tuning);
        if (options->target_modules.count > 0)
            tuning->target_mask = targets;
    }
    return code;
}

static struct kt_trainer trainer_for(const struct kt_plan *plan, uint32_t compute_capability)
{
    return kt_settings_trainer(&plan->settings, compute_capability, kt_streq(plan->method, "qlora"));
}

struct kt_trainer kt_plan_trainer(const struct kt_plan *plan, const struct kt_sku *sku)
{
    return trainer_for(plan, sku->compute_capability);
}

const struct kt_tuning_input *kt_plan_tuning(const struct kt_plan *plan, const struct kt_sku *sku)
{
    const struct kt_need need = kt_plan_need(plan->needs);
    return kt_sizing_need_on(&need, sku->compute_capability);
}

const char *kt_plan_data_name(const struct kt_plan *plan)
{
    return plan->data == KT_DATA_COMPLETIONS ? "prompt and completion" : "messages";
}

int kt_plan_tune_on(struct kt_plan *plan, uint32_t compute_capability, struct kt_error *error)
{
    const struct kt_need need = kt_plan_need(plan->needs);
    const struct kt_tuning_input *tuning = kt_sizing_need_on(&need, compute_capability);
    plan->trainer = trainer_for(plan, compute_capability);
    plan->tuning = tuning ? *tuning : plan->needs->inputs[plan->needs->count - 1];
    uint32_t batch = plan->tuning.batch_size;
    if (plan->tuning.most_batch == 0 || batch <= plan->tuning.most_batch)
        return 0;
    bool is_of_data = kt_trainer_image_batches(plan->trainer.image, KT_DATA_MESSAGES);
    return kt_error_set(error, KT_EINVAL,
                        "--batch-size %" PRIu32 ": kaito-base:%s ends on every batch size above %" PRIu32
                        "%s%s; a batch size of 1 with gradient_accumulation_steps: %" PRIu32
                        " in the training config makes the same step",
                        batch, plan->trainer.tag, plan->tuning.most_batch, is_of_data ? " with rows of " : "",
                        is_of_data ? kt_plan_data_name(plan) : "", batch);
}
