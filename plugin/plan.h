/* SPDX-License-Identifier: Apache-2.0 */
/* What `plan` has worked out, before it is written as text or JSON. */
#ifndef KT_PLUGIN_PLAN_H
#define KT_PLUGIN_PLAN_H

#include "admission/tuning_input.h"
#include "plugin/command.h"
#include "plugin/flags.h"
#include "plugin/output.h"

struct kt_plan_options {
    const char *method;
    const char *data; /* "messages", "prompt-completion" */
    struct kt_number batch_size;
    struct kt_number sequence_length;
    struct kt_number rank;
    struct kt_texts target_modules;
    const char *attention;
    enum kt_switch gradient_checkpointing;
    enum kt_switch double_quant;
    const char *quantisation; /* "4", "8" */
    const char *loss;
    const char *cloud;
    const char *instance_type;
    const char *hf_config;
    bool all;
    const char *output;
    struct kt_judge_flags judge; /* of them, which image trains */
};

#define KT_PLAN_MOST_NOTES 12

struct kt_plan {
    const struct kt_model *model;
    bool outside_catalogue; /* from --hf-config */
    bool inference;
    const char *method; /* "qlora", "lora", "inference" */
    struct kt_settings settings;
    struct kt_inference_input serving; /* gpu_count and node_memory_bytes are 0 */
    /* Tuning only: what the flags ask for, on each kind of GPU with the image that trains there. */
    struct kt_tuning_needs *needs;
    enum kt_tuning_data data;
    struct kt_number wanted_length; /* --sequence-length: not every image can have it */
    bool wants_chunked_loss;        /* --loss chunked: the same */
    /* Tuning only: on the chosen machine, otherwise (and where no image runs on that) on a modern GPU. */
    struct kt_tuning_input tuning;
    struct kt_trainer trainer;
    struct kt_tuning_estimate estimate;
    enum kt_cloud cloud;
    struct kt_sku_fit *fits;
    size_t fit_count;
    const struct kt_sku_fit *cheapest; /* as D02 chooses; NULL: none */
    const struct kt_sku_fit *chosen;   /* --instance-type; NULL: not given */
    /* Sentences about the model and the choice, without full stop. */
    const char *notes[KT_PLAN_MOST_NOTES];
    size_t note_count;
};

/* Works everything out. model: found by name or read from --hf-config. */
int kt_plan_make(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *ret,
                 struct kt_error *error) KT_NODISCARD;

/* plan_tuning.c: what the flags ask of a tuning. Sets needs and what is wanted; settings, model and method are there.
 */
int kt_plan_set_tuning(struct kt_app *app, const struct kt_plan_options *options, struct kt_plan *plan,
                       struct kt_error *error) KT_NODISCARD;
/* Sets tuning and trainer for a GPU of this compute capability. KT_EINVAL when the batch size always ends that trainer.
 */
int kt_plan_tune_on(struct kt_plan *plan, uint32_t compute_capability, struct kt_error *error) KT_NODISCARD;
/* The image that tunes on a machine type; look at `runs`. */
struct kt_trainer kt_plan_trainer(const struct kt_plan *plan, const struct kt_sku *sku);
/* The tuning there; NULL: no image runs. */
const struct kt_tuning_input *kt_plan_tuning(const struct kt_plan *plan, const struct kt_sku *sku);
/* "messages", "prompt and completion" */
const char *kt_plan_data_name(const struct kt_plan *plan);

/* Sentence parts about one machine type, NULL-terminated, in the arena: retired, no image, no bfloat16,
 * copies on each GPU. */
const char *const *kt_plan_sku_warnings(struct kt_arena *arena, const struct kt_plan *plan,
                                        const struct kt_sku_fit *fit);
/* Machine types that give more for at most a quarter more money than the chosen one, or the same for less. */
size_t kt_plan_better_deals(const struct kt_plan *plan, const struct kt_sku_fit **ret, size_t room);
/* What one machine type needs per GPU, in bytes: the high end of the range. */
double kt_plan_needed_bytes(const struct kt_plan *plan, const struct kt_sku_fit *fit);
/* Names of the modules that get an adapter, NULL-terminated. */
const char *const *kt_plan_targets(struct kt_arena *arena, const struct kt_plan *plan);

int kt_plan_write_text(struct kt_app *app, const struct kt_plan *plan, bool all, struct kt_error *error) KT_NODISCARD;
int kt_plan_write_tree(struct kt_app *app, const struct kt_plan *plan, const struct kt_output_format *format,
                       struct kt_error *error) KT_NODISCARD;

#endif
