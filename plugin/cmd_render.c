/* SPDX-License-Identifier: Apache-2.0 */
/* `render`: the objects that the server would make of the Workspaces in files, after the rules have judged them. */
#include "plugin/check.h"
#include "plugin/commands.h"
#include "text/yaml.h"
#include "workload/render.h"

struct render_options {
    struct kt_texts files;
    const char *output;
    const char *preset_registry;
    struct kt_judge_flags judge;
};

#define AT(member) offsetof(struct render_options, member)
static const struct kt_flag flags[] = {
    {.name = "filename",
     .letter = 'f',
     .kind = KT_FLAG_TEXTS,
     .offset = AT(files),
     .value_name = "FILE",
     .shown = "[]",
     .completion = KT_COMPLETE_FILES,
     .help = "File or folder with Workspaces and the ConfigMaps that they name, or - for standard input; may be given "
             "several times."},
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = AT(output),
     .value_name = "FORMAT",
     .shown = "'yaml'",
     .help = "Output format: yaml, json, name or jsonpath=TEMPLATE."},
    {.name = "preset-registry",
     .kind = KT_FLAG_TEXT,
     .offset = AT(preset_registry),
     .value_name = "HOST/PATH",
     .shown = "'mcr.microsoft.com/aks/kaito'",
     .help = "Where the server takes the images with weights and the trainer's image from."},
    KT_JUDGE_FLAGS(struct render_options),
};

/* --- a writer for the course of `check` -----------------------------------------------------------------------------
 */

struct rendered {
    struct kt_output_format format;
    cJSON *objects; /* in the arena of the run */
};

static void nothing(struct kt_check_run *run, struct kt_strbuf *text)
{
    (void)run, (void)text;
}

static void unusable(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_unusable *told)
{
    (void)run, (void)text, (void)told; /* standard error has it already */
}

static void write_refusal(struct kt_check_run *run, const struct kt_checked *checked, struct kt_arena *arena)
{
    struct kt_app *app = run->app;
    struct kt_terminal out_terminal = app->out_terminal;
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, KT_OUTPUT_LIMIT_BYTES);
    app->out_terminal = app->err_terminal;
    kt_check_text.checked(run, &text, checked);
    app->out_terminal = out_terminal;
    fputs(text.data, app->err);
}

static void write_warnings(struct kt_check_run *run, const struct kt_findings *findings, struct kt_arena *arena)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct kt_finding *finding = &findings->items[i];
        struct kt_strbuf text;
        kt_strbuf_init(&text, arena, KT_OUTPUT_LIMIT_BYTES);
        kt_strbuf_printf(&text, "%s: %s [%s]", finding->field[0] ? finding->field : "Workspace", finding->message,
                         finding->rule);
        kt_app_warn(run->app, kt_strbuf_view(&text));
    }
}

static const char *text_at(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", key, NULL), "");
}

/* Workspaces of a namespace share the copy of a template. */
static bool is_there(const cJSON *objects, const cJSON *wanted)
{
    const cJSON *object;
    cJSON_ArrayForEach(object, objects)
    {
        if (kt_streq(kt_json_string_or(kt_json_get(object, "kind"), ""),
                     kt_json_string_or(kt_json_get(wanted, "kind"), "")) &&
            kt_streq(text_at(object, "name"), text_at(wanted, "name")) &&
            kt_streq(text_at(object, "namespace"), text_at(wanted, "namespace")))
            return true;
    }
    return false;
}

static void keep_objects(struct kt_check_run *run, const cJSON *objects)
{
    struct rendered *rendered = run->context;
    const cJSON *object;
    cJSON_ArrayForEach(object, objects)
    {
        if (!is_there(rendered->objects, object))
            kt_json_append(run->app->arena, rendered->objects, kt_json_clone(run->app->arena, object));
    }
}

static void render_checked(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_checked *checked)
{
    struct kt_arena *arena = text->arena;
    struct kt_error error = {0};
    cJSON *objects = NULL;
    if (!checked->allowed) {
        write_refusal(run, checked, arena);
        return;
    }
    write_warnings(run, checked->findings, arena);
    cJSON *workspace = kt_json_clone(arena, checked->defaulting->mutated);
    cJSON *metadata = kt_json_get(workspace, "metadata");
    const char *namespace_ = checked->object->namespace_ ? checked->object->namespace_ : run->default_namespace;
    if (!text_at(workspace, "namespace")[0])
        kt_json_set_string(arena, metadata, "namespace", namespace_);
    if (kt_workload_render(arena, workspace, run->settings, run->cluster, &objects, NULL, &error) == 0) {
        keep_objects(run, objects);
        return;
    }
    run->failures++;
    kt_error_wrap(&error, "%s: Workspace %s/%s", checked->file->name, namespace_, text_at(workspace, "name"));
    kt_app_report(run->app, &error);
}

/* --- writing it out -------------------------------------------------------------------------------------------------
 */

