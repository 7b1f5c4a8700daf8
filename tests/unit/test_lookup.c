/* SPDX-License-Identifier: Apache-2.0 */
/* The server beside an API server that answers, lingers, fails or says nothing: config maps that a Workspace names. */
#include "tests/lib/cmocka_all.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/lib/api_fixture.h"
#include "tests/lib/server_fixture.h"
#include "webhook/cluster/cache.h"
#include "webhook/cluster/lookup_queue.h"

#define PATH "/validate-workspace"
#define JSON "application/json"
#define HANG_MS 60000

struct fixture {
    struct kt_api_fixture api;
    struct kt_server_fixture *server;
    atomic_size_t gets;        /* of single config maps */
    atomic_bool says_changed;  /* the watch of config maps tells of a new content of "listed" */
    atomic_bool lists_nothing; /* the lists of the API server hang, too */
};

/* --- the API server ------------------------------------------------------------------------------------------------
 */

#define CONFIG_MAP_AT(version, name, text)                                                                         \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name                                 \
    "\",\"namespace\":\"default\",\"resourceVersion\":\"" version "\"},\"data\":{\"training_config.yaml\":\"" text \
    "\"}}"
#define CONFIG_MAP(name, text) CONFIG_MAP_AT("10", name, text)
#define GOOD_CONFIG                                                                                   \
    "training_config: {QuantizationConfig: {load_in_4bit: true}, LoraConfig: {r: 8, lora_alpha: 8}, " \
    "TrainingArguments: {output_dir: /mnt/results, per_device_train_batch_size: 1}, DataCollator: {mlm: true}}"
#define STATUS(code, reason) \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"" reason "\",\"code\":" #code "}"

static bool reply_list(struct kt_scripted_connection *connection, const char *items)
{
    char body[2048];
    snprintf(body, sizeof(body), "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[%s]}", items);
    return kt_scripted_reply(connection, 200, "", body);
}

static bool serve_watch(struct fixture *fixture, bool of_maps, struct kt_scripted_connection *connection)
{
    if (!kt_scripted_chunked(connection, 200, ""))
        return false;
    bool told = false;
    while (kt_scripted_hold(connection, 10)) {
        if (!of_maps || told || !atomic_load(&fixture->says_changed))
            continue;
        told = true;
        if (!kt_scripted_chunk(connection, "{\"type\":\"MODIFIED\",\"object\":" CONFIG_MAP_AT(
                                               "11", "listed", "training_config: [") "}\n"))
            return false;
    }
    return false;
}

static bool serve_config_map(struct fixture *fixture, const char *name, struct kt_scripted_connection *connection)
{
    static const struct {
        const char *name;
        int code;
        const char *body;
    } rows[] = {
        {"good", 200, CONFIG_MAP("good", GOOD_CONFIG)}, {"broken", 200, CONFIG_MAP("broken", "training_config: [")},
        {"absent", 404, STATUS(404, "NotFound")},       {"forbidden", 403, STATUS(403, "Forbidden")},
        {"failing", 500, STATUS(500, "InternalError")}, {"garbage", 200, "<html>"},
    };
    atomic_fetch_add(&fixture->gets, 1);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++)
        if (kt_streq(rows[i].name, name))
            return kt_scripted_reply(connection, rows[i].code, "", rows[i].body);
    return kt_scripted_hold(connection, HANG_MS) && false;
}

static bool answer(void *context, const struct kt_scripted_request *request, struct kt_scripted_connection *connection)
{
    static const char one[] = "/api/v1/namespaces/default/configmaps/";
    struct fixture *fixture = context;
    bool of_maps = strstr(request->target, "configmaps") != NULL;
    if (strncmp(request->target, one, sizeof(one) - 1) == 0)
        return serve_config_map(fixture, request->target + sizeof(one) - 1, connection);
    if (atomic_load(&fixture->lists_nothing))
        return kt_scripted_hold(connection, HANG_MS) && false;
    if (strstr(request->target, "watch=true"))
        return serve_watch(fixture, of_maps, connection);
    return reply_list(connection, of_maps ? CONFIG_MAP("listed", GOOD_CONFIG) : "");
}

