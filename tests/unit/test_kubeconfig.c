/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "kube/config.h"
#include "kube/server_address.h"
#include "tests/lib/fake_environment.h"

static struct kt_arena arena;
static struct kt_fake_environment fake;
static struct kt_error error;

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    fake = (struct kt_fake_environment){0};
    error = (struct kt_error){0};
    kt_fake_environment(&fake);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

#define CA_PEM "-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n"
#define CERT_PEM "-----BEGIN CERTIFICATE-----\nme\n-----END CERTIFICATE-----\n"
#define KEY_PEM "-----BEGIN PRIVATE KEY-----\nme\n-----END PRIVATE KEY-----\n"
/* The same in base64. */
#define CA_BASE64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmNhCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K"
#define CERT_BASE64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCm1lCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K"
#define KEY_BASE64 "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCm1lCi0tLS0tRU5EIFBSSVZBVEUgS0VZLS0tLS0K"

#define SIMPLE(server, token)                                    \
    "apiVersion: v1\nkind: Config\ncurrent-context: here\n"      \
    "clusters: [{name: c, cluster: {server: \"" server "\"}}]\n" \
    "users: [{name: u, user: {token: \"" token "\"}}]\n"         \
    "contexts: [{name: here, context: {cluster: c, user: u, namespace: ns1}}]\n"

static void add_file(const char *path, const char *text)
{
    for (size_t i = 0; i + 1 < KT_ARRAY_LENGTH(fake.files); i++)
        if (!fake.files[i].path) {
            fake.files[i] = (struct kt_fake_file){path, text};
            return;
        }
    fail_msg("too many files");
}

static void add_variable(const char *entry)
{
    for (size_t i = 0; i + 1 < KT_ARRAY_LENGTH(fake.variables); i++)
        if (!fake.variables[i]) {
            fake.variables[i] = entry;
            return;
        }
    fail_msg("too many variables");
}

static struct kt_config resolve(const struct kt_config_overrides *overrides)
{
    struct kt_config config;
    if (kt_config_resolve(&arena, &fake.environment, overrides, &config, &error) != 0)
        fail_msg("%s", error.message);
    return config;
}

static void assert_refused(const struct kt_config_overrides *overrides, int code, const char *words)
{
    struct kt_config config;
    error = (struct kt_error){0};
    assert_int_equal(kt_config_resolve(&arena, &fake.environment, overrides, &config, &error), code);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not hold \"%s\"", error.message, words);
}

static void assert_text(struct kt_str text, const char *wanted)
{
    assert_int_equal(text.length, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.length);
}

/* --- which files ----------------------------------------------------------------------------------------------------
 */

static void test_the_home_folder_is_the_default(void **state KT_UNUSED)
{
    add_variable("HOME=/home/a");
    add_file("/home/a/.kube/config", SIMPLE("https://a:6443", "t"));
    struct kt_config config = resolve(NULL);
    assert_string_equal(config.server, "https://a:6443");
    assert_string_equal(config.token, "t");
    assert_string_equal(config.namespace_, "ns1");
    assert_true(config.namespace_is_set);
    assert_string_equal(config.context, "here");
    assert_string_equal(config.source, "context \"here\" of /home/a/.kube/config");
    assert_string_equal(config.user_source, "user \"u\" of /home/a/.kube/config");
    assert_false(config.in_cluster);
}

static void test_the_flag_names_one_file_that_must_exist(void **state KT_UNUSED)
{
    add_variable("HOME=/home/a");
    add_variable("KUBECONFIG=/other");
    add_file("/home/a/.kube/config", SIMPLE("https://home", ""));
    add_file("/other", SIMPLE("https://variable", ""));
    add_file("/mine", SIMPLE("https://flag", ""));
    struct kt_config_overrides flags = {.kubeconfig = "/mine"};
    assert_string_equal(resolve(&flags).server, "https://flag:443");
    flags.kubeconfig = "/nowhere";
    assert_refused(&flags, KT_ENOTFOUND, "/nowhere: No such file or directory; check the flag --kubeconfig");
    add_file("/closed", NULL);
    flags.kubeconfig = "/closed";
    assert_refused(&flags, KT_EFORBIDDEN, "/closed: Permission denied");
}

