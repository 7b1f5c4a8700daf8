/* SPDX-License-Identifier: Apache-2.0 */
/* `status`: how far Workspaces are, and the first cause when one does not go on. */
#include "plugin/commands.h"
#include "plugin/follow.h"
#include "plugin/retries.h"
#include "plugin/status_view.h"
#include "plugin/target.h"
#include "text/time.h"

struct status_options {
    const char *workspace_name;
    bool all_namespaces;
    bool watch;
    bool no_headers;
    const char *output;
};

#define AT(member) offsetof(struct status_options, member)
static const struct kt_flag flags[] = {
    {.name = "all-namespaces",
     .letter = 'A',
     .kind = KT_FLAG_BOOL,
     .offset = AT(all_namespaces),
     .shown = "false",
     .help = "List the Workspaces of all namespaces."},
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
    {.name = "watch",
     .letter = 'w',
     .kind = KT_FLAG_BOOL,
     .offset = AT(watch),
     .shown = "false",
     .help = "Go on and print what changes: of one Workspace until it has succeeded or failed or is deleted."},
    KT_WORKSPACE_NAME_FLAG(struct status_options),
};

struct status {
    struct kt_app *app;
    const struct status_options *options;
    struct kt_output_format format;
    struct kt_gather_target target;
    struct kt_status_table_style style;
    struct kt_strbuf shown; /* heap; what was shown last */
};

static void release(struct status *status)
{
    kt_strbuf_release(&status->shown);
}

/* A view of the program whose memory lasts for one look. */
static struct kt_app view_of(const struct status *status, struct kt_arena *arena)
{
    struct kt_app view = *status->app;
    view.arena = arena;
    return view;
}

/* --- one -----------------------------------------------------------------------------------------------------------
 */

static int write_one(struct status *status, struct kt_arena *arena, const struct kt_observation *seen,
                     const struct kt_verdict *verdict, struct kt_error *error)
{
    struct kt_app view = view_of(status, arena);
    struct kt_strbuf text = kt_output_buffer(&view);
    if ((unsigned)status->format.format & KT_FORMAT_TREES)
        return kt_output_write_tree(status->app, &status->format, kt_status_tree(&view, seen, verdict), error);
    if (status->format.format == KT_FORMAT_NAME)
        kt_strbuf_printf(&text, "workspace.kaito.sh/%s\n", kt_object_name(seen->workspace));
    else
        kt_status_screen(&view, seen, verdict, &text);
    return kt_output_write(status->app, &text, error);
}

static int show_one(struct status *status, struct kt_error *error)
{
    struct kt_observation seen;
    struct kt_verdict verdict;
    int code = kt_gather_one(&status->target, status->app->arena, &seen, NULL, error);
    if (code != 0)
        return code;
    kt_verdict_of(status->app->arena, &seen, &verdict);
    const char *retry = verdict.has_cause ? NULL : kt_retry_of(status->target.connection, status->app->arena, &seen);
    if (retry)
        verdict.detail = retry;
    return write_one(status, status->app->arena, &seen, &verdict, error);
}

static int write_change(struct status *status, struct kt_app *view, const struct kt_observation *seen,
                        const struct kt_verdict *verdict, struct kt_error *error)
{
    struct kt_strbuf text = kt_output_buffer(view);
    kt_time_write_rfc3339(&text, seen->now_s * 1000);
    kt_strbuf_putc(&text, ' ');
    kt_status_headline(view, &view->out_terminal, seen, verdict, &text);
    return kt_output_write(status->app, &text, error);
}

static int write_gone(struct status *status, struct kt_app *view, struct kt_error *error)
{
    struct kt_strbuf text = kt_output_buffer(view);
    kt_time_write_rfc3339(&text, kt_clock_wall_ms(view->environment->clock));
    kt_strbuf_printf(&text, " %s (namespace %s): deleted\n", status->target.name, status->target.namespace_);
    return kt_output_write(status->app, &text, error);
}

