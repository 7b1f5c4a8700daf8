/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
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

static cJSON *parse(struct kt_arena *arena, const char *text)
{
    struct kt_json_parsed parsed;
    struct kt_error error;
    if (kt_json_parse(arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &parsed, &error) != 0)
        fail_msg("%s: %s", text, error.message);
    return parsed.root;
}

static const char *written(struct kt_arena *arena, const cJSON *node)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)KT_MIB);
    kt_json_write(&buffer, node, KT_JSON_COMPACT);
    assert_false(buffer.failed);
    return buffer.data;
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

/* Checks what cJSON's own functions rely on: child->prev is the tail, neighbours point at each other. */
static void assert_sound(const cJSON *node)
{
    const cJSON *previous = NULL;
    for (const cJSON *child = node->child; child; child = child->next) {
        if (previous)
            assert_ptr_equal(child->prev, previous);
        previous = child;
        assert_sound(child);
    }
    if (node->child)
        assert_ptr_equal(node->child->prev, previous);
}

/* --- round trips ---------------------------------------------------------------------------------------------------
 */

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
        cJSON *root = parse(*state, texts[i]);
        assert_sound(root);
        assert_string_equal(written(*state, root), texts[i]);
        cJSON *clone = kt_json_clone(*state, root);
        assert_sound(clone);
        assert_string_equal(written(*state, clone), texts[i]);
        assert_true(kt_json_equal(root, clone));
    }
}

static void test_white_space_and_escapes_are_normalised(void **state)
{
    assert_string_equal(written(*state, parse(*state, " \t\r\n{ \"a\" :\t[ 1 ,\n2 ] } \n")), "{\"a\":[1,2]}");
    assert_string_equal(written(*state, parse(*state, "\"\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\ud83d\\ude00\"")),
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
        assert_string_equal(kt_json_string(parse(*state, texts[i][0])), texts[i][1]);
    cJSON *object = parse(*state, "{\"\\ud800\":1}");
    assert_non_null(kt_json_get(object, "\xEF\xBF\xBD"));
}

static void test_pretty_text_looks_like_kubectl(void **state)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, *state, 1000);
    kt_json_write(&buffer, parse(*state, "{\"a\":[1,{\"b\":[]}],\"c\":{}}"), KT_JSON_PRETTY);
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
    kt_json_write(&buffer, parse(*state, "[1,2,3]"), KT_JSON_COMPACT);
    assert_true(buffer.failed);
    kt_strbuf_init(&buffer, *state, 5);
    kt_json_write(&buffer, NULL, KT_JSON_COMPACT);
    assert_int_equal(buffer.length, 0);
}

/* --- what is refused -----------------------------------------------------------------------------------------------
 */

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
    parse(*state, text);
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
    parse(arena, repeated(arena, "0.", "1", KT_LIMIT_JSON_NUMBER_BYTES - 2, "").data);
    assert_refused(arena, repeated(arena, "\"", "a", KT_LIMIT_JSON_STRING_BYTES + 1, "\""), KT_ELIMIT,
                   "a string with more bytes than the limit of 3145728");
    parse(arena, repeated(arena, "\"", "a", KT_LIMIT_JSON_STRING_BYTES, "\"").data);
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
    cJSON *root = parse(*state, repeated(*state, members.data, "}", 1, "").data);
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

/* --- duplicate keys ------------------------------------------------------------------------------------------------
 */

static void test_duplicate_keys_are_refused_by_name_and_place(void **state)
{
    assert_refused(*state, KT_STR("{\"spec\":{\"a\":[{\"x\":1,\n\"y\":2,\"x\":3}]}}"), KT_EPARSE,
                   "line 2, column 7: the key \"x\" appears twice in \"spec.a[0]\"");
    assert_refused(*state, KT_STR("{\"a\":\"b\\\"\",\"a\":1}"), KT_EPARSE,
                   "line 1, column 12: the key \"a\" appears twice in the top object");
    /* Different spellings of one key are one key; control characters in it stay escaped. */
    assert_refused(*state, KT_STR("{\"\\u0061\\u001b\":1,\"a\\u001b\":2}"), KT_EPARSE, "the key \"a\\u001b\" appears");
    parse(*state, "{\"a\":1,\"A\":2,\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":1}]}");
}