static void test_missing_files_of_the_variable_are_skipped(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/gone::/a:/a:/b:");
    add_file("/a", "current-context: cb\nclusters: [{name: c, cluster: {server: 'https://first'}}]\n"
                   "users: [{name: u, user: {token: first}}]\n");
    add_file("/b", "current-context: ignored\nclusters: [{name: c, cluster: {server: 'https://second', "
                   "tls-server-name: second}}, {name: d, cluster: {server: 'https://d'}}]\n"
                   "users: [{name: u, user: {token: second, username: also}}]\n"
                   "contexts: [{name: cb, context: {cluster: c, user: u}}, {name: cd, context: {cluster: d}}]\n");
    struct kt_config config = resolve(NULL);
    /* The first file wins with the whole entry: nothing of the second file's cluster c or user u gets in. */
    assert_string_equal(config.server, "https://first:443");
    assert_string_equal(config.tls_server_name, "");
    assert_string_equal(config.token, "first");
    assert_string_equal(config.username, "");
    assert_string_equal(config.source, "context \"cb\" of /b");
    struct kt_config_overrides flags = {.context = "cd"};
    assert_string_equal(resolve(&flags).server, "https://d:443");

    struct kt_kubeconfig kubeconfig;
    assert_int_equal(kt_kubeconfig_load(&arena, &fake.environment, NULL, &kubeconfig, &error), 0);
    assert_int_equal(kubeconfig.read_count, 2);
    assert_string_equal(kubeconfig.paths[0], "/gone");
    assert_string_equal(kubeconfig.paths[2], "/b");
    assert_null(kubeconfig.paths[3]);
}

static void test_an_unreadable_or_broken_file_of_the_variable_is_an_error(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/a:/b");
    add_file("/a", SIMPLE("https://a", ""));
    add_file("/b", NULL);
    assert_refused(NULL, KT_EFORBIDDEN, "/b: Permission denied");
    fake.files[1].text = "clusters: [";
    assert_refused(NULL, KT_EPARSE, "cannot read kubeconfig /b");
}

static void test_an_empty_variable_counts_for_nothing(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=");
    add_variable("HOME=/h");
    add_file("/h/.kube/config", SIMPLE("https://home", ""));
    assert_string_equal(resolve(NULL).server, "https://home:443");
}

static void test_no_configuration_at_all(void **state KT_UNUSED)
{
    assert_refused(NULL, KT_ENOTFOUND, "no cluster is configured");
    add_variable("HOME=/h");
    assert_refused(NULL, KT_ENOTFOUND, "/h/.kube/config");
    add_file("/h/.kube/config", "");
    assert_refused(NULL, KT_ENOTFOUND, "sets no current-context");
    fake.files[0].text = "# only a comment\n";
    assert_refused(NULL, KT_ENOTFOUND, "sets no current-context");
    fake.files[0].text = "contexts: [{name: a, context: {}}, {name: b, context: {}}]";
    assert_refused(NULL, KT_ENOTFOUND, "the contexts there are: a, b");
    struct kt_config_overrides flags = {.context = "a"};
    assert_refused(&flags, KT_ENOTFOUND, "context \"a\" of /h/.kube/config names none");
    /* An address is all that is needed. */
    flags = (struct kt_config_overrides){.server = "https://1.2.3.4:6443"};
    assert_string_equal(resolve(&flags).server, "https://1.2.3.4:6443");
}

/* --- fields ---------------------------------------------------------------------------------------------------------
 */

