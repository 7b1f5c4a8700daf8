/* SPDX-License-Identifier: Apache-2.0 */
/* The Job of a tuning: its twelve shapes, what a user's text can do in it (nothing), and what is refused. */
#include "base/embedded.h"
#include "base/limits.h"
#include "tests/lib/admission_case.h"
#include "tests/lib/cmocka_all.h"
#include "workload/names.h"
#include "workload/tuning.h"

static struct kt_admission_case test;
static struct kt_error error;
static uint32_t node_capability;
static const char *config_text; /* of the config map that the Job mounts */
static uint32_t gpu_count;

static int set_up(void **state KT_UNUSED)
{
    kt_admission_case_init(&test);
    config_text = "training_config:\n  TrainingArguments:\n    output_dir: /mnt/results\n";
    gpu_count = 0;
    node_capability = 0;
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_admission_case_release(&test);
    return 0;
}

static int build(const cJSON *object, cJSON **ret)
{
    struct kt_tuning_plan plan;
    cJSON *map = kt_json_new_object(&test.arena);
    error = (struct kt_error){0};
    kt_json_set_string(&test.arena, kt_json_ensure_object(&test.arena, map, "metadata"), "name", "cm");
    if (config_text)
        kt_json_set_string(&test.arena, kt_json_ensure_object(&test.arena, map, "data"), KT_TUNING_CONFIG_KEY,
                           config_text);
    const struct kt_tuning_job_facts facts = {.config_map = map, .gpu_count = gpu_count};
    int code = kt_tuning_plan(&test.arena, object, &test.settings, node_capability, &plan, &error);
    return code < 0 ? code : kt_tuning_job(&test.arena, &plan, &facts, ret, &error);
}

static cJSON *changed(const char *patch)
{
    return kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
}

static cJSON *job_of(const char *patch)
{
    cJSON *job = NULL;
    if (build(changed(patch), &job) < 0)
        fail_msg("%s: %s", patch, error.message);
    return job;
}

static cJSON *pod_of(const char *patch)
{
    return kt_json_path(job_of(patch), "spec", "template", "spec", NULL);
}

static void assert_refused(const char *patch, const char *words)
{
    cJSON *job = NULL;
    if (build(changed(patch), &job) != KT_EINVAL || job)
        fail_msg("%s is not refused", patch);
    if (!strstr(error.message, words))
        fail_msg("not about \"%s\": %s", words, error.message);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static cJSON *named(const cJSON *list, const char *name)
{
    cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (kt_streq(kt_json_string_or(kt_json_get(item, "name"), ""), name))
            return item;
    }
    return NULL;
}

static const char *names_of(const cJSON *list)
{
    struct kt_strbuf text;
    const cJSON *item;
    kt_strbuf_init(&text, &test.arena, (size_t)KT_KIB);
    cJSON_ArrayForEach(item, list)
    {
        kt_strbuf_printf(&text, "%s%s", text.length ? " " : "", kt_json_string_or(kt_json_get(item, "name"), "?"));
    }
    return text.data;
}

static const char *env_of(const cJSON *pod, const char *containers, const char *container, const char *variable)
{
    const cJSON *env = kt_json_get(named(kt_json_get(pod, containers), container), "env");
    return kt_json_string_or(kt_json_get(named(env, variable), "value"), "");
}

static const char *mount_of(const cJSON *pod, const char *container, const char *volume)
{
    const cJSON *mounts = kt_json_get(named(kt_json_get(pod, "containers"), container), "volumeMounts");
    return kt_json_string_or(kt_json_get(named(mounts, volume), "mountPath"), "");
}

/* --- shapes ------------------------------------------------------------------------------------------------------- */

struct shape {
    const char *patch;
    const char *init_containers;
    const char *containers;
    const char *volumes;
};

#define URLS "\"input\":{\"name\":\"ds\",\"urls\":[\"https://a.io/1.parquet\"]}"
#define IMAGE "\"input\":{\"name\":\"ds\",\"urls\":null,\"image\":\"r.io/d:1\",\"imagePullSecrets\":[\"p\"]}"
#define VOLUME "\"input\":{\"urls\":null,\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":\"in\"}}}"
#define TO_IMAGE "\"output\":{\"image\":\"r.io/out:1\",\"imagePushSecret\":\"push\",\"volumeSource\":null}"
#define TO_VOLUME                                                                                                     \
    "\"output\":{\"image\":null,\"imagePushSecret\":null,\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":" \
    "\"out\"}}}"
