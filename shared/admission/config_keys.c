/* SPDX-License-Identifier: Apache-2.0 */
/* Family C, tuning: single keys of training_config.yaml. */
#include "admission/config_guess.h"
#include "admission/rule_words.h"
#include "admission/config_values.h"
#include "admission/rules_config.h"
#include "admission/rules_trainer.h"
#include "admission/rules_tuning.h"
#include "admission/training_keys.h"
#include "admission/tuning_input.h"
#include "base/limits.h"

/* --- quantisation against the method (upstream: validateMethodViaConfigMap) --------------------------------------- */

static bool flag_is_bad(struct kt_rule_run *run, const cJSON *section, const char *key)
{
    const cJSON *value = kt_json_get(section, key);
    if (value == NULL || kt_json_is_null(value) || kt_json_is_bool(value))
        return false;
    kt_config_report(run, kt_rule_origin_on_create(run->facts), KT_PROBLEM_INVALID,
                     kt_training_value_text(run->facts->arena, value),
                     "QuantizationConfig.%s must be true or false, got %s", key, kt_json_kind(value));
    return true;
}

void kt_config_check_quantisation(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *section = kt_json_get(facts->config.sections, "QuantizationConfig");
    enum kt_origin origin = kt_rule_origin_on_create(facts);
    bool four = kt_json_true(kt_json_get(section, "load_in_4bit"));
    bool eight = kt_json_true(kt_json_get(section, "load_in_8bit"));
    bool bad_four = false;
    bool bad_eight = false;
    if (!facts->method_known || facts->config.sections == NULL ||
        (section != NULL && !kt_json_is_object(section) && !kt_json_is_null(section)))
        return;
    bad_four = flag_is_bad(run, section, "load_in_4bit");
    bad_eight = flag_is_bad(run, section, "load_in_8bit");
    if (bad_four || bad_eight)
        return;
    if (four && eight)
        kt_config_report(run, origin, KT_PROBLEM_FORBIDDEN, NULL,
                         "QuantizationConfig sets both load_in_4bit and load_in_8bit to true; keep one");
    else if (facts->method == KT_METHOD_LORA && (four || eight))
        kt_config_report(run, origin, KT_PROBLEM_FORBIDDEN, NULL,
                         "QuantizationConfig.%s is true, but method lora trains on 16-bit weights; set it to false, or "
                         "tuning.method to qlora",
                         four ? "load_in_4bit" : "load_in_8bit");
    else if (facts->method == KT_METHOD_QLORA && !four && !eight)
        kt_config_report(run, origin, KT_PROBLEM_REQUIRED, NULL,
                         "method qlora needs QuantizationConfig.load_in_4bit to be true in the tuning config");
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static const char *dotted(struct kt_rule_run *run, const char *section, const char *key)
{
    int length = (int)kt_utf8_prefix(kt_str(key), 64);
    const char *name = kt_arena_printf(run->facts->arena, "%s.%.*s", section, length, key);
    return name != NULL ? name : section;
}

/* In a parser that was not read, a key that is not in our list is likely to end the Job, no more. */
static void soften(const struct kt_facts *facts, struct kt_finding *finding)
{
    if (finding != NULL && (!facts->trainer.is_known || facts->trainer.image->keys_alike))
        finding->severity = KT_SEVERITY_WARNING;
}

static void report_misspelt(struct kt_rule_run *run, const struct kt_config_guess *guess)
{
    const struct kt_training_key *key = guess->key;
    const char *name = dotted(run, guess->section, guess->name);
    struct kt_finding *finding = NULL;
    if (guess->what == KT_TRAINING_GUESS_RENAMED)
        finding = kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_UNSUPPORTED, name,
                                   "the trainer calls this %s, and ends when it starts on a key that it does not know",
                                   key->name);
    else if (guess->what == KT_TRAINING_GUESS_MISPLACED)
        finding = kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_UNSUPPORTED, name,
                                   "this key belongs in the section %s; in %s it ends the Job when it starts",
                                   key->section, guess->section);
    else if (guess->what == KT_TRAINING_GUESS_MISSPELT)
        finding = kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_UNSUPPORTED, name,
                                   "did you mean \"%s\"? An unknown key ends the Job when it starts", key->name);
    soften(run->facts, finding);
}

static void report_no_key(struct kt_rule_run *run, const struct kt_config_guess *guess, const char *name)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_training_key *elsewhere =
        kt_training_key_elsewhere(facts->trainer.image, guess->section, guess->name);
    const char *tail = "";
    if (elsewhere != NULL)
        tail = kt_arena_printf(facts->arena, ", though that of kaito-base:%s does; leave it out here",
                               kt_training_key_newest_image(elsewhere));
    else if (guess->what == KT_TRAINING_GUESS_NEAR)
        tail = kt_arena_printf(facts->arena, "; did you mean \"%s\"?", guess->key->name);
    soften(facts, kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_UNSUPPORTED, name,
                                   "the trainer of kaito-base:%s does not know this key, and ends when it starts%s",
                                   kt_trainer_judged_by(facts), tail != NULL ? tail : ""));
}

