/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a Workspace whose objects could not all be seen: nothing is made, nothing is deleted, and it is said why.
 */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "tests/lib/api_fixture.h"
#include "tests/lib/json_text.h"
#include "webhook/log.h"
#include "webhook/reconcile/reconcile.h"

#define HANG_MS 60000
#define METADATA "\"metadata\":{\"name\":\"w\",\"namespace\":\"ns\",\"uid\":\"u\",\"resourceVersion\":\"10\""
#define SPEC                                                                                                           \
    ",\"resource\":{\"instanceType\":\"Standard_NC24ads_A100_v4\",\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"}}}," \
    "\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"},\"method\":\"qlora\",\"input\":{\"urls\":["        \
    "\"https://example.com/a.parquet\"]},\"output\":{\"image\":\"registry.example.com/a:1\",\"imagePushSecret\":"      \
    "\"s\"}}}"
#define TYPE "{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\","
#define WORKSPACE TYPE METADATA "}" SPEC
#define LEAVING   \
    TYPE METADATA \
        ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"finalizers\":[\"workspace.finalizer.kaito.sh\"]}" SPEC

struct fixture {
    struct kt_api_fixture api;
    struct kt_store *store;
    struct kt_informers *informers;
    struct kt_events *events;
    struct kt_claim_memory *claims;
    struct kt_settings settings;
    struct kt_reconciler reconciler;
    struct kt_arena arena;
};

static bool answer(void *context KT_UNUSED, const struct kt_scripted_request *request,
                   struct kt_scripted_connection *connection)
{
    if (strstr(request->target, "watch=true"))
        return kt_scripted_hold(connection, HANG_MS) && false;
    if (strcmp(request->method, "GET") == 0 && strstr(request->target, "limit="))
        return kt_scripted_reply(connection, 200, "",
                                 "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[]}");
    if (strcmp(request->method, "GET") == 0)
        return kt_scripted_reply(connection, 404, "Content-Type: application/json\r\n",
                                 "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":"
                                 "\"NotFound\",\"details\":{\"name\":\"w\"},\"code\":404}");
    return kt_scripted_reply(connection, 200, "", WORKSPACE);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct kt_error error;
    fixture = (struct fixture){0};
    *state = &fixture;
    kt_log_set_level(KT_LOG_ERROR);
    kt_arena_init(&fixture.arena, 256 * KT_MIB);
    kt_api_fixture_start(&fixture.api, answer, &fixture, NULL, (struct kt_str){0});
    kt_settings_init(&fixture.settings);
    if (kt_store_new(&fixture.store, &error) != 0 || kt_events_new(&fixture.events, &error) != 0 ||
        kt_claim_memory_new(&fixture.claims, &error) != 0)
        return -1;
    const struct kt_informers_options options = {.config = &fixture.api.config,
                                                 .environment = &fixture.api.environment,
                                                 .for_reconciler = true,
                                                 .with_node_claims = true};
    if (kt_informers_start(&options, fixture.store, &fixture.informers, &error) != 0 ||
        kt_informers_wait(fixture.informers, -1, &error) != 0)
        return -1;
    fixture.reconciler = (struct kt_reconciler){.settings = &fixture.settings,
                                                .clock = &kt_clock_system,
                                                .store = fixture.store,
                                                .events = fixture.events,
                                                .claims = fixture.claims,
                                                .informers = fixture.informers,
                                                .options = {1, 1000, 1000, INT64_C(1) << 50}};
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_informers_stop(fixture->informers);
    kt_claim_memory_free(fixture->claims);
    kt_events_free(fixture->events);
    kt_store_free(fixture->store);
    kt_api_fixture_stop(&fixture->api);
    kt_arena_release(&fixture->arena);
    return 0;
}

/* More than the cache keeps: of the kind, or of the namespace. */
static void leave_out(struct fixture *fixture, enum kt_kind_id kind)
{
    struct kt_error error;
    const char *scope = kt_kinds[kind].resource->cluster_scoped ? "" : "\"namespace\":\"ns\",";
    char *text = kt_arena_alloc(&fixture->arena, 7 * KT_MIB);
    memset(text, 'x', 7 * KT_MIB - 1);
    const cJSON *large =
        kt_test_json(&fixture->arena,
                     kt_arena_printf(&fixture->arena, "{\"metadata\":{\"name\":\"large\",%s\"labels\":{\"a\":\"%s\"}}}",
                                     scope, text));
    assert_int_equal(kt_store_put(fixture->store, kind, large, NULL, &error), KT_ELIMIT);
}

