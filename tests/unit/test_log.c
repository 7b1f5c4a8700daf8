/* SPDX-License-Identifier: Apache-2.0 */
/* A line for everything that happens, but not a million for what happens a million times. */
#include "webhook/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "tests/lib/cmocka_all.h"
#include "text/json.h"

struct fixture {
    FILE *file;
    int standard_error; /* as it was */
    struct kt_arena arena;
};

static int64_t now_ms;

static int64_t tell_time(void *context KT_UNUSED)
{
    return now_ms;
}

static const struct kt_clock steps = {.wall_ms = tell_time, .monotonic_ms = tell_time};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.file = tmpfile();
    assert_non_null(fixture.file);
    fixture.standard_error = dup(STDERR_FILENO);
    dup2(fileno(fixture.file), STDERR_FILENO);
    kt_arena_init(&fixture.arena, 64 * KT_MIB);
    now_ms = 1000;
    kt_log_set_clock(&steps);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    dup2(fixture->standard_error, STDERR_FILENO);
    close(fixture->standard_error);
    fclose(fixture->file);
    kt_arena_release(&fixture->arena);
    kt_log_set_clock(NULL);
    return 0;
}

/* What was written since the last call. */
static char *written(struct fixture *fixture)
{
    size_t size = 4 * KT_MIB;
    char *text = kt_arena_alloc(&fixture->arena, size);
    ssize_t length = pread(fileno(fixture->file), text, size - 1, 0);
    assert_true(length >= 0);
    assert_int_equal(ftruncate(fileno(fixture->file), 0), 0);
    assert_int_equal(lseek(fileno(fixture->file), 0, SEEK_SET), 0);
    return text;
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;
    for (text = strstr(text, part); text; text = strstr(text + 1, part))
        found++;
    return found;
}

static void repeat(size_t times)
{
    for (size_t i = 0; i < times; i++)
        kt_log(KT_LOG_WARNING, "an object is not kept", "name", "x", NULL);
}

static void repeated_lines_are_counted(void **state)
{
    struct fixture *fixture = *state;
    repeat(100000);
    kt_log(KT_LOG_INFO, "something else", NULL);
    char *text = written(fixture);
    assert_int_equal(count(text, "an object is not kept"), KT_LOG_LINES_MOST);
    assert_int_equal(count(text, "something else"), 1);
    /* Its time is over: the next one tells of those before it. */
    now_ms += KT_LOG_WINDOW_MS;
    repeat(1);
    text = written(fixture);
    assert_non_null(
        strstr(text, "\"msg\":\"lines were left out\",\"line\":\"an object is not kept\",\"count\":99800}"));
    assert_int_equal(count(text, "\"msg\":\"an object is not kept\""), 1);
}

static void what_was_left_out_is_told_though_no_more_comes(void **state)
{
    struct fixture *fixture = *state;
    repeat(KT_LOG_LINES_MOST + 7);
    kt_log_sum_up(false);
    assert_int_equal(count(written(fixture), "left out"), 0);
    now_ms += KT_LOG_WINDOW_MS;
    kt_log_sum_up(false);
    assert_int_equal(count(written(fixture), "\"count\":7}"), 1);
    kt_log_sum_up(false);
    assert_int_equal(count(written(fixture), "left out"), 0);
    repeat(KT_LOG_LINES_MOST + 3);
    kt_log_sum_up(true); /* the program ends */
    assert_int_equal(count(written(fixture), "\"count\":3}"), 1);
}

static void few_lines_are_all_there(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 100; i++) {
        now_ms += KT_LOG_WINDOW_MS / 100;
        repeat(2);
    }
    assert_int_equal(count(written(fixture), "an object is not kept"), 200);
    now_ms += KT_LOG_WINDOW_MS;
    kt_log_sum_up(true);
    assert_string_equal(written(fixture), "");
}

static void long_values_are_cut_and_the_line_stays_json(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 3 * KT_MIB;
    char *value = kt_arena_alloc(&fixture->arena, size + 1);
    for (size_t i = 0; i + 1 < size; i += 2)
        memcpy(value + i, "\xc3\xa4", 2); /* two bytes a character */
    kt_log(KT_LOG_INFO, "refused", "uid", value + 0, "odd", value + 1, "name", "w", NULL);
    char *text = written(fixture);
    struct kt_json_parsed parsed;
    struct kt_error error;
    if (kt_json_parse(&fixture->arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &parsed, &error) != 0)
        fail_msg("%s", error.message);
    assert_true(strlen(text) < 4 * KT_LOG_VALUE_BYTES);
    assert_int_equal(strlen(kt_json_string_or(kt_json_get(parsed.root, "uid"), "")), KT_LOG_VALUE_BYTES);
    assert_string_equal(kt_json_string_or(kt_json_get(parsed.root, "name"), ""), "w");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(repeated_lines_are_counted),
        TEST(what_was_left_out_is_told_though_no_more_comes),
        TEST(few_lines_are_all_there),
        TEST(long_values_are_cut_and_the_line_stays_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
