/* SPDX-License-Identifier: Apache-2.0 */
/* --config and --set: the ConfigMap with the training arguments. */
#include <string.h>

#include "admission/shipped_templates.h"
#include "admission/training_keys.h"
#include "base/limits.h"
#include "plugin/planning.h"
#include "plugin/tune.h"
#include "text/names.h"
#include "text/yaml.h"

#define CONFIG_KEY "training_config.yaml"
#define CONFIG_ROOT "training_config"
#define NAME_SUFFIX "-config"

/* --- where it comes from -------------------------------------------------------------------------------------------
 */

static bool looks_like_file(const char *text)
{
    struct kt_str name = kt_str(text);
    return strchr(text, '/') || kt_str_ends_with(name, KT_STR(".yaml")) || kt_str_ends_with(name, KT_STR(".yml")) ||
           kt_str_ends_with(name, KT_STR(".json"));
}

static int parse_config(struct kt_tune *tune, struct kt_str text, const char *source, cJSON **ret,
                        struct kt_error *error)
{
    struct kt_yaml_document document = {0};
    int code = kt_yaml_parse_one(tune->app->arena, text, &document, error);
    if (code != 0)
        return kt_error_wrap(error, "%s", source);
    if (document.duplicates)
        return kt_error_set(error, KT_EPARSE, "%s, line %u: %s stands there twice", source,
                            document.duplicates->position.line, document.duplicates->path);
    *ret = document.root;
    return 0;
}

/* The file itself, or what a ConfigMap in it holds. *ret_text is the text to keep; empty when --set will change it. */
static int read_config_file(struct kt_tune *tune, cJSON **ret_root, struct kt_str *ret_text, struct kt_error *error)
{
    const char *path = tune->options->config;
    const struct kt_files *files = tune->app->environment->files;
    struct kt_str text;
    cJSON *root;
    int code = files->read(files->context, tune->app->arena, path, KT_LIMIT_MANIFEST_BYTES, &text, error);
    if (code != 0)
        return kt_error_wrap(error, "--config");
    code = parse_config(tune, text, path, &root, error);
    if (code != 0)
        return code;
    if (kt_streq(kt_json_string_or(kt_json_get(root, "kind"), ""), "ConfigMap")) {
        const char *inner = kt_json_string(kt_json_path(root, "data", CONFIG_KEY, NULL));
        if (!inner)
            return kt_error_set(error, KT_EINVAL, "--config %s: the ConfigMap has no data." CONFIG_KEY, path);
        text = kt_str(inner);
        code = parse_config(tune, text, path, &root, error);
        if (code != 0)
            return code;
    }
    if (!kt_json_is_object(kt_json_get(root, CONFIG_ROOT)))
        return kt_error_set(error, KT_EINVAL,
                            "--config %s: a map " CONFIG_ROOT
                            " is expected at the top, with sections such as LoraConfig in "
                            "it",
                            path);
    *ret_root = root;
    *ret_text = text;
    return 0;
}

/* The machine named; NULL: none, one to be chosen, or one that is not known. */
static const struct kt_sku *machine_of(const struct kt_tune *tune)
{
    const char *name = tune->options->instance_type;
    return name && !kt_settings_bring_your_own(&tune->settings) ? kt_sku_find(tune->settings.cloud, kt_str(name))
                                                                : NULL;
}

static enum kt_tuning_method method_of(const struct kt_tune *tune)
{
    enum kt_tuning_method method = KT_METHOD_QLORA;
    if (tune->options->method)
        kt_tuning_method_parse(kt_str(tune->options->method), &method);
    return method;
}

/* The image that will train there. A machine that is chosen has bfloat16; nothing is known of nodes of one's own. */
static struct kt_trainer trainer_of(const struct kt_tune *tune)
{
    const struct kt_sku *sku = machine_of(tune);
    uint32_t capability = sku                                           ? sku->compute_capability
                          : kt_settings_bring_your_own(&tune->settings) ? 0
                                                                        : KT_PLAN_MODERN_CAPABILITY;
    return kt_settings_trainer(&tune->settings, capability, method_of(tune) == KT_METHOD_QLORA);
}

/* The copy is the user's own, so it may have float16 under an operator of upstream's, too. */
static bool starts_from_float16(const struct kt_tune *tune)
{
    const struct kt_sku *sku = machine_of(tune);
    return sku && sku->compute_capability > 0 && sku->compute_capability < KT_BFLOAT16_CAPABILITY &&
           !trainer_of(tune).image->bfloat16_adapter;
}

