/* SPDX-License-Identifier: Apache-2.0 */
/* The client against good and bad replies. TLS: test_kube_tls.c; the verbs: test_kube_api.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "tests/lib/api_fixture.h"

#define STATUS(code, reason, message)                                                        \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"" reason \
    "\",\"message\":\"" message "\",\"code\":" #code "}"

static struct kt_api_fixture fixture;

/* --- a handler that answers the same to everything ------------------------------------------------------------------
 */

struct canned {
    int code;
    const char *headers;
    const char *body;
    const char *raw; /* the whole reply, instead of the others */
    bool close;
};

static bool serve_canned(void *context, const struct kt_scripted_request *request KT_UNUSED,
                         struct kt_scripted_connection *connection)
{
    const struct canned reply = *(const struct canned *)context;
    if (reply.raw)
        return kt_scripted_puts(connection, reply.raw) && !reply.close;
    return kt_scripted_reply(connection, reply.code, reply.headers ? reply.headers : "", reply.body) && !reply.close;
}

static struct canned canned;

static int set_up(void **state KT_UNUSED)
{
    canned = (struct canned){.code = 200, .body = "{\"kind\":\"Test\"}"};
    kt_api_fixture_start(&fixture, serve_canned, &canned, NULL, (struct kt_str){0});
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_api_fixture_stop(&fixture);
    return 0;
}

/* Starts over with another handler. */
static void serve(kt_scripted_handler *handler, void *context)
{
    kt_api_fixture_stop(&fixture);
    kt_api_fixture_start(&fixture, handler, context, NULL, (struct kt_str){0});
}

static void test_a_good_reply(void **state KT_UNUSED)
{
    fixture.options.user_agent = "kubectl-kaito/test";
    assert_int_equal(kt_api_fixture_get(&fixture, "/api/v1/x"), 0);
    assert_int_equal(fixture.reply.http_code, 200);
    assert_string_equal(kt_json_string(kt_json_get(fixture.reply.object, "kind")), "Test");
    assert_int_equal(fixture.reply.warning_count, 0);
    const struct kt_scripted_request *request = kt_scripted_server_request(fixture.server, 0);
    assert_string_equal(request->method, "GET");
    assert_string_equal(request->target, "/api/v1/x");
    assert_string_equal(kt_scripted_header(request, "Accept"), "application/json");
    assert_string_equal(kt_scripted_header(request, "User-Agent"), "kubectl-kaito/test");
    assert_string_equal(kt_scripted_header(request, "Accept-Encoding"), "gzip");
    assert_null(kt_scripted_header(request, "Authorization"));
    assert_null(kt_scripted_header(request, "Content-Type"));
}

static void test_the_connection_is_kept(void **state KT_UNUSED)
{
    for (int i = 0; i < 5; i++)
        assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(kt_scripted_server_request(fixture.server, 4)->connection, 0);
    /* A server that hung up in between is connected to again. */
    canned.close = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
}

static void test_query_and_body(void **state KT_UNUSED)
{
    struct kt_query query[] = {{"a", "b c&d=e/\xc3\xa9"}, {"left-out", NULL}, {"empty", ""}};
    struct kt_request request = {.method = "PATCH",
                                 .path = "/p",
                                 .query = query,
                                 .query_count = KT_ARRAY_LENGTH(query),
                                 .content_type = "application/merge-patch+json",
                                 .body = KT_STR("{\"x\":1}")};
    assert_int_equal(
        kt_client_do(kt_api_fixture_client(&fixture), &fixture.arena, &request, &fixture.reply, &fixture.error), 0);
    const struct kt_scripted_request *seen = kt_scripted_server_request(fixture.server, 0);
    assert_string_equal(seen->method, "PATCH");
    assert_string_equal(seen->target, "/p?a=b%20c%26d%3De%2F%C3%A9&empty=");
    assert_string_equal(seen->body, "{\"x\":1}");
    assert_string_equal(kt_scripted_header(seen, "Content-Type"), "application/merge-patch+json");
    assert_null(kt_scripted_header(seen, "Expect"));
}

