/* SPDX-License-Identifier: Apache-2.0 */
/* The init container that looks at the rows of the data, and converts them where kaito.sh/dataset-format says so. It
 * runs in the trainer's image, which is on the node then, and has Python and what reads Parquet. */
#include <inttypes.h>

#include "admission/config_values.h"
#include "admission/tuning_input.h"
#include "dataset/dataset.h"
#include "workload/names.h"
#include "workload/pod.h"
#include "workload/tuning_pod.h"

/* Rows of a volume of the user's are converted into one of our own. Outside of /mnt, where the config may put results.
 */
#define CONVERTED_VOLUME "dataset-volume"
#define CONVERTED_DIR "/workspace/dataset"

static void add_script(struct kt_tuning_pod *pod, cJSON *container)
{
    cJSON *command = kt_json_new_array(pod->arena), *arguments = kt_json_new_array(pod->arena);
    kt_json_append(pod->arena, command, kt_json_new_string(pod->arena, "python3"));
    kt_json_append(pod->arena, command, kt_json_new_string(pod->arena, "-c"));
    kt_json_append(pod->arena, arguments, kt_json_new_string(pod->arena, kt_embedded_dataset.text));
    kt_json_set(pod->arena, container, "command", command);
    kt_json_set(pod->arena, container, "args", arguments);
}

static bool trains_in_batches(const cJSON *sections, const char *key)
{
    double size = KT_LIBRARY_DEFAULT_BATCH_SIZE;
    kt_config_number(sections, "TrainingArguments", key, &size);
    return size > 1;
}

/* Do rows of prompt and completion go with the batch sizes of the config? */
static bool takes_completions(const struct kt_tuning_pod *pod, const cJSON *sections)
{
    const char *evaluates = kt_config_text(sections, "TrainingArguments", "eval_strategy");
    if (kt_trainer_image_batches(pod->plan->trainer.image, KT_DATA_COMPLETIONS))
        return true;
    return !trains_in_batches(sections, "per_device_train_batch_size") &&
           (!evaluates || kt_streq(evaluates, "no") || !trains_in_batches(sections, "per_device_eval_batch_size"));
}

static void add_text(struct kt_tuning_pod *pod, cJSON *container, const char *name, const char *value)
{
    if (value && value[0])
        kt_pod_env(pod->arena, container, name, value);
}

static void add_settings(struct kt_tuning_pod *pod, cJSON *container, const cJSON *sections, const char *output)
{
    const char *format = kt_workspace_annotation(&pod->plan->workspace, KT_ANNOTATION_DATASET_FORMAT);
    bool has_urls = kt_json_count(pod->plan->workspace.tuning.input.urls) > 0;
    kt_pod_env(pod->arena, container, "DATA_VOLUME_PATH", KT_DATA_DIR);
    add_text(pod, container, "DATASET_FORMAT", format);
    add_text(pod, container, "DATASET_OUTPUT", output);
    kt_pod_env(pod->arena, container, "DATASET_FILES", has_urls || (format && format[0]) ? "all" : "first");
    add_text(pod, container, "DATASET_PATH", kt_config_text(sections, "DatasetConfig", "dataset_path"));
    add_text(pod, container, "DATASET_EXTENSION", kt_config_text(sections, "DatasetConfig", "dataset_extension"));
    add_text(pod, container, "DATASET_EXACT", pod->plan->trainer.image->exact_rows ? "yes" : NULL);
    add_text(pod, container, "DATASET_COMPLETIONS", takes_completions(pod, sections) ? NULL : "no");
}

static void mount_user_volume(struct kt_tuning_pod *pod, cJSON *container, bool converts)
{
    kt_json_set_bool(pod->arena, kt_json_item(kt_json_get(container, "volumeMounts"), 0), "readOnly", true);
    if (!converts)
        return;
    kt_pod_volume(pod->arena, pod->volumes, CONVERTED_VOLUME, "emptyDir", kt_json_new_object(pod->arena));
    kt_pod_mount(pod->arena, container, CONVERTED_VOLUME, CONVERTED_DIR);
    kt_pod_mount(pod->arena, pod->trainer, CONVERTED_VOLUME, CONVERTED_DIR);
    kt_pod_env(pod->arena, pod->trainer, "DATASET_FOLDER_PATH", CONVERTED_DIR); /* where the trainer looks for data */
}

void kt_tuning_add_dataset(struct kt_tuning_pod *pod, const cJSON *sections)
{
    const struct kt_data_source *input = &pod->plan->workspace.tuning.input;
    const char *format = kt_workspace_annotation(&pod->plan->workspace, KT_ANNOTATION_DATASET_FORMAT);
    bool converts = format && format[0];
    bool is_own = (input->image && input->image[0]) || kt_json_count(input->urls) > 0;
    cJSON *container =
        kt_pod_container(pod->arena, KT_DATASET_CONTAINER, kt_json_string_or(kt_json_get(pod->trainer, "image"), ""),
                         KT_POD_NO_NEW_RIGHTS);
    add_script(pod, container);
    add_settings(pod, container, sections, is_own ? KT_DATA_DIR : converts ? CONVERTED_DIR : NULL);
    kt_pod_mount(pod->arena, container, KT_DATA_VOLUME, KT_DATA_DIR);
    if (!is_own)
        mount_user_volume(pod, container, converts);
    kt_json_append(pod->arena, pod->init_containers, container);
}
