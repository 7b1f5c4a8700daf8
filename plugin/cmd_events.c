/* SPDX-License-Identifier: Apache-2.0 */
/* `events`: those of a Workspace, its Job, pods and claims as one story. */
#include "plugin/commands.h"
#include "plugin/status_view.h"
#include "plugin/target.h"

struct events_options {
    const char *workspace_name;
    bool no_headers;
    const char *output;
};

#define AT(member) offsetof(struct events_options, member)
static const struct kt_flag flags[] = {
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
     .help = "Output format: json, yaml or jsonpath=TEMPLATE."},
    KT_WORKSPACE_NAME_FLAG(struct events_options),
};

static cJSON *tree_of(struct kt_arena *arena, const struct kt_status_event *events, size_t count)
{
    cJSON *list = kt_json_new_object(arena), *items = kt_json_new_array(arena);
    kt_json_set_string(arena, list, "apiVersion", "v1");
    kt_json_set_string(arena, list, "kind", "List");
    for (size_t i = 0; i < count; i++)
        kt_json_append(arena, items, kt_json_reference(arena, events[i].event));
    kt_json_set(arena, list, "items", items);
    return list;
}

static int run_events(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct events_options *options = values;
    KT_CLEANUP(kt_disconnect) struct kt_connection connection = {0};
    struct kt_gather_target target;
    struct kt_output_format format;
    struct kt_observation seen;
    struct kt_verdict verdict;
    const char *name;
    size_t count;
    int code = kt_target_require(app, options->workspace_name, &name, error);
    if (code == 0)
        code = kt_output_parse_format(options->output, KT_FORMAT_TREES, &format, error);
    if (code == 0)
        code = kt_target_connect(app, name, &connection, &target, error);
    if (code == 0)
        code = kt_gather_one(&target, app->arena, &seen, NULL, error);
    if (code != 0)
        return code;
    kt_verdict_of(app->arena, &seen, &verdict);
    const struct kt_status_event *events = kt_status_events(app->arena, &seen, &verdict, 0, &count);
    if (format.format != KT_FORMAT_PLAIN) {
        code = kt_output_write_tree(app, &format, tree_of(app->arena, events, count), error);
        return code < 0 ? code : KT_EXIT_OK;
    }
    if (count == 0) {
        fprintf(app->err, "No events found for %s in %s namespace.\n", target.name, target.namespace_);
        return KT_EXIT_OK;
    }
    struct kt_strbuf text = kt_output_buffer(app);
    kt_status_events_table(app->arena, events, count, seen.now_s, options->no_headers, &text);
    code = kt_output_write(app, &text, error);
    return code < 0 ? code : KT_EXIT_OK;
}

const struct kt_command kt_command_events = {
    .name = "events",
    .group = KT_GROUP_FOLLOW,
    .summary = "Events of a Workspace, its claims, Job and pods, by time",
    .description =
        "Events of a Workspace, its claims, its Job and its pods, merged by time with the newest last. A star "
        "marks the first warning about what stops it.",
    .usage = "NAME [flags]",
    .examples = "kubectl kaito events tune-phi-3\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct events_options),
    .most_arguments = 1,
    .completion = KT_COMPLETE_WORKSPACES,
    .run = run_events,
};
