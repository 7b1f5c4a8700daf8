/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ADDRESS_SANITIZER
#endif
#ifdef WITH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

static bool is_zeroed(const char *memory, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memory[i] != 0)
            return false;
    return true;
}

static void test_memory_is_zeroed_aligned_and_separate(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(16 * KT_MIB));
    for (int round = 0; round < 3; round++) {
        char *pieces[200];
        for (size_t i = 0; i < KT_ARRAY_LENGTH(pieces); i++) {
            size_t size = i * 37 % 1000 + (i % 50 == 0 ? 40000 : 0);
            pieces[i] = kt_arena_alloc(&arena, size);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
            assert_true(is_zeroed(pieces[i], size));
            memset(pieces[i], (int)i, size);
        }
        for (size_t i = 0; i < KT_ARRAY_LENGTH(pieces); i++) {
            size_t size = i * 37 % 1000 + (i % 50 == 0 ? 40000 : 0);
            for (size_t k = 0; k < size; k++)
                assert_int_equal((unsigned char)pieces[i][k], i);
        }
        /* What was written before a reset must not show through. */
        kt_arena_reset(&arena);
    }
    assert_false(arena.failed);
}

static void test_the_limit_is_exact_and_failing_sticks_until_reset(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, 1024);
    assert_non_null(kt_arena_alloc(&arena, 1000));
    assert_non_null(kt_arena_alloc(&arena, 16));
    assert_false(arena.failed);
    assert_null(kt_arena_alloc(&arena, 1));
    assert_true(arena.failed);
    assert_int_equal(arena.used_bytes, 1024);
    assert_non_null(kt_arena_alloc(&arena, 0));
    assert_true(arena.failed);
    kt_arena_reset(&arena);
    assert_false(arena.failed);
    assert_int_equal(arena.used_bytes, 0);
    assert_int_equal(arena.high_water_bytes, 1024);
    assert_non_null(kt_arena_alloc(&arena, 1024));
    assert_null(kt_arena_alloc(&arena, 1));
}

static void test_work_is_counted_up_to_a_limit(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, 1024);
    assert_true(kt_arena_work(&arena, SIZE_MAX / 2, "anything")); /* as much as one likes */
    kt_arena_limit_work(&arena, 100);
    assert_int_equal(arena.work, 0);
    assert_true(kt_arena_work(&arena, 60, "the first"));
    assert_true(kt_arena_work(&arena, 40, "the second"));
    assert_true(kt_arena_work(&arena, 0, "nothing"));
    assert_false(arena.failed);
    assert_false(kt_arena_work(&arena, 1, "the third"));
    assert_true(arena.failed);
    assert_string_equal(arena.overworked, "the third");
    assert_false(kt_arena_work(&arena, 0, "the fourth")); /* what ended stays so, and the first cause is told */
    assert_string_equal(arena.overworked, "the third");
    assert_non_null(kt_arena_alloc(&arena, 16)); /* the refusal needs memory */
    kt_arena_reset(&arena);
    assert_false(arena.failed);
    assert_null(arena.overworked);
    assert_false(kt_arena_work(&arena, SIZE_MAX, "all at once"));
    assert_int_equal(arena.work, 0);
}

static void test_absurd_sizes_fail_cleanly(void **state KT_UNUSED)
{
    static const size_t limits[] = {0, 1, 4096, SIZE_MAX};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(limits); i++) {
        KT_CLEANUP(kt_arena_release) struct kt_arena arena;
        kt_arena_init(&arena, limits[i]);
        assert_null(kt_arena_alloc(&arena, SIZE_MAX));
        assert_true(arena.failed);
        assert_null(kt_arena_alloc(&arena, SIZE_MAX - 14));
        assert_null(kt_arena_calloc(&arena, SIZE_MAX / 2, 3));
        assert_null(kt_arena_strndup(&arena, "x", SIZE_MAX));
        kt_arena_reset(&arena);
        assert_null(kt_arena_calloc(&arena, SIZE_MAX, 16));
        assert_true(arena.failed);
    }
}

static void test_a_reset_arena_needs_no_more_heap(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    size_t after_first = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 500; i++)
            assert_non_null(kt_arena_alloc(&arena, 200));
        kt_arena_reset(&arena);
        if (round == 0)
            after_first = kt_heap_allocation_count();
    }
    assert_int_equal(kt_heap_allocation_count(), after_first);
}

