/* SPDX-License-Identifier: Apache-2.0 */
/* Does it fit, what would, and which machine is cheapest: the answers that a user sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "sizing/explain.h"

#define GIB ((double)KT_GIB)
#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

/* As the tuning templates have it: batch 1, 1024 tokens, rank 8, 4 bit with double quantisation for qlora. */
static struct kt_tuning_input template_input(const char *model_name, enum kt_tuning_method method)
{
    const struct kt_model *model = kt_model_find(kt_str(model_name));
    assert_non_null(model);
    return (struct kt_tuning_input){
        .architecture = &model->architecture,
        .method = method,
        .quantisation_bits = 4,
        .double_quantisation = true,
        .batch_size = KT_TEMPLATE_BATCH_SIZE,
        .sequence_length = KT_DEFAULT_SEQUENCE_LENGTH,
        .rank = KT_DEFAULT_LORA_RANK,
        .gradient_checkpointing = true,
        .target_mask = kt_sizing_default_target_mask(model),
    };
}

static const struct kt_sku *azure(const char *name)
{
    const struct kt_sku *sku = kt_sku_find(KT_CLOUD_AZURE, kt_str(name));
    assert_non_null(sku);
    return sku;
}

static enum kt_fit fit_on(const struct kt_tuning_input *input, const char *sku_name)
{
    const struct kt_sku *sku = azure(sku_name);
    return kt_sizing_tuning_fit(input, kt_sizing_usable_bytes_per_gpu(sku), sku->compute_capability);
}

/* --- estimates ------------------------------------------------------------------------------------------------------
 */

static void the_guide_s_example_fits_on_its_v100(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("phi-3-mini-128k-instruct", KT_METHOD_QLORA);
    struct kt_tuning_range range = kt_sizing_tuning_range(&input, 70);
    struct kt_tuning_estimate full_flash = kt_sizing_tuning(&input);
    assert_true(full_flash.total_bytes / GIB > 4.05 && full_flash.total_bytes / GIB < 4.15);
    assert_true(range.high.total_bytes / GIB > 4.25 && range.high.total_bytes / GIB < 4.35); /* eager attention */
    assert_true(range.low.total_bytes <= full_flash.total_bytes);
    assert_int_equal(full_flash.adapter_parameters, 4456448); /* o_proj and down_proj only */
    assert_int_equal(fit_on(&input, "Standard_NC6s_v3"), KT_FIT_FITS);
    input.target_mask = (1u << input.architecture->module_count) - 1;
    assert_int_equal(kt_sizing_tuning(&input).adapter_parameters, 12582912);
}

static void worked_estimates_of_the_presets(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double qlora, lora_checkpointing, lora, qlora_eager; /* GiB */
    } rows[] = {
        {"falcon-7b", 6.66, 15.41, 18.33, 7.03},
        {"mistral-7b", 6.18, 15.52, 21.29, 6.43},
        {"phi-2", 4.09, 7.06, 9.69, 4.09},
        {"phi-3-mini-4k-instruct", 4.08, 8.75, 13.41, 4.31},
        {"phi-3.5-mini-instruct", 4.08, 8.75, 13.41, 4.31},
        {"phi-3-medium-128k-instruct", 10.16, 28.89, 39.35, 10.66},
        {"phi-4", 14.26, 31.62, 42.08, 14.26},
        {"phi-4-mini-instruct", 8.31, 11.59, 15.98, 8.31},
        {"qwen2.5-coder-7b-instruct", 10.93, 18.07, 23.53, 10.93},
        {"qwen2.5-coder-32b-instruct", 26.22, 67.80, 85.91, 26.22},
        {"falcon-40b", 26.30, 83.44, 93.40, 27.80},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_tuning_input qlora = template_input(rows[i].model, KT_METHOD_QLORA);
        struct kt_tuning_input lora = template_input(rows[i].model, KT_METHOD_LORA);
        assert_near(kt_sizing_tuning(&qlora).total_bytes / GIB, rows[i].qlora, 0.006);
        qlora.attention = KT_ATTENTION_EAGER;
        assert_near(kt_sizing_tuning(&qlora).total_bytes / GIB, rows[i].qlora_eager, 0.006);
        assert_near(kt_sizing_tuning(&lora).total_bytes / GIB, rows[i].lora_checkpointing, 0.006);
        lora.gradient_checkpointing = false;
        assert_near(kt_sizing_tuning(&lora).total_bytes / GIB, rows[i].lora, 0.006);
    }
}

