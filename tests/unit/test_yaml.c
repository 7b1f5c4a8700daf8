/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/limits.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/json_text.h"
#include "text/yaml.h"

struct fixture {
    struct kt_arena arena;
    struct kt_yaml_documents documents;
    struct kt_error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = kt_heap_alloc(sizeof(*fixture));
    if (!fixture)
        return -1;
    kt_arena_init(&fixture->arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_arena_release(&fixture->arena);
    kt_heap_free(fixture);
    return 0;
}

static int parse_text(struct fixture *fixture, struct kt_str text)
{
    fixture->documents = (struct kt_yaml_documents){0};
    fixture->error = (struct kt_error){0};
    return kt_yaml_parse(&fixture->arena, text, &fixture->documents, &fixture->error);
}

/* All documents in one line: their JSON, "empty" or "error", divided by " | ". */
static const char *summary(struct fixture *fixture, const char *text)
{
    if (parse_text(fixture, kt_str(text)) < 0)
        return fixture->error.message;
    struct kt_strbuf out;
    kt_strbuf_init(&out, &fixture->arena, (size_t)KT_MIB);
    for (size_t i = 0; i < fixture->documents.count; i++) {
        const struct kt_yaml_document *document = &fixture->documents.items[i];
        kt_strbuf_puts(&out, i > 0 ? " | " : "");
        if (document->error.code != KT_OK)
            kt_strbuf_puts(&out, "error");
        else if (!document->root)
            kt_strbuf_puts(&out, "empty");
        else {
            kt_test_json_sound(document->root);
            kt_json_write(&out, document->root, KT_JSON_COMPACT);
        }
    }
    return out.data;
}

static void splits_documents(void **state)
{
    static const struct {
        const char *text, *summary;
    } rows[] = {
        {"", ""},
        {"\n\n", ""},
        {"# nothing\n", ""},
        {"a: 1", "{\"a\":1}"},
        {"---\na: 1\n", "{\"a\":1}"},
        {"# first\n---\na: 1\n", "{\"a\":1}"},
        {"a: 1\n---\nb: 2\n", "{\"a\":1} | {\"b\":2}"},
        {"a: 1\n--- # the second\nb: 2\n", "{\"a\":1} | {\"b\":2}"},
        {"a: 1\n---   \nb: 2", "{\"a\":1} | {\"b\":2}"},
        {"a: 1\r\n---\r\nb: 2\r\n", "{\"a\":1} | {\"b\":2}"},
        {"a: 1\r---\rb: 2\r", "{\"a\":1} | {\"b\":2}"},
        {"---\n---\na: 1\n---\n", "empty | {\"a\":1} | empty"},
        {"---\n# only words\n---\nnull\n---\n''\n", "empty | null | \"\""},
        {"a: 1\n...\n---\nb: 2\n", "{\"a\":1} | {\"b\":2}"},
        {"a: 1\n...\nb: 2\n", "{\"a\":1} | {\"b\":2}"},
        {"a: 1\n... # end\n# more\n...\n", "{\"a\":1}"},
        {"...\na: 1\n", "{\"a\":1}"},
        {"%YAML 1.1\n---\na: 1\n", "{\"a\":1}"},
        {"# words\n%YAML 1.2\n%TAG !x! tag:x,2000:\n---\na: !x!y 1\n", "{\"a\":\"1\"}"},
        {"a: 1\n...\n%YAML 1.1\n---\nb: 2\n", "{\"a\":1} | {\"b\":2}"},
        {"a: 1\n --- \n", "{\"a\":\"1 ---\"}"},
        {"a: |\n  ---\n  b\n", "{\"a\":\"---\\nb\\n\"}"},
        {"\xEF\xBB\xBF"
         "a: 1\n",
         "{\"a\":1}"},
        {"\xEF\xBB\xBF---\na: 1\n", "{\"a\":1}"},
        /* as kubectl: the line of a marker has room for a comment only */
        {"a: 1\n---b\nc: 2\n---\nd: 3\n", "{\"a\":1} | error | {\"d\":3}"},
        {"--- {a: 1}\n", "error"},
        {"%YAML 1.1\na: 1\n", "error"},
        {"%YAML 1.1\n", "error"},
        /* a bad document does not hide the others */
        {"a: 1\n---\nb: [\n---\nc: 3\n", "{\"a\":1} | error | {\"c\":3}"},
        {"a: 'x\n---\nb: z\n", "error | {\"b\":\"z\"}"},
        /* what Kubernetes' reader would drop in silence */
        {"{a: 1} b\n", "error"},
        {"[1] [2]\n", "error"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        const char *actual = summary(*state, rows[i].text);
        if (!kt_streq(actual, rows[i].summary))
            fail_msg("%s: %s instead of %s", rows[i].text, actual, rows[i].summary);
    }
}

static void reads_json_as_well(void **state)
{
    assert_string_equal(summary(*state, "{\"a\": [1, 2.5, null],\n\t\"b\": {\"c\": \"d\\/e\"}}"),
                        "{\"a\":[1,2.5,null],\"b\":{\"c\":\"d/e\"}}");
    /* YAML 1.1 knows neither of these two */
    assert_string_equal(summary(*state, "\t{\"a\": 1}"), "{\"a\":1}");
    assert_string_equal(
        summary(*state, "x: 1\n---\n{\"a\": \"\\ud83d\\ude00\", \"a\": 2, \"b\": {\"c\": 1, \"c\": 1}}"),
        "{\"x\":1} | {\"a\":2,\"b\":{\"c\":1}}");
    struct fixture *fixture = *state;
    const struct kt_yaml_duplicate *duplicate = fixture->documents.items[1].duplicates;
    assert_string_equal(duplicate->path, "a");
    assert_string_equal(duplicate->next->path, "b.c");
    assert_null(duplicate->next->next);
    assert_string_equal(summary(*state, "{\"a\": \"\\ud83d\\ude00\","), "error");
}

static void reads_one_document(void **state)
{
    struct fixture *fixture = *state;
    struct kt_yaml_document document;
    assert_int_equal(kt_yaml_parse_one(&fixture->arena, KT_STR("a: 1\n---\nb: [\n"), &document, &fixture->error), 0);
    assert_string_equal(kt_test_json_text(&fixture->arena, document.root), "{\"a\":1}");
    assert_int_equal(kt_yaml_parse_one(&fixture->arena, KT_STR(""), &document, &fixture->error), 0);
    assert_null(document.root);
    assert_int_equal(kt_yaml_parse_one(&fixture->arena, KT_STR("# no\n---\n"), &document, &fixture->error), 0);
    assert_null(document.root);
    assert_int_equal(fixture->error.code, KT_OK);
    assert_int_equal(kt_yaml_parse_one(&fixture->arena, KT_STR("a:\n  b: @c\n"), &document, &fixture->error),
                     KT_EPARSE);
    assert_non_null(strstr(fixture->error.message, "line 2, column 6"));
}

/* --- positions -----------------------------------------------------------------------------------------------------
 */

static void assert_position(struct kt_position position, uint32_t line, uint32_t column)
{
    if (position.line != line || position.column != column)
        fail_msg("%u:%u instead of %u:%u", position.line, position.column, line, column);
}

static void knows_where_things_stand(void **state)
{
    struct fixture *fixture = *state;
    summary(fixture, "# words\n"
                     "---\n"
                     "kind: X\n"
                     "list:\n"
                     "- \xc3\xa9\xc3\xa9: {k: v}\n"
                     "  next:   5\n"
                     "text: |\n"
                     "  a\n"
                     "---\n"
                     "second: [1, 2]\n");
    const struct kt_yaml_document *document = &fixture->documents.items[0];
    const struct kt_positions *positions = document->positions;
    const cJSON *root = document->root;
    const cJSON *item = kt_json_item(kt_json_get(root, "list"), 0);
    assert_position(document->start, 3, 1);
    assert_position(kt_positions_of_value(positions, root), 3, 1);
    assert_position(kt_positions_of_key(positions, root), 0, 0);
    assert_position(kt_positions_of_key(positions, kt_json_get(root, "kind")), 3, 1);
    assert_position(kt_positions_of_value(positions, kt_json_get(root, "kind")), 3, 7);
    assert_position(kt_positions_of_value(positions, item), 5, 3);
    assert_position(kt_positions_of_key(positions, item), 0, 0);
    const cJSON *map = kt_json_get(item, "\xc3\xa9\xc3\xa9");
    assert_position(kt_positions_of_value(positions, map), 5, 7); /* characters, not bytes */
    assert_position(kt_positions_of_key(positions, kt_json_get(map, "k")), 5, 8);
    assert_position(kt_positions_of_value(positions, kt_json_get(map, "k")), 5, 11);
    assert_position(kt_positions_of_value(positions, kt_json_get(item, "next")), 6, 11);
    assert_position(kt_positions_of_value(positions, kt_json_get(root, "text")), 7, 7);

    document = &fixture->documents.items[1];
    assert_position(document->start, 10, 1);
    const cJSON *second = kt_json_get(document->root, "second");
    assert_position(kt_positions_of_value(document->positions, kt_json_item(second, 1)), 10, 13);
    /* nodes of another text and nodes made later have none */
    assert_position(kt_positions_of_value(positions, second), 0, 0);
    assert_position(kt_positions_of_value(positions, kt_json_new_null(&fixture->arena)), 0, 0);
    assert_position(kt_positions_of_value(positions, NULL), 0, 0);
    assert_position(kt_positions_of_value(NULL, second), 0, 0);
}

static void counts_lines_behind_a_byte_order_mark_and_cr(void **state)
{
    struct fixture *fixture = *state;
    summary(fixture, "\xEF\xBB\xBF"
                     "a: 1\r\nb: 2\rc: 3\n");
    const struct kt_yaml_document *document = &fixture->documents.items[0];
    assert_position(kt_positions_of_key(document->positions, kt_json_get(document->root, "a")), 1, 1);
    assert_position(kt_positions_of_key(document->positions, kt_json_get(document->root, "b")), 2, 1);
    assert_position(kt_positions_of_key(document->positions, kt_json_get(document->root, "c")), 3, 1);
}

static void copies_stand_at_their_alias(void **state)
{
    struct fixture *fixture = *state;
    summary(fixture, "base: &b\n"
                     "  k: [v]\n"
                     "use: *b\n"
                     "merged:\n"
                     "  <<: *b\n"
                     "  own: 1\n");
    const struct kt_yaml_document *document = &fixture->documents.items[0];
    const cJSON *use = kt_json_get(document->root, "use"), *copy = kt_json_get(use, "k");
    const cJSON *merged = kt_json_path(document->root, "merged", "k", NULL);
    assert_position(kt_positions_of_value(document->positions, use), 3, 6);
    assert_position(kt_positions_of_key(document->positions, use), 3, 1);
    assert_position(kt_positions_of_value(document->positions, copy), 3, 6);
    assert_position(kt_positions_of_key(document->positions, copy), 3, 6);
    assert_position(kt_positions_of_value(document->positions, kt_json_item(copy, 0)), 3, 6);
    assert_position(kt_positions_of_value(document->positions, merged), 5, 7);
    /* a copy is a copy */
    kt_json_set_string(&fixture->arena, kt_json_get(document->root, "use"), "k", "changed");
    assert_string_equal(kt_test_json_text(&fixture->arena, document->root),
                        "{\"base\":{\"k\":[\"v\"]},\"use\":{\"k\":\"changed\"},\"merged\":{\"k\":[\"v\"],\"own\":1}}");
}

/* --- keys given twice ----------------------------------------------------------------------------------------------
 */

static const char *duplicates_of(struct fixture *fixture, const char *text)
{
    if (parse_text(fixture, kt_str(text)) < 0 || fixture->documents.count != 1)
        return "unreadable";
    struct kt_strbuf out;
    kt_strbuf_init(&out, &fixture->arena, (size_t)KT_MIB);
    for (const struct kt_yaml_duplicate *at = fixture->documents.items[0].duplicates; at; at = at->next)
        kt_strbuf_printf(&out, "%s@%u:%u ", at->path, at->position.line, at->position.column);
    return out.data;
}

static void tells_of_keys_given_twice(void **state)
{
    static const struct {
        const char *text, *duplicates, *json;
    } rows[] = {
        {"a: 1\nb: 2\n", "", "{\"a\":1,\"b\":2}"},
        {"a: 1\nb: 2\na: 3\n", "a@3:1 ", "{\"b\":2,\"a\":3}"},
        {"a: 1\na: 2\na: 3\n", "a@2:1 ", "{\"a\":3}"},
        {"1: a\n\"1\": b\n", "1@2:1 ", "{\"1\":\"b\"}"},
        {"true: a\nyes: b\n", "true@2:1 ", "{\"true\":\"b\"}"},
        {"t:\n  m: 1\n  m: 2\nt: {}\n", "t.m@3:3 t@4:1 ", "{\"t\":{}}"},
        {"l:\n- x\n- {k/e: 1, k/e: 2}\n", "l[1][k/e]@3:12 ", "{\"l\":[\"x\",{\"k/e\":2}]}"},
        /* a merge key brings what an own key may replace */
        {"x: &x {a: 1}\nz:\n  <<: *x\n  a: 2\n", "", "{\"x\":{\"a\":1},\"z\":{\"a\":2}}"},
        {"<<: [{a: 1, b: 1}, {a: 2, c: 2}]\n", "", "{\"c\":2,\"a\":1,\"b\":1}"},
        {"a: 0\n<<: {a: 1}\nb: 2\nb: 3\n", "b@4:1 ", "{\"a\":1,\"b\":3}"},
        {"<<: {a: 1}\na: 2\na: 3\n", "a@3:1 ", "{\"a\":3}"},
        {"<<: &m {a: 1}\n<<: *m\n", "", "{\"a\":1}"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        const char *duplicates = duplicates_of(*state, rows[i].text);
        if (!kt_streq(duplicates, rows[i].duplicates))
            fail_msg("%s: %s instead of %s", rows[i].text, duplicates, rows[i].duplicates);
        assert_string_equal(summary(*state, rows[i].text), rows[i].json);
    }
}

static void finds_duplicates_among_many_keys(void **state)
{
    struct fixture *fixture = *state;
    struct kt_strbuf text;
    kt_strbuf_init(&text, &fixture->arena, KT_LIMIT_MANIFEST_BYTES);
    for (int i = 0; i < 300; i++)
        kt_strbuf_printf(&text, "key%d: %d\n", i % 250, i);
    assert_int_equal(parse_text(fixture, kt_strbuf_view(&text)), 0);
    const struct kt_yaml_document *document = &fixture->documents.items[0];
    assert_int_equal(kt_json_count(document->root), 250);
    size_t count = 0;
    for (const struct kt_yaml_duplicate *at = document->duplicates; at; at = at->next)
        assert_int_equal(at->position.line, 251 + count++);
    assert_int_equal(count, 50);
}

/* --- errors --------------------------------------------------------------------------------------------------------
 */

static void says_what_to_change(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *message; /* a part of it */
    } rows[] = {
        {"a:\n\tb: 1\n", 2, 1, "tab"},
        {"a:\n  b: 1\n\tc: 2\n", 3, 1, "tab"},
        {"\ta: 1\n", 1, 1, "tab"},
        {"- a\n-\tb: 1\n", 2, 2, "tab"},
        {"a: 1\nb:2\nc: 3\n", 2, 1, "space is missing after the colon"},
        {"a:\n  b: 1\n  c:2\n", 3, 3, "space is missing after the colon"},
        {"a: 1\nb\nc: 3\n", 2, 1, "neither \"key: value\" nor a list item"},
        {"a: b: c\n", 1, 5, "\": \" in it"},
        {"a: 1\n b: 2\n", 2, 3, "indented wrongly"},
        {"a: \"x\nb: 1\n", 1, 4, "quote that is opened here is never closed"},
        {"a: 'it's'\n", 1, 8, "complete"},
        {"k: 'x\n", 1, 4, "never closed"},
        {"a: [1, 2\nb: 3\n", 1, 4, "not closed by ]"},
        {"a: {b: 1\nc: 2\n", 1, 4, "not closed by }"},
        {"a: [\n", 2, 1, "a bracket is not closed"},
        {"a: @x\n", 1, 4, "cannot begin with @"},
        {"a: `x`\n", 1, 4, "cannot begin with `"},
        {"a: %x\n", 1, 4, "cannot begin with %"},
        {"a: *x\n", 1, 4, "begins with *"},
        {"a: * x\n", 1, 5, "begins with *"},
        {"a: & x\n", 1, 5, "begins with &"},
        {"a: !x!y z\n", 1, 4, "begins with !"},
        {"a: \"\\d\"\n", 1, 5, "backslash"},
        {"a: \"\\xZZ\"\n", 1, 7, "hexadecimal"},
        {"a:\n  - 1\n - 2\n", 3, 2, "indentation does not match"},
        {"a: - 1\n", 1, 4, "list item"},
        {"- a\nb: 1\n", 2, 1, "list item (\"- \") is expected"},
        {"a: |x\n  y\n", 1, 5, "after | or >"},
        {"[a, , b]\n", 1, 5, "value is missing"},
        {"? [a]\n: b\n", 1, 3, "key must be a plain text"},
        {"~: b\n", 1, 1, "key is missing or null"},
        {"18446744073709551615: b\n", 1, 1, "too large"},
        {"a: .inf\n", 1, 4, "infinity"},
        {"a: !!int x\n", 1, 4, "!!int"},
        {"a: !!binary '%'\n", 1, 4, "!!binary"},
        {"a: &x [*x]\n", 1, 8, "contains itself"},
        {"a: &x {b: {c: *x}}\n", 1, 15, "contains itself"},
        {"<<: 1\n", 1, 5, "merge key"},
        {"a: 1\nb: \x01\n", 2, 4, "U+0001"},
        {"a: 1\n%YAML 1.1\n", 3, 1, "after the end of the document"},
        {"{a: 1} b\n", 1, 8, "after the end of the document"},
        {"---x\n", 1, 1, "only a comment can follow ---"},
        {"a: 1\n---\nb: [c\n", 3, 4, "not closed by ]"}, /* lines of the whole text */
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        assert_int_equal(parse_text(fixture, kt_str(rows[i].text)), 0);
        const struct kt_yaml_document *document = &fixture->documents.items[fixture->documents.count - 1];
        const char *where = kt_arena_printf(&fixture->arena, "line %u, column %u: ", rows[i].line, rows[i].column);
        if (document->error.code != KT_EPARSE || document->root || !strstr(document->error.message, rows[i].message) ||
            !strstr(document->error.message, where))
            fail_msg("%s: %s (not %s%s)", rows[i].text, document->error.message, where, rows[i].message);
        assert_position(document->error_position, rows[i].line, rows[i].column);
    }
}

static void refuses_what_is_no_text(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse_text(fixture, (struct kt_str){"\xFF\xFE"
                                                         "a\0:\0",
                                                         6}),
                     KT_EPARSE);
    assert_non_null(strstr(fixture->error.message, "UTF-16"));
    assert_int_equal(parse_text(fixture, (struct kt_str){"\xFE\xFF\0a", 4}), KT_EPARSE);
    assert_non_null(strstr(fixture->error.message, "UTF-16"));
    assert_int_equal(parse_text(fixture, (struct kt_str){"a: 1\nb: \0", 9}), KT_EPARSE);
    assert_non_null(strstr(fixture->error.message, "line 2: there is a NUL byte"));
    assert_int_equal(parse_text(fixture, KT_STR("a: 1\nb: \xC3\n")), KT_EPARSE);
    assert_non_null(strstr(fixture->error.message, "line 2: the text is not valid UTF-8"));
    assert_int_equal(parse_text(fixture, KT_STR("\x7F"
                                                "ELF\x02\x01\x01")),
                     0);
    assert_non_null(strstr(fixture->documents.items[0].error.message, "U+007F"));
}

/* --- limits --------------------------------------------------------------------------------------------------------
 */

static struct kt_str repeat(struct fixture *fixture, const char *before, const char *unit, size_t times,
                            const char *after)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &fixture->arena, (size_t)(8 * KT_MIB));
    kt_strbuf_puts(&text, before);
    for (size_t i = 0; i < times; i++)
        kt_strbuf_puts(&text, unit);
    kt_strbuf_puts(&text, after);
    assert_false(text.failed);
    return kt_strbuf_view(&text);
}

