/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/help.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/output.h"

#define OPTION_INDENT 8
#define WIDEST_TEXT ((size_t)100)

static size_t text_width(const struct kt_app *app)
{
    return KT_MIN(app->out_terminal.width, WIDEST_TEXT);
}

static void write_out(struct kt_app *app, const struct kt_strbuf *text)
{
    struct kt_error error;
    if (kt_output_write(app, text, &error) != 0)
        kt_app_report(app, &error);
}

/* "    -o, --output='':" and the explanation below. */
static void add_option(struct kt_strbuf *text, const struct kt_flag *flag, size_t width)
{
    if (!flag->help || flag->alias_of)
        return;
    char letter[8] = "";
    if (flag->letter)
        snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
    kt_strbuf_printf(text, "    %s--%s=%s:\n", letter, flag->name, flag->shown ? flag->shown : "''");
    kt_output_wrap(text, flag->help, OPTION_INDENT, width);
    kt_strbuf_putc(text, '\n');
}

/* Other spellings, in one paragraph: scripts for other tools use them, nobody needs to learn them. */
static void add_aliases(struct kt_strbuf *text, const struct kt_command *command, size_t width)
{
    struct kt_strbuf line;
    kt_strbuf_init(&line, text->arena, (size_t)(4 * KT_KIB));
    for (size_t i = 0; i < command->flag_count; i++) {
        const struct kt_flag *flag = &command->flags[i];
        if (flag->alias_of)
            kt_strbuf_printf(&line, "%s--%s%s%s%s", line.length ? ", " : "Also taken: ", flag->name,
                             flag->alias_of[0] ? " (--" : "", flag->alias_of, flag->alias_of[0] ? ")" : "");
    }
    if (line.length == 0)
        return;
    kt_strbuf_puts(&line, ".");
    kt_output_wrap(text, line.data, 4, width);
    kt_strbuf_putc(text, '\n');
}

static int compare_flags(const void *left, const void *right)
{
    return strcmp((*(const struct kt_flag *const *)left)->name, (*(const struct kt_flag *const *)right)->name);
}

/* In the order of names, wherever a row stands in its table. */
static void add_options(struct kt_app *app, struct kt_strbuf *text, const struct kt_flag *flags, size_t count)
{
    const struct kt_flag **sorted = kt_arena_calloc(app->arena, count + 1, sizeof(*sorted));
    if (!sorted)
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &flags[i];
    qsort(sorted, count, sizeof(*sorted), compare_flags);
    for (size_t i = 0; i < count; i++)
        add_option(text, sorted[i], text_width(app));
}

static void add_examples(struct kt_strbuf *text, const char *examples)
{
    kt_strbuf_puts(text, "\nExamples:\n");
    while (*examples) {
        size_t line = strcspn(examples, "\n");
        if (line > 0)
            kt_strbuf_printf(text, "  %.*s", (int)line, examples);
        kt_strbuf_putc(text, '\n');
        examples += line + (examples[line] == '\n');
    }
}

static void add_subcommands(struct kt_strbuf *text, const struct kt_command *command)
{
    kt_strbuf_puts(text, "\nAvailable Commands:\n");
    for (const struct kt_command *const *sub = command->subcommands; *sub; sub++)
        kt_strbuf_printf(text, "  %-12s  %s\n", (*sub)->name, (*sub)->summary);
}

void kt_help_command(struct kt_app *app, const struct kt_command *command)
{
    struct kt_strbuf text = kt_output_buffer(app);
    size_t width = text_width(app);
    kt_output_wrap(&text, command->description ? command->description : command->summary, 0, width);
    if (command->aliases) {
        kt_strbuf_printf(&text, "\nAliases:\n%s", command->name);
        for (const char *const *alias = command->aliases; *alias; alias++)
            kt_strbuf_printf(&text, ", %s", *alias);
        kt_strbuf_putc(&text, '\n');
    }
    if (command->examples)
        add_examples(&text, command->examples);
    if (command->subcommands)
        add_subcommands(&text, command);
    if (command->flag_count > 0) {
        kt_strbuf_puts(&text, "\nOptions:\n");
        add_options(app, &text, command->flags, command->flag_count);
        add_aliases(&text, command, width);
    } else {
        kt_strbuf_putc(&text, '\n');
    }
    if (command->notes) {
        kt_output_wrap(&text, command->notes, 0, width);
        kt_strbuf_putc(&text, '\n');
    }
    kt_strbuf_printf(&text, "Usage:\n  %s %s\n\n", app->command_path, command->usage);
    kt_output_wrap(&text, "Use \"kubectl kaito options\" for the options that all commands have.", 0, width);
    write_out(app, &text);
}

void kt_help_root(struct kt_app *app)
{
    static const char *const titles[KT_GROUP_COUNT] = {
        [KT_GROUP_MAKE] = "Make Workspaces:",
        [KT_GROUP_FOLLOW] = "See how they are, and end them:",
        [KT_GROUP_OFFLINE] = "Find out before anything is paid for (no cluster needed):",
        [KT_GROUP_OTHER] = "Other:",
    };
    struct kt_strbuf text = kt_output_buffer(app);
    kt_output_wrap(&text,
                   "Makes, checks and plans Kaito Workspaces: fine-tuning and serving of large language models on GPU "
                   "nodes of a Kubernetes cluster.",
                   0, text_width(app));
    for (int group = 0; group < KT_GROUP_COUNT; group++) {
        kt_strbuf_printf(&text, "\n%s\n", titles[group]);
        for (const struct kt_command *const *command = kt_commands; *command; command++)
            if (!(*command)->hidden && (int)(*command)->group == group)
                kt_strbuf_printf(&text, "  %-12s  %s\n", (*command)->name, (*command)->summary);
    }
    kt_strbuf_puts(&text, "\nUsage:\n  kubectl kaito [command] [flags]\n\n");
    kt_output_wrap(&text,
                   "Exit codes: 0 done; 1 an error, or a refusal; 124 the time of --timeout is up; 130 interrupted. "
                   "`check` has its own, see its help.\n\n"
                   "Use \"kubectl kaito <command> --help\" for more about a command.\n"
                   "Use \"kubectl kaito options\" for the options that all commands have.",
                   0, text_width(app));
    write_out(app, &text);
}

void kt_help_global_options(struct kt_app *app)
{
    struct kt_strbuf text = kt_output_buffer(app);
    kt_strbuf_puts(&text, "The following options can be passed to any command:\n\n");
    add_options(app, &text, kt_global_flag_rows, kt_global_flag_count);
    write_out(app, &text);
}
