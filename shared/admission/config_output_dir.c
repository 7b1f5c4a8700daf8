/* SPDX-License-Identifier: Apache-2.0 */
/* Family C, tuning: where the trainer writes the adapter. */
#include "admission/rule_words.h"
#include "admission/config_values.h"
#include "admission/rules_config.h"
#include "admission/training_keys.h"
#include "admission/tuning_input.h"
#include "text/clean_path.h"

/* Upstream joins every value below /mnt, cleans it, and compares the beginning as text. */
static bool upstream_refuses_directory(struct kt_arena *arena, const char *directory)
{
    const char *joined = kt_arena_printf(arena, "/mnt/%s", directory);
    const char *cleaned = joined != NULL ? kt_clean_path(arena, joined) : NULL;
    return cleaned != NULL && (kt_streq(cleaned, "/mnt") || strncmp(cleaned, "/mnt", 4) != 0);
}

static bool is_in(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

const char *kt_output_dir_trouble(struct kt_arena *arena, const char *directory)
{
    const char *cleaned = directory[0] == '/' ? kt_clean_path(arena, directory) : NULL;
    size_t length = strlen(directory);
    if (directory[0] != '/')
        return "it is not an absolute path, so the trainer writes it into its own folder and the adapter is lost with "
               "the pod";
    if (cleaned == NULL)
        return NULL; /* no memory */
    if (!is_in(cleaned, "/mnt") || kt_streq(cleaned, "/mnt"))
        return "it is not below /mnt/, where the result volume is mounted, so the adapter is lost with the pod";
    if (is_in(cleaned, "/mnt/data") || is_in(cleaned, "/mnt/config"))
        return "/mnt/data and /mnt/config hold the data and this config";
    while (length > 1 && directory[length - 1] == '/')
        length--;
    if (strlen(cleaned) != length || strncmp(cleaned, directory, length) != 0)
        return "it is not a clean path: the volume is mounted where the path leads without \"..\", \".\" and \"//\"";
    return NULL;
}

void kt_config_check_output_dir(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *value = kt_config_value(facts->config.values, "TrainingArguments", "output_dir");
    const char *directory = kt_json_string(value);
    const char *reason = NULL;
    enum kt_origin on_create = kt_rule_origin_on_create(facts);
    if (value == NULL)
        return;
    if (directory == NULL) {
        kt_config_report(run, on_create, KT_PROBLEM_INVALID, kt_training_value_text(facts->arena, value),
                         "TrainingArguments.output_dir must be text such as \"/mnt/results\", got %s",
                         kt_json_kind(value));
        return;
    }
    reason = kt_output_dir_trouble(facts->arena, directory);
    if (reason != NULL)
        kt_config_report(run, upstream_refuses_directory(facts->arena, directory) ? on_create : KT_ORIGIN_OWN,
                         KT_PROBLEM_INVALID, directory,
                         "TrainingArguments.output_dir: %s; use a folder such as \"/mnt/results\"", reason);
}

void kt_config_check_output_dir_given(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (facts->config.values != NULL &&
        kt_config_value(facts->config.values, "TrainingArguments", "output_dir") == NULL)
        kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_REQUIRED, NULL,
                         "TrainingArguments.output_dir is not set: the trainer then writes the adapter outside the "
                         "mounted result volume, and it is lost with the pod; set it to \"/mnt/results\"");
}
