/* SPDX-License-Identifier: Apache-2.0 */
/* The user's own models and machine types beside the built-in ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/limits.h"
#include "catalog/extra.h"
#include "sizing/sizing.h"
#include "text/json.h"

static int parse(struct kt_arena *arena, const char *text, struct kt_catalog *ret, struct kt_error *error)
{
    struct kt_json_parsed parsed;
    int r = kt_json_parse(arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &parsed, error);
    assert_int_equal(r, 0);
    return kt_catalog_extra_parse(arena, parsed.root, ret, error);
}

#define OWN_MODEL                                                                                                 \
    "{\"name\": \"house-7b\", \"family\": \"House\", \"hugging_face\": \"acme/House-7B\", \"aliases\": "          \
    "[\"acme/house\"],"                                                                                           \
    " \"tunable\": true, \"image_tag\": \"1.0.0\", \"weights_size\": \"13.5Gi\", \"kv_bytes_per_token\": 131072," \
    " \"token_limit\": 32768, \"architecture\": {\"hidden_size\": 4096, \"layers\": 32, \"attention_heads\": 32," \
    " \"kv_heads\": 8, \"head_dim\": 128, \"intermediate_size\": 14336, \"vocab_size\": 32768,"                   \
    " \"tied_embeddings\": false, \"gated_mlp\": true, \"rms_norm\": true},"                                      \
    " \"modules\": {\"q_proj\": [4096, 4096], \"down_proj\": [14336, 4096]}, \"default_targets\": [\"q_proj\"]}"
#define OWN_SKU                                                                                              \
    "{\"name\": \"Standard_OWN48\", \"cloud\": \"azure\", \"gpu_model\": \"NVIDIA L40S\", \"gpu_count\": 1," \
    " \"memory_gib\": 48, \"compute_capability\": 8.9, \"price_usd_per_hour\": 1.5, \"price_region\": \"here\"}"

static void additions_are_found_before_the_built_in_ones(void **state)
{
    struct kt_arena *arena = *state;
    struct kt_catalog extra;
    struct kt_error error = {0};
    const char *text =
        "{\"models\": [" OWN_MODEL "], \"skus\": [" OWN_SKU
        ", {\"name\": \"standard_nc24ads_a100_V4\", \"cloud\": \"azure\", \"gpu_model\": \"NVIDIA A100\","
        " \"gpu_count\": 1, \"memory_gib\": 80, \"compute_capability\": 8.0,"
        " \"price_usd_per_hour\": 2.125, \"price_region\": \"contract\"}]}";
    assert_int_equal(parse(arena, text, &extra, &error), 0);

    const struct kt_model *model = kt_catalog_find_model(&extra, KT_STR("ACME/House"));
    assert_non_null(model);
    assert_string_equal(model->name, "house-7b");
    assert_ptr_equal(kt_catalog_find_model(&extra, KT_STR("acme/house-7b")), model);
    assert_true(model->tunable && model->built_in && kt_architecture_known(&model->architecture));
    assert_int_equal(model->weights_bytes, UINT64_C(14495514624));
    assert_int_equal(kt_sizing_default_target_mask(model), 1);
    assert_null(kt_model_find(KT_STR("house-7b")));
    assert_string_equal(kt_catalog_find_model(&extra, KT_STR("phi-4"))->name, "phi-4");
    assert_null(kt_catalog_find_model(&extra, KT_STR("nothing")));

    const struct kt_sku *own = kt_catalog_find_sku(&extra, KT_CLOUD_AZURE, KT_STR("standard_own48"));
    assert_int_equal(own->compute_capability, 89);
    assert_int_equal(own->vendor, KT_GPU_NVIDIA);
    assert_int_equal(own->price_milli_usd_per_hour, 1500);
    assert_null(kt_catalog_find_sku(&extra, KT_CLOUD_AWS, KT_STR("Standard_OWN48")));
    const struct kt_sku *a100 = kt_catalog_find_sku(&extra, KT_CLOUD_AZURE, KT_STR("Standard_NC24ads_A100_v4"));
    assert_int_equal(a100->price_milli_usd_per_hour, 2125);
    a100 = kt_catalog_find_sku(NULL, KT_CLOUD_AZURE, KT_STR("Standard_NC24ads_A100_v4"));
    assert_int_equal(a100->price_milli_usd_per_hour, 3673);
}

static void additions_take_part_in_the_choice_of_a_machine(void **state)
{
    struct kt_arena *arena = *state;
    struct kt_catalog extra;
    struct kt_error error = {0};
    assert_int_equal(parse(arena, "{\"skus\": [" OWN_SKU "]}", &extra, &error), 0);
    const struct kt_model *model = kt_model_find(KT_STR("phi-4"));
    struct kt_tuning_input input = {.architecture = &model->architecture,
                                    .method = KT_METHOD_LORA,
                                    .batch_size = 1,
                                    .sequence_length = 1024,
                                    .rank = 8,
                                    .gradient_checkpointing = true,
                                    .target_mask = kt_sizing_default_target_mask(model)};
    struct kt_need need = {.tuning = &input};
    size_t built_in;
    size_t with_extra;
    const struct kt_sku_fit *fits = kt_sizing_rank_skus(arena, &need, KT_CLOUD_AZURE, &built_in);
    assert_string_equal(kt_sizing_cheapest(fits, built_in)->sku->name, "Standard_NC24ads_A100_v4");
    need.extra = &extra;
    fits = kt_sizing_rank_skus(arena, &need, KT_CLOUD_AZURE, &with_extra);
    assert_int_equal(with_extra, built_in + 1);
    assert_string_equal(kt_sizing_cheapest(fits, with_extra)->sku->name, "Standard_OWN48");
    (void)kt_sizing_rank_skus(arena, &need, KT_CLOUD_AWS, &with_extra);
    need.extra = NULL;
    (void)kt_sizing_rank_skus(arena, &need, KT_CLOUD_AWS, &built_in);
    assert_int_equal(with_extra, built_in);
}

static void nothing_given_is_nothing_added(void **state)
{
    struct kt_arena *arena = *state;
    struct kt_catalog extra = {.model_count = 5};
    struct kt_error error = {0};
    assert_int_equal(parse(arena, "{}", &extra, &error), 0);
    assert_int_equal(extra.model_count + extra.sku_count, 0);
    assert_int_equal(parse(arena, "{\"models\": [], \"skus\": []}", &extra, &error), 0);
    assert_null(kt_catalog_find_model(&extra, KT_STR("house-7b")));
}

static void a_bad_entry_is_refused_by_name(void **state)
{
    struct kt_arena *arena = *state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"[]", "a catalogue is a map"},
        {"{\"model\": []}", "model: unknown key"},
        {"{\"models\": {}}", "models: must be a list"},
        {"{\"skus\": null}", "skus: must be a list"},
        {"{\"models\": [7]}", "models[0]: must be a map"},
        {"{\"models\": [{\"name\": \"x\"}]}", "models[0].family: is missing"},
        {"{\"models\": [" OWN_MODEL ", " OWN_MODEL "]}", "models[1].name: stands twice"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"wait\": true}]}", "models[0].wait: unknown key"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\"}]}", "models[0]: either weights_at_run_time or image_tag"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"image_tag\": \"1\", \"tunable\": true}]}",
         "a tunable model needs an architecture"},
        {"{\"models\": [{\"name\": \"x\\\"y\", \"family\": \"f\"}]}", "models[0].name: must be 1 to 128 printable"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"modules\": {\"a\": [1]}}]}",
         "in_features, out_features"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"modules\": {\"a\": [1, 0]}}]}",
         "in_features, out_features"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"architecture\": []}]}", "architecture: must be a map"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"aliases\": [1]}]}", "models[0].aliases: must be a list"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"token_limit\": -4}]}", "models[0].token_limit: is not"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"weights_size\": \"7G\"}]}", "such as 7.12Gi"},
        {"{\"models\": [{\"name\": \"x\", \"family\": \"f\", \"weights_at_run_time\": true, \"retired_in\": \"v1\","
         " \"replacement\": \"phi-4\"}]}",
         "cannot be retired"},
        {"{\"skus\": [{\"name\": \"a\", \"cloud\": \"gcp\"}]}", "skus[0].cloud: must be azure, aws or arc"},
        {"{\"skus\": [" OWN_SKU ", " OWN_SKU "]}", "skus[1].name: stands twice"},
        {"{\"skus\": [{\"name\": \"a\", \"cloud\": \"aws\"}]}", "gpu_count and memory_gib"},
        {"{\"skus\": [{\"name\": \"a\", \"cloud\": \"aws\", \"gpu_count\": 65}]}",
         "skus[0].gpu_count: is out of range"},
        {"{\"skus\": [{\"name\": \"a\", \"cloud\": \"aws\", \"gpu_count\": 1.5}]}",
         "skus[0].gpu_count: is not a number"},
        {"{\"skus\": [{\"name\": \"a\", \"cloud\": \"aws\", \"gpu_count\": [1]}]}", "must be a single value"},
        {"{\"skus\": [{\"name\": \"a\", \"cloud\": \"aws\", \"nvme_disk\": 1}]}", "must be true or false"},
        {"{\"skus\": [{\"name\": \"a\", \"cloud\": \"aws\", \"never_supported\": true, \"replacement\": \"b\"}]}",
         "cannot be retired"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct kt_catalog extra = {.model_count = 77};
        struct kt_error error = {0};
        assert_int_equal(parse(arena, cases[i].text, &extra, &error), KT_EINVAL);
        if (!strstr(error.message, cases[i].message)) {
            fail_msg("%s: got \"%s\"", cases[i].message, error.message);
        }
        assert_int_equal(extra.model_count, 77); /* written only on success */
    }
}

