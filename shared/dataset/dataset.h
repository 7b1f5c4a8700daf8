/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a tuning trains on: what rows they hold, and what the trainer of an image does with them. Read in
 * pieces with bounded memory, so that a file of any size can be looked at. Facts on what a trainer reads: the runs of
 * tests/trainer/rows.tsv, and the readers of the libraries in its images (pyarrow and pandas).
 */
#ifndef KT_DATASET_DATASET_H
#define KT_DATASET_DATASET_H

#include "base/strbuf.h"
#include "catalog/images.h"
#include "text/json.h"

enum kt_dataset_format {
    KT_DATASET_JSON_ROWS,  /* one JSON object after the other: JSON Lines */
    KT_DATASET_JSON_ARRAY, /* one array of objects */
    KT_DATASET_CSV,
    KT_DATASET_PARQUET,
    KT_DATASET_OTHER, /* named, and not looked into */
};

/* The format by the first bytes of a file, and where these say little by the word in its name. */
struct kt_dataset_guess {
    enum kt_dataset_format format;
    const char *what; /* "Parquet", "a gzip archive", ...; of OTHER too */
    /* The word by which the trainer takes the file for a format ("json", "csv", ...). NULL: it does not see the file.
     */
    const char *word;
    const char *other_word; /* a second such word in the name: the trainer takes one or the other by chance */
    bool contradicts;       /* the trainer takes it for another format than it has */
    bool is_text;           /* false: its bytes are those of no text */
};
/* name: of the file, without folders; NULL: it has none. head: its first bytes, KT_DATASET_HEAD_BYTES or all. */
struct kt_dataset_guess kt_dataset_guess(const char *name, struct kt_str head);
#define KT_DATASET_HEAD_BYTES ((size_t)512)

/* --- rows --------------------------------------------------------------------------------------------------------- */

enum kt_row_kind {
    KT_ROW_MESSAGES,         /* messages: [{role, content}] */
    KT_ROW_COMPLETIONS,      /* prompt and completion, as text */
    KT_ROW_COMPLETION_CHATS, /* prompt and completion, as lists of {role, content} */
    KT_ROW_CONVERSATIONS,    /* conversations: [{role, content}] */
    KT_ROW_SHAREGPT,         /* conversations: [{from, value}] */
    KT_ROW_ALPACA,           /* instruction, input, output */
    KT_ROW_TEXT,             /* text */
    KT_ROW_OTHER,
    KT_ROW_KIND_COUNT
};
/* "messages", "prompt and completion", ... */
const char *kt_row_kind_name(enum kt_row_kind kind);

struct kt_row {
    enum kt_row_kind kind;
    const char *fault;   /* why it cannot be used, in the arena; NULL: it is as its kind should be */
    const char *extra;   /* a field of a message beside role and content; NULL: none */
    const char *wrapped; /* the member that holds rows, of an object around them; NULL: none */
    uint64_t text_bytes; /* of what the trainer would learn from: contents, texts */
};
/* row: an object. */
struct kt_row kt_row_look(struct kt_arena *arena, const cJSON *row);

/* What kaito.sh/dataset-format asks for. */
enum kt_dataset_conversion { KT_CONVERT_NOTHING, KT_CONVERT_TEXT, KT_CONVERT_ALPACA };
extern const char *const kt_dataset_conversions[]; /* the annotation's values, NULL-terminated */
/* NULL and "": KT_CONVERT_NOTHING. False for a value that is none. */
bool kt_dataset_conversion_parse(const char *text, enum kt_dataset_conversion *ret);
/* The kind of rows that it reads, and the kind that it makes. */
enum kt_row_kind kt_dataset_converts_from(enum kt_dataset_conversion conversion);
enum kt_row_kind kt_dataset_converts_to(enum kt_dataset_conversion conversion);
/* The row as the trainer gets it; the row itself when it is not of the kind that is converted. */
cJSON *kt_dataset_convert(struct kt_arena *arena, enum kt_dataset_conversion conversion, cJSON *row);

