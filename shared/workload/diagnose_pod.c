/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tuning's pod: what is said of it as a whole comes first, because its containers' ends then only follow from it.
 * Reasons: k8s.io/kubernetes pkg/kubelet (eviction, nodeshutdown, lifecycle) and k8s.io/api core/v1 (pod conditions).
 */
#include "workload/diagnosis_internal.h"

/* Volumes are mounted and the sandbox made within seconds; after this time something that the pod names is missing. */
#define SANDBOX_LONG_S 180

/* --- the pod as a whole -------------------------------------------------------------------------------------- */

static const struct {
    const char *found;   /* status.reason, or the reason of the condition DisruptionTarget; "X*": begins with X */
    const char *reason;  /* NULL: the same */
    const char *meaning; /* after "pod NAME " */
} ends[] = {
    {"Evicted", NULL, "was evicted because its node ran short of something"},
    {"EvictionByEvictionAPI", "Evicted", "was evicted by a drain of its node or another program"},
    {"PreemptionByScheduler", "Preempted", "was taken off its node for a pod of higher priority"},
    {"Preempting", "Preempted", "was taken off its node for a pod of higher priority"},
    {"DeletionByTaintManager", "NodeLost", "was taken off its node, which got a taint that it does not tolerate"},
    {"DeletionByPodGC", "NodeLost", "was lost together with its node"},
    {"NodeLost", NULL, "was lost together with its node"},
    {"TerminationByKubelet", "NodeShutdown", "was ended by its node, which shut down or ran short of something"},
    {"NodeShutdown", NULL, "was ended because its node shut down"},
    {"Shutdown", "NodeShutdown", "was ended because its node shut down"},
    {"Terminated", "NodeShutdown", "was ended because its node shut down"},
    {"DeadlineExceeded", NULL, "ran longer than it was allowed to"},
    {"UnexpectedAdmissionError", NULL, "was refused by its node"},
    {"NodeAffinity", NULL, "was refused by its node, whose labels have changed"},
    {"OutOf*", "OutOfResources", "was refused by its node, which has too little left"},
};

static bool is_called(const char *found, const char *wanted)
{
    size_t length = strlen(wanted);
    return wanted[length - 1] == '*' ? strncmp(found, wanted, length - 1) == 0 : kt_streq(found, wanted);
}

static bool ended_as_a_whole(struct kt_arena *arena, const cJSON *pod, const char *found, const char *message,
                             struct kt_cause *ret)
{
    for (size_t i = 0; *found && i < KT_ARRAY_LENGTH(ends); i++) {
        if (!is_called(found, ends[i].found))
            continue;
        const char *reason = ends[i].reason ? ends[i].reason : kt_cause_reason(found, "PodFailed");
        const char *words = kt_cause_clean(arena, message, KT_CAUSE_QUOTE_BYTES);
        kt_cause_set(arena, ret, "Pod", pod, reason, "pod %s %s%s%s", kt_metadata_text(pod, "name"), ends[i].meaning,
                     *words ? ": " : "", words);
        return true;
    }
    return false;
}

static bool diagnose_whole(struct kt_arena *arena, const cJSON *pod, struct kt_cause *ret)
{
    const cJSON *status = kt_json_get(pod, "status");
    const cJSON *target = kt_condition_find(pod, "DisruptionTarget");
    if (ended_as_a_whole(arena, pod, kt_json_string_or(kt_json_get(status, "reason"), ""),
                         kt_json_string(kt_json_get(status, "message")), ret))
        return true;
    if (kt_condition_is_true(pod, "DisruptionTarget") &&
        ended_as_a_whole(arena, pod, kt_json_string_or(kt_json_get(target, "reason"), ""),
                         kt_json_string(kt_json_get(target, "message")), ret))
        return true;
    if (!kt_streq(kt_json_string_or(kt_json_get(status, "phase"), ""), "Unknown"))
        return false;
    return ended_as_a_whole(arena, pod, "NodeLost", NULL, ret);
}

/* --- its containers ------------------------------------------------------------------------------------------ */

struct search {
    struct kt_arena *arena;
    struct kt_cause *cause;
    const char *failed_at;
    bool found;
    bool was_told_to_end; /* by a signal, as the containers of a pod that is deleted are */
};

/* The first in time counts: what fails after it, fails because of it. Of two in the same second, or of which one has
 * not ended, the trainer. */
static bool counts_more(const struct search *search, const struct kt_container *container, const char *failed_at)
{
    int order = *failed_at && *search->failed_at ? strcmp(failed_at, search->failed_at) : 0;
    return !search->found || order < 0 || (order == 0 && container->role == KT_ROLE_TRAINER);
}

