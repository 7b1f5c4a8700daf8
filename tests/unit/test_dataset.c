/* SPDX-License-Identifier: Apache-2.0 */
/* Training data: what is found in good and bad files, however they are cut into pieces, and what it means for the
 * trainers of two images. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "dataset/dataset.h"

#define CHAT "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"hello\"}]}"
#define PAIR "{\"prompt\":\"a\",\"completion\":\"b\"}"
#define BOM "\xef\xbb\xbf"

static struct kt_arena arena;
static const struct kt_trainer_image *exact, *other;

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    exact = kt_trainer_image_find(KT_STR("0.2.8"));
    other = kt_trainer_image_find(KT_STR("0.4.2"));
    return exact && other ? 0 : -1;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

struct file_case {
    const char *name;
    const char *text;
    uint64_t rows;
    enum kt_dataset_outcome outcome_exact, outcome_other;
    const char *words; /* in what is said for `other`; NULL: nothing is said */
};

#define READS KT_DATASET_READS
#define ONE KT_DATASET_BATCH_ONE
#define DIES KT_DATASET_DIES
#define NOTHING KT_DATASET_TEACHES_NOTHING

/* clang-format off */
static const struct file_case cases[] = {
    /* kinds of rows; the outcomes are those of tests/trainer/rows.tsv */
    {"a.jsonl", CHAT "\n" CHAT "\n", 2, READS, READS, NULL},
    {"a.json", "[" CHAT ", " CHAT "]", 2, READS, READS, NULL},
    {"a.json", "[\n  " CHAT ",\n  " CHAT "\n]\n", 2, READS, READS, NULL},
    {"a.jsonl", "{\"id\":1,\"messages\":[{\"role\":\"user\",\"content\":\"hi\",\"name\":\"x\"}]}", 1, DIES, READS, NULL},
    {"a.jsonl", "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{}]}]}", 1, DIES, READS, NULL},
    {"a.jsonl", PAIR, 1, READS, ONE, "one at a time"},
    {"a.csv", "prompt,completion\na,b\n", 1, DIES, ONE, "one at a time"},
    {"a.jsonl", "{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"}],\"completion\":[{\"role\":\"assistant\",\"content\":\"b\"}]}", 1, DIES, ONE, "one at a time"},
    {"a.jsonl", "{\"conversations\":[{\"role\":\"user\",\"content\":\"a\"}]}", 1, READS, DIES, "conversations of role and content"},
    {"a.jsonl", "{\"conversations\":[{\"from\":\"human\",\"value\":\"a\"}]}", 1, DIES, NOTHING, "the loss is 0"},
    {"a.jsonl", "{\"instruction\":\"a\",\"input\":\"\",\"output\":\"b\"}", 1, DIES, DIES, "alpaca"},
    {"a.jsonl", "{\"text\":\"a\"}", 1, DIES, DIES, "text"},
    {"a.csv", "text\na\n", 1, DIES, DIES, "text"},
    {"a.jsonl", "{\"question\":\"a\",\"answer\":\"b\"}", 1, DIES, DIES, "of no kind that is known"},
    {"a.json", "{\"data\": [" CHAT "]}", 1, DIES, DIES, "rows are in \"data\""},
    /* line ends and marks */
    {"a.jsonl", BOM CHAT "\r\n" CHAT "\r\n", 2, READS, READS, NULL},
    {"a.json", BOM "[" CHAT "]", 0, DIES, DIES, "byte order mark"},
    {"a.jsonl", "\n" CHAT "\n\n" CHAT, 2, READS, READS, NULL},
    {"a.jsonl", "{\n\"messages\": [{\"role\": \"user\",\n\"content\": \"a\"}]\n}\n" CHAT "\n", 2, READS, READS, NULL},
    {"a.csv", BOM "prompt,completion\r\n\r\na,b\r\n\"c, \"\"d\"\"\r\ne\",f", 2, DIES, ONE, "one at a time"},
    {"a.csv", "prompt,completion\ra,b\rc,d\r", 2, DIES, ONE, "one at a time"},
    /* one row is bad, and which */
    {"a.jsonl", CHAT "\n{oops}\n" CHAT "\n", 3, DIES, DIES, "row 2 (line 2): it is not JSON"},
    {"a.jsonl", CHAT "\n" CHAT ",\n" CHAT "\n", 4, DIES, DIES, "row 3 (line 2): there is a , between"},
    {"a.jsonl", CHAT "\n{\"messages\":[{\"role\":\"us\n" CHAT "\n" CHAT "\n", 4, DIES, DIES, "row 2 (line 2): its line ends in the middle"},
    {"a.jsonl", CHAT "\n{\"messages\":[\n" CHAT "\n" CHAT "\n", 4, DIES, DIES, "row 2 (line 2): its line ends before"},
    {"a.jsonl", CHAT "\n{\"messages\":[{\"role\":\"user\"", 2, DIES, DIES, "row 2 (line 2): the file ends in the middle"},
    {"a.jsonl", CHAT "\n5\n", 2, DIES, DIES, "row 2 (line 2): it is an integer"},
    {"a.jsonl", "\"a\"\n\"b\"\n", 2, DIES, DIES, "row 1 (line 1): it is a string"},
    {"a.jsonl", "[1,2]\n", 2, DIES, DIES, "row 1 (line 1): it is an integer"},
    {"a.jsonl", CHAT "\n{\"messages\":[]}\n", 2, DIES, DIES, "row 2 (line 2): messages is empty"},
    {"a.jsonl", CHAT "\n{\"messages\":null}\n", 2, DIES, DIES, "row 2 (line 2): messages is empty"},
    {"a.jsonl", "{\"messages\":[{\"content\":\"a\"}]}\n", 1, DIES, DIES, "messages[0] has no role"},
    {"a.jsonl", "{\"messages\":[\"a\"]}\n", 1, DIES, DIES, "messages[0] is no object"},
    {"a.jsonl", PAIR "\n{\"prompt\":5,\"completion\":\"b\"}\n", 2, DIES, DIES, "row 2 (line 2): prompt is no text but integer"},
    {"a.jsonl", "{\"prompt\":\"a\xff\",\"completion\":\"b\"}\n", 1, DIES, DIES, "UTF-8"},
    {"a.jsonl", "{\"prompt\":\"a\",\"prompt\":\"b\"}\n", 1, DIES, DIES, "appears twice"},
    {"a.json", "[" CHAT "," CHAT, 2, DIES, DIES, "ends in the middle of the array, behind row 2"},
    {"a.json", "[" CHAT ",\n{\"messages\"", 2, DIES, DIES, "line 2: it ends in the middle of the array, in row 2"},
    {"a.json", "[" CHAT " " CHAT "]", 1, DIES, DIES, "not followed by a comma"},
    {"a.json", "[" CHAT ",]", 1, DIES, DIES, "a row is missing behind row 1"},
    {"a.json", "[" CHAT "] x", 1, DIES, DIES, "text behind the array"},
    {"a.json", "[{\"text\":\"a\nb\"}]", 0, DIES, DIES, "line break in a text"},
    {"a.json", "[]", 0, DIES, DIES, "no rows"},
    {"a.jsonl", "\n\n", 0, DIES, DIES, "no rows"},
    {"a.csv", "prompt,completion\n", 0, DIES, DIES, "no rows"},
    {"a.csv", "prompt,completion\na,b\na,b,c\n", 2, DIES, DIES, "row 2 (line 3): it has 3 fields"},
    {"a.csv", "prompt,completion\na\n", 1, DIES, DIES, "row 1 (line 2): completion has no value"},
    {"a.csv", "prompt,completion\nNA,b\n", 1, DIES, DIES, "prompt has no value"},
    {"a.csv", "prompt,completion\n\"a\nb\",c\nd,\xff\n", 2, DIES, DIES, "row 2 (line 4): completion is not text in UTF-8"},
    {"a.csv", "prompt,completion\na,\"b\n", 0, DIES, DIES, "line 2: the quote that row 1 opens"},
    {"a.csv", "prompt;completion\na;b\n", 1, DIES, DIES, "of CSV it reads the columns prompt and completion"},
    /* several kinds in one file */
    {"a.jsonl", CHAT "\n" PAIR "\n", 2, DIES, DIES, "row 1 (line 1) is messages, row 2 (line 2) is prompt and completion"},
};
/* clang-format on */

