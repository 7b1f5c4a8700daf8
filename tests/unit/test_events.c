/* SPDX-License-Identifier: Apache-2.0 */
/* Events on Workspaces: what kubectl describe shows, once, and never too many. */
#include "tests/lib/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/api_fixture.h"
#include "tests/lib/json_text.h"
#include "webhook/log.h"
#include "webhook/reconcile/events.h"

struct fixture {
    struct kt_api_fixture api;
    struct kt_arena arena;
    struct kt_events *events;
    atomic_int code; /* of all replies */
    const char *reason;
};

static bool answer(void *context, const struct kt_scripted_request *request KT_UNUSED,
                   struct kt_scripted_connection *connection)
{
    struct fixture *fixture = context;
    char body[200];
    int code = atomic_load(&fixture->code);
    snprintf(body, sizeof(body), "{\"kind\":\"Status\",\"status\":\"%s\",\"reason\":\"%s\",\"code\":%d}",
             code < 300 ? "Success" : "Failure", fixture->reason, code);
    return kt_scripted_reply(connection, code, "", body);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.reason = "Any"};
    atomic_init(&fixture.code, 201);
    kt_log_set_level(KT_LOG_ERROR);
    kt_arena_init(&fixture.arena, 64 * KT_MIB);
    kt_api_fixture_start(&fixture.api, answer, &fixture, NULL, (struct kt_str){0});
    *state = &fixture;
    return kt_events_new(&fixture.events, NULL);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_heap_fail_from(0);
    kt_events_free(fixture->events);
    kt_api_fixture_stop(&fixture->api);
    kt_arena_release(&fixture->arena);
    return 0;
}

static const cJSON *workspace(struct fixture *fixture, const char *name, const char *uid)
{
    return kt_test_json(&fixture->arena, kt_arena_printf(&fixture->arena,
                                                         "{\"apiVersion\":\"kaito.sh/v1beta1\",\"metadata\":{\"name\":"
                                                         "\"%s\",\"namespace\":\"team\",\"uid\":\"%s\","
                                                         "\"resourceVersion\":\"7\"}}",
                                                         name, uid));
}

static void write_event(struct fixture *fixture, const char *uid, const char *type, const char *reason,
                        const char *message)
{
    kt_events_write(fixture->events, kt_api_fixture_client(&fixture->api), &fixture->arena,
                    workspace(fixture, "a", uid), type, reason, message);
}

static size_t count(struct fixture *fixture)
{
    return kt_scripted_server_count(fixture->api.server);
}

static const cJSON *sent(struct fixture *fixture, size_t index)
{
    return kt_test_json(&fixture->arena, kt_scripted_server_request(fixture->api.server, index)->body);
}

static const char *sent_text(const cJSON *event, const char *section, const char *key)
{
    return kt_json_string_or(section ? kt_json_path(event, section, key, NULL) : kt_json_get(event, key), "absent");
}

static void an_event_is_what_kubectl_describe_shows(void **state)
{
    struct fixture *fixture = *state;
    write_event(fixture, "u1", "Warning", "NodeClaimFailed", "no capacity");
    assert_int_equal(count(fixture), 1);
    const struct kt_scripted_request *request = kt_scripted_server_request(fixture->api.server, 0);
    assert_string_equal(request->method, "POST");
    assert_non_null(strstr(request->target, "/api/v1/namespaces/team/events?"));
    const cJSON *event = sent(fixture, 0);
    assert_string_equal(sent_text(event, "involvedObject", "kind"), "Workspace");
    assert_string_equal(sent_text(event, "involvedObject", "apiVersion"), "kaito.sh/v1beta1");
    assert_string_equal(sent_text(event, "involvedObject", "name"), "a");
    assert_string_equal(sent_text(event, "involvedObject", "namespace"), "team");
    assert_string_equal(sent_text(event, "involvedObject", "uid"), "u1");
    assert_string_equal(sent_text(event, NULL, "type"), "Warning");
    assert_string_equal(sent_text(event, NULL, "reason"), "NodeClaimFailed");
    assert_string_equal(sent_text(event, NULL, "message"), "no capacity");
    assert_string_equal(sent_text(event, "source", "component"), "kaito-webhook");
    assert_string_equal(sent_text(event, NULL, "reportingComponent"), "kaito-webhook");
    assert_int_equal(strlen(sent_text(event, NULL, "firstTimestamp")), strlen("2026-11-23T14:28:00Z"));
    assert_string_equal(sent_text(event, NULL, "firstTimestamp"), sent_text(event, NULL, "lastTimestamp"));
    const char *name = sent_text(event, "metadata", "name");
    assert_int_equal(strspn(name, "a."), 2);
    assert_int_equal(strlen(name), 2 + 16);
    assert_int_equal(strspn(name + 2, "0123456789abcdef"), 16);
}

static void the_same_event_is_written_once(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 5; i++)
        write_event(fixture, "u1", "Normal", "JobCreated", "m");
    assert_int_equal(count(fixture), 1);
    write_event(fixture, "u1", "Normal", "JobCreated", "another message");
    write_event(fixture, "u1", "Warning", "JobCreated", "m");
    write_event(fixture, "u1", "Normal", "JobDeleted", "m");
    write_event(fixture, "u2", "Normal", "JobCreated", "m"); /* another Workspace, perhaps of the same name */
    assert_int_equal(count(fixture), 5);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(sent_text(sent(fixture, i), "metadata", "name"),
                                    sent_text(sent(fixture, j), "metadata", "name"));
}

