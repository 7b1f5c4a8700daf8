/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are read, what they say, and what they may not say. Choosing from them: test_kube_config.c. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "tests/lib/kubeconfig_fixture.h"
/* --- which files ----------------------------------------------------------------------------------------------------
 */

static void test_the_home_folder_is_the_default(void **state KT_UNUSED)
{
    kt_fixture_add_variable("HOME=/home/a");
    kt_fixture_add_file("/home/a/.kube/config", SIMPLE("https://a:6443", "t"));
    struct kt_config config = kt_fixture_resolve(NULL);
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
    kt_fixture_add_variable("HOME=/home/a");
    kt_fixture_add_variable("KUBECONFIG=/other");
    kt_fixture_add_file("/home/a/.kube/config", SIMPLE("https://home", ""));
    kt_fixture_add_file("/other", SIMPLE("https://variable", ""));
    kt_fixture_add_file("/mine", SIMPLE("https://flag", ""));
    struct kt_config_overrides flags = {.kubeconfig = "/mine"};
    assert_string_equal(kt_fixture_resolve(&flags).server, "https://flag:443");
    flags.kubeconfig = "/nowhere";
    kt_fixture_expect(&flags, KT_ENOTFOUND, "/nowhere: No such file or directory; check the flag --kubeconfig");
    kt_fixture_add_file("/closed", NULL);
    flags.kubeconfig = "/closed";
    kt_fixture_expect(&flags, KT_EFORBIDDEN, "/closed: Permission denied");
}

static void test_missing_files_of_the_variable_are_skipped(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/gone::/a:/a:/b:");
    kt_fixture_add_file("/a", "current-context: cb\nclusters: [{name: c, cluster: {server: 'https://first'}}]\n"
                              "users: [{name: u, user: {token: first}}]\n");
    kt_fixture_add_file("/b",
                        "current-context: ignored\nclusters: [{name: c, cluster: {server: 'https://second', "
                        "tls-server-name: second}}, {name: d, cluster: {server: 'https://d'}}]\n"
                        "users: [{name: u, user: {token: second, username: also}}]\n"
                        "contexts: [{name: cb, context: {cluster: c, user: u}}, {name: cd, context: {cluster: d}}]\n");
    struct kt_config config = kt_fixture_resolve(NULL);
    /* The first file wins with the whole entry: nothing of the second file's cluster c or user u gets in. */
    assert_string_equal(config.server, "https://first:443");
    assert_string_equal(config.tls_server_name, "");
    assert_string_equal(config.token, "first");
    assert_string_equal(config.username, "");
    assert_string_equal(config.source, "context \"cb\" of /b");
    struct kt_config_overrides flags = {.context = "cd"};
    assert_string_equal(kt_fixture_resolve(&flags).server, "https://d:443");

    struct kt_kubeconfig kubeconfig;
    assert_int_equal(
        kt_kubeconfig_load(&kt_fixture.arena, &kt_fixture.fake.environment, NULL, &kubeconfig, &kt_fixture.error), 0);
    assert_int_equal(kubeconfig.read_count, 2);
    assert_string_equal(kubeconfig.paths[0], "/gone");
    assert_string_equal(kubeconfig.paths[2], "/b");
    assert_null(kubeconfig.paths[3]);
}

static void test_an_unreadable_or_broken_file_of_the_variable_is_an_error(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/a:/b");
    kt_fixture_add_file("/a", SIMPLE("https://a", ""));
    kt_fixture_add_file("/b", NULL);
    kt_fixture_expect(NULL, KT_EFORBIDDEN, "/b: Permission denied");
    kt_fixture.fake.files[1].text = "clusters: [";
    kt_fixture_expect(NULL, KT_EPARSE, "cannot read kubeconfig /b");
}

static void test_an_empty_variable_counts_for_nothing(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=");
    kt_fixture_add_variable("HOME=/h");
    kt_fixture_add_file("/h/.kube/config", SIMPLE("https://home", ""));
    assert_string_equal(kt_fixture_resolve(NULL).server, "https://home:443");
}

static void test_no_configuration_at_all(void **state KT_UNUSED)
{
    kt_fixture_expect(NULL, KT_ENOTFOUND, "no cluster is configured");
    kt_fixture_add_variable("HOME=/h");
    kt_fixture_expect(NULL, KT_ENOTFOUND, "/h/.kube/config");
    kt_fixture_add_file("/h/.kube/config", "");
    kt_fixture_expect(NULL, KT_ENOTFOUND, "sets no current-context");
    kt_fixture.fake.files[0].text = "# only a comment\n";
    kt_fixture_expect(NULL, KT_ENOTFOUND, "sets no current-context");
    kt_fixture.fake.files[0].text = "contexts: [{name: a, context: {}}, {name: b, context: {}}]";
    kt_fixture_expect(NULL, KT_ENOTFOUND, "the contexts there are: a, b");
    struct kt_config_overrides flags = {.context = "a"};
    kt_fixture_expect(&flags, KT_ENOTFOUND, "context \"a\" of /h/.kube/config names none");
    /* An address is all that is needed. */
    flags = (struct kt_config_overrides){.server = "https://1.2.3.4:6443"};
    assert_string_equal(kt_fixture_resolve(&flags).server, "https://1.2.3.4:6443");
}

/* --- fields ---------------------------------------------------------------------------------------------------------
 */

