/* SPDX-License-Identifier: Apache-2.0 */
/* Running one program and reading what it prints. */
#ifndef KT_KUBE_PROCESS_H
#define KT_KUBE_PROCESS_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

struct kt_process {
    const char *path;             /* of the executable; nothing is looked up */
    const char *const *arguments; /* NULL-terminated, the first is the name */
    const char *const *variables; /* NULL-terminated, the child's whole environment */
    bool inherit_stdin;           /* otherwise /dev/null */
    size_t output_limit_bytes;
    int64_t timeout_ms;
    int stop_fd; /* readable: end at once; -1: none */
};

struct kt_process_result {
    struct kt_str output; /* standard output, in the arena */
    int exit_status;      /* -1 when a signal ended it */
    int signal;           /* 0: none */
};

/* Runs it to its end; standard error is inherited. The child gets no other descriptor of ours and default signals.
 * KT_ENOTFOUND (no such file), KT_EFORBIDDEN (not executable), KT_EIO, KT_ELIMIT, KT_ETIMEOUT, KT_EINTERRUPTED,
 * KT_ENOMEM; in these cases the child is ended and reaped. What a grandchild prints after the child has ended is not
 * waited for. */
int kt_process_run(struct kt_arena *arena, const struct kt_clock *clock, const struct kt_process *process,
                   struct kt_process_result *ret, struct kt_error *error) KT_NODISCARD;

#endif