static void test_last_duplicate_wins_and_is_listed(void **state)
{
    struct kt_json_parsed parsed;
    struct kt_error error;
    struct kt_str text =
        KT_STR("{\"a\":{\"x\":1,\"x\":22.0,\"x\":333},\"b\":[1,{\"y\":{},\"y\":[4.50]}],\"a\":5,\"c\":6.0}");
    assert_int_equal(kt_json_parse(*state, text, KT_JSON_DUPLICATES_LAST_WINS, &parsed, &error), 0);
    assert_string_equal(written(*state, parsed.root), "{\"b\":[1,{\"y\":[4.50]}],\"a\":5,\"c\":6.0}");
    assert_sound(parsed.root);
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
        assert_sound(parsed.root);
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
    assert_string_equal(written(*state, parsed.root), "{\"k\":1}");
    assert_null(parsed.duplicates->next);
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

static void test_members_are_found_by_exact_name(void **state)
{
    cJSON *root = parse(*state, "{\"Spec\":1,\"spec\":{\"a\":[10,20]},\"\":3,\"specs\":4}");
    int64_t value = 0;
    assert_true(kt_json_int64(kt_json_get(root, "Spec"), &value));
    assert_int_equal(value, 1);
    assert_true(kt_json_is_object(kt_json_get(root, "spec")));
    assert_true(kt_json_int64(kt_json_get(root, ""), &value));
    assert_int_equal(value, 3);
    assert_null(kt_json_get(root, "SPEC"));
    assert_null(kt_json_get(NULL, "a"));
    assert_null(kt_json_get(kt_json_path(root, "spec", "a", NULL), "a"));
    assert_ptr_equal(kt_json_get_n(root, (struct kt_str){"specsXX", 5}), kt_json_get(root, "specs"));
    assert_ptr_equal(kt_json_get_n(root, (struct kt_str){NULL, 0}), kt_json_get(root, ""));
    assert_null(kt_json_get_n(root, KT_STR("spec\0")));
    assert_null(kt_json_get_n(root, KT_STR("spe")));
    assert_true(kt_json_int64(kt_json_item(kt_json_path(root, "spec", "a", NULL), 1), &value));
    assert_int_equal(value, 20);
    assert_null(kt_json_item(kt_json_path(root, "spec", "a", NULL), 2));
    assert_null(kt_json_item(root, 0));
    assert_null(kt_json_path(root, "spec", "b", "c", NULL));
    assert_int_equal(kt_json_count(root), 4);
    assert_int_equal(kt_json_count(NULL), 0);
    assert_int_equal(kt_json_count(kt_json_get(root, "Spec")), 0);
}

static void test_kinds(void **state)
{
    static const char *const kinds[][2] = {
        {"{}", "object"},    {"[]", "array"},      {"\"x\"", "string"}, {"1", "integer"},
        {"1.0", "integer"},  {"1e2", "integer"},   {"1.5", "number"},   {"1e30", "number"},
        {"true", "boolean"}, {"false", "boolean"}, {"null", "null"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kinds); i++)
        assert_string_equal(kt_json_kind(parse(*state, kinds[i][0])), kinds[i][1]);
    assert_string_equal(kt_json_kind(NULL), "");
    assert_true(kt_json_is_null(parse(*state, "null")));
    assert_false(kt_json_is_null(NULL));
    assert_true(kt_json_is_bool(parse(*state, "false")));
    assert_true(kt_json_true(parse(*state, "true")));
    assert_false(kt_json_true(parse(*state, "1")));
    assert_string_equal(kt_json_string_or(parse(*state, "5"), "none"), "none");
    assert_string_equal(kt_json_string_or(parse(*state, "\"5\""), "none"), "5");
    assert_null(kt_json_string(NULL));
}

static void test_integers_are_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"-0.0e5", 0},
        {"9007199254740993", 9007199254740993},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"922337203685477580.7e1", INT64_MAX},
        {"1.0", 1},
        {"100e-2", 1},
        {"1.50e1", 15},
        {"0.0012e4", 12},
        {"1e18", 1000000000000000000},
        {"0e999999999999999999999", 0},
        {"0.00", 0},
    };
    static const char *const bad[] = {"1.5",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "1e19",
                                      "1e-1",
                                      "0.1",
                                      "1e300",
                                      "1e-400",
                                      "99999999999999999999",
                                      "15e-1",
                                      "\"1\"",
                                      "true"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(good); i++) {
        int64_t value = 42;
        if (!kt_json_int64(parse(*state, good[i].text), &value))
            fail_msg("%s is refused", good[i].text);
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        int64_t value = 42;
        if (kt_json_int64(parse(*state, bad[i]), &value))
            fail_msg("%s is taken", bad[i]);
        assert_int_equal(value, 42);
    }
    double number = 0;
    assert_true(kt_json_double(parse(*state, "0.05"), &number));
    assert_true(number == 0.05);
    assert_false(kt_json_double(parse(*state, "\"0.05\""), &number));
}

