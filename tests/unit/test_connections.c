/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that are slow, silent, half gone or too many: each gets what it is due, and the server never spins. */
#include "tests/lib/server_fixture.h"

#include <errno.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "text/json.h"

#define PATH "/validate-workspace"
#define JSON "application/json"
#define PRESET "phi-4-mini-instruct"

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static int64_t cpu_ms(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (int64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* A server that spins takes all of a core, for ever; one that waits takes next to nothing once its work is done, under
 * any tool. */
static void expect_rest(const char *when)
{
    enum { WATCHED_MS = 400, WATCHES = 10 };
    int64_t used_ms = 0;
    for (size_t i = 0; i < WATCHES; i++) {
        int64_t before_ms = cpu_ms();
        poll(NULL, 0, WATCHED_MS);
        used_ms = cpu_ms() - before_ms;
        if (used_ms <= WATCHED_MS / 5)
            return;
    }
    fail_msg("%s: still %lld ms of CPU in %d ms", when, (long long)used_ms, WATCHED_MS);
}

static size_t open_connections(const struct kt_server_fixture *fixture)
{
    size_t count = 0;
    for (size_t i = 0; i < fixture->server.worker_count; i++)
        count += atomic_load(&fixture->server.workers[i].open_connections);
    return count;
}

static bool wait_for_connections(const struct kt_server_fixture *fixture, size_t wanted, int64_t timeout_ms)
{
    int64_t give_up_ms = now_ms() + timeout_ms;
    while (open_connections(fixture) != wanted && now_ms() < give_up_ms)
        poll(NULL, 0, 5);
    return open_connections(fixture) == wanted;
}

static struct kt_str request_for(struct kt_server_fixture *fixture, struct kt_str body)
{
    const char *text = kt_arena_printf(&fixture->arena,
                                       "POST " PATH " HTTP/1.1\r\nHost: a\r\nContent-Type: " JSON
                                       "\r\nContent-Length: %zu\r\n\r\n%.*s",
                                       body.length, (int)body.length, body.data);
    assert_non_null(text);
    return kt_str(text);
}

/* The answer repeats the uid, so a long one makes a long answer. */
static struct kt_str review_with_long_answer(struct kt_server_fixture *fixture, size_t uid_bytes)
{
    char *uid = kt_arena_alloc(&fixture->arena, uid_bytes + 1);
    assert_non_null(uid);
    for (size_t i = 0; i < uid_bytes; i++)
        uid[i] = (char)('a' + i % 26);
    return kt_server_fixture_review(fixture, uid, PRESET);
}

static void expect_whole_answer(struct kt_server_fixture *fixture, const char *answer, size_t uid_bytes)
{
    struct kt_json_parsed parsed;
    struct kt_error error;
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    if (kt_json_parse(&fixture->arena, kt_str(body + 4), KT_JSON_DUPLICATES_REFUSE, &parsed, &error) != 0)
        fail_msg("%zu bytes of uid: %s", uid_bytes, error.message);
    assert_int_equal(strlen(kt_json_string_or(kt_json_path(parsed.root, "response", "uid", NULL), "")), uid_bytes);
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

static void answers_of_any_length_arrive_whole(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const size_t lengths[] = {1, 15000, 16384, 16500, 40000, 300000, 3000000, 2};
    size_t size = 4 * KT_MIB;
    char *answer = kt_arena_alloc(&fixture->arena, size);
    struct kt_tls_client client = kt_server_fixture_connect(fixture);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lengths); i++) {
        struct kt_str body = review_with_long_answer(fixture, lengths[i]);
        if (kt_tls_client_post(&client, PATH, JSON, body, answer, size) != 200)
            fail_msg("%zu bytes of uid: no answer", lengths[i]);
        expect_whole_answer(fixture, answer, lengths[i]);
    }
    kt_tls_client_close(&client);
}

/* Bytes of the whole answer, told by its header block; SIZE_MAX while that is not there. */
static size_t answer_length(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n"), *field = strcasestr(answer, "content-length:");
    return body && field ? (size_t)(body + 4 - answer) + strtoul(field + 15, NULL, 10) : SIZE_MAX;
}

/* Accepted sockets have the listener's sizes: so that the kernel does not take a whole answer off the server's hands.
 */
static void small_send_buffers(struct kt_server_fixture *fixture)
{
    int bytes = 16384;
    assert_int_equal(setsockopt(fixture->server.listener, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

static void a_slow_reader_gets_its_answer(void **state)
{
    struct kt_server_fixture *fixture = *state;
    enum { UID_BYTES = 3000000, PIECE_BYTES = 5000 };
    size_t size = 4 * KT_MIB, length = 0, wanted = SIZE_MAX;
    char *answer = kt_arena_alloc(&fixture->arena, size);
    small_send_buffers(fixture);
    struct kt_tls_client client = kt_server_fixture_connect(fixture);
    assert_true(kt_tls_client_send(&client, request_for(fixture, review_with_long_answer(fixture, UID_BYTES))));
    expect_rest("a client does not read");
    while (length < wanted) {
        size_t got = 0;
        assert_true(length + PIECE_BYTES < size);
        assert_int_equal(SSL_read_ex(client.ssl, answer + length, PIECE_BYTES, &got), 1);
        length += got;
        wanted = wanted == SIZE_MAX ? answer_length(answer) : wanted;
    }
    expect_whole_answer(fixture, answer, UID_BYTES);
    kt_tls_client_close(&client);
}

static void half_closed_clients_get_their_answer(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    static const size_t lengths[] = {1, 40000};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lengths); i++) {
        struct kt_tls_client client = kt_server_fixture_connect(fixture);
        struct kt_str body = review_with_long_answer(fixture, lengths[i]);
        assert_true(kt_tls_client_send(&client, request_for(fixture, body)));
        assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
        assert_int_equal(kt_tls_client_receive(&client, answer, sizeof(answer)), 200);
        expect_whole_answer(fixture, answer, lengths[i]);
        kt_tls_client_close(&client);
    }
}

/* Small fields are few bytes on the wire and many in the memory of a parser. */
static void many_header_fields_are_answered(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const size_t counts[] = {50, 200, 500, 1000, 2000};
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(counts); i++) {
        struct kt_str body = kt_server_fixture_review(fixture, "u", PRESET);
        struct kt_strbuf text;
        kt_strbuf_init(&text, &fixture->arena, KT_MIB);
        kt_strbuf_printf(&text,
                         "POST " PATH " HTTP/1.1\r\nHost: a\r\nContent-Type: " JSON "\r\nContent-Length: %zu\r\n",
                         body.length);
        for (size_t j = 0; j < counts[i]; j++)
            kt_strbuf_puts(&text, "a:\r\n");
        kt_strbuf_puts(&text, "\r\n");
        kt_strbuf_add_str(&text, body);
        struct kt_tls_client client = kt_server_fixture_connect(fixture);
        assert_true(kt_tls_client_send(&client, kt_strbuf_view(&text)));
        int status = kt_tls_client_receive(&client, answer, sizeof(answer));
        if (status != 200 && (counts[i] <= 200 || status != 431))
            fail_msg("%zu fields: status %d", counts[i], status);
        kt_tls_client_close(&client);
    }
}

/* A refusal is certain after the headers, and the client may be in the middle of sending eight megabytes. It is heard
 * out for a while, because closing at once would make its TCP stack throw the answer away. */
static void an_early_refusal_reaches_a_client_that_still_sends(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    size_t length = 8 * KT_MIB;
    char *filler = kt_arena_alloc(&fixture->arena, length);
    memset(filler, ' ', length);
    struct kt_tls_client client = kt_server_fixture_connect(fixture);
    assert_true(kt_tls_client_send(&client, KT_STR("POST " PATH " HTTP/1.1\r\nHost: a\r\nContent-Type: " JSON
                                                   "\r\nContent-Length: 8388608\r\n\r\n")));
    assert_true(kt_tls_client_send(&client, (struct kt_str){filler, length}));
    assert_int_equal(kt_tls_client_receive(&client, answer, sizeof(answer)), 413);
    char byte;
    size_t got;
    int result = SSL_read_ex(client.ssl, &byte, 1, &got);
    assert_int_equal(SSL_get_error(client.ssl, result), SSL_ERROR_ZERO_RETURN);
    kt_tls_client_close(&client);
    assert_true(wait_for_connections(fixture, 0, 5000));
}

/* --- doing nothing -------------------------------------------------------------------------------------------------
 */

static void idle_clients_cost_nothing(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    struct kt_tls_client fresh[5], used[5];
    int silent[5];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(fresh); i++) {
        fresh[i] = kt_server_fixture_connect(fixture);
        used[i] = kt_server_fixture_connect(fixture);
        assert_int_equal(kt_tls_client_post(&used[i], PATH, JSON, kt_server_fixture_review(fixture, "u", PRESET),
                                            answer, sizeof(answer)),
                         200);
        silent[i] = kt_tcp_open(fixture->server.port);
    }
    expect_rest("idle connections");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(fresh); i++) {
        assert_true(kt_tls_client_send(&fresh[i], KT_STR("POST " PATH " HTTP/1.1\r\nHost: a\r\nContent-Type: " JSON
                                                         "\r\nContent-Length: 100\r\n\r\n{")));
        shutdown(used[i].fd, SHUT_WR);
        shutdown(silent[i], SHUT_WR);
    }
    expect_rest("clients in the middle of a body, and half closed ones");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(fresh); i++) {
        kt_tls_client_close(&fresh[i]);
        kt_tls_client_close(&used[i]);
        close(silent[i]);
    }
    assert_true(wait_for_connections(fixture, 0, 5000));
    expect_rest("no connections");
}

