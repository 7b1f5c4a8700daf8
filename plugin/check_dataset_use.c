/* SPDX-License-Identifier: Apache-2.0 */
/* Training data beside the Workspaces that would train on it: `check -f FILE --dataset FILE`. */
#include "admission/config_values.h"
#include "plugin/check_dataset.h"
#include "sizing/sizing.h"

#define ARGUMENTS "TrainingArguments"

static bool is_above_one(const cJSON *values, const char *key)
{
    double size = KT_LIBRARY_DEFAULT_BATCH_SIZE;
    kt_config_number(values, ARGUMENTS, key, &size);
    return size > 1;
}

static const char *find_batch_key(const cJSON *values)
{
    const char *evaluates = kt_config_text(values, ARGUMENTS, "eval_strategy");
    if (is_above_one(values, "per_device_train_batch_size"))
        return "per_device_train_batch_size";
    if (evaluates && !kt_streq(evaluates, "no") && is_above_one(values, "per_device_eval_batch_size"))
        return "per_device_eval_batch_size";
    return NULL;
}

void kt_dataset_note_use(void *context, const struct kt_facts *facts)
{
    struct kt_dataset_uses *uses = context;
    const char *extension = kt_config_text(facts->config.values, "DatasetConfig", "dataset_extension");
    if (!facts->now.tuning.node || uses->count == KT_DATASET_MOST_USES)
        return;
    struct kt_dataset_use *use = &uses->items[uses->count++];
    *use = (struct kt_dataset_use){
        .workspace = kt_arena_strdup(uses->arena, facts->now.name ? facts->now.name : ""),
        .image = facts->trainer.image,
        .batch_key = facts->config.values ? find_batch_key(facts->config.values) : NULL,
        .extension = extension ? kt_arena_strdup(uses->arena, extension) : NULL,
    };
    if (facts->settings->release_image == NULL)
        kt_dataset_conversion_parse(kt_workspace_annotation(&facts->now, KT_ANNOTATION_DATASET_FORMAT),
                                    &use->conversion);
}

/* The word of dataset_extension that reads a file of this format. */
static const char *extension_of(enum kt_dataset_format format)
{
    static const char *const words[] = {
        [KT_DATASET_JSON_ROWS] = "json",
        [KT_DATASET_JSON_ARRAY] = "json",
        [KT_DATASET_CSV] = "csv",
        [KT_DATASET_PARQUET] = "parquet",
    };
    return format == KT_DATASET_OTHER ? NULL : words[format];
}

struct kt_dataset_verdict kt_dataset_judge_use(struct kt_arena *arena, const struct kt_checked_dataset *checked,
                                               const struct kt_dataset_use *use)
{
    const struct kt_dataset_setup *setup = checked->setup;
    const char *extension = extension_of(checked->report->format);
    enum kt_dataset_conversion conversion =
        setup->conversion != KT_CONVERT_NOTHING ? setup->conversion : use->conversion;
    struct kt_dataset_verdict verdict =
        kt_dataset_judge(arena, checked->report, use->image, conversion, setup->settings->release_image == NULL);
    if (use->extension && extension && !kt_streq(use->extension, extension)) {
        verdict.outcome = KT_DATASET_DIES;
        verdict.why =
            kt_arena_printf(arena, "its config says DatasetConfig.dataset_extension: %.32s, and the file is %s",
                            use->extension, extension);
        verdict.advice = NULL;
    } else if (verdict.outcome == KT_DATASET_BATCH_ONE && use->batch_key) {
        verdict.outcome = KT_DATASET_DIES;
        verdict.why = kt_arena_printf(arena, "its config has a %s above 1, and such rows are trained one at a time",
                                      use->batch_key);
    } else if (verdict.outcome == KT_DATASET_BATCH_ONE) {
        verdict = (struct kt_dataset_verdict){.outcome = KT_DATASET_READS};
    }
    return verdict;
}
