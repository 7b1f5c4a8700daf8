/* SPDX-License-Identifier: Apache-2.0 */
/* The tables as C. */
#include <stdlib.h>

#include "generator.h"

/* Every model may have a name, a Hugging Face id and its aliases. */
#define MAX_KEYS (MAX_MODELS * (2 + KT_ENTRY_MAX_ALIASES) + MAX_SKUS)

struct key {
    char text[MAX_KEY_LENGTH + 1]; /* lower case */
    uint32_t index;
};

static struct key keys[MAX_KEYS];

static void put_text(const char *member, const char *text)
{
    if (text) {
        printf(", .%s = \"%s\"", member, text);
    }
}

static void put_flag(const char *member, bool value)
{
    if (value) {
        printf(", .%s = true", member);
    }
}

static void put_number(const char *member, uint64_t value)
{
    if (value) {
        printf(", .%s = %" PRIu64 "u", member, value);
    }
}

static void put_architecture(const struct kt_architecture *architecture)
{
    printf(",\n   .architecture = {.hidden_size = %" PRIu32, architecture->hidden_size);
    put_number("layers", architecture->layers);
    put_number("attention_heads", architecture->attention_heads);
    put_number("kv_heads", architecture->kv_heads);
    put_number("head_dim", architecture->head_dim);
    put_number("intermediate_size", architecture->intermediate_size);
    put_number("vocab_size", architecture->vocab_size);
    put_flag("tied_embeddings", architecture->tied_embeddings);
    put_flag("gated_mlp", architecture->gated_mlp);
    put_flag("rms_norm", architecture->rms_norm);
    put_number("module_count", architecture->module_count);
    printf(", .modules = {");
    for (uint32_t i = 0; i < architecture->module_count; i++) {
        const struct kt_linear_module *module = &architecture->modules[i];
        printf("{\"%s\", %" PRIu32 ", %" PRIu32 "}, ", module->name, module->in_features, module->out_features);
    }
    printf("}}");
}

static void put_model(size_t index)
{
    static const char *const statuses[] = {"KT_MODEL_CURRENT", "KT_MODEL_DEPRECATED", "KT_MODEL_RETIRED"};
    const struct kt_model *model = &tables.models[index].model;
    printf("  {.name = \"%s\"", model->name);
    put_text("hugging_face", model->hugging_face);
    put_text("family", model->family);
    if (tables.models[index].aliases[0]) {
        printf(", .aliases = aliases_%zu", index);
    }
    printf(", .status = %s", statuses[model->status]);
    put_text("retired_in", model->retired_in);
    put_text("replacement", model->replacement);
    put_flag("built_in", model->built_in);
    put_flag("tunable", model->tunable);
    put_flag("was_tunable", model->was_tunable || model->tunable);
    put_flag("supports_transformers", model->supports_transformers);
    put_flag("needs_access_token", model->needs_access_token);
    put_flag("weights_at_run_time", model->weights_at_run_time);
    put_text("image_tag", model->image_tag);
    put_text("weights_text", model->weights_text);
    put_number("weights_bytes", model->weights_bytes);
    put_number("kv_bytes_per_token", model->kv_bytes_per_token);
    put_number("token_limit", model->token_limit);
    put_flag("quantised", model->quantised);
    if (model->architecture.module_count > 0) {
        put_architecture(&model->architecture);
    }
    put_number("default_target_count", model->default_target_count);
    if (model->default_target_count > 0) {
        printf(", .default_targets = {");
        for (uint32_t i = 0; i < model->default_target_count; i++) {
            printf("\"%s\", ", model->default_targets[i]);
        }
        printf("}");
    }
    printf("},\n");
}

static void put_sku(const struct kt_sku *sku)
{
    static const char *const clouds[KT_CLOUD_COUNT] = {"KT_CLOUD_AZURE", "KT_CLOUD_AWS", "KT_CLOUD_ARC"};
    static const char *const vendors[] = {"KT_GPU_NVIDIA", "KT_GPU_AMD", "KT_GPU_AWS_NEURON", "KT_GPU_UNKNOWN"};
    printf("  {.name = \"%s\", .cloud = %s, .vendor = %s", sku->name, clouds[sku->cloud], vendors[sku->vendor]);
    put_flag("current", sku->current);
    put_text("retired_in", sku->retired_in);
    put_text("replacement", sku->replacement);
    put_text("gpu_model", sku->gpu_model);
    put_number("gpu_count", sku->gpu_count);
    put_number("memory_bytes", sku->memory_bytes);
    put_number("compute_capability", sku->compute_capability);
    put_flag("nvme_disk", sku->nvme_disk);
    put_number("price_milli_usd_per_hour", sku->price_milli_usd_per_hour);
    put_text("price_region", sku->price_region);
    printf("},\n");
}

