/* SPDX-License-Identifier: Apache-2.0 */
/* `delete`: a Workspace, and what its finalizer waits for. */
#include "plugin/commands.h"

#include "kube/api.h"
#include "plugin/output.h"
#include "plugin/target.h"
#include "plugin/wait.h"

struct delete_options {
    const char *workspace_name;
    enum kt_switch wait;
    const char *timeout;
    bool ignore_not_found;
    const char *dry_run;
    const char *output;
};

static const char *const dry_runs[] = {"none", "client", "server", NULL};

#define AT(member) offsetof(struct delete_options, member)
static const struct kt_flag flags[] = {
    {.name = "dry-run",
     .kind = KT_FLAG_TEXT,
     .offset = AT(dry_run),
     .value_name = "WHERE",
     .shown = "'none'",
     .choices = dry_runs,
     .bare = "client",
     .completion = KT_COMPLETE_CHOICES,
     .help = "none; client: only say what would be deleted; server: let the server try, without deleting anything."},
    {.name = "ignore-not-found",
     .kind = KT_FLAG_BOOL,
     .offset = AT(ignore_not_found),
     .shown = "false",
     .help = "A Workspace that is not there is no error."},
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = AT(output),
     .value_name = "FORMAT",
     .shown = "''",
     .help = "Output format: name."},
    {.name = "timeout",
     .kind = KT_FLAG_TEXT,
     .offset = AT(timeout),
     .value_name = "TIME",
     .shown = "'0'",
     .help = "How long to wait at most, e.g. 5m; 0: for as long as it takes."},
    {.name = "wait",
     .kind = KT_FLAG_SWITCH,
     .offset = AT(wait),
     .shown = "true",
     .help = "Wait until it is gone, and say what its finalizer waits for."},
    KT_WORKSPACE_NAME_FLAG(struct delete_options),
};

static int write_deleted(struct kt_app *app, const char *name, bool name_only, const char *dry_run,
                         struct kt_error *error)
{
    struct kt_strbuf text = kt_output_buffer(app);
    bool on_server = kt_streq(dry_run, "server");
    if (name_only)
        kt_strbuf_printf(&text, "workspace.kaito.sh/%s\n", name);
    else
        kt_strbuf_printf(&text, "workspace.kaito.sh \"%s\" deleted%s\n", name,
                         on_server                     ? " (server dry run)"
                         : kt_streq(dry_run, "client") ? " (dry run)"
                                                       : "");
    return kt_output_write(app, &text, error);
}

/* The very object that was looked at: whoever makes a new one of the name meanwhile keeps it. */
static int delete_it(struct kt_gather_target *target, const cJSON *workspace, bool dry_run, struct kt_error *error)
{
    struct kt_reply reply;
    const struct kt_delete_options options = {
        .uid = kt_json_string(kt_json_path(workspace, "metadata", "uid", NULL)),
        .dry_run = dry_run ? KT_DRY_RUN_SERVER : KT_DRY_RUN_NONE,
    };
    int code = kt_api_delete(target->connection->client, target->connection->app->arena, target->workspaces,
                             target->namespace_, target->name, &options, &reply, error);
    kt_connection_warn(target->connection, &reply);
    return code == KT_ENOTFOUND && !reply.type_missing ? 0 : code;
}

static int run_delete(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct delete_options *options = values;
    const char *name, *dry_run = options->dry_run ? options->dry_run : "none";
    KT_CLEANUP(kt_disconnect) struct kt_connection connection = {0};
    struct kt_gather_target target;
    struct kt_output_format format;
    struct kt_wait_options wait = {.goal = KT_WAIT_DELETED};
    const cJSON *workspace;
    bool is_gone = false;
    int code = kt_target_require(app, options->workspace_name, &name, error);
    if (code == 0)
        code = kt_output_parse_format(options->output, KT_FORMAT_NAME, &format, error);
    if (code == 0)
        code = kt_wait_parse_timeout(options->timeout, &wait.timeout_ms, error);
    if (code == 0)
        code = kt_target_connect(app, name, &connection, &target, error);
    if (code == 0)
        code = kt_gather_workspace(&target, app->arena, &workspace, &is_gone, error);
    if (is_gone && options->ignore_not_found)
        return KT_EXIT_OK;
    if (code == 0 && !kt_streq(dry_run, "client"))
        code = delete_it(&target, workspace, kt_streq(dry_run, "server"), error);
    if (code == 0)
        code = write_deleted(app, target.name, format.format == KT_FORMAT_NAME, dry_run, error);
    if (code != 0 || options->wait == KT_SWITCH_OFF || !kt_streq(dry_run, "none"))
        return code;
    wait.uid = kt_json_string(kt_json_path(workspace, "metadata", "uid", NULL));
    return kt_wait(&target, &wait, error);
}

const struct kt_command kt_command_delete = {
    .name = "delete",
    .group = KT_GROUP_FOLLOW,
    .summary = "Delete a Workspace, and wait until its nodes are given back",
    .description =
        "Delete a Workspace with all that was made for it. Its nodes are given back by a finalizer; until that is done "
        "the Workspace stays, and what is waited for is shown on standard error.",
    .usage = "NAME [flags]",
    .examples = "kubectl kaito delete tune-phi-3\n"
                "kubectl kaito delete tune-phi-3 --wait=false\n",
    .notes = "Exit codes: 0 deleted; 1 an error; 124 when the time is up; 130 after Ctrl-C. After the last two the "
             "deletion goes on.",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct delete_options),
    .most_arguments = 1,
    .completion = KT_COMPLETE_WORKSPACES,
    .run = run_delete,
};
