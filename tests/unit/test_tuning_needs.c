/* SPDX-License-Identifier: Apache-2.0 */
/* The same tuning on every kind of GPU: which image trains there, and what that makes of memory and batch sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admission/tuning_input.h"
#include "base/limits.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;
static const struct kt_model *phi3;

static int setup(void **state)
{
    (void)state;
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    phi3 = kt_model_find(KT_STR("phi-3-mini-128k-instruct"));
    return phi3 == NULL;
}

static int teardown(void **state)
{
    (void)state;
    kt_arena_release(&arena);
    return 0;
}

/* What the template needs on a GPU of this capability; NULL: no image runs there. */
static const struct kt_tuning_input *template_on(const char *kaito_version, enum kt_tuning_method method,
                                                 enum kt_tuning_data data, uint32_t compute_capability)
{
    static struct kt_tuning_needs needs;
    struct kt_settings settings;
    kt_settings_init(&settings);
    assert_int_equal(kt_settings_set_kaito_version(&settings, kaito_version, NULL), 0);
    assert_true(kt_tuning_needs_read(&settings, NULL, method, phi3, data, &needs));
    const struct kt_need need = {.by_gpu = needs.rows, .by_gpu_count = needs.count};
    return kt_sizing_need_on(&need, compute_capability);
}

static void our_images_begin_at_compute_capability_7(void **state)
{
    static const uint32_t too_old[] = {37, 52, 60, 61};
    static const uint32_t usable[] = {0, 70, 75, 80, 86, 90, 120};
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(too_old); i++)
        assert_null(template_on("ours", KT_METHOD_QLORA, KT_DATA_MESSAGES, too_old[i]));
    for (size_t i = 0; i < KT_ARRAY_LENGTH(usable); i++) {
        assert_non_null(template_on("ours", KT_METHOD_QLORA, KT_DATA_MESSAGES, usable[i]));
        assert_non_null(template_on("ours", KT_METHOD_LORA, KT_DATA_MESSAGES, usable[i]));
    }
}

static void a_release_runs_its_own_image_on_every_gpu(void **state)
{
    (void)state;
    assert_null(template_on("v0.12.0", KT_METHOD_QLORA, KT_DATA_MESSAGES, 70));
    assert_non_null(template_on("v0.12.0", KT_METHOD_QLORA, KT_DATA_MESSAGES, 75));
    assert_non_null(template_on("v0.10.0", KT_METHOD_QLORA, KT_DATA_MESSAGES, 70));
    assert_null(template_on("v0.10.0", KT_METHOD_QLORA, KT_DATA_MESSAGES, 60));
    assert_non_null(template_on("v0.6.0", KT_METHOD_QLORA, KT_DATA_MESSAGES, 52));
}

static void batch_sizes_are_of_the_image_and_the_rows(void **state)
{
    (void)state;
    assert_int_equal(template_on("ours", KT_METHOD_QLORA, KT_DATA_MESSAGES, 80)->most_batch, 0);
    assert_int_equal(template_on("ours", KT_METHOD_QLORA, KT_DATA_COMPLETIONS, 80)->most_batch, 1);
    assert_int_equal(template_on("ours", KT_METHOD_QLORA, KT_DATA_COMPLETIONS, 70)->most_batch, 0);
    assert_int_equal(template_on("v0.12.0", KT_METHOD_QLORA, KT_DATA_MESSAGES, 80)->most_batch, 1);
    assert_int_equal(template_on("v0.11.0", KT_METHOD_QLORA, KT_DATA_MESSAGES, 80)->most_batch, 0);
}

static void the_row_says_which_loss_attention_and_checkpointing_run(void **state)
{
    static const struct {
        const char *kaito_version;
        enum kt_tuning_method method;
        uint32_t compute_capability;
        enum kt_loss loss;
        enum kt_attention attention;
        bool checkpointing;
    } rows[] = {
        {"ours", KT_METHOD_QLORA, 70, KT_LOSS_FULL, KT_ATTENTION_FLASH, true},
        {"ours", KT_METHOD_LORA, 70, KT_LOSS_FULL, KT_ATTENTION_FLASH, true}, /* the float16 template switches it on */
        {"ours", KT_METHOD_LORA, 80, KT_LOSS_FULL, KT_ATTENTION_FLASH, true},
        {"v0.10.0", KT_METHOD_LORA, 80, KT_LOSS_FULL, KT_ATTENTION_FLASH, false},
        {"v0.10.0", KT_METHOD_LORA, 70, KT_LOSS_FULL, KT_ATTENTION_EAGER, false}, /* bfloat16 on a GPU without it */
        {"v0.12.0", KT_METHOD_QLORA, 80, KT_LOSS_CHUNKED, KT_ATTENTION_FLASH, true},
        {"v0.12.0", KT_METHOD_QLORA, 75, KT_LOSS_CHUNKED, KT_ATTENTION_EAGER, true},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        const struct kt_tuning_input *input =
            template_on(rows[i].kaito_version, rows[i].method, KT_DATA_MESSAGES, rows[i].compute_capability);
        assert_non_null(input);
        assert_true(input->is_exact);
        assert_int_equal(input->loss, rows[i].loss);
        assert_int_equal(input->attention, rows[i].attention);
        assert_int_equal(input->gradient_checkpointing, rows[i].checkpointing);
    }
}

