/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family C, from C020: what the trainer in the image that runs always ends on, or lets end without an adapter of use,
 * however well each key is written. Every fact was seen in the trainer itself; catalog/images.yaml says which image
 * does what. Number formats are in trainer_precision.c, what must go together in trainer_schedule.c.
 */
#include "admission/rules_trainer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "admission/training_keys.h"

#define ARGUMENTS "TrainingArguments"

void kt_trainer_refuse(struct kt_rule_run *run, enum kt_problem problem, const char *value, const char *format, ...)
{
    char text[KT_KIB];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct kt_finding *finding = kt_config_report(run, KT_ORIGIN_OWN, problem, value, "%s", text);
    if (finding != NULL && !run->facts->trainer.is_known)
        finding->severity = KT_SEVERITY_WARNING; /* another trainer may do otherwise */
}

const char *kt_trainer_judged_by(const struct kt_facts *facts)
{
    const struct kt_trainer *trainer = &facts->trainer;
    const char *text = NULL;
    if (trainer->is_known)
        return trainer->tag;
    text = kt_arena_printf(facts->arena, "%s, by which %s is judged,", trainer->image->tag, trainer->tag);
    return text != NULL ? text : trainer->image->tag;
}

bool kt_trainer_chunks_loss(const struct kt_facts *facts)
{
    const cJSON *values = facts->config.values;
    if (kt_config_value(values, ARGUMENTS, "loss_type") != NULL)
        return kt_config_is(values, ARGUMENTS, "loss_type", "chunked_nll");
    return facts->trainer.image->chunked_loss;
}

bool kt_trainer_evaluates(const struct kt_facts *facts)
{
    const char *strategy = kt_config_text(facts->config.values, ARGUMENTS, "eval_strategy");
    return strategy != NULL && !kt_streq(strategy, "no");
}

/* --- rows at a time ----------------------------------------------------------------------------------------------- */

/* The batch size that a key asks for; the library's 8 where it is absent. False where it is no number: C011. */
static bool batch_size(const struct kt_facts *facts, const char *key, int64_t *ret)
{
    const cJSON *value = kt_config_value(facts->config.values, ARGUMENTS, key);
    *ret = KT_LIBRARY_DEFAULT_BATCH_SIZE;
    return value == NULL || kt_training_value_int(value, ret);
}

static const char *written(const struct kt_facts *facts, const char *key, int64_t size)
{
    bool is_absent = kt_config_value(facts->config.values, ARGUMENTS, key) == NULL;
    const char *text =
        kt_arena_printf(facts->arena, ARGUMENTS ".%s is %s%" PRId64 "%s", key, is_absent ? "not set, which means " : "",
                        size, is_absent ? " (the library's default)" : "");
    return text != NULL ? text : key;
}

static const char *rows_word(const struct kt_facts *facts)
{
    return facts->data == KT_DATA_COMPLETIONS ? "rows of prompt and completion" : "rows of messages";
}

/* gradient_accumulation_steps that makes the same step of single rows. */
static int64_t same_step(const struct kt_facts *facts, int64_t size)
{
    double steps = 1;
    kt_config_number(facts->config.values, ARGUMENTS, "gradient_accumulation_steps", &steps);
    return size * (int64_t)KT_MIN(KT_MAX(steps, 1), 1e6);
}

static void check_batches(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    int64_t size = 0;
    if (facts->config.values == NULL || kt_trainer_image_batches(facts->trainer.image, facts->data))
        return;
    if (batch_size(facts, "per_device_train_batch_size", &size) && size > 1)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          "%s, and the trainer of kaito-base:%s ends at the first step of more than one row at a time "
                          "(%s); set per_device_train_batch_size: 1, and gradient_accumulation_steps: %" PRId64
                          " for steps of the same size",
                          written(facts, "per_device_train_batch_size", size), kt_trainer_judged_by(facts),
                          rows_word(facts), same_step(facts, size));
    if (kt_trainer_evaluates(facts) && batch_size(facts, "per_device_eval_batch_size", &size) && size > 1)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          "%s, and the trainer of kaito-base:%s ends at the first evaluation, after a paid epoch, of "
                          "more than one row at a time (%s); set per_device_eval_batch_size: 1",
                          written(facts, "per_device_eval_batch_size", size), kt_trainer_judged_by(facts),
                          rows_word(facts));
}