#define BASE_VOLUMES "dshm model-weights-volume config-volume results-volume"
#define WEIGHTS "model-weights-downloader"

static const struct shape SHAPES[] = {
    {URLS "," TO_IMAGE, WEIGHTS " data-downloader dataset", "w pusher", BASE_VOLUMES " docker-config data-volume"},
    {URLS "," TO_VOLUME, WEIGHTS " data-downloader dataset", "w", BASE_VOLUMES " data-volume"},
    {IMAGE "," TO_IMAGE, WEIGHTS " puller dataset", "w pusher",
     BASE_VOLUMES " docker-config docker-config-ds-tuning-input data-volume"},
    {IMAGE "," TO_VOLUME, WEIGHTS " puller dataset", "w", BASE_VOLUMES " docker-config-ds-tuning-input data-volume"},
    {VOLUME "," TO_IMAGE, WEIGHTS " dataset", "w pusher", BASE_VOLUMES " docker-config data-volume"},
    {VOLUME "," TO_VOLUME, WEIGHTS " dataset", "w", BASE_VOLUMES " data-volume"},
};

static const char *shape_patch(const struct shape *shape, const char *method)
{
    return kt_arena_printf(&test.arena,
                           "{\"metadata\":{\"name\":\"w\",\"uid\":\"u-1\"},\"tuning\":{\"method\":\"%s\",%s}}", method,
                           shape->patch);
}

/* Same for all shapes: promises about what runs. */
static void assert_sound(const cJSON *job)
{
    static const char *const lists[] = {"initContainers", "containers"};
    int64_t backoff = -1;
    const cJSON *pod = kt_json_path(job, "spec", "template", "spec", NULL);
    assert_true(kt_json_int64(kt_json_path(job, "spec", "backoffLimit", NULL), &backoff) && backoff == 0);
    assert_string_equal(kt_json_string(kt_json_get(pod, "restartPolicy")), "Never");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lists); i++) {
        const cJSON *container;
        cJSON_ArrayForEach(container, kt_json_get(pod, lists[i]))
        {
            const char *image = kt_json_string_or(kt_json_get(container, "image"), "");
            const char *version = strrchr(image, ':');
            assert_true(version && !strchr(version, '/') && !kt_streq(version, ":latest"));
            assert_true(kt_json_is_bool(kt_json_path(container, "securityContext", "allowPrivilegeEscalation", NULL)));
            assert_false(kt_json_true(kt_json_path(container, "securityContext", "allowPrivilegeEscalation", NULL)));
            assert_string_equal(kt_json_string(kt_json_get(container, "terminationMessagePolicy")),
                                "FallbackToLogsOnError");
            const cJSON *mount;
            cJSON_ArrayForEach(mount, kt_json_get(container, "volumeMounts"))
            {
                assert_non_null(named(kt_json_get(pod, "volumes"), kt_json_string(kt_json_get(mount, "name"))));
            }
        }
    }
}

static void every_shape_has_its_containers(void **state KT_UNUSED)
{
    static const char *const methods[] = {"lora", "qlora"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(SHAPES) * 2; i++) {
        const struct shape *shape = &SHAPES[i / 2];
        const char *method = methods[i % 2];
        const cJSON *job = job_of(shape_patch(shape, method));
        const cJSON *pod = kt_json_path(job, "spec", "template", "spec", NULL);
        assert_sound(job);
        assert_string_equal(names_of(kt_json_get(pod, "initContainers")), shape->init_containers);
        assert_string_equal(names_of(kt_json_get(pod, "containers")), shape->containers);
        assert_string_equal(names_of(kt_json_get(pod, "volumes")), shape->volumes);
        assert_int_equal(kt_json_true(kt_json_get(pod, "shareProcessNamespace")),
                         strstr(shape->containers, "pusher") != NULL);
        const cJSON *config = named(kt_json_get(pod, "volumes"), "config-volume");
        assert_string_equal(kt_json_string(kt_json_path(config, "configMap", "name", NULL)),
                            kt_arena_printf(&test.arena, "%s-params-template", method));
        assert_string_equal(mount_of(pod, "w", "results-volume"), "/mnt/results");
        assert_string_equal(mount_of(pod, "w", "data-volume"), "/mnt/data");
    }
}

