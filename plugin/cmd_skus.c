/* SPDX-License-Identifier: Apache-2.0 */
/* `skus`: what is known about machine types. */
#include <stdlib.h>
#include <string.h>

#include "plugin/catalog_text.h"
#include "plugin/commands.h"
#include "plugin/output.h"
#include "plugin/planning.h"

struct skus_options {
    bool retired;
    bool no_headers;
    const char *cloud;
    const char *fits_model;
    const char *method;
    const char *output;
    struct kt_judge_flags judge; /* of them, which image trains */
};

static const char *const method_choices[] = {"qlora", "lora", "inference", NULL};

#define AT(member) offsetof(struct skus_options, member)
static const struct kt_flag flags[] = {
    {.name = "cloud",
     .kind = KT_FLAG_TEXT,
     .offset = AT(cloud),
     .value_name = "NAME",
     .shown = "''",
     .choices = kt_cloud_choices,
     .completion = KT_COMPLETE_CHOICES,
     .help = "Only machine types of this cloud: azure, aws or arc."},
    {.name = "fits-model",
     .kind = KT_FLAG_TEXT,
     .offset = AT(fits_model),
     .value_name = "MODEL",
     .shown = "''",
     .completion = KT_COMPLETE_MODELS,
     .help = "Only machine types whose GPU this model fits on, cheapest first."},
    {.name = "method",
     .kind = KT_FLAG_TEXT,
     .offset = AT(method),
     .value_name = "NAME",
     .shown = "''",
     .choices = method_choices,
     .completion = KT_COMPLETE_CHOICES,
     .help = "With --fits-model, what to do with it: qlora, lora or inference. Otherwise qlora for a model that can be "
             "tuned, and inference for others."},
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
     .help = "Also list machine types that " KT_UPSTREAM_VERSION " of Kaito does not take any more, with the version "
             "that dropped them."},
    KT_TRAINER_FLAGS(struct skus_options),
};

/* One line of the list; fit is NULL without --fits-model. */
struct row {
    const struct kt_sku *sku;
    const struct kt_sku_fit *fit;
};

struct rows {
    struct row *items;
    size_t count;
    struct kt_settings settings; /* which image tunes */
};

static bool is_wanted(const struct skus_options *options, const struct kt_sku *sku)
{
    enum kt_cloud cloud;
    if (!sku->current && !options->retired)
        return false;
    return !options->cloud || !kt_cloud_parse(kt_str(options->cloud), &cloud) || sku->cloud == cloud;
}

