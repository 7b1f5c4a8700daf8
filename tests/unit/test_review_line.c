/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "admission/review.h"
#include "base/limits.h"
#include "tests/lib/admission_case.h"
#include "tests/lib/cmocka_all.h"
#include "webhook/render.h"
#include "webhook/review.h"

static struct kt_admission_case test;

static int set_up(void **state)
{
    (void)state;
    kt_admission_case_init(&test);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_admission_case_release(&test);
    return 0;
}

static const char *answer_text(const char *line, size_t length, bool schema)
{
    struct kt_review_line_options options = {.schema = schema};
    struct kt_strbuf answer;
    kt_settings_init(&options.settings);
    kt_strbuf_init(&answer, &test.arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_review_line(&test.arena, (struct kt_str){line, length}, &options, &answer);
    assert_false(answer.failed);
    assert_null(memchr(answer.data, '\n', answer.length));
    return answer.data;
}

static cJSON *ask(const char *line, bool schema)
{
    return kt_test_json(&test.arena, answer_text(line, strlen(line), schema));
}

static cJSON *ask_object(const char *operation, const cJSON *object, const cJSON *old, const char *more)
{
    const char *line = kt_arena_printf(
        &test.arena, "{\"id\":\"a\",\"request\":{\"operation\":\"%s\",\"object\":%s,\"oldObject\":%s}%s}", operation,
        kt_test_write_json(&test.arena, object), old ? kt_test_write_json(&test.arena, old) : "null", more);
    return ask(line, true);
}

static cJSON *tuning(const char *patch)
{
    return kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
}

/* allowed is true exactly when no finding is an error, and every member is there. */
static bool sound(const cJSON *answer)
{
    static const char *const findings_members[] = {"rule", "severity", "origin", "relaxed", "field", "message"};
    bool has_error = false;
    const cJSON *finding;
    cJSON_ArrayForEach(finding, kt_json_get(answer, "findings"))
    {
        has_error = has_error || kt_streq(kt_json_string(kt_json_get(finding, "severity")), "error");
        for (size_t i = 0; i < KT_ARRAY_LENGTH(findings_members); i++) {
            if (!kt_json_get(finding, findings_members[i])) {
                return false;
            }
        }
        if (kt_json_count(finding) != KT_ARRAY_LENGTH(findings_members)) {
            return false;
        }
    }
    return kt_json_is_bool(kt_json_get(answer, "allowed")) &&
           kt_json_true(kt_json_get(answer, "allowed")) == !has_error &&
           kt_json_is_array(kt_json_get(answer, "warnings")) && kt_json_is_array(kt_json_get(answer, "patch")) &&
           kt_json_get(answer, "mutated") && kt_json_count(answer) == 6;
}

static bool has_finding(const cJSON *answer, const char *rule)
{
    const cJSON *finding;
    cJSON_ArrayForEach(finding, kt_json_get(answer, "findings"))
    {
        if (kt_streq(kt_json_string(kt_json_get(finding, "rule")), rule)) {
            return true;
        }
    }
    return false;
}

static void test_golden(void **state)
{
    (void)state;
    const cJSON *answer = ask_object("CREATE", tuning("{\"resource\":{\"count\":null}}"), NULL, "");
    assert_true(sound(answer));
    assert_true(kt_json_true(kt_json_get(answer, "allowed")));
    assert_string_equal(kt_test_write_json(&test.arena, kt_json_get(answer, "patch")),
                        "[{\"op\":\"add\",\"path\":\"/resource/count\",\"value\":1}]");
    assert_string_equal(kt_test_write_json(&test.arena, kt_json_path(answer, "mutated", "resource", "count", NULL)),
                        "1");
    static const char deletion[] = "{\"id\":1.50,\"request\":{\"operation\":\"DELETE\",\"oldObject\":{}}}";
    assert_string_equal(answer_text(deletion, sizeof(deletion) - 1, false),
                        "{\"id\":1.50,\"allowed\":true,\"findings\":[],\"warnings\":[],\"patch\":[],\"mutated\":null}");
}

/* What an API server would have cut off is gone before the rules look, and named in a warning. */
static void test_schema_mode(void **state)
{
    (void)state;
    cJSON *object = tuning("{\"bogus\":{\"big\":12345678901234567890},\"tuning\":{\"config\":null}}");
    const cJSON *answer = ask_object("CREATE", object, NULL, "");
    assert_true(sound(answer));
    assert_null(kt_json_path(answer, "mutated", "bogus", NULL));
    assert_null(kt_json_path(answer, "mutated", "tuning", "config", NULL));
    assert_non_null(
        strstr(kt_test_write_json(&test.arena, kt_json_get(answer, "warnings")), "unknown field \\\"bogus\\\""));
    answer = ask(kt_arena_printf(&test.arena, "{\"id\":\"a\",\"request\":{\"operation\":\"CREATE\",\"object\":%s}}",
                                 kt_test_write_json(&test.arena, object)),
                 false);
    assert_string_equal(kt_test_write_json(&test.arena, kt_json_path(answer, "mutated", "bogus", NULL)),
                        "{\"big\":12345678901234567890}");
    answer = ask_object("CREATE", tuning("{\"resource\":{\"count\":\"x\"}}"), NULL, "");
    assert_true(sound(answer) && has_finding(answer, "SCHEMA"));
}

static void test_settings_and_cluster(void **state)
{
    (void)state;
    cJSON *object = tuning("{\"tuning\":{\"config\":\"mine\"}}");
    assert_false(has_finding(ask_object("CREATE", object, NULL, ""), "C001")); /* nothing is known of the cluster */
    assert_true(has_finding(ask_object("CREATE", object, NULL, ",\"clusterObjects\":[]"), "C001"));
    assert_true(has_finding(
        ask_object("CREATE", object, NULL, ",\"featureGates\":{\"disableNodeAutoProvisioning\":true}"), "R003"));
    static const char *const bad[] = {",\"featureGates\":{\"x\":true}", ",\"featureGates\":[]", ",\"settings\":5",
                                      ",\"clusterObjects\":{}"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        const cJSON *answer = ask_object("CREATE", object, NULL, bad[i]);
        assert_true(sound(answer) && has_finding(answer, "DECODE"));
    }
}

static void test_duplicates_take_the_last_value(void **state)
{
    (void)state;
    const cJSON *answer =
        ask("{\"id\":\"a\",\"request\":{\"operation\":\"CREATE\",\"object\":{\"tuning\":{\"method\":\"bogus\","
            "\"method\":\"lora\",\"Method\":\"x\"}}}}",
            true);
    assert_true(sound(answer));
    assert_false(has_finding(answer, "T001"));
    const char *warnings = kt_test_write_json(&test.arena, kt_json_get(answer, "warnings"));
    assert_non_null(strstr(warnings, "duplicate field \\\"tuning.method\\\""));
    assert_non_null(strstr(warnings, "unknown field \\\"tuning.Method\\\""));
}

/* A line with a readable id always gets a verdict. */
static void test_undecodable_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"id\":\"a\"",
        "{\"id\":\"a\",",
        "{\"id\" : \"a\" , \"request\":{\"object\":{\"x\":\"\\u0000\"}}}",
        "{\"request\":{\"object\":\"\xFF\"},\"id\":\"a\"}",
        "{\"request\":{\"id\":\"no\",\"a\":[{\"id\":\"no\"}]},\"x\":01,\"id\":\"a\"}",
        "{\"id\":\"a\",\"request\":5}",
        "{\"id\":\"a\"}",
        "{\"id\":\"a\",\"request\":{\"operation\":\"PATCH\",\"object\":{}}}",
        "{\"id\":\"a\",\"request\":{\"operation\":\"CREATE\",\"object\":{}},}",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lines); i++) {
        const cJSON *answer = ask(lines[i], true);
        assert_string_equal(kt_json_string_or(kt_json_get(answer, "id"), "none"), "a");
        assert_true(sound(answer) && has_finding(answer, "DECODE"));
        assert_false(kt_json_true(kt_json_get(answer, "allowed")));
    }
    static const char *const without_id[] = {
        "",
        "  ",
        "null",
        "[]",
        "5",
        "{}",
        "{\"id\":null}",
        "{\"id\":{}}",
        "{\"id\":",
        "{\"id\":\"a",
        "{\"id\":\"\xFF\",}",
        "{\"ID\":\"a\"}",
        "\"id\":\"a\"",
        "{\"id\":\"\\u00\",]",
        "{\"id\":-,",
        "{\"x\":{\"id\":\"a\"}",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(without_id); i++) {
        const cJSON *answer = ask(without_id[i], false);
        assert_non_null(kt_json_string(kt_json_get(answer, "error")));
        assert_int_equal(kt_json_count(answer), 1);
    }
}