static void test_every_field(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/k/config");
    add_file("/k/config", "apiVersion: v1\nkind: Config\npreferences: {}\ncurrent-context: x\n"
                          "clusters:\n"
                          "- name: c\n"
                          "  cluster:\n"
                          "    server: https://10.0.0.1:6443/prefix/\n"
                          "    tls-server-name: api.example.org\n"
                          "    certificate-authority-data: " CA_BASE64 "\n"
                          "    proxy-url: socks5://proxy:1080\n"
                          "    disable-compression: true\n"
                          "    extensions:\n"
                          "    - {name: other, extension: {a: 1}}\n"
                          "    - {name: client.authentication.k8s.io/exec, extension: {audience: me}}\n"
                          "users:\n"
                          "- name: cert\n"
                          "  user:\n"
                          "    client-certificate-data: " CERT_BASE64 "\n"
                          "    client-key-data: " KEY_BASE64 "\n"
                          "    as: jane\n"
                          "    as-uid: u-1\n"
                          "    as-groups: [g1, g2]\n"
                          "    as-user-extra: {reason: [a, b]}\n"
                          "- name: basic\n"
                          "  user: {username: me, password: secret}\n"
                          "- name: exec\n"
                          "  user:\n"
                          "    exec:\n"
                          "      apiVersion: client.authentication.k8s.io/v1\n"
                          "      command: ./bin/login\n"
                          "      args: [--a, 'b c']\n"
                          "      env: [{name: A, value: B}]\n"
                          "      installHint: get it\n"
                          "      provideClusterInfo: true\n"
                          "      interactiveMode: Never\n"
                          "contexts:\n"
                          "- name: x\n"
                          "  context: {cluster: c, user: cert, namespace: team-a}\n");
    struct kt_config config = resolve(NULL);
    assert_string_equal(config.server, "https://10.0.0.1:6443/prefix");
    assert_string_equal(config.tls_server_name, "api.example.org");
    assert_string_equal(config.proxy_url, "socks5://proxy:1080");
    assert_true(config.disable_compression);
    assert_text(config.ca_pem, CA_PEM);
    assert_text(config.client_certificate_pem, CERT_PEM);
    assert_text(config.client_key_pem, KEY_PEM);
    assert_string_equal(config.impersonation.user, "jane");
    assert_string_equal(config.impersonation.uid, "u-1");
    assert_string_equal(config.impersonation.groups[1], "g2");
    assert_null(config.impersonation.groups[2]);
    assert_int_equal(config.impersonation.extra_count, 1);
    assert_string_equal(config.impersonation.extra[0].key, "reason");
    assert_string_equal(config.impersonation.extra[0].values[1], "b");
    assert_string_equal(config.namespace_, "team-a");
    assert_null(config.exec);

    struct kt_config_overrides flags = {.user = "basic"};
    config = resolve(&flags);
    assert_string_equal(config.username, "me");
    assert_string_equal(config.password, "secret");
    assert_int_equal(config.client_key_pem.length, 0);

    flags.user = "exec";
    config = resolve(&flags);
    assert_string_equal(config.exec->api_version, "client.authentication.k8s.io/v1");
    assert_string_equal(config.exec->command, "/k/bin/login");
    assert_string_equal(config.exec->arguments[1], "b c");
    assert_null(config.exec->arguments[2]);
    assert_string_equal(config.exec->variables[0].value, "B");
    assert_string_equal(config.exec->install_hint, "get it");
    assert_true(config.exec->provide_cluster_info);
    assert_string_equal(kt_json_string(kt_json_get(config.exec_cluster_config, "audience")), "me");
}

