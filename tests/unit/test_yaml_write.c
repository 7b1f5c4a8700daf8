/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/json_text.h"
#include "text/yaml.h"

static const char *write_yaml(struct kt_arena *arena, const cJSON *tree)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)(16 * KT_MIB));
    kt_yaml_write(&buffer, tree);
    assert_false(buffer.failed);
    return buffer.data;
}

static void marks_of_direction_are_escaped(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    const cJSON *tree = kt_test_json(&arena, "{\"a\":\"x\342\200\256y\",\"b\342\201\246\":1}");
    assert_string_equal(write_yaml(&arena, tree), "a: \"x\\u202Ey\"\n\"b\\u2066\": 1\n");
}

static void looks_like_kubectl(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    const cJSON *tree = kt_test_json(
        &arena,
        "{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"w\",\"labels\":{},"
        "\"annotations\":{\"a/b\":\"true\"}},\"list\":[1,\"x: y\",{\"a\":null,\"b\":[[1,\"2\"],[]]},true],"
        "\"text\":\"one\\n  two\\n\",\"cut\":\"one\\ntwo\",\"more\":\"one\\n\\n\",\"url\":\"https://a.io/x\","
        "\"created\":\"2026-01-02T03:04:05Z\",\"version\":\"0.0.1\",\"rate\":1e-05,\"big\":18446744073709551615,"
        "\"y\":\"\",\"args\":[\"--flag=x\",\"-v\"]}");
    assert_string_equal(write_yaml(&arena, tree), "apiVersion: kaito.sh/v1beta1\n"
                                                  "kind: Workspace\n"
                                                  "metadata:\n"
                                                  "  name: w\n"
                                                  "  labels: {}\n"
                                                  "  annotations:\n"
                                                  "    a/b: \"true\"\n"
                                                  "list:\n"
                                                  "- 1\n"
                                                  "- 'x: y'\n"
                                                  "- a: null\n"
                                                  "  b:\n"
                                                  "  - - 1\n"
                                                  "    - \"2\"\n"
                                                  "  - []\n"
                                                  "- true\n"
                                                  "text: |\n"
                                                  "  one\n"
                                                  "    two\n"
                                                  "cut: |-\n"
                                                  "  one\n"
                                                  "  two\n"
                                                  "more: |+\n"
                                                  "  one\n"
                                                  "\n"
                                                  "url: https://a.io/x\n"
                                                  "created: \"2026-01-02T03:04:05Z\"\n"
                                                  "version: 0.0.1\n"
                                                  "rate: 1.0e-05\n"
                                                  "big: 18446744073709551615\n"
                                                  "\"y\": \"\"\n"
                                                  "args:\n"
                                                  "- --flag=x\n"
                                                  "- -v\n");
}

static const char *const nasty[] = {
    "",
    " ",
    "x ",
    " x",
    "x: y",
    "x:",
    ":x",
    ": ",
    "#",
    "a #b",
    "a#b",
    "- a",
    "-",
    "--",
    "---",
    "--- x",
    "...",
    "....",
    "a\n",
    "a\nb",
    "a\nb\n",
    "a\n\n",
    "\n",
    "\na",
    "a\n\n\nb\n",
    "  a\nb",
    "a\n  b",
    "a\n \nb",
    "a \nb",
    "x\n ",
    "\t",
    "a\tb",
    "a\n\tb",
    "a\n#b",
    "a\n---\nb",
    "a\n...\n",
    "%a\nb",
    "a:\nb",
    "\xc3\xa9",
    "\xe2\x98\x83",
    "\xf0\x9f\x98\x80",
    "\xc2\x85",
    "\xc2\xa0",
    "\xe2\x80\xa8",
    "a\342\200\251b\n",
    "a\342\200\256b",
    "\342\201\246a\nb\n",
    "\xef\xbb\xbf",
    "x\xef\xbb\xbfy",
    "\xef\xbf\xbe",
    "\x01",
    "\x7f",
    "a\r\nb",
    "\r",
    "yes",
    "No",
    "y",
    "tRUE",
    "off",
    "null",
    "Null",
    "~",
    "1e3",
    "0o7",
    "017",
    "08",
    "0x1F",
    "0b1",
    "1_000",
    "1:30",
    "12:30:45.5",
    "190:20:30",
    "2001-12-14",
    "2001-12-14T21:59:43Z",
    "2001-12-14 21:59:43.10 -5",
    "1.5",
    ".5",
    "5.",
    "+1",
    "-1",
    "-0",
    "1,000",
    ".inf",
    "-.INF",
    ".nan",
    "<<",
    "=",
    "!x",
    "&a",
    "*a",
    "%x",
    "@x",
    "`x`",
    "{a",
    "}",
    "[x",
    "]",
    "a,b",
    ",",
    "?",
    "? x",
    "|",
    ">",
    "'",
    "\"",
    "it's",
    "a\"b",
    "a'b: c",
    "\\",
    "a\\nb",
    "1.2.3",
    "10.0.0.1",
    "--flag=x",
    "-x",
    "http://a:80/b",
    "1e",
    "e1",
};