static void test_equality_is_by_value(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"{\"a\":1,\"b\":[true,null]}", "{\"b\":[true,null],\"a\":1.0}", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,1]", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":1}", false},
        {"9007199254740992", "9007199254740993", false},
        {"100", "1e2", true},
        {"0", "-0.0", true},
        {"0.10", "1e-1", true},
        {"12.5", "1.25", false},
        {"1", "-1", false},
        {"18446744073709551615", "18446744073709551616", false},
        {"1", "\"1\"", false},
        {"true", "false", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"null", "null", true},
        {"{}", "[]", false},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        cJSON *a = parse(*state, cases[i].a), *b = parse(*state, cases[i].b);
        if (kt_json_equal(a, b) != cases[i].equal || kt_json_equal(b, a) != cases[i].equal)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
    assert_true(kt_json_equal(NULL, NULL));
    assert_false(kt_json_equal(NULL, parse(*state, "null")));
}

/* --- building ------------------------------------------------------------------------------------------------------
 */

static void test_objects_are_built_and_changed(void **state)
{
    cJSON *root = kt_json_new_object(*state);
    kt_json_set_string(*state, root, "s", "text");
    kt_json_set_int(*state, root, "i", INT64_MIN);
    kt_json_set_bool(*state, root, "b", true);
    kt_json_set(*state, root, "n", kt_json_new_string(*state, NULL));
    kt_json_set_int(*state, kt_json_ensure_object(*state, root, "o"), "x", 1);
    kt_json_set_int(*state, kt_json_ensure_object(*state, root, "o"), "y", 2);
    assert_string_equal(written(*state, root),
                        "{\"s\":\"text\",\"i\":-9223372036854775808,\"b\":true,\"n\":null,\"o\":{\"x\":1,\"y\":2}}");
    /* Replacing keeps the place: first, middle, last. */
    kt_json_set_int(*state, root, "s", 1);
    kt_json_set_int(*state, root, "b", 2);
    kt_json_set_int(*state, root, "o", 3);
    assert_sound(root);
    assert_string_equal(written(*state, root), "{\"s\":1,\"i\":-9223372036854775808,\"b\":2,\"n\":null,\"o\":3}");
    kt_json_remove(root, "i");
    kt_json_remove(root, "o");
    kt_json_remove(root, "s");
    kt_json_remove(root, "absent");
    assert_sound(root);
    assert_string_equal(written(*state, root), "{\"b\":2,\"n\":null}");
    kt_json_remove(root, "b");
    kt_json_remove(root, "n");
    assert_null(root->child);
    kt_json_set_int(*state, root, "again", 1);
    kt_json_set_int(*state, root, "again", 2);
    assert_sound(root);
    assert_string_equal(written(*state, root), "{\"again\":2}");
    /* cJSON's own functions agree about the result. */
    assert_int_equal(cJSON_GetArraySize(root), 1);
}

static void test_arrays_are_built_in_order(void **state)
{
    cJSON *array = kt_json_new_array(*state);
    kt_json_insert(*state, array, 0, kt_json_new_int(*state, 2));
    kt_json_insert(*state, array, 0, kt_json_new_int(*state, 0));
    kt_json_insert(*state, array, 1, kt_json_new_int(*state, 1));
    kt_json_insert(*state, array, 3, kt_json_new_int(*state, 3));
    kt_json_insert(*state, array, 5, kt_json_new_int(*state, 9));
    kt_json_append(*state, array, kt_json_new_int(*state, 4));
    assert_sound(array);
    assert_string_equal(written(*state, array), "[0,1,2,3,4]");
    kt_json_detach(array, kt_json_item(array, 4));
    kt_json_detach(array, kt_json_item(array, 0));
    kt_json_append(*state, array, kt_json_new_int(*state, 5));
    assert_sound(array);
    assert_string_equal(written(*state, array), "[1,2,3,5]");
}

