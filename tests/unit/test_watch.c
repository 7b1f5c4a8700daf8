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
#include <unistd.h>

#include "base/limits.h"
#include "kube/watch.h"
#include "tests/lib/api_fixture.h"

#define EVENT(type, name, version)                                                             \
    "{\"type\":\"" type "\",\"object\":{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name \
    "\",\"resourceVersion\":\"" version "\"}}}\n"
#define LIST(items) "{\"kind\":\"ConfigMapList\",\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[" items "]}"
#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\"}}"
#define STATUS(code, reason) \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"" reason "\",\"message\":\"m\",\"code\":" #code "}"
#define ERROR_EVENT(code, reason) "{\"type\":\"ERROR\",\"object\":" STATUS(code, reason) "}\n"

/* --- the server: one step a request; after the last it holds still --------------------------------------------------
 */

enum step_end { END_CLEAN, END_CUT, END_HOLD };

struct step {
    bool watch; /* what kind of request must come */
    int code;
    const char *headers;
    const char *body; /* of a watch: pieces of the stream, separated by '|' */
    enum step_end end;
};

struct script {
    const struct step *steps;
    size_t count;
};

static bool send_stream(const struct step *step, struct kt_scripted_connection *connection)
{
    if (!kt_scripted_chunked(connection, 200, step->headers ? step->headers : ""))
        return false;
    char *text = strdup(step->body), *place = text, *piece;
    bool good = true;
    while (good && (piece = strsep(&place, "|"))) {
        if (*piece)
            good = kt_scripted_chunk(connection, piece);
        /* So that the client sees the pieces one by one. */
        good = good && kt_scripted_hold(connection, 2);
    }
    free(text);
    if (good && step->end == END_CLEAN)
        return kt_scripted_chunk(connection, "");
    if (good && step->end == END_HOLD)
        kt_scripted_hold(connection, 600000);
    return false;
}

static bool serve_script(void *context, const struct kt_scripted_request *request,
                         struct kt_scripted_connection *connection)
{
    const struct script *script = context;
    if (request->index >= script->count)
        return kt_scripted_hold(connection, 600000);
    const struct step *step = &script->steps[request->index];
    if (step->watch != (strstr(request->target, "watch=true") != NULL)) {
        fprintf(stderr, "request %zu is %s\n", request->index, request->target);
        abort();
    }
    if (step->watch && step->code == 200)
        return send_stream(step, connection);
    return kt_scripted_reply(connection, step->code, step->headers ? step->headers : "", step->body);
}

/* --- the watcher: writes down what it is told -----------------------------------------------------------------------
 */

static struct kt_api_fixture fixture;
static struct script script;
static struct kt_watch_options options;
static char told[16384];
static const char *end_after; /* the watch ends when this has been told */
static bool stop_after;       /* ... by the stop descriptor instead of the callback's result */
static int stop_ends[2];
static int64_t delays_ms[64];
static size_t delay_count;
static struct kt_error last_trouble;

static bool tell(const char *text)
{
    size_t length = strlen(told);
    snprintf(told + length, sizeof(told) - length, "%s%s", length > 0 ? " " : "", text);
    bool over = end_after && strcmp(text, end_after) == 0;
    if (over && stop_after)
        assert_int_equal(write(stop_ends[1], "x", 1), 1);
    return !over || stop_after;
}

static bool tell_object(const char *what, const cJSON *object)
{
    char text[200];
    snprintf(text, sizeof(text), "%s:%s", what, kt_json_string_or(kt_json_path(object, "metadata", "name", NULL), "?"));
    return tell(text);
}

static bool on_restarted(void *context KT_UNUSED)
{
    return tell("restarted");
}

static bool on_added(void *context KT_UNUSED, const cJSON *object)
{
    return tell_object("added", object);
}

static bool on_modified(void *context KT_UNUSED, const cJSON *object)
{
    return tell_object("modified", object);
}

static bool on_deleted(void *context KT_UNUSED, const cJSON *object)
{
    return tell_object("deleted", object);
}

static bool on_synced(void *context KT_UNUSED, const char *resource_version)
{
    char text[100];
    snprintf(text, sizeof(text), "synced:%s", resource_version);
    return tell(text);
}

static void on_trouble(void *context KT_UNUSED, const struct kt_error *error, int64_t delay_ms)
{
    char text[100];
    last_trouble = *error;
    if (delay_count < KT_ARRAY_LENGTH(delays_ms))
        delays_ms[delay_count++] = delay_ms;
    snprintf(text, sizeof(text), "trouble:%s", kt_error_name(error->code));
    tell(text);
}

static const struct kt_watch_handler handler = {
    .restarted = on_restarted,
    .added = on_added,
    .modified = on_modified,
    .deleted = on_deleted,
    .synced = on_synced,
    .trouble = on_trouble,
};

