/* SPDX-License-Identifier: Apache-2.0 */
/* `tune` and `deploy`: their rows, with the names that the Go plugin (kaito-kubectl-plugin v0.1) has for flags. */
#include "dataset/dataset.h"
#include "plugin/commands.h"
#include "plugin/tune.h"

static const char *const methods[] = {"qlora", "lora", NULL};
static const char *const dry_runs[] = {"none", "client", "server", "true", "false", NULL};

#define AT(member) offsetof(struct kt_tune_options, member)
#define ALIAS(alias, flag_kind, member, of)                                                                       \
    {                                                                                                             \
        .name = alias, .kind = flag_kind, .offset = AT(member), .value_name = "VALUE", .help = "", .alias_of = of \
    }

static const struct kt_flag flags[] = {
    {.name = "annotation",
     .kind = KT_FLAG_TEXTS,
     .offset = AT(annotations),
     .value_name = "KEY=VALUE",
     .shown = "[]",
     .help = "Annotation of the Workspace, e.g. kaito.sh/bypass-resource-checks=true; may be given several times."},
    {.name = "config",
     .kind = KT_FLAG_TEXT,
     .offset = AT(config),
     .value_name = "FILE|NAME",
     .shown = "''",
     .completion = KT_COMPLETE_FILES,
     .help =
         "Training arguments: a file with training_config at its top (or a ConfigMap that holds one), from which the "
         "ConfigMap NAME-config is made; or the name of a ConfigMap of the cluster. Otherwise the server's template "
         "of the method."},
    {.name = "count",
     .kind = KT_FLAG_NUMBER,
     .offset = AT(count),
     .value_name = "N",
     .shown = "1",
     .least = 1,
     .most = 1000,
     .help = "Number of nodes; a tuning runs on one."},
    {.name = "dataset-format",
     .kind = KT_FLAG_TEXT,
     .offset = AT(dataset_format),
     .value_name = "FORMAT",
     .shown = "''",
     .choices = kt_dataset_conversions,
     .completion = KT_COMPLETE_CHOICES,
     .help = "Convert the rows of the data before the training: text (a column text) or alpaca (instruction, input, "
             "output). Without it they must be messages, or prompt and completion."},
    {.name = "dry-run",
     .kind = KT_FLAG_TEXT,
     .offset = AT(dry_run),
     .value_name = "WHERE",
     .shown = "'none'",
     .choices = dry_runs,
     .bare = "client",
     .completion = KT_COMPLETE_CHOICES,
     .help =
         "none; client: judge and print, send nothing; server: let the server judge too, without keeping anything."},
    {.name = "follow",
     .kind = KT_FLAG_BOOL,
     .offset = AT(follow),
     .shown = "false",
     .help = "Wait, and write the trainer's log to standard output meanwhile."},
    {.name = "force-conflicts",
     .kind = KT_FLAG_BOOL,
     .offset = AT(force_conflicts),
     .shown = "false",
     .help = "Take over fields that somebody else has set on an existing Workspace or ConfigMap."},
    {.name = "input-image",
     .kind = KT_FLAG_TEXT,
     .offset = AT(input_image),
     .value_name = "IMAGE",
     .shown = "''",
     .help = "Image that holds the training data."},
    {.name = "input-pull-secret",
     .kind = KT_FLAG_COMMA_TEXTS,
     .offset = AT(input_pull_secrets),
     .value_name = "NAME",
     .shown = "[]",
     .help = "Secret to pull the input image with; may be given several times."},
    {.name = "input-pvc",
     .kind = KT_FLAG_TEXT,
     .offset = AT(input_pvc),
     .value_name = "NAME",
     .shown = "''",
     .help = "PersistentVolumeClaim that holds the training data."},
    {.name = "input-url",
     .kind = KT_FLAG_TEXTS,
     .offset = AT(input_urls),
     .value_name = "URL",
     .shown = "[]",
     .help = "Where to download the training data from; may be given several times."},
    {.name = "instance-type",
     .kind = KT_FLAG_TEXT,
     .offset = AT(instance_type),
     .value_name = "SKU",
     .shown = "''",
     .completion = KT_COMPLETE_SKUS,
     .help =
         "Machine type. auto takes the cheapest that fits with room; without the flag the server chooses in the same "
         "way."},
    {.name = "method",
     .kind = KT_FLAG_TEXT,
     .offset = AT(method),
     .value_name = "NAME",
     .shown = "'qlora'",
     .choices = methods,
     .completion = KT_COMPLETE_CHOICES,
     .help = "qlora (weights in 4 bit) or lora (in 16 bit)."},
    {.name = "model",
     .kind = KT_FLAG_TEXT,
     .offset = AT(model),
     .value_name = "NAME",
     .shown = "''",
     .completion = KT_COMPLETE_TUNABLE_MODELS,
     .help = "The model to tune; `kubectl kaito models --tunable` lists them."},
    {.name = "model-access-secret",
     .kind = KT_FLAG_TEXT,
     .offset = AT(model_access_secret),
     .value_name = "NAME",
     .shown = "''",
     .help = "Secret with the key HF_TOKEN, for a model behind a licence."},
    {.name = "model-image",
     .kind = KT_FLAG_TEXT,
     .offset = AT(model_image),
     .value_name = "IMAGE",
     .shown = "''",
     .help = "Image with the model's weights, instead of the preset's own."},
    {.name = "node-selector",
     .kind = KT_FLAG_COMMA_TEXTS,
     .offset = AT(node_selector),
     .value_name = "KEY=VALUE",
     .shown = "[]",
     .help = "Labels of the nodes to use (resource.labelSelector.matchLabels). Needed with nodes of your own."},
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = AT(output),
     .value_name = "FORMAT",
     .shown = "''",
     .help = "Output format: yaml, json or name."},
    {.name = "output-image",
     .kind = KT_FLAG_TEXT,
     .offset = AT(output_image),
     .value_name = "IMAGE",
     .shown = "''",
     .help = "Image to push the adapter to."},
    {.name = "output-push-secret",
     .kind = KT_FLAG_TEXT,
     .offset = AT(output_push_secret),
     .value_name = "NAME",
     .shown = "''",
     .help = "Secret to push the output image with (kubectl create secret docker-registry ...)."},
    {.name = "output-pvc",
     .kind = KT_FLAG_TEXT,
     .offset = AT(output_pvc),
     .value_name = "NAME",
     .shown = "''",
     .help = "PersistentVolumeClaim to write the adapter to."},
    {.name = "set",
     .kind = KT_FLAG_TEXTS,
     .offset = AT(settings),
     .value_name = "SECTION.KEY=VALUE",
     .shown = "[]",
     .help =
         "Training argument, e.g. LoraConfig.r=16; may be given several times. Makes the ConfigMap NAME-config from "
         "the method's template, or from the file of --config."},
    {.name = "timeout",
     .kind = KT_FLAG_TEXT,
     .offset = AT(timeout),
     .value_name = "TIME",
     .shown = "'0'",
     .help = "With --wait: how long at most, e.g. 2h; 0: for as long as it takes."},
    {.name = "wait",
     .kind = KT_FLAG_BOOL,
     .offset = AT(wait),
     .shown = "false",
     .help = "Wait until the adapter is where it should be, with one line a stage on standard error. Ctrl-C ends the "
             "waiting and leaves the tuning running."},
    {.name = "workspace-name",
     .kind = KT_FLAG_TEXT,
     .offset = AT(workspace_name),
     .value_name = "NAME",
     .shown = "''",
     .help = "Another way to give NAME."},
    KT_JUDGE_FLAGS(struct kt_tune_options),
    ALIAS("preset", KT_FLAG_TEXT, model, "model"),
    ALIAS("tuning-method", KT_FLAG_TEXT, method, "method"),
    ALIAS("label-selector", KT_FLAG_COMMA_TEXTS, node_selector, "node-selector"),
    ALIAS("input-urls", KT_FLAG_COMMA_TEXTS, input_urls, "input-url"),
    ALIAS("output-image-secret", KT_FLAG_TEXT, output_push_secret, "output-push-secret"),
    ALIAS("output-image-push-secret", KT_FLAG_TEXT, output_push_secret, "output-push-secret"),
    ALIAS("tuning-config", KT_FLAG_TEXT, config, "config"),
    {.name = "tuning", .kind = KT_FLAG_BOOL, .offset = AT(tuning), .help = "", .alias_of = ""},
    /* Of the Go plugin's serving: known only to be refused with a reason. */
    {.name = "adapters", .kind = KT_FLAG_TEXT, .offset = AT(adapters), .value_name = "VALUE"},
    {.name = "enable-load-balancer", .kind = KT_FLAG_BOOL, .offset = AT(enable_load_balancer)},
    {.name = "inference-config", .kind = KT_FLAG_TEXT, .offset = AT(inference_config), .value_name = "VALUE"},
};