static void warn_of_completions(struct kt_rule_run *run, const char *key, const char *end)
{
    const struct kt_facts *facts = run->facts;
    int64_t size = 0;
    if (batch_size(facts, key, &size) && size > 1)
        kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_NOTE, NULL,
                         "%s: the trainer of kaito-base:%s takes that with rows of messages, and ends at the first %s "
                         "with rows of prompt and completion; for those set 1",
                         written(facts, key, size), kt_trainer_judged_by(facts), end);
}

static void check_batches_of_completions(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_trainer_image *image = facts->trainer.image;
    if (!kt_config_is_own(facts) || facts->data != KT_DATA_UNDECLARED || !image->batches_of_messages ||
        image->batches_of_completions)
        return;
    warn_of_completions(run, "per_device_train_batch_size", "step");
    if (kt_trainer_evaluates(facts))
        warn_of_completions(run, "per_device_eval_batch_size", "evaluation");
}

/* --- collator, packing, loss -------------------------------------------------------------------------------------- */

static void check_collator(struct kt_rule_run *run)
{
    const cJSON *sections = run->facts->config.sections; /* as written: the trainer looks for this very name */
    if (sections == NULL || kt_config_value(sections, "DataCollator", "mlm") != NULL)
        return;
    kt_trainer_refuse(run, KT_PROBLEM_REQUIRED, NULL,
                      "DataCollator.mlm is not set, and without it the trainer ends when it reads the config; add a "
                      "section DataCollator with mlm: true (the trainer turns it off by itself)");
}

static void check_packing(struct kt_rule_run *run)
{
    const cJSON *values = run->facts->config.values;
    bool wrapped = kt_config_is(values, ARGUMENTS, "packing_strategy", "wrapped");
    if (kt_config_flag(values, ARGUMENTS, "padding_free", false))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".padding_free is true, and the trainer, which brings a collator of its own, ends "
                                    "when it starts; leave it out");
    else if (kt_config_flag(values, ARGUMENTS, "packing", false) && !wrapped)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".packing is true, and the trainer, which brings a collator of its own, ends when "
                                    "it starts; set packing_strategy: wrapped too, or leave packing out");
}

static void check_8_bit(struct kt_rule_run *run)
{
    if (kt_config_flag(run->facts->config.values, "QuantizationConfig", "load_in_8bit", false))
        kt_trainer_refuse(
            run, KT_PROBLEM_FORBIDDEN, NULL,
            "QuantizationConfig.load_in_8bit is true, and peft %s and bitsandbytes %s of kaito-base:%s do "
            "not fit together there: the trainer ends when it starts; use load_in_4bit",
            run->facts->trainer.image->peft, run->facts->trainer.image->bitsandbytes, kt_trainer_judged_by(run->facts));
}

static void check_loss(struct kt_rule_run *run)
{
    static const char *const lists[] = {"target_modules", "modules_to_save"};
    const struct kt_facts *facts = run->facts;
    const cJSON *values = facts->config.values;
    double smoothing = 0;
    if (!kt_trainer_chunks_loss(facts))
        return;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lists); i++) {
        if (kt_config_names_module(values, lists[i], "lm_head"))
            kt_trainer_refuse(
                run, KT_PROBLEM_FORBIDDEN, NULL,
                "LoraConfig.%s has lm_head, and the loss in chunks of kaito-base:%s cannot train it; set " ARGUMENTS
                ".loss_type: nll (needs more memory), or leave lm_head out",
                lists[i], kt_trainer_judged_by(facts));
    }
    if (kt_config_number(values, ARGUMENTS, "label_smoothing_factor", &smoothing) && smoothing != 0)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".label_smoothing_factor is not 0, and the loss in chunks of kaito-base:%s ends at "
                                    "the first step; set loss_type: nll, or leave it out",
                          kt_trainer_judged_by(facts));
}

