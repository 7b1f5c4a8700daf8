/* SPDX-License-Identifier: Apache-2.0 */
/* The client against servers that are broken, slow or not there. */
#include "tests/lib/cmocka_all.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "tests/lib/canned_server.h"

/* --- broken replies -------------------------------------------------------------------------------------------------
 */

static void test_broken_replies(void **state KT_UNUSED)
{
    static const struct {
        const char *raw;
        int code;
        const char *words;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"kind\":", KT_EUNAVAILABLE, "broke off before the reply"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"", KT_EUNAVAILABLE, "broke off"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}", KT_EUNAVAILABLE, ""},
        {"HTTP/1.1 200 OK\r\n\r\n{\"kind\":", KT_EPARSE, "is not JSON"},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>", KT_EPARSE,
         "is not JSON (text/html); is this the address of an API server?"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd", KT_EPARSE, "is not JSON"},
        {"", KT_EUNAVAILABLE, "broke off"},
        {"HTTP/1.1 200", KT_EUNAVAILABLE, ""},
        {"SSH-2.0-OpenSSH_9.2\r\n", KT_EUNAVAILABLE, "answers in no HTTP that we understand"},
        {"HTTP/9.9 200 OK\r\n\r\n{}", KT_EUNAVAILABLE, ""},
        {"HTTP/1.1 abc OK\r\n\r\n{}", KT_EUNAVAILABLE, ""},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", KT_EUNAVAILABLE, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}", KT_EUNAVAILABLE, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n{}", KT_ELIMIT, "larger than the limit of 16777216"},
    };
    kt_canned_reply.close = true;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        kt_canned_reply.raw = cases[i].raw;
        kt_api_fixture_expect(&kt_canned_fixture, "/x", cases[i].code, cases[i].words);
        assert_true(strlen(kt_canned_fixture.error.message) > 20);
    }
}

static void test_empty_replies_are_fine(void **state KT_UNUSED)
{
    kt_canned_reply = (struct kt_canned){.raw = "HTTP/1.1 204 No Content\r\n\r\n"};
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), 0);
    assert_null(kt_canned_fixture.reply.object);
    kt_canned_reply = (struct kt_canned){.code = 200, .body = ""};
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), 0);
    assert_null(kt_canned_fixture.reply.object);
}

static void test_a_raw_reply(void **state KT_UNUSED)
{
    kt_canned_reply.body = "training step 1\nnot JSON \xff";
    struct kt_request request = {.method = "GET", .path = "/log", .raw = true};
    assert_int_equal(kt_client_do(kt_api_fixture_client(&kt_canned_fixture), &kt_canned_fixture.arena, &request,
                                  &kt_canned_fixture.reply, &kt_canned_fixture.error),
                     0);
    assert_null(kt_canned_fixture.reply.object);
    assert_string_equal(kt_canned_fixture.reply.body.data, kt_canned_reply.body);
}

static bool serve_flood(void *context, const struct kt_scripted_request *request KT_UNUSED,
                        struct kt_scripted_connection *connection)
{
    static char piece[64 * 1024 + 1];
    const char *head = context;
    memset(piece, ' ', sizeof(piece) - 1);
    if (!kt_scripted_puts(connection, head))
        return false;
    for (size_t sent = 0; sent < 64 * KT_MIB; sent += sizeof(piece) - 1) {
        bool good = strstr(head, "chunked") ? kt_scripted_chunk(connection, piece)
                                            : kt_scripted_send(connection, piece, sizeof(piece) - 1);
        if (!good)
            return false;
    }
    return false;
}

static void test_a_reply_of_64_mib_is_cut_off(void **state KT_UNUSED)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(heads); i++) {
        union {
            const char *in;
            void *out;
        } head = {.in = heads[i]};
        kt_canned_serve(serve_flood, head.out);
        kt_api_fixture_expect(&kt_canned_fixture, "/x", KT_ELIMIT, "larger than the limit of 16777216 bytes");
    }
    struct kt_request request = {.method = "GET", .path = "/x", .reply_limit_bytes = 1000};
    assert_int_equal(kt_client_do(kt_api_fixture_client(&kt_canned_fixture), &kt_canned_fixture.arena, &request,
                                  &kt_canned_fixture.reply, &kt_canned_fixture.error),
                     KT_ELIMIT);
}