/* What YAML 1.1 or 1.2 readers would not read as a text. The words may stand there only in quotes. */
static void quotes_what_is_no_text_elsewhere(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "yes",        "No",
        "y",          "N",
        "on",         "OFF",
        "true",       "tRUE",
        "null",       "Null",
        "~",          "",
        "1",          "1e3",
        "1E3",        "0o7",
        "017",        "08",
        "0x1F",       "0b1",
        "1_000",      "1:30",
        "12:30:45.5", "190:20:30",
        "2001-12-14", "2001-12-14T21:59:43Z",
        "1.5",        ".5",
        "5.",         "+1",
        "-1",         "1,000",
        ".inf",       "-.INF",
        "+.inf",      ".NaN",
        "<<",         "=",
    };
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        const char *written = write_yaml(&arena, kt_json_new_string(&arena, texts[i]));
        if (written[0] != '"' && written[0] != '\'')
            fail_msg("%s is written as %s", texts[i], written);
    }
}

static void check_round_trip(struct kt_arena *arena, const cJSON *tree)
{
    const char *written = write_yaml(arena, tree);
    struct kt_yaml_document document;
    struct kt_error error = {0};
    if (kt_yaml_parse_one(arena, kt_str(written), &document, &error) < 0)
        fail_msg("%s\n%s", error.message, written);
    assert_null(document.duplicates);
    if (!kt_json_equal(document.root, tree))
        fail_msg("%s was written as\n%s", kt_test_json_text(arena, tree), written);
}

static void strings_come_back_everywhere(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    for (size_t i = 0; i < KT_ARRAY_LENGTH(nasty); i++) {
        cJSON *alone = kt_json_new_string(&arena, nasty[i]);
        check_round_trip(&arena, alone);
        cJSON *list = kt_json_new_array(&arena), *inner = kt_json_new_array(&arena);
        cJSON *map = kt_json_new_object(&arena);
        kt_json_append(&arena, inner, kt_json_clone(&arena, alone));
        kt_json_append(&arena, list, kt_json_clone(&arena, alone));
        kt_json_append(&arena, list, inner);
        kt_json_append(&arena, list, kt_json_clone(&arena, alone));
        kt_json_set(&arena, map, nasty[i], kt_json_clone(&arena, alone));
        kt_json_set(&arena, map, "z", list);
        kt_json_set(&arena, map, "zz", kt_json_clone(&arena, alone));
        check_round_trip(&arena, map);
    }
}

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static const char *random_text(struct kt_arena *arena)
{
    static const char *const pieces[] = {
        " ", "\n",       "\t",           ":",  "-", "#", "'", "\"", "\\", "a", "b", "0", "1", ".", "_", "e",
        "x", "\xc3\xa9", "\xe2\x80\xa8", "\r", "|", ">", "[", "{",  ",",  "*", "&", "!", "%", "?", "~", "\x07"};
    if (draw(2))
        return nasty[draw(KT_ARRAY_LENGTH(nasty))];
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, (size_t)KT_KIB);
    for (uint32_t left = draw(10); left > 0; left--)
        kt_strbuf_puts(&text, pieces[draw(KT_ARRAY_LENGTH(pieces))]);
    return text.data;
}

