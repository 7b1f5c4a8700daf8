/* SPDX-License-Identifier: Apache-2.0 */
/* How often an exec credential plugin runs: once for all who need it, and by the rules of client-go again. */
#include "tests/lib/cmocka_all.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kube/credential_cache.h"

#define THREADS 6
#define V1 "client.authentication.k8s.io/v1"

static char folder[64], plugin_path[128];
static const char *variables[] = {"PATH=/usr/bin:/bin", NULL};
static const char *const no_arguments[] = {NULL};
static int64_t wall_ms;

static int64_t told_wall_ms(void *context KT_UNUSED)
{
    return wall_ms;
}

static int64_t real_ms(void *context KT_UNUSED)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static const struct kt_clock clock_ = {told_wall_ms, real_ms, NULL};
static struct kt_environment environment = {.variables = variables, .files = &kt_files_system, .clock = &clock_};
static struct kt_exec_config plugin = {.api_version = V1,
                                       .command = plugin_path,
                                       .arguments = no_arguments,
                                       .install_hint = "",
                                       .interactive_mode = "IfAvailable"};
static struct kt_config config = {.server = "https://c:443",
                                  .tls_server_name = "",
                                  .proxy_url = "",
                                  .user_source = "user \"u\" of /k",
                                  .exec = &plugin};
static struct kt_credential_cache *cache;
static struct kt_arena arena;

