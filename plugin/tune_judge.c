/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict of the rules before anything is sent, in the words in which the server would give it. */
#include <string.h>

#include "admission/warnings.h"
#include "plugin/manifest_cluster.h"
#include "plugin/tune.h"

/* Which flag a field comes from; longer paths first. */
static const struct {
    const char *field;
    const char *flag;
} flags_of_fields[] = {
    {"metadata.annotations", "--annotation"},
    {"metadata.name", "NAME"},
    {"resource.count", "--count"},
    {"resource.instanceType", "--instance-type"},
    {"resource.labelSelector", "--node-selector"},
    {"tuning.preset.presetOptions.image", "--model-image"},
    {"tuning.preset.presetOptions.modelAccessSecret", "--model-access-secret"},
    {"tuning.preset", "--model"},
    {"tuning.method", "--method"},
    {"tuning.config", "--config or --set"},
    {"tuning.input.urls", "--input-url"},
    {"tuning.input.imagePullSecrets", "--input-pull-secret"},
    {"tuning.input.image", "--input-image"},
    {"tuning.input.volumeSource", "--input-pvc"},
    {"tuning.output.imagePushSecret", "--output-push-secret"},
    {"tuning.output.image", "--output-image"},
    {"tuning.output.volumeSource", "--output-pvc"},
};

static const char *flag_of(const char *field)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(flags_of_fields); i++) {
        size_t length = strlen(flags_of_fields[i].field);
        if (strncmp(field, flags_of_fields[i].field, length) == 0 && (!field[length] || strchr(".[", field[length])))
            return flags_of_fields[i].flag;
    }
    return NULL;
}

int kt_tune_judge(struct kt_tune *tune, struct kt_connection *live, const char *namespace_, const cJSON *object,
                  const cJSON *old_object, struct kt_findings *ret, struct kt_error *error)
{
    struct kt_arena *arena = tune->app->arena;
    struct kt_manifest_cluster cluster;
    kt_manifest_cluster_init(&cluster, arena, &tune->settings, namespace_, live);
    /* Whoever tunes need not be allowed to read where the server's templates are. */
    cluster.quiet = true;
    if (tune->config_map) {
        const struct kt_manifest_object beside = {
            .node = tune->config_map,
            .kind = "ConfigMap",
            .name = kt_json_string(kt_json_path(tune->config_map, "metadata", "name", NULL)),
        };
        kt_manifest_cluster_add(&cluster, &beside);
    }
    struct kt_cluster view = kt_manifest_cluster_view(&cluster);
    struct kt_defaulting defaulting;
    const struct kt_admission_request request = {
        .operation = old_object ? KT_OPERATION_UPDATE : KT_OPERATION_CREATE,
        .namespace_ = namespace_,
        .name = tune->name,
        .object = kt_json_clone(arena, object),
        .old_object = kt_json_clone(arena, old_object),
        .settings = &tune->settings,
        .cluster = &view,
        .check_schema = true,
    };
    if (!request.object || (old_object && !request.old_object))
        return kt_error_set(error, KT_ENOMEM, "not enough memory to judge the Workspace");
    int code = kt_admission_judge(arena, &request, &defaulting, ret, error);
    if (code == 0 && cluster.fault.code != KT_OK) {
        *error = cluster.fault;
        code = error->code;
    }
    return code;
}

/* "field: message [RULE] (--flag)": as the server words it, with the flag that the field comes from. */
static void add_finding(struct kt_strbuf *text, const struct kt_finding *finding)
{
    const char *flag = flag_of(finding->field);
    kt_strbuf_puts(text, finding->field[0] ? finding->field : "Workspace");
    kt_strbuf_puts(text, ": ");
    kt_strbuf_puts(text, finding->message);
    kt_strbuf_printf(text, " [%s]", finding->rule);
    if (flag)
        kt_strbuf_printf(text, " (%s)", flag);
}

/* The server gives the same warnings, cut to what they may be. Once is enough, and in full. */
static void expect_from_server(struct kt_tune *tune, const struct kt_findings *findings)
{
    struct kt_warnings warnings;
    kt_warnings_init(&warnings, tune->app->arena);
    kt_warnings_add_findings(&warnings, findings);
    for (size_t i = 0; i < warnings.count; i++)
        kt_app_expect_warning(tune->app, warnings.items[i]);
}

bool kt_tune_report(struct kt_tune *tune, const struct kt_findings *findings)
{
    struct kt_app *app = tune->app;
    size_t errors = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct kt_finding *finding = &findings->items[i];
        errors += finding->severity == KT_SEVERITY_ERROR;
        if (finding->severity == KT_SEVERITY_ERROR)
            continue;
        struct kt_strbuf text = kt_output_buffer(app);
        add_finding(&text, finding);
        kt_app_warn(app, kt_strbuf_view(&text));
    }
    expect_from_server(tune, findings);
    if (errors == 0)
        return false;
    /* As kubectl words a refusal: one cause in the line, several below each other. */
    struct kt_strbuf text = kt_output_buffer(app), safe = kt_output_buffer(app);
    kt_strbuf_printf(&text, "The Workspace \"%s\" is invalid:%s", tune->name, errors == 1 ? " " : "\n");
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].severity != KT_SEVERITY_ERROR)
            continue;
        kt_strbuf_puts(&text, errors == 1 ? "" : "* ");
        add_finding(&text, &findings->items[i]);
        kt_strbuf_putc(&text, '\n');
    }
    kt_output_escape_lines(&safe, kt_strbuf_view(&text));
    fputs(safe.data, app->err);
    return true;
}
