/* SPDX-License-Identifier: Apache-2.0 */
/* The whole server in this process, over real TLS: routes, bad clients, deadlines, certificates, and an orderly end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/lib/server_fixture.h"
#include "text/json.h"

#define JSON "application/json"

static void every_path_answers_with_the_uid(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const char *const paths[] = {"/mutate-workspace", "/validate-workspace", "/validate/workspace.kaito.sh",
                                        "/validate-workspace?timeout=5s"};
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    struct kt_tls_client client = kt_server_fixture_connect(fixture);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(paths); i++) {
        char uid[16];
        snprintf(uid, sizeof(uid), "uid-%zu", i);
        assert_int_equal(kt_tls_client_post(&client, paths[i], JSON,
                                            kt_server_fixture_review(fixture, uid, "phi-4-mini-instruct"), answer,
                                            sizeof(answer)),
                         200);
        assert_non_null(strstr(answer, uid));
        assert_non_null(strstr(answer, "\"allowed\":true"));
    }
    kt_tls_client_close(&client);
}

/* A client that asks again at once keeps its connection busy for longer than one turn of the worker. */
static void one_connection_serves_many_requests(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    struct kt_str body = kt_server_fixture_review(fixture, "u", "phi-4-mini-instruct");
    struct kt_tls_client client = kt_server_fixture_connect(fixture);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(kt_tls_client_post(&client, "/validate-workspace", JSON, body, answer, sizeof(answer)), 200);
    kt_tls_client_close(&client);
}

static void a_refusal_is_a_review_too(void **state)
{
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    assert_int_equal(kt_server_fixture_post(*state, "/validate-workspace", JSON,
                                            kt_server_fixture_review(*state, "u", "phi-4-mini-instruc"), answer),
                     200);
    assert_non_null(strstr(answer, "\"allowed\":false"));
    assert_non_null(strstr(answer, "phi-4-mini-instruct"));
}

static void bad_requests_have_their_status(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    struct kt_str good = kt_server_fixture_review(fixture, "u", "phi-4-mini-instruct");
    char *large = kt_arena_alloc(&fixture->arena, 8 * KT_MIB);
    memset(large, ' ', 8 * KT_MIB);
    const struct {
        const char *path, *type;
        struct kt_str body;
        int status;
    } rows[] = {
        {"/nothing-here", JSON, good, 404},
        {"/validate-workspace", "text/plain", good, 415},
        {"/validate-workspace", "application/json; charset=utf-8", good, 200},
        {"/validate-workspace", JSON, KT_STR(""), 400},
        {"/validate-workspace", JSON, KT_STR("not json"), 400},
        {"/validate-workspace", JSON, KT_STR("{}"), 400},
        {"/validate-workspace", JSON, KT_STR("null"), 400},
        {"/validate-workspace", JSON, {large, 8 * KT_MIB}, 413},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        int status = kt_server_fixture_post(fixture, rows[i].path, rows[i].type, rows[i].body, answer);
        if (status != rows[i].status)
            fail_msg("row %zu: got %d, wanted %d: %.300s", i, status, rows[i].status, answer);
    }
    assert_int_equal(kt_server_fixture_post(fixture, "/validate-workspace", JSON, good, answer), 200);
}

static void only_http_1_1_posts_pass(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const struct {
        const char *bytes;
        int status;
    } rows[] = {
        {"GET /validate-workspace HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\naPOST /a HTTP/1.1\r\n", 400},
    };
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_tls_client client = kt_server_fixture_connect(fixture);
        assert_true(kt_tls_client_send(&client, kt_str(rows[i].bytes)));
        assert_int_equal(kt_tls_client_receive(&client, answer, sizeof(answer)), rows[i].status);
        assert_true(kt_tls_client_wait_closed(&client, 5000));
        kt_tls_client_close(&client);
    }
}

