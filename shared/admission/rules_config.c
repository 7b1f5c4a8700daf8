/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family C, tuning: the config map whose training_config.yaml tells the trainer what to do. Rows about the ConfigMap as
 * a whole are here, rows about single keys in config_keys.c. All findings stand at tuning.config, the only field of the
 * Workspace that leads there.
 */
#include "admission/rules_config.h"

#include <stdarg.h>
#include <stdio.h>

#include "admission/rule_words.h"
#include "admission/training_keys.h"
#include "admission/tuning_input.h"
#include "base/limits.h"

#define CONFIG_KEY "training_config.yaml"
#define ROOT_KEY "training_config"
/* Of a message: keys and values of the user's are in it as they are. */
#define MAX_TEXT_RUNES ((size_t)500)
/* Steps of work to look a section up among the known ones. */
#define SECTION_STEPS 50

static const char *or_word(const char *text, const char *word)
{
    return text != NULL && text[0] != '\0' ? text : word;
}

struct kt_finding *kt_config_report(struct kt_rule_run *run, enum kt_origin origin, enum kt_problem problem,
                                    const char *value, const char *format, ...)
{
    const struct kt_tuning_config *config = &run->facts->config;
    char text[KT_LIMIT_MESSAGE_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    text[kt_utf8_prefix(kt_str(text), MAX_TEXT_RUNES)] = '\0';
    struct kt_finding *finding = NULL;
    if (config->is_template && config->name != NULL)
        finding = kt_rule_report_as(run, origin, KT_FIELD_TUNING_CONFIG, problem, value,
                                    "%s (in the template %s/%s; name a ConfigMap of your own to use another)", text,
                                    or_word(config->namespace_, "?"), config->name);
    else
        finding = kt_rule_report_as(run, origin, KT_FIELD_TUNING_CONFIG, problem, value, "%s", text);
    if (run->rule->origin == KT_ORIGIN_UPSTREAM)
        kt_rule_warn_after_create(run, finding);
    return finding;
}

bool kt_config_is_own(const struct kt_facts *facts)
{
    return facts->config.sections != NULL && !facts->config.is_template;
}

/* --- the ConfigMap ------------------------------------------------------------------------------------------------ */

static void check_exists(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_tuning_config *config = &facts->config;
    enum kt_origin origin = kt_rule_origin_on_create(facts);
    if (config->state == KT_CONFIG_NONE || config->state == KT_CONFIG_READ)
        return;
    if (config->is_template && or_word(config->namespace_, NULL) == NULL)
        kt_rule_report_as(run, origin, KT_FIELD_TUNING_CONFIG, KT_PROBLEM_REQUIRED, NULL,
                          "without it the template %s is used, but the namespace of the templates (the release "
                          "namespace) is not configured here",
                          or_word(config->name, "of the method"));
    else if (config->state == KT_CONFIG_ABSENT && config->is_template)
        kt_rule_report_as(
            run, origin, KT_FIELD_TUNING_CONFIG, KT_PROBLEM_NOT_FOUND, config->name,
            "no config is named, and the template for this method is not in namespace \"%s\"; install the "
            "templates (manifests/base/templates.yaml) or name a ConfigMap of your own",
            config->namespace_);
    else if (config->state == KT_CONFIG_ABSENT)
        kt_rule_report_as(run, origin, KT_FIELD_TUNING_CONFIG, KT_PROBLEM_NOT_FOUND, config->name,
                          "there is no ConfigMap of this name in namespace \"%s\"; create it there first, or leave "
                          "tuning.config out to use the template of the method",
                          or_word(config->namespace_, "default"));
}

static void check_could_be_read(struct kt_rule_run *run)
{
    const struct kt_tuning_config *config = &run->facts->config;
    if (config->state == KT_CONFIG_UNKNOWN && !config->is_template)
        kt_rule_report(
            run, KT_FIELD_TUNING_CONFIG, KT_PROBLEM_NOTE, NULL,
            "ConfigMap %s/%s could not be looked up, so its training_config.yaml is not checked and memory is "
            "estimated with the values of the method's template",
            or_word(config->namespace_, "default"), or_word(config->name, "?"));
}

static void check_has_key(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *data = kt_json_get(facts->config.config_map, "data");
    const cJSON *member = NULL;
    struct kt_strbuf keys;
    if (facts->config.state != KT_CONFIG_NO_KEY)
        return;
    kt_strbuf_init(&keys, facts->arena, KT_KIB);
    cJSON_ArrayForEach(member, data)
    {
        kt_strbuf_puts(&keys, keys.length > 0 ? ", " : "");
        kt_json_write_string(&keys, (struct kt_str){member->string, kt_utf8_prefix(kt_str(member->string), 64)});
    }
    kt_config_report(run, kt_rule_origin_on_create(facts), KT_PROBLEM_REQUIRED, NULL,
                     "data of the ConfigMap must have the key \"" CONFIG_KEY "\"; it has %s",
                     keys.length > 0 ? keys.data : "no keys");
}

/* --- the document ------------------------------------------------------------------------------------------------- */

/* Upstream's YAML reader refuses what aliases blow up, as ours does. It has no limits of its own on depth and size, and
 * takes a few things that a JSON tree cannot hold; the words are those of text/yaml_*.c, held fast by cases of C004. */
static enum kt_origin origin_of_parse_error(const struct kt_facts *facts)
{
    static const char *const ours_only[] = {"not values of JSON", "U+0000", "only a comment can follow ---"};
    const struct kt_error *error = &facts->config.parse_error;
    if (error->code == KT_ELIMIT && strstr(error->message, "aliases") == NULL)
        return KT_ORIGIN_OWN;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(ours_only); i++) {
        if (strstr(error->message, ours_only[i]) != NULL)
            return KT_ORIGIN_OWN;
    }
    return kt_rule_origin_on_create(facts);
}

