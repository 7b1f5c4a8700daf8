/* SPDX-License-Identifier: Apache-2.0 */
/* `models`: what is known about models. */
#include "plugin/catalog_text.h"
#include "plugin/commands.h"
#include "plugin/output.h"
#include "plugin/planning.h"

struct models_options {
    bool tunable;
    bool retired;
    bool no_headers;
    const char *fits;
    const char *output;
    struct kt_judge_flags judge; /* of them, which image trains */
};

#define AT(member) offsetof(struct models_options, member)
static const struct kt_flag flags[] = {
    {.name = "fits",
     .kind = KT_FLAG_TEXT,
     .offset = AT(fits),
     .value_name = "SKU",
     .shown = "''",
     .completion = KT_COMPLETE_SKUS,
     .help = "Only models that fit on one node of this machine type, tuned (batch size 1, 1024 tokens, rank 8) or "
             "served."},
    {.name = "no-headers",
     .kind = KT_FLAG_BOOL,
     .offset = AT(no_headers),
     .shown = "false",
     .help = "Leave the first line of the table out."},
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = AT(output),
     .value_name = "FORMAT",
     .shown = "''",
     .help = "Output format: wide, name, json, yaml or jsonpath=TEMPLATE."},
    {.name = "retired",
     .kind = KT_FLAG_BOOL,
     .offset = AT(retired),
     .shown = "false",
     .help = "Also list models that " KT_UPSTREAM_VERSION " of Kaito does not take any more, with the version that "
             "dropped them."},
    {.name = "tunable",
     .kind = KT_FLAG_BOOL,
     .offset = AT(tunable),
     .shown = "false",
     .help = "Only models that can be fine-tuned."},
    KT_TRAINER_FLAGS(struct models_options),
};

/* What --fits asks for. */
struct wanted_machine {
    const struct kt_sku *sku;
    struct kt_settings settings;
};

/* What --fits found out about one model. */
struct model_fits {
    int qlora; /* enum kt_fit, or UNKNOWN_FIT where it cannot be said or done */
    int lora;
    int serve;
};

#define UNKNOWN_FIT (-1)

static const char *fit_text(int fit)
{
    return fit == UNKNOWN_FIT ? "-" : kt_fit_name((enum kt_fit)fit);
}

static bool does_fit(int fit)
{
    return fit == KT_FIT_FITS || fit == KT_FIT_TIGHT;
}

static int tuning_fit(const struct kt_model *model, const struct wanted_machine *machine, enum kt_tuning_method method)
{
    struct kt_tuning_needs needs;
    if (!model->tunable || !kt_plan_default_tuning(&machine->settings, model, method, &needs))
        return UNKNOWN_FIT;
    return (int)kt_plan_tuning_fit(&needs, machine->sku);
}

static int serving_fit(const struct kt_model *model, const struct kt_sku *sku)
{
    struct kt_inference_input input;
    struct kt_inference_estimate estimate;
    if (!kt_plan_default_inference(model, &input))
        return UNKNOWN_FIT;
    input.gpu_count = sku->gpu_count;
    input.node_memory_bytes = sku->memory_bytes;
    bool one_node = kt_sizing_inference(&input, &estimate, NULL) == 0 && estimate.nodes == 1;
    return one_node ? KT_FIT_FITS : KT_FIT_NO;
}

/* machine NULL: no --fits. */
static bool is_wanted(const struct models_options *options, const struct kt_model *model,
                      const struct wanted_machine *machine, struct model_fits *ret_fits)
{
    if (model->status != KT_MODEL_CURRENT && !options->retired)
        return false;
    if (options->tunable && !(model->tunable || (options->retired && model->was_tunable)))
        return false;
    if (!machine)
        return true;
    *ret_fits = (struct model_fits){tuning_fit(model, machine, KT_METHOD_QLORA),
                                    tuning_fit(model, machine, KT_METHOD_LORA), serving_fit(model, machine->sku)};
    bool tuned = does_fit(ret_fits->qlora) || does_fit(ret_fits->lora);
    return tuned || (!options->tunable && does_fit(ret_fits->serve));
}

