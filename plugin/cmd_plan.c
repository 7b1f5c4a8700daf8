/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/commands.h"
#include "plugin/plan.h"

static const char *const methods[] = {"qlora", "lora", "inference", NULL};
static const char *const attentions[] = {"flash", "eager", NULL};
static const char *const data_kinds[] = {"messages", "prompt-completion", NULL};
static const char *const losses[] = {"full", "chunked", NULL};

#define AT(member) offsetof(struct kt_plan_options, member)
static const struct kt_flag flags[] = {
    {.name = "all",
     .kind = KT_FLAG_BOOL,
     .offset = AT(all),
     .shown = "false",
     .help = "List every machine type of the cloud, also those that do not fit."},
    {.name = "attention",
     .kind = KT_FLAG_TEXT,
     .offset = AT(attention),
     .value_name = "KIND",
     .shown = "''",
     .choices = attentions,
     .completion = KT_COMPLETE_CHOICES,
     .help = "flash or eager. Otherwise the kind that runs in the image, on the GPU."},
    {.name = "batch-size",
     .kind = KT_FLAG_NUMBER,
     .offset = AT(batch_size),
     .value_name = "N",
     .shown = "1",
     .least = 1,
     .most = 65536,
     .help =
         "Examples that one GPU works on at a time (per_device_train_batch_size). A training config of your own that "
         "does not name it means 8."},
    {.name = "cloud",
     .kind = KT_FLAG_TEXT,
     .offset = AT(cloud),
     .value_name = "NAME",
     .shown = "'azure'",
     .choices = kt_cloud_choices,
     .completion = KT_COMPLETE_CHOICES,
     .help = "Cloud whose machine types are compared: azure, aws or arc."},
    {.name = "cloud-provider",
     .kind = KT_FLAG_TEXT,
     .offset = AT(cloud),
     .value_name = "NAME",
     .choices = kt_cloud_choices,
     .completion = KT_COMPLETE_CHOICES,
     .help = "",
     .alias_of = "cloud"},
    {.name = "data",
     .kind = KT_FLAG_TEXT,
     .offset = AT(data),
     .value_name = "KIND",
     .shown = "'messages'",
     .choices = data_kinds,
     .completion = KT_COMPLETE_CHOICES,
     .help =
         "Kind of the rows that are trained on: messages or prompt-completion. Some images take batches of one kind "
         "only."},
    {.name = "double-quant",
     .kind = KT_FLAG_SWITCH,
     .offset = AT(double_quant),
     .shown = "true",
     .help = "With qlora in 4 bit: the scales of the weights are quantised too (bnb_4bit_use_double_quant)."},
    {.name = "gradient-checkpointing",
     .kind = KT_FLAG_SWITCH,
     .offset = AT(gradient_checkpointing),
     .shown = "true",
     .help = "Activations are computed anew instead of being kept. Always so with qlora; otherwise as the template and "
             "the image have it."},
    {.name = "hf-config",
     .kind = KT_FLAG_TEXT,
     .offset = AT(hf_config),
     .value_name = "FILE",
     .shown = "''",
     .completion = KT_COMPLETE_FILES,
     .help = "Size a model that the catalogue does not know from the config.json of its Hugging Face repository."},
    {.name = "instance-type",
     .kind = KT_FLAG_TEXT,
     .offset = AT(instance_type),
     .value_name = "SKU",
     .shown = "''",
     .completion = KT_COMPLETE_SKUS,
     .help = "Judge this machine type, and name better deals; auto takes the cheapest that fits with room."},
    {.name = "loss",
     .kind = KT_FLAG_TEXT,
     .offset = AT(loss),
     .value_name = "KIND",
     .shown = "''",
     .choices = losses,
     .completion = KT_COMPLETE_CHOICES,
     .help =
         "How the trainer computes the loss: over all tokens at once (full), or in chunks (loss_type: chunked_nll). "
         "Otherwise as the image does."},
    {.name = "method",
     .kind = KT_FLAG_TEXT,
     .offset = AT(method),
     .value_name = "NAME",
     .shown = "'qlora'",
     .choices = methods,
     .completion = KT_COMPLETE_CHOICES,
     .help = "qlora, lora or inference. For a model that cannot be tuned the default is inference."},
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = AT(output),
     .value_name = "FORMAT",
     .shown = "''",
     .help = "Output format: json, yaml or jsonpath=TEMPLATE. Bytes in it are per GPU."},
    {.name = "quantisation",
     .kind = KT_FLAG_TEXT,
     .offset = AT(quantisation),
     .value_name = "BITS",
     .shown = "4",
     .help = "With qlora: 4. Weights in 8 bit cannot be had: the trainer of every image ends on them."},
    {.name = "quantization",
     .kind = KT_FLAG_TEXT,
     .offset = AT(quantisation),
     .value_name = "BITS",
     .help = "",
     .alias_of = "quantisation"},
    {.name = "rank",
     .kind = KT_FLAG_NUMBER,
     .offset = AT(rank),
     .value_name = "N",
     .shown = "8",
     .least = 1,
     .most = 65536,
     .help = "Rank of the adapter (LoraConfig.r)."},
    {.name = "sequence-length",
     .kind = KT_FLAG_NUMBER,
     .offset = AT(sequence_length),
     .value_name = "TOKENS",
     .shown = "1024",
     .least = 1,
     .most = 1u << 24,
     .help = "Longest example in tokens (max_length); for inference the longest context (max-model-len)."},
    {.name = "target-modules",
     .kind = KT_FLAG_COMMA_TEXTS,
     .offset = AT(target_modules),
     .value_name = "NAMES",
     .shown = "[]",
     .help = "Modules that get an adapter, comma-separated, or all. Otherwise those that the trainer takes "
             "by itself."},
    KT_TRAINER_FLAGS(struct kt_plan_options),
};

