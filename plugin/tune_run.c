/* SPDX-License-Identifier: Apache-2.0 */
/* The course of `tune`, and what it prints. */
#include "plugin/tune.h"
#include "sizing/explain.h"
#include "text/yaml.h"

/* "workspace.kaito.sh/NAME" or "configmap/NAME". */
static void add_name(struct kt_strbuf *text, const cJSON *object)
{
    bool is_workspace = kt_streq(kt_json_string_or(kt_json_get(object, "kind"), ""), "Workspace");
    kt_strbuf_puts(text, is_workspace ? "workspace.kaito.sh/" : "configmap/");
    kt_output_escape(text, kt_str(kt_json_string_or(kt_json_path(object, "metadata", "name", NULL), "")));
}

static void add_line(struct kt_tune *tune, struct kt_strbuf *text, const cJSON *object, const char *done)
{
    static const char *const endings[] = {[KT_TUNE_DRY_RUN_NONE] = "",
                                          [KT_TUNE_DRY_RUN_CLIENT] = " (dry run)",
                                          [KT_TUNE_DRY_RUN_SERVER] = " (server dry run)"};
    add_name(text, object);
    if (tune->format.format == KT_FORMAT_PLAIN)
        kt_strbuf_printf(text, " %s%s", done, endings[tune->dry_run]);
    kt_strbuf_putc(text, '\n');
}

static int write_trees(struct kt_tune *tune, const cJSON *config_map, const cJSON *workspace, struct kt_error *error)
{
    struct kt_arena *arena = tune->app->arena;
    struct kt_strbuf text = kt_output_buffer(tune->app);
    if (tune->format.format == KT_FORMAT_YAML) {
        if (config_map) {
            kt_yaml_write(&text, config_map);
            kt_strbuf_puts(&text, "---\n");
        }
        kt_yaml_write(&text, workspace);
        return kt_output_write(tune->app, &text, error);
    }
    if (!config_map)
        return kt_output_write_tree(tune->app, &tune->format, workspace, error);
    cJSON *list = kt_json_new_object(arena), *items = kt_json_new_array(arena);
    kt_json_set_string(arena, list, "apiVersion", "v1");
    kt_json_set_string(arena, list, "kind", "List");
    kt_json_append(arena, items, kt_json_reference(arena, config_map));
    kt_json_append(arena, items, kt_json_reference(arena, workspace));
    kt_json_set(arena, list, "items", items);
    return kt_output_write_tree(tune->app, &tune->format, list, error);
}

/* What was decided here and not by the user: said with what came of it, and not before a refusal. */
static void say_choices(const struct kt_tune *tune)
{
    const char *wanted = tune->options->instance_type;
    const char *name = kt_json_string(kt_json_path(tune->workspace, "resource", "instanceType", NULL));
    const struct kt_sku *sku =
        wanted && kt_streq_nocase(wanted, "auto") && name ? kt_sku_find(tune->settings.cloud, kt_str(name)) : NULL;
    if (sku) {
        struct kt_strbuf text;
        kt_strbuf_init(&text, tune->app->arena, (size_t)KT_KIB);
        kt_explain_sku(&text, sku);
        fprintf(tune->app->err, "Chosen: %s\n", text.data);
    }
    if (tune->float16_image)
        fprintf(tune->app->err,
                "The GPU has no bfloat16, so the ConfigMap %s-config trains in float16; the image is kaito-base:%s.\n",
                tune->name, tune->float16_image);
}

int kt_tune_write(struct kt_tune *tune, const cJSON *config_map, const char *config_map_done, const cJSON *workspace,
                  const char *workspace_done, struct kt_error *error)
{
    say_choices(tune);
    if ((unsigned)tune->format.format & KT_FORMAT_TREES)
        return write_trees(tune, config_map, workspace, error);
    struct kt_strbuf text = kt_output_buffer(tune->app);
    if (config_map)
        add_line(tune, &text, config_map, config_map_done);
    add_line(tune, &text, workspace, workspace_done);
    return kt_output_write(tune->app, &text, error);
}

int kt_tune_run(struct kt_app *app, const void *values, struct kt_error *error)
{
    struct kt_tune tune;
    struct kt_findings findings = {0};
    int code = kt_tune_build(app, values, &tune, error);
    if (code != 0)
        return code;
    const char *namespace_ = app->globals.namespace_ ? app->globals.namespace_ : "default";
    code = kt_tune_judge(&tune, NULL, namespace_, tune.workspace, NULL, &findings, error);
    if (code != 0)
        return code;
    /* With a server to ask, what could not be known offline is asked before it is warned of. */
    if (tune.dry_run == KT_TUNE_DRY_RUN_CLIENT || kt_findings_has_error(&findings)) {
        if (kt_tune_report(&tune, &findings))
            return KT_EXIT_ERROR;
        code = kt_tune_write(&tune, tune.config_map, "created", tune.workspace, "created", error);
        return code < 0 ? code : KT_EXIT_OK;
    }
    return kt_tune_apply(&tune, error);
}
