/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: what a user types finds the right model and machine type, and every entry is fit for use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "catalog/catalog.h"

static const struct kt_model *model(const char *name)
{
    return kt_model_find(kt_str(name));
}

static const struct kt_sku *azure(const char *name)
{
    return kt_sku_find(KT_CLOUD_AZURE, kt_str(name));
}

/* --- models ---------------------------------------------------------------------------------------------------------
 */

static void models_are_found_in_any_case_by_any_name(void **state)
{
    (void)state;
    static const struct {
        const char *typed;
        const char *name;
    } cases[] = {
        {"phi-3-mini-128k-instruct", "phi-3-mini-128k-instruct"},
        {"PHI-3-Mini-128K-Instruct", "phi-3-mini-128k-instruct"},
        {"microsoft/Phi-3-mini-128k-instruct", "phi-3-mini-128k-instruct"},
        {"Microsoft/PHI-3-mini-128k-instruct", "phi-3-mini-128k-instruct"},
        {"google/gemma-3-4b-it", "gemma-3-4b-instruct"},
        {"mistralai/mistral-7b-v0.3", "mistral-7b"},
        {"meta-llama/meta-llama-3.1-8b-instruct", "llama-3.1-8b-instruct"}, /* the repository's former name */
        {"qwen/qwen3-8b-awq", "Qwen/Qwen3-8B-AWQ"},
        {"phi-2", "phi-2"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const struct kt_model *found = model(cases[i].typed);
        assert_non_null(found);
        assert_string_equal(found->name, cases[i].name);
    }
}

static void other_texts_find_no_model(void **state)
{
    (void)state;
    static const char *const texts[] = {"",           " phi-4",    "phi-4 ",       "phi_4",
                                        "phi-",       "phi-4-min", "qwen3-8b-awq", "gpt-2",
                                        "microsoft/", "/phi-4",    "\xff\xff",     "gemma-3-4b-it"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        assert_null(model(texts[i]));
    }
    assert_null(kt_model_find((struct kt_str){"phi-4\0x", 7}));
    assert_null(kt_model_find((struct kt_str){NULL, 0}));
}

static void every_name_of_every_entry_leads_back_to_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < kt_model_count; i++) {
        assert_ptr_equal(model(kt_models[i].name), &kt_models[i]);
        if (kt_models[i].hugging_face) {
            assert_ptr_equal(model(kt_models[i].hugging_face), &kt_models[i]);
            assert_true(kt_model_is_hugging_face_id(kt_str(kt_models[i].hugging_face)));
        }
        for (size_t j = 0; kt_models[i].aliases && kt_models[i].aliases[j]; j++) {
            assert_ptr_equal(model(kt_models[i].aliases[j]), &kt_models[i]);
        }
    }
    for (size_t i = 0; i < kt_sku_count; i++) {
        assert_ptr_equal(kt_sku_find(kt_skus[i].cloud, kt_str(kt_skus[i].name)), &kt_skus[i]);
    }
}

static void the_catalogue_is_complete(void **state)
{
    (void)state;
    size_t built_in = 0, current_built_in = 0, tunable = 0, current = 0, clouds[KT_CLOUD_COUNT] = {0};
    size_t current_skus[KT_CLOUD_COUNT] = {0};
    for (size_t i = 0; i < kt_model_count; i++) {
        const struct kt_model *entry = &kt_models[i];
        built_in += entry->built_in;
        tunable += entry->tunable;
        current += entry->status == KT_MODEL_CURRENT;
        current_built_in += entry->built_in && entry->status == KT_MODEL_CURRENT;
    }
    for (size_t i = 0; i < kt_sku_count; i++) {
        clouds[kt_skus[i].cloud]++;
        current_skus[kt_skus[i].cloud] += kt_skus[i].current;
    }
    assert_int_equal(kt_model_count, 71);
    assert_int_equal(built_in, 36);
    assert_int_equal(current_built_in, 25);
    assert_int_equal(current, 60); /* as many as the model catalogue of v0.12.0 */
    assert_int_equal(tunable, 10); /* those with tuning settings in v0.12.0, one of them under a name of its own */
    assert_int_equal(kt_sku_count, 133);
    assert_int_equal(clouds[KT_CLOUD_ARC], 10);
    assert_int_equal(clouds[KT_CLOUD_AWS], 59);
    assert_int_equal(current_skus[KT_CLOUD_AZURE], 14);
    assert_int_equal(current_skus[KT_CLOUD_AWS], 35);
    assert_int_equal(current_skus[KT_CLOUD_ARC], 8);
}