static const struct kt_dataset_report *read_pieces(struct kt_dataset_reader **reader, const char *name,
                                                   struct kt_str text, size_t piece)
{
    struct kt_str head = {text.data, KT_MIN(text.length, KT_DATASET_HEAD_BYTES)};
    const struct kt_dataset_options options = {.format = kt_dataset_guess(name, head).format};
    const struct kt_dataset_report *report = NULL;
    *reader = kt_dataset_open(&options);
    assert_non_null(*reader);
    for (size_t at = 0; at < text.length; at += piece) {
        struct kt_str part = {text.data + at, KT_MIN(piece, text.length - at)};
        if (!kt_dataset_feed(*reader, part))
            break;
    }
    assert_int_equal(kt_dataset_end(*reader, &report, NULL), 0);
    return report;
}

static void test_files(void **state KT_UNUSED)
{
    static const size_t pieces[] = {SIZE_MAX / 2, 7, 1};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const struct file_case *one = &cases[i];
        for (size_t p = 0; p < KT_ARRAY_LENGTH(pieces); p++) {
            KT_CLEANUP(kt_dataset_close) struct kt_dataset_reader *reader = NULL;
            const struct kt_dataset_report *report = read_pieces(&reader, one->name, kt_str(one->text), pieces[p]);
            struct kt_dataset_verdict first = kt_dataset_judge(&arena, report, exact, KT_CONVERT_NOTHING, true);
            struct kt_dataset_verdict second = kt_dataset_judge(&arena, report, other, KT_CONVERT_NOTHING, true);
            const char *said =
                second.why ? kt_arena_printf(&arena, "%s; %s", second.why, second.advice ? second.advice : "") : "";
            if (report->rows != one->rows || first.outcome != one->outcome_exact ||
                second.outcome != one->outcome_other || (one->words ? !strstr(said, one->words) : *said != '\0'))
                fail_msg("case %zu, pieces of %zu: %s\n%llu rows, outcomes %s and %s, said: %s", i, pieces[p],
                         one->text, (unsigned long long)report->rows, kt_dataset_outcome_name(first.outcome),
                         kt_dataset_outcome_name(second.outcome), said);
            kt_arena_reset(&arena);
        }
    }
}

