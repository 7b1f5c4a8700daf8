/* SPDX-License-Identifier: Apache-2.0 */
/* A watch against hostile streams, how it ends, and how long it waits. */
#include "tests/lib/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "tests/lib/watch_fixture.h"

/* --- hostile streams ------------------------------------------------------------------------------------------------
 */

static void test_garbage(void **state KT_UNUSED)
{
    static const char *const lines[] = {
        "garbage\n",
        "[]\n",
        "{}\n",
        "7\n",
        "\xff\xfe\n",
        "{\"type\":\"ADDED\"}\n",
        "{\"type\":\"ADDED\",\"object\":[]}\n",
        "{\"type\":\"UNHEARD\",\"object\":{}}\n",
        "{\"type\":7,\"object\":{}}\n",
        "{\"type\":\"ERROR\",\"object\":{}}\n",
        "{\"type\":\"ERROR\"}\n",
        "<html><body>proxy</body></html>\n",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lines); i++) {
        char body[256];
        snprintf(body, sizeof(body), EVENT("ADDED", "a", "11") "%s" EVENT("ADDED", "never", "12"), lines[i]);
        const struct kt_step steps[] = {
            {.code = 200, .body = LIST("")},
            {.watch = true, .code = 200, .body = body, .end = END_HOLD},
            {.code = 200, .body = LIST(ITEM("b"))},
        };
        EXPECT(steps, "added:b", "restarted synced:10 added:a trouble:parse restarted added:b");
        assert_non_null(strstr(kt_watch_last_trouble.message, "the stream of configmaps"));
        kt_watch_start_over();
    }
}

static bool serve_endless_line(void *context KT_UNUSED, const struct kt_scripted_request *request,
                               struct kt_scripted_connection *connection)
{
    static char piece[64 * 1024 + 1];
    memset(piece, 'x', sizeof(piece) - 1);
    if (!strstr(request->target, "watch=true"))
        return kt_scripted_reply(connection, 200, "", request->index == 0 ? LIST("") : LIST(ITEM("again")));
    if (!kt_scripted_chunked(connection, 200, ""))
        return false;
    for (size_t sent = 0; sent < 64 * KT_MIB; sent += sizeof(piece) - 1)
        if (!kt_scripted_chunk(connection, piece))
            return false;
    return false;
}

static void test_a_line_of_64_mib(void **state KT_UNUSED)
{
    kt_api_fixture_stop(&kt_watch_fixture);
    kt_api_fixture_start(&kt_watch_fixture, serve_endless_line, NULL, NULL, (struct kt_str){0});
    kt_watch_end_after = "added:again";
    assert_int_equal(kt_watch_run_script(), 0);
    assert_string_equal(kt_watch_told, "restarted synced:10 trouble:limit restarted added:again");
    assert_non_null(strstr(kt_watch_last_trouble.message, "beyond the limit of 8 MiB"));
}

static void test_too_many_objects(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {{.code = 200, .body = LIST(ITEM("a") "," ITEM("b") "," ITEM("c"))}};
    kt_watch_options_used.max_items = 2;
    kt_watch_script = (struct kt_script){steps, 1};
    kt_watch_end_after = "trouble:limit";
    kt_watch_stop_after = true;
    assert_int_equal(kt_watch_run_script(), KT_EINTERRUPTED);
    assert_string_equal(kt_watch_told, "trouble:limit");
    assert_non_null(strstr(kt_watch_last_trouble.message, "more than 2 configmaps"));
}

static void test_memory_that_runs_out(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST(ITEM("a"))},
        {.watch = true,
         .code = 200,
         .body = EVENT("ADDED", "b", "11") "{\"type\":|\"DELETED\",\"object\":{\"metadata\":{\"name\":\"b\"}}}\n",
         .end = END_HOLD},
    };
    int code = KT_ENOMEM;
    for (size_t nth = 1; code != 0; nth++) {
        kt_watch_start_over();
        kt_watch_options_used.stop_on_trouble = true;
        kt_watch_script = (struct kt_script){steps, KT_ARRAY_LENGTH(steps)};
        kt_watch_end_after = "deleted:b";
        kt_api_fixture_client(&kt_watch_fixture);
        kt_heap_fail_from(nth);
        code = kt_watch_run_script();
        kt_heap_fail_from(0);
        assert_true(code == 0 || code == KT_ENOMEM || code == KT_ELIMIT);
        assert_true(nth < 200);
    }
    assert_string_equal(kt_watch_told, "restarted added:a synced:10 added:b deleted:b");
}

