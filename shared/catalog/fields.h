/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of models.yaml, skus.yaml and images.yaml: one table for the generator (which reads the two files at build
 * time) and for extra.c (which reads the user's additions at run time). Private to this folder. Everything is inline
 * because the generator is a program of its own that links nothing of the library.
 */
#ifndef KT_CATALOG_FIELDS_H
#define KT_CATALOG_FIELDS_H

#include <string.h>

#include "catalog/catalog.h"
#include "catalog/images.h"

#define KT_ENTRY_MAX_ALIASES 4

/* A model as it is read; the keys that are not members of struct kt_model end up in `status` and `aliases`. */
struct kt_model_entry {
    struct kt_model model;
    bool deprecated;
    const char *aliases[KT_ENTRY_MAX_ALIASES + 1]; /* NULL-terminated */
};

struct kt_sku_entry {
    struct kt_sku sku;
    bool never_supported;
};

enum kt_field_kind {
    KT_FIELD_TEXT,     /* const char *: printable ASCII without quotes and backslashes */
    KT_FIELD_BOOL,     /* true, false */
    KT_FIELD_U32,      /* 1..maximum */
    KT_FIELD_GIB,      /* uint64_t, bytes: whole GiB, 1..maximum */
    KT_FIELD_WEIGHTS,  /* const char *: "7.12Gi"; kt_field_weights_bytes gives the number */
    KT_FIELD_TENTHS,   /* uint32_t: "8.6" is 86 */
    KT_FIELD_THOUSAND, /* uint32_t: "3.673" is 3673 */
    KT_FIELD_CLOUD,    /* enum kt_cloud */
    KT_FIELD_NESTED,   /* a map or list that the reader handles by name */
};

struct kt_field {
    const char *key;
    enum kt_field_kind kind;
    bool required;
    uint64_t maximum; /* of the number as written, without its fraction */
    size_t offset;
};

#define KT_MODEL_FIELD(key, kind, required, maximum, member)                  \
    {                                                                         \
        key, kind, required, maximum, offsetof(struct kt_model_entry, member) \
    }
static const struct kt_field kt_model_fields[] = {
    KT_MODEL_FIELD("name", KT_FIELD_TEXT, true, 0, model.name),
    KT_MODEL_FIELD("family", KT_FIELD_TEXT, true, 0, model.family),
    KT_MODEL_FIELD("hugging_face", KT_FIELD_TEXT, false, 0, model.hugging_face),
    KT_MODEL_FIELD("aliases", KT_FIELD_NESTED, false, 0, aliases),
    KT_MODEL_FIELD("deprecated", KT_FIELD_BOOL, false, 0, deprecated),
    KT_MODEL_FIELD("retired_in", KT_FIELD_TEXT, false, 0, model.retired_in),
    KT_MODEL_FIELD("replacement", KT_FIELD_TEXT, false, 0, model.replacement),
    KT_MODEL_FIELD("tunable", KT_FIELD_BOOL, false, 0, model.tunable),
    KT_MODEL_FIELD("was_tunable", KT_FIELD_BOOL, false, 0, model.was_tunable),
    KT_MODEL_FIELD("transformers", KT_FIELD_BOOL, false, 0, model.supports_transformers),
    KT_MODEL_FIELD("needs_access_token", KT_FIELD_BOOL, false, 0, model.needs_access_token),
    KT_MODEL_FIELD("weights_at_run_time", KT_FIELD_BOOL, false, 0, model.weights_at_run_time),
    KT_MODEL_FIELD("image_tag", KT_FIELD_TEXT, false, 0, model.image_tag),
    KT_MODEL_FIELD("weights_size", KT_FIELD_WEIGHTS, false, 9999, model.weights_text),
    KT_MODEL_FIELD("quantised", KT_FIELD_BOOL, false, 0, model.quantised),
    KT_MODEL_FIELD("kv_bytes_per_token", KT_FIELD_U32, false, 1u << 26, model.kv_bytes_per_token),
    KT_MODEL_FIELD("token_limit", KT_FIELD_U32, false, 1u << 26, model.token_limit),
    KT_MODEL_FIELD("architecture", KT_FIELD_NESTED, false, 0, model.architecture),
    KT_MODEL_FIELD("modules", KT_FIELD_NESTED, false, 0, model.architecture.modules),
    KT_MODEL_FIELD("default_targets", KT_FIELD_NESTED, false, 0, model.default_targets),
};

#define KT_ARCHITECTURE_FIELD(key, kind, maximum)                        \
    {                                                                    \
#key, kind, true, maximum, offsetof(struct kt_architecture, key) \
    }
static const struct kt_field kt_architecture_fields[] = {
    KT_ARCHITECTURE_FIELD(hidden_size, KT_FIELD_U32, 1u << 18),
    KT_ARCHITECTURE_FIELD(layers, KT_FIELD_U32, 1024),
    KT_ARCHITECTURE_FIELD(attention_heads, KT_FIELD_U32, 4096),
    KT_ARCHITECTURE_FIELD(kv_heads, KT_FIELD_U32, 4096),
    KT_ARCHITECTURE_FIELD(head_dim, KT_FIELD_U32, 4096),
    KT_ARCHITECTURE_FIELD(intermediate_size, KT_FIELD_U32, 1u << 20),
    KT_ARCHITECTURE_FIELD(vocab_size, KT_FIELD_U32, 1u << 22),
    KT_ARCHITECTURE_FIELD(tied_embeddings, KT_FIELD_BOOL, 0),
    KT_ARCHITECTURE_FIELD(gated_mlp, KT_FIELD_BOOL, 0),
    KT_ARCHITECTURE_FIELD(rms_norm, KT_FIELD_BOOL, 0),
};
/* Largest in_features or out_features of a module. */
#define KT_FIELD_MAX_FEATURES (1u << 20)

#define KT_SKU_FIELD(key, kind, required, maximum, member)                  \
    {                                                                       \
        key, kind, required, maximum, offsetof(struct kt_sku_entry, member) \
    }
static const struct kt_field kt_sku_fields[] = {
    KT_SKU_FIELD("name", KT_FIELD_TEXT, true, 0, sku.name),
    KT_SKU_FIELD("cloud", KT_FIELD_CLOUD, true, 0, sku.cloud),
    KT_SKU_FIELD("retired_in", KT_FIELD_TEXT, false, 0, sku.retired_in),
    KT_SKU_FIELD("never_supported", KT_FIELD_BOOL, false, 0, never_supported),
    KT_SKU_FIELD("replacement", KT_FIELD_TEXT, false, 0, sku.replacement),
    KT_SKU_FIELD("gpu_model", KT_FIELD_TEXT, false, 0, sku.gpu_model),
    KT_SKU_FIELD("gpu_count", KT_FIELD_U32, false, 64, sku.gpu_count),
    KT_SKU_FIELD("memory_gib", KT_FIELD_GIB, false, 1u << 16, sku.memory_bytes),
    KT_SKU_FIELD("compute_capability", KT_FIELD_TENTHS, false, 99, sku.compute_capability),
    KT_SKU_FIELD("nvme_disk", KT_FIELD_BOOL, false, 0, sku.nvme_disk),
    KT_SKU_FIELD("price_usd_per_hour", KT_FIELD_THOUSAND, false, 9999, sku.price_milli_usd_per_hour),
    KT_SKU_FIELD("price_region", KT_FIELD_TEXT, false, 0, sku.price_region),
};

#define KT_IMAGE_FIELD(key, kind, required, maximum)                          \
    {                                                                         \
#key, kind, required, maximum, offsetof(struct kt_trainer_image, key) \
    }
static const struct kt_field kt_image_fields[] = {
    KT_IMAGE_FIELD(tag, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(release, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(keys, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(keys_alike, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(torch, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(transformers, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(trl, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(peft, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(bitsandbytes, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(oldest_gpu, KT_FIELD_TENTHS, true, 99),
    KT_IMAGE_FIELD(oldest_gpu_qlora, KT_FIELD_TENTHS, true, 99),
    KT_IMAGE_FIELD(ours_from, KT_FIELD_TENTHS, false, 99),
    KT_IMAGE_FIELD(chunked_loss, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(checkpointing, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(float32_weights, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(fixed_length, KT_FIELD_U32, false, 1u << 20),
    KT_IMAGE_FIELD(uncut_rows, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(batches_of_messages, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(batches_of_completions, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(exact_rows, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(bfloat16_adapter, KT_FIELD_BOOL, false, 0),
    KT_IMAGE_FIELD(reads, KT_FIELD_TEXT, true, 0),
    KT_IMAGE_FIELD(seen, KT_FIELD_TEXT, true, 0),
};

static const char *const kt_cloud_names[KT_CLOUD_COUNT] = {"azure", "aws", "arc"};

/* "12.5" with places 3 gives 12500. False for anything but digits, at most one point and `places` digits behind it. */
static inline bool kt_field_decimal(struct kt_str text, unsigned places, uint64_t *ret)
{
    uint64_t value = 0;
    unsigned behind = 0;
    bool point = false;
    bool digit = false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '.' && digit && !point) {
            point = true;
            digit = false;
            continue;
        }
        if (text.data[i] < '0' || text.data[i] > '9' || value > UINT64_MAX / 100 || (point && ++behind > places)) {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
        digit = true;
    }
    for (; behind < places && value <= UINT64_MAX / 100; behind++) {
        value *= 10;
    }
    *ret = value;
    return digit && behind == places;
}

/* Bytes of "7.12Gi", rounded up as Kubernetes does; 0 when it is not of that form or beyond `maximum_gib`. */
static inline uint64_t kt_field_weights_bytes(struct kt_str text, uint64_t maximum_gib)
{
    uint64_t millionths;
    if (text.length < 3 || memcmp(text.data + text.length - 2, "Gi", 2) != 0 ||
        !kt_field_decimal((struct kt_str){text.data, text.length - 2}, 6, &millionths) ||
        millionths > maximum_gib * 1000000) {
        return 0;
    }
    return (millionths * KT_GIB + 999999) / 1000000; /* at most 9999 * 10^6 * 2^30 < 2^64 */
}

static inline bool kt_field_text_ok(struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~' || text.data[i] == '"' || text.data[i] == '\\') {
            return false;
        }
    }
    return text.length > 0 && text.length <= 128;
}

static inline const char *kt_field_set_number(const struct kt_field *field, void *target, struct kt_str text)
{
    unsigned places = field->kind == KT_FIELD_TENTHS ? 1 : field->kind == KT_FIELD_THOUSAND ? 3 : 0;
    uint64_t scale = places == 1 ? 10 : places == 3 ? 1000 : 1;
    uint64_t value;
    if (!kt_field_decimal(text, places, &value)) {
        return "is not a number of the expected form";
    }
    if (value == 0 || value > field->maximum * scale) {
        return "is out of range";
    }
    if (field->kind == KT_FIELD_GIB) {
        *(uint64_t *)target = value * KT_GIB;
    } else {
        *(uint32_t *)target = (uint32_t)value;
    }
    return NULL;
}

/* Stores a scalar. text must be NUL-terminated beyond its length and live as long as the entry. Returns NULL, or what
 * is wrong with the value ("is out of range"). */
static inline const char *kt_field_set(const struct kt_field *field, void *entry, struct kt_str text)
{
    void *target = (char *)entry + field->offset;
    switch (field->kind) {
    case KT_FIELD_TEXT:
        if (!kt_field_text_ok(text)) {
            return "must be 1 to 128 printable ASCII characters without quotes and backslashes";
        }
        *(const char **)target = text.data;
        return NULL;
    case KT_FIELD_WEIGHTS:
        if (kt_field_weights_bytes(text, field->maximum) == 0) {
            return "must be a size such as 7.12Gi";
        }
        *(const char **)target = text.data;
        return NULL;
    case KT_FIELD_BOOL:
        *(bool *)target = kt_str_equal(text, KT_STR("true"));
        return *(bool *)target || kt_str_equal(text, KT_STR("false")) ? NULL : "must be true or false";
    case KT_FIELD_CLOUD:
        for (size_t i = 0; i < KT_CLOUD_COUNT; i++) {
            if (kt_str_equal(text, (struct kt_str){kt_cloud_names[i], strlen(kt_cloud_names[i])})) {
                *(enum kt_cloud *)target = (enum kt_cloud)i;
                return NULL;
            }
        }
        return "must be azure, aws or arc";
    case KT_FIELD_U32:
    case KT_FIELD_GIB:
    case KT_FIELD_TENTHS:
    case KT_FIELD_THOUSAND:
        return kt_field_set_number(field, target, text);
    case KT_FIELD_NESTED:
        break;
    }
    return "must be a map or a list";
}

/* --- what must hold of a whole entry; both return NULL or the complaint, and fill the derived members --------------
 */

static inline uint32_t kt_entry_module_index(const struct kt_architecture *architecture, const char *name)
{
    uint32_t i = 0;
    while (i < architecture->module_count && strcmp(architecture->modules[i].name, name) != 0) {
        i++;
    }
    return i;
}

static inline const char *kt_model_entry_finish(struct kt_model_entry *entry)
{
    struct kt_model *model = &entry->model;
    model->status = entry->deprecated ? KT_MODEL_DEPRECATED : model->retired_in ? KT_MODEL_RETIRED : KT_MODEL_CURRENT;
    model->built_in = strchr(model->name, '/') == NULL;
    if (!model->built_in && !model->hugging_face) {
        model->hugging_face = model->name;
    }
    if (model->weights_text) {
        struct kt_str text = {model->weights_text, strlen(model->weights_text)};
        model->weights_bytes = kt_field_weights_bytes(text, UINT32_MAX);
    }
    if (model->status != KT_MODEL_CURRENT && (!model->retired_in || !model->replacement || model->tunable)) {
        return "a model that is not current needs retired_in and replacement, and cannot be tunable";
    }
    if (model->status == KT_MODEL_CURRENT && model->replacement) {
        return "a current model needs no replacement";
    }
    if ((model->architecture.layers == 0) != (model->architecture.module_count == 0)) {
        return "architecture and modules come together";
    }
    if ((model->tunable || model->was_tunable) && model->architecture.layers == 0) {
        return "a tunable model needs an architecture";
    }
    if (model->weights_at_run_time == (model->image_tag != NULL)) {
        return "either weights_at_run_time or image_tag must be given";
    }
    for (uint32_t i = 0; i < model->default_target_count; i++) {
        if (kt_entry_module_index(&model->architecture, model->default_targets[i]) ==
            model->architecture.module_count) {
            return "default_targets names a module that the model does not have";
        }
    }
    return NULL;
}

static inline const char *kt_sku_entry_finish(struct kt_sku_entry *entry)
{
    static const struct {
        const char *prefix;
        enum kt_gpu_vendor vendor;
    } vendors[] = {{"NVIDIA ", KT_GPU_NVIDIA}, {"AMD ", KT_GPU_AMD}, {"AWS ", KT_GPU_AWS_NEURON}};
    struct kt_sku *sku = &entry->sku;
    sku->current = !sku->retired_in && !entry->never_supported;
    sku->vendor = KT_GPU_UNKNOWN;
    if (!sku->gpu_model) {
        sku->gpu_model = "unknown GPU";
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(vendors); i++) {
        if (strncmp(sku->gpu_model, vendors[i].prefix, strlen(vendors[i].prefix)) == 0) {
            sku->vendor = vendors[i].vendor;
        }
    }
    if (sku->current == (sku->replacement != NULL)) {
        return "a retired type needs a replacement, a current one must not have one";
    }
    if ((sku->gpu_count == 0) != (sku->memory_bytes == 0) || (sku->current && sku->gpu_count == 0)) {
        return "gpu_count and memory_gib come together, and a current type needs them";
    }
    if (sku->current && sku->vendor == KT_GPU_NVIDIA && sku->compute_capability == 0) {
        return "a current NVIDIA type needs compute_capability";
    }
    if ((sku->price_milli_usd_per_hour == 0) != (sku->price_region == NULL)) {
        return "price_usd_per_hour and price_region come together";
    }
    return NULL;
}

#endif
