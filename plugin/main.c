/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubectl-kaito: called by kubectl as `kubectl kaito ...`. Under the name kubectl_complete-kaito (a symbolic link) it
 * answers kubectl's questions for completion.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "kube/program_start.h"
#include "plugin/command.h"
#include "plugin/complete.h"

/* Bytes that do not arrive are a failure, except when the reader has gone away: then end as other programs of a
 * pipeline do. */
static int close_output(const struct kt_app *app, int code)
{
    errno = 0;
    int reason = fflush(app->out) != 0 && errno != 0 ? errno : 0;
    if (app->write_errno != 0)
        reason = app->write_errno;
    if (reason == 0 && !ferror(app->out))
        return code;
    if (reason == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    fprintf(app->err, "error: cannot write to standard output: %s\n", strerror(reason ? reason : EIO));
    int fault = app->command && app->command->fault_exit_code ? app->command->fault_exit_code : KT_EXIT_ERROR;
    return code > fault ? code : fault;
}

static bool called_for_completion(const char *name)
{
    const char *slash = name ? strrchr(name, '/') : NULL;
    return name && kt_streq(slash ? slash + 1 : name, KT_COMPLETE_PROGRAM);
}

int main(int argc, char **argv)
{
    /* A server that closes the connection must not end the program without a word; output has its own check. */
    signal(SIGPIPE, SIG_IGN);
    struct kt_error error;
    if (kt_program_start(&error) != 0) {
        fprintf(stderr, "error: %s\n", error.message);
        return KT_EXIT_ERROR;
    }
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    const struct kt_environment environment = {
        .variables = (const char *const *)environ,
        .files = &kt_files_system,
        .clock = &kt_clock_system,
        .stdin_is_terminal = isatty(STDIN_FILENO) == 1,
    };
    struct kt_app app = {.arena = &arena, .environment = &environment, .out = stdout, .err = stderr};
    kt_terminal_init(&app.out_terminal, STDOUT_FILENO, &environment);
    kt_terminal_init(&app.err_terminal, STDERR_FILENO, &environment);
    int code;
    if (called_for_completion(argv[0]))
        code = kt_complete_run(&app, argc - 1, argv + 1);
    else if (argc > 1 && kt_streq(argv[1], KT_COMPLETE_COMMAND))
        code = kt_complete_run(&app, argc - 2, argv + 2);
    else
        code = kt_app_run(&app, argc, argv);
    return close_output(&app, code);
}