static void test_deep_and_wide_lines(void **state)
{
    (void)state;
    struct kt_strbuf line;
    kt_strbuf_init(&line, &test.arena, (size_t)(32 * KT_MIB));
    kt_strbuf_puts(&line, "{\"id\":\"deep\",\"request\":");
    for (size_t i = 0; i < 100000; i++) {
        kt_strbuf_puts(&line, "{\"a\":");
    }
    const cJSON *answer = ask(line.data, true);
    assert_string_equal(kt_json_string(kt_json_get(answer, "id")), "deep");
    assert_true(sound(answer) && has_finding(answer, "DECODE"));
}

/* A text cut at every byte is answered, and the answer is JSON. */
static void test_every_prefix(void **state)
{
    (void)state;
    const char *line = kt_arena_printf(&test.arena,
                                       "{\"id\":\"a\",\"request\":{\"operation\":\"CREATE\",\"object\":%s},"
                                       "\"settings\":{},\"clusterObjects\":[]}",
                                       kt_test_write_json(&test.arena, kt_admission_case_tuning(&test)));
    for (size_t length = 0; length <= strlen(line); length++) {
        const cJSON *answer = kt_test_json(&test.arena, answer_text(line, length, true));
        assert_true(length < 9 ? kt_json_get(answer, "error") != NULL : sound(answer));
    }
}