/* --- nothing learnt, nothing kept --------------------------------------------------------------------------------- */

static void check_learns(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *values = facts->config.values;
    double number = 1;
    if (kt_config_flag(values, "LoraConfig", "inference_mode", false))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          "LoraConfig.inference_mode is true, which freezes the adapter: nothing would be learnt");
    if (kt_config_number(values, "LoraConfig", "lora_alpha", &number) && number == 0)
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, "0",
                          "LoraConfig.lora_alpha is the weight of the adapter: with 0 nothing would be learnt");
    if (kt_config_number(values, ARGUMENTS, "max_steps", &number) && number == 0)
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, "0",
                          ARGUMENTS ".max_steps 0 ends before the first step: nothing would be learnt; leave it out to "
                                    "train num_train_epochs");
    if (!kt_config_flag(values, ARGUMENTS, "remove_unused_columns", true) &&
        !(kt_config_flag(values, ARGUMENTS, "packing", false) &&
          kt_config_is(values, ARGUMENTS, "packing_strategy", "wrapped")))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".remove_unused_columns is false, and the trainer ends at the first step on the "
                                    "columns that stay; leave it out");
}

/* Where max_length cuts rows: 0 leaves none, 1 nothing to learn from; a negative number cuts so many off the end. */
static void check_length(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_trainer_image *image = facts->trainer.image;
    double length = 0;
    if (!kt_config_number(facts->config.values, ARGUMENTS, "max_length", &length) || image->fixed_length > 0)
        return;
    if (!image->uncut_rows && (length == 0 || length == 1))
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, length == 0 ? "0" : "1",
                          ARGUMENTS ".max_length cuts every row to nothing that can be learnt; the default is 1024");
}

static void check_rows_are_cut(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (kt_config_is_own(facts) && facts->trainer.image->uncut_rows &&
        kt_config_value(facts->config.values, ARGUMENTS, "max_length") != NULL &&
        !kt_config_flag(facts->config.values, ARGUMENTS, "packing", false))
        kt_config_report(run, KT_ORIGIN_OWN, KT_PROBLEM_NOTE, NULL,
                         ARGUMENTS
                         ".max_length does not cut rows in kaito-base:%s: they are trained as long as the data "
                         "has them, and memory follows the longest; keep the rows that short yourself",
                         kt_trainer_judged_by(facts));
}

/* Flags that end the trainer whenever they are on. */
static void check_flags(struct kt_rule_run *run)
{
    static const struct {
        const char *section;
        const char *key;
    } rows[] = {{"ModelConfig", "output_loading_info"},
                {"ModelConfig", "from_tf"},
                {"DataCollator", "whole_word_mask"},
                {"DataCollator", "tf_experimental_compile"}};
    const cJSON *values = run->facts->config.values;
    double multiple = 1;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        if (kt_config_flag(values, rows[i].section, rows[i].key, false))
            kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                              "%s.%s is true, and the trainer ends on it when it starts; leave it out", rows[i].section,
                              rows[i].key);
    }
    if (kt_config_number(values, "DataCollator", "pad_to_multiple_of", &multiple) && multiple == 0)
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, "0",
                          "DataCollator.pad_to_multiple_of must not be 0: the trainer ends at the first step; leave it "
                          "out");
}

/* All layers that are named lie behind the model's last: nothing gets an adapter. */
static void check_layers(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *value = kt_config_value(facts->config.values, "LoraConfig", "layers_to_transform");
    uint32_t layers = facts->model != NULL ? facts->model->architecture.layers : 0;
    const cJSON *item = kt_json_is_array(value) ? value->child : value;
    int64_t first = 0;
    if (item == NULL || layers == 0 || !kt_training_value_int(item, &first))
        return;
    for (; item != NULL; item = kt_json_is_array(value) ? item->next : NULL) {
        int64_t layer = 0;
        if (!kt_training_value_int(item, &layer) || (layer >= 0 && layer < layers))
            return;
    }
    kt_trainer_refuse(run, KT_PROBLEM_INVALID, kt_training_value_text(facts->arena, value),
                      "LoraConfig.layers_to_transform names no layer of %s, which has 0 to %" PRIu32
                      ", and the trainer ends when it starts",
                      facts->model->name, layers - 1);
}

