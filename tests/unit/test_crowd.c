/* SPDX-License-Identifier: Apache-2.0 */
/* More clients, and more bytes, than there is room for: those who mean it well notice nothing. */
#include "tests/lib/server_fixture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#define PATH "/validate-workspace"
#define JSON "application/json"
#define PRESET "phi-4-mini-instruct"
#define HONEST "127.0.0.2"
#define ATTACKER "127.0.0.3"

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static int post(struct kt_server_fixture *fixture, struct kt_tls_client *client)
{
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    return kt_tls_client_post(client, PATH, JSON, kt_server_fixture_review(fixture, "u", PRESET), answer,
                              sizeof(answer));
}

/* --- connections ---------------------------------------------------------------------------------------------------
 */

static void whoever_keeps_connections_shuts_nobody_out(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const char *const flags[] = {"--connection-limit=24", "--workers=3"};
    kt_server_fixture_start(fixture, flags, KT_ARRAY_LENGTH(flags));
    struct kt_tls_client kept[8], attackers[60];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kept); i++) {
        assert_true(kt_tls_client_open_from(&kept[i], HONEST, fixture->server.port));
        assert_int_equal(post(fixture, &kept[i]), 200);
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(attackers); i++) {
        assert_true(kt_tls_client_open_from(&attackers[i], ATTACKER, fixture->server.port));
        if (i % 3 != 0)
            continue;
        struct kt_tls_client fresh;
        if (!kt_tls_client_open_from(&fresh, HONEST, fixture->server.port) || post(fixture, &fresh) != 200)
            fail_msg("after %zu idle connections a new client gets no answer", i + 1);
        kt_tls_client_close(&fresh);
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kept); i++) {
        if (post(fixture, &kept[i]) != 200)
            fail_msg("kept connection %zu is lost", i);
        kt_tls_client_close(&kept[i]);
    }
    assert_true(atomic_load(&fixture->server.metrics.evictions) >= KT_ARRAY_LENGTH(attackers) - 24);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(attackers); i++)
        kt_tls_client_close(&attackers[i]);
}

static void silent_sockets_shut_nobody_out(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const char *const flags[] = {"--connection-limit=24", "--workers=2"};
    kt_server_fixture_start(fixture, flags, KT_ARRAY_LENGTH(flags));
    int silent[80];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(silent); i++)
        silent[i] = kt_tcp_open_from(ATTACKER, fixture->server.port);
    struct kt_tls_client fresh;
    assert_true(kt_tls_client_open_from(&fresh, HONEST, fixture->server.port));
    assert_int_equal(post(fixture, &fresh), 200);
    kt_tls_client_close(&fresh);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(silent); i++)
        kt_close_fd(&silent[i]);
}

/* The look at itself is not one of the clients. */
static void a_full_server_is_ready(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const char *const flags[] = {"--connection-limit=8", "--workers=2"};
    kt_server_fixture_start(fixture, flags, KT_ARRAY_LENGTH(flags));
    struct kt_tls_client kept[8];
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kept); i++) {
        kept[i] = kt_server_fixture_connect(fixture);
        assert_int_equal(post(fixture, &kept[i]), 200);
    }
    assert_int_equal(kt_http_get(fixture->server.health_server.port, "/readyz", answer, sizeof(answer)), 200);
    assert_int_equal(atomic_load(&fixture->server.metrics.evictions), 0);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kept); i++) {
        assert_int_equal(post(fixture, &kept[i]), 200);
        kt_tls_client_close(&kept[i]);
    }
}

/* --- bodies --------------------------------------------------------------------------------------------------------
 */

enum { BODY = 4000000 }; /* below KT_LIMIT_REVIEW_BODY_BYTES */

static size_t held(const struct kt_server_fixture *fixture)
{
    return atomic_load(&fixture->server.bodies.used);
}

static bool wait_for_held(const struct kt_server_fixture *fixture, size_t least, size_t most)
{
    int64_t give_up_ms = now_ms() + 10000;
    while ((held(fixture) < least || held(fixture) > most) && now_ms() < give_up_ms)
        poll(NULL, 0, 5);
    return held(fixture) >= least && held(fixture) <= most;
}

/* All of a body of four million bytes but its end. */
static void begin_upload(struct kt_server_fixture *fixture, struct kt_tls_client *client, struct kt_str filler)
{
    assert_true(kt_tls_client_open_from(client, ATTACKER, fixture->server.port));
    assert_true(kt_tls_client_send(client, KT_STR("POST " PATH " HTTP/1.1\r\nHost: a\r\nContent-Type: " JSON
                                                  "\r\nContent-Length: 4000000\r\n\r\n")));
    assert_true(kt_tls_client_send(client, filler));
}

