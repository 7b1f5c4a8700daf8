/* SPDX-License-Identifier: Apache-2.0 */
/* What the reconciler hears of its cluster, and which Workspaces it then looks at, whatever the API server does. */
#include "tests/lib/cmocka_all.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/lib/cluster_script.h"
#include "tests/lib/json_text.h"
#include "webhook/log.h"
#include "webhook/cluster/informers.h"
#include "webhook/reconcile/work_queue.h"
#include "workload/names.h"

#define WS KT_KIND_WORKSPACE
#define CLAIMS KT_KIND_NODE_CLAIM
#define NODES KT_KIND_NODE
#define JOBS KT_KIND_JOB
#define PODS KT_KIND_POD
#define MAPS KT_KIND_CONFIG_MAP

/* How long anything may take before a test gives up. */
#define PATIENCE_MS 60000

struct fixture {
    struct kt_cluster_script script;
    struct kt_store *store;
    struct kt_work_queue *queue;
    struct kt_informers *informers;
    struct kt_informers_options options;
    bool for_rules_only;
    int stop;
};

#define META(name, version) \
    "\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"resourceVersion\":\"" version "\""
#define OF(workspace) ",\"labels\":{\"kaito.sh/workspace\":\"" workspace "\",\"kaito.sh/workspacenamespace\":\"ns\"}}"
#define WORKSPACE(name, version) "{" META(name, version) "},\"tuning\":{\"config\":\"config-" name "\"}}"
#define POD(name, version, workspace, phase) \
    "{" META(name, version) OF(workspace) ",\"status\":{\"phase\":\"" phase "\"}}"
#define CLAIM(name, version, workspace, node) \
    "{" META(name, version) OF(workspace) ",\"status\":{\"nodeName\":\"" node "\"}}"
#define NODE(name, version, ready)                                                                                  \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version                                           \
    "\"},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"" ready "\",\"lastHeartbeatTime\":\"" version \
    "\"}]}}"
#define MAP(name, version, text) "{" META(name, version) "},\"data\":{\"training_config.yaml\":\"" text "\"}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define STATUS(code, reason) \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"" reason "\",\"message\":\"m\",\"code\":" #code "}"

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    kt_log_set_level(KT_LOG_ERROR);
    kt_cluster_script_start(&fixture.script);
    kt_cluster_script_items(&fixture.script, WS, WORKSPACE("a", "1") "," WORKSPACE("b", "2"));
    fixture.stop = eventfd(0, EFD_CLOEXEC);
    *state = &fixture;
    return fixture.stop >= 0 && kt_store_new(&fixture.store, NULL) == 0 &&
                   kt_work_queue_new(&kt_clock_system, &fixture.queue, NULL) == 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_informers_stop(fixture->informers);
    kt_cluster_script_stop(&fixture->script);
    kt_work_queue_free(fixture->queue);
    kt_store_free(fixture->store);
    kt_close_fd(&fixture->stop);
    return 0;
}

static void add_key(void *context, const struct kt_object_key *key)
{
    kt_work_queue_add(context, key);
}

static void start(struct fixture *fixture)
{
    struct kt_error error;
    fixture->options.config = &fixture->script.api.config;
    fixture->options.environment = &fixture->script.api.environment;
    fixture->options.for_reconciler = !fixture->for_rules_only;
    if (kt_informers_start(&fixture->options, fixture->store, &fixture->informers, &error) != 0)
        fail_msg("%s", error.message);
    const struct kt_store_visitor listener = {add_key, fixture->queue};
    kt_informers_tell(fixture->informers, &listener);
}

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static void nap(void)
{
    poll(NULL, 0, 2);
}

/* Takes what is queued until this Workspace comes; *others counts what came before. */
static void expect_key(struct fixture *fixture, const char *name, size_t *others)
{
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    struct kt_object_key key;
    while (now_ms() < deadline_ms) {
        if (kt_work_queue_figures(fixture->queue).depth == 0) {
            nap();
            continue;
        }
        assert_true(kt_work_queue_take(fixture->queue, &key));
        kt_work_queue_done(fixture->queue, &key);
        assert_string_equal(key.namespace_, "ns");
        if (strcmp(key.name, name) == 0)
            return;
        if (others)
            (*others)++;
    }
    fail_msg("%s was not queued", name);
}

