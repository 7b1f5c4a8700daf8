/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a container does not start, or why it ended. The reasons are the kubelet's (k8s.io/kubernetes
 * pkg/kubelet/images/types.go, pkg/kubelet/kuberuntime/kuberuntime_container.go, pkg/kubelet/container).
 */
#include "workload/diagnosis_internal.h"
#include "workload/exit_codes.h"

/* --- waiting ------------------------------------------------------------------------------------------------- */

/* What registries and runtimes say when a pull fails, and what it means. The first row that is found counts: a registry
 * that hides what it has says "denied" and "does not exist" at once. */
static const struct {
    const char *words;
    const char *meaning;
} pull_failures[] = {
    {"nauthorized", "the registry wants credentials: name a pull secret that may read it"},
    {"denied", "the registry refuses access: check the pull secret, and that the image exists"},
    {"authentication required", "the registry wants credentials: name a pull secret that may read it"},
    {"403 Forbidden", "the registry refuses access: check the pull secret"},
    {"toomanyrequests", "the registry limits how often it answers: wait, or use a mirror or credentials"},
    {"429 Too Many", "the registry limits how often it answers: wait, or use a mirror or credentials"},
    {"no match for platform", "the image is not made for this kind of machine"},
    {"not found", "the registry does not have this image or tag"},
    {"manifest unknown", "the registry does not have this image or tag"},
    {"does not exist", "the registry does not have this image or tag"},
    {"no such host", "the registry's name cannot be resolved from the node"},
    {"x509", "the node does not trust the registry's certificate"},
    {"connection refused", "the registry does not answer at this address"},
    {"no space left", "the node's disk is full"},
    {"timeout", "the registry did not answer in time: can the node reach it?"},
    {"deadline exceeded", "the registry did not answer in time: can the node reach it?"},
};

/* The image that a message of the kubelet names in quotes, else what the status says, else NULL. */
static const char *image_of(struct kt_arena *arena, const struct kt_container *container, const char *message)
{
    static const char before[] = "image \"";
    const char *start = message ? strstr(message, before) : NULL;
    const char *end = start ? strchr(start + sizeof(before) - 1, '"') : NULL;
    const char *image = kt_json_string(kt_json_get(container->status, "image"));
    if (end) {
        start += sizeof(before) - 1;
        image = kt_arena_strndup(arena, start, (size_t)(end - start));
    }
    return image && *image ? kt_cause_clean(arena, image, KT_CAUSE_QUOTE_BYTES) : NULL;
}

/* The kubelet changes between ErrImagePull and ImagePullBackOff with each try: both have one reason and one message
 * here, so that a status does not go to and fro. */
static void cannot_pull(struct kt_arena *arena, const struct kt_container *container, const char *reason,
                        const char *message, struct kt_cause *ret)
{
    const char *image = image_of(arena, container, message);
    const char *meaning = NULL;
    for (size_t i = 0; !meaning && i < KT_ARRAY_LENGTH(pull_failures); i++) {
        if (kt_contains(message, pull_failures[i].words))
            meaning = pull_failures[i].meaning;
    }
    kt_cause_set(arena, ret, "Pod", container->pod, kt_streq(reason, "ErrImagePull") ? "ImagePullBackOff" : reason,
                 "container %s cannot pull its image%s%s%s%s%s", container->name, image ? " \"" : "",
                 image ? image : "", image ? "\"" : "", meaning ? ": " : "", meaning ? meaning : "");
    ret->is_vague = !meaning; /* before 1.32 the kubelet says why only every other time */
}

static void bad_image_name(struct kt_arena *arena, const struct kt_container *container, const char *reason,
                           const char *message, struct kt_cause *ret)
{
    kt_cause_set(arena, ret, "Pod", container->pod, reason, "container %s has an image name that is not valid: %s",
                 container->name, kt_cause_clean(arena, message, KT_CAUSE_QUOTE_BYTES));
}

static void cannot_be_made(struct kt_arena *arena, const struct kt_container *container, const char *reason,
                           const char *message, struct kt_cause *ret)
{
    const char *words = kt_cause_clean(arena, message, KT_CAUSE_QUOTE_BYTES);
    bool is_missing = kt_contains(words, "not found") || kt_contains(words, "couldn't find key");
    const char *namespace_ = kt_metadata_text(container->pod, "namespace");
    kt_cause_set(arena, ret, "Pod", container->pod, reason, "container %s cannot be started: %s%s%s", container->name,
                 *words ? words : reason, is_missing ? "; it must be there in the Workspace's namespace " : "",
                 is_missing ? namespace_ : "");
}

static void crash_loop(struct kt_arena *arena, const struct kt_container *container, const char *reason,
                       const char *message, struct kt_cause *ret)
{
    const cJSON *last = kt_json_path(container->status, "lastState", "terminated", NULL);
    (void)message;
    if (!kt_diagnose_exit(arena, container, last, ret))
        kt_cause_set(arena, ret, "Pod", container->pod, reason, "container %s ends again and again", container->name);
}

static const struct {
    const char *reason;
    void (*explain)(struct kt_arena *arena, const struct kt_container *container, const char *reason,
                    const char *message, struct kt_cause *ret);
} waiting_reasons[] = {
    {"ErrImagePull", cannot_pull},
    {"ImagePullBackOff", cannot_pull},
    {"ErrImageNeverPull", cannot_pull},
    {"ImageInspectError", cannot_pull},
    {"RegistryUnavailable", cannot_pull},
    {"SignatureValidationFailed", cannot_pull},
    {"InvalidImageName", bad_image_name},
    {"CreateContainerConfigError", cannot_be_made},
    {"CreateContainerError", cannot_be_made},
    {"CreatePodSandboxError", cannot_be_made},
    {"PreCreateHookError", cannot_be_made},
    {"PreStartHookError", cannot_be_made},
    {"PostStartHookError", cannot_be_made},
    {"RunContainerError", cannot_be_made},
    {"StartError", cannot_be_made},
    {"CrashLoopBackOff", crash_loop},
};

bool kt_diagnose_container(struct kt_arena *arena, const struct kt_container *container, struct kt_cause *ret)
{
    const cJSON *state = kt_json_get(container->status, "state");
    const cJSON *waiting = kt_json_get(state, "waiting");
    const char *reason = kt_json_string_or(kt_json_get(waiting, "reason"), "");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(waiting_reasons); i++) {
        if (kt_streq(reason, waiting_reasons[i].reason)) {
            waiting_reasons[i].explain(arena, container, waiting_reasons[i].reason,
                                       kt_json_string(kt_json_get(waiting, "message")), ret);
            return true;
        }
    }
    return kt_diagnose_exit(arena, container, kt_json_get(state, "terminated"), ret);
}
