/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/watch_fixture.h"

/* --- the server -----------------------------------------------------------------------------------------------------
 */

static bool send_stream(const struct kt_step *step, struct kt_scripted_connection *connection)
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
    const struct kt_script *script = context;
    if (request->index >= script->count)
        return kt_scripted_hold(connection, 600000);
    const struct kt_step *step = &script->steps[request->index];
    if (step->watch != (strstr(request->target, "watch=true") != NULL)) {
        fprintf(stderr, "request %zu is %s\n", request->index, request->target);
        abort();
    }
    if (step->watch && step->code == 200)
        return send_stream(step, connection);
    return kt_scripted_reply(connection, step->code, step->headers ? step->headers : "", step->body);
}

/* --- the watcher: writes down what it is kt_watch_told
 * -----------------------------------------------------------------------
 */

struct kt_api_fixture kt_watch_fixture;
struct kt_script kt_watch_script;
struct kt_watch_options kt_watch_options_used;
char kt_watch_told[16384];
const char *kt_watch_end_after; /* the watch ends when this has been kt_watch_told */
bool kt_watch_stop_after;       /* ... by the stop descriptor instead of the callback's result */
int kt_watch_stop_ends[2];
int64_t kt_watch_delays_ms[64];
size_t kt_watch_delay_count;
struct kt_error kt_watch_last_trouble;

static bool tell(const char *text)
{
    size_t length = strlen(kt_watch_told);
    snprintf(kt_watch_told + length, sizeof(kt_watch_told) - length, "%s%s", length > 0 ? " " : "", text);
    bool over = kt_watch_end_after && strcmp(text, kt_watch_end_after) == 0;
    if (over && kt_watch_stop_after)
        assert_int_equal(write(kt_watch_stop_ends[1], "x", 1), 1);
    return !over || kt_watch_stop_after;
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
    kt_watch_last_trouble = *error;
    if (kt_watch_delay_count < KT_ARRAY_LENGTH(kt_watch_delays_ms))
        kt_watch_delays_ms[kt_watch_delay_count++] = delay_ms;
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

int kt_watch_set_up(void **state KT_UNUSED)
{
    /* Short delays, so that the tests are; the figures of the header have a test of their own. */
    kt_watch_options_used =
        (struct kt_watch_options){.backoff_first_ms = 5, .backoff_largest_ms = 20, .backoff_reset_ms = 60000};
    kt_watch_told[0] = '\0';
    kt_watch_end_after = NULL;
    kt_watch_stop_after = false;
    kt_watch_delay_count = 0;
    kt_api_fixture_start(&kt_watch_fixture, serve_script, &kt_watch_script, NULL, (struct kt_str){0});
    return pipe2(kt_watch_stop_ends, O_CLOEXEC);
}

int kt_watch_tear_down(void **state KT_UNUSED)
{
    kt_api_fixture_stop(&kt_watch_fixture);
    close(kt_watch_stop_ends[0]);
    close(kt_watch_stop_ends[1]);
    return 0;
}

int kt_watch_run_script(void)
{
    kt_watch_fixture.options.stop_fd = kt_watch_stop_ends[0];
    kt_watch_fixture.error = (struct kt_error){0};
    return kt_watch_run(kt_api_fixture_client(&kt_watch_fixture), &kt_resource_config_maps, "ns",
                        &kt_watch_options_used, &handler, &kt_watch_fixture.error);
}

/* Runs the steps until `end` has been kt_watch_told, and compares all that was kt_watch_told. */
void kt_watch_expect(const struct kt_step *steps, size_t count, const char *end, const char *all)
{
    kt_watch_script = (struct kt_script){steps, count};
    kt_watch_end_after = end;
    int code = kt_watch_run_script();
    if (code != 0)
        fail_msg("%s", kt_watch_fixture.error.message);
    assert_string_equal(kt_watch_told, all);
}

const char *kt_watch_target(size_t index)
{
    return kt_scripted_server_request(kt_watch_fixture.server, index)->target;
}

void kt_watch_start_over(void)
{
    kt_watch_tear_down(NULL);
    assert_int_equal(kt_watch_set_up(NULL), 0);
}
