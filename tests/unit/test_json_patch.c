/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/limits.h"
#include "tests/lib/json_text.h"
#include "text/json_patch.h"
#include "text/json_pointer.h"

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

static cJSON *parse(const char *text)
{
    return kt_test_json(&arena, text);
}

static const char *written(const cJSON *node)
{
    return kt_test_json_text(&arena, node);
}

/* Many from RFC 6902, appendix A. */
static void test_operations_that_apply(void **state KT_UNUSED)
{
    static const struct {
        const char *document, *patch, *wanted;
    } cases[] = {
        {"{\"foo\":\"bar\"}", "[]", "{\"foo\":\"bar\"}"},
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
         "{\"foo\":\"bar\",\"baz\":\"qux\"}"},
        {"{\"foo\":[1,3]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":2}]", "{\"foo\":[1,2,3]}"},
        {"{\"foo\":[1,3]}", "[{\"op\":\"add\",\"path\":\"/foo/0\",\"value\":[0]}]", "{\"foo\":[[0],1,3]}"},
        {"{\"foo\":[1,3]}", "[{\"op\":\"add\",\"path\":\"/foo/2\",\"value\":4}]", "{\"foo\":[1,3,4]}"},
        {"{\"foo\":[]}", "[{\"op\":\"add\",\"path\":\"/foo/0\",\"value\":4}]", "{\"foo\":[4]}"},
        {"{\"foo\":[1]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":{\"a\":1.0}}]", "{\"foo\":[1,{\"a\":1.0}]}"},
        {"{\"a\":1,\"b\":2}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null,\"b\":2}"},
        {"{}", "[{\"op\":\"add\",\"path\":\"/a~1b~0c\",\"value\":1}]", "{\"a/b~c\":1}"},
        {"{}", "[{\"op\":\"add\",\"path\":\"/\",\"value\":1}]", "{\"\":1}"},
        {"{\"m\":{\"annotations\":{}}}",
         "[{\"op\":\"add\",\"path\":\"/m/annotations/kaito.sh~1runtime\",\"value\":\"vllm\"}]",
         "{\"m\":{\"annotations\":{\"kaito.sh/runtime\":\"vllm\"}}}"},
        {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[9007199254740993]}]", "[9007199254740993]"},
        {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":7}]", "7"},
        {"{\"a\":1,\"b\":{\"c\":2},\"d\":3}", "[{\"op\":\"replace\",\"path\":\"/b/c\",\"value\":[]}]",
         "{\"a\":1,\"b\":{\"c\":[]},\"d\":3}"},
        {"[1,2,3]", "[{\"op\":\"replace\",\"path\":\"/2\",\"value\":4}]", "[1,2,4]"},
        {"{\"a\":1,\"b\":2}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{\"b\":2}"},
        {"[1,2,3]", "[{\"op\":\"remove\",\"path\":\"/1\"}]", "[1,3]"},
        {"[1]", "[{\"op\":\"remove\",\"path\":\"/0\"},{\"op\":\"add\",\"path\":\"/-\",\"value\":2}]", "[2]"},
        {"{\"a\":{\"b\":[1.0]}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"b\":[1]}}]", "{\"a\":{\"b\":[1.0]}}"},
        {"{\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]", "{\"~1\":10}"},
        {"{\"a\":1}",
         "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":1}},{\"op\":\"remove\",\"path\":\"/a\",\"x\":1}]", "{}"},
        {"{}",
         "[{\"op\":\"add\",\"path\":\"/a\",\"value\":{}},{\"op\":\"add\",\"path\":\"/a/b\",\"value\":[]},"
         "{\"op\":\"add\",\"path\":\"/a/b/-\",\"value\":1}]",
         "{\"a\":{\"b\":[1]}}"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct kt_error error = {0};
        cJSON *root = parse(cases[i].document), *patch = parse(cases[i].patch);
        if (kt_json_patch_apply(&arena, &root, patch, &error) != 0)
            fail_msg("%s: %s", cases[i].patch, error.message);
        assert_string_equal(written(root), cases[i].wanted);
        assert_int_equal(error.code, 0);
        /* The patch is still whole and can be applied to another object. */
        assert_string_equal(written(patch), written(parse(cases[i].patch)));
    }
}