/* With the containers of our own: the output is checked before anything is fetched, and looked after at the end. */
static void with_pod_checks_the_output_is_checked_first(void **state KT_UNUSED)
{
    test.settings.pod_checks = true;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(SHAPES); i++) {
        const struct shape *shape = &SHAPES[i];
        const cJSON *job = job_of(shape_patch(shape, "lora"));
        const cJSON *pod = kt_json_path(job, "spec", "template", "spec", NULL);
        bool is_pushed = strstr(shape->containers, "pusher") != NULL;
        const char *last = is_pushed ? "pusher" : "output-verifier";
        assert_sound(job);
        assert_string_equal(names_of(kt_json_get(pod, "initContainers")),
                            kt_arena_printf(&test.arena, "output-check %s", shape->init_containers));
        assert_string_equal(names_of(kt_json_get(pod, "containers")), kt_arena_printf(&test.arena, "w %s", last));
        assert_true(kt_json_true(kt_json_get(pod, "shareProcessNamespace")));
        assert_string_equal(env_of(pod, "initContainers", "output-check", "ADAPTER_STEP"), "check");
        assert_string_equal(env_of(pod, "initContainers", "output-check", "OUTPUT_IMAGE"),
                            is_pushed ? "r.io/out:1" : "");
        assert_string_equal(env_of(pod, "containers", last, "ADAPTER_STEP"), is_pushed ? "push" : "look");
        assert_string_equal(mount_of(pod, last, "results-volume"), "/mnt/results");
        assert_string_equal(mount_of(pod, last, "output-watch"), env_of(pod, "containers", last, "WATCH_FOLDER"));
        const cJSON *mounts = kt_json_get(named(kt_json_get(pod, "containers"), "w"), "volumeMounts");
        assert_string_equal(kt_json_string(kt_json_get(named(mounts, "output-watch"), "subPath")), "started");
    }
}

static void a_users_volume_is_taken_as_it_is(void **state KT_UNUSED)
{
    const cJSON *volumes = kt_json_get(pod_of(shape_patch(&SHAPES[5], "lora")), "volumes");
    assert_string_equal(kt_test_json_text(&test.arena, named(volumes, "data-volume")),
                        "{\"name\":\"data-volume\",\"persistentVolumeClaim\":{\"claimName\":\"in\"}}");
    assert_string_equal(kt_test_json_text(&test.arena, named(volumes, "results-volume")),
                        "{\"name\":\"results-volume\",\"persistentVolumeClaim\":{\"claimName\":\"out\"}}");
}

static void it_belongs_to_the_workspace(void **state KT_UNUSED)
{
    const cJSON *metadata = kt_json_get(job_of(shape_patch(&SHAPES[0], "lora")), "metadata");
    assert_string_equal(kt_test_json_text(&test.arena, kt_json_get(metadata, "ownerReferences")),
                        "[{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",\"name\":\"w\",\"uid\":\"u-1\","
                        "\"controller\":true,\"blockOwnerDeletion\":true}]");
    assert_string_equal(kt_json_string(kt_json_path(metadata, "labels", KT_LABEL_WORKSPACE, NULL)), "w");
    assert_string_equal(kt_json_string(kt_json_path(metadata, "annotations", KT_ANNOTATION_REVISION, NULL)), "1");
}

static void methods_are_read_in_any_case(void **state KT_UNUSED)
{
    static const char *const methods[] = {"LoRA", "QLoRA", "", NULL};
    for (size_t i = 0; methods[i]; i++) {
        const cJSON *pod = pod_of(kt_arena_printf(&test.arena, "{\"tuning\":{\"method\":\"%s\"}}", methods[i]));
        const cJSON *config = named(kt_json_get(pod, "volumes"), "config-volume");
        assert_string_equal(kt_json_string(kt_json_path(config, "configMap", "name", NULL)),
                            i == 0 ? "lora-params-template" : "qlora-params-template");
    }
    assert_refused("{\"tuning\":{\"method\":\"full\"}}", "tuning.method: \"full\"");
}

/* --- GPUs --------------------------------------------------------------------------------------------------------- */

static void gpus_are_those_of_the_machine(void **state KT_UNUSED)
{
    const char *two = "{\"metadata\":{\"name\":\"w\"},\"resource\":{\"instanceType\":\"Standard_NC48ads_A100_v4\"}}";
    const cJSON *trainer = named(kt_json_get(pod_of(two), "containers"), "w");
    assert_string_equal(kt_json_string(kt_json_path(trainer, "resources", "limits", KT_GPU_RESOURCE, NULL)), "2");
    assert_non_null(strstr(kt_json_string(kt_json_item(kt_json_get(trainer, "command"), 2)), "--num_processes=2 "));
    gpu_count = 4; /* what the node says counts more */
    trainer = named(kt_json_get(pod_of(two), "containers"), "w");
    assert_string_equal(kt_json_string(kt_json_path(trainer, "resources", "requests", KT_GPU_RESOURCE, NULL)), "4");
    gpu_count = 0;
    assert_refused("{\"resource\":{\"instanceType\":\"bogus\"}}", "it is not known how many GPUs");
}