static void test_a_value_with_a_parent_is_shared_not_stolen(void **state)
{
    cJSON *source = parse(*state, "{\"a\":{\"x\":[1,2]},\"b\":1}");
    cJSON *target = kt_json_new_object(*state), *list = kt_json_new_array(*state);
    kt_json_set(*state, target, "copy", kt_json_get(source, "a"));
    kt_json_append(*state, list, kt_json_get(source, "a"));
    kt_json_append(*state, list, kt_json_get(source, "b"));
    assert_sound(source);
    assert_sound(target);
    assert_sound(list);
    assert_string_equal(written(*state, source), "{\"a\":{\"x\":[1,2]},\"b\":1}");
    assert_string_equal(written(*state, target), "{\"copy\":{\"x\":[1,2]}}");
    assert_string_equal(written(*state, list), "[{\"x\":[1,2]},1]");
    /* Setting a member to itself changes nothing. */
    kt_json_set(*state, source, "a", kt_json_get(source, "a"));
    assert_string_equal(written(*state, source), "{\"a\":{\"x\":[1,2]},\"b\":1}");
}

static void test_building_on_nothing_does_nothing(void **state)
{
    cJSON *number = kt_json_new_int(*state, 1);
    kt_json_set(*state, NULL, "a", number);
    kt_json_set(*state, number, "a", kt_json_new_null(*state));
    kt_json_set(*state, kt_json_new_array(*state), "a", number);
    kt_json_append(*state, NULL, number);
    kt_json_append(*state, number, kt_json_new_null(*state));
    kt_json_append(*state, kt_json_new_array(*state), NULL);
    kt_json_remove(NULL, "a");
    assert_null(kt_json_ensure_object(*state, NULL, "a"));
    assert_null(kt_json_clone(*state, NULL));
    assert_null(kt_json_reference(*state, NULL));
    assert_null(number->child);
}

static void test_new_numbers(void **state)
{
    static const struct {
        double value;
        const char *text;
    } doubles[] = {
        {0.05, "0.05"}, {0.1, "0.1"},    {1.0 / 3, "0.3333333333333333"},      {1, "1"},
        {-2.5, "-2.5"}, {1e-5, "1e-05"}, {DBL_MAX, "1.7976931348623157e+308"}, {5e-324, "4.94065645841247e-324"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(doubles); i++) {
        cJSON *node = kt_json_new_double(*state, doubles[i].value);
        assert_string_equal(written(*state, node), doubles[i].text);
        assert_true(parse(*state, doubles[i].text)->valuedouble == doubles[i].value);
    }
    assert_string_equal(written(*state, kt_json_new_double(*state, (double)NAN)), "null");
    assert_string_equal(written(*state, kt_json_new_double(*state, (double)INFINITY)), "null");
    assert_string_equal(written(*state, kt_json_new_number_text(*state, KT_STR("1.0"))), "1.0");
    assert_string_equal(written(*state, kt_json_new_number_text(*state, KT_STR("-9007199254740993"))),
                        "-9007199254740993");
    static const char *const bad[] = {"", "1 ", " 1", "01", "1x", "0x1", "1e999", "NaN", "[1]", "\"1\"", "-"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++)
        assert_null(kt_json_new_number_text(*state, kt_str(bad[i])));
}

static void test_too_deep_trees_end_cleanly(void **state)
{
    struct kt_arena *arena = *state;
    cJSON *inner = kt_json_new_array(arena);
    for (int i = 0; i < 5000; i++) {
        cJSON *outer = kt_json_new_array(arena);
        kt_json_append(arena, outer, inner);
        inner = outer;
    }
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)KT_MIB);
    kt_json_write(&buffer, inner, KT_JSON_COMPACT);
    assert_true(buffer.failed);
    assert_false(kt_json_equal(inner, inner));
    assert_false(arena->failed);
    assert_null(kt_json_clone(arena, inner));
    assert_true(arena->failed);
}

/* --- memory --------------------------------------------------------------------------------------------------------
 */

static int read_change_write(void)
{
    static const char text[] = "{\"a\":[1,2.50,{\"b\":\"c\"}],\"k0\":0,\"k1\":0,\"k2\":0,\"k3\":0,\"k4\":0,\"k5\":0,"
                               "\"k6\":0,\"k7\":0,\"k8\":0,\"k9\":0,\"ka\":0,\"kb\":0,\"kc\":0,\"kd\":0,\"ke\":0,"
                               "\"kf\":0,\"kf\":1}";
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, NULL, (size_t)KT_MIB);
    struct kt_json_parsed parsed;
    struct kt_error error = {0};
    int code = kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_LAST_WINS, &parsed, &error);
    if (code < 0) {
        assert_int_equal(code, KT_ENOMEM);
        assert_int_equal(error.code, KT_ENOMEM);
        return code;
    }
    cJSON *clone = kt_json_clone(&arena, parsed.root);
    kt_json_set_string(&arena, clone, "a", "b");
    kt_json_append(&arena, kt_json_get(clone, "new"), kt_json_new_double(&arena, 0.5));
    kt_json_set_int(&arena, kt_json_ensure_object(&arena, clone, "o"), "x", 1);
    /* A large piece, so that the heap is asked again in the middle of building. */
    kt_json_set(&arena, clone, "large", kt_json_new_string_n(&arena, (struct kt_str){text, sizeof(text) - 1}));
    kt_json_write(&buffer, clone, KT_JSON_PRETTY);
    return arena.failed || buffer.failed ? KT_ENOMEM : 0;
}