static void report_unknown(struct kt_rule_run *run, const struct kt_config_guess *guess)
{
    const char *name = dotted(run, guess->section, guess->name);
    struct kt_finding *finding = NULL;
    if (guess->what == KT_TRAINING_GUESS_ABBREVIATED)
        finding =
            kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_NOTE, NULL, "%s is taken for %s by the trainer; write %s",
                             name, guess->key->name, guess->key->name);
    else if (guess->what == KT_TRAINING_GUESS_NONE || guess->what == KT_TRAINING_GUESS_NEAR)
        report_no_key(run, guess, name);
    if (finding != NULL)
        finding->severity = KT_SEVERITY_WARNING;
}

static void for_each_guess(struct kt_rule_run *run,
                           void (*report)(struct kt_rule_run *, const struct kt_config_guess *))
{
    const struct kt_config_guesses *guesses = run->facts->config.guesses;
    for (size_t i = 0; guesses != NULL && i < guesses->count; i++)
        report(run, &guesses->items[i]);
}

void kt_config_check_misspelt_keys(struct kt_rule_run *run)
{
    for_each_guess(run, report_misspelt);
}

void kt_config_check_unknown_keys(struct kt_rule_run *run)
{
    for_each_guess(run, report_unknown);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Keys whose values have rows of their own. */
static bool has_own_row(const struct kt_training_key *key)
{
    static const char *const names[] = {"load_in_4bit", "load_in_8bit", "output_dir"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++) {
        if (kt_streq(key->name, names[i]))
            return true;
    }
    return false;
}

/* Steps of work for a key and its value; the values of a list were counted when they were read. */
#define VALUE_STEPS 200

static void check_value(struct kt_rule_run *run, const char *section, const cJSON *member)
{
    struct kt_arena *arena = run->facts->arena;
    const struct kt_training_key *key = kt_training_key_find(run->facts->trainer.image, section, member->string);
    const char *reason = NULL;
    if (key != NULL ? has_own_row(key) : !kt_json_is_object(member) || kt_json_count(member) == 0)
        return;
    if (key == NULL) /* whatever the key is called, a map cannot be passed on */
        reason = "must not be a map: the trainer turns its members into options that do not exist";
    if (reason != NULL || kt_training_value_check(arena, key, member, &reason))
        soften(run->facts,
               kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_INVALID, kt_training_value_text(arena, member), "%s %s",
                                dotted(run, section, member->string), reason));
}

static void check_section_values(struct kt_rule_run *run, const cJSON *section)
{
    const cJSON *member = NULL;
    if (!kt_json_is_object(section))
        return;
    cJSON_ArrayForEach(member, section)
    {
        if (!kt_rule_goes_on(run, VALUE_STEPS, "training_config.yaml"))
            return;
        check_value(run, section->string, member);
    }
}

void kt_config_check_values(struct kt_rule_run *run)
{
    const cJSON *section = NULL;
    const cJSON *values = run->facts->config.values;
    if (run->facts->config.is_shipped)
        return; /* no value of it is wrong: tests/unit/test_shipped_templates.c */
    cJSON_ArrayForEach(section, run->facts->config.sections) check_section_values(run, section);
    if (kt_config_flag(values, "TrainingArguments", "fp16", false) &&
        kt_config_flag(values, "TrainingArguments", "bf16", false))
        kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_FORBIDDEN, NULL,
                         "TrainingArguments sets both fp16 and bf16 to true, and the trainer ends on that; keep one");
}

/* --- target modules ----------------------------------------------------------------------------------------------- */

struct targets {
    size_t named;
    size_t unknown;
    const char *first_unknown;
};

static void count_target(struct targets *targets, const struct kt_architecture *architecture, const cJSON *item)
{
    const char *name = kt_json_string(item);
    if (name == NULL) /* C011 */
        return;
    targets->named++;
    if (kt_tuning_target_exists(architecture, name))
        return;
    targets->unknown++;
    if (targets->first_unknown == NULL)
        targets->first_unknown = name;
}

static struct targets count_targets(const struct kt_facts *facts)
{
    const cJSON *value = kt_config_value(facts->config.values, "LoraConfig", "target_modules");
    const cJSON *item = NULL;
    struct targets targets = {.named = 0};
    if (facts->model == NULL || facts->model->architecture.module_count == 0)
        return targets;
    if (kt_json_is_array(value)) {
        cJSON_ArrayForEach(item, value) count_target(&targets, &facts->model->architecture, item);
    } else {
        count_target(&targets, &facts->model->architecture, value);
    }
    return targets;
}