static void check_parses(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_tuning_config *config = &facts->config;
    if (config->state == KT_CONFIG_UNPARSABLE)
        kt_config_report(run, origin_of_parse_error(facts), KT_PROBLEM_INVALID, or_word(config->name, ""),
                         CONFIG_KEY " in this ConfigMap is not YAML that can be read: %s", config->parse_error.message);
    else if (config->has_second_document)
        kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_INVALID, or_word(config->name, ""),
                         CONFIG_KEY
                         " has more than one YAML document (a line of ---), and the trainer ends on the second; "
                         "keep one");
}

static void report_unknown_section(struct kt_rule_run *run, const char *section)
{
    const char *near = kt_training_section_suggest(section);
    const char *const *known = kt_training_sections(NULL);
    struct kt_strbuf names;
    kt_strbuf_init(&names, run->facts->arena, KT_KIB);
    for (size_t i = 0; known != NULL && known[i] != NULL; i++)
        kt_strbuf_printf(&names, "%s\"%s\"", i > 0 ? ", " : "", known[i]);
    kt_config_report(run, kt_rule_origin_on_create(run->facts), KT_PROBLEM_UNSUPPORTED, section,
                     ROOT_KEY " has no such section%s%s%s; supported values: %s",
                     near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "",
                     names.data);
}

static bool section_is_known(const char *name)
{
    const char *const *known = kt_training_sections(NULL);
    if (known == NULL)
        return true; /* no memory: nothing can be said */
    for (size_t i = 0; known[i] != NULL; i++) {
        if (kt_streq(known[i], name))
            return true;
    }
    return false;
}

static void check_sections(struct kt_rule_run *run)
{
    const struct kt_tuning_config *config = &run->facts->config;
    const cJSON *section = NULL;
    const cJSON *sections = config->is_shipped ? NULL : config->sections;
    if (config->state == KT_CONFIG_WRONG_SHAPE)
        kt_config_report(run, kt_rule_origin_on_create(run->facts), KT_PROBLEM_INVALID, or_word(config->name, ""),
                         CONFIG_KEY " must be a map with one key \"" ROOT_KEY "\" that holds the sections "
                                    "(ModelConfig, QuantizationConfig, LoraConfig, TrainingArguments, ...)");
    cJSON_ArrayForEach(section, sections)
    {
        if (!kt_rule_goes_on(run, SECTION_STEPS, CONFIG_KEY))
            return;
        if (!section_is_known(section->string))
            report_unknown_section(run, section->string);
    }
}