static bool look_at_one(void *context, struct kt_arena *arena, const struct kt_observation *seen, int *ret,
                        struct kt_error *error)
{
    struct status *status = context;
    struct kt_app view = view_of(status, arena);
    struct kt_verdict verdict;
    if (!seen) {
        *ret = status->shown.length == 0 ? kt_target_missing(&status->target, error) : write_gone(status, &view, error);
        return false;
    }
    kt_verdict_of(arena, seen, &verdict);
    struct kt_strbuf headline = kt_output_buffer(&view);
    kt_status_headline(&view, &view.err_terminal, seen, &verdict, &headline);
    bool first = status->shown.length == 0;
    bool changed = !kt_str_equal(kt_strbuf_view(&headline), kt_strbuf_view(&status->shown));
    *ret = 0;
    if (first)
        *ret = write_one(status, arena, seen, &verdict, error);
    else if (changed)
        *ret = write_change(status, &view, seen, &verdict, error);
    kt_strbuf_clear(&status->shown);
    kt_strbuf_add_str(&status->shown, kt_strbuf_view(&headline));
    fflush(status->app->out);
    bool is_over = verdict.succeeded || verdict.failed;
    return *ret == 0 && !is_over;
}

/* --- all -----------------------------------------------------------------------------------------------------------
 */

static cJSON *tree_of_all(struct kt_app *view, const struct kt_observation *all, size_t count)
{
    cJSON *tree = kt_json_new_object(view->arena), *items = kt_json_new_array(view->arena);
    for (size_t i = 0; i < count; i++) {
        struct kt_verdict verdict;
        kt_verdict_of(view->arena, &all[i], &verdict);
        kt_json_append(view->arena, items, kt_status_tree(view, &all[i], &verdict));
    }
    kt_json_set(view->arena, tree, "items", items);
    return tree;
}

/* A line for each Workspace that changes when what is shown of it changes, ages aside. */
static void add_fingerprint(struct kt_strbuf *text, const struct kt_observation *seen, const struct kt_verdict *verdict)
{
    kt_strbuf_printf(text, "\n%s/%s\t%s\t%s\t%s\t%s\n", kt_object_namespace(seen->workspace),
                     kt_object_name(seen->workspace), verdict->state, verdict->stage, verdict->detail,
                     verdict->has_cause ? verdict->cause.message : "");
}

static int write_rows(struct status *status, struct kt_app *view, const struct kt_observation *all, size_t count,
                      struct kt_error *error)
{
    struct kt_strbuf text = kt_output_buffer(view), fingerprints = kt_output_buffer(view);
    struct kt_table table;
    struct kt_status_table_style style = status->style;
    size_t rows = 0;
    style.no_headers |= status->shown.length > 0;
    kt_status_table_init(view, &style, &table);
    for (size_t i = 0; i < count; i++) {
        struct kt_verdict verdict;
        struct kt_strbuf line;
        kt_strbuf_init(&line, view->arena, (size_t)(16 * KT_KIB));
        kt_verdict_of(view->arena, &all[i], &verdict);
        add_fingerprint(&line, &all[i], &verdict);
        kt_strbuf_add_str(&fingerprints, kt_strbuf_view(&line));
        if (strstr(status->shown.data, line.data))
            continue;
        kt_status_table_add(view, &style, &table, &all[i], &verdict);
        rows++;
    }
    if (rows > 0)
        kt_table_write(&table, &text, 0);
    kt_strbuf_clear(&status->shown);
    kt_strbuf_add_str(&status->shown, kt_strbuf_view(&fingerprints));
    return kt_output_write(status->app, &text, error);
}

static int write_all(struct status *status, struct kt_arena *arena, const struct kt_observation *all, size_t count,
                     struct kt_error *error)
{
    struct kt_app view = view_of(status, arena);
    struct kt_strbuf text = kt_output_buffer(&view);
    if ((unsigned)status->format.format & KT_FORMAT_TREES)
        return kt_output_write_tree(status->app, &status->format, tree_of_all(&view, all, count), error);
    if (status->format.format != KT_FORMAT_NAME)
        return write_rows(status, &view, all, count, error);
    for (size_t i = 0; i < count; i++)
        kt_strbuf_printf(&text, "workspace.kaito.sh/%s\n", kt_object_name(all[i].workspace));
    return kt_output_write(status->app, &text, error);
}

