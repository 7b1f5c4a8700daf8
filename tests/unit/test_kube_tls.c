/* SPDX-License-Identifier: Apache-2.0 */
/* The client over TLS: whom it trusts, who it says it is, and how it stays logged in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kube/client_internal.h"
#include "tests/lib/api_fixture.h"

#define DAY_MS ((int64_t)86400000)

static struct kt_api_fixture fixture;
static struct kt_arena arena; /* outlives a fixture */
static char folder[64];

/* 200 for the Authorization that the context asks for, 401 otherwise. NULL: everybody is welcome. */
static bool serve_known(void *context, const struct kt_scripted_request *request,
                        struct kt_scripted_connection *connection)
{
    const char *wanted = context;
    const char *shown = kt_scripted_header(request, "Authorization");
    if (!wanted || (shown && strcmp(shown, wanted) == 0))
        return kt_scripted_reply(connection, 200, "", "{\"ok\":true}");
    return kt_scripted_reply(connection, 401, "", "{\"kind\":\"Status\",\"message\":\"Unauthorized\",\"code\":401}");
}

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(16 * KT_MIB));
    snprintf(folder, sizeof(folder), "/tmp/kt-tls-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state KT_UNUSED)
{
    static const char *const names[] = {"token", "login", "count"};
    kt_api_fixture_stop(&fixture);
    kt_arena_release(&arena);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void start(const char *authorization, const struct kt_certificate_pair *certificate)
{
    union {
        const char *in;
        void *out;
    } context = {.in = authorization};
    kt_api_fixture_stop(&fixture);
    kt_api_fixture_start(&fixture, serve_known, context.out, certificate, (struct kt_str){0});
}

static const struct kt_certificate_pair *issue(const char *dns, int64_t from_ms, int64_t until_ms)
{
    const char *names[] = {dns, NULL};
    struct kt_certificate_pair *pair = kt_arena_alloc(&arena, sizeof(*pair));
    int64_t now_ms = kt_clock_wall_ms(&kt_clock_system);
    struct kt_certificate_request request = {
        .dns_names = names, .not_before_ms = now_ms + from_ms, .not_after_ms = now_ms + until_ms};
    struct kt_error error;
    if (kt_certificate_issue(&arena, kt_test_ca(), &request, now_ms, pair, &error) != 0)
        fail_msg("%s", error.message);
    return pair;
}

static struct kt_certificate_pair make_ca(const char *name)
{
    struct kt_certificate_pair ca;
    struct kt_error error;
    if (kt_certificate_make_ca(&arena, name, 30, kt_clock_wall_ms(&kt_clock_system), &ca, &error) != 0)
        fail_msg("%s", error.message);
    return ca;
}

/* --- whom we trust --------------------------------------------------------------------------------------------------
 */

static void test_a_trusted_server(void **state KT_UNUSED)
{
    start(NULL, kt_test_server_certificate());
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(kt_scripted_server_request(fixture.server, 1)->connection, 0);
    assert_string_equal(kt_error_prefix(&fixture.error), "error: ");
}

static void test_an_unknown_authority(void **state KT_UNUSED)
{
    start(NULL, kt_test_server_certificate());
    fixture.config.ca_pem = make_ca("other").certificate_pem;
    kt_api_fixture_expect(&fixture, "/", KT_ETLS,
                          "is signed by an unknown authority; trusted is certificate-authority of cluster \"test\"");
    assert_string_equal(kt_error_prefix(&fixture.error), "");
    /* Of the same name but with another key. */
    kt_api_fixture_renew(&fixture);
    fixture.config.ca_pem = make_ca("scripted-ca").certificate_pem;
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "unknown authority");
    /* Nothing given: what the system trusts, which is not this one. */
    kt_api_fixture_renew(&fixture);
    fixture.config.ca_pem = (struct kt_str){"", 0};
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "trusted is what this system trusts");
    assert_int_equal(kt_scripted_server_count(fixture.server), 0);
}

static void test_another_name(void **state KT_UNUSED)
{
    start(NULL, issue("api.example.org", -DAY_MS, DAY_MS));
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "is made out to other names than 127.0.0.1: DNS:api.example.org");
    assert_int_equal(kt_scripted_server_count(fixture.server), 0);
    /* The server is told and checked by the name that the config gives it. */
    kt_api_fixture_renew(&fixture);
    fixture.config.tls_server_name = "api.example.org";
    assert_int_equal(kt_api_fixture_get(&fixture, "/x"), 0);
    char host[64];
    snprintf(host, sizeof(host), "127.0.0.1:%d", kt_scripted_server_port(fixture.server));
    assert_string_equal(kt_scripted_header(kt_scripted_server_request(fixture.server, 0), "Host"), host);
    kt_api_fixture_renew(&fixture);
    fixture.config.tls_server_name = "www.example.org";
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "other names than www.example.org");
}

