/* SPDX-License-Identifier: Apache-2.0 */
/* Findings for people: where, what, the line with a caret, and the lesson. */
#include <inttypes.h>

#include "plugin/check.h"

/* Longer lines of a file are shown around the column. */
#define SOURCE_COLUMNS 100
#define NUMBER_COLUMNS 5

/* The line of the file and a caret below the column; nothing for an unknown position. */
static void add_source(struct kt_strbuf *text, const struct kt_terminal *terminal, const struct kt_manifest_file *file,
                       struct kt_position position, size_t margin)
{
    struct kt_str line = kt_manifest_line(file, position.line);
    if (line.length == 0)
        return;
    size_t column = position.column > 0 ? position.column - 1 : 0;
    size_t start =
        column > SOURCE_COLUMNS / 2 && kt_utf8_count(line) > SOURCE_COLUMNS ? column - SOURCE_COLUMNS / 2 : 0;
    size_t skipped = kt_utf8_prefix(line, start);
    struct kt_str shown = {line.data + skipped, line.length - skipped};
    size_t shown_bytes = kt_utf8_prefix(shown, SOURCE_COLUMNS);
    bool cut = shown_bytes < shown.length;
    shown.length = shown_bytes;
    struct kt_strbuf before;
    kt_strbuf_init(&before, text->arena, (size_t)(4 * KT_KIB));
    /* What stands before the caret may be longer when it is escaped. */
    kt_output_escape(&before, (struct kt_str){shown.data, kt_utf8_prefix(shown, column - start)});
    kt_strbuf_printf(text, "%*s%s%*" PRIu32 " |%s %s", (int)margin, "", kt_terminal_style(terminal, KT_STYLE_FAINT),
                     NUMBER_COLUMNS, position.line, kt_terminal_plain(terminal), start > 0 ? "..." : "");
    kt_output_escape(text, shown);
    kt_strbuf_printf(text, "%s\n%*s%s%*s |%s %*s%s^%s\n", cut ? "..." : "", (int)margin, "",
                     kt_terminal_style(terminal, KT_STYLE_FAINT), NUMBER_COLUMNS, "", kt_terminal_plain(terminal),
                     (int)(kt_utf8_count(kt_strbuf_view(&before)) + (start > 0 ? 3 : 0)), "",
                     kt_terminal_style(terminal, KT_STYLE_STRONG), kt_terminal_plain(terminal));
}

/* Folded on a terminal; elsewhere one line, so that grep finds whole sentences. */
static void add_message(struct kt_check_run *run, struct kt_strbuf *text, const char *message)
{
    const struct kt_terminal *terminal = &run->app->out_terminal;
    struct kt_strbuf line;
    kt_strbuf_init(&line, text->arena, KT_OUTPUT_LIMIT_BYTES);
    kt_output_escape(&line, kt_str(message));
    kt_output_wrap(text, line.data, 4, terminal->is_terminal ? terminal->width : SIZE_MAX / 2);
}

static void add_place(struct kt_strbuf *text, const char *file, struct kt_position position)
{
    kt_output_escape(text, kt_str(file));
    if (position.line > 0)
        kt_strbuf_printf(text, ":%" PRIu32 ":%" PRIu32, position.line, position.column);
}

static void add_finding(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_checked *checked,
                        size_t index)
{
    const struct kt_finding *finding = &checked->findings->items[index];
    const struct kt_terminal *terminal = &run->app->out_terminal;
    bool is_error = finding->severity == KT_SEVERITY_ERROR;
    add_place(text, checked->file->name, checked->positions[index]);
    kt_strbuf_printf(text, ": %s%s%s: ", kt_terminal_style(terminal, is_error ? KT_STYLE_ERROR : KT_STYLE_WARNING),
                     is_error ? "error" : "warning", kt_terminal_plain(terminal));
    kt_strbuf_puts(text, kt_terminal_style(terminal, KT_STYLE_STRONG));
    kt_output_escape(text, kt_str(finding->field[0] ? finding->field : "the object"));
    kt_strbuf_printf(text, "%s [%s]\n", kt_terminal_plain(terminal), finding->rule);
    add_message(run, text, finding->message);
    add_source(text, terminal, checked->file, checked->positions[index], 4);
}