static bool search_container(void *context, const struct kt_container *container)
{
    struct search *search = context;
    const char *failed_at = kt_container_failed_at(container);
    struct kt_cause cause;
    if (counts_more(search, container, failed_at) && kt_diagnose_container(search->arena, container, &cause)) {
        *search->cause = cause;
        search->failed_at = failed_at;
        search->found = true;
        search->was_told_to_end = kt_container_was_told_to_end(container);
    }
    return true;
}

/* --- its way to a node --------------------------------------------------------------------------------------- */

/* "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had ... preemption: ..." without the figures, which change
 * with every node that comes or goes and would change the status each time. */
static const char *without_figures(struct kt_arena *arena, const char *message)
{
    const char *start = strstr(message, "nodes are available: ");
    const char *end = strstr(message, " preemption:");
    char *text = kt_arena_strdup(arena, start ? start + strlen("nodes are available: ") : message);
    if (!text)
        return "";
    if (end && start && end > start)
        text[end - start - (ptrdiff_t)strlen("nodes are available: ")] = '\0';
    char *to = text;
    bool word_starts = true;
    for (const char *from = text; *from; from++) {
        if (word_starts && kt_ascii_is_digit(*from)) {
            const char *after = from + strspn(from, "0123456789");
            if (*after == ' ') {
                from = after;
                continue;
            }
        }
        word_starts = *from == ' ';
        *to++ = *from;
    }
    *to = '\0';
    return text;
}

static bool diagnose_scheduling(struct kt_arena *arena, const cJSON *pod, struct kt_cause *ret)
{
    const cJSON *condition = kt_condition_find(pod, "PodScheduled");
    const char *reason = kt_json_string_or(kt_json_get(condition, "reason"), "");
    if (!kt_streq(kt_json_string_or(kt_json_get(condition, "status"), ""), "False") ||
        !(kt_streq(reason, "Unschedulable") || kt_streq(reason, "SchedulerError")))
        return false;
    const char *message = without_figures(arena, kt_json_string_or(kt_json_get(condition, "message"), ""));
    kt_cause_set(arena, ret, "Pod", pod, reason, "no node can take pod %s: %s", kt_metadata_text(pod, "name"),
                 kt_cause_clean(arena, message, KT_CAUSE_QUOTE_BYTES));
    return true;
}

static bool is_about_object(const cJSON *event, const char *kind, const cJSON *object)
{
    const cJSON *about = kt_json_get(event, "involvedObject");
    const char *uid = kt_json_string_or(kt_json_get(about, "uid"), "");
    const char *wanted_uid = kt_metadata_text(object, "uid");
    if (*uid && *wanted_uid && !kt_streq(uid, wanted_uid))
        return false; /* an older object of this name */
    return kt_streq(kt_json_string_or(kt_json_get(event, "type"), ""), "Warning") &&
           kt_streq(kt_json_string_or(kt_json_get(about, "kind"), ""), kind) &&
           kt_streq(kt_json_string_or(kt_json_get(about, "name"), ""), kt_metadata_text(object, "name"));
}

/* The kubelet sums up what failed to mount in an event of its own, which does not say why. */
static bool is_summary(const cJSON *event)
{
    return kt_contains(kt_json_string(kt_json_get(event, "message")), "nable to attach or mount volumes");
}

const cJSON *kt_warning_about(struct kt_objects events, const char *kind, const cJSON *object,
                              const char *const *reasons)
{
    const cJSON *best = NULL;
    const char *best_at = "";
    for (size_t i = 0; i < events.count; i++) {
        const cJSON *event = events.items[i];
        const char *reason = kt_json_string_or(kt_json_get(event, "reason"), "");
        const char *at = kt_json_string(kt_json_get(event, "lastTimestamp"));
        const char *const *wanted = reasons;
        while (*wanted && !kt_streq(*wanted, reason))
            wanted++;
        if (!*wanted || !is_about_object(event, kind, object))
            continue;
        if (!at)
            at = kt_json_string_or(kt_json_get(event, "eventTime"), "");
        bool is_better =
            is_summary(event) == (best && is_summary(best)) ? strcmp(at, best_at) >= 0 : !is_summary(event);
        if (!best || is_better) {
            best = event;
            best_at = at;
        }
    }
    return best;
}

