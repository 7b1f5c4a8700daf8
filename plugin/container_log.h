/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that reads the log of a container while the main thread looks at the cluster: for the user, and for the
 * steps and the loss of a training.
 */
#ifndef KT_PLUGIN_CONTAINER_LOG_H
#define KT_PLUGIN_CONTAINER_LOG_H

#include "plugin/connection.h"
#include "plugin/progress.h"
#include "workload/observation.h"

struct kt_container_log;

struct kt_container_log_options {
    bool print;         /* to app->out */
    int64_t tail_lines; /* negative: all */
};

/* Reads nothing yet. */
int kt_container_log_new(struct kt_connection *connection, struct kt_progress *progress,
                         const struct kt_container_log_options *options, struct kt_container_log **ret,
                         struct kt_error *error) KT_NODISCARD;
/* Starts reading once this container of this pod has started, and goes on when the connection was cut. Another one than
 * before takes its place: drain first. */
void kt_container_log_look(struct kt_container_log *log, const cJSON *pod, const char *container);
/* Why the training whose log was read is in vain, NULL when nothing says so. After a drain only. */
const char *kt_container_log_fault(const struct kt_container_log *log);
/* Waits until what there is has been read, but no longer than this, then ends the thread: some servers never end a log
 * that is followed. */
void kt_container_log_drain(struct kt_container_log *log, int64_t longest_ms);
/* Why the log cannot be read; 0: it can, or nobody has tried yet. */
int kt_container_log_failure(struct kt_container_log *log, struct kt_error *error);
void kt_container_log_free(struct kt_container_log *log); /* accepts NULL */

#endif
