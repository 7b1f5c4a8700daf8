/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "tests/lib/json_text.h"
#include "text/json.h"

/* Every test gets a fresh arena through *state. */
static int set_up(void **state)
{
    static struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    kt_arena_release(*state);
    return 0;
}

static void assert_refused(struct kt_arena *arena, struct kt_str text, int code, const char *message_part)
{
    struct kt_json_parsed parsed = {.nodes = 77};
    struct kt_error error = {0};
    int got = kt_json_parse(arena, text, KT_JSON_DUPLICATES_REFUSE, &parsed, &error);
    if (got != code || !strstr(error.message, message_part))
        fail_msg("%.60s: code %d, message \"%s\"; wanted %d and \"%s\"", text.data, got, error.message, code,
                 message_part);
    assert_int_equal(error.code, code);
    assert_int_equal(parsed.nodes, 77);
}

/* --- round trips -------------------------------------------------------------------------------------------------- */

static void test_compact_text_comes_back_unchanged(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        "9007199254740993",
        "-9223372036854775808",
        "18446744073709551615",
        "123456789012345678901234567890",
        "1.0",
        "1.10",
        "1e2",
        "1E+2",
        "2e-05",
        "0.1",
        "[1,[2,[3,[]]],{}]",
        "{\"a\":{\"b\":[{\"c\":null}]},\"d\":\"x\"}",
        "{\"\":0,\"a.b/c~d\":1,\"A\":2,\"a\":3}",
        "\"tab\\tquote\\\"slash\\\\ctl\\u0001\"",
        "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \x7F <&>\"",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        cJSON *root = kt_test_json(*state, texts[i]);
        kt_test_json_sound(root);
        assert_string_equal(kt_test_json_text(*state, root), texts[i]);
        cJSON *clone = kt_json_clone(*state, root);
        kt_test_json_sound(clone);
        assert_string_equal(kt_test_json_text(*state, clone), texts[i]);
        assert_true(kt_json_equal(root, clone));
    }
}

static void test_white_space_and_escapes_are_normalised(void **state)
{
    assert_string_equal(kt_test_json_text(*state, kt_test_json(*state, " \t\r\n{ \"a\" :\t[ 1 ,\n2 ] } \n")),
                        "{\"a\":[1,2]}");
    assert_string_equal(
        kt_test_json_text(*state, kt_test_json(*state, "\"\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\ud83d\\ude00\"")),
        "\"/\\b\\f\\n\\r\\tA\xC3\xA9\xF0\x9F\x98\x80\"");
}

