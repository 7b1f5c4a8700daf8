/* SPDX-License-Identifier: Apache-2.0 */
/* From a kubeconfig, flags or a pod to one server and one user. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "kube/server_address.h"
#include "tests/lib/kubeconfig_fixture.h"
/* --- flags ----------------------------------------------------------------------------------------------------------
 */

static void test_flags_stand_above_the_file(void **state KT_UNUSED)
{
    static const char *const groups[] = {"g", NULL};
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k",
                        "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u, namespace: ns0}}]\n"
                        "clusters: [{name: c, cluster: {server: 'https://c', tls-server-name: c.example,"
                        " certificate-authority-data: " CA_BASE64 "}}, {name: d, cluster: {server: 'https://d'}}]\n"
                        "users: [{name: u, user: {client-certificate-data: " CERT_BASE64
                        ", client-key-data: " KEY_BASE64 "}}, {name: v, user: {tokenFile: /token}}]\n");
    kt_fixture_add_file("/token", "from-file");
    kt_fixture_add_file("/f.crt", CERT_PEM "flag");
    kt_fixture_add_file("/f.key", KEY_PEM "flag");
    struct kt_config_overrides flags = {.server = "https://e:1",
                                        .as = "jane",
                                        .as_uid = "1",
                                        .as_groups = groups,
                                        .namespace_ = "flag-ns",
                                        .client_certificate = "/f.crt",
                                        .client_key = "/f.key",
                                        .request_timeout = "5"};
    struct kt_config config = kt_fixture_resolve(&flags);
    assert_string_equal(config.server, "https://e:1");
    assert_string_equal(config.tls_server_name, ""); /* belongs to another address */
    kt_fixture_expect_text(config.ca_pem, CA_PEM);
    kt_fixture_expect_text(config.client_key_pem, KEY_PEM "flag");
    assert_string_equal(config.namespace_, "flag-ns");
    assert_string_equal(config.impersonation.user, "jane");
    assert_string_equal(config.impersonation.groups[0], "g");
    assert_int_equal(config.request_timeout_ms, 5000);

    flags = (struct kt_config_overrides){.insecure_skip_tls_verify = true, .request_timeout = "1m30s"};
    config = kt_fixture_resolve(&flags);
    assert_true(config.insecure_skip_tls_verify);
    assert_int_equal(config.ca_pem.length, 0);
    assert_string_equal(config.tls_server_name, "c.example");
    assert_int_equal(config.request_timeout_ms, 90000);

    flags = (struct kt_config_overrides){.cluster = "d", .user = "v", .request_timeout = "0"};
    config = kt_fixture_resolve(&flags);
    assert_string_equal(config.server, "https://d:443");
    assert_string_equal(config.token, "from-file");
    assert_int_equal(config.request_timeout_ms, KT_REQUEST_TIMEOUT_NONE);

    flags = (struct kt_config_overrides){.user = "v", .token = "typed", .tls_server_name = "other"};
    config = kt_fixture_resolve(&flags);
    assert_string_equal(config.token, "typed");
    assert_string_equal(config.token_file, "");
    assert_string_equal(config.tls_server_name, "other");

    flags = (struct kt_config_overrides){.request_timeout = "soon"};
    kt_fixture_expect(&flags, KT_EINVAL, "--request-timeout=soon");
    flags.request_timeout = "-3s";
    kt_fixture_expect(&flags, KT_EINVAL, "--request-timeout=-3s");
}

static void test_names_that_do_not_exist(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file(
        "/k", "current-context: kind-b\ncontexts: [{name: kind-a, context: {cluster: c, user: ghost}}, "
              "{name: minikube, context: {cluster: nope}}]\n"
              "clusters: [{name: c, cluster: {server: 'https://c'}}]\nusers: [{name: admin, user: {token: t}}]\n");
    kt_fixture_expect(NULL, KT_ENOTFOUND,
                      "context \"kind-b\" (current-context) does not exist in /k; the contexts there "
                      "are: kind-a, minikube; did you mean \"kind-a\"?");
    struct kt_config_overrides flags = {.context = "minicube"};
    kt_fixture_expect(&flags, KT_ENOTFOUND, "context \"minicube\" (--context) does not exist");
    kt_fixture_expect(&flags, KT_ENOTFOUND, "did you mean \"minikube\"?");
    flags = (struct kt_config_overrides){.context = "minikube"};
    kt_fixture_expect(&flags, KT_ENOTFOUND, "cluster \"nope\" (named by the context) does not exist");
    flags = (struct kt_config_overrides){.context = "kind-a", .cluster = "d"};
    kt_fixture_expect(&flags, KT_ENOTFOUND, "cluster \"d\" (--cluster) does not exist");
    flags = (struct kt_config_overrides){.context = "kind-a", .user = "admn"};
    kt_fixture_expect(&flags, KT_ENOTFOUND, "did you mean \"admin\"?");
    /* A user that the context names but nobody has: client-go goes on without credentials, and so do we. */
    flags = (struct kt_config_overrides){.context = "kind-a"};
    struct kt_config config = kt_fixture_resolve(&flags);
    assert_string_equal(config.token, "");
    assert_string_equal(config.user_source, "user \"ghost\", which is not in /k");
    flags.token = "typed";
    assert_string_equal(kt_fixture_resolve(&flags).user_source, "the flag --token");
    /* An address on the command line makes up for a cluster that is not there. */
    flags = (struct kt_config_overrides){.context = "minikube", .server = "https://s"};
    assert_string_equal(kt_fixture_resolve(&flags).server, "https://s:443");
}