static void after_a_restart_it_finds_itself_there(void **state)
{
    struct fixture *fixture = *state;
    write_event(fixture, "u1", "Normal", "JobCreated", "m");
    kt_events_free(fixture->events);
    assert_int_equal(kt_events_new(&fixture->events, NULL), 0);
    atomic_store(&fixture->code, 409);
    fixture->reason = "AlreadyExists";
    write_event(fixture, "u1", "Normal", "JobCreated", "m");
    assert_int_equal(count(fixture), 2);
    assert_string_equal(sent_text(sent(fixture, 0), "metadata", "name"),
                        sent_text(sent(fixture, 1), "metadata", "name"));
    write_event(fixture, "u1", "Normal", "JobCreated", "m"); /* now it is known that it is there */
    assert_int_equal(count(fixture), 2);
}

static void what_failed_may_be_written_later(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        int code;
        const char *reason;
    } failures[] = {{403, "Forbidden"}, {404, "NotFound"}, {500, "InternalError"}, {422, "Invalid"}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(failures); i++) {
        fixture->reason = failures[i].reason;
        atomic_store(&fixture->code, failures[i].code);
        write_event(fixture, "u1", "Normal", "JobCreated", "m");
        assert_int_equal(count(fixture), i + 1);
    }
    atomic_store(&fixture->code, 201);
    write_event(fixture, "u1", "Normal", "JobCreated", "m");
    write_event(fixture, "u1", "Normal", "JobCreated", "m");
    assert_int_equal(count(fixture), KT_ARRAY_LENGTH(failures) + 1);
}

static void a_workspace_that_flaps_does_not_flood(void **state)
{
    struct fixture *fixture = *state;
    char message[32];
    for (size_t i = 0; i < 5 * KT_EVENTS_PER_MINUTE; i++) {
        snprintf(message, sizeof(message), "m%zu", i);
        write_event(fixture, "u1", "Normal", "Flapping", message);
    }
    assert_int_equal(count(fixture), KT_EVENTS_PER_MINUTE);
    write_event(fixture, "u2", "Normal", "Quiet", "m"); /* others still may */
    assert_int_equal(count(fixture), KT_EVENTS_PER_MINUTE + 1);
}

static void long_names_and_messages_stay_within_what_is_allowed(void **state)
{
    struct fixture *fixture = *state;
    char name[254], message[5000];
    memset(name, 'n', sizeof(name));
    name[235] = '.';
    name[253] = '\0';
    size_t length = 0;
    while (length + 4 < sizeof(message))
        length += (size_t)snprintf(message + length, sizeof(message) - length, "\xe2\x82\xac");
    kt_events_write(fixture->events, kt_api_fixture_client(&fixture->api), &fixture->arena,
                    workspace(fixture, name, "u1"), "Normal", "Long", message);
    assert_int_equal(count(fixture), 1);
    const char *event_name = sent_text(sent(fixture, 0), "metadata", "name");
    const char *cut = sent_text(sent(fixture, 0), NULL, "message");
    assert_in_range(strlen(event_name), 200, 253);
    assert_null(strstr(event_name, "..")); /* no empty label */
    assert_in_range(strlen(cut), 1000, 1024);
    assert_true(kt_utf8_valid(kt_str(cut)));
    assert_string_equal(cut + strlen(cut) - 3, "...");
}

static void what_has_no_namespace_or_memory_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    kt_events_write(fixture->events, kt_api_fixture_client(&fixture->api), &fixture->arena,
                    kt_test_json(&fixture->arena, "{\"metadata\":[]}"), "Normal", "R", "m");
    KT_CLEANUP(kt_arena_release) struct kt_arena small;
    kt_arena_init(&small, 200);
    kt_events_write(fixture->events, kt_api_fixture_client(&fixture->api), &small, workspace(fixture, "a", "u"),
                    "Normal", "R", "m");
    assert_int_equal(count(fixture), 0);
    write_event(fixture, "u", "Normal", "R", "m"); /* and is not lost for it */
    assert_int_equal(count(fixture), 1);
    struct kt_events *events = NULL;
    struct kt_error error;
    kt_heap_fail_from(1);
    assert_int_equal(kt_events_new(&events, &error), KT_ENOMEM);
    kt_heap_fail_from(0);
    kt_events_free(NULL);
}

/* --- threads -------------------------------------------------------------------------------------------------------
 */

static void *write_some(void *context)
{
    struct fixture *fixture = context;
    struct kt_client *client = NULL;
    struct kt_arena arena;
    struct kt_json_parsed parsed;
    kt_arena_init(&arena, 16 * KT_MIB);
    if (kt_client_new(&fixture->api.config, &fixture->api.environment, NULL, &client, NULL) != 0 ||
        kt_json_parse(&arena, kt_str("{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u\"}}"),
                      KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) != 0)
        abort();
    for (size_t i = 0; i < 10; i++)
        kt_events_write(fixture->events, client, &arena, parsed.root, "Normal", "Same",
                        kt_arena_printf(&arena, "m%zu", i % 5));
    kt_client_free(client);
    kt_arena_release(&arena);
    return NULL;
}

static void two_workers_write_it_once(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, fixture), 0);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(count(fixture), 5);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_what_kubectl_describe_shows),        TEST(the_same_event_is_written_once),
        TEST(after_a_restart_it_finds_itself_there),          TEST(what_failed_may_be_written_later),
        TEST(a_workspace_that_flaps_does_not_flood),          TEST(long_names_and_messages_stay_within_what_is_allowed),
        TEST(what_has_no_namespace_or_memory_is_passed_over), TEST(two_workers_write_it_once),
    };
    struct kt_error error;
    if (kt_client_global_init(&error) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failed;
}