/* All is listed, and what that queued is taken. */
static void start_and_settle(struct fixture *fixture)
{
    struct kt_error error;
    struct kt_object_key key;
    start(fixture);
    if (kt_informers_wait(fixture->informers, fixture->stop, &error) != 0)
        fail_msg("%s", error.message);
    while (kt_work_queue_figures(fixture->queue).depth > 0) {
        assert_true(kt_work_queue_take(fixture->queue, &key));
        kt_work_queue_done(fixture->queue, &key);
    }
}

static bool has(struct fixture *fixture, enum kt_kind_id kind, const char *name, const char *phase)
{
    struct kt_stored *stored = kt_store_get(fixture->store, kind, kind == CLAIMS || kind == NODES ? "" : "ns", name);
    bool found =
        stored &&
        (!phase ||
         strcmp(kt_json_string_or(kt_json_path(kt_stored_object(stored), "status", "phase", NULL), ""), phase) == 0);
    kt_stored_release(stored);
    return found;
}

static void expect_lists(struct fixture *fixture, enum kt_kind_id kind, size_t lists)
{
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (kt_cluster_script_lists(&fixture->script, kind) < lists && now_ms() < deadline_ms)
        nap();
    assert_int_equal(kt_cluster_script_lists(&fixture->script, kind), lists);
}

/* --- the usual course ----------------------------------------------------------------------------------------------
 */

static void everything_is_listed_once_and_workspaces_are_queued(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    fixture->options.with_node_claims = true;
    kt_cluster_script_items(&fixture->script, PODS, POD("p", "3", "a", "Running"));
    kt_cluster_script_items(&fixture->script, NODES, NODE("n", "4", "True"));
    kt_cluster_script_items(&fixture->script, MAPS, MAP("config-a", "5", "x"));
    start(fixture);
    assert_int_equal(kt_informers_wait(fixture->informers, fixture->stop, &error), 0);
    assert_true(kt_informers_synced(fixture->informers) && kt_informers_know_node_claims(fixture->informers));
    assert_true(has(fixture, WS, "a", NULL) && has(fixture, WS, "b", NULL) && has(fixture, PODS, "p", "Running"));
    assert_true(has(fixture, NODES, "n", NULL) && has(fixture, MAPS, "config-a", NULL));
    expect_key(fixture, "b", NULL);
    for (int kind = 0; kind < KT_CACHED_KINDS; kind++)
        assert_int_equal(kt_cluster_script_lists(&fixture->script, (enum kt_kind_id)kind), 1);
}

static void children_are_asked_for_by_label(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.with_node_claims = true;
    start_and_settle(fixture);
    struct kt_scripted_server *server = fixture->script.api.server;
    for (size_t i = 0; i < kt_scripted_server_count(server); i++) {
        const char *target = kt_scripted_server_request(server, i)->target;
        bool labelled = strstr(target, "labelSelector=kaito.sh%2Fworkspace") != NULL;
        bool is_child = strstr(target, "/jobs?") || strstr(target, "/pods?") || strstr(target, "/nodeclaims?");
        assert_int_equal(labelled, is_child);
    }
}

static void node_claims_are_not_asked_for_where_nodes_are_the_users_own(void **state)
{
    struct fixture *fixture = *state;
    start_and_settle(fixture);
    assert_int_equal(kt_cluster_script_lists(&fixture->script, CLAIMS), 0);
    assert_int_equal(kt_cluster_script_watches(&fixture->script, CLAIMS), 0);
}

