/* SPDX-License-Identifier: Apache-2.0 */
/* `check`: every rule on every Workspace of the files, without a cluster. */
#include "plugin/check.h"
#include "plugin/check_dataset.h"
#include "plugin/commands.h"
#include "plugin/connection.h"

struct check_options {
    struct kt_texts files;
    const char *cluster; /* NULL: not asked; "": that of the context */
    bool complete;
    struct kt_texts datasets;
    const char *dataset_format;
    struct kt_number show;
    bool list_defaults;
    bool list_rules;
    bool show_defaults;
    const char *output;
    struct kt_judge_flags judge;
};

#define AT(member) offsetof(struct check_options, member)
static const struct kt_flag flags[] = {
    {.name = "cluster",
     .kind = KT_FLAG_TEXT,
     .offset = AT(cluster),
     .value_name = "NAME",
     .shown = "''",
     .bare = "",
     .completion = KT_COMPLETE_CLUSTERS,
     .help =
         "Also look into the live cluster for ConfigMaps, Secrets, claims and nodes that the files do not hold, with "
         "your own rights; --cluster=NAME picks that cluster of the kubeconfig."},
    {.name = "complete",
     .kind = KT_FLAG_BOOL,
     .offset = AT(complete),
     .shown = "false",
     .help =
         "Take the files for the whole cluster: a ConfigMap, Secret, claim or node that is not in them does not exist. "
         "Put the tuning templates in as well."},
    {.name = "dataset",
     .kind = KT_FLAG_TEXTS,
     .offset = AT(datasets),
     .value_name = "FILE",
     .shown = "[]",
     .completion = KT_COMPLETE_FILES,
     .help =
         "File with training data, or - for standard input: say what rows it holds, which of them cannot be used, "
         "and what the trainer would do with it; with -f, the trainer of its Workspaces, by their config. May be given "
         "several times."},
    {.name = "dataset-format",
     .kind = KT_FLAG_TEXT,
     .offset = AT(dataset_format),
     .value_name = "FORMAT",
     .shown = "''",
     .choices = kt_dataset_conversions,
     .completion = KT_COMPLETE_CHOICES,
     .help = "With --dataset: judge the rows as the annotation kaito.sh/dataset-format of this value would convert "
             "them: text or alpaca."},
    {.name = "filename",
     .letter = 'f',
     .kind = KT_FLAG_TEXTS,
     .offset = AT(files),
     .value_name = "FILE",
     .shown = "[]",
     .completion = KT_COMPLETE_FILES,
     .help =
         "File or folder to check, or - for standard input; may be given several times. Of a folder, all files that "
         "end in .yaml, .yml or .json are read, also those of folders in it."},
    {.name = "list-defaults",
     .kind = KT_FLAG_BOOL,
     .offset = AT(list_defaults),
     .shown = "false",
     .help = "List what the server fills in instead of checking; -o json and -o markdown are possible."},
    {.name = "list-rules",
     .kind = KT_FLAG_BOOL,
     .offset = AT(list_rules),
     .shown = "false",
     .help = "List the rules instead of checking; -o json and -o markdown are possible."},
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = AT(output),
     .value_name = "FORMAT",
     .shown = "'text'",
     .help = "Output format: text, json, sarif (code scanning) or github (annotations of a workflow)."},
    {.name = "show",
     .kind = KT_FLAG_NUMBER,
     .offset = AT(show),
     .value_name = "N",
     .shown = "0",
     .most = KT_DATASET_MOST_SHOWN,
     .help = "With --dataset: also print the first N rows as the trainer would see them."},
    {.name = "show-defaults",
     .kind = KT_FLAG_BOOL,
     .offset = AT(show_defaults),
     .shown = "false",
     .help = "Also show what the server would fill in."},
    KT_JUDGE_FLAGS(struct check_options),
};

/* --- the command ---------------------------------------------------------------------------------------------------
 */

static const struct kt_check_writer *writer_of(enum kt_format format)
{
    switch ((unsigned)format) {
    case KT_FORMAT_JSON:
        return &kt_check_json;
    case KT_FORMAT_SARIF:
        return &kt_check_sarif;
    case KT_FORMAT_GITHUB:
        return &kt_check_github;
    default:
        return &kt_check_text;
    }
}

static int check_dataset_flags(struct kt_app *app, const struct check_options *options, enum kt_format format,
                               struct kt_error *error)
{
    if (options->datasets.count == 0)
        return options->dataset_format || options->show.given
                   ? kt_app_usage_fault(app, error, "--dataset-format and --show are about the rows of a --dataset")
                   : 0;
    if (format != KT_FORMAT_JSON && format != KT_FORMAT_TEXT && format != KT_FORMAT_PLAIN)
        return kt_app_usage_fault(app, error, "--dataset takes -o text and -o json");
    return format == KT_FORMAT_JSON && options->files.count > 0
               ? kt_app_usage_fault(app, error, "with -o json either -f or --dataset can be given, not both")
               : 0;
}

