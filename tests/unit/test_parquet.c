/* SPDX-License-Identifier: Apache-2.0 */
/* Footers of Parquet files, made byte by byte: what they say, and that broken ones are told of. */
#include "tests/lib/cmocka_all.h"

#include <string.h>

#include "base/limits.h"
#include "dataset/parquet.h"

static struct kt_arena arena;

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

enum { I32 = 5, I64 = 6, BINARY = 8, LIST = 9, STRUCT = 12 };
enum { INT64 = 2, BYTES = 6, UTF8 = 0, LIST_OF = 3, NONE = -1, OPTIONAL = 1, REPEATED = 2 };

static void put_varint(struct kt_strbuf *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        kt_strbuf_putc(to, (char)(value | 0x80));
    kt_strbuf_putc(to, (char)value);
}

static void put_field(struct kt_strbuf *to, int *last, int id, int type)
{
    kt_strbuf_putc(to, (char)((id - *last) << 4 | type));
    *last = id;
}

static void put_integer(struct kt_strbuf *to, int *last, int id, int type, int64_t value)
{
    put_field(to, last, id, type);
    put_varint(to, (uint64_t)value << 1);
}

static void put_text(struct kt_strbuf *to, int *last, int id, const char *text)
{
    put_field(to, last, id, BINARY);
    put_varint(to, strlen(text));
    kt_strbuf_puts(to, text);
}

struct element {
    const char *name;
    int type, repetition, children, converted;
};

static void put_elements(struct kt_strbuf *to, const struct element *elements, size_t count)
{
    kt_strbuf_putc(to, (char)(count << 4 | STRUCT));
    for (size_t i = 0; i < count; i++) {
        int last = 0;
        if (elements[i].type != NONE)
            put_integer(to, &last, 1, I32, elements[i].type);
        put_integer(to, &last, 3, I32, elements[i].repetition);
        put_text(to, &last, 4, elements[i].name);
        if (elements[i].children > 0)
            put_integer(to, &last, 5, I32, elements[i].children);
        if (elements[i].converted != NONE)
            put_integer(to, &last, 6, I32, elements[i].converted);
        kt_strbuf_putc(to, 0);
    }
}

static struct kt_str footer_of(const struct element *elements, size_t count, int64_t rows, const char *metadata)
{
    struct kt_strbuf to;
    int last = 0, inner = 0;
    kt_strbuf_init(&to, &arena, (size_t)KT_MIB);
    put_integer(&to, &last, 1, I32, 2);
    put_field(&to, &last, 2, LIST);
    put_elements(&to, elements, count);
    put_integer(&to, &last, 3, I64, rows);
    put_field(&to, &last, 4, LIST);
    kt_strbuf_putc(&to, STRUCT); /* no row groups */
    if (metadata) {
        put_field(&to, &last, 5, LIST);
        kt_strbuf_putc(&to, 1 << 4 | STRUCT);
        put_text(&to, &inner, 1, "huggingface");
        put_text(&to, &inner, 2, metadata);
        kt_strbuf_putc(&to, 0);
    }
    put_text(&to, &last, 6, "a writer");
    kt_strbuf_putc(&to, 0);
    assert_false(to.failed);
    return kt_strbuf_view(&to);
}

static const struct element messages[] = {
    {"schema", NONE, 0, 2, NONE},       {"id", INT64, OPTIONAL, 0, NONE},     {"messages", NONE, OPTIONAL, 1, LIST_OF},
    {"list", NONE, REPEATED, 1, NONE},  {"element", NONE, OPTIONAL, 2, NONE}, {"content", BYTES, OPTIONAL, 0, UTF8},
    {"role", BYTES, OPTIONAL, 0, UTF8},
};
static const struct element pairs[] = {
    {"schema", NONE, 0, 2, NONE},
    {"prompt", BYTES, OPTIONAL, 0, UTF8},
    {"completion", BYTES, OPTIONAL, 0, UTF8},
};
static const struct element numbers[] = {
    {"schema", NONE, 0, 2, NONE},
    {"prompt", INT64, OPTIONAL, 0, NONE},
    {"completion", BYTES, OPTIONAL, 0, UTF8},
};