static void test_relative_paths_belong_to_their_own_file(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/a/one:/b/two");
    add_file("/a/one", "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                       "clusters: [{name: c, cluster: {server: 'https://c', certificate-authority: pki/ca.crt}}]\n");
    add_file("/b/two", "users: [{name: u, user: {client-certificate: me.crt, client-key: ../keys/me.key}},"
                       " {name: t, user: {tokenFile: token}},"
                       " {name: e, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: login}}}]");
    add_file("/a/pki/ca.crt", CA_PEM);
    add_file("/b/me.crt", CERT_PEM);
    add_file("/b/../keys/me.key", KEY_PEM);
    add_file("/b/token", "  tok \n");
    struct kt_config config = resolve(NULL);
    assert_text(config.ca_pem, CA_PEM);
    assert_text(config.client_key_pem, KEY_PEM);
    struct kt_config_overrides flags = {.user = "t"};
    config = resolve(&flags);
    assert_string_equal(config.token_file, "/b/token");
    assert_string_equal(config.token, "tok");
    /* A command without a slash is looked up in PATH; the beta does not demand an interactiveMode. */
    flags.user = "e";
    config = resolve(&flags);
    assert_string_equal(config.exec->command, "login");
    assert_string_equal(config.exec->interactive_mode, "IfAvailable");
    /* Flags are relative to the working directory. */
    add_file("flag.crt", CA_PEM);
    flags = (struct kt_config_overrides){.user = "t", .certificate_authority = "flag.crt"};
    assert_text(resolve(&flags).ca_pem, CA_PEM);
}

static void test_a_kubeconfig_without_a_folder(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=config");
    add_file("config", "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
                       "clusters: [{name: c, cluster: {server: 'https://c', certificate-authority: ca.crt}}]\n");
    add_file("ca.crt", CA_PEM);
    assert_text(resolve(NULL).ca_pem, CA_PEM);
}

static void test_json_is_yaml_and_unknown_fields_are_ignored(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/k");
    add_file("/k", "{\"current-context\":\"x\",\"new\":1,\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\","
                   "\"color\":\"red\"}}],\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://c\","
                   "\"certificate-authority\":null}}],\"users\":null}");
    assert_string_equal(resolve(NULL).server, "https://c:443");
}

/* --- flags ----------------------------------------------------------------------------------------------------------
 */

static void test_flags_stand_above_the_file(void **state KT_UNUSED)
{
    static const char *const groups[] = {"g", NULL};
    add_variable("KUBECONFIG=/k");
    add_file("/k", "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u, namespace: ns0}}]\n"
                   "clusters: [{name: c, cluster: {server: 'https://c', tls-server-name: c.example,"
                   " certificate-authority-data: " CA_BASE64 "}}, {name: d, cluster: {server: 'https://d'}}]\n"
                   "users: [{name: u, user: {client-certificate-data: " CERT_BASE64 ", client-key-data: " KEY_BASE64
                   "}}, {name: v, user: {tokenFile: /token}}]\n");
    add_file("/token", "from-file");
    add_file("/f.crt", CERT_PEM "flag");
    add_file("/f.key", KEY_PEM "flag");
    struct kt_config_overrides flags = {.server = "https://e:1",
                                        .as = "jane",
                                        .as_uid = "1",
                                        .as_groups = groups,
                                        .namespace_ = "flag-ns",
                                        .client_certificate = "/f.crt",
                                        .client_key = "/f.key",
                                        .request_timeout = "5"};
    struct kt_config config = resolve(&flags);
    assert_string_equal(config.server, "https://e:1");
    assert_string_equal(config.tls_server_name, ""); /* belongs to another address */
    assert_text(config.ca_pem, CA_PEM);
    assert_text(config.client_key_pem, KEY_PEM "flag");
    assert_string_equal(config.namespace_, "flag-ns");
    assert_string_equal(config.impersonation.user, "jane");
    assert_string_equal(config.impersonation.groups[0], "g");
    assert_int_equal(config.request_timeout_ms, 5000);

    flags = (struct kt_config_overrides){.insecure_skip_tls_verify = true, .request_timeout = "1m30s"};
    config = resolve(&flags);
    assert_true(config.insecure_skip_tls_verify);
    assert_int_equal(config.ca_pem.length, 0);
    assert_string_equal(config.tls_server_name, "c.example");
    assert_int_equal(config.request_timeout_ms, 90000);

    flags = (struct kt_config_overrides){.cluster = "d", .user = "v", .request_timeout = "0"};
    config = resolve(&flags);
    assert_string_equal(config.server, "https://d:443");
    assert_string_equal(config.token, "from-file");
    assert_int_equal(config.request_timeout_ms, KT_REQUEST_TIMEOUT_NONE);

    flags = (struct kt_config_overrides){.user = "v", .token = "typed", .tls_server_name = "other"};
    config = resolve(&flags);
    assert_string_equal(config.token, "typed");
    assert_string_equal(config.token_file, "");
    assert_string_equal(config.tls_server_name, "other");

    flags = (struct kt_config_overrides){.request_timeout = "soon"};
    assert_refused(&flags, KT_EINVAL, "--request-timeout=soon");
    flags.request_timeout = "-3s";
    assert_refused(&flags, KT_EINVAL, "--request-timeout=-3s");
}

static void test_names_that_do_not_exist(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/k");
    add_file("/k", "current-context: kind-b\ncontexts: [{name: kind-a, context: {cluster: c, user: ghost}}, "
                   "{name: minikube, context: {cluster: nope}}]\n"
                   "clusters: [{name: c, cluster: {server: 'https://c'}}]\nusers: [{name: admin, user: {token: t}}]\n");
    assert_refused(NULL, KT_ENOTFOUND,
                   "context \"kind-b\" (current-context) does not exist in /k; the contexts there "
                   "are: kind-a, minikube; did you mean \"kind-a\"?");
    struct kt_config_overrides flags = {.context = "minicube"};
    assert_refused(&flags, KT_ENOTFOUND, "context \"minicube\" (--context) does not exist");
    assert_refused(&flags, KT_ENOTFOUND, "did you mean \"minikube\"?");
    flags = (struct kt_config_overrides){.context = "minikube"};
    assert_refused(&flags, KT_ENOTFOUND, "cluster \"nope\" (named by the context) does not exist");
    flags = (struct kt_config_overrides){.context = "kind-a", .cluster = "d"};
    assert_refused(&flags, KT_ENOTFOUND, "cluster \"d\" (--cluster) does not exist");
    flags = (struct kt_config_overrides){.context = "kind-a", .user = "admn"};
    assert_refused(&flags, KT_ENOTFOUND, "did you mean \"admin\"?");
    /* A user that the context names but nobody has: client-go goes on without credentials, and so do we. */
    flags = (struct kt_config_overrides){.context = "kind-a"};
    struct kt_config config = resolve(&flags);
    assert_string_equal(config.token, "");
    assert_string_equal(config.user_source, "user \"ghost\", which is not in /k");
    /* An address on the command line makes up for a cluster that is not there. */
    flags = (struct kt_config_overrides){.context = "minikube", .server = "https://s"};
    assert_string_equal(resolve(&flags).server, "https://s:443");
}

static void test_many_names_are_not_all_listed(void **state KT_UNUSED)
{
    static char text[4096];
    size_t length = (size_t)snprintf(text, sizeof(text), "current-context: none\ncontexts:\n");
    for (int i = 0; i < 60; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "- {name: ctx-%03d, context: {}}\n", i);
    add_variable("KUBECONFIG=/k");
    add_file("/k", text);
    assert_refused(NULL, KT_ENOTFOUND, "ctx-009 and 50 more");
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
    add_variable("KUBECONFIG=/k");
    add_file("/k", "");
    add_file("/ca", CA_PEM);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: %s}]",
                 cases[i].cluster);
        fake.files[0].text = text;
        assert_refused(NULL, KT_EINVAL, cases[i].words);
        assert_null(strstr(error.message, ":pw@")); /* no secrets in messages */
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
    add_variable("KUBECONFIG=/k");
    add_file("/k", "");
    add_file("/empty", "");
    add_file("/closed", NULL);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        char text[2048];
        snprintf(text, sizeof(text),
                 "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                 "clusters: [{name: c, cluster: {server: 'https://c'}}]\nusers: [{name: u, user: %s}]",
                 cases[i].user);
        fake.files[0].text = text;
        assert_refused(NULL, cases[i].code, cases[i].words);
    }
}