static int show_all(struct status *status, struct kt_error *error)
{
    struct kt_observation *all;
    size_t count;
    int code = kt_gather_all(&status->target, status->app->arena, &all, &count, error);
    if (code != 0)
        return code;
    bool is_table = !((unsigned)status->format.format & (KT_FORMAT_TREES | KT_FORMAT_NAME));
    if (count > 0 || !is_table)
        return write_all(status, status->app->arena, all, count, error);
    if (status->options->all_namespaces)
        fprintf(status->app->err, "No resources found\n");
    else
        fprintf(status->app->err, "No resources found in %s namespace.\n", status->target.namespace_);
    return 0;
}

static bool look_at_all(void *context, struct kt_arena *arena, const struct kt_observation *all, size_t count, int *ret,
                        struct kt_error *error)
{
    struct status *status = context;
    *ret = write_all(status, arena, all, count, error);
    fflush(status->app->out);
    return *ret == 0;
}

/* --- the command ---------------------------------------------------------------------------------------------------
 */

static int watch(struct status *status, struct kt_error *error)
{
    const struct kt_follow_options options = {.look = look_at_one, .look_all = look_at_all, .context = status};
    return kt_follow(&status->target, &options, error);
}

static int run_status(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct status_options *options = values;
    KT_CLEANUP(kt_disconnect) struct kt_connection connection = {0};
    KT_CLEANUP(release) struct status status = {.app = app, .options = options};
    kt_strbuf_init(&status.shown, NULL, KT_OUTPUT_LIMIT_BYTES);
    int code = kt_output_parse_format(options->output, KT_FORMAT_WIDE | KT_FORMAT_NAME | KT_FORMAT_TREES,
                                      &status.format, error);
    if (code != 0)
        return code;
    bool is_table = status.format.format == KT_FORMAT_PLAIN || status.format.format == KT_FORMAT_WIDE;
    if (options->watch && !is_table)
        return kt_app_usage_fault(app, error, "--watch prints tables only: leave --output=%s out", options->output);
    const char *name = kt_target_name(app, options->workspace_name);
    if (name && options->all_namespaces)
        return kt_app_usage_fault(app, error, "a Workspace cannot be named together with --all-namespaces");
    code = kt_target_connect(app, name, &connection, &status.target, error);
    if (code != 0)
        return code;
    if (options->all_namespaces)
        status.target.namespace_ = NULL;
    status.style = (struct kt_status_table_style){.with_namespace = options->all_namespaces,
                                                  .wide = status.format.format == KT_FORMAT_WIDE,
                                                  .no_headers = options->no_headers};
    if (options->watch)
        return watch(&status, error);
    code = name ? show_one(&status, error) : show_all(&status, error);
    return code < 0 ? code : KT_EXIT_OK;
}

const struct kt_command kt_command_status = {
    .name = "status",
    .group = KT_GROUP_FOLLOW,
    .summary = "How far Workspaces are, and the first cause when one does not go on",
    .description =
        "Without NAME a table of all Workspaces. With NAME one screen: the state and the first cause, found in claims, "
        "nodes, the Job, pods and events together; what there is of them; conditions; events.\n\n"
        "Works beside upstream's operator, too. What you may not read is said and left out.",
    .usage = "[NAME] [flags]",
    .examples = "kubectl kaito status\n"
                "kubectl kaito status tune-phi-3\n"
                "kubectl kaito status tune-phi-3 --watch\n"
                "kubectl kaito status -A -o wide\n"
                "kubectl kaito status tune-phi-3 -o 'jsonpath={.cause.reason}'\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct status_options),
    .most_arguments = 1,
    .completion = KT_COMPLETE_WORKSPACES,
    .run = run_status,
};