static void test_lone_surrogates_become_replacement_characters(void **state)
{
    static const char *const texts[][2] = {
        {"\"\\ud800\"", "\xEF\xBF\xBD"},
        {"\"\\uDC00x\"", "\xEF\xBF\xBDx"},
        {"\"\\ud800\\n\"", "\xEF\xBF\xBD\n"},
        {"\"\\ud800\\ud83d\\ude00\"", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
        {"\"\\ud800\\u0041\"", "\xEF\xBF\xBD"
                               "A"},
        {"\"\\udfff\\udbff\"", "\xEF\xBF\xBD\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++)
        assert_string_equal(kt_json_string(kt_test_json(*state, texts[i][0])), texts[i][1]);
    cJSON *object = kt_test_json(*state, "{\"\\ud800\":1}");
    assert_non_null(kt_json_get(object, "\xEF\xBF\xBD"));
}

static void test_pretty_text_looks_like_kubectl(void **state)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, *state, 1000);
    kt_json_write(&buffer, kt_test_json(*state, "{\"a\":[1,{\"b\":[]}],\"c\":{}}"), KT_JSON_PRETTY);
    assert_string_equal(buffer.data,
                        "{\n    \"a\": [\n        1,\n        {\n            \"b\": []\n        }\n    ],\n"
                        "    \"c\": {}\n}");
}

static void test_writer_replaces_invalid_utf8_and_respects_the_limit(void **state)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, *state, 100);
    kt_json_write_string(&buffer, KT_STR("a\xFF\xC3(\xED\xA0\x80z\0\x1F"));
    assert_string_equal(buffer.data,
                        "\"a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\\u0000\\u001f\"");
    kt_strbuf_init(&buffer, *state, 5);
    kt_json_write(&buffer, kt_test_json(*state, "[1,2,3]"), KT_JSON_COMPACT);
    assert_true(buffer.failed);
    kt_strbuf_init(&buffer, *state, 5);
    kt_json_write(&buffer, NULL, KT_JSON_COMPACT);
    assert_int_equal(buffer.length, 0);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void test_bad_grammar_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "line 1, column 1: the text ends where a value is expected"},
        {" \n ", "line 2, column 2: the text ends"},
        {"[1,\n  x]", "line 2, column 3: expected a value, found 'x'"},
        {"[\"\xC3\xA9\",x]", "line 1, column 6"},
        {"{\"a\":1} {", "expected the end of the text after the value, found '{'"},
        {"1 2", "expected the end of the text"},
        {"nul", "true, false or null"},
        {"True", "expected a value"},
        {"nulll", "expected the end"},
        {"[1,]", "expected a value, found ']'"},
        {"[,1]", "expected a value, found ','"},
        {"[1 2]", "expected ',' or ']', found '2'"},
        {"[1}", "expected ',' or ']', found '}'"},
        {"{\"a\":1]", "expected ',' or '}', found ']'"},
        {"{\"a\":1,}", "a key in double quotes"},
        {"{a:1}", "a key in double quotes"},
        {"{'a':1}", "a key in double quotes"},
        {"{\"a\" 1}", "':' after a key"},
        {"{\"a\":}", "expected a value"},
        {"{1:1}", "a key in double quotes"},
        {"]", "expected a value"},
        {"01", "must not start with 0"},
        {"-01", "must not start with 0"},
        {"1.", "not a number"},
        {".5", "expected a value"},
        {"+1", "expected a value"},
        {"-", "not a number"},
        {"1e", "not a number"},
        {"1e+", "not a number"},
        {"0x10", "expected the end"},
        {"NaN", "expected a value"},
        {"-Infinity", "not a number"},
        {"1e999", "the number is too large"},
        {"{\"a\":[0,-1e400]}", "line 1, column 9: the number is too large"},
        {"\"abc", "ends inside a string"},
        {"\"a\nb\"", "control character"},
        {"\"a\x1F\"", "control character"},
        {"\"\\x41\"", "one of"},
        {"\"\\u12\"", "four hexadecimal digits"},
        {"\"\\u00g0\"", "four hexadecimal digits"},
        {"\"a\\u0000b\"", "\\u0000"},
        {"{\"a\\u0000b\":1}", "\\u0000"},
        {"\"\\", "backslash"},
        {"\"\\\"", "ends inside a string"},
        {"\xEF\xBB\xBF{}", "byte order mark"},
        {"\"\xFF\"", "UTF-8"},
        {"\"\xC0\x80\"", "UTF-8"},
        {"\"\xED\xA0\x80\"", "UTF-8"},
        {"\"\xF4\x90\x80\x80\"", "UTF-8"},
        {"\"\xE2\x82", "UTF-8"},
        {"\xC3\xA9", "found byte 0xc3"},
        {"\v1", "found byte 0x0b"},
        {"// x\n1", "expected a value"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++)
        assert_refused(*state, kt_str(cases[i].text), KT_EPARSE, cases[i].part);
    assert_refused(*state, KT_STR("[1]\0"), KT_EPARSE, "found byte 0x00");
    assert_refused(*state, KT_STR("[\0001]"), KT_EPARSE, "found byte 0x00");
    assert_refused(*state, KT_STR("\"a\0b\""), KT_EPARSE, "control character");
    assert_refused(*state, (struct kt_str){NULL, 0}, KT_EPARSE, "the text ends");
}

static void test_every_truncation_is_refused(void **state)
{
    static const char text[] =
        "{\"apiVersion\":\"kaito.sh/v1beta1\",\"n\":[-1.5e+3,true,false,null,{}],\"s\":\"\\u00e9\\n\xE2\x82\xAC\"}";
    kt_test_json(*state, text);
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        /* An exact heap copy, so that a sanitizer sees a read beyond the end. */
        char *cut = kt_heap_alloc(length + 1);
        char *exact = kt_heap_realloc(cut, length > 0 ? length : 1);
        memcpy(exact, text, length);
        assert_refused(*state, (struct kt_str){exact, length}, KT_EPARSE, "column");
        kt_heap_free(exact);
    }
}

static struct kt_str repeated(struct kt_arena *arena, const char *start, const char *unit, size_t count,
                              const char *end)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)(32 * KT_MIB));
    kt_strbuf_reserve(&buffer, strlen(start) + strlen(unit) * count + strlen(end));
    kt_strbuf_puts(&buffer, start);
    for (size_t i = 0; i < count; i++)
        kt_strbuf_puts(&buffer, unit);
    kt_strbuf_puts(&buffer, end);
    assert_false(buffer.failed);
    return kt_strbuf_view(&buffer);
}

