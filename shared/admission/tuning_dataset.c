/* SPDX-License-Identifier: Apache-2.0 */
/* Family T: what the rows of the data are, and their conversion before the training. */
#include "admission/config_values.h"
#include "admission/rules_tuning.h"
#include "admission/tuning_input.h"
#include "dataset/dataset.h"

#define FIELD_FORMAT "metadata.annotations[" KT_ANNOTATION_DATASET_FORMAT "]"

static const char *format_of(const struct kt_facts *facts)
{
    const char *format = kt_workspace_annotation(&facts->now, KT_ANNOTATION_DATASET_FORMAT);
    return format != NULL && format[0] != '\0' ? format : NULL;
}

enum kt_tuning_data kt_tuning_data_of(const struct kt_facts *facts)
{
    enum kt_dataset_conversion conversion;
    if (facts->settings->release_image != NULL || !kt_dataset_conversion_parse(format_of(facts), &conversion) ||
        conversion == KT_CONVERT_NOTHING)
        return kt_tuning_data_declared(facts->config.values);
    return kt_dataset_converts_to(conversion) == KT_ROW_MESSAGES ? KT_DATA_MESSAGES : KT_DATA_COMPLETIONS;
}

void kt_tuning_check_dataset_format(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *format = format_of(facts);
    enum kt_dataset_conversion conversion;
    if (format == NULL)
        return;
    if (!kt_dataset_conversion_parse(format, &conversion)) {
        kt_rule_report(run, FIELD_FORMAT, KT_PROBLEM_UNSUPPORTED, format,
                       "supported values: \"text\" (rows with a column text), \"alpaca\" (instruction, input, output); "
                       "without it rows are trained as they are: messages, or prompt and completion");
        return;
    }
    struct kt_finding *finding =
        facts->settings->release_image == NULL
            ? NULL
            : kt_rule_report(run, FIELD_FORMAT, KT_PROBLEM_NOTE, NULL,
                             "the operator of Kaito %s does not know this annotation and converts no rows: convert "
                             "them before",
                             facts->settings->release_image->release);
    if (finding != NULL)
        finding->severity = KT_SEVERITY_WARNING;
}

void kt_tuning_check_dataset_config(struct kt_rule_run *run)
{
    static const char *const keys[] = {"dataset_path", "dataset_extension"};
    const struct kt_facts *facts = run->facts;
    if (format_of(facts) == NULL || facts->settings->release_image != NULL || !kt_tuning_config_settled(facts))
        return;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(keys); i++) {
        if (kt_config_value(facts->config.values, "DatasetConfig", keys[i]) != NULL)
            kt_rule_report(run, FIELD_FORMAT, KT_PROBLEM_FORBIDDEN, NULL,
                           "the tuning config has DatasetConfig.%s, by which the trainer would read the rows before "
                           "they are converted; take one of the two out",
                           keys[i]);
    }
}
