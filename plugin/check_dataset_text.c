/* SPDX-License-Identifier: Apache-2.0 */
/* What `check --dataset` found, for people and for programs. */
#include <inttypes.h>

#include "plugin/check_dataset.h"
#include "text/visible.h"

/* Text of a language with Latin letters has some four bytes a token; others have more tokens for their letters. */
#define BYTES_A_TOKEN 4

static uint64_t tokens_of(uint64_t bytes)
{
    return (bytes + BYTES_A_TOKEN - 1) / BYTES_A_TOKEN;
}

static const char *format_name(const struct kt_checked_dataset *checked)
{
    static const char *const names[] = {
        [KT_DATASET_JSON_ROWS] = "JSON Lines",
        [KT_DATASET_JSON_ARRAY] = "a JSON array",
        [KT_DATASET_CSV] = "CSV",
        [KT_DATASET_PARQUET] = "Parquet",
    };
    return checked->report->format == KT_DATASET_OTHER ? checked->guess.what : names[checked->report->format];
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* Folded on a terminal; elsewhere one line, so that grep finds whole sentences. */
static void add_paragraph(const struct kt_app *app, struct kt_strbuf *text, const char *words, size_t indent)
{
    struct kt_strbuf line;
    kt_strbuf_init(&line, text->arena, KT_OUTPUT_LIMIT_BYTES);
    kt_output_escape(&line, kt_str(words));
    kt_output_wrap(text, line.data, indent, app->out_terminal.is_terminal ? app->out_terminal.width : SIZE_MAX / 2);
}

static void add_columns(const struct kt_app *app, struct kt_strbuf *text, const struct kt_dataset_report *report)
{
    struct kt_strbuf line;
    kt_strbuf_init(&line, text->arena, KT_OUTPUT_LIMIT_BYTES);
    if (report->column_count == 0)
        return;
    kt_strbuf_puts(&line, "columns: ");
    for (size_t i = 0; i < report->column_count; i++)
        kt_strbuf_printf(&line, "%s%s%s%s%s", i ? ", " : "", report->columns[i], report->column_types[i] ? " (" : "",
                         report->column_types[i] ? report->column_types[i] : "", report->column_types[i] ? ")" : "");
    if (report->more_columns)
        kt_strbuf_puts(&line, ", and more");
    add_paragraph(app, text, line.data, 2);
}

static void add_tokens(struct kt_strbuf *text, const struct kt_dataset_report *report)
{
    if (report->text_bytes == 0)
        return;
    kt_strbuf_printf(text,
                     "  tokens: about %" PRIu64 " (an estimate: a token for %d bytes), %" PRIu64 " a row, %" PRIu64
                     " in row %" PRIu64 " (line %" PRIu64 "), the longest\n",
                     tokens_of(report->text_bytes), BYTES_A_TOKEN, tokens_of(report->text_bytes / report->rows),
                     tokens_of(report->longest_bytes), report->longest.row, report->longest.line);
}

static void add_notes(const struct kt_app *app, struct kt_strbuf *text, const struct kt_checked_dataset *checked)
{
    const struct kt_dataset_report *report = checked->report;
    if (checked->name_fault)
        add_paragraph(app, text, kt_arena_printf(text->arena, "error: %s", checked->name_fault), 2);
    if (report->several_lines.row > 0 && report->file_words[0] == '\0')
        add_paragraph(app, text,
                      kt_arena_printf(text->arena,
                                      "warning: row %" PRIu64 " (line %" PRIu64
                                      ") stands on several lines, which the trainer reads in small files only: write "
                                      "each row on one line",
                                      report->several_lines.row, report->several_lines.line),
                      2);
    if (report->unread)
        kt_strbuf_puts(text, "  the footer was read, and no row: what stands in them was not looked at\n");
}

static const char *say_outcome(enum kt_dataset_outcome outcome)
{
    static const char *const words[] = {
        [KT_DATASET_READS] = "reads it",
        [KT_DATASET_BATCH_ONE] = "reads it with batch size 1 only",
        [KT_DATASET_TEACHES_NOTHING] = "learns nothing from it",
        [KT_DATASET_DIES] = "ends when it reads it",
        [KT_DATASET_UNKNOWN] = "not judged",
    };
    return words[outcome];
}

/* What becomes of long rows. */
static void add_length(struct kt_strbuf *text, const struct kt_dataset_report *report,
                       const struct kt_trainer_image *image)
{
    uint64_t longest = tokens_of(report->longest_bytes);
    if (image->fixed_length > 0 && longest > image->fixed_length)
        kt_strbuf_printf(text, "    %s cuts rows at %" PRIu32 " tokens, and by the estimate there are longer ones\n",
                         image->tag, image->fixed_length);
    if (image->uncut_rows && longest > 0)
        kt_strbuf_printf(text,
                         "    %s cuts no row: the GPU's memory must do for the longest, about %" PRIu64 " tokens\n",
                         image->tag, longest);
}

static bool is_bad(enum kt_dataset_outcome outcome)
{
    return outcome == KT_DATASET_DIES || outcome == KT_DATASET_TEACHES_NOTHING;
}

static bool same_text(const char *a, const char *b)
{
    return kt_streq(a ? a : "", b ? b : "");
}

static bool same_verdict(const struct kt_dataset_verdict *a, const struct kt_dataset_verdict *b)
{
    return a->outcome == b->outcome && same_text(a->why, b->why) && same_text(a->advice, b->advice);
}

/* One paragraph for the images from number `first` on of which the same is to be said; the number behind them. */
static size_t add_verdict(const struct kt_app *app, struct kt_strbuf *text, const struct kt_checked_dataset *checked,
                          size_t first)
{
    const struct kt_dataset_verdict *verdict = &checked->verdicts[first];
    const struct kt_terminal *terminal = &app->out_terminal;
    size_t end = first + 1;
    while (end < checked->image_count && same_verdict(verdict, &checked->verdicts[end]))
        end++;
    if (checked->uses)
        end = first + 1;
    kt_strbuf_puts(text, "  trainer ");
    for (size_t i = first; i < end; i++)
        kt_strbuf_printf(text, "%s%s", i > first ? " and " : "", checked->images[i]->tag);
    if (checked->uses) {
        kt_strbuf_puts(text, " of Workspace ");
        kt_output_escape(text, kt_str(checked->uses[first].workspace));
    } else if (end - first < checked->image_count)
        kt_strbuf_printf(text, " (GPUs of compute capability %u.%u and newer)", checked->images[first]->ours_from / 10,
                         checked->images[first]->ours_from % 10);
    kt_strbuf_printf(text, ": %s%s%s\n",
                     kt_terminal_style(terminal, is_bad(verdict->outcome) ? KT_STYLE_ERROR : KT_STYLE_GOOD),
                     say_outcome(verdict->outcome), kt_terminal_plain(terminal));
    if (verdict->why)
        add_paragraph(app, text, verdict->why, 4);
    if (verdict->advice)
        add_paragraph(app, text, verdict->advice, 4);
    for (size_t i = first; i < end && !is_bad(verdict->outcome); i++)
        add_length(text, checked->report, checked->images[i]);
    return end;
}

static void add_head(struct kt_strbuf *text, const struct kt_checked_dataset *checked)
{
    const struct kt_dataset_report *report = checked->report;
    kt_output_escape(text, kt_str(kt_streq(checked->name, "-") ? "standard input" : checked->name));
    kt_strbuf_printf(text, ": %s", format_name(checked));
    if (report->format == KT_DATASET_OTHER) {
        kt_strbuf_putc(text, '\n');
        return;
    }
    kt_strbuf_printf(text, ", %" PRIu64 " row%s", report->rows, report->rows == 1 ? "" : "s");
    size_t kinds = 0;
    for (unsigned i = 0; i < KT_ROW_KIND_COUNT; i++) {
        if (report->kinds[i] > 0)
            kt_strbuf_printf(text, "%s%s", kinds++ ? " and " : " of ", kt_row_kind_name((enum kt_row_kind)i));
    }
    kt_strbuf_putc(text, '\n');
}

void kt_dataset_write_text(struct kt_app *app, struct kt_strbuf *text, const struct kt_checked_dataset *checked)
{
    add_head(text, checked);
    add_columns(app, text, checked->report);
    add_tokens(text, checked->report);
    add_notes(app, text, checked);
    bool is_strange = checked->report->format == KT_DATASET_OTHER && checked->name_fault;
    for (size_t i = 0; i < checked->image_count && !is_strange;)
        i = add_verdict(app, text, checked, i);
    if (checked->setup->shown == 0)
        return;
    kt_strbuf_printf(text, "  %s\n",
                     checked->rows.length == 0         ? "no row can be shown"
                     : checked->setup->conversion == 0 ? "rows as the trainer sees them:"
                                                       : "rows as the trainer sees them, converted:");
    kt_strbuf_add_str(text, checked->rows);
}

/* --- json --------------------------------------------------------------------------------------------------------- */

static void set_count(struct kt_arena *arena, cJSON *object, const char *key, uint64_t value)
{
    kt_json_set_int(arena, object, key, (int64_t)value);
}

static void set_text(struct kt_arena *arena, cJSON *object, const char *key, const char *value)
{
    if (value && value[0])
        kt_json_set_string(arena, object, key, value);
}

static cJSON *place_tree(struct kt_arena *arena, struct kt_dataset_place place, const char *message)
{
    cJSON *tree = kt_json_new_object(arena);
    if (place.row > 0)
        set_count(arena, tree, "row", place.row);
    if (place.line > 0)
        set_count(arena, tree, "line", place.line);
    set_text(arena, tree, "message", message);
    return tree;
}

static cJSON *columns_tree(struct kt_arena *arena, const struct kt_dataset_report *report)
{
    cJSON *columns = kt_json_new_array(arena);
    for (size_t i = 0; i < report->column_count; i++) {
        cJSON *column = kt_json_new_object(arena);
        kt_json_set_string(arena, column, "name", report->columns[i]);
        set_text(arena, column, "type", report->column_types[i]);
        kt_json_append(arena, columns, column);
    }
    return columns;
}

static cJSON *kinds_tree(struct kt_arena *arena, const struct kt_dataset_report *report)
{
    cJSON *kinds = kt_json_new_array(arena);
    for (unsigned i = 0; i < KT_ROW_KIND_COUNT; i++) {
        if (report->kinds[i] == 0)
            continue;
        cJSON *kind = place_tree(arena, report->first_of_kind[i], NULL);
        kt_json_set_string(arena, kind, "kind", kt_row_kind_name((enum kt_row_kind)i));
        set_count(arena, kind, "rows", report->kinds[i]);
        kt_json_append(arena, kinds, kind);
    }
    return kinds;
}

static cJSON *tokens_tree(struct kt_arena *arena, const struct kt_dataset_report *report)
{
    cJSON *tokens = place_tree(arena, report->longest, NULL);
    set_count(arena, tokens, "estimate", tokens_of(report->text_bytes));
    set_count(arena, tokens, "bytesPerToken", BYTES_A_TOKEN);
    set_count(arena, tokens, "mean", report->rows ? tokens_of(report->text_bytes / report->rows) : 0);
    set_count(arena, tokens, "longest", tokens_of(report->longest_bytes));
    return tokens;
}

static cJSON *verdicts_tree(struct kt_arena *arena, const struct kt_checked_dataset *checked)
{
    cJSON *verdicts = kt_json_new_array(arena);
    for (size_t i = 0; i < checked->image_count; i++) {
        cJSON *verdict = kt_json_new_object(arena);
        if (checked->uses)
            set_text(arena, verdict, "workspace", checked->uses[i].workspace);
        kt_json_set_string(arena, verdict, "image", checked->images[i]->tag);
        kt_json_set_string(arena, verdict, "outcome", kt_dataset_outcome_name(checked->verdicts[i].outcome));
        set_text(arena, verdict, "message", checked->verdicts[i].why);
        set_text(arena, verdict, "advice", checked->verdicts[i].advice);
        kt_json_append(arena, verdicts, verdict);
    }
    return verdicts;
}

void kt_dataset_write_json(struct kt_app *app KT_UNUSED, struct kt_strbuf *text,
                           const struct kt_checked_dataset *checked)
{
    struct kt_arena *arena = text->arena;
    const struct kt_dataset_report *report = checked->report;
    cJSON *tree = kt_json_new_object(arena);
    kt_json_set_string(arena, tree, "file", checked->name);
    kt_json_set_string(arena, tree, "format", format_name(checked));
    set_count(arena, tree, "rows", report->rows);
    kt_json_set_bool(arena, tree, "rowsRead", !report->unread && report->format != KT_DATASET_OTHER);
    kt_json_set(arena, tree, "columns", columns_tree(arena, report));
    kt_json_set(arena, tree, "kinds", kinds_tree(arena, report));
    if (report->text_bytes > 0)
        kt_json_set(arena, tree, "tokens", tokens_tree(arena, report));
    if (report->bad_rows > 0) {
        cJSON *bad = place_tree(arena, report->bad, report->bad_words);
        set_count(arena, bad, "count", report->bad_rows);
        kt_json_set(arena, tree, "badRow", bad);
    }
    if (report->file_words[0])
        kt_json_set(arena, tree, "badFile", place_tree(arena, report->file_place, report->file_words));
    set_text(arena, tree, "badName", checked->name_fault);
    kt_json_set_bool(arena, tree, "trains", checked->trains);
    kt_json_set(arena, tree, "trainers", verdicts_tree(arena, checked));
    struct kt_strbuf json;
    kt_strbuf_init(&json, arena, KT_OUTPUT_LIMIT_BYTES);
    kt_json_write(&json, tree, KT_JSON_COMPACT);
    kt_strbuf_putc(text, '\n');
    kt_visible_write_json(text, kt_strbuf_view(&json));
    if (checked->setup->shown == 0 || checked->rows.length == 0)
        return;
    /* The rows are JSON texts already: a line each. */
    text->data[--text->length] = '\0';
    kt_strbuf_puts(text, ",\"shown\":[");
    for (size_t at = 0, next; at < checked->rows.length; at = next + 1) {
        next = at + kt_str_find_char((struct kt_str){checked->rows.data + at, checked->rows.length - at}, '\n');
        kt_strbuf_puts(text, at ? "," : "");
        kt_strbuf_add(text, checked->rows.data + at, next - at);
    }
    kt_strbuf_puts(text, "]}");
}
