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
        TEST(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