static void a_change_queues_those_whom_it_concerns(void **state)
{
    struct fixture *fixture = *state;
    size_t others = 0;
    fixture->options.with_node_claims = true;
    kt_cluster_script_items(&fixture->script, CLAIMS, CLAIM("c", "3", "b", "n"));
    kt_cluster_script_items(&fixture->script, NODES, NODE("n", "4", "False"));
    start_and_settle(fixture);
    kt_cluster_script_say(&fixture->script, PODS, EVENT("ADDED", POD("p", "11", "a", "Pending")));
    expect_key(fixture, "a", &others);
    kt_cluster_script_say(&fixture->script, NODES, EVENT("MODIFIED", NODE("n", "12", "True")));
    expect_key(fixture, "b", &others);
    kt_cluster_script_say(&fixture->script, MAPS, EVENT("ADDED", MAP("config-a", "13", "x")));
    expect_key(fixture, "a", &others);
    kt_cluster_script_say(&fixture->script, PODS, EVENT("DELETED", POD("p", "14", "a", "Pending")));
    expect_key(fixture, "a", &others);
    assert_false(has(fixture, PODS, "p", NULL));
    kt_cluster_script_say(&fixture->script, MAPS, EVENT("DELETED", MAP("config-a", "15", "x")));
    expect_key(fixture, "a", &others);
    assert_int_equal(others, 0);
}

static void what_says_nothing_new_queues_nobody(void **state)
{
    struct fixture *fixture = *state;
    size_t others = 0;
    fixture->options.with_node_claims = true;
    kt_cluster_script_items(&fixture->script, CLAIMS, CLAIM("c", "3", "b", "n"));
    kt_cluster_script_items(&fixture->script, NODES, NODE("n", "4", "True"));
    start_and_settle(fixture);
    kt_cluster_script_say(&fixture->script, NODES, EVENT("MODIFIED", NODE("n", "12", "True"))); /* a heartbeat */
    kt_cluster_script_say(&fixture->script, NODES,
                          EVENT("BOOKMARK", "{\"kind\":\"Node\",\"metadata\":{\"resourceVersion\":\"90\"}}"));
    kt_cluster_script_say(&fixture->script, WS, EVENT("MODIFIED", WORKSPACE("a", "1")));
    kt_cluster_script_say(&fixture->script, NODES, EVENT("MODIFIED", NODE("n", "91", "False")));
    expect_key(fixture, "b", &others);
    kt_cluster_script_say(&fixture->script, WS, EVENT("ADDED", WORKSPACE("last", "92")));
    expect_key(fixture, "last", &others);
    assert_int_equal(others, 0);
}

static void a_resync_queues_every_workspace(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.resync_ms = 20;
    start_and_settle(fixture);
    for (size_t i = 0; i < 3; i++) {
        expect_key(fixture, "a", NULL);
        expect_key(fixture, "b", NULL);
    }
}

/* --- troubles ------------------------------------------------------------------------------------------------------
 */

/* Each must end with the change known and its Workspace queued. */
static void a_change_survives(struct fixture *fixture, const char *piece, struct kt_script_fault fault)
{
    start_and_settle(fixture);
    kt_cluster_script_say(&fixture->script, PODS, EVENT("ADDED", POD("p", "11", "a", "Pending")));
    expect_key(fixture, "a", NULL);
    if (fault.code != 0)
        kt_cluster_script_fail(&fixture->script, PODS, fault);
    /* What the next list would say; a watch that goes on says it, too. */
    kt_cluster_script_items(&fixture->script, PODS, POD("p", "20", "a", "Failed"));
    kt_cluster_script_say(&fixture->script, PODS, piece);
    kt_cluster_script_say(&fixture->script, PODS, EVENT("MODIFIED", POD("p", "20", "a", "Failed")));
    expect_key(fixture, "a", NULL);
    assert_true(has(fixture, PODS, "p", "Failed"));
}

static void a_line_that_is_cut_off(void **state)
{
    struct fixture *fixture = *state;
    kt_cluster_script_say(&fixture->script, PODS, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"half");
    kt_cluster_script_say(&fixture->script, PODS, kt_script_cut);
    a_change_survives(fixture, kt_script_cut, (struct kt_script_fault){0});
    assert_false(has(fixture, PODS, "half", NULL));
}

static void an_end_of_the_watch(void **state)
{
    a_change_survives(*state, kt_script_end, (struct kt_script_fault){0});
}

