/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the command, reading its flags, running it, saying what went wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kube/status.h"
#include "plugin/command.h"
#include "plugin/help.h"
#include "plugin/output.h"
#include "text/edit_distance.h"

static bool has_alias(const struct kt_command *command, const char *name)
{
    for (const char *const *alias = command->aliases; alias && *alias; alias++)
        if (kt_streq(*alias, name))
            return true;
    return false;
}

const struct kt_command *kt_command_find(const struct kt_command *const *list, const char *name)
{
    for (; list && *list; list++)
        if (kt_streq((*list)->name, name) || has_alias(*list, name))
            return *list;
    return NULL;
}

void kt_app_report(struct kt_app *app, const struct kt_error *error)
{
    struct kt_strbuf line;
    kt_strbuf_init(&line, app->arena, sizeof(error->message) * 4 + 64);
    kt_strbuf_puts(&line, kt_error_prefix(error));
    kt_output_escape_lines(&line, kt_str(error->message));
    /* Without memory for the escaped copy, the message as it is. */
    fprintf(app->err, "%s\n", line.failed ? error->message : line.data);
}

void kt_app_expect_warning(struct kt_app *app, const char *text)
{
    const char *copy = kt_arena_strdup(app->arena, text);
    if (copy && !kt_texts_add(app->arena, &app->warnings, copy))
        app->arena->failed = true;
}

void kt_app_warn(struct kt_app *app, struct kt_str text)
{
    for (size_t i = 0; i < app->warnings.count; i++)
        if (kt_str_equal(text, kt_str(app->warnings.items[i])))
            return;
    const char *copy = kt_arena_strndup(app->arena, text.data, text.length);
    struct kt_strbuf line;
    kt_strbuf_init(&line, app->arena, text.length * 4 + 1);
    kt_output_escape_lines(&line, text);
    fprintf(app->err, "%sWarning:%s %s\n", kt_terminal_style(&app->err_terminal, KT_STYLE_WARNING),
            kt_terminal_plain(&app->err_terminal), line.data);
    app->warning_count++;
    if (copy)
        kt_app_expect_warning(app, copy);
}

int kt_app_usage_fault(struct kt_app *app, struct kt_error *error, const char *format, ...)
{
    char text[sizeof(error->message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    app->usage_fault = true;
    return kt_error_set(error, KT_EINVAL, "%s", text);
}

/* As cobra words it: what was typed, and up to three commands that are near. */
static int unknown_command(struct kt_app *app, const struct kt_command *const *list, const char *name)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, kt_str(name));
    for (const struct kt_command *const *command = list; *command; command++)
        if (!(*command)->hidden)
            kt_nearest_offer(&nearest, (*command)->name);
    struct kt_error error;
    kt_error_set(&error, KT_EINVAL, "unknown command \"%.80s\" for \"%s\"", name, app->command_path);
    kt_app_report(app, &error);
    if (nearest.best)
        fprintf(app->err, "\nDid you mean this?\n\t%s\n\n", nearest.best);
    fprintf(app->err, "See '%s --help' for the commands.\n", app->command_path);
    return KT_EXIT_ERROR;
}

/* Writes a fault and gives the exit code for it. */
static int finish_with_fault(struct kt_app *app, const struct kt_error *error)
{
    kt_app_report(app, error);
    if (app->usage_fault)
        fprintf(app->err, "See '%s --help' for usage.\n", app->command_path);
    if (error->code == KT_EINTERRUPTED)
        return KT_EXIT_INTERRUPTED;
    return app->command && app->command->fault_exit_code ? app->command->fault_exit_code : KT_EXIT_ERROR;
}

static int check_argument_count(struct kt_app *app, struct kt_error *error)
{
    const struct kt_command *command = app->command;
    if (app->argument_count < command->least_arguments)
        return kt_app_usage_fault(app, error, "an argument is missing: %s %s", app->command_path, command->usage);
    if (app->argument_count <= command->most_arguments)
        return 0;
    const char *extra = app->arguments[command->most_arguments];
    if (command->most_arguments == 0)
        return kt_app_usage_fault(app, error, "unexpected argument \"%.80s\": %s takes none", extra, app->command_path);
    return kt_app_usage_fault(app, error, "unexpected argument \"%.80s\": usage is %s %s", extra, app->command_path,
                              command->usage);
}