static void test_many_names_are_not_all_listed(void **state KT_UNUSED)
{
    static char text[4096];
    size_t length = (size_t)snprintf(text, sizeof(text), "current-context: none\ncontexts:\n");
    for (int i = 0; i < 60; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "- {name: ctx-%03d, context: {}}\n", i);
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k", text);
    kt_fixture_expect(NULL, KT_ENOTFOUND, "ctx-009 and 50 more");
}

/* --- contradictions -------------------------------------------------------------------------------------------------
 */

static void test_contradictions_in_a_cluster(void **state KT_UNUSED)
{
    static const struct {
        const char *cluster;
        const char *words;
    } cases[] = {
        {"{}", "has no server"},
        {"{server: 'https://c', certificate-authority: /ca, certificate-authority-data: " CA_BASE64 "}",
         "both certificate-authority and certificate-authority-data"},
        {"{server: 'https://c', insecure-skip-tls-verify: true, certificate-authority-data: " CA_BASE64 "}",
         "both insecure-skip-tls-verify and"},
        {"{server: 'https://c', proxy-url: 'ftp://p'}", "proxy-url"},
        {"{server: 'ftp://c'}", "neither https:// nor http://"},
        {"{server: 'https://'}", "has no host"},
        {"{server: 'https://c:99999'}", "port"},
        {"{server: 'https://me:pw@c'}", "holds a user name"},
        {"{server: 'https://c/ x'}", "characters"},
        {"{server: 'c/path'}", "path but no scheme"},
        {"{server: 'https://[::1'}", "has no host"},
    };
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k", "");
    kt_fixture_add_file("/ca", CA_PEM);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: %s}]",
                 cases[i].cluster);
        kt_fixture.fake.files[0].text = text;
        kt_fixture_expect(NULL, KT_EINVAL, cases[i].words);
        assert_null(strstr(kt_fixture.error.message, ":pw@")); /* no secrets in messages */
    }
}

static void test_contradictions_of_a_user(void **state KT_UNUSED)
{
#define EXEC "exec: {apiVersion: client.authentication.k8s.io/v1, "
    static const struct {
        const char *user;
        const char *words;
        int code;
    } cases[] = {
        {"{client-certificate-data: " CERT_BASE64 "}", "no client-key", KT_EINVAL},
        {"{client-certificate: /c, client-certificate-data: " CERT_BASE64 ", client-key-data: " KEY_BASE64 "}",
         "both client-certificate and", KT_EINVAL},
        {"{client-certificate-data: " CERT_BASE64 ", client-key: /k, client-key-data: " KEY_BASE64 "}",
         "both client-key and", KT_EINVAL},
        {"{client-certificate: /none, client-key: /none}", "/none: No such file", KT_ENOTFOUND},
        {"{client-certificate: /closed, client-key: /closed}", "/closed: Permission denied", KT_EFORBIDDEN},
        {"{client-certificate: /empty, client-key-data: " KEY_BASE64 "}", "is empty", KT_EAUTH},
        {"{client-certificate-data: " KEY_BASE64 ", client-key-data: " CERT_BASE64 "}", "holds no PEM text", KT_EPARSE},
        {"{token: t, username: u}", "both a token and a user name", KT_EINVAL},
        {"{tokenFile: /none}", "tokenFile of user \"u\"", KT_ENOTFOUND},
        {"{tokenFile: /empty}", "/empty is empty", KT_EAUTH},
        {"{as-groups: [g]}", "impersonates", KT_EINVAL},
        {"{as-uid: '1'}", "impersonates", KT_EINVAL},
        {"{as-user-extra: {a: [b]}}", "impersonates", KT_EINVAL},
        {"{" EXEC "interactiveMode: Never}}", "without a command", KT_EINVAL},
        {"{exec: {command: x, interactiveMode: Never}}", "without an apiVersion", KT_EINVAL},
        {"{" EXEC "command: x}}", "without an interactiveMode", KT_EINVAL},
        {"{" EXEC "command: x, interactiveMode: Sometimes}}", "unknown interactiveMode", KT_EINVAL},
        {"{" EXEC "command: x, interactiveMode: Never, env: [{value: v}]}}", "no name", KT_EINVAL},
        {"{auth-provider: {name: oidc}, " EXEC "command: x, interactiveMode: Never}}", "both exec and", KT_EINVAL},
        {"{auth-provider: {name: gcp}}", "auth-provider \"gcp\", which is not supported", KT_EAUTH},
    };
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k", "");
    kt_fixture_add_file("/empty", "");
    kt_fixture_add_file("/closed", NULL);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        char text[2048];
        snprintf(text, sizeof(text),
                 "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                 "clusters: [{name: c, cluster: {server: 'https://c'}}]\nusers: [{name: u, user: %s}]",
                 cases[i].user);
        kt_fixture.fake.files[0].text = text;
        kt_fixture_expect(NULL, cases[i].code, cases[i].words);
    }
}