struct image_row {
    const char *machine; /* NULL: nodes of the user's own */
    uint32_t node_capability;
    const char *trainer_image;
    const char *tag; /* NULL: no image runs */
    const char *template_name;
};

static const char *image_patch(const struct image_row *row, const char *method)
{
    return kt_arena_printf(&test.arena,
                           "{\"metadata\":{\"name\":\"w\"},\"resource\":{\"instanceType\":%s%s%s},"
                           "\"tuning\":{\"method\":\"%s\"}}",
                           row->machine ? "\"" : "", row->machine ? row->machine : "null", row->machine ? "\"" : "",
                           method);
}

static void the_gpu_decides_the_image_and_the_template(void **state KT_UNUSED)
{
    static const struct image_row rows[] = {
        {"Standard_NC6s_v3", 0, NULL, "0.2.8", "lora-params-template-below-8.0"},     /* V100 */
        {"Standard_NC4as_T4_v3", 0, NULL, "0.2.8", "lora-params-template-below-8.0"}, /* T4 */
        {"Standard_NV36ads_A10_v5", 0, NULL, "0.4.2", "lora-params-template"},        /* A10 */
        {"Standard_NC24ads_A100_v4", 0, NULL, "0.4.2", "lora-params-template"},       /* A100 */
        {"Standard_NC24ads_A100_v4", 70, NULL, "0.4.2", "lora-params-template"},      /* the catalogue knows it */
        {"Standard_NC24ads_A100_v4", 0, "0.5.0", "0.5.0", "lora-params-template"},    /* as it is set */
        {"Standard_NC24ads_A100_v4", 0, "9.9", "9.9", "lora-params-template"},        /* one without a row too */
        {"Standard_NC6s_v3", 0, "0.5.0", NULL, NULL},                                 /* it has no kernels there */
        {"Standard_NC12s_v2", 0, NULL, NULL, NULL},                                   /* P100 */
        {NULL, 70, NULL, "0.2.8", "lora-params-template-below-8.0"},
        {NULL, 86, NULL, "0.4.2", "lora-params-template"},
        {NULL, 0, NULL, "0.2.8", "lora-params-template"}, /* its kernels reach from the oldest to the newest */
        {NULL, 61, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        const struct image_row *row = &rows[i];
        struct kt_tuning_plan plan;
        cJSON *job = NULL;
        node_capability = row->node_capability;
        gpu_count = 1;
        test.settings.trainer_image = row->trainer_image;
        test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = row->machine == NULL;
        cJSON *object = changed(image_patch(row, "lora"));
        assert_int_equal(kt_tuning_plan(&test.arena, object, &test.settings, node_capability, &plan, &error), 0);
        int code = build(object, &job);
        if (row->tag == NULL) {
            assert_int_equal(code, KT_EINVAL);
            continue;
        }
        assert_int_equal(code, 0);
        assert_string_equal(plan.template_name, row->template_name);
        assert_string_equal(plan.config_map, row->template_name);
        const cJSON *pod = kt_json_path(job, "spec", "template", "spec", NULL);
        const char *image = kt_json_string(kt_json_get(named(kt_json_get(pod, "containers"), "w"), "image"));
        assert_string_equal(image, kt_arena_printf(&test.arena, "mcr.microsoft.com/aks/kaito/kaito-base:%s", row->tag));
    }
}

static void a_gpu_without_an_image_is_told_what_would_work(void **state KT_UNUSED)
{
    assert_refused("{\"resource\":{\"instanceType\":\"Standard_NC12s_v2\"}}",
                   "resource.instanceType: no image that trains has kernels for NVIDIA P100 (compute capability 6.0)");
    assert_non_null(strstr(error.message, "begin at 7.0"));
    assert_non_null(strstr(error.message, "nearest current machine type is Standard_NC24ads_A100_v4"));
    test.settings.trainer_image = "0.5.0";
    assert_refused("{\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"}}", "kaito-base:0.5.0");
    assert_non_null(strstr(error.message, "kaito-base:0.2.8 has them"));
    test.settings.trainer_image = NULL;
    test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = true;
    node_capability = 52;
    assert_refused("{\"resource\":{\"instanceType\":null}}", "choose nodes with a newer GPU");
}