static void test_limits_are_named_and_exact(void **state)
{
    struct kt_json_parsed parsed;
    struct kt_arena *arena = *state;
    struct kt_str deep = repeated(arena, "", "[", KT_LIMIT_JSON_DEPTH, "");
    for (size_t i = 0; i < KT_LIMIT_JSON_DEPTH; i++)
        deep = repeated(arena, deep.data, "]", 1, "");
    assert_int_equal(kt_json_parse(arena, deep, KT_JSON_DUPLICATES_REFUSE, &parsed, NULL), 0);
    assert_int_equal(parsed.nodes, KT_LIMIT_JSON_DEPTH);
    assert_refused(arena, repeated(arena, "", "[", 100000, ""), KT_ELIMIT, "nesting than the limit of 64");
    assert_refused(arena, repeated(arena, "", "{\"a\":", 100000, ""), KT_ELIMIT, "nesting than the limit of 64");

    struct kt_str many = repeated(arena, "[0", ",0", KT_LIMIT_JSON_NODES - 2, "]");
    assert_int_equal(kt_json_parse(arena, many, KT_JSON_DUPLICATES_REFUSE, &parsed, NULL), 0);
    assert_int_equal(parsed.nodes, KT_LIMIT_JSON_NODES);
    many = repeated(arena, "[0", ",0", KT_LIMIT_JSON_NODES - 1, "]");
    assert_refused(arena, many, KT_ELIMIT, "more values than the limit of 100000");
    assert_int_equal(
        kt_json_parse_nodes(arena, many, KT_JSON_DUPLICATES_REFUSE, 2 * KT_LIMIT_JSON_NODES, &parsed, NULL), 0);

    assert_refused(arena, repeated(arena, "", "1", KT_LIMIT_JSON_NUMBER_BYTES + 1, ""), KT_ELIMIT,
                   "a number with more bytes than the limit of 1024");
    kt_test_json(arena, repeated(arena, "0.", "1", KT_LIMIT_JSON_NUMBER_BYTES - 2, "").data);
    assert_refused(arena, repeated(arena, "\"", "a", KT_LIMIT_JSON_STRING_BYTES + 1, "\""), KT_ELIMIT,
                   "a string with more bytes than the limit of 7340032");
    kt_test_json(arena, repeated(arena, "\"", "a", KT_LIMIT_JSON_STRING_BYTES, "\"").data);
}

static void test_too_many_members_are_refused(void **state)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, *state, (size_t)KT_MIB);
    kt_strbuf_putc(&buffer, '{');
    for (unsigned i = 0; i < KT_LIMIT_JSON_MEMBERS; i++)
        kt_strbuf_printf(&buffer, "%s\"k%u\":0", i > 0 ? "," : "", i);
    struct kt_str members = kt_strbuf_view(&buffer);
    assert_refused(*state, repeated(*state, members.data, ",\"more\":0", 1, "}"), KT_ELIMIT,
                   "an object with more members than the limit of 20000");
    cJSON *root = kt_test_json(*state, repeated(*state, members.data, "}", 1, "").data);
    assert_int_equal(kt_json_count(root), KT_LIMIT_JSON_MEMBERS);
}

static void test_a_large_hostile_text_stays_within_the_arena(void **state)
{
    struct kt_str hostile = repeated(*state, "[0", ",0", 3 * KT_MIB / 2, "]");
    struct kt_arena small;
    kt_arena_init(&small, KT_LIMIT_REVIEW_ARENA_BYTES);
    assert_refused(&small, hostile, KT_ELIMIT, "more values");
    /* What the arena has no room for is a clean error too. */
    kt_arena_reset(&small);
    struct kt_str large = repeated(*state, "\"", "a", 8 * KT_MIB, "\"");
    assert_refused(&small, large, KT_ELIMIT, "a string with more bytes");
    kt_arena_release(&small);
    kt_arena_init(&small, (size_t)KT_MIB);
    assert_refused(&small, large, KT_ENOMEM, "not enough memory");
    kt_arena_release(&small);
}

/* --- duplicate keys ----------------------------------------------------------------------------------------------- */

static void test_duplicate_keys_are_refused_by_name_and_place(void **state)
{
    assert_refused(*state, KT_STR("{\"spec\":{\"a\":[{\"x\":1,\n\"y\":2,\"x\":3}]}}"), KT_EPARSE,
                   "line 2, column 7: the key \"x\" appears twice in \"spec.a[0]\"");
    assert_refused(*state, KT_STR("{\"a\":\"b\\\"\",\"a\":1}"), KT_EPARSE,
                   "line 1, column 12: the key \"a\" appears twice in the top object");
    /* Different spellings of one key are one key; control characters in it stay escaped. */
    assert_refused(*state, KT_STR("{\"\\u0061\\u001b\":1,\"a\\u001b\":2}"), KT_EPARSE, "the key \"a\\u001b\" appears");
    kt_test_json(*state, "{\"a\":1,\"A\":2,\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":1}]}");
}

