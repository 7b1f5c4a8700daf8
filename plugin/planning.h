/* SPDX-License-Identifier: Apache-2.0 */
/* Names from the command line to rows of the catalogue, with what is usually meant where nothing is said. */
#ifndef KT_PLUGIN_PLANNING_H
#define KT_PLUGIN_PLANNING_H

#include "admission/tuning_input.h"
#include "plugin/command.h"

/* KT_ENOTFOUND names the nearest one. */
int kt_plan_find_model(const char *name, const struct kt_model **ret, struct kt_error *error) KT_NODISCARD;
/* cloud NULL: any. KT_ENOTFOUND names the nearest one. */
int kt_plan_find_sku(const char *name, const enum kt_cloud *cloud, const struct kt_sku **ret,
                     struct kt_error *error) KT_NODISCARD;
/* Whose images train, for the commands that size. Warns of an image that is not known: the newest known one stands in
 * for it. */
int kt_plan_settings(struct kt_app *app, const struct kt_judge_flags *flags, struct kt_settings *ret,
                     struct kt_error *error) KT_NODISCARD;
/* What a tuning with the method's template needs on each kind of GPU, with rows of messages. False when the model's
 * sizes are not known in full. */
bool kt_plan_default_tuning(const struct kt_settings *settings, const struct kt_model *model,
                            enum kt_tuning_method method, struct kt_tuning_needs *ret);
/* The same with the training arguments of a ConfigMap, and the kind of rows that they declare; NULL: the template. */
bool kt_plan_tuning_of_config(struct kt_arena *arena, const struct kt_settings *settings, const cJSON *config_map,
                              const struct kt_model *model, enum kt_tuning_method method, struct kt_tuning_needs *ret);
/* Does it fit on one GPU of this machine type? KT_FIT_NEVER where no image runs. */
enum kt_fit kt_plan_tuning_fit(const struct kt_tuning_needs *needs, const struct kt_sku *sku);
/* needs as what is sized; they must outlive it. */
static inline struct kt_need kt_plan_need(const struct kt_tuning_needs *needs)
{
    return (struct kt_need){.by_gpu = needs->rows, .by_gpu_count = needs->count};
}
/* The image that tunes on a machine type, by lora at least; its `runs` is false where none does. Only NVIDIA's GPUs are
 * known to the images. */
struct kt_trainer kt_plan_trainer_of(const struct kt_settings *settings, const struct kt_sku *sku);
/* Sizes of serving; gpu_count and node_memory_bytes are left 0. False when the model's size is unknown. */
bool kt_plan_default_inference(const struct kt_model *model, struct kt_inference_input *ret);

/* Below this compute capability there is neither native bfloat16 nor FlashAttention-2. */
#define KT_PLAN_MODERN_CAPABILITY 80u

static inline bool kt_plan_has_bf16(const struct kt_sku *sku)
{
    return sku->compute_capability >= KT_PLAN_MODERN_CAPABILITY;
}

#endif