static void a_header_block_has_its_limit(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char *block = kt_arena_alloc(&fixture->arena, 32 * KT_KIB);
    memset(block, 'a', 32 * KT_KIB);
    memcpy(block, "POST /a HTTP/1.1\r\nX: ", 21);
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    struct kt_tls_client client = kt_server_fixture_connect(fixture);
    (void)!kt_tls_client_send(&client, (struct kt_str){block, 32 * KT_KIB});
    assert_int_equal(kt_tls_client_receive(&client, answer, sizeof(answer)), 431);
    kt_tls_client_close(&client);
}

/* However the bytes are cut, the answer is the same. */
static void requests_may_come_in_pieces(void **state)
{
    struct kt_server_fixture *fixture = *state;
    struct kt_str body = kt_server_fixture_review(fixture, "pieces", "phi-4-mini-instruct");
    char *request = kt_arena_printf(&fixture->arena,
                                    "POST /validate-workspace HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                    "Content-Length: %zu\r\n\r\n%s",
                                    body.length, body.data);
    static const size_t steps[] = {1, 7, 100, 1000};
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(steps); i++) {
        struct kt_tls_client client = kt_server_fixture_connect(fixture);
        struct kt_str rest = kt_str(request);
        while (rest.length > 0) {
            size_t step = KT_MIN(steps[i], rest.length);
            assert_true(kt_tls_client_send(&client, (struct kt_str){rest.data, step}));
            rest = (struct kt_str){rest.data + step, rest.length - step};
        }
        assert_int_equal(kt_tls_client_receive(&client, answer, sizeof(answer)), 200);
        assert_non_null(strstr(answer, "\"uid\":\"pieces\""));
        kt_tls_client_close(&client);
    }
}

static void a_large_review_passes(void **state)
{
    struct kt_server_fixture *fixture = *state;
    /* 3 MiB in an annotation: etcd would refuse it later, we do not have to. */
    char *filler = kt_arena_alloc(&fixture->arena, 3 * KT_MIB);
    memset(filler, 'x', 3 * KT_MIB - 1);
    char *body = kt_arena_printf(
        &fixture->arena,
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"big\","
        "\"kind\":{\"group\":\"kaito.sh\",\"version\":\"v1beta1\",\"kind\":\"Workspace\"},\"resource\":"
        "{\"group\":\"kaito.sh\",\"version\":\"v1beta1\",\"resource\":\"workspaces\"},\"operation\":\"CREATE\","
        "\"object\":{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"w\","
        "\"annotations\":{\"a\":\"%s\"}},\"inference\":{\"preset\":{\"name\":\"phi-4-mini-instruct\"}}}}}",
        filler);
    assert_non_null(body);
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    assert_int_equal(kt_server_fixture_post(fixture, "/validate-workspace", JSON, kt_str(body), answer), 200);
    assert_non_null(strstr(answer, "\"uid\":\"big\""));
}

static void clients_may_leave_at_any_time(void **state)
{
    struct kt_server_fixture *fixture = *state;
    struct kt_str body = kt_server_fixture_review(fixture, "leave", "phi-4-mini-instruct");
    char *request = kt_arena_printf(&fixture->arena,
                                    "POST /validate-workspace HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                    "Content-Length: %zu\r\n\r\n%s",
                                    body.length, body.data);
    size_t length = strlen(request);
    for (size_t cut = 0; cut <= length; cut += 37) {
        struct kt_tls_client client = kt_server_fixture_connect(fixture);
        assert_true(kt_tls_client_send(&client, (struct kt_str){request, cut}));
        kt_tls_client_close(&client);
    }
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    assert_int_equal(kt_server_fixture_post(fixture, "/validate-workspace", JSON, body, answer), 200);
}