static void test_last_duplicate_wins_and_is_listed(void **state)
{
    struct kt_json_parsed parsed;
    struct kt_error error;
    struct kt_str text =
        KT_STR("{\"a\":{\"x\":1,\"x\":22.0,\"x\":333},\"b\":[1,{\"y\":{},\"y\":[4.50]}],\"a\":5,\"c\":6.0}");
    assert_int_equal(kt_json_parse(*state, text, KT_JSON_DUPLICATES_LAST_WINS, &parsed, &error), 0);
    assert_string_equal(kt_test_json_text(*state, parsed.root), "{\"b\":[1,{\"y\":[4.50]}],\"a\":5,\"c\":6.0}");
    kt_test_json_sound(parsed.root);
    static const char *const wanted[][2] = {{"a", "x"}, {"b[1]", "y"}, {"", "a"}};
    const struct kt_json_duplicate *duplicate = parsed.duplicates;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(wanted); i++, duplicate = duplicate->next) {
        assert_non_null(duplicate);
        assert_string_equal(duplicate->path, wanted[i][0]);
        assert_string_equal(duplicate->key, wanted[i][1]);
    }
    assert_null(duplicate);
}

/* The same rules on both sides of the size from which keys are sorted. */
static void test_duplicates_in_objects_of_any_size(void **state)
{
    for (unsigned members = 2; members < 70; members++) {
        struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, *state, (size_t)KT_MIB);
        for (unsigned i = 0; i < members; i++)
            kt_strbuf_printf(&buffer, "%s\"k%u\":%u", i > 0 ? "," : "{", i % (members - 1), i);
        kt_strbuf_putc(&buffer, '}');
        struct kt_json_parsed parsed;
        struct kt_str text = kt_strbuf_view(&buffer);
        assert_refused(*state, text, KT_EPARSE, "the key \"k0\" appears twice");
        assert_int_equal(kt_json_parse(*state, text, KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL), 0);
        assert_int_equal(kt_json_count(parsed.root), members - 1);
        kt_test_json_sound(parsed.root);
        int64_t value = 0;
        assert_true(kt_json_int64(kt_json_get(parsed.root, "k0"), &value));
        assert_int_equal(value, members - 1);
        assert_string_equal(parsed.duplicates->key, "k0");
        assert_null(parsed.duplicates->next);
    }
}

static void test_one_key_twenty_thousand_times(void **state)
{
    struct kt_json_parsed parsed;
    struct kt_str text = repeated(*state, "{\"k\":0", ",\"k\":1", KT_LIMIT_JSON_MEMBERS - 1, "}");
    assert_int_equal(kt_json_parse(*state, text, KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL), 0);
    assert_string_equal(kt_test_json_text(*state, parsed.root), "{\"k\":1}");
    assert_null(parsed.duplicates->next);
}

/* Nothing about duplicates may grow faster than the text: 33,000 of them are as quick as 33,000 other members. */
static void test_a_duplicate_in_every_item_of_a_long_array(void **state)
{
    struct kt_json_parsed parsed;
    struct kt_str text = repeated(*state, "{\"items\":[{\"a\":0,\"a\":1}", ",{\"a\":0,\"a\":1}", 32999, "]}");
    assert_int_equal(kt_json_parse(*state, text, KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL), 0);
    char path[40];
    size_t count = 0;
    for (const struct kt_json_duplicate *at = parsed.duplicates; at; at = at->next, count++) {
        snprintf(path, sizeof(path), "items[%zu]", count);
        assert_string_equal(at->path, path);
    }
    assert_int_equal(count, 33000);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_compact_text_comes_back_unchanged),
        TEST(test_white_space_and_escapes_are_normalised),
        TEST(test_lone_surrogates_become_replacement_characters),
        TEST(test_pretty_text_looks_like_kubectl),
        TEST(test_writer_replaces_invalid_utf8_and_respects_the_limit),
        TEST(test_bad_grammar_is_refused_with_its_place),
        TEST(test_every_truncation_is_refused),
        TEST(test_limits_are_named_and_exact),
        TEST(test_too_many_members_are_refused),
        TEST(test_a_large_hostile_text_stays_within_the_arena),
        TEST(test_duplicate_keys_are_refused_by_name_and_place),
        TEST(test_last_duplicate_wins_and_is_listed),
        TEST(test_duplicates_in_objects_of_any_size),
        TEST(test_one_key_twenty_thousand_times),
        TEST(test_a_duplicate_in_every_item_of_a_long_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
