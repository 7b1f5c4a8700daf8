/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Job of a tuning. Layout of images, paths, names and the trainer's command: upstream v0.12.0,
 * pkg/workspace/tuning/preset_tuning.go and pkg/workspace/manifests/manifests.go, so that its images run unchanged.
 * Different on purpose: nothing is tried again behind the user's back (upstream's Job tunes up to seven times), no
 * image without a version, no second container that only waits, target modules that exist in the model.
 */
#include <inttypes.h>

#include "admission/trainer_words.h"
#include "sizing/sizing.h"
#include "workload/metadata.h"
#include "workload/names.h"
#include "workload/pod.h"
#include "workload/training_config.h"
#include "workload/tuning_pod.h"

#define TRAINER_PORT 5000 /* of its metrics server */
#define WEIGHTS_VOLUME "model-weights-volume"
#define WEIGHTS_DIR "/workspace/weights"
#define CONFIG_VOLUME "config-volume"
#define CONFIG_DIR "/mnt/config"
#define SHARED_MEMORY_VOLUME "dshm"
#define WEIGHTS_IMAGE "mcr.microsoft.com/oss/v2/oras-project/oras:v1.2.3" /* upstream's tool to pull weights */

/* "<registry>/kaito-<name>:<tag>" */
static const char *kaito_image(const struct kt_tuning_pod *pod, const char *name, const char *tag)
{
    struct kt_str registry = kt_str(pod->plan->settings->preset_registry);
    while (registry.length > 0 && registry.data[registry.length - 1] == '/')
        registry.length--;
    return kt_arena_printf(pod->arena, "%.*s/kaito-%s:%s", (int)registry.length, registry.data, name, tag);
}

/* --- the trainer -------------------------------------------------------------------------------------------------- */

/* The trainer reads this when LoraConfig.target_modules is absent. The libraries have no list of their own for some of
 * the models (they then refuse to start), and upstream's list for phi-3 names five that do not exist. */
static void add_target_modules(struct kt_tuning_pod *pod)
{
    struct kt_strbuf names;
    const struct kt_architecture *architecture = &pod->plan->model->architecture;
    uint32_t mask = kt_sizing_default_target_mask(pod->plan->model);
    kt_strbuf_init(&names, pod->arena, (size_t)KT_KIB);
    for (uint32_t i = 0; i < architecture->module_count; i++) {
        if (mask & (UINT32_C(1) << i))
            kt_strbuf_printf(&names, "%s%s", names.length > 0 ? "," : "", architecture->modules[i].name);
    }
    if (names.length > 0)
        kt_pod_env(pod->arena, pod->trainer, "DEFAULT_TARGET_MODULES", names.data);
}

static void set_resources(struct kt_tuning_pod *pod)
{
    static const char *const kinds[] = {"limits", "requests"};
    const char *count = kt_arena_printf(pod->arena, "%" PRIu32, pod->gpu_count);
    cJSON *resources = kt_json_ensure_object(pod->arena, pod->trainer, "resources");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kinds); i++)
        kt_json_set_string(pod->arena, kt_json_ensure_object(pod->arena, resources, kinds[i]), KT_GPU_RESOURCE, count);
}

static void set_command(struct kt_tuning_pod *pod)
{
    struct kt_arena *arena = pod->arena;
    cJSON *command = kt_json_new_array(arena);
    kt_json_append(arena, command, kt_json_new_string(arena, "/bin/sh"));
    kt_json_append(arena, command, kt_json_new_string(arena, "-c"));
    kt_json_append(
        arena, command,
        kt_json_new_string(arena, kt_arena_printf(arena,
                                                  "cd /workspace/tfs/ && python3 metrics_server.py & accelerate launch "
                                                  "--num_processes=%" PRIu32 " /workspace/tfs/fine_tuning.py",
                                                  pod->gpu_count)));
    kt_json_set(arena, pod->trainer, "command", command);
}