static void test_a_prefix_in_the_address(void **state KT_UNUSED)
{
    fixture.config.server = kt_arena_printf(&fixture.arena, "%s/k8s/clusters/c1/", fixture.config.server);
    assert_int_equal(kt_api_fixture_get(&fixture, "/version"), 0);
    assert_string_equal(kt_scripted_server_request(fixture.server, 0)->target, "/k8s/clusters/c1/version");
}

static void test_the_environment_is_not_asked_for_a_proxy(void **state KT_UNUSED)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    int code = kt_api_fixture_get(&fixture, "/");
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(code, 0);
}

/* --- refusals -------------------------------------------------------------------------------------------------------
 */

static void test_refusals(void **state KT_UNUSED)
{
    static const struct {
        int http;
        const char *body;
        int code;
        const char *words;
        bool type_missing;
    } cases[] = {
        {400, STATUS(400, "BadRequest", "strict decoding error: unknown field"), KT_EREFUSED,
         "Error from server (BadRequest): strict decoding error: unknown field", false},
        {401, STATUS(401, "Unauthorized", "Unauthorized"), KT_EAUTH,
         "does not accept the credentials of user \"u\" of /k", false},
        {401, "no entry", KT_EAUTH, "Error from server (Unauthorized): ", false},
        {403, STATUS(403, "Forbidden", "User \\\"x\\\" cannot list"), KT_EFORBIDDEN,
         "Error from server (Forbidden): User \"x\" cannot list", false},
        {404,
         "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"workspaces.kaito.sh \\\"a\\\" not found\","
         "\"details\":{\"name\":\"a\",\"kind\":\"workspaces\"},\"code\":404}",
         KT_ENOTFOUND, "Error from server (NotFound): workspaces.kaito.sh \"a\" not found", false},
        {404, "404 page not found\n", KT_ENOTFOUND, "does not know the type workspaces.kaito.sh in v1beta1", true},
        {404, STATUS(404, "NotFound", "the server could not find the requested resource"), KT_ENOTFOUND,
         "does not know the type workspaces.kaito.sh in v1beta1", true},
        {405, STATUS(405, "MethodNotAllowed", "no"), KT_EINVAL, "(MethodNotAllowed)", false},
        {409, STATUS(409, "AlreadyExists", "exists"), KT_ECONFLICT, "Error from server (AlreadyExists): exists", false},
        {409, STATUS(409, "Conflict", "Apply failed with 1 conflict"), KT_ECONFLICT, "(Conflict)", false},
        {410, STATUS(410, "Expired", "too old resource version"), KT_EGONE, "(Expired)", false},
        {413, "", KT_ELIMIT, "(RequestEntityTooLarge)", false},
        {422,
         "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"code\":422,\"details\":{\"name\":\"a\",\"kind\":\"Workspace\","
         "\"causes\":[{\"field\":\"x\",\"message\":\"bad\"},{\"field\":\"y\",\"message\":\"worse\"}]}}",
         KT_EREFUSED, "The Workspace \"a\" is invalid: \n* x: bad\n* y: worse", false},
        {500, "<html><h1>Internal</h1></html>", KT_EUNAVAILABLE, "Error from server (InternalError): ", false},
        {500, "{\"kind\":", KT_EUNAVAILABLE, "(InternalError)", false},
        {502, "", KT_EUNAVAILABLE, "(InternalError)", false},
        {503, STATUS(503, "ServiceUnavailable", "soon"), KT_EUNAVAILABLE, "(ServiceUnavailable): soon", false},
        {504, STATUS(504, "Timeout", "slow"), KT_ETIMEOUT, "(Timeout): slow", false},
        {301, "", KT_EREFUSED, "is this the address of an API server?", false},
        {418, "[1,2]", KT_EREFUSED, "Error from server: ", false},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        canned = (struct canned){.code = cases[i].http, .body = cases[i].body};
        kt_api_fixture_expect(&fixture, "/apis/x", cases[i].code, cases[i].words);
        assert_int_equal(fixture.reply.http_code, cases[i].http);
        assert_int_equal(fixture.reply.status.code, cases[i].http);
        assert_true(fixture.reply.type_missing == cases[i].type_missing);
    }
    assert_int_equal(fixture.reply.status.cause_count, 0);
    /* None of them was tried twice. */
    assert_int_equal(kt_scripted_server_count(fixture.server), KT_ARRAY_LENGTH(cases));
}

