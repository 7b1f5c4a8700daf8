/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/admission_case.h"
#include "tests/lib/cmocka_all.h"
#include "text/json_patch.h"
#include "text/yaml.h"

static struct kt_admission_case test;

static int set_up(void **state)
{
    (void)state;
    kt_admission_case_init(&test);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_admission_case_release(&test);
    return 0;
}

static cJSON *tuning(const char *patch)
{
    return kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
}

static cJSON *inference(const char *patch)
{
    return kt_admission_case_changed(&test, kt_admission_case_inference(&test), patch);
}

static const char *value(const char *pointer)
{
    return kt_admission_case_value(&test, pointer);
}

static void test_a_whole_object_is_left_alone(void **state)
{
    (void)state;
    cJSON *object = tuning("{}");
    kt_admission_case_judge(&test, object, NULL);
    assert_string_equal(kt_admission_case_patch(&test), "[]");
    assert_ptr_equal(test.defaulting.mutated, object);
    assert_int_equal(test.defaulting.applied_count, 0);
}

static void test_each_default(void **state)
{
    (void)state;
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"count\":null}}"), NULL);
    assert_string_equal(kt_admission_case_patch(&test), "[{\"op\":\"add\",\"path\":\"/resource/count\",\"value\":1}]");
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"labelSelector\":null}}"), NULL);
    assert_string_equal(kt_admission_case_patch(&test),
                        "[{\"op\":\"add\",\"path\":\"/resource/labelSelector\",\"value\":"
                        "{\"matchLabels\":{\"apps\":\"tune\"}}}]");
    kt_admission_case_judge(&test, tuning("{\"tuning\":{\"method\":null}}"), NULL);
    assert_string_equal(kt_admission_case_patch(&test),
                        "[{\"op\":\"add\",\"path\":\"/tuning/method\",\"value\":\"qlora\"}]");
    kt_admission_case_judge(&test, tuning("{\"tuning\":{\"method\":\"\"}}"), NULL);
    assert_string_equal(value("/tuning/method"), "\"qlora\"");
    kt_admission_case_judge(&test, tuning("{\"tuning\":{\"preset\":{\"accessMode\":null}}}"), NULL);
    assert_string_equal(value("/tuning/preset/accessMode"), "\"public\"");
    kt_admission_case_judge(&test, inference("{\"inference\":{\"preset\":{\"accessMode\":null}}}"), NULL);
    assert_string_equal(value("/inference/preset/accessMode"), "\"public\"");
}

static void test_parents_are_made_once(void **state)
{
    (void)state;
    kt_admission_case_judge(&test, tuning("{\"resource\":null}"), NULL);
    const char *patch = kt_admission_case_patch(&test);
    assert_true(
        kt_str_starts_with(kt_str(patch), KT_STR("[{\"op\":\"add\",\"path\":\"/resource\",\"value\":{}},"
                                                 "{\"op\":\"add\",\"path\":\"/resource/count\",\"value\":1},")));
    assert_null(strstr(strstr(patch, "/resource/count"), "\"path\":\"/resource\","));
}

static void test_the_cheapest_machine(void **state)
{
    (void)state;
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"instanceType\":null}}"), NULL);
    const char *chosen = value("/resource/instanceType");
    const struct kt_sku *sku = kt_sku_find(KT_CLOUD_AZURE, (struct kt_str){chosen + 1, strlen(chosen) - 2});
    assert_non_null(sku);
    assert_true(sku->current && sku->compute_capability >= 80 && sku->price_milli_usd_per_hour > 0);
    const struct kt_finding *note = kt_admission_case_finding(&test, "D02", "resource.instanceType");
    assert_non_null(note);
    assert_int_equal(note->severity, KT_SEVERITY_WARNING);
    const char *price =
        kt_arena_printf(&test.arena, "%s (%u.%02u USD/h)", sku->name, sku->price_milli_usd_per_hour / 1000,
                        sku->price_milli_usd_per_hour % 1000 / 10);
    assert_non_null(strstr(note->message, price));
    assert_non_null(strstr(note->message, "set resource.instanceType"));
    assert_non_null(strstr(note->message, "no longer supported by Kaito: Standard_"));
    /* The lesson stands in the first 200 characters. */
    assert_true(strstr(note->message, "set resource.instanceType") + 25 - note->message < 200);
    assert_string_equal(test.defaulting.applied[0].row->id, "D02");
    assert_string_equal(test.defaulting.applied[0].pointer, "/resource/instanceType");
    /* Empty is as good as absent, and a larger model gets a larger machine. */
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"instanceType\":\"\"}}"), NULL);
    assert_string_equal(value("/resource/instanceType"), chosen);
    kt_admission_case_judge(&test,
                            inference("{\"resource\":{\"instanceType\":null},\"inference\":{\"preset\":{\"name\":"
                                      "\"llama-3.3-70b-instruct\"}}}"),
                            NULL);
    assert_string_not_equal(value("/resource/instanceType"), "");
    assert_string_not_equal(value("/resource/instanceType"), chosen);
}