static void check_section_kinds(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *section = NULL;
    cJSON_ArrayForEach(section, facts->config.sections)
    {
        /* Upstream looks into these two, where null is an empty map to it; into the others it never looks. */
        if (!kt_rule_goes_on(run, SECTION_STEPS, CONFIG_KEY))
            return;
        bool looked_into =
            (kt_streq(section->string, "QuantizationConfig") || kt_streq(section->string, "TrainingArguments")) &&
            !kt_json_is_null(section);
        if (kt_json_is_object(section) || !section_is_known(section->string))
            continue;
        kt_config_report(
            run, looked_into ? kt_rule_origin_on_create(facts) : KT_ORIGIN_OWN, KT_PROBLEM_INVALID, section->string,
            "%s must be a map of keys and values, got %s%s", section->string, kt_json_kind(section),
            kt_json_is_null(section) ? ": the trainer ends on an empty section, so leave it out or write {}" : "");
    }
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define ROW(row_id, row_severity, row_origin, row_title, row_reason, row_check)                                  \
    {                                                                                                            \
        .id = row_id, .severity = KT_SEVERITY_##row_severity, .origin = KT_ORIGIN_##row_origin,                  \
        .operations = KT_OPERATION_CREATE | KT_OPERATION_UPDATE, .scope = KT_SCOPE_TUNING, .title = (row_title), \
        .reason = (row_reason), .check = (row_check)                                                             \
    }

static const struct kt_rule rules[] = {
    ROW("C001", ERROR, UPSTREAM, "the tuning config map exists",
        "on UPDATE upstream does not look, and the next Job waits for ever for a ConfigMap that is not there",
        check_exists),
    ROW("C002", WARNING, OWN, "the tuning config map can be looked up", "what cannot be read cannot be checked",
        check_could_be_read),
    ROW("C003", ERROR, UPSTREAM, "the tuning config map has the key training_config.yaml", NULL, check_has_key),
    ROW("C004", ERROR, UPSTREAM, "training_config.yaml is one YAML document",
        "the trainer ends on a second document, after the node is paid for", check_parses),
    ROW("C005", ERROR, UPSTREAM, "training_config is a map of known sections", NULL, check_sections),
    ROW("C006", ERROR, OWN, "each section of training_config is a map",
        "the trainer ends on a section that is null, text or a list, after the node is paid for", check_section_kinds),
    ROW("C007", ERROR, UPSTREAM, "load_in_4bit and load_in_8bit agree with the method", NULL,
        kt_config_check_quantisation),
    ROW("C008", ERROR, OWN, "output_dir is a clean absolute path below /mnt/, outside /mnt/data and /mnt/config",
        "the result volume is mounted below /mnt; what the trainer writes elsewhere is lost with the pod",
        kt_config_check_output_dir),
    ROW("C009", ERROR, OWN, "no key of the trainer is renamed, misspelt or in another section",
        "an unknown key ends the Job when it starts, after the node is paid for", kt_config_check_misspelt_keys),
    ROW("C010", ERROR, OWN, "each key is one that the trainer in the image knows",
        "an unknown key ends the Job when it starts, after the node is paid for; a warning where the image is not "
        "known",
        kt_config_check_unknown_keys),
    ROW("C011", ERROR, OWN, "each value is of the kind and in the range that the trainer takes",
        "the trainer reads the values as command-line arguments and ends on one that does not fit",
        kt_config_check_values),
    ROW("C012", ERROR, OWN, "LoraConfig.target_modules names modules of the model",
        "the trainer ends when none of them exists, after the node is paid for", kt_config_check_targets),
    ROW("C013", WARNING, OWN, "every name in LoraConfig.target_modules is a module of the model",
        "names that do not exist are passed over in silence", kt_config_check_some_targets),
    ROW("C014", WARNING, OWN, "per_device_train_batch_size is given",
        "the library's default of 8 needs much more memory", kt_config_check_batch_size),
    ROW("C015", ERROR, OWN, "output_dir is given",
        "the library's default is outside the mounted result volume: the tuning ends well, and the adapter is lost",
        kt_config_check_output_dir_given),
    ROW("C016", WARNING, OWN, "a config map does not ask for bfloat16 on a GPU without it",
        "bfloat16 is emulated where the GPU has none: slow, and attention needs more memory", kt_config_check_bfloat16),
};

const struct kt_rule_table kt_rules_config = {
    .family = "tuning config", .rules = rules, .count = KT_ARRAY_LENGTH(rules)};
