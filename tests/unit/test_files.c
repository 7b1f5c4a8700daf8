/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

static char folder[] = "/tmp/kt-test-files-XXXXXX";
static char path[sizeof(folder) + 32];
static struct kt_arena arena;

static int make_folder(void **state KT_UNUSED)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state KT_UNUSED)
{
    return rmdir(folder);
}

static int set_up(void **state KT_UNUSED)
{
    snprintf(path, sizeof(path), "%s/file", folder);
    kt_arena_init(&arena, (size_t)(16 * KT_MIB));
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    unlink(path);
    kt_arena_release(&arena);
    return 0;
}

static void write_file(const char *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static int read_path(const char *name, size_t limit, struct kt_str *ret, struct kt_error *error)
{
    return kt_files_system.read(kt_files_system.context, &arena, name, limit, ret, error);
}

static void test_files_are_read_whole(void **state KT_UNUSED)
{
    char *large = kt_arena_alloc(&arena, 300000);
    for (size_t i = 0; i < 300000; i++)
        large[i] = (char)(i * 7 + i / 256);
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 300000};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(sizes); i++) {
        write_file(large, sizes[i]);
        struct kt_str text;
        struct kt_error error;
        if (read_path(path, 300000, &text, &error) != 0)
            fail_msg("%zu bytes: %s", sizes[i], error.message);
        assert_int_equal(text.length, sizes[i]);
        assert_memory_equal(text.data, large, sizes[i]);
        assert_int_equal(text.data[sizes[i]], '\0');
    }
}

static void test_the_limit_is_exact_and_named(void **state KT_UNUSED)
{
    struct kt_str text = KT_STR("untouched");
    struct kt_error error = {0};
    write_file("12345", 5);
    assert_int_equal(read_path(path, 5, &text, &error), 0);
    assert_true(kt_str_equal(text, KT_STR("12345")));
    assert_int_equal(read_path(path, 4, &text, &error), KT_ELIMIT);
    assert_non_null(strstr(error.message, path));
    assert_non_null(strstr(error.message, "limit of 4 bytes"));
    assert_true(kt_str_equal(text, KT_STR("12345")));
    /* A device without end is stopped too. */
    assert_int_equal(read_path("/dev/zero", 100000, &text, &error), KT_ELIMIT);
    assert_int_equal(read_path("/dev/null", 100000, &text, &error), 0);
    assert_int_equal(text.length, 0);
}

static void test_what_cannot_be_read_says_why(void **state KT_UNUSED)
{
    struct kt_str text = KT_STR("untouched");
    struct kt_error error = {0};
    assert_int_equal(read_path(path, 100, &text, &error), KT_ENOTFOUND);
    assert_non_null(strstr(error.message, path));
    assert_non_null(strstr(error.message, "No such file"));
    assert_int_equal(read_path("/dev/null/x", 100, &text, &error), KT_ENOTFOUND);
    assert_int_equal(read_path(folder, 100, &text, &error), KT_EINVAL);
    assert_non_null(strstr(error.message, "directory"));
    assert_int_equal(read_path("-", 100, &text, &error), KT_ENOTFOUND);
    assert_int_equal(kt_files_read_fd(&arena, -1, "nothing", 100, &text, &error), KT_EIO);
    assert_non_null(strstr(error.message, "nothing"));
    write_file("x", 1);
    KT_CLEANUP(kt_close_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(kt_files_read_fd(&arena, fd, "write-only", 100, &text, &error), KT_EIO);
    if (geteuid() != 0) { /* root may read everything */
        assert_int_equal(chmod(path, 0), 0);
        assert_int_equal(read_path(path, 100, &text, &error), KT_EFORBIDDEN);
    }
    assert_true(kt_str_equal(text, KT_STR("untouched")));
}

static void *write_in_pieces(void *argument)
{
    int fd = *(int *)argument;
    for (int i = 0; i < 1000; i++)
        if (write(fd, "0123456789", 10) != 10)
            break;
    close(fd);
    return NULL;
}

static void test_a_pipe_is_read_to_its_end(void **state KT_UNUSED)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_in_pieces, &ends[1]), 0);
    struct kt_str text;
    struct kt_error error;
    assert_int_equal(kt_files_read_fd(&arena, ends[0], "standard input", 10000, &text, &error), 0);
    pthread_join(writer, NULL);
    close(ends[0]);
    assert_int_equal(text.length, 10000);
    assert_memory_equal(text.data + 9990, "0123456789", 11);
}

static void test_no_memory_is_told(void **state KT_UNUSED)
{
    write_file("12345", 5);
    struct kt_arena small;
    kt_arena_init(&small, 16);
    struct kt_str text = KT_STR("untouched");
    struct kt_error error = {0};
    assert_int_equal(kt_files_system.read(NULL, &small, path, 100, &text, &error), KT_ENOMEM);
    kt_arena_release(&small);
    kt_heap_fail_from(1);
    int code = read_path(path, 100, &text, &error);
    kt_heap_fail_from(0);
    assert_int_equal(code, KT_ENOMEM);
    assert_true(kt_str_equal(text, KT_STR("untouched")));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_files_are_read_whole),
        TEST(test_the_limit_is_exact_and_named),
        TEST(test_what_cannot_be_read_says_why),
        TEST(test_a_pipe_is_read_to_its_end),
        TEST(test_no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