static cJSON *random_tree(struct kt_arena *arena, unsigned depth)
{
    uint32_t kind = draw(depth > 0 ? 9 : 6);
    cJSON *node;
    switch (kind) {
    case 0:
        return kt_json_new_int(arena, (int64_t)((uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX)));
    case 1:
        return kt_json_new_double(arena, (double)draw(1000000) / 1000 * (draw(2) ? 1e20 : 1e-12));
    case 2:
        return draw(2) ? kt_json_new_bool(arena, draw(2)) : kt_json_new_null(arena);
    case 3:
    case 4:
    case 5:
        return kt_json_new_string(arena, random_text(arena));
    case 6:
        node = kt_json_new_array(arena);
        for (uint32_t left = draw(4); left > 0; left--)
            kt_json_append(arena, node, random_tree(arena, depth - 1));
        return node;
    default:
        node = kt_json_new_object(arena);
        for (uint32_t left = draw(5); left > 0; left--)
            kt_json_set(arena, node, random_text(arena), random_tree(arena, depth - 1));
        return node;
    }
}

static void random_trees_come_back(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    for (seed = 1; seed < 3000000000; seed += 1000003) {
        uint32_t kept = seed;
        check_round_trip(&arena, random_tree(&arena, 6));
        kt_arena_reset(&arena);
        seed = kept;
    }
}

static void long_keys_come_back(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(8 * KT_MIB));
    for (size_t length = 230; length < 1100; length += 7) {
        static const char fills[] = {'k', '\'', ' ', '\x01', '\n'};
        cJSON *map = kt_json_new_object(&arena);
        for (size_t i = 0; i < sizeof(fills); i++) {
            char key[1200];
            memset(key, fills[i], length);
            key[length] = '\0';
            cJSON *list = kt_json_new_array(&arena), *inner = kt_json_new_object(&arena);
            kt_json_set_int(&arena, inner, "n", 1);
            kt_json_append(&arena, list, inner);
            kt_json_set(&arena, map, key, i % 2 ? inner : list);
        }
        check_round_trip(&arena, map);
    }
}

static void deep_trees_come_back(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(8 * KT_MIB));
    cJSON *tree = kt_json_new_string(&arena, "a\nb\n");
    for (int i = 0; i < KT_LIMIT_YAML_DEPTH; i++) {
        cJSON *outer = i % 3 ? kt_json_new_array(&arena) : kt_json_new_object(&arena);
        if (i % 3)
            kt_json_append(&arena, outer, tree);
        else
            kt_json_set(&arena, outer, "k", tree);
        tree = outer;
    }
    check_round_trip(&arena, tree);
}

static void invalid_bytes_become_replacement_characters(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    assert_string_equal(write_yaml(&arena, kt_json_new_string(&arena, "a\xff")), "\"a\xEF\xBF\xBD\"\n");
}

static void endless_trees_stop(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(8 * KT_MIB));
    cJSON *tree = kt_json_new_array(&arena);
    for (int i = 0; i < 2 * KT_LIMIT_TREE_DEPTH; i++) {
        cJSON *outer = kt_json_new_array(&arena);
        kt_json_append(&arena, outer, tree);
        tree = outer;
    }
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, &arena, (size_t)KT_MIB);
    kt_yaml_write(&buffer, tree);
    assert_true(buffer.failed);
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    const cJSON *tree = kt_test_json(&arena, "{\"a\":[1,2,3],\"b\":\"x\\ny\",\"c\":{\"d\":\"'\"}}");
    for (size_t limit = 0; limit < 35; limit++) {
        struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, &arena, limit);
        kt_yaml_write(&buffer, tree);
        assert_true(buffer.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_like_kubectl),
        cmocka_unit_test(marks_of_direction_are_escaped),
        cmocka_unit_test(quotes_what_is_no_text_elsewhere),
        cmocka_unit_test(strings_come_back_everywhere),
        cmocka_unit_test(random_trees_come_back),
        cmocka_unit_test(long_keys_come_back),
        cmocka_unit_test(deep_trees_come_back),
        cmocka_unit_test(endless_trees_stop),
        cmocka_unit_test(invalid_bytes_become_replacement_characters),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests_name("yaml_write", tests, NULL, NULL);
}
