/* SPDX-License-Identifier: Apache-2.0 */
/* A command with an exec credential plugin: however many connections it has, it runs once. */
#include "tests/lib/plugin_run.h"

#include <sys/stat.h>

#include "tests/lib/api_fixture.h"

#define TRAINING "tests/unit/data/plugin/training.yaml"

static struct kt_plugin_run run;
static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(in_folder(name), "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fchmod(fileno(file), mode), 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state KT_UNUSED)
{
    char text[1024];
    snprintf(folder, sizeof(folder), "/tmp/kt-plugin-exec-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(text, sizeof(text),
             "#!/bin/sh\necho run >>%s/runs\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":"
             "\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"t\"}}'\n",
             folder);
    write_file("plugin", text, 0700);
    snprintf(text, sizeof(text),
             "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
             "clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\n"
             "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: %s/plugin,\n"
             "  interactiveMode: IfAvailable}}}]\n",
             folder);
    write_file("config", text, 0600);
    run.server = kt_object_server_start_tls(kt_test_server_certificate());
    kt_object_server_load(run.server, TRAINING);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    static const char *const names[] = {"plugin", "runs", "config"};
    kt_object_server_stop(run.server);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++)
        unlink(in_folder(names[i]));
    rmdir(folder);
    return 0;
}

static size_t take_runs(void)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_str text;
    kt_arena_init(&arena, (size_t)KT_MIB);
    if (kt_files_system.read(NULL, &arena, in_folder("runs"), 4096, &text, NULL) != 0)
        return 0;
    unlink(in_folder("runs"));
    return text.length / strlen("run\n");
}

static void one_run_a_command(void **state KT_UNUSED)
{
    static const struct {
        const char *words;
        int code;
    } cases[] = {
        {"status tune-phi", KT_EXIT_OK},
        {"status", KT_EXIT_OK},
        /* Four watches, a log and the looks. */
        {"wait tune-phi --follow --timeout 2s", KT_EXIT_TIMEOUT},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        char words[256];
        snprintf(words, sizeof(words), "%s --kubeconfig=%s --insecure-skip-tls-verify", cases[i].words,
                 in_folder("config"));
        kt_plugin_run(&run, words);
        kt_plugin_run_expect_code(&run, cases[i].code);
        assert_int_equal(take_runs(), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_run_a_command, set_up, tear_down),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_test_certificates_release();
    return failures;
}