/* The projection matrices follow from the heads and widths, whatever a family calls them. */
static void check_modules(const struct kt_model *entry)
{
    const struct kt_architecture *a = &entry->architecture;
    uint64_t q = (uint64_t)a->attention_heads * a->head_dim;
    uint64_t k = (uint64_t)a->kv_heads * a->head_dim;
    uint64_t expected = (uint64_t)a->hidden_size * (2 * q + 2 * k) +
                        (uint64_t)(a->gated_mlp ? 3 : 2) * a->hidden_size * a->intermediate_size;
    uint64_t linear = 0;
    for (uint32_t i = 0; i < a->module_count; i++) {
        linear += (uint64_t)a->modules[i].in_features * a->modules[i].out_features;
    }
    assert_int_equal(linear, expected);

    /* Two bytes a parameter must give the file's size. Falcon-7B's files hold more than the numbers say (4%). */
    uint64_t embedding = (uint64_t)a->vocab_size * a->hidden_size;
    double bytes = 2.0 * ((double)(linear * a->layers) + (double)(embedding * (a->tied_embeddings ? 1 : 2)));
    if (entry->weights_bytes > 0) {
        double ratio = bytes / (double)entry->weights_bytes;
        assert_true(ratio > 0.95 && ratio < 1.05);
    }
    /* Keys and values of one token in 16 bit. */
    assert_int_equal(entry->kv_bytes_per_token, 2 * k * a->layers * 2);
}

static void every_model_is_fit_for_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < kt_model_count; i++) {
        const struct kt_model *entry = &kt_models[i];
        assert_non_null(entry->family);
        assert_true(entry->built_in || entry->hugging_face);
        assert_true(entry->kv_bytes_per_token > 0);
        if (entry->status == KT_MODEL_CURRENT) {
            assert_null(entry->retired_in);
            assert_non_null(entry->hugging_face);
            assert_true(entry->weights_bytes > 0 && entry->token_limit > 0);
        } else {
            assert_false(entry->tunable || entry->supports_transformers);
            assert_true(entry->retired_in[0] == 'v');
            const struct kt_model *replacement = model(entry->replacement);
            assert_non_null(replacement);
            assert_int_equal(replacement->status, KT_MODEL_CURRENT);
            assert_true(replacement->tunable || !entry->was_tunable);
        }
        if (entry->was_tunable) {
            assert_true(kt_architecture_known(&entry->architecture));
            assert_non_null(entry->image_tag);
        }
        if (kt_architecture_known(&entry->architecture)) {
            check_modules(entry);
        } else {
            assert_int_equal(entry->architecture.hidden_size, 0);
        }
        for (uint32_t j = 0; j < entry->default_target_count; j++) {
            bool known = false;
            for (uint32_t k = 0; k < entry->architecture.module_count; k++) {
                known = known || kt_streq(entry->architecture.modules[k].name, entry->default_targets[j]);
            }
            assert_true(known);
        }
    }
}

static void facts_that_decide_verdicts(void **state)
{
    (void)state;
    const struct kt_model *phi = model("phi-3-mini-128k-instruct");
    assert_true(phi->tunable && phi->supports_transformers && !phi->needs_access_token);
    assert_string_equal(phi->weights_text, "7.12Gi");
    assert_int_equal(phi->weights_bytes, UINT64_C(7645041787)); /* 7.12 * 2^30 rounded up */
    assert_string_equal(phi->image_tag, "0.2.0");
    assert_int_equal(phi->token_limit, 131072);

    const struct kt_model *phi4_mini = model("phi-4-mini-instruct");
    assert_true(phi4_mini->tunable && phi4_mini->architecture.tied_embeddings);
    assert_false(phi4_mini->supports_transformers);

    const struct kt_model *falcon = model("falcon-7b");
    assert_int_equal(falcon->status, KT_MODEL_RETIRED);
    assert_string_equal(falcon->retired_in, "v0.11.0");
    assert_string_equal(falcon->replacement, "qwen2.5-coder-7b-instruct");
    assert_false(falcon->architecture.gated_mlp || falcon->architecture.rms_norm);
    assert_true(falcon->architecture.tied_embeddings && falcon->was_tunable && !falcon->tunable);

    assert_int_equal(model("phi-2")->status, KT_MODEL_DEPRECATED);
    assert_string_equal(model("llama-2-7b-chat")->retired_in, "v0.4.6");
    assert_true(model("llama-3.1-8b-instruct")->needs_access_token);
    assert_true(model("deepseek-r1-0528")->quantised);
    assert_false(kt_architecture_known(&model("deepseek-r1-0528")->architecture));
    assert_false(model("mistral-large-3-675b-instruct")->supports_transformers);
}

