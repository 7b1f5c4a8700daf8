/* SPDX-License-Identifier: Apache-2.0 */
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
static const struct kt_tuning_runner unknown_runner = {NULL, 0, KT_DATA_UNDECLARED};

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

static struct kt_tuning_derived derive(enum kt_tuning_method method, const char *sections)
{
    struct kt_tuning_derived derived;
    assert_true(kt_tuning_input_from_config(kt_test_json(&arena, sections), method, phi3, &unknown_runner, &derived));
    return derived;
}

/* The sections of a method's template as it is shipped. */
static const cJSON *template_sections(const char *name)
{
    const cJSON *templates = kt_test_templates(&arena);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, templates)
    {
        if (kt_streq(kt_json_string_or(kt_json_path(item, "metadata", "name", NULL), ""), name)) {
            const char *text = kt_json_string(kt_json_path(item, "data", "training_config.yaml", NULL));
            return kt_json_get(kt_test_yaml(&arena, kt_str(text)), "training_config");
        }
    }
    fail_msg("no template %s", name);
    return NULL;
}

static void without_a_config_the_shipped_template_stands_in(void **state)
{
    static const struct {
        enum kt_tuning_method method;
        const char *name;
    } templates[] = {{KT_METHOD_LORA, "lora-params-template"}, {KT_METHOD_QLORA, "qlora-params-template"}};
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(templates); i++) {
        struct kt_tuning_derived assumed;
        struct kt_tuning_derived read;
        assert_true(kt_tuning_input_from_config(NULL, templates[i].method, phi3, &unknown_runner, &assumed));
        assert_true(kt_tuning_input_from_config(template_sections(templates[i].name), templates[i].method, phi3,
                                                &unknown_runner, &read));
        assert_int_equal(assumed.input.batch_size, read.input.batch_size);
        assert_int_equal(assumed.input.sequence_length, read.input.sequence_length);
        assert_int_equal(assumed.input.rank, read.input.rank);
        assert_int_equal(assumed.input.target_mask, read.input.target_mask);
        assert_int_equal(assumed.input.gradient_checkpointing, read.input.gradient_checkpointing);
        assert_int_equal(assumed.sequence_length_assumed, read.sequence_length_assumed);
        assert_int_equal(assumed.batch_size_assumed, read.batch_size_assumed);
        if (templates[i].method == KT_METHOD_QLORA) {
            assert_int_equal(assumed.input.quantisation_bits, read.input.quantisation_bits);
            assert_int_equal(assumed.input.double_quantisation, read.input.double_quantisation);
        }
        assert_int_equal(read.note_count, 0);
    }
}

static void an_empty_config_gets_the_libraries_defaults(void **state)
{
    struct kt_tuning_derived derived = derive(KT_METHOD_QLORA, "{}");
    (void)state;
    assert_int_equal(derived.input.batch_size, 8);
    assert_true(derived.batch_size_assumed);
    assert_int_equal(derived.input.sequence_length, 1024);
    assert_true(derived.sequence_length_assumed);
    assert_int_equal(derived.input.rank, 8);
    assert_false(derived.input.double_quantisation);
    assert_true(derived.targets_assumed);
    assert_int_equal(derived.input.target_mask, kt_sizing_default_target_mask(phi3));
}

static void every_setting_is_read(void **state)
{
    struct kt_tuning_derived derived =
        derive(KT_METHOD_QLORA, "{\"TrainingArguments\": {\"per_device_train_batch_size\": \"4\", \"max_length\": 2048,"
                                " \"fp16\": \"true\", \"auto_find_batch_size\": true},"
                                " \"LoraConfig\": {\"r\": 16, \"target_modules\": [\"self_attn.qkv_proj\"]},"
                                " \"QuantizationConfig\": {\"load_in_8bit\": true}}");
    size_t unknown = 0;
    (void)state;
    assert_int_equal(derived.input.batch_size, 4);
    assert_false(derived.batch_size_assumed);
    assert_int_equal(derived.input.sequence_length, 2048);
    assert_false(derived.sequence_length_assumed);
    assert_int_equal(derived.input.rank, 16);
    assert_int_equal(derived.input.quantisation_bits, 8);
    assert_true(derived.fp16);
    assert_true(derived.batch_size_adapts);
    assert_false(derived.targets_assumed);
    assert_int_equal(derived.input.target_mask,
                     kt_sizing_target_mask(&phi3->architecture, (const char *const[]){"qkv_proj"}, 1, &unknown));
    assert_int_equal(derived.note_count, 0);
}

