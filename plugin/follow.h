/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at a Workspace until something is reached: after every change of what belongs to it and every few seconds.
 * A server that goes away is waited for; the first failure and the return are told on app->err.
 */
#ifndef KT_PLUGIN_FOLLOW_H
#define KT_PLUGIN_FOLLOW_H

#include "plugin/gather.h"

struct kt_follow_options {
    int64_t timeout_ms; /* 0: none; also ends a request that is under way */
    /* Called this often between looks when it is not 0: for a line that shows seconds. */
    int64_t tick_ms;
    void (*tick)(void *context);
    /* A line for the user on app->err while something else is being shown there; NULL: written as it is. */
    void (*say)(void *context, const char *line);
    /* seen NULL: the Workspace does not exist (any more). The arena lasts for this look. Returns false to end, with an
     * exit code or negative error code in *ret. */
    bool (*look)(void *context, struct kt_arena *arena, const struct kt_observation *seen, int *ret,
                 struct kt_error *error);
    /* In place of look for a target without a name: all Workspaces. */
    bool (*look_all)(void *context, struct kt_arena *arena, const struct kt_observation *all, size_t count, int *ret,
                     struct kt_error *error);
    void *context;
};

/* What look decided; KT_EINTERRUPTED after Ctrl-C; KT_ETIMEOUT; or the failure that stands in the way of the very first
 * look, or of every look for a minute though the server answers. */
int kt_follow(struct kt_gather_target *target, const struct kt_follow_options *options,
              struct kt_error *error) KT_NODISCARD;

#endif
