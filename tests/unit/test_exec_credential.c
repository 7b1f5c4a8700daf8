/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "kube/exec_credential.h"
#include "kube/process.h"
#include "text/base64.h"

#define V1 "client.authentication.k8s.io/v1"
#define V1BETA1 "client.authentication.k8s.io/v1beta1"

static struct kt_arena arena;
static struct kt_error error;
static char folder[64];
static char plugin_path[128];
static const char *variables[8];
static struct kt_environment environment;
static struct kt_exec_config plugin;
static struct kt_config config;
static const char *const no_arguments[] = {NULL};

static void remove_folder(void)
{
    const char *const names[] = {"plugin", "mark", "closed"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    error = (struct kt_error){0};
    snprintf(folder, sizeof(folder), "/tmp/kt-exec-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(plugin_path, sizeof(plugin_path), "%s/plugin", folder);
    memset(variables, 0, sizeof(variables));
    variables[0] = "PATH=/usr/bin:/bin";
    environment = (struct kt_environment){.variables = variables, .files = &kt_files_system, .clock = &kt_clock_system};
    plugin = (struct kt_exec_config){.api_version = V1,
                                     .command = plugin_path,
                                     .arguments = no_arguments,
                                     .install_hint = "",
                                     .interactive_mode = "IfAvailable"};
    config = (struct kt_config){.server = "https://c:443",
                                .tls_server_name = "",
                                .proxy_url = "",
                                .user_source = "user \"u\" of /k",
                                .exec = &plugin};
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    remove_folder();
    kt_arena_release(&arena);
    /* No child may be left, not even a dead one. */
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1;
}

static void write_plugin(const char *script)
{
    FILE *file = fopen(plugin_path, "we");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fchmod(fileno(file), 0700), 0);
    assert_int_equal(fclose(file), 0);
}

/* A plugin whose token is what the shell words print. */
static void write_token_plugin(const char *words)
{
    char script[2048];
    snprintf(script, sizeof(script),
             "token=$(%s)\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
             "\",\"status\":{\"token\":\"%%s\"}}' \"$token\"",
             words);
    write_plugin(script);
}

static void write_status_plugin(const char *status)
{
    char script[2048];
    snprintf(script, sizeof(script),
             "cat <<'END'\n{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":%s}\nEND", status);
    write_plugin(script);
}

static struct kt_exec_credential get(void)
{
    struct kt_exec_credential credential;
    if (kt_exec_credential_get(&arena, &environment, &config, 30000, -1, &credential, &error) != 0)
        fail_msg("%s", error.message);
    return credential;
}

static void assert_refused(int code, const char *words)
{
    struct kt_exec_credential credential;
    error = (struct kt_error){0};
    assert_int_equal(kt_exec_credential_get(&arena, &environment, &config, 30000, -1, &credential, &error), code);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not hold \"%s\"", error.message, words);
}

static void test_a_token(void **state KT_UNUSED)
{
    write_token_plugin("echo abc");
    struct kt_exec_credential credential = get();
    assert_string_equal(credential.token, "abc");
    assert_int_equal(credential.client_key_pem.length, 0);
    assert_true(credential.expires_ms == INT64_MAX);
}

static void test_a_certificate_and_an_expiry(void **state KT_UNUSED)
{
    write_status_plugin("{\"clientCertificateData\":\"CERT\",\"clientKeyData\":\"KEY\","
                        "\"expirationTimestamp\":\"2026-11-23T14:28:00Z\"}");
    struct kt_exec_credential credential = get();
    assert_string_equal(credential.client_certificate_pem.data, "CERT");
    assert_string_equal(credential.client_key_pem.data, "KEY");
    assert_string_equal(credential.token, "");
    assert_int_equal(credential.expires_ms, 1795444080000);
}

static void test_arguments_see_no_shell(void **state KT_UNUSED)
{
    static const char *const arguments[] = {"a b", "$(touch mark)", "; touch mark", "'*", NULL};
    plugin.arguments = arguments;
    write_token_plugin("printf '%s|' \"$@\"");
    assert_string_equal(get().token, "a b|$(touch mark)|; touch mark|'*|");
}

static void test_variables(void **state KT_UNUSED)
{
    static const struct kt_exec_variable own[] = {{"A", "first"}, {"B", "mine"}, {"A", "last"}};
    variables[1] = "B=theirs";
    variables[2] = "C=kept";
    variables[3] = "KUBERNETES_EXEC_INFO=stale";
    plugin.variables = own;
    plugin.variable_count = KT_ARRAY_LENGTH(own);
    write_token_plugin("echo $(env | grep -c '^[ABC]=') $A $B $C");
    assert_string_equal(get().token, "3 last mine kept");
}

/* The value of KUBERNETES_EXEC_INFO that a plugin saw. */
static cJSON *seen_info(void)
{
    write_token_plugin("printf %s \"$KUBERNETES_EXEC_INFO\" | base64 -w0");
    struct kt_str text;
    struct kt_json_parsed parsed;
    assert_int_equal(kt_base64_decode(&arena, kt_str(get().token), &text, &error), 0);
    assert_int_equal(kt_json_parse(&arena, text, KT_JSON_DUPLICATES_REFUSE, &parsed, &error), 0);
    return parsed.root;
}