/* Where a machine cannot be chosen nothing is made up; the refusal speaks instead. */
static void test_no_machine_is_invented(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "{\"resource\":{\"instanceType\":null},\"tuning\":{\"preset\":{\"name\":\"no-such-model\"}}}",
        "{\"resource\":{\"instanceType\":null},\"tuning\":{\"preset\":null}}",
        "{\"resource\":{\"instanceType\":null},\"tuning\":{\"method\":\"bogus\"}}",
        "{\"resource\":{\"instanceType\":null},\"tuning\":{\"preset\":{\"name\":\"owner/model\"}}}",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(changes); i++) {
        kt_admission_case_judge(&test, tuning(changes[i]), NULL);
        assert_string_equal(value("/resource/instanceType"), "");
        assert_null(kt_admission_case_finding(&test, "D02", NULL));
    }
    kt_settings_set_cloud(&test.settings, "");
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"instanceType\":null}}"), NULL);
    assert_string_equal(value("/resource/instanceType"), "");
}

static void test_own_nodes_get_no_machine_and_no_labels(void **state)
{
    (void)state;
    test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = true;
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"instanceType\":null,\"labelSelector\":null}}"), NULL);
    assert_string_equal(kt_admission_case_patch(&test), "[]");
}

static void test_strength_only_with_transformers(void **state)
{
    (void)state;
    static const char *const adapters = "\"inference\":{\"adapters\":[{\"source\":{\"name\":\"a\"}},"
                                        "{\"source\":{\"name\":\"b\"},\"strength\":\"0.5\"}]}}";
    kt_admission_case_judge(&test, inference(kt_arena_printf(&test.arena, "{%s", adapters)), NULL);
    assert_string_equal(kt_admission_case_patch(&test), "[]");
    kt_admission_case_judge(
        &test,
        inference(kt_arena_printf(
            &test.arena, "{\"metadata\":{\"annotations\":{\"kaito.sh/runtime\":\"transformers\"}},%s", adapters)),
        NULL);
    assert_string_equal(kt_admission_case_patch(&test),
                        "[{\"op\":\"add\",\"path\":\"/inference/adapters/0/strength\",\"value\":\"1.0\"}]");
}

static void test_float16_is_announced(void **state)
{
    (void)state;
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"}}"), NULL);
    assert_int_equal(test.defaulting.applied_count, 1);
    assert_string_equal(test.defaulting.applied[0].row->id, "D07");
    assert_null(test.defaulting.applied[0].pointer);
    assert_string_equal(kt_json_string(test.defaulting.applied[0].value), "qlora-params-template-below-8.0");
    assert_string_equal(kt_admission_case_patch(&test), "[]");
    kt_admission_case_judge(
        &test, tuning("{\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"},\"tuning\":{\"config\":\"mine\"}}"), NULL);
    assert_int_equal(test.defaulting.applied_count, 0);
    /* Upstream's operator has no such template. */
    assert_int_equal(kt_settings_set_kaito_version(&test.settings, "v0.12.0", NULL), 0);
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"}}"), NULL);
    assert_int_equal(test.defaulting.applied_count, 0);
}

static void test_float16_is_announced_for_own_nodes(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        size_t announced;
    } rows[] = {{"\"nvidia.com/gpu.compute.major\":\"7\",\"nvidia.com/gpu.compute.minor\":\"5\"", 1},
                {"\"nvidia.com/gpu.product\":\"Tesla-V100-PCIE-16GB\"", 1},
                {"\"nvidia.com/gpu.product\":\"NVIDIA-A10\"", 0},
                {"\"other\":\"x\"", 0}};
    test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = true;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        cJSON *objects =
            kt_test_json(&test.arena, kt_arena_printf(&test.arena,
                                                      "[{\"kind\":\"Node\",\"metadata\":{\"name\":\"n\",\"labels\":{"
                                                      "\"app\":\"tune\",%s}}}]",
                                                      rows[i].labels));
        test.cluster = kt_cluster_from_objects(&test.arena, objects, &test.storage);
        kt_admission_case_judge(&test, tuning("{\"resource\":{\"instanceType\":null}}"), NULL);
        assert_int_equal(test.defaulting.applied_count, rows[i].announced);
    }
}

