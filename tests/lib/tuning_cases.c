/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tuning_cases.h"

#include <stdio.h>
#include <stdlib.h>

#define MODELS_PATH "tests/unit/data/sizing/models.tsv"
#define MODEL_COLUMNS 12

static void *need(void *pointer)
{
    if (!pointer) {
        fprintf(stderr, "test data: no memory\n");
        abort();
    }
    return pointer;
}

/* "q_proj:4096x4096,..." */
static void read_modules(struct kt_arena *arena, struct kt_architecture *architecture, const char *text)
{
    size_t count;
    const char *const *parts = kt_test_split(arena, text, ',', KT_MODEL_MAX_MODULES, &count);
    for (size_t i = 0; i < count; i++) {
        size_t fields;
        const char *const *halves = kt_test_split(arena, parts[i], ':', 2, &fields);
        char *end = NULL;
        unsigned long in = fields == 2 ? strtoul(halves[1], &end, 10) : 0;
        unsigned long out = end && *end == 'x' ? strtoul(end + 1, &end, 10) : 0;
        if (in == 0 || out == 0 || *end != '\0') {
            fprintf(stderr, "test data: bad module \"%s\"\n", parts[i]);
            abort();
        }
        architecture->modules[i] = (struct kt_linear_module){halves[0], (uint32_t)in, (uint32_t)out};
    }
    architecture->module_count = (uint32_t)count;
}

static struct kt_architecture read_architecture(struct kt_arena *arena, const struct kt_tsv_row *row)
{
    struct kt_architecture architecture = {
        .hidden_size = kt_tsv_u32(row, 1),
        .layers = kt_tsv_u32(row, 2),
        .attention_heads = kt_tsv_u32(row, 3),
        .kv_heads = kt_tsv_u32(row, 4),
        .head_dim = kt_tsv_u32(row, 5),
        .intermediate_size = kt_tsv_u32(row, 6),
        .vocab_size = kt_tsv_u32(row, 7),
        .tied_embeddings = kt_tsv_u32(row, 8) != 0,
        .gated_mlp = kt_tsv_u32(row, 9) != 0,
        .rms_norm = kt_tsv_u32(row, 10) != 0,
    };
    read_modules(arena, &architecture, row->cells[11]);
    return architecture;
}

static void read_case(struct kt_arena *arena, struct kt_tuning_case *item, const struct kt_architecture *architecture)
{
    const struct kt_tsv_row *row = item->row;
    size_t count;
    size_t unknown;
    const char *const *targets = kt_test_split(arena, row->cells[7], ',', KT_MODEL_MAX_MODULES, &count);
    struct kt_tuning_input *input = &item->input;
    item->constants = kt_tuning_constants_default;
    item->constants.adapter_bytes = kt_tsv_number(row, 11);
    item->constants.unquantised_bytes = kt_tsv_number(row, 12);
    item->constants.stored_bytes = kt_tsv_number(row, 13);
    item->constants.scale_bytes = kt_tsv_number(row, 14);
    *input = (struct kt_tuning_input){
        .architecture = architecture,
        .quantisation_bits = kt_tsv_u32(row, 2),
        .double_quantisation = kt_tsv_u32(row, 3) != 0,
        .batch_size = kt_tsv_u32(row, 4),
        .sequence_length = kt_tsv_u32(row, 5),
        .rank = kt_tsv_u32(row, 6),
        .attention = kt_streq(row->cells[8], "eager") ? KT_ATTENTION_EAGER : KT_ATTENTION_FLASH,
        .gradient_checkpointing = kt_tsv_u32(row, 9) != 0,
        .loss = kt_tsv_u32(row, 10) > 0 ? KT_LOSS_CHUNKED : KT_LOSS_FULL,
        .target_mask = kt_sizing_target_mask(architecture, targets, count, &unknown),
        .constants = &item->constants,
    };
    if (input->loss == KT_LOSS_CHUNKED) {
        item->constants.chunk_tokens = kt_tsv_u32(row, 10);
    }
    if (!kt_tuning_method_parse(kt_str(row->cells[1]), &input->method) || unknown > 0) {
        fprintf(stderr, "test data, line %zu: unknown method or target\n", row->line);
        abort();
    }
}

struct kt_tuning_case *kt_test_tuning_cases(struct kt_arena *arena, const char *path, size_t extra_columns,
                                            size_t *ret_count)
{
    size_t model_count;
    size_t count;
    const struct kt_tsv_row *models = kt_test_read_tsv(arena, MODELS_PATH, MODEL_COLUMNS, &model_count);
    const struct kt_tsv_row *rows = kt_test_read_tsv(arena, path, KT_TUNING_CASE_COLUMNS + extra_columns, &count);
    struct kt_architecture *architectures = need(kt_arena_calloc(arena, model_count, sizeof(*architectures)));
    struct kt_tuning_case *cases = need(kt_arena_calloc(arena, count, sizeof(*cases)));
    for (size_t i = 0; i < model_count; i++) {
        architectures[i] = read_architecture(arena, &models[i]);
    }
    for (size_t i = 0; i < count; i++) {
        size_t model = 0;
        while (model < model_count && !kt_streq(models[model].cells[0], rows[i].cells[0])) {
            model++;
        }
        if (model == model_count) {
            fprintf(stderr, "test data, line %zu: unknown model\n", rows[i].line);
            abort();
        }
        cases[i].row = &rows[i];
        read_case(arena, &cases[i], &architectures[model]);
    }
    *ret_count = count;
    return cases;
}