static void large_bodies_have_one_budget(void **state)
{
    struct kt_server_fixture *fixture = *state;
    enum { UPLOADS = 10, SENT = 3900000, REST = BODY - SENT };
    struct kt_tls_client uploads[UPLOADS], fresh;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    char *filler = kt_arena_alloc(&fixture->arena, SENT);
    memset(filler, ' ', SENT);
    for (size_t i = 0; i < UPLOADS; i++)
        begin_upload(fixture, &uploads[i], (struct kt_str){filler, SENT});
    assert_true(wait_for_held(fixture, 5 * (size_t)SENT - 5 * KT_LIMIT_SMALL_BODY_BYTES, KT_LIMIT_BODIES_BYTES));
    /* A review of the usual size passes. */
    assert_true(kt_tls_client_open_from(&fresh, HONEST, fixture->server.port));
    assert_int_equal(post(fixture, &fresh), 200);
    kt_tls_client_close(&fresh);
    /* Each gets an answer; those for which there was no room are told so. */
    size_t refused = 0;
    for (size_t i = 0; i < UPLOADS; i++) {
        assert_true(kt_tls_client_send(&uploads[i], (struct kt_str){filler, REST}));
        int status = kt_tls_client_receive(&uploads[i], answer, sizeof(answer));
        if (status == 503) {
            assert_non_null(strcasestr(answer, "\r\nretry-after: 1\r\n"));
            refused++;
        } else if (status != 400)
            fail_msg("upload %zu: status %d", i, status);
        kt_tls_client_close(&uploads[i]);
    }
    assert_in_range(refused, 1, UPLOADS - 5);
    assert_true(wait_for_held(fixture, 0, 0));
}

static void abandoned_uploads_give_everything_back(void **state)
{
    struct kt_server_fixture *fixture = *state;
    enum { UPLOADS = 3, SENT = 3000000 };
    struct kt_tls_client uploads[UPLOADS];
    char *filler = kt_arena_alloc(&fixture->arena, SENT);
    memset(filler, ' ', SENT);
    for (size_t i = 0; i < UPLOADS; i++)
        begin_upload(fixture, &uploads[i], (struct kt_str){filler, SENT});
    assert_true(wait_for_held(fixture, 1, KT_LIMIT_BODIES_BYTES));
    for (size_t i = 0; i < UPLOADS; i++)
        kt_tls_client_close(&uploads[i]);
    assert_true(wait_for_held(fixture, 0, 0));
}

/* --- the other ports -----------------------------------------------------------------------------------------------
 */

static bool is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

/* One byte of a header now and then: libmicrohttpd would wait for ever. */
static void dripping_does_not_silence_a_port(void **state)
{
    struct kt_server_fixture *fixture = *state;
    enum { DRIPPING = 2 * KT_PLAIN_CONNECTIONS };
    int fds[DRIPPING];
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    uint16_t port = fixture->server.health_server.port;
    for (size_t i = 0; i < DRIPPING; i++) {
        fds[i] = kt_tcp_open_from(ATTACKER, port);
        assert_true(fds[i] >= 0);
        (void)!send(fds[i], "GET /healthz HTTP/1.1\r\nX: ", 26, MSG_NOSIGNAL);
        if (i % 8 == 0)
            assert_int_equal(kt_http_get(port, "/healthz", answer, sizeof(answer)), 200);
    }
    int64_t give_up_ms = now_ms() + KT_HEALTH_DEADLINE_MS + 10000;
    size_t closed = 0;
    while (closed < DRIPPING && now_ms() < give_up_ms) {
        closed = 0;
        for (size_t i = 0; i < DRIPPING; i++) {
            (void)!send(fds[i], "x", 1, MSG_NOSIGNAL);
            closed += is_closed(fds[i]);
        }
        assert_int_equal(kt_http_get(port, "/healthz", answer, sizeof(answer)), 200);
        poll(NULL, 0, 50);
    }
    assert_int_equal(closed, DRIPPING);
    for (size_t i = 0; i < DRIPPING; i++)
        close(fds[i]);
}

/* --- paths ---------------------------------------------------------------------------------------------------------
 */

static void escapes_in_a_path_are_not_taken_off(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const char *const paths[] = {PATH "%00x", PATH "%00", "/%76alidate-workspace", PATH "/", PATH "%"};
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(paths); i++) {
        int status =
            kt_server_fixture_post(fixture, paths[i], JSON, kt_server_fixture_review(fixture, "u", PRESET), answer);
        if (status != 404)
            fail_msg("%s: status %d", paths[i], status);
    }
    assert_int_equal(kt_http_get(fixture->server.health_server.port, "/healthz%00x", answer, sizeof(answer)), 404);
    assert_int_equal(kt_http_get(fixture->server.metrics_server.port, "/metrics%00", answer, sizeof(answer)), 404);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    kt_log_set_level(KT_LOG_ERROR);
#define TEST(test) cmocka_unit_test_setup_teardown(test, kt_server_fixture_set_up, kt_server_fixture_tear_down)
#define RUNNING(test) \
    cmocka_unit_test_setup_teardown(test, kt_server_fixture_set_up_running, kt_server_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(whoever_keeps_connections_shuts_nobody_out),
        TEST(silent_sockets_shut_nobody_out),
        TEST(a_full_server_is_ready),
        RUNNING(large_bodies_have_one_budget),
        RUNNING(abandoned_uploads_give_everything_back),
        RUNNING(dripping_does_not_silence_a_port),
        RUNNING(escapes_in_a_path_are_not_taken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