/* A client that goes silent is closed: before its handshake, within its headers, within its body. */
static void slow_clients_meet_a_deadline(void **state)
{
    struct kt_server_fixture *fixture = *state;
    struct kt_tls_client silent = {.fd = kt_tcp_open(fixture->server.port)};
    struct kt_tls_client in_header = kt_server_fixture_connect(fixture), in_body = kt_server_fixture_connect(fixture);
    assert_true(kt_tls_client_send(&in_header, KT_STR("POST /validate-workspace HTTP/1.1\r\nHost:")));
    assert_true(kt_tls_client_send(&in_body, KT_STR("POST /validate-workspace HTTP/1.1\r\nHost: a\r\nContent-Type: "
                                                    "application/json\r\nContent-Length: 100\r\n\r\n{")));
    assert_true(kt_tls_client_wait_closed(&silent, KT_HANDSHAKE_DEADLINE_MS + 5000));
    assert_true(kt_tls_client_wait_closed(&in_header, KT_HEADER_DEADLINE_MS + 5000));
    assert_true(kt_tls_client_wait_closed(&in_body, KT_BODY_DEADLINE_MS + 5000));
    kt_tls_client_close(&silent);
    kt_tls_client_close(&in_header);
    kt_tls_client_close(&in_body);
}

static const ASN1_INTEGER *serial_of(const struct kt_tls_client *client)
{
    return X509_get0_serialNumber(SSL_get0_peer_certificate(client->ssl));
}

/* A new certificate is served without a restart, and an open connection goes on. */
static void certificates_change_while_serving(void **state)
{
    struct kt_server_fixture *fixture = *state;
    struct kt_tls_client before = kt_server_fixture_connect(fixture);
    kt_server_fixture_issue(fixture);
    int64_t give_up_ms = kt_clock_monotonic_ms(&kt_clock_system) + 15000;
    bool changed = false;
    while (!changed && kt_clock_monotonic_ms(&kt_clock_system) < give_up_ms) {
        struct kt_tls_client after = kt_server_fixture_connect(fixture);
        changed = ASN1_INTEGER_cmp(serial_of(&before), serial_of(&after)) != 0;
        kt_tls_client_close(&after);
    }
    assert_true(changed);
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    assert_int_equal(kt_tls_client_post(&before, "/validate-workspace", JSON,
                                        kt_server_fixture_review(fixture, "u", "phi-4-mini-instruct"), answer,
                                        sizeof(answer)),
                     200);
    kt_tls_client_close(&before);
}

static void a_broken_certificate_leaves_the_old_one(void **state)
{
    struct kt_server_fixture *fixture = *state;
    unsigned long long errors_before = atomic_load(&fixture->server.tls.read_errors);
    kt_server_fixture_write(fixture->certificate, KT_STR("not a certificate"));
    int64_t give_up_ms = kt_clock_monotonic_ms(&kt_clock_system) + 15000;
    while (atomic_load(&fixture->server.tls.read_errors) == errors_before &&
           kt_clock_monotonic_ms(&kt_clock_system) < give_up_ms)
        poll(NULL, 0, 10);
    assert_true(atomic_load(&fixture->server.tls.read_errors) > errors_before);
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    assert_int_equal(kt_server_fixture_post(fixture, "/validate-workspace", JSON,
                                            kt_server_fixture_review(fixture, "u", "phi-4-mini-instruct"), answer),
                     200);
}

static bool can_post(struct kt_server_fixture *fixture, const char *certificate, const char *key)
{
    struct kt_tls_client client;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    bool done = kt_tls_client_open(&client, fixture->server.port, fixture->ca, certificate, key) &&
                kt_tls_client_post(&client, "/validate-workspace", JSON,
                                   kt_server_fixture_review(fixture, "u", "phi-4-mini-instruct"), answer,
                                   sizeof(answer)) == 200;
    kt_tls_client_close(&client);
    return done;
}