static void assert_limit(struct fixture *fixture, struct kt_str text, const char *message)
{
    int r = parse_text(fixture, text);
    const struct kt_error *error = r < 0 ? &fixture->error : &fixture->documents.items[0].error;
    if (error->code != KT_ELIMIT || !strstr(error->message, message))
        fail_msg("%s instead of %s", error->message, message);
}

static void keeps_to_its_limits(void **state)
{
    struct fixture *fixture = *state;
    assert_limit(fixture, repeat(fixture, "", " ", KT_LIMIT_MANIFEST_BYTES + 1, ""), "bytes");
    assert_int_equal(parse_text(fixture, repeat(fixture, "", " ", KT_LIMIT_MANIFEST_BYTES, "")), 0);
    assert_limit(fixture, repeat(fixture, "", "---\na\n", KT_LIMIT_MANIFEST_DOCUMENTS + 1, ""), "documents");
    assert_int_equal(parse_text(fixture, repeat(fixture, "", "---\na\n", KT_LIMIT_MANIFEST_DOCUMENTS, "")), 0);
    assert_int_equal(fixture->documents.count, KT_LIMIT_MANIFEST_DOCUMENTS);

    assert_limit(fixture, repeat(fixture, "", "[", KT_LIMIT_YAML_DEPTH + 1, ""), "64 deep");
    assert_limit(fixture, repeat(fixture, "", "{a: ", KT_LIMIT_YAML_DEPTH + 1, ""), "64 deep");
    assert_limit(fixture, repeat(fixture, "", "- ", KT_LIMIT_YAML_DEPTH + 1, "a"), "64 deep");
    struct kt_str deep = repeat(fixture, "", "- ", KT_LIMIT_YAML_DEPTH, "a");
    assert_int_equal(parse_text(fixture, deep), 0);
    assert_int_equal(fixture->documents.items[0].error.code, KT_OK);

    assert_limit(fixture, repeat(fixture, "[", "1,", KT_LIMIT_YAML_NODES, "]"), "100000 values");
    assert_int_equal(parse_text(fixture, repeat(fixture, "[", "1,", KT_LIMIT_YAML_NODES - 1, "]")), 0);
    assert_int_equal(kt_json_count(fixture->documents.items[0].root), KT_LIMIT_YAML_NODES - 1);
    assert_limit(fixture, repeat(fixture, "", "a: 1\n", KT_LIMIT_JSON_MEMBERS + 1, ""), "20000 keys");
    assert_limit(fixture, repeat(fixture, "", "- &a b\n", KT_LIMIT_YAML_ANCHORS + 1, ""), "1000 anchors");
    assert_limit(fixture, repeat(fixture, "", "- {a: 1, a: 2}\n", KT_LIMIT_YAML_DUPLICATES + 1, ""), "given twice");
    assert_limit(fixture, repeat(fixture, "", "%X y\n", KT_LIMIT_YAML_DIRECTIVES + 1, "---\na: 1\n"), "begin with %");
}

