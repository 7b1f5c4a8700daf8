/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/commands.h"
#include "plugin/help.h"

static int run_help(struct kt_app *app, const void *options KT_UNUSED, struct kt_error *error)
{
    const struct kt_command *const *list = kt_commands;
    const struct kt_command *command = NULL;
    app->command_path = "kubectl kaito";
    for (size_t i = 0; i < app->argument_count; i++) {
        const struct kt_command *found = kt_command_find(list, app->arguments[i]);
        if (!found)
            return kt_app_usage_fault(app, error, "unknown help topic \"%.80s\"", app->arguments[i]);
        const char *path = kt_arena_printf(app->arena, "%s %s", app->command_path, found->name);
        app->command_path = path ? path : app->command_path;
        command = found;
        list = found->subcommands;
    }
    if (command)
        kt_help_command(app, command);
    else
        kt_help_root(app);
    return KT_EXIT_OK;
}

static int run_options(struct kt_app *app, const void *options KT_UNUSED, struct kt_error *error KT_UNUSED)
{
    kt_help_global_options(app);
    return KT_EXIT_OK;
}

const struct kt_command kt_command_help = {
    .name = "help",
    .group = KT_GROUP_OTHER,
    .summary = "Explain a command",
    .usage = "[COMMAND]",
    .most_arguments = 2,
    .completion = KT_COMPLETE_COMMANDS,
    .run = run_help,
};

const struct kt_command kt_command_options = {
    .name = "options",
    .group = KT_GROUP_OTHER,
    .summary = "List the options that all commands have",
    .usage = "",
    .run = run_options,
};