static const char *say_how_to_install(void *context, const struct kt_resource *resource)
{
    assert_ptr_equal(context, &fixture);
    assert_string_equal(resource->kind, "Workspace");
    return "install it with `x`";
}

static void test_a_missing_type_says_what_to_do(void **state KT_UNUSED)
{
    canned = (struct canned){.code = 404, .body = "404 page not found"};
    fixture.options.hooks = (struct kt_client_hooks){.missing_type = say_how_to_install, .context = &fixture};
    kt_api_fixture_expect(&fixture, "/apis/kaito.sh/v1beta1/workspaces", KT_ENOTFOUND, "; install it with `x`");
}

static void test_a_redirect_is_not_followed(void **state KT_UNUSED)
{
    char headers[128];
    snprintf(headers, sizeof(headers), "Location: %s/other\r\n", fixture.config.server);
    canned = (struct canned){.code = 307, .headers = headers, .body = ""};
    kt_api_fixture_expect(&fixture, "/", KT_EREFUSED, "another address");
    assert_int_equal(kt_scripted_server_count(fixture.server), 1);
}

/* --- trying again ---------------------------------------------------------------------------------------------------
 */

static bool serve_busy_then_good(void *context, const struct kt_scripted_request *request,
                                 struct kt_scripted_connection *connection)
{
    const size_t *busy = context;
    if (request->index < *busy)
        return kt_scripted_reply(connection, 429, "Retry-After: 0\r\n", STATUS(429, "TooManyRequests", "busy"));
    return kt_scripted_reply(connection, 200, "", "{\"tries\":1}");
}

static void test_a_busy_server_is_asked_again(void **state KT_UNUSED)
{
    size_t busy = KT_CLIENT_RETRIES;
    serve(serve_busy_then_good, &busy);
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(kt_scripted_server_count(fixture.server), 4);
    /* But not for ever. */
    busy = 100;
    kt_api_fixture_expect(&fixture, "/", KT_EUNAVAILABLE, "Error from server (TooManyRequests): busy");
    assert_int_equal(kt_scripted_server_count(fixture.server), 8);
}

static void test_a_pause_beyond_the_deadline_is_not_waited_for(void **state KT_UNUSED)
{
    canned =
        (struct canned){.code = 429, .headers = "Retry-After: 3600\r\n", .body = STATUS(429, "TooManyRequests", "")};
    kt_api_fixture_expect(&fixture, "/", KT_EUNAVAILABLE, "(TooManyRequests)");
    assert_int_equal(kt_scripted_server_count(fixture.server), 1);
    assert_int_equal(fixture.reply.status.retry_after_s, 3600);
}

static void test_a_server_error_is_tried_again_only_on_request(void **state KT_UNUSED)
{
    canned = (struct canned){.code = 503, .body = STATUS(503, "ServiceUnavailable", "")};
    kt_api_fixture_expect(&fixture, "/", KT_EUNAVAILABLE, "(ServiceUnavailable)");
    assert_int_equal(kt_scripted_server_count(fixture.server), 1);
    canned.headers = "Retry-After: 0\r\n";
    kt_api_fixture_expect(&fixture, "/", KT_EUNAVAILABLE, "(ServiceUnavailable)");
    assert_int_equal(kt_scripted_server_count(fixture.server), 5);
    /* A date, rubbish and negative numbers are no number of seconds. */
    static const char *const odd[] = {"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", "Retry-After: -1\r\n",
                                      "Retry-After: \r\n", "Retry-After: 99999999999999999999\r\n"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(odd); i++) {
        canned.headers = odd[i];
        kt_api_fixture_expect(&fixture, "/", KT_EUNAVAILABLE, "(ServiceUnavailable)");
        assert_int_equal(kt_scripted_server_count(fixture.server), 6 + i);
    }
}

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
    canned.close = true;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        canned.raw = cases[i].raw;
        kt_api_fixture_expect(&fixture, "/x", cases[i].code, cases[i].words);
        assert_true(strlen(fixture.error.message) > 20);
    }
}