static void a_client_that_never_reads_is_given_up(void **state)
{
    struct kt_server_fixture *fixture = *state;
    small_send_buffers(fixture);
    struct kt_tls_client client = kt_server_fixture_connect(fixture);
    assert_true(kt_tls_client_send(&client, request_for(fixture, review_with_long_answer(fixture, 3000000))));
    assert_true(wait_for_connections(fixture, 1, 5000));
    assert_true(wait_for_connections(fixture, 0, KT_RESPONSE_DEADLINE_MS + 5000));
    kt_tls_client_close(&client);
}

/* --- too many ------------------------------------------------------------------------------------------------------
 */

/* Without descriptors for it a waiting client stays in the kernel's queue, where it keeps every epoll awake. */
static void running_out_of_descriptors_does_not_spin(void **state)
{
    struct kt_server_fixture *fixture = *state;
    struct rlimit before, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 256;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int filler[256];
    size_t count = 0;
    while (count < KT_ARRAY_LENGTH(filler) && (filler[count] = dup(fixture->stop)) >= 0)
        count++;
    assert_true(count < KT_ARRAY_LENGTH(filler));
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(fixture->server.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(waiting, (struct sockaddr *)&address, sizeof(address)), 0);
    expect_rest("no descriptors left");
    while (count > 0)
        close(filler[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    assert_int_equal(
        kt_server_fixture_post(fixture, PATH, JSON, kt_server_fixture_review(fixture, "u", PRESET), answer), 200);
    close(waiting);
}

/* The limit is that of the server: whichever worker a connection comes to has room for it. */
static void the_connection_limit_is_one_for_all_workers(void **state)
{
    struct kt_server_fixture *fixture = *state;
    static const char *const flags[] = {"--connection-limit=12", "--workers=4"};
    kt_server_fixture_start(fixture, flags, KT_ARRAY_LENGTH(flags));
    struct kt_tls_client clients[12];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(clients); i++)
        if (!kt_tls_client_open(&clients[i], fixture->server.port, fixture->ca, NULL, NULL))
            fail_msg("connection %zu of 12 is turned away", i + 1);
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(clients); i++) {
        assert_int_equal(kt_tls_client_post(&clients[i], PATH, JSON, kt_server_fixture_review(fixture, "u", PRESET),
                                            answer, sizeof(answer)),
                         200);
        kt_tls_client_close(&clients[i]);
    }
    assert_true(wait_for_connections(fixture, 0, 5000));
    assert_int_equal(
        kt_server_fixture_post(fixture, PATH, JSON, kt_server_fixture_review(fixture, "u", PRESET), answer), 200);
}