static void test_the_plugin_is_told_what_it_may_do(void **state KT_UNUSED)
{
    cJSON *info = seen_info();
    assert_string_equal(kt_json_string(kt_json_get(info, "kind")), "ExecCredential");
    assert_string_equal(kt_json_string(kt_json_get(info, "apiVersion")), V1);
    assert_true(kt_json_is_bool(kt_json_path(info, "spec", "interactive", NULL)));
    assert_false(kt_json_true(kt_json_path(info, "spec", "interactive", NULL)));
    assert_null(kt_json_path(info, "spec", "cluster", NULL));

    plugin.provide_cluster_info = true;
    config.ca_pem = KT_STR("ca");
    config.tls_server_name = "name";
    config.proxy_url = "http://p";
    config.insecure_skip_tls_verify = true;
    cJSON *extension = kt_json_new_object(&arena);
    kt_json_set_string(&arena, extension, "audience", "me");
    config.exec_cluster_config = extension;
    const cJSON *cluster = kt_json_path(seen_info(), "spec", "cluster", NULL);
    assert_string_equal(kt_json_string(kt_json_get(cluster, "server")), "https://c:443");
    assert_string_equal(kt_json_string(kt_json_get(cluster, "certificate-authority-data")), "Y2E=");
    assert_string_equal(kt_json_string(kt_json_get(cluster, "tls-server-name")), "name");
    assert_string_equal(kt_json_string(kt_json_get(cluster, "proxy-url")), "http://p");
    assert_true(kt_json_true(kt_json_get(cluster, "insecure-skip-tls-verify")));
    assert_string_equal(kt_json_string(kt_json_path(cluster, "config", "audience", NULL)), "me");
}

static void test_interactive_modes(void **state KT_UNUSED)
{
    environment.stdin_is_terminal = true;
    assert_true(kt_json_true(kt_json_path(seen_info(), "spec", "interactive", NULL)));
    plugin.interactive_mode = "Never";
    assert_false(kt_json_true(kt_json_path(seen_info(), "spec", "interactive", NULL)));
    plugin.interactive_mode = "Always";
    assert_true(kt_json_true(kt_json_path(seen_info(), "spec", "interactive", NULL)));
    environment.stdin_is_terminal = false;
    assert_refused(KT_EAUTH, "must ask on the terminal");
}

static void test_standard_input_is_empty(void **state KT_UNUSED)
{
    write_token_plugin("readlink /proc/self/fd/0");
    assert_string_equal(get().token, "/dev/null");
}

static void test_no_descriptor_leaks(void **state KT_UNUSED)
{
    int extra = dup(0); /* without close-on-exec */
    assert_true(extra > 2);
    /* The shell itself has opened the script, ls its folder: what is above must not be ours. */
    char words[128];
    snprintf(words, sizeof(words), "test -e /proc/self/fd/%d && echo open || echo closed", extra + 20);
    assert_int_equal(dup2(extra, extra + 20), extra + 20);
    write_token_plugin(words);
    assert_string_equal(get().token, "closed");
    close(extra);
    close(extra + 20);
}

static void test_the_command_is_looked_up_in_path(void **state KT_UNUSED)
{
    char path[256];
    snprintf(path, sizeof(path), "PATH=/nowhere::%s:/usr/bin:/bin", folder);
    variables[0] = path;
    plugin.command = "plugin";
    write_token_plugin("echo found");
    assert_string_equal(get().token, "found");
    /* An empty entry means the working directory to a shell; a kubeconfig must not run what lies there. */
    variables[0] = "PATH=:/usr/bin:/bin";
    assert_int_equal(chdir(folder), 0);
    assert_refused(KT_EAUTH, "plugin of user \"u\" of /k is not installed");
    assert_int_equal(chdir("/"), 0);
    variables[0] = NULL;
    assert_refused(KT_EAUTH, "is not installed");
}