static void settings_move_the_part_they_should(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("mistral-7b", KT_METHOD_QLORA);
    struct kt_tuning_estimate base = kt_sizing_tuning(&input);
    struct kt_tuning_input other = input;
    other.quantisation_bits = 8;
    assert_true(kt_sizing_tuning(&other).weights_bytes > 1.5 * base.weights_bytes);
    other = input;
    other.double_quantisation = false;
    assert_true(kt_sizing_tuning(&other).weights_bytes > base.weights_bytes);
    other = input;
    other.rank = 16;
    assert_true(kt_sizing_tuning(&other).adapter_bytes == 2 * base.adapter_bytes);
    other = input;
    other.target_mask = 0;
    assert_true(kt_sizing_tuning(&other).adapter_bytes == 0);
    other = input;
    other.loss = KT_LOSS_CHUNKED;
    assert_true(kt_sizing_tuning(&other).logits_bytes < base.logits_bytes);
    assert_true(kt_sizing_tuning(&other).activation_bytes == base.activation_bytes);
    other = input;
    other.constants = &kt_tuning_constants_default;
    assert_true(kt_sizing_tuning(&other).total_bytes == base.total_bytes);
}

static void eager_attention_counts_below_compute_capability_8(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("phi-3-mini-128k-instruct", KT_METHOD_QLORA);
    input.sequence_length = 4096;
    double v100 = kt_sizing_tuning_range(&input, 70).high.total_bytes / GIB;
    double t4 = kt_sizing_tuning_range(&input, 75).high.total_bytes / GIB;
    double a100 = kt_sizing_tuning_range(&input, 80).high.total_bytes / GIB;
    double unknown = kt_sizing_tuning_range(&input, 0).high.total_bytes / GIB;
    assert_near(v100, 14.80, 0.006);
    assert_near(t4, v100, 0);
    assert_near(unknown, v100, 0);
    assert_near(a100, 6.80, 0.006);
    /* The low end is the same everywhere, and the input's own wishes do not count. */
    input.attention = KT_ATTENTION_EAGER;
    assert_near(kt_sizing_tuning_range(&input, 80).high.total_bytes / GIB, a100, 0);
    assert_near(kt_sizing_tuning_range(&input, 70).low.total_bytes, kt_sizing_tuning_range(&input, 80).low.total_bytes,
                0);
}

static void an_exact_input_has_one_figure(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("phi-3-mini-128k-instruct", KT_METHOD_LORA);
    input.is_exact = true;
    input.gradient_checkpointing = false;
    input.sequence_length = 3500;
    input.attention = KT_ATTENTION_EAGER;
    for (uint32_t capability = 70; capability <= 80; capability += 10) {
        struct kt_tuning_range range = kt_sizing_tuning_range(&input, capability);
        assert_near(range.low.total_bytes, kt_sizing_tuning(&input).total_bytes, 0);
        assert_near(range.high.total_bytes, range.low.total_bytes, 0);
    }
    assert_int_equal(fit_on(&input, "Standard_NC24ads_A100_v4"), KT_FIT_NO);
    input.attention = KT_ATTENTION_FLASH;
    assert_int_equal(fit_on(&input, "Standard_NC24ads_A100_v4"), KT_FIT_FITS);
}

/* --- does it fit ----------------------------------------------------------------------------------------------------
 */

