/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that is dead, or behaves so: it is not used again, and nothing waits for it beyond its time. */
#include "tests/lib/cmocka_all.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "kube/watch.h"
#include "tests/lib/canned_server.h"

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

/* --- HTTP/2 --------------------------------------------------------------------------------------------------------
 */

/* Reads frames (RFC 9113, 4.1) up to the one that opens a request. */
static bool await_request(struct kt_scripted_connection *connection)
{
    unsigned char head[9];
    char rest[16384];
    union {
        unsigned char *in;
        char *out;
    } place = {.in = head};
    if (!kt_scripted_receive(connection, rest, strlen("SM\r\n\r\n")))
        return false;
    do {
        if (!kt_scripted_receive(connection, place.out, sizeof(head)))
            return false;
        size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (length > sizeof(rest) || !kt_scripted_receive(connection, rest, length))
            return false;
    } while (head[3] != 1);
    return true;
}

/* The first request is taken and never answered; those on other connections are. */
static bool serve_http2(void *context KT_UNUSED, const struct kt_scripted_request *request,
                        struct kt_scripted_connection *connection)
{
    static const char settings[] = "\0\0\0\x4\0\0\0\0\0", acknowledgement[] = "\0\0\0\x4\x1\0\0\0\0",
                      headers[] = "\0\0\x1\x1\x4\0\0\0\x1\x88", /* :status: 200 */
        data[] = "\0\0\xf\0\x1\0\0\0\x1{\"kind\":\"Test\"}";
    if (!kt_scripted_send(connection, settings, sizeof(settings) - 1) || !await_request(connection) ||
        !kt_scripted_send(connection, acknowledgement, sizeof(acknowledgement) - 1))
        return false;
    if (request->index > 0 && (!kt_scripted_send(connection, headers, sizeof(headers) - 1) ||
                               !kt_scripted_send(connection, data, sizeof(data) - 1)))
        return false;
    return kt_scripted_hold(connection, 600000);
}

static void start_http2(void)
{
    const struct kt_scripted_options options = {
        .handler = serve_http2, .certificate = kt_test_server_certificate(), .http2 = true};
    kt_api_fixture_stop(&kt_canned_fixture);
    kt_api_fixture_start_with(&kt_canned_fixture, &options);
}

static void test_http2_does_not_go_on_with_a_dead_connection(void **state KT_UNUSED)
{
    start_http2();
    struct kt_request request = {.method = "GET", .path = "/x", .timeout_ms = 300};
    /* A machine may be too slow for a handshake in this time. */
    for (; kt_scripted_server_count(kt_canned_fixture.server) == 0; request.timeout_ms *= 2)
        assert_int_equal(kt_client_do(kt_api_fixture_client(&kt_canned_fixture), &kt_canned_fixture.arena, &request,
                                      &kt_canned_fixture.reply, &kt_canned_fixture.error),
                         KT_ETIMEOUT);
    kt_api_fixture_expect(&kt_canned_fixture, "/x", 0, "");
    assert_string_equal(kt_json_string(kt_json_get(kt_canned_fixture.reply.object, "kind")), "Test");
    assert_true(kt_scripted_server_request(kt_canned_fixture.server, 1)->connection >
                kt_scripted_server_request(kt_canned_fixture.server, 0)->connection);
}

/* --- what the kernel is asked to watch -----------------------------------------------------------------------------
 */

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);
    getsockopt(fd, level, name, &value, &length);
    return value;
}

/* Our end of the connection to the server. */
static int find_connection(int port)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in peer = {0};
        union {
            struct sockaddr_in *in;
            struct sockaddr *any;
        } pointer = {.in = &peer};
        socklen_t length = sizeof(peer);
        if (getpeername(fd, pointer.any, &length) == 0 && peer.sin_family == AF_INET && ntohs(peer.sin_port) == port)
            return fd;
    }
    return -1;
}

static void test_a_lost_peer_is_noticed_within_45_seconds(void **state KT_UNUSED)
{
    kt_api_fixture_expect(&kt_canned_fixture, "/x", 0, "");
    int fd = find_connection(kt_scripted_server_port(kt_canned_fixture.server));
    assert_true(fd >= 0);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    int lost_ms = option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
    int idle_s = option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), interval_s = option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL);
    /* Silent: the kernel gives up at the first probe that is due after lost_ms. Sending: after lost_ms. */
    assert_true(lost_ms > 0 && lost_ms + interval_s * 1000 <= 45000);
    assert_true(idle_s > 0 && idle_s * 1000 < lost_ms);
}

/* --- time ----------------------------------------------------------------------------------------------------------
 */

static bool serve_silence(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                          struct kt_scripted_connection *connection)
{
    return kt_scripted_hold(connection, 600000);
}