static void garbage_in_the_stream(void **state)
{
    struct fixture *fixture = *state;
    a_change_survives(fixture, "<html>what?</html>\n", (struct kt_script_fault){0});
    assert_true(kt_cluster_script_lists(&fixture->script, PODS) >= 2);
}

static void gone_in_the_stream(void **state)
{
    struct fixture *fixture = *state;
    a_change_survives(fixture, EVENT("ERROR", STATUS(410, "Expired")), (struct kt_script_fault){0});
    assert_true(kt_cluster_script_lists(&fixture->script, PODS) >= 2);
}

static void gone_by_http(void **state)
{
    struct fixture *fixture = *state;
    a_change_survives(fixture, kt_script_end, (struct kt_script_fault){.code = 410, .body = STATUS(410, "Gone")});
    assert_true(kt_cluster_script_lists(&fixture->script, PODS) >= 2);
}

static void too_many_requests(void **state)
{
    int64_t start_ms = now_ms();
    a_change_survives(
        *state, kt_script_end,
        (struct kt_script_fault){.code = 429, .headers = "Retry-After: 1\r\n", .body = STATUS(429, "TooManyRequests")});
    assert_true(now_ms() - start_ms >= 1000); /* it asked for that */
}

static void an_internal_error(void **state)
{
    a_change_survives(*state, kt_script_cut, (struct kt_script_fault){.code = 500, .body = "<html>"});
}

static void a_first_list_that_fails(void **state)
{
    struct fixture *fixture = *state;
    kt_cluster_script_fail(&fixture->script, WS,
                           (struct kt_script_fault){.of_list = true, .code = 403, .body = STATUS(403, "Forbidden")});
    kt_cluster_script_fail(&fixture->script, JOBS, (struct kt_script_fault){.of_list = true, .code = 500, .body = "{"});
    start_and_settle(fixture);
    assert_true(has(fixture, WS, "a", NULL));
}

static void what_went_away_unseen_is_found_out(void **state)
{
    struct fixture *fixture = *state;
    kt_cluster_script_items(&fixture->script, PODS, POD("p", "3", "a", "Running"));
    start_and_settle(fixture);
    assert_true(has(fixture, PODS, "p", NULL));
    kt_cluster_script_items(&fixture->script, PODS, "");
    kt_cluster_script_say(&fixture->script, PODS, EVENT("ERROR", STATUS(410, "Expired")));
    expect_key(fixture, "a", NULL);
    assert_false(has(fixture, PODS, "p", NULL));
}

static void an_api_server_that_comes_back_is_heard_within_five_seconds(void **state)
{
    struct fixture *fixture = *state;
    start_and_settle(fixture);
    kt_cluster_script_down(&fixture->script, true);
    /* Long enough for the delays to have grown to their largest: the third failure of each watch. */
    size_t before = kt_scripted_server_count(fixture->script.api.server);
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (kt_scripted_server_count(fixture->script.api.server) < before + 15 && now_ms() < deadline_ms)
        nap();
    kt_cluster_script_items(&fixture->script, WS, WORKSPACE("new", "50"));
    kt_cluster_script_say(&fixture->script, WS, EVENT("ADDED", WORKSPACE("new", "50")));
    kt_cluster_script_down(&fixture->script, false);
    int64_t back_ms = now_ms();
    expect_key(fixture, "new", NULL);
    assert_in_range(now_ms() - back_ms, 0, 5000);
}

/* --- NodeClaims that the API server does not know ------------------------------------------------------------------
 */