static void test_every_failing_allocation_is_survived(void **state KT_UNUSED)
{
    size_t failures = 0;
    for (size_t nth = 1;; nth++) {
        kt_heap_fail_from(nth);
        int code = read_change_write();
        kt_heap_fail_from(0);
        if (code == 0)
            break;
        failures++;
        assert_true(nth < 1000);
    }
    assert_true(failures >= 3);
}

/* The heap hands out large blocks, so the arena's limit is what reaches every single allocation. */
static void test_every_arena_limit_is_survived(void **state KT_UNUSED)
{
    static const char text[] = "{\"a\":[1,2.50,{\"b\":\"c\\ud800\"}],\"d\":{\"e\":null},\"d\":1}";
    for (size_t limit = 0;; limit += 16) {
        KT_CLEANUP(kt_arena_release) struct kt_arena arena;
        kt_arena_init(&arena, limit);
        struct kt_json_parsed parsed;
        struct kt_error error = {0};
        int code = kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_LAST_WINS, &parsed, &error);
        if (code < 0) {
            assert_int_equal(code, KT_ENOMEM);
            assert_non_null(strstr(error.message, "memory"));
            continue;
        }
        cJSON *clone = kt_json_clone(&arena, parsed.root);
        kt_json_set_string(&arena, clone, "x", "y");
        kt_json_set_int(&arena, clone, "z", 1);
        kt_json_append(&arena, kt_json_get(clone, "a"), kt_json_new_bool(&arena, false));
        kt_json_set(&arena, clone, "n", kt_json_new_number_text(&arena, KT_STR("7.0")));
        if (arena.failed)
            continue;
        struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, NULL, 1000);
        kt_json_write(&buffer, clone, KT_JSON_COMPACT);
        assert_string_equal(buffer.data,
                            "{\"a\":[1,2.50,{\"b\":\"c\xEF\xBF\xBD\"},false],\"d\":1,\"x\":\"y\",\"z\":1,\"n\":7.0}");
        kt_strbuf_release(&buffer);
        break;
    }
}

/* --- UTF-8 ---------------------------------------------------------------------------------------------------------
 */

static void test_utf8(void **state KT_UNUSED)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\xAF",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2\x41",
                                      "\xE0\x9F\xBF",
                                      "\xE2\x82",
                                      "\xE2\x82\x41",
                                      "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF0\x9F\x98",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "a\xC3"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(good); i++)
        assert_true(kt_utf8_valid(kt_str(good[i])));
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++)
        assert_false(kt_utf8_valid(kt_str(bad[i])));
    assert_false(kt_utf8_valid(KT_STR("a\0b")));
    assert_int_equal(kt_utf8_count(KT_STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")), 4);
    assert_int_equal(kt_utf8_prefix(KT_STR("a\xC3\xA9\xE2\x82\xAC"), 2), 3);
    assert_int_equal(kt_utf8_prefix(KT_STR("abc"), 10), 3);
    assert_int_equal(kt_utf8_prefix(KT_STR("abc"), 0), 0);
    assert_int_equal(kt_utf8_count(KT_STR("\xFF\xC3(")), 3);
    assert_int_equal(kt_utf8_step(KT_STR("\xE2\x82\xAC!")), 3);
    assert_int_equal(kt_utf8_step(KT_STR("\xE2\x82")), 0);
    assert_int_equal(kt_utf8_step((struct kt_str){NULL, 0}), 0);
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
        TEST(test_members_are_found_by_exact_name),
        TEST(test_kinds),
        TEST(test_integers_are_exact),
        TEST(test_equality_is_by_value),
        TEST(test_objects_are_built_and_changed),
        TEST(test_arrays_are_built_in_order),
        TEST(test_a_value_with_a_parent_is_shared_not_stolen),
        TEST(test_building_on_nothing_does_nothing),
        TEST(test_new_numbers),
        TEST(test_too_deep_trees_end_cleanly),
        TEST(test_every_failing_allocation_is_survived),
        TEST(test_every_arena_limit_is_survived),
        TEST(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