static bool serve_drip(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                       struct kt_scripted_connection *connection)
{
    if (!kt_scripted_chunked(connection, 200, ""))
        return false;
    while (kt_scripted_chunk(connection, " ") && kt_scripted_hold(connection, 20))
        continue;
    return false;
}

static bool serve_busy(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                       struct kt_scripted_connection *connection)
{
    return kt_scripted_reply(connection, 429, "Retry-After: 1\r\n", "{}");
}

static bool take_all(void *context KT_UNUSED, const char *data KT_UNUSED, size_t length KT_UNUSED)
{
    return true;
}

/* Requests, streams and watches all end at the client's own deadline, whatever theirs is. */
static void test_the_deadline_of_all_requests(void **state KT_UNUSED)
{
    kt_scripted_handler *const handlers[] = {serve_silence, serve_drip, serve_busy};
    static const struct kt_watch_options watch = {.stop_on_trouble = true};
    static const struct kt_watch_handler handler;
    const struct kt_request request = {.method = "GET", .path = "/x", .raw = true};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(handlers); i++) {
        kt_canned_serve(handlers[i], NULL);
        kt_canned_fixture.options.timeout_ms = 600000;
        struct kt_client *client = kt_api_fixture_client(&kt_canned_fixture);
        kt_client_set_deadline(client, now_ms() + 300);
        int64_t start_ms = now_ms();
        assert_true(kt_api_fixture_get(&kt_canned_fixture, "/x") != 0);
        assert_true(kt_client_stream(client, &kt_canned_fixture.arena, &request, take_all, NULL,
                                     &kt_canned_fixture.reply, &kt_canned_fixture.error) != 0);
        assert_true(kt_watch_run(client, &kt_resource_pods, "ns", &watch, &handler, &kt_canned_fixture.error) != 0);
        /* Far below every other limit, far above what a slow machine needs. */
        assert_true(now_ms() - start_ms < 20000);
        kt_client_set_deadline(client, INT64_MAX);
    }
    kt_canned_serve(kt_serve_canned, &kt_canned_reply);
    struct kt_client *client = kt_api_fixture_client(&kt_canned_fixture);
    kt_client_set_deadline(client, now_ms() - 1);
    kt_api_fixture_expect(&kt_canned_fixture, "/x", KT_ETIMEOUT, "did not answer");
    kt_client_set_deadline(client, INT64_MAX);
    kt_api_fixture_expect(&kt_canned_fixture, "/x", 0, "");
}

/* --- a watch that says nothing -------------------------------------------------------------------------------------
 */

#define LIST "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[]}"
#define BOOKMARK "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"42\"}}}\n"
#define ADDED "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"43\"}}}\n"

/* The first watch tells a version and falls silent. */
static bool serve_watch(void *context KT_UNUSED, const struct kt_scripted_request *request,
                        struct kt_scripted_connection *connection)
{
    if (!strstr(request->target, "watch=true"))
        return kt_scripted_reply(connection, 200, "", LIST);
    if (!kt_scripted_chunked(connection, 200, "") ||
        !kt_scripted_chunk(connection, strstr(request->target, "resourceVersion=42") ? ADDED : BOOKMARK))
        return false;
    return kt_scripted_hold(connection, 600000);
}

static size_t heard, troubles;

static bool end_it(void *context KT_UNUSED, const cJSON *object KT_UNUSED)
{
    return false;
}

static void on_heard(void *context KT_UNUSED)
{
    heard++;
}

static void on_trouble(void *context KT_UNUSED, const struct kt_error *error KT_UNUSED, int64_t delay_ms KT_UNUSED)
{
    troubles++;
}

static void test_a_silent_watch_is_begun_again(void **state KT_UNUSED)
{
    static const struct kt_watch_options options = {.silence_ms = 200, .backoff_first_ms = 100};
    static const struct kt_watch_handler handler = {.added = end_it, .heard = on_heard, .trouble = on_trouble};
    kt_canned_serve(serve_watch, NULL);
    assert_int_equal(kt_watch_run(kt_api_fixture_client(&kt_canned_fixture), &kt_resource_pods, "ns", &options,
                                  &handler, &kt_canned_fixture.error),
                     0);
    /* One list, the watch that fell silent, and one that goes on where it stood, on a connection of its own. */
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), 3);
    const struct kt_scripted_request *last = kt_scripted_server_request(kt_canned_fixture.server, 2);
    assert_non_null(strstr(last->target, "resourceVersion=42"));
    assert_int_equal(last->connection, 1);
    assert_true(heard >= 3);
    assert_int_equal(troubles, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kt_canned_set_up, kt_canned_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_http2_does_not_go_on_with_a_dead_connection),
        TEST(test_a_lost_peer_is_noticed_within_45_seconds),
        TEST(test_the_deadline_of_all_requests),
        TEST(test_a_silent_watch_is_begun_again),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_test_certificates_release();
    kt_client_global_cleanup();
    return failures;
}
