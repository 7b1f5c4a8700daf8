/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a Workspace with one live line a stage: `wait` and `tune --wait`. */
#ifndef KT_PLUGIN_WAIT_H
#define KT_PLUGIN_WAIT_H

#include "plugin/gather.h"

enum kt_wait_goal {
    KT_WAIT_DONE, /* a tuning: succeeded; a model that is served: ready */
    KT_WAIT_SUCCEEDED,
    KT_WAIT_READY,
    KT_WAIT_FAILED,
    KT_WAIT_DELETED,
};

struct kt_wait_options {
    enum kt_wait_goal goal;
    int64_t timeout_ms; /* 0: none */
    const char *uid;    /* only this very Workspace; NULL: whichever bears the name */
    bool follow;        /* write the trainer's log to app->out */
};

/* KT_EXIT_OK only when the goal is reached; KT_EXIT_ERROR when it can no longer be, after saying why and what to do;
 * KT_EXIT_TIMEOUT; KT_EXIT_INTERRUPTED after Ctrl-C, which ends the waiting and nothing else, and after saying how to
 * come back; or a negative error code. */
int kt_wait(struct kt_gather_target *target, const struct kt_wait_options *options,
            struct kt_error *error) KT_NODISCARD;

/* --timeout: "10m"; NULL, "" and "0" are none. */
int kt_wait_parse_timeout(const char *text, int64_t *ret_ms, struct kt_error *error) KT_NODISCARD;

#endif