static void put_image(const struct kt_trainer_image *image)
{
    printf("  {.tag = \"%s\", .release = \"%s\", .keys = \"%s\"", image->tag, image->release, image->keys);
    put_flag("keys_alike", image->keys_alike);
    put_text("torch", image->torch);
    put_text("transformers", image->transformers);
    put_text("trl", image->trl);
    put_text("peft", image->peft);
    put_text("bitsandbytes", image->bitsandbytes);
    put_number("oldest_gpu", image->oldest_gpu);
    put_number("oldest_gpu_qlora", image->oldest_gpu_qlora);
    put_number("ours_from", image->ours_from);
    put_flag("chunked_loss", image->chunked_loss);
    put_flag("checkpointing", image->checkpointing);
    put_flag("float32_weights", image->float32_weights);
    put_number("fixed_length", image->fixed_length);
    put_flag("uncut_rows", image->uncut_rows);
    put_flag("batches_of_messages", image->batches_of_messages);
    put_flag("batches_of_completions", image->batches_of_completions);
    put_flag("exact_rows", image->exact_rows);
    put_flag("bfloat16_adapter", image->bfloat16_adapter);
    put_text("reads", image->reads);
    put_text("seen", image->seen);
    printf("},\n");
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *left = a;
    const struct key *right = b;
    int order = strcmp(left->text, right->text);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

static void add_key(size_t *count, const char *text, size_t index)
{
    if (text) {
        lower(keys[*count].text, text);
        keys[(*count)++].index = (uint32_t)index;
    }
}

/* Sorts keys[0..count] and writes them once each. unique: the file to complain of when one key means two entries (two
 * clouds may have machine types of one name, so NULL there). */
static void put_keys(const char *name, size_t count, const struct source *unique)
{
    size_t written = 0;
    qsort(keys, count, sizeof(keys[0]), compare_keys);
    printf("\nconst struct kt_catalog_key kt_%s_keys[] = {\n", name);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && kt_streq(keys[i - 1].text, keys[i].text);
        if (same && keys[i - 1].index == keys[i].index) {
            continue;
        }
        if (same && unique) {
            complain(unique, 0, "%s means two models", keys[i].text);
        }
        printf("  {\"%s\", %" PRIu32 "},\n", keys[i].text, keys[i].index);
        written++;
    }
    printf("};\nconst size_t kt_%s_key_count = %zu;\n", name, written);
    printf("_Static_assert(sizeof(kt_%s_keys) / sizeof(kt_%s_keys[0]) == %zu, \"keys\");\n", name, name, written);
}

static void put_count(const char *table, const char *count_name, size_t count)
{
    printf("};\nconst size_t %s = %zu;\n_Static_assert(sizeof(%s) / sizeof(%s[0]) == %zu, \"%s\");\n\n", count_name,
           count, table, table, count, table);
}

void write_tables(const struct source *model_source)
{
    size_t count = 0;
    printf("/* SPDX-License-Identifier: Apache-2.0 */\n/* Generated from models.yaml, skus.yaml and images.yaml: do "
           "not edit. */\n"
           "#include \"catalog/images.h\"\n#include \"catalog/tables.h\"\n\n");
    for (size_t i = 0; i < tables.model_count; i++) {
        if (tables.models[i].aliases[0]) {
            printf("static const char *const aliases_%zu[] = {", i);
            for (size_t j = 0; tables.models[i].aliases[j]; j++) {
                printf("\"%s\", ", tables.models[i].aliases[j]);
                add_key(&count, tables.models[i].aliases[j], i);
            }
            printf("NULL};\n");
        }
    }
    printf("\nconst struct kt_model kt_models[] = {\n");
    for (size_t i = 0; i < tables.model_count; i++) {
        put_model(i);
        add_key(&count, tables.models[i].model.name, i);
        add_key(&count, tables.models[i].model.hugging_face, i);
    }
    put_count("kt_models", "kt_model_count", tables.model_count);
    printf("const struct kt_sku kt_skus[] = {\n");
    for (size_t i = 0; i < tables.sku_count; i++) {
        put_sku(&tables.skus[i].sku);
    }
    put_count("kt_skus", "kt_sku_count", tables.sku_count);
    printf("const struct kt_trainer_image kt_trainer_images[] = {\n");
    for (size_t i = 0; i < tables.image_count; i++) {
        put_image(&tables.images[i]);
    }
    put_count("kt_trainer_images", "kt_trainer_image_count", tables.image_count);
    printf("const char *const kt_mig_profiles[] = {");
    for (size_t i = 0; i < tables.profile_count; i++) {
        printf("\"%s\", ", tables.profiles[i]);
    }
    printf("NULL};\nconst size_t kt_mig_profile_count = %zu;\n", tables.profile_count);
    put_keys("model", count, model_source);
    count = 0;
    for (size_t i = 0; i < tables.sku_count; i++) {
        add_key(&count, tables.skus[i].sku.name, i);
    }
    put_keys("sku", count, NULL);
}
