/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that reads the trainer's log: for the steps and the loss, and for the user if they want it. */
#ifndef KT_PLUGIN_TRAINER_LOG_H
#define KT_PLUGIN_TRAINER_LOG_H

#include "plugin/connection.h"
#include "plugin/progress.h"
#include "workload/observation.h"

struct kt_trainer_log;

/* print: write it to app->out. Reads nothing yet. */
int kt_trainer_log_new(struct kt_connection *connection, struct kt_progress *progress, bool print,
                       struct kt_trainer_log **ret, struct kt_error *error) KT_NODISCARD;
/* Starts reading once the trainer of this pod has started, and goes on when the connection was cut. */
void kt_trainer_log_look(struct kt_trainer_log *log, const cJSON *pod, const char *trainer);
/* Waits until what there is has been read, but no longer than this; then ends the thread. */
void kt_trainer_log_drain(struct kt_trainer_log *log, int64_t longest_ms);
void kt_trainer_log_free(struct kt_trainer_log *log); /* accepts NULL */

#endif