static void test_a_reset_gives_large_memory_back(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    for (int i = 0; i < 100; i++)
        assert_non_null(kt_arena_alloc(&arena, 300000));
    assert_non_null(kt_arena_alloc(&arena, 100));
    kt_arena_reset(&arena);
    assert_true(arena.kept_bytes <= KT_ARENA_KEEP_BYTES);
    assert_non_null(kt_arena_alloc(&arena, 300000));
}

static void test_copies_of_text(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    assert_string_equal(kt_arena_strdup(&arena, ""), "");
    assert_string_equal(kt_arena_strdup(&arena, "abc"), "abc");
    assert_string_equal(kt_arena_strndup(&arena, "abcdef", 3), "abc");
    assert_string_equal(kt_arena_strndup(&arena, NULL, 0), "");
    struct kt_str text = kt_arena_str(&arena, KT_STR("a\0b"));
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.data, "a\0b", 4);
    assert_string_equal(kt_arena_printf(&arena, "%s-%d", "x", 42), "x-42");
    char *large = kt_arena_printf(&arena, "%0*d", 100000, 7);
    assert_int_equal(strlen(large), 100000);
}

static void test_running_out_of_heap_is_survived(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    kt_heap_fail_from(1);
    void *first = kt_arena_alloc(&arena, 10);
    char *text = kt_arena_strdup(&arena, "abc");
    char *printed = kt_arena_printf(&arena, "%d", 1);
    struct kt_str view = kt_arena_str(&arena, KT_STR("abc"));
    kt_heap_fail_from(0);
    assert_null(first);
    assert_null(text);
    assert_null(printed);
    assert_null(view.data);
    assert_int_equal(view.length, 0);
    assert_true(arena.failed);
    assert_int_equal(arena.used_bytes, 0);
    kt_arena_reset(&arena);
    assert_non_null(kt_arena_alloc(&arena, 10));
}

static void test_a_zeroed_arena_may_be_released(void **state KT_UNUSED)
{
    struct kt_arena arena = {0};
    kt_arena_release(&arena);
    kt_arena_init(&arena, 100);
    kt_arena_release(&arena);
    kt_arena_release(&arena);
    assert_int_equal(arena.limit_bytes, 100);
}

static void test_the_heap_helpers(void **state KT_UNUSED)
{
    size_t before = kt_heap_allocation_count();
    char *memory = kt_heap_alloc(100);
    assert_true(is_zeroed(memory, 100));
    memory = kt_heap_realloc(memory, 1000);
    assert_non_null(memory);
    char *copy = kt_heap_strdup("abc");
    assert_string_equal(copy, "abc");
    assert_int_equal(kt_heap_allocation_count(), before + 3);
    kt_heap_fail_from(2);
    char *good = kt_heap_alloc(1), *bad = kt_heap_strdup("x"), *worse = kt_heap_alloc(1);
    kt_heap_fail_from(0);
    assert_non_null(good);
    assert_null(bad);
    assert_null(worse);
    kt_heap_free(good);
    kt_heap_free(copy);
    kt_heap_free(memory);
    kt_heap_free(NULL);
}

#ifdef WITH_ADDRESS_SANITIZER
/* Without this a read beyond a piece of an arena would go unseen in every test that runs with the sanitizer. */
static void test_the_sanitizer_knows_the_pieces(void **state KT_UNUSED)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    for (size_t size = 1; size < 40; size++) {
        char *memory = kt_arena_alloc(&arena, size);
        assert_null(__asan_region_is_poisoned(memory, size));
        assert_ptr_equal(__asan_region_is_poisoned(memory, size + 1), memory + size);
    }
    char *memory = kt_arena_alloc(&arena, 100);
    kt_arena_reset(&arena);
    assert_true(__asan_address_is_poisoned(memory));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_aligned_and_separate),
        cmocka_unit_test(test_the_limit_is_exact_and_failing_sticks_until_reset),
        cmocka_unit_test(test_work_is_counted_up_to_a_limit),
        cmocka_unit_test(test_absurd_sizes_fail_cleanly),
        cmocka_unit_test(test_a_reset_arena_needs_no_more_heap),
        cmocka_unit_test(test_a_reset_gives_large_memory_back),
        cmocka_unit_test(test_copies_of_text),
        cmocka_unit_test(test_running_out_of_heap_is_survived),
        cmocka_unit_test(test_a_zeroed_arena_may_be_released),
        cmocka_unit_test(test_the_heap_helpers),
#ifdef WITH_ADDRESS_SANITIZER
        cmocka_unit_test(test_the_sanitizer_knows_the_pieces),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
