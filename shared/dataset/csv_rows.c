/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of CSV as pandas reads them by default: a comma between fields, quotes doubled in quotes, the first record
 * names the columns, empty lines are passed over, and some words stand for no value.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "dataset/reader.h"

/* pandas' words for no value (pandas/_libs/parsers.pyx, STR_NA_VALUES). */
static const char *const no_values[] = {"",     "#N/A",   "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN",
                                        "-nan", "1.#IND", "1.#QNAN",  "<NA>", "N/A",     "NA",       "NULL",
                                        "NaN",  "None",   "n/a",      "nan",  "null"};

static bool is_no_value(struct kt_str text)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(no_values); i++) {
        if (kt_str_equal(text, kt_str(no_values[i])))
            return true;
    }
    return false;
}

static struct kt_str field_of(const struct kt_dataset_reader *reader, size_t index)
{
    size_t begin = index > 0 ? reader->field_ends[index - 1] : 0;
    return (struct kt_str){reader->text.data + begin, reader->field_ends[index] - begin};
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static void take_header(struct kt_dataset_reader *reader)
{
    reader->header_names = kt_arena_calloc(&reader->names, reader->field_count, sizeof(*reader->header_names));
    for (size_t i = 0; reader->header_names && i < reader->field_count; i++) {
        struct kt_str name = field_of(reader, i);
        if (!kt_utf8_valid(name)) {
            kt_rows_fail(reader, reader->row_line, "the name of column %zu is not text in UTF-8", i + 1);
            return;
        }
        reader->header_names[i] = kt_arena_strndup(&reader->names, name.data, name.length);
        if (reader->header_names[i])
            kt_report_column(&reader->report, &reader->names, reader->header_names[i], NULL);
    }
    reader->header_count = reader->field_count;
    reader->no_memory = reader->names.failed;
    reader->is_over |= reader->no_memory;
}

static void take_fields(struct kt_dataset_reader *reader, struct kt_dataset_place place)
{
    kt_arena_reset(&reader->arena);
    cJSON *row = kt_json_new_object(&reader->arena);
    for (size_t i = 0; i < reader->header_count; i++) {
        bool is_there = i < reader->field_count;
        struct kt_str text = is_there ? field_of(reader, i) : (struct kt_str){0};
        if (!kt_utf8_valid(text)) {
            kt_rows_bad_row(reader, place, "%s %s", reader->header_names[i],
                            memchr(text.data, '\0', text.length) ? "has a NUL byte" : "is not text in UTF-8");
            return;
        }
        kt_json_add(&reader->arena, row, reader->header_names[i],
                    is_no_value(text) ? kt_json_new_null(&reader->arena) : kt_json_new_string_n(&reader->arena, text));
    }
    if (reader->arena.failed)
        reader->is_over = reader->no_memory = true;
    else
        kt_rows_take_row(reader, row, place);
}

static void take_record(struct kt_dataset_reader *reader)
{
    struct kt_dataset_place place = kt_rows_count_row(reader);
    if (reader->row_is_long)
        kt_rows_bad_row(reader, place, "it is larger than %zu MiB, and was not looked at; is a quote not closed?",
                        KT_LIMIT_DATASET_ROW_BYTES / (size_t)KT_MIB);
    else if (reader->field_count > reader->header_count)
        kt_rows_bad_row(reader, place,
                        "it has %zu fields, and the first line names %zu columns; a text with a comma stands in "
                        "quotes",
                        reader->field_count, reader->header_count);
    else
        take_fields(reader, place);
}

static void end_field(struct kt_dataset_reader *reader)
{
    if (!reader->field_ends)
        reader->field_ends = kt_arena_calloc(&reader->names, KT_LIMIT_DATASET_COLUMNS, sizeof(*reader->field_ends));
    if (!reader->field_ends)
        reader->is_over = reader->no_memory = true;
    else if (reader->field_count == KT_LIMIT_DATASET_COLUMNS)
        kt_rows_fail(reader, reader->row_line, "a record has more than %d fields", KT_LIMIT_DATASET_COLUMNS);
    else
        reader->field_ends[reader->field_count++] = reader->text.length;
    reader->csv = KT_CSV_FIELD_START;
}

static void end_record(struct kt_dataset_reader *reader)
{
    bool is_empty =
        reader->field_count == 0 && reader->text.length == 0 && !reader->row_is_long && !reader->field_was_quoted;
    if (!is_empty)
        end_field(reader);
    if (!is_empty && !reader->is_over && reader->header_count == 0)
        take_header(reader);
    else if (!is_empty && !reader->is_over)
        take_record(reader);
    kt_strbuf_clear(&reader->text);
    reader->field_count = 0;
    reader->row_is_long = false;
    reader->field_was_quoted = false;
    reader->csv = KT_CSV_FIELD_START;
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void take_plain(struct kt_dataset_reader *reader, char byte)
{
    if (reader->csv == KT_CSV_FIELD_START && reader->field_count == 0)
        reader->row_line = reader->line;
    if (byte == '\r' || byte == '\n') {
        if (byte == '\r' || !reader->was_carriage_return)
            end_record(reader);
    } else if (byte == ',') {
        end_field(reader);
    } else if (byte == '"' && reader->csv == KT_CSV_FIELD_START) {
        reader->csv = KT_CSV_IN_QUOTES;
        reader->field_was_quoted = true;
    } else {
        kt_rows_add(reader, &byte, 1);
        reader->csv = KT_CSV_IN_FIELD;
    }
}

static void take_byte(struct kt_dataset_reader *reader, char byte)
{
    bool is_quote = byte == '"';
    if (reader->csv == KT_CSV_IN_QUOTES && is_quote) {
        reader->csv = KT_CSV_QUOTE_IN_QUOTES;
    } else if (reader->csv == KT_CSV_IN_QUOTES || (reader->csv == KT_CSV_QUOTE_IN_QUOTES && is_quote)) {
        kt_rows_add(reader, &byte, 1);
        reader->csv = KT_CSV_IN_QUOTES;
    } else {
        if (reader->csv == KT_CSV_QUOTE_IN_QUOTES)
            reader->csv = KT_CSV_IN_FIELD;
        take_plain(reader, byte);
    }
}

void kt_csv_rows_feed(struct kt_dataset_reader *reader, struct kt_str bytes)
{
    for (size_t at = 0; at < bytes.length && !reader->is_over; at++) {
        char byte = bytes.data[at];
        bool begins_line = byte == '\r' || (byte == '\n' && !reader->was_carriage_return);
        take_byte(reader, byte);
        reader->line += begins_line;
        reader->was_carriage_return = byte == '\r';
    }
}

void kt_csv_rows_end(struct kt_dataset_reader *reader)
{
    if (reader->csv == KT_CSV_IN_QUOTES) {
        kt_rows_fail(reader, reader->row_line, "the quote that row %" PRIu64 " opens is not closed until the end",
                     reader->report.rows + 1);
        return;
    }
    end_record(reader);
}