static void test_a_tree_beyond_the_limits(void **state KT_UNUSED)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &kt_canned_fixture.arena, KT_LIMIT_API_REPLY_BYTES);
    for (size_t i = 0; i < 100000; i++)
        kt_strbuf_putc(&text, '[');
    kt_canned_reply.body = text.data;
    assert_true(kt_api_fixture_get(&kt_canned_fixture, "/x") < 0);
    assert_non_null(strstr(kt_canned_fixture.error.message, "the reply of 127.0.0.1:"));
}

/* Every allocation of ours fails in turn; what is left over shows under the sanitizer and valgrind. */
static void test_memory_that_runs_out(void **state KT_UNUSED)
{
    kt_canned_reply.headers = "Warning: 299 - \"w\"\r\n";
    kt_canned_fixture.config.token = "abc";
    kt_canned_fixture.config.impersonation.user = "jane";
    int code = KT_ENOMEM;
    for (size_t nth = 1; code != 0; nth++) {
        struct kt_client *client = NULL;
        struct kt_request request = {.method = "POST", .path = "/x", .body = KT_STR("{}")};
        kt_arena_release(&kt_canned_fixture.arena);
        kt_heap_fail_from(nth);
        code = kt_client_new(&kt_canned_fixture.config, &kt_canned_fixture.environment, NULL, &client,
                             &kt_canned_fixture.error);
        if (code == 0)
            code = kt_client_do(client, &kt_canned_fixture.arena, &request, &kt_canned_fixture.reply,
                                &kt_canned_fixture.error);
        kt_heap_fail_from(0);
        kt_client_free(client);
        assert_true(code == 0 || code == KT_ENOMEM || code == KT_ELIMIT);
        assert_true(nth < 200);
    }
    assert_string_equal(kt_json_string(kt_json_get(kt_canned_fixture.reply.object, "kind")), "Test");
}

/* --- time -----------------------------------------------------------------------------------------------------------
 */

static bool serve_drip(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                       struct kt_scripted_connection *connection)
{
    if (!kt_scripted_puts(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))
        return false;
    while (kt_scripted_puts(connection, " ") && kt_scripted_hold(connection, 20))
        continue;
    return false;
}

static bool serve_silence(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                          struct kt_scripted_connection *connection)
{
    return kt_scripted_hold(connection, 600000);
}

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static void test_deadlines(void **state KT_UNUSED)
{
    kt_scripted_handler *const handlers[] = {serve_drip, serve_silence};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(handlers); i++) {
        kt_canned_serve(handlers[i], NULL);
        kt_canned_fixture.options.timeout_ms = 300;
        int64_t start_ms = now_ms();
        kt_api_fixture_expect(&kt_canned_fixture, "/x", KT_ETIMEOUT, "did not answer GET /x within ");
        int64_t spent_ms = now_ms() - start_ms;
        assert_true(spent_ms >= 300 && spent_ms < 10000);
    }
    /* A request's own limit counts before the client's, and the config's comes last. */
    kt_canned_fixture.options.timeout_ms = 0;
    kt_canned_fixture.config.request_timeout_ms = 200;
    kt_api_fixture_renew(&kt_canned_fixture);
    kt_api_fixture_expect(&kt_canned_fixture, "/x", KT_ETIMEOUT, "did not answer");
    kt_canned_fixture.options.timeout_ms = 600000;
    kt_api_fixture_renew(&kt_canned_fixture);
    struct kt_request request = {.method = "GET", .path = "/x", .timeout_ms = 100};
    assert_int_equal(kt_client_do(kt_api_fixture_client(&kt_canned_fixture), &kt_canned_fixture.arena, &request,
                                  &kt_canned_fixture.reply, &kt_canned_fixture.error),
                     KT_ETIMEOUT);
}

static int stop_ends[2];

static void *stop_soon(void *context)
{
    struct kt_scripted_server *server = context;
    int64_t end_ms = now_ms() + 20000;
    while (kt_scripted_server_count(server) == 0 && now_ms() < end_ms)
        usleep(1000);
    return write(stop_ends[1], "x", 1) == 1 ? context : NULL;
}

static void expect_interruption(kt_scripted_handler *handler, void *context)
{
    pthread_t thread;
    assert_int_equal(pipe2(stop_ends, O_CLOEXEC), 0);
    kt_canned_serve(handler, context);
    kt_canned_fixture.options.stop_fd = stop_ends[0];
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, kt_canned_fixture.server), 0);
    int64_t start_ms = now_ms();
    kt_api_fixture_expect(&kt_canned_fixture, "/x", KT_EINTERRUPTED, "interrupted");
    assert_true(now_ms() - start_ms < 20000);
    pthread_join(thread, NULL);
    kt_api_fixture_renew(&kt_canned_fixture);
    close(stop_ends[0]);
    close(stop_ends[1]);
}