static void test_credentials_are_for_tls_only(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/k");
    add_file("/k", SIMPLE("http://localhost:8080", "secret"));
    struct kt_config config = resolve(NULL);
    assert_string_equal(config.server, "http://localhost:8080");
    assert_string_equal(config.token, "");
    /* As client-go: an address without a scheme is http. */
    struct kt_config_overrides flags = {.server = "10.0.0.1:8001"};
    config = resolve(&flags);
    assert_string_equal(config.server, "http://10.0.0.1:8001");
    assert_string_equal(config.token, "");
}

static void test_an_exec_plugin_comes_last(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/k");
    add_file("/k", "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                   "clusters: [{name: c, cluster: {server: 'https://c'}}]\n"
                   "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x,"
                   " interactiveMode: Never}}}]");
    assert_non_null(resolve(NULL).exec);
    struct kt_config_overrides flags = {.token = "typed"};
    assert_null(resolve(&flags).exec);
}

/* --- wrong text -----------------------------------------------------------------------------------------------------
 */

static void test_wrong_kinds_name_the_place(void **state KT_UNUSED)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"just text", "holds string where an object is expected"},
        {"[]", "holds array where"},
        {"kind: Pod", "it is a Pod of v1, not a Config"},
        {"apiVersion: v2", "it is a Config of v2"},
        {"current-context: 12", "current-context must be text, not integer; put it in quotes"},
        {"clusters: {}", "clusters must be a list, not object"},
        {"clusters: [1]", "clusters[0] must be an object, not integer"},
        {"clusters: [{name: a}, {name: 7}]", "clusters[1].name must be text, not integer; put it in quotes"},
        {"clusters: [{name: a, cluster: x}]", "clusters[0].cluster must be an object, not string"},
        {"clusters: [{cluster: {server: 1}}]", "clusters[0].cluster.server must be text, not integer"},
        {"clusters: [{cluster: {insecure-skip-tls-verify: 'yes'}}]",
         "clusters[0].cluster.insecure-skip-tls-verify must be true or false, not string"},
        {"clusters: [{cluster: {certificate-authority-data: '###'}}]",
         "clusters[0].cluster.certificate-authority-data"},
        {"users: [{user: {token: 123}}]", "users[0].user.token must be text, not integer; put it in quotes"},
        {"users: [{user: {as-groups: g}}]", "users[0].user.as-groups must be a list, not string"},
        {"users: [{user: {as-groups: [1]}}]", "users[0].user.as-groups must be a list of text, not integer"},
        {"users: [{user: {as-user-extra: {a: b}}}]", "users[0].user.as-user-extra must be a list"},
        {"users: [{user: {exec: {args: [1]}}}]", "users[0].user.exec.args must be a list of text"},
        {"users: [{user: {exec: {env: [x]}}}]", "users[0].user.exec.env must be"},
        {"users: [{user: {exec: []}}]", "users[0].user.exec must be an object"},
        {"users: [{name: a, user: {}}, {name: a, user: {}}]", "users has two entries named \"a\""},
        {"contexts: [{context: {namespace: 5}}]", "contexts[0].context.namespace must be text"},
        {"a: b: c", "/k"},
        {"\x01\x02", "/k"},
        {"a: \xff\xfe", "/k"},
        {"\tx: 1", "/k"},
    };
    add_variable("KUBECONFIG=/k");
    add_file("/k", "");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        fake.files[0].text = cases[i].text;
        assert_refused(NULL, KT_EPARSE, cases[i].words);
        assert_non_null(strstr(error.message, "/k"));
    }
}