static void misspelt_models_get_a_suggestion(void **state)
{
    (void)state;
    static const struct {
        const char *typed;
        bool tunable_only;
        const char *suggestion;
    } cases[] = {
        {"phi-3-mini-128k-instuct", false, "phi-3-mini-128k-instruct"},
        {"phi3-mini-128k-instruct", true, "phi-3-mini-128k-instruct"},
        {"lama-3.1-8b-instruct", false, "llama-3.1-8b-instruct"},
        {"phi_4", false, "phi-4"},
        {"phi4-mini", true, "phi-4-mini-instruct"},
        {"microsoft/phi-4-mini-instuct", false, "microsoft/Phi-4-mini-instruct"},
        {"completely-unlike-anything", false, NULL},
        {"", false, NULL},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *suggestion = kt_model_suggest(kt_str(cases[i].typed), cases[i].tunable_only);
        if (cases[i].suggestion == NULL) {
            assert_null(suggestion);
        } else {
            assert_non_null(suggestion);
            assert_string_equal(suggestion, cases[i].suggestion);
        }
    }
    /* For a tuning a model that cannot be tuned is no help. */
    const char *suggestion = kt_model_suggest(kt_str("llama-3.1-8b-instruct"), true);
    assert_true(suggestion == NULL || model(suggestion)->tunable);
}

static void hugging_face_ids_have_two_parts(void **state)
{
    (void)state;
    assert_true(kt_model_is_hugging_face_id(KT_STR("a/b")));
    assert_true(kt_model_is_hugging_face_id(KT_STR("Qwen/Qwen2.5-Coder_7B.v1")));
    static const char *const wrong[] = {"", "a", "/", "a/", "/b", "a/b/c", "a b/c", "a/b?c", "a/\xc3\xa4"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(wrong); i++) {
        assert_false(kt_model_is_hugging_face_id(kt_str(wrong[i])));
    }
    assert_false(kt_model_is_hugging_face_id((struct kt_str){"a/b\0", 4}));
}

/* --- machine types --------------------------------------------------------------------------------------------------
 */

static void machine_types_are_found_in_their_cloud(void **state)
{
    (void)state;
    assert_string_equal(azure("standard_nc24ads_a100_V4")->name, "Standard_NC24ads_A100_v4");
    assert_null(azure("p4d.24xlarge"));
    assert_non_null(kt_sku_find(KT_CLOUD_AWS, KT_STR("P4D.24XLARGE")));
    assert_non_null(kt_sku_find_any(KT_STR("p4d.24xlarge")));
    assert_int_equal(kt_sku_find_any(KT_STR("Standard_NK6"))->cloud, KT_CLOUD_ARC);
    assert_null(azure(""));
    assert_null(azure("Standard_NC24ads_A100_v"));
    assert_null(kt_sku_find_any(KT_STR("Standard_D4s_v5")));
    assert_string_equal(kt_sku_suggest(KT_CLOUD_AZURE, KT_STR("Standard_NC24ads_A100_v5")), "Standard_NC24ads_A100_v4");
    assert_string_equal(kt_sku_suggest(KT_CLOUD_AZURE, KT_STR("NC24ads_A100_v4")), "Standard_NC24ads_A100_v4");
    assert_null(kt_sku_suggest(KT_CLOUD_AZURE, KT_STR("m5.large")));
}

static void every_machine_type_is_fit_for_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < kt_sku_count; i++) {
        const struct kt_sku *sku = &kt_skus[i];
        assert_non_null(sku->gpu_model);
        if (sku->current) {
            assert_null(sku->retired_in);
            assert_true(sku->gpu_count > 0 && sku->memory_bytes > 0);
            assert_true(sku->compute_capability >= 80 || sku->vendor != KT_GPU_NVIDIA);
        } else {
            const struct kt_sku *replacement = kt_sku_find(sku->cloud, kt_str(sku->replacement));
            assert_true(replacement && replacement->current && replacement->vendor == KT_GPU_NVIDIA);
            assert_true(kt_sku_bytes_per_gpu(replacement) >= kt_sku_bytes_per_gpu(sku));
            assert_true(replacement->memory_bytes >= sku->memory_bytes);
        }
        if (sku->price_milli_usd_per_hour > 0) {
            assert_true(sku->price_milli_usd_per_hour >= 100 && sku->price_region);
        }
        if (i > 0) {
            assert_true(kt_skus[i - 1].cloud <= sku->cloud);
        }
    }
}