/* What the trainer says must be in its log when it says it. Python keeps 8 KiB of output back when it writes to no
 * terminal. A container runtime keeps a line back until it ends, and a progress bar never ends its line: so tqdm, which
 * reads options from TQDM_*, ends each of its lines, and writes no more than one in two seconds. */
static void add_progress(struct kt_tuning_pod *pod)
{
    kt_pod_env(pod->arena, pod->trainer, "PYTHONUNBUFFERED", "1");
    kt_pod_env(pod->arena, pod->trainer, "TQDM_BAR_FORMAT", "{l_bar}{bar}{r_bar}\n");
    kt_pod_env(pod->arena, pod->trainer, "TQDM_MININTERVAL", "2");
}

static void add_trainer(struct kt_tuning_pod *pod)
{
    struct kt_arena *arena = pod->arena;
    pod->trainer = kt_pod_container(arena, pod->plan->workspace.name, kaito_image(pod, "base", pod->plan->trainer.tag),
                                    KT_POD_NO_NEW_RIGHTS);
    set_command(pod);
    add_target_modules(pod);
    kt_pod_env(arena, pod->trainer, "PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True");
    add_progress(pod);
    cJSON *ports = kt_json_new_array(arena);
    cJSON *port = kt_json_new_object(arena);
    kt_json_set_int(arena, port, "containerPort", TRAINER_PORT);
    kt_json_append(arena, ports, port);
    kt_json_set(arena, pod->trainer, "ports", ports);
    set_resources(pod);
    kt_json_append(arena, pod->containers, pod->trainer);
}

/* --- volumes and weights ------------------------------------------------------------------------------------------ */

static void add_volumes(struct kt_tuning_pod *pod)
{
    struct kt_arena *arena = pod->arena;
    cJSON *memory = kt_json_new_object(arena);
    kt_json_set_string(arena, memory, "medium", "Memory");
    kt_pod_volume(arena, pod->volumes, SHARED_MEMORY_VOLUME, "emptyDir", memory);
    kt_pod_mount(arena, pod->trainer, SHARED_MEMORY_VOLUME, "/dev/shm");
    kt_pod_user_volume(arena, pod->volumes, WEIGHTS_VOLUME, NULL);
    kt_pod_mount(arena, pod->trainer, WEIGHTS_VOLUME, WEIGHTS_DIR);
    cJSON *config = kt_json_new_object(arena);
    kt_json_set_string(arena, config, "name", pod->plan->config_map);
    kt_pod_volume(arena, pod->volumes, CONFIG_VOLUME, "configMap", config);
    kt_pod_mount(arena, pod->trainer, CONFIG_VOLUME, CONFIG_DIR);
    kt_pod_user_volume(arena, pod->volumes, KT_RESULTS_VOLUME, pod->plan->workspace.tuning.output.volume);
    kt_pod_mount(arena, pod->trainer, KT_RESULTS_VOLUME, pod->output_dir);
}

static void add_weights(struct kt_tuning_pod *pod)
{
    struct kt_arena *arena = pod->arena;
    const struct kt_model *model = pod->plan->model;
    if (model->weights_at_run_time || !model->image_tag)
        return;
    const char *const words[] = {"oras", "pull", kaito_image(pod, model->name, model->image_tag), "-o", WEIGHTS_DIR};
    cJSON *container = kt_pod_container(arena, KT_WEIGHTS_CONTAINER, WEIGHTS_IMAGE, KT_POD_NO_CAPABILITIES);
    cJSON *command = kt_json_new_array(arena);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(words); i++)
        kt_json_append(arena, command, kt_json_new_string(arena, words[i]));
    kt_json_set(arena, container, "command", command);
    kt_pod_mount(arena, container, WEIGHTS_VOLUME, WEIGHTS_DIR);
    kt_json_append(arena, pod->init_containers, container);
}

/* --- where it may run --------------------------------------------------------------------------------------------- */