static void test_a_version_that_is_no_version(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true,
         .code = 200,
         .body = EVENT("BOOKMARK", "", "1111111111222222222233333333334444444444555555555566666666667777777777")
             EVENT("BOOKMARK", "", "")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "12"), .end = END_HOLD},
    };
    EXPECT(steps, "added:a", "restarted synced:10 added:a");
    assert_non_null(strstr(kt_watch_target(2), "resourceVersion=10&"));
}

/* --- ending ---------------------------------------------------------------------------------------------------------
 */

static void test_every_callback_may_end_it(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST(ITEM("a"))},
        {.watch = true,
         .code = 200,
         .body = EVENT("ADDED", "b", "11") EVENT("MODIFIED", "b", "12") EVENT("DELETED", "b", "13"),
         .end = END_HOLD},
    };
    static const char *const ends[] = {"restarted", "added:a", "synced:10", "added:b", "modified:b", "deleted:b"};
    static const char all[] = "restarted added:a synced:10 added:b modified:b deleted:b";
    for (size_t i = 0; i < KT_ARRAY_LENGTH(ends); i++) {
        char wanted[sizeof(all)];
        const char *found = strstr(all, ends[i]);
        snprintf(wanted, sizeof(wanted), "%.*s", (int)(found - all) + (int)strlen(ends[i]), all);
        EXPECT(steps, ends[i], wanted);
        kt_watch_start_over();
    }
}

static void *stop_when_holding(void *context)
{
    const size_t *requests = context;
    int64_t end_ms = kt_clock_monotonic_ms(&kt_clock_system) + 20000;
    while (kt_scripted_server_count(kt_watch_fixture.server) < *requests &&
           kt_clock_monotonic_ms(&kt_clock_system) < end_ms)
        usleep(1000);
    return write(kt_watch_stop_ends[1], "x", 1) == 1 ? context : NULL;
}

/* The stop descriptor becomes readable once so many requests have come. */
static void expect_stop(const struct kt_step *steps, size_t count, size_t requests)
{
    pthread_t thread;
    kt_watch_script = (struct kt_script){steps, count};
    assert_int_equal(pthread_create(&thread, NULL, stop_when_holding, &requests), 0);
    int64_t start_ms = kt_clock_monotonic_ms(&kt_clock_system);
    assert_int_equal(kt_watch_run_script(), KT_EINTERRUPTED);
    assert_true(kt_clock_monotonic_ms(&kt_clock_system) - start_ms < 15000);
    pthread_join(thread, NULL);
    kt_watch_start_over();
}

static void test_the_stop_descriptor(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11"), .end = END_HOLD},
    };
    static const struct kt_step forbidden[] = {{.code = 403, .body = STATUS(403, "Forbidden")}};
    expect_stop(steps, 0, 1); /* while the list does not come */
    expect_stop(steps, 1, 2); /* while the watch is not answered */
    expect_stop(steps, 2, 2); /* in the stream */
    kt_watch_options_used.backoff_first_ms = kt_watch_options_used.backoff_largest_ms = 600000;
    expect_stop(forbidden, 1, 1); /* between two tries */
}

static void test_a_command_that_cannot_wait(void **state KT_UNUSED)
{
    static const struct kt_step forbidden[] = {{.code = 403, .body = STATUS(403, "Forbidden")}};
    static const struct kt_step broken[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = "garbage\n", .end = END_HOLD},
    };
    static const struct kt_step expired[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = ERROR_EVENT(410, "Expired")},
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = ""},
        {.watch = true, .code = 500, .body = STATUS(500, "InternalError")},
    };
    kt_watch_options_used.stop_on_trouble = true;
    kt_watch_script = (struct kt_script){forbidden, KT_ARRAY_LENGTH(forbidden)};
    assert_int_equal(kt_watch_run_script(), KT_EFORBIDDEN);
    assert_string_equal(kt_watch_fixture.error.message, "Error from server (Forbidden): m");
    kt_watch_start_over();
    kt_watch_options_used.stop_on_trouble = true;
    kt_watch_script = (struct kt_script){broken, KT_ARRAY_LENGTH(broken)};
    assert_int_equal(kt_watch_run_script(), KT_EPARSE);
    kt_watch_start_over();
    kt_watch_options_used.stop_on_trouble = true;
    kt_watch_script = (struct kt_script){expired, KT_ARRAY_LENGTH(expired)};
    assert_int_equal(kt_watch_run_script(), KT_EUNAVAILABLE);
    assert_string_equal(kt_watch_told, "restarted synced:10 restarted synced:10");
}

