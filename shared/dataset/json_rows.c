/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON rows, cut out of a stream of bytes: of an array its items, otherwise one object after the other. The reader of
 * the trainer's libraries (pyarrow's) takes any white space between objects, so a row may stand on several lines.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "dataset/reader.h"

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool is_array(const struct kt_dataset_reader *reader)
{
    return reader->report.format == KT_DATASET_JSON_ARRAY;
}

/* --- one row ------------------------------------------------------------------------------------------------------ */

/* The parser counts lines and columns from the beginning of the row. */
static void say_parse_fault(struct kt_dataset_reader *reader, struct kt_dataset_place place,
                            const struct kt_error *fault)
{
    uint64_t line = 0, column = 0;
    int begins = 0;
    if (sscanf(fault->message, "JSON text, line %" SCNu64 ", column %" SCNu64 ": %n", &line, &column, &begins) < 2 ||
        begins == 0) {
        kt_rows_bad_row(reader, place, "%s", fault->message);
        return;
    }
    place.line += line - 1;
    kt_rows_bad_row(reader, place, "it is not JSON: %s (column %" PRIu64 "%s)", fault->message + begins, column,
                    line == 1 ? " of the row" : "");
}

static void take_text(struct kt_dataset_reader *reader)
{
    struct kt_dataset_place place = kt_rows_count_row(reader);
    struct kt_json_parsed parsed;
    struct kt_error fault = {0};
    if (reader->row_is_long) {
        kt_rows_bad_row(reader, place, "it is larger than %zu MiB, and was not looked at",
                        KT_LIMIT_DATASET_ROW_BYTES / (size_t)KT_MIB);
    } else {
        kt_arena_reset(&reader->arena);
        int code =
            kt_json_parse(&reader->arena, kt_strbuf_view(&reader->text), KT_JSON_DUPLICATES_REFUSE, &parsed, &fault);
        if (code == 0)
            kt_rows_take_row(reader, parsed.root, place);
        else
            say_parse_fault(reader, place, &fault);
        reader->no_memory |= code == KT_ENOMEM;
        reader->is_over |= reader->no_memory;
    }
    kt_strbuf_clear(&reader->text);
    reader->row_is_long = false;
    reader->depth = 0;
    reader->json = is_array(reader) ? KT_JSON_BEHIND : KT_JSON_BETWEEN;
}

static void begin_row(struct kt_dataset_reader *reader)
{
    reader->row_line = reader->line;
    reader->json = KT_JSON_IN_ROW;
}