static void add_affinity(struct kt_tuning_pod *pod)
{
    struct kt_arena *arena = pod->arena;
    cJSON *labels = kt_workload_node_labels(arena, &pod->plan->workspace, pod->plan->settings);
    cJSON *expressions = kt_json_new_array(arena);
    const cJSON *label;
    cJSON_ArrayForEach(label, labels)
    {
        cJSON *expression = kt_json_new_object(arena);
        cJSON *values = kt_json_new_array(arena);
        kt_json_set_string(arena, expression, "key", label->string);
        kt_json_set_string(arena, expression, "operator", "In");
        kt_json_append(arena, values, kt_json_new_string(arena, label->valuestring));
        kt_json_set(arena, expression, "values", values);
        kt_json_append(arena, expressions, expression);
    }
    if (kt_json_count(expressions) == 0)
        return;
    cJSON *affinity = kt_json_ensure_object(arena, kt_json_ensure_object(arena, pod->spec, "affinity"), "nodeAffinity");
    cJSON *required = kt_json_ensure_object(arena, affinity, "requiredDuringSchedulingIgnoredDuringExecution");
    cJSON *terms = kt_json_new_array(arena);
    cJSON *term = kt_json_new_object(arena);
    kt_json_set(arena, term, "matchExpressions", expressions);
    kt_json_append(arena, terms, term);
    kt_json_set(arena, required, "nodeSelectorTerms", terms);
}

