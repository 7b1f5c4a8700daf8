/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family C, second part: the inference config map. Upstream v0.12.0 reads it on CREATE and for the vLLM runtime only
 * (api/v1beta1/inference_config_validation.go); a Workspace may name another one later, so we look on UPDATE too.
 */
#include "admission/rule_words.h"

#define FIELD_CONFIG "inference.config"

static const char *cut(const struct kt_rule_run *run, const char *text)
{
    return kt_rule_cut(run->facts->arena, text);
}

/* The config, when vLLM will read it; NULL otherwise. */
static const struct kt_inference_config *vllm_config(const struct kt_facts *facts)
{
    const struct kt_inference_config *config = &facts->inference.config;
    return facts->runtime_transformers || config->state == KT_INFERENCE_CONFIG_NONE ? NULL : config;
}

static void check_exists(struct kt_rule_run *run)
{
    const struct kt_inference_config *config = vllm_config(run->facts);
    if (config && config->state == KT_INFERENCE_CONFIG_ABSENT) {
        kt_rule_warn_after_create(
            run, kt_rule_report_as(
                     run, kt_rule_origin_on_create(run->facts), FIELD_CONFIG, KT_PROBLEM_NOT_FOUND, config->name,
                     "no ConfigMap of this name in namespace %s; create it first, or leave config out for "
                     "vLLM's defaults",
                     cut(run, config->namespace_)));
    } else if (config && config->state == KT_INFERENCE_CONFIG_UNKNOWN) {
        struct kt_finding *finding =
            kt_rule_report_as(run, KT_ORIGIN_OWN, FIELD_CONFIG, KT_PROBLEM_NOTE, NULL,
                              "ConfigMap %s of namespace %s cannot be read here, so it was not checked",
                              cut(run, config->name), cut(run, config->namespace_));
        if (finding) {
            finding->severity = KT_SEVERITY_WARNING;
        }
    }
}

static void check_has_key(struct kt_rule_run *run)
{
    const struct kt_inference_config *config = vllm_config(run->facts);
    if (config && config->state == KT_INFERENCE_CONFIG_NO_KEY) {
        kt_rule_warn_after_create(
            run, kt_rule_report_as(run, kt_rule_origin_on_create(run->facts), FIELD_CONFIG, KT_PROBLEM_INVALID,
                                   config->name, "this ConfigMap has no key " KT_INFERENCE_CONFIG_KEY " in its data"));
    }
}

static const char *what_is_wrong(enum kt_inference_config_state state)
{
    return state == KT_INFERENCE_CONFIG_TOO_LARGE    ? "is too large"
           : state == KT_INFERENCE_CONFIG_UNPARSABLE ? "is not valid YAML"
                                                     : "has the wrong shape";
}

static void check_parses(struct kt_rule_run *run)
{
    const struct kt_inference_config *config = vllm_config(run->facts);
    if (config && config->problem) {
        enum kt_origin origin = config->upstream_reads_it ? KT_ORIGIN_OWN : kt_rule_origin_on_create(run->facts);
        kt_rule_warn_after_create(run, kt_rule_report_as(run, origin, FIELD_CONFIG, KT_PROBLEM_INVALID, config->name,
                                                         "its " KT_INFERENCE_CONFIG_KEY " %s: %s",
                                                         what_is_wrong(config->state), config->problem));
    }
}

static void check_max_model_len(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_inference_config *config = vllm_config(facts);
    const struct kt_model *model = kt_rule_inference_model(facts);
    if (!config || !config->max_model_len.text || !model || model->status != KT_MODEL_CURRENT ||
        model->token_limit == 0) {
        return;
    }
    const struct kt_max_model_len *longest = &config->max_model_len;
    enum kt_origin origin = kt_rule_origin_on_create(facts);
    if (!longest->is_integer) {
        kt_rule_warn_after_create(
            run, kt_rule_report_as(
                     run, origin, FIELD_CONFIG, KT_PROBLEM_INVALID, config->name,
                     "vllm.max-model-len is `%s`; it must be a whole number of tokens in decimal digits, at most "
                     "%u for %s",
                     cut(run, longest->text), model->token_limit, model->name));
    } else if (longest->tokens > (int64_t)model->token_limit) {
        kt_rule_warn_after_create(run, kt_rule_report_as(run, origin, FIELD_CONFIG, KT_PROBLEM_INVALID, config->name,
                                                         "vllm.max-model-len is %lld, and %s takes at most %u tokens",
                                                         (long long)longest->tokens, model->name, model->token_limit));
    }
}