/* Runs app->command on what follows its name. */
static int run_command(struct kt_app *app, int argc, char *const *argv)
{
    const struct kt_command *command = app->command;
    struct kt_error error = {0};
    void *options = kt_arena_alloc(app->arena, KT_MAX(command->options_size, (size_t)1));
    if (!options) {
        kt_error_set(&error, KT_ENOMEM, "not enough memory");
        return finish_with_fault(app, &error);
    }
    const struct kt_flag_table tables[] = {{command->flags, command->flag_count, options},
                                           {kt_global_flag_rows, kt_global_flag_count, &app->globals}};
    struct kt_flag_parser parser = {app->arena, tables, KT_ARRAY_LENGTH(tables)};
    struct kt_flag_result result;
    int code = kt_flags_parse(&parser, argc, argv, 1, &result, &error);
    if (code != 0)
        app->usage_fault = true;
    if (code == 0 && app->globals.help) {
        kt_help_command(app, command);
        return KT_EXIT_OK;
    }
    if (code == 0) {
        app->arguments = result.arguments;
        app->argument_count = result.argument_count;
        code = check_argument_count(app, &error);
    }
    if (code == 0)
        code = command->run(app, options, &error);
    if (code < 0)
        return finish_with_fault(app, &error);
    if (code == KT_EXIT_OK && app->globals.warnings_as_errors && app->warning_count > 0) {
        kt_error_set(&error, KT_EREFUSED, "%zu warning%s received", app->warning_count,
                     app->warning_count == 1 ? "" : "s");
        return finish_with_fault(app, &error);
    }
    return code;
}

/* Index of the first argument that is no flag and no flag's value, or argc. A flag that is not known here is taken to
 * have a value, as cobra does: its command may know it. */
static int find_word(const struct kt_flag_table *tables, size_t table_count, int argc, char *const *argv, int first)
{
    for (int i = first; i < argc; i++) {
        const char *argument = argv[i];
        if (kt_streq(argument, "--"))
            return argc;
        if (argument[0] != '-' || !argument[1])
            return i;
        bool is_long = argument[1] == '-';
        const struct kt_flag *flag = NULL;
        for (size_t t = 0; t < table_count && !flag; t++)
            flag = is_long ? kt_flags_find(&tables[t], kt_str(argument + 2))
                           : kt_flags_find_letter(&tables[t], argument[1]);
        bool value_inside = is_long ? strchr(argument, '=') != NULL : argument[2] != '\0';
        if (!value_inside && (!flag || kt_flag_needs_value(flag)))
            i++;
    }
    return argc;
}

/* Flags may stand anywhere, so the words that name the command are taken out of words, and the rest stays. */
void kt_command_resolve(struct kt_app *app, int *argc, char **words, struct kt_resolved_command *ret)
{
    *ret = (struct kt_resolved_command){.list = kt_commands, .path = "kubectl kaito"};
    while (ret->list) {
        const struct kt_flag_table tables[] = {
            {kt_global_flag_rows, kt_global_flag_count, NULL},
            {ret->command ? ret->command->flags : NULL, ret->command ? ret->command->flag_count : 0, NULL}};
        int word = find_word(tables, KT_ARRAY_LENGTH(tables), *argc, words, 1);
        const struct kt_command *found = word < *argc ? kt_command_find(ret->list, words[word]) : NULL;
        if (!found) {
            bool takes_arguments = ret->command && ret->command->most_arguments > 0;
            ret->unknown_word = word < *argc && !takes_arguments ? words[word] : NULL;
            return;
        }
        for (int i = word; i + 1 < *argc; i++)
            words[i] = words[i + 1];
        (*argc)--;
        const char *path = kt_arena_printf(app->arena, "%s %s", ret->path, found->name);
        ret->path = path ? path : ret->path;
        ret->command = found;
        ret->list = found->subcommands;
    }
}

/* Without a command there may still be flags: wrong ones, or --help. */
static int run_root(struct kt_app *app, int argc, char *const *argv)
{
    const struct kt_flag_table table = {kt_global_flag_rows, kt_global_flag_count, &app->globals};
    const struct kt_flag_parser parser = {app->arena, &table, 1};
    struct kt_flag_result result;
    struct kt_error error = {0};
    if (kt_flags_parse(&parser, argc, argv, 1, &result, &error) != 0) {
        app->usage_fault = true;
        return finish_with_fault(app, &error);
    }
    kt_help_root(app);
    return KT_EXIT_OK;
}

int kt_app_run(struct kt_app *app, int argc, char *const *argv)
{
    app->command_path = "kubectl kaito";
    char **words = kt_arena_calloc(app->arena, (size_t)argc + 1, sizeof(*words));
    if (!words) {
        struct kt_error error;
        kt_error_set(&error, KT_ENOMEM, "not enough memory for the command line");
        return finish_with_fault(app, &error);
    }
    for (int i = 0; i < argc; i++)
        words[i] = argv[i];
    /* Other programs take both. */
    static char version[] = "version";
    if (argc == 2 && kt_streq(words[1], "--version"))
        words[1] = version;
    struct kt_resolved_command resolved;
    kt_command_resolve(app, &argc, words, &resolved);
    app->command = resolved.command;
    app->command_path = resolved.path;
    if (resolved.unknown_word)
        return unknown_command(app, resolved.list, resolved.unknown_word);
    return app->command ? run_command(app, argc, words) : run_root(app, argc, words);
}