static int set_up(void **state KT_UNUSED)
{
    /* Short delays, so that the tests are; the figures of the header have a test of their own. */
    options = (struct kt_watch_options){.backoff_first_ms = 5, .backoff_largest_ms = 20, .backoff_reset_ms = 60000};
    told[0] = '\0';
    end_after = NULL;
    stop_after = false;
    delay_count = 0;
    kt_api_fixture_start(&fixture, serve_script, &script, NULL, (struct kt_str){0});
    return pipe2(stop_ends, O_CLOEXEC);
}

static int tear_down(void **state KT_UNUSED)
{
    kt_api_fixture_stop(&fixture);
    close(stop_ends[0]);
    close(stop_ends[1]);
    return 0;
}

static int run(void)
{
    fixture.options.stop_fd = stop_ends[0];
    fixture.error = (struct kt_error){0};
    return kt_watch_run(kt_api_fixture_client(&fixture), &kt_resource_config_maps, "ns", &options, &handler,
                        &fixture.error);
}

/* Runs the steps until `end` has been told, and compares all that was told. */
static void expect(const struct step *steps, size_t count, const char *end, const char *all)
{
    script = (struct script){steps, count};
    end_after = end;
    int code = run();
    if (code != 0)
        fail_msg("%s", fixture.error.message);
    assert_string_equal(told, all);
}

#define EXPECT(steps, end, all) expect(steps, KT_ARRAY_LENGTH(steps), end, all)

static const char *target(size_t index)
{
    return kt_scripted_server_request(fixture.server, index)->target;
}

/* --- the usual course -----------------------------------------------------------------------------------------------
 */

static void test_list_and_events(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 200, .body = LIST(ITEM("a") "," ITEM("b"))},
        {.watch = true,
         .code = 200,
         .body = EVENT("ADDED", "c", "11") EVENT("MODIFIED", "a", "12") "|" EVENT("DELETED", "b", "13"),
         .end = END_HOLD},
    };
    options.label_selector = "x=y";
    EXPECT(steps, "deleted:b", "restarted added:a added:b synced:10 added:c modified:a deleted:b");
    assert_string_equal(target(0), "/api/v1/namespaces/ns/configmaps?limit=100&labelSelector=x%3Dy");
    assert_non_null(strstr(target(1), "watch=true&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds="));
    assert_non_null(strstr(target(1), "&labelSelector=x%3Dy"));
    long timeout_s = strtol(strstr(target(1), "timeoutSeconds=") + strlen("timeoutSeconds="), NULL, 10);
    assert_in_range(timeout_s, KT_WATCH_SERVER_TIMEOUT_S, 2 * KT_WATCH_SERVER_TIMEOUT_S);
}

static void test_a_bookmark_moves_the_place_to_go_on_from(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11") EVENT("BOOKMARK", "", "99")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "b", "100"), .end = END_HOLD},
    };
    EXPECT(steps, "added:b", "restarted synced:10 added:a added:b");
    assert_non_null(strstr(target(2), "resourceVersion=99&"));
}

static void test_lines_in_pieces(void **state KT_UNUSED)
{
    static const struct step steps[] = {
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
    static const struct step steps[] = {
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
    static const struct step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true,
         .code = 200,
         .body = EVENT("ADDED", "a", "11") "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"half\"",
         .end = END_CUT},
        {.watch = true, .code = 200, .body = "{\"type\":\"ADDED\",\"obj"},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "whole", "12"), .end = END_HOLD},
    };
    EXPECT(steps, "added:whole", "restarted synced:10 added:a trouble:unavailable added:whole");
    assert_non_null(strstr(target(2), "resourceVersion=11&"));
    assert_non_null(strstr(target(3), "resourceVersion=11&"));
}

static void test_an_end_at_once_is_no_trouble_but_waited_for(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = ""},
        {.watch = true, .code = 200, .body = ""},
        {.watch = true, .code = 200, .body = ""},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11"), .end = END_HOLD},
    };
    options.backoff_first_ms = 100;
    options.backoff_largest_ms = 200;
    int64_t start_ms = kt_clock_monotonic_ms(&kt_clock_system);
    EXPECT(steps, "added:a", "restarted synced:10 added:a");
    assert_true(kt_clock_monotonic_ms(&kt_clock_system) - start_ms >= 500); /* 100 + 200 + 200: no spinning */
}

static void test_410_by_http_lists_again(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 200, .body = LIST(ITEM("a"))},
        {.watch = true, .code = 410, .body = STATUS(410, "Gone")},
        {.code = 200, .body = LIST(ITEM("b"))},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "c", "11"), .end = END_HOLD},
    };
    EXPECT(steps, "added:c", "restarted added:a synced:10 restarted added:b synced:10 added:c");
}