static void test_a_plugin_that_is_not_installed(void **state KT_UNUSED)
{
    plugin.command = "no-such-login";
    plugin.install_hint = "Install it \x1b[1mfrom\x1b[0m example.org";
    assert_refused(KT_EAUTH, "no-such-login of user \"u\" of /k is not installed");
    assert_non_null(strstr(error.message, "example.org"));
    assert_null(strchr(error.message, '\x1b'));
    plugin.command = "/no/such/login";
    assert_refused(KT_EAUTH, "/no/such/login of user \"u\" of /k is not installed");
    char closed[128];
    snprintf(closed, sizeof(closed), "%s/closed", folder);
    close(open(closed, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    plugin.command = closed;
    assert_refused(KT_EAUTH, "may not be executed");
}

static void test_a_plugin_that_fails(void **state KT_UNUSED)
{
    write_plugin("exit 3");
    assert_refused(KT_EAUTH, "failed with exit status 3");
    write_plugin("kill -9 $$");
    assert_refused(KT_EAUTH, "ended by signal 9");
}

static void test_bad_answers(void **state KT_UNUSED)
{
    static const struct {
        const char *status;
        const char *words;
    } cases[] = {
        {"null", "without a status"},
        {"[]", "without a status"},
        {"{}", "neither a token nor a client certificate"},
        {"{\"token\":7}", "neither a token nor"},
        {"{\"clientKeyData\":\"k\"}", "only one of"},
        {"{\"token\":\"t\",\"clientCertificateData\":\"c\"}", "only one of"},
        {"{\"token\":\"t\",\"expirationTimestamp\":\"tomorrow\"}", "no time"},
        {"{\"token\":\"t\",\"expirationTimestamp\":12}", "no time"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        write_status_plugin(cases[i].status);
        assert_refused(KT_EAUTH, cases[i].words);
    }
    static const char *const texts[][2] = {
        {":", "printed nothing"},
        {"echo secret-token", "not JSON"},
        {"printf '\\000\\001'", "not JSON"},
        {"echo '{\"kind\":\"Pod\"}'", "no ExecCredential"},
        {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1BETA1 "\"}'", "speaks " V1BETA1},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        write_plugin(texts[i][0]);
        assert_refused(KT_EAUTH, texts[i][1]);
        assert_null(strstr(error.message, "secret-token"));
    }
    plugin.api_version = "client.authentication.k8s.io/v1alpha1";
    assert_refused(KT_EAUTH, "has apiVersion \"client.authentication.k8s.io/v1alpha1\"");
}

static void test_output_has_a_limit(void **state KT_UNUSED)
{
    write_plugin("exec head -c 20000000 /dev/zero");
    assert_refused(KT_ELIMIT, "printed more than 1048576 bytes");
}

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static void test_a_deadline_ends_the_plugin(void **state KT_UNUSED)
{
    struct kt_exec_credential credential;
    int64_t start_ms = now_ms();
    write_plugin("exec sleep 100");
    assert_int_equal(kt_exec_credential_get(&arena, &environment, &config, 200, -1, &credential, &error), KT_ETIMEOUT);
    /* Deaf to the first signal. */
    write_plugin("trap '' TERM\nwhile :; do sleep 1; done");
    assert_int_equal(kt_exec_credential_get(&arena, &environment, &config, 200, -1, &credential, &error), KT_ETIMEOUT);
    assert_true(now_ms() - start_ms < 20000);
}

static void test_the_stop_descriptor_ends_the_plugin(void **state KT_UNUSED)
{
    struct kt_exec_credential credential;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    write_plugin("exec sleep 100");
    assert_int_equal(kt_exec_credential_get(&arena, &environment, &config, 60000, ends[0], &credential, &error),
                     KT_EINTERRUPTED);
    close(ends[0]);
    close(ends[1]);
}

static void test_a_grandchild_is_not_waited_for(void **state KT_UNUSED)
{
    int64_t start_ms = now_ms();
    write_plugin("sleep 5 &\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
                 "\",\"status\":{\"token\":\"t\"}}'");
    assert_string_equal(get().token, "t");
    assert_true(now_ms() - start_ms < 4000);
}

static void test_a_long_answer_arrives_whole(void **state KT_UNUSED)
{
    write_token_plugin("head -c 700000 /dev/zero | tr '\\0' x");
    assert_int_equal(strlen(get().token), 700000);
}

static void test_blocked_signals_do_not_reach_the_child(void **state KT_UNUSED)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    void (*previous)(int) = signal(SIGPIPE, SIG_IGN);
    write_token_plugin("grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\n\\t'");
    struct kt_str seen = kt_str(get().token);
    assert_true(kt_str_starts_with(seen, KT_STR("SigBlk:0000000000000000SigIgn:")));
    assert_true(kt_str_ends_with(seen, KT_STR("0000000"))); /* the C library ignores two of its own above these */
    signal(SIGPIPE, previous);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void test_little_memory(void **state KT_UNUSED)
{
    struct kt_exec_credential credential;
    write_token_plugin("echo abc");
    for (size_t limit = 0; limit < 8192; limit += 512) {
        KT_CLEANUP(kt_arena_release) struct kt_arena small;
        kt_arena_init(&small, limit);
        int code = kt_exec_credential_get(&small, &environment, &config, 30000, -1, &credential, &error);
        assert_true(code == 0 || code == KT_ENOMEM || code == KT_EAUTH);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_token),
        TEST(test_a_certificate_and_an_expiry),
        TEST(test_arguments_see_no_shell),
        TEST(test_variables),
        TEST(test_the_plugin_is_told_what_it_may_do),
        TEST(test_interactive_modes),
        TEST(test_standard_input_is_empty),
        TEST(test_no_descriptor_leaks),
        TEST(test_the_command_is_looked_up_in_path),
        TEST(test_a_plugin_that_is_not_installed),
        TEST(test_a_plugin_that_fails),
        TEST(test_bad_answers),
        TEST(test_output_has_a_limit),
        TEST(test_a_deadline_ends_the_plugin),
        TEST(test_the_stop_descriptor_ends_the_plugin),
        TEST(test_a_grandchild_is_not_waited_for),
        TEST(test_a_long_answer_arrives_whole),
        TEST(test_blocked_signals_do_not_reach_the_child),
        TEST(test_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
