/* SPDX-License-Identifier: Apache-2.0 */
/* Names from the command line to rows of the catalogue, with what is usually meant where nothing is said. */
#ifndef KT_PLUGIN_PLANNING_H
#define KT_PLUGIN_PLANNING_H

#include "sizing/sizing.h"
#include "text/json.h"

/* KT_ENOTFOUND names the nearest one. */
int kt_plan_find_model(const char *name, const struct kt_model **ret, struct kt_error *error) KT_NODISCARD;
/* cloud NULL: any. KT_ENOTFOUND names the nearest one. */
int kt_plan_find_sku(const char *name, const enum kt_cloud *cloud, const struct kt_sku **ret,
                     struct kt_error *error) KT_NODISCARD;
/* What a tuning with the method's template needs. False when the model's sizes are not known in full. */
bool kt_plan_default_tuning(const struct kt_model *model, enum kt_tuning_method method, struct kt_tuning_input *ret);
/* The same with the training arguments of a ConfigMap; NULL: the template. */
bool kt_plan_tuning_of_config(struct kt_arena *arena, const cJSON *config_map, const struct kt_model *model,
                              enum kt_tuning_method method, struct kt_tuning_input *ret);
/* Sizes of serving; gpu_count and node_memory_bytes are left 0. False when the model's size is unknown. */
bool kt_plan_default_inference(const struct kt_model *model, struct kt_inference_input *ret);

/* Below this compute capability there is neither native bfloat16 nor FlashAttention-2. */
#define KT_PLAN_MODERN_CAPABILITY 80u

static inline bool kt_plan_has_bf16(const struct kt_sku *sku)
{
    return sku->compute_capability >= KT_PLAN_MODERN_CAPABILITY;
}

#endif