static void add_default(struct kt_strbuf *text, const struct kt_default_applied *applied)
{
    kt_strbuf_printf(text, "    %s  ", applied->row->id);
    if (!applied->pointer) {
        kt_strbuf_printf(text, "%s: %s (when the workload is made)\n", applied->row->field,
                         kt_json_string_or(applied->value, applied->row->value));
        return;
    }
    kt_output_escape(text, kt_str(applied->pointer));
    kt_strbuf_puts(text, ": ");
    struct kt_strbuf value;
    kt_strbuf_init(&value, text->arena, KT_OUTPUT_LIMIT_BYTES);
    kt_json_write(&value, applied->value, KT_JSON_COMPACT);
    kt_output_escape(text, kt_strbuf_view(&value));
    kt_strbuf_putc(text, '\n');
}

/* In the order of the table. */
static void add_defaults(struct kt_strbuf *text, const struct kt_defaulting *defaulting)
{
    kt_strbuf_puts(text, "  filled in:\n");
    if (defaulting->applied_count == 0)
        kt_strbuf_puts(text, "    nothing\n");
    for (size_t row = 0; row < kt_default_count; row++)
        for (size_t i = 0; i < defaulting->applied_count; i++)
            if (defaulting->applied[i].row == &kt_defaults[row])
                add_default(text, &defaulting->applied[i]);
}

static void write_checked(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_checked *checked)
{
    size_t errors = 0, warnings = 0;
    for (size_t i = 0; i < checked->findings->count; i++) {
        bool is_error = checked->findings->items[i].severity == KT_SEVERITY_ERROR;
        errors += is_error;
        warnings += !is_error;
        add_finding(run, text, checked, i);
    }
    const struct kt_terminal *terminal = &run->app->out_terminal;
    kt_output_escape(text, kt_str(checked->file->name));
    kt_strbuf_puts(text, ": Workspace ");
    kt_output_escape(text, kt_str(checked->object->name ? checked->object->name : "without a name"));
    kt_strbuf_printf(text, ": %s%s%s", kt_terminal_style(terminal, checked->allowed ? KT_STYLE_GOOD : KT_STYLE_ERROR),
                     checked->allowed ? "ok" : "refused", kt_terminal_plain(terminal));
    if (errors + warnings > 0)
        kt_strbuf_puts(text, " (");
    if (errors > 0)
        kt_strbuf_printf(text, "%zu error%s%s", errors, errors == 1 ? "" : "s", warnings > 0 ? ", " : "");
    if (warnings > 0)
        kt_strbuf_printf(text, "%zu warning%s", warnings, warnings == 1 ? "" : "s");
    kt_strbuf_puts(text, errors + warnings > 0 ? ")\n" : "\n");
    if (run->show_defaults)
        add_defaults(text, checked->defaulting);
}

/* Beside the sentence, which the command writes to standard error. */
static void write_unusable(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_unusable *unusable)
{
    struct kt_strbuf source;
    kt_strbuf_init(&source, text->arena, KT_OUTPUT_LIMIT_BYTES);
    if (unusable->file)
        add_source(&source, &run->app->err_terminal, unusable->file, unusable->position, 4);
    fputs(source.data, run->app->err);
}

static void write_begin(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text KT_UNUSED)
{
}

static void write_end(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text, const struct kt_check_totals *totals)
{
    if (totals->workspaces + totals->unusable <= 1)
        return;
    kt_strbuf_printf(text, "%zu file%s, %zu Workspace%s: %zu error%s, %zu warning%s", totals->files,
                     totals->files == 1 ? "" : "s", totals->workspaces, totals->workspaces == 1 ? "" : "s",
                     totals->errors, totals->errors == 1 ? "" : "s", totals->warnings,
                     totals->warnings == 1 ? "" : "s");
    if (totals->unusable > 0)
        kt_strbuf_printf(text, ", %zu could not be read", totals->unusable);
    kt_strbuf_putc(text, '\n');
}

const struct kt_check_writer kt_check_text = {write_begin, write_checked, write_unusable, write_end};
