/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of a tuning's pod by what they do, and how far each is. */
#include <signal.h>

#include "workload/diagnosis_internal.h"
#include "workload/names.h"

static const cJSON *find_status(const cJSON *statuses, const char *name)
{
    const cJSON *status;
    cJSON_ArrayForEach(status, statuses)
    {
        if (kt_streq(kt_json_string_or(kt_json_get(status, "name"), ""), name))
            return status;
    }
    return NULL;
}

static const struct {
    const char *name;
    bool is_init;
    enum kt_role role;
} names[] = {
    {KT_OUTPUT_CHECK_CONTAINER, true, KT_ROLE_OUTPUT_CHECK}, {KT_WEIGHTS_CONTAINER, true, KT_ROLE_WEIGHTS},
    {KT_DATASET_CONTAINER, true, KT_ROLE_DATASET},           {KT_PUSHER_CONTAINER, false, KT_ROLE_PUSHER},
    {KT_OUTPUT_VERIFIER_CONTAINER, false, KT_ROLE_VERIFIER},
};

static enum kt_role role_of(const char *name, bool is_init, bool is_first, const char *trainer)
{
    if (!is_init && (trainer ? kt_streq(name, trainer) : is_first))
        return KT_ROLE_TRAINER;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++)
        if (names[i].is_init == is_init && kt_streq(name, names[i].name))
            return names[i].role;
    return is_init ? KT_ROLE_DATA : KT_ROLE_OTHER;
}

static bool each_of(const cJSON *pod, const char *spec_key, const char *status_key, const char *trainer,
                    bool (*each)(void *context, const struct kt_container *container), void *context)
{
    const cJSON *statuses = kt_json_path(pod, "status", status_key, NULL);
    const cJSON *list = kt_json_path(pod, "spec", spec_key, NULL);
    bool is_init = kt_streq(spec_key, "initContainers");
    const cJSON *item;
    if (!kt_json_is_array(statuses))
        statuses = NULL;
    if (!kt_json_is_array(list))
        list = statuses; /* an object without its spec: the statuses have the names too, if in no order */
    cJSON_ArrayForEach(item, list)
    {
        const char *name = kt_json_string_or(kt_json_get(item, "name"), "");
        const struct kt_container container = {
            .pod = pod,
            .status = find_status(statuses, name),
            .name = name,
            .role = role_of(name, is_init, item == list->child, trainer),
        };
        if (!each(context, &container))
            return false;
    }
    return true;
}

void kt_pod_each_container(const cJSON *pod, const char *trainer,
                           bool (*each)(void *context, const struct kt_container *container), void *context)
{
    if (each_of(pod, "initContainers", "initContainerStatuses", trainer, each, context))
        each_of(pod, "containers", "containerStatuses", trainer, each, context);
}

bool kt_container_is_running(const struct kt_container *container)
{
    return kt_json_is_object(kt_json_path(container->status, "state", "running", NULL));
}

/* state.terminated of a container that has run; NULL for one that could never be started. */
static const cJSON *end_of(const struct kt_container *container)
{
    const cJSON *terminated = kt_json_path(container->status, "state", "terminated", NULL);
    const char *reason = kt_json_string_or(kt_json_get(terminated, "reason"), "");
    /* What the kubelet says of a container that it could not start, or knows nothing of after a loss of its node
     * (k8s.io/kubernetes pkg/kubelet/kubelet_pods.go, pkg/kubelet/kuberuntime). */
    static const char *const never_ran[] = {"ContainerStatusUnknown", "StartError", "ContainerCannotRun"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(never_ran); i++) {
        if (kt_streq(reason, never_ran[i]))
            return NULL;
    }
    return kt_json_is_object(terminated) ? terminated : NULL;
}

bool kt_container_has_ended(const struct kt_container *container)
{
    return end_of(container) != NULL;
}

bool kt_container_has_succeeded(const struct kt_container *container)
{
    int64_t exit_code = -1;
    return kt_json_int64(kt_json_get(end_of(container), "exitCode"), &exit_code) && exit_code == 0;
}

bool kt_container_was_told_to_end(const struct kt_container *container)
{
    int64_t exit_code = 0;
    if (kt_streq(kt_json_string_or(kt_json_get(end_of(container), "reason"), ""), "OOMKilled"))
        return false;
    return kt_json_int64(kt_json_get(end_of(container), "exitCode"), &exit_code) &&
           (exit_code == 128 + SIGTERM || exit_code == 128 + SIGKILL);
}

bool kt_container_has_started(const struct kt_container *container)
{
    int64_t restarts = 0;
    return kt_container_is_running(container) || kt_container_has_ended(container) ||
           (kt_json_int64(kt_json_get(container->status, "restartCount"), &restarts) && restarts > 0);
}

const char *kt_container_failed_at(const struct kt_container *container)
{
    return kt_json_string_or(kt_json_path(container->status, "state", "terminated", "finishedAt", NULL), "");
}

static bool stop_at_started(void *context, const struct kt_container *container)
{
    bool *has_started = context;
    *has_started = kt_container_has_started(container);
    return !*has_started;
}

bool kt_pod_has_started(const cJSON *pod, const char *trainer)
{
    bool has_started = false;
    kt_pod_each_container(pod, trainer, stop_at_started, &has_started);
    return has_started;
}

const char *kt_pod_output_note(const cJSON *pod)
{
    const cJSON *status =
        find_status(kt_json_path(pod, "status", "initContainerStatuses", NULL), KT_OUTPUT_CHECK_CONTAINER);
    const cJSON *terminated = kt_json_path(status, "state", "terminated", NULL);
    const char *message = kt_json_string_or(kt_json_get(terminated, "message"), "");
    int64_t exit_code = -1;
    return kt_json_int64(kt_json_get(terminated, "exitCode"), &exit_code) && exit_code == 0 && *message ? message
                                                                                                        : NULL;
}
