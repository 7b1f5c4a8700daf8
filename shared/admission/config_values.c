/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/config_values.h"

#include "admission/training_keys.h"

const cJSON *kt_config_value(const cJSON *sections, const char *section, const char *key)
{
    return kt_json_get(kt_json_get(sections, section), key);
}

bool kt_config_flag(const cJSON *sections, const char *section, const char *key, bool fallback)
{
    bool flag = fallback;
    const cJSON *value = kt_config_value(sections, section, key);
    return value != NULL && kt_training_value_flag(value, &flag) ? flag : fallback;
}

bool kt_config_number(const cJSON *sections, const char *section, const char *key, double *ret)
{
    const cJSON *value = kt_config_value(sections, section, key);
    return value != NULL && kt_training_value_number(value, ret);
}

static const cJSON *single(const cJSON *value)
{
    return kt_json_is_array(value) && kt_json_count(value) == 1 ? kt_json_item(value, 0) : value;
}

const char *kt_config_text(const cJSON *sections, const char *section, const char *key)
{
    return kt_json_string(single(kt_config_value(sections, section, key)));
}

bool kt_config_is(const cJSON *sections, const char *section, const char *key, const char *wanted)
{
    const char *text = kt_config_text(sections, section, key);
    return text != NULL && kt_streq(text, wanted);
}

static bool names(const cJSON *item, const char *module)
{
    const char *name = kt_json_string(item);
    const char *dot = name != NULL ? strrchr(name, '.') : NULL;
    return name != NULL && kt_streq(dot != NULL ? dot + 1 : name, module);
}

bool kt_config_names_module(const cJSON *sections, const char *key, const char *module)
{
    const cJSON *value = kt_config_value(sections, "LoraConfig", key);
    const cJSON *item = NULL;
    if (!kt_json_is_array(value))
        return names(value, module);
    cJSON_ArrayForEach(item, value)
    {
        if (names(item, module))
            return true;
    }
    return false;
}
