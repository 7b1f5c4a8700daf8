/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of the plugin in the test's own process against an object server, with a fixed wall clock, and a thread that
 * changes the cluster when the plugin has said certain words. Functions are here and not in a file of their own because
 * only tests of the plugin link it.
 */
#ifndef KT_TESTS_LIB_PLUGIN_RUN_H
#define KT_TESTS_LIB_PLUGIN_RUN_H

#include "tests/lib/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "plugin/command.h"
#include "tests/lib/object_server.h"

/* 2026-11-23T12:00:00Z */
#define KT_PLUGIN_RUN_NOW_MS INT64_C(1795435200000)
#define KT_PLUGIN_RUN_BYTES 65536
/* Longer than anything takes, even under valgrind. */
#define KT_PLUGIN_RUN_DEADLINE_MS 60000

/* Once these words are on standard error, this is done. */
struct kt_plugin_step {
    const char *await;
    const char *kind, *name, *patch; /* as kt_object_server_change; kind NULL: nothing is changed */
    void (*act)(struct kt_object_server *server);
};

struct kt_plugin_run {
    struct kt_object_server *server;
    int code;
    char out[KT_PLUGIN_RUN_BYTES], err[KT_PLUGIN_RUN_BYTES];
    const struct kt_plugin_step *steps;
    size_t step_count;
    bool is_terminal; /* standard error, for this run */
    int err_fd;
    atomic_bool is_over;
    size_t steps_done;
};

static int64_t kt_plugin_run_wall_ms(void *context KT_UNUSED)
{
    return KT_PLUGIN_RUN_NOW_MS;
}

static int64_t kt_plugin_run_monotonic_ms(void *context KT_UNUSED)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static void kt_plugin_run_read(int fd, char text[KT_PLUGIN_RUN_BYTES])
{
    ssize_t length = pread(fd, text, KT_PLUGIN_RUN_BYTES - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
}

static void *kt_plugin_run_steps(void *context)
{
    struct kt_plugin_run *run = context;
    static char text[KT_PLUGIN_RUN_BYTES];
    int64_t deadline_ms = kt_clock_monotonic_ms(&kt_clock_system) + KT_PLUGIN_RUN_DEADLINE_MS;
    for (size_t i = 0; i < run->step_count; i++) {
        const struct kt_plugin_step *step = &run->steps[i];
        for (;;) {
            kt_plugin_run_read(run->err_fd, text);
            if (strstr(text, step->await))
                break;
            if (run->is_over)
                return NULL;
            if (kt_clock_monotonic_ms(&kt_clock_system) > deadline_ms) {
                fprintf(stderr, "never said: %s\nsaid: %s\n", step->await, text);
                abort();
            }
            usleep(2000);
        }
        if (step->kind)
            kt_object_server_change(run->server, step->kind, step->name, step->patch);
        if (step->act)
            step->act(run->server);
        run->steps_done = i + 1;
    }
    return NULL;
}

/* words: the command and its flags, cut at spaces. The test fails when a step was not reached. */
static void kt_plugin_run(struct kt_plugin_run *run, const char *words)
{
    static const char *const plain[] = {"TERM=dumb", NULL}, *const terminal[] = {"TERM=xterm", NULL};
    static const struct kt_clock clock = {kt_plugin_run_wall_ms, kt_plugin_run_monotonic_ms, NULL};
    const struct kt_environment environment = {
        .variables = run->is_terminal ? terminal : plain, .files = &kt_files_system, .clock = &clock};
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    struct kt_app app = {.arena = &arena, .environment = &environment, .out = tmpfile(), .err = tmpfile()};
    assert_non_null(app.out);
    assert_non_null(app.err);
    setvbuf(app.err, NULL, _IONBF, 0);
    app.out_terminal.width = app.err_terminal.width = 100;
    app.err_terminal.is_terminal = run->is_terminal;
    run->err_fd = fileno(app.err);
    run->is_over = false;
    run->steps_done = 0;
    char *argv[64] = {NULL}, *copy = kt_arena_strdup(&arena, words), *word;
    int argc = 0;
    argv[argc++] = kt_arena_strdup(&arena, "kubectl-kaito");
    argv[argc++] = kt_arena_printf(&arena, "--server=%s", kt_object_server_url(run->server));
    while ((word = strsep(&copy, " ")) && argc < 63)
        argv[argc++] = word;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, kt_plugin_run_steps, run), 0);
    run->code = kt_app_run(&app, argc, argv);
    fflush(app.out);
    run->is_over = true;
    pthread_join(thread, NULL);
    kt_plugin_run_read(fileno(app.out), run->out);
    kt_plugin_run_read(run->err_fd, run->err);
    fclose(app.out);
    fclose(app.err);
    if (run->steps_done != run->step_count)
        fail_msg("ended before it said \"%s\"; said:\n%s%s", run->steps[run->steps_done].await, run->err, run->out);
    run->steps = NULL;
    run->is_terminal = false;
    run->step_count = 0;
}

/* The test fails when the text does not hold these words. */
KT_UNUSED static void kt_plugin_run_expect(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("not said: %s\nsaid:\n%s", words, text);
}

KT_UNUSED static void kt_plugin_run_expect_code(const struct kt_plugin_run *run, int code)
{
    if (run->code != code)
        fail_msg("exit code %d, not %d; said:\n%s%s", run->code, code, run->err, run->out);
}

#endif
