/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is being read. Private to shared/dataset. */
#ifndef KT_DATASET_READER_H
#define KT_DATASET_READER_H

#include "dataset/dataset.h"

/* Where in the grammar of JSON rows the next byte stands. */
enum kt_json_place {
    KT_JSON_AT_START,  /* before anything but white space */
    KT_JSON_BETWEEN,   /* rows: between two */
    KT_JSON_BEFORE,    /* array: before a row */
    KT_JSON_BEHIND,    /* array: behind a row */
    KT_JSON_IN_ROW,    /* outside strings */
    KT_JSON_IN_STRING, /* of a row */
    KT_JSON_IN_ESCAPE, /* behind a backslash */
    KT_JSON_SKIP_LINE, /* the rest of a line of which no row can be made */
    KT_JSON_AT_END,    /* behind the array */
};

enum kt_csv_place {
    KT_CSV_FIELD_START,
    KT_CSV_IN_FIELD,
    KT_CSV_IN_QUOTES,
    KT_CSV_QUOTE_IN_QUOTES, /* the end of a quoted part, or the first half of a quote */
};

struct kt_dataset_reader {
    struct kt_dataset_options options;
    struct kt_dataset_report report;
    struct kt_arena arena; /* of one row */
    struct kt_arena names; /* of the report's texts */
    struct kt_strbuf text; /* the row so far */
    uint64_t line;         /* of the next byte */
    uint64_t row_line;     /* where the row begins */
    size_t bom_bytes;      /* of a byte order mark that have been seen */
    bool is_over;          /* no more is read */
    bool row_is_long;      /* larger than the limit: its bytes are passed over */
    bool no_memory;
    bool was_carriage_return; /* the last byte: a line feed behind it begins no further line */
    /* JSON */
    enum kt_json_place json;
    size_t depth;
    /* CSV */
    enum kt_csv_place csv;
    size_t *field_ends; /* in text, of the record's fields so far */
    size_t field_count;
    bool field_was_quoted;
    size_t header_count;       /* 0: the header has not been read */
    const char **header_names; /* in names */
};

void kt_json_rows_feed(struct kt_dataset_reader *reader, struct kt_str bytes);
void kt_json_rows_end(struct kt_dataset_reader *reader);
void kt_csv_rows_feed(struct kt_dataset_reader *reader, struct kt_str bytes);
void kt_csv_rows_end(struct kt_dataset_reader *reader);

/* Adds to the row, and notes when it is too long or memory is out. */
void kt_rows_add(struct kt_dataset_reader *reader, const char *data, size_t length);
/* Counts a row that begins at reader->row_line; the place of it. */
struct kt_dataset_place kt_rows_count_row(struct kt_dataset_reader *reader);
/* Looks at a row that was counted. */
void kt_rows_take_row(struct kt_dataset_reader *reader, cJSON *row, struct kt_dataset_place place);
/* Notes that the row cannot be used. */
void kt_rows_bad_row(struct kt_dataset_reader *reader, struct kt_dataset_place place, const char *format, ...)
    KT_PRINTF(3, 4);
/* Notes what is wrong with the file, and ends the reading. */
void kt_rows_fail(struct kt_dataset_reader *reader, uint64_t line, const char *format, ...) KT_PRINTF(3, 4);
/* The beginning of a name. */
void kt_rows_copy_name(char ret[64], const char *name);
/* Notes a column, if it is new. type: constant, or NULL. */
void kt_report_column(struct kt_dataset_report *report, struct kt_arena *names, const char *name, const char *type);

#endif
