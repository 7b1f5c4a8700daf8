/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/hf_config.h"

#include <inttypes.h>

#include "base/strbuf.h"
#include "text/edit_distance.h"

/* Far above every model there is; keeps products of sizes within 64 bits. */
#define LARGEST_SIZE (1u << 22)
#define BYTES_PER_WEIGHT 2u

enum layout {
    LAYOUT_SPLIT,  /* q_proj k_proj v_proj o_proj gate_proj up_proj down_proj */
    LAYOUT_PHI3,   /* qkv_proj o_proj gate_up_proj down_proj */
    LAYOUT_FALCON, /* query_key_value dense dense_h_to_4h dense_4h_to_h */
    LAYOUT_PHI,    /* q_proj k_proj v_proj dense fc1 fc2 */
};

/* How transformers (v5) names and ties the parts; `tied` is the class's default where config.json says nothing. The
 * targets are those of peft's own table (peft/utils/constants.py); NULL: peft has none, all modules are counted. */
static const struct type {
    const char *name;
    enum layout layout;
    bool tied;
    const char *targets[4];
} types[] = {
    {"llama", LAYOUT_SPLIT, false, {"q_proj", "v_proj"}},
    {"mistral", LAYOUT_SPLIT, false, {"q_proj", "v_proj"}},
    {"qwen2", LAYOUT_SPLIT, false, {"q_proj", "v_proj"}},
    {"qwen3", LAYOUT_SPLIT, false, {"q_proj", "v_proj"}},
    {"gemma", LAYOUT_SPLIT, true, {"q_proj", "v_proj"}},
    {"gemma2", LAYOUT_SPLIT, true, {"q_proj", "v_proj"}},
    {"gemma3_text", LAYOUT_SPLIT, true, {"q_proj", "v_proj"}},
    {"granite", LAYOUT_SPLIT, false, {NULL}},
    {"smollm3", LAYOUT_SPLIT, true, {NULL}},
    {"phi3", LAYOUT_PHI3, false, {NULL}},
    {"falcon", LAYOUT_FALCON, true, {"query_key_value"}},
    {"RefinedWeb", LAYOUT_FALCON, true, {"query_key_value"}},
    {"RefinedWebModel", LAYOUT_FALCON, true, {"query_key_value"}},
    {"phi", LAYOUT_PHI, false, {"q_proj", "v_proj", "fc1", "fc2"}},
};

static int unknown_type(struct kt_arena *arena, const char *name, struct kt_error *error)
{
    struct kt_strbuf known;
    kt_strbuf_init(&known, arena, (size_t)KT_KIB);
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, kt_str(name));
    for (size_t i = 0; i < KT_ARRAY_LENGTH(types); i++) {
        kt_strbuf_printf(&known, "%s%s", i ? ", " : "", types[i].name);
        kt_nearest_offer(&nearest, types[i].name);
    }
    return kt_error_set(error, KT_EINVAL, "model_type \"%.60s\" cannot be sized; known are %s", name, known.data);
}

/* A whole number from 1; the second name is that of older files. fallback 0: it must be there. */
static int read_size(const cJSON *config, const char *key, const char *old_key, uint32_t fallback, uint32_t *ret,
                     struct kt_error *error)
{
    const cJSON *node = kt_json_get(config, key);
    if (!node && old_key)
        node = kt_json_get(config, old_key);
    int64_t value = 0;
    if ((!node || kt_json_is_null(node)) && fallback > 0) {
        *ret = fallback;
        return 0;
    }
    if (!node)
        return kt_error_set(error, KT_EINVAL, "%s is missing", key);
    if (!kt_json_int64(node, &value) || value < 1 || value > LARGEST_SIZE)
        return kt_error_set(error, KT_EINVAL, "%s must be a whole number from 1 to %u", key, LARGEST_SIZE);
    *ret = (uint32_t)value;
    return 0;
}

