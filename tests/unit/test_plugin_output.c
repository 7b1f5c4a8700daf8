/* SPDX-License-Identifier: Apache-2.0 */
/* Output of the plugin: -o formats, JSONPath, tables, folding, and text that would steer a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "plugin/jsonpath.h"
#include "plugin/output.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(4 * KT_MIB));
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

static struct kt_strbuf buffer(void)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &arena, (size_t)KT_MIB);
    return text;
}

/* --- JSONPath ------------------------------------------------------------------------------------------------------
 */

static const char object[] = "{\"items\":[{\"name\":\"a\",\"n\":1,\"tags\":[\"x\",\"y\"]},"
                             "{\"name\":\"b\",\"n\":2.50,\"tags\":[]}],"
                             "\"a.b/c\":{\"d\":true},\"none\":null}";

static void yields(const char *template_, const char *expected)
{
    struct kt_strbuf text = buffer();
    struct kt_error error = {0};
    if (kt_jsonpath_write(&arena, template_, kt_test_json(&arena, object), &text, &error) != 0)
        fail_msg("%s: %s", template_, error.message);
    assert_string_equal(text.data, expected);
}

static void is_refused(const char *template_, const char *message)
{
    struct kt_strbuf text = buffer();
    struct kt_error error = {0};
    int code = kt_jsonpath_write(&arena, template_, kt_test_json(&arena, object), &text, &error);
    if (code != KT_EINVAL || !strstr(error.message, message))
        fail_msg("%s: code %d, \"%s\" instead of \"%s\"", template_, code, error.message, message);
}

/* As `kubectl get -o jsonpath` answers, except that a number keeps the text it has. */
static void jsonpath_templates(void **state KT_UNUSED)
{
    yields("{.items[0].name}", "a");
    yields("{$.items[1].name}", "b");
    yields("{.items[-1].name}", "b");
    yields("{.items[*].name}", "a b");
    yields("{.items[*]['name']}", "a b");
    yields("{.items[*].tags[*]}", "x y");
    yields("{.items[0]}", "{\"name\":\"a\",\"n\":1,\"tags\":[\"x\",\"y\"]}");
    yields("{.items[1].n}", "2.50");
    yields("{['a.b/c'].d}", "true");
    yields("{.a\\.b/c.d}", "true");
    yields("{.items[0].*}", "a 1 [\"x\",\"y\"]");
    yields("name: {.items[0].name}, end", "name: a, end");
    yields("{.items[0].name}{\"\\n\"}{.items[1].name}{'\\t'}", "a\nb\t");
    yields("{range .items[*]}{.name}={.n}{\";\"}{end}", "a=1;b=2.50;");
    yields("{range .items[*]}{.name}:{range .tags[*]}<{@}>{end} {end}", "a:<x><y> b: ");
    yields("", "");
}

static void what_is_not_there_is_nothing(void **state KT_UNUSED)
{
    yields("{.nothing}", "");
    yields("{.items[0].name.deeper}", "");
    yields("{.none}", "");
    yields("{range .nothing[*]}{.x}{end}", "");
}

static void jsonpath_that_cannot_be_read(void **state KT_UNUSED)
{
    is_refused("{.items", "character 1: } is missing");
    is_refused("a{}", "character 2: there is nothing between { and }");
    is_refused("{.items[}", "] is missing");
    is_refused("{.items[7].name}", "array index out of bounds: index 7, length 2");
    is_refused("{.items[-3].name}", "array index out of bounds: index -3, length 2");
    is_refused("{.items[x]}", "expected a number, * or a quoted name");
    is_refused("{range .items[*]}{.name}", "{end} of this range is missing");
    is_refused("{end}", "{end} without a range");
    is_refused("{.items['name}", "} is missing");
    is_refused("{.items[?(@.n==1)].name}", "filters are not supported here; use -o json with jq");
    is_refused("{..name}", "recursive steps (..) are not supported here");
    is_refused("{.items[0:1]}", "slices and lists of indices are not supported here");
}