static int run_plan(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct kt_plan_options *options = values;
    struct kt_output_format format;
    struct kt_plan plan;
    int code = kt_output_parse_format(options->output, KT_FORMAT_TREES, &format, error);
    if (code == 0)
        code = kt_plan_make(app, options, &plan, error);
    if (code == 0)
        code = format.format == KT_FORMAT_PLAIN ? kt_plan_write_text(app, &plan, options->all, error)
                                                : kt_plan_write_tree(app, &plan, &format, error);
    return code < 0 ? code : KT_EXIT_OK;
}

static const char *const aliases[] = {"explain", NULL};

const struct kt_command kt_command_plan = {
    .name = "plan",
    .aliases = aliases,
    .group = KT_GROUP_OFFLINE,
    .summary = "Show the GPU memory that a model needs, and the machine types that fit",
    .description =
        "Show the GPU memory that tuning or serving a model needs, what it is made of, and which machine types "
        "fit, cheapest first.\n\nTuning holds a full copy of everything on each GPU: two cards of 16 GiB are "
        "not one of 32. Which image trains depends on the GPU, and with it how attention and loss are computed, how "
        "long "
        "rows may be, and which batch sizes work.",
    .usage = "MODEL [flags]",
    .examples = "# What does tuning phi-3 need, and where?\n"
                "kubectl kaito plan phi-3-mini-128k-instruct\n"
                "\n"
                "# Does it fit on this machine type, with longer examples?\n"
                "kubectl kaito plan phi-3-mini-128k-instruct --instance-type Standard_NC6s_v3 --sequence-length 2048\n"
                "\n"
                "# Rows of prompt and completion, with the image of a release of Kaito\n"
                "kubectl kaito plan phi-3-mini-128k-instruct --data prompt-completion --kaito-version v0.12.0\n"
                "\n"
                "# How many nodes to serve a large model?\n"
                "kubectl kaito plan llama-3.3-70b-instruct --method inference --sequence-length 8192\n"
                "\n"
                "# A model outside the catalogue\n"
                "kubectl kaito plan my-model --hf-config config.json\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct kt_plan_options),
    .most_arguments = 1,
    .completion = KT_COMPLETE_MODELS,
    .run = run_plan,
};
