/* SPDX-License-Identifier: Apache-2.0 */
/* What is read out of an inference config map, in every spelling that YAML allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admission/inference_facts.h"
#include "base/limits.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;

static int set_up(void **state)
{
    (void)state;
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_arena_release(&arena);
    return 0;
}

/* Reads the config map `mine` of namespace `default`, whose data is this object. */
static struct kt_inference_config read_data(cJSON *data, const char *name)
{
    cJSON *objects = kt_test_json(&arena, "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
                                          "\"metadata\":{\"name\":\"mine\",\"namespace\":\"default\"}}]");
    kt_json_set(&arena, kt_json_item(objects, 0), "data", data);
    static struct kt_cluster_objects storage;
    struct kt_cluster cluster = kt_cluster_from_objects(&arena, objects, &storage);
    struct kt_inference_config config;
    kt_inference_config_read(&arena, &cluster, "default", name, &config);
    return config;
}

static struct kt_inference_config read_text(const char *text)
{
    cJSON *data = kt_json_new_object(&arena);
    kt_json_set_string(&arena, data, KT_INFERENCE_CONFIG_KEY, text);
    return read_data(data, "mine");
}

static void the_map_and_its_key_are_looked_for(void **state)
{
    (void)state;
    assert_int_equal(read_data(kt_test_json(&arena, "{}"), "mine").state, KT_INFERENCE_CONFIG_NO_KEY);
    assert_int_equal(read_data(kt_test_json(&arena, "{\"other\":\"x\"}"), "mine").state, KT_INFERENCE_CONFIG_NO_KEY);
    assert_int_equal(read_data(kt_test_json(&arena, "{}"), "other").state, KT_INFERENCE_CONFIG_ABSENT);
    assert_int_equal(read_data(kt_test_json(&arena, "{}"), "").state, KT_INFERENCE_CONFIG_NONE);
    assert_int_equal(read_data(kt_test_json(&arena, "{}"), NULL).state, KT_INFERENCE_CONFIG_NONE);
    struct kt_inference_config config;
    kt_inference_config_read(&arena, &kt_cluster_unknown, NULL, "mine", &config);
    assert_int_equal(config.state, KT_INFERENCE_CONFIG_UNKNOWN);
    assert_string_equal(config.namespace_, "default");
}

static void kinds_are_those_that_upstream_decodes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum kt_inference_config_state state;
    } rows[] = {
        {"", KT_INFERENCE_CONFIG_READ},
        {"# nothing\n", KT_INFERENCE_CONFIG_READ},
        {"~", KT_INFERENCE_CONFIG_READ},
        {"other: [1, {a: b}]\n", KT_INFERENCE_CONFIG_READ},
        {"vllm:\n", KT_INFERENCE_CONFIG_READ},
        {"vllm: {}\n", KT_INFERENCE_CONFIG_READ},
        {"vllm: {a: 1, b: true, c: 1.5, d: text, e: null}\n", KT_INFERENCE_CONFIG_READ},
        {"vllm: {a: 1, a: 2}\n", KT_INFERENCE_CONFIG_READ},
        {"vllm: {1: 2}\n", KT_INFERENCE_CONFIG_READ},
        {"{\"vllm\": {\"a\": 1}}", KT_INFERENCE_CONFIG_READ},
        {"hello", KT_INFERENCE_CONFIG_WRONG_KIND},
        {"- a\n", KT_INFERENCE_CONFIG_WRONG_KIND},
        {"17", KT_INFERENCE_CONFIG_WRONG_KIND},
        {"vllm: [a]\n", KT_INFERENCE_CONFIG_WRONG_KIND},
        {"vllm: abc\n", KT_INFERENCE_CONFIG_WRONG_KIND},
        {"vllm: {a: {b: 1}}\n", KT_INFERENCE_CONFIG_WRONG_KIND},
        {"vllm: {a: [1]}\n", KT_INFERENCE_CONFIG_WRONG_KIND},
        {": : :\n -", KT_INFERENCE_CONFIG_UNPARSABLE},
        {"vllm: {\n", KT_INFERENCE_CONFIG_UNPARSABLE},
        {"vllm: *nobody\n", KT_INFERENCE_CONFIG_UNPARSABLE},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_inference_config config = read_text(rows[i].text);
        if (config.state != rows[i].state) {
            fail_msg("%s: state %d: %s", rows[i].text, (int)config.state, config.problem ? config.problem : "");
        }
        assert_true((config.problem != NULL) == (rows[i].state != KT_INFERENCE_CONFIG_READ));
    }
}

