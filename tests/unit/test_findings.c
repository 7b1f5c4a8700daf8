/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/findings.h"
#include "admission/warnings.h"
#include "base/limits.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;
static struct kt_findings findings;

static int set_up(void **state)
{
    (void)state;
    kt_arena_init(&arena, (size_t)(32 * KT_MIB));
    kt_findings_init(&findings, &arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_arena_release(&arena);
    return 0;
}

static const char *add(const char *field, enum kt_problem problem, const char *value, const char *text)
{
    struct kt_finding *finding =
        kt_findings_add(&findings, "T001", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, field, problem, value, "%s", text);
    return finding ? finding->message : NULL;
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(add("f", KT_PROBLEM_REQUIRED, NULL, ""), "Required value");
    assert_string_equal(add("f", KT_PROBLEM_REQUIRED, NULL, "say why"), "Required value: say why");
    assert_string_equal(add("f", KT_PROBLEM_UNSUPPORTED, "phi3", "supported values: \"a\""),
                        "Unsupported value: \"phi3\": supported values: \"a\"");
    assert_string_equal(add("f", KT_PROBLEM_INVALID, "", "empty"), "Invalid value: \"\": empty");
    assert_string_equal(add("f", KT_PROBLEM_FORBIDDEN, "unused", "not here"), "Forbidden: not here");
    assert_string_equal(add("f", KT_PROBLEM_DUPLICATE, "a", ""), "Duplicate value: \"a\"");
    assert_string_equal(add("f", KT_PROBLEM_NOT_FOUND, "a", ""), "Not found: \"a\"");
    assert_string_equal(add("f", KT_PROBLEM_TOO_MANY, "11", "at most 10"), "Too many: \"11\": at most 10");
    assert_string_equal(add("f", KT_PROBLEM_NOTE, NULL, "only text"), "only text");
    assert_string_equal(kt_problem_cause_type(KT_PROBLEM_UNSUPPORTED), "FieldValueNotSupported");
}

/* What a user wrote comes back on other people's terminals. */
static void test_hostile_values(void **state)
{
    (void)state;
    assert_string_equal(add("f", KT_PROBLEM_INVALID, "a\"b\\c\n\x1B[31m\x7F", ""),
                        "Invalid value: \"a\\\"b\\\\c\\n\\u001b[31m\\u007f\"");
    assert_string_equal(add("f", KT_PROBLEM_INVALID, "x\xC2\x85y\xE2\x80\xAEz", ""),
                        "Invalid value: \"x\\u0085y\\u202ez\"");
    assert_string_equal(add("f\x1B", KT_PROBLEM_NOTE, NULL,
                            "a\nb\x1B"
                            "c"),
                        "a b c");
    assert_string_equal(findings.items[findings.count - 1].field, "f ");
    char long_value[500];
    memset(long_value, 'x', sizeof(long_value));
    long_value[sizeof(long_value) - 1] = 0;
    const char *message = add("f", KT_PROBLEM_INVALID, long_value, "");
    assert_int_equal(strlen(message), strlen("Invalid value: \"...\"") + 64);
}

static void test_long_texts_are_cut_at_a_character(void **state)
{
    (void)state;
    char *text = kt_arena_alloc(&arena, 20001);
    for (size_t i = 0; i < 20000; i += 2) {
        memcpy(text + i, "\xC3\xA9", 2);
    }
    const char *message = add(text, KT_PROBLEM_NOTE, NULL, text);
    assert_true(strlen(message) <= KT_LIMIT_MESSAGE_BYTES);
    assert_true(kt_utf8_valid(kt_str(message)));
    assert_true(kt_str_ends_with(kt_str(message), KT_STR("...")));
    assert_true(strlen(findings.items[0].field) <= 1024);
    assert_true(kt_utf8_valid(kt_str(findings.items[0].field)));
}

static void test_order(void **state)
{
    (void)state;
    static const char *const fields[] = {"b", "a[10]", "a[2].x", "a[2]", "", "a[10]", "a"};
    static const char *const sorted[] = {"", "a", "a[2]", "a[2].x", "a[10]", "b"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(fields); i++) {
        add(fields[i], KT_PROBLEM_NOTE, NULL, "same");
    }
    kt_findings_sort(&findings);
    assert_int_equal(findings.count, KT_ARRAY_LENGTH(sorted));
    for (size_t i = 0; i < findings.count; i++) {
        assert_string_equal(findings.items[i].field, sorted[i]);
    }
}

static void test_a_flood_is_counted_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        kt_findings_add(&findings, "T001", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, "f", KT_PROBLEM_NOTE, NULL, "number %zu",
                        i);
    }
    assert_int_equal(findings.count, KT_LIMIT_FINDINGS + 1);
    assert_true(findings.truncated);
    assert_string_equal(findings.items[KT_LIMIT_FINDINGS].rule, "LIMIT");
    assert_true(kt_findings_has_error(&findings));
}

