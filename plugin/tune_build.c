/* SPDX-License-Identifier: Apache-2.0 */
/* From flags to a Workspace. What the user did not say is left out: the server's defaults fill it. */
#include <string.h>

#include "plugin/planning.h"
#include "plugin/tune.h"
#include "plugin/wait.h"
#include "workspace/workspace.h"

/* "auto": the same choice as the server's, made here and written into the object. */
static int choose_instance_type(struct kt_tune *tune, const char **ret, struct kt_error *error)
{
    const char *wanted = tune->options->instance_type;
    if (!wanted || !wanted[0] || !kt_streq_nocase(wanted, "auto")) {
        *ret = wanted && wanted[0] ? wanted : NULL;
        return 0;
    }
    const struct kt_model *model;
    struct kt_tuning_needs needs;
    enum kt_tuning_method method = KT_METHOD_QLORA;
    size_t count = 0;
    int code = kt_plan_find_model(tune->options->model, &model, error);
    if (code != 0)
        return code;
    kt_tuning_method_parse(kt_str(tune->options->method ? tune->options->method : "qlora"), &method);
    if (!kt_plan_tuning_of_config(tune->app->arena, &tune->settings, tune->config_map, model, method, &needs))
        return kt_error_set(error, KT_EINVAL,
                            "--instance-type=auto: the sizes of %s are not known; name a machine type", model->name);
    const struct kt_need need = kt_plan_need(&needs);
    const struct kt_sku_fit *fits = kt_sizing_rank_skus(tune->app->arena, &need, tune->settings.cloud, &count);
    const struct kt_sku_fit *best = fits ? kt_sizing_cheapest(fits, count) : NULL;
    if (!best)
        return kt_error_set(error, KT_ENOTFOUND,
                            "--instance-type=auto: no machine type of %s with a known price fits with room; `kubectl "
                            "kaito plan %s --all` shows them",
                            kt_cloud_name(tune->settings.cloud), model->name);
    *ret = best->sku->name;
    return 0;
}

/* Adds "key=value" pairs to an object. */
static int add_pairs(struct kt_tune *tune, cJSON *object, const struct kt_texts *pairs, const char *flag,
                     struct kt_error *error)
{
    for (size_t i = 0; i < pairs->count; i++) {
        struct kt_str pair = kt_str(pairs->items[i]);
        size_t equals = kt_str_find_char(pair, '=');
        if (equals == SIZE_MAX || equals == 0)
            return kt_app_usage_fault(tune->app, error, "--%s: \"%.80s\" is not KEY=VALUE", flag, pairs->items[i]);
        const char *key = kt_arena_strndup(tune->app->arena, pair.data, equals);
        if (key)
            kt_json_set_string(tune->app->arena, object, key, pair.data + equals + 1);
    }
    return 0;
}

static int build_resource(struct kt_tune *tune, struct kt_error *error)
{
    struct kt_arena *arena = tune->app->arena;
    const struct kt_tune_options *options = tune->options;
    const char *instance_type = NULL;
    int code = choose_instance_type(tune, &instance_type, error);
    if (code != 0 || (!instance_type && !options->count.given && options->node_selector.count == 0))
        return code;
    cJSON *resource = kt_json_ensure_object(arena, tune->workspace, "resource");
    if (options->count.given)
        kt_json_set_int(arena, resource, "count", options->count.value);
    if (instance_type)
        kt_json_set_string(arena, resource, "instanceType", instance_type);
    cJSON *labels = kt_json_new_object(arena);
    code = add_pairs(tune, labels, &options->node_selector, "node-selector", error);
    /* Upstream's schema wants a selector. With nodes of one's own none is made up: it would match no node. */
    if (options->node_selector.count == 0 && instance_type)
        kt_json_set_string(arena, labels, "apps", tune->name);
    if (kt_json_count(labels) > 0)
        kt_json_set(arena, kt_json_ensure_object(arena, resource, "labelSelector"), "matchLabels", labels);
    return code;
}

