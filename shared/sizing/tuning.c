/* SPDX-License-Identifier: Apache-2.0 */
/* The tuning formula. Bytes per token or per value are named after what they count; see sizing.h for the sources. */
#include "sizing/sizing.h"

/* Storage of one weight. */
#define BYTES_16_BIT 2.0
#define BYTES_8_BIT 1.0
#define BYTES_4_BIT 0.5
/* Scales of 4-bit blocks: fp32 per 64 weights; with double quantisation 8 bit per 64 and fp32 per 64 * 256 (QLoRA,
 * arXiv 2305.14314). */
#define SCALE_BYTES (4.0 / 64)
#define SCALE_BYTES_DOUBLE (1.0 / 64 + 4.0 / (64 * 256))
/* 16-bit-equivalent tensors that the norms of a block keep, in hidden sizes: fp32 input 4 B, fp32 normalised 4 B and
 * 16-bit output 2 B, twice; LayerNorm about half. */
#define NORM_WIDTHS_RMS 10.0
#define NORM_WIDTHS_LAYER 5.0
/* 16-bit-equivalent copies of the attention scores [heads, s, s] that eager attention keeps. */
#define EAGER_COPIES_QUANTISED 9.0
#define EAGER_COPIES_16_BIT 7.4
/* What bitsandbytes' 4-bit layers hold beyond the activations when nothing is recomputed. */
#define NO_CHECKPOINT_FACTOR_4_BIT 1.22
#define BYTES_FP32 4.0
#define STORED_BYTES_16_BIT 2.0

const struct kt_tuning_constants kt_tuning_constants_default = {
    .adapter_bytes = 16,
    .unquantised_bytes = 4,
    .stored_bytes = 4,
    .scale_bytes = -1,
    .logit_copies = 4,
    .slack_share = 0.05,
    .context_bytes = (double)(KT_GIB / 2),
    .chunk_tokens = KT_CHUNKED_LOSS_TOKENS,
};

static const char *const method_names[] = {"lora", "qlora"};

bool kt_tuning_method_parse(struct kt_str text, enum kt_tuning_method *ret)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(method_names); i++) {
        if (kt_str_equal_nocase(text, kt_str(method_names[i]))) {
            *ret = (enum kt_tuning_method)i;
            return true;
        }
    }
    return false;
}

const char *kt_tuning_method_name(enum kt_tuning_method method)
{
    return method_names[method == KT_METHOD_QLORA];
}

/* --- the formula ----------------------------------------------------------------------------------------------------
 */

static bool is_target(const struct kt_tuning_input *input, uint32_t module)
{
    return module < input->architecture->module_count && (input->target_mask >> module & 1u) != 0;
}

/* The projection out of the MLP, whose input must be kept when it is trained. Falcon's dense_4h_to_h is not among them:
 * no published figure says what it costs, and the formula is used as it was fitted. */
static bool trains_down_projection(const struct kt_tuning_input *input)
{
    static const char *const names[] = {"down_proj", "fc2", "mlp.c_proj"};
    for (uint32_t i = 0; i < input->architecture->module_count; i++) {
        for (size_t j = 0; j < KT_ARRAY_LENGTH(names); j++) {
            if (is_target(input, i) && kt_streq(input->architecture->modules[i].name, names[j])) {
                return true;
            }
        }
    }
    return false;
}

static double weights_bytes(const struct kt_tuning_input *input, const struct kt_tuning_constants *constants)
{
    const struct kt_architecture *a = input->architecture;
    double linear = 0;
    for (uint32_t i = 0; i < a->module_count; i++) {
        linear += (double)a->modules[i].in_features * (double)a->modules[i].out_features;
    }
    linear *= (double)a->layers;
    double embedding = (double)a->vocab_size * (double)a->hidden_size;
    double norms = (2.0 * (double)a->layers + 1.0) * (double)a->hidden_size;
    double rest = embedding * (a->tied_embeddings ? 1.0 : 2.0) + norms;
    if (input->method == KT_METHOD_LORA) {
        return (input->float32_weights ? BYTES_FP32 : BYTES_16_BIT) * (linear + rest);
    }
    double per_weight = BYTES_8_BIT;
    if (input->quantisation_bits != 8) {
        double scales = input->double_quantisation ? SCALE_BYTES_DOUBLE : SCALE_BYTES;
        per_weight = BYTES_4_BIT + (constants->scale_bytes >= 0 ? constants->scale_bytes : scales);
    }
    return linear * per_weight + constants->unquantised_bytes * rest;
}

static uint64_t adapter_parameters(const struct kt_tuning_input *input)
{
    uint64_t features = 0;
    for (uint32_t i = 0; i < input->architecture->module_count; i++) {
        if (is_target(input, i)) {
            features +=
                (uint64_t)input->architecture->modules[i].in_features + input->architecture->modules[i].out_features;
        }
    }
    return features * input->architecture->layers * input->rank + input->outside_parameters;
}