static void test_every_field(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/k/config");
    kt_fixture_add_file("/k/config", "apiVersion: v1\nkind: Config\npreferences: {}\ncurrent-context: x\n"
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
    struct kt_config config = kt_fixture_resolve(NULL);
    assert_string_equal(config.server, "https://10.0.0.1:6443/prefix");
    assert_string_equal(config.tls_server_name, "api.example.org");
    assert_string_equal(config.proxy_url, "socks5://proxy:1080");
    assert_true(config.disable_compression);
    kt_fixture_expect_text(config.ca_pem, CA_PEM);
    kt_fixture_expect_text(config.client_certificate_pem, CERT_PEM);
    kt_fixture_expect_text(config.client_key_pem, KEY_PEM);
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
    config = kt_fixture_resolve(&flags);
    assert_string_equal(config.username, "me");
    assert_string_equal(config.password, "secret");
    assert_int_equal(config.client_key_pem.length, 0);

    flags.user = "exec";
    config = kt_fixture_resolve(&flags);
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
    kt_fixture_add_variable("KUBECONFIG=/a/one:/b/two");
    kt_fixture_add_file("/a/one",
                        "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                        "clusters: [{name: c, cluster: {server: 'https://c', certificate-authority: pki/ca.crt}}]\n");
    kt_fixture_add_file(
        "/b/two", "users: [{name: u, user: {client-certificate: me.crt, client-key: ../keys/me.key}},"
                  " {name: t, user: {tokenFile: token}},"
                  " {name: e, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: login}}}]");
    kt_fixture_add_file("/a/pki/ca.crt", CA_PEM);
    kt_fixture_add_file("/b/me.crt", CERT_PEM);
    kt_fixture_add_file("/b/../keys/me.key", KEY_PEM);
    kt_fixture_add_file("/b/token", "  tok \n");
    struct kt_config config = kt_fixture_resolve(NULL);
    kt_fixture_expect_text(config.ca_pem, CA_PEM);
    kt_fixture_expect_text(config.client_key_pem, KEY_PEM);
    struct kt_config_overrides flags = {.user = "t"};
    config = kt_fixture_resolve(&flags);
    assert_string_equal(config.token_file, "/b/token");
    assert_string_equal(config.token, "tok");
    /* A command without a slash is looked up in PATH; the beta does not demand an interactiveMode. */
    flags.user = "e";
    config = kt_fixture_resolve(&flags);
    assert_string_equal(config.exec->command, "login");
    assert_string_equal(config.exec->interactive_mode, "IfAvailable");
    /* Flags are relative to the working directory. */
    kt_fixture_add_file("flag.crt", CA_PEM);
    flags = (struct kt_config_overrides){.user = "t", .certificate_authority = "flag.crt"};
    kt_fixture_expect_text(kt_fixture_resolve(&flags).ca_pem, CA_PEM);
}

static void test_a_kubeconfig_without_a_folder(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=config");
    kt_fixture_add_file("config",
                        "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
                        "clusters: [{name: c, cluster: {server: 'https://c', certificate-authority: ca.crt}}]\n");
    kt_fixture_add_file("ca.crt", CA_PEM);
    kt_fixture_expect_text(kt_fixture_resolve(NULL).ca_pem, CA_PEM);
}

static void test_json_is_yaml_and_unknown_fields_are_ignored(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file(
        "/k", "{\"current-context\":\"x\",\"new\":1,\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\","
              "\"color\":\"red\"}}],\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://c\","
              "\"certificate-authority\":null}}],\"users\":null}");
    assert_string_equal(kt_fixture_resolve(NULL).server, "https://c:443");
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
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k", "");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        kt_fixture.fake.files[0].text = cases[i].text;
        kt_fixture_expect(NULL, KT_EPARSE, cases[i].words);
        assert_non_null(strstr(kt_fixture.error.message, "/k"));
    }
}

static void test_limits(void **state KT_UNUSED)
{
    static char text[KT_LIMIT_KUBECONFIG_BYTES + 2];
    kt_fixture_add_variable("KUBECONFIG=/k");
    memset(text, '#', sizeof(text) - 1);
    kt_fixture_add_file("/k", text);
    kt_fixture_expect(NULL, KT_ELIMIT, "/k");
    size_t length = (size_t)snprintf(text, sizeof(text), "users:\n");
    for (size_t i = 0; i <= KT_LIMIT_KUBECONFIG_ENTRIES; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "- name: n%zu\n", i);
    kt_fixture_expect(NULL, KT_ELIMIT, "users has more than 4000 entries");
    memset(text, '\0', sizeof(text));
    length = (size_t)snprintf(text, sizeof(text), "KUBECONFIG=");
    for (size_t i = 0; i <= KT_LIMIT_KUBECONFIG_FILES; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "/%zu:", i);
    kt_fixture.fake.variables[0] = text;
    kt_fixture_expect(NULL, KT_ELIMIT, "lists more than 64 files");
}

static void test_memory_that_runs_out(void **state KT_UNUSED)
{
    kt_fixture_add_variable("KUBECONFIG=/k");
    kt_fixture_add_file("/k", SIMPLE("https://a:6443", "t"));
    size_t failures = 0;
    for (size_t limit = 0; limit < 64 * 1024; limit += 61) {
        struct kt_config config;
        KT_CLEANUP(kt_arena_release) struct kt_arena small;
        kt_arena_init(&small, limit);
        int code = kt_config_resolve(&small, &kt_fixture.fake.environment, NULL, &config, &kt_fixture.error);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kt_fixture_set_up, kt_fixture_tear_down)
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
        TEST(test_wrong_kinds_name_the_place),
        TEST(test_limits),
        TEST(test_memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