static void add_texts(struct kt_arena *arena, cJSON *object, const char *key, const struct kt_texts *texts)
{
    if (texts->count == 0)
        return;
    cJSON *array = kt_json_new_array(arena);
    for (size_t i = 0; i < texts->count; i++)
        kt_json_append(arena, array, kt_json_new_string(arena, texts->items[i]));
    kt_json_set(arena, object, key, array);
}

static bool is_given(const char *text)
{
    return text && text[0];
}

static void set_if_given(struct kt_arena *arena, cJSON *object, const char *key, const char *text)
{
    if (is_given(text))
        kt_json_set_string(arena, object, key, text);
}

static void set_claim(struct kt_arena *arena, cJSON *object, const char *claim)
{
    if (!is_given(claim))
        return;
    cJSON *volume = kt_json_ensure_object(arena, object, "volumeSource");
    cJSON *source = kt_json_ensure_object(arena, volume, "persistentVolumeClaim");
    kt_json_set_string(arena, source, "claimName", claim);
}

static int check_claim(struct kt_app *app, const char *flag, const char *claim, struct kt_error *error)
{
    if (!claim || !strpbrk(claim, ":/"))
        return 0;
    return kt_app_usage_fault(app, error,
                              "--%s takes the name of a claim alone: Kaito mounts the whole volume, and no "
                              "folder of it can be picked",
                              flag);
}

static void build_tuning(struct kt_tune *tune, const char *config)
{
    struct kt_arena *arena = tune->app->arena;
    const struct kt_tune_options *options = tune->options;
    cJSON *tuning = kt_json_ensure_object(arena, tune->workspace, "tuning");
    cJSON *preset = kt_json_ensure_object(arena, tuning, "preset");
    kt_json_set_string(arena, preset, "name", options->model);
    if (is_given(options->model_image) || is_given(options->model_access_secret)) {
        cJSON *preset_options = kt_json_ensure_object(arena, preset, "presetOptions");
        set_if_given(arena, preset_options, "image", options->model_image);
        set_if_given(arena, preset_options, "modelAccessSecret", options->model_access_secret);
    }
    kt_json_set_string(arena, tuning, "method", options->method ? options->method : "qlora");
    set_if_given(arena, tuning, "config", config);
    cJSON *input = kt_json_ensure_object(arena, tuning, "input");
    add_texts(arena, input, "urls", &options->input_urls);
    set_if_given(arena, input, "image", options->input_image);
    add_texts(arena, input, "imagePullSecrets", &options->input_pull_secrets);
    set_claim(arena, input, options->input_pvc);
    cJSON *output = kt_json_ensure_object(arena, tuning, "output");
    set_if_given(arena, output, "image", options->output_image);
    set_if_given(arena, output, "imagePushSecret", options->output_push_secret);
    set_claim(arena, output, options->output_pvc);
}

/* What cannot become an object at all; everything else is for the rules, which say it better. */
static int check_flags(struct kt_tune *tune, struct kt_error *error)
{
    const struct kt_tune_options *options = tune->options;
    struct kt_app *app = tune->app;
    int inputs = (options->input_urls.count > 0) + is_given(options->input_image) + is_given(options->input_pvc);
    int outputs = is_given(options->output_image) + is_given(options->output_pvc);
    if (options->adapters || options->inference_config || options->enable_load_balancer)
        return kt_app_usage_fault(app, error,
                                  "--adapters, --inference-config and --enable-load-balancer are for serving a "
                                  "model, and this tunes one");
    if (!is_given(options->model))
        return kt_app_usage_fault(app, error,
                                  "say which model: --model NAME (`kubectl kaito models --tunable` lists them)");
    if (inputs == 0)
        return kt_app_usage_fault(app, error,
                                  "say where the training data is: --input-url, --input-image or --input-pvc");
    if (inputs > 1)
        return kt_app_usage_fault(app, error,
                                  "the training data comes from one place: --input-url, --input-image or "
                                  "--input-pvc, not several");
    if (outputs == 0)
        return kt_app_usage_fault(app, error,
                                  "say where the adapter goes: --output-image with --output-push-secret, or "
                                  "--output-pvc");
    if (outputs > 1)
        return kt_app_usage_fault(app, error,
                                  "the adapter goes to one place: --output-image or --output-pvc, not both");
    int code = check_claim(app, "input-pvc", options->input_pvc, error);
    return code != 0 ? code : check_claim(app, "output-pvc", options->output_pvc, error);
}