static void the_32b_model_never_fits_on_16_gib(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("qwen2.5-coder-32b-instruct", KT_METHOD_LORA);
    const struct kt_sku *v100 = azure("Standard_NC6s_v3");
    uint64_t usable = kt_sizing_usable_bytes_per_gpu(v100);
    assert_near((double)usable / GIB, 15.04, 0.001);
    assert_int_equal(fit_on(&input, "Standard_NC6s_v3"), KT_FIT_NEVER);
    assert_int_equal(kt_sizing_largest_batch(&input, usable, 70), 0);
    assert_int_equal(kt_sizing_largest_sequence(&input, usable, 70), 0);
    assert_int_equal(fit_on(&input, "Standard_NC24ads_A100_v4"), KT_FIT_TIGHT); /* 67.8 of 75.2 */
    assert_int_equal(fit_on(&input, "Standard_NC40ads_H100_v5"), KT_FIT_FITS);
}

static void two_cards_of_16_gib_are_not_one_of_32(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("phi-3-medium-4k-instruct", KT_METHOD_LORA); /* 28.9 GiB */
    assert_int_equal(fit_on(&input, "Standard_NC12s_v3"), KT_FIT_NEVER);
    assert_int_equal(kt_sizing_usable_bytes_per_gpu(azure("Standard_NC12s_v3")),
                     kt_sizing_usable_bytes_per_gpu(azure("Standard_NC6s_v3")));
}

static void the_verdict_changes_exactly_at_its_edges(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("mistral-7b", KT_METHOD_QLORA);
    input.batch_size = 4;
    struct kt_tuning_range range = kt_sizing_tuning_range(&input, 80);
    assert_true(range.low.total_bytes < range.high.total_bytes);

    uint64_t room = (uint64_t)ceil(range.high.total_bytes / KT_TIGHT_SHARE);
    assert_int_equal(kt_sizing_tuning_fit(&input, room + 1, 80), KT_FIT_FITS);
    assert_int_equal(kt_sizing_tuning_fit(&input, room - 2, 80), KT_FIT_TIGHT);

    uint64_t low = (uint64_t)ceil(range.low.total_bytes);
    assert_int_equal(kt_sizing_tuning_fit(&input, low, 80), KT_FIT_TIGHT);
    assert_int_equal(kt_sizing_tuning_fit(&input, low - 1, 80), KT_FIT_NO);

    uint64_t fixed = (uint64_t)ceil(range.low.weights_bytes + range.low.adapter_bytes + 0.5 * GIB);
    assert_int_equal(kt_sizing_tuning_fit(&input, fixed, 80), KT_FIT_NO);
    assert_int_equal(kt_sizing_tuning_fit(&input, fixed - 1, 80), KT_FIT_NEVER);
    assert_int_equal(kt_sizing_tuning_fit(&input, 0, 80), KT_FIT_NEVER);
}

static void the_largest_batch_is_the_largest(void **state)
{
    (void)state;
    static const char *const models[] = {"phi-3-mini-128k-instruct", "mistral-7b", "phi-4-mini-instruct"};
    static const char *const skus[] = {"Standard_NC4as_T4_v3", "Standard_NV36ads_A10_v5", "Standard_NC24ads_A100_v4"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(models); i++) {
        uint32_t before = 0;
        for (size_t j = 0; j < KT_ARRAY_LENGTH(skus); j++) {
            struct kt_tuning_input input = template_input(models[i], KT_METHOD_QLORA);
            const struct kt_sku *sku = azure(skus[j]);
            uint64_t usable = kt_sizing_usable_bytes_per_gpu(sku);
            uint32_t batch = kt_sizing_largest_batch(&input, usable, sku->compute_capability);
            uint32_t sequence = kt_sizing_largest_sequence(&input, usable, sku->compute_capability);
            assert_true(batch > before && batch < 1024); /* more memory, more batch */
            before = batch;
            input.batch_size = batch;
            assert_true(fit_on(&input, skus[j]) <= KT_FIT_TIGHT);
            input.batch_size = batch + 1;
            assert_int_equal(fit_on(&input, skus[j]), KT_FIT_NO);
            assert_int_equal(sequence % 64, 0);
            input.batch_size = 1;
            input.sequence_length = sequence;
            assert_true(fit_on(&input, skus[j]) <= KT_FIT_TIGHT);
            input.sequence_length = sequence + 64;
            assert_int_equal(fit_on(&input, skus[j]), KT_FIT_NO);
        }
    }
    struct kt_tuning_input small = template_input("phi-3-mini-4k-instruct", KT_METHOD_QLORA);
    small.sequence_length = 1;
    assert_int_equal(kt_sizing_largest_batch(&small, 1000 * KT_GIB, 80), 1024);
    assert_int_equal(kt_sizing_largest_sequence(&small, 100000 * KT_GIB, 80), 1u << 20);
}