static void test_counts(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_dataset_close) struct kt_dataset_reader *reader = NULL;
    const struct kt_dataset_report *report = read_pieces(
        &reader, "a.jsonl", KT_STR(CHAT "\n{\"messages\":[{\"role\":\"user\",\"content\":\"0123456789\"}]}\n"), 5);
    assert_int_equal(report->text_bytes, 17);
    assert_int_equal(report->longest_bytes, 10);
    assert_int_equal(report->longest.row, 2);
    assert_int_equal(report->longest.line, 2);
    assert_int_equal(report->column_count, 1);
    assert_string_equal(report->columns[0], "messages");
    assert_int_equal(report->kinds[KT_ROW_MESSAGES], 2);
}

/* A row beyond the limit is told of, and costs no memory. */
static void test_row_without_end(void **state KT_UNUSED)
{
    static const char *const names[] = {"a.jsonl", "a.csv"}, *const begins[] = {"{\"text\":\"", "text\n\""};
    static char piece[64 * KT_KIB];
    memset(piece, 'x', sizeof(piece));
    for (size_t i = 0; i < 2; i++) {
        const struct kt_dataset_options options = {.format = kt_dataset_guess(names[i], kt_str(begins[i])).format};
        KT_CLEANUP(kt_dataset_close) struct kt_dataset_reader *reader = kt_dataset_open(&options);
        const struct kt_dataset_report *report = NULL;
        assert_true(kt_dataset_feed(reader, kt_str(begins[i])));
        size_t before = kt_heap_allocation_count();
        for (size_t fed = 0; fed < 4 * KT_LIMIT_DATASET_ROW_BYTES; fed += sizeof(piece))
            assert_true(kt_dataset_feed(reader, (struct kt_str){piece, sizeof(piece)}));
        assert_true(kt_heap_allocation_count() - before < 64);
        assert_true(kt_dataset_feed(reader, i == 0 ? KT_STR("\"}\n{\"text\":\"b\"}\n") : KT_STR("\"\nb\n")));
        assert_int_equal(kt_dataset_end(reader, &report, NULL), 0);
        assert_int_equal(report->rows, 2);
        assert_int_equal(report->bad_rows, 1);
        assert_non_null(strstr(report->bad_words, "larger than 16 MiB"));
    }
}

