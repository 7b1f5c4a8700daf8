/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the adapter of a tuning leaves: pushed as an image, or left on the user's volume. Before the training a container
 * proves that this will work, so that no night on a GPU is lost to a wrong password.
 */
#include "text/image_reference.h"
#include "workload/names.h"
#include "workload/pod.h"
#include "workload/tuning_pod.h"

#define PUSH_IMAGE "ghcr.io/oras-project/oras:v1.2.2" /* upstream v0.12.0's: oras, and Alpine's tools */
#define DOCKER_CONFIG_VOLUME "docker-config"
#define DOCKER_CONFIG_DIR "/root/.docker"
/* An emptyDir by which the kubelet shows that it has made the trainer's container: see adapter-output.sh. */
#define WATCH_VOLUME "output-watch"
#define WATCH_DIR "/mnt/output-watch"
/* What stands in the command line of every process of the trainer, and in no other's. */
#define TRAINER_PROCESS "fine_tuning.py"

int kt_tuning_full_image(struct kt_arena *arena, const char *field, const char *text, bool allows_digest,
                         const char **ret, struct kt_error *error)
{
    struct kt_image_reference image;
    struct kt_error wrong = {0};
    if (kt_image_reference_parse(kt_str(text), &image, &wrong) < 0)
        return kt_error_set(error, KT_EINVAL, "%s: not an image reference: %s", field, wrong.message);
    bool has_digest = image.digest.length > 0;
    if (has_digest && !allows_digest)
        return kt_error_set(error, KT_EINVAL,
                            "%s: an image is pushed under a tag; its digest is not known before it is made", field);
    bool is_official =
        kt_str_equal(image.domain, KT_STR("docker.io")) && kt_str_find_char(image.repository, '/') == SIZE_MAX;
    struct kt_str version = has_digest ? image.digest : image.tag.length > 0 ? image.tag : KT_STR("latest");
    const char *full = kt_arena_printf(
        arena, "%.*s/%s%.*s%s%.*s", (int)image.domain.length, image.domain.data, is_official ? "library/" : "",
        (int)image.repository.length, image.repository.data, has_digest ? "@" : ":", (int)version.length, version.data);
    if (!full)
        return kt_error_set(error, KT_ENOMEM, "no memory for an image's name");
    *ret = full;
    return 0;
}

/* What all containers that look after the output have in common. A volume needs a shell only, which the trainer's image
 * has: no other is pulled for it. */
static cJSON *output_container(struct kt_tuning_pod *pod, const char *name, const char *step)
{
    struct kt_arena *arena = pod->arena;
    const char *image = pod->output_image ? PUSH_IMAGE : kt_json_string(kt_json_get(pod->trainer, "image"));
    /* On a volume whatever the trainer may: one that belongs to another user needs root's rights. */
    enum kt_pod_rights rights = pod->output_image ? KT_POD_NO_CAPABILITIES : KT_POD_NO_NEW_RIGHTS;
    cJSON *container = kt_pod_container(arena, name, image, rights);
    kt_pod_script(arena, container, &kt_embedded_adapter_output);
    kt_pod_env(arena, container, "ADAPTER_STEP", step);
    kt_pod_env(arena, container, "RESULTS_DIR", pod->output_dir);
    if (pod->output_image) {
        kt_pod_env(arena, container, "OUTPUT_IMAGE", pod->output_image);
        kt_pod_mount(arena, container, DOCKER_CONFIG_VOLUME, DOCKER_CONFIG_DIR);
    }
    if (pod->plan->settings->pod_checks) {
        kt_pod_env(arena, container, "WATCH_FOLDER", WATCH_DIR);
        kt_pod_mount(arena, container, WATCH_VOLUME, WATCH_DIR);
    }
    return container;
}

/* --- before the training ------------------------------------------------------------------------------------- */

static void add_push_secret(struct kt_tuning_pod *pod, const char *secret)
{
    struct kt_arena *arena = pod->arena;
    cJSON *pull_secrets = kt_json_new_array(arena);
    cJSON *reference = kt_json_new_object(arena);
    kt_json_set_string(arena, reference, "name", secret);
    kt_json_append(arena, pull_secrets, reference);
    kt_json_set(arena, pod->spec, "imagePullSecrets", pull_secrets);
    cJSON *projected = kt_json_new_object(arena);
    cJSON *sources = kt_json_new_array(arena);
    kt_json_append(arena, sources, kt_pod_docker_config(arena, secret, "config.json"));
    kt_json_set(arena, projected, "sources", sources);
    kt_pod_volume(arena, pod->volumes, DOCKER_CONFIG_VOLUME, "projected", projected);
}

static int read_image(struct kt_tuning_pod *pod, struct kt_error *error)
{
    const struct kt_data_destination *output = &pod->plan->workspace.tuning.output;
    if (!output->image || !output->image[0])
        return kt_error_set(error, KT_EINVAL,
                            "tuning.output: the adapter would go nowhere: give image or volumeSource");
    if (!output->push_secret || !output->push_secret[0])
        return kt_error_set(error, KT_EINVAL,
                            "tuning.output.imagePushSecret: an output image needs a Secret to push with");
    int code = kt_tuning_full_image(pod->arena, "tuning.output.image", output->image, false, &pod->output_image, error);
    if (code == 0)
        add_push_secret(pod, output->push_secret);
    return code;
}

static void add_check(struct kt_tuning_pod *pod)
{
    cJSON *container = output_container(pod, KT_OUTPUT_CHECK_CONTAINER, "check");
    if (!pod->output_image)
        kt_pod_mount(pod->arena, container, KT_RESULTS_VOLUME, pod->output_dir);
    kt_json_append(pod->arena, pod->init_containers, container);
    kt_pod_user_volume(pod->arena, pod->volumes, WATCH_VOLUME, NULL);
    kt_pod_mount_part(pod->arena, pod->trainer, WATCH_VOLUME, "started", WATCH_DIR);
}

int kt_tuning_begin_output(struct kt_tuning_pod *pod, struct kt_error *error)
{
    int code = pod->plan->workspace.tuning.output.volume ? 0 : read_image(pod, error);
    if (code == 0 && pod->plan->settings->pod_checks)
        add_check(pod);
    return code;
}

/* --- after it ------------------------------------------------------------------------------------------------ */

void kt_tuning_add_output(struct kt_tuning_pod *pod)
{
    struct kt_arena *arena = pod->arena;
    bool is_pushed = pod->output_image != NULL;
    if (!is_pushed && !pod->plan->settings->pod_checks)
        return;
    cJSON *container = output_container(pod, is_pushed ? KT_PUSHER_CONTAINER : KT_OUTPUT_VERIFIER_CONTAINER,
                                        is_pushed ? "push" : "look");
    kt_pod_env(arena, container, "MODEL_NAME", pod->plan->model->name);
    kt_pod_env(arena, container, "TRAINER_PROCESS", TRAINER_PROCESS);
    kt_pod_mount(arena, container, KT_RESULTS_VOLUME, pod->output_dir);
    kt_json_append(arena, pod->containers, container);
    kt_json_set_bool(arena, pod->spec, "shareProcessNamespace", true); /* it watches the trainer's processes */
}