static struct kt_reconcile look_at(struct fixture *fixture, const char *workspace)
{
    struct kt_error error;
    assert_int_equal(
        kt_store_put(fixture->store, KT_KIND_WORKSPACE, kt_test_json(&fixture->arena, workspace), NULL, &error), 0);
    struct kt_reconcile look = {.reconciler = &fixture->reconciler,
                                .client = kt_api_fixture_client(&fixture->api),
                                .arena = &fixture->arena,
                                .key = {"ns", "w"}};
    (void)kt_reconcile_workspace(&look);
    return look;
}

/* Requests with this method, and these words in path or body. */
static size_t asked(struct fixture *fixture, const char *method, const char *words)
{
    size_t count = 0;
    for (size_t i = 0; i < kt_scripted_server_count(fixture->api.server); i++) {
        const struct kt_scripted_request *request = kt_scripted_server_request(fixture->api.server, i);
        count += strcmp(request->method, method) == 0 &&
                 (strstr(request->target, words) || (request->body && strstr(request->body, words)));
    }
    return count;
}

static void nothing_is_made(struct fixture *fixture)
{
    assert_int_equal(asked(fixture, "POST", "/nodeclaims"), 0);
    assert_int_equal(asked(fixture, "POST", "/jobs"), 0);
    assert_int_equal(asked(fixture, "POST", "/configmaps"), 0);
    assert_int_equal(asked(fixture, "DELETE", ""), 0);
}

static void a_kind_that_was_cut_becomes_a_condition(void **state)
{
    struct fixture *fixture = *state;
    leave_out(fixture, KT_KIND_NODE_CLAIM);
    struct kt_reconcile look = look_at(fixture, WORKSPACE);
    nothing_is_made(fixture);
    assert_int_equal(asked(fixture, "PATCH", "TooManyObjects"), 1);
    assert_int_equal(asked(fixture, "POST", "TooManyObjects"), 1); /* the Event */
    assert_true(look.revisit_ms > 0);
}

static void so_do_pods_of_the_namespace(void **state)
{
    struct fixture *fixture = *state;
    leave_out(fixture, KT_KIND_POD);
    look_at(fixture, WORKSPACE);
    nothing_is_made(fixture);
    assert_int_equal(asked(fixture, "PATCH", "the namespace has more pods"), 1);
}

static void a_workspace_that_is_deleted_keeps_its_finalizer(void **state)
{
    struct fixture *fixture = *state;
    leave_out(fixture, KT_KIND_NODE_CLAIM);
    look_at(fixture, LEAVING);
    assert_int_equal(asked(fixture, "DELETE", ""), 0);
    assert_int_equal(asked(fixture, "PATCH", "finalizers"), 0);
}

/* Whether there is a Job can be asked; then the look goes on. */
static void a_job_is_read_where_it_may_be(void **state)
{
    struct fixture *fixture = *state;
    leave_out(fixture, KT_KIND_JOB);
    look_at(fixture, WORKSPACE);
    assert_true(asked(fixture, "GET", "/namespaces/ns/jobs/w") >= 1);
    assert_int_equal(asked(fixture, "PATCH", "TooManyObjects"), 0);
    assert_true(asked(fixture, "PATCH", "workspace.finalizer.kaito.sh") >= 1); /* the step after */
}

static void what_was_seen_whole_is_acted_on(void **state)
{
    struct fixture *fixture = *state;
    look_at(fixture, WORKSPACE);
    assert_int_equal(asked(fixture, "GET", "/namespaces/ns/jobs/w"), 0);
    assert_true(asked(fixture, "PATCH", "workspace.finalizer.kaito.sh") >= 1);
}

int main(void)
{
    struct kt_error error;
    if (kt_client_global_init(&error) != 0)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_kind_that_was_cut_becomes_a_condition),
        TEST(so_do_pods_of_the_namespace),
        TEST(a_workspace_that_is_deleted_keeps_its_finalizer),
        TEST(a_job_is_read_where_it_may_be),
        TEST(what_was_seen_whole_is_acted_on),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failed;
}