static void test_nesting(void **state KT_UNUSED)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &arena, (size_t)KT_MIB);
    kt_strbuf_puts(&text, "{\"a\":");
    for (size_t i = 0; i < 100000; i++)
        kt_strbuf_putc(&text, '[');
    for (size_t i = 0; i < 100000; i++)
        kt_strbuf_putc(&text, ']');
    kt_strbuf_puts(&text, "}\n" CHAT "\n");
    KT_CLEANUP(kt_dataset_close) struct kt_dataset_reader *reader = NULL;
    const struct kt_dataset_report *report = read_pieces(&reader, "a.jsonl", kt_strbuf_view(&text), 4096);
    assert_int_equal(report->rows, 2);
    assert_int_equal(report->bad_rows, 1);
    assert_non_null(strstr(report->bad_words, "levels of nesting"));
}

/* A name from the file in a message that is full: it ends with a whole character. */
static void test_long_names(void **state KT_UNUSED)
{
    for (size_t shift = 0; shift < 3; shift++) {
        struct kt_strbuf text;
        kt_strbuf_init(&text, &arena, (size_t)KT_MIB);
        for (size_t i = 0; i < 2; i++) {
            kt_strbuf_printf(&text, "%s%.*s", i ? ",\"" : "{\"", (int)shift, "xxx");
            for (size_t letter = 0; letter < 400; letter++)
                kt_strbuf_puts(&text, "\xe2\x82\xac");
            kt_strbuf_puts(&text, "\":1");
        }
        kt_strbuf_puts(&text, "}");
        KT_CLEANUP(kt_dataset_close) struct kt_dataset_reader *reader = NULL;
        const struct kt_dataset_report *report = read_pieces(&reader, "a.jsonl", kt_strbuf_view(&text), 1000);
        assert_int_equal(report->bad_rows, 1);
        assert_true(kt_utf8_valid(kt_str(report->bad_words)));
        assert_non_null(strstr(report->bad_words, "the key"));
    }
}

static void test_conversion(void **state KT_UNUSED)
{
    static const struct {
        const char *format, *row, *converted;
    } rows[] = {
        {"alpaca", "{\"instruction\":\"do\",\"input\":\"this\",\"output\":\"done\"}",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"do\\n\\nthis\"},{\"role\":\"assistant\",\"content\":\"done\"}"
         "]}"},
        {"alpaca", "{\"instruction\":\"do\",\"output\":\"done\",\"id\":1}",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"do\"},{\"role\":\"assistant\",\"content\":\"done\"}]}"},
        {"text", "{\"text\":\"a\",\"id\":1}", "{\"prompt\":\"\",\"completion\":\"a\"}"},
        {"text", CHAT, CHAT},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        enum kt_dataset_conversion conversion;
        struct kt_json_parsed parsed;
        struct kt_strbuf text;
        assert_true(kt_dataset_conversion_parse(rows[i].format, &conversion));
        assert_int_equal(kt_json_parse(&arena, kt_str(rows[i].row), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL), 0);
        kt_strbuf_init(&text, &arena, (size_t)KT_MIB);
        kt_json_write(&text, kt_dataset_convert(&arena, conversion, parsed.root), KT_JSON_COMPACT);
        assert_string_equal(text.data, rows[i].converted);
    }
    enum kt_dataset_conversion conversion;
    assert_false(kt_dataset_conversion_parse("sharegpt", &conversion));
    assert_true(kt_dataset_conversion_parse(NULL, &conversion));
}