static void test_410_in_the_stream_lists_again(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 200, .body = LIST(ITEM("a"))},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "b", "11") ERROR_EVENT(410, "Expired"), .end = END_HOLD},
        {.code = 200, .body = LIST(ITEM("c"))},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "d", "11"), .end = END_HOLD},
    };
    EXPECT(steps, "added:d", "restarted added:a synced:10 added:b restarted added:c synced:10 added:d");
}

static void test_a_busy_server(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 429, .headers = "Retry-After: 1\r\n", .body = STATUS(429, "TooManyRequests")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11"), .end = END_HOLD},
    };
    EXPECT(steps, "added:a", "restarted synced:10 trouble:unavailable added:a");
    assert_int_equal(delays_ms[0], 1000); /* what the server asked for, not our few milliseconds */
    assert_non_null(strstr(target(2), "resourceVersion=10&"));
}

static void test_other_refusals(void **state KT_UNUSED)
{
    static const struct step steps[] = {
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
        const struct step steps[] = {
            {.code = 200, .body = LIST("")},
            {.watch = true, .code = 200, .body = body, .end = END_HOLD},
            {.code = 200, .body = LIST(ITEM("b"))},
        };
        EXPECT(steps, "added:b", "restarted synced:10 added:a trouble:parse restarted added:b");
        assert_non_null(strstr(last_trouble.message, "the stream of configmaps"));
        tear_down(NULL);
        set_up(NULL);
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
    kt_api_fixture_stop(&fixture);
    kt_api_fixture_start(&fixture, serve_endless_line, NULL, NULL, (struct kt_str){0});
    end_after = "added:again";
    assert_int_equal(run(), 0);
    assert_string_equal(told, "restarted synced:10 trouble:limit restarted added:again");
    assert_non_null(strstr(last_trouble.message, "beyond the limit of 4 MiB"));
}

static void test_too_many_objects(void **state KT_UNUSED)
{
    static const struct step steps[] = {{.code = 200, .body = LIST(ITEM("a") "," ITEM("b") "," ITEM("c"))}};
    options.max_items = 2;
    script = (struct script){steps, 1};
    end_after = "trouble:limit";
    stop_after = true;
    assert_int_equal(run(), KT_EINTERRUPTED);
    assert_string_equal(told, "trouble:limit");
    assert_non_null(strstr(last_trouble.message, "more than 2 configmaps"));
}

static void test_a_version_that_is_no_version(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true,
         .code = 200,
         .body = EVENT("BOOKMARK", "", "1111111111222222222233333333334444444444555555555566666666667777777777")
             EVENT("BOOKMARK", "", "")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "12"), .end = END_HOLD},
    };
    EXPECT(steps, "added:a", "restarted synced:10 added:a");
    assert_non_null(strstr(target(2), "resourceVersion=10&"));
}

/* --- ending ---------------------------------------------------------------------------------------------------------
 */

static void test_every_callback_may_end_it(void **state KT_UNUSED)
{
    static const struct step steps[] = {
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
        tear_down(NULL);
        set_up(NULL);
    }
}

static void *stop_when_holding(void *context)
{
    const size_t *requests = context;
    int64_t end_ms = kt_clock_monotonic_ms(&kt_clock_system) + 20000;
    while (kt_scripted_server_count(fixture.server) < *requests && kt_clock_monotonic_ms(&kt_clock_system) < end_ms)
        usleep(1000);
    return write(stop_ends[1], "x", 1) == 1 ? context : NULL;
}

/* The stop descriptor becomes readable once so many requests have come. */
static void expect_stop(const struct step *steps, size_t count, size_t requests)
{
    pthread_t thread;
    script = (struct script){steps, count};
    assert_int_equal(pthread_create(&thread, NULL, stop_when_holding, &requests), 0);
    int64_t start_ms = kt_clock_monotonic_ms(&kt_clock_system);
    assert_int_equal(run(), KT_EINTERRUPTED);
    assert_true(kt_clock_monotonic_ms(&kt_clock_system) - start_ms < 15000);
    pthread_join(thread, NULL);
    tear_down(NULL);
    set_up(NULL);
}

static void test_the_stop_descriptor(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11"), .end = END_HOLD},
    };
    static const struct step forbidden[] = {{.code = 403, .body = STATUS(403, "Forbidden")}};
    expect_stop(steps, 0, 1); /* while the list does not come */
    expect_stop(steps, 1, 2); /* while the watch is not answered */
    expect_stop(steps, 2, 2); /* in the stream */
    options.backoff_first_ms = options.backoff_largest_ms = 600000;
    expect_stop(forbidden, 1, 1); /* between two tries */
}

