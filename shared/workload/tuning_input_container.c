/* SPDX-License-Identifier: Apache-2.0 */
/* How the data of a tuning comes to /mnt/data: downloaded, unpacked from an image, or a volume of the user's. */
#include "base/limits.h"
#include "text/names.h"
#include "workload/pod.h"
#include "workload/tuning_pod.h"

/* A published version of the image that upstream names without one. Alpine's shell, its own user, curl with TLS. */
#define DOWNLOAD_IMAGE "docker.io/curlimages/curl:8.16.0"
/* Upstream v0.12.0's (pkg/workspace/image/puller.go): skopeo, tar and a shell. */
#define PULL_IMAGE "mcr.microsoft.com/aks/skopeo:1.14.4-6"

/* --- urls --------------------------------------------------------------------------------------------------------- */

/* White space and control characters have no place in a URL and would end a line of the list. */
static void add_url(struct kt_strbuf *list, const char *url)
{
    for (const char *at = url; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte <= ' ' || byte == 0x7f)
            kt_strbuf_printf(list, "%%%02X", byte);
        else
            kt_strbuf_putc(list, *at);
    }
}

static int list_urls(struct kt_tuning_pod *pod, struct kt_strbuf *ret, struct kt_error *error)
{
    const cJSON *urls = pod->plan->workspace.tuning.input.urls;
    const cJSON *url;
    kt_strbuf_init(ret, pod->arena, KT_LIMIT_DATA_URLS_BYTES);
    cJSON_ArrayForEach(url, urls)
    {
        const char *text = kt_json_string_or(url, "");
        if (!text[0])
            return kt_error_set(error, KT_EINVAL, "tuning.input.urls: one of the URLs is empty");
        if (ret->length > 0)
            kt_strbuf_putc(ret, '\n');
        add_url(ret, text);
    }
    if (ret->failed)
        return pod->arena->failed ? kt_error_set(error, KT_ENOMEM, "no memory for the list of URLs")
                                  : kt_error_set(error, KT_EINVAL,
                                                 "tuning.input.urls: all URLs together must have at most %zu bytes, "
                                                 "which is what fits into a process's environment",
                                                 KT_LIMIT_DATA_URLS_BYTES);
    return 0;
}

static int add_downloader(struct kt_tuning_pod *pod, struct kt_error *error)
{
    struct kt_strbuf urls;
    int code = list_urls(pod, &urls, error);
    if (code < 0)
        return code;
    cJSON *container = kt_pod_container(pod->arena, "data-downloader", DOWNLOAD_IMAGE, KT_POD_READ_ONLY);
    kt_pod_script(pod->arena, container, &kt_embedded_download_data);
    kt_pod_env(pod->arena, container, "DATA_URLS", urls.data);
    kt_pod_env(pod->arena, container, "DATA_VOLUME_PATH", KT_DATA_DIR);
    kt_pod_mount(pod->arena, container, KT_DATA_VOLUME, KT_DATA_DIR);
    kt_json_append(pod->arena, pod->init_containers, container);
    return 0;
}

/* --- image -------------------------------------------------------------------------------------------------------- */

/* Part of the names of a volume and a folder. The user's name for the data goes in when it can. */
static const char *secrets_name(struct kt_tuning_pod *pod)
{
    const char *input = pod->plan->workspace.tuning.input.name;
    const char *name = kt_arena_printf(pod->arena, "%s-tuning-input", input ? input : "");
    const char *volume = name ? kt_arena_printf(pod->arena, "docker-config-%s", name) : NULL;
    return volume && !kt_names_dns1123_label(kt_str(volume)) ? name : "tuning-input";
}

static cJSON *project_secrets(struct kt_tuning_pod *pod)
{
    cJSON *projected = kt_json_new_object(pod->arena);
    cJSON *sources = kt_json_new_array(pod->arena);
    const cJSON *secret;
    cJSON_ArrayForEach(secret, pod->plan->workspace.tuning.input.pull_secrets)
    {
        const char *name = kt_json_string_or(secret, "");
        const char *path = kt_arena_printf(pod->arena, "%s.json", name);
        if (name[0] && path)
            kt_json_append(pod->arena, sources, kt_pod_docker_config(pod->arena, name, path));
    }
    kt_json_set(pod->arena, projected, "sources", sources);
    return projected;
}

static int add_puller(struct kt_tuning_pod *pod, struct kt_error *error)
{
    struct kt_arena *arena = pod->arena;
    const char *image = NULL;
    int code =
        kt_tuning_full_image(arena, "tuning.input.image", pod->plan->workspace.tuning.input.image, true, &image, error);
    if (code < 0)
        return code;
    const char *name = secrets_name(pod);
    const char *volume = kt_arena_printf(arena, "docker-config-%s", name);
    const char *folder = kt_arena_printf(arena, "/root/.docker/config.d/%s", name);
    if (!volume || !folder)
        return kt_error_set(error, KT_ENOMEM, "no memory for a Job");
    cJSON *container = kt_pod_container(arena, "puller", PULL_IMAGE, KT_POD_NO_CAPABILITIES);
    kt_pod_script(arena, container, &kt_embedded_pull_data);
    kt_pod_env(arena, container, "INPUT_IMAGE", image);
    kt_pod_env(arena, container, "DATA_VOLUME_PATH", KT_DATA_DIR);
    kt_pod_env(arena, container, "REGISTRY_AUTH_FOLDER", folder);
    kt_pod_mount(arena, container, volume, folder);
    kt_pod_mount(arena, container, KT_DATA_VOLUME, KT_DATA_DIR);
    kt_json_append(arena, pod->init_containers, container);
    kt_pod_volume(arena, pod->volumes, volume, "projected", project_secrets(pod));
    kt_pod_mount(arena, pod->trainer, volume, folder); /* the trainer has no use for it; upstream mounts it there too */
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ */

int kt_tuning_add_input(struct kt_tuning_pod *pod, struct kt_error *error)
{
    const struct kt_data_source *input = &pod->plan->workspace.tuning.input;
    const cJSON *source = NULL;
    int code = 0;
    if (input->image && input->image[0])
        code = add_puller(pod, error);
    else if (kt_json_count(input->urls) > 0)
        code = add_downloader(pod, error);
    else if (input->volume)
        source = input->volume;
    else
        code = kt_error_set(error, KT_EINVAL, "tuning.input: there is no data: give urls, image or volumeSource");
    if (code < 0)
        return code;
    kt_pod_user_volume(pod->arena, pod->volumes, KT_DATA_VOLUME, source);
    kt_pod_mount(pod->arena, pod->trainer, KT_DATA_VOLUME, KT_DATA_DIR);
    return 0;
}