/* No other length is offered where the trainer has its own. */
static void a_fixed_length_fits_or_none_does(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("phi-3-mini-128k-instruct", KT_METHOD_LORA);
    double needed = kt_sizing_tuning(&input).total_bytes;
    input.is_exact = true;
    assert_true(kt_sizing_largest_sequence(&input, 80 * KT_GIB, 70) > 1024);
    assert_int_equal(kt_sizing_largest_sequence(&input, (uint64_t)needed - 100000000, 70) % 64, 0);
    assert_true(kt_sizing_largest_sequence(&input, (uint64_t)needed - 100000000, 70) > 0);
    input.fixed_length = 1024;
    assert_int_equal(kt_sizing_largest_sequence(&input, 80 * KT_GIB, 70), 1024);
    assert_int_equal(kt_sizing_largest_sequence(&input, (uint64_t)needed + 1, 70), 1024);
    assert_int_equal(kt_sizing_largest_sequence(&input, (uint64_t)needed - 100000000, 70), 0);
}

/* --- names ----------------------------------------------------------------------------------------------------------
 */

static void targets_by_name(void **state)
{
    (void)state;
    const struct kt_model *phi = kt_model_find(KT_STR("phi-3-mini-128k-instruct"));
    /* What upstream gives phi-3: five of the seven do not exist there. */
    static const char *const upstream[] = {"k_proj", "q_proj", "v_proj", "o_proj", "gate_proj", "down_proj", "up_proj"};
    size_t unknown = 99;
    uint32_t mask = kt_sizing_target_mask(&phi->architecture, upstream, KT_ARRAY_LENGTH(upstream), &unknown);
    assert_int_equal(unknown, 5);
    assert_int_equal(mask, kt_sizing_default_target_mask(phi));
    static const char *const all[] = {"all-linear"};
    assert_int_equal(kt_sizing_target_mask(&phi->architecture, all, 1, &unknown), 15);
    assert_int_equal(unknown, 0);
    static const char *const upper[] = {"O_PROJ"};
    assert_int_equal(kt_sizing_target_mask(&phi->architecture, upper, 1, &unknown), 0);
    assert_int_equal(unknown, 1);
    assert_int_equal(kt_sizing_target_mask(&phi->architecture, NULL, 0, &unknown), 0);
    assert_int_equal(unknown, 0);
    /* phi-4 has no default of its own: everything is assumed. */
    assert_int_equal(kt_sizing_default_target_mask(kt_model_find(KT_STR("phi-4"))), 15);
    assert_int_equal(kt_sizing_default_target_mask(kt_model_find(KT_STR("deepseek-r1-0528"))), 0);
}

static void methods_in_any_case(void **state)
{
    (void)state;
    enum kt_tuning_method method = KT_METHOD_LORA;
    assert_true(kt_tuning_method_parse(KT_STR("QLoRA"), &method));
    assert_int_equal(method, KT_METHOD_QLORA);
    assert_string_equal(kt_tuning_method_name(method), "qlora");
    assert_true(kt_tuning_method_parse(KT_STR("LORA"), &method));
    assert_int_equal(method, KT_METHOD_LORA);
    assert_false(kt_tuning_method_parse(KT_STR("dora"), &method));
    assert_false(kt_tuning_method_parse(KT_STR(""), &method));
    assert_int_equal(method, KT_METHOD_LORA);
}