static void test_a_command_that_cannot_wait(void **state KT_UNUSED)
{
    static const struct step forbidden[] = {{.code = 403, .body = STATUS(403, "Forbidden")}};
    static const struct step broken[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = "garbage\n", .end = END_HOLD},
    };
    static const struct step expired[] = {
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = ERROR_EVENT(410, "Expired")},
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = ""},
        {.watch = true, .code = 500, .body = STATUS(500, "InternalError")},
    };
    options.stop_on_trouble = true;
    script = (struct script){forbidden, KT_ARRAY_LENGTH(forbidden)};
    assert_int_equal(run(), KT_EFORBIDDEN);
    assert_string_equal(fixture.error.message, "Error from server (Forbidden): m");
    tear_down(NULL);
    set_up(NULL);
    options.stop_on_trouble = true;
    script = (struct script){broken, KT_ARRAY_LENGTH(broken)};
    assert_int_equal(run(), KT_EPARSE);
    tear_down(NULL);
    set_up(NULL);
    options.stop_on_trouble = true;
    script = (struct script){expired, KT_ARRAY_LENGTH(expired)};
    assert_int_equal(run(), KT_EUNAVAILABLE);
    assert_string_equal(told, "restarted synced:10 restarted synced:10");
}

static void test_delays_grow_to_their_limit(void **state KT_UNUSED)
{
    static struct step steps[9];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(steps); i++)
        steps[i] = (struct step){.code = 403, .body = STATUS(403, "Forbidden")};
    script = (struct script){steps, KT_ARRAY_LENGTH(steps)};
    steps[8] = (struct step){.code = 200, .body = LIST(ITEM("a"))};
    end_after = "added:a";
    assert_int_equal(run(), 0);
    assert_int_equal(delay_count, 8);
    /* 5, 10, 20, 20, ... each plus up to as much again. */
    assert_in_range(delays_ms[0], 5, 9);
    assert_in_range(delays_ms[1], 10, 19);
    for (size_t i = 2; i < 8; i++)
        assert_in_range(delays_ms[i], 20, 39);
}

static void test_delays_start_anew_after_a_quiet_time(void **state KT_UNUSED)
{
    char quiet[602] = ""; /* 600 pieces of 2 ms: nothing is said for 1.2 s */
    memset(quiet, '|', sizeof(quiet) - 1);
    const struct step steps[] = {
        {.code = 403, .body = STATUS(403, "Forbidden")},
        {.code = 403, .body = STATUS(403, "Forbidden")},
        {.code = 200, .body = LIST("")},
        {.watch = true, .code = 200, .body = quiet, .end = END_CUT},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "11"), .end = END_HOLD},
    };
    options.backoff_first_ms = 2;
    options.backoff_reset_ms = 1000;
    EXPECT(steps, "added:a", "trouble:forbidden trouble:forbidden restarted synced:10 trouble:unavailable added:a");
    assert_in_range(delays_ms[1], 4, 7);
    assert_in_range(delays_ms[2], 2, 3);
}

static void test_nobody_listens(void **state KT_UNUSED)
{
    char address[64];
    snprintf(address, sizeof(address), "http://127.0.0.1:%d", kt_scripted_server_port(fixture.server));
    kt_scripted_server_stop(fixture.server);
    fixture.server = NULL;
    fixture.config.server = address;
    end_after = "trouble:unavailable";
    stop_after = true;
    assert_int_equal(run(), KT_EINTERRUPTED);
    assert_non_null(strstr(last_trouble.message, "was refused - is it running?"));
}

static bool end_now(void *context, const cJSON *object KT_UNUSED)
{
    size_t *count = context;
    return ++*count < 2;
}

static void test_handlers_may_be_missing(void **state KT_UNUSED)
{
    static const struct step steps[] = {
        {.code = 403, .body = STATUS(403, "Forbidden")},
        {.code = 200, .body = LIST(ITEM("a"))},
        {.watch = true, .code = 200, .body = EVENT("MODIFIED", "a", "11") EVENT("DELETED", "a", "12")},
        {.watch = true, .code = 200, .body = EVENT("ADDED", "a", "13"), .end = END_HOLD},
    };
    size_t count = 0;
    struct kt_watch_handler only_added = {.added = end_now, .context = &count};
    script = (struct script){steps, KT_ARRAY_LENGTH(steps)};
    assert_int_equal(kt_watch_run(kt_api_fixture_client(&fixture), &kt_resource_config_maps, "ns", &options,
                                  &only_added, &fixture.error),
                     0);
    assert_int_equal(count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
        TEST(test_garbage),
        TEST(test_a_line_of_64_mib),
        TEST(test_too_many_objects),
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