/* --- the programs around it ----------------------------------------------------------------------------------------*/

static char *run_program(int (*run)(FILE *in, FILE *out), const char *input, size_t length)
{
    char *output = NULL;
    size_t output_length = 0;
    FILE *in = length > 0 ? fmemopen((void *)(uintptr_t)input, length, "r") : fopen("/dev/null", "r");
    FILE *out = open_memstream(&output, &output_length);
    assert_non_null(in);
    assert_non_null(out);
    assert_int_equal(run(in, out), 0);
    fclose(in);
    fclose(out);
    return output;
}

static int run_review(FILE *in, FILE *out)
{
    return kt_webhook_review_main(true, in, out, stderr);
}

static int run_render(FILE *in, FILE *out)
{
    return kt_webhook_render_main(in, out, stderr);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++) {
        count += *text == '\n';
    }
    return count;
}

static void test_one_answer_a_line_in_order(void **state)
{
    (void)state;
    static const char input[] =
        "{\"id\":\"1\",\"request\":{\"operation\":\"DELETE\"}}\nrubbish\n\n{\"id\":\"4\"}\n{\"id\":\"5\"";
    char *output = run_program(run_review, input, sizeof(input) - 1);
    assert_int_equal(count_lines(output), 5);
    assert_true(kt_str_starts_with(kt_str(output), KT_STR("{\"id\":\"1\",\"allowed\":true")));
    assert_non_null(strstr(output, "\n{\"error\":"));
    assert_non_null(strstr(output, "\n{\"id\":\"4\",\"allowed\":false"));
    assert_non_null(strstr(output, "\n{\"id\":\"5\",\"allowed\":false"));
    free(output);
    output = run_program(run_review, "", 0);
    assert_string_equal(output, "");
    free(output);
}

/* Lines longer than a request may be: the beginning is enough for a verdict, and the next line is read as usual. */
static void test_endless_lines(void **state)
{
    (void)state;
    size_t length = 2 * KT_LIMIT_REVIEW_BODY_BYTES;
    char *input = kt_arena_alloc(&test.arena, length);
    memset(input, 'x', length);
    static const char beginning[] = "{\"id\":\"long\",\"request\":\"";
    static const char end[] = "\n{\"id\":\"next\",\"request\":{\"operation\":\"DELETE\"}}\n";
    memcpy(input, beginning, sizeof(beginning) - 1);
    memcpy(input + length - (sizeof(end) - 1), end, sizeof(end) - 1);
    char *output = run_program(run_review, input, length);
    assert_int_equal(count_lines(output), 2);
    assert_true(kt_str_starts_with(kt_str(output), KT_STR("{\"id\":\"long\",\"allowed\":false")));
    const char *told = kt_arena_printf(&test.arena, "longer than %zu bytes", KT_LIMIT_REVIEW_BODY_BYTES);
    assert_non_null(strstr(output, told));
    assert_non_null(strstr(output, "{\"id\":\"next\",\"allowed\":true"));
    free(output);
}