/* By cloud, then price (unknown last), then name. */
static int compare_rows(const void *left, const void *right)
{
    const struct kt_sku *a = ((const struct row *)left)->sku, *b = ((const struct row *)right)->sku;
    if (a->cloud != b->cloud)
        return a->cloud < b->cloud ? -1 : 1;
    uint32_t price_a = a->price_milli_usd_per_hour ? a->price_milli_usd_per_hour : UINT32_MAX;
    uint32_t price_b = b->price_milli_usd_per_hour ? b->price_milli_usd_per_hour : UINT32_MAX;
    if (price_a != price_b)
        return price_a < price_b ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void all_rows(const struct skus_options *options, struct rows *rows)
{
    for (size_t i = 0; i < kt_sku_count; i++)
        if (is_wanted(options, &kt_skus[i]))
            rows->items[rows->count++] = (struct row){&kt_skus[i], NULL};
    qsort(rows->items, rows->count, sizeof(*rows->items), compare_rows);
}

static int fitting_rows(struct kt_app *app, const struct skus_options *options, struct rows *rows,
                        struct kt_error *error)
{
    const struct kt_model *model;
    int code = kt_plan_find_model(options->fits_model, &model, error);
    if (code != 0)
        return code;
    struct kt_tuning_needs tuning;
    struct kt_inference_input inference;
    enum kt_tuning_method method = KT_METHOD_QLORA;
    const char *wanted = options->method ? options->method : model->tunable ? "qlora" : "inference";
    bool tune = kt_tuning_method_parse(kt_str(wanted), &method);
    if (tune ? !kt_plan_default_tuning(&rows->settings, model, method, &tuning)
             : !kt_plan_default_inference(model, &inference))
        return kt_error_set(error, KT_EINVAL, "the sizes of %s are not known in full, so it cannot be sized for %s",
                            model->name, wanted);
    const struct kt_need need = tune ? kt_plan_need(&tuning) : (struct kt_need){.inference = &inference};
    for (int cloud = 0; cloud < KT_CLOUD_COUNT; cloud++) {
        size_t count = 0;
        const struct kt_sku_fit *fits = kt_sizing_rank_skus(app->arena, &need, (enum kt_cloud)cloud, &count);
        for (size_t i = 0; fits && i < count; i++)
            if (is_wanted(options, fits[i].sku) && fits[i].fit <= KT_FIT_TIGHT)
                rows->items[rows->count++] = (struct row){fits[i].sku, &fits[i]};
    }
    return 0;
}

static void add_row(struct kt_app *app, struct kt_table *table, const struct rows *rows, const struct row *row,
                    bool wide)
{
    const struct kt_sku *sku = row->sku;
    struct kt_arena *arena = app->arena;
    kt_table_add(table, sku->name);
    kt_table_add(table, kt_cloud_name(sku->cloud));
    kt_table_add(table, sku->gpu_count ? kt_arena_printf(arena, "%u", sku->gpu_count) : NULL);
    kt_table_add(table, sku->gpu_model);
    kt_table_add(table, kt_text_gpu_memory(arena, sku));
    kt_table_add(table, sku->compute_capability == 0 ? NULL : kt_plan_has_bf16(sku) ? "yes" : "no");
    kt_table_add(table, kt_text_sku_image(sku, &rows->settings));
    if (row->fit) {
        kt_table_add(table, kt_fit_name(row->fit->fit));
        kt_table_addf(table, "%u", row->fit->nodes);
    }
    kt_table_add(table,
                 kt_text_price(arena, row->fit ? row->fit->price_milli_usd_per_hour : sku->price_milli_usd_per_hour));
    if (wide) {
        kt_table_add(table, kt_text_capability(arena, sku->compute_capability));
        kt_table_add(table, sku->nvme_disk ? "yes" : "no");
        kt_table_add(table, sku->price_region);
    }
    kt_table_add(table, kt_text_sku_status(arena, sku));
}

static int write_list(struct kt_app *app, const struct skus_options *options, const struct kt_output_format *format,
                      const struct rows *rows, struct kt_error *error)
{
    static const char *const plain[] = {"NAME", "CLOUD", "GPUS",     "GPU",    "EACH",
                                        "BF16", "IMAGE", "USD/HOUR", "STATUS", NULL};
    static const char *const plain_fits[] = {"NAME",  "CLOUD", "GPUS",  "GPU",      "EACH",   "BF16",
                                             "IMAGE", "FIT",   "NODES", "USD/HOUR", "STATUS", NULL};
    static const char *const wide[] = {"NAME",     "CLOUD",      "GPUS", "GPU",    "EACH",   "BF16", "IMAGE",
                                       "USD/HOUR", "CAPABILITY", "NVME", "REGION", "STATUS", NULL};
    static const char *const wide_fits[] = {"NAME",       "CLOUD", "GPUS",   "GPU",    "EACH",
                                            "BF16",       "IMAGE", "FIT",    "NODES",  "USD/HOUR",
                                            "CAPABILITY", "NVME",  "REGION", "STATUS", NULL};
    bool is_wide = format->format == KT_FORMAT_WIDE;
    struct kt_table table;
    kt_table_init(&table, app->arena,
                  options->fits_model ? (is_wide ? wide_fits : plain_fits) : (is_wide ? wide : plain),
                  options->no_headers);
    struct kt_strbuf text = kt_output_buffer(app);
    for (size_t i = 0; i < rows->count; i++) {
        if (format->format == KT_FORMAT_NAME)
            kt_strbuf_printf(&text, "%s\n", rows->items[i].sku->name);
        else
            add_row(app, &table, rows, &rows->items[i], is_wide);
    }
    if (rows->count == 0)
        fprintf(app->err, "No machine types found.\n");
    else if (format->format != KT_FORMAT_NAME)
        kt_table_write(&table, &text, 0);
    return kt_output_write(app, &text, error);
}

static int write_tree(struct kt_app *app, const struct kt_output_format *format, const struct rows *rows,
                      struct kt_error *error)
{
    cJSON *list = kt_json_new_object(app->arena), *items = kt_json_new_array(app->arena);
    kt_json_set_string(app->arena, list, "upstreamVersion", KT_UPSTREAM_VERSION);
    kt_json_set(app->arena, list, "items", items);
    for (size_t i = 0; i < rows->count; i++) {
        cJSON *item = kt_tree_sku(app->arena, rows->items[i].sku, &rows->settings);
        const struct kt_sku_fit *fit = rows->items[i].fit;
        if (fit) {
            kt_json_set_string(app->arena, item, "fit", kt_fit_name(fit->fit));
            kt_json_set_int(app->arena, item, "nodes", fit->nodes);
        }
        kt_json_append(app->arena, items, item);
    }
    return kt_output_write_tree(app, format, list, error);
}

static int run_list(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct skus_options *options = values;
    struct kt_output_format format;
    int code =
        kt_output_parse_format(options->output, KT_FORMAT_WIDE | KT_FORMAT_NAME | KT_FORMAT_TREES, &format, error);
    if (code != 0)
        return code;
    if (options->method && !options->fits_model)
        return kt_app_usage_fault(app, error, "--method says how to use the model of --fits-model, which is not given");
    struct rows rows = {.items = kt_arena_calloc(app->arena, kt_sku_count, sizeof(*rows.items))};
    if (!rows.items)
        return kt_error_set(error, KT_ENOMEM, "not enough memory");
    code = kt_plan_settings(app, &options->judge, &rows.settings, error);
    if (code != 0)
        return code;
    if (options->fits_model)
        code = fitting_rows(app, options, &rows, error);
    else
        all_rows(options, &rows);
    if (code == 0)
        code = (unsigned)format.format & KT_FORMAT_TREES ? write_tree(app, &format, &rows, error)
                                                         : write_list(app, options, &format, &rows, error);
    return code < 0 ? code : KT_EXIT_OK;
}

/* --- describe ------------------------------------------------------------------------------------------------------
 */

struct describe_options {
    const char *output;
    struct kt_judge_flags judge; /* of them, which image trains */
};

static const struct kt_flag describe_flags[] = {
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = offsetof(struct describe_options, output),
     .value_name = "FORMAT",
     .shown = "''",
     .help = "Output format: json, yaml or jsonpath=TEMPLATE."},
    KT_TRAINER_FLAGS(struct describe_options),
};