static void test_empty_replies_are_fine(void **state KT_UNUSED)
{
    canned = (struct canned){.raw = "HTTP/1.1 204 No Content\r\n\r\n"};
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_null(fixture.reply.object);
    canned = (struct canned){.code = 200, .body = ""};
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_null(fixture.reply.object);
}

static void test_a_raw_reply(void **state KT_UNUSED)
{
    canned.body = "training step 1\nnot JSON \xff";
    struct kt_request request = {.method = "GET", .path = "/log", .raw = true};
    assert_int_equal(
        kt_client_do(kt_api_fixture_client(&fixture), &fixture.arena, &request, &fixture.reply, &fixture.error), 0);
    assert_null(fixture.reply.object);
    assert_string_equal(fixture.reply.body.data, canned.body);
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
        serve(serve_flood, head.out);
        kt_api_fixture_expect(&fixture, "/x", KT_ELIMIT, "larger than the limit of 16777216 bytes");
    }
    struct kt_request request = {.method = "GET", .path = "/x", .reply_limit_bytes = 1000};
    assert_int_equal(
        kt_client_do(kt_api_fixture_client(&fixture), &fixture.arena, &request, &fixture.reply, &fixture.error),
        KT_ELIMIT);
}

static void test_a_tree_beyond_the_limits(void **state KT_UNUSED)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &fixture.arena, KT_LIMIT_API_REPLY_BYTES);
    for (size_t i = 0; i < 100000; i++)
        kt_strbuf_putc(&text, '[');
    canned.body = text.data;
    assert_true(kt_api_fixture_get(&fixture, "/x") < 0);
    assert_non_null(strstr(fixture.error.message, "the reply of 127.0.0.1:"));
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
        serve(handlers[i], NULL);
        fixture.options.timeout_ms = 300;
        int64_t start_ms = now_ms();
        kt_api_fixture_expect(&fixture, "/x", KT_ETIMEOUT, "did not answer GET /x within ");
        int64_t spent_ms = now_ms() - start_ms;
        assert_true(spent_ms >= 300 && spent_ms < 10000);
    }
    /* A request's own limit counts before the client's, and the config's comes last. */
    fixture.options.timeout_ms = 0;
    fixture.config.request_timeout_ms = 200;
    kt_api_fixture_renew(&fixture);
    kt_api_fixture_expect(&fixture, "/x", KT_ETIMEOUT, "did not answer");
    fixture.options.timeout_ms = 600000;
    kt_api_fixture_renew(&fixture);
    struct kt_request request = {.method = "GET", .path = "/x", .timeout_ms = 100};
    assert_int_equal(
        kt_client_do(kt_api_fixture_client(&fixture), &fixture.arena, &request, &fixture.reply, &fixture.error),
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
    serve(handler, context);
    fixture.options.stop_fd = stop_ends[0];
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, fixture.server), 0);
    int64_t start_ms = now_ms();
    kt_api_fixture_expect(&fixture, "/x", KT_EINTERRUPTED, "interrupted");
    assert_true(now_ms() - start_ms < 20000);
    pthread_join(thread, NULL);
    kt_api_fixture_renew(&fixture);
    close(stop_ends[0]);
    close(stop_ends[1]);
}

static void test_the_stop_descriptor(void **state KT_UNUSED)
{
    struct canned busy = {.code = 429, .headers = "Retry-After: 25\r\n", .body = "{}"};
    expect_interruption(serve_silence, NULL);
    expect_interruption(serve_drip, NULL);
    expect_interruption(serve_canned, &busy); /* while it waits to try again */
}

/* --- no server ------------------------------------------------------------------------------------------------------
 */