static void max_model_len_keeps_its_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *written; /* NULL: not given */
        int64_t tokens;      /* INT64_MIN: no integer */
    } rows[] = {
        {"vllm: {max-model-len: 2048}", "2048", 2048},
        {"vllm:\n  max-model-len: 2048\n", "2048", 2048},
        {"vllm:\n  max-model-len: 2048 # enough\n", "2048", 2048},
        {"vllm:\n  max-model-len: \"2048\"\n", "2048", 2048},
        {"vllm:\n  max-model-len: ' 2048 '\n", "2048", 2048},
        {"# \xc3\xa9t\xc3\xa9\nvllm: {d\xc3\xa9j\xc3\xa0: 1, max-model-len: 0x800}", "0x800", INT64_MIN},
        {"vllm: {max-model-len: 2_048, a: 1}", "2_048", INT64_MIN},
        {"vllm: {max-model-len: +5}", "+5", 5},
        {"vllm: {max-model-len: -1}", "-1", -1},
        {"vllm: {max-model-len: 0}", "0", 0},
        {"vllm: {max-model-len: 010}", "010", 10},
        {"vllm: {max-model-len: 2048.5}", "2048.5", INT64_MIN},
        {"vllm: {max-model-len: 2048.0}", "2048.0", INT64_MIN},
        {"vllm: {max-model-len: 1e3}", "1e3", INT64_MIN},
        {"vllm: {max-model-len: 8k}", "8k", INT64_MIN},
        {"vllm: {max-model-len: auto}", "auto", INT64_MIN},
        {"vllm: {max-model-len: true}", "true", INT64_MIN},
        {"vllm: {max-model-len: 99999999999999999999}", "99999999999999999999", INT64_MIN},
        {"vllm: {max-model-len: 1, max-model-len: 2}", "2", 2},
        {"{\"vllm\": {\"max-model-len\":2048}}", "2048", 2048},
        {"vllm: {max-model-len: }", NULL, 0},
        {"vllm: {max-model-len: \"\"}", NULL, 0},
        {"vllm: {max-model-len: \"  \"}", NULL, 0},
        {"vllm: {max-model-len: null}", NULL, 0},
        {"vllm: {max_model_len: 2048}", NULL, 0},
        {"max-model-len: 2048", NULL, 0},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_inference_config config = read_text(rows[i].text);
        assert_int_equal(config.state, KT_INFERENCE_CONFIG_READ);
        const struct kt_max_model_len *longest = &config.max_model_len;
        const char *got = longest->text ? longest->text : "(absent)";
        const char *wanted = rows[i].written ? rows[i].written : "(absent)";
        bool integer = rows[i].written && rows[i].tokens != INT64_MIN;
        if (!kt_streq(got, wanted) || longest->is_integer != integer ||
            (integer && longest->tokens != rows[i].tokens)) {
            fail_msg("%s: got %s (%d, %lld)", rows[i].text, got, longest->is_integer, (long long)longest->tokens);
        }
    }
}

static void an_alias_counts_with_its_value(void **state)
{
    (void)state;
    struct kt_inference_config config = read_text("length: &l 4096\nvllm:\n  max-model-len: *l\n");
    assert_true(config.max_model_len.is_integer);
    assert_int_equal(config.max_model_len.tokens, 4096);
}

static void our_own_limits_are_told_from_upstreams(void **state)
{
    (void)state;
    char *deep = kt_arena_alloc(&arena, 2 * KT_LIMIT_YAML_DEPTH + 1);
    memset(deep, '[', KT_LIMIT_YAML_DEPTH * 2);
    struct kt_inference_config config = read_text(deep);
    assert_int_equal(config.state, KT_INFERENCE_CONFIG_UNPARSABLE);
    assert_true(config.upstream_reads_it);
    assert_false(read_text("vllm: [").upstream_reads_it);
}

static void a_text_beyond_the_limit_is_not_read(void **state)
{
    (void)state;
    char *text = kt_arena_alloc(&arena, KT_LIMIT_CONFIG_TEXT_BYTES + 2);
    memset(text, '#', KT_LIMIT_CONFIG_TEXT_BYTES + 1);
    struct kt_inference_config config = read_text(text);
    assert_int_equal(config.state, KT_INFERENCE_CONFIG_TOO_LARGE);
    assert_true(config.upstream_reads_it);
    assert_string_equal(config.problem, "its text has 65537 bytes, and at most 65536 are read");
    text[KT_LIMIT_CONFIG_TEXT_BYTES] = '\0';
    assert_int_equal(read_text(text).state, KT_INFERENCE_CONFIG_READ);
}

static void the_other_spelling_is_noticed(void **state)
{
    (void)state;
    assert_string_equal(read_text("vllm: {max_model_len: 1}").misspelt_key, "max_model_len");
    assert_null(read_text("vllm: {max-model-len: 1}").misspelt_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_map_and_its_key_are_looked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kinds_are_those_that_upstream_decodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(max_model_len_keeps_its_spelling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_alias_counts_with_its_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(our_own_limits_are_told_from_upstreams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_text_beyond_the_limit_is_not_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_other_spelling_is_noticed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
