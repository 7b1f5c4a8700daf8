/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
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

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void test_members_are_found_by_exact_name(void **state)
{
    cJSON *root = kt_test_json(*state, "{\"Spec\":1,\"spec\":{\"a\":[10,20]},\"\":3,\"specs\":4}");
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
        assert_string_equal(kt_json_kind(kt_test_json(*state, kinds[i][0])), kinds[i][1]);
    assert_string_equal(kt_json_kind(NULL), "");
    assert_true(kt_json_is_null(kt_test_json(*state, "null")));
    assert_false(kt_json_is_null(NULL));
    assert_true(kt_json_is_bool(kt_test_json(*state, "false")));
    assert_true(kt_json_true(kt_test_json(*state, "true")));
    assert_false(kt_json_true(kt_test_json(*state, "1")));
    assert_string_equal(kt_json_string_or(kt_test_json(*state, "5"), "none"), "none");
    assert_string_equal(kt_json_string_or(kt_test_json(*state, "\"5\""), "none"), "5");
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
        if (!kt_json_int64(kt_test_json(*state, good[i].text), &value))
            fail_msg("%s is refused", good[i].text);
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        int64_t value = 42;
        if (kt_json_int64(kt_test_json(*state, bad[i]), &value))
            fail_msg("%s is taken", bad[i]);
        assert_int_equal(value, 42);
    }
    double number = 0;
    assert_true(kt_json_double(kt_test_json(*state, "0.05"), &number));
    assert_true(number == 0.05);
    assert_false(kt_json_double(kt_test_json(*state, "\"0.05\""), &number));
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
        cJSON *a = kt_test_json(*state, cases[i].a), *b = kt_test_json(*state, cases[i].b);
        if (kt_json_equal(a, b) != cases[i].equal || kt_json_equal(b, a) != cases[i].equal)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
    assert_true(kt_json_equal(NULL, NULL));
    assert_false(kt_json_equal(NULL, kt_test_json(*state, "null")));
}

/* {"kN":N,...} for N from first up to count, then from 0 up to first. */
static cJSON *members_from(struct kt_arena *arena, size_t first, size_t count)
{
    cJSON *object = kt_json_new_object(arena);
    for (size_t i = 0; i < count; i++)
        kt_json_add(arena, object, kt_arena_printf(arena, "k%zu", (first + i) % count),
                    kt_json_new_int(arena, (int64_t)((first + i) % count)));
    return object;
}

static void test_many_members_are_equal_in_any_order(void **state)
{
    struct kt_arena *arena = *state;
    static const size_t counts[] = {1, 2, 16, 17, 18, 500};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(counts); i++) {
        size_t count = counts[i];
        cJSON *a = members_from(arena, 0, count), *b = members_from(arena, count / 2, count);
        assert_true(kt_json_equal(a, b) && kt_json_equal_counted(arena, a, b));
        kt_json_set_int(arena, b, "k0", 7); /* another value */
        assert_false(kt_json_equal(a, b) || kt_json_equal_counted(arena, a, b));
        b = members_from(arena, count / 2, count);
        kt_json_remove(b, "k0"); /* another name */
        kt_json_add(arena, b, "other", kt_json_new_int(arena, 0));
        assert_false(kt_json_equal(a, b) || kt_json_equal_counted(arena, a, b));
    }
    assert_true(kt_json_equal_counted(arena, NULL, NULL));
    assert_false(kt_json_equal_counted(arena, NULL, members_from(arena, 0, 1)));
}

static void test_comparing_takes_steps_and_ends_without_them(void **state)
{
    struct kt_arena *arena = *state;
    cJSON *a = members_from(arena, 0, 1000), *b = members_from(arena, 1, 1000);
    kt_arena_limit_work(arena, 1000000);
    assert_true(kt_json_equal_counted(arena, a, b));
    uint64_t needed = arena->work;
    assert_in_range(needed, 1000, 150000); /* a pairwise search would look at half a million */
    kt_arena_limit_work(arena, needed - 1);
    assert_false(kt_json_equal_counted(arena, a, b));
    assert_true(arena->failed && arena->overworked);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_members_are_found_by_exact_name),
        TEST(test_kinds),
        TEST(test_integers_are_exact),
        TEST(test_equality_is_by_value),
        TEST(test_many_members_are_equal_in_any_order),
        TEST(test_comparing_takes_steps_and_ends_without_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