/* --- the server ----------------------------------------------------------------------------------------------------
 */

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static void start(struct fixture *fixture)
{
    struct kt_error error;
    const struct kt_informers_options options = {.config = &fixture->api.config,
                                                 .environment = &fixture->api.environment};
    if (kt_cache_start(&options, NULL, &fixture->server->cluster, &error) != 0)
        fail_msg("%s", error.message);
    int64_t give_up_ms = now_ms() + 20000;
    while (!atomic_load(&fixture->lists_nothing) && !kt_cache_knows_for_rules(fixture->server->cluster) &&
           now_ms() < give_up_ms)
        poll(NULL, 0, 5);
    assert_true(atomic_load(&fixture->lists_nothing) || kt_cache_knows_for_rules(fixture->server->cluster));
    kt_server_fixture_start(fixture->server, NULL, 0);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    void *server = NULL;
    kt_server_fixture_set_up(&server);
    fixture.server = server;
    kt_api_fixture_start(&fixture.api, answer, &fixture, NULL, (struct kt_str){0});
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    void *server = fixture->server;
    kt_server_fixture_stop(fixture->server);
    kt_cache_stop(fixture->server->cluster);
    kt_server_fixture_tear_down(&server);
    kt_api_fixture_stop(&fixture->api);
    return 0;
}

static size_t write_review(char *buffer, size_t size, const char *config)
{
    static const char format[] =
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\",\"kind\":{"
        "\"group\":\"kaito.sh\",\"version\":\"v1beta1\",\"kind\":\"Workspace\"},\"resource\":{\"group\":\"kaito.sh\","
        "\"version\":\"v1beta1\",\"resource\":\"workspaces\"},\"operation\":\"CREATE\",\"namespace\":\"default\","
        "\"name\":\"w\",\"object\":{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":"
        "\"w\",\"namespace\":\"default\"},\"resource\":{\"instanceType\":\"Standard_NC24ads_A100_v4\","
        "\"labelSelector\":"
        "{\"matchLabels\":{\"a\":\"b\"}}},\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"},\"method\":"
        "\"qlora\",\"config\":\"%s\",\"input\":{\"urls\":[\"https://example.com/a.parquet\"]},\"output\":{\"image\":"
        "\"registry.example.com/a:1\",\"imagePushSecret\":\"s\"}}}}}";
    int length = snprintf(buffer, size, format, config);
    assert_in_range(length, 1, size - 1);
    return (size_t)length;
}

/* Asks about a Workspace that names this config map; how long it took. */
static int64_t ask(struct fixture *fixture, const char *config, char *reply)
{
    char body[2048];
    size_t length = write_review(body, sizeof(body), config);
    int64_t started_ms = now_ms();
    int status = kt_server_fixture_post(fixture->server, PATH, JSON, (struct kt_str){body, length}, reply);
    if (status != 200)
        fail_msg("%s: status %d", config, status);
    return now_ms() - started_ms;
}

/* --- one at a time -------------------------------------------------------------------------------------------------
 */

static void what_the_cache_has_is_not_asked_for(void **state)
{
    struct fixture *fixture = *state;
    char reply[KT_SERVER_FIXTURE_ANSWER_BYTES];
    start(fixture);
    ask(fixture, "listed", reply);
    assert_non_null(strstr(reply, "\"allowed\":true"));
    assert_int_equal(atomic_load(&fixture->gets), 0);
    atomic_store(&fixture->says_changed, true);
    int64_t give_up_ms = now_ms() + 10000;
    while (strstr(reply, "\"allowed\":true") && now_ms() < give_up_ms)
        ask(fixture, "listed", reply);
    assert_non_null(strstr(reply, "\"allowed\":false"));
    assert_int_equal(atomic_load(&fixture->gets), 0);
}

static void what_it_lacks_is_looked_up(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        bool allowed;
        const char *says;
    } rows[] = {
        {"good", true, NULL},
        {"broken", false, "tuning.config"},
        {"absent", false, "absent"},
        {"forbidden", true, "could not be looked up"},
        {"failing", true, "could not be looked up"},
        {"garbage", true, "could not be looked up"},
    };
    char reply[KT_SERVER_FIXTURE_ANSWER_BYTES];
    start(fixture);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        ask(fixture, rows[i].name, reply);
        bool allowed = strstr(reply, "\"allowed\":true") != NULL;
        if (allowed != rows[i].allowed || (rows[i].says && !strstr(reply, rows[i].says)))
            fail_msg("%s: %s", rows[i].name, reply);
        assert_int_equal(atomic_load(&fixture->gets), i + 1);
    }
}

/* --- an API server that says nothing -------------------------------------------------------------------------------
 */

/* The API server gives a webhook 5 seconds. */
#define PATIENCE_MS 4500

static void silence_is_a_warning_in_time(void **state)
{
    struct fixture *fixture = *state;
    char reply[KT_SERVER_FIXTURE_ANSWER_BYTES];
    start(fixture);
    int64_t took_ms = ask(fixture, "hanging", reply);
    assert_non_null(strstr(reply, "\"allowed\":true"));
    assert_non_null(strstr(reply, "could not be looked up"));
    assert_in_range(took_ms, KT_LOOKUP_DEADLINE_MS / 2, PATIENCE_MS);
}