static void the_older_name_of_the_length_says_what_is_meant(void **state)
{
    struct kt_tuning_derived derived = derive(KT_METHOD_LORA, "{\"TrainingArguments\": {\"max_seq_length\": 512}}");
    (void)state;
    assert_int_equal(derived.input.sequence_length, 512);
    assert_false(derived.sequence_length_assumed);
}

static void recomputing_is_always_on_for_qlora_and_a_choice_for_lora(void **state)
{
    const char *off = "{\"TrainingArguments\": {\"gradient_checkpointing\": false}}";
    (void)state;
    assert_true(derive(KT_METHOD_QLORA, off).input.gradient_checkpointing);
    assert_false(derive(KT_METHOD_LORA, off).input.gradient_checkpointing);
    assert_true(derive(KT_METHOD_LORA, "{}").input.gradient_checkpointing);
}

static void odd_values_fall_back_with_a_note(void **state)
{
    struct kt_tuning_derived derived =
        derive(KT_METHOD_LORA, "{\"TrainingArguments\": {\"per_device_train_batch_size\": 0, \"max_length\": null,"
                               " \"gradient_checkpointing\": \"perhaps\"}, \"LoraConfig\": {\"r\": {}, "
                               "\"target_modules\": 7}}");
    (void)state;
    assert_int_equal(derived.input.batch_size, 8);
    assert_true(derived.batch_size_assumed);
    assert_int_equal(derived.input.sequence_length, 1024);
    assert_int_equal(derived.input.rank, 8);
    assert_true(derived.input.gradient_checkpointing);
    assert_true(derived.targets_assumed);
    assert_int_equal(derived.note_count, 5);
    assert_string_equal(derived.notes[0].key, "TrainingArguments.per_device_train_batch_size");
}

static void hostile_sizes_do_not_reach_the_sums(void **state)
{
    struct kt_tuning_derived derived =
        derive(KT_METHOD_LORA, "{\"TrainingArguments\": {\"per_device_train_batch_size\": 9223372036854775807, "
                               "\"max_length\": 4294967297}, \"LoraConfig\": {\"r\": 4294967296}, \"X\": []}");
    (void)state;
    assert_int_equal(derived.input.batch_size, 8);
    assert_int_equal(derived.input.sequence_length, 1024);
    assert_int_equal(derived.input.rank, 8);
}

static void names_that_no_module_has_are_counted(void **state)
{
    struct kt_tuning_derived derived =
        derive(KT_METHOD_QLORA,
               "{\"LoraConfig\": {\"target_modules\": [\"q_proj\", \"o_proj\", \"all-linear\", \"lm_head\"]}}");
    (void)state;
    assert_int_equal(derived.unknown_targets, 2); /* q_proj, and the word that a list does not expand */
    assert_false(kt_tuning_target_exists(&phi3->architecture, "q_proj"));
    assert_true(kt_tuning_target_exists(&phi3->architecture, "model.layers.0.mlp.down_proj"));
}

static void sections_of_the_wrong_kind_are_as_good_as_empty(void **state)
{
    struct kt_tuning_derived derived =
        derive(KT_METHOD_QLORA, "{\"TrainingArguments\": \"x\", \"LoraConfig\": [1], \"QuantizationConfig\": null}");
    (void)state;
    assert_int_equal(derived.input.batch_size, 8);
    assert_int_equal(derived.input.rank, 8);
}

static void a_model_without_sizes_cannot_be_sized(void **state)
{
    struct kt_tuning_derived derived;
    (void)state;
    assert_false(kt_tuning_input_from_config(NULL, KT_METHOD_LORA, NULL, &unknown_runner, &derived));
    assert_false(kt_tuning_input_from_config(NULL, KT_METHOD_LORA, kt_model_find(KT_STR("deepseek-r1-0528")),
                                             &unknown_runner, &derived));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_config_the_shipped_template_stands_in),
        cmocka_unit_test(an_empty_config_gets_the_libraries_defaults),
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(the_older_name_of_the_length_says_what_is_meant),
        cmocka_unit_test(recomputing_is_always_on_for_qlora_and_a_choice_for_lora),
        cmocka_unit_test(odd_values_fall_back_with_a_note),
        cmocka_unit_test(hostile_sizes_do_not_reach_the_sums),
        cmocka_unit_test(names_that_no_module_has_are_counted),
        cmocka_unit_test(sections_of_the_wrong_kind_are_as_good_as_empty),
        cmocka_unit_test(a_model_without_sizes_cannot_be_sized),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