static void test_render_counts_nodes(void **state)
{
    (void)state;
    static const struct {
        const char *object, *count;
    } cases[] = {
        {"{\"tuning\":{\"preset\":{\"name\":\"phi-4\"}},\"resource\":{\"count\":3}}", "1"},
        {"{\"inference\":{\"template\":{}},\"resource\":{\"count\":3}}", "3"},
        {"{\"metadata\":{\"annotations\":{\"kaito.sh/"
         "runtime\":\"transformers\"}},\"inference\":{\"preset\":{\"name\":\"phi-4\"}},"
         "\"resource\":{\"count\":2}}",
         "2"},
        {"{\"inference\":{\"preset\":{\"name\":\"phi-4\"}},\"resource\":{\"instanceType\":\"Standard_NC24ads_A100_v4\"}"
         "}",
         "1"},
        {"{\"inference\":{\"preset\":{\"name\":\"llama-3.3-70b-instruct\"}},\"resource\":{\"instanceType\":"
         "\"standard_nc24ads_a100_v4\"}}",
         "3"},
        {"{\"inference\":{\"preset\":{\"name\":\"phi-4\"}},\"resource\":{\"instanceType\":\"bogus\"}}", "null"},
        {"{\"inference\":{\"preset\":{\"name\":\"no-such\"}},\"resource\":{\"instanceType\":\"Standard_NC24ads_A100_"
         "v4\"}}",
         "null"},
        {"5", "null"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *line = kt_arena_printf(&test.arena, "{\"id\":\"a\",\"object\":%s}\n", cases[i].object);
        char *output = run_program(run_render, line, strlen(line));
        const cJSON *answer = kt_test_json(&test.arena, kt_arena_strndup(&test.arena, output, strlen(output) - 1));
        assert_string_equal(kt_test_write_json(&test.arena, kt_json_get(answer, "targetNodeCount")), cases[i].count);
        /* The count is told even where the objects cannot be. */
        assert_int_equal(kt_json_count(kt_json_get(answer, "objects")), 0);
        assert_true(kt_json_is_string(kt_json_get(answer, "error")));
        free(output);
    }
}

static void test_render_gives_a_tunings_objects(void **state)
{
    (void)state;
    const char *line = "{\"id\":7,\"object\":{\"metadata\":{\"name\":\"w\"},\"resource\":{\"instanceType\":"
                       "\"Standard_NC24ads_A100_v4\"},\"tuning\":{\"preset\":{\"name\":\"phi-4\"},\"input\":{\"urls\":["
                       "\"https://a.io/1.json\"]},\"output\":{\"volumeSource\":{}}}},\"settings\":{\"presetRegistry\":"
                       "\"r.io/k\"}}\n";
    char *output = run_program(run_render, line, strlen(line));
    const cJSON *answer = kt_test_json(&test.arena, kt_arena_strndup(&test.arena, output, strlen(output) - 1));
    assert_true(kt_json_is_null(kt_json_get(answer, "error")));
    assert_int_equal(kt_json_count(kt_json_get(answer, "objects")), 4);
    const cJSON *job = kt_json_item(kt_json_get(answer, "objects"), 3);
    const cJSON *trainer = kt_json_item(kt_json_path(job, "spec", "template", "spec", "containers", NULL), 0);
    assert_string_equal(kt_json_string(kt_json_get(trainer, "image")), "r.io/k/kaito-base:0.4.2");
    free(output);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_golden),
        TEST(test_schema_mode),
        TEST(test_settings_and_cluster),
        TEST(test_duplicates_take_the_last_value),
        TEST(test_undecodable_lines),
        TEST(test_deep_and_wide_lines),
        TEST(test_every_prefix),
        TEST(test_one_answer_a_line_in_order),
        TEST(test_endless_lines),
        TEST(test_render_counts_nodes),
        TEST(test_render_gives_a_tunings_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