static void the_guide_s_card_is_known_and_retired(void **state)
{
    (void)state;
    const struct kt_sku *v100 = azure("Standard_NC6s_v3");
    assert_false(v100->current);
    assert_string_equal(v100->retired_in, "v0.9.0");
    assert_int_equal(v100->compute_capability, 70);
    assert_int_equal(kt_sku_bytes_per_gpu(v100), 16 * KT_GIB);
    assert_int_equal(v100->price_milli_usd_per_hour, 3060);
    assert_string_equal(v100->replacement, "Standard_NV36ads_A10_v5");
    assert_int_equal(kt_sku_bytes_per_gpu(azure("Standard_NC12s_v3")), 16 * KT_GIB); /* two cards are not one of 32 */
    assert_string_equal(azure("Standard_NC4as_T4_v3")->retired_in, "v0.12.0");
    assert_int_equal(azure("Standard_NG32ads_V620_v1")->vendor, KT_GPU_AMD);
    assert_int_equal(kt_sku_find_any(KT_STR("inf2.xlarge"))->vendor, KT_GPU_AWS_NEURON);
    assert_int_equal(kt_sku_bytes_per_gpu(azure("Standard_ND120asr_A100_v4")), 0); /* upstream never said */
}

static void clouds_are_exact_words(void **state)
{
    (void)state;
    enum kt_cloud cloud = KT_CLOUD_COUNT;
    assert_true(kt_cloud_parse(KT_STR("aws"), &cloud));
    assert_int_equal(cloud, KT_CLOUD_AWS);
    assert_string_equal(kt_cloud_name(cloud), "aws");
    assert_false(kt_cloud_parse(KT_STR("AWS"), &cloud));
    assert_false(kt_cloud_parse(KT_STR(""), &cloud));
    assert_int_equal(cloud, KT_CLOUD_AWS); /* untouched */
}

static void partition_profiles(void **state)
{
    (void)state;
    assert_true(kt_mig_profile_known(KT_STR("1g.10gb")));
    assert_true(kt_mig_profile_known(KT_STR("7g.141gb")));
    assert_false(kt_mig_profile_known(KT_STR("1G.10GB")));
    assert_false(kt_mig_profile_known(KT_STR("8g.80gb")));
    static const struct {
        const char *profile;
        uint32_t gib;
    } cases[] = {
        {"3g.40gb", 40}, {"7g.141gb", 141},
        {"1g.5.9gb", 5}, {"0g.10gb", 0},
        {"1g.10", 0},    {"1g.10gbx", 0},
        {"1g.gb", 0},    {"g.10gb", 0},
        {"", 0},         {"1g.1.gb", 0},
        {"1g.0gb", 0},   {"-1g.5gb", 0},
        {"1g.10GB", 0},  {"1g.99999999999999999999gb", 0},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        assert_int_equal(kt_mig_profile_gib(kt_str(cases[i].profile)), cases[i].gib);
    }
    for (size_t i = 0; kt_mig_profiles[i]; i++) {
        assert_true(kt_mig_profile_gib(kt_str(kt_mig_profiles[i])) >= 5);
        assert_true(i == 0 || strcmp(kt_mig_profiles[i - 1], kt_mig_profiles[i]) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_are_found_in_any_case_by_any_name),
        cmocka_unit_test(other_texts_find_no_model),
        cmocka_unit_test(every_name_of_every_entry_leads_back_to_it),
        cmocka_unit_test(the_catalogue_is_complete),
        cmocka_unit_test(every_model_is_fit_for_use),
        cmocka_unit_test(facts_that_decide_verdicts),
        cmocka_unit_test(misspelt_models_get_a_suggestion),
        cmocka_unit_test(hugging_face_ids_have_two_parts),
        cmocka_unit_test(machine_types_are_found_in_their_cloud),
        cmocka_unit_test(every_machine_type_is_fit_for_use),
        cmocka_unit_test(the_guide_s_card_is_known_and_retired),
        cmocka_unit_test(clouds_are_exact_words),
        cmocka_unit_test(partition_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