static void test_credentials_are_for_tls_only(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k", SIMPLE("http://localhost:8080", "secret"));
    struct kt_config config = kt_fixture_resolve(NULL);
    assert_string_equal(config.server, "http://localhost:8080");
    assert_string_equal(config.token, "");
    /* As client-go: an address without a scheme is http. */
    struct kt_config_overrides flags = {.server = "10.0.0.1:8001"};
    config = kt_fixture_resolve(&flags);
    assert_string_equal(config.server, "http://10.0.0.1:8001");
    assert_string_equal(config.token, "");
}

static void test_an_exec_plugin_comes_last(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k", "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                              "clusters: [{name: c, cluster: {server: 'https://c'}}]\n"
                              "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x,"
                              " interactiveMode: Never}}}]");
    assert_non_null(kt_fixture_resolve(NULL).exec);
    struct kt_config_overrides flags = {.token = "typed"};
    assert_null(kt_fixture_resolve(&flags).exec);
}

/* --- in a pod -------------------------------------------------------------------------------------------------------
 */

#define FOLDER "/var/run/secrets/kubernetes.io/serviceaccount/"

static void become_a_pod(void)
{
    kt_fixture_add_variable("KUBERNETES_SERVICE_HOST=10.0.0.1");
    kt_fixture_add_variable("KUBERNETES_SERVICE_PORT=443");
    kt_fixture_add_file(FOLDER "token", "pod-token\n");
    kt_fixture_add_file(FOLDER "ca.crt", CA_PEM);
    kt_fixture_add_file(FOLDER "namespace", "kaito-workspace\n");
}

static void test_a_pod_uses_its_service_account(void **state KT_UNUSED)
{
    become_a_pod();
    struct kt_config config = kt_fixture_resolve(NULL);
    assert_true(config.in_cluster);
    assert_string_equal(config.server, "https://10.0.0.1:443");
    assert_string_equal(config.token, "pod-token");
    assert_string_equal(config.token_file, FOLDER "token");
    kt_fixture_expect_text(config.ca_pem, CA_PEM);
    assert_string_equal(config.namespace_, "kaito-workspace");
    assert_true(config.namespace_is_set);

    struct kt_config_overrides flags = {.token = "typed", .server = "https://other", .as = "jane", .namespace_ = "n"};
    config = kt_fixture_resolve(&flags);
    assert_string_equal(config.server, "https://other:443");
    assert_string_equal(config.token, "typed");
    assert_string_equal(config.token_file, "");
    assert_string_equal(config.namespace_, "n");

    flags = (struct kt_config_overrides){.as = "jane", .request_timeout = "3"};
    config = kt_fixture_resolve(&flags);
    assert_string_equal(config.impersonation.user, "jane");
    assert_string_equal(config.token, "pod-token");
    assert_int_equal(config.request_timeout_ms, 3000);

    kt_fixture.fake.variables[0] = "KUBERNETES_SERVICE_HOST=fd00::1";
    assert_string_equal(kt_fixture_resolve(NULL).server, "https://[fd00::1]:443");
    kt_fixture_add_variable("POD_NAMESPACE=by-variable");
    assert_string_equal(kt_fixture_resolve(NULL).namespace_, "by-variable");
}

static void test_a_kubeconfig_wins_over_the_pod(void **state KT_UNUSED)
{
    become_a_pod();
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k", "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
                              "clusters: [{name: c, cluster: {server: 'https://c'}}]");
    struct kt_config config = kt_fixture_resolve(NULL);
    assert_string_equal(config.server, "https://c:443");
    assert_false(config.in_cluster);
    assert_string_equal(config.namespace_, "kaito-workspace"); /* as client-go, when the context sets none */
}

