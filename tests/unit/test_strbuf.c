/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/strbuf.h"

/* The same behaviour on the heap (NULL) and in an arena. */
static void build_text(struct kt_arena *arena)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, 100000);
    assert_string_equal(buffer.data, "");
    kt_strbuf_puts(&buffer, "");
    assert_string_equal(buffer.data, "");
    kt_strbuf_putc(&buffer, 'a');
    kt_strbuf_add(&buffer, "bcX", 2);
    kt_strbuf_add_str(&buffer, KT_STR("d"));
    kt_strbuf_add_str(&buffer, (struct kt_str){NULL, 0});
    kt_strbuf_printf(&buffer, "%s%d", "e", 5);
    kt_strbuf_printf(&buffer, "%s", "");
    assert_string_equal(buffer.data, "abcde5");
    assert_int_equal(buffer.length, 6);
    for (int i = 0; i < 9000; i++)
        kt_strbuf_printf(&buffer, "%09d\n", i);
    assert_false(buffer.failed);
    assert_int_equal(buffer.length, 6 + 90000);
    assert_int_equal(strlen(buffer.data), buffer.length);
    assert_memory_equal(buffer.data + 6 + 45670, "000004567\n", 10);
    const char *kept = buffer.data;
    kt_strbuf_clear(&buffer);
    assert_string_equal(buffer.data, "");
    kt_strbuf_puts(&buffer, "again");
    assert_ptr_equal(buffer.data, kept);
    struct kt_str view = kt_strbuf_view(&buffer);
    assert_true(kt_str_equal(view, KT_STR("again")));
}

static void test_text_is_built_on_the_heap(void **state KT_UNUSED)
{
    build_text(NULL);
}

static void test_text_is_built_in_an_arena(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    build_text(&arena);
}

static void test_bytes_with_nul_are_kept(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, NULL, 10);
    kt_strbuf_add(&buffer, "a\0b", 3);
    kt_strbuf_putc(&buffer, '\0');
    assert_int_equal(buffer.length, 4);
    assert_memory_equal(buffer.data, "a\0b\0", 5);
}

static void test_the_limit_is_exact_and_nothing_is_added_after_it(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, NULL, 5);
    kt_strbuf_puts(&buffer, "12345");
    assert_false(buffer.failed);
    kt_strbuf_putc(&buffer, '6');
    assert_true(buffer.failed);
    assert_string_equal(buffer.data, "12345");
    kt_strbuf_clear(&buffer);
    assert_false(buffer.failed);
    kt_strbuf_puts(&buffer, "123");
    kt_strbuf_puts(&buffer, "456"); /* whole or not at all */
    kt_strbuf_puts(&buffer, "7");
    assert_true(buffer.failed);
    assert_string_equal(buffer.data, "123");
    kt_strbuf_clear(&buffer);
    kt_strbuf_printf(&buffer, "%d", 123456);
    assert_true(buffer.failed);
    assert_string_equal(buffer.data, "");
    kt_strbuf_clear(&buffer);
    assert_false(kt_strbuf_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.failed);
}

static void test_no_memory_is_noticed_once_at_the_end(void **state KT_UNUSED)
{
    for (size_t nth = 1; nth < 6; nth++) {
        KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, NULL, 100000);
        kt_heap_fail_from(nth);
        for (int i = 0; i < 5000; i++)
            kt_strbuf_puts(&buffer, "0123456789");
        kt_heap_fail_from(0);
        assert_true(buffer.failed);
        assert_int_equal(strlen(buffer.data), buffer.length);
        assert_int_equal(buffer.length % 10, 0);
    }
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, 200);
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, &arena, 100000);
    for (int i = 0; i < 100; i++)
        kt_strbuf_puts(&buffer, "0123456789");
    assert_true(buffer.failed);
    assert_true(arena.failed);
    assert_int_equal(strlen(buffer.data), buffer.length);
}

static void test_a_zeroed_buffer_may_be_released(void **state KT_UNUSED)
{
    struct kt_strbuf buffer = {0};
    kt_strbuf_release(&buffer);
    assert_string_equal(buffer.data, "");
    kt_strbuf_init(&buffer, NULL, 10);
    kt_strbuf_puts(&buffer, "x");
    kt_strbuf_release(&buffer);
    assert_string_equal(buffer.data, "");
    kt_strbuf_puts(&buffer, "y");
    assert_string_equal(buffer.data, "y");
    kt_strbuf_release(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_built_on_the_heap),
        cmocka_unit_test(test_text_is_built_in_an_arena),
        cmocka_unit_test(test_bytes_with_nul_are_kept),
        cmocka_unit_test(test_the_limit_is_exact_and_nothing_is_added_after_it),
        cmocka_unit_test(test_no_memory_is_noticed_once_at_the_end),
        cmocka_unit_test(test_a_zeroed_buffer_may_be_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