static int read_falcon_heads(const cJSON *config, struct kt_architecture *a, struct kt_error *error)
{
    /* One shared head for keys and values, unless the newer decoder says how many. */
    if (kt_json_true(kt_json_get(config, "new_decoder_architecture")))
        return read_size(config, "num_kv_heads", "n_head_kv", a->attention_heads, &a->kv_heads, error);
    const cJSON *multi_query = kt_json_get(config, "multi_query");
    a->kv_heads = !multi_query || kt_json_true(multi_query) ? 1 : a->attention_heads;
    return 0;
}

static int read_sizes(const cJSON *config, const struct type *type, struct kt_architecture *a, struct kt_error *error)
{
    int code = read_size(config, "hidden_size", "n_embed", 0, &a->hidden_size, error);
    if (code == 0)
        code = read_size(config, "num_hidden_layers", "n_layer", 0, &a->layers, error);
    if (code == 0)
        code = read_size(config, "num_attention_heads", "n_head", 0, &a->attention_heads, error);
    if (code == 0)
        code = read_size(config, "vocab_size", NULL, 0, &a->vocab_size, error);
    if (code != 0)
        return code;
    uint32_t usual_width = type->layout == LAYOUT_FALCON || type->layout == LAYOUT_PHI ? 4 * a->hidden_size : 0;
    code = read_size(config, type->layout == LAYOUT_FALCON ? "ffn_hidden_size" : "intermediate_size", NULL, usual_width,
                     &a->intermediate_size, error);
    if (code == 0)
        code = read_size(config, "head_dim", NULL, a->hidden_size / a->attention_heads, &a->head_dim, error);
    if (code != 0)
        return code;
    if (a->layers > 1024 || (uint64_t)a->attention_heads * a->head_dim > LARGEST_SIZE)
        return kt_error_set(error, KT_EINVAL, "num_hidden_layers or num_attention_heads is too large to be true");
    return type->layout == LAYOUT_FALCON
               ? read_falcon_heads(config, a, error)
               : read_size(config, "num_key_value_heads", NULL, a->attention_heads, &a->kv_heads, error);
}

static void add_module(struct kt_architecture *a, const char *name, uint32_t in, uint32_t out)
{
    a->modules[a->module_count++] = (struct kt_linear_module){name, in, out};
}

static void add_modules(struct kt_architecture *a, enum layout layout)
{
    uint32_t h = a->hidden_size, ff = a->intermediate_size;
    uint32_t q = a->attention_heads * a->head_dim, k = a->kv_heads * a->head_dim;
    switch (layout) {
    case LAYOUT_PHI3:
        add_module(a, "qkv_proj", h, q + 2 * k);
        add_module(a, "o_proj", q, h);
        add_module(a, "gate_up_proj", h, 2 * ff);
        add_module(a, "down_proj", ff, h);
        return;
    case LAYOUT_FALCON:
        add_module(a, "query_key_value", h, q + 2 * k);
        add_module(a, "dense", q, h);
        add_module(a, "dense_h_to_4h", h, ff);
        add_module(a, "dense_4h_to_h", ff, h);
        return;
    case LAYOUT_SPLIT:
    case LAYOUT_PHI:
        break;
    }
    add_module(a, "q_proj", h, q);
    add_module(a, "k_proj", h, k);
    add_module(a, "v_proj", h, k);
    add_module(a, layout == LAYOUT_PHI ? "dense" : "o_proj", q, h);
    if (layout == LAYOUT_SPLIT)
        add_module(a, "gate_proj", h, ff);
    add_module(a, layout == LAYOUT_PHI ? "fc1" : "up_proj", h, ff);
    add_module(a, layout == LAYOUT_PHI ? "fc2" : "down_proj", ff, h);
}