static void test_the_stop_descriptor(void **state KT_UNUSED)
{
    struct kt_canned busy = {.code = 429, .headers = "Retry-After: 25\r\n", .body = "{}"};
    expect_interruption(serve_silence, NULL);
    expect_interruption(serve_drip, NULL);
    expect_interruption(kt_serve_canned, &busy); /* while it waits to try again */
}

/* --- no server ------------------------------------------------------------------------------------------------------
 */

static void test_nobody_listens(void **state KT_UNUSED)
{
    char words[128];
    int port = kt_scripted_server_port(kt_canned_fixture.server);
    snprintf(words, sizeof(words),
             "The connection to the server 127.0.0.1:%d was refused - is it running? (context "
             "\"test\" of /k)",
             port);
    kt_scripted_server_stop(kt_canned_fixture.server);
    kt_canned_fixture.server = NULL;
    char address[64];
    snprintf(address, sizeof(address), "http://127.0.0.1:%d", port);
    kt_canned_fixture.config.server = address;
    kt_api_fixture_expect(&kt_canned_fixture, "/x", KT_EUNAVAILABLE, words);
    assert_int_equal(kt_canned_fixture.reply.http_code, 0);
    assert_string_equal(kt_error_prefix(&kt_canned_fixture.error), "");
}

static void test_a_host_that_cannot_be(void **state KT_UNUSED)
{
    /* A label of 64 characters: no name server is asked. */
    kt_canned_fixture.config.server = "http://a123456789a123456789a123456789a123456789a123456789a1234567890123/";
    kt_api_fixture_expect(&kt_canned_fixture, "/x", KT_EUNAVAILABLE, "no address is known for the host a123456789");
    kt_api_fixture_renew(&kt_canned_fixture);
    kt_canned_fixture.config.server = "gopher://x";
    assert_int_equal(kt_client_new(&kt_canned_fixture.config, &kt_canned_fixture.environment, NULL,
                                   &kt_canned_fixture.client, &kt_canned_fixture.error),
                     KT_EINVAL);
    assert_null(kt_canned_fixture.client);
}

/* Accepts, reads a little and resets the connection. */
static void *hang_up_early(void *context)
{
    const int *listener = context;
    char piece[1000];
    struct linger now = {.l_onoff = 1};
    int fd = accept(*listener, NULL, NULL);
    if (fd < 0)
        return NULL;
    ssize_t got = recv(fd, piece, sizeof(piece), 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
    return got > 0 ? context : NULL;
}

static void test_a_server_that_hangs_up_while_we_send(void **state KT_UNUSED)
{
    pthread_t thread;
    void *result;
    char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    union {
        struct sockaddr_in *in;
        struct sockaddr *any;
    } pointer = {.in = &address};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, pointer.any, length), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, pointer.any, &length), 0);
    assert_int_equal(pthread_create(&thread, NULL, hang_up_early, &listener), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    kt_canned_fixture.config.server = url;
    /* More than the sockets buffer: we are still writing when it happens, and SIGPIPE would end this program. */
    char *body = kt_arena_alloc(&kt_canned_fixture.arena, 7 * KT_MIB);
    memset(body, ' ', 7 * KT_MIB);
    struct kt_request request = {.method = "POST", .path = "/x", .body = {body, 7 * KT_MIB}};
    assert_int_equal(kt_client_do(kt_api_fixture_client(&kt_canned_fixture), &kt_canned_fixture.arena, &request,
                                  &kt_canned_fixture.reply, &kt_canned_fixture.error),
                     KT_EUNAVAILABLE);
    pthread_join(thread, &result);
    close(listener);
    assert_non_null(result);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kt_canned_set_up, kt_canned_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_broken_replies),
        TEST(test_empty_replies_are_fine),
        TEST(test_a_raw_reply),
        TEST(test_a_reply_of_64_mib_is_cut_off),
        TEST(test_a_tree_beyond_the_limits),
        TEST(test_memory_that_runs_out),
        TEST(test_deadlines),
        TEST(test_the_stop_descriptor),
        TEST(test_nobody_listens),
        TEST(test_a_host_that_cannot_be),
        TEST(test_a_server_that_hangs_up_while_we_send),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failures;
}