static void the_users_own_config_is_left_alone(void **state KT_UNUSED)
{
    struct kt_tuning_plan plan;
    cJSON *object = changed("{\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"},\"tuning\":{\"config\":\"mine\"}}");
    assert_int_equal(kt_tuning_plan(&test.arena, object, &test.settings, 0, &plan, &error), 0);
    assert_string_equal(plan.config_map, "mine");
    assert_null(plan.template_name);
    assert_string_equal(plan.trainer.tag, "0.2.8");
}

static void target_modules_exist_in_the_model(void **state KT_UNUSED)
{
    const cJSON *pod =
        pod_of("{\"metadata\":{\"name\":\"w\"},\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-4k-instruct\"}}}");
    assert_string_equal(env_of(pod, "containers", "w", "DEFAULT_TARGET_MODULES"), "o_proj,down_proj");
    pod = pod_of("{\"metadata\":{\"name\":\"w\"},\"tuning\":{\"preset\":{\"name\":\"phi-4\"}}}");
    assert_string_equal(env_of(pod, "containers", "w", "DEFAULT_TARGET_MODULES"),
                        "qkv_proj,o_proj,gate_up_proj,down_proj");
}

static void only_tunable_models_are_taken(void **state KT_UNUSED)
{
    assert_refused("{\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-128k-instrct\"}}}",
                   "did you mean \"phi-3-mini-128k-instruct\"?");
    assert_refused("{\"tuning\":{\"preset\":{\"name\":\"llama-3.1-8b-instruct\"}}}", "cannot be fine-tuned");
    assert_refused("{\"tuning\":{\"preset\":{\"name\":null}}}", "needs the name of a model");
}

/* --- where it runs ------------------------------------------------------------------------------------------------ */

static void nodes_are_chosen_by_the_labels(void **state KT_UNUSED)
{
    const char *patch = "{\"resource\":{\"labelSelector\":{\"matchLabels\":{\"app\":null,\"tier\":\"gpu\","
                        "\"kaito.sh/workspace\":\"of-another\"}}}}";
    const char *text = kt_test_json_text(&test.arena, kt_json_get(pod_of(patch), "affinity"));
    assert_non_null(strstr(text, "{\"key\":\"tier\",\"operator\":\"In\",\"values\":[\"gpu\"]}"));
    assert_null(strstr(text, "of-another"));
    text = kt_test_json_text(
        &test.arena,
        kt_json_get(pod_of("{\"metadata\":{\"name\":\"w\"},\"resource\":{\"labelSelector\":null}}"), "affinity"));
    assert_non_null(strstr(text, "{\"key\":\"apps\",\"operator\":\"In\",\"values\":[\"w\"]}")); /* D03 */
}

/* --- text of the user's ------------------------------------------------------------------------------------------- */

static size_t count_text(const cJSON *node, const char *text)
{
    const cJSON *child;
    const char *own = kt_json_string(node);
    size_t count = own && strstr(own, text) ? 1 : 0;
    cJSON_ArrayForEach(child, node)
    {
        count += count_text(child, text);
    }
    return count;
}

/* Each line of the trainer's log must come when it is written, those of its bar too. */
static void progress_is_not_kept_back(void **state KT_UNUSED)
{
    const cJSON *pod =
        pod_of("{\"metadata\":{\"name\":\"w\"},\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-4k-instruct\"}}}");
    assert_string_equal(env_of(pod, "containers", "w", "PYTHONUNBUFFERED"), "1");
    assert_true(kt_str_ends_with(kt_str(env_of(pod, "containers", "w", "TQDM_BAR_FORMAT")), KT_STR("\n")));
}

#define ANNOTATED(format) "\"metadata\":{\"name\":\"w\",\"annotations\":{\"kaito.sh/dataset-format\":\"" format "\"}},"

static const char *dataset_env(const cJSON *pod, const char *variable)
{
    return env_of(pod, "initContainers", "dataset", variable);
}

