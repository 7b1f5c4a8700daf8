/* SPDX-License-Identifier: Apache-2.0 */
/* Which container of a Workspace's pod has something to say. */
#ifndef KT_PLUGIN_LOG_CHOICE_H
#define KT_PLUGIN_LOG_CHOICE_H

#include "workload/observation.h"

/* More than any pod of ours has. */
#define KT_LOG_CONTAINERS 32

enum kt_container_phase {
    KT_CONTAINER_TO_COME,
    KT_CONTAINER_RUNNING,
    KT_CONTAINER_DONE,   /* exit code 0 */
    KT_CONTAINER_FAILED, /* another one, or waits to be started again after one */
};

struct kt_log_container {
    const char *name;
    enum kt_container_phase phase;
    int64_t exit_code;
};

/* In the order in which they run: init containers, the one that trains or serves (trainer), the others. Returns how
 * many. */
size_t kt_log_containers(const cJSON *pod, const char *trainer, struct kt_log_container ret[KT_LOG_CONTAINERS]);

/* The first that has failed; otherwise the first that runs; otherwise the trainer if it is done, or the last that is
 * done. NULL: none has started. */
const struct kt_log_container *kt_log_choose(const struct kt_log_container *containers, size_t count,
                                             const char *trainer);

#endif