static void test_nobody_listens(void **state KT_UNUSED)
{
    char words[128];
    int port = kt_scripted_server_port(fixture.server);
    snprintf(words, sizeof(words),
             "The connection to the server 127.0.0.1:%d was refused - is it running? (context "
             "\"test\" of /k)",
             port);
    kt_scripted_server_stop(fixture.server);
    fixture.server = NULL;
    char address[64];
    snprintf(address, sizeof(address), "http://127.0.0.1:%d", port);
    fixture.config.server = address;
    kt_api_fixture_expect(&fixture, "/x", KT_EUNAVAILABLE, words);
    assert_int_equal(fixture.reply.http_code, 0);
    assert_string_equal(kt_error_prefix(&fixture.error), "");
}

static void test_a_host_that_cannot_be(void **state KT_UNUSED)
{
    /* A label of 64 characters: no name server is asked. */
    fixture.config.server = "http://a123456789a123456789a123456789a123456789a123456789a1234567890123/";
    kt_api_fixture_expect(&fixture, "/x", KT_EUNAVAILABLE, "no address is known for the host a123456789");
    kt_api_fixture_renew(&fixture);
    fixture.config.server = "gopher://x";
    assert_int_equal(kt_client_new(&fixture.config, &fixture.environment, NULL, &fixture.client, &fixture.error),
                     KT_EINVAL);
    assert_null(fixture.client);
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
    fixture.config.server = url;
    /* More than the sockets buffer: we are still writing when it happens, and SIGPIPE would end this program. */
    char *body = kt_arena_alloc(&fixture.arena, 7 * KT_MIB);
    memset(body, ' ', 7 * KT_MIB);
    struct kt_request request = {.method = "POST", .path = "/x", .body = {body, 7 * KT_MIB}};
    assert_int_equal(
        kt_client_do(kt_api_fixture_client(&fixture), &fixture.arena, &request, &fixture.reply, &fixture.error),
        KT_EUNAVAILABLE);
    pthread_join(thread, &result);
    close(listener);
    assert_non_null(result);
}

/* --- warnings -------------------------------------------------------------------------------------------------------
 */

static void test_warnings(void **state KT_UNUSED)
{
    canned.headers = "Warning: 299 - \"first \\\"quoted\\\" \\\\ end\"\r\n"
                     "warning: 299 kube \"second\" \"Wed, 21 Oct 2015 07:28:00 GMT\", 299 - \"third\"\r\n"
                     "Warning: 299 - \"second\"\r\n"
                     "Warning: 199 - \"another number\"\r\n"
                     "Warning: 299 - unquoted\r\n"
                     "Warning: 299 - \"does not end\r\n"
                     "Warning: 299 - \"bad \x1b[31m\"\r\n"
                     "Warning: 299 - \"bad \xff\"\r\n"
                     "Warning: 299\r\n"
                     "Warning:\r\n"
                     "X-Other: 299 - \"no\"\r\n";
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(fixture.reply.warning_count, 3);
    assert_string_equal(fixture.reply.warnings[0], "first \"quoted\" \\ end");
    assert_string_equal(fixture.reply.warnings[1], "second");
    assert_string_equal(fixture.reply.warnings[2], "third");
    /* A refusal has them too. */
    canned.code = 403;
    canned.body = STATUS(403, "Forbidden", "no");
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), KT_EFORBIDDEN);
    assert_int_equal(fixture.reply.warning_count, 3);
}

static void test_a_flood_of_warnings(void **state KT_UNUSED)
{
    static char headers[3900];
    size_t length = 0;
    for (int i = 0; i < 150; i++)
        length += (size_t)snprintf(headers + length, sizeof(headers) - length, "Warning: 299 - \"%d\"\r\n", i);
    canned.headers = headers;
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(fixture.reply.warning_count, KT_CLIENT_WARNINGS);
}

static void test_headers_of_an_interim_reply_do_not_count(void **state KT_UNUSED)
{
    canned.raw = "HTTP/1.1 103 Early Hints\r\nWarning: 299 - \"early\"\r\nRetry-After: 5\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(fixture.reply.warning_count, 0);
}