static const char *in_folder(const char *name)
{
    static _Thread_local char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    snprintf(folder, sizeof(folder), "/tmp/kt-cache-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(plugin_path, sizeof(plugin_path), "%s/plugin", folder);
    cache = kt_credential_cache_new();
    assert_non_null(cache);
    environment.stdin_is_terminal = false;
    wall_ms = INT64_C(1795435200000); /* 2026-11-23T12:00:00Z */
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    static const char *const names[] = {"plugin", "runs", "go"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++)
        unlink(in_folder(names[i]));
    rmdir(folder);
    kt_credential_cache_free(cache);
    kt_arena_release(&arena);
    return 0;
}

/* A plugin that notes its run and then does what the words say. Its token is the number of its run. */
static void write_plugin(const char *before, const char *expiry)
{
    FILE *file = fopen(plugin_path, "we");
    assert_non_null(file);
    fprintf(file,
            "#!/bin/sh\necho run >>%s/runs\n%s\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
            "\",\"status\":{\"token\":\"%%s\"%s}}' \"$(grep -c run %s/runs)\"\n",
            folder, before, expiry, folder);
    assert_int_equal(fchmod(fileno(file), 0700), 0);
    assert_int_equal(fclose(file), 0);
}

static size_t runs(void)
{
    struct kt_str text;
    if (kt_files_system.read(NULL, &arena, in_folder("runs"), 4096, &text, NULL) != 0)
        return 0;
    return text.length / strlen("run\n");
}

static int get(uint64_t known, bool is_refused, struct kt_exec_credential *ret, uint64_t *ret_number,
               struct kt_error *error)
{
    const struct kt_credential_need need = {.environment = &environment,
                                            .config = &config,
                                            .stop_fd = -1,
                                            .deadline_ms = INT64_MAX,
                                            .known = known,
                                            .is_refused = is_refused};
    return kt_credential_cache_get(cache, &arena, &need, ret, ret_number, error);
}

/* The number of the answer; the token must be that of this run. */
static uint64_t expect(uint64_t known, bool is_refused, const char *token)
{
    struct kt_exec_credential credential = {.token = token};
    struct kt_error error;
    uint64_t number = 0;
    if (get(known, is_refused, &credential, &number, &error) != 0)
        fail_msg("%s", error.message);
    assert_string_equal(credential.token, token);
    return number;
}

static void an_answer_serves_until_it_expires(void **state KT_UNUSED)
{
    write_plugin("", ",\"expirationTimestamp\":\"2026-11-23T13:00:00Z\"");
    uint64_t first = expect(0, false, "1");
    assert_true(first != 0);
    assert_int_equal(expect(first, false, "1"), first);
    assert_int_equal(expect(0, false, "1"), first);
    wall_ms += 60 * 60 * 1000 + 1;
    uint64_t second = expect(first, false, "2");
    assert_true(second != first);
    /* One that comes expired is used, once, by who asked for it. */
    assert_true(expect(second, false, "3") != second);
    assert_int_equal(runs(), 3);
}

static void an_answer_without_an_expiry_serves_for_good(void **state KT_UNUSED)
{
    write_plugin("", ",\"expirationTimestamp\":null");
    uint64_t first = expect(0, false, "1");
    wall_ms += INT64_C(1000) * 365 * 24 * 60 * 60 * 1000;
    assert_int_equal(expect(first, false, "1"), first);
    assert_int_equal(runs(), 1);
}

static void a_refusal_runs_it_once_more(void **state KT_UNUSED)
{
    write_plugin("", "");
    uint64_t first = expect(0, false, "1");
    kt_credential_cache_accept(cache, first);
    uint64_t second = expect(first, true, "2");
    /* Another who was refused with the first answer takes the second. */
    assert_int_equal(expect(first, true, "2"), second);
    /* It is refused as well: a third would be no better. */
    assert_int_equal(expect(second, true, "2"), second);
    assert_int_equal(runs(), 2);
    /* It was good for a while: then there may be a better one. */
    kt_credential_cache_accept(cache, first);
    assert_int_equal(expect(second, true, "2"), second);
    kt_credential_cache_accept(cache, second);
    assert_true(expect(second, true, "3") != second);
    assert_int_equal(runs(), 3);
}

static atomic_size_t under_way;
static atomic_int codes[THREADS];

static void *ask(void *context)
{
    struct kt_arena own;
    struct kt_exec_credential credential = {.token = ""};
    struct kt_error error;
    uint64_t number;
    atomic_int *code = context;
    const struct kt_credential_need need = {
        .environment = &environment, .config = &config, .stop_fd = -1, .deadline_ms = INT64_MAX};
    kt_arena_init(&own, (size_t)KT_MIB);
    atomic_fetch_add(&under_way, 1);
    *code = kt_credential_cache_get(cache, &own, &need, &credential, &number, &error);
    if (*code == 0 && !kt_streq(credential.token, "1"))
        *code = 1;
    kt_arena_release(&own);
    return NULL;
}

/* Starts all, and lets the plugin go on when all have asked. */
static void ask_at_once(void)
{
    pthread_t threads[THREADS];
    atomic_store(&under_way, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &codes[i]), 0);
    int64_t end_ms = real_ms(NULL) + 60000;
    while ((atomic_load(&under_way) < THREADS || runs() == 0) && real_ms(NULL) < end_ms)
        usleep(1000);
    close(open(in_folder("go"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void write_waiting_plugin(const char *end)
{
    char words[256];
    snprintf(words, sizeof(words), "until [ -e %s/go ]; do sleep 0.1; done\n%s", folder, end);
    write_plugin(words, "");
}

static void many_who_ask_at_once_share_one_run(void **state KT_UNUSED)
{
    write_waiting_plugin("");
    ask_at_once();
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(codes[i], 0);
    assert_int_equal(runs(), 1);
}

static void they_share_its_failure_too(void **state KT_UNUSED)
{
    struct kt_exec_credential credential;
    uint64_t number;
    write_waiting_plugin("exit 1");
    ask_at_once();
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(codes[i], KT_EAUTH);
    /* One that was slow to get in line may have had a run of its own. */
    size_t before = runs();
    assert_true(before <= 2);
    /* Who comes later tries again. */
    assert_int_equal(get(0, false, &credential, &number, NULL), KT_EAUTH);
    assert_int_equal(runs(), before + 1);
}

static int stop_ends[2];

static void *ask_until_stopped(void *context)
{
    struct kt_arena own;
    struct kt_exec_credential credential;
    uint64_t number;
    atomic_int *code = context;
    const struct kt_credential_need need = {
        .environment = &environment, .config = &config, .stop_fd = stop_ends[0], .deadline_ms = INT64_MAX};
    kt_arena_init(&own, (size_t)KT_MIB);
    *code = kt_credential_cache_get(cache, &own, &need, &credential, &number, NULL);
    kt_arena_release(&own);
    return NULL;
}

/* Ctrl-C, and a time that is up, end the waiting for another's run. */
static void waiting_for_another_can_be_ended(void **state KT_UNUSED)
{
    pthread_t runner;
    struct kt_exec_credential credential;
    struct kt_error error;
    uint64_t number;
    assert_int_equal(pipe2(stop_ends, O_CLOEXEC), 0);
    write_waiting_plugin("");
    assert_int_equal(pthread_create(&runner, NULL, ask_until_stopped, &codes[0]), 0);
    int64_t end_ms = real_ms(NULL) + 60000;
    while (runs() == 0 && real_ms(NULL) < end_ms)
        usleep(1000);
    struct kt_credential_need need = {
        .environment = &environment, .config = &config, .stop_fd = -1, .deadline_ms = real_ms(NULL) + 100};
    assert_int_equal(kt_credential_cache_get(cache, &arena, &need, &credential, &number, &error), KT_ETIMEOUT);
    assert_non_null(strstr(error.message, "has not ended in time"));
    assert_int_equal(write(stop_ends[1], "x", 1), 1);
    need.stop_fd = stop_ends[0];
    need.deadline_ms = INT64_MAX;
    assert_int_equal(kt_credential_cache_get(cache, &arena, &need, &credential, &number, &error), KT_EINTERRUPTED);
    pthread_join(runner, NULL);
    assert_int_equal(codes[0], KT_EINTERRUPTED);
    /* That another was stopped is nothing to us. */
    close(open(in_folder("go"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(get(0, false, &credential, &number, NULL), 0);
    close(stop_ends[0]);
    close(stop_ends[1]);
}

/* A thread that may not ask at the terminal is no measure for the one that may. */
static void who_may_ask_tries_again(void **state KT_UNUSED)
{
    write_plugin("case $KUBERNETES_EXEC_INFO in *'\"interactive\":true'*) ;; *) exit 1 ;; esac", "");
    struct kt_exec_credential credential;
    uint64_t number;
    assert_int_equal(get(0, false, &credential, &number, NULL), KT_EAUTH);
    environment.stdin_is_terminal = true;
    expect(0, false, "2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_serves_until_it_expires), TEST(an_answer_without_an_expiry_serves_for_good),
        TEST(a_refusal_runs_it_once_more),       TEST(many_who_ask_at_once_share_one_run),
        TEST(they_share_its_failure_too),        TEST(waiting_for_another_can_be_ended),
        TEST(who_may_ask_tries_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