static void aliases_do_not_explode(void **state)
{
    struct fixture *fixture = *state;
    struct kt_strbuf bomb;
    kt_strbuf_init(&bomb, &fixture->arena, (size_t)KT_MIB);
    kt_strbuf_puts(&bomb, "a0: &a0 [x]\n");
    for (int i = 1; i < 40; i++)
        kt_strbuf_printf(&bomb, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1);
    assert_limit(fixture, kt_strbuf_view(&bomb), "aliases and merge keys");

    kt_strbuf_clear(&bomb);
    kt_strbuf_puts(&bomb, "a0: &a0 {k: x}\n");
    for (int i = 1; i < 40; i++)
        kt_strbuf_printf(&bomb, "a%d: &a%d {<<: *a%d, k%d: *a%d, l: *a%d}\n", i, i, i - 1, i, i - 1, i - 1);
    assert_limit(fixture, kt_strbuf_view(&bomb), "aliases and merge keys");

    /* depth may not be stacked up either */
    kt_strbuf_clear(&bomb);
    kt_strbuf_puts(&bomb, "a0: &a0 [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n");
    for (int i = 1; i < 4; i++)
        kt_strbuf_printf(&bomb, "a%d: &a%d [[[[[[[[[[[[[[[[[[[[*a%d]]]]]]]]]]]]]]]]]]]]\n", i, i, i - 1);
    assert_limit(fixture, kt_strbuf_view(&bomb), "64 deep");

    /* many uses of a small anchor are fine up to the limit */
    struct kt_str uses = repeat(fixture, "- &a x\n", "- *a\n", KT_LIMIT_YAML_ALIAS_NODES, "");
    assert_int_equal(parse_text(fixture, uses), 0);
    assert_int_equal(fixture->documents.items[0].error.code, KT_OK);
    uses = repeat(fixture, "- &a x\n", "- *a\n", KT_LIMIT_YAML_ALIAS_NODES + 1, "");
    assert_limit(fixture, uses, "aliases and merge keys");
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* The time may not grow faster than the text. libyaml alone would take most of an hour for the first. The
 * bound is loose, because the tests also run under valgrind and sanitizers. */
static void hostile_texts_are_cheap(void **state)
{
    static const struct {
        const char *before, *unit, *after;
    } rows[] = {
        {"", "[", ""},           {"", "{", ""},           {"", "{a: ", ""},         {"", "- ", ""},
        {"", "? ", ""},          {"", "[\n", ""},         {"", "%TAG !a! b\n", ""}, {"", "- &a b\n", ""},
        {"", "a: b\n", ""},      {"", "---\n", ""},       {"\"", "x", ""},          {"", "\xC2\x85", ""},
        {"", "\t", ""},          {"a: |\n", "  x\n", ""}, {"[", ",", "]"},          {"", "x ", ": y"},
        {"", "!", ""},           {"\"", "\\", ""},        {"", ": ", ""},           {"", "\r", ""},
        {"[", "{\"a\":1},", ""}, {"a: >", "\n x", ""},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        size_t times = (size_t)KT_MIB / strlen(rows[i].unit);
        struct kt_str text = repeat(fixture, rows[i].before, rows[i].unit, times, rows[i].after);
        double before = cpu_seconds();
        int r = parse_text(fixture, text);
        double seconds = cpu_seconds() - before;
        assert_true(r == 0 || r == KT_ELIMIT || r == KT_EPARSE);
        if (seconds > 20)
            fail_msg("%s takes %.1f s", rows[i].unit, seconds);
        kt_arena_reset(&fixture->arena);
    }
}

static void a_small_arena_is_no_crash(void **state)
{
    (void)state;
    static const char text[] = "a: &x {b: [1, 2], c: yes}\nd: *x\ne:\n  <<: *x\n  b: 1\n  b: 2\n---\n{\"j\": \"\\ud83d"
                               "\\ude00\", \"j\": 1}\n---\nf: !!binary aGk=\n";
    size_t needed = 0;
    for (size_t limit = 0; needed == 0; limit += 64) {
        KT_CLEANUP(kt_arena_release) struct kt_arena arena;
        kt_arena_init(&arena, limit);
        struct kt_yaml_documents documents = {0};
        struct kt_error error = {0};
        int r = kt_yaml_parse(&arena, kt_str(text), &documents, &error);
        if (r == 0) {
            assert_int_equal(documents.count, 3);
            needed = limit;
        } else {
            assert_int_equal(r, KT_ENOMEM);
            assert_int_equal(documents.count, 0);
        }
        assert_true(limit < (size_t)KT_MIB);
    }
}

static void failing_allocations_are_no_crash(void **state)
{
    (void)state;
    struct kt_strbuf text;
    KT_CLEANUP(kt_arena_release) struct kt_arena text_arena;
    kt_arena_init(&text_arena, (size_t)KT_MIB);
    kt_strbuf_init(&text, &text_arena, (size_t)KT_MIB);
    for (int i = 0; i < 500; i++)
        kt_strbuf_printf(&text, "- {name: n%d, value: %d, list: [a, b], &k%d x: *k%d }\n", i, i, i % 900, i % 900);
    bool done = false;
    for (size_t nth = 1; !done; nth++) {
        struct kt_arena arena;
        kt_arena_init(&arena, (size_t)(64 * KT_MIB));
        struct kt_yaml_documents documents = {0};
        struct kt_error error = {0};
        kt_heap_fail_from(nth);
        int r = kt_yaml_parse(&arena, kt_strbuf_view(&text), &documents, &error);
        kt_heap_fail_from(0);
        done = r == 0;
        if (!done)
            assert_int_equal(r, KT_ENOMEM);
        kt_arena_release(&arena);
        assert_true(nth < 1000);
    }
}

#define YAML_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        YAML_TEST(splits_documents),
        YAML_TEST(reads_json_as_well),
        YAML_TEST(reads_one_document),
        YAML_TEST(knows_where_things_stand),
        YAML_TEST(counts_lines_behind_a_byte_order_mark_and_cr),
        YAML_TEST(copies_stand_at_their_alias),
        YAML_TEST(tells_of_keys_given_twice),
        YAML_TEST(finds_duplicates_among_many_keys),
        YAML_TEST(says_what_to_change),
        YAML_TEST(refuses_what_is_no_text),
        YAML_TEST(keeps_to_its_limits),
        YAML_TEST(aliases_do_not_explode),
        YAML_TEST(hostile_texts_are_cheap),
        YAML_TEST(a_small_arena_is_no_crash),
        YAML_TEST(failing_allocations_are_no_crash),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