static void test_times(void **state KT_UNUSED)
{
    start(NULL, issue("127.0.0.1.example", -2 * DAY_MS, -DAY_MS));
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "has expired; renew it, or check this machine's clock");
    start(NULL, issue("127.0.0.1.example", DAY_MS, 2 * DAY_MS));
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "is not valid yet; check this machine's clock");
}

static void test_a_client_certificate_is_none_for_servers(void **state KT_UNUSED)
{
    struct kt_certificate_pair pair;
    struct kt_error error;
    const char *ip[] = {"127.0.0.1", NULL};
    struct kt_certificate_request request = {.common_name = "x", .ip_addresses = ip, .days = 1, .client = true};
    assert_int_equal(
        kt_certificate_issue(&arena, kt_test_ca(), &request, kt_clock_wall_ms(&kt_clock_system), &pair, &error), 0);
    start(NULL, &pair);
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "is not one for servers");
}

static void test_no_verification_on_demand(void **state KT_UNUSED)
{
    start(NULL, issue("other.example", -2 * DAY_MS, -DAY_MS));
    fixture.config.ca_pem = (struct kt_str){"", 0};
    fixture.config.insecure_skip_tls_verify = true;
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
}

static void test_a_ca_that_cannot_be_read(void **state KT_UNUSED)
{
    start(NULL, kt_test_server_certificate());
    fixture.config.ca_pem = KT_STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "holds no readable certificate");
}

static void test_the_wrong_protocol(void **state KT_UNUSED)
{
    char address[64];
    start(NULL, NULL);
    snprintf(address, sizeof(address), "https://127.0.0.1:%d", kt_scripted_server_port(fixture.server));
    fixture.config.server = address;
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "does not speak TLS; should its address begin with http://?");
    start(NULL, kt_test_server_certificate());
    snprintf(address, sizeof(address), "http://127.0.0.1:%d", kt_scripted_server_port(fixture.server));
    fixture.config.server = address;
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), KT_EUNAVAILABLE);
}

/* --- who we are -----------------------------------------------------------------------------------------------------
 */

static struct kt_certificate_pair issue_client(const struct kt_certificate_pair *ca)
{
    struct kt_certificate_pair pair;
    struct kt_error error;
    struct kt_certificate_request request = {.common_name = "jane", .organization = "g", .days = 1, .client = true};
    if (kt_certificate_issue(&arena, ca, &request, kt_clock_wall_ms(&kt_clock_system), &pair, &error) != 0)
        fail_msg("%s", error.message);
    return pair;
}

static void test_client_certificates(void **state KT_UNUSED)
{
    struct kt_certificate_pair clients = make_ca("clients"), strangers = make_ca("strangers");
    struct kt_certificate_pair jane = issue_client(&clients), stranger = issue_client(&strangers);
    kt_api_fixture_start(&fixture, serve_known, NULL, kt_test_server_certificate(), clients.certificate_pem);
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "does not accept the client certificate of user \"u\" of /k");
    fixture.config.client_certificate_pem = stranger.certificate_pem;
    fixture.config.client_key_pem = stranger.key_pem;
    kt_api_fixture_renew(&fixture);
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "does not accept the client certificate");
    fixture.config.client_certificate_pem = jane.certificate_pem;
    kt_api_fixture_renew(&fixture);
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "belong together");
    fixture.config.client_key_pem = jane.key_pem;
    kt_api_fixture_renew(&fixture);
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    fixture.config.client_key_pem = KT_STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    kt_api_fixture_renew(&fixture);
    kt_api_fixture_expect(&fixture, "/", KT_ETLS, "belong together");
}

