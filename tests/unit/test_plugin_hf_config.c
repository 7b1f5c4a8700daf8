/* SPDX-License-Identifier: Apache-2.0 */
/* A model from a Hugging Face config.json has the sizes that the catalogue has for the same model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "plugin/hf_config.h"
#include "sizing/sizing.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(4 * KT_MIB));
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

/* Members of the config.json files that their repositories publish. */
static const struct {
    const char *model;
    const char *config;
} published[] = {
    {"phi-3-mini-128k-instruct",
     "{\"model_type\":\"phi3\",\"hidden_size\":3072,\"intermediate_size\":8192,\"num_attention_heads\":32,"
     "\"num_hidden_layers\":32,\"num_key_value_heads\":32,\"vocab_size\":32064,\"tie_word_embeddings\":false,"
     "\"max_position_embeddings\":131072}"},
    {"mistral-7b-instruct",
     "{\"model_type\":\"mistral\",\"hidden_size\":4096,\"intermediate_size\":14336,\"num_attention_heads\":32,"
     "\"num_hidden_layers\":32,\"num_key_value_heads\":8,\"vocab_size\":32768,\"tie_word_embeddings\":false,"
     "\"max_position_embeddings\":32768}"},
    {"qwen2.5-coder-7b-instruct",
     "{\"model_type\":\"qwen2\",\"hidden_size\":3584,\"intermediate_size\":18944,\"num_attention_heads\":28,"
     "\"num_hidden_layers\":28,\"num_key_value_heads\":4,\"vocab_size\":152064,\"tie_word_embeddings\":false,"
     "\"max_position_embeddings\":32768}"},
    {"falcon-7b", "{\"model_type\":\"falcon\",\"hidden_size\":4544,\"num_attention_heads\":71,\"num_hidden_layers\":32,"
                  "\"multi_query\":true,\"new_decoder_architecture\":false,\"vocab_size\":65024}"},
    {"phi-2",
     "{\"model_type\":\"phi\",\"hidden_size\":2560,\"intermediate_size\":10240,\"num_attention_heads\":32,"
     "\"num_hidden_layers\":32,\"num_key_value_heads\":32,\"vocab_size\":51200,\"tie_word_embeddings\":false}"},
};

static double estimate(const struct kt_architecture *architecture)
{
    const struct kt_tuning_input input = {
        .architecture = architecture,
        .method = KT_METHOD_LORA,
        .batch_size = 2,
        .sequence_length = 2048,
        .rank = 16,
        .gradient_checkpointing = true,
        .target_mask = (1u << architecture->module_count) - 1,
    };
    return kt_sizing_tuning(&input).total_bytes;
}

static void sizes_are_those_of_the_catalogue(void **state KT_UNUSED)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(published); i++) {
        const struct kt_model *known = kt_model_find(kt_str(published[i].model));
        struct kt_model model;
        struct kt_error error = {0};
        assert_non_null(known);
        if (kt_hf_config_model(&arena, kt_test_json(&arena, published[i].config), NULL, &model, &error) != 0)
            fail_msg("%s: %s", published[i].model, error.message);
        const struct kt_architecture *a = &model.architecture, *b = &known->architecture;
        assert_true(kt_architecture_known(a));
        assert_int_equal(a->module_count, b->module_count);
        for (uint32_t m = 0; m < a->module_count; m++) {
            assert_string_equal(a->modules[m].name, b->modules[m].name);
            assert_int_equal(a->modules[m].in_features, b->modules[m].in_features);
            assert_int_equal(a->modules[m].out_features, b->modules[m].out_features);
        }
        assert_true(estimate(a) == estimate(b));
        assert_int_equal(model.kv_bytes_per_token, known->kv_bytes_per_token);
    }
}

static void the_language_part_of_a_larger_config_counts(void **state KT_UNUSED)
{
    struct kt_model model;
    struct kt_error error = {0};
    assert_int_equal(
        kt_hf_config_model(&arena,
                           kt_test_json(&arena, "{\"model_type\":\"gemma3\",\"text_config\":{\"model_type\":"
                                                "\"gemma3_text\",\"hidden_size\":2560,\"intermediate_size\":10240,"
                                                "\"num_hidden_layers\":34,\"num_attention_heads\":8,"
                                                "\"num_key_value_heads\":4,\"head_dim\":256,"
                                                "\"vocab_size\":262208}}"),
                           "mine", &model, &error),
        0);
    assert_string_equal(model.name, "mine");
    assert_int_equal(model.architecture.head_dim, 256);
    assert_true(model.architecture.tied_embeddings);
}

static void refuses(const char *config, const char *message)
{
    struct kt_model model = {.name = "untouched"};
    struct kt_error error = {0};
    int code = kt_hf_config_model(&arena, kt_test_json(&arena, config), NULL, &model, &error);
    if (code != KT_EINVAL || !strstr(error.message, message))
        fail_msg("%s: code %d, \"%s\" instead of \"%s\"", config, code, error.message, message);
    assert_string_equal(model.name, "untouched");
}

static void what_cannot_be_sized_is_refused(void **state KT_UNUSED)
{
    refuses("[]", "it is not a JSON object");
    refuses("{}", "model_type is missing");
    refuses("{\"model_type\":\"mamba\"}", "model_type \"mamba\" cannot be sized; known are llama, mistral");
    refuses("{\"model_type\":\"llama\",\"hidden_size\":4096}", "num_hidden_layers is missing");
    refuses("{\"model_type\":\"llama\",\"hidden_size\":\"4096\"}", "hidden_size must be a whole number");
    refuses("{\"model_type\":\"llama\",\"hidden_size\":-1}", "hidden_size must be a whole number");
    refuses("{\"model_type\":\"llama\",\"hidden_size\":1e30}", "hidden_size must be a whole number");
    refuses("{\"model_type\":\"qwen3\",\"num_experts\":128,\"hidden_size\":2048}", "mixture of experts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sizes_are_those_of_the_catalogue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_language_part_of_a_larger_config_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_sized_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
