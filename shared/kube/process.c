/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strbuf.h"

/* How long a child may take to end after SIGTERM. */
#define GRACE_MS 500
/* How often we look whether the child has ended; its last word on the pipe does not tell, because a grandchild may hold
 * the other end. Right after the pipe has closed we look sooner, for then the end is near. */
#define LOOK_AGAIN_MS 20

struct run {
    const struct kt_clock *clock;
    const struct kt_process *process;
    int64_t deadline_ms;
    pid_t pid;
    int output;   /* read end of the pipe; -1 after its end */
    int pause_ms; /* until the next look */
    struct kt_strbuf text;
    bool reaped;
    int wait_status;
};

static int spawn_error(const struct kt_process *process, int number, struct kt_error *error)
{
    char reason[128];
    enum kt_error_code code = number == ENOENT || number == ENOTDIR  ? KT_ENOTFOUND
                              : number == EACCES                     ? KT_EFORBIDDEN
                              : number == ENOMEM || number == EAGAIN ? KT_ENOMEM
                                                                     : KT_EIO;
    return kt_error_set(error, code, "cannot run %s: %s", process->path, strerror_r(number, reason, sizeof(reason)));
}

static int spawn(const struct kt_process *process, int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigfillset(&defaults);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    int number = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (number == 0 && !process->inherit_stdin)
        number = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (number == 0)
        number = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (number == 0) {
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        number = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    /* posix_spawn wants pointers to char that it does not write through. */
    union {
        const char *const *in;
        char *const *out;
    } arguments = {.in = process->arguments}, variables = {.in = process->variables};
    if (number == 0)
        number = posix_spawn(ret_pid, process->path, &actions, &attributes, arguments.out, variables.out);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

static void reap(struct run *run, int options)
{
    pid_t got;
    do
        got = waitpid(run->pid, &run->wait_status, options);
    while (got < 0 && errno == EINTR);
    if (got != 0)
        run->reaped = true;
}

/* Waits for the child alone, at most timeout_ms. */
static void await_end(struct run *run, int64_t timeout_ms)
{
    int64_t end_ms = kt_clock_monotonic_ms(run->clock) + timeout_ms;
    reap(run, WNOHANG);
    while (!run->reaped && kt_clock_monotonic_ms(run->clock) < end_ms) {
        poll(NULL, 0, LOOK_AGAIN_MS);
        reap(run, WNOHANG);
    }
}

static void end_child(struct run *run)
{
    if (run->reaped)
        return;
    kill(run->pid, SIGTERM);
    await_end(run, GRACE_MS);
    if (run->reaped)
        return;
    kill(run->pid, SIGKILL);
    reap(run, 0);
}

/* Reads what is there. Closes the pipe at its end. */
static int read_output(struct run *run, struct kt_error *error)
{
    char piece[4096];
    for (;;) {
        ssize_t got = read(run->output, piece, sizeof(piece));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return 0;
        if (got <= 0) {
            kt_close_fd(&run->output);
            run->pause_ms = 1;
            return 0;
        }
        if (run->text.length + (size_t)got > run->process->output_limit_bytes)
            return kt_error_set(error, KT_ELIMIT, "%s printed more than %zu bytes", run->process->path,
                                run->process->output_limit_bytes);
        kt_strbuf_add(&run->text, piece, (size_t)got);
        if (run->text.failed)
            return kt_error_set(error, KT_ENOMEM, "not enough memory for the output of %s", run->process->path);
    }
}

/* One wait for whatever comes first; reads output and notices the end. */
static int step(struct run *run, struct kt_error *error)
{
    int64_t left_ms = run->deadline_ms - kt_clock_monotonic_ms(run->clock);
    if (left_ms <= 0)
        return kt_error_set(error, KT_ETIMEOUT, "%s did not end within %lld s", run->process->path,
                            (long long)(run->process->timeout_ms / 1000));
    struct pollfd waits[] = {
        {.fd = run->output, .events = POLLIN},
        {.fd = run->process->stop_fd, .events = POLLIN},
    };
    poll(waits, KT_ARRAY_LENGTH(waits), (int)KT_MIN(left_ms, (int64_t)run->pause_ms));
    run->pause_ms = KT_MIN(2 * run->pause_ms, LOOK_AGAIN_MS);
    if (waits[1].revents != 0)
        return kt_error_set(error, KT_EINTERRUPTED, "%s was ended", run->process->path);
    int code = waits[0].revents != 0 ? read_output(run, error) : 0;
    if (code == 0)
        reap(run, WNOHANG);
    return code;
}

static int follow(struct run *run, struct kt_error *error)
{
    while (!run->reaped) {
        int code = step(run, error);
        if (code != 0)
            return code;
    }
    /* What the child wrote just before it ended. */
    return run->output >= 0 ? read_output(run, error) : 0;
}

int kt_process_run(struct kt_arena *arena, const struct kt_clock *clock, const struct kt_process *process,
                   struct kt_process_result *ret, struct kt_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return spawn_error(process, errno, error);
    KT_CLEANUP(kt_close_fd) int write_end = ends[1];
    struct run run = {
        .clock = clock,
        .process = process,
        .deadline_ms = kt_clock_monotonic_ms(clock) + process->timeout_ms,
        .output = ends[0],
        .pause_ms = LOOK_AGAIN_MS,
    };
    kt_strbuf_init(&run.text, arena, process->output_limit_bytes + 1);
    int number = spawn(process, write_end, &run.pid);
    if (number != 0) {
        kt_close_fd(&run.output);
        return spawn_error(process, number, error);
    }
    kt_close_fd(&write_end);
    /* Only our end must not block: the child expects a plain pipe. */
    fcntl(run.output, F_SETFL, O_NONBLOCK);
    int code = follow(&run, error);
    if (code != 0)
        end_child(&run);
    kt_close_fd(&run.output);
    if (code != 0)
        return code;
    *ret = (struct kt_process_result){
        .output = kt_strbuf_view(&run.text),
        .exit_status = WIFEXITED(run.wait_status) ? WEXITSTATUS(run.wait_status) : -1,
        .signal = WIFSIGNALED(run.wait_status) ? WTERMSIG(run.wait_status) : 0,
    };
    return 0;
}