/* What the machine trains with. */
static int copy_template(struct kt_tune *tune, cJSON **ret_root, struct kt_error *error)
{
    bool float16 = starts_from_float16(tune);
    const char *name = kt_template_name(method_of(tune), float16);
    const cJSON *template_ = kt_shipped_template_object(name);
    const char *text = kt_json_string(kt_json_path(template_, "data", CONFIG_KEY, NULL));
    if (!text)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the template %s", name);
    if (float16)
        tune->float16_image = trainer_of(tune).tag;
    return parse_config(tune, kt_str(text), name, ret_root, error);
}

/* --- --set ---------------------------------------------------------------------------------------------------------
 */

/* PyYAML, which the trainer reads with, takes 2e-4 for a word: a number with an exponent needs a point and a sign. */
static cJSON *number_for_pyyaml(struct kt_arena *arena, struct kt_str text)
{
    size_t exponent = kt_str_find_char(text, 'e');
    if (exponent == SIZE_MAX)
        exponent = kt_str_find_char(text, 'E');
    if (exponent == SIZE_MAX)
        return NULL;
    struct kt_str mantissa = {text.data, exponent}, power = {text.data + exponent + 1, text.length - exponent - 1};
    bool point = kt_str_find_char(mantissa, '.') != SIZE_MAX;
    bool sign = power.length > 0 && (power.data[0] == '-' || power.data[0] == '+');
    const char *written = kt_arena_printf(arena, "%.*s%se%s%.*s", (int)mantissa.length, mantissa.data,
                                          point ? "" : ".0", sign ? "" : "+", (int)power.length, power.data);
    return written ? kt_json_new_number_text(arena, kt_str(written)) : NULL;
}

static cJSON *list_of(struct kt_arena *arena, const char *text, bool numbers)
{
    struct kt_texts parts = {0};
    cJSON *array = kt_json_new_array(arena);
    if (!kt_texts_add_list(arena, &parts, kt_str(text)))
        return NULL;
    for (size_t i = 0; i < parts.count; i++) {
        cJSON *number = numbers ? kt_json_new_number_text(arena, kt_str(parts.items[i])) : NULL;
        kt_json_append(arena, array, number ? number : kt_json_new_string(arena, parts.items[i]));
    }
    return array;
}

/* The value as YAML reads it, unless the key's type says better. */
static int read_value(struct kt_tune *tune, const struct kt_training_key *key, const char *text, cJSON **ret,
                      struct kt_error *error)
{
    struct kt_arena *arena = tune->app->arena;
    struct kt_yaml_document document = {0};
    bool is_list = key && (key->type == KT_TRAINING_TEXTS || key->type == KT_TRAINING_INTS);
    if (is_list && text[0] != '[') {
        *ret = list_of(arena, text, key->type == KT_TRAINING_INTS);
        return 0;
    }
    int code = kt_yaml_parse_one(arena, kt_str(text), &document, error);
    if (code != 0)
        return code;
    cJSON *value = document.root ? document.root : kt_json_new_string(arena, "");
    if (key && key->type == KT_TRAINING_TEXT && !kt_json_is_string(value))
        value = kt_json_new_string(arena, text);
    cJSON *number = kt_json_is_number(value) ? number_for_pyyaml(arena, kt_str_trim(kt_str(text))) : NULL;
    *ret = number ? number : value;
    return 0;
}

static int refuse_setting(struct kt_tune *tune, const char *setting, struct kt_error *error)
{
    size_t count = 0;
    const struct kt_training_key *keys = kt_training_keys(&count, NULL);
    size_t length = strcspn(setting, "=");
    for (size_t i = 0; keys && i < count; i++)
        if (strlen(keys[i].name) == length && strncmp(keys[i].name, setting, length) == 0)
            return kt_app_usage_fault(tune->app, error, "--set %.80s: the section is missing; write %s.%.80s", setting,
                                      keys[i].section, setting);
    return kt_app_usage_fault(tune->app, error, "--set %.80s: write SECTION.KEY=VALUE, e.g. LoraConfig.r=16", setting);
}

static int check_section(struct kt_tune *tune, const char *setting, const char *section, struct kt_error *error)
{
    struct kt_strbuf known;
    kt_strbuf_init(&known, tune->app->arena, (size_t)KT_KIB);
    const char *const *sections = kt_training_sections(error);
    if (!sections)
        return KT_ENOMEM;
    for (size_t i = 0; sections[i]; i++) {
        if (kt_streq(sections[i], section))
            return 0;
        kt_strbuf_printf(&known, "%s%s", i ? ", " : "", sections[i]);
    }
    const char *near = kt_training_section_suggest(section);
    return kt_app_usage_fault(tune->app, error, "--set %.80s: there is no section \"%.60s\"; sections are %s%s%s%s",
                              setting, section, known.data, near ? "; did you mean " : "", near ? near : "",
                              near ? "?" : "");
}