/* peft trains a copy in the weights' own type, which qlora has made float32: the copy, its gradient and two moments. */
static double copied_bytes(const struct kt_tuning_input *input)
{
    bool is_16_bit = input->method == KT_METHOD_LORA && !input->float32_weights;
    return 4.0 * (is_16_bit ? BYTES_16_BIT : BYTES_FP32) * (double)input->copied_parameters;
}

/* What one block keeps for its backward pass. */
static double block_bytes(const struct kt_tuning_input *input, double tokens)
{
    const struct kt_architecture *a = input->architecture;
    double head_dim = (double)a->head_dim;
    double query_width = (double)a->attention_heads * head_dim;
    double key_width = (double)a->kv_heads * head_dim;
    double mlp_tensors = (a->gated_mlp ? 3.0 : 1.0) + (trains_down_projection(input) ? 1.0 : 0.0);
    double widths = (a->rms_norm ? NORM_WIDTHS_RMS : NORM_WIDTHS_LAYER) * (double)a->hidden_size + 2.0 * query_width +
                    2.0 * key_width + mlp_tensors * (double)a->intermediate_size;
    double bytes = BYTES_16_BIT * tokens * widths;
    if (input->attention == KT_ATTENTION_EAGER) {
        double copies = input->method == KT_METHOD_LORA ? EAGER_COPIES_16_BIT : EAGER_COPIES_QUANTISED;
        bytes += copies * BYTES_16_BIT * tokens * (double)a->attention_heads * (double)input->sequence_length;
    }
    return bytes;
}

struct kt_tuning_estimate kt_sizing_tuning(const struct kt_tuning_input *input)
{
    const struct kt_tuning_constants *constants = input->constants ? input->constants : &kt_tuning_constants_default;
    const struct kt_architecture *a = input->architecture;
    struct kt_tuning_estimate result = {0};
    double tokens = (double)input->batch_size * (double)input->sequence_length;
    double logit_tokens = input->loss == KT_LOSS_CHUNKED ? KT_MIN(tokens, (double)constants->chunk_tokens) : tokens;
    double block = block_bytes(input, tokens);
    double logits = constants->logit_copies * BYTES_FP32 * logit_tokens * (double)a->vocab_size;

    result.weights_bytes = weights_bytes(input, constants);
    result.adapter_parameters = adapter_parameters(input);
    result.adapter_bytes = constants->adapter_bytes * (double)result.adapter_parameters + copied_bytes(input);
    if (input->gradient_checkpointing) {
        double per_value = input->method == KT_METHOD_LORA ? STORED_BYTES_16_BIT : constants->stored_bytes;
        result.activation_bytes = per_value * tokens * (double)a->hidden_size * (double)a->layers + block;
        result.logits_bytes = KT_MAX(0.0, logits - block);
    } else {
        bool four_bit = input->method == KT_METHOD_QLORA && input->quantisation_bits != 8;
        double factor = four_bit ? NO_CHECKPOINT_FACTOR_4_BIT : 1.0;
        result.activation_bytes = (double)a->layers * block * factor;
        result.logits_bytes = logits * factor;
    }
    double sum = result.weights_bytes + result.adapter_bytes + result.activation_bytes + result.logits_bytes;
    result.overhead_bytes = sum * constants->slack_share + constants->context_bytes;
    result.total_bytes = sum + result.overhead_bytes;
    return result;
}

struct kt_tuning_range kt_sizing_tuning_range(const struct kt_tuning_input *input, uint32_t compute_capability)
{
    struct kt_tuning_input low = *input;
    struct kt_tuning_input high = *input;
    if (input->is_exact) {
        struct kt_tuning_estimate exact = kt_sizing_tuning(input);
        return (struct kt_tuning_range){exact, exact};
    }
    low.loss = KT_LOSS_CHUNKED;
    low.attention = KT_ATTENTION_FLASH;
    high.loss = KT_LOSS_FULL;
    high.attention = compute_capability < 80 ? KT_ATTENTION_EAGER : KT_ATTENTION_FLASH;
    return (struct kt_tuning_range){kt_sizing_tuning(&low), kt_sizing_tuning(&high)};
}

/* --- targets --------------------------------------------------------------------------------------------------------
 */

static uint32_t mask_of_all(const struct kt_architecture *architecture)
{
    return (1u << architecture->module_count) - 1u;
}

uint32_t kt_sizing_target_mask(const struct kt_architecture *architecture, const char *const *names, size_t count,
                               size_t *ret_unknown)
{
    uint32_t mask = 0;
    size_t unknown = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t found = kt_streq(names[i], "all-linear") ? mask_of_all(architecture) : 0;
        for (uint32_t j = 0; j < architecture->module_count; j++) {
            found |= kt_streq(names[i], architecture->modules[j].name) ? 1u << j : 0;
        }
        unknown += found == 0;
        mask |= found;
    }
    *ret_unknown = unknown;
    return mask;
}

uint32_t kt_sizing_default_target_mask(const struct kt_model *model)
{
    size_t unknown;
    uint32_t mask =
        kt_sizing_target_mask(&model->architecture, model->default_targets, model->default_target_count, &unknown);
    return mask != 0 ? mask : mask_of_all(&model->architecture);
}