static void without_karpenter_it_goes_on_and_finds_it_later(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    fixture->options.with_node_claims = true;
    fixture->options.missing_type_ms = 20;
    kt_cluster_script_miss(&fixture->script, CLAIMS, true);
    start(fixture);
    assert_int_equal(kt_informers_wait(fixture->informers, fixture->stop, &error), 0);
    assert_false(kt_informers_know_node_claims(fixture->informers));
    /* Everything else is heard. */
    kt_cluster_script_say(&fixture->script, PODS, EVENT("ADDED", POD("p", "11", "a", "Pending")));
    expect_key(fixture, "a", NULL);
    kt_cluster_script_items(&fixture->script, CLAIMS, CLAIM("c", "60", "b", "n"));
    kt_cluster_script_miss(&fixture->script, CLAIMS, false);
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (!has(fixture, CLAIMS, "c", NULL) && now_ms() < deadline_ms)
        nap();
    expect_key(fixture, "b", NULL);
    while (!kt_informers_know_node_claims(fixture->informers) && now_ms() < deadline_ms)
        nap();
    assert_true(kt_informers_know_node_claims(fixture->informers));
    /* Karpenter is taken away with all its objects. */
    kt_cluster_script_miss(&fixture->script, CLAIMS, true);
    kt_cluster_script_say(&fixture->script, CLAIMS, EVENT("ERROR", STATUS(410, "Expired")));
    while (kt_informers_know_node_claims(fixture->informers) && now_ms() < deadline_ms)
        nap();
    assert_false(kt_informers_know_node_claims(fixture->informers));
    while (has(fixture, CLAIMS, "c", NULL) && now_ms() < deadline_ms)
        nap();
    assert_false(has(fixture, CLAIMS, "c", NULL));
}

static void a_type_that_is_missing_is_not_asked_for_all_the_time(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.with_node_claims = true;
    fixture->options.missing_type_ms = 600000;
    kt_cluster_script_miss(&fixture->script, CLAIMS, true);
    start_and_settle(fixture);
    kt_cluster_script_down(&fixture->script, true);
    expect_lists(fixture, CLAIMS, 1);
}

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

static void a_wait_can_be_stopped(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    uint64_t one = 1;
    kt_cluster_script_down(&fixture->script, true);
    start(fixture);
    assert_false(kt_informers_synced(fixture->informers));
    assert_int_equal(write(fixture->stop, &one, sizeof(one)), sizeof(one));
    assert_int_equal(kt_informers_wait(fixture->informers, fixture->stop, &error), KT_EINTERRUPTED);
    int64_t start_ms = now_ms();
    kt_informers_stop(fixture->informers);
    fixture->informers = NULL;
    assert_in_range(now_ms() - start_ms, 0, 10000);
}

static void *wait_for_all(void *context)
{
    struct fixture *fixture = context;
    struct kt_error error;
    return kt_informers_wait(fixture->informers, fixture->stop, &error) == 0 ? context : NULL;
}

static void any_number_may_wait(void **state)
{
    struct fixture *fixture = *state;
    pthread_t waiters[8];
    void *result;
    kt_cluster_script_down(&fixture->script, true);
    start(fixture);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(waiters); i++)
        assert_int_equal(pthread_create(&waiters[i], NULL, wait_for_all, fixture), 0);
    kt_cluster_script_down(&fixture->script, false);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(waiters); i++) {
        pthread_join(waiters[i], &result);
        assert_non_null(result);
    }
}

/* Something did not fit, and then something goes: a new list shows that all fits, and everybody is looked at again. */
static void what_did_not_fit_is_listed_again(void **state)
{
    struct fixture *fixture = *state;
    static const char head[] = "{\"type\":\"ADDED\",\"object\":{" META("large", "11") ",\"annotations\":{\"a\":\"";
    static char piece[3 * KT_MIB];
    memset(piece, 'x', sizeof(piece));
    memcpy(piece, head, sizeof(head) - 1);
    memcpy(piece + sizeof(piece) - 7, "\"}}}}\n", 7);
    fixture->options.relist_ms = 1;
    start_and_settle(fixture);
    struct kt_stored *stored;
    assert_int_equal(kt_store_look_up(fixture->store, JOBS, "ns", "large", &stored), KT_LOOKUP_ABSENT);
    kt_cluster_script_say(&fixture->script, JOBS, piece);
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (kt_store_is_complete(fixture->store, JOBS) && now_ms() < deadline_ms)
        nap();
    assert_int_equal(kt_store_look_up(fixture->store, JOBS, "ns", "large", &stored), KT_LOOKUP_UNKNOWN);
    kt_cluster_script_say(&fixture->script, JOBS, EVENT("DELETED", "{" META("other", "12") "}}"));
    expect_lists(fixture, JOBS, 2);
    expect_key(fixture, "b", NULL);
    assert_int_equal(kt_store_look_up(fixture->store, JOBS, "ns", "large", &stored), KT_LOOKUP_ABSENT);
}