static int run_describe(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct describe_options *options = values;
    struct kt_output_format format;
    const struct kt_sku *sku;
    struct kt_settings settings;
    int code = kt_output_parse_format(options->output, KT_FORMAT_TREES, &format, error);
    if (code == 0)
        code = kt_plan_settings(app, &options->judge, &settings, error);
    if (code == 0)
        code = kt_plan_find_sku(app->arguments[0], NULL, &sku, error);
    if (code != 0)
        return code;
    if (format.format != KT_FORMAT_PLAIN) {
        code = kt_output_write_tree(app, &format, kt_tree_sku(app->arena, sku, &settings), error);
    } else {
        struct kt_strbuf text = kt_output_buffer(app);
        kt_text_describe_sku(app, &text, sku, &settings);
        code = kt_output_write(app, &text, error);
    }
    return code < 0 ? code : KT_EXIT_OK;
}

static const struct kt_command list_command = {
    .name = "list",
    .summary = "List machine types",
    .usage = "[flags]",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct skus_options),
    .run = run_list,
};

static const struct kt_command describe_command = {
    .name = "describe",
    .summary = "Show what is known about one machine type",
    .usage = "NAME [flags]",
    .examples = "kubectl kaito skus describe Standard_NC6s_v3\n",
    .flags = describe_flags,
    .flag_count = KT_ARRAY_LENGTH(describe_flags),
    .options_size = sizeof(struct describe_options),
    .least_arguments = 1,
    .most_arguments = 1,
    .completion = KT_COMPLETE_SKUS,
    .run = run_describe,
};

static const struct kt_command *const subcommands[] = {&list_command, &describe_command, NULL};
static const char *const aliases[] = {"sku", NULL};

const struct kt_command kt_command_skus = {
    .name = "skus",
    .aliases = aliases,
    .group = KT_GROUP_OFFLINE,
    .summary = "List GPU machine types with prices, or describe one",
    .description =
        "List GPU machine types of Azure, AWS and Arc. The list is part of this program: no network is needed. "
        "Prices are for Linux on demand and change; they are for comparing. IMAGE is the tag of kaito-base, the image "
        "that tunes, for a machine type; <none>: no image has kernels for its GPU.",
    .usage = "[list|describe NAME] [flags]",
    .examples = "# What is there on Azure\n"
                "kubectl kaito skus --cloud azure\n"
                "\n"
                "# Which ones can tune a model, cheapest first\n"
                "kubectl kaito skus --fits-model phi-3-mini-128k-instruct --method lora\n"
                "\n"
                "# One machine type\n"
                "kubectl kaito skus describe Standard_NC6s_v3\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct skus_options),
    .run = run_list,
    .subcommands = subcommands,
};