/* --- the end -------------------------------------------------------------------------------------------------------
 */

static bool is_told_to_close(const char *answer)
{
    return strcasestr(answer, "\r\nconnection: close\r\n") != NULL;
}

/* A client that used its connection a moment ago may be sending on it now: it is told to close in the answer to that,
 * and only one that stays silent is closed. */
static void an_active_client_is_told_before_it_is_closed(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    struct kt_tls_client active = kt_server_fixture_connect(fixture), silent = kt_server_fixture_connect(fixture);
    struct kt_str body = kt_server_fixture_review(fixture, "u", PRESET);
    assert_int_equal(kt_tls_client_post(&active, PATH, JSON, body, answer, sizeof(answer)), 200);
    assert_false(is_told_to_close(answer));
    kt_server_fixture_ask_to_stop(fixture);
    int64_t give_up_ms = now_ms() + 5000;
    while (atomic_load(&fixture->server.workers[0].phase) < KT_WORKER_DRAINING && now_ms() < give_up_ms)
        poll(NULL, 0, 1);
    poll(NULL, 0, 50); /* every worker has looked at its connections by now */
    assert_int_equal(kt_tls_client_post(&active, PATH, JSON, body, answer, sizeof(answer)), 200);
    assert_true(is_told_to_close(answer));
    assert_true(kt_tls_client_wait_closed(&silent, 5000));
    assert_true(kt_tls_client_wait_closed(&active, 5000));
    kt_tls_client_close(&active);
    kt_tls_client_close(&silent);
    kt_server_fixture_stop(fixture);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    kt_log_set_level(KT_LOG_ERROR);
#define RUNNING(test) \
    cmocka_unit_test_setup_teardown(test, kt_server_fixture_set_up_running, kt_server_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        RUNNING(answers_of_any_length_arrive_whole),
        RUNNING(a_slow_reader_gets_its_answer),
        RUNNING(half_closed_clients_get_their_answer),
        RUNNING(many_header_fields_are_answered),
        RUNNING(an_early_refusal_reaches_a_client_that_still_sends),
        RUNNING(idle_clients_cost_nothing),
        RUNNING(a_client_that_never_reads_is_given_up),
        RUNNING(running_out_of_descriptors_does_not_spin),
        cmocka_unit_test_setup_teardown(the_connection_limit_is_one_for_all_workers, kt_server_fixture_set_up,
                                        kt_server_fixture_tear_down),
        RUNNING(an_active_client_is_told_before_it_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
