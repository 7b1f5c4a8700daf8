/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/retries.h"

#include "plugin/gather.h"
#include "plugin/log_choice.h"
#include "plugin/pod_log.h"
#include "plugin/verdict.h"
#include "workload/diagnosis.h"

/* The container whose log counts: the first that runs and does not train; the one that pushes waits while another does.
 */
static const char *choose(const struct kt_observation *seen, const cJSON *pod, struct kt_arena *arena)
{
    struct kt_log_container containers[KT_LOG_CONTAINERS];
    const char *trainer = kt_verdict_trainer(seen);
    size_t count = kt_log_containers(pod, trainer, containers);
    for (size_t i = 0; i < count; i++)
        if (containers[i].phase == KT_CONTAINER_RUNNING)
            return kt_streq(containers[i].name, trainer) ? NULL : kt_arena_strdup(arena, containers[i].name);
    return NULL;
}

struct reading {
    struct kt_arena *arena;
    const char *container;
    const char *retry;
};

static bool on_line(void *context, struct kt_str line)
{
    struct reading *reading = context;
    const char *text = kt_arena_strndup(reading->arena, line.data, line.length);
    const char *words = text ? strstr(text, ": try ") : NULL;
    if (words && strstr(words, " failed: "))
        reading->retry = kt_arena_printf(reading->arena, "container %s%s", reading->container, words);
    return true;
}

const char *kt_retry_of(struct kt_connection *connection, struct kt_arena *arena, const struct kt_observation *seen)
{
    const cJSON *pod = kt_verdict_pod(seen);
    const char *container = pod ? choose(seen, pod, arena) : NULL;
    struct reading reading = {arena, container, NULL};
    struct kt_pod_log log;
    struct kt_error error;
    if (!container)
        return NULL;
    kt_pod_log_init(&log);
    log.namespace_ = kt_object_namespace(pod);
    log.pod = kt_object_name(pod);
    log.container = container;
    log.tail_lines = 1;
    log.line = on_line;
    log.context = &reading;
    int code = kt_pod_log_read(connection->client, &log, &error);
    kt_pod_log_release(&log);
    return code == 0 ? reading.retry : NULL;
}