static void test_json(void **state)
{
    (void)state;
    struct kt_strbuf text;
    kt_strbuf_init(&text, &arena, (size_t)KT_MIB);
    kt_findings_write_json(&text, &findings);
    assert_string_equal(text.data, "[]");
    kt_strbuf_clear(&text);
    add("a.b", KT_PROBLEM_INVALID, "x", "bad");
    struct kt_finding *second = kt_findings_add(&findings, "U010", KT_SEVERITY_WARNING, KT_ORIGIN_UPSTREAM, "",
                                                KT_PROBLEM_NOTE, NULL, "\"quoted\"");
    second->relaxed = true;
    kt_findings_write_json(&text, &findings);
    assert_string_equal(
        text.data,
        "[{\"rule\":\"T001\",\"severity\":\"error\",\"origin\":\"own\",\"relaxed\":false,\"field\":\"a.b\","
        "\"message\":\"Invalid value: \\\"x\\\": bad\"},{\"rule\":\"U010\",\"severity\":\"warning\",\"origin\":"
        "\"upstream\",\"relaxed\":true,\"field\":\"\",\"message\":\"\\\"quoted\\\"\"}]");
}

/* Allocation by allocation, running out of memory loses findings and nothing else. */
static void test_no_memory(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 6000; limit += 40) {
        struct kt_arena small;
        struct kt_findings list;
        kt_arena_init(&small, limit);
        kt_findings_init(&list, &small);
        for (size_t i = 0; i < 20; i++) {
            kt_findings_add(&list, "T001", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, "f", KT_PROBLEM_INVALID, "v", "n %zu", i);
        }
        assert_true(list.count == 20 || small.failed);
        kt_findings_sort(&list);
        kt_arena_release(&small);
    }
}

/* --- warnings ------------------------------------------------------------------------------------------------------*/

static void test_warnings_are_fit_for_the_api_server(void **state)
{
    (void)state;
    struct kt_warnings warnings;
    kt_warnings_init(&warnings, &arena);
    kt_warnings_add(&warnings, KT_STR("one\ntwo\r\n\n  three \x1B[1m\xC2\x9B\x7F"));
    kt_warnings_add(&warnings, KT_STR("two"));
    assert_int_equal(warnings.count, 3);
    assert_string_equal(warnings.items[0], "one");
    assert_string_equal(warnings.items[1], "two");
    assert_string_equal(warnings.items[2], "three [1m");
    char text[2000];
    for (size_t i = 0; i + 1 < sizeof(text); i += 2) {
        memcpy(text + i, "\xC3\xA9", 2);
    }
    kt_warnings_add(&warnings, (struct kt_str){text, 1998});
    assert_int_equal(kt_utf8_count(kt_str(warnings.items[3])), KT_LIMIT_WARNING_RUNES);
    assert_true(kt_utf8_valid(kt_str(warnings.items[3])));
}

static void test_many_warnings(void **state)
{
    (void)state;
    struct kt_warnings warnings;
    kt_warnings_init(&warnings, &arena);
    for (int i = 0; i < 40; i++) {
        kt_warnings_add(&warnings, kt_str(kt_arena_printf(&arena, "warning %d", i)));
    }
    assert_int_equal(warnings.count, KT_LIMIT_WARNINGS);
    assert_string_equal(warnings.items[KT_LIMIT_WARNINGS - 2], "warning 14");
    assert_non_null(strstr(warnings.items[KT_LIMIT_WARNINGS - 1], "and 25 more"));
    struct kt_strbuf json;
    kt_strbuf_init(&json, &arena, (size_t)KT_MIB);
    kt_warnings_write_json(&json, &warnings);
    assert_int_equal(kt_json_count(kt_test_json(&arena, json.data)), KT_LIMIT_WARNINGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_texts_are_cut_at_a_character, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_flood_is_counted_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_warnings_are_fit_for_the_api_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_warnings, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
