/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

static const struct kt_str nothing = {NULL, 0};

static void test_equality(void **state KT_UNUSED)
{
    assert_true(kt_str_equal(KT_STR("abc"), kt_str("abc")));
    assert_false(kt_str_equal(KT_STR("abc"), KT_STR("abd")));
    assert_false(kt_str_equal(KT_STR("abc"), KT_STR("ab")));
    assert_false(kt_str_equal(KT_STR("a\0b"), KT_STR("a\0c")));
    assert_true(kt_str_equal(nothing, KT_STR("")));
    assert_true(kt_str_equal(kt_str(NULL), nothing));
    assert_true(kt_streq("a", "a"));
    assert_false(kt_streq("a", "A"));
}

static void test_case_is_ignored_for_ascii_only(void **state KT_UNUSED)
{
    assert_true(kt_str_equal_nocase(KT_STR("Standard_NC24ads_A100_v4"), KT_STR("standard_nc24ADS_a100_V4")));
    assert_false(kt_str_equal_nocase(KT_STR("a-b"), KT_STR("a_b")));
    assert_false(kt_str_equal_nocase(KT_STR("ab"), KT_STR("abc")));
    assert_false(kt_str_equal_nocase(KT_STR("\xC3\x89"), KT_STR("\xC3\xA9")));
    assert_false(kt_str_equal_nocase(KT_STR("["), KT_STR("{"))); /* 0x20 apart, but no letters */
    assert_true(kt_streq_nocase("QLoRA", "qlora"));
    assert_true(kt_str_equal_nocase(nothing, KT_STR("")));
}

static void test_prefix_and_suffix(void **state KT_UNUSED)
{
    assert_true(kt_str_starts_with(KT_STR("kaito.sh/x"), KT_STR("kaito.sh/")));
    assert_false(kt_str_starts_with(KT_STR("kaito"), KT_STR("kaito.sh/")));
    assert_true(kt_str_starts_with(KT_STR("x"), nothing));
    assert_true(kt_str_ends_with(KT_STR("a.yaml"), KT_STR(".yaml")));
    assert_false(kt_str_ends_with(KT_STR("yaml"), KT_STR(".yaml")));
    assert_false(kt_str_ends_with(nothing, KT_STR("x")));
    assert_true(kt_str_ends_with(nothing, nothing));
}

static void test_trim_and_find(void **state KT_UNUSED)
{
    assert_true(kt_str_equal(kt_str_trim(KT_STR(" \t\r\n a b \v\f")), KT_STR("a b")));
    assert_true(kt_str_equal(kt_str_trim(KT_STR("   ")), KT_STR("")));
    assert_true(kt_str_equal(kt_str_trim(nothing), nothing));
    assert_true(kt_str_equal(kt_str_trim(KT_STR("\xC2\xA0x")), KT_STR("\xC2\xA0x")));
    assert_int_equal(kt_str_find_char(KT_STR("a:b:c"), ':'), 1);
    assert_true(kt_str_find_char(KT_STR("abc"), ':') == SIZE_MAX);
    assert_true(kt_str_find_char(nothing, 'a') == SIZE_MAX);
    assert_true(kt_str_find_char((struct kt_str){"abc", 2}, 'c') == SIZE_MAX);
}

static void test_ascii_classes(void **state KT_UNUSED)
{
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        bool digit = i >= '0' && i <= '9';
        bool upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';
        assert_int_equal(kt_ascii_is_digit(byte), digit);
        assert_int_equal(kt_ascii_is_alnum(byte), digit || upper || lower);
        assert_int_equal(kt_ascii_lower(byte), upper ? (char)(i + 32) : byte);
    }
}

static void plain_text_ends_at_the_first_other_byte(void **state)
{
    (void)state;
    char text[64];
    for (size_t length = 0; length < sizeof(text); length++) {
        for (int odd = 0; odd < 256; odd++) {
            for (size_t at = 0; at < length; at += 7) {
                memset(text, '~', length);
                text[at] = (char)odd;
                bool plain = odd >= ' ' && odd <= '~';
                assert_int_equal(kt_str_plain_length((struct kt_str){text, length}), plain ? length : at);
            }
        }
    }
    assert_int_equal(kt_str_plain_length((struct kt_str){NULL, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality),          cmocka_unit_test(test_case_is_ignored_for_ascii_only),
        cmocka_unit_test(test_prefix_and_suffix), cmocka_unit_test(test_trim_and_find),
        cmocka_unit_test(test_ascii_classes),     cmocka_unit_test(plain_text_ends_at_the_first_other_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
