/* SPDX-License-Identifier: Apache-2.0 */
/* The client: what it sends, what it makes of replies, when it tries again. Broken servers: test_kube_faults.c; TLS:
 * test_kube_tls.c; the verbs: test_kube_api.c. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/canned_server.h"

static void test_a_good_reply(void **state KT_UNUSED)
{
    kt_canned_fixture.options.user_agent = "kubectl-kaito/test";
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/api/v1/x"), 0);
    assert_int_equal(kt_canned_fixture.reply.http_code, 200);
    assert_string_equal(kt_json_string(kt_json_get(kt_canned_fixture.reply.object, "kind")), "Test");
    assert_int_equal(kt_canned_fixture.reply.warning_count, 0);
    const struct kt_scripted_request *request = kt_scripted_server_request(kt_canned_fixture.server, 0);
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
        assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), 0);
    assert_int_equal(kt_scripted_server_request(kt_canned_fixture.server, 4)->connection, 0);
    /* A server that hung up in between is connected to again. */
    kt_canned_reply.close = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), 0);
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
    assert_int_equal(kt_client_do(kt_api_fixture_client(&kt_canned_fixture), &kt_canned_fixture.arena, &request,
                                  &kt_canned_fixture.reply, &kt_canned_fixture.error),
                     0);
    const struct kt_scripted_request *seen = kt_scripted_server_request(kt_canned_fixture.server, 0);
    assert_string_equal(seen->method, "PATCH");
    assert_string_equal(seen->target, "/p?a=b%20c%26d%3De%2F%C3%A9&empty=");
    assert_string_equal(seen->body, "{\"x\":1}");
    assert_string_equal(kt_scripted_header(seen, "Content-Type"), "application/merge-patch+json");
    assert_null(kt_scripted_header(seen, "Expect"));
}

static void test_a_prefix_in_the_address(void **state KT_UNUSED)
{
    kt_canned_fixture.config.server =
        kt_arena_printf(&kt_canned_fixture.arena, "%s/k8s/clusters/c1/", kt_canned_fixture.config.server);
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/version"), 0);
    assert_string_equal(kt_scripted_server_request(kt_canned_fixture.server, 0)->target, "/k8s/clusters/c1/version");
}

static void test_the_environment_is_not_asked_for_a_proxy(void **state KT_UNUSED)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    int code = kt_api_fixture_get(&kt_canned_fixture, "/");
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
        kt_canned_reply = (struct kt_canned){.code = cases[i].http, .body = cases[i].body};
        kt_api_fixture_expect(&kt_canned_fixture, "/apis/x", cases[i].code, cases[i].words);
        assert_int_equal(kt_canned_fixture.reply.http_code, cases[i].http);
        assert_int_equal(kt_canned_fixture.reply.status.code, cases[i].http);
        assert_true(kt_canned_fixture.reply.type_missing == cases[i].type_missing);
    }
    assert_int_equal(kt_canned_fixture.reply.status.cause_count, 0);
    /* None of them was tried twice. */
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), KT_ARRAY_LENGTH(cases));
}

static const char *say_how_to_install(void *context, const struct kt_resource *resource)
{
    assert_ptr_equal(context, &kt_canned_fixture);
    assert_string_equal(resource->kind, "Workspace");
    return "install it with `x`";
}

static void test_a_missing_type_says_what_to_do(void **state KT_UNUSED)
{
    kt_canned_reply = (struct kt_canned){.code = 404, .body = "404 page not found"};
    kt_canned_fixture.options.hooks =
        (struct kt_client_hooks){.missing_type = say_how_to_install, .context = &kt_canned_fixture};
    kt_api_fixture_expect(&kt_canned_fixture, "/apis/kaito.sh/v1beta1/workspaces", KT_ENOTFOUND,
                          "; install it with `x`");
}

static void test_a_redirect_is_not_followed(void **state KT_UNUSED)
{
    char headers[128];
    snprintf(headers, sizeof(headers), "Location: %s/other\r\n", kt_canned_fixture.config.server);
    kt_canned_reply = (struct kt_canned){.code = 307, .headers = headers, .body = ""};
    kt_api_fixture_expect(&kt_canned_fixture, "/", KT_EREFUSED, "another address");
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), 1);
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
    kt_canned_serve(serve_busy_then_good, &busy);
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), 0);
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), 4);
    /* But not for ever. */
    busy = 100;
    kt_api_fixture_expect(&kt_canned_fixture, "/", KT_EUNAVAILABLE, "Error from server (TooManyRequests): busy");
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), 8);
}

static void test_a_pause_beyond_the_deadline_is_not_waited_for(void **state KT_UNUSED)
{
    kt_canned_reply =
        (struct kt_canned){.code = 429, .headers = "Retry-After: 3600\r\n", .body = STATUS(429, "TooManyRequests", "")};
    kt_api_fixture_expect(&kt_canned_fixture, "/", KT_EUNAVAILABLE, "(TooManyRequests)");
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), 1);
    assert_int_equal(kt_canned_fixture.reply.status.retry_after_s, 3600);
}