/* As the image knows it, or another one: what is wrong for the image is for the rules to say. */
static const struct kt_training_key *find_key(const struct kt_tune *tune, const char *section, const char *key)
{
    const struct kt_trainer_image *image = trainer_of(tune).image;
    const struct kt_training_key *found = kt_training_key_find(image, section, key);
    return found ? found : kt_training_key_elsewhere(image, section, key);
}

static int apply_setting(struct kt_tune *tune, cJSON *sections, const char *setting, struct kt_error *error)
{
    struct kt_arena *arena = tune->app->arena;
    struct kt_str text = kt_str(setting);
    size_t equals = kt_str_find_char(text, '=');
    size_t dot = kt_str_find_char(text, '.');
    if (equals == SIZE_MAX || dot == SIZE_MAX || dot > equals || dot == 0 || dot + 1 == equals)
        return refuse_setting(tune, setting, error);
    const char *section = kt_arena_strndup(arena, setting, dot);
    const char *key = kt_arena_strndup(arena, setting + dot + 1, equals - dot - 1);
    cJSON *value = NULL;
    if (!section || !key)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for --set");
    int code = check_section(tune, setting, section, error);
    if (code == 0)
        code = read_value(tune, find_key(tune, section, key), setting + equals + 1, &value, error);
    if (code != 0)
        return tune->app->usage_fault ? code : kt_error_wrap(error, "--set %.80s", setting);
    kt_json_set(arena, kt_json_ensure_object(arena, sections, section), key, value);
    return 0;
}

/* --- together ------------------------------------------------------------------------------------------------------
 */

static void make_config_map(struct kt_tune *tune, const char *name, const char *text)
{
    struct kt_arena *arena = tune->app->arena;
    cJSON *map = kt_json_new_object(arena);
    kt_json_set_string(arena, map, "apiVersion", "v1");
    kt_json_set_string(arena, map, "kind", "ConfigMap");
    cJSON *metadata = kt_json_ensure_object(arena, map, "metadata");
    kt_json_set_string(arena, metadata, "name", name);
    if (tune->app->globals.namespace_)
        kt_json_set_string(arena, metadata, "namespace", tune->app->globals.namespace_);
    cJSON *labels = kt_json_ensure_object(arena, metadata, "labels");
    kt_json_set_string(arena, labels, "app.kubernetes.io/managed-by", "kubectl-kaito");
    kt_json_set_string(arena, kt_json_ensure_object(arena, map, "data"), CONFIG_KEY, text);
    tune->config_map = map;
}

int kt_tune_build_config(struct kt_tune *tune, const char **ret_name, struct kt_error *error)
{
    const struct kt_tune_options *options = tune->options;
    const char *config = options->config && options->config[0] ? options->config : NULL;
    bool changes = options->settings.count > 0;
    *ret_name = config;
    if (!config && !changes)
        return 0;
    if (config && !looks_like_file(config)) {
        if (!changes)
            return 0; /* a ConfigMap of the cluster */
        return kt_app_usage_fault(
            tune->app, error,
            "--set cannot change the ConfigMap %.80s of the cluster; give its file with --config, or "
            "leave --config out to start from the method's template",
            config);
    }
    struct kt_strbuf written;
    struct kt_str text = {0};
    cJSON *root = NULL;
    int code = config ? read_config_file(tune, &root, &text, error) : copy_template(tune, &root, error);
    for (size_t i = 0; i < options->settings.count && code == 0; i++)
        code = apply_setting(tune, kt_json_get(root, CONFIG_ROOT), options->settings.items[i], error);
    if (code != 0)
        return code;
    kt_strbuf_init(&written, tune->app->arena, KT_LIMIT_MANIFEST_BYTES);
    if (changes)
        kt_yaml_write(&written, root);
    else
        kt_strbuf_add_str(&written, text); /* as it is, with its comments */
    const char *name = kt_arena_printf(tune->app->arena, "%s" NAME_SUFFIX, tune->name);
    if (written.failed || !name)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the training arguments");
    make_config_map(tune, name, written.data);
    *ret_name = name;
    return 0;
}