/* --- choosing a machine ---------------------------------------------------------------------------------------------
 */

static const struct kt_sku_fit *rank(struct kt_arena *arena, const struct kt_need *need, enum kt_cloud cloud,
                                     size_t *ret_count)
{
    const struct kt_sku_fit *fits = kt_sizing_rank_skus(arena, need, cloud, ret_count);
    assert_non_null(fits);
    return fits;
}

static void machines_are_ranked_by_fit_and_price(void **state)
{
    struct kt_arena *arena = *state;
    struct kt_tuning_input input = template_input("phi-3-mini-128k-instruct", KT_METHOD_QLORA);
    struct kt_need need = {.tuning = &input};
    size_t count;
    const struct kt_sku_fit *fits = rank(arena, &need, KT_CLOUD_AZURE, &count);
    bool saw_retired = false;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fits[i].sku->vendor, KT_GPU_NVIDIA);
        assert_int_equal(fits[i].sku->cloud, KT_CLOUD_AZURE);
        assert_int_equal(fits[i].nodes, 1);
        saw_retired = saw_retired || !fits[i].sku->current;
        enum kt_fit here = KT_MIN(fits[i].fit, KT_FIT_NO);
        enum kt_fit before = i > 0 ? KT_MIN(fits[i - 1].fit, KT_FIT_NO) : KT_FIT_FITS;
        assert_true(before <= here);
        if (i > 0 && before == here) {
            uint64_t last = fits[i - 1].price_milli_usd_per_hour;
            uint64_t price = fits[i].price_milli_usd_per_hour;
            assert_true(price == 0 || (last > 0 && last <= price));
            assert_true(last != price || strcmp(fits[i - 1].sku->name, fits[i].sku->name) < 0);
        }
        assert_true((fits[i].largest_batch == 0) == (fits[i].fit >= KT_FIT_NO));
    }
    assert_true(saw_retired);
    assert_string_equal(fits[0].sku->name, "Standard_NC4as_T4_v3"); /* the cheapest card there is */
    assert_string_equal(kt_sizing_cheapest(fits, count)->sku->name, "Standard_NV36ads_A10_v5");
    assert_int_equal(kt_sizing_cheapest(fits, count)->price_milli_usd_per_hour, 3200);
}