static void test_limits(void **state KT_UNUSED)
{
    static char text[KT_LIMIT_KUBECONFIG_BYTES + 2];
    add_variable("KUBECONFIG=/k");
    memset(text, '#', sizeof(text) - 1);
    add_file("/k", text);
    assert_refused(NULL, KT_ELIMIT, "/k");
    size_t length = (size_t)snprintf(text, sizeof(text), "users:\n");
    for (size_t i = 0; i <= KT_LIMIT_KUBECONFIG_ENTRIES; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "- name: n%zu\n", i);
    assert_refused(NULL, KT_ELIMIT, "users has more than 4000 entries");
    memset(text, '\0', sizeof(text));
    length = (size_t)snprintf(text, sizeof(text), "KUBECONFIG=");
    for (size_t i = 0; i <= KT_LIMIT_KUBECONFIG_FILES; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "/%zu:", i);
    fake.variables[0] = text;
    assert_refused(NULL, KT_ELIMIT, "lists more than 64 files");
}

static void test_memory_that_runs_out(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/k");
    add_file("/k", SIMPLE("https://a:6443", "t"));
    size_t failures = 0;
    for (size_t limit = 0; limit < 64 * 1024; limit += 61) {
        struct kt_config config;
        KT_CLEANUP(kt_arena_release) struct kt_arena small;
        kt_arena_init(&small, limit);
        int code = kt_config_resolve(&small, &fake.environment, NULL, &config, &error);
        if (code == 0) {
            assert_string_equal(config.token, "t");
            assert_true(failures > 0);
            return;
        }
        assert_true(code == KT_ENOMEM || code == KT_ELIMIT);
        failures++;
    }
    fail_msg("never enough memory");
}