static void test_delays_grow_to_their_limit(void **state KT_UNUSED)
{
    static struct kt_step steps[9];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(steps); i++)
        steps[i] = (struct kt_step){.code = 403, .body = STATUS(403, "Forbidden")};
    kt_watch_script = (struct kt_script){steps, KT_ARRAY_LENGTH(steps)};
    steps[8] = (struct kt_step){.code = 200, .body = LIST(ITEM("a"))};
    kt_watch_end_after = "added:a";
    assert_int_equal(kt_watch_run_script(), 0);
    assert_int_equal(kt_watch_delay_count, 8);
    /* 5, 10, 20, 20, ... each plus up to as much again. */
    assert_in_range(kt_watch_delays_ms[0], 5, 9);
    assert_in_range(kt_watch_delays_ms[1], 10, 19);
    for (size_t i = 2; i < 8; i++)
        assert_in_range(kt_watch_delays_ms[i], 20, 39);
}

static void test_delays_start_anew_after_a_quiet_time(void **state KT_UNUSED)
{
    char quiet[602] = ""; /* 600 pieces of 2 ms: nothing is said for 1.2 s */
    memset(quiet, '|', sizeof(quiet) - 1);
    const struct kt_step steps[] = {
        {.code = 403, .body = STATUS(403, "Forbidden")},
        {.code = 403, .body = STATUS(403, "Forbidden")},
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = quiet, .end = END_CUT},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11"), .end = END_HOLD},
    };
    kt_watch_options_used.backoff_first_ms = 2;
    kt_watch_options_used.backoff_reset_ms = 1000;
    EXPECT(steps, "added:a", "trouble:forbidden trouble:forbidden restarted synced:10 trouble:unavailable added:a");
    assert_in_range(kt_watch_delays_ms[1], 4, 7);
    assert_in_range(kt_watch_delays_ms[2], 2, 3);
}

static void test_nobody_listens(void **state KT_UNUSED)
{
    char address[64];
    snprintf(address, sizeof(address), "http://127.0.0.1:%d", kt_scripted_server_port(kt_watch_fixture.server));
    kt_scripted_server_stop(kt_watch_fixture.server);
    kt_watch_fixture.server = NULL;
    kt_watch_fixture.config.server = address;
    kt_watch_end_after = "trouble:unavailable";
    kt_watch_stop_after = true;
    assert_int_equal(kt_watch_run_script(), KT_EINTERRUPTED);
    assert_non_null(strstr(kt_watch_last_trouble.message, "was refused - is it running?"));
}

static bool end_now(void *context, const cJSON *object KT_UNUSED)
{
    size_t *count = context;
    return ++*count < 2;
}

static void test_handlers_may_be_missing(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 403, .body = STATUS(403, "Forbidden")},
        {.code = 200, .body = LIST(ITEM("a"))},
        {.watch = true, .code = 200, .body = EVENT("MODIFIED", "a", "11") EVENT("DELETED", "a", "12")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "13"), .end = END_HOLD},
    };
    size_t count = 0;
    struct kt_watch_handler only_added = {.added = end_now, .context = &count};
    kt_watch_script = (struct kt_script){steps, KT_ARRAY_LENGTH(steps)};
    assert_int_equal(kt_watch_run(kt_api_fixture_client(&kt_watch_fixture), &kt_resource_config_maps, "ns",
                                  &kt_watch_options_used, &only_added, &kt_watch_fixture.error),
                     0);
    assert_int_equal(count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kt_watch_set_up, kt_watch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_garbage),
        TEST(test_a_line_of_64_mib),
        TEST(test_too_many_objects),
        TEST(test_memory_that_runs_out),
        TEST(test_a_version_that_is_no_version),
        TEST(test_every_callback_may_end_it),
        TEST(test_the_stop_descriptor),
        TEST(test_a_command_that_cannot_wait),
        TEST(test_delays_grow_to_their_limit),
        TEST(test_delays_start_anew_after_a_quiet_time),
        TEST(test_nobody_listens),
        TEST(test_handlers_may_be_missing),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failures;
}
