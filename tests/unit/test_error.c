/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "text/json.h"

static void test_an_error_is_set_and_wrapped(void **state KT_UNUSED)
{
    struct kt_error error = {0};
    assert_int_equal(kt_error_set(&error, KT_ENOTFOUND, "no %s called %s", "file", "x"), KT_ENOTFOUND);
    assert_int_equal(error.code, KT_ENOTFOUND);
    assert_string_equal(error.message, "no file called x");
    assert_int_equal(kt_error_wrap(&error, "reading %d of %d", 1, 2), KT_ENOTFOUND);
    assert_string_equal(error.message, "reading 1 of 2: no file called x");
    kt_error_wrap(&error, "checking");
    assert_string_equal(error.message, "checking: reading 1 of 2: no file called x");
}

static void test_nobody_needs_to_listen(void **state KT_UNUSED)
{
    assert_int_equal(kt_error_set(NULL, KT_EIO, "%s", "x"), KT_EIO);
    assert_true(kt_error_wrap(NULL, "%s", "x") < 0);
}

/* Long messages are cut between characters, whatever their length. */
static void test_long_messages_are_cut_between_characters(void **state KT_UNUSED)
{
    struct kt_error error;
    char text[4000];
    for (size_t shift = 0; shift < 8; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 4);
        kt_error_set(&error, KT_EPARSE, "%s", text);
        struct kt_str message = kt_str(error.message);
        assert_true(message.length < sizeof(error.message) && message.length > sizeof(error.message) - 8);
        assert_true(kt_str_ends_with(message, KT_STR("...")));
        assert_true(kt_utf8_valid(message));

        kt_error_wrap(&error, "context");
        message = kt_str(error.message);
        assert_true(kt_str_starts_with(message, KT_STR("context: ")));
        assert_true(kt_str_ends_with(message, KT_STR("...")));
        assert_true(kt_utf8_valid(message));

        kt_error_set(&error, KT_EPARSE, "inner");
        kt_error_wrap(&error, "%s", text);
        message = kt_str(error.message);
        assert_true(kt_str_ends_with(message, KT_STR("...")));
        assert_true(kt_utf8_valid(message));
        assert_int_equal(error.code, KT_EPARSE);
    }
}

static void test_a_message_that_just_fits_is_whole(void **state KT_UNUSED)
{
    struct kt_error error;
    char text[sizeof(error.message)];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    kt_error_set(&error, KT_EPARSE, "%s", text);
    assert_string_equal(error.message, text);
    text[sizeof(text) - 2] = '\0';
    kt_error_set(&error, KT_EPARSE, "%s", text + 9);
    kt_error_wrap(&error, "context");
    assert_int_equal(strlen(error.message), sizeof(error.message) - 2);
    assert_false(kt_str_ends_with(kt_str(error.message), KT_STR("...")));
}

static void test_every_code_has_a_name_of_its_own(void **state KT_UNUSED)
{
    for (int code = KT_EINTERRUPTED; code <= KT_OK; code++) {
        const char *name = kt_error_name((enum kt_error_code)code);
        assert_string_not_equal(name, "unknown");
        for (int other = code + 1; other <= KT_OK; other++)
            assert_string_not_equal(name, kt_error_name((enum kt_error_code)other));
    }
    assert_string_equal(kt_error_name(KT_ENOTFOUND), "not-found");
    assert_string_equal(kt_error_name((enum kt_error_code) - 999), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_error_is_set_and_wrapped),
        cmocka_unit_test(test_nobody_needs_to_listen),
        cmocka_unit_test(test_long_messages_are_cut_between_characters),
        cmocka_unit_test(test_a_message_that_just_fits_is_whole),
        cmocka_unit_test(test_every_code_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