static void add_row(struct kt_app *app, struct kt_table *table, const struct kt_model *model, bool wide,
                    const struct model_fits *fits)
{
    kt_table_add(table, model->name);
    kt_table_add(table, model->family);
    kt_table_add(table, model->tunable ? "yes" : "no");
    kt_table_add(table, kt_text_tokens(app->arena, model->token_limit));
    kt_table_add(table, model->weights_text);
    if (fits) {
        kt_table_add(table, fit_text(fits->qlora));
        kt_table_add(table, fit_text(fits->lora));
        kt_table_add(table, fit_text(fits->serve));
    }
    if (wide) {
        kt_table_add(table, model->hugging_face ? model->hugging_face : model->built_in ? "" : model->name);
        kt_table_add(table, model->supports_transformers ? "vllm,transformers" : "vllm");
        kt_table_add(table, model->needs_access_token ? "needed" : "no");
    }
    kt_table_add(table, kt_text_model_status(app->arena, model));
}

static int write_list(struct kt_app *app, const struct models_options *options, const struct kt_output_format *format,
                      const struct wanted_machine *machine, struct kt_error *error)
{
    static const char *const plain[] = {"NAME", "FAMILY", "TUNABLE", "CONTEXT", "WEIGHTS", "STATUS", NULL};
    static const char *const plain_fits[] = {"NAME",  "FAMILY", "TUNABLE", "CONTEXT", "WEIGHTS",
                                             "QLORA", "LORA",   "SERVING", "STATUS",  NULL};
    static const char *const wide[] = {"NAME",         "FAMILY",   "TUNABLE",      "CONTEXT", "WEIGHTS",
                                       "HUGGING FACE", "RUNTIMES", "ACCESS TOKEN", "STATUS",  NULL};
    static const char *const wide_fits[] = {"NAME",         "FAMILY", "TUNABLE", "CONTEXT",      "WEIGHTS",
                                            "QLORA",        "LORA",   "SERVING", "HUGGING FACE", "RUNTIMES",
                                            "ACCESS TOKEN", "STATUS", NULL};
    bool is_wide = format->format == KT_FORMAT_WIDE;
    struct kt_table table;
    kt_table_init(&table, app->arena, machine ? (is_wide ? wide_fits : plain_fits) : (is_wide ? wide : plain),
                  options->no_headers);
    struct kt_strbuf text = kt_output_buffer(app);
    size_t shown = 0;
    for (size_t i = 0; i < kt_model_count; i++) {
        struct model_fits fits;
        if (!is_wanted(options, &kt_models[i], machine, &fits))
            continue;
        shown++;
        if (format->format == KT_FORMAT_NAME)
            kt_strbuf_printf(&text, "%s\n", kt_models[i].name);
        else
            add_row(app, &table, &kt_models[i], is_wide, machine ? &fits : NULL);
    }
    if (shown == 0)
        fprintf(app->err, "No models found%s%s%s.\n", machine ? " that fit on one node of " : "",
                machine ? machine->sku->name : "",
                machine && options->tunable && !kt_plan_trainer_of(&machine->settings, machine->sku).runs
                    ? ": no image that tunes has kernels for its GPU"
                    : "");
    else if (format->format != KT_FORMAT_NAME)
        kt_table_write(&table, &text, 0);
    return kt_output_write(app, &text, error);
}

static int write_list_tree(struct kt_app *app, const struct models_options *options,
                           const struct kt_output_format *format, const struct wanted_machine *machine,
                           struct kt_error *error)
{
    cJSON *list = kt_json_new_object(app->arena);
    kt_json_set_string(app->arena, list, "upstreamVersion", KT_UPSTREAM_VERSION);
    cJSON *items = kt_json_new_array(app->arena);
    kt_json_set(app->arena, list, "items", items);
    for (size_t i = 0; i < kt_model_count; i++) {
        struct model_fits fits;
        if (!is_wanted(options, &kt_models[i], machine, &fits))
            continue;
        cJSON *item = kt_tree_model(app->arena, &kt_models[i]);
        if (machine) {
            cJSON *fit = kt_json_ensure_object(app->arena, item, "fits");
            kt_json_set_string(app->arena, fit, "instanceType", machine->sku->name);
            kt_json_set_string(app->arena, fit, "qlora", fit_text(fits.qlora));
            kt_json_set_string(app->arena, fit, "lora", fit_text(fits.lora));
            kt_json_set_string(app->arena, fit, "inference", fit_text(fits.serve));
        }
        kt_json_append(app->arena, items, item);
    }
    return kt_output_write_tree(app, format, list, error);
}