/* --- tests -------------------------------------------------------------------------------------------------------- */

static struct kt_dataset_report read_footer(struct kt_str footer)
{
    struct kt_dataset_report report = {0};
    struct kt_error error = {0};
    if (kt_parquet_read_footer(&arena, footer, &report, &error) != 0)
        fail_msg("%s", error.message);
    return report;
}

static void test_messages(void **state KT_UNUSED)
{
    struct kt_dataset_report report = read_footer(footer_of(messages, KT_ARRAY_LENGTH(messages), 12345, NULL));
    assert_int_equal(report.rows, 12345);
    assert_true(report.unread);
    assert_int_equal(report.kinds[KT_ROW_MESSAGES], 12345);
    assert_int_equal(report.bad_rows, 0);
    assert_int_equal(report.column_count, 2);
    assert_string_equal(report.columns[1], "messages");
    assert_string_equal(report.column_types[0], "integer");
    assert_string_equal(report.column_types[1], "list of {content: text, role: text}");
    assert_false(report.new_features);
}

static void test_others(void **state KT_UNUSED)
{
    struct kt_dataset_report report =
        read_footer(footer_of(pairs, KT_ARRAY_LENGTH(pairs), 3, "{\"info\": {\"_type\": \"List\"}}"));
    assert_int_equal(report.kinds[KT_ROW_COMPLETIONS], 3);
    assert_true(report.new_features);
    report = read_footer(footer_of(numbers, KT_ARRAY_LENGTH(numbers), 3, NULL));
    assert_int_equal(report.bad_rows, 3);
    assert_string_equal(report.bad_words, "prompt is no text but integer");
}

/* Every beginning of a footer, and every byte of it changed: a report or a clear error. */
static void test_broken(void **state KT_UNUSED)
{
    struct kt_str whole = footer_of(messages, KT_ARRAY_LENGTH(messages), 1, "x");
    char *copy = kt_arena_strndup(&arena, whole.data, whole.length);
    struct kt_arena working;
    kt_arena_init(&working, (size_t)(64 * KT_MIB));
    for (size_t length = 0; length + 1 < whole.length; length++) {
        struct kt_dataset_report report;
        struct kt_error error = {0};
        assert_int_equal(kt_parquet_read_footer(&working, (struct kt_str){copy, length}, &report, &error), KT_EPARSE);
        assert_string_equal(error.message, "its footer is damaged");
        kt_arena_reset(&working);
    }
    for (size_t at = 0; at < whole.length; at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct kt_dataset_report report;
            struct kt_error error = {0};
            memcpy(copy, whole.data, whole.length);
            copy[at] = (char)value;
            int code = kt_parquet_read_footer(&working, (struct kt_str){copy, whole.length}, &report, &error);
            assert_true(code == 0 || code == KT_EPARSE || code == KT_ELIMIT);
            kt_arena_reset(&working);
        }
    }
    kt_arena_release(&working);
}

static void test_tail(void **state KT_UNUSED)
{
    size_t length = 0;
    assert_int_equal(kt_parquet_footer_length("\x10\0\0\0PAR1", 100, &length, NULL), 0);
    assert_int_equal(length, 16);
    assert_int_equal(kt_parquet_footer_length("\x10\0\0\0PARX", 100, &length, NULL), KT_EPARSE);
    assert_int_equal(kt_parquet_footer_length("\x10\0\0\0PAR1", 20, &length, NULL), KT_EPARSE);
    assert_int_equal(kt_parquet_footer_length("\xff\xff\xff\xffPAR1", UINT64_MAX, &length, NULL), KT_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_tail),
    };
    return cmocka_run_group_tests_name("parquet", tests, set_up, tear_down);
}