/* --- libraries and the network ------------------------------------------------------------------------------------ */

static void check_libraries(struct kt_rule_run *run)
{
    const cJSON *values = run->facts->config.values;
    const char *deepspeed = kt_config_text(values, ARGUMENTS, "deepspeed");
    if (kt_config_flag(values, ARGUMENTS, "use_liger_kernel", false))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".use_liger_kernel needs liger-kernel, which is not in the trainer's image; leave "
                                    "it out");
    if (deepspeed != NULL && deepspeed[0] != '\0')
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".deepspeed needs deepspeed, which is not in the trainer's image; leave it out");
    if (kt_config_flag(values, ARGUMENTS, "push_to_hub", false))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".push_to_hub needs an account at the hub, which the pod has not, and the trainer "
                                    "ends when it starts; the adapter goes where tuning.output says");
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define ROW(row_id, row_severity, row_title, row_reason, row_check)                                              \
    {                                                                                                            \
        .id = row_id, .severity = KT_SEVERITY_##row_severity, .origin = KT_ORIGIN_OWN,                           \
        .operations = KT_OPERATION_CREATE | KT_OPERATION_UPDATE, .scope = KT_SCOPE_TUNING, .title = (row_title), \
        .reason = (row_reason), .check = (row_check)                                                             \
    }
#define ENDS "the trainer ends on it each time, after the node is paid for"

static const struct kt_rule rules[] = {
    ROW("C020", ERROR, "one row at a time where the image can train no more", ENDS, check_batches),
    ROW("C021", WARNING, "batches fit rows of prompt and completion too",
        "the kind of the rows is not known before the trainer reads them", check_batches_of_completions),
    ROW("C022", ERROR, "DataCollator.mlm is given", ENDS, check_collator),
    ROW("C023", ERROR, "rows are not packed in a way that needs another collator", ENDS, check_packing),
    ROW("C024", ERROR, "weights are not loaded in 8 bit", ENDS, check_8_bit),
    ROW("C025", ERROR, "what a loss in chunks cannot do is not asked of it", ENDS, check_loss),
    ROW("C026", ERROR, "number formats and optimizer give an adapter in this image",
        "the trainer ends at the first step, or ends well with an adapter that is ruined", kt_trainer_check_precision),
    ROW("C027", ERROR, "gradient checkpointing lets gradients reach the adapter", ENDS, kt_trainer_check_checkpointing),
    ROW("C028", ERROR, "something is learnt", "the tuning would end well with an adapter that was never trained",
        check_learns),
    ROW("C034", ERROR, "max_length leaves rows to learn from", ENDS, check_length),
    ROW("C035", WARNING, "max_length cuts rows where it is given",
        "the memory estimate is for rows of that length, and this image takes longer ones", check_rows_are_cut),
    ROW("C036", ERROR, "no flag is on that always ends the trainer", ENDS, check_flags),
    ROW("C029", ERROR, "LoraConfig.layers_to_transform names layers of the model", ENDS, check_layers),
    ROW("C030", ERROR, "nothing is asked of the trainer that its image lacks", ENDS, check_libraries),
    ROW("C031", ERROR, "evaluation, saving, logging and loading settings agree", ENDS, kt_trainer_check_strategies),
    ROW("C032", ERROR, "the scheduler has what it needs", ENDS, kt_trainer_check_scheduler),
    ROW("C033", ERROR, "files that the config names can be in the pod", ENDS, kt_trainer_check_files),
};

const struct kt_rule_table kt_rules_trainer = {.family = "trainer", .rules = rules, .count = KT_ARRAY_LENGTH(rules)};