static void test_half_a_pod_is_none(void **state KT_UNUSED)
{
    become_a_pod();
    kt_fixture.fake.variables[1] = NULL;
    kt_fixture_expect(NULL, KT_ENOTFOUND, "no cluster is configured");
    struct kt_config config;
    assert_int_equal(kt_config_in_cluster(&kt_fixture.arena, &kt_fixture.fake.environment, &config, &kt_fixture.error),
                     KT_ENOTFOUND);
    assert_non_null(strstr(kt_fixture.error.message, "KUBERNETES_SERVICE_HOST"));
    kt_fixture.fake.variables[1] = "KUBERNETES_SERVICE_PORT=443";
    kt_fixture.fake.files[0].path = "/elsewhere";
    kt_fixture_expect(NULL, KT_ENOTFOUND, "no cluster is configured");
    assert_int_equal(kt_config_in_cluster(&kt_fixture.arena, &kt_fixture.fake.environment, &config, &kt_fixture.error),
                     KT_ENOTFOUND);
    assert_non_null(strstr(kt_fixture.error.message, "serviceaccount/token"));
}

/* --- addresses and proxies ------------------------------------------------------------------------------------------
 */

static void test_addresses(void **state KT_UNUSED)
{
    static const char *const cases[][2] = {
        {"https://a", "https://a:443"},
        {"https://a/", "https://a:443"},
        {"https://A:6443", "https://A:6443"},
        {"HTTPS://a", "https://a:443"},
        {"http://a", "http://a:80"},
        {"a", "http://a:80"},
        {"a:8080", "http://a:8080"},
        {"a/", "http://a:80"},
        {"https://[::1]:6443", "https://[::1]:6443"},
        {"https://[fe80::1]", "https://[fe80::1]:443"},
        {"https://a/b/c//", "https://a:443/b/c"},
        {"https://a/b?x=1#y", "https://a:443/b"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct kt_server_address address;
        if (kt_server_address_parse(&kt_fixture.arena, cases[i][0], &address, &kt_fixture.error) != 0)
            fail_msg("%s: %s", cases[i][0], kt_fixture.error.message);
        assert_string_equal(address.url, cases[i][1]);
    }
    static const char *const refused[] = {
        "",     "https://",           "https://:443",     "https://a:b",   "https://a:0", "https://a b", "https://a\"b",
        "://a", "file:///etc/passwd", "https://a:123456", "https://[::1]x"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(refused); i++) {
        struct kt_server_address address;
        assert_int_equal(kt_server_address_parse(&kt_fixture.arena, refused[i], &address, &kt_fixture.error),
                         KT_EINVAL);
        assert_non_null(strstr(kt_fixture.error.message, "https://HOST:PORT"));
    }
    assert_string_equal(kt_config_host_port(&kt_fixture.arena, "https://a/b"), "a:443");
    assert_string_equal(kt_config_host_port(&kt_fixture.arena, "x y"), "");
}

static void test_proxies_from_the_environment(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_variable("https_proxy=http://lower:1");
    kt_fixture_add_variable("NO_PROXY=.local");
    kt_fixture_add_file("/k", SIMPLE("https://c", ""));
    struct kt_config config = kt_fixture_resolve(NULL);
    assert_string_equal(config.proxy_url, "http://lower:1");
    assert_string_equal(config.no_proxy, ".local");
    kt_fixture_add_variable("HTTPS_PROXY=http://upper:2");
    assert_string_equal(kt_fixture_resolve(NULL).proxy_url, "http://upper:2");
    struct kt_config_overrides flags = {.server = "http://c"};
    assert_string_equal(kt_fixture_resolve(&flags).proxy_url, "");
    static const char *const loopback[] = {"https://localhost:6443", "https://127.8.8.8", "https://[::1]"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(loopback); i++) {
        flags.server = loopback[i];
        assert_string_equal(kt_fixture_resolve(&flags).proxy_url, "");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kt_fixture_set_up, kt_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_flags_stand_above_the_file),
        TEST(test_names_that_do_not_exist),
        TEST(test_many_names_are_not_all_listed),
        TEST(test_contradictions_in_a_cluster),
        TEST(test_contradictions_of_a_user),
        TEST(test_credentials_are_for_tls_only),
        TEST(test_an_exec_plugin_comes_last),
        TEST(test_a_pod_uses_its_service_account),
        TEST(test_a_kubeconfig_wins_over_the_pod),
        TEST(test_half_a_pod_is_none),
        TEST(test_addresses),
        TEST(test_proxies_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