const struct kt_command kt_command_tune = {
    .name = "tune",
    .group = KT_GROUP_MAKE,
    .summary = "Fine-tune a model: make a checked Workspace and apply it",
    .description =
        "Fine-tune a model on data from URLs, an image or a volume, and put the adapter into an image or onto a "
        "volume.\n\nThe Workspace is judged by every rule of the server before anything is sent, and dry-run on "
        "the server before anything is kept. What you leave out, the server fills in.",
    .usage = "NAME --model MODEL (--input-url URL|--input-image IMAGE|--input-pvc NAME) (--output-image IMAGE "
             "--output-push-secret NAME|--output-pvc NAME) [flags]",
    .examples =
        "# Data from the web, adapter into an image, cheapest machine type that fits\n"
        "kubectl kaito tune tune-phi-3 --model phi-3-mini-128k-instruct --instance-type auto \\\n"
        "  --input-url https://example.com/data.parquet \\\n"
        "  --output-image registry.example.com/adapters/phi-3:0.0.1 --output-push-secret registry-push\n"
        "\n"
        "# Only look at it\n"
        "kubectl kaito tune tune-phi-3 --model phi-3-mini-128k-instruct --input-pvc data --output-pvc adapter \\\n"
        "  --dry-run=client -o yaml\n"
        "\n"
        "# Other training arguments\n"
        "kubectl kaito tune tune-phi-3 --model phi-3-mini-128k-instruct --input-pvc data --output-pvc adapter \\\n"
        "  --set LoraConfig.r=16 --set TrainingArguments.num_train_epochs=2\n"
        "\n"
        "# Stay with it until the adapter is on the volume, and see the training\n"
        "kubectl kaito tune tune-phi-3 --model phi-3-mini-128k-instruct --input-pvc data --output-pvc adapter \\\n"
        "  --wait --follow\n",
    .notes =
        "What the trainer reads: JSON Lines, JSON arrays, CSV and Parquet, with that word in the file's name, and rows "
        "of "
        "messages ({\"messages\": [{\"role\", \"content\"}]}) or of prompt and completion; the latter with batch size "
        "1 in "
        "images from 0.4.2 on. --dataset-format converts others. `kubectl kaito check --dataset FILE` says what a file "
        "holds before anything is sent; the tuning itself looks at each row before it trains.\n"
        "\n"
        "Exit codes: 0 applied, and with --wait only when the tuning has succeeded; 1 refused, or with --wait failed, "
        "with the cause; 124 when the time of --timeout is up; 130 after Ctrl-C.",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct kt_tune_options),
    .most_arguments = 1,
    .run = kt_tune_run,
};

/* Scripts of the Go plugin tune with `deploy --tuning`. */
static int run_deploy(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct kt_tune_options *options = values;
    if (options->tuning)
        return kt_tune_run(app, values, error);
    return kt_error_set(
        error, KT_EINVAL,
        "this version of the plugin cannot deploy a model for serving; apply a Workspace with `inference` "
        "(checked by `kubectl kaito check -f`), or tune one with `kubectl kaito tune`");
}

const struct kt_command kt_command_deploy = {
    .name = "deploy",
    .group = KT_GROUP_MAKE,
    .summary = "With --tuning the same as tune, for scripts of the older plugin",
    .description =
        "With --tuning the same as `kubectl kaito tune`, under the flag names of the older plugin. Serving a model "
        "is not part of this version.",
    .usage = "NAME --tuning --model MODEL [flags]",
    .examples = "kubectl kaito deploy --workspace-name tune-phi --model phi-3.5-mini-instruct --tuning \\\n"
                "  --input-urls https://example.com/data.parquet --output-image registry.example.com/phi:latest \\\n"
                "  --output-image-secret registry-push\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct kt_tune_options),
    .most_arguments = 1,
    .run = run_deploy,
};
