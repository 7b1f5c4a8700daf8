/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/training_config.h"

#include "admission/facts.h"
#include "admission/tuning_input.h"
#include "base/limits.h"
#include "workload/tuning.h"

#include "text/clean_path.h"
#include "text/yaml.h"
#include "workload/names.h"

#define ROOT "training_config"
#define BASE_DIR "/mnt"
#define DEFAULT_OUTPUT_DIR "/mnt/output"

static const char *name_of(const cJSON *config_map)
{
    return kt_json_string_or(kt_json_path(config_map, "metadata", "name", NULL), "");
}

int kt_training_config_read(struct kt_arena *arena, const cJSON *config_map, cJSON **ret, struct kt_error *error)
{
    struct kt_yaml_document document = {0};
    const char *name = name_of(config_map);
    const char *text = kt_json_string(kt_json_path(config_map, "data", KT_TUNING_CONFIG_KEY, NULL));
    if (!text)
        return kt_error_set(error, KT_EINVAL, "config map %.253s has no text under data[\"" KT_TUNING_CONFIG_KEY "\"]",
                            name);
    size_t length = strlen(text);
    int code = length > KT_LIMIT_CONFIG_TEXT_BYTES ? kt_config_too_large(length, error)
                                                   : kt_yaml_parse_one(arena, kt_str(text), &document, error);
    if (code == KT_ENOMEM)
        return code;
    if (code < 0) {
        kt_error_wrap(error, "config map %.253s, " KT_TUNING_CONFIG_KEY, name);
        if (error)
            error->code = KT_EINVAL;
        return KT_EINVAL;
    }
    if (!kt_json_is_object(kt_json_get(document.root, ROOT)))
        return kt_error_set(error, KT_EINVAL,
                            "config map %.253s: " KT_TUNING_CONFIG_KEY " must be a map with a map `" ROOT "` in it",
                            name);
    *ret = document.root;
    return 0;
}

/* Why nothing can be mounted there, or NULL. */
static const char *refuse(const char *cleaned)
{
    if (strncmp(cleaned, BASE_DIR, strlen(BASE_DIR)) != 0 || kt_streq(cleaned, BASE_DIR))
        return "is not below /mnt";
    if (kt_streq(cleaned, "/mnt/data") || kt_streq(cleaned, "/mnt/config"))
        return "is where the data and this config are";
    if (strchr(cleaned, ':'))
        return "has a colon in it, which no mount path may have";
    return NULL;
}

int kt_training_output_dir(struct kt_arena *arena, const cJSON *training_config, const char **ret,
                           struct kt_error *error)
{
    const cJSON *value = kt_json_path(training_config, ROOT, "TrainingArguments", "output_dir", NULL);
    const char *wanted = kt_json_string_or(value, "");
    if (value && !kt_json_is_null(value) && !kt_json_is_string(value))
        return kt_error_set(error, KT_EINVAL, "TrainingArguments.output_dir must be text such as \"/mnt/results\"");
    if (!wanted[0]) {
        *ret = DEFAULT_OUTPUT_DIR;
        return 0;
    }
    bool is_below = strncmp(wanted, BASE_DIR, strlen(BASE_DIR)) == 0;
    const char *joined = is_below ? wanted : kt_arena_printf(arena, BASE_DIR "/%s", wanted);
    const char *cleaned = joined ? kt_clean_path(arena, joined) : NULL;
    if (!cleaned)
        return kt_error_set(error, KT_ENOMEM, "no memory for a path");
    const char *reason = refuse(cleaned);
    if (reason)
        return kt_error_set(error, KT_EINVAL,
                            "TrainingArguments.output_dir: \"%.64s\" %s; use a folder such as /mnt/results", wanted,
                            reason);
    *ret = cleaned;
    return 0;
}

int kt_tuning_check_config(struct kt_arena *arena, const cJSON *config_map, struct kt_error *error)
{
    cJSON *config;
    int code = kt_training_config_read(arena, config_map, &config, error);
    if (code != 0)
        return code;
    const char *wanted = kt_json_string(kt_json_path(config, ROOT, "TrainingArguments", "output_dir", NULL));
    const char *trouble = wanted && wanted[0] ? kt_output_dir_trouble(arena, wanted) : NULL;
    return trouble ? kt_error_set(error, KT_EINVAL,
                                  "TrainingArguments.output_dir is \"%.64s\": %s; use a folder such as /mnt/results",
                                  wanted, trouble)
                   : 0;
}