static int run_list(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct models_options *options = values;
    struct kt_output_format format;
    int code =
        kt_output_parse_format(options->output, KT_FORMAT_WIDE | KT_FORMAT_NAME | KT_FORMAT_TREES, &format, error);
    struct wanted_machine machine = {.sku = NULL};
    if (code == 0)
        code = kt_plan_settings(app, &options->judge, &machine.settings, error);
    if (code == 0 && options->fits)
        code = kt_plan_find_sku(options->fits, NULL, &machine.sku, error);
    if (code != 0)
        return code;
    const struct kt_sku *sku = machine.sku;
    if (sku && (sku->vendor != KT_GPU_NVIDIA || sku->memory_bytes == 0))
        return kt_error_set(error, KT_EINVAL,
                            "nothing runs on %s: it has %s, and Kaito's images need an NVIDIA GPU of "
                            "known size",
                            sku->name, sku->gpu_model);
    bool tree = ((unsigned)format.format & KT_FORMAT_TREES) != 0;
    const struct wanted_machine *wanted = sku ? &machine : NULL;
    code =
        tree ? write_list_tree(app, options, &format, wanted, error) : write_list(app, options, &format, wanted, error);
    return code < 0 ? code : KT_EXIT_OK;
}

/* --- describe ------------------------------------------------------------------------------------------------------
 */

struct describe_options {
    const char *output;
    const char *cloud;
    struct kt_judge_flags judge; /* of them, which image trains */
};

#define DESCRIBE_AT(member) offsetof(struct describe_options, member)
static const struct kt_flag describe_flags[] = {
    {.name = "cloud",
     .kind = KT_FLAG_TEXT,
     .offset = DESCRIBE_AT(cloud),
     .value_name = "NAME",
     .shown = "'azure'",
     .choices = kt_cloud_choices,
     .completion = KT_COMPLETE_CHOICES,
     .help = "Cloud whose machine types are looked at: azure, aws or arc."},
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = DESCRIBE_AT(output),
     .value_name = "FORMAT",
     .shown = "''",
     .help = "Output format: json, yaml or jsonpath=TEMPLATE."},
    KT_TRAINER_FLAGS(struct describe_options),
};

static int run_describe(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct describe_options *options = values;
    struct kt_output_format format;
    const struct kt_model *model;
    struct kt_settings settings;
    int code = kt_output_parse_format(options->output, KT_FORMAT_TREES, &format, error);
    if (code == 0)
        code = kt_plan_settings(app, &options->judge, &settings, error);
    if (code == 0)
        code = kt_plan_find_model(app->arguments[0], &model, error);
    if (code != 0)
        return code;
    if (format.format != KT_FORMAT_PLAIN) {
        code = kt_output_write_tree(app, &format, kt_tree_model(app->arena, model), error);
    } else {
        if (options->cloud)
            kt_settings_set_cloud(&settings, options->cloud);
        struct kt_strbuf text = kt_output_buffer(app);
        kt_text_describe_model(app, &text, model, &settings);
        code = kt_output_write(app, &text, error);
    }
    return code < 0 ? code : KT_EXIT_OK;
}

static const struct kt_command list_command = {
    .name = "list",
    .summary = "List models",
    .usage = "[flags]",
    .examples = "# Models that can be tuned on a machine type\n"
                "kubectl kaito models list --tunable --fits Standard_NV36ads_A10_v5\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct models_options),
    .run = run_list,
};

static const struct kt_command describe_command = {
    .name = "describe",
    .summary = "Show what is known about one model",
    .usage = "NAME [flags]",
    .examples = "kubectl kaito models describe phi-3-mini-128k-instruct\n",
    .flags = describe_flags,
    .flag_count = KT_ARRAY_LENGTH(describe_flags),
    .options_size = sizeof(struct describe_options),
    .least_arguments = 1,
    .most_arguments = 1,
    .completion = KT_COMPLETE_MODELS,
    .run = run_describe,
};

static const struct kt_command *const subcommands[] = {&list_command, &describe_command, NULL};
static const char *const aliases[] = {"model", NULL};

const struct kt_command kt_command_models = {
    .name = "models",
    .aliases = aliases,
    .group = KT_GROUP_OFFLINE,
    .summary = "List the models that Kaito knows, or describe one",
    .description =
        "List the models that Kaito " KT_UPSTREAM_VERSION
        " knows. The list is part of this program: no network is needed. Any other model of Hugging Face can be "
        "served too, by its name OWNER/NAME.",
    .usage = "[list|describe NAME] [flags]",
    .examples = "# All models\n"
                "kubectl kaito models\n"
                "\n"
                "# Models that can be tuned on a machine type\n"
                "kubectl kaito models --tunable --fits Standard_NV36ads_A10_v5\n"
                "\n"
                "# One model\n"
                "kubectl kaito models describe phi-3-mini-128k-instruct\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct models_options),
    .run = run_list,
    .subcommands = subcommands,
};