static void test_operations_that_do_not_apply_change_nothing(void **state KT_UNUSED)
{
    static const struct {
        const char *patch, *part;
    } cases[] = {
        {"{}", "must be an array"},
        {"[1]", "operation 1"},
        {"[{}]", "op must be one of add, replace, remove and test"},
        {"[{\"op\":\"Add\",\"path\":\"/x\",\"value\":1}]", "op must be one of"},
        {"[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/x\"}]", "op must be one of"},
        {"[{\"op\":1,\"path\":\"/x\",\"value\":1}]", "op must be one of"},
        {"[{\"op\":\"add\",\"value\":1}]", "path must be a string"},
        {"[{\"op\":\"add\",\"path\":null,\"value\":1}]", "path must be a string"},
        {"[{\"op\":\"add\",\"path\":\"x\",\"value\":1}]", "not a JSON pointer"},
        {"[{\"op\":\"add\",\"path\":\"/~\",\"value\":1}]", "not a JSON pointer"},
        {"[{\"op\":\"add\",\"path\":\"/~2\",\"value\":1}]", "not a JSON pointer"},
        {"[{\"op\":\"add\",\"path\":\"/x\"}]", "(add \"/x\"): it has no value"},
        {"[{\"op\":\"replace\",\"path\":\"/a\"}]", "it has no value"},
        {"[{\"op\":\"test\",\"path\":\"/a\"}]", "it has no value"},
        {"[{\"op\":\"add\",\"path\":\"/x/y\",\"value\":1}]", "a part of the path does not exist"},
        {"[{\"op\":\"add\",\"path\":\"/n/y\",\"value\":1}]", "neither an object nor an array"},
        {"[{\"op\":\"add\",\"path\":\"/a/4\",\"value\":1}]", "beyond the end"},
        {"[{\"op\":\"add\",\"path\":\"/a/18446744073709551616\",\"value\":1}]", "not an index"},
        {"[{\"op\":\"add\",\"path\":\"/a/01\",\"value\":1}]", "not an index"},
        {"[{\"op\":\"add\",\"path\":\"/a/-1\",\"value\":1}]", "not an index"},
        {"[{\"op\":\"add\",\"path\":\"/a/x\",\"value\":1}]", "not an index"},
        {"[{\"op\":\"add\",\"path\":\"/a/\",\"value\":1}]", "not an index"},
        {"[{\"op\":\"replace\",\"path\":\"/x\",\"value\":1}]", "nothing at this path to replace"},
        {"[{\"op\":\"replace\",\"path\":\"/a/3\",\"value\":1}]", "nothing at this path to replace"},
        {"[{\"op\":\"replace\",\"path\":\"/a/-\",\"value\":1}]", "nothing at this path to replace"},
        {"[{\"op\":\"remove\",\"path\":\"/x\"}]", "nothing at this path to remove"},
        {"[{\"op\":\"remove\",\"path\":\"/a/-\"}]", "nothing at this path to remove"},
        {"[{\"op\":\"remove\",\"path\":\"\"}]", "the whole object cannot be removed"},
        {"[{\"op\":\"test\",\"path\":\"/x\",\"value\":null}]", "nothing at this path to test"},
        {"[{\"op\":\"test\",\"path\":\"/n\",\"value\":\"1\"}]", "another one"},
        {"[{\"op\":\"add\",\"path\":\"/x\",\"value\":1},{\"op\":\"remove\",\"path\":\"/n\"},"
         "{\"op\":\"add\",\"path\":\"/a/0\",\"value\":1},{\"op\":\"test\",\"path\":\"/x\",\"value\":2}]",
         "operation 4 of the JSON Patch (test \"/x\")"},
        {"[{\"op\":\"remove\",\"path\":\"/\\u001b[31m\"}]", "(remove \"/\\u001b[31m\")"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        cJSON *root = parse("{\"a\":[1,2,3],\"n\":1}"), *before = root;
        struct kt_error error = {0};
        int code = kt_json_patch_apply(&arena, &root, parse(cases[i].patch), &error);
        if (code != KT_EINVAL || !strstr(error.message, cases[i].part))
            fail_msg("%s: code %d, %s", cases[i].patch, code, error.message);
        assert_ptr_equal(root, before);
        assert_string_equal(written(root), "{\"a\":[1,2,3],\"n\":1}");
    }
    cJSON *root = parse("{}");
    assert_int_equal(kt_json_patch_apply(&arena, &root, NULL, NULL), KT_EINVAL);
}

/* An object inside a review can be patched where it is. */
static void test_a_member_is_patched_in_its_place(void **state KT_UNUSED)
{
    cJSON *review = parse("{\"uid\":\"u\",\"object\":{\"a\":1},\"end\":true}");
    cJSON *object = kt_json_get(review, "object");
    assert_int_equal(
        kt_json_patch_apply(&arena, &object, parse("[{\"op\":\"add\",\"path\":\"/b\",\"value\":2}]"), NULL), 0);
    assert_ptr_equal(object, kt_json_get(review, "object"));
    assert_string_equal(written(review), "{\"uid\":\"u\",\"object\":{\"a\":1,\"b\":2},\"end\":true}");
    assert_int_equal(cJSON_GetArraySize(review), 3);
}

static void test_a_patch_is_built_with_shared_values(void **state KT_UNUSED)
{
    cJSON *root = parse("{\"spec\":{\"x\":[1]}}");
    cJSON *patch = kt_json_new_array(&arena);
    char pointer[] = "/spec/count";
    kt_json_patch_add(&arena, patch, pointer, kt_json_new_int(&arena, 1));
    memset(pointer, 'X', sizeof(pointer) - 1); /* the pointer is copied */
    kt_json_patch_add(&arena, patch, "/copy", kt_json_get(root, "spec"));
    kt_json_patch_add(&arena, patch, "/nothing", NULL);
    assert_string_equal(written(patch), "[{\"op\":\"add\",\"path\":\"/spec/count\",\"value\":1},"
                                        "{\"op\":\"add\",\"path\":\"/copy\",\"value\":{\"x\":[1]}}]");
    assert_string_equal(written(root), "{\"spec\":{\"x\":[1]}}");
    assert_int_equal(kt_json_patch_apply(&arena, &root, patch, NULL), 0);
    assert_string_equal(written(root), "{\"spec\":{\"x\":[1],\"count\":1},\"copy\":{\"x\":[1]}}");
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

static cJSON *operations(size_t count, const char *pointer, cJSON *value)
{
    cJSON *patch = kt_json_new_array(&arena);
    for (size_t i = 0; i < count; i++)
        kt_json_patch_add(&arena, patch, pointer, value);
    return patch;
}

static cJSON *nested_arrays(size_t levels)
{
    cJSON *inner = kt_json_new_array(&arena);
    for (size_t i = 1; i < levels; i++) {
        cJSON *outer = kt_json_new_array(&arena);
        kt_json_append(&arena, outer, inner);
        inner = outer;
    }
    return inner;
}

static int apply(const char *document, cJSON *patch, struct kt_error *error)
{
    cJSON *root = parse(document);
    return kt_json_patch_apply(&arena, &root, patch, error);
}

static void test_limits_are_named_and_exact(void **state KT_UNUSED)
{
    struct kt_error error;
    cJSON *one = kt_json_new_int(&arena, 1);
    assert_int_equal(apply("[]", operations(KT_LIMIT_PATCH_OPERATIONS, "/-", one), &error), 0);
    assert_int_equal(apply("[]", operations(KT_LIMIT_PATCH_OPERATIONS + 1, "/-", one), &error), KT_ELIMIT);
    assert_non_null(strstr(error.message, "more operations than the limit of 10000"));

    assert_int_equal(apply("[]", operations(1, "/-", nested_arrays(KT_LIMIT_JSON_DEPTH - 1)), &error), 0);
    assert_int_equal(apply("[]", operations(1, "/-", nested_arrays(KT_LIMIT_JSON_DEPTH)), &error), KT_ELIMIT);
    assert_non_null(strstr(error.message, "levels of nesting than the limit of 64"));
    assert_int_equal(apply("[]", operations(1, "", nested_arrays(KT_LIMIT_JSON_DEPTH)), &error), 0);
    assert_int_equal(apply("[]", operations(1, "", nested_arrays(5000)), &error), KT_ELIMIT);
    /* Level by level. */
    assert_int_equal(apply("{}", operations(KT_LIMIT_JSON_DEPTH - 1, "/a", kt_json_new_object(&arena)), &error), 0);

    cJSON *wide = kt_json_new_array(&arena);
    for (int i = 0; i < 999; i++)
        kt_json_append(&arena, wide, kt_json_new_int(&arena, i));
    assert_int_equal(apply("[]", operations(99, "/-", wide), &error), 0);
    assert_int_equal(apply("[]", operations(100, "/-", wide), &error), KT_ELIMIT);
    assert_non_null(strstr(error.message, "more values than the limit of 100000"));
}

static void test_a_chain_of_nested_additions_stops_at_the_limit(void **state KT_UNUSED)
{
    cJSON *patch = kt_json_new_array(&arena);
    struct kt_strbuf pointer;
    kt_strbuf_init(&pointer, &arena, 10000);
    for (size_t i = 0; i < 100; i++) {
        kt_json_pointer_add_key(&pointer, "a");
        kt_json_patch_add(&arena, patch, pointer.data, kt_json_new_object(&arena));
    }
    struct kt_error error;
    assert_int_equal(apply("{}", patch, &error), KT_ELIMIT);
    assert_non_null(strstr(error.message, "levels of nesting"));
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void test_every_arena_limit_is_survived(void **state KT_UNUSED)
{
    static const char wanted[] = "{\"a\":[0,1,{\"b\":\"c\"}],\"new~\":{\"x\":1.50},\"r\":[]}";
    cJSON *patch =
        parse("[{\"op\":\"add\",\"path\":\"/a/0\",\"value\":0},{\"op\":\"add\",\"path\":\"/new~0\",\"value\":"
              "{\"x\":1.50}},{\"op\":\"replace\",\"path\":\"/r\",\"value\":[]},{\"op\":\"remove\",\"path\":\"/z\"}]");
    size_t failures = 0;
    for (size_t limit = 0;; limit += 16) {
        KT_CLEANUP(kt_arena_release) struct kt_arena small;
        kt_arena_init(&small, limit);
        cJSON *root = parse("{\"a\":[1,{\"b\":\"c\"}],\"r\":1,\"z\":null}");
        struct kt_error error = {0};
        int code = kt_json_patch_apply(&small, &root, patch, &error);
        if (code == 0) {
            assert_false(small.failed);
            assert_true(kt_json_equal(root, parse(wanted)));
            break;
        }
        failures++;
        assert_int_equal(code, KT_ENOMEM);
        assert_int_equal(error.code, KT_ENOMEM);
        assert_string_equal(written(root), "{\"a\":[1,{\"b\":\"c\"}],\"r\":1,\"z\":null}");
    }
    assert_true(failures > 10);
}

static void test_building_without_memory_adds_nothing(void **state KT_UNUSED)
{
    for (size_t limit = 0;; limit += 16) {
        KT_CLEANUP(kt_arena_release) struct kt_arena small;
        kt_arena_init(&small, limit);
        cJSON *patch = kt_json_new_array(&arena);
        kt_json_patch_add(&small, patch, "/spec/count", kt_json_new_int(&arena, 1));
        if (!small.failed) {
            assert_string_equal(written(patch), "[{\"op\":\"add\",\"path\":\"/spec/count\",\"value\":1}]");
            break;
        }
        assert_string_equal(written(patch), "[]");
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_operations_that_apply),
        TEST(test_operations_that_do_not_apply_change_nothing),
        TEST(test_a_member_is_patched_in_its_place),
        TEST(test_a_patch_is_built_with_shared_values),
        TEST(test_limits_are_named_and_exact),
        TEST(test_a_chain_of_nested_additions_stops_at_the_limit),
        TEST(test_every_arena_limit_is_survived),
        TEST(test_building_without_memory_adds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