static void client_certificates_are_enforced(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char ca_flag[128];
    snprintf(ca_flag, sizeof(ca_flag), "--client-ca-file=%s", fixture->ca);
    const char *const flags[] = {ca_flag, "--client-names=someone,kube-apiserver"};
    kt_server_fixture_start(fixture, flags, KT_ARRAY_LENGTH(flags));
    assert_false(can_post(fixture, NULL, NULL));
    struct kt_certificate_pair other;
    assert_int_equal(
        kt_certificate_make_ca(&fixture->arena, "other CA", 2, kt_clock_wall_ms(&kt_clock_system), &other, NULL), 0);
    kt_server_fixture_issue_client(fixture, &other, "kube-apiserver");
    assert_false(can_post(fixture, fixture->client_certificate, fixture->client_key));
    kt_server_fixture_issue_client(fixture, &fixture->authority, "somebody-else");
    assert_false(can_post(fixture, fixture->client_certificate, fixture->client_key));
    kt_server_fixture_issue_client(fixture, &fixture->authority, "kube-apiserver");
    assert_true(can_post(fixture, fixture->client_certificate, fixture->client_key));
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    assert_int_equal(kt_http_get(fixture->server.health_server.port, "/readyz", answer, sizeof(answer)), 200);
}

static bool can_negotiate(struct kt_server_fixture *fixture, int lowest, int highest, const char *protocol)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, lowest);
    SSL_CTX_set_max_proto_version(context, highest);
    SSL_CTX_set_security_level(context, 0);
    if (protocol)
        SSL_CTX_set_alpn_protos(context, (const unsigned char *)protocol, (unsigned)strlen(protocol));
    SSL *ssl = SSL_new(context);
    int fd = kt_tcp_open(fixture->server.port);
    SSL_set_fd(ssl, fd);
    bool done = SSL_connect(ssl) == 1;
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    return done;
}

static void old_protocols_are_turned_away(void **state)
{
    struct kt_server_fixture *fixture = *state;
    assert_false(can_negotiate(fixture, TLS1_VERSION, TLS1_1_VERSION, NULL));
    assert_true(can_negotiate(fixture, TLS1_2_VERSION, TLS1_2_VERSION, NULL));
    assert_true(can_negotiate(fixture, TLS1_3_VERSION, TLS1_3_VERSION, NULL));
    assert_true(can_negotiate(fixture, TLS1_2_VERSION, TLS1_3_VERSION, "\x02h2\x08http/1.1"));
    assert_false(can_negotiate(fixture, TLS1_2_VERSION, TLS1_3_VERSION, "\x02h2"));
}

static void health_and_metrics_answer(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    kt_server_fixture_post(fixture, "/validate-workspace", JSON,
                           kt_server_fixture_review(fixture, "u", "phi-4-mini-instruct"), answer);
    assert_int_equal(kt_http_get(fixture->server.health_server.port, "/healthz", answer, sizeof(answer)), 200);
    assert_int_equal(kt_http_get(fixture->server.health_server.port, "/readyz", answer, sizeof(answer)), 200);
    assert_int_equal(kt_http_get(fixture->server.health_server.port, "/metrics", answer, sizeof(answer)), 404);
    assert_int_equal(kt_http_get(fixture->server.metrics_server.port, "/metrics", answer, sizeof(answer)), 200);
    assert_non_null(
        strstr(answer, "controller_runtime_webhook_requests_total{code=\"200\",webhook=\"/validate-workspace\"} 1\n"));
    assert_non_null(
        strstr(answer, "controller_runtime_webhook_requests_total{code=\"500\",webhook=\"/validate-workspace\"} 0\n"));
    assert_non_null(
        strstr(answer, "controller_runtime_webhook_latency_seconds_count{webhook=\"/validate-workspace\"} 1\n"));
    assert_non_null(
        strstr(answer, "controller_runtime_webhook_requests_in_flight{webhook=\"/validate-workspace\"} 0\n"));
}

struct hammer {
    struct kt_server_fixture *fixture;
    pthread_t thread;
    atomic_size_t done;
    size_t failed;
    atomic_bool *go_on;
};