static void test_converted_files(void **state KT_UNUSED)
{
    static const struct {
        enum kt_dataset_conversion conversion;
        const char *row;
        enum kt_dataset_outcome outcome;
        const char *words;
    } files[] = {
        {KT_CONVERT_ALPACA, "{\"instruction\":\"a\",\"output\":\"b\"}", KT_DATASET_READS, NULL},
        {KT_CONVERT_TEXT, "{\"text\":\"a\"}", KT_DATASET_BATCH_ONE, "one at a time"},
        {KT_CONVERT_TEXT, CHAT, KT_DATASET_DIES, "converts text"},
        {KT_CONVERT_ALPACA, "{\"text\":\"a\"}", KT_DATASET_DIES, "converts alpaca"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(files); i++) {
        KT_CLEANUP(kt_dataset_close) struct kt_dataset_reader *reader = NULL;
        const struct kt_dataset_report *report = read_pieces(&reader, "a.jsonl", kt_str(files[i].row), 100);
        struct kt_dataset_verdict verdict = kt_dataset_judge(&arena, report, other, files[i].conversion, true);
        assert_int_equal(verdict.outcome, files[i].outcome);
        assert_true(files[i].words ? verdict.why && strstr(verdict.why, files[i].words) : !verdict.why);
    }
}

static void test_guesses(void **state KT_UNUSED)
{
    static const struct {
        const char *name, *head, *what, *word;
        bool contradicts;
    } files[] = {
        {"rows.JSONL", "{\"a\":1}", "JSON Lines", "json", false},
        {"train_json_v2", " [", "a JSON array", "json", false},
        {"rows.csv", "a,b", "CSV", "csv", false},
        {"rows.parquet", "PAR1...", "Parquet", "parquet", false},
        {"rows.json", "PAR1...", "Parquet", "json", true},
        {"rows.parquet", "{\"a\":1}", "text", "parquet", true},
        {"rows.jsonl.gz", "\x1f\x8b\x08", "compressed by gzip", "json", false},
        {"rows.json", "\xff\xfe[", "text in UTF-16", "json", true},
        {"README.md", "# Data", "text that is neither JSON nor called CSV", NULL, false},
        {"rows", "{\"a\":1}", "JSON Lines", NULL, false},
        {"rows.jsonl", "\x01\x02\x03\x04\x05", "binary data", "json", true},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(files); i++) {
        struct kt_dataset_guess guess = kt_dataset_guess(files[i].name, kt_str(files[i].head));
        assert_string_equal(guess.what, files[i].what);
        assert_string_equal(guess.word ? guess.word : "", files[i].word ? files[i].word : "");
        assert_int_equal(guess.contradicts, files[i].contradicts);
    }
    assert_string_equal(kt_dataset_guess("csv_of.json", KT_STR("{")).other_word, "json");
}

static void test_starved(void **state KT_UNUSED)
{
    for (size_t nth = 1; nth < 40; nth++) {
        kt_heap_fail_from(nth);
        const struct kt_dataset_options options = {.format = nth % 2 ? KT_DATASET_CSV : KT_DATASET_JSON_ROWS};
        struct kt_dataset_reader *reader = kt_dataset_open(&options);
        const struct kt_dataset_report *report = NULL;
        int code = KT_ENOMEM;
        if (reader) {
            kt_dataset_feed(reader, nth % 2 ? KT_STR("text\na\nb\n") : KT_STR(CHAT "\n" CHAT "\n"));
            code = kt_dataset_end(reader, &report, NULL);
        }
        assert_true(code == KT_ENOMEM || (report->rows == 2 && report->bad_rows == 0));
        kt_dataset_close(&reader);
        kt_heap_fail_from(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),           cmocka_unit_test(test_counts),
        cmocka_unit_test(test_row_without_end), cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_long_names),      cmocka_unit_test(test_conversion),
        cmocka_unit_test(test_converted_files), cmocka_unit_test(test_guesses),
        cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests_name("dataset", tests, set_up, tear_down);
}
