/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/shipped_templates.h"
#include "sizing/sizing.h"
#include "text/names.h"
#include "workload/tuning.h"

static bool is_given(const char *text)
{
    return text && text[0];
}

static int find_model(const struct kt_preset *preset, const struct kt_model **ret, struct kt_error *error)
{
    if (!is_given(preset->name))
        return kt_error_set(error, KT_EINVAL, "tuning.preset.name: a tuning needs the name of a model");
    const struct kt_model *model = kt_model_find(kt_str(preset->name));
    if (!model) {
        const char *near = kt_model_suggest(kt_str(preset->name), true);
        return kt_error_set(error, KT_EINVAL, "tuning.preset.name: no model \"%.64s\" is known%s%s%s", preset->name,
                            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    if (!model->tunable || model->status != KT_MODEL_CURRENT)
        return kt_error_set(error, KT_EINVAL, "tuning.preset.name: \"%.64s\" cannot be fine-tuned with Kaito's images",
                            model->name);
    *ret = model;
    return 0;
}

static int find_method(const char *text, enum kt_tuning_method *ret, struct kt_error *error)
{
    *ret = KT_METHOD_QLORA;
    if (is_given(text) && !kt_tuning_method_parse(kt_str(text), ret))
        return kt_error_set(error, KT_EINVAL, "tuning.method: \"%.64s\" is none of lora, qlora", text);
    return 0;
}

/* In this cloud; NULL with nodes of the user's own, whatever resource.instanceType says. */
static const struct kt_sku *find_machine(const struct kt_workspace *workspace, const struct kt_settings *settings)
{
    const char *name = workspace->resource.instance_type;
    if (kt_settings_bring_your_own(settings) || !settings->cloud_known || !is_given(name))
        return NULL;
    return kt_sku_find(settings->cloud, kt_str(name));
}

int kt_tuning_plan(struct kt_arena *arena, const cJSON *object, const struct kt_settings *settings,
                   uint32_t node_capability, struct kt_tuning_plan *ret, struct kt_error *error)
{
    (void)arena; /* all names are constant or the user's own */
    struct kt_tuning_plan plan = {.object = object, .settings = settings};
    enum kt_tuning_method method;
    kt_workspace_view(object, &plan.workspace);
    const struct kt_tuning *tuning = &plan.workspace.tuning;
    if (!tuning->node)
        return kt_error_set(error, KT_EINVAL, "the Workspace has no tuning");
    if (!is_given(plan.workspace.name))
        return kt_error_set(error, KT_EINVAL, "metadata.name: the Job gets the Workspace's name, and it has none");
    int code = find_model(&tuning->preset, &plan.model, error);
    code = code < 0 ? code : find_method(tuning->method, &method, error);
    if (code < 0)
        return code;
    plan.qlora = method == KT_METHOD_QLORA;
    plan.sku = find_machine(&plan.workspace, settings);
    const char *wrong = is_given(tuning->config) ? kt_names_dns1123_subdomain(kt_str(tuning->config)) : NULL;
    if (wrong)
        return kt_error_set(error, KT_EINVAL, "tuning.config: \"%.253s\" is not a name that a ConfigMap can have: %s",
                            tuning->config, wrong);
    plan.compute_capability = plan.sku ? plan.sku->compute_capability : node_capability;
    plan.trainer = kt_settings_trainer(settings, plan.compute_capability, plan.qlora);
    plan.float16 = kt_settings_trains_in_float16(settings, plan.compute_capability);
    plan.template_name = is_given(tuning->config) ? NULL : kt_template_name(method, plan.float16);
    plan.config_map = plan.template_name ? plan.template_name : tuning->config;
    *ret = plan;
    return 0;
}

const cJSON *kt_tuning_template_at_hand(const struct kt_tuning_plan *plan)
{
    return plan->template_name && plan->float16 ? kt_shipped_template_object(plan->template_name) : NULL;
}