static int check_datasets(struct kt_app *app, const struct check_options *options, const struct kt_settings *settings,
                          const struct kt_dataset_uses *uses, enum kt_format format, struct kt_error *error)
{
    struct kt_dataset_setup setup = {.files = &options->datasets,
                                     .settings = settings,
                                     .uses = uses,
                                     .shown = options->show.value,
                                     .format = format};
    kt_dataset_conversion_parse(options->dataset_format, &setup.conversion); /* one of the flag's choices */
    return kt_check_datasets(app, &setup, error);
}

static int run_check(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct check_options *options = values;
    unsigned formats = options->list_rules || options->list_defaults
                           ? KT_FORMAT_JSON | KT_FORMAT_MARKDOWN
                           : KT_FORMAT_TEXT | KT_FORMAT_JSON | KT_FORMAT_SARIF | KT_FORMAT_GITHUB;
    struct kt_output_format format;
    int code = kt_output_parse_format(options->output, formats, &format, error);
    if (code != 0)
        return code;
    if (app->argument_count > 0)
        return kt_app_usage_fault(app, error, "unexpected argument \"%.80s\": files are named with -f",
                                  app->arguments[0]);
    if (options->list_rules || options->list_defaults) {
        code = options->list_rules ? kt_check_list_rules(app, format.format, error)
                                   : kt_check_list_defaults(app, format.format, error);
        return code < 0 ? code : KT_EXIT_OK;
    }
    if (options->complete && options->cluster)
        return kt_app_usage_fault(app, error, "--complete and --cluster contradict each other");
    if (options->files.count + options->datasets.count == 0)
        return kt_app_usage_fault(app, error, "say what to check: -f FILE, -f FOLDER, -f - or --dataset FILE");
    code = check_dataset_flags(app, options, format.format, error);
    if (code != 0)
        return code;
    struct kt_dataset_uses uses = {.arena = app->arena};
    struct kt_check_setup setup = {
        .files = &options->files,
        .writer = writer_of(format.format),
        .default_namespace = app->globals.namespace_ ? app->globals.namespace_ : "default",
        .complete = options->complete,
        .show_defaults = options->show_defaults,
        .verb = "check",
        .judged = options->datasets.count > 0 ? kt_dataset_note_use : NULL,
        .judged_context = &uses,
    };
    code = kt_judge_settings(&options->judge, &setup.settings, error);
    if (code != 0)
        return code;
    if (options->files.count == 0)
        return check_datasets(app, options, &setup.settings, NULL, format.format, error);
    KT_CLEANUP(kt_disconnect) struct kt_connection connection = {0};
    if (options->cluster) {
        app->globals.cluster = options->cluster;
        code = kt_connect(app, &connection, error);
        if (code != 0)
            return code;
        setup.default_namespace = connection.config.namespace_;
        setup.live = &connection;
    }
    code = kt_check_run_all(app, &setup, error);
    int of_data = KT_EXIT_OK;
    if (code >= 0 && options->datasets.count > 0)
        of_data = check_datasets(app, options, &setup.settings, &uses, format.format, error);
    return code < 0 || of_data < 0 ? KT_MIN(code, of_data) : KT_MAX(code, of_data);
}

static const char *const aliases[] = {"validate", NULL};

const struct kt_command kt_command_check = {
    .name = "check",
    .aliases = aliases,
    .group = KT_GROUP_OFFLINE,
    .summary = "Judge Workspaces in files by every rule of the server",
    .description = "Judge Workspaces in files by every rule of the server, in the same words, before anything is sent. "
                   "ConfigMaps in the same files count as being in the cluster. What only a live cluster can tell is a "
                   "warning, unless --cluster looks there.",
    .usage = "(-f FILE|FOLDER|- | --dataset FILE) [flags]",
    .examples = "# A file, a folder with all that is in it, standard input\n"
                "kubectl kaito check -f workspace.yaml\n"
                "kubectl kaito check -f manifests/\n"
                "helm template . | kubectl kaito check -f -\n"
                "\n"
                "# What will the server fill in?\n"
                "kubectl kaito check -f workspace.yaml --show-defaults\n"
                "\n"
                "# Training data: what is in it, and would the trainer read it?\n"
                "kubectl kaito check --dataset rows.jsonl\n"
                "kubectl kaito check --dataset alpaca.json --dataset-format=alpaca --show=3\n"
                "\n"
                "# Annotations in a pull request\n"
                "kubectl kaito check -f manifests/ -o github\n",
    .notes =
        "What the trainer reads: files with csv, json or parquet in their names, whose rows are messages "
        "({\"messages\": "
        "[{\"role\", \"content\"}]}) or prompt and completion; the latter with batch size 1 in images from 0.4.2 on. "
        "Rows "
        "of a text, or of alpaca's instruction, input and output, are converted where kaito.sh/dataset-format says "
        "so.\n"
        "\n"
        "Exit codes: 0 nothing to complain about (warnings may be there), 1 a Workspace would be refused or no trainer "
        "learns from the data, 2 some "
        "input could not be read or used, the result could not be written, or a flag is wrong. The highest counts; "
        "one bad file does not stop the others.",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct check_options),
    .most_arguments = SIZE_MAX, /* refused with a hint */
    .completion = KT_COMPLETE_FILES,
    .fault_exit_code = KT_EXIT_UNUSABLE,
    .run = run_check,
};