static void limits_of_number_and_memory(void **state)
{
    struct kt_arena *arena = *state;
    struct kt_catalog extra;
    struct kt_error error = {0};
    struct kt_json_parsed parsed;
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, (size_t)KT_MIB);
    kt_strbuf_puts(&text, "{\"skus\": [0");
    for (int i = 0; i < KT_LIMIT_CATALOG_ENTRIES; i++) {
        kt_strbuf_puts(&text, ", 0");
    }
    kt_strbuf_puts(&text, "]}");
    assert_int_equal(parse(arena, text.data, &extra, &error), KT_ELIMIT);

    assert_int_equal(kt_json_parse(arena, KT_STR("{\"models\": [" OWN_MODEL "], \"skus\": [" OWN_SKU "]}"),
                                   KT_JSON_DUPLICATES_REFUSE, &parsed, &error),
                     0);
    /* However little memory there is, the answer is a clean error until it is enough. */
    int r = KT_ENOMEM;
    size_t limit = 0;
    for (; limit < 65536 && r == KT_ENOMEM; limit += 16) {
        struct kt_arena small;
        kt_arena_init(&small, limit);
        r = kt_catalog_extra_parse(&small, parsed.root, &extra, &error);
        kt_arena_release(&small);
    }
    assert_int_equal(r, 0);
    assert_true(limit > 1024);
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
        cmocka_unit_test_setup_teardown(additions_are_found_before_the_built_in_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(additions_take_part_in_the_choice_of_a_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_given_is_nothing_added, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_entry_is_refused_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_of_number_and_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
