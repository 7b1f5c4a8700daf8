/* SPDX-License-Identifier: Apache-2.0 */
/* A watch in its usual course, and connections that end. Hostile streams and how a watch ends: test_watch_faults.c. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/watch_fixture.h"

/* --- the usual course -----------------------------------------------------------------------------------------------
 */

static void test_list_and_events(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST(ITEM("a") "," ITEM("b"))},
        {.watch = true,
         .code = 200,
         .body = EVENT("ADDED", "c", "11") EVENT("MODIFIED", "a", "12") "|" EVENT("DELETED", "b", "13"),
         .end = END_HOLD},
    };
    kt_watch_options_used.label_selector = "x=y";
    EXPECT(steps, "deleted:b", "restarted added:a added:b synced:10 added:c modified:a deleted:b");
    assert_string_equal(kt_watch_target(0), "/api/v1/namespaces/ns/configmaps?limit=100&labelSelector=x%3Dy");
    assert_non_null(
        strstr(kt_watch_target(1), "watch=true&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds="));
    assert_non_null(strstr(kt_watch_target(1), "&labelSelector=x%3Dy"));
    long timeout_s = strtol(strstr(kt_watch_target(1), "timeoutSeconds=") + strlen("timeoutSeconds="), NULL, 10);
    assert_in_range(timeout_s, KT_WATCH_SERVER_TIMEOUT_S, 2 * KT_WATCH_SERVER_TIMEOUT_S);
}

static void test_a_bookmark_moves_the_place_to_go_on_from(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11") EVENT("BOOKMARK", "", "99")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "b", "100"), .end = END_HOLD},
    };
    EXPECT(steps, "added:b", "restarted synced:10 added:a added:b");
    assert_non_null(strstr(kt_watch_target(2), "resourceVersion=99&"));
}

static void test_lines_in_pieces(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true,
         .code = 200,
         .body =
             "{\"type\":\"AD|DED\",\"object\":{\"metadata\":{\"name\":\"a|b\"}}}\r|\n\n\r\n" EVENT("ADDED", "c", "1")
                 EVENT("ADDED", "d", "2") "{|\"|type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"c\"}}}|\n",
         .end = END_HOLD},
    };
    EXPECT(steps, "deleted:c", "restarted synced:10 added:ab added:c added:d deleted:c");
}

static void test_pages(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200,
         .body = "{\"metadata\":{\"continue\":\"next\",\"resourceVersion\":\"10\"},\"items\":[" ITEM("a") "]}"},
        {.code = 410, .body = STATUS(410, "Expired")},
        {.code = 200,
         .body = "{\"metadata\":{\"continue\":\"next\",\"resourceVersion\":\"20\"},\"items\":[" ITEM("b") "]}"},
        {.code = 200, .body = LIST(ITEM("c"))},
    };
    EXPECT(steps, "synced:10", "restarted added:a restarted added:b added:c synced:10");
}

/* --- connections that end -------------------------------------------------------------------------------------------
 */

static void test_a_line_that_is_cut_off_does_not_count(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true,
         .code = 200,
         .body = EVENT("ADDED", "a", "11") "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"half\"",
         .end = END_CUT},
        {.watch = true, .code = 200, .body = "{\"type\":\"ADDED\",\"obj"},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "whole", "12"), .end = END_HOLD},
    };
    EXPECT(steps, "added:whole", "restarted synced:10 added:a trouble:unavailable added:whole");
    assert_non_null(strstr(kt_watch_target(2), "resourceVersion=11&"));
    assert_non_null(strstr(kt_watch_target(3), "resourceVersion=11&"));
}

static void test_an_end_at_once_is_no_trouble_but_waited_for(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = ""},
        {.watch = true, .code = 200, .body = ""},
        {.watch = true, .code = 200, .body = ""},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11"), .end = END_HOLD},
    };
    kt_watch_options_used.backoff_first_ms = 100;
    kt_watch_options_used.backoff_largest_ms = 200;
    int64_t start_ms = kt_clock_monotonic_ms(&kt_clock_system);
    EXPECT(steps, "added:a", "restarted synced:10 added:a");
    assert_true(kt_clock_monotonic_ms(&kt_clock_system) - start_ms >= 500); /* 100 + 200 + 200: no spinning */
}

static void test_410_by_http_lists_again(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST(ITEM("a"))},
        {.watch = true, .code = 410, .body = STATUS(410, "Gone")},
        {.code = 200, .body = LIST(ITEM("b"))},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "c", "11"), .end = END_HOLD},
    };
    EXPECT(steps, "added:c", "restarted added:a synced:10 restarted added:b synced:10 added:c");
}

static void test_410_in_the_stream_lists_again(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST(ITEM("a"))},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "b", "11") ERROR_EVENT(410, "Expired"), .end = END_HOLD},
        {.code = 200, .body = LIST(ITEM("c"))},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "d", "11"), .end = END_HOLD},
    };
    EXPECT(steps, "added:d", "restarted added:a synced:10 added:b restarted added:c synced:10 added:d");
}

static void test_a_busy_server(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 429, .headers = "Retry-After: 1\r\n", .body = STATUS(429, "TooManyRequests")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11"), .end = END_HOLD},
    };
    EXPECT(steps, "added:a", "restarted synced:10 trouble:unavailable added:a");
    assert_int_equal(kt_watch_delays_ms[0], 1000); /* what the server asked for, not our few milliseconds */
    assert_non_null(strstr(kt_watch_target(2), "resourceVersion=10&"));
}

static void test_other_refusals(void **state KT_UNUSED)
{
    static const struct kt_step steps[] = {
        {.code = 403, .body = STATUS(403, "Forbidden")},
        {.code = 404, .body = "404 page not found"},
        {.code = 500, .body = "<html>"},
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 500, .body = STATUS(500, "InternalError")},
        {.watch = true, .code = 403, .body = STATUS(403, "Forbidden")},
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = ERROR_EVENT(500, "InternalError")},
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 204, .body = ""},
        {.code = 200, .body = LIST(ITEM("a"))},
    };
    EXPECT(steps, "added:a",
           "trouble:forbidden trouble:not-found trouble:unavailable restarted synced:10 "
           "trouble:unavailable trouble:forbidden restarted synced:10 "
           "trouble:unavailable restarted synced:10 trouble:refused restarted added:a");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kt_watch_set_up, kt_watch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_list_and_events),
        TEST(test_a_bookmark_moves_the_place_to_go_on_from),
        TEST(test_lines_in_pieces),
        TEST(test_pages),
        TEST(test_a_line_that_is_cut_off_does_not_count),
        TEST(test_an_end_at_once_is_no_trouble_but_waited_for),
        TEST(test_410_by_http_lists_again),
        TEST(test_410_in_the_stream_lists_again),
        TEST(test_a_busy_server),
        TEST(test_other_refusals),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failures;
}