/* "job.batch/name", as kubectl names objects. */
static void write_names(struct kt_strbuf *text, const cJSON *objects)
{
    const cJSON *object;
    cJSON_ArrayForEach(object, objects)
    {
        const char *version = kt_json_string_or(kt_json_get(object, "apiVersion"), "");
        const char *slash = strchr(version, '/');
        for (const char *at = kt_json_string_or(kt_json_get(object, "kind"), ""); *at; at++)
            kt_strbuf_putc(text, kt_ascii_lower(*at));
        kt_strbuf_printf(text, "%s%.*s/%s\n", slash ? "." : "", slash ? (int)(slash - version) : 0, version,
                         text_at(object, "name"));
    }
}

static void write_documents(struct kt_strbuf *text, const cJSON *objects)
{
    const cJSON *object;
    cJSON_ArrayForEach(object, objects)
    {
        if (text->length > 0)
            kt_strbuf_puts(text, "---\n");
        kt_yaml_write(text, object);
    }
}

static cJSON *list_of(struct kt_app *app, cJSON *objects)
{
    cJSON *list = kt_json_new_object(app->arena);
    kt_json_set_string(app->arena, list, "apiVersion", "v1");
    kt_json_set_string(app->arena, list, "kind", "List");
    kt_json_set(app->arena, list, "items", objects);
    return list;
}

static int write_objects(struct kt_app *app, const struct rendered *rendered, struct kt_error *error)
{
    if (app->arena->failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the output");
    if (kt_json_count(rendered->objects) == 0)
        return 0;
    struct kt_strbuf text = kt_output_buffer(app);
    switch ((unsigned)rendered->format.format) {
    case KT_FORMAT_NAME:
        write_names(&text, rendered->objects);
        break;
    case KT_FORMAT_PLAIN:
    case KT_FORMAT_YAML:
        write_documents(&text, rendered->objects);
        break;
    default:
        return kt_output_write_tree(app, &rendered->format, list_of(app, rendered->objects), error);
    }
    return kt_output_write(app, &text, error);
}

static void write_end(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_check_totals *totals)
{
    struct kt_error error = {0};
    (void)text, (void)totals;
    if (write_objects(run->app, run->context, &error) < 0) {
        run->failures++;
        kt_app_report(run->app, &error);
    }
}

static const struct kt_check_writer writer = {
    .begin = nothing, .checked = render_checked, .unusable = unusable, .end = write_end};

/* --- the command ----------------------------------------------------------------------------------------------------
 */

static int run_render(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct render_options *options = values;
    struct rendered rendered = {.objects = kt_json_new_array(app->arena)};
    int code = kt_output_parse_format(options->output, KT_FORMAT_NAME | KT_FORMAT_TREES, &rendered.format, error);
    if (code != 0)
        return code;
    if (app->argument_count > 0)
        return kt_app_usage_fault(app, error, "unexpected argument \"%.80s\": files are named with -f",
                                  app->arguments[0]);
    if (options->files.count == 0)
        return kt_app_usage_fault(app, error, "say what to render: -f FILE, -f FOLDER or -f -");
    struct kt_check_setup setup = {
        .files = &options->files,
        .writer = &writer,
        .default_namespace = app->globals.namespace_ ? app->globals.namespace_ : "default",
        .context = &rendered,
        .verb = "render",
    };
    code = kt_judge_settings(&options->judge, &setup.settings, error);
    if (code == 0)
        setup.settings.pod_checks = setup.settings.release_image == NULL; /* as our server is set up */
    if (code != 0)
        return code;
    if (options->preset_registry && options->preset_registry[0])
        setup.settings.preset_registry = options->preset_registry;
    return kt_check_run_all(app, &setup, error);
}

const struct kt_command kt_command_render = {
    .name = "render",
    .group = KT_GROUP_OFFLINE,
    .summary = "Show the objects that the server would make of a Workspace",
    .description =
        "Show the objects that the server would make of the Workspaces in files: the revision, the NodeClaim that asks "
        "for a machine, the copy of the tuning template, and the Job. The rules of `check` judge first, and what they "
        "refuse is not rendered. Nothing is asked of a cluster: a ConfigMap that a Workspace names must be in the "
        "files "
        "too, and owner references have no uid.",
    .usage = "-f FILE|FOLDER|- [flags]",
    .examples =
        "# Everything, as YAML documents\n"
        "kubectl kaito render -f workspace.yaml\n"
        "\n"
        "# Which machine is asked for, and how large is its disk?\n"
        "kubectl kaito render -f workspace.yaml -o jsonpath='{.items[1].spec}'\n"
        "\n"
        "# As a server on AWS with a registry of its own would do it\n"
        "kubectl kaito render -f workspace.yaml --cloud-provider aws --preset-registry registry.example.com/kaito\n",
    .notes =
        "Exit codes: 0 all are rendered, 1 a Workspace is refused or cannot be rendered (the others are written all "
        "the same), 2 some input could not be read or used, or a flag is wrong.",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct render_options),
    .most_arguments = SIZE_MAX, /* refused with a hint */
    .completion = KT_COMPLETE_FILES,
    .fault_exit_code = KT_EXIT_UNUSABLE,
    .run = run_render,
};