static void test_tokens_and_passwords(void **state KT_UNUSED)
{
    start("Bearer abc", kt_test_server_certificate());
    fixture.config.token = "abc";
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    start("Basic bWU6c2VjcmV0OmhlcmU=", kt_test_server_certificate());
    fixture.config.username = "me";
    fixture.config.password = "secret:here";
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    fixture.config.password = "wrong";
    kt_api_fixture_renew(&fixture);
    kt_api_fixture_expect(&fixture, "/", KT_EAUTH, "does not accept the credentials of user \"u\"");
    assert_null(strstr(fixture.error.message, "wrong:"));
    /* A line feed would end the header and begin another. */
    fixture.config.token = "abc\r\nX-Evil: 1";
    kt_api_fixture_renew(&fixture);
    kt_api_fixture_expect(&fixture, "/", KT_EINVAL, "Authorization holds a control character");
    assert_null(strstr(fixture.error.message, "abc"));
}

static void test_impersonation(void **state KT_UNUSED)
{
    static const char *const groups[] = {"g1", "g2", NULL}, *const values[] = {"v1", "v2", NULL};
    static const struct kt_impersonation_extra extra[] = {{"Reason/odd key%", values}};
    start(NULL, NULL);
    fixture.config.impersonation = (struct kt_impersonation){"jane", "u-1", groups, extra, 1};
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    const struct kt_scripted_request *request = kt_scripted_server_request(fixture.server, 0);
    assert_string_equal(kt_scripted_header(request, "Impersonate-User"), "jane");
    assert_string_equal(kt_scripted_header(request, "Impersonate-Uid"), "u-1");
    assert_non_null(strstr(request->headers, "Impersonate-Group: g1\r\nImpersonate-Group: g2\r\n"));
    assert_non_null(strstr(request->headers, "Impersonate-Extra-Reason%2Fodd%20key%25: v1\r\n"));
    assert_non_null(strstr(request->headers, "Impersonate-Extra-Reason%2Fodd%20key%25: v2\r\n"));
}

/* --- staying logged in ----------------------------------------------------------------------------------------------
 */