/* The look at the rows runs in the trainer's image, and knows what the trainer will read. */
static void rows_are_looked_at_before_the_training(void **state KT_UNUSED)
{
    const cJSON *pod = pod_of("{\"metadata\":{\"name\":\"w\"}}");
    assert_string_equal(kt_json_string(kt_json_get(named(kt_json_get(pod, "initContainers"), "dataset"), "image")),
                        kt_json_string(kt_json_get(named(kt_json_get(pod, "containers"), "w"), "image")));
    assert_string_equal(dataset_env(pod, "DATASET_FILES"), "all");
    assert_string_equal(dataset_env(pod, "DATASET_OUTPUT"), "/mnt/data");
    assert_string_equal(dataset_env(pod, "DATASET_FORMAT"), "");
    assert_string_equal(dataset_env(pod, "DATASET_EXACT"), "");
    pod = pod_of("{\"metadata\":{\"name\":\"w\"},\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"}}");
    assert_string_equal(dataset_env(pod, "DATASET_EXACT"), "yes");
    config_text = "training_config:\n  DatasetConfig: {dataset_path: /data/$(X)/*.json, dataset_extension: json}\n"
                  "  TrainingArguments: {per_device_train_batch_size: 2}\n";
    pod = pod_of("{\"metadata\":{\"name\":\"w\"}}");
    assert_string_equal(dataset_env(pod, "DATASET_PATH"), "/data/$$(X)/*.json");
    assert_string_equal(dataset_env(pod, "DATASET_EXTENSION"), "json");
    assert_string_equal(dataset_env(pod, "DATASET_COMPLETIONS"), "no");
    config_text = "training_config:\n  TrainingArguments: {per_device_train_batch_size: 1}\n";
    assert_string_equal(dataset_env(pod_of("{\"metadata\":{\"name\":\"w\"}}"), "DATASET_COMPLETIONS"), "");
}

/* Nothing is written to a volume of the user's: rows are converted into another, which the trainer then reads. */
static void rows_are_converted_where_the_trainer_looks(void **state KT_UNUSED)
{
    const cJSON *job = job_of("{" ANNOTATED("alpaca") "\"tuning\":{" VOLUME "}}");
    const cJSON *pod = kt_json_path(job, "spec", "template", "spec", NULL);
    const cJSON *mounts = kt_json_get(named(kt_json_get(pod, "initContainers"), "dataset"), "volumeMounts");
    assert_string_equal(kt_json_string(kt_json_path(job, "metadata", "annotations", "kaito.sh/dataset-format", NULL)),
                        "alpaca");
    assert_string_equal(dataset_env(pod, "DATASET_FORMAT"), "alpaca");
    assert_string_equal(dataset_env(pod, "DATASET_OUTPUT"), "/workspace/dataset");
    assert_true(kt_json_true(kt_json_get(named(mounts, "data-volume"), "readOnly")));
    assert_string_equal(env_of(pod, "containers", "w", "DATASET_FOLDER_PATH"), "/workspace/dataset");
    assert_string_equal(mount_of(pod, "w", "dataset-volume"), "/workspace/dataset");
    pod = pod_of("{\"metadata\":{\"name\":\"w\"},\"tuning\":{" VOLUME "}}");
    assert_string_equal(dataset_env(pod, "DATASET_OUTPUT"), "");
    assert_string_equal(dataset_env(pod, "DATASET_FILES"), "first");
    assert_string_equal(mount_of(pod, "w", "dataset-volume"), "");
    pod = pod_of("{" ANNOTATED("text") "\"tuning\":{" IMAGE "}}");
    assert_string_equal(dataset_env(pod, "DATASET_OUTPUT"), "/mnt/data");
    assert_string_equal(dataset_env(pod, "DATASET_FILES"), "all");
    assert_string_equal(env_of(pod, "containers", "w", "DATASET_FOLDER_PATH"), "");
}

static void hostile_urls_are_only_in_the_environment(void **state KT_UNUSED)
{
    const cJSON *job =
        job_of("{\"metadata\":{\"name\":\"w\"},\"tuning\":{\"input\":{\"urls\":[\"https://a.io/"
               "HOSTILE$(DATA_VOLUME_PATH)`id`'\\\";x.csv\","
               "\"https://a.io/two words\\nhttps://b.io/HOSTILE\\r\\t.csv\",\"https://a.io/$$HOSTILE\"]}}}");
    const cJSON *pod = kt_json_path(job, "spec", "template", "spec", NULL);
    assert_int_equal(count_text(job, "HOSTILE"), 1);
    assert_string_equal(env_of(pod, "initContainers", "data-downloader", "DATA_URLS"),
                        "https://a.io/HOSTILE$$(DATA_VOLUME_PATH)`id`'\";x.csv\n"
                        "https://a.io/two%20words%0Ahttps://b.io/HOSTILE%0D%09.csv\n"
                        "https://a.io/$$$$HOSTILE");
}

