/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/planning.h"

#include <string.h>

#include "admission/tuning_input.h"
#include "text/edit_distance.h"
#include "text/yaml.h"

int kt_plan_find_model(const char *name, const struct kt_model **ret, struct kt_error *error)
{
    const struct kt_model *model = kt_model_find(kt_str(name));
    if (model) {
        *ret = model;
        return 0;
    }
    if (kt_model_is_hugging_face_id(kt_str(name)) && !kt_model_suggest(kt_str(name), false))
        return kt_error_set(error, KT_ENOTFOUND,
                            "the model \"%.120s\" is not in the catalogue (`kubectl kaito models` lists it); `kubectl "
                            "kaito plan --hf-config FILE` sizes any model from its config.json of Hugging Face",
                            name);
    const char *near = kt_model_suggest(kt_str(name), false);
    if (near)
        return kt_error_set(error, KT_ENOTFOUND, "no model \"%.80s\" is known; did you mean \"%s\"?", name, near);
    return kt_error_set(error, KT_ENOTFOUND, "no model \"%.80s\" is known; `kubectl kaito models` lists all", name);
}

/* Retired ones too: whoever asks for one by name wants to know what became of it. */
static const char *suggest_sku(const char *name, const enum kt_cloud *cloud)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, kt_str(name));
    for (size_t i = 0; i < kt_sku_count; i++)
        if (!cloud || kt_skus[i].cloud == *cloud)
            kt_nearest_offer(&nearest, kt_skus[i].name);
    return nearest.best;
}

int kt_plan_find_sku(const char *name, const enum kt_cloud *cloud, const struct kt_sku **ret, struct kt_error *error)
{
    const struct kt_sku *sku = cloud ? kt_sku_find(*cloud, kt_str(name)) : kt_sku_find_any(kt_str(name));
    if (sku) {
        *ret = sku;
        return 0;
    }
    const struct kt_sku *elsewhere = kt_sku_find_any(kt_str(name));
    if (elsewhere && cloud)
        return kt_error_set(error, KT_ENOTFOUND, "the machine type %s is one of %s, not of %s", elsewhere->name,
                            kt_cloud_name(elsewhere->cloud), kt_cloud_name(*cloud));
    const char *near = suggest_sku(name, cloud);
    if (near)
        return kt_error_set(error, KT_ENOTFOUND, "no machine type \"%.80s\" is known; did you mean \"%s\"?", name,
                            near);
    return kt_error_set(error, KT_ENOTFOUND, "no machine type \"%.80s\" is known; `kubectl kaito skus` lists all",
                        name);
}

bool kt_plan_default_tuning(const struct kt_model *model, enum kt_tuning_method method, struct kt_tuning_input *ret)
{
    struct kt_tuning_derived derived;
    const struct kt_tuning_runner runner = {NULL, 0, KT_DATA_UNDECLARED};
    if (!kt_tuning_input_from_config(NULL, method, model, &runner, &derived))
        return false;
    *ret = derived.input;
    return true;
}

bool kt_plan_tuning_of_config(struct kt_arena *arena, const cJSON *config_map, const struct kt_model *model,
                              enum kt_tuning_method method, struct kt_tuning_input *ret)
{
    struct kt_tuning_derived derived;
    struct kt_yaml_document document = {0};
    const char *text = kt_json_string(kt_json_path(config_map, "data", "training_config.yaml", NULL));
    if (text && kt_yaml_parse_one(arena, kt_str(text), &document, NULL) != 0)
        return false;
    const struct kt_tuning_runner runner = {NULL, 0, KT_DATA_UNDECLARED};
    if (!kt_tuning_input_from_config(kt_json_get(document.root, "training_config"), method, model, &runner, &derived))
        return false;
    *ret = derived.input;
    return true;
}

bool kt_plan_default_inference(const struct kt_model *model, struct kt_inference_input *ret)
{
    if (model->weights_bytes == 0)
        return false;
    *ret = (struct kt_inference_input){
        .weights_bytes = model->weights_bytes,
        .kv_bytes_per_token = model->kv_bytes_per_token,
    };
    return true;
}