/* A reconciler that comes late hears of all there is; one that has gone hears nothing more. */
static void a_listener_may_come_and_go(void **state)
{
    struct fixture *fixture = *state;
    const struct kt_store_visitor listener = {add_key, fixture->queue};
    start_and_settle(fixture);
    kt_informers_tell(fixture->informers, NULL);
    kt_cluster_script_say(&fixture->script, WS, EVENT("ADDED", WORKSPACE("unheard", "92")));
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (!has(fixture, WS, "unheard", NULL) && now_ms() < deadline_ms)
        nap();
    assert_int_equal(kt_work_queue_figures(fixture->queue).depth, 0);
    kt_informers_tell(fixture->informers, &listener);
    assert_int_equal(kt_work_queue_figures(fixture->queue).depth, 3);
    kt_informers_stop(NULL);
}

static void without_a_reconciler_only_what_rules_read_is_watched(void **state)
{
    struct fixture *fixture = *state;
    fixture->for_rules_only = true;
    fixture->options.with_node_claims = true;
    kt_cluster_script_items(&fixture->script, NODES, NODE("n", "4", "True"));
    start_and_settle(fixture);
    assert_true(has(fixture, NODES, "n", NULL));
    for (int kind = 0; kind < KT_CACHED_KINDS; kind++)
        assert_int_equal(kt_cluster_script_lists(&fixture->script, (enum kt_kind_id)kind),
                         kind == KT_KIND_NODE || kind == KT_KIND_CONFIG_MAP);
}

/* The API server does not let us list Nodes: the reconciler does not wait for ever, and is told what it cannot see. */
static void a_kind_that_is_refused_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    for (size_t i = 0; i < KT_SCRIPT_FAULTS; i++)
        kt_cluster_script_fail(
            &fixture->script, NODES,
            (struct kt_script_fault){.of_list = true, .code = 403, .body = STATUS(403, "Forbidden")});
    start(fixture);
    assert_int_equal(kt_informers_wait(fixture->informers, fixture->stop, &error), 0);
    const struct kt_resource *refused = kt_informers_refused(fixture->informers);
    assert_true(!refused || kt_streq(refused->plural, "nodes"));
    struct kt_stored *stored;
    if (refused)
        assert_int_equal(kt_store_look_up(fixture->store, NODES, "", "n", &stored), KT_LOOKUP_UNKNOWN);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(everything_is_listed_once_and_workspaces_are_queued),
        TEST(children_are_asked_for_by_label),
        TEST(node_claims_are_not_asked_for_where_nodes_are_the_users_own),
        TEST(a_change_queues_those_whom_it_concerns),
        TEST(what_says_nothing_new_queues_nobody),
        TEST(a_resync_queues_every_workspace),
        TEST(a_line_that_is_cut_off),
        TEST(an_end_of_the_watch),
        TEST(garbage_in_the_stream),
        TEST(gone_in_the_stream),
        TEST(gone_by_http),
        TEST(too_many_requests),
        TEST(an_internal_error),
        TEST(a_first_list_that_fails),
        TEST(what_went_away_unseen_is_found_out),
        TEST(an_api_server_that_comes_back_is_heard_within_five_seconds),
        TEST(without_karpenter_it_goes_on_and_finds_it_later),
        TEST(a_type_that_is_missing_is_not_asked_for_all_the_time),
        TEST(a_wait_can_be_stopped),
        TEST(any_number_may_wait),
        TEST(what_did_not_fit_is_listed_again),
        TEST(a_listener_may_come_and_go),
        TEST(without_a_reconciler_only_what_rules_read_is_watched),
        TEST(a_kind_that_is_refused_is_named),
    };
    struct kt_error error;
    if (kt_client_global_init(&error) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failed;
}