/* --- formats -------------------------------------------------------------------------------------------------------
 */

static void formats_are_checked(void **state KT_UNUSED)
{
    struct kt_output_format format;
    struct kt_error error = {0};
    assert_int_equal(kt_output_parse_format(NULL, KT_FORMAT_JSON, &format, &error), 0);
    assert_int_equal(format.format, KT_FORMAT_PLAIN);
    assert_int_equal(kt_output_parse_format("json", KT_FORMAT_TREES, &format, &error), 0);
    assert_int_equal(format.format, KT_FORMAT_JSON);
    assert_int_equal(kt_output_parse_format("jsonpath={.a}", KT_FORMAT_TREES, &format, &error), 0);
    assert_string_equal(format.template_, "{.a}");
    assert_int_equal(kt_output_parse_format("wide", KT_FORMAT_TREES, &format, &error), KT_EINVAL);
    assert_string_equal(error.message,
                        "unknown output format \"wide\" for -o: allowed are json, yaml, jsonpath=TEMPLATE");
}

/* --- text from outside ---------------------------------------------------------------------------------------------
 */

static void escapes(struct kt_str input, const char *expected)
{
    struct kt_strbuf text = buffer();
    kt_output_escape(&text, input);
    assert_string_equal(text.data, expected);
}

static void nothing_steers_the_terminal(void **state KT_UNUSED)
{
    escapes(KT_STR("plain \xc3\xa4 \xe2\x82\xac"), "plain \xc3\xa4 \xe2\x82\xac");
    escapes(KT_STR("\x1b[31mred\x07"), "^[[31mred^G");
    escapes(KT_STR("a\nb\tc\rd"), "a\\nb\\tc\\rd");
    escapes(KT_STR("\x7f"), "^?");
    escapes(KT_STR("\xff\xc3"), "\\xff\\xc3");
    escapes(KT_STR("\xc2\x9b[31m"), "\\xc2\\x9b[31m"); /* CSI as one character */
    escapes(KT_STR("a\xe2\x80\xae"
                   "b"),
            "a\\xe2\\x80\\xaeb"); /* right-to-left override */
    struct kt_strbuf text = buffer();
    kt_output_escape_lines(&text, KT_STR("a\n\tb\x1b"));
    assert_string_equal(text.data, "a\n\tb^[");
}

/* --- tables and folding --------------------------------------------------------------------------------------------
 */

static void tables_look_like_those_of_kubectl(void **state KT_UNUSED)
{
    static const char *const headers[] = {"NAME", "N", "NOTES", NULL};
    struct kt_strbuf text = buffer();
    struct kt_table table;
    kt_table_init(&table, &arena, headers, false);
    kt_table_add(&table, "a-long-name");
    kt_table_addf(&table, "%d", 7);
    kt_table_add(&table, NULL);
    kt_table_add(&table, "\xc3\xa4\xc3\xa4\x1b");
    kt_table_add(&table, "");
    kt_table_add_blank(&table, "");
    kt_table_write(&table, &text, 0);
    assert_string_equal(text.data, "NAME          N        NOTES\n"
                                   "a-long-name   7        <none>\n"
                                   "\xc3\xa4\xc3\xa4^[          <none>\n");
}

static void long_text_is_folded_at_words(void **state KT_UNUSED)
{
    struct kt_strbuf text = buffer();
    kt_output_wrap(&text,
                   "one two three four five six seven\n\n  kept as it is, however long it may be, really\n"
                   "a-word-that-is-longer-than-the-line x",
                   2, 24);
    assert_string_equal(text.data, "  one two three four\n  five six seven\n\n"
                                   "    kept as it is, however long it may be, really\n"
                                   "  a-word-that-is-longer-than-the-line\n  x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(jsonpath_templates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jsonpath_that_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(formats_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_steers_the_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_look_like_those_of_kubectl, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_text_is_folded_at_words, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