/* --- a file ------------------------------------------------------------------------------------------------------- */

/* Where in a file; 0: unknown. */
struct kt_dataset_place {
    uint64_t row;  /* from 1 */
    uint64_t line; /* from 1 */
};

struct kt_dataset_report {
    enum kt_dataset_format format;
    uint64_t bytes;
    uint64_t rows; /* those that cannot be used too */
    uint64_t kinds[KT_ROW_KIND_COUNT];
    struct kt_dataset_place first_of_kind[KT_ROW_KIND_COUNT];
    uint64_t bad_rows;
    struct kt_dataset_place bad;
    char bad_words[KT_MIB / 4096]; /* why the first of them is bad; always NUL-terminated */
    /* What is wrong with the file as a whole, and ends the reading; "": nothing. */
    char file_words[KT_MIB / 4096];
    struct kt_dataset_place file_place;
    struct kt_dataset_place several_lines; /* the first row that stands on more than one line */
    struct kt_dataset_place extra;         /* the first message with a field beside role and content */
    char extra_name[64];
    char wrapped_in[64];          /* the rows stand in this member of the first row; "": they do not */
    const char *columns[64];      /* names in order of appearance, as they are */
    const char *column_types[64]; /* NULL: not known */
    size_t column_count;
    bool more_columns;
    bool unread;       /* rows were not looked at: what a footer says is all that is known */
    bool new_features; /* of Parquet: written by a library that the datasets library of older images cannot read */
    uint64_t text_bytes;
    uint64_t longest_bytes;
    struct kt_dataset_place longest;
};

struct kt_dataset_reader;

struct kt_dataset_options {
    enum kt_dataset_format format;
    /* Called with each of the first `shown` rows that can be read. The row is gone afterwards. May be NULL. */
    void (*show)(void *context, struct kt_arena *arena, cJSON *row, struct kt_dataset_place place);
    void *context;
    uint64_t shown;
};

/* A reader of JSON or CSV. NULL without memory. All of its memory is bounded by KT_LIMIT_DATASET_ROW_BYTES. */
struct kt_dataset_reader *kt_dataset_open(const struct kt_dataset_options *options) KT_NODISCARD;
/* The next bytes of the file. False when there is no use in more: the file is broken, or memory is out. */
bool kt_dataset_feed(struct kt_dataset_reader *reader, struct kt_str bytes);
/* After the last byte. KT_ENOMEM. The report lives as long as the reader. */
int kt_dataset_end(struct kt_dataset_reader *reader, const struct kt_dataset_report **ret,
                   struct kt_error *error) KT_NODISCARD;
void kt_dataset_close(struct kt_dataset_reader **reader); /* for KT_CLEANUP */

/* --- what the trainer does with it -------------------------------------------------------------------------------- */

enum kt_dataset_outcome {
    KT_DATASET_READS,
    KT_DATASET_BATCH_ONE,       /* reads it one row at a time */
    KT_DATASET_TEACHES_NOTHING, /* it ends well, and nothing has been learnt */
    KT_DATASET_DIES,
    KT_DATASET_UNKNOWN,
};
/* "reads", "batch size 1 only", ... */
const char *kt_dataset_outcome_name(enum kt_dataset_outcome outcome);

struct kt_dataset_verdict {
    enum kt_dataset_outcome outcome;
    const char *why;    /* in the arena; NULL: there is nothing to say */
    const char *advice; /* what to do; NULL: nothing */
};
/* converts: the operator knows kaito.sh/dataset-format, so that it may be advised. */
struct kt_dataset_verdict kt_dataset_judge(struct kt_arena *arena, const struct kt_dataset_report *report,
                                           const struct kt_trainer_image *image, enum kt_dataset_conversion conversion,
                                           bool converts);

#endif
