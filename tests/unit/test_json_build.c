/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <string.h>

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

/* --- building ----------------------------------------------------------------------------------------------------- */

static void test_objects_are_built_and_changed(void **state)
{
    cJSON *root = kt_json_new_object(*state);
    kt_json_set_string(*state, root, "s", "text");
    kt_json_set_int(*state, root, "i", INT64_MIN);
    kt_json_set_bool(*state, root, "b", true);
    kt_json_set(*state, root, "n", kt_json_new_string(*state, NULL));
    kt_json_set_int(*state, kt_json_ensure_object(*state, root, "o"), "x", 1);
    kt_json_set_int(*state, kt_json_ensure_object(*state, root, "o"), "y", 2);
    assert_string_equal(kt_test_json_text(*state, root),
                        "{\"s\":\"text\",\"i\":-9223372036854775808,\"b\":true,\"n\":null,\"o\":{\"x\":1,\"y\":2}}");
    /* Replacing keeps the place: first, middle, last. */
    kt_json_set_int(*state, root, "s", 1);
    kt_json_set_int(*state, root, "b", 2);
    kt_json_set_int(*state, root, "o", 3);
    kt_test_json_sound(root);
    assert_string_equal(kt_test_json_text(*state, root),
                        "{\"s\":1,\"i\":-9223372036854775808,\"b\":2,\"n\":null,\"o\":3}");
    kt_json_remove(root, "i");
    kt_json_remove(root, "o");
    kt_json_remove(root, "s");
    kt_json_remove(root, "absent");
    kt_test_json_sound(root);
    assert_string_equal(kt_test_json_text(*state, root), "{\"b\":2,\"n\":null}");
    kt_json_remove(root, "b");
    kt_json_remove(root, "n");
    assert_null(root->child);
    kt_json_set_int(*state, root, "again", 1);
    kt_json_set_int(*state, root, "again", 2);
    kt_test_json_sound(root);
    assert_string_equal(kt_test_json_text(*state, root), "{\"again\":2}");
    /* cJSON's own functions agree about the result. */
    assert_int_equal(cJSON_GetArraySize(root), 1);
}

static void test_members_that_were_only_appended(void **state)
{
    static const size_t others[] = {0, 3, 100};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(others); i++) {
        cJSON *object = kt_json_new_object(*state);
        kt_json_keep_last(*state, object);
        kt_json_add(*state, object, "a", kt_json_new_int(*state, 1));
        kt_json_add(*state, object, "b", kt_json_new_int(*state, 2));
        for (size_t k = 0; k < others[i]; k++)
            kt_json_add(*state, object, kt_arena_printf(*state, "k%zu", k), kt_json_new_int(*state, 0));
        kt_json_add(*state, object, "a", kt_json_new_int(*state, 3));
        kt_json_keep_last(*state, object);
        kt_test_json_sound(object);
        int64_t value = 0;
        assert_int_equal(kt_json_count(object), 2 + others[i]);
        assert_true(kt_json_int64(kt_json_get(object, "a"), &value) && value == 3);
        assert_ptr_equal(object->child, kt_json_get(object, "b"));
    }
}

static void test_a_clone_of_nodes_shares_texts(void **state)
{
    cJSON *original = kt_test_json(*state, "{\"a\":[\"x\",1],\"b\":{\"c\":null}}");
    cJSON *clone = kt_json_clone_nodes(*state, original);
    kt_test_json_sound(clone);
    assert_true(kt_json_equal(clone, original));
    assert_ptr_not_equal(clone->child, original->child);
    assert_ptr_equal(clone->child->string, original->child->string);
    kt_json_set_int(*state, clone, "a", 2);
    assert_string_equal(kt_test_json_text(*state, original), "{\"a\":[\"x\",1],\"b\":{\"c\":null}}");
    assert_null(kt_json_clone_nodes(*state, NULL));
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
    kt_test_json_sound(array);
    assert_string_equal(kt_test_json_text(*state, array), "[0,1,2,3,4]");
    kt_json_detach(array, kt_json_item(array, 4));
    kt_json_detach(array, kt_json_item(array, 0));
    kt_json_append(*state, array, kt_json_new_int(*state, 5));
    kt_test_json_sound(array);
    assert_string_equal(kt_test_json_text(*state, array), "[1,2,3,5]");
}

static void test_a_value_with_a_parent_is_shared_not_stolen(void **state)
{
    cJSON *source = kt_test_json(*state, "{\"a\":{\"x\":[1,2]},\"b\":1}");
    cJSON *target = kt_json_new_object(*state), *list = kt_json_new_array(*state);
    kt_json_set(*state, target, "copy", kt_json_get(source, "a"));
    kt_json_append(*state, list, kt_json_get(source, "a"));
    kt_json_append(*state, list, kt_json_get(source, "b"));
    kt_test_json_sound(source);
    kt_test_json_sound(target);
    kt_test_json_sound(list);
    assert_string_equal(kt_test_json_text(*state, source), "{\"a\":{\"x\":[1,2]},\"b\":1}");
    assert_string_equal(kt_test_json_text(*state, target), "{\"copy\":{\"x\":[1,2]}}");
    assert_string_equal(kt_test_json_text(*state, list), "[{\"x\":[1,2]},1]");
    /* Setting a member to itself changes nothing. */
    kt_json_set(*state, source, "a", kt_json_get(source, "a"));
    assert_string_equal(kt_test_json_text(*state, source), "{\"a\":{\"x\":[1,2]},\"b\":1}");
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
        assert_string_equal(kt_test_json_text(*state, node), doubles[i].text);
        assert_true(kt_test_json(*state, doubles[i].text)->valuedouble == doubles[i].value);
    }
    assert_string_equal(kt_test_json_text(*state, kt_json_new_double(*state, (double)NAN)), "null");
    assert_string_equal(kt_test_json_text(*state, kt_json_new_double(*state, (double)INFINITY)), "null");
    assert_string_equal(kt_test_json_text(*state, kt_json_new_number_text(*state, KT_STR("1.0"))), "1.0");
    assert_string_equal(kt_test_json_text(*state, kt_json_new_number_text(*state, KT_STR("-9007199254740993"))),
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

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_objects_are_built_and_changed),
        TEST(test_members_that_were_only_appended),
        TEST(test_a_clone_of_nodes_shares_texts),
        TEST(test_arrays_are_built_in_order),
        TEST(test_a_value_with_a_parent_is_shared_not_stolen),
        TEST(test_building_on_nothing_does_nothing),
        TEST(test_new_numbers),
        TEST(test_too_deep_trees_end_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