/* Applying the same short file again must not look like a change. */
static void test_update_carries_over(void **state)
{
    (void)state;
    cJSON *old =
        tuning("{\"resource\":{\"count\":1},\"tuning\":{\"method\":\"lora\",\"preset\":{\"accessMode\":\"private\"}}}");
    cJSON *now = tuning("{\"resource\":{\"count\":null,\"instanceType\":null,\"labelSelector\":null},"
                        "\"tuning\":{\"method\":null,\"preset\":{\"accessMode\":null}}}");
    kt_admission_case_judge(&test, now, old);
    assert_string_equal(value("/resource/count"), "1");
    assert_string_equal(value("/resource/instanceType"), "\"Standard_NC24ads_A100_v4\"");
    assert_string_equal(value("/resource/labelSelector"), "{\"matchLabels\":{\"app\":\"tune\"}}");
    assert_string_equal(value("/tuning/method"), "\"lora\"");
    assert_string_equal(value("/tuning/preset/accessMode"), "\"private\"");
}

static void test_update_invents_nothing_else(void **state)
{
    (void)state;
    cJSON *old = tuning("{\"resource\":{\"instanceType\":null}}");
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"instanceType\":null}}"), old);
    assert_string_equal(value("/resource/instanceType"), "");
    /* The parent is gone: the user took it out. It is not put back together from the old one, nor made anew: in a new
     * one the next round would find a place for what the old one had. */
    kt_admission_case_judge(&test, tuning("{\"resource\":null}"), tuning("{}"));
    assert_string_equal(value("/resource"), "");
    kt_admission_case_judge(&test, tuning("{\"resource\":null}"), tuning("{\"resource\":null}"));
    assert_string_equal(value("/resource/labelSelector"), "{\"matchLabels\":{\"apps\":\"tune\"}}");
}

static void test_what_is_deleted_or_wrong_is_left_alone(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},\"resource\":{\"count\":null}}",
        "{\"resource\":{\"count\":null,\"instanceType\":5}}",
        "{\"resource\":\"x\"}",
        "{\"resource\":{\"count\":null},\"tuning\":{\"input\":{\"urls\":{}}}}",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(changes); i++) {
        kt_admission_case_judge(&test, tuning(changes[i]), NULL);
        assert_string_equal(kt_admission_case_patch(&test), "[]");
    }
}

/* --- properties over all examples ----------------------------------------------------------------------------------*/

static void default_twice(cJSON *object)
{
    struct kt_error error = {0};
    cJSON *original = kt_json_clone(&test.arena, object);
    kt_admission_case_judge(&test, object, NULL);
    cJSON *mutated = test.defaulting.mutated;
    cJSON *patched = kt_json_clone(&test.arena, original);
    assert_int_equal(kt_json_patch_apply(&test.arena, &patched, test.defaulting.patch, &error), 0);
    assert_true(kt_json_equal(patched, mutated));
    assert_true(kt_json_equal(object, original)); /* the request's own object is not touched */
    kt_admission_case_judge(&test, kt_json_clone(&test.arena, mutated), NULL);
    assert_string_equal(kt_admission_case_patch(&test), "[]");
}

static void test_twice_is_once(void **state)
{
    (void)state;
    static const char *const folders[] = {"examples/fine-tuning", "examples/inference", "examples/refused"};
    static const char *const gates[] = {"vLLM=true", "vLLM=false", "disableNodeAutoProvisioning=true"};
    size_t objects = 0;
    for (size_t f = 0; f < KT_ARRAY_LENGTH(folders); f++) {
        size_t count = 0;
        const char *const *files = kt_test_list_files(&test.arena, folders[f], ".yaml", &count);
        for (size_t i = 0; i < count * KT_ARRAY_LENGTH(gates); i++) {
            struct kt_error error = {0};
            struct kt_yaml_documents documents = {0};
            struct kt_str text = kt_test_read_file(&test.arena, files[i % count]);
            kt_settings_init(&test.settings);
            assert_int_equal(kt_settings_parse_gates(&test.settings, kt_str(gates[i / count]), &error), 0);
            assert_int_equal(kt_yaml_parse(&test.arena, text, &documents, &error), 0);
            for (size_t d = 0; d < documents.count; d++) {
                cJSON *root = documents.items[d].root;
                if (kt_streq(kt_json_string_or(kt_json_get(root, "kind"), ""), "Workspace")) {
                    default_twice(root);
                    objects++;
                }
            }
        }
    }
    assert_true(objects > 100);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_whole_object_is_left_alone),
        TEST(test_each_default),
        TEST(test_parents_are_made_once),
        TEST(test_the_cheapest_machine),
        TEST(test_no_machine_is_invented),
        TEST(test_own_nodes_get_no_machine_and_no_labels),
        TEST(test_strength_only_with_transformers),
        TEST(test_float16_is_announced),
        TEST(test_float16_is_announced_for_own_nodes),
        TEST(test_update_carries_over),
        TEST(test_update_invents_nothing_else),
        TEST(test_what_is_deleted_or_wrong_is_left_alone),
        TEST(test_twice_is_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