static const char *write_file(const char *name, const char *text)
{
    const char *path = kt_arena_printf(&arena, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void test_a_token_file_that_changes(void **state KT_UNUSED)
{
    start("Bearer new", kt_test_server_certificate());
    fixture.config.token = "first";
    fixture.config.token_file = write_file("token", "old\n");
    kt_api_fixture_expect(&fixture, "/", KT_EAUTH, "does not accept");
    assert_int_equal(kt_scripted_server_count(fixture.server), 1); /* the same token again would be pointless */
    assert_string_equal(kt_scripted_header(kt_scripted_server_request(fixture.server, 0), "Authorization"),
                        "Bearer old");
    /* Kubernetes replaces the file: after the refusal it is read at once, not only when its minute is over. */
    write_file("token", " new \n");
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(kt_scripted_server_count(fixture.server), 3);
    /* While it cannot be read or is empty, what is known goes on. */
    write_file("token", "");
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    fixture.client->credentials.read_ms -= KT_TOKEN_FILE_PERIOD_MS;
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    write_file("token", "new");
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    write_file("token", "third");
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0); /* the minute is not over */
    fixture.client->credentials.read_ms -= KT_TOKEN_FILE_PERIOD_MS;
    kt_api_fixture_expect(&fixture, "/", KT_EAUTH, "does not accept");
}

static const char *const no_arguments[] = {NULL};
static struct kt_exec_config plugin;
static const char *plugin_variables[4];

/* A plugin whose n-th run gives the token token-n, with the rest of the status as given. */
static void use_plugin(const char *rest_of_status)
{
    const char *count = write_file("count", "0");
    const char *script =
        kt_arena_printf(&arena,
                        "#!/bin/sh\nn=$(($(cat %s) + 1))\necho $n >%s\n"
                        "printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
                        "\"status\":{\"token\":\"token-%%s\"%s}}' $n\n",
                        count, count, rest_of_status);
    const char *path = write_file("login", script);
    assert_int_equal(chmod(path, 0700), 0);
    plugin = (struct kt_exec_config){.api_version = "client.authentication.k8s.io/v1",
                                     .command = path,
                                     .arguments = no_arguments,
                                     .install_hint = "",
                                     .interactive_mode = "Never"};
    plugin_variables[0] = "PATH=/usr/bin:/bin";
    fixture.environment.variables = plugin_variables;
    fixture.config.exec = &plugin;
}

static void test_a_plugin_is_run_once(void **state KT_UNUSED)
{
    start("Bearer token-1", kt_test_server_certificate());
    use_plugin("");
    for (int i = 0; i < 3; i++)
        assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
}

static void test_a_plugin_is_run_again_after_a_refusal(void **state KT_UNUSED)
{
    start("Bearer token-2", kt_test_server_certificate());
    use_plugin("");
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(kt_scripted_server_count(fixture.server), 2);
    /* But only once a request. */
    start("Bearer token-9", kt_test_server_certificate());
    use_plugin("");
    kt_api_fixture_expect(&fixture, "/", KT_EAUTH, "does not accept the credentials");
    assert_int_equal(kt_scripted_server_count(fixture.server), 2);
}

static void test_a_plugin_is_run_again_after_its_expiry(void **state KT_UNUSED)
{
    start(NULL, kt_test_server_certificate());
    use_plugin(",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"");
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    assert_string_equal(kt_scripted_header(kt_scripted_server_request(fixture.server, 1), "Authorization"),
                        "Bearer token-2");
}

static void test_a_plugin_that_fails(void **state KT_UNUSED)
{
    start(NULL, kt_test_server_certificate());
    use_plugin("");
    plugin.command = "/no/such/plugin";
    kt_api_fixture_expect(&fixture, "/", KT_EAUTH, "is not installed");
    assert_int_equal(kt_scripted_server_count(fixture.server), 0);
}

static void test_a_plugin_that_gives_a_certificate(void **state KT_UNUSED)
{
    struct kt_certificate_pair clients = make_ca("clients"), jane = issue_client(&clients);
    kt_api_fixture_start(&fixture, serve_known, NULL, kt_test_server_certificate(), clients.certificate_pem);
    struct kt_strbuf status;
    kt_strbuf_init(&status, &arena, (size_t)KT_MIB);
    kt_strbuf_puts(&status, ",\"clientCertificateData\":");
    kt_json_write_string(&status, jane.certificate_pem);
    kt_strbuf_puts(&status, ",\"clientKeyData\":");
    kt_json_write_string(&status, jane.key_pem);
    /* Twice escaped: once for JSON, once for printf. */
    struct kt_strbuf escaped;
    kt_strbuf_init(&escaped, &arena, (size_t)KT_MIB);
    for (size_t i = 0; i < status.length; i++) {
        if (status.data[i] == '\\')
            kt_strbuf_putc(&escaped, '\\');
        kt_strbuf_putc(&escaped, status.data[i]);
    }
    use_plugin(escaped.data);
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
}

/* --- proxies --------------------------------------------------------------------------------------------------------
 */

static bool serve_as_proxy(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                           struct kt_scripted_connection *connection)
{
    return kt_scripted_reply(connection, 403, "", "{}");
}

static void test_a_proxy_sees_no_credentials(void **state KT_UNUSED)
{
    struct kt_scripted_options options = {.handler = serve_as_proxy};
    struct kt_scripted_server *proxy = kt_scripted_server_start(&options);
    start(NULL, kt_test_server_certificate());
    fixture.config.proxy_url = kt_scripted_server_url(proxy);
    fixture.config.token = "abc";
    assert_true(kt_api_fixture_get(&fixture, "/") < 0);
    const struct kt_scripted_request *request = kt_scripted_server_request(proxy, 0);
    assert_string_equal(request->method, "CONNECT");
    assert_null(kt_scripted_header(request, "Authorization"));
    assert_null(strstr(request->headers, "abc"));
    /* NO_PROXY keeps the address off the proxy. */
    fixture.config.no_proxy = "127.0.0.1";
    kt_api_fixture_renew(&fixture);
    assert_int_equal(kt_api_fixture_get(&fixture, "/"), 0);
    kt_scripted_server_stop(proxy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_trusted_server),
        TEST(test_an_unknown_authority),
        TEST(test_another_name),
        TEST(test_times),
        TEST(test_a_client_certificate_is_none_for_servers),
        TEST(test_no_verification_on_demand),
        TEST(test_a_ca_that_cannot_be_read),
        TEST(test_the_wrong_protocol),
        TEST(test_client_certificates),
        TEST(test_tokens_and_passwords),
        TEST(test_impersonation),
        TEST(test_a_token_file_that_changes),
        TEST(test_a_plugin_is_run_once),
        TEST(test_a_plugin_is_run_again_after_a_refusal),
        TEST(test_a_plugin_is_run_again_after_its_expiry),
        TEST(test_a_plugin_that_fails),
        TEST(test_a_plugin_that_gives_a_certificate),
        TEST(test_a_proxy_sees_no_credentials),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_test_certificates_release();
    kt_client_global_cleanup();
    return failures;
}