static int choose_name(struct kt_tune *tune, struct kt_error *error)
{
    const char *argument = tune->app->argument_count > 0 ? tune->app->arguments[0] : NULL;
    const char *flag = tune->options->workspace_name;
    if (!argument && !flag)
        return kt_app_usage_fault(tune->app, error, "name the Workspace: %s NAME ...", tune->app->command_path);
    if (argument && flag && !kt_streq(argument, flag))
        return kt_app_usage_fault(
            tune->app, error, "two names for one Workspace: \"%.60s\" and --workspace-name \"%.60s\"", argument, flag);
    tune->name = argument ? argument : flag;
    return 0;
}

static int choose_mode(struct kt_tune *tune, struct kt_error *error)
{
    static const struct {
        const char *word;
        enum kt_tune_dry_run mode;
    } modes[] = {{"none", KT_TUNE_DRY_RUN_NONE},
                 {"false", KT_TUNE_DRY_RUN_NONE},
                 {"client", KT_TUNE_DRY_RUN_CLIENT},
                 {"true", KT_TUNE_DRY_RUN_CLIENT},
                 {"server", KT_TUNE_DRY_RUN_SERVER}};
    for (size_t i = 0; tune->options->dry_run && i < KT_ARRAY_LENGTH(modes); i++)
        if (kt_streq(tune->options->dry_run, modes[i].word))
            tune->dry_run = modes[i].mode;
    bool waits = tune->options->wait || tune->options->follow;
    if (waits && tune->dry_run != KT_TUNE_DRY_RUN_NONE)
        return kt_app_usage_fault(tune->app, error, "--%s cannot be used together with --dry-run: nothing will run",
                                  tune->options->wait ? "wait" : "follow");
    int code = kt_wait_parse_timeout(tune->options->timeout, &tune->timeout_ms, error);
    if (code != 0)
        return code;
    code = kt_judge_settings(&tune->options->judge, &tune->settings, error);
    if (code != 0)
        return code;
    return kt_output_parse_format(tune->options->output, KT_FORMAT_JSON | KT_FORMAT_YAML | KT_FORMAT_NAME,
                                  &tune->format, error);
}

int kt_tune_build(struct kt_app *app, const struct kt_tune_options *options, struct kt_tune *ret,
                  struct kt_error *error)
{
    struct kt_arena *arena = app->arena;
    struct kt_tune tune = {.app = app, .options = options};
    const char *config = NULL;
    int code = choose_name(&tune, error);
    if (code == 0)
        code = choose_mode(&tune, error);
    if (code == 0)
        code = check_flags(&tune, error);
    if (code != 0)
        return code;
    tune.workspace = kt_json_new_object(arena);
    kt_json_set_string(arena, tune.workspace, "apiVersion", KT_GROUP "/v1beta1");
    kt_json_set_string(arena, tune.workspace, "kind", "Workspace");
    cJSON *metadata = kt_json_ensure_object(arena, tune.workspace, "metadata");
    kt_json_set_string(arena, metadata, "name", tune.name);
    set_if_given(arena, metadata, "namespace", app->globals.namespace_);
    if (options->annotations.count > 0)
        code = add_pairs(&tune, kt_json_ensure_object(arena, metadata, "annotations"), &options->annotations,
                         "annotation", error);
    if (options->dataset_format)
        kt_json_set_string(app->arena, kt_json_ensure_object(app->arena, metadata, "annotations"),
                           KT_ANNOTATION_DATASET_FORMAT, options->dataset_format);
    if (code == 0)
        code = kt_tune_build_config(&tune, &config, error);
    if (code == 0)
        code = build_resource(&tune, error);
    if (code != 0)
        return code;
    build_tuning(&tune, config);
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to build the Workspace");
    *ret = tune;
    return 0;
}
