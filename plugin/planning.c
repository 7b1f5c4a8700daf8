/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/planning.h"

#include <string.h>

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

int kt_plan_settings(struct kt_app *app, const struct kt_judge_flags *flags, struct kt_settings *ret,
                     struct kt_error *error)
{
    kt_settings_init(ret);
    int code = kt_judge_trainer(flags, ret, error);
    if (code != 0)
        return code;
    struct kt_trainer trainer = kt_settings_trainer(ret, 0, false);
    const char *text =
        trainer.is_known
            ? NULL
            : kt_arena_printf(app->arena,
                              "the image kaito-base:%s is not known here: it is judged by the newest that is, %s",
                              trainer.tag, trainer.image->tag);
    if (text)
        kt_app_warn(app, kt_str(text));
    return 0;
}

bool kt_plan_default_tuning(const struct kt_settings *settings, const struct kt_model *model,
                            enum kt_tuning_method method, struct kt_tuning_needs *ret)
{
    return kt_tuning_needs_read(settings, NULL, method, model, KT_DATA_MESSAGES, ret);
}

bool kt_plan_tuning_of_config(struct kt_arena *arena, const struct kt_settings *settings, const cJSON *config_map,
                              const struct kt_model *model, enum kt_tuning_method method, struct kt_tuning_needs *ret)
{
    struct kt_yaml_document document = {0};
    const char *text = kt_json_string(kt_json_path(config_map, "data", "training_config.yaml", NULL));
    if (text && kt_yaml_parse_one(arena, kt_str(text), &document, NULL) != 0)
        return false;
    const cJSON *sections = kt_json_get(document.root, "training_config");
    return kt_tuning_needs_read(settings, sections, method, model, kt_tuning_data_declared(sections), ret);
}

enum kt_fit kt_plan_tuning_fit(const struct kt_tuning_needs *needs, const struct kt_sku *sku)
{
    const struct kt_need need = kt_plan_need(needs);
    const struct kt_tuning_input *input = kt_sizing_need_on(&need, sku->compute_capability);
    return input ? kt_sizing_tuning_fit(input, kt_sizing_usable_bytes_per_gpu(sku), sku->compute_capability)
                 : KT_FIT_NEVER;
}

struct kt_trainer kt_plan_trainer_of(const struct kt_settings *settings, const struct kt_sku *sku)
{
    struct kt_trainer trainer = kt_settings_trainer(settings, sku->compute_capability, false);
    trainer.runs = trainer.runs && sku->vendor == KT_GPU_NVIDIA;
    return trainer;
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