static void check_max_model_len_positive(struct kt_rule_run *run)
{
    const struct kt_inference_config *config = vllm_config(run->facts);
    /* -1 asks vLLM for the longest context that fits. */
    if (config && config->max_model_len.is_integer && config->max_model_len.tokens < 1 &&
        config->max_model_len.tokens != -1) {
        kt_rule_report(run, FIELD_CONFIG, KT_PROBLEM_NOTE, NULL,
                       "ConfigMap %s sets vllm.max-model-len to %lld, and vLLM stops at start-up: give the number of "
                       "tokens, or -1 for as many as fit",
                       cut(run, config->name), (long long)config->max_model_len.tokens);
    }
}

static void check_key_spelling(struct kt_rule_run *run)
{
    const struct kt_inference_config *config = vllm_config(run->facts);
    if (config && config->misspelt_key) {
        kt_rule_report(run, FIELD_CONFIG, KT_PROBLEM_NOTE, NULL,
                       "ConfigMap %s spells vllm.%s with underscores: write max-model-len, or the context length is "
                       "neither checked nor counted when nodes are chosen",
                       cut(run, config->name), config->misspelt_key);
    }
}

/* Upstream's v1alpha1 check (api/v1alpha1/inference_config_validation.go) made this an error. */
static void check_max_model_len_given(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_sku *sku = facts->sku;
    const uint64_t small_gpu_bytes = 20 * KT_GIB;
    bool small_gpus = sku && sku->vendor == KT_GPU_NVIDIA && sku->gpu_count > 1 && !facts->bring_your_own &&
                      kt_sku_bytes_per_gpu(sku) < small_gpu_bytes;
    if (facts->runtime_transformers || !kt_rule_serves_preset(facts) || !small_gpus ||
        facts->inference.config.max_model_len.text) {
        return;
    }
    kt_rule_report(
        run, FIELD_CONFIG, KT_PROBLEM_NOTE, NULL,
        "no vllm.max-model-len is set, and %s has %u GPUs of less than 20 GiB: vLLM takes the longest context "
        "that happens to fit, or stops. Name a ConfigMap whose " KT_INFERENCE_CONFIG_KEY
        " sets it (Kaito's v1alpha1 demanded it)",
        sku->name, sku->gpu_count);
}

#define BOTH (KT_OPERATION_CREATE | KT_OPERATION_UPDATE)

static const struct kt_rule RULES[] = {
    {"C100", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_INFERENCE,
     "the ConfigMap of inference.config exists", NULL, check_exists},
    {"C101", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_INFERENCE,
     "the ConfigMap of inference.config has the key " KT_INFERENCE_CONFIG_KEY, NULL, check_has_key},
    {"C102", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_INFERENCE,
     KT_INFERENCE_CONFIG_KEY " is a map whose section vllm holds plain values", NULL, check_parses},
    {"C103", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_INFERENCE,
     "vllm.max-model-len is a whole number within the model's limit", NULL, check_max_model_len},
    {"C104", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "vllm.max-model-len is above 0, or -1", "vLLM stops at start-up, after the node is paid for",
     check_max_model_len_positive},
    {"C105", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "vllm.max-model-len is spelt with hyphens", "the other spelling goes past every check and the estimate of nodes",
     check_key_spelling},
    {"C106", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "vllm.max-model-len is set on several small GPUs",
     "upstream's v1alpha1 demanded it, v1beta1 does not: both get the same answer here", check_max_model_len_given},
};

const struct kt_rule_table kt_rules_inference_config = {"inference config", RULES, KT_ARRAY_LENGTH(RULES)};