/* A keep-alive client that, like Go's, opens a new connection when the last answer said close. */
static void *hammer(void *context)
{
    struct hammer *self = context;
    char *answer = malloc(KT_SERVER_FIXTURE_ANSWER_BYTES), body[KT_SERVER_FIXTURE_REVIEW_BYTES];
    size_t length = kt_server_fixture_write_review(body, sizeof(body), "u", "phi-4-mini-instruct");
    struct kt_tls_client client;
    bool open = kt_tls_client_open(&client, self->fixture->server.port, self->fixture->ca, NULL, NULL);
    while (open && atomic_load(self->go_on)) {
        int status = kt_tls_client_post(&client, "/validate-workspace", JSON, (struct kt_str){body, length}, answer,
                                        KT_SERVER_FIXTURE_ANSWER_BYTES);
        if (status != 200) {
            self->failed++;
            break;
        }
        atomic_fetch_add(&self->done, 1);
        if (strcasestr(answer, "connection: close"))
            break;
    }
    kt_tls_client_close(&client);
    free(answer);
    return NULL;
}

static void stopping_under_load_fails_nobody(void **state)
{
    struct kt_server_fixture *fixture = *state;
    atomic_bool go_on = true;
    struct hammer hammers[25] = {0};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(hammers); i++) {
        hammers[i].fixture = fixture;
        hammers[i].go_on = &go_on;
        assert_int_equal(pthread_create(&hammers[i].thread, NULL, hammer, &hammers[i]), 0);
    }
    /* Stop once every client is in the middle of its work. */
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    int64_t give_up_ms = kt_clock_monotonic_ms(&kt_clock_system) + 20000;
    bool busy = false;
    while (!busy && kt_clock_monotonic_ms(&kt_clock_system) < give_up_ms) {
        busy = true;
        for (size_t i = 0; i < KT_ARRAY_LENGTH(hammers); i++)
            busy = busy && atomic_load(&hammers[i].done) > 20;
        kt_http_get(fixture->server.health_server.port, "/healthz", answer, sizeof(answer));
    }
    kt_server_fixture_stop(fixture);
    atomic_store(&go_on, false);
    size_t done = 0, failed = 0;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(hammers); i++) {
        pthread_join(hammers[i].thread, NULL);
        done += atomic_load(&hammers[i].done);
        failed += hammers[i].failed;
    }
    assert_true(busy);
    assert_true(done > 500);
    assert_int_equal(failed, 0);
}

static void bad_settings_are_told(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const struct {
        const char *flag, *wanted;
    } rows[] = {
        {"--webhok-port=1", "did you mean --webhook-port?"},
        {"--webhook-port=70000", "a number from 0 to 65535"},
        {"--shutdown-delay=soon", "a duration such as 5s"},
        {"--reconcile=maybe", "true or false"},
        {"--log-level=loud", "debug, info, warning or error"},
        {"--tls-min-version=1.1", "1.2 or 1.3"},
        {"extra", "unexpected argument"},
        {"--workers", "needs a value"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        char *argv[] = {(char *)(uintptr_t) "kaito-webhook", (char *)(uintptr_t)rows[i].flag, NULL};
        struct kt_error error = {0};
        assert_int_equal(kt_webhook_config_parse(&fixture->config, 2, argv, getenv, &error), KT_EINVAL);
        if (!strstr(error.message, rows[i].wanted))
            fail_msg("%s: %s", rows[i].flag, error.message);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    kt_log_set_level(KT_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_path_answers_with_the_uid, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(one_connection_serves_many_requests, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_is_a_review_too, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(bad_requests_have_their_status, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(only_http_1_1_posts_pass, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_header_block_has_its_limit, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(requests_may_come_in_pieces, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_large_review_passes, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(clients_may_leave_at_any_time, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(slow_clients_meet_a_deadline, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(certificates_change_while_serving, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_broken_certificate_leaves_the_old_one, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(client_certificates_are_enforced, kt_server_fixture_set_up,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(old_protocols_are_turned_away, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(health_and_metrics_answer, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(stopping_under_load_fails_nobody, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
        cmocka_unit_test_setup_teardown(bad_settings_are_told, kt_server_fixture_set_up, kt_server_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