static void hostile_paths_and_names_are_only_data(void **state KT_UNUSED)
{
    config_text = "training_config:\n  TrainingArguments:\n    output_dir: /mnt/$(HOSTILE)`id`\n";
    const cJSON *job = job_of("{\"metadata\":{\"name\":\"w\"}}");
    const cJSON *pod = kt_json_path(job, "spec", "template", "spec", NULL);
    assert_int_equal(count_text(job, "HOSTILE"), 3); /* two mounts and a variable */
    assert_string_equal(env_of(pod, "containers", "pusher", "RESULTS_DIR"), "/mnt/$$(HOSTILE)`id`");
    assert_string_equal(mount_of(pod, "pusher", "results-volume"), "/mnt/$(HOSTILE)`id`");
}

/* An input's name that cannot be part of a volume's is left out of it. */
static void an_odd_name_of_the_data_does_no_harm(void **state KT_UNUSED)
{
    const cJSON *pod = pod_of("{\"tuning\":{\"input\":{\"name\":\"My_Data/..\",\"urls\":null,\"image\":\"busybox\"}}}");
    assert_non_null(named(kt_json_get(pod, "volumes"), "docker-config-tuning-input"));
    assert_string_equal(env_of(pod, "initContainers", "puller", "INPUT_IMAGE"), "docker.io/library/busybox:latest");
}