static void the_cheapest_machine_for_each_preset(void **state)
{
    struct kt_arena *arena = *state;
    static const struct {
        const char *model;
        enum kt_tuning_method method;
        const char *with_room;
        const char *any;
    } rows[] = {
        {"mistral-7b", KT_METHOD_QLORA, "Standard_NV36ads_A10_v5", "Standard_NV36ads_A10_v5"},
        {"mistral-7b", KT_METHOD_LORA, "Standard_NV36ads_A10_v5", "Standard_NV36ads_A10_v5"},
        {"phi-4", KT_METHOD_QLORA, "Standard_NV36ads_A10_v5", "Standard_NV36ads_A10_v5"},
        {"phi-4", KT_METHOD_LORA, "Standard_NC24ads_A100_v4", "Standard_NC24ads_A100_v4"},
        {"qwen2.5-coder-32b-instruct", KT_METHOD_QLORA, "Standard_NC24ads_A100_v4", "Standard_NC24ads_A100_v4"},
        {"qwen2.5-coder-32b-instruct", KT_METHOD_LORA, "Standard_NC40ads_H100_v5", "Standard_NC24ads_A100_v4"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_tuning_input input = template_input(rows[i].model, rows[i].method);
        struct kt_need need = {.tuning = &input};
        size_t count;
        const struct kt_sku_fit *fits = rank(arena, &need, KT_CLOUD_AZURE, &count);
        assert_string_equal(kt_sizing_cheapest(fits, count)->sku->name, rows[i].with_room);
        assert_string_equal(kt_sizing_cheapest_any(fits, count)->sku->name, rows[i].any);
    }
}

/* T4s train by one image, newer GPUs by another that takes one row at a time, older ones by none. */
static void each_gpu_is_judged_by_its_own_image(void **state)
{
    struct kt_arena *arena = *state;
    struct kt_tuning_input old = template_input("phi-3-mini-128k-instruct", KT_METHOD_QLORA);
    struct kt_tuning_input modern = old;
    old.batch_size = modern.batch_size = 2;
    modern.most_batch = 1;
    const struct kt_tuning_need rows[] = {{0, NULL}, {75, &old}, {80, &modern}};
    struct kt_need need = {.by_gpu = rows, .by_gpu_count = KT_ARRAY_LENGTH(rows)};
    for (int refuse = 0; refuse <= 1; refuse++) {
        size_t count, seen = 0;
        need.refuse_batches = refuse;
        const struct kt_sku_fit *fits = rank(arena, &need, KT_CLOUD_AZURE, &count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(fits[i].no_image, fits[i].sku->compute_capability < 75);
            assert_true(!fits[i].no_image || fits[i].fit == KT_FIT_NEVER);
            if (kt_streq(fits[i].sku->name, "Standard_NC4as_T4_v3")) {
                assert_int_equal(fits[i].fit, KT_FIT_FITS);
                assert_true(fits[i].largest_batch > 1);
                seen++;
            }
            if (kt_streq(fits[i].sku->name, "Standard_NC24ads_A100_v4")) {
                assert_int_equal(fits[i].fit, refuse ? KT_FIT_NO : KT_FIT_FITS);
                assert_int_equal(fits[i].largest_batch, 1);
                seen++;
            }
        }
        assert_int_equal(seen, 2);
        assert_true((kt_sizing_cheapest(fits, count) == NULL) == (refuse == 1));
    }
    const struct kt_tuning_need none[] = {{0, NULL}};
    need = (struct kt_need){.by_gpu = none, .by_gpu_count = 1};
    size_t count;
    const struct kt_sku_fit *fits = rank(arena, &need, KT_CLOUD_AZURE, &count);
    assert_null(kt_sizing_cheapest(fits, count));
    assert_null(kt_sizing_cheapest_any(fits, count));
}

static void nothing_is_chosen_where_nothing_fits_or_has_a_price(void **state)
{
    struct kt_arena *arena = *state;
    struct kt_tuning_input input = template_input("qwen2.5-coder-32b-instruct", KT_METHOD_LORA);
    struct kt_need need = {.tuning = &input};
    size_t count;
    const struct kt_sku_fit *fits = rank(arena, &need, KT_CLOUD_ARC, &count);
    assert_null(kt_sizing_cheapest(fits, count));
    assert_null(kt_sizing_cheapest_any(fits, count));
    fits = rank(arena, &need, KT_CLOUD_AWS, &count); /* no AWS prices are known */
    assert_null(kt_sizing_cheapest(fits, count));
    assert_non_null(kt_sizing_cheapest_any(fits, count));
    assert_null(kt_sizing_cheapest(NULL, 0));
}

static void inference_is_priced_by_all_its_nodes(void **state)
{
    struct kt_arena *arena = *state;
    const struct kt_model *model = kt_model_find(KT_STR("llama-3.3-70b-instruct"));
    struct kt_inference_input input = {.weights_bytes = model->weights_bytes,
                                       .kv_bytes_per_token = model->kv_bytes_per_token};
    struct kt_need need = {.inference = &input};
    size_t count;
    const struct kt_sku_fit *fits = rank(arena, &need, KT_CLOUD_AZURE, &count);
    for (size_t i = 0; i < count; i++) {
        if (kt_streq(fits[i].sku->name, "Standard_NC24ads_A100_v4")) {
            assert_int_equal(fits[i].nodes, 3);
            assert_int_equal(fits[i].price_milli_usd_per_hour, 3 * 3673);
        }
        if (fits[i].fit == KT_FIT_NEVER) { /* the smallest shares of a card */
            assert_true(fits[i].sku->memory_bytes < 4 * KT_GIB + 1);
        }
    }
    assert_non_null(kt_sizing_cheapest(fits, count));
}

static void no_memory_gives_no_ranking(void **state)
{
    (void)state;
    struct kt_tuning_input input = template_input("phi-4", KT_METHOD_QLORA);
    struct kt_need need = {.tuning = &input};
    struct kt_arena tiny;
    size_t count = 7;
    kt_arena_init(&tiny, 64);
    assert_null(kt_sizing_rank_skus(&tiny, &need, KT_CLOUD_AZURE, &count));
    assert_int_equal(count, 7);
    kt_arena_release(&tiny);
}

/* --- words ----------------------------------------------------------------------------------------------------------
 */

static void estimates_and_machines_in_words(void **state)
{
    (void)state;
    struct kt_strbuf buffer;
    struct kt_tuning_input input = template_input("qwen2.5-coder-32b-instruct", KT_METHOD_LORA);
    struct kt_tuning_estimate estimate = kt_sizing_tuning(&input);
    kt_strbuf_init(&buffer, NULL, 1024);
    kt_explain_tuning_estimate(&buffer, &estimate);
    assert_string_equal(buffer.data, "67.8 GiB (weights 61.0, adapter 0.1, activations 0.9, logits 2.0, overhead 3.7)");
    kt_strbuf_clear(&buffer);
    kt_explain_sku(&buffer, azure("Standard_NC24ads_A100_v4"));
    assert_string_equal(buffer.data, "Standard_NC24ads_A100_v4 (1 x NVIDIA A100 80 GiB, 3.67 USD/h)");
    kt_strbuf_clear(&buffer);
    kt_explain_sku(&buffer, azure("Standard_ND96isr_H200_v5"));
    assert_string_equal(buffer.data, "Standard_ND96isr_H200_v5 (8 x NVIDIA H200 141 GiB)");
    kt_strbuf_clear(&buffer);
    kt_explain_sku(&buffer, azure("Standard_ND120asr_A100_v4"));
    assert_string_equal(buffer.data, "Standard_ND120asr_A100_v4 (NVIDIA A100)");
    kt_strbuf_release(&buffer);
    assert_string_equal(kt_fit_name(KT_FIT_FITS), "fits");
    assert_string_equal(kt_fit_name(KT_FIT_TIGHT), "tight");
    assert_string_equal(kt_fit_name(KT_FIT_NO), "no");
    assert_string_equal(kt_fit_name(KT_FIT_NEVER), "no");
}

static int setup(void **state)
{
    static struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    *state = &arena;
    return 0;
}

static int teardown(void **state)
{
    kt_arena_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_guide_s_example_fits_on_its_v100),
        cmocka_unit_test(worked_estimates_of_the_presets),
        cmocka_unit_test(settings_move_the_part_they_should),
        cmocka_unit_test(eager_attention_counts_below_compute_capability_8),
        cmocka_unit_test(an_exact_input_has_one_figure),
        cmocka_unit_test(the_32b_model_never_fits_on_16_gib),
        cmocka_unit_test(two_cards_of_16_gib_are_not_one_of_32),
        cmocka_unit_test(the_verdict_changes_exactly_at_its_edges),
        cmocka_unit_test(the_largest_batch_is_the_largest),
        cmocka_unit_test(a_fixed_length_fits_or_none_does),
        cmocka_unit_test(targets_by_name),
        cmocka_unit_test(methods_in_any_case),
        cmocka_unit_test_setup_teardown(machines_are_ranked_by_fit_and_price, setup, teardown),
        cmocka_unit_test_setup_teardown(the_cheapest_machine_for_each_preset, setup, teardown),
        cmocka_unit_test_setup_teardown(each_gpu_is_judged_by_its_own_image, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_chosen_where_nothing_fits_or_has_a_price, setup, teardown),
        cmocka_unit_test_setup_teardown(inference_is_priced_by_all_its_nodes, setup, teardown),
        cmocka_unit_test(no_memory_gives_no_ranking),
        cmocka_unit_test(estimates_and_machines_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