static void add_tolerations(struct kt_tuning_pod *pod)
{
    struct kt_arena *arena = pod->arena;
    const struct kt_settings *settings = pod->plan->settings;
    cJSON *tolerations = kt_json_new_array(arena);
    kt_pod_tolerate(arena, tolerations, "gpu", "Equal", NULL);
    kt_pod_tolerate(arena, tolerations, "sku", NULL, "gpu");
    if (settings->cloud_known && settings->cloud == KT_CLOUD_AZURE)
        kt_pod_tolerate(arena, tolerations, "kubernetes.azure.com/scalesetpriority", "Equal", "spot");
    kt_pod_tolerate(arena, tolerations, KT_GPU_RESOURCE, "Exists", NULL);
    kt_json_set(arena, pod->spec, "tolerations", tolerations);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void begin_pod(struct kt_tuning_pod *pod)
{
    struct kt_arena *arena = pod->arena;
    pod->spec = kt_json_new_object(arena);
    pod->init_containers = kt_json_new_array(arena);
    pod->containers = kt_json_new_array(arena);
    pod->volumes = kt_json_new_array(arena);
    kt_json_set_string(arena, pod->spec, "restartPolicy", "Never");
    kt_json_set_bool(arena, pod->spec, "automountServiceAccountToken", false);
    kt_json_set_bool(arena, pod->spec, "enableServiceLinks", false);
    cJSON *context = kt_json_ensure_object(arena, pod->spec, "securityContext");
    kt_json_set_string(arena, kt_json_ensure_object(arena, context, "seccompProfile"), "type", "RuntimeDefault");
    add_affinity(pod);
    add_tolerations(pod);
}

static int build_pod(struct kt_tuning_pod *pod, const cJSON *training_config, struct kt_error *error)
{
    begin_pod(pod);
    add_trainer(pod);
    add_volumes(pod);
    int code = kt_tuning_begin_output(pod, error);
    if (code < 0)
        return code;
    add_weights(pod);
    code = kt_tuning_add_input(pod, error);
    if (code < 0)
        return code;
    kt_tuning_add_dataset(pod, kt_json_get(training_config, "training_config"));
    kt_tuning_add_output(pod);
    if (kt_json_count(pod->init_containers) > 0)
        kt_json_set(pod->arena, pod->spec, "initContainers", pod->init_containers);
    kt_json_set(pod->arena, pod->spec, "containers", pod->containers);
    kt_json_set(pod->arena, pod->spec, "volumes", pod->volumes);
    return 0;
}

static cJSON *build_job(const struct kt_tuning_pod *pod, const struct kt_tuning_job_facts *facts)
{
    struct kt_arena *arena = pod->arena;
    const struct kt_workspace *workspace = &pod->plan->workspace;
    cJSON *job = kt_workload_object(arena, "batch/v1", "Job", workspace->name, kt_workload_namespace(workspace));
    cJSON *metadata = kt_json_get(job, "metadata");
    kt_workload_label(arena, kt_json_ensure_object(arena, metadata, "labels"), workspace, "tuning");
    cJSON *annotations = kt_json_ensure_object(arena, metadata, "annotations");
    kt_json_set_string(arena, annotations, KT_ANNOTATION_REVISION, facts->revision ? facts->revision : "1");
    if (facts->config_hash)
        kt_json_set_string(arena, annotations, KT_ANNOTATION_CONFIG_HASH, facts->config_hash);
    const char *format = kt_workspace_annotation(workspace, KT_ANNOTATION_DATASET_FORMAT);
    if (format)
        kt_json_set_string(arena, annotations, KT_ANNOTATION_DATASET_FORMAT, format);
    kt_workload_own(arena, job, workspace);
    cJSON *spec = kt_json_ensure_object(arena, job, "spec");
    kt_json_set_int(arena, spec, "backoffLimit", 0);
    cJSON *template_ = kt_json_ensure_object(arena, spec, "template");
    cJSON *labels = kt_json_ensure_object(arena, kt_json_ensure_object(arena, template_, "metadata"), "labels");
    kt_workload_label(arena, labels, workspace, "tuning");
    kt_json_set(arena, template_, "spec", pod->spec);
    return job;
}

static uint32_t count_gpus(const struct kt_tuning_plan *plan, const struct kt_tuning_job_facts *facts)
{
    return facts->gpu_count > 0 ? facts->gpu_count : plan->sku ? plan->sku->gpu_count : 0;
}

/* On a GPU without kernels in the image the trainer would end at its first step. */
static int check_image(struct kt_arena *arena, const struct kt_tuning_plan *plan, struct kt_error *error)
{
    const struct kt_sku *sku = plan->sku;
    const char *why = kt_trainer_refusal(arena, plan->settings, &plan->trainer, sku ? sku->gpu_model : NULL,
                                         plan->compute_capability, plan->qlora);
    if (!why)
        return plan->trainer.runs ? 0 : kt_error_set(error, KT_ENOMEM, "no memory to say why no image can train");
    return kt_error_set(error, KT_EINVAL, "%s: %s%s%s", sku ? "resource.instanceType" : "resource.labelSelector", why,
                        sku && sku->replacement ? "; the nearest current machine type is "
                        : sku                   ? ""
                                                : "; choose nodes with a newer GPU",
                        sku && sku->replacement ? sku->replacement : "");
}

int kt_tuning_job(struct kt_arena *arena, const struct kt_tuning_plan *plan, const struct kt_tuning_job_facts *facts,
                  cJSON **ret, struct kt_error *error)
{
    struct kt_tuning_pod pod = {.arena = arena, .plan = plan, .gpu_count = count_gpus(plan, facts)};
    cJSON *training_config = NULL;
    int code = check_image(arena, plan, error);
    if (code < 0)
        return code;
    if (pod.gpu_count == 0)
        return kt_error_set(error, KT_EINVAL,
                            "it is not known how many GPUs a node has: resource.instanceType \"%.64s\" is not in the "
                            "catalogue, and no node says so by its " KT_GPU_RESOURCE " capacity",
                            plan->workspace.resource.instance_type ? plan->workspace.resource.instance_type : "");
    code = kt_training_config_read(arena, facts->config_map, &training_config, error);
    code = code < 0 ? code : kt_training_output_dir(arena, training_config, &pod.output_dir, error);
    code = code < 0 ? code : build_pod(&pod, training_config, error);
    if (code < 0)
        return code;
    cJSON *job = build_job(&pod, facts);
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "no memory for a Job");
    *ret = job;
    return 0;
}