static uint64_t parameters_of(const struct kt_architecture *a)
{
    uint64_t block = 2 * (uint64_t)a->hidden_size; /* norms */
    for (uint32_t i = 0; i < a->module_count; i++)
        block += (uint64_t)a->modules[i].in_features * a->modules[i].out_features;
    uint64_t embedding = (uint64_t)a->vocab_size * a->hidden_size;
    return block * a->layers + embedding * (a->tied_embeddings ? 1 : 2) + a->hidden_size;
}

static const struct type *find_type(const char *name)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(types); i++)
        if (kt_streq(types[i].name, name))
            return &types[i];
    return NULL;
}

/* Experts multiply the MLP in ways that this formula does not know. */
static bool has_experts(const cJSON *config)
{
    static const char *const keys[] = {"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"};
    int64_t count;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(keys); i++)
        if (kt_json_int64(kt_json_get(config, keys[i]), &count) && count > 1)
            return true;
    return false;
}

static void fill_model(struct kt_arena *arena, const cJSON *config, const struct type *type, const char *name,
                       struct kt_model *model)
{
    const struct kt_architecture *a = &model->architecture;
    const char *path = kt_json_string(kt_json_get(config, "_name_or_path"));
    model->name = name ? name : path && path[0] ? path : "model of the config file";
    model->family = type->name;
    model->status = KT_MODEL_CURRENT;
    model->weights_at_run_time = true;
    model->weights_bytes = parameters_of(a) * BYTES_PER_WEIGHT;
    model->weights_text = kt_arena_printf(arena, "%.2fGi", (double)model->weights_bytes / (double)KT_GIB);
    uint64_t kv_bytes = (uint64_t)2 * BYTES_PER_WEIGHT * a->kv_heads * a->head_dim * a->layers;
    model->kv_bytes_per_token = (uint32_t)KT_MIN(kv_bytes, (uint64_t)UINT32_MAX);
    int64_t limit;
    if (kt_json_int64(kt_json_get(config, "max_position_embeddings"), &limit) && limit > 0 && limit <= UINT32_MAX)
        model->token_limit = (uint32_t)limit;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(type->targets) && type->targets[i]; i++)
        model->default_targets[model->default_target_count++] = type->targets[i];
    for (uint32_t i = 0; !type->targets[0] && i < a->module_count; i++)
        model->default_targets[model->default_target_count++] = a->modules[i].name;
}

int kt_hf_config_model(struct kt_arena *arena, const cJSON *config, const char *name, struct kt_model *ret,
                       struct kt_error *error)
{
    if (!kt_json_is_object(config))
        return kt_error_set(error, KT_EINVAL, "it is not a JSON object");
    /* Models that also read pictures keep the sizes of their language part one level down. */
    const cJSON *text_config = kt_json_get(config, "text_config");
    const cJSON *sizes = kt_json_is_object(text_config) ? text_config : config;
    const char *type_name = kt_json_string(kt_json_get(sizes, "model_type"));
    if (!type_name)
        return kt_error_set(error, KT_EINVAL, "model_type is missing; is this the config.json of a language model?");
    const struct type *type = find_type(type_name);
    if (!type)
        return unknown_type(arena, type_name, error);
    if (has_experts(sizes))
        return kt_error_set(error, KT_EINVAL, "it is a mixture of experts, which cannot be sized");
    struct kt_model model = {0};
    struct kt_architecture *a = &model.architecture;
    int code = read_sizes(sizes, type, a, error);
    if (code != 0)
        return code;
    const cJSON *tied = kt_json_get(config, "tie_word_embeddings");
    a->tied_embeddings = kt_json_is_bool(tied) ? kt_json_true(tied) : type->tied;
    a->gated_mlp = type->layout == LAYOUT_SPLIT || type->layout == LAYOUT_PHI3;
    a->rms_norm = a->gated_mlp;
    add_modules(a, type->layout);
    model.quantised = kt_json_is_object(kt_json_get(config, "quantization_config"));
    fill_model(arena, sizes, type, name, &model);
    *ret = model;
    return 0;
}