/* --- in a pod -------------------------------------------------------------------------------------------------------
 */

#define FOLDER "/var/run/secrets/kubernetes.io/serviceaccount/"

static void become_a_pod(void)
{
    add_variable("KUBERNETES_SERVICE_HOST=10.0.0.1");
    add_variable("KUBERNETES_SERVICE_PORT=443");
    add_file(FOLDER "token", "pod-token\n");
    add_file(FOLDER "ca.crt", CA_PEM);
    add_file(FOLDER "namespace", "kaito-workspace\n");
}

static void test_a_pod_uses_its_service_account(void **state KT_UNUSED)
{
    become_a_pod();
    struct kt_config config = resolve(NULL);
    assert_true(config.in_cluster);
    assert_string_equal(config.server, "https://10.0.0.1:443");
    assert_string_equal(config.token, "pod-token");
    assert_string_equal(config.token_file, FOLDER "token");
    assert_text(config.ca_pem, CA_PEM);
    assert_string_equal(config.namespace_, "kaito-workspace");
    assert_true(config.namespace_is_set);

    struct kt_config_overrides flags = {.token = "typed", .server = "https://other", .as = "jane", .namespace_ = "n"};
    config = resolve(&flags);
    assert_string_equal(config.server, "https://other:443");
    assert_string_equal(config.token, "typed");
    assert_string_equal(config.token_file, "");
    assert_string_equal(config.namespace_, "n");

    flags = (struct kt_config_overrides){.as = "jane", .request_timeout = "3"};
    config = resolve(&flags);
    assert_string_equal(config.impersonation.user, "jane");
    assert_string_equal(config.token, "pod-token");
    assert_int_equal(config.request_timeout_ms, 3000);

    fake.variables[0] = "KUBERNETES_SERVICE_HOST=fd00::1";
    assert_string_equal(resolve(NULL).server, "https://[fd00::1]:443");
    add_variable("POD_NAMESPACE=by-variable");
    assert_string_equal(resolve(NULL).namespace_, "by-variable");
}

static void test_a_kubeconfig_wins_over_the_pod(void **state KT_UNUSED)
{
    become_a_pod();
    add_variable("KUBECONFIG=/k");
    add_file("/k", "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
                   "clusters: [{name: c, cluster: {server: 'https://c'}}]");
    struct kt_config config = resolve(NULL);
    assert_string_equal(config.server, "https://c:443");
    assert_false(config.in_cluster);
    assert_string_equal(config.namespace_, "kaito-workspace"); /* as client-go, when the context sets none */
}