/* Kubernetes looks for $(NAME) in args: what it would find there must not be. */
static void scripts_pass_through_kubernetes_unchanged(void **state KT_UNUSED)
{
    const struct kt_embedded *const scripts[] = {&kt_embedded_download_data, &kt_embedded_pull_data,
                                                 &kt_embedded_adapter_output, &kt_embedded_dataset};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(scripts); i++) {
        assert_null(strstr(scripts[i]->text, "$$"));
        for (const char *at = strstr(scripts[i]->text, "$("); at; at = strstr(at + 1, "$(")) {
            size_t name = strspn(at + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
            assert_true(name == 0 || at[2 + name] != ')');
        }
    }
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void what_cannot_be_built_is_told(void **state KT_UNUSED)
{
    assert_refused("{\"metadata\":{\"name\":null}}", "metadata.name");
    assert_refused("{\"tuning\":null}", "has no tuning");
    assert_refused("{\"tuning\":{\"input\":null}}", "tuning.input: there is no data");
    assert_refused("{\"tuning\":{\"input\":{\"urls\":[\"https://a.io/x\",\"\"]}}}", "one of the URLs is empty");
    assert_refused("{\"tuning\":{\"input\":{\"urls\":null,\"image\":\"a.io/UPPER\"}}}", "tuning.input.image");
    assert_refused("{\"tuning\":{\"output\":null}}", "the adapter would go nowhere");
    assert_refused("{\"tuning\":{\"output\":{\"imagePushSecret\":null}}}", "needs a Secret");
    assert_refused("{\"tuning\":{\"output\":{\"image\":\"r.io/a@sha256:"
                   "0123456789012345678901234567890123456789012345678901234567890123\"}}}",
                   "pushed under a tag");
    config_text = NULL;
    assert_refused("{}", "config map cm has no text under data[\"training_config.yaml\"]");
    config_text = "training_config: [";
    assert_refused("{}", "config map cm, training_config.yaml");
    config_text = "a: b";
    assert_refused("{}", "must be a map with a map `training_config`");
    char *large = kt_arena_alloc(&test.arena, KT_LIMIT_CONFIG_TEXT_BYTES + 2);
    assert_non_null(large);
    memset(large, '#', KT_LIMIT_CONFIG_TEXT_BYTES + 1);
    config_text = large;
    assert_refused("{}", "its text has 65537 bytes, and at most 65536 are read");
}

/* A Workspace that was stored before admission looked at names: no request is made of it. */
static void a_config_that_is_no_name_is_refused(void **state KT_UNUSED)
{
    assert_refused("{\"tuning\":{\"config\":\"../../kaito-workspace/configmaps/lora-params-template\"}}",
                   "is not a name that a ConfigMap can have");
    assert_refused("{\"tuning\":{\"config\":\"Mine\"}}", "is not a name that a ConfigMap can have");
}

static void too_many_urls_are_refused(void **state KT_UNUSED)
{
    cJSON *object = kt_admission_case_tuning(&test);
    cJSON *urls = kt_json_new_array(&test.arena);
    for (size_t i = 0; i < KT_LIMIT_DATA_URLS_BYTES / 20; i++)
        kt_json_append(&test.arena, urls, kt_json_new_string(&test.arena, "https://a.io/0123456"));
    cJSON *job = NULL;
    kt_json_set(&test.arena, kt_json_path(object, "tuning", "input", NULL), "urls", urls);
    assert_int_equal(build(object, &job), KT_EINVAL);
    assert_non_null(strstr(error.message, "all URLs together"));
}

struct output_dir_row {
    const char *value;
    const char *path; /* NULL: refused */
};

static void results_are_mounted_where_the_trainer_writes(void **state KT_UNUSED)
{
    static const struct output_dir_row rows[] = {
        {"/mnt/results", "/mnt/results"},
        {"/mnt/results/", "/mnt/results"},
        {"results", "/mnt/results"}, /* as upstream */
        {"\"\"", "/mnt/output"},
        {"/mnt/a/../b//c/.", "/mnt/b/c"},
        {"/mnt", NULL},
        {"/mnt/..", NULL},
        {"../etc", NULL},
        {"/mnt/data", NULL},
        {"/mnt/config/", NULL},
        {"/mnt/a:b", NULL},
        {"[1]", NULL},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        cJSON *job = NULL;
        config_text =
            kt_arena_printf(&test.arena, "training_config:\n  TrainingArguments: {output_dir: %s}\n", rows[i].value);
        int code = build(changed("{\"metadata\":{\"name\":\"w\"}}"), &job);
        if (!rows[i].path) {
            assert_int_equal(code, KT_EINVAL);
            assert_non_null(strstr(error.message, "TrainingArguments.output_dir"));
            continue;
        }
        assert_int_equal(code, 0);
        const cJSON *pod = kt_json_path(job, "spec", "template", "spec", NULL);
        assert_string_equal(mount_of(pod, "w", "results-volume"), rows[i].path);
    }
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void without_memory_it_says_so(void **state KT_UNUSED)
{
    cJSON *object = kt_admission_case_tuning(&test);
    const char *whole = kt_test_json_text(&test.arena, job_of("{}"));
    cJSON *map = kt_test_json(&test.arena, "{\"data\":{\"training_config.yaml\":\"training_config:\\n  "
                                           "TrainingArguments: {output_dir: /mnt/results}\\n\"}}");
    bool is_built = false;
    for (size_t limit_bytes = 0; limit_bytes < (size_t)(256 * KT_KIB) && !is_built; limit_bytes += 512) {
        struct kt_tuning_plan plan;
        struct kt_arena arena;
        const struct kt_tuning_job_facts facts = {.config_map = map};
        cJSON *job = NULL;
        kt_arena_init(&arena, limit_bytes);
        int code = kt_tuning_plan(&arena, object, &test.settings, 0, &plan, &error);
        code = code < 0 ? code : kt_tuning_job(&arena, &plan, &facts, &job, &error);
        is_built = code == 0;
        assert_true(is_built ? kt_streq(kt_test_json_text(&test.arena, job), whole) : code == KT_ENOMEM);
        kt_arena_release(&arena);
    }
    assert_true(is_built);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_shape_has_its_containers),
        TEST(with_pod_checks_the_output_is_checked_first),
        TEST(a_users_volume_is_taken_as_it_is),
        TEST(it_belongs_to_the_workspace),
        TEST(methods_are_read_in_any_case),
        TEST(gpus_are_those_of_the_machine),
        TEST(the_gpu_decides_the_image_and_the_template),
        TEST(a_gpu_without_an_image_is_told_what_would_work),
        TEST(the_users_own_config_is_left_alone),
        TEST(target_modules_exist_in_the_model),
        TEST(only_tunable_models_are_taken),
        TEST(nodes_are_chosen_by_the_labels),
        TEST(progress_is_not_kept_back),
        TEST(rows_are_looked_at_before_the_training),
        TEST(rows_are_converted_where_the_trainer_looks),
        TEST(hostile_urls_are_only_in_the_environment),
        TEST(hostile_paths_and_names_are_only_data),
        TEST(an_odd_name_of_the_data_does_no_harm),
        TEST(scripts_pass_through_kubernetes_unchanged),
        TEST(what_cannot_be_built_is_told),
        TEST(a_config_that_is_no_name_is_refused),
        TEST(too_many_urls_are_refused),
        TEST(results_are_mounted_where_the_trainer_writes),
        TEST(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