/* `"qkv_proj", "o_proj"` */
static const char *module_names(const struct kt_facts *facts)
{
    const struct kt_architecture *architecture = &facts->model->architecture;
    struct kt_strbuf names;
    kt_strbuf_init(&names, facts->arena, KT_KIB);
    for (uint32_t i = 0; i < architecture->module_count; i++)
        kt_strbuf_printf(&names, "%s\"%s\"", i > 0 ? ", " : "", architecture->modules[i].name);
    return names.data;
}

void kt_config_check_targets(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    struct targets targets = count_targets(facts);
    if (targets.named == 0 || targets.unknown < targets.named)
        return;
    kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_UNSUPPORTED, targets.first_unknown,
                     "%sLoraConfig.target_modules names no module of %s, so there would be nothing to train; supported "
                     "values: %s",
                     kt_streq_nocase(targets.first_unknown, "all-linear")
                         ? "the trainer makes a list of this word, and in a list it is not expanded: "
                         : "",
                     facts->model->name, module_names(facts));
}

static const char *shortened(struct kt_arena *arena, const char *text)
{
    const char *copy = kt_arena_strndup(arena, text, kt_utf8_prefix(kt_str(text), 48));
    return copy != NULL ? copy : "";
}

void kt_config_check_some_targets(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    struct targets targets = count_targets(facts);
    if (targets.unknown > 0 && targets.unknown < targets.named)
        kt_config_report(
            run, KT_ORIGIN_OWN, KT_PROBLEM_NOTE, NULL,
            "%zu of the %zu names in LoraConfig.target_modules (\"%s\"%s) are no modules of %s and are passed "
            "over; it has %s",
            targets.unknown, targets.named, shortened(facts->arena, targets.first_unknown),
            targets.unknown > 1 ? ", ..." : "", facts->model->name, module_names(facts));
}

/* --- hints -------------------------------------------------------------------------------------------------------- */

void kt_config_check_batch_size(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (kt_config_is_own(facts) &&
        kt_config_value(facts->config.values, "TrainingArguments", "per_device_train_batch_size") == NULL)
        kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_NOTE, NULL,
                         "TrainingArguments.per_device_train_batch_size is not set, so the library's default of %d is "
                         "taken and not the template's %d; set it to say what is meant",
                         KT_LIBRARY_DEFAULT_BATCH_SIZE, KT_TEMPLATE_BATCH_SIZE);
}

/* The oldest GPU on which emulated bfloat16 was seen to train: V100. */
#define OLDEST_SEEN 70u

/* What of the config asks for bfloat16; NULL: nothing. */
static const char *asks_for_bfloat16(const struct kt_facts *facts)
{
    const cJSON *values = facts->config.values;
    bool fp16 = kt_config_flag(values, "TrainingArguments", "fp16", false);
    /* Newer trl turns bf16 on where neither is set. */
    if (kt_config_flag(values, "TrainingArguments", "bf16", false))
        return "TrainingArguments.bf16 is true";
    if (facts->trainer.image->bfloat16_adapter && !fp16 && kt_config_value(values, "TrainingArguments", "bf16") == NULL)
        return "TrainingArguments sets neither bf16 nor fp16, and the trainer then turns bf16 on";
    if (kt_config_is(values, "ModelConfig", "torch_dtype", "bfloat16"))
        return "ModelConfig.torch_dtype is bfloat16";
    if (kt_config_flag(values, "QuantizationConfig", "load_in_4bit", false) &&
        kt_config_is(values, "QuantizationConfig", "bnb_4bit_compute_dtype", "bfloat16"))
        return "QuantizationConfig.bnb_4bit_compute_dtype is bfloat16";
    return NULL;
}

/* What trains in float16 instead, in this image. */
static const char *float16_form(const struct kt_facts *facts)
{
    if (facts->method == KT_METHOD_LORA)
        return kt_trainer_float16_lora;
    return facts->trainer.image->bfloat16_adapter
               ? "float16 for torch_dtype and bnb_4bit_compute_dtype, fp16: false and bf16: false"
               : "float16 for torch_dtype and bnb_4bit_compute_dtype, and fp16: true";
}

void kt_config_check_bfloat16(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    struct kt_tuning_gpu gpu;
    kt_tuning_gpu_of(facts, &gpu);
    const char *what = NULL;
    if (!kt_config_is_own(facts) || !facts->method_known || gpu.compute_capability == 0 ||
        gpu.compute_capability >= KT_BFLOAT16_CAPABILITY)
        return;
    what = asks_for_bfloat16(facts);
    if (what != NULL)
        kt_config_report(
            run, KT_ORIGIN_OWN, KT_PROBLEM_NOTE, NULL,
            "%s, and %s (compute capability %u.%u) has no bfloat16: it is emulated, which trains, slowly and "
            "with more memory; %s is faster there",
            what, gpu.name != NULL ? gpu.name : "this GPU", gpu.compute_capability / 10, gpu.compute_capability % 10,
            float16_form(facts));
}
