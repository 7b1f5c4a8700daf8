/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"

/* Trees of a row, and what is said of it. */
#define ROW_ARENA_BYTES (8 * KT_LIMIT_DATASET_ROW_BYTES)
#define NAMES_ARENA_BYTES ((size_t)(8 * KT_MIB))
/* Longer names of columns are no names. */
#define NAME_BYTES 200

struct kt_dataset_reader *kt_dataset_open(const struct kt_dataset_options *options)
{
    struct kt_dataset_reader *reader = kt_heap_alloc(sizeof(*reader));
    if (!reader)
        return NULL;
    reader->options = *options;
    reader->report.format = options->format;
    reader->line = 1;
    kt_arena_init(&reader->arena, ROW_ARENA_BYTES);
    kt_arena_init(&reader->names, NAMES_ARENA_BYTES);
    kt_strbuf_init(&reader->text, NULL, KT_LIMIT_DATASET_ROW_BYTES);
    return reader;
}

void kt_dataset_close(struct kt_dataset_reader **reader)
{
    if (!*reader)
        return;
    kt_arena_release(&(*reader)->arena);
    kt_arena_release(&(*reader)->names);
    kt_strbuf_release(&(*reader)->text);
    kt_heap_free(*reader);
    *reader = NULL;
}

/* --- notes -------------------------------------------------------------------------------------------------------- */

void kt_rows_add(struct kt_dataset_reader *reader, const char *data, size_t length)
{
    if (reader->row_is_long || reader->no_memory)
        return;
    if (reader->text.length + length >= KT_LIMIT_DATASET_ROW_BYTES) {
        reader->row_is_long = true;
        return;
    }
    kt_strbuf_add(&reader->text, data, length);
    reader->no_memory = reader->text.failed;
    reader->is_over |= reader->no_memory;
}

struct kt_dataset_place kt_rows_count_row(struct kt_dataset_reader *reader)
{
    return (struct kt_dataset_place){++reader->report.rows, reader->row_line};
}

/* A text that did not fit may end in the middle of a character. */
static void end_at_character(char *text)
{
    for (size_t length = strlen(text); length > 0 && !kt_utf8_valid((struct kt_str){text, length}); length--)
        text[length - 1] = '\0';
}

void kt_rows_bad_row(struct kt_dataset_reader *reader, struct kt_dataset_place place, const char *format, ...)
{
    struct kt_dataset_report *report = &reader->report;
    if (report->bad_rows++ > 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->bad_words, sizeof(report->bad_words), format, arguments);
    va_end(arguments);
    end_at_character(report->bad_words);
    report->bad = place;
}

void kt_rows_fail(struct kt_dataset_reader *reader, uint64_t line, const char *format, ...)
{
    struct kt_dataset_report *report = &reader->report;
    reader->is_over = true;
    if (report->file_words[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->file_words, sizeof(report->file_words), format, arguments);
    va_end(arguments);
    end_at_character(report->file_words);
    report->file_place.line = line;
}

void kt_report_column(struct kt_dataset_report *report, struct kt_arena *names, const char *name, const char *type)
{
    for (size_t i = 0; i < report->column_count; i++) {
        if (kt_streq(report->columns[i], name))
            return;
    }
    if (report->column_count == KT_ARRAY_LENGTH(report->columns)) {
        report->more_columns = true;
        return;
    }
    const char *copy = kt_arena_strndup(names, name, kt_utf8_prefix(kt_str(name), NAME_BYTES));
    if (!copy)
        return;
    report->column_types[report->column_count] = type;
    report->columns[report->column_count++] = copy;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void note_length(struct kt_dataset_report *report, const struct kt_row *row, struct kt_dataset_place place)
{
    report->text_bytes += row->text_bytes;
    if (report->longest.row > 0 && row->text_bytes <= report->longest_bytes)
        return;
    report->longest_bytes = row->text_bytes;
    report->longest = place;
}

/* At most 15 characters of at most 4 bytes. */
void kt_rows_copy_name(char ret[64], const char *name)
{
    size_t length = kt_utf8_prefix(kt_str(name), 15);
    memcpy(ret, name, length);
    ret[length] = '\0';
}

static void note_extra(struct kt_dataset_report *report, const struct kt_row *row, struct kt_dataset_place place)
{
    if (!row->extra || report->extra.row > 0)
        return;
    report->extra = place;
    kt_rows_copy_name(report->extra_name, row->extra);
}

void kt_rows_take_row(struct kt_dataset_reader *reader, cJSON *object, struct kt_dataset_place place)
{
    struct kt_dataset_report *report = &reader->report;
    const cJSON *member;
    if (!kt_json_is_object(object)) {
        kt_rows_bad_row(reader, place, "it is %s %s, and a row is an object with named columns",
                        strchr("aio", kt_json_kind(object)[0]) ? "an" : "a", kt_json_kind(object));
        return;
    }
    cJSON_ArrayForEach(member, object) kt_report_column(report, &reader->names, member->string, NULL);
    struct kt_row row = kt_row_look(&reader->arena, object);
    if (report->kinds[row.kind]++ == 0)
        report->first_of_kind[row.kind] = place;
    note_length(report, &row, place);
    note_extra(report, &row, place);
    if (row.wrapped && place.row == 1)
        kt_rows_copy_name(report->wrapped_in, row.wrapped);
    if (row.fault)
        kt_rows_bad_row(reader, place, "%s", row.fault);
    if (reader->options.show && report->rows <= reader->options.shown)
        reader->options.show(reader->options.context, &reader->arena, object, place);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

/* A byte order mark is no part of the first row. */
static struct kt_str pass_byte_order_mark(struct kt_dataset_reader *reader, struct kt_str bytes)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (reader->bom_bytes < 3 && bytes.length > 0) {
        if (bytes.data[0] != mark[reader->bom_bytes]) {
            if (reader->bom_bytes > 0)
                kt_rows_fail(reader, 1, "it does not begin with text in UTF-8");
            reader->bom_bytes = SIZE_MAX;
            break;
        }
        reader->bom_bytes++;
        bytes = (struct kt_str){bytes.data + 1, bytes.length - 1};
    }
    return bytes;
}

bool kt_dataset_feed(struct kt_dataset_reader *reader, struct kt_str bytes)
{
    reader->report.bytes += bytes.length;
    bytes = pass_byte_order_mark(reader, bytes);
    if (!reader->is_over && reader->options.format == KT_DATASET_CSV)
        kt_csv_rows_feed(reader, bytes);
    else if (!reader->is_over)
        kt_json_rows_feed(reader, bytes);
    return !reader->is_over;
}

int kt_dataset_end(struct kt_dataset_reader *reader, const struct kt_dataset_report **ret, struct kt_error *error)
{
    if (!reader->is_over && reader->options.format == KT_DATASET_CSV)
        kt_csv_rows_end(reader);
    else if (!reader->is_over)
        kt_json_rows_end(reader);
    if (reader->no_memory || reader->names.failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for a row of the data");
    *ret = &reader->report;
    return 0;
}
