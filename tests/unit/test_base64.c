/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "text/base64.h"

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

static struct kt_str encoded(struct kt_str data)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, &arena, (size_t)KT_MIB);
    kt_base64_encode(&buffer, data);
    assert_false(buffer.failed);
    return kt_strbuf_view(&buffer);
}

static void assert_decodes(struct kt_str text, struct kt_str wanted)
{
    struct kt_str got;
    struct kt_error error;
    if (kt_base64_decode(&arena, text, &got, &error) != 0)
        fail_msg("%.40s: %s", text.data, error.message);
    assert_int_equal(got.length, wanted.length);
    assert_memory_equal(got.data, wanted.data, wanted.length);
    assert_int_equal(got.data[got.length], '\0');
}

/* RFC 4648, section 10. */
static void test_the_vectors_of_the_rfc(void **state KT_UNUSED)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(vectors); i++) {
        assert_string_equal(encoded(kt_str(vectors[i][0])).data, vectors[i][1]);
        assert_decodes(kt_str(vectors[i][1]), kt_str(vectors[i][0]));
    }
}

static void test_every_byte_at_every_place_comes_back(void **state KT_UNUSED)
{
    char data[260];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)i;
    for (size_t start = 0; start < 3; start++) {
        struct kt_str all = {data + start, sizeof(data) - start};
        assert_decodes(encoded(all), all);
    }
    assert_string_equal(encoded(KT_STR("\xFB\xEF\xBE\xFF\xFF\xFF")).data, "++++////");
    assert_decodes(KT_STR("++++////"), KT_STR("\xFB\xEF\xBE\xFF\xFF\xFF"));
    assert_decodes(KT_STR("AAA="), KT_STR("\0\0"));
}

static void test_white_space_is_skipped(void **state KT_UNUSED)
{
    assert_decodes(KT_STR(" Zm9v\r\nYm\tFy\n"), KT_STR("foobar"));
    assert_decodes(KT_STR("Zg=\n=\n"), KT_STR("f"));
    assert_decodes(KT_STR(" \n"), KT_STR(""));
}

static void test_what_is_not_base64_is_refused(void **state KT_UNUSED)
{
    static const char *const bad[] = {"Z",     "Zg",       "Zg=",  "Zm9",  "Zm9v=", "=",        "====",    "Z===",
                                      "Zg==Z", "Zg==Zg==", "Zg=a", "Zm-v", "Zm_v",  "Zm9v\x01", "Zm9\xC3", "Zm9vY"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        struct kt_str got = {"untouched", 9};
        struct kt_error error = {0};
        if (kt_base64_decode(&arena, kt_str(bad[i]), &got, &error) != KT_EPARSE)
            fail_msg("%s is taken", bad[i]);
        assert_string_equal(got.data, "untouched");
        assert_int_equal(error.code, KT_EPARSE);
    }
    struct kt_str got;
    assert_int_equal(kt_base64_decode(&arena, KT_STR("Zm9v\0"), &got, NULL), KT_EPARSE);
}

static void test_no_memory_and_limits(void **state KT_UNUSED)
{
    struct kt_arena small;
    struct kt_str got;
    kt_arena_init(&small, 16);
    assert_int_equal(kt_base64_decode(&small, KT_STR("Zm9vZm9vZm9vZm9vZm9vZm9v"), &got, NULL), KT_ENOMEM);
    kt_arena_release(&small);
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, &arena, 7);
    kt_base64_encode(&buffer, KT_STR("foobar"));
    assert_true(buffer.failed);
    assert_int_equal(buffer.length, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_vectors_of_the_rfc), TEST(test_every_byte_at_every_place_comes_back),
        TEST(test_white_space_is_skipped), TEST(test_what_is_not_base64_is_refused),
        TEST(test_no_memory_and_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