/* --- modules outside the blocks ------------------------------------------------------------------------------------
 */

/* Bytes that LoraConfig adds over an empty one, with the newest image on an A100. */
static double added_bytes(const struct kt_model *model, enum kt_tuning_method method, const char *lora_config)
{
    const struct kt_tuning_runner runner = {kt_trainer_image_newest(), 80, KT_DATA_MESSAGES};
    struct kt_tuning_derived plain, other;
    const char *targets = "\"target_modules\": [\"o_proj\"]";
    const cJSON *base = kt_test_json(&arena, kt_arena_printf(&arena, "{\"LoraConfig\": {%s}}", targets));
    const cJSON *more = kt_test_json(&arena, kt_arena_printf(&arena, "{\"LoraConfig\": {%s}}", lora_config));
    assert_true(kt_tuning_input_from_config(base, method, model, &runner, &plain));
    assert_true(kt_tuning_input_from_config(more, method, model, &runner, &other));
    return kt_sizing_tuning(&other.input).adapter_bytes - kt_sizing_tuning(&plain.input).adapter_bytes;
}

static void modules_to_save_are_trained_in_copies(void **state)
{
    const char *both = "\"target_modules\": [\"o_proj\"], \"modules_to_save\": [\"lm_head\", \"model.embed_tokens\"]";
    const char *twice = "\"target_modules\": [\"o_proj\"], \"modules_to_save\": [\"lm_head\", \"lm_head\"]";
    const char *one = "\"target_modules\": [\"o_proj\"], \"modules_to_save\": \"lm_head\"";
    const char *inner = "\"target_modules\": [\"o_proj\"], \"modules_to_save\": [\"norm\", 7]";
    (void)state;
    /* 32064 * 3072 = 98,500,608 weights; a copy, its gradient and two moments are 4 * 4 bytes each in float32. */
    assert_true(added_bytes(phi3, KT_METHOD_QLORA, both) == 2.0 * 98500608 * 16);
    assert_true(added_bytes(phi3, KT_METHOD_QLORA, one) == 98500608.0 * 16);
    assert_true(added_bytes(phi3, KT_METHOD_QLORA, twice) == 98500608.0 * 16);
    assert_true(added_bytes(phi3, KT_METHOD_QLORA, inner) == 0);
    /* lora trains them in 16 bit. */
    assert_true(added_bytes(phi3, KT_METHOD_LORA, both) == 2.0 * 98500608 * 8);
    /* 152064 * 3584 = 544,997,376: 16.24 GiB more, which an A10 does not have. */
    const struct kt_model *qwen = kt_model_find(KT_STR("qwen2.5-coder-7b-instruct"));
    assert_true(added_bytes(qwen, KT_METHOD_QLORA, both) == 2.0 * 544997376 * 16);
}

static void adapters_of_the_head_count(void **state)
{
    (void)state;
    /* rank 8: 8 * (32064 + 3072) = 281,088 weights of 16 bytes. */
    assert_true(added_bytes(phi3, KT_METHOD_QLORA, "\"target_modules\": [\"o_proj\", \"lm_head\"]") == 281088.0 * 16);
    assert_true(added_bytes(phi3, KT_METHOD_QLORA, "\"target_modules\": [\"o_proj\", \"embed_tokens\", \"lm_head\"]") ==
                2 * 281088.0 * 16);
    assert_true(added_bytes(phi3, KT_METHOD_LORA, "\"target_modules\": [\"o_proj\"]") == 0);
}

static void float32_weights_take_twice_the_memory(void **state)
{
    const struct kt_tuning_runner runner = {kt_trainer_image_newest(), 80, KT_DATA_MESSAGES};
    struct kt_tuning_derived half, full;
    (void)state;
    assert_true(kt_tuning_input_from_config(kt_test_json(&arena, "{}"), KT_METHOD_LORA, phi3, &runner, &half));
    assert_true(kt_tuning_input_from_config(kt_test_json(&arena, "{\"ModelConfig\": {\"torch_dtype\": \"float32\"}}"),
                                            KT_METHOD_LORA, phi3, &runner, &full));
    assert_true(kt_sizing_tuning(&full.input).weights_bytes == 2 * kt_sizing_tuning(&half.input).weights_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_images_begin_at_compute_capability_7),
        cmocka_unit_test(a_release_runs_its_own_image_on_every_gpu),
        cmocka_unit_test(batch_sizes_are_of_the_image_and_the_rows),
        cmocka_unit_test(the_row_says_which_loss_attention_and_checkpointing_run),
        cmocka_unit_test(modules_to_save_are_trained_in_copies),
        cmocka_unit_test(adapters_of_the_head_count),
        cmocka_unit_test(float32_weights_take_twice_the_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