static void lists_that_never_come_are_waited_for_by_nobody(void **state)
{
    struct fixture *fixture = *state;
    char reply[KT_SERVER_FIXTURE_ANSWER_BYTES];
    atomic_store(&fixture->lists_nothing, true);
    start(fixture);
    ask(fixture, "good", reply);
    assert_non_null(strstr(reply, "\"allowed\":true"));
    ask(fixture, "broken", reply);
    assert_non_null(strstr(reply, "\"allowed\":false"));
}

struct asker {
    struct fixture *fixture;
    pthread_t thread;
    int64_t took_ms;
    bool warned;
};

static void *ask_about_silence(void *context)
{
    struct asker *self = context;
    char *reply = malloc(KT_SERVER_FIXTURE_ANSWER_BYTES);
    self->took_ms = ask(self->fixture, "hanging", reply);
    self->warned = strstr(reply, "could not be looked up") != NULL;
    free(reply);
    return NULL;
}

static void begin_asking(struct fixture *fixture, struct asker *askers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        askers[i] = (struct asker){.fixture = fixture};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_about_silence, &askers[i]), 0);
    }
    int64_t give_up_ms = now_ms() + 10000;
    while (atomic_load(&fixture->gets) == 0 && now_ms() < give_up_ms)
        poll(NULL, 0, 1);
}

static void many_wait_and_others_do_not(void **state)
{
    struct fixture *fixture = *state;
    char reply[KT_SERVER_FIXTURE_ANSWER_BYTES];
    struct asker askers[20];
    start(fixture);
    char body[2048];
    size_t length = write_review(body, sizeof(body), "listed");
    struct kt_tls_client client = kt_server_fixture_connect(fixture->server);
    begin_asking(fixture, askers, KT_ARRAY_LENGTH(askers));
    for (size_t i = 0; i < 20; i++) {
        int64_t started_ms = now_ms();
        struct kt_str review = {body, length};
        assert_int_equal(kt_tls_client_post(&client, PATH, JSON, review, reply, sizeof(reply)), 200);
        assert_in_range(now_ms() - started_ms, 0, KT_LOOKUP_DEADLINE_MS - 1);
        assert_non_null(strstr(reply, "\"allowed\":true"));
    }
    kt_tls_client_close(&client);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(askers); i++) {
        pthread_join(askers[i].thread, NULL);
        assert_true(askers[i].warned);
        assert_in_range(askers[i].took_ms, 0, PATIENCE_MS);
    }
}

static struct kt_tls_client ask_and_do_not_wait(struct fixture *fixture)
{
    char body[2048], request[4096];
    size_t length = write_review(body, sizeof(body), "hanging");
    int size = snprintf(request, sizeof(request),
                        "POST " PATH " HTTP/1.1\r\nHost: a\r\nContent-Type: " JSON "\r\nContent-Length: %zu\r\n\r\n%s",
                        length, body);
    struct kt_tls_client client = kt_server_fixture_connect(fixture->server);
    size_t before = atomic_load(&fixture->gets);
    assert_true(kt_tls_client_send(&client, (struct kt_str){request, (size_t)size}));
    int64_t give_up_ms = now_ms() + 10000;
    while (atomic_load(&fixture->gets) == before && now_ms() < give_up_ms)
        poll(NULL, 0, 1);
    return client;
}

static void a_client_may_leave_while_it_waits(void **state)
{
    struct fixture *fixture = *state;
    char reply[KT_SERVER_FIXTURE_ANSWER_BYTES];
    start(fixture);
    for (size_t i = 0; i < 3; i++) {
        struct kt_tls_client client = ask_and_do_not_wait(fixture);
        kt_tls_client_close(&client);
    }
    ask(fixture, "good", reply);
    assert_non_null(strstr(reply, "\"allowed\":true"));
    assert_int_equal(kt_http_get(fixture->server->server.metrics_server.port, "/metrics", reply, sizeof(reply)), 200);
    assert_non_null(strstr(reply, "kaito_webhook_lookups_total 4\n"));
}

/* --- the end -------------------------------------------------------------------------------------------------------
 */

static void those_who_wait_are_answered_before_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct asker askers[5];
    start(fixture);
    begin_asking(fixture, askers, KT_ARRAY_LENGTH(askers));
    kt_server_fixture_stop(fixture->server);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(askers); i++)
        pthread_join(askers[i].thread, NULL); /* each fails the test unless it got its answer */
}

