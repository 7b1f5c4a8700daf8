/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/parquet.h"

#include <stdio.h>

#include "base/limits.h"
#include "dataset/reader.h"
#include "dataset/thrift.h"

/* Field numbers of parquet.thrift. */
enum { METADATA_SCHEMA = 2, METADATA_ROWS = 3, METADATA_PAIRS = 5 };
enum { ELEMENT_TYPE = 1, ELEMENT_REPETITION = 3, ELEMENT_NAME = 4, ELEMENT_CHILDREN = 5, ELEMENT_CONVERTED = 6 };
enum { PAIR_VALUE = 2 };
enum { REPEATED = 2, CONVERTED_UTF8 = 0, CONVERTED_MAP = 1, CONVERTED_LIST = 3, TYPE_BYTES = 6 };

static const char *const types[] = {"boolean", "integer", "integer", "timestamp", "number", "number", "bytes", "bytes"};

struct element {
    const char *name;
    uint32_t children;
    uint32_t end; /* number of the first element behind it and all within it */
    uint32_t converted;
    uint32_t type;
    bool is_leaf;
    bool has_converted;
    bool is_repeated;
};

struct schema {
    struct kt_arena *arena;
    struct element *elements;
    uint32_t count;
};

int kt_parquet_footer_length(const char tail[KT_PARQUET_TAIL_BYTES], uint64_t file_bytes, size_t *ret,
                             struct kt_error *error)
{
    const unsigned char *bytes = (const unsigned char *)tail;
    if (memcmp(tail + 4, "PAR1", 4) != 0)
        return kt_error_set(error, KT_EPARSE,
                            "it begins as a Parquet file and does not end as one: was it copied in full?");
    uint32_t length =
        (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    if (length + (uint64_t)KT_PARQUET_TAIL_BYTES + 4 > file_bytes)
        return kt_error_set(error, KT_EPARSE, "its footer would have %u bytes, more than the file: it is damaged",
                            length);
    if (length > KT_LIMIT_PARQUET_FOOTER_BYTES)
        return kt_error_set(error, KT_ELIMIT, "its footer has %u bytes, more than the limit of %zu", length,
                            KT_LIMIT_PARQUET_FOOTER_BYTES);
    *ret = length;
    return 0;
}

/* --- the schema --------------------------------------------------------------------------------------------------- */

static uint32_t bounded(int64_t value)
{
    return value < 0 || value > KT_LIMIT_PARQUET_ELEMENTS ? KT_LIMIT_PARQUET_ELEMENTS + 1 : (uint32_t)value;
}

static struct element read_element(struct kt_thrift *thrift, struct kt_arena *arena)
{
    struct element element = {.name = ""};
    struct kt_thrift_field field = {0};
    for (;;) {
        field = kt_thrift_field(thrift, field.id);
        bool is_number = field.type == KT_THRIFT_I32;
        if (field.type == KT_THRIFT_STOP || thrift->failed)
            return element;
        if (field.id == ELEMENT_NAME && field.type == KT_THRIFT_BINARY) {
            struct kt_str name = kt_thrift_binary(thrift);
            element.name = kt_arena_strndup(arena, name.data, name.length);
        } else if (field.id == ELEMENT_TYPE && is_number) {
            element.type = bounded(kt_thrift_integer(thrift));
            element.is_leaf = true;
        } else if (field.id == ELEMENT_CHILDREN && is_number) {
            element.children = bounded(kt_thrift_integer(thrift));
        } else if (field.id == ELEMENT_CONVERTED && is_number) {
            element.converted = bounded(kt_thrift_integer(thrift));
            element.has_converted = true;
        } else if (field.id == ELEMENT_REPETITION && is_number) {
            element.is_repeated = kt_thrift_integer(thrift) == REPEATED;
        } else {
            kt_thrift_skip(thrift, field.type);
        }
    }
}

static int read_schema(struct kt_thrift *thrift, struct schema *schema, struct kt_error *error)
{
    enum kt_thrift_type type;
    uint64_t count = kt_thrift_list(thrift, &type);
    if (count > KT_LIMIT_PARQUET_ELEMENTS)
        return kt_error_set(error, KT_ELIMIT, "its schema has more than the limit of %d elements",
                            KT_LIMIT_PARQUET_ELEMENTS);
    if (thrift->failed || type != KT_THRIFT_STRUCT || schema->elements)
        return kt_error_set(error, KT_EPARSE, "its footer is damaged");
    schema->elements = kt_arena_calloc(schema->arena, (size_t)count, sizeof(*schema->elements));
    for (; schema->elements && schema->count < count && !thrift->failed; schema->count++)
        schema->elements[schema->count] = read_element(thrift, schema->arena);
    return schema->arena->failed ? kt_error_set(error, KT_ENOMEM, "not enough memory for its schema") : 0;
}

/* The elements stand as a walk meets them: each is followed by what is within it. From the last on, each child's end is
 * known before its parent's. */
static bool find_ends(const struct schema *schema)
{
    for (uint32_t i = schema->count; i-- > 0;) {
        struct element *element = &schema->elements[i];
        element->end = i + 1;
        for (uint32_t child = 0; child < element->children; child++) {
            if (element->end >= schema->count)
                return false;
            element->end = schema->elements[element->end].end;
        }
    }
    return schema->count > 0 && schema->elements[0].end == schema->count;
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

static void write_type(struct kt_strbuf *text, const struct schema *schema, uint32_t at, size_t depth);

static void write_members(struct kt_strbuf *text, const struct schema *schema, uint32_t at, size_t depth)
{
    kt_strbuf_puts(text, "{");
    for (uint32_t child = at + 1; child < schema->elements[at].end; child = schema->elements[child].end) {
        kt_strbuf_printf(text, "%s%.64s: ", child > at + 1 ? ", " : "", schema->elements[child].name);
        write_type(text, schema, child, depth + 1);
    }
    kt_strbuf_puts(text, "}");
}

/* The item of a list: the one within its repeated group, or that group itself. */
static uint32_t item_of(const struct schema *schema, uint32_t at)
{
    uint32_t group = at + 1;
    return schema->elements[group].children == 1 ? group + 1 : group;
}

static bool is_list(const struct element *element)
{
    return !element->is_leaf && element->has_converted && element->converted == CONVERTED_LIST &&
           element->children == 1;
}

static void write_type(struct kt_strbuf *text, const struct schema *schema, uint32_t at, size_t depth)
{
    const struct element *element = &schema->elements[at];
    if (depth > KT_LIMIT_PARQUET_DEPTH || text->failed) {
        kt_strbuf_puts(text, "...");
    } else if (is_list(element)) {
        kt_strbuf_puts(text, "list of ");
        write_type(text, schema, item_of(schema, at), depth + 1);
    } else if (!element->is_leaf) {
        kt_strbuf_puts(text, element->has_converted && element->converted == CONVERTED_MAP ? "map " : "");
        write_members(text, schema, at, depth);
    } else {
        kt_strbuf_puts(text, element->is_repeated ? "list of " : "");
        kt_strbuf_puts(
            text, element->type == TYPE_BYTES && element->has_converted && element->converted == CONVERTED_UTF8 ? "text"
                  : element->type < KT_ARRAY_LENGTH(types) ? types[element->type]
                                                           : "unknown");
    }
}

/* A row of this shape, with texts in it, so that it is judged as a row of any other file is. */
static cJSON *sample_of(const struct schema *schema, uint32_t at, size_t depth)
{
    const struct element *element = &schema->elements[at];
    if (depth > KT_LIMIT_PARQUET_DEPTH)
        return kt_json_new_null(schema->arena);
    if (element->is_leaf)
        return element->type == TYPE_BYTES ? kt_json_new_string(schema->arena, "") : kt_json_new_int(schema->arena, 0);
    if (is_list(element)) {
        cJSON *list = kt_json_new_array(schema->arena);
        kt_json_append(schema->arena, list, sample_of(schema, item_of(schema, at), depth + 1));
        return list;
    }
    cJSON *object = kt_json_new_object(schema->arena);
    for (uint32_t child = at + 1; child < element->end; child = schema->elements[child].end)
        kt_json_add(schema->arena, object, schema->elements[child].name, sample_of(schema, child, depth + 1));
    return object;
}

static void take_columns(const struct schema *schema, struct kt_dataset_report *report)
{
    for (uint32_t at = 1; at < schema->count; at = schema->elements[at].end) {
        struct kt_strbuf text;
        kt_strbuf_init(&text, schema->arena, 512);
        write_type(&text, schema, at, 0);
        kt_report_column(report, schema->arena, schema->elements[at].name, text.data);
    }
    struct kt_row row = kt_row_look(schema->arena, sample_of(schema, 0, 0));
    report->kinds[row.kind] = report->rows;
    if (row.fault && report->rows > 0) {
        report->bad_rows = report->rows;
        snprintf(report->bad_words, sizeof(report->bad_words), "%s", row.fault);
    }
    if (row.extra) {
        report->extra.row = 1;
        kt_rows_copy_name(report->extra_name, row.extra);
    }
}

/* --- the footer --------------------------------------------------------------------------------------------------- */

/* The datasets library writes its own types into the metadata, from version 4 on by a word that older ones die on. */
static void look_at_pair(struct kt_thrift *thrift, struct kt_dataset_report *report)
{
    static const char word[] = "\"_type\": \"List\"";
    struct kt_thrift_field field = {0};
    for (;;) {
        field = kt_thrift_field(thrift, field.id);
        if (field.type == KT_THRIFT_STOP || thrift->failed)
            return;
        if (field.id == PAIR_VALUE && field.type == KT_THRIFT_BINARY) {
            struct kt_str value = kt_thrift_binary(thrift);
            report->new_features |= value.length > 0 && memmem(value.data, value.length, word, sizeof(word) - 1);
        } else {
            kt_thrift_skip(thrift, field.type);
        }
    }
}

static void look_at_pairs(struct kt_thrift *thrift, struct kt_dataset_report *report)
{
    enum kt_thrift_type type;
    uint64_t count = kt_thrift_list(thrift, &type);
    thrift->failed |= type != KT_THRIFT_STRUCT && count > 0;
    while (count-- > 0 && !thrift->failed)
        look_at_pair(thrift, report);
}

int kt_parquet_read_footer(struct kt_arena *arena, struct kt_str footer, struct kt_dataset_report *ret,
                           struct kt_error *error)
{
    struct kt_dataset_report report = {.format = KT_DATASET_PARQUET, .unread = true};
    struct kt_thrift thrift = {footer, false};
    struct schema schema = {.arena = arena};
    struct kt_thrift_field field = {0};
    int64_t rows = -1;
    int code = 0;
    do {
        field = kt_thrift_field(&thrift, field.id);
        if (field.type == KT_THRIFT_STOP)
            break;
        if (field.id == METADATA_SCHEMA && field.type == KT_THRIFT_LIST)
            code = read_schema(&thrift, &schema, error);
        else if (field.id == METADATA_ROWS && field.type == KT_THRIFT_I64)
            rows = kt_thrift_integer(&thrift);
        else if (field.id == METADATA_PAIRS && field.type == KT_THRIFT_LIST)
            look_at_pairs(&thrift, &report);
        else
            kt_thrift_skip(&thrift, field.type);
    } while (!thrift.failed && code == 0);
    if (code != 0)
        return code;
    if (thrift.failed || rows < 0 || !schema.elements || !find_ends(&schema))
        return kt_error_set(error, KT_EPARSE, "its footer is damaged");
    report.rows = (uint64_t)rows;
    take_columns(&schema, &report);
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for its schema");
    *ret = report;
    return 0;
}