static void test_a_server_error_is_tried_again_only_on_request(void **state KT_UNUSED)
{
    kt_canned_reply = (struct kt_canned){.code = 503, .body = STATUS(503, "ServiceUnavailable", "")};
    kt_api_fixture_expect(&kt_canned_fixture, "/", KT_EUNAVAILABLE, "(ServiceUnavailable)");
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), 1);
    kt_canned_reply.headers = "Retry-After: 0\r\n";
    kt_api_fixture_expect(&kt_canned_fixture, "/", KT_EUNAVAILABLE, "(ServiceUnavailable)");
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), 5);
    /* A date, rubbish and negative numbers are no number of seconds. */
    static const char *const odd[] = {"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", "Retry-After: -1\r\n",
                                      "Retry-After: \r\n", "Retry-After: 99999999999999999999\r\n"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(odd); i++) {
        kt_canned_reply.headers = odd[i];
        kt_api_fixture_expect(&kt_canned_fixture, "/", KT_EUNAVAILABLE, "(ServiceUnavailable)");
        assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), 6 + i);
    }
}

/* --- warnings -------------------------------------------------------------------------------------------------------
 */

static void test_warnings(void **state KT_UNUSED)
{
    kt_canned_reply.headers = "Warning: 299 - \"first \\\"quoted\\\" \\\\ end\"\r\n"
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
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), 0);
    assert_int_equal(kt_canned_fixture.reply.warning_count, 3);
    assert_string_equal(kt_canned_fixture.reply.warnings[0], "first \"quoted\" \\ end");
    assert_string_equal(kt_canned_fixture.reply.warnings[1], "second");
    assert_string_equal(kt_canned_fixture.reply.warnings[2], "third");
    /* A refusal has them too. */
    kt_canned_reply.code = 403;
    kt_canned_reply.body = STATUS(403, "Forbidden", "no");
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), KT_EFORBIDDEN);
    assert_int_equal(kt_canned_fixture.reply.warning_count, 3);
}

static void test_a_flood_of_warnings(void **state KT_UNUSED)
{
    static char headers[3900];
    size_t length = 0;
    for (int i = 0; i < 150; i++)
        length += (size_t)snprintf(headers + length, sizeof(headers) - length, "Warning: 299 - \"%d\"\r\n", i);
    kt_canned_reply.headers = headers;
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), 0);
    assert_int_equal(kt_canned_fixture.reply.warning_count, KT_CLIENT_WARNINGS);
}

static void test_headers_of_an_interim_reply_do_not_count(void **state KT_UNUSED)
{
    kt_canned_reply.raw = "HTTP/1.1 103 Early Hints\r\nWarning: 299 - \"early\"\r\nRetry-After: 5\r\n\r\n"
                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/"), 0);
    assert_int_equal(kt_canned_fixture.reply.warning_count, 0);
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
    kt_api_fixture_renew(&kt_canned_fixture);
    traced[0] = '\0';
    kt_canned_fixture.options.hooks = (struct kt_client_hooks){.trace = keep_trace, .verbosity = verbosity};
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/api/v1/x"), 0);
}

static void test_the_trace(void **state KT_UNUSED)
{
    kt_canned_fixture.config.impersonation.user = "jane";
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
    kt_canned_reply.body = body;
    trace_at(8);
    assert_non_null(strstr(traced, "8     Content-Length: 2992"));
    assert_non_null(strstr(traced, "8 Response body: {\"kind\":\"Test\", \"a\":"));
    assert_non_null(strstr(traced, "[1968 more bytes]"));
    trace_at(10);
    assert_non_null(strstr(traced, "xxx\"}\n"));
    kt_canned_reply.body = "{\"a\":\"\u202e\xc2\x9b"
                           "31m\"}";
    trace_at(8);
    assert_non_null(strstr(traced, "8 Response body: {\"a\":\"\\xe2\\x80\\xae\\xc2\\x9b"
                                   "31m\"}"));
}

static void test_the_trace_hides_secrets(void **state KT_UNUSED)
{
    kt_canned_reply.body = "{\"data\":{\"password\":\"aGVsbG8=\"}}";
    kt_canned_reply.headers = "Set-Cookie: session=abc\r\n";
    kt_canned_fixture.options.hooks = (struct kt_client_hooks){.trace = keep_trace, .verbosity = 10};
    kt_canned_fixture.config.username = "me";
    kt_canned_fixture.config.password = "hunter2";
    traced[0] = '\0';
    assert_int_equal(kt_api_fixture_get(&kt_canned_fixture, "/api/v1/namespaces/a/secrets/b"), 0);
    assert_non_null(strstr(traced, "Authorization: <masked>"));
    assert_non_null(strstr(traced, "Set-Cookie: <masked>"));
    assert_non_null(strstr(traced, "Response body: <masked>"));
    assert_null(strstr(traced, "aGVsbG8"));
    assert_null(strstr(traced, "abc"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kt_canned_set_up, kt_canned_tear_down)
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