/* A second signal: nobody is waited for, and nothing breaks by it. */
static void an_end_at_once_with_requests_that_wait(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct kt_tls_client clients[3];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(clients); i++)
        clients[i] = ask_and_do_not_wait(fixture);
    int64_t started_ms = now_ms();
    kt_server_fixture_ask_to_stop(fixture->server);
    int64_t give_up_ms = now_ms() + 5000;
    while (atomic_load(&fixture->server->server.workers[0].phase) < KT_WORKER_DRAINING && now_ms() < give_up_ms)
        poll(NULL, 0, 1);
    kt_server_fixture_ask_to_stop(fixture->server);
    kt_server_fixture_stop(fixture->server);
    assert_in_range(now_ms() - started_ms, 0, 4000);
    started_ms = now_ms();
    kt_cache_stop(fixture->server->cluster);
    fixture->server->cluster = NULL;
    assert_in_range(now_ms() - started_ms, 0, 2000);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(clients); i++)
        kt_tls_client_close(&clients[i]);
}

/* --- the queues ----------------------------------------------------------------------------------------------------
 */

static struct kt_lookup_request *new_lookup(struct kt_lookup_queue *queue, void *waiter)
{
    struct kt_lookup_request *lookup = kt_heap_alloc(sizeof(*lookup));
    assert_non_null(lookup);
    lookup->reply_to = queue;
    lookup->waiter = waiter;
    return lookup;
}

static void the_line_is_first_in_first_out_and_has_an_end(void **state)
{
    (void)state;
    struct kt_lookup_queue *queue = kt_lookup_queue_new(-1);
    struct kt_lookup_line *line = kt_lookup_line_new();
    static char waiters[KT_LOOKUP_LINE_LIMIT];
    for (size_t i = 0; i < KT_LOOKUP_LINE_LIMIT; i++)
        assert_true(kt_lookup_line_put(line, new_lookup(queue, &waiters[i])));
    struct kt_lookup_request *refused = new_lookup(queue, NULL);
    assert_false(kt_lookup_line_put(line, refused));
    for (size_t i = 0; i < KT_LOOKUP_LINE_LIMIT; i++) {
        /* What waits when the line is closed is still handed out, without time to ask anybody. */
        bool is_closed = i >= KT_LOOKUP_LINE_LIMIT / 2;
        int64_t deadline_ms = -1;
        if (i == KT_LOOKUP_LINE_LIMIT / 2)
            kt_lookup_line_close(line);
        struct kt_lookup_request *lookup = kt_lookup_line_take(line, &deadline_ms);
        assert_ptr_equal(lookup->waiter, &waiters[i]);
        assert_true(is_closed ? deadline_ms == 0 : deadline_ms > 0);
        kt_lookup_queue_put(queue, lookup);
    }
    int64_t deadline_ms;
    assert_null(kt_lookup_line_take(line, &deadline_ms));
    assert_false(kt_lookup_line_put(line, refused));
    kt_lookup_free(refused);
    for (size_t i = 0; i < KT_LOOKUP_LINE_LIMIT; i++) {
        struct kt_lookup_request *lookup = kt_lookup_queue_take(queue);
        assert_ptr_equal(lookup->waiter, &waiters[i]);
        kt_lookup_free(lookup);
    }
    assert_null(kt_lookup_queue_take(queue));
    kt_lookup_queue_free(queue);
    kt_lookup_line_free(line);
}

/* The worker has gone: what comes back is freed (a sanitizer would see it), and its descriptor is left alone. */
static void what_comes_back_too_late_is_dropped(void **state)
{
    (void)state;
    int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct kt_lookup_queue *queue = kt_lookup_queue_new(wake);
    struct kt_lookup_line *line = kt_lookup_line_new();
    assert_true(kt_lookup_line_put(line, new_lookup(queue, NULL)));
    assert_true(kt_lookup_line_put(line, new_lookup(queue, NULL)));
    int64_t deadline_ms;
    uint64_t count = 0;
    kt_lookup_queue_put(queue, kt_lookup_line_take(line, &deadline_ms));
    assert_int_equal(read(wake, &count, sizeof(count)), sizeof(count));
    struct kt_lookup_request *late = kt_lookup_line_take(line, &deadline_ms);
    kt_lookup_queue_free(queue);
    kt_lookup_queue_put(queue, late);
    assert_int_equal(read(wake, &count, sizeof(count)), -1);
    kt_lookup_line_free(line);
    close(wake);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    kt_log_set_level(KT_LOG_ERROR);
    struct kt_error error;
    if (kt_client_global_init(&error) != 0)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_the_cache_has_is_not_asked_for),
        TEST(what_it_lacks_is_looked_up),
        TEST(silence_is_a_warning_in_time),
        TEST(lists_that_never_come_are_waited_for_by_nobody),
        TEST(many_wait_and_others_do_not),
        TEST(a_client_may_leave_while_it_waits),
        TEST(those_who_wait_are_answered_before_the_end),
        TEST(an_end_at_once_with_requests_that_wait),
        cmocka_unit_test(the_line_is_first_in_first_out_and_has_an_end),
        cmocka_unit_test(what_comes_back_too_late_is_dropped),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failed;
}