/* What only events tell of a pod that has a node and does not start. */
static bool diagnose_events(struct kt_arena *arena, const cJSON *pod, struct kt_objects events, struct kt_cause *ret)
{
    static const char *const mounting[] = {"FailedMount",
                                           "FailedAttachVolume",
                                           "FailedMapVolume",
                                           "NetworkNotReady",
                                           "FailedCreatePodContainer",
                                           "FailedCreatePodSandBox",
                                           NULL};
    static const char *const scheduling[] = {"FailedScheduling", "FailedBinding", NULL};
    bool has_node = *kt_json_string_or(kt_json_path(pod, "spec", "nodeName", NULL), "") != '\0';
    const cJSON *event = kt_warning_about(events, "Pod", pod, has_node ? mounting : scheduling);
    if (!event)
        return false;
    kt_cause_set(arena, ret, "Pod", pod, kt_cause_reason(kt_json_string(kt_json_get(event, "reason")), "PodPending"),
                 "pod %s does not start: %s", kt_metadata_text(pod, "name"),
                 kt_cause_clean(arena, kt_json_string(kt_json_get(event, "message")), KT_CAUSE_QUOTE_BYTES));
    return true;
}

/* A Secret or volume that is missing shows in events only, and those may not be at hand. */
static bool sandbox_takes_long(struct kt_arena *arena, const cJSON *pod, struct kt_patience *patience,
                               struct kt_cause *ret)
{
    const cJSON *scheduled = kt_condition_find(pod, "PodScheduled");
    const cJSON *ready = kt_condition_find(pod, "PodReadyToStartContainers");
    if (!kt_condition_is_true(pod, "PodScheduled") ||
        !kt_streq(kt_json_string_or(kt_json_get(ready, "status"), ""), "False") ||
        !kt_patience_is_over(patience, kt_json_string(kt_json_get(scheduled, "lastTransitionTime")), SANDBOX_LONG_S))
        return false;
    kt_cause_set(arena, ret, "Pod", pod, "PodNotStarted",
                 "pod %s has a node, but its volumes are not mounted or it has no network yet; often a Secret or a "
                 "volume that it names is missing: `kubectl describe pod -n %s %s` shows which",
                 kt_metadata_text(pod, "name"), kt_metadata_text(pod, "namespace"), kt_metadata_text(pod, "name"));
    return true;
}

static bool diagnose_pending(struct kt_arena *arena, const cJSON *pod, struct kt_objects events,
                             struct kt_patience *patience, struct kt_cause *ret)
{
    return diagnose_scheduling(arena, pod, ret) || diagnose_events(arena, pod, events, ret) ||
           sandbox_takes_long(arena, pod, patience, ret);
}

/* --- all ----------------------------------------------------------------------------------------------------- */

bool kt_diagnose_pod_with(struct kt_arena *arena, const cJSON *pod, const char *trainer, struct kt_objects events,
                          struct kt_patience *patience, struct kt_cause *ret)
{
    struct kt_cause cause = {0};
    struct search search = {.arena = arena, .cause = &cause, .failed_at = ""};
    const char *phase = kt_json_string_or(kt_json_path(pod, "status", "phase", NULL), "");
    bool found = diagnose_whole(arena, pod, &cause);
    if (!found && !kt_streq(phase, "Succeeded")) {
        kt_pod_each_container(pod, trainer, search_container, &search);
        found = search.found && !(search.was_told_to_end && kt_is_being_deleted(pod));
    }
    if (!found && (kt_streq(phase, "Pending") || !*phase) && !kt_pod_has_started(pod, trainer))
        found = diagnose_pending(arena, pod, events, patience, &cause);
    if (!found && kt_streq(phase, "Failed") && !kt_is_being_deleted(pod)) {
        const char *words =
            kt_cause_clean(arena, kt_json_string(kt_json_path(pod, "status", "message", NULL)), KT_CAUSE_QUOTE_BYTES);
        kt_cause_set(arena, &cause, "Pod", pod,
                     kt_cause_reason(kt_json_string(kt_json_path(pod, "status", "reason", NULL)), "PodFailed"),
                     "pod %s has failed%s%s", kt_metadata_text(pod, "name"), *words ? ": " : "", words);
        found = true;
    }
    if (!found && kt_is_being_deleted(pod) && !kt_streq(phase, "Succeeded")) {
        kt_cause_set(arena, &cause, "Pod", pod, "PodDeleted", "somebody, or the loss of its node, deletes pod %s",
                     kt_metadata_text(pod, "name"));
        found = true;
    }
    if (found)
        *ret = cause;
    return found;
}

bool kt_diagnose_pod(struct kt_arena *arena, const cJSON *pod, const char *trainer, struct kt_objects events,
                     struct kt_cause *ret)
{
    struct kt_patience none = {0}; /* no time passes: nothing takes too long */
    return kt_json_is_object(pod) && kt_diagnose_pod_with(arena, pod, trainer, events, &none, ret);
}
