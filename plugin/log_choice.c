/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/log_choice.h"

/* Upstream's pods have one that only keeps them alive. */
#define PAUSE_CONTAINER "pause"

static const cJSON *status_of(const cJSON *pod, const char *list, const char *name)
{
    const cJSON *status;
    cJSON_ArrayForEach(status, kt_json_path(pod, "status", list, NULL))
    {
        if (kt_streq(kt_json_string_or(kt_json_get(status, "name"), ""), name))
            return status;
    }
    return NULL;
}

static struct kt_log_container describe(const char *name, const cJSON *status)
{
    struct kt_log_container container = {.name = name, .phase = KT_CONTAINER_TO_COME};
    const cJSON *ended = kt_json_path(status, "state", "terminated", NULL);
    if (!ended)
        ended = kt_json_path(status, "lastState", "terminated", NULL);
    kt_json_int64(kt_json_get(ended, "exitCode"), &container.exit_code);
    if (kt_json_path(status, "state", "running", NULL))
        container.phase = KT_CONTAINER_RUNNING;
    else if (ended)
        container.phase = container.exit_code == 0 ? KT_CONTAINER_DONE : KT_CONTAINER_FAILED;
    return container;
}

struct gathering {
    const cJSON *pod;
    const char *trainer;
    struct kt_log_container *items;
    size_t count;
};

/* wanted_trainer: only that one, or only the others. */
static void gather(struct gathering *gathering, const char *specs, const char *statuses, bool wanted_trainer)
{
    const cJSON *spec;
    cJSON_ArrayForEach(spec, kt_json_path(gathering->pod, "spec", specs, NULL))
    {
        const char *name = kt_json_string(kt_json_get(spec, "name"));
        if (!name || kt_streq(name, gathering->trainer) != wanted_trainer || gathering->count == KT_LOG_CONTAINERS)
            continue;
        gathering->items[gathering->count++] = describe(name, status_of(gathering->pod, statuses, name));
    }
}

size_t kt_log_containers(const cJSON *pod, const char *trainer, struct kt_log_container ret[KT_LOG_CONTAINERS])
{
    struct gathering gathering = {pod, trainer, ret, 0};
    gather(&gathering, "initContainers", "initContainerStatuses", false);
    gather(&gathering, "containers", "containerStatuses", true);
    gather(&gathering, "containers", "containerStatuses", false);
    return gathering.count;
}

static const struct kt_log_container *first(const struct kt_log_container *containers, size_t count,
                                            enum kt_container_phase phase)
{
    for (size_t i = 0; i < count; i++)
        if (containers[i].phase == phase && !kt_streq(containers[i].name, PAUSE_CONTAINER))
            return &containers[i];
    return NULL;
}

const struct kt_log_container *kt_log_choose(const struct kt_log_container *containers, size_t count,
                                             const char *trainer)
{
    const struct kt_log_container *choice = first(containers, count, KT_CONTAINER_FAILED);
    if (!choice)
        choice = first(containers, count, KT_CONTAINER_RUNNING);
    for (size_t i = 0; !choice && i < count; i++)
        if (containers[i].phase == KT_CONTAINER_DONE && kt_streq(containers[i].name, trainer))
            choice = &containers[i];
    for (size_t i = count; !choice && i > 0; i--)
        if (containers[i - 1].phase == KT_CONTAINER_DONE)
            choice = &containers[i - 1];
    return choice;
}