/* A line that ends in the middle of a row. Once rows have stood on one line each, the next line is the next row. */
static void row_is_cut(struct kt_dataset_reader *reader, const char *where)
{
    struct kt_dataset_place place = kt_rows_count_row(reader);
    kt_rows_bad_row(reader, place, "its line ends %s", where);
    kt_strbuf_clear(&reader->text);
    reader->row_is_long = false;
    reader->depth = 0;
    reader->json = KT_JSON_BETWEEN;
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void at_start(struct kt_dataset_reader *reader, char byte)
{
    if (byte == '[') {
        reader->report.format = KT_DATASET_JSON_ARRAY;
        reader->json = KT_JSON_BEFORE;
        if (reader->bom_bytes == 3)
            kt_rows_fail(reader, 1,
                         "it begins with a byte order mark, and the trainer does not take an array behind one: save "
                         "it as UTF-8 without a mark");
        return;
    }
    reader->report.format = KT_DATASET_JSON_ROWS;
    reader->json = KT_JSON_BETWEEN;
}

static void between_rows(struct kt_dataset_reader *reader, char byte)
{
    if (byte == ',' || byte == ']' || byte == '}') {
        reader->row_line = reader->line;
        struct kt_dataset_place place = kt_rows_count_row(reader);
        kt_rows_bad_row(reader, place, "there is a %c between the rows; rows are parted by line breaks alone", byte);
        reader->json = KT_JSON_SKIP_LINE;
        return;
    }
    begin_row(reader);
}

static bool ends_bare_value(const struct kt_dataset_reader *reader, char byte)
{
    return reader->depth == 0 && (is_space(byte) || byte == ',' || byte == ']');
}

/* True when the byte belongs to the row. A value that is neither object nor array ends before the next byte. */
static bool in_row(struct kt_dataset_reader *reader, char byte)
{
    bool closes = byte == '}' || byte == ']';
    if (ends_bare_value(reader, byte) && (reader->text.length > 0 || reader->row_is_long)) {
        take_text(reader);
        return false;
    }
    kt_rows_add(reader, &byte, 1);
    if (byte == '"')
        reader->json = KT_JSON_IN_STRING;
    else if (byte == '{' || byte == '[')
        reader->depth++;
    else if (closes && reader->depth > 0 && --reader->depth == 0)
        take_text(reader);
    return true;
}

static void behind_row(struct kt_dataset_reader *reader, char byte)
{
    if (byte == ',')
        reader->json = KT_JSON_BEFORE;
    else if (byte == ']')
        reader->json = KT_JSON_AT_END;
    else
        kt_rows_fail(reader, reader->line, "row %" PRIu64 " is not followed by a comma or the end of the array",
                     reader->report.rows);
}

static void before_row(struct kt_dataset_reader *reader, char byte)
{
    if (byte == ']' && reader->report.rows == 0)
        reader->json = KT_JSON_AT_END;
    else if (byte == ']' || byte == ',')
        kt_rows_fail(reader, reader->line, "a row is missing behind row %" PRIu64, reader->report.rows);
    else
        begin_row(reader);
}

/* False: the byte is looked at once more, in the place that this led to. */
static bool take_byte(struct kt_dataset_reader *reader, char byte)
{
    enum kt_json_place place = reader->json;
    switch (place) {
    case KT_JSON_AT_START:
        at_start(reader, byte);
        return reader->json == KT_JSON_BEFORE;
    case KT_JSON_BETWEEN:
        between_rows(reader, byte);
        return reader->json == KT_JSON_SKIP_LINE;
    case KT_JSON_BEFORE:
        before_row(reader, byte);
        return reader->json != KT_JSON_IN_ROW;
    case KT_JSON_BEHIND:
        behind_row(reader, byte);
        return true;
    case KT_JSON_AT_END:
        kt_rows_fail(reader, reader->line, "there is text behind the array");
        return true;
    case KT_JSON_IN_ESCAPE:
        reader->json = KT_JSON_IN_STRING;
        kt_rows_add(reader, &byte, 1);
        return true;
    case KT_JSON_IN_STRING:
        kt_rows_add(reader, &byte, 1);
        reader->json = byte == '"' ? KT_JSON_IN_ROW : byte == '\\' ? KT_JSON_IN_ESCAPE : KT_JSON_IN_STRING;
        if (reader->depth == 0 && byte == '"')
            take_text(reader);
        return true;
    case KT_JSON_IN_ROW:
        return in_row(reader, byte);
    case KT_JSON_SKIP_LINE:
    default:
        return true;
    }
}

static void take_line_end(struct kt_dataset_reader *reader)
{
    bool in_string = reader->json == KT_JSON_IN_STRING || reader->json == KT_JSON_IN_ESCAPE;
    if (in_string && is_array(reader)) {
        kt_rows_fail(reader, reader->line, "row %" PRIu64 " has a line break in a text: write it as \\n",
                     reader->report.rows + 1);
    } else if (in_string) {
        row_is_cut(reader, "in the middle of a text; a line break in a text is written as \\n");
    } else if (reader->json == KT_JSON_IN_ROW && reader->depth > 0 && !is_array(reader)) {
        struct kt_dataset_report *report = &reader->report;
        if (report->rows > 0 && report->several_lines.row == 0)
            row_is_cut(reader, "before the row does");
        else if (report->several_lines.row == 0)
            report->several_lines = (struct kt_dataset_place){report->rows + 1, reader->row_line};
    } else if (reader->json == KT_JSON_SKIP_LINE) {
        reader->json = KT_JSON_BETWEEN;
    }
}

static bool is_in_row(const struct kt_dataset_reader *reader)
{
    return reader->json == KT_JSON_IN_ROW || reader->json == KT_JSON_IN_STRING || reader->json == KT_JSON_IN_ESCAPE;
}

/* Letters of a text, which are most of a file, in one go: how many of the bytes. */
static size_t take_letters(struct kt_dataset_reader *reader, struct kt_str bytes)
{
    size_t length = 0;
    while (length < bytes.length && bytes.data[length] != '"' && bytes.data[length] != '\\' &&
           bytes.data[length] != '\n')
        length++;
    kt_rows_add(reader, bytes.data, length);
    return length;
}

void kt_json_rows_feed(struct kt_dataset_reader *reader, struct kt_str bytes)
{
    for (size_t at = 0; at < bytes.length && !reader->is_over;) {
        if (reader->json == KT_JSON_IN_STRING) {
            at += take_letters(reader, (struct kt_str){bytes.data + at, bytes.length - at});
            if (at == bytes.length)
                break;
        }
        char byte = bytes.data[at++];
        if (byte == '\n')
            take_line_end(reader);
        if (!is_space(byte) || is_in_row(reader)) {
            while (!reader->is_over && !take_byte(reader, byte) && !is_space(byte))
                ;
        }
        reader->line += byte == '\n';
    }
}

void kt_json_rows_end(struct kt_dataset_reader *reader)
{
    if (is_array(reader) && reader->json != KT_JSON_AT_END) {
        if (is_in_row(reader))
            kt_rows_count_row(reader);
        kt_rows_fail(reader, is_in_row(reader) ? reader->row_line : reader->line,
                     "it ends in the middle of the array, %s row %" PRIu64 ": was it copied in full?",
                     is_in_row(reader) ? "in" : "behind", reader->report.rows);
    } else if (is_in_row(reader) && reader->depth == 0 && reader->json == KT_JSON_IN_ROW) {
        take_text(reader);
    } else if (is_in_row(reader)) {
        struct kt_dataset_place place = kt_rows_count_row(reader);
        kt_rows_bad_row(reader, place, "the file ends in the middle of it: was it copied in full?");
    }
}