/* --- the trace ------------------------------------------------------------------------------------------------------
 */

static char traced[64 * 1024];

static void keep_trace(void *context KT_UNUSED, int level, const char *line)
{
    size_t length = strlen(traced);
    snprintf(traced + length, sizeof(traced) - length, "%d %s\n", level, line);
}

static void trace_at(int verbosity)
{
    kt_api_fixture_renew(&fixture);
    traced[0] = '\0';
    fixture.options.hooks = (struct kt_client_hooks){.trace = keep_trace, .verbosity = verbosity};
    assert_int_equal(kt_api_fixture_get(&fixture, "/api/v1/x"), 0);
}

static void test_the_trace(void **state KT_UNUSED)
{
    fixture.config.impersonation.user = "jane";
    trace_at(5);
    assert_string_equal(traced, "");
    trace_at(6);
    assert_non_null(strstr(traced, "6 GET http://127.0.0.1:"));
    assert_non_null(strstr(traced, "/api/v1/x 200 in "));
    assert_null(strstr(traced, "Impersonate"));
    trace_at(7);
    assert_non_null(strstr(traced, "7     Impersonate-User: jane"));
    assert_null(strstr(traced, "Content-Length"));
    char body[3000];
    memset(body, 'x', sizeof(body));
    snprintf(body, sizeof(body), "{\"kind\":\"Test\",\n\"a\":\"");
    body[strlen(body)] = 'x';
    memcpy(body + 2990, "\"}", 3);
    canned.body = body;
    trace_at(8);
    assert_non_null(strstr(traced, "8     Content-Length: 2992"));
    assert_non_null(strstr(traced, "8 Response body: {\"kind\":\"Test\", \"a\":"));
    assert_non_null(strstr(traced, "[1968 more bytes]"));
    trace_at(10);
    assert_non_null(strstr(traced, "xxx\"}\n"));
}

static void test_the_trace_hides_secrets(void **state KT_UNUSED)
{
    canned.body = "{\"data\":{\"password\":\"aGVsbG8=\"}}";
    canned.headers = "Set-Cookie: session=abc\r\n";
    fixture.options.hooks = (struct kt_client_hooks){.trace = keep_trace, .verbosity = 10};
    fixture.config.username = "me";
    fixture.config.password = "hunter2";
    traced[0] = '\0';
    assert_int_equal(kt_api_fixture_get(&fixture, "/api/v1/namespaces/a/secrets/b"), 0);
    assert_non_null(strstr(traced, "Authorization: <masked>"));
    assert_non_null(strstr(traced, "Set-Cookie: <masked>"));
    assert_non_null(strstr(traced, "Response body: <masked>"));
    assert_null(strstr(traced, "aGVsbG8"));
    assert_null(strstr(traced, "abc"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_good_reply),
        TEST(test_the_connection_is_kept),
        TEST(test_query_and_body),
        TEST(test_a_prefix_in_the_address),
        TEST(test_the_environment_is_not_asked_for_a_proxy),
        TEST(test_refusals),
        TEST(test_a_missing_type_says_what_to_do),
        TEST(test_a_redirect_is_not_followed),
        TEST(test_a_busy_server_is_asked_again),
        TEST(test_a_pause_beyond_the_deadline_is_not_waited_for),
        TEST(test_a_server_error_is_tried_again_only_on_request),
        TEST(test_broken_replies),
        TEST(test_empty_replies_are_fine),
        TEST(test_a_raw_reply),
        TEST(test_a_reply_of_64_mib_is_cut_off),
        TEST(test_a_tree_beyond_the_limits),
        TEST(test_deadlines),
        TEST(test_the_stop_descriptor),
        TEST(test_nobody_listens),
        TEST(test_a_host_that_cannot_be),
        TEST(test_a_server_that_hangs_up_while_we_send),
        TEST(test_warnings),
        TEST(test_a_flood_of_warnings),
        TEST(test_headers_of_an_interim_reply_do_not_count),
        TEST(test_the_trace),
        TEST(test_the_trace_hides_secrets),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failures;
}