static void test_half_a_pod_is_none(void **state KT_UNUSED)
{
    become_a_pod();
    fake.variables[1] = NULL;
    assert_refused(NULL, KT_ENOTFOUND, "no cluster is configured");
    struct kt_config config;
    assert_int_equal(kt_config_in_cluster(&arena, &fake.environment, &config, &error), KT_ENOTFOUND);
    assert_non_null(strstr(error.message, "KUBERNETES_SERVICE_HOST"));
    fake.variables[1] = "KUBERNETES_SERVICE_PORT=443";
    fake.files[0].path = "/elsewhere";
    assert_refused(NULL, KT_ENOTFOUND, "no cluster is configured");
    assert_int_equal(kt_config_in_cluster(&arena, &fake.environment, &config, &error), KT_ENOTFOUND);
    assert_non_null(strstr(error.message, "serviceaccount/token"));
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
        if (kt_server_address_parse(&arena, cases[i][0], &address, &error) != 0)
            fail_msg("%s: %s", cases[i][0], error.message);
        assert_string_equal(address.url, cases[i][1]);
    }
    static const char *const refused[] = {
        "",     "https://",           "https://:443",     "https://a:b",   "https://a:0", "https://a b", "https://a\"b",
        "://a", "file:///etc/passwd", "https://a:123456", "https://[::1]x"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(refused); i++) {
        struct kt_server_address address;
        assert_int_equal(kt_server_address_parse(&arena, refused[i], &address, &error), KT_EINVAL);
        assert_non_null(strstr(error.message, "https://HOST:PORT"));
    }
    assert_string_equal(kt_config_host_port(&arena, "https://a/b"), "a:443");
    assert_string_equal(kt_config_host_port(&arena, "x y"), "");
}

static void test_proxies_from_the_environment(void **state KT_UNUSED)
{
    add_variable("KUBECONFIG=/k");
    add_variable("https_proxy=http://lower:1");
    add_variable("NO_PROXY=.local");
    add_file("/k", SIMPLE("https://c", ""));
    struct kt_config config = resolve(NULL);
    assert_string_equal(config.proxy_url, "http://lower:1");
    assert_string_equal(config.no_proxy, ".local");
    add_variable("HTTPS_PROXY=http://upper:2");
    assert_string_equal(resolve(NULL).proxy_url, "http://upper:2");
    struct kt_config_overrides flags = {.server = "http://c"};
    assert_string_equal(resolve(&flags).proxy_url, "");
    static const char *const loopback[] = {"https://localhost:6443", "https://127.8.8.8", "https://[::1]"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(loopback); i++) {
        flags.server = loopback[i];
        assert_string_equal(resolve(&flags).proxy_url, "");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_home_folder_is_the_default),
        TEST(test_the_flag_names_one_file_that_must_exist),
        TEST(test_missing_files_of_the_variable_are_skipped),
        TEST(test_an_unreadable_or_broken_file_of_the_variable_is_an_error),
        TEST(test_an_empty_variable_counts_for_nothing),
        TEST(test_no_configuration_at_all),
        TEST(test_every_field),
        TEST(test_relative_paths_belong_to_their_own_file),
        TEST(test_a_kubeconfig_without_a_folder),
        TEST(test_json_is_yaml_and_unknown_fields_are_ignored),
        TEST(test_flags_stand_above_the_file),
        TEST(test_names_that_do_not_exist),
        TEST(test_many_names_are_not_all_listed),
        TEST(test_contradictions_in_a_cluster),
        TEST(test_contradictions_of_a_user),
        TEST(test_credentials_are_for_tls_only),
        TEST(test_an_exec_plugin_comes_last),
        TEST(test_wrong_kinds_name_the_place),
        TEST(test_limits),
        TEST(test_memory_that_runs_out),
        TEST(test_a_pod_uses_its_service_account),
        TEST(test_a_kubeconfig_wins_over_the_pod),
        TEST(test_half_a_pod_is_none),
        TEST(test_addresses),
        TEST(test_proxies_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
