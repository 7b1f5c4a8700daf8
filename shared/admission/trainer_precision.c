/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family C: number formats. peft 0.11.1 makes a lora adapter in the format of the weights, and torch's loss scaling
 * (fp16: true) ends on gradients in float16 and, on CUDA, in bfloat16. In float16 without scaling, Adam's second moment
 * underflows: the training "succeeds" with an adapter that is ruined; Adafactor keeps its state in float32.
 */
#include <string.h>
#include <strings.h>

#include "admission/rules_trainer.h"

#define ARGUMENTS "TrainingArguments"

const char kt_trainer_float16_lora[] =
    "torch_dtype: float16, fp16: false, bf16: false, optim: adafactor, gradient_checkpointing: true and "
    "gradient_checkpointing_kwargs: '{\"use_reentrant\": false}'";

enum format { FORMAT_OTHER, FORMAT_BFLOAT16, FORMAT_FLOAT16, FORMAT_FLOAT32 };

static enum format weights_format(const struct kt_facts *facts)
{
    static const struct {
        const char *word;
        enum format format;
    } words[] = {{"bfloat16", FORMAT_BFLOAT16},
                 {"float16", FORMAT_FLOAT16},
                 {"half", FORMAT_FLOAT16},
                 {"float32", FORMAT_FLOAT32},
                 {"float", FORMAT_FLOAT32}};
    const char *text = kt_config_text(facts->config.values, "ModelConfig", "torch_dtype");
    if (text == NULL)
        return facts->trainer.image->float32_weights ? FORMAT_FLOAT32 : FORMAT_BFLOAT16;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(words); i++) {
        if (kt_streq(words[i].word, text))
            return words[i].format;
    }
    return FORMAT_OTHER;
}

/* torch's own, which keep their state in the format of the weights: the AdamWs, one of which is the default, Adagrad
 * and RMSprop. */
static bool underflows_in_float16(const struct kt_facts *facts)
{
    static const char *const words[] = {"adamw_torch", "adamw_torch_fused", "adagrad", "rmsprop"};
    const char *optimizer = kt_config_text(facts->config.values, ARGUMENTS, "optim");
    bool adafactor = kt_config_flag(facts->config.values, ARGUMENTS, "adafactor", false);
    if (optimizer == NULL)
        return !adafactor;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(words); i++) {
        if (kt_streq(optimizer, words[i]))
            return true;
    }
    return false;
}

/* What trains instead, on the GPU that there is. */
static const char *lora_advice(const struct kt_facts *facts)
{
    struct kt_tuning_gpu gpu;
    const char *text = NULL;
    kt_tuning_gpu_of(facts, &gpu);
    if (gpu.compute_capability == 0 || gpu.compute_capability >= KT_BFLOAT16_CAPABILITY)
        return "use torch_dtype: bfloat16 and leave fp16 out";
    text = kt_arena_printf(facts->arena, "use %s, or tuning.method: qlora with load_in_4bit: true%s",
                           kt_trainer_float16_lora,
                           facts->trainer.image->bfloat16_adapter ? " and without fp16" : " and fp16: true");
    return text != NULL ? text : kt_trainer_float16_lora;
}

static void check_lora(struct kt_rule_run *run, bool fp16)
{
    const struct kt_facts *facts = run->facts;
    enum format format = weights_format(facts);
    const char *optimizer = kt_config_text(facts->config.values, ARGUMENTS, "optim");
    bool is_set = kt_config_text(facts->config.values, "ModelConfig", "torch_dtype") != NULL;
    if (format == FORMAT_BFLOAT16 && fp16)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".fp16 is true with weights in bfloat16%s: the trainer ends at the first step; %s",
                          is_set ? "" : " (the model's own format, as torch_dtype is not set)", lora_advice(facts));
    else if (format == FORMAT_FLOAT16 && fp16)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".fp16 is true with weights in float16: method lora makes its adapter in float16 "
                                    "too, and the trainer ends at the first step; %s",
                          lora_advice(facts));
    else if (format == FORMAT_FLOAT16 && underflows_in_float16(facts))
        kt_trainer_refuse(
            run, KT_PROBLEM_FORBIDDEN, NULL,
            "method lora with weights in float16 and optim %s: its state underflows, and the training ends "
            "well with an adapter that is ruined; %s",
            optimizer != NULL ? optimizer : "adamw_torch_fused (the default)", lora_advice(facts));
}

/* bitsandbytes has no kernel of it for gradients in bfloat16. */
static void check_rmsprop(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *optimizer = kt_config_text(facts->config.values, ARGUMENTS, "optim");
    bool is_rmsprop =
        optimizer != NULL && (kt_streq(optimizer, "rmsprop_bnb") || kt_streq(optimizer, "rmsprop_bnb_32bit"));
    bool is_bfloat16 = facts->method == KT_METHOD_LORA ? weights_format(facts) == FORMAT_BFLOAT16
                                                       : facts->trainer.image->bfloat16_adapter;
    if (is_rmsprop && is_bfloat16)
        kt_trainer_refuse(run, KT_PROBLEM_UNSUPPORTED, optimizer,
                          ARGUMENTS ".optim: bitsandbytes cannot do this with gradients in bfloat16, and the trainer "
                                    "ends at the first step; use adamw_torch_fused, or rmsprop");
}

void kt_trainer_check_precision(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    bool fp16 = kt_config_flag(facts->config.values, ARGUMENTS, "fp16", false);
    if (facts->config.values == NULL || !facts->method_known)
        return;
    check_rmsprop(run);
    if (facts->method == KT_METHOD_LORA)
        check_lora(run, fp16);
    else if (fp16 && facts->trainer.image->bfloat16_adapter)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".fp16 is true, and the trainer of kaito-base:%s makes the adapter of qlora in "
                                    "bfloat16 whatever is set: it ends at the first step; leave fp16 out",
                          kt_trainer_judged_by(facts));
}

/* Does the text {"use_reentrant": false} stand there? Spaces may be anywhere. */
static bool is_not_reentrant(const char *text)
{
    const char *key = text != NULL ? strstr(text, "\"use_reentrant\"") : NULL;
    if (key == NULL)
        return false;
    key += strlen("\"use_reentrant\"");
    key += strspn(key, " \t\n:\"");
    return strncasecmp(key, "false", 5) == 0;
}

void kt_trainer_check_checkpointing(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *values = facts->config.values;
    bool is_lora = facts->method_known && facts->method == KT_METHOD_LORA;
    /* A trained embedding is what gradients need. Where checkpointing is the image's own default, it prepares the model
     * for it. */
    if (!is_lora || facts->trainer.image->checkpointing ||
        !kt_config_flag(values, ARGUMENTS, "gradient_checkpointing", false) ||
        kt_config_names_module(values, "target_modules", "embed_tokens") ||
        kt_config_names_module(values, "modules_to_save", "embed_tokens") ||
        is_not_reentrant(kt_config_text(values, ARGUMENTS, "gradient_checkpointing_kwargs")))
        return;
    kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                      ARGUMENTS ".gradient_checkpointing is true, and in kaito-base:%s no gradient then reaches the "
                                "adapter of method lora: the trainer ends at the first step; add "
                                "gradient_checkpointing_kwargs: '{\"use_reentrant\": false}' (a text, in quotes)",
                      kt_trainer_judged_by(facts));
}
